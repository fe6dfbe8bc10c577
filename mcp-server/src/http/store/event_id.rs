//! What names an event of a stream, and the stream within its session.
//!
//! An id is a cursor: it says which stream it belongs to and how far that stream has come. It is no
//! secret, since it is looked for in one session only.

use std::fmt;

use crate::ask::random;

/// Names a stream of events within its session.
///
/// A stream keeps its id when it is resumed. Several processes may make streams for one session:
/// each begins to count at a random number, so that their ids do not meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(u64);

impl From<u64> for StreamId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<StreamId> for u64 {
    fn from(id: StreamId) -> Self {
        id.0
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Makes the ids of a session's streams.
#[derive(Debug)]
pub(crate) struct StreamIds(u64);

impl StreamIds {
    /// Begins at a random number.
    pub(crate) fn random() -> Self {
        Self(u64::from_ne_bytes(random()))
    }

    /// The id of a new stream.
    pub(crate) fn make(&mut self) -> StreamId {
        let id = StreamId(self.0);
        self.0 = self.0.wrapping_add(1);
        id
    }
}

/// Names an event: its stream, and its place there.
///
/// Written as 16 hexadecimal digits, a hyphen and a decimal number, it is what stands in the field
/// `id` of an event and in the header `Last-Event-ID`.
///
/// # Examples
/// ```
/// use mcp_server::http::{EventId, StreamId};
///
/// let first = EventId::first(StreamId::from(0xfeed));
/// assert_eq!(first.to_string(), "000000000000feed-0");
/// assert_eq!(EventId::parse(b"000000000000feed-1"), first.next());
/// assert_eq!(EventId::parse(b"feed-1"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId {
    stream: StreamId,
    number: u64,
}

impl EventId {
    /// The longest text of an id, in bytes.
    pub const MAX_LEN: usize = DIGITS + 1 + 20;

    /// The id of a stream's first event.
    pub fn first(stream: StreamId) -> Self {
        Self { stream, number: 0 }
    }

    /// The id of the event that follows on the same stream; none follows the last of all numbers.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.number.checked_add(1).map(|number| Self { number, ..self })
    }

    /// The stream that it belongs to.
    pub fn stream(self) -> StreamId {
        self.stream
    }

    /// Its place in the stream, from 0.
    pub fn number(self) -> u64 {
        self.number
    }

    /// Reads what a peer sent; each id has one text, and nothing else is an id.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (stream, number) = text.split_at_checked(DIGITS)?;
        let number = number.strip_prefix(b"-")?;
        let stream = stream.iter().try_fold(0, |sum: u64, byte| match byte {
            b'0'..=b'9' => Some((sum << 4) | u64::from(byte - b'0')),
            b'a'..=b'f' => Some((sum << 4) | u64::from(byte - b'a' + 10)),
            _ => None,
        })?;
        let is_canonical = match number {
            [] => false,
            [b'0', rest @ ..] => rest.is_empty(),
            _ => true,
        };
        let number = number.iter().filter(|_| is_canonical).try_fold(0, |sum: u64, byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            sum.checked_mul(10)?.checked_add(digit)
        })?;
        is_canonical.then_some(Self { stream: StreamId(stream), number })
    }
}

/// How many digits name a stream.
const DIGITS: usize = 16;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stream, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(stream: u64, number: u64) -> EventId {
        EventId { stream: StreamId(stream), number }
    }

    #[test]
    fn ids_survive_a_round_trip() {
        for stream in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            for number in [0, 1, 9, 10, 4_294_967_296, u64::MAX] {
                let id = id(stream, number);
                let text = id.to_string();
                assert_eq!(EventId::parse(text.as_bytes()), Some(id), "{text}");
                assert!(text.len() <= EventId::MAX_LEN, "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_id_is_not_read_as_one() {
        let stream = "0123456789abcdef";
        for wrong in [
            String::new(),
            stream.to_owned(),
            format!("{stream}-"),
            format!("{stream}-01"),
            format!("{stream}-00"),
            format!("{stream}-+1"),
            format!("{stream}--1"),
            format!("{stream}-1 "),
            format!(" {stream}-1"),
            format!("{stream}-1-1"),
            format!("{stream}_1"),
            format!("{stream}-1e3"),
            format!("{stream}-18446744073709551616"),
            format!("{stream}-{}", "9".repeat(100_000)),
            format!("{}-1", stream.to_uppercase()),
            format!("{}-1", &stream[1..]),
            format!("0{stream}-1"),
            "+123456789abcdef-1".to_owned(),
            "éééééééé-1".to_owned(),
        ] {
            assert_eq!(EventId::parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(EventId::parse(&[0xff; 18]), None);
    }

    #[test]
    fn ids_follow_each_other_on_their_stream() {
        let first = EventId::first(StreamId(7));
        assert_eq!(first.next(), Some(id(7, 1)));
        assert_eq!(id(7, u64::MAX).next(), None);
    }

    #[test]
    fn streams_have_different_ids_also_across_the_last_number() {
        let mut ids = StreamIds(u64::MAX);
        assert_eq!([ids.make(), ids.make()], [StreamId(u64::MAX), StreamId(0)]);
        assert_ne!(StreamIds::random().make(), StreamIds::random().make());
    }
}
