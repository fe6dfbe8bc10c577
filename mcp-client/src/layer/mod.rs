//! Layers around calls: what happens before a request is sent and after its result came.
//!
//! Owns the call that layers see ([`OutgoingCall`]), what it comes to ([`RawResult`]), what comes
//! after a layer ([`Next`]) and the ready-made layers. Any [`tower_layer::Layer`] around a
//! `tower_service::Service<OutgoingCall, Response = RawResult, Error = Error>` fits. Layers do not
//! see messages: questions of the server are answered and kept results are found further in, and
//! what a result means to the caller is decided further out.
//!
//! Without a layer none of this runs, and nothing of a call is copied.

mod audit;
mod from_fn;
mod limit;
mod next;
mod relay;
mod timeout;
mod trace;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_core::Error;
use mcp_core::session::client::Agreed;
use mcp_core::types::Meta;
use mcp_core::wire::Members;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

pub use audit::{Audit, Audited};
pub use from_fn::{FromFn, FromFnService, from_fn};
pub use limit::{ConcurrencyLimit, Limited, RateLimit, RateLimited};
pub use next::Next;
pub(crate) use next::{Stack, Wrap, wrap};
pub(crate) use relay::{Layered, Relay};
pub use timeout::{TimedOut, Timeout};
pub use trace::{InTrace, TraceContext};

pub(crate) use crate::call::Outgoing;

/// A call on its way to the server, as [layers](crate::ClientBuilder::layer) see it.
///
/// A clone can be sent too, and is another request: so calls are tried again.
#[derive(Clone)]
pub struct OutgoingCall(pub(crate) Outgoing);

impl OutgoingCall {
    /// The method's name.
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// What is called: the name of a tool or prompt, the address of a resource; `None` for other
    /// methods.
    pub fn name(&self) -> Option<Cow<'_, str>> {
        let member = match self.method() {
            "tools/call" | "prompts/get" => "name",
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => "uri",
            _ => return None,
        };
        Members::read(Some(self.params())).ok()?.string(member).ok()?
    }

    /// The parameters as they will be sent, a JSON object, but for `_meta`.
    pub fn params(&self) -> &RawValue {
        &self.0.params
    }

    /// The same call with other parameters, which have to be written as a JSON object; `()` stands
    /// for an empty one.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when they are written as something else, or hold `_meta`.
    pub fn with_params(mut self, params: impl Serialize) -> Result<Self, Error> {
        self.0.params = crate::params::object(&self.0.method, &params)?;
        Ok(self)
    }

    /// What the caller and the layers before add to the request's `_meta`.
    pub fn meta(&self) -> &Meta {
        &self.0.more.meta
    }

    /// Adds to the request's `_meta`. Keys that the library writes itself are left out when the
    /// request is sent.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.more.meta.insert(key, value);
        self
    }

    /// The longest wait for the answer or the next progress, if there is a limit.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.0.timeouts.idle
    }

    /// Sets the longest wait for the answer or the next progress.
    #[must_use]
    pub fn with_idle_timeout(mut self, limit: Duration) -> Self {
        self.0.timeouts.idle = Some(limit);
        self
    }

    /// The longest wait of the server altogether, if there is a limit.
    pub fn total_timeout(&self) -> Option<Duration> {
        self.0.timeouts.total
    }

    /// Sets the longest wait altogether, whatever progress is reported.
    #[must_use]
    pub fn with_total_timeout(mut self, limit: Duration) -> Self {
        self.0.timeouts.total = Some(limit);
        self
    }

    /// What client and server agreed on.
    pub fn negotiated(&self) -> Arc<Agreed> {
        self.0.connected.shared.agreed()
    }
}

impl fmt::Debug for OutgoingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingCall")
            .field("method", &self.method())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// The result of a call as it came, a JSON object that nobody has read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawResult {
    text: Box<str>,
    /// The `resultType`, where it is an extension's own.
    kind: Option<Box<str>>,
}

impl RawResult {
    /// A result of a layer's own, instead of one from the server.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] when it is not written as a JSON object.
    pub fn new(result: &impl Serialize) -> Result<Self, Error> {
        let cannot = |why: String| Error::Misuse(format!("this is no result: {why}"));
        let raw = to_raw_value(result).map_err(|problem| cannot(problem.to_string()))?;
        match raw.get().starts_with('{') {
            true => Ok(Self::complete(raw.get())),
            false => Err(cannot("it is not written as a JSON object".to_owned())),
        }
    }

    pub(crate) fn complete(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), kind: None }
    }

    pub(crate) fn of_extension(kind: Box<str>, text: Box<str>) -> Self {
        Self { text, kind: Some(kind) }
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The `resultType`, where it is an extension's own.
    pub fn extension_kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    /// Whether it is the result of a tool that says that it failed.
    pub fn is_failure(&self) -> bool {
        let members = serde_json::from_str::<Members<'_>>(&self.text).ok();
        let said = members.and_then(|members| members.raw("isError"));
        said.is_some_and(|said| said.get() == "true")
    }

    /// Decodes it.
    ///
    /// # Errors
    ///
    /// [`Error::UnexpectedMessage`] when it does not fit `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        crate::decode::whole(&self.text, mcp_core::version::Era::Modern)
    }
}

/// What a call came to, in a word, for logs.
fn ended(outcome: &Result<RawResult, Error>) -> &'static str {
    match outcome {
        Ok(result) if result.is_failure() => "tool error",
        Ok(_) => "ok",
        Err(Error::Timeout { .. }) => "timeout",
        Err(Error::Peer(_)) => "error",
        Err(_) => "failed",
    }
}
