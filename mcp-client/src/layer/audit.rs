//! One event for each call: what was called where, under which profiles, and how it ended.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use mcp_core::Error;
use mcp_core::profile::ProfileUrl;
use mcp_core::session::client::Agreed;
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use super::{Next, OutgoingCall, RawResult, ended};
use crate::text::one_line;

/// A layer that writes one `tracing` event for each call, with target `mcp::audit`.
///
/// It says what was called, on which server, under which profiles, how it ended and how long it
/// took; never parameters or results. A call that is cancelled leaves an event too.
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

impl Service<OutgoingCall> for Audited {
    type Response = RawResult;
    type Error = Error;
    type Future = BoxFuture<'static, Result<RawResult, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: OutgoingCall) -> Self::Future {
        let next = self.0.clone();
        Box::pin(async move {
            let mut record = Record {
                method: call.method().to_owned(),
                name: call.name().map(|name| one_line(&name, NAME)),
                agreed: call.negotiated(),
                began: Instant::now(),
                ended: "cancelled",
            };
            let outcome = next.run(call).await;
            record.ended = ended(&outcome);
            outcome
        })
    }
}

/// Writes the event when the call is over, however that came.
struct Record {
    method: String,
    name: Option<String>,
    agreed: Arc<Agreed>,
    began: Instant,
    ended: &'static str,
}

impl Drop for Record {
    fn drop(&mut self) {
        let server = self.agreed.server().server_info.as_ref();
        let server = server.map(|server| one_line(&server.name, NAME));
        let profiles: Vec<&str> = self.agreed.profiles().iter().map(ProfileUrl::as_str).collect();
        tracing::info!(
            target: "mcp::audit",
            method = self.method,
            name = self.name,
            server,
            ?profiles,
            version = self.agreed.version().as_str(),
            outcome = self.ended,
            milliseconds = self.began.elapsed().as_secs_f64() * 1000.0,
        );
    }
}

/// How many characters of a name are shown.
const NAME: usize = 120;
