//! Keeping results for as long as the server says that they are fresh.
//!
//! Spec: 2026-07-28, server/utilities/caching. A result is found again under the server, the
//! protocol version, the profiles that were asked for, the method and the exact parameters; a
//! private one also under whom the server takes the client for. Earlier revisions say nothing about
//! how long a result is fresh, so nothing of theirs is kept.
//!
//! What is kept confirms nothing: profiles are checked by the session, on results that come from
//! the server.

mod store;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mcp_core::profile;
use mcp_core::session::client::Established;
use mcp_core::types::{CacheHints, CacheScope};
use mcp_core::version::Era;
use mcp_core::wire::Members;
use serde_json::value::RawValue;

use crate::handshake::now;
use store::{Entry, Store};

/// Results that servers allow to be kept; see [`ClientBuilder::cache`](crate::ClientBuilder::cache).
///
/// Lists of tools, prompts, resources and templates, and resources that were read. Cloning gives
/// another handle to the same cache, so that several clients can share it: what a server calls
/// public is then shared between all clients of that server, and what it calls private between
/// those that it takes for the same caller. What has to make room is what was not used for longest.
///
/// A notification that a list or a resource has changed removes it for every client. What was asked
/// for before the notification and answered after it is not kept.
///
/// # Examples
///
/// ```no_run
/// # async fn show() -> Result<(), mcp_client::Error> {
/// use mcp_client::{Cache, ChildProcess, Client};
///
/// let server = ChildProcess::new("vidsrus-server");
/// let client = Client::builder("viewer", "1.0").cache(Cache::new()).connect(server).await?;
/// let tools = client.list_all_tools().await?;
/// let again = client.list_all_tools().await?; // as long as it is fresh, nothing is sent
/// # let _ = (tools, again);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Cache {
    store: Arc<Mutex<Store>>,
}

impl Cache {
    /// An empty cache that holds at most 16 MiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty cache that holds at most this many bytes of results and of what they are found by.
    pub fn with_limit(bytes: usize) -> Self {
        Self { store: Arc::new(Mutex::new(Store::with_limit(bytes))) }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How many results are kept, fresh or not.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes are held.
    pub fn bytes(&self) -> usize {
        self.lock().bytes()
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // Every change of the store is whole before anything in it can panic.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Which server it is, and whom it takes the client for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity {
    /// `None` for a server like no other.
    pub(crate) server: Option<String>,
    pub(crate) caller: String,
}

/// A cache, as one connection uses it.
#[derive(Clone)]
pub(crate) struct Shelf {
    cache: Cache,
    server: u64,
    /// What keys of private results begin with, and those of public ones.
    private: Arc<str>,
    public: Arc<str>,
}

/// A moment in the life of a cache: what was asked for before something changed is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Shelf {
    /// The part of a cache for one session, if its era has caching.
    pub(crate) fn new(cache: Cache, identity: &Identity, session: &Established) -> Option<Self> {
        let agreed = session.agreed();
        if agreed.era() != Era::Modern {
            return None;
        }
        let server = cache.lock().number_of(identity.server.as_deref());
        let profiles: Vec<_> = session.requested().iter().map(|url| url.as_str()).collect();
        // Each part is quoted or without spaces, so that no two keys can be read alike.
        let public = format!("{server} {} {:?}", agreed.version(), profiles.join(" "));
        let private = format!("{public} {:?}", identity.caller);
        Some(Self { cache, server, private: private.into(), public: public.into() })
    }

    /// What is kept of a request and fresh.
    pub(crate) fn find(&self, method: &str, params: &RawValue) -> Option<Arc<str>> {
        let mut store = self.cache.lock();
        let mut find = |space| store.find(&key(space, method, params), now());
        find(&self.private).or_else(|| find(&self.public))
    }

    /// The present, for [`Shelf::keep`].
    pub(crate) fn moment(&self) -> Moment {
        Moment(self.cache.lock().moment())
    }

    /// Keeps a result that was asked for then, if the server allows it.
    pub(crate) fn keep(
        &self,
        method: &str,
        params: &RawValue,
        result: &str,
        asked: Moment,
        received: Instant,
    ) {
        let Some((hints, answers)) = hints(result).filter(|(hints, _)| hints.ttl_ms > 0) else {
            return;
        };
        let Some(until) = received.checked_add(Duration::from_millis(hints.ttl_ms)) else { return };
        let space = match hints.cache_scope {
            // What was said to one caller is nothing for others, whatever the server calls it.
            CacheScope::Public if !answers => &self.public,
            _ => &self.private,
        };
        let uri = match method {
            READ => Members::read(Some(params)).ok().and_then(|params| {
                params.string("uri").ok().flatten().map(|uri| uri.as_ref().into())
            }),
            _ => None,
        };
        let entry =
            Entry { server: self.server, method: method.into(), uri, result: result.into(), until };
        self.cache.lock().keep(key(space, method, params), entry, asked.0);
    }

    /// Forgets what a notification says has changed.
    pub(crate) fn heard(&self, method: &str, params: &Members<'_>) {
        match method {
            "notifications/tools/list_changed" => self.forget("tools/list"),
            "notifications/prompts/list_changed" => self.forget("prompts/list"),
            "notifications/resources/list_changed" => {
                self.forget("resources/list");
                self.forget("resources/templates/list");
            }
            "notifications/resources/updated" => {
                let uri = params.string("uri").ok().flatten();
                self.cache.lock().forget(self.server, READ, |known| match (&uri, known) {
                    // What has changed may lie within what was read.
                    (Some(uri), Some(known)) => uri.starts_with(known),
                    _ => true,
                });
            }
            _ => {}
        }
    }

    /// Forgets all results of a method.
    pub(crate) fn forget(&self, method: &str) {
        self.cache.lock().forget(self.server, method, |_| true);
    }
}

/// How long a result may be kept and for whom, and whether it answers this caller about profiles.
fn hints(result: &str) -> Option<(CacheHints, bool)> {
    let hints: CacheHints = serde_json::from_str(result).ok()?;
    let result: &RawValue = serde_json::from_str(result).ok()?;
    let members = Members::read(Some(result)).ok()?;
    let meta = Members::read(members.raw("_meta")).ok()?;
    Some((hints, meta.raw(profile::EXTENSION).is_some()))
}

fn key(space: &str, method: &str, params: &RawValue) -> Box<str> {
    format!("{space} {method} {}", params.get()).into()
}

const READ: &str = "resources/read";
