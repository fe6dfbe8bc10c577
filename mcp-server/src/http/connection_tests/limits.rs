//! How long a connection may do nothing, and how many there may be.

use super::*;

#[tokio::test]
async fn connection_without_request_is_closed() {
    let world = world(|settings| settings.first_request = BLINK).await;
    assert_eq!(world.connect().await.closed().await, "");
    // The same where it has begun to speak HTTP/2.
    let mut raw = world.connect().await;
    raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    drop(raw.closed().await);
}

#[tokio::test]
async fn connection_is_kept_between_requests_and_closed_when_idle() {
    let world = world(|settings| {
        settings.first_request = BLINK;
        settings.connection_idle = BLINK;
    })
    .await;
    let mut raw = world.connect().await;
    for id in 1..=3 {
        raw.send(post(echo(id))).await;
        assert_eq!(raw.answer().await.status, 200);
    }
    assert_eq!(raw.closed().await, "");
}

#[tokio::test]
async fn connection_with_a_call_is_not_idle() {
    let world = world(|settings| {
        settings.first_request = BLINK / 10;
        settings.connection_idle = BLINK / 10;
        settings.stream_after = BLINK / 10;
        settings.keep_alive = BLINK;
    })
    .await;
    let mut raw = world.connect().await;
    raw.send(post(call(1, "wait", &json!({})))).await;
    assert_eq!(raw.head().await.status, 200);
    // By then the connection would long be closed.
    for _ in 0..3 {
        raw.until(":\n\n").await;
    }
    world.go.notify_one();
    raw.until("went").await;
}

#[tokio::test]
async fn reader_that_takes_nothing_loses_its_connection_and_its_call() {
    let world = world(|settings| settings.write_stall = BLINK).await;
    let mut raw = world.connect_small().await;
    raw.send(post(call(1, "flood", &json!({})))).await;
    world.runs(1).await;
    let mut other = world.connect().await;
    other.send(post(echo(2))).await;
    assert_eq!(other.answer().await.status, 200);
    world.runs(0).await;
    assert!(!raw.closed().await.contains("never"));
}

#[tokio::test]
async fn slow_reader_keeps_its_connection() {
    let world = world(|settings| settings.write_stall = BLINK * 4).await;
    let mut raw = world.connect_small().await;
    raw.send(post(call(1, "flood", &json!({})))).await;
    for _ in 0..200 {
        raw.until("\n\n").await;
    }
    drop(raw);
    world.runs(0).await;
}

#[tokio::test]
async fn connections_beyond_the_limit_are_served_when_one_ends() {
    let world = world(|settings| settings.connections = 1).await;
    let mut first = world.connect().await;
    first.send(post(call(1, "wait", &json!({})))).await;
    world.runs(1).await;
    let mut second = world.connect().await;
    second.send(post(echo(2))).await;
    assert!(tokio::time::timeout(BLINK, second.stream.readable()).await.is_err());
    drop(first);
    assert!(second.answer().await.body.contains("echo 2"));
    world.runs(0).await;
}

#[tokio::test]
async fn many_clients_that_vanish_in_a_stream_leave_nothing_behind() {
    let mut world = world(|settings| settings.stream_after = Duration::ZERO).await;
    let mut clients = Vec::new();
    for id in 0..100 {
        let mut raw = world.connect().await;
        raw.send(post(call(id, "wait", &json!({})))).await;
        clients.push(raw);
    }
    world.runs(100).await;
    drop(clients);
    world.runs(0).await;
    world.stop();
    world.ends().await;
}
