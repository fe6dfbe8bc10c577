//! Servers at URLs: what `check` finds with them, and what the command line says about them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::run::{Desk, Done, assert_harmless, fixture};

/// A server that listens on a port of its own.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    /// Starts a server in Python.
    fn python(script: &str) -> Self {
        Self::start(Command::new("python3").args(["-u", "-c", script]))
    }

    /// Starts the well-behaved server with these eras.
    fn fixture(eras: &str) -> Self {
        Self::start(Command::new(fixture()).args([eras, "http"]))
    }

    /// Starts a server that writes its address in its first line.
    fn start(command: &mut Command) -> Self {
        let command = command.current_dir("/").stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut address).unwrap();
        Self { child, url: format!("http://{}/mcp", address.trim()) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rules(document: &Value) -> Vec<&str> {
    let findings = document["findings"].as_array().unwrap();
    findings.iter().map(|one| one["rule"].as_str().unwrap()).collect()
}

#[test]
fn servers_at_urls_are_called_like_programs() {
    for (eras, version) in [("both", "2026-07-28"), ("legacy", "2025-11-25")] {
        let server = Served::fixture(eras);
        let desk = Desk::new();
        let run = |arguments: &[&str]| desk.run(&[arguments, &[&server.url]].concat());
        assert_eq!(run(&["call", "echo", "message=hello"]).expect(0).out(), "hello\n");
        assert!(run(&["tools"]).expect(0).out().contains("Returns the message."));
        assert!(run(&["call", "fail"]).expect(1).err().starts_with("tool error: there is nothing"));
        let worked = run(&["call", "work", "milliseconds=50", "steps=5"]).expect(0);
        assert_eq!(worked.out(), "worked\n");

        let found = run(&["discover"]).expect(0);
        let line = found.out().lines().next().unwrap();
        assert!(line.starts_with(&format!("fixture 1.0 · MCP {version}")), "{line}");
        assert!(line.contains(" · Streamable HTTP · "), "{line}");
        assert!(
            found.out().contains("the well-known document declares the same"),
            "{}",
            found.out()
        );
        let found = run(&["--json", "discover"]).expect(0).json();
        assert_eq!(found["transport"], "streamable-http");
        assert_eq!(found["profiles"]["wellKnown"]["declared"][0]["profileURL"], GOLD);

        run(&["tools", "--require", GOLD]).expect(0);
        let refused = run(&["tools", "--require", "https://example.com/profiles/none"]).expect(3);
        assert!(refused.err().contains(GOLD), "{}", refused.err());
    }
}

#[test]
fn servers_at_urls_are_named_in_configuration_files() {
    let server = Served::fixture("both");
    let desk = Desk::new();
    let entry = json!({ "url": server.url, "headers": { "X-Studio": "7" } });
    desk.file("mcp.json", &json!({ "mcpServers": { "far": entry } }).to_string());
    assert_eq!(desk.run(&["call", "echo", "message=hello", "far"]).expect(0).out(), "hello\n");
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for eras in ["both", "legacy", "modern"] {
        let server = Served::fixture(eras);
        let document = Desk::new().run(&["check", "--json", &server.url]).expect(0).json();
        assert_eq!(rules(&document), Vec::<&str>::new(), "{eras}: {document:#}");
        let kept: Vec<_> = document["kept"].as_array().unwrap().iter().collect();
        let wanted = match eras {
            "legacy" => ["http-origin", "session-over", "event-id", "http-accepted"],
            _ => ["http-origin", "header-mismatch", "http-status", "well-known"],
        };
        assert!(wanted.iter().all(|rule| kept.iter().any(|one| one == rule)), "{eras}: {kept:?}");
    }
}

#[test]
fn a_careless_server_hears_of_what_http_wants() {
    let server = Served::python(CARELESS);
    let done = Desk::new().run(&["check", "--json", "--timeout", "5s", &server.url]).expect(5);
    let document = done.json();
    let found = rules(&document);
    for rule in [
        "header-mismatch",
        "http-accept",
        "http-accepted",
        "http-no-session",
        "http-origin",
        "http-status",
        "http-stream",
        "http-type",
        "event-id",
        "session-end",
        "session-guessable",
        "session-id",
        "session-required",
        "session-unknown",
        "version-header",
        "well-known",
    ] {
        assert!(found.contains(&rule), "{rule}: {document:#}");
    }
    for rule in ["stdout-noise", "exit-on-eof"] {
        let kept = document["kept"].as_array().unwrap();
        assert!(!found.contains(&rule) && !kept.iter().any(|one| one == rule), "{rule}");
    }
    let text = Desk::new().run(&["check", "--timeout", "5s", &server.url]).expect(5);
    assert!(text.out().contains("error[http-origin]"), "{}", text.out());
    assert_harmless(text.out());
}

#[test]
fn headers_and_token_of_the_command_line_arrive() {
    let server = Served::python(CARELESS);
    let desk = Desk::new();
    let mut command = desk.command(&["check", "--no-calls", "--verbose", &server.url]);
    command.args(["--header", "x-studio: 7"]).env("MCP_BEARER_TOKEN", "t0ken");
    let output = command.output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    // The server tells whom it has seen in its name.
    assert!(out.starts_with("careless for 7, Bearer t0ken 1"), "{out}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("authorization"));
}

#[test]
fn what_is_no_server_is_no_finding() {
    let done = Desk::new().run(&["check", "http://127.0.0.1:1/mcp"]).expect(4);
    assert!(done.err().contains("refused"), "{}", done.err());
}

#[test]
fn what_cannot_be_is_said() {
    let desk = Desk::new();
    desk.file("no.pem", "nothing");
    let url = "https://127.0.0.1:1/mcp";
    for (line, what) in [
        (&["tools", url, "--header", "nothing"][..], "no colon"),
        (&["tools", url, "--header", "Accept: text/html"], "set by the protocol"),
        (
            &["tools", url, "--bearer-token-env", "NO_SUCH_VARIABLE"],
            "`NO_SUCH_VARIABLE` is not set",
        ),
        (&["tools", url, "--env", "A=b"], "--env is for servers that are programs"),
        (&["tools", url, "--root-certificate", "missing.pem"], "missing.pem"),
        (&["tools", url, "--root-certificate", "no.pem"], "no PEM certificate"),
        (&["tools", url, "--client-certificate", "no.pem"], "no key in PEM form"),
        (&["tools", url, "--proxy", "socks5://127.0.0.1:1"], "`socks5`"),
        (&["tools", "https://ada:secret@127.0.0.1/mcp"], "user name or password"),
        (&["tools", "--header", "a: b", "--", "true"], "--header is for servers at URLs"),
    ] {
        let done = desk.run(line).expect(2);
        assert!(done.err().contains(what), "{line:?}: {}", done.err());
        assert!(!done.err().contains("secret"), "{}", done.err());
    }
}

/// What the well-behaved server supports.
const GOLD: &str = "https://example.com/profiles/gold";

/// Answers everybody everything with status 200, in both eras.
#[test]
fn token_is_got_where_the_server_asks_for_one() {
    let server = Served::python(GUARDED);
    let issuer = server.url.trim_end_matches("/mcp");
    let desk = Desk::new();
    let run = |words: &[&str], secret: &str| {
        let mut command = desk.command(&[words, &[&server.url]].concat());
        command.env("MCP_CLIENT_ID", "chips").env("MCP_CLIENT_SECRET", secret);
        Done(command.output().unwrap())
    };
    let client = ["tools", "--authorize", "client", "--issuer", issuer, "--scope", "films:read"];
    assert!(run(&client, "s3cret").expect(0).out().contains("guarded-tool"));
    let refused = run(&client, "wr0ng").expect(4);
    assert!(refused.err().contains("invalid_client"), "{}", refused.err());
    assert!(!refused.err().contains("wr0ng"));
    // Nobody at the authorization server named here gives tokens.
    let elsewhere = ["tools", "--authorize", "client", "--issuer", "https://id.example"];
    run(&elsewhere, "s3cret").expect(4);

    for (words, problem) in [
        (&["tools", "--authorize", "client"] as &[&str], "--issuer"),
        (&["tools", "--scope", "a"], "--authorize"),
        (&["check", "--authorize", "browser"], "--bearer-token-env"),
    ] {
        let refused = run(words, "s3cret").expect(2);
        assert!(refused.err().contains(problem), "{problem}: {}", refused.err());
    }
    let program = desk.run(&["tools", "--authorize", "browser", "--", "no-such-program"]);
    assert!(program.expect(2).err().contains("for servers at URLs"));
}

/// An MCP server and its authorization server.
const GUARDED: &str = r#"
import base64, json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *arguments): pass
    def say(self, body, status=200, challenge=None):
        body = json.dumps(body).encode()
        self.send_response(status)
        if challenge: self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        own = f"http://{self.headers['Host']}"
        if "oauth-protected-resource" in self.path:
            return self.say({"resource": own + "/mcp", "authorization_servers": [own]})
        if "oauth-authorization-server" in self.path:
            return self.say({"issuer": own, "token_endpoint": own + "/token",
                "authorization_endpoint": own + "/authorize", "response_types_supported": ["code"],
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "code_challenge_methods_supported": ["S256"]})
        self.say({}, 404)
    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            form = parse_qs(text.decode())
            known = "Basic " + base64.b64encode(b"chips:s3cret").decode()
            if self.headers["Authorization"] != known: return self.say({"error": "invalid_client"}, 401)
            if form["scope"] != ["films:read"]: return self.say({"error": "invalid_scope"}, 400)
            return self.say({"access_token": "t0ken", "token_type": "Bearer", "expires_in": 60})
        if self.headers["Authorization"] != "Bearer t0ken": return self.say({}, 401, "Bearer")
        m = json.loads(text)
        def result(**r): self.say({"jsonrpc": "2.0", "id": m["id"], "result": r})
        hints = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        if m["method"] == "server/discover":
            result(supportedVersions=["2026-07-28"], capabilities={"tools": {}}, **hints)
        else:
            result(tools=[{"name": "guarded-tool", "inputSchema": {"type": "object"}}], **hints)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("127.0.0.1:%d" % server.server_port)
server.serve_forever()
"#;

const CARELESS: &str = r#"
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *arguments): pass
    def say(self, body, kind="application/json", status=200, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Mcp-Session-Id", "1")
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if "well-known" in self.path: return self.say([{"profileURL": "http://wrong"}])
        self.say(b"<h1>hello</h1>", "text/html")
    def do_DELETE(self): self.say(b"", status=500)
    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"]))
        try: m = json.loads(text)
        except ValueError: return self.say({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "?"}})
        if not isinstance(m, dict) or "id" not in m: return self.say({})
        method, id, p = m.get("method"), m["id"], m.get("params", {})
        seen = f"careless for {self.headers['X-Studio']}, {self.headers['Authorization']}"
        info = {"name": seen, "version": "1"}
        def result(**r): self.say({"jsonrpc": "2.0", "id": id, "result": r})
        def event(r): return f"id: same\ndata: {json.dumps(r)}\n\n".encode()
        if method == "initialize":
            result(protocolVersion=p["protocolVersion"], capabilities={"tools": {}}, serverInfo=info)
        elif method == "server/discover":
            result(resultType="complete", supportedVersions=["2026-07-28"], capabilities={"tools": {}}, ttlMs=0,
                   cacheScope="private", _meta={"io.modelcontextprotocol/serverInfo": info})
        elif method == "ping":
            answer = {"jsonrpc": "2.0", "id": id, "result": {}}
            self.say(event({"jsonrpc": "2.0", "method": "notifications/x"}) + event(answer), "text/event-stream")
        elif method == "tools/list":
            self.say(json.dumps({"jsonrpc": "2.0", "id": id, "result": {"tools": []}}).encode(), "text/plain")
        else:
            self.say({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "?"}})
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"127.0.0.1:{server.server_port}")
server.serve_forever()
"#;
