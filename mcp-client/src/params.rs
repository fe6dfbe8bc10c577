//! Writing parameters, once, into the text that is sent.

use mcp_core::Error;
use mcp_core::types::GetPromptRequestParams;
use mcp_core::wire::Members;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

/// Parameters as they are sent: an object, where nothing at all counts as an empty one.
pub(crate) fn object<P: Serialize + ?Sized>(
    method: &str,
    params: &P,
) -> Result<Box<RawValue>, Error> {
    let cannot =
        |why: String| Error::Misuse(format!("the parameters of `{method}` cannot be sent: {why}"));
    let raw = to_raw_value(params).map_err(|error| cannot(error.to_string()))?;
    match raw.get().as_bytes().first() {
        // A second `_meta` could take the place of the library's, which says what is insisted on.
        Some(b'{') if Members::read(Some(&raw)).is_ok_and(|all| all.raw("_meta").is_some()) => {
            Err(cannot("`_meta` is written by the library".to_owned()))
        }
        Some(b'{') => Ok(raw),
        Some(b'n') => Ok(to_raw_value(&Empty {}).expect("an empty struct is JSON")),
        _ => Err(cannot("they are not written as a JSON object".to_owned())),
    }
}

/// The parameters of `tools/call`, with arguments that are an object or nothing.
pub(crate) fn tool_call<A: Serialize + ?Sized>(
    name: &str,
    arguments: &A,
) -> Result<Box<RawValue>, Error> {
    #[derive(Serialize)]
    struct Params<'a, A: ?Sized> {
        name: &'a str,
        arguments: &'a A,
    }
    let cannot = |why: String| {
        Error::Misuse(format!("the arguments of tool `{name}` cannot be sent: {why}"))
    };
    let raw = to_raw_value(&Params { name, arguments }).map_err(|e| cannot(e.to_string()))?;
    let start =
        after_string(raw.get().as_bytes(), br#"{"name":"#.len()) + br#","arguments":"#.len();
    match raw.get().as_bytes().get(start) {
        Some(b'{') => Ok(raw),
        Some(b'n') => {
            #[derive(Serialize)]
            struct Name<'a> {
                name: &'a str,
            }
            to_raw_value(&Name { name }).map_err(|e| cannot(e.to_string()))
        }
        _ => Err(cannot(
            "they are not written as a JSON object; give a struct, a map or `json!({…})`"
                .to_owned(),
        )),
    }
}

/// The parameters of `prompts/get`, with arguments that are strings.
pub(crate) fn prompt<A: Serialize + ?Sized>(
    name: &str,
    arguments: &A,
) -> Result<Box<RawValue>, Error> {
    let cannot = |why: &str| {
        Error::Misuse(format!("the arguments of prompt `{name}` cannot be sent: {why}"))
    };
    let mut params = GetPromptRequestParams::new(name);
    let written = serde_json::to_value(arguments).map_err(|e| cannot(&e.to_string()))?;
    let arguments = match written {
        Value::Object(arguments) => arguments,
        Value::Null => Map::new(),
        _ => return Err(cannot("they are not written as a JSON object")),
    };
    for (argument, value) in arguments {
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            _ => return Err(cannot(&format!("`{argument}` is no string"))),
        };
        params = params.with_argument(argument, text);
    }
    object("prompts/get", &params)
}

/// Parameters without members.
#[derive(Serialize)]
struct Empty {}

/// The place after the string literal that begins at `start`.
fn after_string(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match json.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_stand_beside_the_name() {
        let raw = tool_call("a\"\\b", &json!({ "x": 1 })).unwrap();
        assert_eq!(raw.get(), r#"{"name":"a\"\\b","arguments":{"x":1}}"#);
    }

    #[test]
    fn no_arguments_are_left_out() {
        assert_eq!(tool_call("a", &()).unwrap().get(), r#"{"name":"a"}"#);
        assert_eq!(object("m", &()).unwrap().get(), "{}");
    }

    #[test]
    fn arguments_of_a_prompt_are_strings() {
        let raw = prompt("a", &json!({ "x": 1, "y": "b", "z": null, "w": true })).unwrap();
        let expected = r#"{"name":"a","arguments":{"w":"true","x":"1","y":"b"}}"#;
        assert_eq!(raw.get(), expected);
        assert_eq!(prompt("a", &()).unwrap().get(), r#"{"name":"a"}"#);
        assert!(prompt("a", &json!({ "x": [1] })).unwrap_err().to_string().contains("`x`"));
        assert!(prompt("a", &[1]).is_err());
    }

    #[test]
    fn meta_of_the_callers_own_is_refused() {
        let error = object("m", &json!({ "_meta": {}, "x": 1 })).unwrap_err();
        assert!(error.to_string().contains("`_meta`"), "{error}");
        assert!(object("m", &json!({ "x": { "_meta": 1 } })).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for arguments in [json!([1]), json!("{"), json!(7), json!(true)] {
            let said = tool_call("a", &arguments).unwrap_err().to_string();
            assert!(said.contains("tool `a`") && said.contains("JSON object"), "{said}");
            assert!(object("m", &arguments).is_err());
        }
    }
}
