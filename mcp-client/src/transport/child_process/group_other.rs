//! A server process on systems without process groups: it can be ended, its
//! descendants cannot, and its exit is noticed by asking.

use std::io;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::exit::Exit;

/// There are no process groups here.
pub(super) fn lead_own_group(_command: &mut Command) {}

/// A process that we started.
pub(super) struct Group {
    id: u32,
    child: Arc<Mutex<Option<Child>>>,
}

impl Group {
    pub(super) fn new(child: Child) -> Self {
        Self { id: child.id(), child: Arc::new(Mutex::new(Some(child))) }
    }

    /// Ends the process: there is no way to ask.
    pub(super) fn terminate(&self) {
        self.kill();
    }

    /// Ends the process.
    pub(super) fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = child.as_mut() {
            // An error means that it has exited.
            let _ = child.kill();
        }
    }

    /// Ends the process and gives its handle back to the system.
    pub(super) fn finish(&self) -> Option<Exit> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let _ = child.kill();
        child.try_wait().map_or(Some(Exit::Unknown), |status| status.map(Exit::from))
    }

    /// A watch on the exit of the process.
    pub(super) fn watch(&self) -> io::Result<ExitWatch> {
        Ok(ExitWatch { child: Arc::clone(&self.child) })
    }
}

/// Ends the process when it goes out of scope, wherever that happens.
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
        self.0.id
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

/// Resolves when the process has exited.
pub(super) struct ExitWatch {
    child: Arc<Mutex<Option<Child>>>,
}

impl ExitWatch {
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped: call it again.
    pub(super) async fn exited(&mut self) -> Exit {
        loop {
            if let Some(exit) = self.peek() {
                return exit;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    fn peek(&self) -> Option<Exit> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(child) = child.as_mut() else { return Some(Exit::Unknown) };
        child.try_wait().map_or(Some(Exit::Unknown), |status| status.map(Exit::from))
    }
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
