//! Calling off a request.
//!
//! Specification: 2026-07-28, basic, "Cancellation". It does not know what a request id is made of.

use serde::{Deserialize, Serialize};

/// What `notifications/cancelled` carries; `Id` is the type of request ids.
///
/// Only 2025-11-25 lets the id be absent, for tasks; the codecs of the others insist on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CancelledNotificationParams<Id> {
    /// The request that is called off.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Id>,
    /// Why, for logs and people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl<Id> CancelledNotificationParams<Id> {
    /// Calls off the request with this id.
    pub fn new(request_id: Id) -> Self {
        Self { request_id: Some(request_id), reason: None }
    }

    /// Says why.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_callers_type() {
        let text = r#"{"requestId":7,"reason":"late"}"#;
        let params: CancelledNotificationParams<u64> = serde_json::from_str(text).unwrap();
        assert_eq!(params, CancelledNotificationParams::new(7).with_reason("late"));
        assert_eq!(serde_json::to_string(&params).unwrap(), text);
    }
}
