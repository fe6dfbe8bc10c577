//! How a connection ends: input that stops, clients that vanish, and what still has to be said.

use std::time::Duration;

use mcp_server::{Server, Tool};
use mcp_tests::pipe::Pipe;
use serde_json::{Value, json};

use crate::conversation::{
    LEGACY, SERVER, call, initialize_request, legacy, ping, silent, text, with_progress,
};
use crate::stream::Stream;

const SOON: Duration = Duration::from_secs(1);

#[test]
fn an_idle_server_ends_promptly_with_its_input() {
    let ended = silent().end().quietly();
    assert!(ended.took < SOON && ended.rest.is_empty(), "{ended:?}");
    let ended = legacy(LEGACY).end().quietly();
    assert!(ended.took < SOON && ended.rest.is_empty(), "{ended:?}");
}

#[test]
fn empty_input_is_an_end_too() {
    let mut pipe = silent();
    pipe.send_bytes("\n\n \r\n");
    assert!(pipe.end().quietly().rest.is_empty());
}

#[test]
fn calls_accepted_before_the_end_of_input_are_answered() {
    let mut pipe = legacy(LEGACY);
    pipe.send(call(1, "slow", json!({ "ms": 200 })));
    let long = call(2, "long_running", json!({ "duration": 0.1, "steps": 2 }));
    pipe.send(with_progress(long, 2));
    pipe.send(call(3, "echo", json!({ "message": "now" })));
    pipe.send_bytes(ping(4).to_string());
    let ended = pipe.end().quietly();
    let answers: Vec<&Value> = ended.rest.iter().filter(|m| m.get("id").is_some()).collect();
    let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
    assert_eq!(ids, [3, 4, 2, 1]);
    assert_eq!(text(answers[3]), "waited 200 ms");
    assert_eq!(ended.rest.len(), 6, "two of progress: {:?}", ended.rest);
}

#[test]
fn half_a_message_at_the_end_of_input_is_refused() {
    let mut pipe = legacy(LEGACY);
    pipe.send_bytes(r#"{"jsonrpc":"2.0","id":1,"#);
    let ended = pipe.end().quietly();
    assert_eq!(ended.rest.len(), 1);
    assert_eq!(ended.rest[0]["error"]["code"], -32700);
}

#[test]
fn a_client_that_stopped_reading_for_good_ends_the_server() {
    let mut pipe = Pipe::start_unread(SERVER, &["stdio"]);
    pipe.stop_reading();
    pipe.send(initialize_request(1, LEGACY));
    let ended = pipe.end().quietly();
    assert!(ended.took < 5 * SOON, "{ended:?}");
}

#[test]
fn a_client_that_stopped_reading_ends_the_server_though_its_input_is_open() {
    let mut pipe = Pipe::start_unread(SERVER, &["stdio"]);
    pipe.stop_reading();
    pipe.send(ping(1));
    let status = mcp_tests::pipe::wait_for("the end of the server", || pipe.ended());
    assert!(status.success(), "{status}");
}

#[test]
fn a_client_that_stopped_reading_ends_calls_that_run() {
    let mut pipe = Pipe::start_unread(SERVER, &["stdio"]);
    pipe.stop_reading();
    let long = call(1, "long_running", json!({ "duration": 3600.0, "steps": 360_000 }));
    pipe.send(with_progress(crate::conversation::modern(long), 1));
    let status = mcp_tests::pipe::wait_for("the end of the server", || pipe.ended());
    assert!(status.success(), "{status}");
}

#[test]
fn wrong_usage_is_told_on_standard_error_only() {
    let ended = Pipe::start(SERVER, &["stdio", "--era", "bronze"]).end();
    assert_eq!(ended.status.code(), Some(2));
    assert!(ended.rest.is_empty());
    assert!(ended.stderr.starts_with("usage:"), "{}", ended.stderr);
}

fn sleeper() -> Tool {
    Tool::new("sleeper").params(["seconds"]).handler(async |seconds: u64| {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        "woke up"
    })
}

#[tokio::test(start_paused = true)]
async fn the_drain_timeout_cuts_calls_that_run_too_long() {
    let server = Server::builder("t", "1").tool(sleeper()).drain_timeout(Duration::from_secs(7));
    let mut stream = Stream::legacy(&server.build().unwrap()).await;
    stream.send(call(1, "sleeper", json!({ "seconds": 6 }))).await;
    stream.send(call(2, "sleeper", json!({ "seconds": 8 }))).await;
    let since = tokio::time::Instant::now();
    let rest = stream.end().await;
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert_eq!(text(&rest[0]), "woke up");
    assert_eq!(since.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_drain_ends_with_the_last_call() {
    let server = Server::builder("t", "1").tool(sleeper()).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    stream.send(call(1, "sleeper", json!({ "seconds": 3 }))).await;
    let since = tokio::time::Instant::now();
    assert_eq!(stream.end().await.len(), 1);
    assert_eq!(since.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_drain_timeout_covers_answers_that_nobody_reads() {
    let server = Server::builder("t", "1")
        .tool(Tool::new("big").handler(async || "x".repeat(1_000_000)))
        .drain_timeout(Duration::from_secs(7))
        .build()
        .unwrap();
    let mut stream = Stream::legacy(&server).await;
    stream.send(call(1, "big", json!({}))).await;
    let since = tokio::time::Instant::now();
    stream.end_unread().await;
    assert_eq!(since.elapsed().as_secs(), 7);
}
