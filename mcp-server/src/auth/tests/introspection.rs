//! Tokens that the authorization server is asked about.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcp_auth::client_authentication::ClientAuthentication;
use serde_json::{Value, json};

use super::rig::{ISSUER, NOW, RESOURCE, Shown, Site, certificate, claims, fetcher, with};
use crate::auth::{Denial, Introspection, Requirements};

/// An authorization server that knows one token.
async fn knowing(answer: Value) -> (Site, Arc<Mutex<Value>>) {
    let answer = Arc::new(Mutex::new(answer));
    let shared = Arc::clone(&answer);
    let site = Site::start(move |path, form| {
        assert_eq!(path, "/introspection");
        assert!(form.contains("token_type_hint=access_token"), "{form}");
        if !form.contains("client_id=films&client_secret=secret") {
            return (401, json!({ "error": "invalid_client" }));
        }
        let is_known = form.contains("token=opaque&");
        (200, if is_known { shared.lock().unwrap().clone() } else { json!({ "active": false }) })
    })
    .await;
    (site, answer)
}

fn active(mut claims: Value) -> Value {
    claims["active"] = json!(true);
    claims
}

fn asking(site: &Site) -> Introspection {
    let requirements = Requirements::audience(RESOURCE);
    Introspection::new(requirements, ISSUER, site.at("/introspection"), fetcher())
        .unwrap()
        .authenticate("films", ClientAuthentication::SecretPost("secret".into()))
}

#[tokio::test]
async fn answer_says_who_calls_and_is_used_again() {
    let (site, answer) = knowing(active(claims())).await;
    let validator = asking(&site);
    for _ in 0..3 {
        let admitted = Shown::bearer("opaque").to(&validator).await.unwrap();
        assert_eq!(admitted.principal.id(), Some("https://id.example#ada"));
        assert!(admitted.principal.authentication().unwrap().has_scope("films:read"));
    }
    assert_eq!(site.asked(), 1);

    // Never longer than the token is valid, whatever the clock of the cache says.
    let now = Shown::bearer("").now + Duration::from_secs(3_700);
    let refused = Shown { now, ..Shown::bearer("opaque") }.refused_by(&validator).await;
    assert!(refused.contains("expired"), "{refused}");

    *answer.lock().unwrap() = json!({ "active": false });
    assert!(Shown::bearer("opaque").to(&validator).await.is_ok());
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    let refused = Shown::bearer("opaque").refused_by(&validator).await;
    assert_eq!(
        refused,
        "invalid_token: the authorization server says that the token is not active"
    );
}

#[tokio::test]
async fn inactive_token_is_refused() {
    let (site, _) = knowing(active(claims())).await;
    let refused = Shown::bearer("unknown").refused_by(&asking(&site)).await;
    assert!(refused.starts_with("invalid_token: "), "{refused}");
}

#[tokio::test]
async fn answer_has_to_fit_as_a_token_would() {
    for (name, value, reason) in [
        ("exp", json!(NOW - 31), "expired"),
        ("exp", json!(null), "when it expires"),
        ("nbf", json!(NOW + 31), "not valid yet"),
        ("aud", json!("https://other.example"), "another resource"),
        ("aud", json!(null), "for which resource"),
        ("iss", json!("https://evil.example"), "another issuer"),
        ("sub", json!(""), "`sub`"),
        ("cnf", json!({ "jwk": {} }), "not understood"),
        ("cnf", json!({ "jkt": "k" }), "without a proof"),
        ("cnf", json!({ "x5t#S256": "c" }), "has shown none"),
    ] {
        let (site, _) = knowing(active(with(name, value))).await;
        let refused = Shown::bearer("opaque").refused_by(&asking(&site)).await;
        assert!(refused.starts_with("invalid_token: "), "{name}: {refused}");
        assert!(refused.contains(reason), "{name}: {refused}");
    }
}

#[tokio::test]
async fn bound_token_is_good_with_its_certificate() {
    let own = certificate(None);
    let (site, _) = knowing(active(with("cnf", json!({ "x5t#S256": own.thumbprint() })))).await;
    let validator = asking(&site);
    assert!(Shown::bearer("opaque").over(&own).to(&validator).await.is_ok());
    // What is remembered of the token does not let in who has no certificate.
    assert!(Shown::bearer("opaque").to(&validator).await.is_err());
    assert_eq!(site.asked(), 1);
}

#[tokio::test]
async fn issuer_need_not_be_in_the_answer() {
    let (site, _) = knowing(active(with("iss", json!(null)))).await;
    let admitted = Shown::bearer("opaque").to(&asking(&site)).await.unwrap();
    assert_eq!(&*admitted.principal.authentication().unwrap().issuer, ISSUER);
}

#[tokio::test]
async fn nobody_is_let_in_without_an_answer() {
    for answer in [json!({}), json!({ "active": "true" }), json!([]), json!({ "active": 1 })] {
        let (site, _) = knowing(answer).await;
        let denied = Shown::bearer("opaque").to(&asking(&site)).await.unwrap_err();
        assert_eq!(denied.denial, Denial::Unavailable, "{denied}");
    }
    let (site, _) = knowing(active(claims())).await;
    let wrong =
        asking(&site).authenticate("films", ClientAuthentication::SecretPost("other".into()));
    let denied = Shown::bearer("opaque").to(&wrong).await.unwrap_err();
    assert_eq!(denied.denial, Denial::Unavailable);
    assert!(denied.reason.contains("credentials"), "{denied}");
    assert!(!format!("{wrong:?} {denied:?}").contains("other"));

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let endpoint = format!("http://{address}/introspection").parse().unwrap();
    let requirements = Requirements::audience(RESOURCE);
    let validator = Introspection::new(requirements, ISSUER, endpoint, fetcher()).unwrap();
    let denied = Shown::bearer("opaque").to(&validator).await.unwrap_err();
    assert_eq!(denied.denial, Denial::Unavailable);
}
