//! Everything that a client can ask a server for, in the era that has it.

use futures_util::TryStreamExt;
use mcp_client::types::{
    CompleteRequestParams, LoggingLevel, PromptReference, ResourceTemplateReference,
};
use mcp_client::{Client, Error, ExtensionId, NotificationKind};
use serde_json::{Value, json};

use crate::peer::{DISCOVERED, Peer, builder, legacy, modern, pair};

const WATCHLIST: ExtensionId = ExtensionId::new("com.example/watchlist");

async fn both() -> [(Client, Peer); 2] {
    [modern(builder()).await, legacy(builder()).await]
}

#[tokio::test]
async fn resources_are_listed_and_read() {
    for (client, mut peer) in both().await {
        let page = r#"{"resources":[{"uri":"a:b","name":"b"}],"nextCursor":"2"}"#;
        let (listed, _) =
            tokio::join!(client.list_resources(None), peer.answer("resources/list", page));
        assert_eq!(listed.unwrap().resources[0].uri, "a:b");
        let page = r#"{"resourceTemplates":[{"uriTemplate":"a:{x}","name":"x"}]}"#;
        let (listed, _) = tokio::join!(
            client.list_all_resource_templates(),
            peer.answer("resources/templates/list", page)
        );
        assert_eq!(listed.unwrap()[0].uri_template, "a:{x}");
        let contents =
            r#"{"contents":[{"uri":"a:b","text":"hi"}],"ttlMs":5,"cacheScope":"private"}"#;
        let (read, asked) =
            tokio::join!(client.read_resource("a:b"), peer.answer("resources/read", contents));
        assert_eq!(asked.params["uri"], "a:b");
        let modern = peer.heard[0].contains("server/discover");
        let read = read.unwrap();
        assert_eq!((read.contents.len(), read.cache.is_some()), (1, modern));
    }
}

#[tokio::test]
async fn lists_of_all_kinds_go_on_over_pages() {
    let (client, mut peer) = modern(builder()).await;
    let (names, ()) = tokio::join!(
        client.resources().map_ok(|resource| resource.name).try_collect::<Vec<_>>(),
        async {
            let first = json!({ "resources": [{ "uri": "a:1", "name": "1" }], "nextCursor": "n" });
            peer.answer("resources/list", first).await;
            let second = json!({ "resources": [{ "uri": "a:2", "name": "2" }] });
            let asked = peer.answer("resources/list", second).await;
            assert_eq!(asked.params["cursor"], "n");
        }
    );
    assert_eq!(names.unwrap(), ["1", "2"]);
    let (prompts, ()) = tokio::join!(client.list_all_prompts(), async {
        for _ in 0..2 {
            peer.answer("prompts/list", json!({ "prompts": [], "nextCursor": "n" })).await;
        }
    });
    assert!(prompts.unwrap_err().to_string().contains("the list of prompts does not end"));
}

#[tokio::test]
async fn prompts_are_filled_in_with_strings() {
    for (client, mut peer) in both().await {
        let result = r#"{"messages":[{"role":"user","content":{"type":"text","text":"hi"}}]}"#;
        let (prompt, asked) = tokio::join!(
            client.get_prompt("recap", json!({ "title": "nosferatu", "minute": 12 })),
            peer.answer("prompts/get", result)
        );
        assert_eq!(prompt.unwrap().messages.len(), 1);
        let arguments = json!({ "title": "nosferatu", "minute": "12" });
        assert_eq!(
            (&asked.params["name"], &asked.params["arguments"]),
            (&json!("recap"), &arguments)
        );
    }
}

#[tokio::test]
async fn completion_carries_what_is_filled_in_already() {
    let (client, mut peer) = modern(builder()).await;
    let typed = CompleteRequestParams::new(PromptReference::new("recap"), "title", "nos")
        .with_context_argument("language", "en");
    let result = r#"{"completion":{"values":["nosferatu"],"hasMore":false}}"#;
    let (completed, asked) =
        tokio::join!(client.complete(&typed), peer.answer("completion/complete", result));
    assert_eq!(completed.unwrap().completion.values(), ["nosferatu"]);
    assert_eq!(asked.params["ref"], json!({ "type": "ref/prompt", "name": "recap" }));
    assert_eq!(asked.params["context"]["arguments"]["language"], "en");
    let typed = CompleteRequestParams::new(ResourceTemplateReference::new("a:{x}"), "x", "");
    let (_, asked) =
        tokio::join!(client.complete(&typed), peer.answer("completion/complete", result));
    assert_eq!(asked.params["ref"], json!({ "type": "ref/resource", "uri": "a:{x}" }));
}

#[tokio::test]
async fn legacy_servers_are_subscribed_to_and_told_a_level() {
    let (client, mut peer) = legacy(builder()).await;
    let mut told = client.notifications();
    let (done, asked) =
        tokio::join!(client.subscribe("a:b"), peer.answer("resources/subscribe", "{}"));
    assert_eq!((done.unwrap(), &asked.params["uri"]), ((), &json!("a:b")));
    peer.tell("notifications/resources/updated", json!({ "uri": "a:b" })).await;
    let updated = told.next().await.unwrap().kind();
    assert_eq!(updated, NotificationKind::ResourceUpdated { uri: "a:b".to_owned() });
    let (done, _) =
        tokio::join!(client.unsubscribe("a:b"), peer.answer("resources/unsubscribe", "{}"));
    done.unwrap();
    let level = client.set_logging_level(LoggingLevel::Warning);
    let (done, asked) = tokio::join!(level, peer.answer("logging/setLevel", "{}"));
    assert_eq!((done.unwrap(), &asked.params["level"]), ((), &json!("warning")));
    client.notify_roots_changed().unwrap();
    assert_eq!(peer.line().await["method"], "notifications/roots/list_changed");
}

#[tokio::test]
async fn what_an_era_lacks_is_refused_with_what_to_use_instead() {
    let (client, mut peer) = modern(builder()).await;
    for (refused, instead) in [
        (client.subscribe("a:b").await.unwrap_err(), "`listen`"),
        (client.unsubscribe("a:b").await.unwrap_err(), "`listen`"),
        (client.set_logging_level(LoggingLevel::Info).await.unwrap_err(), "`log_level`"),
        (client.notify_roots_changed().unwrap_err(), "whenever"),
    ] {
        assert!(matches!(refused, Error::Misuse(_)), "{refused:?}");
        assert!(refused.to_string().contains(instead), "{refused}");
    }
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
    let (client, mut peer) = legacy(builder()).await;
    let refused = client.call_tool("t", ()).log_level(LoggingLevel::Info).await.unwrap_err();
    assert!(refused.to_string().contains("`set_logging_level`"), "{refused}");
    let refused = client.listen(Default::default()).next().await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("`subscribe`"), "{refused}");
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn a_call_says_what_it_wants_logged_and_what_it_belongs_to() {
    let (client, mut peer) = modern(builder()).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    let call = client.call_tool("t", ()).log_level(LoggingLevel::Debug).meta("traceparent", trace);
    let (done, asked) = tokio::join!(call, peer.answer("tools/call", r#"{"content":[]}"#));
    done.unwrap();
    let meta = &asked.params["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/logLevel"], "debug");
    assert_eq!(meta["traceparent"], trace);
    for key in ["io.modelcontextprotocol/protocolVersion", "progressToken", "a b"] {
        let refused = client.call_tool("t", ()).meta(key, 1).await.unwrap_err();
        assert!(matches!(refused, Error::Misuse(_)), "{key}: {refused:?}");
    }
}

#[tokio::test]
async fn log_messages_are_typed() {
    let (client, mut peer) = legacy(builder()).await;
    let mut told = client.notifications();
    let params = json!({ "level": "error", "logger": "db", "data": { "n": 1 } });
    peer.tell("notifications/message", params).await;
    let NotificationKind::Message(message) = told.next().await.unwrap().kind() else { panic!() };
    assert_eq!((message.level, message.logger.as_deref()), (LoggingLevel::Error, Some("db")));
    assert_eq!(message.data.get(), r#"{"n":1}"#);
}

#[tokio::test]
async fn requests_of_an_extension_need_both_sides() {
    let discovered = |extensions: Value| {
        let mut result: Value = serde_json::from_str(DISCOVERED).unwrap();
        result["capabilities"]["extensions"] = extensions;
        result
    };
    for (ours, theirs) in [(true, true), (true, false), (false, true)] {
        let (io, mut peer) = pair();
        let builder = if ours { builder().extension(WATCHLIST) } else { builder() };
        let extensions = if theirs { json!({ "com.example/watchlist": {} }) } else { json!({}) };
        let (client, asked) = tokio::join!(
            builder.connect(io),
            peer.answer("server/discover", discovered(extensions))
        );
        let meta = &asked.params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        assert_eq!(meta["extensions"]["com.example/watchlist"] == json!({}), ours);
        let client = client.unwrap();
        let request = client.request::<Value>(WATCHLIST, "watchlist/add", json!({ "n": 1 }));
        if ours && theirs {
            let (added, asked) =
                tokio::join!(request, peer.answer("watchlist/add", r#"{"added":1}"#));
            assert_eq!((added.unwrap(), &asked.params["n"]), (json!({ "added": 1 }), &json!(1)));
        } else {
            let refused = request.await.unwrap_err();
            let expected = if ours { "the server did not declare" } else { "`.extension(…)`" };
            assert!(refused.to_string().contains(expected), "{refused}");
        }
    }
}
