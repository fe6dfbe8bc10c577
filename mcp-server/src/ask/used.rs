//! Which sealed states were used up.
//!
//! Owns the trait of a store and the one in memory. Sealing alone does not make a state good for one
//! use only (2026-07-28, basic/patterns/mrtr, the warning under "Server Requirements").

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use futures_util::future::BoxFuture;

use super::seal::StateId;

/// Remembers which sealed states were used, so that each is accepted once.
///
/// Servers ask it for tools that are neither read-only nor idempotent. The one in memory,
/// [`UsedInMemory`], is enough for one process; several processes that share
/// [`StateKeys`](crate::StateKeys) need one store for all of them, such as a table with the id as
/// its primary key. That is why the question is asynchronous.
pub trait UsedStates: Send + Sync + 'static {
    /// Marks a state as used and says whether it was unused before.
    ///
    /// Marking and looking have to be one step: of two calls with the same id at the same time one
    /// gets `false`. The state expires at `expires`; nobody asks for it later, and it can be
    /// forgotten then.
    ///
    /// # Errors
    ///
    /// When the store cannot tell. The call is answered with an internal error, and nothing runs.
    fn use_up(&self, state: StateId, expires: SystemTime) -> BoxFuture<'_, io::Result<bool>>;
}

/// Used states in the memory of this process.
///
/// It holds a bounded number of them. Beyond that those that expire first are forgotten, and with
/// them every state that expires no later counts as used: a flood of states ends old questions
/// early, but never lets one be answered twice.
pub struct UsedInMemory {
    most: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    by_expiry: BTreeSet<(SystemTime, StateId)>,
    /// States that expire no later than this count as used.
    forgotten: Option<SystemTime>,
}

impl UsedInMemory {
    /// How many states are held unless another number is asked for.
    pub const DEFAULT_CAPACITY: usize = 65_536;

    /// Holds at most this many states, and at least one.
    pub fn with_capacity(most: usize) -> Self {
        Self { most: most.max(1), used: Mutex::default() }
    }

    fn mark(&self, state: StateId, expires: SystemTime, now: SystemTime) -> bool {
        // A set of copies is whole at any time: a panic elsewhere leaves nothing half done.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.forgotten.is_some_and(|forgotten| expires <= forgotten) {
            return false;
        }
        let is_new = used.by_expiry.insert((expires, state));
        while used.by_expiry.first().is_some_and(|(expired, _)| *expired <= now) {
            used.by_expiry.pop_first();
        }
        if used.by_expiry.len() > self.most {
            used.forgotten = used.by_expiry.pop_first().map(|(expires, _)| expires);
        }
        is_new
    }
}

impl Default for UsedInMemory {
    fn default() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }
}

impl UsedStates for UsedInMemory {
    fn use_up(&self, state: StateId, expires: SystemTime) -> BoxFuture<'_, io::Result<bool>> {
        let was_unused = self.mark(state, expires, SystemTime::now());
        Box::pin(std::future::ready(Ok(was_unused)))
    }
}

impl fmt::Debug for UsedInMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsedInMemory").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn id(number: u8) -> StateId {
        StateId::from_number(number)
    }

    #[test]
    fn a_state_is_accepted_once() {
        let used = UsedInMemory::default();
        assert!(used.mark(id(1), at(900), at(0)));
        assert!(!used.mark(id(1), at(900), at(1)));
        assert!(used.mark(id(2), at(900), at(1)));
        assert!(!used.mark(id(2), at(900), at(899)));
    }

    #[test]
    fn expired_states_take_no_room() {
        let used = UsedInMemory::with_capacity(2);
        for number in 0..100 {
            let now = u64::from(number) * 1_000;
            assert!(used.mark(id(number), at(now + 900), at(now)));
            assert!(used.used.lock().unwrap().by_expiry.len() <= 2);
        }
        assert_eq!(used.used.lock().unwrap().forgotten, None);
    }

    #[test]
    fn what_does_not_fit_is_forgotten_and_counts_as_used() {
        let used = UsedInMemory::with_capacity(2);
        for number in 0..5 {
            assert!(used.mark(id(number), at(900 + u64::from(number)), at(0)));
        }
        assert_eq!(used.used.lock().unwrap().by_expiry.len(), 2);
        for number in 0..5 {
            assert!(!used.mark(id(number), at(900 + u64::from(number)), at(0)), "{number}");
        }
        assert!(!used.mark(id(9), at(902), at(0)));
        assert!(used.mark(id(9), at(905), at(0)));
    }

    #[tokio::test]
    async fn the_store_in_memory_answers_at_once() {
        let used = UsedInMemory::default();
        let soon = SystemTime::now() + Duration::from_secs(60);
        assert!(used.use_up(id(1), soon).await.unwrap());
        assert!(!used.use_up(id(1), soon).await.unwrap());
    }
}
