//! Servers that end, and are started again or not.

use std::time::Duration;

use mcp_client::Error;
use mcp_client::group::{Restarts, Status};
use serde_json::json;

use crate::script::{LONG, Scripts, called, until, within};

const DIES: &str = "on_call() { echo 'out of film' >&2; exit 3; }";

#[tokio::test]
async fn a_server_that_ended_is_started_again() {
    let scripts = Scripts::new().serving("films", "list die", DIES);
    let group = scripts.connect().await;
    let mut changes = group.watch();
    let error = called(&group, "films__die").await.unwrap_err();
    assert!(error.contains("exited with status 3") && error.contains("out of film"), "{error}");
    let failed = until(&mut changes, "films", |status| status.error().is_some()).await;
    assert!(failed.to_string().contains("exited with status 3"), "{failed}");
    until(&mut changes, "films", Status::is_connected).await;
    assert_eq!(scripts.pids("films").len(), 2);
    within(group.shutdown()).await;
    assert!(scripts.all_gone("films"));
}

#[tokio::test]
async fn tools_of_a_lost_server_are_known_and_not_listed() {
    let scripts = Scripts::new().serving("films", "die", DIES);
    let group = scripts.builder().restarts(Restarts::NEVER).connect().await.unwrap();
    let mut changes = group.watch();
    called(&group, "films__die").await.unwrap_err();
    until(&mut changes, "films", |status| matches!(status, Status::Failed { .. })).await;
    assert!(group.tools().is_empty());
    let error = called(&group, "films__die").await.unwrap_err();
    assert!(
        error
            .starts_with("the connection is closed: the server `films` is not connected: failed: "),
        "{error}"
    );
    // Until somebody asks for it.
    within(group.restart("films")).await.unwrap();
    assert!(group.status()["films"].is_connected());
    assert!(matches!(group.restart("none").await, Err(Error::Misuse(_))));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_start_is_tried_again_with_growing_pauses_and_then_given_up() {
    let seconds = Duration::from_secs;
    let restarts = Restarts {
        attempts: 4,
        first_pause: seconds(100),
        longest_pause: seconds(300),
        ..Restarts::default()
    };
    let scripts = Scripts::new().script("films", "exit 1");
    // The clock jumps while a process is awaited: that time-outs come early changes nothing here.
    let builder = scripts.builder().restarts(restarts).wait(Duration::ZERO);
    let group = builder.connect().await.unwrap();
    let mut changes = group.watch();
    for longest in [100, 200, 300, 300] {
        let failed = changes_to_failed(&mut changes).await;
        let Status::Failed { retry_at: Some(at), .. } = failed else { panic!("{failed}") };
        let pause = at - tokio::time::Instant::now().into_std();
        assert!(pause <= seconds(longest) && pause >= seconds(longest / 2), "{pause:?}");
    }
    let failed = changes_to_failed(&mut changes).await;
    assert!(matches!(failed, Status::Failed { retry_at: None, .. }), "{failed}");
}

/// Waits through what comes before, to the next failure.
async fn changes_to_failed(changes: &mut mcp_client::group::GroupChanges) -> Status {
    loop {
        let mut all = changes.next().await.unwrap();
        match all.remove("films").unwrap() {
            failed @ Status::Failed { .. } => return failed,
            _ => continue,
        }
    }
}

#[tokio::test]
async fn failures_are_forgotten_after_a_healthy_while() {
    let scripts = Scripts::new().serving("films", "die", DIES);
    let restarts = Restarts { attempts: 1, ..crate::script::AT_ONCE };
    let group = scripts.builder().restarts(restarts).connect().await.unwrap();
    for _ in 0..3 {
        tokio::time::pause();
        tokio::time::advance(LONG).await;
        tokio::time::resume();
        let mut changes = group.watch();
        called(&group, "films__die").await.unwrap_err();
        until(&mut changes, "films", |status| {
            matches!(status, Status::Failed { retry_at: Some(_), .. })
        })
        .await;
        until(&mut changes, "films", Status::is_connected).await;
    }
    // Twice in a short time is once too often.
    let mut changes = group.watch();
    called(&group, "films__die").await.unwrap_err();
    let failed = |status: &Status| matches!(status, Status::Failed { .. });
    let failed = until(&mut changes, "films", failed).await;
    assert!(matches!(failed, Status::Failed { retry_at: None, .. }), "{failed}");
}

#[tokio::test]
async fn profiles_that_were_not_agreed_on_are_not_asked_for_again() {
    let premium = "https://vidsrus/mcp-profiles/premium";
    let scripts = Scripts::new()
        .serving("films", "list", "")
        .with("films", "requireProfiles", json!([premium]))
        .serving("news", "list", "");
    let group = scripts.connect().await;
    let status = &group.status()["films"];
    let Status::Failed { error, retry_at: None, .. } = status else { panic!("{status}") };
    assert!(
        matches!(**error, Error::Rejected(_)) && error.to_string().contains(premium),
        "{error}"
    );
    assert_eq!(scripts.pids("films").len(), 1);
    assert!(scripts.all_gone("films"));
    assert_eq!(called(&group, "news__list").await.as_deref(), Ok("list"));
}

#[tokio::test]
async fn what_describes_a_client_or_process_cannot_weaken_the_configuration() {
    let scripts = Scripts::new().serving("films", "list", "").with(
        "films",
        "requireProfiles",
        json!(["https://vidsrus/mcp-profiles/premium"]),
    );
    let builder = scripts.builder().client(|name, client| {
        assert_eq!(name, "films");
        client.prefer("https://vidsrus/mcp-profiles/fast")
    });
    let group =
        within(builder.process(|_, process| process.env("X", "1")).connect()).await.unwrap();
    assert!(matches!(&**group.status()["films"].error().unwrap(), Error::Rejected(_)));
}

#[tokio::test]
async fn a_panic_in_a_function_of_the_caller_is_a_failed_server() {
    let scripts = Scripts::new().serving("films", "list", "").serving("news", "list", "");
    let builder = scripts.builder().client(|name, client| {
        assert_ne!(name, "films", "on purpose");
        client
    });
    let group = within(builder.connect()).await.unwrap();
    let shown = group.status()["films"].to_string();
    assert!(shown.contains("panicked"), "{shown}");
    assert!(group.status()["news"].is_connected());
}
