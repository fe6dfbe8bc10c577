//! Who calls, and whose deployment is called.
//!
//! Both are established outside the protocol: by authentication over HTTP, by the operator on
//! stdio. Nothing that a peer says about itself (`clientInfo`) ever ends up here.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::authentication::Authentication;

/// Who calls, as authentication established it; on stdio what the operator configured.
///
/// Cloning is cheap. Two principals are the same caller when their ids are equal, or when both are
/// local, or both anonymous: compare principals, not ids. What is known about them besides ([`Principal::with`]) is for policies.
///
/// # Examples
/// ```
/// use mcp_core::Principal;
/// let caller = Principal::new("ada").with("plan", "paid");
/// assert!(caller.has("plan", "paid"));
/// assert!(!Principal::local().has("plan", "paid"));
/// ```
#[derive(Clone)]
pub struct Principal(Arc<Known>);

#[derive(Clone, Default, PartialEq)]
struct Known {
    identity: Identity,
    attributes: BTreeMap<Box<str>, Box<str>>,
    authentication: Option<Authentication>,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
enum Identity {
    #[default]
    Local,
    Anonymous,
    Id(Box<str>),
}

impl Principal {
    /// A caller with an id that is unique within the tenant.
    pub fn new(id: impl Into<String>) -> Self {
        Self::of(Identity::Id(id.into().into_boxed_str()))
    }

    /// Whoever started this process: the caller of a stdio server without configured principal.
    pub fn local() -> Self {
        Self(Arc::default())
    }

    /// Somebody who did not say who they are: the caller of an HTTP server without authentication.
    ///
    /// All anonymous callers are the same caller, and none of them is the local one.
    pub fn anonymous() -> Self {
        Self::of(Identity::Anonymous)
    }

    /// Records a fact about the caller, for policies and handlers.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0)
            .attributes
            .insert(name.into().into_boxed_str(), value.into().into_boxed_str());
        self
    }

    /// Records how the caller was authenticated. Only what has checked a token calls this.
    #[must_use]
    pub fn authenticated(mut self, authentication: Authentication) -> Self {
        Arc::make_mut(&mut self.0).authentication = Some(authentication);
        self
    }

    /// How the caller was authenticated, if a token was checked.
    pub fn authentication(&self) -> Option<&Authentication> {
        self.0.authentication.as_ref()
    }

    /// The id, or `None` for the local caller and for anonymous ones.
    pub fn id(&self) -> Option<&str> {
        match &self.0.identity {
            Identity::Id(id) => Some(id),
            Identity::Local | Identity::Anonymous => None,
        }
    }

    /// Whether this is the local caller.
    pub fn is_local(&self) -> bool {
        self.0.identity == Identity::Local
    }

    /// Whether nobody knows who this is.
    pub fn is_anonymous(&self) -> bool {
        self.0.identity == Identity::Anonymous
    }

    /// A recorded fact.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.0.attributes.get(name).map(|value| &**value)
    }

    /// Whether a fact is recorded with this value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.attribute(name) == Some(value)
    }

    /// Whether the same is known about both.
    pub(crate) fn is_known_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }

    fn of(identity: Identity) -> Self {
        Self(Arc::new(Known { identity, ..Known::default() }))
    }
}

impl Default for Principal {
    fn default() -> Self {
        Self::local()
    }
}

impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.0.identity == other.0.identity
    }
}

impl Eq for Principal {}

impl Hash for Principal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.identity.hash(state);
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0.identity {
            Identity::Id(id) => id,
            Identity::Local => "local",
            Identity::Anonymous => "anonymous",
        })
    }
}

impl fmt::Debug for Principal {
    /// Shows the id only: facts about a caller may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Principal").field(&self.to_string()).finish()
    }
}

/// Whose deployment is called: normalised host and path prefix; empty on stdio.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Tenant(Option<Arc<str>>);

impl Tenant {
    /// The tenant of this name.
    pub fn new(name: &str) -> Self {
        Self(Some(name.into()))
    }

    /// The name; empty on stdio.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_caller_is_neither_local_nor_anybody_known() {
        let anonymous = Principal::anonymous().with("address", "192.0.2.1");
        assert_eq!(anonymous, Principal::anonymous());
        assert_ne!(anonymous, Principal::local());
        assert_ne!(anonymous, Principal::new("anonymous"));
        assert_ne!(Principal::local(), Principal::new("local"));
        assert!(anonymous.is_anonymous() && !anonymous.is_local() && anonymous.id().is_none());
        assert!(!Principal::local().is_anonymous() && !Principal::new("a").is_anonymous());
        assert_eq!(anonymous.to_string(), "anonymous");
    }
}
