//! Extensions: methods, notifications and items that the protocol itself does not have.
//!
//! Owns the value [`Extension`] and what it may be made of. Which clients reach it is decided in the
//! session machine: those that declared it too. It does not know what any extension means.
//!
//! Specification: 2026-07-28, basic/index, "Extensions", and basic/versioning, "Extension
//! Negotiation".

mod method;
mod table;

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

use mcp_core::types::{RawObject, RawObjectError};
use mcp_core::{ExtensionId, profile};
use serde::Serialize;
use tower_layer::Layer;
use tower_service::Service;

pub use method::{ExtensionMethod, IntoMethodResult};
pub(crate) use table::Extensions;

use crate::description::{Described, Description, Names};
use crate::handler::{Handler, Run, erase};
use crate::layer::{Next, ToolCall, Wrap, wrap};
use crate::outcome::Outcome;
use crate::tool::{IntoTool, Tool};

/// An extension that a server offers: its settings, its methods and what else comes with it.
///
/// It is declared in the server's capabilities. Its methods and notifications are there for clients
/// that declared it too; to everybody else they are unknown (2026-07-28: missing on the client's side).
/// What it brings besides, such as tools, is there for everybody, as if it was added to the server.
///
/// # Examples
/// ```
/// use mcp_server::{Args, Extension, ExtensionId, Json, Result, Server, State, ToolError};
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
/// use std::sync::Mutex;
///
/// const WATCHLIST: ExtensionId = ExtensionId::new("com.example/watchlist");
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Item {
///     title: String,
/// }
///
/// #[derive(Serialize)]
/// struct Added {
///     place: usize,
/// }
///
/// #[derive(Default)]
/// struct Lists {
///     titles: Mutex<Vec<String>>,
/// }
///
/// async fn add(Args(item): Args<Item>, lists: State<Lists>) -> Result<Json<Added>> {
///     let mut titles = lists.titles.lock().map_err(|_| ToolError::new("the list is lost"))?;
///     titles.push(item.title);
///     Ok(Json(Added { place: titles.len() }))
/// }
///
/// let watchlist = Extension::new(WATCHLIST).settings(json!({ "max": 50 })).method("watchlist/add", add);
/// let server =
///     Server::builder("vidsrus", "1.0").state(Lists::default()).extension(watchlist).build()?;
/// # let _ = server;
/// # Ok::<(), mcp_server::Error>(())
/// ```
#[must_use = "an extension does nothing until it is added to a server"]
pub struct Extension {
    id: ExtensionId,
    settings: Result<RawObject, RawObjectError>,
    modern_only: bool,
    methods: Vec<ExtensionMethod>,
    notifications: Vec<ExtensionNotification>,
    tools: Vec<Tool>,
    layers: Vec<Wrap>,
}

/// What is called when a client sends a notification.
struct ExtensionNotification {
    name: Cow<'static, str>,
    describe: fn(&mut Description),
    run: Run<Outcome>,
}

impl Extension {
    /// An extension with this identifier and no settings.
    pub fn new(id: ExtensionId) -> Self {
        Self {
            id,
            settings: Ok(RawObject::empty()),
            modern_only: false,
            methods: Vec::new(),
            notifications: Vec::new(),
            tools: Vec::new(),
            layers: Vec::new(),
        }
    }

    /// Sets what clients are told of it beside the identifier: anything that is written as a JSON
    /// object.
    pub fn settings(mut self, settings: impl Serialize) -> Self {
        self.settings = RawObject::new(&settings);
        self
    }

    /// It exists since 2026-07-28 only: legacy clients are not told of it and do not reach it.
    ///
    /// Otherwise it is there in both eras, although the specification knows extensions only since
    /// 2026-07-28.
    pub fn modern_only(mut self) -> Self {
        self.modern_only = true;
        self
    }

    /// Adds a method, answered by a handler that takes its parameters as [`Args`](crate::Args), and
    /// any extractor.
    ///
    /// For parameters one by one, and for methods of some profiles only, see
    /// [`with_method`](Self::with_method).
    pub fn method<H, M>(self, name: impl Into<Cow<'static, str>>, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoMethodResult,
    {
        self.with_method(ExtensionMethod::new(name).handler(handler))
    }

    /// Adds a method.
    pub fn with_method(mut self, method: ExtensionMethod) -> Self {
        self.methods.push(method);
        self
    }

    /// Adds a notification that clients send, its name beginning with `notifications/`; the handler
    /// takes its parameters as [`Args`](crate::Args), and any extractor.
    ///
    /// Only legacy clients can send one: since 2026-07-28 a notification does not say who sends it,
    /// nor under which profiles. Nobody is told when the handler fails; that is logged.
    pub fn notification<H, M>(mut self, name: impl Into<Cow<'static, str>>, handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: IntoMethodResult,
    {
        let name = name.into();
        let run = erase(handler, |output: Result<H::Output, _>| match output {
            Ok(output) => output.into_outcome(),
            Err(failure) => method::failed(failure),
        });
        self.notifications.push(ExtensionNotification { name, describe: H::describe, run });
        self
    }

    /// Adds a tool that comes with the extension; it is there for every client.
    pub fn tool<T: IntoTool<M>, M>(mut self, tool: T) -> Self {
        self.tools.push(tool.into_tool());
        self
    }

    /// Puts a layer around everything that the server serves, inside the layers of the server's own;
    /// see [`Builder::layer`](crate::Builder::layer).
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

    /// Takes out the layers.
    pub(crate) fn take_layers(&mut self) -> Vec<Wrap> {
        std::mem::take(&mut self.layers)
    }

    /// The identifier.
    pub fn id(&self) -> &ExtensionId {
        &self.id
    }

    /// What is wrong with the extension; the server's `build()` refuses it for that.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.id.as_str() == profile::EXTENSION {
            problems.push("profiles are added with `.profile(…)`".to_owned());
        }
        if let Err(problem) = &self.settings {
            problems.push(format!("its settings cannot be written as a JSON object: {problem}"));
        }
        for method in &self.methods {
            let about = |problem| format!("method `{}`: {problem}", method.name());
            problems.extend(method.problems().into_iter().map(about));
        }
        for notification in &self.notifications {
            let about = |problem| format!("notification `{}`: {problem}", notification.name);
            problems.extend(notification.problems().into_iter().map(about));
        }
        problems
    }
}

impl ExtensionNotification {
    fn problems(&self) -> Vec<String> {
        let mut problems = self.describe().problems;
        if !self.name.starts_with("notifications/") {
            problems.push("its name must begin with `notifications/`".to_owned());
        } else if mcp_core::wire::is_notification(&self.name) {
            problems.push("the protocol itself has a notification of this name".to_owned());
        }
        problems
    }

    fn describe(&self) -> Described {
        let mut description = Description::new(Names::ByArgument(Vec::new()));
        (self.describe)(&mut description);
        description.finish_without_questions()
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notifications: Vec<_> = self.notifications.iter().map(|known| &known.name).collect();
        f.debug_struct("Extension")
            .field("id", &self.id)
            .field("methods", &self.methods)
            .field("notifications", &notifications)
            .field("tools", &self.tools)
            .finish_non_exhaustive()
    }
}
