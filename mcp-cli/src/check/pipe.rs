//! Messages to and from a process, one in a line.

use std::time::Duration;

use mcp_client::transport::child_process::{Ended, RunningChild, ServerInput, ServerOutput};
use mcp_core::framing::{Line, LineBuffer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::rule;
use super::wire::{Arrival, LONGEST};
use crate::output::plain;
use crate::output::table::cut;

/// A process and its streams.
#[derive(Debug)]
pub(super) struct Pipe {
    child: RunningChild,
    /// `None` when it is closed or failed.
    input: Option<ServerInput>,
    output: ServerOutput,
    lines: LineBuffer,
}

impl Pipe {
    /// Takes the streams of a process that was just started.
    pub(super) fn open(mut child: RunningChild) -> Option<Self> {
        let (input, output) = (child.take_input()?, child.take_output()?);
        let lines = LineBuffer::with_limit(LONGEST);
        Some(Self { child, input: Some(input), output, lines })
    }

    pub(super) async fn send(&mut self, line: &str, deadline: Instant) {
        let Some(input) = &mut self.input else { return };
        let line = format!("{line}\n");
        let sent = timeout_at(deadline, input.write_all(line.as_bytes())).await;
        if !matches!(sent, Ok(Ok(()))) {
            // What it answered before is still read.
            self.input = None;
        }
    }

    pub(super) async fn next(&mut self, deadline: Instant) -> Arrival {
        loop {
            while let Some(line) = self.lines.next_line() {
                match line {
                    Line::Complete(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => {}
                    Line::Complete(bytes) => return Arrival::Message(bytes.to_vec()),
                    Line::TooLong { .. } => {
                        let detail = format!("a line of more than {LONGEST} bytes");
                        return Arrival::Offence(&rule::STDOUT_NOISE, detail);
                    }
                }
            }
            let read = self.output.read_buf(self.lines.spare(8 * 1024));
            match timeout_at(deadline, read).await {
                Err(_) => return Arrival::Late,
                Ok(Ok(0) | Err(_)) => return Arrival::Gone(self.why_gone().await),
                Ok(Ok(_)) if Instant::now() > deadline => return Arrival::Late,
                Ok(Ok(_)) => {}
            }
        }
    }

    /// Closes the input and ends the process.
    pub(super) async fn end(mut self, patience: Duration) -> Ended {
        self.input = None;
        self.child.shutdown(patience, patience).await
    }

    async fn why_gone(&self) -> String {
        let limit = Instant::now() + Duration::from_millis(500);
        let mut why = match timeout_at(limit, self.child.wait()).await {
            Ok(exit) => format!("the server {exit}"),
            Err(_) => "the server closed its output".to_owned(),
        };
        let tail = self.child.stderr_tail();
        if let Some(last) = tail.trim_end().lines().last() {
            why.push_str(&format!("; it said: {}", cut(&plain::one_line(last), 120)));
        }
        why
    }
}
