//! Every era of client with every era of server (2026-07-28, basic/versioning, "Compatibility
//! Matrix"), as processes over pipes.

use mcp_client::{ChildProcess, Client, Ending, Era, EraChoice, Error, Exit};
use serde_json::json;

use crate::conversation::SERVER;

async fn connect(client: EraChoice, server: &str) -> Result<Client, Error> {
    let server = ChildProcess::new(SERVER).args(["stdio", "--era", server]);
    Client::builder("matrix", "1").era(client).connect(server).await
}

/// That they agree, that tools can be called, and that both end well.
async fn works(client: EraChoice, server: &str, era: Era, version: &str) {
    let client = connect(client, server).await.unwrap_or_else(|error| panic!("{error:#}"));
    let agreed = client.negotiated();
    assert_eq!((agreed.era(), agreed.version().as_str()), (era, version));
    assert_eq!(client.list_all_tools().await.unwrap().len(), 6);
    let sum: f64 = client.call("add", json!({ "a": 2, "b": 3 })).await.unwrap();
    assert!((sum - 5.0).abs() < f64::EPSILON);
    let failed = client.call::<String>("echo", json!({ "message": 7 })).await;
    assert!(matches!(failed, Err(Error::Tool(_))), "{failed:?}");
    let ended = client.shutdown().await.expect("it was a process");
    assert_eq!((ended.exit, ended.by), (Exit::Code(0), Ending::Itself));
}

/// That they do not agree, and that a person is told which versions each of them speaks.
async fn fails(client: EraChoice, server: &str, server_speaks: &str, client_speaks: &str) {
    let error = connect(client, server).await.expect_err("there is no common era");
    assert!(matches!(error, Error::PeerIncompatible(_)), "{error:?}");
    let told = error.to_string();
    let (servers, clients) = told.split_once("this client").expect("it names both");
    assert!(servers.contains(server_speaks) && clients.contains(client_speaks), "{told}");
}

#[tokio::test]
async fn legacy_client_and_legacy_server_work() {
    works(EraChoice::Legacy, "legacy", Era::Legacy, "2025-11-25").await;
}

#[tokio::test]
async fn legacy_client_fails_with_a_modern_server() {
    fails(EraChoice::Legacy, "modern", "2026-07-28", "2025-11-25").await;
}

#[tokio::test]
async fn legacy_client_is_served_its_revision_by_a_dual_era_server() {
    works(EraChoice::Legacy, "both", Era::Legacy, "2025-11-25").await;
}

#[tokio::test]
async fn modern_client_fails_with_a_legacy_server_and_says_why() {
    fails(EraChoice::Modern, "legacy", "2025-11-25", "2026-07-28").await;
}

#[tokio::test]
async fn modern_client_and_modern_server_work() {
    works(EraChoice::Modern, "modern", Era::Modern, "2026-07-28").await;
}

#[tokio::test]
async fn modern_client_and_dual_era_server_work_in_the_modern_era() {
    works(EraChoice::Modern, "both", Era::Modern, "2026-07-28").await;
}

#[tokio::test]
async fn dual_era_client_falls_back_to_initialize_with_a_legacy_server() {
    works(EraChoice::Auto, "legacy", Era::Legacy, "2025-11-25").await;
}

#[tokio::test]
async fn dual_era_client_stays_modern_with_a_modern_server() {
    works(EraChoice::Auto, "modern", Era::Modern, "2026-07-28").await;
}

#[tokio::test]
async fn dual_era_client_and_dual_era_server_work_in_the_modern_era() {
    works(EraChoice::Auto, "both", Era::Modern, "2026-07-28").await;
}
