//! Tokens, keys, proofs, challenges, headers and documents of authorization.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use http::Method;
use mcp_auth::Url;
use mcp_auth::challenge::Challenge;
use mcp_auth::dpop::{CheckedProof, ProofExpectation};
use mcp_auth::jose::{KeySet, SigningKey, Verifier, unverified_header, unverified_issuer};
use mcp_auth::resource_metadata::{self, ProtectedResourceMetadata};
use mcp_auth::scope::Scopes;
use mcp_auth::secret::ExposeSecret as _;
use mcp_auth::server_metadata::{self, AuthorizationServerMetadata};
use serde_json::{Map, Value, json};

use crate::auth_head;

const ISSUER: &str = "https://id.example";
const RESOURCE: &str = "https://mcp.example/mcp";
const TOKEN: &str = "token";
const NOW: u64 = 1_800_000_000;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let pem = include_bytes!("../../mcp-auth/fixtures/ed25519-pkcs8.pem");
    SigningKey::from_pem(pem).expect("the key is well-formed")
});
static KEYS: LazyLock<KeySet> = LazyLock::new(|| KEY.public_key_set());

/// Everything reads all of it; a header and claims on lines of their own are signed, too.
pub fn run(data: &[u8]) {
    challenges(data);
    keys(data);
    documents(data);
    auth_head::run(data);
    if let Ok(text) = str::from_utf8(data) {
        let scopes = Scopes::parse(text);
        assert_eq!(Scopes::parse(&scopes.to_string()), scopes);
        let _ = (unverified_header(text), unverified_issuer(text));
        assert!(verify(text).is_none(), "only a signature makes a token");
        let _ = check(text);
        let _ = SigningKey::from_pem(data);
    }
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let (header, claims) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    forged(header, claims, lines.next().unwrap_or_default());
    let object = |json| serde_json::from_slice::<Map<String, Value>>(json).ok();
    if let (Some(header), Some(claims)) = (object(header), object(claims)) {
        signed(header, &claims);
    }
}

fn challenges(data: &[u8]) {
    let found = Challenge::parse_all(data.split(|byte| *byte == b'\n'));
    assert!(found.len() <= 32);
    for challenge in found {
        let written = challenge.to_header_value();
        let again = Challenge::parse_all([written.as_bytes()]);
        assert_eq!(again, [challenge]);
    }
}

fn keys(data: &[u8]) {
    let Ok(keys) = KeySet::parse(data) else { return };
    assert!(keys.len() <= KeySet::MAX_KEYS);
    // What is read can be written, unless that makes it too long.
    let written = keys.to_jwks().to_string();
    if written.len() <= KeySet::MAX_BYTES {
        assert_eq!(KeySet::parse(written.as_bytes()), Ok(keys));
    }
}

fn documents(data: &[u8]) {
    let endpoint = Url::parse(RESOURCE).expect("it is a URL");
    if let Ok(read) = serde_json::from_slice::<ProtectedResourceMetadata>(data) {
        let resource = Url::parse(&read.resource).ok();
        let covers = read.covers(&endpoint);
        if let Some(resource) = resource {
            assert!(!covers || resource.origin() == endpoint.origin());
            for url in resource_metadata::well_known_urls(&resource) {
                assert_eq!(url.host(), resource.host());
            }
        }
    }
    if let Ok(read) = serde_json::from_slice::<AuthorizationServerMetadata>(data) {
        assert_eq!(read.check_issuer(ISSUER).is_ok(), read.issuer == ISSUER);
        let written = serde_json::to_vec(&read).expect("it is JSON");
        assert_eq!(
            serde_json::from_slice::<AuthorizationServerMetadata>(&written).ok(),
            Some(read)
        );
    }
    if let Some(issuer) = str::from_utf8(data).ok().and_then(|text| Url::parse(text).ok()) {
        for url in server_metadata::well_known_urls(&issuer) {
            assert_eq!(url.host(), issuer.host());
        }
    }
}

/// Whatever a header says, a signature of nobody is one of nobody.
fn forged(header: &[u8], claims: &[u8], signature: &[u8]) {
    let part = |bytes: &[u8]| base64url(bytes);
    let token = format!("{}.{}.{}", part(header), part(claims), part(signature));
    assert!(verify(&token).is_none());
    let _ = (unverified_header(&token), unverified_issuer(&token), check(&token));
}

/// What is accepted although everything but the signature is any.
fn signed(mut header: Map<String, Value>, claims: &Map<String, Value>) {
    let sign = |header| KEY.sign_with_header(header, claims).expect("an object can be signed");
    let token = sign(header.clone());
    if let Some(read) = verify(token.expose_secret()) {
        assert!(!header.contains_key("crit"));
        assert_eq!(read["iss"], ISSUER);
        let for_us = match &read["aud"] {
            Value::String(audience) => audience == RESOURCE,
            Value::Array(audiences) => audiences.iter().any(|audience| audience == RESOURCE),
            _ => false,
        };
        assert!(for_us);
        assert!(read["exp"].as_f64().is_some_and(|exp| exp > (NOW - 30) as f64));
        assert!(
            read.get("nbf")
                .is_none_or(|nbf| nbf.as_f64().is_some_and(|at| at <= (NOW + 30) as f64))
        );
    }
    if !header.contains_key("jwk") {
        header.insert("jwk".to_owned(), KEY.public_key().to_jwk());
    }
    if let Some(checked) = check(sign(header).expose_secret()) {
        assert_eq!(*checked.thumbprint, *KEY.public_key().thumbprint());
        assert_eq!(claims.get("htm"), Some(&json!("POST")));
        assert_eq!(claims.get("jti"), Some(&json!(checked.jti)));
        assert_eq!(claims.get("ath"), Some(&json!(mcp_auth::thumbprint::sha256(TOKEN.as_bytes()))));
        let htu = claims["htu"].as_str().and_then(|htu| Url::parse(htu).ok());
        assert!(htu.is_some_and(|htu| htu.host_str() == Some("mcp.example")));
    }
}

fn verify(token: &str) -> Option<Map<String, Value>> {
    let verifier = Verifier::new(ISSUER, [RESOURCE]).or_untyped();
    verifier.verify(token, &KEYS, now()).ok().map(|verified| verified.claims)
}

fn check(proof: &str) -> Option<CheckedProof> {
    let url = Url::parse(RESOURCE).expect("it is a URL");
    let expected = ProofExpectation::new(&Method::POST, &url, now()).with_access_token(TOKEN);
    CheckedProof::check(proof, &expected).ok()
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// By hand: the fuzzer need not depend on what the crate uses.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + 3);
    for chunk in bytes.chunks(3) {
        let octet = |index: usize| u32::from(chunk.get(index).copied().unwrap_or_default());
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for index in 0..=chunk.len() {
            let letter = bits >> (18 - 6 * index) & 63;
            text.push(char::from(ALPHABET[letter as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a fuzzer begins with gets through to the last check.
    #[test]
    fn good_seeds_are_accepted() {
        let object = |line: &str| serde_json::from_str::<Map<String, Value>>(line).unwrap();
        let signed = |seed: &str| {
            let (header, claims) = seed.split_once('\n').unwrap();
            let mut header = object(header);
            header.entry("jwk").or_insert_with(|| KEY.public_key().to_jwk());
            let token = KEY.sign_with_header(header, &object(claims)).unwrap();
            token.expose_secret().to_owned()
        };
        assert!(verify(&signed(include_str!("../seeds/auth/access-token"))).is_some());
        assert!(check(&signed(include_str!("../seeds/auth/proof"))).is_some());
        assert!(verify(&signed(include_str!("../seeds/auth/critical"))).is_none());
    }
}
