//! Tools whose calls go on as tasks (`io.modelcontextprotocol/tasks`).
//!
//! Nothing in a handler says so: a call becomes a task when its handler has to wait, where the tool
//! allows it and the client knows tasks.

use std::time::Duration;

use mcp_server::{
    Ask, Builder, CallContext, ErrorObject, Result, TaskMode, Tasks, ToolError, ToolExt as _, tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::sleep;

pub(super) fn offer(server: Builder) -> Builder {
    server
        .tasks(Tasks::new().poll_interval(Duration::from_millis(200)))
        .tool(greet)
        .tool(slow_compute.task(TaskMode::Optional))
        .tool(simulate_research_query.task(TaskMode::Optional))
        .tool(failing_job.task(TaskMode::Required))
        .tool(protocol_error_job.task(TaskMode::Optional))
        .tool(confirm_delete.task(TaskMode::Optional))
        .tool(multi_input.task(TaskMode::Optional))
        .tool(test_tool_with_task.task(TaskMode::Required))
}

/// As long as work takes that is only pretended.
const WORK: Duration = Duration::from_millis(100);
/// The longest that a call computes.
const AN_HOUR: u32 = 60 * 60;

/// Greets, at once and never as a task.
#[tool(read_only)]
pub async fn greet(
    /// Whom
    name: String,
) -> String {
    format!("Hello, {name}!")
}

/// Computes for some seconds.
#[tool(read_only)]
pub async fn slow_compute(
    /// How many seconds, 1 unless given
    seconds: Option<u32>,
    /// What to call the result
    label: Option<String>,
) -> Result<String, ToolError> {
    let (seconds, label) = (seconds.unwrap_or(1), label.unwrap_or_else(|| "the result".to_owned()));
    match seconds {
        0 => {}
        1..=AN_HOUR => sleep(Duration::from_secs(seconds.into())).await,
        _ => return Err(ToolError::new(format!("`seconds` is at most {AN_HOUR}"))),
    }
    Ok(format!("Computed {label} in {seconds} seconds"))
}

/// What exactly is meant.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Clarification {
    /// Which meaning of the topic
    interpretation: String,
}

/// Researches a topic in stages, and asks what is meant where that is not clear.
#[tool(name = "simulate-research-query", title = "Research", read_only, open_world = false)]
pub async fn simulate_research_query(
    /// What to research
    topic: String,
    /// Whether the topic has several meanings
    ambiguous: Option<bool>,
    ask: Option<Ask<Clarification>>,
    ctx: CallContext,
) -> Result<String> {
    const STAGES: [&str; 4] = ["gathering sources", "reading", "comparing", "writing"];
    sleep(WORK).await;
    let meaning = match ask.filter(|_| ambiguous == Some(true)) {
        Some(ask) => ask.form(format!("What do you mean by {topic}?"))?.interpretation,
        None => topic.clone(),
    };
    for (done, stage) in STAGES.into_iter().enumerate() {
        ctx.progress_message(done, STAGES.len(), stage);
        sleep(WORK).await;
    }
    Ok(format!("A report about {topic}, understood as {meaning}."))
}

/// Works for a while and fails.
#[tool(read_only)]
pub async fn failing_job() -> Result<(), ToolError> {
    sleep(WORK).await;
    Err(ToolError::new("the job failed, as it always does"))
}

/// Works for a while and ends with an error of the protocol.
#[tool(read_only)]
pub async fn protocol_error_job() -> Result<()> {
    sleep(WORK).await;
    Err(ErrorObject::internal("the job broke, as it always does").into())
}

/// Whether to go through with it.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Confirmation {
    /// Really?
    confirm: bool,
}

/// Works for a while, and asks before it pretends to delete a file.
#[tool(destructive)]
pub async fn confirm_delete(
    /// Which file
    filename: String,
    ask: Ask<Confirmation>,
) -> Result<String> {
    sleep(WORK).await;
    let really = ask.form(format!("Delete {filename}?"))?.confirm;
    Ok(format!("{filename} is {}", if really { "deleted" } else { "kept" }))
}

/// A name.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Name {
    /// Your name
    name: String,
}

/// Works for a while, and asks two things at once.
#[tool]
pub async fn multi_input(name: Ask<Name>, sure: Ask<Confirmation>) -> Result<String> {
    sleep(WORK).await;
    let (name, sure) = (name.form("Who are you?"), sure.form("Are you sure?"));
    Ok(format!("{} is {}", name?.name, if sure?.confirm { "sure" } else { "not sure" }))
}

/// Asks first and then works for a while: the question comes before the task.
#[tool]
pub async fn test_tool_with_task(ask: Ask<Name>) -> Result<String> {
    let name = ask.form("What is your name?")?.name;
    sleep(WORK).await;
    Ok(format!("Done, {name}"))
}
