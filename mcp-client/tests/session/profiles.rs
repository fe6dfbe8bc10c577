//! Profiles: nothing leaves before agreement, and nothing after it is lost.

use mcp_client::{EraChoice, Error, Rejection, RejectionKind};
use serde_json::{Value, json};

use crate::peer::{DISCOVERED, INITIALIZED, builder, modern, pair};

const EXT: &str = "dev.behaviour-profiles/profiles";
const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";
const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";

/// The answer of a server that has both and says which would be in force.
fn discovered(in_force: &[&str]) -> String {
    let mut result: Value = serde_json::from_str(DISCOVERED).unwrap();
    let supported = json!([
        { "profileURL": PREMIUM, "minMcpVersion": "2025-08-13" },
        { "profileURL": STANDARD, "minMcpVersion": "2025-08-13" },
    ]);
    result["capabilities"]["extensions"][EXT] = json!({ "supported": supported });
    let reasons = json!([{ "profileURL": PREMIUM, "reason": "notPermitted" }]);
    result["_meta"][EXT] = json!({ "profiles": in_force, "reasons": reasons });
    result.to_string()
}

fn rejected<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Rejection {
    match outcome {
        Err(Error::Rejected(rejection)) => rejection,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rejection_sends_nothing_but_discovery() {
    let (io, mut peer) = pair();
    let connecting = builder().require(PREMIUM).prefer(STANDARD).connect(io);
    let (client, ()) = tokio::join!(connecting, async {
        let asked = peer.answer("server/discover", discovered(&[STANDARD])).await;
        let capabilities = &asked.params["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        assert_eq!(capabilities["extensions"][EXT], json!({ "requested": [PREMIUM, STANDARD] }));
        assert_eq!(peer.rest().await, [""; 0]);
    });
    let rejection = rejected(client);
    assert_eq!(rejection.kind(), &RejectionKind::RequiredMissing);
    let table = format!("{rejection:#}");
    assert!(table.starts_with("profiles not agreed with `peer 1` (MCP 2026-07-28)"), "{table}");
    let sent = "sent: server/discover, nothing else; the connection has been closed";
    assert!(table.contains(sent), "{table}");
    assert_eq!(peer.heard.len(), 1);
}

#[tokio::test]
async fn legacy_server_without_profiles_is_rejected_after_initialize() {
    let (io, mut peer) = pair();
    let connecting = builder().era(EraChoice::Legacy).require(PREMIUM).connect(io);
    let (client, ()) = tokio::join!(connecting, async {
        let asked = peer.answer("initialize", INITIALIZED).await;
        assert_eq!(asked.params["requestedProfiles"], json!([PREMIUM]));
        assert_eq!(peer.rest().await, [""; 0]);
    });
    let rejection = rejected(client);
    assert_eq!(rejection.kind(), &RejectionKind::NotAnswered);
    assert!(format!("{rejection:#}").contains("sent: initialize, nothing else"));
}

#[tokio::test]
async fn legacy_server_that_agrees_is_used() {
    let (io, mut peer) = pair();
    let connecting = builder().era(EraChoice::Legacy).require(PREMIUM).connect(io);
    let (client, ()) = tokio::join!(connecting, async {
        let mut result: Value = serde_json::from_str(INITIALIZED).unwrap();
        result["profiles"] = json!([PREMIUM]);
        peer.answer("initialize", result).await;
    });
    assert!(client.unwrap().negotiated().profiles().has(PREMIUM));
}

#[tokio::test]
async fn refusal_of_the_server_is_a_rejection_and_no_fallback() {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder().require(PREMIUM).connect(io), async {
        let asked = peer.asked().await;
        peer.error(asked.id, json!({ "code": 1004, "message": "Profiles not agreed" })).await;
        assert_eq!(peer.rest().await, [""; 0]);
    });
    assert_eq!(rejected(client).kind(), &RejectionKind::Refused);
}

#[tokio::test]
async fn lost_required_profile_closes_the_connection() {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder().require(PREMIUM).connect(io), async {
        peer.answer("server/discover", discovered(&[PREMIUM])).await;
    });
    let client = client.unwrap();
    assert!(client.negotiated().profiles().has(PREMIUM));

    let other = tokio::spawn(client.call::<String>("slow", ()));
    peer.asked().await;
    let (first, rest) = tokio::join!(client.call::<String>("echo", json!({})), async {
        peer.answer("tools/call", json!({ "content": [], "_meta": { EXT: { "profiles": [] } } }))
            .await;
        peer.rest().await
    });
    assert_eq!(rejected(first).kind(), &RejectionKind::RequiredMissing);
    assert_eq!(rejected(other.await.unwrap()).kind(), &RejectionKind::RequiredMissing);
    rejected(client.call::<String>("secret", ()).await);
    rejected(client.list_all_tools().await);
    assert_eq!(rest, [""; 0]);
    let said = format!("{:#}", rejected(client.call::<String>("secret", ()).await));
    assert!(said.contains("sent: nothing after the answer that lacks them"), "{said}");
}

#[tokio::test]
async fn change_of_preferred_profiles_is_seen_in_the_next_snapshot() {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder().prefer(STANDARD).connect(io), async {
        peer.answer("server/discover", discovered(&[STANDARD])).await;
    });
    let client = client.unwrap();
    let before = client.negotiated();
    let (said, _) = tokio::join!(
        client.call::<()>("echo", json!({})),
        peer.answer("tools/call", json!({ "content": [], "_meta": { EXT: { "profiles": [] } } })),
    );
    said.unwrap();
    assert!(before.profiles().has(STANDARD));
    assert!(client.negotiated().profiles().is_empty());
}

#[tokio::test]
async fn client_without_policy_says_nothing_of_profiles() {
    let (_, peer) = modern(builder()).await;
    assert!(!peer.heard[0].contains("profiles"), "{}", peer.heard[0]);
}

#[tokio::test]
async fn name_that_is_no_profile_is_refused_before_anything_is_sent() {
    let (io, mut peer) = pair();
    let error = builder().require("premium").connect(io).await.unwrap_err();
    assert!(matches!(error, Error::Misuse(_)) && error.to_string().contains("`premium`"));
    assert_eq!(peer.rest().await, [""; 0]);
}
