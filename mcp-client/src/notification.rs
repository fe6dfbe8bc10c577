//! What a server tells without being asked.

use mcp_core::wire::Members;
use serde_json::value::RawValue;
use tokio::sync::broadcast::{self, error::RecvError};

/// A notification of the server that concerns no call, for instance
/// `notifications/tools/list_changed`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerNotification {
    /// The method's name.
    pub method: Box<str>,
    /// The parameters, a JSON object, if there are any.
    pub params: Option<Box<RawValue>>,
}

impl ServerNotification {
    pub(crate) fn new(method: &str, params: &Members<'_>) -> Self {
        let params = Some(params).filter(|params| !params.is_empty());
        let params = params.and_then(|params| serde_json::value::to_raw_value(params).ok());
        Self { method: method.into(), params }
    }
}

/// Notifications of the server, from the moment on that they were asked for.
///
/// At most 64 are kept for a listener that does not look; then the oldest are dropped, and
/// [`missed`](Self::missed) counts them.
#[derive(Debug)]
pub struct Notifications {
    receiver: Option<broadcast::Receiver<ServerNotification>>,
    missed: u64,
}

impl Notifications {
    pub(crate) fn new(receiver: Option<broadcast::Receiver<ServerNotification>>) -> Self {
        Self { receiver, missed: 0 }
    }

    /// Waits for the next one; `None` when the connection is over.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<ServerNotification> {
        let receiver = self.receiver.as_mut()?;
        loop {
            match receiver.recv().await {
                Ok(notification) => return Some(notification),
                Err(RecvError::Lagged(missed)) => self.missed += missed,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// How many were dropped because this listener did not look in time.
    pub fn missed(&self) -> u64 {
        self.missed
    }
}
