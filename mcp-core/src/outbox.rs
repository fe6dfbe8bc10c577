//! What a session wants sent: messages in order, and where each belongs.
//!
//! The core decides the route, a transport only obeys it. Messages lie in one buffer, each ended
//! by a line feed, so that a byte-stream transport writes them all at once.

use crate::pending::CallId;

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// To this connection, about no request in particular.
    Connection,
    /// To the stream that answers this call.
    Call(CallId),
}

/// One message to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit<'a> {
    /// Where it goes.
    pub route: Route,
    /// One JSON-RPC message, without line feed.
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
}

/// A buffer that once held a large message is given back above this size.
const KEPT: usize = 64 * 1024;

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
        }
    }

    /// Removes everything, message by message.
    pub fn drain(&mut self, mut send: impl FnMut(Transmit<'_>)) {
        let mut from = self.start;
        for &(end, route) in &self.ends {
            if end > from {
                send(Transmit { route, message: &self.bytes[from..end - 1] });
                from = end;
            }
        }
        self.clear();
    }

    /// Appends a message; `write` ends it with a line feed or leaves the buffer as it was.
    pub(crate) fn message<T>(&mut self, route: Route, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let before = self.bytes.len();
        let result = write(&mut self.bytes);
        if self.bytes.len() > before {
            debug_assert_eq!(self.bytes.last(), Some(&b'\n'));
            self.ends.push((self.bytes.len(), route));
        }
        result
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.ends.clear();
        self.ends.shrink_to(KEPT / 64);
        self.start = 0;
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
    fn a_message_that_fails_leaves_nothing() {
        let mut outbox = Outbox::default();
        outbox.message(Route::Connection, |_| ());
        assert!(outbox.is_empty());
        outbox.drain(|_| panic!("nothing was written"));
    }
}
