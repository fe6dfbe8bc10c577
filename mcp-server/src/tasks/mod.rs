//! Tasks: calls that a server goes on with after it has answered.
//!
//! Owns what the extension `io.modelcontextprotocol/tasks` (SEP-2663) says of servers: which calls
//! become tasks ([`TaskMode`]), how they are kept ([`TaskStore`]), run, asked about and called off.
//! It does not know what a tool does; a handler cannot tell that it runs in a task.
//!
//! A task is bound to the tenant, the principal and the profiles of the call that made it: limits and
//! settings are those of its beginning, for others it does not exist, and when a profile of it is no
//! longer in force, it is refused with code 1004.

mod clock;
mod life;
mod methods;
mod record;
mod runner;
mod store;

use std::sync::Arc;
use std::time::Duration;

use mcp_core::ExtensionId;
use mcp_core::types::TASKS_EXTENSION;

pub use record::TaskRecord;
pub(crate) use runner::{Desk, TaskRunner};
pub use store::{TaskStore, TasksInMemory};

use crate::extension::Extension;

/// The extension of tasks (SEP-2663).
pub const TASKS: ExtensionId = ExtensionId::new(TASKS_EXTENSION);

/// Whether calls of a tool become tasks.
///
/// A call becomes one when its handler has to wait for something, and the client declared the
/// extension. A handler that ends, or asks, before it waits for the first time is answered as any
/// other. The extension exists since 2026-07-28: before, no call becomes a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TaskMode {
    /// Calls do not become tasks.
    #[default]
    Forbidden,
    /// Calls become tasks where the client declared the extension; other clients wait for the answer.
    Optional,
    /// As [`Optional`](Self::Optional); clients that did not declare the extension are refused.
    Required,
}

/// How a server keeps tasks; see [`Builder::tasks`](crate::Builder::tasks).
///
/// Everything has a bound. Whoever is at one may make a new task when an old one has expired; a task
/// that is over and was looked at since gives way by itself.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use mcp_server::{CallContext, Server, TaskMode, Tasks, Tool};
///
/// let encode = Tool::new("encode").task(TaskMode::Optional).params(["title"]).handler(
///     async |title: String, ctx: CallContext| {
///         for reel in 1..=6_u32 {
///             tokio::time::sleep(Duration::from_secs(10)).await;
///             ctx.progress_message(reel, 6_u32, format!("reel {reel} of {title}"));
///         }
///         format!("{title} is encoded")
///     },
/// );
/// let tasks = Tasks::new().ttl(Duration::from_secs(600)).poll_interval(Duration::from_secs(2));
/// let server = Server::builder("vidsrus", "1.0").tool(encode).tasks(tasks).build()?;
/// # let _ = server;
/// # Ok::<(), mcp_server::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "it does nothing until it is given to a server"]
pub struct Tasks {
    ttl: Duration,
    poll_interval: Duration,
    most: usize,
    most_per_caller: usize,
    bytes: usize,
    store: Arc<dyn TaskStore>,
}

impl Tasks {
    /// Tasks in the memory of this process: each for an hour, 256 of one caller, 4,096 and 64 MiB of
    /// all.
    pub fn new() -> Self {
        Self {
            ttl: Duration::from_secs(60 * 60),
            poll_interval: Duration::from_secs(1),
            most: 4096,
            most_per_caller: 256,
            bytes: 64 * 1024 * 1024,
            store: Arc::new(TasksInMemory::default()),
        }
    }

    /// How long a task is kept after it was made; one that is not over by then is called off.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// How long clients should wait before they ask again.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Most tasks at a time, of all callers.
    pub fn most(mut self, tasks: usize) -> Self {
        self.most = tasks;
        self
    }

    /// Most tasks of one caller at a time.
    pub fn most_per_caller(mut self, tasks: usize) -> Self {
        self.most_per_caller = tasks;
        self
    }

    /// Most bytes of arguments and results that all tasks together keep.
    ///
    /// A task whose result is beyond that fails, with an error that names the limit.
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Where tasks are kept; in the memory of this process unless set.
    pub fn store(mut self, store: impl TaskStore) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// The extension as it is declared and called, over the runner that it talks to.
    pub(crate) fn extension() -> Extension {
        methods::add_to(Extension::new(TASKS).modern_only())
    }
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}
