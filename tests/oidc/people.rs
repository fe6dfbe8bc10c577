//! People who sign in and consent; their tokens are refreshed without them.

use futures_util::future::join_all;
use mcp_auth::secret::ExposeSecret as _;
use mcp_client::auth::{AuthError, Authorization, ClientMetadata, TokenRequest, TokenSource as _};
use serde_json::{Value, json};

use crate::person::{Person, REDIRECT};
use crate::site::{Plan, Site, asked, called};

#[tokio::test]
async fn a_person_consents_and_the_code_becomes_a_token() {
    let site = Plan::with_clients(json!([app()])).start().await;
    let person = Person::who_consents();
    let app = Authorization::with_user_agent(person.clone()).client_id("app");
    let who = site.who(app).await;
    assert_eq!(who["subject"], "ana");
    assert_eq!(who["client"], "app");
    assert_eq!(who["issuer"], *site.issuer);
    assert_eq!(who["scopes"], json!(["orders:read"]));

    let [url] = &person.asked()[..] else { panic!("{:?}", person.asked()) };
    let asked = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    assert_eq!(asked("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(asked("resource").as_deref(), Some(&*site.endpoint));
    assert_eq!(asked("response_type").as_deref(), Some("code"));
}

#[tokio::test]
async fn a_client_that_is_not_known_registers_first() {
    let site = Plan::with_clients(json!([])).start().await;
    let person = Authorization::with_user_agent(Person::who_consents())
        .client_metadata(ClientMetadata::new("Tests"));
    let who = site.who(person).await;
    assert_eq!(who["subject"], "ana");
    assert_ne!(who["client"], "app");
}

#[tokio::test]
async fn a_person_who_declines_is_asked_once() {
    let site = Plan::with_clients(json!([app()])).start().await;
    let person = Person::who_declines();
    let app = Authorization::with_user_agent(person.clone()).client_id("app");
    for _ in 0..2 {
        let error = site.refused(app.clone()).await;
        assert!(
            matches!(&error, AuthError::Refused { error, .. } if error == "access_denied"),
            "{error}"
        );
    }
    assert_eq!(person.asked().len(), 1);
}

#[tokio::test]
async fn a_tool_that_needs_more_scopes_has_the_person_asked_once_more() {
    let site = Plan::with_clients(json!([app()])).start().await;
    let person = Person::who_consents();
    let app = Authorization::with_user_agent(person.clone()).client_id("app");
    let client = site.connect(app).await.unwrap();
    assert_eq!(asked(&client).await["scopes"], json!(["orders:read"]));
    for _ in 0..2 {
        let who = called(&client, "order").await;
        assert_eq!(who["scopes"], json!(["orders:read", "orders:write"]));
    }
    assert_eq!(person.asked().len(), 2);
}

/// Access tokens live for a second, and each refresh token is good for once: who shows one twice
/// loses all of them.
#[tokio::test]
async fn tokens_are_refreshed_without_the_person_and_refresh_tokens_used_once() {
    let plan = Plan::with_clients(json!([app()]));
    let site = Plan { lifetime: 1, ..plan }.start().await;
    let person = Person::who_consents();
    let app = Authorization::with_user_agent(person.clone()).client_id("app");
    let client = site.connect(app.clone()).await.unwrap();
    is_renewed(&site, &app, async || {
        let all = join_all((0..4).map(|_| asked(&client))).await;
        assert!(all.iter().all(|who| who["subject"] == "ana"));
    })
    .await;
    assert_eq!(person.asked().len(), 1);
}

/// Goes on with something until the token was replaced three times.
pub(crate) async fn is_renewed(site: &Site, source: &Authorization, something: impl AsyncFn()) {
    let endpoint = site.endpoint.parse().unwrap();
    let mut before = source.token(TokenRequest::new(&endpoint)).await.unwrap().unwrap();
    let mut renewed = 0;
    while renewed < 3 {
        something().await;
        let now = source.token(TokenRequest::new(&endpoint)).await.unwrap().unwrap();
        renewed += u32::from(now.value.expose_secret() != before.value.expose_secret());
        before = now;
    }
}

/// A program of people that was registered beforehand.
pub(crate) fn app() -> Value {
    json!({
        "client_id": "app",
        "token_endpoint_auth_method": "none",
        "application_type": "native",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": [REDIRECT],
    })
}
