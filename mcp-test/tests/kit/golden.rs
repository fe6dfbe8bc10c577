//! What is said, held against files.

use std::time::Duration;

use mcp_client::Direction;
use mcp_server::ProtocolVersion;
use mcp_test::{Error, catalogue, pair};
use serde_json::json;

use crate::server::{PREMIUM, STANDARD, sound, tiers};

#[tokio::test(start_paused = true)]
async fn a_conversation_is_the_same_each_time() -> Result<(), Error> {
    for version in [ProtocolVersion::V2025_11_25, ProtocolVersion::V2026_07_28] {
        let client = pair(sound()).version(version.clone()).record().connect().await?;
        client.call_tool("echo", json!({ "text": "so" })).await?;
        client.call_tool("divide", json!({ "a": 1, "by": 0 })).await?;
        client.call_tool("nope", ()).await.unwrap_err();
        let mut call = client.call_tool("wait", json!({ "seconds": 2 }));
        while call.progress().await.is_some() {}
        call.await?;
        let given_up = tokio::time::timeout(
            Duration::from_millis(1500),
            client.call_tool("wait", json!({ "seconds": 9 })),
        );
        given_up.await.unwrap_err();
        // What a server can do besides is no matter of these conversations.
        let transcript = client.shutdown().await?.mask("capabilities");
        transcript.check(format!("tests/transcripts/tools-{version}.jsonl"))?;
    }
    Ok(())
}

#[tokio::test]
async fn profiles_are_said_the_same_way_each_time() -> Result<(), Error> {
    for version in [ProtocolVersion::V2025_11_25, ProtocolVersion::V2026_07_28] {
        let client = pair(tiers())
            .version(version.clone())
            .prefer(PREMIUM)
            .prefer(STANDARD)
            .record()
            .connect()
            .await?;
        client.call_tool("echo", json!({ "text": "so" })).await?;
        let transcript = client.shutdown().await?.mask("capabilities");
        transcript.check(format!("tests/transcripts/profiles-{version}.jsonl"))?;
    }
    Ok(())
}

#[tokio::test]
async fn the_catalogue_is_kept_in_a_file() -> Result<(), Error> {
    let client = pair(sound()).connect().await?;
    catalogue(&client).await?.check("tests/transcripts/catalogue.json")?;
    client.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn messages_can_be_looked_at() -> Result<(), Error> {
    let client = pair(sound()).record().connect().await?;
    client.call_tool("echo", json!({ "text": "so" })).await?;
    let transcript = client.transcript();
    let methods: Vec<_> = transcript
        .messages()
        .filter(|(direction, _)| *direction == Direction::Sent)
        .map(|(_, message)| message["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods, ["server/discover", "tools/call"]);
    client.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_kept_unasked() -> Result<(), Error> {
    let client = pair(sound()).connect().await?;
    assert_eq!(client.shutdown().await?.to_string(), "");
    Ok(())
}
