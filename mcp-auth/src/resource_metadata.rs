//! Metadata of protected resources (RFC 9728).
//!
//! Owns the document with which an MCP server says which authorization servers it trusts, and where
//! it is. Getting it is for the client, serving it for the server.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::scope::{self, Scopes};

/// What a protected resource says about itself (RFC 9728, 2).
///
/// Members that are not known here are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProtectedResourceMetadata {
    /// The identifier of the resource, as it is to be sent as `resource` (RFC 8707).
    ///
    /// It is a text, because it is compared and sent as it is written.
    pub resource: String,
    /// The identifiers of the authorization servers whose tokens it accepts.
    ///
    /// MCP demands at least one (2025-06-18 and later, basic/authorization).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_servers: Vec<String>,
    /// The scopes for what is needed most.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "scope::list")]
    pub scopes_supported: Option<Scopes>,
    /// How tokens may be sent: `header`, `body` or `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer_methods_supported: Option<Vec<String>>,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// Where people read about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_documentation: Option<String>,
    /// Where the keys are that it signs with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Url>,
    /// Whether tokens are bound to the certificate of the client (RFC 8705).
    #[serde(default, skip_serializing_if = "is_false")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// The algorithms for proofs that a key is held (RFC 9449).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// Whether tokens without such a proof are refused.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dpop_bound_access_tokens_required: bool,
}

impl ProtectedResourceMetadata {
    /// The metadata of a resource that accepts the tokens of this authorization server.
    pub fn new(resource: impl Into<String>, authorization_server: impl Into<String>) -> Self {
        Self {
            resource: resource.into(),
            authorization_servers: vec![authorization_server.into()],
            ..Self::default()
        }
    }

    /// Whether the resource may speak for an MCP endpoint: whether a token for the resource is also
    /// one for the endpoint.
    ///
    /// It may if both have the same origin and the path of the resource is that of the endpoint or
    /// of something above it. RFC 9728, 3.3, wants the two to be identical; MCP lets servers use a
    /// less specific identifier (2026-07-28, basic/authorization, "Canonical Server URI"), which
    /// also is what metadata at the root says.
    #[must_use]
    pub fn covers(&self, endpoint: &Url) -> bool {
        let Ok(resource) = Url::parse(&self.resource) else { return false };
        if resource.cannot_be_a_base()
            || resource.fragment().is_some()
            || resource.origin() != endpoint.origin()
            || resource.username() != endpoint.username()
            || resource.password() != endpoint.password()
        {
            return false;
        }
        if resource.query().is_some() {
            return resource.path() == endpoint.path() && resource.query() == endpoint.query();
        }
        let above = resource.path().trim_end_matches('/');
        let below = endpoint.path().trim_end_matches('/').strip_prefix(above);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }
}

/// Where clients look for the metadata of an MCP endpoint without being told, in this order
/// (2026-07-28, basic/authorization/authorization-server-discovery): for its path, then at the root.
#[must_use]
pub fn well_known_urls(endpoint: &Url) -> Vec<Url> {
    let mut root = endpoint.clone();
    root.set_path(WELL_KNOWN);
    root.set_query(None);
    root.set_fragment(None);
    let mut of_path = root.clone();
    of_path.set_path(&well_known_path(endpoint));
    if of_path == root { vec![root] } else { vec![of_path, root] }
}

/// The path at which a server has the metadata of a resource (RFC 9728, 3.1).
///
/// The well-known name comes between host and path.
#[must_use]
pub fn well_known_path(resource: &Url) -> String {
    format!("{WELL_KNOWN}{}", resource.path().trim_end_matches('/'))
}

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    #[test]
    fn document_is_read_and_written() {
        let text = r#"{"resource":"https://vidsrus.example/mcp","authorization_servers":
            ["https://login.vidsrus.example"],"scopes_supported":["b","a"],"surprise":{"x":1}}"#;
        let read: ProtectedResourceMetadata = serde_json::from_str(text).unwrap();
        assert_eq!(read.scopes_supported, Some(Scopes::parse("a b")));
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(
            written,
            r#"{"resource":"https://vidsrus.example/mcp","authorization_servers":["https://login.vidsrus.example"],"scopes_supported":["a","b"]}"#
        );
        assert_eq!(serde_json::from_str::<ProtectedResourceMetadata>(&written).unwrap(), read);
        assert!(serde_json::from_str::<ProtectedResourceMetadata>("{}").is_err());
    }

    #[test]
    fn well_known_urls_are_of_the_path_then_of_the_root() {
        let urls = |endpoint: &str| -> Vec<String> {
            well_known_urls(&url(endpoint)).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            urls("https://vidsrus.example/public/mcp?x=1"),
            [
                "https://vidsrus.example/.well-known/oauth-protected-resource/public/mcp",
                "https://vidsrus.example/.well-known/oauth-protected-resource",
            ]
        );
        let at_root = ["https://vidsrus.example:8443/.well-known/oauth-protected-resource"];
        assert_eq!(urls("https://vidsrus.example:8443/"), at_root);
    }

    #[test]
    fn resource_covers_its_own_paths_only() {
        let covers = |resource: &str, endpoint: &str| {
            ProtectedResourceMetadata::new(resource, "https://login.example").covers(&url(endpoint))
        };
        let endpoint = "https://vidsrus.example/acme/mcp";
        for resource in [
            "https://vidsrus.example/acme/mcp",
            "https://VIDSRUS.example:443/acme/mcp/",
            "https://vidsrus.example/acme",
            "https://vidsrus.example/",
            "https://vidsrus.example",
        ] {
            assert!(covers(resource, endpoint), "{resource}");
        }
        for resource in [
            "https://evil.example/acme/mcp",
            "http://vidsrus.example/acme/mcp",
            "https://vidsrus.example:8443/acme/mcp",
            "https://vidsrus.example/acme/mc",
            "https://vidsrus.example/acme/mcp/more",
            "https://vidsrus.example/wholesale/mcp",
            "https://vidsrus.example/acme/mcp?tenant=2",
            "https://vidsrus.example/acme/mcp#x",
            "https://vidsrus.example@evil.example/acme/mcp",
            "urn:vidsrus",
            "",
        ] {
            assert!(!covers(resource, endpoint), "{resource}");
        }
    }
}
