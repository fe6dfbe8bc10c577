//! A stream of what a server tells because it was asked to.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use mcp_core::types::SubscriptionFilter;
use mcp_core::{CallId, Error};
use serde_json::value::RawValue;
use tokio::sync::futures::OwnedNotified;

use crate::client::Connected;
use crate::notification::ServerNotification;
use crate::shared::Sent;

/// Notifications that a modern server was asked for; see [`Client::listen`](crate::Client::listen).
///
/// A stream that ends when the server closes it in good order. Everything else that ends it is one
/// last error: a server that refuses or that calls it off, a lost connection, a time-out before the
/// server acknowledged it. Nothing is opened before the first poll, and dropping it tells the
/// server to stop.
///
/// A change that is the same as one that waits already is not kept twice. At most 1,024 are kept,
/// and 4 MiB, for somebody who does not look; then the oldest are dropped, and
/// [`missed`](Self::missed) counts them.
///
/// Spec: 2026-07-28, basic/patterns/subscriptions.
///
/// # Cancel safety
///
/// Nothing is lost when a future of [`acknowledged`](Self::acknowledged) or [`next`](Self::next) is
/// dropped.
#[must_use = "a subscription is not opened unless it is polled"]
pub struct Subscription {
    connected: Arc<Connected>,
    phase: Phase,
    acknowledged: Option<Arc<SubscriptionFilter>>,
    missed: u64,
}

enum Phase {
    Unsent(Box<RawValue>),
    Full(Box<RawValue>, Pin<Box<OwnedNotified>>),
    Open(CallId),
    Failed(Box<Error>),
    Over,
}

impl Subscription {
    pub(crate) fn new(connected: &Arc<Connected>, params: Result<Box<RawValue>, Error>) -> Self {
        let phase = match params {
            Ok(params) => Phase::Unsent(params),
            Err(error) => Phase::Failed(Box::new(error)),
        };
        Self { connected: Arc::clone(connected), phase, acknowledged: None, missed: 0 }
    }

    /// Waits until the server says what it will tell of, which may be less than was asked for.
    ///
    /// # Errors
    ///
    /// What ended the subscription before; [`Error::Misuse`] when it is over.
    pub async fn acknowledged(&mut self) -> Result<Arc<SubscriptionFilter>, Error> {
        poll_fn(|cx| self.poll_acknowledged(cx)).await
    }

    /// Waits for the next notification; `None` when the server has closed the subscription.
    pub async fn next(&mut self) -> Option<Result<ServerNotification, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// How many notifications were dropped because nobody looked in time.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    fn poll_acknowledged(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Arc<SubscriptionFilter>, Error>> {
        if let Some(filter) = &self.acknowledged {
            return Poll::Ready(Ok(Arc::clone(filter)));
        }
        let Some(call) = ready!(self.poll_open(cx)) else { return Poll::Ready(Err(self.fail())) };
        match ready!(self.connected.shared.poll_acknowledged(call, cx)) {
            Ok(filter) => {
                self.acknowledged = Some(Arc::clone(&filter));
                Poll::Ready(Ok(filter))
            }
            Err(ended) => {
                self.phase = Phase::Over;
                Poll::Ready(Err(ended.unwrap_or_else(|| {
                    Error::Closed("the server closed the subscription at once".to_owned())
                })))
            }
        }
    }

    /// Asks for the subscription if that has not happened; `None` if it failed or is over.
    fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Option<CallId>> {
        loop {
            let params = match std::mem::replace(&mut self.phase, Phase::Over) {
                Phase::Open(call) => {
                    self.phase = Phase::Open(call);
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
            let timeouts = self.connected.timeouts();
            match self.connected.shared.listen(&params, timeouts, cx.waker()) {
                Sent::Waiting(call, _) => self.phase = Phase::Open(call),
                Sent::Full(room) => self.phase = Phase::Full(params, room),
                Sent::Failed(error) => self.phase = Phase::Failed(Box::new(error)),
            }
        }
    }

    fn fail(&mut self) -> Error {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Failed(error) => *error,
            _ => Error::Misuse("the subscription is over already".to_owned()),
        }
    }
}

impl Stream for Subscription {
    type Item = Result<ServerNotification, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(call) = ready!(this.poll_open(cx)) else {
            return Poll::Ready(match this.phase {
                Phase::Failed(_) => Some(Err(this.fail())),
                _ => None,
            });
        };
        let next = ready!(this.connected.shared.poll_notification(call, &mut this.missed, cx));
        if !matches!(next, Some(Ok(_))) {
            this.phase = Phase::Over;
        }
        Poll::Ready(next)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Phase::Open(call) = self.phase {
            self.connected.shared.cancel(call);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("acknowledged", &self.acknowledged)
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
