//! Lists of tools: page by page, and never without end.

use futures_util::{StreamExt, TryStreamExt};
use mcp_client::Error;
use serde_json::json;

use crate::peer::{Peer, builder, modern};

async fn page(peer: &mut Peer, tools: &[&str], next: Option<&str>) -> serde_json::Value {
    let tools: Vec<_> = tools
        .iter()
        .map(|name| json!({ "name": name, "inputSchema": { "type": "object" } }))
        .collect();
    let mut result =
        json!({ "resultType": "complete", "tools": tools, "ttlMs": 9, "cacheScope": "public" });
    if let Some(next) = next {
        result["nextCursor"] = next.into();
    }
    peer.answer("tools/list", result).await.params
}

#[tokio::test]
async fn page_comes_with_cursor_and_cache_hints() {
    let (client, mut peer) = modern(builder()).await;
    let (listed, asked) = tokio::join!(client.list_tools(None), page(&mut peer, &["a"], Some("2")));
    let listed = listed.unwrap();
    assert!(asked.get("cursor").is_none());
    assert_eq!((listed.tools[0].name.as_str(), listed.cache.unwrap().ttl_ms), ("a", 9));
    let next = client.list_tools(listed.next_cursor);
    let (listed, asked) = tokio::join!(next, page(&mut peer, &["b"], None));
    assert_eq!((asked["cursor"].as_str(), listed.unwrap().next_cursor), (Some("2"), None));
}

#[tokio::test]
async fn all_pages_make_one_list() {
    let (client, mut peer) = modern(builder()).await;
    let (tools, ()) = tokio::join!(client.list_all_tools(), async {
        page(&mut peer, &["a", "b"], Some("2")).await;
        page(&mut peer, &[], Some("3")).await;
        page(&mut peer, &["c"], None).await;
    });
    let names: Vec<_> = tools.unwrap().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn pages_are_asked_for_one_at_a_time() {
    let (client, mut peer) = modern(builder()).await;
    let mut tools = client.tools();
    let (first, _) = tokio::join!(tools.next(), page(&mut peer, &["a"], Some("2")));
    assert_eq!(first.unwrap().unwrap().name, "a");
    drop(tools);
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn cursor_that_comes_twice_is_an_error() {
    let (client, mut peer) = modern(builder()).await;
    let (tools, ()) = tokio::join!(client.tools().try_collect::<Vec<_>>(), async {
        for cursor in ["2", "3", "2"] {
            page(&mut peer, &["a"], Some(cursor)).await;
        }
    });
    let error = tools.unwrap_err();
    assert!(matches!(error, Error::PeerMisbehaved(_)), "{error:?}");
    assert!(error.to_string().contains("a cursor came twice"), "{error}");
}

#[tokio::test]
async fn endless_list_is_an_error() {
    let (client, mut peer) = modern(builder()).await;
    let (tools, ()) = tokio::join!(client.list_all_tools(), async {
        for n in 0..1000 {
            page(&mut peer, &["a"], Some(&n.to_string())).await;
        }
    });
    let error = tools.unwrap_err();
    assert!(error.to_string().contains("more than 1000 pages"), "{error}");
}
