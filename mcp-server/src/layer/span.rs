//! A span for each call, after the OpenTelemetry conventions for MCP.
//!
//! Conventions: <https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/>. The caller's trace comes
//! in `_meta` (2026-07-28, basic, "`_meta`", "OpenTelemetry trace context").

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use mcp_core::types::TraceContext;
use tower_layer::Layer;
use tower_service::Service;
use tracing::Instrument as _;
use tracing::field::Empty;

use super::{Next, ToolCall};
use crate::item::CallKind;
use crate::outcome::Outcome;

/// A layer that runs each call in a `tracing` span with the fields that OpenTelemetry's conventions
/// for MCP name.
///
/// The span has target `mcp::server` and level `INFO`. The caller's trace is in the fields
/// `trace_id` and `parent_id`, and in force for what the handler calls in turn: a client with the
/// layer `TraceContext` passes it on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spans;

impl Spans {
    /// The layer.
    pub fn new() -> Self {
        Self
    }
}

impl Layer<Next> for Spans {
    type Service = Span;

    fn layer(&self, next: Next) -> Span {
        Span(next)
    }
}

/// The service of a [`Spans`] layer.
#[derive(Debug, Clone)]
pub struct Span(Next);

impl Service<ToolCall> for Span {
    type Response = Outcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        let trace = call.trace_context();
        let span = span(&call, trace.as_ref());
        let (next, record) = (self.0.clone(), span.clone());
        let run = async move {
            let outcome = next.run(call).await;
            if let Some(error) = error_type(&outcome) {
                record.record("error.type", error);
            }
            Ok(outcome)
        };
        Box::pin(TraceContext::scope(trace, run).instrument(span))
    }
}

fn span(call: &ToolCall, trace: Option<&TraceContext>) -> tracing::Span {
    let method = call.kind().method();
    let span = tracing::info_span!(
        target: "mcp::server",
        "mcp.call",
        otel.name = %format_args!("{method} {}", call.name()),
        otel.kind = "server",
        otel.status_code = Empty,
        mcp.method.name = method,
        mcp.protocol.version = call.negotiated().version().as_str(),
        gen_ai.operation.name = Empty,
        gen_ai.tool.name = Empty,
        gen_ai.prompt.name = Empty,
        mcp.resource.uri = Empty,
        trace_id = trace.map(TraceContext::trace_id),
        parent_id = trace.map(TraceContext::parent_id),
        error.type = Empty,
    );
    match call.kind() {
        CallKind::Tool => {
            span.record("gen_ai.operation.name", "execute_tool");
            span.record("gen_ai.tool.name", call.name());
        }
        CallKind::Prompt => {
            span.record("gen_ai.prompt.name", call.name());
        }
        CallKind::Resource => {
            span.record("mcp.resource.uri", call.name());
        }
        CallKind::ResourceList | CallKind::Completion | CallKind::Method => {}
    }
    span
}

fn error_type(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Complete(result) if result.is_failure() => Some("tool_error".to_owned()),
        Outcome::Error(error) => Some(error.code.to_string()),
        _ => None,
    }
}
