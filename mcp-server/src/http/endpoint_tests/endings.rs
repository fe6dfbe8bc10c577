//! Sessions and streams that end while somebody begins something with them.

use std::io;

use futures_util::future::BoxFuture;
use mcp_core::Limits;
use mcp_core::session::Decoded;
use tokio::sync::Semaphore;

use super::*;
use crate::http::session::Session;
use crate::http::store::{
    EventId, EventStore, EventsInMemory, Replay, SessionId, SessionsInMemory, StreamId,
};
use crate::server::Engine;

fn initialize() -> String {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "c", "version": "1" } });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_ends_does_not_keep_the_session_of_a_client_that_is_gone() {
    let world = world(|_| {});
    let session = world.initialize("2025-11-25").await;
    let before = world.running.count();
    let called = world.call(&session, 1, "wait").await;
    assert!(is_stream(&called) && world.running.count() > before);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(world.running.count() > before, "somebody waits for the answer");
    drop(called);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.running.count(), before);
    assert_eq!(world.call(&session, 2, "echo").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_message_to_a_session_that_has_just_ended_is_told_so() {
    let world = world(|_| {});
    let engine = Engine::new(Arc::clone(&world.server.0), ada(), Tenant::new("films.example"));
    let settings = Arc::new(Settings::default());
    let session = Arc::new(Session::new(SessionId::random(), ada(), engine, settings));
    let (limits, initialize) = (Limits::default(), initialize());
    session.initialize(Decoded::new(initialize.as_bytes(), &limits)).await;
    session.end();
    let list = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let answer = session.post(Decoded::new(list, &limits)).now_or_never().unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_told_that_its_session_has_ended() {
    let world = world(|_| {});
    let session = world.initialize("2025-11-25").await;
    let mut answer = pin!(world.call(&session, 1, "wait"));
    assert!(answer.as_mut().now_or_never().is_none());
    let head = head(&[("mcp-session-id", &session)]);
    assert!(world.endpoint.delete(&head, ada()).await.status().is_success());
    assert_eq!(answer.now_or_never().unwrap().status(), StatusCode::NOT_FOUND);
}

/// A store that takes its time to tell what it has found.
#[derive(Debug)]
struct Slow {
    events: EventsInMemory,
    may_tell: Arc<Semaphore>,
}

impl EventStore for Slow {
    fn append(&self, session: &SessionId, id: EventId, message: Bytes) {
        self.events.append(session, id, message);
    }

    fn replay<'a>(
        &'a self,
        session: &'a SessionId,
        after: EventId,
    ) -> BoxFuture<'a, io::Result<Replay>> {
        let found = self.events.replay(session, after);
        Box::pin(async {
            let _permit = self.may_tell.acquire().await;
            found.await
        })
    }

    fn forget_stream(&self, session: &SessionId, stream: StreamId) {
        self.events.forget_stream(session, stream);
    }

    fn forget_session(&self, session: &SessionId) {
        self.events.forget_session(session);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_while_its_stream_is_resumed_is_not_lost() {
    let may_tell = Arc::new(Semaphore::new(0));
    let slow = Slow { events: EventsInMemory::new(), may_tell: Arc::clone(&may_tell) };
    let world = world(|settings| settings.events = Some(Arc::new(slow)));
    let session = world.initialize("2025-11-25").await;
    let mut body = world.call(&session, 1, "wait").await.into_body();
    let first = next(&mut body).await.unwrap();
    let id = first["id: ".len()..].lines().next().unwrap().to_owned();
    drop(body);
    let mut resumed = pin!(world.get(&session, Some(&id)));
    assert!(resumed.as_mut().now_or_never().is_none());
    world.go.notify_one();
    tokio::time::sleep(Duration::from_millis(10)).await;
    may_tell.add_permits(1);
    let rest = text(resumed.await).await;
    assert!(rest.contains("went"), "{rest}");
    let last = rest.rsplit("id: ").next().unwrap().lines().next().unwrap();
    let more = world.get(&session, Some(last)).await;
    assert_eq!(more.status(), StatusCode::BAD_REQUEST, "nothing follows");
}

/// A server that takes this long to find out what its callers are entitled to.
fn slow_world(takes: Duration, running: Running) -> Endpoint {
    let look = move || {
        let running = running.clone();
        async move {
            tokio::time::sleep(takes).await;
            drop(running);
            Entitlement::all()
        }
    };
    let premium = Profile::new(PREMIUM).min_mcp_version("2024-11-05");
    let server = Server::builder("films", "1.0").profile(premium).entitlement(look).build();
    Endpoint::new(server.unwrap(), Tenant::new("films.example"), Arc::new(Settings::default()))
}

#[tokio::test(start_paused = true)]
async fn a_session_that_takes_long_to_begin_has_its_id() {
    let endpoint = Arc::new(slow_world(Duration::from_secs(5), Running::default()));
    let response = endpoint.post(&head(&[]), initialize().into(), ada()).await;
    assert!(response.headers().contains_key("mcp-session-id"));
    assert!(text(response).await.contains("protocolVersion"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_before_its_session_has_begun_leaves_nothing_behind() {
    let running = Running::default();
    let endpoint = Arc::new(slow_world(Duration::from_secs(1_000_000), running.clone()));
    let head = head(&[]);
    let mut answer = Box::pin(endpoint.post(&head, initialize().into(), ada()));
    assert!(answer.as_mut().now_or_never().is_none());
    let before = running.count();
    drop(answer);
    assert!(running.count() < before);
}

#[tokio::test(start_paused = true)]
async fn every_request_of_a_session_has_a_version_that_is_served_and_one_session() {
    let world = world(|_| {});
    let (first, second) =
        (world.initialize("2025-11-25").await, world.initialize("2025-11-25").await);
    let other = head(&[("mcp-session-id", &first), ("mcp-protocol-version", "1999-01-01")]);
    let both = head(&[("mcp-session-id", &first), ("mcp-session-id", &second)]);
    for head in [other, both] {
        assert_eq!(world.endpoint.get(&head, ada()).await.status(), StatusCode::BAD_REQUEST);
        assert_eq!(world.endpoint.delete(&head, ada()).await.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(world.call(&first, 1, "echo").await.status(), StatusCode::OK);
}

/// Processes that share what they know of their sessions.
fn processes<const N: usize>() -> [World; N] {
    let (sessions, events) = (Arc::new(SessionsInMemory::new()), Arc::new(EventsInMemory::new()));
    std::array::from_fn(|_| {
        world(|settings| {
            settings.session_store = Some(Arc::<SessionsInMemory>::clone(&sessions));
            settings.events = Some(Arc::<EventsInMemory>::clone(&events));
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_not_asked_any_more_forgets_nothing_of_what_others_need() {
    let [one, other] = processes();
    let session = one.initialize("2025-11-25").await;
    let mut body = other.call(&session, 1, "wait").await.into_body();
    let first = next(&mut body).await.unwrap();
    let id = first["id: ".len()..].lines().next().unwrap().to_owned();
    // The one process has not been asked for an hour, the other is.
    for call in 2..10 {
        tokio::time::sleep(Duration::from_secs(10 * 60)).await;
        assert_eq!(other.call(&session, call, "echo").await.status(), StatusCode::OK);
    }
    drop(body);
    other.go.notify_one();
    let rest = text(other.get(&session, Some(&id)).await).await;
    assert!(rest.contains("went"), "{rest}");
}

#[tokio::test(start_paused = true)]
async fn somebody_who_only_listens_keeps_a_session_that_is_shared() {
    let [one, other] = processes();
    let session = one.initialize("2025-11-25").await;
    let stream = one.get(&session, None).await;
    tokio::spawn(async move { text(stream).await });
    tokio::time::sleep(Duration::from_secs(3 * 60 * 60)).await;
    assert_eq!(other.call(&session, 1, "echo").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn streams_of_a_session_end_when_another_process_ends_it() {
    let [one, other] = processes();
    let session = one.initialize("2025-11-25").await;
    let stream = one.get(&session, None).await;
    let head = head(&[("mcp-session-id", &session)]);
    assert!(other.endpoint.delete(&head, ada()).await.status().is_success());
    let ended = tokio::time::timeout(Duration::from_secs(120), text(stream)).await;
    assert!(ended.is_ok(), "the stream goes on");
}
