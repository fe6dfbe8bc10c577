//! Groups whose configuration changes.

use std::collections::BTreeSet;

use mcp_client::Config;
use serde_json::json;

use crate::script::{Scripts, called, tools, within};

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn only_what_has_changed_is_touched() {
    // The new one does not come before the old one is gone.
    let exclusive = "[ -e lock ] && exit 1; : > lock; trap 'sleep 0.1; rm lock' EXIT";
    let scripts = Scripts::new()
        .serving("films", "list", "")
        .serving("news", "list", exclusive)
        .serving("notes", "list", "");
    let group = scripts.connect().await;

    let scripts = scripts
        .without("notes")
        .serving("news", "list find", exclusive)
        .serving("radio", "list", "")
        .with("films", "autoApprove", json!(["list"]));
    let done = within(group.reconcile(scripts.config())).await.unwrap();
    assert_eq!(done.added, set(["radio"]));
    assert_eq!(done.removed, set(["notes"]));
    assert_eq!(done.changed, set(["news"]));
    assert_eq!(done.unchanged, set(["films"]));
    assert_eq!(scripts.pids("films").len(), 1);
    assert_eq!(scripts.pids("news").len(), 2);
    assert!(scripts.all_gone("notes") && !group.status().contains_key("notes"));
    assert_eq!(tools(&group), ["films__list", "news__list", "news__find", "radio__list"]);
    assert_eq!(called(&group, "news__find").await.as_deref(), Ok("find"));

    let done = within(group.reconcile(Config::new())).await.unwrap();
    assert_eq!(done.removed, set(["films", "news", "radio"]));
    assert!(group.status().is_empty() && group.tools().is_empty());
    assert!(["films", "news", "radio"].iter().all(|name| scripts.all_gone(name)));
}

#[tokio::test]
async fn which_tools_are_used_changes_without_a_restart() {
    let scripts = Scripts::new().serving("films", "list remove", "");
    let group = scripts.connect().await;
    let scripts = scripts.with("films", "disabledTools", json!(["remove"]));
    within(group.reconcile(scripts.config())).await.unwrap();
    assert_eq!(tools(&group), ["films__list"]);
    assert!(group.status()["films"].to_string().ends_with("1 tool"));
    assert_eq!(scripts.pids("films").len(), 1);
}

#[tokio::test]
async fn servers_are_disabled_and_enabled() {
    let scripts = Scripts::new().serving("films", "list", "");
    let group = scripts.connect().await;
    let scripts = scripts.with("films", "disabled", json!(true));
    within(group.reconcile(scripts.config())).await.unwrap();
    assert_eq!(group.status()["films"].to_string(), "disabled");
    let scripts = scripts.with("films", "disabled", json!(false));
    within(group.reconcile(scripts.config())).await.unwrap();
    assert!(group.status()["films"].is_connected());
    let pids = scripts.pids("films");
    assert_eq!(pids.len(), 2);
}

#[tokio::test]
async fn a_server_that_has_failed_for_good_is_left_alone_until_its_entry_changes() {
    let scripts = Scripts::new().entry("films", json!({ "command": "no-such-mcp-server" }));
    let group = scripts.connect().await;
    let done = within(group.reconcile(scripts.config())).await.unwrap();
    assert_eq!(done.unchanged, set(["films"]));
    assert!(group.status()["films"].error().is_some());
    let scripts = scripts.serving("films", "list", "");
    let done = within(group.reconcile(scripts.config())).await.unwrap();
    assert_eq!(done.changed, set(["films"]));
    assert!(group.status()["films"].is_connected());
}
