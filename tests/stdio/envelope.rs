//! JSON that is no JSON-RPC message, and messages that fit no method.

use serde_json::{Value, json};

use crate::conversation::{
    LEGACY, assert_goes_on, assert_refused, call, error_text, ignored, legacy, ping, refused,
    request, text,
};

const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;

#[test]
fn a_value_that_is_no_object_is_an_invalid_request() {
    for (line, kind) in [("7", "number"), ("\"x\"", "string"), ("null", "null"), ("true", "boolean")]
    {
        refused(line, None, INVALID_REQUEST, kind);
    }
}

#[test]
fn an_empty_object_is_an_invalid_request() {
    refused("{}", None, INVALID_REQUEST, "`jsonrpc`");
}

#[test]
fn an_id_must_be_a_string_or_an_integer() {
    let ids = ["null", "1.5", "[1]", "{}", "true", "9223372036854775808", "1e40", "-9e99"];
    for id in ids {
        let line = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        refused(line, None, INVALID_REQUEST, "`id` must be a string or an integer");
    }
}

#[test]
fn an_id_comes_back_as_it_was_sent() {
    let mut pipe = legacy(LEGACY);
    let ids = [json!(0), json!(-1), json!(i64::MAX), json!(i64::MIN), json!(""), json!("ü\n\"7")];
    for id in ids {
        pipe.send(ping(id.clone()));
        assert_eq!(pipe.next(), json!({ "jsonrpc": "2.0", "id": id, "result": {} }));
    }
}

#[test]
fn an_id_in_flight_must_not_be_used_again() {
    let mut pipe = legacy(LEGACY);
    pipe.send(call(1, "slow", json!({ "ms": 3_600_000 })));
    pipe.send(call(1, "echo", json!({ "message": "twice" })));
    assert_refused(&pipe.next(), Some(json!(1)), INVALID_REQUEST, "in flight");
    assert_goes_on(&mut pipe);
    // A string is another id, and an id is free again once it was cancelled.
    pipe.send(call("1", "echo", json!({ "message": "a string" })));
    assert_eq!(text(&pipe.next()), "a string");
    pipe.send(crate::conversation::cancel(1));
    pipe.send(call(1, "echo", json!({ "message": "free" })));
    assert_eq!(text(&pipe.next()), "free");
}

#[test]
fn the_version_of_json_rpc_must_be_there_and_right() {
    refused(r#"{"id":1,"method":"ping"}"#, Some(json!(1)), INVALID_REQUEST, "`jsonrpc` must be");
    for version in ["\"1.0\"", "2.0", "2", "null", "\"2\""] {
        let line = format!(r#"{{"jsonrpc":{version},"id":1,"method":"ping"}}"#);
        refused(line, Some(json!(1)), INVALID_REQUEST, "`jsonrpc` must be \"2.0\"");
    }
}

#[test]
fn a_malformed_notification_gets_no_answer() {
    ignored(r#"{"method":"notifications/initialized"}"#);
    ignored(r#"{"jsonrpc":"1.0","method":"notifications/cancelled","params":{"requestId":1}}"#);
    ignored(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":[1]}"#);
}

#[test]
fn a_member_must_not_stand_twice() {
    let line = r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}"#;
    refused(line, Some(json!(1)), INVALID_REQUEST, "`method` stands in the message twice");
    let line = r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#;
    let mut pipe = legacy(LEGACY);
    pipe.send(line);
    let answer = pipe.next();
    assert_eq!(answer["error"]["code"], INVALID_REQUEST, "{answer}");
    assert_goes_on(&mut pipe);
}

#[test]
fn positional_params_are_invalid_params() {
    for params in ["[]", "[1,2]", "\"name\"", "7"] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        refused(line, Some(json!(1)), INVALID_PARAMS, "`params`");
    }
}

#[test]
fn a_method_must_be_a_string() {
    for method in ["7", "null", "[]", "{}"] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":{method}}}"#);
        refused(line, Some(json!(1)), INVALID_REQUEST, "`method` must be a string");
    }
}

#[test]
fn an_unknown_method_is_not_found_by_its_name() {
    for method in ["tools/remove", "", "TOOLS/LIST", "resources/list", "server/discover"] {
        refused(
            request(1, method, json!({})),
            Some(json!(1)),
            METHOD_NOT_FOUND,
            &format!("method not found: {method}"),
        );
    }
}

#[test]
fn a_long_method_name_is_not_repeated_at_length() {
    let mut pipe = legacy(LEGACY);
    pipe.send(request(1, &"m".repeat(100_000), json!({})));
    let answer = pipe.next();
    assert_refused(&answer, Some(json!(1)), METHOD_NOT_FOUND, "mmm…");
    assert!(answer.to_string().len() < 400);
    pipe.send(call(2, &"t".repeat(100_000), json!({})));
    let answer = pipe.next();
    assert_refused(&answer, Some(json!(2)), INVALID_PARAMS, "ttt…");
    assert!(answer.to_string().len() < 400);
}

#[test]
fn an_unknown_tool_is_a_protocol_error() {
    refused(call(1, "nope", json!({})), Some(json!(1)), INVALID_PARAMS, "unknown tool: nope");
}

#[test]
fn a_tool_call_without_a_name_is_invalid_params_never_an_unknown_method() {
    for params in [json!({}), json!({ "arguments": {} })] {
        let line = request(1, "tools/call", params);
        refused(line, Some(json!(1)), INVALID_PARAMS, "`name` is missing");
    }
    let without = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call" });
    refused(without, Some(json!(1)), INVALID_PARAMS, "`name` is missing");
    for name in [json!(7), json!(null), json!(["echo"])] {
        let line = request(1, "tools/call", json!({ "name": name }));
        refused(line, Some(json!(1)), INVALID_PARAMS, "`name`");
    }
}

#[test]
fn arguments_that_are_no_object_are_invalid_params() {
    for arguments in [json!([]), json!("x"), json!(7), json!(true)] {
        let line = call(1, "echo", arguments);
        refused(line, Some(json!(1)), INVALID_PARAMS, "`arguments` must be an object");
    }
}

#[test]
fn an_argument_of_the_wrong_type_is_a_tool_error_that_names_it() {
    let wrong: [(&str, Value, &str); 5] = [
        ("echo", json!({ "message": 7 }), "argument `message`: invalid value 7"),
        ("echo", json!({ "message": null }), "argument `message`"),
        ("echo", json!({ "massage": "x" }), "argument `message` is missing (`massage` is not"),
        ("add", json!({ "a": "one", "b": 2 }), "argument `a`: invalid value \"one\""),
        ("slow", json!({ "ms": -1 }), "argument `ms`: invalid value -1"),
    ];
    let mut pipe = legacy(LEGACY);
    for (tool, arguments, says) in wrong {
        pipe.send(call(1, tool, arguments));
        let answer = pipe.next();
        assert!(error_text(&answer).contains(says), "{answer} does not say {says}");
        assert_goes_on(&mut pipe);
    }
}

#[test]
fn an_argument_that_stands_twice_is_refused() {
    let mut pipe = legacy(LEGACY);
    pipe.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"a","message":"b"}}}"#);
    assert!(error_text(&pipe.next()).contains("message"));
    assert_goes_on(&mut pipe);
}

#[test]
fn responses_that_nobody_asked_for_are_ignored() {
    ignored(json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    ignored(json!({ "jsonrpc": "2.0", "id": "goes on", "error": { "code": 1, "message": "x" } }));
    ignored(json!({ "jsonrpc": "2.0", "id": null, "error": { "code": 1, "message": "x" } }));
    ignored(json!({ "jsonrpc": "2.0", "id": 1, "result": 7 }));
    ignored(json!({ "jsonrpc": "2.0", "id": [], "error": 7 }));
}

#[test]
fn a_message_that_is_request_and_response_at_once_is_refused() {
    let line = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "result": {} });
    refused(line, Some(json!(1)), INVALID_REQUEST, "only one of");
}

#[test]
fn unknown_members_are_ignored() {
    let mut pipe = legacy(LEGACY);
    let mut line = ping(1);
    line["extra"] = json!({ "deep": [1, 2, { "id": 7 }] });
    line["params"]["extra"] = json!(null);
    pipe.send(line);
    assert_eq!(pipe.next(), json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
}

#[test]
fn escapes_in_names_mean_the_same() {
    let mut pipe = legacy(LEGACY);
    pipe.send(r#"{"jsonrpc":"2.0","\u0069d":1,"method":"tools\/call","p\u0061rams":{"n\u0061me":"\u0065cho","arguments":{"m\u0065ssage":"same"}}}"#);
    assert_eq!(text(&pipe.next()), "same");
}
