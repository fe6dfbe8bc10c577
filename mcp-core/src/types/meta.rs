//! The `_meta` field and the rules for its keys.
//!
//! Specification: 2026-07-28, basic, "General fields". It does not know what any key means.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Additional data about a message or an object in it: the contents of a `_meta` field.
///
/// Keys and values of all kinds survive a round trip. Keys are not checked when they are received;
/// who adds one of their own can ask [`is_valid_meta_key`] and [`is_reserved_meta_key`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Meta(Map<String, Value>);

impl Meta {
    /// Returns a `_meta` without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value at `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Sets the value at `key` and returns the one that was there.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.insert(key.into(), value.into())
    }

    /// Sets the value at `key`.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(key, value);
        self
    }

    /// Takes out the value at `key`.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    /// Whether there is a value at `key`.
    pub fn contains_key(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// Keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The contents as a JSON map.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The contents as a JSON map.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Map<String, Value>> for Meta {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Meta {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect::<Map<_, _>>()
            .into()
    }
}

/// Whether `key` has the form that the specification asks of a `_meta` key.
///
/// An optional prefix of dot-separated labels ends in a slash. A label starts with a letter and ends
/// with a letter or digit. The name after it is empty, or starts and ends with a letter or digit and
/// has hyphens, underscores and dots only between them.
///
/// # Examples
///
/// ```
/// use mcp_core::types::is_valid_meta_key;
///
/// assert!(is_valid_meta_key("com.example/trace-id"));
/// assert!(is_valid_meta_key("traceparent"));
/// assert!(!is_valid_meta_key("com..example/id"));
/// ```
pub const fn is_valid_meta_key(key: &str) -> bool {
    let key = key.as_bytes();
    match prefix_len(key) {
        Some(len) => is_valid_prefix(key, len) && is_valid_name(key, len + 1),
        None => is_valid_name(key, 0),
    }
}

/// Whether `id` can identify an extension: a `_meta` key with a prefix and a name.
///
/// Specification: 2026-07-28, schema, `ClientCapabilities.extensions`.
pub const fn is_valid_extension_id(id: &str) -> bool {
    let id = id.as_bytes();
    match prefix_len(id) {
        Some(len) => is_valid_prefix(id, len) && len + 1 < id.len() && is_valid_name(id, len + 1),
        None => false,
    }
}

/// Whether the prefix of `key` is kept for MCP itself.
///
/// It is when its second label is `modelcontextprotocol` or `mcp`.
pub fn is_reserved_meta_key(key: &str) -> bool {
    let Some((prefix, _)) = key.split_once('/') else { return false };
    matches!(prefix.split('.').nth(1), Some("modelcontextprotocol" | "mcp"))
}

/// The number of bytes before the first slash.
const fn prefix_len(key: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < key.len() {
        if key[at] == b'/' {
            return Some(at);
        }
        at += 1;
    }
    None
}

const fn is_valid_prefix(key: &[u8], len: usize) -> bool {
    let mut start = 0;
    let mut at = 0;
    while at <= len {
        if at == len || key[at] == b'.' {
            if at == start
                || !key[start].is_ascii_alphabetic()
                || !key[at - 1].is_ascii_alphanumeric()
            {
                return false;
            }
            start = at + 1;
        } else if !key[at].is_ascii_alphanumeric() && key[at] != b'-' {
            return false;
        }
        at += 1;
    }
    true
}

const fn is_valid_name(key: &[u8], start: usize) -> bool {
    if start >= key.len() {
        return true;
    }
    let mut at = start;
    while at < key.len() {
        if !key[at].is_ascii_alphanumeric() && !matches!(key[at], b'-' | b'_' | b'.') {
            return false;
        }
        at += 1;
    }
    key[start].is_ascii_alphanumeric() && key[key.len() - 1].is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_specification() {
        for key in ["", "a", "a.b_c-d", "com.example/x", "x/", "e-x.c0/1", "dev.mcp/A"] {
            assert!(is_valid_meta_key(key), "{key}");
        }
        for key in [
            "/a", "-a", "a-", "a b", "1a/x", "a-/x", "a./x", ".a/x", "a..b/x", "a/b/c", "ü",
            "a_b/x",
        ] {
            assert!(!is_valid_meta_key(key), "{key}");
        }
    }

    #[test]
    fn extensions_need_prefix_and_name() {
        assert!(is_valid_extension_id("com.example/watchlist"));
        for id in ["watchlist", "com.example/", "/watchlist", "com.example/a/b"] {
            assert!(!is_valid_extension_id(id), "{id}");
        }
    }

    #[test]
    fn reserved_prefixes_are_told_by_their_second_label() {
        for key in [
            "io.modelcontextprotocol/x",
            "dev.mcp/x",
            "org.modelcontextprotocol.api/x",
            "com.mcp.t/x",
        ] {
            assert!(is_reserved_meta_key(key), "{key}");
        }
        for key in ["com.example.mcp/x", "mcp/x", "traceparent"] {
            assert!(!is_reserved_meta_key(key), "{key}");
        }
    }
}
