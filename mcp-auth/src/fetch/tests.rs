//! Fetching from servers that are made for it, over real connections.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{CertifiedIssuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::tls;

/// A server that answers every connection the same way, and keeps what it was asked.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server whose answers are made of the path.
    async fn new(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::start(answer, None).await
    }

    async fn start(
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
        tls: Option<ServerConfig>,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&asked));
        let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, kept, tls) = (Arc::clone(&answer), Arc::clone(&kept), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &*answer, &kept).await;
                            }
                        }
                        None => serve(stream, &*answer, &kept).await,
                    }
                });
            }
        });
        Self { address, asked }
    }

    fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: &(impl Fn(&str) -> String + ?Sized),
    kept: &Mutex<Vec<String>>,
) {
    let mut request = Vec::new();
    while !is_whole(&request) {
        match stream.read_buf(&mut request).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    kept.lock().unwrap().push(request);
    let _ = stream.write_all(answer(&path).as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
}

fn json_answer(body: &Value) -> String {
    answer("200 OK", "content-type: application/json; charset=utf-8\r\n", &body.to_string())
}

fn here() -> Fetcher {
    Fetcher::builder().allow_loopback().build().unwrap()
}

async fn problem(fetcher: &Fetcher, url: &Url) -> FetchError {
    fetcher.get_json::<Value>(url, 100).await.unwrap_err()
}

#[tokio::test]
async fn document_is_read_with_the_time_it_may_be_kept() {
    let server = Server::new(|_| {
        let headers =
            "content-type: application/jwk-set+json\r\ncache-control: public, max-age=60\r\n";
        answer("200 OK", headers, r#"{"keys":[]}"#)
    })
    .await;
    let document = here().get_json::<Value>(&server.url("/keys"), 100).await.unwrap();
    assert_eq!(document.value, json!({ "keys": [] }));
    assert_eq!(document.max_age, Some(Duration::from_secs(60)));
    let asked = server.asked()[0].to_ascii_lowercase();
    assert!(asked.starts_with("get /keys ") && asked.contains("accept: application/json"));
    assert!(!asked.contains("accept-encoding") && !asked.contains("cookie"));
}

#[tokio::test]
async fn this_machine_is_not_asked_unless_that_is_allowed() {
    let server = Server::new(|_| json_answer(&json!({}))).await;
    let strict = Fetcher::new().unwrap();
    for url in [server.url("/"), "https://localhost:1/x?secret".parse().unwrap()] {
        let error = problem(&strict, &url).await;
        assert!(matches!(error, FetchError::Forbidden { .. }), "{error}");
        assert!(!error.to_string().contains("secret"));
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn redirects_stay_within_the_origin_and_are_few() {
    let elsewhere = Server::new(|_| json_answer(&json!("stolen"))).await;
    let away = elsewhere.url("/x").to_string();
    let server = Server::new(move |path| {
        let to = |target: &str| answer("302 Found", &format!("location: {target}\r\n"), "");
        match path {
            "/once" => to("/there"),
            "/away" => to(&away),
            "/link-local" => to("http://169.254.169.254/latest"),
            "/loop" => to("/loop"),
            "/lost" => answer("302 Found", "", ""),
            _ => json_answer(&json!("there")),
        }
    })
    .await;
    let fetcher = here();
    let found = fetcher.get_json::<Value>(&server.url("/once"), 100).await.unwrap();
    assert_eq!(found.value, "there");
    for path in ["/away", "/link-local", "/loop", "/lost"] {
        let error = problem(&fetcher, &server.url(path)).await;
        let refused = matches!(error, FetchError::Forbidden { reason: Refused::Redirect, .. });
        assert!(refused, "{path}: {error}");
    }
    assert!(elsewhere.asked().is_empty());
    assert_eq!(server.asked().iter().filter(|asked| asked.contains("/loop ")).count(), 4);
    let posted = fetcher.post_form(&server.url("/away"), HeaderMap::new(), &[]).await.unwrap();
    assert_eq!(posted.status, StatusCode::FOUND);
    assert!(elsewhere.asked().is_empty());
}

#[tokio::test]
async fn answers_are_bounded_with_and_without_a_length() {
    let server = Server::new(|path| match path {
        "/announced" => json_answer(&json!("x".repeat(200))),
        _ => {
            let body = "x".repeat(200);
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n\"{body}\"")
        }
    })
    .await;
    for path in ["/announced", "/streamed"] {
        let error = problem(&here(), &server.url(path)).await;
        assert!(matches!(error, FetchError::TooLarge { limit: 100, .. }), "{path}: {error}");
    }
    assert!(here().get_json::<Value>(&server.url("/streamed"), 300).await.is_ok());
}

#[tokio::test]
async fn what_is_no_json_document_is_not_read() {
    let json = "content-type: application/json\r\n";
    let server = Server::new(move |path| match path {
        "/missing" => answer("404 Not Found", json, "{}"),
        "/html" => answer("200 OK", "content-type: text/html\r\n", "{}"),
        "/nothing" => answer("200 OK", "", "{}"),
        "/more" => answer("200 OK", json, "{} {}"),
        _ => answer("200 OK", json, r#"{"keys": }"#),
    })
    .await;
    let error = problem(&here(), &server.url("/missing")).await;
    assert!(matches!(error, FetchError::Status { status: StatusCode::NOT_FOUND, .. }), "{error}");
    for path in ["/html", "/nothing", "/more", "/broken"] {
        let error = problem(&here(), &server.url(path)).await;
        assert!(matches!(error, FetchError::NotJson { .. }), "{path}: {error}");
    }
}

#[tokio::test]
async fn form_is_sent_once_and_any_status_is_an_answer() {
    let server = Server::new(|_| {
        let body = json!({ "error": "invalid_grant", "expires_in": "secret" });
        answer("400 Bad Request", "content-type: application/json\r\n", &body.to_string())
    })
    .await;
    let headers = HeaderMap::from_iter([(
        http::header::AUTHORIZATION,
        HeaderValue::from_static("Basic c2VjcmV0"),
    )]);
    let form = [("grant_type", "refresh_token"), ("scope", "a b&c")];
    let answer = here().post_form(&server.url("/token"), headers, &form).await.unwrap();
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json::<Value>().unwrap()["error"], "invalid_grant");
    assert!(!format!("{answer:?}").contains("grant"));
    let asked = server.asked()[0].clone();
    assert!(asked.ends_with("\r\n\r\ngrant_type=refresh_token&scope=a+b%26c"), "{asked}");
    assert!(asked.to_ascii_lowercase().contains("content-type: application/x-www-form-urlencoded"));

    #[derive(Debug, serde::Deserialize)]
    struct Token {
        #[expect(dead_code, reason = "only its type counts")]
        expires_in: u64,
    }
    let error = answer.json::<Token>().unwrap_err().to_string();
    assert!(error.contains("`expires_in`") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let limit = Duration::from_millis(50);
    let fetcher = Fetcher::builder().allow_loopback().time_limit(limit).build().unwrap();
    let error = problem(&fetcher, &url).await;
    assert!(matches!(error, FetchError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn certificates_are_checked_and_shown_on_both_sides() {
    let authority = authority();
    let config = ServerConfig::builder_with_provider(tls::crypto_provider())
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut trusted = rustls::RootCertStore::empty();
    trusted.add(authority.der().clone()).unwrap();
    let clients =
        WebPkiClientVerifier::builder_with_provider(trusted.into(), tls::crypto_provider());
    let config = config.with_client_cert_verifier(clients.build().unwrap());
    let (chain, key) = certified(&authority, "login.example");
    let config = config.with_single_cert(chain, key).unwrap();
    let server = Server::start(|_| json_answer(&json!("hello")), Some(config)).await;
    let port = server.address.port();
    let url = Url::parse(&format!("https://login.example:{port}/")).unwrap();

    let plain = Fetcher::builder().resolve("login.example", server.address.ip());
    let error = problem(&plain.clone().build().unwrap(), &url).await;
    assert!(matches!(error, FetchError::Unreachable { .. }), "nobody trusts it: {error}");
    let trusting = plain.root_certificate_pem(authority.pem());
    let error = problem(&trusting.clone().build().unwrap(), &url).await;
    assert!(matches!(error, FetchError::Unreachable { .. }), "it wants a certificate: {error}");
    let (chain, key) = certified(&authority, "client.example");
    let key = CertifiedKey::from_der(chain, key, &tls::crypto_provider()).unwrap();
    let known = trusting.client_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    let found = known.build().unwrap().get_json::<Value>(&url, 100).await.unwrap();
    assert_eq!(found.value, "hello");
}

#[test]
fn what_cannot_be_used_is_said_without_secrets() {
    for builder in [
        Fetcher::builder().root_certificate_pem("secret"),
        Fetcher::builder().proxy("socks5://ada:secret@proxy"),
        Fetcher::builder().proxy("secret"),
    ] {
        assert!(!format!("{builder:?}").contains("secret"));
        let error = builder.build().unwrap_err().to_string();
        assert!(
            error.starts_with("nothing can be fetched") && !error.contains("secret"),
            "{error}"
        );
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = rcgen::CertificateParams::new([]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn certified(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    (vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}
