//! Messages as they are sent plainly, in both eras.

use mcp_core::profile::EXTENSION;
use serde_json::{Value, json};

use super::plain::Request;

/// `server/discover`.
pub fn discover() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "server/discover" })
}

/// `tools/list`.
pub fn list_tools() -> Value {
    json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" })
}

/// `initialize`, which asks for no profile.
pub fn initialize() -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": LEGACY,
        "clientInfo": { "name": "plain", "version": "1.0" },
        "capabilities": {},
    } })
}

/// A modern request: it describes itself, in its headers too (2026-07-28,
/// basic/transports/streamable-http).
pub fn modern(target: &str, message: &Value) -> Request {
    modern_requesting(target, message, &[])
}

/// A modern request that requests profiles.
pub fn modern_requesting(target: &str, message: &Value, profiles: &[&str]) -> Request {
    let mut capabilities = json!({});
    if !profiles.is_empty() {
        capabilities["extensions"][EXTENSION] = json!({ "requested": profiles });
    }
    let mut message = message.clone();
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": { "name": "plain", "version": "1.0" },
        "io.modelcontextprotocol/clientCapabilities": capabilities,
    });
    Request::post(target, &message)
        .header("MCP-Protocol-Version", MODERN)
        .header("Mcp-Method", message["method"].as_str().unwrap_or_default())
}

/// A legacy request, in a session if there is one.
pub fn legacy(target: &str, message: &Value, session: Option<&str>) -> Request {
    let request = Request::post(target, message);
    match session {
        None => request,
        Some(session) => {
            request.header("MCP-Protocol-Version", LEGACY).header("Mcp-Session-Id", session)
        }
    }
}

const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";
