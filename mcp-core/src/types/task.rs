//! Tasks: calls that a server works on after it has answered.
//!
//! Specification: the extension `io.modelcontextprotocol/tasks` (SEP-2663). The experimental tasks of
//! 2025-11-25 are something else and have no types here. It does not know how tasks are kept.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use super::{InputRequests, InputResponses, Meta, RawObject};
use crate::jsonrpc::ErrorObject;

/// The identifier of the tasks extension.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// `resultType` of a result that is a task.
pub const TASK_RESULT_TYPE: &str = "task";

/// What is known of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Task {
    /// What names the task. Who knows it may be able to read the task, so it is hard to guess.
    pub task_id: String,
    /// How far the task is.
    pub status: TaskStatus,
    /// What is being done or has happened, for people and the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// When the task was made, in ISO 8601.
    pub created_at: String,
    /// When the task last changed, in ISO 8601.
    pub last_updated_at: String,
    /// For how many milliseconds after it was made the task is kept; `None`, in a message `null`, means
    /// without end.
    #[serde(deserialize_with = "maybe_null")]
    pub ttl_ms: Option<u64>,
    /// How many milliseconds the client should wait before it asks again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_interval_ms: Option<u64>,
}

impl Task {
    /// A task that is being worked on, made at `created_at` in ISO 8601, and kept without end.
    pub fn new(task_id: impl Into<String>, created_at: impl Into<String>) -> Self {
        let created_at = created_at.into();
        Self {
            task_id: task_id.into(),
            status: TaskStatus::Working,
            status_message: None,
            last_updated_at: created_at.clone(),
            created_at,
            ttl_ms: None,
            poll_interval_ms: None,
        }
    }

    /// Says what is being done or has happened.
    #[must_use]
    pub fn with_status_message(mut self, message: impl Into<String>) -> Self {
        self.status_message = Some(message.into());
        self
    }

    /// Says when the task last changed, in ISO 8601.
    #[must_use]
    pub fn with_last_updated_at(mut self, moment: impl Into<String>) -> Self {
        self.last_updated_at = moment.into();
        self
    }

    /// Says for how many milliseconds after it was made the task is kept.
    #[must_use]
    pub fn with_ttl_ms(mut self, millis: u64) -> Self {
        self.ttl_ms = Some(millis);
        self
    }

    /// Says how many milliseconds the client should wait before it asks again.
    #[must_use]
    pub fn with_poll_interval_ms(mut self, millis: u64) -> Self {
        self.poll_interval_ms = Some(millis);
        self
    }
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It is being worked on.
    Working,
    /// It waits for answers of the client.
    InputRequired,
    /// It is done. A tool that has failed is done too.
    Completed,
    /// It ended with a protocol error.
    Failed,
    /// It was called off.
    Cancelled,
}

impl TaskStatus {
    /// The status as it is written in a message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::InputRequired => "input_required",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the task will not change any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A task together with what belongs to its status.
#[derive(Clone, Debug)]
pub struct DetailedTask {
    task: Task,
    detail: TaskDetail,
}

impl DetailedTask {
    /// A task with this detail, which decides its status.
    pub fn new(mut task: Task, detail: TaskDetail) -> Self {
        task.status = detail.status();
        Self { task, detail }
    }

    /// What is known of the task.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// What belongs to its status.
    pub fn detail(&self) -> &TaskDetail {
        &self.detail
    }

    /// How far the task is.
    pub fn status(&self) -> TaskStatus {
        self.task.status
    }

    /// Takes both apart.
    pub fn into_parts(self) -> (Task, TaskDetail) {
        (self.task, self.detail)
    }
}

/// What belongs to a status of a task.
#[derive(Clone, Debug)]
pub enum TaskDetail {
    /// It is being worked on.
    Working,
    /// It waits for answers to these requests. A key stands for one request as long as the task lives.
    InputRequired(InputRequests),
    /// It is done, with the result that the request would have had.
    Completed(RawObject),
    /// It ended with this error.
    Failed(ErrorObject),
    /// It was called off.
    Cancelled,
}

impl TaskDetail {
    /// The status that this belongs to.
    pub fn status(&self) -> TaskStatus {
        match self {
            Self::Working => TaskStatus::Working,
            Self::InputRequired(_) => TaskStatus::InputRequired,
            Self::Completed(_) => TaskStatus::Completed,
            Self::Failed(_) => TaskStatus::Failed,
            Self::Cancelled => TaskStatus::Cancelled,
        }
    }
}

impl Serialize for DetailedTask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields<'a> {
            #[serde(flatten)]
            task: &'a Task,
            #[serde(skip_serializing_if = "Option::is_none")]
            input_requests: Option<&'a InputRequests>,
            #[serde(skip_serializing_if = "Option::is_none")]
            result: Option<&'a RawObject>,
            #[serde(skip_serializing_if = "Option::is_none")]
            error: Option<&'a ErrorObject>,
        }
        let mut fields =
            Fields { task: &self.task, input_requests: None, result: None, error: None };
        match &self.detail {
            TaskDetail::Working | TaskDetail::Cancelled => {}
            TaskDetail::InputRequired(requests) => fields.input_requests = Some(requests),
            TaskDetail::Completed(result) => fields.result = Some(result),
            TaskDetail::Failed(error) => fields.error = Some(error),
        }
        fields.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DetailedTask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Detail {
            input_requests: Option<InputRequests>,
            result: Option<RawObject>,
            error: Option<ErrorObject>,
        }

        // The text is looked at twice, so that raw values inside keep what they are.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let task: Task = serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
        let fields: Detail = serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
        let detail = match task.status {
            TaskStatus::Working => TaskDetail::Working,
            TaskStatus::InputRequired => TaskDetail::InputRequired(
                fields.input_requests.ok_or_else(|| de::Error::missing_field("inputRequests"))?,
            ),
            TaskStatus::Completed => TaskDetail::Completed(
                fields.result.ok_or_else(|| de::Error::missing_field("result"))?,
            ),
            TaskStatus::Failed => {
                TaskDetail::Failed(fields.error.ok_or_else(|| de::Error::missing_field("error"))?)
            }
            TaskStatus::Cancelled => TaskDetail::Cancelled,
        };
        Ok(Self { task, detail })
    }
}

/// What a server answers when it goes on with a call as a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateTaskResult {
    /// The task as it begins.
    #[serde(flatten)]
    pub task: Task,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl CreateTaskResult {
    /// Goes on as this task.
    pub fn new(task: Task) -> Self {
        Self { task, meta: None }
    }
}

/// What a server answers to `tasks/get`.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct GetTaskResult {
    /// The task as it is now.
    pub task: DetailedTask,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(skip)]
    pub meta: Option<Meta>,
}

impl GetTaskResult {
    /// The task as it is now.
    pub fn new(task: DetailedTask) -> Self {
        Self { task, meta: None }
    }
}

impl<'de> Deserialize<'de> for GetTaskResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(rename = "_meta")]
            meta: Option<Meta>,
        }
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let task = serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
        let fields: Fields = serde_json::from_str(raw.get()).map_err(de::Error::custom)?;
        Ok(Self { task, meta: fields.meta })
    }
}

/// What `tasks/get` carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GetTaskRequestParams {
    /// Which task.
    pub task_id: String,
}

impl GetTaskRequestParams {
    /// Asks how far this task is.
    pub fn new(task_id: impl Into<String>) -> Self {
        Self { task_id: task_id.into() }
    }
}

/// What `tasks/update` carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdateTaskRequestParams {
    /// Which task.
    pub task_id: String,
    /// Answers to what the task asks. A server passes over those under keys that it does not wait for.
    pub input_responses: InputResponses,
}

impl UpdateTaskRequestParams {
    /// Gives answers to this task.
    pub fn new(task_id: impl Into<String>, input_responses: InputResponses) -> Self {
        Self { task_id: task_id.into(), input_responses }
    }
}

/// What `tasks/cancel` carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CancelTaskRequestParams {
    /// Which task.
    pub task_id: String,
}

impl CancelTaskRequestParams {
    /// Asks to call off this task.
    pub fn new(task_id: impl Into<String>) -> Self {
        Self { task_id: task_id.into() }
    }
}

/// What `notifications/tasks` carries: the task as it is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct TaskStatusNotificationParams {
    /// The task.
    pub task: DetailedTask,
}

impl TaskStatusNotificationParams {
    /// Reports how far this task is.
    pub fn new(task: DetailedTask) -> Self {
        Self { task }
    }
}

/// Reads `null` as `None` and insists that the field is there.
fn maybe_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Option::deserialize(deserializer)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The fields that every task has, and more.
    fn with(more: &Value) -> String {
        let mut task = json!({
            "taskId": "786512e2", "createdAt": "2025-11-25T10:30:00Z",
            "lastUpdatedAt": "2025-11-25T10:50:00Z", "ttlMs": 60000, "pollIntervalMs": 5000,
        });
        for (name, value) in more.as_object().unwrap() {
            task[name] = value.clone();
        }
        task.to_string()
    }

    #[test]
    fn every_status_comes_back_with_what_belongs_to_it() {
        for more in [
            json!({"status": "working", "statusMessage": "half"}),
            json!({"status": "input_required", "inputRequests": {"name": {"method": "roots/list"}}}),
            json!({"status": "completed", "result": {"content": [], "isError": false}}),
            json!({"status": "failed", "error": {"code": -32603, "message": "gone"}}),
            json!({"status": "cancelled", "ttlMs": null}),
        ] {
            let text = with(&more);
            let task: DetailedTask = serde_json::from_str(&text).unwrap();
            assert_eq!(task.status(), task.detail().status());
            assert_eq!(task.status().as_str(), more["status"]);
            let tree: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_value(&task).unwrap(), tree);
            let params: TaskStatusNotificationParams = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_value(&params).unwrap(), tree);
        }
    }

    #[test]
    fn a_task_without_what_belongs_to_its_status_is_refused() {
        for (status, field) in
            [("input_required", "inputRequests"), ("completed", "result"), ("failed", "error")]
        {
            let text = with(&json!({"status": status}));
            let error = serde_json::from_str::<DetailedTask>(&text).unwrap_err().to_string();
            assert!(error.contains(&format!("missing field `{field}`")), "{error}");
        }
    }

    #[test]
    fn a_life_without_end_is_null_and_never_absent() {
        let task = Task::new("a", "2025-11-25T10:30:00Z");
        let text = serde_json::to_string(&CreateTaskResult::new(task.clone())).unwrap();
        assert!(text.contains(r#""ttlMs":null"#), "{text}");
        assert_eq!(serde_json::from_str::<CreateTaskResult>(&text).unwrap().task, task);
        let error = serde_json::from_str::<Task>(&text.replace(r#""ttlMs":null"#, r#""x":0"#));
        assert!(error.unwrap_err().to_string().contains("missing field `ttlMs`"));
    }

    #[test]
    fn the_detail_decides_the_status() {
        let task = Task::new("a", "2025-11-25T10:30:00Z");
        let task = DetailedTask::new(task, TaskDetail::Cancelled);
        assert!(task.status().is_terminal());
        assert!(!TaskStatus::InputRequired.is_terminal());
    }

    #[test]
    fn meta_of_a_result_is_read_and_left_to_the_codec() {
        let text = with(&json!({"status": "working", "_meta": {"k": 1}}));
        let result: GetTaskResult = serde_json::from_str(&text).unwrap();
        assert_eq!(result.meta.as_ref().unwrap().get("k").unwrap(), 1);
        assert!(!serde_json::to_string(&result).unwrap().contains("_meta"));
    }
}
