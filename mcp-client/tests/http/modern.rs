//! Calls to servers of 2026-07-28 and later: one request each, with a response of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_client::transport::http::HttpError;
use mcp_client::types::SubscriptionFilter;
use mcp_client::{Client, Error, Limits};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::server::{
    Request, Response, Server, Writer, discovered, ended, event, events, json_at, said, status,
    text,
};

/// A server that answers everything but discovery like this.
async fn server(answer: impl Fn(&Request) -> Response + Clone + Send + Sync + 'static) -> Server {
    Server::start(move |request: Request| {
        let answer = match request.method() {
            "server/discover" => request.result(discovered()),
            _ => answer(&request),
        };
        async move { answer }
    })
    .await
}

async fn connect(server: &Server) -> Client {
    Client::builder("tester", "1").connect(server.http()).await.unwrap()
}

fn http_error(error: &Error) -> &HttpError {
    let Error::Transport(source) = error else { panic!("{error}") };
    source.downcast_ref().unwrap_or_else(|| panic!("{error}"))
}

/// Keeps the streams of a server open, and tells when the client closes one.
fn watched(open: &Arc<Notify>, closed: &Arc<Notify>) -> (Writer, Response) {
    let (writer, response) = events();
    let (watched, open, closed) = (writer.clone(), Arc::clone(open), Arc::clone(closed));
    tokio::spawn(async move {
        open.notify_one();
        watched.closed().await;
        closed.notify_one();
    });
    (writer, response)
}

#[tokio::test]
async fn call_that_is_dropped_closes_its_stream_and_sends_nothing() {
    let (open, closed) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let (told, ended) = (Arc::clone(&open), Arc::clone(&closed));
    let server = server(move |request| match request.method() {
        "tools/call" => watched(&told, &ended).1,
        _ => status(500),
    })
    .await;
    let client = connect(&server).await;
    let call = client.call::<String>("slow", json!({}));
    tokio::select! {
        _ = call => panic!("it is not answered"),
        () = open.notified() => {}
    }
    closed.notified().await;
    assert_eq!(server.shown(), ["POST server/discover", "POST tools/call"]);
}

#[tokio::test]
async fn everything_is_closed_when_the_client_is_dropped() {
    let (open, closed) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let (told, ended) = (Arc::clone(&open), Arc::clone(&closed));
    let server = server(move |_| watched(&told, &ended).1).await;
    let client = connect(&server).await;
    let call = tokio::spawn(client.call::<String>("slow", json!({})));
    open.notified().await;
    client.shutdown().await;
    closed.notified().await;
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Closed(_)), "{error}");
}

#[tokio::test]
async fn response_without_the_answer_fails_its_call_alone() {
    let server = server(|request| match request.message["params"]["name"].as_str() {
        Some("ended") => ended(": nothing\n\n"),
        Some("accepted") => status(202),
        Some("page") => text(200, Some("text/html"), "<p>hello</p>"),
        Some("empty") => json_at(200, &json!({})),
        Some("down") => text(503, Some("text/plain"), "come back later"),
        Some("closed") => request.error(403, -32000),
        Some("gzip") => {
            let mut response = request.result(said("hello"));
            response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
            response
        }
        _ => request.result(said("hello")),
    })
    .await;
    let client = connect(&server).await;
    let fails = async |name: &str| client.call::<String>(name, json!({})).await.unwrap_err();
    assert!(matches!(http_error(&fails("ended").await), HttpError::StreamEnded));
    assert!(matches!(http_error(&fails("accepted").await), HttpError::NotAnswered(202)));
    assert!(matches!(http_error(&fails("page").await), HttpError::ContentType(_)));
    assert!(matches!(http_error(&fails("empty").await), HttpError::StreamEnded));
    assert!(matches!(http_error(&fails("gzip").await), HttpError::Encoded(_)));
    assert!(
        matches!(http_error(&fails("closed").await), HttpError::Status(s) if s.status() == 403)
    );
    let down = fails("down").await.to_string();
    assert!(down.contains("503") && down.contains("come back later"), "{down}");
    assert_eq!(client.call::<String>("echo", json!({})).await.unwrap(), "hello");
}

#[tokio::test]
async fn error_that_comes_with_a_status_is_the_servers_answer() {
    let server = server(|request| match request.message["params"]["name"].as_str() {
        Some("nameless") => json_at(
            400,
            &json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32602, "message": "no" } }),
        ),
        _ => request.error(404, -32601),
    })
    .await;
    let client = connect(&server).await;
    for (name, code) in [("nameless", -32602), ("named", -32601)] {
        let error = client.call::<String>(name, json!({})).await.unwrap_err();
        assert!(matches!(&error, Error::Peer(error) if error.code.0 == code), "{error}");
    }
}

#[tokio::test]
async fn answers_are_bounded() {
    let server = server(|request| {
        let long = "x".repeat(20_000);
        match request.message["params"]["name"].as_str() {
            Some("json") => request.result(said(&long)),
            Some("event") => ended(&format!("data: {long}\n\n")),
            _ => ended(&format!("data: {}", "x".repeat(200_000))),
        }
    })
    .await;
    let limits = Limits { line_bytes: 10_000, ..Limits::default() };
    let client =
        Client::builder("tester", "1").limits(limits).connect(server.http()).await.unwrap();
    for name in ["json", "line"] {
        let error = client.call::<String>(name, json!({})).await.unwrap_err();
        assert!(matches!(http_error(&error), HttpError::TooLong { limit: 10_000 }), "{error}");
    }
    client.call::<String>("event", json!({})).await.unwrap_err();
}

#[tokio::test]
async fn subscription_is_a_stream_that_stays_open_until_it_is_dropped() {
    let (open, closed) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let (told, ended) = (Arc::clone(&open), Arc::clone(&closed));
    let server = server(move |request| {
        let (writer, response) = watched(&told, &ended);
        let tell = |method: &str, mut params: Value| {
            params["_meta"] = json!({ "io.modelcontextprotocol/subscriptionId": request.id() });
            let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
            writer.send(event(&message)).unwrap();
        };
        let notifications = json!({ "notifications": { "toolsListChanged": true } });
        tell("notifications/subscriptions/acknowledged", notifications);
        tell("notifications/tools/list_changed", json!({}));
        response
    })
    .await;
    let client = connect(&server).await;
    let mut changes = client.listen(SubscriptionFilter::new().with_tools_list_changed());
    assert_eq!(changes.acknowledged().await.unwrap().tools_list_changed, Some(true));
    changes.next().await.unwrap().unwrap();
    drop(changes);
    closed.notified().await;
    assert_eq!(server.shown(), ["POST server/discover", "POST subscriptions/listen"]);
}

/// A tool with a mirrored parameter.
fn annotated(name: &str, header: &str) -> Value {
    json!({
        "name": name,
        "inputSchema": {
            "type": "object",
            "properties": { "region": { "type": "string", "x-mcp-header": header } },
        },
    })
}

fn listed(request: &Request, tools: &[Value]) -> Response {
    let hints =
        json!({ "tools": tools, "ttlMs": 0, "cacheScope": "private", "resultType": "complete" });
    request.result(hints)
}

#[tokio::test]
async fn arguments_are_mirrored_once_the_tool_was_listed_and_invalid_tools_are_left_out() {
    let server = server(|request| match request.method() {
        "tools/list" => listed(request, &[annotated("bad", "a b"), annotated("good", "Region")]),
        _ => request.result(said("hello")),
    })
    .await;
    let client = connect(&server).await;
    let tools = client.list_all_tools().await.unwrap();
    assert_eq!(tools.iter().map(|tool| &*tool.name).collect::<Vec<_>>(), ["good"]);
    client.call::<String>("good", json!({ "region": " eu" })).await.unwrap();
    client.call::<String>("good", json!({})).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[2].header("mcp-param-region"), "=?base64?IGV1?=");
    assert!(seen[3].headers.get("mcp-param-region").is_none());
}

#[tokio::test]
async fn call_with_other_headers_is_made_once_more_after_the_tools_were_listed() {
    let lists = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&lists);
    let server = server(move |request| match request.method() {
        "tools/list" => {
            counted.fetch_add(1, Ordering::Relaxed);
            listed(request, &[annotated("where", "Region"), annotated("odd", "Other")])
        }
        _ if request.header("mcp-param-region") == "eu" => request.result(said("hello")),
        _ => request.error(400, -32020),
    })
    .await;
    let client = connect(&server).await;
    let said: String = client.call("where", json!({ "region": "eu" })).await.unwrap();
    assert_eq!((said.as_str(), lists.load(Ordering::Relaxed)), ("hello", 1));
    let error = client.call::<String>("odd", json!({ "region": "eu" })).await.unwrap_err();
    assert!(matches!(&error, Error::Peer(error) if error.code.0 == -32020), "{error}");
    assert_eq!(lists.load(Ordering::Relaxed), 2);
    let error = client.call::<String>("missing", json!({})).await.unwrap_err();
    assert!(matches!(&error, Error::Peer(error) if error.code.0 == -32020), "{error}");
    let calls = server.shown().iter().filter(|shown| *shown == "POST tools/call").count();
    assert_eq!(calls, 2 + 2 + 1);
}

#[tokio::test]
async fn many_calls_are_under_way_at_once_and_all_are_answered() {
    let server = server(|request| {
        let number = request.message["params"]["arguments"]["n"].to_string();
        let answer = json!({ "jsonrpc": "2.0", "id": request.id(), "result": said(&number) });
        if request.id().as_i64().is_some_and(|id| id % 2 == 0) {
            return ended(&event(&answer));
        }
        json_at(200, &answer)
    })
    .await;
    let client = connect(&server).await;
    let calls = (0..600).map(|n| client.call::<u32>("count", json!({ "n": n })));
    let said = futures_util::future::try_join_all(calls).await.unwrap();
    assert_eq!(said, (0..600).collect::<Vec<_>>());
}

#[tokio::test]
async fn unfinished_answers_are_bounded_together() {
    let server = server(|_| {
        let (writer, response) = events();
        writer.send(format!("data: {}", "x".repeat(40_000))).unwrap();
        tokio::spawn(async move { writer.closed().await });
        response
    })
    .await;
    let limits = Limits { line_bytes: 50_000, pending_bytes: 100_000, ..Limits::default() };
    let client =
        Client::builder("tester", "1").limits(limits).connect(server.http()).await.unwrap();
    let calls = (0..3).map(|_| client.call::<String>("endless", json!({})));
    let (error, ..) = futures_util::future::select_all(calls).await;
    let error = error.unwrap_err();
    assert!(matches!(http_error(&error), HttpError::TooMuch { limit: 100_000 }), "{error}");
}
