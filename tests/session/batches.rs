//! The batches of 2025-03-26, and only of it.

use serde_json::{Value, json};

use crate::harness::server::ServerRig;
use crate::harness::world::{BASIC, PREMIUM, World};
use crate::server_rules::{answer, call, cancel, code, initialize, modern};

fn session(version: &str) -> ServerRig {
    let mut rig = ServerRig::new(World::plain());
    answer(&mut rig, &initialize(version, &[]));
    rig
}

#[test]
fn the_answers_of_a_batch_are_one_array_once_the_last_has_come() {
    let mut rig = session("2025-03-26");
    rig.holds_calls = true;
    let ping = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
    let note = r#"{"jsonrpc":"2.0","method":"notifications/odd"}"#;
    let batch = format!("[{},{note},{ping},7,{}]", call("1", "open"), call("2", "gone"));
    assert!(rig.receive(batch.as_bytes()).is_empty());
    assert!(rig.finish(1).is_empty());
    let sent = rig.finish(0);
    assert_eq!(sent.len(), 1);
    let answers: Vec<Value> = serde_json::from_str(&sent[0]).unwrap();
    let ids: Vec<_> = answers.iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [Value::Null, json!("p"), json!("2"), json!("1")]);
    assert_eq!(rig.session.waiting_bytes(), 0);
}

#[test]
fn a_batch_without_requests_is_not_answered() {
    let mut rig = session("2025-03-26");
    let note = r#"{"jsonrpc":"2.0","method":"notifications/odd"}"#;
    let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    assert!(rig.receive(format!("[{note},{response},{note}]").as_bytes()).is_empty());
}

#[test]
fn a_call_cancelled_in_its_batch_leaves_the_others_to_answer() {
    let mut rig = session("2025-03-26");
    rig.holds_calls = true;
    assert!(rig.receive(format!("[{},{}]", call("1", "open"), cancel("1")).as_bytes()).is_empty());
    assert!(
        rig.receive(
            format!("[{},{},{}]", call("1", "open"), call("2", "open"), cancel("1")).as_bytes()
        )
        .is_empty()
    );
    let sent = rig.finish(0);
    assert!(sent.len() == 1 && sent[0].starts_with(r#"[{"jsonrpc":"2.0","id":"2""#), "{sent:?}");
}

#[test]
fn other_revisions_have_no_batches() {
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let mut rig = session(version);
        let answer = answer(&mut rig, &format!("[{}]", call("1", "open")));
        assert_eq!((code(&answer), answer.get("id")), (-32600, None), "{version}");
        assert!(rig.calls().next().is_none());
    }
}

#[test]
fn a_batch_that_comes_while_the_policy_is_awaited_is_none_either() {
    for (version, runs) in [("2025-11-25", 0), ("2025-03-26", 1)] {
        let mut rig = ServerRig::new(World::declaring(&[BASIC]).asking(&[BASIC]));
        rig.holds_policy = true;
        rig.receive(initialize(version, &[]).as_bytes());
        let sent = rig.receive(format!("[{}]", call("1", "open")).as_bytes());
        assert_eq!(sent.len(), 1 - runs, "{version}");
        let sent = rig.resolve();
        assert_eq!((rig.calls().count(), sent.len()), (runs, 1 + runs), "{version}");
    }
}

#[test]
fn a_batch_that_waits_gets_the_rejection_as_one_array() {
    let mut rig = ServerRig::new(World::declaring(&[BASIC]).asking(&[BASIC]));
    rig.holds_policy = true;
    rig.receive(initialize("2025-03-26", &[PREMIUM]).as_bytes());
    rig.receive(format!("[{},{}]", call("1", "open"), call("2", "open")).as_bytes());
    let sent = rig.resolve();
    assert_eq!(sent.len(), 2, "{sent:?}");
    let answers: Vec<Value> = serde_json::from_str(&sent[1]).unwrap();
    assert!(answers.len() == 2 && answers.iter().all(|answer| code(answer) == 1004));
}

#[test]
fn modern_requests_are_never_in_a_batch() {
    let mut rig = session("2025-03-26");
    let request = modern("m", "tools/list", None, json!({}));
    assert_eq!(code(&answer(&mut rig, &format!("[{request}]"))[0]), -32600);
    assert_eq!(code(&answer(&mut rig, "[]")), -32600);
}
