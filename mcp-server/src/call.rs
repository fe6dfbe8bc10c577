//! One call of a handler, as extractors see it.
//!
//! Owns the view on everything that a handler can ask for: raw arguments, what was negotiated, the
//! server's states and settings, and the way out. All of it is borrowed; extractors take owned,
//! typed values out of it before the handler's future starts.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Weak};

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::ProfileUrl;
use mcp_core::session::server::InForce;
use mcp_core::types::LoggingLevel;
use mcp_core::{CallId, Negotiated};
use serde_json::value::RawValue;

use crate::argument::{Arguments, Source};
use crate::ask::{Earlier, Questions};
use crate::connection::Connection;
use crate::context::{CallContext, Unfinished};
use crate::extract::{Settings, State};
use crate::item::CallKind;
use crate::layer::Stack;
use crate::outcome::Failure;
use crate::server::{Inner, Server};
use crate::strings::Strings;

/// A call whose handler is about to start: what [extractors](crate::Param) read.
///
/// It lives only until the handler's future is made. What the future needs is taken out of it as
/// owned values.
#[derive(Debug)]
pub struct Call<'a> {
    callee: Callee<'a>,
    provided: &'a Provided,
    parts: CallParts<'a>,
    pub(crate) arguments: Arguments<'a>,
    context: Option<CallContext>,
}

/// What is called, and the names of its arguments in the order in which they are taken.
///
/// Where all arguments are taken as one value, the names are for messages only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Callee<'a> {
    pub(crate) name: &'a str,
    pub(crate) arguments: &'a [Cow<'static, str>],
}

/// What a [`Call`] is made of, besides what is called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallParts<'a> {
    /// Which call it is.
    pub(crate) id: CallId,
    /// What kind of thing is called.
    pub(crate) kind: CallKind,
    /// The raw arguments, if there are any.
    pub(crate) arguments: Option<&'a RawValue>,
    /// The request's `_meta`, if it has one.
    pub(crate) meta: Option<&'a RawValue>,
    /// What was negotiated with the caller.
    pub(crate) negotiated: &'a Negotiated,
    /// Whether the request carried a progress token.
    pub(crate) wants_progress: bool,
    /// From which level on the caller wants log messages.
    pub(crate) log_level: Option<LoggingLevel>,
    /// The way out.
    pub(crate) connection: &'a Arc<Connection>,
    /// The server; handlers in unit tests have none.
    pub(crate) server: Option<&'a Weak<Inner>>,
    /// What decides whether the caller may go on with something; for methods of extensions.
    pub(crate) in_force: Option<&'a InForce>,
    /// What is known from earlier rounds, where the handler has asked before.
    pub(crate) earlier: Option<&'a Arc<Earlier>>,
}

/// What handlers can take from the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Provided {
    pub(crate) states: States,
    pub(crate) settings: SettingsOf,
    /// The layers around everything that the server serves.
    pub(crate) layers: Stack,
}

impl<'a> Call<'a> {
    /// A call that no extractor has looked at.
    pub(crate) fn new(callee: Callee<'a>, provided: &'a Provided, parts: CallParts<'a>) -> Self {
        let arguments = Arguments::new(callee, Source::Json(parts.arguments));
        Self { callee, provided, parts, arguments, context: None }
    }

    /// The same call with arguments that are strings.
    pub(crate) fn with_strings<'s>(&self, strings: &'s Strings<'s>) -> Call<'s>
    where
        'a: 's,
    {
        let arguments = Arguments::new(self.callee, Source::Strings(strings));
        Call {
            callee: self.callee,
            provided: self.provided,
            parts: self.parts,
            arguments,
            context: None,
        }
    }

    /// What is called.
    pub(crate) fn callee(&self) -> Callee<'a> {
        self.callee
    }

    /// The same call, for a handler that takes what another server provides.
    pub(crate) fn inside<'b>(&'b self, provided: &'b Provided) -> Call<'b> {
        Call::new(self.callee, provided, self.parts)
    }

    /// The name of what is called.
    pub fn name(&self) -> &'a str {
        self.callee.name
    }

    /// Which call it is.
    pub fn id(&self) -> CallId {
        self.parts.id
    }

    /// The arguments as they came; `None` is the same as `{}`.
    pub fn arguments(&self) -> Option<&'a RawValue> {
        self.parts.arguments
    }

    /// What was negotiated with the caller.
    pub fn negotiated(&self) -> &'a Negotiated {
        self.parts.negotiated
    }

    /// The request's `_meta` as it came, a JSON object.
    pub fn meta(&self) -> Option<&'a RawValue> {
        self.parts.meta
    }

    /// The server that is called.
    ///
    /// # Errors
    ///
    /// When the call is not made by a server, but in a unit test of this crate.
    pub(crate) fn server(&self) -> Result<Server, Failure> {
        let server = self.parts.server.and_then(Weak::upgrade).map(Server);
        server.ok_or_else(|| ErrorObject::internal("the handler has no server").into())
    }

    /// What decides whether the caller may go on with something; for methods of extensions.
    pub(crate) fn in_force(&self) -> Option<InForce> {
        self.parts.in_force.cloned()
    }

    /// Whether the caller asked to hear about progress.
    pub fn wants_progress(&self) -> bool {
        self.parts.wants_progress
    }

    /// The server's state of type `T`.
    ///
    /// # Errors
    ///
    /// When the server has none; [`Description::needs_state`](crate::Description::needs_state)
    /// makes that an error of `build()`.
    pub fn state<T: Send + Sync + 'static>(&self) -> Result<State<T>, Failure> {
        let state = self.provided.states.get().map(State);
        state.ok_or_else(|| missing("state", std::any::type_name::<T>()))
    }

    /// The settings of type `T` of the first profile in force that has some, else the default ones.
    ///
    /// # Errors
    ///
    /// When there are none; [`Description::needs_settings`](crate::Description::needs_settings)
    /// makes that an error of `build()`.
    pub fn settings<T: Send + Sync + 'static>(&self) -> Result<Settings<T>, Failure> {
        let settings = self.find_settings();
        settings.ok_or_else(|| missing("settings", std::any::type_name::<T>()))
    }

    /// As [`settings`](Self::settings), or `None` when there are none.
    pub fn find_settings<T: Send + Sync + 'static>(&self) -> Option<Settings<T>> {
        self.provided.settings.get(self.parts.negotiated).map(Settings::new)
    }

    /// The context of this call, made when it is first asked for.
    pub fn context(&mut self) -> CallContext {
        let parts = &self.parts;
        let make = || {
            let negotiated = parts.negotiated.clone();
            let connection = Arc::clone(parts.connection);
            CallContext::new(
                parts.id,
                negotiated,
                connection,
                parts.wants_progress,
                parts.log_level,
                Questions::new(parts.earlier.cloned()),
            )
        };
        self.context.get_or_insert_with(make).clone()
    }

    /// What tells the context, if anybody has one, that the handler was dropped.
    pub(crate) fn unfinished(&mut self) -> Unfinished {
        Unfinished::new(self.context.take())
    }
}

/// Values told apart by their type.
#[derive(Clone, Default)]
pub(crate) struct States(Arc<[Typed]>);

#[derive(Clone)]
struct Typed {
    id: TypeId,
    name: &'static str,
    value: Arc<dyn Any + Send + Sync>,
}

impl States {
    /// Adds a value; one of the same type is replaced and `false` returned.
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: Arc<T>) -> bool {
        let id = TypeId::of::<T>();
        let is_new = !self.contains(id);
        let typed = Typed { id, name: std::any::type_name::<T>(), value };
        let others = self.0.iter().filter(|other| other.id != id).cloned();
        self.0 = others.chain([typed]).collect();
        is_new
    }

    /// The value of type `T`.
    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let id = TypeId::of::<T>();
        let typed = self.0.iter().find(|typed| typed.id == id)?;
        Arc::clone(&typed.value).downcast().ok()
    }

    /// Whether there is a value of this type.
    pub(crate) fn contains(&self, id: TypeId) -> bool {
        self.0.iter().any(|typed| typed.id == id)
    }

    /// The types there are, with their names.
    pub(crate) fn types(&self) -> impl Iterator<Item = (TypeId, &'static str)> {
        self.0.iter().map(|typed| (typed.id, typed.name))
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.types().map(|(_, name)| name)).finish()
    }
}

/// The settings of every profile, and those for callers whose profiles have none.
#[derive(Debug, Clone, Default)]
pub(crate) struct SettingsOf {
    /// In the order of the declaration.
    pub(crate) profiles: Vec<(ProfileUrl, States)>,
    /// Used where no profile in force has settings of the type.
    pub(crate) default: States,
}

impl SettingsOf {
    fn get<T: Send + Sync + 'static>(&self, negotiated: &Negotiated) -> Option<Arc<T>> {
        let of = |url: &ProfileUrl| {
            self.profiles.iter().find(|(profile, _)| profile == url).and_then(|(_, set)| set.get())
        };
        negotiated.profiles().iter().find_map(of).or_else(|| self.default.get())
    }
}

fn missing(what: &str, type_name: &str) -> Failure {
    ErrorObject::internal(format!("the server has no {what} of type `{type_name}`")).into()
}
