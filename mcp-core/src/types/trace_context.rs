//! The trace that a request is part of.
//!
//! Owns the `_meta` keys `traceparent`, `tracestate` and `baggage`, and which trace is in force for
//! the code that runs. It does not know who records spans, nor where identifiers come from.
//! Specification: 2026-07-28, basic, "`_meta`", "OpenTelemetry trace context"; W3C Trace Context.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde_json::value::RawValue;

use super::Meta;
use crate::wire::Members;

/// A place in a distributed trace, as it travels in the `_meta` of a request.
///
/// # Examples
/// ```
/// use mcp_core::types::TraceContext;
///
/// let context = TraceContext::parse("00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01");
/// let context = context.expect("it is well-formed");
/// assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
/// assert!(context.is_sampled());
/// assert_eq!(context.child(7).parent_id(), "0000000000000007");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    traceparent: Box<str>,
    tracestate: Option<Box<str>>,
    baggage: Option<Box<str>>,
}

impl TraceContext {
    /// `_meta` key of the trace and of the span that asks.
    pub const TRACEPARENT: &str = "traceparent";
    /// `_meta` key of what tracing systems add.
    pub const TRACESTATE: &str = "tracestate";
    /// `_meta` key of what the application adds.
    pub const BAGGAGE: &str = "baggage";

    /// A place in a trace by its numbers; `None` where one is 0, which stands for nothing.
    pub fn new(trace_id: u128, parent_id: u64, sampled: bool) -> Option<Self> {
        Self::parse(&format!("00-{trace_id:032x}-{parent_id:016x}-{:02x}", u8::from(sampled)))
    }

    /// Reads a `traceparent`; `None` where it is not well-formed.
    ///
    /// What a later version of the format has besides is left out.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let known = traceparent.get(..KNOWN)?;
        let mut parts = known.split('-');
        let mut next = |length| {
            let part = parts.next().filter(|part| part.len() == length)?;
            part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(part)
        };
        let (version, trace, parent, _flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let more = &traceparent[KNOWN..];
        let is_whole = more.is_empty() || (version != "00" && more.starts_with('-'));
        let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        (version != "ff" && is_whole && !is_zero(trace) && !is_zero(parent)).then(|| Self {
            traceparent: known.into(),
            tracestate: None,
            baggage: None,
        })
    }

    /// Reads the trace context out of a `_meta`; `None` where there is none that is well-formed.
    pub fn from_meta(meta: &RawValue) -> Option<Self> {
        let meta = Members::read(Some(meta)).ok()?;
        let text = |key| Some(meta.string(key).ok()??.into_owned()).filter(|t| t.len() <= MOST);
        let mut context = Self::parse(&text(Self::TRACEPARENT)?)?;
        context.tracestate = text(Self::TRACESTATE).map(Into::into);
        context.baggage = text(Self::BAGGAGE).map(Into::into);
        Some(context)
    }

    /// Adds what is set to a `_meta`.
    pub fn add_to(&self, meta: &mut Meta) {
        let members = [
            (Self::TRACEPARENT, Some(&self.traceparent)),
            (Self::TRACESTATE, self.tracestate.as_ref()),
            (Self::BAGGAGE, self.baggage.as_ref()),
        ];
        for (key, value) in members {
            if let Some(value) = value {
                meta.insert(key, &**value);
            }
        }
    }

    /// The same trace, asked by another span; 0 counts as 1.
    #[must_use]
    pub fn child(&self, parent_id: u64) -> Self {
        let (before, after) = (&self.traceparent[..PARENT], &self.traceparent[PARENT + 16..]);
        let traceparent = format!("{before}{:016x}{after}", parent_id.max(1)).into();
        Self { traceparent, ..self.clone() }
    }

    /// Sets what tracing systems add.
    #[must_use]
    pub fn with_tracestate(mut self, tracestate: impl Into<Box<str>>) -> Self {
        self.tracestate = Some(tracestate.into());
        self
    }

    /// The `traceparent` as it is written.
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    /// The trace: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.traceparent[TRACE..PARENT - 1]
    }

    /// The span that asks: 16 hexadecimal digits.
    pub fn parent_id(&self) -> &str {
        &self.traceparent[PARENT..PARENT + 16]
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        u8::from_str_radix(&self.traceparent[PARENT + 17..], 16).is_ok_and(|flags| flags & 1 == 1)
    }

    /// The trace in force for the code that runs, see [`scope`](Self::scope).
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Runs a future with a trace in force, or with none.
    ///
    /// It is in force in the future itself, not in tasks that it spawns.
    pub fn scope<F: Future>(context: Option<Self>, future: F) -> Scoped<F> {
        Scoped { context, future: Box::pin(future) }
    }
}

/// A future with a trace in force; see [`TraceContext::scope`].
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub struct Scoped<F> {
    context: Option<TraceContext>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        /// Puts back what was in force, also when the future panics.
        struct Before(Option<TraceContext>);
        impl Drop for Before {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _before = Before(CURRENT.replace(self.context.clone()));
        self.future.as_mut().poll(cx)
    }
}

thread_local! {
    static CURRENT: RefCell<Option<TraceContext>> = const { RefCell::new(None) };
}

/// Where the trace id begins.
const TRACE: usize = 3;
/// Where the id of the parent begins.
const PARENT: usize = TRACE + 33;
/// How long what every version has is.
const KNOWN: usize = PARENT + 19;
/// The longest value that is read.
const MOST: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

    #[test]
    fn malformed_contexts_are_no_contexts() {
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7",
            "00-0AF7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902bé-01",
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
        }
        assert!(TraceContext::new(0, 1, true).is_none() && TraceContext::new(1, 0, true).is_none());
    }

    #[test]
    fn later_versions_are_read_as_far_as_they_are_known() {
        let later = GIVEN.replacen("00", "01", 1) + "-more";
        assert_eq!(TraceContext::parse(&later).unwrap().traceparent(), &later[..KNOWN]);
    }

    #[test]
    fn a_context_goes_through_meta() {
        let context = TraceContext::parse(GIVEN).unwrap().with_tracestate("a=b");
        let mut meta = Meta::new();
        context.add_to(&mut meta);
        let raw = serde_json::value::to_raw_value(&meta).unwrap();
        assert_eq!(TraceContext::from_meta(&raw), Some(context));
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let child = TraceContext::parse(GIVEN).unwrap().child(255);
        assert_eq!(child.trace_id(), &GIVEN[3..35]);
        assert_eq!((child.parent_id(), child.is_sampled()), ("00000000000000ff", true));
    }

    #[test]
    fn a_trace_is_in_force_only_inside_its_future() {
        let context = TraceContext::parse(GIVEN);
        let inside = TraceContext::scope(context.clone(), async { TraceContext::current() });
        let mut inside = std::pin::pin!(inside);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert_eq!(inside.as_mut().poll(&mut cx), Poll::Ready(context));
        assert_eq!(TraceContext::current(), None);
    }
}
