//! What a store of sessions promises.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use mcp_core::session::server::SessionRecord;

use super::SessionId;

/// Keeps legacy sessions where several processes find them.
///
/// One process needs no store: its server holds the sessions that it serves, and nothing else has to
/// be done for them. Where requests of one session may reach several processes, each of them saves
/// what it learns, and a process that does not know a session loads it and goes on. What cannot move
/// is a call that runs and what it asked the client: answers have to come to the process that asked,
/// so requests of one session should reach the same process as long as it lives.
///
/// Whoever has a session's id and its principal can use it: keep records as you keep passwords of
/// short life. The store decides nothing: whether the caller is the session's, and whether its
/// profiles are still permitted, is checked whenever a record is used.
///
/// A store may be shared by several servers and tenants: ids are unique among all.
pub trait SessionStore: Send + Sync + 'static {
    /// Keeps a session, in place of what was kept of it, for as long as it is not `idle` longer than
    /// this; gives the revision, which differs from all that this session had.
    ///
    /// When two processes save at the same time, the later wins. Once this is ready, the others must
    /// find the record: the client may ask them next.
    ///
    /// # Errors
    /// When it cannot be kept. A session that begins is refused then; one that has changed goes on.
    fn save<'a>(
        &'a self,
        id: &'a SessionId,
        record: &'a SessionRecord,
        idle: Duration,
    ) -> BoxFuture<'a, io::Result<Revision>>;

    /// The session of this id, unless it was removed or idle for too long.
    ///
    /// # Errors
    /// When the store cannot tell: the client is asked to try again.
    fn load<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, io::Result<Option<StoredSession>>>;

    /// The session was used: it may be idle for this long from now on. Gives its revision, or `None`
    /// when it was removed or idle for too long.
    ///
    /// It is asked before a request is served, and once a minute while a stream is open, so that a
    /// session that another process has ended or changed is noticed: it should be quick.
    ///
    /// # Errors
    /// When the store cannot tell: the client is asked to try again.
    fn touch<'a>(
        &'a self,
        id: &'a SessionId,
        idle: Duration,
    ) -> BoxFuture<'a, io::Result<Option<Revision>>>;

    /// Forgets the session of this id, if there is one: it is over for every process.
    ///
    /// # Errors
    /// When the store cannot; the client is told that the session goes on.
    fn remove<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, io::Result<()>>;
}

impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn save<'a>(
        &'a self,
        id: &'a SessionId,
        record: &'a SessionRecord,
        idle: Duration,
    ) -> BoxFuture<'a, io::Result<Revision>> {
        (**self).save(id, record, idle)
    }

    fn load<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, io::Result<Option<StoredSession>>> {
        (**self).load(id)
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionId,
        idle: Duration,
    ) -> BoxFuture<'a, io::Result<Option<Revision>>> {
        (**self).touch(id, idle)
    }

    fn remove<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, io::Result<()>> {
        (**self).remove(id)
    }
}

impl fmt::Debug for dyn SessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStore").finish_non_exhaustive()
    }
}

/// A session as a store gives it back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSession {
    /// What was saved last.
    pub record: SessionRecord,
    /// Which saving that was.
    pub revision: Revision,
}

/// Tells what was saved of a session from what was saved before.
///
/// A store may count, or take whatever its database counts; nobody asks which of two is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision(u64);

impl From<u64> for Revision {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Revision> for u64 {
    fn from(revision: Revision) -> Self {
        revision.0
    }
}
