//! What is protected: an endpoint, as it is put together.

use std::fmt;
use std::sync::Arc;

use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use mcp_auth::scope::Scopes;

use super::TokenValidator;

/// A protected resource: an MCP endpoint, what checks tokens for it, and what it says about itself.
///
/// # Examples
/// ```
/// use mcp_server::auth::{Protected, TokenValidator};
///
/// # fn example(tokens: impl TokenValidator) -> Protected {
/// Protected::new("https://films.example/mcp", tokens)
///     .authorization_server("https://login.films.example")
///     .scopes(["films:read"])
///     .implies("films:write", ["films:read"])
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Protected {
    pub(super) validator: Arc<dyn TokenValidator>,
    pub(super) metadata: ProtectedResourceMetadata,
    pub(super) scopes: Vec<String>,
    pub(super) scopes_supported: Vec<String>,
    pub(super) implied: Vec<(String, Vec<String>)>,
    pub(super) optional: bool,
}

impl Protected {
    /// A resource under the URL that clients call it by, such as `https://films.example/mcp`.
    ///
    /// Tokens have to be issued for exactly this identifier: give the validator the same as audience.
    pub fn new(resource: impl Into<String>, validator: impl TokenValidator) -> Self {
        let mut metadata = ProtectedResourceMetadata::default();
        metadata.resource = resource.into();
        metadata.bearer_methods_supported = Some(vec!["header".to_owned()]);
        validator.describe(&mut metadata);
        Self {
            validator: Arc::new(validator),
            metadata,
            scopes: Vec::new(),
            scopes_supported: Vec::new(),
            implied: Vec::new(),
            optional: false,
        }
    }

    /// Names an authorization server, by its issuer identifier, where clients get tokens.
    ///
    /// There has to be one (2026-07-28, basic/authorization/authorization-server-discovery); those
    /// that the validator trusts are named already.
    pub fn authorization_server(mut self, issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        if !self.metadata.authorization_servers.contains(&issuer) {
            self.metadata.authorization_servers.push(issuer);
        }
        self
    }

    /// Scopes that every request needs, besides those of [a tool](crate::Tool::scopes), prompt or
    /// resource.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Scopes that clients ask for when nobody tells them which they need.
    ///
    /// That should be few: what needs more says so when it is called (2026-07-28,
    /// basic/authorization, "Scope Selection Strategy"). Without, they are those that every request
    /// needs.
    pub fn scopes_supported<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.scopes_supported.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Whoever has the first scope has the others as well, and what they imply in turn (2026-07-28,
    /// basic/authorization, "Runtime Insufficient Scope Errors").
    pub fn implies<S: Into<String>>(
        mut self,
        scope: impl Into<String>,
        implied: impl IntoIterator<Item = S>,
    ) -> Self {
        let implied = implied.into_iter().map(Into::into).collect();
        self.implied.push((scope.into(), implied));
        self
    }

    /// Lets callers without a token pass as anonymous; a token that is shown has to be good.
    ///
    /// What needs scopes is closed to them and says so.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Tells clients that proofs are understood (RFC 9449), made with one of these algorithms.
    ///
    /// What is demanded is up to the validator.
    pub fn dpop<S: Into<String>>(mut self, algorithms: impl IntoIterator<Item = S>) -> Self {
        let known = self.metadata.dpop_signing_alg_values_supported.get_or_insert_default();
        known.extend(algorithms.into_iter().map(Into::into));
        self
    }

    /// Changes what it says about itself in any other way, for instance its name for people.
    ///
    /// # Examples
    /// ```
    /// use mcp_server::auth::{Protected, TokenValidator};
    ///
    /// # fn example(tokens: impl TokenValidator) -> Protected {
    /// Protected::new("https://chips.example/mcp", tokens).metadata(|metadata| {
    ///     metadata.resource_name = Some("Wholesale Chips".into());
    ///     metadata.tls_client_certificate_bound_access_tokens = true;
    /// })
    /// # }
    /// ```
    pub fn metadata(mut self, change: impl FnOnce(&mut ProtectedResourceMetadata)) -> Self {
        change(&mut self.metadata);
        self
    }
}

impl fmt::Debug for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protected")
            .field("resource", &self.metadata.resource)
            .field("validator", &self.validator)
            .field("scopes", &self.scopes)
            .field("optional", &self.optional)
            .finish_non_exhaustive()
    }
}

/// Reads scopes; what is none becomes a problem.
pub(super) fn read_scopes(scopes: &[String], problems: &mut Vec<String>) -> Scopes {
    let read: Scopes = scopes.iter().collect();
    let wrong = scopes.iter().filter(|scope| !read.contains(scope));
    problems.extend(wrong.map(|scope| {
        format!("`{scope}` is no scope: write one word of visible ASCII without `\"` and `\\`")
    }));
    read
}
