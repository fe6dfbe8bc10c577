//! A small font of its own: capital letters, digits and the signs that captions need.
//!
//! Each glyph is a grid of five by seven points. It is drawn smoothly at any size by interpolating
//! between the points, which rounds the corners. The module knows nothing of pictures: it hands
//! every touched pixel to the caller with the part of it that is covered.

use super::search;

/// The height of a glyph in points.
pub(super) const TALL: f32 = 7.0;

/// The width of `text` in points.
pub(super) fn width(text: &str) -> f32 {
    let letters = glyphs(text).count() as f32;
    (letters * ADVANCE - (ADVANCE - WIDE)).max(0.0)
}

/// `text` cut so that it is at most `most` points wide, with an ellipsis if it was cut.
pub(super) fn fitted(text: &str, most: f32) -> String {
    if width(text) <= most {
        return text.into();
    }
    let room = ((most + 1.0) / ADVANCE) as usize;
    let kept: String = text.chars().take(room.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// `text` broken into lines of at most `most` points where there are blanks.
pub(super) fn wrapped(text: &str, most: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + width(word) + 2.0 * ADVANCE - WIDE <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}

/// Draws `text` with its top left corner at pixel (`left`, `top`), `point` pixels to the point.
///
/// `plot` gets the place of each pixel and how much of it the text covers.
pub(super) fn draw(
    text: &str,
    left: f32,
    top: f32,
    point: f32,
    mut plot: impl FnMut(usize, usize, f32),
) {
    for (position, rows) in glyphs(text).enumerate() {
        let start = left + position as f32 * ADVANCE * point;
        let (from_x, to_x) = (start - point, start + (WIDE + 1.0) * point);
        let (from_y, to_y) = (top - point, top + (TALL + 1.0) * point);
        for y in from_y.max(0.0) as usize..to_y.max(0.0) as usize {
            let down = (y as f32 + 0.5 - top) / point - 0.5;
            for x in from_x.max(0.0) as usize..to_x.max(0.0) as usize {
                let across = (x as f32 + 0.5 - start) / point - 0.5;
                // The edge of a stroke lies where half of the neighbourhood is set; the slope
                // around it is one pixel wide, whatever the size.
                let ink = sample(&rows, across, down);
                let cover = ((ink - 0.44) * point.max(1.0) + 0.5).clamp(0.0, 1.0);
                if cover > 0.0 {
                    plot(x, y, cover);
                }
            }
        }
    }
}

fn sample(rows: &[u8; 7], across: f32, down: f32) -> f32 {
    let (column, row) = (across.floor(), down.floor());
    let (part_x, part_y) = (across - column, down - row);
    let set = |x: f32, y: f32| {
        if !(0.0..WIDE).contains(&x) || !(0.0..TALL).contains(&y) {
            return 0.0;
        }
        f32::from(rows[y as usize] >> (4 - x as u8) & 1)
    };
    let upper = set(column, row) * (1.0 - part_x) + set(column + 1.0, row) * part_x;
    let lower = set(column, row + 1.0) * (1.0 - part_x) + set(column + 1.0, row + 1.0) * part_x;
    upper * (1.0 - part_y) + lower * part_y
}

fn glyphs(text: &str) -> impl Iterator<Item = [u8; 7]> {
    search::fold(text).chars().map(glyph).collect::<Vec<_>>().into_iter()
}

fn glyph(c: char) -> [u8; 7] {
    match c.to_ascii_uppercase() {
        'A' => [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        'B' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110],
        'C' => [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110],
        'D' => [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110],
        'E' => [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111],
        'F' => [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000],
        'G' => [0b01110, 0b10001, 0b10000, 0b10111, 0b10001, 0b10001, 0b01111],
        'H' => [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001],
        'I' => [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        'J' => [0b00111, 0b00010, 0b00010, 0b00010, 0b00010, 0b10010, 0b01100],
        'K' => [0b10001, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b10001],
        'L' => [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
        'M' => [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001],
        'N' => [0b10001, 0b11001, 0b10101, 0b10101, 0b10011, 0b10001, 0b10001],
        'O' => [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        'P' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000],
        'Q' => [0b01110, 0b10001, 0b10001, 0b10001, 0b10101, 0b10010, 0b01101],
        'R' => [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001],
        'S' => [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110],
        'T' => [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100],
        'U' => [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        'V' => [0b10001, 0b10001, 0b10001, 0b10001, 0b01010, 0b01010, 0b00100],
        'W' => [0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001],
        'X' => [0b10001, 0b10001, 0b01010, 0b00100, 0b01010, 0b10001, 0b10001],
        'Y' => [0b10001, 0b10001, 0b01010, 0b00100, 0b00100, 0b00100, 0b00100],
        'Z' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b11111],
        '0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        '2' => [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        '3' => [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
        '4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        '6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        '7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b00100, 0b01000, 0b01000],
        '8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        '9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        ':' => [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
        ';' => [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b01000],
        '.' => [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b00100, 0b00100],
        ',' => [0b00000, 0b00000, 0b00000, 0b00000, 0b00100, 0b00100, 0b01000],
        '-' | '–' | '—' => [0b00000, 0b00000, 0b00000, 0b01110, 0b00000, 0b00000, 0b00000],
        '\'' | '’' | '‘' => [0b00100, 0b00100, 0b01000, 0b00000, 0b00000, 0b00000, 0b00000],
        '"' | '“' | '”' => [0b01010, 0b01010, 0b00000, 0b00000, 0b00000, 0b00000, 0b00000],
        '!' => [0b00100, 0b00100, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100],
        '?' => [0b01110, 0b10001, 0b00001, 0b00110, 0b00100, 0b00000, 0b00100],
        '&' => [0b01100, 0b10010, 0b10100, 0b01000, 0b10101, 0b10010, 0b01101],
        '/' => [0b00001, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b10000],
        '(' => [0b00010, 0b00100, 0b01000, 0b01000, 0b01000, 0b00100, 0b00010],
        ')' => [0b01000, 0b00100, 0b00010, 0b00010, 0b00010, 0b00100, 0b01000],
        c if c.is_whitespace() => [0; 7],
        // Everything the font lacks is an empty box, so that a reader sees something is missing.
        _ => [0b11111, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11111],
    }
}

const WIDE: f32 = 5.0;
const ADVANCE: f32 = 6.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidsrus::Catalogue;

    #[test]
    fn every_text_of_the_catalogue_can_be_drawn() {
        let missing = glyph('\u{2603}');
        for film in Catalogue::bundled().films() {
            let lines = film.intertitles.iter().map(|line| &line.text);
            for text in lines.chain([&film.title, &film.director]) {
                assert!(glyphs(text).all(|rows| rows != missing), "{text}");
            }
        }
    }

    #[test]
    fn drawing_stays_inside_the_measured_width() {
        let (mut right, mut bottom) = (0, 0);
        draw("METROPOLIS", 0.0, 0.0, 3.0, |x, y, _| {
            right = right.max(x);
            bottom = bottom.max(y);
        });
        assert!(right as f32 <= width("METROPOLIS") * 3.0 + 1.0);
        assert!(bottom as f32 <= TALL * 3.0 + 1.0);
    }

    #[test]
    fn long_text_wraps_or_is_cut() {
        let lines = wrapped("one two three four", width("one two"));
        assert_eq!(lines, ["one two", "three", "four"]);
        assert_eq!(fitted("one two three", width("one two")), "one...");
    }
}
