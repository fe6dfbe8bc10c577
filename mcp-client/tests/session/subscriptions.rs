//! Subscriptions: what opens them, what they bring and how they end.

use mcp_client::types::SubscriptionFilter;
use mcp_client::{Error, NotificationKind, TimeoutKind};
use serde_json::{Value, json};

use crate::peer::{Peer, builder, modern};

fn filter() -> SubscriptionFilter {
    SubscriptionFilter::new().with_tools_list_changed().with_resource("a:b")
}

fn tagged(id: i64, more: &Value) -> Value {
    let mut params = json!({ "_meta": { "io.modelcontextprotocol/subscriptionId": id } });
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    params
}

/// Awaits the request and acknowledges changes of tools.
async fn acknowledge(peer: &mut Peer) -> i64 {
    let asked = peer.asked().await;
    assert_eq!(asked.method, "subscriptions/listen");
    let wanted = json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:b"] });
    assert_eq!(asked.params["notifications"], wanted);
    let agreed = json!({ "notifications": { "toolsListChanged": true } });
    peer.tell("notifications/subscriptions/acknowledged", tagged(asked.id, &agreed)).await;
    asked.id
}

#[tokio::test(start_paused = true)]
async fn a_subscription_brings_changes_until_the_server_closes_it() {
    let (client, mut peer) = modern(builder()).await;
    let mut changes = client.listen(filter());
    let (agreed, id) = tokio::join!(changes.acknowledged(), acknowledge(&mut peer));
    let agreed = agreed.unwrap();
    assert_eq!(agreed.tools_list_changed, Some(true));
    assert!(agreed.resource_subscriptions.is_empty());
    tokio::time::advance(std::time::Duration::from_secs(100_000)).await;
    let mut all = client.notifications();
    peer.tell("notifications/tools/list_changed", tagged(id, &json!({}))).await;
    let change = changes.next().await.unwrap().unwrap();
    assert_eq!(change.kind(), NotificationKind::ToolsListChanged);
    assert_eq!(all.next().await.unwrap().kind(), NotificationKind::ToolsListChanged);
    peer.result(id, json!({ "resultType": "complete" })).await;
    assert!(changes.next().await.is_none() && changes.next().await.is_none());
    assert!(changes.acknowledged().await.is_ok());
}

#[tokio::test]
async fn dropping_a_subscription_tells_the_server() {
    let (client, mut peer) = modern(builder()).await;
    let mut changes = client.listen(filter());
    let (agreed, id) = tokio::join!(changes.acknowledged(), acknowledge(&mut peer));
    agreed.unwrap();
    drop(changes);
    let cancelled = peer.line().await;
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], id);
}

#[tokio::test(start_paused = true)]
async fn every_other_end_is_an_error() {
    let (client, mut peer) = modern(builder()).await;
    let mut refused = client.listen(filter());
    let (end, ()) = tokio::join!(refused.next(), async {
        let asked = peer.asked().await;
        peer.error(asked.id, json!({ "code": -32601, "message": "no" })).await;
    });
    assert!(matches!(end, Some(Err(Error::Peer(_)))) && refused.next().await.is_none());

    let mut called_off = client.listen(filter());
    let (end, ()) = tokio::join!(called_off.next(), async {
        let id = acknowledge(&mut peer).await;
        peer.tell("notifications/cancelled", json!({ "requestId": id, "reason": "full" })).await;
    });
    let error = end.unwrap().unwrap_err();
    assert!(error.to_string().contains("called the subscription off: full"), "{error}");

    let mut silent = client.listen(filter());
    let (end, _) = tokio::join!(silent.next(), async { peer.asked().await });
    let timed_out = matches!(end, Some(Err(Error::Timeout { kind: TimeoutKind::Idle, .. })));
    assert!(timed_out && peer.line().await["method"] == "notifications/cancelled");

    let mut lost = client.listen(filter());
    let (agreed, _) = tokio::join!(lost.acknowledged(), acknowledge(&mut peer));
    agreed.unwrap();
    drop(peer);
    assert!(matches!(lost.next().await, Some(Err(Error::Closed(_)))));
    assert!(lost.next().await.is_none());
}

#[tokio::test]
async fn what_waits_already_is_not_kept_twice() {
    let (client, mut peer) = modern(builder()).await;
    let mut changes = client.listen(filter());
    let (agreed, id) = tokio::join!(changes.acknowledged(), acknowledge(&mut peer));
    agreed.unwrap();
    for n in 0..3000 {
        let uri = format!("a:{}", n % 1500);
        peer.tell("notifications/resources/updated", tagged(id, &json!({ "uri": uri }))).await;
        peer.tell("notifications/tools/list_changed", tagged(id, &json!({}))).await;
    }
    peer.result(id, json!({})).await;
    // An answer to a later request shows that all of it was handled.
    let (said, _) =
        tokio::join!(client.call_tool("t", ()), peer.answer("tools/call", r#"{"content":[]}"#));
    said.unwrap();
    let mut kept = 0;
    while let Some(change) = changes.next().await {
        change.unwrap();
        kept += 1;
    }
    assert_eq!(kept, 1024);
    assert!(changes.missed() > 0);
}
