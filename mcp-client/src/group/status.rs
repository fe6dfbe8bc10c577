//! How a server of a group is doing.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use mcp_core::Error;
use mcp_core::session::client::Agreed;

use crate::handshake::now;
use crate::text::one_line;

/// How a server of a group is doing.
///
/// It is shown as one line, for instance `connected: vidsrus 1.0, MCP 2026-07-28, 3 tools`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Status {
    /// It is being started, or waits for its turn.
    #[non_exhaustive]
    Starting {
        /// How many attempts have failed in a row before.
        failures: u32,
    },
    /// It can be called.
    #[non_exhaustive]
    Connected {
        /// What was agreed on when it was connected.
        agreed: Arc<Agreed>,
        /// How many of its tools are used.
        tools: usize,
        /// Since when.
        since: Instant,
        /// Why its lists could not be read, the last time they were.
        problem: Option<Arc<Error>>,
    },
    /// It ended or did not start.
    #[non_exhaustive]
    Failed {
        /// Why.
        error: Arc<Error>,
        /// When it will be tried again; `None` when it will not.
        retry_at: Option<Instant>,
    },
    /// The configuration says that it is not to be used.
    Disabled,
    /// It was stopped with the group.
    Stopped,
}

impl Status {
    /// Whether it can be called.
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }

    /// Why it cannot be called, if something went wrong.
    pub fn error(&self) -> Option<&Arc<Error>> {
        match self {
            Self::Failed { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting { failures: 0 } => f.write_str("starting"),
            Self::Starting { failures } => write!(f, "starting again, after {failures} failed"),
            Self::Connected { agreed, tools, problem, .. } => {
                f.write_str("connected: ")?;
                if let Some(info) = &agreed.server().server_info {
                    write!(
                        f,
                        "{} {}, ",
                        one_line(&info.name, NAME),
                        one_line(&info.version, NAME)
                    )?;
                }
                let plural = if *tools == 1 { "" } else { "s" };
                write!(f, "MCP {}, {tools} tool{plural}", agreed.version())?;
                match problem {
                    Some(problem) => write!(f, "; its lists cannot be read: {problem}"),
                    None => Ok(()),
                }
            }
            Self::Failed { error, retry_at } => {
                write!(f, "failed: {error}")?;
                match retry_at {
                    Some(at) => {
                        let left = at.saturating_duration_since(now()).as_secs_f64();
                        write!(f, "; tried again in {left:.1} s")
                    }
                    None => Ok(()),
                }
            }
            Self::Disabled => f.write_str("disabled"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// How many characters of a server's name are shown.
const NAME: usize = 100;
