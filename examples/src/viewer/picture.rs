//! PNG pictures: how large they are, and how they look on a terminal.

use std::io::Cursor;

use mcp_client::Error;
use png::{Decoder, Transformations};

/// A decoded picture.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
    /// Bytes a pixel: three or four of colour, or one or two of grey.
    samples: usize,
    pixels: Vec<u8>,
}

impl Picture {
    /// Reads a PNG file.
    ///
    /// # Errors
    ///
    /// [`Error::PeerMisbehaved`] when it is none, or has more than 16 million pixels.
    pub fn decode(png: &[u8]) -> Result<Self, Error> {
        let broken = |why: String| Error::PeerMisbehaved(format!("its picture is no PNG: {why}"));
        let mut decoder = Decoder::new(Cursor::new(png));
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().map_err(|error| broken(error.to_string()))?;
        let size = reader.output_buffer_size().filter(|size| *size <= LARGEST);
        let mut pixels = vec![0; size.ok_or_else(|| broken("it is too large".to_owned()))?];
        let frame = reader.next_frame(&mut pixels).map_err(|error| broken(error.to_string()))?;
        let samples = frame.color_type.samples();
        Ok(Self { width: frame.width, height: frame.height, samples, pixels })
    }

    /// The picture in half blocks, two pixels a character, at most `columns` wide.
    ///
    /// Needs a terminal with 24-bit colours.
    pub fn half_blocks(&self, columns: u32) -> String {
        let columns = columns.min(self.width).max(1);
        let rows = (self.height * columns / self.width.max(1) / 2).max(1);
        let mut text = String::new();
        for row in 0..rows {
            text.push_str("  ");
            for column in 0..columns {
                let [top, bottom] =
                    [2 * row, 2 * row + 1].map(|line| self.mean(column, line, columns, 2 * rows));
                text.push_str(&format!(
                    "\x1b[38;2;{};{};{}m\x1b[48;2;{};{};{}m▀",
                    top[0], top[1], top[2], bottom[0], bottom[1], bottom[2]
                ));
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// The mean colour of one of `across` by `down` equal parts.
    fn mean(&self, column: u32, row: u32, across: u32, down: u32) -> [u8; 3] {
        let range = |at: u32, parts: u32, length: u32| {
            let from = at * length / parts;
            from..((at + 1) * length / parts).max(from + 1).min(length)
        };
        let mut sums = [0_u64; 3];
        let mut count = 0;
        for y in range(row, down, self.height) {
            for x in range(column, across, self.width) {
                let at = (y as usize * self.width as usize + x as usize) * self.samples;
                let Some(pixel) = self.pixels.get(at..at + self.samples) else { continue };
                let colour =
                    if self.samples < 3 { [pixel[0]; 3] } else { [pixel[0], pixel[1], pixel[2]] };
                for (sum, part) in sums.iter_mut().zip(colour) {
                    *sum += u64::from(part);
                }
                count += 1;
            }
        }
        // The mean of bytes is a byte.
        sums.map(|sum| (sum / count.max(1)) as u8)
    }
}

const LARGEST: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidsrus::{Catalogue, frame};

    #[test]
    fn a_frame_becomes_half_blocks() {
        let catalogue = Catalogue::bundled();
        let frame = frame::render(catalogue.film("nosferatu").unwrap(), 93, 240).unwrap();
        let picture = Picture::decode(&frame.png).unwrap();
        assert_eq!((picture.width, picture.height), (320, 240));
        let text = picture.half_blocks(64);
        assert_eq!(text.lines().count(), 24);
        assert!(text.lines().all(|line| line.matches('▀').count() == 64));
    }

    #[test]
    fn what_is_no_png_is_an_error() {
        assert!(Picture::decode(b"GIF89a").is_err());
    }
}
