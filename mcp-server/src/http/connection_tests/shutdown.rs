//! The end of the service: nothing is begun, what was begun comes to its end or is cut off.

use super::*;

#[tokio::test]
async fn accepted_call_is_answered_and_nothing_else_is_accepted() {
    let mut world = world(|settings| settings.stream_after = Duration::from_secs(60)).await;
    let mut raw = world.connect().await;
    let idle = world.connect().await;
    raw.send(post(call(1, "wait", &json!({})))).await;
    world.runs(1).await;
    world.stop();
    // Once idle connections end, it is stopping.
    assert_eq!(idle.closed().await, "");
    assert!(TcpStream::connect(world.address).await.is_err());
    world.go.notify_one();
    assert!(raw.answer().await.body.contains("went"));
    assert_eq!(raw.closed().await, "");
    world.ends().await;
}

#[tokio::test]
async fn streams_of_changes_end() {
    let mut world = world(|_| {}).await;
    let mut raw = world.connect().await;
    let filter = json!({ "notifications": { "toolsListChanged": true } });
    raw.send(post(modern(1, "subscriptions/listen", filter))).await;
    raw.until("acknowledged").await;
    world.stop();
    assert!(raw.closed().await.contains("result"));
    world.ends().await;
}

#[tokio::test]
async fn what_takes_longer_than_the_drain_timeout_is_cut_off() {
    let mut world =
        world_draining(BLINK, |settings| settings.stream_after = Duration::from_secs(60)).await;
    let mut raw = world.connect().await;
    raw.send(post(call(1, "wait", &json!({})))).await;
    let mut reader = world.connect_small().await;
    reader.send(post(call(2, "flood", &json!({})))).await;
    let mut half = world.connect().await;
    half.send("POST /mcp HTTP/1.1\r\nHost: ").await;
    world.runs(2).await;
    world.stop();
    assert_eq!(raw.closed().await, "");
    half.closed().await;
    world.ends().await;
    drop(reader);
}

#[tokio::test]
async fn calls_of_legacy_sessions_end_with_the_service() {
    let mut world = world_draining(BLINK, |settings| settings.stream_after = BLINK).await;
    let mut raw = world.connect().await;
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "c", "version": "1" } });
    raw.send(legacy(None, "initialize", &params)).await;
    let begun = raw.answer().await;
    let session = begun.header("mcp-session-id").unwrap().to_owned();
    raw.send(legacy(Some(&session), "tools/call", &json!({ "name": "wait" }))).await;
    world.runs(1).await;
    assert_eq!(raw.head().await.status, 200);
    // The call of a session survives its connection, but not the service.
    drop(raw);
    world.stop();
    world.ends().await;
}
