//! The trace that calls are part of, and a span for each, after the OpenTelemetry conventions for
//! MCP.
//!
//! Conventions: <https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/>. The trace goes out in
//! `_meta` (2026-07-28, basic, "`_meta`", "OpenTelemetry trace context").

use std::hash::{BuildHasher, RandomState};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use mcp_core::Error;
use mcp_core::types::{self, TraceContext as Trace};
use tower_layer::Layer;
use tower_service::Service;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::{Next, OutgoingCall, RawResult};
use crate::text::one_line;

/// A layer that makes each call part of a trace and runs it in a `tracing` span with the fields that
/// OpenTelemetry's conventions for MCP name.
///
/// The server is told the trace in `_meta`: the one that is in force
/// ([`types::TraceContext::current`]), for instance that of the call which a server with the layer
/// `Spans` is answering, else a new one. The span has target `mcp::client`, level `INFO` and the
/// fields `trace_id`, `span_id` and, where there is one, `parent_id`. A `traceparent` that the
/// caller sets with [`Call::meta`](crate::Call::meta) is sent as it is.
///
/// # Examples
///
/// ```
/// use mcp_client::{Client, TraceContext};
///
/// let builder = Client::builder("viewer", "1.0").layer(TraceContext::new());
/// # let _ = builder;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct TraceContext;

impl TraceContext {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl Layer<Next> for TraceContext {
    type Service = InTrace;

    fn layer(&self, next: Next) -> InTrace {
        InTrace(next)
    }
}

/// The service of a [`TraceContext`] layer.
#[derive(Debug, Clone)]
pub struct InTrace(Next);

impl Service<OutgoingCall> for InTrace {
    type Response = RawResult;
    type Error = Error;
    type Future = BoxFuture<'static, Result<RawResult, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut call: OutgoingCall) -> Self::Future {
        let span = span(&call);
        let given = call.meta().get(Trace::TRACEPARENT);
        let trace = match given {
            Some(given) => given.as_str().and_then(Trace::parse),
            None => {
                let before = Trace::current();
                span.record("parent_id", before.as_ref().map(Trace::parent_id));
                let trace = match before {
                    Some(trace) => Some(trace.child(number())),
                    // Whoever looks at the span decides whether the trace is recorded.
                    None => Trace::new(wide_number(), number(), !span.is_disabled()),
                };
                if let Some(trace) = &trace {
                    trace.add_to(&mut call.0.more.meta);
                }
                trace
            }
        };
        span.record("trace_id", trace.as_ref().map(Trace::trace_id));
        span.record("span_id", trace.as_ref().map(Trace::parent_id));
        let (next, record) = (self.0.clone(), span.clone());
        let run = async move {
            let outcome = next.run(call).await;
            if let Some(error) = error_type(&outcome) {
                record.record("error.type", error);
                record.record("otel.status_code", "ERROR");
            }
            outcome
        };
        Box::pin(types::TraceContext::scope(trace, run).instrument(span))
    }
}

fn span(call: &OutgoingCall) -> Span {
    let (method, agreed) = (call.method(), call.negotiated());
    let name = call.name().map(|name| one_line(&name, NAME));
    let span = tracing::info_span!(
        target: "mcp::client",
        "mcp.call",
        otel.name = %format_args!("{method} {}", name.as_deref().unwrap_or_default()).to_string().trim_end(),
        otel.kind = "client",
        otel.status_code = Empty,
        mcp.method.name = method,
        mcp.protocol.version = agreed.version().as_str(),
        gen_ai.operation.name = Empty,
        gen_ai.tool.name = Empty,
        gen_ai.prompt.name = Empty,
        mcp.resource.uri = Empty,
        trace_id = Empty,
        span_id = Empty,
        parent_id = Empty,
        error.type = Empty,
    );
    if let Some(name) = name.as_deref() {
        match method {
            "tools/call" => {
                span.record("gen_ai.operation.name", "execute_tool");
                span.record("gen_ai.tool.name", name);
            }
            "prompts/get" => {
                span.record("gen_ai.prompt.name", name);
            }
            _ => {
                span.record("mcp.resource.uri", name);
            }
        }
    }
    span
}

fn error_type(outcome: &Result<RawResult, Error>) -> Option<String> {
    let word = match outcome {
        Ok(result) if result.is_failure() => "tool_error",
        Ok(_) => return None,
        Err(Error::Peer(error)) => return Some(error.code.to_string()),
        Err(Error::Timeout { .. }) => "timeout",
        Err(Error::Closed(_)) => "closed",
        Err(Error::SessionLost) => "session_lost",
        Err(Error::Transport(_)) => "transport",
        Err(Error::Rejected(_)) => "rejected",
        Err(_) => "_OTHER",
    };
    Some(word.to_owned())
}

/// A number that is unlikely to come twice; nothing is secured by it.
fn number() -> u64 {
    RandomState::new().hash_one(()).max(1)
}

fn wide_number() -> u128 {
    u128::from(number()) << 64 | u128::from(number())
}

/// How many characters of a name are shown.
const NAME: usize = 120;
