//! Requests that carry a token.
//!
//! Owns how a token is shown to the server, and how often a request is sent again that was not let
//! in. Where tokens come from, and whether another one is worth a try, is for the [`TokenSource`].

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use mcp_auth::challenge::Challenge;
use mcp_auth::dpop::Nonces;
use mcp_auth::secret::ExposeSecret;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use zeroize::Zeroizing;

use super::connections::Connection;
use super::error::{HttpError, HttpStatus};
use super::options::Agent;
use crate::auth::{AccessToken, AuthError, Presentation, Refusal, TokenRequest, TokenSource};
use crate::clock::Clock;
use crate::text::one_line;

/// How requests to an endpoint get their tokens.
#[derive(Clone)]
pub(crate) struct Authorized {
    source: Arc<dyn TokenSource>,
    /// The endpoint: tokens go to its origin and nowhere else.
    resource: Url,
    /// What the server wants to find in proofs.
    nonces: Arc<Nonces>,
}

/// A request that may be sent several times.
pub(super) struct Attempts<'a> {
    pub(super) agent: &'a Agent,
    pub(super) clock: &'a Clock,
    pub(super) method: &'a Method,
    pub(super) url: &'a Url,
    /// Nobody is to be asked for a token.
    pub(super) quietly: bool,
}

/// How an attempt was refused, for the source and for the caller.
struct Refused {
    refusal: Refusal,
    status: HttpStatus,
}

impl Authorized {
    pub(super) fn new(source: Arc<dyn TokenSource>, resource: Url) -> Self {
        Self { source, resource, nonces: Arc::default() }
    }

    /// Sends a request with a token, and again with another one where the server does not let it
    /// in. `make` makes all of it but the token.
    ///
    /// # Errors
    ///
    /// Besides those of sending, [`HttpError::Unauthorized`] when there is no token, or none that is
    /// accepted, and [`HttpError::Status`] when the source has none for this server.
    pub(super) async fn send(
        &self,
        request: Attempts<'_>,
        make: impl Fn(&Connection) -> RequestBuilder,
    ) -> Result<Response, HttpError> {
        if request.url.origin() != self.resource.origin() {
            let made = make(&request.agent.connection()?);
            return made.send().await.map_err(HttpError::unreachable);
        }
        let mut refused: Option<Refused> = None;
        let mut again: Option<Arc<AccessToken>> = None;
        for _ in 0..ATTEMPTS {
            let connection = request.agent.connection()?;
            let is_again = again.is_some();
            let token = match again.take() {
                Some(token) => Some(token),
                None => self.token(&request, &connection, refused.as_ref()).await?,
            };
            if let Some(refused) = &refused
                && !is_again
            {
                match (&token, &refused.refusal.token) {
                    (None, _) => return Err(HttpError::Status(refused.status.clone())),
                    (Some(new), Some(old)) if Arc::ptr_eq(new, old) => break,
                    _ => {}
                }
            }
            // The certificate was replaced while the token was on its way.
            if token.as_ref().is_some_and(|token| !connection.may_carry(token)) {
                continue;
            }
            let nonce = self.nonces.get(&self.resource);
            let headers = headers(token.as_deref(), &request, nonce.as_deref())?;
            let sent = make(&connection).headers(headers).send().await;
            let response = sent.map_err(HttpError::unreachable)?;
            self.nonces.remember(&self.resource, response.headers());
            let challenges = challenges(&response);
            if !is_refusal(response.status(), &challenges) {
                if token.is_none() && response.status().is_success() {
                    self.source.answered_without_token()?;
                }
                return Ok(response);
            }
            // RFC 9449, 9: the token is fine, the proof lacks what the server has just said.
            if wants_nonce(&challenges)
                && let Some(token) = &token
                && !is_again
                && self.nonces.get(&self.resource) != nonce
            {
                again = Some(Arc::clone(token));
                continue;
            }
            let refusal = Refusal::new(response.status(), challenges, token);
            refused = Some(Refused { refusal, status: HttpStatus::read(response).await });
        }
        Err(not_accepted(refused.as_ref()).into())
    }

    /// Asks for a token; time stands still meanwhile.
    async fn token(
        &self,
        request: &Attempts<'_>,
        connection: &Connection,
        refused: Option<&Refused>,
    ) -> Result<Option<Arc<AccessToken>>, HttpError> {
        let mut wanted =
            TokenRequest::new(&self.resource).with_certificate(connection.thumbprint());
        if let Some(refused) = refused {
            wanted = wanted.after(&refused.refusal);
        }
        if request.quietly {
            wanted = wanted.quietly();
        }
        let _still = request.clock.stand_still();
        Ok(self.source.token(wanted).await?)
    }
}

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("source", &self.source).finish_non_exhaustive()
    }
}

/// The headers that show a token to the server.
fn headers(
    token: Option<&AccessToken>,
    request: &Attempts<'_>,
    nonce: Option<&str>,
) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    let Some(token) = token else { return Ok(headers) };
    let scheme = match &token.presentation {
        Presentation::Bearer => "Bearer",
        Presentation::DPoP(key) => {
            let now = SystemTime::now();
            let proof = key.proof(request.method, request.url, Some(&token.value), nonce, now);
            let proof =
                proof.map_err(|error| AuthError::source("the proof of the token", error))?;
            headers.insert(DPOP, secret(proof.expose_secret().as_bytes())?);
            "DPoP"
        }
    };
    let shown = Zeroizing::new(format!("{scheme} {}", token.value.expose_secret()));
    headers.insert(AUTHORIZATION, secret(shown.as_bytes())?);
    Ok(headers)
}

/// The value of a header that shows in no output.
fn secret(bytes: &[u8]) -> Result<HeaderValue, AuthError> {
    // RFC 6750, 2.1, allows visible ASCII characters alone.
    let fits = !bytes.is_empty() && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    let value = fits.then(|| HeaderValue::from_bytes(bytes)).and_then(Result::ok);
    let mut value = value.ok_or_else(|| {
        AuthError::Untrusted("the token holds characters that no token has".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn challenges(response: &Response) -> Vec<Challenge> {
    let values = response.headers().get_all(WWW_AUTHENTICATE).iter();
    Challenge::parse_all(values.map(HeaderValue::as_bytes))
}

/// Whether a token, or another one, might help (RFC 6750, 3).
fn is_refusal(status: StatusCode, challenges: &[Challenge]) -> bool {
    match status {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => !challenges.is_empty(),
        _ => false,
    }
}

fn wants_nonce(challenges: &[Challenge]) -> bool {
    let wants =
        |challenge: &Challenge| challenge.is("DPoP") && challenge.error() == Some("use_dpop_nonce");
    challenges.iter().any(wants)
}

/// Why there are no more attempts.
fn not_accepted(refused: Option<&Refused>) -> AuthError {
    let Some(Refused { refusal, .. }) = refused else {
        return AuthError::NotAccepted(
            "it is bound to another client certificate than the one that connections are made \
             with: give both the same source of certificates"
                .to_owned(),
        );
    };
    let mut why = format!("it answers {}", refusal.status.as_u16());
    for challenge in &refusal.challenges {
        for said in [challenge.error(), challenge.error_description()].into_iter().flatten() {
            why.push_str(": ");
            why.push_str(&one_line(said, SHOWN));
        }
    }
    AuthError::NotAccepted(why)
}

const DPOP: HeaderName = HeaderName::from_static("dpop");
/// How often a request is sent, whatever the source thinks.
const ATTEMPTS: usize = 5;
/// How many characters of what a server says are shown.
const SHOWN: usize = 200;
