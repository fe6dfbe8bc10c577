//! What servers offer: resources, prompts, completion, logging, subscriptions.

use mcp_core::types::{
    CompleteRequestParams, CompleteResult, GetPromptRequestParams, GetPromptResult,
    InputRequiredResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    LoggingMessageNotificationParams, Meta, Prompt, PromptArgument, PromptMessage, PromptReference,
    ReadResourceRequestParams, ReadResourceResult, Resource, ResourceTemplate,
    ResourceTemplateReference, ResourceUpdatedNotificationParams, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams, SubscriptionsListenResult, UnsubscribeRequestParams,
};
use serde_json::json;

use super::{Model, Parts, REQUEST_FIELDS, ResultModel, part, result, results};

pub(super) fn models(parts: &Parts) -> Vec<Model> {
    let mut models = resources(parts);
    models.extend(prompts(parts));
    models.extend(subscriptions(parts));
    models
}

fn resources(parts: &Parts) -> Vec<Model> {
    let Parts { icon, annotations, meta, text_resource, .. } = parts;
    let resource = json!({
        "uri": "a:b", "name": "a", "title": "A", "description": "an a", "mimeType": "text/plain",
        "size": 1, "icons": [icon], "annotations": annotations, "_meta": meta,
    });
    let template = json!({
        "uriTemplate": "a:{b}", "name": "a", "title": "A", "description": "an a",
        "mimeType": "text/plain", "icons": [icon], "annotations": annotations, "_meta": meta,
    });
    vec![
        result::<ListResourceTemplatesResult>(
            "ListResourceTemplatesResult",
            json!({"resourceTemplates": [template], "nextCursor": "b", "_meta": meta}),
        ),
        result::<ListResourcesResult>(
            "ListResourcesResult",
            json!({"resources": [resource], "nextCursor": "b", "_meta": meta}),
        ),
        part::<ReadResourceRequestParams>("ReadResourceRequestParams", json!({"uri": "a:b"}))
            .codec(REQUEST_FIELDS),
        result::<ReadResourceResult>(
            "ReadResourceResult",
            json!({"contents": [text_resource], "_meta": meta}),
        ),
        part::<Resource>("Resource", resource),
        part::<ResourceTemplate>("ResourceTemplate", template),
        part::<ResourceUpdatedNotificationParams>(
            "ResourceUpdatedNotificationParams",
            json!({"uri": "a:b"}),
        )
        .codec(&["_meta"]),
        part::<SubscribeRequestParams>("SubscribeRequestParams", json!({"uri": "a:b"}))
            .codec(REQUEST_FIELDS),
        part::<UnsubscribeRequestParams>("UnsubscribeRequestParams", json!({"uri": "a:b"}))
            .codec(REQUEST_FIELDS),
    ]
}

fn prompts(parts: &Parts) -> Vec<Model> {
    let Parts { icon, meta, text, .. } = parts;
    let argument = json!({"name": "a", "title": "A", "description": "an a", "required": true});
    let prompt = json!({
        "name": "a", "title": "A", "description": "an a", "arguments": [argument],
        "icons": [icon], "_meta": meta,
    });
    let message = json!({"role": "assistant", "content": text});
    let prompt_reference = json!({"type": "ref/prompt", "name": "a", "title": "A"});
    vec![
        part::<CompleteRequestParams>(
            "CompleteRequestParams",
            json!({"ref": prompt_reference, "argument": {"name": "a", "value": "b"},
                   "context": {"arguments": {"c": "d"}}}),
        )
        .codec(REQUEST_FIELDS),
        result::<CompleteResult>(
            "CompleteResult",
            json!({"completion": {"values": ["a"], "total": 2, "hasMore": true}, "_meta": meta}),
        ),
        part::<GetPromptRequestParams>(
            "GetPromptRequestParams",
            json!({"name": "a", "arguments": {"b": "c"}}),
        )
        .codec(REQUEST_FIELDS),
        result::<GetPromptResult>(
            "GetPromptResult",
            json!({"description": "an a", "messages": [message], "_meta": meta}),
        ),
        result::<ListPromptsResult>(
            "ListPromptsResult",
            json!({"prompts": [prompt], "nextCursor": "b", "_meta": meta}),
        ),
        part::<Prompt>("Prompt", prompt),
        part::<PromptArgument>("PromptArgument", argument),
        part::<PromptMessage>("PromptMessage", message),
        part::<PromptReference>("PromptReference", prompt_reference),
        part::<ResourceTemplateReference>(
            "ResourceTemplateReference",
            json!({"type": "ref/resource", "uri": "a:{b}"}),
        ),
    ]
}

fn subscriptions(parts: &Parts) -> Vec<Model> {
    let Parts { meta, .. } = parts;
    let filter = json!({
        "toolsListChanged": true, "promptsListChanged": false, "resourcesListChanged": true,
        "resourceSubscriptions": ["a:b"], "taskIds": ["c"],
    });
    vec![
        result::<InputRequiredResult>(
            "InputRequiredResult",
            json!({"inputRequests": {"a": {"method": "roots/list"}}, "requestState": "b",
                   "_meta": meta}),
        ),
        part::<LoggingMessageNotificationParams>(
            "LoggingMessageNotificationParams",
            json!({"level": "info", "logger": "a", "data": {"b": null}}),
        )
        .codec(&["_meta"]),
        part::<SetLevelRequestParams>("SetLevelRequestParams", json!({"level": "info"}))
            .codec(REQUEST_FIELDS),
        part::<SubscriptionFilter>("SubscriptionFilter", filter.clone()).ours(&["taskIds"]),
        part::<SubscriptionsAcknowledgedNotificationParams>(
            "SubscriptionsAcknowledgedNotificationParams",
            json!({"notifications": filter}),
        )
        .codec(&["_meta"]),
        part::<SubscriptionsListenRequestParams>(
            "SubscriptionsListenRequestParams",
            json!({"notifications": filter}),
        )
        .codec(REQUEST_FIELDS),
        result::<SubscriptionsListenResult>("SubscriptionsListenResult", json!({"_meta": meta}))
            .lenient(&["_meta"]),
    ]
}

results!(
    CompleteResult GetPromptResult InputRequiredResult ListPromptsResult
    ListResourceTemplatesResult ListResourcesResult ReadResourceResult SubscriptionsListenResult
);
