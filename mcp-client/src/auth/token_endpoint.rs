//! One request to a token endpoint (RFC 6749, 3.2), for whichever grant.
//!
//! Owns what all grants have in common there: how the client authenticates, the proof that it holds
//! a key (RFC 9449, 5), which certificate tokens are bound to (RFC 8705, 3), and whether the answer
//! is what was asked for. It does not know what a grant consists of.

use std::sync::Arc;
use std::time::SystemTime;

use mcp_auth::client_authentication::{AssertionRequest, ClientAuthentication};
use mcp_auth::dpop::{DPOP, Nonces, ProofKey};
use mcp_auth::fetch::{FetchError, Fetcher};
use mcp_auth::secret::ExposeSecret;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};

use super::error::without;
use super::grant::{ClientInformation, Situation, Tokens};
use super::token_response::{TokenResponse, refusal};
use super::{AccessToken, AuthError, Presentation};

/// Gets tokens for the MCP server with the parameters of a grant.
///
/// What all grants send is added: `resource` (MCP 2026-07-28, basic/authorization, "Resource
/// Parameter Implementation") and what the client authenticates with.
///
/// # Errors
///
/// The server refused, or gave something else than what was asked for. It is asked once: only when
/// it wants a nonce in the proof, the same request is sent once more (RFC 9449, 8).
pub(super) async fn tokens(
    at: Situation<'_>,
    parameters: &[(&str, &str)],
) -> Result<Tokens, AuthError> {
    let mtls = wants_certificate(&at);
    let url = at.server.token_endpoint(mtls).ok_or_else(|| {
        let issuer = &at.server.issuer;
        AuthError::Metadata(format!("the authorization server {issuer} has no token endpoint"))
    })?;
    let endpoint = TokenEndpoint {
        issuer: &at.server.issuer,
        url,
        client: at.client,
        fetcher: at.fetcher,
        proofs: at.proof_key.map(|key| (&**key, at.nonces)),
    };
    let mut parameters = parameters.to_vec();
    parameters.push(("resource", at.resource));
    let given = endpoint.ask(&parameters).await?;

    // RFC 6749, 7.1: a token of a type that is not understood is not used. One that is not bound
    // to the key although it should be is not what was asked for (RFC 9449, 5).
    let (wanted, presentation) = match at.proof_key {
        None => ("Bearer", Presentation::Bearer),
        Some(key) => ("DPoP", Presentation::DPoP(Arc::clone(key))),
    };
    if !given.is(wanted) {
        return Err(AuthError::Untrusted(format!(
            "{} gave a token of another type than {wanted}, which was asked for",
            at.server.issuer
        )));
    }
    let access = AccessToken {
        value: given.access_token,
        presentation,
        expires_at: given.expires_at,
        scopes: given.scopes.unwrap_or_else(|| at.scopes.clone()),
        issuer: Some(at.server.issuer.as_str().into()),
        certificate: at.certificate.filter(|_| mtls).map(Into::into),
    };
    Ok(Tokens { access, refresh: given.refresh_token })
}

/// Whether the certificate of the client matters to the token endpoint: it is what the client
/// authenticates with, or what tokens are bound to (RFC 8705, 2 and 3).
fn wants_certificate(at: &Situation<'_>) -> bool {
    let bound = at.server.tls_client_certificate_bound_access_tokens
        || at.protected.is_some_and(|own| own.tls_client_certificate_bound_access_tokens);
    at.client.authentication.needs_certificate() || at.certificate.is_some() && bound
}

/// A token endpoint, and who asks it.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenEndpoint<'a> {
    pub(super) issuer: &'a str,
    pub(super) url: &'a Url,
    pub(super) client: &'a ClientInformation,
    pub(super) fetcher: &'a Fetcher,
    /// The key that a token is to be bound to, and the nonces for its proofs.
    pub(super) proofs: Option<(&'a ProofKey, &'a Nonces)>,
}

impl TokenEndpoint<'_> {
    /// Sends the parameters of a grant, and what the client authenticates with.
    pub(super) async fn ask(self, parameters: &[(&str, &str)]) -> Result<TokenResponse, AuthError> {
        match self.try_once(parameters).await? {
            Outcome::Given(given) => Ok(given),
            Outcome::Refused { error, nonce: true } => {
                tracing::debug!(target: "mcp::auth", issuer = self.issuer, %error, "with a nonce");
                match self.try_once(parameters).await? {
                    Outcome::Given(given) => Ok(given),
                    Outcome::Refused { error, .. } => Err(error),
                }
            }
            Outcome::Refused { error, nonce: false } => Err(error),
        }
    }

    async fn try_once(&self, parameters: &[(&str, &str)]) -> Result<Outcome, AuthError> {
        let sent = SystemTime::now();
        let mut headers = HeaderMap::new();
        let mut form = Vec::new();
        // Each attempt gets an assertion and a proof of its own: servers take none twice.
        let who = AssertionRequest::new(&self.client.id, self.issuer, sent);
        let applied = self.client.authentication.apply(who, &mut headers, &mut form).await;
        applied.map_err(|error| AuthError::source("the authentication of the client", error))?;
        let nonce = self.proofs.and_then(|(_, nonces)| nonces.get(self.url));
        if let Some((key, _)) = self.proofs {
            let proof = key
                .proof(&Method::POST, self.url, None, nonce.as_deref(), sent)
                .map_err(|error| AuthError::source("the proof for a token request", error))?;
            let proof = HeaderValue::from_str(proof.expose_secret())
                .map_err(|error| AuthError::source("the proof for a token request", error))?;
            headers.insert(DPOP, proof);
        }
        let own = form.iter().map(|(name, value)| (*name, value.expose_secret()));
        let all: Vec<_> = parameters.iter().copied().chain(own).collect();

        let answer = self.fetcher.post_form(self.url, headers, &all).await;
        let answer = answer.map_err(|error| self.failed(error))?;
        if let Some((_, nonces)) = self.proofs {
            nonces.remember(self.url, &answer.headers);
        }
        // Servers may repeat what they were sent: it does not show in what they are said to say.
        let in_header = match &self.client.authentication {
            ClientAuthentication::SecretBasic(secret) => Some(secret.expose_secret()),
            _ => None,
        };
        let secrets =
            all.iter().filter(|(name, _)| SECRETS.contains(name)).map(|(_, value)| *value);
        let shown = || without(&String::from_utf8_lossy(&answer.body), secrets.chain(in_header));
        if answer.status.is_success() {
            return match TokenResponse::read(&answer.body, self.issuer, sent) {
                Ok(given) => Ok(Outcome::Given(given)),
                Err(error) => {
                    let shown = TokenResponse::read(shown().as_bytes(), self.issuer, sent);
                    Err(shown.err().unwrap_or(error))
                }
            };
        }
        // What a server that is broken or busy says is no decision about the grant.
        let refused = refusal(shown().as_bytes(), self.issuer).filter(|_| {
            answer.status.is_client_error() && answer.status != StatusCode::TOO_MANY_REQUESTS
        });
        let Some(error) = refused else {
            return Err(
                self.failed(FetchError::Status { url: answer.url.clone(), status: answer.status })
            );
        };
        let wants_nonce =
            matches!(&error, AuthError::Refused { error, .. } if error == "use_dpop_nonce");
        // Somebody else may have learnt of the nonce meanwhile: it counts that it is another one.
        let has_another = self.proofs.is_some_and(|(_, nonces)| nonces.get(self.url) != nonce);
        Ok(Outcome::Refused { error, nonce: wants_nonce && has_another })
    }

    fn failed(&self, source: FetchError) -> AuthError {
        AuthError::fetch(format!("the answer of the token endpoint of {}", self.issuer), source)
    }
}

/// The parameters that are secrets.
const SECRETS: &[&str] = &[
    "client_secret",
    "client_assertion",
    "code",
    "code_verifier",
    "refresh_token",
    "assertion",
    "subject_token",
];

/// How a request ended.
enum Outcome {
    Given(TokenResponse),
    Refused {
        error: AuthError,
        /// The server wants a nonce in the proof, and gave one.
        nonce: bool,
    },
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mcp_auth::dpop::{CheckedProof, ProofExpectation};
    use mcp_auth::jose::SigningKey;
    use mcp_auth::server_metadata::MtlsEndpointAliases;
    use serde_json::{Value, json};

    use super::super::token_server::{
        Answer, ISSUER, Known, RESOURCE, TokenServer, bearer, refused,
    };
    use super::*;

    const GRANT: &[(&str, &str)] = &[("grant_type", "example")];

    fn dpop(token: &str) -> Answer {
        (200, vec![], json!({ "access_token": token, "token_type": "dpop" }))
    }

    #[tokio::test]
    async fn the_client_and_the_resource_are_added_to_the_grant() {
        let server = TokenServer::start([bearer("token-1")]).await;
        let known = Known::of(&server);
        let given = tokens(known.at(), GRANT).await.unwrap();
        assert_eq!(given.access.value.expose_secret(), "token-1");
        assert_eq!(given.access.issuer.as_deref(), Some(ISSUER));
        assert_eq!(given.access.scopes.to_string(), "orders:read");
        let lifetime = given.access.expires_at.unwrap().duration_since(SystemTime::now()).unwrap();
        assert!(lifetime <= Duration::from_secs(600), "{lifetime:?}");

        let asked = &server.asked()[0];
        assert_eq!((&asked.method, &*asked.path), (&Method::POST, "/token"));
        let form = |name: &str| asked.form.get(name).map(String::as_str);
        assert_eq!(form("grant_type"), Some("example"));
        assert_eq!(form("resource"), Some(RESOURCE));
        assert_eq!(form("client_id"), Some("client"));
        assert_eq!(form("client_secret"), Some("client-secret"));
        assert!(!asked.headers.contains_key("dpop"));
    }

    #[tokio::test]
    async fn each_method_of_authentication_shows_what_it_has_to() {
        let server = TokenServer::start(std::iter::repeat_n(bearer("a"), 4)).await;
        let mut known = Known::of(&server);
        let key = SigningKey::generate_es256().unwrap();
        for authentication in [
            ClientAuthentication::SecretBasic("p:s".into()),
            ClientAuthentication::PrivateKeyJwt(Arc::new(key)),
            ClientAuthentication::None,
            ClientAuthentication::Tls,
        ] {
            known.client.authentication = authentication;
            tokens(known.at(), GRANT).await.unwrap();
        }
        let asked = server.asked();
        assert_eq!(asked[0].headers["authorization"], "Basic Y2xpZW50OnAlM0Fz");
        assert!(!asked[0].form.contains_key("client_secret"));
        let assertion = asked[1].form["client_assertion"].split('.').count();
        assert_eq!(assertion, 3);
        for open in &asked[2..] {
            assert_eq!(open.form["client_id"], "client");
            assert!(!open.headers.contains_key("authorization"));
        }
    }

    #[tokio::test]
    async fn a_nonce_that_is_demanded_is_sent_once_and_kept_for_the_next_token() {
        let wanted = (400, vec![("DPoP-Nonce", "n-1")], json!({ "error": "use_dpop_nonce" }));
        let renewed = (
            200,
            vec![("DPoP-Nonce", "n-2")],
            json!({ "access_token": "b", "token_type": "DPoP" }),
        );
        let server = TokenServer::start([wanted, renewed, dpop("c")]).await;
        let mut known = Known::of(&server);
        let key = Arc::new(ProofKey::generate().unwrap());
        known.proof_key = Some(Arc::clone(&key));

        let given = tokens(known.at(), GRANT).await.unwrap();
        assert!(
            matches!(given.access.presentation, Presentation::DPoP(bound) if Arc::ptr_eq(&bound, &key))
        );
        tokens(known.at(), GRANT).await.unwrap();

        let url = server.url.join("token").unwrap();
        let expected = ProofExpectation::new(&Method::POST, &url, SystemTime::now());
        let checked: Vec<_> = server
            .asked()
            .iter()
            .map(|asked| CheckedProof::of_request(&asked.headers, &expected).unwrap())
            .collect();
        let nonces: Vec<_> = checked.iter().map(|proof| proof.nonce.as_deref()).collect();
        assert_eq!(nonces, [None, Some("n-1"), Some("n-2")]);
        assert!(checked.iter().all(|proof| &*proof.thumbprint == key.thumbprint()));
        assert_ne!(checked[0].jti, checked[1].jti);
    }

    #[tokio::test]
    async fn a_server_that_never_has_enough_of_nonces_is_asked_twice() {
        let wants =
            |nonce| (400, vec![("DPoP-Nonce", nonce)], json!({ "error": "use_dpop_nonce" }));
        let server = TokenServer::start([wants("n-1"), wants("n-2"), wants("n-3")]).await;
        let mut known = Known::of(&server);
        known.proof_key = Some(Arc::new(ProofKey::generate().unwrap()));
        let error = tokens(known.at(), GRANT).await.unwrap_err();
        assert!(
            matches!(&error, AuthError::Refused { error, .. } if error == "use_dpop_nonce"),
            "{error}"
        );
        assert_eq!(server.asked().len(), 2);
    }

    #[tokio::test]
    async fn a_demand_for_nonces_without_one_or_without_a_key_is_a_refusal() {
        for key in [None, Some(Arc::new(ProofKey::generate().unwrap()))] {
            let server = TokenServer::start([refused("use_dpop_nonce")]).await;
            let mut known = Known::of(&server);
            known.proof_key = key;
            tokens(known.at(), GRANT).await.unwrap_err();
            assert_eq!(server.asked().len(), 1);
        }
    }

    #[tokio::test]
    async fn secrets_that_a_server_repeats_do_not_show() {
        let repeats = |status| {
            let said = "client-secret is wrong, and so is refresh-1, says client";
            (status, vec![], json!({ "error": "invalid_client", "error_description": said }))
        };
        let server = TokenServer::start([repeats(400), repeats(200), repeats(401)]).await;
        let mut known = Known::of(&server);
        for basic in [false, false, true] {
            if basic {
                let secret = ClientAuthentication::SecretBasic("client-secret".into());
                known.client.authentication = secret;
            }
            let error = tokens(known.at(), &[("refresh_token", "refresh-1")]).await.unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("client-secret") && !shown.contains("refresh-1"), "{shown}");
            assert!(
                shown.contains("[secret] is wrong") && shown.contains("says client"),
                "{shown}"
            );
        }
    }

    #[tokio::test]
    async fn tokens_of_another_type_than_asked_for_are_not_used() {
        for (key, answer) in
            [(true, bearer("secret")), (false, dpop("secret")), (false, mac("secret"))]
        {
            let server = TokenServer::start([answer]).await;
            let mut known = Known::of(&server);
            known.proof_key = key.then(|| Arc::new(ProofKey::generate().unwrap()));
            let error = tokens(known.at(), GRANT).await.unwrap_err();
            assert!(matches!(&error, AuthError::Untrusted(_)), "{error}");
            assert!(!format!("{error:?}").contains("secret"));
        }
    }

    fn mac(token: &str) -> Answer {
        (200, vec![], json!({ "access_token": token, "token_type": "mac" }))
    }

    #[tokio::test]
    async fn certificates_are_shown_where_they_are_expected_and_remembered_with_the_token() {
        let server = TokenServer::start(std::iter::repeat_n(bearer("a"), 4)).await;
        let mut known = Known::of(&server);
        let mut aliases = MtlsEndpointAliases::default();
        aliases.token_endpoint = Some(server.url.join("mtls/token").unwrap());
        known.server.mtls_endpoint_aliases = Some(aliases);
        known.certificate = Some("thumbprint");

        // A certificate alone is for the connection only, ...
        assert_eq!(tokens(known.at(), GRANT).await.unwrap().access.certificate, None);
        // ... unless tokens are bound to it, ...
        known.server.tls_client_certificate_bound_access_tokens = true;
        let bound = tokens(known.at(), GRANT).await.unwrap().access;
        assert_eq!(bound.certificate.as_deref(), Some("thumbprint"));
        // ... which they cannot be without one, ...
        known.certificate = None;
        assert_eq!(tokens(known.at(), GRANT).await.unwrap().access.certificate, None);
        // ... or the client authenticates with it.
        known.server.tls_client_certificate_bound_access_tokens = false;
        known.certificate = Some("thumbprint");
        known.client.authentication = ClientAuthentication::Tls;
        let bound = tokens(known.at(), GRANT).await.unwrap().access;
        assert_eq!(bound.certificate.as_deref(), Some("thumbprint"));

        let paths: Vec<_> = server.asked().into_iter().map(|asked| asked.path).collect();
        assert_eq!(paths, ["/token", "/mtls/token", "/token", "/mtls/token"]);
    }

    #[tokio::test]
    async fn servers_that_are_broken_or_busy_have_decided_nothing() {
        let broken = (503, vec![], json!({ "error": "temporarily_unavailable" }));
        let busy = (429, vec![], json!({ "error": "invalid_grant" }));
        let strange = (400, vec![], Value::Null);
        let server = TokenServer::start([broken, busy, strange]).await;
        let known = Known::of(&server);
        for _ in 0..3 {
            let error = tokens(known.at(), GRANT).await.unwrap_err();
            assert!(matches!(error, AuthError::Fetch { .. }), "{error}");
        }
        assert_eq!(server.asked().len(), 3);
    }

    #[tokio::test]
    async fn a_server_without_token_endpoint_is_told_apart() {
        let server = TokenServer::start([]).await;
        let mut known = Known::of(&server);
        known.server.token_endpoint = None;
        let error = tokens(known.at(), GRANT).await.unwrap_err();
        assert!(matches!(error, AuthError::Metadata(_)), "{error}");
    }
}
