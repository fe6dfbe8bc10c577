//! Tokens for an assertion that somebody else issued (RFC 7523, 2.1): workload identity federation
//! (SEP-1933).
//!
//! Owns the grant. Where the assertion comes from is its source's: a platform that gives workloads
//! their identity, or a key.

use std::sync::Arc;
use std::time::SystemTime;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mcp_auth::client_authentication::{AssertionRequest, AssertionSource};
use mcp_auth::secret::{ExposeSecret, SecretString};

use super::AuthError;
use super::grant::{Grant, Situation, Tokens};
use super::token_endpoint::tokens;

/// The grant of RFC 7523, with an assertion for each token.
#[derive(Debug, Clone)]
pub(super) struct JwtBearer {
    source: Arc<dyn AssertionSource>,
}

impl JwtBearer {
    /// With the assertions of this source.
    pub(super) fn new(source: Arc<dyn AssertionSource>) -> Self {
        Self { source }
    }
}

impl Grant for JwtBearer {
    fn name(&self) -> &'static str {
        GRANT_TYPE
    }

    fn obtain<'a>(&'a self, at: Situation<'a>) -> BoxFuture<'a, Result<Tokens, AuthError>> {
        async move {
            let request =
                AssertionRequest::new(&at.client.id, &at.server.issuer, SystemTime::now());
            let assertion = self.source.assertion(request).await;
            let assertion = assertion
                .map_err(|source| AuthError::source("the source of assertions", source))?;
            exchange(at, &assertion).await
        }
        .boxed()
    }
}

/// Gets tokens for an assertion, in one try.
pub(super) async fn exchange(
    at: Situation<'_>,
    assertion: &SecretString,
) -> Result<Tokens, AuthError> {
    let scopes = at.scopes.to_string();
    let mut parameters = vec![("grant_type", GRANT_TYPE), ("assertion", assertion.expose_secret())];
    if !at.scopes.is_empty() {
        parameters.push(("scope", &scopes));
    }
    // A refresh token would outlive the identity that the assertion stands for (RFC 7521, 4.1).
    Ok(Tokens { refresh: None, ..tokens(at, &parameters).await? })
}

pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[cfg(test)]
mod tests {
    use mcp_auth::client_authentication::ClientAuthentication;

    use super::super::Assertion;
    use super::super::token_server::{ISSUER, Known, RESOURCE, TokenServer, bearer, refused};
    use super::*;

    #[tokio::test]
    async fn the_assertion_is_made_for_the_authorization_server() {
        let server = TokenServer::start([bearer("a")]).await;
        let mut known = Known::of(&server);
        known.client.authentication = ClientAuthentication::None;
        let source = Assertion::from_fn(|audience| {
            let assertion = format!("for {audience}");
            async move { Ok(assertion.into()) }
        });
        JwtBearer::new(Arc::new(source)).obtain(known.at()).await.unwrap();
        let asked = &server.asked()[0].form;
        assert_eq!(asked["grant_type"], GRANT_TYPE);
        assert_eq!(asked["assertion"], format!("for {ISSUER}"));
        assert_eq!(asked["resource"], RESOURCE);
        assert_eq!(asked["scope"], "orders:read");
        assert_eq!(asked["client_id"], "client");
        assert!(!asked.contains_key("client_secret"));
    }

    #[tokio::test]
    async fn what_is_refused_is_tried_once() {
        for error in ["invalid_grant", "invalid_scope", "unauthorized_client"] {
            let server = TokenServer::start([refused(error)]).await;
            let grant = JwtBearer::new(Arc::new(Assertion::fixed("a")));
            let refusal = grant.obtain(Known::of(&server).at()).await.unwrap_err();
            assert!(
                matches!(&refusal, AuthError::Refused { error: e, .. } if e == error),
                "{refusal}"
            );
            assert_eq!(server.asked().len(), 1);
        }
    }

    #[tokio::test]
    async fn without_an_assertion_nobody_is_asked() {
        let server = TokenServer::start([]).await;
        let source = Assertion::from_fn(|_| async { Err("the platform has none".into()) });
        let error =
            JwtBearer::new(Arc::new(source)).obtain(Known::of(&server).at()).await.unwrap_err();
        assert!(matches!(error, AuthError::Source { .. }), "{error}");
        assert!(error.to_string().contains("the platform has none"), "{error}");
        assert!(server.asked().is_empty());
    }
}
