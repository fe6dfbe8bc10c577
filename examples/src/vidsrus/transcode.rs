//! A long job that really computes: the storyboard of a film.
//!
//! A storyboard is one picture with many small ones, the kind a player shows above its time bar.
//! The job renders a frame for each sampled second, scales it down and puts it on the sheet. It
//! works in steps of a few milliseconds and knows no runtime: between two steps the caller may
//! yield, report [`Progress`] or drop the job, which is all that cancelling takes.

use thiserror::Error;

use super::{
    Film,
    frame::{FrameError, Picture, TONES, timecode},
};

/// The most thumbnails one storyboard may have.
pub const MAX_FRAMES: u32 = 120;

/// The least height of the stream a storyboard is made for.
pub const MIN_HEIGHT: u32 = 144;

/// The greatest height of the stream a storyboard is made for.
pub const MAX_HEIGHT: u32 = 1080;

/// The making of one storyboard.
///
/// # Examples
///
/// ```
/// use mcp_examples::vidsrus::{Catalogue, Job};
///
/// let catalogue = Catalogue::bundled();
/// let mut job = Job::new(catalogue.film("sherlock-jr")?, 240, 6)?;
/// while !job.progress().is_complete() {
///     let progress = job.step();
///     assert_eq!(progress.total, 6);
/// }
/// let storyboard = job.finish()?;
/// assert_eq!((storyboard.columns, storyboard.rows), (3, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Job {
    film: Film,
    seconds: Vec<u32>,
    done: usize,
    columns: u32,
    tile: [u32; 2],
    sheet: Sheet,
}

impl Job {
    /// Prepares the storyboard of `film` for a stream that is `height` lines tall, with `frames`
    /// thumbnails spread evenly over the film.
    ///
    /// A thumbnail is a sixth as tall as the stream. Nothing is rendered yet, but the memory of
    /// the sheet, seven megabytes at the most, is taken.
    ///
    /// # Errors
    ///
    /// If `height` or `frames` is out of range, or the film has fewer seconds than `frames`.
    pub fn new(film: &Film, height: u32, frames: u32) -> Result<Self, JobError> {
        if !(MIN_HEIGHT..=MAX_HEIGHT).contains(&height) {
            return Err(JobError::Height { height });
        }
        let most = MAX_FRAMES.min(film.seconds.get());
        if !(1..=most).contains(&frames) {
            return Err(JobError::Frames { frames, most });
        }
        // The middle of each of `frames` equal parts; a catalogue's film is at most a day long, so
        // the product stays far below the limit of 64 bits.
        let middle = |n: u32| {
            let halves = u64::from(2 * n + 1) * u64::from(film.seconds.get());
            (halves / u64::from(2 * frames)) as u32
        };
        let columns = (1..=frames).find(|columns| columns * columns >= frames).unwrap_or(frames);
        let rows = frames.div_ceil(columns);
        let tall = height / 6;
        let tile = [film.width_at(tall), tall];
        Ok(Self {
            film: film.clone(),
            seconds: (0..frames).map(middle).collect(),
            done: 0,
            columns,
            tile,
            sheet: Sheet(Picture::black(tile[0] * columns, tile[1] * rows)),
        })
    }

    /// Renders the next thumbnail.
    ///
    /// Takes some milliseconds, in a debug build some tens at the most. Does nothing more once the
    /// job is complete.
    pub fn step(&mut self) -> Progress {
        if let Some(second) = self.seconds.get(self.done).copied() {
            let [width, height] = self.tile;
            let large = Picture::of(&self.film, second, width * SCALE, height * SCALE);
            let mut small = shrunk(&large, SCALE);
            let point = (height as f32 / 90.0).max(1.0);
            let top = height as f32 - 8.0 * point;
            small.write(&timecode(second), 2.0 * point, top, point, TONES);
            // A storyboard has at most `MAX_FRAMES` tiles, so the position fits.
            let position = self.done as u32;
            self.sheet.paste(&small, position % self.columns, position / self.columns);
            self.done += 1;
        }
        self.progress()
    }

    /// How far the job is.
    pub fn progress(&self) -> Progress {
        Progress { done: self.done as u32, total: self.seconds.len() as u32 }
    }

    /// Renders what is left and hands out the storyboard.
    ///
    /// After the last step only the file remains to be written, which takes as long as a few steps.
    ///
    /// # Errors
    ///
    /// If the sheet cannot be written as PNG.
    pub fn finish(mut self) -> Result<Storyboard, FrameError> {
        while !self.step().is_complete() {}
        let Sheet(sheet) = &self.sheet;
        Ok(Storyboard {
            png: sheet.png(&self.film)?,
            width: sheet.width,
            height: sheet.height,
            columns: self.columns,
            rows: sheet.height / self.tile[1],
            tile_width: self.tile[0],
            tile_height: self.tile[1],
            film_seconds: self.film.seconds.get(),
            seconds: self.seconds,
        })
    }
}

/// How much of a job is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many thumbnails there are.
    pub done: u32,
    /// How many there will be.
    pub total: u32,
}

impl Progress {
    /// Whether there is nothing left to do.
    pub fn is_complete(self) -> bool {
        self.done >= self.total
    }
}

/// Many small pictures of a film on one sheet, in rows from the top left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storyboard {
    /// The bytes of the sheet as a PNG file.
    pub png: Vec<u8>,
    /// The width of the sheet in pixels.
    pub width: u32,
    /// The height of the sheet in pixels.
    pub height: u32,
    /// How many thumbnails stand in a row.
    pub columns: u32,
    /// How many rows there are.
    pub rows: u32,
    /// The width of a thumbnail in pixels.
    pub tile_width: u32,
    /// The height of a thumbnail in pixels.
    pub tile_height: u32,
    /// The second each thumbnail shows.
    pub seconds: Vec<u32>,
    film_seconds: u32,
}

impl Storyboard {
    /// The index a player needs, as WebVTT: which part of the sheet at `address` belongs to which
    /// part of the film.
    pub fn index(&self, address: &str) -> String {
        let mut text = String::from("WEBVTT\n");
        let count = self.seconds.len() as u32;
        let border = |n: u32| {
            let at = u64::from(n) * u64::from(self.film_seconds) / u64::from(count.max(1));
            timecode(at as u32)
        };
        for n in 0..count {
            let (x, y) = (n % self.columns * self.tile_width, n / self.columns * self.tile_height);
            let cue = format!(
                "\n{}.000 --> {}.000\n{address}#xywh={x},{y},{},{}\n",
                border(n),
                border(n + 1),
                self.tile_width,
                self.tile_height
            );
            text.push_str(&cue);
        }
        text
    }
}

/// A job cannot be started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JobError {
    /// No storyboard is made for this height.
    #[error("no storyboard is made for {height} lines: ask for {MIN_HEIGHT} to {MAX_HEIGHT}")]
    Height {
        /// The height asked for.
        height: u32,
    },
    /// A storyboard cannot have this many thumbnails.
    #[error("a storyboard of this film cannot have {frames} frames: ask for 1 to {most}")]
    Frames {
        /// The number asked for.
        frames: u32,
        /// The most there can be.
        most: u32,
    },
}

/// The sheet on which the thumbnails are put.
struct Sheet(Picture);

impl Sheet {
    fn paste(&mut self, tile: &Picture, column: u32, row: u32) {
        let (wide, left) = (tile.width as usize, (column * tile.width) as usize);
        let top = (row * tile.height) as usize;
        let lines = self.0.tones.chunks_exact_mut(self.0.width as usize).skip(top);
        for (line, from) in lines.zip(tile.tones.chunks_exact(wide)) {
            line[left..left + wide].copy_from_slice(from);
        }
    }
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sheet({} by {})", self.0.width, self.0.height)
    }
}

/// The picture scaled down: each pixel is the mean of a square of `scale` by `scale`.
fn shrunk(large: &Picture, scale: u32) -> Picture {
    let mut small = Picture::black(large.width / scale, large.height / scale);
    let (wide, side) = (large.width as usize, scale as usize);
    let area = scale * scale;
    let bands = large.tones.chunks_exact(wide * side);
    for (line, band) in small.tones.chunks_exact_mut(small.width as usize).zip(bands) {
        let mut sums = vec![area / 2; line.len()];
        for row in band.chunks_exact(wide) {
            for (sum, square) in sums.iter_mut().zip(row.chunks_exact(side)) {
                *sum += square.iter().map(|tone| u32::from(*tone)).sum::<u32>();
            }
        }
        for (pixel, sum) in line.iter_mut().zip(sums) {
            // A mean of bytes is a byte.
            *pixel = (sum / area) as u8;
        }
    }
    small
}

const SCALE: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidsrus::Catalogue;

    fn job(id: &str, height: u32, frames: u32) -> Result<Job, JobError> {
        Job::new(Catalogue::bundled().film(id).unwrap(), height, frames)
    }

    #[test]
    fn each_step_makes_one_thumbnail() {
        let mut job = job("nosferatu", 240, 5).unwrap();
        for done in 1..=5 {
            assert_eq!(job.step(), Progress { done, total: 5 });
        }
        assert_eq!(job.step(), Progress { done: 5, total: 5 });
    }

    #[test]
    fn the_sheet_holds_all_thumbnails_at_their_places() {
        let storyboard = job("charade", 480, 7).unwrap().finish().unwrap();
        assert_eq!((storyboard.columns, storyboard.rows), (3, 3));
        assert_eq!((storyboard.tile_width, storyboard.tile_height), (144, 80));
        assert_eq!((storyboard.width, storyboard.height), (432, 240));
        assert_eq!(storyboard.seconds.len(), 7);
        assert!(storyboard.seconds.is_sorted());
        let file = std::io::Cursor::new(&storyboard.png);
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut tones = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut tones).unwrap();
        let filled =
            |column: usize, row: usize| tones[(row * 80 + 40) * 432 + column * 144 + 70] > 0;
        assert!((0..7).all(|n| filled(n % 3, n / 3)));
        assert!(!filled(1, 2) && !filled(2, 2));
    }

    #[test]
    fn finish_does_what_steps_have_left() {
        let mut stepped = job("haxan", 144, 4).unwrap();
        while !stepped.step().is_complete() {}
        let at_once = job("haxan", 144, 4).unwrap().finish().unwrap();
        assert_eq!(stepped.finish().unwrap(), at_once);
    }

    #[test]
    fn the_index_covers_the_film_without_gaps() {
        let index = job("sherlock-jr", 480, 3).unwrap().finish().unwrap().index("board.png");
        assert_eq!(
            index,
            "WEBVTT\n\
             \n00:00:00.000 --> 00:15:00.000\nboard.png#xywh=0,0,108,80\n\
             \n00:15:00.000 --> 00:30:00.000\nboard.png#xywh=108,0,108,80\n\
             \n00:30:00.000 --> 00:45:00.000\nboard.png#xywh=0,80,108,80\n"
        );
    }

    #[test]
    fn a_job_out_of_range_is_refused_with_the_limits() {
        let refused = |height, frames| job("the-kid", height, frames).unwrap_err().to_string();
        assert_eq!(refused(100, 4), "no storyboard is made for 100 lines: ask for 144 to 1080");
        assert_eq!(
            refused(480, 0),
            "a storyboard of this film cannot have 0 frames: ask for 1 to 120"
        );
        assert!(job("the-kid", 480, u32::MAX).is_err());
    }

    #[test]
    fn shrinking_takes_the_mean_of_each_square() {
        let large = Picture { width: 4, height: 2, tones: vec![0, 10, 4, 4, 20, 30, 4, 4] };
        assert_eq!(shrunk(&large, 2).tones, [15, 4]);
    }
}
