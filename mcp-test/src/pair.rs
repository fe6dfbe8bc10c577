//! A server and a client, connected in memory.

use mcp_client::{Client, ClientBuilder, EraChoice, IntoAnswer, Io};
use mcp_core::types::ElicitResult;
use mcp_core::version::{Era, ProtocolVersion};
use mcp_core::{Principal, Tenant};
use mcp_server::{Builder, Server};
use tokio::io::{DuplexStream, duplex, split};
use tracing::instrument::WithSubscriber as _;

use crate::answers::Answers;
use crate::client::{Behind, TestClient};
use crate::error::Error;
use crate::journal::Journal;
use crate::wire::{Observed, Wire};

/// Both eras, to run a test in each.
pub const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

/// Connects a server with a client, in memory and in this process.
///
/// See [`Pair`] for what can be set, and [`Pair::connect`].
///
/// # Examples
///
/// ```
/// use mcp_server::{Server, Tool};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_test::Error> {
/// let add = Tool::new("add").params(["a", "b"]).handler(async |a: f64, b: f64| a + b);
/// let client = mcp_test::pair(Server::builder("adder", "1.0").tool(add)).connect().await?;
/// let sum: f64 = client.call("add", json!({ "a": 1.5, "b": 2 })).await?;
/// assert_eq!(sum, 3.5);
/// client.shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub fn pair(server: impl IntoServer) -> Pair {
    Pair {
        server: server.into_server(),
        client: Client::builder("mcp-test", "1.0"),
        answers: Answers::default(),
        principal: None,
        tenant: None,
        room: ROOM,
        record: false,
        tolerate_panics: false,
    }
}

/// What can be tested: a [`Server`], its [`Builder`], or the result of making one.
pub trait IntoServer {
    /// Makes the server.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn into_server(self) -> Result<Server, mcp_core::Error>;
}

impl IntoServer for Server {
    fn into_server(self) -> Result<Server, mcp_core::Error> {
        Ok(self)
    }
}

impl IntoServer for &Server {
    fn into_server(self) -> Result<Server, mcp_core::Error> {
        Ok(self.clone())
    }
}

impl IntoServer for Builder {
    fn into_server(self) -> Result<Server, mcp_core::Error> {
        self.build()
    }
}

impl<S: IntoServer> IntoServer for Result<S, mcp_core::Error> {
    fn into_server(self) -> Result<Server, mcp_core::Error> {
        self?.into_server()
    }
}

/// A server and a client that are about to be connected; see [`pair`].
#[derive(Debug)]
#[must_use = "nothing happens before `connect`"]
pub struct Pair {
    server: Result<Server, mcp_core::Error>,
    client: ClientBuilder,
    answers: Answers,
    principal: Option<Principal>,
    tenant: Option<Tenant>,
    room: usize,
    record: bool,
    tolerate_panics: bool,
}

impl Pair {
    /// Says who calls, as authentication would have found out; otherwise it is the server's
    /// [`local_principal`](Builder::local_principal).
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Says whose deployment is called.
    pub fn tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Requires a profile; see [`ClientBuilder::require`].
    pub fn require(self, profile: impl AsRef<str>) -> Self {
        self.client(|client| client.require(profile))
    }

    /// Requires one of these profiles; see [`ClientBuilder::require_one_of`].
    pub fn require_one_of<S: AsRef<str>>(self, profiles: impl IntoIterator<Item = S>) -> Self {
        self.client(|client| client.require_one_of(profiles))
    }

    /// Asks for a profile that may be left out; see [`ClientBuilder::prefer`].
    pub fn prefer(self, profile: impl AsRef<str>) -> Self {
        self.client(|client| client.prefer(profile))
    }

    /// Speaks this era only; the newest that the server speaks unless set.
    pub fn era(self, era: Era) -> Self {
        self.client(|client| {
            client.era(match era {
                Era::Legacy => EraChoice::Legacy,
                Era::Modern => EraChoice::Modern,
            })
        })
    }

    /// Speaks this version of the protocol only.
    pub fn version(self, version: ProtocolVersion) -> Self {
        self.client(|client| client.versions([version]))
    }

    /// Fills in a form of the server: the first answer the first form, and so on.
    ///
    /// An object is what was filled in, and gets the defaults of the form; an
    /// [`ElicitAction`](mcp_core::types::ElicitAction) refuses. A client without answers declares
    /// no elicitation. [`TestClient::shutdown`] fails when the server asked more often than there
    /// were answers, or less often, or for something else; [`TestClient::asked`] has the forms.
    ///
    /// ```
    /// # let server = mcp_server::Server::builder("s", "1");
    /// use mcp_client::types::ElicitAction;
    /// use serde_json::json;
    ///
    /// let pair = mcp_test::pair(server)
    ///     .answer(json!({ "title": "nosferatu" }))
    ///     .answer(ElicitAction::Decline);
    /// # let _ = pair;
    /// ```
    pub fn answer(self, answer: impl IntoAnswer<ElicitResult>) -> Self {
        self.answers.push(answer);
        self
    }

    /// Sets anything else about the client.
    ///
    /// ```
    /// # let server = mcp_server::Server::builder("s", "1");
    /// # use std::time::Duration;
    /// let pair = mcp_test::pair(server).client(|client| client.idle_timeout(Duration::from_secs(1)));
    /// # let _ = pair;
    /// ```
    pub fn client(mut self, set: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        self.client = set(self.client);
        self
    }

    /// Sets how many bytes the connection holds in each direction; 64 KiB unless set.
    ///
    /// Whoever writes more waits until the other side has read: few bytes make a slow reader.
    pub fn room(mut self, bytes: usize) -> Self {
        self.room = bytes.max(1);
        self
    }

    /// Keeps every line, for [`TestClient::transcript`].
    pub fn record(mut self) -> Self {
        self.record = true;
        self
    }

    /// Lets handlers panic: [`TestClient::shutdown`] does not fail because of it.
    pub fn tolerate_panics(mut self) -> Self {
        self.tolerate_panics = true;
        self
    }

    /// Connects both, and returns when they have agreed.
    ///
    /// The server runs in a task of this runtime, which ends with the client.
    ///
    /// # Errors
    ///
    /// [`Error::Mcp`] when the server cannot be built, or as [`ClientBuilder::connect`]; see
    /// [`Error::rejection`] for profiles that were not agreed. [`Error::Server`] when the server
    /// failed meanwhile.
    pub async fn connect(self) -> Result<TestClient, Error> {
        let Self { server, client, answers, principal, tenant, room, record, tolerate_panics } =
            self;
        let server = server?;
        let (near, far) = duplex(room);
        let (wire, journal) = (Wire::new(record), Journal::default());
        let served = serve(server, principal, tenant, far).with_subscriber(journal.tap());
        let served = tokio::spawn(served);
        let client = answers.given_to(client);
        let connected = client.connect(Io::new(Observed::new(near, wire.clone()))).await;
        TestClient::new(connected, Behind { served, wire, journal, answers, tolerate_panics }).await
    }
}

/// Serves one end of a connection until the client is done.
pub(crate) async fn serve(
    server: Server,
    principal: Option<Principal>,
    tenant: Option<Tenant>,
    stream: DuplexStream,
) -> Result<(), mcp_core::Error> {
    let (reader, writer) = split(stream);
    let principal = principal.unwrap_or_else(|| server.local_principal().clone());
    server.serve_as(principal, tenant.unwrap_or_default(), reader, writer).await
}

/// How many bytes a connection holds in each direction: what a pipe holds on Linux.
pub(crate) const ROOM: usize = 64 * 1024;
