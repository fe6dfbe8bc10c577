//! Looking at a server and calling its tools.

use serde_json::json;

use crate::run::{Desk, fixture};

#[test]
fn a_server_is_described() {
    for (era, first) in [
        ("modern", "fixture 1.0 · MCP 2026-07-28 (and four older versions) · stdio · "),
        ("legacy", "fixture 1.0 · MCP 2025-11-25 · stdio · "),
    ] {
        let done = Desk::new().fixture(&["discover", "--era", era]).expect(0);
        let mut lines = done.out().lines();
        assert!(lines.next().unwrap().starts_with(first), "{}", done.out());
        assert_eq!(lines.next(), Some("5 tools"));
        let facts = Desk::new().fixture(&["discover", "--json", "--era", era]).expect(0).json();
        assert_eq!(facts["server"]["name"], "fixture");
        assert_eq!(facts["era"], era);
        assert_eq!(facts["counts"]["tools"], 5);
    }
}

#[test]
fn tools_stand_below_each_other() {
    let done = Desk::new().fixture(&["tools"]).expect(0);
    let expected = "\
echo  message, [times]     Returns the message. (read-only)
add   a, b                 Adds two numbers. (read-only)
fail                       Fails. (destructive)
work  milliseconds, steps  Works for a while and reports progress.
draw                       Draws a picture of one pixel.
";
    assert_eq!(done.out(), expected);
    let tools = Desk::new().fixture(&["tools", "--json"]).expect(0).json();
    assert_eq!(tools["tools"][1]["name"], "add");
    assert!(tools["tools"][1]["outputSchema"].is_object());
}

#[test]
fn arguments_can_be_given_in_every_way() {
    let desk = Desk::new();
    desk.file("arguments.json", r#"{"message": "42"}"#);
    for words in [&["{\"message\":\"42\"}"][..], &["@arguments.json"], &["message=42"]] {
        let done = desk.fixture(&[&["call", "echo"], words].concat()).expect(0);
        assert_eq!(done.out(), "42\n", "{words:?}");
    }
    let done = desk.fixture(&["call", "add", "a=40", "b:=2"]).expect(0);
    assert_eq!(done.out(), "{ \"sum\": 42 }\n");
    let mut command = desk.command(&["call", "echo", "-", "--", fixture()]);
    let file = std::fs::File::open(desk.path().join("arguments.json")).unwrap();
    assert_eq!(command.stdin(file).output().unwrap().stdout, b"42\n");
}

#[test]
fn results_can_be_had_as_json() {
    let result = Desk::new().fixture(&["call", "add", "a=1", "b=2", "--json"]).expect(0).json();
    assert_eq!(result["structuredContent"], json!({ "sum": 3 }));
}

#[test]
fn pictures_are_named_and_saved() {
    let desk = Desk::new();
    let done = desk.fixture(&["call", "draw"]).expect(0);
    assert_eq!(done.out(), "[image image/png 67 bytes]\n");
    let done = desk.fixture(&["call", "draw", "--output", "pixel.png"]).expect(0);
    assert_eq!(done.out(), "pixel.png: 67 bytes\n");
    assert!(std::fs::read(desk.path().join("pixel.png")).unwrap().starts_with(b"\x89PNG"));
    let done = desk.fixture(&["call", "echo", "message=x", "--output", "x"]).expect(5);
    assert!(done.err().contains("no image, sound or other file"), "{}", done.err());
}

#[test]
fn every_failure_has_its_status_and_its_words() {
    let run = |arguments: &[&str]| Desk::new().fixture(arguments);
    let done = run(&["call", "fail"]).expect(1);
    assert_eq!(done.err(), "tool error: there is nothing to be done\n");
    let done = run(&["call", "echo", "{\"massage\":\"x\"}"]).expect(1);
    assert!(done.err().starts_with("tool error: argument `"), "{}", done.err());
    let done = run(&["call", "nothing"]).expect(5);
    assert!(done.err().contains("nothing"), "{}", done.err());
    let profile = "https://example.com/profiles/gold";
    let done = run(&["tools", "--require", profile]).expect(3);
    assert!(done.err().starts_with("profiles not agreed with `fixture 1.0`"), "{}", done.err());
    assert!(run(&["tools", "--require", "gold"]).expect(2).err().contains("gold"));
    for line in [
        &["tools"][..],
        &["tools", "https://ada@example.com/mcp"],
        &["tools", "a-name"],
        &["tools", "a-name", "--", "true"],
        &["call", "echo", "hello", "--", "true"],
        &["call", "echo", "@nowhere.json", "--", "true"],
        &["tools", "--timeout", "soon", "--", "true"],
        &["tools", "--bogus"],
        &["nonsense"],
    ] {
        let done = Desk::new().run(line).expect(2);
        assert!(done.out().is_empty() && !done.err().is_empty(), "{line:?}");
        let done = Desk::new().run(&[&["--json"], line].concat()).expect(2);
        assert_eq!(done.json()["error"]["kind"], "usage", "{line:?}");
        assert_eq!(done.err(), "");
    }
    let done = Desk::new().run(&["tools", "--", "./nowhere"]).expect(4);
    assert!(done.err().contains("nowhere"), "{}", done.err());
}

#[test]
fn errors_are_json_where_that_is_wanted() {
    let error = |arguments: &[&str]| {
        let done = Desk::new().fixture(&[&["--json"], arguments].concat());
        assert_eq!(done.err(), "");
        let error = done.json()["error"].clone();
        assert_eq!(error["status"], done.status());
        error
    };
    let tool = error(&["call", "fail"]);
    assert_eq!(tool["kind"], "tool");
    assert_eq!(tool["result"]["content"][0]["text"], "there is nothing to be done");
    let peer = error(&["call", "nothing"]);
    assert_eq!((&peer["kind"], &peer["code"]), (&json!("peer"), &json!(-32602)));
    let rejected = error(&["tools", "--require", "https://example.com/profiles/gold"]);
    assert_eq!(rejected["kind"], "not_agreed");
    assert_eq!(rejected["profiles"]["missing"], json!(["https://example.com/profiles/gold"]));
    assert_eq!(
        error(&["call", "work", "milliseconds=60000", "steps=1", "--timeout", "300ms"])["kind"],
        "timeout"
    );
}

#[test]
fn the_wire_is_shown_on_standard_error_only() {
    let done = Desk::new().fixture(&["call", "add", "a=1", "b=2", "-v"]).expect(0);
    assert_eq!(done.out(), "{ \"sum\": 3 }\n");
    let sent = done.err().lines().filter(|line| line.starts_with("→ {")).count();
    let received = done.err().lines().filter(|line| line.starts_with("← {")).count();
    assert_eq!((sent, received), (3, 3), "{}", done.err());
}

#[test]
fn colours_are_used_only_when_asked_for() {
    assert!(!Desk::new().fixture(&["tools"]).out().contains('\u{1b}'));
    let coloured = Desk::new().fixture(&["tools", "--color", "always"]);
    assert!(coloured.out().starts_with("\u{1b}[36mecho\u{1b}[0m  "), "{}", coloured.out());
}

#[test]
fn variables_reach_the_server_only_as_asked() {
    let desk = Desk::new();
    let script = "import os, sys\nprint(os.environ.get('A'), os.environ.get('B'), \
                  os.environ.get('MCP_TEST_SECRET'), file=sys.stderr)\n";
    desk.file("server.py", script);
    let mut command =
        desk.command(&["tools", "-e", "A=1", "-e", "B", "--", "python3", "server.py"]);
    let output = command.env("B", "2").env("MCP_TEST_SECRET", "3").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("1 2 None"), "{said}");
}

#[test]
fn completions_are_written_for_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let done = Desk::new().run(&["completions", shell]).expect(0);
        assert!(done.out().contains("discover"), "{}", done.out());
    }
}
