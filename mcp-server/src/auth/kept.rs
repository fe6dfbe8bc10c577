//! What was found out about tokens, kept for a while.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// For how many tokens something is kept.
const MOST: usize = 4_096;

/// What was found out about tokens that are good, each until a time of its own.
///
/// Nothing is kept of bad ones, so that a flood of them does not drive out the others. Without room
/// the one that ends first has to go.
#[derive(Debug)]
pub(super) struct Kept<T>(Mutex<Table<T>>);

#[derive(Debug)]
struct Table<T> {
    of_token: HashMap<TokenHash, (Instant, T)>,
    by_end: BTreeSet<(Instant, TokenHash)>,
}

/// What a token is known by: whoever reads this memory does not find the token itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

impl<T: Clone> Kept<T> {
    pub(super) fn get(&self, token: TokenHash, now: Instant) -> Option<T> {
        self.with(|table| {
            let (until, value) = table.of_token.get(&token)?;
            (now < *until).then(|| value.clone())
        })
    }

    pub(super) fn keep(&self, token: TokenHash, value: T, now: Instant, until: Instant) {
        self.with(|table| {
            if let Some((until, _)) = table.of_token.insert(token, (until, value)) {
                table.by_end.remove(&(until, token));
            }
            table.by_end.insert((until, token));
            while let Some((until, token)) = table.by_end.first().copied() {
                if until > now && table.by_end.len() <= MOST {
                    break;
                }
                table.by_end.pop_first();
                table.of_token.remove(&token);
            }
        });
    }

    fn with<R>(&self, run: impl FnOnce(&mut Table<T>) -> R) -> R {
        // Nothing between two changes can panic: the parts agree whatever happened elsewhere.
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(Table { of_token: HashMap::new(), by_end: BTreeSet::new() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn room_is_bounded_and_what_is_kept_ends() {
        let kept = Kept::default();
        let begin = Instant::now();
        let token = |number: usize| TokenHash::of(&number.to_string());
        let at = |number: usize| begin + Duration::from_millis(u64::try_from(number).unwrap());
        let sizes = || kept.with(|table| (table.of_token.len(), table.by_end.len()));
        for number in 0..MOST + 10 {
            kept.keep(token(number), number, begin, at(number + 100));
        }
        assert_eq!(sizes(), (MOST, MOST));
        assert_eq!(kept.get(token(9), begin), None);
        assert_eq!(kept.get(token(10), begin), Some(10));
        assert_eq!(kept.get(token(10), at(110)), None);
        kept.keep(token(1_000), 1, begin, at(10));
        kept.keep(token(1_000), 2, at(99_999), at(100_000));
        assert_eq!(sizes(), (1, 1));
        assert_eq!(kept.get(token(1_000), at(99_999)), Some(2));
    }
}
