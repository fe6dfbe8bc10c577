//! Where registrations and tokens are kept between flows, and between runs of the program.
//!
//! A store keeps opaque secrets under keys. Every key names the issuer, so that what one
//! authorization server issued is never found by a flow with another (MCP 2026-07-28,
//! client registration, "Authorization Server Binding"). What a secret says is known here alone.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use mcp_auth::secret::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::AuthError;
use crate::BoxError;

/// Keeps registrations and tokens: opaque secrets, each under a key.
///
/// Whatever is saved must be kept confidential, as the operating system's keyring does it, and be
/// found under exactly the key that it was saved with. [`InMemory`] forgets with the process.
///
/// # Cancel safety
///
/// The futures may be dropped at any time: an operation then happened or did not.
pub trait CredentialStore: fmt::Debug + Send + Sync + 'static {
    /// What was saved last under this key.
    ///
    /// # Errors
    ///
    /// The store cannot be read; a key without a secret is `None`.
    fn load<'a>(
        &'a self,
        key: &'a CredentialKey,
    ) -> BoxFuture<'a, Result<Option<SecretString>, BoxError>>;

    /// Keeps a secret under this key, in place of what was there.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn save<'a>(
        &'a self,
        key: &'a CredentialKey,
        secret: SecretString,
    ) -> BoxFuture<'a, Result<(), BoxError>>;

    /// Forgets what is kept under this key, if anything is.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn remove<'a>(&'a self, key: &'a CredentialKey) -> BoxFuture<'a, Result<(), BoxError>>;
}

/// What a secret in a [`CredentialStore`] belongs to.
///
/// Its [`Display`](fmt::Display) form is unambiguous and stable: a name for the entry of a keyring
/// or a database. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CredentialKey {
    /// The registration that an authorization server gave to this program.
    Client {
        /// The authorization server.
        issuer: Box<str>,
    },
    /// The tokens that an authorization server issued.
    Tokens {
        /// The authorization server.
        issuer: Box<str>,
        /// The MCP server that they are for.
        resource: Box<str>,
        /// The client that they were issued to.
        client_id: Box<str>,
    },
}

/// A list in JSON: `["tokens","https://as.example","https://mcp.example","client"]`.
impl fmt::Display for CredentialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: &[&str] = match self {
            Self::Client { issuer } => &["client", issuer],
            Self::Tokens { issuer, resource, client_id } => {
                &["tokens", issuer, resource, client_id]
            }
        };
        f.write_str(&serde_json::to_string(parts).map_err(|_| fmt::Error)?)
    }
}

/// A [`CredentialStore`] that forgets everything with the process.
#[derive(Default)]
pub struct InMemory(Mutex<HashMap<CredentialKey, SecretString>>);

impl CredentialStore for InMemory {
    fn load<'a>(
        &'a self,
        key: &'a CredentialKey,
    ) -> BoxFuture<'a, Result<Option<SecretString>, BoxError>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        ready(Ok(found)).boxed()
    }

    fn save<'a>(
        &'a self,
        key: &'a CredentialKey,
        secret: SecretString,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), secret);
        ready(Ok(())).boxed()
    }

    fn remove<'a>(&'a self, key: &'a CredentialKey) -> BoxFuture<'a, Result<(), BoxError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        ready(Ok(())).boxed()
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory").finish_non_exhaustive()
    }
}

/// What an authorization server said when this program registered (RFC 7591, 3.2.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredClient {
    pub(crate) client_id: Box<str>,
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<SecretString>,
    pub(crate) token_endpoint_auth_method: Box<str>,
    pub(crate) redirect_uris: Vec<Box<str>>,
    /// In seconds since 1970; absent when the secret does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret_expires_at: Option<u64>,
}

impl StoredClient {
    /// Whether its secret may still be used.
    pub(crate) fn is_valid(&self, now: SystemTime) -> bool {
        self.client_secret_expires_at.is_none_or(|expiry| seconds(now) < expiry)
    }
}

/// Tokens as they are kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredTokens {
    #[serde(with = "text")]
    pub(crate) access_token: SecretString,
    #[serde(default, with = "optional_text", skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<SecretString>,
    /// The scopes that were asked for, separated by spaces.
    pub(crate) asked: String,
    /// Those of the access token.
    pub(crate) scope: String,
    /// In seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<u64>,
    /// The thumbprint of the key that both tokens are bound to (RFC 9449).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_thumbprint: Option<String>,
}

impl StoredTokens {
    pub(crate) fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at.and_then(|expiry| UNIX_EPOCH.checked_add(Duration::from_secs(expiry)))
    }
}

/// Whole seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Reads what this version of the library wrote; anything else counts as absent.
pub(crate) async fn load<T: DeserializeOwned>(
    store: &dyn CredentialStore,
    key: &CredentialKey,
) -> Result<Option<T>, AuthError> {
    let secret = store.load(key).await.map_err(failed)?;
    Ok(secret.and_then(|secret| serde_json::from_str(secret.expose_secret()).ok()))
}

pub(crate) async fn save<T: Serialize>(
    store: &dyn CredentialStore,
    key: &CredentialKey,
    value: &T,
) -> Result<(), AuthError> {
    store.save(key, to_secret(value)?).await.map_err(failed)
}

pub(crate) async fn remove(
    store: &dyn CredentialStore,
    key: &CredentialKey,
) -> Result<(), AuthError> {
    store.remove(key).await.map_err(failed)
}

fn failed(source: BoxError) -> AuthError {
    AuthError::source("the credential store", source)
}

/// Writes into a buffer that is large enough from the start: one that grows leaves copies behind.
fn to_secret<T: Serialize>(value: &T) -> Result<SecretString, AuthError> {
    let length = {
        let mut counted = Counted(0);
        serde_json::to_writer(&mut counted, value).map_err(|error| failed(error.into()))?;
        counted.0
    };
    let mut text = Vec::with_capacity(length);
    serde_json::to_writer(&mut text, value).map_err(|error| failed(error.into()))?;
    String::from_utf8(text).map(SecretString::from).map_err(|error| failed(error.into()))
}

struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

mod text {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        secret: &SecretString,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose_secret())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SecretString, D::Error> {
        Box::<str>::deserialize(deserializer).map(SecretString::from)
    }
}

mod optional_text {
    use super::*;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        secret: &Option<SecretString>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(|secret| secret.expose_secret()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SecretString>, D::Error> {
        Ok(Option::<Box<str>>::deserialize(deserializer)?.map(SecretString::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> StoredTokens {
        StoredTokens {
            access_token: "access-\"secret\"".into(),
            refresh_token: Some("refresh-secret".into()),
            asked: "a b".into(),
            scope: "a".into(),
            expires_at: Some(1_800_000_000),
            key_thumbprint: None,
        }
    }

    #[tokio::test]
    async fn what_is_saved_is_found_under_its_own_key_alone() {
        let store = InMemory::default();
        let key = |issuer: &str| CredentialKey::Tokens {
            issuer: issuer.into(),
            resource: "https://mcp.example/mcp".into(),
            client_id: "client".into(),
        };
        save(&store, &key("https://one.example"), &tokens()).await.unwrap();
        let found: StoredTokens =
            load(&store, &key("https://one.example")).await.unwrap().expect("it was saved");
        assert_eq!(found.access_token.expose_secret(), "access-\"secret\"");
        assert_eq!(found.refresh_token.unwrap().expose_secret(), "refresh-secret");
        let other: Option<StoredTokens> = load(&store, &key("https://two.example")).await.unwrap();
        assert!(other.is_none());
        remove(&store, &key("https://one.example")).await.unwrap();
        let gone: Option<StoredTokens> = load(&store, &key("https://one.example")).await.unwrap();
        assert!(gone.is_none());
    }

    #[tokio::test]
    async fn what_cannot_be_read_counts_as_absent() {
        let store = InMemory::default();
        let key = CredentialKey::Client { issuer: "https://as.example".into() };
        store.save(&key, "{\"other\":1}".into()).await.unwrap();
        let found: Option<StoredClient> = load(&store, &key).await.unwrap();
        assert!(found.is_none());
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let shown = format!("{:?} {:?}", tokens(), InMemory::default());
        assert!(!shown.contains("secret\\\"") && !shown.contains("refresh-secret"), "{shown}");
    }

    #[test]
    fn names_of_keys_are_unambiguous() {
        let name = |resource: &str, client_id: &str| {
            CredentialKey::Tokens {
                issuer: "i".into(),
                resource: resource.into(),
                client_id: client_id.into(),
            }
            .to_string()
        };
        assert_eq!(name("a", "b"), r#"["tokens","i","a","b"]"#);
        assert_ne!(name("a\",\"b", "c"), name("a", "b\",\"c"));
    }
}
