//! The tasks that a server runs: how many there may be, and how they are reached.
//!
//! Owns the bounds and the way to each task that lives in this process. What a task is doing, its own
//! [`Life`] knows; how far it has come, the store does.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Poll;

use futures_util::future::BoxFuture;
use mcp_core::Negotiated;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::NegotiatedProfiles;
use mcp_core::session::server::{InForce, ServerCall};
use mcp_core::types::{CreateTaskResult, InputResponses, TaskDetail};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::Tasks;
use super::clock::Clock;
use super::life::{Life, Run};
use super::record::{Owner, TaskRecord};
use crate::ask::{Asking, random};
use crate::connection::Connection;
use crate::outcome::{Outcome, ToolError};
use crate::server::Inner;

/// Runs the tasks of a server; when it is dropped, it drops them.
pub(crate) struct TaskRunner {
    settings: Tasks,
    clock: Arc<Clock>,
    living: Mutex<Living>,
}

/// Where handlers find the runner; it does not keep the runner alive, as tasks hold handlers.
#[derive(Debug, Clone)]
pub(crate) struct Desk(pub(crate) Weak<TaskRunner>);

/// What a task is told.
#[derive(Debug)]
pub(super) enum Command {
    /// Its client calls it off; the reply comes when the handler is gone.
    Cancel(oneshot::Sender<()>),
    /// Its client has answered.
    Answers(InputResponses, oneshot::Sender<()>),
    /// Somebody wants to hear how far it is.
    Tell,
}

#[derive(Default)]
struct Living {
    tasks: HashMap<String, Live>,
    bytes: usize,
    /// How many tasks there have been.
    made: u64,
}

/// The way to a task, from its beginning until it expires.
struct Live {
    owner: Owner,
    profiles: NegotiatedProfiles,
    commands: mpsc::Sender<Command>,
    /// Set as soon as it runs.
    abort: Option<AbortHandle>,
    bytes: usize,
    /// The older, the less.
    made: u64,
    is_over: bool,
    /// Its client has looked at it since it was over.
    is_seen: bool,
}

impl TaskRunner {
    pub(crate) fn new(settings: Tasks) -> Arc<Self> {
        Arc::new(Self { settings, clock: Arc::default(), living: Mutex::default() })
    }

    /// Makes a call, as a task if its handler has to wait.
    ///
    /// `caller` is the connection that the call came over: what the handler says before it waits goes
    /// there.
    pub(crate) fn begin(
        self: &Arc<Self>,
        server: Weak<Inner>,
        mut asking: Asking,
        caller: Arc<Connection>,
    ) -> BoxFuture<'static, Outcome> {
        let runner = Arc::clone(self);
        // How far a task is, it keeps; nobody can be told of it through the call that made it.
        let connection = Arc::new(Connection::new(QUEUE, caller.interval()));
        asking.call.connection = Arc::clone(&connection);
        asking.call.wants_progress = true;
        let negotiated = asking.call.negotiated.clone();
        let arguments = asking.call.arguments.as_ref().map_or(0, |raw| raw.get().len());
        Box::pin(async move {
            let mut run: Run = Box::pin(asking.part());
            let first = poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx))).await;
            if let Poll::Ready((asking, ended)) = first {
                connection.pass_on(&caller);
                return ended.map_or_else(|outcome| outcome, |left| asking.leave(left));
            }
            match runner.keep(server, run, connection, &negotiated, arguments).await {
                Ok(task) => Outcome::Task(task),
                Err(outcome) => outcome,
            }
        })
    }

    /// Makes a task of a handler that runs.
    async fn keep(
        &self,
        server: Weak<Inner>,
        run: Run,
        connection: Arc<Connection>,
        negotiated: &Negotiated,
        arguments: usize,
    ) -> Result<CreateTaskResult, Outcome> {
        let id = random::<16>().map(|byte| format!("{byte:02x}")).concat();
        let Tasks { ttl, poll_interval, .. } = self.settings;
        let now = self.clock.now();
        let record = TaskRecord::new(id.clone(), now, ttl, poll_interval, negotiated);
        let task = record.task().task().clone();
        let (created, answer) = oneshot::channel();
        let (commands, received) = mpsc::channel(QUEUE);
        self.living().insert(&self.settings, &record, commands, arguments + RECORD)?;
        let life = Life {
            desk: server,
            store: Arc::clone(&self.settings.store),
            clock: Arc::clone(&self.clock),
            record,
            commands: received,
            connection,
        };
        let abort = tokio::spawn(life.live(run, created, ttl)).abort_handle();
        if let Some(live) = self.living().tasks.get_mut(&id) {
            live.abort = Some(abort);
        }
        match answer.await {
            Ok(Ok(())) => Ok(CreateTaskResult::new(task)),
            Ok(Err(error)) => {
                tracing::error!(target: "mcp::server", %error, "the store of tasks failed");
                Err(ErrorObject::internal("internal error").into())
            }
            Err(_) => Err(ErrorObject::internal("the server keeps no tasks any more").into()),
        }
    }

    /// The task of this id, if it exists for the caller.
    pub(super) async fn find(
        &self,
        id: &str,
        caller: &Negotiated,
        in_force: &InForce,
    ) -> Result<TaskRecord, ErrorObject> {
        let found = self.settings.store.get(id).await.map_err(|error| {
            tracing::error!(target: "mcp::server", %error, "the store of tasks failed");
            ErrorObject::internal("internal error")
        })?;
        let now = self.clock.now();
        let record = found
            .filter(|record| record.is_of(caller) && record.expires() > now)
            .ok_or_else(|| ErrorObject::invalid_params("unknown task, or one that has expired"))?;
        in_force.still_in_force(&record.profiles())?;
        Ok(record)
    }

    /// Notes that a client knows the end of a task.
    pub(super) fn seen(&self, record: &TaskRecord) {
        if record.is_over()
            && let Some(live) = self.living().tasks.get_mut(record.id())
        {
            live.is_seen = true;
        }
    }

    /// Calls a task off.
    pub(super) async fn cancel(&self, mut record: TaskRecord) {
        if let Some(commands) = self.commands(record.id()) {
            let (reply, done) = oneshot::channel();
            if commands.send(Command::Cancel(reply)).await.is_ok() {
                // No reply means that it was over already.
                let _ = done.await;
            }
        } else if !record.is_over() {
            // Another process may run it: it finds out when it has to say something.
            record.become_at(self.clock.now(), TaskDetail::Cancelled, Some(CALLED_OFF.to_owned()));
            if let Err(error) = self.settings.store.replace(record).await {
                tracing::error!(target: "mcp::server", %error, "the store of tasks failed");
            }
        }
    }

    /// Gives a task answers to what it asks.
    pub(super) async fn answer(
        &self,
        record: &TaskRecord,
        responses: InputResponses,
    ) -> Result<(), ErrorObject> {
        let Some(commands) = self.commands(record.id()) else {
            let elsewhere =
                "the task is not run by this process: send its requests to the one that does";
            return if record.is_over() { Ok(()) } else { Err(ErrorObject::internal(elsewhere)) };
        };
        let (reply, done) = oneshot::channel();
        if commands.send(Command::Answers(responses, reply)).await.is_ok() {
            let _ = done.await;
        }
        Ok(())
    }

    /// Whether the caller may hear of this task.
    pub(crate) fn may_hear(&self, call: &ServerCall<'_>, id: &str) -> bool {
        self.living().tasks.get(id).is_some_and(|live| {
            live.owner.is(&call.negotiated) && call.still_in_force(&live.profiles).is_ok()
        })
    }

    /// Lets a task say once more how far it is, to somebody who has just begun to listen.
    pub(crate) fn tell(&self, id: &str) {
        if let Some(commands) = self.commands(id) {
            // Where so many commands wait that there is no room, the task is about to speak anyway.
            let _ = commands.try_send(Command::Tell);
        }
    }

    /// Takes up room for the result of a task that is over; says whether there is enough.
    pub(super) fn weigh(&self, id: &str, bytes: usize) -> Result<(), ErrorObject> {
        let most = self.settings.bytes;
        let mut living = self.living();
        let Living { tasks, bytes: all, .. } = &mut *living;
        let Some(live) = tasks.get_mut(id) else { return Ok(()) };
        live.is_over = true;
        if all.saturating_add(bytes) > most {
            return Err(ErrorObject::internal(format!(
                "limit `bytes` of tasks reached: the result has {bytes} bytes, and all tasks may keep {most}"
            )));
        }
        live.bytes += bytes;
        *all += bytes;
        Ok(())
    }

    /// A task is gone.
    pub(super) fn forget(&self, id: &str) {
        let mut living = self.living();
        if let Some(live) = living.tasks.remove(id) {
            living.bytes -= live.bytes;
        }
    }

    /// Drops all tasks.
    pub(crate) fn end(&self) {
        let living = std::mem::take(&mut *self.living());
        living.tasks.values().filter_map(|live| live.abort.as_ref()).for_each(AbortHandle::abort);
    }

    fn commands(&self, id: &str) -> Option<mpsc::Sender<Command>> {
        self.living().tasks.get(id).map(|live| live.commands.clone())
    }

    fn living(&self) -> MutexGuard<'_, Living> {
        // Counts and table change together, and nothing between them can panic.
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Living {
    /// Takes in one more task, or says which limit is in the way.
    fn insert(
        &mut self,
        limits: &Tasks,
        record: &TaskRecord,
        commands: mpsc::Sender<Command>,
        bytes: usize,
    ) -> Result<(), ToolError> {
        let owner = record.owner();
        let of_owner = |live: &Live| live.owner == *owner;
        let own = self.tasks.values().filter(|live| of_owner(live)).count();
        if own >= limits.most_per_caller && !self.drop_one(of_owner) {
            return Err(at_limit("most_per_caller", limits.most_per_caller));
        }
        if self.tasks.len() >= limits.most && !self.drop_one(|_| true) {
            return Err(at_limit("most", limits.most));
        }
        while self.bytes.saturating_add(bytes) > limits.bytes {
            if !self.drop_one(|_| true) {
                return Err(at_limit("bytes", limits.bytes));
            }
        }
        self.bytes += bytes;
        self.made += 1;
        let live = Live {
            owner: owner.clone(),
            profiles: record.profiles(),
            commands,
            abort: None,
            bytes,
            made: self.made,
            is_over: false,
            is_seen: false,
        };
        self.tasks.insert(record.id().to_owned(), live);
        Ok(())
    }

    /// Drops the oldest of these tasks whose end is known to its client.
    fn drop_one(&mut self, of: impl Fn(&Live) -> bool) -> bool {
        let spent = self.tasks.iter().filter(|(_, live)| live.is_over && live.is_seen && of(live));
        let oldest = spent.min_by_key(|(_, live)| live.made).map(|(id, _)| id.clone());
        let dropped = oldest.and_then(|id| self.tasks.remove(&id));
        // Nobody can send it a command any more: that is how it learns.
        dropped.map(|live| self.bytes -= live.bytes).is_some()
    }
}

impl Drop for TaskRunner {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for TaskRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRunner").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Why a task that was called off is over.
pub(super) const CALLED_OFF: &str = "called off by the client";

/// How many commands, or pieces of news, wait for a task.
const QUEUE: usize = 8;

/// About what a record without arguments and result takes.
const RECORD: usize = 512;

fn at_limit(limit: &str, most: usize) -> ToolError {
    ToolError::new(format!(
        "limit `{limit}` of tasks reached: {most} are kept; fetch the results of tasks that are over, or wait until some expire"
    ))
}
