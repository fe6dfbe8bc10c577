//! How a caller was authenticated: what a checked token says, as plain facts.
//!
//! Whoever has checked a token writes them down; policies and handlers read them. Nothing here
//! checks a signature or knows a token.

use std::collections::BTreeSet;

/// What a token that was checked says about its bearer.
///
/// # Examples
/// ```
/// use mcp_core::authentication::{Authentication, Binding};
///
/// let mut caller = Authentication::new("https://id.example");
/// caller.client_id = Some("wholesale-chips".into());
/// caller.scopes.insert("orders:read".into());
/// caller.binding = Binding::Certificate { thumbprint: "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2".into() };
/// assert!(caller.has_scope("orders:read") && !caller.has_scope("orders:write"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authentication {
    /// The issuer identifier of the authorization server, exactly as the token has it.
    pub issuer: Box<str>,
    /// Whom the token speaks for (`sub`).
    pub subject: Option<Box<str>>,
    /// The client that got the token (`client_id`).
    pub client_id: Option<Box<str>>,
    /// The scopes that the token grants.
    pub scopes: BTreeSet<Box<str>>,
    /// What the token is bound to, once the caller has shown that it holds that.
    pub binding: Binding,
    /// The SPIFFE ID of the certificate that the caller has shown.
    pub spiffe_id: Option<Box<str>>,
    /// When the token expires, in seconds since 1970 (`exp`): streams that are open then end.
    pub expires_at: Option<u64>,
}

impl Authentication {
    /// An unbound token of this authorization server, of which nothing else is known.
    pub fn new(issuer: impl Into<Box<str>>) -> Self {
        Self {
            issuer: issuer.into(),
            subject: None,
            client_id: None,
            scopes: BTreeSet::new(),
            binding: Binding::None,
            spiffe_id: None,
            expires_at: None,
        }
    }

    /// Whether the token has expired at this time, in seconds since 1970.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|expiry| expiry <= now)
    }

    /// Whether the token grants a scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }
}

/// What a token is bound to, so that it is worthless to a thief.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Binding {
    /// Nothing: whoever has the token may use it.
    #[default]
    None,
    /// A client certificate (RFC 8705, 3.1), which the connection was made with.
    Certificate {
        /// Its SHA-256 thumbprint, as in `x5t#S256`.
        thumbprint: Box<str>,
    },
    /// A key (RFC 9449, 6), with which the request was proved to be the caller's.
    DPoP {
        /// The SHA-256 thumbprint of the key, as in `jkt`.
        thumbprint: Box<str>,
    },
}
