//! Our client against the official TypeScript servers.

use std::time::Duration;

use mcp_client::{ChildProcess, Client, Ending, Era, EraChoice, Error};
use mcp_core::jsonrpc::ErrorCode;
use serde::Deserialize;
use serde_json::json;

use crate::folder;

#[tokio::test]
async fn version_one_server_is_found_to_be_legacy() {
    let Some(client) = connect("server-v1.mjs", &[], EraChoice::Auto).await else { return };
    assert_eq!(version(&client), (Era::Legacy, "2025-11-25".to_owned()));
    client.ping().await.expect("a legacy server answers pings");
    tells_the_story(client, UnknownTool::IsResult).await;
}

#[tokio::test]
async fn version_two_server_is_found_to_be_modern() {
    let Some(client) = connect("server-v2.mjs", &[], EraChoice::Auto).await else { return };
    assert_eq!(version(&client), (Era::Modern, "2026-07-28".to_owned()));
    tells_the_story(client, UnknownTool::IsProtocolError).await;
}

#[tokio::test]
async fn version_two_server_serves_a_client_of_the_modern_era_only() {
    let options = ["--era", "modern"];
    let Some(client) = connect("server-v2.mjs", &options, EraChoice::Modern).await else { return };
    assert_eq!(version(&client).0, Era::Modern);
    tells_the_story(client, UnknownTool::IsProtocolError).await;
}

#[tokio::test]
async fn version_two_server_of_the_legacy_era_is_initialized() {
    let options = ["--era", "legacy"];
    let Some(client) = connect("server-v2.mjs", &options, EraChoice::Auto).await else { return };
    assert_eq!(version(&client).0, Era::Legacy);
    tells_the_story(client, UnknownTool::IsProtocolError).await;
}

#[tokio::test]
async fn version_two_server_serves_a_client_of_the_legacy_era_only() {
    let Some(client) = connect("server-v2.mjs", &[], EraChoice::Legacy).await else { return };
    assert_eq!(version(&client).0, Era::Legacy);
    tells_the_story(client, UnknownTool::IsProtocolError).await;
}

#[tokio::test]
async fn requirements_are_not_met_by_a_server_that_knows_no_profiles() {
    for (script, era) in [("server-v1.mjs", "legacy"), ("server-v2.mjs", "modern")] {
        let Some(server) = server(script, &[]) else { return };
        let client =
            Client::builder("interop", "1.0").require("https://vidsrus/mcp-profiles/premium");
        let error = client.connect(server).await.expect_err(era);
        let Error::Rejected(rejection) = error else { panic!("{era}: {error}") };
        assert_eq!(rejection.missing().len(), 1, "{era}");
    }
}

/// How a server answers a call of a tool that it does not have.
pub(crate) enum UnknownTool {
    /// Version 1 answers with a result that says `isError`.
    IsResult,
    IsProtocolError,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Sum {
    sum: f64,
}

/// Lists, calls, fails, hears of progress, cancels and ends.
async fn tells_the_story(client: Client, unknown: UnknownTool) {
    story(&client, unknown).await;
    let ended = client.shutdown().await.expect("the server is a child process");
    assert!(matches!(ended.by, Ending::Itself), "{ended:?}");
}

/// Lists, calls, fails, hears of progress and cancels.
pub(crate) async fn story(client: &Client, unknown: UnknownTool) {
    let tools = client.list_all_tools().await.expect("the tools are listed");
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["echo", "add", "long_running", "slow", "fail"]);

    let said: String = client.call("echo", json!({ "message": "h\u{e9} \"\n" })).await.unwrap();
    assert_eq!(said, "h\u{e9} \"\n");
    let sum: Sum = client.call("add", json!({ "a": 1.5, "b": 2 })).await.unwrap();
    assert_eq!(sum, Sum { sum: 3.5 });

    let mut job = client.call::<String>("long_running", json!({ "duration": 0.2, "steps": 4 }));
    let mut heard = Vec::new();
    while let Some(progress) = job.progress().await {
        heard.push((progress.done, progress.total));
    }
    assert_eq!(job.await.unwrap(), "4 steps");
    let last = heard.pop().expect("the server reports progress");
    assert_eq!(last, (4.0, Some(4.0)), "{heard:?}");

    let failed = client.call::<String>("fail", json!({})).await.unwrap_err();
    assert!(matches!(&failed, Error::Tool(said) if said.to_string().contains("always fails")));
    let wrong = client.call::<String>("echo", json!({ "message": 7 })).await.unwrap_err();
    assert!(matches!(&wrong, Error::Tool(said) if said.to_string().contains("message")), "{wrong}");
    let missing = client.call::<String>("nothing", json!({})).await.unwrap_err();
    match unknown {
        UnknownTool::IsResult => assert!(matches!(missing, Error::Tool(_)), "{missing}"),
        UnknownTool::IsProtocolError => {
            assert!(
                matches!(&missing, Error::Peer(e) if e.code == ErrorCode::INVALID_PARAMS),
                "{missing}"
            );
        }
    }

    let slow = client.call::<String>("slow", json!({ "ms": 30_000 }));
    let slow = tokio::time::timeout(Duration::from_millis(50), slow).await;
    assert!(slow.is_err(), "a call that is dropped is cancelled, and the connection goes on");
    let again: String = client.call("echo", json!({ "message": "still there" })).await.unwrap();
    assert_eq!(again, "still there");
    assert_eq!(client.passed_over(), 0, "everything that the server sent was understood");
}

pub(crate) fn version(client: &Client) -> (Era, String) {
    let agreed = client.negotiated();
    (agreed.era(), agreed.version().to_string())
}

async fn connect(script: &str, options: &[&str], era: EraChoice) -> Option<Client> {
    let server = server(script, options)?;
    let client = Client::builder("interop", "1.0").era(era).connect(server).await;
    Some(client.unwrap_or_else(|error| panic!("{script}: {error:#}")))
}

fn server(script: &str, options: &[&str]) -> Option<ChildProcess> {
    Some(ChildProcess::new("node").arg(folder()?.join(script)).args(options))
}
