//! What is kept, within a bound: what was not used for longest goes first.
//!
//! It knows keys and times, and nothing of where they come from.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

/// One result.
pub(super) struct Entry {
    pub(super) server: u64,
    pub(super) method: Box<str>,
    /// The resource that it is, if it is one.
    pub(super) uri: Option<Box<str>>,
    pub(super) result: Arc<str>,
    /// Until when it is fresh.
    pub(super) until: Instant,
}

pub(super) struct Store {
    limit: usize,
    bytes: usize,
    entries: HashMap<Arc<str>, (Entry, u64)>,
    /// Keys by when they were used last.
    by_use: BTreeMap<u64, Arc<str>>,
    /// Counts uses and changes.
    clock: u64,
    /// When results of a method were last said to have changed, whichever server said so.
    changed: HashMap<Box<str>, u64>,
    /// When everything was forgotten.
    cleared: u64,
    /// Short names of the servers that several clients may talk to.
    servers: HashMap<Box<str>, u64>,
    last_server: u64,
}

/// How much is held unless said otherwise.
const LIMIT: usize = 16 * 1024 * 1024;
/// What an entry takes besides its texts, about.
const OVERHEAD: usize = 256;

impl Default for Store {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl Store {
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            bytes: 0,
            entries: HashMap::new(),
            by_use: BTreeMap::new(),
            clock: 0,
            changed: HashMap::new(),
            cleared: 0,
            servers: HashMap::new(),
            last_server: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The short name of a server; of one that is like no other, a new one.
    pub(super) fn number_of(&mut self, server: Option<&str>) -> u64 {
        if let Some(number) = server.and_then(|server| self.servers.get(server)) {
            return *number;
        }
        self.last_server += 1;
        self.servers.extend(server.map(|server| (server.into(), self.last_server)));
        self.last_server
    }

    pub(super) fn moment(&self) -> u64 {
        self.clock
    }

    pub(super) fn find(&mut self, key: &str, now: Instant) -> Option<Arc<str>> {
        let (entry, used) = self.entries.get_mut(key)?;
        if entry.until <= now {
            self.remove(key);
            return None;
        }
        let result = Arc::clone(&entry.result);
        self.clock += 1;
        let key = self.by_use.remove(used);
        *used = self.clock;
        self.by_use.extend(key.map(|key| (self.clock, key)));
        Some(result)
    }

    /// Keeps a result that was asked for at this moment.
    pub(super) fn keep(&mut self, key: Box<str>, entry: Entry, asked: u64) {
        let changed = self.changed.get(&entry.method).copied().unwrap_or(0).max(self.cleared);
        if changed > asked {
            return;
        }
        let size = size(&key, &entry);
        if size > self.limit {
            return;
        }
        self.remove(&key);
        self.clock += 1;
        let key: Arc<str> = key.into();
        self.by_use.insert(self.clock, Arc::clone(&key));
        self.entries.insert(key, (entry, self.clock));
        self.bytes += size;
        while self.bytes > self.limit
            && let Some((_, oldest)) = self.by_use.first_key_value()
        {
            let oldest = Arc::clone(oldest);
            self.remove(&oldest);
        }
    }

    /// Removes the results of a method, of the resources for which `concerns` says so.
    pub(super) fn forget(
        &mut self,
        server: u64,
        method: &str,
        concerns: impl Fn(Option<&str>) -> bool,
    ) {
        self.clock += 1;
        self.changed.insert(method.into(), self.clock);
        let gone = self.entries.iter().filter(|(_, (entry, _))| {
            entry.server == server && *entry.method == *method && concerns(entry.uri.as_deref())
        });
        let gone: Vec<_> = gone.map(|(key, _)| Arc::clone(key)).collect();
        gone.iter().for_each(|key| self.remove(key));
    }

    pub(super) fn clear(&mut self) {
        self.clock += 1;
        // What is on its way was asked for before.
        self.cleared = self.clock;
        self.entries.clear();
        self.by_use.clear();
        self.bytes = 0;
    }

    fn remove(&mut self, key: &str) {
        if let Some((entry, used)) = self.entries.remove(key) {
            self.by_use.remove(&used);
            self.bytes -= size(key, &entry);
        }
    }
}

fn size(key: &str, entry: &Entry) -> usize {
    key.len() + entry.result.len() + entry.uri.as_ref().map_or(0, |uri| uri.len()) + OVERHEAD
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn entry(result: &str, until: Instant) -> Entry {
        let method = "tools/list".into();
        Entry { server: 1, method, uri: None, result: result.into(), until }
    }

    fn store(limit: usize) -> (Store, Instant, Instant) {
        let now = Instant::now();
        (Store::with_limit(limit), now, now + Duration::from_secs(1))
    }

    #[test]
    fn what_is_stale_is_not_found_and_makes_room() {
        let (mut store, now, until) = store(10_000);
        store.keep("k".into(), entry("r", until), 0);
        assert_eq!(store.find("k", now).as_deref(), Some("r"));
        assert!(store.find("k", until).is_none());
        assert_eq!((store.len(), store.bytes()), (0, 0));
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let (mut store, now, until) = store(3 * (OVERHEAD + 2));
        for key in ["a", "b", "c"] {
            store.keep(key.into(), entry("r", until), 0);
        }
        assert!(store.find("a", now).is_some());
        store.keep("d".into(), entry("r", until), 0);
        assert!(store.find("b", now).is_none() && store.find("a", now).is_some());
        assert_eq!(store.len(), 3);
        store.keep("e".into(), entry(&"r".repeat(4 * OVERHEAD), until), 0);
        assert_eq!(store.len(), 3, "what is too large displaces nothing");
    }

    #[test]
    fn what_was_asked_for_before_a_change_is_not_kept() {
        let (mut store, now, until) = store(10_000);
        let asked = store.moment();
        store.forget(1, "tools/list", |_| true);
        store.keep("k".into(), entry("r", until), asked);
        assert!(store.find("k", now).is_none());
        let asked = store.moment();
        store.keep("k".into(), entry("r", until), asked);
        assert!(store.find("k", now).is_some());
    }

    #[test]
    fn keeping_anew_counts_once() {
        let (mut store, now, until) = store(10_000);
        store.keep("k".into(), entry("first", until), 0);
        store.keep("k".into(), entry("r", until), 0);
        assert_eq!((store.len(), store.bytes()), (1, OVERHEAD + 2));
        assert_eq!(store.find("k", now).as_deref(), Some("r"));
    }
}
