//! Layers around calls: their order, what they may do, and the ready-made ones.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_core::types::TraceContext;
use mcp_server::{
    Audit, CallKind, ConcurrencyLimit, Next, Outcome, Principal, RateLimit, Server, Spans, Timeout,
    Tool, ToolCall, ToolError, from_fn,
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::conversation::{assert_refused, call, error_text, modern, request, text};
use crate::stream::Stream;

type Log = Arc<Mutex<Vec<String>>>;

/// A layer that notes when it sees a call and its outcome.
fn noting(
    log: &Log,
    name: &'static str,
) -> impl Fn(ToolCall, Next) -> futures_util::future::BoxFuture<'static, Outcome>
+ Clone
+ Send
+ Sync
+ 'static {
    let log = Arc::clone(log);
    move |call, next| {
        let log = Arc::clone(&log);
        Box::pin(async move {
            log.lock().unwrap().push(format!("{name} sees {}", call.name()));
            let outcome = next.run(call).await;
            log.lock().unwrap().push(format!("{name} is done"));
            outcome
        })
    }
}

fn echo() -> Tool {
    Tool::new("echo").params(["text"]).handler(async |text: String| text)
}

fn slow() -> Tool {
    Tool::new("slow").handler(async || sleep(Duration::from_secs(10)).await)
}

#[tokio::test(start_paused = true)]
async fn layers_see_a_call_from_the_server_inwards_and_in_the_order_they_were_added() {
    let log = Log::default();
    let tool = echo().layer(from_fn(noting(&log, "third"))).layer(from_fn(noting(&log, "fourth")));
    let server = Server::builder("t", "1")
        .layer(from_fn(noting(&log, "first")))
        .tool(tool)
        .layer(from_fn(noting(&log, "second")))
        .build()
        .unwrap();
    let mut stream = Stream::legacy(&server).await;
    assert_eq!(text(&stream.ask(call(1, "echo", json!({ "text": "a" }))).await), "a");
    let seen = ["first", "second", "third", "fourth"].map(|name| format!("{name} sees echo"));
    let done = ["fourth", "third", "second", "first"].map(|name| format!("{name} is done"));
    assert_eq!(*log.lock().unwrap(), [seen, done].concat());
}

#[tokio::test(start_paused = true)]
async fn a_layer_may_answer_change_and_look_at_a_call() {
    async fn guard(call: ToolCall, next: Next) -> Outcome {
        assert_eq!(call.kind(), CallKind::Tool);
        assert!(call.caller().principal().id() == Some("ada"));
        match call.arguments().map(|arguments| arguments.get().to_owned()) {
            Some(text) if text.contains("secret") => ToolError::new("not this").into(),
            _ => {
                let shouted = serde_json::value::to_raw_value(&json!({ "text": "A" })).ok();
                next.run(call.with_arguments(shouted)).await
            }
        }
    }
    let server = Server::builder("t", "1").tool(echo()).layer(from_fn(guard)).build().unwrap();
    let mut stream = Stream::of(&server, Principal::new("ada"));
    let answer = stream.ask(modern(call(1, "echo", json!({ "text": "secret" })))).await;
    assert_eq!(error_text(&answer), "not this");
    assert_eq!(text(&stream.ask(modern(call(1, "echo", json!({ "text": "a" })))).await), "A");
}

#[tokio::test(start_paused = true)]
async fn a_layer_does_not_see_calls_of_unknown_tools() {
    let log = Log::default();
    let server =
        Server::builder("t", "1").tool(echo()).layer(from_fn(noting(&log, "it"))).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    stream.ask(call(1, "nope", json!({}))).await;
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_timeout_ends_the_handler_with_a_tool_error() {
    let tool = slow().layer(Timeout::new(Duration::from_secs(2)));
    let server = Server::builder("t", "1").tool(tool).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    let answer = stream.ask(call(1, "slow", json!({}))).await;
    assert_eq!(error_text(&answer), "this took longer than 2 s, the most allowed");
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_counts_once_for_the_whole_server() {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let busy = |name: &'static str| {
        Tool::new(name).handler(async || {
            MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(Duration::from_secs(1)).await;
            RUNNING.fetch_sub(1, Ordering::SeqCst);
        })
    };
    let server = Server::builder("t", "1")
        .tool(busy("a"))
        .tool(busy("b"))
        .layer(ConcurrencyLimit::new(2))
        .build()
        .unwrap();
    let mut stream = Stream::legacy(&server).await;
    for id in 0..6 {
        stream.send(call(id, if id % 2 == 0 { "a" } else { "b" }, json!({}))).await;
    }
    for _ in 0..6 {
        stream.message().await;
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_gives_its_place_back() {
    let server = Server::builder("t", "1")
        .tool(slow())
        .tool(echo())
        .layer(ConcurrencyLimit::new(1))
        .build()
        .unwrap();
    let mut stream = Stream::legacy(&server).await;
    stream.send(call(1, "slow", json!({}))).await;
    stream.send(crate::conversation::cancel(1)).await;
    assert_eq!(text(&stream.ask(call(2, "echo", json!({ "text": "b" }))).await), "b");
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_for_each_caller_and_says_when_to_try_again() {
    let limit = RateLimit::new(2, Duration::from_secs(10));
    let server = Server::builder("t", "1").tool(echo()).layer(limit).build().unwrap();
    let mut ada = Stream::of(&server, Principal::new("ada"));
    let mut bob = Stream::of(&server, Principal::new("bob"));
    let ask = || modern(call(1, "echo", json!({ "text": "a" })));
    assert_eq!(text(&ada.ask(ask()).await), "a");
    assert_eq!(text(&ada.ask(ask()).await), "a");
    let said = "at most 2 calls in 10 s are allowed: try again in 5.0 s";
    assert_eq!(error_text(&ada.ask(ask()).await), said);
    assert_eq!(text(&bob.ask(ask()).await), "a");
    sleep(Duration::from_secs(5)).await;
    assert_eq!(text(&ada.ask(ask()).await), "a");
    error_text(&ada.ask(ask()).await);
}

#[tokio::test(start_paused = true)]
async fn the_callers_trace_is_in_force_while_the_handler_runs() {
    let tool = Tool::new("where").handler(async || {
        sleep(Duration::from_secs(1)).await;
        TraceContext::current().map_or_else(String::new, |trace| trace.traceparent().to_owned())
    });
    let server = Server::builder("t", "1").tool(tool).layer(Spans::new()).layer(Audit::new());
    let server = server.build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    let given = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    let mut line = call(1, "where", json!({}));
    line["params"]["_meta"] = json!({ "traceparent": given });
    assert_eq!(text(&stream.ask(line).await), given);
    assert_eq!(text(&stream.ask(call(1, "where", json!({}))).await), "");
}

#[tokio::test(start_paused = true)]
async fn what_is_invisible_is_in_no_list_and_unknown_in_calls() {
    let server = Server::builder("t", "1")
        .tool(echo())
        .tool(slow())
        .visible(|caller, kind, name| {
            kind != CallKind::Tool || name != "slow" || caller.principal().has("plan", "paid")
        })
        .build()
        .unwrap();
    let list = || modern(request(1, "tools/list", json!({})));
    let mut guest = Stream::of(&server, Principal::local());
    let listed = guest.ask(list()).await;
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["result"]["cacheScope"], "private");
    let answer = guest.ask(modern(call(1, "slow", json!({})))).await;
    assert_refused(&answer, Some(json!(1)), -32602, "unknown tool: slow");
    let mut member = Stream::of(&server, Principal::new("ada").with("plan", "paid"));
    let listed = member.ask(list()).await;
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(2));
    assert_ne!(member.ask(modern(call(1, "slow", json!({})))).await["result"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_say_exists_does_not_and_the_connection_goes_on() {
    let server = Server::builder("t", "1").tool(echo()).tool(slow()).visible(|_, _, name| {
        assert_ne!(name, "slow", "a bug of the author");
        true
    });
    let server = server.build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    let answer = stream.ask(call(1, "slow", json!({}))).await;
    assert_refused(&answer, Some(json!(1)), -32602, "unknown tool: slow");
    let listed = stream.ask(request(2, "tools/list", json!({}))).await;
    assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(1));
}
