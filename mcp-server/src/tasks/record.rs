//! What is kept of a task, and whose it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_core::profile::{NegotiatedProfiles, ProfileUrl};
use mcp_core::types::{DetailedTask, Task, TaskDetail};
use mcp_core::{Negotiated, Principal};
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
    principal: Who,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Who {
    Local,
    /// Somebody who was not identified.
    Anonymous,
    Id(String),
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
        Self { tenant: caller.tenant().as_str().to_owned(), principal: Who::of(caller.principal()) }
    }

    pub(super) fn is(&self, caller: &Negotiated) -> bool {
        self.tenant == caller.tenant().as_str()
            && match &self.principal {
                Who::Local => caller.principal().is_local(),
                Who::Anonymous => caller.principal().is_anonymous(),
                Who::Id(id) => caller.principal().id() == Some(id),
            }
    }
}

impl Who {
    fn of(principal: &Principal) -> Self {
        match principal.id() {
            Some(id) => Self::Id(id.to_owned()),
            None if principal.is_local() => Self::Local,
            None => Self::Anonymous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::negotiated_by;

    #[test]
    fn task_belongs_to_the_caller_that_made_it_and_to_nobody_else() {
        let callers = || {
            [Principal::local(), Principal::anonymous(), Principal::new(""), Principal::new("ada")]
        };
        for (made, maker) in callers().into_iter().enumerate() {
            let maker = negotiated_by(maker, &[]);
            let second = Duration::from_secs(1);
            let record = TaskRecord::new("t".into(), UNIX_EPOCH, second, second, &maker);
            let text = serde_json::to_string(&record).unwrap();
            let record: TaskRecord = serde_json::from_str(&text).unwrap();
            for (asked, caller) in callers().into_iter().enumerate() {
                assert_eq!(record.is_of(&negotiated_by(caller, &[])), made == asked, "{text}");
            }
        }
    }
}
