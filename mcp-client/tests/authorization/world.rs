//! A machine with MCP servers and authorization servers on it, which behave as they are told, and a
//! person who follows links.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use mcp_auth::challenge::Challenge;
use mcp_auth::secret::ExposeSecret;
use mcp_client::auth::{
    AccessToken, AuthError, Authorization, AuthorizationRequest, AuthorizationResponse, Refusal,
    TokenRequest, TokenSource, UserAgent, Visit,
};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The machine.
pub(crate) struct World {
    shared: Arc<Shared>,
    serving: tokio::task::JoinHandle<()>,
}

struct Shared {
    base: String,
    rules: Mutex<Rules>,
    asked: Mutex<Vec<Asked>>,
    issued: AtomicUsize,
}

/// How the servers behave.
pub(crate) struct Rules {
    /// Where the metadata of the MCP server is, and what it says.
    pub(crate) protected: BTreeMap<String, Value>,
    /// The same of authorization servers.
    pub(crate) servers: BTreeMap<String, Value>,
    /// The parameters that authorization responses have besides `code` and `state`.
    pub(crate) response: Vec<(&'static str, String)>,
    /// Whether `state` comes back as it was.
    pub(crate) state: bool,
    /// What token endpoints say first.
    pub(crate) tokens: VecDeque<(u16, Value)>,
    /// Members of every token after that.
    pub(crate) token: Value,
    /// Members of what registration endpoints say.
    pub(crate) registered: Value,
}

/// A request that came in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) authorization: Option<String>,
    pub(crate) proof: bool,
    pub(crate) json: Value,
}

impl World {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let issuer = base.clone();
        let rules = Rules {
            protected: BTreeMap::from([(
                "/.well-known/oauth-protected-resource/mcp".to_owned(),
                json!({ "resource": format!("{base}/mcp"), "authorization_servers": [issuer] }),
            )]),
            servers: BTreeMap::from([(
                "/.well-known/oauth-authorization-server".to_owned(),
                metadata(&base, ""),
            )]),
            response: Vec::new(),
            state: true,
            tokens: VecDeque::new(),
            token: json!({ "expires_in": 3600 }),
            registered: json!({}),
        };
        let shared = Arc::new(Shared {
            base,
            rules: Mutex::new(rules),
            asked: Mutex::default(),
            issued: AtomicUsize::new(0),
        });
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { shared, serving }
    }

    pub(crate) fn rules(&self) -> std::sync::MutexGuard<'_, Rules> {
        self.shared.rules.lock().unwrap()
    }

    pub(crate) fn base(&self) -> &str {
        &self.shared.base
    }

    pub(crate) fn endpoint(&self) -> Url {
        Url::parse(&format!("{}/mcp", self.shared.base)).unwrap()
    }

    /// One more authorization server, at a path.
    pub(crate) fn add_server(&self, path: &str) {
        let at = format!("/.well-known/oauth-authorization-server{path}");
        self.rules().servers.insert(at, metadata(&self.shared.base, path));
    }

    /// Changes the metadata of the first authorization server.
    pub(crate) fn server(&self, change: impl FnOnce(&mut Value)) {
        change(self.rules().servers.values_mut().next().unwrap());
    }

    /// Changes the metadata of the MCP server.
    pub(crate) fn protected(&self, change: impl FnOnce(&mut Value)) {
        change(self.rules().protected.values_mut().next().unwrap());
    }

    /// What was asked for at a path.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.shared.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.path == path).cloned().collect()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        let asked = self.shared.asked.lock().unwrap();
        asked.iter().map(|asked| asked.path.clone()).collect()
    }

    /// The client is a program with this person before it.
    pub(crate) fn client(&self, person: &Person) -> Authorization {
        Authorization::with_user_agent(person.clone())
    }

    /// A token for a request that was refused in this way.
    pub(crate) async fn refused(
        &self,
        client: &Authorization,
        refusal: &Refusal,
    ) -> Result<Arc<AccessToken>, AuthError> {
        let endpoint = self.endpoint();
        let token = client.token(TokenRequest::new(&endpoint).after(refusal)).await?;
        Ok(token.expect("there is a token or an error"))
    }

    /// A token for a request that is sent for the first time.
    pub(crate) async fn token(
        &self,
        client: &Authorization,
    ) -> Result<Option<Arc<AccessToken>>, AuthError> {
        client.token(TokenRequest::new(&self.endpoint())).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// 401 without anything else.
pub(crate) fn unauthorized(token: Option<&Arc<AccessToken>>) -> Refusal {
    challenged(401, "", token)
}

/// A refusal with this challenge.
pub(crate) fn challenged(status: u16, params: &str, token: Option<&Arc<AccessToken>>) -> Refusal {
    let header = format!("Bearer {params}");
    let challenges = Challenge::parse_all([header.trim().as_bytes()]);
    Refusal::new(StatusCode::from_u16(status).unwrap(), challenges, token.cloned())
}

pub(crate) fn text(token: &AccessToken) -> &str {
    token.value.expose_secret()
}

/// A person who gives consent to everything.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    visits: Arc<AtomicUsize>,
    /// How many visits may go on.
    gate: Arc<Semaphore>,
    redirect_uri: &'static str,
    away: Arc<AtomicBool>,
}

impl Person {
    pub(crate) fn new() -> Self {
        Self::at("http://127.0.0.1:9/callback", 1000)
    }

    /// One who waits until [`hurry`](Self::hurry).
    pub(crate) fn slow() -> Self {
        Self::at("http://127.0.0.1:9/callback", 0)
    }

    pub(crate) fn at(redirect_uri: &'static str, permits: usize) -> Self {
        Self {
            visits: Arc::default(),
            gate: Arc::new(Semaphore::new(permits)),
            redirect_uri,
            away: Arc::default(),
        }
    }

    /// Does not answer the next time.
    pub(crate) fn leave(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    pub(crate) fn hurry(&self) {
        self.gate.add_permits(1);
    }

    pub(crate) fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }
}

impl UserAgent for Person {
    fn prepare<'a>(
        &'a self,
        _registered: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Box<dyn Visit>, AuthError>> {
        let visit: Box<dyn Visit> = Box::new(self.clone());
        std::future::ready(Ok(visit)).boxed()
    }
}

impl Visit for Person {
    fn redirect_uri(&self) -> &str {
        self.redirect_uri
    }

    fn authorize(
        self: Box<Self>,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<AuthorizationResponse, AuthError>> {
        async move {
            self.visits.fetch_add(1, Ordering::SeqCst);
            self.gate.acquire().await.unwrap().forget();
            if self.away.swap(false, Ordering::SeqCst) {
                return Err(AuthError::NoConsent("nobody was there".to_owned()));
            }
            let _ = rustls::crypto::ring::default_provider().install_default();
            let browser = reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap();
            let answer = browser.get(request.url).send().await.unwrap();
            let location = answer.headers()["location"].to_str().unwrap();
            AuthorizationResponse::from_redirect(&Url::parse(location).unwrap())
        }
        .boxed()
    }
}

/// What an authorization server at a path says of itself.
pub(crate) fn metadata(base: &str, path: &str) -> Value {
    json!({
        "issuer": format!("{base}{path}"),
        "authorization_endpoint": format!("{base}{path}/authorize"),
        "token_endpoint": format!("{base}{path}/token"),
        "registration_endpoint": format!("{base}{path}/register"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
    })
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let shared = Arc::clone(&shared);
        let answer = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(shared.answer(request).await) }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer),
        );
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let path = head.uri.path().to_owned();
        let query = head.uri.query().unwrap_or_default();
        let pairs = url::form_urlencoded::parse(query.as_bytes())
            .chain(url::form_urlencoded::parse(&body))
            .map(|(name, value)| (name.into_owned(), value.into_owned()));
        let header =
            |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let asked = Asked {
            path: path.clone(),
            parameters: pairs.collect(),
            authorization: header("authorization"),
            proof: header("dpop").is_some(),
            json: serde_json::from_slice(&body).unwrap_or_default(),
        };
        self.asked.lock().unwrap().push(asked.clone());
        let mut rules = self.rules.lock().unwrap();
        if let Some(document) = rules.protected.get(&path).or_else(|| rules.servers.get(&path)) {
            return json_answer(200, document);
        }
        let (at, action) = path.rsplit_once('/').unwrap_or_default();
        match action {
            "register" => {
                let mut answer = json!({
                    "client_id": format!("client-of-{at}"),
                    "redirect_uris": asked.json["redirect_uris"],
                });
                merge(&mut answer, &rules.registered);
                json_answer(if answer["error"].is_null() { 201 } else { 400 }, &answer)
            }
            "authorize" => {
                let mut to = Url::parse(&asked.parameters["redirect_uri"]).unwrap();
                let state = &asked.parameters["state"];
                let mut pairs = to.query_pairs_mut();
                pairs.append_pair("state", if rules.state { state } else { "other" });
                if rules.response.iter().all(|(name, _)| *name != "error") {
                    let challenge = &asked.parameters["code_challenge"];
                    pairs.append_pair("code", &format!("code-of-{challenge}"));
                }
                for (name, value) in &rules.response {
                    pairs.append_pair(name, value);
                }
                drop(pairs);
                let answer = Response::builder().status(302).header("location", to.as_str());
                answer.body(Full::default()).unwrap()
            }
            "token" => {
                if let Some((status, answer)) = rules.tokens.pop_front() {
                    return json_answer(status, &answer);
                }
                let number = self.issued.fetch_add(1, Ordering::SeqCst) + 1;
                let mut answer = json!({
                    "access_token": format!("access-{number}"),
                    "refresh_token": format!("refresh-{number}"),
                    "token_type": if asked.proof { "DPoP" } else { "Bearer" },
                });
                merge(&mut answer, &rules.token);
                json_answer(200, &answer)
            }
            _ => json_answer(404, &json!({})),
        }
    }
}

fn merge(into: &mut Value, from: &Value) {
    for (name, value) in from.as_object().unwrap() {
        into[name] = value.clone();
    }
}

fn json_answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::from(body.to_string()))
        .unwrap()
}
