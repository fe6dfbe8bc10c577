//! Clients that act for themselves: with a secret or a key.

use std::sync::Arc;

use mcp_auth::jose::SigningKey;
use mcp_client::auth::{AuthError, Authorization, ClientAuthentication};
use serde_json::{Value, json};

use crate::site::{Plan, Site};

#[tokio::test]
async fn a_client_shows_its_secret_in_a_header_or_in_the_form() {
    for (method, authentication) in [
        ("client_secret_basic", ClientAuthentication::SecretBasic(SECRET.into())),
        ("client_secret_post", ClientAuthentication::SecretPost(SECRET.into())),
    ] {
        let site = Plan::with_clients(json!([machine(method)])).start().await;
        let who = site.who(billing(&site, authentication)).await;
        assert_eq!(who["client"], "billing");
        assert_eq!(who["subject"], "billing");
        assert_eq!(who["issuer"], *site.issuer);
        assert_eq!(who["scopes"], json!(["orders:read"]));
        assert_eq!(who["bound_to"], "nothing");
    }
}

#[tokio::test]
async fn a_client_signs_with_its_key() {
    let key = SigningKey::generate_es256().unwrap();
    let mut client = machine("private_key_jwt");
    client["jwks"] = json!({ "keys": [key.public_key().to_jwk()] });
    let site = Plan::with_clients(json!([client])).start().await;
    let authentication = ClientAuthentication::PrivateKeyJwt(Arc::new(key));
    assert_eq!(site.who(billing(&site, authentication)).await["client"], "billing");

    let other =
        ClientAuthentication::PrivateKeyJwt(Arc::new(SigningKey::generate_es256().unwrap()));
    is_refused(&site.refused(billing(&site, other)).await, &site, "invalid_client");
}

#[tokio::test]
async fn a_client_with_a_wrong_secret_is_told_so() {
    let site = Plan::with_clients(json!([machine("client_secret_basic")])).start().await;
    let wrong = ClientAuthentication::SecretBasic("guessed".into());
    is_refused(&site.refused(billing(&site, wrong)).await, &site, "invalid_client");
}

#[tokio::test]
async fn scopes_that_a_client_asks_for_come_with_those_that_are_needed() {
    let site = Plan::with_clients(json!([machine("client_secret_basic")])).start().await;
    let authentication = ClientAuthentication::SecretBasic(SECRET.into());
    let more = billing(&site, authentication).scopes(["orders:write"]);
    assert_eq!(site.who(more).await["scopes"], json!(["orders:read", "orders:write"]));
}

#[tokio::test]
async fn there_is_no_token_for_a_resource_that_the_authorization_server_does_not_know() {
    let plan = Plan::with_clients(json!([machine("client_secret_basic")]));
    let site = Plan { resource: Some("https://other.example/mcp"), ..plan }.start().await;
    let authentication = ClientAuthentication::SecretBasic(SECRET.into());
    let error = site.refused(billing(&site, authentication)).await;
    is_refused(&error, &site, "invalid_target");
}

fn billing(site: &Site, authentication: ClientAuthentication) -> Authorization {
    Authorization::client_credentials("billing", authentication).issuer(&*site.issuer)
}

/// A client that authenticates by this method, as in a registration.
pub(crate) fn machine(method: &str) -> Value {
    let mut client = json!({
        "client_id": "billing",
        "token_endpoint_auth_method": method,
        "grant_types": ["client_credentials"],
        "response_types": [],
        "redirect_uris": [],
    });
    if method.starts_with("client_secret") {
        client["client_secret"] = json!(SECRET);
    }
    client
}

/// The authorization server refused, with this code.
pub(crate) fn is_refused(error: &AuthError, site: &Site, code: &str) {
    match error {
        AuthError::Refused { issuer, error, .. } => {
            assert_eq!((&**issuer, &**error), (&*site.issuer, code));
        }
        _ => panic!("{error}"),
    }
}

/// With what has to be encoded in a header (RFC 6749, 2.3.1).
pub(crate) const SECRET: &str = "s3cret: of a%machine+&=";
