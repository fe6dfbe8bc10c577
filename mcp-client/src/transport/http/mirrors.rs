//! Which arguments of which tools are repeated in headers, as far as the server has listed them.
//!
//! Spec: 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters". Tools
//! whose annotations are invalid are left out of what the server lists; no other transport knows
//! of this.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use mcp_core::http::header::encode_value;
use mcp_core::http::param::{MirroredParam, mirrored_params};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::text::one_line;

/// The tools of a server that have mirrored parameters.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    tools: HashMap<Box<str>, Box<[MirroredParam]>>,
}

/// As much of a tool as matters here.
#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, rename = "inputSchema")]
    input_schema: Option<&'a RawValue>,
}

/// A response, and its result.
type Object<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

impl Mirrors {
    /// Learns from the answer to `tools/list`; what it gives is without the tools that no client
    /// may use.
    pub(super) fn learn(&mut self, message: Bytes) -> Bytes {
        match self.valid_tools(&message) {
            Some(without) => without.into(),
            None => message,
        }
    }

    /// Adds the headers that a call needs.
    ///
    /// An argument that fits into no header has none: the server refuses it.
    pub(super) fn add_headers(
        &self,
        tool: &str,
        arguments: Option<&RawValue>,
        headers: &mut HeaderMap,
    ) {
        for param in self.tools.get(tool).into_iter().flatten() {
            if let Ok(Some(value)) = param.value(arguments)
                && let Ok(name) = HeaderName::from_bytes(param.header().as_bytes())
                && let Ok(mut value) = HeaderValue::from_str(&encode_value(&value))
            {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
    }

    /// The message anew, if some tools are to be left out.
    fn valid_tools(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let mut message: Object<'_> = serde_json::from_slice(message).ok()?;
        let mut result: Object<'_> = serde_json::from_str(message.get("result")?.get()).ok()?;
        let mut tools: Vec<&RawValue> = serde_json::from_str(result.get("tools")?.get()).ok()?;
        let before = tools.len();
        tools.retain(|tool| self.note(tool));
        if tools.len() == before {
            return None;
        }
        let tools = raw(&tools)?;
        result.insert("tools".into(), &tools);
        let result = raw(&result)?;
        message.insert("result".into(), &result);
        serde_json::to_vec(&message).ok()
    }

    /// Notes what is mirrored of a tool; whether it may be used.
    fn note(&mut self, tool: &RawValue) -> bool {
        // What cannot be read is for whoever reads the list.
        let Ok(Tool { name, input_schema }) = serde_json::from_str(tool.get()) else { return true };
        let params = input_schema.map_or_else(|| Ok(Vec::new()), mirrored_params);
        match params {
            Ok(params) if params.is_empty() => {
                self.tools.remove(&*name);
                true
            }
            Ok(params) => {
                if self.tools.len() < MOST || self.tools.contains_key(&*name) {
                    self.tools.insert(name.into(), params.into());
                }
                true
            }
            Err(problem) => {
                self.tools.remove(&*name);
                let name = one_line(&name, SHOWN);
                tracing::warn!(
                    target: "mcp::client", tool = name, %problem,
                    "a tool is left out, because its annotations are invalid"
                );
                false
            }
        }
    }
}

fn raw(value: &impl Serialize) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(value).ok()
}

/// How many tools with mirrored parameters are known at most.
const MOST: usize = 10_000;
/// How many characters of a tool's name are shown.
const SHOWN: usize = 120;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn tool(name: &str, property: &Value) -> Value {
        json!({ "name": name, "inputSchema": { "type": "object", "properties": { "a": property } } })
    }

    fn learn(mirrors: &mut Mirrors, tools: &Value) -> Value {
        let list = json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": tools, "ttlMs": 5 } });
        serde_json::from_slice(&mirrors.learn(list.to_string().into())).unwrap()
    }

    fn header(mirrors: &Mirrors, tool: &str, arguments: &Value) -> Option<String> {
        let mut headers = HeaderMap::new();
        let arguments = serde_json::value::to_raw_value(arguments).unwrap();
        mirrors.add_headers(tool, Some(&arguments), &mut headers);
        headers.get("mcp-param-region").map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn arguments_are_mirrored_as_the_newest_list_says() {
        let mut mirrors = Mirrors::default();
        let annotated = tool("t", &json!({ "type": "string", "x-mcp-header": "Region" }));
        assert_eq!(learn(&mut mirrors, &json!([annotated]))["result"]["tools"], json!([annotated]));
        let value = |mirrors: &Mirrors, a: Value| header(mirrors, "t", &json!({ "a": a }));
        assert_eq!(value(&mirrors, json!("eu")).as_deref(), Some("eu"));
        assert_eq!(value(&mirrors, json!("süd")).as_deref(), Some("=?base64?c8O8ZA==?="));
        assert_eq!((value(&mirrors, Value::Null), value(&mirrors, json!([]))), (None, None));
        assert_eq!(header(&mirrors, "other", &json!({ "a": "eu" })), None);
        learn(&mut mirrors, &json!([tool("t", &json!({ "type": "string" }))]));
        assert_eq!(value(&mirrors, json!("eu")), None);
    }

    #[test]
    fn tool_with_an_invalid_annotation_is_left_out_and_the_rest_stays() {
        let mut mirrors = Mirrors::default();
        let good = tool("good", &json!({ "type": "string" }));
        let bad = tool("bad", &json!({ "type": "object", "x-mcp-header": "A" }));
        let odd = json!({ "name": 7 });
        let list = learn(&mut mirrors, &json!([bad, good, odd]));
        let expected =
            json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": [good, odd], "ttlMs": 5 } });
        assert_eq!(list, expected);
    }

    #[test]
    fn what_is_no_list_stays_as_it_is() {
        for text in ["", "{}", "[]", r#"{"result":7}"#, r#"{"result":{"tools":{}}}"#] {
            let message = Bytes::from_static(text.as_bytes());
            assert_eq!(Mirrors::default().learn(message), text);
        }
    }
}
