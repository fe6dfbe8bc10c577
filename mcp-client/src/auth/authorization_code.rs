//! Asks a person for consent and turns the answer into tokens (OAuth 2.1, 4.1, with PKCE; MCP
//! 2026-07-28, basic/authorization, "Authorization Flow Steps" and "Authorization Response
//! Validation").

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth::secret::{ExposeSecret, SecretString};
use mcp_auth::server_metadata::AuthorizationServerMetadata;
use reqwest::Url;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

use super::AuthError;
use super::grant::{Situation, Tokens};
use super::loopback::same;
use super::scope::OFFLINE_ACCESS;
use super::token_endpoint::tokens;
use super::user_agent::{AuthorizationRequest, AuthorizationResponse, Visit};

/// Gets tokens with the consent of a person.
///
/// # Errors
///
/// There is no consent, the answer cannot be trusted, or the authorization server refuses.
pub(super) async fn obtain(visit: Box<dyn Visit>, at: Situation<'_>) -> Result<Tokens, AuthError> {
    let redirect_uri = visit.redirect_uri().to_owned();
    let (request, awaited) = Awaited::begin(&at, &redirect_uri)?;
    let response = visit.authorize(request).await?;
    let code = awaited.code(response)?;
    let parameters = [
        ("grant_type", "authorization_code"),
        ("code", code.expose_secret()),
        ("redirect_uri", &redirect_uri),
        ("code_verifier", awaited.verifier.expose_secret()),
    ];
    tokens(at, &parameters).await
}

/// Checks that an authorization server can be asked at all.
///
/// # Errors
///
/// It does not say that it knows PKCE with S256, without which MCP clients must not proceed
/// (2026-07-28, basic/authorization/security-considerations, "Authorization Code Protection"), or it
/// has no authorization endpoint.
pub(super) fn endpoint(server: &AuthorizationServerMetadata) -> Result<&Url, AuthError> {
    let issuer = &server.issuer;
    if !server.supports_s256() {
        return Err(AuthError::Metadata(format!(
            "the authorization server {issuer} does not list S256 in \
             code_challenge_methods_supported: authorization codes would not be safe"
        )));
    }
    server.authorization_endpoint.as_ref().ok_or_else(|| {
        AuthError::Metadata(format!(
            "the authorization server {issuer} has no authorization endpoint"
        ))
    })
}

/// A request that waits for its answer: what the answer is checked against.
struct Awaited {
    /// Of the metadata that was checked, before the person was sent away.
    issuer: Box<str>,
    /// Whether the answer must say who it is from (RFC 9207).
    iss_promised: bool,
    state: SecretString,
    verifier: SecretString,
}

impl Awaited {
    fn begin(
        at: &Situation<'_>,
        redirect_uri: &str,
    ) -> Result<(AuthorizationRequest, Self), AuthError> {
        let endpoint = endpoint(at.server)?;
        at.fetcher
            .check(endpoint)
            .map_err(|error| AuthError::fetch("the authorization endpoint", error))?;
        let (state, verifier) = (random()?, random()?);
        let challenge = digest(&SHA256, verifier.expose_secret().as_bytes());
        let scopes = at.scopes.to_string();
        let mut url = endpoint.clone();
        url.set_fragment(None);
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &at.client.id)
                .append_pair("redirect_uri", redirect_uri)
                .append_pair("state", state.expose_secret())
                .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
                .append_pair("code_challenge_method", "S256")
                .append_pair("resource", at.resource);
            if !at.scopes.is_empty() {
                query.append_pair("scope", &scopes);
            }
            // OpenID Connect Core, 11: without it, providers pass over `offline_access`.
            if at.scopes.contains(OFFLINE_ACCESS) {
                query.append_pair("prompt", "consent");
            }
            if let Some(key) = at.proof_key {
                query.append_pair("dpop_jkt", key.thumbprint());
            }
        }
        let awaited = Self {
            issuer: at.server.issuer.as_str().into(),
            iss_promised: at.server.authorization_response_iss_parameter_supported,
            state: state.clone(),
            verifier,
        };
        Ok((AuthorizationRequest::new(url, state), awaited))
    }

    /// The code of an answer that is from the right server.
    ///
    /// Until that is clear nothing of the answer is looked at or shown, its error included.
    fn code(&self, response: AuthorizationResponse) -> Result<SecretString, AuthError> {
        if !response.state.is_some_and(|state| same(&state, &self.state)) {
            return Err(AuthError::Untrusted("its state is another one".to_owned()));
        }
        match response.iss {
            Some(iss) if iss == *self.issuer => {}
            Some(_) => {
                return Err(AuthError::Untrusted(format!(
                    "it is not from {}, which was asked",
                    self.issuer
                )));
            }
            None if self.iss_promised => {
                return Err(AuthError::Untrusted(format!(
                    "it does not say that it is from {}, as that one promises in its metadata",
                    self.issuer
                )));
            }
            None => {}
        }
        if let Some(error) = response.error {
            let description = response.error_description.as_deref();
            return Err(AuthError::refused(&self.issuer, &error, description));
        }
        response
            .code
            .filter(|code| !code.expose_secret().is_empty())
            .ok_or_else(|| AuthError::Untrusted("it has neither a code nor an error".to_owned()))
    }
}

/// 256 bits that nobody can guess, as 43 characters (RFC 7636, 4.1).
fn random() -> Result<SecretString, AuthError> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        AuthError::source("the random numbers of the operating system", "there are none")
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes).into())
}
