//! Subscriptions of the modern era, as a client sees them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::era_detection::{discovered, start};
use crate::harness::Clock;
use crate::harness::client::{ClientRig, Saw, TIMED};
use crate::harness::world::{EXT, PREMIUM, Wants};

/// A modern session in which `profiles` are required, with a subscription of id 2 asked for.
fn listening(profiles: &[&'static str]) -> (ClientRig, Clock) {
    let (mut rig, clock) = start(&Wants::requiring(profiles));
    rig.receive(clock.now(), discovered(Some(json!(profiles))).as_bytes());
    let params = json!({"notifications": {"toolsListChanged": true}});
    assert_eq!(rig.request(clock.now(), "subscriptions/listen", &params, TIMED).len(), 1);
    (rig, clock)
}

fn tagged(method: &str, id: &Value, meta: &Value) -> String {
    let mut meta = meta.clone();
    meta["io.modelcontextprotocol/subscriptionId"] = id.clone();
    let params = json!({"_meta": meta, "notifications": {}});
    json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string()
}

fn acknowledgement(meta: &Value) -> String {
    tagged("notifications/subscriptions/acknowledged", &json!(2), meta)
}

fn changed() -> String {
    tagged("notifications/tools/list_changed", &json!(2), &json!({}))
}

fn delivered(rig: &ClientRig) -> usize {
    rig.log.iter().filter(|saw| matches!(saw, Saw::Subscribed(_))).count()
}

#[test]
fn an_acknowledged_subscription_delivers_and_never_times_out() {
    let (mut rig, mut clock) = listening(&[]);
    rig.receive(clock.now(), acknowledgement(&json!({})).as_bytes());
    assert_eq!(rig.outcome(), Some(&Saw::Acknowledged));
    clock.advance(Duration::from_secs(100_000));
    assert!(rig.wake(clock.now()).is_empty());
    rig.receive(clock.now(), changed().as_bytes());
    let method = "notifications/tools/list_changed".to_owned();
    assert_eq!(rig.outcome(), Some(&Saw::Subscribed(method)));
}

#[test]
fn one_that_is_not_acknowledged_times_out() {
    let (mut rig, mut clock) = listening(&[]);
    clock.advance(Duration::from_secs(10));
    assert!(rig.wake(clock.now())[0].contains("notifications/cancelled"));
    rig.receive(clock.now(), acknowledgement(&json!({})).as_bytes());
    assert_eq!(rig.outcome(), Some(&Saw::TimedOut("Idle".to_owned())));
}

#[test]
fn nothing_is_delivered_before_the_acknowledgement() {
    let (mut rig, clock) = listening(&[]);
    rig.receive(clock.now(), changed().as_bytes());
    assert!(matches!(rig.outcome(), Some(Saw::Noise(_))) && delivered(&rig) == 0);
    rig.receive(clock.now(), acknowledgement(&json!({})).as_bytes());
    rig.receive(clock.now(), acknowledgement(&json!({})).as_bytes());
    assert!(matches!(rig.outcome(), Some(Saw::Noise(_))), "it comes once");
}

#[test]
fn an_acknowledgement_without_the_required_profile_rejects() {
    for meta in [json!({}), json!({EXT: {"profiles": []}}), json!({EXT: 7})] {
        let (mut rig, clock) = listening(&[PREMIUM]);
        assert!(rig.receive(clock.now(), acknowledgement(&meta).as_bytes()).is_empty());
        assert!(matches!(rig.outcome(), Some(Saw::Rejected { .. })), "{meta}");
        rig.receive(clock.now(), changed().as_bytes());
        assert!(delivered(&rig) == 0 && !rig.log.contains(&Saw::Acknowledged));
    }
}

#[test]
fn an_acknowledgement_confirms_for_the_whole_subscription() {
    let (mut rig, clock) = listening(&[PREMIUM]);
    let meta = json!({EXT: {"profiles": [PREMIUM]}});
    rig.receive(clock.now(), acknowledgement(&meta).as_bytes());
    rig.receive(clock.now(), changed().as_bytes());
    assert_eq!(delivered(&rig), 1);
    let end = json!({"jsonrpc": "2.0", "id": 2, "result": {"resultType": "complete"}}).to_string();
    rig.receive(clock.now(), end.as_bytes());
    assert!(matches!(rig.outcome(), Some(Saw::Response(Ok(_)))), "{:?}", rig.outcome());
}

#[test]
fn an_end_without_acknowledgement_has_to_confirm() {
    let (mut rig, clock) = listening(&[PREMIUM]);
    let end = json!({"jsonrpc": "2.0", "id": 2, "result": {"resultType": "complete"}}).to_string();
    rig.receive(clock.now(), end.as_bytes());
    assert!(matches!(rig.outcome(), Some(Saw::Rejected { .. })));
}

#[test]
fn a_server_can_call_off_a_subscription_and_nothing_else() {
    let called_off = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,"reason":"full"}}"#;
    let (mut rig, clock) = listening(&[]);
    rig.receive(clock.now(), called_off.as_bytes());
    assert_eq!(rig.outcome(), Some(&Saw::SubscriptionEnded(Some("full".to_owned()))));
    rig.receive(clock.now(), acknowledgement(&json!({})).as_bytes());
    assert!(!rig.log.contains(&Saw::Acknowledged));

    let (mut rig, clock) = listening(&[]);
    rig.call(clock.now(), "t", TIMED);
    rig.receive(clock.now(), called_off.replace(":2,", ":3,").as_bytes());
    assert_eq!(rig.established().map(|session| session.calls()), Some(2));
}

#[test]
fn what_names_no_subscription_is_not_delivered_to_one() {
    let (mut rig, clock) = listening(&[]);
    rig.receive(clock.now(), acknowledgement(&json!({})).as_bytes());
    rig.call(clock.now(), "t", TIMED);
    for id in [json!(1), json!(3), json!("2"), json!([2]), json!(null)] {
        rig.receive(clock.now(), tagged("notifications/x", &id, &json!({})).as_bytes());
    }
    assert_eq!(delivered(&rig), 0);
    let untagged = br#"{"jsonrpc":"2.0","method":"notifications/x"}"#;
    rig.receive(clock.now(), untagged);
    assert_eq!(rig.outcome(), Some(&Saw::Notification("notifications/x".to_owned())));
}

#[test]
fn cancelling_a_subscription_tells_the_server() {
    let (mut rig, clock) = listening(&[]);
    rig.receive(clock.now(), acknowledgement(&json!({})).as_bytes());
    let sent = rig.cancel(0);
    assert!(sent[0].contains("notifications/cancelled") && sent[0].contains(r#""requestId":2"#));
    rig.receive(clock.now(), changed().as_bytes());
    assert_eq!(delivered(&rig), 0);
}
