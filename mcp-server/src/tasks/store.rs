//! Where tasks are kept.
//!
//! Owns the trait of a store and the one in memory. A store keeps and gives back; it decides nothing.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, ready};

use super::record::TaskRecord;

/// Keeps tasks.
///
/// The one in memory, [`TasksInMemory`], forgets everything with its process. A store that is to
/// survive a restart keeps each record whole, under its [id](TaskRecord::id) and until it
/// [expires](TaskRecord::expires): then the results of tasks that were over can still be fetched, by
/// who made them. A task that was not over has lost its handler. It stays as it was until it expires
/// or its client calls it off, and handlers that must not get lost belong into a queue of jobs, with
/// the task waiting for the job.
///
/// A server removes what expires while it runs. What is left over from an earlier process the store
/// has to forget by itself.
pub trait TaskStore: Send + Sync + 'static {
    /// Keeps a new task. Once this is ready, [`get`](Self::get) must find it, wherever the client
    /// asks next.
    ///
    /// # Errors
    ///
    /// When it cannot be kept: then there is no task, and the call fails.
    fn insert(&self, task: TaskRecord) -> BoxFuture<'_, io::Result<()>>;

    /// The task of this id.
    ///
    /// # Errors
    ///
    /// When the store cannot tell.
    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, io::Result<Option<TaskRecord>>>;

    /// Replaces a task that is not over, and says whether there was one.
    ///
    /// Looking and replacing have to be one step: a task that is over stays as it is.
    ///
    /// # Errors
    ///
    /// When it cannot be kept; the task goes on.
    fn replace(&self, task: TaskRecord) -> BoxFuture<'_, io::Result<bool>>;

    /// Forgets the task of this id, if there is one.
    ///
    /// # Errors
    ///
    /// When the store cannot; that is logged.
    fn remove<'a>(&'a self, id: &'a str) -> BoxFuture<'a, io::Result<()>>;
}

impl fmt::Debug for dyn TaskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStore").finish_non_exhaustive()
    }
}

/// Tasks in the memory of this process.
///
/// How many there are is bounded by [`Tasks`](crate::Tasks), which makes and removes them.
#[derive(Debug, Default)]
pub struct TasksInMemory(Mutex<HashMap<String, TaskRecord>>);

impl TasksInMemory {
    fn tasks(&self) -> MutexGuard<'_, HashMap<String, TaskRecord>> {
        // Every change is one call of the map: a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TaskStore for TasksInMemory {
    fn insert(&self, task: TaskRecord) -> BoxFuture<'_, io::Result<()>> {
        self.tasks().insert(task.id().to_owned(), task);
        Box::pin(ready(Ok(())))
    }

    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, io::Result<Option<TaskRecord>>> {
        Box::pin(ready(Ok(self.tasks().get(id).cloned())))
    }

    fn replace(&self, task: TaskRecord) -> BoxFuture<'_, io::Result<bool>> {
        let replaced = match self.tasks().get_mut(task.id()) {
            Some(known) if !known.is_over() => {
                *known = task;
                true
            }
            _ => false,
        };
        Box::pin(ready(Ok(replaced)))
    }

    fn remove<'a>(&'a self, id: &'a str) -> BoxFuture<'a, io::Result<()>> {
        self.tasks().remove(id);
        Box::pin(ready(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use mcp_core::types::TaskDetail;

    use super::*;
    use crate::rig::negotiated;

    fn record(id: &str) -> TaskRecord {
        let (hour, second) = (Duration::from_secs(3600), Duration::from_secs(1));
        TaskRecord::new(id.to_owned(), UNIX_EPOCH, hour, second, &negotiated(&["https://h/a"]))
    }

    #[tokio::test]
    async fn what_is_over_is_not_replaced() {
        let store = TasksInMemory::default();
        store.insert(record("a")).await.unwrap();
        let mut over = record("a");
        over.become_at(UNIX_EPOCH, TaskDetail::Cancelled, None);
        assert!(store.replace(over).await.unwrap());
        assert!(!store.replace(record("a")).await.unwrap());
        assert!(store.get("a").await.unwrap().unwrap().is_over());
        assert!(!store.replace(record("b")).await.unwrap());
        store.remove("a").await.unwrap();
        assert!(store.get("a").await.unwrap().is_none());
    }

    #[test]
    fn a_record_survives_being_written() {
        let text = serde_json::to_string(&record("a")).unwrap();
        let back: TaskRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
        assert!(back.is_of(&negotiated(&[])));
        assert!(back.profiles().has("https://h/a"));
        assert_eq!(back.expires(), UNIX_EPOCH + Duration::from_secs(3600));
    }
}
