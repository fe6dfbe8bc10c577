//! Sessions in the memory of this process.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, ready};
use mcp_core::session::server::SessionRecord;
use tokio::time::Instant;

use super::{Revision, SessionId, SessionStore, StoredSession};

/// Sessions in the memory of this process, for several services in it that share them.
///
/// A service alone needs no store. What was idle for too long is forgotten when something is saved.
#[derive(Debug)]
pub struct SessionsInMemory {
    most: usize,
    kept: Mutex<Kept>,
}

impl SessionsInMemory {
    /// Keeps 10,000 sessions at most.
    pub fn new() -> Self {
        Self { most: 10_000, kept: Mutex::default() }
    }

    /// Most sessions at a time; saving another one fails.
    #[must_use]
    pub fn most(mut self, sessions: usize) -> Self {
        self.most = sessions;
        self
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change is one call of the map: a panic elsewhere leaves nothing half done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, id: &SessionId, record: &SessionRecord, idle: Duration) -> io::Result<Revision> {
        let (record, now) = (record.clone(), Instant::now());
        let mut kept = self.kept();
        if !kept.sessions.contains_key(id) {
            kept.make_room(now, self.most);
            if kept.sessions.len() >= self.most {
                let most = self.most;
                return Err(io::Error::other(format!("there are {most} sessions already")));
            }
        }
        let revision = kept.sessions.get(id).map_or(0, |known| u64::from(known.session.revision));
        let revision = Revision::from(revision.wrapping_add(1));
        let session = StoredSession { record, revision };
        kept.sessions.insert(*id, Entry { session, expires: now.checked_add(idle) });
        Ok(revision)
    }
}

impl Default for SessionsInMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl SessionStore for SessionsInMemory {
    fn save<'a>(
        &'a self,
        id: &'a SessionId,
        record: &'a SessionRecord,
        idle: Duration,
    ) -> BoxFuture<'a, io::Result<Revision>> {
        Box::pin(ready(self.put(id, record, idle)))
    }

    fn load<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, io::Result<Option<StoredSession>>> {
        let session = self.kept().live(id, Instant::now()).map(|entry| entry.session.clone());
        Box::pin(ready(Ok(session)))
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionId,
        idle: Duration,
    ) -> BoxFuture<'a, io::Result<Option<Revision>>> {
        let now = Instant::now();
        let revision = self.kept().live(id, now).map(|entry| {
            entry.expires = now.checked_add(idle);
            entry.session.revision
        });
        Box::pin(ready(Ok(revision)))
    }

    fn remove<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, io::Result<()>> {
        self.kept().sessions.remove(id);
        Box::pin(ready(Ok(())))
    }
}

#[derive(Debug, Default)]
struct Kept {
    sessions: HashMap<SessionId, Entry>,
    /// When so many are kept, those that are over are looked for.
    look_at: usize,
}

#[derive(Debug)]
struct Entry {
    session: StoredSession,
    /// Never, when the time is too far to be told.
    expires: Option<Instant>,
}

impl Kept {
    /// The session, unless it is over.
    fn live(&mut self, id: &SessionId, now: Instant) -> Option<&mut Entry> {
        self.sessions.get_mut(id).filter(|entry| entry.is_live(now))
    }

    /// Forgets what is over, when so much has come since the last time that it is worth the look.
    fn make_room(&mut self, now: Instant, most: usize) {
        if self.sessions.len() < self.look_at.min(most) {
            return;
        }
        self.sessions.retain(|_, entry| entry.is_live(now));
        self.look_at = 2 * self.sessions.len() + 64;
        self.sessions.shrink_to(self.look_at);
    }
}

impl Entry {
    fn is_live(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mcp_core::session::server::{ServerConfig, ServerSession};
    use mcp_core::types::Implementation;
    use mcp_core::{Outbox, Principal, Tenant};
    use tokio::time::advance;

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    fn record() -> SessionRecord {
        let config = Arc::new(ServerConfig::new(Implementation::new("store", "1.0")));
        let mut session = ServerSession::new(config, Principal::local(), Tenant::default());
        let mut out = Outbox::default();
        let initialize = br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
        for message in session.read(initialize, &mut out) {
            session.handle(message, &mut out);
        }
        session.record().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_kept_until_it_was_idle_for_too_long() {
        let (store, id) = (SessionsInMemory::new(), SessionId::random());
        let revision = store.save(&id, &record(), IDLE).await.unwrap();
        advance(IDLE / 2).await;
        assert_eq!(store.touch(&id, IDLE).await.unwrap(), Some(revision));
        advance(IDLE - Duration::from_millis(1)).await;
        let kept = store.load(&id).await.unwrap().unwrap();
        assert_eq!(kept, StoredSession { record: record(), revision });
        advance(Duration::from_millis(1)).await;
        assert_eq!(store.load(&id).await.unwrap(), None);
        assert_eq!(store.touch(&id, IDLE).await.unwrap(), None);
    }

    #[tokio::test]
    async fn each_saving_has_another_revision() {
        let (store, id) = (SessionsInMemory::new(), SessionId::random());
        let first = store.save(&id, &record(), IDLE).await.unwrap();
        let second = store.save(&id, &record(), Duration::MAX).await.unwrap();
        assert_ne!(first, second);
        assert_eq!(store.touch(&id, Duration::MAX).await.unwrap(), Some(second));
        assert_eq!(store.load(&SessionId::random()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_is_removed_is_over() {
        let (store, id) = (SessionsInMemory::new(), SessionId::random());
        store.save(&id, &record(), IDLE).await.unwrap();
        store.remove(&id).await.unwrap();
        store.remove(&id).await.unwrap();
        assert_eq!(store.load(&id).await.unwrap(), None);
        assert_eq!(store.touch(&id, IDLE).await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn there_are_so_many_sessions_and_no_more() {
        let (store, record) = (SessionsInMemory::new().most(100), record());
        let ids: Vec<_> = (0..101).map(|_| SessionId::random()).collect();
        for id in &ids[..100] {
            store.save(id, &record, IDLE).await.unwrap();
        }
        let error = store.save(&ids[100], &record, IDLE).await.unwrap_err();
        assert_eq!(error.to_string(), "there are 100 sessions already");
        store.save(&ids[0], &record, 2 * IDLE).await.unwrap();
        advance(IDLE).await;
        store.save(&ids[100], &record, IDLE).await.unwrap();
        assert_eq!(store.kept().sessions.len(), 2);
    }
}
