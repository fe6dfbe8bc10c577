//! Calling a tool: params and result of `tools/call`.
//!
//! Arguments and structured content stay JSON text, so that they are decoded once, into the type that
//! a handler or caller wants, and are never built as a tree on the way.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use super::super::{
    ContentBlock, Meta, RawObjectError,
    params::{Text, check_object, check_objects, from_object},
    raw::{Kind, kind_of, one_line, present, same_text},
};

/// What `tools/call` carries, in a form that owns it.
///
/// A server that only looks at a call decodes [`CallToolRequestParamsRef`] and copies nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CallToolRequestParams {
    /// The name of the tool.
    pub name: String,
    /// The arguments: a JSON object. A received `null` counts as absent.
    #[serde(
        default,
        deserialize_with = "owned_arguments",
        skip_serializing_if = "Option::is_none"
    )]
    pub arguments: Option<Box<RawValue>>,
}

impl CallToolRequestParams {
    /// Calls a tool without arguments.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: None }
    }

    /// Sets the arguments to `arguments` written as JSON.
    ///
    /// # Errors
    ///
    /// When `arguments` cannot be written as JSON, or is written as something else than an object.
    pub fn with_arguments<T: Serialize + ?Sized>(
        mut self,
        arguments: &T,
    ) -> Result<Self, RawObjectError> {
        let raw = serde_json::value::to_raw_value(arguments).map_err(RawObjectError::NotJson)?;
        match kind_of(&raw) {
            Kind::Object => self.arguments = Some(raw),
            other => return Err(RawObjectError::NotAnObject(other.name())),
        }
        Ok(self)
    }
}

impl PartialEq for CallToolRequestParams {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && same_text(self.arguments.as_deref(), other.arguments.as_deref())
    }
}

/// What `tools/call` carries, borrowed from the message.
///
/// It is decoded in one pass without copying; only a name or state with escapes in it is copied. It
/// can be decoded from JSON text or bytes, not from a [`serde_json::Value`]. The fields that answer
/// questions exist since 2026-07-28; whether they count is for the codec to say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CallToolRequestParamsRef<'a> {
    /// The name of the tool.
    pub name: Cow<'a, str>,
    /// The arguments: a JSON object. A received `null` counts as absent.
    pub arguments: Option<&'a RawValue>,
    /// The answers to what the server asked in an earlier round: a JSON object.
    pub input_responses: Option<&'a RawValue>,
    /// What the server wants back from an earlier round.
    pub request_state: Option<Cow<'a, str>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for CallToolRequestParamsRef<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields<'a> {
            #[serde(borrow)]
            name: Cow<'a, str>,
            #[serde(borrow, default)]
            arguments: Option<&'a RawValue>,
            #[serde(borrow, default)]
            input_responses: Option<&'a RawValue>,
            #[serde(borrow, default)]
            request_state: Option<Text<'a>>,
        }
        let fields: Fields<'de> = from_object(deserializer, "the params of tools/call: an object")?;
        check_objects([
            ("arguments", fields.arguments),
            ("inputResponses", fields.input_responses),
        ])
        .map_err(de::Error::custom)?;
        Ok(Self {
            name: fields.name,
            arguments: fields.arguments,
            input_responses: fields.input_responses,
            request_state: fields.request_state.map(|text| text.0),
        })
    }
}

impl From<&CallToolRequestParamsRef<'_>> for CallToolRequestParams {
    fn from(params: &CallToolRequestParamsRef<'_>) -> Self {
        Self {
            name: params.name.clone().into_owned(),
            arguments: params.arguments.map(|raw| one_line(raw.to_owned())),
        }
    }
}

/// What a tool answers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallToolResult {
    /// The answer for the model. Absence is read as an empty list; it is always written.
    #[serde(default)]
    pub content: Vec<ContentBlock>,
    /// The answer for programs: any JSON value, `null` included; since 2025-06-18, where up to
    /// 2025-11-25 it has to be an object.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Box<RawValue>>,
    /// Whether the tool failed; absent means that it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl CallToolResult {
    /// Answers with these pieces of content.
    pub fn new(content: impl IntoIterator<Item = ContentBlock>) -> Self {
        Self { content: content.into_iter().collect(), ..Self::default() }
    }

    /// Answers with text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new([ContentBlock::text(text)])
    }

    /// Tells the model that the tool failed, and why.
    pub fn error(text: impl Into<String>) -> Self {
        Self { is_error: Some(true), ..Self::text(text) }
    }

    /// Sets the answer for programs to `value` written as JSON.
    ///
    /// # Errors
    ///
    /// When `value` cannot be written as JSON.
    pub fn with_structured_content<T: Serialize + ?Sized>(
        mut self,
        value: &T,
    ) -> Result<Self, serde_json::Error> {
        self.structured_content = Some(serde_json::value::to_raw_value(value)?);
        Ok(self)
    }

    /// Sets the result's `_meta`, for a codec to write.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// Whether the tool says that it failed.
    pub fn is_failure(&self) -> bool {
        self.is_error == Some(true)
    }
}

impl PartialEq for CallToolResult {
    fn eq(&self, other: &Self) -> bool {
        self.content == other.content
            && same_text(self.structured_content.as_deref(), other.structured_content.as_deref())
            && self.is_error == other.is_error
            && self.meta == other.meta
    }
}

fn owned_arguments<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<RawValue>>, D::Error> {
    let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
    if let Some(raw) = &raw {
        check_object("arguments", raw).map_err(de::Error::custom)?;
    }
    Ok(raw.map(one_line))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn decode(text: &str) -> Result<CallToolRequestParamsRef<'_>, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn calls_are_decoded_without_copying() {
        let text =
            r#"{"_meta":{"a":1},"name":"add","arguments":{ "a" : 1 },"requestState":"s","x":0}"#;
        let params = decode(text).unwrap();
        assert!(matches!(params.name, Cow::Borrowed("add")));
        assert_eq!(params.arguments.unwrap().get(), r#"{ "a" : 1 }"#);
        assert!(matches!(params.request_state, Some(Cow::Borrowed("s"))));
        assert!(params.input_responses.is_none());
        let owned = CallToolRequestParams::from(&params);
        assert_eq!(serde_json::from_str::<CallToolRequestParams>(text).unwrap(), owned);
    }

    #[test]
    fn escaped_names_are_copied() {
        let params = decode(r#"{"name":"a\u0064d","requestState":"\n"}"#).unwrap();
        assert_eq!((params.name.as_ref(), params.request_state.as_deref()), ("add", Some("\n")));
    }

    #[test]
    fn arguments_that_are_no_object_are_named() {
        for (value, kind) in
            [("[1]", "an array"), ("\"{}\"", "a string"), ("7", "a number"), ("true", "a boolean")]
        {
            let text = format!(r#"{{"name":"add","arguments":{value}}}"#);
            let expected = format!("`arguments` is {kind}, expected an object");
            assert!(decode(&text).unwrap_err().starts_with(&expected));
            let owned = serde_json::from_str::<CallToolRequestParams>(&text).unwrap_err();
            assert!(owned.to_string().starts_with(&expected));
        }
        let error = decode(r#"{"name":"a","inputResponses":[]}"#).unwrap_err();
        assert!(error.starts_with("`inputResponses` is an array"));
    }

    #[test]
    fn null_arguments_count_as_absent() {
        assert!(decode(r#"{"name":"add","arguments":null}"#).unwrap().arguments.is_none());
        let owned: CallToolRequestParams =
            serde_json::from_str(r#"{"name":"add","arguments":null}"#).unwrap();
        assert_eq!(serde_json::to_string(&owned).unwrap(), r#"{"name":"add"}"#);
    }

    #[test]
    fn a_call_without_a_name_is_refused() {
        assert!(decode("{}").unwrap_err().contains("missing field `name`"));
        assert!(decode(r#"{"name":7}"#).unwrap_err().contains("expected a string"));
        for text in ["7", r#"["add"]"#] {
            assert!(decode(text).unwrap_err().contains("the params of tools/call: an object"));
        }
    }

    #[test]
    fn arguments_are_written_as_an_object_or_not_at_all() {
        let params = CallToolRequestParams::new("add").with_arguments(&json!({"a": 1})).unwrap();
        assert_eq!(
            serde_json::to_string(&params).unwrap(),
            r#"{"name":"add","arguments":{"a":1}}"#
        );
        let error = CallToolRequestParams::new("add").with_arguments(&[1]).unwrap_err();
        assert_eq!(error.to_string(), "an array, expected an object");
    }

    #[test]
    fn structured_null_is_kept() {
        let text = r#"{"content":[],"structuredContent":null}"#;
        let result: CallToolResult = serde_json::from_str(text).unwrap();
        assert_eq!(result.structured_content.as_ref().unwrap().get(), "null");
        assert_eq!(serde_json::to_string(&result).unwrap(), text);
    }

    #[test]
    fn numbers_in_structured_content_keep_their_digits() {
        let text = r#"{"content":[],"structuredContent":{"n":1.000000000000000000001e2}}"#;
        let result: CallToolResult = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&result).unwrap(), text);
    }

    #[test]
    fn pretty_structured_content_is_written_in_one_line() {
        let text = "{\"content\":[],\"structuredContent\":{\n  \"a\": \"x\\ny\"\n}}";
        let result: CallToolResult = serde_json::from_str(text).unwrap();
        let written = serde_json::to_string(&result).unwrap();
        assert!(!written.contains('\n'), "{written}");
        let trees: [Value; 2] = [text, &written].map(|text| serde_json::from_str(text).unwrap());
        assert_eq!(trees[0], trees[1]);
    }
}
