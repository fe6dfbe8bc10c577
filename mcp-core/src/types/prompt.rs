//! Prompts: what a server offers a person to begin with.
//!
//! Specification: 2026-07-28, server, "Prompts". It does not fill in arguments.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use super::{
    CacheHints, ContentBlock, Cursor, Icon, Meta, Role,
    params::{Text, check_objects, from_object},
};

/// A prompt that a client can ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Prompt {
    /// The name by which it is asked for, unique on its server.
    pub name: String,
    /// The name for people; since 2025-06-18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it can be filled in with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<PromptArgument>,
    /// Pictures to show beside the name; since 2025-11-25.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// The prompt's own `_meta`; since 2025-06-18.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl Prompt {
    /// Describes a prompt by its name.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_core::types::{Prompt, PromptArgument};
    ///
    /// let review = Prompt::new("review")
    ///     .with_description("Reviews code.")
    ///     .with_argument(PromptArgument::new("code").with_required(true));
    /// assert!(review.arguments[0].is_required());
    /// ```
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            arguments: Vec::new(),
            icons: Vec::new(),
            meta: None,
        }
    }

    /// Sets the name for people.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says what it is for.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn with_argument(mut self, argument: PromptArgument) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Adds a picture.
    #[must_use]
    pub fn with_icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Sets the prompt's own `_meta`.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// The name to show to people: the title, or else the name.
    pub fn display_name(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

/// Something that a prompt can be filled in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptArgument {
    /// The name for programs.
    pub name: String,
    /// The name for people; since 2025-06-18.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it has to be given; absent means that it need not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
}

impl PromptArgument {
    /// Describes an argument by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), title: None, description: None, required: None }
    }

    /// Sets the name for people.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says what it is.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Says whether it has to be given.
    #[must_use]
    pub fn with_required(mut self, required: bool) -> Self {
        self.required = Some(required);
        self
    }

    /// Whether it has to be given.
    pub fn is_required(&self) -> bool {
        self.required == Some(true)
    }

    /// The name to show to people: the title, or else the name.
    pub fn display_name(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.name)
    }
}

/// One page of a server's prompts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListPromptsResult {
    /// The prompts of this page.
    pub prompts: Vec<Prompt>,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<Cursor>,
    /// How long and for whom the page may be kept. Reading and writing it is the codec's work.
    #[serde(skip)]
    pub cache: Option<CacheHints>,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl ListPromptsResult {
    /// Lists these prompts, in one page.
    pub fn new(prompts: impl IntoIterator<Item = Prompt>) -> Self {
        Self { prompts: prompts.into_iter().collect(), ..Self::default() }
    }

    /// Says where the next page begins.
    #[must_use]
    pub fn with_next_cursor(mut self, cursor: impl Into<Cursor>) -> Self {
        self.next_cursor = Some(cursor.into());
        self
    }

    /// Says how long and for whom the page may be kept.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheHints) -> Self {
        self.cache = Some(cache);
        self
    }
}

/// What `prompts/get` carries, in a form that owns it.
///
/// A server that only looks at a request decodes [`GetPromptRequestParamsRef`] and copies nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GetPromptRequestParams {
    /// The name of the prompt.
    pub name: String,
    /// The arguments: strings by their names. A received `null` counts as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<BTreeMap<String, String>>,
}

impl GetPromptRequestParams {
    /// Asks for a prompt without arguments.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: None }
    }

    /// Sets an argument.
    #[must_use]
    pub fn with_argument(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.arguments.get_or_insert_default().insert(name.into(), value.into());
        self
    }

    /// Sets several arguments.
    #[must_use]
    pub fn with_arguments<N: Into<String>, V: Into<String>>(
        mut self,
        arguments: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let arguments = arguments.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.arguments.get_or_insert_default().extend(arguments);
        self
    }
}

/// What `prompts/get` carries, borrowed from the message.
///
/// It can be decoded from JSON text or bytes, not from a [`serde_json::Value`]. The fields that answer
/// questions exist since 2026-07-28; whether they count is for the codec to say.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GetPromptRequestParamsRef<'a> {
    /// The name of the prompt.
    pub name: Cow<'a, str>,
    /// The arguments: a JSON object of strings, whose values are not checked here. A received `null`
    /// counts as absent.
    pub arguments: Option<&'a RawValue>,
    /// The answers to what the server asked in an earlier round: a JSON object.
    pub input_responses: Option<&'a RawValue>,
    /// What the server wants back from an earlier round.
    pub request_state: Option<Cow<'a, str>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for GetPromptRequestParamsRef<'a> {
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

        let fields: Fields<'de> =
            from_object(deserializer, "the params of prompts/get: an object")?;
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

/// What a prompt gives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GetPromptResult {
    /// What the prompt is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The messages to begin the conversation with.
    pub messages: Vec<PromptMessage>,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl GetPromptResult {
    /// Gives these messages.
    pub fn new(messages: impl IntoIterator<Item = PromptMessage>) -> Self {
        Self { messages: messages.into_iter().collect(), ..Self::default() }
    }

    /// Says what the prompt is for.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the result's `_meta`, for a codec to write.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }
}

/// One message of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PromptMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: ContentBlock,
}

impl PromptMessage {
    /// A message of `role`.
    pub fn new(role: Role, content: impl Into<ContentBlock>) -> Self {
        Self { role, content: content.into() }
    }

    /// A message of the person.
    pub fn user(content: impl Into<ContentBlock>) -> Self {
        Self::new(Role::User, content)
    }

    /// A message of the model.
    pub fn assistant(content: impl Into<ContentBlock>) -> Self {
        Self::new(Role::Assistant, content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_decoded_without_copying() {
        let text = r#"{"name":"review","arguments":{"code":"x"},"requestState":"s"}"#;
        let params: GetPromptRequestParamsRef<'_> = serde_json::from_str(text).unwrap();
        assert!(matches!(params.name, Cow::Borrowed("review")));
        assert_eq!(params.arguments.unwrap().get(), r#"{"code":"x"}"#);
        assert!(matches!(params.request_state, Some(Cow::Borrowed("s"))));
        let owned: GetPromptRequestParams = serde_json::from_str(text).unwrap();
        assert_eq!(owned, GetPromptRequestParams::new("review").with_argument("code", "x"));
    }

    #[test]
    fn params_of_other_kinds_are_refused() {
        for (text, expected) in [
            ("{}", "missing field `name`"),
            (r#"["a"]"#, "the params of prompts/get: an object"),
            (r#"{"name":"a","arguments":[]}"#, "`arguments` is an array, expected an object"),
        ] {
            let error = serde_json::from_str::<GetPromptRequestParamsRef<'_>>(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn arguments_are_strings() {
        let text = r#"{"name":"a","arguments":{"n":7}}"#;
        let error = serde_json::from_str::<GetPromptRequestParams>(text).unwrap_err();
        assert!(error.to_string().contains("expected a string"), "{error}");
    }
}
