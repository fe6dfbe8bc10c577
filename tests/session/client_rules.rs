//! What the client's half makes of what a server says, rule by rule.

use std::time::Duration;

use mcp_core::session::client::EraChoice;
use serde_json::{Value, json};

use crate::era_detection::{discovered, failed, initialized, start};
use crate::harness::Clock;
use crate::harness::client::{ClientRig, PATIENT, Saw, TIMED};
use crate::harness::world::{BASIC, ELSEWHERE, EXT, PREMIUM, Wants};

fn legacy(version: &str) -> (ClientRig, Clock) {
    let (mut rig, clock) = start(&Wants::nothing().era(EraChoice::Legacy));
    rig.receive(clock.now(), initialized(1, version, &Value::Null).as_bytes());
    assert!(rig.established().is_some());
    (rig, clock)
}

/// A modern session in which this is required and confirmed, with one call on its way.
fn modern(profiles: &[&'static str]) -> (ClientRig, Clock) {
    let (mut rig, clock) = start(&Wants::requiring(profiles));
    rig.receive(clock.now(), discovered(Some(json!(profiles))).as_bytes());
    assert_eq!(rig.call(clock.now(), "t", PATIENT).len(), 1);
    (rig, clock)
}

fn result(members: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 2, "result": members}).to_string()
}

fn is_rejected(rig: &ClientRig) -> bool {
    matches!(rig.outcome(), Some(Saw::Rejected { .. }))
}

#[test]
fn legacy_answers_that_do_not_fit_reject() {
    let answers = [
        json!({}),
        json!({"profiles": []}),
        json!({"profiles": [ELSEWHERE]}),
        json!({"profiles": [PREMIUM, ELSEWHERE]}),
        json!({"profiles": [PREMIUM, PREMIUM]}),
        json!({"profiles": null}),
        json!({"profiles": PREMIUM}),
        json!({"profiles": [PREMIUM, 7]}),
        json!({"profile": BASIC}),
        json!({"profile": BASIC, "profiles": [PREMIUM]}),
        json!({"profile": PREMIUM, "profiles": [PREMIUM, BASIC]}),
    ];
    for answer in answers {
        let (mut rig, clock) = start(&Wants::requiring(&[PREMIUM]).era(EraChoice::Legacy));
        let sent = rig.receive(clock.now(), initialized(1, "2025-11-25", &answer).as_bytes());
        assert!(sent.is_empty() && is_rejected(&rig), "{answer}");
        assert!(rig.call(clock.now(), "t", PATIENT).is_empty());
    }
}

#[test]
fn the_older_singular_answer_is_understood() {
    for answer in [json!({"profile": PREMIUM}), json!({"profile": PREMIUM, "profiles": [PREMIUM]})]
    {
        let (mut rig, clock) = start(&Wants::requiring(&[PREMIUM]).era(EraChoice::Legacy));
        rig.receive(clock.now(), initialized(1, "2025-11-25", &answer).as_bytes());
        assert!(rig.established().is_some());
    }
}

#[test]
fn a_declaration_confirms_nothing() {
    let offer = json!({"extensions": {EXT: {"supported": [{"profileURL": PREMIUM, "minMcpVersion": "2024-11-05"}]}}});
    let (mut rig, clock) = start(&Wants::requiring(&[PREMIUM]));
    let answer =
        discovered(None).replace(r#""capabilities":{}"#, &format!(r#""capabilities":{offer}"#));
    assert!(rig.receive(clock.now(), answer.as_bytes()).is_empty() && is_rejected(&rig));
}

#[test]
fn a_modern_result_without_the_required_profile_is_not_delivered_and_rejects() {
    let results = [
        json!({}),
        json!({"_meta": {}}),
        json!({"_meta": 7}),
        json!({"_meta": {EXT: 7}}),
        json!({"_meta": {EXT: {}}}),
        json!({"_meta": {EXT: {"profiles": []}}}),
        json!({"_meta": {EXT: {"profiles": [PREMIUM, ELSEWHERE]}}}),
        json!({"_meta": {EXT: {"profiles": [PREMIUM]}}, "cacheScope": "public"}),
        json!({"resultType": "odd"}),
    ];
    let escaped = result(&json!({"_meta": {EXT: {"profiles": [PREMIUM]}}, "cacheScope": "public"}))
        .replace("\"public\"", "\"pub\\u006cic\"");
    let twice = result(&json!({})).replace("{}", r#"{"a":1,"a":2}"#);
    for answer in results.into_iter().map(|members| result(&members)).chain([escaped, twice]) {
        let (mut rig, clock) = modern(&[PREMIUM]);
        assert!(rig.receive(clock.now(), answer.as_bytes()).is_empty());
        assert!(is_rejected(&rig), "{answer}: {:?}", rig.outcome());
        assert!(!rig.log.iter().any(|saw| matches!(saw, Saw::Response(_))));
    }
}

#[test]
fn a_public_discover_result_that_answers_one_caller_rejects() {
    let (mut rig, clock) = start(&Wants::requiring(&[PREMIUM]));
    let answer = discovered(Some(json!([PREMIUM])));
    let answer = answer.replace(r#""capabilities""#, r#""cacheScope":"public","capabilities""#);
    rig.receive(clock.now(), answer.as_bytes());
    assert!(is_rejected(&rig));
}

#[test]
fn profiles_not_agreed_ends_an_established_session_for_good() {
    let (mut rig, mut clock) = modern(&[PREMIUM]);
    rig.call(clock.now(), "t", TIMED);
    rig.receive(clock.now(), failed(2, 1004, &Value::Null).as_bytes());
    assert!(is_rejected(&rig));
    assert!(rig.call(clock.now(), "t", PATIENT).is_empty() && rig.cancel(1).is_empty());
    clock.advance(Duration::from_secs(100));
    assert!(rig.wake(clock.now()).is_empty(), "not even a cancellation leaves it");
    let ping = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    assert!(rig.receive(clock.now(), ping).is_empty());
}

#[test]
fn a_change_that_keeps_what_is_required_is_an_event() {
    let (mut rig, clock) = start(&Wants { preferred: vec![BASIC], ..Wants::requiring(&[PREMIUM]) });
    rig.receive(clock.now(), discovered(Some(json!([PREMIUM, BASIC]))).as_bytes());
    rig.call(clock.now(), "t", PATIENT);
    rig.receive(clock.now(), result(&json!({"_meta": {EXT: {"profiles": [PREMIUM]}}})).as_bytes());
    assert!(rig.log.contains(&Saw::Changed(vec![PREMIUM.to_owned()])));
    assert!(matches!(rig.outcome(), Some(Saw::Response(Ok(_)))));
}

#[test]
fn a_client_that_can_have_nothing_it_prefers_asks_what_holds_without() {
    let (mut rig, clock) = start(&Wants::preferring(&[PREMIUM]));
    let sent = rig.receive(clock.now(), discovered(Some(json!([]))).as_bytes());
    assert!(sent.len() == 1 && sent[0].contains("server/discover"), "{sent:?}");
    assert!(sent[0].contains(r#""requested":[]"#) || !sent[0].contains(PREMIUM), "{sent:?}");
    let second = discovered(Some(json!([BASIC]))).replace("\"id\":1", "\"id\":2");
    assert!(rig.receive(clock.now(), second.as_bytes()).is_empty());
    let agreed = rig.established().expect("established").agreed();
    assert!(agreed.profiles().has(BASIC), "the server's default is in force");
    let call = rig.call(clock.now(), "t", PATIENT).remove(0);
    assert!(!call.contains(PREMIUM), "{call}");
}

#[test]
fn an_error_without_id_belongs_to_the_probe_while_that_has_no_answer() {
    let (mut rig, mut clock) = start(&Wants::nothing());
    clock.advance_to(rig.deadline().expect("a probe has a deadline"));
    let initialize = rig.wake(clock.now());
    assert!(initialize[0].contains("initialize"), "{initialize:?}");
    let error = r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"what is that?"}}"#;
    rig.receive(clock.now(), error.as_bytes());
    assert!(rig.outcome().is_none(), "`initialize` is still waited for");
    rig.receive(clock.now(), initialized(2, "2025-11-25", &Value::Null).as_bytes());
    assert!(rig.established().is_some());
}

#[test]
fn answers_that_nobody_waits_for_are_left_alone() {
    let (mut rig, clock) = legacy("2025-11-25");
    rig.call(clock.now(), "t", PATIENT);
    let answer = result(&json!({"content": []}));
    for frame in
        [answer.replace("\"id\":2", "\"id\":9"), answer.replace("\"id\":2", "\"id\":\"2\"")]
    {
        assert!(rig.receive(clock.now(), frame.as_bytes()).is_empty());
    }
    rig.receive(clock.now(), answer.as_bytes());
    rig.receive(clock.now(), answer.as_bytes());
    assert_eq!(rig.log.iter().filter(|saw| matches!(saw, Saw::Response(_))).count(), 1);
}

#[test]
fn requests_of_a_server_are_answered_in_the_legacy_era_only() {
    let ping = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
    let roots = r#"{"jsonrpc":"2.0","id":"r","method":"roots/list"}"#;
    let (mut rig, clock) = legacy("2025-11-25");
    assert_eq!(
        rig.receive(clock.now(), ping.as_bytes()),
        [r#"{"jsonrpc":"2.0","id":"p","result":{}}"#]
    );
    assert!(rig.receive(clock.now(), roots.as_bytes())[0].contains("-32601"));
    let (mut rig, clock) = modern(&[PREMIUM]);
    for frame in [ping, roots] {
        assert!(rig.receive(clock.now(), frame.as_bytes()).is_empty());
        assert!(matches!(rig.outcome(), Some(Saw::Noise(_))));
    }
}

#[test]
fn a_batch_of_responses_is_read_in_2025_03_26_and_only_there() {
    for (version, answered) in [("2025-03-26", 2), ("2025-11-25", 0)] {
        let (mut rig, clock) = legacy(version);
        rig.call(clock.now(), "t", PATIENT);
        rig.call(clock.now(), "t", PATIENT);
        let one = result(&json!({"content": []}));
        let batch = format!("[{one},7,{}]", one.replace("\"id\":2", "\"id\":3"));
        rig.receive(clock.now(), batch.as_bytes());
        let responses = rig.log.iter().filter(|saw| matches!(saw, Saw::Response(Ok(_)))).count();
        assert_eq!(responses, answered, "{version}");
        assert!(rig.log.iter().any(|saw| matches!(saw, Saw::Noise(_))));
    }
}

#[test]
fn progress_extends_the_idle_limit_and_not_the_total_one() {
    let (mut rig, mut clock) = legacy("2025-11-25");
    rig.call(clock.now(), "t", TIMED);
    let progress = br#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":1}}"#;
    for _ in 0..11 {
        clock.advance(Duration::from_secs(5));
        rig.receive(clock.now(), progress);
        assert!(rig.wake(clock.now()).is_empty());
    }
    clock.advance(Duration::from_secs(5));
    let sent = rig.wake(clock.now());
    assert!(sent.len() == 1 && sent[0].contains("notifications/cancelled"), "{sent:?}");
    assert_eq!(rig.outcome(), Some(&Saw::TimedOut("Total".to_owned())));
    rig.call(clock.now(), "t", TIMED);
    clock.advance(Duration::from_secs(10));
    rig.wake(clock.now());
    assert_eq!(rig.outcome(), Some(&Saw::TimedOut("Idle".to_owned())));
    rig.receive(clock.now(), result(&json!({"content": []})).as_bytes());
    assert!(
        !rig.log.iter().any(|saw| matches!(saw, Saw::Response(_))),
        "the answer comes too late"
    );
}

#[test]
fn a_cancellation_is_sent_once_and_only_for_what_runs() {
    let (mut rig, clock) = legacy("2025-11-25");
    rig.call(clock.now(), "t", PATIENT);
    assert_eq!(rig.cancel(0).len(), 1);
    assert!(rig.cancel(0).is_empty());
    rig.receive(clock.now(), result(&json!({"content": []})).as_bytes());
    assert!(!rig.log.iter().any(|saw| matches!(saw, Saw::Response(_))));
}

#[test]
fn a_server_that_has_answered_as_a_modern_one_is_never_initialized() {
    for second in [Some(failed(2, -32601, &Value::Null)), None] {
        let (mut rig, mut clock) = start(&Wants::preferring(&[PREMIUM]));
        let sent = rig.receive(clock.now(), discovered(Some(json!([]))).as_bytes());
        assert!(sent[0].contains("server/discover"), "{sent:?}");
        let sent = match second {
            Some(error) => rig.receive(clock.now(), error.as_bytes()),
            None => {
                clock.advance_to(rig.deadline().expect("a probe has a deadline"));
                rig.wake(clock.now())
            }
        };
        assert!(sent.is_empty() && matches!(rig.outcome(), Some(Saw::Closed { .. })), "{sent:?}");
    }
}

#[test]
fn a_response_that_cannot_be_read_ends_its_call() {
    let (mut rig, clock) = legacy("2025-11-25");
    rig.call(clock.now(), "t", PATIENT);
    rig.receive(clock.now(), br#"{"jsonrpc":"2.0","id":2,"result":null}"#);
    assert_eq!(rig.established().map(|session| session.calls()), Some(0));
}
