//! What the handle of a group and the keepers of its servers share.
//!
//! Owns who is in the group, how each is doing and what they offer together, behind one lock that
//! is never held across an await. It starts and ends nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_core::Error;
use tokio::sync::{Semaphore, oneshot, watch};

use super::builder::Settings;
use super::catalogue::{Catalogue, Offer, Part, Place};
use super::listing::Read;
use super::status::Status;
use crate::client::Client;
use crate::config::{ConfigError, ServerConfig, ToolFilter};
use crate::handshake::now;

/// The servers of a group.
pub(super) struct Roster {
    pub(super) settings: Settings,
    /// How many servers may be started at once.
    pub(super) starts: Semaphore,
    state: Mutex<State>,
    /// Counts changes of any status and of the catalogue.
    changes: watch::Sender<u64>,
}

pub(super) struct State {
    pub(super) members: BTreeMap<Arc<str>, Member>,
    /// Keepers whose servers have left the group and may not have ended yet.
    leaving: Vec<Done>,
    catalogue: Arc<Catalogue>,
    last_id: u64,
    closed: bool,
}

/// One server.
pub(super) struct Member {
    /// Tells it from an earlier one of the same name.
    id: u64,
    pub(super) entry: Entry,
    pub(super) status: Status,
    /// Whether its first attempt has come to an end.
    settled: bool,
    /// Whether nobody keeps it, or no longer.
    left: bool,
    client: Option<Client>,
    offer: Offer,
    keeper: Option<Leash>,
}

/// What the configuration says of a server.
pub(super) type Entry = Result<ServerConfig, ConfigError>;

/// The group's hold on a keeper: dropping it stops the server.
pub(super) struct Leash {
    pub(super) stop: oneshot::Sender<()>,
    pub(super) done: Done,
}

/// Tells when a keeper has ended, and its server with it.
#[derive(Clone)]
pub(super) struct Done(pub(super) watch::Receiver<()>);

impl Done {
    pub(super) async fn wait(mut self) {
        while self.0.changed().await.is_ok() {}
    }

    fn is_done(&self) -> bool {
        self.0.has_changed().is_err()
    }
}

impl Roster {
    pub(super) fn new(settings: Settings) -> Self {
        let state = State {
            members: BTreeMap::new(),
            leaving: Vec::new(),
            catalogue: Arc::default(),
            last_id: 0,
            closed: false,
        };
        Self {
            starts: Semaphore::new(settings.starts_at_once),
            settings,
            state: Mutex::new(state),
            changes: watch::Sender::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole before anything in it can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How all are doing.
    pub(super) fn status(&self) -> BTreeMap<String, Status> {
        let state = self.lock();
        state.members.iter().map(|(name, m)| (name.to_string(), m.status.clone())).collect()
    }

    pub(super) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.lock().catalogue)
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The connection to a server.
    pub(super) fn client(&self, server: &str) -> Result<Client, Error> {
        let state = self.lock();
        match state.members.get(server) {
            Some(Member { client: Some(client), .. }) => Ok(client.clone()),
            Some(member) => Err(Error::Closed(format!(
                "the server `{}` is not connected: {}",
                server.escape_debug(),
                member.status
            ))),
            None => Err(unknown(server)),
        }
    }

    /// The connection to the server of an item, and what the item is called there.
    pub(super) fn find(
        &self,
        kind: &str,
        name: &str,
        look_up: impl FnOnce(&Catalogue) -> Option<&Place>,
    ) -> Result<(Client, Arc<str>), Error> {
        let Some(Place { server, item }) = look_up(&self.catalogue()).cloned() else {
            return Err(Error::Misuse(format!(
                "no server of the group has a {kind} `{}`: `{kind}s` lists those there are",
                name.escape_debug()
            )));
        };
        Ok((self.client(&server)?, item))
    }

    /// Changes how a server is doing, unless it has left the group.
    pub(super) fn report(&self, server: &str, id: u64, status: Status) {
        self.change(server, id, |member| {
            let was_connected = member.client.take().is_some();
            member.settled |= !matches!(status, Status::Starting { .. });
            member.status = status;
            was_connected
        });
    }

    /// Notes that nobody keeps a server any more, and how it ended.
    pub(super) fn left(&self, server: &str, id: u64, status: Status) {
        self.change(server, id, |member| {
            (member.status, member.settled, member.left) = (status, true, true);
            member.client.take().is_some()
        });
    }

    /// Notes that a server is connected. It has settled only when its lists were read.
    pub(super) fn connected(&self, server: &str, id: u64, client: &Client) {
        self.change(server, id, |member| {
            let agreed = client.negotiated();
            let tools = member.used_tools();
            member.status = Status::Connected { agreed, tools, since: now(), problem: None };
            member.client = Some(client.clone());
            true
        });
    }

    /// Notes what was read of a server's lists.
    pub(super) fn offers(&self, server: &str, id: u64, read: Read) {
        self.change(server, id, |member| {
            let failed = read.renew(&mut member.offer).map(Arc::new);
            member.settled = true;
            let count = member.used_tools();
            if let Status::Connected { tools, problem, .. } = &mut member.status {
                (*tools, *problem) = (count, failed);
            }
            true
        });
    }

    /// Waits until each of these servers is connected or has failed for the first time.
    pub(super) async fn settle(&self, ids: &[u64]) {
        let mut changes = self.subscribe();
        let waiting = |state: &State| {
            state.members.values().any(|member| !member.settled && ids.contains(&member.id))
        };
        while waiting(&self.lock()) && changes.changed().await.is_ok() {}
    }

    /// Stops all servers; nobody is added any more.
    pub(super) fn close(&self) -> Vec<Done> {
        let mut state = self.lock();
        state.closed = true;
        let leashes = state.members.values_mut().filter_map(|member| member.keeper.take());
        let mut leaving: Vec<_> = leashes.map(Leash::slip).collect();
        leaving.append(&mut state.leaving);
        state.leaving.clone_from(&leaving);
        drop(state);
        self.tell();
        leaving
    }

    /// Whether the group was closed and all its servers have ended.
    pub(super) fn is_over(&self) -> bool {
        let state = self.lock();
        state.closed && state.members.values().all(|member| member.left)
    }

    /// Tells everybody who watches to look again.
    pub(super) fn tell(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes a server, if it is still the same one; true from `change` remakes the catalogue.
    fn change(&self, server: &str, id: u64, change: impl FnOnce(&mut Member) -> bool) {
        let mut state = self.lock();
        let Some(member) = state.members.get_mut(server).filter(|member| member.id == id) else {
            return;
        };
        if change(member) {
            state.remake_catalogue();
        }
        drop(state);
        self.tell();
    }
}

impl State {
    /// Refuses changes of a group that was shut down.
    pub(super) fn check_open(&self) -> Result<(), Error> {
        match self.closed {
            true => Err(Error::Misuse("the group was shut down: make a new one".to_owned())),
            false => Ok(()),
        }
    }

    /// A number that no server of this group had before.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Adds a server in place of an earlier one of its name.
    pub(super) fn add(
        &mut self,
        name: &Arc<str>,
        id: u64,
        entry: Entry,
        status: Status,
        keeper: Option<Leash>,
    ) {
        let settled = !matches!(status, Status::Starting { .. });
        let offer = Offer::default();
        let left = keeper.is_none();
        let member = Member { id, entry, status, settled, left, client: None, offer, keeper };
        self.members.insert(Arc::clone(name), member);
    }

    /// Stops a server, which is forgotten; tells when it has ended.
    pub(super) fn remove(&mut self, name: &str) -> Option<Done> {
        let done = self.members.remove(name)?.keeper?.slip();
        self.leaving.retain(|done| !done.is_done());
        self.leaving.push(done.clone());
        Some(done)
    }

    pub(super) fn remake_catalogue(&mut self) {
        static ALL: ToolFilter = ToolFilter::ALL;
        let parts = self.members.iter().map(|(server, member)| Part {
            server,
            offer: &member.offer,
            filter: member.entry.as_ref().map_or(&ALL, |config| &config.tools),
            listed: member.client.is_some(),
        });
        self.catalogue = Arc::new(Catalogue::new(parts));
    }
}

impl Member {
    /// Takes over a configuration that asks for no new start.
    pub(super) fn adopt(&mut self, config: ServerConfig) {
        self.entry = Ok(config);
        let count = self.used_tools();
        if let Status::Connected { tools, .. } = &mut self.status {
            *tools = count;
        }
    }

    fn used_tools(&self) -> usize {
        let tools = self.offer.tools.iter();
        match &self.entry {
            Ok(config) => tools.filter(|tool| config.tools.allows(&tool.name)).count(),
            Err(_) => tools.count(),
        }
    }
}

impl Leash {
    /// Stops the keeper; it tells when its server has ended.
    fn slip(self) -> Done {
        // A keeper that has ended by itself does not hear it.
        let _ = self.stop.send(());
        self.done
    }
}

pub(super) fn unknown(server: &str) -> Error {
    Error::Misuse(format!(
        "the group has no server `{}`: `status` lists those there are",
        server.escape_debug()
    ))
}
