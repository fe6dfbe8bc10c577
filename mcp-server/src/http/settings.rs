//! What is the same for every tenant that a service serves.

use std::sync::Arc;
use std::time::Duration;

use super::store::{EventStore, EventsInMemory};

/// Limits and times of an HTTP service.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How long a stream may be silent before a comment keeps it alive.
    pub(crate) keep_alive: Duration,
    /// How often it is asked, while a stream is open, what its caller is entitled to.
    pub(crate) recheck: Duration,
    /// After how long an answer that is not there yet becomes a stream, which is kept alive.
    pub(crate) stream_after: Duration,
    /// How long a session may be unused before it is over.
    pub(crate) session_idle: Duration,
    /// How many sessions there may be at a time, for each tenant.
    pub(crate) sessions: usize,
    /// What the streams of sessions carried; without, they cannot be resumed.
    pub(crate) events: Option<Arc<dyn EventStore>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(15),
            recheck: Duration::from_secs(60),
            stream_after: Duration::from_secs(1),
            session_idle: Duration::from_secs(30 * 60),
            sessions: 10_000,
            events: Some(Arc::new(EventsInMemory::default())),
        }
    }
}
