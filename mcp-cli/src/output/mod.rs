//! What is shown, and how.
//!
//! Everything that comes from a server goes through [`plain`] on its way.

pub(crate) mod content;
pub(crate) mod image;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod paint;
pub(crate) mod plain;
pub(crate) mod printer;
pub(crate) mod progress;
pub(crate) mod table;
pub(crate) mod trace;

use std::io::{self, IsTerminal};

use console::Term;

use crate::cli::Options;
use paint::Paint;

/// What standard output and standard error are, and what is wanted of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    /// One JSON document instead of text.
    pub(crate) json: bool,
    /// Colours for standard output.
    pub(crate) out: Paint,
    /// Colours for standard error.
    pub(crate) err: Paint,
    /// Whether a progress bar can be drawn on standard error.
    pub(crate) bar: bool,
    /// Whether somebody can be asked.
    pub(crate) asks: bool,
    /// How pictures can be shown on standard output.
    pub(crate) pictures: image::Graphics,
    /// How many columns standard output has, if it is a terminal.
    pub(crate) width: Option<usize>,
}

impl Console {
    /// Looks at the streams and the environment.
    pub(crate) fn find(options: &Options) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let terminal = out.is_terminal();
        Self {
            json: options.json,
            out: Paint::choose(options.color, &out),
            err: Paint::choose(options.color, &err),
            bar: err.is_terminal() && !options.verbose,
            asks: io::stdin().is_terminal() && err.is_terminal(),
            pictures: if terminal { image::Graphics::find() } else { image::Graphics::None },
            width: terminal.then(|| usize::from(Term::stdout().size().1)),
        }
    }

    /// How many columns JSON may take before it is spread over lines.
    pub(crate) fn json_width(&self) -> usize {
        self.width.unwrap_or(100).max(40)
    }
}

/// A number of bytes for people.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// A number of things, in words that fit.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!([size(9), size(49_152), size(2_000_000)], ["9 bytes", "48 KiB", "1.9 MiB"]);
        assert_eq!([count(1, "tool", "tools"), count(0, "tool", "tools")], ["1 tool", "0 tools"]);
    }
}
