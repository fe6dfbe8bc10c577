//! One connection of HTTP/1.1 that is kept alive, with the least parsing that tells where an answer
//! ends.
//!
//! It knows the servers that it talks to: header names in lower case, and no answer before its
//! request.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use memchr::memmem;

/// A connection, with one request at a time.
pub(super) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// What came back: the body is as it came, with the heads of chunks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'b> {
    pub(super) status: u16,
    pub(super) head: &'b [u8],
    pub(super) body: &'b [u8],
}

impl Wire {
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 4096], filled: 0 })
    }

    /// Fails when an answer takes longer.
    pub(super) fn be_patient_for(&self, longest: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(longest))
    }

    pub(super) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.filled = 0;
        self.stream.write_all(request)
    }

    /// The answer to what was sent; waits for its end.
    pub(super) fn receive(&mut self) -> io::Result<Answer<'_>> {
        let mut head = None;
        loop {
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[self.filled..])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.filled += read;
            let bytes = &self.buffer[..self.filled];
            if head.is_none() {
                let end = memmem::find(bytes, b"\r\n\r\n");
                head = end.map(|end| Head::read(&bytes[..end + 4])).transpose()?;
            }
            if let Some(Head { length, status, body }) = head
                && body.is_over(&bytes[length..])
            {
                let (head, body) = self.buffer[..self.filled].split_at(length);
                return Ok(Answer { status, head, body });
            }
        }
    }

    /// As [`send`](Self::send) and [`receive`](Self::receive).
    pub(super) fn ask(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.send(request)?;
        self.receive()
    }
}

impl Answer<'_> {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = std::str::from_utf8(self.head).ok()?;
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[derive(Debug, Clone, Copy)]
struct Head {
    length: usize,
    status: u16,
    body: Body,
}

#[derive(Debug, Clone, Copy)]
enum Body {
    OfLength(usize),
    Chunked,
}

impl Head {
    fn read(head: &[u8]) -> io::Result<Self> {
        let status = head.strip_prefix(b"HTTP/1.1 ").and_then(number);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let status = status.ok_or_else(|| unexpected("no status line of HTTP/1.1"))?;
        const LENGTH: &[u8] = b"\r\ncontent-length: ";
        let length = memmem::find(head, LENGTH).and_then(|at| number(&head[at + LENGTH.len()..]));
        let body = match length {
            Some(length) => Body::OfLength(length),
            None if status == 204 => Body::OfLength(0),
            None => Body::Chunked,
        };
        Ok(Self { length: head.len(), status, body })
    }
}

impl Body {
    fn is_over(self, body: &[u8]) -> bool {
        match self {
            Self::OfLength(length) => length <= body.len(),
            // JSON and events have no carriage return, so this is no part of a chunk.
            Self::Chunked => body.ends_with(b"\r\n0\r\n\r\n") || body == b"0\r\n\r\n",
        }
    }
}

fn number(text: &[u8]) -> Option<usize> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
