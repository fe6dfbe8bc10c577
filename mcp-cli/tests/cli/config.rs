//! Servers by name, from configuration files.

use serde_json::json;

use crate::run::{Desk, Done, fixture};

fn desk() -> Desk {
    let desk = Desk::new();
    let entries = json!({
        "fixture": { "command": fixture() },
        "old": { "command": fixture(), "args": ["legacy"], "timeout": "300ms" },
        "asked": { "command": fixture(), "args": ["${input:era}"] },
        "strict": { "command": fixture(), "requireProfiles": ["https://example.com/profiles/gold"] },
        "off": { "command": fixture(), "disabled": true },
        "far": { "url": "https://ada:secret@example.com/mcp" },
        "wrong": { "command": 7 },
    });
    let inputs = json!([{ "id": "era", "type": "promptString" }]);
    desk.file("mcp.json", &json!({ "mcpServers": entries, "inputs": inputs }).to_string());
    desk
}

fn run(arguments: &[&str]) -> Done {
    desk().run(arguments)
}

#[test]
fn a_server_is_found_by_its_name() {
    for line in [
        &["call", "echo", "message=hello", "fixture"][..],
        &["call", "echo", "{\"message\":\"hello\"}", "old"],
        &["call", "echo", "message=hello", "asked", "--input", "era=modern"],
    ] {
        assert_eq!(run(line).expect(0).out(), "hello\n", "{line:?}");
    }
    assert!(run(&["discover", "old"]).expect(0).out().contains("MCP 2025-11-25"));
    assert!(run(&["tools", "fixture", "--config", "mcp.json"]).expect(0).out().contains("echo"));
}

#[test]
fn what_the_entry_says_counts_unless_the_command_line_says_otherwise() {
    run(&["tools", "strict"]).expect(3);
    run(&["call", "work", "milliseconds=60000", "steps=1", "old"]).expect(4);
    run(&["call", "work", "milliseconds=600", "steps=1", "old", "--timeout", "10s"]).expect(0);
}

#[test]
fn what_is_wrong_with_an_entry_is_said() {
    for (name, what) in [
        ("nowhere", "nowhere"),
        ("off", "`off` is disabled"),
        ("far", "holds a user name or password"),
        ("wrong", "`command` is a number"),
        ("asked", "era"),
    ] {
        let done = run(&["tools", name]).expect(2);
        assert!(done.err().contains(what), "{name}: {}", done.err());
    }
    let done = run(&["tools", "fixture", "--config", "missing.json"]).expect(2);
    assert!(done.err().contains("missing.json"), "{}", done.err());
    let desk = Desk::new();
    let mut elsewhere = desk.command(&["tools", "fixture"]);
    let output = elsewhere.env("XDG_CONFIG_HOME", "/nonexistent").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("there is no configuration file"), "{said}");
}
