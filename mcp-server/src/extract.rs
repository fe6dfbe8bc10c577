//! Parameters of handlers: arguments by name, and extractors for everything else.
//!
//! Owns the trait [`Param`] and the extractors that come with the crate. Extraction is synchronous
//! and reads from a borrowed [`Call`]; what it returns is owned.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use mcp_core::authentication::Authentication;
use mcp_core::profile::NegotiatedProfiles;
use mcp_core::{Negotiated, Principal, Tenant};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::call::Call;
use crate::context::CallContext;
use crate::description::Description;
use crate::outcome::Failure;
use crate::server::Server;

/// Marks a [`Param`] that is one named argument of the call.
#[derive(Debug)]
pub enum Argument {}

/// Marks a [`Param`] that takes something else than one argument: an extractor.
#[derive(Debug)]
pub enum Extracted {}

/// What a handler can have as a parameter.
///
/// Any type that implements `serde::Deserialize` and `schemars::JsonSchema` is a named argument.
/// Everything else is an extractor: [`Args`], [`State`], [`Settings`], [`Profiles`], [`Caller`],
/// [`CallContext`], those that ask the client ([`Ask`](crate::Ask), [`AskUrl`](crate::AskUrl),
/// [`Sample`](crate::Sample), [`Roots`](crate::Roots)), and your own, which implement
/// `Param<Extracted>`.
///
/// # Examples
/// ```
/// use mcp_server::{Call, Description, Extracted, Failure, Param, State, ToolError};
///
/// struct Accounts;
/// impl Accounts {
///     fn of(&self, principal: Option<&str>) -> Option<u64> {
///         principal.map(|id| id.len() as u64)
///     }
/// }
///
/// /// The caller's account.
/// struct Account(u64);
///
/// impl Param<Extracted> for Account {
///     fn describe(description: &mut Description) {
///         description.needs_state::<Accounts>();
///     }
///
///     fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
///         let accounts: State<Accounts> = call.state()?;
///         let id = accounts.of(call.negotiated().principal().id());
///         id.map(Account).ok_or_else(|| ToolError::new("sign in first").into())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an argument nor an extractor",
    label = "cannot be a parameter of a handler",
    note = "arguments need `serde::Deserialize` (without borrowing) and `schemars::JsonSchema`",
    note = "extractors are `Args<T>`, `State<T>`, `Settings<T>`, `Option<Settings<T>>`, `Profiles`, `Caller`, `CallContext` and `Server`",
    note = "extractors that ask the client are `Ask<T>`, `AskUrl`, `Sample`, `Roots`, an `Option` of one of these, and `Answers`; your own implement `Param<Extracted>`"
)]
pub trait Param<M>: Sized + Send + 'static {
    /// Says what this parameter needs, once, before any call.
    fn describe(description: &mut Description);

    /// Takes the value out of a call.
    ///
    /// # Errors
    ///
    /// The call ends with the error, and the handler does not run.
    fn extract(call: &mut Call<'_>) -> Result<Self, Failure>;
}

/// A parameter that is no argument, and therefore needs no name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no extractor, so this parameter needs a name",
    label = "an argument of the tool gets its name from the parameter",
    note = "write `name: {Self}` and take it apart in the body"
)]
pub trait Extractor: Param<Extracted> {}

impl<T: Param<Extracted>> Extractor for T {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Param<Argument> for T {
    fn describe(description: &mut Description) {
        description.argument::<T>();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        call.arguments.next()
    }
}

/// All arguments as one value.
///
/// The fields of `T` are the arguments; their doc comments describe them.
///
/// # Examples
/// ```
/// use mcp_server::Args;
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Query {
///     /// Words that the title must contain
///     text: String,
/// }
///
/// async fn search(Args(query): Args<Query>) -> String {
///     query.text
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Args<T>(pub T);

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Param<Extracted> for Args<T> {
    fn describe(description: &mut Description) {
        description.all_arguments::<T>();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        call.arguments.all().map(Args)
    }
}

/// A state of the server, shared by all calls.
#[derive(Debug)]
pub struct State<T>(pub(crate) Arc<T>);

impl<T> State<T> {
    /// The state, shared.
    pub fn into_inner(self) -> Arc<T> {
        self.0
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> Param<Extracted> for State<T> {
    fn describe(description: &mut Description) {
        description.needs_state::<T>();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        call.state()
    }
}

/// The settings of the first profile in force that has some of this type, else the default ones.
///
/// An `Option` of it is `None` where there are none; without the `Option`, `build()` makes sure that
/// there are some.
#[derive(Debug)]
pub struct Settings<T> {
    value: Arc<T>,
}

impl<T> Settings<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self { value }
    }

    /// The settings, shared.
    pub fn into_inner(self) -> Arc<T> {
        self.value
    }
}

impl<T> Clone for Settings<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value) }
    }
}

impl<T> Deref for Settings<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Send + Sync + 'static> Param<Extracted> for Settings<T> {
    fn describe(description: &mut Description) {
        description.needs_settings::<T>();
    }

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        call.settings()
    }
}

impl<T: Send + Sync + 'static> Param<Extracted> for Option<Settings<T>> {
    fn describe(_: &mut Description) {}

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        Ok(call.find_settings())
    }
}

/// The profiles in force.
#[derive(Debug, Clone)]
pub struct Profiles(NegotiatedProfiles);

impl Deref for Profiles {
    type Target = NegotiatedProfiles;

    fn deref(&self) -> &NegotiatedProfiles {
        &self.0
    }
}

impl Param<Extracted> for Profiles {
    fn describe(_: &mut Description) {}

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        Ok(Self(call.negotiated().profiles().clone()))
    }
}

impl Param<Extracted> for CallContext {
    fn describe(_: &mut Description) {}

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        Ok(call.context())
    }
}

/// Who calls, and what was negotiated with them.
///
/// It is what an entitlement function looks at; there no profile is in force yet.
#[derive(Debug, Clone)]
pub struct Caller {
    negotiated: Negotiated,
}

impl Caller {
    pub(crate) fn new(negotiated: Negotiated) -> Self {
        Self { negotiated }
    }

    /// Who calls, as authentication or the operator established it.
    pub fn principal(&self) -> &Principal {
        self.negotiated.principal()
    }

    /// Whose deployment is called.
    pub fn tenant(&self) -> &Tenant {
        self.negotiated.tenant()
    }

    /// Whether a fact is recorded about the principal with this value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.principal().has(name, value)
    }

    /// How the caller was authenticated: issuer, client, scopes, what the token is bound to. `None`
    /// where no token was checked, as over stdio.
    pub fn authentication(&self) -> Option<&Authentication> {
        self.principal().authentication()
    }

    /// What was negotiated with the caller.
    pub fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.principal().fmt(f)
    }
}

impl Param<Extracted> for Caller {
    fn describe(_: &mut Description) {}

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        Ok(Self::new(call.negotiated().clone()))
    }
}

/// The server itself, for handlers that change what it offers or tell of changes.
impl Param<Extracted> for Server {
    fn describe(_: &mut Description) {}

    fn extract(call: &mut Call<'_>) -> Result<Self, Failure> {
        call.server()
    }
}
