//! The seam between a transport that needs tokens and whatever has them.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use mcp_auth::challenge::Challenge;
use mcp_auth::dpop::ProofKey;
use mcp_auth::scope::Scopes;
use mcp_auth::secret::SecretString;
use reqwest::{StatusCode, Url};

use super::AuthError;

/// Where access tokens come from.
///
/// [`Authorization`](super::Authorization) is the one that follows the specification; implement this
/// for tokens that another program manages.
///
/// # Cancel safety
///
/// The future may be dropped at any time; the next call begins anew, or finds what was finished.
pub trait TokenSource: fmt::Debug + Send + Sync + 'static {
    /// The token for a request to a resource, or `None` to send it without one.
    ///
    /// It is asked before every request, and again with [`TokenRequest::refusal`] when the server
    /// did not accept what was sent; an error then ends the attempts, and so does the token that
    /// was just refused. Limits of handshakes and calls stand still meanwhile, for a person may have
    /// to be asked: an implementation has limits of its own.
    ///
    /// # Errors
    ///
    /// There is no token, and why: the request is not sent (again).
    fn token<'a>(
        &'a self,
        request: TokenRequest<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<AccessToken>>, AuthError>>;

    /// The server answered a request that carried no token, with success.
    ///
    /// Most servers let everybody ask for something, so unless this is implemented it is fine.
    ///
    /// # Errors
    ///
    /// Such a server is not trusted: the answer is not used.
    fn answered_without_token(&self) -> Result<(), AuthError> {
        Ok(())
    }
}

/// What a token is needed for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TokenRequest<'a> {
    /// The MCP endpoint that the token is sent to, and to nothing else.
    pub resource: &'a Url,
    /// How the server refused the request when it was sent before.
    pub refusal: Option<&'a Refusal>,
    /// The thumbprint of the client certificate that connections to the server are made with now,
    /// as in `x5t#S256` (RFC 8705, 3.1): a token that is bound to another one is of no use.
    pub certificate: Option<&'a str>,
    /// Nobody is to be asked for consent: the request is not worth it, such as the end of a session.
    pub quietly: bool,
}

impl<'a> TokenRequest<'a> {
    /// A token for the first attempt of a request.
    pub fn new(resource: &'a Url) -> Self {
        Self { resource, refusal: None, certificate: None, quietly: false }
    }

    /// A token for another attempt, after this refusal.
    #[must_use]
    pub fn after(self, refusal: &'a Refusal) -> Self {
        Self { refusal: Some(refusal), ..self }
    }

    /// A token for connections that are made with the client certificate of this thumbprint.
    #[must_use]
    pub fn with_certificate(self, thumbprint: Option<&'a str>) -> Self {
        Self { certificate: thumbprint, ..self }
    }

    /// A token only if it can be had without asking anybody.
    #[must_use]
    pub fn quietly(self) -> Self {
        Self { quietly: true, ..self }
    }
}

/// A request that the server did not let in: 401, or 403 with a challenge.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// 401 or 403.
    pub status: StatusCode,
    /// What its `WWW-Authenticate` headers say, in their order.
    pub challenges: Vec<Challenge>,
    /// The token that was sent, if one was.
    pub token: Option<Arc<AccessToken>>,
}

impl Refusal {
    /// A refusal with this status.
    pub fn new(
        status: StatusCode,
        challenges: Vec<Challenge>,
        token: Option<Arc<AccessToken>>,
    ) -> Self {
        Self { status, challenges, token }
    }
}

/// An access token and what is known of it.
///
/// The token itself is overwritten when it is dropped and shows in no output.
#[derive(Debug)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token.
    pub value: SecretString,
    /// How it is shown to the server.
    pub presentation: Presentation,
    /// When it expires, if the authorization server said so.
    pub expires_at: Option<SystemTime>,
    /// The scopes that it was issued for, as far as they are known.
    pub scopes: Scopes,
    /// The authorization server that issued it.
    pub issuer: Option<Box<str>>,
    /// The thumbprint of the client certificate that it was asked for with, as in `x5t#S256`
    /// (RFC 8705, 3.1): it is sent over connections that are made with that one alone.
    pub certificate: Option<Box<str>>,
}

impl AccessToken {
    /// A bearer token of which nothing else is known.
    pub fn bearer(value: impl Into<SecretString>) -> Self {
        Self {
            value: value.into(),
            presentation: Presentation::Bearer,
            expires_at: None,
            scopes: Scopes::default(),
            issuer: None,
            certificate: None,
        }
    }
}

/// How a token is shown to the server (`Authorization: Bearer …` or `DPoP …`).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Presentation {
    /// RFC 6750: whoever has the token may use it, unless it is bound to a client certificate.
    Bearer,
    /// RFC 9449: each request carries a proof made with this key.
    DPoP(Arc<ProofKey>),
}
