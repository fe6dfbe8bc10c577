//! Time limits, by a clock that stands still.

use std::time::Duration;

use mcp_client::{Error, TimeoutKind};
use serde_json::json;
use tokio::time::{Instant, advance, timeout};

use crate::peer::{builder, legacy, modern};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn silence_runs_into_the_idle_limit_and_the_server_is_told() {
    let (client, mut peer) = modern(builder().idle_timeout(5 * SECOND)).await;
    let begun = Instant::now();
    let (timed_out, cancelled) = tokio::join!(client.call::<String>("slow", ()), async {
        peer.asked().await;
        peer.line().await
    });
    assert!(
        matches!(timed_out, Err(Error::Timeout { kind: TimeoutKind::Idle, .. })),
        "{timed_out:?}"
    );
    assert_eq!(begun.elapsed().as_secs(), 5);
    assert_eq!(cancelled["method"], "notifications/cancelled");
}

#[tokio::test(start_paused = true)]
async fn progress_extends_the_idle_limit_and_not_the_total() {
    let (client, mut peer) = legacy(builder()).await;
    let begun = Instant::now();
    let call = client.call::<String>("slow", ()).idle_timeout(2 * SECOND).total_timeout(5 * SECOND);
    let call = tokio::spawn(call);
    let asked = peer.asked().await;
    for done in 1..=3 {
        advance(Duration::from_millis(1500)).await;
        peer.progress(asked.id, done).await;
        // An answered ping shows that the progress was handled.
        peer.say(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#).await;
        assert_eq!(peer.line().await["id"], "p");
    }
    let timed_out = call.await.unwrap();
    assert!(
        matches!(timed_out, Err(Error::Timeout { kind: TimeoutKind::Total, .. })),
        "{timed_out:?}"
    );
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn later_call_with_a_shorter_limit_is_not_forgotten() {
    let (client, mut peer) = modern(builder().idle_timeout(60 * SECOND)).await;
    let begun = Instant::now();
    let long = tokio::spawn(client.call::<String>("long", ()));
    peer.asked().await;
    let short = client.call::<String>("short", ()).idle_timeout(SECOND).await;
    assert!(matches!(short, Err(Error::Timeout { kind: TimeoutKind::Idle, .. })));
    assert_eq!(begun.elapsed().as_secs(), 1);
    assert!(matches!(long.await.unwrap(), Err(Error::Timeout { kind: TimeoutKind::Idle, .. })));
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn timeout_around_a_call_cancels_it() {
    let (client, mut peer) = modern(builder()).await;
    let (elapsed, cancelled) =
        tokio::join!(timeout(SECOND, client.call::<String>("slow", ())), async {
            peer.asked().await;
            peer.line().await
        });
    assert!(elapsed.is_err());
    assert_eq!(cancelled["method"], "notifications/cancelled");
}

#[tokio::test(start_paused = true)]
async fn limits_can_be_switched_off() {
    let (client, mut peer) =
        modern(builder().idle_timeout(Duration::MAX).total_timeout(Duration::MAX)).await;
    let call = tokio::spawn(client.call::<String>("echo", json!({ "message": "late" })));
    advance(Duration::from_secs(7 * 24 * 60 * 60)).await;
    peer.echo(1).await;
    assert_eq!(call.await.unwrap().unwrap(), "late");
}
