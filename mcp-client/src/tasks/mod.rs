//! Tasks: calls that a server goes on with after it has answered.
//!
//! Owns the client's half of the extension `io.modelcontextprotocol/tasks` (SEP-2663): a call that is
//! answered with a task is driven to its end (`drive.rs`), and the typed requests for whoever does
//! that by themselves. It does not know how a task is kept.

mod drive;

use mcp_core::types::{
    CallToolResult, CancelTaskRequestParams, CreateTaskResult, GetTaskRequestParams, GetTaskResult,
    InputResponses, TASK_RESULT_TYPE, TASKS_EXTENSION, UpdateTaskRequestParams,
};
use mcp_core::{Error, ExtensionId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

pub(crate) use drive::drive;

use crate::call::Call;
use crate::client::Client;
use crate::{decode, params};

/// The extension of tasks (SEP-2663).
pub const TASKS: ExtensionId = ExtensionId::new(TASKS_EXTENSION);

/// How a call began that may go on as a task.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Begun {
    /// The server goes on with it as this task.
    Task(CreateTaskResult),
    /// It is over already.
    Done(CallToolResult),
}

impl Client {
    /// Calls a tool, and hands out the task that a server goes on with instead of waiting for its end.
    ///
    /// The client has to declare [`tasks`](crate::ClientBuilder::tasks); whether there is a task is for
    /// the server to say. Keep its id to find it again after a restart. [`call`](Self::call) and
    /// [`call_tool`](Self::call_tool) need none of this: they wait for the end.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn encode(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// use mcp_client::Begun;
    /// use mcp_client::types::TaskDetail;
    /// use serde_json::json;
    ///
    /// let begun = client.begin_tool("encode", json!({ "title": "nosferatu" })).await?;
    /// if let Begun::Task(created) = begun {
    ///     let id = created.task.task_id;
    ///     let now = client.get_task(&id).await?.task;
    ///     if let TaskDetail::Working = now.detail() {
    ///         client.cancel_task(&id).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin_tool(&self, name: &str, arguments: impl Serialize) -> Call<Begun> {
        let params = params::tool_call(name, &arguments);
        self.send("tools/call", params, decode::whole).taking_any_result()
    }

    /// Asks how far a task is: with its result once it is over, and with what it asks while it does.
    ///
    /// Wait for the task's `poll_interval_ms` before asking again.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request); [`Error::Peer`] when there is no such task, or not for this
    /// caller, or no longer.
    pub fn get_task(&self, id: impl Into<String>) -> Call<GetTaskResult> {
        self.request(TASKS, "tasks/get", GetTaskRequestParams::new(id))
    }

    /// Answers what a task asks, by the keys of its questions.
    ///
    /// # Errors
    ///
    /// As [`get_task`](Self::get_task). The server passes over answers under keys that it does not
    /// wait for.
    pub fn update_task(&self, id: impl Into<String>, answers: InputResponses) -> Call<()> {
        self.of_tasks("tasks/update", &UpdateTaskRequestParams::new(id, answers))
    }

    /// Asks the server to call a task off. It may come to another end all the same.
    ///
    /// # Errors
    ///
    /// As [`get_task`](Self::get_task).
    pub fn cancel_task(&self, id: impl Into<String>) -> Call<()> {
        self.of_tasks("tasks/cancel", &CancelTaskRequestParams::new(id))
    }

    /// Makes a request whose answer says nothing but that it was taken.
    fn of_tasks(&self, method: &'static str, params: &impl Serialize) -> Call<()> {
        let params = self.declares(&TASKS, method).and_then(|()| params::object(method, params));
        self.send(method, params, decode::nothing)
    }
}

impl<'de> Deserialize<'de> for Begun {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            result_type: Option<String>,
        }
        // The text is looked at twice, so that raw values inside keep what they are.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let kind: Kind = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        match kind.result_type.as_deref() {
            Some(TASK_RESULT_TYPE) => serde_json::from_str(raw.get()).map(Self::Task),
            _ => serde_json::from_str(raw.get()).map(Self::Done),
        }
        .map_err(D::Error::custom)
    }
}

/// Reads what a server answers that goes on with a call as a task.
pub(crate) fn created(result: &str) -> Result<CreateTaskResult, Error> {
    serde_json::from_str(result)
        .map_err(|problem| Error::PeerMisbehaved(format!("malformed task: {problem}")))
}
