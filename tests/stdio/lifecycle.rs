//! The legacy handshake, out of order and malformed (2025-11-25, basic/lifecycle).

use mcp_tests::pipe::Pipe;
use serde_json::{Value, json};

use crate::conversation::{
    LEGACY, MODERN, SERVER, assert_goes_on, assert_refused, call, initialize, initialize_request,
    legacy, modern, notification, ping, request, silent, text,
};

const INVALID_REQUEST: i64 = -32600;
const INVALID_PARAMS: i64 = -32602;

#[test]
fn requests_before_initialize_are_told_what_to_send() {
    let mut pipe = silent();
    for line in [
        request(1, "tools/list", json!({})),
        call(1, "echo", json!({ "message": "x" })),
        request(1, "nope", json!({})),
    ] {
        pipe.send(line);
        let answer = pipe.message();
        assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "protocolVersion");
        assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "`initialize` must be sent first");
    }
    initialize(&mut pipe, LEGACY);
    assert_goes_on(&mut pipe);
}

#[test]
fn a_legacy_server_wants_initialize_first() {
    let mut pipe = Pipe::start(SERVER, &["stdio", "--era", "legacy"]);
    pipe.send(request(1, "tools/list", json!({})));
    assert_refused(&pipe.message(), Some(json!(1)), INVALID_REQUEST, "send `initialize` first");
    initialize(&mut pipe, LEGACY);
    assert_goes_on(&mut pipe);
}

#[test]
fn ping_is_answered_before_initialize() {
    let mut pipe = silent();
    pipe.send(ping(1));
    assert_eq!(pipe.message(), json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    initialize(&mut pipe, LEGACY);
}

#[test]
fn initialized_may_be_missing_early_or_repeated() {
    let mut pipe = silent();
    pipe.send(notification("notifications/initialized", json!({})));
    pipe.send(initialize_request("initialize", LEGACY));
    assert_eq!(pipe.message()["id"], "initialize");
    assert_goes_on(&mut pipe);
    pipe.send(notification("notifications/initialized", json!({})));
    pipe.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_goes_on(&mut pipe);
}

#[test]
fn a_second_initialize_is_refused_and_changes_nothing() {
    let mut pipe = legacy("2025-06-18");
    pipe.send(initialize_request(2, LEGACY));
    assert_refused(
        &pipe.message(),
        Some(json!(2)),
        INVALID_REQUEST,
        "`initialize` was sent already",
    );
    pipe.send(json!({ "jsonrpc": "2.0", "id": 3, "method": "initialize", "params": {} }));
    assert_refused(
        &pipe.message(),
        Some(json!(3)),
        INVALID_REQUEST,
        "`initialize` was sent already",
    );
    assert_goes_on(&mut pipe);
}

#[test]
fn a_malformed_initialize_is_not_yet_one() {
    let client = json!({ "name": "c", "version": "1" });
    let malformed: [(Value, &str); 8] = [
        (json!({}), "`protocolVersion` is missing"),
        (json!({ "capabilities": {}, "clientInfo": client }), "`protocolVersion` is missing"),
        (
            json!({ "protocolVersion": 7, "capabilities": {}, "clientInfo": client }),
            "`protocolVersion`",
        ),
        (
            json!({ "protocolVersion": null, "capabilities": {}, "clientInfo": client }),
            "`protocolVersion`",
        ),
        (json!({ "protocolVersion": LEGACY, "clientInfo": client }), "capabilities"),
        (json!({ "protocolVersion": LEGACY, "capabilities": [], "clientInfo": client }), "params"),
        (json!({ "protocolVersion": LEGACY, "capabilities": {} }), "clientInfo"),
        (json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {} }), "name"),
    ];
    let mut pipe = silent();
    for (params, says) in malformed {
        pipe.send(request(1, "initialize", params));
        assert_refused(&pipe.message(), Some(json!(1)), INVALID_PARAMS, says);
    }
    initialize(&mut pipe, LEGACY);
    assert_goes_on(&mut pipe);
}

#[test]
fn initialize_without_an_id_opens_nothing() {
    let mut pipe = silent();
    let mut line = initialize_request(1, LEGACY);
    line.as_object_mut().expect("it is an object").remove("id");
    pipe.send(line);
    pipe.send(request(2, "tools/list", json!({})));
    assert_refused(&pipe.message(), Some(json!(2)), INVALID_PARAMS, "`initialize`");
}

#[test]
fn every_legacy_revision_is_agreed_on() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        assert_goes_on(&mut legacy(version));
    }
}

#[test]
fn an_unknown_version_is_answered_with_the_newest_of_the_era() {
    for asked in ["2099-01-01", "1.0", "", MODERN] {
        let mut pipe = silent();
        pipe.send(initialize_request(1, asked));
        let answer = pipe.message();
        assert_eq!(answer["result"]["protocolVersion"], LEGACY, "{answer}");
        assert_goes_on(&mut pipe);
    }
}

#[test]
fn a_modern_server_refuses_initialize_and_names_its_versions() {
    let mut pipe = Pipe::start(SERVER, &["stdio", "--era", "modern"]);
    pipe.send(initialize_request(1, LEGACY));
    let answer = pipe.message();
    assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, MODERN);
    assert_eq!(answer["error"]["data"], json!({ "supported": [MODERN], "requested": LEGACY }));
    pipe.send(modern(call(2, "echo", json!({ "message": "modern" }))));
    assert_eq!(text(&pipe.message()), "modern");
    assert!(pipe.end().quietly().rest.is_empty());
}

#[test]
fn unknown_capabilities_are_ignored() {
    let mut pipe = silent();
    let mut line = initialize_request(1, LEGACY);
    line["params"]["capabilities"] = json!({ "telepathy": { "range": [1, null] }, "roots": {} });
    line["params"]["extra"] = json!({});
    pipe.send(line);
    assert_eq!(pipe.message()["result"]["protocolVersion"], LEGACY);
    assert_goes_on(&mut pipe);
}

#[test]
fn a_connection_that_only_discovers_ends_well() {
    let mut pipe = silent();
    pipe.send(modern(request(1, "server/discover", json!({}))));
    let answer = pipe.message();
    assert_eq!(answer["result"]["supportedVersions"][0], MODERN, "{answer}");
    let ended = pipe.end();
    assert!(ended.status.success() && ended.rest.is_empty(), "{ended:?}");
}
