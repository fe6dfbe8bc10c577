//! What a hostile client sends that has nothing to do with what a server offers.

use mcp_core::version::Era;
use serde_json::{Value, json};

use super::{Case, Expected};
use crate::message::{modern, notification, request};

/// Bytes that are no lines of JSON, JSON that is no JSON-RPC, messages that fit no method, and
/// messages at the wrong time; each for an open connection, where nothing else is in flight.
///
/// The limits are the defaults of [`Limits`](mcp_core::Limits).
pub fn lines() -> Vec<Case> {
    let mut cases = framing();
    cases.extend(envelopes());
    cases.extend(methods());
    cases.extend(items());
    cases.extend(notifications());
    cases.extend(legacy());
    cases.extend(described());
    cases.extend(floods());
    cases
}

const PARSE_ERROR: Expected = Expected::Refused(&[-32700]);
const INVALID_REQUEST: Expected = Expected::Refused(&[-32600]);
const METHOD_NOT_FOUND: Expected = Expected::Refused(&[-32601]);
const INVALID_PARAMS: Expected = Expected::Refused(&[-32602]);
/// As a server has what is asked for, or not.
const NO_SUCH_CALL: Expected = Expected::Refused(&[-32602, -32601]);
const IGNORED: Expected = Expected::Ignored;

fn framing() -> Vec<Case> {
    let ping = request(1, "ping", json!({})).to_string();
    let deep = |levels: usize| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"deep":{}{}}}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    let in_text = |bytes: &[u8]| {
        let before = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":""#;
        [&before[..], bytes, b"\"}}\n"].concat()
    };
    let wide: Vec<u8> = format!("{ping}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut wide = wide;
    // What is left of it is a zero byte, which the end of a line ends.
    wide.push(b'\n');
    vec![
        line("an empty line", "", IGNORED),
        line("lines without anything", "\r\n\n \t \n\r\r", IGNORED),
        line("no JSON", "nonsense", PARSE_ERROR),
        line("JSON that ends early", "{\"jsonrpc\":\"2.0\",\"id\":1,", PARSE_ERROR),
        line("JSON that goes on", "{}}", PARSE_ERROR),
        line("two messages on a line", &format!("{ping}{ping}"), PARSE_ERROR),
        line("a NUL", "\0", PARSE_ERROR),
        line("a byte order mark", &format!("\u{feff}{ping}"), PARSE_ERROR),
        line("headers of another protocol", "Content-Length: 52\r\n\r", PARSE_ERROR),
        line("an HTTP request", "POST /mcp HTTP/1.1", PARSE_ERROR),
        line("10,000 levels of nesting", &deep(10_000), PARSE_ERROR),
        line("100,000 levels that never close", &"[".repeat(100_000), PARSE_ERROR),
        line("100,000 objects that never close", &"{\"a\":".repeat(100_000), PARSE_ERROR),
        bytes("UTF-16", wide, Expected::Survived),
        bytes("a stray byte in a text", in_text(b"\xff"), PARSE_ERROR),
        bytes("half a character", in_text(b"\xc3"), PARSE_ERROR),
        bytes("a surrogate in UTF-8", in_text(b"\xed\xa0\x80"), PARSE_ERROR),
        bytes("an overlong NUL", in_text(b"\xc0\x80"), PARSE_ERROR),
        bytes("a character beyond Unicode", in_text(b"\xf4\x90\x80\x80"), PARSE_ERROR),
        bytes("random bytes", noise(4096), Expected::Survived),
        line(
            "a number with a million digits",
            &"9".repeat(1_000_000),
            Expected::Refused(&[-32600, -32700]),
        ),
        line(
            "a line of 17 MiB",
            &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{}"}}"#, "m".repeat(17 << 20)),
            Expected::Refused(&[-32600, -32601]),
        ),
    ]
}

fn envelopes() -> Vec<Case> {
    let ping = |id: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
    let mut cases: Vec<Case> = ["7", "\"text\"", "null", "true", "1.5", "{}"]
        .into_iter()
        .map(|value| line(&format!("the value {value}"), value, INVALID_REQUEST))
        .collect();
    let ids = ["null", "1.5", "[1]", "{}", "true", "9223372036854775808", "1e40"];
    cases.extend(
        ids.iter().map(|id| line(&format!("an id that is {id}"), &ping(id), INVALID_REQUEST)),
    );
    for version in ["\"1.0\"", "2.0", "null", "[]"] {
        let text = format!(r#"{{"jsonrpc":{version},"id":1,"method":"ping"}}"#);
        cases.push(line(&format!("JSON-RPC version {version}"), &text, INVALID_REQUEST));
    }
    for method in ["7", "null", "[]", "{}"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":{method}}}"#);
        cases.push(line(&format!("a method that is {method}"), &text, INVALID_REQUEST));
    }
    let both = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "result": {} });
    let strange = json!({ "jsonrpc": "2.0", "id": "not asked", "result": {} });
    let failed = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": 1, "message": "x" } });
    let broken = json!({ "jsonrpc": "2.0", "id": [], "error": 7 });
    cases.extend([
        line("no JSON-RPC version", r#"{"id":1,"method":"ping"}"#, INVALID_REQUEST),
        line(
            "a member twice",
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#,
            INVALID_REQUEST,
        ),
        message("request and response at once", both, INVALID_REQUEST),
        message("a result that nobody asked for", strange, IGNORED),
        message("an error that nobody asked for", failed, IGNORED),
        message("a broken response", broken, IGNORED),
    ]);
    cases
}

fn methods() -> Vec<Case> {
    let mut cases = Vec::new();
    for params in ["[]", "[1,2]", "\"name\"", "7"] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        cases.push(line(&format!("params that are {params}"), &text, NO_SUCH_CALL));
    }
    let unknown = ["tools/remove", "", "TOOLS/LIST", "tools/list ", "rpc.discover", "__proto__"];
    for method in unknown.map(str::to_owned).into_iter().chain(["m".repeat(100_000)]) {
        let shown: String = method.chars().take(20).collect();
        let what = format!("the unknown method {shown:?}");
        cases.extend(both(&what, request(1, &method, json!({})), METHOD_NOT_FOUND));
    }
    let tools = ["", "no such tool", "../../etc/passwd", "\0", "\u{202e}"];
    for tool in tools.map(str::to_owned).into_iter().chain(["t".repeat(100_000)]) {
        let shown: String = tool.chars().take(20).collect();
        let what = format!("the unknown tool {shown:?}");
        let call = request(1, "tools/call", json!({ "name": tool, "arguments": {} }));
        cases.extend(both(&what, call, NO_SUCH_CALL));
    }
    for name in [json!(7), json!(null), json!(["x"]), json!({})] {
        let what = format!("a tool's name that is {name}");
        cases.extend(both(&what, request(1, "tools/call", json!({ "name": name })), NO_SUCH_CALL));
    }
    cases.extend(both("a call without a name", request(1, "tools/call", json!({})), NO_SUCH_CALL));
    for cursor in [json!("no such page"), json!(7), json!({}), json!("x".repeat(100_000))] {
        let shown: String = cursor.to_string().chars().take(20).collect();
        let list = request(1, "tools/list", json!({ "cursor": cursor }));
        cases.extend(both(&format!("the cursor {shown}"), list, NO_SUCH_CALL));
    }
    let surrogate = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud800"}}"#;
    cases.push(line("half a surrogate pair", surrogate, NO_SUCH_CALL));
    cases
}

/// Requests for resources, prompts and completions, whether a server has any or not.
fn items() -> Vec<Case> {
    let mut cases = Vec::new();
    // What a template matches is read: an answer is as good as a refusal.
    for uri in [
        "",
        "no URI",
        "file:///../../../../etc/passwd",
        "file:///%2e%2e/%2e%2e/etc/passwd",
        "file:///etc/passwd\0.txt",
        "http://127.0.0.1:22/",
        "x://%zz/%",
        "x://\u{202e}/\u{1b}[2J",
    ] {
        let read = request(1, "resources/read", json!({ "uri": uri }));
        cases.extend(both(&format!("the resource {uri:?}"), read, Expected::Answered));
    }
    let long =
        request(1, "resources/read", json!({ "uri": format!("x://{}", "a/".repeat(50_000)) }));
    cases.extend(both("a resource with a long name", long, Expected::Answered));
    for uri in [json!(null), json!(7), json!([]), json!({})] {
        for method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
            let what = format!("`{method}` of {uri}");
            cases.extend(both(&what, request(1, method, json!({ "uri": uri })), NO_SUCH_CALL));
        }
    }
    for name in [json!("no such prompt"), json!(""), json!(null), json!(7), json!(["x"])] {
        let what = format!("the prompt {name}");
        let prompt = request(1, "prompts/get", json!({ "name": name, "arguments": {} }));
        cases.extend(both(&what, prompt, NO_SUCH_CALL));
    }
    for method in ["resources/list", "resources/templates/list", "prompts/list"] {
        for cursor in [json!("no such page"), json!(7)] {
            let what = format!("`{method}` from the cursor {cursor}");
            cases.extend(both(
                &what,
                request(1, method, json!({ "cursor": cursor })),
                NO_SUCH_CALL,
            ));
        }
    }
    let unknown = json!({ "type": "ref/prompt", "name": "no such prompt" });
    for (what, reference) in [
        ("nothing", json!(null)),
        ("a number", json!(7)),
        ("an object without a type", json!({})),
        ("an unknown type", json!({ "type": "ref/nope", "name": "x" })),
        ("an unknown prompt", unknown),
    ] {
        let params = json!({ "ref": reference, "argument": { "name": "x", "value": "y" } });
        let complete = request(1, "completion/complete", params);
        cases.extend(both(&format!("a completion for {what}"), complete, NO_SUCH_CALL));
    }
    for level in [json!("loud"), json!(7), json!(null)] {
        let what = format!("the logging level {level}");
        let set = request(1, "logging/setLevel", json!({ "level": level }));
        cases.extend(both(&what, set, NO_SUCH_CALL));
    }
    cases
}

fn notifications() -> Vec<Case> {
    let mut cases = vec![
        message("an unknown notification", notification("notifications/nope", json!({})), IGNORED),
        message("a request without an id", notification("tools/call", json!({})), IGNORED),
        message("a notification without a name", notification("", json!({})), IGNORED),
        line(
            "a notification without a version",
            r#"{"method":"notifications/initialized"}"#,
            IGNORED,
        ),
    ];
    for params in [
        json!({}),
        json!([]),
        json!({ "requestId": null }),
        json!({ "requestId": 1.5 }),
        json!({ "requestId": "unknown" }),
        json!({ "requestId": { "id": 1 } }),
        json!({ "requestId": 1, "reason": 7 }),
    ] {
        let what = format!("a cancellation with {params}");
        cases.push(message(&what, notification("notifications/cancelled", params), IGNORED));
    }
    let progress = json!({ "progressToken": [], "progress": "fast" });
    cases.push(message(
        "broken progress",
        notification("notifications/progress", progress),
        IGNORED,
    ));
    cases
}

/// What makes no sense in a legacy session (2025-11-25, basic/lifecycle).
fn legacy() -> Vec<Case> {
    let cases = vec![
        message("a second `initialize`", request(1, "initialize", json!({})), INVALID_REQUEST),
        message(
            "an unfinished `initialize`",
            request(1, "initialize", json!(null)),
            Expected::Refused(&[-32600, -32602]),
        ),
        line("an empty batch", "[]", INVALID_REQUEST),
        line("a batch", &json!([request(1, "ping", json!({}))]).to_string(), INVALID_REQUEST),
        message(
            "`initialized` once more",
            notification("notifications/initialized", json!({})),
            IGNORED,
        ),
    ];
    cases.into_iter().map(|case| Case { era: Some(Era::Legacy), ..case }).collect()
}

/// Requests that fail to describe themselves (2026-07-28, basic/index, "Request Metadata").
fn described() -> Vec<Case> {
    let version = "io.modelcontextprotocol/protocolVersion";
    let capabilities = "io.modelcontextprotocol/clientCapabilities";
    let call = |meta: Value| {
        request(1, "tools/call", json!({ "name": "no such tool", "arguments": {}, "_meta": meta }))
    };
    let now = "2026-07-28";
    let cases = vec![
        message("a `_meta` that is a number", call(json!(7)), INVALID_PARAMS),
        message("a `_meta` without anything", call(json!({})), INVALID_PARAMS),
        message("no capabilities", call(json!({ version: now })), INVALID_PARAMS),
        message(
            "capabilities that are a list",
            call(json!({ version: now, capabilities: [] })),
            INVALID_PARAMS,
        ),
        message(
            "a version that is a number",
            call(json!({ version: 7, capabilities: {} })),
            INVALID_PARAMS,
        ),
        message(
            "an unknown version",
            call(json!({ version: "2999-01-01", capabilities: {} })),
            Expected::Refused(&[-32022]),
        ),
        message(
            "a progress token that is a list",
            call(json!({ version: now, capabilities: {}, "progressToken": [] })),
            INVALID_PARAMS,
        ),
        line("an empty batch", "[]", INVALID_REQUEST),
    ];
    cases.into_iter().map(|case| Case { era: Some(Era::Modern), ..case }).collect()
}

fn floods() -> Vec<Case> {
    let cancel = notification("notifications/cancelled", json!({ "requestId": "unknown" }));
    let cancelled = format!("{cancel}\n").repeat(5_000);
    let ping = request(1, "ping", json!({}));
    let pings: String =
        (0..5_000).map(|id| format!("{}\n", request(id, "ping", json!({})))).collect();
    vec![
        bytes("5,000 notifications at once", cancelled.into_bytes(), IGNORED),
        bytes("5,000 requests at once", pings.into_bytes(), Expected::Survived),
        bytes("10,000 empty lines", "\n".repeat(10_000).into_bytes(), IGNORED),
        bytes(
            "one id 1,000 times",
            format!("{ping}\n").repeat(1_000).into_bytes(),
            Expected::Survived,
        ),
    ]
}

/// The same on connections of both eras, each in its form.
fn both(name: &str, text: Value, expected: Expected) -> [Case; 2] {
    let described = modern(text.clone());
    let legacy = Case { era: Some(Era::Legacy), ..message(name, text, expected.clone()) };
    [legacy, Case { era: Some(Era::Modern), ..message(name, described, expected) }]
}

#[expect(clippy::needless_pass_by_value, reason = "a message is written where it is listed")]
fn message(name: &str, text: Value, expected: Expected) -> Case {
    line(name, &text.to_string(), expected)
}

fn line(name: &str, text: &str, expected: Expected) -> Case {
    bytes(name, format!("{text}\n").into_bytes(), expected)
}

fn bytes(name: &str, bytes: Vec<u8>, expected: Expected) -> Case {
    Case { name: name.to_owned(), bytes, era: None, expected }
}

/// The same bytes every time, that look like none in particular; the last ends a line.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes: Vec<u8> = (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect();
    bytes.push(b'\n');
    bytes
}
