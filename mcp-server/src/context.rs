//! What a running handler knows about its call and can say about it.
//!
//! Owns progress (what may be sent, and when), what is done once in a call that asks, and the signal
//! of cancellation. It does not write
//! anything: what is to be said goes into the connection's queue.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::NegotiatedProfiles;
use mcp_core::types::{ElicitationCompleteNotificationParams, Implementation, LoggingLevel};
use mcp_core::version::Era;
use mcp_core::{CallId, Negotiated, Principal, Tenant};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::ask::{CallKey, Question, Questions};
use crate::connection::{Connection, FromHandler, Json};
use crate::outcome::Failure;

/// The context of a running call: progress, cancellation, and who calls.
///
/// Cloning is cheap. It may outlive the call, for instance in a task that the handler started: then
/// it says nothing more.
#[derive(Clone)]
pub struct CallContext(Arc<Shared>);

struct Shared {
    id: CallId,
    negotiated: Negotiated,
    connection: Arc<Connection>,
    wants_progress: bool,
    log_level: Option<LoggingLevel>,
    questions: Questions,
    reported: Mutex<Reported>,
    state: AtomicU8,
    ended: Notify,
}

/// What the caller last heard.
#[derive(Default)]
struct Reported {
    progress: Option<f64>,
    at: Option<Instant>,
}

const RUNNING: u8 = 0;
const FINISHED: u8 = 1;
const CANCELLED: u8 = 2;

impl CallContext {
    pub(crate) fn new(
        id: CallId,
        negotiated: Negotiated,
        connection: Arc<Connection>,
        wants_progress: bool,
        log_level: Option<LoggingLevel>,
        questions: Questions,
    ) -> Self {
        Self(Arc::new(Shared {
            id,
            negotiated,
            connection,
            wants_progress,
            log_level,
            questions,
            reported: Mutex::default(),
            state: AtomicU8::new(RUNNING),
            ended: Notify::new(),
        }))
    }

    /// Tells the client how far the work has come, if it asked to hear that.
    ///
    /// Call it as often as you like: what does not grow is left out, and so is what comes too soon
    /// after the last. The first value is sent, and the last, that is `done == total`. `total` is
    /// `None` where the end is not known.
    pub fn progress(&self, done: impl Amount, total: impl Total) {
        self.tell(Progress::new(done).of(total));
    }

    /// As [`progress`](Self::progress), with a word for people.
    pub fn progress_message(&self, done: impl Amount, total: impl Total, text: impl Into<String>) {
        // The text is made only when it may be sent.
        if self.is_heard() {
            self.tell(Progress::new(done).of(total).message(text));
        }
    }

    /// Tells the client how far the work has come, with no limit on how often.
    ///
    /// Waits while too much is waiting to be sent, so that a handler cannot run ahead of a slow
    /// client. What does not grow is left out.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has sent nothing, and the value can be reported
    /// again.
    pub async fn report(&self, progress: Progress) {
        let ended = self.0.ended.notified();
        tokio::pin!(ended);
        ended.as_mut().enable();
        if !self.is_heard() {
            return;
        }
        let push = self.0.connection.push_when_free(|| self.admit(progress, false));
        tokio::pin!(push);
        futures_util::future::select(push, ended).await;
    }

    /// Sends the client a log message about this call, if it wants messages of this level.
    ///
    /// The server has to declare [`logging`](crate::Builder::logging). What nobody wants is not
    /// even written; what comes while too much waits is dropped. Never log secrets: the message
    /// goes to whoever called. Deprecated by 2026-07-28 in favour of other ways, but still in it.
    pub fn log(&self, level: LoggingLevel, data: impl Serialize) {
        self.push_log(None, level, data);
    }

    /// As [`log`](Self::log), with the name of the part of the server that says it.
    pub fn log_as(
        &self,
        logger: impl Into<Cow<'static, str>>,
        level: LoggingLevel,
        data: impl Serialize,
    ) {
        self.push_log(Some(logger.into()), level, data);
    }

    /// Whether the client wants log messages of this level about this call.
    pub fn logs(&self, level: LoggingLevel) -> bool {
        self.0.log_level.is_some_and(|wanted| level >= wanted)
            && self.0.state.load(Ordering::Acquire) == RUNNING
    }

    /// Sends a notification of an extension to the client, about this call.
    ///
    /// Nothing is sent when the call is over, too much waits, or `params` is no JSON.
    pub fn notify(&self, method: impl Into<Cow<'static, str>>, params: impl Serialize) {
        if let Ok(params) = serde_json::value::to_raw_value(&params) {
            let (call, method, params) = (self.0.id, method.into(), Json(params));
            self.0.connection.push_lasting(FromHandler::Notify { call, method, params });
        }
    }

    /// Closes the client's connection while the call goes on; the client comes back for the rest
    /// after this time.
    ///
    /// For a call that takes long, so that no connection is held open meanwhile (SEP-1699). It
    /// means something over HTTP in a session of 2025-11-25 or later, and nothing happens
    /// elsewhere: in the modern era closing the connection would end the call.
    pub fn close_sse_stream(&self, retry: Duration) {
        self.0.connection.push_lasting(FromHandler::Leave { call: self.0.id, retry });
    }

    /// Asks a legacy client whether it is there, and waits for the answer as long as it takes.
    ///
    /// Set a limit with `tokio::time::timeout`.
    ///
    /// # Errors
    ///
    /// In the modern era, which has no `ping` (2026-07-28, changelog); when the client answers with
    /// an error, is gone, or the call is over.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the answer goes nowhere; the client is told when the call ends.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mcp_server::{CallContext, Tool};
    ///
    /// let watch = Tool::new("watch").handler(async |ctx: CallContext| {
    ///     let answer = tokio::time::timeout(Duration::from_secs(5), ctx.ping()).await;
    ///     if answer.is_err() { "nobody looks" } else { "go on" }
    /// });
    /// ```
    pub async fn ping(&self) -> Result<(), ErrorObject> {
        if self.negotiated().era() != Era::Legacy {
            let version = self.negotiated().version();
            return Err(ErrorObject::internal(format!("MCP {version} has no `ping`")));
        }
        self.0.connection.ask(self.0.id, "ping", None).await.map(drop)
    }

    /// The signal that nobody waits for this call any more.
    ///
    /// An asynchronous handler needs it not: it is dropped at its next `.await`. It is for work that
    /// cannot be dropped, on other threads.
    pub fn cancellation(&self) -> Cancellation {
        Cancellation(Arc::clone(&self.0))
    }

    /// The name of this call: the same when the handler is called again after a question.
    ///
    /// It is unique for ever, and what a backend takes as an idempotency key.
    pub fn call_id(&self) -> CallKey {
        self.0.questions.call()
    }

    /// Does something once, however often the handler is called.
    ///
    /// For an effect that has to come before a question. When the handler leaves to ask, the result
    /// is sealed with the answers, and later runs get it from there instead of doing it again. A
    /// failure is not remembered. It cannot help against a process that ends between effect and
    /// seal: where that matters, the backend has to know the [`call_id`](Self::call_id). All
    /// results and answers of a call together have to fit into 190 KB of JSON.
    ///
    /// # Errors
    ///
    /// What `effect` fails with; an internal error when the result is no JSON, or was remembered as
    /// something else than a `T`.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, `effect` is dropped where it stands, and nothing is remembered.
    ///
    /// # Examples
    /// ```
    /// use mcp_server::{Ask, CallContext, Result, ToolError};
    /// # #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// # struct Sure { sure: bool }
    /// # async fn reserve(seats: u32) -> Result<u64, ToolError> { Ok(seats.into()) }
    ///
    /// async fn book(seats: u32, ask: Ask<Sure>, ctx: CallContext) -> Result<String> {
    ///     let reservation: u64 = ctx.once("reserve", async || reserve(seats).await).await?;
    ///     let sure = ask.form(format!("Book {seats} seats?"))?;
    ///     Ok(format!("{reservation}: {}", sure.sure))
    /// }
    /// ```
    pub async fn once<T, E, Fut>(
        &self,
        name: &str,
        effect: impl FnOnce() -> Fut,
    ) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        E: Into<Failure>,
        Fut: Future<Output = Result<T, E>>,
    {
        if let Some(done) = self.0.questions.done(name) {
            return Ok(serde_json::from_str(done.get())?);
        }
        let result = effect().await.map_err(Into::into)?;
        self.0.questions.remember(name, serde_json::value::to_raw_value(&result)?);
        Ok(result)
    }

    /// Tells a client of 2025-11-25 that the business at an address is done.
    ///
    /// For [`AskUrl::open_as`](crate::AskUrl::open_as), while the call runs. Clients of other
    /// revisions are told nothing: they look for themselves (2025-11-25, client/elicitation,
    /// "Completion Notifications").
    pub fn url_completed(&self, id: impl Into<String>) {
        let legacy = self.negotiated().era() == Era::Legacy;
        if legacy && Question::Url.is_declared(self.negotiated().client_capabilities()) {
            let params = ElicitationCompleteNotificationParams::new(id);
            self.notify("notifications/elicitation/complete", params);
        }
    }

    /// What the handler asks.
    pub(crate) fn questions(&self) -> &Questions {
        &self.0.questions
    }

    /// What was negotiated with the caller.
    pub fn negotiated(&self) -> &Negotiated {
        &self.0.negotiated
    }

    /// The profiles in force.
    pub fn profiles(&self) -> &NegotiatedProfiles {
        self.negotiated().profiles()
    }

    /// Who calls.
    pub fn principal(&self) -> &Principal {
        self.negotiated().principal()
    }

    /// Whose deployment is called.
    pub fn tenant(&self) -> &Tenant {
        self.negotiated().tenant()
    }

    /// What the client says it is: for display, never for decisions.
    pub fn client_info(&self) -> Option<&Implementation> {
        self.negotiated().client_info()
    }

    fn push_log(
        &self,
        logger: Option<Cow<'static, str>>,
        level: LoggingLevel,
        data: impl Serialize,
    ) {
        if !self.logs(level) {
            return;
        }
        if let Ok(data) = serde_json::value::to_raw_value(&data) {
            let (call, data) = (self.0.id, Json(data));
            self.0.connection.push_lasting(FromHandler::Log { call, level, logger, data });
        }
    }

    fn tell(&self, progress: Progress) {
        // Most values end here, without a look at the connection.
        if self.is_heard() && self.reported().lets_through(&progress, self.pause()).is_some() {
            self.0.connection.push(self.0.id, || self.admit(progress, true));
        }
    }

    fn is_heard(&self) -> bool {
        self.0.wants_progress && self.0.state.load(Ordering::Acquire) == RUNNING
    }

    /// The entry for a value that is sent; it is remembered as the last one.
    fn admit(&self, progress: Progress, limited: bool) -> Option<FromHandler> {
        let pause = if limited { self.pause() } else { Duration::ZERO };
        let mut reported = self.reported();
        *reported = reported.lets_through(&progress, pause)?;
        let Progress { done, total, message } = progress;
        let total = total.filter(|total| total.is_finite());
        Some(FromHandler::Progress { call: self.0.id, progress: done, total, message })
    }

    fn reported(&self) -> MutexGuard<'_, Reported> {
        self.0.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pause(&self) -> Duration {
        self.0.connection.interval()
    }
}

impl Reported {
    /// What the caller has heard last once this value is sent; `None` when it is left out.
    fn lets_through(&self, progress: &Progress, pause: Duration) -> Option<Self> {
        let Progress { done, total, .. } = *progress;
        if !done.is_finite() || self.progress.is_some_and(|last| done <= last) {
            return None;
        }
        let now = Instant::now();
        let too_soon = |last: Instant| now.duration_since(last) < pause;
        if total != Some(done) && self.at.is_some_and(too_soon) {
            return None;
        }
        Some(Self { progress: Some(done), at: Some(now) })
    }
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallContext")
            .field("call_id", &self.0.id)
            .field("negotiated", &self.0.negotiated)
            .finish_non_exhaustive()
    }
}

/// How far a call has come, for [`CallContext::report`].
///
/// # Examples
/// ```
/// use mcp_server::Progress;
/// let progress = Progress::new(3_u32).of(10_usize).message("third reel");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    done: f64,
    total: Option<f64>,
    message: Option<String>,
}

impl Progress {
    /// How much is done.
    pub fn new(done: impl Amount) -> Self {
        Self { done: done.to_f64(), total: None, message: None }
    }

    /// Out of how much.
    #[must_use]
    pub fn of(mut self, total: impl Total) -> Self {
        self.total = total.to_total();
        self
    }

    /// What is being done, for people; sent since 2025-03-26.
    #[must_use]
    pub fn message(mut self, text: impl Into<String>) -> Self {
        self.message = Some(text.into());
        self
    }
}

/// A number that can say how much is done.
pub trait Amount: Copy {
    /// The number as it is sent; large integers are rounded.
    fn to_f64(self) -> f64;
}

/// A number that can say how much there is to do, or `None`.
pub trait Total: Copy {
    /// The number as it is sent, if there is one.
    fn to_total(self) -> Option<f64>;
}

impl<A: Amount> Total for A {
    fn to_total(self) -> Option<f64> {
        Some(self.to_f64())
    }
}

impl Total for Option<f64> {
    fn to_total(self) -> Self {
        self
    }
}

macro_rules! amounts {
    ($($number:ty),*) => { $(
        impl Amount for $number {
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    )* };
}

amounts!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, f32, f64);

/// The signal that nobody waits for a call any more: it was cancelled, or its time is over.
///
/// Cloning is cheap; it can be given to other threads. A call that ends by itself is not cancelled.
#[derive(Clone)]
pub struct Cancellation(Arc<Shared>);

impl Cancellation {
    /// Whether the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.state.load(Ordering::Acquire) == CANCELLED
    }

    /// Waits until the call is cancelled; forever, when it ends by itself.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn cancelled(&self) {
        loop {
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            // Registered before the look at the state: an end in between is not missed.
            ended.as_mut().enable();
            if self.is_cancelled() {
                return;
            }
            ended.await;
        }
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

/// Ends a call's context: dropped before [`finish`](Self::finish), the call was cancelled.
#[derive(Debug)]
pub(crate) struct Unfinished(Option<CallContext>);

impl Unfinished {
    pub(crate) fn new(context: Option<CallContext>) -> Self {
        Self(context)
    }

    /// The handler has come to its end; gives back its context, if it had one.
    pub(crate) fn finish(mut self) -> Option<CallContext> {
        self.end(FINISHED)
    }

    fn end(&mut self, state: u8) -> Option<CallContext> {
        let context = self.0.take()?;
        context.0.state.store(state, Ordering::Release);
        context.0.ended.notify_waiters();
        Some(context)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.end(CANCELLED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tool;
    use crate::outcome::Outcome;
    use crate::rig::Rig;
    use futures_util::FutureExt as _;

    fn context(rig: &Rig) -> CallContext {
        let connection = Arc::clone(&rig.connection);
        CallContext::new(
            CallId::from_number(1),
            rig.negotiated.clone(),
            connection,
            rig.wants_progress,
            None,
            Questions::new(None),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn progress_is_limited_except_for_first_and_last() {
        let rig = Rig::new();
        let ctx = context(&rig);
        let frames = [(); 5];
        for done in 1..=5_u32 {
            ctx.progress(done, frames.len());
        }
        assert_eq!(rig.progress(), [(1.0, Some(5.0)), (5.0, Some(5.0))]);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_comes_once_per_interval() {
        let rig = Rig::new();
        let ctx = context(&rig);
        for done in 0..10_u64 {
            ctx.progress(done, None);
            tokio::time::advance(Duration::from_millis(20)).await;
        }
        assert_eq!(rig.progress(), [(0.0, None), (3.0, None), (6.0, None), (9.0, None)]);
    }

    #[tokio::test(start_paused = true)]
    async fn progress_only_grows() {
        let rig = Rig::new();
        let ctx = context(&rig);
        for done in [2.0, 1.0, f64::NAN, 2.0, f64::INFINITY, 3.0] {
            ctx.progress_message(done, f64::INFINITY, "reel");
            tokio::time::advance(Connection::INTERVAL).await;
        }
        assert_eq!(rig.progress(), [(2.0, None), (3.0, None)]);
    }

    #[tokio::test]
    async fn nothing_is_sent_when_nobody_asked() {
        let mut rig = Rig::new();
        rig.wants_progress = false;
        let ctx = context(&rig);
        ctx.progress(1, 2);
        ctx.report(Progress::new(2)).await;
        assert_eq!(rig.progress(), []);
    }

    #[tokio::test]
    async fn reports_all_arrive_in_order_and_wait_for_room() {
        let mut rig = Rig::new();
        rig.connection = Arc::new(Connection::new(2, Duration::from_secs(9)));
        let ctx = context(&rig);
        let mut work = Box::pin(async {
            for done in 1..=3_u8 {
                ctx.report(Progress::new(done).of(3).message("reel")).await;
            }
        });
        assert!(work.as_mut().now_or_never().is_none());
        assert_eq!(rig.progress(), [(1.0, Some(3.0)), (2.0, Some(3.0))]);
        work.await;
        assert_eq!(rig.progress(), [(3.0, Some(3.0))]);
    }

    fn handing_out(to: tokio::sync::mpsc::UnboundedSender<CallContext>, wait: bool) -> Tool {
        Tool::new("x").handler(move |ctx: CallContext| {
            let sent = to.send(ctx);
            async move {
                sent.expect("the test listens");
                if wait {
                    std::future::pending::<()>().await;
                }
            }
        })
    }

    #[tokio::test]
    async fn dropping_a_call_cancels_it() {
        let (to, mut contexts) = tokio::sync::mpsc::unbounded_channel();
        let rig = Rig::new();
        let mut call = rig.start(handing_out(to, true), "{}");
        let ctx = contexts.recv().await.unwrap();
        let stop = ctx.cancellation();
        let mut cancelled = Box::pin(stop.cancelled());
        assert!(call.as_mut().now_or_never().is_none());
        assert!(cancelled.as_mut().now_or_never().is_none());
        assert!(!stop.is_cancelled());
        drop(call);
        assert!(stop.is_cancelled());
        cancelled.await;
        ctx.progress(1, 1);
        assert_eq!(rig.progress(), []);
    }

    #[tokio::test]
    async fn a_call_that_ends_by_itself_is_not_cancelled_and_says_nothing_more() {
        let (to, mut contexts) = tokio::sync::mpsc::unbounded_channel();
        let rig = Rig::new();
        let call = rig.start(handing_out(to, false), "{}");
        assert_eq!(call.await, Outcome::Complete(mcp_core::types::CallToolResult::default()));
        let ctx = contexts.recv().await.unwrap();
        assert!(!ctx.cancellation().is_cancelled());
        ctx.progress(1, 1);
        ctx.report(Progress::new(2)).await;
        assert_eq!(rig.progress(), []);
    }

    #[tokio::test]
    async fn a_report_that_waits_for_room_ends_with_its_call() {
        let mut rig = Rig::new();
        rig.connection = Arc::new(Connection::new(1, Duration::ZERO));
        let (to, mut contexts) = tokio::sync::mpsc::unbounded_channel();
        let call = rig.start(handing_out(to, true), "{}");
        let ctx = contexts.recv().await.unwrap();
        ctx.report(Progress::new(1)).await;
        let mut second = Box::pin(ctx.report(Progress::new(2)));
        assert!(second.as_mut().now_or_never().is_none());
        drop(call);
        second.await;
    }
}
