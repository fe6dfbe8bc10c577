//! Tokens that the server checks itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth::jose::{Algorithm, KeySet, SigningKey};
use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use mcp_auth::secret::ExposeSecret as _;
use mcp_core::authentication::Binding;
use ring::hmac;
use serde_json::{Value, json};

use super::rig::{
    ISSUER, NOW, RESOURCE, Shown, Site, certificate, claims, fetcher, key, now, signed, validator,
    with,
};
use crate::auth::{Denial, Issuer, JwtValidator, ProofRules, Requirements, TokenValidator};

fn requirements() -> Requirements {
    Requirements::audience(RESOURCE)
}

#[tokio::test]
async fn good_token_says_who_calls() {
    let key = key("1");
    let requirements = requirements().claim("tenant_id").claim("level").claim("none");
    let validator = validator(&key, requirements);
    let mut claims = with("tenant_id", json!("wholesale"));
    claims["level"] = json!(3);
    let admitted = Shown::bearer(signed(&key, &claims)).to(&validator).await.unwrap();
    assert_eq!(admitted.expires_at, Some(now() + Duration::from_secs(3_600)));
    assert_eq!(admitted.nonce, None);
    let caller = admitted.principal;
    assert_eq!(caller.id(), Some("https://id.example#ada"));
    assert!(caller.has("tenant_id", "wholesale") && caller.has("level", "3"));
    assert_eq!(caller.attribute("none"), None);
    let known = caller.authentication().unwrap();
    assert_eq!(&*known.issuer, ISSUER);
    assert_eq!(known.subject.as_deref(), Some("ada"));
    assert_eq!(known.client_id.as_deref(), Some("films"));
    let scopes: Vec<_> = known.scopes.iter().map(|scope| &**scope).collect();
    assert_eq!(scopes, ["films:read", "films:write"]);
    assert_eq!((&known.binding, &known.spiffe_id), (&Binding::None, &None));
    assert_eq!(known.expires_at, Some(NOW + 3_600));
}

#[tokio::test]
async fn claims_that_do_not_fit_are_refused() {
    let key = key("1");
    let validator = validator(&key, requirements());
    for (name, value, reason) in [
        ("exp", json!(NOW - 31), "expired"),
        ("exp", json!(null), "`exp`"),
        ("exp", json!("soon"), "malformed"),
        ("nbf", json!(NOW + 31), "not valid yet"),
        ("iat", json!(NOW + 31), "not valid yet"),
        ("aud", json!("https://mcp.example"), "another audience"),
        ("aud", json!(["https://mcp.example/mcp/", "films"]), "another audience"),
        ("aud", json!(null), "`aud`"),
        ("iss", json!("https://id.example/"), "another issuer"),
        ("iss", json!("https://evil.example"), "another issuer"),
        ("iss", json!(null), "`iss`"),
        ("sub", json!("a\u{7}"), "`sub`"),
        ("client_id", json!(7), "`client_id`"),
        ("cnf", json!({ "jwk": {} }), "not understood"),
        ("cnf", json!({}), "not understood"),
    ] {
        let claims = with(name, value.clone());
        let refused = Shown::bearer(signed(&key, &claims)).refused_by(&validator).await;
        assert!(refused.starts_with("invalid_token: "), "{name} {value}: {refused}");
        assert!(refused.contains(reason), "{name} {value}: {refused}");
    }
}

#[tokio::test]
async fn client_speaks_for_itself_where_there_is_no_subject() {
    let key = key("1");
    let validator = validator(&key, requirements());
    let mut claims = with("sub", json!(null));
    let admitted = Shown::bearer(signed(&key, &claims)).to(&validator).await.unwrap();
    assert_eq!(admitted.principal.id(), Some("https://id.example?client_id=films"));
    assert_eq!(admitted.principal.authentication().unwrap().subject, None);
    claims.as_object_mut().unwrap().remove("client_id");
    let refused = Shown::bearer(signed(&key, &claims)).refused_by(&validator).await;
    assert!(refused.contains("neither subject nor client"), "{refused}");
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let trusted = key("1");
    let validator = validator(&trusted, requirements());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let token = |header: Value, signature: &[u8]| {
        let signature = URL_SAFE_NO_PAD.encode(signature);
        format!("{}.{}.{signature}", part(&header), part(&claims()))
    };
    let refused = async |token: String| Shown::bearer(token).refused_by(&validator).await;

    // Somebody else's key, under its own name and under the name of the trusted one.
    assert!(refused(signed(&key("2"), &claims())).await.contains("no known key"));
    assert!(refused(signed(&key("1"), &claims())).await.contains("signature"));

    for none in ["none", "None", ""] {
        let token = token(json!({ "alg": none, "typ": "at+jwt", "kid": "1" }), b"");
        assert!(refused(token).await.contains("algorithm"));
    }

    // The public key as a shared secret, in the forms in which it is known to everybody.
    let public = trusted.public_key().to_jwk().to_string();
    for secret in [public.as_bytes(), trusted.public_key().thumbprint().as_bytes()] {
        let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": "1" });
        let message = format!("{}.{}", part(&header), part(&claims()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
        assert!(refused(token(header, tag.as_ref())).await.contains("algorithm"));
    }

    // Another algorithm than the key is for.
    let token = token(json!({ "alg": "RS256", "typ": "at+jwt", "kid": "1" }), &[7; 256]);
    assert!(refused(token).await.contains("no known key"));

    // Altered, stripped, and what is no token at all.
    let good = signed(&trusted, &claims());
    let parts: Vec<_> = good.split('.').collect();
    let other = part(&with("sub", json!("root")));
    for altered in [
        format!("{}.{other}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        "opaque".to_owned(),
        "..".to_owned(),
    ] {
        assert!(refused(altered).await.starts_with("invalid_token: "));
    }
    assert!(Shown::bearer(good).to(&validator).await.is_ok());
}

#[tokio::test]
async fn what_must_be_understood_and_is_not_is_refused() {
    let key = key("1");
    let validator = validator(&key, requirements());
    let header = json!({ "typ": "at+jwt", "kid": "1", "crit": ["exp"], "exp": 1 });
    let Value::Object(header) = header else { unreachable!() };
    let token = key.sign_with_header(header, &claims()).unwrap();
    let refused = Shown::bearer(token.expose_secret()).refused_by(&validator).await;
    assert!(refused.contains("`crit`"), "{refused}");
}

#[tokio::test]
async fn oversized_token_is_refused() {
    let key = key("1");
    let validator = validator(&key, requirements());
    let token = signed(&key, &with("scope", json!("a".repeat(16 * 1024))));
    let refused = Shown::bearer(token).refused_by(&validator).await;
    assert!(refused.contains("16 KiB"), "{refused}");
}

#[tokio::test]
async fn other_kinds_of_tokens_are_accepted_only_if_asked_for() {
    let key = key("1");
    let strict = validator(&key, requirements());
    let lenient = validator(&key, requirements()).plain_jwt();
    for (typ, strictly, leniently) in [
        ("at+jwt", true, true),
        ("application/at+jwt", true, true),
        ("JWT", false, true),
        ("dpop+jwt", false, false),
        ("logout+jwt", false, false),
    ] {
        let token = key.sign(typ, &claims()).unwrap();
        let shown = Shown::bearer(token.expose_secret());
        assert_eq!(shown.to(&strict).await.is_ok(), strictly, "{typ}");
        assert_eq!(shown.to(&lenient).await.is_ok(), leniently, "{typ}");
    }
}

#[tokio::test]
async fn only_allowed_algorithms_are_accepted() {
    let key = key("1");
    let validator = validator(&key, requirements()).algorithms([Algorithm::Rs256]);
    let refused = Shown::bearer(signed(&key, &claims())).refused_by(&validator).await;
    assert!(refused.contains("algorithm"), "{refused}");
}

#[tokio::test]
async fn each_issuer_signs_with_its_own_keys_only() {
    const OTHER: &str = "https://other.example/tenant";
    let (key, others) = (key("1"), key("1"));
    let validator = validator(&key, requirements())
        .issuer(Issuer::with_keys(OTHER, others.public_key_set()).unwrap());
    let of_other = with("iss", json!(OTHER));
    let admitted = Shown::bearer(signed(&others, &of_other)).to(&validator).await.unwrap();
    assert_eq!(admitted.principal.id(), Some("https://other.example/tenant#ada"));
    let refused = Shown::bearer(signed(&key, &of_other)).refused_by(&validator).await;
    assert!(refused.contains("signature"), "{refused}");
    let refused = Shown::bearer(signed(&others, &claims())).refused_by(&validator).await;
    assert!(refused.contains("signature"), "{refused}");
}

#[tokio::test]
async fn resource_without_path_has_two_names() {
    let key = key("1");
    for resource in ["https://mcp.example", "https://mcp.example/"] {
        let validator = validator(&key, Requirements::audience(resource));
        for (aud, fits) in [
            ("https://mcp.example", true),
            ("https://mcp.example/", true),
            ("https://mcp.example/mcp", false),
        ] {
            let shown = Shown::bearer(signed(&key, &with("aud", json!(aud))));
            assert_eq!(shown.to(&validator).await.is_ok(), fits, "{aud}");
        }
    }
}

#[tokio::test]
async fn bound_token_is_good_only_with_its_certificate() {
    let key = key("1");
    let validator = validator(&key, requirements());
    let (own, other) = (certificate(Some("spiffe://chips.example/client")), certificate(None));
    let bound = with("cnf", json!({ "x5t#S256": own.thumbprint() }));
    let token = signed(&key, &bound);

    let admitted = Shown::bearer(&token).over(&own).to(&validator).await.unwrap();
    let known = admitted.principal.authentication().unwrap();
    assert_eq!(known.binding, Binding::Certificate { thumbprint: own.thumbprint().into() });
    assert_eq!(known.spiffe_id.as_deref(), Some("spiffe://chips.example/client"));

    let refused = Shown::bearer(&token).refused_by(&validator).await;
    assert!(refused.contains("has shown none"), "{refused}");
    let refused = Shown::bearer(&token).over(&other).refused_by(&validator).await;
    assert!(refused.contains("another certificate"), "{refused}");
}

#[tokio::test]
async fn binding_to_a_certificate_can_be_required() {
    let key = key("1");
    let validator = validator(&key, requirements().certificate_bound());
    let own = certificate(None);
    let refused = Shown::bearer(signed(&key, &claims())).over(&own).refused_by(&validator).await;
    assert!(refused.contains("not bound to a client certificate"), "{refused}");
    let bound = with("cnf", json!({ "x5t#S256": own.thumbprint() }));
    assert!(Shown::bearer(signed(&key, &bound)).over(&own).to(&validator).await.is_ok());
}

#[tokio::test]
async fn trust_domain_can_be_required() {
    let key = key("1");
    let validator = validator(&key, requirements().trust_domain("chips.example"));
    let token = signed(&key, &claims());
    let shown = |uri| Shown::bearer(&token).over(&certificate(uri));
    assert!(shown(Some("spiffe://chips.example/client")).to(&validator).await.is_ok());
    for (shown, reason) in [
        (Shown::bearer(&token), "no certificate"),
        (shown(None), "no SPIFFE ID"),
        (shown(Some("https://chips.example/client")), "no SPIFFE ID"),
        (shown(Some("spiffe://chips.example.evil.example/client")), "another trust domain"),
        (shown(Some("spiffe://evil.example/chips.example")), "another trust domain"),
    ] {
        let refused = shown.refused_by(&validator).await;
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn issuer_identifiers_have_no_query_and_no_fragment() {
    for identifier in
        ["", "id.example", "https://id.example?a", "https://id.example#a", "https://u@id.example"]
    {
        let issuer = Issuer::with_keys(identifier, KeySet::default());
        assert!(issuer.is_err(), "{identifier}");
    }
    assert!(Issuer::with_keys("https://id.example/tenant/", KeySet::default()).is_ok());
}

#[test]
fn metadata_says_what_is_demanded() {
    let described = |requirements| {
        let mut metadata = ProtectedResourceMetadata::default();
        let issuer = Issuer::with_keys(ISSUER, KeySet::default()).unwrap();
        JwtValidator::new(requirements).issuer(issuer).describe(&mut metadata);
        metadata
    };
    let plain = described(requirements());
    assert_eq!(plain.authorization_servers, [ISSUER]);
    assert!(!plain.tls_client_certificate_bound_access_tokens);
    assert_eq!(plain.dpop_signing_alg_values_supported, None);
    let certificate = described(requirements().certificate_bound());
    assert!(certificate.tls_client_certificate_bound_access_tokens);
    let offered = described(requirements().dpop(ProofRules::default()));
    assert!(!offered.dpop_bound_access_tokens_required);
    assert!(offered.dpop_signing_alg_values_supported.unwrap().contains(&"ES256".to_owned()));
    let demanded = described(requirements().dpop_bound().dpop(ProofRules::default()));
    assert!(demanded.dpop_bound_access_tokens_required);
    assert!(demanded.dpop_signing_alg_values_supported.is_some());
}

/// An authorization server with these keys; their document can be replaced.
async fn issuer_with(keys: &Arc<Mutex<Value>>) -> Site {
    let keys = Arc::clone(keys);
    let own = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&own);
    let site = Site::start(move |path, _| match path {
        "/.well-known/openid-configuration" => {
            let own = shared.lock().unwrap();
            (200, json!({ "issuer": *own, "jwks_uri": format!("{own}/keys") }))
        }
        "/keys" => (200, keys.lock().unwrap().clone()),
        _ => (404, json!({})),
    })
    .await;
    *own.lock().unwrap() = site.url.as_str().trim_end_matches('/').to_owned();
    site
}

fn signed_by(site: &Site, key: &SigningKey) -> String {
    signed(key, &with("iss", json!(site.url.as_str().trim_end_matches('/'))))
}

#[tokio::test]
async fn keys_are_discovered_and_fetched_again_when_they_rotate() {
    let (old, new) = (key("old"), key("new"));
    let keys = Arc::new(Mutex::new(old.public_key_set().to_jwks()));
    let site = issuer_with(&keys).await;
    let identifier = site.url.as_str().trim_end_matches('/');
    let issuer = Issuer::discovered(identifier, fetcher()).unwrap();
    let validator = JwtValidator::new(requirements()).issuer(issuer);
    assert!(Shown::bearer(signed_by(&site, &old)).to(&validator).await.is_ok());
    let asked = site.asked();
    assert!(Shown::bearer(signed_by(&site, &old)).to(&validator).await.is_ok());
    assert_eq!(site.asked(), asked);

    // The keys were fetched just now: for half a minute no unknown key has them fetched again.
    *keys.lock().unwrap() = new.public_key_set().to_jwks();
    for flood in 0..50 {
        let unknown = key(&flood.to_string());
        let refused = Shown::bearer(signed_by(&site, &unknown)).refused_by(&validator).await;
        assert!(refused.contains("no known key"), "{refused}");
    }
    assert_eq!(site.asked(), asked);

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    assert!(Shown::bearer(signed_by(&site, &new)).to(&validator).await.is_ok());
    let refused = Shown::bearer(signed_by(&site, &old)).refused_by(&validator).await;
    assert!(refused.contains("no known key"), "{refused}");
    assert!(site.asked() > asked);
}

#[tokio::test]
async fn token_that_was_good_is_checked_again() {
    let key = key("1");
    let (own, other) = (certificate(None), certificate(None));
    let validator = validator(&key, requirements());
    let token = signed(&key, &with("cnf", json!({ "x5t#S256": own.thumbprint() })));
    let shown = || Shown::bearer(&token).over(&own);
    for _ in 0..2 {
        assert!(shown().to(&validator).await.is_ok());
    }
    assert!(shown().over(&other).to(&validator).await.is_err());
    let late = Shown { now: now() + Duration::from_secs(3_631), ..shown() };
    assert!(late.refused_by(&validator).await.contains("expired"));
    let early = Shown { now: now() - Duration::from_secs(60), ..shown() };
    assert!(early.refused_by(&validator).await.contains("not valid yet"));
    // The same text with another signature is another token.
    let forged = format!("{}A", &token[..token.len() - 1]);
    assert!(Shown::bearer(forged).over(&own).to(&validator).await.is_err() || token.ends_with('A'));
    let strict = validator.algorithms([Algorithm::Rs256]);
    assert!(shown().refused_by(&strict).await.contains("algorithm"));
}

#[tokio::test]
async fn nobody_is_let_in_without_keys() {
    let key = key("1");
    let site = Site::start(|_, _| (503, json!({}))).await;
    let identifier = site.url.as_str().trim_end_matches('/');
    for issuer in [
        Issuer::discovered(identifier, fetcher()).unwrap(),
        Issuer::with_jwks_uri(identifier, site.at("/keys"), fetcher()).unwrap(),
    ] {
        let validator = JwtValidator::new(requirements()).issuer(issuer);
        let denied = Shown::bearer(signed_by(&site, &key)).to(&validator).await.unwrap_err();
        assert_eq!(denied.denial, Denial::Unavailable);
        assert!(denied.reason.contains("503"), "{denied}");
    }
}

#[tokio::test]
async fn metadata_of_another_issuer_is_not_believed() {
    let key = key("1");
    let keys = key.public_key_set().to_jwks();
    let site = Site::start(move |path, _| match path {
        "/keys" => (200, keys.clone()),
        _ => (200, json!({ "issuer": ISSUER, "jwks_uri": "http://127.0.0.1:1/keys" })),
    })
    .await;
    let identifier = site.url.as_str().trim_end_matches('/');
    let validator = JwtValidator::new(requirements())
        .issuer(Issuer::discovered(identifier, fetcher()).unwrap());
    let denied = Shown::bearer(signed_by(&site, &key)).to(&validator).await.unwrap_err();
    assert_eq!(denied.denial, Denial::Unavailable, "{denied}");
}
