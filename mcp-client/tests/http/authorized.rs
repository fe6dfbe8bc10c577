//! Tokens: where they go, and what happens to requests that are not let in.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use mcp_auth::dpop::{CheckedProof, ProofExpectation, ProofKey};
use mcp_client::auth::{AccessToken, AuthError, Presentation, Refusal, TokenRequest, TokenSource};
use mcp_client::{Client, EraChoice, Error, Http, HttpError, TimeoutKind, discover_profiles};
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::server::{
    Request, Response, Server, discovered, events, initialized, json_at, said, status,
};

/// Gives what a test says, and remembers what it was asked.
#[derive(Clone)]
struct Source {
    give: Arc<Give>,
    refusals: Arc<Mutex<Vec<Option<Refusal>>>>,
}

type Give = dyn Fn(Option<&Refusal>) -> Result<Option<Arc<AccessToken>>, AuthError> + Send + Sync;

impl Source {
    fn new(
        give: impl Fn(Option<&Refusal>) -> Result<Option<Arc<AccessToken>>, AuthError>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { give: Arc::new(give), refusals: Arc::default() }
    }

    /// Always this token.
    fn always(token: &'static str) -> Self {
        let token = bearer(token);
        Self::new(move |_| Ok(Some(Arc::clone(&token))))
    }

    /// How often it was asked because of a refusal.
    fn refusals(&self) -> Vec<Refusal> {
        self.refusals.lock().unwrap().iter().flatten().cloned().collect()
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl TokenSource for Source {
    fn token<'a>(
        &'a self,
        request: TokenRequest<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<AccessToken>>, AuthError>> {
        self.refusals.lock().unwrap().push(request.refusal.cloned());
        let given = (self.give)(request.refusal);
        Box::pin(async { given })
    }
}

fn bearer(token: &str) -> Arc<AccessToken> {
    Arc::new(AccessToken::bearer(token))
}

/// Says no, with a challenge.
fn refuse(status: u16, challenge: &str) -> Response {
    let mut response = self::status(status);
    response.headers_mut().insert("www-authenticate", challenge.parse().unwrap());
    response
}

/// A modern server that lets in who has this token.
async fn guarded(token: &'static str) -> Server {
    Server::start(move |request: Request| async move {
        if request.header("authorization") != format!("Bearer {token}") {
            return refuse(401, r#"Bearer scope="films:read", error="invalid_token""#);
        }
        match request.method() {
            "server/discover" => request.result(discovered()),
            "tools/call" => request.result(said("hello")),
            _ => status(404),
        }
    })
    .await
}

/// The reason for which there is no authorization.
fn reason(error: &Error) -> &AuthError {
    AuthError::of(error).unwrap_or_else(|| panic!("{error:?}"))
}

async fn connect(http: Http) -> Result<Client, Error> {
    Client::builder("tester", "1").connect(http).await
}

#[tokio::test]
async fn every_request_of_a_session_carries_the_token_and_the_document_does_not() {
    let server = Server::start(|request: Request| async move {
        match (&*request.http, request.method()) {
            ("POST", "initialize") => {
                let mut response = request.result(initialized());
                response.headers_mut().insert("mcp-session-id", "s".parse().unwrap());
                response
            }
            ("POST", "tools/call") => request.result(said("hello")),
            ("GET", _) if request.path.starts_with("/.well-known/") => json_at(200, &json!([])),
            ("GET", _) => {
                let (writer, response) = events();
                // The stream stays open for as long as the server runs.
                std::mem::forget(writer);
                response
            }
            ("DELETE", _) => status(204),
            _ => status(202),
        }
    })
    .await;
    let http = server.http().authorization(Source::always("t0ken"));
    discover_profiles(&http).await.unwrap();
    let builder = Client::builder("tester", "1").era(EraChoice::Legacy);
    let client = builder.connect(http).await.unwrap();
    assert_eq!(client.call::<String>("speak", json!({})).await.unwrap(), "hello");
    client.shutdown().await;

    let seen = server.seen();
    for shown in ["POST initialize", "POST notifications/initialized", "GET", "DELETE"] {
        assert!(server.shown().iter().any(|seen| seen == shown), "{shown}: {:?}", server.shown());
    }
    for request in seen {
        let is_document = request.path.starts_with("/.well-known/");
        let token = if is_document { "" } else { "Bearer t0ken" };
        assert_eq!(request.header("authorization"), token, "{request:?}");
    }
}

#[tokio::test]
async fn source_hears_how_a_request_was_refused_and_the_request_is_sent_again() {
    let server = guarded("new").await;
    let source = Source::new(|refusal| Ok(refusal.map(|_| bearer("new"))));
    connect(server.http().authorization(source.clone())).await.unwrap();
    assert_eq!(server.shown(), ["POST server/discover"; 2]);
    let refusals = source.refusals();
    assert_eq!((refusals.len(), refusals[0].status.as_u16()), (1, 401));
    assert!(refusals[0].token.is_none());
    let challenge = &refusals[0].challenges[0];
    assert_eq!(challenge.error(), Some("invalid_token"));
    assert!(challenge.scope().unwrap().contains("films:read"));
}

#[tokio::test]
async fn step_up_needs_a_challenge() {
    let server = Server::start(|request: Request| async move {
        match (request.method(), request.header("authorization")) {
            ("server/discover", _) => request.result(discovered()),
            ("tools/call", "Bearer more") => request.result(said("hello")),
            ("tools/call", _) if request.message["params"]["name"] == "never" => status(403),
            ("tools/call", _) => {
                refuse(403, r#"Bearer error="insufficient_scope", scope="films:write""#)
            }
            _ => status(404),
        }
    })
    .await;
    let source = Source::new(|refusal| {
        Ok(Some(match refusal {
            None => bearer("less"),
            Some(refusal) => {
                assert_eq!(refusal.status.as_u16(), 403);
                bearer("more")
            }
        }))
    });
    let client = connect(server.http().authorization(source.clone())).await.unwrap();
    assert_eq!(client.call::<String>("write", json!({})).await.unwrap(), "hello");
    assert_eq!(source.refusals().len(), 1);
    let error = client.call::<String>("never", json!({})).await.unwrap_err();
    assert!(error.to_string().contains("403"), "{error}");
    assert_eq!(source.refusals().len(), 1);
}

#[tokio::test]
async fn token_that_was_refused_ends_the_attempts() {
    let server = guarded("other").await;
    let error = connect(server.http().authorization(Source::always("t0ken"))).await.unwrap_err();
    assert!(matches!(reason(&error), AuthError::NotAccepted(_)), "{error:?}");
    assert!(error.to_string().contains("invalid_token"), "{error}");
    assert!(!format!("{error:?}").contains("t0ken"));
    assert_eq!(server.shown().len(), 1);
}

#[tokio::test]
async fn attempts_are_bounded_whatever_the_source_thinks() {
    let server = guarded("other").await;
    let source = Source::new(|_| Ok(Some(bearer("another"))));
    let error = connect(server.http().authorization(source)).await.unwrap_err();
    assert!(matches!(reason(&error), AuthError::NotAccepted(_)), "{error:?}");
    assert_eq!(server.shown().len(), 5);
}

#[tokio::test]
async fn without_a_token_of_the_source_the_answer_of_the_server_counts() {
    let server = guarded("other").await;
    let error = connect(server.http().authorization(Source::new(|_| Ok(None)))).await.unwrap_err();
    let Error::Transport(source) = &error else { panic!("{error:?}") };
    let Some(HttpError::Status(status)) = source.downcast_ref() else { panic!("{error:?}") };
    assert_eq!(status.status(), 401);
}

#[tokio::test]
async fn nothing_is_sent_when_the_source_fails() {
    let server = guarded("t0ken").await;
    let source = Source::new(|_| Err(AuthError::NoConsent("the window was closed".to_owned())));
    let error = connect(server.http().authorization(source)).await.unwrap_err();
    assert!(matches!(reason(&error), AuthError::NoConsent(_)), "{error:?}");
    assert!(server.shown().is_empty());
}

#[tokio::test]
async fn redirect_leads_no_token_elsewhere() {
    let thief = Server::start(async |_: Request| status(200)).await;
    let elsewhere = thief.http().url().to_string();
    let server = Server::start(move |_: Request| {
        let mut response = status(307);
        response.headers_mut().insert("location", elsewhere.parse().unwrap());
        async { response }
    })
    .await;
    connect(server.http().authorization(Source::always("t0ken"))).await.unwrap_err();
    assert!(!server.seen().is_empty());
    assert!(thief.seen().is_empty());
}

#[tokio::test]
async fn what_contradicts_authorization_is_refused_before_anything_is_sent() {
    let source = || Source::always("t0ken");
    for http in [
        Http::new("https://films.example/mcp").unwrap().bearer_token("x").authorization(source()),
        Http::new("https://films.example/mcp").unwrap().authorization(source()).header("dpop", "x"),
        Http::new("http://films.example/mcp").unwrap().authorization(source()),
    ] {
        let error = connect(http).await.unwrap_err();
        assert!(matches!(error, Error::Misuse(_)), "{error:?}");
    }
}

#[tokio::test]
async fn token_with_a_line_end_is_not_sent() {
    let server = guarded("t0ken").await;
    let http = server.http().authorization(Source::always("t0ken\r\nx-evil: 1"));
    let error = connect(http).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("t0ken"), "{error:?}");
    assert!(server.seen().is_empty());
}

/// A token that is bound to a key.
fn bound(token: &str, key: &Arc<ProofKey>) -> Arc<AccessToken> {
    let mut token = AccessToken::bearer(token);
    token.presentation = Presentation::DPoP(Arc::clone(key));
    Arc::new(token)
}

/// The proof that came with a request, checked.
fn proof(request: &Request, server: &Url) -> CheckedProof {
    let (method, now) = (Method::from_bytes(request.http.as_bytes()).unwrap(), SystemTime::now());
    let expected = ProofExpectation::new(&method, server, now).with_access_token("t0ken");
    CheckedProof::of_request(&request.headers, &expected).unwrap()
}

#[tokio::test]
async fn each_attempt_is_proved_anew_and_with_the_nonce_that_the_server_gave() {
    let server = Server::start(|request: Request| async move {
        let is_new = request.header("dpop").split('.').nth(1).is_some_and(|claims| {
            let claims = URL_SAFE_NO_PAD.decode(claims).unwrap();
            serde_json::from_slice::<Value>(&claims).unwrap()["nonce"] == "n-1"
        });
        if !is_new {
            let mut response = refuse(401, r#"DPoP error="use_dpop_nonce""#);
            response.headers_mut().insert("dpop-nonce", "n-1".parse().unwrap());
            return response;
        }
        match request.method() {
            "server/discover" => request.result(discovered()),
            _ => request.result(said("hello")),
        }
    })
    .await;
    let key = Arc::new(ProofKey::generate().unwrap());
    let token = bound("t0ken", &key);
    let source = Source::new(move |_| Ok(Some(Arc::clone(&token))));
    let http = server.http().authorization(source.clone());
    let url = http.url().clone();
    let client = connect(http).await.unwrap();
    assert_eq!(client.call::<String>("speak", json!({})).await.unwrap(), "hello");

    assert_eq!(server.shown(), ["POST server/discover", "POST server/discover", "POST tools/call"]);
    assert!(source.refusals().is_empty());
    let seen = server.seen();
    let proofs: Vec<_> = seen.iter().map(|request| proof(request, &url)).collect();
    let nonces: Vec<_> = proofs.iter().map(|proof| proof.nonce.as_deref()).collect();
    assert_eq!(nonces, [None, Some("n-1"), Some("n-1")]);
    assert!(seen.iter().all(|request| request.header("authorization") == "DPoP t0ken"));
    assert!(proofs.iter().all(|proof| *proof.thumbprint == *key.thumbprint()));
    assert!(proofs[0].jti != proofs[1].jti && proofs[1].jti != proofs[2].jti);
}

#[tokio::test]
async fn server_that_is_never_content_with_a_nonce_is_told_to_the_source() {
    let server = Server::start(|_: Request| async move {
        let mut response = refuse(401, r#"DPoP error="use_dpop_nonce""#);
        response.headers_mut().insert("dpop-nonce", "n-1".parse().unwrap());
        response
    })
    .await;
    let token = bound("t0ken", &Arc::new(ProofKey::generate().unwrap()));
    let source = Source::new(move |_| Ok(Some(Arc::clone(&token))));
    let error = connect(server.http().authorization(source.clone())).await.unwrap_err();
    assert!(matches!(reason(&error), AuthError::NotAccepted(_)), "{error:?}");
    assert_eq!((server.seen().len(), source.refusals().len()), (2, 1));
}

/// A person who takes ten minutes.
#[derive(Debug)]
struct Slow;

impl TokenSource for Slow {
    fn token<'a>(
        &'a self,
        _: TokenRequest<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<AccessToken>>, AuthError>> {
        Box::pin(async {
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(600)).await;
            tokio::time::resume();
            Ok(Some(bearer("t0ken")))
        })
    }
}

#[tokio::test]
async fn consent_takes_no_time_of_handshakes_and_calls() {
    let server = guarded("t0ken").await;
    let client = connect(server.http().authorization(Slow)).await.unwrap();
    assert_eq!(client.call::<String>("speak", json!({})).await.unwrap(), "hello");
}

#[tokio::test]
async fn server_that_is_slow_by_itself_is_given_up_all_the_same() {
    let server = Server::start(async |_: Request| {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(600)).await;
        tokio::time::resume();
        std::future::pending().await
    })
    .await;
    let error = connect(server.http().authorization(Source::always("a"))).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { kind: TimeoutKind::Handshake, .. }), "{error:?}");
}
