//! Sealed request state: what travels through the client and only this server can read.
//!
//! Owns the keys, the envelope and what a state is bound to. It does not know what is inside, and it
//! reads no clock: the time is passed in.
//!
//! ```text
//! base64url( format (1) │ key id (4) │ nonce (24) │ XChaCha20-Poly1305( expiry (8) │ payload ) )
//! ```
//!
//! Associated data are the first two fields and the [`Binding`]: a state that comes from another
//! caller, or with another request, is as if it had been tampered with. Spec: 2026-07-28,
//! basic/patterns/mrtr, "Server Requirements": state is input from an attacker, and its integrity,
//! principal, expiry and originating request are checked.

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use mcp_core::Principal;

use super::key::{Digest, random};

/// The keys that seal what a server wants back from its clients.
///
/// States are sealed with the current key and opened with any: to change keys, make the new one
/// current and keep the old one [as a previous one](Self::with_previous) until the states that it
/// sealed have expired. Processes that serve the same clients need the same keys. A server without
/// keys of its own makes one at random, which ends with the process.
///
/// # Examples
/// ```
/// use mcp_server::StateKeys;
/// let keys = StateKeys::from_bytes([7; 32]).with_previous([6; 32]);
/// # drop(keys);
/// ```
#[derive(Clone)]
pub struct StateKeys {
    /// The current one first; there always is one.
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

/// Whose state it is and for which request: all of it has to be the same when it comes back.
#[derive(Debug, Clone)]
pub(crate) struct Binding(Vec<u8>);

/// The name of one sealed state, unique for ever: states may be used up by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateId([u8; NONCE]);

/// A state that was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) id: StateId,
    pub(crate) expires: SystemTime,
    pub(crate) payload: Vec<u8>,
}

/// Why a state cannot be opened. For the log only: whoever sent it is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsealable {
    #[error("it is longer than any state that this server seals")]
    TooLong,
    #[error("it is not in the form of a sealed state")]
    Malformed,
    #[error("it was sealed with a key that is not, or no longer, in use")]
    UnknownKey,
    #[error(
        "it was changed, or belongs to another tenant, principal, method, name or other arguments"
    )]
    NotAuthentic,
    #[error("it has expired")]
    Expired,
}

/// The most bytes that a sealed state has as text.
pub(crate) const MAX_SEALED: usize = 256 * 1024;

const FORMAT: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;
const HEAD: usize = 1 + KEY_ID + NONCE;
const TAG: usize = 16;
const EXPIRY: usize = 8;

impl StateKeys {
    /// One key of 32 random bytes, made elsewhere and kept secret.
    pub fn from_bytes(key: [u8; 32]) -> Self {
        Self { keys: vec![Key::new(&key)] }
    }

    /// A key that exists in this process only.
    ///
    /// # Errors
    ///
    /// When the operating system gives no random bytes.
    pub fn random() -> io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self::from_bytes(key))
    }

    /// Also opens what was sealed with this key; nothing is sealed with it any more.
    #[must_use]
    pub fn with_previous(mut self, key: [u8; 32]) -> Self {
        self.keys.push(Key::new(&key));
        self
    }

    /// Seals `payload`; `None` when it is too long for a state.
    pub(crate) fn seal(
        &self,
        binding: &Binding,
        expires: SystemTime,
        payload: &[u8],
    ) -> Option<String> {
        let nonce: [u8; NONCE] = random();
        self.seal_with(nonce, binding, expires, payload)
    }

    fn seal_with(
        &self,
        nonce: [u8; NONCE],
        binding: &Binding,
        expires: SystemTime,
        payload: &[u8],
    ) -> Option<String> {
        let size = HEAD + EXPIRY + payload.len() + TAG;
        if size > MAX_SEALED / 4 * 3 {
            return None;
        }
        let key = self.keys.first()?;
        let mut head = [0; HEAD];
        head[0] = FORMAT;
        head[1..=KEY_ID].copy_from_slice(&key.id);
        head[1 + KEY_ID..].copy_from_slice(&nonce);
        let mut secret = Vec::with_capacity(EXPIRY + payload.len() + TAG);
        secret.extend_from_slice(&seconds(expires).to_be_bytes());
        secret.extend_from_slice(payload);
        key.cipher
            .encrypt_in_place(&XNonce::from(nonce), &associated(&head, binding), &mut secret)
            .ok()?;
        let mut envelope = Vec::with_capacity(size);
        envelope.extend_from_slice(&head);
        envelope.append(&mut secret);
        Some(BASE64URL.encode(envelope))
    }

    /// Opens a state that was sealed for the same binding and has not expired.
    pub(crate) fn open(
        &self,
        binding: &Binding,
        now: SystemTime,
        sealed: &str,
    ) -> Result<Opened, Unsealable> {
        if sealed.len() > MAX_SEALED {
            return Err(Unsealable::TooLong);
        }
        let envelope = BASE64URL.decode(sealed).map_err(|_| Unsealable::Malformed)?;
        let (head, sealed) = envelope.split_first_chunk::<HEAD>().ok_or(Unsealable::Malformed)?;
        let (named, nonce) = head[1..].split_at(KEY_ID);
        let nonce = <[u8; NONCE]>::try_from(nonce).map_err(|_| Unsealable::Malformed)?;
        if head[0] != FORMAT {
            return Err(Unsealable::Malformed);
        }
        // Ids are short: two keys may have the same one.
        let mut failure = Unsealable::UnknownKey;
        for key in self.keys.iter().filter(|key| key.id == named) {
            failure = Unsealable::NotAuthentic;
            let mut secret = sealed.to_vec();
            let associated = associated(head, binding);
            let opened =
                key.cipher.decrypt_in_place(&XNonce::from(nonce), &associated, &mut secret);
            if opened.is_ok() {
                let (expiry, payload) =
                    secret.split_first_chunk::<EXPIRY>().ok_or(Unsealable::Malformed)?;
                let expires = Duration::from_secs(u64::from_be_bytes(*expiry));
                let expires = UNIX_EPOCH.checked_add(expires).ok_or(Unsealable::Malformed)?;
                if expires <= now {
                    return Err(Unsealable::Expired);
                }
                return Ok(Opened { id: StateId(nonce), expires, payload: payload.to_vec() });
            }
        }
        Err(failure)
    }
}

impl Key {
    fn new(key: &[u8; 32]) -> Self {
        let id = Digest::of("state key").field(key).short();
        Self { id, cipher: XChaCha20Poly1305::new(key.into()) }
    }
}

impl fmt::Debug for StateKeys {
    /// Shows how many keys there are, and nothing of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateKeys").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl Binding {
    /// Binds to a caller and to a digest of the request.
    ///
    /// The profiles are no part of it: those that were in force are in the payload, since another
    /// error answers when one is missing.
    pub(crate) fn new(tenant: &str, principal: &Principal, request: &[u8; 32]) -> Self {
        let id = principal.id();
        let mut bytes = Vec::with_capacity(64 + tenant.len() + id.map_or(0, str::len));
        put(&mut bytes, tenant.as_bytes());
        // Nobody can have an id that makes him the local caller, or an anonymous one.
        bytes.push(match id {
            Some(_) => 1,
            None if principal.is_local() => 0,
            None => 2,
        });
        put(&mut bytes, id.unwrap_or_default().as_bytes());
        bytes.extend_from_slice(request);
        Self(bytes)
    }
}

impl StateId {
    /// The id as bytes, for a store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
impl StateId {
    pub(crate) fn from_number(number: u8) -> Self {
        Self([number; NONCE])
    }
}

impl fmt::Display for StateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL.encode(self.0))
    }
}

fn associated(head: &[u8; HEAD], binding: &Binding) -> Vec<u8> {
    [&head[..=KEY_ID], &binding.0].concat()
}

/// Appends `field` after its length, so that no two lists of fields give the same bytes.
fn put(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
    bytes.extend_from_slice(field);
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const SECRET: &[u8] = b"{\"once\":{\"reserve\":17}}";

    fn binding() -> Binding {
        Binding::new("vidsrus.example", &Principal::new("ada"), &[1; 32])
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn sealed() -> String {
        StateKeys::from_bytes(KEY).seal(&binding(), at(1_000), SECRET).unwrap()
    }

    fn open(binding: &Binding, sealed: &str) -> Result<Opened, Unsealable> {
        StateKeys::from_bytes(KEY).open(binding, at(999), sealed)
    }

    #[test]
    fn what_was_sealed_comes_back_and_cannot_be_read_on_the_way() {
        let sealed = sealed();
        let envelope = BASE64URL.decode(&sealed).unwrap();
        assert!(!envelope.windows(4).any(|window| window == b"once"));
        let opened = open(&binding(), &sealed).unwrap();
        assert_eq!((opened.payload.as_slice(), opened.expires), (SECRET, at(1_000)));
    }

    #[test]
    fn the_same_payload_is_sealed_differently_each_time() {
        let (one, two) = (sealed(), sealed());
        assert_ne!(one, two);
        assert_ne!(open(&binding(), &one).unwrap().id, open(&binding(), &two).unwrap().id);
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let envelope = BASE64URL.decode(sealed()).unwrap();
        for at in 0..envelope.len() {
            let mut changed = envelope.clone();
            changed[at] ^= 1;
            let failure = open(&binding(), &BASE64URL.encode(changed)).unwrap_err();
            let expected = match at {
                0 => Unsealable::Malformed,
                1..=KEY_ID => Unsealable::UnknownKey,
                _ => Unsealable::NotAuthentic,
            };
            assert_eq!(failure, expected, "byte {at}");
        }
    }

    #[test]
    fn cut_and_extended_states_are_refused() {
        let sealed = sealed();
        for length in 0..sealed.len() {
            assert!(open(&binding(), &sealed[..length]).is_err(), "{length}");
        }
        for text in [format!("{sealed}A"), format!("{sealed}=="), format!(" {sealed}")] {
            assert!(open(&binding(), &text).is_err(), "{text}");
        }
        assert_eq!(open(&binding(), "ä").unwrap_err(), Unsealable::Malformed);
        assert_eq!(open(&binding(), "").unwrap_err(), Unsealable::Malformed);
    }

    #[test]
    fn a_state_ends_at_its_expiry() {
        let (keys, sealed) = (StateKeys::from_bytes(KEY), sealed());
        assert!(keys.open(&binding(), at(0), &sealed).is_ok());
        assert!(keys.open(&binding(), at(999), &sealed).is_ok());
        assert_eq!(keys.open(&binding(), at(1_000), &sealed).unwrap_err(), Unsealable::Expired);
    }

    #[test]
    fn previous_keys_open_and_do_not_seal() {
        let rotated = StateKeys::from_bytes([8; 32]).with_previous(KEY);
        assert!(rotated.open(&binding(), at(0), &sealed()).is_ok());
        let new = rotated.seal(&binding(), at(1_000), SECRET).unwrap();
        assert_eq!(open(&binding(), &new).unwrap_err(), Unsealable::UnknownKey);
        assert!(StateKeys::from_bytes([8; 32]).open(&binding(), at(0), &new).is_ok());
        let gone = StateKeys::from_bytes([8; 32]);
        assert_eq!(gone.open(&binding(), at(0), &sealed()).unwrap_err(), Unsealable::UnknownKey);
        let random = StateKeys::random().unwrap();
        assert_eq!(random.open(&binding(), at(0), &sealed()).unwrap_err(), Unsealable::UnknownKey);
    }

    #[test]
    fn another_caller_or_request_cannot_use_it() {
        let sealed = sealed();
        for other in [
            Binding::new("other.example", &Principal::new("ada"), &[1; 32]),
            Binding::new("", &Principal::new("ada"), &[1; 32]),
            Binding::new("vidsrus.example", &Principal::new("bob"), &[1; 32]),
            Binding::new("vidsrus.example", &Principal::local(), &[1; 32]),
            Binding::new("vidsrus.example", &Principal::anonymous(), &[1; 32]),
            Binding::new("vidsrus.example", &Principal::new(""), &[1; 32]),
            Binding::new("vidsrus.exampl", &Principal::new("eada"), &[1; 32]),
            Binding::new("vidsrus.example", &Principal::new("ada"), &[2; 32]),
        ] {
            assert_eq!(open(&other, &sealed).unwrap_err(), Unsealable::NotAuthentic, "{other:?}");
        }
        let local = Binding::new("", &Principal::local(), &[1; 32]);
        let sealed = StateKeys::from_bytes(KEY).seal(&local, at(1_000), SECRET).unwrap();
        assert!(open(&local, &sealed).is_ok());
        for other in [Principal::new(""), Principal::anonymous()] {
            assert!(open(&Binding::new("", &other, &[1; 32]), &sealed).is_err());
        }
    }

    #[test]
    fn states_have_a_largest_size() {
        let keys = StateKeys::from_bytes(KEY);
        let most = MAX_SEALED / 4 * 3 - HEAD - EXPIRY - TAG;
        let sealed = keys.seal(&binding(), at(1_000), &vec![0; most]).unwrap();
        assert!(sealed.len() <= MAX_SEALED);
        assert!(open(&binding(), &sealed).is_ok());
        assert!(keys.seal(&binding(), at(1_000), &vec![0; most + 1]).is_none());
        let long = "A".repeat(MAX_SEALED + 1);
        assert_eq!(open(&binding(), &long).unwrap_err(), Unsealable::TooLong);
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", StateKeys::from_bytes(KEY)), "StateKeys { keys: 1, .. }");
    }
}
