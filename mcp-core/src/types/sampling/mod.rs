//! Sampling: a server asks the client's model.
//!
//! Specification: 2026-07-28, client, "Sampling"; deprecated there but still in it. It does not
//! choose a model and runs no tool.

mod content;
mod turns;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::{
    content::{SamplingContent, SamplingMessageContentBlock, ToolResultContent, ToolUseContent},
    turns::ToolTurnError,
};
use super::{Meta, RawObject, Role, Tool, number, open::open_enum};

/// What `sampling/createMessage` carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateMessageRequestParams {
    /// The conversation that the model is to go on with.
    pub messages: Vec<SamplingMessage>,
    /// What kind of model the server would like; the client decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_preferences: Option<ModelPreferences>,
    /// The system prompt that the server would like; the client may change it or leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_prompt: Option<String>,
    /// What the server would like the model to know besides; absent means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_context: Option<IncludeContext>,
    /// How freely the model may choose its words.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub temperature: Option<f64>,
    /// The most tokens that the answer may have.
    pub max_tokens: u64,
    /// Texts at which the answer ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
    /// What is passed to the model's provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<RawObject>,
    /// The tools that the model may ask for; since 2025-11-25. The server runs them, and they need
    /// not be among those that it lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whether the model has to use tools; since 2025-11-25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
}

impl CreateMessageRequestParams {
    /// Asks the model to go on with these messages, in at most `max_tokens` tokens.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_core::types::{CreateMessageRequestParams, SamplingMessage};
    ///
    /// let params = CreateMessageRequestParams::new([SamplingMessage::user("Say hello.")], 100)
    ///     .with_system_prompt("You are brief.");
    /// assert!(!params.needs_tools());
    /// ```
    pub fn new(messages: impl IntoIterator<Item = SamplingMessage>, max_tokens: u64) -> Self {
        Self {
            messages: messages.into_iter().collect(),
            model_preferences: None,
            system_prompt: None,
            include_context: None,
            temperature: None,
            max_tokens,
            stop_sequences: Vec::new(),
            metadata: None,
            tools: Vec::new(),
            tool_choice: None,
        }
    }

    /// Says what kind of model the server would like.
    #[must_use]
    pub fn with_model_preferences(mut self, preferences: ModelPreferences) -> Self {
        self.model_preferences = Some(preferences);
        self
    }

    /// Sets the system prompt.
    #[must_use]
    pub fn with_system_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.system_prompt = Some(prompt.into());
        self
    }

    /// Says what the model should know besides. Other values than [`IncludeContext::None`] need the
    /// client's capability `sampling.context`.
    #[must_use]
    pub fn with_include_context(mut self, context: IncludeContext) -> Self {
        self.include_context = Some(context);
        self
    }

    /// Says how freely the model may choose its words.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Sets the texts at which the answer ends.
    #[must_use]
    pub fn with_stop_sequences(
        mut self,
        texts: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.stop_sequences = texts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what is passed to the model's provider.
    #[must_use]
    pub fn with_metadata(mut self, metadata: RawObject) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Offers tools to the model. They need the client's capability `sampling.tools`.
    #[must_use]
    pub fn with_tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.tools = tools.into_iter().collect();
        self
    }

    /// Says whether the model has to use tools.
    #[must_use]
    pub fn with_tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// Whether the client needs the capability `sampling.tools` for this.
    pub fn needs_tools(&self) -> bool {
        !self.tools.is_empty() || self.tool_choice.is_some()
    }

    /// Whether the client needs the capability `sampling.context` for this.
    pub fn needs_context(&self) -> bool {
        self.include_context.as_ref().is_some_and(|context| *context != IncludeContext::None)
    }

    /// Checks that every use of a tool is followed by its result (2026-07-28, client, "Sampling",
    /// "Message content constraints").
    ///
    /// # Errors
    ///
    /// Names the message and what is wrong with it; a client answers with `-32602`.
    pub fn check_tool_turns(&self) -> Result<(), ToolTurnError> {
        turns::check(&self.messages)
    }
}

/// One message of a conversation with a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SamplingMessage {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: SamplingContent,
    /// The message's own `_meta`; since 2025-11-25.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl SamplingMessage {
    /// A message of `role`.
    pub fn new(role: Role, content: impl Into<SamplingContent>) -> Self {
        Self { role, content: content.into(), meta: None }
    }

    /// A message of the person.
    pub fn user(content: impl Into<SamplingContent>) -> Self {
        Self::new(Role::User, content)
    }

    /// A message of the model.
    pub fn assistant(content: impl Into<SamplingContent>) -> Self {
        Self::new(Role::Assistant, content)
    }

    /// Sets the message's own `_meta`.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }
}

/// What kind of model a server would like.
///
/// Priorities go from 0 (does not matter) to 1 (matters most). Received ones are not checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ModelPreferences {
    /// Models that would be good, the best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<ModelHint>,
    /// How much it matters that it is cheap.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub cost_priority: Option<f64>,
    /// How much it matters that it is fast.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub speed_priority: Option<f64>,
    /// How much it matters that it is clever.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub intelligence_priority: Option<f64>,
}

impl ModelPreferences {
    /// Says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a model that would be good, after those named before.
    #[must_use]
    pub fn with_hint(mut self, name: impl Into<String>) -> Self {
        self.hints.push(ModelHint::new(name));
        self
    }

    /// Says how much a low price matters; the value is brought between 0 and 1.
    #[must_use]
    pub fn with_cost_priority(mut self, priority: f64) -> Self {
        self.cost_priority = Some(priority.clamp(0.0, 1.0));
        self
    }

    /// Says how much speed matters; the value is brought between 0 and 1.
    #[must_use]
    pub fn with_speed_priority(mut self, priority: f64) -> Self {
        self.speed_priority = Some(priority.clamp(0.0, 1.0));
        self
    }

    /// Says how much cleverness matters; the value is brought between 0 and 1.
    #[must_use]
    pub fn with_intelligence_priority(mut self, priority: f64) -> Self {
        self.intelligence_priority = Some(priority.clamp(0.0, 1.0));
        self
    }
}

/// A model that would be good.
///
/// Fields that the specification leaves to client and server are kept in [`other`](Self::other).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelHint {
    /// A part of the model's name, such as `sonnet`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// All other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ModelHint {
    /// Names a part of a model's name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), other: Map::new() }
    }
}

open_enum! {
    /// What a model should know besides the messages.
    pub enum IncludeContext {
        /// Nothing.
        None = "none",
        /// What the client has from this server; deprecated.
        ThisServer = "thisServer",
        /// What the client has from all its servers; deprecated.
        AllServers = "allServers",
    }
}

/// Whether a model has to use tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolChoice {
    /// How; absent means [`ToolChoiceMode::Auto`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ToolChoiceMode>,
}

impl ToolChoice {
    /// Says whether it has to.
    pub fn new(mode: ToolChoiceMode) -> Self {
        Self { mode: Some(mode) }
    }
}

open_enum! {
    /// Whether a model has to use tools.
    pub enum ToolChoiceMode {
        /// The model decides.
        Auto = "auto",
        /// It has to use at least one.
        Required = "required",
        /// It must not use any.
        None = "none",
    }
}

/// What a client answers to `sampling/createMessage`: the model's message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CreateMessageResult {
    /// Who says it: the model.
    pub role: Role,
    /// What is said.
    pub content: SamplingContent,
    /// The name of the model.
    pub model: String,
    /// Why the model stopped, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
    /// The message's own `_meta`.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl CreateMessageResult {
    /// Answers what `model` has said.
    pub fn new(model: impl Into<String>, content: impl Into<SamplingContent>) -> Self {
        Self {
            role: Role::Assistant,
            content: content.into(),
            model: model.into(),
            stop_reason: None,
            meta: None,
        }
    }

    /// Says why the model stopped.
    #[must_use]
    pub fn with_stop_reason(mut self, reason: StopReason) -> Self {
        self.stop_reason = Some(reason);
        self
    }

    /// Sets the message's own `_meta`.
    #[must_use]
    pub fn with_meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// The message, to go on with the conversation.
    pub fn into_message(self) -> SamplingMessage {
        SamplingMessage { role: self.role, content: self.content, meta: self.meta }
    }
}

open_enum! {
    /// Why a model stopped; providers have reasons of their own.
    pub enum StopReason {
        /// It had said everything.
        EndTurn = "endTurn",
        /// One of the stop sequences came.
        StopSequence = "stopSequence",
        /// The answer reached its greatest length.
        MaxTokens = "maxTokens",
        /// It wants tools to be run; since 2025-11-25.
        ToolUse = "toolUse",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_providers_survive() {
        let text = r#"{"role":"assistant","content":{"type":"text","text":"a"},"model":"m","stopReason":"refusal"}"#;
        let result: CreateMessageResult = serde_json::from_str(text).unwrap();
        assert_eq!(result.stop_reason, Some(StopReason::Other("refusal".into())));
        assert_eq!(serde_json::to_string(&result).unwrap(), text);
    }

    #[test]
    fn what_a_hint_says_besides_survives() {
        let text = r#"{"name":"sonnet","vendor":{"a":1}}"#;
        let hint: ModelHint = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&hint).unwrap(), text);
    }

    #[test]
    fn needs_follow_from_what_is_asked() {
        let params = CreateMessageRequestParams::new([SamplingMessage::user("a")], 1);
        assert!(!params.needs_tools() && !params.needs_context());
        let none = params.clone().with_include_context(IncludeContext::None);
        assert!(!none.needs_context());
        let all = params.with_include_context(IncludeContext::AllServers);
        assert!(all.with_tool_choice(ToolChoice::default()).needs_tools());
    }
}
