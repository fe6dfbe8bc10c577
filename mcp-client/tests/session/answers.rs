//! Answering a legacy server: handlers run within the connection, and end with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_client::types::{
    CreateMessageResult, ElicitAction, ElicitResult, Root, SamplingMessageContentBlock,
};
use mcp_client::{Error, ErrorCode, ErrorObject};
use serde_json::{Value, json};

use crate::peer::{Peer, builder, legacy};

fn request(id: &str, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
}

fn form(id: &str) -> String {
    let properties =
        json!({ "title": { "type": "string" }, "stars": { "type": "integer", "default": 3 } });
    let schema = json!({ "type": "object", "properties": properties, "required": ["title"] });
    let params = json!({ "message": "which?", "requestedSchema": schema });
    request(id, "elicitation/create", &params)
}

/// Sends a request and awaits the answer.
async fn ask(peer: &mut Peer, request: String) -> Value {
    peer.say(request).await;
    peer.line().await
}

#[tokio::test]
async fn what_has_a_handler_is_declared_and_answered() {
    let client = builder()
        .on_form(|form| async move { json!({ "title": form.message }) })
        .on_url(|_| async { ElicitAction::Accept })
        .on_sample(|request| async move {
            let said = request.messages[0].content.as_text().unwrap_or_default().to_uppercase();
            CreateMessageResult::new("echo-1", SamplingMessageContentBlock::text(said))
        })
        .roots([Root::new("file:///films")]);
    let (_client, mut peer) = legacy(client).await;
    let initialize: Value = serde_json::from_str(&peer.heard[0]).unwrap();
    assert_eq!(
        initialize["params"]["capabilities"],
        json!({ "roots": { "listChanged": true }, "sampling": {}, "elicitation": { "form": {}, "url": {} } })
    );
    let answer = ask(&mut peer, form("f")).await;
    let content = json!({ "title": "which?", "stars": 3 });
    assert_eq!(answer["result"], json!({ "action": "accept", "content": content }));
    let params = json!({ "mode": "url", "message": "m", "url": "https://a", "elicitationId": "1" });
    let answer = ask(&mut peer, request("u", "elicitation/create", &params)).await;
    assert_eq!(answer["result"], json!({ "action": "accept" }));
    let message = json!({ "role": "user", "content": { "type": "text", "text": "hi" } });
    let params = json!({ "messages": [message], "maxTokens": 9 });
    let answer = ask(&mut peer, request("s", "sampling/createMessage", &params)).await;
    assert_eq!(answer["result"]["content"]["text"], "HI");
    let answer = ask(&mut peer, request("r", "roots/list", &json!({}))).await;
    assert_eq!(
        (&answer["id"], &answer["result"]["roots"][0]["uri"]),
        (&json!("r"), &json!("file:///films"))
    );
}

#[tokio::test]
async fn answers_that_do_not_fit_and_handlers_that_fail_are_errors_without_details() {
    let wrong = builder().on_form(|_| async { json!({ "title": 7 }) });
    let failing = builder().on_form(|_| async { Err::<ElicitResult, _>("secret path") });
    let panicking = builder().on_form(|_| async { panic!("secret path") as ElicitResult });
    let early =
        builder().form_handler(|_| -> std::future::Ready<ElicitResult> { panic!("at once") });
    for builder in [wrong, failing, panicking, early] {
        let (_client, mut peer) = legacy(builder).await;
        let answer = ask(&mut peer, form("f")).await;
        assert_eq!(answer["error"]["code"], -32603, "{answer}");
        assert!(!answer.to_string().contains("secret"), "{answer}");
        let pong = ask(&mut peer, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned()).await;
        assert_eq!(pong["result"], json!({}));
    }
}

#[tokio::test]
async fn errors_that_are_meant_for_the_server_reach_it() {
    let refused = || ErrorObject::new(ErrorCode(-1), "user rejected sampling request");
    let builder =
        builder().on_sample(move |_| async move { Err::<CreateMessageResult, _>(refused()) });
    let (_client, mut peer) = legacy(builder).await;
    let params = json!({ "messages": [], "maxTokens": 1 });
    let answer = ask(&mut peer, request("s", "sampling/createMessage", &params)).await;
    assert_eq!(answer["error"], json!({ "code": -1, "message": "user rejected sampling request" }));
    let params = json!({ "messages": [], "maxTokens": 1, "tools": [] });
    let answer = ask(&mut peer, request("s", "sampling/createMessage", &params)).await;
    assert_eq!(answer["error"]["code"], -32602);
    let answer =
        ask(&mut peer, request("s", "sampling/createMessage", &json!({ "maxTokens": 1 }))).await;
    assert_eq!(answer["error"]["code"], -32602, "malformed parameters");
}

/// Counts how many handlers began and how many were dropped.
#[derive(Clone, Default)]
struct Counts(Arc<(AtomicUsize, AtomicUsize)>);

struct Running(Counts);

impl Counts {
    fn begin(&self) -> Running {
        self.0.0.fetch_add(1, Ordering::SeqCst);
        Running(self.clone())
    }

    fn begun(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    fn over(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.1.fetch_add(1, Ordering::SeqCst);
    }
}

fn never(counts: &Counts) -> mcp_client::ClientBuilder {
    let counts = counts.clone();
    builder().handlers_at_once(2).on_form(move |_| {
        let running = counts.begin();
        async move {
            std::future::pending::<()>().await;
            drop(running);
            ElicitResult::cancel()
        }
    })
}

/// A round trip: what was said before was handled.
async fn settle(peer: &mut Peer) {
    for _ in 0..3 {
        ask(peer, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.to_owned()).await;
    }
}

#[tokio::test]
async fn a_withdrawn_request_drops_its_handler_and_gets_no_answer() {
    let counts = Counts::default();
    let (_client, mut peer) = legacy(never(&counts)).await;
    peer.say(form("f")).await;
    settle(&mut peer).await;
    assert_eq!((counts.begun(), counts.over()), (1, 0));
    peer.tell("notifications/cancelled", json!({ "requestId": "f" })).await;
    settle(&mut peer).await;
    assert_eq!((counts.begun(), counts.over()), (1, 1));
}

#[tokio::test]
async fn handlers_end_with_the_connection() {
    for client_ends_it in [true, false] {
        let counts = Counts::default();
        let (client, mut peer) = legacy(never(&counts)).await;
        peer.say(form("f")).await;
        settle(&mut peer).await;
        match client_ends_it {
            true => drop(client.shutdown().await),
            false => {
                drop(peer);
                assert!(matches!(client.call_tool("t", ()).await, Err(Error::Closed(_))));
                client.shutdown().await;
            }
        }
        assert_eq!((counts.begun(), counts.over()), (1, 1));
    }
}

#[tokio::test]
async fn a_bounded_number_of_handlers_runs_at_once() {
    let counts = Counts::default();
    let (_client, mut peer) = legacy(never(&counts)).await;
    for id in ["a", "b", "c"] {
        peer.say(form(id)).await;
    }
    settle(&mut peer).await;
    assert_eq!(counts.begun(), 2);
    peer.tell("notifications/cancelled", json!({ "requestId": "a" })).await;
    settle(&mut peer).await;
    assert_eq!((counts.begun(), counts.over()), (3, 1));
}

#[tokio::test]
async fn what_was_declared_by_hand_and_has_no_handler_does_not_exist() {
    let capabilities = serde_json::from_value(json!({ "roots": {} })).unwrap();
    let (_client, mut peer) = legacy(builder().capabilities(capabilities)).await;
    let answer = ask(&mut peer, request("r", "roots/list", &json!({}))).await;
    assert_eq!(answer["error"]["code"], -32601);
}
