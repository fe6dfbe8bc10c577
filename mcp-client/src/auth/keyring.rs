//! Credentials in the keyring of the operating system.
//!
//! What the credentials say is not known here, nor which keyring it is: `keyring` chooses the one of
//! the system, and any other store of `keyring-core` can be given.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use keyring_core::Error;
use mcp_auth::secret::{ExposeSecret as _, SecretString};
use mcp_auth::thumbprint;
use zeroize::{Zeroize as _, Zeroizing};

use super::{CredentialKey, CredentialStore};
use crate::BoxError;

/// A [`CredentialStore`] in the keyring of the operating system: Keychain on macOS, the Credential
/// Manager on Windows, the Secret Service of the desktop elsewhere.
///
/// Each credential is an entry of one service, named after the program, with the
/// [`CredentialKey`] as its user. Keyrings have little room in an entry (2,560 bytes on Windows), so
/// a long credential takes several. What is there but cannot be read back counts as absent, and
/// the person is asked for consent again.
///
/// The keyring may ask the person to unlock it, and is then slow. It is never called on a thread of
/// the runtime.
///
/// # Examples
///
/// ```
/// use mcp_client::auth::{Authorization, Keyring};
///
/// let authorization = Authorization::in_browser().store(Keyring::new("example.vidsrus.player"));
/// # let _ = authorization;
/// ```
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

struct Inner {
    service: Box<str>,
    store: Option<Arc<keyring_core::CredentialStore>>,
    /// Held during an operation: not every keyring takes several at once.
    turn: Mutex<()>,
}

impl Keyring {
    /// The keyring of the system, with the name of this program, such as `com.example.program`.
    ///
    /// It is opened when it is first needed. A default store that the program has set in
    /// `keyring-core` is used instead of it.
    pub fn new(service: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Inner { service: service.into(), store: None, turn: Mutex::default() }))
    }

    /// Another store of `keyring-core` 1, such as that of the Linux kernel.
    pub fn in_store(
        service: impl Into<Box<str>>,
        store: Arc<keyring_core::CredentialStore>,
    ) -> Self {
        Self(Arc::new(Inner {
            service: service.into(),
            store: Some(store),
            turn: Mutex::default(),
        }))
    }

    fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Inner) -> Result<T, KeyringError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, BoxError>> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            let failed = |why: &str| KeyringError::Failed(why.into());
            let runtime = tokio::runtime::Handle::try_current()
                .map_err(|_| failed("there is no tokio runtime to wait in"))?;
            let done = runtime.spawn_blocking(move || {
                let _turn = inner.turn.lock().unwrap_or_else(PoisonError::into_inner);
                operation(&inner)
            });
            Ok(done.await.map_err(|_| failed("it was interrupted"))??)
        })
    }
}

/// # Cancel safety
///
/// An operation that has begun ends, even if nobody waits for it.
impl CredentialStore for Keyring {
    fn load<'a>(
        &'a self,
        key: &'a CredentialKey,
    ) -> BoxFuture<'a, Result<Option<SecretString>, BoxError>> {
        let name = name(key);
        self.run(move |keyring| keyring.load(&name))
    }

    fn save<'a>(
        &'a self,
        key: &'a CredentialKey,
        secret: SecretString,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        let name = name(key);
        self.run(move |keyring| keyring.save(&name, secret.expose_secret().as_bytes()))
    }

    fn remove<'a>(&'a self, key: &'a CredentialKey) -> BoxFuture<'a, Result<(), BoxError>> {
        let name = name(key);
        self.run(move |keyring| keyring.remove(&name))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("service", &self.0.service).finish_non_exhaustive()
    }
}

/// Why the keyring did not do what it should.
///
/// Nothing that it keeps shows in any of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// This system has none that could be used; this process does not look for one again.
    #[error(
        "there is no keyring: {0}; unlock or install one (on Linux a Secret Service), or keep credentials elsewhere"
    )]
    Unavailable(String),
    /// It cannot be reached now, or the person did not unlock it.
    #[error("the keyring is locked or cannot be reached: {0}")]
    Locked(String),
    /// The credential is larger than what is kept in a keyring.
    #[error("the credential is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// It failed.
    #[error("the keyring failed: {0}")]
    Failed(String),
}

/// The longest credential.
const MAX_BYTES: usize = 64 * 1024;
/// What is put into one entry, besides the header of the first.
const PART: usize = 2_000;

/// The parts of a credential are entries of their own; the first begins with a line that says how
/// many there are, and the hash of the whole.
impl Inner {
    fn load(&self, name: &str) -> Result<Option<SecretString>, KeyringError> {
        let Some(first) = self.read(name)? else { return Ok(None) };
        let Some(header) = Header::of(&first) else { return Ok(None) };
        let mut whole = Zeroizing::new(Vec::with_capacity(header.parts * PART));
        whole.extend_from_slice(header.data);
        for part in 1..header.parts {
            let Some(more) = self.read(&part_name(name, part))? else { return Ok(None) };
            if more.len() > PART {
                return Ok(None);
            }
            whole.extend_from_slice(&more);
        }
        if thumbprint::sha256(&whole) != header.hash {
            return Ok(None);
        }
        match String::from_utf8(std::mem::take(&mut *whole)) {
            Ok(text) => Ok(Some(text.into())),
            Err(error) => {
                error.into_bytes().zeroize();
                Ok(None)
            }
        }
    }

    /// The first part is written last: until then what is there is the old credential or none.
    fn save(&self, name: &str, secret: &[u8]) -> Result<(), KeyringError> {
        if secret.len() > MAX_BYTES {
            return Err(KeyringError::TooLong);
        }
        let before = self.parts(name)?;
        let parts: Vec<_> = secret.chunks(PART).collect();
        for (part, data) in parts.iter().enumerate().skip(1).rev() {
            self.entry(&part_name(name, part))?.set_secret(data).map_err(redacted)?;
        }
        let header = format!("{} {}\n", parts.len().max(1), thumbprint::sha256(secret));
        let first = parts.first().copied().unwrap_or_default();
        let first = Zeroizing::new([header.as_bytes(), first].concat());
        self.entry(name)?.set_secret(&first).map_err(redacted)?;
        self.delete(name, parts.len().max(1)..before)
    }

    fn remove(&self, name: &str) -> Result<(), KeyringError> {
        let parts = self.parts(name)?.max(1);
        self.delete(name, 0..parts)
    }

    /// How many parts there are.
    fn parts(&self, name: &str) -> Result<usize, KeyringError> {
        let first = self.read(name)?;
        Ok(first.and_then(|first| Header::of(&first).map(|header| header.parts)).unwrap_or(0))
    }

    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        match self.entry(name)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            // Something else wrote it.
            Err(Error::BadEncoding(mut data) | Error::BadDataFormat(mut data, _)) => {
                data.zeroize();
                Ok(None)
            }
            Err(error) => Err(redacted(error)),
        }
    }

    fn delete(&self, name: &str, parts: std::ops::Range<usize>) -> Result<(), KeyringError> {
        for part in parts {
            match self.entry(&part_name(name, part))?.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => {}
                Err(error) => return Err(redacted(error)),
            }
        }
        Ok(())
    }

    fn entry(&self, name: &str) -> Result<keyring_core::Entry, KeyringError> {
        let store = match &self.store {
            Some(store) => Arc::clone(store),
            None => system_store()?,
        };
        store.build(&self.service, name, None).map_err(redacted)
    }
}

struct Header<'a> {
    parts: usize,
    hash: &'a str,
    data: &'a [u8],
}

impl<'a> Header<'a> {
    fn of(first: &'a [u8]) -> Option<Self> {
        let line = first.iter().position(|byte| *byte == b'\n')?;
        let (parts, hash) = str::from_utf8(&first[..line]).ok()?.split_once(' ')?;
        let parts =
            parts.parse().ok().filter(|parts| (1..=MAX_BYTES.div_ceil(PART)).contains(parts))?;
        Some(Self { parts, hash, data: &first[line + 1..] })
    }
}

/// The name of an entry; keyrings bound its length (513 characters on Windows).
fn name(key: &CredentialKey) -> String {
    let name = key.to_string();
    if name.len() <= 256 { name } else { format!("[{}]", thumbprint::sha256(name.as_bytes())) }
}

fn part_name(name: &str, part: usize) -> String {
    if part == 0 { name.to_owned() } else { format!("{name} {part}") }
}

fn system_store() -> Result<Arc<keyring_core::CredentialStore>, KeyringError> {
    if let Some(store) = keyring_core::get_default_store() {
        return Ok(store);
    }
    match keyring::Entry::store_status() {
        Ok(()) => keyring_core::get_default_store()
            .ok_or_else(|| KeyringError::Unavailable("none was chosen".into())),
        Err(error) => Err(KeyringError::Unavailable(error.to_string())),
    }
}

/// Of an error only what shows no secret: some carry what was read.
fn redacted(error: Error) -> KeyringError {
    match error {
        Error::NoStorageAccess(reason) => KeyringError::Locked(reason.to_string()),
        Error::PlatformFailure(reason) => KeyringError::Failed(reason.to_string()),
        Error::NoDefaultStore => KeyringError::Unavailable("none was chosen".into()),
        Error::TooLong(what, most) => {
            KeyringError::Failed(format!("it takes at most {most} bytes of {what}"))
        }
        Error::BadStoreFormat(why) | Error::NotSupportedByStore(why) => KeyringError::Failed(why),
        Error::Invalid(what, why) => KeyringError::Failed(format!("{what}: {why}")),
        Error::Ambiguous(entries) => {
            KeyringError::Failed(format!("{} entries have the same name", entries.len()))
        }
        Error::BadEncoding(mut data) | Error::BadDataFormat(mut data, _) => {
            data.zeroize();
            KeyringError::Failed("an entry is damaged".into())
        }
        _ => KeyringError::Failed("for a reason that is not known here".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    use keyring_core::mock;

    fn key(resource: &str) -> CredentialKey {
        CredentialKey::Tokens {
            issuer: "https://id.example".into(),
            resource: resource.into(),
            client_id: "client".into(),
        }
    }

    fn keyring() -> (Keyring, Arc<mock::Store>) {
        let store = mock::Store::new().unwrap();
        (Keyring::in_store("org.example.test", store.clone()), store)
    }

    /// The entries that hold something, by name.
    fn entries(store: &Arc<mock::Store>) -> HashMap<String, Vec<u8>> {
        let store: Arc<keyring_core::CredentialStore> = store.clone();
        let all = store.search(&HashMap::new()).unwrap();
        let held = |entry: &keyring_core::Entry| {
            Some((entry.get_specifiers()?.1, entry.get_secret().ok()?))
        };
        all.iter().filter_map(held).collect()
    }

    async fn load(keyring: &Keyring, key: &CredentialKey) -> Option<String> {
        let found = keyring.load(key).await.unwrap();
        found.map(|secret| secret.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn credentials_are_found_under_their_own_key_alone() {
        let (keyring, _) = keyring();
        assert_eq!(load(&keyring, &key("a")).await, None);
        keyring.save(&key("a"), "one".into()).await.unwrap();
        keyring.save(&key("b"), "two".into()).await.unwrap();
        keyring.save(&key("b"), "three".into()).await.unwrap();
        assert_eq!(load(&keyring, &key("a")).await.as_deref(), Some("one"));
        assert_eq!(load(&keyring, &key("b")).await.as_deref(), Some("three"));
        keyring.remove(&key("a")).await.unwrap();
        keyring.remove(&key("a")).await.unwrap();
        assert_eq!(load(&keyring, &key("a")).await, None);
        assert_eq!(load(&keyring, &key("b")).await.as_deref(), Some("three"));
    }

    #[tokio::test]
    async fn long_credentials_take_several_entries() {
        let (keyring, store) = keyring();
        let long: String = ('a'..='z').cycle().take(9_001).collect();
        for text in [&long, "short", &long[..4_000], ""] {
            keyring.save(&key("a"), text.into()).await.unwrap();
            assert_eq!(load(&keyring, &key("a")).await.as_deref(), Some(text));
            let entries = entries(&store);
            assert_eq!(entries.len(), text.len().div_ceil(PART).max(1), "none is left over");
            assert!(entries.values().all(|data| data.len() <= 2_560));
        }
        keyring.save(&key("a"), long.into()).await.unwrap();
        keyring.remove(&key("a")).await.unwrap();
        assert!(entries(&store).is_empty());
        let error = keyring.save(&key("a"), "x".repeat(MAX_BYTES + 1).into()).await.unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&KeyringError::TooLong));
    }

    #[tokio::test]
    async fn what_was_not_written_here_counts_as_absent() {
        let (keyring, store) = keyring();
        let entry = |name: &str| {
            let store: Arc<keyring_core::CredentialStore> = store.clone();
            store.build("org.example.test", name, None).unwrap()
        };
        let name = key("a").to_string();
        for foreign in ["", "word", "1 hash\nword", "0 x\n", "99999999999 x\n", "2 x\n"] {
            entry(&name).set_secret(foreign.as_bytes()).unwrap();
            assert_eq!(load(&keyring, &key("a")).await, None, "{foreign}");
        }
        keyring.save(&key("a"), "x".repeat(5_000).into()).await.unwrap();
        entry(&format!("{name} 1")).set_secret(&[b'y'; PART]).unwrap();
        assert_eq!(load(&keyring, &key("a")).await, None, "parts that do not fit together");
        entry(&format!("{name} 1")).delete_credential().unwrap();
        assert_eq!(load(&keyring, &key("a")).await, None);
    }

    #[tokio::test]
    async fn errors_show_nothing_that_was_read() {
        let (keyring, store) = keyring();
        keyring.save(&key("a"), "word".into()).await.unwrap();
        let store: Arc<keyring_core::CredentialStore> = store;
        let entry = store.build("org.example.test", &key("a").to_string(), None).unwrap();
        let entry: &mock::Cred = entry.as_any().downcast_ref().unwrap();

        entry.set_error(Error::BadEncoding(b"secret".to_vec()));
        assert_eq!(load(&keyring, &key("a")).await, None);
        entry.set_error(Error::NoStorageAccess("the lid is down".into()));
        let error = keyring.load(&key("a")).await.unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&KeyringError::Locked("the lid is down".into())));
        for error in [
            Error::BadDataFormat(b"secret".to_vec(), "x".into()),
            Error::Ambiguous(vec![store.build("org.example.test", "secret", None).unwrap()]),
        ] {
            let shown = redacted(error);
            assert!(!format!("{shown} {shown:?}").contains("secret"));
        }
        assert!(!format!("{keyring:?}").contains("word"));
    }

    #[test]
    fn names_fit_into_every_keyring() {
        let long =
            |client: &str| name(&key(&format!("https://{client}.example/{}", "x".repeat(900))));
        assert!(long("a").len() <= 256);
        assert_ne!(long("a"), long("b"));
        assert_eq!(name(&key("a")), key("a").to_string());
    }
}
