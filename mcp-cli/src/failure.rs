//! How a command can end without what was asked for: in words, as JSON, and as an exit status.

use std::time::Duration;

use mcp_client::{Error, ErrorObject, Rejection, TimeoutKind};
use serde_json::{Map, Value, json};

use crate::duration::brief;
use crate::output::paint::{Ink, Paint};
use crate::output::plain;

/// Why a command did not get what was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or a file that it names is wrong.
    Usage(String),
    /// The library's own error.
    Library(Error),
    /// The server does not have what the command needs.
    Missing(String),
    /// `--total-timeout` ran out.
    TotalTimeout(Duration),
    /// A signal came.
    Interrupted(Signal),
}

/// What told the command to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// The terminal is gone.
    Hangup,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Misuse(what) => Self::Usage(what),
            other => Self::Library(other),
        }
    }
}

impl Failure {
    /// The exit status.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::TotalTimeout(_) => CONNECTION,
            Self::Missing(_) => PROTOCOL,
            Self::Interrupted(Signal::Hangup) => 129,
            Self::Interrupted(Signal::Interrupt) => 130,
            Self::Interrupted(Signal::Terminate) => 143,
            Self::Library(error) => match error {
                Error::Tool(_) => TOOL,
                Error::Misuse(_) => USAGE,
                Error::Rejected(_) => NOT_AGREED,
                Error::Timeout { .. }
                | Error::Closed(_)
                | Error::SessionLost
                | Error::Transport(_) => CONNECTION,
                _ => PROTOCOL,
            },
        }
    }

    /// One word for programs.
    fn kind(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::TotalTimeout(_) => "timeout",
            Self::Missing(_) => "unsupported",
            Self::Interrupted(_) => "interrupted",
            Self::Library(error) => match error {
                Error::Tool(_) => "tool",
                Error::Misuse(_) => "usage",
                Error::Rejected(_) => "not_agreed",
                Error::Timeout { .. } => "timeout",
                Error::Closed(_) | Error::SessionLost => "closed",
                Error::Transport(_) => "transport",
                Error::Peer(_) => "peer",
                Error::PeerIncompatible(_) => "incompatible",
                _ => "protocol",
            },
        }
    }

    /// For people, in one or more lines.
    pub(crate) fn human(&self, paint: Paint) -> String {
        match self {
            Self::Interrupted(_) => format!("{}\n", self.message()),
            // The library's own words: they begin with what happened.
            Self::Library(error @ (Error::Tool(_) | Error::Rejected(_))) => {
                format!("{}\n", plain::lines(&format!("{error:#}")))
            }
            other => {
                let head = paint.paint(Ink::Bad, "error:");
                format!("{head} {}\n", plain::lines(&other.message()))
            }
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let mut error = Map::new();
        error.insert("kind".to_owned(), self.kind().into());
        error.insert("message".to_owned(), self.message().into());
        error.insert("status".to_owned(), self.status().into());
        match self {
            Self::Library(Error::Tool(tool)) => {
                error.insert("result".to_owned(), json!(tool.result));
            }
            Self::Library(Error::Peer(ErrorObject { code, data, .. })) => {
                error.insert("code".to_owned(), code.0.into());
                if let Some(data) = data {
                    error.insert("data".to_owned(), json!(data));
                }
            }
            Self::Library(Error::Rejected(rejection)) => {
                error.insert("profiles".to_owned(), facts(rejection));
            }
            _ => {}
        }
        json!({ "error": error })
    }

    fn message(&self) -> String {
        match self {
            Self::Usage(what) | Self::Missing(what) => what.clone(),
            // The library names its own settings; here they are options.
            Self::Library(Error::Timeout { kind: TimeoutKind::Handshake, detail }) => format!(
                "the server did not answer in time: raise --timeout if it starts slowly{detail}"
            ),
            Self::Library(Error::Timeout { detail, .. }) => format!(
                "neither an answer nor progress in time: raise --timeout if it needs longer{detail}"
            ),
            Self::Library(error) => error.to_string(),
            Self::TotalTimeout(limit) => {
                format!("the command took longer than {} (--total-timeout)", brief(*limit))
            }
            Self::Interrupted(Signal::Interrupt) => "interrupted".to_owned(),
            Self::Interrupted(Signal::Terminate) => "terminated".to_owned(),
            Self::Interrupted(Signal::Hangup) => "the terminal is gone".to_owned(),
        }
    }
}

/// What a rejection says, as JSON.
fn facts(rejection: &Rejection) -> Value {
    json!({
        "requested": rejection.requested(),
        "missing": rejection.missing(),
        "unmet": rejection.unmet_groups(),
        "offered": rejection.supported(),
        "reasons": rejection.reasons(),
        "server": rejection.server(),
        "version": rejection.version(),
    })
}

/// A tool ran and failed.
pub(crate) const TOOL: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// The profiles were not agreed.
pub(crate) const NOT_AGREED: u8 = 3;
/// No connection, or a time-out.
pub(crate) const CONNECTION: u8 = 4;
/// An error of the protocol.
pub(crate) const PROTOCOL: u8 = 5;
