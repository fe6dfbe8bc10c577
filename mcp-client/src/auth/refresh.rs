//! New tokens for old ones (RFC 6749, 6).
//!
//! Owns the request and what becomes of the refresh token. It does not know where that one is kept,
//! nor when a token is too old.

use mcp_auth::secret::{ExposeSecret, SecretString};

use super::AuthError;
use super::grant::{Situation, Tokens};
use super::token_endpoint::tokens;

/// Gets new tokens with a refresh token, for the scopes that it was issued for, or fewer of them.
///
/// Servers may replace the refresh token with every use (OAuth 2.1, 4.3.1): the new one is to be
/// kept, before the new access token is used. Where they do not, the old one is among the new
/// tokens. `None` means that the refresh token is good for nothing any more and is to be forgotten.
///
/// # Errors
///
/// As with every grant; the refresh token may still be good.
pub(super) async fn refresh(
    at: Situation<'_>,
    refresh_token: &SecretString,
) -> Result<Option<Tokens>, AuthError> {
    let scopes = at.scopes.to_string();
    let mut parameters =
        vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
    if !at.scopes.is_empty() {
        parameters.push(("scope", &scopes));
    }
    match tokens(at, &parameters).await {
        Ok(new) => {
            Ok(Some(Tokens { refresh: new.refresh.or_else(|| Some(refresh_token.clone())), ..new }))
        }
        Err(AuthError::Refused { error, .. }) if error == "invalid_grant" => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::token_server::{Known, RESOURCE, TokenServer, bearer, refused};
    use super::*;

    #[tokio::test]
    async fn a_refresh_token_is_replaced_or_stays() {
        let replaced =
            json!({ "access_token": "a", "token_type": "Bearer", "refresh_token": "new" });
        let server = TokenServer::start([(200, vec![], replaced), bearer("b")]).await;
        let known = Known::of(&server);
        let kept = async |old: &str| {
            let tokens = refresh(known.at(), &old.into()).await.unwrap().unwrap();
            tokens.refresh.unwrap().expose_secret().to_owned()
        };
        assert_eq!(kept("old").await, "new");
        assert_eq!(kept("new").await, "new");
        let asked = &server.asked()[0].form;
        assert_eq!(asked["grant_type"], "refresh_token");
        assert_eq!(asked["refresh_token"], "old");
        assert_eq!(asked["resource"], RESOURCE);
        assert_eq!(asked["scope"], "orders:read");
    }

    #[tokio::test]
    async fn only_a_refresh_token_that_is_good_for_nothing_is_forgotten() {
        let server = TokenServer::start([refused("invalid_grant"), refused("invalid_scope")]).await;
        let known = Known::of(&server);
        assert!(refresh(known.at(), &"old".into()).await.unwrap().is_none());
        refresh(known.at(), &"old".into()).await.unwrap_err();
        // The server is broken from here on.
        refresh(known.at(), &"old".into()).await.unwrap_err();
        assert_eq!(server.asked().len(), 3);
    }
}
