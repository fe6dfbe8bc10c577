//! JSON written in one way only, whatever order its members came in.

use serde_json::{Map, Value};

/// On one line; a message begins with what says what it is.
pub(crate) fn line(message: &Value) -> String {
    let Value::Object(members) = sorted(message) else { return sorted(message).to_string() };
    let first = FIRST.iter().filter_map(|name| members.get_key_value(*name));
    let rest = members.iter().filter(|(name, _)| !FIRST.contains(&name.as_str()));
    let members = first.chain(rest);
    let written: Vec<String> =
        members.map(|(name, value)| format!("{}:{value}", Value::String(name.clone()))).collect();
    format!("{{{}}}", written.join(","))
}

/// Over several lines, for people.
pub(crate) fn pretty(value: &Value) -> String {
    format!("{:#}\n", sorted(value))
}

/// With the members of every object in the order of their names.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members.into_iter().map(|(name, value)| (name.clone(), sorted(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// What a reader looks for first in a message.
const FIRST: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_begins_with_what_it_is() {
        let message = json!({ "params": { "b": 1, "a": [] }, "id": 7, "method": "ping" });
        assert_eq!(line(&message), r#"{"id":7,"method":"ping","params":{"a":[],"b":1}}"#);
        assert_eq!(line(&json!([1])), "[1]");
    }
}
