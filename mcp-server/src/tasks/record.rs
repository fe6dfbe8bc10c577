//! What is kept of a task, and whose it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_core::Negotiated;
use mcp_core::profile::{NegotiatedProfiles, ProfileUrl};
use mcp_core::types::{DetailedTask, Task, TaskDetail};
use serde::{Deserialize, Serialize};

use super::clock::{iso, millis};

/// A task as a [`TaskStore`](crate::TaskStore) keeps it.
///
/// It serialises, so that a store can write it as it is and need not know what is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskRecord {
    pub(super) task: DetailedTask,
    /// Milliseconds since 1970-01-01 UTC.
    expires: u64,
    owner: Owner,
    /// The profiles in force when it was made.
    profiles: Vec<String>,
}

/// Who made a task.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Owner {
    tenant: String,
    /// The local caller has none.
    principal: Option<String>,
}

impl TaskRecord {
    pub(super) fn new(
        id: String,
        now: SystemTime,
        ttl: Duration,
        poll_interval: Duration,
        negotiated: &Negotiated,
    ) -> Self {
        let task = Task::new(id, iso(now))
            .with_ttl_ms(millis(ttl))
            .with_poll_interval_ms(millis(poll_interval));
        let now = millis(now.duration_since(UNIX_EPOCH).unwrap_or_default());
        Self {
            task: DetailedTask::new(task, TaskDetail::Working),
            expires: now.saturating_add(millis(ttl)),
            owner: Owner::of(negotiated),
            profiles: negotiated.profiles().iter().map(|url| url.as_str().to_owned()).collect(),
        }
    }

    /// What names the task: 32 hexadecimal digits, too many to be guessed.
    pub fn id(&self) -> &str {
        &self.task.task().task_id
    }

    /// The task as its client is told of it.
    pub fn task(&self) -> &DetailedTask {
        &self.task
    }

    /// Whether the task will not change any more.
    pub fn is_over(&self) -> bool {
        self.task.status().is_terminal()
    }

    /// When the task may be forgotten.
    pub fn expires(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.expires)).unwrap_or(UNIX_EPOCH)
    }

    /// Whether the task is of this caller.
    pub(super) fn is_of(&self, caller: &Negotiated) -> bool {
        self.owner.is(caller)
    }

    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The profiles in force when it was made.
    pub(super) fn profiles(&self) -> NegotiatedProfiles {
        self.profiles.iter().filter_map(|url| ProfileUrl::parse(url).ok()).collect()
    }

    /// The task has come so far, and says so with this message.
    pub(super) fn become_at(
        &mut self,
        now: SystemTime,
        detail: TaskDetail,
        message: Option<String>,
    ) {
        let mut task = self.task.task().clone().with_last_updated_at(iso(now));
        task.status_message = message;
        self.task = DetailedTask::new(task, detail);
    }
}

impl Owner {
    pub(super) fn of(caller: &Negotiated) -> Self {
        Self {
            tenant: caller.tenant().as_str().to_owned(),
            principal: caller.principal().id().map(str::to_owned),
        }
    }

    pub(super) fn is(&self, caller: &Negotiated) -> bool {
        self.tenant == caller.tenant().as_str()
            && self.principal.as_deref() == caller.principal().id()
    }
}
