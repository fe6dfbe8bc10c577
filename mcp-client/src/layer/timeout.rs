//! A limit on how long a call may take, whatever it waits for.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use mcp_core::{Error, TimeoutKind};
use tower_layer::Layer;
use tower_service::Service;

use super::{Next, OutgoingCall, RawResult};

/// A layer that ends calls that take too long, with [`Error::Timeout`].
///
/// Everything counts that happens further in: waiting for a place, all rounds of questions and the
/// people who answer them. What counts the time of the server alone is
/// [`total_timeout`](crate::ClientBuilder::total_timeout). The server is told that the call is
/// cancelled.
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

impl Service<OutgoingCall> for TimedOut {
    type Response = RawResult;
    type Error = Error;
    type Future = BoxFuture<'static, Result<RawResult, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: OutgoingCall) -> Self::Future {
        let (limit, next) = (self.limit, self.next.clone());
        Box::pin(async move {
            let ended = tokio::time::timeout(limit, next.run(call)).await;
            ended.unwrap_or_else(|_| {
                let detail = format!(": a layer allows {} s", limit.as_secs_f64());
                Err(Error::Timeout { kind: TimeoutKind::Total, detail })
            })
        })
    }
}
