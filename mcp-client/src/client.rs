//! The handle on which calls are made.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use mcp_core::session::client::Agreed;
use mcp_core::types::{CallToolResult, Cursor, ListToolsResult, PaginatedRequestParams, Tool};
use mcp_core::version::Era;
use mcp_core::wire::Method;
use mcp_core::{Error, Timeouts};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::builder::ClientBuilder;
use crate::call::Call;
use crate::driver::{Driver, End};
use crate::handshake::Connection;
use crate::notification::Notifications;
use crate::shared::Shared;
use crate::tools::Tools;
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
    timeouts: Timeouts,
    ended: watch::Receiver<End>,
}

impl Client {
    /// Starts to describe a client by its name and version, which the server gets to see.
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(name.into(), version.into())
    }

    /// Starts the task behind a connection.
    pub(crate) fn start(
        config: Arc<mcp_core::session::client::ClientConfig>,
        timeouts: Timeouts,
        connection: Connection,
    ) -> Self {
        let Connection { session, link, lines, out, noise } = connection;
        let era = session.agreed().era();
        let last_words = link.process().last_words();
        let shared = Arc::new(Shared::new(config, session, out, noise, last_words));
        let (tell, ended) = watch::channel(None);
        let (reader, writer, process) = link.into_parts();
        let driver = Driver::new(Arc::clone(&shared), reader, writer, lines);
        tokio::spawn(driver.run(process, tell));
        Self { connected: Arc::new(Connected { shared, era, timeouts, ended }) }
    }

    /// What client and server agreed on: version, era, server, profiles in force, declaration.
    ///
    /// A snapshot: in the modern era the profiles may change, but never lack a required one.
    pub fn negotiated(&self) -> Arc<Agreed> {
        self.connected.shared.agreed()
    }

    /// Calls a tool and decodes what it answers.
    ///
    /// `arguments` have to be written as a JSON object; `()` stands for none. `T` is decoded from
    /// the structured content if there is any; otherwise from the text, which is taken as it is
    /// where `T` is a string, and read as JSON where it is anything else. A tool that says that it
    /// failed is an [`Error::Tool`].
    pub fn call<T: DeserializeOwned>(&self, name: &str, arguments: impl Serialize) -> Call<T> {
        let params = params::tool_call(name, &arguments);
        self.send(Method::ToolsCall.as_str(), params, decode::answer::<T>)
    }

    /// Calls a tool and returns its result as it came, also when the tool says that it failed.
    pub fn call_tool(&self, name: &str, arguments: impl Serialize) -> Call<CallToolResult> {
        let params = params::tool_call(name, &arguments);
        self.send(Method::ToolsCall.as_str(), params, decode::whole)
    }

    /// Asks for one page of the list of tools: the first, or the one that begins at `cursor`.
    pub fn list_tools(&self, cursor: Option<Cursor>) -> Call<ListToolsResult> {
        let mut page = PaginatedRequestParams::new();
        page.cursor = cursor;
        let method = Method::ToolsList.as_str();
        self.send(method, params::object(method, &page), decode::tools_page)
    }

    /// All tools of the server, page by page, as they are asked for.
    ///
    /// A list of more than 1,000 pages or 100,000 tools, or with a cursor that comes twice, ends
    /// with an error.
    pub fn tools(&self) -> Tools {
        Tools::new(self.clone())
    }

    /// All tools of the server.
    ///
    /// # Errors
    ///
    /// As [`tools`](Self::tools).
    pub async fn list_all_tools(&self) -> Result<Vec<Tool>, Error> {
        self.tools().collect_all().await
    }

    /// Asks the server whether it is there.
    ///
    /// # Errors
    ///
    /// In the modern era [`Error::Misuse`]: 2026-07-28 has no `ping`.
    pub fn ping(&self) -> Call<()> {
        let method = Method::Ping.as_str();
        let params = match self.connected.era {
            Era::Legacy => params::object(method, &()),
            _ => Err(Error::Misuse(format!(
                "MCP {} has no `ping`: make any other call to see whether the server answers",
                self.negotiated().version()
            ))),
        };
        self.send(method, params, decode::nothing)
    }

    /// Makes a request that this crate has no function for.
    ///
    /// `params` have to be written as a JSON object; `()` stands for an empty one. The library adds
    /// `_meta`. `T` is decoded from the whole result.
    pub fn request<T: DeserializeOwned>(
        &self,
        method: impl Into<Cow<'static, str>>,
        params: impl Serialize,
    ) -> Call<T> {
        let method = method.into();
        let params = match Method::Initialize.as_str() == method {
            true => Err(Error::Misuse("`initialize` was sent by `connect` already".to_owned())),
            false => params::object(&method, &params),
        };
        self.send(method, params, decode::whole::<T>)
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

    fn send<T>(
        &self,
        method: impl Into<Cow<'static, str>>,
        params: Result<Box<serde_json::value::RawValue>, Error>,
        decode: crate::call::Decode<T>,
    ) -> Call<T> {
        Call::new(&self.connected, method, params, decode)
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
