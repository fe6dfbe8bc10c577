//! The legacy sessions of one endpoint: how many there may be, and when they are over.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use mcp_core::Principal;
use tokio::sync::Notify;

use super::session::Session;
use super::settings::Settings;
use super::store::SessionId;

/// The legacy sessions of one endpoint.
#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<SessionId, Arc<Session>>>,
    /// Whether a task looks for those that are over, and what ends it before its time.
    swept: AtomicBool,
    stopped: Arc<Notify>,
}

impl Sessions {
    /// Whether there may be one more.
    pub(super) fn has_room(&self, settings: &Settings) -> bool {
        self.lock().len() < settings.sessions
    }

    /// Takes in a session; refuses when there are too many, or there is one of this id.
    pub(super) fn insert(
        self: &Arc<Self>,
        session: Arc<Session>,
        settings: &Settings,
    ) -> Result<(), Arc<Session>> {
        let mut open = self.lock();
        // Another request may have taken it up meanwhile.
        if open.len() >= settings.sessions || open.contains_key(session.id()) {
            return Err(session);
        }
        open.insert(*session.id(), session);
        drop(open);
        if !self.swept.swap(true, Ordering::AcqRel) {
            let stopped = Arc::clone(&self.stopped);
            tokio::spawn(sweep(Arc::downgrade(self), settings.session_idle, stopped));
        }
        Ok(())
    }

    /// The session of this id, if it is this caller's.
    pub(super) fn find(&self, id: &SessionId, caller: &Principal) -> Option<Arc<Session>> {
        let found = self.lock().get(id).filter(|session| session.belongs_to(caller)).cloned()?;
        if found.is_over() {
            self.end(id);
            return None;
        }
        Some(found)
    }

    /// Ends a session, and says whether it was there.
    pub(super) fn end(&self, id: &SessionId) -> bool {
        let mut open = self.lock();
        let ended = open.remove(id);
        shrink(&mut open);
        drop(open);
        if let Some(session) = &ended {
            session.end();
        }
        ended.is_some()
    }

    /// Ends those that nobody has used for so long; says whether any is left.
    fn end_idle(&self, longest: Duration) -> bool {
        let mut over = Vec::new();
        let mut open = self.lock();
        open.retain(|_, session| {
            let stays = session.idle() < longest;
            if !stays {
                over.push(Arc::clone(session));
            }
            stays
        });
        shrink(&mut open);
        let is_left = !open.is_empty();
        if !is_left {
            // Under the lock: a session that comes now starts the next sweep.
            self.swept.store(false, Ordering::Release);
        }
        drop(open);
        over.iter().for_each(|session| session.end());
        is_left
    }

    /// Ends all of them, in this process.
    pub(super) fn end_all(&self) {
        let mut open = self.lock();
        let over = std::mem::take(&mut *open);
        if self.swept.swap(false, Ordering::AcqRel) {
            self.stopped.notify_one();
        }
        drop(open);
        over.values().for_each(|session| session.end());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Session>>> {
        // Nothing that is done under the lock can panic halfway.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.end_all();
    }
}

/// Gives back room that is not needed any more.
fn shrink(open: &mut HashMap<SessionId, Arc<Session>>) {
    if open.len() < open.capacity() / 8 {
        open.shrink_to(2 * open.len());
    }
}

/// Looks for sessions that are over, until there is none or it is stopped.
async fn sweep(sessions: Weak<Sessions>, idle: Duration, stopped: Arc<Notify>) {
    let pause = (idle / 8).clamp(Duration::from_millis(100), Duration::from_secs(60));
    loop {
        if tokio::time::timeout(pause, stopped.notified()).await.is_ok() {
            return;
        }
        match sessions.upgrade() {
            Some(sessions) if sessions.end_idle(idle) => {}
            _ => return,
        }
    }
}
