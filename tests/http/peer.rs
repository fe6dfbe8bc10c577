//! A client that writes its requests by hand.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One connection.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    /// What was read and is not used up.
    read: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) session: Option<String>,
    pub(crate) body: String,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }

    pub(crate) async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Sends a request and reads its answer, which is no stream.
    pub(crate) async fn ask(&mut self, request: &str) -> Answer {
        self.write(request).await;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        self.until("\r\n\r\n").await;
        let text = String::from_utf8_lossy(&self.read).into_owned();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        let value = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines
                .find(|(other, _)| other.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
        };
        let length = value("content-length").map_or(0, |length| length.parse().unwrap());
        let (begin, end) = (head.len() + 4, head.len() + 4 + length);
        while self.read.len() < end {
            self.more().await;
        }
        let body = String::from_utf8(self.read[begin..end].to_vec()).unwrap();
        let status = head[9..12].parse().unwrap();
        let session = value("mcp-session-id");
        self.read.drain(..end);
        Answer { status, session, body }
    }

    /// Reads until a text has come.
    pub(crate) async fn until(&mut self, wanted: &str) {
        let wanted = wanted.as_bytes();
        while !self.read.windows(wanted.len()).any(|found| found == wanted) {
            self.more().await;
        }
    }

    async fn more(&mut self) {
        let read = self.stream.read_buf(&mut self.read).await.unwrap();
        assert!(read > 0, "the server ends it after {}", String::from_utf8_lossy(&self.read));
    }

    /// Begins a session.
    pub(crate) async fn initialize(&mut self) -> String {
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "peer", "version": "1" } });
        let body = message(0, "initialize", &params);
        let answer = self.ask(&post(&[], &body)).await;
        answer.session.unwrap_or_else(|| panic!("{}: {}", answer.status, answer.body))
    }
}

/// A POST.
pub(crate) fn post(headers: &[(&str, &str)], body: &str) -> String {
    let mut text = String::from(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\n",
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    text
}

/// A GET of a session.
pub(crate) fn get(session: &str) -> String {
    format!(
        "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\
         Mcp-Session-Id: {session}\r\n\r\n"
    )
}

/// A request of a session.
pub(crate) fn legacy(session: &str, id: usize, tool: &str) -> String {
    let params =
        json!({ "name": tool, "arguments": { "text": "hi" }, "_meta": { "progressToken": id } });
    post(&[("Mcp-Session-Id", session)], &message(id, "tools/call", &params))
}

/// A call of the modern era.
pub(crate) fn modern(tool: &str) -> String {
    let params = json!({ "name": tool, "arguments": { "text": "hi" }, "_meta": meta() });
    let headers =
        [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool)];
    post(&headers, &message(1, "tools/call", &params))
}

/// Asks to be told of changes, in the modern era.
pub(crate) fn listen() -> String {
    let params = json!({ "notifications": { "toolsListChanged": true }, "_meta": meta() });
    let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "subscriptions/listen")];
    post(&headers, &message(1, "subscriptions/listen", &params))
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "peer", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
        "progressToken": 1,
    })
}

fn message(id: usize, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}
