//! What messages to and from a model hold.

use std::{borrow::Cow, slice};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, value::RawValue};

use super::super::{
    AudioContent, ContentBlock, ImageContent, Meta, RawObject, TextContent,
    raw::{Kind, kind_of, present, same_text},
};

/// The content of a message: one block, or since 2025-11-25 also several.
///
/// One block and a list of one block mean the same. Which of them was received is kept, because
/// earlier revisions know only the first.
#[derive(Clone, Debug, PartialEq)]
pub enum SamplingContent {
    /// One block, written without a list.
    One(SamplingMessageContentBlock),
    /// A list of blocks.
    Many(Vec<SamplingMessageContentBlock>),
}

impl SamplingContent {
    /// The blocks, whether one or many.
    pub fn blocks(&self) -> &[SamplingMessageContentBlock] {
        match self {
            Self::One(block) => slice::from_ref(block),
            Self::Many(blocks) => blocks,
        }
    }

    /// The text of the first block that is text.
    pub fn as_text(&self) -> Option<&str> {
        self.blocks().iter().find_map(SamplingMessageContentBlock::as_text)
    }

    /// The tools that the model wants to be run.
    pub fn tool_uses(&self) -> impl Iterator<Item = &ToolUseContent> {
        self.blocks().iter().filter_map(|block| match block {
            SamplingMessageContentBlock::ToolUse(tool_use) => Some(tool_use),
            _ => None,
        })
    }
}

impl<B: Into<SamplingMessageContentBlock>> From<B> for SamplingContent {
    fn from(block: B) -> Self {
        Self::One(block.into())
    }
}

impl From<Vec<SamplingMessageContentBlock>> for SamplingContent {
    fn from(blocks: Vec<SamplingMessageContentBlock>) -> Self {
        Self::Many(blocks)
    }
}

impl FromIterator<SamplingMessageContentBlock> for SamplingContent {
    fn from_iter<I: IntoIterator<Item = SamplingMessageContentBlock>>(blocks: I) -> Self {
        Self::Many(blocks.into_iter().collect())
    }
}

impl Serialize for SamplingContent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(block) => block.serialize(serializer),
            Self::Many(blocks) => blocks.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SamplingContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match kind_of(&raw) {
            Kind::Array => serde_json::from_str(raw.get()).map(Self::Many),
            _ => serde_json::from_str(raw.get()).map(Self::One),
        }
        .map_err(de::Error::custom)
    }
}

/// One piece of content in a message to or from a model.
///
/// A kind that this library does not know is kept whole in [`Other`](Self::Other).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SamplingMessageContentBlock {
    /// `text`: words.
    Text(TextContent),
    /// `image`: a picture.
    Image(ImageContent),
    /// `audio`: sound; since 2025-03-26.
    Audio(AudioContent),
    /// `tool_use`: the model wants a tool to be run; since 2025-11-25.
    ToolUse(ToolUseContent),
    /// `tool_result`: what running a tool has given; since 2025-11-25.
    ToolResult(ToolResultContent),
    /// Any other `type`, with all fields, `type` included.
    Other(Map<String, Value>),
}

impl SamplingMessageContentBlock {
    /// A piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextContent::new(text))
    }

    /// The text, if this is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(content) => Some(&content.text),
            _ => None,
        }
    }

    /// The value of the field `type`; empty when a hand-made [`Other`](Self::Other) lacks it.
    pub fn kind(&self) -> &str {
        match self {
            Self::Text(_) => "text",
            Self::Image(_) => "image",
            Self::Audio(_) => "audio",
            Self::ToolUse(_) => "tool_use",
            Self::ToolResult(_) => "tool_result",
            Self::Other(fields) => fields.get("type").and_then(Value::as_str).unwrap_or_default(),
        }
    }
}

impl Serialize for SamplingMessageContentBlock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(content) => content.serialize(serializer),
            Self::Image(content) => content.serialize(serializer),
            Self::Audio(content) => content.serialize(serializer),
            Self::ToolUse(content) => content.serialize(serializer),
            Self::ToolResult(content) => content.serialize(serializer),
            Self::Other(fields) => fields.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SamplingMessageContentBlock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Tag<'a> {
            #[serde(rename = "type", borrow)]
            kind: Cow<'a, str>,
        }

        // The text is looked at twice, so that raw values inside keep what they are.
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let read = || match &*serde_json::from_str::<Tag<'_>>(text)?.kind {
            "text" => serde_json::from_str(text).map(Self::Text),
            "image" => serde_json::from_str(text).map(Self::Image),
            "audio" => serde_json::from_str(text).map(Self::Audio),
            "tool_use" => serde_json::from_str(text).map(Self::ToolUse),
            "tool_result" => serde_json::from_str(text).map(Self::ToolResult),
            _ => serde_json::from_str(text).map(Self::Other),
        };
        read().map_err(de::Error::custom)
    }
}

/// Writes conversions into a block.
macro_rules! into_block {
    ($($content:ty => $variant:ident,)+) => {$(
        impl From<$content> for SamplingMessageContentBlock {
            fn from(content: $content) -> Self {
                Self::$variant(content)
            }
        }
    )+};
}

into_block! {
    TextContent => Text,
    ImageContent => Image,
    AudioContent => Audio,
    ToolUseContent => ToolUse,
    ToolResultContent => ToolResult,
}

impl From<&str> for SamplingMessageContentBlock {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for SamplingMessageContentBlock {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

/// The model wants a tool to be run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "tool_use")]
#[non_exhaustive]
pub struct ToolUseContent {
    /// What ties the result to this use.
    pub id: String,
    /// The name of the tool.
    pub name: String,
    /// The arguments.
    pub input: RawObject,
    /// The `_meta` of this piece.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ToolUseContent {
    /// Wants the tool `name` to be run with `input`.
    pub fn new(id: impl Into<String>, name: impl Into<String>, input: RawObject) -> Self {
        Self { id: id.into(), name: name.into(), input, meta: None }
    }
}

/// What running a tool for a model has given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename = "tool_result", rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolResultContent {
    /// The use of the tool that this answers.
    pub tool_use_id: String,
    /// The answer for the model.
    pub content: Vec<ContentBlock>,
    /// The answer for programs: any JSON value, `null` included; in 2025-11-25 it has to be an object.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Box<RawValue>>,
    /// Whether the tool failed; absent means that it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
    /// The `_meta` of this piece.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ToolResultContent {
    /// Answers the use `tool_use_id` with these pieces of content.
    pub fn new(
        tool_use_id: impl Into<String>,
        content: impl IntoIterator<Item = ContentBlock>,
    ) -> Self {
        Self {
            tool_use_id: tool_use_id.into(),
            content: content.into_iter().collect(),
            structured_content: None,
            is_error: None,
            meta: None,
        }
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

    /// Says whether the tool failed.
    #[must_use]
    pub fn with_error(mut self, is_error: bool) -> Self {
        self.is_error = Some(is_error);
        self
    }
}

impl PartialEq for ToolResultContent {
    fn eq(&self, other: &Self) -> bool {
        self.tool_use_id == other.tool_use_id
            && self.content == other.content
            && same_text(self.structured_content.as_deref(), other.structured_content.as_deref())
            && self.is_error == other.is_error
            && self.meta == other.meta
    }
}

/// Writes the setter that both share.
macro_rules! with_meta {
    ($($name:ident)+) => {$(
        impl $name {
            /// Sets the `_meta`.
            #[must_use]
            pub fn with_meta(mut self, meta: Meta) -> Self {
                self.meta = Some(meta);
                self
            }
        }
    )+};
}

with_meta!(ToolUseContent ToolResultContent);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_block_and_a_list_are_both_read_and_written_back() {
        for (text, count) in [
            (r#"{"type":"text","text":"a"}"#, 1),
            (r#"[{"type":"text","text":"a"}]"#, 1),
            (
                r#"[{"type":"text","text":"a"},{"type":"image","data":"AAAA","mimeType":"image/png"}]"#,
                2,
            ),
            ("[]", 0),
        ] {
            let content: SamplingContent = serde_json::from_str(text).unwrap();
            assert_eq!(content.blocks().len(), count);
            assert_eq!(serde_json::to_string(&content).unwrap(), text);
        }
    }

    #[test]
    fn tool_arguments_keep_their_digits() {
        let text =
            r#"{"type":"tool_use","id":"1","name":"add","input":{"n":1.000000000000000000001e2}}"#;
        let content: SamplingContent = serde_json::from_str(text).unwrap();
        assert_eq!(content.tool_uses().next().unwrap().name, "add");
        assert_eq!(serde_json::to_string(&content).unwrap(), text);
    }

    #[test]
    fn unknown_kinds_survive_and_wrong_ones_are_named() {
        let text = r#"{"a":[null],"type":"hologram"}"#;
        let block: SamplingMessageContentBlock = serde_json::from_str(text).unwrap();
        assert_eq!(block.kind(), "hologram");
        assert_eq!(serde_json::to_string(&block).unwrap(), text);
        for (text, expected) in [
            ("{}", "missing field `type`"),
            ("7", "invalid type"),
            (
                r#"{"type":"tool_use","id":"1","name":"a","input":[]}"#,
                "an array, expected an object",
            ),
        ] {
            let error = serde_json::from_str::<SamplingContent>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
