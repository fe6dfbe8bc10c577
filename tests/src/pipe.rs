//! A process at the other end of two raw pipes: bytes in, lines of JSON out.
//!
//! Owns the process and everything that could make a test hang: writing never blocks, every wait
//! has an end, and the process is ended with the value. Knows nothing of MCP; that each line is
//! one JSON value is the only thing it insists on.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything takes on a busy machine; only a test that fails waits for so long.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running process.
#[derive(Debug)]
pub struct Pipe {
    child: Child,
    input: Option<Sender<Vec<u8>>>,
    written: Arc<AtomicU64>,
    unread: Option<ChildStdout>,
    lines: Option<Receiver<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// What it returned.
    pub status: ExitStatus,
    /// The messages that had not been read.
    pub rest: Vec<Value>,
    /// What it wrote to its standard error.
    pub stderr: String,
    /// The time between the end of its input and its own end.
    pub took: Duration,
}

impl Ended {
    /// That it ended with status 0 and without a word on its standard error.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn quietly(self) -> Self {
        assert!(self.status.success(), "{}\n{}", self.status, self.stderr);
        assert_eq!(self.stderr, "");
        self
    }
}

impl Pipe {
    /// Starts a program and reads everything it writes.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let mut pipe = Self::start_unread(program, arguments);
        pipe.read();
        pipe
    }

    /// Starts a program and reads nothing before [`read`](Self::read) is called.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn start_unread(program: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{program}` does not start: {error}"));
        let stdin = child.stdin.take().expect("it is piped");
        let mut stderr = child.stderr.take().expect("it is piped");
        let (input, to_write) = channel();
        let written = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&written);
        thread::spawn(move || write(stdin, &to_write, &counted));
        let stderr = thread::spawn(move || {
            let mut all = Vec::new();
            let _ = stderr.read_to_end(&mut all);
            all
        });
        Self {
            unread: child.stdout.take(),
            child,
            input: Some(input),
            written,
            lines: None,
            stderr: Some(stderr),
        }
    }

    /// Begins to read what the process writes.
    pub fn read(&mut self) {
        let Some(stdout) = self.unread.take() else { return };
        let (lines, received) = channel();
        self.lines = Some(received);
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            loop {
                let mut line = Vec::new();
                match stdout.read_until(b'\n', &mut line) {
                    Ok(1..) if lines.send(line).is_ok() => {}
                    _ => return,
                }
            }
        });
    }

    /// Closes the reading end for good; only before [`read`](Self::read).
    ///
    /// # Panics
    /// If it is read already.
    pub fn stop_reading(&mut self) {
        drop(self.unread.take().expect("nothing has been read yet"));
    }

    /// Sends bytes as they are; returns at once.
    pub fn send_bytes(&mut self, bytes: impl Into<Vec<u8>>) {
        if let Some(input) = &self.input {
            // A process that is gone is noticed where its answer is missed.
            let _ = input.send(bytes.into());
        }
    }

    /// Sends one line.
    pub fn send(&mut self, line: impl ToString) {
        let mut line = line.to_string().into_bytes();
        line.push(b'\n');
        self.send_bytes(line);
    }

    /// Ends the input once everything has been written.
    pub fn close(&mut self) {
        self.input = None;
    }

    /// How many bytes the process's pipe has taken.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// The next message; `None` at the end of the output.
    ///
    /// # Panics
    /// If none comes, or a line is not JSON ended by a line feed.
    #[track_caller]
    pub fn receive(&mut self) -> Option<Value> {
        let lines = self.lines.as_ref().expect("`read` was called");
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => Some(parsed(&line)),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no message within {PATIENCE:?}"),
        }
    }

    /// The next message.
    ///
    /// # Panics
    /// If none comes, the output ends, or a line is not JSON ended by a line feed.
    #[track_caller]
    pub fn next(&mut self) -> Value {
        self.receive().expect("a message, not the end of the output")
    }

    /// Ends the input, reads the rest and waits for the end of the process.
    ///
    /// # Panics
    /// If it does not end, or a line is not JSON.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        self.close();
        let since = Instant::now();
        let mut rest = Vec::new();
        while self.lines.is_some()
            && let Some(message) = self.receive()
        {
            rest.push(message);
        }
        let status = wait_for("the end of the process", || {
            self.ended()
        });
        let took = since.elapsed();
        let stderr = self.stderr.take().expect("it is taken only here");
        let stderr = stderr.join().expect("reading does not panic");
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        Ended { status, rest, stderr, took }
    }

    /// How it ended, if it has, without ending its input.
    ///
    /// # Panics
    /// If the system does not say.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our own child")
    }

    /// A field of `/proc/<pid>/status`, without its unit.
    ///
    /// # Panics
    /// If the process is gone or the system is not Linux.
    pub fn status(&self, field: &str) -> String {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(path).expect("the process runs, on Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let value = line.and_then(|line| line.split_whitespace().next());
        value.unwrap_or_else(|| panic!("there is no `{field}` in {status}")).to_owned()
    }

    /// The most memory it ever used, in bytes.
    ///
    /// # Panics
    /// As [`status`](Self::status).
    pub fn peak_memory(&self) -> u64 {
        1024 * self.status("VmHWM").parse::<u64>().expect("a number of kibibytes")
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks again and again until there is something.
///
/// # Panics
/// If there is nothing for too long.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// Writes in portions, so that what has been taken can be watched; ends when the process is gone.
fn write(mut stdin: ChildStdin, input: &Receiver<Vec<u8>>, written: &AtomicU64) {
    for bytes in input {
        for portion in bytes.chunks(16 * 1024) {
            if stdin.write_all(portion).is_err() {
                return;
            }
            written.fetch_add(portion.len() as u64, Ordering::AcqRel);
        }
    }
}

#[track_caller]
fn parsed(line: &[u8]) -> Value {
    let shown = || String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
    assert_eq!(line.last(), Some(&b'\n'), "the output ends inside a line: {}", shown());
    serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {}", shown()))
}
