//! What a server declares to everybody, beside the handshake: it shows and decides nothing.

use mcp_client::{Client, Error};
use serde_json::json;

use crate::server::{Request, Response, Server, discovered, initialized, json_at, status, text};

const GOLD: &str = "https://films.example/profiles/gold";
const DOCUMENT: &str = "/.well-known/mcp-supported-profiles/mcp";

fn legacy(request: &Request) -> Response {
    match request.method() {
        "server/discover" => status(400),
        "initialize" => request.result(initialized()),
        _ => status(404),
    }
}

#[tokio::test]
async fn what_is_declared_is_offered_when_there_is_no_agreement() {
    let server = Server::start(async |request: Request| match &*request.path {
        DOCUMENT => json_at(200, &json!([{ "profileURL": GOLD, "minMcpVersion": "2025-08-13" }])),
        _ => legacy(&request),
    })
    .await;
    let http = server.http().bearer_token("t0ken");
    let client = Client::builder("test", "1").require(GOLD).connect(http).await;
    let Err(Error::Rejected(rejection)) = client else { panic!("{client:?}") };
    assert!(rejection.supported().unwrap().find(GOLD).is_some());
    let shown = format!("{rejection:#}");
    assert!(shown.contains("offered") && shown.contains("from MCP 2025-08-13"), "{shown}");
    assert!(shown.contains("GET /.well-known/mcp-supported-profiles, nothing else"), "{shown}");

    let mut left = server.shown();
    left.sort_unstable();
    assert_eq!(left, ["GET", "POST initialize", "POST server/discover"]);
    for request in server.seen() {
        let token = if request.http == "GET" { "" } else { "Bearer t0ken" };
        assert_eq!(request.header("authorization"), token, "{request:?}");
    }
}

#[tokio::test]
async fn declaration_confirms_nothing_and_a_broken_one_breaks_nothing() {
    for document in ["[7]", "<html>", "[]"] {
        let server = Server::start(async move |request: Request| match &*request.path {
            DOCUMENT => text(200, Some("application/json"), document),
            _ => match request.method() {
                "server/discover" => request.result(discovered()),
                _ => status(404),
            },
        })
        .await;
        let client = Client::builder("test", "1").prefer(GOLD).connect(server.http()).await;
        assert!(client.unwrap().negotiated().profiles().is_empty());
        let client = Client::builder("test", "1").require(GOLD).connect(server.http()).await;
        assert!(matches!(client, Err(Error::Rejected(_))), "{document}: {client:?}");
    }
}

#[tokio::test]
async fn nobody_asks_who_has_no_policy() {
    let server = Server::start(async |request: Request| match request.method() {
        "server/discover" => request.result(discovered()),
        _ => status(404),
    })
    .await;
    Client::builder("test", "1").connect(server.http()).await.unwrap();
    assert_eq!(server.shown(), ["POST server/discover"]);
}
