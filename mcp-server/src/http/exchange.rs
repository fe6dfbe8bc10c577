//! One exchange of the modern era: a POST with a request, and the answer to it.
//!
//! Nothing is kept between exchanges. The answer is plain JSON when nothing but the result is to be
//! sent, and a stream of events otherwise, which also begins when a handler takes long. The handler
//! runs in the future of the answer, then in its body: a client that closes the connection has
//! cancelled the request (2026-07-28, basic/transports/streamable-http, "Cancellation").

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Response, StatusCode};
use mcp_core::jsonrpc::ErrorCode;
use mcp_core::session::Decoded;
use mcp_core::session::server::ServerMemory;
use mcp_core::{Outbox, Principal, Route};
use tokio::time::{Sleep, sleep};

use super::HttpBody;
use super::answer::{self, KEEP_ALIVE, push_event};
use super::settings::{Closed, Settings};
use super::step_up;
use crate::server::Engine;

/// A request that is being answered by a stream of events.
pub(super) struct Exchange {
    engine: Engine,
    silence: Silence,
    /// When it is time to ask again what the caller is entitled to.
    recheck: Silence,
    /// The service stops; `None` once streams of changes were told to end.
    closed: Option<Closed>,
    answered: bool,
}

/// What there is to be sent first.
enum First {
    Answer(Option<ErrorCode>),
    /// A notification, or nothing for some time.
    Stream,
}

/// Answers a modern request; what the engine has learnt goes to the `memory` where the next one looks.
pub(super) async fn exchange(
    mut engine: Engine,
    decoded: Decoded<'_>,
    settings: &Settings,
    memory: &Mutex<Option<ServerMemory>>,
) -> Response<HttpBody> {
    let mut decoded = Some(decoded);
    let mut patience = None::<Pin<Box<Sleep>>>;
    let first = poll_fn(|cx| {
        engine.register(cx);
        if let Some(decoded) = decoded.take() {
            engine.accept(cx, decoded);
        }
        loop {
            let moved = engine.poll(cx);
            match engine.outbox.routes().next() {
                Some(Route::Answer { error, .. }) => return Poll::Ready(First::Answer(error)),
                Some(_) => return Poll::Ready(First::Stream),
                None if moved => {}
                None => break,
            }
        }
        if engine.is_resolving() {
            // A caller that lacks scopes is told so by the status, which a stream has already.
            return Poll::Pending;
        }
        let patience = patience.get_or_insert_with(|| Box::pin(sleep(settings.stream_after)));
        patience.as_mut().poll(cx).map(|()| First::Stream)
    })
    .await;
    match first {
        First::Answer(error) => {
            let status = error.map_or(StatusCode::OK, answer::modern_status);
            let lacking = engine.lacking.take();
            let learnt = Some(engine.take_memory());
            let former = std::mem::replace(&mut *locked(memory), learnt);
            // Outside of the lock.
            drop(former);
            let response = answer::json(status, answer::first_message(&mut engine.outbox));
            step_up::note(response, lacking)
        }
        First::Stream => {
            let silence = Silence::new(settings.keep_alive);
            let recheck = Silence::new(settings.recheck);
            let closed = Some(settings.closing.closed());
            let exchange = Exchange { engine, silence, recheck, closed, answered: false };
            answer::events(HttpBody::exchange(exchange))
        }
    }
}

impl Exchange {
    /// The next part of the stream.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.answered {
            return Poll::Ready(None);
        }
        self.engine.register(cx);
        if self.closed.as_mut().is_some_and(|closed| closed.poll(cx).is_ready()) {
            self.closed = None;
            self.engine.end_streams();
        }
        if self.recheck.poll(cx).is_ready() {
            if has_expired(self.engine.principal()) {
                self.engine.end_streams();
            } else {
                self.engine.recheck(cx);
            }
        }
        loop {
            let moved = self.engine.poll(cx);
            if let Some(events) = self.take_events() {
                self.silence.broken();
                return Poll::Ready(Some(events));
            }
            if self.answered {
                return Poll::Ready(None);
            }
            if !moved {
                break;
            }
        }
        ready!(self.silence.poll(cx));
        Poll::Ready(Some(Bytes::from_static(KEEP_ALIVE)))
    }

    /// Whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.answered
    }

    fn take_events(&mut self) -> Option<Bytes> {
        let Self { engine: Engine { outbox, .. }, answered, .. } = self;
        events(outbox, answered)
    }
}

/// Whether the token that let a caller in lets nobody in any more.
pub(super) fn has_expired(caller: &Principal) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    caller.authentication().is_some_and(|token| token.is_expired(now))
}

/// Nothing that is done under this lock can panic halfway.
pub(super) fn locked<T>(memory: &Mutex<T>) -> MutexGuard<'_, T> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What waits to be sent, as events; nothing after the answer.
fn events(outbox: &mut Outbox, answered: &mut bool) -> Option<Bytes> {
    if outbox.routes().len() == 0 {
        return None;
    }
    let mut text = Vec::with_capacity(outbox.len() + 64);
    outbox.drain(|transmit| {
        if *answered || transmit.route == Route::Connection {
            return;
        }
        if !transmit.message.is_empty() {
            push_event(&mut text, None, transmit.message);
        }
        *answered = matches!(transmit.route, Route::Answer { .. });
    });
    (!text.is_empty()).then(|| text.into())
}

/// Notices when nothing has been sent for some time.
pub(super) struct Silence {
    sleep: Pin<Box<Sleep>>,
    longest: Duration,
}

impl Silence {
    pub(super) fn new(longest: Duration) -> Self {
        Self { sleep: Box::pin(sleep(longest)), longest }
    }

    /// Something was sent.
    pub(super) fn broken(&mut self) {
        self.sleep.as_mut().reset(tokio::time::Instant::now() + self.longest);
    }

    /// Ready when it is time to send something, and again after as long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.sleep.as_mut().poll(cx));
        self.broken();
        // Registers with the timer again.
        let _ = self.sleep.as_mut().poll(cx);
        Poll::Ready(())
    }
}
