//! The way out for handlers: what they have to say while their call is running.
//!
//! Owns a bounded queue and the two wake-ups that belong to it: the driver's when something is
//! queued, the handlers' when there is room again. It does not know how anything is written, nor
//! which calls are still running: the driver passes on nothing for a call that it has answered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use futures_util::task::AtomicWaker;
use mcp_core::CallId;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types::{DetailedTask, LoggingLevel};
use serde_json::value::RawValue;
use tokio::sync::{Notify, oneshot};

/// Something that a running handler wants the client to know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FromHandler {
    /// How far a call has come; only for calls whose request carried a progress token.
    Progress {
        /// The call it is about.
        call: CallId,
        /// How far the work has come; larger than the value before for the same call.
        progress: f64,
        /// Where the work ends, if that is known.
        total: Option<f64>,
        /// What is being done, for people.
        message: Option<String>,
    },
    /// A log message; whether the caller wants it is decided when it is sent.
    Log {
        /// The call it is about.
        call: CallId,
        /// How grave it is.
        level: LoggingLevel,
        /// Who says it.
        logger: Option<Cow<'static, str>>,
        /// What is said.
        data: Json,
    },
    /// Any other notification about a call.
    Notify {
        /// The call it is about.
        call: CallId,
        /// The method's name.
        method: Cow<'static, str>,
        /// The parameters.
        params: Json,
    },
    /// The client may go and come back for the rest of a call's stream.
    Leave {
        /// The call it is about.
        call: CallId,
        /// After how long it should come back.
        retry: Duration,
    },
}

impl FromHandler {
    fn call(&self) -> CallId {
        match self {
            Self::Progress { call, .. }
            | Self::Log { call, .. }
            | Self::Notify { call, .. }
            | Self::Leave { call, .. } => *call,
        }
    }
}

/// A value that is written already.
#[derive(Debug, Clone)]
pub(crate) struct Json(pub(crate) Box<RawValue>);

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

/// A request to a legacy client that a handler waits for.
#[derive(Debug)]
pub(crate) struct Question {
    /// The call that it is asked for.
    pub(crate) call: CallId,
    /// The method's name.
    pub(crate) method: &'static str,
    /// The parameters.
    pub(crate) params: Option<Box<RawValue>>,
    /// Where the answer goes.
    pub(crate) reply: oneshot::Sender<Result<Box<RawValue>, ErrorObject>>,
}

/// What has changed since the driver last looked, each thing once.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) tools: bool,
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    /// Single resources.
    pub(crate) uris: BTreeSet<Arc<str>>,
    /// Tasks as they are now, by id; there are no more than a server has.
    pub(crate) tasks: BTreeMap<String, DetailedTask>,
}

impl Changes {
    /// How many resources are remembered at most; of more the client is told as of a changed list.
    const MOST: usize = 4096;
}

/// What the handlers of one connection share with the task that drives it.
///
/// Before the driver writes the answer of a call it drains the queue once more, so that the last
/// progress comes before the answer.
pub(crate) struct Connection {
    queue: Mutex<Vec<Queued>>,
    questions: Mutex<Vec<Question>>,
    changes: Mutex<Changes>,
    /// Whether something lies in `questions`, which is rare.
    asks: AtomicBool,
    /// Whether something lies in `changes`, which is rare.
    changed: AtomicBool,
    capacity: usize,
    interval: Duration,
    closed: AtomicBool,
    driver: AtomicWaker,
    room: Notify,
}

struct Queued {
    entry: FromHandler,
    /// Whether a newer entry of the same call may not take its place.
    lasting: bool,
}

impl Connection {
    /// How many entries wait at most, unless the driver says otherwise.
    pub(crate) const CAPACITY: usize = 256;
    /// The shortest time between two progress notifications of a call, unless the driver says
    /// otherwise.
    pub(crate) const INTERVAL: Duration = Duration::from_millis(50);

    /// A queue of at least one entry, and the shortest time between two rate-limited entries of
    /// one call.
    pub(crate) fn new(capacity: usize, interval: Duration) -> Self {
        Self {
            queue: Mutex::default(),
            questions: Mutex::default(),
            changes: Mutex::default(),
            asks: AtomicBool::new(false),
            changed: AtomicBool::new(false),
            capacity: capacity.max(1),
            interval,
            closed: AtomicBool::new(false),
            driver: AtomicWaker::new(),
            room: Notify::new(),
        }
    }

    /// The shortest time between two rate-limited entries of one call.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// Queues what `entry` makes for `call`, if it makes anything, and says whether it did.
    ///
    /// A full queue is first thinned to the newest entry of each call, those of
    /// [`push_when_free`](Self::push_when_free) apart. `entry` is asked only when there is room, and
    /// under the lock: what it decides by is in the same order as the queue. It must not come back
    /// here.
    pub(crate) fn push(&self, call: CallId, entry: impl FnOnce() -> Option<FromHandler>) -> bool {
        if self.is_closed() {
            return false;
        }
        let mut queue = self.lock();
        if queue.len() >= self.capacity {
            thin(&mut queue);
        }
        let mut replaced = None;
        if queue.len() >= self.capacity {
            replaced = queue.iter().position(|old| !old.lasting && old.entry.call() == call);
            if replaced.is_none() {
                return false;
            }
        }
        let Some(entry) = entry() else { return false };
        if let Some(old) = replaced {
            queue.remove(old);
        }
        queue.push(Queued { entry, lasting: false });
        drop(queue);
        self.driver.wake();
        true
    }

    /// Queues an entry that nothing newer replaces, if there is room.
    pub(crate) fn push_lasting(&self, entry: FromHandler) -> bool {
        let mut queue = self.lock();
        if self.is_closed() || queue.len() >= self.capacity {
            return false;
        }
        queue.push(Queued { entry, lasting: true });
        drop(queue);
        self.driver.wake();
        true
    }

    /// Whether [`push_lasting`](Self::push_lasting) would queue nothing.
    #[cfg(feature = "tracing-subscriber")]
    pub(crate) fn is_full(&self) -> bool {
        self.is_closed() || self.lock().len() >= self.capacity
    }

    /// Asks a legacy client and waits for what it answers.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the answer goes nowhere; the client is told when the call ends.
    pub(crate) async fn ask(
        &self,
        call: CallId,
        method: &'static str,
        params: Option<Box<RawValue>>,
    ) -> Result<Box<RawValue>, ErrorObject> {
        let (reply, answer) = oneshot::channel();
        {
            let question = Question { call, method, params, reply };
            let mut questions = guard(&self.questions);
            // Looked at under the lock: what comes after the end would never be taken out.
            if !self.is_closed() {
                // No more than one round for each call in flight: nobody can flood this.
                questions.push(question);
            }
        }
        self.asks.store(true, Ordering::Release);
        self.driver.wake();
        if self.is_closed() {
            // Nobody takes it out any more.
            guard(&self.questions).clear();
        }
        answer.await.unwrap_or_else(|_| Err(ErrorObject::internal("the client is gone")))
    }

    /// Notes what changed, for the driver to tell.
    pub(crate) fn change(&self, note: impl FnOnce(&mut Changes)) {
        let mut changes = guard(&self.changes);
        note(&mut changes);
        if changes.uris.len() > Changes::MOST {
            changes.uris.clear();
            changes.resources = true;
        }
        drop(changes);
        self.changed.store(true, Ordering::Release);
        self.driver.wake();
    }

    /// Takes the questions that came up since this was last asked.
    pub(crate) fn take_questions(&self) -> Vec<Question> {
        match self.asks.swap(false, Ordering::AcqRel) {
            true => std::mem::take(&mut *guard(&self.questions)),
            false => Vec::new(),
        }
    }

    /// Takes what has changed since this was last asked.
    pub(crate) fn take_changes(&self) -> Option<Changes> {
        let changed = self.changed.swap(false, Ordering::AcqRel);
        changed.then(|| std::mem::take(&mut *guard(&self.changes)))
    }

    /// Queues what `entry` makes, if it makes anything, as soon as there is room; it stays in the
    /// queue until it is drained.
    ///
    /// `entry` is asked as in [`push`](Self::push). Returns at once when the connection is closed.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped before it is ready has queued nothing.
    pub(crate) async fn push_when_free(&self, entry: impl FnOnce() -> Option<FromHandler>) {
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            // Registered before the look into the queue: room made in between is not missed.
            room.as_mut().enable();
            if self.is_closed() {
                return;
            }
            {
                let mut queue = self.lock();
                if queue.len() < self.capacity {
                    let Some(entry) = entry() else { return };
                    queue.push(Queued { entry, lasting: true });
                    drop(queue);
                    self.driver.wake();
                    return;
                }
            }
            room.await;
        }
    }

    /// Passes on to another connection what is queued and fits there.
    pub(crate) fn pass_on(&self, to: &Self) {
        let mut queued = Vec::new();
        self.drain(&mut queued);
        for entry in queued {
            to.push_lasting(entry);
        }
    }

    /// Moves everything that is queued to the end of `into`, oldest first.
    pub(crate) fn drain(&self, into: &mut Vec<FromHandler>) {
        let mut queue = self.lock();
        if queue.is_empty() {
            return;
        }
        into.extend(queue.drain(..).map(|queued| queued.entry));
        drop(queue);
        self.room.notify_waiters();
    }

    /// Moves what is queued of one call to the end of `into`, oldest first.
    pub(crate) fn drain_call(&self, call: CallId, into: &mut Vec<FromHandler>) {
        let mut queue = self.lock();
        let before = into.len();
        let of_call = queue.extract_if(.., |queued| queued.entry.call() == call);
        into.extend(of_call.map(|queued| queued.entry));
        drop(queue);
        if into.len() > before {
            self.room.notify_waiters();
        }
    }

    /// Names the task to wake when something is queued. Register first, then drain.
    pub(crate) fn register(&self, driver: &Waker) {
        self.driver.register(driver);
    }

    /// Ends the way out: what is pushed from now on is dropped, and nobody waits for room.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        guard(&self.questions).clear();
        self.room.notify_waiters();
    }

    /// Whether [`close`](Self::close) was called.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Queued>> {
        // No code that can panic runs under the lock in a way that leaves the list inconsistent.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Connection {
    fn default() -> Self {
        Self::new(Self::CAPACITY, Self::INTERVAL)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("queued", &self.lock().len())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // As above: every change is whole before anything can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes progress that newer progress of the same call replaces.
fn thin(queue: &mut Vec<Queued>) {
    let mut seen = HashSet::new();
    let replaces = |entry: &FromHandler| matches!(entry, FromHandler::Progress { .. });
    let mut keep: Vec<bool> = queue
        .iter()
        .rev()
        .map(|Queued { entry, lasting }| {
            let newest = !replaces(entry) || seen.insert(entry.call());
            newest || *lasting
        })
        .collect();
    queue.retain(|_| keep.pop().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    fn progress(call: u32, progress: f64) -> FromHandler {
        FromHandler::Progress {
            call: CallId::from_number(call),
            progress,
            total: None,
            message: None,
        }
    }

    fn push(connection: &Connection, entry: FromHandler) -> bool {
        connection.push(entry.call(), || Some(entry))
    }

    fn drained(connection: &Connection) -> Vec<FromHandler> {
        let mut out = Vec::new();
        connection.drain(&mut out);
        out
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn what_is_pushed_wakes_the_driver_and_keeps_its_order() {
        let connection = Connection::default();
        let wakes = Arc::new(Wakes::default());
        connection.register(&Waker::from(Arc::clone(&wakes)));
        assert!(push(&connection, progress(1, 1.0)));
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        assert!(push(&connection, progress(2, 1.0)));
        assert_eq!(drained(&connection), [progress(1, 1.0), progress(2, 1.0)]);
        assert_eq!(drained(&connection), []);
    }

    #[test]
    fn a_full_queue_keeps_the_newest_of_each_call() {
        let connection = Connection::new(3, Duration::ZERO);
        for value in 1..=3 {
            assert!(push(&connection, progress(1, f64::from(value))));
        }
        assert!(push(&connection, progress(2, 1.0)));
        assert!(push(&connection, progress(1, 4.0)));
        assert!(push(&connection, progress(1, 5.0)));
        assert_eq!(drained(&connection), [progress(2, 1.0), progress(1, 4.0), progress(1, 5.0)]);
    }

    #[test]
    fn a_queue_full_of_newest_entries_still_takes_newer_ones() {
        let connection = Connection::new(2, Duration::ZERO);
        assert!(push(&connection, progress(1, 1.0)));
        assert!(push(&connection, progress(2, 1.0)));
        assert!(push(&connection, progress(1, 2.0)));
        assert!(!connection.push(CallId::from_number(1), || None));
        assert_eq!(drained(&connection), [progress(2, 1.0), progress(1, 2.0)]);
    }

    #[test]
    fn a_queue_full_of_other_calls_takes_nothing() {
        let connection = Connection::new(2, Duration::ZERO);
        assert!(push(&connection, progress(1, 1.0)));
        assert!(push(&connection, progress(2, 1.0)));
        assert!(!push(&connection, progress(3, 1.0)));
    }

    #[test]
    fn a_log_message_takes_the_place_of_no_progress() {
        let connection = Connection::new(3, Duration::ZERO);
        let log = FromHandler::Log {
            call: CallId::from_number(1),
            level: LoggingLevel::Info,
            logger: None,
            data: Json(RawValue::from_string("7".to_owned()).unwrap()),
        };
        assert!(push(&connection, progress(1, 1.0)));
        assert!(push(&connection, progress(1, 2.0)));
        assert!(connection.push_lasting(log.clone()));
        assert!(push(&connection, progress(2, 1.0)));
        assert_eq!(drained(&connection), [progress(1, 2.0), log, progress(2, 1.0)]);
    }

    #[tokio::test]
    async fn a_question_after_the_end_is_answered_at_once() {
        let connection = Connection::default();
        let asked = connection.ask(CallId::from_number(1), "roots/list", None);
        let mut asked = Box::pin(asked);
        assert!(asked.as_mut().now_or_never().is_none());
        connection.close();
        assert!(asked.await.is_err());
        assert!(connection.ask(CallId::from_number(1), "roots/list", None).await.is_err());
    }

    #[tokio::test]
    async fn lasting_entries_wait_for_room_and_are_never_replaced() {
        let connection = Arc::new(Connection::new(2, Duration::ZERO));
        connection.push_when_free(|| Some(progress(1, 1.0))).await;
        connection.push_when_free(|| Some(progress(1, 2.0))).await;
        let mut third = Box::pin(connection.push_when_free(|| Some(progress(1, 3.0))));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(!push(&connection, progress(1, 4.0)));
        assert_eq!(drained(&connection), [progress(1, 1.0), progress(1, 2.0)]);
        third.await;
        assert_eq!(drained(&connection), [progress(1, 3.0)]);
    }

    #[test]
    fn one_call_can_be_drained_alone() {
        let connection = Connection::default();
        for (call, value) in [(1, 1.0), (2, 1.0), (1, 2.0)] {
            assert!(push(&connection, progress(call, value)));
        }
        let mut out = Vec::new();
        connection.drain_call(CallId::from_number(1), &mut out);
        assert_eq!(out, [progress(1, 1.0), progress(1, 2.0)]);
        assert_eq!(drained(&connection), [progress(2, 1.0)]);
    }

    #[tokio::test]
    async fn closing_releases_whoever_waits() {
        let connection = Connection::new(1, Duration::ZERO);
        assert!(push(&connection, progress(1, 1.0)));
        let mut waiting = Box::pin(connection.push_when_free(|| Some(progress(2, 1.0))));
        assert!(waiting.as_mut().now_or_never().is_none());
        connection.close();
        waiting.await;
        assert!(!push(&connection, progress(1, 2.0)));
    }
}
