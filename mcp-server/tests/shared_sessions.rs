//! Several processes that share legacy sessions through a store which knows nothing but the trait.

use std::fs;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use http::{Method, Request, Response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use mcp_server::http::{
    EventsInMemory, HttpBody, HttpService, Revision, SessionId, SessionRecord, SessionStore,
    SessionsInMemory, StoredSession,
};
use mcp_server::{CallContext, Entitlement, Principal, Profile, Resource, Server, Tool};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower_service::Service as _;

/// Sessions in the files of a folder, which is removed with the store that made it.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    began: Instant,
    fails: AtomicBool,
    fails_to_save: AtomicBool,
}

impl Folder {
    fn new() -> Arc<Self> {
        let name = format!("mcp-sessions-{}", SessionId::random().as_str());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        let [fails, fails_to_save] = [false, false].map(AtomicBool::new);
        Arc::new(Self { path, began: Instant::now(), fails, fails_to_save })
    }

    fn file(&self, id: &SessionId) -> PathBuf {
        self.path.join(id.as_str())
    }

    /// Until when a session may be idle, its revision and its record.
    fn read(&self, id: &SessionId) -> io::Result<Option<(u64, u64, SessionRecord)>> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is gone"));
        }
        let text = match fs::read(self.file(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            text => text?,
        };
        let kept: (u64, u64, SessionRecord) = serde_json::from_slice(&text)?;
        Ok(Some(kept).filter(|(expires, ..)| self.now(Duration::ZERO) < *expires))
    }

    fn write(&self, id: &SessionId, kept: (u64, u64, &SessionRecord)) -> io::Result<Revision> {
        let new = self.file(id).with_extension("new");
        fs::write(&new, serde_json::to_vec(&kept)?)?;
        fs::rename(new, self.file(id))?;
        Ok(Revision::from(kept.1))
    }

    fn now(&self, plus: Duration) -> u64 {
        u64::try_from((self.began.elapsed() + plus).as_millis()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.path).unwrap();
    }
}

impl SessionStore for Folder {
    fn save<'a>(
        &'a self,
        id: &'a SessionId,
        record: &'a SessionRecord,
        idle: Duration,
    ) -> BoxFuture<'a, io::Result<Revision>> {
        let saved = self.read(id).and_then(|known| {
            if self.fails_to_save.load(Ordering::SeqCst) {
                return Err(io::Error::other("the disk is full"));
            }
            let revision = known.map_or(0, |(_, revision, _)| revision) + 1;
            self.write(id, (self.now(idle), revision, record))
        });
        Box::pin(ready(saved))
    }

    fn load<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, io::Result<Option<StoredSession>>> {
        let kept = self.read(id).map(|kept| {
            let (_, revision, record) = kept?;
            Some(StoredSession { record, revision: Revision::from(revision) })
        });
        Box::pin(ready(kept))
    }

    fn touch<'a>(
        &'a self,
        id: &'a SessionId,
        idle: Duration,
    ) -> BoxFuture<'a, io::Result<Option<Revision>>> {
        let touched = self.read(id).and_then(|kept| {
            let Some((_, revision, record)) = kept else { return Ok(None) };
            self.write(id, (self.now(idle), revision, &record)).map(Some)
        });
        Box::pin(ready(touched))
    }

    fn remove<'a>(&'a self, id: &'a SessionId) -> BoxFuture<'a, io::Result<()>> {
        let removed = self.read(id).and_then(|kept| match kept {
            Some(_) => fs::remove_file(self.file(id)),
            None => Ok(()),
        });
        Box::pin(ready(removed))
    }
}

const PREMIUM: &str = "https://films.example/premium";

/// A process: a service of its own, with servers of its own.
struct Process {
    service: HttpService,
    server: Server,
}

impl Process {
    fn new(store: impl SessionStore) -> Self {
        Self::serving(store, Server::builder("films", "1.0"))
    }

    /// Serves callers who may have a profile as long as `paid` says so.
    fn paid(store: impl SessionStore, paid: &Arc<AtomicBool>) -> Self {
        let paid = Arc::clone(paid);
        let look = move || {
            let paid = paid.load(Ordering::SeqCst);
            async move { if paid { Entitlement::all() } else { Entitlement::none() } }
        };
        let premium = Profile::new(PREMIUM).min_mcp_version("2024-11-05");
        Self::serving(store, Server::builder("films", "1.0").profile(premium).entitlement(look))
    }

    fn serving(store: impl SessionStore, builder: mcp_server::Builder) -> Self {
        let echo = Tool::new("echo").params(["text"]).handler(async |text: String| text);
        let who = Tool::new("who").handler(async |context: CallContext| {
            let negotiated = context.negotiated();
            format!("{} {:?}", negotiated.version(), negotiated.client_info().map(|c| &c.name))
        });
        let film = Resource::new("film://1").handler(async || "moving pictures");
        let server = builder.tool(echo).tool(who).resource(film).build().unwrap();
        let other = Server::builder("other", "1.0").build().unwrap();
        let hosts = [("films.example", server.clone()), ("other.example", other)];
        Self { service: HttpService::by_host(hosts).session_store(store), server }
    }

    async fn send(
        &self,
        from: &From<'_>,
        method: Method,
        body: Option<Value>,
    ) -> Response<HttpBody> {
        let mut request = Request::builder()
            .method(method)
            .uri("/mcp")
            .header("host", from.host)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream");
        if let Some(session) = from.session {
            request = request.header("mcp-session-id", session);
        }
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let mut request = request.body(Full::new(body)).unwrap();
        request.extensions_mut().insert(Principal::new(from.caller));
        self.service.clone().call(request).await.unwrap()
    }

    /// Begins a session; gives its id.
    async fn initialize(&self, profiles: &[&str]) -> String {
        let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": { "name": "viewer", "version": "1" }, "requestedProfiles": profiles });
        let from = From { session: None, ..From::default() };
        let response = self.send(&from, Method::POST, Some(request("initialize", params))).await;
        assert_eq!(response.status(), 200);
        response.headers()["mcp-session-id"].to_str().unwrap().to_owned()
    }

    async fn ask(&self, session: &str, method: &str, params: Value) -> (u16, Value) {
        let from = From { session: Some(session), ..From::default() };
        let response = self.send(&from, Method::POST, Some(request(method, params))).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// The status of a call.
    async fn call(&self, session: &str) -> u16 {
        self.ask(session, "tools/call", json!({ "name": "echo", "arguments": { "text": "hi" } }))
            .await
            .0
    }

    async fn initialized(&self, session: &str) {
        let from = From { session: Some(session), ..From::default() };
        let message = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        assert_eq!(self.send(&from, Method::POST, Some(message)).await.status(), 202);
    }

    async fn delete(&self, session: &str) -> u16 {
        let from = From { session: Some(session), ..From::default() };
        self.send(&from, Method::DELETE, None).await.status().as_u16()
    }

    async fn listen(&self, session: &str) -> HttpBody {
        let from = From { session: Some(session), ..From::default() };
        let response = self.send(&from, Method::GET, None).await;
        assert_eq!(response.status(), 200);
        response.into_body()
    }
}

/// Where a request comes from, and where it goes.
struct From<'a> {
    session: Option<&'a str>,
    caller: &'a str,
    host: &'a str,
}

impl Default for From<'_> {
    fn default() -> Self {
        Self { session: None, caller: "ada", host: "films.example" }
    }
}

fn request(method: &str, params: Value) -> Value {
    let mut request = json!({ "jsonrpc": "2.0", "id": 1, "method": method });
    request["params"] = params;
    request
}

/// What comes next on a stream, comments passed over; nothing when it ends.
async fn next(body: &mut HttpBody) -> Option<String> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        let text = String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap();
        if text.lines().any(|line| line.starts_with("data:")) {
            return Some(text);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_goes_on_with_a_session_that_another_began() {
    let folder = Folder::new();
    let [one, other] = [0, 1].map(|_| Process::new(Arc::clone(&folder)));
    let session = one.initialize(&[]).await;
    other.initialized(&session).await;
    let (status, answer) = other.ask(&session, "tools/call", json!({ "name": "who" })).await;
    assert_eq!(status, 200);
    assert_eq!(answer["result"]["content"][0]["text"], r#"2025-06-18 Some("viewer")"#);
    assert_eq!(one.call(&session).await, 200);
    // Not even the other is needed any more.
    drop((one, other));
    assert_eq!(Process::new(Arc::clone(&folder)).call(&session).await, 200);
}

#[tokio::test(start_paused = true)]
async fn processes_may_share_sessions_in_memory() {
    let store = Arc::new(SessionsInMemory::new());
    let [one, other] = [0, 1].map(|_| Process::new(Arc::clone(&store)));
    let session = one.initialize(&[]).await;
    assert_eq!(other.call(&session).await, 200);
    assert_eq!(other.delete(&session).await, 204);
    assert_eq!(one.call(&session).await, 404);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_one_process_ends_is_over_for_all() {
    let folder = Folder::new();
    let [one, other] = [0, 1].map(|_| Process::new(Arc::clone(&folder)));
    let session = one.initialize(&[]).await;
    let mut stream = one.listen(&session).await;
    assert_eq!(other.delete(&session).await, 204);
    // A stream that is open hears of it by itself.
    while next(&mut stream).await.is_some() {}
    assert_eq!(one.call(&session).await, 404);
    assert_eq!(other.call(&session).await, 404);
    assert_eq!(one.delete(&session).await, 404);
}

#[tokio::test(start_paused = true)]
async fn a_session_is_nobody_elses_in_any_process() {
    let folder = Folder::new();
    let [one, other] = [0, 1].map(|_| Process::new(Arc::clone(&folder)));
    let session = one.initialize(&[]).await;
    for process in [&one, &other] {
        for from in [
            From { session: Some(&session), caller: "eve", host: "films.example" },
            From { session: Some(&session), caller: "ada", host: "other.example" },
        ] {
            for method in [Method::POST, Method::GET, Method::DELETE] {
                let body = (method == Method::POST).then(|| request("tools/list", json!({})));
                assert_eq!(process.send(&from, method, body).await.status(), 404);
            }
        }
    }
    assert_eq!(other.call(&session).await, 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_set_in_one_process_counts_in_the_others() {
    let folder = Folder::new();
    let [one, other] = [0, 1].map(|_| Process::new(Arc::clone(&folder)));
    let session = one.initialize(&[]).await;
    let mut stream = one.listen(&session).await;
    other.initialized(&session).await;
    let film = json!({ "uri": "film://1" });
    assert_eq!(other.ask(&session, "resources/subscribe", film.clone()).await.0, 200);
    assert_eq!(one.call(&session).await, 200);
    one.server.resource_updated("film://1");
    let told = next(&mut stream).await.unwrap();
    assert!(told.contains("notifications/resources/updated"), "{told}");
    assert_eq!(one.ask(&session, "resources/unsubscribe", film).await.0, 200);
    assert_eq!(other.call(&session).await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_open_catches_up_and_keeps_its_session_alive() {
    let folder = Folder::new();
    let [one, other] = [0, 1].map(|_| Process::new(Arc::clone(&folder)));
    let session = one.initialize(&[]).await;
    let mut stream = one.listen(&session).await;
    other.initialized(&session).await;
    let film = json!({ "uri": "film://1" });
    assert_eq!(other.ask(&session, "resources/subscribe", film).await.0, 200);
    let server = one.server.clone();
    let says = async {
        tokio::time::sleep(Duration::from_secs(2 * 60 * 60)).await;
        server.resource_updated("film://1");
        std::future::pending::<()>().await;
    };
    let told = tokio::select! {
        told = next(&mut stream) => told.unwrap(),
        () = says => unreachable!("it waits for ever"),
    };
    assert!(told.contains("notifications/resources/updated"), "{told}");
    drop(stream);
    assert_eq!(other.call(&session).await, 200);
    tokio::time::sleep(Duration::from_secs(60 * 60)).await;
    assert_eq!(other.call(&session).await, 404);
    assert_eq!(one.call(&session).await, 404);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_lost_a_profile_never_comes_back() {
    let folder = Folder::new();
    let paid = Arc::new(AtomicBool::new(true));
    let [one, other] = [0, 1].map(|_| Process::paid(Arc::clone(&folder), &paid));
    let known = one.initialize(&[PREMIUM]).await;
    let unknown = one.initialize(&[PREMIUM]).await;
    let listened = one.initialize(&[PREMIUM]).await;
    let mut stream = one.listen(&listened).await;
    assert_eq!(other.call(&known).await, 200);
    paid.store(false, Ordering::SeqCst);
    assert_eq!(other.call(&known).await, 404);
    assert_eq!(other.call(&unknown).await, 404);
    while next(&mut stream).await.is_some() {}
    paid.store(true, Ordering::SeqCst);
    for session in [&known, &unknown, &listened] {
        assert_eq!((one.call(session).await, other.call(session).await), (404, 404));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_takes_no_answer_away_and_ends_no_session() {
    let folder = Folder::new();
    let process = Process::new(Arc::clone(&folder));
    let session = process.initialize(&[]).await;
    folder.fails.store(true, Ordering::SeqCst);
    assert_eq!(process.call(&session).await, 503);
    assert_eq!(process.delete(&session).await, 503);
    folder.fails.store(false, Ordering::SeqCst);
    assert_eq!(process.call(&session).await, 200);
    folder.fails_to_save.store(true, Ordering::SeqCst);
    let params = json!({ "uri": "film://1" });
    assert_eq!(process.ask(&session, "resources/subscribe", params).await.0, 200);
    folder.fails_to_save.store(false, Ordering::SeqCst);
    assert!(!fs::read_to_string(folder.path.join(&session)).unwrap().contains("film://1"));
    assert_eq!(process.call(&session).await, 200);
    assert!(fs::read_to_string(folder.path.join(&session)).unwrap().contains("film://1"));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_kept_does_not_begin() {
    let folder = Folder::new();
    let process = Process::new(Arc::clone(&folder));
    folder.fails_to_save.store(true, Ordering::SeqCst);
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": { "name": "viewer", "version": "1" } });
    let initialize = request("initialize", params);
    let response = process.send(&From::default(), Method::POST, Some(initialize)).await;
    assert_eq!(response.status(), 503);
    assert!(!response.headers().contains_key("mcp-session-id"));
}

#[tokio::test(start_paused = true)]
async fn stores_of_events_are_shared_as_well() {
    let (folder, events) = (Folder::new(), Arc::new(EventsInMemory::new()));
    let [one, other] = [0, 1].map(|_| {
        let mut process = Process::new(Arc::clone(&folder));
        process.service = process.service.event_store(Arc::clone(&events));
        process
    });
    let session = one.initialize(&[]).await;
    one.initialized(&session).await;
    let mut stream = one.listen(&session).await;
    one.server.tools_changed();
    let told = next(&mut stream).await.unwrap();
    let id = told.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    one.server.tools_changed();
    next(&mut stream).await.unwrap();
    let mut request = Request::get("/mcp")
        .header("host", "films.example")
        .header("accept", "text/event-stream")
        .header("mcp-session-id", &session)
        .header("last-event-id", id)
        .body(Full::new(Bytes::new()))
        .unwrap();
    request.extensions_mut().insert(Principal::new("ada"));
    let response = other.service.clone().call(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert_eq!(text.matches("notifications/tools/list_changed").count(), 1, "{text}");
}
