//! One legacy session over HTTP: what its POSTs, GETs and its end do.
//!
//! A request whose handler need not wait is answered within its POST, without any task. Otherwise
//! one task drives the session until nothing runs any more and nobody listens to it: a session that
//! is idle has none.
//!
//! Spec: 2025-11-25, basic/transports, "Streamable HTTP".

use std::future::poll_fn;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Response, StatusCode};
use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::profile::Entitlement;
use mcp_core::session::Decoded;
use mcp_core::session::server::SessionRecord;
use mcp_core::wire::legacy;
use mcp_core::{FrameId, Principal, Route};
use tokio::time::{Instant, Sleep, sleep};

use super::HttpBody;
use super::answer::{self, KEEP_ALIVE};
use super::exchange::{Silence, has_expired};
use super::outlet::{First, Outlet, Recorder, push_stored};
use super::settings::{Closed, Settings};
use super::step_up;
use super::store::{
    EventId, Replay, Revision, SessionId, SessionStore, StoredEvent, StoredSession, StreamId,
    StreamIds,
};
use crate::requires::Scopes;
use crate::server::Engine;

/// One legacy session.
pub(super) struct Session {
    id: SessionId,
    principal: Principal,
    settings: Arc<Settings>,
    inner: Mutex<Inner>,
    began: Instant,
    /// When it was used last, in milliseconds since it began.
    used: AtomicU64,
    /// What the session store has of it.
    kept: Mutex<Option<Kept>>,
}

/// What a store has of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) revision: Revision,
    /// How often the session had changed.
    pub(super) changes: u32,
}

struct Inner {
    engine: Engine,
    /// Where answers go that are not there yet.
    outlets: Vec<(FrameId, Arc<Outlet>)>,
    /// Where goes what belongs to no request: the stream of the latest GET.
    standing: Option<Arc<Outlet>>,
    streams: StreamIds,
    /// Whether a task drives the session, and how to wake it.
    driven: bool,
    driver: Option<Waker>,
}

impl Session {
    pub(super) fn new(
        id: SessionId,
        principal: Principal,
        mut engine: Engine,
        settings: Arc<Settings>,
    ) -> Self {
        engine.connect();
        engine.tells_changes(false);
        let inner = Inner {
            engine,
            outlets: Vec::new(),
            standing: None,
            streams: StreamIds::random(),
            driven: false,
            driver: None,
        };
        let (inner, used) = (Mutex::new(inner), AtomicU64::new(0));
        let kept = Mutex::default();
        Self { id, principal, settings, inner, began: Instant::now(), used, kept }
    }

    /// What another process needs to go on with it, if the store does not have that.
    pub(super) fn unkept(&self) -> Option<(SessionRecord, u32)> {
        let inner = self.lock();
        let known = self.kept().is_some_and(|kept| kept.changes == inner.engine.changes());
        if known { None } else { inner.engine.record() }
    }

    /// The store has it.
    pub(super) fn keep(&self, kept: Kept) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
    }

    pub(super) fn kept(&self) -> Option<Kept> {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what another process has changed.
    pub(super) fn catch_up(self: &Arc<Self>, stored: &StoredSession) {
        let mut inner = self.lock();
        if self.kept().is_some_and(|kept| kept.changes != inner.engine.changes()) {
            // What was changed here is about to be saved: the later wins.
            return;
        }
        inner.engine.catch_up(&stored.record);
        inner.distribute();
        let changes = inner.engine.changes();
        self.drive(&mut inner);
        drop(inner);
        self.keep(Kept { revision: stored.revision, changes });
    }

    /// Takes over what other processes have changed; says whether the session goes on for them.
    pub(super) async fn refresh(self: &Arc<Self>, store: &dyn SessionStore) -> io::Result<bool> {
        let Some(revision) = store.touch(&self.id, self.settings.session_idle).await? else {
            return Ok(false);
        };
        if self.kept().is_some_and(|kept| kept.revision == revision) {
            return Ok(true);
        }
        let Some(stored) = store.load(&self.id).await? else { return Ok(false) };
        self.catch_up(&stored);
        Ok(true)
    }

    /// The session is over for every process.
    pub(super) async fn remove(&self) {
        if let Some(store) = &self.settings.session_store
            && let Err(error) = store.remove(&self.id).await
        {
            log_failure(&error);
        }
        self.forget_events();
    }

    /// Nobody will resume its streams, in whichever process.
    pub(super) fn forget_events(&self) {
        if let Some(events) = &self.settings.events {
            events.forget_session(&self.id);
        }
    }

    pub(super) fn id(&self) -> &SessionId {
        &self.id
    }

    /// Whether this caller is the one that began the session.
    pub(super) fn belongs_to(&self, caller: &Principal) -> bool {
        self.principal == *caller
    }

    /// Whether `initialize` was answered with an agreement.
    pub(super) fn is_established(&self) -> bool {
        self.lock().engine.version().is_some()
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        self.lock().engine.is_over()
    }

    /// Notes that it is used now.
    pub(super) fn touch(&self) {
        let since = self.began.elapsed().as_millis();
        self.used.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long nobody has used it; nothing while somebody waits or listens.
    ///
    /// Calls alone do not count: one may wait for ever for the answer of a client that is gone.
    pub(super) fn idle(&self) -> Duration {
        let Ok(inner) = self.inner.try_lock() else { return Duration::ZERO };
        if inner.is_heard() {
            self.touch();
        }
        drop(inner);
        let used = Duration::from_millis(self.used.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(used)
    }

    /// Whether the caller may still have what the session began with; if not, the session is over.
    pub(super) async fn is_still_entitled(&self, caller: &Principal) -> bool {
        let resolving = self.lock().engine.entitlement_of(caller);
        let entitlement = match resolving {
            Some(resolving) => entitled(resolving).await,
            None => Entitlement::all(),
        };
        let engine = &mut self.lock().engine;
        let is_entitled = engine.is_still_entitled(&entitlement, caller);
        if is_entitled {
            engine.authenticated(caller);
        }
        is_entitled
    }

    /// Ends the session, unless it goes on; asked while a stream of it is open.
    async fn look_whether_over(self: &Arc<Self>) {
        if let Some(store) = &self.settings.session_store {
            match self.refresh(&**store).await {
                Ok(true) => {}
                Ok(false) => {
                    self.end();
                    return self.forget_events();
                }
                // It is asked again before long.
                Err(error) => log_failure(&error),
            }
        }
        let caller = self.lock().engine.principal().clone();
        if !self.is_still_entitled(&caller).await {
            self.end();
            self.remove().await;
        }
    }

    /// Answers the POST that begins the session: never by a stream, whose head could not say yet
    /// which session it is.
    pub(super) async fn initialize(self: &Arc<Self>, decoded: Decoded<'_>) -> Response<HttpBody> {
        self.answer(decoded, None).await
    }

    /// Answers a POST.
    pub(super) async fn post(self: &Arc<Self>, decoded: Decoded<'_>) -> Response<HttpBody> {
        self.touch();
        self.answer(decoded, Some(self.settings.stream_after)).await
    }

    /// Answers a POST, by a stream at the latest after `stream_after`.
    async fn answer(
        self: &Arc<Self>,
        decoded: Decoded<'_>,
        stream_after: Option<Duration>,
    ) -> Response<HttpBody> {
        if let Some(invalid) = decoded.invalid() {
            let status = StatusCode::BAD_REQUEST;
            return answer::error(status, invalid.id.as_ref(), &invalid.error);
        }
        let is_answered = decoded.has_requests();
        let mut decoded = Some(decoded);
        let (begun, lacking) = poll_fn(|cx| {
            let Some(decoded) = decoded.take() else { return Poll::Pending };
            Poll::Ready(self.begin(cx, decoded, is_answered))
        })
        .await;
        let response = match begun {
            Begun::Answered(message, error) => whole(message, error),
            Begun::Accepted => answer::empty(StatusCode::ACCEPTED),
            Begun::Gone => gone(),
            Begun::Later(outlet) => self.wait_for(outlet, stream_after).await,
        };
        step_up::note(response, lacking)
    }

    /// Answers a GET that begins a stream.
    pub(super) fn listen(self: &Arc<Self>) -> Response<HttpBody> {
        self.touch();
        let mut inner = self.lock();
        if inner.engine.is_over() {
            drop(inner);
            return gone();
        }
        let outlet = self.outlet(&mut inner);
        outlet.open();
        if let Some(former) = inner.standing.replace(Arc::clone(&outlet)) {
            former.end();
        }
        self.drive(&mut inner);
        drop(inner);
        self.stream(outlet, 0)
    }

    /// Answers a GET that resumes a stream after an event.
    pub(super) async fn resume(self: &Arc<Self>, after: EventId) -> Response<HttpBody> {
        self.touch();
        let Some(events) = &self.settings.events else { return not_resumable() };
        let mut missed: Vec<StoredEvent> = Vec::new();
        let mut asked = false;
        loop {
            // Before the store is asked: it has all that is said by a stream that is over now.
            let outlet = self.lock().outlet_of(after.stream());
            let last = missed.last().map_or(after, |event| event.id);
            match events.replay(&self.id, last).await {
                // More was said, and the store does not have it yet: asking again and again would
                // keep this connection busy for as long.
                Ok(Replay::Events(more)) if asked && more.is_empty() => {
                    return answer::empty(StatusCode::SERVICE_UNAVAILABLE);
                }
                Ok(Replay::Events(more)) => missed.extend(more),
                Ok(_) if self.is_over() => return gone(),
                Ok(_) => return not_resumable(),
                Err(error) => {
                    tracing::warn!(target: "mcp::server", %error, "the event store cannot tell what a stream has carried");
                    return answer::empty(StatusCode::SERVICE_UNAVAILABLE);
                }
            }
            let Some(outlet) = outlet else {
                // Another process may still have something to say on it.
                if missed.is_empty() && self.settings.session_store.is_none() {
                    // A stream without an answer would make clients ask again, and again.
                    return is_complete();
                }
                let mut text = Vec::new();
                push_stored(&mut text, &missed);
                return answer::events(HttpBody::full(text));
            };
            // Something may have been said since the store was asked.
            if let Some(connection) = outlet.resume(after, &missed) {
                let mut inner = self.lock();
                self.drive(&mut inner);
                drop(inner);
                return self.stream(outlet, connection);
            }
            asked = true;
        }
    }

    /// Ends the session in this process: whatever runs is dropped, streams end.
    pub(super) fn end(&self) {
        let mut inner = self.lock();
        inner.engine.end();
        let outlets = std::mem::take(&mut inner.outlets);
        let standing = inner.standing.take();
        let driver = inner.driver.take();
        drop(inner);
        outlets.iter().map(|(_, outlet)| outlet).chain(&standing).for_each(|outlet| outlet.end());
        if let Some(driver) = driver {
            driver.wake();
        }
        if self.settings.session_store.is_none() {
            self.forget_events();
        }
    }

    /// Handles a message; finds out whether it is answered at once, and which scopes it lacks.
    fn begin(
        self: &Arc<Self>,
        cx: &mut Context<'_>,
        decoded: Decoded<'_>,
        is_answered: bool,
    ) -> (Begun, Option<Scopes>) {
        let mut inner = self.lock();
        if inner.engine.is_over() {
            // It has ended since it was found: nobody would answer.
            return (Begun::Gone, None);
        }
        let inner_ref = &mut *inner;
        inner_ref.look_who_listens();
        let frame = inner_ref.engine.accept(cx, decoded);
        let lacking = inner_ref.engine.lacking.take();
        inner_ref.engine.poll(cx);
        let (first, rest) = {
            let mut routes = inner_ref.engine.outbox.routes();
            (routes.next(), routes.len())
        };
        let begun = match (first, rest) {
            (Some(Route::Answer { frame: answered, error }), 0) if answered == frame => {
                Begun::Answered(answer::first_message(&mut inner_ref.engine.outbox), error)
            }
            _ if is_answered => {
                let outlet = self.outlet(inner_ref);
                inner_ref.outlets.push((frame, Arc::clone(&outlet)));
                Begun::Later(outlet)
            }
            _ => Begun::Accepted,
        };
        inner_ref.distribute();
        self.drive(inner_ref);
        (begun, lacking)
    }

    /// Waits for what there is to say first.
    async fn wait_for(
        self: &Arc<Self>,
        outlet: Arc<Outlet>,
        stream_after: Option<Duration>,
    ) -> Response<HttpBody> {
        let mut waits = Waits(Some(Arc::clone(&outlet)));
        let mut patience = None::<Pin<Box<Sleep>>>;
        let first = poll_fn(|cx| {
            if let Poll::Ready(first) = outlet.poll_first(cx) {
                return Poll::Ready(first);
            }
            let Some(stream_after) = stream_after else { return Poll::Pending };
            let patience = patience.get_or_insert_with(|| Box::pin(sleep(stream_after)));
            ready!(patience.as_mut().poll(cx));
            outlet.open();
            outlet.poll_first(cx)
        })
        .await;
        waits.0 = None;
        match first {
            First::Whole(message, error) => whole(message, error),
            First::Nothing if self.is_over() => gone(),
            First::Nothing => answer::empty(StatusCode::ACCEPTED),
            First::Stream => self.stream(outlet, 0),
        }
    }

    fn stream(self: &Arc<Self>, outlet: Arc<Outlet>, connection: u32) -> Response<HttpBody> {
        let silence = Silence::new(self.settings.keep_alive);
        let recheck = Silence::new(self.settings.listener_check());
        let (session, checking) = (Arc::clone(self), None);
        let closed = self.settings.closing.closed();
        let caller = self.lock().engine.principal().clone();
        let is_standing =
            self.lock().standing.as_ref().is_some_and(|standing| Arc::ptr_eq(standing, &outlet));
        let stream = SessionStream {
            session,
            outlet,
            connection,
            silence,
            recheck,
            checking,
            closed,
            is_standing,
            caller,
        };
        answer::events(HttpBody::stream(stream))
    }

    fn outlet(&self, inner: &mut Inner) -> Arc<Outlet> {
        let primes = inner.engine.version().is_some_and(legacy::primes_streams);
        let recorder = self.settings.events.clone().map(|events| Recorder {
            events,
            session: self.id,
            primes,
        });
        let most = inner.engine.pending_bytes().min(UNREAD);
        Arc::new(Outlet::new(inner.streams.make(), recorder, most))
    }

    /// Sees to it that somebody drives the session, if there is anything to drive.
    fn drive(self: &Arc<Self>, inner: &mut Inner) {
        if inner.driven {
            if let Some(driver) = inner.driver.take() {
                driver.wake();
            }
        } else if inner.is_busy() {
            inner.driven = true;
            let session = Arc::clone(self);
            tokio::spawn(poll_fn(move |cx| session.poll(cx)));
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.lock();
        inner.engine.register(cx);
        inner.look_who_listens();
        while inner.engine.poll(cx) {}
        inner.distribute();
        if !inner.is_busy() {
            inner.driven = false;
            inner.driver = None;
            return Poll::Ready(());
        }
        match &mut inner.driver {
            Some(driver) => driver.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Handlers that panic are caught before they come here.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a message.
enum Begun {
    /// Its answer is there.
    Answered(Vec<u8>, Option<ErrorCode>),
    /// It has no answer.
    Accepted,
    /// Its answer comes here.
    Later(Arc<Outlet>),
    /// The session is over.
    Gone,
}

impl Inner {
    /// Whether there is something to drive.
    fn is_busy(&self) -> bool {
        !self.engine.is_over() && (self.engine.is_running() || self.is_listened_to())
    }

    /// Whether somebody has a connection open.
    fn is_heard(&self) -> bool {
        let outlets = self.outlets.iter().map(|(_, outlet)| outlet).chain(&self.standing);
        outlets.into_iter().any(|outlet| outlet.is_attached())
    }

    /// The stream of an id, if more may be said on it.
    fn outlet_of(&self, stream: StreamId) -> Option<Arc<Outlet>> {
        let mut open = self.outlets.iter().map(|(_, outlet)| outlet).chain(&self.standing);
        open.find(|outlet| outlet.stream() == stream).cloned()
    }

    /// Gives each message that waits to the stream where it belongs.
    fn distribute(&mut self) {
        let Self { engine, outlets, standing, .. } = self;
        for (frame, retry) in engine.take_leaving() {
            if let Some((_, outlet)) = outlets.iter().find(|(of, _)| *of == frame) {
                outlet.leave(retry);
            }
        }
        if engine.outbox.routes().len() > 0 {
            engine.outbox.drain(|transmit| match transmit.route {
                Route::Connection => {
                    if let Some(outlet) = standing {
                        outlet.send(transmit.message, None);
                    }
                }
                Route::Frame(frame) => {
                    if let Some((_, outlet)) = outlets.iter().find(|(of, _)| *of == frame) {
                        outlet.send(transmit.message, None);
                    }
                }
                Route::Answer { frame, error } => {
                    if let Some(place) = outlets.iter().position(|(of, _)| *of == frame) {
                        let (_, outlet) = outlets.swap_remove(place);
                        outlet.send(transmit.message, Some(error));
                    }
                }
            });
            // An idle session keeps no buffer.
            engine.outbox = mcp_core::Outbox::default();
        }
    }

    /// What changes while nobody listens is told when somebody does again.
    fn look_who_listens(&mut self) {
        self.engine.tells_changes(self.is_listened_to());
    }

    fn is_listened_to(&self) -> bool {
        self.standing.as_ref().is_some_and(|outlet| outlet.is_attached())
    }
}

/// A POST that waits for its answer: when it is gone, so is the connection.
struct Waits(Option<Arc<Outlet>>);

impl Drop for Waits {
    fn drop(&mut self) {
        if let Some(outlet) = &self.0 {
            outlet.detach(0);
        }
    }
}

/// The connection of a stream.
pub(super) struct SessionStream {
    session: Arc<Session>,
    outlet: Arc<Outlet>,
    connection: u32,
    silence: Silence,
    /// When it is time to ask again whether the session goes on, and the question.
    recheck: Silence,
    checking: Option<BoxFuture<'static, ()>>,
    /// The service stops.
    closed: Closed,
    /// Whether it answers no request: then nothing is awaited of it.
    is_standing: bool,
    /// Who opened it.
    caller: Principal,
}

impl SessionStream {
    /// The next part of the stream.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let is_over = self.recheck(cx) || self.closed.poll(cx).is_ready();
        if self.is_standing && is_over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(next) = self.outlet.poll_next(self.connection, cx) {
            self.silence.broken();
            return Poll::Ready(next);
        }
        ready!(self.silence.poll(cx));
        Poll::Ready(Some(Bytes::from_static(KEEP_ALIVE)))
    }

    /// Ends the session when its caller has lost what it began with, or another process ended it;
    /// says whether the token that the stream was opened with has expired.
    fn recheck(&mut self, cx: &mut Context<'_>) -> bool {
        if self.checking.is_none() && self.recheck.poll(cx).is_ready() {
            if has_expired(&self.caller) {
                return true;
            }
            let session = Arc::clone(&self.session);
            self.checking = Some(Box::pin(async move { session.look_whether_over().await }));
        }
        if let Some(checking) = &mut self.checking
            && checking.as_mut().poll(cx).is_ready()
        {
            self.checking = None;
        }
        false
    }
}

impl Drop for SessionStream {
    fn drop(&mut self) {
        self.outlet.detach(self.connection);
        let mut inner = self.session.lock();
        self.session.touch();
        // A session that nobody listens to any more may need no task.
        if let Some(driver) = inner.driver.take() {
            driver.wake();
        }
    }
}

/// How many bytes may wait for a client that does not read one of its streams.
const UNREAD: usize = 4 * 1024 * 1024;

/// What a caller is entitled to: nothing, where the server's function panics.
pub(super) async fn entitled(resolving: BoxFuture<'static, Entitlement>) -> Entitlement {
    AssertUnwindSafe(resolving).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(target: "mcp::server", "the entitlement function panicked: the caller is entitled to nothing");
        Entitlement::none()
    })
}

fn whole(message: Vec<u8>, error: Option<ErrorCode>) -> Response<HttpBody> {
    answer::json(error.map_or(StatusCode::OK, answer::legacy_status), message)
}

pub(super) fn log_failure(error: &io::Error) {
    tracing::error!(target: "mcp::server", %error, "the session store fails");
}

/// There is no such session, or not for this caller.
pub(super) fn gone() -> Response<HttpBody> {
    let error = ErrorObject::invalid_request(
        "there is no such session: it is over, or another caller's; send `initialize` again",
    );
    answer::error(StatusCode::NOT_FOUND, None, &error)
}

fn is_complete() -> Response<HttpBody> {
    let error = ErrorObject::invalid_request(
        "the stream is complete: nothing followed this event, and nothing will",
    );
    answer::error(StatusCode::BAD_REQUEST, None, &error)
}

fn not_resumable() -> Response<HttpBody> {
    let error = ErrorObject::invalid_request(
        "the stream cannot be resumed from this event: what followed is no longer kept",
    );
    answer::error(StatusCode::BAD_REQUEST, None, &error)
}
