//! A limit on how long a call may take.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

use super::{Next, ToolCall};
use crate::outcome::{Outcome, ToolError};

/// A layer that ends calls that take too long, with a tool error that names the limit.
///
/// The handler is dropped. While a person is asked no handler runs, and the time does not count.
#[derive(Debug, Clone, Copy)]
pub struct Timeout(Duration);

impl Timeout {
    /// A limit on each call.
    pub fn new(limit: Duration) -> Self {
        Self(limit)
    }
}

impl Layer<Next> for Timeout {
    type Service = TimedOut;

    fn layer(&self, next: Next) -> TimedOut {
        TimedOut { limit: self.0, next }
    }
}

/// The service of a [`Timeout`] layer.
#[derive(Debug, Clone)]
pub struct TimedOut {
    limit: Duration,
    next: Next,
}

impl Service<ToolCall> for TimedOut {
    type Response = Outcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        let (limit, next) = (self.limit, self.next.clone());
        Box::pin(async move {
            let ended = tokio::time::timeout(limit, next.run(call)).await;
            Ok(ended.unwrap_or_else(|_| {
                let said =
                    format!("this took longer than {} s, the most allowed", limit.as_secs_f64());
                ToolError::new(said).into()
            }))
        })
    }
}
