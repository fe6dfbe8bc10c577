//! Nonces that proofs have to carry (RFC 9449, 9).

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;

/// For how long new proofs get the same nonce; it is accepted for as long again.
const STEP: Duration = Duration::from_secs(150);

/// The key that nonces are made with.
///
/// A nonce is the time, authenticated with this key: none has to be remembered. Each is accepted
/// for two and a half to five minutes, so that proofs cannot be made long in advance.
pub struct NonceKey(hmac::Key);

impl NonceKey {
    /// A random key: its nonces are worth nothing to other processes, and after a restart.
    ///
    /// # Errors
    ///
    /// The operating system has no randomness.
    pub fn random() -> std::io::Result<Self> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map(Self)
            .map_err(|_| std::io::Error::other("the operating system has no randomness"))
    }

    /// The key with these random bytes, for processes that answer for the same resource.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The nonce of this time.
    pub(super) fn issue(&self, now: SystemTime) -> Box<str> {
        self.of_step(step(now)).into()
    }

    /// Whether a nonce is of this time, and if so, whether it is to be replaced.
    pub(super) fn check(&self, nonce: &str, now: SystemTime) -> Verdict {
        let now = step(now);
        let Some((stamp, tag)) = URL_SAFE_NO_PAD.decode(nonce).ok().and_then(|bytes| {
            Some((<[u8; 8]>::try_from(bytes.get(..8)?).ok()?, bytes.get(8..)?.to_vec()))
        }) else {
            return Verdict::Refused;
        };
        if hmac::verify(&self.0, &stamp, &tag).is_err() {
            return Verdict::Refused;
        }
        // A process whose clock is ahead may have made it already.
        match now.checked_sub(u64::from_be_bytes(stamp)) {
            Some(0) => Verdict::Accepted,
            Some(1) => Verdict::ToBeReplaced,
            None if u64::from_be_bytes(stamp) - now == 1 => Verdict::Accepted,
            _ => Verdict::Refused,
        }
    }

    fn of_step(&self, step: u64) -> String {
        let stamp = step.to_be_bytes();
        let tag = hmac::sign(&self.0, &stamp);
        URL_SAFE_NO_PAD.encode([&stamp, tag.as_ref()].concat())
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey")
    }
}

/// What is thought of a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    /// It expires soon: the caller gets another.
    ToBeReplaced,
    Refused,
}

fn step(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / STEP.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000 * 150 + seconds)
    }

    #[test]
    fn nonce_is_accepted_until_the_next_but_one() {
        let key = NonceKey::random().unwrap();
        let nonce = key.issue(at(0));
        assert_eq!(key.check(&nonce, at(0)), Verdict::Accepted);
        assert_eq!(key.check(&nonce, at(149)), Verdict::Accepted);
        assert_eq!(key.check(&nonce, at(150)), Verdict::ToBeReplaced);
        assert_eq!(key.check(&nonce, at(299)), Verdict::ToBeReplaced);
        assert_eq!(key.check(&nonce, at(300)), Verdict::Refused);
        assert_eq!(key.check(&key.issue(at(150)), at(0)), Verdict::Accepted);
        assert_eq!(key.check(&key.issue(at(300)), at(0)), Verdict::Refused);
    }

    #[test]
    fn only_nonces_of_the_same_key_are_accepted() {
        let (one, other) = (NonceKey::from_bytes(&[1; 32]), NonceKey::from_bytes(&[2; 32]));
        assert_eq!(
            NonceKey::from_bytes(&[1; 32]).check(&one.issue(at(0)), at(0)),
            Verdict::Accepted
        );
        assert_eq!(other.check(&one.issue(at(0)), at(0)), Verdict::Refused);
        let mut altered = one.issue(at(0)).into_string();
        altered.replace_range(10..11, "_");
        for nonce in ["", "AAAA", "AAAAAAAAAAA", "\u{e4}", &altered] {
            assert_eq!(one.check(nonce, at(0)), Verdict::Refused, "{nonce}");
        }
    }
}
