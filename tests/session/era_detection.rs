//! How a client finds out which era its server speaks.
//!
//! 2026-07-28, basic/transports/stdio, "Backward Compatibility".

use mcp_core::session::client::EraChoice;
use mcp_core::version::Era;
use serde_json::{Value, json};

use crate::harness::Clock;
use crate::harness::client::{ClientRig, Saw};
use crate::harness::world::{EXT, PREMIUM, Wants};

pub(crate) fn discovered(profiles: Option<Value>) -> String {
    let meta = profiles.map_or_else(|| json!({}), |profiles| json!({EXT: {"profiles": profiles}}));
    json!({"jsonrpc": "2.0", "id": 1, "result": {
        "supportedVersions": ["2026-07-28", "2025-11-25"], "capabilities": {}, "_meta": meta,
    }})
    .to_string()
}

pub(crate) fn initialized(id: i64, version: &str, more: &Value) -> String {
    let mut result = json!({
        "protocolVersion": version, "capabilities": {}, "serverInfo": {"name": "s", "version": "1"},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        result[name] = value.clone();
    }
    json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string()
}

pub(crate) fn failed(id: i64, code: i64, data: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": "no", "data": data}})
        .to_string()
}

pub(crate) fn start(wants: &Wants) -> (ClientRig, Clock) {
    let clock = Clock::new();
    (ClientRig::start(wants.config(), clock.now()), clock)
}

/// Starts with a probe and gives one answer to it.
fn probe(wants: &Wants, answer: &str) -> (ClientRig, Vec<String>) {
    let (mut rig, clock) = start(wants);
    assert!(
        rig.log
            .iter()
            .any(|saw| matches!(saw, Saw::Sent(line) if line.contains("server/discover")))
    );
    let sent = rig.receive(clock.now(), answer.as_bytes());
    (rig, sent)
}

fn is_initialize(sent: &[String]) -> bool {
    matches!(sent, [line] if line.contains(r#""method":"initialize""#))
}

fn is_closed(rig: &ClientRig) -> bool {
    matches!(rig.outcome(), Some(Saw::Closed { .. }))
}

#[test]
fn a_discover_result_is_a_modern_server() {
    let (rig, sent) = probe(&Wants::nothing(), &discovered(None));
    assert!(sent.is_empty());
    assert!(matches!(rig.outcome(), Some(Saw::Established { era: Era::Modern, .. })));
}

#[test]
fn a_discover_result_with_legacy_versions_only_leads_to_initialize() {
    let answer = discovered(None).replace(r#""2026-07-28","#, "");
    assert!(is_initialize(&probe(&Wants::nothing(), &answer).1));
    let (rig, sent) = probe(&Wants::nothing().era(EraChoice::Modern), &answer);
    assert!(sent.is_empty() && is_closed(&rig));
}

#[test]
fn an_unsupported_version_is_followed_by_one_that_is_listed_and_never_by_a_guess() {
    let lists = |versions: Value| failed(1, -32022, &json!({"supported": versions}));
    assert!(is_initialize(&probe(&Wants::nothing(), &lists(json!(["2025-06-18", "odd"]))).1));
    for nonsense in [json!(["2031-01-01"]), json!([]), json!([7]), json!("2025-11-25"), Value::Null]
    {
        let (rig, sent) = probe(&Wants::nothing(), &lists(nonsense.clone()));
        assert!(sent.is_empty() && is_closed(&rig), "{nonsense}: {sent:?}");
    }
}

#[test]
fn a_server_that_refuses_the_version_that_it_lists_is_asked_once_more() {
    let lists = |id| failed(id, -32022, &json!({"supported": ["2026-07-28"]}));
    let (mut rig, sent) = probe(&Wants::nothing(), &lists(1));
    assert!(matches!(&sent[..], [line] if line.contains(r#""method":"server/discover""#)));
    assert!(sent[0].contains(r#""2026-07-28""#), "{sent:?}");
    let clock = Clock::new();
    let sent = rig.receive(clock.now(), lists(2).as_bytes());
    assert!(sent.is_empty() && is_closed(&rig), "{sent:?}");
}

#[test]
fn other_modern_errors_are_final() {
    for code in [-32020, -32021] {
        let (rig, sent) = probe(&Wants::nothing(), &failed(1, code, &Value::Null));
        assert!(sent.is_empty() && is_closed(&rig), "{code}");
    }
}

#[test]
fn profiles_not_agreed_is_final_for_a_client_that_knows_profiles() {
    let (rig, sent) = probe(&Wants::requiring(&[PREMIUM]), &failed(1, 1004, &Value::Null));
    assert!(sent.is_empty() && matches!(rig.outcome(), Some(Saw::Rejected { .. })));
    assert!(is_initialize(&probe(&Wants::nothing(), &failed(1, 1004, &Value::Null)).1));
}

#[test]
fn any_other_answer_is_a_legacy_server() {
    let anything = [
        failed(1, -32601, &Value::Null),
        failed(1, -32602, &Value::Null),
        failed(1, -32000, &Value::Null),
        failed(1, 0, &Value::Null),
        failed(1, -32700, &Value::Null).replace(r#""id":1,"#, ""),
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#.to_owned(),
        discovered(None).replace(r#"["2026-07-28","2025-11-25"]"#, "7"),
        discovered(None).replace(r#""capabilities""#, r#""resultType":"odd","capabilities""#),
    ];
    for answer in anything {
        assert!(is_initialize(&probe(&Wants::nothing(), &answer).1), "{answer}");
        let (rig, sent) = probe(&Wants::nothing().era(EraChoice::Modern), &answer);
        assert!(sent.is_empty() && is_closed(&rig), "{answer}");
    }
}

#[test]
fn silence_is_a_legacy_server_at_the_deadline_and_not_before() {
    let (mut rig, mut clock) = start(&Wants::nothing());
    assert!(rig.wake(clock.now()).is_empty());
    clock.advance_to(rig.deadline().unwrap());
    assert!(is_initialize(&rig.wake(clock.now())));
    let (mut rig, mut clock) = start(&Wants::nothing().era(EraChoice::Modern));
    clock.advance_to(rig.deadline().unwrap());
    assert!(rig.wake(clock.now()).is_empty() && is_closed(&rig));
}

#[test]
fn a_server_that_ends_on_the_probe_is_started_anew_without_one() {
    let (mut rig, mut clock) = start(&Wants::nothing());
    assert!(rig.end_of_input(clock.now()).is_empty() && rig.awaits_connection());
    assert!(is_initialize(&rig.connected(clock.now())));
    rig.end_of_input(clock.now());
    assert!(is_closed(&rig), "but only once");
    let (mut rig, _) = start(&Wants::nothing());
    clock.advance_to(rig.deadline().unwrap());
    rig.wake(clock.now());
    rig.end_of_input(clock.now());
    assert!(rig.awaits_connection(), "also where it takes longer to end than to be asked again");
}

#[test]
fn a_late_discover_result_counts_if_initialize_is_refused() {
    let late = |answer: &str| {
        let (mut rig, mut clock) = start(&Wants::nothing());
        clock.advance_to(rig.deadline().unwrap());
        assert!(is_initialize(&rig.wake(clock.now())));
        assert!(rig.receive(clock.now(), discovered(None).as_bytes()).is_empty());
        rig.receive(clock.now(), answer.as_bytes());
        rig
    };
    let rig = late(&failed(2, -32602, &Value::Null));
    assert!(matches!(rig.outcome(), Some(Saw::Established { era: Era::Modern, .. })));
    let rig = late(&initialized(2, "2025-11-25", &Value::Null));
    assert!(matches!(rig.outcome(), Some(Saw::Established { era: Era::Legacy, .. })));
}

#[test]
fn a_legacy_client_does_not_probe() {
    let (rig, _) = start(&Wants::nothing().era(EraChoice::Legacy));
    assert!(!rig.log.iter().any(|saw| matches!(saw, Saw::Sent(line) if line.contains("discover"))));
}

#[test]
fn a_version_that_the_client_does_not_speak_ends_the_handshake() {
    for version in ["2026-07-28", "1999-01-01", "2025-03-26"] {
        let wants = Wants::nothing().era(EraChoice::Legacy).speaking(&["2025-11-25", "2024-11-05"]);
        let (mut rig, clock) = start(&wants);
        assert!(
            rig.receive(clock.now(), initialized(1, version, &Value::Null).as_bytes()).is_empty()
        );
        assert!(is_closed(&rig), "{version}");
    }
}
