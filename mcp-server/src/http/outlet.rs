//! Where the messages of one legacy stream go: the answer to a POST, or the stream of a GET.
//!
//! What is written before the client is seen to need a stream is plain JSON. A stream can lose its
//! connection and be given another one: in between, its messages go to the event store alone. A
//! client that does not read has its connection cut: it cannot hold up anybody else, and finds what
//! it missed in the store.
//!
//! Spec: 2025-11-25, basic/transports, "Sending Messages to the Server" and "Resumability and
//! Redelivery".

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use mcp_core::jsonrpc::ErrorCode;

use super::answer::push_event;
use super::store::{EventId, EventStore, SessionId, StoredEvent, StreamId};

/// Where the messages of one stream go.
pub(super) struct Outlet {
    stream: StreamId,
    recorder: Option<Recorder>,
    /// How much may wait for a client that does not read.
    most_bytes: usize,
    state: Mutex<State>,
}

/// Keeps what a stream carries.
#[derive(Clone)]
pub(super) struct Recorder {
    pub(super) events: Arc<dyn EventStore>,
    pub(super) session: SessionId,
    /// Whether a stream begins with an event that only has an id, so that its client can come back
    /// (since 2025-11-25; older clients take an empty event for a broken message).
    pub(super) primes: bool,
}

struct State {
    phase: Phase,
    /// Nothing more will be said.
    ended: bool,
    /// The id of the next event.
    next: Option<EventId>,
    waker: Option<Waker>,
    /// Which connection the stream has now: counts those that it had.
    connection: u32,
}

enum Phase {
    /// Nobody knows yet whether this becomes a stream.
    Waiting,
    /// It did not: this is the answer.
    Whole(Vec<u8>, Option<ErrorCode>),
    /// What the connection has not taken yet.
    Streaming(Vec<u8>),
    /// What the connection has not taken yet is the last that it carries.
    Leaving(Vec<u8>),
    /// There is no connection.
    Away,
}

/// What there is to answer a POST with.
pub(super) enum First {
    Whole(Vec<u8>, Option<ErrorCode>),
    Stream,
    /// It will not be answered: the session is over.
    Nothing,
}

impl Outlet {
    pub(super) fn new(stream: StreamId, recorder: Option<Recorder>, most_bytes: usize) -> Self {
        let state = State {
            phase: Phase::Waiting,
            ended: false,
            next: Some(EventId::first(stream)),
            waker: None,
            connection: 0,
        };
        Self { stream, recorder, most_bytes, state: Mutex::new(state) }
    }

    pub(super) fn stream(&self) -> StreamId {
        self.stream
    }

    /// Takes a message; `answer` says that it is the last one.
    pub(super) fn send(&self, message: &[u8], answer: Option<Option<ErrorCode>>) {
        let mut state = self.lock();
        match (&state.phase, answer) {
            _ if state.ended => return,
            (Phase::Waiting, Some(error)) => {
                state.phase = match message.is_empty() {
                    true => Phase::Away,
                    false => Phase::Whole(message.to_vec(), error),
                };
            }
            (Phase::Waiting, None) => {
                self.begin(&mut state);
                self.append(&mut state, message);
            }
            _ if !message.is_empty() => self.append(&mut state, message),
            _ => {}
        }
        state.ended = answer.is_some();
        wake(state);
    }

    /// Nothing more comes, and what was not answered never will be.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        if matches!(state.phase, Phase::Waiting) {
            state.phase = Phase::Away;
        }
        wake(state);
    }

    /// Waits for what there is to say first.
    pub(super) fn poll_first(&self, cx: &mut Context<'_>) -> Poll<First> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.phase, Phase::Away) {
            Phase::Waiting => {
                state.phase = Phase::Waiting;
                state.listen(cx);
                Poll::Pending
            }
            Phase::Whole(message, error) => Poll::Ready(First::Whole(message, error)),
            Phase::Away => Poll::Ready(First::Nothing),
            streaming => {
                state.phase = streaming;
                Poll::Ready(First::Stream)
            }
        }
    }

    /// Becomes a stream though there is nothing to say yet.
    pub(super) fn open(&self) {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Waiting) {
            self.begin(&mut state);
            wake(state);
        }
    }

    /// Lets the client go, to come back after this time; what it missed is in the store.
    ///
    /// Nothing happens where it could not come back.
    pub(super) fn leave(&self, retry: Duration) {
        let mut state = self.lock();
        if self.recorder.as_ref().is_none_or(|recorder| !recorder.primes) || state.ended {
            return;
        }
        if matches!(state.phase, Phase::Waiting) {
            self.begin(&mut state);
        }
        if let Phase::Streaming(text) = &mut state.phase {
            text.extend_from_slice(format!("retry: {}\n\n", retry.as_millis()).as_bytes());
            state.phase = Phase::Leaving(std::mem::take(text));
        }
        wake(state);
    }

    /// Gives the stream a new connection, which begins with what the old one did not carry; the one
    /// that it had is over.
    ///
    /// Says whether `missed` was all; if not, nothing has changed and more is to be looked for.
    pub(super) fn resume(&self, after: EventId, missed: &[StoredEvent]) -> Option<u32> {
        let mut state = self.lock();
        let last = missed.last().map_or(after, |event| event.id);
        if state.next != last.next() {
            return None;
        }
        let mut text = Vec::new();
        push_stored(&mut text, missed);
        state.phase = Phase::Streaming(text);
        state.connection = state.connection.wrapping_add(1);
        let connection = state.connection;
        wake(state);
        Some(connection)
    }

    /// The next part of the stream, for one of its connections; `None` when this one has had all.
    pub(super) fn poll_next(&self, connection: u32, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut state = self.lock();
        if state.connection != connection {
            return Poll::Ready(None);
        }
        let stays = matches!(state.phase, Phase::Streaming(_)) && !state.ended;
        if let Phase::Streaming(text) | Phase::Leaving(text) = &mut state.phase
            && !text.is_empty()
        {
            return Poll::Ready(Some(std::mem::take(text).into()));
        }
        if stays {
            state.listen(cx);
            return Poll::Pending;
        }
        state.phase = Phase::Away;
        Poll::Ready(None)
    }

    /// A connection is gone.
    pub(super) fn detach(&self, connection: u32) {
        let mut state = self.lock();
        if state.connection == connection {
            state.phase = Phase::Away;
            state.waker = None;
        }
    }

    /// Whether somebody waits for what is sent.
    pub(super) fn is_attached(&self) -> bool {
        !matches!(self.lock().phase, Phase::Away)
    }

    fn begin(&self, state: &mut State) {
        let mut text = Vec::new();
        if let Some(recorder) = self.recorder.as_ref().filter(|recorder| recorder.primes)
            && let Some(id) = state.next
        {
            recorder.events.append(&recorder.session, id, Bytes::new());
            state.next = id.next();
            text.extend_from_slice(format!("id: {id}\ndata: \n\n").as_bytes());
        }
        state.phase = Phase::Streaming(text);
    }

    fn append(&self, state: &mut State, message: &[u8]) {
        let mut id = None;
        if let Some(recorder) = &self.recorder
            && let Some(next) = state.next
        {
            recorder.events.append(&recorder.session, next, Bytes::copy_from_slice(message));
            state.next = next.next();
            id = Some(next);
        }
        let Phase::Streaming(text) = &mut state.phase else { return };
        if text.len() + message.len() > self.most_bytes && !text.is_empty() {
            tracing::warn!(target: "mcp::server", stream = %self.stream, "a client does not read its stream: the connection is closed");
            state.phase = Phase::Away;
            return;
        }
        match id {
            Some(id) => push_event(text, Some(&id.to_string()), message),
            None => push_event(text, None, message),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn listen(&mut self, cx: &Context<'_>) {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}

/// What a store has kept, as the text of a stream.
pub(super) fn push_stored(text: &mut Vec<u8>, events: &[StoredEvent]) {
    for StoredEvent { id, message } in events {
        match message.is_empty() {
            true => text.extend_from_slice(format!("id: {id}\ndata: \n\n").as_bytes()),
            false => push_event(text, Some(&id.to_string()), message),
        }
    }
}

/// Nothing is locked while somebody is woken.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
