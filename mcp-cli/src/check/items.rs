//! Resources, prompts, completion and logging.

use mcp_core::version::Era;
use serde_json::{Map, Value, json};

use super::content;
use super::ledger::Ledger;
use super::lists::{self, PROMPTS, RESOURCES, TEMPLATES, cache_hints};
use super::rule;
use super::wire::{Peer, shown};
use super::wire_rules::expect_error;

pub(crate) async fn resources(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    let resources = lists::check(peer, ledger, RESOURCES).await;
    lists::check(peer, ledger, TEMPLATES).await;
    if peer.capabilities.get("resources").is_none() {
        return;
    }
    let uri = "check-no-such-scheme://nowhere/at/all";
    let answer = peer.probe("resources/read", json!({ "uri": uri })).await;
    let codes: &[i64] = if peer.era == Era::Legacy { &[-32002, -32602] } else { &[-32602] };
    expect_error(ledger, &rule::UNKNOWN_RESOURCE, &format!("`{uri}`"), &answer, codes);
    let Some(uri) = resources.iter().find_map(|one| one.get("uri")?.as_str()) else { return };
    let answer = peer.request("resources/read", json!({ "uri": uri })).await;
    let Some(result) = answer.result() else { return };
    if result.get("resultType") == Some(&json!("input_required")) {
        return;
    }
    let problem = match result.get("contents").and_then(Value::as_array) {
        None => Some("no array `contents`".to_owned()),
        Some(contents) => contents.iter().find_map(content::contents_problem),
    };
    ledger.hold(&rule::RESOURCE_CONTENTS, problem.is_none(), || {
        format!("{}: {}", shown(&json!(uri)), problem.unwrap_or_default())
    });
    if peer.era != Era::Legacy {
        cache_hints(ledger, "resources/read", result);
    }
}

pub(crate) async fn prompts(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    let prompts = lists::check(peer, ledger, PROMPTS).await;
    if peer.capabilities.get("prompts").is_none() {
        return;
    }
    let unknown = "check-no-such-prompt";
    let answer = peer.probe("prompts/get", json!({ "name": unknown })).await;
    expect_error(ledger, &rule::UNKNOWN_PROMPT, &format!("`{unknown}`"), &answer, &[-32602]);
    let required = |prompt: &Value| -> bool {
        let arguments = prompt.get("arguments").and_then(Value::as_array);
        arguments.is_some_and(|all| all.iter().any(|one| one.get("required") == Some(&json!(true))))
    };
    if let Some(prompt) = prompts.iter().find(|prompt| required(prompt)) {
        let name = prompt.get("name").cloned().unwrap_or_default();
        let answer = peer.probe("prompts/get", json!({ "name": name })).await;
        let what = format!("{} without arguments", shown(&name));
        expect_error(ledger, &rule::PROMPT_ARGUMENTS, &what, &answer, &[-32602]);
    }
    if let Some(prompt) = prompts.iter().find(|prompt| !required(prompt)) {
        let name = prompt.get("name").cloned().unwrap_or_default();
        let answer = peer.request("prompts/get", json!({ "name": name })).await;
        let Some(result) = answer.result() else { return };
        let problem = match result.get("messages").and_then(Value::as_array) {
            _ if result.get("resultType") == Some(&json!("input_required")) => None,
            None => Some("no array `messages`".to_owned()),
            Some(messages) => messages.iter().find_map(message_problem),
        };
        ledger.hold(&rule::PROMPT_RESULT, problem.is_none(), || {
            format!("{}: {}", shown(&name), problem.unwrap_or_default())
        });
    }
    completion(peer, ledger, &prompts).await;
}

fn message_problem(message: &Value) -> Option<String> {
    match message.get("role").and_then(Value::as_str) {
        Some("user" | "assistant") => {}
        _ => return Some(format!("{} has no role `user` or `assistant`", shown(message))),
    }
    match message.get("content") {
        Some(block) => content::problem(block),
        None => Some(format!("{} has no `content`", shown(message))),
    }
}

async fn completion(peer: &mut Peer<'_>, ledger: &mut Ledger, prompts: &[Value]) {
    if peer.capabilities.get("completions").is_none() {
        return;
    }
    let params = |prompt: &Value, argument: &Value| {
        json!({
            "ref": { "type": "ref/prompt", "name": prompt },
            "argument": { "name": argument, "value": "" },
        })
    };
    let unknown = params(&json!("check-no-such-prompt"), &json!("a"));
    let answer = peer.probe("completion/complete", unknown).await;
    let what = "a completion for `check-no-such-prompt`";
    expect_error(ledger, &rule::UNKNOWN_REFERENCE, what, &answer, &[-32602]);
    let first = prompts.iter().find_map(|prompt| {
        Some((prompt.get("name")?, prompt.get("arguments")?.get(0)?.get("name")?))
    });
    let Some((prompt, argument)) = first else { return };
    let answer = peer.request("completion/complete", params(prompt, argument)).await;
    let Some(result) = answer.result() else { return };
    let values = result.pointer("/completion/values").and_then(Value::as_array);
    let kept = values.is_some_and(|all| all.len() <= 100 && all.iter().all(Value::is_string));
    ledger.hold(&rule::COMPLETION, kept, || match values {
        Some(all) if all.len() > 100 => format!("there are {}", all.len()),
        _ => shown(result),
    });
}

/// Levels of the session, which only legacy revisions have.
pub(crate) async fn logging(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    if peer.capabilities.get("logging").is_none() {
        return;
    }
    let answer = peer.request("logging/setLevel", json!({ "level": "error" })).await;
    if !answer.is_gone() {
        let empty = answer.result().and_then(Value::as_object).is_some_and(is_empty);
        ledger.hold(&rule::LOG_LEVEL, empty, || answer.describe());
    }
    let answer = peer.probe("logging/setLevel", json!({ "level": "check-loudest" })).await;
    expect_error(ledger, &rule::UNKNOWN_LEVEL, "`check-loudest`", &answer, &[-32602]);
}

/// Empty but for `_meta`.
pub(crate) fn is_empty(result: &Map<String, Value>) -> bool {
    result.keys().all(|key| key == "_meta")
}
