//! Finds the authorization server (MCP 2026-07-28,
//! basic/authorization/authorization-server-discovery; the fallbacks are those of 2025-03-26,
//! basic/authorization, 2.3).

use mcp_auth::fetch::{Fetcher, METADATA_LIMIT};
use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use mcp_auth::server_metadata::{AuthorizationServerMetadata, well_known_urls};
use reqwest::Url;

use super::AuthError;
use super::resource_metadata::is_absent;
use crate::text::one_line;

/// The authorization server to ask, out of those that the MCP server trusts.
///
/// The one of the configuration, and no other; else the one of before, if it is still on the list;
/// else the first.
///
/// # Errors
///
/// The configured one is not on the list, or there is none.
pub(super) fn choose<'a>(
    protected: &'a ProtectedResourceMetadata,
    configured: Option<&'a str>,
    before: Option<&str>,
) -> Result<&'a str, AuthError> {
    let listed = &protected.authorization_servers;
    if let Some(configured) = configured {
        // RFC 9728, 2: the list may be left out by servers whose authorization server is known.
        if listed.is_empty() || listed.iter().any(|issuer| issuer == configured) {
            return Ok(configured);
        }
        let listed: Vec<_> = listed.iter().map(|issuer| one_line(issuer, 100)).collect();
        return Err(AuthError::Policy(format!(
            "tokens are to come from {configured}, and the server trusts only {}",
            listed.join(", ")
        )));
    }
    listed
        .iter()
        .find(|issuer| Some(issuer.as_str()) == before)
        .or_else(|| listed.first())
        .map(String::as_str)
        .ok_or_else(|| {
            AuthError::Metadata(
                "the server names no authorization server: give one with `Authorization::issuer`"
                    .to_owned(),
            )
        })
}

/// Reads the metadata of an authorization server, wherever it may be.
///
/// # Errors
///
/// It is nowhere, cannot be read, or is that of another server.
pub(super) async fn discover(
    fetcher: &Fetcher,
    issuer: &str,
) -> Result<AuthorizationServerMetadata, AuthError> {
    find(fetcher, issuer).await?.ok_or_else(|| {
        let issuer = one_line(issuer, 200);
        AuthError::Metadata(format!(
            "the authorization server {issuer} has no metadata where RFC 8414 and OpenID Connect \
             Discovery have it"
        ))
    })
}

/// What MCP 2025-03-26 does where the server says nothing of itself: the authorization server is at
/// the origin of the endpoint, if need be without metadata.
///
/// # Errors
///
/// There is metadata that cannot be read, or that is of another server.
pub(super) async fn discover_legacy(
    fetcher: &Fetcher,
    endpoint: &Url,
) -> Result<AuthorizationServerMetadata, AuthError> {
    let assumed = AuthorizationServerMetadata::legacy(endpoint);
    Ok(find(fetcher, &assumed.issuer).await?.unwrap_or(assumed))
}

async fn find(
    fetcher: &Fetcher,
    issuer: &str,
) -> Result<Option<AuthorizationServerMetadata>, AuthError> {
    // Its name is shown and compared as it is written, so nothing strange may be in it.
    let plain = issuer.bytes().all(|byte| byte.is_ascii_graphic());
    let url = Url::parse(issuer).ok().filter(|_| plain).ok_or_else(|| {
        let issuer = one_line(issuer, 200);
        AuthError::Metadata(format!("the authorization server `{issuer}` is not an address"))
    })?;
    for url in well_known_urls(&url) {
        let document = fetcher.get_json::<AuthorizationServerMetadata>(&url, METADATA_LIMIT).await;
        match document
            .map_err(|error| AuthError::fetch("the metadata of the authorization server", error))
        {
            Ok(document) => {
                let metadata = document.value;
                metadata.check_issuer(issuer).map_err(|mismatch| {
                    AuthError::Untrusted(one_line(&mismatch.to_string(), 500))
                })?;
                return Ok(Some(metadata));
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protected(issuers: &[&str]) -> ProtectedResourceMetadata {
        let mut protected = ProtectedResourceMetadata::new("https://mcp.example", "x");
        protected.authorization_servers = issuers.iter().map(|issuer| (*issuer).into()).collect();
        protected
    }

    #[test]
    fn configured_authorization_server_is_asked_and_no_other() {
        let both = protected(&["https://one.example", "https://two.example"]);
        let two = Some("https://two.example");
        assert_eq!(choose(&both, two, None).unwrap(), "https://two.example");
        let error = choose(&both, Some("https://three.example"), None).unwrap_err();
        assert!(matches!(error, AuthError::Policy(_)), "{error}");
        let error = choose(&both, Some("https://two.example/"), None).unwrap_err();
        assert!(matches!(error, AuthError::Policy(_)), "compared letter by letter: {error}");
        assert_eq!(choose(&protected(&[]), two, None).unwrap(), "https://two.example");
    }

    #[test]
    fn authorization_server_of_before_is_kept_while_it_is_trusted() {
        let both = protected(&["https://one.example", "https://two.example"]);
        assert_eq!(choose(&both, None, None).unwrap(), "https://one.example");
        let kept = choose(&both, None, Some("https://two.example")).unwrap();
        assert_eq!(kept, "https://two.example");
        let gone = choose(&both, None, Some("https://three.example")).unwrap();
        assert_eq!(gone, "https://one.example");
        assert!(choose(&protected(&[]), None, Some("https://two.example")).is_err());
    }
}
