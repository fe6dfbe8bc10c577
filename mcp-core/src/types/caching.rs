//! How long and for whom a result may be kept.
//!
//! Specification: 2026-07-28, server, "Caching". Earlier revisions have no such hints.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::Number;

/// For how long and for whom a result may be kept.
///
/// In a message its two fields stand beside the fields of the result, where a codec reads and writes
/// them. A result without hints is stale at once: that is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheHints {
    /// For how many milliseconds after receipt the result counts as fresh.
    ///
    /// A negative value is read as 0, as the specification asks.
    #[serde(default, deserialize_with = "not_below_zero")]
    pub ttl_ms: u64,
    /// Who may be given the kept result.
    #[serde(default)]
    pub cache_scope: CacheScope,
}

impl CacheHints {
    /// A result that anyone may be given for `ttl_ms` milliseconds.
    pub fn public(ttl_ms: u64) -> Self {
        Self { ttl_ms, cache_scope: CacheScope::Public }
    }

    /// A result that only the same caller may be given, for `ttl_ms` milliseconds.
    pub fn private(ttl_ms: u64) -> Self {
        Self { ttl_ms, cache_scope: CacheScope::Private }
    }
}

/// Who may be given a kept result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheScope {
    /// Everyone: nothing in it belongs to one user.
    Public,
    /// Only requests with the same authorisation. This is what absence means here, the safe reading.
    #[default]
    Private,
}

fn not_below_zero<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = Number::deserialize(deserializer)?;
    match number.as_u64() {
        Some(millis) => Ok(millis),
        None if number.as_f64().is_some_and(|millis| millis < 0.0) => Ok(0),
        None => Err(D::Error::custom(format_args!(
            "`ttlMs` is {number}, expected a whole number of milliseconds"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_time_to_live_is_zero() {
        let hints: CacheHints =
            serde_json::from_str(r#"{"ttlMs":-5,"cacheScope":"public"}"#).unwrap();
        assert_eq!(hints, CacheHints::public(0));
    }

    #[test]
    fn a_time_to_live_with_a_fraction_is_refused() {
        let error = serde_json::from_str::<CacheHints>(r#"{"ttlMs":1.5}"#).unwrap_err().to_string();
        assert!(error.starts_with("`ttlMs` is 1.5, expected a whole number"), "{error}");
    }

    #[test]
    fn absent_hints_mean_stale_and_private() {
        assert_eq!(serde_json::from_str::<CacheHints>("{}").unwrap(), CacheHints::private(0));
    }

    #[test]
    fn both_fields_are_always_written() {
        let text = serde_json::to_string(&CacheHints::public(300_000)).unwrap();
        assert_eq!(text, r#"{"ttlMs":300000,"cacheScope":"public"}"#);
    }
}
