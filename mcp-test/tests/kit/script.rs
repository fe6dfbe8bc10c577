//! Scripts that play a client.

use std::time::Duration;

use mcp_server::ProtocolVersion;
use mcp_test::{ABSENT, ANY, Error, Script, message};
use serde_json::json;

use crate::server::{broken, sound};

fn call(id: &str, tool: &str, arguments: &serde_json::Value) -> serde_json::Value {
    message::request(id, "tools/call", json!({ "name": tool, "arguments": arguments }))
}

#[tokio::test]
async fn a_legacy_session_is_played_line_by_line() -> Result<(), Error> {
    for version in ProtocolVersion::KNOWN.iter().skip(1) {
        Script::legacy_client(version)
            .send(call("a", "echo", &json!({ "text": "so" })))
            .expect(json!({
                "id": "a",
                "result": { "content": [{ "type": "text", "text": "so" }], "resultType": ABSENT },
            }))
            .send(message::request("b", "ping", json!({})))
            .expect_exactly(json!({ "jsonrpc": "2.0", "id": "b", "result": {} }))
            .play_client(sound())
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn modern_requests_need_no_beginning() -> Result<(), Error> {
    Script::new()
        .send(message::modern(call("a", "echo", &json!({ "text": "so" }))))
        .expect(json!({ "id": "a", "result": { "resultType": "complete", "content": ANY } }))
        .send_raw("{ nonsense\n")
        .expect(json!({ "error": { "code": -32700 }, "id": ABSENT }))
        .play_client(sound())
        .await
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_says_nothing_more() -> Result<(), Error> {
    let cancelled = message::notification("notifications/cancelled", json!({ "requestId": "a" }));
    Script::legacy_client(&ProtocolVersion::V2025_11_25)
        .send(call("a", "wait", &json!({ "seconds": 60 })))
        .wait(Duration::from_secs(30))
        .send(cancelled)
        .expect_nothing(Duration::from_secs(3600))
        .play_client(sound())
        .await
}

#[tokio::test]
async fn what_differs_is_shown_with_its_place() {
    let error = Script::legacy_client(&ProtocolVersion::V2025_11_25)
        .send(call("a", "echo", &json!({ "text": "so" })))
        .expect(json!({ "id": "a", "result": { "content": [{ "text": "no" }], "more": ANY } }))
        .play_client(sound())
        .await
        .unwrap_err()
        .to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines[0].starts_with("the script does not fit at step 5 of 5 ("), "{error}");
    assert!(lines[0].contains("tests/kit/script.rs:"), "{error}");
    assert!(lines[0].ends_with("): another message came:"), "{error}");
    assert!(
        lines[1].starts_with("  got       {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":"),
        "{error}"
    );
    assert_eq!(lines[2], "  result.content[0].text: expected \"no\", got \"so\"");
    assert_eq!(lines[3], "  result.more: expected anything, got nothing");
    assert_eq!(lines[4], "the script:");
    assert!(lines[5].starts_with("  ✓  1  send {"), "{error}");
    assert!(lines[9].starts_with("  ✗  5  expect {"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn silence_does_not_hang_a_test() {
    let error = Script::legacy_client(&ProtocolVersion::V2025_11_25)
        .expect(json!({ "method": "roots/list" }))
        .play_client(sound())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no message came within 10s"), "{error}");
}

#[tokio::test]
async fn what_comes_after_the_last_step_is_too_much() {
    let error = Script::legacy_client(&ProtocolVersion::V2025_11_25)
        .send(message::request("b", "ping", json!({})))
        .play_client(sound())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("after the last of 4 steps"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_and_answered_by_rule_needs_no_step() -> Result<(), Error> {
    let call = message::request(
        "b",
        "tools/call",
        json!({
            "name": "wait", "arguments": { "seconds": 1 }, "_meta": { "progressToken": "p" },
        }),
    );
    Script::legacy_client(&ProtocolVersion::V2025_11_25)
        .ignore(json!({ "method": "notifications/progress", "params": { "progressToken": "p" } }))
        .send(call)
        .expect(json!({ "id": "b", "result": ANY }))
        .play_client(sound())
        .await
}

#[tokio::test]
async fn a_handler_that_panics_fails_the_script() {
    let error = Script::legacy_client(&ProtocolVersion::V2025_11_25)
        .send(call("a", "boom", &json!({ "text": "x" })))
        .expect(json!({ "id": "a", "error": { "code": -32603 } }))
        .play_client(broken())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("boom: Some(\"x\")"), "{error}");
}
