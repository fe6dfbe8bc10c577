//! A legacy server: `initialize`, versions, pings and batches, 2024-11-05 to 2025-11-25.

use mcp_core::version::{Era, ProtocolVersion};
use serde_json::{Value, json};

use super::Subject;
use super::items;
use super::ledger::Ledger;
use super::rule;
use super::tools;
use super::wire::{Answer, Lab, Peer, shown};
use super::wire_rules;
use crate::failure::Failure;

/// Checks everything; what the server is, if it speaks a legacy version at all, else what it
/// answered.
pub(crate) async fn check(
    lab: &Lab<'_>,
    ledger: &mut Ledger,
    calls: bool,
) -> Result<Result<Subject, Answer>, Failure> {
    let mut peer = lab.start(Era::Legacy)?;
    let newest = ProtocolVersion::LATEST_LEGACY.as_str();
    let answer = initialize(&mut peer, newest).await;
    let Some(result) = answer.result() else { return Ok(Err(answer)) };
    let version = text(result, "protocolVersion");
    ledger.speak(version.unwrap_or(newest));
    let subject = Subject::read(result.get("serverInfo"), version);
    let named = subject.is_named();
    ledger.hold(&rule::INITIALIZE, version.is_some() && named && capabilities(result), || {
        format!("the result is {}", shown(result))
    });
    let known = ProtocolVersion::KNOWN
        .iter()
        .any(|one| one.era() == Some(Era::Legacy) && Some(one.as_str()) == version);
    ledger.hold(&rule::VERSION_UNKNOWN, known, || {
        format!("`{newest}` was answered with {}", shown(&json!(version)))
    });
    peer.version = version.unwrap_or(newest).to_owned();
    peer.capabilities = result.get("capabilities").cloned().unwrap_or_default();
    peer.notify("notifications/initialized", json!({})).await;

    ping(&mut peer, ledger).await;
    wire_rules::check(&mut peer, ledger).await;
    tools::check(&mut peer, ledger, calls).await;
    items::resources(&mut peer, ledger).await;
    items::prompts(&mut peer, ledger).await;
    items::logging(&mut peer, ledger).await;
    wire_rules::check_garbage(&mut peer, ledger).await;
    wire_rules::check_end(peer, ledger).await;
    versions(lab, ledger, &subject).await?;
    Ok(Ok(subject))
}

async fn initialize(peer: &mut Peer<'_>, version: &str) -> Answer {
    let params = json!({
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": { "name": "mcp", "version": env!("CARGO_PKG_VERSION") },
    });
    peer.request("initialize", params).await
}

async fn ping(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    let answer = peer.probe("ping", json!({})).await;
    if !answer.is_gone() {
        let empty = answer.result().and_then(Value::as_object).is_some_and(items::is_empty);
        ledger.hold(&rule::PING, empty, || answer.describe());
    }
}

/// Older versions and one that does not exist, each with a server of its own.
async fn versions(lab: &Lab<'_>, ledger: &mut Ledger, subject: &Subject) -> Result<(), Failure> {
    const NEVER: &str = "1999-12-31";
    let known = ProtocolVersion::KNOWN.iter().filter(|one| one.era() == Some(Era::Legacy));
    let older = known.map(ProtocolVersion::as_str).filter(|one| Some(*one) != subject.version());
    for version in older.chain([NEVER]) {
        let mut peer = lab.start(Era::Legacy)?;
        let answer = initialize(&mut peer, version).await;
        ledger.speak(subject.version().unwrap_or_default());
        let agreed = answer.result().and_then(|result| text(result, "protocolVersion"));
        let agreed = agreed.map(str::to_owned);
        if version == NEVER {
            ledger.hold(&rule::VERSION_UNKNOWN, agreed.as_deref() != Some(NEVER), || {
                format!("`{NEVER}` was agreed to")
            });
        }
        match (&answer, agreed.as_deref()) {
            (_, Some(agreed)) if agreed == version => {
                ledger.speak(version);
                ledger.keep(&rule::VERSION_SAME);
                peer.version = agreed.to_owned();
                peer.capabilities = capabilities_of(&answer);
                peer.notify("notifications/initialized", json!({})).await;
                if version == ProtocolVersion::V2025_03_26.as_str() {
                    batch(&mut peer, ledger).await;
                }
                peer.report(ledger);
            }
            (_, Some(other)) => {
                let spoken = ProtocolVersion::KNOWN.iter().any(|one| one.as_str() == other);
                ledger.hold(&rule::VERSION_UNKNOWN, spoken, || {
                    format!("`{version}` was answered with {}", shown(&json!(other)))
                });
                ledger.keep(&rule::VERSION_REFUSED);
            }
            (Answer::Gone(_), _) => {}
            _ => ledger.fail(&rule::VERSION_REFUSED, format!("`{version}`: {}", answer.describe())),
        }
        peer.end(PATIENCE).await;
    }
    Ok(())
}

/// Two pings in one message, which only 2025-03-26 knows.
async fn batch(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    let (first, last) = (peer.next_id(), peer.next_id());
    let ping = |id: i64| json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
    let answer = peer.probe_batch(&[(first, ping(first)), (last, ping(last))]).await;
    if !answer.is_gone() {
        ledger.hold(&rule::BATCH, answer.result().is_some(), || answer.describe());
    }
}

fn capabilities(result: &Value) -> bool {
    result.get("capabilities").is_some_and(Value::is_object)
}

fn capabilities_of(answer: &Answer) -> Value {
    answer.result().and_then(|result| result.get("capabilities")).cloned().unwrap_or_default()
}

fn text<'a>(result: &'a Value, name: &str) -> Option<&'a str> {
    result.get(name).and_then(Value::as_str)
}

/// How long a server whose end is not looked at may take for it.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);
