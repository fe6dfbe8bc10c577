//! Everything of one connection that is under way over HTTP.
//!
//! Each message of ours is a request of its own; what comes back on any of them is put into one
//! order again. Owns the session id, the bounds on how much is under way, and what becomes of
//! streams that end early. It does not know what messages mean, and spawns nothing: when it is
//! dropped, every request and stream of it is closed.
//!
//! ```text
//!            ┌─ requests ──▶ call, resume ──┐
//! accept() ──┤                              ├─▶ mail ──▶ next()
//!            └─ deliveries ──▶ deliver      │
//!                  the session's own stream ┘
//! ```

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::{FuturesUnordered, StreamExt};
use mcp_core::http::header::{MCP_PROTOCOL_VERSION, MCP_SESSION_ID};
use mcp_core::version::{Era, ProtocolVersion};
use mcp_core::{Error, Limits, Outbox};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::Http;
use super::error::HttpError;
use super::events::Resume;
use super::exchange::{self, Arrival, How, Wire};
use super::held::Budget;
use super::mirrors::Mirrors;
use super::outgoing::{Kind, Outgoing};
use crate::clock::Clock;
use crate::transport::TransportKind;
use crate::transport::trace::Watcher;

/// What comes of everything that is under way.
pub(crate) enum Event {
    /// A message of the server, and the request on whose stream it came.
    Message { of: Option<i64>, bytes: Bytes },
    /// A request that gets no message for an answer.
    Unanswered { id: i64, error: HttpError },
    /// The server knows nothing of the session.
    SessionLost,
    /// The server says nothing more at all.
    Over(HttpError),
}

/// Everything of one connection that is under way.
pub(crate) struct Exchanges {
    wire: Wire,
    mail: mpsc::Receiver<Arrival>,
    /// The endpoint that was given; [`Wire::url`] is another one with HTTP+SSE.
    server: Http,
    over: Over,
    era: Option<Era>,
    /// What goes with every request since there is an agreement.
    headers: HeaderMap,
    /// The server opened a session.
    has_session: bool,
    /// Something of the session was accepted or answered.
    proven: bool,
    /// Nothing is sent before `notifications/initialized` is accepted,
    held: bool,
    /// and no request before the session's own stream is open, within reason: what the server says
    /// meanwhile about no request in particular would be lost.
    opening: Option<Pin<Box<Sleep>>>,
    requests: VecDeque<Outgoing>,
    deliveries: VecDeque<Outgoing>,
    running: FuturesUnordered<Abortable<BoxFuture<'static, ()>>>,
    delivering: FuturesUnordered<BoxFuture<'static, Delivered>>,
    flights: HashMap<i64, Flight>,
    /// Requests that were answered and whose streams have a moment to end by themselves, so that
    /// their connections can be used again.
    lingering: VecDeque<(Instant, AbortHandle)>,
    alarm: Pin<Box<Sleep>>,
    /// How many bytes wait, or are being delivered; how many of them answer requests of the server.
    waiting: usize,
    owed: usize,
    /// What calls of tools repeat in headers.
    mirrors: Mirrors,
    /// What failed before it was sent.
    unsent: VecDeque<(i64, HttpError)>,
}

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Streamable HTTP: answers come on the responses to requests.
    Responses,
    /// HTTP+SSE of 2024-11-05: all messages come on one stream.
    OneStream,
}

/// A request under way.
struct Flight {
    kind: Kind,
    abort: AbortHandle,
}

/// A message that was delivered, or not.
struct Delivered {
    kind: Kind,
    length: usize,
    outcome: Result<(), HttpError>,
}

impl Exchanges {
    pub(crate) fn new(
        server: Http,
        limits: &Limits,
        watcher: Option<Watcher>,
    ) -> Result<Self, Error> {
        let (post, mail) = mpsc::channel(MAIL);
        let wire = Wire {
            agent: server.agent()?,
            url: server.url().clone(),
            limit: limits.line_bytes,
            budget: Budget::new(limits.pending_bytes),
            mail: post,
            clock: Clock::new(),
            watcher,
        };
        Ok(Self {
            wire,
            mail,
            server,
            over: Over::Responses,
            era: None,
            headers: HeaderMap::new(),
            has_session: false,
            proven: true,
            held: false,
            opening: None,
            requests: VecDeque::new(),
            deliveries: VecDeque::new(),
            running: FuturesUnordered::new(),
            delivering: FuturesUnordered::new(),
            flights: HashMap::new(),
            lingering: VecDeque::new(),
            alarm: Box::pin(sleep(Duration::MAX)),
            waiting: 0,
            owed: 0,
            mirrors: Mirrors::default(),
            unsent: VecDeque::new(),
        })
    }

    /// The clock that stands still while authorization is obtained for a request.
    pub(crate) fn clock(&self) -> &Clock {
        &self.wire.clock
    }

    /// How many bytes of ours wait to be sent.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many bytes wait because the server asked for something.
    pub(crate) fn owed(&self) -> usize {
        self.owed
    }

    /// Whether something of the session was accepted or answered since it was opened.
    pub(crate) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Takes everything that the session wants sent.
    pub(crate) fn accept(&mut self, out: &mut Outbox) {
        if out.is_empty() {
            return;
        }
        let mut rest = Bytes::from(out.take());
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let message = rest.split_to(end + 1).slice(..end);
            match Outgoing::read(message, &self.mirrors) {
                Ok(message) => self.take(message),
                Err((Some(id), error)) => self.unsent.push_back((id, error)),
                Err((None, error)) => {
                    tracing::warn!(target: "mcp::client", %error, "a message cannot be sent");
                }
            }
        }
    }

    /// What was agreed on: every later request says so.
    pub(crate) fn agreed(&mut self, era: Era, version: &ProtocolVersion) {
        self.era = Some(era);
        if let Ok(version) = HeaderValue::from_str(version.as_str()) {
            self.headers.insert(HeaderName::from_static(MCP_PROTOCOL_VERSION), version);
        }
        // A probe that was not answered in time is not waited for any longer.
        self.flights.drain().for_each(|(_, flight)| flight.abort.abort());
    }

    /// A request was answered, or nobody waits for its answer any more.
    pub(crate) fn answered(&mut self, id: i64) {
        if let Some(flight) = self.flights.remove(&id) {
            if self.lingering.len() == LINGERING
                && let Some((_, oldest)) = self.lingering.pop_front()
            {
                oldest.abort();
            }
            let until = Instant::now() + LINGER;
            self.lingering.push_back((until, flight.abort));
            if self.lingering.len() == 1 {
                self.alarm.as_mut().reset(until);
            }
        }
    }

    /// Lets go of everything that is under way or waits, and of the session.
    pub(crate) fn abandon(&mut self) {
        let (post, mail) = mpsc::channel(MAIL);
        self.wire.mail = post;
        self.mail = mail;
        self.requests.clear();
        self.deliveries.clear();
        self.unsent.clear();
        self.running = FuturesUnordered::new();
        self.delivering = FuturesUnordered::new();
        self.flights.clear();
        self.lingering.clear();
        self.headers.clear();
        (self.waiting, self.owed) = (0, 0);
        (self.has_session, self.held, self.proven) = (false, false, false);
        (self.opening, self.era) = (None, None);
    }

    /// Which transport is spoken.
    pub(crate) fn transport(&self) -> TransportKind {
        match self.over {
            Over::Responses => TransportKind::StreamableHttp,
            Over::OneStream => TransportKind::HttpSse,
        }
    }

    /// Opens the event stream of a server of HTTP+SSE, which says where messages go.
    ///
    /// # Errors
    ///
    /// There is no such stream, or there was none before.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, nothing is open.
    pub(crate) async fn open_older_transport(&mut self) -> Result<(), HttpError> {
        if self.over == Over::OneStream {
            return Err(HttpError::Endpoint("it refuses the first message".to_owned()));
        }
        self.abandon();
        let response = self.wire.open_stream(HeaderMap::new(), None).await?;
        let mut stream = self.wire.events(response, Resume::default());
        let place = stream.next_of("endpoint").await?.ok_or_else(|| {
            HttpError::Endpoint("its stream ended without an `endpoint` event".to_owned())
        })?;
        let base = self.server.url();
        let place = str::from_utf8(&place).unwrap_or_default().trim();
        let url = base.join(place).ok().filter(|url| url.origin() == base.origin());
        self.wire.url = url.ok_or_else(|| {
            HttpError::Endpoint(
                "its `endpoint` event names no address of the same origin".to_owned(),
            )
        })?;
        self.over = Over::OneStream;
        self.run(exchange::listen_for_all(self.wire.clone(), stream));
        Ok(())
    }

    /// What comes next. While `reads` is false, nothing more is taken from the server, only
    /// delivered to it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>, reads: bool) -> Poll<Event> {
        loop {
            self.start();
            if let Some((id, error)) = self.unsent.pop_front() {
                return Poll::Ready(Event::Unanswered { id, error });
            }
            if let Poll::Ready(Some(delivered)) = self.delivering.poll_next_unpin(cx) {
                if let Some(event) = self.delivered(delivered) {
                    return Poll::Ready(event);
                }
                continue;
            }
            if reads
                && self.deliveries.len() < MOST_DELIVERIES
                && let Poll::Ready(Some(arrival)) = self.mail.poll_recv(cx)
            {
                if let Some(event) = self.arrived(arrival) {
                    return Poll::Ready(event);
                }
                continue;
            }
            if let Poll::Ready(Some(_)) = self.running.poll_next_unpin(cx) {
                continue;
            }
            // What ran just now may have left something in the mail: that woke this task.
            if let Some(opening) = &mut self.opening
                && opening.poll_unpin(cx).is_ready()
            {
                self.opening = None;
                continue;
            }
            if self.lingering.is_empty() || self.alarm.poll_unpin(cx).is_pending() {
                return Poll::Pending;
            }
            self.let_go(Instant::now());
        }
    }

    /// Sends what waits without an answer, for as long as that takes.
    pub(crate) async fn deliver_rest(&mut self) {
        std::future::poll_fn(|cx| {
            loop {
                self.start();
                if self.deliveries.is_empty() && self.delivering.is_empty() {
                    return Poll::Ready(());
                }
                match self.delivering.poll_next_unpin(cx) {
                    Poll::Ready(Some(delivered)) => drop(self.delivered(delivered)),
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    }

    /// Closes every request and stream, and ends the session if there is one.
    pub(crate) async fn end(mut self) {
        let (headers, has_session) = (std::mem::take(&mut self.headers), self.has_session);
        self.abandon();
        if has_session && self.over == Over::Responses {
            self.wire.end_session(headers).await;
        }
    }

    fn take(&mut self, mut message: Outgoing) {
        if message.kind.request().is_none() && self.era != Some(Era::Modern) {
            message.headers.clear();
        }
        if let Kind::Cancelled(id) = message.kind {
            if let Some(at) = self.requests.iter().position(|m| m.kind.request() == Some(id)) {
                // It was not sent at all.
                if let Some(unsent) = self.requests.remove(at) {
                    self.waiting -= unsent.bytes.len();
                }
                return;
            }
            if let Some(flight) = self.flights.remove(&id) {
                flight.abort.abort();
            }
            // 2026-07-28, basic/patterns/cancellation: closing the stream is all.
            if self.era == Some(Era::Modern) {
                return;
            }
        }
        self.waiting += message.bytes.len();
        match message.kind.request() {
            Some(_) => self.requests.push_back(message),
            None => {
                if message.kind == Kind::Answer {
                    self.owed += message.bytes.len();
                }
                self.held |= message.kind == Kind::Initialized;
                self.deliveries.push_back(message);
            }
        }
    }

    /// Sends what may be sent.
    fn start(&mut self) {
        while self.delivering.len() < DELIVERIES
            && let Some(message) = self
                .deliveries
                .pop_front_if(|message| !self.held || message.kind == Kind::Initialized)
        {
            let (kind, length) = (message.kind, message.bytes.len());
            let headers = self.headers_for(message.headers);
            let delivery = exchange::deliver(self.wire.clone(), headers, message.bytes);
            let delivery = delivery.map(move |outcome| Delivered { kind, length, outcome }).boxed();
            self.delivering.push(delivery);
        }
        while !self.held
            && self.opening.is_none()
            && self.flights.len() < REQUESTS
            && let Some(message) = self.requests.pop_front()
        {
            self.waiting -= message.bytes.len();
            let Some(id) = message.kind.request() else { continue };
            let headers = self.headers_for(message.headers);
            let (wire, kind) = (self.wire.clone(), message.kind);
            let abort = match self.over {
                Over::Responses => {
                    let opens_session = matches!(kind, Kind::Initialize(_));
                    self.run(exchange::call(wire, id, headers, message.bytes, opens_session))
                }
                Over::OneStream => {
                    self.run(exchange::call_elsewhere(wire, id, headers, message.bytes))
                }
            };
            self.flights.insert(id, Flight { kind, abort });
        }
    }

    fn run(&mut self, request: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let (abort, registration) = AbortHandle::new_pair();
        self.running.push(Abortable::new(request.boxed(), registration));
        abort
    }

    /// The headers of a message, and of the session what the message does not say itself.
    fn headers_for(&self, mut own: HeaderMap) -> HeaderMap {
        for (name, value) in &self.headers {
            own.entry(name).or_insert_with(|| value.clone());
        }
        own
    }

    fn arrived(&mut self, arrival: Arrival) -> Option<Event> {
        match arrival {
            Arrival::Session(id) => {
                self.headers.insert(HeaderName::from_static(MCP_SESSION_ID), id);
                self.has_session = true;
                None
            }
            Arrival::Message { of, bytes } => {
                self.proven |= self.era.is_some();
                let flight = of.and_then(|id| self.flights.get(&id));
                let bytes = match flight {
                    Some(Flight { kind: Kind::ToolsList(_), .. }) => self.mirrors.learn(bytes),
                    _ => bytes,
                };
                Some(Event::Message { of, bytes })
            }
            Arrival::Over { id, how } => self.is_over(id, how),
            Arrival::Listening => {
                self.opening = None;
                None
            }
            Arrival::Silence(error) => match self.over {
                Over::OneStream => Some(Event::Over(error)),
                Over::Responses if self.is_loss(&error) => Some(Event::SessionLost),
                Over::Responses => {
                    self.opening = None;
                    tracing::debug!(target: "mcp::client", %error, "the server offers no stream of its own");
                    None
                }
            },
        }
    }

    /// The response to a request is over.
    fn is_over(&mut self, id: i64, how: How) -> Option<Event> {
        let flight = self.flights.remove(&id)?;
        let error = match how {
            How::Accepted => return None,
            How::Ended(from) | How::Broken(from, _) if self.may_resume(&from) => {
                let headers = self.headers.clone();
                let abort = self.run(exchange::resume(self.wire.clone(), id, headers, from));
                self.flights.insert(id, Flight { abort, ..flight });
                return None;
            }
            How::Ended(_) => HttpError::StreamEnded,
            How::Broken(_, error) | How::Failed(error) => error,
        };
        match self.is_loss(&error) {
            true => Some(Event::SessionLost),
            false => Some(Event::Unanswered { id, error }),
        }
    }

    /// Streams can be taken up again before 2026-07-28, where events have ids.
    fn may_resume(&self, from: &Resume) -> bool {
        self.era != Some(Era::Modern) && from.last_event_id().is_some()
    }

    /// Whether this says that the session is gone.
    fn is_loss(&self, error: &HttpError) -> bool {
        self.has_session && error.is_status(404)
    }

    fn delivered(&mut self, delivered: Delivered) -> Option<Event> {
        let Delivered { kind, length, outcome } = delivered;
        self.waiting = self.waiting.saturating_sub(length);
        if kind == Kind::Answer {
            self.owed = self.owed.saturating_sub(length);
        }
        if kind == Kind::Initialized {
            self.held = false;
            if outcome.is_ok() && self.over == Over::Responses {
                let headers = self.headers.clone();
                self.opening = Some(Box::pin(sleep(OPENING)));
                self.run(exchange::listen(self.wire.clone(), headers));
            }
        }
        match outcome {
            Ok(()) => self.proven |= kind != Kind::Initialized,
            Err(error) if self.is_loss(&error) => return Some(Event::SessionLost),
            Err(error) => {
                tracing::warn!(target: "mcp::client", %error, ?kind, "a message was not accepted");
            }
        }
        None
    }

    /// Closes the streams whose time is over.
    fn let_go(&mut self, now: Instant) {
        while let Some((_, stream)) = self.lingering.pop_front_if(|(until, _)| *until <= now) {
            stream.abort();
        }
        if let Some((until, _)) = self.lingering.front() {
            self.alarm.set(sleep_until(*until));
        }
    }
}

/// How many messages of the server wait to be handled before streams are read more slowly.
const MAIL: usize = 4;
/// How many requests are under way at once; more wait.
const REQUESTS: usize = 256;
/// How long the session's own stream may take to open before requests are sent all the same.
const OPENING: Duration = Duration::from_millis(250);
/// How many messages without an answer are on their way at once.
const DELIVERIES: usize = 32;
/// How many more may wait before nothing more is read of a server that asks and asks.
const MOST_DELIVERIES: usize = 1024;
/// How long the stream of an answered request may take to end.
const LINGER: Duration = Duration::from_secs(1);
/// How many such streams there are at most.
const LINGERING: usize = 64;
