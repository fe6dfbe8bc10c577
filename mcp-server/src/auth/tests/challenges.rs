//! What a caller is told whose token is refused: the layer and a validator together.

use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use mcp_auth::challenge::Challenge;
use mcp_auth::dpop::ProofKey;
use mcp_auth::jose::SigningKey;
use mcp_auth::secret::{ExposeSecret as _, SecretString};
use mcp_core::Principal;
use ring::hmac;
use serde_json::{Value, json};
use tower_layer::Layer as _;
use tower_service::Service;

use super::rig::{ISSUER, RESOURCE, certificate, key, signed, with};
use crate::auth::{
    AuthorizationLayer, Authorized, ClientCertificate, Issuer, JwtValidator, ProofRules, Protected,
    Requirements,
};

/// A server behind the layer, its authorization server, and a caller with a key and a certificate.
struct World {
    issuer: SigningKey,
    holder: ProofKey,
    certificate: ClientCertificate,
    service: Authorized<Greeter>,
}

/// Greets whoever is let in.
#[derive(Clone)]
struct Greeter;

impl Service<Request<()>> for Greeter {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let caller = request.extensions().get::<Principal>().expect("the layer knows the caller");
        ready(Ok(Response::new(Full::from(caller.to_string()))))
    }
}

impl World {
    fn new() -> Self {
        let issuer = key("1");
        let requirements = Requirements::audience(RESOURCE).dpop(ProofRules::default());
        let validator = JwtValidator::new(requirements)
            .issuer(Issuer::with_keys(ISSUER, issuer.public_key_set()).unwrap());
        let protected = Protected::new(RESOURCE, validator).scopes(["films:read"]);
        let service = AuthorizationLayer::new(protected).unwrap().layer(Greeter);
        let holder = ProofKey::generate().unwrap();
        Self { issuer, holder, certificate: certificate(None), service }
    }

    fn token(&self, name: &str, value: Value) -> String {
        signed(&self.issuer, &fresh(name, value))
    }

    fn bearer(token: &str) -> Request<()> {
        let request = Request::post("/mcp").header(HOST, "mcp.example");
        request.header(AUTHORIZATION, format!("Bearer {token}")).body(()).unwrap()
    }

    /// A request with a bound token and a proof of this key, for this method.
    fn proved(&self, key: &ProofKey, method: &Method) -> Request<()> {
        let token = self.token("cnf", json!({ "jkt": self.holder.thumbprint() }));
        let secret = SecretString::from(token.as_str());
        let url = RESOURCE.parse().unwrap();
        let proof = key.proof(method, &url, Some(&secret), None, SystemTime::now()).unwrap();
        let mut request = Self::bearer(&token);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, format!("DPoP {token}").try_into().unwrap());
        headers.insert("dpop", HeaderValue::from_str(proof.expose_secret()).unwrap());
        request
    }

    async fn ask(&self, request: Request<()>) -> (StatusCode, Vec<Challenge>) {
        let mut service = self.service.clone();
        poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
        let response = service.call(request).await.unwrap();
        let values = response.headers().get_all(WWW_AUTHENTICATE);
        (response.status(), Challenge::parse_all(values.iter().map(HeaderValue::as_bytes)))
    }

    /// Asks, is refused, and gives the error that the challenge of this scheme has.
    async fn refused(&self, request: Request<()>, scheme: &str) -> (u16, String) {
        let (status, challenges) = self.ask(request).await;
        let challenge = challenges.iter().find(|challenge| challenge.is(scheme));
        let challenge = challenge.expect("the refusal has a challenge of this scheme");
        let metadata = challenge.resource_metadata().unwrap();
        assert_eq!(metadata.path(), "/.well-known/oauth-protected-resource/mcp");
        assert_eq!(challenge.scope().unwrap().to_string(), "films:read");
        (status.as_u16(), challenge.error().unwrap_or_default().to_owned())
    }
}

/// Good claims with another value for one of them, as of now.
fn fresh(name: &str, value: Value) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims = with("scope", json!("films:read"));
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + 60);
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

#[tokio::test]
async fn good_callers_are_let_in() {
    let world = World::new();
    let bound = world.token("cnf", json!({ "x5t#S256": world.certificate.thumbprint() }));
    let mut over_tls = World::bearer(&bound);
    over_tls.extensions_mut().insert(world.certificate.clone());
    let plain = World::bearer(&world.token("x", json!(1)));
    for request in [plain, over_tls, world.proved(&world.holder, &Method::POST)] {
        assert_eq!(world.ask(request).await, (StatusCode::OK, Vec::new()));
    }
}

#[tokio::test]
async fn tokens_that_are_not_valid_here_get_401_and_the_reason_of_the_specification() {
    let world = World::new();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = |alg: &str| {
        let header = json!({ "alg": alg, "typ": "at+jwt", "kid": "1" });
        format!("{}.{}", part(&header), part(&fresh("x", json!(1))))
    };
    let confused = message("HS256");
    let public = world.issuer.public_key().to_jwk().to_string();
    let secret = hmac::Key::new(hmac::HMAC_SHA256, public.as_bytes());
    let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&secret, confused.as_bytes()));
    let bound = json!({ "x5t#S256": world.certificate.thumbprint() });
    for (name, token) in [
        ("expired", world.token("exp", json!(1_000_000_000))),
        ("of the future", world.token("nbf", json!(4_000_000_000_u64))),
        ("for another audience", world.token("aud", json!("https://other.example/mcp"))),
        ("of another issuer", world.token("iss", json!("https://evil.example"))),
        ("signed with an unknown key", signed(&key("2"), &fresh("x", json!(1)))),
        ("signed with another key", signed(&key("1"), &fresh("x", json!(1)))),
        ("alg none", format!("{}.", message("none"))),
        ("key confusion", format!("{confused}.{tag}")),
        ("bound to a certificate that is not shown", world.token("cnf", bound)),
        ("bound to what is unknown", world.token("cnf", json!({ "kid": "1" }))),
        ("no token of ours", "opaque".to_owned()),
    ] {
        let refused = world.refused(World::bearer(&token), "bearer").await;
        assert_eq!(refused, (401, "invalid_token".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn stolen_token_is_worthless_over_another_certificate() {
    let world = World::new();
    let token = world.token("cnf", json!({ "x5t#S256": world.certificate.thumbprint() }));
    let mut request = World::bearer(&token);
    request.extensions_mut().insert(certificate(None));
    let refused = world.refused(request, "bearer").await;
    assert_eq!(refused, (401, "invalid_token".to_owned()));
}

#[tokio::test]
async fn proofs_that_do_not_fit_get_401_and_a_challenge_for_proofs() {
    let world = World::new();
    let invalid_proof = (401, "invalid_dpop_proof".to_owned());
    let invalid_token = (401, "invalid_token".to_owned());

    let request = world.proved(&world.holder, &Method::POST);
    let mut replayed = Request::post("/mcp").body(()).unwrap();
    *replayed.headers_mut() = request.headers().clone();
    assert_eq!(world.ask(request).await.0, StatusCode::OK);
    assert_eq!(world.refused(replayed, "dpop").await, invalid_proof);

    let other_method = world.proved(&world.holder, &Method::GET);
    assert_eq!(world.refused(other_method, "dpop").await, invalid_proof);
    let mut without = world.proved(&world.holder, &Method::POST);
    without.headers_mut().remove("dpop");
    assert_eq!(world.refused(without, "dpop").await, invalid_proof);
    let stranger = world.proved(&ProofKey::generate().unwrap(), &Method::POST);
    assert_eq!(world.refused(stranger, "dpop").await, invalid_token);
}

#[tokio::test]
async fn other_refusals_have_their_own_status() {
    let world = World::new();
    let nothing = Request::post("/mcp").body(()).unwrap();
    assert_eq!(world.refused(nothing, "bearer").await, (401, String::new()));
    let little = World::bearer(&world.token("scope", json!("films:list")));
    assert_eq!(world.refused(little, "bearer").await, (403, "insufficient_scope".to_owned()));
    let mut twice = World::bearer("a");
    twice.headers_mut().append(AUTHORIZATION, HeaderValue::from_static("Bearer b"));
    assert_eq!(world.refused(twice, "bearer").await, (400, "invalid_request".to_owned()));
    let in_query = Request::post(format!("/mcp?access_token={}", world.token("x", json!(1))));
    let in_query = in_query.body(()).unwrap();
    assert_eq!(world.refused(in_query, "bearer").await, (401, String::new()));
}
