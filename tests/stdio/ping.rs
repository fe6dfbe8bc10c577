//! A server that asks whether its client is there.

use mcp_server::{CallContext, Server, Tool};
use serde_json::{Value, json};

use crate::conversation::{call, modern, text};
use crate::stream::Stream;

fn server() -> Server {
    let tool = Tool::new("ping").handler(async |ctx: CallContext| match ctx.ping().await {
        Ok(()) => "there".to_owned(),
        Err(error) => error.message.into_owned(),
    });
    Server::builder("t", "1").tool(tool).build().unwrap()
}

#[tokio::test]
async fn a_legacy_client_is_asked_whether_it_is_there() {
    let mut stream = Stream::legacy(&server()).await;
    for (answer, said) in [
        (json!({ "result": {} }), "there"),
        (json!({ "error": { "code": -32601, "message": "no such method" } }), "no such method"),
    ] {
        stream.send(call("c", "ping", json!({}))).await;
        let asked = stream.message().await;
        assert_eq!((&asked["method"], asked.get("params")), (&json!("ping"), None));
        let mut response = json!({ "jsonrpc": "2.0", "id": asked["id"] });
        response.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
        stream.send(response).await;
        assert_eq!(text(&stream.message().await), said);
    }
}

#[tokio::test]
async fn a_modern_client_is_not_asked() {
    let mut stream = Stream::silent(&server());
    let answer: Value = stream.ask(modern(call("c", "ping", json!({})))).await;
    assert_eq!(text(&answer), "MCP 2026-07-28 has no `ping`");
}
