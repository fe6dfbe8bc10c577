//! The arithmetic of signatures by `ring`, behind the traits of `jsonwebtoken`.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, Result};
use jsonwebtoken::jwk::{EllipticCurve, ThumbprintHash};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use ring::{digest, hmac};
use signature::{Signer, Verifier};

/// Makes `ring` what `jsonwebtoken` computes with in this process, unless a provider was installed
/// before: that one stays, so a program that must use another cryptography installs it first.
///
/// Everything here that signs or checks does it first; call it for other uses of `jsonwebtoken`.
pub fn install_ring() {
    // An error means that there is a provider, which is all that is wanted.
    let _ = RING.install_default();
}

static RING: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key,
        rsa_pub_components_from_public_key,
        ec_pub_components_from_private_key,
        ed_pub_components_from_private_key,
        compute_digest,
    },
};

/// The signing halves, each with what its algorithm needs.
enum Signing {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac(hmac::Key),
}

struct RingSigner {
    algorithm: Algorithm,
    signing: Signing,
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    same_family(*algorithm, key.family())?;
    let content = key.as_bytes();
    let rsa = |encoding| Ok::<_, Error>(Signing::Rsa(rsa_key_pair(content)?, encoding));
    let ecdsa = |curve| Ok::<_, Error>(Signing::Ecdsa(ecdsa_key_pair(curve, content)?));
    let signing = match algorithm {
        Algorithm::RS256 => rsa(&RSA_PKCS1_SHA256)?,
        Algorithm::RS384 => rsa(&RSA_PKCS1_SHA384)?,
        Algorithm::RS512 => rsa(&RSA_PKCS1_SHA512)?,
        Algorithm::PS256 => rsa(&RSA_PSS_SHA256)?,
        Algorithm::PS384 => rsa(&RSA_PSS_SHA384)?,
        Algorithm::PS512 => rsa(&RSA_PSS_SHA512)?,
        Algorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
        Algorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
        Algorithm::EdDSA => Signing::Ed25519(ed25519_key_pair(content)?),
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            Signing::Hmac(hmac::Key::new(hmac_algorithm(*algorithm)?, content))
        }
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(Box::new(RingSigner { algorithm: *algorithm, signing }))
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        let random = SystemRandom::new();
        match &self.signing {
            Signing::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).map_err(|_| failed())?;
                Ok(signature)
            }
            Signing::Ecdsa(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| failed())?;
                Ok(signature.as_ref().to_vec())
            }
            Signing::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Signing::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// The checking halves.
enum Checking {
    Rsa(&'static RsaParameters),
    Point(&'static dyn VerificationAlgorithm),
    Hmac(hmac::Algorithm),
}

struct RingVerifier {
    algorithm: Algorithm,
    checking: Checking,
    key: DecodingKey,
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    // What keeps a public key from serving as the secret of an HMAC.
    same_family(*algorithm, key.family())?;
    let checking = match algorithm {
        Algorithm::RS256 => Checking::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Checking::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Checking::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Checking::Rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Checking::Rsa(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Checking::Rsa(&RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => Checking::Point(&ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Checking::Point(&ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => Checking::Point(&ED25519),
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            Checking::Hmac(hmac_algorithm(*algorithm)?)
        }
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(Box::new(RingVerifier { algorithm: *algorithm, checking, key: key.clone() }))
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(
        &self,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> std::result::Result<(), signature::Error> {
        match (&self.checking, self.key.kind()) {
            (Checking::Rsa(parameters), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (Checking::Rsa(parameters), DecodingKeyKind::SecretOrDer(der)) => {
                UnparsedPublicKey::new(*parameters, der).verify(message, signature)
            }
            (Checking::Point(algorithm), DecodingKeyKind::SecretOrDer(point)) => {
                UnparsedPublicKey::new(*algorithm, point).verify(message, signature)
            }
            (Checking::Hmac(algorithm), DecodingKeyKind::SecretOrDer(secret)) => {
                hmac::verify(&hmac::Key::new(*algorithm, secret), message, signature)
            }
            _ => Err(ring::error::Unspecified),
        }
        .map_err(|_| failed())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// An RSA key from PKCS #1 or PKCS #8.
pub(super) fn rsa_key_pair(der: &[u8]) -> Result<RsaKeyPair> {
    RsaKeyPair::from_der(der)
        .or_else(|_| RsaKeyPair::from_pkcs8(der))
        .map_err(|reason| ErrorKind::InvalidRsaKey(reason.to_string()).into())
}

/// A key on a curve from PKCS #8.
pub(super) fn ecdsa_key_pair(
    curve: &'static EcdsaSigningAlgorithm,
    der: &[u8],
) -> Result<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(curve, der, &SystemRandom::new())
        .map_err(|_| ErrorKind::InvalidEcdsaKey.into())
}

/// An Ed25519 key from PKCS #8, with its public half or without.
pub(super) fn ed25519_key_pair(der: &[u8]) -> Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| ErrorKind::InvalidEddsaKey.into())
}

fn rsa_pub_components_from_private_key(der: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let pair = rsa_key_pair(der)?;
    let RsaPublicKeyComponents { n, e } = pair.public().into();
    Ok((n, e))
}

/// Nothing here gives a public RSA key in another form than its numbers.
fn rsa_pub_components_from_public_key(_: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    Err(ErrorKind::InvalidKeyFormat.into())
}

fn ec_pub_components_from_private_key(
    der: &[u8],
    algorithm: Algorithm,
) -> Result<(EllipticCurve, Vec<u8>, Vec<u8>)> {
    let (curve, name, size) = match algorithm {
        Algorithm::ES256 => (&ECDSA_P256_SHA256_FIXED_SIGNING, EllipticCurve::P256, 32),
        Algorithm::ES384 => (&ECDSA_P384_SHA384_FIXED_SIGNING, EllipticCurve::P384, 48),
        _ => return Err(ErrorKind::InvalidEcdsaKey.into()),
    };
    let pair = ecdsa_key_pair(curve, der)?;
    match pair.public_key().as_ref().split_first() {
        Some((4, coordinates)) if coordinates.len() == 2 * size => {
            let (x, y) = coordinates.split_at(size);
            Ok((name, x.to_vec(), y.to_vec()))
        }
        _ => Err(ErrorKind::InvalidEcdsaKey.into()),
    }
}

fn ed_pub_components_from_private_key(der: &[u8], curve: &EllipticCurve) -> Result<Vec<u8>> {
    match curve {
        EllipticCurve::Ed25519 => Ok(ed25519_key_pair(der)?.public_key().as_ref().to_vec()),
        _ => Err(ErrorKind::InvalidEddsaKey.into()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that `KeyUtils` wants")]
fn compute_digest(data: &[u8], hash: ThumbprintHash) -> Result<Vec<u8>> {
    let algorithm = match hash {
        ThumbprintHash::SHA256 => &digest::SHA256,
        ThumbprintHash::SHA384 => &digest::SHA384,
        ThumbprintHash::SHA512 => &digest::SHA512,
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(digest::digest(algorithm, data).as_ref().to_vec())
}

fn hmac_algorithm(algorithm: Algorithm) -> Result<hmac::Algorithm> {
    match algorithm {
        Algorithm::HS256 => Ok(hmac::HMAC_SHA256),
        Algorithm::HS384 => Ok(hmac::HMAC_SHA384),
        Algorithm::HS512 => Ok(hmac::HMAC_SHA512),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    }
}

fn same_family(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    if algorithm.family() == family { Ok(()) } else { Err(ErrorKind::InvalidAlgorithm.into()) }
}

/// Why is not said: it would only help who tries signatures.
fn failed() -> signature::Error {
    signature::Error::new()
}
