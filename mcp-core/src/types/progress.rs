//! News about a request that takes its time.
//!
//! Specification: 2026-07-28, basic, "Progress".

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::number;

/// What ties progress notifications to a request: a string or a whole number that its sender chose.
///
/// It is written back as it came. A number with a fraction or an exponent is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProgressToken {
    /// A whole number.
    Integer(i64),
    /// A string.
    String(Box<str>),
}

impl From<i64> for ProgressToken {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for ProgressToken {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for ProgressToken {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl fmt::Display for ProgressToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(f),
            Self::String(text) => text.fmt(f),
        }
    }
}

impl Serialize for ProgressToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::String(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for ProgressToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TokenVisitor)
    }
}

/// What `notifications/progress` carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProgressNotificationParams {
    /// The token that the request gave.
    pub progress_token: ProgressToken,
    /// How far the work has come; it grows with every notification.
    #[serde(serialize_with = "number::serialize")]
    pub progress: f64,
    /// Where the work ends, if that is known.
    #[serde(
        default,
        serialize_with = "number::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub total: Option<f64>,
    /// What is being done, for people; since 2025-03-26.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl ProgressNotificationParams {
    /// Reports how far the work has come. What is not finite cannot be written.
    pub fn new(token: impl Into<ProgressToken>, progress: f64) -> Self {
        Self { progress_token: token.into(), progress, total: None, message: None }
    }

    /// Says where the work ends.
    #[must_use]
    pub fn with_total(mut self, total: f64) -> Self {
        self.total = Some(total);
        self
    }

    /// Says what is being done.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

struct TokenVisitor;

impl de::Visitor<'_> for TokenVisitor {
    type Value = ProgressToken;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a whole number of 64 bits")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<ProgressToken, E> {
        Ok(ProgressToken::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<ProgressToken, E> {
        i64::try_from(number)
            .map(ProgressToken::Integer)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ProgressToken, E> {
        Ok(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_keep_their_type() {
        for text in ["7", "-7", "\"7\"", "\"\"", "9223372036854775807"] {
            let token: ProgressToken = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&token).unwrap(), text);
        }
    }

    #[test]
    fn fractions_and_other_types_are_refused() {
        for text in ["7.5", "7.0", "7e0", "18446744073709551615", "null", "true", "[]", "{}"] {
            let error = serde_json::from_str::<ProgressToken>(text).unwrap_err().to_string();
            assert!(error.contains("a string or a whole number"), "{error}");
        }
    }

    #[test]
    fn whole_progress_is_written_whole() {
        let params = ProgressNotificationParams::new("t", 50.0).with_total(100.0);
        let text = serde_json::to_string(&params).unwrap();
        assert_eq!(text, r#"{"progressToken":"t","progress":50,"total":100}"#);
        assert!(serde_json::to_string(&ProgressNotificationParams::new(1, f64::NAN)).is_err());
    }
}
