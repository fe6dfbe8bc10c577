//! Elicitation: a server asks the person in front of the client.
//!
//! Specification: 2026-07-28, client, "Elicitation". [`schema`](ElicitationSchema) is the restricted
//! schema of a form, against which an answer can be checked. It shows nothing and opens no address.

mod format;
mod schema;
mod validate;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

pub use self::{
    schema::{
        BooleanSchema, ElicitationSchema, EnumOption, MultiSelectEnumSchema, NumberKind,
        NumberSchema, PrimitiveSchemaDefinition, SingleSelectEnumSchema, StringFormat,
        StringSchema,
    },
    validate::{ContentProblem, InvalidContent},
};
use super::Meta;

/// What `elicitation/create` carries: a form to fill in, or an address to go to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ElicitRequestParams {
    /// `form`: the client shows a form and sends back what was filled in.
    Form(ElicitRequestFormParams),
    /// `url`: the person goes to an address, and the client does not see what is entered there; since
    /// 2025-11-25.
    Url(ElicitRequestURLParams),
}

impl ElicitRequestParams {
    /// What is said to the person.
    pub fn message(&self) -> &str {
        match self {
            Self::Form(form) => &form.message,
            Self::Url(url) => &url.message,
        }
    }
}

impl From<ElicitRequestFormParams> for ElicitRequestParams {
    fn from(params: ElicitRequestFormParams) -> Self {
        Self::Form(params)
    }
}

impl From<ElicitRequestURLParams> for ElicitRequestParams {
    fn from(params: ElicitRequestURLParams) -> Self {
        Self::Url(params)
    }
}

impl Serialize for ElicitRequestParams {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Form(form) => form.serialize(serializer),
            Self::Url(url) => url.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ElicitRequestParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            mode: Option<String>,
            message: String,
            requested_schema: Option<ElicitationSchema>,
            url: Option<String>,
            elicitation_id: Option<String>,
        }
        let Fields { mode, message, requested_schema, url, elicitation_id } =
            Fields::deserialize(deserializer)?;
        match mode.as_deref() {
            None | Some("form") => {
                let requested_schema =
                    requested_schema.ok_or_else(|| de::Error::missing_field("requestedSchema"))?;
                let mode = mode.is_some().then_some(FormMode::Form);
                Ok(Self::Form(ElicitRequestFormParams { mode, message, requested_schema }))
            }
            Some("url") => {
                let url = url.ok_or_else(|| de::Error::missing_field("url"))?;
                Ok(Self::Url(ElicitRequestURLParams { message, url, elicitation_id }))
            }
            Some(other) => Err(de::Error::unknown_variant(other, &["form", "url"])),
        }
    }
}

/// A form to fill in.
///
/// A form must not ask for secrets such as passwords and keys: send the person to an address for
/// them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ElicitRequestFormParams {
    /// Whether `mode` was written. Without it every revision understands a form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<FormMode>,
    /// What is said to the person.
    pub message: String,
    /// What is to be filled in.
    pub requested_schema: ElicitationSchema,
}

impl ElicitRequestFormParams {
    /// Asks for what `requested_schema` says.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_core::types::{ElicitRequestFormParams, ElicitationSchema, StringSchema};
    ///
    /// let schema = ElicitationSchema::new().with_required("name", StringSchema::new());
    /// let form = ElicitRequestFormParams::new("What is your name?", schema);
    /// let answer = serde_json::json!({ "name": 7 });
    /// let problem = form.requested_schema.validate(answer.as_object().unwrap()).unwrap_err();
    /// assert_eq!(problem.to_string(), "`name` is a number, expected a string");
    /// ```
    pub fn new(message: impl Into<String>, requested_schema: ElicitationSchema) -> Self {
        Self { mode: None, message: message.into(), requested_schema }
    }
}

/// The only value of `mode` that a form has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormMode {
    Form,
}

/// An address for the person to go to.
///
/// It is the server's choice: a client shows it whole, asks before it opens it, and never fetches it
/// (2026-07-28, client, "Elicitation", "Safe URL handling").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename = "url", rename_all = "camelCase")]
#[non_exhaustive]
pub struct ElicitRequestURLParams {
    /// Why the person should go there.
    pub message: String,
    /// The address. Received values are not checked.
    pub url: String,
    /// What ties later news to this question; 2025-11-25 only, which requires it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elicitation_id: Option<String>,
}

impl ElicitRequestURLParams {
    /// Sends the person to `url`.
    pub fn new(message: impl Into<String>, url: impl Into<String>) -> Self {
        Self { message: message.into(), url: url.into(), elicitation_id: None }
    }

    /// Sets what ties later news to this question.
    #[must_use]
    pub fn with_elicitation_id(mut self, id: impl Into<String>) -> Self {
        self.elicitation_id = Some(id.into());
        self
    }
}

/// What a client answers to `elicitation/create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ElicitResult {
    /// What the person did.
    pub action: ElicitAction,
    /// What was filled in; only of a form that was sent off.
    ///
    /// It is as the client sent it: see [`ElicitationSchema::validate`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Map<String, Value>>,
    /// The result's `_meta`; up to 2025-11-25.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<Meta>,
}

impl ElicitResult {
    /// The person sent off the form, filled in with `content`.
    pub fn accept(content: Map<String, Value>) -> Self {
        Self { content: Some(content), ..Self::new(ElicitAction::Accept) }
    }

    /// The person agreed to go to the address.
    pub fn accept_url() -> Self {
        Self::new(ElicitAction::Accept)
    }

    /// The person said no.
    pub fn decline() -> Self {
        Self::new(ElicitAction::Decline)
    }

    /// The person did not decide.
    pub fn cancel() -> Self {
        Self::new(ElicitAction::Cancel)
    }

    fn new(action: ElicitAction) -> Self {
        Self { action, content: None, meta: None }
    }
}

/// What a person did with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElicitAction {
    /// They sent off the form, or agreed to go to the address.
    Accept,
    /// They said no.
    Decline,
    /// They closed the question without a decision.
    Cancel,
}

impl ElicitAction {
    /// The action as it is written in a message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline => "decline",
            Self::Cancel => "cancel",
        }
    }
}

/// What `notifications/elicitation/complete` carries; 2025-11-25 only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ElicitationCompleteNotificationParams {
    /// The question whose business at the address is done.
    pub elicitation_id: String,
}

impl ElicitationCompleteNotificationParams {
    /// Reports that the business of this question is done.
    pub fn new(elicitation_id: impl Into<String>) -> Self {
        Self { elicitation_id: elicitation_id.into() }
    }
}

/// The `data` of the error `-32042`, which says that the person has to go somewhere first; 2025-11-25
/// only.
///
/// The client sends the request again once that is done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct URLElicitationRequiredData {
    /// Where the person has to go.
    pub elicitations: Vec<ElicitRequestURLParams>,
    /// All other fields.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl URLElicitationRequiredData {
    /// Sends the person to these addresses.
    pub fn new(elicitations: impl IntoIterator<Item = ElicitRequestURLParams>) -> Self {
        Self { elicitations: elicitations.into_iter().collect(), other: Map::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r#"{"type":"object","properties":{}}"#;

    #[test]
    fn a_question_without_a_mode_is_a_form() {
        for text in [
            format!(r#"{{"message":"a","requestedSchema":{SCHEMA}}}"#),
            format!(r#"{{"mode":"form","message":"a","requestedSchema":{SCHEMA}}}"#),
        ] {
            let params: ElicitRequestParams = serde_json::from_str(&text).unwrap();
            assert!(matches!(params, ElicitRequestParams::Form(_)));
            assert_eq!(serde_json::to_string(&params).unwrap(), text);
        }
    }

    #[test]
    fn an_address_says_its_mode() {
        let url = ElicitRequestURLParams::new("a", "https://a.example").with_elicitation_id("7");
        let text = serde_json::to_string(&url).unwrap();
        assert_eq!(
            text,
            r#"{"mode":"url","message":"a","url":"https://a.example","elicitationId":"7"}"#
        );
        let params: ElicitRequestParams = serde_json::from_str(&text).unwrap();
        assert_eq!(params, url.into());
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        for (text, expected) in [
            (r#"{"message":"a"}"#.to_owned(), "missing field `requestedSchema`"),
            (r#"{"mode":"url","message":"a"}"#.to_owned(), "missing field `url`"),
            (r#"{"mode":"voice","message":"a"}"#.to_owned(), "unknown variant `voice`"),
            (format!(r#"{{"requestedSchema":{SCHEMA}}}"#), "missing field `message`"),
        ] {
            let error = serde_json::from_str::<ElicitRequestParams>(&text).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn null_content_counts_as_absent() {
        let text = r#"{"action":"decline","content":null}"#;
        let result: ElicitResult = serde_json::from_str(text).unwrap();
        assert_eq!(result, ElicitResult::decline());
        assert_eq!(serde_json::to_string(&result).unwrap(), r#"{"action":"decline"}"#);
    }
}
