//! A modern server, 2026-07-28: discovery, what every request has to say, and what is gone.

use mcp_core::profile::EXTENSION;
use mcp_core::version::{Era, ProtocolVersion};
use serde_json::{Value, json};

use super::Subject;
use super::items;
use super::ledger::Ledger;
use super::lists::cache_hints;
use super::rule;
use super::tools;
use super::wire::{Answer, Lab, Peer, meta, shown, with_meta};
use super::wire_rules::{self, expect_error};
use crate::failure::Failure;

/// Checks everything; what the server is, if it speaks a modern version at all, else what it
/// answered.
pub(crate) async fn check(
    lab: &Lab<'_>,
    ledger: &mut Ledger,
    calls: bool,
) -> Result<Result<Subject, Answer>, Failure> {
    let mut peer = lab.start(Era::Modern)?;
    let version = ProtocolVersion::LATEST.as_str();
    peer.version = version.to_owned();
    let answer = peer.discover().await;
    ledger.speak(version);
    let Some(result) = answer.result() else { return Ok(Err(answer)) };
    let info = result.pointer("/_meta/io.modelcontextprotocol~1serverInfo");
    let mut subject = Subject::read(info, Some(version));
    subject.versions = versions(result);
    let extensions = result.get("capabilities").and_then(|all| all.get("extensions"));
    let declared = extensions.and_then(|all| all.get(EXTENSION)?.get("supported"));
    subject.declared = declared.cloned();
    let speaks = subject.versions.iter().any(|one| one == version);
    let capable = result.get("capabilities").is_some_and(Value::is_object);
    ledger.hold(&rule::DISCOVER, speaks && capable, || format!("the result is {}", shown(result)));
    cache_hints(ledger, "server/discover", result);
    peer.capabilities = result.get("capabilities").cloned().unwrap_or_default();

    incomplete(&mut peer, ledger).await;
    unsupported(&mut peer, ledger).await;
    removed(&mut peer, ledger).await;
    wire_rules::check(&mut peer, ledger).await;
    tools::check(&mut peer, ledger, calls).await;
    items::resources(&mut peer, ledger).await;
    items::prompts(&mut peer, ledger).await;
    listen(&mut peer, ledger).await;
    wire_rules::check_garbage(&mut peer, ledger).await;
    wire_rules::check_end(peer, ledger).await;
    Ok(Ok(subject))
}

/// Requests that do not say what every request has to.
async fn incomplete(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    const KEYS: [&str; 2] =
        ["io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"];
    let mut variants = vec![("anything in `_meta`".to_owned(), json!({}))];
    for key in KEYS {
        let mut meta = meta(&peer.version);
        if let Some(meta) = meta.as_object_mut() {
            meta.remove(key);
        }
        variants.push((format!("`{key}`"), json!({ "_meta": meta })));
    }
    for (what, params) in variants {
        let answer = peer.probe_bare("server/discover", params).await;
        let what = format!("a request without {what}");
        // Over HTTP the header names a version that the body then does not.
        let codes: &[i64] = if peer.is_http() { &[-32602, -32020] } else { &[-32602] };
        expect_error(ledger, &rule::META_REQUIRED, &what, &answer, codes);
    }
}

async fn unsupported(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    const NEVER: &str = "2999-12-31";
    let answer = peer.probe_bare("server/discover", with_meta(json!({}), &meta(NEVER))).await;
    let what = format!("version `{NEVER}`");
    expect_error(ledger, &rule::VERSION_UNSUPPORTED, &what, &answer, &[-32022]);
    if let Answer::Error { code: Some(-32022), data, .. } = &answer {
        let supported = data.get("supported").and_then(Value::as_array);
        let named = supported.is_some_and(|all| {
            !all.is_empty() && all.iter().all(|one| one.is_string() && *one != json!(NEVER))
        });
        ledger.hold(&rule::VERSION_UNSUPPORTED, named, || {
            format!(
                "{what}: `data.supported` is {}",
                data.get("supported").map(shown).unwrap_or_default()
            )
        });
    }
}

async fn removed(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    for (method, params) in [
        ("ping", json!({})),
        ("logging/setLevel", json!({ "level": "info" })),
        ("resources/subscribe", json!({ "uri": "check:nothing" })),
        ("resources/unsubscribe", json!({ "uri": "check:nothing" })),
    ] {
        let answer = peer.probe(method, params).await;
        expect_error(ledger, &rule::REMOVED_METHOD, &format!("`{method}`"), &answer, &[-32601]);
    }
}

/// Listens to changes, if there is anything to listen to.
async fn listen(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    let changes = |name: &str| peer.capabilities.pointer(&format!("/{name}/listChanged"));
    let filter = [
        ("tools", "toolsListChanged"),
        ("prompts", "promptsListChanged"),
        ("resources", "resourcesListChanged"),
    ];
    let filter: serde_json::Map<String, Value> = filter
        .into_iter()
        .filter(|(capability, _)| changes(capability) == Some(&json!(true)))
        .map(|(_, member)| (member.to_owned(), json!(true)))
        .collect();
    if filter.is_empty() {
        return;
    }
    let id = peer.listen(json!({ "notifications": filter })).await;
    let acknowledged = peer.wait_for("notifications/subscriptions/acknowledged").await;
    if peer.is_gone() {
        return;
    }
    let named = acknowledged
        .as_ref()
        .and_then(|params| params.pointer("/_meta/io.modelcontextprotocol~1subscriptionId"));
    ledger.hold(&rule::LISTEN, named == Some(&json!(id)), || match &acknowledged {
        None => "there is no acknowledgment".to_owned(),
        Some(params) => format!("the acknowledgment does not name the request: {}", shown(params)),
    });
    peer.unlisten(id).await;
}

fn versions(result: &Value) -> Vec<String> {
    let versions = result.get("supportedVersions").and_then(Value::as_array).map(Vec::as_slice);
    versions.unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
