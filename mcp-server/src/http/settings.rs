//! What is the same for every tenant that a service serves.

use std::time::Duration;

/// Limits and times of an HTTP service.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How long a stream may be silent before a comment keeps it alive.
    pub(crate) keep_alive: Duration,
    /// How long a session may be unused before it is over.
    pub(crate) session_idle: Duration,
    /// How many sessions there may be at a time, for each tenant.
    pub(crate) sessions: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(15),
            session_idle: Duration::from_secs(30 * 60),
            sessions: 10_000,
        }
    }
}
