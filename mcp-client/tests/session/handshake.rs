//! From the first byte to an agreement, or to an error that says why there is none.

use std::time::Duration;

use mcp_client::{Era, EraChoice, Error, ProtocolVersion, TimeoutKind};
use serde_json::{Value, json};

use crate::peer::{DISCOVERED, INITIALIZED, builder, legacy, modern, pair};

#[tokio::test]
async fn modern_server_is_asked_once_and_called() {
    let (client, mut peer) = modern(builder()).await;
    let agreed = client.negotiated();
    assert_eq!((agreed.version(), agreed.era()), (&ProtocolVersion::V2026_07_28, Era::Modern));
    assert_eq!(agreed.server().server_info.as_ref().unwrap().name, "peer");
    let (said, ()) =
        tokio::join!(client.call::<String>("echo", json!({ "message": "hi" })), peer.echo(1));
    assert_eq!(said.unwrap(), "hi");
    let request: Value = serde_json::from_str(&peer.heard[1]).unwrap();
    let meta = &request["params"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "viewer");
    assert_eq!(peer.heard.len(), 2);
}

#[tokio::test]
async fn legacy_server_is_initialized_and_called() {
    let (client, mut peer) = legacy(builder()).await;
    let agreed = client.negotiated();
    assert_eq!((agreed.version(), agreed.era()), (&ProtocolVersion::V2025_11_25, Era::Legacy));
    let (said, ()) =
        tokio::join!(client.call::<String>("echo", json!({ "message": "hi" })), peer.echo(1));
    assert_eq!(said.unwrap(), "hi");
    let initialize: Value = serde_json::from_str(&peer.heard[0]).unwrap();
    assert_eq!(initialize["params"]["clientInfo"], json!({ "name": "viewer", "version": "1.0" }));
    assert_eq!(initialize["params"]["capabilities"], json!({}));
}

#[tokio::test]
async fn server_that_does_not_know_discovery_is_initialized() {
    for answer in [
        json!({ "code": -32601, "message": "method not found" }),
        json!({ "code": -32600, "message": "not initialized" }),
        json!({ "code": 7, "message": "what?" }),
    ] {
        let (io, mut peer) = pair();
        let (client, ()) = tokio::join!(builder().connect(io), async {
            let probe = peer.asked().await;
            assert_eq!(probe.method, "server/discover");
            peer.error(probe.id, answer).await;
            peer.answer("initialize", INITIALIZED).await;
        });
        assert_eq!(client.unwrap().negotiated().era(), Era::Legacy);
    }
}

#[tokio::test]
async fn nonsense_instead_of_an_answer_leads_to_initialize() {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder().connect(io), async {
        peer.answer("server/discover", r#"{"tools":[]}"#).await;
        peer.answer("initialize", INITIALIZED).await;
    });
    assert_eq!(client.unwrap().negotiated().era(), Era::Legacy);
}

#[tokio::test(start_paused = true)]
async fn silence_on_the_probe_leads_to_initialize() {
    let (io, mut peer) = pair();
    let begun = tokio::time::Instant::now();
    let builder = builder().probe_timeout(Duration::from_secs(3));
    let (client, ()) = tokio::join!(builder.connect(io), async {
        assert_eq!(peer.asked().await.method, "server/discover");
        peer.answer("initialize", INITIALIZED).await;
    });
    assert_eq!(client.unwrap().negotiated().era(), Era::Legacy);
    assert_eq!(begun.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn version_that_the_server_names_is_tried() {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder().connect(io), async {
        let probe = peer.asked().await;
        let data = json!({ "supported": ["2025-06-18"], "requested": "2026-07-28" });
        let error = json!({ "code": -32022, "message": "unsupported", "data": data });
        peer.error(probe.id, error).await;
        let older = INITIALIZED.replace("2025-11-25", "2025-06-18");
        peer.answer("initialize", older).await;
    });
    assert_eq!(client.unwrap().negotiated().version(), &ProtocolVersion::V2025_06_18);
}

#[tokio::test]
async fn unknown_version_ends_the_connection() {
    let (io, mut peer) = pair();
    let (client, rest) = tokio::join!(builder().era(EraChoice::Legacy).connect(io), async {
        let unknown = INITIALIZED.replace("2025-11-25", "2031-01-01");
        peer.answer("initialize", unknown).await;
        peer.rest().await
    });
    let error = client.unwrap_err();
    assert!(matches!(error, Error::PeerIncompatible(_)), "{error:?}");
    assert!(error.to_string().contains("2031-01-01"), "{error}");
    assert_eq!(rest, [""; 0]);
}

#[tokio::test]
async fn lines_that_are_no_messages_are_passed_over() {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder().connect(io), async {
        peer.say("Listening on stdio …").await;
        peer.say("{\"level\":\"info\"}").await;
        peer.answer("server/discover", DISCOVERED).await;
    });
    let client = client.unwrap();
    assert_eq!(client.passed_over(), 2);
    let (said, ()) =
        tokio::join!(client.call::<String>("echo", json!({ "message": "hi" })), async {
            peer.say("one call\n\n[]").await;
            peer.echo(1).await;
        });
    assert_eq!(said.unwrap(), "hi");
    assert_eq!(client.passed_over(), 4);
}

#[tokio::test(start_paused = true)]
async fn handshake_has_a_limit_of_its_own() {
    let (io, mut peer) = pair();
    let begun = tokio::time::Instant::now();
    let builder = builder().handshake_timeout(Duration::from_secs(15));
    let (client, rest) = tokio::join!(builder.connect(io), peer.rest());
    assert!(
        matches!(client, Err(Error::Timeout { kind: TimeoutKind::Handshake, .. })),
        "{client:?}"
    );
    assert_eq!((begun.elapsed().as_secs(), rest.len()), (15, 2));
}

#[tokio::test]
async fn server_that_hangs_up_on_the_probe_cannot_be_connected_to_again() {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder().connect(io), async {
        peer.asked().await;
        drop(peer);
    });
    let error = client.unwrap_err();
    assert!(matches!(error, Error::Closed(_)), "{error:?}");
    assert!(error.to_string().contains("era(EraChoice::Legacy)"), "{error}");
}

#[tokio::test]
async fn pings_are_answered_during_the_handshake() {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder().era(EraChoice::Legacy).connect(io), async {
        let initialize = peer.asked().await;
        peer.say(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#).await;
        assert_eq!(peer.line().await, json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
        peer.result(initialize.id, INITIALIZED).await;
    });
    client.unwrap();
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection() {
    let (io, mut peer) = pair();
    let connecting = tokio::spawn(builder().connect(io));
    peer.asked().await;
    connecting.abort();
    assert_eq!(peer.rest().await, [""; 0]);
}
