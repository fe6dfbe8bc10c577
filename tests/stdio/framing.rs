//! Bytes that are no lines of JSON, and lines that are too much.

use serde_json::json;

use crate::conversation::{
    LEGACY, assert_goes_on, assert_refused, call, ignored, legacy, ping, refused, request, silent,
    text,
};

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;

/// `Limits::nesting` and `Limits::line_bytes` as they are by default.
const NESTING: usize = 64;
const LINE_BYTES: usize = 16 * 1024 * 1024;

#[test]
fn malformed_json_is_a_parse_error_without_an_id() {
    for line in ["{", "nonsense", r#"{"jsonrpc":"2.0","id":1,"method":"ping""#, "{}}", "\u{0}"] {
        refused(line, None, PARSE_ERROR, "parse error");
    }
}

#[test]
fn two_messages_on_a_line_are_a_parse_error() {
    refused(format!("{}{}", ping(1), ping(2)), None, PARSE_ERROR, "trailing characters");
}

#[test]
fn a_message_over_two_lines_is_two_that_are_refused() {
    let mut pipe = legacy(LEGACY);
    pipe.send("{\"jsonrpc\":\"2.0\",\"id\":1,\n\"method\":\"ping\"}");
    assert_refused(&pipe.next(), None, PARSE_ERROR, "parse error");
    assert_refused(&pipe.next(), None, INVALID_REQUEST, "must be an object, not a string");
    assert_goes_on(&mut pipe);
}

#[test]
fn empty_lines_are_skipped() {
    for blank in ["", "\n\n\n", "\r\n", " \t ", "\r\r"] {
        ignored(blank);
    }
}

#[test]
fn lines_may_end_with_carriage_return_and_line_feed() {
    let mut pipe = silent();
    pipe.send_bytes(format!("{}\r\n{}\r\n", ping(1), ping(2)));
    assert_eq!(pipe.next(), json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    assert_eq!(pipe.next(), json!({ "jsonrpc": "2.0", "id": 2, "result": {} }));
}

#[test]
fn a_message_may_arrive_byte_by_byte() {
    let mut pipe = legacy(LEGACY);
    for byte in format!("{}\n", ping("in pieces")).bytes() {
        pipe.send_bytes([byte]);
    }
    assert_eq!(pipe.next()["id"], "in pieces");
    assert_goes_on(&mut pipe);
}

#[test]
fn the_last_line_may_lack_its_end() {
    let mut pipe = silent();
    pipe.send_bytes(ping("last").to_string());
    let ended = pipe.end().quietly();
    assert_eq!(ended.rest, [json!({ "jsonrpc": "2.0", "id": "last", "result": {} })]);
}

#[test]
fn ten_thousand_levels_of_nesting_are_refused() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"deep":{deep}}}}}"#);
    refused(line, None, PARSE_ERROR, "nests deeper than 64 levels");
}

#[test]
fn ten_thousand_levels_that_never_close_are_refused() {
    refused("[".repeat(10_000), None, PARSE_ERROR, "nests deeper than 64 levels");
    refused(r#"{"a":"#.repeat(10_000), None, PARSE_ERROR, "nests deeper than 64 levels");
}

#[test]
fn nesting_is_allowed_up_to_its_limit_and_not_above() {
    let nested = |levels: usize| {
        // Two levels are the message's own: the envelope and `params`.
        let deep = format!("{}{}", "[".repeat(levels - 2), "]".repeat(levels - 2));
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{"deep":{deep}}}}}"#)
    };
    let mut pipe = legacy(LEGACY);
    pipe.send(nested(NESTING));
    assert_eq!(pipe.next(), json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    pipe.send(nested(NESTING + 1));
    assert_refused(&pipe.next(), None, PARSE_ERROR, "nests deeper than 64 levels");
    assert_goes_on(&mut pipe);
}

#[test]
fn nesting_at_the_limit_reaches_a_handler() {
    let levels = NESTING - 3;
    let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let arguments = format!(r#"{{"message":"deep","other":{deep}}}"#);
    let mut pipe = legacy(LEGACY);
    pipe.send(format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","arguments":{arguments}}}}}"#
    ));
    assert_eq!(text(&pipe.next()), "deep");
}

#[test]
fn brackets_in_a_string_are_not_nesting() {
    let mut pipe = legacy(LEGACY);
    let message = "[{".repeat(1000);
    pipe.send(call(1, "echo", json!({ "message": message })));
    assert_eq!(text(&pipe.next()), message);
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_over_the_limit_is_refused_with_bounded_memory() {
    let mut pipe = legacy(LEGACY);
    assert_goes_on(&mut pipe);
    let before = pipe.peak_memory();
    let message = "x".repeat(LINE_BYTES + 1024 * 1024);
    pipe.send(call(1, "echo", json!({ "message": message })));
    assert_refused(&pipe.next(), None, INVALID_REQUEST, "longer than 16777216 bytes");
    assert_goes_on(&mut pipe);
    let grown = pipe.peak_memory() - before;
    assert!(grown < LINE_BYTES as u64 + 4 * 1024 * 1024, "{grown} bytes");
    assert!(pipe.end().quietly().rest.is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_line_without_end_is_refused_once_and_takes_no_more_memory() {
    let mut pipe = legacy(LEGACY);
    let portion = vec![b'x'; 8 * 1024 * 1024];
    for _ in 0..12 {
        pipe.send_bytes(portion.clone());
    }
    assert_refused(&pipe.next(), None, INVALID_REQUEST, "longer than 16777216 bytes");
    pipe.send("");
    assert_goes_on(&mut pipe);
    let peak = pipe.peak_memory();
    assert!(peak < 2 * LINE_BYTES as u64, "{peak} bytes");
}

#[test]
fn five_megabytes_are_echoed() {
    let message: String = "0123456789\"\\\u{7}ü€𝄞".chars().cycle().take(3_800_000).collect();
    assert!((5_000_000..8_000_000).contains(&message.len()), "{} bytes", message.len());
    let mut pipe = legacy(LEGACY);
    pipe.send(call(1, "echo", json!({ "message": message })));
    assert!(text(&pipe.next()) == message, "the text differs");
    assert_goes_on(&mut pipe);
}

#[test]
fn invalid_utf8_is_a_parse_error_that_says_where() {
    let valid = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":""#;
    for wrong in [&b"\xff"[..], b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\x80"] {
        let mut pipe = legacy(LEGACY);
        let line = [valid, wrong, b"\"}}}\n"].concat();
        pipe.send_bytes(line);
        let says = format!("not valid UTF-8 at byte {}", valid.len());
        assert_refused(&pipe.next(), None, PARSE_ERROR, &says);
        assert_goes_on(&mut pipe);
    }
}

#[test]
fn lone_surrogates_in_escapes_are_refused_with_the_id() {
    let line = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud800"}}"#;
    refused(line, Some(json!(1)), -32602, "`name`");
}

#[test]
fn a_byte_order_mark_is_a_parse_error() {
    refused(format!("\u{feff}{}", ping(1)), None, PARSE_ERROR, "parse error");
}

#[test]
fn utf16_is_refused() {
    let mut pipe = legacy(LEGACY);
    let text = format!("{}\n", request(1, "ping", json!({})));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    pipe.send_bytes(wide);
    assert_refused(&pipe.next(), None, PARSE_ERROR, "parse error");
    // Its last line feed was followed by a zero byte, which belongs to the next line.
    pipe.send("");
    assert_refused(&pipe.next(), None, PARSE_ERROR, "parse error");
    assert_goes_on(&mut pipe);
}
