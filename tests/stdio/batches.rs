//! Batches: only MCP 2025-03-26 has them (basic/index, "Batching").

use serde_json::{Value, json};

use crate::conversation::{
    BATCHES, LEGACY, assert_goes_on, assert_refused, call, cancel, initialize, initialize_request,
    legacy, modern, notification, ping, refused, request, silent, text, with_progress,
};

const INVALID_REQUEST: i64 = -32600;

/// The answers of a batch by their ids, which may come in any order.
#[track_caller]
fn by_id<'a>(answers: &'a Value, id: &Value) -> &'a Value {
    let all = answers.as_array().unwrap_or_else(|| panic!("no array: {answers}"));
    all.iter().find(|answer| answer["id"] == *id).unwrap_or_else(|| panic!("no {id}: {answers}"))
}

#[test]
fn a_batch_is_answered_by_one_array() {
    let mut pipe = legacy(BATCHES);
    pipe.send(json!([
        ping("a"),
        call("b", "echo", json!({ "message": "in a batch" })),
        notification("notifications/initialized", json!({})),
        call("c", "slow", json!({ "ms": 1 })),
        request("d", "nope", json!({})),
        7,
        call("e", "boom", json!({})),
    ]));
    let answers = pipe.next();
    assert_eq!(answers.as_array().map(Vec::len), Some(6), "{answers}");
    assert_eq!(by_id(&answers, &json!("a"))["result"], json!({}));
    assert_eq!(text(by_id(&answers, &json!("b"))), "in a batch");
    assert_eq!(text(by_id(&answers, &json!("c"))), "waited 1 ms");
    assert_eq!(by_id(&answers, &json!("d"))["error"]["code"], -32601);
    assert_eq!(by_id(&answers, &Value::Null)["error"]["code"], INVALID_REQUEST);
    assert_eq!(by_id(&answers, &json!("e"))["error"]["code"], -32603);
    assert_goes_on(&mut pipe);
}

#[test]
fn a_batch_of_notifications_and_responses_is_not_answered() {
    let mut pipe = legacy(BATCHES);
    pipe.send(json!([
        notification("notifications/initialized", json!({})),
        cancel("unknown"),
        { "jsonrpc": "2.0", "id": 1, "result": {} },
    ]));
    assert_goes_on(&mut pipe);
}

#[test]
fn an_empty_batch_is_an_invalid_request() {
    let mut pipe = legacy(BATCHES);
    pipe.send("[]");
    assert_refused(&pipe.next(), None, INVALID_REQUEST, "at least one message");
    assert_goes_on(&mut pipe);
}

#[test]
fn a_batch_beyond_the_limit_is_refused_as_a_whole() {
    let mut pipe = legacy(BATCHES);
    let too_many: Vec<Value> = (0..1025).map(ping).collect();
    pipe.send(Value::from(too_many));
    assert_refused(&pipe.next(), None, INVALID_REQUEST, "at most 1024 messages");
    assert_goes_on(&mut pipe);
}

#[test]
fn a_broken_batch_is_a_parse_error() {
    let mut pipe = legacy(BATCHES);
    pipe.send(format!("[{},", ping(1)));
    assert_refused(&pipe.next(), None, -32700, "parse error");
    assert_goes_on(&mut pipe);
}

#[test]
fn initialize_in_a_batch_is_refused_and_opens_no_session() {
    let mut pipe = silent();
    pipe.send(json!([initialize_request(1, BATCHES), ping(2)]));
    let answers = pipe.next();
    assert_refused(by_id(&answers, &json!(1)), Some(json!(1)), INVALID_REQUEST, "must not be part of a batch");
    assert_eq!(by_id(&answers, &json!(2))["result"], json!({}));
    pipe.send(request(3, "tools/list", json!({})));
    assert_refused(&pipe.next(), Some(json!(3)), -32602, "`initialize`");
    initialize(&mut pipe, BATCHES);
    assert_goes_on(&mut pipe);
}

#[test]
fn a_cancelled_call_of_a_batch_is_left_out_of_its_answer() {
    let mut pipe = legacy(BATCHES);
    pipe.send(json!([call(1, "slow", json!({ "ms": 3_600_000 })), ping(2)]));
    pipe.send(cancel(1));
    assert_eq!(pipe.next(), json!([{ "jsonrpc": "2.0", "id": 2, "result": {} }]));
    pipe.send(json!([call(3, "slow", json!({ "ms": 3_600_000 }))]));
    pipe.send(cancel(3));
    assert_goes_on(&mut pipe);
}

#[test]
fn a_batch_may_cancel_its_own_call() {
    let mut pipe = legacy(BATCHES);
    pipe.send(json!([call(1, "slow", json!({ "ms": 3_600_000 })), cancel(1), ping(2)]));
    assert_eq!(pipe.next(), json!([{ "jsonrpc": "2.0", "id": 2, "result": {} }]));
    assert_goes_on(&mut pipe);
}

#[test]
fn an_id_used_twice_in_a_batch_is_refused_once() {
    let mut pipe = legacy(BATCHES);
    pipe.send(json!([call(1, "slow", json!({ "ms": 5 })), call(1, "slow", json!({ "ms": 5 }))]));
    let answers = pipe.next();
    let all = answers.as_array().expect("an array");
    assert_eq!(all.len(), 2, "{answers}");
    assert_refused(&all[0], Some(json!(1)), INVALID_REQUEST, "in flight");
    assert_eq!(text(&all[1]), "waited 5 ms");
}

#[test]
fn progress_of_a_batched_call_is_sent_at_once() {
    let mut pipe = legacy(BATCHES);
    let flood = call(1, "notify", json!({ "count": 3, "size": 0, "tag": "t" }));
    pipe.send(json!([with_progress(flood, "p")]));
    for n in 1..=3 {
        assert_eq!(pipe.next()["params"]["progress"], n);
    }
    assert_eq!(text(&pipe.next()[0]), "t: 3 notifications");
}

#[test]
fn a_batch_in_a_batch_is_an_invalid_request() {
    let mut pipe = legacy(BATCHES);
    pipe.send(json!([[ping(1)], ping(2)]));
    let answers = pipe.next();
    assert_refused(by_id(&answers, &Value::Null), None, INVALID_REQUEST, "array");
    assert_eq!(by_id(&answers, &json!(2))["result"], json!({}));
    assert_goes_on(&mut pipe);
}

#[test]
fn other_legacy_revisions_refuse_batches() {
    for version in ["2024-11-05", "2025-06-18", LEGACY] {
        let mut pipe = legacy(version);
        pipe.send(json!([ping(1), ping(2)]));
        assert_refused(&pipe.next(), None, INVALID_REQUEST, "only MCP 2025-03-26 has batches");
        assert_goes_on(&mut pipe);
    }
}

#[test]
fn a_modern_request_in_a_batch_is_refused() {
    let mut pipe = silent();
    pipe.send(json!([modern(call(1, "echo", json!({ "message": "x" })))]));
    let answers = pipe.next();
    assert_refused(&answers[0], Some(json!(1)), INVALID_REQUEST, "only MCP 2025-03-26 has batches");
    pipe.send(modern(call(2, "echo", json!({ "message": "alone" }))));
    assert_eq!(text(&pipe.next()), "alone");
}

#[test]
fn empty_batches_are_refused_everywhere() {
    refused("[]", None, INVALID_REQUEST, "batch");
    refused("  [ ] ", None, INVALID_REQUEST, "batch");
}
