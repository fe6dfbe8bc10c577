//! What came back for an [`InputRequired`](crate::InputRequired) that was made by hand.

use serde::de::DeserializeOwned;

use super::elicit::decode;
use super::unanswered::Unanswered;
use crate::call::Call;
use crate::context::CallContext;
use crate::description::Description;
use crate::extract::{Extracted, Param};
use crate::outcome::Failure;

/// The answers to what a handler asked by hand, and what it wanted back.
///
/// For [`InputRequired`](crate::InputRequired); a handler that returns one has to take this.
#[derive(Debug)]
pub struct Answers {
    context: CallContext,
}

impl Answers {
    /// The answer under this key, from whichever round; `None` when there is none.
    ///
    /// `T` is the result of what was asked: `ElicitResult`, `CreateMessageResult` or
    /// `ListRootsResult`. The content of a form is as the client sent it: check it with
    /// `ElicitationSchema::validate`.
    ///
    /// # Errors
    ///
    /// [`Unanswered::Invalid`] when the client sent something else, [`Unanswered::Failed`] when it
    /// could not answer.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Unanswered> {
        let earlier = self.context.questions().earlier();
        match decode(earlier.and_then(|earlier| earlier.find(key))) {
            Err(Unanswered::Pending) => Ok(None),
            other => other.map(Some),
        }
    }

    /// What the handler wanted back when it left the last time.
    pub fn state(&self) -> Option<&str> {
        self.context.questions().earlier()?.own()
    }
}

impl Param<Extracted> for Answers {
    fn describe(description: &mut Description) {
        description.may_ask();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        Ok(Self { context: call.context() })
    }
}
