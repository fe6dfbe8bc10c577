//! The identifier of an extension, checked before it can be used.
//!
//! Spec: 2026-07-28, basic/index, "Extensions", and schema, `ClientCapabilities.extensions`. It
//! knows the form of an identifier and nothing of what any extension does.

use std::borrow::Cow;
use std::fmt;

use crate::types::is_valid_extension_id;

/// Names an extension: a prefix of dot-separated labels, a slash and a name.
///
/// # Examples
/// A constant is checked when the program is compiled:
/// ```
/// use mcp_core::ExtensionId;
///
/// const WATCHLIST: ExtensionId = ExtensionId::new("com.example/watchlist");
/// assert_eq!(WATCHLIST.as_str(), "com.example/watchlist");
/// ```
/// One without a prefix does not compile:
/// ```compile_fail
/// # use mcp_core::ExtensionId;
/// const WATCHLIST: ExtensionId = ExtensionId::new("watchlist");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExtensionId(Cow<'static, str>);

impl ExtensionId {
    /// The identifier that a program knows when it is compiled.
    ///
    /// Use it for a constant: then a wrong one is an error of the compiler.
    ///
    /// # Panics
    /// When `id` is no identifier of an extension; [`parse`](Self::parse) says so instead.
    pub const fn new(id: &'static str) -> Self {
        assert!(
            is_valid_extension_id(id),
            "an extension is named by a prefix, a slash and a name, such as `com.example/watchlist`"
        );
        Self(Cow::Borrowed(id))
    }

    /// The identifier that a program learns when it runs.
    ///
    /// # Errors
    /// When `id` is no identifier of an extension.
    pub fn parse(id: impl Into<String>) -> Result<Self, InvalidExtensionId> {
        let id = id.into();
        match is_valid_extension_id(&id) {
            true => Ok(Self(Cow::Owned(id))),
            false => Err(InvalidExtensionId { id }),
        }
    }

    /// The identifier as it stands in the capabilities.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExtensionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ExtensionId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<ExtensionId> for String {
    fn from(id: ExtensionId) -> Self {
        id.0.into_owned()
    }
}

impl std::str::FromStr for ExtensionId {
    type Err = InvalidExtensionId;

    fn from_str(id: &str) -> Result<Self, InvalidExtensionId> {
        Self::parse(id)
    }
}

/// A text that names no extension.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{id:?} names no extension: write a prefix, a slash and a name, such as `com.example/watchlist`"
)]
pub struct InvalidExtensionId {
    id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_keeps_its_text() {
        let id: ExtensionId = "io.modelcontextprotocol/tasks".parse().unwrap();
        assert_eq!(id, ExtensionId::new("io.modelcontextprotocol/tasks"));
        assert_eq!(id.to_string(), "io.modelcontextprotocol/tasks");
    }

    #[test]
    fn what_is_no_identifier_is_named() {
        for id in ["", "tasks", "com.example/", "/tasks", "com example/tasks"] {
            let error = ExtensionId::parse(id).unwrap_err().to_string();
            assert!(error.contains(&format!("{id:?}")), "{error}");
        }
    }
}
