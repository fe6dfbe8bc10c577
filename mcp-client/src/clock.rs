//! The clock that deadlines of a connection go by.
//!
//! It stands still while authorization is being obtained: a person who reads a page of consent is
//! no reason to give the server up. It runs behind the runtime's own clock by the time for which it
//! stood still. It does not know who stops it, nor for what.

use std::time::{Duration, Instant};

use tokio::select;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::handshake::now;

/// A clock that can be made to stand still; clones show the same time.
#[derive(Debug, Clone)]
pub(crate) struct Clock(watch::Sender<Hands>);

#[derive(Debug, Clone, Copy, Default)]
struct Hands {
    /// How many want it to stand still.
    held: usize,
    /// Since when it stands still.
    since: Option<Instant>,
    /// How far it is behind.
    behind: Duration,
}

/// The clock stands still until this is dropped.
#[derive(Debug)]
pub(crate) struct Still<'a>(&'a Clock);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Hands::default()))
    }

    /// What it shows.
    pub(crate) fn now(&self) -> Instant {
        self.0.borrow().shown()
    }

    /// When the runtime's own clock will show this, if nothing holds this one; as long as
    /// something does, when to look again.
    pub(crate) fn rings_at(&self, deadline: Instant) -> Instant {
        let hands = *self.0.borrow();
        let left = deadline.saturating_duration_since(hands.shown());
        let left = if hands.since.is_some() { left.max(LOOK) } else { left };
        now().checked_add(left).unwrap_or(deadline)
    }

    /// Makes it stand still.
    pub(crate) fn stand_still(&self) -> Still<'_> {
        self.0.send_modify(|hands| {
            hands.held += 1;
            hands.since.get_or_insert_with(now);
        });
        Still(self)
    }

    /// Waits until it shows this; for ever without.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn until(&self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return std::future::pending().await };
        let mut news = self.0.subscribe();
        loop {
            let hands = *news.borrow_and_update();
            let left = deadline.saturating_duration_since(hands.shown());
            if left.is_zero() {
                return;
            }
            // The sender lives as long as `self`, so that the only outcome is news.
            match hands.since {
                Some(_) => drop(news.changed().await),
                None => select! {
                    () = sleep(left) => {}
                    _ = news.changed() => {}
                },
            }
        }
    }

    /// The outcome of this, unless the clock has gone on for so long before; `None` then.
    ///
    /// # Cancel safety
    ///
    /// As with `work`.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let deadline = self.now().checked_add(limit);
        select! {
            biased;
            outcome = work => Some(outcome),
            () = self.until(deadline) => None,
        }
    }
}

impl Hands {
    fn shown(&self) -> Instant {
        let at = self.since.unwrap_or_else(now);
        // It runs behind by less than has passed since it began.
        at.checked_sub(self.behind).unwrap_or(at)
    }
}

impl Drop for Still<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|hands| {
            hands.held = hands.held.saturating_sub(1);
            if hands.held == 0
                && let Some(since) = hands.since.take()
            {
                hands.behind += now().saturating_duration_since(since);
            }
        });
    }
}

/// How soon to look again whether it goes on.
const LOOK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn time_does_not_pass_while_anybody_holds_the_clock() {
        let (clock, start) = (Clock::new(), now());
        sleep(SECOND).await;
        let first = clock.stand_still();
        let second = clock.stand_still();
        sleep(SECOND).await;
        drop(first);
        sleep(SECOND).await;
        assert_eq!(clock.now() - start, SECOND);
        drop(second);
        sleep(SECOND).await;
        assert_eq!(clock.now() - start, 2 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn deadlines_move_by_the_time_for_which_it_stood_still() {
        let (clock, start) = (Clock::new(), now());
        let consent = async {
            sleep(SECOND).await;
            let _still = clock.stand_still();
            sleep(600 * SECOND).await;
        };
        let waiting = clock.within(3 * SECOND, std::future::pending::<()>());
        let (_, outcome) = tokio::join!(consent, waiting);
        assert_eq!(outcome, None);
        assert_eq!(now() - start, 603 * SECOND);
        assert_eq!(clock.within(SECOND, async { 7 }).await, Some(7));
    }
}
