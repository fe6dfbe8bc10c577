//! An authorization server that keeps every secret that it gives and gets.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use mcp_auth::Url;
use mcp_auth::dpop::{CheckedProof, DPOP, DPOP_NONCE, ProofExpectation};
use mcp_auth::jose::SigningKey;
use mcp_auth::secret::ExposeSecret as _;
use mcp_auth::thumbprint;
use mcp_client::auth::{AuthError, AuthorizationRequest, AuthorizationResponse, UserAgent, Visit};
use mcp_server::auth::ClientCertificate;
use serde_json::{Value, json};
use tower_service::Service;

use crate::secrets::Secrets;

/// What goes wrong, when something shall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    /// Every request for a token is refused.
    Refuses,
    /// Tokens come in documents that cannot be read.
    Babbles,
    /// Tokens are for somebody else.
    WrongAudience,
    /// The answer by redirect is another server's.
    WrongIssuer,
}

/// The server; clones are the same one.
#[derive(Clone)]
pub(crate) struct AuthorizationServer(Arc<State>);

struct State {
    issuer: String,
    resource: String,
    key: SigningKey,
    secrets: Secrets,
    fault: Fault,
    /// What proofs must have in them, if they must.
    nonce: Option<String>,
    /// The challenges of codes that were not used yet.
    codes: Mutex<HashMap<String, String>>,
    /// What codes and refresh tokens were given for.
    scopes: Mutex<HashMap<String, String>>,
}

impl AuthorizationServer {
    pub(crate) fn new(
        issuer: String,
        resource: String,
        secrets: &Secrets,
        fault: Fault,
        nonces: bool,
    ) -> Self {
        Self(Arc::new(State {
            issuer,
            resource,
            key: secrets.make_key(),
            secrets: secrets.clone(),
            fault,
            nonce: nonces.then(|| secrets.make("nonce")),
            codes: Mutex::default(),
            scopes: Mutex::default(),
        }))
    }

    /// A token that says who somebody is.
    pub(crate) fn identity(&self, kind: &'static str) -> String {
        self.0.signed(kind, "JWT", json!({ "aud": self.0.issuer, "sub": "ana" }))
    }

    /// Where a person is sent who has consented.
    pub(crate) fn consent(&self, request: &Url) -> Url {
        self.0.consent(request)
    }

    /// Somebody who consents to everything.
    pub(crate) fn person(&self) -> Person {
        Person(self.clone())
    }

    async fn answer(self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        match (&head.method, head.uri.path()) {
            (&Method::GET, "/.well-known/oauth-authorization-server") => ok(&self.0.metadata()),
            (&Method::GET, "/jwks") => ok(&self.0.key.public_key_set().to_jwks()),
            (&Method::POST, "/register") => self.0.registered(&body),
            (&Method::POST, "/token") => self.0.token(&head, &form(&body)),
            (&Method::POST, "/introspect") => self.0.introspected(&head, &form(&body)),
            _ => answer(StatusCode::NOT_FOUND, &json!({})),
        }
    }
}

impl State {
    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "registration_endpoint": at("/register"),
            "jwks_uri": at("/jwks"),
            "response_types_supported": ["code"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
                "tls_client_auth",
                "none",
            ],
            "code_challenge_methods_supported": ["S256"],
            "dpop_signing_alg_values_supported": ["ES256"],
            "authorization_response_iss_parameter_supported": true,
            "scopes_supported": ["orders:read", "orders:write", "offline_access"],
        })
    }

    fn registered(&self, request: &[u8]) -> Response<Full<Bytes>> {
        let mut client: Value = serde_json::from_slice(request).unwrap();
        client["client_id"] = json!("registered");
        client["client_secret"] = json!(self.secrets.make("client secret"));
        client["client_secret_expires_at"] = json!(0);
        client["token_endpoint_auth_method"] = json!("client_secret_basic");
        answer(StatusCode::CREATED, &client)
    }

    /// The answer to a person who consents.
    fn consent(&self, request: &Url) -> Url {
        let asked: HashMap<_, _> = request.query_pairs().into_owned().collect();
        self.secrets.keep("state", &asked["state"]);
        let code = self.secrets.make("code");
        self.codes.lock().unwrap().insert(code.clone(), asked["code_challenge"].clone());
        self.scopes.lock().unwrap().insert(code.clone(), asked["scope"].clone());
        let mut back = Url::parse(&asked["redirect_uri"]).unwrap();
        let issuer =
            if self.fault == Fault::WrongIssuer { "https://evil.example" } else { &self.issuer };
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &asked["state"])
            .append_pair("iss", issuer);
        back
    }

    fn token(&self, head: &Parts, form: &HashMap<String, String>) -> Response<Full<Bytes>> {
        self.keep(&head.headers, form);
        let (thumbprint, nonce) = match self.proof(head) {
            Some(proof) => (Some(proof.thumbprint), proof.nonce),
            None => (None, None),
        };
        if let Some(expected) = &self.nonce
            && nonce.as_deref() != Some(expected)
        {
            let mut response = refused("use_dpop_nonce");
            response.headers_mut().insert(DPOP_NONCE, expected.parse().unwrap());
            return response;
        }
        if self.fault == Fault::Refuses {
            // Some repeat what they were sent.
            let sent: Vec<_> = form.values().map(String::as_str).collect();
            return answer(
                StatusCode::BAD_REQUEST,
                &json!({ "error": "invalid_client", "error_description": sent.join(" ") }),
            );
        }
        if let Some(code) = form.get("code") {
            let challenge = self.codes.lock().unwrap().remove(code);
            if challenge != Some(thumbprint::sha256(form["code_verifier"].as_bytes())) {
                return refused("invalid_grant");
            }
        }
        let grant = &*form["grant_type"];
        if grant == "urn:ietf:params:oauth:grant-type:token-exchange" {
            return ok(&json!({
                "access_token": self.signed("identity assertion grant", "oauth-id-jag+jwt", json!({ "aud": form["audience"] })),
                "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
                "token_type": "N_A",
            }));
        }
        let certificate = head.extensions.get::<ClientCertificate>();
        let audience = match self.fault {
            Fault::WrongAudience => "https://other.example/mcp",
            _ => &*self.resource,
        };
        let before = form.get("code").or_else(|| form.get("refresh_token"));
        let granted = before.and_then(|before| self.scopes.lock().unwrap().get(before).cloned());
        let scope = granted.or_else(|| form.get("scope").cloned()).unwrap_or_default();
        let mut claims = json!({
            "aud": audience, "sub": "ana", "client_id": "client", "scope": scope,
        });
        match (&thumbprint, certificate) {
            (Some(key), _) => claims["cnf"] = json!({ "jkt": key }),
            (None, Some(shown)) => claims["cnf"] = json!({ "x5t#S256": shown.thumbprint() }),
            (None, None) => {}
        }
        let mut given = json!({
            "access_token": self.signed("access token", "at+jwt", claims),
            "token_type": if thumbprint.is_some() { "DPoP" } else { "Bearer" },
            "scope": scope,
            "expires_in": 300,
        });
        if matches!(grant, "authorization_code" | "refresh_token") {
            let refresh = self.secrets.make("refresh token");
            given["refresh_token"] = json!(refresh);
            self.scopes.lock().unwrap().insert(refresh, scope);
            // Over at once, so that the next request refreshes it.
            given["expires_in"] = json!(0);
        }
        if self.fault == Fault::Babbles {
            given["token_type"] = json!([given["access_token"], given["refresh_token"]]);
        }
        ok(&given)
    }

    fn introspected(&self, head: &Parts, form: &HashMap<String, String>) -> Response<Full<Bytes>> {
        self.keep(&head.headers, form);
        self.secrets.keep("introspected token", &form["token"]);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        ok(&json!({
            "active": true,
            "iss": self.issuer,
            "aud": self.resource,
            "client_id": "client",
            "scope": "orders:read",
            "exp": now + 300,
        }))
    }

    /// Keeps what a client has shown.
    fn keep(&self, headers: &HeaderMap, form: &HashMap<String, String>) {
        for (name, kind) in [
            ("client_secret", "client secret"),
            ("client_assertion", "client assertion"),
            ("code", "code"),
            ("code_verifier", "code verifier"),
            ("refresh_token", "used refresh token"),
            ("assertion", "assertion"),
            ("subject_token", "subject token"),
        ] {
            if let Some(secret) = form.get(name) {
                self.secrets.keep(kind, secret);
            }
        }
        for (name, kind) in
            [(header::AUTHORIZATION.as_str(), "client in a header"), (DPOP, "proof")]
        {
            if let Some(shown) = headers.get(name) {
                let shown = shown.to_str().unwrap();
                self.secrets.keep(kind, shown.strip_prefix("Basic ").unwrap_or(shown));
            }
        }
    }

    fn proof(&self, head: &Parts) -> Option<CheckedProof> {
        let url = Url::parse(&format!("{}/token", self.issuer)).unwrap();
        let expected = ProofExpectation::new(&head.method, &url, SystemTime::now());
        head.headers
            .contains_key(DPOP)
            .then(|| CheckedProof::of_request(&head.headers, &expected).unwrap())
    }

    fn signed(&self, kind: &'static str, typ: &str, mut claims: Value) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        claims["iss"] = json!(self.issuer);
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 300);
        claims["jti"] = json!(self.secrets.make("name of a token"));
        let token = self.key.sign(typ, &claims).unwrap();
        self.secrets.keep(kind, token.expose_secret());
        token.expose_secret().to_owned()
    }
}

impl Service<Request<Incoming>> for AuthorizationServer {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        self.clone().answer(request).map(Ok).boxed()
    }
}

/// Consents at once, without any page.
#[derive(Clone)]
pub(crate) struct Person(AuthorizationServer);

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person")
    }
}

impl UserAgent for Person {
    fn prepare<'a>(
        &'a self,
        _: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Box<dyn Visit>, AuthError>> {
        ready(Ok(Box::new(self.clone()) as Box<dyn Visit>)).boxed()
    }
}

impl Visit for Person {
    fn redirect_uri(&self) -> &str {
        "http://127.0.0.1:1/callback"
    }

    fn authorize(
        self: Box<Self>,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<AuthorizationResponse, AuthError>> {
        crate::trace::show(format_args!("{request:?}"));
        let back = self.0.consent(&request.url);
        let response = AuthorizationResponse::from_redirect(&back);
        crate::trace::show(format_args!("{response:?}"));
        ready(response).boxed()
    }
}

fn form(body: &[u8]) -> HashMap<String, String> {
    let mut url = Url::parse("form:").unwrap();
    url.set_query(Some(str::from_utf8(body).unwrap()));
    url.query_pairs().into_owned().collect()
}

fn ok(document: &Value) -> Response<Full<Bytes>> {
    answer(StatusCode::OK, document)
}

fn refused(error: &str) -> Response<Full<Bytes>> {
    answer(StatusCode::BAD_REQUEST, &json!({ "error": error, "error_description": "as it is" }))
}

fn answer(status: StatusCode, document: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(document.to_string()))
        .unwrap()
}
