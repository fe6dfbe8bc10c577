//! Finds out what an MCP server says of itself (RFC 9728; MCP 2026-07-28,
//! basic/authorization/authorization-server-discovery, "Protected Resource Metadata Discovery
//! Requirements").

use mcp_auth::fetch::{FetchError, Fetcher, METADATA_LIMIT};
use mcp_auth::resource_metadata::{ProtectedResourceMetadata, well_known_urls};
use reqwest::Url;

use super::AuthError;
use crate::text::one_line;
use crate::transport::http::shown;

/// Reads the metadata of an endpoint: where the challenge says it is, else in the well-known places.
///
/// `None` if it is in none of these: then the server knows MCP 2025-03-26 alone.
///
/// # Errors
///
/// It cannot be read, or it is the metadata of something else.
pub(super) async fn discover(
    fetcher: &Fetcher,
    endpoint: &Url,
    challenged: Option<&Url>,
) -> Result<Option<ProtectedResourceMetadata>, AuthError> {
    if let Some(url) = challenged {
        return checked(read(fetcher, url).await?, endpoint).map(Some);
    }
    for url in well_known_urls(endpoint) {
        match read(fetcher, &url).await {
            Ok(metadata) => return checked(metadata, endpoint).map(Some),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

async fn read(fetcher: &Fetcher, url: &Url) -> Result<ProtectedResourceMetadata, AuthError> {
    let document = fetcher.get_json(url, METADATA_LIMIT).await;
    let document =
        document.map_err(|error| AuthError::fetch("the metadata of the server", error))?;
    Ok(document.value)
}

/// Tokens for something else are of no use here, and of use to whoever had them asked for
/// (RFC 9728, 3.3).
fn checked(
    metadata: ProtectedResourceMetadata,
    endpoint: &Url,
) -> Result<ProtectedResourceMetadata, AuthError> {
    // It is sent and shown as it is written, so nothing strange may be in it.
    if metadata.covers(endpoint) && metadata.resource.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(metadata);
    }
    Err(AuthError::Untrusted(format!(
        "the metadata of the server is of the resource `{}`, which is not {}",
        one_line(&metadata.resource, 200),
        shown(endpoint),
    )))
}

/// Whether the server says that there is no such document.
pub(super) fn is_absent(error: &AuthError) -> bool {
    match error {
        AuthError::Fetch { source, .. } => {
            matches!(&**source, FetchError::Status { status, .. } if status.is_client_error())
        }
        _ => false,
    }
}
