//! Requests that describe themselves, or fail to (2026-07-28, basic/index and basic/versioning).

use mcp_tests::pipe::Pipe;
use serde_json::{Value, json};

use crate::conversation::{
    CLIENT_CAPABILITIES, LEGACY, MODERN, PROTOCOL_VERSION, SERVER, assert_goes_on, assert_refused,
    call, initialize, modern, ping, request, silent, text,
};

const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const UNSUPPORTED_PROTOCOL_VERSION: i64 = -32022;

/// A call with this `_meta`.
fn with_meta(meta: Value) -> Value {
    let mut line = call(1, "echo", json!({ "message": "x" }));
    line["params"]["_meta"] = meta;
    line
}

#[track_caller]
fn assert_modern_goes_on(pipe: &mut Pipe) {
    pipe.send(modern(call("goes on", "echo", json!({ "message": "still here" }))));
    let answer = pipe.next();
    assert_eq!(answer["id"], "goes on", "{answer}");
    assert_eq!(text(&answer), "still here");
    assert_eq!(answer["result"]["resultType"], "complete");
}

#[track_caller]
fn refused_meta(meta: Value, code: i64, says: &str) -> Value {
    let mut pipe = silent();
    pipe.send(with_meta(meta));
    let answer = pipe.next();
    assert_refused(&answer, Some(json!(1)), code, says);
    assert_modern_goes_on(&mut pipe);
    assert!(pipe.end().quietly().rest.is_empty());
    answer
}

#[test]
fn a_modern_request_needs_no_handshake() {
    assert_modern_goes_on(&mut silent());
}

#[test]
fn missing_capabilities_are_named() {
    refused_meta(json!({ PROTOCOL_VERSION: MODERN }), INVALID_PARAMS, CLIENT_CAPABILITIES);
}

#[test]
fn a_missing_version_is_named() {
    refused_meta(json!({ CLIENT_CAPABILITIES: {} }), INVALID_PARAMS, PROTOCOL_VERSION);
    refused_meta(json!({}), INVALID_PARAMS, PROTOCOL_VERSION);
}

#[test]
fn a_meta_that_is_no_object_is_refused() {
    for meta in [json!(7), json!([]), json!("x")] {
        refused_meta(meta, INVALID_PARAMS, "`_meta`");
    }
}

#[test]
fn members_of_the_wrong_type_are_named() {
    for version in [json!(7), json!(["2026-07-28"]), json!({})] {
        let meta = json!({ PROTOCOL_VERSION: version, CLIENT_CAPABILITIES: {} });
        refused_meta(meta, INVALID_PARAMS, PROTOCOL_VERSION);
    }
    for capabilities in [json!(7), json!([]), json!("x"), json!(null)] {
        let meta = json!({ PROTOCOL_VERSION: MODERN, CLIENT_CAPABILITIES: capabilities });
        refused_meta(meta, INVALID_PARAMS, CLIENT_CAPABILITIES);
    }
    let meta = json!({
        PROTOCOL_VERSION: MODERN,
        CLIENT_CAPABILITIES: {},
        "io.modelcontextprotocol/clientInfo": { "name": 7 },
    });
    refused_meta(meta, INVALID_PARAMS, "io.modelcontextprotocol/clientInfo");
    for token in [json!([]), json!({}), json!(true)] {
        let meta =
            json!({ PROTOCOL_VERSION: MODERN, CLIENT_CAPABILITIES: {}, "progressToken": token });
        refused_meta(meta, INVALID_PARAMS, "progressToken");
    }
}

#[test]
fn an_unsupported_version_is_answered_with_the_supported_ones() {
    for asked in ["2027-01-01", "1900-01-01", "x", "", LEGACY] {
        let meta = json!({ PROTOCOL_VERSION: asked, CLIENT_CAPABILITIES: {} });
        let answer = refused_meta(meta, UNSUPPORTED_PROTOCOL_VERSION, "unsupported protocol version");
        let data = &answer["error"]["data"];
        assert_eq!(data["requested"], asked);
        assert_eq!(data["supported"][0], MODERN);
    }
}

#[test]
fn a_legacy_server_refuses_modern_requests_with_its_versions() {
    let mut pipe = Pipe::start(SERVER, &["stdio", "--era", "legacy"]);
    pipe.send(modern(call(1, "echo", json!({ "message": "x" }))));
    let answer = pipe.next();
    assert!(answer.get("error").is_some(), "{answer}");
    initialize(&mut pipe, LEGACY);
    assert_goes_on(&mut pipe);
}

#[test]
fn discover_names_versions_and_capabilities() {
    let mut pipe = silent();
    pipe.send(modern(request(1, "server/discover", json!({}))));
    let result = &pipe.next()["result"];
    assert_eq!(
        result["supportedVersions"],
        json!([MODERN, "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
    );
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["cacheScope"], "public");
    assert!(result["ttlMs"].is_u64());
    assert!(result["capabilities"]["tools"].is_object());
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "test-server");
}

#[test]
fn methods_of_the_other_era_are_not_found() {
    let mut pipe = silent();
    for method in ["ping", "logging/setLevel", "resources/subscribe", "nope"] {
        pipe.send(modern(request(1, method, json!({}))));
        assert_refused(&pipe.next(), Some(json!(1)), METHOD_NOT_FOUND, method);
    }
    assert_modern_goes_on(&mut pipe);
}

#[test]
fn initialize_that_describes_itself_is_still_the_legacy_handshake_or_refused() {
    let mut pipe = silent();
    pipe.send(modern(crate::conversation::initialize_request(1, LEGACY)));
    let answer = pipe.next();
    assert_eq!(answer["id"], 1, "{answer}");
    assert_modern_goes_on(&mut pipe);
}

#[test]
fn both_eras_are_served_on_one_connection_each_in_its_own_form() {
    let mut pipe = silent();
    assert_modern_goes_on(&mut pipe);
    initialize(&mut pipe, LEGACY);
    for n in 0..3 {
        pipe.send(call(n, "add", json!({ "a": n, "b": 1 })));
        pipe.send(modern(call(format!("m{n}"), "add", json!({ "a": n, "b": 2 }))));
        let (old, new) = (pipe.next(), pipe.next());
        assert_eq!(old["id"], n);
        assert!(old["result"].get("resultType").is_none(), "{old}");
        assert!(old["result"].get("_meta").is_none(), "{old}");
        assert_eq!(new["id"], format!("m{n}"));
        assert_eq!(new["result"]["resultType"], "complete");
        assert_eq!(new["result"]["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "test-server");
    }
    pipe.send(ping("ping"));
    assert_eq!(pipe.next()["result"], json!({}));
    assert!(pipe.end().quietly().rest.is_empty());
}

#[test]
fn a_modern_id_in_flight_is_in_use_for_the_legacy_session_too() {
    let mut pipe = silent();
    initialize(&mut pipe, LEGACY);
    pipe.send(modern(call(1, "slow", json!({ "ms": 3_600_000 }))));
    pipe.send(call(1, "echo", json!({ "message": "x" })));
    assert_refused(&pipe.next(), Some(json!(1)), -32600, "in flight");
    pipe.send(crate::conversation::cancel(1));
    assert_goes_on(&mut pipe);
}

#[test]
fn what_one_request_says_of_itself_does_not_hold_for_the_next() {
    let mut pipe = silent();
    assert_modern_goes_on(&mut pipe);
    pipe.send(with_meta(json!({ PROTOCOL_VERSION: MODERN })));
    assert_refused(&pipe.next(), Some(json!(1)), INVALID_PARAMS, CLIENT_CAPABILITIES);
    pipe.send(call(2, "echo", json!({ "message": "x" })));
    assert_refused(&pipe.next(), Some(json!(2)), INVALID_PARAMS, PROTOCOL_VERSION);
    assert_modern_goes_on(&mut pipe);
}
