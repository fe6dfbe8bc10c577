//! The endpoint from end to end: requests in, answers out, on the virtual clock.

mod authentication;
mod endings;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use mcp_core::{Principal, Tenant};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::endpoint::Endpoint;
use super::settings::{Closing, Settings};
use super::{EventId, EventStore, HttpBody, Replay, SessionId, SessionsInMemory, StreamId};
use crate::{Args, CallContext, Caller, Entitlement, Profile, Progress, Server, Tool};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Shows when it is dropped.
#[derive(Clone, Default)]
struct Running(Arc<()>);

impl Running {
    fn count(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

struct World {
    closing: Arc<Closing>,
    endpoint: Arc<Endpoint>,
    server: Server,
    running: Running,
    go: Arc<Notify>,
}

fn world(change: impl FnOnce(&mut Settings)) -> World {
    let (running, go) = (Running::default(), Arc::new(Notify::new()));
    let echo = Tool::new("echo").params(["text"]).handler(async |text: String| text);
    let steps = Tool::new("steps").handler(async |context: CallContext| {
        for step in 1..=3 {
            context.report(Progress::new(step)).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        "done"
    });
    let (guard, gate) = (running.clone(), Arc::clone(&go));
    let wait = Tool::new("wait").handler(move || {
        let (guard, gate) = (guard.clone(), Arc::clone(&gate));
        async move {
            gate.notified().await;
            drop(guard);
            "went"
        }
    });
    let leave = Tool::new("leave").handler(async |context: CallContext| {
        context.close_sse_stream(Duration::from_millis(500));
        tokio::time::sleep(Duration::from_secs(2)).await;
        "came back"
    });
    let server = Server::builder("films", "1.0")
        .tool(echo)
        .tool(steps)
        .tool(wait)
        .tool(leave)
        .build()
        .unwrap();
    let mut settings = Settings::default();
    change(&mut settings);
    let closing = Arc::clone(&settings.closing);
    let endpoint = Endpoint::new(server.clone(), Tenant::new("films.example"), Arc::new(settings));
    World { closing, endpoint: Arc::new(endpoint), server, running, go }
}

fn head(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::new(());
    for (name, value) in headers {
        request
            .headers_mut()
            .append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    request.into_parts().0
}

fn modern(method: &str, mut params: Value) -> (Parts, Bytes) {
    params["_meta"] = json!({ VERSION: "2026-07-28", CAPABILITIES: {}, "progressToken": 7 });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut headers = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
    let name = params["name"].as_str().unwrap_or_default().to_owned();
    if !name.is_empty() {
        headers.push(("mcp-name", &name));
    }
    (head(&headers), body.to_string().into())
}

fn call(tool: &str, arguments: &Value) -> (Parts, Bytes) {
    modern("tools/call", json!({ "name": tool, "arguments": arguments }))
}

fn ada() -> Principal {
    Principal::new("ada")
}

async fn text(response: Response<HttpBody>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn is_stream(response: &Response<HttpBody>) -> bool {
    response.headers()["content-type"] == "text/event-stream"
}

async fn next(body: &mut HttpBody) -> Option<String> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
}

impl World {
    async fn post(&self, (head, body): (Parts, Bytes)) -> Response<HttpBody> {
        self.endpoint.post(&head, body, ada()).await
    }

    /// Begins a session; gives its id.
    async fn initialize(&self, version: &str) -> String {
        let params = json!({ "protocolVersion": version, "capabilities": {},
            "clientInfo": { "name": "c", "version": "1" } });
        let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
        let response = self.post((head(&[]), body.to_string().into())).await;
        assert_eq!(response.status(), StatusCode::OK);
        let id = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.say(&id, initialized).await.status(), StatusCode::ACCEPTED);
        id
    }

    async fn say(&self, session: &str, message: Value) -> Response<HttpBody> {
        let head = head(&[("mcp-session-id", session)]);
        self.endpoint.post(&head, message.to_string().into(), ada()).await
    }

    async fn call(&self, session: &str, id: u32, tool: &str) -> Response<HttpBody> {
        let params = json!({ "name": tool, "arguments": { "text": "hi" },
            "_meta": { "progressToken": id } });
        let message =
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params });
        self.say(session, message).await
    }

    async fn get(&self, session: &str, last: Option<&str>) -> Response<HttpBody> {
        let mut headers = vec![("mcp-session-id", session)];
        headers.extend(last.map(|last| ("last-event-id", last)));
        self.endpoint.get(&head(&headers), ada()).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_at_once_is_plain_json() {
    let world = world(|_| {});
    let response = world.post(call("echo", &json!({ "text": "hello" }))).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    let answer: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(answer["result"]["content"][0]["text"], "hello");
}

#[tokio::test(start_paused = true)]
async fn progress_makes_a_stream_that_ends_with_the_answer() {
    let world = world(|_| {});
    let response = world.post(call("steps", &json!({}))).await;
    assert!(is_stream(&response));
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let text = text(response).await;
    let events: Vec<_> = text.split_terminator("\n\n").collect();
    assert_eq!(events.len(), 4, "{text}");
    assert!(events[0].starts_with("event: message\ndata: {") && events[0].contains("progress"));
    assert!(events[3].contains("\"done\""));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_long_is_a_stream_that_is_kept_alive() {
    let world = world(|_| {});
    let response = world.post(call("wait", &json!({}))).await;
    assert!(is_stream(&response));
    let mut body = response.into_body();
    assert_eq!(next(&mut body).await.unwrap(), ":\n\n");
    world.go.notify_one();
    assert!(next(&mut body).await.unwrap().contains("went"));
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_cancels_its_modern_call() {
    let world = world(|_| {});
    let answer = world.post(call("wait", &json!({})));
    let mut answer = Box::pin(answer);
    assert!(answer.as_mut().now_or_never().is_none());
    let before = world.running.count();
    drop(answer);
    assert!(world.running.count() < before);
    let response = world.post(call("wait", &json!({}))).await;
    let before = world.running.count();
    drop(response);
    assert!(world.running.count() < before);
}

#[tokio::test(start_paused = true)]
async fn modern_errors_have_their_status() {
    let world = world(|_| {});
    let post = async |(head, body)| {
        let response = world.post((head, body)).await;
        let status = response.status().as_u16();
        let answer: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(answer["id"], 1);
        (status, answer["error"]["code"].as_i64().unwrap())
    };
    assert_eq!(post(modern("no/such", json!({}))).await, (404, -32601));
    assert_eq!(post(modern("initialize", json!({}))).await, (404, -32601));
    assert_eq!(post(call("no-such", &json!({}))).await, (200, -32602));
    let (_, body) = modern("tools/list", json!({}));
    let headers =
        |version| head(&[("mcp-protocol-version", version), ("mcp-method", "tools/list")]);
    assert_eq!(post((head(&[("mcp-method", "tools/list")]), body.clone())).await, (400, -32020));
    assert_eq!(post((headers("2025-11-25"), body.clone())).await, (400, -32020));
    assert_eq!(post((headers("2099-01-01"), body.clone())).await, (400, -32020));
    let other = String::from_utf8(body.to_vec()).unwrap().replace("2026-07-28", "2099-01-01");
    assert_eq!(post((headers("2099-01-01"), other.into())).await, (400, -32022));
    let bare = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }).to_string();
    assert_eq!(post((headers("2026-07-28"), bare.into())).await, (400, -32602));
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Place {
    #[schemars(extend("x-mcp-header" = "Region"))]
    region: String,
}

#[tokio::test(start_paused = true)]
async fn headers_of_a_tool_say_nothing_to_those_who_do_not_have_it() {
    let mut world = world(|_| {});
    let mirrored =
        |name: &'static str| Tool::new(name).handler(async |Args(place): Args<Place>| place.region);
    let server = Server::builder("films", "1.0")
        .tool(mirrored("open"))
        .profile(Profile::new(PREMIUM).tool(mirrored("hidden")))
        .entitlement(async |_: Caller| Entitlement::none())
        .build()
        .unwrap();
    let tenant = Tenant::new("films.example");
    world.endpoint = Arc::new(Endpoint::new(server, tenant, Arc::default()));
    let answer = async |tool: &str, region: Option<&str>| {
        let (mut head, body) = call(tool, &json!({ "region": "eu" }));
        if let Some(region) = region {
            head.headers.insert("mcp-param-region", region.parse().unwrap());
        }
        let response = world.post((head, body)).await;
        let status = response.status().as_u16();
        let answer: Value = serde_json::from_str(&text(response).await).unwrap();
        (status, answer["error"]["code"].as_i64())
    };
    assert_eq!(answer("open", Some("eu")).await, (200, None));
    assert_eq!(answer("open", Some("us")).await, (400, Some(-32020)));
    assert_eq!(answer("open", None).await, (400, Some(-32020)));
    let unknown = answer("no-such", None).await;
    assert_eq!(unknown, (200, Some(-32602)));
    for region in [None, Some("eu"), Some("us")] {
        assert_eq!(answer("hidden", region).await, unknown);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_answers_with_json_and_ends_by_delete() {
    let world = world(|_| {});
    let session = world.initialize("2025-06-18").await;
    let response = world.call(&session, 1, "echo").await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let stranger = Principal::new("eve");
    let head = head(&[("mcp-session-id", &session)]);
    let refused = world.endpoint.delete(&head, stranger).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    assert!(world.endpoint.delete(&head, ada()).await.status().is_success());
    assert_eq!(world.call(&session, 2, "echo").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(world.get(&session, None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_session_goes_on_when_its_client_goes_and_can_be_resumed() {
    let world = world(|_| {});
    let session = world.initialize("2025-11-25").await;
    let response = world.call(&session, 1, "steps").await;
    let mut body = response.into_body();
    let first = next(&mut body).await.unwrap();
    assert!(first.starts_with("id: ") && first.contains("\ndata: \n\n"), "{first}");
    let id = first["id: ".len()..].lines().next().unwrap().to_owned();
    drop(body);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rest = text(world.get(&session, Some(&id)).await).await;
    assert!(rest.contains("\"progress\":2") && rest.contains("\"done\""), "{rest}");
    let nothing = world.get(&session, Some("0000000000000000-7")).await;
    assert_eq!(nothing.status(), StatusCode::BAD_REQUEST);
}

/// A store that has nothing yet of what it was given.
struct Late;

impl EventStore for Late {
    fn append(&self, _: &SessionId, _: EventId, _: Bytes) {}

    fn replay<'a>(
        &'a self,
        _: &'a SessionId,
        _: EventId,
    ) -> BoxFuture<'a, std::io::Result<Replay>> {
        Box::pin(std::future::ready(Ok(Replay::Events(Vec::new()))))
    }

    fn forget_stream(&self, _: &SessionId, _: StreamId) {}

    fn forget_session(&self, _: &SessionId) {}
}

#[tokio::test(start_paused = true)]
async fn a_store_that_comes_late_is_not_asked_for_ever() {
    let world = world(|settings| settings.events = Some(Arc::new(Late)));
    let session = world.initialize("2025-11-25").await;
    let mut body = world.call(&session, 1, "steps").await.into_body();
    let first = next(&mut body).await.unwrap();
    let id = first["id: ".len()..].lines().next().unwrap().to_owned();
    let status = world.get(&session, Some(&id)).await.status();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_handler_can_let_its_client_go_for_some_time() {
    let world = world(|_| {});
    let session = world.initialize("2025-11-25").await;
    let response = world.call(&session, 1, "leave").await;
    let begun = text(response).await;
    assert!(begun.contains("retry: 500\n\n") && !begun.contains("came back"), "{begun}");
    let id = begun["id: ".len()..].lines().next().unwrap().to_owned();
    let rest = text(world.get(&session, Some(&id)).await).await;
    assert!(rest.contains("came back"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn what_changes_is_told_on_the_stream_of_a_get_and_waits_for_one() {
    let world = world(|_| {});
    let session = world.initialize("2025-11-25").await;
    world.server.tools_changed();
    let mut body = world.get(&session, None).await.into_body();
    let mut heard = String::new();
    while !heard.contains("notifications/tools/list_changed") {
        heard.push_str(&next(&mut body).await.unwrap());
        assert!(heard.len() < 1000, "{heard}");
    }
    drop(body);
    world.server.tools_changed();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut body = world.get(&session, None).await.into_body();
    let mut heard = String::new();
    while !heard.contains("notifications/tools/list_changed") {
        heard.push_str(&next(&mut body).await.unwrap());
        assert!(heard.len() < 1000, "{heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_unread_stream_holds_up_nobody() {
    let world = world(|_| {});
    let session = world.initialize("2025-11-25").await;
    let unread = world.call(&session, 1, "steps").await;
    for id in 2..200 {
        let response = world.call(&session, id, "echo").await;
        assert_eq!(response.headers()["content-type"], "application/json");
    }
    assert!(text(unread).await.contains("done"));
}

#[tokio::test(start_paused = true)]
async fn sessions_are_limited_and_end_when_nobody_uses_them() {
    let world = world(|settings| settings.sessions = 2);
    let first = world.initialize("2025-11-25").await;
    let second = world.initialize("2025-11-25").await;
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "c", "version": "1" } } });
    let third = world.post((head(&[]), initialize.to_string().into())).await;
    assert_eq!(third.status(), StatusCode::SERVICE_UNAVAILABLE);
    let listens = world.get(&second, None).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.call(&first, 1, "echo").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(world.call(&second, 1, "echo").await.status(), StatusCode::OK);
    drop(listens);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.call(&second, 1, "echo").await.status(), StatusCode::NOT_FOUND);
    let response = world.call("no session", 1, "echo").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_of_a_session_is_not_answered() {
    let world = world(|_| {});
    let session = world.initialize("2025-11-25").await;
    let answer = world.call(&session, 9, "wait");
    let mut answer = pin!(answer);
    assert!(answer.as_mut().now_or_never().is_none());
    let before = world.running.count();
    let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": { "requestId": 9 } });
    assert_eq!(world.say(&session, cancelled).await.status(), StatusCode::ACCEPTED);
    assert_eq!(answer.now_or_never().unwrap().status(), StatusCode::ACCEPTED);
    assert!(world.running.count() < before);
}

const PREMIUM: &str = "https://films.example/premium";

/// A server whose caller is entitled to a profile as long as `paid` says so.
fn paid_world(paid: Arc<AtomicBool>) -> World {
    let mut world = world(|_| {});
    let look = move || {
        let paid = paid.load(Ordering::SeqCst);
        async move {
            match paid {
                true => Entitlement::all(),
                false => Entitlement::none(),
            }
        }
    };
    let premium = Profile::new(PREMIUM).min_mcp_version("2024-11-05");
    let tool = Tool::new("echo").params(["text"]).handler(async |text: String| text);
    let server =
        Server::builder("films", "1.0").tool(tool).profile(premium).entitlement(look).build();
    let server = server.unwrap();
    let tenant = Tenant::new("films.example");
    let endpoint = Endpoint::new(server.clone(), tenant, Arc::new(Settings::default()));
    (world.server, world.endpoint) = (server, Arc::new(endpoint));
    world
}

#[tokio::test(start_paused = true)]
async fn a_session_is_over_when_its_caller_has_lost_a_profile() {
    let paid = Arc::new(AtomicBool::new(true));
    let world = paid_world(Arc::clone(&paid));
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "requestedProfiles": [PREMIUM],
        "clientInfo": { "name": "c", "version": "1" } } });
    let begin = async || {
        let response = world.post((head(&[]), initialize.to_string().into())).await;
        let id = response.headers().get("mcp-session-id").map(|id| id.to_str().unwrap().to_owned());
        (id, text(response).await)
    };
    let (first, _) = begin().await;
    let (second, _) = begin().await;
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(world.call(&first, 1, "echo").await.status(), StatusCode::OK);
    let stream = world.get(&second, None).await;
    paid.store(false, Ordering::SeqCst);
    assert_eq!(world.call(&first, 2, "echo").await.status(), StatusCode::NOT_FOUND);
    // A stream ends by itself, and with it its session.
    assert!(!text(stream).await.contains("jsonrpc"));
    paid.store(true, Ordering::SeqCst);
    assert_eq!(world.call(&second, 1, "echo").await.status(), StatusCode::NOT_FOUND);
    paid.store(false, Ordering::SeqCst);
    let (none, refusal) = begin().await;
    assert!(none.is_none() && refusal.contains("1004"), "{refusal}");
}

#[tokio::test(start_paused = true)]
async fn streams_of_changes_end_when_the_service_stops_and_calls_go_on() {
    let world = world(|_| {});
    let session = world.initialize("2025-11-25").await;
    let listen = json!({ "notifications": { "toolsListChanged": true } });
    let listens = world.post(modern("subscriptions/listen", listen)).await;
    let (standing, runs) =
        (world.get(&session, None).await, world.post(call("wait", &json!({}))).await);
    let called = world.call(&session, 1, "wait").await;
    assert!(is_stream(&runs) && is_stream(&called));
    world.closing.close();
    assert!(text(listens).await.contains("\"result\""));
    assert!(!text(standing).await.contains("result"));
    let (runs, called) = (runs.into_body(), called.into_body());
    for mut body in [runs, called] {
        world.go.notify_one();
        while !next(&mut body).await.unwrap().contains("went") {}
    }
}

#[tokio::test(start_paused = true)]
async fn processes_share_sessions_through_a_store() {
    let store = Arc::new(SessionsInMemory::new());
    let process =
        || world(|settings| settings.session_store = Some(Arc::<SessionsInMemory>::clone(&store)));
    let (one, other) = (process(), process());
    let session = one.initialize("2025-11-25").await;
    assert_eq!(other.call(&session, 1, "echo").await.status(), StatusCode::OK);
    assert_eq!(one.call(&session, 2, "echo").await.status(), StatusCode::OK);
    let head = head(&[("mcp-session-id", &session)]);
    let stranger = other.endpoint.delete(&head, Principal::new("eve")).await;
    assert_eq!(stranger.status(), StatusCode::NOT_FOUND);
    assert!(other.endpoint.delete(&head, ada()).await.status().is_success());
    assert_eq!(one.call(&session, 3, "echo").await.status(), StatusCode::NOT_FOUND);
    let second = one.initialize("2025-11-25").await;
    tokio::time::sleep(Duration::from_secs(20 * 60)).await;
    assert_eq!(other.call(&second, 1, "echo").await.status(), StatusCode::OK);
    tokio::time::sleep(Duration::from_secs(20 * 60)).await;
    assert_eq!(one.call(&second, 2, "echo").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_listened_to_stays_in_the_store() {
    let store = Arc::new(SessionsInMemory::new());
    let world = world(|settings| {
        settings.session_store = Some(Arc::<SessionsInMemory>::clone(&store));
        settings.session_idle = Duration::from_secs(40);
    });
    let session = world.initialize("2025-11-25").await;
    let mut heard = world.get(&session, None).await.into_body();
    let listening = async { while next(&mut heard).await.is_some() {} };
    let hour = tokio::time::timeout(Duration::from_secs(3600), listening).await;
    assert!(hour.is_err(), "the stream ended");
    assert_eq!(world.call(&session, 1, "echo").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_changes_ends_when_its_caller_has_lost_a_profile() {
    let paid = Arc::new(AtomicBool::new(true));
    let world = paid_world(Arc::clone(&paid));
    let listen = json!({ "notifications": { "toolsListChanged": true } });
    let (head, body) = modern("subscriptions/listen", listen);
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    body["params"]["_meta"][CAPABILITIES] =
        json!({ "extensions": { mcp_core::profile::EXTENSION: { "requested": [PREMIUM] } } });
    let listens = world.post((head, body.to_string().into())).await;
    assert!(is_stream(&listens));
    assert_eq!(listens.headers()["x-accel-buffering"], "no");
    let mut listens = listens.into_body();
    assert!(next(&mut listens).await.unwrap().contains("subscriptions/acknowledged"));
    tokio::time::sleep(Duration::from_secs(600)).await;
    paid.store(false, Ordering::SeqCst);
    let mut rest = String::new();
    while let Some(part) = next(&mut listens).await {
        rest.push_str(&part);
        assert!(rest.len() < 10_000, "{rest}");
    }
    assert!(rest.contains("1004") && rest.contains("notPermitted"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_at_once_is_json_however_long_it_is() {
    let world = world(|_| {});
    let long = "x".repeat(2 * 1024 * 1024);
    let response = world.post(call("echo", &json!({ "text": long }))).await;
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(text(response).await.len() > long.len());
}
