//! Tokens that are bound to keys.

use std::io;
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{HeaderValue, Method};
use mcp_auth::dpop::ProofKey;
use mcp_auth::secret::{ExposeSecret as _, SecretString};
use mcp_core::authentication::Binding;
use serde_json::json;

use super::rig::{RESOURCE, Shown, certificate, claims, key, now, signed, validator, with};
use crate::auth::{
    Denial, JwtValidator, NonceKey, ProofRules, ProofsInMemory, ReplayStore, Requirements, Scheme,
    UsedProof,
};

/// A validator, the holder of a key, and a token that is bound to it.
fn bound(rules: ProofRules) -> (JwtValidator, ProofKey, String) {
    let (issuer, holder) = (key("1"), ProofKey::generate().unwrap());
    let token = signed(&issuer, &with("cnf", json!({ "jkt": holder.thumbprint() })));
    (validator(&issuer, Requirements::audience(RESOURCE).dpop(rules)), holder, token)
}

fn rules() -> ProofRules {
    ProofRules::default()
}

#[tokio::test]
async fn bound_token_is_good_with_a_proof() {
    let (validator, holder, token) = bound(rules());
    let admitted = Shown::proved(token, &holder, None).to(&validator).await.unwrap();
    let known = admitted.principal.authentication().unwrap();
    assert_eq!(known.binding, Binding::DPoP { thumbprint: holder.thumbprint().into() });
    assert_eq!(admitted.nonce, None);
}

#[tokio::test]
async fn bound_token_is_refused_without_a_proof() {
    let (validator, holder, token) = bound(rules());
    let shown = Shown::bearer(&token);
    let refused = shown.refused_by(&validator).await;
    assert_eq!(refused, "invalid_token: the token is bound to a key, and is shown without a proof");

    // A proof that lies beside it does not help a bearer token.
    let beside = Shown { scheme: Scheme::Bearer, ..Shown::proved(&token, &holder, None) };
    assert!(beside.refused_by(&validator).await.starts_with("invalid_token: "));

    let none = Shown { scheme: Scheme::DPoP, ..shown };
    assert!(none.refused_by(&validator).await.starts_with("invalid_dpop_proof: "));
    let mut two = Shown::proved(&token, &holder, None);
    two.proofs.extend(Shown::proved(&token, &holder, None).proofs);
    assert!(two.refused_by(&validator).await.starts_with("invalid_dpop_proof: "));
    let not_text = HeaderValue::from_bytes(b"\xff").unwrap();
    let broken = Shown { proofs: vec![not_text], ..Shown::proved(&token, &holder, None) };
    assert!(broken.refused_by(&validator).await.starts_with("invalid_dpop_proof: "));
}

#[tokio::test]
async fn proof_counts_once() {
    let (validator, holder, token) = bound(rules());
    let shown = Shown::proved(&token, &holder, None);
    assert!(shown.to(&validator).await.is_ok());
    let refused = shown.refused_by(&validator).await;
    assert_eq!(refused, "invalid_dpop_proof: the proof was used before");
    assert!(Shown::proved(&token, &holder, None).to(&validator).await.is_ok());
}

#[tokio::test]
async fn proof_of_another_request_is_refused() {
    let (validator, holder, token) = bound(rules());
    let proved = || Shown::proved(&token, &holder, None);
    let stranger = Shown::proved(&token, &ProofKey::generate().unwrap(), None);
    assert_eq!(
        stranger.refused_by(&validator).await,
        "invalid_token: the token is bound to another key than the proof was made with"
    );
    for (shown, reason) in [
        (Shown { method: Method::GET, ..proved() }, "another method"),
        (
            Shown { url: "https://mcp.example/other".parse().unwrap(), ..proved() },
            "another address",
        ),
        (Shown { url: "https://evil.example/mcp".parse().unwrap(), ..proved() }, "another address"),
        (
            Shown { proofs: Shown::proved("other", &holder, None).proofs, ..proved() },
            "another access token",
        ),
        (Shown { now: now() + Duration::from_secs(61), ..proved() }, "too old"),
        (Shown { now: now() - Duration::from_secs(31), ..proved() }, "future"),
    ] {
        let refused = shown.refused_by(&validator).await;
        assert!(refused.starts_with("invalid_dpop_proof: "), "{refused}");
        assert!(refused.contains(reason), "{refused}");
    }
    let query = Shown { url: "https://mcp.example/mcp?a=b".parse().unwrap(), ..proved() };
    assert!(query.to(&validator).await.is_ok());
}

#[tokio::test]
async fn proof_without_access_token_is_refused() {
    let (validator, holder, token) = bound(rules());
    let shown = Shown::proved(&token, &holder, None);
    let proof = holder.proof(&shown.method, &shown.url, None, None, shown.now).unwrap();
    let proofs = vec![HeaderValue::from_str(proof.expose_secret()).unwrap()];
    let refused = Shown { proofs, ..shown }.refused_by(&validator).await;
    assert!(refused.contains("`ath`"), "{refused}");
}

#[tokio::test]
async fn unbound_token_is_no_better_with_a_proof() {
    let issuer = key("1");
    let validator = validator(&issuer, Requirements::audience(RESOURCE));
    let token = signed(&issuer, &claims());
    let shown = Shown::proved(token, &ProofKey::generate().unwrap(), None);
    let refused = shown.refused_by(&validator).await;
    assert!(refused.starts_with("invalid_token: ") && refused.contains("not bound"), "{refused}");
}

#[tokio::test]
async fn binding_to_a_key_can_be_required() {
    let issuer = key("1");
    let validator = validator(&issuer, Requirements::audience(RESOURCE).dpop_bound());
    let refused = Shown::bearer(signed(&issuer, &claims())).refused_by(&validator).await;
    assert!(refused.contains("as is required here"), "{refused}");
}

#[tokio::test]
async fn token_that_is_bound_twice_needs_both() {
    let (issuer, holder, own) = (key("1"), ProofKey::generate().unwrap(), certificate(None));
    let cnf = json!({ "jkt": holder.thumbprint(), "x5t#S256": own.thumbprint() });
    let token = signed(&issuer, &with("cnf", cnf));
    let validator = validator(&issuer, Requirements::audience(RESOURCE));
    assert!(Shown::bearer(&token).over(&own).to(&validator).await.is_err());
    assert!(Shown::proved(&token, &holder, None).to(&validator).await.is_err());
    let admitted = Shown::proved(&token, &holder, None).over(&own).to(&validator).await.unwrap();
    let known = admitted.principal.authentication().unwrap();
    assert_eq!(known.binding, Binding::Certificate { thumbprint: own.thumbprint().into() });
}

#[tokio::test]
async fn nonce_is_asked_for_and_renewed() {
    let (validator, holder, token) = bound(rules().nonces(NonceKey::random().unwrap()));
    let denied = Shown::proved(&token, &holder, None).to(&validator).await.unwrap_err();
    assert_eq!(denied.denial, Denial::UseDpopNonce);
    let nonce = denied.nonce.expect("a nonce comes with the refusal");

    let with_nonce = Shown::proved(&token, &holder, Some(&nonce));
    assert_eq!(with_nonce.to(&validator).await.unwrap().nonce, None);
    assert!(with_nonce.refused_by(&validator).await.contains("used before"));

    let denied = Shown::proved(&token, &holder, Some("made-up")).to(&validator).await.unwrap_err();
    assert_eq!((denied.denial, denied.nonce), (Denial::UseDpopNonce, Some(nonce.clone())));

    // Later, and with a proof of that time, the nonce is first replaced and then refused.
    let later = |seconds| {
        let shown = Shown::bearer(&token);
        let now = now() + Duration::from_secs(seconds);
        let secret = SecretString::from(&*token);
        let proof =
            holder.proof(&shown.method, &shown.url, Some(&secret), Some(&nonce), now).unwrap();
        let proofs = vec![HeaderValue::from_str(proof.expose_secret()).unwrap()];
        Shown { scheme: Scheme::DPoP, proofs, now, ..shown }
    };
    let next = later(150).to(&validator).await.unwrap().nonce.expect("it is to be replaced");
    assert_ne!(next, nonce);
    assert_eq!(later(300).to(&validator).await.unwrap_err().denial, Denial::UseDpopNonce);
}

#[tokio::test]
async fn request_that_is_refused_takes_no_room_in_the_store() {
    let (validator, holder, token) = bound(rules().replay_store(ProofsInMemory::with_capacity(4)));
    for _ in 0..100 {
        let url = "https://mcp.example/other".parse().unwrap();
        let shown = Shown { url, ..Shown::proved(&token, &holder, None) };
        assert!(shown.to(&validator).await.is_err());
    }
    assert!(Shown::proved(&token, &holder, None).to(&validator).await.is_ok());
    let denied = Shown::proved(&token, &holder, None).to(&validator).await.unwrap_err();
    assert_eq!(denied.denial, Denial::Unavailable);
    assert!(denied.reason.contains("capacity"), "{denied}");
}

#[derive(Debug)]
struct Broken;

impl ReplayStore for Broken {
    fn use_up(&self, _: UsedProof) -> BoxFuture<'_, io::Result<bool>> {
        Box::pin(async { Err(io::Error::other("the store is away")) })
    }
}

#[tokio::test]
async fn nobody_is_let_in_while_the_store_cannot_tell() {
    let (validator, holder, token) = bound(rules().replay_store(Broken));
    let denied = Shown::proved(&token, &holder, None).to(&validator).await.unwrap_err();
    assert_eq!(denied.denial, Denial::Unavailable);
    assert!(denied.reason.contains("the store is away"), "{denied}");
}
