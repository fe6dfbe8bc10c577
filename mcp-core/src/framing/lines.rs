//! Splitting the read side of a stdio connection into lines.
//!
//! Owns the buffer that bytes arrive in, so that they are never copied between the read and the
//! parser. Does not know what a line contains.
//!
//! ```text
//! bytes: │ handed out │ scanned, no newline yet │ not scanned │ spare capacity │
//!        0          start                    scanned        len             capacity
//! ```

use std::fmt;
use std::ops::Range;

use memchr::memchr;

/// The capacity of a buffer that has no long line in it.
const STEADY_CAPACITY: usize = 64 * 1024;

/// How many reads in a row may leave most of a large buffer unused before it shrinks.
///
/// A peer that sends one long line often sends more, and fresh memory costs more than copying.
const ROOMY_READS: u16 = 1024;

/// A growable buffer that a driver reads into and that hands out one line at a time.
///
/// The driving rule: after every read, call [`next_line`](Self::next_line) until it returns
/// `None`; at the end of the input, call [`finish`](Self::finish) until it does.
///
/// Every byte is searched for a newline once, however many reads a line takes. Memory stays below
/// the line limit plus what the driver asks for in one [`spare`](Self::spare), plus 64 KiB, and
/// falls back to about 64 KiB some reads after the last line that was longer.
///
/// # Examples
///
/// ```
/// use mcp_core::framing::{Line, LineBuffer};
///
/// let mut buffer = LineBuffer::with_limit(1024);
/// // A driver would do `stream.read_buf(buffer.spare(4096)).await?` here.
/// buffer.spare(4096).extend_from_slice(b"{\"id\":1}\r\n\n{\"id\":");
/// assert_eq!(buffer.next_line(), Some(Line::Complete(b"{\"id\":1}")));
/// assert_eq!(buffer.next_line(), None);
/// buffer.spare(4096).extend_from_slice(b"2}\n");
/// assert_eq!(buffer.next_line(), Some(Line::Complete(b"{\"id\":2}")));
/// ```
pub struct LineBuffer {
    bytes: Vec<u8>,
    start: usize,
    scanned: usize,
    limit: usize,
    /// The current line was reported as too long and its rest is dropped as it arrives.
    discarding: bool,
    /// How many reads in a row had more than twice the capacity they needed.
    roomy_reads: u16,
}

/// What [`LineBuffer::next_line`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line within the limit, without its `\n` or `\r\n`, with something other than white space.
    Complete(&'a [u8]),
    /// A line longer than the limit; none of its bytes are handed out.
    ///
    /// Reported once for the line, as soon as that is certain, which is usually before its end.
    TooLong {
        /// How many bytes of the line had arrived, without its line ending.
        length_so_far: usize,
    },
}

impl LineBuffer {
    /// Creates an empty buffer that refuses lines longer than `max_line_bytes`.
    ///
    /// The line ending does not count. Nothing is allocated before the first
    /// [`spare`](Self::spare).
    pub const fn with_limit(max_line_bytes: usize) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            scanned: 0,
            limit: max_line_bytes,
            discarding: false,
            roomy_reads: 0,
        }
    }

    /// Returns the buffer with room for at least `at_least` more bytes, to append to.
    ///
    /// Read into its spare capacity, which is often larger than asked for. Whatever is in it
    /// already belongs to the lines to come: a caller that shortens it loses messages.
    #[inline]
    pub fn spare(&mut self, at_least: usize) -> &mut Vec<u8> {
        if self.start >= self.bytes.len() {
            // Everything is handed out, the usual case for a peer that waits for its answers.
            self.bytes.clear();
            (self.start, self.scanned) = (0, 0);
        }
        let room = self.bytes.capacity() - self.bytes.len();
        if room < at_least || self.bytes.capacity() > 2 * STEADY_CAPACITY {
            self.resize(at_least);
        }
        &mut self.bytes
    }

    /// Returns the next line, or `None` when more bytes are needed.
    ///
    /// Blank lines are skipped. The line stays in the buffer while it is borrowed; the next call
    /// of any method gives its place up.
    #[inline]
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        let found = self.advance()?;
        Some(self.line(found))
    }

    /// Returns the lines left at the end of the input, the last of which may lack its newline.
    ///
    /// Then returns `None`, and the buffer is as good as new.
    pub fn finish(&mut self) -> Option<Line<'_>> {
        let found = self.advance().or_else(|| {
            let rest = self.start..self.bytes.len();
            self.start = rest.end;
            self.discarding = false;
            self.trimmed(rest)
        })?;
        Some(self.line(found))
    }

    /// Moves past the next line and returns where it is.
    #[inline]
    fn advance(&mut self) -> Option<Found> {
        if self.scanned > self.bytes.len() {
            // The caller shortened the buffer; start over with what is left.
            (self.start, self.scanned) = (0, 0);
        }
        while let Some(distance) = memchr(b'\n', &self.bytes[self.scanned..]) {
            let line = self.start..self.scanned + distance;
            self.start = line.end + 1;
            self.scanned = self.start;
            if self.discarding {
                self.discarding = false;
            } else if let Some(found) = self.trimmed(line) {
                return Some(found);
            }
        }
        self.scanned = self.bytes.len();
        let pending = &self.bytes[self.start..];
        if self.discarding {
            self.start = self.scanned;
            return None;
        }
        // One byte more is fine while it may turn out to be the first half of a `\r\n`.
        let length = pending.len() - usize::from(pending.last() == Some(&b'\r'));
        if length <= self.limit {
            return None;
        }
        self.start = self.scanned;
        self.discarding = true;
        Some(Found::TooLong { length_so_far: length })
    }

    /// Judges a whole line; `None` if it is blank.
    #[inline]
    fn trimmed(&self, mut line: Range<usize>) -> Option<Found> {
        let bytes = &self.bytes[line.clone()];
        line.end -= usize::from(bytes.last() == Some(&b'\r'));
        if line.len() > self.limit {
            return Some(Found::TooLong { length_so_far: line.len() });
        }
        let blank = bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        (!blank).then_some(Found::Complete(line))
    }

    #[inline]
    fn line(&self, found: Found) -> Line<'_> {
        match found {
            Found::Complete(range) => Line::Complete(&self.bytes[range]),
            Found::TooLong { length_so_far } => Line::TooLong { length_so_far },
        }
    }

    /// Moves the unfinished line to the front and fits the capacity to what is needed.
    #[cold]
    fn resize(&mut self, at_least: usize) {
        if self.start > 0 {
            // At most once for each line, since afterwards the line starts at 0.
            self.bytes.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        let needed = self.bytes.len().saturating_add(at_least);
        let steady = needed.max(STEADY_CAPACITY);
        if self.bytes.capacity() < needed {
            // Doubling keeps copying linear; the limit keeps doubling from running ahead.
            let most = self.limit.saturating_add(at_least).max(steady);
            let wanted = self.bytes.capacity().saturating_mul(2).clamp(steady, most);
            self.bytes.reserve_exact(wanted - self.bytes.len());
            self.roomy_reads = 0;
        } else if self.bytes.capacity() / 2 <= steady {
            self.roomy_reads = 0;
        } else if self.roomy_reads < ROOMY_READS {
            self.roomy_reads += 1;
        } else {
            self.bytes.shrink_to(steady);
        }
    }
}

impl fmt::Debug for LineBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content is the peer's and may be private, so only its extent is shown.
        f.debug_struct("LineBuffer")
            .field("pending", &self.bytes.len().saturating_sub(self.start))
            .field("capacity", &self.bytes.capacity())
            .field("limit", &self.limit)
            .field("discarding", &self.discarding)
            .finish()
    }
}

/// A [`Line`] by position, so that the search may change the buffer.
enum Found {
    Complete(Range<usize>),
    TooLong { length_so_far: usize },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A line that owns its bytes; the length of an over-long one depends on the chunks.
    #[derive(Debug, Clone, PartialEq, Eq)]
    enum Seen {
        Complete(Vec<u8>),
        TooLong,
    }

    impl From<Line<'_>> for Seen {
        fn from(line: Line<'_>) -> Self {
            match line {
                Line::Complete(bytes) => Self::Complete(bytes.to_vec()),
                Line::TooLong { .. } => Self::TooLong,
            }
        }
    }

    fn drain(buffer: &mut LineBuffer) -> Vec<Seen> {
        std::iter::from_fn(|| buffer.next_line().map(Seen::from)).collect()
    }

    fn complete(line: &str) -> Seen {
        Seen::Complete(line.as_bytes().to_vec())
    }

    fn split(limit: usize, chunks: &[&[u8]]) -> Vec<Seen> {
        let mut buffer = LineBuffer::with_limit(limit);
        let mut seen = Vec::new();
        for chunk in chunks {
            buffer.spare(chunk.len()).extend_from_slice(chunk);
            seen.extend(drain(&mut buffer));
        }
        while let Some(line) = buffer.finish() {
            seen.push(line.into());
        }
        seen
    }

    #[test]
    fn lines_come_without_their_endings() {
        assert_eq!(split(9, &[b"a\nbc\r\nd\re\n"]), ["a", "bc", "d\re"].map(complete));
    }

    #[test]
    fn blank_lines_are_skipped() {
        assert_eq!(split(9, &[b"\n\r\n \t\n a\n\n"]), [complete(" a")]);
    }

    #[test]
    fn a_line_may_arrive_in_pieces() {
        assert_eq!(split(9, &[b"a", b"b\r", b"\nc", b"\n"]), ["ab", "c"].map(complete));
    }

    #[test]
    fn last_line_may_lack_its_newline() {
        assert_eq!(split(9, &[b"a\nb\r"]), ["a", "b"].map(complete));
        assert_eq!(split(9, &[b"a\n \r"]), [complete("a")]);
    }

    #[test]
    fn finish_hands_out_what_was_not_drained_and_then_nothing() {
        let mut buffer = LineBuffer::with_limit(9);
        buffer.spare(9).extend_from_slice(b"a\nb\nc");
        for line in ["a", "b", "c"] {
            assert_eq!(buffer.finish(), Some(Line::Complete(line.as_bytes())));
        }
        assert_eq!(buffer.finish(), None);
        assert_eq!(buffer.finish(), None);
    }

    #[test]
    fn the_line_ending_does_not_count_against_the_limit() {
        let within: [&[&[u8]]; 3] = [&[b"abc\r\n"], &[b"abc", b"\r", b"\n"], &[b"abc\r"]];
        for chunks in within {
            assert_eq!(split(3, chunks), [complete("abc")]);
        }
        let beyond: [&[&[u8]]; 3] = [&[b"abcd\n"], &[b"abc", b"\r", b"d\n"], &[b"abcd"]];
        for chunks in beyond {
            assert_eq!(split(3, chunks), [Seen::TooLong]);
        }
    }

    #[test]
    fn an_over_long_line_is_reported_once_and_its_neighbours_survive() {
        let chunks: [&[u8]; 6] = [b"a\nbcde", b"fg", b"hijklmnop", b"q\r", b"\nr\ns", b"\n"];
        assert_eq!(split(3, &chunks), [complete("a"), Seen::TooLong, complete("r"), complete("s")]);
    }

    #[test]
    fn an_over_long_line_says_how_much_had_arrived() {
        let mut buffer = LineBuffer::with_limit(3);
        buffer.spare(9).extend_from_slice(b"a\nbcdef");
        assert_eq!(buffer.next_line(), Some(Line::Complete(b"a")));
        assert_eq!(buffer.next_line(), Some(Line::TooLong { length_so_far: 5 }));
        assert_eq!(buffer.next_line(), None);
    }

    #[test]
    fn input_may_end_inside_an_over_long_line() {
        assert_eq!(split(3, &[b"abcdef", b"gh"]), [Seen::TooLong]);
    }

    #[test]
    fn memory_is_bounded_while_an_over_long_line_is_dropped() {
        let mut buffer = LineBuffer::with_limit(100 * 1024);
        let mut reports = 0;
        for _ in 0..1000 {
            let spare = buffer.spare(8 * 1024);
            spare.extend(std::iter::repeat_n(b'x', spare.capacity() - spare.len()));
            reports += drain(&mut buffer).len();
            assert!(buffer.bytes.capacity() <= (100 + 8 + 64) * 1024);
        }
        assert_eq!(reports, 1);
    }

    #[test]
    fn memory_shrinks_some_reads_after_a_long_line() {
        let mut buffer = LineBuffer::with_limit(usize::MAX);
        let long = vec![b'x'; 1 << 20];
        buffer.spare(long.len() + 3).extend_from_slice(&long);
        buffer.spare(3).extend_from_slice(b"\nab");
        assert_eq!(drain(&mut buffer).len(), 1);
        buffer.spare(4096).extend_from_slice(b"c\n");
        assert_eq!(drain(&mut buffer), [complete("abc")]);
        for _ in 0..ROOMY_READS {
            assert!(buffer.bytes.capacity() > long.len());
            buffer.spare(4096).extend_from_slice(b"def\n");
            assert_eq!(drain(&mut buffer), [complete("def")]);
        }
        assert_eq!(buffer.bytes.capacity(), STEADY_CAPACITY);
    }

    #[test]
    fn a_long_line_is_copied_and_searched_a_bounded_number_of_times() {
        let mut buffer = LineBuffer::with_limit(usize::MAX);
        let mut capacities = Vec::new();
        for _ in 0..64 {
            let scanned = buffer.scanned;
            buffer.spare(64 * 1024).extend_from_slice(&[b'x'; 64 * 1024]);
            assert_eq!(buffer.scanned, scanned);
            assert_eq!(buffer.next_line(), None);
            capacities.push(buffer.bytes.capacity());
        }
        capacities.dedup();
        assert!(capacities.len() <= 8, "grew {} times", capacities.len());
    }

    #[test]
    fn a_shortened_buffer_starts_over() {
        let mut buffer = LineBuffer::with_limit(9);
        buffer.spare(9).extend_from_slice(b"abc");
        assert_eq!(buffer.next_line(), None);
        buffer.spare(9).truncate(1);
        buffer.spare(9).extend_from_slice(b"\n");
        assert_eq!(buffer.next_line(), Some(Line::Complete(b"a")));
        buffer.spare(9).clear();
        assert!(buffer.spare(200_000).is_empty());
        assert_eq!(buffer.next_line(), None);
    }

    proptest! {
        #[test]
        fn chunking_does_not_matter(
            input in proptest::collection::vec(prop_oneof![
                4 => Just(b'a'), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(b' ')
            ], 0..200),
            cuts in proptest::collection::vec(0..200_usize, 0..20),
            limit in 0..6_usize,
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
            cuts.extend([0, input.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|cut| &input[cut[0]..cut[1]]).collect();
            prop_assert_eq!(split(limit, &chunks), expected(limit, &input));
        }
    }

    /// The same rules, by splitting the whole input at once.
    fn expected(limit: usize, input: &[u8]) -> Vec<Seen> {
        let lines = input.split(|&byte| byte == b'\n');
        lines
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
            .filter(|line| line.len() > limit || !line.trim_ascii().is_empty())
            .map(|line| match line.len() > limit {
                true => Seen::TooLong,
                false => Seen::Complete(line.to_vec()),
            })
            .collect()
    }
}
