use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::secret::ExposeSecret as _;

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://mcp.example/mcp";
const NOW: u64 = 1_800_000_000;

const RSA: &str = include_str!("../../fixtures/rsa-pkcs8.pem");
const P256: &str = include_str!("../../fixtures/p256-sec1.pem");
const P384: &str = include_str!("../../fixtures/p384-sec1.pem");
const P521: &str = include_str!("../../fixtures/p521-sec1.pem");
const ED25519: &str = include_str!("../../fixtures/ed25519-pkcs8.pem");

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn key() -> SigningKey {
    SigningKey::from_pem(P256.as_bytes()).unwrap()
}

fn good() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "bo", "iat": NOW, "exp": NOW + 300 })
}

/// The claims of `good`, changed by these; `null` takes one away.
fn changed(changes: &Value) -> Value {
    let mut claims = good();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn signed(claims: &Value) -> String {
    key().sign("at+jwt", claims).unwrap().expose_secret().to_owned()
}

fn verify_at(token: &str, now: u64) -> Result<Verified<Value>, JwtError> {
    Verifier::new(ISSUER, [AUDIENCE]).verify(token, &key().public_key_set(), at(now))
}

fn verify(token: &str) -> Result<Verified<Value>, JwtError> {
    verify_at(token, NOW)
}

fn refused(claims: &Value) -> JwtError {
    verify(&signed(&changed(claims))).unwrap_err()
}

/// A token that nobody signed.
fn forged(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode(signature))
}

fn public(jwk: &Value) -> PublicKey {
    PublicKey::from_jwk(jwk.as_object().unwrap()).unwrap()
}

// RFC 7515, A.2 and A.3; RFC 8037, A.4.
#[test]
fn signatures_of_the_standards_are_right() {
    let rs256 = public(
        &json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" }),
    );
    let es256 = public(
        &json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }),
    );
    let ed25519 = public(
        &json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
    );
    let joe = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let tokens = [
        (rs256, format!("eyJhbGciOiJSUzI1NiJ9.{joe}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw")),
        (es256, format!("eyJhbGciOiJFUzI1NiJ9.{joe}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")),
        (ed25519, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg".to_owned()),
    ];
    for (key, token) in &tokens {
        assert!(Compact::parse(token).unwrap().is_signed_by(key), "{token}");
        let other = token.replacen("RXho", "RXhp", 1).replacen("eyJp", "eyJq", 1);
        assert!(!Compact::parse(&other).unwrap().is_signed_by(key) || other == *token);
    }
}

// Made by another implementation with the key of the fixtures.
#[test]
fn a_signature_with_pss_is_right() {
    let token = "eyJhbGciOiJQUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJodHRwczovL21jcC5leGFtcGxlL21jcCIsImV4cCI6NDAwMDAwMDAwMH0.ofYT0J8Q0G24VHB0Z_MaeFMoXZoOo7HnirkTIdhHV0JWZfPRrq3WBFM544LW51UwaN8pwQVG49D5_JalH_9I6Y4KSOOrs9P-3cAGzhiC2vtyioVYwE4EtK0CsZjhPa6Y_3k1Cut_9iBUrVLaM0LfGsimpWXfUEeNu35dXpiP0602tdWgoFVWppc98OzMi8h7zhUkF1goa6BS9_y9019UNtP6Z1I2onZNKGBgY_mSOT7KtjIXOB2s61tvJ4cjAX-NU4c_cqDypXOiPspPOOb_4zYcHq6H9wspnVn5gKwWZ1ggRo7zy_-1q20QnV_AttBz9tbUB2VsAgoIWK-8Y8XEOg";
    let key = SigningKey::from_pem(RSA.as_bytes()).unwrap();
    let keys = KeySet::default().with(key.public_key().clone(), None, None);
    Verifier::new(ISSUER, [AUDIENCE]).verify::<Value>(token, &keys, at(NOW)).unwrap();
}

// RFC 7638, 3.1; RFC 8037, A.3; RFC 9449, 6.1.
#[test]
fn thumbprints_of_the_standards_are_right() {
    let keys = [
        (
            json!({ "kty": "RSA", "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" }),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        ),
        (
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        ),
        (
            json!({ "kty": "EC", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA", "crv": "P-256" }),
            "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
        ),
    ];
    for (jwk, thumbprint) in keys {
        assert_eq!(public(&jwk).thumbprint(), thumbprint);
    }
}

#[test]
fn every_algorithm_signs_what_it_verifies() {
    for algorithm in Algorithm::ALL {
        let pem = match algorithm {
            Algorithm::Es256 => P256,
            Algorithm::Es384 => P384,
            Algorithm::EdDsa => ED25519,
            _ => RSA,
        };
        let key = SigningKey::from_pem(pem.as_bytes()).unwrap().with_algorithm(*algorithm).unwrap();
        let key = key.with_key_id("one");
        let token = key.sign("at+jwt", &good()).unwrap();
        let verifier = Verifier::new(ISSUER, [AUDIENCE]).algorithms([*algorithm]);
        let verified: Verified<Value> =
            verifier.verify(token.expose_secret(), &key.public_key_set(), at(NOW)).unwrap();
        assert_eq!(verified.header.algorithm, *algorithm);
        assert_eq!(verified.header.key_id.as_deref(), Some("one"));
        assert_eq!(verified.claims, good());
        assert_eq!(Algorithm::from_name(algorithm.name()), Some(*algorithm));
    }
}

#[test]
fn keys_survive_pem_and_show_in_no_output() {
    for pem in [P256, P384, ED25519, RSA] {
        let key = SigningKey::from_pem(pem.as_bytes()).unwrap();
        let written = key.to_pem();
        let again = SigningKey::from_pem(written.expose_secret().as_bytes()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        let shown = format!("{key:?}");
        for line in written.expose_secret().lines().filter(|line| !line.starts_with('-')) {
            assert!(!shown.contains(line));
        }
    }
}

#[test]
fn keys_that_cannot_sign_are_told_apart() {
    let pem = |pem: &str| SigningKey::from_pem(pem.as_bytes()).unwrap_err();
    assert_eq!(pem("no key"), KeyError::Pem);
    assert_eq!(pem(P521), KeyError::Unsupported);
    assert_eq!(
        pem("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"),
        KeyError::Unsupported
    );
    assert_eq!(
        key().with_algorithm(Algorithm::Rs256).unwrap_err(),
        KeyError::Misfit { algorithm: Algorithm::Rs256 }
    );
    assert_eq!(key().sign("JWT", &json!([1])).unwrap_err(), KeyError::Claims);
}

#[test]
fn unsigned_tokens_are_refused_in_every_spelling() {
    for name in ["none", "None", "NONE", "nOnE", "", " none"] {
        let token = forged(&json!({ "alg": name, "typ": "at+jwt" }), &good(), b"");
        assert_eq!(verify(&token).unwrap_err(), JwtError::Algorithm { found: name.into() });
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let key = SigningKey::from_pem(RSA.as_bytes()).unwrap();
    let jwk = key.public_key().to_jwk();
    let secrets = [jwk.to_string().into_bytes(), jwk["n"].as_str().unwrap().as_bytes().to_vec()];
    for secret in secrets {
        let header = json!({ "alg": "HS256", "typ": "at+jwt" });
        let unsigned = forged(&header, &good(), b"");
        let message = unsigned.trim_end_matches('.');
        let hmac = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let token = forged(&header, &good(), ring::hmac::sign(&hmac, message.as_bytes()).as_ref());
        let refused = Verifier::new(ISSUER, [AUDIENCE])
            .verify::<Value>(&token, &key.public_key_set(), at(NOW))
            .unwrap_err();
        assert_eq!(refused, JwtError::Algorithm { found: "HS256".into() });
    }
}

#[test]
fn the_provider_takes_no_key_of_another_family() {
    install_ring();
    let rsa = DecodingKey::from_rsa_raw_components(&[1; 256], &[1, 0, 1]);
    for algorithm in [jsonwebtoken::Algorithm::HS256, jsonwebtoken::Algorithm::ES256] {
        assert!(jsonwebtoken::crypto::verify("AAAA", b"message", &rsa, algorithm).is_err());
    }
    let secret = DecodingKey::from_secret(b"secret");
    assert!(
        jsonwebtoken::crypto::verify("AAAA", b"m", &secret, jsonwebtoken::Algorithm::HS256)
            .is_ok_and(|right| !right)
    );
}

#[test]
fn a_token_without_its_signature_is_refused() {
    let token = signed(&good());
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(verify(&format!("{message}.")).unwrap_err(), JwtError::Signature);
    assert!(matches!(verify(message).unwrap_err(), JwtError::Malformed(_)));
    assert!(matches!(verify(&format!("{token}.AAAA")).unwrap_err(), JwtError::Malformed(_)));
    assert!(matches!(verify("").unwrap_err(), JwtError::Malformed(_)));
}

#[test]
fn a_key_of_another_curve_or_type_does_not_count() {
    let token = signed(&good());
    for pem in [P384, ED25519, RSA] {
        let keys = SigningKey::from_pem(pem.as_bytes()).unwrap().public_key_set();
        let refused =
            Verifier::new(ISSUER, [AUDIENCE]).verify::<Value>(&token, &keys, at(NOW)).unwrap_err();
        assert_eq!(refused, JwtError::UnknownKey { id: None });
    }
    let other = SigningKey::generate_es256().unwrap().public_key_set();
    let refused = Verifier::new(ISSUER, [AUDIENCE]).verify::<Value>(&token, &other, at(NOW));
    assert_eq!(refused.unwrap_err(), JwtError::Signature);
}

#[test]
fn a_key_is_used_with_the_algorithm_that_it_names() {
    let key = SigningKey::from_pem(RSA.as_bytes()).unwrap();
    let keys = KeySet::default().with(key.public_key().clone(), None, Some(Algorithm::Ps256));
    let token = key.sign("at+jwt", &good()).unwrap();
    let refused =
        Verifier::new(ISSUER, [AUDIENCE]).verify::<Value>(token.expose_secret(), &keys, at(NOW));
    assert_eq!(refused.unwrap_err(), JwtError::UnknownKey { id: None });
    let refused = Verifier::new(ISSUER, [AUDIENCE]).algorithms([Algorithm::Es256]).verify::<Value>(
        token.expose_secret(),
        &key.public_key_set(),
        at(NOW),
    );
    assert_eq!(refused.unwrap_err(), JwtError::Algorithm { found: "RS256".into() });
}

#[test]
fn keys_are_found_by_their_name() {
    let (old, new) = (key().with_key_id("old"), SigningKey::generate_es256().unwrap());
    let keys = KeySet::default()
        .with(new.public_key().clone(), Some("new"), None)
        .with(old.public_key().clone(), Some("old"), None)
        .with(new.public_key().clone(), Some("old"), None);
    let token = |key: &SigningKey| key.sign("at+jwt", &good()).unwrap();
    let verify = |token: &crate::secret::SecretString| {
        Verifier::new(ISSUER, [AUDIENCE]).verify::<Value>(token.expose_secret(), &keys, at(NOW))
    };
    assert!(verify(&token(&old)).is_ok());
    assert!(verify(&token(&key())).is_ok(), "without a name every key is tried");
    assert!(verify(&token(&new.clone().with_key_id("old"))).is_ok(), "names are not unique");
    assert_eq!(verify(&token(&old.with_key_id("new"))).unwrap_err(), JwtError::Signature);
    let refused = verify(&token(&new.with_key_id("newer"))).unwrap_err();
    assert_eq!(refused, JwtError::UnknownKey { id: Some("newer".into()) });
}

#[test]
fn extensions_that_must_be_understood_are_not() {
    for value in [json!(["b64"]), json!([]), json!(null)] {
        let header =
            Map::from_iter([("crit".to_owned(), value), ("typ".to_owned(), json!("at+jwt"))]);
        let token = key().sign_with_header(header, &good()).unwrap();
        assert_eq!(verify(token.expose_secret()).unwrap_err(), JwtError::Critical);
    }
}

#[test]
fn tokens_of_another_type_are_refused() {
    let typed = |typ: &str| key().sign(typ, &good()).unwrap().expose_secret().to_owned();
    assert!(verify(&typed("at+jwt")).is_ok());
    assert!(verify(&typed("application/AT+jwt")).is_ok());
    for other in ["JWT", "dpop+jwt", "", "at+jwt "] {
        assert_eq!(
            verify(&typed(other)).unwrap_err(),
            JwtError::Type { found: Some(other.into()) }
        );
    }
    let untyped = key().sign_with_header(Map::new(), &good()).unwrap();
    assert_eq!(verify(untyped.expose_secret()).unwrap_err(), JwtError::Type { found: None });
    let lenient = Verifier::new(ISSUER, [AUDIENCE]).types(["at+jwt", "JWT"]).or_untyped();
    let keys = key().public_key_set();
    for token in [untyped.expose_secret(), &typed("jwt")] {
        assert!(lenient.verify::<Value>(token, &keys, at(NOW)).is_ok());
    }
}

#[test]
fn times_are_checked_with_leeway() {
    let token = signed(&good());
    assert!(verify_at(&token, NOW + 329).is_ok());
    assert_eq!(verify_at(&token, NOW + 330).unwrap_err(), JwtError::Expired);
    assert!(verify_at(&token, NOW - 30).is_ok());
    assert_eq!(verify_at(&token, NOW - 31).unwrap_err(), JwtError::NotYetValid);
    assert_eq!(refused(&json!({ "nbf": NOW + 31 })), JwtError::NotYetValid);
    assert_eq!(refused(&json!({ "exp": null })), JwtError::MissingClaim("exp"));
    let hour = Verifier::new(ISSUER, [AUDIENCE]).leeway(Duration::from_secs(3600));
    let late = hour.verify::<Value>(&token, &key().public_key_set(), at(NOW + 360));
    assert_eq!(late.unwrap_err(), JwtError::Expired, "no leeway is longer than a minute");
}

#[test]
fn what_is_no_time_is_refused() {
    for time in
        [json!("1800000300"), json!(-1), json!(1e300), json!(u64::MAX), json!({}), json!(true)]
    {
        assert!(matches!(refused(&json!({ "exp": time })), JwtError::Malformed(_)), "{time}");
    }
    let token = signed(&changed(&json!({ "exp": NOW as f64 + 0.5 })));
    assert!(verify(&token).is_ok());
}

#[test]
fn issuer_and_audience_are_compared_exactly() {
    assert_eq!(refused(&json!({ "iss": null })), JwtError::MissingClaim("iss"));
    let other = "https://id.example/";
    assert_eq!(refused(&json!({ "iss": other })), JwtError::WrongIssuer { found: other.into() });
    assert_eq!(refused(&json!({ "aud": null })), JwtError::MissingClaim("aud"));
    for aud in [json!("https://mcp.example"), json!([]), json!(["https://other.example/mcp"])] {
        assert_eq!(refused(&json!({ "aud": aud })), JwtError::WrongAudience);
    }
    for aud in [json!(1), json!([AUDIENCE, 1]), json!({})] {
        assert!(matches!(refused(&json!({ "aud": aud })), JwtError::Malformed(_)));
    }
    let both = changed(&json!({ "aud": ["https://other.example", AUDIENCE] }));
    assert!(verify(&signed(&both)).is_ok());
}

#[test]
fn claims_are_looked_at_after_the_signature() {
    let token = forged(
        &json!({ "alg": "ES256", "typ": "at+jwt" }),
        &changed(&json!({ "exp": 1, "iss": "https://evil.example" })),
        &[1; 64],
    );
    assert_eq!(verify(&token).unwrap_err(), JwtError::Signature);
}

#[test]
fn claims_that_the_caller_does_not_read_are_refused() {
    #[derive(Debug, serde::Deserialize)]
    struct Claims {
        #[expect(dead_code, reason = "only its type counts")]
        scope: String,
    }
    let verifier = Verifier::new(ISSUER, [AUDIENCE]);
    let token = signed(&changed(&json!({ "scope": 7 })));
    let refused = verifier.verify::<Claims>(&token, &key().public_key_set(), at(NOW)).unwrap_err();
    assert_eq!(refused, JwtError::Claims);
}

#[test]
fn long_tokens_are_not_read() {
    let token = signed(&changed(&json!({ "filling": "x".repeat(Verifier::MAX_BYTES) })));
    assert_eq!(verify(&token).unwrap_err(), JwtError::TooLong);
}

#[test]
fn the_issuer_can_be_read_before_anything_is_checked() {
    let token = forged(&json!({ "alg": "RS256", "kid": "k" }), &good(), b"");
    assert_eq!(&*unverified_issuer(&token).unwrap(), ISSUER);
    assert_eq!(unverified_header(&token).unwrap().key_id.as_deref(), Some("k"));
}

#[test]
fn keys_that_cannot_verify_are_left_out() {
    let mut private = key().public_key().to_jwk();
    private["d"] = json!("AAAA");
    let jwk = |changes: Value| {
        let mut jwk = key().public_key().to_jwk();
        for (name, value) in changes.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        jwk
    };
    let document = json!({ "keys": [
        private,
        jwk(json!({ "use": "enc" })),
        jwk(json!({ "use": 1 })),
        jwk(json!({ "alg": "ES512" })),
        jwk(json!({ "key_ops": ["sign"] })),
        jwk(json!({ "kid": "x".repeat(257) })),
        jwk(json!({ "kid": 5 })),
        jwk(json!({ "x": "AAAA" })),
        jwk(json!({ "x": format!("{}=", jwk(json!({}))["x"].as_str().unwrap()) })),
        { "kty": "oct", "k": "AAAA" },
        { "kty": "EC", "crv": "P-521", "x": "AAAA", "y": "AAAA" },
        { "kty": "RSA", "n": "AAAA", "e": "AQAB" },
        { "kty": "AKP" },
        {},
        "no key",
        jwk(json!({ "use": "sig", "kid": "good", "key_ops": ["verify"], "alg": "ES256" })),
    ] });
    let keys = KeySet::parse(document.to_string().as_bytes()).unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys.candidates(Some("good"), Algorithm::Es256).count(), 1);
    assert_eq!(keys, KeySet::parse(keys.to_jwks().to_string().as_bytes()).unwrap());
    assert_eq!(keys, serde_json::from_value(document).unwrap());
}

#[test]
fn sets_of_keys_are_bounded() {
    let keys = |count| json!({ "keys": vec![json!({}); count] }).to_string();
    assert!(KeySet::parse(keys(64).as_bytes()).unwrap().is_empty());
    assert_eq!(KeySet::parse(keys(65).as_bytes()).unwrap_err(), KeySetError::TooLarge);
    let long = json!({ "keys": [], "x": "x".repeat(KeySet::MAX_BYTES) }).to_string();
    assert_eq!(KeySet::parse(long.as_bytes()).unwrap_err(), KeySetError::TooLarge);
    for document in ["", "[]", "{}", r#"{"keys":{}}"#, "null"] {
        assert_eq!(KeySet::parse(document.as_bytes()).unwrap_err(), KeySetError::Malformed);
    }
}

proptest! {
    #[test]
    fn a_token_with_any_other_byte_is_refused(index in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let token = signed(&good());
        let index = index.index(token.len());
        prop_assume!(token.as_bytes()[index] != byte);
        let mut bytes = token.into_bytes();
        bytes[index] = byte;
        prop_assert!(verify(&String::from_utf8(bytes).unwrap()).is_err());
    }

    #[test]
    fn any_text_is_refused_without_panic(
        header in "\\PC{0,40}|\\{\"alg\":\"(ES256|RS256|EdDSA)\"(,\"[a-z]{1,4}\":(1|null|\"\\PC{0,9}\"))?\\}",
        claims in "\\PC{0,40}",
        signature in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!("{}.{}.{}", part(&header), part(&claims), URL_SAFE_NO_PAD.encode(&signature));
        prop_assert!(verify(&token).is_err());
        prop_assert!(verify(&header).is_err());
        let _ = KeySet::parse(claims.as_bytes());
        let _ = SigningKey::from_pem(claims.as_bytes());
    }

    #[test]
    fn any_der_is_read_or_refused(der in prop::collection::vec(any::<u8>(), 0..200)) {
        use rustls::pki_types::PrivateKeyDer;
        for der in [
            PrivateKeyDer::Pkcs1(der.clone().into()),
            PrivateKeyDer::Sec1(der.clone().into()),
            PrivateKeyDer::Pkcs8(der.into()),
        ] {
            prop_assert!(SigningKey::from_der(&der).is_err());
        }
    }
}
