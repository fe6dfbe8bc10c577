//! The cache: what is found again, by whom, and for how long.

use std::time::Duration;

use mcp_client::types::{ElicitResult, LoggingLevel, SubscriptionFilter};
use mcp_client::{Cache, Client, ClientBuilder};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::peer::{DISCOVERED, Peer, builder, legacy, modern, pair};

const EXT: &str = "dev.behaviour-profiles/profiles";
const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";

fn page(name: &str, scope: &str) -> Value {
    let tool = json!({ "name": name, "inputSchema": { "type": "object" } });
    json!({ "resultType": "complete", "tools": [tool], "ttlMs": 1000, "cacheScope": scope })
}

/// Lists the tools, with an answer of the server.
async fn list(client: &Client, peer: &mut Peer, answer: Value) -> String {
    let (page, _) = tokio::join!(client.list_tools(None), peer.answer("tools/list", answer));
    page.unwrap().tools.remove(0).name
}

/// Lists the tools, if nothing has to be sent for it.
async fn kept(client: &Client, peer: &mut Peer) -> Option<String> {
    let call = client.list_tools(None);
    tokio::select! {
        biased;
        page = call => Some(page.unwrap().tools.remove(0).name),
        _ = peer.asked() => {
            assert_eq!(peer.line().await["method"], "notifications/cancelled");
            None
        }
    }
}

fn named(cache: &Cache, caller: &str) -> ClientBuilder {
    builder().cache(cache.clone()).cached_as("vidsrus", caller)
}

#[tokio::test(start_paused = true)]
async fn a_result_is_kept_for_as_long_as_it_is_fresh() {
    let cache = Cache::new();
    let (client, mut peer) = modern(builder().cache(cache.clone())).await;
    assert_eq!(list(&client, &mut peer, page("a", "private")).await, "a");
    advance(Duration::from_millis(999)).await;
    assert_eq!(kept(&client, &mut peer).await.as_deref(), Some("a"));
    advance(Duration::from_millis(1)).await;
    assert_eq!(list(&client, &mut peer, page("b", "private")).await, "b");
    let anew = client.list_tools(None).anew();
    let (page, _) = tokio::join!(anew, peer.answer("tools/list", page("c", "private")));
    assert_eq!(page.unwrap().tools[0].name, "c");
    assert_eq!(kept(&client, &mut peer).await.as_deref(), Some("c"));
    cache.clear();
    assert!(cache.is_empty() && kept(&client, &mut peer).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn freshness_counts_from_the_receipt_and_not_from_when_the_caller_looks() {
    let (client, mut peer) = modern(builder().cache(Cache::new())).await;
    let mut call = client.list_tools(None);
    let (_, ()) = tokio::join!(call.progress(), async {
        peer.answer("tools/list", page("a", "private")).await;
    });
    advance(Duration::from_millis(1000)).await;
    call.await.unwrap();
    assert!(kept(&client, &mut peer).await.is_none());
}

#[tokio::test]
async fn nothing_is_kept_without_a_cache_in_the_legacy_era_or_without_hints() {
    let (plain, mut peer) = modern(builder()).await;
    list(&plain, &mut peer, page("a", "public")).await;
    assert!(kept(&plain, &mut peer).await.is_none());
    let (old, mut peer) = legacy(builder().cache(Cache::new())).await;
    list(&old, &mut peer, page("a", "public")).await;
    assert!(kept(&old, &mut peer).await.is_none());
    let (client, mut peer) = modern(builder().cache(Cache::new())).await;
    for (ttl, scope) in [(json!(0), "public"), (json!(-5), "public"), (json!("9"), "private")] {
        let mut answer = page("a", scope);
        answer["ttlMs"] = ttl;
        list(&client, &mut peer, answer).await;
        assert!(kept(&client, &mut peer).await.is_none());
    }
}

#[tokio::test]
async fn public_results_are_shared_between_callers_and_private_ones_are_not() {
    for (scope, caller, shared) in
        [("public", "bob", true), ("private", "bob", false), ("private", "alice", true)]
    {
        let cache = Cache::new();
        let (first, mut peer) = modern(named(&cache, "alice")).await;
        list(&first, &mut peer, page("a", scope)).await;
        let (second, mut peer) = modern(named(&cache, caller)).await;
        assert_eq!(kept(&second, &mut peer).await.is_some(), shared, "{scope} {caller}");
        let (elsewhere, mut peer) = modern(builder().cache(cache.clone())).await;
        assert!(kept(&elsewhere, &mut peer).await.is_none(), "another server");
    }
}

#[tokio::test]
async fn what_answers_about_profiles_is_private_and_belongs_to_what_was_asked() {
    let cache = Cache::new();
    // This client knows nothing of profiles, so nothing is wrong with the answer.
    let (first, mut peer) = modern(named(&cache, "alice")).await;
    let mut answer = page("a", "public");
    answer["_meta"] = json!({ EXT: { "profiles": [] } });
    list(&first, &mut peer, answer).await;
    let (second, mut peer) = modern(named(&cache, "bob")).await;
    assert!(kept(&second, &mut peer).await.is_none());

    let (io, mut peer) = pair();
    let mut discovered: Value = serde_json::from_str(DISCOVERED).unwrap();
    discovered["_meta"][EXT] = json!({ "profiles": [PREMIUM] });
    let (client, _) = tokio::join!(
        named(&cache, "alice").require(PREMIUM).connect(io),
        peer.answer("server/discover", discovered)
    );
    assert!(kept(&client.unwrap(), &mut peer).await.is_none(), "other profiles were asked for");
}

#[tokio::test]
async fn parameters_tell_results_apart() {
    let (client, mut peer) = modern(builder().cache(Cache::new())).await;
    let contents = |uri: &str| json!({ "contents": [{ "uri": uri, "text": uri }], "ttlMs": 1000 });
    for uri in ["a:b", "a:c"] {
        let (read, _) =
            tokio::join!(client.read_resource(uri), peer.answer("resources/read", contents(uri)));
        read.unwrap();
    }
    assert_eq!(client.read_resource("a:c").await.unwrap().contents[0].uri(), "a:c");
    assert_eq!(client.read_resource("a:b").await.unwrap().contents[0].uri(), "a:b");
}

#[tokio::test]
async fn notifications_remove_what_has_changed_for_every_client() {
    let cache = Cache::new();
    let (client, mut peer) = modern(named(&cache, "alice")).await;
    let (other, mut far) = modern(named(&cache, "alice")).await;
    list(&client, &mut peer, page("a", "private")).await;
    let contents = json!({ "contents": [], "ttlMs": 1000 });
    for uri in ["a:b", "a:c"] {
        let (read, _) = tokio::join!(
            client.read_resource(uri),
            peer.answer("resources/read", contents.clone())
        );
        read.unwrap();
    }
    assert_eq!(cache.len(), 3);
    far.tell("notifications/resources/updated", json!({ "uri": "a:b/part" })).await;
    far.tell("notifications/tools/list_changed", json!({})).await;
    // An answer to a later request shows that both were handled.
    let (said, _) =
        tokio::join!(other.call_tool("t", ()), far.answer("tools/call", r#"{"content":[]}"#));
    said.unwrap();
    assert!(kept(&other, &mut far).await.is_none());
    assert_eq!(cache.len(), 1);
    client.read_resource("a:c").await.unwrap();
}

#[tokio::test]
async fn what_changes_while_it_is_asked_for_is_not_kept() {
    let (client, mut peer) = modern(builder().cache(Cache::new())).await;
    let mut changes = client.listen(SubscriptionFilter::new().with_tools_list_changed());
    let tag = "io.modelcontextprotocol/subscriptionId";
    let (agreed, id) = tokio::join!(changes.acknowledged(), async {
        let id = peer.asked().await.id;
        let params = json!({ "_meta": { tag: id }, "notifications": {} });
        peer.tell("notifications/subscriptions/acknowledged", params).await;
        id
    });
    agreed.unwrap();
    let (page, ()) = tokio::join!(client.list_tools(None), async {
        let asked = peer.asked().await;
        peer.tell("notifications/tools/list_changed", json!({ "_meta": { tag: id } })).await;
        peer.result(asked.id, page("old", "private")).await;
    });
    page.unwrap();
    assert!(kept(&client, &mut peer).await.is_none());
}

#[tokio::test]
async fn answers_given_with_the_help_of_others_are_not_kept() {
    let cache = Cache::new();
    let asking = builder().cache(cache.clone()).on_form(|_| async { ElicitResult::decline() });
    let (client, mut peer) = modern(asking).await;
    let (read, ()) = tokio::join!(client.read_resource("a:b"), async {
        let question = json!({ "resultType": "input_required", "requestState": "s" });
        peer.answer("resources/read", question).await;
        peer.answer("resources/read", json!({ "contents": [], "ttlMs": 1000 })).await;
    });
    read.unwrap();
    assert!(cache.is_empty());
}

#[tokio::test]
async fn whoever_wants_to_hear_the_server_asks_it() {
    let (client, mut peer) = modern(builder().cache(Cache::new())).await;
    list(&client, &mut peer, page("a", "private")).await;
    let logged = client.list_tools(None).log_level(LoggingLevel::Debug);
    let (_, asked) = tokio::join!(logged, peer.answer("tools/list", page("b", "private")));
    assert_eq!(asked.params["_meta"]["io.modelcontextprotocol/logLevel"], "debug");
    let traced = client.list_tools(None).meta("traceparent", "00-0-0-00");
    assert_eq!(traced.await.unwrap().tools[0].name, "a", "a trace asks for nothing");
}

#[tokio::test]
async fn an_error_forgets_the_pages_of_a_list() {
    let cache = Cache::new();
    let (client, mut peer) = modern(builder().cache(cache.clone())).await;
    list(&client, &mut peer, page("a", "private")).await;
    let (failed, ()) = tokio::join!(client.list_tools(Some("stale".into())), async {
        let asked = peer.asked().await;
        peer.error(asked.id, json!({ "code": -32602, "message": "unknown cursor" })).await;
    });
    failed.unwrap_err();
    assert!(cache.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_does_not_stand_in_for_a_server_that_is_gone() {
    let (client, mut peer) = modern(builder().cache(Cache::new())).await;
    assert_eq!(list(&client, &mut peer, page("a", "private")).await, "a");
    client.shutdown().await;
    assert!(matches!(client.list_tools(None).await, Err(mcp_client::Error::Closed(_))));
}
