//! Resources: what a server lets clients read, each under a URI or a template of URIs.
//!
//! Owns the builder value [`Resource`] and how functions become resources. What they return is in
//! `contents`. It does not know which server the resource is for, and it does not look inside of
//! contents.
//!
//! Specification: 2026-07-28, server, "Resources".

mod contents;
mod into;

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::mem;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types::{self, Annotations, CacheHints, Icon, Meta, ReadResourceRequestParams};
use mcp_core::uri_template::UriTemplate;
use tower_layer::Layer;
use tower_service::Service;

use crate::ask::Asks;
use crate::call::{Call, Provided};
use crate::completion::{Completer, IntoCompletion};
use crate::description::{Described, Description, Names, Need};
use crate::extract::{Extracted, Param};
use crate::handler::{Handler, Run, erase, start};
use crate::item::{CallKind, Item, around_item};
use crate::layer::{Next, ToolCall, Wrap, wrap};
use crate::outcome::{Failure, Outcome, Result};
use crate::requires::{Required, Requires};
use crate::strings::Strings;

pub use contents::{IntoResourceResult, Requested};
pub use into::{IntoResource, ResourceExt, ResourceFuture, ResourceInfo};

/// A resource or a resource template: a URI, a [`Handler`] that reads it, and what clients are told.
///
/// `#[resource]` makes one out of a function; this is the same by hand. The order of the calls does
/// not matter. Mistakes are collected and reported by the server's `build()`, or by
/// [`problems`](Self::problems).
///
/// With braces the URI is a template ([`UriTemplate`]), and every variable is an argument of the
/// handler: in the order of the template, unless [`params`](Self::params) says otherwise. Variables
/// are strings on the wire and are parsed as a [`Prompt`](crate::Prompt)'s arguments are; a list
/// such as `{/path*}` is a `Vec`. Where several templates match a URI, the one with the most literal
/// characters is read, then the one that was added first; a resource goes before any template.
///
/// What arrives in a variable was chosen by the client. Before it becomes part of a file name, look
/// for `..` and separators (2026-07-28, server, resources, "Security Considerations").
///
/// # Examples
/// ```
/// use mcp_server::Resource;
///
/// let subtitles = Resource::new("vidsrus://titles/{id}/subtitles/{lang}")
///     .name("subtitles")
///     .mime("text/vtt")
///     .complete_values("lang", ["de", "en"])
///     .handler(async |id: u32, lang: String| format!("WEBVTT\n\nNOTE {id} in {lang}"));
/// assert!(subtitles.problems().is_empty());
/// ```
#[must_use = "a resource does nothing until it is added to a server"]
pub struct Resource {
    uri: Cow<'static, str>,
    name: Option<Cow<'static, str>>,
    title: Option<String>,
    description: Option<String>,
    mime: Option<String>,
    size: Option<u64>,
    annotations: Option<Annotations>,
    icons: Vec<Icon>,
    meta: Option<Meta>,
    requires: Requires,
    layers: Vec<Wrap>,
    cache: Option<CacheHints>,
    names: Option<Names>,
    completers: Vec<Completer>,
    lister: Option<ResourceLister>,
    handler: Option<ResourceHandler>,
}

/// What lists the resources of a template.
pub(crate) type List = Run<Result<Vec<types::Resource>, ErrorObject>>;

struct ResourceLister {
    describe: fn(&mut Description),
    run: List,
}

struct ResourceHandler {
    describe: fn(&mut Description),
    read: Read,
}

/// Starts the handler with variables, for one URI.
type Read = Arc<dyn Fn(&mut Call<'_>, Place) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// What is read, and what is known of it.
struct Place {
    uri: String,
    mime: Option<String>,
    cache: Option<CacheHints>,
}

impl Resource {
    /// A resource with a URI, or with a template such as `vidsrus://titles/{id}`.
    pub fn new(uri: impl Into<Cow<'static, str>>) -> Self {
        Self {
            uri: uri.into(),
            name: None,
            title: None,
            description: None,
            mime: None,
            size: None,
            annotations: None,
            icons: Vec::new(),
            meta: None,
            requires: Requires::default(),
            layers: Vec::new(),
            cache: None,
            names: None,
            completers: Vec::new(),
            lister: None,
            handler: None,
        }
    }

    /// The URI or the template.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Whether the URI has variables.
    pub fn is_template(&self) -> bool {
        self.uri.contains(['{', '}'])
    }

    /// Sets the name, which is the URI unless set.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Says what there is to read, for the model.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the media type of the contents.
    pub fn mime(mut self, mime: impl Into<String>) -> Self {
        self.mime = Some(mime.into());
        self
    }

    /// Says how many bytes the contents have; only without variables.
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = Some(bytes);
        self
    }

    /// Sets hints on whom the resource is for, and how much it matters.
    pub fn annotations(mut self, annotations: Annotations) -> Self {
        self.annotations = Some(annotations);
        self
    }

    /// Adds a picture to show beside the name.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Sets the resource's own `_meta`.
    pub fn meta(mut self, meta: Meta) -> Self {
        self.meta = Some(meta);
        self
    }

    /// The resource exists only where this profile is in force. Several calls require all of them.
    pub fn requires(mut self, profile: impl Into<Cow<'static, str>>) -> Self {
        self.requires.push(profile.into());
        self
    }

    /// Callers need a token that grants all of these scopes, to read the resource, to subscribe to
    /// it, and to complete its variables; several calls add up.
    ///
    /// How they are asked for them is said at [`Tool::scopes`](crate::Tool::scopes). Of several
    /// templates that match an address the one that would be read counts. The resources under a
    /// template are listed for those who have its scopes, and what is read with scopes is cached for
    /// its reader only.
    pub fn scopes<S: Into<Cow<'static, str>>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.requires.push_scopes(scopes);
        self
    }

    /// Puts a layer around reading this resource, inside those around the server; the first layer
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

    /// How long, and by whom, what was read may be kept (2026-07-28, server utilities, "Caching");
    /// not at all unless set. A result that has hints of its own keeps them.
    pub fn cache(mut self, hints: CacheHints) -> Self {
        self.cache = Some(hints);
        self
    }

    /// Names the arguments of the handler in their order, where that is not the order of the
    /// template's variables.
    pub fn params<N: Into<Cow<'static, str>>>(
        mut self,
        names: impl IntoIterator<Item = N>,
    ) -> Self {
        self.names = Some(Names::by_argument(names));
        self
    }

    /// Names and describes every parameter of the handler, extractors included, as `#[resource]`
    /// does.
    ///
    /// A parameter without a name has the name `""`.
    pub fn signature(
        mut self,
        parameters: impl IntoIterator<Item = (&'static str, &'static str)>,
    ) -> Self {
        self.names = Some(Names::by_parameter(parameters));
        self
    }

    /// Suggests values for a variable while it is typed: a handler that takes
    /// [`Typed`](crate::Typed).
    pub fn complete<H, M>(mut self, variable: impl Into<Cow<'static, str>>, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoCompletion,
    {
        self.completers.push(Completer::new(variable.into(), handler));
        self
    }

    /// Suggests those of these values that begin with what was typed.
    pub fn complete_values<V: Into<String>>(
        mut self,
        variable: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.completers.push(Completer::of_values(variable.into(), values));
        self
    }

    /// Lists the resources that there are now under a template: a handler without arguments.
    ///
    /// They stand in `resources/list` behind the resources without variables. It runs for every page
    /// of the list. When the resources change, say so with
    /// [`Server::resources_changed`](crate::Server::resources_changed).
    pub fn list<H, M>(mut self, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoResources,
    {
        let run = erase(handler, |output: Result<H::Output>| output.into_resources());
        self.lister = Some(ResourceLister { describe: H::describe, run });
        self
    }

    /// Sets the function that reads the resource.
    pub fn handler<H, M>(mut self, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoResourceResult,
    {
        let read: Read = Arc::new(move |call, place| {
            start(&handler, call, move |output: Result<H::Output>| {
                let requested = Requested::new(&place.uri, place.mime.as_deref());
                place.cached(output.into_outcome(&requested))
            })
        });
        self.handler = Some(ResourceHandler { describe: H::describe, read });
        self
    }

    /// What clients are told about it.
    pub(crate) fn definition(&self) -> Definition {
        let template = self.is_template().then(|| UriTemplate::parse(&*self.uri).ok());
        match template.flatten() {
            Some(template) => Definition::Template(self.define_template(), template),
            None => Definition::Resource(self.define()),
        }
    }

    /// What is wrong with the resource; the server's `build()` refuses it for that.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.describe().problems;
        self.requires.read(&mut problems);
        problems
    }

    /// Fixes the resource as it is served.
    pub(crate) fn build(self) -> BuiltResource {
        let mut described = self.describe();
        let requires = self.requires.read(&mut described.problems);
        let Described { arguments, needs, asks, problems, .. } = described;
        let definition = self.definition();
        let template = match &definition {
            Definition::Template(_, template) => Some(template.clone()),
            Definition::Resource(_) => None,
        };
        let list = self.lister.map(|lister| lister.run);
        let run = self.handler.map(|handler| reader(handler.read, template, self.mime, self.cache));
        BuiltResource {
            definition,
            arguments,
            needs,
            asks,
            problems,
            requires,
            completers: self.completers,
            list,
            run,
            layers: self.layers,
        }
    }

    fn describe(&self) -> Described {
        let mut problems = Vec::new();
        let template = match self.is_template() {
            true => UriTemplate::parse(&*self.uri),
            // A URI without variables need not keep to the grammar of templates.
            false => UriTemplate::parse(""),
        };
        let template = template.map_err(|error| problems.push(error.to_string())).ok();
        if !self.is_template() && !is_uri(&self.uri) {
            problems.push("its URI needs a scheme, and no blanks: `scheme:rest`".to_owned());
        }
        if self.is_template() && self.size.is_some() {
            problems.push("it has a size, and variables: what is read has no one size".to_owned());
        }
        if !self.is_template() && self.lister.is_some() {
            problems
                .push("it lists resources, and has no variables: list each by itself".to_owned());
        }
        let variables: Vec<String> =
            template.iter().flat_map(UriTemplate::variables).map(str::to_owned).collect();
        let names = self.names.clone();
        let names = names.unwrap_or_else(|| Names::by_argument(variables.iter().cloned()));
        let mut description = Description::of(CallKind::Resource, names);
        match &self.handler {
            Some(handler) => (handler.describe)(&mut description),
            None => description.problem("it has no handler: add one with `.handler(…)`"),
        }
        let mut described = description.finish();
        if template.is_some() && self.handler.is_some() {
            problems.extend(unmatched(&variables, &described));
        }
        described.problems.splice(0..0, problems);
        let known: Vec<&str> = variables.iter().map(String::as_str).collect();
        let problems = Completer::check(&self.completers, &known, &mut described.needs);
        described.problems.extend(problems);
        if let Some(lister) = &self.lister {
            let mut description = Description::of(CallKind::Resource, Names::by_argument([""; 0]));
            (lister.describe)(&mut description);
            let lists = description.finish_without_questions();
            described.needs.extend(lists.needs);
            let problems = lists.problems.into_iter().map(|problem| format!("its list: {problem}"));
            described.problems.extend(problems);
        }
        described
    }

    fn define(&self) -> types::Resource {
        let mut resource =
            types::Resource::new(&*self.uri, self.name.as_deref().unwrap_or(&self.uri));
        resource.title.clone_from(&self.title);
        resource.description.clone_from(&self.description);
        resource.mime_type.clone_from(&self.mime);
        resource.size = self.size;
        resource.icons.clone_from(&self.icons);
        resource.annotations.clone_from(&self.annotations);
        resource.meta.clone_from(&self.meta);
        resource
    }

    fn define_template(&self) -> types::ResourceTemplate {
        let mut template =
            types::ResourceTemplate::new(&*self.uri, self.name.as_deref().unwrap_or(&self.uri));
        template.title.clone_from(&self.title);
        template.description.clone_from(&self.description);
        template.mime_type.clone_from(&self.mime);
        template.icons.clone_from(&self.icons);
        template.annotations.clone_from(&self.annotations);
        template.meta.clone_from(&self.meta);
        template
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("uri", &self.uri)
            .field("requires", &self.requires)
            .field("completers", &self.completers)
            .finish_non_exhaustive()
    }
}

impl Place {
    /// Adds the hints of the resource to a result that has none.
    fn cached(&self, mut outcome: Outcome) -> Outcome {
        if let Outcome::Resource(result) = &mut outcome {
            result.cache = result.cache.or(self.cache);
        }
        outcome
    }
}

/// A resource or a template as it is served.
pub(crate) struct BuiltResource {
    /// What clients are told about it.
    pub(crate) definition: Definition,
    pub(crate) arguments: Vec<Cow<'static, str>>,
    /// What the server has to have for it.
    pub(crate) needs: Vec<Need>,
    /// Why it cannot be served.
    pub(crate) problems: Vec<String>,
    /// What has to be in force, and granted.
    pub(crate) requires: Required,
    pub(crate) completers: Vec<Completer>,
    pub(crate) list: Option<List>,
    asks: Asks,
    run: Option<Run<Outcome>>,
    layers: Vec<Wrap>,
}

impl BuiltResource {
    /// What is called, with what it may take from its server.
    pub(crate) fn item(&mut self, provided: &Arc<Provided>) -> Item {
        let name = match &self.definition {
            Definition::Resource(definition) => &definition.uri,
            Definition::Template(definition, _) => &definition.uri_template,
        };
        Item {
            asks: mem::take(&mut self.asks),
            layers: around_item(&self.layers),
            ..Item::new(name.clone(), mem::take(&mut self.arguments), provided, self.run.take())
        }
    }
}

/// What clients are told about a resource or a template.
#[derive(Debug, PartialEq)]
pub(crate) enum Definition {
    Resource(types::Resource),
    Template(types::ResourceTemplate, UriTemplate),
}

/// What a handler that lists resources may return.
///
/// Implemented for `Vec` of [`mcp_core::types::Resource`] and for [`Result`](crate::Result)s of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of resources",
    label = "not a list of resources",
    note = "return `Vec<mcp_core::types::Resource>`, or a `Result` of it"
)]
pub trait IntoResources {
    /// The resources.
    ///
    /// # Errors
    ///
    /// What `resources/list` is answered with instead.
    fn into_resources(self) -> Result<Vec<types::Resource>, ErrorObject>;
}

impl IntoResources for Vec<types::Resource> {
    fn into_resources(self) -> Result<Self, ErrorObject> {
        Ok(self)
    }
}

impl<T: IntoResources, E: Into<Failure>> IntoResources for Result<T, E> {
    fn into_resources(self) -> Result<Vec<types::Resource>, ErrorObject> {
        match self {
            Ok(list) => list.into_resources(),
            Err(error) => Err(match error.into().into_error() {
                Outcome::Error(error) => error,
                _ => ErrorObject::internal("a list of resources cannot ask for input"),
            }),
        }
    }
}

/// The URI that is read: an extractor for handlers of resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceUri(pub String);

impl Param<Extracted> for ResourceUri {
    fn describe(description: &mut Description) {
        match description.kind() {
            CallKind::Resource => description.sees_uri(),
            _ => description.problem("takes `ResourceUri`, which there is only for a resource"),
        }
    }

    fn extract(call: &mut Call<'_>) -> Result<Self> {
        Ok(Self(requested_uri(call)?))
    }
}

/// The whole way from the request to the outcome.
fn reader(
    read: Read,
    template: Option<UriTemplate>,
    mime: Option<String>,
    cache: Option<CacheHints>,
) -> Run<Outcome> {
    Arc::new(move |call| {
        let uri = match requested_uri(call) {
            Ok(uri) => uri,
            Err(error) => return Box::pin(ready(Outcome::Error(error))),
        };
        let strings = match &template {
            None => Strings::default(),
            Some(template) => match template.matches(&uri) {
                Some(variables) => Strings::from(variables),
                None => {
                    let error = ErrorObject::resource_not_found_at(&uri);
                    return Box::pin(ready(Outcome::Error(error)));
                }
            },
        };
        let place = Place { uri: uri.clone(), mime: mime.clone(), cache };
        read(&mut call.with_strings(&strings), place)
    })
}

/// The URI in the params of a call, which are its arguments.
fn requested_uri(call: &Call<'_>) -> Result<String, ErrorObject> {
    let raw = call.arguments().map_or("{}", |raw| raw.get());
    let params: Result<ReadResourceRequestParams, _> = serde_json::from_str(raw);
    params.map(|params| params.uri).map_err(|_| ErrorObject::internal("no resource is read"))
}

/// Variables that reach no parameter, and parameters that have no variable.
fn unmatched(variables: &[String], described: &Described) -> Vec<String> {
    let mut problems = Vec::new();
    for argument in &described.arguments {
        if !variables.iter().any(|variable| variable == argument) {
            problems.push(format!("it takes `{argument}`, which is no variable of its URI"));
        }
    }
    if described.takes_all || described.sees_uri {
        return problems;
    }
    for variable in variables {
        if !described.arguments.iter().any(|argument| argument == variable) {
            problems.push(format!("its variable `{variable}` reaches no parameter: take it"));
        }
    }
    problems
}

/// Whether a text begins with a scheme and has nothing that no URI has.
fn is_uri(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}
