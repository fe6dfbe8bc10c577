//! Tools that take their time: progress, log messages, cancellation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mcp_server::{
    Ask, Builder, CallContext, LoggingLevel, Progress, Result, State, ToolError, tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::sleep;

pub(super) fn offer(server: Builder) -> Builder {
    server
        .logging()
        .state(Talkative::default())
        .tool(trigger_long_running_operation)
        .tool(toggle_simulated_logging)
        .tool(test_tool_with_progress)
        .tool(test_tool_with_logging)
        .tool(test_logging_tool)
        .tool(test_streaming_elicitation)
        .tool(test_reconnection)
}

/// Whether a long operation says in its log how it gets on.
#[derive(Debug, Default)]
pub struct Talkative {
    is_on: AtomicBool,
}

/// The most steps that an operation may have.
const MOST_STEPS: u32 = 10_000;

/// Works for some seconds and tells how far it is. Nothing here looks for a cancellation: a handler
/// that nobody waits for is dropped.
#[tool(
    name = "trigger-long-running-operation",
    title = "Long operation",
    read_only,
    idempotent,
    open_world = false
)]
pub async fn trigger_long_running_operation(
    /// How many seconds, 10 unless given
    duration: Option<f64>,
    /// In how many steps, 5 unless given
    steps: Option<u32>,
    talkative: State<Talkative>,
    ctx: CallContext,
) -> Result<String> {
    let (seconds, steps) = (duration.unwrap_or(10.0), steps.unwrap_or(5));
    let whole = Duration::try_from_secs_f64(seconds)
        .map_err(|_| ToolError::new("`duration` is a number of seconds"))?;
    if !(1..=MOST_STEPS).contains(&steps) {
        Err(ToolError::new(format!("`steps` is 1 to {MOST_STEPS}")))?;
    }
    for step in 1..=steps {
        sleep(whole / steps).await;
        ctx.progress_message(step, steps, format!("step {step} of {steps}"));
        if talkative.is_on.load(Ordering::Relaxed) {
            ctx.log_as("operation", LEVELS[step as usize % LEVELS.len()], format!("step {step}"));
        }
    }
    Ok(format!("Long running operation completed. Duration: {seconds} seconds, Steps: {steps}."))
}

const LEVELS: [LoggingLevel; 8] = [
    LoggingLevel::Debug,
    LoggingLevel::Info,
    LoggingLevel::Notice,
    LoggingLevel::Warning,
    LoggingLevel::Error,
    LoggingLevel::Critical,
    LoggingLevel::Alert,
    LoggingLevel::Emergency,
];

/// Starts or stops log messages of all levels, about each step of a long operation. One of each comes
/// at once when it starts.
#[tool(name = "toggle-simulated-logging", title = "Logging", additive, open_world = false)]
pub async fn toggle_simulated_logging(talkative: State<Talkative>, ctx: CallContext) -> String {
    if talkative.is_on.fetch_xor(true, Ordering::Relaxed) {
        return "Stopped simulated logging.".to_owned();
    }
    for level in LEVELS {
        ctx.log_as("everything", level, format!("a message of level {level}"));
    }
    "Started simulated logging: long operations log every step.".to_owned()
}

/// Reports progress three times.
#[tool(read_only)]
pub async fn test_tool_with_progress(ctx: CallContext) -> &'static str {
    // `report` sends each value, where `progress` leaves out what comes too soon after the last.
    ctx.report(Progress::new(0).of(100)).await;
    sleep(PAUSE).await;
    ctx.report(Progress::new(50).of(100)).await;
    sleep(PAUSE).await;
    ctx.report(Progress::new(100).of(100)).await;
    "Tool with progress executed successfully"
}

const PAUSE: Duration = Duration::from_millis(50);

/// Sends three log messages while it works.
#[tool(read_only)]
pub async fn test_tool_with_logging(ctx: CallContext) -> &'static str {
    ctx.log(LoggingLevel::Info, "Tool execution started");
    sleep(PAUSE).await;
    ctx.log(LoggingLevel::Info, "Tool processing data");
    sleep(PAUSE).await;
    ctx.log(LoggingLevel::Info, "Tool execution completed");
    "Tool with logging executed successfully"
}

/// Logs, which only callers see that asked for it.
#[tool(read_only)]
pub async fn test_logging_tool(ctx: CallContext) -> &'static str {
    ctx.log(LoggingLevel::Info, "logging is on");
    "Logging evaluated"
}

/// Something to agree to.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Consent {
    /// Go on?
    go_on: bool,
}

/// Reports progress and then asks the person.
#[tool]
pub async fn test_streaming_elicitation(ask: Ask<Consent>, ctx: CallContext) -> Result<String> {
    ctx.progress(50, 100);
    let consent = ask.form("Go on?")?;
    Ok(format!("Streaming complete: {}", consent.go_on))
}

/// Lets the client go while it works: over HTTP the client comes back for the answer.
#[tool(read_only)]
pub async fn test_reconnection(ctx: CallContext) -> &'static str {
    ctx.close_sse_stream(PAUSE);
    sleep(2 * PAUSE).await;
    "Reconnection test completed successfully"
}
