//! What is the same for every tenant that a service serves.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::socket::STALL;
use super::store::{EventStore, EventsInMemory, SessionStore};

/// Limits and times of an HTTP service.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How long a stream may be silent before a comment keeps it alive.
    pub(crate) keep_alive: Duration,
    /// Says when streams are to come to an end because the service stops.
    pub(crate) closing: Arc<Closing>,
    /// How often it is asked, while a stream is open, what its caller is entitled to.
    pub(crate) recheck: Duration,
    /// After how long an answer that is not there yet becomes a stream, which is kept alive.
    pub(crate) stream_after: Duration,
    /// How long a session may be unused before it is over.
    pub(crate) session_idle: Duration,
    /// How many sessions there may be at a time, for each tenant.
    pub(crate) sessions: usize,
    /// Where sessions are that other processes serve as well; without, nobody else does.
    pub(crate) session_store: Option<Arc<dyn SessionStore>>,
    /// What the streams of sessions carried; without, they cannot be resumed.
    pub(crate) events: Option<Arc<dyn EventStore>>,
    /// Longest time in which the body of a request must have come.
    pub(crate) body_time: Duration,
    /// Most bytes of bodies that are not complete yet, of all requests together.
    pub(crate) body_bytes: usize,
    /// Most connections at a time; more wait until one ends.
    pub(crate) connections: usize,
    /// How long a new connection may be without a request.
    pub(crate) first_request: Duration,
    /// How long a connection is kept at least between two requests; at most twice as long.
    pub(crate) connection_idle: Duration,
    /// How long a client may take nothing of what is written to it.
    pub(crate) write_stall: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(15),
            closing: Arc::default(),
            recheck: Duration::from_secs(60),
            stream_after: Duration::from_secs(1),
            session_idle: Duration::from_secs(30 * 60),
            sessions: 10_000,
            session_store: None,
            events: Some(Arc::new(EventsInMemory::default())),
            body_time: Duration::from_secs(30),
            body_bytes: 256 * 1024 * 1024,
            connections: 10_000,
            first_request: Duration::from_secs(10),
            connection_idle: Duration::from_secs(75),
            write_stall: STALL,
        }
    }
}

impl Settings {
    /// How often it is asked, while somebody listens to a session, whether that goes on: more often
    /// than a store forgets it.
    pub(crate) fn listener_check(&self) -> Duration {
        match self.session_store {
            Some(_) => self.recheck.min((self.session_idle / 2).max(Duration::from_secs(1))),
            None => self.recheck,
        }
    }
}

/// Tells streams that the service stops.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    closed: AtomicBool,
    notify: Arc<Notify>,
}

impl Closing {
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    /// Ready once the service stops.
    pub(crate) fn closed(self: &Arc<Self>) -> Closed {
        let mut notified = Box::pin(Arc::clone(&self.notify).notified_owned());
        // From here on no stop is missed.
        notified.as_mut().enable();
        Closed { closing: Arc::clone(self), notified }
    }
}

/// Waits for the service to stop.
#[derive(Debug)]
pub(crate) struct Closed {
    closing: Arc<Closing>,
    notified: Pin<Box<OwnedNotified>>,
}

impl Closed {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.closing.closed.load(Ordering::Acquire) {
            true => Poll::Ready(()),
            false => self.notified.as_mut().poll(cx),
        }
    }
}
