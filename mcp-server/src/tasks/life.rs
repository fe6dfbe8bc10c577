//! The life of one task: its handler runs, asks, is answered and ends; then its result is kept.
//!
//! A life is the only one that writes its record. It runs by itself, and ends when the task expires,
//! or when nobody can reach it any more.

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types::{CallToolResult, InputRequests, Meta, RawObject, TaskDetail};
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::clock::Clock;
use super::record::TaskRecord;
use super::runner::{CALLED_OFF, Command};
use super::store::TaskStore;
use crate::ask::{Answer, Asking, InputRequired};
use crate::connection::{Connection, FromHandler};
use crate::outcome::Outcome;
use crate::server::Inner;

/// A handler on its way to its end, or to a question.
pub(super) type Run = BoxFuture<'static, (Asking, Result<InputRequired, Outcome>)>;

/// One task.
pub(super) struct Life {
    /// The server whose task it is. It does not keep the server alive.
    pub(super) desk: Weak<Inner>,
    pub(super) store: Arc<dyn TaskStore>,
    pub(super) clock: Arc<Clock>,
    pub(super) record: TaskRecord,
    pub(super) commands: mpsc::Receiver<Command>,
    /// What the handler says.
    pub(super) connection: Arc<Connection>,
}

/// How the work on a task ended.
enum End {
    Over(TaskDetail),
    CalledOff(oneshot::Sender<()>),
    /// Nobody wants it any more.
    Unwanted,
}

/// What happens to a handler that runs.
enum Step {
    Ended(Box<Asking>, Result<InputRequired, Outcome>),
    Panicked(Box<dyn Any + Send>),
    Said(String),
    Told(Option<Command>),
}

impl Life {
    /// Lives until the task expires; `created` hears when it is kept.
    pub(super) async fn live(
        mut self,
        run: Run,
        created: oneshot::Sender<io::Result<()>>,
        ttl: Duration,
    ) {
        let kept = self.store.insert(self.record.clone()).await;
        let is_kept = kept.is_ok();
        // Where nobody listens any more, the call that makes the task was cancelled.
        if created.send(kept).is_ok() && is_kept {
            let expired = tokio::time::timeout(ttl, self.until_forgotten(run)).await.is_err();
            if expired && !self.record.is_over() {
                let error = ErrorObject::internal("the task was not over when it expired");
                self.become_now(TaskDetail::Failed(error), Some("expired".to_owned()));
                self.tell();
            }
        }
        if is_kept && let Err(error) = self.store.remove(self.record.id()).await {
            tracing::error!(target: "mcp::server", %error, "the store of tasks failed");
        }
    }

    /// Works, and keeps the result for as long as somebody may ask for it.
    async fn until_forgotten(&mut self, run: Run) {
        let (detail, reply) = match self.work(run).await {
            End::Over(detail) => (detail, None),
            End::CalledOff(reply) => (TaskDetail::Cancelled, Some(reply)),
            End::Unwanted => return,
        };
        self.settle(detail).await;
        if let Some(reply) = reply {
            let _ = reply.send(());
        }
        while let Some(command) = self.commands.recv().await {
            self.answer_late(command);
        }
    }

    /// Runs the handler until it does not ask any more.
    async fn work(&mut self, mut run: Run) -> End {
        let mut issued = HashSet::new();
        loop {
            let (mut asking, ended) = match self.run(run).await {
                Ok(ended) => ended,
                Err(end) => return end,
            };
            let left = match ended {
                Ok(left) => left,
                Err(outcome) => return End::Over(detail(outcome)),
            };
            let mut next = match asking.next(&left) {
                Ok(next) => next,
                Err(error) => return End::Over(TaskDetail::Failed(error)),
            };
            // A key stands for one question as long as the task lives, whatever the handler calls it.
            let mut open = BTreeMap::new();
            let mut requests = InputRequests::new();
            for (key, request) in left.requests().iter() {
                let name = name(key, &mut issued);
                requests.insert(name.clone(), request.clone());
                open.insert(name, key.to_owned());
            }
            let answers = match self.ask(requests, open).await {
                Ok(answers) => answers,
                Err(end) => return end,
            };
            for (key, answer) in answers {
                next.answer(&key, answer);
            }
            asking.call.earlier = Some(Arc::new(next));
            run = Box::pin(asking.part());
        }
    }

    /// Runs the handler once, and keeps how far it says to be.
    async fn run(
        &mut self,
        mut run: Run,
    ) -> Result<(Box<Asking>, Result<InputRequired, Outcome>), End> {
        loop {
            match poll_fn(|cx| self.poll_step(cx, &mut run)).await {
                Step::Ended(asking, ended) => return Ok((asking, ended)),
                Step::Panicked(panic) => {
                    let said = panic.downcast_ref::<&str>().copied();
                    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
                    tracing::error!(target: "mcp::server", panic = said, "the handler of a task panicked");
                    let error = ErrorObject::internal("internal error");
                    return Err(End::Over(TaskDetail::Failed(error)));
                }
                Step::Said(message) => {
                    self.become_now(TaskDetail::Working, Some(message));
                    self.save().await?;
                }
                Step::Told(None) => return Err(End::Unwanted),
                Step::Told(Some(Command::Cancel(reply))) => return Err(End::CalledOff(reply)),
                Step::Told(Some(other)) => self.answer_late(other),
            }
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>, run: &mut Run) -> Poll<Step> {
        self.connection.register(cx.waker());
        match catch_unwind(AssertUnwindSafe(|| run.as_mut().poll(cx))) {
            Ok(Poll::Ready((asking, ended))) => {
                return Poll::Ready(Step::Ended(Box::new(asking), ended));
            }
            Ok(Poll::Pending) => {}
            Err(panic) => return Poll::Ready(Step::Panicked(panic)),
        }
        let mut said = Vec::new();
        self.connection.drain(&mut said);
        // Tasks have neither log messages nor notifications of their own (SEP-2663, "Task Status
        // Notifications").
        if let Some(message) = said.into_iter().rev().find_map(progress) {
            return Poll::Ready(Step::Said(message));
        }
        self.commands.poll_recv(cx).map(Step::Told)
    }

    /// Waits for the answers to all of this: by the keys of the handler.
    async fn ask(
        &mut self,
        mut requests: InputRequests,
        mut open: BTreeMap<String, String>,
    ) -> Result<Vec<(String, Answer)>, End> {
        let mut answers = Vec::new();
        while !open.is_empty() {
            let message = self.record.task().task().status_message.clone();
            self.become_now(TaskDetail::InputRequired(requests.clone()), message);
            self.save().await?;
            let (responses, reply) = loop {
                match self.commands.recv().await {
                    None => return Err(End::Unwanted),
                    Some(Command::Cancel(reply)) => return Err(End::CalledOff(reply)),
                    Some(Command::Tell) => self.tell(),
                    Some(Command::Answers(responses, reply)) => break (responses, reply),
                }
            };
            // What was not asked, or is answered already, is passed over.
            for (name, response) in responses.iter() {
                if let Some(key) = open.remove(name) {
                    answers.push((key, Answer::Result(response.as_raw().to_owned())));
                }
            }
            requests = requests.into_iter().filter(|(name, _)| open.contains_key(name)).collect();
            if open.is_empty() {
                self.become_now(TaskDetail::Working, None);
                self.save().await?;
            }
            let _ = reply.send(());
        }
        Ok(answers)
    }

    /// The work is done: its end is kept.
    async fn settle(&mut self, mut detail: TaskDetail) {
        let bytes = match &detail {
            TaskDetail::Completed(result) => result.as_str().len(),
            _ => 0,
        };
        if let Some(server) = self.desk.upgrade()
            && let Some(tasks) = server.tasks()
            && let Err(error) = tasks.weigh(self.record.id(), bytes)
        {
            detail = TaskDetail::Failed(error);
        }
        let message = match &detail {
            TaskDetail::Failed(error) => Some(error.message.to_string()),
            TaskDetail::Cancelled => Some(CALLED_OFF.to_owned()),
            _ => None,
        };
        self.become_now(detail, message);
        // Whoever ended it elsewhere came first.
        let _ = self.save().await;
    }

    fn become_now(&mut self, detail: TaskDetail, message: Option<String>) {
        self.record.become_at(self.clock.now(), detail, message);
    }

    /// Keeps how far the task is, and tells of it.
    async fn save(&self) -> Result<(), End> {
        match self.store.replace(self.record.clone()).await {
            Ok(true) => self.tell(),
            Ok(false) => return Err(End::Unwanted),
            Err(error) => {
                tracing::error!(target: "mcp::server", %error, "the store of tasks failed");
            }
        }
        Ok(())
    }

    fn tell(&self) {
        if let Some(server) = self.desk.upgrade() {
            server.tell_task(self.record.task());
        }
    }

    /// Answers a command that changes nothing any more, or not yet.
    fn answer_late(&self, command: Command) {
        match command {
            Command::Cancel(reply) | Command::Answers(_, reply) => drop(reply.send(())),
            Command::Tell => self.tell(),
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Some(server) = self.desk.upgrade()
            && let Some(tasks) = server.tasks()
        {
            tasks.forget(self.record.id());
        }
    }
}

/// A name for a question that no other question of the task has had.
fn name(key: &str, issued: &mut HashSet<String>) -> String {
    let again = (2_u32..).map(|turn| format!("{key}.{turn}"));
    let mut names = std::iter::once(key.to_owned()).chain(again);
    let name = names.find(|name| !issued.contains(name)).expect("there are more names than rounds");
    issued.insert(name.clone());
    name
}

/// What a handler says of how far it is.
fn progress(said: FromHandler) -> Option<String> {
    let FromHandler::Progress { progress, total, message, .. } = said else { return None };
    Some(match (message, total) {
        (Some(message), _) => message,
        (None, Some(total)) => format!("{progress} of {total}"),
        (None, None) => progress.to_string(),
    })
}

/// What an outcome is as the end of a task: what the call would have been answered with.
fn detail(outcome: Outcome) -> TaskDetail {
    let result = match outcome {
        Outcome::Complete(result) => result,
        Outcome::Error(error) => return TaskDetail::Failed(error),
        _ => return TaskDetail::Failed(ErrorObject::internal("the tool gave no result of a tool")),
    };
    #[derive(Serialize)]
    struct WithMeta<'a> {
        #[serde(flatten)]
        result: &'a CallToolResult,
        #[serde(rename = "_meta")]
        meta: &'a Meta,
    }
    let written = match &result.meta {
        None => RawObject::new(&result),
        Some(meta) => RawObject::new(&WithMeta { result: &result, meta }),
    };
    match written {
        Ok(result) => TaskDetail::Completed(result),
        Err(error) => {
            tracing::error!(target: "mcp::server", %error, "a result could not be written");
            TaskDetail::Failed(ErrorObject::internal("the result cannot be written as JSON"))
        }
    }
}
