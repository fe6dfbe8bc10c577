//! What a profile demands of how its callers were authenticated.
//!
//! A pure check of facts against facts. Where the facts come from, and whether a token was good, is
//! not known here.

use std::fmt;

use crate::authentication::{Authentication, Binding};
use crate::principal::Principal;

/// What a profile demands of how its callers were authenticated.
///
/// A caller for whom any of it is not so does not get the profile, and neither does one who was not
/// authenticated at all: a check that cannot run is not passed.
///
/// # Examples
/// ```
/// use mcp_core::Principal;
/// use mcp_core::authentication::{Authentication, Binding};
/// use mcp_core::profile::RequiredAuthentication;
///
/// let demanded = RequiredAuthentication::new()
///     .issuer("https://login.wholesalechips.co")
///     .certificate_bound()
///     .scope("orders");
/// let mut token = Authentication::new("https://login.wholesalechips.co");
/// token.scopes.insert("orders".into());
/// token.binding = Binding::Certificate { thumbprint: "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0".into() };
/// let caller = Principal::new("chips").authenticated(token);
/// assert_eq!(demanded.check(&caller), Ok(()));
/// assert!(demanded.check(&Principal::new("chips")).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it demands nothing until a profile has it"]
pub struct RequiredAuthentication {
    issuers: Vec<Box<str>>,
    clients: Vec<Box<str>>,
    scopes: Vec<Box<str>>,
    binding: Option<Bound>,
    trust_domain: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Somehow,
    Certificate,
    DPoP,
}

impl RequiredAuthentication {
    /// A token that was checked, whatever it says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Issued by this authorization server, or by one of several if this is called again. It is
    /// compared character by character with `iss`.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuers.push(issuer.into());
        self
    }

    /// Issued to this client, or to one of several if this is called again.
    pub fn client_id(mut self, client_id: impl Into<Box<str>>) -> Self {
        self.clients.push(client_id.into());
        self
    }

    /// Granting this scope; all of them if this is called again.
    pub fn scope(mut self, scope: impl Into<Box<str>>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Bound to the client certificate of the connection (RFC 8705, 3).
    pub fn certificate_bound(mut self) -> Self {
        self.binding = Some(Bound::Certificate);
        self
    }

    /// Bound to a key, with proof of it in the request (RFC 9449).
    pub fn dpop_bound(mut self) -> Self {
        self.binding = Some(Bound::DPoP);
        self
    }

    /// Bound to something that a thief of the token does not have, whatever that is.
    pub fn sender_constrained(mut self) -> Self {
        self.binding = Some(Bound::Somehow);
        self
    }

    /// Shown with a certificate that is an X.509-SVID of this SPIFFE trust domain, such as
    /// `wholesalechips.co`.
    pub fn trust_domain(mut self, name: impl Into<Box<str>>) -> Self {
        self.trust_domain = Some(name.into());
        self
    }

    /// Whether a caller was authenticated like this.
    ///
    /// # Errors
    ///
    /// The first demand that is not met. It is for logs: callers need not know what others have.
    pub fn check(&self, caller: &Principal) -> Result<(), Unmet> {
        let Some(known) = caller.authentication() else { return Err(Unmet::NotAuthenticated) };
        if !is_one_of(&self.issuers, Some(&known.issuer)) {
            return Err(Unmet::Issuer { found: known.issuer.clone() });
        }
        if !is_one_of(&self.clients, known.client_id.as_deref()) {
            return Err(Unmet::Client { found: known.client_id.clone() });
        }
        match self.binding {
            Some(wanted) if !wanted.is_met_by(&known.binding) => {
                return Err(Unmet::Binding { wanted: wanted.name() });
            }
            _ => {}
        }
        if let Some(wanted) = &self.trust_domain
            && !is_member(known, wanted)
        {
            return Err(Unmet::TrustDomain { found: known.spiffe_id.clone() });
        }
        match self.scopes.iter().find(|scope| !known.has_scope(scope)) {
            Some(missing) => Err(Unmet::Scope { missing: missing.clone() }),
            None => Ok(()),
        }
    }
}

/// The demand of a profile that a caller does not meet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unmet {
    /// No token was checked.
    #[error("the caller was not authenticated")]
    NotAuthenticated,
    /// Another authorization server issued the token.
    #[error("the token was issued by {found}")]
    Issuer {
        /// The one that did.
        found: Box<str>,
    },
    /// The token was issued to another client.
    #[error("the token was issued to {}", Named(found.as_deref()))]
    Client {
        /// The one that it was issued to.
        found: Option<Box<str>>,
    },
    /// The token is not bound, or to something else.
    #[error("the token is not bound to {wanted}")]
    Binding {
        /// What it has to be bound to.
        wanted: &'static str,
    },
    /// The caller's certificate is no SVID of the trust domain.
    #[error("the caller's certificate names {}", Named(found.as_deref()))]
    TrustDomain {
        /// The SPIFFE ID that it has.
        found: Option<Box<str>>,
    },
    /// The token does not grant a scope.
    #[error("the token lacks the scope {missing}")]
    Scope {
        /// The scope.
        missing: Box<str>,
    },
}

impl Bound {
    fn is_met_by(self, binding: &Binding) -> bool {
        match self {
            Self::Somehow => *binding != Binding::None,
            Self::Certificate => matches!(binding, Binding::Certificate { .. }),
            Self::DPoP => matches!(binding, Binding::DPoP { .. }),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Somehow => "a certificate or key",
            Self::Certificate => "a client certificate",
            Self::DPoP => "a DPoP key",
        }
    }
}

/// A name that may be missing, for people.
struct Named<'a>(Option<&'a str>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.unwrap_or("nobody"))
    }
}

fn is_one_of(wanted: &[Box<str>], found: Option<&str>) -> bool {
    wanted.is_empty() || found.is_some_and(|found| wanted.iter().any(|name| **name == *found))
}

/// Whether the SPIFFE ID lies in a trust domain (SPIFFE ID, 2.1: the part after `spiffe://`).
fn is_member(known: &Authentication, trust_domain: &str) -> bool {
    let rest = known.spiffe_id.as_deref().and_then(|id| id.strip_prefix("spiffe://"));
    let domain = rest.map(|rest| rest.split_once('/').map_or(rest, |(domain, _)| domain));
    domain == Some(trust_domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example";

    fn token() -> Authentication {
        let mut token = Authentication::new(ISSUER);
        token.client_id = Some("chips".into());
        token.scopes = ["a".into(), "b".into()].into();
        token.binding = Binding::Certificate { thumbprint: "t".into() };
        token.spiffe_id = Some("spiffe://chips.example/agent".into());
        token
    }

    fn unmet(demanded: &RequiredAuthentication, token: Authentication) -> Option<Unmet> {
        demanded.check(&Principal::new("x").authenticated(token)).err()
    }

    #[test]
    fn each_demand_is_checked_by_itself() {
        let any = RequiredAuthentication::new;
        for met in [
            any(),
            any().issuer("https://other.example").issuer(ISSUER),
            any().client_id("chips"),
            any().scope("a").scope("b"),
            any().certificate_bound(),
            any().sender_constrained(),
            any().trust_domain("chips.example"),
        ] {
            assert_eq!(unmet(&met, token()), None, "{met:?}");
        }
        for (demand, expected) in [
            (any().issuer("https://id.example/"), Unmet::Issuer { found: ISSUER.into() }),
            (any().client_id("chip"), Unmet::Client { found: Some("chips".into()) }),
            (any().scope("a").scope("c"), Unmet::Scope { missing: "c".into() }),
            (any().dpop_bound(), Unmet::Binding { wanted: "a DPoP key" }),
            (
                any().trust_domain("chips"),
                Unmet::TrustDomain { found: Some("spiffe://chips.example/agent".into()) },
            ),
        ] {
            assert_eq!(unmet(&demand, token()), Some(expected));
        }
    }

    #[test]
    fn who_was_not_authenticated_passes_no_check() {
        for caller in [Principal::local(), Principal::anonymous(), Principal::new("x")] {
            let check = RequiredAuthentication::new().check(&caller);
            assert_eq!(check, Err(Unmet::NotAuthenticated));
        }
    }

    #[test]
    fn token_without_a_binding_is_not_sender_constrained() {
        let mut bearer = token();
        bearer.binding = Binding::None;
        let demanded = RequiredAuthentication::new().sender_constrained();
        assert!(unmet(&demanded, bearer.clone()).is_some());
        bearer.spiffe_id = None;
        let demanded = RequiredAuthentication::new().trust_domain("chips.example");
        assert_eq!(unmet(&demanded, bearer), Some(Unmet::TrustDomain { found: None }));
    }
}
