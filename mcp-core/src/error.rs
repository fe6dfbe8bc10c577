//! Why our side could not go on.
//!
//! Four kinds of failure are never mixed: [`Error`] is ours and seen by the caller in Rust, an
//! [`ErrorObject`] is what the peer sees, a [`Rejection`] is a negotiation that ended without
//! agreement, and a [`ToolError`] is a tool that ran and failed, for the model to read.

use std::fmt;

use crate::jsonrpc::{ErrorObject, InvalidMessage, shown};
use crate::pending::TimeoutKind;
use crate::profile::Rejection;
use crate::types::{CallToolResult, ElicitRequestURLParams};

/// Why a connection or a call could not go on, and whose fault it is.
///
/// `{error}` is one line; `{error:#}` is for people and may be several.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer sent something that is no message.
    #[error(transparent)]
    InvalidMessage(#[from] InvalidMessage),
    /// The peer sent a message where another one was due.
    #[error("unexpected message: expected {expected}, got {got}")]
    UnexpectedMessage {
        /// What was due.
        expected: &'static str,
        /// What came.
        got: String,
    },
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    PeerMisbehaved(String),
    /// The peer follows the protocol, but has nothing in common with us.
    #[error("incompatible peer: {0}")]
    PeerIncompatible(String),
    /// The peer answered with an error.
    #[error("the peer answered with an error: {0}")]
    Peer(#[source] ErrorObject),
    /// The library was used in a way that it cannot serve.
    #[error("{0}")]
    Misuse(String),
    /// The tool ran and failed.
    #[error("tool error: {0}")]
    Tool(#[source] ToolError),
    /// The server asks for something first, and did not get it.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The result of a tool is not as the server declares; only where the client checks that.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Client and server did not agree on profiles.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// A time limit ran out.
    #[error("{}{detail}", timed_out(*.kind))]
    Timeout {
        /// Which limit it was.
        kind: TimeoutKind,
        /// More about it, for instance what a server process wrote to stderr last; may be empty.
        detail: String,
    },
    /// The connection is closed; says why, if that is known.
    #[error("the connection is closed: {0}")]
    Closed(String),
    /// The server ended the session in which the call was made (legacy era, HTTP).
    ///
    /// Whether it ran is not known, so it was not made again. Later calls go on in a new session.
    #[error(
        "the server ended the session before it answered: make the call again, unless it must not run twice"
    )]
    SessionLost,
    /// The transport failed.
    #[error("transport: {0}")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<TimeoutKind> for Error {
    fn from(kind: TimeoutKind) -> Self {
        Self::Timeout { kind, detail: String::new() }
    }
}

fn timed_out(kind: TimeoutKind) -> &'static str {
    match kind {
        TimeoutKind::Handshake => {
            "the handshake timed out: the server did not answer; raise `handshake_timeout` if it starts slowly"
        }
        TimeoutKind::Idle => {
            "the request timed out: neither an answer nor progress within `idle_timeout`"
        }
        TimeoutKind::Total => "the request timed out: no answer within `total_timeout`",
    }
}

/// What a server asks for before it goes on, and why it did not get it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Nothing in this client answers such a question.
    #[error(
        "the server asks for {method}, which nothing answers: add `.{add}(…)` when the client is built"
    )]
    NoHandler {
        /// What is asked for.
        method: &'static str,
        /// What the builder of the client lacks.
        add: &'static str,
    },
    /// No such question is known.
    #[error("the server asks for `{}`, which this version does not know", shown(.method))]
    Unknown {
        /// The method of the question.
        method: String,
    },
    /// There was no answer.
    #[error("the server asks for `{}`, which was not answered: {reason}", shown(.method))]
    Failed {
        /// The method of the question.
        method: String,
        /// Why.
        reason: String,
    },
    /// The server went on asking.
    #[error(
        "the server asked {rounds} times and came to no result: raise `input_rounds` if it needs more"
    )]
    TooManyRounds {
        /// How many times it was answered.
        rounds: u32,
    },
    /// The user has to visit addresses first (2025-11-25).
    #[error("the server asks the user to visit {} first: {reason}", addresses(.elicitations))]
    UrlRequired {
        /// The addresses.
        elicitations: Vec<ElicitRequestURLParams>,
        /// Why that did not happen.
        reason: &'static str,
    },
}

fn addresses(elicitations: &[ElicitRequestURLParams]) -> String {
    let each = elicitations.iter().map(|url| shown(&url.url).escape_debug().to_string());
    each.collect::<Vec<_>>().join(", ")
}

/// What is wrong with the result of a tool that declares an output schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The structured content does not fit.
    #[error("the result of tool `{}` does not fit its output schema: {}{problem}", shown(.tool), at(.place))]
    Misfit {
        /// The name of the tool.
        tool: String,
        /// A JSON pointer to where; the whole content where it is empty.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// There is no structured content.
    #[error("the result of tool `{}` has no structured content, but the tool has an output schema", shown(.tool))]
    Missing {
        /// The name of the tool.
        tool: String,
    },
    /// The output schema cannot be used.
    #[error("the output schema of tool `{}` cannot be used: {problem}", shown(.tool))]
    Schema {
        /// The name of the tool.
        tool: String,
        /// Why not.
        problem: String,
    },
    /// The structured content cannot be checked within bounds.
    #[error("the result of tool `{}` cannot be checked: {problem}", shown(.tool))]
    Unchecked {
        /// The name of the tool.
        tool: String,
        /// Why not.
        problem: String,
    },
}

fn at(place: &str) -> String {
    match place {
        "" => String::new(),
        place => format!("`{place}`: "),
    }
}

/// A tool that ran and failed: its result says `isError`.
#[derive(Debug, Clone)]
pub struct ToolError {
    /// The whole result, whose content says what went wrong.
    pub result: Box<CallToolResult>,
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut texts = self.result.content.iter().filter_map(|block| block.as_text());
        match texts.next() {
            None => f.write_str("the tool says nothing about it"),
            Some(first) => {
                f.write_str(first)?;
                texts.try_for_each(|text| write!(f, "\n{text}"))
            }
        }
    }
}

impl std::error::Error for ToolError {}
