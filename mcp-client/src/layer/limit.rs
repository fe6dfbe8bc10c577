//! Limits on how many calls are made at a time, and on how many are made in a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use mcp_core::Error;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::{Next, OutgoingCall, RawResult};

/// A layer that makes so many calls at a time over one connection; the others wait in order.
///
/// A call keeps its place while the server asks something. A handler of such a question that makes
/// calls over the same connection may wait for itself: leave room for it.
#[derive(Debug, Clone, Copy)]
pub struct ConcurrencyLimit(usize);

impl ConcurrencyLimit {
    /// At most `calls` at a time; 0 counts as 1.
    pub fn new(calls: usize) -> Self {
        Self(calls.clamp(1, Semaphore::MAX_PERMITS))
    }
}

impl Layer<Next> for ConcurrencyLimit {
    type Service = Limited;

    fn layer(&self, next: Next) -> Limited {
        Limited { places: Arc::new(Semaphore::new(self.0)), next }
    }
}

/// The service of a [`ConcurrencyLimit`] layer.
#[derive(Debug, Clone)]
pub struct Limited {
    places: Arc<Semaphore>,
    next: Next,
}

impl Service<OutgoingCall> for Limited {
    type Response = RawResult;
    type Error = Error;
    type Future = BoxFuture<'static, Result<RawResult, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: OutgoingCall) -> Self::Future {
        let (places, next) = (Arc::clone(&self.places), self.next.clone());
        Box::pin(async move {
            let place = places.acquire().await.expect("the semaphore is never closed");
            let outcome = next.run(call).await;
            drop(place);
            outcome
        })
    }
}

/// A layer that makes so many calls in a while over one connection; the others wait for their turn.
///
/// Calls are spread evenly after a burst of the whole number. A call that is dropped while it waits
/// has used its turn.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    calls: u32,
    per: Duration,
}

impl RateLimit {
    /// At most `calls` in `per`; 0 counts as 1.
    pub fn new(calls: u32, per: Duration) -> Self {
        Self { calls: calls.max(1), per }
    }
}

impl Layer<Next> for RateLimit {
    type Service = RateLimited;

    fn layer(&self, next: Next) -> RateLimited {
        RateLimited { limit: *self, whole_at: Arc::default(), next }
    }
}

/// The service of a [`RateLimit`] layer.
#[derive(Debug, Clone)]
pub struct RateLimited {
    limit: RateLimit,
    /// When there will be a whole burst again.
    whole_at: Arc<Mutex<Option<Instant>>>,
    next: Next,
}

impl RateLimited {
    /// Takes the next turn, and says when it is.
    fn turn(&self) -> Instant {
        let (now, RateLimit { calls, per }) = (Instant::now(), self.limit);
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let before = whole_at.unwrap_or(now).max(now);
        let after = before.checked_add(per / calls).unwrap_or(before);
        *whole_at = Some(after);
        now + after.saturating_duration_since(now).saturating_sub(per)
    }
}

impl Service<OutgoingCall> for RateLimited {
    type Response = RawResult;
    type Error = Error;
    type Future = BoxFuture<'static, Result<RawResult, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: OutgoingCall) -> Self::Future {
        let (turn, next) = (self.turn(), self.next.clone());
        Box::pin(async move {
            if turn > Instant::now() {
                tokio::time::sleep_until(turn).await;
            }
            next.run(call).await
        })
    }
}
