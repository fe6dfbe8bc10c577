//! Between the caller of a call and the request inside its layers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use mcp_core::Error;

use super::{Next, OutgoingCall, RawResult};
use crate::progress::Progress;

/// A call on its way through layers.
pub(crate) struct Layered {
    future: BoxFuture<'static, Result<RawResult, Error>>,
    relay: Arc<Relay>,
    outcome: Option<Result<RawResult, Error>>,
}

impl Layered {
    pub(crate) fn new(next: Next, call: OutgoingCall, relay: Arc<Relay>) -> Self {
        Self { future: Box::pin(next.run(call)), relay, outcome: None }
    }

    /// What the call came to, once.
    pub(crate) fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<RawResult, Error>> {
        match self.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => self.future.as_mut().poll(cx),
        }
    }

    /// The next progress, `None` when the outcome is there.
    pub(crate) fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Option<Progress>> {
        if self.outcome.is_none()
            && let Poll::Ready(outcome) = self.future.as_mut().poll(cx)
        {
            self.outcome = Some(outcome);
        }
        match self.relay.next(cx) {
            None if self.outcome.is_none() => Poll::Pending,
            progress => Poll::Ready(progress),
        }
    }
}

/// Progress of the request inside, for the caller outside. A layer may run what comes after it in a
/// task of its own.
#[derive(Default)]
pub(crate) struct Relay(Mutex<News>);

#[derive(Default)]
struct News {
    progress: VecDeque<Progress>,
    waker: Option<Waker>,
}

impl Relay {
    /// Keeps the newest.
    pub(crate) fn push(&self, progress: Progress) {
        let mut news = self.lock();
        if news.progress.len() == KEPT {
            news.progress.pop_front();
        }
        news.progress.push_back(progress);
        let waker = news.waker.take();
        drop(news);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn next(&self, cx: &Context<'_>) -> Option<Progress> {
        let mut news = self.lock();
        let progress = news.progress.pop_front();
        if progress.is_none() {
            news.waker = Some(cx.waker().clone());
        }
        progress
    }

    fn lock(&self) -> MutexGuard<'_, News> {
        // Every change is whole before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much progress is kept for a caller that does not look.
const KEPT: usize = 64;
