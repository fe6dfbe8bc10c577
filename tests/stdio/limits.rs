//! The limits of profiles, on virtual time.

use std::time::Duration;

use mcp_server::{Principal, Profile, Server, Tool};
use serde_json::json;

use crate::conversation::{call, cancel, error_text, modern, text};
use crate::gating::{asking, modern_asking};
use crate::stream::Stream;

const SMALL: &str = "https://mcp-tests.example/profiles/small";
const LARGE: &str = "https://mcp-tests.example/profiles/large";

fn sleep() -> Tool {
    Tool::new("sleep").params(["seconds"]).handler(async |seconds: u64| {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        "slept"
    })
}

fn repeat() -> Tool {
    Tool::new("repeat")
        .params(["text", "times"])
        .handler(async |text: String, times: usize| text.repeat(times))
}

/// A server with one profile that is in force for everybody.
fn server(profile: impl FnOnce(Profile) -> Profile) -> Server {
    let profile = profile(Profile::new(SMALL).by_default());
    Server::builder("t", "1").tool(sleep()).tool(repeat()).profile(profile).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn call_time_ends_a_call_with_a_tool_error_that_names_it() {
    let server = server(|profile| profile.call_time(Duration::from_secs(20)));
    let mut stream = Stream::legacy(&server).await;
    let since = tokio::time::Instant::now();
    assert_eq!(text(&stream.ask(call(1, "sleep", json!({ "seconds": 19 }))).await), "slept");
    assert_eq!(since.elapsed().as_secs(), 19);
    let answer = stream.ask(call(2, "sleep", json!({ "seconds": 21 }))).await;
    assert_eq!(
        error_text(&answer),
        format!("limit `call_time` reached: a call may run 20s (profile {SMALL})")
    );
    assert_eq!(since.elapsed().as_secs(), 39);
    let answer = stream.ask(modern(call(3, "sleep", json!({ "seconds": 21 })))).await;
    assert!(error_text(&answer).starts_with("limit `call_time`"));
    assert!(stream.end().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_beyond_the_limit_are_tool_errors_until_one_ends() {
    let server = server(|profile| profile.concurrent_calls(2));
    let mut stream = Stream::legacy(&server).await;
    stream.send(call(1, "sleep", json!({ "seconds": 10 }))).await;
    stream.send(call(2, "sleep", json!({ "seconds": 20 }))).await;
    let refused = stream.ask(call(3, "repeat", json!({ "text": "x", "times": 1 }))).await;
    assert!(
        error_text(&refused).starts_with("limit `concurrent_calls` reached: 2 at a time"),
        "{refused}"
    );
    assert_eq!(stream.next().await["id"], 1);
    assert_eq!(text(&stream.ask(call(4, "repeat", json!({ "text": "x", "times": 2 }))).await), "xx");
    assert_eq!(stream.next().await["id"], 2);
}

#[tokio::test(start_paused = true)]
async fn cancelled_timed_out_and_panicked_calls_give_their_place_back() {
    let boom = Tool::new("boom").handler(async || -> String { panic!("boom") });
    let profile = Profile::new(SMALL)
        .by_default()
        .concurrent_calls(1)
        .call_time(Duration::from_secs(5));
    let server =
        Server::builder("t", "1").tool(sleep()).tool(boom).profile(profile).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    for id in 0..3 {
        stream.send(call(id, "sleep", json!({ "seconds": 10 }))).await;
        stream.send(cancel(id)).await;
        let answer = stream.ask(call("late", "sleep", json!({ "seconds": 6 }))).await;
        assert!(error_text(&answer).starts_with("limit `call_time`"), "{answer}");
        let answer = stream.ask(call("boom", "boom", json!({}))).await;
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
    }
    let answer = stream.ask(call("free", "sleep", json!({ "seconds": 1 }))).await;
    assert_eq!(text(&answer), "slept");
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_count_across_the_connections_of_a_caller_only() {
    let server = server(|profile| profile.concurrent_calls(1));
    let of = |name: &'static str| Stream::of(&server, Principal::new(name)).initialized(json!([]));
    let (mut first, mut second, mut other) = (of("ann").await, of("ann").await, of("bob").await);
    first.send(call(1, "sleep", json!({ "seconds": 10 }))).await;
    assert!(tokio::time::timeout(Duration::from_secs(1), first.next()).await.is_err());
    let quick = || call(1, "repeat", json!({ "text": "x", "times": 1 }));
    assert!(error_text(&second.ask(quick()).await).starts_with("limit `concurrent_calls`"));
    assert_eq!(text(&other.ask(quick()).await), "x");
    // A connection that ends gives its places back.
    drop(other);
    assert_eq!(first.end().await.len(), 1);
    assert_eq!(text(&second.ask(quick()).await), "x");
}

#[tokio::test(start_paused = true)]
async fn arguments_are_allowed_up_to_bytes_in() {
    let text_of = |bytes: usize| "x".repeat(bytes - r#"{"text":"","times":1}"#.len());
    let server = server(|profile| profile.bytes_in(100));
    let mut stream = Stream::legacy(&server).await;
    let line = |bytes| call(1, "repeat", json!({ "text": text_of(bytes), "times": 1 }));
    assert_eq!(text(&stream.ask(line(100)).await), text_of(100));
    assert_eq!(
        error_text(&stream.ask(line(101)).await),
        format!(
            "limit `bytes_in` reached: the arguments have 101 bytes, 100 are allowed (profile {SMALL})"
        )
    );
}

#[tokio::test(start_paused = true)]
async fn results_are_allowed_up_to_bytes_out() {
    let around = r#"{"content":[{"type":"text","text":""}]}"#.len();
    let server = server(|profile| profile.bytes_out(1000));
    let mut stream = Stream::legacy(&server).await;
    let line = |bytes: usize| call(1, "repeat", json!({ "text": "x", "times": bytes - around }));
    assert_eq!(text(&stream.ask(line(1000)).await).len(), 1000 - around);
    let refused = stream.ask(line(1001)).await;
    assert!(
        error_text(&refused).starts_with("limit `bytes_out` reached: the result has 1001 bytes"),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_strictest_of_several_profiles_wins() {
    let small = Profile::new(SMALL).bytes_in(50).call_time(Duration::from_secs(100));
    let large = Profile::new(LARGE).bytes_in(5000).call_time(Duration::from_secs(10));
    let server = Server::builder("t", "1").tool(sleep()).tool(repeat());
    let server = server.profile(small).profile(large).build().unwrap();
    let long = call(1, "repeat", json!({ "text": "x".repeat(100), "times": 1 }));
    let late = call(2, "sleep", json!({ "seconds": 50 }));

    let mut both = Stream::silent(&server).initialized(json!([SMALL, LARGE])).await;
    let refused = both.ask(long.clone()).await;
    assert!(error_text(&refused).contains("`bytes_in`") && error_text(&refused).contains(SMALL));
    let refused = both.ask(late.clone()).await;
    assert!(error_text(&refused).contains("`call_time`") && error_text(&refused).contains(LARGE));

    let mut small = Stream::silent(&server).initialized(json!([SMALL])).await;
    assert_eq!(text(&small.ask(late).await), "slept");
    let mut modern = Stream::silent(&server);
    assert_eq!(text(&modern.ask(modern_asking(long.clone(), &[LARGE])).await).len(), 100);
    assert_eq!(text(&modern.ask(asking(long, json!({}))).await).len(), 100);
}
