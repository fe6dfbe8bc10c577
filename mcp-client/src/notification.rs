//! What a server tells without being asked.

use mcp_core::types::LoggingMessageNotificationParams;
use mcp_core::wire::Members;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::broadcast::{self, error::RecvError};

/// A notification of the server that concerns no call, for instance
/// `notifications/tools/list_changed`.
///
/// # Examples
///
/// ```
/// use mcp_client::{NotificationKind, ServerNotification};
///
/// async fn listen(notification: ServerNotification) {
///     match notification.kind() {
///         NotificationKind::ResourceUpdated { uri } => tracing::info!("{uri} has changed"),
///         NotificationKind::Message(message) => tracing::info!("{}", message.data),
///         _ => tracing::debug!("{}", notification.method),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerNotification {
    /// The method's name.
    pub method: Box<str>,
    /// The parameters, a JSON object, if there are any.
    pub params: Option<Box<RawValue>>,
}

/// What a [`ServerNotification`] says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum NotificationKind {
    /// The list of tools is another one.
    ToolsListChanged,
    /// The list of prompts is another one.
    PromptsListChanged,
    /// The list of resources is another one.
    ResourcesListChanged,
    /// A resource has changed.
    ResourceUpdated {
        /// Its address, which may lie within the one that was subscribed to.
        uri: String,
    },
    /// A log message.
    Message(LoggingMessageNotificationParams),
    /// What the user was sent to an address for is done (2025-11-25).
    ElicitationComplete {
        /// Which of the server's requests it was.
        elicitation_id: String,
    },
    /// Anything else, or parameters that do not fit their method; see
    /// [`method`](ServerNotification::method) and [`params`](ServerNotification::params).
    Other,
}

impl ServerNotification {
    pub(crate) fn new(method: &str, params: &Members<'_>) -> Self {
        let params = Some(params).filter(|params| !params.is_empty());
        let params = params.and_then(|params| serde_json::value::to_raw_value(params).ok());
        Self { method: method.into(), params }
    }

    /// What it says, decoded.
    pub fn kind(&self) -> NotificationKind {
        match &*self.method {
            "notifications/tools/list_changed" => NotificationKind::ToolsListChanged,
            "notifications/prompts/list_changed" => NotificationKind::PromptsListChanged,
            "notifications/resources/list_changed" => NotificationKind::ResourcesListChanged,
            "notifications/resources/updated" => {
                self.decode(|Updated { uri }| NotificationKind::ResourceUpdated { uri })
            }
            "notifications/message" => self.decode(NotificationKind::Message),
            "notifications/elicitation/complete" => self.decode(|Completed { elicitation_id }| {
                NotificationKind::ElicitationComplete { elicitation_id }
            }),
            _ => NotificationKind::Other,
        }
    }

    /// Whether it says only that something has changed: then saying so twice says nothing more.
    pub(crate) fn is_change(&self) -> bool {
        self.method.ends_with("/list_changed") || &*self.method == "notifications/resources/updated"
    }

    pub(crate) fn bytes(&self) -> usize {
        self.method.len() + self.params.as_ref().map_or(0, |params| params.get().len())
    }

    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        fn text(notification: &ServerNotification) -> &str {
            notification.params.as_ref().map_or("", |raw| raw.get())
        }
        self.method == other.method && text(self) == text(other)
    }

    fn decode<'a, T: Deserialize<'a>>(
        &'a self,
        kind: impl FnOnce(T) -> NotificationKind,
    ) -> NotificationKind {
        let params = self.params.as_ref().and_then(|raw| serde_json::from_str(raw.get()).ok());
        params.map_or(NotificationKind::Other, kind)
    }
}

#[derive(Deserialize)]
struct Updated {
    uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Completed {
    elicitation_id: String,
}

/// Notifications of the server, from the moment on that they were asked for.
///
/// Those of a [`Subscription`](crate::Subscription) are among them. At most 64 are kept for a
/// listener that does not look; then the oldest are dropped, and [`missed`](Self::missed) counts
/// them.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(method: &str, params: &str) -> NotificationKind {
        ServerNotification::new(method, &serde_json::from_str(params).unwrap()).kind()
    }

    #[test]
    fn notifications_say_what_they_are() {
        assert_eq!(
            kind("notifications/tools/list_changed", "{}"),
            NotificationKind::ToolsListChanged
        );
        assert_eq!(
            kind("notifications/resources/updated", r#"{"uri":"a:b"}"#),
            NotificationKind::ResourceUpdated { uri: "a:b".to_owned() }
        );
        let said = kind("notifications/message", r#"{"level":"error","data":{"a":1}}"#);
        assert!(matches!(said, NotificationKind::Message(said) if said.data.get() == r#"{"a":1}"#));
        assert_eq!(
            kind("notifications/elicitation/complete", r#"{"elicitationId":"7"}"#),
            NotificationKind::ElicitationComplete { elicitation_id: "7".to_owned() }
        );
    }

    #[test]
    fn what_does_not_fit_is_something_else() {
        assert_eq!(kind("notifications/odd", "{}"), NotificationKind::Other);
        assert_eq!(kind("notifications/resources/updated", "{}"), NotificationKind::Other);
        assert_eq!(kind("notifications/message", r#"{"level":7}"#), NotificationKind::Other);
    }
}
