//! A server process whose messages are recorded and, on request, printed.
//!
//! [`Wire`] starts the server with the client crate's `ChildProcess` and puts a listener on both of
//! its streams; the client gets them as an `Io`. The listener cuts the bytes into lines and knows
//! nothing of what they mean.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use mcp_client::transport::child_process::{RunningChild, StderrTail};
use mcp_client::{ChildProcess, Ended, Error, Io};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::console::Paint;

/// A running server and what the client said to it.
#[derive(Debug)]
pub struct Wire {
    running: RunningChild,
    sent: Sent,
}

/// Whether messages are printed to standard error, and how.
pub type Trace = Option<Paint>;

impl Wire {
    /// Starts the server; the client connects to the streams.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] when the program cannot be started.
    pub fn start(server: &ChildProcess, trace: Trace) -> Result<(Self, Io), Error> {
        let mut running = server.spawn().map_err(|error| Error::Transport(Box::new(error)))?;
        let (Some(input), Some(output)) = (running.take_input(), running.take_output()) else {
            return Err(Error::Closed("the server process has no streams".to_owned()));
        };
        let sent = Sent::default();
        let output = Watched { stream: output, lines: Lines::new(trace, None) };
        let input = Watched { stream: input, lines: Lines::new(trace, Some(sent.clone())) };
        Ok((Self { running, sent }, Io::pair(output, input)))
    }

    /// The messages that left the client so far.
    pub fn sent(&self) -> Vec<String> {
        self.sent.lock().clone()
    }

    /// What the server wrote to standard error last; it can be read when the server has ended.
    pub fn stderr(&self) -> StderrTail {
        self.running.stderr()
    }

    /// Ends the server, and says how it ended and which processes of it are left.
    pub async fn end(self) -> (Ended, Vec<u32>) {
        let group = self.running.id();
        let ended = self.running.shutdown(PATIENCE, PATIENCE).await;
        (ended, members(group))
    }
}

/// The names of the methods of these messages, each once, in the order of their first message.
pub fn methods(messages: &[String]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Message {
        method: Option<String>,
    }
    let mut methods: Vec<String> = Vec::new();
    for message in messages {
        let message: Result<Message, _> = serde_json::from_str(message);
        if let Ok(Message { method: Some(method) }) = message
            && !methods.contains(&method)
        {
            methods.push(method);
        }
    }
    methods
}

/// The processes of a group; always none on systems without `/proc`.
fn members(group: u32) -> Vec<u32> {
    let Ok(processes) = Path::new("/proc").read_dir() else { return Vec::new() };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| group_of(*pid) == Some(group)).collect()
}

fn group_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; after it come state, parent and group.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(2)?.parse().ok()
}

#[derive(Debug, Clone, Default)]
struct Sent(Arc<Mutex<Vec<String>>>);

impl Sent {
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream with a listener.
struct Watched<S> {
    stream: S,
    lines: Lines,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.lines.hear(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.lines.hear(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Puts lines together from pieces; keeps the beginning of a line only, since pictures are long.
struct Lines {
    trace: Trace,
    /// Where whole lines go; `None` for what arrives, which is only printed.
    sent: Option<Sent>,
    line: Vec<u8>,
    length: usize,
}

impl Lines {
    fn new(trace: Trace, sent: Option<Sent>) -> Self {
        Self { trace, sent, line: Vec::new(), length: 0 }
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
        let most = if self.sent.is_some() { LONGEST_SENT } else { LONGEST_SHOWN };
        let room = most.saturating_sub(self.line.len()).min(bytes.len());
        self.line.extend_from_slice(&bytes[..room]);
        self.length += bytes.len();
    }

    fn finish(&mut self) {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        if let Some(paint) = self.trace {
            self.print(paint, &line);
        }
        if let Some(sent) = &self.sent {
            let mut sent = sent.lock();
            if sent.len() < MOST_SENT {
                sent.push(line);
            }
        }
        self.line.clear();
        self.length = 0;
    }

    fn print(&self, paint: Paint, line: &str) {
        let arrow = if self.sent.is_some() { paint.cyan("→") } else { paint.green("←") };
        let shown: String = line.chars().take(LONGEST_SHOWN).collect();
        let shown = super::console::one_line(&shown);
        if shown.len() < self.length {
            eprintln!("{arrow} {shown} {}", paint.dim(&format!("… {} bytes", self.length)));
        } else {
            eprintln!("{arrow} {shown}");
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_SHOWN: usize = 1200;
const LONGEST_SENT: usize = 64 << 10;
const MOST_SENT: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_pieces() {
        let sent = Sent::default();
        let mut lines = Lines::new(None, Some(sent.clone()));
        for piece in ["{\"method\":", "\"a\"}\n{\"method\":\"b\"}", "\n{\"id\":1}\nrest"] {
            lines.hear(piece.as_bytes());
        }
        let sent = sent.lock().clone();
        assert_eq!(sent, ["{\"method\":\"a\"}", "{\"method\":\"b\"}", "{\"id\":1}"]);
        assert_eq!(methods(&sent), ["a", "b"]);
    }

    #[test]
    fn a_long_line_is_kept_in_part() {
        let mut lines = Lines::new(None, None);
        lines.hear(&[b'x'; 100_000]);
        assert_eq!((lines.line.len(), lines.length), (LONGEST_SHOWN, 100_000));
    }
}
