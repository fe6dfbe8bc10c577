//! Sessions of the legacy era: streams that are taken up again, sessions that are lost, and what the
//! server asks meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mcp_client::{Client, EraChoice, Error, RejectionKind};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::server::{Request, Response, Server, ended, event, events, initialized, said, status};

const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";
const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";

fn builder() -> mcp_client::ClientBuilder {
    Client::builder("tester", "1").era(EraChoice::Legacy)
}

fn open_session(request: &Request, session: &str, result: Value) -> Response {
    let mut response = request.result(result);
    response.headers_mut().insert("mcp-session-id", session.parse().unwrap());
    response
}

fn answer(id: &Value, text: &str) -> String {
    event(&json!({ "jsonrpc": "2.0", "id": id, "result": said(text) }))
}

#[tokio::test]
async fn stream_that_the_server_closed_is_taken_up_again_after_the_time_it_said() {
    let server = Server::start(|request: Request| async move {
        match (&*request.http, request.method()) {
            ("POST", "initialize") => open_session(&request, "s", initialized()),
            ("POST", "tools/call") => ended("id: e-1\nretry: 300\ndata: \n\n"),
            ("GET", _) => match request.header("last-event-id") {
                "" => status(405),
                "e-1" => ended("id: e-2\ndata: \n\n"),
                last => {
                    assert_eq!(last, "e-2");
                    ended(&answer(&json!(2), "hello"))
                }
            },
            _ => status(202),
        }
    })
    .await;
    let client = builder().connect(server.http()).await.unwrap();
    let start = Instant::now();
    assert_eq!(client.call::<String>("slow", json!({})).await.unwrap(), "hello");
    assert!(start.elapsed() >= Duration::from_millis(600), "{:?}", start.elapsed());
    let resumed: Vec<_> =
        server.seen().into_iter().filter(|request| request.http == "GET").skip(1).collect();
    assert_eq!(resumed.len(), 2);
    for request in resumed {
        assert_eq!(request.header("mcp-session-id"), "s");
        assert_eq!(request.header("accept"), "text/event-stream");
    }
}

#[tokio::test]
async fn stream_without_event_ids_is_not_taken_up_again() {
    let server = Server::start(|request: Request| async move {
        match (&*request.http, request.method()) {
            ("POST", "initialize") => open_session(&request, "s", initialized()),
            ("POST", "tools/call") => ended("data: \n\n"),
            ("GET", _) => status(405),
            _ => status(202),
        }
    })
    .await;
    let client = builder().connect(server.http()).await.unwrap();
    let error = client.call::<String>("slow", json!({})).await.unwrap_err();
    assert!(error.to_string().contains("ended before the answer"), "{error}");
}

#[tokio::test]
async fn server_asks_on_any_stream_and_is_answered_by_a_post() {
    let answered = Arc::<Notify>::default();
    let told = Arc::clone(&answered);
    let server = Server::start(move |request: Request| {
        let told = Arc::clone(&told);
        async move {
            let ask =
                |id: &str| event(&json!({ "jsonrpc": "2.0", "id": id, "method": "roots/list" }));
            match (&*request.http, request.method()) {
                ("POST", "initialize") => open_session(&request, "s", initialized()),
                ("GET", _) => {
                    let (writer, response) = events();
                    writer.send(ask("own")).unwrap();
                    tokio::spawn(async move { writer.closed().await });
                    response
                }
                ("POST", "tools/call") => {
                    let (writer, response) = events();
                    writer.send(ask("call")).unwrap();
                    tokio::spawn(async move {
                        told.notified().await;
                        let _ = writer.send(answer(&request.id(), "hello"));
                    });
                    response
                }
                ("POST", "") => {
                    if request.id() == "call" {
                        told.notify_one();
                    }
                    status(202)
                }
                _ => status(202),
            }
        }
    })
    .await;
    let client = builder().roots([]).connect(server.http()).await.unwrap();
    assert_eq!(client.call::<String>("ask", json!({})).await.unwrap(), "hello");
    client.shutdown().await;
    let seen = server.seen();
    let answers: Vec<_> =
        seen.iter().filter(|request| request.message.get("result").is_some()).collect();
    for id in ["own", "call"] {
        let answer = answers.iter().find(|request| request.id() == id).expect(id);
        assert_eq!(answer.message["result"], json!({ "roots": [] }));
        assert_eq!(answer.header("mcp-session-id"), "s");
    }
}

#[tokio::test]
async fn cancelled_call_is_told_by_a_notification() {
    let (open, cancelled) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let (told, ended) = (Arc::clone(&open), Arc::clone(&cancelled));
    let server = Server::start(move |request: Request| {
        let (told, ended) = (Arc::clone(&told), Arc::clone(&ended));
        async move {
            match (&*request.http, request.method()) {
                ("POST", "initialize") => open_session(&request, "s", initialized()),
                ("POST", "tools/call") => {
                    let (writer, response) = events();
                    tokio::spawn(async move { writer.closed().await });
                    told.notify_one();
                    response
                }
                ("POST", "notifications/cancelled") => {
                    assert_eq!(request.message["params"]["requestId"], 2);
                    ended.notify_one();
                    status(202)
                }
                ("GET", _) => status(405),
                _ => status(202),
            }
        }
    })
    .await;
    let client = builder().connect(server.http()).await.unwrap();
    let call = client.call::<String>("slow", json!({}));
    tokio::select! {
        _ = call => panic!("it is not answered"),
        () = open.notified() => {}
    }
    cancelled.notified().await;
}

/// A server whose first session is over as soon as `lost` is set; the set in force after that is
/// another one if `changes`.
async fn forgetful(lost: &Arc<AtomicBool>, changes: bool) -> (Server, Arc<Notify>) {
    let sessions = Arc::<AtomicUsize>::default();
    let (lost, slow) = (Arc::clone(lost), Arc::<Notify>::default());
    let told = Arc::clone(&slow);
    let server = Server::start(move |request: Request| {
        let (lost, sessions, told) = (Arc::clone(&lost), Arc::clone(&sessions), Arc::clone(&told));
        async move {
            if request.method() == "initialize" {
                assert_eq!(request.header("mcp-session-id"), "");
                let number = sessions.fetch_add(1, Ordering::Relaxed);
                let mut result = initialized();
                if request.message["params"].get("requestedProfiles").is_some() {
                    let standard = changes && number > 0;
                    result["profiles"] =
                        if standard { json!([PREMIUM]) } else { json!([PREMIUM, STANDARD]) };
                }
                return open_session(&request, &format!("s-{number}"), result);
            }
            if request.header("mcp-session-id") == "s-0" && lost.load(Ordering::Relaxed) {
                return status(404);
            }
            match (&*request.http, request.message["params"]["name"].as_str()) {
                ("GET", _) => status(405),
                (_, Some("slow")) => {
                    let (writer, response) = events();
                    tokio::spawn(async move { writer.closed().await });
                    told.notify_one();
                    response
                }
                (_, Some(_)) => request.result(said(request.header("mcp-session-id"))),
                _ => status(202),
            }
        }
    })
    .await;
    (server, slow)
}

#[tokio::test]
async fn lost_session_fails_calls_in_flight_and_later_ones_go_on_in_a_new_one() {
    let lost = Arc::<AtomicBool>::default();
    let (server, slow) = forgetful(&lost, false).await;
    let client = builder().connect(server.http()).await.unwrap();
    assert_eq!(client.call::<String>("where", json!({})).await.unwrap(), "s-0");
    let running = tokio::spawn(client.call::<String>("slow", json!({})));
    slow.notified().await;
    lost.store(true, Ordering::Relaxed);
    let error = client.call::<String>("where", json!({})).await.unwrap_err();
    assert!(matches!(error, Error::SessionLost), "{error}");
    let error = running.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::SessionLost), "{error}");
    assert_eq!(client.call::<String>("where", json!({})).await.unwrap(), "s-1");
    client.shutdown().await;
    let shown = server.shown();
    let count = |what: &str| shown.iter().filter(|shown| *shown == what).count();
    assert_eq!(count("POST initialize"), 2);
    assert_eq!(count("POST notifications/initialized"), 2);
    assert_eq!(count("POST tools/call"), 4);
}

#[tokio::test]
async fn session_with_another_set_of_profiles_is_refused() {
    let lost = Arc::<AtomicBool>::default();
    let (server, _) = forgetful(&lost, true).await;
    let builder = builder().require(PREMIUM).prefer(STANDARD);
    let client = builder.connect(server.http()).await.unwrap();
    assert_eq!(client.call::<String>("where", json!({})).await.unwrap(), "s-0");
    lost.store(true, Ordering::Relaxed);
    let error = client.call::<String>("where", json!({})).await.unwrap_err();
    assert!(matches!(error, Error::SessionLost), "{error}");
    let error = client.call::<String>("where", json!({})).await.unwrap_err();
    let Error::Rejected(rejection) = &error else { panic!("{error}") };
    assert!(matches!(rejection.kind(), RejectionKind::Changed), "{error}");
    client.shutdown().await;
    let shown = server.shown();
    assert_eq!(shown.iter().filter(|shown| *shown == "POST tools/call").count(), 2);
    assert_eq!(shown.last().unwrap(), "DELETE");
}

#[tokio::test]
async fn server_that_loses_each_session_at_once_ends_the_connection() {
    let server = Server::start(|request: Request| async move {
        match request.method() {
            "initialize" => open_session(&request, "s", initialized()),
            "notifications/initialized" => status(202),
            _ => status(404),
        }
    })
    .await;
    let client = builder().connect(server.http()).await.unwrap();
    let error = client.call::<String>("where", json!({})).await.unwrap_err();
    assert!(matches!(error, Error::SessionLost | Error::Closed(_)), "{error}");
    let error = loop {
        match client.call::<String>("where", json!({})).await.unwrap_err() {
            Error::SessionLost => {}
            error => break error,
        }
    };
    assert!(error.to_string().contains("loses each session"), "{error}");
    let shown = server.shown();
    assert_eq!(shown.iter().filter(|shown| *shown == "POST initialize").count(), 2);
}

#[tokio::test]
async fn nothing_but_initialize_reaches_a_server_without_the_required_profile() {
    let server = Server::start(|request: Request| async move {
        match request.method() {
            "initialize" => open_session(&request, "s", initialized()),
            _ => status(202),
        }
    })
    .await;
    let error = builder().require(PREMIUM).connect(server.http()).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(_)), "{error}");
    // The declaration is open to everybody and says nothing of the caller.
    let seen = server.seen();
    let sent = seen.iter().filter(|request| request.path == "/mcp").map(Request::shown);
    assert_eq!(sent.collect::<Vec<_>>(), ["POST initialize", "DELETE"]);
}

#[tokio::test]
async fn session_id_that_is_none_is_refused() {
    let server = Server::start(|request: Request| async move {
        open_session(&request, "two words", initialized())
    })
    .await;
    let error = builder().connect(server.http()).await.unwrap_err();
    assert!(error.to_string().contains("session id"), "{error}");
}

#[tokio::test]
async fn stream_of_the_session_is_opened_again_where_it_ended() {
    let resumed = Arc::<Notify>::default();
    let told = Arc::clone(&resumed);
    let server = Server::start(move |request: Request| {
        let told = Arc::clone(&told);
        async move {
            match (&*request.http, request.header("last-event-id")) {
                ("GET", "") => ended("id: 7\nretry: 100\ndata: \n\n"),
                ("GET", last) => {
                    assert_eq!(last, "7");
                    told.notify_one();
                    status(405)
                }
                _ if request.method() == "initialize" => open_session(&request, "s", initialized()),
                _ => status(202),
            }
        }
    })
    .await;
    let _client = builder().connect(server.http()).await.unwrap();
    resumed.notified().await;
}
