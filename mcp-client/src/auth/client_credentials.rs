//! Tokens for the client itself (RFC 6749, 4.4; MCP extension OAuth Client Credentials, SEP-1046).
//!
//! Owns the grant. How the client shows who it is stands in its
//! [`ClientAuthentication`](mcp_auth::client_authentication::ClientAuthentication): a secret, a key
//! or a certificate.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mcp_auth::client_authentication::ClientAuthentication;

use super::AuthError;
use super::grant::{Grant, Situation, Tokens};
use super::token_endpoint::tokens;

/// The grant `client_credentials`.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientCredentials;

impl Grant for ClientCredentials {
    fn name(&self) -> &'static str {
        "client_credentials"
    }

    fn obtain<'a>(&'a self, at: Situation<'a>) -> BoxFuture<'a, Result<Tokens, AuthError>> {
        async move {
            // RFC 6749, 4.4: for confidential clients alone.
            if matches!(at.client.authentication, ClientAuthentication::None) {
                return Err(AuthError::Policy(
                    "client credentials need something to authenticate with: give a secret, a key \
                     or a certificate"
                        .to_owned(),
                ));
            }
            let scopes = at.scopes.to_string();
            let mut parameters = vec![("grant_type", self.name())];
            if !at.scopes.is_empty() {
                parameters.push(("scope", &scopes));
            }
            // A refresh token would be one more secret for what the client can do anyway
            // (RFC 6749, 4.4.3: servers should give none).
            Ok(Tokens { refresh: None, ..tokens(at, &parameters).await? })
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use mcp_auth::secret::ExposeSecret;
    use serde_json::json;

    use super::super::token_server::{Known, TokenServer, refused};
    use super::*;

    #[tokio::test]
    async fn the_client_gets_a_token_for_itself_and_nothing_to_refresh() {
        let body = json!({ "access_token": "a", "token_type": "Bearer", "refresh_token": "b" });
        let server = TokenServer::start([(200, vec![], body)]).await;
        let tokens = ClientCredentials.obtain(Known::of(&server).at()).await.unwrap();
        assert_eq!(tokens.access.value.expose_secret(), "a");
        assert!(tokens.refresh.is_none());
        let asked = &server.asked()[0].form;
        assert_eq!(asked["grant_type"], "client_credentials");
        assert_eq!(asked["scope"], "orders:read");
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        let server = TokenServer::start([refused("unauthorized_client")]).await;
        let error = ClientCredentials.obtain(Known::of(&server).at()).await.unwrap_err();
        assert!(matches!(error, AuthError::Refused { .. }), "{error}");
        assert_eq!(server.asked().len(), 1);
    }

    #[tokio::test]
    async fn a_client_with_nothing_to_authenticate_with_asks_nobody() {
        let server = TokenServer::start([]).await;
        let mut known = Known::of(&server);
        known.client.authentication = ClientAuthentication::None;
        let error = ClientCredentials.obtain(known.at()).await.unwrap_err();
        assert!(matches!(error, AuthError::Policy(_)), "{error}");
        assert!(server.asked().is_empty());
    }
}
