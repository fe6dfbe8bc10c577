//! What a session wants sent: messages in order, and where each belongs.
//!
//! The core decides the route, a transport only obeys it. Messages lie in one buffer, each ended
//! by a line feed, so that a byte-stream transport writes them all at once.

use crate::jsonrpc::ErrorCode;

/// Names a frame that a session has read; over HTTP, the request that brought it.
///
/// Frames are counted; a name comes back only after four thousand million others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FrameId(u32);

impl FrameId {
    /// The frame of a number, for tests of what handles frames without a session.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The name of the frame that is read after this one.
    #[must_use]
    pub(crate) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// To this connection, about no request in particular.
    Connection,
    /// To whoever sent this frame, before it is answered.
    Frame(FrameId),
    /// The answer to what came in this frame: nothing more follows for it.
    Answer {
        /// The frame.
        frame: FrameId,
        /// What the answer says is wrong; `None` for a result, and for the answers of a batch.
        error: Option<ErrorCode>,
    },
}

/// One message to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit<'a> {
    /// Where it goes.
    pub route: Route,
    /// One JSON-RPC message, without line feed; empty where a frame is not answered after all,
    /// because everything in it was cancelled.
    pub message: &'a [u8],
}

/// Messages waiting to be sent, oldest first.
///
/// # Examples
/// A byte-stream transport takes everything; the routes do not matter to it:
/// ```
/// # let mut outbox = mcp_core::Outbox::default();
/// while !outbox.is_empty() {
///     let written = outbox.bytes().len(); // socket.write(outbox.bytes())?
///     outbox.consume(written);
/// }
/// ```
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    /// How much of `bytes` has been consumed.
    start: usize,
    /// The end of each message in `bytes`, with its route.
    ends: Vec<(usize, Route)>,
    /// How many times in a row less than [`KEPT`] waited.
    small: u16,
}

/// A buffer of this size is kept for good.
const KEPT: usize = 64 * 1024;
/// A larger one, up to this size, is kept while large messages go on coming.
const KEPT_FOR_A_WHILE: usize = 4 * 1024 * 1024;
/// How many times in a row little may have waited before a larger buffer is given back.
const WHILE: u16 = 1024;
/// What has been written is moved out of the way when it is this much.
const MOVED: usize = 1024 * 1024;

impl Outbox {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Everything that waits, one message a line.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Removes what a byte-stream transport has written.
    ///
    /// # Panics
    /// When more is consumed than waits.
    pub fn consume(&mut self, written: usize) {
        self.start += written;
        assert!(self.start <= self.bytes.len(), "consumed more than was waiting");
        if self.is_empty() {
            self.clear();
        } else if self.start >= MOVED && self.start >= self.len() {
            // Each byte is moved at most once for one that is written. A reader that never quite
            // catches up would otherwise make the buffer grow for ever.
            let start = std::mem::take(&mut self.start);
            self.bytes.drain(..start);
            self.ends.retain_mut(|(end, _)| {
                let waits = *end > start;
                *end = end.saturating_sub(start);
                waits
            });
        }
    }

    /// Removes everything, message by message.
    pub fn drain(&mut self, mut send: impl FnMut(Transmit<'_>)) {
        let mut from = self.start;
        for &(end, route) in &self.ends {
            if end > from {
                send(Transmit { route, message: &self.bytes[from..end - 1] });
                from = end;
            } else if end == from && matches!(route, Route::Answer { .. }) {
                send(Transmit { route, message: &[] });
            }
        }
        self.clear();
    }

    /// Removes everything and gives away the buffer: for a transport that needs the bytes of one
    /// message as its own.
    pub fn take(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.drain(..self.start);
        self.clear();
        bytes
    }

    /// The routes of the messages that wait, oldest first.
    pub fn routes(&self) -> impl ExactSizeIterator<Item = Route> {
        self.ends.iter().map(|(_, route)| *route)
    }

    /// Forgets where messages belong, if none waits: for a byte-stream transport, which does not
    /// ask.
    pub fn forget_routes(&mut self) {
        if self.is_empty() {
            self.ends.clear();
        }
    }

    /// Notes that a frame is not answered: what it asked for was cancelled.
    pub(crate) fn end(&mut self, frame: FrameId) {
        self.ends.push((self.bytes.len(), Route::Answer { frame, error: None }));
    }

    /// Appends a message; `write` ends it with a line feed or leaves the buffer as it was.
    pub(crate) fn message<T>(&mut self, route: Route, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let before = self.bytes.len();
        let result = write(&mut self.bytes);
        if self.bytes.len() > before {
            debug_assert_eq!(self.bytes.last(), Some(&b'\n'));
            one_line(&mut self.bytes[before..]);
            self.ends.push((self.bytes.len(), route));
        }
        result
    }

    fn clear(&mut self) {
        self.small = if self.bytes.len() > KEPT { 0 } else { self.small.saturating_add(1) };
        self.bytes.clear();
        self.ends.clear();
        self.start = 0;
        if self.bytes.capacity() > KEPT_FOR_A_WHILE || self.small > WHILE {
            self.bytes.shrink_to(KEPT);
            self.ends.shrink_to(KEPT / 64);
        }
    }
}

/// Makes a message one line: JSON that was passed on as it came may have been laid out.
///
/// A line feed within JSON is white space; in a string it would be escaped.
pub(crate) fn one_line(message: &mut [u8]) {
    let Some((_, mut rest)) = message.split_last_mut() else { return };
    while let Some(at) = memchr::memchr(b'\n', rest) {
        rest[at] = b' ';
        rest = &mut rest[at + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox() -> Outbox {
        let mut outbox = Outbox::default();
        for text in ["one\n", "two\n"] {
            outbox.message(Route::Connection, |out| out.extend_from_slice(text.as_bytes()));
        }
        outbox
    }

    #[test]
    fn bytes_are_consumed_in_any_portion() {
        let mut outbox = outbox();
        outbox.consume(2);
        assert_eq!(outbox.bytes(), b"e\ntwo\n");
        outbox.consume(6);
        assert!(outbox.is_empty());
    }

    #[test]
    fn messages_are_drained_one_by_one() {
        let mut seen = Vec::new();
        outbox().drain(|transmit| seen.push(transmit.message.to_vec()));
        assert_eq!(seen, [b"one".to_vec(), b"two".to_vec()]);
    }

    #[test]
    fn memory_is_bounded_while_a_reader_never_quite_catches_up() {
        let mut outbox = Outbox::default();
        let message = [[b'x'; 999].as_slice(), b"\n"].concat();
        outbox.message(Route::Connection, |out| out.extend_from_slice(&message));
        for _ in 0..100_000 {
            outbox.message(Route::Connection, |out| out.extend_from_slice(&message));
            outbox.consume(1000);
            assert_eq!(outbox.bytes(), message);
        }
        assert!(outbox.bytes.capacity() < 4 * MOVED, "{}", outbox.bytes.capacity());
        assert!(outbox.ends.capacity() < 4 * MOVED / 64, "{}", outbox.ends.capacity());
    }

    #[test]
    fn messages_keep_their_ends_when_the_buffer_moves() {
        let mut outbox = Outbox::default();
        let long = [vec![b'x'; MOVED + 9], vec![b'\n']].concat();
        outbox.message(Route::Connection, |out| out.extend_from_slice(&long));
        outbox.message(Route::Connection, |out| out.extend_from_slice(b"two\n"));
        outbox.consume(long.len() - 2);
        assert_eq!((outbox.start, outbox.bytes()), (0, &b"x\ntwo\n"[..]));
        let mut seen = Vec::new();
        outbox.drain(|transmit| seen.push(transmit.message.to_vec()));
        assert_eq!(seen, [b"x".to_vec(), b"two".to_vec()]);
    }

    #[test]
    fn a_large_buffer_is_kept_for_a_while() {
        let mut outbox = Outbox::default();
        let mut flush = |size: usize| {
            let message = [vec![b'x'; size], vec![b'\n']].concat();
            outbox.message(Route::Connection, |out| out.extend_from_slice(&message));
            outbox.consume(message.len());
            outbox.bytes.capacity()
        };
        assert!(flush(2 * KEPT) > KEPT && flush(1) > KEPT);
        let last = (0..=WHILE).map(|_| flush(1)).last();
        assert!(last.is_some_and(|capacity| capacity <= KEPT), "{last:?}");
        assert!(flush(2 * KEPT_FOR_A_WHILE) <= KEPT);
    }

    #[test]
    fn a_message_is_one_line_however_it_was_laid_out() {
        let mut outbox = Outbox::default();
        outbox.message(Route::Connection, |out| out.extend_from_slice(b"{\n  \"a\": 1\n}\n"));
        assert_eq!(outbox.bytes(), b"{   \"a\": 1 }\n");
    }

    #[test]
    fn a_message_that_fails_leaves_nothing() {
        let mut outbox = Outbox::default();
        outbox.message(Route::Connection, |_| ());
        assert!(outbox.is_empty());
        outbox.drain(|_| panic!("nothing was written"));
    }
}
