//! How a person is asked for consent: an address is opened, and an answer comes back by redirect.
//!
//! Which address, and whether the answer may be believed, is for `authorization_code.rs`.

use std::fmt;

use futures_util::future::BoxFuture;
use mcp_auth::secret::SecretString;
use reqwest::Url;

use super::AuthError;

/// Shows the pages of an authorization server to a person.
///
/// [`Browser`](super::Browser) opens the browser of the operating system; implement this for a
/// program with windows of its own, or for one that signs in without any.
pub trait UserAgent: fmt::Debug + Send + Sync + 'static {
    /// Gets ready to receive an answer.
    ///
    /// `registered` are the addresses that the authorization server knows of this client: one of
    /// them if possible, else the client registers again (or, when it cannot, tries its luck: RFC
    /// 8252, 7.3 lets the port of loopback addresses differ).
    ///
    /// # Errors
    ///
    /// There is no address that an answer could reach.
    fn prepare<'a>(
        &'a self,
        registered: &'a [Box<str>],
    ) -> BoxFuture<'a, Result<Box<dyn Visit>, AuthError>>;
}

/// One visit of a person to an authorization server, ready to receive its answer.
///
/// Whatever it holds open ends when it is dropped.
pub trait Visit: fmt::Debug + Send {
    /// The address that the authorization server sends the person back to.
    fn redirect_uri(&self) -> &str;

    /// Opens the address and waits for the answer with this `state`.
    ///
    /// Answers with another `state` are none: it goes on waiting (RFC 6749, 10.12).
    ///
    /// # Errors
    ///
    /// The address cannot be opened, or nobody answered in time.
    fn authorize(
        self: Box<Self>,
        request: AuthorizationRequest,
    ) -> BoxFuture<'static, Result<AuthorizationResponse, AuthError>>;
}

/// What a person is asked.
#[derive(Clone)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// The address to open: `https`, or `http` on this machine.
    pub url: Url,
    /// The `state` that the answer must have.
    pub state: SecretString,
}

impl AuthorizationRequest {
    pub(super) fn new(url: Url, state: SecretString) -> Self {
        Self { url, state }
    }
}

/// Without the query: it has the `state`.
impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("url", &crate::transport::http::shown(&self.url))
            .finish_non_exhaustive()
    }
}

/// What an authorization server answered, by redirect (RFC 6749, 4.1.2; RFC 9207).
///
/// Nothing of it has been checked: nothing of it is to be shown to anybody.
#[derive(Clone, Default)]
pub struct AuthorizationResponse {
    pub(super) code: Option<SecretString>,
    pub(super) state: Option<SecretString>,
    pub(super) iss: Option<String>,
    pub(super) error: Option<String>,
    pub(super) error_description: Option<String>,
}

impl AuthorizationResponse {
    /// Reads the query of the address that the person was sent back to.
    ///
    /// # Errors
    ///
    /// A parameter stands there twice (RFC 6749, 3.1).
    pub fn from_query(query: &str) -> Result<Self, AuthError> {
        let mut response = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let repeated = match &*name {
                "code" => response.code.replace(SecretString::from(&*value)).is_some(),
                "state" => response.state.replace(SecretString::from(&*value)).is_some(),
                "iss" => response.iss.replace(value.into_owned()).is_some(),
                "error" => response.error.replace(value.into_owned()).is_some(),
                "error_description" => {
                    response.error_description.replace(value.into_owned()).is_some()
                }
                _ => false,
            };
            if repeated {
                return Err(AuthError::Untrusted(format!("it has the parameter {name} twice")));
            }
        }
        Ok(response)
    }

    /// Reads the address that the person was sent back to.
    ///
    /// # Errors
    ///
    /// A parameter stands there twice (RFC 6749, 3.1).
    pub fn from_redirect(url: &Url) -> Result<Self, AuthError> {
        Self::from_query(url.query().unwrap_or_default())
    }
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationResponse").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mcp_auth::secret::ExposeSecret;

    use super::*;

    #[test]
    fn answers_are_read_from_the_query() {
        let url = Url::parse(
            "http://127.0.0.1:1/callback?code=a%2Bb&state=s&iss=https%3A%2F%2Fas.example&x=1&x=2",
        )
        .unwrap();
        let response = AuthorizationResponse::from_redirect(&url).unwrap();
        assert_eq!(response.code.as_ref().unwrap().expose_secret(), "a+b");
        assert_eq!(response.iss.as_deref(), Some("https://as.example"));
        assert!(!format!("{response:?}").contains("a+b"));
    }

    #[test]
    fn parameters_that_stand_there_twice_are_refused() {
        for query in ["code=a&code=b", "state=a&state=a", "iss=&iss=x", "error=a&error=b"] {
            assert!(AuthorizationResponse::from_query(query).is_err(), "{query}");
        }
    }
}
