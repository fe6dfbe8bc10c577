//! An open connection: two streams, and the process behind them if there is one.
//!
//! Owns what is known about the end of a connection in words. It does not know what travels.

use std::time::Duration;

use mcp_core::Error;
use tokio::time::timeout;

use super::child_process::{ChildProcess, Ended, RunningChild, StderrTail};
use super::io::{Io, Reader, Writer};
use super::trace::Watcher;
use crate::text::one_line;

/// An open connection.
///
/// Dropping it closes the streams and ends the process in the background.
pub(crate) struct Link {
    pub(crate) reader: Reader,
    /// `None` when it failed: the peer does not read any more.
    pub(crate) writer: Option<Writer>,
    process: Process,
}

/// What stays of a connection without its streams.
pub(crate) struct Process {
    running: Option<RunningChild>,
    recipe: Option<Box<ChildProcess>>,
    watcher: Option<Watcher>,
}

impl Link {
    /// Uses streams that are open already.
    pub(crate) fn over(io: Io, watcher: Option<Watcher>) -> Self {
        let process = Process { running: None, recipe: None, watcher };
        Self::new(io.reader, io.writer, process)
    }

    fn new(reader: Reader, writer: Writer, process: Process) -> Self {
        let (reader, writer) = match &process.watcher {
            Some(watcher) => (watcher.reader(reader), watcher.writer(writer)),
            None => (reader, writer),
        };
        Self { reader, writer: Some(writer), process }
    }

    /// Starts the server.
    pub(crate) fn start(
        recipe: Box<ChildProcess>,
        watcher: Option<Watcher>,
    ) -> Result<Self, Error> {
        let failed = |error| Error::Transport(Box::new(error));
        let mut running = recipe.spawn().map_err(failed)?;
        let (input, output) = (running.take_input(), running.take_output());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(Error::Closed("the server process has no streams".to_owned()));
        };
        tracing::debug!(
            target: "mcp::client",
            program = %running.program().display(),
            pid = running.id(),
            "server process started"
        );
        let process = Process { running: Some(running), recipe: Some(recipe), watcher };
        Ok(Self::new(Box::pin(output), Box::pin(input), process))
    }

    /// Ends the server and opens the connection anew.
    pub(crate) async fn reopen(self) -> Result<Self, Error> {
        let mut process = self.close();
        let Some(recipe) = process.recipe.take() else {
            return Err(Error::Closed(
                "the server hung up on `server/discover`, and this connection cannot be opened \
                 again: if the server is a legacy one, connect with `era(EraChoice::Legacy)`"
                    .to_owned(),
            ));
        };
        let watcher = process.watcher.clone();
        process.end().await;
        Self::start(recipe, watcher)
    }

    /// Closes the streams.
    pub(crate) fn close(self) -> Process {
        self.process
    }

    /// The streams and the process, apart.
    pub(crate) fn into_parts(self) -> (Reader, Option<Writer>, Process) {
        (self.reader, self.writer, self.process)
    }

    /// What is known about the process.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }
}

impl Process {
    /// Whether there is a process.
    pub(crate) fn exists(&self) -> bool {
        self.running.is_some()
    }

    /// Ends the process, if there is one.
    pub(crate) async fn end(mut self) -> Option<Ended> {
        Some(self.running.take()?.end().await)
    }

    /// Why the peer sends nothing more, in one line.
    ///
    /// The end of the output may be seen a moment before the end of the process, so this waits
    /// shortly for the latter.
    pub(crate) async fn why_ended(&self) -> String {
        let Some(running) = &self.running else {
            return "the server ended the connection".to_owned();
        };
        let why = match timeout(EXIT_SEEN, running.wait()).await {
            Ok(exit) => format!("the server process {exit}"),
            Err(_) => "the server closed its output".to_owned(),
        };
        self.with_last_words(why)
    }

    /// Adds the end of what the server wrote to stderr.
    pub(crate) fn with_last_words(&self, why: String) -> String {
        self.last_words().after(why)
    }

    /// A handle to the end of stderr that outlives the process.
    pub(crate) fn last_words(&self) -> LastWords {
        LastWords(self.running.as_ref().map(RunningChild::stderr))
    }

    /// Adds the same to an error that came to an end of the connection.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match error {
            Error::PeerMisbehaved(why) => Error::PeerMisbehaved(self.with_last_words(why)),
            Error::PeerIncompatible(why) => Error::PeerIncompatible(self.with_last_words(why)),
            Error::Timeout { kind, detail } => {
                Error::Timeout { kind, detail: self.with_last_words(detail) }
            }
            other => {
                let words = self.with_last_words(String::new());
                if !words.is_empty() {
                    tracing::warn!(target: "mcp::client", "no connection{words}");
                }
                other
            }
        }
    }
}

/// What a server wrote to stderr last: nothing without a process.
#[derive(Clone, Default)]
pub(crate) struct LastWords(Option<StderrTail>);

impl LastWords {
    /// Adds them to a sentence.
    pub(crate) fn after(&self, mut why: String) -> String {
        let tail = self.0.as_ref().map(StderrTail::text).unwrap_or_default();
        let tail = tail.trim_end();
        if tail.is_empty() {
            return why;
        }
        let lines: Vec<_> = tail.lines().rev().take(LAST_LINES).collect();
        let lines: Vec<_> = lines.into_iter().rev().map(|line| one_line(line, LINE)).collect();
        why.push_str("; its stderr ended with: ");
        why.push_str(&lines.join(" | "));
        why
    }
}

/// How long the exit of a process may be seen after the end of its output.
const EXIT_SEEN: Duration = Duration::from_millis(500);
/// How many lines of stderr an error shows.
const LAST_LINES: usize = 8;
/// How many characters of each it shows.
const LINE: usize = 300;
