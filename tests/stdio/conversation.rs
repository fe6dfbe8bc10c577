//! Messages to send, what to expect of those that come back, and connections to begin with.

use mcp_tests::pipe::Pipe;
use serde_json::{Value, json};

pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_test-server");

pub(crate) const LEGACY: &str = "2025-11-25";
pub(crate) const BATCHES: &str = "2025-03-26";
pub(crate) const MODERN: &str = "2026-07-28";

pub(crate) const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A connection on which nothing has been said.
pub(crate) fn silent() -> Pipe {
    Pipe::start(SERVER, &["stdio"])
}

/// A connection with a legacy session.
pub(crate) fn legacy(version: &str) -> Pipe {
    let mut pipe = silent();
    initialize(&mut pipe, version);
    pipe
}

/// Opens a legacy session.
#[track_caller]
pub(crate) fn initialize(pipe: &mut Pipe, version: &str) {
    pipe.send(initialize_request("initialize", version));
    let answer = pipe.next();
    assert_eq!(answer["id"], "initialize", "{answer}");
    assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
    pipe.send(notification("notifications/initialized", json!({})));
}

pub(crate) fn initialize_request(id: impl Into<Value>, version: &str) -> Value {
    let client = json!({ "name": "hostile", "version": "1" });
    let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
    request(id, "initialize", params)
}

pub(crate) fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

pub(crate) fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

pub(crate) fn ping(id: impl Into<Value>) -> Value {
    request(id, "ping", json!({}))
}

pub(crate) fn call(id: impl Into<Value>, tool: &str, arguments: Value) -> Value {
    request(id, "tools/call", json!({ "name": tool, "arguments": arguments }))
}

pub(crate) fn cancel(id: impl Into<Value>) -> Value {
    notification("notifications/cancelled", json!({ "requestId": id.into() }))
}

/// Makes a request describe itself, as one of the modern era.
pub(crate) fn modern(request: Value) -> Value {
    modern_with(request, json!({}))
}

/// [`modern`], of a client with these capabilities.
pub(crate) fn modern_with(mut request: Value, capabilities: Value) -> Value {
    let meta = &mut request["params"]["_meta"];
    meta[PROTOCOL_VERSION] = MODERN.into();
    meta[CLIENT_CAPABILITIES] = capabilities;
    request
}

/// Asks for progress of a request.
pub(crate) fn with_progress(mut request: Value, token: impl Into<Value>) -> Value {
    request["params"]["_meta"]["progressToken"] = token.into();
    request
}

/// The text of a tool's result, which must not be an error.
#[track_caller]
pub(crate) fn text(answer: &Value) -> &str {
    assert!(answer["result"]["isError"] != true, "{answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}

/// The text of a tool's error.
#[track_caller]
pub(crate) fn error_text(answer: &Value) -> &str {
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}

/// That a message is an error response, with an id exactly if one is given, and says what is
/// wrong.
#[track_caller]
pub(crate) fn assert_refused(answer: &Value, id: Option<Value>, code: i64, says: &str) {
    assert_eq!(answer["jsonrpc"], "2.0", "{answer}");
    assert_eq!(answer.get("id").cloned(), id, "{answer}");
    assert_eq!(answer["error"]["code"], code, "{answer}");
    let message = answer["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(says), "{message:?} does not say {says:?}");
    assert!(answer.get("result").is_none(), "{answer}");
}

/// That the legacy session goes on, and that nothing else was sent before the answer.
#[track_caller]
pub(crate) fn assert_goes_on(pipe: &mut Pipe) {
    pipe.send(call("goes on", "echo", json!({ "message": "still here" })));
    let answer = pipe.next();
    assert_eq!(answer["id"], "goes on", "{answer}");
    assert_eq!(text(&answer), "still here");
}

/// Sends a line to a legacy session, expects it to be refused, and the session to go on.
#[track_caller]
pub(crate) fn refused(line: impl ToString, id: Option<Value>, code: i64, says: &str) {
    let mut pipe = legacy(LEGACY);
    pipe.send(line);
    assert_refused(&pipe.next(), id, code, says);
    assert_goes_on(&mut pipe);
    assert!(pipe.end().quietly().rest.is_empty());
}

/// Sends a line to a legacy session, expects no answer, and the session to go on.
#[track_caller]
pub(crate) fn ignored(line: impl ToString) {
    let mut pipe = legacy(LEGACY);
    pipe.send(line);
    assert_goes_on(&mut pipe);
    assert!(pipe.end().quietly().rest.is_empty());
}
