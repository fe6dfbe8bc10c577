//! Why a question has no answer that a handler could use.

use mcp_core::jsonrpc::ErrorObject;

use super::input_required::InputRequired;
use crate::outcome::{Outcome, ToolError};

/// Why there is no answer.
///
/// With `?` a handler ends as it should: it leaves to be called again when the answer is still to
/// come, and the model hears it when a person said no.
///
/// # Examples
/// ```
/// use mcp_server::{Ask, Result, Unanswered};
/// # #[derive(serde::Deserialize, schemars::JsonSchema)]
/// # struct Sure { sure: bool }
///
/// async fn remove(title: String, ask: Ask<Sure>) -> Result<String> {
///     let sure = match ask.form(format!("Remove {title}?")) {
///         Err(Unanswered::Declined) => return Ok("kept".into()),
///         answer => answer?,
///     };
///     Ok(if sure.sure { "removed" } else { "kept" }.into())
/// }
/// ```
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unanswered {
    /// The client was not asked yet: leave the handler, and it is called again with the answer.
    #[error("the client has not answered yet")]
    Pending,
    /// Somebody said no: the person, or a client that does not let its model be asked.
    #[error("the user declined")]
    Declined,
    /// The person closed the question without a decision.
    #[error("the user closed the question without an answer")]
    Cancelled,
    /// The client's answer is none: what is wrong with it.
    #[error("the client's answer does not fit the question: {0}")]
    Invalid(String),
    /// The client could not answer; only legacy clients say so.
    #[error("the client could not answer: {0}")]
    Failed(ErrorObject),
    /// The question cannot be put to this client, or to none: the error that the call ends with.
    #[error("{0}")]
    Impossible(ErrorObject),
}

impl From<Unanswered> for Outcome {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            // What was asked is added by the library when the handler has left.
            Unanswered::Pending => Self::InputRequired(InputRequired::new()),
            Unanswered::Declined | Unanswered::Cancelled | Unanswered::Failed(_) => {
                ToolError::new(unanswered.to_string()).into()
            }
            // The model can do nothing about a client that breaks the protocol.
            Unanswered::Invalid(_) => ErrorObject::invalid_params(unanswered.to_string()).into(),
            Unanswered::Impossible(error) => error.into(),
        }
    }
}
