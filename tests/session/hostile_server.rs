//! Scripts of a server that follows no rule, against the client's half.

use std::sync::Arc;
use std::time::Duration;

use mcp_core::capability::{ClientCapabilities, RootsCapability};
use mcp_core::session::client::ClientConfig;
use serde_json::{Value, json};

use crate::harness::Clock;
use crate::harness::client::{ClientRig, PATIENT, Saw, TIMED};
use crate::harness::dice::Dice;
use crate::harness::world::{BASIC, ELSEWHERE, EXT, FUTURE, MODERN, PREMIUM, Wants};

/// Runs a script: each step is a frame, or something that the client's own side does.
pub(crate) fn run(wants: &Wants, script: &[u32]) -> ClientRig {
    let mut clock = Clock::new();
    let mut config = ClientConfig::clone(&wants.config());
    // Half of the clients can be asked for their folders.
    if script.first().is_some_and(|step| step % 2 == 0) {
        config.capabilities = ClientCapabilities::new().with_roots(RootsCapability::new());
    }
    let mut rig = ClientRig::start(Arc::new(config), clock.now());
    let mut last = (1, String::new());
    for step in script {
        let mut dice = Dice(u64::from(*step));
        let sent = rig.log.iter().filter_map(|saw| match saw {
            Saw::Sent(line) => Some(line),
            _ => None,
        });
        last = sent.filter_map(|line| request_of(line)).next_back().unwrap_or(last);
        let (last_id, method) = (last.0, &*last.1);
        match dice.roll(12) {
            0..=3 => drop(rig.receive(clock.now(), honest(wants, last_id, method).as_bytes())),
            4..=6 => drop(rig.receive(clock.now(), &frame(&mut dice, wants, last_id))),
            7 if dice.flip() => {
                let timeouts = dice.pick(&[PATIENT, TIMED]);
                let filter = json!({"notifications": {"resourceSubscriptions": ["secret:uri"]}});
                rig.request(clock.now(), "subscriptions/listen", &filter, timeouts);
            }
            8 if dice.roll(4) == 0 => {
                rig.respond(clock.now(), dice.roll(4), &json!({"roots": [{"uri": "secret:root"}]}));
            }
            8 if dice.roll(3) == 0 => {
                let timeouts = dice.pick(&[PATIENT, TIMED]);
                let (method, params) = request(&mut dice);
                rig.request(clock.now(), method, &params, timeouts);
            }
            7 | 8 => {
                let timeouts = dice.pick(&[PATIENT, TIMED]);
                let tool = dice.pick(&["secret-tool", "secret-gated"]);
                rig.call(clock.now(), tool, timeouts);
            }
            9 => drop(rig.cancel(dice.roll(4))),
            10 => {
                clock.advance(Duration::from_secs(dice.pick(&[1, 11, 61])));
                rig.wake(clock.now());
            }
            _ if rig.awaits_connection() => drop(rig.connected(clock.now())),
            _ => drop(rig.end_of_input(clock.now())),
        }
    }
    rig
}

/// What a caller may ask for besides a tool; all of it is a secret.
fn request(dice: &mut Dice) -> (&'static str, Value) {
    let uri = json!({"uri": "secret:uri"});
    match dice.roll(6) {
        0 => ("resources/read", uri),
        1 => ("resources/subscribe", uri),
        2 => ("prompts/get", json!({"name": "secret-prompt"})),
        3 => ("logging/setLevel", json!({"level": "secret"})),
        4 => ("completion/complete", json!({"ref": "secret"})),
        _ => (
            "tools/call",
            json!({"name": "t", "inputResponses": {"a": {"action": "secret"}}, "requestState": "s"}),
        ),
    }
}

/// Id and method of a request that the client sent.
fn request_of(line: &str) -> Option<(i64, String)> {
    let rest = line.strip_prefix(r#"{"jsonrpc":"2.0","id":"#)?;
    let (id, rest) = rest.split_once(r#","method":""#)?;
    Some((id.parse().ok()?, rest.split('"').next()?.to_owned()))
}

/// The answer that the client hopes for.
fn honest(wants: &Wants, id: i64, method: &str) -> String {
    let mut meta = json!({EXT: {"profiles": wants.asks_for()}});
    let members = match method {
        "subscriptions/listen" => {
            meta["io.modelcontextprotocol/subscriptionId"] = json!(id);
            let params = json!({"_meta": meta, "notifications": {}});
            let method = "notifications/subscriptions/acknowledged";
            return json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string();
        }
        "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "serverInfo": {"name": "friendly", "version": "0"},
            "profiles": wants.asks_for(),
        }),
        "server/discover" => {
            json!({"supportedVersions": ["2026-07-28", "2025-11-25"], "capabilities": {}, "_meta": meta})
        }
        _ => json!({"content": [], "_meta": meta}),
    };
    result(&id.to_string(), &members)
}

fn frame(dice: &mut Dice, wants: &Wants, last_id: i64) -> Vec<u8> {
    let id = match dice.roll(8) {
        0 => dice.pick(&["1", "2", "3", "99", "\"1\"", "null", "-1"]).to_owned(),
        _ => last_id.to_string(),
    };
    let text = match dice.roll(16) {
        0..=2 => discover(dice, wants, &id),
        3..=5 => initialize(dice, wants, &id),
        6..=8 => called(dice, wants, &id),
        9 => error(dice, &id),
        10 if dice.flip() => error(dice, &id),
        10 => {
            let meta = json!({EXT: {"profiles": wants.asks_for()}});
            let question =
                json!({"resultType": "input_required", "requestState": "s", "_meta": meta});
            result(&id, &question)
        }
        11 => {
            let method = dice.pick(&[
                "ping",
                "sampling/createMessage",
                "roots/list",
                "tools/call",
                "elicitation/create",
            ]);
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}"}}"#)
        }
        12 if dice.flip() => {
            let mut meta = meta(dice, wants).filter(Value::is_object).unwrap_or_else(|| json!({}));
            meta["io.modelcontextprotocol/subscriptionId"] = json!(last_id);
            let method = dice.pick(&[
                "subscriptions/acknowledged",
                "tools/list_changed",
                "resources/updated",
            ]);
            let params = json!({"_meta": meta, "notifications": {}});
            format!(r#"{{"jsonrpc":"2.0","method":"notifications/{method}","params":{params}}}"#)
        }
        12 => {
            let method = dice.pick(&[
                "notifications/progress",
                "notifications/cancelled",
                "odd\\u0021",
                "notifications/message",
                "notifications/elicitation/complete",
            ]);
            let params = json!({"progressToken": last_id, "progress": 0.5, "requestId": last_id});
            format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
        }
        13 => format!("[{},{}]", called(dice, wants, &id), called(dice, wants, &id)),
        14 => format!("[{}]", initialize(dice, wants, &id)),
        _ => return garbage(dice),
    };
    text.into_bytes()
}

fn result(id: &str, result: &Value) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// What a server may say about profiles, right and wrong.
fn profiles(dice: &mut Dice, wants: &Wants) -> Value {
    match dice.roll(24) {
        0..=6 => {
            let lists: [&[&str]; 7] = [
                &[BASIC],
                &[PREMIUM],
                &[BASIC, PREMIUM],
                &[],
                &[MODERN],
                &[PREMIUM, FUTURE],
                &[BASIC, ELSEWHERE],
            ];
            json!(dice.pick(&lists))
        }
        7 => json!([BASIC, BASIC]),
        8 => json!(["https://vidsrus/never-asked-for"]),
        9 => json!([BASIC, 7]),
        10 => Value::Null,
        11 => json!(BASIC),
        _ => json!(wants.asks_for()),
    }
}

fn offer(dice: &mut Dice) -> Value {
    let settings = match dice.roll(4) {
        0 => return json!({}),
        1 => json!({"supported": [{"profileURL": BASIC, "minMcpVersion": "2024-11-05"}]}),
        2 => json!({"supported": [{"profileURL": PREMIUM}, 7]}),
        _ => json!({"supported": null}),
    };
    json!({"extensions": {EXT: settings}})
}

fn meta(dice: &mut Dice, wants: &Wants) -> Option<Value> {
    match dice.roll(8) {
        0 => None,
        1 => Some(json!({})),
        2 => Some(json!(7)),
        3 => Some(json!({EXT: {}})),
        _ => Some(json!({EXT: {"profiles": profiles(dice, wants)}})),
    }
}

/// Adds `_meta`, `cacheScope` and `resultType`, or not.
fn framed(dice: &mut Dice, wants: &Wants, mut members: Value) -> Value {
    if let Some(meta) = meta(dice, wants) {
        members["_meta"] = meta;
    }
    match dice.roll(6) {
        0 => members["cacheScope"] = json!("public"),
        1 => members["cacheScope"] = json!("private"),
        2 => members["resultType"] = json!("complete"),
        3 if dice.flip() => members["resultType"] = json!("input_required"),
        _ => {}
    }
    members
}

fn discover(dice: &mut Dice, wants: &Wants, id: &str) -> String {
    let versions = match dice.roll(8) {
        0..=4 => json!(["2026-07-28", "2025-11-25"]),
        5 => json!(["2025-11-25"]),
        6 => json!(["2031-01-01"]),
        _ => json!([7]),
    };
    let members = json!({"supportedVersions": versions, "capabilities": offer(dice)});
    result(id, &framed(dice, wants, members))
}

fn initialize(dice: &mut Dice, wants: &Wants, id: &str) -> String {
    let version = dice.pick(&["2025-11-25", "2025-11-25", "2025-03-26", "2026-07-28", "never"]);
    let mut members = json!({
        "protocolVersion": version,
        "capabilities": offer(dice),
        "serverInfo": {"name": "hostile", "version": "0"},
    });
    match dice.roll(6) {
        0 => {}
        1 => members["profile"] = json!(BASIC),
        2 => {
            members["profile"] = json!(BASIC);
            members["profiles"] = profiles(dice, wants);
        }
        _ => members["profiles"] = profiles(dice, wants),
    }
    if dice.roll(10) == 0 {
        members.as_object_mut().unwrap().remove("serverInfo");
    }
    result(id, &members)
}

fn called(dice: &mut Dice, wants: &Wants, id: &str) -> String {
    let members = json!({"content": [{"type": "text", "text": "done"}]});
    match dice.roll(10) {
        0 => result(id, &json!([])),
        1 => result(id, &json!({})),
        _ => result(id, &framed(dice, wants, members)),
    }
}

fn error(dice: &mut Dice, id: &str) -> String {
    let code = dice.pick(&[-32601, 1004, -32022, -32602, -32021, -32020, 0]);
    let data = match dice.roll(6) {
        0 => Value::Null,
        1 => json!({"supported": ["2025-11-25"], "requested": "2026-07-28"}),
        2 => json!({"supported": ["2026-07-28"]}),
        3 => json!({"supported": ["never", ""], "requested": 7}),
        4 => json!({"supported": [7, "2025-11-25"]}),
        _ => {
            json!({"requested": [BASIC], "supported": [], "reasons": [{"profileURL": BASIC, "reason": "odd"}]})
        }
    };
    let error = json!({"code": code, "message": "no", "data": data});
    match dice.roll(8) {
        0 => format!(r#"{{"jsonrpc":"2.0","error":{error}}}"#),
        1 => format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error},"result":{{}}}}"#),
        _ => format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#),
    }
}

fn garbage(dice: &mut Dice) -> Vec<u8> {
    match dice.roll(6) {
        0 => b"started on port 8080".to_vec(),
        1 => b"\xc3(".to_vec(),
        2 => vec![b'{'; 100],
        3 => b"[]".to_vec(),
        4 => br#"{"jsonrpc":"2.0"}"#.to_vec(),
        _ => br#"{"jsonrpc":"2.0","id":1,"result":7}"#.to_vec(),
    }
}
