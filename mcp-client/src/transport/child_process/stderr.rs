//! What a server writes to stderr: always read, so that the server never blocks
//! on it, and kept only up to a limit.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::process::{ChildStderr, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt;
#[cfg(unix)]
use tokio::net::unix::pipe::Receiver as Readable;
#[cfg(not(unix))]
use tokio::process::ChildStderr as Readable;

/// The `tracing` target of lines that servers write to stderr.
pub const STDERR_TARGET: &str = "mcp::server::stderr";

/// What happens to what a server writes to stderr.
///
/// Servers may log there freely, and writing there is no sign of an error
/// (MCP 2026-07-28, basic/transports/stdio).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stderr {
    /// Its end is kept, for error messages.
    #[default]
    Kept,
    /// Its end is kept, and each line becomes a `tracing` event of level INFO
    /// with target [`STDERR_TARGET`] and the fields `server` and `pid`. Lines
    /// beyond 4 KiB are cut.
    Tracing,
    /// It goes where the client's stderr goes, and nothing is kept.
    Inherit,
    /// It is thrown away.
    Null,
}

impl Stderr {
    pub(super) fn stdio(self) -> Stdio {
        match self {
            Self::Kept | Self::Tracing => Stdio::piped(),
            Self::Inherit => Stdio::inherit(),
            Self::Null => Stdio::null(),
        }
    }
}

/// The end of what a server wrote to stderr, so far.
///
/// A cheap handle that stays valid after the server is gone.
#[derive(Clone)]
pub struct StderrTail(Arc<Mutex<Tail>>);

struct Tail {
    bytes: VecDeque<u8>,
    limit: usize,
    cut: bool,
}

impl StderrTail {
    pub(super) fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Tail { bytes: VecDeque::new(), limit, cut: false })))
    }

    /// The text kept, with U+FFFD for what is not UTF-8.
    ///
    /// Control characters are left as they are: escape them before showing the
    /// text on a terminal.
    pub fn text(&self) -> String {
        let tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (front, back) = tail.bytes.as_slices();
        let bytes = [front, back].concat();
        let cut = tail.cut;
        drop(tail);
        // The cut may have gone through a character, of which at most three bytes are left.
        let partial = bytes.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
        let whole = if cut { &bytes[partial..] } else { &bytes[..] };
        String::from_utf8_lossy(whole).into_owned()
    }

    /// Whether nothing was written, or nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).bytes.is_empty()
    }

    /// Whether the beginning is missing because of the limit.
    pub fn is_cut(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).cut
    }

    fn push(&self, bytes: &[u8]) {
        let mut tail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = &bytes[bytes.len().saturating_sub(tail.limit)..];
        let excess = (tail.bytes.len() + newest.len()).saturating_sub(tail.limit);
        tail.cut |= excess > 0 || newest.len() < bytes.len();
        tail.bytes.drain(..excess);
        tail.bytes.extend(newest);
    }
}

impl fmt::Debug for StderrTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StderrTail").field(&self.text()).finish()
    }
}

/// Reads a server's stderr.
pub(super) struct Drain {
    pipe: Readable,
    buffer: Vec<u8>,
    tail: StderrTail,
    lines: Option<Lines>,
}

impl Drain {
    pub(super) fn new(
        stderr: ChildStderr,
        mode: Stderr,
        tail: StderrTail,
        server: &str,
        pid: u32,
    ) -> io::Result<Self> {
        #[cfg(unix)]
        let pipe = Readable::from_owned_fd(stderr.into())?;
        #[cfg(not(unix))]
        let pipe = Readable::from_std(stderr)?;
        let lines = (mode == Stderr::Tracing).then(|| Lines::new(server, pid));
        Ok(Self { pipe, buffer: vec![0; CHUNK], tail, lines })
    }

    /// Takes what comes next; false when nothing will come any more.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn step(&mut self) -> bool {
        match self.pipe.read(&mut self.buffer).await {
            Ok(0) | Err(_) => {
                if let Some(lines) = &mut self.lines {
                    lines.finish(&mut emit);
                }
                false
            }
            Ok(count) => {
                self.take(count);
                true
            }
        }
    }

    /// Takes what the server had written when it exited, without waiting for
    /// others who hold the pipe.
    #[cfg(unix)]
    pub(super) fn leftover(&mut self) {
        let Ok(mut left) = rustix::io::ioctl_fionread(&self.pipe) else { return };
        while left > 0 {
            let mut buffer = std::mem::take(&mut self.buffer);
            let mut read = tokio::io::ReadBuf::new(&mut buffer);
            let outcome = super::pipes::read_leftover(&self.pipe, &mut left, &mut read);
            let count = read.filled().len();
            self.buffer = buffer;
            if outcome.is_err() || count == 0 {
                return;
            }
            self.take(count);
        }
    }

    #[cfg(not(unix))]
    pub(super) fn leftover(&mut self) {}

    fn take(&mut self, count: usize) {
        let bytes = &self.buffer[..count];
        self.tail.push(bytes);
        if let Some(lines) = &mut self.lines {
            lines.push(bytes, &mut emit);
        }
    }
}

/// Cuts a stream of bytes into lines of bounded length.
struct Lines {
    server: String,
    pid: u32,
    line: Vec<u8>,
    too_long: bool,
}

impl Lines {
    fn new(server: &str, pid: u32) -> Self {
        Self { server: server.to_owned(), pid, line: Vec::new(), too_long: false }
    }

    fn push(&mut self, mut bytes: &[u8], emit: &mut impl FnMut(&Self, &str)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.extend(&bytes[..end]);
            self.end_line(emit);
            bytes = &bytes[end + 1..];
        }
        self.extend(bytes);
    }

    /// Emits what came after the last line end.
    fn finish(&mut self, emit: &mut impl FnMut(&Self, &str)) {
        if !self.line.is_empty() {
            self.end_line(emit);
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_LIMIT - self.line.len();
        self.too_long |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self, emit: &mut impl FnMut(&Self, &str)) {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let mut text = String::from_utf8_lossy(line);
        if self.too_long {
            text = Cow::Owned(format!("{text}… (line cut)"));
        }
        emit(self, &text);
        self.line.clear();
        self.too_long = false;
    }
}

fn emit(lines: &Lines, text: &str) {
    tracing::info!(target: STDERR_TARGET, server = %lines.server, pid = lines.pid, "{text}");
}

const CHUNK: usize = 16 * 1024;
const LINE_LIMIT: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_keeps_the_newest_bytes_within_its_limit() {
        let tail = StderrTail::new(4);
        assert!(tail.is_empty());
        tail.push(b"ab");
        assert_eq!((tail.text().as_str(), tail.is_cut()), ("ab", false));
        tail.push(b"cde");
        assert_eq!((tail.text().as_str(), tail.is_cut()), ("bcde", true));
        tail.push(b"0123456789");
        assert_eq!(tail.text(), "6789");
    }

    #[test]
    fn tail_does_not_begin_inside_a_character() {
        let tail = StderrTail::new(4);
        tail.push("€uro".as_bytes());
        assert_eq!(tail.text(), "uro");
    }

    #[test]
    fn tail_without_room_keeps_nothing() {
        let tail = StderrTail::new(0);
        tail.push(b"text");
        assert!(tail.is_empty() && tail.is_cut());
    }

    #[test]
    fn lines_are_split_and_long_ones_cut() {
        let long = "x".repeat(LINE_LIMIT + 1);
        let cut = format!("{}… (line cut)", &long[..LINE_LIMIT]);
        let seen = split(&["on", "e\r\ntwo\n\nthr", "ee\n", &long, "y\nlast"]);
        assert_eq!(seen, ["one", "two", "", "three", &cut, "last"]);
    }

    fn split(chunks: &[&str]) -> Vec<String> {
        let (mut lines, mut seen) = (Lines::new("server", 1), Vec::new());
        let mut emit = |_: &Lines, text: &str| seen.push(text.to_owned());
        for chunk in chunks {
            lines.push(chunk.as_bytes(), &mut emit);
        }
        lines.finish(&mut emit);
        seen
    }
}
