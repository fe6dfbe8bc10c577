//! One request: a future, with progress beside it.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::session::client::RequestOptions;
use mcp_core::types::{
    ListToolsResult, LoggingLevel, Meta, PaginatedRequestParams, TASK_RESULT_TYPE,
};
use mcp_core::version::Era;
use mcp_core::wire::modern::{self, is_reserved_in_requests};
use mcp_core::wire::{Members, Method};
use mcp_core::{CallId, Error, InputError, Timeouts};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::select;
use tokio::sync::futures::OwnedNotified;

use crate::cache::{Moment, Shelf};
use crate::client::Connected;
use crate::decode::{self, nothing};
use crate::input::{Answers, again, round, visit};
use crate::layer::{Layered, OutgoingCall, RawResult, Relay};
use crate::params;
use crate::progress::Progress;
use crate::shared::{Question, Reply, Sent, Shared};
use crate::tasks::{created, drive};

/// A request to the server.
///
/// It is a future of the result. Nothing is sent before it is polled for the first time, and a
/// request that was sent and is dropped before its answer came is cancelled: the server is told
/// (`notifications/cancelled`; 2026-07-28, basic, "Cancellation"). So `tokio::time::timeout` and
/// `select!` cancel by themselves.
///
/// Where the server asks for something before it answers (2026-07-28, basic/patterns/mrtr), the
/// handlers of the client are run and the request is made anew, for as many rounds as
/// [`input_rounds`](crate::ClientBuilder::input_rounds) says. The time that handlers take counts
/// for no limit, and dropping the call drops them, as does the end of the connection.
///
/// Where the server goes on with the call as a task ([`tasks`](crate::ClientBuilder::tasks)), the
/// call waits for its end, and calls it off when it is dropped.
///
/// # Errors
///
/// [`Error::Tool`] when the tool says that it failed (only [`Client::call`](crate::Client::call)),
/// [`Error::Peer`] when the server answers with an error, [`Error::Timeout`] when a limit ran out,
/// [`Error::Closed`] when the connection is over, [`Error::Rejected`] when a required profile was
/// lost, [`Error::Input`] when the server asks for something and does not get it,
/// [`Error::UnexpectedMessage`] when the result does not fit `T`, [`Error::Misuse`] when
/// the parameters cannot be written as a JSON object.
///
/// # Cancel safety
///
/// Awaiting `&mut call` or [`progress`](Self::progress) in a branch of `select!` that is not taken
/// loses nothing.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<T> {
    connected: Arc<Connected>,
    method: Cow<'static, str>,
    timeouts: Timeouts,
    phase: Phase,
    decode: Decode<T>,
    /// What most calls do without.
    more: Option<Box<More>>,
}

/// Decodes a raw result.
pub(crate) type Decode<T> = fn(&str, Era) -> Result<T, Error>;

enum Phase {
    Unsent(Box<RawValue>),
    /// Too much waits to be written.
    Full(Box<RawValue>, Pin<Box<OwnedNotified>>),
    Sent(Flight),
    /// The server asks, and is being answered.
    Asked(BoxFuture<'static, Result<Answers, Error>>),
    /// The server wants other headers, and is asked which.
    Relisted(Box<RawValue>, BoxFuture<'static, Result<(), Error>>),
    /// It was answered before.
    Kept(Arc<str>),
    /// The server goes on with it as a task.
    Task(BoxFuture<'static, Result<Box<str>, Error>>),
    /// It goes through layers; further in is another call.
    Layered(Box<Layered>),
    Failed(Box<Error>),
    Over,
}

/// A request that was sent.
struct Flight {
    call: CallId,
    /// To make the request anew.
    params: Box<RawValue>,
    since: Instant,
}

/// What most calls do without.
#[derive(Clone, Default)]
pub(crate) struct More {
    log_level: Option<LoggingLevel>,
    pub(crate) meta: Meta,
    /// Results of an extension's own kind are taken too.
    takes_any: bool,
    rounds: Option<Rounds>,
    /// The server was asked once already which headers it wants.
    relisted: bool,
    /// What is kept of earlier results, and the moment at which this one was asked for.
    shelf: Option<(Shelf, Option<Moment>)>,
    /// Where progress goes, further in than the layers.
    relay: Option<Arc<Relay>>,
}

/// What the server has asked for so far.
#[derive(Clone)]
struct Rounds {
    /// What the caller wants sent.
    original: Box<RawValue>,
    done: u32,
    /// How long the server has had so far.
    spent: Duration,
}

impl<T> Call<T> {
    pub(crate) fn new(
        connected: &Arc<Connected>,
        method: impl Into<Cow<'static, str>>,
        params: Result<Box<RawValue>, Error>,
        decode: Decode<T>,
    ) -> Self {
        let phase = match params {
            Ok(params) => Phase::Unsent(params),
            Err(error) => Phase::Failed(Box::new(error)),
        };
        let timeouts = connected.timeouts();
        let connected = Arc::clone(connected);
        Self { connected, method: method.into(), timeouts, phase, decode, more: None }
    }

    /// Takes results of an extension's own kind too.
    pub(crate) fn taking_any_result(mut self) -> Self {
        self.more.get_or_insert_default().takes_any = true;
        self
    }

    /// Takes a result that was kept, if there is a fresh one, and keeps the next.
    pub(crate) fn kept(mut self) -> Self {
        if let Some(shelf) = &self.connected.shelf {
            let shelf = shelf.clone();
            self.more.get_or_insert_default().shelf = Some((shelf, None));
        }
        self
    }

    /// Asks the server also where a fresh result is kept; the new one is kept instead.
    pub fn anew(mut self) -> Self {
        if let Some((shelf, moment)) = self.more.as_mut().and_then(|more| more.shelf.as_mut()) {
            *moment = Some(shelf.moment());
        }
        self
    }

    /// Sets both limits.
    pub(crate) fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Makes the call as part of another, which has gone through the layers already.
    pub(crate) fn further_in(mut self) -> Self {
        if self.connected.layers.first().is_some() {
            self.more.get_or_insert_default().relay = Some(Arc::default());
        }
        self
    }

    /// Sets the longest wait for the answer or the next progress, for this call.
    ///
    /// It counts from the moment of sending; a call that was sent already keeps its limit.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.idle = Some(limit);
        self
    }

    /// Sets the longest wait altogether, whatever progress is reported, for this call.
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.total = Some(limit);
        self
    }

    /// Asks for log messages of this level and graver ones while the call runs (2026-07-28,
    /// server/utilities/logging); they are among the
    /// [`notifications`](crate::Client::notifications).
    ///
    /// In the legacy era the call fails with [`Error::Misuse`]: there the level is a matter of the
    /// session, see [`set_logging_level`](crate::Client::set_logging_level).
    pub fn log_level(mut self, level: LoggingLevel) -> Self {
        match self.connected.era {
            Era::Modern => self.more.get_or_insert_default().log_level = Some(level),
            _ => self.refuse(
                "before MCP 2026-07-28 the level of log messages is set for the whole session: use `set_logging_level`"
                    .to_owned(),
            ),
        }
        self
    }

    /// Adds to the request's `_meta`, for instance `traceparent`.
    ///
    /// A key that is not well-formed, or that the library writes, fails the call with
    /// [`Error::Misuse`].
    pub fn meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let key = key.into();
        if is_reserved_in_requests(&key) || !mcp_core::types::is_valid_meta_key(&key) {
            self.refuse(format!(
                "`{}` cannot be added to `_meta`: it is written by the library, or is no valid key",
                key.escape_debug()
            ));
        } else {
            self.more.get_or_insert_default().meta.insert(key, value);
        }
        self
    }

    /// Fails a call that was not sent.
    fn refuse(&mut self, problem: String) {
        if matches!(self.phase, Phase::Unsent(_) | Phase::Full(..)) {
            self.phase = Phase::Failed(Box::new(Error::Misuse(problem)));
        }
    }

    /// Waits for the next news of how far the call is; `None` when it is over.
    ///
    /// Sends the request if it was not sent. Of news that nobody fetched the newest 64 are kept.
    /// Afterwards await the call itself for its result.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped; the call goes on.
    pub async fn progress(&mut self) -> Option<Progress> {
        poll_fn(|cx| self.poll_progress(cx)).await
    }

    /// The same as a stream, which ends when the call is over.
    pub fn progress_stream(&mut self) -> ProgressStream<'_, T> {
        ProgressStream(self)
    }

    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        loop {
            let Some(call) = ready!(self.poll_sent(cx, true)) else {
                return match &mut self.phase {
                    Phase::Layered(layered) => layered.poll_progress(cx),
                    _ => Poll::Ready(None),
                };
            };
            if let Some(progress) = ready!(self.connected.shared.poll_progress(call, cx)) {
                return Poll::Ready(Some(progress));
            }
            match self.connected.shared.take_question(call) {
                Some(question) => self.answer(question),
                None => return Poll::Ready(None),
            }
        }
    }

    /// Sends the request if that has not happened; `None` if it failed or is over.
    fn poll_sent(&mut self, cx: &mut Context<'_>, listening: bool) -> Poll<Option<CallId>> {
        loop {
            let params = match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Sent(flight) => {
                    let call = flight.call;
                    self.phase = Phase::Sent(flight);
                    return Poll::Ready(Some(call));
                }
                Phase::Unsent(params) => match self.begin(params) {
                    Ok(params) => params,
                    Err(phase) => {
                        self.phase = phase;
                        return Poll::Ready(None);
                    }
                },
                Phase::Full(params, mut room) => {
                    if room.as_mut().poll(cx).is_pending() {
                        self.phase = Phase::Full(params, room);
                        return Poll::Pending;
                    }
                    params
                }
                Phase::Asked(mut answers) => {
                    let Poll::Ready(answers) = answers.as_mut().poll(cx) else {
                        self.phase = Phase::Asked(answers);
                        return Poll::Pending;
                    };
                    match answers.and_then(|answers| self.with_answers(&answers)) {
                        Ok(params) => params,
                        Err(error) => {
                            self.phase = Phase::Failed(Box::new(error));
                            continue;
                        }
                    }
                }
                Phase::Relisted(params, mut tools) => match tools.as_mut().poll(cx) {
                    Poll::Pending => {
                        self.phase = Phase::Relisted(params, tools);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(())) => params,
                    Poll::Ready(Err(error)) => {
                        self.phase = Phase::Failed(Box::new(error));
                        continue;
                    }
                },
                over => {
                    self.phase = over;
                    return Poll::Ready(None);
                }
            };
            let shared = &self.connected.shared;
            let listening = listening || self.relay().is_some();
            match shared.send(&self.method, &params, self.options(), cx.waker(), listening) {
                Sent::Waiting(call, since) => {
                    self.phase = Phase::Sent(Flight { call, params, since });
                    return Poll::Pending;
                }
                Sent::Full(room) => self.phase = Phase::Full(params, room),
                Sent::Failed(error) => self.phase = Phase::Failed(Box::new(error)),
            }
        }
    }

    fn options(&self) -> RequestOptions<'_> {
        let mut options = RequestOptions::from(self.timeouts);
        if let Some(more) = &self.more {
            options.log_level = more.log_level;
            options.meta = Some(&more.meta);
            if let (Some(rounds), Some(total)) = (&more.rounds, self.timeouts.total) {
                options.timeouts.total = Some(total.saturating_sub(rounds.spent));
            }
        }
        options
    }

    /// The parameters, if it is for this call to send them.
    fn begin(&mut self, params: Box<RawValue>) -> Result<Box<RawValue>, Phase> {
        if let Some(next) = self.connected.layers.first()
            && self.relay().is_none()
        {
            let relay = Arc::<Relay>::default();
            let more = self.more.as_deref().cloned().unwrap_or_default();
            let outgoing = OutgoingCall(Outgoing {
                connected: Arc::clone(&self.connected),
                method: self.method.clone(),
                params,
                timeouts: self.timeouts,
                more: More { relay: Some(Arc::clone(&relay)), ..more },
            });
            let layered = Layered::new(next.clone(), outgoing, relay);
            return Err(Phase::Layered(Box::new(layered)));
        }
        match self.find(&params) {
            Some(kept) => Err(Phase::Kept(kept)),
            None => Ok(params),
        }
    }

    fn relay(&self) -> Option<&Relay> {
        self.more.as_ref()?.relay.as_deref()
    }

    /// Passes on the progress that there is, and asks to be woken for more.
    fn relay_progress(&self, call: CallId, cx: &mut Context<'_>) {
        if let Some(relay) = self.relay() {
            let shared = &self.connected.shared;
            while let Poll::Ready(Some(progress)) = shared.poll_progress(call, cx) {
                relay.push(progress);
            }
        }
    }

    /// What is kept of this request; otherwise what comes will be.
    fn find(&mut self, params: &RawValue) -> Option<Arc<str>> {
        let more = self.more.as_mut()?;
        let (shelf, moment) = more.shelf.as_mut()?;
        // Whoever wants to hear what the server does, or tells it more, wants the server.
        if more.log_level.is_some() || more.meta.iter().any(|(key, _)| !is_trace(key)) {
            more.shelf = None;
            return None;
        }
        if moment.is_some() {
            return None;
        }
        // A server that is gone or was rejected answers nothing, not even what it said before.
        if self.connected.shared.lock().is_over() {
            return None;
        }
        *moment = Some(shelf.moment());
        shelf.find(&self.method, params)
    }

    /// Keeps a result, or forgets what an error shows to be wrong.
    fn keep(&self, outcome: &Result<Reply, Error>) {
        let Some(more) = &self.more else { return };
        // What was answered with the help of others is good for this once.
        let (Some((shelf, Some(asked))), None) = (&more.shelf, &more.rounds) else { return };
        match (outcome, &self.phase) {
            (Ok(Reply::Result { text, received }), Phase::Sent(flight)) => {
                shelf.keep(&self.method, &flight.params, text, *asked, *received);
            }
            // A cursor may be no good any more, and then no page is.
            (Err(Error::Peer(_)), _) => shelf.forget(&self.method),
            _ => {}
        }
    }

    /// Begins to answer what the server asks.
    fn answer(&mut self, question: Question) {
        let Phase::Sent(flight) = std::mem::replace(&mut self.phase, Phase::Over) else { return };
        let connected = &self.connected;
        let rounds = self.more.get_or_insert_default().rounds.get_or_insert(Rounds {
            original: flight.params,
            done: 0,
            spent: Duration::ZERO,
        });
        rounds.spent += connected.shared.clock().now().saturating_duration_since(flight.since);
        let (before, most) = (rounds.done, connected.input_rounds);
        rounds.done += 1;
        let handlers = Arc::clone(&connected.handlers);
        let shared = Arc::clone(&connected.shared);
        self.phase = match question {
            Question::Urls(error) if connected.era == Era::Modern => {
                Phase::Failed(Box::new(Error::Peer(error)))
            }
            _ if before >= most => {
                Phase::Failed(Box::new(Error::Input(InputError::TooManyRounds { rounds: most })))
            }
            Question::Input(result) => {
                Phase::Asked(Box::pin(while_wanted(shared, round(handlers, result, before))))
            }
            Question::Urls(error) => {
                let visits = visit(handlers, Arc::clone(&shared), error);
                Phase::Asked(Box::pin(while_wanted(shared, visits)))
            }
        };
    }

    /// The parameters with the answers.
    fn with_answers(&self, answers: &Answers) -> Result<Box<RawValue>, Error> {
        match self.more.as_ref().and_then(|more| more.rounds.as_ref()) {
            Some(rounds) => again(&rounds.original, answers),
            None => Err(Error::Misuse("nothing was asked".to_owned())),
        }
    }

    /// Whether a result of this type is a task of this call.
    fn is_task(&self, kind: &str) -> bool {
        let takes_any = self.more.as_ref().is_some_and(|more| more.takes_any);
        kind == TASK_RESULT_TYPE && self.method == Method::ToolsCall.as_str() && !takes_any
    }

    /// Waits for the end of a task from now on.
    fn follow(&mut self, result: &str) {
        let Phase::Sent(flight) = std::mem::replace(&mut self.phase, Phase::Over) else { return };
        let spent = self.more.as_ref().and_then(|more| more.rounds.as_ref());
        let spent = spent.map_or(Duration::ZERO, |rounds| rounds.spent);
        let now = self.connected.shared.clock().now();
        let spent = spent + now.saturating_duration_since(flight.since);
        let total = self.timeouts.total.map(|total| total.saturating_sub(spent));
        self.phase = match created(result) {
            Ok(task) => Phase::Task(Box::pin(drive(
                Arc::clone(&self.connected),
                task,
                self.timeouts,
                total,
            ))),
            Err(error) => Phase::Failed(Box::new(error)),
        };
    }

    /// Whether the server may take the call with other headers (2026-07-28,
    /// basic/transports/streamable-http, "Client Behavior").
    fn wants_other_headers(&self, error: &ErrorObject) -> bool {
        error.code == ErrorCode::HEADER_MISMATCH
            && self.method == Method::ToolsCall.as_str()
            && !self.more.as_ref().is_some_and(|more| more.relisted)
    }

    /// Asks which arguments the tool wants repeated in headers, and makes the call once more.
    fn relist(&mut self, error: ErrorObject) {
        let Phase::Sent(flight) = std::mem::replace(&mut self.phase, Phase::Over) else { return };
        self.more.get_or_insert_default().relisted = true;
        let tool = Members::read(Some(&flight.params)).ok();
        let tool = tool.and_then(|params| Some(params.string("name").ok()??.into_owned()));
        let tools = relisted(Arc::clone(&self.connected), tool.unwrap_or_default(), error);
        self.phase = Phase::Relisted(flight.params, Box::pin(tools));
    }

    /// Sees the call to its end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<End, Error>> {
        loop {
            if let Phase::Task(task) = &mut self.phase {
                let ended = ready!(task.as_mut().poll(cx));
                self.phase = Phase::Over;
                return Poll::Ready(ended.map(End::Task));
            }
            let Some(call) = ready!(self.poll_sent(cx, false)) else {
                if let Phase::Layered(layered) = &mut self.phase {
                    let outcome = ready!(layered.poll_outcome(cx));
                    self.phase = Phase::Over;
                    return Poll::Ready(outcome.map(End::Layered));
                }
                return Poll::Ready(match std::mem::replace(&mut self.phase, Phase::Over) {
                    Phase::Failed(error) => Err(*error),
                    Phase::Kept(text) => Ok(End::Kept(text)),
                    _ => Err(Error::Misuse(
                        "the call is over already: it was awaited before".to_owned(),
                    )),
                });
            };
            self.relay_progress(call, cx);
            let Poll::Ready(outcome) = self.connected.shared.poll_outcome(call, cx) else {
                self.relay_progress(call, cx);
                return Poll::Pending;
            };
            self.keep(&outcome);
            match outcome {
                Ok(Reply::Question(question)) => self.answer(question),
                Ok(Reply::Extension(kind, text)) if self.is_task(&kind) => self.follow(&text),
                Err(Error::Peer(error)) if self.wants_other_headers(&error) => self.relist(error),
                outcome => {
                    self.phase = Phase::Over;
                    return Poll::Ready(outcome.map(End::Reply));
                }
            }
        }
    }

    /// What the caller gets of a result.
    fn finish(&self, text: &str, extension: Option<&str>) -> Result<T, Error> {
        match extension {
            Some(kind) if !self.more.as_ref().is_some_and(|more| more.takes_any) => {
                Err(Error::UnexpectedMessage {
                    expected: std::any::type_name::<T>(),
                    got: format!("a result of type {kind:?}, which belongs to an extension"),
                })
            }
            _ => (self.decode)(text, self.connected.era),
        }
    }
}

/// What a call came to, not yet decoded.
enum End {
    Reply(Reply),
    Kept(Arc<str>),
    Task(Box<str>),
    Layered(RawResult),
}

impl<T> Future for Call<T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        Poll::Ready(match ready!(this.poll_end(cx))? {
            End::Reply(Reply::Result { text, .. }) => this.finish(&text, None),
            End::Reply(Reply::Extension(kind, text)) => this.finish(&text, Some(&kind)),
            End::Reply(Reply::Question(_)) => Err(no_result()),
            End::Kept(text) => this.finish(&text, None),
            End::Task(text) => this.finish(&text, None),
            End::Layered(result) => this.finish(result.as_str(), result.extension_kind()),
        })
    }
}

/// A call further in than its layers, before it is made.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) connected: Arc<Connected>,
    pub(crate) method: Cow<'static, str>,
    pub(crate) params: Box<RawValue>,
    pub(crate) timeouts: Timeouts,
    pub(crate) more: More,
}

impl Outgoing {
    /// Makes the call; when the future is dropped, it is cancelled.
    pub(crate) fn send(self) -> BoxFuture<'static, Result<RawResult, Error>> {
        let Self { connected, method, params, timeouts, more } = self;
        let phase = Phase::Unsent(params);
        let more = Some(Box::new(more));
        let mut call = Call { connected, method, timeouts, phase, decode: nothing, more };
        Box::pin(poll_fn(move |cx| {
            Poll::Ready(Ok(match ready!(call.poll_end(cx))? {
                End::Reply(Reply::Result { text, .. }) => RawResult::complete(text),
                End::Reply(Reply::Extension(kind, text)) => RawResult::of_extension(kind, text),
                End::Reply(Reply::Question(_)) => return Poll::Ready(Err(no_result())),
                End::Kept(text) => RawResult::complete(&*text),
                End::Task(text) => RawResult::complete(text),
                End::Layered(result) => result,
            }))
        }))
    }
}

fn no_result() -> Error {
    Error::Misuse("a question is no result".to_owned())
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        if let Phase::Sent(flight) = &self.phase {
            self.connected.shared.cancel(flight.call);
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &self.phase {
            Phase::Unsent(_) | Phase::Full(..) => "unsent",
            Phase::Sent(_) | Phase::Layered(_) => "sent",
            Phase::Asked(_) | Phase::Relisted(..) => "asked",
            Phase::Kept(_) => "kept",
            Phase::Task(_) => "task",
            Phase::Failed(_) | Phase::Over => "over",
        };
        f.debug_struct("Call").field("method", &self.method).field("phase", &phase).finish()
    }
}

/// The answers, unless the connection ends first: then nobody wants them, and whoever makes them is
/// let go.
async fn while_wanted(
    shared: Arc<Shared>,
    answers: impl Future<Output = Result<Answers, Error>> + Send,
) -> Result<Answers, Error> {
    select! {
        answers = answers => answers,
        error = shared.over() => Err(error),
    }
}

/// Lists tools until this one has come, or fails with the error that was the reason.
async fn relisted(
    connected: Arc<Connected>,
    tool: String,
    error: ErrorObject,
) -> Result<(), Error> {
    const LIST: &str = "tools/list";
    let mut page = PaginatedRequestParams::new();
    for _ in 0..PAGES {
        let params = params::object(LIST, &page);
        let list = Call::new(&connected, LIST, params, decode::items::<ListToolsResult>);
        let Ok(listed) = list.kept().anew().further_in().await else { break };
        if listed.items.iter().any(|listed| listed.name == tool) {
            return Ok(());
        }
        page.cursor = listed.next;
        if page.cursor.is_none() {
            break;
        }
    }
    Err(Error::Peer(error))
}

/// Whether a `_meta` key tells only what a request belongs to.
fn is_trace(key: &str) -> bool {
    [modern::TRACEPARENT, modern::TRACESTATE, modern::BAGGAGE].contains(&key)
}

/// How many pages of tools are looked through for one.
const PAGES: usize = 100;

/// The progress of a call, see [`Call::progress_stream`].
#[derive(Debug)]
pub struct ProgressStream<'a, T>(&'a mut Call<T>);

impl<T> Stream for ProgressStream<'_, T> {
    type Item = Progress;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        self.get_mut().0.poll_progress(cx)
    }
}
