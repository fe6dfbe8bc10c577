//! Tools: how they are described, and how they answer.

use mcp_core::types::is_valid_tool_name;
use mcp_core::version::Era;
use serde_json::{Value, json};

use super::content;
use super::ledger::Ledger;
use super::lists::{self, TOOLS};
use super::rule;
use super::schema;
use super::wire::{Answer, Peer, shown};
use super::wire_rules::expect_error;
use crate::output::content::mirrors;

pub(crate) async fn check(peer: &mut Peer<'_>, ledger: &mut Ledger, calls: bool) {
    let tools = lists::check(peer, ledger, TOOLS).await;
    if peer.capabilities.get("tools").is_none() {
        return;
    }
    for tool in &tools {
        describe(ledger, tool, peer.era);
    }
    let answer = peer.probe("tools/call", json!({ "arguments": {} })).await;
    let what = "`tools/call` without a name";
    expect_error(ledger, &rule::CALL_WITHOUT_NAME, what, &answer, &[-32602]);
    let unknown = json!({ "name": "check-no-such-tool", "arguments": {} });
    let answer = peer.probe("tools/call", unknown).await;
    expect_error(ledger, &rule::UNKNOWN_TOOL, "`check-no-such-tool`", &answer, &[-32602]);
    if calls {
        for tool in tools.iter().filter(|tool| is_harmless(tool)).take(MOST_CALLS) {
            call(peer, ledger, tool).await;
        }
    }
}

/// What a tool says of itself.
fn describe(ledger: &mut Ledger, tool: &Value, era: Era) {
    let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
    let quoted = shown(&json!(name));
    ledger.hold(&rule::TOOL_NAME, is_valid_tool_name(name), || quoted.clone());
    let description = tool.get("description").and_then(Value::as_str).unwrap_or_default();
    ledger.hold(&rule::TOOL_DESCRIPTION, !description.trim().is_empty(), || {
        format!("{quoted} has no description")
    });
    match tool.get("inputSchema") {
        None => ledger.fail(&rule::INPUT_SCHEMA, format!("{quoted} has none")),
        Some(schema) => {
            let problem = schema::problem(schema).or_else(|| not_an_object(schema));
            ledger.hold(&rule::INPUT_SCHEMA, problem.is_none(), || {
                format!("{quoted}: {}", problem.unwrap_or_default())
            });
            let undescribed = schema::undescribed(schema);
            ledger.hold(&rule::SCHEMA_REQUIRED, undescribed.is_empty(), || {
                format!("{quoted} requires {}", undescribed.join(", "))
            });
        }
    }
    if let Some(schema) = tool.get("outputSchema") {
        let object = || if era == Era::Legacy { not_an_object(schema) } else { None };
        let problem = schema::problem(schema).or_else(object);
        ledger.hold(&rule::OUTPUT_SCHEMA, problem.is_none(), || {
            format!("{quoted}: {}", problem.unwrap_or_default())
        });
    }
    let hint = |name: &str| tool.pointer(&format!("/annotations/{name}")) == Some(&json!(true));
    ledger.hold(&rule::HINTS, !(hint("readOnlyHint") && hint("destructiveHint")), || {
        format!("{quoted} says both")
    });
}

fn not_an_object(schema: &Value) -> Option<String> {
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "object" => None,
        Some(other) => Some(format!("its `type` is {}, expected \"object\"", shown(other))),
        None => Some("its `type` is missing, expected \"object\"".to_owned()),
    }
}

/// A tool that says that it changes nothing, and that can be called without arguments.
fn is_harmless(tool: &Value) -> bool {
    let required = tool.pointer("/inputSchema/required").and_then(Value::as_array);
    tool.pointer("/annotations/readOnlyHint") == Some(&json!(true))
        && required.is_none_or(Vec::is_empty)
        && tool.get("name").is_some_and(Value::is_string)
}

async fn call(peer: &mut Peer<'_>, ledger: &mut Ledger, tool: &Value) {
    let name = tool.get("name").cloned().unwrap_or_default();
    let token = peer.progress_token();
    let meta = json!({ "progressToken": token });
    let params = json!({ "name": name, "arguments": {}, "_meta": meta });
    let answer = peer.request("tools/call", params).await;
    peer.end_progress(&token);
    let quoted = shown(&name);
    let result = match &answer {
        Answer::Result(result) => result,
        Answer::Silence(_) => {
            ledger.fail(&rule::TOOL_RESULT, format!("{quoted}: {}", answer.describe()));
            return;
        }
        _ => return,
    };
    if result.get("resultType") == Some(&json!("input_required")) {
        return;
    }
    let problem = match result.get("content").and_then(Value::as_array) {
        None => Some("no array `content`".to_owned()),
        Some(blocks) => blocks.iter().find_map(content::problem),
    };
    ledger.hold(&rule::TOOL_RESULT, problem.is_none(), || {
        format!("{quoted}: {}", problem.unwrap_or_default())
    });
    if result.get("isError") != Some(&json!(true)) {
        structured(ledger, &quoted, tool.get("outputSchema"), result, peer.era);
    }
}

fn structured(ledger: &mut Ledger, quoted: &str, schema: Option<&Value>, result: &Value, era: Era) {
    let value = result.get("structuredContent");
    let problem = match (schema, value) {
        (Some(_), None) => Some("there is none".to_owned()),
        (_, Some(value)) if era == Era::Legacy && !value.is_object() => {
            Some(format!("it is {}, expected an object", shown(value)))
        }
        (Some(schema), Some(value)) => schema::misfit(value, schema),
        (None, _) => None,
    };
    if schema.is_some() || value.is_some() {
        ledger.hold(&rule::STRUCTURED, problem.is_none(), || {
            format!("{quoted}: {}", problem.unwrap_or_default())
        });
    }
    if let Some(value) = value {
        let blocks = result.get("content").and_then(Value::as_array).map(Vec::as_slice);
        let mut texts =
            blocks.unwrap_or_default().iter().filter_map(|one| one.get("text")?.as_str());
        ledger.hold(&rule::MIRROR, texts.any(|text| mirrors(text, value)), || {
            format!("{quoted} has no text with the same content")
        });
    }
}

/// How many tools are called.
const MOST_CALLS: usize = 8;
