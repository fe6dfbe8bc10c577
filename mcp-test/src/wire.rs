//! What passes between client and server: observed byte by byte, understood line by line.
//!
//! Owns which requests wait for their answers, and, if a test wants it, everything that was said.
//! It changes nothing: bytes reach the other side as they are.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use mcp_client::Direction;
use mcp_core::Limits;
use mcp_core::framing::{Line, LineBuffer};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The arrow that transcripts show.
pub(crate) fn arrow(direction: Direction) -> char {
    match direction {
        Direction::Sent => '→',
        Direction::Received => '←',
    }
}

/// One line as it was said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) direction: Direction,
    /// The message; text where the line is no JSON.
    pub(crate) message: Result<Value, String>,
}

/// What has passed over one connection.
#[derive(Debug, Clone)]
pub(crate) struct Wire(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    to_server: LineBuffer,
    to_client: LineBuffer,
    /// Requests without an answer, by who asked and by their ids, with their methods.
    open: HashMap<(Direction, String), String>,
    record: bool,
    said: Vec<Said>,
}

impl Wire {
    /// Nothing has been said. Lines are kept only if `record` says so.
    pub(crate) fn new(record: bool) -> Self {
        let lines = || LineBuffer::with_limit(Limits::default().line_bytes);
        let (to_server, to_client) = (lines(), lines());
        let state = State { to_server, to_client, open: HashMap::new(), record, said: Vec::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Every line until now, if lines are kept.
    pub(crate) fn said(&self) -> Vec<Said> {
        self.lock().said.clone()
    }

    /// The requests that wait for an answer, for people.
    ///
    /// `subscriptions/listen` is not among them: it lasts as long as its connection.
    pub(crate) fn in_flight(&self) -> Vec<String> {
        let state = self.lock();
        let waiting = state.open.iter().filter(|(_, method)| *method != "subscriptions/listen");
        let mut waiting: Vec<String> = waiting
            .map(|((asked, id), method)| {
                let who = match asked {
                    Direction::Sent => "client",
                    Direction::Received => "server",
                };
                format!("`{method}` of the {who} (id {id})")
            })
            .collect();
        waiting.sort();
        waiting
    }

    fn observe(&self, direction: Direction, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.lock().observe(direction, bytes);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn observe(&mut self, direction: Direction, bytes: &[u8]) {
        let lines = match direction {
            Direction::Sent => &mut self.to_server,
            Direction::Received => &mut self.to_client,
        };
        lines.spare(bytes.len()).extend_from_slice(bytes);
        let mut whole = Vec::new();
        while let Some(line) = lines.next_line() {
            whole.push(match line {
                Line::Complete(line) => serde_json::from_slice(line)
                    .map_err(|_| String::from_utf8_lossy(line).into_owned()),
                Line::TooLong { length_so_far } => {
                    Err(format!("a line of {length_so_far} bytes or more"))
                }
            });
        }
        for message in whole {
            if let Ok(message) = &message {
                self.note(direction, message);
            }
            if self.record {
                self.said.push(Said { direction, message });
            }
        }
    }

    /// Notes who waits for what.
    fn note(&mut self, direction: Direction, message: &Value) {
        if let Some(batch) = message.as_array() {
            batch.iter().for_each(|message| self.note(direction, message));
            return;
        }
        let id = message.get("id").map(Value::to_string);
        match (message.get("method").and_then(Value::as_str), id) {
            (Some(method), Some(id)) => {
                self.open.insert((direction, id), method.to_owned());
            }
            (Some("notifications/cancelled"), None) => {
                if let Some(id) = message.pointer("/params/requestId") {
                    self.open.remove(&(direction, id.to_string()));
                }
            }
            (None, Some(id)) => {
                self.open.remove(&(back(direction), id));
            }
            _ => {}
        }
    }
}

fn back(direction: Direction) -> Direction {
    match direction {
        Direction::Sent => Direction::Received,
        Direction::Received => Direction::Sent,
    }
}

/// The client's end of a connection, observed.
///
/// The client's own watchers see only the beginning of long messages, and may not see an id.
pub(crate) struct Observed<S> {
    stream: S,
    wire: Wire,
}

impl<S> Observed<S> {
    pub(crate) fn new(stream: S, wire: Wire) -> Self {
        Self { stream, wire }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Observed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.wire.observe(Direction::Received, &buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Observed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, bytes))?;
        this.wire.observe(Direction::Sent, &bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn say(wire: &Wire, direction: Direction, message: &Value) {
        wire.observe(direction, format!("{message}\n").as_bytes());
    }

    #[test]
    fn a_request_is_in_flight_until_it_is_answered_or_cancelled() {
        let wire = Wire::new(false);
        for id in [json!(1), json!("1"), json!(2)] {
            say(&wire, Direction::Sent, &json!({ "id": id, "method": "tools/call" }));
        }
        say(&wire, Direction::Sent, &json!({ "id": 9, "method": "subscriptions/listen" }));
        assert_eq!(wire.in_flight().len(), 3);
        say(&wire, Direction::Received, &json!({ "id": 1, "result": {} }));
        let cancelled = json!({ "requestId": 2 });
        let method = "notifications/cancelled";
        say(&wire, Direction::Sent, &json!({ "method": method, "params": cancelled }));
        assert_eq!(wire.in_flight(), ["`tools/call` of the client (id \"1\")"]);
        // An answer that goes the same way as the request answers something else.
        say(&wire, Direction::Sent, &json!({ "id": "1", "result": {} }));
        assert_eq!(wire.in_flight().len(), 1);
    }

    #[test]
    fn lines_may_come_in_pieces() {
        let wire = Wire::new(true);
        for piece in ["{\"id\":1,", "\"method\":\"ping\"}", "\nnonsense\n"] {
            wire.observe(Direction::Sent, piece.as_bytes());
        }
        let said = wire.said();
        assert_eq!(said[0].message, Ok(json!({ "id": 1, "method": "ping" })));
        assert_eq!(said[1].message, Err("nonsense".to_owned()));
    }
}
