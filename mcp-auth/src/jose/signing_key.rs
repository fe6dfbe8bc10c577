//! Keys that tokens are signed with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::EncodingKey;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RsaPublicKeyComponents,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Serialize;
use serde_json::{Map, Value, json};
use zeroize::{Zeroize as _, Zeroizing};

use super::provider::{ecdsa_key_pair, ed25519_key_pair, install_ring, rsa_key_pair};
use super::{Algorithm, KeySet, PublicKey};
use crate::secret::SecretString;

/// A private key and the algorithm that it signs with.
///
/// The key is overwritten when this is dropped and shows in no output.
#[derive(Clone)]
pub struct SigningKey {
    /// PKCS #1 for RSA, PKCS #8 for all others: what every provider of `jsonwebtoken` takes.
    key: EncodingKey,
    algorithm: Algorithm,
    public: PublicKey,
    id: Option<Box<str>>,
}

impl SigningKey {
    /// A new key on P-256, for `ES256`.
    ///
    /// # Errors
    ///
    /// The system gave no random numbers.
    pub fn generate_es256() -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .map_err(|_| KeyError::Random)?;
        Self::from_pkcs8(document.as_ref())
    }

    /// Reads a key from PEM: PKCS #8 (`PRIVATE KEY`), PKCS #1 (`RSA PRIVATE KEY`) or SEC 1
    /// (`EC PRIVATE KEY`), the first one that is there.
    ///
    /// # Errors
    ///
    /// There is no such section, or its key is of another kind than [`Algorithm`] has use for. Keys
    /// that are encrypted with a password are not read.
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_auth::jose::{Algorithm, SigningKey};
    /// use mcp_auth::secret::ExposeSecret as _;
    ///
    /// let key = SigningKey::generate_es256()?.with_key_id("2026-11");
    /// let again = SigningKey::from_pem(key.to_pem().expose_secret().as_bytes())?;
    /// assert_eq!(again.public_key(), key.public_key());
    /// assert_eq!(again.algorithm(), Algorithm::Es256);
    /// # Ok::<(), mcp_auth::jose::KeyError>(())
    /// ```
    pub fn from_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let mut der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| KeyError::Pem)?;
        let key = Self::from_der(&der);
        der.zeroize();
        key
    }

    /// Reads a key from DER.
    ///
    /// # Errors
    ///
    /// The key is malformed, or of another kind than [`Algorithm`] has use for.
    pub fn from_der(der: &PrivateKeyDer<'_>) -> Result<Self, KeyError> {
        match der {
            PrivateKeyDer::Pkcs1(der) => Self::from_pkcs1(der.secret_pkcs1_der()),
            PrivateKeyDer::Sec1(der) => Self::from_sec1(der.secret_sec1_der()),
            PrivateKeyDer::Pkcs8(der) => Self::from_pkcs8(der.secret_pkcs8_der()),
            _ => Err(KeyError::Unsupported),
        }
    }

    /// Signs with another algorithm that fits the key: RSA keys begin with `RS256`.
    ///
    /// # Errors
    ///
    /// The key cannot be used with it.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, KeyError> {
        if !self.public.fits(algorithm) {
            return Err(KeyError::Misfit { algorithm });
        }
        Ok(Self { algorithm, ..self })
    }

    /// Names the key in the header of what it signs (`kid`).
    #[must_use]
    pub fn with_key_id(self, id: impl Into<Box<str>>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// The algorithm that it signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of the key, if it was given one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The key that checks what this one signs.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// A set with its public key only: what a client registers, or an issuer publishes.
    #[must_use]
    pub fn public_key_set(&self) -> KeySet {
        KeySet::default().with(self.public.clone(), self.key_id(), Some(self.algorithm))
    }

    /// The private key as PEM, for a store that keeps secrets.
    #[must_use]
    pub fn to_pem(&self) -> SecretString {
        let label = match self.algorithm {
            Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => "PRIVATE KEY",
            _ => "RSA PRIVATE KEY",
        };
        let der = self.key.as_bytes();
        let text = Zeroizing::new(STANDARD.encode(der));
        // In one piece: a string that grew would leave copies behind.
        let mut pem = String::with_capacity(text.len() + text.len() / 64 + 80);
        pem.push_str("-----BEGIN ");
        pem.push_str(label);
        pem.push_str("-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, more) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = more;
        }
        pem.push_str("-----END ");
        pem.push_str(label);
        pem.push_str("-----\n");
        pem.into()
    }

    /// Signs claims as a token with this `typ` in its header (RFC 7519).
    ///
    /// # Errors
    ///
    /// The claims are no JSON object, or the system gave no random numbers.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> Result<SecretString, KeyError> {
        self.sign_with_header(Map::from_iter([("typ".to_owned(), json!(typ))]), claims)
    }

    /// Signs claims as a token with these members in its header; `alg` and `kid` are this key's.
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign).
    pub fn sign_with_header(
        &self,
        mut header: Map<String, Value>,
        claims: &impl Serialize,
    ) -> Result<SecretString, KeyError> {
        header.insert("alg".to_owned(), json!(self.algorithm.name()));
        if let Some(id) = &self.id {
            header.insert("kid".to_owned(), json!(id));
        }
        let claims = Zeroizing::new(serde_json::to_vec(claims).map_err(|_| KeyError::Claims)?);
        if !claims.starts_with(b"{") {
            return Err(KeyError::Claims);
        }
        let mut token = URL_SAFE_NO_PAD.encode(Value::Object(header).to_string());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&*claims, &mut token);
        install_ring();
        let signature = jsonwebtoken::crypto::sign(
            token.as_bytes(),
            &self.key,
            self.algorithm.in_jsonwebtoken(),
        )
        .map_err(|_| KeyError::Signing)?;
        token.push('.');
        token.push_str(&signature);
        Ok(token.into())
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let curves = [
            (&ECDSA_P256_SHA256_FIXED_SIGNING, Algorithm::Es256),
            (&ECDSA_P384_SHA384_FIXED_SIGNING, Algorithm::Es384),
        ];
        for (curve, algorithm) in curves {
            if let Ok(pair) = ecdsa_key_pair(curve, der) {
                let public = PublicKey::from_point(pair.public_key().as_ref());
                return Self::new(EncodingKey::from_ec_der(der), algorithm, public);
            }
        }
        if let Ok(pair) = ed25519_key_pair(der) {
            let public = PublicKey::ed25519(pair.public_key().as_ref());
            return Self::new(EncodingKey::from_ed_der(der), Algorithm::EdDsa, public);
        }
        Self::from_pkcs1(private_key_of_pkcs8(der).ok_or(KeyError::Unsupported)?)
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let pair = rsa_key_pair(der).map_err(|_| KeyError::Unsupported)?;
        let RsaPublicKeyComponents::<Vec<u8>> { n, e } = pair.public().into();
        let key = EncodingKey::from_rsa_der(der);
        Self::new(key, Algorithm::Rs256, PublicKey::rsa(&n, &e))
    }

    /// Nothing reads SEC 1, so it is put into PKCS #8 (RFC 5958, RFC 5915), once for each curve.
    fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        [P256, P384]
            .into_iter()
            .find_map(|curve| {
                let algorithm = wrapped(SEQUENCE, &[EC_PUBLIC_KEY, curve]);
                let key = wrapped(OCTET_STRING, &[der]);
                Self::from_pkcs8(&wrapped(SEQUENCE, &[VERSION_0, &algorithm, &key])).ok()
            })
            .ok_or(KeyError::Unsupported)
    }

    fn new(
        key: EncodingKey,
        algorithm: Algorithm,
        public: Result<PublicKey, super::JwkError>,
    ) -> Result<Self, KeyError> {
        let public = public.map_err(|_| KeyError::Unsupported)?;
        Ok(Self { key, algorithm, public, id: None })
    }
}

/// Without the key.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why a key cannot be read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no private key in PEM.
    #[error(
        "no private key in PEM was found: give a section `PRIVATE KEY`, `RSA PRIVATE KEY` or `EC PRIVATE KEY` that is not encrypted"
    )]
    Pem,
    /// It is malformed, or of a kind that is not used here.
    #[error(
        "the private key is malformed or is not RSA of 2048 to 4096 bits, P-256, P-384 or Ed25519"
    )]
    Unsupported,
    /// The key is not one for this algorithm.
    #[error("the private key cannot be used with {algorithm}")]
    Misfit {
        /// The algorithm that was asked for.
        algorithm: Algorithm,
    },
    /// What should be signed is no JSON object.
    #[error("the claims to be signed are no JSON object")]
    Claims,
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers")]
    Random,
    /// The provider of cryptography refused.
    #[error("the token could not be signed")]
    Signing,
}

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
/// `INTEGER 0`.
const VERSION_0: &[u8] = &[0x02, 0x01, 0x00];
/// `OBJECT IDENTIFIER 1.2.840.10045.2.1`, and those of the curves.
const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// The key in a PKCS #8 document: the octets after its version and its algorithm.
fn private_key_of_pkcs8(der: &[u8]) -> Option<&[u8]> {
    let (document, _) = element(der, SEQUENCE)?;
    let (_, rest) = element(document, VERSION_0[0])?;
    let (_, rest) = element(rest, SEQUENCE)?;
    Some(element(rest, OCTET_STRING)?.0)
}

/// The contents of the element in front, which must have this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk()?;
    let (length, rest) = match length {
        ..=0x7f => (usize::from(length), rest),
        0x81..=0x83 => {
            let (octets, rest) = rest.split_at_checked(usize::from(length - 0x80))?;
            (octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    if found != tag { None } else { rest.split_at_checked(length) }
}

fn wrapped(tag: u8, contents: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    let mut der = Zeroizing::new(Vec::with_capacity(length + 5));
    der.push(tag);
    let octets = length.to_be_bytes();
    match length {
        0..0x80 => {}
        0x80..0x100 => der.push(0x81),
        _ => der.push(0x82),
    }
    let octets =
        if length < 0x100 { &octets[octets.len() - 1..] } else { &octets[octets.len() - 2..] };
    der.extend_from_slice(octets);
    contents.iter().for_each(|part| der.extend_from_slice(part));
    der
}
