//! Several servers as one.

use std::time::Duration;

use mcp_client::group::Status;
use mcp_client::{ClientGroup, Error};
use serde_json::json;

use crate::script::{LONG, Scripts, called, eventually, tools, until, within};

#[tokio::test]
async fn tools_of_all_servers_are_called_by_their_names() {
    let scripts = Scripts::new().serving("films", "list find", "").serving("old", "list", "").with(
        "old",
        "era",
        json!("legacy"),
    );
    let group = within(ClientGroup::from_file(scripts.file())).await.unwrap();
    assert_eq!(tools(&group), ["films__list", "films__find", "old__list"]);
    assert_eq!(called(&group, "films__find").await.as_deref(), Ok("find"));
    assert_eq!(called(&group, "old__list").await.as_deref(), Ok("list"));
    let status: Vec<_> =
        group.status().into_iter().map(|(name, status)| format!("{name}: {status}")).collect();
    let expected = [
        "films: connected: films 1, MCP 2026-07-28, 2 tools",
        "old: connected: old 1, MCP 2025-11-25, 1 tool",
    ];
    assert_eq!(status, expected);
    within(group.shutdown()).await;
    assert!(scripts.all_gone("films") && scripts.all_gone("old"));
}

#[tokio::test]
async fn prompts_and_resources_are_reached_too() {
    let scripts = Scripts::new().serving("films", "", "").serving("news", "", "");
    let group = scripts.connect().await;
    let prompts: Vec<_> = group.prompts().iter().map(|prompt| prompt.name.clone()).collect();
    assert_eq!(prompts, ["films__recap", "news__recap"]);
    let recap = within(group.get_prompt("news__recap", ())).await.unwrap();
    assert_eq!(recap.messages.len(), 1);
    let resources = group.resources();
    let found: Vec<_> = resources.iter().map(|r| (&*r.server, r.item.uri.as_str())).collect();
    assert_eq!(found, [("films", "film://a"), ("news", "film://a")]);
    let read = within(group.read_resource("films", "film://a")).await.unwrap();
    assert_eq!(read.contents.len(), 1);
    assert!(group.resource_templates().is_empty());
    let error = within(group.get_prompt("news__x", ())).await.unwrap_err();
    assert!(error.to_string().contains("`prompts` lists those there are"), "{error}");
}

#[tokio::test]
async fn servers_that_do_not_start_are_a_status_and_cost_the_others_nothing() {
    let scripts = Scripts::new()
        .serving("films", "list", "")
        .entry("missing", json!({ "command": "no-such-mcp-server" }))
        .entry("broken", json!({ "command": 7 }))
        .entry("far", json!({ "url": "https://ann@films.example/mcp" }))
        .entry("off", json!({ "command": "no-such-mcp-server", "disabled": true }));
    let group = scripts.connect().await;
    assert_eq!(called(&group, "films__list").await.as_deref(), Ok("list"));
    let far = match cfg!(feature = "http") {
        true => "server `far`: the address of the server holds a user name or password",
        false => "server `far` is at a URL: enable the feature `http`",
    };
    let status = group.status();
    for (name, expected) in [
        ("missing", "failed: transport: no program `no-such-mcp-server` in PATH"),
        ("broken", "`command` is a number, expected a text"),
        ("far", far),
        ("off", "disabled"),
    ] {
        let shown = status[name].to_string();
        assert!(shown.contains(expected) && !shown.contains("tried again"), "{name}: {shown}");
    }
    let error = called(&group, "off__list").await.unwrap_err();
    assert!(error.starts_with("no server of the group has a tool `off__list`"), "{error}");
    let error = group.client("off").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection is closed: the server `off` is not connected: disabled"
    );
    assert!(matches!(group.client("none"), Err(Error::Misuse(_))));
}

#[tokio::test]
async fn a_server_that_hangs_costs_the_others_nothing() {
    let mut scripts = Scripts::new();
    for name in ["a", "b", "c"] {
        scripts = scripts.script(name, "cat >/dev/null");
    }
    let scripts = scripts.serving("films", "list", "").serving("mute", "x", "list() { :; }");
    let builder = scripts.builder().wait(Duration::from_millis(300));
    let group = within(builder.connect()).await.unwrap();
    let mut changes = group.watch();
    if !group.status()["films"].is_connected() {
        until(&mut changes, "films", Status::is_connected).await;
    }
    eventually(|| !tools(&group).is_empty()).await;
    assert_eq!(called(&group, "films__list").await.as_deref(), Ok("list"));
    assert_eq!(group.status()["a"].to_string(), "starting");
    within(group.shutdown()).await;
    // One that was being started is ended in the background.
    eventually(|| ["a", "b", "c", "films", "mute"].iter().all(|name| scripts.all_gone(name))).await;
}

#[tokio::test]
async fn a_server_that_floods_costs_the_others_nothing() {
    let flood = "on_call() { while :; do changed; echo noise; done; }";
    let scripts = Scripts::new().serving("flood", "go", flood).serving("films", "list", "");
    let group = scripts.connect().await;
    let go = tokio::spawn({
        let group = group.clone();
        async move { group.call_tool("flood__go", ()).await }
    });
    for _ in 0..50 {
        assert_eq!(called(&group, "films__list").await.as_deref(), Ok("list"));
    }
    within(group.shutdown()).await;
    assert!(within(go).await.unwrap().is_err());
    assert!(scripts.all_gone("flood"));
}

#[tokio::test]
async fn lists_are_read_again_when_they_change() {
    let more = "on_call() { TOOLS='go more'; changed \"$PARAMS\"; text done; }";
    let scripts = Scripts::new()
        .serving("old", "go", more)
        .with("old", "era", json!("legacy"))
        // A modern server tells only who asked for it.
        .serving(
            "new",
            "go",
            &format!(
                "on_call() {{ PARAMS=\",\\\"params\\\":{{$META}}\"; {} }}",
                &more[12..more.len() - 2]
            ),
        );
    let group = scripts.connect().await;
    for name in ["old", "new"] {
        let mut changes = group.watch();
        assert_eq!(called(&group, &format!("{name}__go")).await.as_deref(), Ok("done"));
        let two = |status: &Status| matches!(status, Status::Connected { tools: 2, .. });
        until(&mut changes, name, two).await;
        assert_eq!(called(&group, &format!("{name}__more")).await.as_deref(), Ok("done"));
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_part_of_the_status() {
    let scripts = Scripts::new().serving("films", "list", "list() { result '{\"tools\":7}'; }");
    let group = scripts.connect().await;
    let shown = group.status()["films"].to_string();
    assert!(shown.contains("0 tools; its lists cannot be read: "), "{shown}");
    assert_eq!(group.prompts().len(), 1);
}

#[tokio::test]
async fn tools_that_the_user_has_disabled_are_not_there() {
    let scripts = Scripts::new().serving("films", "list remove", "").with(
        "films",
        "disabledTools",
        json!(["remove"]),
    );
    let group = scripts.connect().await;
    assert_eq!(tools(&group), ["films__list"]);
    let error = called(&group, "films__remove").await.unwrap_err();
    assert!(error.starts_with("no server of the group has a tool"), "{error}");
}

#[tokio::test]
async fn dropped_groups_leave_no_process_behind() {
    let scripts = Scripts::new().serving("films", "list", "").script("hung", "cat >/dev/null");
    let group = within(scripts.builder().wait(Duration::ZERO).connect()).await.unwrap();
    let mut changes = group.watch();
    until(&mut changes, "films", Status::is_connected).await;
    eventually(|| !scripts.pids("hung").is_empty()).await;
    let other = group.clone();
    drop(group);
    assert!(other.status()["films"].is_connected());
    drop(other);
    eventually(|| scripts.all_gone("films") && scripts.all_gone("hung")).await;
    within(async { while changes.next().await.is_some() {} }).await;
}

#[tokio::test]
async fn dropping_a_group_that_is_connecting_ends_its_servers() {
    let scripts = Scripts::new().script("hung", "cat >/dev/null");
    let connecting = tokio::spawn(scripts.builder().wait(LONG).connect());
    eventually(|| !scripts.pids("hung").is_empty()).await;
    connecting.abort();
    eventually(|| scripts.all_gone("hung")).await;
}

#[tokio::test]
async fn after_shutdown_everything_says_so() {
    let scripts = Scripts::new().serving("films", "list", "");
    let group = scripts.connect().await;
    let mut changes = group.watch();
    tokio::join!(group.shutdown(), group.shutdown());
    assert_eq!(group.status()["films"].to_string(), "stopped");
    let error = called(&group, "films__list").await.unwrap_err();
    assert_eq!(error, "the connection is closed: the server `films` is not connected: stopped");
    assert!(group.tools().is_empty());
    let error = group.reconcile(scripts.config()).await.unwrap_err();
    assert!(error.to_string().starts_with("the group was shut down"), "{error}");
    assert!(group.restart("films").await.is_err());
    within(async { while changes.next().await.is_some() {} }).await;
}
