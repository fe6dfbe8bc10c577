//! Thumbprints of keys and certificates (RFC 7638, RFC 8705).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use crate::jose::PublicKey;

/// The thumbprint of a certificate in DER: `x5t#S256` of a token that is bound to it (RFC 8705, 3.1).
#[must_use]
pub fn certificate(der: &[u8]) -> String {
    sha256(der)
}

/// The thumbprint of a key by SHA-256 (RFC 7638): `jkt` of a token that is bound to it (RFC 9449, 6).
#[must_use]
pub fn jwk(key: &PublicKey) -> String {
    // Required members in their order and no white space, as `to_jwk` gives them.
    sha256(key.to_jwk().to_string().as_bytes())
}

/// SHA-256 as base64url without padding, the form of all thumbprints, of `ath` (RFC 9449, 4.2) and of
/// `code_challenge` (RFC 7636, 4.2).
#[must_use]
pub fn sha256(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9449, 7.1, and RFC 7636, B.
    #[test]
    fn hashes_of_the_standards_are_right() {
        assert_eq!(
            sha256(b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
            "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
        );
        assert_eq!(
            sha256(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        assert_eq!(certificate(b""), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
    }
}
