//! SaaSRUS while the demo runs: a real listener, and a data directory that outlives it.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_client::{Client, EraChoice, Http};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::plain::{Answer, Request};
use crate::saasrus::access_log::{AccessLog, Line};
use crate::saasrus::server::{Saasrus, Settings};
use crate::saasrus::tenants::Tenant;
use crate::saasrus::tokens::Token;

/// A running SaaSRUS.
#[derive(Debug)]
pub struct House {
    port: u16,
    log: Log,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<io::Result<()>>,
}

/// The tokens of whoever may sign in; they are seen once, when a database is made.
pub type Keys = HashMap<(&'static str, String), Token>;

impl House {
    /// Starts it on this data directory, and adds the tokens that it made to the others.
    pub async fn start(data: &Path, keys: &mut Keys) -> Result<Self, Box<dyn Error>> {
        let log = Log::default();
        let saasrus = Saasrus::open(Settings {
            data: data.to_owned(),
            domain: DOMAIN.to_owned(),
            trusted_proxies: Vec::new(),
            access_log: Some(AccessLog::new(log.clone())),
        })?;
        for open in &saasrus.tenants {
            let issued = open.issued.iter();
            keys.extend(
                issued.map(|(holder, token)| {
                    ((open.tenant.name, holder.name.clone()), token.clone())
                }),
            );
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (stop, stopped) = oneshot::channel();
        let stopped = async move { drop(stopped.await) };
        let serving = tokio::spawn(saasrus.serve(listener, stopped));
        Ok(Self { port, log, stop, serving })
    }

    /// Ends it; its databases are closed afterwards.
    pub async fn stop(self) -> Result<(), Box<dyn Error>> {
        let _ = self.stop.send(());
        Ok(self.serving.await??)
    }

    /// The URL of a tenant.
    pub fn url(&self, tenant: &Tenant) -> String {
        tenant.url(DOMAIN, self.port)
    }

    /// A connection of our own client.
    pub async fn connect(
        &self,
        tenant: &Tenant,
        token: &Token,
        era: EraChoice,
        require: Option<&str>,
    ) -> Result<Client, mcp_client::Error> {
        let server = Http::new(self.url(tenant))?.no_proxy().bearer_token(token.as_str());
        let client = Client::builder("saasrus-demo", env!("CARGO_PKG_VERSION")).era(era);
        require
            .into_iter()
            .fold(client, |client, profile| client.require(profile))
            .connect(server)
            .await
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: &Request) -> io::Result<Answer> {
        request.send(self.port).await
    }

    /// Forgets what the access log says so far.
    pub fn forget_log(&self) {
        self.log.lock().clear();
    }

    /// What the access log says since then.
    pub fn access_log(&self) -> Vec<Line> {
        let log = self.log.lock();
        let lines = log.split(|byte| *byte == b'\n');
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

/// The access log, in memory.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Names that end in `localhost` are this machine (RFC 6761, 6.3).
pub const DOMAIN: &str = "saasrus.localhost";
