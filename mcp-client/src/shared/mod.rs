//! What callers and the driver share: the session, what waits to be written, who waits for what.
//!
//! Everything is behind one lock that is never held across an await or while somebody is woken.
//! A caller writes its request straight into the outbox; the driver writes the outbox out.

mod inbox;
mod outcome;

use std::collections::{HashMap, VecDeque};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::Rejection;
use mcp_core::session::client::{Agreed, ClientConfig, ClientEvent, Established, RequestOptions};
use mcp_core::types::ProgressNotificationParams;
use mcp_core::{CallId, Error, Outbox, Timeouts};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::futures::OwnedNotified;
use tokio::sync::{Notify, broadcast};

use crate::audit;
use crate::cache::Shelf;
use crate::clock::Clock;
use crate::handshake::now as real_now;
use crate::input::asked::{self, Answered, Ask};
use crate::noise::{Heard, Noise};
use crate::notification::ServerNotification;
use crate::progress::Progress;
use crate::text::one_line;
use crate::transport::LastWords;

use inbox::{Ended, Inbox, acknowledged, end};
use outcome::Outcome;
pub(crate) use outcome::{Question, Reply};

/// One connection, as callers and driver see it.
pub(crate) struct Shared {
    config: Arc<ClientConfig>,
    /// What deadlines of calls go by.
    clock: Clock,
    state: Mutex<State>,
    /// Tells calls that wait for the outbox to shrink.
    room: Arc<Notify>,
    /// Tells who waits for users that something in [`State::completed`] is new, or that the
    /// connection is over.
    completion: Notify,
    last_words: LastWords,
}

pub(crate) struct State {
    pub(crate) session: Box<Established>,
    /// What the driver has not taken yet.
    out: Outbox,
    /// How much of what it has taken is not known to be written.
    writing: usize,
    /// How much of `out` answers requests of the server, and how much of what is being written.
    owed: usize,
    owed_writing: usize,
    waiting: HashMap<CallId, Waiting>,
    subscriptions: HashMap<CallId, Inbox>,
    /// What the user was sent to addresses for and is done, newest last.
    completed: VecDeque<Box<str>>,
    agreed: Arc<Agreed>,
    pub(crate) noise: Noise,
    notifications: Option<broadcast::Sender<ServerNotification>>,
    /// Where results are kept, to be told what has changed.
    shelf: Option<Shelf>,
    /// Why there is no connection any more.
    fault: Option<Fault>,
    /// The driver is asked to end the connection.
    pub(crate) closing: bool,
    /// The driver, while it sleeps.
    pub(crate) driver: Option<Waker>,
    /// Calls wait for room.
    full: bool,
    /// The session was lost and a new one is being opened: calls wait for it.
    renewing: bool,
}

/// One call that was sent.
#[derive(Default)]
struct Waiting {
    waker: Option<Waker>,
    outcome: Option<Outcome>,
    progress: VecDeque<Progress>,
    /// Whoever waits wants to hear of progress too.
    listening: bool,
}

/// Why a connection is over, kept to be told to every later call.
#[derive(Clone)]
enum Fault {
    Closed(Arc<str>),
    Rejected(Rejection),
}

/// What became of an attempt to send.
pub(crate) enum Sent {
    /// It is on its way since then; the waker is registered.
    Waiting(CallId, Instant),
    /// Too much waits to be written: try again after this.
    Full(Pin<Box<OwnedNotified>>),
    /// It cannot be sent.
    Failed(Error),
}

/// What the driver has to do once nothing is locked any more.
#[derive(Default)]
pub(crate) struct Aftermath {
    wakers: Vec<Waker>,
    heard: Vec<Heard>,
    changed: Option<(Arc<Agreed>, Arc<Agreed>)>,
    rejected: Option<Rejection>,
    /// What the server asks, or no longer asks.
    pub(crate) asks: Vec<Ask>,
    /// Something in [`State::completed`] is new, or the connection is over.
    completed: bool,
}

impl Shared {
    pub(crate) fn new(
        config: Arc<ClientConfig>,
        clock: Clock,
        session: Box<Established>,
        out: Outbox,
        noise: Noise,
        last_words: LastWords,
        shelf: Option<Shelf>,
    ) -> Self {
        let agreed = Arc::new(session.agreed().clone());
        let state = State {
            session,
            out,
            writing: 0,
            owed: 0,
            owed_writing: 0,
            waiting: HashMap::new(),
            subscriptions: HashMap::new(),
            completed: VecDeque::new(),
            agreed,
            noise,
            notifications: None,
            shelf,
            fault: None,
            closing: false,
            driver: None,
            full: false,
            renewing: false,
        };
        let (room, completion) = (Arc::default(), Notify::new());
        Self { config, clock, state: Mutex::new(state), room, completion, last_words }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole before anything in it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock that calls go by.
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn config(&self) -> &ClientConfig {
        &self.config
    }

    pub(crate) fn agreed(&self) -> Arc<Agreed> {
        Arc::clone(&self.lock().agreed)
    }

    pub(crate) fn noise(&self) -> u64 {
        self.lock().noise.count()
    }

    /// The most bytes that may wait to be written before calls wait instead.
    pub(crate) fn most_bytes(&self) -> usize {
        self.config.limits.pending_bytes
    }

    /// Writes a request into the outbox, unless too much waits there.
    pub(crate) fn send(
        &self,
        method: &str,
        params: &RawValue,
        options: RequestOptions<'_>,
        waker: &Waker,
        listening: bool,
    ) -> Sent {
        self.write(method, params, options, |state, call| {
            let waiting = Waiting { waker: Some(waker.clone()), listening, ..Waiting::default() };
            state.waiting.insert(call, waiting);
        })
    }

    /// Asks for a subscription.
    pub(crate) fn listen(&self, params: &RawValue, timeouts: Timeouts, waker: &Waker) -> Sent {
        self.write("subscriptions/listen", params, timeouts.into(), |state, call| {
            state.subscriptions.insert(call, Inbox::waking(waker));
        })
    }

    fn write(
        &self,
        method: &str,
        params: &RawValue,
        options: RequestOptions<'_>,
        keep: impl FnOnce(&mut State, CallId),
    ) -> Sent {
        let now = self.clock.now();
        let mut state = self.lock();
        let state_ref = &mut *state;
        if let Some(fault) = &state_ref.fault {
            return Sent::Failed(fault.error());
        }
        if state_ref.renewing || state_ref.backlog() >= self.most_bytes() {
            state_ref.full = true;
            return Sent::Full(Box::pin(Arc::clone(&self.room).notified_owned()));
        }
        let sent = state_ref.session.request(now, method, params, options, &mut state_ref.out);
        let call = match sent {
            Ok(call) => call,
            Err(error) => {
                let problem = format!("the parameters of `{method}` cannot be sent: {error}");
                return Sent::Failed(Error::Misuse(problem));
            }
        };
        keep(state_ref, call);
        let driver = state_ref.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Sent::Waiting(call, now)
    }

    /// Writes a notification into the outbox.
    pub(crate) fn notify<P: Serialize + ?Sized>(
        &self,
        method: &str,
        params: Option<&P>,
    ) -> Result<(), Error> {
        let mut state = self.lock();
        let state_ref = &mut *state;
        if let Some(fault) = &state_ref.fault {
            return Err(fault.error());
        }
        if state_ref.renewing {
            return Err(Error::SessionLost);
        }
        if state_ref.backlog() >= self.most_bytes() {
            return Err(Error::Misuse(format!(
                "`{method}` cannot be sent now: the server does not read what was sent before"
            )));
        }
        let written = state_ref.session.notify(method, params, &mut state_ref.out);
        let driver = state_ref.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        written.map_err(|error| Error::Misuse(format!("`{method}` cannot be sent: {error}")))
    }

    /// The outcome of a call, once; afterwards the call is forgotten.
    pub(crate) fn poll_outcome(
        &self,
        call: CallId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Reply, Error>> {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(waiting) = state.waiting.get_mut(&call) else {
            return Poll::Ready(Err(Error::Misuse("the call is over already".to_owned())));
        };
        let outcome = match (waiting.outcome.take(), &state.fault) {
            (Some(outcome), _) => outcome.into_reply(&self.last_words),
            (None, Some(fault)) => Err(fault.error()),
            (None, None) => {
                waiting.listen(cx, false);
                return Poll::Pending;
            }
        };
        state.waiting.remove(&call);
        Poll::Ready(outcome)
    }

    /// The next progress of a call, `None` when its outcome is there.
    pub(crate) fn poll_progress(
        &self,
        call: CallId,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Progress>> {
        let mut state = self.lock();
        let state = &mut *state;
        let Some(waiting) = state.waiting.get_mut(&call) else { return Poll::Ready(None) };
        if let Some(progress) = waiting.progress.pop_front() {
            return Poll::Ready(Some(progress));
        }
        if waiting.outcome.is_some() || state.fault.is_some() {
            return Poll::Ready(None);
        }
        waiting.listen(cx, true);
        Poll::Pending
    }

    /// What the server wants to know before it answers a call; afterwards the call is forgotten.
    pub(crate) fn take_question(&self, call: CallId) -> Option<Question> {
        let mut state = self.lock();
        let outcome = &mut state.waiting.get_mut(&call)?.outcome;
        let question = match outcome.take()?.into_question() {
            Ok(question) => question,
            Err(other) => {
                *outcome = Some(other);
                return None;
            }
        };
        state.waiting.remove(&call);
        Some(question)
    }

    /// Forgets a call or subscription, and tells the server if it is not over.
    pub(crate) fn cancel(&self, call: CallId) {
        let mut state = self.lock();
        let state_ref = &mut *state;
        let waiting = state_ref.waiting.remove(&call);
        let inbox = state_ref.subscriptions.remove(&call);
        if state_ref.fault.is_some() {
            return;
        }
        let before = state_ref.out.len();
        state_ref.session.cancel(call, Some("the caller no longer waits"), &mut state_ref.out);
        let driver = state_ref.driver.take_if(|_| state_ref.out.len() > before);
        drop(state);
        drop((waiting, inbox));
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Sends the answer to a request of the server.
    pub(crate) fn respond(&self, (asked, answer): Answered) {
        let now = self.clock.now();
        let mut state = self.lock();
        let State { session, out, owed, .. } = &mut *state;
        let before = out.len();
        let written = answer.map(|answer| session.respond(now, asked, &answer, out));
        match written {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => {
                let error = ErrorObject::internal(format!("the answer cannot be sent: {problem}"));
                session.fail(now, asked, &error, out);
            }
            Err(error) => session.fail(now, asked, &error, out),
        }
        *owed += out.len() - before;
    }

    /// Waits until the server has said of all these that the user is done with them.
    pub(crate) async fn completed(&self, mut waiting: Vec<&str>) {
        loop {
            let mut news = pin!(self.completion.notified());
            news.as_mut().enable();
            {
                let state = self.lock();
                waiting.retain(|id| !state.completed.iter().any(|done| **done == **id));
            }
            if waiting.is_empty() {
                return;
            }
            news.await;
        }
    }

    /// Waits until there is no connection any more.
    pub(crate) async fn over(&self) -> Error {
        loop {
            let mut news = pin!(self.completion.notified());
            news.as_mut().enable();
            if let Some(fault) = &self.lock().fault {
                return fault.error();
            }
            news.await;
        }
    }

    /// What the server tells from now on.
    pub(crate) fn subscribe(&self) -> Option<broadcast::Receiver<ServerNotification>> {
        let mut state = self.lock();
        if state.fault.is_some() {
            return None;
        }
        let sender = state.notifications.get_or_insert_with(|| broadcast::Sender::new(KEPT));
        Some(sender.subscribe())
    }

    /// Ends the connection from our side; calls in flight fail with these words.
    pub(crate) fn close(&self, why: &str) {
        let mut state = self.lock();
        state.closing = true;
        let driver = state.driver.take();
        drop(state);
        self.fail(why);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Notes that there is no connection any more; the first words count.
    pub(crate) fn fail(&self, why: &str) {
        let mut aftermath = Aftermath::default();
        self.lock().fail(Fault::Closed(why.into()), &mut aftermath);
        self.settle(&mut aftermath);
        self.tell_room();
    }

    /// Notes that there is no connection any more because client and server no longer agree.
    #[cfg(feature = "http")]
    pub(crate) fn reject(&self, rejection: Rejection) {
        let mut aftermath = Aftermath { rejected: Some(rejection.clone()), ..Aftermath::default() };
        self.lock().fail(Fault::Rejected(rejection), &mut aftermath);
        self.settle(&mut aftermath);
        self.tell_room();
    }

    /// Wakes and reports what came of handling messages. Nothing may be locked.
    pub(crate) fn settle(&self, aftermath: &mut Aftermath) {
        for waker in aftermath.wakers.drain(..) {
            waker.wake();
        }
        aftermath.heard.drain(..).for_each(Heard::report);
        if let Some((before, now)) = aftermath.changed.take() {
            audit::changed(&now, before.profiles());
        }
        if std::mem::take(&mut aftermath.completed) {
            self.completion.notify_waiters();
        }
        if let Some(rejection) = aftermath.rejected.take() {
            audit::rejected(&self.config, &rejection);
        }
    }

    /// Lets calls that wait for room try again. Nothing may be locked.
    pub(crate) fn tell_room(&self) {
        self.room.notify_waiters();
    }
}

impl State {
    /// How much waits to be written.
    fn backlog(&self) -> usize {
        self.out.len() + self.writing
    }

    /// Exchanges what was written, all of it, for what waits.
    pub(crate) fn take_out(&mut self, written: &mut Outbox) {
        debug_assert!(written.is_empty());
        std::mem::swap(&mut self.out, written);
        self.writing = written.len();
        self.owed_writing = std::mem::take(&mut self.owed);
    }

    /// How much waits to be written because the server asked for it. Requests do not count: a
    /// server may write all its answers before it reads on.
    pub(crate) fn owed(&self) -> usize {
        self.owed + self.owed_writing
    }

    /// Forgets what was taken: nobody reads it.
    pub(crate) fn discard(&mut self, taken: &mut Outbox) {
        *taken = Outbox::default();
        (self.writing, self.owed_writing) = (0, 0);
    }

    /// What waits, to be written last of all.
    pub(crate) fn take_rest(&mut self) -> Outbox {
        std::mem::take(&mut self.out)
    }

    /// Whether calls that wait for room should try again; says so once.
    pub(crate) fn has_room_again(&mut self, most: usize) -> bool {
        self.full && !self.renewing && self.backlog() < most && {
            self.full = false;
            true
        }
    }

    /// Has the driver woken when there is something to do.
    #[cfg(feature = "http")]
    pub(crate) fn leave_waker(&mut self, cx: &Context<'_>) {
        if !self.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.driver = Some(cx.waker().clone());
        }
    }

    /// Waits until our side asks for the end of the connection.
    #[cfg(feature = "http")]
    pub(crate) fn poll_closing(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.closing {
            return Poll::Ready(());
        }
        self.leave_waker(cx);
        Poll::Pending
    }

    /// Whether the connection is over.
    pub(crate) fn is_over(&self) -> bool {
        self.fault.is_some()
    }

    /// Handles one line of the server.
    pub(crate) fn handle(&mut self, now: Instant, line: &[u8], after: &mut Aftermath) {
        let Self {
            session,
            out,
            waiting,
            subscriptions,
            completed,
            noise,
            notifications,
            shelf,
            ..
        } = self;
        let (mut changed, mut rejected, mut refused) = (false, None, None);
        let (before, received) = (out.len(), real_now());
        session.handle(now, line, out, |event| match event {
            ClientEvent::Response { call, outcome } => {
                let outcome = match outcome {
                    Ok(result) => Outcome::Result(result.get().into(), received),
                    Err(error) => Outcome::Peer(error),
                };
                answer(waiting, subscriptions, call, outcome, after);
            }
            ClientEvent::InputRequired { call, result } => {
                let question = Outcome::InputRequired(result.get().into());
                answer(waiting, subscriptions, call, question, after);
            }
            ClientEvent::ExtensionResult { call, result_type, result } => {
                let outcome = Outcome::Extension((*result_type).into(), result.get().into());
                answer(waiting, subscriptions, call, outcome, after);
            }
            ClientEvent::InvalidResult { call, problem } => {
                answer(waiting, subscriptions, call, Outcome::Invalid(problem), after);
            }
            ClientEvent::Request { asked, request } => match asked::read(&request) {
                Ok(request) => after.asks.push(Ask::Begin(asked, request)),
                Err(error) => {
                    refused.get_or_insert_with(Vec::new).push((asked, error));
                }
            },
            ClientEvent::Withdrawn { asked } => after.asks.push(Ask::Withdraw(asked)),
            ClientEvent::Acknowledged { call, params } => {
                if let Some(inbox) = subscriptions.get_mut(&call) {
                    inbox.acknowledged = Some(Arc::new(acknowledged(&params)));
                    after.wakers.extend(inbox.waker.take());
                }
            }
            ClientEvent::Subscribed { call, method, params } => {
                shelf.iter().for_each(|shelf| shelf.heard(method, &params));
                let notification = ServerNotification::new(method, &params);
                tell(notifications, || notification.clone());
                if let Some(inbox) = subscriptions.get_mut(&call) {
                    inbox.push(notification);
                    after.wakers.extend(inbox.waker.take());
                }
            }
            ClientEvent::SubscriptionEnded { call, reason } => {
                let reason = one_line(&reason.unwrap_or_default(), MESSAGE);
                let error = Error::Closed(match reason.is_empty() {
                    true => "the server called the subscription off".to_owned(),
                    false => format!("the server called the subscription off: {reason}"),
                });
                end(subscriptions, call, Ended::Failed(error), after);
            }
            ClientEvent::Progress { call, progress } => {
                if let Some(waiting) = waiting.get_mut(&call) {
                    waiting.push(progress);
                    after.wakers.extend(waiting.waker.take_if(|_| waiting.listening));
                }
            }
            ClientEvent::Notification { method, params } => {
                shelf.iter().for_each(|shelf| shelf.heard(method, &params));
                if method == "notifications/elicitation/complete"
                    && let Ok(Some(id)) = params.string("elicitationId")
                    && id.len() <= ID
                {
                    if completed.len() == COMPLETED {
                        completed.pop_front();
                    }
                    completed.push_back((*id).into());
                    after.completed = true;
                }
                tell(notifications, || ServerNotification::new(method, &params));
            }
            ClientEvent::ProfilesChanged(_) => changed = true,
            ClientEvent::Noise(problem) => after.heard.push(noise.heard(&problem, line)),
            ClientEvent::Rejected(rejection) => rejected = Some(rejection),
            _ => {}
        });
        for (asked, error) in refused.into_iter().flatten() {
            self.session.fail(now, asked, &error, &mut self.out);
        }
        self.owed += self.out.len() - before;
        if changed {
            let agreed = Arc::new(self.session.agreed().clone());
            let before = std::mem::replace(&mut self.agreed, Arc::clone(&agreed));
            after.changed = Some((before, agreed));
        }
        if let Some(rejection) = rejected {
            let rejection = rejection.with_sent(
                "nothing after the answer that lacks them; the connection has been closed",
            );
            after.rejected = Some(rejection.clone());
            self.fail(Fault::Rejected(rejection), after);
        }
    }

    /// Notes a line that was too long to be kept.
    pub(crate) fn too_long(&mut self, length: usize, after: &mut Aftermath) {
        after.heard.push(self.noise.too_long(length));
    }

    /// Ends a call that gets no answer.
    #[cfg(feature = "http")]
    pub(crate) fn unanswered(&mut self, id: i64, error: Error, after: &mut Aftermath) {
        if let Some(call) = self.session.unanswered(id) {
            let outcome = Outcome::Failed(error);
            answer(&mut self.waiting, &mut self.subscriptions, call, outcome, after);
        }
    }

    /// Ends all calls, because the server ended the session; later ones wait for a new one.
    #[cfg(feature = "http")]
    pub(crate) fn lose_session(&mut self, after: &mut Aftermath) {
        for call in self.session.take_calls() {
            let outcome = Outcome::Failed(Error::SessionLost);
            answer(&mut self.waiting, &mut self.subscriptions, call, outcome, after);
        }
        self.out = Outbox::default();
        (self.writing, self.owed, self.owed_writing) = (0, 0, 0);
        self.renewing = true;
    }

    /// Goes on in a new session; the error says that it is not like the one before.
    #[cfg(feature = "http")]
    pub(crate) fn renew(&mut self, session: Established) -> Result<(), Rejection> {
        self.session.renew(session)?;
        self.agreed = Arc::new(self.session.agreed().clone());
        self.renewing = false;
        Ok(())
    }

    /// Notes how much of what was taken is not sent yet.
    #[cfg(feature = "http")]
    pub(crate) fn note_unsent(&mut self, waiting: usize, owed: usize) {
        (self.writing, self.owed_writing) = (waiting, owed);
    }

    /// Ends the calls whose time is over.
    pub(crate) fn expire(&mut self, now: Instant, after: &mut Aftermath) {
        let Self { session, out, waiting, subscriptions, .. } = self;
        session.expire(now, out, |event| {
            if let ClientEvent::TimedOut { call, kind } = event {
                answer(waiting, subscriptions, call, Outcome::TimedOut(kind), after);
            }
        });
    }

    fn fail(&mut self, fault: Fault, after: &mut Aftermath) {
        if self.fault.is_some() {
            return;
        }
        self.fault = Some(fault);
        after.completed = true;
        self.notifications = None;
        self.session.take_calls();
        if !self.closing {
            self.out = Outbox::default();
        }
        after.wakers.extend(self.waiting.values_mut().filter_map(|waiting| waiting.waker.take()));
        let inboxes = self.subscriptions.values_mut();
        after.wakers.extend(inboxes.filter_map(|inbox| inbox.waker.take()));
    }
}

impl Waiting {
    fn listen(&mut self, cx: &Context<'_>, to_progress: bool) {
        self.listening = to_progress;
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    /// Keeps the newest.
    fn push(&mut self, params: ProgressNotificationParams) {
        if self.progress.len() == PROGRESS {
            self.progress.pop_front();
        }
        self.progress.push_back(Progress {
            done: params.progress,
            total: params.total,
            message: params.message.map(|text| one_line(&text, MESSAGE)),
        });
    }
}

fn answer(
    waiting: &mut HashMap<CallId, Waiting>,
    subscriptions: &mut HashMap<CallId, Inbox>,
    call: CallId,
    outcome: Outcome,
    after: &mut Aftermath,
) {
    if let Some(waiting) = waiting.get_mut(&call) {
        waiting.outcome = Some(outcome);
        after.wakers.extend(waiting.waker.take());
    } else {
        let ended = match outcome {
            Outcome::Result(..) => Ended::InGoodOrder,
            // What a process said last is added where somebody waits for a result.
            other => Ended::Failed(match other.into_reply(&LastWords::default()) {
                Err(error) => error,
                Ok(_) => Error::PeerMisbehaved("an unexpected end of a subscription".to_owned()),
            }),
        };
        end(subscriptions, call, ended, after);
    }
}

fn tell(
    notifications: &mut Option<broadcast::Sender<ServerNotification>>,
    notification: impl FnOnce() -> ServerNotification,
) {
    if let Some(sender) = notifications
        && sender.send(notification()).is_err()
    {
        // Nobody listens any more.
        *notifications = None;
    }
}

impl Fault {
    fn error(&self) -> Error {
        match self {
            Self::Closed(why) => Error::Closed((**why).to_owned()),
            Self::Rejected(rejection) => Error::Rejected(rejection.clone()),
        }
    }
}

/// How much progress of one call is kept for a caller that does not look.
const PROGRESS: usize = 64;
/// How many characters of a progress message are kept.
const MESSAGE: usize = 1024;
/// How many completed visits to addresses are kept in mind.
const COMPLETED: usize = 64;
/// How long the name of one may be.
const ID: usize = 1024;
/// How many notifications are kept for a listener that does not look.
const KEPT: usize = 64;
