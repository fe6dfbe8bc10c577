//! The codec of 2024-11-05 to 2025-11-25: a session opened by `initialize`.
//!
//! It also unpacks the batches of 2025-03-26, the only revision that has them (2025-03-26,
//! basic/index, "Batching": receiving them MUST be supported; we never send one but to answer
//! one).

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Method;
use crate::jsonrpc::{ErrorObject, InvalidMessage, Message};
use crate::types::{CallToolResult, ElicitRequestFormParams, Tool};
use crate::version::ProtocolVersion;

/// The requests that a legacy client may send.
pub const METHODS: &[Method] = &[
    Method::ToolsCall,
    Method::ToolsList,
    Method::ResourcesRead,
    Method::ResourcesList,
    Method::ResourcesTemplatesList,
    Method::ResourcesSubscribe,
    Method::ResourcesUnsubscribe,
    Method::PromptsGet,
    Method::PromptsList,
    Method::CompletionComplete,
    Method::LoggingSetLevel,
    Method::Ping,
    Method::Initialize,
];

/// Whether a version has JSON-RPC batches.
pub fn has_batches(version: &ProtocolVersion) -> bool {
    *version == ProtocolVersion::V2025_03_26
}

/// Whether a stream of this version begins with an event that only has an id, so that its client can
/// come back (2025-11-25, basic/transports, "Sending Messages to the Server").
///
/// Clients of older versions take an event without data for a broken message.
pub fn primes_streams(version: &ProtocolVersion) -> bool {
    *version == ProtocolVersion::V2025_11_25
}

/// Whether a frame is a batch.
pub fn is_batch(text: &str) -> bool {
    text.trim_start().starts_with('[')
}

/// The messages of a batch, each with its text.
pub type Batch<'a> = Vec<(Result<Message<'a>, InvalidMessage>, &'a str)>;

/// Unpacks a batch into messages, each decoded on its own.
///
/// # Errors
/// The batch as a whole is invalid: not JSON, empty, or longer than `most`.
pub fn unpack_batch(text: &str, most: usize) -> Result<Batch<'_>, InvalidMessage> {
    let mut json = serde_json::Deserializer::from_str(text);
    let elements = Elements { most }.deserialize(&mut json);
    let elements =
        elements.and_then(|elements| json.end().map(|()| elements)).map_err(|error| {
            let code = crate::jsonrpc::ErrorCode::PARSE_ERROR;
            InvalidMessage::unreadable(ErrorObject::new(code, format!("parse error: {error}")))
        })?;
    let refuse =
        |message: String| Err(InvalidMessage::unreadable(ErrorObject::invalid_request(message)));
    match elements {
        None => refuse(format!("a batch may hold at most {most} messages")),
        Some(elements) if elements.is_empty() => {
            refuse("a batch must hold at least one message".to_owned())
        }
        Some(elements) => {
            Ok(elements.into_iter().map(|e| (Message::decode(e.get()), e.get())).collect())
        }
    }
}

/// Reads a list of at most so many elements; of a longer one nothing is kept.
struct Elements {
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Elements {
    type Value = Option<Vec<&'de RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Option<Vec<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a batch (an array)")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            if elements.len() == self.most {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(None);
            }
            elements.push(element);
        }
        Ok(Some(elements))
    }
}

/// A tool as legacy clients are told of it, where that differs: up to 2025-11-25 the root of an
/// output schema is an object, so another one is left out.
pub fn adapt_tool(tool: &Tool) -> Option<Tool> {
    #[derive(Deserialize)]
    struct Root {
        #[serde(rename = "type")]
        kind: Option<Value>,
    }
    let root: Root = tool.output_schema.as_ref()?.parse().ok()?;
    if root.kind.is_some_and(|kind| kind == "object") {
        return None;
    }
    let mut adapted = tool.clone();
    adapted.output_schema = None;
    Some(adapted)
}

/// Leaves out structured content that legacy revisions do not know: up to 2025-11-25 it is an
/// object.
pub fn adapt_result(result: &mut CallToolResult) {
    let content = result.structured_content.take();
    result.structured_content = content.filter(|content| content.get().starts_with('{'));
}

/// A form as a legacy client is shown it, where that differs: 2025-06-18 has the titles of choices in
/// `enumNames`, and would pass over `oneOf`.
pub fn adapt_form(
    form: &ElicitRequestFormParams,
    version: &ProtocolVersion,
) -> Option<ElicitRequestFormParams> {
    if *version != ProtocolVersion::V2025_06_18 {
        return None;
    }
    let mut adapted = form.clone();
    adapted.requested_schema = adapted.requested_schema.with_enum_names();
    (adapted != *form).then_some(adapted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{BooleanSchema, ElicitationSchema, Schema, SingleSelectEnumSchema};

    #[test]
    fn elements_fail_one_by_one() {
        let text = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}, 7]"#;
        let batch = unpack_batch(text, 2).unwrap();
        assert!(batch[0].0.is_ok() && batch[1].0.is_err());
    }

    #[test]
    fn only_objects_are_structured_output_in_the_legacy_era() {
        let tool = |schema: &str| {
            Tool::new("t", Schema::no_arguments())
                .with_output_schema(Schema::from_text(schema).unwrap())
        };
        assert!(adapt_tool(&tool(r#"{"type":"object"}"#)).is_none());
        let adapted = adapt_tool(&tool(r#"{"type":"array"}"#)).unwrap();
        assert!(adapted.output_schema.is_none());
        let mut result = CallToolResult::text("[1]").with_structured_content(&[1]).unwrap();
        adapt_result(&mut result);
        assert!(result.structured_content.is_none());
    }

    #[test]
    fn titles_of_choices_are_names_in_2025_06_18() {
        let form = |schema| ElicitRequestFormParams::new("a", schema);
        let plain = form(ElicitationSchema::new().with_required("a", BooleanSchema::new()));
        let select = SingleSelectEnumSchema::new([("#f00", "Red")]);
        let titled = form(ElicitationSchema::new().with_required("a", select));
        assert!(adapt_form(&plain, &ProtocolVersion::V2025_06_18).is_none());
        assert!(adapt_form(&titled, &ProtocolVersion::V2025_11_25).is_none());
        let adapted = adapt_form(&titled, &ProtocolVersion::V2025_06_18).unwrap();
        let text = serde_json::to_string(&adapted).unwrap();
        assert!(text.contains(r##""enum":["#f00"],"enumNames":["Red"]"##), "{text}");
    }

    #[test]
    fn empty_oversized_and_broken_batches_are_invalid() {
        assert!(unpack_batch("[]", 2).is_err());
        assert!(unpack_batch("[1,2,3]", 2).is_err());
        assert!(unpack_batch("[1,", 2).is_err());
        assert!(is_batch(" [") && !is_batch("{"));
    }
}
