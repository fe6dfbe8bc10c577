//! Every definition of every revision is accounted for.

use std::collections::BTreeSet;

use crate::{models::model, spec};

/// What we do with a definition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Account {
    /// One of our types is this definition.
    Done(&'static str),
    /// A part that several definitions share; the type has all its fields and more.
    Base(&'static str),
    /// A message whose `params` are one of our types. The rest is the envelope's.
    Request(&'static str),
    /// A response whose `result` is one of our types. The rest is the envelope's.
    Response(&'static str),
    /// Envelope, errors, wire-only fields and unions of methods: the codecs' work.
    Codec,
    /// A page of the specification that has no types yet.
    NextPages,
}

use Account::{Base, Codec, Done, NextPages, Request, Response};

/// What we do with the definition of this name.
pub(crate) fn account(definition: &str) -> Option<Account> {
    TABLE.iter().find(|(name, _)| *name == definition).map(|(_, account)| *account)
}

#[test]
fn every_definition_is_accounted_for() {
    let Some(spec) = spec::find("every_definition_is_accounted_for") else { return };
    let mut missing = Vec::new();
    let mut seen = BTreeSet::new();
    for revision in spec::REVISIONS {
        for name in spec.definitions(revision).into_iter().map(|(name, _)| name) {
            if account(&name).is_none() {
                missing.push(format!("{revision} {name}"));
            }
            seen.insert(name);
        }
    }
    assert!(missing.is_empty(), "not in the table: {missing:#?}");
    let gone: Vec<_> = TABLE.iter().filter(|(name, _)| !seen.contains(*name)).collect();
    assert!(gone.is_empty(), "in the table, but in no schema: {gone:?}");
}

#[test]
fn the_table_is_sorted_and_names_existing_types() {
    assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0), "keep the table sorted, without repetitions");
    for (_, account) in TABLE {
        if let Done(name) | Base(name) | Request(name) | Response(name) = account {
            model(name);
        }
    }
}

const TABLE: &[(&str, Account)] = &[
    ("Annotated", Base("TextContent")),
    ("Annotations", Done("Annotations")),
    ("AudioContent", Done("AudioContent")),
    ("BaseMetadata", Base("Tool")),
    ("BlobResourceContents", Done("BlobResourceContents")),
    ("BooleanSchema", NextPages),
    ("CacheableResult", Done("CacheHints")),
    ("CallToolRequest", Request("CallToolRequestParams")),
    ("CallToolRequestParams", Done("CallToolRequestParams")),
    ("CallToolResult", Done("CallToolResult")),
    ("CallToolResultResponse", Response("CallToolResult")),
    ("CancelTaskRequest", NextPages),
    ("CancelTaskResult", NextPages),
    ("CancelledNotification", Request("CancelledNotificationParams")),
    ("CancelledNotificationParams", Done("CancelledNotificationParams")),
    ("ClientCapabilities", Done("ClientCapabilities")),
    ("ClientNotification", Codec),
    ("ClientRequest", Codec),
    ("ClientResult", Codec),
    ("CompleteRequest", NextPages),
    ("CompleteRequestParams", NextPages),
    ("CompleteResult", NextPages),
    ("CompleteResultResponse", NextPages),
    ("ContentBlock", Done("ContentBlock")),
    ("CreateMessageRequest", NextPages),
    ("CreateMessageRequestParams", NextPages),
    ("CreateMessageResult", NextPages),
    ("CreateTaskResult", NextPages),
    ("Cursor", Done("Cursor")),
    ("DiscoverRequest", Codec),
    ("DiscoverResult", Done("DiscoverResult")),
    ("DiscoverResultResponse", Response("DiscoverResult")),
    ("ElicitRequest", NextPages),
    ("ElicitRequestFormParams", NextPages),
    ("ElicitRequestParams", NextPages),
    ("ElicitRequestURLParams", NextPages),
    ("ElicitResult", NextPages),
    ("ElicitationCompleteNotification", NextPages),
    ("EmbeddedResource", Done("EmbeddedResource")),
    ("EmptyResult", Codec),
    ("EnumSchema", NextPages),
    ("Error", Codec),
    ("GetPromptRequest", NextPages),
    ("GetPromptRequestParams", NextPages),
    ("GetPromptResult", NextPages),
    ("GetPromptResultResponse", NextPages),
    ("GetTaskPayloadRequest", NextPages),
    ("GetTaskPayloadResult", NextPages),
    ("GetTaskRequest", NextPages),
    ("GetTaskResult", NextPages),
    ("HeaderMismatchError", Codec),
    ("Icon", Done("Icon")),
    ("Icons", Base("Tool")),
    ("ImageContent", Done("ImageContent")),
    ("Implementation", Done("Implementation")),
    ("InitializeRequest", Request("InitializeRequestParams")),
    ("InitializeRequestParams", Done("InitializeRequestParams")),
    ("InitializeResult", Done("InitializeResult")),
    ("InitializedNotification", Codec),
    ("InputRequest", Codec),
    ("InputRequests", Codec),
    ("InputRequiredResult", Codec),
    ("InputResponse", Codec),
    ("InputResponseRequestParams", Codec),
    ("InputResponses", Codec),
    ("InternalError", Codec),
    ("InvalidParamsError", Codec),
    ("InvalidRequestError", Codec),
    ("JSONArray", Codec),
    ("JSONObject", Done("RawObject")),
    ("JSONRPCBatchRequest", Codec),
    ("JSONRPCBatchResponse", Codec),
    ("JSONRPCError", Codec),
    ("JSONRPCErrorResponse", Codec),
    ("JSONRPCMessage", Codec),
    ("JSONRPCNotification", Codec),
    ("JSONRPCRequest", Codec),
    ("JSONRPCResponse", Codec),
    ("JSONRPCResultResponse", Codec),
    ("JSONValue", Codec),
    ("LegacyTitledEnumSchema", NextPages),
    ("ListPromptsRequest", NextPages),
    ("ListPromptsResult", NextPages),
    ("ListPromptsResultResponse", NextPages),
    ("ListResourceTemplatesRequest", NextPages),
    ("ListResourceTemplatesResult", NextPages),
    ("ListResourceTemplatesResultResponse", NextPages),
    ("ListResourcesRequest", NextPages),
    ("ListResourcesResult", NextPages),
    ("ListResourcesResultResponse", NextPages),
    ("ListRootsRequest", NextPages),
    ("ListRootsResult", NextPages),
    ("ListTasksRequest", NextPages),
    ("ListTasksResult", NextPages),
    ("ListToolsRequest", Request("PaginatedRequestParams")),
    ("ListToolsResult", Done("ListToolsResult")),
    ("ListToolsResultResponse", Response("ListToolsResult")),
    ("LoggingLevel", Done("LoggingLevel")),
    ("LoggingMessageNotification", NextPages),
    ("LoggingMessageNotificationParams", NextPages),
    ("MetaObject", Done("Meta")),
    ("MethodNotFoundError", Codec),
    ("MissingRequiredClientCapabilityError", Codec),
    ("ModelHint", NextPages),
    ("ModelPreferences", NextPages),
    ("MultiSelectEnumSchema", NextPages),
    ("Notification", Codec),
    ("NotificationMetaObject", Codec),
    ("NotificationParams", Codec),
    ("NumberSchema", NextPages),
    ("PaginatedRequest", Request("PaginatedRequestParams")),
    ("PaginatedRequestParams", Done("PaginatedRequestParams")),
    ("PaginatedResult", Base("ListToolsResult")),
    ("ParseError", Codec),
    ("PingRequest", Codec),
    ("PrimitiveSchemaDefinition", NextPages),
    ("ProgressNotification", Request("ProgressNotificationParams")),
    ("ProgressNotificationParams", Done("ProgressNotificationParams")),
    ("ProgressToken", Done("ProgressToken")),
    ("Prompt", NextPages),
    ("PromptArgument", NextPages),
    ("PromptListChangedNotification", NextPages),
    ("PromptMessage", NextPages),
    ("PromptReference", NextPages),
    ("ReadResourceRequest", NextPages),
    ("ReadResourceRequestParams", NextPages),
    ("ReadResourceResult", NextPages),
    ("ReadResourceResultResponse", NextPages),
    ("RelatedTaskMetadata", NextPages),
    ("Request", Codec),
    ("RequestId", Codec),
    ("RequestMetaObject", Codec),
    ("RequestParams", Codec),
    ("Resource", NextPages),
    ("ResourceContents", Base("ResourceContents")),
    ("ResourceLink", Done("ResourceLink")),
    ("ResourceListChangedNotification", NextPages),
    ("ResourceReference", NextPages),
    ("ResourceRequestParams", NextPages),
    ("ResourceTemplate", NextPages),
    ("ResourceTemplateReference", NextPages),
    ("ResourceUpdatedNotification", NextPages),
    ("ResourceUpdatedNotificationParams", NextPages),
    ("Result", Codec),
    ("ResultMetaObject", Codec),
    ("ResultType", Codec),
    ("Role", Done("Role")),
    ("Root", NextPages),
    ("RootsListChangedNotification", NextPages),
    ("SamplingMessage", NextPages),
    ("SamplingMessageContentBlock", NextPages),
    ("ServerCapabilities", Done("ServerCapabilities")),
    ("ServerNotification", Codec),
    ("ServerRequest", Codec),
    ("ServerResult", Codec),
    ("SetLevelRequest", NextPages),
    ("SetLevelRequestParams", NextPages),
    ("SingleSelectEnumSchema", NextPages),
    ("StringSchema", NextPages),
    ("SubscribeRequest", NextPages),
    ("SubscribeRequestParams", NextPages),
    ("SubscriptionFilter", NextPages),
    ("SubscriptionsAcknowledgedNotification", NextPages),
    ("SubscriptionsAcknowledgedNotificationParams", NextPages),
    ("SubscriptionsListenRequest", NextPages),
    ("SubscriptionsListenRequestParams", NextPages),
    ("SubscriptionsListenResult", NextPages),
    ("SubscriptionsListenResultMetaObject", NextPages),
    ("SubscriptionsListenResultResponse", NextPages),
    ("Task", NextPages),
    ("TaskAugmentedRequestParams", NextPages),
    ("TaskMetadata", NextPages),
    ("TaskStatus", NextPages),
    ("TaskStatusNotification", NextPages),
    ("TaskStatusNotificationParams", NextPages),
    ("TextContent", Done("TextContent")),
    ("TextResourceContents", Done("TextResourceContents")),
    ("TitledMultiSelectEnumSchema", NextPages),
    ("TitledSingleSelectEnumSchema", NextPages),
    ("Tool", Done("Tool")),
    ("ToolAnnotations", Done("ToolAnnotations")),
    ("ToolChoice", NextPages),
    ("ToolExecution", Done("ToolExecution")),
    ("ToolListChangedNotification", Codec),
    ("ToolResultContent", NextPages),
    ("ToolUseContent", NextPages),
    ("URLElicitationRequiredError", Codec),
    ("UnsubscribeRequest", NextPages),
    ("UnsubscribeRequestParams", NextPages),
    ("UnsupportedProtocolVersionError", Codec),
    ("UntitledMultiSelectEnumSchema", NextPages),
    ("UntitledSingleSelectEnumSchema", NextPages),
];
