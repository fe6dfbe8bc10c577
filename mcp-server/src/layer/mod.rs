//! Layers around calls: what happens before and after a handler, whatever it serves.
//!
//! Owns the decoded call that layers see ([`ToolCall`]), what comes after a layer ([`Next`]) and
//! the ready-made layers. Any [`tower_layer::Layer`] around a
//! `tower_service::Service<ToolCall, Response = Outcome, Error = Infallible>` fits. Layers do not
//! see messages: the protocol has been spoken before, and the answer is written after.
//!
//! Without a layer none of this runs, and nothing of a call is copied.

mod audit;
mod from_fn;
mod limit;
mod next;
mod span;
mod timeout;

use std::fmt;

use mcp_core::types::TraceContext;
use mcp_core::{CallId, Negotiated};
use serde_json::value::RawValue;

pub use audit::{Audit, Audited};
pub use from_fn::{FromFn, FromFnService, from_fn};
pub use limit::{ConcurrencyLimit, Limited, RateLimit, RateLimited};
pub use next::Next;
pub(crate) use next::{Stack, Wrap, wrap};
pub use span::{Span, Spans};
pub use timeout::{TimedOut, Timeout};

use crate::extract::Caller;
use crate::item::{CallKind, Item, OwnedCall};

/// A decoded call on its way to its handler, as [layers](crate::Builder::layer) see it.
///
/// It is a call of a tool where the layer is around a tool; [`kind`](Self::kind) tells where a
/// layer is around everything.
#[derive(Clone)]
pub struct ToolCall {
    pub(crate) call: OwnedCall,
    pub(crate) item: Item,
}

impl ToolCall {
    /// What kind of thing is called.
    pub fn kind(&self) -> CallKind {
        self.call.kind
    }

    /// The name of the tool, prompt or method; of a resource, how its author calls it.
    pub fn name(&self) -> &str {
        &self.item.name
    }

    /// Which call it is, unique within its connection.
    pub fn id(&self) -> CallId {
        self.call.id
    }

    /// Who calls.
    pub fn caller(&self) -> Caller {
        Caller::new(self.call.negotiated.clone())
    }

    /// What was negotiated with the caller.
    pub fn negotiated(&self) -> &Negotiated {
        &self.call.negotiated
    }

    /// The arguments as they came, a JSON object; `None` is the same as `{}`.
    pub fn arguments(&self) -> Option<&RawValue> {
        self.call.arguments.as_deref()
    }

    /// The same call with other arguments.
    #[must_use]
    pub fn with_arguments(mut self, arguments: Option<Box<RawValue>>) -> Self {
        self.call.arguments = arguments;
        self
    }

    /// The request's `_meta` as it came, a JSON object.
    pub fn meta(&self) -> Option<&RawValue> {
        self.call.meta.as_deref()
    }

    /// The trace that the caller wants the call to be part of, from the request's `_meta`.
    pub fn trace_context(&self) -> Option<TraceContext> {
        TraceContext::from_meta(self.meta()?)
    }
}

impl fmt::Debug for ToolCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCall")
            .field("kind", &self.kind())
            .field("name", &self.name())
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
