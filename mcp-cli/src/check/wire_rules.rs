//! What holds on every connection, whatever the server offers.

use std::time::Duration;

use mcp_client::Ending;
use mcp_core::version::Era;
use serde_json::{Value, json};

use super::ledger::Ledger;
use super::rule::{self, Rule};
use super::wire::{Answer, Peer};
use crate::duration::brief;

/// Checks that an answer is one of these errors.
pub(crate) fn expect_error(
    ledger: &mut Ledger,
    rule: &'static Rule,
    what: &str,
    answer: &Answer,
    codes: &[i64],
) {
    if answer.is_gone() {
        return; // That is another rule's business.
    }
    let kept = answer.code().is_some_and(|code| codes.contains(&code));
    ledger.hold(rule, kept, || {
        let wanted: Vec<_> = codes.iter().map(i64::to_string).collect();
        format!("{what}: {}, expected error {}", answer.describe(), wanted.join(" or "))
    });
}

/// Unknown methods, ids, notifications, cancellation of nothing, and lines that are no JSON.
pub(crate) async fn check(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    let unknown = "check/no-such-method";
    let answer = peer.probe(unknown, json!({})).await;
    expect_error(ledger, &rule::UNKNOWN_METHOD, &format!("`{unknown}`"), &answer, &[-32601]);

    // A text, and the largest number that every language can hold.
    for id in [json!("check-é-1"), json!(9_007_199_254_740_991_i64)] {
        let params = peer.dressed(json!({}));
        let answer = peer.probe_as(&id, unknown, params).await;
        if let Answer::Silence(time) = answer {
            let detail = format!("a request with id {id} got no answer within {}", brief(time));
            ledger.fail(&rule::RESPONSE_ID, detail);
        }
    }

    silent(peer, ledger, &rule::NOTIFICATION_ANSWERED, "notifications/check-unknown", json!({}))
        .await;
    let nothing = json!({ "requestId": 987_654_321, "reason": "the check asks for it" });
    silent(peer, ledger, &rule::CANCELLED_UNKNOWN, "notifications/cancelled", nothing).await;
}

/// Sends a notification, and sees that the next request is the next to be answered.
async fn silent(
    peer: &mut Peer<'_>,
    ledger: &mut Ledger,
    rule: &'static Rule,
    method: &str,
    params: Value,
) {
    let before = peer.unknown_errors.len();
    peer.notify(method, params).await;
    let alive = still_there(peer).await;
    if alive.is_gone() {
        return;
    }
    let answered = peer.unknown_errors.len() > before;
    ledger.hold(rule, !answered && !matches!(alive, Answer::Silence(_)), || match answered {
        true => format!("`{method}` was answered with an error"),
        false => format!("after `{method}` a request got {}", alive.describe()),
    });
}

/// Sends what is no JSON; comes last, because a server may end on it.
pub(crate) async fn check_garbage(peer: &mut Peer<'_>, ledger: &mut Ledger) {
    let before = peer.unknown_errors.len();
    peer.send_line("{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\":").await;
    let alive = still_there(peer).await;
    if alive.is_gone() {
        return;
    }
    let codes = peer.unknown_errors.get(before..).unwrap_or_default();
    let wrong = codes.iter().find(|code| ![-32700, -32600].contains(*code));
    let silent = matches!(alive, Answer::Silence(_));
    ledger.hold(&rule::INVALID_JSON, wrong.is_none() && !silent, || match wrong {
        Some(code) => format!("it was answered with error {code}"),
        None => format!("after it a request got {}", alive.describe()),
    });
}

/// A request that every server of the era answers.
async fn still_there(peer: &mut Peer<'_>) -> Answer {
    match peer.era {
        Era::Legacy => peer.probe("ping", json!({})).await,
        _ => peer.probe("server/discover", json!({})).await,
    }
}

/// Closes the input and sees how the server ends.
pub(crate) async fn check_end(mut peer: Peer<'_>, ledger: &mut Ledger) {
    peer.report(ledger);
    if peer.is_gone() {
        return;
    }
    let Some(ended) = peer.end(PATIENCE).await else { return };
    ledger.hold(&rule::EXIT_ON_EOF, ended.by == Ending::Itself, || {
        let by = match ended.by {
            Ending::Term => "it was there until SIGTERM",
            _ => "it had to be killed",
        };
        format!("{} later {by}", brief(PATIENCE))
    });
}

/// How long a server may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(2);
