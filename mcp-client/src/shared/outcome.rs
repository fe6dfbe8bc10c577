//! What became of a call: from what the session says to what a caller gets.

use std::time::Instant;

use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::{Error, TimeoutKind};

use crate::transport::LastWords;

/// What became of a call.
pub(super) enum Outcome {
    Result(Box<str>, Instant),
    /// An `InputRequiredResult`.
    InputRequired(Box<str>),
    /// A result of an extension's own kind.
    Extension(Box<str>, Box<str>),
    Peer(ErrorObject),
    Invalid(String),
    TimedOut(TimeoutKind),
    /// Whoever carried it says that it is not answered.
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "streams end as a whole"))]
    Failed(Error),
}

/// What a server answered.
pub(crate) enum Reply {
    /// A final result, and when it came.
    Result { text: Box<str>, received: Instant },
    /// It wants to know more first.
    Question(Question),
    /// A result of an extension's own kind, with its `resultType`.
    Extension(Box<str>, Box<str>),
}

/// What a server wants before it answers.
pub(crate) enum Question {
    /// The raw `InputRequiredResult` of the modern era.
    Input(Box<str>),
    /// The error of 2025-11-25 that sends the user to addresses first.
    Urls(ErrorObject),
}

impl Outcome {
    pub(super) fn into_reply(self, last_words: &LastWords) -> Result<Reply, Error> {
        match self.into_question() {
            Ok(question) => Ok(Reply::Question(question)),
            Err(Self::Result(text, received)) => Ok(Reply::Result { text, received }),
            Err(Self::Extension(kind, text)) => Ok(Reply::Extension(kind, text)),
            Err(Self::Peer(error)) => Err(Error::Peer(error)),
            Err(Self::TimedOut(kind)) => {
                Err(Error::Timeout { kind, detail: last_words.after(String::new()) })
            }
            Err(Self::Failed(error)) => Err(error),
            Err(Self::Invalid(problem)) => Err(Error::PeerMisbehaved(problem)),
            Err(Self::InputRequired(_)) => unreachable!("this is a question"),
        }
    }

    /// The question that it is, or itself.
    pub(super) fn into_question(self) -> Result<Question, Self> {
        match self {
            Self::InputRequired(result) => Ok(Question::Input(result)),
            Self::Peer(error) if error.code == ErrorCode::URL_ELICITATION_REQUIRED => {
                Ok(Question::Urls(error))
            }
            other => Err(other),
        }
    }
}
