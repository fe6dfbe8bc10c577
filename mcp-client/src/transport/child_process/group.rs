//! The process group of a server: signalling it, noticing that its leader has
//! exited, collecting the leader.
//!
//! One rule keeps signals away from strangers: the group is signalled only while
//! its leader has not been collected. Until then the leader's number, which is
//! also the group's, belongs to nobody else, even if the leader is dead and only
//! its descendants are left.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::SignalKind;

use super::exit::Exit;

/// Makes the program the leader of a new process group, before it runs.
pub(super) fn lead_own_group(command: &mut Command) {
    command.process_group(0);
}

/// A process group whose leader we started.
pub(super) struct Group {
    leader: Pid,
    /// The leader until it is collected.
    child: Mutex<Option<Child>>,
}

impl Group {
    pub(super) fn new(child: Child) -> Self {
        Self { leader: Pid::from_child(&child), child: Mutex::new(Some(child)) }
    }

    /// Asks every process of the group to end.
    pub(super) fn terminate(&self) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if child.is_some() {
            self.signal(Signal::TERM);
        }
    }

    /// Ends every process of the group, without asking.
    pub(super) fn kill(&self) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if child.is_some() {
            self.signal(Signal::KILL);
        }
    }

    /// Ends every process of the group and collects the leader.
    ///
    /// Returns how the leader ended if that is known already. Does not wait for
    /// it: a leader that needs a moment to die is collected by a thread.
    pub(super) fn finish(&self) -> Option<Exit> {
        let mut slot = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child = slot.take()?;
        if peek(self.leader).is_none_or(|exit| exit != Exit::Unknown) {
            self.signal(Signal::KILL);
        }
        match child.try_wait() {
            Ok(Some(status)) => Some(status.into()),
            Ok(None) => {
                let collect = move || drop(child.wait());
                // Without a thread a zombie remains until the client exits.
                drop(std::thread::Builder::new().name("mcp-reaper".into()).spawn(collect));
                None
            }
            Err(_) => Some(Exit::Unknown),
        }
    }

    /// A watch on the leader's exit, registered with the current runtime.
    pub(super) fn watch(&self) -> io::Result<ExitWatch> {
        ExitWatch::new(self.leader)
    }

    /// The caller holds the lock and has seen the leader uncollected.
    fn signal(&self, signal: Signal) {
        // An error means that there is nobody left to signal.
        let _ = rustix::process::kill_process_group(self.leader, signal);
    }
}

/// Ends the group when it goes out of scope, wherever that happens.
///
/// It is held by the running child and then by the task that ends it. When a
/// runtime shuts down it drops its tasks, and this with them.
pub(super) struct Guard(Arc<Group>);

impl Guard {
    pub(super) fn new(group: Group) -> Self {
        Self(Arc::new(group))
    }

    /// A second handle, for somebody who may outlive the guard.
    pub(super) fn share(&self) -> Arc<Group> {
        Arc::clone(&self.0)
    }

    pub(super) fn id(&self) -> u32 {
        self.0.leader.as_raw_pid().unsigned_abs()
    }
}

impl std::ops::Deref for Guard {
    type Target = Group;

    fn deref(&self) -> &Group {
        &self.0
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Resolves when the leader has exited, and leaves it uncollected.
pub(super) struct ExitWatch {
    leader: Pid,
    source: Source,
}

enum Source {
    /// Readable when the process has exited. Linux 5.3 and later.
    PidFd(AsyncFd<OwnedFd>),
    /// Fires when any child has changed.
    ChildSignal(tokio::signal::unix::Signal),
}

impl ExitWatch {
    fn new(leader: Pid) -> io::Result<Self> {
        let source = match pid_fd(leader) {
            Some(fd) => Source::PidFd(fd),
            None => Source::ChildSignal(tokio::signal::unix::signal(SignalKind::child())?),
        };
        Ok(Self { leader, source })
    }

    #[cfg(test)]
    fn by_signal(leader: Pid) -> io::Result<Self> {
        let signal = tokio::signal::unix::signal(SignalKind::child())?;
        Ok(Self { leader, source: Source::ChildSignal(signal) })
    }

    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: call it again.
    pub(super) async fn exited(&mut self) -> Exit {
        loop {
            if let Some(exit) = peek(self.leader) {
                return exit;
            }
            match &mut self.source {
                Source::PidFd(fd) => match fd.readable().await {
                    Ok(mut ready) => ready.clear_ready(),
                    Err(_) => return Exit::Unknown, // the runtime is shutting down
                },
                Source::ChildSignal(signal) => {
                    if signal.recv().await.is_none() {
                        return Exit::Unknown;
                    }
                }
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn pid_fd(leader: Pid) -> Option<AsyncFd<OwnedFd>> {
    use tokio::io::Interest;
    let fd = rustix::process::pidfd_open(leader, rustix::process::PidfdFlags::NONBLOCK).ok()?;
    #[expect(
        deprecated,
        reason = "it asks for a descriptor that stays the same while registered, which an `OwnedFd` \
                  does; the replacement leaves that promise to `unsafe` code"
    )]
    AsyncFd::with_interest(fd, Interest::READABLE).ok()
}

#[cfg(not(target_os = "linux"))]
fn pid_fd(_leader: Pid) -> Option<AsyncFd<OwnedFd>> {
    None
}

/// How the leader ended, if it has; it stays uncollected.
fn peek(leader: Pid) -> Option<Exit> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(leader), options)) {
        Ok(None) => None,
        Ok(Some(status)) => Some(match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Exit::Code(code),
            (_, Some(signal)) => Exit::Signal(signal),
            _ => Exit::Unknown,
        }),
        Err(_) => Some(Exit::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn exit_is_seen_through_the_child_signal_where_there_are_no_pid_fds() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "read line; exit 7"]).stdin(std::process::Stdio::piped());
        lead_own_group(&mut command);
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let guard = Guard::new(Group::new(child));
        let mut watch = ExitWatch::by_signal(guard.leader).unwrap();
        assert_eq!(peek(guard.leader), None);
        drop(stdin);
        assert_eq!(watch.exited().await, Exit::Code(7));
        assert_eq!(guard.finish(), Some(Exit::Code(7)));
        assert_eq!(guard.finish(), None);
    }
}
