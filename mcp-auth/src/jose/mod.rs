//! Signatures and the keys for them (RFC 7515, 7517, 7518, 7519).
//!
//! A [`SigningKey`] makes tokens, a [`Verifier`] is the one place that checks them against a
//! [`KeySet`]. Only asymmetric algorithms exist here ([`Algorithm`]), so a token that says `none` or
//! that takes a public key for a shared secret names nothing that could be run. The arithmetic is
//! that of `ring`, plugged into `jsonwebtoken` ([`install_ring`]).
//!
//! What a token lets its bearer do, where keys come from and when they are fetched again is not
//! known here.

mod algorithm;
mod jwk;
mod key_set;
mod provider;
mod signing_key;
mod verify;

pub use algorithm::Algorithm;
pub use jwk::{JwkError, PublicKey};
pub use key_set::{KeySet, KeySetError};
pub use provider::install_ring;
pub use signing_key::{KeyError, SigningKey};
pub use verify::{
    JwtError, RegisteredClaims, TokenHeader, Verified, Verifier, unverified_header,
    unverified_issuer,
};

pub(crate) use verify::{Compact, time};

#[cfg(test)]
mod tests;
