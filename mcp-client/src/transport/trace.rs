//! Watching a connection: every message that leaves or arrives, as it stands on the wire.
//!
//! Owns putting messages together from the pieces that streams move. It does not know what a message
//! means, and changes nothing: who does not watch pays nothing.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::io::{Reader, Writer};

/// A message on its way, as a watcher sees it; see
/// [`IntoTransport::traced`](super::IntoTransport::traced).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Traced<'a> {
    /// Which way it goes.
    pub direction: Direction,
    /// Its bytes without the end of the line, or the first 64 KiB of them. What a server sent may be
    /// anything: make it harmless before it is shown.
    pub bytes: &'a [u8],
    /// How long the message is.
    pub length: usize,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From this client to the server.
    Sent,
    /// From the server to this client.
    Received,
}

/// Who watches.
#[derive(Clone)]
pub(crate) struct Watcher(Arc<dyn Fn(Traced<'_>) + Send + Sync>);

impl Watcher {
    pub(super) fn new(watch: impl Fn(Traced<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(watch))
    }

    /// Both see everything, this one first.
    pub(super) fn and(self, other: Self) -> Self {
        Self::new(move |message| {
            (self.0)(message);
            (other.0)(message);
        })
    }

    /// Shows a message that travels by itself.
    #[cfg(feature = "http")]
    pub(super) fn message(&self, direction: Direction, message: &[u8]) {
        let length = message.len();
        (self.0)(Traced { direction, bytes: &message[..length.min(LONGEST)], length });
    }

    pub(super) fn reader(&self, reader: Reader) -> Reader {
        Box::pin(Watched { stream: reader, lines: Lines::new(self.clone(), Direction::Received) })
    }

    pub(super) fn writer(&self, writer: Writer) -> Writer {
        Box::pin(Watched { stream: writer, lines: Lines::new(self.clone(), Direction::Sent) })
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").finish_non_exhaustive()
    }
}

/// A stream that is watched.
struct Watched<S> {
    stream: S,
    lines: Lines,
}

impl AsyncRead for Watched<Reader> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(self.stream.as_mut().poll_read(cx, buf))?;
        match buf.filled().get(before..) {
            Some(read) if !read.is_empty() => self.lines.hear(read),
            // The last message may lack its end.
            _ => self.lines.finish(),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched<Writer> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.stream.as_mut().poll_write(cx, bytes))?;
        self.lines.hear(bytes.get(..written).unwrap_or(bytes));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }
}

/// Puts lines together from pieces, and keeps only the beginning of long ones.
struct Lines {
    watcher: Watcher,
    direction: Direction,
    line: Vec<u8>,
    length: usize,
}

impl Lines {
    fn new(watcher: Watcher, direction: Direction) -> Self {
        Self { watcher, direction, line: Vec::new(), length: 0 }
    }

    fn hear(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.take(&bytes[..end]);
            self.finish();
            bytes = &bytes[end + 1..];
        }
        self.take(bytes);
    }

    fn take(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.line.len()).min(bytes.len());
        self.line.extend_from_slice(&bytes[..room]);
        self.length += bytes.len();
    }

    /// Shows what was put together; nothing of an empty line.
    fn finish(&mut self) {
        let Self { watcher, direction, line, length } = self;
        if *length > 0 {
            (watcher.0)(Traced { direction: *direction, bytes: line, length: *length });
        }
        line.clear();
        *length = 0;
    }
}

/// How much of a message is kept until its end is seen.
const LONGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    type Seen = Arc<Mutex<Vec<(Direction, String, usize)>>>;

    fn watcher() -> (Watcher, Seen) {
        let seen = Seen::default();
        let list = Arc::clone(&seen);
        let watcher = Watcher::new(move |message| {
            let text = String::from_utf8_lossy(message.bytes).into_owned();
            list.lock().unwrap().push((message.direction, text, message.length));
        });
        (watcher, seen)
    }

    #[test]
    fn messages_are_put_together_from_pieces() {
        let (watcher, seen) = watcher();
        let mut lines = Lines::new(watcher, Direction::Sent);
        for piece in ["{\"a\":", "1}\n{\"b\"", ":2}\n\nrest"] {
            lines.hear(piece.as_bytes());
        }
        let texts: Vec<_> = seen.lock().unwrap().iter().map(|(_, text, _)| text.clone()).collect();
        assert_eq!(texts, ["{\"a\":1}", "{\"b\":2}"]);
    }

    #[test]
    fn a_long_message_is_kept_in_part_and_measured_in_full() {
        let (watcher, seen) = watcher();
        let mut lines = Lines::new(watcher, Direction::Received);
        lines.hear(&vec![b'x'; 100_000]);
        lines.hear(b"\n");
        let (_, text, length) = seen.lock().unwrap().remove(0);
        assert_eq!((text.len(), length), (LONGEST, 100_000));
    }

    #[tokio::test]
    async fn both_directions_are_seen_by_all_who_watch() {
        let (first, seen) = watcher();
        let (second, also) = watcher();
        let watcher = first.and(second);
        let (near, mut far) = tokio::io::duplex(64);
        let (reader, writer) = tokio::io::split(near);
        let mut reader = watcher.reader(Box::pin(reader));
        let mut writer = watcher.writer(Box::pin(writer));
        writer.write_all(b"ping\n").await.unwrap();
        far.write_all(b"pong\nlast").await.unwrap();
        drop(far);
        let mut read = String::new();
        reader.read_to_string(&mut read).await.unwrap();
        assert_eq!(read, "pong\nlast");
        let expected = [
            (Direction::Sent, "ping".to_owned(), 4),
            (Direction::Received, "pong".to_owned(), 4),
            (Direction::Received, "last".to_owned(), 4),
        ];
        assert_eq!(*seen.lock().unwrap(), expected);
        assert_eq!(*also.lock().unwrap(), expected);
    }
}
