//! Which era a server is of, and what is sent to one of each.

use std::sync::{Arc, Mutex};

use mcp_client::transport::http::HttpError;
use mcp_client::{Client, Direction, EraChoice, Error, IntoTransport};
use serde_json::json;

use crate::server::{
    Request, Response, Server, Writer, discovered, ended, event, events, initialized, json_at,
    said, status, text,
};

/// A server that knows 2026-07-28 only, and answers calls as streams.
async fn modern(request: Request) -> Response {
    match request.method() {
        "server/discover" => request.result(discovered()),
        "tools/call" => {
            let progress = json!({
                "jsonrpc": "2.0",
                "method": "notifications/progress",
                "params": { "progressToken": request.message["params"]["_meta"]["progressToken"], "progress": 1 },
            });
            let answer = json!({ "jsonrpc": "2.0", "id": request.id(), "result": said("hello") });
            ended(&format!(": hi\n\n{}{}", event(&progress), event(&answer)))
        }
        _ => request.error(404, -32601),
    }
}

/// A server that knows sessions only.
async fn legacy(request: Request) -> Response {
    match (&*request.http, request.method()) {
        ("POST", "initialize") => {
            let mut response = request.result(initialized());
            response.headers_mut().insert("mcp-session-id", "s-1".parse().unwrap());
            response
        }
        (_, "server/discover") => request.error(400, -32000),
        _ if request.header("mcp-session-id") != "s-1" => status(400),
        ("POST", "tools/call") => request.result(said("hello")),
        ("POST", _) => status(202),
        ("GET", _) => status(405),
        _ => status(200),
    }
}

fn client() -> mcp_client::ClientBuilder {
    Client::builder("tester", "1")
}

#[tokio::test]
async fn modern_server_is_told_in_headers_what_the_body_says() {
    let server = Server::start(modern).await;
    let client = client().connect(server.http()).await.unwrap();
    let mut call = client.call::<String>("größe", json!({}));
    assert!(call.progress().await.is_some());
    assert_eq!(call.await.unwrap(), "hello");
    client.shutdown().await;
    let seen = server.seen();
    assert_eq!(server.shown(), ["POST server/discover", "POST tools/call"]);
    let call = &seen[1];
    assert_eq!(call.header("mcp-protocol-version"), "2026-07-28");
    assert_eq!(call.header("mcp-method"), "tools/call");
    assert_eq!(call.header("mcp-name"), "=?base64?Z3LDtsOfZQ==?=");
    assert_eq!(call.header("content-type"), "application/json");
    assert_eq!(call.header("accept"), "application/json, text/event-stream");
    assert_eq!((call.header("accept-encoding"), call.header("mcp-session-id")), ("", ""));
}

#[tokio::test]
async fn legacy_server_gets_initialize_and_its_session_in_every_request() {
    let server = Server::start(legacy).await;
    let client = client().connect(server.http()).await.unwrap();
    assert_eq!(client.call::<String>("echo", json!({})).await.unwrap(), "hello");
    client.shutdown().await;
    let mut shown = server.shown();
    shown.retain(|shown| shown != "GET");
    let expected = [
        "POST server/discover",
        "POST initialize",
        "POST notifications/initialized",
        "POST tools/call",
        "DELETE",
    ];
    assert_eq!(shown, expected);
    for request in server.seen() {
        let (session, version) = match request.method() {
            "server/discover" => ("", "2026-07-28"),
            "initialize" => ("", ""),
            _ => ("s-1", "2025-11-25"),
        };
        let given = (request.header("mcp-session-id"), request.header("mcp-protocol-version"));
        assert_eq!(given, (session, version), "{}", request.shown());
        assert_eq!(request.header("mcp-method").is_empty(), request.method() != "server/discover");
    }
}

#[tokio::test]
async fn every_sign_of_a_legacy_server_leads_to_initialize() {
    let probe = Arc::new(Mutex::new(None::<fn(&Request) -> Response>));
    let answer = Arc::clone(&probe);
    let server = Server::start(move |request: Request| {
        let answer = answer.lock().unwrap().unwrap();
        async move {
            match request.method() {
                "server/discover" => answer(&request),
                _ => legacy(request).await,
            }
        }
    })
    .await;
    let signs: [fn(&Request) -> Response; 8] = [
        |_| status(400),
        |_| status(404),
        |_| status(405),
        |_| status(202),
        |_| text(400, Some("text/plain"), "Bad Request: no session"),
        |request| request.error(400, -32000),
        |request| request.error(200, -32601),
        |request| json_at(404, &json!({ "error": "no", "id": request.id() })),
    ];
    for sign in signs {
        *probe.lock().unwrap() = Some(sign);
        let client = client().connect(server.http()).await.unwrap();
        assert_eq!(client.negotiated().version().as_str(), "2025-11-25");
        client.shutdown().await;
    }
}

#[tokio::test]
async fn what_is_no_sign_of_a_legacy_server_is_an_error_and_nothing_more_is_sent() {
    for wrong in [301, 401, 403, 429, 500, 503] {
        let server = Server::start(move |_| async move { status(wrong) }).await;
        let error = client().connect(server.http()).await.unwrap_err();
        let Error::Transport(source) = &error else { panic!("{error}") };
        let Some(HttpError::Status(answer)) = source.downcast_ref() else { panic!("{error}") };
        assert_eq!(answer.status(), wrong);
        assert_eq!(server.shown(), ["POST server/discover"]);
    }
}

#[tokio::test]
async fn modern_error_does_not_lead_to_initialize() {
    for code in [-32020, -32021] {
        let server =
            Server::start(move |request: Request| async move { request.error(400, code) }).await;
        let error = client().connect(server.http()).await.unwrap_err();
        let Error::Peer(peer) = &error else { panic!("{error}") };
        assert_eq!(peer.code.0, code);
        assert_eq!(server.shown(), ["POST server/discover"]);
    }
}

#[tokio::test]
async fn only_the_chosen_era_is_tried() {
    let server = Server::start(legacy).await;
    let error = client().era(EraChoice::Modern).connect(server.http()).await.unwrap_err();
    assert!(matches!(error, Error::Peer(_)), "{error}");
    assert_eq!(server.shown(), ["POST server/discover"]);
    let client = client().era(EraChoice::Legacy).connect(server.http()).await.unwrap();
    client.shutdown().await;
    assert_eq!(server.shown()[1], "POST initialize");
}

/// A server of HTTP+SSE whose stream names this place for messages.
async fn older(place: &'static str) -> Server {
    let stream = Arc::<Mutex<Option<Writer>>>::default();
    Server::start(move |request: Request| {
        let stream = Arc::clone(&stream);
        async move {
            match (&*request.http, &*request.path) {
                ("GET", "/mcp") => {
                    let (writer, response) = events();
                    writer.send(format!("event: endpoint\ndata: {place}\n\n")).unwrap();
                    *stream.lock().unwrap() = Some(writer);
                    response
                }
                ("POST", "/messages?session=1") => {
                    let result = match request.method() {
                        "initialize" => initialized(),
                        "tools/call" => said("hello"),
                        _ => return status(202),
                    };
                    let answer = json!({ "jsonrpc": "2.0", "id": request.id(), "result": result });
                    let stream = stream.lock().unwrap();
                    stream.as_ref().unwrap().send(event(&answer)).unwrap();
                    text(202, None, "Accepted")
                }
                _ => status(405),
            }
        }
    })
    .await
}

#[tokio::test]
async fn server_of_http_sse_is_found_after_initialize_was_refused() {
    let server = older("/messages?session=1").await;
    let client = client().connect(server.http()).await.unwrap();
    assert_eq!(client.call::<String>("echo", json!({})).await.unwrap(), "hello");
    client.shutdown().await;
    let expected = [
        "POST server/discover",
        "POST initialize",
        "GET",
        "POST initialize",
        "POST notifications/initialized",
        "POST tools/call",
    ];
    assert_eq!(server.shown(), expected);
}

#[tokio::test]
async fn messages_never_go_to_another_origin() {
    let server = older("http://other.example/messages").await;
    let error = client().connect(server.http()).await.unwrap_err();
    assert!(error.to_string().contains("same origin"), "{error}");
}

#[tokio::test]
async fn server_that_is_none_is_described_by_both_its_answers() {
    let server = Server::start(|request: Request| async move {
        status(if request.http == "GET" { 410 } else { 404 })
    })
    .await;
    let error = client().connect(server.http()).await.unwrap_err().to_string();
    assert!(error.contains("404 Not Found") && error.contains("410 Gone"), "{error}");
    let error = client().connect(mcp_client::Http::new("http://127.0.0.1:1/mcp").unwrap()).await;
    assert!(error.unwrap_err().to_string().contains("cannot be reached"));
}

#[tokio::test]
async fn requirements_are_not_sent_over_plain_http_to_another_machine() {
    let server = mcp_client::Http::new("http://vidsrus.example/mcp").unwrap();
    let client = client().require("https://vidsrus/mcp-profiles/premium");
    let error = client.connect(server).await.unwrap_err();
    assert!(matches!(&error, Error::Misuse(what) if what.contains("https")), "{error}");
}

#[tokio::test]
async fn every_message_is_traced() {
    let server = Server::start(modern).await;
    let seen = Arc::<Mutex<Vec<(Direction, bool)>>>::default();
    let log = Arc::clone(&seen);
    let traced = server.http().traced(move |message| {
        let is_call = String::from_utf8_lossy(message.bytes).contains("tools/call");
        log.lock().unwrap().push((message.direction, is_call));
    });
    let client = client().connect(traced).await.unwrap();
    client.call::<String>("echo", json!({})).await.unwrap();
    use Direction::{Received, Sent};
    let expected =
        [(Sent, false), (Received, false), (Sent, true), (Received, false), (Received, false)];
    assert_eq!(*seen.lock().unwrap(), expected);
}
