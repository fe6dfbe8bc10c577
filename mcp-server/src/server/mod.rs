//! The server: what it offers, and serving it.

mod audit;
mod builder;
pub(crate) mod catalogue;
mod drive;
pub(crate) mod limits;
mod mount;
mod offer;
mod profile;

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use mcp_core::profile::{Declaration, Entitlement};
use mcp_core::session::server::ServerConfig;
use mcp_core::types::{CacheHints, DetailedTask, Implementation};
use mcp_core::{Error, Negotiated, Principal, Tenant};
use tokio::io::{AsyncRead, AsyncWrite};

pub use builder::Builder;
pub use profile::Profile;

#[cfg(feature = "auth")]
pub(crate) use self::audit::AUTHORIZATION;
use self::catalogue::Catalogue;
#[cfg(feature = "http")]
pub(crate) use self::drive::Engine;
use self::drive::{Driver, Io};
use self::limits::Limiter;
use self::offer::{Host, Offer};
use crate::ask::Sealer;
use crate::call::Provided;
use crate::connection::{Changes, Connection};
use crate::extension::Extensions;
use crate::handler::Run;
use crate::item::CallKind;
use crate::prompt::IntoPrompt;
use crate::resource::IntoResource;
use crate::tasks::TaskRunner;
use crate::tool::IntoTool;
use crate::transport::stdio::Stdio;

/// A server: tools, profiles and policy, ready to be served over any number of connections.
///
/// Cloning is cheap and gives the same server.
///
/// # Examples
/// ```
/// use mcp_server::{Server, Tool};
///
/// let add = Tool::new("add").params(["a", "b"]).handler(async |a: f64, b: f64| a + b);
/// let server = Server::builder("adder", "1.0").tool(add).build()?;
/// assert_eq!(server.tool_names(), ["add"]);
/// # Ok::<(), mcp_server::Error>(())
/// ```
#[derive(Clone)]
pub struct Server(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: Arc<ServerConfig>,
    catalogue: RwLock<Arc<Catalogue>>,
    extensions: Extensions,
    tasks: Option<Arc<TaskRunner>>,
    /// What calls know their server by.
    me: Weak<Self>,
    provided: Arc<Provided>,
    /// The connections that are told of changes, by their address.
    connections: Mutex<HashMap<usize, Weak<Connection>>>,
    /// The servers that were taken in: their changes are told to our clients.
    mounted: Vec<Server>,
    /// How long lists may be kept, and by whom.
    list_cache: CacheHints,
    visible: Option<Visible>,
    limiter: Limiter,
    sealer: Arc<Sealer>,
    pub(crate) entitlement: Option<Run<Entitlement>>,
    local_principal: Principal,
    page_size: usize,
    drain_timeout: Duration,
    progress_interval: Duration,
}

/// Decides what exists for a caller.
type Visible = Box<dyn Fn(&Negotiated, CallKind, &str) -> bool + Send + Sync>;

impl Server {
    /// Starts to put a server together, with a name and a version that clients may show.
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> Builder {
        Builder::new(name, version)
    }

    /// Serves this process's standard input and output until the client is done.
    ///
    /// Standard output belongs to the protocol from here on: what anything else prints goes to
    /// standard error. After the end of input the running calls are finished, for at most
    /// [`drain_timeout`](Builder::drain_timeout), and [tasks](Builder::tasks) are dropped. When no profiles are agreed, the server tells the
    /// client and returns `Ok`. It returns `Ok` also when the client vanishes.
    ///
    /// Blocking work in a handler blocks the whole connection: use `tokio::task::spawn_blocking`.
    ///
    /// # Errors
    /// [`Error::Transport`]: standard input or output cannot be used, for instance because they
    /// are served already.
    ///
    /// # Panics
    /// When the runtime has no I/O or no time driver.
    ///
    /// # Cancel safety
    /// Dropping the future drops the handlers that run and closes the connection; answers that
    /// were not written yet are lost. Serving cannot be taken up again.
    pub async fn serve_stdio(&self) -> Result<(), Error> {
        let stdio = Stdio::take().map_err(|error| Error::Transport(Box::new(error)))?;
        let (reader, writer) = stdio.into_split();
        let driver = self.driver(self.0.local_principal.clone(), Tenant::default());
        // The only client of this process is gone afterwards.
        let _tasks = self.0.tasks.as_ref().map(EndTasks);
        driver.serve(Io { reader, writer }).await
    }

    /// Serves clients on this machine over HTTP, at the path `/mcp` of the address, until it fails.
    ///
    /// Without authentication every caller is [`Principal::anonymous`], so that the address should
    /// be a loopback one. The host names `localhost`, `127.0.0.1` and `[::1]` are answered, and the
    /// address itself. [`HttpService`](crate::http::HttpService) does the same under other names and
    /// paths, for several servers, behind layers, and until it is told to stop.
    ///
    /// # Errors
    /// [`Error::Transport`]: nothing can listen at the address.
    ///
    /// # Panics
    /// When the runtime has no I/O or no time driver.
    ///
    /// # Cancel safety
    /// Dropping the future closes every connection and drops the handlers that run.
    #[cfg(feature = "http")]
    pub async fn serve_http(&self, address: impl tokio::net::ToSocketAddrs) -> Result<(), Error> {
        let transport = |error: std::io::Error| Error::Transport(Box::new(error));
        let listener = tokio::net::TcpListener::bind(address).await.map_err(transport)?;
        let address = listener.local_addr().map_err(transport)?.ip();
        crate::http::HttpService::at(self.clone(), address).serve(listener).await
    }

    /// Serves any byte stream with stdio framing: one message a line.
    ///
    /// The caller is [`local_principal`](Builder::local_principal). See
    /// [`serve_stdio`](Self::serve_stdio) for when it ends.
    ///
    /// # Errors
    /// [`Error::Transport`] when reading or writing fails otherwise than by the end of the stream.
    ///
    /// # Cancel safety
    /// As [`serve_stdio`](Self::serve_stdio).
    pub async fn serve(
        &self,
        reader: impl AsyncRead + Unpin + Send,
        writer: impl AsyncWrite + Unpin + Send,
    ) -> Result<(), Error> {
        self.serve_as(self.0.local_principal.clone(), Tenant::default(), reader, writer).await
    }

    /// Serves a byte stream of a caller who was identified by other means.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    ///
    /// # Cancel safety
    /// As [`serve_stdio`](Self::serve_stdio).
    pub async fn serve_as(
        &self,
        principal: Principal,
        tenant: Tenant,
        reader: impl AsyncRead + Unpin + Send,
        writer: impl AsyncWrite + Unpin + Send,
    ) -> Result<(), Error> {
        self.driver(principal, tenant).serve(Io { reader: drive::Plain(reader), writer }).await
    }

    /// Adds a tool while the server runs; connections see it from the next message on, and clients
    /// that want to know are told (`notifications/tools/list_changed`).
    ///
    /// # Errors
    /// [`Error::Misuse`] says what is wrong with the tool; nothing has changed then.
    pub fn add_tool<T: IntoTool<M>, M>(&self, tool: T) -> Result<(), Error> {
        self.add(tool.into_tool())?;
        self.tools_changed();
        Ok(())
    }

    /// Removes a tool while the server runs and says whether there was one; calls of it that run
    /// go on. Clients are told as by [`add_tool`](Self::add_tool).
    pub fn remove_tool(&self, name: &str) -> bool {
        let removed = self.change(|catalogue| catalogue.tools.remove(name));
        if removed {
            self.tools_changed();
        }
        removed
    }

    /// Adds a prompt while the server runs; see [`add_tool`](Self::add_tool).
    ///
    /// Clients know of prompts only where the server had some when it was built.
    ///
    /// # Errors
    /// [`Error::Misuse`] says what is wrong with the prompt; nothing has changed then.
    pub fn add_prompt<T: IntoPrompt<M>, M>(&self, prompt: T) -> Result<(), Error> {
        self.add(prompt.into_prompt())?;
        self.prompts_changed();
        Ok(())
    }

    /// Removes a prompt while the server runs and says whether there was one; see
    /// [`remove_tool`](Self::remove_tool).
    pub fn remove_prompt(&self, name: &str) -> bool {
        let removed = self.change(|catalogue| catalogue.prompts.remove(name));
        if removed {
            self.prompts_changed();
        }
        removed
    }

    /// Adds a resource or a template while the server runs; see [`add_tool`](Self::add_tool).
    ///
    /// Clients know of resources only where the server had some when it was built.
    ///
    /// # Errors
    /// [`Error::Misuse`] says what is wrong with the resource; nothing has changed then.
    pub fn add_resource<T: IntoResource<M>, M>(&self, resource: T) -> Result<(), Error> {
        self.add(resource.into_resource())?;
        self.resources_changed();
        Ok(())
    }

    /// Removes the resource or the template of this URI while the server runs and says whether there
    /// was one; see [`remove_tool`](Self::remove_tool).
    pub fn remove_resource(&self, uri: &str) -> bool {
        let removed = self
            .change(|catalogue| catalogue.resources.remove(uri) || catalogue.templates.remove(uri));
        if removed {
            self.resources_changed();
        }
        removed
    }

    /// Tells clients that want to know that a resource has changed
    /// (`notifications/resources/updated`).
    pub fn resource_updated(&self, uri: impl Into<Arc<str>>) {
        let uri = uri.into();
        self.tell(|changes| {
            changes.uris.insert(Arc::clone(&uri));
        });
    }

    /// Tells clients that want to know that the list of tools is another, for instance because
    /// callers are entitled to others than before.
    pub fn tools_changed(&self) {
        self.tell(|changes| changes.tools = true);
    }

    /// Tells clients that want to know that the list of prompts is another.
    pub fn prompts_changed(&self) {
        self.tell(|changes| changes.prompts = true);
    }

    /// Tells clients that want to know that the list of resources or templates is another, for
    /// instance of those that a template [lists](crate::Resource::list).
    pub fn resources_changed(&self) {
        self.tell(|changes| changes.resources = true);
    }

    /// The names of all tools, in the order of the list.
    pub fn tool_names(&self) -> Vec<String> {
        self.0.catalogue().tools.iter().map(|tool| tool.definition.name.clone()).collect()
    }

    /// Name and version of the server.
    pub fn info(&self) -> &Implementation {
        &self.0.config.server_info
    }

    /// The profiles that it offers.
    pub fn declaration(&self) -> Option<&Declaration> {
        self.0.config.profiles.as_ref().map(|policy| policy.declaration())
    }

    /// Who calls over a connection whose caller nobody names; see [`Builder::local_principal`].
    pub fn local_principal(&self) -> &Principal {
        &self.0.local_principal
    }

    /// Bounds on what a client can make the server hold.
    #[cfg(feature = "http")]
    pub(crate) fn limits(&self) -> &mcp_core::Limits {
        &self.0.config.limits
    }

    /// How long calls that run may take to end.
    #[cfg(feature = "http")]
    pub(crate) fn drain_timeout(&self) -> Duration {
        self.0.drain_timeout
    }

    fn driver(&self, principal: Principal, tenant: Tenant) -> Driver {
        Driver::new(Arc::clone(&self.0), principal, tenant)
    }

    fn add<T: Offer>(&self, item: T) -> Result<(), Error> {
        let host = Host { provided: &self.0.provided, policy: self.0.config.profiles.as_ref() };
        let key = item.key().to_owned();
        let built =
            offer::check(item, host).map_err(|problems| Error::Misuse(problems.join("\n")))?;
        match self.change(|catalogue| T::insert(built, Vec::new(), host, catalogue)) {
            true => Ok(()),
            false => Err(Error::Misuse(offer::taken::<T>(&key))),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Catalogue) -> T) -> T {
        let mut catalogue = self.0.catalogue.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut catalogue))
    }

    /// Notes a change for every connection.
    fn tell(&self, note: impl Fn(&mut Changes)) {
        let mut open = Vec::new();
        let mut connections = self.0.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|_, connection| {
            let connection = connection.upgrade().filter(|connection| !connection.is_closed());
            let is_open = connection.is_some();
            open.extend(connection);
            is_open
        });
        // Nothing is locked while somebody is woken.
        drop(connections);
        open.iter().for_each(|connection| connection.change(&note));
    }
}

/// Drops all tasks when it is dropped.
struct EndTasks<'a>(&'a Arc<TaskRunner>);

impl Drop for EndTasks<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Inner {
    /// Tells those who listen how far a task is.
    pub(crate) fn tell_task(self: &Arc<Self>, task: &DetailedTask) {
        Server(Arc::clone(self)).tell(|changes| {
            changes.tasks.insert(task.task().task_id.clone(), task.clone());
        });
    }

    pub(crate) fn tasks(&self) -> Option<&Arc<TaskRunner>> {
        self.tasks.as_ref()
    }

    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.catalogue.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether something exists for a caller, as far as the author decides it.
    fn is_visible(&self, negotiated: &Negotiated, kind: CallKind, name: &str) -> bool {
        let Some(visible) = &self.visible else { return true };
        let seen = catch_unwind(AssertUnwindSafe(|| visible(negotiated, kind, name)));
        seen.unwrap_or_else(|_| {
            tracing::error!(target: "mcp::server", name, "the function that says what exists panicked: it does not");
            false
        })
    }

    /// Notes a connection, to be told of changes.
    fn connected(&self, connection: &Arc<Connection>) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.insert(Arc::as_ptr(connection).addr(), Arc::downgrade(connection));
        drop(connections);
        self.mounted.iter().for_each(|server| server.0.connected(connection));
    }

    /// Forgets a connection that is over: what knows it keeps its memory.
    fn disconnected(&self, connection: &Arc<Connection>) {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.remove(&Arc::as_ptr(connection).addr());
        if connections.len() < connections.capacity() / 8 {
            let most = 2 * connections.len();
            connections.shrink_to(most);
        }
        drop(connections);
        self.mounted.iter().for_each(|server| server.0.disconnected(connection));
    }
}

/// Shows as the server's name.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("info", &self.config.server_info).finish_non_exhaustive()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("info", self.info())
            .field("tools", &self.tool_names())
            .finish_non_exhaustive()
    }
}
