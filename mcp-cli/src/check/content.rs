//! The form of content blocks and resource contents.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use super::wire::shown;

/// What is wrong with a content block; nothing if it has a known form.
pub(crate) fn problem(block: &Value) -> Option<String> {
    let Some(kind) = block.get("type").and_then(Value::as_str) else {
        return Some(format!("{} has no `type`", shown(block)));
    };
    let lacks = |members: &[&str]| {
        let missing = members.iter().find(|name| !block.get(**name).is_some_and(Value::is_string));
        missing.map(|name| format!("a block of type `{kind}` has no text `{name}`"))
    };
    match kind {
        "text" => lacks(&["text"]),
        "image" | "audio" => lacks(&["data", "mimeType"]).or_else(|| no_base64(block.get("data"))),
        "resource_link" => lacks(&["uri", "name"]),
        "resource" => match block.get("resource") {
            Some(contents) => contents_problem(contents),
            None => Some("a block of type `resource` has no `resource`".to_owned()),
        },
        other => Some(format!("a block has the unknown type {}", shown(&other.into()))),
    }
}

/// What is wrong with the contents of a resource.
pub(crate) fn contents_problem(contents: &Value) -> Option<String> {
    if !contents.get("uri").is_some_and(Value::is_string) {
        return Some(format!("{} has no `uri`", shown(contents)));
    }
    match (contents.get("text"), contents.get("blob")) {
        (Some(Value::String(_)), None) => None,
        (None, blob @ Some(Value::String(_))) => no_base64(blob),
        _ => Some(format!("{} has not exactly one of `text` and `blob`", shown(contents))),
    }
}

fn no_base64(data: Option<&Value>) -> Option<String> {
    let data = data.and_then(Value::as_str).unwrap_or_default();
    BASE64.decode(data).err().map(|error| format!("binary data is no base64: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_have_to_have_what_their_type_needs() {
        for good in [
            json!({ "type": "text", "text": "" }),
            json!({ "type": "image", "data": "AQID", "mimeType": "image/png" }),
            json!({ "type": "resource", "resource": { "uri": "a:b", "text": "" } }),
        ] {
            assert_eq!(problem(&good), None, "{good}");
        }
        for bad in [
            json!("text"),
            json!({ "type": "text" }),
            json!({ "type": "image", "data": "?", "mimeType": "image/png" }),
            json!({ "type": "picture" }),
            json!({ "type": "resource", "resource": { "uri": "a:b" } }),
        ] {
            assert!(problem(&bad).is_some(), "{bad}");
        }
    }
}
