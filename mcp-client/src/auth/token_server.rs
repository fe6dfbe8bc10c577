//! A token endpoint for tests: it answers what it was told, and keeps what it was asked.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mcp_auth::client_authentication::ClientAuthentication;
use mcp_auth::dpop::{Nonces, ProofKey};
use mcp_auth::fetch::Fetcher;
use mcp_auth::scope::Scopes;
use mcp_auth::server_metadata::AuthorizationServerMetadata;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::grant::{ClientInformation, Situation};

/// What a server answers: the status, headers and a body.
pub(super) type Answer = (u16, Vec<(&'static str, &'static str)>, Value);

/// What a server was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) form: HashMap<String, String>,
}

/// A server on this machine with a script of answers; then it has none and says 500.
pub(super) struct TokenServer {
    pub(super) url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    task: JoinHandle<()>,
}

impl TokenServer {
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let answers = Arc::new(Mutex::new(VecDeque::from_iter(answers)));
        let (heard, script) = (Arc::clone(&asked), Arc::clone(&answers));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, script) = (Arc::clone(&heard), Arc::clone(&script));
                let service = service_fn(move |request| {
                    answer(request, Arc::clone(&heard), Arc::clone(&script))
                });
                tokio::spawn(async move {
                    let served =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    let _ = served.await;
                });
            }
        });
        Self { url, asked, answers, task }
    }

    /// A server that answers first where its metadata is, for its own origin as the issuer.
    pub(super) async fn with_metadata(answers: impl IntoIterator<Item = Answer>) -> Self {
        let server = Self::start(answers).await;
        let issuer = server.url.as_str().trim_end_matches('/');
        let metadata = json!({ "issuer": issuer, "token_endpoint": format!("{issuer}/token") });
        server.answers.lock().unwrap().push_front((200, vec![], metadata));
        server
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    asked: Arc<Mutex<Vec<Asked>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    let path = head.uri.path().to_owned();
    asked.lock().unwrap().push(Asked { method: head.method, path, headers: head.headers, form });
    let next = answers.lock().unwrap().pop_front();
    let (status, headers, body) = next.unwrap_or((500, vec![], Value::Null));
    let mut response = hyper::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response = response.header("content-type", "application/json");
    Ok(response.body(Full::from(body.to_string())).unwrap())
}

/// All that a [`Situation`] refers to, for a server; change what matters to a test.
pub(super) struct Known {
    pub(super) scopes: Scopes,
    pub(super) server: AuthorizationServerMetadata,
    pub(super) client: ClientInformation,
    pub(super) fetcher: Fetcher,
    pub(super) proof_key: Option<Arc<ProofKey>>,
    pub(super) nonces: Nonces,
    pub(super) certificate: Option<&'static str>,
}

impl Known {
    pub(super) fn of(server: &TokenServer) -> Self {
        let mut metadata = AuthorizationServerMetadata::new(ISSUER);
        metadata.token_endpoint = Some(server.url.join("token").unwrap());
        Self {
            scopes: Scopes::parse("orders:read"),
            server: metadata,
            client: ClientInformation {
                id: "client".into(),
                authentication: ClientAuthentication::SecretPost("client-secret".into()),
            },
            fetcher: Fetcher::builder().allow_loopback().build().unwrap(),
            proof_key: None,
            nonces: Nonces::default(),
            certificate: None,
        }
    }

    pub(super) fn at(&self) -> Situation<'_> {
        Situation {
            resource: RESOURCE,
            scopes: &self.scopes,
            server: &self.server,
            protected: None,
            client: &self.client,
            fetcher: &self.fetcher,
            proof_key: self.proof_key.as_ref(),
            nonces: &self.nonces,
            certificate: self.certificate,
        }
    }
}

/// A bearer token that is good for ten minutes.
pub(super) fn bearer(token: &str) -> Answer {
    let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": 600 });
    (200, vec![], body)
}

/// An error of RFC 6749, 5.2.
pub(super) fn refused(error: &str) -> Answer {
    (400, vec![], json!({ "error": error }))
}

pub(super) const ISSUER: &str = "https://as.example";
pub(super) const RESOURCE: &str = "https://mcp.example/mcp";
