//! What `mcp check` finds, and that it finds nothing where nothing is wrong.

use std::time::Duration;

use serde_json::Value;

use crate::run::{Desk, assert_harmless, fixture, within};

fn rules(document: &Value) -> Vec<(&str, &str)> {
    let findings = document["findings"].as_array().unwrap();
    let text = |finding: &'_ Value, key: &str| finding[key].as_str().unwrap().to_owned();
    assert!(
        findings
            .iter()
            .all(|one| text(one, "page").starts_with("https://modelcontextprotocol.io/"))
    );
    findings
        .iter()
        .map(|one| (one["rule"].as_str().unwrap(), one["severity"].as_str().unwrap()))
        .collect()
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for (era, eras) in [("both", 2), ("legacy", 1), ("modern", 1)] {
        let desk = Desk::new();
        let done = desk.run(&["check", "--json", "--", fixture(), era]).expect(0);
        let document = done.json();
        assert_eq!(rules(&document), [], "{era}");
        assert!(document["kept"].as_array().unwrap().len() > 20);
        let found = [&document["modern"], &document["legacy"]];
        assert_eq!(found.iter().filter(|version| version.is_string()).count(), eras, "{era}");
        assert!(done.err().is_empty());
    }
    let text = Desk::new().run(&["check", "--", fixture()]).expect(0);
    assert!(text.out().starts_with("fixture 1.0 · MCP 2026-07-28 and 2025-11-25\n"));
    assert!(text.out().contains("0 errors · 0 warnings"), "{}", text.out());
}

#[test]
fn a_careless_legacy_server_hears_of_everything() {
    let document = Desk::new().python(&["check", "--json"], CARELESS).expect(5).json();
    let found = rules(&document);
    for rule in [
        "stdout-noise",
        "message-form",
        "response-id",
        "unknown-method",
        "notification-answered",
        "server-request",
        "early-request",
        "progress-token",
        "unasked-log",
        "version-unknown",
        "ping",
        "undeclared",
        "list-ends",
        "unique",
        "item-form",
        "icons",
        "tool-name",
        "tool-description",
        "input-schema",
        "output-schema",
        "schema-required",
        "hints",
        "call-without-name",
        "unknown-tool",
        "tool-result",
        "structured-content",
        "text-mirror",
        "unknown-resource",
        "resource-contents",
        "invalid-json",
        "exit-on-eof",
    ] {
        assert!(found.iter().any(|(id, _)| *id == rule), "{rule}: {found:#?}");
    }
    assert!(found.is_sorted_by_key(|(_, severity)| match *severity {
        "error" => 0,
        "warning" => 1,
        _ => 2,
    }));
    let text = Desk::new().python(&["check"], CARELESS).expect(5);
    assert!(
        text.out().contains("error[ping]: `ping` is answered with an empty result"),
        "{}",
        text.out()
    );
    assert_harmless(text.out());
}

#[test]
fn a_careless_modern_server_hears_of_everything() {
    let done = Desk::new().python(&["check", "--json", "--timeout", "2s"], HASTY).expect(5);
    let document = done.json();
    let found = rules(&document);
    for rule in [
        "discover",
        "result-type",
        "cache-hints",
        "server-info",
        "meta-required",
        "version-unsupported",
        "removed-method",
        "retired-code",
        "listen",
        "unasked-notification",
        "server-request",
        "input-required",
        "modern-only",
        "cache-scope",
    ] {
        assert!(found.iter().any(|(id, _)| *id == rule), "{rule}: {found:#?}");
    }
    assert_eq!(document["legacy"], Value::Null);
}

#[test]
fn a_server_that_dies_of_a_message_is_told_of_it() {
    let dies = "if method == 'check/no-such-method': sys.exit(9)\n    p = m.get";
    let script = CARELESS.replace("p = m.get", dies);
    let document = Desk::new().python(&["check", "--json"], &script).expect(5).json();
    let all = document["findings"].as_array().unwrap();
    let died = all.iter().find(|one| one["rule"] == "stays-alive").unwrap();
    assert!(died["detail"].as_str().unwrap().contains("exited with status 9"), "{died}");
}

#[test]
fn what_is_no_server_is_no_finding() {
    Desk::new().run(&["check", "--", "./nowhere"]).expect(4);
    let run = || Desk::new().run(&["check", "--timeout", "500ms", "--", "sleep", "1000"]);
    let done = within(Duration::from_secs(6), run).expect(4);
    assert!(done.err().contains("does not speak"), "{}", done.err());
    Desk::new().run(&["check", "--json", "--", "true"]).expect(4).json();
}

/// Does everything wrong that a legacy server can do wrong and still be talked to.
const CARELESS: &str = r#"
import json, sys, time
print("starting\x1b[2J")
def say(m): print(json.dumps(m))
def bare(id, **m): say({"jsonrpc": "2.0", "id": id, **m})
for line in sys.stdin:
    try:
        m = json.loads(line)
    except ValueError:
        bare(None, error={"code": -32000, "message": "what?"})
        continue
    if isinstance(m, list): continue
    method, id = m.get("method"), m.get("id")
    if method is None: continue
    if id is None:
        if method.startswith("notifications/check"): bare(None, error={"code": -32601, "message": "?"})
        if method == "notifications/initialized":
            say({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 99, "progress": 1}})
            say({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}})
            bare("r1", method="roots/list")
        continue
    p = m.get("params", {})
    if method == "initialize":
        bare("r0", method="roots/list")
        bare(id, result={"protocolVersion": p["protocolVersion"], "capabilities": {"tools": {}, "resources": {}},
             "serverInfo": {"name": "careless", "version": "1"}})
    elif method == "server/discover":
        bare(id, error={"code": -32601, "message": "?"})
    elif method == "ping":
        bare(id, result={"pong": True})
    elif method == "tools/list":
        bare(id, result={"nextCursor": "again", "tools": [
            {"name": "a tool", "inputSchema": {"type": "array"}, "icons": [{"src": "file:///etc/passwd"}]},
            {"name": "same", "description": "x", "inputSchema": {"type": "object", "required": ["a"]},
             "outputSchema": {"type": "string"}},
            {"name": "same", "description": "x"},
            {"description": "x", "inputSchema": {"type": "nothing"}},
            {"name": "look", "description": "x", "inputSchema": {"type": "object"},
             "outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
             "annotations": {"readOnlyHint": True, "destructiveHint": True}}]})
    elif method == "tools/call" and p.get("name") == "look":
        bare(id, result={"content": [{"type": "image", "data": "??", "mimeType": "image/png"}],
             "structuredContent": {"n": "one"}})
    elif method == "tools/call":
        bare(id, result={"content": []})
    elif method == "prompts/list":
        bare(id, result={"prompts": [{"name": "hidden"}]})
    elif method == "resources/list":
        bare(id, result={"resources": [{"uri": "a:b", "name": "b"}]})
    elif method == "resources/templates/list":
        say({"jsonrpc": "1.0", "id": id, "result": {"resourceTemplates": []}})
    elif method == "resources/read":
        bare(id, result={"contents": [{"uri": "a:b"}] if p["uri"] == "a:b" else []})
    elif isinstance(id, str):
        bare(7777, error={"code": -32601, "message": "?"})
    else:
        bare(id, error={"code": -32603, "message": "?"})
time.sleep(30)
"#;

/// The same for a modern server.
const HASTY: &str = r#"
import json, sys
def say(m): print(json.dumps(m))
def bare(id, **m): say({"jsonrpc": "2.0", "id": id, **m})
page = 0
for line in sys.stdin:
    try:
        m = json.loads(line)
    except ValueError:
        continue
    method, id, p = m.get("method"), m.get("id"), m.get("params", {})
    if id is None or method is None: continue
    if method == "server/discover":
        bare(id, result={"supportedVersions": ["2025-11-25"], "ttlMs": -1,
             "capabilities": {"tools": {"listChanged": True}, "prompts": {}}})
        say({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        bare("x", method="roots/list")
    elif method == "tools/list" and "cursor" not in p:
        bare(id, result={"resultType": "complete", "tools": [], "nextCursor": "2", "ttlMs": 1, "cacheScope": "private"})
    elif method == "tools/list":
        bare(id, result={"resultType": "partial", "tools": [], "ttlMs": 1, "cacheScope": "public"})
    elif method == "prompts/list":
        bare(id, result={"resultType": "input_required", "requestState": "s"})
    elif method == "subscriptions/listen":
        say({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {}})
    elif method == "ping":
        bare(id, result={"resultType": "complete"})
    elif method == "initialize":
        bare(id, error={"code": -32601, "message": "what is that?"})
    else:
        bare(id, error={"code": -32002, "message": "?"})
"#;
