//! Issuers that are trusted, and where their keys come from.

use std::sync::Arc;

use mcp_auth::Url;
use mcp_auth::fetch::{FetchError, Fetcher, METADATA_LIMIT};
use mcp_auth::jose::KeySet;
use mcp_auth::server_metadata::{AuthorizationServerMetadata, well_known_urls};

use super::keys::{CachedKeys, Fetched};

/// An authorization server whose tokens are accepted, and where its keys come from.
///
/// Keys that are fetched are kept for as long as the issuer lets them (a minute to a day; an hour if
/// it says nothing). A token that is signed with an unknown key has them fetched again, at most every
/// half a minute. While the issuer cannot be reached, the keys that are held are used for an hour more,
/// and then nobody is let in.
#[derive(Debug)]
pub struct Issuer {
    identifier: Box<str>,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    Fixed(Arc<KeySet>),
    Fetched(CachedKeys),
}

impl Issuer {
    /// The issuer with this identifier, whose metadata says where its keys are (RFC 8414 or OpenID
    /// Connect Discovery). They are fetched when the first token comes.
    ///
    /// # Errors
    ///
    /// It is no issuer identifier.
    pub fn discovered(identifier: impl Into<Box<str>>, fetcher: Fetcher) -> Result<Self, NoIssuer> {
        let identifier = identifier.into();
        let url = parse(&identifier)?;
        let expected: Arc<str> = (&*identifier).into();
        let fetch = Arc::new(move || {
            let (fetcher, url, expected) = (fetcher.clone(), url.clone(), Arc::clone(&expected));
            let keys =
                async move { keys_at(&fetcher, &discover(&fetcher, &url, &expected).await?).await };
            Box::pin(keys) as _
        });
        Ok(Self { identifier, keys: Keys::Fetched(CachedKeys::new(fetch)) })
    }

    /// The issuer with this identifier, whose keys are at this `jwks_uri`.
    ///
    /// # Errors
    ///
    /// It is no issuer identifier.
    pub fn with_jwks_uri(
        identifier: impl Into<Box<str>>,
        jwks_uri: Url,
        fetcher: Fetcher,
    ) -> Result<Self, NoIssuer> {
        let identifier = identifier.into();
        parse(&identifier)?;
        let fetch = Arc::new(move || {
            let (fetcher, jwks_uri) = (fetcher.clone(), jwks_uri.clone());
            Box::pin(async move { keys_at(&fetcher, &jwks_uri).await }) as _
        });
        Ok(Self { identifier, keys: Keys::Fetched(CachedKeys::new(fetch)) })
    }

    /// The issuer with this identifier, which has these keys and no others.
    ///
    /// # Errors
    ///
    /// It is no issuer identifier.
    pub fn with_keys(identifier: impl Into<Box<str>>, keys: KeySet) -> Result<Self, NoIssuer> {
        let identifier = identifier.into();
        parse(&identifier)?;
        Ok(Self { identifier, keys: Keys::Fixed(Arc::new(keys)) })
    }

    /// Its identifier, as tokens have it in `iss`.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    pub(super) async fn keys(&self) -> Result<Arc<KeySet>, String> {
        match &self.keys {
            Keys::Fixed(keys) => Ok(Arc::clone(keys)),
            Keys::Fetched(keys) => keys.current().await,
        }
    }

    pub(super) async fn keys_newer_than(&self, keys: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        match &self.keys {
            Keys::Fixed(_) => None,
            Keys::Fetched(cached) => cached.newer_than(keys).await,
        }
    }
}

/// What was given is no issuer identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no issuer identifier: it has to be a URL without query and fragment, as tokens have it in `iss`"
)]
pub struct NoIssuer(Box<str>);

/// RFC 8414, 2; whether its scheme is one to fetch from, the fetcher decides.
pub(super) fn parse(identifier: &str) -> Result<Url, NoIssuer> {
    let url = Url::parse(identifier).ok().filter(|url| {
        url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    });
    url.ok_or_else(|| NoIssuer(identifier.chars().take(200).collect()))
}

/// Where the metadata of an issuer says that its keys are.
async fn discover(fetcher: &Fetcher, url: &Url, issuer: &str) -> Result<Url, String> {
    let mut failure = format!("the issuer {issuer} has no metadata");
    for location in well_known_urls(url) {
        match fetcher.get_json::<AuthorizationServerMetadata>(&location, METADATA_LIMIT).await {
            Ok(document) => {
                let metadata = document.value;
                metadata.check_issuer(issuer).map_err(|error| error.to_string())?;
                return metadata.jwks_uri.ok_or_else(|| {
                    format!("the metadata at {location} names no keys (`jwks_uri`)")
                });
            }
            // Only an answer that there is nothing leads on (RFC 8414, 5).
            Err(FetchError::Status { status, .. }) if status.is_client_error() => {}
            Err(error) => {
                failure = error.to_string();
                break;
            }
        }
    }
    Err(failure)
}

async fn keys_at(fetcher: &Fetcher, jwks_uri: &Url) -> Result<Fetched, String> {
    let document = fetcher
        .get_json::<KeySet>(jwks_uri, KeySet::MAX_BYTES)
        .await
        .map_err(|error| error.to_string())?;
    if document.value.is_empty() {
        return Err(format!("there is no key at {jwks_uri} that signatures can be checked with"));
    }
    Ok((document.value, document.max_age))
}
