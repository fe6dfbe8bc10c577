//! What a handler may return.

use mcp_core::types::{
    CreateMessageResult, ElicitAction, ElicitResult, ElicitationSchema, ListRootsResult, Root,
};
use serde_json::{Map, Value};

/// Any error, as a handler may return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Something that a handler may return as its answer `A`.
///
/// A form is answered with an [`ElicitResult`] or, if it is filled in, with the object itself; an
/// address with an [`ElicitResult`] or an [`ElicitAction`]; a question to a model with a
/// [`CreateMessageResult`]; a question for folders with their list. Each may be the `Ok` of a
/// `Result`.
///
/// An error that is an [`ErrorObject`](mcp_core::jsonrpc::ErrorObject) is sent to a legacy server
/// as it is. Of any other the server learns only that there is no answer, and the log the reason.
pub trait IntoAnswer<A> {
    /// Makes the answer.
    ///
    /// # Errors
    /// There is none.
    fn into_answer(self) -> Result<A, BoxError>;
}

impl<A, T: IntoAnswer<A>, E: Into<BoxError>> IntoAnswer<A> for Result<T, E> {
    fn into_answer(self) -> Result<A, BoxError> {
        self.map_err(Into::into)?.into_answer()
    }
}

impl IntoAnswer<Self> for ElicitResult {
    fn into_answer(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}

impl IntoAnswer<ElicitResult> for Map<String, Value> {
    fn into_answer(self) -> Result<ElicitResult, BoxError> {
        Ok(ElicitResult::accept(self))
    }
}

impl IntoAnswer<ElicitResult> for Value {
    fn into_answer(self) -> Result<ElicitResult, BoxError> {
        match self {
            Self::Object(content) => content.into_answer(),
            _ => Err("the answer to a form is an object with its fields".into()),
        }
    }
}

impl IntoAnswer<ElicitResult> for ElicitAction {
    fn into_answer(self) -> Result<ElicitResult, BoxError> {
        Ok(match self {
            Self::Accept => ElicitResult::accept_url(),
            Self::Decline => ElicitResult::decline(),
            Self::Cancel => ElicitResult::cancel(),
        })
    }
}

impl IntoAnswer<Self> for CreateMessageResult {
    fn into_answer(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}

impl IntoAnswer<Self> for ListRootsResult {
    fn into_answer(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}

impl IntoAnswer<ListRootsResult> for Vec<Root> {
    fn into_answer(self) -> Result<ListRootsResult, BoxError> {
        Ok(ListRootsResult::new(self))
    }
}

impl<const N: usize> IntoAnswer<ListRootsResult> for [Root; N] {
    fn into_answer(self) -> Result<ListRootsResult, BoxError> {
        Ok(ListRootsResult::new(self))
    }
}

/// What was filled in, with the defaults of the form, if it fits the form; a refusal as it is.
pub(super) fn checked(
    result: ElicitResult,
    form: &ElicitationSchema,
) -> Result<ElicitResult, BoxError> {
    match result.action {
        ElicitAction::Accept => {
            let mut content = result.content.unwrap_or_default();
            form.fill_defaults(&mut content);
            form.validate(&content).map_err(|invalid| {
                // Never what was filled in: the reason goes into the log.
                let names: Vec<&str> = invalid.problems().map(|(name, _)| name).collect();
                format!("the answer does not fit the form at `{}`", names.join("`, `"))
            })?;
            Ok(ElicitResult::accept(content))
        }
        ElicitAction::Decline => Ok(ElicitResult::decline()),
        _ => Ok(ElicitResult::cancel()),
    }
}
