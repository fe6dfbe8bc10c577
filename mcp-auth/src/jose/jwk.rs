//! Public keys as JSON (RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value, json};

use super::Algorithm;
use crate::thumbprint;

/// A public key that signatures are checked with: RSA, P-256, P-384 or Ed25519.
///
/// Two are equal when they are the same key, whatever else their documents said of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Material);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa { n: Box<[u8]>, e: Box<[u8]> },
    Ec { curve: Curve, x: Box<[u8]>, y: Box<[u8]> },
    Ed25519 { x: Box<[u8]> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
}

impl PublicKey {
    /// Reads a JWK, of which only the key itself counts.
    ///
    /// # Errors
    ///
    /// It is of another type, is not well formed, or has a private part: a key that was given away
    /// proves nothing.
    pub fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, JwkError> {
        if PRIVATE.iter().any(|member| jwk.contains_key(*member)) {
            return Err(JwkError::Private);
        }
        let text = |member| jwk.get(member).and_then(Value::as_str);
        let octets = |member| {
            text(member)
                .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
                .ok_or(JwkError::Malformed(member))
        };
        match (text("kty").ok_or(JwkError::Malformed("kty"))?, text("crv")) {
            ("RSA", _) => Self::rsa(&octets("n")?, &octets("e")?),
            ("EC", Some("P-256")) => Self::ec(Curve::P256, &octets("x")?, &octets("y")?),
            ("EC", Some("P-384")) => Self::ec(Curve::P384, &octets("x")?, &octets("y")?),
            ("OKP", Some("Ed25519")) => Self::ed25519(&octets("x")?),
            _ => Err(JwkError::Unsupported),
        }
    }

    /// The JWK of this key, with its required members only.
    #[must_use]
    pub fn to_jwk(&self) -> Value {
        let text = |octets: &[u8]| URL_SAFE_NO_PAD.encode(octets);
        // In the order of RFC 7638, 3, which the thumbprint relies on.
        match &self.0 {
            Material::Rsa { n, e } => json!({ "e": text(e), "kty": "RSA", "n": text(n) }),
            Material::Ec { curve, x, y } => {
                json!({ "crv": curve.name(), "kty": "EC", "x": text(x), "y": text(y) })
            }
            Material::Ed25519 { x } => json!({ "crv": "Ed25519", "kty": "OKP", "x": text(x) }),
        }
    }

    /// Its thumbprint by SHA-256 (RFC 7638): the `jkt` of tokens that are bound to it.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        thumbprint::jwk(self)
    }

    /// Whether signatures of this algorithm can be checked with it.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::Es256 => matches!(self.0, Material::Ec { curve: Curve::P256, .. }),
            Algorithm::Es384 => matches!(self.0, Material::Ec { curve: Curve::P384, .. }),
            Algorithm::EdDsa => matches!(self.0, Material::Ed25519 { .. }),
            Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512
            | Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512 => matches!(self.0, Material::Rsa { .. }),
        }
    }

    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, JwkError> {
        let (n, e) = (without_zeros(n), without_zeros(e));
        // 2048 to 8192 bits, and what everybody takes for an exponent.
        if !(256..=1024).contains(&n.len()) || !(1..=8).contains(&e.len()) {
            return Err(JwkError::Unsupported);
        }
        Ok(Self(Material::Rsa { n: n.into(), e: e.into() }))
    }

    /// From the uncompressed form of a point (SEC 1, 2.3.3).
    pub(super) fn from_point(point: &[u8]) -> Result<Self, JwkError> {
        let (curve, coordinates) = match point.split_first() {
            Some((4, rest)) if rest.len() == 64 => (Curve::P256, rest),
            Some((4, rest)) if rest.len() == 96 => (Curve::P384, rest),
            _ => return Err(JwkError::Unsupported),
        };
        let (x, y) = coordinates.split_at(curve.size());
        Self::ec(curve, x, y)
    }

    pub(super) fn ed25519(x: &[u8]) -> Result<Self, JwkError> {
        if x.len() != 32 {
            return Err(JwkError::Malformed("x"));
        }
        Ok(Self(Material::Ed25519 { x: x.into() }))
    }

    pub(super) fn decoding_key(&self) -> DecodingKey {
        match &self.0 {
            Material::Rsa { n, e } => DecodingKey::from_rsa_raw_components(n, e),
            Material::Ec { x, y, .. } => DecodingKey::from_ec_der(&[&[4], &**x, &**y].concat()),
            Material::Ed25519 { x } => DecodingKey::from_ed_der(x),
        }
    }

    fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, JwkError> {
        for (member, coordinate) in [("x", x), ("y", y)] {
            if coordinate.len() != curve.size() {
                return Err(JwkError::Malformed(member));
            }
        }
        Ok(Self(Material::Ec { curve, x: x.into(), y: y.into() }))
    }
}

impl Curve {
    fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

/// Why a JWK is no public key that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwkError {
    /// A member is missing or is not what it should be.
    #[error("the member `{0}` of the key is missing or malformed")]
    Malformed(&'static str),
    /// Its type, curve or size is none that is used here.
    #[error("the key is not RSA of 2048 to 8192 bits, P-256, P-384 or Ed25519")]
    Unsupported,
    /// It has a private part.
    #[error("the key has a private part, so anybody could have used it: make a new one")]
    Private,
}

/// The members of RFC 7518, 6.2.2, 6.3.2 and 6.4, that must stay where they are.
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

fn without_zeros(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    &octets[zeros..]
}
