//! Several servers as one: started together, kept running, called under unique names.
//!
//! A server that does not start, hangs or ends costs the others nothing: it is a [`Status`]. Each
//! has a task of its own that starts it, reads its lists and starts it again, and a connection of
//! its own. The group adds names and keeps count; it does not know what the calls mean.
//!
//! # Names
//!
//! The tool `read` of the server `files` is `files__read`, and so with prompts: names are taken apart at their first
//! `__`. Characters that tool names may not have become `_`, and names longer than 128 characters
//! are cut; such a name gets a digest of what it was, so that it is always the same and never that
//! of something else.

mod builder;
mod catalogue;
mod keeper;
mod listing;
mod names;
mod restarts;
mod roster;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use mcp_core::Error;
use mcp_core::types::{
    CallToolResult, GetPromptResult, Prompt, ReadResourceResult, Resource, ResourceTemplate, Tool,
};
use serde::Serialize;
use tokio::sync::watch;

pub use self::builder::ClientGroupBuilder;
pub use self::catalogue::Offered;
use self::keeper::Keeper;
pub use self::restarts::Restarts;
use self::roster::{Done, Entry, Roster, State};
pub use self::status::Status;
use crate::client::Client;
use crate::config::{Config, ServerConfig};

/// Several servers as one.
///
/// Cloning is cheap and gives another handle to the same group. When the last handle is gone, all
/// servers are ended in the background.
///
/// # Examples
///
/// ```no_run
/// # async fn read() -> Result<(), mcp_client::Error> {
/// use mcp_client::ClientGroup;
/// use serde_json::json;
///
/// let group = ClientGroup::from_file("mcp.json").await?; // {"mcpServers": {…}}
/// for (name, status) in group.status() {
///     tracing::info!("{name}: {status}");
/// }
/// let page = group.call_tool("files__read", json!({ "path": "notes.txt" })).await?;
/// group.shutdown().await;
/// # let _ = page;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientGroup {
    inner: Arc<Inner>,
}

/// What handles keep alive: the servers end with it.
struct Inner {
    roster: Arc<Roster>,
}

/// What [`ClientGroup::reconcile`] did, by server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconciled {
    /// Those that were not in the group before.
    pub added: BTreeSet<String>,
    /// Those that have left it.
    pub removed: BTreeSet<String>,
    /// Those that were ended and started as they are configured now.
    pub changed: BTreeSet<String>,
    /// Those that were left alone.
    pub unchanged: BTreeSet<String>,
}

impl ClientGroup {
    /// Connects to the servers of a configuration file.
    ///
    /// The servers get to see this library's name and version as the client's; describe the group
    /// with [`builder`](Self::builder) to give your own.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when the file cannot be read or is no configuration, in the words of the
    /// [`ConfigError`](crate::config::ConfigError). What is wrong with a single server is its
    /// [`Status`].
    pub async fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let config = Config::from_file(path)?;
        let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Self::builder(name, version).config(config).connect().await
    }

    /// Starts to describe a group by the name and version of its client, which servers get to see.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), mcp_client::Error> {
    /// use std::time::Duration;
    /// use mcp_client::{ClientGroup, Config, ServerConfig};
    ///
    /// let films = ServerConfig::command("films", "vidsrus-server");
    /// let group = ClientGroup::builder("viewer", "1.0")
    ///     .config(Config::from_file("mcp.json")?.with(films))
    ///     .client(|_name, client| client.idle_timeout(Duration::from_secs(30)))
    ///     .connect()
    ///     .await?;
    /// # let _ = group;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(name: impl Into<String>, version: impl Into<String>) -> ClientGroupBuilder {
        ClientGroupBuilder::new(name.into(), version.into())
    }

    /// How each server is doing, by name.
    pub fn status(&self) -> BTreeMap<String, Status> {
        self.roster().status()
    }

    /// Waits for changes: of a status, or of what the servers offer.
    pub fn watch(&self) -> GroupChanges {
        let roster = Arc::clone(self.roster());
        GroupChanges { seen: roster.subscribe(), roster }
    }

    /// The tools of all servers that are connected, under their names in the group, ordered by
    /// server.
    ///
    /// A snapshot: [`watch`](Self::watch) tells when there is another one.
    pub fn tools(&self) -> Arc<[Tool]> {
        Arc::clone(&self.roster().catalogue().tools)
    }

    /// Calls a tool by its name in the group and returns its result as it came.
    ///
    /// For progress and time limits of a single call, take the server's [`client`](Self::client).
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when there is no such tool, [`Error::Closed`] when its server is not
    /// connected, with its status; else as [`Client::call_tool`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call.
    pub async fn call_tool(
        &self,
        name: &str,
        arguments: impl Serialize,
    ) -> Result<CallToolResult, Error> {
        let (client, tool) = self.roster().find("tool", name, |all| all.tool(name))?;
        client.call_tool(&tool, arguments).await
    }

    /// The prompts of all servers that are connected, under their names in the group.
    ///
    /// A snapshot, as [`tools`](Self::tools).
    pub fn prompts(&self) -> Arc<[Prompt]> {
        Arc::clone(&self.roster().catalogue().prompts)
    }

    /// Gets a prompt, filled in, by its name in the group.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when there is no such prompt, [`Error::Closed`] when its server is not
    /// connected, with its status; else as [`Client::get_prompt`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call.
    pub async fn get_prompt(
        &self,
        name: &str,
        arguments: impl Serialize,
    ) -> Result<GetPromptResult, Error> {
        let (client, prompt) = self.roster().find("prompt", name, |all| all.prompt(name))?;
        client.get_prompt(&prompt, arguments).await
    }

    /// The resources of all servers that are connected. Addresses are unique only within a server.
    ///
    /// A snapshot, as [`tools`](Self::tools).
    pub fn resources(&self) -> Arc<[Offered<Resource>]> {
        Arc::clone(&self.roster().catalogue().resources)
    }

    /// The resource templates of all servers that are connected.
    ///
    /// A snapshot, as [`tools`](Self::tools).
    pub fn resource_templates(&self) -> Arc<[Offered<ResourceTemplate>]> {
        Arc::clone(&self.roster().catalogue().templates)
    }

    /// Reads a resource of a server, which need not be listed.
    ///
    /// # Errors
    ///
    /// As [`client`](Self::client), and as [`Client::read_resource`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call.
    pub async fn read_resource(
        &self,
        server: &str,
        uri: impl Into<String>,
    ) -> Result<ReadResourceResult, Error> {
        self.client(server)?.read_resource(uri).await
    }

    /// The connection to one server, by its name in the configuration.
    ///
    /// It is for this connection only: after a restart there is another one. A client that is kept
    /// keeps its server from ending when it is dropped, not when the group is shut down.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when the group has no such server, [`Error::Closed`] when it is not
    /// connected, with its status.
    pub fn client(&self, server: &str) -> Result<Client, Error> {
        self.roster().client(server)
    }

    /// Makes the group that of another configuration: starts servers that are new, ends those that
    /// are gone, restarts those whose entry has changed, and leaves the rest alone.
    ///
    /// Changes that concern no connection (which tools are used, unknown keys) are taken over
    /// without a restart. A server that has failed for good and whose entry is the same stays
    /// failed; [`restart`](Self::restart) tries it again. Returns when the servers that are gone
    /// have ended, and the others are connected or have failed, or after
    /// [`wait`](ClientGroupBuilder::wait).
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when the group was shut down.
    ///
    /// # Cancel safety
    ///
    /// Everything is set going at the first poll, and goes on when the future is dropped.
    pub async fn reconcile(&self, config: Config) -> Result<Reconciled, Error> {
        let roster = self.roster();
        let (reconciled, started, leaving) = {
            let mut state = roster.lock();
            state.check_open()?;
            let outcome = self.exchange(&mut state, config);
            state.remake_catalogue();
            outcome
        };
        roster.tell();
        let all = async {
            join_all(leaving.into_iter().map(Done::wait)).await;
            roster.settle(&started).await;
        };
        roster.settings.within_wait(all).await;
        Ok(reconciled)
    }

    /// Ends a server and starts it again, whatever its status, with all attempts before it.
    ///
    /// Returns when it is connected or has failed, or after [`wait`](ClientGroupBuilder::wait).
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when the group has no such server or was shut down.
    pub async fn restart(&self, server: &str) -> Result<(), Error> {
        let roster = self.roster();
        let started = {
            let mut state = roster.lock();
            state.check_open()?;
            let found = state.members.get_key_value(server);
            let Some((name, member)) = found else { return Err(roster::unknown(server)) };
            let (name, entry) = (Arc::clone(name), member.entry.clone());
            let predecessor = state.remove(server);
            let started = self.add(&mut state, &name, entry, predecessor);
            state.remake_catalogue();
            started
        };
        roster.tell();
        roster.settings.within_wait(roster.settle(&[started])).await;
        Ok(())
    }

    /// Ends all servers, in parallel, and returns when they have ended.
    ///
    /// Calls in flight fail at once, and the group cannot be used any more. It may be called on
    /// several handles. A server that is just being started is ended in the background.
    ///
    /// # Cancel safety
    ///
    /// The shutdown goes on when the future is dropped.
    pub async fn shutdown(&self) {
        join_all(self.roster().close().into_iter().map(Done::wait)).await;
    }

    fn roster(&self) -> &Arc<Roster> {
        &self.inner.roster
    }

    /// Exchanges the members; returns which were started, and which end.
    fn exchange(&self, state: &mut State, config: Config) -> (Reconciled, Vec<u64>, Vec<Done>) {
        let mut reconciled = Reconciled::default();
        let (mut started, mut leaving) = (Vec::new(), Vec::new());
        let entries = config.into_entries();
        let gone = state.members.keys().filter(|name| !entries.contains_key(&***name));
        for name in gone.cloned().collect::<Vec<_>>() {
            leaving.extend(state.remove(&name));
            reconciled.removed.insert(name.to_string());
        }
        for (name, entry) in entries {
            let Some(member) = state.members.get_mut(&*name) else {
                started.push(self.add(state, &name.as_str().into(), entry, None));
                reconciled.added.insert(name);
                continue;
            };
            match (&member.entry, entry) {
                (Ok(before), Ok(now)) if is_same_server(before, &now) => {
                    member.adopt(now);
                    reconciled.unchanged.insert(name);
                }
                (Err(before), Err(now)) if *before == now => {
                    reconciled.unchanged.insert(name);
                }
                (_, entry) => {
                    let predecessor = state.remove(&name);
                    started.push(self.add(state, &name.as_str().into(), entry, predecessor));
                    reconciled.changed.insert(name);
                }
            }
        }
        (reconciled, started, leaving)
    }

    /// Adds a server and starts it, if it is to be used and can be.
    fn add(
        &self,
        state: &mut State,
        name: &Arc<str>,
        entry: Entry,
        predecessor: Option<Done>,
    ) -> u64 {
        let id = state.next_id();
        let (status, keeper) = match &entry {
            Ok(config) if config.disabled => (Status::Disabled, None),
            Ok(config) => {
                let config = config.clone();
                let leash = Keeper::start(self.roster(), name, id, config, predecessor);
                (Status::Starting { failures: 0 }, Some(leash))
            }
            Err(problem) => {
                let error = Arc::new(Error::from(problem.clone()));
                (Status::Failed { error, retry_at: None }, None)
            }
        };
        state.add(name, id, entry, status, keeper);
        id
    }
}

/// Whether a connection made for the one serves the other.
fn is_same_server(before: &ServerConfig, now: &ServerConfig) -> bool {
    before.endpoint == now.endpoint
        && before.disabled == now.disabled
        && before.timeout == now.timeout
        && before.require_profiles == now.require_profiles
        && before.prefer_profiles == now.prefer_profiles
        && before.era == now.era
}

impl fmt::Debug for ClientGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientGroup").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.roster.close();
    }
}

/// Changes of a group; see [`ClientGroup::watch`].
pub struct GroupChanges {
    roster: Arc<Roster>,
    seen: watch::Receiver<u64>,
}

impl GroupChanges {
    /// Waits for the next change and returns how each server is doing then; `None` when the group
    /// was shut down or dropped and all its servers have ended.
    ///
    /// Changes that come while nobody waits are one change. It also returns when the tools of a
    /// server have changed.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<BTreeMap<String, Status>> {
        if !self.seen.has_changed().unwrap_or_default() && self.roster.is_over() {
            return None;
        }
        self.seen.changed().await.ok()?;
        Some(self.roster.status())
    }
}

impl fmt::Debug for GroupChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupChanges").finish_non_exhaustive()
    }
}
