//! One event for each call: who called what, under which profiles, and how it ended.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use mcp_core::profile::ProfileUrl;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::{Next, ToolCall};
use crate::outcome::Outcome;

/// A layer that writes one `tracing` event for each call, with target `mcp::audit`.
///
/// It says who called what, in whose deployment, under which profiles, how it ended and how long it
/// took; never arguments or results. A call that is cancelled leaves an event too.
#[derive(Debug, Clone, Copy, Default)]
pub struct Audit;

impl Audit {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl Layer<Next> for Audit {
    type Service = Audited;

    fn layer(&self, next: Next) -> Audited {
        Audited(next)
    }
}

/// The service of an [`Audit`] layer.
#[derive(Debug, Clone)]
pub struct Audited(Next);

impl Service<ToolCall> for Audited {
    type Response = Outcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        let next = self.0.clone();
        Box::pin(async move {
            let mut record =
                Record { call: call.clone(), began: Instant::now(), ended: "cancelled" };
            let outcome = next.run(call).await;
            record.ended = ended(&outcome);
            Ok(outcome)
        })
    }
}

/// Writes the event when the call is over, however that came.
struct Record {
    call: ToolCall,
    began: Instant,
    ended: &'static str,
}

impl Drop for Record {
    fn drop(&mut self) {
        let negotiated = self.call.negotiated();
        let profiles: Vec<&str> = negotiated.profiles().iter().map(ProfileUrl::as_str).collect();
        tracing::info!(
            target: "mcp::audit",
            kind = self.call.kind().as_str(),
            name = self.call.name(),
            call = %self.call.id(),
            tenant = negotiated.tenant().as_str(),
            principal = %negotiated.principal(),
            ?profiles,
            version = negotiated.version().as_str(),
            outcome = self.ended,
            milliseconds = self.began.elapsed().as_secs_f64() * 1000.0,
        );
    }
}

fn ended(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Complete(result) if result.is_failure() => "tool error",
        Outcome::Error(_) => "error",
        _ => "ok",
    }
}
