//! A server that was started, until it is ended.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::timeout;

use super::Patience;
use super::exit::Exit;
use super::group::Guard;
use super::pipes::{InputCloser, ServerInput, ServerOutput};
use super::stderr::StderrTail;
use super::supervise::{Observed, Supervisor};

/// A server process with its streams.
///
/// Dropping it ends the server as [`shutdown`](Self::shutdown) does, without
/// making the caller wait: input is closed at once, the rest happens in a task of
/// the runtime that started the server, within
/// [`end_within`](super::ChildProcess::end_within). If that runtime is gone or
/// goes away meanwhile, the process group is killed on the spot.
pub struct RunningChild {
    program: PathBuf,
    id: u32,
    input: Option<ServerInput>,
    output: Option<ServerOutput>,
    closer: InputCloser,
    stderr: StderrTail,
    runtime: Handle,
    patience: Patience,
    /// `None` when the server has been ended.
    process: Option<Process>,
}

/// What it takes to end a server.
struct Process {
    // The group goes first: it is killed before nobody watches it any more.
    guard: Guard,
    supervisor: Supervisor,
}

/// How a server came to its end, see [`RunningChild::shutdown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// How the server process ended.
    pub exit: Exit,
    /// What it took.
    pub by: Ending,
}

/// What it took to end a server process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It exited by itself, before its input was closed or because of that.
    Itself,
    /// It exited after SIGTERM.
    Term,
    /// It was killed.
    Kill,
}

impl RunningChild {
    #[expect(clippy::too_many_arguments, reason = "called once, by `ChildProcess::spawn`")]
    pub(super) fn new(
        program: PathBuf,
        guard: Guard,
        supervisor: Supervisor,
        input: ServerInput,
        output: ServerOutput,
        stderr: StderrTail,
        runtime: Handle,
        patience: Patience,
    ) -> Self {
        let (id, closer) = (guard.id(), input.closer());
        let process = Some(Process { guard, supervisor });
        let (input, output) = (Some(input), Some(output));
        Self { program, id, input, output, closer, stderr, runtime, patience, process }
    }

    /// The program that runs, as an absolute path.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The operating system's number of the process, and on Unix of its group.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Takes the server's standard input; `None` the second time.
    ///
    /// It may be dropped independently: that closes the server's input.
    pub fn take_input(&mut self) -> Option<ServerInput> {
        self.input.take()
    }

    /// Takes the server's standard output; `None` the second time.
    pub fn take_output(&mut self) -> Option<ServerOutput> {
        self.output.take()
    }

    /// Waits for the server process to exit, as long as that takes.
    ///
    /// Resolves as soon as the process itself has exited, whatever its
    /// descendants do; what it wrote to stderr is in
    /// [`stderr_tail`](Self::stderr_tail) by then. Input stays open.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn wait(&self) -> Exit {
        let Some(process) = &self.process else { return Exit::Unknown };
        let seen = process.supervisor.until(|observed| observed.exit.is_some()).await;
        seen.exit.unwrap_or(Exit::Unknown)
    }

    /// How the server process ended, if it has.
    pub fn exit_status(&self) -> Option<Exit> {
        self.process.as_ref().and_then(|process| process.supervisor.now().exit)
    }

    /// The end of what the server wrote to stderr so far, at most as much as
    /// [`stderr_limit`](super::ChildProcess::stderr_limit) allows.
    ///
    /// Control characters are left as they are.
    pub fn stderr_tail(&self) -> String {
        self.stderr.text()
    }

    /// A handle to the end of stderr that outlives this value.
    pub fn stderr(&self) -> StderrTail {
        self.stderr.clone()
    }

    /// Ends the server and everything in its process group.
    ///
    /// Closes its input, waits for it to exit at most `graceful`, asks the group
    /// with SIGTERM, waits at most `term`, kills the group (MCP 2026-07-28,
    /// basic/transports/stdio, "Shutdown"). Descendants that outlive the server
    /// process and still hold stderr get the same SIGTERM and the same time.
    /// Other systems than Unix have no SIGTERM; the process is killed instead.
    ///
    /// Go on reading the output meanwhile, or drop it: a server that waits for
    /// room in the pipe cannot exit by itself.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the server is ended as if this value had been
    /// dropped.
    pub async fn shutdown(mut self, graceful: Duration, term: Duration) -> Ended {
        self.closer.close();
        let Some(process) = &self.process else {
            return Ended { exit: Exit::Unknown, by: Ending::Itself };
        };
        let ended = process.end(Patience { graceful, term }).await;
        // Over: there is nothing to do on drop.
        self.process = None;
        ended
    }
}

impl RunningChild {
    /// Ends the server as [`shutdown`](Self::shutdown) does, in the time that its recipe allows.
    pub(crate) async fn end(self) -> Ended {
        let Patience { graceful, term } = self.patience;
        self.shutdown(graceful, term).await
    }
}

impl Drop for RunningChild {
    fn drop(&mut self) {
        self.closer.close();
        let Some(process) = self.process.take() else { return };
        if process.supervisor.now().is_over() {
            return; // The guard kills what may be left unseen, and collects the process.
        }
        let patience = self.patience;
        let done = match self.runtime.runtime_flavor() {
            RuntimeFlavor::CurrentThread => Some(kill_later(&process.guard, patience)),
            _ => None,
        };
        self.runtime.spawn(async move {
            process.end(patience).await;
            drop(done);
        });
    }
}

impl fmt::Debug for RunningChild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningChild")
            .field("program", &self.program)
            .field("id", &self.id)
            .field("exit", &self.exit_status())
            .finish_non_exhaustive()
    }
}

impl Process {
    /// The steps after input was closed. Dropping the future stops between steps.
    async fn end(&self, patience: Patience) -> Ended {
        let Self { guard, supervisor } = self;
        let mut by = Ending::Itself;
        // A time-out and a runtime that no longer watches look the same: go on.
        let exited = supervisor.until(|observed| observed.exit.is_some());
        drop(timeout(patience.graceful, exited).await);
        if supervisor.now().exit.is_none() {
            by = Ending::Term;
        } else {
            // Descendants often see the same end of input a moment later.
            let pause = patience.graceful.min(STRAGGLERS);
            drop(timeout(pause, supervisor.until(Observed::is_over)).await);
        }
        if !supervisor.now().is_over() {
            guard.terminate();
            drop(timeout(patience.term, supervisor.until(Observed::is_over)).await);
        }
        if supervisor.now().exit.is_none() {
            by = Ending::Kill;
        }
        guard.kill();
        let exited = supervisor.until(|observed| observed.exit.is_some());
        let seen = timeout(AFTER_KILL, exited).await.unwrap_or_else(|_| supervisor.now());
        let collected = guard.finish();
        Ended { exit: seen.exit.or(collected).unwrap_or(Exit::Unknown), by }
    }
}

/// Kills the group from a thread if the steps have not come to their end in time:
/// a runtime of the current thread runs tasks only while somebody is in
/// `block_on`. The thread ends when the sender is dropped.
fn kill_later(guard: &Guard, patience: Patience) -> mpsc::Sender<()> {
    let (done, wait) = mpsc::channel();
    let group = guard.share();
    let limit = patience.graceful.saturating_add(patience.term).saturating_add(AFTER_KILL);
    let watch = move || {
        if wait.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            group.finish();
        }
    };
    // Without a thread the runtime is left to do it.
    drop(std::thread::Builder::new().name("mcp-reaper".into()).spawn(watch));
    done
}

/// How long descendants may take after the server process when both end by
/// themselves.
const STRAGGLERS: Duration = Duration::from_millis(100);
/// How long a killed process may take to die before a thread waits for it.
const AFTER_KILL: Duration = Duration::from_secs(1);
