//! Progress, cancellation and notifications that mean nothing.

use serde_json::{Value, json};

use crate::conversation::{
    LEGACY, assert_goes_on, call, cancel, ignored, legacy, modern, notification, ping, silent,
    text, with_progress,
};

fn progress(token: impl Into<Value>, progress: u32, total: u32, message: &str) -> Value {
    notification(
        "notifications/progress",
        json!({
            "progressToken": token.into(),
            "progress": progress,
            "total": total,
            "message": message,
        }),
    )
}

#[test]
fn an_unknown_notification_is_ignored() {
    ignored(notification("notifications/nope", json!({ "a": 1 })));
    ignored(json!({ "jsonrpc": "2.0", "method": "tools/call" }));
    ignored(json!({ "jsonrpc": "2.0", "method": "" }));
    ignored(modern(notification("notifications/nope", json!({}))));
}

#[test]
fn cancelling_what_is_unknown_or_over_is_ignored() {
    for id in [json!("unknown"), json!(99), json!("initialize")] {
        ignored(cancel(id));
    }
}

#[test]
fn a_malformed_cancellation_is_ignored() {
    for params in [
        json!({}),
        json!({ "requestId": null }),
        json!({ "requestId": 1.5 }),
        json!({ "requestId": [1] }),
        json!({ "requestId": { "id": 1 } }),
        json!({ "requestId": 1, "reason": 7 }),
    ] {
        ignored(notification("notifications/cancelled", params));
    }
    ignored(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled" }));
}

#[test]
fn a_cancelled_call_sends_nothing_more() {
    let mut pipe = legacy(LEGACY);
    let long = call(1, "long_running", json!({ "duration": 3600.0, "steps": 3600 }));
    pipe.send(with_progress(long, 1));
    pipe.send(call(2, "slow", json!({ "ms": 3_600_000 })));
    pipe.send(cancel(1));
    pipe.send(cancel(2));
    assert_goes_on(&mut pipe);
    // Were anything of them alive, the end of the input would wait for it.
    let ended = pipe.end().quietly();
    assert_eq!(ended.rest, Vec::<Value>::new());
    assert!(ended.took.as_secs() < 5, "{:?}", ended.took);
}

#[test]
fn a_string_does_not_cancel_the_call_with_that_number() {
    let mut pipe = legacy(LEGACY);
    pipe.send(call(1, "slow", json!({ "ms": 100 })));
    pipe.send(cancel("1"));
    let answer = pipe.next();
    assert_eq!((&answer["id"], text(&answer)), (&json!(1), "waited 100 ms"));
}

#[test]
fn a_modern_call_is_cancelled_too() {
    let mut pipe = silent();
    pipe.send(modern(call(1, "slow", json!({ "ms": 3_600_000 }))));
    pipe.send(cancel(1));
    pipe.send(ping(2));
    assert_eq!(pipe.next()["id"], 2);
    let ended = pipe.end().quietly();
    assert!(ended.rest.is_empty() && ended.took.as_secs() < 5);
}

#[test]
fn a_flood_of_notifications_is_complete_and_in_order_before_the_answer() {
    let mut pipe = legacy(LEGACY);
    let flood = call(1, "notify", json!({ "count": 5000, "size": 100, "tag": "flood" }));
    pipe.send(with_progress(flood, "token"));
    for n in 1..=5000 {
        let mut message = format!("flood {n} ");
        message.push_str(&".".repeat(100 - message.len()));
        assert_eq!(pipe.next(), progress("token", n, 5000, &message));
    }
    assert_eq!(text(&pipe.next()), "flood: 5000 notifications");
    assert_goes_on(&mut pipe);
    assert!(pipe.end().quietly().rest.is_empty());
}

#[test]
fn floods_of_several_calls_stay_in_order_each() {
    const CALLS: usize = 8;
    const COUNT: u64 = 500;
    let mut pipe = legacy(LEGACY);
    for id in 0..CALLS {
        let flood = call(id, "notify", json!({ "count": COUNT, "size": 20, "tag": id.to_string() }));
        pipe.send(with_progress(flood, id));
    }
    let (mut seen, mut answered) = ([0; CALLS], 0);
    while answered < CALLS {
        let message = pipe.next();
        if message.get("id").is_some() {
            let id = message["id"].as_u64().expect("a number") as usize;
            assert_eq!(seen[id], COUNT, "the answer came first: {message}");
            answered += 1;
        } else {
            let token = message["params"]["progressToken"].as_u64().expect("a number") as usize;
            seen[token] += 1;
            assert_eq!(message["params"]["progress"], seen[token]);
        }
    }
    assert!(pipe.end().quietly().rest.is_empty());
}

#[test]
fn nobody_is_told_of_progress_who_did_not_ask() {
    let mut pipe = legacy(LEGACY);
    pipe.send(call(1, "notify", json!({ "count": 100, "size": 20, "tag": "quiet" })));
    assert_eq!(text(&pipe.next()), "quiet: 100 notifications");
    assert_goes_on(&mut pipe);
}

#[test]
fn progress_stops_with_the_answer() {
    let mut pipe = legacy(LEGACY);
    let long = call(1, "long_running", json!({ "duration": 0.05, "steps": 5 }));
    pipe.send(with_progress(long, "t"));
    let mut last = 0.0;
    let answer = loop {
        let message = pipe.next();
        if message.get("id").is_some() {
            break message;
        }
        let now = message["params"]["progress"].as_f64().expect("a number");
        assert!(last < now, "{message}");
        last = now;
    };
    assert_eq!(text(&answer), "done in 5 steps");
    assert_goes_on(&mut pipe);
    assert!(pipe.end().quietly().rest.is_empty());
}

#[test]
fn a_token_comes_back_with_its_type() {
    for token in [json!(0), json!(-7), json!("0"), json!(""), json!("ü\n")] {
        let mut pipe = legacy(LEGACY);
        let flood = call(1, "notify", json!({ "count": 1, "size": 0, "tag": "t" }));
        pipe.send(with_progress(flood, token.clone()));
        assert_eq!(pipe.next(), progress(token, 1, 1, "t 1 "));
    }
}
