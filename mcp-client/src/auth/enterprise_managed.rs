//! Tokens by decision of an enterprise (MCP extension Enterprise-Managed Authorization, SEP-990).
//!
//! Owns the two steps after a person has signed in: the identity provider exchanges what it said of
//! them for a grant (RFC 8693), and the authorization server of the MCP server gives a token for it
//! (RFC 7523). What either of them denies stays denied. Signing in is the application's.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mcp_auth::client_authentication::{AssertionRequest, AssertionSource, ClientAuthentication};
use mcp_auth::fetch::Fetcher;
use mcp_auth::secret::{ExposeSecret, SecretString};
use reqwest::Url;

use super::grant::{ClientInformation, Grant, Situation, Tokens};
use super::server_metadata::discover;
use super::token_endpoint::TokenEndpoint;
use super::{AuthError, jwt_bearer};

/// The identity provider of an enterprise, which decides who may use which MCP servers.
///
/// The client is known to it under an identifier of its own, and has from it what it says of the
/// person who signed in: an ID token. Give a source of it rather than a fixed one, because they
/// expire.
///
/// # Examples
///
/// ```
/// use mcp_client::auth::{ClientAuthentication, IdentityProvider};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let id_token = mcp_client::auth::Assertion::fixed("…");
/// let provider = IdentityProvider::new("https://acme.idp.example", "2ec954a1d60620116d36", id_token)
///     .client_authentication(ClientAuthentication::SecretBasic("…".into()));
/// # let _ = provider;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct IdentityProvider {
    issuer: Box<str>,
    token_endpoint: Option<Url>,
    client: ClientInformation,
    assertion: Arc<dyn AssertionSource>,
    assertion_type: &'static str,
    fetcher: Option<Fetcher>,
}

impl IdentityProvider {
    /// The provider with this issuer, which knows the client as `client_id` and said of the person
    /// what this source gives: an OpenID Connect ID token.
    pub fn new(
        issuer: impl Into<Box<str>>,
        client_id: impl Into<Box<str>>,
        id_token: impl AssertionSource + 'static,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            token_endpoint: None,
            client: ClientInformation {
                id: client_id.into(),
                authentication: ClientAuthentication::None,
            },
            assertion: Arc::new(id_token),
            assertion_type: ID_TOKEN,
            fetcher: None,
        }
    }

    /// The source gives SAML 2.0 assertions instead of ID tokens.
    #[must_use]
    pub fn saml(self) -> Self {
        Self { assertion_type: SAML2, ..self }
    }

    /// How the client authenticates there; unless set, not at all.
    #[must_use]
    pub fn client_authentication(self, authentication: ClientAuthentication) -> Self {
        Self { client: ClientInformation { authentication, ..self.client }, ..self }
    }

    /// Where tokens are exchanged; unless set, the metadata of the provider says it.
    #[must_use]
    pub fn token_endpoint(self, url: Url) -> Self {
        Self { token_endpoint: Some(url), ..self }
    }

    /// What requests to the provider are sent with, if not with the same as all the others: such as
    /// one that may reach the network of the enterprise.
    #[must_use]
    pub fn fetcher(self, fetcher: Fetcher) -> Self {
        Self { fetcher: Some(fetcher), ..self }
    }
}

impl fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityProvider")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client.id)
            .finish_non_exhaustive()
    }
}

/// The grant of an enterprise.
#[derive(Debug, Clone)]
pub(super) struct EnterpriseManaged {
    provider: IdentityProvider,
}

impl EnterpriseManaged {
    /// With what this provider decides.
    pub(super) fn new(provider: IdentityProvider) -> Self {
        Self { provider }
    }

    /// Exchanges what is known of the person for a grant at the authorization server (section 4).
    async fn identity_assertion_grant(&self, at: Situation<'_>) -> Result<SecretString, AuthError> {
        let provider = &self.provider;
        let request =
            AssertionRequest::new(&provider.client.id, &provider.issuer, SystemTime::now());
        let subject = provider.assertion.assertion(request).await;
        let subject =
            subject.map_err(|source| AuthError::source("the source of ID tokens", source))?;
        let fetcher = provider.fetcher.as_ref().unwrap_or(at.fetcher);
        let url = self.exchanged_at(fetcher).await?;
        let scopes = at.scopes.to_string();
        let mut parameters = vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("requested_token_type", ID_JAG),
            ("audience", &at.server.issuer),
            ("resource", at.resource),
            ("subject_token", subject.expose_secret()),
            ("subject_token_type", provider.assertion_type),
        ];
        if !at.scopes.is_empty() {
            parameters.push(("scope", &scopes));
        }
        // What comes back is no access token, so that no key is bound to it.
        let endpoint = TokenEndpoint {
            issuer: &provider.issuer,
            url: &url,
            client: &provider.client,
            fetcher,
            proofs: None,
        };
        let given = endpoint.ask(&parameters).await?;
        if given.issued_token_type.as_deref() != Some(ID_JAG) {
            return Err(AuthError::Untrusted(format!(
                "{} gave something else than the identity assertion grant that it was asked for",
                provider.issuer
            )));
        }
        Ok(given.access_token)
    }

    /// Where the provider exchanges tokens.
    async fn exchanged_at(&self, fetcher: &Fetcher) -> Result<Url, AuthError> {
        if let Some(url) = &self.provider.token_endpoint {
            return Ok(url.clone());
        }
        let provider = discover(fetcher, &self.provider.issuer).await?;
        provider.token_endpoint.ok_or_else(|| {
            let issuer = &self.provider.issuer;
            AuthError::Metadata(format!("the identity provider {issuer} has no token endpoint"))
        })
    }
}

impl Grant for EnterpriseManaged {
    fn name(&self) -> &'static str {
        jwt_bearer::GRANT_TYPE
    }

    fn obtain<'a>(&'a self, at: Situation<'a>) -> BoxFuture<'a, Result<Tokens, AuthError>> {
        async move {
            let grant = self.identity_assertion_grant(at).await?;
            jwt_bearer::exchange(at, &grant).await
        }
        .boxed()
    }
}

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const SAML2: &str = "urn:ietf:params:oauth:token-type:saml2";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Assertion;
    use super::super::token_server::{
        Answer, ISSUER, Known, RESOURCE, TokenServer, bearer, refused,
    };
    use super::*;

    fn grant(idp: &TokenServer) -> EnterpriseManaged {
        let provider = IdentityProvider::new(IDP, "client-at-idp", Assertion::fixed("id-token"))
            .token_endpoint(idp.url.join("exchange").unwrap());
        EnterpriseManaged::new(provider)
    }

    fn id_jag() -> Answer {
        let body =
            json!({ "access_token": "id-jag", "issued_token_type": ID_JAG, "token_type": "N_A" });
        (200, vec![], body)
    }

    #[tokio::test]
    async fn an_id_token_becomes_a_grant_and_the_grant_a_token() {
        let idp = TokenServer::start([id_jag()]).await;
        let server = TokenServer::start([bearer("access")]).await;
        let tokens = grant(&idp).obtain(Known::of(&server).at()).await.unwrap();
        assert_eq!(tokens.access.value.expose_secret(), "access");
        assert_eq!(tokens.access.issuer.as_deref(), Some(ISSUER));

        let exchanged = &idp.asked()[0].form;
        for (name, value) in [
            ("grant_type", TOKEN_EXCHANGE),
            ("requested_token_type", ID_JAG),
            ("subject_token_type", ID_TOKEN),
            ("subject_token", "id-token"),
            ("audience", ISSUER),
            ("resource", RESOURCE),
            ("scope", "orders:read"),
            ("client_id", "client-at-idp"),
        ] {
            assert_eq!(exchanged[name], value, "{name}");
        }
        let asked = &server.asked()[0].form;
        assert_eq!(asked["assertion"], "id-jag");
        assert_eq!(asked["client_id"], "client");
        // What the one knows is not shown to the other.
        assert!(!exchanged.contains_key("client_secret") && !asked.contains_key("subject_token"));
    }

    #[tokio::test]
    async fn the_metadata_of_the_provider_says_where_it_exchanges() {
        let idp = TokenServer::with_metadata([id_jag()]).await;
        let server = TokenServer::start([bearer("access")]).await;
        let issuer = idp.url.as_str().trim_end_matches('/');
        let provider = IdentityProvider::new(issuer, "client-at-idp", Assertion::fixed("a")).saml();
        let grant = EnterpriseManaged::new(provider);
        grant.obtain(Known::of(&server).at()).await.unwrap();
        let asked = idp.asked();
        assert_eq!(asked.last().unwrap().path, "/token");
        assert_eq!(asked.last().unwrap().form["subject_token_type"], SAML2);
    }

    #[tokio::test]
    async fn what_either_server_denies_stays_denied() {
        let idp = TokenServer::start([refused("invalid_grant")]).await;
        let server = TokenServer::start([bearer("access")]).await;
        let error = grant(&idp).obtain(Known::of(&server).at()).await.unwrap_err();
        assert!(matches!(&error, AuthError::Refused { issuer, .. } if issuer == IDP), "{error}");
        assert_eq!((idp.asked().len(), server.asked().len()), (1, 0));

        let idp = TokenServer::start([id_jag()]).await;
        let server = TokenServer::start([refused("invalid_grant")]).await;
        let error = grant(&idp).obtain(Known::of(&server).at()).await.unwrap_err();
        assert!(matches!(&error, AuthError::Refused { issuer, .. } if issuer == ISSUER), "{error}");
        assert_eq!((idp.asked().len(), server.asked().len()), (1, 1));
    }

    #[tokio::test]
    async fn a_token_of_another_kind_is_no_grant() {
        for kind in [Value::Null, json!("urn:ietf:params:oauth:token-type:access_token")] {
            let body =
                json!({ "access_token": "a", "issued_token_type": kind, "token_type": "N_A" });
            let idp = TokenServer::start([(200, vec![], body)]).await;
            let server = TokenServer::start([bearer("access")]).await;
            let error = grant(&idp).obtain(Known::of(&server).at()).await.unwrap_err();
            assert!(matches!(error, AuthError::Untrusted(_)), "{error}");
            assert!(server.asked().is_empty());
        }
    }

    const IDP: &str = "https://idp.example";
}
