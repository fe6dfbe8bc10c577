//! The model types, each with a message part in which every field stands.
//!
//! Here are those that all of the protocol shares, and tools; the rest stands by who serves it.

mod client;
mod server;

use std::sync::LazyLock;

use mcp_core::{
    capability::{ClientCapabilities, ServerCapabilities},
    types::{
        Annotations, AudioContent, BlobResourceContents, CacheHints, CallToolRequestParams,
        CallToolResult, CancelledNotificationParams, ContentBlock, Cursor, DiscoverResult,
        EmbeddedResource, Icon, ImageContent, Implementation, InitializeRequestParams,
        InitializeResult, ListToolsResult, LoggingLevel, Meta, PaginatedRequestParams,
        ProgressNotificationParams, ProgressToken, RawObject, ResourceContents, ResourceLink, Role,
        TextContent, TextResourceContents, Tool, ToolAnnotations, ToolExecution,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Says where the results of these types have their `_meta`.
macro_rules! results {
    ($($name:ident)+) => {$(
        impl ResultModel for $name {
            fn meta(&self) -> Option<&Meta> {
                self.meta.as_ref()
            }
        }
    )+};
}
use results;

/// One of our types, and what a test needs to know of it.
pub(crate) struct Model {
    /// The type's name.
    pub(crate) name: &'static str,
    /// A value in which every field stands.
    pub(crate) sample: Value,
    /// Schema fields that the codecs read and write.
    pub(crate) codec: &'static [&'static str],
    /// Our fields that no schema has.
    pub(crate) ours: &'static [&'static str],
    /// Fields that some schema requires and we read without.
    pub(crate) lenient: &'static [&'static str],
    reencode: fn(&str) -> serde_json::Result<Value>,
}

impl Model {
    /// Decodes and encodes again.
    pub(crate) fn reencode(&self, value: &Value) -> serde_json::Result<Value> {
        (self.reencode)(&value.to_string())
    }
}

/// The model of that name.
pub(crate) fn model(name: &str) -> &'static Model {
    MODELS.iter().find(|model| model.name == name).unwrap_or_else(|| panic!("no model {name}"))
}

pub(crate) static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    let parts = Parts::new();
    let mut models = shared(&parts);
    models.extend(server::models(&parts));
    models.extend(client::models(&parts));
    models
});

const REQUEST_FIELDS: &[&str] = &["_meta", "task", "inputResponses", "requestState"];
const RESULT_FIELDS: &[&str] = &["resultType", "ttlMs", "cacheScope"];

/// What stands inside of many messages.
struct Parts {
    icon: Value,
    annotations: Value,
    meta: Value,
    text: Value,
    text_resource: Value,
    tool_annotations: Value,
    tool: Value,
}

impl Parts {
    fn new() -> Self {
        let icon =
            json!({"src": "data:,", "mimeType": "image/png", "sizes": ["any"], "theme": "dark"});
        let annotations =
            json!({"audience": ["user"], "priority": 0.5, "lastModified": "2025-01-12T15:00:58Z"});
        let meta = json!({"com.example/a": 1, "io.modelcontextprotocol/b": {"c": null}});
        let text = json!({"type": "text", "text": "a", "annotations": annotations, "_meta": meta});
        let text_resource =
            json!({"uri": "a:b", "mimeType": "text/plain", "text": "a", "_meta": meta});
        let tool_annotations = json!({
            "title": "A", "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true,
            "openWorldHint": false,
        });
        let tool = json!({
            "name": "a", "title": "A", "description": "an a", "inputSchema": {"type": "object"},
            "outputSchema": {"type": "object"}, "annotations": tool_annotations,
            "execution": {"taskSupport": "optional"}, "icons": [icon], "_meta": meta,
        });
        Self { icon, annotations, meta, text, text_resource, tool_annotations, tool }
    }
}

fn shared(parts: &Parts) -> Vec<Model> {
    let Parts { icon, annotations, meta, text, text_resource, tool_annotations, tool } = parts;
    let implementation = json!({
        "name": "a", "title": "A", "version": "1", "description": "an a",
        "websiteUrl": "https://a.example", "icons": [icon],
    });
    let client = json!({
        "experimental": {"a": {}}, "roots": {"listChanged": true},
        "sampling": {"context": {}, "tools": {}}, "elicitation": {"form": {}, "url": {}},
        "tasks": {
            "cancel": {}, "list": {},
            "requests": {"elicitation": {"create": {}}, "sampling": {"createMessage": {}}},
        },
        "extensions": {"com.example/a": {"b": 1}},
    });
    let server = json!({
        "experimental": {"a": {}}, "logging": {}, "completions": {},
        "prompts": {"listChanged": true}, "tools": {"listChanged": true},
        "resources": {"subscribe": true, "listChanged": true},
        "tasks": {"cancel": {}, "list": {}, "requests": {"tools": {"call": {}}}},
        "extensions": {"com.example/a": {"b": 1}},
    });

    vec![
        part::<Annotations>("Annotations", annotations.clone()),
        part::<AudioContent>(
            "AudioContent",
            json!({"type": "audio", "data": "AAAA", "mimeType": "audio/wav",
                   "annotations": annotations, "_meta": meta}),
        ),
        part::<BlobResourceContents>(
            "BlobResourceContents",
            json!({"uri": "a:b", "mimeType": "image/png", "blob": "AAAA", "_meta": meta}),
        ),
        part::<CacheHints>("CacheHints", json!({"ttlMs": 1, "cacheScope": "public"}))
            .codec(&["_meta", "resultType"])
            .lenient(&["ttlMs", "cacheScope"]),
        part::<CallToolRequestParams>(
            "CallToolRequestParams",
            json!({"name": "a", "arguments": {"b": 1}}),
        )
        .codec(REQUEST_FIELDS),
        result::<CallToolResult>(
            "CallToolResult",
            json!({"content": [text], "structuredContent": {"a": 1}, "isError": false, "_meta": meta}),
        )
        .lenient(&["content"]),
        part::<CancelledNotificationParams<Value>>(
            "CancelledNotificationParams",
            json!({"requestId": 1, "reason": "late"}),
        )
        .codec(&["_meta"])
        .lenient(&["requestId"]),
        part::<ClientCapabilities>("ClientCapabilities", client.clone()),
        part::<ContentBlock>("ContentBlock", text.clone()),
        part::<Cursor>("Cursor", json!("a")),
        result::<DiscoverResult>(
            "DiscoverResult",
            json!({"supportedVersions": ["2026-07-28"], "capabilities": server,
                   "instructions": "a", "_meta": meta}),
        ),
        part::<EmbeddedResource>(
            "EmbeddedResource",
            json!({"type": "resource", "resource": text_resource, "annotations": annotations,
                   "_meta": meta}),
        ),
        part::<Icon>("Icon", icon.clone()),
        part::<ImageContent>(
            "ImageContent",
            json!({"type": "image", "data": "AAAA", "mimeType": "image/png",
                   "annotations": annotations, "_meta": meta}),
        ),
        part::<Implementation>("Implementation", implementation.clone()),
        part::<InitializeRequestParams>(
            "InitializeRequestParams",
            json!({"protocolVersion": "2025-11-25", "capabilities": client,
                   "clientInfo": implementation, "requestedProfiles": ["https://a.example/b"]}),
        )
        .codec(&["_meta"])
        .ours(&["requestedProfiles"]),
        result::<InitializeResult>(
            "InitializeResult",
            json!({"protocolVersion": "2025-11-25", "capabilities": server,
                   "serverInfo": implementation, "instructions": "a",
                   "profiles": ["https://a.example/b"], "profile": "https://a.example/b",
                   "_meta": meta}),
        )
        .ours(&["profiles", "profile"]),
        result::<ListToolsResult>(
            "ListToolsResult",
            json!({"tools": [tool], "nextCursor": "b", "_meta": meta}),
        ),
        part::<LoggingLevel>("LoggingLevel", json!("info")),
        part::<Meta>("Meta", meta.clone()),
        part::<PaginatedRequestParams>("PaginatedRequestParams", json!({"cursor": "a"}))
            .codec(&["_meta"]),
        part::<ProgressNotificationParams>(
            "ProgressNotificationParams",
            json!({"progressToken": 1, "progress": 1, "total": 2.5, "message": "a"}),
        )
        .codec(&["_meta"]),
        part::<ProgressToken>("ProgressToken", json!("a")),
        part::<RawObject>("RawObject", json!({"a": [1, null]})),
        part::<ResourceContents>("ResourceContents", text_resource.clone()),
        part::<ResourceLink>(
            "ResourceLink",
            json!({"type": "resource_link", "uri": "a:b", "name": "a", "title": "A",
                   "description": "an a", "mimeType": "text/plain", "size": 1, "icons": [icon],
                   "annotations": annotations, "_meta": meta}),
        ),
        part::<Role>("Role", json!("user")),
        part::<ServerCapabilities>("ServerCapabilities", server),
        part::<TextContent>("TextContent", text.clone()),
        part::<TextResourceContents>("TextResourceContents", text_resource.clone()),
        part::<Tool>("Tool", tool.clone()),
        part::<ToolAnnotations>("ToolAnnotations", tool_annotations.clone()),
        part::<ToolExecution>("ToolExecution", json!({"taskSupport": "required"})),
    ]
}

impl Model {
    fn codec(self, codec: &'static [&'static str]) -> Self {
        Self { codec, ..self }
    }

    fn ours(self, ours: &'static [&'static str]) -> Self {
        Self { ours, ..self }
    }

    fn lenient(self, lenient: &'static [&'static str]) -> Self {
        Self { lenient, ..self }
    }
}

/// A type that writes all of its own fields.
fn part<T: Serialize + DeserializeOwned>(name: &'static str, sample: Value) -> Model {
    let reencode = |text: &str| serde_json::to_value(serde_json::from_str::<T>(text)?);
    Model { name, sample, codec: &[], ours: &[], lenient: &[], reencode }
}

/// A result: it writes all of its own fields but `_meta`, which is put back here.
fn result<T: ResultModel>(name: &'static str, sample: Value) -> Model {
    let reencode = |text: &str| {
        let result: T = serde_json::from_str(text)?;
        let mut value = serde_json::to_value(&result)?;
        assert!(value.get("_meta").is_none(), "a result must leave `_meta` to the codec");
        if let Some(meta) = result.meta() {
            value["_meta"] = serde_json::to_value(meta)?;
        }
        Ok(value)
    };
    Model { name, sample, codec: RESULT_FIELDS, ours: &[], lenient: &[], reencode }
}

/// Results, whose `_meta` the codec writes: here the test does.
trait ResultModel: Serialize + DeserializeOwned {
    fn meta(&self) -> Option<&Meta>;
}

results!(CallToolResult DiscoverResult InitializeResult ListToolsResult);
