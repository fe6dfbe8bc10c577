//! Whole conversations, byte for byte.

use mcp_core::session::client::EraChoice::{Legacy, Modern};

use crate::harness::pair::{Pair, established, legacy};
use crate::harness::world::{BASIC, PREMIUM, Wants, World};

#[test]
fn a_legacy_session() {
    let mut pair = legacy(World::plain(), &Wants::nothing());
    pair.list();
    pair.drive();
    pair.call("open");
    pair.drive();
    pair.server.holds_calls = true;
    pair.call("open");
    pair.drive();
    pair.cancel(2);
    pair.drive();
    assert_said(
        &pair,
        &[
            r#"C→S {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"viewer","version":"2.0"}}}"#,
            r#"S→C {"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"vidsrus","version":"1.0"}}}"#,
            r#"C→S {"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"C→S {"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"_meta":{"progressToken":2}}}"#,
            r#"S→C {"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"open","inputSchema":{"type":"object","additionalProperties":false}},{"name":"gated","inputSchema":{"type":"object","additionalProperties":false}}]}}"#,
            r#"C→S {"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"_meta":{"progressToken":3},"arguments":{"a":"secret"},"name":"open"}}"#,
            r#"S→C {"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"open ran"}]}}"#,
            r#"C→S {"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"_meta":{"progressToken":4},"arguments":{"a":"secret"},"name":"open"}}"#,
            r#"C→S {"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":4}}"#,
        ],
    );
}

#[test]
fn a_modern_conversation() {
    let mut pair = established(World::plain(), &Wants::nothing());
    pair.list();
    pair.drive();
    pair.call("open");
    pair.drive();
    assert_said(
        &pair,
        &[
            r#"C→S {"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"viewer","version":"2.0"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#,
            r#"S→C {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","ttlMs":5000,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"vidsrus","version":"1.0"}},"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"capabilities":{"tools":{}}}}"#,
            r#"C→S {"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"viewer","version":"2.0"},"io.modelcontextprotocol/clientCapabilities":{},"progressToken":2}}}"#,
            r#"S→C {"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","ttlMs":1000,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"vidsrus","version":"1.0"}},"tools":[{"name":"open","inputSchema":{"type":"object","additionalProperties":false}},{"name":"gated","inputSchema":{"type":"object","additionalProperties":false}}]}}"#,
            r#"C→S {"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"viewer","version":"2.0"},"io.modelcontextprotocol/clientCapabilities":{},"progressToken":3},"arguments":{"a":"secret"},"name":"open"}}"#,
            r#"S→C {"jsonrpc":"2.0","id":3,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"vidsrus","version":"1.0"}},"content":[{"type":"text","text":"open ran"}]}}"#,
        ],
    );
}

#[test]
fn profiles_agreed_in_a_legacy_session() {
    let mut pair = legacy(World::declaring(&[BASIC, PREMIUM]), &Wants::requiring(&[PREMIUM]));
    pair.call("gated");
    pair.drive();
    assert_said(
        &pair,
        &[
            r#"C→S {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"extensions":{"dev.behaviour-profiles/profiles":{}}},"clientInfo":{"name":"viewer","version":"2.0"},"requestedProfiles":["https://vidsrus/premium"]}}"#,
            r#"S→C {"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{},"extensions":{"dev.behaviour-profiles/profiles":{"supported":[{"profileURL":"https://vidsrus/basic","minMcpVersion":"2024-11-05"},{"profileURL":"https://vidsrus/premium","minMcpVersion":"2025-06-18"}],"reasons":[]}}},"serverInfo":{"name":"vidsrus","version":"1.0"},"profiles":["https://vidsrus/premium"]}}"#,
            r#"C→S {"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"C→S {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"_meta":{"progressToken":2},"arguments":{"a":"secret"},"name":"gated"}}"#,
            r#"S→C {"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"gated ran"}]}}"#,
        ],
    );
}

#[test]
fn profiles_agreed_in_a_modern_conversation() {
    let mut pair = established(World::declaring(&[BASIC, PREMIUM]), &Wants::requiring(&[PREMIUM]));
    pair.call("gated");
    pair.drive();
    assert_said(
        &pair,
        &[
            r#"C→S {"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"viewer","version":"2.0"},"io.modelcontextprotocol/clientCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://vidsrus/premium"]}}}}}}"#,
            r#"S→C {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","ttlMs":5000,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"vidsrus","version":"1.0"},"dev.behaviour-profiles/profiles":{"profiles":["https://vidsrus/premium"],"reasons":[]}},"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"capabilities":{"tools":{},"extensions":{"dev.behaviour-profiles/profiles":{"supported":[{"profileURL":"https://vidsrus/basic","minMcpVersion":"2024-11-05"},{"profileURL":"https://vidsrus/premium","minMcpVersion":"2025-06-18"}]}}}}}"#,
            r#"C→S {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"viewer","version":"2.0"},"io.modelcontextprotocol/clientCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://vidsrus/premium"]}}},"progressToken":2},"arguments":{"a":"secret"},"name":"gated"}}"#,
            r#"S→C {"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"vidsrus","version":"1.0"},"dev.behaviour-profiles/profiles":{"profiles":["https://vidsrus/premium"]}},"content":[{"type":"text","text":"gated ran"}]}}"#,
        ],
    );
}

#[test]
fn a_legacy_session_rejected() {
    let mut pair = Pair::new(World::declaring(&[BASIC]), &Wants::requiring(&[PREMIUM]).era(Legacy));
    pair.drive();
    assert_said(
        &pair,
        &[
            r#"C→S {"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"extensions":{"dev.behaviour-profiles/profiles":{}}},"clientInfo":{"name":"viewer","version":"2.0"},"requestedProfiles":["https://vidsrus/premium"]}}"#,
            r#"S→C {"jsonrpc":"2.0","id":1,"error":{"code":1004,"message":"no requested profile is available: https://vidsrus/premium is not known to this server","data":{"requested":["https://vidsrus/premium"],"supported":[{"profileURL":"https://vidsrus/basic","minMcpVersion":"2024-11-05"}],"reasons":[{"profileURL":"https://vidsrus/premium","reason":"unknown"}]}}}"#,
        ],
    );
}

#[test]
fn a_modern_request_refused_because_its_profile_cannot_be_in_force() {
    let world = World::declaring(&[BASIC, PREMIUM]).asking(&[BASIC, PREMIUM]);
    let mut pair = established(world, &Wants::requiring(&[PREMIUM]).era(Modern));
    pair.server.world.entitled = Some(vec![BASIC]);
    pair.call("gated");
    pair.drive();
    assert_said(
        &pair,
        &[
            r#"C→S {"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"viewer","version":"2.0"},"io.modelcontextprotocol/clientCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://vidsrus/premium"]}}}}}}"#,
            r#"S→C {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","ttlMs":5000,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"vidsrus","version":"1.0"},"dev.behaviour-profiles/profiles":{"profiles":["https://vidsrus/premium"],"reasons":[]}},"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"capabilities":{"tools":{},"extensions":{"dev.behaviour-profiles/profiles":{"supported":[{"profileURL":"https://vidsrus/basic","minMcpVersion":"2024-11-05"},{"profileURL":"https://vidsrus/premium","minMcpVersion":"2025-06-18"}]}}}}}"#,
            r#"C→S {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"viewer","version":"2.0"},"io.modelcontextprotocol/clientCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://vidsrus/premium"]}}},"progressToken":2},"arguments":{"a":"secret"},"name":"gated"}}"#,
            r#"S→C {"jsonrpc":"2.0","id":2,"error":{"code":1004,"message":"no requested profile is available: https://vidsrus/premium is not permitted for this caller","data":{"requested":["https://vidsrus/premium"],"supported":[{"profileURL":"https://vidsrus/basic","minMcpVersion":"2024-11-05"},{"profileURL":"https://vidsrus/premium","minMcpVersion":"2025-06-18"}],"reasons":[{"profileURL":"https://vidsrus/premium","reason":"notPermitted"}]}}}"#,
        ],
    );
}

#[test]
fn a_modern_request_refused_for_want_of_a_profile() {
    let mut pair =
        established(World::declaring(&[BASIC, PREMIUM]), &Wants::preferring(&[BASIC]).era(Modern));
    pair.call("gated");
    pair.drive();
    assert_said(
        &pair,
        &[
            r#"C→S {"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"viewer","version":"2.0"},"io.modelcontextprotocol/clientCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://vidsrus/basic"]}}}}}}"#,
            r#"S→C {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","ttlMs":5000,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"vidsrus","version":"1.0"},"dev.behaviour-profiles/profiles":{"profiles":["https://vidsrus/basic"],"reasons":[]}},"supportedVersions":["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"],"capabilities":{"tools":{},"extensions":{"dev.behaviour-profiles/profiles":{"supported":[{"profileURL":"https://vidsrus/basic","minMcpVersion":"2024-11-05"},{"profileURL":"https://vidsrus/premium","minMcpVersion":"2025-06-18"}]}}}}}"#,
            r#"C→S {"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"viewer","version":"2.0"},"io.modelcontextprotocol/clientCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://vidsrus/basic"]}}},"progressToken":2},"arguments":{"a":"secret"},"name":"gated"}}"#,
            r#"S→C {"jsonrpc":"2.0","id":2,"error":{"code":-32021,"message":"what was called needs a profile that was not requested: https://vidsrus/premium is needed and not requested","data":{"requiredCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://vidsrus/premium"]}}},"requested":["https://vidsrus/basic"],"supported":[{"profileURL":"https://vidsrus/basic","minMcpVersion":"2024-11-05"},{"profileURL":"https://vidsrus/premium","minMcpVersion":"2025-06-18"}],"reasons":[{"profileURL":"https://vidsrus/premium","reason":"notRequested"}]}}}"#,
        ],
    );
}

fn assert_said(pair: &Pair, expected: &[&str]) {
    let said = pair.transcript();
    for (said, expected) in said.iter().zip(expected) {
        assert_eq!(said, expected);
    }
    assert_eq!(said.len(), expected.len(), "{said:#?}");
}
