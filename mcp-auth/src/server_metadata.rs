//! Metadata of authorization servers (RFC 8414, OpenID Connect Discovery).
//!
//! Owns the document with which an authorization server says what it can do, where that document is,
//! and what is assumed of servers without one. Getting it, and choosing what to use of it, is for
//! the client.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::resource_metadata::is_false;
use crate::scope::{self, Scopes};

/// What an authorization server says about itself (RFC 8414, 2).
///
/// Members that are not known here are passed over. Addresses must be absolute URLs; whether they
/// may be fetched is for [`Fetcher`](crate::fetch::Fetcher) to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuthorizationServerMetadata {
    /// Its identifier, compared as it is written: see [`check_issuer`](Self::check_issuer).
    pub issuer: String,
    /// Where people give their consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<Url>,
    /// Where tokens are issued; [`token_endpoint`](Self::token_endpoint) knows of mutual TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<Url>,
    /// Where clients register (RFC 7591).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<Url>,
    /// Where tokens are asked about (RFC 7662).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<Url>,
    /// Where tokens are given back (RFC 7009).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<Url>,
    /// Where the keys are that it signs tokens with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Url>,
    /// The scopes that it knows.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "scope::list")]
    pub scopes_supported: Option<Scopes>,
    /// What its authorization endpoint answers with, such as `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_types_supported: Option<Vec<String>>,
    /// The grants that it knows; without it, see [`supports_grant`](Self::supports_grant).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_types_supported: Option<Vec<String>>,
    /// How clients may authenticate at the token endpoint; without it, `client_secret_basic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The algorithms for assertions of clients there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    /// How clients may authenticate at the introspection endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// The methods for proof keys of authorization codes (RFC 7636); without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// Whether its authorization responses say who it is (RFC 9207).
    #[serde(default, skip_serializing_if = "is_false")]
    pub authorization_response_iss_parameter_supported: bool,
    /// Its endpoints for clients that authenticate with a certificate (RFC 8705, 5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtls_endpoint_aliases: Option<MtlsEndpointAliases>,
    /// Whether it binds tokens to the certificate of the client (RFC 8705, 3.3).
    #[serde(default, skip_serializing_if = "is_false")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// The algorithms for proofs that a key is held (RFC 9449, 5.1); without it, it knows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_signing_alg_values_supported: Option<Vec<String>>,
    /// Whether the identifier of a client may be the address of its metadata.
    #[serde(default, skip_serializing_if = "is_false")]
    pub client_id_metadata_document_supported: bool,
    /// The profiles of grants that it knows, such as that of identity assertions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_grant_profiles_supported: Option<Vec<String>>,
}

/// Endpoints for clients that show a certificate (RFC 8705, 5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MtlsEndpointAliases {
    /// Where tokens are issued to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<Url>,
    /// Where they ask about tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_endpoint: Option<Url>,
    /// Where they give tokens back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<Url>,
}

impl AuthorizationServerMetadata {
    /// The metadata of a server of which nothing but its identifier is known.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), ..Self::default() }
    }

    /// What MCP assumes of a server that has no metadata at all (2025-03-26, basic/authorization,
    /// "Fallbacks for Servers without Metadata Discovery"): its endpoints are at the root of the
    /// origin of the MCP endpoint.
    ///
    /// Later revisions of MCP assume nothing: use it for that one only.
    #[must_use]
    pub fn legacy(base: &Url) -> Self {
        let at = |path: &str| {
            let mut url = base.clone();
            url.set_path(path);
            url.set_query(None);
            url.set_fragment(None);
            url
        };
        Self {
            issuer: at("").as_str().trim_end_matches('/').to_owned(),
            authorization_endpoint: Some(at("/authorize")),
            token_endpoint: Some(at("/token")),
            registration_endpoint: Some(at("/register")),
            response_types_supported: Some(vec!["code".to_owned()]),
            // That revision demands it of every server.
            code_challenge_methods_supported: Some(vec!["S256".to_owned()]),
            ..Self::default()
        }
    }

    /// Checks that the document is of the server that was asked for (RFC 8414, 3.3).
    ///
    /// The two are compared byte by byte; neither a `/` at the end nor upper case is forgiven.
    ///
    /// # Errors
    ///
    /// The document names another issuer: nothing of it may be used.
    pub fn check_issuer(&self, expected: &str) -> Result<(), IssuerMismatch> {
        if self.issuer == expected {
            return Ok(());
        }
        Err(IssuerMismatch { expected: expected.into(), found: self.issuer.as_str().into() })
    }

    /// Where tokens are issued: to clients that show a certificate, or to all others.
    ///
    /// Where there is no endpoint of its own for certificates, it is the same one.
    #[must_use]
    pub fn token_endpoint(&self, mtls: bool) -> Option<&Url> {
        self.alias(mtls, |aliases| aliases.token_endpoint.as_ref()).or(self.token_endpoint.as_ref())
    }

    /// Where tokens are asked about, as with [`token_endpoint`](Self::token_endpoint).
    #[must_use]
    pub fn introspection_endpoint(&self, mtls: bool) -> Option<&Url> {
        self.alias(mtls, |aliases| aliases.introspection_endpoint.as_ref())
            .or(self.introspection_endpoint.as_ref())
    }

    fn alias(
        &self,
        mtls: bool,
        endpoint: impl FnOnce(&MtlsEndpointAliases) -> Option<&Url>,
    ) -> Option<&Url> {
        self.mtls_endpoint_aliases.as_ref().filter(|_| mtls).and_then(endpoint)
    }

    /// Whether it knows this grant; without a list, `authorization_code` and `implicit` (RFC 8414,
    /// 2).
    #[must_use]
    pub fn supports_grant(&self, grant: &str) -> bool {
        match &self.grant_types_supported {
            Some(grants) => grants.iter().any(|own| own == grant),
            None => matches!(grant, "authorization_code" | "implicit"),
        }
    }

    /// Whether clients may authenticate this way at the token endpoint; without a list,
    /// `client_secret_basic` (RFC 8414, 2).
    #[must_use]
    pub fn supports_client_authentication(&self, method: &str) -> bool {
        match &self.token_endpoint_auth_methods_supported {
            Some(methods) => methods.iter().any(|own| own == method),
            None => method == "client_secret_basic",
        }
    }

    /// Whether it knows proof keys by SHA-256, which MCP demands (2025-11-25 and later,
    /// basic/authorization, "Authorization Code Protection").
    #[must_use]
    pub fn supports_s256(&self) -> bool {
        let methods = self.code_challenge_methods_supported.iter().flatten();
        methods.into_iter().any(|method| method == "S256")
    }
}

/// A document that was fetched for one authorization server and names another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the metadata of the authorization server `{expected}` is that of `{}`: it must be the same, \
     letter by letter",
    found.escape_debug()
)]
#[non_exhaustive]
pub struct IssuerMismatch {
    /// Whose metadata it should be.
    pub expected: Box<str>,
    /// Whose it says to be.
    pub found: Box<str>,
}

/// Where clients look for the metadata of an authorization server, in this order (2026-07-28,
/// basic/authorization/authorization-server-discovery).
///
/// It is empty if the issuer cannot have any: RFC 8414, 2, allows it neither query nor fragment.
#[must_use]
pub fn well_known_urls(issuer: &Url) -> Vec<Url> {
    if issuer.cannot_be_a_base() || issuer.query().is_some() || issuer.fragment().is_some() {
        return Vec::new();
    }
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    let path = issuer.path().trim_end_matches('/');
    let mut urls = vec![at(format!("{OAUTH}{path}")), at(format!("{OPENID}{path}"))];
    if !path.is_empty() {
        urls.push(at(format!("{path}{OPENID}")));
    }
    urls
}

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

#[cfg(test)]
mod tests {
    use super::*;

    fn url(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    #[test]
    fn well_known_urls_are_in_the_order_of_the_specification() {
        let urls = |issuer: &str| -> Vec<String> {
            well_known_urls(&url(issuer)).iter().map(ToString::to_string).collect()
        };
        for issuer in ["https://login.example/tenant1", "https://login.example/tenant1/"] {
            assert_eq!(
                urls(issuer),
                [
                    "https://login.example/.well-known/oauth-authorization-server/tenant1",
                    "https://login.example/.well-known/openid-configuration/tenant1",
                    "https://login.example/tenant1/.well-known/openid-configuration",
                ]
            );
        }
        assert_eq!(
            urls("https://login.example"),
            [
                "https://login.example/.well-known/oauth-authorization-server",
                "https://login.example/.well-known/openid-configuration",
            ]
        );
        assert!(urls("https://login.example/?tenant=1").is_empty());
        assert!(urls("urn:login").is_empty());
    }

    #[test]
    fn issuer_is_compared_letter_by_letter() {
        let metadata = AuthorizationServerMetadata::new("https://login.example");
        assert_eq!(metadata.check_issuer("https://login.example"), Ok(()));
        for other in
            ["https://login.example/", "https://LOGIN.example", "https://login.example:443"]
        {
            assert!(metadata.check_issuer(other).is_err(), "{other}");
        }
    }

    #[test]
    fn document_needs_an_issuer_and_absolute_addresses() {
        let read = serde_json::from_str::<AuthorizationServerMetadata>;
        let metadata = read(r#"{"issuer":"https://login.example","other":[]}"#).unwrap();
        assert_eq!(metadata, AuthorizationServerMetadata::new("https://login.example"));
        assert_eq!(
            serde_json::to_string(&metadata).unwrap(),
            r#"{"issuer":"https://login.example"}"#
        );
        assert!(read("{}").is_err());
        assert!(read(r#"{"issuer":"https://login.example","token_endpoint":"/token"}"#).is_err());
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let mut metadata = AuthorizationServerMetadata::new("https://login.example");
        assert!(metadata.supports_grant("authorization_code"));
        assert!(!metadata.supports_grant("client_credentials"));
        assert!(metadata.supports_client_authentication("client_secret_basic"));
        assert!(!metadata.supports_s256());
        metadata.code_challenge_methods_supported = Some(vec!["plain".into(), "S256".into()]);
        assert!(metadata.supports_s256());
    }

    #[test]
    fn clients_with_a_certificate_have_endpoints_of_their_own() {
        let mut metadata = AuthorizationServerMetadata::new("https://login.example");
        metadata.token_endpoint = Some(url("https://login.example/token"));
        assert_eq!(metadata.token_endpoint(true), metadata.token_endpoint(false));
        let mtls = url("https://mtls.login.example/token");
        metadata.mtls_endpoint_aliases =
            Some(MtlsEndpointAliases { token_endpoint: Some(mtls.clone()), ..Default::default() });
        assert_eq!(metadata.token_endpoint(true), Some(&mtls));
        assert_ne!(metadata.token_endpoint(false), Some(&mtls));
    }

    #[test]
    fn legacy_endpoints_are_at_the_root() {
        let metadata =
            AuthorizationServerMetadata::legacy(&url("https://vidsrus.example:8443/a/mcp?x"));
        assert_eq!(metadata.issuer, "https://vidsrus.example:8443");
        assert_eq!(
            metadata.token_endpoint(false),
            Some(&url("https://vidsrus.example:8443/token"))
        );
        assert!(metadata.supports_s256());
    }
}
