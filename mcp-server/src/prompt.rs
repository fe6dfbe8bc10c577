//! Prompts: what a server offers a person to begin with.
//!
//! Owns the builder value [`Prompt`], how functions become prompts, and what they may return. It does
//! not know which server the prompt is for.
//!
//! Specification: 2026-07-28, server, "Prompts".

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::mem;
use std::sync::Arc;

use mcp_core::types::{
    self, ContentBlock, GetPromptResult, Icon, Meta, PromptArgument, PromptMessage,
};
use tower_layer::Layer;
use tower_service::Service;

use crate::ask::{Asks, InputRequired};
use crate::call::Provided;
use crate::completion::{Completer, IntoCompletion};
use crate::description::{Described, Description, Named, Names, Need};
use crate::extract::Param;
use crate::handler::{Free, Handler, Method, MethodFn, Run, each_arity, erase};
use crate::item::{CallKind, Item, around_item};
use crate::layer::{Next, ToolCall, Wrap, wrap};
use crate::outcome::{Failure, Outcome, Result};
use crate::requires::{Required, Requires};
use crate::strings::Strings;
use crate::tool::{Informed, Noted};

/// A prompt: a name, a [`Handler`] that writes its messages, and what people are told about it.
///
/// `#[prompt]` makes one out of a function; this is the same by hand. The order of the calls does not
/// matter. Mistakes are collected and reported by the server's `build()`, or by
/// [`problems`](Self::problems).
///
/// Arguments are strings on the wire. They are parsed into what the handler takes: text, numbers,
/// `bool`, enums without fields, types that read themselves from a string, and `Option`s of these,
/// for which an empty string is `None`. What does not parse is answered with an error that names the
/// argument, and the handler does not run.
///
/// # Examples
/// ```
/// use mcp_server::Prompt;
///
/// let recap = Prompt::new("recap")
///     .description("Recaps a title up to a minute.")
///     .param("title", "What to recap")
///     .param("minute", "Up to which minute")
///     .handler(async |title: String, minute: Option<u32>| match minute {
///         Some(minute) => format!("Recap the first {minute} minutes of {title}."),
///         None => format!("Recap {title}."),
///     });
/// assert!(recap.problems().is_empty());
/// assert!(recap.definition().arguments[0].is_required());
/// ```
#[must_use = "a prompt does nothing until it is added to a server"]
pub struct Prompt {
    name: Cow<'static, str>,
    title: Option<String>,
    description: Option<String>,
    names: Names,
    icons: Vec<Icon>,
    meta: Option<Meta>,
    requires: Requires,
    layers: Vec<Wrap>,
    completers: Vec<Completer>,
    handler: Option<PromptHandler>,
}

struct PromptHandler {
    describe: fn(&mut Description),
    run: Run<Outcome>,
}

impl Prompt {
    /// A prompt with a name.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            names: Names::ByArgument(Vec::new()),
            icons: Vec::new(),
            meta: None,
            requires: Requires::default(),
            layers: Vec::new(),
            completers: Vec::new(),
            handler: None,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes the name.
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says what the prompt is for.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Names the arguments of the handler in their order; extractors have no name.
    pub fn params<N: Into<Cow<'static, str>>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.names = Names::by_argument(names);
        self
    }

    /// Describes an argument; one that has no name yet is named so, after the others.
    pub fn param(
        mut self,
        name: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.names.describe(Named { name: name.into(), description: description.into() });
        self
    }

    /// Names and describes every parameter of the handler, extractors included, as `#[prompt]` does.
    ///
    /// A parameter without a name has the name `""`.
    pub fn signature(
        mut self,
        parameters: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Self {
        self.names = Names::by_parameter(parameters);
        self
    }

    /// Adds a picture to show beside the name.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Sets the prompt's own `_meta`.
    pub fn meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// The prompt exists only where this profile is in force. Several calls require all of them.
    pub fn requires(mut self, profile: impl Into<Cow<'static, str>>) -> Self {
        self.requires.push(profile.into());
        self
    }

    /// Callers need a token that grants all of these scopes; several calls add up.
    ///
    /// They are asked for them once the prompt exists for them, before anything of it runs: over HTTP
    /// with status 403 and a challenge that names the scopes, or 401 without a token (2026-07-28,
    /// basic/authorization, "Scope Challenge Handling"). Whoever runs this process, over stdio, needs
    /// none.
    pub fn scopes<S: Into<Cow<'static, str>>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.requires.push_scopes(scopes);
        self
    }

    /// Puts a layer around getting this prompt, inside those around the server; the first layer
    /// sees a call first.
    ///
    /// See [`Builder::layer`](crate::Builder::layer).
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next> + Send + Sync + 'static,
        L::Service: Service<ToolCall, Response = Outcome, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<ToolCall>>::Future: Send + 'static,
    {
        self.layers.push(wrap(layer));
        self
    }

    /// Suggests values for an argument while it is typed: a handler that takes
    /// [`Typed`](crate::Typed).
    pub fn complete<H, M>(mut self, argument: impl Into<Cow<'static, str>>, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoCompletion,
    {
        self.completers.push(Completer::new(argument.into(), handler));
        self
    }

    /// Suggests those of these values that begin with what was typed.
    pub fn complete_values<V: Into<String>>(
        mut self,
        argument: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.completers.push(Completer::of_values(argument.into(), values));
        self
    }

    /// Sets the function that writes the messages.
    pub fn handler<H, M>(mut self, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoPromptResult,
    {
        let typed = erase(handler, |output: Result<H::Output>| output.into_outcome());
        let run: Run<Outcome> =
            Arc::new(move |call| match Strings::from_json(call.callee(), call.arguments()) {
                Ok(strings) => typed(&mut call.with_strings(&strings)),
                Err(error) => Box::pin(ready(Failure::from(error).into_error())),
            });
        self.handler = Some(PromptHandler { describe: H::describe, run });
        self
    }

    /// What clients are told about the prompt.
    pub fn definition(&self) -> types::Prompt {
        self.define(&self.describe())
    }

    /// What is wrong with the prompt; the server's `build()` refuses it for that.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.describe().problems;
        self.requires.read(&mut problems);
        problems
    }

    /// Fixes the prompt as it is served.
    pub(crate) fn build(self) -> BuiltPrompt {
        let mut described = self.describe();
        let definition = self.define(&described);
        let requires = self.requires.read(&mut described.problems);
        let Described { arguments, needs, asks, problems, .. } = described;
        let run = self.handler.map(|handler| handler.run);
        let (completers, layers) = (self.completers, self.layers);
        BuiltPrompt {
            definition,
            arguments,
            needs,
            asks,
            problems,
            requires,
            completers,
            run,
            layers,
        }
    }

    fn describe(&self) -> Described {
        let mut description = Description::of(CallKind::Prompt, self.names.clone());
        if self.name.is_empty() {
            description.problem("it has no name: give it one");
        }
        match &self.handler {
            Some(handler) => (handler.describe)(&mut description),
            None => description.problem("it has no handler: add one with `.handler(…)`"),
        }
        let mut described = description.finish();
        let known: Vec<&str> = described.listed.iter().map(|listed| &*listed.name).collect();
        let problems = Completer::check(&self.completers, &known, &mut described.needs);
        described.problems.extend(problems);
        described
    }

    fn define(&self, described: &Described) -> types::Prompt {
        let mut prompt = types::Prompt::new(&*self.name);
        prompt.title.clone_from(&self.title);
        prompt.description.clone_from(&self.description);
        prompt.arguments = described
            .listed
            .iter()
            .map(|listed| {
                let mut argument = PromptArgument::new(&*listed.name);
                argument.title.clone_from(&listed.title);
                argument.description.clone_from(&listed.description);
                argument.required = Some(listed.required);
                argument
            })
            .collect();
        prompt.icons.clone_from(&self.icons);
        prompt.meta.clone_from(&self.meta);
        prompt
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("name", &self.name)
            .field("requires", &self.requires)
            .field("completers", &self.completers)
            .finish_non_exhaustive()
    }
}

/// A prompt as it is served.
pub(crate) struct BuiltPrompt {
    /// What clients are told about it.
    pub(crate) definition: types::Prompt,
    arguments: Vec<Cow<'static, str>>,
    /// What the server has to have for it.
    pub(crate) needs: Vec<Need>,
    /// Why it cannot be served.
    pub(crate) problems: Vec<String>,
    /// What has to be in force, and granted.
    pub(crate) requires: Required,
    pub(crate) completers: Vec<Completer>,
    asks: Asks,
    run: Option<Run<Outcome>>,
    layers: Vec<Wrap>,
}

impl BuiltPrompt {
    /// What is called, with what it may take from its server.
    pub(crate) fn item(&mut self, provided: &Arc<Provided>) -> Item {
        let (name, arguments) = (self.definition.name.clone(), mem::take(&mut self.arguments));
        Item {
            asks: mem::take(&mut self.asks),
            layers: around_item(&self.layers),
            ..Item::new(name, arguments, provided, self.run.take())
        }
    }
}

/// What a prompt may return.
///
/// Text and content are one message of the user. Implemented for text, [`ContentBlock`],
/// [`PromptMessage`], lists of messages, [`GetPromptResult`], and [`Result`](crate::Result)s of these.
/// A [`ToolError`](crate::ToolError) is answered with an error that has its message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a prompt",
    label = "not a prompt's result",
    note = "return text, `PromptMessage`, `Vec<PromptMessage>`, `GetPromptResult`, or a `Result` of one of them"
)]
pub trait IntoPromptResult {
    /// The outcome that this value stands for.
    fn into_outcome(self) -> Outcome;
}

macro_rules! as_one_message {
    ($($type:ty),*) => { $(
        impl IntoPromptResult for $type {
            fn into_outcome(self) -> Outcome {
                [PromptMessage::user(ContentBlock::from(self))].into_outcome()
            }
        }
    )* };
}

as_one_message!(String, &'static str, ContentBlock);

impl IntoPromptResult for PromptMessage {
    fn into_outcome(self) -> Outcome {
        [self].into_outcome()
    }
}

impl<const N: usize> IntoPromptResult for [PromptMessage; N] {
    fn into_outcome(self) -> Outcome {
        Outcome::Prompt(GetPromptResult::new(self))
    }
}

impl IntoPromptResult for Vec<PromptMessage> {
    fn into_outcome(self) -> Outcome {
        Outcome::Prompt(GetPromptResult::new(self))
    }
}

impl IntoPromptResult for GetPromptResult {
    fn into_outcome(self) -> Outcome {
        Outcome::Prompt(self)
    }
}

impl IntoPromptResult for InputRequired {
    fn into_outcome(self) -> Outcome {
        Outcome::InputRequired(self)
    }
}

impl IntoPromptResult for Outcome {
    fn into_outcome(self) -> Outcome {
        self
    }
}

impl<T: IntoPromptResult, E: Into<Failure>> IntoPromptResult for Result<T, E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(value) => value.into_outcome(),
            Err(error) => error.into().into_error(),
        }
    }
}

/// What can be added to a server as a prompt: a `#[prompt]` function or method, or a [`Prompt`].
///
/// `M` tells the kinds apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a prompt",
    label = "not a prompt",
    note = "write `#[prompt]` above the function, or use `Prompt::new(\"name\").handler(f)`"
)]
pub trait IntoPrompt<M> {
    /// The prompt.
    fn into_prompt(self) -> Prompt;
}

impl IntoPrompt<()> for Prompt {
    fn into_prompt(self) -> Prompt {
        self
    }
}

/// The methods of [`Prompt`] that are wanted on a bare `#[prompt]` function.
pub trait PromptExt<M>: IntoPrompt<M> + Sized {
    /// See [`Prompt::named`].
    fn named(self, name: impl Into<Cow<'static, str>>) -> Prompt {
        self.into_prompt().named(name)
    }

    /// See [`Prompt::title`].
    fn title(self, title: impl Into<String>) -> Prompt {
        self.into_prompt().title(title)
    }

    /// See [`Prompt::description`].
    fn description(self, description: impl Into<String>) -> Prompt {
        self.into_prompt().description(description)
    }

    /// See [`Prompt::icon`].
    fn icon(self, icon: Icon) -> Prompt {
        self.into_prompt().icon(icon)
    }

    /// See [`Prompt::requires`].
    fn requires(self, profile: impl Into<Cow<'static, str>>) -> Prompt {
        self.into_prompt().requires(profile)
    }

    /// See [`Prompt::scopes`].
    fn scopes<S: Into<Cow<'static, str>>>(self, scopes: impl IntoIterator<Item = S>) -> Prompt {
        self.into_prompt().scopes(scopes)
    }
}

impl<M, T: IntoPrompt<M>> PromptExt<M> for T {}

/// A future that knows the prompt it is a call of: what a `#[prompt]` function returns.
#[diagnostic::on_unimplemented(
    message = "this function is not a prompt",
    label = "its future does not say which prompt it belongs to",
    note = "write `#[prompt]` above the function, or use `Prompt::new(\"name\").handler(f)`"
)]
#[must_use = "futures do nothing unless they are awaited"]
pub trait PromptFuture: Future + Send {
    /// The prompt.
    type Info: PromptInfo;
}

/// The prompt that a `#[prompt]` function is, without its handler.
pub trait PromptInfo: 'static {
    /// Name, description, names of the parameters, completions.
    fn prompt() -> Prompt;
}

impl<I: PromptInfo, F: Future + Send> PromptFuture for Informed<I, F> {
    type Info = I;
}

macro_rules! prompts {
    ($($at:literal: $M:ident $T:ident),*) => {
        impl<F, Fut, $($M, $T),*> IntoPrompt<Noted<Free<($(($M, $T),)*)>>> for F
        where
            F: Fn($($T),*) -> Fut + Send + Sync + 'static,
            Fut: PromptFuture + 'static,
            Fut::Output: IntoPromptResult,
            $($T: Param<$M>),*
        {
            fn into_prompt(self) -> Prompt {
                Fut::Info::prompt().handler::<F, Free<($(($M, $T),)*)>>(self)
            }
        }

        impl<F, S, R, $($M, $T),*> IntoPrompt<Noted<Method<S, ($(($M, $T),)*)>>> for F
        where
            F: for<'a> MethodFn<'a, S, ($($T,)*), Output = R>,
            for<'a> <F as MethodFn<'a, S, ($($T,)*)>>::Future: PromptFuture,
            S: Send + Sync + 'static,
            R: IntoPromptResult + Send + 'static,
            $($T: Param<$M>),*
        {
            fn into_prompt(self) -> Prompt {
                type Info<F, S, P> = <<F as MethodFn<'static, S, P>>::Future as PromptFuture>::Info;
                Info::<F, S, ($($T,)*)>::prompt().handler::<F, Method<S, ($(($M, $T),)*)>>(self)
            }
        }
    };
}

each_arity!(prompts);
