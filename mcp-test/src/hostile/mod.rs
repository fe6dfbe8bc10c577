//! A client that means harm, or was written in a hurry.
//!
//! [`lines`] is what it sends, each with the class of answer that MCP asks for; [`check`] sends all of
//! it to a server, each on a connection of its own and in both eras, and tools get arguments that
//! their schemas forbid. After each the server has to be alive: it answers `ping` or
//! `server/discover`, its handlers have not panicked, nothing was answered with "internal error",
//! and it ends with its connection.
//!
//! ```
//! use mcp_server::{Server, Tool};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), mcp_test::Error> {
//! let add = Tool::new("add").params(["a", "b"]).handler(async |a: f64, b: f64| a + b);
//! let report = mcp_test::hostile::check(Server::builder("adder", "1.0").tool(add)).await?;
//! assert!(report.cases() > 100);
//! # Ok(())
//! # }
//! ```
//!
//! What no schema forbids is sent to a tool only if a test names it, since it does what the tool
//! does: see [`Attack::call`].

mod arguments;
mod lines;
mod session;

use std::fmt;

use mcp_core::version::Era;
use mcp_core::{Principal, Tenant};
use mcp_server::Server;
use serde_json::Value;

pub use lines::lines;

use crate::diff::cut;
use crate::error::Error;
use crate::pair::{ERAS, IntoServer};

/// Sends everything to a server and says how it fared; see [`Attack`] for more.
///
/// # Errors
///
/// [`Error::Mismatch`] lists all that is wrong. [`Error::Mcp`] when the server cannot be built.
pub async fn check(server: impl IntoServer) -> Result<Report, Error> {
    Attack::on(server).run().await
}

/// Something that no client should send.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Case {
    /// What is wrong with it.
    pub name: String,
    /// The bytes, as they are sent; the last line feed included.
    pub bytes: Vec<u8>,
    /// The era whose connections it belongs on; `None` for any.
    pub era: Option<Era>,
    /// What a server has to do about it.
    pub expected: Expected,
}

/// The class of answer that something gets.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Expected {
    /// One error response, with one of these codes.
    Refused(&'static [i64]),
    /// One error response, or a tool's result that says that it failed.
    Failed,
    /// One response of any kind.
    Answered,
    /// Nothing.
    Ignored,
    /// Whatever; the server only has to survive.
    Survived,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(codes) => {
                let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
                write!(f, "one error with code {}", codes.join(" or "))
            }
            Self::Failed => f.write_str("one error, or one result with `isError`"),
            Self::Answered => f.write_str("one answer"),
            Self::Ignored => f.write_str("no answer"),
            Self::Survived => f.write_str("anything"),
        }
    }
}

/// What is sent to which server, and by whom.
#[derive(Debug)]
#[must_use = "nothing is sent before `run`"]
pub struct Attack {
    server: Result<Server, mcp_core::Error>,
    principal: Option<Principal>,
    tenant: Option<Tenant>,
    profiles: Vec<String>,
    calls: Vec<(String, Value)>,
    more: Vec<Case>,
}

impl Attack {
    /// Everything of [`lines`], and to each tool arguments that its schema forbids.
    pub fn on(server: impl IntoServer) -> Self {
        Self {
            server: server.into_server(),
            principal: None,
            tenant: None,
            profiles: Vec::new(),
            calls: Vec::new(),
            more: Vec::new(),
        }
    }

    /// Says who attacks; otherwise it is the server's
    /// [`local_principal`](mcp_server::Builder::local_principal).
    pub fn principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// Says whose deployment is attacked.
    pub fn tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Asks for a profile on every connection, for servers that serve nobody without.
    pub fn request(mut self, profile: impl Into<String>) -> Self {
        self.profiles.push(profile.into());
        self
    }

    /// Calls a tool many times with arguments that its schema may allow: these, with each string and
    /// each number in turn replaced by a nasty one (paths out of the folder, a megabyte, control
    /// characters, the largest integer, …).
    ///
    /// The tool runs, and does what it does.
    pub fn call(mut self, tool: impl Into<String>, arguments: Value) -> Self {
        self.calls.push((tool.into(), arguments));
        self
    }

    /// Sends something else too.
    pub fn also(mut self, name: &str, bytes: impl Into<Vec<u8>>, expected: Expected) -> Self {
        let (name, bytes) = (name.to_owned(), bytes.into());
        self.more.push(Case { name, bytes, era: None, expected });
        self
    }

    /// Sends everything.
    ///
    /// # Errors
    ///
    /// As [`check`].
    pub async fn run(self) -> Result<Report, Error> {
        let Self { server, principal, tenant, profiles, calls, more } = self;
        let target = session::Target { server: server?, principal, tenant, profiles };
        let mut report = Report::default();
        for era in ERAS {
            let Some(tools) = target.tools(era).await? else { continue };
            let mut cases = lines();
            cases.extend(more.iter().cloned());
            cases.extend(tools.iter().flat_map(|tool| arguments::forbidden(tool, era)));
            for (tool, valid) in &calls {
                cases.extend(arguments::nasty(tool, valid, era));
            }
            cases.retain(|case| case.era.is_none_or(|only| only == era));
            for case in cases {
                report.cases += 1;
                if let Some(problem) = target.suffer(era, &case).await {
                    let sent =
                        cut(&String::from_utf8_lossy(&case.bytes).escape_debug().to_string());
                    report.findings.push(Finding { case: case.name, era, sent, problem });
                }
            }
        }
        if report.cases == 0 {
            return Err(Error::Mismatch(
                "no connection could be opened in either era: does the server demand a profile? \
                 Ask for it with `Attack::request`"
                    .to_owned(),
            ));
        }
        match report.findings.is_empty() {
            true => Ok(report),
            false => Err(Error::Mismatch(report.to_string())),
        }
    }
}

/// How a server fared.
#[derive(Debug, Clone, Default)]
pub struct Report {
    cases: usize,
    findings: Vec<Finding>,
}

impl Report {
    /// How many things were sent, each on a connection of its own.
    pub fn cases(&self) -> usize {
        self.cases
    }
}

#[derive(Debug, Clone)]
struct Finding {
    case: String,
    era: Era,
    sent: String,
    problem: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} hostile cases, {} of them went wrong", self.cases, self.findings.len())?;
        for Finding { case, era, sent, problem } in &self.findings {
            let sent: String = sent.chars().take(SHOWN).collect();
            write!(f, "\n- {case} ({era} era): {problem}\n  sent  {sent}")?;
        }
        Ok(())
    }
}

/// How many characters of a case are shown.
const SHOWN: usize = 200;
