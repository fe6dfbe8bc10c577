//! Methods of extensions: a handler with a name, and what it may return.

use std::borrow::Cow;
use std::fmt;

use mcp_core::types::RawObject;
use mcp_core::version::Era;
use mcp_core::wire::Method;
use serde::Serialize;

use crate::description::{Described, Description, Named, Names};
use crate::handler::{Handler, Run, erase};
use crate::outcome::{Failure, Json, Outcome};
use crate::requires::{Required, Requires};

/// A method that an extension adds: a name and a [`Handler`].
///
/// Its parameters are the handler's arguments, `_meta` apart. Limits, profiles and extractors are
/// those of tools. A [`ToolError`](crate::ToolError) is answered with an error that has its message,
/// under the code of invalid parameters.
///
/// # Examples
/// ```
/// use mcp_server::{ExtensionMethod, Json};
///
/// let add = ExtensionMethod::new("watchlist/add")
///     .params(["title"])
///     .requires("https://vidsrus/mcp-profiles/premium")
///     .handler(async |title: String| Json(serde_json::json!({ "added": title })));
/// assert!(add.problems().is_empty());
/// ```
#[must_use = "a method does nothing until it is added to an extension"]
pub struct ExtensionMethod {
    name: Cow<'static, str>,
    names: Names,
    requires: Requires,
    handler: Option<MethodHandler>,
}

struct MethodHandler {
    describe: fn(&mut Description),
    run: Run<Outcome>,
}

impl ExtensionMethod {
    /// A method with a name, best with a prefix of its own, as in `watchlist/add`.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        let names = Names::ByArgument(Vec::new());
        Self { name: name.into(), names, requires: Requires::default(), handler: None }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names the parameters that the handler takes one by one, in their order; extractors have no
    /// name.
    pub fn params<N: Into<Cow<'static, str>>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        let named = |name: N| Named { name: name.into(), description: Cow::Borrowed("") };
        self.names = Names::ByArgument(names.into_iter().map(named).collect());
        self
    }

    /// The method exists only where this profile is in force. Several calls require all of them.
    pub fn requires(mut self, profile: impl Into<Cow<'static, str>>) -> Self {
        self.requires.push(profile.into());
        self
    }

    /// Callers need a token that grants all of these scopes; see
    /// [`Tool::scopes`](crate::Tool::scopes).
    pub fn scopes<S: Into<Cow<'static, str>>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.requires.push_scopes(scopes);
        self
    }

    /// Sets the function that answers.
    pub fn handler<H, M>(mut self, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoMethodResult,
    {
        let run = erase(handler, |output: Result<H::Output, _>| match output {
            Ok(output) => output.into_outcome(),
            Err(failure) => failed(failure),
        });
        self.handler = Some(MethodHandler { describe: H::describe, run });
        self
    }

    /// What is wrong with the method; the server's `build()` refuses it for that.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.describe().problems;
        self.requires.read(&mut problems);
        problems
    }

    /// Takes it apart: what it requires, and what is called.
    pub(super) fn into_parts(self) -> (Required, Described, Option<Run<Outcome>>) {
        let mut described = self.describe();
        let requires = self.requires.read(&mut described.problems);
        (requires, described, self.handler.map(|handler| handler.run))
    }

    fn describe(&self) -> Described {
        let mut description = Description::new(self.names.clone());
        if let Some(problem) = wrong_name(&self.name) {
            description.problem(problem);
        }
        match &self.handler {
            Some(handler) => (handler.describe)(&mut description),
            None => description.problem("it has no handler: add one with `.handler(…)`"),
        }
        description.finish_without_questions()
    }
}

impl fmt::Debug for ExtensionMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtensionMethod")
            .field("name", &self.name)
            .field("requires", &self.requires)
            .finish_non_exhaustive()
    }
}

/// What a method of an extension may return.
///
/// Implemented for [`Json`] of what is written as an object, for `()`, which is an empty object, for
/// [`RawObject`], [`Outcome`], and [`Result`](crate::Result)s of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a method",
    label = "not a method's result",
    note = "return `Json<T>` of what is written as a JSON object, `()`, or a `Result` of one of them"
)]
pub trait IntoMethodResult {
    /// The outcome that this value stands for.
    fn into_outcome(self) -> Outcome;
}

impl<T: Serialize> IntoMethodResult for Json<T> {
    fn into_outcome(self) -> Outcome {
        match RawObject::new(&self.0) {
            Ok(result) => Outcome::Result(result),
            Err(error) => failed(error.into()),
        }
    }
}

impl IntoMethodResult for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Result(RawObject::empty())
    }
}

impl IntoMethodResult for RawObject {
    fn into_outcome(self) -> Outcome {
        Outcome::Result(self)
    }
}

impl IntoMethodResult for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl<T: IntoMethodResult, E: Into<Failure>> IntoMethodResult for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => failed(error.into()),
        }
    }
}

/// How a method ends that has failed: always with an error.
pub(super) fn failed(failure: Failure) -> Outcome {
    failure.into_error()
}

/// Why a method cannot have this name.
fn wrong_name(name: &str) -> Option<&'static str> {
    let is_known = |era| Method::find(name, era).is_some();
    if name.is_empty() {
        Some("it has no name: give it one, such as `watchlist/add`")
    } else if name.starts_with("notifications/") {
        Some("names that begin with `notifications/` are for notifications")
    } else if name.starts_with("rpc.") {
        Some("names that begin with `rpc.` are kept for JSON-RPC")
    } else if is_known(Era::Legacy) || is_known(Era::Modern) || ASKED.contains(&name) {
        Some("the protocol itself has a method of this name")
    } else {
        None
    }
}

/// Methods that servers ask clients for.
const ASKED: [&str; 3] = ["sampling/createMessage", "elicitation/create", "roots/list"];
