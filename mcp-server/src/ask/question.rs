//! What a client can be asked, and whether it said that it can be.
//!
//! Owns the kinds of questions and the capability behind each. A server never asks for what the
//! client did not declare (2026-07-28, basic/patterns/mrtr, "Server Requirements"; client/elicitation
//! and client/sampling, "Capabilities").

use mcp_core::Negotiated;
use mcp_core::capability::{ClientCapabilities, ElicitationCapability};
use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::types::{ElicitRequestParams, InputRequest, RawObject};
use mcp_core::version::Era;
use serde_json::json;

/// Something that a handler can ask a client for.
///
/// An extractor of your own says with [`Description::asks`](crate::Description::asks) what it asks
/// for: then clients that did not declare it are refused before the handler starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Question {
    /// A form for a person to fill in: `elicitation.form`.
    Form,
    /// An address for a person to go to: `elicitation.url`.
    Url,
    /// A message of a model: `sampling`.
    Sample,
    /// A message of a model that may use tools: `sampling.tools`.
    SampleWithTools,
    /// The folders that the client works in: `roots`.
    Roots,
}

impl Question {
    /// What a request asks for.
    pub(crate) fn of(request: &InputRequest) -> Option<Self> {
        match request {
            InputRequest::Elicit(ElicitRequestParams::Form(_)) => Some(Self::Form),
            InputRequest::Elicit(ElicitRequestParams::Url(_)) => Some(Self::Url),
            InputRequest::CreateMessage(params) if params.needs_tools() => {
                Some(Self::SampleWithTools)
            }
            InputRequest::CreateMessage(_) => Some(Self::Sample),
            InputRequest::ListRoots => Some(Self::Roots),
            _ => None,
        }
    }

    /// Whether the client declared that it can be asked this.
    pub fn is_declared(self, client: &ClientCapabilities) -> bool {
        let (elicitation, sampling) = (&client.elicitation, &client.sampling);
        match self {
            Self::Form => elicitation.as_ref().is_some_and(ElicitationCapability::allows_form),
            Self::Url => elicitation.as_ref().is_some_and(ElicitationCapability::allows_url),
            Self::Sample => sampling.is_some(),
            Self::SampleWithTools => sampling.as_ref().is_some_and(|s| s.tools.is_some()),
            Self::Roots => client.roots.is_some(),
        }
    }

    /// The capability, as a path.
    pub fn capability(self) -> &'static str {
        match self {
            Self::Form => "elicitation.form",
            Self::Url => "elicitation.url",
            Self::Sample => "sampling",
            Self::SampleWithTools => "sampling.tools",
            Self::Roots => "roots",
        }
    }

    /// Adds the capability to those that a client has to declare.
    fn require(self, client: &mut ClientCapabilities) {
        let declared = Some(RawObject::empty());
        match self {
            Self::Form => client.elicitation.get_or_insert_default().form = declared,
            Self::Url => client.elicitation.get_or_insert_default().url = declared,
            Self::Sample => {
                client.sampling.get_or_insert_default();
            }
            Self::SampleWithTools => client.sampling.get_or_insert_default().tools = declared,
            Self::Roots => {
                client.roots.get_or_insert_default();
            }
        }
    }
}

/// What a handler asks for, as its parameters say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asks {
    /// It may ask for something, or make an [`InputRequired`](crate::InputRequired) by hand.
    pub(crate) anything: bool,
    /// What is sealed for a call is good for one other call only.
    pub(crate) once: bool,
    /// Without these the handler is of no use.
    needed: Vec<Question>,
}

impl Asks {
    /// Needs this from every client.
    pub(crate) fn need(&mut self, question: Question) {
        self.anything = true;
        if !self.needed.contains(&question) {
            self.needed.push(question);
        }
    }

    /// That the client declared all that is needed, else the error to answer with.
    pub(crate) fn check(&self, negotiated: &Negotiated) -> Result<(), ErrorObject> {
        check(self.needed.iter().copied(), negotiated)
    }
}

/// That the client declared all that these questions need, else the error to answer with.
///
/// The modern era has a code for that; up to 2025-11-25 the request counts as one that cannot be
/// made by this client.
pub(crate) fn check(
    questions: impl IntoIterator<Item = Question>,
    negotiated: &Negotiated,
) -> Result<(), ErrorObject> {
    let declared = negotiated.client_capabilities();
    let mut missing = ClientCapabilities::new();
    let mut names: Vec<&str> = Vec::new();
    for question in questions {
        if !question.is_declared(declared) && !names.contains(&question.capability()) {
            question.require(&mut missing);
            names.push(question.capability());
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let code = match negotiated.era() {
        Era::Modern => ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY,
        Era::Legacy => ErrorCode::INVALID_PARAMS,
    };
    let message = format!(
        "this needs something of the client that it did not declare: `{}`",
        names.join("`, `")
    );
    Err(ErrorObject::new(code, message).with_data(&json!({ "requiredCapabilities": missing })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::negotiated_with;
    use mcp_core::capability::{ElicitationCapability, SamplingCapability};

    fn refused(needed: &[Question], era: Era, client: ClientCapabilities) -> ErrorObject {
        let mut asks = Asks::default();
        needed.iter().for_each(|question| asks.need(*question));
        asks.check(&negotiated_with(era, client, &[])).unwrap_err()
    }

    #[test]
    fn an_empty_elicitation_capability_means_forms_only() {
        let client = ClientCapabilities::new().with_elicitation(ElicitationCapability::new());
        assert!(Question::Form.is_declared(&client));
        assert!(!Question::Url.is_declared(&client));
        let client = client.with_elicitation(ElicitationCapability::new().with_url());
        assert!(!Question::Form.is_declared(&client));
        assert!(Question::Url.is_declared(&client));
    }

    #[test]
    fn sampling_does_not_include_tools() {
        let client = ClientCapabilities::new().with_sampling(SamplingCapability::new());
        assert!(Question::Sample.is_declared(&client));
        assert!(!Question::SampleWithTools.is_declared(&client));
        assert!(!Question::Roots.is_declared(&client));
    }

    #[test]
    fn a_modern_client_is_told_what_to_declare() {
        let client = ClientCapabilities::new().with_elicitation(ElicitationCapability::new());
        let needed = [Question::Url, Question::Form, Question::SampleWithTools, Question::Roots];
        let error = refused(&needed, Era::Modern, client);
        assert_eq!(error.code, ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY);
        assert_eq!(
            error.message,
            "this needs something of the client that it did not declare: `elicitation.url`, \
             `sampling.tools`, `roots`"
        );
        let data: serde_json::Value = serde_json::from_str(error.data.unwrap().get()).unwrap();
        let missing =
            json!({ "elicitation": { "url": {} }, "sampling": { "tools": {} }, "roots": {} });
        assert_eq!(data, json!({ "requiredCapabilities": missing }));
    }

    #[test]
    fn a_legacy_client_is_told_too() {
        let error = refused(&[Question::Form], Era::Legacy, ClientCapabilities::new());
        assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
        assert!(error.message.contains("`elicitation.form`"), "{error}");
    }
}
