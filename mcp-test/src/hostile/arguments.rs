//! Arguments that no tool should be given.

use mcp_core::version::Era;
use serde_json::{Value, json};

use super::{Case, Expected};
use crate::message;

/// Calls of a tool that its schema forbids. A library that checks lets none of them reach it.
pub(super) fn forbidden(tool: &Value, era: Era) -> Vec<Case> {
    let name = tool["name"].as_str().unwrap_or_default();
    let schema = &tool["inputSchema"];
    let mut cases: Vec<Case> = [json!([]), json!("text"), json!(7), json!(true)]
        .into_iter()
        .map(|arguments| {
            let what = format!("`{name}` with arguments that are no object: {arguments}");
            case(what, name, &arguments, era, Expected::Refused(&[-32602]))
        })
        .collect();
    if schema["required"].as_array().is_some_and(|required| !required.is_empty()) {
        let what = format!("`{name}` without arguments");
        cases.push(case(what, name, &json!({}), era, Expected::Failed));
    }
    for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
        let wrong = match schema["type"].as_str() {
            Some("string") => json!([7]),
            Some("integer" | "number" | "boolean" | "object") => json!(["text"]),
            Some("array") => json!({ "text": 7 }),
            // What may be anything cannot be wrong.
            _ => continue,
        };
        let what = format!("`{name}` with `{property}` of the wrong type");
        cases.push(case(what, name, &json!({ property: wrong }), era, Expected::Failed));
    }
    cases
}

/// Calls of a tool with one value at a time replaced by a nasty one.
pub(super) fn nasty(tool: &str, valid: &Value, era: Era) -> Vec<Case> {
    let mut cases = Vec::new();
    for path in leaves(valid, String::new()) {
        let values = match valid.pointer(&path) {
            Some(Value::String(_)) => nasty_texts(),
            Some(Value::Number(_)) => nasty_numbers(),
            _ => continue,
        };
        for (what, value) in values {
            let mut arguments = valid.clone();
            if let Some(place) = arguments.pointer_mut(&path) {
                *place = value;
            }
            let what = format!("`{tool}` with {what} at `{path}`");
            cases.push(case(what, tool, &arguments, era, Expected::Answered));
        }
    }
    cases
}

fn case(name: String, tool: &str, arguments: &Value, era: Era, expected: Expected) -> Case {
    let params = json!({ "name": tool, "arguments": arguments });
    let mut call = message::request(1, "tools/call", params);
    if era == Era::Modern {
        call = message::modern(call);
    }
    Case { name, bytes: format!("{call}\n").into_bytes(), era: Some(era), expected }
}

/// The JSON pointers to all values that hold no others.
fn leaves(value: &Value, path: String) -> Vec<String> {
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| leaves(value, format!("{path}/{}", escaped(name))))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(at, value)| leaves(value, format!("{path}/{at}")))
            .collect(),
        _ => vec![path],
    }
}

fn nasty_texts() -> Vec<(&'static str, Value)> {
    vec![
        ("nothing", json!("")),
        ("white space", json!(" \t\r\n ")),
        ("a NUL", json!("a\0b")),
        ("control characters", json!("\u{1b}[2J\u{7}\u{8}\u{7f}\u{9b}")),
        ("the other reading direction", json!("\u{202e}gnp.exe")),
        ("characters beyond the first plane", json!("𝄞👩‍👩‍👧‍👦")),
        ("combining characters", json!("z\u{300}\u{301}\u{302}\u{303}".repeat(100))),
        ("a way out of the folder", json!("../../../../../../etc/passwd")),
        ("an encoded way out", json!("..%2f..%2f..%2fetc%2fpasswd")),
        ("a way out on another system", json!("..\\..\\..\\windows\\win.ini")),
        ("an absolute path", json!("/dev/zero")),
        ("a URL of a file", json!("file:///etc/passwd")),
        ("a URL of this machine", json!("http://127.0.0.1:22/")),
        ("a query", json!("' OR 1=1; DROP TABLE users; --")),
        ("a command", json!("$(reboot); `reboot`; | reboot")),
        ("a format", json!("%s%n{}{0}${jndi:ldap://x}")),
        ("markup", json!("<script>alert(1)</script><!ENTITY a \"&a;\">")),
        ("a word that means nothing", json!("null")),
        ("a number", json!("-1e999")),
        ("a megabyte", json!("x".repeat(1024 * 1024))),
        ("a slow match", json!("a".repeat(5_000) + "!")),
    ]
}

fn nasty_numbers() -> Vec<(&'static str, Value)> {
    vec![
        ("zero", json!(0)),
        ("minus zero", json!(-0.0)),
        ("minus one", json!(-1)),
        ("half", json!(0.5)),
        ("the largest u64", json!(u64::MAX)),
        ("the largest i64", json!(i64::MAX)),
        ("the smallest i64", json!(i64::MIN)),
        ("more than 2^53", json!(9_007_199_254_740_993_u64)),
        ("the largest double", json!(f64::MAX)),
        ("the smallest double", json!(f64::MIN_POSITIVE)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_is_found() {
        let value = json!({ "a": [1, { "b/c": "x" }], "d": {} });
        assert_eq!(leaves(&value, String::new()), ["/a/0", "/a/1/b~1c"]);
        let cases = nasty("t", &value, Era::Legacy);
        assert_eq!(cases.len(), nasty_numbers().len() + nasty_texts().len());
    }
}
