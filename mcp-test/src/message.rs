//! Messages to write by hand, for [`Script`](crate::Script)s and raw connections.
//!
//! ```
//! use mcp_test::message;
//! use serde_json::json;
//!
//! let call = message::request(1, "tools/call", json!({ "name": "echo" }));
//! assert_eq!(call["jsonrpc"], "2.0");
//! let modern = message::modern(call);
//! assert_eq!(modern["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
//! ```

#![expect(clippy::needless_pass_by_value, reason = "parameters are written where they are sent")]

use mcp_core::version::ProtocolVersion;
use serde_json::{Value, json};

/// A request.
pub fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// A notification.
pub fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

/// A response with a result.
pub fn result(id: impl Into<Value>, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "result": result })
}

/// A response with an error.
pub fn error(id: impl Into<Value>, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "error": { "code": code, "message": message } })
}

/// The `initialize` request of a legacy client without capabilities.
pub fn initialize(id: impl Into<Value>, version: &ProtocolVersion) -> Value {
    let client = json!({ "name": "mcp-test", "version": "1.0" });
    let params =
        json!({ "protocolVersion": version.as_str(), "capabilities": {}, "clientInfo": client });
    request(id, "initialize", params)
}

/// Makes a request describe itself, as 2026-07-28 asks (basic/index, "Request Metadata"), for
/// a client without capabilities. What its `_meta` has already stays.
pub fn modern(mut message: Value) -> Value {
    let described = [
        ("io.modelcontextprotocol/protocolVersion", json!(ProtocolVersion::V2026_07_28.as_str())),
        ("io.modelcontextprotocol/clientCapabilities", json!({})),
    ];
    let Some(members) = message.as_object_mut() else { return message };
    let params = members.entry("params").or_insert_with(|| json!({}));
    let Some(params) = params.as_object_mut() else { return message };
    let meta = params.entry("_meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        for (name, value) in described {
            meta.entry(name).or_insert(value);
        }
    }
    message
}
