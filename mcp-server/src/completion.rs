//! Completion: what a person may mean who types an argument of a prompt or a variable of a template.
//!
//! Owns the handlers that suggest values, and what they see and return. It does not know which
//! prompt or template a value is for.
//!
//! Specification: 2026-07-28, server utilities, "Completion".

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::future::ready;
use std::sync::Arc;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types::{CompleteRequestParams, CompleteResult, Completion};

use crate::call::{Call, Provided};
use crate::description::{Description, Named, Names, Need};
use crate::extract::{Extracted, Param};
use crate::handler::{Handler, Run, erase};
use crate::item::{CallKind, Item};
use crate::outcome::{Failure, Outcome, Result};

/// What was typed so far: an extractor for handlers that [complete](crate::Prompt::complete).
///
/// # Examples
/// ```
/// use mcp_server::{Prompt, Typed};
///
/// async fn scenes(typed: Typed) -> Vec<String> {
///     let title = typed.context().get("title").map_or("any title", String::as_str);
///     vec![format!("{}… of {title}", typed.text())]
/// }
///
/// let recap = Prompt::new("recap")
///     .params(["title", "scene"])
///     .complete_values("title", ["Metropolis", "Nosferatu"])
///     .complete("scene", scenes)
///     .handler(async |title: String, scene: String| format!("Recap {scene} of {title}."));
/// assert!(recap.problems().is_empty());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    argument: String,
    text: String,
    context: BTreeMap<String, String>,
}

impl Typed {
    /// The name of the argument or variable.
    pub fn argument(&self) -> &str {
        &self.argument
    }

    /// What was typed so far; empty in the beginning.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The arguments that are filled in already, by name. Clients send them since 2025-06-18, if
    /// they do.
    pub fn context(&self) -> &BTreeMap<String, String> {
        &self.context
    }
}

impl Param<Extracted> for Typed {
    fn describe(description: &mut Description) {
        if description.kind() != CallKind::Completion {
            description
                .problem("takes `Typed`, which there is only where an argument is completed");
        }
    }

    fn extract(call: &mut Call<'_>) -> Result<Self> {
        let raw = call.arguments().map_or("{}", |raw| raw.get());
        let params: CompleteRequestParams = serde_json::from_str(raw)
            .map_err(|_| ErrorObject::internal("nothing is completed by this call"))?;
        let context = params.context.and_then(|context| context.arguments).unwrap_or_default();
        let argument = params.argument;
        Ok(Self { argument: argument.name, text: argument.value, context })
    }
}

/// What a handler that completes may return.
///
/// Implemented for lists of text, best first, for [`Completion`], which can say that there are more
/// values than it holds, and for [`Result`](crate::Result)s of these. At most 100 values are sent;
/// of a longer list the first, with the number of all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be what an argument is completed to",
    label = "not a completion",
    note = "return `Vec<String>`, `Completion`, or a `Result` of one of them"
)]
pub trait IntoCompletion {
    /// The outcome that this value stands for.
    fn into_outcome(self) -> Outcome;
}

impl<T: Into<String>> IntoCompletion for Vec<T> {
    fn into_outcome(self) -> Outcome {
        Outcome::Completion(CompleteResult::new(self))
    }
}

impl<T: Into<String>, const N: usize> IntoCompletion for [T; N] {
    fn into_outcome(self) -> Outcome {
        Outcome::Completion(CompleteResult::new(self))
    }
}

impl IntoCompletion for Completion {
    fn into_outcome(self) -> Outcome {
        Outcome::Completion(self.into())
    }
}

impl<T: IntoCompletion, E: Into<Failure>> IntoCompletion for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => error.into().into_error(),
        }
    }
}

/// What completes one argument.
pub(crate) struct Completer {
    pub(crate) argument: Cow<'static, str>,
    describe: fn(&mut Description),
    run: Run<Outcome>,
}

impl Completer {
    pub(crate) fn new<H, M>(argument: Cow<'static, str>, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoCompletion,
    {
        let run = erase(handler, |output: Result<H::Output>| output.into_outcome());
        Self { argument, describe: H::describe, run }
    }

    /// Suggests those of a list that begin with what was typed, whatever the case of its letters.
    pub(crate) fn of_values(argument: Cow<'static, str>, values: Vec<String>) -> Self {
        let run: Run<Outcome> = Arc::new(move |call| {
            let suggested = Typed::extract(call).map(|typed| {
                let begin = typed.text.to_lowercase();
                let fits = |value: &&String| value.to_lowercase().starts_with(&begin);
                values.iter().filter(fits).cloned().collect::<Vec<_>>()
            });
            Box::pin(ready(suggested.into_outcome()))
        });
        Self { argument, describe: |_| {}, run }
    }

    /// What is wrong with the completers of an item that has arguments of these names; what they need
    /// is added to what the item needs.
    pub(crate) fn check(all: &[Self], known: &[&str], needs: &mut Vec<Need>) -> Vec<String> {
        let mut problems = Vec::new();
        for (at, completer) in all.iter().enumerate() {
            let argument = &*completer.argument;
            if !known.contains(&argument) {
                problems.push(format!("`{argument}` is completed, and is no argument"));
            }
            if all[..at].iter().any(|before| before.argument == argument) {
                problems.push(format!("`{argument}` is completed twice"));
            }
            let (needed, found) = completer.describe();
            needs.extend(needed);
            problems.extend(found);
        }
        problems
    }

    /// What the server has to have for it, and what is wrong with it.
    fn describe(&self) -> (Vec<Need>, Vec<String>) {
        let names = Names::ByArgument(Vec::<Named>::new());
        let mut description = Description::of(CallKind::Completion, names);
        (self.describe)(&mut description);
        let described = description.finish_without_questions();
        let about = |problem| format!("what completes `{}`: {problem}", self.argument);
        let mut problems: Vec<String> = described.problems.into_iter().map(about).collect();
        if described.takes_all {
            problems.push(about("a completion has no arguments: take `Typed`".to_owned()));
        }
        (described.needs, problems)
    }

    /// What is called to complete an argument of the item of this name.
    pub(crate) fn into_item(self, provided: &Arc<Provided>) -> (String, Item) {
        let name = self.argument.clone();
        let item = Item::new(name, Vec::new(), provided, Some(self.run));
        (self.argument.into_owned(), item)
    }
}

impl fmt::Debug for Completer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completer").field("argument", &self.argument).finish_non_exhaustive()
    }
}
