//! `everything-server` driven by the official TypeScript clients.
//!
//! What they do is in `tests/peers/everything.mjs`: it lists, calls, reads, completes, answers,
//! cancels, hears and reports everything that should not have happened.

use serde_json::{Value, json};

use crate::{run_against, server_program};

#[test]
fn version_one_client_finds_every_feature() {
    let Some(seen) = everything("everything-v1.mjs", &[]) else { return };
    found(&seen);
}

#[test]
fn version_two_client_finds_every_feature_in_the_legacy_era() {
    let Some(seen) = everything("everything-v2.mjs", &["--era", "legacy"]) else { return };
    found(&seen);
}

#[test]
fn version_two_client_finds_every_feature_in_the_modern_era() {
    let Some(seen) = everything("everything-v2.mjs", &["--era", "modern"]) else { return };
    found(&seen);
    granted_everything(&seen);
}

/// Whether the subscription was granted as it was asked for.
pub(crate) fn granted_everything(seen: &Value) {
    let all = json!({
        "resourceSubscriptions": ["test://watched-resource"],
        "toolsListChanged": true,
        "promptsListChanged": true,
        "resourcesListChanged": true,
    });
    assert_eq!(seen["granted"], all);
}

/// What holds in every era.
pub(crate) fn found(seen: &Value) {
    assert_eq!(seen["surprises"], json!([]));
    let asked = &seen["asked"];
    for kind in ["forms", "urls", "samples", "roots"] {
        assert!(asked[kind].as_u64() > Some(0), "{kind}: {asked}");
    }
}

fn everything(script: &str, options: &[&str]) -> Option<Value> {
    run_against(script, options, server_program("everything-server").as_os_str(), &[])
}
