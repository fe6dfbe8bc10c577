//! What an item requires: profiles that are in force, and scopes of its callers.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use mcp_core::Principal;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::ProfileUrl;

/// What is required, as it was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requires {
    profiles: Vec<Cow<'static, str>>,
    scopes: Vec<Cow<'static, str>>,
}

/// What is required.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Required {
    /// Profiles that all have to be in force.
    pub(crate) profiles: Vec<ProfileUrl>,
    pub(crate) scopes: Scopes,
}

impl Requires {
    /// Adds a profile.
    pub(crate) fn push(&mut self, profile: Cow<'static, str>) {
        self.profiles.push(profile);
    }

    /// Adds scopes.
    pub(crate) fn push_scopes<S: Into<Cow<'static, str>>>(
        &mut self,
        scopes: impl IntoIterator<Item = S>,
    ) {
        self.scopes.extend(scopes.into_iter().map(Into::into));
    }

    /// The profiles and scopes, each once; what is none becomes a problem.
    pub(crate) fn read(&self, problems: &mut Vec<String>) -> Required {
        let mut profiles = Vec::new();
        for text in &self.profiles {
            match ProfileUrl::parse(text) {
                Ok(url) if profiles.contains(&url) => {}
                Ok(url) => profiles.push(url),
                Err(error) => problems.push(format!("requires the profile `{text}`: {error}")),
            }
        }
        let mut scopes: Vec<Box<str>> = Vec::new();
        for text in &self.scopes {
            match is_scope(text) {
                true if scopes.iter().any(|scope| **scope == **text) => {}
                true => scopes.push((&**text).into()),
                false => problems.push(format!(
                    "needs the scope `{text}`, which is none: write one word of visible ASCII \
                     without `\"` and `\\`"
                )),
            }
        }
        Required { profiles, scopes: Scopes(scopes.into()) }
    }
}

/// Scopes that a caller needs to have all.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Scopes(Arc<[Box<str>]>);

impl Scopes {
    /// Whether a caller may pass: with a token that grants them all, or because whoever runs this
    /// process calls, and shows none.
    pub(crate) fn are_granted(&self, caller: &Principal) -> bool {
        match caller.authentication() {
            _ if self.0.is_empty() => true,
            Some(known) => self.0.iter().all(|scope| known.has_scope(scope)),
            None => caller.is_local(),
        }
    }

    /// What a caller is told that does not have them all.
    pub(crate) fn refusal(&self) -> ErrorObject {
        ErrorObject::invalid_request(format!("this needs a token with the scopes `{self}`"))
    }

    #[cfg(feature = "auth")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes of both.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let new = other.0.iter().filter(|scope| !self.0.contains(scope));
        Self(self.0.iter().chain(new).cloned().collect())
    }
}

/// As in a `scope` parameter: separated by spaces.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter()).finish()
    }
}

/// RFC 6749, 3.3.
fn is_scope(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    !text.is_empty() && text.bytes().all(is_good)
}

#[cfg(test)]
mod tests {
    use mcp_core::authentication::Authentication;

    use super::*;

    #[test]
    fn scopes_are_asked_of_everybody_but_whoever_runs_the_process() {
        let mut requires = Requires::default();
        requires.push_scopes(["a", "b", "a"]);
        let scopes = requires.read(&mut Vec::new()).scopes;
        assert_eq!(scopes.to_string(), "a b");
        let with = |scopes: &[&str]| {
            let mut known = Authentication::new("https://login.example");
            known.scopes = scopes.iter().map(|scope| Box::from(*scope)).collect();
            known
        };
        let ada = Principal::new("ada");
        assert!(scopes.are_granted(&ada.clone().authenticated(with(&["c", "b", "a"]))));
        assert!(!scopes.are_granted(&ada.clone().authenticated(with(&["a"]))));
        assert!(!scopes.are_granted(&ada) && !scopes.are_granted(&Principal::anonymous()));
        assert!(scopes.are_granted(&Principal::local()));
        assert!(!scopes.are_granted(&Principal::local().authenticated(with(&["a"]))));
        assert!(Scopes::default().are_granted(&Principal::anonymous()));
    }

    #[test]
    fn what_is_no_scope_is_a_problem() {
        for wrong in ["", "a b", "\"", "\\", "\u{e4}", "a\n"] {
            let mut requires = Requires::default();
            requires.push_scopes([wrong]);
            let mut problems = Vec::new();
            requires.read(&mut problems);
            assert_eq!(problems.len(), 1, "{wrong}");
        }
    }
}
