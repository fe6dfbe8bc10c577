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
    /// The experimental tasks of 2025-11-25, which 2026-07-28 has taken out of the protocol. The tasks
    /// of the extension `io.modelcontextprotocol/tasks` are something else, and have types.
    OutOfScope,
}

use Account::{Base, Codec, Done, OutOfScope, Request, Response};

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
    ("BooleanSchema", Done("BooleanSchema")),
    ("CacheableResult", Done("CacheHints")),
    ("CallToolRequest", Request("CallToolRequestParams")),
    ("CallToolRequestParams", Done("CallToolRequestParams")),
    ("CallToolResult", Done("CallToolResult")),
    ("CallToolResultResponse", Response("CallToolResult")),
    ("CancelTaskRequest", OutOfScope),
    ("CancelTaskResult", OutOfScope),
    ("CancelledNotification", Request("CancelledNotificationParams")),
    ("CancelledNotificationParams", Done("CancelledNotificationParams")),
    ("ClientCapabilities", Done("ClientCapabilities")),
    ("ClientNotification", Codec),
    ("ClientRequest", Codec),
    ("ClientResult", Codec),
    ("CompleteRequest", Request("CompleteRequestParams")),
    ("CompleteRequestParams", Done("CompleteRequestParams")),
    ("CompleteResult", Done("CompleteResult")),
    ("CompleteResultResponse", Response("CompleteResult")),
    ("ContentBlock", Done("ContentBlock")),
    ("CreateMessageRequest", Request("CreateMessageRequestParams")),
    ("CreateMessageRequestParams", Done("CreateMessageRequestParams")),
    ("CreateMessageResult", Done("CreateMessageResult")),
    ("CreateTaskResult", OutOfScope),
    ("Cursor", Done("Cursor")),
    ("DiscoverRequest", Codec),
    ("DiscoverResult", Done("DiscoverResult")),
    ("DiscoverResultResponse", Response("DiscoverResult")),
    ("ElicitRequest", Request("ElicitRequestParams")),
    ("ElicitRequestFormParams", Done("ElicitRequestFormParams")),
    ("ElicitRequestParams", Done("ElicitRequestParams")),
    ("ElicitRequestURLParams", Done("ElicitRequestURLParams")),
    ("ElicitResult", Done("ElicitResult")),
    ("ElicitationCompleteNotification", Request("ElicitationCompleteNotificationParams")),
    ("EmbeddedResource", Done("EmbeddedResource")),
    ("EmptyResult", Codec),
    ("EnumSchema", Done("LegacyTitledEnumSchema")),
    ("Error", Codec),
    ("GetPromptRequest", Request("GetPromptRequestParams")),
    ("GetPromptRequestParams", Done("GetPromptRequestParams")),
    ("GetPromptResult", Done("GetPromptResult")),
    ("GetPromptResultResponse", Response("GetPromptResult")),
    ("GetTaskPayloadRequest", OutOfScope),
    ("GetTaskPayloadResult", OutOfScope),
    ("GetTaskRequest", OutOfScope),
    ("GetTaskResult", OutOfScope),
    ("HeaderMismatchError", Codec),
    ("Icon", Done("Icon")),
    ("Icons", Base("Tool")),
    ("ImageContent", Done("ImageContent")),
    ("Implementation", Done("Implementation")),
    ("InitializeRequest", Request("InitializeRequestParams")),
    ("InitializeRequestParams", Done("InitializeRequestParams")),
    ("InitializeResult", Done("InitializeResult")),
    ("InitializedNotification", Codec),
    ("InputRequest", Done("InputRequest")),
    ("InputRequests", Done("InputRequests")),
    ("InputRequiredResult", Done("InputRequiredResult")),
    ("InputResponse", Codec),
    ("InputResponseRequestParams", Done("InputResponseRequestParams")),
    ("InputResponses", Done("InputResponses")),
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
    ("LegacyTitledEnumSchema", Done("LegacyTitledEnumSchema")),
    ("ListPromptsRequest", Request("PaginatedRequestParams")),
    ("ListPromptsResult", Done("ListPromptsResult")),
    ("ListPromptsResultResponse", Response("ListPromptsResult")),
    ("ListResourceTemplatesRequest", Request("PaginatedRequestParams")),
    ("ListResourceTemplatesResult", Done("ListResourceTemplatesResult")),
    ("ListResourceTemplatesResultResponse", Response("ListResourceTemplatesResult")),
    ("ListResourcesRequest", Request("PaginatedRequestParams")),
    ("ListResourcesResult", Done("ListResourcesResult")),
    ("ListResourcesResultResponse", Response("ListResourcesResult")),
    ("ListRootsRequest", Codec),
    ("ListRootsResult", Done("ListRootsResult")),
    ("ListTasksRequest", OutOfScope),
    ("ListTasksResult", OutOfScope),
    ("ListToolsRequest", Request("PaginatedRequestParams")),
    ("ListToolsResult", Done("ListToolsResult")),
    ("ListToolsResultResponse", Response("ListToolsResult")),
    ("LoggingLevel", Done("LoggingLevel")),
    ("LoggingMessageNotification", Request("LoggingMessageNotificationParams")),
    ("LoggingMessageNotificationParams", Done("LoggingMessageNotificationParams")),
    ("MetaObject", Done("Meta")),
    ("MethodNotFoundError", Codec),
    ("MissingRequiredClientCapabilityError", Codec),
    ("ModelHint", Done("ModelHint")),
    ("ModelPreferences", Done("ModelPreferences")),
    ("MultiSelectEnumSchema", Done("TitledMultiSelectEnumSchema")),
    ("Notification", Codec),
    ("NotificationMetaObject", Codec),
    ("NotificationParams", Codec),
    ("NumberSchema", Done("NumberSchema")),
    ("PaginatedRequest", Request("PaginatedRequestParams")),
    ("PaginatedRequestParams", Done("PaginatedRequestParams")),
    ("PaginatedResult", Base("ListToolsResult")),
    ("ParseError", Codec),
    ("PingRequest", Codec),
    ("PrimitiveSchemaDefinition", Done("PrimitiveSchemaDefinition")),
    ("ProgressNotification", Request("ProgressNotificationParams")),
    ("ProgressNotificationParams", Done("ProgressNotificationParams")),
    ("ProgressToken", Done("ProgressToken")),
    ("Prompt", Done("Prompt")),
    ("PromptArgument", Done("PromptArgument")),
    ("PromptListChangedNotification", Codec),
    ("PromptMessage", Done("PromptMessage")),
    ("PromptReference", Done("PromptReference")),
    ("ReadResourceRequest", Request("ReadResourceRequestParams")),
    ("ReadResourceRequestParams", Done("ReadResourceRequestParams")),
    ("ReadResourceResult", Done("ReadResourceResult")),
    ("ReadResourceResultResponse", Response("ReadResourceResult")),
    ("RelatedTaskMetadata", OutOfScope),
    ("Request", Codec),
    ("RequestId", Codec),
    ("RequestMetaObject", Codec),
    ("RequestParams", Codec),
    ("Resource", Done("Resource")),
    ("ResourceContents", Base("ResourceContents")),
    ("ResourceLink", Done("ResourceLink")),
    ("ResourceListChangedNotification", Codec),
    ("ResourceReference", Done("ResourceTemplateReference")),
    ("ResourceRequestParams", Base("ReadResourceRequestParams")),
    ("ResourceTemplate", Done("ResourceTemplate")),
    ("ResourceTemplateReference", Done("ResourceTemplateReference")),
    ("ResourceUpdatedNotification", Request("ResourceUpdatedNotificationParams")),
    ("ResourceUpdatedNotificationParams", Done("ResourceUpdatedNotificationParams")),
    ("Result", Codec),
    ("ResultMetaObject", Codec),
    ("ResultType", Codec),
    ("Role", Done("Role")),
    ("Root", Done("Root")),
    ("RootsListChangedNotification", Codec),
    ("SamplingMessage", Done("SamplingMessage")),
    ("SamplingMessageContentBlock", Done("SamplingMessageContentBlock")),
    ("ServerCapabilities", Done("ServerCapabilities")),
    ("ServerNotification", Codec),
    ("ServerRequest", Codec),
    ("ServerResult", Codec),
    ("SetLevelRequest", Request("SetLevelRequestParams")),
    ("SetLevelRequestParams", Done("SetLevelRequestParams")),
    ("SingleSelectEnumSchema", Done("TitledSingleSelectEnumSchema")),
    ("StringSchema", Done("StringSchema")),
    ("SubscribeRequest", Request("SubscribeRequestParams")),
    ("SubscribeRequestParams", Done("SubscribeRequestParams")),
    ("SubscriptionFilter", Done("SubscriptionFilter")),
    (
        "SubscriptionsAcknowledgedNotification",
        Request("SubscriptionsAcknowledgedNotificationParams"),
    ),
    (
        "SubscriptionsAcknowledgedNotificationParams",
        Done("SubscriptionsAcknowledgedNotificationParams"),
    ),
    ("SubscriptionsListenRequest", Request("SubscriptionsListenRequestParams")),
    ("SubscriptionsListenRequestParams", Done("SubscriptionsListenRequestParams")),
    ("SubscriptionsListenResult", Done("SubscriptionsListenResult")),
    ("SubscriptionsListenResultMetaObject", Codec),
    ("SubscriptionsListenResultResponse", Response("SubscriptionsListenResult")),
    ("Task", OutOfScope),
    ("TaskAugmentedRequestParams", OutOfScope),
    ("TaskMetadata", OutOfScope),
    ("TaskStatus", OutOfScope),
    ("TaskStatusNotification", OutOfScope),
    ("TaskStatusNotificationParams", OutOfScope),
    ("TextContent", Done("TextContent")),
    ("TextResourceContents", Done("TextResourceContents")),
    ("TitledMultiSelectEnumSchema", Done("TitledMultiSelectEnumSchema")),
    ("TitledSingleSelectEnumSchema", Done("TitledSingleSelectEnumSchema")),
    ("Tool", Done("Tool")),
    ("ToolAnnotations", Done("ToolAnnotations")),
    ("ToolChoice", Done("ToolChoice")),
    ("ToolExecution", Done("ToolExecution")),
    ("ToolListChangedNotification", Codec),
    ("ToolResultContent", Done("ToolResultContent")),
    ("ToolUseContent", Done("ToolUseContent")),
    ("URLElicitationRequiredError", Codec),
    ("UnsubscribeRequest", Request("UnsubscribeRequestParams")),
    ("UnsubscribeRequestParams", Done("UnsubscribeRequestParams")),
    ("UnsupportedProtocolVersionError", Codec),
    ("UntitledMultiSelectEnumSchema", Done("UntitledMultiSelectEnumSchema")),
    ("UntitledSingleSelectEnumSchema", Done("UntitledSingleSelectEnumSchema")),
];
