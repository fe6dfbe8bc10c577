//! The text of event streams (server-sent events): [`Parser`] reads it, [`write_event`] writes it.
//!
//! Reads by the rules of WHATWG HTML, 9.2 "Server-sent events", which the Streamable HTTP page
//! builds on. Does not know where bytes come from, when to reconnect, or what an event means. The
//! crates that read event streams wrap a stream of chunks and hold an event of any size; this one
//! does no I/O, and an event has a limit.
//!
//! ```text
//! bytes in any portions ──▶ lines ──▶ fields ──blank line──▶ Event, borrowed from the portion
//!                                       │                    if it lies there in one piece
//!                                       └──▶ last event id, retry: kept for the reconnection
//! ```

use std::mem;
use std::time::Duration;

use memchr::{memchr, memchr2};

/// One event, as it is read and as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The id that this event itself carries, which also becomes the last event id.
    ///
    /// Empty takes the last event id back.
    pub id: Option<&'a str>,
    /// The type, `message` where nothing else is said.
    pub event: &'a str,
    /// How long to wait before a reconnection.
    pub retry: Option<Duration>,
    /// The data, its lines joined by line feeds. UTF-8 as far as the sender keeps to the rules.
    pub data: &'a [u8],
}

impl<'a> Event<'a> {
    /// An event of type `message` without an id.
    #[must_use]
    pub const fn message(data: &'a [u8]) -> Self {
        Self { id: None, event: MESSAGE, retry: None, data }
    }

    /// The same event with an id.
    #[must_use]
    pub const fn with_id(mut self, id: &'a str) -> Self {
        self.id = Some(id);
        self
    }

    /// The same event with a time to wait before a reconnection.
    #[must_use]
    pub const fn with_retry(mut self, retry: Duration) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Whether the type is `message`, as of every event that carries a message of MCP.
    #[must_use]
    pub fn is_message(&self) -> bool {
        self.event == MESSAGE
    }
}

/// Reads an event stream that arrives in portions of any size.
///
/// The driving rule: for every portion, call [`next_event`](Self::next_event) until it returns
/// `None`. What a stream ends in without a blank line is no event and goes with the parser.
///
/// Memory stays within a small multiple of the limit, and falls back to about 64 KiB after an
/// event that needed more. Comments cost nothing, however long they are.
///
/// # Examples
///
/// ```
/// use mcp_core::http::sse::Parser;
///
/// let mut parser = Parser::with_limit(1024 * 1024);
/// let mut portion = &b"id: 7\ndata: {\"jsonrpc\":\r\ndata: \"2.0\"}\n\n: still there\n"[..];
/// while let Some(event) = parser.next_event(&mut portion)? {
///     assert!(event.is_message());
///     assert_eq!(event.data, b"{\"jsonrpc\":\n\"2.0\"}");
/// }
/// assert_eq!(parser.last_event_id(), Some("7"));
/// # Ok::<(), mcp_core::http::sse::EventTooLong>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    limit: usize,
    /// The bytes of the lines since the last blank one, without their ends and comments.
    taken: usize,
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    place: Place,
    /// The last line ended in CR: an LF that follows belongs to it.
    after_cr: bool,
    fields: Fields,
    /// The fields are those of an event that was handed out.
    handed_out: bool,
    last_event_id: String,
    retry: Option<Duration>,
    failed: bool,
}

/// What the lines since the last blank one said.
#[derive(Debug)]
struct Fields {
    id: String,
    has_id: bool,
    event: String,
    retry: Option<Duration>,
    /// The data that is not lent out of the input.
    data: Vec<u8>,
    has_data: bool,
}

/// Where in the stream the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the first line, which a byte order mark may precede.
    FirstLine,
    Line,
    /// In a comment, which is not kept.
    Comment,
}

impl Parser {
    /// A parser at the beginning of a stream that refuses events longer than this.
    ///
    /// All lines of an event count, without their ends and without comments. Nothing is allocated
    /// before something must be held.
    #[must_use]
    pub const fn with_limit(max_event_bytes: usize) -> Self {
        Self {
            limit: max_event_bytes,
            taken: 0,
            line: Vec::new(),
            place: Place::FirstLine,
            after_cr: false,
            fields: Fields::EMPTY,
            handed_out: false,
            last_event_id: String::new(),
            retry: None,
            failed: false,
        }
    }

    /// Takes bytes from the front of `input` up to the end of the next event with data.
    ///
    /// `None` when no further event ends in `input`, which then is empty. An event with an `id` or
    /// `retry` but without a `data` field is not returned; it counts for
    /// [`last_event_id`](Self::last_event_id) and [`retry`](Self::retry) nevertheless. A `data`
    /// field that is empty makes an event.
    ///
    /// # Errors
    /// When an event is longer than the limit. The stream cannot be read any further: every later
    /// call says the same, until [`restart`](Self::restart).
    pub fn next_event<'e, 'i: 'e>(
        &'e mut self,
        input: &mut &'i [u8],
    ) -> Result<Option<Event<'e>>, EventTooLong> {
        if self.failed {
            return Err(EventTooLong { limit: self.limit });
        }
        if mem::take(&mut self.handed_out) {
            self.begin_event();
        }
        // The data of an event, if it is one line that lies whole in the input.
        let mut lent = None;
        match self.read(input, &mut lent) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                self.failed = true;
                (self.line, self.fields) = (Vec::new(), Fields::EMPTY);
                return Err(error);
            }
        }
        self.handed_out = true;
        let Fields { id, has_id, event, retry, data, .. } = &self.fields;
        Ok(Some(Event {
            id: has_id.then_some(id),
            event: if event.is_empty() { MESSAGE } else { event },
            retry: *retry,
            data: lent.unwrap_or(data),
        }))
    }

    /// The id from which the stream can be resumed; `None` before the first and after an empty one.
    #[must_use]
    pub fn last_event_id(&self) -> Option<&str> {
        (!self.last_event_id.is_empty()).then_some(&*self.last_event_id)
    }

    /// How long to wait before a reconnection, as the stream said last.
    ///
    /// As long as the peer likes: bound it before waiting.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// How many bytes are held of an event that has not ended.
    #[must_use]
    pub fn held(&self) -> usize {
        if self.handed_out { 0 } else { self.line.len() + self.fields.data.len() }
    }

    /// Begins the stream of a new connection; the last event id and the time to wait remain.
    pub fn restart(&mut self) {
        *self = Self {
            last_event_id: mem::take(&mut self.last_event_id),
            retry: self.retry,
            ..Self::with_limit(self.limit)
        };
    }

    /// Reads lines up to the end of an event with data; `false` when the input ended before.
    fn read<'i>(
        &mut self,
        input: &mut &'i [u8],
        lent: &mut Option<&'i [u8]>,
    ) -> Result<bool, EventTooLong> {
        while let Some(line) = self.cut_line(input) {
            let ended = if self.place == Place::Comment {
                self.place = Place::Line;
                false
            } else if self.line.is_empty() {
                self.take_line(line, lent)?
            } else {
                // It began in an earlier portion, so nothing of this one is lent yet.
                self.allow(self.line.len() + line.len())?;
                let mut whole = mem::take(&mut self.line);
                whole.extend_from_slice(line);
                let mut of_whole = None;
                let ended = self.take_line(&whole, &mut of_whole)?;
                self.fields.keep(of_whole);
                self.line = emptied(whole);
                ended
            };
            if ended {
                return Ok(true);
            }
        }
        self.fields.keep(lent.take());
        let rest = mem::take(input);
        if self.line.is_empty() && rest.starts_with(b":") {
            self.place = Place::Comment;
        }
        if self.place != Place::Comment {
            self.allow(self.line.len() + rest.len())?;
            self.line.extend_from_slice(rest);
        }
        Ok(false)
    }

    /// The bytes up to the next line end, which is taken too.
    fn cut_line<'i>(&mut self, input: &mut &'i [u8]) -> Option<&'i [u8]> {
        if self.after_cr && !input.is_empty() {
            self.after_cr = false;
            *input = input.strip_prefix(b"\n").unwrap_or(input);
        }
        let end = memchr2(b'\r', b'\n', input)?;
        let line = &input[..end];
        self.after_cr = input[end] == b'\r';
        *input = &input[end + 1..];
        Some(line)
    }

    /// Takes one whole line; `true` when it ends an event with data.
    fn take_line<'l>(
        &mut self,
        line: &'l [u8],
        lent: &mut Option<&'l [u8]>,
    ) -> Result<bool, EventTooLong> {
        let first = mem::replace(&mut self.place, Place::Line) == Place::FirstLine;
        if line.starts_with(b":") {
            return Ok(false);
        }
        self.allow(line.len())?;
        self.taken += line.len();
        let line = if first { line.strip_prefix(MARK).unwrap_or(line) } else { line };
        let fields = &mut self.fields;
        match field(line) {
            Field::End => return Ok(self.end_event()),
            Field::Data(value) if !fields.has_data => {
                fields.has_data = true;
                *lent = Some(value);
            }
            Field::Data(value) => {
                fields.keep(lent.take());
                fields.data.push(b'\n');
                fields.data.extend_from_slice(value);
            }
            Field::Event(value) => set(&mut fields.event, value),
            Field::Id(value) => {
                set(&mut fields.id, value);
                fields.has_id = true;
            }
            Field::Retry(time) => {
                fields.retry = Some(time);
                self.retry = Some(time);
            }
            Field::Ignored => {}
        }
        Ok(false)
    }

    /// Whether the event has data; otherwise the next one begins.
    fn end_event(&mut self) -> bool {
        if self.fields.has_id {
            self.last_event_id.clone_from(&self.fields.id);
        }
        if !self.fields.has_data {
            self.begin_event();
        }
        self.fields.has_data
    }

    fn begin_event(&mut self) {
        self.taken = 0;
        let fields = &mut self.fields;
        let data = emptied(mem::take(&mut fields.data));
        let (id, event) = (mem::take(&mut fields.id), mem::take(&mut fields.event));
        *fields = Fields { id, event, data, ..Fields::EMPTY };
        fields.id.clear();
        fields.event.clear();
    }

    /// Refuses an event that is longer with `more` bytes than it may be.
    fn allow(&self, more: usize) -> Result<(), EventTooLong> {
        // No sum of lengths overflows: each is of bytes in memory.
        if self.taken + more > self.limit {
            return Err(EventTooLong { limit: self.limit });
        }
        Ok(())
    }
}

impl Fields {
    const EMPTY: Self = Self {
        id: String::new(),
        has_id: false,
        event: String::new(),
        retry: None,
        data: Vec::new(),
        has_data: false,
    };

    /// Copies data that cannot be lent any longer.
    fn keep(&mut self, lent: Option<&[u8]>) {
        self.data.extend_from_slice(lent.unwrap_or_default());
    }
}

/// Appends an event to `out`.
///
/// Data goes line by line, so that it may hold any bytes; a carriage return in it is read as the
/// end of a line, as it is between the tokens of JSON. A type `message` is left out, it is the
/// default. So is an id or a type that no line can hold, because of a line end in it or (in an id)
/// a NUL.
///
/// # Examples
///
/// ```
/// use mcp_core::http::sse::{Event, write_event};
///
/// let mut out = Vec::new();
/// write_event(&mut out, &Event::message(br#"{"jsonrpc":"2.0"}"#).with_id("7"));
/// assert_eq!(out, b"id: 7\ndata: {\"jsonrpc\":\"2.0\"}\n\n");
/// ```
pub fn write_event(out: &mut Vec<u8>, event: &Event<'_>) {
    out.reserve(event.data.len() + event.id.map_or(0, str::len) + 64);
    if let Some(id) = event.id.filter(|id| is_one_line(id) && !id.contains('\0')) {
        write_line(out, b"id: ", id.as_bytes());
    }
    if !event.event.is_empty() && !event.is_message() && is_one_line(event.event) {
        write_line(out, b"event: ", event.event.as_bytes());
    }
    if let Some(time) = event.retry {
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        write_line(out, b"retry: ", milliseconds.to_string().as_bytes());
    }
    write_lines(out, b"data: ", event.data);
    out.push(b'\n');
}

/// Appends a comment to `out`, which readers ignore: it keeps a quiet connection open.
///
/// Spec: 2026-07-28, basic/transports/streamable-http, "Receiving Messages".
pub fn write_comment(out: &mut Vec<u8>, text: &str) {
    let start: &[u8] = if text.is_empty() { b":" } else { b": " };
    write_lines(out, start, text.as_bytes());
    out.push(b'\n');
}

/// An event is longer than its [`Parser`] allows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {limit} bytes: raise the limit to read it")]
pub struct EventTooLong {
    /// The limit.
    pub limit: usize,
}

/// The type of an event that names none.
const MESSAGE: &str = "message";

/// The byte order mark in UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// The capacity that a buffer keeps from event to event.
const STEADY_CAPACITY: usize = 32 * 1024;

/// What one line says.
enum Field<'a> {
    /// Nothing: it is blank, and ends the event.
    End,
    Data(&'a [u8]),
    Event(&'a [u8]),
    Id(&'a [u8]),
    Retry(Duration),
    Ignored,
}

fn field(line: &[u8]) -> Field<'_> {
    if line.is_empty() {
        return Field::End;
    }
    let (name, value) = match memchr(b':', line) {
        Some(at) => (&line[..at], &line[at + 1..]),
        None => (line, &[][..]),
    };
    let value = value.strip_prefix(b" ").unwrap_or(value);
    match name {
        b"data" => Field::Data(value),
        b"event" => Field::Event(value),
        b"id" if !value.contains(&0) => Field::Id(value),
        b"retry" => milliseconds(value).map_or(Field::Ignored, Field::Retry),
        _ => Field::Ignored,
    }
}

/// A time in ASCII digits; any other text, and more than 64 bits, is none.
fn milliseconds(digits: &[u8]) -> Option<Duration> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(digits).ok()?.parse().ok().map(Duration::from_millis)
}

/// Replaces a text, as the rules decode it.
fn set(text: &mut String, value: &[u8]) {
    text.clear();
    text.push_str(&String::from_utf8_lossy(value));
}

/// The same buffer with nothing in it, and without the memory of a long event.
fn emptied(mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.clear();
    buffer.shrink_to(STEADY_CAPACITY);
    buffer
}

fn is_one_line(text: &str) -> bool {
    memchr2(b'\r', b'\n', text.as_bytes()).is_none()
}

fn write_line(out: &mut Vec<u8>, start: &[u8], text: &[u8]) {
    out.extend_from_slice(start);
    out.extend_from_slice(text);
    out.push(b'\n');
}

/// Appends each line of a text, however it ends.
fn write_lines(out: &mut Vec<u8>, start: &[u8], mut text: &[u8]) {
    while let Some(end) = memchr2(b'\r', b'\n', text) {
        write_line(out, start, &text[..end]);
        let ending = if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
        text = &text[end + ending..];
    }
    write_line(out, start, text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NO_LIMIT: usize = usize::MAX;

    /// An event with everything owned: id, type, retry in milliseconds, data.
    type Owned = (Option<String>, String, Option<u128>, Vec<u8>);

    fn owned(event: Event<'_>) -> Owned {
        let retry = event.retry.map(|time| time.as_millis());
        (event.id.map(str::to_owned), event.event.to_owned(), retry, event.data.to_vec())
    }

    /// The events of a stream that arrives in these portions, the error and the last event id.
    fn read_all<'a>(
        limit: usize,
        portions: impl IntoIterator<Item = &'a [u8]>,
    ) -> (Vec<Owned>, Option<EventTooLong>, Option<String>, Option<Duration>) {
        let mut parser = Parser::with_limit(limit);
        let mut events = Vec::new();
        let mut failure = None;
        for mut portion in portions {
            loop {
                match parser.next_event(&mut portion) {
                    Ok(Some(event)) => events.push(owned(event)),
                    Ok(None) => break assert!(portion.is_empty()),
                    Err(error) => break failure = Some(error),
                }
            }
        }
        let id = parser.last_event_id().map(str::to_owned);
        (events, failure, id, parser.retry())
    }

    fn whole(stream: &[u8]) -> Vec<Owned> {
        read_all(NO_LIMIT, [stream]).0
    }

    /// Type and data of the events of a stream.
    fn told(stream: &str) -> Vec<(String, String)> {
        let text = |data| String::from_utf8(data).unwrap();
        whole(stream.as_bytes()).into_iter().map(|(_, event, _, d)| (event, text(d))).collect()
    }

    fn messages<const N: usize>(data: [&str; N]) -> Vec<(String, String)> {
        data.map(|data| ("message".to_owned(), data.to_owned())).into()
    }

    #[test]
    fn examples_of_the_rules_are_read_as_there() {
        assert_eq!(told("data: YHOO\ndata: +2\ndata: 10\n\n"), messages(["YHOO\n+2\n10"]));
        assert_eq!(
            read_all(
                NO_LIMIT,
                [&b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"[..]]
            ),
            (
                vec![
                    (Some("1".into()), "message".into(), None, b"first event".into()),
                    (Some(String::new()), "message".into(), None, b"second event".into()),
                    (None, "message".into(), None, b" third event".into()),
                ],
                None,
                None,
                None
            )
        );
        assert_eq!(told("data\n\ndata\ndata\n\ndata:"), messages(["", "\n"]));
        assert_eq!(told("data:test\n\ndata: test\n\n"), messages(["test", "test"]));
    }

    #[test]
    fn lines_end_in_any_of_three_ways() {
        assert_eq!(
            told("data: a\r\ndata: b\rdata: c\n\r\ndata: d\r\r"),
            messages(["a\nb\nc", "d"])
        );
        assert_eq!(told("data: a\r\n\r\ndata: b\n\r\n"), messages(["a", "b"]));
    }

    #[test]
    fn blank_line_in_carriage_returns_ends_an_event_without_waiting() {
        let mut parser = Parser::with_limit(NO_LIMIT);
        let mut portion = &b"data: a\r\r"[..];
        assert_eq!(parser.next_event(&mut portion).unwrap().unwrap().data, b"a");
        assert_eq!(parser.next_event(&mut &b"\ndata: b\r"[..]), Ok(None));
        assert_eq!(parser.next_event(&mut &b"\n\r"[..]).unwrap().unwrap().data, b"b");
    }

    #[test]
    fn byte_order_mark_counts_only_at_the_start() {
        assert_eq!(told("\u{feff}data: a\n\n"), messages(["a"]));
        assert_eq!(told("\u{feff}: a\ndata: b\n\n"), messages(["b"]));
        assert_eq!(told("\u{feff}\u{feff}data: a\n\n"), messages([]));
        assert_eq!(told("\n\u{feff}data: a\n\n"), messages([]));
        assert_eq!(told("data: a\n\n\u{feff}data: b\n\n"), messages(["a"]));
    }

    #[test]
    fn unknown_fields_and_comments_are_ignored() {
        assert_eq!(
            told(":\n: x\ndatum: a\n data: b\nData: c\nevent: endpoint\ndata: d:e\n\n"),
            [("endpoint".to_owned(), "d:e".to_owned())]
        );
        assert_eq!(told("event: endpoint\n\ndata: a\n\n"), messages(["a"]));
        assert_eq!(told("event: endpoint\nevent\ndata: a\n\n"), messages(["a"]));
    }

    #[test]
    fn events_without_data_count_for_the_reconnection() {
        let after = |stream: &str| {
            let (events, _, id, retry) = read_all(NO_LIMIT, [stream.as_bytes()]);
            assert_eq!(events, []);
            (id, retry.map(|time| time.as_millis()))
        };
        assert_eq!(after("id: a\n\n"), (Some("a".into()), None));
        assert_eq!(after("id: a\nretry: 500\n\n"), (Some("a".into()), Some(500)));
        assert_eq!(after("id: a\n\nid: b\n"), (Some("a".into()), None), "not ended");
        assert_eq!(after("id: a\n\nid: b\0\n\n"), (Some("a".into()), None), "holds NUL");
        assert_eq!(after("id: a\n\nid\n\n"), (None, None), "taken back");
        assert_eq!(after("retry: 007\n"), (None, Some(7)), "needs no end of the event");
        for bad in ["", "1.5", "-1", "+1", "1 ", "٣", "99999999999999999999"] {
            assert_eq!(after(&format!("retry: 5\nretry: {bad}\n\n")), (None, Some(5)), "{bad}");
        }
    }

    #[test]
    fn priming_event_has_empty_data() {
        let (events, _, id, retry) = read_all(NO_LIMIT, [&b"id: s-0\nretry: 3000\ndata: \n\n"[..]]);
        assert_eq!(events, [(Some("s-0".into()), "message".into(), Some(3000), vec![])]);
        assert_eq!((id.as_deref(), retry), (Some("s-0"), Some(Duration::from_secs(3))));
    }

    #[test]
    fn text_that_is_not_utf8_is_replaced_in_names_and_left_in_data() {
        assert_eq!(
            whole(b"id: \xff\nevent: \xfe\ndata: \xff\n\n"),
            [(Some("\u{fffd}".into()), "\u{fffd}".into(), None, b"\xff".into())]
        );
    }

    #[test]
    fn data_of_one_line_is_lent_out_of_the_portion() {
        let stream = b"data: abc\nid: 1\n\ndata: a\ndata: b\n\n";
        let mut parser = Parser::with_limit(NO_LIMIT);
        let mut portion = &stream[..];
        let event = parser.next_event(&mut portion).unwrap().unwrap();
        assert!(stream.as_ptr_range().contains(&event.data.as_ptr()));
        assert_eq!(event.data, b"abc");
        assert_eq!(parser.next_event(&mut portion).unwrap().unwrap().data, b"a\nb");
        assert_eq!(parser.next_event(&mut portion), Ok(None));
        assert_eq!(parser.next_event(&mut portion), Ok(None));
    }

    #[test]
    fn event_beyond_the_limit_ends_the_stream_until_it_begins_anew() {
        let mut parser = Parser::with_limit(8);
        assert_eq!(parser.next_event(&mut &b"id:1\n\n"[..]), Ok(None));
        assert_eq!(parser.next_event(&mut &b"data:abc\n\n"[..]).unwrap().unwrap().data, b"abc");
        let too_long = Err(EventTooLong { limit: 8 });
        assert_eq!(parser.next_event(&mut &b"data:abcd"[..]), too_long);
        assert_eq!(parser.next_event(&mut &b"\n\ndata:a\n\n"[..]), too_long);
        parser.restart();
        assert_eq!(parser.last_event_id(), Some("1"));
        assert_eq!(parser.next_event(&mut &b"data:a\n\n"[..]).unwrap().unwrap().data, b"a");
        assert_eq!(parser.next_event(&mut &b"data\ndata\nx\n"[..]), too_long);
    }

    #[test]
    fn comments_of_any_length_hold_no_memory() {
        let mut parser = Parser::with_limit(16);
        assert_eq!(parser.next_event(&mut &b":"[..]), Ok(None));
        for _ in 0..1000 {
            assert_eq!(parser.next_event(&mut &[b'x'; 1000][..]), Ok(None));
        }
        assert_eq!(parser.next_event(&mut &b"\n: again\n:\n"[..]), Ok(None));
        assert_eq!(parser.line.capacity(), 0);
        assert_eq!(parser.next_event(&mut &b"data: a\n\n"[..]).unwrap().unwrap().data, b"a");
    }

    #[test]
    fn memory_of_a_long_event_is_given_back() {
        let mut parser = Parser::with_limit(NO_LIMIT);
        let long = vec![b'x'; 1024 * 1024];
        for _ in 0..3 {
            assert_eq!(parser.next_event(&mut &b"data: "[..]), Ok(None));
            assert_eq!(parser.next_event(&mut &long[..]), Ok(None));
            assert_eq!(parser.next_event(&mut &b"\n\n"[..]).unwrap().unwrap().data, long);
        }
        assert_eq!(parser.next_event(&mut &b"\n"[..]), Ok(None));
        assert!(parser.line.capacity() <= STEADY_CAPACITY);
        assert!(parser.fields.data.capacity() <= STEADY_CAPACITY);
    }

    #[test]
    fn what_no_line_can_hold_is_not_written() {
        let mut out = Vec::new();
        let event = Event { event: "a\ndata: b", ..Event::message(b"x").with_id("1\r2") };
        write_event(&mut out, &event);
        write_event(&mut out, &Event::message(b"").with_id("\0"));
        assert_eq!(out, b"data: x\n\ndata: \n\n");
    }

    #[test]
    fn comment_is_written_line_by_line() {
        let mut out = Vec::new();
        write_comment(&mut out, "");
        write_comment(&mut out, "a\ndata: b");
        assert_eq!(out, b":\n\n: a\n: data: b\n\n");
        assert_eq!(whole(&out), []);
    }

    /// Bytes that are likely to be an event stream.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => prop::sample::select(vec![
                "data", "event", "id", "retry", "message", ":", " ", "\n", "\n\n", "\r", "\r\n", "\0",
                "1", "a", "\u{feff}", "data: {}\n\n", "id: 1\n",
            ]).prop_map(|text| text.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..3),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_portions_give_the_same_events(
            stream in stream(),
            sizes in prop::collection::vec(1_usize..7, 1..8),
            limit in prop_oneof![Just(NO_LIMIT), 0_usize..40],
        ) {
            let mut rest = &stream[..];
            let portions = sizes.iter().cycle().map_while(|size| {
                let (portion, later) = rest.split_at(rest.len().min(*size));
                rest = later;
                (!portion.is_empty()).then_some(portion)
            });
            let apart = read_all(limit, portions);
            prop_assert_eq!(apart, read_all(limit, [&stream[..]]));
        }

        #[test]
        fn what_is_written_is_read_back(
            events in prop::collection::vec((
                prop::option::of("[^\0\r\n]{0,9}"),
                "message|[^\r\n]{1,9}",
                prop::option::of(any::<u64>()),
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..40),
                    "[\r\n :a]{0,12}".prop_map(String::into_bytes),
                ],
            ), 0..8),
        ) {
            let mut out = Vec::new();
            for (id, event, retry, data) in &events {
                let retry = retry.map(Duration::from_millis);
                write_comment(&mut out, event);
                write_event(&mut out, &Event { id: id.as_deref(), event, retry, data });
            }
            let expected: Vec<Owned> = events.into_iter().map(|(id, event, retry, data)| {
                (id, event, retry.map(u128::from), unified(&data))
            }).collect();
            prop_assert_eq!(whole(&out), expected);
        }
    }

    /// The data with every line end as a line feed.
    fn unified(data: &[u8]) -> Vec<u8> {
        let mut unified = Vec::new();
        let mut after_cr = false;
        for byte in data {
            match byte {
                b'\n' if after_cr => {}
                b'\r' => unified.push(b'\n'),
                other => unified.push(*other),
            }
            after_cr = *byte == b'\r';
        }
        unified
    }
}
