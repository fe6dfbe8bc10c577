//! What the server's half answers to what, rule by rule.

use mcp_core::Limits;
use serde_json::{Value, json};

use crate::harness::server::{Did, ServerRig};
use crate::harness::world::{BASIC, EXT, PREMIUM, World};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":"list","method":"tools/list"}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":"ping","method":"ping"}"#;

pub(crate) fn initialize(version: &str, asked: &[&str]) -> String {
    INITIALIZE.replace("2025-11-25", version).replace(
        r#""clientInfo""#,
        &format!(r#""requestedProfiles":{},"clientInfo""#, json!(asked)),
    )
}

/// A modern request; `extension` is what stands at the extension's place, if anything does.
pub(crate) fn modern(
    id: &str,
    method: &str,
    extension: Option<Value>,
    mut params: Value,
) -> String {
    let capabilities =
        extension.map_or_else(|| json!({}), |settings| json!({"extensions": {EXT: settings}}));
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

pub(crate) fn call(id: &str, tool: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}})
        .to_string()
}

pub(crate) fn cancel(id: &str) -> String {
    json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
        .to_string()
}

/// The one answer to a frame.
pub(crate) fn answer(rig: &mut ServerRig, frame: &str) -> Value {
    let sent = rig.receive(frame.as_bytes());
    assert_eq!(sent.len(), 1, "{frame}: {sent:?}");
    serde_json::from_str(&sent[0]).unwrap()
}

pub(crate) fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[test]
fn a_second_initialize_is_refused_in_every_later_state_and_changes_nothing() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC, PREMIUM]).asking(&[BASIC]));
    rig.holds_policy = true;
    assert!(rig.receive(initialize("2025-11-25", &[BASIC]).as_bytes()).is_empty());
    let second = initialize("2025-06-18", &[PREMIUM]).replace("\"init\"", "\"again\"");
    assert_eq!(code(&answer(&mut rig, &second)), -32600, "while the policy is awaited");
    let sent = rig.resolve();
    assert!(sent[0].contains(r#""id":"init""#) && sent[0].contains("2025-11-25"), "{sent:?}");
    assert_eq!(code(&answer(&mut rig, &second)), -32600, "once established");
    let negotiated = rig.session.negotiated().unwrap();
    assert_eq!(negotiated.version().as_str(), "2025-11-25");
    assert!(negotiated.profiles().has(BASIC) && !negotiated.profiles().has(PREMIUM));
}

#[test]
fn a_malformed_initialize_is_none_and_the_next_one_counts() {
    let malformed = [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize"}"#.to_owned(),
        INITIALIZE.replace(r#""2025-11-25""#, "7"),
        INITIALIZE.replace(r#""capabilities":{}"#, r#""capabilities":[]"#),
        INITIALIZE.replace(r#""capabilities":{},"#, ""),
        initialize("2025-11-25", &["ftp://vidsrus/basic"]),
        initialize("2025-11-25", &[BASIC; 65]),
        INITIALIZE.replace(
            r#""capabilities":{}"#,
            &format!(r#""capabilities":{{"extensions":{{"{EXT}":[]}}}}"#),
        ),
    ];
    let mut rig = ServerRig::new(World::declaring(&[BASIC]));
    for frame in malformed {
        assert_eq!(code(&answer(&mut rig, &frame)), -32602, "{frame}");
        assert!(rig.session.negotiated().is_none());
    }
    // 64 entries are as many as there may be, and what stands there twice counts once.
    let answer = answer(&mut rig, &initialize("2025-11-25", &[BASIC; 64]));
    assert_eq!(answer["result"]["profiles"], json!([BASIC]));
}

#[test]
fn initialize_in_a_batch_makes_no_session() {
    let mut rig = ServerRig::new(World::plain());
    let answers =
        answer(&mut rig, &format!("[{},{PING}]", INITIALIZE.replace("2025-11-25", "2025-03-26")));
    assert_eq!(code(&answers[0]), -32600);
    assert_eq!(answers[1]["result"], json!({}));
    assert!(rig.session.negotiated().is_none());
}

#[test]
fn legacy_versions_are_answered_as_asked_or_with_the_newest_that_is_served() {
    let served = ["2025-06-18", "2024-11-05", "2026-07-28"];
    for (asked, chosen) in [
        ("2025-06-18", "2025-06-18"),
        ("2024-11-05", "2024-11-05"),
        ("2025-11-25", "2025-06-18"),
        ("2026-07-28", "2025-06-18"),
        ("1999-01-01", "2025-06-18"),
    ] {
        let mut rig = ServerRig::new(World::plain().serving(&served));
        let answer = answer(&mut rig, &INITIALIZE.replace("2025-11-25", asked));
        assert_eq!(answer["result"]["protocolVersion"], chosen, "{asked}");
    }
}

#[test]
fn a_modern_server_names_its_versions_to_initialize() {
    let mut rig = ServerRig::new(World::plain().serving(&["2026-07-28"]));
    let long = "9".repeat(100_000);
    let answer = answer(&mut rig, &INITIALIZE.replace("2025-11-25", &long));
    assert_eq!(answer["error"]["data"]["supported"], json!(["2026-07-28"]));
    assert!(answer.to_string().len() < 1_000, "what the peer says is not repeated at any length");
}

#[test]
fn an_unknown_modern_version_is_answered_with_what_is_served() {
    let mut rig = ServerRig::new(World::plain());
    for version in ["2031-01-01", "2025-11-25", ""] {
        let frame = modern("1", "tools/list", None, json!({})).replace("2026-07-28", version);
        let answer = answer(&mut rig, &frame);
        assert_eq!(code(&answer), -32022);
        assert_eq!(answer["error"]["data"]["requested"], version);
        assert_eq!(answer["error"]["data"]["supported"][0], "2026-07-28");
    }
}

#[test]
fn modern_requests_that_do_not_describe_themselves_are_invalid() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC]));
    let whole = modern("1", "tools/list", None, json!({}));
    for (what, instead) in [
        (r#""io.modelcontextprotocol/clientCapabilities":{},"#, ""),
        (
            r#""io.modelcontextprotocol/clientCapabilities":{}"#,
            r#""io.modelcontextprotocol/clientCapabilities":7"#,
        ),
        (r#","io.modelcontextprotocol/protocolVersion":"2026-07-28""#, ""),
        (r#""2026-07-28""#, "7"),
    ] {
        let frame = whole.replace(what, instead);
        assert_ne!(frame, whole, "{what}");
        assert_eq!(code(&answer(&mut rig, &frame)), -32602, "{frame}");
    }
    for requested in [json!(7), Value::Null, json!(["x"]), json!([7]), json!(vec![BASIC; 65])] {
        let extension = Some(json!({"requested": requested}));
        for method in ["tools/list", "server/discover"] {
            let frame = modern("1", method, extension.clone(), json!({}));
            assert_eq!(code(&answer(&mut rig, &frame)), -32602, "{frame}");
        }
    }
}

#[test]
fn requests_that_wait_keep_their_order_and_pings_do_not_wait() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC]).asking(&[BASIC]));
    rig.holds_policy = true;
    assert!(rig.receive(INITIALIZE.as_bytes()).is_empty());
    for frame in
        [call("1", "open"), LIST.to_owned(), call("3", "open"), call("4", "open"), cancel("3")]
    {
        assert!(rig.receive(frame.as_bytes()).is_empty());
    }
    assert_eq!(answer(&mut rig, PING)["result"], json!({}));
    let ids: Vec<Value> = rig
        .resolve()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, ["init", "1", "list", "4"]);
    assert_eq!(rig.session.waiting_bytes(), 0);
}

#[test]
fn requests_that_wait_get_the_rejection_and_nothing_is_answered_after_it() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC, PREMIUM]).asking(&[BASIC]));
    rig.holds_policy = true;
    rig.receive(initialize("2025-11-25", &[PREMIUM]).as_bytes());
    let discover = modern("late", "server/discover", None, json!({}));
    for frame in [LIST, &call("1", "open"), &discover] {
        assert!(rig.receive(frame.as_bytes()).is_empty());
    }
    let sent = rig.resolve();
    let answers: Vec<Value> = sent.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, ["init", "list", "1", "late"]);
    assert!(
        answers.iter().all(|answer| answer["error"] == answers[0]["error"] && code(answer) == 1004)
    );
    assert!(rig.session.is_over() && rig.session.calls() == 0);
    for frame in [PING, INITIALIZE, LIST, &modern("x", "tools/list", None, json!({})), "{", "[]"] {
        assert!(rig.receive(frame.as_bytes()).is_empty(), "{frame}");
    }
}

#[test]
fn a_modern_call_that_still_runs_gets_the_rejection_and_no_second_answer() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC]));
    rig.holds_calls = true;
    assert!(
        rig.receive(modern("runs", "tools/call", None, json!({"name": "open"})).as_bytes())
            .is_empty()
    );
    let sent = rig.receive(initialize("2025-11-25", &[PREMIUM]).as_bytes());
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[1].contains(r#""id":"runs""#) && sent[1].contains("1004"), "{sent:?}");
    assert!(rig.progress(0, 1.0).is_empty() && rig.finish(0).is_empty());
}

#[test]
fn initialized_only_lifts_the_hold_on_the_servers_own_requests() {
    let mut rig = ServerRig::new(World::plain());
    answer(&mut rig, INITIALIZE);
    assert!(!rig.session.may_ask_client());
    assert!(answer(&mut rig, LIST)["result"]["tools"].is_array(), "served without it");
    assert!(rig.receive(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).is_empty());
    assert!(rig.session.may_ask_client());
}

#[test]
fn initialized_before_initialize_means_nothing() {
    let mut rig = ServerRig::new(World::plain());
    assert!(rig.receive(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).is_empty());
    assert!(code(&answer(&mut rig, LIST)) == -32602 && rig.calls().next().is_none());
    answer(&mut rig, INITIALIZE);
    assert!(!rig.session.may_ask_client());
}

#[test]
fn ids_in_use_are_refused_wherever_the_first_request_is() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC]).asking(&[BASIC]));
    rig.holds_policy = true;
    rig.holds_calls = true;
    rig.receive(INITIALIZE.as_bytes());
    for frame in [PING.replace("\"ping\",", "\"init\","), LIST.replace("\"list\"", "\"init\"")] {
        assert_eq!(code(&answer(&mut rig, &frame)), -32600, "the id of `initialize`: {frame}");
    }
    assert!(rig.receive(LIST.as_bytes()).is_empty());
    assert_eq!(code(&answer(&mut rig, &call("list", "open"))), -32600, "an id that waits");
    assert_eq!(rig.resolve().len(), 1);
    assert_eq!(code(&answer(&mut rig, &call("list", "open"))), -32600, "an id that runs");
    assert_eq!(rig.finish(0).len(), 1);
    assert!(
        rig.receive(call("list", "open").as_bytes()).is_empty(),
        "an id that was answered is free"
    );
}

#[test]
fn an_integer_and_a_string_are_different_ids() {
    let mut rig = ServerRig::new(World::plain());
    rig.holds_calls = true;
    answer(&mut rig, INITIALIZE);
    assert!(rig.receive(call("1", "open").as_bytes()).is_empty());
    assert!(rig.receive(call("1", "open").replace("\"1\"", "1").as_bytes()).is_empty());
    assert_eq!(rig.session.calls(), 2);
}

#[test]
fn what_may_wait_is_limited_and_a_message_that_may_not_asks_for_no_policy() {
    let world = World::declaring(&[BASIC]).asking(&[BASIC]);
    let mut config = world.config();
    config.limits = Limits { pending_requests: 2, pending_bytes: 400, ..Limits::default() };
    let mut rig = ServerRig::with_config(world, config);
    rig.holds_policy = true;
    let long = modern("long", "tools/list", None, json!({"cursor": "x".repeat(500)}));
    assert_eq!(code(&answer(&mut rig, &long)), -32603);
    assert!(!rig.policy_due(), "nobody waits for it");
    rig.receive(INITIALIZE.as_bytes());
    assert!(rig.policy_due());
    assert!(rig.receive(call("1", "open").as_bytes()).is_empty());
    assert!(rig.receive(call("2", "open").as_bytes()).is_empty());
    assert_eq!(code(&answer(&mut rig, &call("3", "open"))), -32603);
    assert_eq!(rig.resolve().len(), 3);
    rig.holds_calls = true;
    rig.receive(call("4", "open").as_bytes());
    rig.receive(call("5", "open").as_bytes());
    assert_eq!(code(&answer(&mut rig, &call("6", "open"))), -32603);
    rig.finish(0);
    assert!(rig.receive(call("6", "open").as_bytes()).is_empty(), "there is room again");
}

#[test]
fn a_cancelled_call_sends_nothing_more() {
    let mut rig = ServerRig::new(World::plain());
    rig.holds_calls = true;
    answer(&mut rig, INITIALIZE);
    let frame = call("1", "open").replace(r#""name""#, r#""_meta":{"progressToken":7},"name""#);
    assert!(rig.receive(frame.as_bytes()).is_empty());
    assert_eq!(rig.progress(0, 1.0).len(), 1);
    assert!(rig.receive(cancel("1").as_bytes()).is_empty());
    assert!(rig.log.iter().any(|did| matches!(did, Did::Cancelled)));
    assert!(rig.haunt().is_empty());
    for frame in
        [cancel("1"), cancel("never"), cancel("init"), cancel("").replace("\"requestId\":\"\"", "")]
    {
        assert!(rig.receive(frame.as_bytes()).is_empty(), "{frame}");
    }
    assert!(rig.receive(call("1", "open").as_bytes()).is_empty(), "its id is free");
}

#[test]
fn progress_grows_and_goes_only_to_those_who_gave_a_token() {
    let mut rig = ServerRig::new(World::plain());
    rig.holds_calls = true;
    answer(&mut rig, INITIALIZE);
    rig.receive(call("1", "open").as_bytes());
    assert!(rig.progress(0, 1.0).is_empty());
    rig.finish(0);
    rig.receive(
        call("2", "open")
            .replace(r#""name""#, r#""_meta":{"progressToken":"t"},"name""#)
            .as_bytes(),
    );
    let values = [1.0, 1.0, 0.5, f64::NAN, f64::INFINITY, 1.5];
    let sent: Vec<String> = values.iter().flat_map(|value| rig.progress(0, *value)).collect();
    let line = |progress| {
        format!(
            r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":"t","progress":{progress}}}}}"#
        )
    };
    assert_eq!(sent, [line("1"), line("1.5")]);
    rig.finish(0);
    assert!(rig.haunt().is_empty(), "nothing after the answer");
}

#[test]
fn responses_and_unknown_notifications_are_never_answered() {
    let mut rig = ServerRig::new(World::plain());
    answer(&mut rig, INITIALIZE);
    for frame in [
        r#"{"jsonrpc":"2.0","id":"init","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":7}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/odd"}"#,
        r#"{"jsonrpc":"2.0","method":"tools/list"}"#,
        r#"{"jsonrpc":"1.0","method":"notifications/odd"}"#,
    ] {
        assert!(rig.receive(frame.as_bytes()).is_empty(), "{frame}");
    }
    assert!(rig.calls().next().is_none());
}

#[test]
fn what_is_no_message_is_answered_and_the_connection_goes_on() {
    let mut rig = ServerRig::new(World::plain());
    for (frame, expected) in [
        (b"{".to_vec(), -32700),
        (b"\xff".to_vec(), -32700),
        (vec![b'['; 100], -32700),
        (b"7".to_vec(), -32600),
        (br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#.to_vec(), -32600),
        (br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":7}"#.to_vec(), -32602),
        (br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#.to_vec(), -32602),
    ] {
        let sent = rig.receive(&frame);
        assert_eq!(sent.len(), 1);
        assert_eq!(code(&serde_json::from_str(&sent[0]).unwrap()), expected, "{sent:?}");
    }
    assert_eq!(answer(&mut rig, PING)["result"], json!({}));
}

#[test]
fn a_server_without_a_declaration_ignores_what_is_said_of_profiles() {
    for requested in [json!([BASIC]), json!(7)] {
        let mut rig = ServerRig::new(World::plain());
        let frame = modern(
            "1",
            "tools/call",
            Some(json!({"requested": requested})),
            json!({"name": "open"}),
        );
        assert!(answer(&mut rig, &frame)["result"]["content"].is_array());
        let frame = initialize("2025-11-25", &[])
            .replace("\"requestedProfiles\":[]", &format!("\"requestedProfiles\":{requested}"));
        assert_eq!(answer(&mut rig, &frame)["result"].get("profiles"), None);
    }
}
