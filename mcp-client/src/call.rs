//! One request: a future, with progress beside it.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use mcp_core::version::Era;
use mcp_core::{CallId, Error, Timeouts};
use serde_json::value::RawValue;
use tokio::sync::futures::OwnedNotified;

use crate::client::Connected;
use crate::progress::Progress;
use crate::shared::Sent;

/// A request to the server.
///
/// It is a future of the result. Nothing is sent before it is polled for the first time, and a
/// request that was sent and is dropped before its answer came is cancelled: the server is told
/// (`notifications/cancelled`; 2026-07-28, basic, "Cancellation"). So `tokio::time::timeout` and
/// `select!` cancel by themselves.
///
/// # Errors
///
/// [`Error::Tool`] when the tool says that it failed (only [`Client::call`](crate::Client::call)),
/// [`Error::Peer`] when the server answers with an error, [`Error::Timeout`] when a limit ran out,
/// [`Error::Closed`] when the connection is over, [`Error::Rejected`] when a required profile was
/// lost, [`Error::UnexpectedMessage`] when the result does not fit `T`, [`Error::Misuse`] when
/// the parameters cannot be written as a JSON object.
///
/// # Cancel safety
///
/// Awaiting `&mut call` or [`progress`](Self::progress) in a branch of `select!` that is not taken
/// loses nothing.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<T> {
    connected: Arc<Connected>,
    method: Cow<'static, str>,
    timeouts: Timeouts,
    phase: Phase,
    decode: Decode<T>,
}

/// Decodes a raw result.
pub(crate) type Decode<T> = fn(&str, Era) -> Result<T, Error>;

enum Phase {
    Unsent(Box<RawValue>),
    /// Too much waits to be written.
    Full(Box<RawValue>, Pin<Box<OwnedNotified>>),
    Sent(CallId),
    Failed(Box<Error>),
    Over,
}

impl<T> Call<T> {
    pub(crate) fn new(
        connected: &Arc<Connected>,
        method: impl Into<Cow<'static, str>>,
        params: Result<Box<RawValue>, Error>,
        decode: Decode<T>,
    ) -> Self {
        let phase = match params {
            Ok(params) => Phase::Unsent(params),
            Err(error) => Phase::Failed(Box::new(error)),
        };
        let timeouts = connected.timeouts();
        let connected = Arc::clone(connected);
        Self { connected, method: method.into(), timeouts, phase, decode }
    }

    /// Sets the longest wait for the answer or the next progress, for this call.
    ///
    /// It counts from the moment of sending; a call that was sent already keeps its limit.
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.idle = Some(limit);
        self
    }

    /// Sets the longest wait altogether, whatever progress is reported, for this call.
    pub fn total_timeout(mut self, limit: Duration) -> Self {
        self.timeouts.total = Some(limit);
        self
    }

    /// Waits for the next news of how far the call is; `None` when it is over.
    ///
    /// Sends the request if it was not sent. Of news that nobody fetched the newest 64 are kept.
    /// Afterwards await the call itself for its result.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped; the call goes on.
    pub async fn progress(&mut self) -> Option<Progress> {
        std::future::poll_fn(|cx| self.poll_progress(cx)).await
    }

    /// The same as a stream, which ends when the call is over.
    pub fn progress_stream(&mut self) -> ProgressStream<'_, T> {
        ProgressStream(self)
    }

    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        match ready!(self.poll_sent(cx, true)) {
            Some(call) => self.connected.shared.poll_progress(call, cx),
            None => Poll::Ready(None),
        }
    }

    /// Sends the request if that has not happened; `None` if it failed or is over.
    fn poll_sent(&mut self, cx: &mut Context<'_>, listening: bool) -> Poll<Option<CallId>> {
        loop {
            let params = match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Sent(call) => {
                    self.phase = Phase::Sent(call);
                    return Poll::Ready(Some(call));
                }
                Phase::Unsent(params) => params,
                Phase::Full(params, mut room) => {
                    if room.as_mut().poll(cx).is_pending() {
                        self.phase = Phase::Full(params, room);
                        return Poll::Pending;
                    }
                    params
                }
                over => {
                    self.phase = over;
                    return Poll::Ready(None);
                }
            };
            let shared = &self.connected.shared;
            match shared.send(&self.method, &params, self.timeouts, cx.waker(), listening) {
                Sent::Waiting(call) => {
                    self.phase = Phase::Sent(call);
                    return Poll::Pending;
                }
                Sent::Full(room) => self.phase = Phase::Full(params, room),
                Sent::Failed(error) => self.phase = Phase::Failed(Box::new(error)),
            }
        }
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(call) = ready!(this.poll_sent(cx, false)) else {
            return Poll::Ready(Err(match std::mem::replace(&mut this.phase, Phase::Over) {
                Phase::Failed(error) => *error,
                _ => Error::Misuse("the call is over already: it was awaited before".to_owned()),
            }));
        };
        let result = ready!(this.connected.shared.poll_outcome(call, cx));
        this.phase = Phase::Over;
        Poll::Ready(result.and_then(|text| (this.decode)(&text, this.connected.era)))
    }
}

impl<T> Drop for Call<T> {
    fn drop(&mut self) {
        if let Phase::Sent(call) = self.phase {
            self.connected.shared.cancel(call);
        }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match &self.phase {
            Phase::Unsent(_) | Phase::Full(..) => "unsent",
            Phase::Sent(_) => "sent",
            Phase::Failed(_) | Phase::Over => "over",
        };
        f.debug_struct("Call").field("method", &self.method).field("phase", &phase).finish()
    }
}

/// The progress of a call, see [`Call::progress_stream`].
#[derive(Debug)]
pub struct ProgressStream<'a, T>(&'a mut Call<T>);

impl<T> Stream for ProgressStream<'_, T> {
    type Item = Progress;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        self.get_mut().0.poll_progress(cx)
    }
}
