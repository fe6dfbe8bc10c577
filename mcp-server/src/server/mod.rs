//! The server: what it offers, and serving it.

mod audit;
mod builder;
mod drive;
pub(crate) mod limits;
mod profile;
mod tools;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use mcp_core::profile::{Declaration, Entitlement};
use mcp_core::session::server::ServerConfig;
use mcp_core::types::Implementation;
use mcp_core::{Error, Principal, Tenant};
use tokio::io::{AsyncRead, AsyncWrite};

pub use builder::Builder;
pub use profile::Profile;

use self::builder::Provided;
use self::drive::{Driver, Io};
use self::limits::Limiter;
use self::tools::Tools;
use crate::handler::Run;
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
pub struct Server(Arc<Inner>);

pub(crate) struct Inner {
    config: Arc<ServerConfig>,
    tools: RwLock<Arc<Tools>>,
    provided: Provided,
    limiter: Limiter,
    entitlement: Option<Run<Entitlement>>,
    local_principal: Principal,
    page_size: usize,
    drain_timeout: Duration,
    progress_interval: Duration,
}

impl Server {
    /// Starts to put a server together, with a name and a version that clients may show.
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> Builder {
        Builder::new(name, version)
    }

    /// Serves this process's standard input and output until the client is done.
    ///
    /// Standard output belongs to the protocol from here on: what anything else prints goes to
    /// standard error. After the end of input the running calls are finished, for at most
    /// [`drain_timeout`](Builder::drain_timeout). When no profiles are agreed, the server tells the
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
        driver.serve(Io { reader, writer }).await
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

    /// Adds a tool while the server runs; connections see it from the next message on.
    ///
    /// Clients are not told: `notifications/tools/list_changed` is neither declared nor sent yet.
    ///
    /// # Errors
    /// [`Error::Misuse`] says what is wrong with the tool; nothing has changed then.
    pub fn add_tool<T: IntoTool<M>, M>(&self, tool: T) -> Result<(), Error> {
        let policy = self.0.config.profiles.as_ref();
        let tool = builder::check_tool(tool.into_tool(), Vec::new(), &self.0.provided, policy)
            .map_err(|problems| Error::Misuse(problems.join("\n")))?;
        self.change_tools(|tools| tools.insert(tool)).map_err(Error::Misuse)
    }

    /// Removes a tool while the server runs and says whether there was one; calls of it that run
    /// go on.
    pub fn remove_tool(&self, name: &str) -> bool {
        self.change_tools(|tools| tools.remove(name))
    }

    /// The names of all tools, in the order of the list.
    pub fn tool_names(&self) -> Vec<String> {
        self.0.tools().iter().map(|served| served.tool.definition.name.clone()).collect()
    }

    /// Name and version of the server.
    pub fn info(&self) -> &Implementation {
        &self.0.config.server_info
    }

    /// The profiles that it offers.
    pub fn declaration(&self) -> Option<&Declaration> {
        self.0.config.profiles.as_ref().map(|policy| policy.declaration())
    }

    fn driver(&self, principal: Principal, tenant: Tenant) -> Driver {
        Driver::new(Arc::clone(&self.0), principal, tenant)
    }

    fn change_tools<T>(&self, change: impl FnOnce(&mut Tools) -> T) -> T {
        let mut tools = self.0.tools.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut tools))
    }
}

impl Inner {
    fn tools(&self) -> Arc<Tools> {
        Arc::clone(&self.tools.read().unwrap_or_else(PoisonError::into_inner))
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
