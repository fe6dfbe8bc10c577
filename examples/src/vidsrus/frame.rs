//! One frame of a film as a PNG file.
//!
//! The module puts a scene or a card through the projector: it sets exposure and vignette, adds
//! scratches and grain, frames the picture with black bars and writes captions into them. Every
//! pixel is one of some seventy tones of the film's own colours, like a tinted print, so a file
//! needs one byte a pixel before compression. What is in the picture is drawn elsewhere.

use std::{borrow::Cow, f32::consts::TAU, io};

use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use thiserror::Error;

use super::{
    canvas::{Canvas, chance, hash},
    film::{Colour, Film},
    font, scene,
};

/// The least height of a frame, in lines.
pub const MIN_HEIGHT: u32 = 72;

/// The greatest height of a frame, in lines.
pub const MAX_HEIGHT: u32 = 2160;

/// A picture as a PNG file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// The bytes of the file.
    pub png: Vec<u8>,
}

/// Renders the frame that `film` shows at `second`, `height` lines tall.
///
/// The same arguments give the same bytes. A frame of 1080 lines takes some tens of milliseconds
/// of computing in a release build; an async caller hands that to a blocking thread.
///
/// # Errors
///
/// If the film is over at `second`, or `height` is not within [`MIN_HEIGHT`] and [`MAX_HEIGHT`].
pub fn render(film: &Film, second: u32, height: u32) -> Result<Frame, FrameError> {
    let last = film.seconds.get() - 1;
    if second > last {
        return Err(FrameError::FilmIsOver { second, last });
    }
    if !(MIN_HEIGHT..=MAX_HEIGHT).contains(&height) {
        return Err(FrameError::Height { height });
    }
    let mut picture = Picture::of(film, second, film.width_at(height), height);
    picture.captions(film, second);
    Ok(Frame { width: picture.width, height: picture.height, png: picture.png(film)? })
}

/// A time as hours, minutes and seconds.
pub fn timecode(second: u32) -> String {
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// A frame could not be rendered.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The film is over by then.
    #[error("the film is over at second {second}: ask for 0 to {last}")]
    FilmIsOver {
        /// The second asked for.
        second: u32,
        /// The last second there is.
        last: u32,
    },
    /// No frame has this height.
    #[error("no frame is {height} lines tall: ask for {MIN_HEIGHT} to {MAX_HEIGHT}")]
    Height {
        /// The height asked for.
        height: u32,
    },
    /// The picture could not be written as PNG.
    #[error("cannot write the picture as PNG: {0}")]
    Png(#[from] io::Error),
}

/// A picture in tones of one film: 0 is black, [`TONES`] the lightest colour.
pub(super) struct Picture {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) tones: Vec<u8>,
}

impl Picture {
    /// A black picture.
    pub(super) fn black(width: u32, height: u32) -> Self {
        Self { width, height, tones: vec![0; width as usize * height as usize] }
    }

    /// The frame of a film without captions.
    pub(super) fn of(film: &Film, second: u32, width: u32, height: u32) -> Self {
        let bar = bar(height);
        let inner = height as usize - 2 * bar;
        let mut canvas = Canvas::new(width as usize, inner);
        let card = Card::of(film, second);
        match &card {
            Some(card) => card.draw(&mut canvas, width as usize, inner),
            None => scene::draw(&mut canvas, film, second),
        }
        let mut picture = Self::black(width, height);
        picture.project(&canvas, film, second, card.is_some());
        picture
    }

    /// Puts the canvas between the bars, as an old projector would.
    fn project(&mut self, canvas: &Canvas, film: &Film, second: u32, card: bool) {
        let (bar, width) = (bar(self.height), self.width as usize);
        let inner = self.height as f32 - 2.0 * bar as f32;
        let seed = hash(scene::seed(film), second as i32, 3);
        let flicker = 0.97 + 0.05 * chance(seed, 1, 1);
        let grain = (inner / 500.0).round().max(1.0) as usize;
        let middle = width as f32 / 2.0;
        let columns: Vec<(f32, f32)> = (0..width)
            .map(|x| ((x as f32 - middle) / inner, scratch(seed, x as f32 / inner)))
            .collect();
        let aperture = iris(film, second).filter(|_| !card);
        let rows = self.tones.chunks_exact_mut(width).skip(bar);
        for ((y, row), line) in rows.enumerate().zip(canvas.rows()) {
            let dv = y as f32 / inner - 0.5;
            let dv2 = dv * dv;
            for (x, ((level, tone), (du, scratch))) in
                row.iter_mut().zip(line).zip(&columns).enumerate()
            {
                let away2 = du * du * 0.6 + dv2;
                let mut light = tone * flicker * (1.0 - 0.85 * away2 * (0.35 + away2)) + scratch;
                if let Some(open) = aperture {
                    light *= ((open - (du * du + dv2).sqrt()) * 30.0).clamp(0.0, 1.0);
                }
                let dust = hash(seed, (x / grain) as i32, (y / grain) as i32);
                let noise = (dust & 0xff) as f32 + (dust >> 8 & 0xff) as f32 - 255.0;
                let fine = light * f32::from(TONES - 1) + noise * GRAIN;
                // A float cast saturates, so a tone below the darkest stays the darkest.
                *level = 1 + ((fine + 0.5) as u8).min(TONES - 1);
            }
        }
        if !card {
            self.specks(seed, bar);
        }
    }

    /// A hair or a grain of dust in the gate.
    fn specks(&mut self, seed: u32, bar: usize) {
        let unit = self.height as f32;
        for speck in 0..(hash(seed, 5, 5) % 6) as i32 {
            let (mut u, mut v) = (chance(seed, speck, 11), chance(seed, speck, 12));
            let mut angle = TAU * chance(seed, speck, 13);
            let tone = if chance(seed, speck, 14) < 0.6 { TONES } else { 2 };
            let steps = if chance(seed, speck, 15) < 0.25 { 40 } else { 3 };
            for step in 0..steps {
                let x = (u * self.width as f32) as u32;
                let y = (v * unit) as usize;
                if x < self.width && y > bar && y + bar < self.height as usize {
                    let at = y * self.width as usize + x as usize;
                    self.tones[at] = self.tones[at] / 2 + tone / 2;
                }
                angle += 0.4 * (chance(seed, speck, 20 + step) - 0.45);
                u += angle.cos() * 0.7 / self.width as f32;
                v += angle.sin() * 0.7 / unit;
            }
        }
    }

    /// Title and time in the lower bar.
    fn captions(&mut self, film: &Film, second: u32) {
        let bar = bar(self.height) as f32;
        let point = (bar * 0.42 / font::TALL).max(1.0);
        let middle = self.height as f32 - bar / 2.0;
        let edge = bar * 0.6;
        let time = timecode(second);
        let right = self.width as f32 - edge - font::width(&time) * point;
        let top = middle - font::TALL * point / 2.0;
        self.write(&time, right, top, point, TONES * 3 / 4);
        let room = right - 2.0 * edge;
        let name = format!("{} ({})", film.title, film.year);
        // A long title is written smaller before it is cut.
        let point = (room / font::width(&name)).clamp((point * 0.7).max(1.0).min(point), point);
        let name = font::fitted(&name, room / point);
        self.write(&name, edge, middle - font::TALL * point / 2.0, point, TONES);
    }

    /// Writes a line of text over the picture.
    pub(super) fn write(&mut self, text: &str, left: f32, top: f32, point: f32, tone: u8) {
        let (width, height) = (self.width as usize, self.height as usize);
        font::draw(text, left, top, point, |x, y, cover| {
            if x < width && y < height {
                let old = &mut self.tones[y * width + x];
                let mixed = f32::from(*old) + (f32::from(tone) - f32::from(*old)) * cover;
                *old = mixed as u8;
            }
        });
    }

    /// The picture as a PNG file in the colours of the film.
    pub(super) fn png(&self, film: &Film) -> Result<Vec<u8>, FrameError> {
        let mut file = Vec::with_capacity(self.tones.len() / 4);
        let mut encoder = Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_palette(Cow::Owned(palette(film.look.tones.colours())));
        encoder.set_compression(COMPRESSION);
        encoder.set_filter(FILTER);
        let mut writer = encoder.write_header().map_err(io::Error::from)?;
        writer.write_image_data(&self.tones).map_err(io::Error::from)?;
        writer.finish().map_err(io::Error::from)?;
        Ok(file)
    }
}

/// The greatest tone of a picture.
pub(super) const TONES: u8 = 72;

/// A screen full of text.
struct Card {
    large: String,
    small: Vec<String>,
}

impl Card {
    const OPENING: u32 = 5;
    const CLOSING: u32 = 6;

    /// The card on the screen at `second`, if there is one.
    fn of(film: &Film, second: u32) -> Option<Self> {
        if let Some(line) = film.intertitle_at(second) {
            return Some(Self { large: line.text.clone(), small: Vec::new() });
        }
        if second < Self::OPENING {
            let small = vec![format!("directed by {}", film.director), film.year.to_string()];
            return Some(Self { large: film.title.clone(), small });
        }
        let left = film.seconds.get().saturating_sub(second);
        (left <= Self::CLOSING).then(|| Self { large: "The End".into(), small: Vec::new() })
    }

    fn draw(&self, canvas: &mut Canvas, width: usize, height: usize) {
        let aspect = canvas.aspect();
        canvas.glow(aspect / 2.0, 0.5, 0.5, 0.16);
        for (inset, half, tone) in [(0.06, 0.0035, 0.72), (0.082, 0.0016, 0.5)] {
            let (right, bottom) = (aspect - inset, 1.0 - inset);
            let corners = [[inset, inset], [right, inset], [right, bottom], [inset, bottom]];
            for corner in 0..4 {
                canvas.stroke(corners[corner], corners[(corner + 1) % 4], [half; 2], tone);
            }
        }
        for u in [0.071, aspect - 0.071] {
            for v in [0.071, 0.929] {
                for (radius, tone) in [(0.042, 0.72), (0.036, 0.08), (0.024, 0.6), (0.014, 0.08)] {
                    canvas.disc(u, v, radius, tone);
                }
            }
        }
        let (unit, room) = (height as f32, width as f32 - height as f32 * 0.32);
        let (mut point, mut lines) = (0.0, Vec::new());
        for size in [0.0135, 0.0115, 0.0098, 0.0082, 0.0065, 0.005] {
            point = (size * unit).max(0.8);
            lines = font::wrapped(&self.large, room / point);
            let widest = lines.iter().map(|line| font::width(line)).fold(0.0, f32::max);
            if widest * point <= room && lines.len() as f32 * 11.0 * point <= unit * 0.55 {
                break;
            }
        }
        let small = (0.0062 * unit).max(0.8);
        let tall = lines.len() as f32 * 11.0 * point + self.small.len() as f32 * 14.0 * small;
        let mut top = (unit - tall) / 2.0 + 2.0 * point;
        let fitting = |line: &str| small.min(room / font::width(line));
        let texts = lines.iter().map(|line| (line, point, 11.0));
        let notes = self.small.iter().map(|line| (line, fitting(line), 14.0));
        for (text, point, spacing) in texts.chain(notes) {
            let left = (width as f32 - font::width(text) * point) / 2.0;
            let top_of_line = top + (spacing - 11.0) * point;
            font::draw(text, left, top_of_line, point, |x, y, cover| canvas.mix(x, y, 0.95, cover));
            top += spacing * point;
        }
    }
}

/// The height of a black bar above and below the picture.
fn bar(height: u32) -> usize {
    (height as usize * 2).div_ceil(25)
}

/// The brightness that scratches along the film add at `u`.
fn scratch(seed: u32, u: f32) -> f32 {
    // A scratch stays nearly where it was for a while, so its place is not random each second.
    (0..2)
        .map(|which| {
            let at =
                1.8 * chance(seed >> 31 ^ 0x51, which, 7) - 0.9 + 0.01 * chance(seed, which, 8);
            let shown = if chance(seed, which, 9) < 0.45 { 0.13 } else { 0.0 };
            shown * (1.0 - (u - 0.9 - at).abs() * 520.0).max(0.0)
        })
        .sum()
}

/// How wide the iris is open: it opens after the first card and closes before the last.
fn iris(film: &Film, second: u32) -> Option<f32> {
    let since = second.saturating_sub(Card::OPENING) as f32;
    let left = film.seconds.get().saturating_sub(Card::CLOSING + second) as f32;
    let steps = since.min(left);
    (steps < 5.0).then_some(0.12 + 0.2 * steps)
}

/// Three bytes for each tone, from black through the film's colours.
fn palette(colours: &[Colour]) -> Vec<u8> {
    let mut palette = vec![0, 0, 0];
    let pairs = colours.len().saturating_sub(1).max(1);
    for tone in 0..TONES {
        let at = f32::from(tone) / f32::from(TONES - 1) * pairs as f32;
        let first = (at as usize).min(pairs - 1);
        let (from, to) = (colours[first], colours[(first + 1).min(colours.len() - 1)]);
        let part = at - first as f32;
        let between = |a: u8, b: u8| (f32::from(a) + (f32::from(b) - f32::from(a)) * part) as u8;
        palette.extend([
            between(from.red, to.red),
            between(from.green, to.green),
            between(from.blue, to.blue),
        ]);
    }
    palette
}

const GRAIN: f32 = 0.0062;
const COMPRESSION: Compression = Compression::Fast;
const FILTER: Filter = Filter::Paeth;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidsrus::Catalogue;

    fn frame(id: &str, second: u32, height: u32) -> Frame {
        render(Catalogue::bundled().film(id).unwrap(), second, height).unwrap()
    }

    fn tones(frame: &Frame) -> Vec<u8> {
        let mut reader = png::Decoder::new(io::Cursor::new(&frame.png)).read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width, info.height), (frame.width, frame.height));
        let mut tones = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut tones).unwrap();
        tones
    }

    #[test]
    fn a_frame_is_a_png_of_the_size_it_says() {
        let frame = frame("nosferatu", 93, 240);
        assert_eq!((frame.width, frame.height), (320, 240));
        let tones = tones(&frame);
        assert_eq!(tones.len(), 320 * 240);
        assert!(tones.iter().all(|tone| *tone <= TONES));
    }

    #[test]
    fn the_same_question_gives_the_same_bytes() {
        assert_eq!(frame("metropolis", 777, 144), frame("metropolis", 777, 144));
    }

    #[test]
    fn titles_and_seconds_look_different() {
        let one = tones(&frame("nosferatu", 93, 144));
        let differing = |other: &[u8]| {
            let far = one.iter().zip(other).filter(|(a, b)| a.abs_diff(**b) > 4).count();
            far as f64 / one.len() as f64
        };
        assert!(differing(&tones(&frame("nosferatu", 94, 144))) > 0.01);
        assert!(differing(&tones(&frame("nosferatu", 3000, 144))) > 0.1);
        assert!(differing(&tones(&frame("haxan", 93, 144))) > 0.1);
    }

    #[test]
    fn every_film_renders_at_start_middle_and_end() {
        for film in Catalogue::bundled().films() {
            let seconds = film.seconds.get();
            for second in [0, 7, film.intertitles[0].at, seconds / 2, seconds - 8, seconds - 1] {
                let tones = tones(&render(film, second, 96).unwrap());
                let (least, most) = (tones.iter().min().unwrap(), tones.iter().max().unwrap());
                assert!(most - least > TONES / 2, "{} has no contrast at {second}", film.id);
            }
        }
    }

    #[test]
    fn the_shortest_film_with_the_longest_title_renders() {
        let json = include_str!("catalogue.json");
        let mut json: serde_json::Value = serde_json::from_str(json).unwrap();
        let film = &mut json["films"][4];
        film["title"] = "W".repeat(200).into();
        film["seconds"] = 1.into();
        film["intertitles"] = serde_json::json!([]);
        let catalogue = Catalogue::parse(&json.to_string()).unwrap();
        let film = catalogue.film("nosferatu").unwrap();
        assert_eq!(film.seconds.get(), 1);
        for height in [MIN_HEIGHT, 101, 480] {
            render(film, 0, height).unwrap();
        }
    }

    #[test]
    fn bars_are_black_but_for_the_captions() {
        let frame = frame("charade", 100, 480);
        let tones = tones(&frame);
        let (width, bar) = (frame.width as usize, bar(480));
        assert!(tones[..bar * width].iter().all(|tone| *tone == 0));
        assert!(tones[(480 - bar) * width..].contains(&TONES));
    }

    #[test]
    fn what_cannot_be_rendered_is_refused_with_the_limits() {
        let catalogue = Catalogue::bundled();
        let film = catalogue.film("the-kid").unwrap();
        let refused = |second, height| render(film, second, height).unwrap_err().to_string();
        assert_eq!(refused(4080, 480), "the film is over at second 4080: ask for 0 to 4079");
        assert_eq!(refused(0, 10), "no frame is 10 lines tall: ask for 72 to 2160");
        assert_eq!(refused(0, u32::MAX), "no frame is 4294967295 lines tall: ask for 72 to 2160");
    }

    #[test]
    fn a_file_is_much_smaller_than_its_pixels() {
        let frame = frame("nosferatu", 93, 480);
        assert!(frame.png.len() * 2 < 640 * 480, "{} bytes", frame.png.len());
    }

    #[test]
    fn the_palette_runs_from_black_to_the_lightest_colour() {
        let catalogue = Catalogue::bundled();
        let palette = palette(catalogue.film("nosferatu").unwrap().look.tones.colours());
        assert_eq!(palette.len(), 3 * (usize::from(TONES) + 1));
        assert_eq!(palette[..6], [0, 0, 0, 0x04, 0x06, 0x0f]);
        assert_eq!(palette[palette.len() - 3..], [0xff, 0xf3, 0xd0]);
    }

    #[test]
    fn a_timecode_has_hours() {
        assert_eq!(timecode(3725), "01:02:05");
    }
}
