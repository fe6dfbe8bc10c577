//! How much of unfinished answers a connection holds, all of them together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::HttpError;

/// The bound of a connection.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    held: Arc<AtomicUsize>,
    most: usize,
}

/// What one answer holds; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(most: usize) -> Self {
        Self { held: Arc::default(), most }
    }

    /// Nothing yet, of a new answer.
    pub(super) fn hold(&self) -> Held {
        Held { budget: self.clone(), bytes: 0 }
    }
}

impl Held {
    /// The answer holds so many bytes now.
    ///
    /// # Errors
    ///
    /// All answers together hold too much.
    pub(super) fn set(&mut self, bytes: usize) -> Result<(), HttpError> {
        let Budget { held, most } = &self.budget;
        if bytes <= self.bytes {
            held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            self.bytes = bytes;
            return Ok(());
        }
        let more = bytes - self.bytes;
        let before = held.fetch_add(more, Ordering::Relaxed);
        self.bytes = bytes;
        match before + more > *most {
            true => Err(HttpError::TooMuch { limit: *most }),
            false => Ok(()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_share_the_bound_and_give_back_what_they_held() {
        let budget = Budget::new(10);
        let (mut first, mut second) = (budget.hold(), budget.hold());
        first.set(6).unwrap();
        second.set(4).unwrap();
        assert!(matches!(second.set(5), Err(HttpError::TooMuch { limit: 10 })));
        first.set(2).unwrap();
        second.set(8).unwrap();
        drop(first);
        second.set(10).unwrap();
        drop(second);
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }
}
