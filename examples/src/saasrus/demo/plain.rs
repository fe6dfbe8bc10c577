//! Plain HTTP, byte by byte: for what a well-behaved client would never send.
//!
//! Nothing is added to what is given, not even a Host header, so that it can be missing, wrong or
//! there twice. The peer is our own server on this machine; for anything else this is too simple.

use std::io;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    head: String,
    body: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    /// A request without body.
    pub fn new(method: &str, target: &str) -> Self {
        let head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
        Self { head, body: String::new() }
    }

    /// A message for an MCP endpoint.
    pub fn post(target: &str, message: &Value) -> Self {
        let body = message.to_string();
        let mut request = Self::new("POST", target)
            .header("Content-Type", "application/json")
            .header("Accept", "application/json, text/event-stream")
            .header("Content-Length", body.len().to_string());
        request.body = body;
        request
    }

    /// What it asks for: method and target, the MCP method if it has one, and whether there is a
    /// token, of which nothing is said.
    pub fn describe(&self) -> String {
        let line = self.head.split(" HTTP/").next().unwrap_or_default();
        let message: Value = serde_json::from_str(&self.body).unwrap_or_default();
        let method = message["method"].as_str().unwrap_or_default();
        let token = match self.head.contains("\nAuthorization: ") {
            true => ", with a token",
            false => "",
        };
        format!("{}{token}", format!("{line} {method}").trim_end())
    }

    /// Adds a header, also if it is there already.
    pub fn header(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.head.push_str(&format!("{name}: {}\r\n", value.as_ref()));
        self
    }

    /// Sends it to this port, over a connection of its own.
    ///
    /// # Errors
    ///
    /// When there is no answer within some seconds, or it is no HTTP.
    pub async fn send(&self, port: u16) -> io::Result<Answer> {
        self.send_over(TcpStream::connect(("127.0.0.1", port)).await?).await
    }

    /// Sends it over this connection, which nothing else is sent over.
    ///
    /// # Errors
    ///
    /// As with [`send`](Self::send).
    pub async fn send_over(
        &self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
    ) -> io::Result<Answer> {
        let exchange = async {
            stream.write_all(format!("{}\r\n{}", self.head, self.body).as_bytes()).await?;
            stream.flush().await?;
            let mut bytes = Vec::new();
            stream.take(LONGEST).read_to_end(&mut bytes).await?;
            io::Result::Ok(bytes)
        };
        let bytes = timeout(PATIENCE, exchange).await.map_err(|_| io::ErrorKind::TimedOut)??;
        Answer::parse(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl Answer {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The message in it: the body itself, or the last event of a stream.
    pub fn message(&self) -> Value {
        let events = self.body.lines().rev().filter_map(|line| line.strip_prefix("data:"));
        let mut found = events.chain([self.body.as_str()]).map(serde_json::from_str);
        found.find_map(Result::ok).unwrap_or_default()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        let headers = lines.map(header).collect::<Option<Vec<_>>>()?;
        let mut answer = Self { status, headers, body: body.to_owned() };
        if answer.header("Transfer-Encoding") == Some("chunked") {
            answer.body = unchunked(body)?;
        }
        Some(answer)
    }
}

/// The content of a chunked body (RFC 9112, 7.1).
fn unchunked(mut body: &str) -> Option<String> {
    let mut content = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(content);
        }
        content.push_str(rest.get(..size)?);
        body = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_are_found_in_bodies_and_in_streams() {
        let whole = b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n{\"id\":1}";
        let whole = Answer::parse(whole).unwrap();
        assert_eq!((whole.status, whole.header("x-a")), (200, Some("b")));
        assert_eq!(whole.message(), json!({ "id": 1 }));
        let stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
            7\r\n: hi\n\n\n\r\n10\r\ndata: {\"id\":2}\n\n\r\n0\r\n\r\n";
        assert_eq!(Answer::parse(stream).unwrap().message(), json!({ "id": 2 }));
        assert!(Answer::parse(b"no HTTP").is_none());
        assert!(unchunked("ffffffffffffffff\r\nx").is_none());
    }
}
