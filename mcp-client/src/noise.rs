//! What a server wrote that is no message: counted, reported within bounds, and passed over.

use mcp_core::jsonrpc::InvalidMessage;

use crate::text::{excerpt, one_line};

/// How much noise there was.
#[derive(Debug, Default)]
pub(crate) struct Noise {
    count: u64,
}

/// Words about one piece of noise, to be reported where nothing is locked.
#[must_use]
pub(crate) struct Heard {
    count: u64,
    what: String,
}

impl Noise {
    /// How often there was some.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Notes a line that is no message, or none that a server may send.
    pub(crate) fn heard(&mut self, problem: &InvalidMessage, line: &[u8]) -> Heard {
        self.note(|| {
            let problem = one_line(&problem.error.message, SHOWN);
            format!("{problem}; it begins: {}", excerpt(line, SHOWN))
        })
    }

    /// Notes a line that was too long to be kept.
    pub(crate) fn too_long(&mut self, length: usize) -> Heard {
        self.note(|| format!("a line of {length} bytes or more, longer than `Limits::line_bytes`"))
    }

    fn note(&mut self, what: impl FnOnce() -> String) -> Heard {
        self.count += 1;
        let shown = self.count <= EACH || self.count.is_power_of_two();
        Heard { count: self.count, what: if shown { what() } else { String::new() } }
    }
}

impl Heard {
    /// Writes the event; of many only some.
    pub(crate) fn report(self) {
        if !self.what.is_empty() {
            let Self { count, what } = self;
            tracing::warn!(target: "mcp::client", count, "passed over what is no message: {what}");
        }
    }
}

/// How many are reported one by one; later only each power of two.
const EACH: u64 = 16;
/// How many characters of a line are shown.
const SHOWN: usize = 120;
