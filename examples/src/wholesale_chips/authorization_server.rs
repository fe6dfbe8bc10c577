//! The authorization server: `oidc-provider` in a process of its own.
//!
//! What it serves goes to it through a pipe, keys included, and what happens there comes back
//! through another, line by line, into the audit trail. It ends when the first pipe is closed, which
//! also happens when this process is killed.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mcp_auth::secret::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Map, Value, json};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::audit::Audit;
use super::authority::{Authority, Certificate};
use super::installation::Installation;

/// A running authorization server.
#[derive(Debug)]
pub struct AuthorizationServer {
    child: Child,
    /// It ends when this is closed.
    stdin: ChildStdin,
    place: String,
}

/// What is served.
#[derive(Debug)]
pub struct Description<'a> {
    /// The name of the host.
    pub host: &'a str,
    /// The certificate of the host.
    pub certificate: &'a Certificate,
    /// The authority of each trust domain whose workloads are known.
    pub trust_domains: Vec<(&'a str, &'a Authority)>,
    /// The issuers.
    pub realms: Vec<Realm>,
}

/// An issuer, with clients and keys of its own.
#[derive(Debug, Serialize)]
pub struct Realm {
    /// Its name, and its path.
    pub name: &'static str,
    /// For which resources it gives tokens, and the scopes of each.
    pub audiences: Map<String, Value>,
    /// How long a token is good for, in seconds.
    pub lifetime: u64,
    /// Who gets them.
    pub clients: Vec<Registered>,
}

/// A client that an issuer knows.
#[derive(Debug, Serialize)]
pub struct Registered {
    /// Its name there.
    pub id: &'static str,
    /// The URI in its certificate (RFC 8705, 2.1.2).
    pub spiffe_id: &'static str,
    /// What it may ask for.
    pub scope: &'static str,
    /// Whether its tokens are bound to its certificate (RFC 8705, 3).
    pub bound: bool,
}

impl AuthorizationServer {
    /// Starts it on a port of its own choice, and waits until it listens.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(
        installation: &Installation,
        description: Description<'_>,
        audit: Audit,
    ) -> Result<Self, StartError> {
        let Description { host, certificate, trust_domains, realms } = description;
        let trust_domains: Map<String, Value> = trust_domains
            .into_iter()
            .map(|(domain, authority)| (domain.to_owned(), authority.pem().into()))
            .collect();
        let mut child = Command::new(&installation.node)
            .arg("server.mjs")
            .current_dir(&installation.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(StartError::Spawn)?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(StartError::Spawn(io::ErrorKind::BrokenPipe.into()));
        };
        let complaints = Complaints::default();
        tokio::spawn(complaints.clone().collect(stderr));
        let mut told = json!({
            "host": host,
            "certificate": certificate.chain_pem,
            "key": certificate.key_pem.expose_secret(),
            "trust_domains": trust_domains,
            "realms": realms,
        })
        .to_string();
        told.push('\n');
        stdin.write_all(told.as_bytes()).await.map_err(StartError::Spawn)?;
        let (listening, port) = oneshot::channel();
        tokio::spawn(events(stdout, listening, audit));
        match timeout(PATIENCE, port).await {
            Ok(Ok(port)) => Ok(Self { child, stdin, place: format!("{host}:{port}") }),
            _ => {
                drop(stdin);
                let status = timeout(PATIENCE, child.wait()).await.ok().and_then(Result::ok);
                Err(StartError::Ended { status, said: complaints.end() })
            }
        }
    }

    /// The issuer identifier of a realm.
    pub fn issuer(&self, realm: &str) -> String {
        format!("https://{}/{realm}", self.place)
    }

    /// Ends it, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// It did not end by itself in time, and was killed.
    pub async fn stop(self) -> Result<(), StopError> {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        match timeout(PATIENCE, child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(StopError::Failed(status)),
            _ => {
                let _ = child.kill().await;
                Err(StopError::Killed)
            }
        }
    }
}

/// The authorization server does not listen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no process.
    #[error("the authorization server cannot be started: {0}")]
    Spawn(#[source] io::Error),
    /// It ended instead, or did not listen in time.
    #[error("the authorization server did not start{}:\n{said}", status.map(|status| format!(" ({status})")).unwrap_or_default())]
    Ended {
        /// How.
        status: Option<ExitStatus>,
        /// The end of what it said.
        said: String,
    },
}

/// The authorization server did not end as it should.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StopError {
    /// It failed at the end.
    #[error("the authorization server failed ({0})")]
    Failed(ExitStatus),
    /// It went on, and was killed.
    #[error("the authorization server did not end and was killed")]
    Killed,
}

/// Reads what happens there, line by line, the port first.
async fn events(output: impl AsyncRead + Unpin, listening: oneshot::Sender<u16>, audit: Audit) {
    let mut listening = Some(listening);
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(Value::Object(event)) = serde_json::from_str(&line) else { continue };
        let port = event.get("port").and_then(Value::as_u64).and_then(|port| port.try_into().ok());
        match port.and_then(|port| Some((port, listening.take()?))) {
            Some((port, listening)) => drop(listening.send(port)),
            None => audit.note("authorization-server", event),
        }
    }
}

/// The end of what it says to people.
#[derive(Debug, Clone, Default)]
struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    async fn collect(self, output: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == MOST_LINES {
                kept.remove(0);
            }
            kept.push(line);
        }
    }

    fn end(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
const MOST_LINES: usize = 20;
