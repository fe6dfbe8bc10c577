//! Resources, prompts and completion.

use serde_json::json;

use crate::run::{Desk, Done};

fn library(arguments: &[&str]) -> Done {
    Desk::new().python(arguments, LIBRARY)
}

#[test]
fn resources_and_templates_stand_below_each_other() {
    let done = library(&["resources"]).expect(0);
    let expected = "\
lib://notes    text/plain  12 bytes  Notes: Everything worth knowing.
lib://picture  image/png             picture
";
    assert_eq!(done.out(), expected);
    let done = library(&["templates"]).expect(0);
    assert_eq!(done.out(), "lib://shelves/{shelf}    shelf: A shelf of books\n");
    let all = library(&["resources", "--json"]).expect(0).json();
    assert_eq!(all["resources"][0]["x-unknown"], json!(true));
}

#[test]
fn a_resource_is_read_shown_and_saved() {
    assert_eq!(library(&["read", "lib://notes"]).expect(0).out(), "one\n\\u{1b}[31mtwo\n");
    let done = library(&["read", "lib://picture"]).expect(0);
    assert_eq!(done.out(), "[resource lib://picture image/png 3 bytes]\n");
    let desk = Desk::new();
    desk.python(&["read", "lib://picture", "-o", "picture.png"], LIBRARY).expect(0);
    assert_eq!(std::fs::read(desk.path().join("picture.png")).unwrap(), [1, 2, 3]);
    let contents = library(&["read", "lib://notes", "--json"]).expect(0).json();
    assert_eq!(contents["contents"][0]["text"], "one\n\u{1b}[31mtwo");
    let done = library(&["read", "lib://nowhere"]).expect(5);
    assert!(done.err().contains("no such resource"), "{}", done.err());
}

#[test]
fn prompts_are_listed_and_filled_in() {
    assert_eq!(library(&["prompts"]).expect(0).out(), "recap  title, [minute]  Recaps a title\n");
    let done = library(&["prompt", "recap", "title=nosferatu", "minute=5"]).expect(0);
    let expected = "\
A recap
user:
  Recap nosferatu up to 5
assistant:
  [image image/png 3 bytes]
";
    assert_eq!(done.out(), expected);
    let prompt = library(&["prompt", "recap", "{\"title\":\"x\"}", "--json"]).expect(0).json();
    assert_eq!(prompt["messages"][0]["role"], "user");
}

#[test]
fn arguments_are_completed() {
    let done = library(&["complete", "recap", "title", "no"]).expect(0);
    assert_eq!((done.out(), done.err()), ("no one\nno two\n", "… 5 more\n"));
    let done = library(&["complete", "lib://shelves/{shelf}", "shelf", "", "--with", "a=b"]);
    assert_eq!(done.expect(0).out(), " one\n two\n");
}

#[test]
fn what_a_server_does_not_declare_is_said() {
    let bare = |arguments: &[&str]| Desk::new().fixture(arguments);
    for (command, what) in
        [("resources", "resources"), ("templates", "resource templates"), ("prompts", "prompts")]
    {
        let done = bare(&[command]).expect(0);
        assert_eq!((done.out(), done.err()), ("", &*format!("the server declares no {what}\n")));
    }
    bare(&["complete", "a", "b", "c"]).expect(5);
    assert_eq!(bare(&["prompts", "--json"]).expect(0).json(), json!({ "prompts": [] }));
}

/// A legacy server with a few of everything.
const LIBRARY: &str = r#"
import json, sys
for line in sys.stdin:
    m = json.loads(line)
    if "id" not in m: continue
    def say(r, key="result"): print(json.dumps({"jsonrpc": "2.0", "id": m["id"], key: r}))
    method, p = m["method"], m.get("params", {})
    if method == "initialize":
        say({"protocolVersion": "2025-11-25", "serverInfo": {"name": "library", "version": "1"},
             "capabilities": {"resources": {}, "prompts": {}, "completions": {}}})
    elif method == "resources/list" and "cursor" not in p:
        say({"resources": [{"uri": "lib://notes", "name": "Notes", "mimeType": "text/plain", "size": 12,
             "description": "Everything worth knowing.\nAnd more.", "x-unknown": True}], "nextCursor": "2"})
    elif method == "resources/list":
        say({"resources": [{"uri": "lib://picture", "name": "picture", "mimeType": "image/png"}]})
    elif method == "resources/templates/list":
        say({"resourceTemplates": [{"uriTemplate": "lib://shelves/{shelf}", "name": "shelf", "title": "A shelf of books"}]})
    elif method == "resources/read" and p["uri"] == "lib://notes":
        say({"contents": [{"uri": p["uri"], "text": "one\n\x1b[31mtwo"}]})
    elif method == "resources/read" and p["uri"] == "lib://picture":
        say({"contents": [{"uri": p["uri"], "mimeType": "image/png", "blob": "AQID"}]})
    elif method == "resources/read":
        say({"code": -32002, "message": "no such resource"}, "error")
    elif method == "prompts/list":
        say({"prompts": [{"name": "recap", "description": "Recaps a title",
             "arguments": [{"name": "title", "required": True}, {"name": "minute"}]}]})
    elif method == "prompts/get":
        a = p["arguments"]
        say({"description": "A recap", "messages": [
            {"role": "user", "content": {"type": "text", "text": "Recap %s up to %s" % (a["title"], a.get("minute"))}},
            {"role": "assistant", "content": {"type": "image", "data": "AQID", "mimeType": "image/png"}}]})
    elif method == "completion/complete":
        start = p["argument"]["value"]
        total = 7 if p["ref"]["type"] == "ref/prompt" else 2
        assert (p["ref"]["type"] == "ref/prompt") == ("context" not in p), p
        say({"completion": {"values": [start + " one", start + " two"], "total": total}})
    else:
        say({"code": -32601, "message": "method not found"}, "error")
"#;
