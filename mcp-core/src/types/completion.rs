//! Suggestions for an argument while a person types it.
//!
//! Specification: 2026-07-28, server utilities, "Completion". It does not rank or match anything.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Meta;

/// The most values that one result may have (schema, `CompleteResult`).
pub const MOST_COMPLETION_VALUES: usize = 100;

/// What `completion/complete` carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompleteRequestParams {
    /// The prompt or resource template that the argument belongs to.
    #[serde(rename = "ref")]
    pub reference: CompletionReference,
    /// The argument that is being typed.
    pub argument: CompletionArgument,
    /// What is known besides; since 2025-06-18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<CompletionContext>,
}

impl CompleteRequestParams {
    /// Asks for values of the argument `name` that go with what has been typed.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_core::types::{CompleteRequestParams, PromptReference};
    ///
    /// let params = CompleteRequestParams::new(PromptReference::new("review"), "language", "py")
    ///     .with_context_argument("framework", "flask");
    /// assert_eq!(params.argument.value, "py");
    /// ```
    pub fn new(
        reference: impl Into<CompletionReference>,
        name: impl Into<String>,
        typed: impl Into<String>,
    ) -> Self {
        let argument = CompletionArgument { name: name.into(), value: typed.into() };
        Self { reference: reference.into(), argument, context: None }
    }

    /// Adds the value of an argument that has been filled in before.
    #[must_use]
    pub fn with_context_argument(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        let context = self.context.get_or_insert_default();
        context.arguments.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// The value of an argument that has been filled in before.
    pub fn context_argument(&self, name: &str) -> Option<&str> {
        self.context.as_ref()?.arguments.as_ref()?.get(name).map(String::as_str)
    }
}

/// What an argument belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompletionReference {
    /// `ref/prompt`: a prompt.
    Prompt(PromptReference),
    /// `ref/resource`: a resource template.
    Resource(ResourceTemplateReference),
}

impl From<PromptReference> for CompletionReference {
    fn from(reference: PromptReference) -> Self {
        Self::Prompt(reference)
    }
}

impl From<ResourceTemplateReference> for CompletionReference {
    fn from(reference: ResourceTemplateReference) -> Self {
        Self::Resource(reference)
    }
}

impl Serialize for CompletionReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Prompt(reference) => reference.serialize(serializer),
            Self::Resource(reference) => reference.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for CompletionReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The references write `type` themselves, so this enum is only read.
        #[derive(Deserialize)]
        #[serde(tag = "type")]
        enum Tagged {
            #[serde(rename = "ref/prompt")]
            Prompt(PromptReference),
            #[serde(rename = "ref/resource")]
            Resource(ResourceTemplateReference),
        }
        Ok(match Tagged::deserialize(deserializer)? {
            Tagged::Prompt(reference) => Self::Prompt(reference),
            Tagged::Resource(reference) => Self::Resource(reference),
        })
    }
}

/// Names a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "ref/prompt")]
#[non_exhaustive]
pub struct PromptReference {
    /// The name of the prompt.
    pub name: String,
    /// Its name for people; since 2025-06-18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl PromptReference {
    /// Names the prompt `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), title: None }
    }
}

/// Names a resource template, or a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "ref/resource")]
#[non_exhaustive]
pub struct ResourceTemplateReference {
    /// The URI template, or the address.
    pub uri: String,
}

impl ResourceTemplateReference {
    /// Names the template or resource `uri`.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into() }
    }
}

/// An argument that is being typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompletionArgument {
    /// The argument's name.
    pub name: String,
    /// What has been typed of it.
    pub value: String,
}

/// What is known when an argument is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompletionContext {
    /// The arguments that have been filled in before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<BTreeMap<String, String>>,
}

/// What `completion/complete` gives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompleteResult {
    /// The suggestions.
    pub completion: Completion,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl CompleteResult {
    /// Suggests these values, the best first.
    pub fn new(values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { completion: Completion::new(values), meta: None }
    }

    /// Sets the result's `_meta`, for a codec to write.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }
}

impl From<Completion> for CompleteResult {
    fn from(completion: Completion) -> Self {
        Self { completion, meta: None }
    }
}

/// Suggestions for an argument, the best first: at most [`MOST_COMPLETION_VALUES`].
///
/// What a peer sends beyond that is cut off, and [`has_more`](Self::has_more) then says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", from = "Received")]
#[non_exhaustive]
pub struct Completion {
    values: Vec<String>,
    /// How many there are in all, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether there are more than these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_more: Option<bool>,
}

impl Completion {
    /// Suggests these values. Where there are too many, the first are kept and the rest is counted.
    pub fn new(values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut all = values.into_iter();
        let values: Vec<String> =
            all.by_ref().take(MOST_COMPLETION_VALUES).map(Into::into).collect();
        let total = values.len() + all.count();
        let has_more = total > values.len();
        Self { values, total: u64::try_from(total).ok(), has_more: Some(has_more) }
    }

    /// Says how many there are in all.
    #[must_use]
    pub fn with_total(mut self, total: u64) -> Self {
        self.total = Some(total);
        self
    }

    /// Says whether there are more than these, and that their number is not known.
    #[must_use]
    pub fn with_more(mut self, has_more: bool) -> Self {
        self.total = None;
        self.has_more = Some(has_more);
        self
    }

    /// The suggested values.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The suggested values.
    pub fn into_values(self) -> Vec<String> {
        self.values
    }
}

/// A completion as a peer wrote it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Received {
    values: Vec<String>,
    total: Option<u64>,
    has_more: Option<bool>,
}

impl From<Received> for Completion {
    fn from(received: Received) -> Self {
        let Received { mut values, total, mut has_more } = received;
        if values.len() > MOST_COMPLETION_VALUES {
            values.truncate(MOST_COMPLETION_VALUES);
            has_more = Some(true);
        }
        Self { values, total, has_more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_by_their_type() {
        for (text, reference) in [
            (r#"{"type":"ref/prompt","name":"a"}"#, PromptReference::new("a").into()),
            (
                r#"{"type":"ref/resource","uri":"a:{b}"}"#,
                ResourceTemplateReference::new("a:{b}").into(),
            ),
        ] {
            let read: CompletionReference = serde_json::from_str(text).unwrap();
            assert_eq!(read, reference);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
        let error =
            serde_json::from_str::<CompletionReference>(r#"{"type":"ref/tool"}"#).unwrap_err();
        assert!(error.to_string().contains("unknown variant `ref/tool`"), "{error}");
    }

    #[test]
    fn no_more_than_a_hundred_values_are_suggested() {
        let completion = Completion::new((0..250).map(|n| n.to_string()));
        assert_eq!(completion.values().len(), 100);
        assert_eq!((completion.total, completion.has_more), (Some(250), Some(true)));
    }

    #[test]
    fn received_values_beyond_a_hundred_are_cut_off() {
        let values: Vec<_> = (0..101).map(|n| n.to_string()).collect();
        let text = serde_json::json!({"values": values, "hasMore": false}).to_string();
        let completion: Completion = serde_json::from_str(&text).unwrap();
        assert_eq!(completion.values().len(), 100);
        assert_eq!(completion.has_more, Some(true));
    }
}
