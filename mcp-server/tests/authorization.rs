//! Servers behind the authorization layer: scopes of items, step-up answers, routers in front.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use mcp_server::auth::{
    Admitted, AuthorizationLayer, Denial, Denied, Presented, Protected, TokenValidator,
};
use mcp_server::http::HttpService;
use mcp_server::{
    Authentication, Caller, Entitlement, ExtensionMethod, Principal, Profile, Prompt, Resource,
    Server, Tool, ToolExt, tool,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower_layer::Layer as _;
use tower_service::Service;

/// A token is the list of its scopes, with a dot before each and tildes for colons.
#[derive(Debug)]
struct Tokens;

impl TokenValidator for Tokens {
    fn validate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Admitted, Denied>> {
        let mut scopes = presented.token.split('.');
        let known = scopes.next() == Some("ada");
        let mut authentication = Authentication::new("https://login.example");
        authentication.scopes = scopes.map(|scope| scope.replace('~', ":").into()).collect();
        let principal = Principal::new("ada").authenticated(authentication);
        Box::pin(ready(match known {
            true => Ok(Admitted::new(principal)),
            false => Err(Denied::new(Denial::InvalidToken, "nobody has this token")),
        }))
    }
}

/// Says which scopes its caller has.
#[tool(scopes = ["who"])]
async fn whoami(caller: Caller) -> String {
    let known = caller.authentication();
    known
        .map(|known| known.scopes.iter().cloned().collect::<Vec<_>>().join(" "))
        .unwrap_or_default()
}

const SEATS: mcp_server::ExtensionId = mcp_server::ExtensionId::new("example.films/seats");
const ADMIN: &str = "admin";
const PREMIUM: &str = "https://films.example/mcp-profiles/premium";

struct World {
    service: HttpService,
    /// How many handlers have run.
    ran: Arc<AtomicUsize>,
}

fn world() -> World {
    let ran = Arc::new(AtomicUsize::new(0));
    let count = || {
        let ran = Arc::clone(&ran);
        move || {
            ran.fetch_add(1, Ordering::Relaxed);
            ready("done")
        }
    };
    let server = Server::builder("films", "1.0")
        .tool(whoami)
        .tool(Tool::new("open").handler(count()))
        .tool(Tool::new("write").scopes(["films:read", "films:write"]).handler(count()))
        .tool(whoami.named("admin").scopes([ADMIN]))
        .tool(Tool::new("slow").scopes(["slow"]).handler(count()))
        .prompt(Prompt::new("plot").scopes(["plots"]).handler(count()))
        .resource(
            Resource::new("film://list")
                .scopes(["list"])
                .cache(mcp_server::CacheHints::public(1000))
                .handler(count()),
        )
        .resource(
            Resource::new("film://{id}")
                .name("film")
                .scopes(["one"])
                .list(async || vec![mcp_server::types::Resource::new("film://7", "Seven")])
                .handler(async |id: String| id),
        )
        .extension(
            mcp_server::Extension::new(SEATS).with_method(
                ExtensionMethod::new("seats/book")
                    .scopes(["seats"])
                    .handler(async || mcp_server::Json(json!({}))),
            ),
        )
        .profile(
            Profile::new(PREMIUM).tool(Tool::new("hidden").scopes(["secret"]).handler(count())),
        )
        .entitlement(async |_: Caller| Entitlement::only([] as [&str; 0]));
    let server = server.build().unwrap();
    World { service: HttpService::new(server).allow_origin("https://app.example"), ran }
}

fn films() -> Protected {
    Protected::new("https://films.example/mcp", Tokens)
        .authorization_server("https://login.example")
        .scopes(["mcp"])
}

impl World {
    async fn send(&self, protected: Option<Protected>, request: Request<Full<Bytes>>) -> Answer {
        let (head, body) = match protected {
            None => {
                let answer = self.service.clone().call(request).await.unwrap();
                let (head, body) = answer.into_parts();
                (head, body.collect().await.unwrap())
            }
            Some(protected) => {
                let layer = AuthorizationLayer::new(protected).unwrap();
                let answer = layer.layer(self.service.clone()).call(request).await.unwrap();
                let (head, body) = answer.into_parts();
                (head, body.collect().await.unwrap())
            }
        };
        let body = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        Answer { head, body }
    }

    async fn modern(&self, scopes: &str, method: &str, params: Value) -> Answer {
        self.send(Some(films()), shown(modern(method, params), scopes)).await
    }

    fn ran(&self) -> usize {
        self.ran.swap(0, Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Answer {
    head: http::response::Parts,
    body: String,
}

impl Answer {
    fn status(&self) -> u16 {
        self.head.status.as_u16()
    }

    fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.head.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The scopes that it asks for.
    fn asks(&self) -> Option<&str> {
        let challenge = self.header(WWW_AUTHENTICATE);
        assert!(challenge.contains("/.well-known/oauth-protected-resource/mcp\""), "{self:?}");
        challenge.split_once("scope=\"")?.1.split('"').next()
    }

    fn json(&self) -> Value {
        let text = self.body.strip_prefix("event: message\ndata: ").unwrap_or(&self.body);
        serde_json::from_str(text).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

fn post() -> http::request::Builder {
    Request::post("/mcp")
        .header(HOST, "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
}

fn modern(method: &str, mut params: Value) -> Request<Full<Bytes>> {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": { "extensions": { "example.films/seats": {} } },
    });
    let name = params.get("name").or_else(|| params.get("uri")).and_then(Value::as_str);
    let name = name.map(str::to_owned);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut request = post().header("mcp-protocol-version", "2026-07-28");
    request = request.header("mcp-method", method);
    if let Some(name) = name {
        request = request.header("mcp-name", name);
    }
    request.body(body.to_string().into()).unwrap()
}

fn legacy(session: Option<&str>, version: &str, body: &Value) -> Request<Full<Bytes>> {
    let mut request = post();
    if let Some(session) = session {
        request = request.header("mcp-session-id", session).header("mcp-protocol-version", version);
    }
    request.body(body.to_string().into()).unwrap()
}

fn shown(mut request: Request<Full<Bytes>>, scopes: &str) -> Request<Full<Bytes>> {
    let token = format!("Bearer ada.{}", scopes.replace(' ', ".").replace(':', "~"));
    request.headers_mut().insert(AUTHORIZATION, token.parse().unwrap());
    request
}

fn call(tool: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": tool, "arguments": {} } })
}

#[tokio::test]
async fn call_without_the_scopes_is_asked_for_all_of_them_before_anything_runs() {
    let world = world();
    for (method, params, needed) in [
        ("tools/call", json!({ "name": "write", "arguments": {} }), "films:read films:write mcp"),
        ("prompts/get", json!({ "name": "plot" }), "mcp plots"),
        ("resources/read", json!({ "uri": "film://list" }), "list mcp"),
        ("resources/read", json!({ "uri": "film://7" }), "mcp one"),
        ("seats/book", json!({}), "mcp seats"),
    ] {
        for lacking in ["mcp", "mcp films:read other"] {
            let answer = world.modern(lacking, method, params.clone()).await;
            assert_eq!((answer.status(), answer.asks()), (403, Some(needed)), "{answer:?}");
            assert!(answer.header(WWW_AUTHENTICATE).contains(r#"error="insufficient_scope""#));
            assert_eq!(answer.json()["id"], 1);
            assert_eq!(answer.json()["error"]["code"], -32600);
        }
        assert_eq!(world.ran(), 0);
        let enough = world.modern(needed, method, params).await;
        assert_eq!(enough.status(), 200, "{enough:?}");
        assert!(enough.json().get("result").is_some());
        world.ran();
    }
}

#[tokio::test]
async fn lists_show_what_needs_more_scopes_and_what_is_hidden_stays_unknown() {
    let world = world();
    let listed = world.modern("mcp", "tools/list", json!({})).await;
    assert!(listed.body.contains("\"write\"") && !listed.body.contains("hidden"), "{listed:?}");
    for name in ["hidden", "nonsense"] {
        let answer =
            world.modern("mcp", "tools/call", json!({ "name": name, "arguments": {} })).await;
        assert_eq!((answer.status(), answer.header(WWW_AUTHENTICATE)), (200, ""), "{answer:?}");
        assert_eq!(answer.json()["error"]["code"], -32602);
    }
    let open = world.modern("mcp", "tools/call", json!({ "name": "open", "arguments": {} })).await;
    assert_eq!((open.status(), world.ran()), (200, 1));
}

#[tokio::test]
async fn what_is_read_and_listed_with_scopes_is_for_its_caller_only() {
    let world = world();
    for (scopes, listed) in [("mcp", false), ("mcp one", true)] {
        let answer = world.modern(scopes, "resources/list", json!({})).await;
        assert_eq!(answer.body.contains("Seven"), listed, "{answer:?}");
        assert!(answer.body.contains("film://list"));
        assert_eq!(answer.json()["result"]["cacheScope"], "private");
    }
    let read = world.modern("mcp list", "resources/read", json!({ "uri": "film://list" })).await;
    assert_eq!(read.json()["result"]["cacheScope"], "private", "{read:?}");
}

async fn initialize(world: &World, version: &str, scopes: &str) -> String {
    let body = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "c", "version": "1" },
    }});
    let answer = world.send(Some(films()), shown(legacy(None, version, &body), scopes)).await;
    assert_eq!(answer.status(), 200, "{answer:?}");
    answer.header("mcp-session-id").to_owned()
}

#[tokio::test]
async fn session_goes_on_with_the_token_that_the_step_up_has_brought() {
    let world = world();
    let version = "2025-11-25";
    let session = initialize(&world, version, "mcp").await;
    let send = async |scopes: &str, body: Value| {
        world.send(Some(films()), shown(legacy(Some(&session), version, &body), scopes)).await
    };
    let answer = send("mcp", call("admin")).await;
    assert_eq!((answer.status(), answer.asks()), (403, Some("admin mcp who")), "{answer:?}");
    let answer = send("mcp admin who", call("admin")).await;
    assert_eq!(answer.status(), 200);
    // The handler sees what is known now.
    assert_eq!(answer.json()["result"]["content"][0]["text"], "admin mcp who");
    // And what is known later counts later.
    let answer = send("mcp", call("admin")).await;
    assert_eq!((answer.status(), answer.asks()), (403, Some("admin mcp who")));
    // Not even a session gets by the layer.
    let answer = send("admin", call("open")).await;
    assert_eq!((answer.status(), answer.asks()), (403, Some("mcp")));
    assert_eq!(world.ran(), 0);
}

#[tokio::test]
async fn nothing_of_a_batch_runs_where_one_call_needs_more_scopes() {
    let world = world();
    let version = "2025-03-26";
    let session = initialize(&world, version, "mcp").await;
    let mut calls = [call("open"), call("slow"), call("write"), call("open")];
    calls.iter_mut().enumerate().for_each(|(id, call)| call["id"] = id.into());
    let send = async |scopes: &str| {
        let body = json!(calls);
        world.send(Some(films()), shown(legacy(Some(&session), version, &body), scopes)).await
    };
    let answer = send("mcp slow").await;
    assert_eq!(answer.status(), 403, "{answer:?}");
    assert_eq!(answer.asks(), Some("films:read films:write mcp"));
    assert_eq!(answer.json().as_array().map(Vec::len), Some(4));
    assert_eq!(world.ran(), 0);
    let answer = send("mcp").await;
    assert_eq!(answer.asks(), Some("films:read films:write mcp slow"));
    assert_eq!(send("mcp slow films:read films:write").await.status(), 200);
    assert_eq!(world.ran(), 4);
}

#[tokio::test]
async fn callers_without_token_are_asked_for_one_and_never_let_in() {
    let world = world();
    let write = || modern("tools/call", json!({ "name": "write", "arguments": {} }));
    let optional = || {
        Some(
            Protected::new("https://films.example/mcp", Tokens)
                .authorization_server("https://login.example")
                .optional(),
        )
    };
    let answer = world.send(optional(), write()).await;
    assert_eq!((answer.status(), answer.asks()), (401, Some("films:read films:write")));
    assert!(!answer.header(WWW_AUTHENTICATE).contains("error="));
    let open = modern("tools/call", json!({ "name": "open", "arguments": {} }));
    assert_eq!(world.send(optional(), open).await.status(), 200);
    assert_eq!(world.ran(), 1);
    // Without the layer nobody knows where to get a token.
    let answer = world.send(None, write()).await;
    assert_eq!((answer.status(), answer.header(WWW_AUTHENTICATE)), (403, ""));
    // Nor with a caller of whom nothing but the name is known.
    let mut named = write();
    named.extensions_mut().insert(Principal::new("ada"));
    assert_eq!(world.send(None, named).await.status(), 403);
    assert_eq!(world.ran(), 0);
}

#[tokio::test]
async fn page_that_may_call_can_read_what_it_is_asked_for() {
    let world = world();
    let mut request =
        shown(modern("tools/call", json!({ "name": "write", "arguments": {} })), "mcp");
    request.headers_mut().insert(ORIGIN, "https://app.example".parse().unwrap());
    let answer = world.send(Some(films()), request).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), "https://app.example");
    assert!(answer.header("access-control-expose-headers").contains("www-authenticate"));
    let mut foreign = modern("tools/list", json!({}));
    foreign.headers_mut().insert(ORIGIN, "https://evil.example".parse().unwrap());
    let answer = world.send(Some(films()), shown(foreign, "mcp")).await;
    assert_eq!((answer.status(), answer.header(WWW_AUTHENTICATE)), (403, ""));
}

#[tokio::test]
async fn router_behind_the_layer_is_served_over_sockets() {
    let world = world();
    let layer = AuthorizationLayer::new(films()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let front = |mcp| {
        Router::new().route("/secret", get(async || "secret")).fallback_service(mcp).layer(layer)
    };
    let serving = tokio::spawn(async move {
        world.service.serve_with(listener, front, async { drop(stopped.await) }).await
    });
    let ask = async |request: String| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let get = |path: &str, more: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n")
    };
    let ok = |answer: &str| answer.starts_with(&format!("HTTP/1.1 {}", StatusCode::OK));
    let refused = ask(get("/secret", "")).await;
    assert!(
        refused.starts_with("HTTP/1.1 401")
            && refused.contains("www-authenticate: Bearer resource")
    );
    let open = ask(get("/secret", "Authorization: Bearer ada.mcp\r\n")).await;
    assert!(ok(&open) && open.ends_with("secret"), "{open}");
    let document = ask(get("/.well-known/oauth-protected-resource", "")).await;
    assert!(ok(&document) && document.contains("https://films.example/mcp"), "{document}");
    let profiles = ask(get("/.well-known/mcp-supported-profiles", "")).await;
    assert!(ok(&profiles) && profiles.contains(PREMIUM), "{profiles}");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
}
