//! What a store of events promises.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{EventId, SessionId, StreamId};

/// Keeps what the streams of legacy sessions have carried, so that a client whose connection broke
/// can hear it again (2025-11-25, basic/transports, "Resumability and Redelivery").
///
/// Keeping is synchronous: it lies on the way of every message, and nobody waits for it. A store
/// elsewhere takes the event into a queue of its own, with a bound, and may drop events when the
/// queue is full: what is missing must be answered with [`Replay::Lost`] and never with a gap. A
/// stream that cannot be resumed is a nuisance, one that lacks a message is wrong.
///
/// The ids are given by the session: they count up by one on each stream, from 0. Whoever asks has
/// been found to own the session, but the id it asks about is the client's word.
///
/// A store may be shared by several servers, tenants and processes: session ids are unique among all.
pub trait EventStore: Send + Sync + 'static {
    /// Keeps an event of a stream.
    ///
    /// `message` is the event's data, one JSON-RPC message or nothing (an event that only carries its
    /// id). It must be quick and must not wait.
    fn append(&self, session: &SessionId, id: EventId, message: Bytes);

    /// What followed an event on the same stream, and on no other.
    ///
    /// # Errors
    /// When the store cannot tell; the client may try again.
    fn replay<'a>(
        &'a self,
        session: &'a SessionId,
        after: EventId,
    ) -> BoxFuture<'a, io::Result<Replay>>;

    /// Forgets a stream that nobody can ask about any more.
    ///
    /// Like [`append`](Self::append) it must not wait; the store may forget later.
    fn forget_stream(&self, session: &SessionId, stream: StreamId);

    /// Forgets everything of a session that is over.
    ///
    /// Where sessions are [shared](super::SessionStore) it is not called for one that was merely idle
    /// for too long: nobody saw its end. A store without a bound drops what is old by itself.
    ///
    /// Like [`append`](Self::append) it must not wait; the store may forget later.
    fn forget_session(&self, session: &SessionId);
}

impl<S: EventStore + ?Sized> EventStore for Arc<S> {
    fn append(&self, session: &SessionId, id: EventId, message: Bytes) {
        (**self).append(session, id, message);
    }

    fn replay<'a>(
        &'a self,
        session: &'a SessionId,
        after: EventId,
    ) -> BoxFuture<'a, io::Result<Replay>> {
        (**self).replay(session, after)
    }

    fn forget_stream(&self, session: &SessionId, stream: StreamId) {
        (**self).forget_stream(session, stream);
    }

    fn forget_session(&self, session: &SessionId) {
        (**self).forget_session(session);
    }
}

impl fmt::Debug for dyn EventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStore").finish_non_exhaustive()
    }
}

/// What followed an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// All of it, oldest first: the number of each id is one greater than that of the one before, and
    /// the first follows the event that was asked about. None, if that event was the newest.
    Events(Vec<StoredEvent>),
    /// The session, the stream or the event is not known, or something that followed was dropped: the
    /// stream cannot be resumed from there.
    Lost,
}

/// An event that a store has kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The event's id.
    pub id: EventId,
    /// Its data.
    pub message: Bytes,
}
