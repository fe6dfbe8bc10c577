//! Asking a client's model.
//!
//! Spec: 2026-07-28, client/sampling; deprecated there, but still in it.

use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::types::{CreateMessageRequestParams, CreateMessageResult, InputRequest};

use super::elicit::{decode, if_declared};
use super::key::Digest;
use super::question::{self, Question};
use super::unanswered::Unanswered;
use crate::call::Call;
use crate::context::CallContext;
use crate::description::Description;
use crate::extract::{Extracted, Param};
use crate::outcome::Failure;

/// Asks the client's model for a message.
///
/// The client decides which model that is, and a person may look at both question and answer. A
/// client that did not declare `sampling` is refused before the handler starts; a handler that can do
/// without takes `Option<Sample>`. Each message is one round, and a call has eight: a loop of tool
/// uses has to end before.
///
/// # Examples
/// ```
/// use mcp_server::types::{CreateMessageRequestParams, SamplingMessage};
/// use mcp_server::{Result, Sample};
///
/// async fn tagline(plot: String, model: Sample) -> Result<String> {
///     let ask = SamplingMessage::user(format!("A tagline for: {plot}"));
///     let said = model.message(CreateMessageRequestParams::new([ask], 50))?;
///     Ok(said.content.as_text().unwrap_or_default().to_owned())
/// }
/// ```
#[derive(Debug)]
pub struct Sample {
    context: CallContext,
}

/// What a client answers when a person does not let its model be asked (2025-11-25, client/sampling,
/// "Error Handling").
const REJECTED: ErrorCode = ErrorCode(-1);

impl Sample {
    /// What the model said, or why it said nothing.
    ///
    /// See [`Ask::form`](crate::Ask::form) for how a handler waits. A question is known by all of its
    /// parameters. Context of other servers is not asked for where the client did not declare
    /// `sampling.context`.
    ///
    /// # Errors
    ///
    /// [`Unanswered`] says what there is instead; [`Unanswered::Impossible`] when tools are offered
    /// to the model of a client that did not declare `sampling.tools`, or a use of a tool is not
    /// followed by its result.
    pub fn message(
        &self,
        params: CreateMessageRequestParams,
    ) -> Result<CreateMessageResult, Unanswered> {
        let mut params = params;
        if params.needs_tools() {
            question::check([Question::SampleWithTools], self.context.negotiated())
                .map_err(Unanswered::Impossible)?;
        }
        params.check_tool_turns().map_err(|problem| {
            Unanswered::Impossible(ErrorObject::internal(problem.to_string()))
        })?;
        if params.needs_context() && !self.has_context() {
            params.include_context = None;
        }
        let text = serde_json::to_vec(&params).map_err(|problem| {
            Unanswered::Impossible(ErrorObject::internal(problem.to_string()))
        })?;
        let key = Digest::of("sample").field(&text).name("sample");
        let answer =
            self.context.questions().put(key, || InputRequest::CreateMessage(params.into()));
        match decode(answer) {
            Err(Unanswered::Failed(error)) if error.code == REJECTED => Err(Unanswered::Declined),
            other => other,
        }
    }

    /// Whether the model may be offered tools.
    pub fn has_tools(&self) -> bool {
        Question::SampleWithTools.is_declared(self.context.negotiated().client_capabilities())
    }

    fn has_context(&self) -> bool {
        let sampling = &self.context.negotiated().client_capabilities().sampling;
        sampling.as_ref().is_some_and(|sampling| sampling.context.is_some())
    }
}

impl Param<Extracted> for Sample {
    fn describe(description: &mut Description) {
        description.asks(Question::Sample);
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        Ok(Self { context: call.context() })
    }
}

impl Param<Extracted> for Option<Sample> {
    fn describe(description: &mut Description) {
        description.may_ask();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        if_declared(Question::Sample, call)
    }
}
