//! Asking a server to report changes, on one stream.
//!
//! Specification: 2026-07-28, basic, patterns, "Subscriptions". Earlier revisions report changes of lists unasked
//! and those of single resources after `resources/subscribe`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Meta;

/// What a client wants to be told, or what a server has agreed to tell.
///
/// Fields that this library does not know are kept in [`other`](Self::other): extensions add some.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SubscriptionFilter {
    /// Changes of the list of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_list_changed: Option<bool>,
    /// Changes of the list of prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts_list_changed: Option<bool>,
    /// Changes of the list of resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources_list_changed: Option<bool>,
    /// Changes of the resources at these addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resource_subscriptions: Vec<String>,
    /// Changes of these tasks; the extension `io.modelcontextprotocol/tasks` adds this field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_ids: Vec<String>,
    /// All other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl SubscriptionFilter {
    /// Asks for nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds changes of the list of tools.
    #[must_use]
    pub fn with_tools_list_changed(mut self) -> Self {
        self.tools_list_changed = Some(true);
        self
    }

    /// Adds changes of the list of prompts.
    #[must_use]
    pub fn with_prompts_list_changed(mut self) -> Self {
        self.prompts_list_changed = Some(true);
        self
    }

    /// Adds changes of the list of resources.
    #[must_use]
    pub fn with_resources_list_changed(mut self) -> Self {
        self.resources_list_changed = Some(true);
        self
    }

    /// Adds changes of the resource at `uri`.
    #[must_use]
    pub fn with_resource(mut self, uri: impl Into<String>) -> Self {
        self.resource_subscriptions.push(uri.into());
        self
    }

    /// Adds changes of a task.
    #[must_use]
    pub fn with_task(mut self, task_id: impl Into<String>) -> Self {
        self.task_ids.push(task_id.into());
        self
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        let lists =
            [self.tools_list_changed, self.prompts_list_changed, self.resources_list_changed];
        !lists.contains(&Some(true))
            && self.resource_subscriptions.is_empty()
            && self.task_ids.is_empty()
            && self.other.is_empty()
    }
}

/// What `subscriptions/listen` carries.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionsListenRequestParams {
    /// What the client wants to be told.
    pub notifications: SubscriptionFilter,
}

impl SubscriptionsListenRequestParams {
    /// Asks for these reports.
    pub fn new(notifications: SubscriptionFilter) -> Self {
        Self { notifications }
    }
}

/// What `notifications/subscriptions/acknowledged` carries, the first message of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionsAcknowledgedNotificationParams {
    /// What the server has agreed to tell, which may be less than was asked for.
    pub notifications: SubscriptionFilter,
}

impl SubscriptionsAcknowledgedNotificationParams {
    /// Agrees to these reports.
    pub fn new(notifications: SubscriptionFilter) -> Self {
        Self { notifications }
    }
}

/// The end of a stream that the server closes: a result that only has
/// [`SUBSCRIPTION_ID`](crate::wire::modern::SUBSCRIPTION_ID) in its `_meta`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SubscriptionsListenResult {
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_extensions_add_survives() {
        let text = r#"{"toolsListChanged":true,"taskIds":["a"],"com.example/x":{"y":[1]}}"#;
        let filter: SubscriptionFilter = serde_json::from_str(text).unwrap();
        assert_eq!(filter.task_ids, ["a"]);
        assert_eq!(serde_json::to_string(&filter).unwrap(), text);
    }

    #[test]
    fn a_filter_without_wishes_is_empty() {
        assert!(SubscriptionFilter::new().is_empty());
        let refused: SubscriptionFilter =
            serde_json::from_str(r#"{"toolsListChanged":false}"#).unwrap();
        assert!(refused.is_empty());
        assert!(!SubscriptionFilter::new().with_resource("a:b").is_empty());
    }
}
