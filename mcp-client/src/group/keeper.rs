//! The task that keeps one server running.
//!
//! ```text
//! Starting ──connected──▶ Connected ──lost──▶ Failed ──pause──▶ Starting
//!     └──not connected───────────────────────────▲ └──no more attempts, or hopeless: stays
//! ```
//!
//! It owns the connection: it starts and ends the server, or connects to one that runs, reads its lists again when they change,
//! and reports to the [`Roster`]. It knows nothing of other servers but that only so many may be
//! started at once.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use mcp_core::Error;
use tokio::select;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep};

use super::listing::{self, News};
use super::restarts::Chance;
use super::roster::{Done, Leash, Roster};
use super::status::Status;
use crate::client::Client;
use crate::config::{Endpoint, ServerConfig};
use crate::transport::{IntoTransport, Transport};

/// Keeps one server running.
pub(super) struct Keeper {
    roster: Arc<Roster>,
    server: Arc<str>,
    id: u64,
    config: ServerConfig,
    over: bool,
    /// Closes when the keeper is gone.
    _done: watch::Sender<()>,
}

/// Why the keeper no longer attends to a connection.
enum Left {
    Stopped,
    Lost(Error),
}

impl Keeper {
    /// Starts to keep a server, once its predecessor has ended.
    pub(super) fn start(
        roster: &Arc<Roster>,
        server: &Arc<str>,
        id: u64,
        config: ServerConfig,
        predecessor: Option<Done>,
    ) -> Leash {
        let (stop, stopped) = oneshot::channel();
        let (tell, done) = watch::channel(());
        let keeper = Self {
            roster: Arc::clone(roster),
            server: Arc::clone(server),
            id,
            config,
            over: false,
            _done: tell,
        };
        tokio::spawn(async move {
            if let Some(predecessor) = predecessor {
                predecessor.wait().await;
            }
            keeper.run(stopped).await;
        });
        Leash { stop, done: Done(done) }
    }

    async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let restarts = self.roster.settings.restarts;
        let mut failures = 0;
        loop {
            self.report(Status::Starting { failures });
            let connecting = select! {
                biased;
                _ = &mut stop => break,
                connecting = self.connect() => connecting,
            };
            let error = match connecting {
                Err(error) => error,
                Ok(client) => {
                    let since = Instant::now();
                    self.roster.connected(&self.server, self.id, &client);
                    let left = self.attend(&client, &mut stop).await;
                    if since.elapsed() >= restarts.healthy_after {
                        failures = 0;
                    }
                    let error = match left {
                        Left::Stopped => {
                            client.shutdown().await;
                            break;
                        }
                        Left::Lost(error) => error,
                    };
                    // Calls fail with the same error until its process has ended, too.
                    client.shutdown().await;
                    error
                }
            };
            failures += 1;
            let pause = restarts.pause(failures, &error, Chance::take());
            tracing::debug!(
                target: "mcp::group", server = %self.server, %error, ?pause, "server lost"
            );
            let retry_at = pause.and_then(|pause| Instant::now().into_std().checked_add(pause));
            self.report(Status::Failed { error: Arc::new(error), retry_at });
            let Some(pause) = pause else {
                let _ = stop.await;
                break;
            };
            select! {
                biased;
                _ = &mut stop => break,
                () = sleep(pause) => {}
            }
        }
        self.over = true;
        self.roster.left(&self.server, self.id, Status::Stopped);
    }

    /// Starts the server, when its turn has come.
    async fn connect(&self) -> Result<Client, Error> {
        let Roster { settings, starts, .. } = &*self.roster;
        let transport = self.transport()?;
        let builder = Client::builder(&settings.name, &settings.version);
        let builder = (settings.client)(&self.server, self.config.client(builder));
        let turn = starts.acquire().await;
        let mut connecting = pin!(builder.connect(transport));
        // One that hangs does not hold the others up for longer than this.
        select! {
            connected = &mut connecting => return connected,
            () = sleep(TURN) => drop(turn),
        }
        connecting.await
    }

    /// The way to the server.
    fn transport(&self) -> Result<Transport, Error> {
        let settings = &self.roster.settings;
        match &self.config.endpoint {
            Endpoint::Command(_) => {
                let process = self.config.child_process()?;
                Ok((settings.process)(&self.server, process).into_transport())
            }
            #[cfg(feature = "http")]
            Endpoint::Url(_) => {
                Ok((settings.http)(&self.server, self.config.http()?).into_transport())
            }
            #[cfg(not(feature = "http"))]
            Endpoint::Url(_) => Err(Error::Misuse(format!(
                "server `{}` is at a URL: enable the feature `http` of `mcp-client`",
                self.server
            ))),
        }
    }

    /// Reads the lists of a server, and again when they change, for as long as it is there.
    async fn attend(&self, client: &Client, stop: &mut oneshot::Receiver<()>) -> Left {
        let mut news = News::new(client);
        loop {
            let reading = async {
                news.begin().await;
                listing::read(client).await
            };
            let read = select! {
                biased;
                _ = &mut *stop => return Left::Stopped,
                read = reading => read,
            };
            self.roster.offers(&self.server, self.id, read);
            let changed = select! {
                biased;
                _ = &mut *stop => return Left::Stopped,
                changed = news.changed() => changed,
            };
            if !changed {
                return Left::Lost(fault(client));
            }
            // However often a server says that its lists change, they are not read all the time.
            select! {
                biased;
                _ = &mut *stop => return Left::Stopped,
                () = sleep(LISTS) => {}
            }
        }
    }

    fn report(&self, status: Status) {
        self.roster.report(&self.server, self.id, status);
    }
}

/// A keeper that did not get to its end leaves no server behind that seems to be there.
impl Drop for Keeper {
    fn drop(&mut self) {
        if !self.over {
            let why = "the task that kept the server is gone: its runtime has ended, or a function \
                       given to the group panicked";
            let error = Arc::new(Error::Closed(why.to_owned()));
            let status = Status::Failed { error, retry_at: None };
            self.roster.left(&self.server, self.id, status);
        }
    }
}

/// Why a connection is over: what every later call is told.
fn fault(client: &Client) -> Error {
    match client.list_tools(None).now_or_never() {
        Some(Err(error)) => error,
        _ => Error::Closed("the connection was lost".to_owned()),
    }
}

/// How long a server that starts keeps others from starting.
const TURN: Duration = Duration::from_secs(5);
/// The pause between two readings of a server's lists.
const LISTS: Duration = Duration::from_millis(250);
