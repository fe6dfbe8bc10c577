//! An issuer, its tokens, and callers who show them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderValue, Method};
use mcp_auth::Url;
use mcp_auth::dpop::ProofKey;
use mcp_auth::fetch::Fetcher;
use mcp_auth::jose::SigningKey;
use mcp_auth::secret::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::auth::{
    Admitted, ClientCertificate, Denied, Issuer, JwtValidator, Presented, Requirements, Scheme,
    TokenValidator,
};

pub(super) const ISSUER: &str = "https://id.example";
pub(super) const RESOURCE: &str = "https://mcp.example/mcp";
pub(super) const NOW: u64 = 1_800_000_000;

pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

pub(super) fn key(id: &str) -> SigningKey {
    SigningKey::generate_es256().unwrap().with_key_id(id)
}

/// Claims that are good for an hour.
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": RESOURCE, "exp": NOW + 3_600, "iat": NOW - 10, "sub": "ada",
        "client_id": "films", "scope": "films:read films:write",
    })
}

/// The claims with one of them replaced, or removed by `null`.
pub(super) fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

pub(super) fn signed(key: &SigningKey, claims: &Value) -> String {
    key.sign("at+jwt", claims).unwrap().expose_secret().to_owned()
}

pub(super) fn validator(key: &SigningKey, requirements: Requirements) -> JwtValidator {
    JwtValidator::new(requirements).issuer(Issuer::with_keys(ISSUER, key.public_key_set()).unwrap())
}

pub(super) fn certificate(uri: Option<&str>) -> ClientCertificate {
    let mut params = rcgen::CertificateParams::new(["client.example".to_owned()]).unwrap();
    if let Some(uri) = uri {
        params.subject_alt_names.push(rcgen::SanType::URI(uri.try_into().unwrap()));
    }
    let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    ClientCertificate::from_der(certificate.der().to_vec()).unwrap()
}

/// A request with a token.
pub(super) struct Shown {
    pub(super) token: String,
    pub(super) scheme: Scheme,
    pub(super) proofs: Vec<HeaderValue>,
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) certificate: Option<ClientCertificate>,
    pub(super) now: SystemTime,
}

impl Shown {
    pub(super) fn bearer(token: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            scheme: Scheme::Bearer,
            proofs: Vec::new(),
            method: Method::POST,
            url: RESOURCE.parse().unwrap(),
            certificate: None,
            now: now(),
        }
    }

    /// With a proof that is right for it.
    pub(super) fn proved(token: impl Into<String>, key: &ProofKey, nonce: Option<&str>) -> Self {
        let shown = Self { scheme: Scheme::DPoP, ..Self::bearer(token) };
        let token = SecretString::from(shown.token.as_str());
        let proof = key.proof(&shown.method, &shown.url, Some(&token), nonce, shown.now).unwrap();
        Self { proofs: vec![HeaderValue::from_str(proof.expose_secret()).unwrap()], ..shown }
    }

    pub(super) fn over(self, certificate: &ClientCertificate) -> Self {
        Self { certificate: Some(certificate.clone()), ..self }
    }

    pub(super) async fn to(&self, validator: &dyn TokenValidator) -> Result<Admitted, Denied> {
        let presented = Presented {
            token: &self.token,
            scheme: self.scheme,
            proofs: self.proofs.iter().collect(),
            method: &self.method,
            url: &self.url,
            certificate: self.certificate.as_ref(),
            now: self.now,
        };
        let validated = validator.validate(presented).await;
        if let Err(denied) = &validated {
            assert!(
                !denied.to_string().contains(&self.token),
                "the reason has the token: {denied}"
            );
        }
        validated
    }

    /// Why it is not let in.
    pub(super) async fn refused_by(&self, validator: &dyn TokenValidator) -> String {
        self.to(validator).await.expect_err("it was let in").to_string()
    }
}

/// An HTTP server that answers with JSON, and counts.
pub(super) struct Site {
    pub(super) url: Url,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Site {
    /// Answers a path and a body with a status and JSON.
    pub(super) async fn start(
        answer: impl Fn(&str, &str) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // One after the other is enough here.
                if serve(stream, &answer).await.is_some() {
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { url, asked, task }
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(super) fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) fn fetcher() -> Fetcher {
    Fetcher::builder().allow_loopback().build().unwrap()
}

async fn serve(
    stream: TcpStream,
    answer: &(impl Fn(&str, &str) -> (u16, Value) + Send + Sync),
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let (status, json) = answer(&path, &String::from_utf8(body).ok()?);
    let json = json.to_string();
    let head = format!(
        "HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        json.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.write_all(json.as_bytes()).await.ok()
}
