//! Tools whose arguments are described by hand, in words of JSON Schema that no Rust type derives.

use mcp_server::types::{RawObjectError, Schema};
use mcp_server::{Args, Builder, Result, Tool};
use serde_json::{Value, json};

pub(super) fn offer(server: Builder) -> Builder {
    server.tool(json_schema_2020_12_tool()).tool(custom_header_tool())
}

/// A tool whose schema has references, conditions and compositions, against which calls are checked.
pub fn json_schema_2020_12_tool() -> Tool {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
            },
        },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": {
            "properties": { "contactMethod": { "const": "phone" } },
            "required": ["contactMethod"],
        },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    });
    Tool::new("json_schema_2020_12_tool")
        .description("Checks its arguments against a schema that uses much of JSON Schema 2020-12.")
        .input_schema(written(&schema))
        .read_only()
        .handler(async |Args(given): Args<Value>| format!("called with {given}"))
}

/// A tool one of whose arguments also travels in a header of HTTP.
pub fn custom_header_tool() -> Tool {
    let schema = json!({
        "type": "object",
        "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "query": { "type": "string" },
        },
        "required": ["region"],
    });
    Tool::new("test_custom_header")
        .description("Takes an argument that proxies can route by: it is in a header as well.")
        .input_schema(written(&schema))
        .read_only()
        .handler(async |Args(given): Args<Value>| format!("called with {given}"))
}

fn written(schema: &Value) -> Schema {
    let written: Result<_, RawObjectError> = Schema::new(schema);
    written.expect("it is written as an object above")
}
