//! The keys of an issuer (RFC 7517, 5).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Algorithm, PublicKey};

/// The keys that an issuer signs with, as its `jwks_uri` serves them.
///
/// What cannot check a signature here is left out when the set is read: keys of other types, for
/// encryption, for other algorithms, and keys whose private part was published with them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Document")]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    id: Option<Box<str>>,
    /// The only algorithm that it may be used with, if it says so.
    algorithm: Option<Algorithm>,
    key: PublicKey,
}

impl KeySet {
    /// The longest document that is read.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// The most keys that a document may have.
    pub const MAX_KEYS: usize = 64;

    /// Reads a set of keys.
    ///
    /// # Errors
    ///
    /// The document is no set of keys, or is too large; keys in it that cannot be used are none.
    pub fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > Self::MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let document: Document =
            serde_json::from_slice(document).map_err(|_| KeySetError::Malformed)?;
        document.try_into()
    }

    /// The set as a document.
    #[must_use]
    pub fn to_jwks(&self) -> Value {
        let keys = self.keys.iter().map(|Key { id, algorithm, key }| {
            let mut jwk = key.to_jwk();
            if let Some(id) = id {
                jwk["kid"] = json!(id);
            }
            if let Some(algorithm) = algorithm {
                jwk["alg"] = json!(algorithm.name());
            }
            jwk["use"] = json!("sig");
            jwk
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }

    /// Adds a key.
    #[must_use]
    pub fn with(mut self, key: PublicKey, id: Option<&str>, algorithm: Option<Algorithm>) -> Self {
        self.keys.push(Key { id: id.map(Into::into), algorithm, key });
        self
    }

    /// How many keys there are that can be used.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key that can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys that a token with this header may be signed with: those of its `kid`, or all if it
    /// has none, as far as they fit its algorithm.
    pub fn candidates<'a>(
        &'a self,
        id: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a PublicKey> {
        self.keys
            .iter()
            .filter(move |key| id.is_none() || key.id.as_deref() == id)
            .filter(move |key| key.algorithm.is_none_or(|only| only == algorithm))
            .map(|key| &key.key)
            .filter(move |key| key.fits(algorithm))
    }
}

/// Why a document is no set of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is too long, or has too many keys.
    #[error("the set of keys is larger than 64 KiB or has more than 64 keys")]
    TooLarge,
    /// It is not a JSON object with an array `keys`.
    #[error("the set of keys is not a JSON object with an array of keys")]
    Malformed,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl TryFrom<Document> for KeySet {
    type Error = KeySetError;

    fn try_from(document: Document) -> Result<Self, KeySetError> {
        if document.keys.len() > Self::MAX_KEYS {
            return Err(KeySetError::TooLarge);
        }
        let keys = document.keys.iter().filter_map(Value::as_object).filter_map(Key::of).collect();
        Ok(Self { keys })
    }
}

impl Key {
    fn of(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |member| jwk.get(member).map(|value| value.as_str());
        let algorithm = match text("alg") {
            Some(name) => Some(Algorithm::from_name(name?)?),
            None => None,
        };
        let id = match text("kid") {
            Some(id) => Some(id.filter(|id| id.len() <= MAX_KEY_ID)?.into()),
            None => None,
        };
        let verifies = match jwk.get("key_ops") {
            Some(operations) => operations.as_array()?.iter().any(|what| what == "verify"),
            None => true,
        };
        let signs = matches!(text("use"), None | Some(Some("sig")));
        let key = PublicKey::from_jwk(jwk).ok()?;
        (verifies && signs).then_some(Self { id, algorithm, key })
    }
}

pub(super) const MAX_KEY_ID: usize = 256;
