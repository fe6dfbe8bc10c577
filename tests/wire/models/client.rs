//! What clients offer: elicitation, sampling, roots, and the rounds in which they are asked.

use mcp_core::types::{
    BooleanSchema, CreateMessageRequestParams, CreateMessageResult, ElicitRequestFormParams,
    ElicitRequestParams, ElicitRequestURLParams, ElicitResult,
    ElicitationCompleteNotificationParams, InputRequest, InputRequests, InputResponseRequestParams,
    InputResponses, ListRootsResult, ModelHint, ModelPreferences, MultiSelectEnumSchema,
    NumberSchema, PrimitiveSchemaDefinition, Root, SamplingMessage, SamplingMessageContentBlock,
    SingleSelectEnumSchema, StringSchema, ToolChoice, ToolResultContent, ToolUseContent,
};
use serde_json::json;

use super::{Model, Parts, part};

/// A server's request carries these outside of our types.
const ASKED_FIELDS: &[&str] = &["_meta", "task"];

pub(super) fn models(parts: &Parts) -> Vec<Model> {
    let mut models = elicitation(parts);
    models.extend(schemas());
    models.extend(sampling(parts));
    models.extend(rounds(parts));
    models
}

fn elicitation(parts: &Parts) -> Vec<Model> {
    let Parts { meta, .. } = parts;
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "properties": {"b": {"type": "boolean"}}, "required": ["b"],
    });
    let form = json!({"mode": "form", "message": "a", "requestedSchema": schema});
    // Before 2025-11-25 there was one mode, and no word for it.
    let without_mode = json!({"message": "a", "requestedSchema": schema});
    vec![
        part::<ElicitRequestFormParams>("ElicitRequestFormParams", form).codec(ASKED_FIELDS),
        part::<ElicitRequestParams>("ElicitRequestParams", without_mode).codec(ASKED_FIELDS),
        part::<ElicitRequestURLParams>(
            "ElicitRequestURLParams",
            json!({"mode": "url", "message": "a", "url": "b:c", "elicitationId": "d"}),
        )
        .codec(ASKED_FIELDS)
        .lenient(&["elicitationId"]),
        part::<ElicitResult>(
            "ElicitResult",
            json!({"action": "accept", "content": {"b": true}, "_meta": meta}),
        ),
        part::<ElicitationCompleteNotificationParams>(
            "ElicitationCompleteNotificationParams",
            json!({"elicitationId": "d"}),
        )
        .codec(&["_meta"]),
    ]
}

fn schemas() -> Vec<Model> {
    let text = json!({
        "type": "string", "title": "A", "description": "an a", "minLength": 1, "maxLength": 2,
        "format": "uri", "default": "b",
    });
    let titled = json!([{"const": "a", "title": "A"}]);
    vec![
        part::<BooleanSchema>(
            "BooleanSchema",
            json!({"type": "boolean", "title": "A", "description": "an a", "default": true}),
        ),
        part::<SingleSelectEnumSchema>(
            "LegacyTitledEnumSchema",
            json!({"type": "string", "title": "A", "description": "an a", "enum": ["a"],
                   "enumNames": ["A"], "default": "a"}),
        ),
        part::<NumberSchema>(
            "NumberSchema",
            json!({"type": "integer", "title": "A", "description": "an a", "minimum": 1,
                   "maximum": 2.5, "default": 2}),
        ),
        part::<PrimitiveSchemaDefinition>("PrimitiveSchemaDefinition", text.clone()),
        part::<StringSchema>("StringSchema", text),
        part::<MultiSelectEnumSchema>(
            "TitledMultiSelectEnumSchema",
            json!({"type": "array", "title": "A", "description": "an a", "minItems": 0,
                   "maxItems": 1, "items": {"anyOf": titled}, "default": ["a"]}),
        ),
        part::<SingleSelectEnumSchema>(
            "TitledSingleSelectEnumSchema",
            json!({"type": "string", "title": "A", "description": "an a", "oneOf": titled,
                   "default": "a"}),
        ),
        part::<MultiSelectEnumSchema>(
            "UntitledMultiSelectEnumSchema",
            json!({"type": "array", "title": "A", "description": "an a", "minItems": 0,
                   "maxItems": 1, "items": {"type": "string", "enum": ["a"]}, "default": ["a"]}),
        ),
        part::<SingleSelectEnumSchema>(
            "UntitledSingleSelectEnumSchema",
            json!({"type": "string", "title": "A", "description": "an a", "enum": ["a"],
                   "default": "a"}),
        ),
    ]
}

fn sampling(parts: &Parts) -> Vec<Model> {
    let Parts { meta, text, tool, .. } = parts;
    let message = json!({"role": "user", "content": [text], "_meta": meta});
    let hint = json!({"name": "a"});
    let preferences = json!({
        "hints": [hint], "costPriority": 0, "speedPriority": 0.5, "intelligencePriority": 1,
    });
    let choice = json!({"mode": "auto"});
    vec![
        part::<CreateMessageRequestParams>(
            "CreateMessageRequestParams",
            json!({"messages": [message], "modelPreferences": preferences, "systemPrompt": "a",
                   "includeContext": "none", "temperature": 0.5, "maxTokens": 100,
                   "stopSequences": ["b"], "metadata": {"c": null}, "tools": [tool],
                   "toolChoice": choice}),
        )
        .codec(ASKED_FIELDS),
        part::<CreateMessageResult>(
            "CreateMessageResult",
            json!({"role": "assistant", "content": text, "model": "a", "stopReason": "endTurn",
                   "_meta": meta}),
        ),
        part::<ModelHint>("ModelHint", hint),
        part::<ModelPreferences>("ModelPreferences", preferences),
        part::<SamplingMessage>("SamplingMessage", message),
        part::<SamplingMessageContentBlock>("SamplingMessageContentBlock", text.clone()),
        part::<ToolChoice>("ToolChoice", choice),
        part::<ToolResultContent>(
            "ToolResultContent",
            json!({"type": "tool_result", "toolUseId": "a", "content": [text],
                   "structuredContent": {"b": null}, "isError": true, "_meta": meta}),
        ),
        part::<ToolUseContent>(
            "ToolUseContent",
            json!({"type": "tool_use", "id": "a", "name": "b", "input": {"c": 1}, "_meta": meta}),
        ),
    ]
}

fn rounds(parts: &Parts) -> Vec<Model> {
    let Parts { meta, .. } = parts;
    let root = json!({"uri": "file:///a", "name": "a", "_meta": meta});
    let request = json!({
        "method": "elicitation/create", "params": {"mode": "url", "message": "a", "url": "b:c"},
    });
    let responses = json!({"z": {"action": "accept"}, "a": {"roots": []}});
    vec![
        part::<InputRequest>("InputRequest", request.clone()),
        part::<InputRequests>(
            "InputRequests",
            json!({"z": request, "a": {"method": "roots/list"}}),
        ),
        part::<InputResponseRequestParams>(
            "InputResponseRequestParams",
            json!({"inputResponses": responses, "requestState": "b"}),
        )
        .codec(&["_meta"]),
        part::<InputResponses>("InputResponses", responses),
        part::<ListRootsResult>("ListRootsResult", json!({"roots": [root], "_meta": meta})),
        part::<Root>("Root", root),
    ]
}
