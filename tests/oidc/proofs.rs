//! Tokens that are bound to a key (RFC 9449), with nonces on both sides.

use mcp_auth::dpop::ProofKey;
use mcp_auth::secret::ExposeSecret as _;
use mcp_client::Http;
use mcp_client::auth::{Authorization, ClientAuthentication, TokenRequest, TokenSource as _};
use mcp_server::auth::{NonceKey, ProofRules, Requirements};
use serde_json::json;

use crate::machines::{SECRET, machine};
use crate::people::{app, is_renewed};
use crate::person::Person;
use crate::site::{Plan, Site, asked, connect};

#[tokio::test]
async fn tokens_are_bound_to_the_key_and_every_request_proves_it() {
    let site = Plan::with_clients(json!([machine("client_secret_basic")])).start_with(bound).await;
    let key = ProofKey::generate().unwrap();
    let thumbprint = key.thumbprint().to_owned();
    let client = site.connect(billing(&site).dpop(key)).await.unwrap();
    for _ in 0..3 {
        let who = asked(&client).await;
        assert_eq!(who["bound_to"], "key");
        assert_eq!(who["thumbprint"], *thumbprint);
    }
}

#[tokio::test]
async fn nonces_are_put_into_proofs_where_servers_demand_them() {
    let plan = Plan::with_clients(json!([machine("client_secret_basic")]));
    let site = Plan { nonces: true, ..plan }
        .start_with(|requirements| {
            let rules = ProofRules::default().nonces(NonceKey::random().unwrap());
            requirements.dpop(rules).dpop_bound()
        })
        .await;
    let client = site.connect(billing(&site).dpop(ProofKey::generate().unwrap())).await.unwrap();
    assert_eq!(asked(&client).await["bound_to"], "key");
}

#[tokio::test]
async fn the_refresh_token_of_a_person_is_bound_as_well() {
    let plan = Plan::with_clients(json!([app()]));
    let site = Plan { lifetime: 1, ..plan }.start_with(bound).await;
    let person = Person::who_consents();
    let app = Authorization::with_user_agent(person.clone())
        .client_id("app")
        .dpop(ProofKey::generate().unwrap());
    let client = site.connect(app.clone()).await.unwrap();
    is_renewed(&site, &app, async || assert_eq!(asked(&client).await["subject"], "ana")).await;
    assert_eq!(person.asked().len(), 1);
}

#[tokio::test]
async fn a_stolen_token_is_worthless_without_its_key() {
    let site = Plan::with_clients(json!([machine("client_secret_basic")])).start_with(bound).await;
    let source = billing(&site).dpop(ProofKey::generate().unwrap()).in_advance();
    let endpoint = site.endpoint.parse().unwrap();
    let token = source.token(TokenRequest::new(&endpoint)).await.unwrap().unwrap();
    let thief = Http::new(&site.endpoint).unwrap().bearer_token(token.value.expose_secret());
    let error = connect(thief).await.expect_err("it is bound to a key");
    assert!(error.to_string().contains("401"), "{error}");
}

fn billing(site: &Site) -> Authorization {
    let authentication = ClientAuthentication::SecretBasic(SECRET.into());
    Authorization::client_credentials("billing", authentication).issuer(&*site.issuer)
}

fn bound(requirements: Requirements) -> Requirements {
    requirements.dpop(ProofRules::default()).dpop_bound()
}
