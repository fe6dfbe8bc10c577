//! Why our side could not go on.
//!
//! Four kinds of failure are never mixed: [`Error`] is ours and seen by the caller in Rust, an
//! [`ErrorObject`] is what the peer sees, a [`Rejection`] is a negotiation that ended without
//! agreement, and a [`ToolError`] is a tool that ran and failed, for the model to read.

use std::fmt;

use crate::jsonrpc::{ErrorObject, InvalidMessage};
use crate::pending::TimeoutKind;
use crate::profile::Rejection;
use crate::types::CallToolResult;

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
