//! Describing a client, and connecting it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_core::capability::ClientCapabilities;
use mcp_core::profile::{ClientPolicy, ClientPolicyBuilder};
use mcp_core::session::client::{ClientConfig, EraChoice};
use mcp_core::types::{
    CreateMessageRequestParams, CreateMessageResult, ElicitRequestFormParams,
    ElicitRequestURLParams, ElicitResult, Implementation, ListRootsResult, RawObject, Root,
    TASK_RESULT_TYPE,
};
use mcp_core::version::ProtocolVersion;
use mcp_core::{Error, ExtensionId, Limits, Timeouts};
use tower_layer::Layer;
use tower_service::Service;

#[cfg(feature = "auth")]
use crate::auth::ProfileCredentials;
use crate::cache::{Cache, Identity};
use crate::client::{Client, Habits};
use crate::handshake;
use crate::input::{
    FormHandler, Handlers, IntoAnswer, RootsHandler, SampleHandler, UrlHandler, handler,
};
use crate::layer::{Next, OutgoingCall, RawResult, Wrap, wrap};
#[cfg(feature = "json-schema")]
use crate::output::CheckOutput;
use crate::tasks::TASKS;
use crate::transport::IntoTransport;
#[cfg(feature = "auth")]
use crate::transport::Transport;

/// Describes a client; [`connect`](Self::connect) makes it one.
#[derive(Clone)]
#[must_use = "nothing happens before `connect`"]
pub struct ClientBuilder {
    config: ClientConfig,
    policy: ClientPolicyBuilder,
    timeouts: Timeouts,
    handshake: Duration,
    handlers: Handlers,
    input_rounds: u32,
    cache: Option<Cache>,
    identity: Option<Identity>,
    layers: Vec<Wrap>,
    #[cfg(feature = "auth")]
    credentials: Vec<(Box<str>, ProfileCredentials)>,
    #[cfg(feature = "json-schema")]
    check_output: bool,
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
            handlers: Handlers::default(),
            input_rounds: ROUNDS,
            cache: None,
            identity: None,
            layers: Vec::new(),
            #[cfg(feature = "auth")]
            credentials: Vec::new(),
            #[cfg(feature = "json-schema")]
            check_output: false,
        }
    }

    /// Requires a profile: without it there is no connection.
    pub fn require(mut self, profile: impl AsRef<str>) -> Self {
        self.policy = self.policy.require(profile);
        self
    }

    /// Requires a profile, and shows the server who this client is in the one way that the profile
    /// demands: with these credentials and nothing else.
    ///
    /// It takes a server over [`Http`](crate::Http) that was given no credentials of its own, and
    /// there can be one such profile. The first request of a connection carries no token, and a
    /// server that answers it is refused: it does not enforce the profile.
    ///
    /// # Examples
    ///
    /// See [`ProfileCredentials`](crate::auth::ProfileCredentials).
    #[cfg(feature = "auth")]
    pub fn require_with(
        mut self,
        profile: impl AsRef<str>,
        credentials: ProfileCredentials,
    ) -> Self {
        self.credentials.push((profile.as_ref().into(), credentials));
        self.require(profile)
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

    /// Says what the client can do, besides profiles; what it has handlers for is added.
    pub fn capabilities(mut self, capabilities: ClientCapabilities) -> Self {
        self.config.capabilities = capabilities;
        self
    }

    /// Declares an extension, without settings.
    ///
    /// Its requests are made with [`Client::request`].
    pub fn extension(self, id: ExtensionId) -> Self {
        self.extension_with(id, RawObject::empty())
    }

    /// Lets servers go on with calls as tasks (SEP-2663), and declares that.
    ///
    /// A call of a tool that is answered with a task waits for its end all the same: the task is asked
    /// in its server's rhythm, the handlers of the client answer what it asks, and when the call is
    /// dropped, the task is called off. [`Client::begin_tool`] hands the task out instead. Servers
    /// before 2026-07-28 have no such tasks.
    pub fn tasks(self) -> Self {
        self.extension(TASKS)
    }

    /// Declares an extension with its settings.
    pub fn extension_with(mut self, id: ExtensionId, settings: RawObject) -> Self {
        if id == TASKS {
            self.config.result_types.push((TASKS, TASK_RESULT_TYPE.to_owned()));
        }
        self.config.capabilities = self.config.capabilities.with_extension(id, settings);
        self
    }

    /// Fills in forms, and declares that the client can.
    ///
    /// What is filled in may be returned as a JSON object; fields that are left out get the
    /// defaults of the form. An answer that does not fit the form is not sent: the server sees a
    /// cancelled form (2026-07-28) or an error (before), and the log the reason. Handlers run within
    /// the call that asks (2026-07-28) or the task of the connection (before), so they must not
    /// block; they are dropped when nobody waits for the answer any more.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_client::Client;
    /// use mcp_core::types::ElicitResult;
    /// use serde_json::json;
    ///
    /// let builder = Client::builder("viewer", "1.0").on_form(|form| async move {
    ///     match form.requested_schema.property("title") {
    ///         Some(_) => Ok(json!({ "title": "nosferatu" })),
    ///         None => Err("no such field"),
    ///     }
    /// });
    /// let polite = Client::builder("viewer", "1.0").on_form(async |_| ElicitResult::decline());
    /// # let _ = (builder, polite);
    /// ```
    pub fn on_form<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(ElicitRequestFormParams) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoAnswer<ElicitResult>> + Send,
    {
        self.form_handler(handler)
    }

    /// Fills in forms; as [`on_form`](Self::on_form), for a type that does it.
    pub fn form_handler(mut self, handler: impl FormHandler) -> Self {
        self.handlers.form = Some(handler::form(handler));
        self
    }

    /// Asks the user to visit addresses, and declares that the client can.
    ///
    /// Return [`ElicitAction::Accept`](mcp_core::types::ElicitAction) once the user agreed and the
    /// address is open: show the whole of it first, and open it in a browser that is not yours
    /// (2025-11-25, client/elicitation, "Safe URL Handling"). A server that refuses a call until
    /// the user has been somewhere (error -32042 of 2025-11-25) has the call made anew when it says
    /// that the user is done.
    pub fn on_url<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(ElicitRequestURLParams) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoAnswer<ElicitResult>> + Send,
    {
        self.url_handler(handler)
    }

    /// Asks the user to visit addresses; as [`on_url`](Self::on_url), for a type that does it.
    pub fn url_handler(mut self, handler: impl UrlHandler) -> Self {
        self.handlers.url = Some(handler::url(handler));
        self
    }

    /// Asks a model for the server, and declares that the client can.
    ///
    /// Servers may offer it tools only where the capability `sampling.tools` was declared too, with
    /// [`capabilities`](Self::capabilities). A user who refuses is the error -1:
    /// `ErrorObject::new(ErrorCode(-1), "user rejected sampling request")`.
    pub fn on_sample<F, Fut>(self, handler: F) -> Self
    where
        F: Fn(CreateMessageRequestParams) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoAnswer<CreateMessageResult>> + Send,
    {
        self.sample_handler(handler)
    }

    /// Asks a model for the server; as [`on_sample`](Self::on_sample), for a type that does it.
    pub fn sample_handler(mut self, handler: impl SampleHandler) -> Self {
        self.handlers.sample = Some(handler::sample(handler));
        self
    }

    /// Says which folders the client works in, whenever the server asks, and declares that it can.
    pub fn on_roots<F, Fut>(self, handler: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoAnswer<ListRootsResult>> + Send,
    {
        self.roots_handler(handler)
    }

    /// Says which folders the client works in; as [`on_roots`](Self::on_roots), for a type that
    /// does it.
    pub fn roots_handler(mut self, handler: impl RootsHandler) -> Self {
        self.handlers.roots = Some(handler::roots(handler));
        self
    }

    /// Says which folders the client works in, always the same.
    pub fn roots(self, roots: impl IntoIterator<Item = Root>) -> Self {
        let roots = ListRootsResult::new(roots);
        self.on_roots(move || std::future::ready(roots.clone()))
    }

    /// Sets how many handlers of the server's questions run at once; 16 unless said otherwise.
    /// Others wait.
    pub fn handlers_at_once(mut self, handlers: usize) -> Self {
        self.handlers.at_once = handlers;
        self
    }

    /// Sets how many times one call may be made anew because the server asked for something; 8
    /// unless said otherwise.
    pub fn input_rounds(mut self, rounds: u32) -> Self {
        self.input_rounds = rounds;
        self
    }

    /// Keeps what servers allow to be kept, in this cache; nothing is kept unless said so.
    ///
    /// Clients that are given clones of one cache share what is in it. Two clients talk to the same
    /// server as the same caller if both started it with the same command, arguments, folder and
    /// environment, or if [`cached_as`](Self::cached_as) says so.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Says which server this is and whom it takes the client for, as far as the cache is concerned.
    ///
    /// What the server calls public is shared between all clients of `server`, and what it calls
    /// private between those that are also the same `caller`: an account, a token, never a guess.
    pub fn cached_as(mut self, server: impl Into<String>, caller: impl Into<String>) -> Self {
        let server = Some(format!("named {}", server.into()));
        self.identity = Some(Identity { server, caller: caller.into() });
        self
    }

    /// Puts a layer around every call, inside those that were added before.
    ///
    /// What [`Call`](crate::Call) says of answers to the server's questions and of kept results
    /// happens further in; progress is passed on, and dropping the call drops all layers and
    /// cancels it. The layers of each connection are its own. A
    /// [`Subscription`](crate::Subscription) and the handshake are no calls.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use mcp_client::{Audit, Client, ConcurrencyLimit, RateLimit, TraceContext};
    ///
    /// let builder = Client::builder("viewer", "1.0")
    ///     .layer(TraceContext::new())
    ///     .layer(Audit::new())
    ///     .layer(RateLimit::new(100, Duration::from_secs(60)))
    ///     .layer(ConcurrencyLimit::new(4));
    /// # let _ = builder;
    /// ```
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next> + Send + Sync + 'static,
        L::Service: Service<OutgoingCall, Response = RawResult, Error = Error>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<OutgoingCall>>::Future: Send + 'static,
    {
        self.layers.push(wrap(layer));
        self
    }

    /// Checks the results of tools against their output schemas, as far as they are known.
    ///
    /// A schema is known once this client has listed the tool, on this connection and by any handle,
    /// until the list is asked for again or the server tells that it has changed; a modern server
    /// tells that only to who [listens](Client::listen). Nothing is listed for the sake of the
    /// check: what was never listed is not checked. Nor are tools that say that they failed, and
    /// results of an extension's own kind.
    ///
    /// A result that does not fit is an [`Error::Output`], which names the tool and the place. So is
    /// a schema that cannot be used, because it is none, refers to another document or is written in
    /// an unknown dialect: nothing is ever fetched. JSON Schema 2020-12 is meant where a schema
    /// names no dialect; 2019-09, 7, 6 and 4 are known too.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn show(server: mcp_client::ChildProcess) -> Result<(), mcp_client::Error> {
    /// use mcp_client::{Client, Error};
    /// use serde_json::json;
    ///
    /// let client = Client::builder("viewer", "1.0").check_output().connect(server).await?;
    /// client.list_all_tools().await?;
    /// match client.call_tool("search", json!({ "text": "nosferatu" })).await {
    ///     Err(Error::Output(problem)) => tracing::warn!("{problem}"),
    ///     hits => drop(hits?),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "json-schema")]
    pub fn check_output(mut self) -> Self {
        self.check_output = true;
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
        let Self { mut config, policy, timeouts, handshake, mut handlers, .. } = self;
        handlers.declare(&mut config.capabilities);
        config.policy = policy.build().map_err(|problem| Error::Misuse(problem.to_string()))?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::Misuse(
                "no Tokio runtime is running: connect within one".to_owned(),
            ));
        }
        let config = Arc::new(config);
        let transport = server.into_transport();
        #[cfg(feature = "auth")]
        let transport = with_credentials(transport, &self.credentials)?;
        let identity = self.identity.unwrap_or_else(|| transport.identity());
        let cache = self.cache.map(|cache| (cache, identity));
        let connection = handshake::connect(Arc::clone(&config), transport, handshake).await?;
        #[cfg_attr(not(feature = "json-schema"), expect(unused_mut, reason = "one is added"))]
        let (input_rounds, mut layers) = (self.input_rounds, self.layers);
        #[cfg(feature = "json-schema")]
        if self.check_output {
            layers.push(wrap(CheckOutput));
        }
        let habits = Habits { timeouts, handlers, input_rounds, cache, layers };
        Ok(Client::start(config, habits, connection))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("config", &self.config)
            .field("timeouts", &self.timeouts)
            .field("handlers", &self.handlers)
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}

/// The way to the server, with what a profile is required with.
#[cfg(feature = "auth")]
fn with_credentials(
    transport: Transport,
    credentials: &[(Box<str>, ProfileCredentials)],
) -> Result<Transport, Error> {
    match credentials {
        [] => Ok(transport),
        [(profile, credentials)] => transport.with_credentials(profile, credentials),
        [(one, _), (other, _), ..] => Err(Error::Misuse(format!(
            "{one} and {other} are both required with credentials: one connection has only one \
             kind of them"
        ))),
    }
}

const HANDSHAKE: Duration = Duration::from_secs(30);
const PROBE: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(60);
const ROUNDS: u32 = 8;
const TOTAL: Duration = Duration::from_secs(60 * 60);
