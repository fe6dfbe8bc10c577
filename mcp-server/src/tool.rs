//! Tools: a handler with its name, its description and what it takes to call it.
//!
//! Owns the builder value [`Tool`] and how functions become tools. It does not know which server the
//! tool is for.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use mcp_core::http::param::mirrored_params;
use mcp_core::types::{self, Icon, Meta, Schema, ToolAnnotations, is_valid_tool_name};
use tower_layer::Layer;
use tower_service::Service;

use crate::ask::Asks;
use crate::call::Provided;
#[cfg(feature = "json-schema")]
use crate::checked::HandWritten;
use crate::description::{Described, Description, Named, Names, Need};
use crate::extract::Param;
use crate::handler::{Free, Handler, Method, MethodFn, Run, each_arity, erase};
use crate::item::{Item, around_item};
use crate::layer::{Next, ToolCall, Wrap, wrap};
use crate::outcome::{IntoToolResult, Outcome};
use crate::requires::{Required, Requires};
use crate::tasks::TaskMode;

/// A tool: a name, a [`Handler`], and what clients and models are told about it.
///
/// `#[tool]` makes one out of a function; this is the same by hand. The order of the calls does not
/// matter. Mistakes are collected and reported by the server's `build()`, or by
/// [`problems`](Self::problems).
///
/// # Examples
/// ```
/// use mcp_server::Tool;
///
/// let add = Tool::new("add")
///     .description("Adds two numbers.")
///     .params(["a", "b"])
///     .read_only()
///     .handler(async |a: f64, b: f64| a + b);
/// assert!(add.problems().is_empty());
/// ```
#[must_use = "a tool does nothing until it is added to a server"]
pub struct Tool {
    name: Cow<'static, str>,
    title: Option<String>,
    description: Option<String>,
    names: Names,
    annotations: ToolAnnotations,
    icons: Vec<Icon>,
    meta: Option<Meta>,
    requires: Requires,
    layers: Vec<Wrap>,
    task: TaskMode,
    #[cfg(feature = "json-schema")]
    hand_written: HandWritten,
    handler: Option<ToolHandler>,
}

struct ToolHandler {
    describe: fn(&mut Description),
    output_schema: fn() -> Option<Schema>,
    run: Run<Outcome>,
}

impl Tool {
    /// A tool with a name: 1 to 128 ASCII letters, digits, underscores, hyphens and dots.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            names: Names::ByArgument(Vec::new()),
            annotations: ToolAnnotations::new(),
            icons: Vec::new(),
            meta: None,
            requires: Requires::default(),
            layers: Vec::new(),
            task: TaskMode::Forbidden,
            #[cfg(feature = "json-schema")]
            hand_written: HandWritten::default(),
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

    /// Says what the tool does, for the model.
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

    /// Describes an argument for the model; one that has no name yet is named so, after the others.
    pub fn param(
        mut self,
        name: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.names.describe(Named { name: name.into(), description: description.into() });
        self
    }

    /// Names and describes every parameter of the handler, extractors included, as `#[tool]` does.
    ///
    /// A parameter without a name has the name `""`.
    pub fn signature(
        mut self,
        parameters: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Self {
        self.names = Names::by_parameter(parameters);
        self
    }

    /// Sets all hints on what calling the tool does.
    pub fn annotations(mut self, annotations: ToolAnnotations) -> Self {
        self.annotations = annotations;
        self
    }

    /// Hints that the tool changes nothing.
    pub fn read_only(mut self) -> Self {
        self.annotations.read_only_hint = Some(true);
        self
    }

    /// Hints that the tool may destroy something.
    pub fn destructive(mut self) -> Self {
        self.annotations.destructive_hint = Some(true);
        self
    }

    /// Hints that the tool changes something, but only adds to it.
    pub fn additive(mut self) -> Self {
        self.annotations.destructive_hint = Some(false);
        self
    }

    /// Hints that a second call with the same arguments changes nothing more.
    pub fn idempotent(mut self) -> Self {
        self.annotations.idempotent_hint = Some(true);
        self
    }

    /// Hints whether the tool deals with the outside world.
    pub fn open_world(mut self, open: bool) -> Self {
        self.annotations.open_world_hint = Some(open);
        self
    }

    /// Adds a picture to show beside the name.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Sets the tool's own `_meta`.
    pub fn meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// The tool exists only where this profile is in force. Several calls require all of them.
    pub fn requires(mut self, profile: impl Into<Cow<'static, str>>) -> Self {
        self.requires.push(profile.into());
        self
    }

    /// Callers need a token that grants all of these scopes; several calls add up.
    ///
    /// They are asked for them once the tool exists for them, before anything of it runs: over HTTP
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

    /// Describes the arguments by a schema of your own, against which they are checked; the handler
    /// takes them as [`Args`](crate::Args) of a type that fits, or of `serde_json::Value`.
    ///
    /// It is JSON Schema 2020-12 unless it says otherwise, with an object at its root; nothing that
    /// it refers to is fetched.
    #[cfg(feature = "json-schema")]
    pub fn input_schema(mut self, schema: Schema) -> Self {
        self.hand_written.input = Some(schema);
        self
    }

    /// Describes the structured content of results by a schema of your own, against which it is
    /// checked; what does not fit is logged and answered with an internal error.
    ///
    /// For handlers that return a whole [`CallToolResult`](crate::CallToolResult): that of
    /// [`Json`](crate::Json) has a schema already. Up to 2025-11-25 the root has to be an object.
    #[cfg(feature = "json-schema")]
    pub fn output_schema(mut self, schema: Schema) -> Self {
        self.hand_written.output = Some(schema);
        self
    }

    /// Puts a layer around calls of this tool, inside those around the server; the first layer
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

    /// Says whether calls go on as [tasks](crate::Builder::tasks) when they take long; they do not
    /// unless set.
    pub fn task(mut self, mode: TaskMode) -> Self {
        self.task = mode;
        self
    }

    /// Sets the function that answers calls.
    pub fn handler<H, M>(mut self, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoToolResult,
    {
        let run = erase(handler, |output: Result<H::Output, _>| output.into_outcome());
        let output_schema = H::Output::output_schema;
        self.handler = Some(ToolHandler { describe: H::describe, output_schema, run });
        self
    }

    /// What clients are told about the tool.
    pub fn definition(&self) -> types::Tool {
        self.define(self.describe().input_schema)
    }

    /// What is wrong with the tool; the server's `build()` refuses it for that.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.describe().problems;
        self.requires.read(&mut problems);
        #[cfg(feature = "json-schema")]
        self.hand_written.around(None, &mut problems);
        mirrored(&self.definition(), &mut problems);
        problems
    }

    /// Fixes the tool as it is served.
    pub(crate) fn build(self) -> BuiltTool {
        let Described { input_schema, arguments, mut needs, mut asks, mut problems, .. } =
            self.describe();
        let definition = self.define(input_schema);
        let requires = self.requires.read(&mut problems);
        let run = self.handler.map(|handler| handler.run);
        #[cfg(feature = "json-schema")]
        let run = self.hand_written.around(run, &mut problems);
        // What changes nothing, or nothing more, may be answered again with the same state.
        let hints = &self.annotations;
        asks.once = hints.read_only_hint != Some(true) && hints.idempotent_hint != Some(true);
        let layers = self.layers;
        if self.task != TaskMode::Forbidden {
            needs.push(Need::Tasks);
        }
        let task = self.task;
        mirrored(&definition, &mut problems);
        BuiltTool { definition, arguments, needs, asks, problems, requires, run, layers, task }
    }

    fn describe(&self) -> Described {
        let mut description = Description::new(self.names.clone());
        if !is_valid_tool_name(&self.name) {
            description.problem(format!(
                "`{}` is no name for a tool: use 1 to 128 of `A-Z a-z 0-9 _ - .`",
                self.name
            ));
        }
        match &self.handler {
            Some(handler) => (handler.describe)(&mut description),
            None => description.problem("it has no handler: add one with `.handler(…)`"),
        }
        description.finish()
    }

    fn define(&self, input_schema: Schema) -> types::Tool {
        let mut tool = types::Tool::new(&*self.name, input_schema);
        tool.title.clone_from(&self.title);
        tool.description.clone_from(&self.description);
        tool.output_schema = self.handler.as_ref().and_then(|handler| (handler.output_schema)());
        #[cfg(feature = "json-schema")]
        {
            let HandWritten { input, output } = &self.hand_written;
            tool.input_schema = input.clone().unwrap_or(tool.input_schema);
            tool.output_schema = output.clone().or(tool.output_schema);
        }
        tool.annotations =
            (self.annotations != ToolAnnotations::new()).then(|| self.annotations.clone());
        tool.icons.clone_from(&self.icons);
        tool.meta.clone_from(&self.meta);
        tool
    }
}

/// The arguments that clients mirror into headers, and what is wrong with saying so.
fn mirrored(definition: &types::Tool, problems: &mut Vec<String>) {
    if let Err(problem) = mirrored_params(definition.input_schema.as_raw()) {
        problems.push(format!("its input schema: {problem}"));
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("name", &self.name)
            .field("requires", &self.requires)
            .finish_non_exhaustive()
    }
}

/// A tool as it is served.
pub(crate) struct BuiltTool {
    /// What clients are told about it.
    pub(crate) definition: types::Tool,
    /// What the server has to have for it.
    pub(crate) needs: Vec<Need>,
    /// Why it cannot be served; calls are made only where there is nothing here.
    pub(crate) problems: Vec<String>,
    /// What has to be in force, and granted.
    pub(crate) requires: Required,
    /// Whether calls become tasks.
    pub(crate) task: TaskMode,
    arguments: Vec<Cow<'static, str>>,
    asks: Asks,
    run: Option<Run<Outcome>>,
    layers: Vec<Wrap>,
}

impl BuiltTool {
    /// What is called, with what it may take from its server.
    pub(crate) fn into_item(self, provided: &Arc<Provided>) -> Item {
        Item {
            asks: self.asks,
            layers: around_item(&self.layers),
            ..Item::new(self.definition.name, self.arguments, provided, self.run)
        }
    }
}

impl fmt::Debug for BuiltTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltTool")
            .field("definition", &self.definition)
            .field("requires", &self.requires)
            .finish_non_exhaustive()
    }
}

/// What can be added to a server as a tool: a `#[tool]` function or method, or a [`Tool`].
///
/// `M` tells the kinds apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool",
    label = "not a tool",
    note = "write `#[tool]` above the function, or use `Tool::new(\"name\").handler(f)`"
)]
pub trait IntoTool<M> {
    /// The tool.
    fn into_tool(self) -> Tool;
}

impl IntoTool<()> for Tool {
    fn into_tool(self) -> Tool {
        self
    }
}

/// The methods of [`Tool`] that are wanted on a bare `#[tool]` function.
///
/// # Examples
/// ```
/// # #[cfg(feature = "macros")] {
/// use mcp_server::{ToolExt, tool};
///
/// /// Cuts a clip out of a title.
/// #[tool]
/// async fn clip(title: String, seconds: u32) -> String {
///     format!("{seconds} s of {title}")
/// }
///
/// let premium = clip.requires("https://vidsrus/mcp-profiles/premium").title("Clip");
/// # assert!(premium.problems().is_empty());
/// # }
/// ```
pub trait ToolExt<M>: IntoTool<M> + Sized {
    /// See [`Tool::named`].
    fn named(self, name: impl Into<Cow<'static, str>>) -> Tool {
        self.into_tool().named(name)
    }

    /// See [`Tool::title`].
    fn title(self, title: impl Into<String>) -> Tool {
        self.into_tool().title(title)
    }

    /// See [`Tool::description`].
    fn description(self, description: impl Into<String>) -> Tool {
        self.into_tool().description(description)
    }

    /// See [`Tool::icon`].
    fn icon(self, icon: Icon) -> Tool {
        self.into_tool().icon(icon)
    }

    /// See [`Tool::layer`].
    fn layer<L>(self, layer: L) -> Tool
    where
        L: Layer<Next> + Send + Sync + 'static,
        L::Service: Service<ToolCall, Response = Outcome, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<ToolCall>>::Future: Send + 'static,
    {
        self.into_tool().layer(layer)
    }

    /// See [`Tool::task`].
    fn task(self, mode: TaskMode) -> Tool {
        self.into_tool().task(mode)
    }

    /// See [`Tool::requires`].
    fn requires(self, profile: impl Into<Cow<'static, str>>) -> Tool {
        self.into_tool().requires(profile)
    }

    /// See [`Tool::scopes`].
    fn scopes<S: Into<Cow<'static, str>>>(self, scopes: impl IntoIterator<Item = S>) -> Tool {
        self.into_tool().scopes(scopes)
    }
}

impl<M, T: IntoTool<M>> ToolExt<M> for T {}

/// A future that knows the tool it is a call of: what a `#[tool]` function returns.
#[diagnostic::on_unimplemented(
    message = "this function is not a tool",
    label = "its future does not say which tool it belongs to",
    note = "write `#[tool]` above the function, or use `Tool::new(\"name\").handler(f)`"
)]
#[must_use = "futures do nothing unless they are awaited"]
pub trait ToolFuture: Future + Send {
    /// The tool.
    type Info: ToolInfo;
}

/// The tool that a `#[tool]` function is, without its handler.
pub trait ToolInfo: 'static {
    /// Name, description, names of the parameters, hints.
    fn tool() -> Tool;
}

pin_project_lite::pin_project! {
    /// A future with the [`ToolInfo`], [`PromptInfo`](crate::PromptInfo) or
    /// [`ResourceInfo`](crate::ResourceInfo) `I`.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Informed<I, F> {
        #[pin]
        future: F,
        info: PhantomData<fn() -> I>,
    }
}

impl<I: 'static, F: Future + Send> Informed<I, F> {
    /// Says which tool, prompt or resource the future belongs to.
    pub fn new(future: F) -> Self {
        Self { future, info: PhantomData }
    }
}

impl<I, F: Future> Future for Informed<I, F> {
    type Output = F::Output;

    fn poll(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<I: ToolInfo, F: Future + Send> ToolFuture for Informed<I, F> {
    type Info = I;
}

/// Marks a function that carries its own [`ToolInfo`] or the like; see [`IntoTool`].
#[derive(Debug)]
pub struct Noted<M>(PhantomData<M>);

macro_rules! tools {
    ($($at:literal: $M:ident $T:ident),*) => {
        impl<F, Fut, $($M, $T),*> IntoTool<Noted<Free<($(($M, $T),)*)>>> for F
        where
            F: Fn($($T),*) -> Fut + Send + Sync + 'static,
            Fut: ToolFuture + 'static,
            Fut::Output: IntoToolResult,
            $($T: Param<$M>),*
        {
            fn into_tool(self) -> Tool {
                Fut::Info::tool().handler::<F, Free<($(($M, $T),)*)>>(self)
            }
        }

        impl<F, S, R, $($M, $T),*> IntoTool<Noted<Method<S, ($(($M, $T),)*)>>> for F
        where
            F: for<'a> MethodFn<'a, S, ($($T,)*), Output = R>,
            for<'a> <F as MethodFn<'a, S, ($($T,)*)>>::Future: ToolFuture,
            S: Send + Sync + 'static,
            R: IntoToolResult + Send + 'static,
            $($T: Param<$M>),*
        {
            fn into_tool(self) -> Tool {
                type Info<F, S, P> = <<F as MethodFn<'static, S, P>>::Future as ToolFuture>::Info;
                Info::<F, S, ($($T,)*)>::tool().handler::<F, Method<S, ($(($M, $T),)*)>>(self)
            }
        }
    };
}

each_arity!(tools);
