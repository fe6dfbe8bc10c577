//! What is served, whatever it is: a handler with the names of its arguments and what it may take
//! from its server.
//!
//! Owns [`Item`], the one way in which handlers are called, and [`OwnedCall`], a call that outlives
//! the message it came in. It does not know what a tool or a prompt is.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::session::server::InForce;
use mcp_core::types::LoggingLevel;
use mcp_core::{CallId, Negotiated};
use serde_json::value::RawValue;

use crate::ask::{Asks, Earlier};
use crate::call::{Call, CallParts, Callee, Provided};
use crate::connection::Connection;
use crate::handler::Run;
use crate::layer::{Stack, ToolCall, Wrap};
#[cfg(feature = "tracing-subscriber")]
use crate::log_to_client::Listener;
use crate::outcome::Outcome;
use crate::server::Inner;

/// What a client asks a server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallKind {
    /// `tools/call`
    Tool,
    /// `prompts/get`
    Prompt,
    /// `resources/read`
    Resource,
    /// `resources/list`, where templates list what there is.
    ResourceList,
    /// `completion/complete`
    Completion,
    /// A method of an extension.
    Method,
}

impl CallKind {
    /// A word for it, for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::ResourceList => "resource list",
            Self::Completion => "completion",
            Self::Method => "method",
        }
    }

    /// The method of the protocol; of an extension's method the name says it.
    pub fn method(self) -> &'static str {
        match self {
            Self::Tool => "tools/call",
            Self::Prompt => "prompts/get",
            Self::Resource => "resources/read",
            Self::ResourceList => "resources/list",
            Self::Completion => "completion/complete",
            Self::Method => "",
        }
    }
}

/// A handler as it is served.
#[derive(Clone)]
pub(crate) struct Item {
    /// What it is called in messages.
    pub(crate) name: Cow<'static, str>,
    /// The names of its arguments, in the order in which they are taken.
    pub(crate) arguments: Vec<Cow<'static, str>>,
    /// What it can take besides.
    pub(crate) provided: Arc<Provided>,
    /// What it asks its callers for.
    pub(crate) asks: Asks,
    pub(crate) run: Run<Outcome>,
    /// What it gives to callers who may have it is not for the others.
    pub(crate) is_private: bool,
    /// The layers around it, inside those around the whole server.
    pub(crate) layers: Stack,
    /// The layers of the servers that it came with when these were mounted, the innermost first.
    pub(crate) within: Vec<Stack>,
}

impl Item {
    /// What is served, without layers and questions; without a handler every call is an error.
    pub(crate) fn new(
        name: impl Into<Cow<'static, str>>,
        arguments: Vec<Cow<'static, str>>,
        provided: &Arc<Provided>,
        run: Option<Run<Outcome>>,
    ) -> Self {
        let run = run.unwrap_or_else(|| {
            Arc::new(|_| {
                let error = ErrorObject::internal("there is no handler");
                Box::pin(std::future::ready(Outcome::Error(error)))
            })
        });
        Self {
            name: name.into(),
            arguments,
            provided: Arc::clone(provided),
            asks: Asks::default(),
            is_private: false,
            run,
            layers: Stack::default(),
            within: Vec::new(),
        }
    }

    /// Calls the handler through all layers.
    pub(crate) fn call(&self, parts: CallParts<'_>) -> BoxFuture<'static, Outcome> {
        match self.provided.layers.first() {
            None if self.layers.is_empty() && self.within.is_empty() => self.start(parts),
            None => through_own(ToolCall { call: OwnedCall::new(parts), item: self.clone() }),
            Some(next) => {
                let call = ToolCall { call: OwnedCall::new(parts), item: self.clone() };
                Box::pin(next.run(call))
            }
        }
    }

    /// Takes the parameters out of the call and starts the handler.
    fn start(&self, parts: CallParts<'_>) -> BoxFuture<'static, Outcome> {
        #[cfg(feature = "tracing-subscriber")]
        if let Some(listener) = Listener::of(&parts) {
            return listener.around(|| self.start_unheard(parts));
        }
        self.start_unheard(parts)
    }

    fn start_unheard(&self, parts: CallParts<'_>) -> BoxFuture<'static, Outcome> {
        let callee = Callee { name: &self.name, arguments: &self.arguments };
        (self.run)(&mut Call::new(callee, &self.provided, parts))
    }
}

/// Puts layers around a whole server.
pub(crate) fn around_server(layers: &[Wrap]) -> Stack {
    Stack::new(layers, through_own)
}

/// Puts layers around one item.
pub(crate) fn around_item(layers: &[Wrap]) -> Stack {
    Stack::new(layers, |call| call.item.start(call.call.parts()))
}

/// Goes through the layers of the servers that the item came with, and then through its own.
fn through_own(mut call: ToolCall) -> BoxFuture<'static, Outcome> {
    while let Some(stack) = call.item.within.pop() {
        if let Some(next) = stack.first() {
            return Box::pin(next.run(call));
        }
    }
    match call.item.layers.first() {
        None => call.item.start(call.call.parts()),
        Some(next) => Box::pin(next.run(call)),
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A call whose arguments are kept, so that a handler can be called again.
#[derive(Debug, Clone)]
pub(crate) struct OwnedCall {
    pub(crate) id: CallId,
    pub(crate) kind: CallKind,
    pub(crate) arguments: Option<Box<RawValue>>,
    pub(crate) meta: Option<Box<RawValue>>,
    pub(crate) negotiated: Negotiated,
    pub(crate) wants_progress: bool,
    pub(crate) log_level: Option<LoggingLevel>,
    pub(crate) connection: Arc<Connection>,
    /// A call does not keep its server alive: one that goes on as a task may outlive it.
    pub(crate) server: Option<Weak<Inner>>,
    pub(crate) in_force: Option<InForce>,
    pub(crate) earlier: Option<Arc<Earlier>>,
}

impl OwnedCall {
    pub(crate) fn new(parts: CallParts<'_>) -> Self {
        Self {
            id: parts.id,
            kind: parts.kind,
            arguments: parts.arguments.map(ToOwned::to_owned),
            meta: parts.meta.map(ToOwned::to_owned),
            negotiated: parts.negotiated.clone(),
            wants_progress: parts.wants_progress,
            log_level: parts.log_level,
            connection: Arc::clone(parts.connection),
            server: parts.server.cloned(),
            in_force: parts.in_force.cloned(),
            earlier: parts.earlier.cloned(),
        }
    }

    /// The call as extractors see it.
    pub(crate) fn parts(&self) -> CallParts<'_> {
        CallParts {
            id: self.id,
            kind: self.kind,
            arguments: self.arguments.as_deref(),
            meta: self.meta.as_deref(),
            negotiated: &self.negotiated,
            wants_progress: self.wants_progress,
            log_level: self.log_level,
            connection: &self.connection,
            server: self.server.as_ref(),
            in_force: self.in_force.as_ref(),
            earlier: self.earlier.as_ref(),
        }
    }
}
