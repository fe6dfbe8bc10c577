//! Servers that do what they should not.

use std::time::Duration;

use crate::run::{Desk, assert_harmless, within};

#[test]
fn nothing_of_a_server_drives_the_terminal() {
    for command in [
        &["discover"][..],
        &["tools"],
        &["call", "evil"],
        &["call", "fail"],
        &["call", "error"],
        &["tools", "--require", "https://example.com/x"],
    ] {
        for form in [&[][..], &["--json"], &["-v"], &["--era", "legacy"]] {
            let done = Desk::new().python(&[command, form].concat(), EVIL);
            assert_harmless(done.out());
            assert_harmless(done.err());
            let shown = format!("{}{}", done.out(), done.err());
            assert!(
                shown.contains("u{1b}") || shown.contains("u001b") || shown.contains("\u{fffd}"),
                "{command:?} {form:?} {shown}"
            );
        }
    }
}

#[test]
fn noise_among_the_messages_is_passed_over() {
    let done = Desk::new().python(&["call", "evil", "-v"], EVIL).expect(0);
    assert!(done.err().contains("no message"), "{}", done.err());
}

#[test]
fn a_flood_does_not_outlast_the_timeout() {
    for script in [
        "import sys\nwhile True: sys.stdout.write('x' * 65536)",
        "while True: print('noise')",
        "while True: print('{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}')",
    ] {
        let run = || Desk::new().python(&["tools", "--timeout", "700ms"], script);
        within(Duration::from_secs(4), run).expect(4);
    }
    let run =
        || Desk::new().python(&["tools", "--timeout", "700ms", "-v"], "while True: print('n')");
    within(Duration::from_secs(4), run).expect(4);
}

#[test]
fn a_list_without_end_ends() {
    let run = || Desk::new().python(&["tools"], ENDLESS);
    let done = within(Duration::from_secs(20), run).expect(5);
    assert!(done.err().contains("does not end"), "{}", done.err());
}

#[test]
fn a_server_that_dies_says_its_last_words() {
    let script = "import sys\nprint('no licence\\x1b[2J', file=sys.stderr)\nsys.exit(3)";
    let done = Desk::new().python(&["tools"], script).expect(4);
    assert!(done.err().contains("exited with status 3"), "{}", done.err());
    assert!(done.err().contains("no licence"), "{}", done.err());
    assert_harmless(done.err());
}

#[test]
fn a_tool_that_cannot_be_read_does_not_hide_the_others() {
    let done = Desk::new().python(&["tools"], HALF).expect(0);
    assert!(done.out().starts_with("good"), "{}", done.out());
    assert!(done.err().contains("cannot read one of the tools"), "{}", done.err());
}

/// Answers everything, with control characters everywhere.
const EVIL: &str = r#"
import json, sys
E = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202egnp.exe\r\x08"
def say(m): print(json.dumps(m, ensure_ascii=False).replace("\\u001b", "\\u001b"))
print("noise " + E)
print("log " + E, file=sys.stderr)
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m: continue
    method, ok = m["method"], lambda r: say({"jsonrpc": "2.0", "id": m["id"], "result": r})
    if method == "server/discover":
        ok({"resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "public",
            "capabilities": {"tools": {}}, "instructions": E,
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "evil" + E, "version": "1" + E}}})
    elif method == "initialize":
        ok({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "instructions": E,
            "serverInfo": {"name": "evil" + E, "version": "1" + E}})
    elif method == "tools/list":
        ok({"resultType": "complete", "ttlMs": 0, "cacheScope": "public", "tools": [{"name": "evil" + E, "description": E,
            "inputSchema": {"type": "object", "properties": {E: {}}}}]})
    elif method == "tools/call" and m["params"]["name"] == "evil":
        ok({"resultType": "complete", "structuredContent": {E: E}, "content": [
            {"type": "text", "text": E}, {"type": "image", "data": E, "mimeType": E},
            {"type": "resource_link", "uri": E, "name": E}, {"type": E},
            {"type": "resource", "resource": {"uri": E, "text": E}}]})
    elif method == "tools/call" and m["params"]["name"] == "fail":
        ok({"resultType": "complete", "isError": True, "content": [{"type": "text", "text": E}]})
    else:
        say({"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32000, "message": E, "data": E}})
"#;

/// Gives a new cursor with each page.
const ENDLESS: &str = r#"
import json, sys
n = 0
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m: continue
    n += 1
    r = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "e", "version": "1"}}
    if m["method"] == "server/discover":
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32601, "message": "?"}}))
        continue
    if m["method"] == "tools/list": r = {"tools": [], "nextCursor": str(n)}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}))
"#;

/// Has a tool without a schema.
const HALF: &str = r#"
import json, sys
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m: continue
    r = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "h", "version": "1"}}
    if m["method"] == "server/discover":
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32601, "message": "?"}}))
        continue
    if m["method"] == "tools/list":
        r = {"tools": [{"name": "bad"}, {"name": "good", "inputSchema": {"type": "object"}}]}
    print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": r}))
"#;
