use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CACHE_CONTROL, ETAG, HOST, IF_NONE_MATCH, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http_body_util::BodyExt as _;
use http_body_util::Full;
use mcp_core::authentication::Authentication;
use serde_json::{Value, json};

use super::super::TokenValidator;
use super::*;

/// Knows tokens by what they are called; what follows a dash are scopes.
#[derive(Debug)]
struct Tokens(&'static str);

impl TokenValidator for Tokens {
    fn validate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Admitted, Denied>> {
        let (kind, scopes) = presented.token.split_once('-').unwrap_or((presented.token, ""));
        let denied = |denial| Err(Denied::new(denial, "because"));
        Box::pin(ready(match kind {
            "good" => {
                let mut known = Authentication::new(self.0);
                known.scopes = scopes.split('.').map(Into::into).collect();
                let principal = Principal::new(format!("ada of {}", self.0)).authenticated(known);
                let until = SystemTime::UNIX_EPOCH + Duration::from_secs(7);
                Ok(Admitted::new(principal).until(until).with_nonce("next"))
            }
            "url" => denied(Denial::InvalidToken).map_err(|denied: Denied| Denied {
                reason: presented.url.to_string().into(),
                ..denied.with_nonce(presented.url.path().replace('/', "."))
            }),
            "down" => denied(Denial::Unavailable),
            "stale" => denied(Denial::UseDpopNonce).map_err(|denied| denied.with_nonce("fresh")),
            _ => denied(Denial::InvalidToken),
        }))
    }
}

/// What gets behind the layer.
#[derive(Debug, Clone, Default)]
struct Behind(Arc<Mutex<Vec<Parts>>>);

impl Service<Request<()>> for Behind {
    type Response = Response<Full<bytes::Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        self.0.lock().unwrap().push(request.into_parts().0);
        ready(Ok(Response::new(Full::from("behind"))))
    }
}

struct World {
    behind: Behind,
    service: Authorized<Behind>,
}

impl World {
    fn new(layer: &AuthorizationLayer) -> Self {
        let behind = Behind::default();
        Self { service: layer.layer(behind.clone()), behind }
    }

    fn one(change: impl FnOnce(Protected) -> Protected) -> Self {
        Self::new(&AuthorizationLayer::new(change(films())).unwrap())
    }

    async fn ask(&self, request: http::request::Builder) -> Answer {
        let mut service = self.service.clone();
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        let (head, body) = service.call(request.body(()).unwrap()).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { head, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn show(&self, authorization: &str) -> Answer {
        self.ask(Request::post("/mcp").header(AUTHORIZATION, authorization)).await
    }

    /// What has come through since the last time.
    fn passed(&self) -> Vec<Parts> {
        std::mem::take(&mut *self.behind.0.lock().unwrap())
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

    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.head.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn challenges(&self) -> Vec<&str> {
        let values = self.head.headers.get_all(WWW_AUTHENTICATE).iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

fn films() -> Protected {
    Protected::new("https://films.example/mcp", Tokens("https://login.example"))
        .authorization_server("https://login.example")
}

const WHERE: &str =
    r#"resource_metadata="https://films.example/.well-known/oauth-protected-resource/mcp""#;

#[tokio::test]
async fn who_shows_nothing_is_told_where_to_get_a_token_and_no_error() {
    let world = World::one(|films| films.scopes(["films:read"]));
    for request in [
        Request::post("/mcp"),
        Request::get("/mcp"),
        Request::delete("/mcp"),
        Request::get("/anything?access_token=good-films:read"),
        Request::options("/mcp"),
        Request::post("/mcp").header(AUTHORIZATION, "Basic YTpi"),
    ] {
        let answer = world.ask(request).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.challenges(), [format!(r#"Bearer {WHERE}, scope="films:read""#)]);
        assert_eq!(answer.header(CACHE_CONTROL), "no-store");
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        assert!(answer.header(ACCESS_CONTROL_EXPOSE_HEADERS).contains("www-authenticate"));
        assert_eq!(answer.json().get("error"), None);
    }
    assert!(world.passed().is_empty());
}

#[tokio::test]
async fn bad_token_and_bad_request_are_told_apart() {
    let world = World::one(|films| films);
    let answer = world.show("Bearer forged").await;
    assert_eq!((answer.status(), answer.json()["error"].as_str()), (401, Some("invalid_token")));
    let [challenge] = answer.challenges()[..] else { panic!("{answer:?}") };
    assert!(challenge.starts_with(r#"Bearer error="invalid_token", error_description=""#));
    assert!(challenge.contains(WHERE) && !challenge.contains("scope="));
    // What was wrong with it is for the operator.
    assert!(!challenge.contains("because") && !answer.body.contains("because"));

    let twice = Request::post("/mcp").header(AUTHORIZATION, "Bearer good");
    for answer in [
        world.ask(twice.header(AUTHORIZATION, "Bearer good")).await,
        world.show("Bearer").await,
        world.show("Bearer good good").await,
    ] {
        assert_eq!(answer.status(), 400);
        assert!(answer.challenges()[0].contains(r#"error="invalid_request""#));
    }
    assert!(world.passed().is_empty());
}

#[tokio::test]
async fn caller_comes_through_with_what_is_known_and_the_token_shows_in_no_output() {
    let world = World::one(|films| films.scopes(["a"]));
    let answer = world.show("bearer good-a.b").await;
    assert_eq!((answer.status(), &*answer.body), (200, "behind"));
    assert_eq!(answer.header(DPOP_NONCE), "next");
    let [head] = &world.passed()[..] else { panic!() };
    let principal: &Principal = head.extensions.get().unwrap();
    assert_eq!(principal.id(), Some("ada of https://login.example"));
    assert!(principal.authentication().unwrap().has_scope("b"));
    let protection: &Protection = head.extensions.get().unwrap();
    assert_eq!(protection.resource(), "https://films.example/mcp");
    assert_eq!(principal.authentication().unwrap().expires_at, Some(7));
    assert!(!format!("{head:?}").contains("good"));
}

#[tokio::test]
async fn too_few_scopes_are_answered_with_all_that_are_needed() {
    let world = World::one(|films| films.scopes(["a", "b"]));
    let answer = world.show("Bearer good-a.c").await;
    assert_eq!(answer.status(), 403);
    let [challenge] = answer.challenges()[..] else { panic!("{answer:?}") };
    assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
    assert!(challenge.contains(r#"scope="a b""#) && challenge.contains(WHERE), "{challenge}");
    assert!(world.passed().is_empty());

    assert_eq!(world.show("Bearer good-b.a").await.status(), 200);
    let [head] = &world.passed()[..] else { panic!() };
    let protection: &Protection = head.extensions.get().unwrap();
    let refusal = protection.needs(["c d", "e", "a"]);
    assert_eq!(refusal.status(), 403);
    let challenge = refusal.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.contains(r#"scope="a b e""#), "{challenge}");
}

#[tokio::test]
async fn broad_scope_implies_narrow_ones() {
    let world = World::one(|films| {
        films.scopes(["read"]).implies("write", ["read"]).implies("all", ["write", "all"])
    });
    for (scopes, status) in [("read", 200), ("write", 200), ("all", 200), ("other", 403)] {
        assert_eq!(world.show(&format!("Bearer good-{scopes}")).await.status(), status, "{scopes}");
    }
    let all = &world.passed()[2];
    let known = all.extensions.get::<Principal>().unwrap().authentication().unwrap();
    assert!(known.has_scope("all") && known.has_scope("write") && known.has_scope("read"));
}

#[tokio::test]
async fn anonymous_callers_pass_where_tokens_are_optional() {
    let world = World::one(Protected::optional);
    assert_eq!(world.ask(Request::post("/mcp")).await.status(), 200);
    let [head] = &world.passed()[..] else { panic!() };
    assert!(head.extensions.get::<Principal>().is_none());
    let protection: &Protection = head.extensions.get().unwrap();
    let refusal = protection.needs(["a"]);
    assert_eq!(refusal.status(), 401);
    let challenge = refusal.headers()[WWW_AUTHENTICATE].to_str().unwrap();
    assert_eq!(challenge, format!(r#"Bearer {WHERE}, scope=a"#).replace("=a", "=\"a\""));

    assert_eq!(world.show("Bearer forged").await.status(), 401);
    assert_eq!(world.show("Basic YTpi").await.status(), 401);
    assert!(world.passed().is_empty());
}

#[tokio::test]
async fn token_that_cannot_be_checked_lets_nobody_in() {
    let world = World::one(Protected::optional);
    let answer = world.show("Bearer down").await;
    assert_eq!((answer.status(), answer.header(RETRY_AFTER)), (503, "5"));
    assert!(answer.challenges().is_empty() && world.passed().is_empty());
}

#[tokio::test]
async fn proofs_are_asked_for_with_algorithms_and_nonce() {
    let world = World::one(|films| films.dpop(["ES256", "EdDSA"]));
    let answer = world.ask(Request::post("/mcp")).await;
    let dpop = format!(r#"DPoP {WHERE}, algs="ES256 EdDSA""#);
    assert_eq!(answer.challenges(), [format!("Bearer {WHERE}"), dpop.clone()]);
    let answer = world.show("DPoP stale").await;
    assert_eq!((answer.status(), answer.header(DPOP_NONCE)), (401, "fresh"));
    let [bearer, challenge] = answer.challenges()[..] else { panic!("{answer:?}") };
    assert_eq!(bearer, format!("Bearer {WHERE}"));
    assert!(challenge.starts_with(r#"DPoP error="use_dpop_nonce""#), "{challenge}");

    let world = World::one(|films| {
        films.dpop(["ES256"]).metadata(|metadata| metadata.dpop_bound_access_tokens_required = true)
    });
    let answer = world.show("Bearer forged").await;
    let [challenge] = answer.challenges()[..] else { panic!("{answer:?}") };
    assert!(challenge.starts_with(r#"DPoP error="invalid_token""#), "{challenge}");
}

#[tokio::test]
async fn metadata_is_open_to_everybody_in_both_forms() {
    let world = World::one(|films| films.scopes(["a"]).dpop(["ES256"]));
    let paths = [WELL_KNOWN.to_owned(), format!("{WELL_KNOWN}/mcp"), format!("{WELL_KNOWN}/mcp/")];
    for path in &paths {
        let answer = world.ask(Request::get(path)).await;
        assert_eq!(answer.status(), 200);
        let expected = json!({
            "resource": "https://films.example/mcp",
            "authorization_servers": ["https://login.example"],
            "scopes_supported": ["a"],
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": ["ES256"],
        });
        assert_eq!(answer.json(), expected);
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        let known = Request::get(path).header(IF_NONE_MATCH, answer.header(ETAG));
        assert_eq!(world.ask(known).await.status(), 304);
        let head = world.ask(Request::head(path)).await;
        assert_eq!((head.status(), &*head.body), (200, ""));
        let posted = world.ask(Request::post(path)).await;
        assert_eq!((posted.status(), posted.header(ALLOW)), (405, "GET, HEAD, OPTIONS"));
        let preflight = Request::options(path)
            .header(ACCESS_CONTROL_REQUEST_METHOD, "GET")
            .header(ACCESS_CONTROL_REQUEST_HEADERS, "mcp-protocol-version");
        let answer = world.ask(preflight).await;
        assert_eq!(answer.status(), 204);
        assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_HEADERS), "mcp-protocol-version");
    }
    for path in ["/other", "/mcp/more", "/mcpx", "/../mcp"] {
        let answer = world.ask(Request::get(format!("{WELL_KNOWN}{path}"))).await;
        assert_eq!(answer.status(), 404, "{path}");
    }
    assert!(world.passed().is_empty());
}

#[tokio::test]
async fn declaration_of_profiles_and_preflights_need_no_token_and_nothing_else_does() {
    let world = World::one(|films| films);
    let document = "/.well-known/mcp-supported-profiles";
    let below = format!("{document}/films/mcp");
    for open in [
        Request::get(document),
        Request::head(&below),
        Request::options("/mcp").header(ACCESS_CONTROL_REQUEST_METHOD, "POST"),
    ] {
        assert_eq!(world.ask(open).await.status(), 200);
    }
    assert_eq!(world.passed().len(), 3);
    for closed in [
        Request::post(document),
        Request::get(format!("{document}x")),
        Request::get(format!("{document}/../../mcp")),
        Request::get(format!("{document}/%2e%2E/mcp")),
        Request::get(format!("{document}/%2Fmcp")),
        Request::get("/.well-known/other"),
        Request::get("/"),
    ] {
        assert_eq!(world.ask(closed).await.status(), 401);
    }
    assert!(world.passed().is_empty());
}

fn tenants() -> AuthorizationLayer {
    let of = |resource: &str, issuer: &'static str| {
        Protected::new(resource, Tokens(issuer)).authorization_server(issuer)
    };
    AuthorizationLayer::by_host([
        ("A.example", of("https://a.example/mcp", "https://login.a.example")),
        ("b.example", of("https://b.example/mcp", "https://login.b.example")),
        ("b.example/c", of("https://b.example/c/mcp", "https://login.c.example")),
    ])
    .unwrap()
}

#[tokio::test]
async fn each_tenant_has_its_own_issuer_and_metadata() {
    let world = World::new(&tenants());
    for (host, path, issuer) in [
        ("a.example", "/mcp", "https://login.a.example"),
        ("a.example:8443", "/c/mcp", "https://login.a.example"),
        ("b.example", "/mcp", "https://login.b.example"),
        ("b.example", "/cc/mcp", "https://login.b.example"),
        ("B.example", "/c/mcp", "https://login.c.example"),
    ] {
        let request = Request::post(path).header(HOST, host);
        let answer = world.ask(request.header(AUTHORIZATION, "Bearer good")).await;
        assert_eq!(answer.status(), 200);
        let [head] = &world.passed()[..] else { panic!() };
        let principal: &Principal = head.extensions.get().unwrap();
        assert_eq!(&*principal.authentication().unwrap().issuer, issuer, "{host}{path}");
    }
    for (host, path, resource) in [
        ("a.example", "/mcp", Some("https://a.example/mcp")),
        ("a.example", "", Some("https://a.example/mcp")),
        ("b.example", "/mcp", Some("https://b.example/mcp")),
        ("b.example", "/c/mcp", Some("https://b.example/c/mcp")),
        // Here it would tell one for the other.
        ("b.example", "", None),
        ("a.example", "/c/mcp", None),
        ("other.example", "/mcp", None),
    ] {
        let answer =
            world.ask(Request::get(format!("{WELL_KNOWN}{path}")).header(HOST, host)).await;
        match resource {
            Some(resource) => assert_eq!(answer.json()["resource"], resource),
            None => assert_eq!(answer.status(), 404, "{host}{path}"),
        }
    }
    let request = Request::post("/c/mcp").header(HOST, "b.example");
    let challenge = "https://b.example/.well-known/oauth-protected-resource/c/mcp";
    assert!(world.ask(request).await.challenges()[0].contains(challenge));
}

#[tokio::test]
async fn what_nobody_has_protected_is_not_open() {
    let world = World::new(&tenants());
    for host in ["other.example", "a.example.evil", "localhost"] {
        for request in [Request::post("/mcp"), Request::get("/health")] {
            let shown = request.header(HOST, host).header(AUTHORIZATION, "Bearer good");
            assert_eq!(world.ask(shown).await.status(), 404);
        }
    }
    assert_eq!(world.ask(Request::post("/mcp")).await.status(), 400);
    assert!(world.passed().is_empty());
}

#[tokio::test]
async fn only_a_trusted_proxy_says_for_which_host_a_request_is() {
    let layer = tenants().trusted_proxies(["10.0.0.0/8"]).unwrap();
    let world = World::new(&layer);
    for (peer, host) in
        [("10.1.2.3:4", "https://login.b.example"), ("192.0.2.1:4", "https://login.a.example")]
    {
        let peer: SocketAddr = peer.parse().unwrap();
        let request = Request::post("/mcp").extension(Peer(peer)).header(HOST, "a.example");
        let request = request.header("x-forwarded-host", "b.example");
        world.ask(request.header(AUTHORIZATION, "Bearer good")).await;
        let [head] = &world.passed()[..] else { panic!() };
        let principal: &Principal = head.extensions.get().unwrap();
        assert_eq!(&*principal.authentication().unwrap().issuer, host);
    }
    assert!(tenants().trusted_proxies(["proxy.example"]).is_err());
}

#[tokio::test]
async fn url_of_a_request_is_that_of_the_resource_whatever_the_proxies_did() {
    let world = World::one(|films| films);
    let request = Request::post("http://10.0.0.1:81//evil.example/x?y=z");
    let answer = world.ask(request.header(AUTHORIZATION, "Bearer url")).await;
    assert_eq!(answer.header(DPOP_NONCE), "..evil.example.x");
}

#[test]
fn every_mistake_is_named() {
    let wrong = |protected| AuthorizationLayer::new(protected).unwrap_err().to_string();
    for resource in
        ["", "films.example/mcp", "urn:films", "ftp://a/mcp", "https://a/mcp#x", "https://u@a/"]
    {
        let said = wrong(Protected::new(resource, Tokens("")).authorization_server("https://b"));
        assert!(said.contains("is no URL of an endpoint"), "{said}");
    }
    let said = wrong(Protected::new("https://a/mcp", Tokens("")).scopes(["read films"]));
    assert!(said.contains("authorization server") && said.contains("`read films` is no scope"));
    let required = films().metadata(|metadata| metadata.dpop_bound_access_tokens_required = true);
    assert!(wrong(required).contains("algorithm"));
    assert!(wrong(films().implies("a", [""])).contains("is no scope"));

    let by_host = AuthorizationLayer::by_host([("a:1", films()), ("b", films()), ("B/", films())]);
    let said = by_host.unwrap_err().to_string();
    assert!(said.contains("`a:1`") && said.contains("`B/` is there twice"), "{said}");
    assert!(AuthorizationLayer::by_host::<&str>([]).is_err());
}
