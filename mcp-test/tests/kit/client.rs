//! Scripts that play a server.

use futures_util::FutureExt as _;
use mcp_client::{Client, ErrorCode};
use mcp_server::{Era, ProtocolVersion};
use mcp_test::{ANY, Error, Script, assert_refused, message};
use serde_json::json;

fn client() -> mcp_client::ClientBuilder {
    Client::builder("kit", "1.0")
}

#[tokio::test]
async fn a_client_is_answered_in_both_eras() -> Result<(), Error> {
    let text = json!({ "content": [{ "type": "text", "text": "found" }] });
    let legacy = Script::legacy_server(&ProtocolVersion::V2025_06_18);
    for (script, era) in [(Script::modern_server(), Era::Modern), (legacy, Era::Legacy)] {
        let (server, played) = script
            .expect(json!({ "method": "tools/call", "params": { "name": "search" } }))
            .reply(text.clone())
            .play_server();
        let client = client().connect(server).await?;
        assert_eq!(client.negotiated().era(), era);
        assert_eq!(client.call::<String>("search", ()).await?, "found");
        played.finish().await?;
    }
    Ok(())
}

#[tokio::test]
async fn answers_may_come_in_another_order() -> Result<(), Error> {
    let text = |text: &str| json!({ "content": [{ "type": "text", "text": text }] });
    let call = |name: &str, id: &str| json!({ "id": id, "params": { "name": name } });
    let (server, played) = Script::modern_server()
        .expect(call("one", "$one"))
        .expect(call("two", "$two"))
        .send(message::result("$two", text("2")))
        .send(message::result("$one", text("1")))
        .play_server();
    let client = client().connect(server).await?;
    let (one, two) =
        tokio::join!(client.call::<String>("one", ()), client.call::<String>("two", ()));
    assert_eq!((one?, two?), ("1".to_owned(), "2".to_owned()));
    played.finish().await
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled() -> Result<(), Error> {
    let (server, played) = Script::modern_server()
        .expect(json!({ "method": "tools/call", "id": "$call" }))
        .expect(json!({ "method": "notifications/cancelled", "params": { "requestId": "$call" } }))
        .play_server();
    let client = client().connect(server).await?;
    let mut call = Box::pin(client.call_tool("slow", ()));
    assert!((&mut call).now_or_never().is_none());
    mcp_test::clock::settle().await;
    drop(call);
    played.finish().await
}

#[tokio::test]
async fn a_connection_may_end_in_the_middle() -> Result<(), Error> {
    let (server, played) = Script::modern_server()
        .expect(json!({ "method": "tools/call", "id": ANY }))
        .send_raw("{\"jsonrpc\":\"2.0\",")
        .close()
        .play_server();
    let client = client().connect(server).await?;
    let call = client.call_tool("search", ()).await;
    assert!(matches!(call, Err(mcp_client::Error::Closed(_))), "{call:?}");
    played.finish().await
}

#[tokio::test]
async fn a_refusal_is_told_to_the_caller() -> Result<(), Error> {
    let (server, played) = Script::modern_server()
        .expect(json!({ "method": "tools/call" }))
        .refuse(-32602, "unknown tool: search")
        .play_server();
    let client = client().connect(server).await?;
    assert_refused!(client.call_tool("search", ()).await, ErrorCode::INVALID_PARAMS, "search");
    played.finish().await
}

#[tokio::test]
async fn a_client_that_leaves_the_script_is_told_apart() -> Result<(), Error> {
    let (server, played) = Script::modern_server()
        .expect(json!({ "method": "tools/call", "params": { "name": "search" } }))
        .reply(json!({ "content": [] }))
        .play_server();
    let client = client().connect(server).await?;
    let call = client.call_tool("find", ()).await;
    assert!(matches!(call, Err(mcp_client::Error::Closed(_))), "{call:?}");
    let error = played.finish().await.unwrap_err().to_string();
    assert!(error.contains("params.name: expected \"search\", got \"find\""), "{error}");
    assert!(error.contains("at step 3 of 4"), "{error}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_too_little_is_noticed() -> Result<(), Error> {
    let script = Script::modern_server().expect(json!({ "method": "tools/list" }));
    let (server, played) = script.play_server();
    let _client = client().connect(server).await?;
    let error = played.finish().await.unwrap_err().to_string();
    assert!(error.contains("no message came within 10s"), "{error}");
    Ok(())
}

#[tokio::test]
#[should_panic(expected = "the script does not fit at step 1 of 1")]
async fn a_script_that_nobody_asks_still_fails_the_test() {
    let (server, _played) = Script::new().expect(json!({ "method": "nope" })).play_server();
    client().connect(server).await.unwrap_err();
}
