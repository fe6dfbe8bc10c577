//! The keys of an issuer, fetched when they are needed and kept for a while.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use mcp_auth::jose::KeySet;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use crate::server::AUTHORIZATION;

/// For how long keys are kept when the issuer does not say.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// For how long keys are kept at least, whatever the issuer says.
const FRESH_AT_LEAST: Duration = Duration::from_secs(60);
/// For how long keys are kept at most, whatever the issuer says.
const FRESH_AT_MOST: Duration = Duration::from_secs(24 * 60 * 60);
/// For how long keys are used after that while the issuer cannot be reached.
const STALE: Duration = Duration::from_secs(60 * 60);
/// How much time lies between two fetches while there are keys.
const BETWEEN: Duration = Duration::from_secs(30);
/// How much time lies between two fetches while there are none.
const BETWEEN_WITHOUT_KEYS: Duration = Duration::from_secs(5);
/// How long a fetch may take.
const FETCH: Duration = Duration::from_secs(15);
/// How long a request waits for newer keys when it could go on with the old ones.
const PATIENCE: Duration = Duration::from_secs(2);

/// Keys as they were fetched, and for how long the issuer lets them be kept.
pub(super) type Fetched = (KeySet, Option<Duration>);

/// How keys are fetched; why not is a reason for the log.
pub(super) type Fetch = Arc<dyn Fn() -> BoxFuture<'static, Result<Fetched, String>> + Send + Sync>;

/// The keys of one issuer.
///
/// One fetch is under way at a time, in a task of its own: a caller that leaves does not stop what
/// others wait for. However many requests ask for unknown keys, there is one fetch in half a minute.
pub(super) struct CachedKeys {
    fetch: Fetch,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// The fetch that is under way.
    flight: Option<Flight>,
    attempted: Option<Instant>,
    /// Why the last fetch failed, if it did.
    failure: Option<String>,
}

struct Held {
    keys: Arc<KeySet>,
    fresh_until: Instant,
}

struct Flight {
    /// Closed when the fetch has ended, whichever way, and in the time that it may take.
    ended: watch::Receiver<()>,
    task: AbortHandle,
}

impl CachedKeys {
    pub(super) fn new(fetch: Fetch) -> Self {
        Self { fetch, state: Arc::default() }
    }

    /// The keys to check a token with.
    ///
    /// # Errors
    ///
    /// There are none, and why: they cannot be fetched, or the ones held are too old.
    pub(super) async fn current(&self) -> Result<Arc<KeySet>, String> {
        let (held, flight) = {
            let mut state = self.state();
            let now = Instant::now();
            match state.held(now) {
                Some((keys, true)) => return Ok(keys),
                Some((keys, false)) => (Some(keys), self.fetch(&mut state, now)),
                None => (None, self.fetch(&mut state, now)),
            }
        };
        if let Some(mut ended) = flight {
            // It never changes: it is closed in the end. Whatever came of it is in the state.
            match held {
                Some(_) => drop(timeout(PATIENCE, ended.changed()).await),
                None => drop(ended.changed().await),
            }
        }
        let mut state = self.state();
        match state.held(Instant::now()) {
            Some((keys, _)) => Ok(keys),
            None => {
                Err(state.failure.clone().unwrap_or_else(|| "the keys have not come yet".into()))
            }
        }
    }

    /// Keys that came after these, where a token is signed with a key that is not among them.
    pub(super) async fn newer_than(&self, keys: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        let newer = |state: &mut State| {
            let (held, _) = state.held(Instant::now())?;
            (!Arc::ptr_eq(&held, keys)).then_some(held)
        };
        let mut ended = {
            let mut state = self.state();
            if let Some(newer) = newer(&mut state) {
                return Some(newer);
            }
            self.fetch(&mut state, Instant::now())?
        };
        drop(ended.changed().await);
        newer(&mut self.state())
    }

    /// The fetch that is under way, or that begins now if there was none lately.
    fn fetch(&self, state: &mut State, now: Instant) -> Option<watch::Receiver<()>> {
        // A fetch that panicked has left the state as it was.
        state.flight.take_if(|flight| flight.ended.has_changed().is_err());
        if let Some(flight) = &state.flight {
            return Some(flight.ended.clone());
        }
        let between = if state.held.is_some() { BETWEEN } else { BETWEEN_WITHOUT_KEYS };
        if state.attempted.is_some_and(|attempted| now < attempted + between) {
            return None;
        }
        state.attempted = Some(now);
        let (ends, ended) = watch::channel(());
        let (fetched, shared) = (timeout(FETCH, (self.fetch)()), Arc::downgrade(&self.state));
        let task = tokio::spawn(async move {
            let fetched = fetched
                .await
                .unwrap_or_else(|_| Err("the issuer took too long to give its keys".into()));
            if let Some(state) = shared.upgrade() {
                locked(&state).end(fetched, Instant::now());
            }
            drop(ends);
        });
        state.flight = Some(Flight { ended: ended.clone(), task: task.abort_handle() });
        Some(ended)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

impl Drop for CachedKeys {
    fn drop(&mut self) {
        if let Some(flight) = &self.state().flight {
            flight.task.abort();
        }
    }
}

impl fmt::Debug for CachedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("CachedKeys")
            .field("keys", &state.held.as_ref().map(|held| held.keys.len()))
            .field("failure", &state.failure)
            .finish_non_exhaustive()
    }
}

impl State {
    /// The keys that may be used at this time, and whether they are fresh.
    fn held(&mut self, now: Instant) -> Option<(Arc<KeySet>, bool)> {
        self.held.take_if(|held| held.fresh_until + STALE <= now);
        let held = self.held.as_ref()?;
        Some((Arc::clone(&held.keys), now < held.fresh_until))
    }

    fn end(&mut self, fetched: Result<Fetched, String>, now: Instant) {
        self.flight = None;
        match fetched {
            Ok((keys, max_age)) => {
                let fresh = max_age.unwrap_or(FRESH).clamp(FRESH_AT_LEAST, FRESH_AT_MOST);
                self.held = Some(Held { keys: Arc::new(keys), fresh_until: now + fresh });
                self.failure = None;
            }
            Err(failure) => {
                tracing::warn!(target: AUTHORIZATION, %failure, "cannot fetch the keys of an issuer");
                self.failure = Some(failure);
            }
        }
    }
}

/// Every change of the state is whole: a panic elsewhere leaves nothing half done.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// An issuer that counts what it is asked; each answer is another set of keys.
    #[derive(Clone, Default)]
    struct Issuer {
        asked: Arc<AtomicUsize>,
        is_down: Arc<std::sync::atomic::AtomicBool>,
        takes: Duration,
        max_age: Option<Duration>,
    }

    impl Issuer {
        fn keys(&self) -> CachedKeys {
            let issuer = self.clone();
            CachedKeys::new(Arc::new(move || {
                let issuer = issuer.clone();
                Box::pin(async move {
                    issuer.asked.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(issuer.takes).await;
                    if issuer.is_down.load(Ordering::SeqCst) {
                        return Err("down".into());
                    }
                    Ok((KeySet::default(), issuer.max_age))
                })
            }))
        }

        fn asked(&self) -> usize {
            self.asked.load(Ordering::SeqCst)
        }

        fn goes(&self, down: bool) {
            self.is_down.store(down, Ordering::SeqCst);
        }
    }

    async fn pass(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn keys_are_fetched_once_for_all_who_wait_and_kept() {
        let issuer = Issuer { takes: Duration::from_secs(1), ..Issuer::default() };
        let keys = issuer.keys();
        let (one, other) = tokio::join!(keys.current(), keys.current());
        assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
        pass(FRESH - Duration::from_secs(2)).await;
        keys.current().await.unwrap();
        assert_eq!(issuer.asked(), 1);
        pass(Duration::from_secs(3)).await;
        keys.current().await.unwrap();
        assert_eq!(issuer.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn age_that_the_issuer_names_counts_within_bounds() {
        for (max_age, kept) in [(0, 60), (600, 600), (1_000_000_000, 24 * 60 * 60)] {
            let issuer =
                Issuer { max_age: Some(Duration::from_secs(max_age)), ..Issuer::default() };
            let keys = issuer.keys();
            keys.current().await.unwrap();
            pass(Duration::from_secs(kept - 1)).await;
            keys.current().await.unwrap();
            assert_eq!(issuer.asked(), 1, "{max_age}");
            pass(Duration::from_secs(1)).await;
            keys.current().await.unwrap();
            assert_eq!(issuer.asked(), 2, "{max_age}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn flood_of_unknown_keys_costs_one_fetch_in_half_a_minute() {
        let issuer = Issuer::default();
        let keys = issuer.keys();
        let mut held = keys.current().await.unwrap();
        for _ in 0..1_000 {
            assert!(keys.newer_than(&held).await.is_none());
        }
        assert_eq!(issuer.asked(), 1);
        for round in 2..5 {
            pass(BETWEEN).await;
            let newer = keys.newer_than(&held).await.expect("the keys were rotated");
            for _ in 0..100 {
                assert!(keys.newer_than(&newer).await.is_none());
                assert!(keys.newer_than(&held).await.is_some());
            }
            held = newer;
            assert_eq!(issuer.asked(), round);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn old_keys_are_used_for_an_hour_while_the_issuer_is_down() {
        let issuer = Issuer::default();
        let keys = issuer.keys();
        keys.current().await.unwrap();
        issuer.goes(true);
        pass(FRESH + STALE - Duration::from_secs(1)).await;
        keys.current().await.unwrap();
        pass(Duration::from_secs(1)).await;
        assert_eq!(keys.current().await.unwrap_err(), "down");
        issuer.goes(false);
        assert_eq!(keys.current().await.unwrap_err(), "down");
        pass(BETWEEN).await;
        keys.current().await.unwrap();
        assert_eq!(issuer.asked(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn issuer_that_hangs_delays_few_requests_and_not_for_long() {
        let issuer = Issuer::default();
        let mut slow = issuer.clone();
        slow.takes = Duration::from_secs(3_600);
        let keys = CachedKeys { fetch: slow.keys().fetch.clone(), state: Arc::default() };
        let begun = Instant::now();
        assert!(keys.current().await.unwrap_err().contains("too long"));
        assert_eq!(begun.elapsed(), FETCH);
        let keys = issuer.keys();
        keys.current().await.unwrap();
        let keys = CachedKeys { fetch: slow.keys().fetch.clone(), state: Arc::clone(&keys.state) };
        pass(FRESH).await;
        let begun = Instant::now();
        keys.current().await.unwrap();
        assert_eq!(begun.elapsed(), PATIENCE);
        pass(FETCH).await;
        let begun = Instant::now();
        keys.current().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn caller_that_leaves_does_not_stop_the_fetch() {
        let issuer = Issuer { takes: Duration::from_secs(1), ..Issuer::default() };
        let keys = issuer.keys();
        timeout(Duration::from_millis(10), keys.current()).await.unwrap_err();
        keys.current().await.unwrap();
        assert_eq!(issuer.asked(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn fetch_ends_with_the_cache() {
        let issuer = Issuer { takes: Duration::from_secs(1), ..Issuer::default() };
        let keys = issuer.keys();
        timeout(Duration::from_millis(10), keys.current()).await.unwrap_err();
        let mut ended = keys.state().flight.as_ref().unwrap().ended.clone();
        drop(keys);
        assert!(timeout(Duration::from_millis(10), ended.changed()).await.unwrap().is_err());
    }
}
