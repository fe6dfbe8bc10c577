//! The task that belongs to each running server: it reads stderr, notices the
//! exit, and tells those who wait for it.

use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use super::exit::Exit;
use super::group::ExitWatch;
use super::stderr::Drain;

/// What is known about a running server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observed {
    /// How the server process ended. Set after what it last wrote to stderr was
    /// taken.
    pub(super) exit: Option<Exit>,
    /// Whether somebody can still write to stderr: the server or a descendant.
    pub(super) stderr_open: bool,
}

impl Observed {
    /// Whether nothing of the server is left that we can see.
    pub(super) fn is_over(&self) -> bool {
        self.exit.is_some() && !self.stderr_open
    }
}

/// Ends the task when it goes out of scope.
pub(super) struct Supervisor {
    observed: watch::Receiver<Observed>,
    task: AbortHandle,
}

/// Starts the task; the second value fires when the server process has exited.
pub(super) fn start(
    runtime: &Handle,
    watch: ExitWatch,
    drain: Option<Drain>,
) -> (Supervisor, oneshot::Receiver<()>) {
    let start = Observed { exit: None, stderr_open: drain.is_some() };
    let (sender, observed) = watch::channel(start);
    let (exited_sender, exited) = oneshot::channel();
    let task = runtime.spawn(supervise(watch, drain, sender, exited_sender)).abort_handle();
    (Supervisor { observed, task }, exited)
}

impl Supervisor {
    pub(super) fn now(&self) -> Observed {
        *self.observed.borrow()
    }

    /// Waits until what is known satisfies the condition, or nothing more will
    /// become known because the runtime is gone.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub(super) async fn until(&self, condition: impl FnMut(&Observed) -> bool) -> Observed {
        let mut observed = self.observed.clone();
        match observed.wait_for(condition).await {
            Ok(seen) => *seen,
            Err(_) => self.now(),
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn supervise(
    mut watch: ExitWatch,
    mut drain: Option<Drain>,
    observed: watch::Sender<Observed>,
    exited: oneshot::Sender<()>,
) {
    let exit = loop {
        let Some(pipe) = &mut drain else { break watch.exited().await };
        tokio::select! {
            biased;
            exit = watch.exited() => {
                pipe.leftover();
                break exit;
            }
            open = pipe.step() => if !open {
                drain = None;
                observed.send_modify(|observed| observed.stderr_open = false);
            },
        }
    };
    observed.send_modify(|observed| observed.exit = Some(exit));
    // Nobody listens when the output was dropped.
    let _ = exited.send(());
    if let Some(mut pipe) = drain {
        while pipe.step().await {}
        observed.send_modify(|observed| observed.stderr_open = false);
    }
}
