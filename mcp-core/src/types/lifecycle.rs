//! How client and server get to know each other: `initialize` and `server/discover`.
//!
//! Specification: 2025-11-25, basic, "Lifecycle" and 2026-07-28, "Discovery". It does not know what a
//! protocol version means, and leaves the profile fields as they came: their rules are elsewhere.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    CacheHints, Implementation, Meta,
    raw::{present, same_text},
};
use crate::capability::{ClientCapabilities, ServerCapabilities};

/// What `initialize` carries; up to 2025-11-25.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InitializeRequestParams {
    /// The latest protocol version that the client speaks, or the one it prefers.
    pub protocol_version: String,
    /// What the client can do.
    pub capabilities: ClientCapabilities,
    /// The client's software.
    pub client_info: Implementation,
    /// The profiles that the client asks for, not yet decoded.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub requested_profiles: Option<Box<RawValue>>,
}

impl InitializeRequestParams {
    /// Introduces a client.
    pub fn new(
        protocol_version: impl Into<String>,
        capabilities: ClientCapabilities,
        client_info: Implementation,
    ) -> Self {
        Self {
            protocol_version: protocol_version.into(),
            capabilities,
            client_info,
            requested_profiles: None,
        }
    }
}

impl PartialEq for InitializeRequestParams {
    fn eq(&self, other: &Self) -> bool {
        self.protocol_version == other.protocol_version
            && self.capabilities == other.capabilities
            && self.client_info == other.client_info
            && same_text(self.requested_profiles.as_deref(), other.requested_profiles.as_deref())
    }
}

/// What a server answers to `initialize`; up to 2025-11-25.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InitializeResult {
    /// The protocol version that the server chose.
    pub protocol_version: String,
    /// What the server can do.
    pub capabilities: ServerCapabilities,
    /// The server's software.
    pub server_info: Implementation,
    /// How to use the server, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The profiles in force, not yet decoded.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub profiles: Option<Box<RawValue>>,
    /// The one profile in force, as an earlier form of the proposal has it; not yet decoded.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub profile: Option<Box<RawValue>>,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl InitializeResult {
    /// Introduces a server.
    pub fn new(
        protocol_version: impl Into<String>,
        capabilities: ServerCapabilities,
        server_info: Implementation,
    ) -> Self {
        Self {
            protocol_version: protocol_version.into(),
            capabilities,
            server_info,
            instructions: None,
            profiles: None,
            profile: None,
            meta: None,
        }
    }

    /// Says how to use the server.
    #[must_use]
    pub fn with_instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }
}

impl PartialEq for InitializeResult {
    fn eq(&self, other: &Self) -> bool {
        self.protocol_version == other.protocol_version
            && self.capabilities == other.capabilities
            && self.server_info == other.server_info
            && self.instructions == other.instructions
            && same_text(self.profiles.as_deref(), other.profiles.as_deref())
            && same_text(self.profile.as_deref(), other.profile.as_deref())
            && self.meta == other.meta
    }
}

/// What a server answers to `server/discover`; since 2026-07-28.
///
/// The server's software stands in the result's `_meta`, which the codec reads and writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DiscoverResult {
    /// The protocol versions that the server speaks.
    pub supported_versions: Vec<String>,
    /// What the server can do.
    pub capabilities: ServerCapabilities,
    /// How to use the server, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// How long and for whom the result may be kept. Reading and writing it is the codec's work.
    #[serde(skip)]
    pub cache: Option<CacheHints>,
    /// The result's `_meta` as received. Writing it is the codec's work.
    #[serde(rename = "_meta", default, skip_serializing)]
    pub meta: Option<Meta>,
}

impl DiscoverResult {
    /// Introduces a server that speaks these versions.
    pub fn new(
        supported_versions: impl IntoIterator<Item = impl Into<String>>,
        capabilities: ServerCapabilities,
    ) -> Self {
        Self {
            supported_versions: supported_versions.into_iter().map(Into::into).collect(),
            capabilities,
            instructions: None,
            cache: None,
            meta: None,
        }
    }

    /// Says how to use the server.
    #[must_use]
    pub fn with_instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Says how long and for whom the result may be kept.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheHints) -> Self {
        self.cache = Some(cache);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_fields_are_kept_as_they_came() {
        let text = r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"a","version":"1"},"requestedProfiles":["https://a/b" ,7]}"#;
        let params: InitializeRequestParams = serde_json::from_str(text).unwrap();
        assert_eq!(params.requested_profiles.as_ref().unwrap().get(), r#"["https://a/b" ,7]"#);
        assert_eq!(serde_json::to_string(&params).unwrap(), text);
    }

    #[test]
    fn a_present_null_is_not_taken_for_absence() {
        let text = r#"{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"a","version":"1"},"profiles":null}"#;
        let result: InitializeResult = serde_json::from_str(text).unwrap();
        assert_eq!(result.profiles.as_ref().unwrap().get(), "null");
        assert!(result.profile.is_none());
    }

    #[test]
    fn meta_is_read_but_not_written() {
        let text = r#"{"supportedVersions":["2026-07-28"],"capabilities":{},"_meta":{"a":1}}"#;
        let result: DiscoverResult = serde_json::from_str(text).unwrap();
        assert!(result.meta.as_ref().unwrap().contains_key("a"));
        let written = serde_json::to_string(&result).unwrap();
        assert_eq!(written, r#"{"supportedVersions":["2026-07-28"],"capabilities":{}}"#);
    }
}
