//! Servers that ask the user something.

use std::process::Output;

use serde_json::{Value, json};

use crate::run::{Desk, assert_harmless};

const ERAS: [&str; 2] = ["legacy", "modern"];

#[test]
fn nobody_is_asked_without_a_terminal() {
    for era in ERAS {
        let done = Desk::new().python(&["call", "form", "--era", era], ASKING).expect(0);
        assert_eq!(answer(done.out()), json!({ "action": "decline" }), "{era}");
        assert!(
            done.err().starts_with("the server asked: Who are you?\\u{1b}[2J\ndeclined"),
            "{}",
            done.err()
        );
        let done = Desk::new().python(&["call", "visit", "--era", era], ASKING).expect(0);
        assert_eq!(answer(done.out()), json!({ "action": "decline" }), "{era}");
    }
}

#[test]
fn answers_can_be_given_beforehand() {
    for era in ERAS {
        let call = |given: &str| {
            let done =
                Desk::new().python(&["call", "form", "--era", era, "--answer", given], ASKING);
            let done = done.expect(0);
            (answer(done.out()), done.err().to_owned())
        };
        let (accepted, _) = call(r#"{"name": "Ada", "unasked": 1}"#);
        let content = json!({ "name": "Ada", "plan": "free" });
        assert_eq!(accepted, json!({ "action": "accept", "content": content }), "{era}");
        assert_eq!(call("decline").0, json!({ "action": "decline" }));
        assert_eq!(call("cancel").0, json!({ "action": "cancel" }));
        let (misfit, warning) = call(r#"{"name": 7}"#);
        assert_eq!(misfit, json!({ "action": "cancel" }));
        assert!(warning.contains("--answer does not fit the form: `name`"), "{warning}");
    }
    Desk::new().python(&["call", "form", "--answer", "[1]"], ASKING).expect(2);
}

#[test]
fn a_person_at_a_terminal_fills_in_the_form() {
    for era in ERAS {
        let typed = ["", "Ada", "2", "y"];
        let output = on_terminal(&["call", "form", "--era", era], &typed);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("has to be filled in"), "{said}");
        assert!(said.contains("2) paid"), "{said}");
        assert!(said.contains(r#""content": {"name": "Ada", "plan": "paid"}"#), "{said}");
        assert_harmless(&said.replace('\r', ""));
        let output = on_terminal(&["call", "visit", "--era", era], &["y"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("https://example.com/sign-in"), "{said}");
        assert!(said.contains(r#"{"action": "accept"}"#), "{said}");
    }
}

#[test]
fn waiting_for_a_person_does_not_count_and_can_be_interrupted() {
    for era in ERAS {
        let output = on_terminal(
            &["call", "form", "--era", era, "--timeout", "300ms"],
            &["SLOW", "Ada", "1", "y"],
        );
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(r#""name": "Ada""#), "{said}");
        let output = on_terminal(&["call", "form", "--era", era], &["CTRL-C"]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("interrupted") && said.contains("status 130"), "{said}");
    }
}

fn answer(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// Runs the command on a terminal of its own, and types these lines, each when it is asked for.
fn on_terminal(arguments: &[&str], typed: &[&str]) -> Output {
    let desk = Desk::new();
    desk.file("server.py", ASKING);
    desk.file("typist.py", TYPIST);
    let typed = serde_json::to_string(typed).unwrap();
    let command = env!("CARGO_BIN_EXE_mcp");
    let output = std::process::Command::new("python3")
        .current_dir(desk.path())
        .args(["typist.py", &typed, command])
        .args(arguments)
        .args(["--color", "never", "--", "python3", "-u", "server.py"])
        .output()
        .unwrap();
    desk.is_left_empty();
    output
}

/// Asks for a form or an address in either era, and answers what it was answered.
const ASKING: &str = r#"
import json, sys
FORM = {"message": "Who are you?\x1b[2J", "requestedSchema": {"type": "object", "required": ["name"], "properties": {
    "name": {"type": "string", "title": "Your name"},
    "plan": {"type": "string", "enum": ["free", "paid"], "default": "free"}}}}
URL = {"mode": "url", "message": "Sign in first.", "url": "https://example.com/sign-in", "elicitationId": "1"}
waits = None
def say(**m): print(json.dumps({"jsonrpc": "2.0", **m}))
def text(answer): return {"content": [{"type": "text", "text": json.dumps({k: answer[k] for k in answer if k != "_meta"})}]}
for line in sys.stdin:
    m = json.loads(line)
    if "method" not in m:
        say(id=waits, result=text(m["result"]))
        continue
    if "id" not in m: continue
    method, p = m["method"], m.get("params", {})
    modern = "io.modelcontextprotocol/protocolVersion" in p.get("_meta", {})
    if method == "initialize":
        say(id=m["id"], result={"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
            "serverInfo": {"name": "asking", "version": "1"}})
    elif method == "server/discover":
        say(id=m["id"], result={"resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0,
            "cacheScope": "public", "capabilities": {"tools": {}}})
    elif method == "tools/call":
        question = FORM if p["name"] == "form" else URL
        if not modern:
            waits = m["id"]
            say(id="ask", method="elicitation/create", params=question)
        elif "inputResponses" in p:
            say(id=m["id"], result={"resultType": "complete", **text(p["inputResponses"]["q"])})
        else:
            say(id=m["id"], result={"resultType": "input_required", "requestState": "s",
                "inputRequests": {"q": {"method": "elicitation/create", "params": question}}})
    else:
        say(id=m["id"], error={"code": -32601, "message": "method not found"})
"#;

/// A terminal with somebody at it, who types a line whenever there is a prompt.
const TYPIST: &str = r#"
import json, os, pty, select, signal, sys, time
lines = json.loads(sys.argv[1])
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen, mark, end = b"", 0, time.time() + 20
while time.time() < end:
    try:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            data = os.read(terminal, 65536)
            if not data: break
            seen += data
    except OSError:
        break
    new = seen[mark:]
    if lines and (new.endswith(b"> ") or new.endswith(b"] ")):
        mark = len(seen)
        line = lines.pop(0)
        if line == "SLOW":
            time.sleep(0.8)
            line = lines.pop(0)
        os.write(terminal, b"\x03" if line == "CTRL-C" else line.encode() + b"\n")
else:
    os.kill(pid, signal.SIGKILL)
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
print("status", os.waitstatus_to_exitcode(status))
"#;
