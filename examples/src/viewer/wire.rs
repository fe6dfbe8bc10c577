//! A server whose messages are recorded and, on request, printed.
//!
//! [`Wire`] watches what goes to and comes from a server, be it a process of our own, which is started
//! with the client crate's `ChildProcess`, or one at a URL. It knows nothing of what the messages
//! mean.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mcp_client::transport::child_process::{RunningChild, StderrTail};
use mcp_client::{
    ChildProcess, Direction, Ended, Error, Http, IntoTransport, Io, Traced, Transport,
};
use serde::Deserialize;

use super::console::Paint;

/// Where the server is.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a viewer has one of them")]
pub enum Place {
    /// It is a program, and a process of it has to be started.
    Program(ChildProcess),
    /// It runs already.
    Url(Http),
}

/// A server and what the client said to it.
#[derive(Debug)]
pub struct Wire {
    running: Option<RunningChild>,
    sent: Sent,
}

/// Whether messages are printed to standard error, and how.
pub type Trace = Option<Paint>;

impl Wire {
    /// Starts the server, if it does not run already; the client connects to the transport.
    ///
    /// # Errors
    ///
    /// [`Error::Transport`] when the program cannot be started.
    pub fn start(server: &Place, trace: Trace) -> Result<(Self, Transport), Error> {
        let sent = Sent::default();
        let kept = sent.clone();
        let watch = move |message: Traced<'_>| hear(message, trace, &kept);
        let (running, transport) = match server {
            Place::Url(url) => (None, url.clone().traced(watch)),
            Place::Program(program) => {
                let mut running =
                    program.spawn().map_err(|error| Error::Transport(Box::new(error)))?;
                let (Some(input), Some(output)) = (running.take_input(), running.take_output())
                else {
                    return Err(Error::Closed("the server process has no streams".to_owned()));
                };
                (Some(running), Io::pair(output, input).traced(watch))
            }
        };
        Ok((Self { running, sent }, transport))
    }

    /// The messages that left the client so far.
    pub fn sent(&self) -> Vec<String> {
        self.sent.lock().clone()
    }

    /// What the server process wrote to standard error last; it can be read when it has ended.
    pub fn stderr(&self) -> Option<StderrTail> {
        self.running.as_ref().map(RunningChild::stderr)
    }

    /// Ends the server process, and says how it ended and which processes of it are left. A server
    /// at a URL goes on.
    pub async fn end(self) -> (Option<Ended>, Vec<u32>) {
        let Some(running) = self.running else { return (None, Vec::new()) };
        let group = running.id();
        let ended = running.shutdown(PATIENCE, PATIENCE).await;
        (Some(ended), members(group))
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

/// The messages that left, as they left.
#[derive(Debug, Clone, Default)]
struct Sent(Arc<Mutex<Vec<String>>>);

impl Sent {
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept of a message, and printed if somebody wants to see it.
fn hear(message: Traced<'_>, trace: Trace, sent: &Sent) {
    let text = String::from_utf8_lossy(message.bytes);
    if let Some(paint) = trace {
        print(paint, message.direction, &text, message.length);
    }
    if message.direction == Direction::Sent {
        let mut sent = sent.lock();
        if sent.len() < MOST_SENT {
            sent.push(text.into_owned());
        }
    }
}

fn print(paint: Paint, direction: Direction, line: &str, length: usize) {
    let arrow = match direction {
        Direction::Sent => paint.cyan("→"),
        Direction::Received => paint.green("←"),
    };
    let shown: String = line.chars().take(LONGEST_SHOWN).collect();
    let shown = super::console::one_line(&shown);
    if shown.len() < length {
        eprintln!("{arrow} {shown} {}", paint.dim(&format!("… {length} bytes")));
    } else {
        eprintln!("{arrow} {shown}");
    }
}

const PATIENCE: Duration = Duration::from_secs(2);
const LONGEST_SHOWN: usize = 1200;
const MOST_SENT: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_named_once_in_their_order() {
        let sent = ["{\"method\":\"a\"}", "{\"method\":\"b\"}", "{\"id\":1}", "{\"method\":\"a\"}"];
        assert_eq!(methods(&sent.map(str::to_owned)), ["a", "b"]);
    }
}
