//! Describing a client, and connecting it.

use std::sync::Arc;
use std::time::Duration;

use mcp_core::capability::ClientCapabilities;
use mcp_core::profile::{ClientPolicy, ClientPolicyBuilder};
use mcp_core::session::client::{ClientConfig, EraChoice};
use mcp_core::types::Implementation;
use mcp_core::version::ProtocolVersion;
use mcp_core::{Error, Limits, Timeouts};

use crate::client::Client;
use crate::handshake;
use crate::transport::IntoTransport;

/// Describes a client; [`connect`](Self::connect) makes it one.
#[derive(Debug, Clone)]
#[must_use = "nothing happens before `connect`"]
pub struct ClientBuilder {
    config: ClientConfig,
    policy: ClientPolicyBuilder,
    timeouts: Timeouts,
    handshake: Duration,
}

impl ClientBuilder {
    pub(crate) fn new(name: String, version: String) -> Self {
        let mut config = ClientConfig::new(Implementation::new(name, version));
        config.probe_timeout = PROBE;
        Self {
            config,
            policy: ClientPolicy::builder(),
            timeouts: Timeouts { idle: Some(IDLE), total: Some(TOTAL) },
            handshake: HANDSHAKE,
        }
    }

    /// Requires a profile: without it there is no connection.
    pub fn require(mut self, profile: impl AsRef<str>) -> Self {
        self.policy = self.policy.require(profile);
        self
    }

    /// Requires one of these profiles, most wanted first: without any there is no connection.
    pub fn require_one_of<S: AsRef<str>>(mut self, profiles: impl IntoIterator<Item = S>) -> Self {
        self.policy = self.policy.require_one_of(profiles);
        self
    }

    /// Asks for a profile that may also be left out.
    pub fn prefer(mut self, profile: impl AsRef<str>) -> Self {
        self.policy = self.policy.prefer(profile);
        self
    }

    /// Lets the server know that this client understands profiles, even if it asks for none, so
    /// that the server says which are in force.
    pub fn aware_of_profiles(mut self) -> Self {
        self.policy = self.policy.aware();
        self
    }

    /// Chooses which eras to try; whichever the server speaks, unless said otherwise.
    ///
    /// With [`EraChoice::Legacy`] nothing is sent before `initialize`, which saves a round trip and
    /// suits servers that hang up on requests they do not know.
    pub fn era(mut self, era: EraChoice) -> Self {
        self.config.era = era;
        self
    }

    /// Chooses the protocol versions to speak; all that are known, unless said otherwise.
    pub fn versions(mut self, versions: impl IntoIterator<Item = ProtocolVersion>) -> Self {
        self.config.versions = versions.into_iter().collect();
        self
    }

    /// Says what the client can do, besides profiles.
    pub fn capabilities(mut self, capabilities: ClientCapabilities) -> Self {
        self.config.capabilities = capabilities;
        self
    }

    /// Sets a human-readable name, which servers may show.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.config.client_info.title = Some(title.into());
        self
    }

    /// Sets how long connecting may take altogether; 30 seconds unless said otherwise.
    pub fn handshake_timeout(mut self, limit: Duration) -> Self {
        self.handshake = limit;
        self
    }

    /// Sets how long a server may be silent on `server/discover` before it is taken for a legacy
    /// one; 10 seconds unless said otherwise.
    ///
    /// It counts within [`handshake_timeout`](Self::handshake_timeout), which has to leave time for
    /// `initialize`.
    pub fn probe_timeout(mut self, limit: Duration) -> Self {
        self.config.probe_timeout = limit;
        self
    }

    /// Sets the longest wait of a call for its answer or the next progress; a minute unless said
    /// otherwise. [`Duration::MAX`] is no limit.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.idle = Some(limit);
        self
    }

    /// Sets the longest wait of a call altogether; an hour unless said otherwise.
    /// [`Duration::MAX`] is no limit.
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.total = Some(limit);
        self
    }

    /// Sets bounds on what a server can make the client hold.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// Connects, and returns when everything is agreed.
    ///
    /// Until then nothing leaves the client but discovery, `initialize` and answers to pings. A
    /// server process that ends on `server/discover` is started again and initialized as a legacy
    /// server. Has to be called inside a Tokio runtime with I/O and time enabled, which then runs
    /// the connection.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] when a required profile is not in force; the connection is closed and a
    /// server process has been ended then. [`Error::Timeout`] when the handshake took too long,
    /// [`Error::PeerIncompatible`] when there is no common version, [`Error::Closed`] when the
    /// server went away, [`Error::Transport`] when it could not be started, [`Error::Misuse`] when
    /// a profile that was named is none.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, the connection is closed and the server process ended.
    pub async fn connect(self, server: impl IntoTransport) -> Result<Client, Error> {
        let Self { mut config, policy, timeouts, handshake } = self;
        config.policy = policy.build().map_err(|problem| Error::Misuse(problem.to_string()))?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::Misuse(
                "no Tokio runtime is running: connect within one".to_owned(),
            ));
        }
        let config = Arc::new(config);
        let transport = server.into_transport();
        let connection = handshake::connect(Arc::clone(&config), transport, handshake).await?;
        Ok(Client::start(config, timeouts, connection))
    }
}

const HANDSHAKE: Duration = Duration::from_secs(30);
const PROBE: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);
const TOTAL: Duration = Duration::from_secs(60 * 60);
