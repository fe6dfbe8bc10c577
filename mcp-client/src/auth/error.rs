//! Why there is no token.

use std::error::Error;
use std::sync::Arc;

use mcp_auth::fetch::FetchError;

use crate::text::one_line;

/// Why a client has no token for a server.
///
/// None of these ever leads to another way of getting a token: what a policy refuses stays refused.
/// It can be cloned, because all who wait for the same token get the same answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// A document of the authorization server or of the resource could not be read.
    #[error("{what} cannot be read: {source}")]
    Fetch {
        /// Which document, with its address.
        what: String,
        /// Why.
        #[source]
        source: Arc<FetchError>,
    },
    /// A document says what it must not say, or leaves out what is needed.
    #[error("{0}")]
    Metadata(String),
    /// The authorization server refused (RFC 6749, 5.2 and 4.1.2.1).
    #[error("the authorization server {issuer} refused: {error}{}", description.as_deref().map(|text| format!(" ({text})")).unwrap_or_default())]
    Refused {
        /// The authorization server.
        issuer: String,
        /// Its error code, such as `invalid_grant`.
        error: String,
        /// What it said to people; made harmless for terminals.
        description: Option<String>,
    },
    /// The answer of the authorization server cannot be trusted: nothing of it is used.
    #[error("the answer of the authorization server is not trusted: {0}")]
    Untrusted(String),
    /// The server refuses the token, or wants scopes again and again that it does not get.
    #[error("the server does not accept the token: {0}")]
    NotAccepted(String),
    /// What was configured does not allow what the server asks for.
    #[error("not allowed by the client's configuration: {0}")]
    Policy(String),
    /// The person did not give consent, or did not answer in time.
    #[error("nobody gave consent: {0}")]
    NoConsent(String),
    /// A source of keys, certificates, assertions or credentials failed.
    #[error("{what} failed: {source}")]
    Source {
        /// Which.
        what: &'static str,
        /// Why.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl AuthError {
    /// The reason in an error of a request, of connecting, or of anything that they lead to.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_client::auth::AuthError;
    /// use mcp_client::{Error, HttpError};
    ///
    /// let denied = AuthError::Policy("only https://id.example issues tokens".to_owned());
    /// let error = Error::from(HttpError::Unauthorized(denied));
    /// assert!(matches!(AuthError::of(&error), Some(AuthError::Policy(_))));
    /// ```
    pub fn of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }

    /// A document could not be read.
    pub fn fetch(what: impl Into<String>, source: FetchError) -> Self {
        Self::Fetch { what: what.into(), source: Arc::new(source) }
    }

    /// The authorization server refused: the words are its own, and are made harmless here.
    pub(super) fn refused(issuer: &str, error: &str, description: Option<&str>) -> Self {
        Self::Refused {
            issuer: issuer.to_owned(),
            error: harmless(error, 64),
            description: description.map(|text| harmless(text, 200)),
        }
    }

    /// A source of keys, certificates, assertions or credentials failed.
    pub fn source(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Source { what, source: Arc::from(source.into()) }
    }
}

/// A stranger's text without what must not be shown, should it repeat that.
pub(super) fn without<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    // What is that short guards nothing, and would be found in any text.
    let secrets = secrets.into_iter().filter(|secret| secret.len() >= 4);
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "[secret]"))
}

/// A stranger's text in one line that shows as it is read: nothing in it turns the direction of
/// writing around.
fn harmless(text: &str, most: usize) -> String {
    let turns = |character| matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    one_line(
        &text.chars().take(most + 1).filter(|&character| !turns(character)).collect::<String>(),
        most,
    )
}
