//! Describing a group, and connecting it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_core::Error;
use tokio::time::timeout;

use super::restarts::Restarts;
use super::{ClientGroup, Inner, Roster};
use crate::builder::ClientBuilder;
use crate::config::Config;
use crate::transport::ChildProcess;
#[cfg(feature = "http")]
use crate::transport::Http;

/// Describes a group; [`connect`](Self::connect) makes it one.
#[must_use = "nothing happens before `connect`"]
pub struct ClientGroupBuilder {
    config: Config,
    settings: Settings,
}

/// What all servers of a group have in common.
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) client: Box<DescribeClient>,
    pub(super) process: Box<DescribeProcess>,
    #[cfg(feature = "http")]
    pub(super) http: Box<DescribeHttp>,
    pub(super) restarts: Restarts,
    pub(super) starts_at_once: usize,
    pub(super) wait: Duration,
}

type DescribeClient = dyn Fn(&str, ClientBuilder) -> ClientBuilder + Send + Sync;
type DescribeProcess = dyn Fn(&str, ChildProcess) -> ChildProcess + Send + Sync;
#[cfg(feature = "http")]
type DescribeHttp = dyn Fn(&str, Http) -> Http + Send + Sync;

impl ClientGroupBuilder {
    pub(super) fn new(name: String, version: String) -> Self {
        let settings = Settings {
            name,
            version,
            client: Box::new(|_, client| client),
            process: Box::new(|_, process| process),
            #[cfg(feature = "http")]
            http: Box::new(|_, http| http),
            restarts: Restarts::default(),
            starts_at_once: STARTS_AT_ONCE,
            wait: WAIT,
        };
        Self { config: Config::default(), settings }
    }

    /// Says which servers the group has.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Describes the client of each server further: time limits, handlers for what it asks.
    ///
    /// The function gets the server's name in the configuration, and a client that already has what
    /// the configuration says: profiles that are required there stay required. It is called for
    /// every start of a server.
    pub fn client(
        mut self,
        describe: impl Fn(&str, ClientBuilder) -> ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.settings.client = Box::new(describe);
        self
    }

    /// Describes the process of each server further: what becomes of its stderr, how long it may
    /// take to end.
    pub fn process(
        mut self,
        describe: impl Fn(&str, ChildProcess) -> ChildProcess + Send + Sync + 'static,
    ) -> Self {
        self.settings.process = Box::new(describe);
        self
    }

    /// Describes how each server at a URL is reached further: tokens, certificates, proxies.
    ///
    /// What it gets has the headers of the configuration already.
    #[cfg(feature = "http")]
    pub fn http(mut self, describe: impl Fn(&str, Http) -> Http + Send + Sync + 'static) -> Self {
        self.settings.http = Box::new(describe);
        self
    }

    /// Says when a server that ended is started again.
    pub fn restarts(mut self, restarts: Restarts) -> Self {
        self.settings.restarts = restarts;
        self
    }

    /// Sets how many servers are started at once, at least one; 4 unless said otherwise.
    ///
    /// A server that takes longer than 5 seconds no longer counts.
    pub fn starts_at_once(mut self, servers: usize) -> Self {
        self.settings.starts_at_once = servers.clamp(1, 1 << 16);
        self
    }

    /// Sets how long [`connect`](Self::connect) and [`ClientGroup::reconcile`] wait for servers to
    /// be connected or to fail; 10 seconds unless said otherwise.
    ///
    /// Slower ones go on starting in the background.
    pub fn wait(mut self, limit: Duration) -> Self {
        self.settings.wait = limit;
        self
    }

    /// Starts the servers.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when there is no Tokio runtime. What is wrong with a server is its
    /// [`Status`](super::Status), not an error here.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, all servers are ended.
    pub async fn connect(self) -> Result<ClientGroup, Error> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::Misuse(
                "no Tokio runtime is running: connect within one".to_owned(),
            ));
        }
        let roster = Arc::new(Roster::new(self.settings));
        let group = ClientGroup { inner: Arc::new(Inner { roster }) };
        group.reconcile(self.config).await?;
        Ok(group)
    }
}

impl Settings {
    /// Waits, but not for ever.
    pub(super) async fn within_wait(&self, future: impl Future<Output = ()>) {
        // Who is not there in time is seen in its status.
        let _ = timeout(self.wait, future).await;
    }
}

impl fmt::Debug for ClientGroupBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientGroupBuilder")
            .field("config", &self.config)
            .field("restarts", &self.settings.restarts)
            .finish_non_exhaustive()
    }
}

const STARTS_AT_ONCE: usize = 4;
const WAIT: Duration = Duration::from_secs(10);
