//! What a server may ask of a client, and when: requests of the legacy era, questions of the modern.

use std::sync::Arc;
use std::time::Duration;

use mcp_core::ExtensionId;
use mcp_core::capability::{ClientCapabilities, RootsCapability};
use mcp_core::session::client::{ClientConfig, EraChoice};
use serde_json::{Value, json};

use crate::era_detection::{discovered, initialized};
use crate::harness::Clock;
use crate::harness::client::{ClientRig, PATIENT, Saw, TIMED};
use crate::harness::world::{EXT, PREMIUM, Wants};

const ROOTS: &str = r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#;
const CANCELLED: &str =
    r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"r"}}"#;

fn config(wants: &Wants) -> ClientConfig {
    let mut config = ClientConfig::clone(&wants.config());
    config.capabilities = ClientCapabilities::new().with_roots(RootsCapability::new());
    config
}

fn legacy(config: ClientConfig) -> (ClientRig, Clock) {
    let clock = Clock::new();
    let mut rig = ClientRig::start(Arc::new(config), clock.now());
    rig.receive(clock.now(), initialized(1, "2025-11-25", &Value::Null).as_bytes());
    (rig, clock)
}

/// A modern session in which `profiles` are required, with one call of `method` on its way.
fn modern(config: ClientConfig, profiles: &[&str], method: &str) -> (ClientRig, Clock) {
    let clock = Clock::new();
    let mut rig = ClientRig::start(Arc::new(config), clock.now());
    let answer = discovered(Some(json!(profiles)))
        .replace(r#""capabilities":{}"#, r#""capabilities":{"extensions":{"com.example/x":{}}}"#);
    rig.receive(clock.now(), answer.as_bytes());
    assert_eq!(rig.request(clock.now(), method, &json!({}), PATIENT).len(), 1);
    (rig, clock)
}

#[test]
fn a_call_ends_with_an_answer_that_cannot_be_read_within_a_batch_too() {
    let clock = Clock::new();
    let mut rig = ClientRig::start(Arc::new(config(&wants_legacy())), clock.now());
    rig.receive(clock.now(), initialized(1, "2025-03-26", &Value::Null).as_bytes());
    rig.call(clock.now(), "t", PATIENT);
    let batch = r#"[{"jsonrpc":"2.0","id":2,"result":{},"error":7}]"#;
    rig.receive(clock.now(), batch.as_bytes());
    assert!(rig.log.iter().any(|saw| matches!(saw, Saw::Invalid(_))), "{:?}", rig.log);
    assert_eq!(rig.established().map(|established| established.calls()), Some(0));
}

fn wants_legacy() -> Wants {
    Wants::nothing().era(EraChoice::Legacy)
}

fn result(members: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 2, "result": members}).to_string()
}

#[test]
fn what_is_declared_is_asked_of_the_client_and_answered_once() {
    let (mut rig, clock) = legacy(config(&wants_legacy()));
    assert!(rig.receive(clock.now(), ROOTS.as_bytes()).is_empty());
    assert!(matches!(rig.outcome(), Some(Saw::Asked(_, method)) if method == "roots/list"));
    let answer = rig.respond(clock.now(), 0, &json!({"roots": []}));
    assert_eq!(answer, [r#"{"jsonrpc":"2.0","id":"r","result":{"roots":[]}}"#]);
    assert!(rig.respond(clock.now(), 0, &json!({"roots": []})).is_empty());
}

#[test]
fn an_answer_to_what_was_withdrawn_is_not_sent() {
    let (mut rig, clock) = legacy(config(&wants_legacy()));
    rig.receive(clock.now(), ROOTS.as_bytes());
    rig.receive(clock.now(), CANCELLED.as_bytes());
    assert!(matches!(rig.outcome(), Some(Saw::Withdrawn(_))));
    assert!(rig.respond(clock.now(), 0, &json!({"roots": []})).is_empty());
    rig.receive(clock.now(), CANCELLED.as_bytes());
    let withdrawn = rig.log.iter().filter(|saw| matches!(saw, Saw::Withdrawn(_))).count();
    assert_eq!(withdrawn, 1, "what is over is called off by nobody");
}

#[test]
fn an_id_in_flight_and_too_many_requests_are_refused() {
    let mut config = config(&wants_legacy());
    config.limits.pending_requests = 2;
    let (mut rig, clock) = legacy(config);
    rig.receive(clock.now(), ROOTS.as_bytes());
    assert!(rig.receive(clock.now(), ROOTS.as_bytes())[0].contains("-32600"));
    assert!(rig.receive(clock.now(), ROOTS.replace("\"r\"", "1").as_bytes()).is_empty());
    let refused = rig.receive(clock.now(), ROOTS.replace("\"r\"", "2").as_bytes());
    assert!(refused[0].contains("-32603") && refused[0].contains("at most 2"), "{refused:?}");
    rig.respond(clock.now(), 0, &json!({}));
    assert!(rig.receive(clock.now(), ROOTS.as_bytes()).is_empty());
}

#[test]
fn while_the_server_waits_for_a_person_no_call_times_out() {
    let (mut rig, mut clock) = legacy(config(&wants_legacy()));
    rig.call(clock.now(), "t", TIMED);
    clock.advance(Duration::from_secs(9));
    rig.receive(clock.now(), ROOTS.as_bytes());
    clock.advance(Duration::from_secs(3600));
    assert!(rig.wake(clock.now()).is_empty() && rig.deadline().is_none());
    rig.respond(clock.now(), 0, &json!({}));
    assert_eq!(rig.deadline(), Some(clock.now() + Duration::from_secs(1)));
    clock.advance(Duration::from_secs(1));
    assert!(rig.wake(clock.now())[0].contains("notifications/cancelled"));
}

#[test]
fn a_question_ends_the_call_and_is_no_result() {
    for method in ["tools/call", "prompts/get", "resources/read"] {
        let (mut rig, clock) = modern(config(&Wants::nothing()), &[], method);
        let question = json!({"resultType": "input_required", "requestState": "s"});
        rig.receive(clock.now(), result(&question).as_bytes());
        assert!(matches!(rig.outcome(), Some(Saw::InputRequired(_))), "{method}");
        assert_eq!(rig.established().map(|session| session.calls()), Some(0));
    }
}

#[test]
fn other_requests_cannot_be_answered_with_a_question() {
    for method in ["tools/list", "completion/complete", "odd"] {
        let (mut rig, clock) = modern(config(&Wants::nothing()), &[], method);
        rig.receive(clock.now(), result(&json!({"resultType": "input_required"})).as_bytes());
        assert!(matches!(rig.outcome(), Some(Saw::Invalid(_))), "{method}");
    }
}

#[test]
fn a_question_without_the_required_profile_is_not_delivered_and_rejects() {
    for meta in [json!({}), json!({EXT: {"profiles": []}})] {
        let (mut rig, clock) =
            modern(config(&Wants::requiring(&[PREMIUM])), &[PREMIUM], "tools/call");
        let question = json!({"resultType": "input_required", "requestState": "s", "_meta": meta});
        assert!(rig.receive(clock.now(), result(&question).as_bytes()).is_empty());
        assert!(matches!(rig.outcome(), Some(Saw::Rejected { .. })), "{meta}");
        assert!(!rig.log.iter().any(|saw| matches!(saw, Saw::InputRequired(_))));
    }
}

#[test]
fn results_of_an_extension_count_where_both_sides_declared_it() {
    for (extension, kind) in [("com.example/x", "task"), ("com.example/y", "task")] {
        let mut config = config(&Wants::nothing());
        config.result_types = vec![(ExtensionId::parse(extension).unwrap(), kind.to_owned())];
        let (mut rig, clock) = modern(config, &[], "tools/call");
        rig.receive(clock.now(), result(&json!({"resultType": "task"})).as_bytes());
        match extension {
            "com.example/x" => {
                assert_eq!(rig.outcome(), Some(&Saw::ExtensionResult("task".to_owned())));
            }
            _ => assert!(matches!(rig.outcome(), Some(Saw::Invalid(_)))),
        }
    }
}
