//! Clients of the least possible cost: prebuilt requests over blocking sockets.
//!
//! Each connection has one request in flight. They are served in turn, so that a request costs two
//! system calls here, and the server always has something to do.

use std::io;
use std::net::SocketAddr;

use memchr::memmem;

use super::wire::{Answer, Wire};

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// 2026-07-28: a request is all there is.
    Modern,
    /// 2025-11-25, with a session for each connection.
    Session,
    /// As modern, and whatever comes back is right.
    Floor,
}

/// Connections that ask in turn.
pub(super) struct Load {
    lanes: Vec<Lane>,
    next: u64,
    mode: Mode,
}

/// One connection, and the request that goes over it.
struct Lane {
    wire: Wire,
    request: Template,
}

impl Load {
    pub(super) fn open(address: SocketAddr, mode: Mode, connections: usize) -> io::Result<Self> {
        let mut lanes = Vec::with_capacity(connections);
        for _ in 0..connections {
            let mut wire = Wire::connect(address)?;
            let request = match mode {
                Mode::Modern | Mode::Floor => Template::modern(),
                Mode::Session => Template::in_session(&open_session(&mut wire)?),
            };
            lanes.push(Lane { wire, request });
        }
        Ok(Self { lanes, next: 0, mode })
    }

    /// Makes so many calls of `echo`, one for each connection at a time, and holds every answer
    /// against its request.
    pub(super) fn run(&mut self, calls: usize) -> io::Result<()> {
        let compared = self.mode != Mode::Floor;
        let (first, lanes) = (self.next, self.lanes.len());
        self.next += calls as u64;
        let numbers = || first..first + calls as u64;
        for (number, lane) in numbers().zip(&mut self.lanes) {
            lane.wire.send(lane.request.numbered(number))?;
        }
        for (done, number) in numbers().enumerate() {
            let lane = &mut self.lanes[done % lanes];
            check(lane.wire.receive()?, compared.then_some(number))?;
            let next = number + lanes as u64;
            if next < self.next {
                lane.wire.send(lane.request.numbered(next))?;
            }
        }
        Ok(())
    }
}

/// A call of `echo`, with places for its number.
pub(super) struct Template {
    request: Vec<u8>,
    id: usize,
    message: usize,
}

impl Template {
    fn modern() -> Self {
        Self::new(
            "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n",
            r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"load","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#,
        )
    }

    pub(super) fn in_session(session: &str) -> Self {
        Self::new(&session_headers(session), "")
    }

    fn new(headers: &str, meta: &str) -> Self {
        let zeros = "0".repeat(MESSAGE);
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1{id},"method":"tools/call","params":{{"name":"echo","arguments":{{"message":"{zeros}"}}{meta}}}}}"#,
            id = "0".repeat(ID),
        );
        let request = post(headers, &body);
        let after =
            |what: &[u8]| memmem::find(&request, what).expect("it was just written") + what.len();
        let (id, message) = (after(b"\"id\":1"), after(b"\"message\":\""));
        Self { request, id, message }
    }

    pub(super) fn numbered(&mut self, number: u64) -> &[u8] {
        write_digits(number, &mut self.request[self.id..self.id + ID]);
        write_digits(number, &mut self.request[self.message..self.message + MESSAGE]);
        &self.request
    }
}

/// Holds an answer against the number of its request, if that can be in it.
pub(super) fn check(answer: Answer<'_>, number: Option<u64>) -> io::Result<()> {
    const TEXT: &[u8] = b"\"text\":\"";
    if answer.status != 200 {
        return Err(unexpected("another status than 200", answer));
    }
    let Some(number) = number else { return Ok(()) };
    let mut message = [0; MESSAGE];
    write_digits(number, &mut message);
    let text = memmem::find(answer.body, TEXT).map(|at| &answer.body[at + TEXT.len()..]);
    match text.is_some_and(|text| text.starts_with(&message)) {
        true => Ok(()),
        false => Err(unexpected("not the message that was sent", answer)),
    }
}

/// Begins a session, and says its id.
pub(super) fn open_session(wire: &mut Wire) -> io::Result<String> {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"load","version":"1"}}}"#;
    let answer = wire.ask(&post("", body))?;
    let id = answer.header("mcp-session-id").map(str::to_owned);
    let id = id.ok_or_else(|| unexpected("no session", answer))?;
    let body = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let answer = wire.ask(&post(&session_headers(&id), body))?;
    match answer.status {
        202 => Ok(id),
        _ => Err(unexpected("another status than 202", answer)),
    }
}

/// Ends a session.
pub(super) fn delete_session(wire: &mut Wire, session: &str) -> io::Result<()> {
    let headers = session_headers(session);
    let answer =
        wire.ask(format!("DELETE /mcp HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").as_bytes())?;
    match answer.status {
        200..300 => Ok(()),
        _ => Err(unexpected("a session that does not end", answer)),
    }
}

/// A request that is answered with more than anybody reads.
pub(super) fn flood(session: &str, notifications: u32) -> Vec<u8> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{"name":"flood","arguments":{{"count":{notifications}}},"_meta":{{"progressToken":"flood"}}}}}}"#
    );
    post(&session_headers(session), &body)
}

/// Digits of a number within an id, after its first.
const ID: usize = 9;
/// Length of a message.
const MESSAGE: usize = 32;

fn session_headers(session: &str) -> String {
    format!("MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: {session}\r\n")
}

fn post(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}

/// Writes the last digits of a number, with zeros before it.
fn write_digits(mut number: u64, into: &mut [u8]) {
    for place in into.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn unexpected(what: &str, answer: Answer<'_>) -> io::Error {
    let text = [answer.head, answer.body].concat();
    let text = String::from_utf8_lossy(&text[..text.len().min(600)]).into_owned();
    io::Error::new(io::ErrorKind::InvalidData, format!("{what}: {text}"))
}
