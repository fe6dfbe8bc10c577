//! A client of the least possible cost: raw lines over the pipes of a child process.
//!
//! It speaks the legacy handshake and `tools/call` of `echo`, knows no MCP library, and is the
//! same for every server, so that a difference between two runs is a difference between the
//! servers. Every message differs and every answer is compared with what was sent.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server after its handshake.
pub(crate) struct Connection {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines,
    next: u64,
    requests: Vec<u8>,
    /// From before the spawn until the answer to `initialize` was read.
    pub(crate) cold_start: Duration,
}

impl Connection {
    /// Spawns the server and completes the handshake.
    pub(crate) fn open(command: &[String]) -> io::Result<Self> {
        let [program, arguments @ ..] = command else {
            return Err(wrong("the command is empty"));
        };
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
        let input = child.stdin.take();
        let output = Lines::new(child.stdout.take().expect("the output was asked for as a pipe"));
        let mut connection = Self {
            child,
            input,
            output,
            next: 1,
            requests: Vec::new(),
            cold_start: Duration::ZERO,
        };
        connection.write(INITIALIZE)?;
        let answer = connection.output.next()?;
        if find(answer, b"\"result\"").is_none() {
            return Err(wrong(&format!("`initialize` failed: {}", shortened(answer))));
        }
        connection.cold_start = started.elapsed();
        connection.write(INITIALIZED)?;
        Ok(connection)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Makes `calls` calls and keeps `window` of them in flight.
    pub(crate) fn echo_many(&mut self, calls: u64, window: u64) -> io::Result<()> {
        let first = self.next;
        let end = first + calls;
        self.send_until(end.min(first + window))?;
        let mut answered = 0;
        while answered < calls {
            let before = answered;
            check_small(self.output.next()?, first, end)?;
            answered += 1;
            // What came in one read is answered with one write.
            while let Some(line) = self.output.buffered() {
                check_small(line, first, end)?;
                answered += 1;
            }
            self.send_until(end.min(self.next + (answered - before)))?;
        }
        Ok(())
    }

    /// One call with a short message; how long its answer took.
    pub(crate) fn echo_once(&mut self) -> io::Result<Duration> {
        let number = self.next;
        let started = Instant::now();
        self.send_until(number + 1)?;
        check_small(self.output.next()?, number, number + 1)?;
        Ok(started.elapsed())
    }

    /// One call with a message of this many bytes.
    pub(crate) fn echo_large(&mut self, bytes: usize) -> io::Result<()> {
        let number = self.next;
        self.next += 1;
        let number_text = digits(number, &mut [0; SHORT]).to_owned();
        let message = number_text + &"0".repeat(bytes.saturating_sub(SHORT));
        self.requests.clear();
        push_request(&mut self.requests, number, &message);
        let requests = std::mem::take(&mut self.requests);
        let written = self.write(&requests);
        self.requests = requests;
        written?;
        check(self.output.next()?, number, message.as_bytes())
    }

    /// Ends the input and waits for the server to leave; after five seconds it is killed.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.input = None;
        let patience = Instant::now() + Duration::from_secs(5);
        while Instant::now() < patience {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.child.kill()?;
        self.child.wait()?;
        Err(wrong("the server does not leave at the end of its input"))
    }

    fn send_until(&mut self, end: u64) -> io::Result<()> {
        if self.next == end {
            return Ok(());
        }
        let mut requests = std::mem::take(&mut self.requests);
        requests.clear();
        for number in self.next..end {
            push_request(&mut requests, number, digits(number, &mut [0; SHORT]));
        }
        self.next = end;
        let written = self.write(&requests);
        self.requests = requests;
        written
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(bytes)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // After `close` the child is gone and both fail, which is as it should be.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Length of the messages of small calls.
const SHORT: usize = 32;

const INITIALIZE: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":\"1\"}}}\n";
const INITIALIZED: &[u8] = b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

fn push_request(into: &mut Vec<u8>, number: u64, message: &str) {
    into.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    into.extend_from_slice(
        digits(number, &mut [0; SHORT]).trim_start_matches('0').as_bytes(), // never 0
    );
    into.extend_from_slice(
        b",\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{\"message\":\"",
    );
    into.extend_from_slice(message.as_bytes());
    into.extend_from_slice(b"\"}}}\n");
}

/// The number with leading zeros.
fn digits(mut number: u64, buffer: &mut [u8; SHORT]) -> &str {
    for place in buffer.iter_mut().rev() {
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
    std::str::from_utf8(buffer).expect("digits are ASCII")
}

fn check_small(line: &[u8], first: u64, end: u64) -> io::Result<()> {
    let number = id(line).filter(|id| (first..end).contains(id));
    let Some(number) = number else {
        return Err(wrong(&format!("an answer to nothing that was asked: {}", shortened(line))));
    };
    check(line, number, digits(number, &mut [0; SHORT]).as_bytes())
}

/// Holds the answer to call `number` against its message.
fn check(line: &[u8], number: u64, message: &[u8]) -> io::Result<()> {
    const TEXT: &[u8] = b"\"text\":\"";
    let text = find(line, TEXT).map(|at| &line[at + TEXT.len()..]);
    let same = text
        .and_then(|text| text.strip_prefix(message))
        .is_some_and(|rest| rest.first() == Some(&b'"'));
    if same {
        Ok(())
    } else {
        Err(wrong(&format!("call {number} did not get its message back: {}", shortened(line))))
    }
}

/// The `id` of a response; large messages carry only digits, so the first match is the member,
/// or it stands near the end.
fn id(line: &[u8]) -> Option<u64> {
    const ID: &[u8] = b"\"id\":";
    let digits = &line[find(line, ID)? + ID.len()..];
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&digits[..length]).ok()?.parse().ok()
}

fn find(line: &[u8], what: &[u8]) -> Option<usize> {
    line.windows(what.len()).position(|window| window == what)
}

fn shortened(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(300)]).into_owned()
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Lines out of a pipe, in one buffer.
struct Lines {
    pipe: ChildStdout,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// No line ends between `start` and here.
    searched: usize,
}

impl Lines {
    fn new(pipe: ChildStdout) -> Self {
        Self { pipe, buffer: vec![0; 1 << 16], start: 0, end: 0, searched: 0 }
    }

    /// The next line, without its end; waits for it.
    fn next(&mut self) -> io::Result<&[u8]> {
        loop {
            if let Some(line) = self.position() {
                return Ok(&self.buffer[line]);
            }
            if self.start == self.end {
                (self.start, self.end, self.searched) = (0, 0, 0);
            } else if self.end == self.buffer.len() {
                if self.start == 0 {
                    self.buffer.resize(self.buffer.len() * 2, 0);
                } else {
                    self.buffer.copy_within(self.start..self.end, 0);
                    self.searched -= self.start;
                    self.end -= self.start;
                    self.start = 0;
                }
            }
            let read = self.pipe.read(&mut self.buffer[self.end..])?;
            if read == 0 {
                return Err(wrong("the server closed its output"));
            }
            self.end += read;
        }
    }

    /// The next line if it has been read already.
    fn buffered(&mut self) -> Option<&[u8]> {
        self.position().map(|line| &self.buffer[line])
    }

    fn position(&mut self) -> Option<std::ops::Range<usize>> {
        let unread = &self.buffer[self.searched..self.end];
        let Some(length) = unread.iter().position(|&byte| byte == b'\n') else {
            self.searched = self.end;
            return None;
        };
        let line = self.start..self.searched + length;
        self.start = line.end + 1;
        self.searched = self.start;
        Some(line)
    }
}
