//! How proofs are checked that callers hold the keys of their tokens (RFC 9449, 4.3 and 7).

use std::sync::Arc;
use std::time::Duration;

use mcp_auth::dpop::{CheckedProof, ProofError, ProofExpectation};

use super::claims::same;
use super::nonce::{NonceKey, Verdict};
use super::replay::{ProofsInMemory, ReplayStore, UsedProof};
use super::{Denial, Denied, Presented};

/// How proofs are checked (RFC 9449).
///
/// A proof must be made for this request, this token and not long ago, with the key of the token, and
/// it counts once. By default it may be a minute old, no nonce is asked for, and used proofs are
/// remembered in this process.
///
/// # Examples
///
/// ```
/// use mcp_server::auth::{NonceKey, ProofRules, Requirements};
///
/// let rules = ProofRules::default().nonces(NonceKey::random()?);
/// let requirements = Requirements::audience("https://mcp.example/mcp").dpop(rules).dpop_bound();
/// # drop(requirements);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone)]
pub struct ProofRules {
    max_age: Duration,
    nonces: Option<Arc<NonceKey>>,
    used: Arc<dyn ReplayStore>,
}

impl ProofRules {
    /// How old a proof may be: at most five minutes.
    ///
    /// Each is remembered for as long: more time needs more room in the replay store.
    #[must_use]
    pub fn max_age(self, max_age: Duration) -> Self {
        Self { max_age: max_age.min(Duration::from_secs(5 * 60)), ..self }
    }

    /// Demands nonces that were made with this key (RFC 9449, 9).
    ///
    /// They limit how long in advance somebody can make proofs who has a key for a moment. The price
    /// is a request more, whenever a caller has no nonce that is new enough.
    #[must_use]
    pub fn nonces(self, key: NonceKey) -> Self {
        Self { nonces: Some(Arc::new(key)), ..self }
    }

    /// Remembers used proofs here.
    #[must_use]
    pub fn replay_store(self, store: impl ReplayStore) -> Self {
        Self { used: Arc::new(store), ..self }
    }

    /// Checks that a request was made with the key of this thumbprint; gives the nonce for the next
    /// proof, if it has to be another.
    pub(super) async fn check(
        &self,
        thumbprint: &str,
        presented: &Presented<'_>,
    ) -> Result<Option<Box<str>>, Denied> {
        let proof = self
            .read(presented)
            .map_err(|error| Denied::new(Denial::InvalidDpopProof, error.to_string()))?;
        if !same(&proof.thumbprint, thumbprint) {
            let reason = "the token is bound to another key than the proof was made with";
            return Err(Denied::new(Denial::InvalidToken, reason));
        }
        let next = self.check_nonce(&proof, presented)?;
        self.use_up(&proof, presented).await?;
        Ok(next)
    }

    fn read(&self, presented: &Presented<'_>) -> Result<CheckedProof, ProofError> {
        let [proof] = presented.proofs.as_slice() else { return Err(ProofError::Number) };
        let proof = proof.to_str().map_err(|_| ProofError::Number)?;
        let expected = ProofExpectation::new(presented.method, presented.url, presented.now)
            .with_access_token(presented.token)
            .with_max_age(self.max_age);
        CheckedProof::check(proof, &expected)
    }

    fn check_nonce(
        &self,
        proof: &CheckedProof,
        presented: &Presented<'_>,
    ) -> Result<Option<Box<str>>, Denied> {
        let Some(key) = &self.nonces else { return Ok(None) };
        let refused = |reason| {
            Err(Denied::new(Denial::UseDpopNonce, reason).with_nonce(key.issue(presented.now)))
        };
        match proof.nonce.as_deref().map(|nonce| key.check(nonce, presented.now)) {
            Some(Verdict::Accepted) => Ok(None),
            Some(Verdict::ToBeReplaced) => Ok(Some(key.issue(presented.now))),
            Some(Verdict::Refused) => {
                refused("the nonce of the proof is too old or not of this server")
            }
            None => refused("the proof has no nonce"),
        }
    }

    async fn use_up(&self, proof: &CheckedProof, presented: &Presented<'_>) -> Result<(), Denied> {
        // A second more than its age, up to which it is accepted. What lies that far in the future was
        // refused before.
        let lifetime = self.max_age + Duration::from_secs(1);
        let expires_at = proof.issued_at.checked_add(lifetime).unwrap_or(presented.now);
        let used = UsedProof::new(&proof.thumbprint, &proof.jti, presented.now, expires_at);
        match self.used.use_up(used).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Denied::new(Denial::InvalidDpopProof, "the proof was used before")),
            Err(error) => {
                let reason = format!("it is not known whether the proof was used before: {error}");
                Err(Denied::new(Denial::Unavailable, reason))
            }
        }
    }
}

impl Default for ProofRules {
    fn default() -> Self {
        let used = Arc::new(ProofsInMemory::default());
        Self { max_age: Duration::from_secs(60), nonces: None, used }
    }
}
