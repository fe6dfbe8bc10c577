//! Log messages that a server sends to its client.
//!
//! Specification: 2025-11-25, server, "Logging"; deprecated by 2026-07-28 but still in it. It does
//! not know which messages are wanted.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::raw::{one_line, raw_line, same_text};

/// What `notifications/message` carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LoggingMessageNotificationParams {
    /// How grave it is.
    pub level: LoggingLevel,
    /// What part of the server says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logger: Option<String>,
    /// What is said: any JSON value, `null` included.
    #[serde(deserialize_with = "raw_line")]
    pub data: Box<RawValue>,
}

impl LoggingMessageNotificationParams {
    /// Says `data` written as JSON: a text, or an object with fields.
    ///
    /// # Errors
    ///
    /// When `data` cannot be written as JSON.
    pub fn new<T: Serialize + ?Sized>(
        level: LoggingLevel,
        data: &T,
    ) -> Result<Self, serde_json::Error> {
        let data = one_line(serde_json::value::to_raw_value(data)?);
        Ok(Self { level, logger: None, data })
    }

    /// Says what part of the server says it.
    #[must_use]
    pub fn with_logger(mut self, logger: impl Into<String>) -> Self {
        self.logger = Some(logger.into());
        self
    }
}

impl PartialEq for LoggingMessageNotificationParams {
    fn eq(&self, other: &Self) -> bool {
        self.level == other.level
            && self.logger == other.logger
            && same_text(Some(&self.data), Some(&other.data))
    }
}

/// What `logging/setLevel` carries; up to 2025-11-25.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SetLevelRequestParams {
    /// The least grave messages that the client wants.
    pub level: LoggingLevel,
}

impl SetLevelRequestParams {
    /// Asks for messages of this level and graver ones.
    pub fn new(level: LoggingLevel) -> Self {
        Self { level }
    }
}

/// The severity of a log message, after RFC 5424; a graver one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoggingLevel {
    /// Details for those who look for a fault.
    Debug,
    /// Progress of ordinary work.
    Info,
    /// Ordinary, but worth noting.
    Notice,
    /// Something may go wrong.
    Warning,
    /// Something went wrong.
    Error,
    /// A part fails.
    Critical,
    /// Somebody has to act at once.
    Alert,
    /// Nothing works.
    Emergency,
}

impl LoggingLevel {
    /// The level as it is written in a message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}

impl fmt::Display for LoggingLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_any_value_and_has_to_be_there() {
        for data in ["null", "\"words\"", r#"{"a":[1]}"#] {
            let text = format!(r#"{{"level":"notice","logger":"db","data":{data}}}"#);
            let params: LoggingMessageNotificationParams = serde_json::from_str(&text).unwrap();
            assert_eq!(params.data.get(), data);
            assert_eq!(serde_json::to_string(&params).unwrap(), text);
        }
        let text = r#"{"level":"notice"}"#;
        let error = serde_json::from_str::<LoggingMessageNotificationParams>(text).unwrap_err();
        assert!(error.to_string().contains("missing field `data`"), "{error}");
    }

    #[test]
    fn graver_levels_are_greater() {
        assert!(LoggingLevel::Emergency > LoggingLevel::Alert);
        assert!(LoggingLevel::Info > LoggingLevel::Debug);
    }
}
