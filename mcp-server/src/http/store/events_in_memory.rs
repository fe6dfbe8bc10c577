//! Events in the memory of this process.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};

use super::{EventId, EventStore, Replay, SessionId, StoredEvent, StreamId};

/// Events in the memory of this process, within bounds: when there are too many, the oldest go.
///
/// A session without events takes no memory here. Bytes are those of the messages; a message that is
/// part of a larger buffer keeps all of it, so give it one of its own.
///
/// # Examples
/// ```
/// use bytes::Bytes;
/// use mcp_server::http::{EventId, EventStore, EventsInMemory, Replay, SessionId, StreamId};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let store = EventsInMemory::new().events_per_session(16);
/// let (session, first) = (SessionId::random(), EventId::first(StreamId::from(1)));
/// store.append(&session, first, Bytes::from_static(b"{}"));
/// assert_eq!(store.replay(&session, first).await?, Replay::Events(Vec::new()));
/// assert_eq!(store.replay(&SessionId::random(), first).await?, Replay::Lost);
/// # std::io::Result::Ok(())
/// # }).unwrap().unwrap();
/// ```
#[derive(Debug)]
pub struct EventsInMemory {
    per_session: Bound,
    all: Bound,
    held: Mutex<Held>,
}

/// How much is held at most.
#[derive(Debug, Clone, Copy)]
struct Bound {
    events: usize,
    bytes: usize,
}

impl EventsInMemory {
    /// Keeps 256 events and 1 MiB of a session, 65,536 events and 64 MiB of all.
    pub fn new() -> Self {
        Self {
            per_session: Bound { events: 256, bytes: 1024 * 1024 },
            all: Bound { events: 65_536, bytes: 64 * 1024 * 1024 },
            held: Mutex::default(),
        }
    }

    /// Most events of one session; none is kept of any with 0.
    #[must_use]
    pub fn events_per_session(mut self, events: usize) -> Self {
        self.per_session.events = events;
        self
    }

    /// Most bytes of one session's messages. Streams cannot be resumed past a longer message.
    #[must_use]
    pub fn bytes_per_session(mut self, bytes: usize) -> Self {
        self.per_session.bytes = bytes;
        self
    }

    /// Most events of all sessions.
    #[must_use]
    pub fn events(mut self, events: usize) -> Self {
        self.all.events = events;
        self
    }

    /// Most bytes of all sessions' messages.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.all.bytes = bytes;
        self
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing in here panics half-way: the lock is never poisoned by us.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a message of this length can be kept at all.
    fn fits(&self, message: &Bytes) -> bool {
        [self.per_session, self.all]
            .iter()
            .all(|bound| bound.events > 0 && message.len() <= bound.bytes)
    }
}

impl Default for EventsInMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl EventStore for EventsInMemory {
    fn append(&self, session: &SessionId, id: EventId, message: Bytes) {
        let mut held = self.held();
        if !self.fits(&message) {
            // Without what it carried before, nobody can mistake the gap for the end.
            return held.forget_stream(session, id.stream());
        }
        held.append(session, id, message);
        while held.sessions.get(session).is_some_and(|log| log.exceeds(self.per_session)) {
            held.drop_oldest_of(session);
        }
        while held.events > self.all.events || held.bytes > self.all.bytes {
            let Some((_, oldest)) = held.oldest.first_key_value() else { return };
            let oldest = *oldest;
            held.drop_oldest_of(&oldest);
        }
    }

    fn replay<'a>(
        &'a self,
        session: &'a SessionId,
        after: EventId,
    ) -> BoxFuture<'a, io::Result<Replay>> {
        let replay = match self.held().sessions.get(session) {
            Some(log) => log.replay(after),
            None => Replay::Lost,
        };
        Box::pin(ready(Ok(replay)))
    }

    fn forget_stream(&self, session: &SessionId, stream: StreamId) {
        self.held().forget_stream(session, stream);
    }

    fn forget_session(&self, session: &SessionId) {
        self.held().change(session, |log| log.clear());
    }
}

/// All events.
#[derive(Debug, Default)]
struct Held {
    /// Sessions of which there are events.
    sessions: HashMap<SessionId, Log>,
    /// When the oldest event of each of them came.
    oldest: BTreeMap<u64, SessionId>,
    /// How many events have come.
    appended: u64,
    events: usize,
    bytes: usize,
}

/// The events of one session, in the order in which they came.
#[derive(Debug, Default)]
struct Log {
    events: VecDeque<Event>,
    bytes: usize,
}

#[derive(Debug)]
struct Event {
    /// Which of all events it was.
    at: u64,
    id: EventId,
    message: Bytes,
}

impl Held {
    fn append(&mut self, session: &SessionId, id: EventId, message: Bytes) {
        let at = self.appended;
        self.appended += 1;
        self.events += 1;
        self.bytes += message.len();
        let log = self.sessions.entry(*session).or_default();
        if log.events.is_empty() {
            self.oldest.insert(at, *session);
        }
        log.bytes += message.len();
        log.events.push_back(Event { at, id, message });
    }

    fn drop_oldest_of(&mut self, session: &SessionId) {
        self.change(session, |log| {
            let dropped = log.events.pop_front();
            log.bytes -= dropped.map_or(0, |event| event.message.len());
        });
    }

    fn forget_stream(&mut self, session: &SessionId, stream: StreamId) {
        self.change(session, |log| {
            log.events.retain(|event| event.id.stream() != stream);
            log.events.shrink_to_fit();
            log.bytes = log.events.iter().map(|event| event.message.len()).sum();
        });
    }

    /// Takes events out of a session's log, and keeps the books.
    fn change(&mut self, session: &SessionId, take_out: impl FnOnce(&mut Log)) {
        let Some(log) = self.sessions.get_mut(session) else { return };
        let (events, bytes, oldest) = (log.events.len(), log.bytes, log.oldest());
        take_out(log);
        self.events -= events - log.events.len();
        self.bytes -= bytes - log.bytes;
        let now_oldest = log.oldest();
        if now_oldest == oldest {
            return;
        }
        if let Some(at) = oldest {
            self.oldest.remove(&at);
        }
        match now_oldest {
            Some(at) => drop(self.oldest.insert(at, *session)),
            None => {
                self.sessions.remove(session);
                if self.sessions.capacity() > 4 * self.sessions.len() + KEPT_SESSIONS {
                    self.sessions.shrink_to(2 * self.sessions.len());
                }
            }
        }
    }
}

/// Room for so many sessions is not given back.
const KEPT_SESSIONS: usize = 64;

impl Log {
    fn oldest(&self) -> Option<u64> {
        self.events.front().map(|event| event.at)
    }

    fn exceeds(&self, bound: Bound) -> bool {
        self.events.len() > bound.events || self.bytes > bound.bytes
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    fn replay(&self, after: EventId) -> Replay {
        let mut is_known = false;
        let mut due = after.next();
        let mut events = Vec::new();
        for event in &self.events {
            if event.id.stream() != after.stream() || event.id < after {
                continue;
            }
            is_known = true;
            if event.id == after {
                continue;
            }
            if Some(event.id) != due {
                return Replay::Lost;
            }
            due = event.id.next();
            events.push(StoredEvent { id: event.id, message: event.message.clone() });
        }
        if is_known { Replay::Events(events) } else { Replay::Lost }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// A client's session.
    struct Peer<'s> {
        store: &'s EventsInMemory,
        session: SessionId,
    }

    impl<'s> Peer<'s> {
        fn of(store: &'s EventsInMemory) -> Self {
            Self { store, session: SessionId::random() }
        }

        fn append(&self, stream: u64, number: u64, message: &str) {
            let message = Bytes::copy_from_slice(message.as_bytes());
            self.store.append(&self.session, id(stream, number), message);
        }

        /// What follows, or `None` when the stream cannot be resumed.
        fn replay(&self, stream: u64, number: u64) -> Option<Vec<String>> {
            let replay = self.store.replay(&self.session, id(stream, number));
            let Replay::Events(events) = replay.now_or_never().unwrap().unwrap() else {
                return None;
            };
            let mut due = number;
            for event in &events {
                due += 1;
                assert_eq!(event.id, id(stream, due));
            }
            let text = |event: StoredEvent| String::from_utf8(event.message.to_vec()).unwrap();
            Some(events.into_iter().map(text).collect())
        }
    }

    fn id(stream: u64, number: u64) -> EventId {
        EventId::parse(format!("{}-{number}", StreamId::from(stream)).as_bytes()).unwrap()
    }

    fn is_empty(store: &EventsInMemory) -> bool {
        let held = store.held();
        let nothing = held.sessions.is_empty() && held.oldest.is_empty();
        assert_eq!(nothing, held.events == 0 && held.bytes == 0);
        nothing
    }

    #[test]
    fn what_followed_on_the_same_stream_comes_again() {
        let store = EventsInMemory::new();
        let peer = Peer::of(&store);
        peer.append(1, 0, "");
        peer.append(2, 0, "other");
        peer.append(1, 1, "a");
        peer.append(2, 1, "other too");
        peer.append(1, 2, "b");
        assert_eq!(peer.replay(1, 0).unwrap(), ["a", "b"]);
        assert_eq!(peer.replay(1, 1).unwrap(), ["b"]);
        assert_eq!(peer.replay(2, 0).unwrap(), ["other too"]);
        assert!(peer.replay(1, 2).unwrap().is_empty());
    }

    #[test]
    fn an_event_that_was_never_sent_finds_nothing() {
        let store = EventsInMemory::new();
        let (peer, other) = (Peer::of(&store), Peer::of(&store));
        peer.append(1, 0, "a");
        for (stream, number) in [(1, 1), (1, u64::MAX), (0, 0), (2, 0), (u64::MAX, u64::MAX)] {
            assert_eq!(peer.replay(stream, number), None, "{stream}-{number}");
        }
        assert_eq!(other.replay(1, 0), None);
        other.append(1, 0, "b");
        assert!(peer.replay(1, 0).unwrap().is_empty());
    }

    #[test]
    fn a_session_holds_so_many_events_and_no_more() {
        let store = EventsInMemory::new().events_per_session(3);
        let (peer, other) = (Peer::of(&store), Peer::of(&store));
        other.append(1, 0, "");
        other.append(1, 1, "kept");
        (0..4).for_each(|number| peer.append(1, number, &number.to_string()));
        assert_eq!(peer.replay(1, 0).unwrap(), ["1", "2", "3"]);
        peer.append(2, 0, "");
        assert_eq!(peer.replay(1, 0), None);
        assert_eq!(peer.replay(1, 1).unwrap(), ["2", "3"]);
        assert_eq!(store.held().events, 5);
        assert_eq!(other.replay(1, 0).unwrap(), ["kept"]);
    }

    #[test]
    fn a_session_holds_so_many_bytes_and_no_more() {
        let store = EventsInMemory::new().bytes_per_session(10);
        let peer = Peer::of(&store);
        peer.append(1, 0, "12345");
        peer.append(1, 1, "12345");
        assert_eq!(store.held().bytes, 10);
        peer.append(1, 2, "1");
        assert_eq!(store.held().bytes, 6);
        assert_eq!(peer.replay(1, 0).unwrap(), ["12345", "1"]);
        peer.append(1, 3, "1234567890");
        assert_eq!(store.held().bytes, 10);
        assert_eq!(store.held().events, 1);
        assert_eq!(peer.replay(1, 1), None);
        assert_eq!(peer.replay(1, 2).unwrap(), ["1234567890"]);
    }

    #[test]
    fn the_oldest_of_all_sessions_go_first() {
        let store = EventsInMemory::new().events(4);
        let (early, late) = (Peer::of(&store), Peer::of(&store));
        early.append(1, 0, "a");
        late.append(1, 0, "b");
        early.append(1, 1, "c");
        late.append(1, 1, "d");
        late.append(1, 2, "e");
        assert_eq!(early.replay(1, 0).unwrap(), ["c"]);
        assert_eq!(late.replay(1, 0).unwrap(), ["d", "e"]);
        late.append(1, 3, "f");
        assert_eq!(late.replay(1, 0).unwrap(), ["d", "e", "f"]);
        late.append(1, 4, "g");
        assert_eq!((early.replay(1, 0), early.replay(1, 1)), (None, None));
        assert_eq!(late.replay(1, 0).unwrap(), ["d", "e", "f", "g"]);
        assert_eq!(store.held().events, 4);
    }

    #[test]
    fn all_sessions_together_hold_so_many_bytes_and_no_more() {
        let store = EventsInMemory::new().bytes(10);
        let (early, late) = (Peer::of(&store), Peer::of(&store));
        early.append(1, 0, "12345");
        late.append(1, 0, "12345");
        late.append(1, 1, "1");
        assert_eq!((early.replay(1, 0), store.held().bytes), (None, 6));
        assert_eq!(late.replay(1, 0).unwrap(), ["1"]);
    }

    #[test]
    fn a_message_that_cannot_be_held_leaves_no_gap() {
        let store = EventsInMemory::new().bytes_per_session(10);
        let peer = Peer::of(&store);
        peer.append(1, 0, "a");
        peer.append(2, 0, "other");
        peer.append(1, 1, "12345678901");
        assert_eq!((peer.replay(1, 0), peer.replay(1, 1)), (None, None));
        assert!(peer.replay(2, 0).unwrap().is_empty());
        peer.append(1, 2, "b");
        assert_eq!(peer.replay(1, 0), None);
        assert_eq!(peer.replay(1, 1).unwrap(), ["b"]);
    }

    #[test]
    fn numbers_that_were_left_out_are_a_gap() {
        let store = EventsInMemory::new();
        let peer = Peer::of(&store);
        [0, 1, 3].into_iter().for_each(|number| peer.append(1, number, "x"));
        assert_eq!((peer.replay(1, 0), peer.replay(1, 1)), (None, None));
        assert_eq!(peer.replay(1, 2).unwrap(), ["x"]);
    }

    #[test]
    fn the_last_of_all_numbers_is_followed_by_nothing() {
        let store = EventsInMemory::new();
        let peer = Peer::of(&store);
        peer.append(1, u64::MAX, "x");
        assert!(peer.replay(1, u64::MAX).unwrap().is_empty());
    }

    #[test]
    fn what_is_forgotten_leaves_nothing_behind() {
        let store = EventsInMemory::new();
        assert!(is_empty(&store));
        let peers: Vec<_> = (0..1000).map(|_| Peer::of(&store)).collect();
        for peer in &peers {
            peer.append(1, 0, "a");
            peer.append(2, 0, "b");
        }
        for peer in &peers {
            store.forget_stream(&peer.session, StreamId::from(1));
            assert_eq!(peer.replay(1, 0), None);
            assert!(peer.replay(2, 0).unwrap().is_empty());
        }
        let (half, rest) = peers.split_at(500);
        half.iter().for_each(|peer| store.forget_session(&peer.session));
        rest.iter().for_each(|peer| store.forget_stream(&peer.session, StreamId::from(2)));
        assert!(is_empty(&store));
        assert!(store.held().sessions.capacity() <= 2 * KEPT_SESSIONS);
        store.forget_session(&SessionId::random());
    }

    #[test]
    fn a_store_without_room_keeps_nothing() {
        for store in [EventsInMemory::new().events(0), EventsInMemory::new().events_per_session(0)]
        {
            let peer = Peer::of(&store);
            peer.append(1, 0, "");
            assert_eq!(peer.replay(1, 0), None);
            assert!(is_empty(&store));
        }
    }
}
