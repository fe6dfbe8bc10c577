//! Limits on how many calls run at a time, and on how many come in a while.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::{Next, ToolCall};
use crate::outcome::{Outcome, ToolError};

/// A layer that lets so many calls run at a time, over all callers; the others wait in order.
///
/// What one caller may do at a time is a limit of a profile:
/// [`concurrent_calls`](crate::Profile::concurrent_calls).
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

impl Service<ToolCall> for Limited {
    type Response = Outcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        let (places, next) = (Arc::clone(&self.places), self.next.clone());
        Box::pin(async move {
            let place = places.acquire().await.expect("the semaphore is never closed");
            let outcome = next.run(call).await;
            drop(place);
            Ok(outcome)
        })
    }
}

/// A layer that lets each caller make so many calls in a while; one more is a tool error that says
/// when to try again.
///
/// Callers are told apart by tenant and principal. Calls are spread evenly after a burst of the
/// whole number.
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
        RateLimited { limit: *self, callers: Arc::default(), next }
    }
}

/// The service of a [`RateLimit`] layer.
#[derive(Debug, Clone)]
pub struct RateLimited {
    limit: RateLimit,
    /// When each caller will have its whole burst again.
    callers: Arc<Mutex<HashMap<(String, String), Instant>>>,
    next: Next,
}

impl RateLimited {
    /// Takes a place, or says how long to wait for one.
    fn take(&self, call: &ToolCall) -> Result<(), Duration> {
        let (now, RateLimit { calls, per }) = (Instant::now(), self.limit);
        let negotiated = call.negotiated();
        let key = (negotiated.tenant().to_string(), negotiated.principal().to_string());
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= CALLERS && !callers.contains_key(&key) {
            // Whoever has its whole burst again is as good as new.
            callers.retain(|_, whole_at| *whole_at > now);
        }
        let whole_at = callers.get(&key).copied().unwrap_or(now).max(now) + per / calls;
        let wait = whole_at.saturating_duration_since(now).saturating_sub(per);
        if !wait.is_zero() {
            return Err(wait);
        }
        callers.insert(key, whole_at);
        Ok(())
    }
}

impl Service<ToolCall> for RateLimited {
    type Response = Outcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        match self.take(&call) {
            Ok(()) => {
                let next = self.next.clone();
                Box::pin(async move { Ok(next.run(call).await) })
            }
            Err(wait) => {
                let RateLimit { calls, per } = self.limit;
                let error = ToolError::new(format!(
                    "at most {calls} calls in {} s are allowed: try again in {:.1} s",
                    per.as_secs_f64(),
                    wait.as_secs_f64()
                ));
                Box::pin(std::future::ready(Ok(error.into())))
            }
        }
    }
}

/// How many callers are remembered before those are forgotten that need not be.
const CALLERS: usize = 10_000;
