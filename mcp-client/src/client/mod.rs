//! The handle on which calls are made; one file for each thing that a server offers.

mod extension;
mod prompts;
mod resources;
mod session;
mod tools;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use mcp_core::session::client::{Agreed, ClientConfig};
use mcp_core::types::{Cursor, PaginatedRequestParams};
use mcp_core::version::Era;
use mcp_core::{Error, Timeouts};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::builder::ClientBuilder;
use crate::cache::{Cache, Identity, Shelf};
use crate::call::{Call, Decode};
use crate::clock::Clock;
#[cfg(feature = "http")]
use crate::driver::http::HttpDriver;
use crate::driver::{Driver, End};
use crate::handshake::{Connection, Wire};
use crate::input::Handlers;
use crate::input::asked::Answering;
use crate::layer::{Stack, Wrap};
use crate::notification::Notifications;
use crate::shared::Shared;
#[cfg(feature = "http")]
use crate::transport::LastWords;
use crate::transport::TransportKind;
use crate::transport::child_process::Ended;
use crate::{decode, params};

/// A connection to a server with which everything is agreed.
///
/// Cloning is cheap and gives another handle to the same connection. When the last handle, call
/// and stream of tools is gone, the connection is shut down in the background, and with it the
/// server process.
///
/// When the connection is lost, all calls in flight fail at once, and every later call fails with
/// the same error. Nothing is sent again by itself: connect anew.
///
/// Over HTTP, a legacy server may end its session while the client goes on: calls in flight then
/// fail with [`Error::SessionLost`], and later ones go on in a new session, which is opened once,
/// under the same requirements. What the lost session knew is gone: subscriptions to resources, the
/// level of log messages. If other profiles are in force in the new one, the connection is over.
///
/// # Examples
///
/// ```no_run
/// # async fn search() -> Result<(), mcp_client::Error> {
/// use mcp_client::{ChildProcess, Client};
/// use serde_json::json;
///
/// let client = Client::builder("viewer", "1.0").connect(ChildProcess::new("vidsrus-server")).await?;
/// let said: String = client.call("echo", json!({ "message": "nosferatu" })).await?;
///
/// let mut job = client.call_tool("transcode", json!({ "title": said }));
/// while let Some(progress) = job.progress().await {
///     tracing::info!("{} of {:?}", progress.done, progress.total);
/// }
/// let playlist = job.await?;
/// # let _ = playlist;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    connected: Arc<Connected>,
}

/// What handles and calls keep alive: the connection ends with it.
pub(crate) struct Connected {
    pub(crate) shared: Arc<Shared>,
    pub(crate) era: Era,
    transport: TransportKind,
    pub(crate) handlers: Arc<Handlers>,
    pub(crate) input_rounds: u32,
    /// Where results are kept.
    pub(crate) shelf: Option<Shelf>,
    pub(crate) layers: Stack,
    timeouts: Timeouts,
    ended: watch::Receiver<End>,
}

/// How a client goes about its calls.
pub(crate) struct Habits {
    pub(crate) timeouts: Timeouts,
    pub(crate) handlers: Handlers,
    pub(crate) input_rounds: u32,
    pub(crate) cache: Option<(Cache, Identity)>,
    pub(crate) layers: Vec<Wrap>,
}

impl Client {
    /// Starts to describe a client by its name and version, which the server gets to see.
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(name.into(), version.into())
    }

    /// Starts the task behind a connection.
    pub(crate) fn start(config: Arc<ClientConfig>, habits: Habits, connection: Connection) -> Self {
        let Connection { session, wire, out, noise } = connection;
        let Habits { timeouts, handlers, input_rounds, cache, layers } = habits;
        let era = session.agreed().era();
        let handlers = Arc::new(handlers);
        let (transport, last_words, clock) = match &wire {
            Wire::Streams(link, _) => {
                (TransportKind::Stdio, link.process().last_words(), Clock::new())
            }
            #[cfg(feature = "http")]
            Wire::Http(exchanges) => {
                (exchanges.transport(), LastWords::default(), exchanges.clock().clone())
            }
        };
        let shelf = cache.and_then(|(cache, identity)| Shelf::new(cache, &identity, &session));
        let shared = Shared::new(config, clock, session, out, noise, last_words, shelf.clone());
        let shared = Arc::new(shared);
        let (tell, ended) = watch::channel(None);
        let answering = Answering::new(Arc::clone(&handlers));
        match wire {
            Wire::Streams(link, lines) => {
                let (reader, writer, process) = link.into_parts();
                let driver = Driver::new(Arc::clone(&shared), reader, writer, lines, answering);
                tokio::spawn(driver.run(process, tell));
            }
            #[cfg(feature = "http")]
            Wire::Http(exchanges) => {
                let driver = HttpDriver::new(Arc::clone(&shared), *exchanges, answering);
                tokio::spawn(driver.run(tell));
            }
        }
        let layers = Stack::new(&layers);
        let connected = Connected {
            shared,
            era,
            transport,
            handlers,
            input_rounds,
            shelf,
            layers,
            timeouts,
            ended,
        };
        Self { connected: Arc::new(connected) }
    }

    /// What client and server agreed on: version, era, server, profiles in force, declaration.
    ///
    /// A snapshot: in the modern era the profiles may change, but never lack a required one.
    pub fn negotiated(&self) -> Arc<Agreed> {
        self.connected.shared.agreed()
    }

    /// Which transport the connection speaks.
    pub fn transport(&self) -> TransportKind {
        self.connected.transport
    }

    /// What the server tells without being asked, from now on.
    pub fn notifications(&self) -> Notifications {
        Notifications::new(self.connected.shared.subscribe())
    }

    /// How many lines of the server were passed over because they are no messages.
    ///
    /// The first of them, and later some, are `tracing` events with target `mcp::client`.
    pub fn passed_over(&self) -> u64 {
        self.connected.shared.noise()
    }

    /// Ends the connection: the server's input is closed, and a server process is given the time
    /// of [`end_within`](crate::ChildProcess::end_within) to end before it is made to.
    ///
    /// Calls in flight fail at once. Returns how the process ended, or `None` where there is none.
    /// It may be called on several handles.
    ///
    /// # Cancel safety
    ///
    /// The shutdown goes on when the future is dropped.
    pub async fn shutdown(&self) -> Option<Ended> {
        self.connected.shared.close("the client was shut down");
        let mut ended = self.connected.ended.clone();
        ended.wait_for(Option::is_some).await.ok().and_then(|ended| ended.flatten())
    }

    pub(crate) fn send<T>(
        &self,
        method: impl Into<Cow<'static, str>>,
        params: Result<Box<RawValue>, Error>,
        decode: Decode<T>,
    ) -> Call<T> {
        Call::new(&self.connected, method, params, decode)
    }

    /// Asks for one page of a list.
    fn list<T>(&self, method: &'static str, cursor: Option<Cursor>, decode: Decode<T>) -> Call<T> {
        let mut page = PaginatedRequestParams::new();
        page.cursor = cursor;
        self.send(method, params::object(method, &page), decode).kept()
    }

    /// Makes a request that only the legacy era has.
    fn legacy<P: Serialize + ?Sized>(
        &self,
        method: &'static str,
        params: &P,
        instead: &str,
    ) -> Call<()> {
        let params = match self.connected.era {
            Era::Legacy => params::object(method, params),
            _ => Err(self.not_in_this_era(method, instead)),
        };
        self.send(method, params, decode::nothing)
    }

    fn not_in_this_era(&self, method: &str, instead: &str) -> Error {
        let version = self.negotiated().version().clone();
        Error::Misuse(format!("MCP {version} has no `{method}`: {instead}"))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let agreed = self.negotiated();
        f.debug_struct("Client")
            .field("version", agreed.version())
            .field("profiles", agreed.profiles())
            .finish_non_exhaustive()
    }
}

impl Connected {
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.shared.close("the client was dropped");
    }
}
