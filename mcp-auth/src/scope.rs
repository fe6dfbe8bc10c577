//! Scopes (RFC 6749, 3.3).
//!
//! Owns what a set of scopes is, and how it is written in parameters and in documents. Which scopes
//! are asked for is for the client, and which are needed for the server.

use std::collections::BTreeSet;
use std::fmt;

/// A set of scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Box<str>>);

impl Scopes {
    /// Reads a list that is separated by spaces; what is no scope is left out.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split(' ').collect()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a scope is in it.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// Whether all of its scopes are in the other set, too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The scopes of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The scopes of this one that the other does not have.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// The scopes, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }
}

impl<S: AsRef<str>> FromIterator<S> for Scopes {
    /// Keeps what is a scope: visible ASCII without `"` and `\`.
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let is_scope = |scope: &S| {
            let bytes = scope.as_ref().as_bytes();
            !bytes.is_empty()
                && bytes.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
        };
        Self(scopes.into_iter().filter(is_scope).map(|scope| scope.as_ref().into()).collect())
    }
}

/// As in a `scope` parameter: separated by spaces.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope)?;
        }
        Ok(())
    }
}

/// As in a document: an array of texts, or nothing.
pub(crate) mod list {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Scopes;

    pub(crate) fn serialize<S: Serializer>(
        scopes: &Option<Scopes>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match scopes {
            Some(scopes) => serializer.collect_seq(scopes.iter()),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Scopes>, D::Error> {
        let scopes: Option<Vec<String>> = Option::deserialize(deserializer)?;
        Ok(scopes.map(Scopes::from_iter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scopes_are_kept_and_each_once() {
        let scopes = Scopes::parse("b a  b \"x\" c\\d \u{e4}");
        assert_eq!(scopes.to_string(), "a b");
        assert!(Scopes::parse("").is_empty());
        assert!(Scopes::parse("a").is_subset(&scopes) && !Scopes::parse("a c").is_subset(&scopes));
    }
}
