//! Proofs that were used, so that none is used again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use std::{fmt, io};

use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};

/// Which proofs were used (RFC 9449, 11.1).
///
/// [`ProofsInMemory`] is enough for one process. Where several processes answer for one resource, a
/// proof that one has seen must be known to all: implement this on what they share.
pub trait ReplayStore: fmt::Debug + Send + Sync + 'static {
    /// Marks a proof as used and says whether it was unused before.
    ///
    /// Marking and looking have to be one step: of two requests with the same proof at the same time
    /// one gets `false`. Nobody asks for the proof after it has expired: it can be forgotten then.
    ///
    /// # Errors
    ///
    /// The store cannot tell. The request is refused, and says that it is the server's fault.
    fn use_up(&self, proof: UsedProof) -> BoxFuture<'_, io::Result<bool>>;
}

/// One store for several validators.
impl<S: ReplayStore + ?Sized> ReplayStore for Arc<S> {
    fn use_up(&self, proof: UsedProof) -> BoxFuture<'_, io::Result<bool>> {
        (**self).use_up(proof)
    }
}

/// A proof that is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsedProof {
    /// The key that it was made with, hashed.
    pub key: [u8; 16],
    /// Its `jti`, hashed together with the key: unlike that of any other proof.
    pub id: [u8; 16],
    /// What time it is.
    pub now: SystemTime,
    /// When it expires.
    pub expires_at: SystemTime,
}

impl UsedProof {
    /// The proof with this `jti`, made with the key of this thumbprint.
    pub fn new(thumbprint: &str, jti: &str, now: SystemTime, expires_at: SystemTime) -> Self {
        let key = Sha256::digest(thumbprint);
        let id = Sha256::new().chain_update(key).chain_update(jti).finalize();
        Self { key: half(&key), id: half(&id), now, expires_at }
    }
}

/// Used proofs in the memory of this process.
///
/// It holds a bounded number of them, and of each key a bounded share, so that one caller cannot
/// shut out the others. What has no room is refused with an error, never let in unmarked: give it
/// room for as many requests as come within the lifetime of a proof.
pub struct ProofsInMemory {
    most: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    ids: HashSet<[u8; 16]>,
    /// When each expires, and of which key it is.
    by_expiry: BTreeSet<(SystemTime, [u8; 16], [u8; 16])>,
    of_key: HashMap<[u8; 16], usize>,
}

impl ProofsInMemory {
    /// How many proofs are held unless another number is asked for: those of some 3000 requests a
    /// second, in 30 MB when all are.
    pub const DEFAULT_CAPACITY: usize = 262_144;

    /// Holds at most this many proofs, and a quarter of that for any one key.
    pub fn with_capacity(most: usize) -> Self {
        Self { most: most.max(4), used: Mutex::default() }
    }

    fn mark(&self, proof: UsedProof) -> io::Result<bool> {
        // Nothing between two changes can panic: the parts agree whatever happened elsewhere.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.forget_expired(proof.now);
        if used.ids.contains(&proof.id) {
            return Ok(false);
        }
        if used.ids.len() >= self.most {
            return Err(io::Error::other(
                "too many proofs are in use to remember another: raise the capacity of the replay store",
            ));
        }
        let of_key = used.of_key.entry(proof.key).or_default();
        if *of_key >= self.most / 4 {
            return Err(io::Error::other(
                "too many proofs of one key are in use to remember another: its holder sends too many requests, \
                 or the capacity of the replay store is too small",
            ));
        }
        *of_key += 1;
        used.ids.insert(proof.id);
        used.by_expiry.insert((proof.expires_at, proof.id, proof.key));
        Ok(true)
    }
}

impl Default for ProofsInMemory {
    fn default() -> Self {
        Self::with_capacity(Self::DEFAULT_CAPACITY)
    }
}

impl ReplayStore for ProofsInMemory {
    fn use_up(&self, proof: UsedProof) -> BoxFuture<'_, io::Result<bool>> {
        Box::pin(std::future::ready(self.mark(proof)))
    }
}

impl fmt::Debug for ProofsInMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofsInMemory").field("most", &self.most).finish_non_exhaustive()
    }
}

impl Used {
    fn forget_expired(&mut self, now: SystemTime) {
        while let Some((expires_at, id, key)) = self.by_expiry.first().copied() {
            if expires_at > now {
                break;
            }
            self.by_expiry.pop_first();
            self.ids.remove(&id);
            if let Some(of_key) = self.of_key.get_mut(&key) {
                *of_key -= 1;
                if *of_key == 0 {
                    self.of_key.remove(&key);
                }
            }
        }
    }
}

/// The first 128 bits: enough that nobody finds two alike, and half the memory.
fn half(digest: &[u8]) -> [u8; 16] {
    std::array::from_fn(|index| digest.get(index).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn proof(key: &str, jti: &str, now: u64) -> UsedProof {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        UsedProof::new(key, jti, at(now), at(now + 60))
    }

    #[test]
    fn proof_is_used_once_until_it_expires() {
        let store = ProofsInMemory::default();
        assert!(store.mark(proof("k", "1", 0)).unwrap());
        assert!(!store.mark(proof("k", "1", 59)).unwrap());
        assert!(store.mark(proof("other", "1", 59)).unwrap());
        assert!(store.mark(proof("k", "2", 59)).unwrap());
        assert!(store.mark(proof("k", "1", 60)).unwrap());
    }

    #[test]
    fn id_of_a_proof_does_not_depend_on_where_key_and_jti_meet() {
        assert_ne!(proof("ab", "c", 0).id, proof("a", "bc", 0).id);
    }

    #[test]
    fn full_store_refuses_and_has_room_again_later() {
        let store = ProofsInMemory::with_capacity(16);
        for key in 0..16 {
            assert!(store.mark(proof(&key.to_string(), "1", 0)).unwrap());
        }
        let error = store.mark(proof("late", "1", 1)).unwrap_err();
        assert!(error.to_string().contains("capacity"), "{error}");
        assert!(store.mark(proof("late", "1", 60)).unwrap());
        let used = store.used.lock().unwrap();
        assert_eq!((used.ids.len(), used.by_expiry.len(), used.of_key.len()), (1, 1, 1));
    }

    #[test]
    fn one_key_cannot_take_the_room_of_others() {
        let store = ProofsInMemory::with_capacity(16);
        for jti in ["1", "2", "3", "4"] {
            assert!(store.mark(proof("greedy", jti, 0)).unwrap());
        }
        let error = store.mark(proof("greedy", "5", 0)).unwrap_err();
        assert!(error.to_string().contains("one key"), "{error}");
        assert!(store.mark(proof("modest", "1", 0)).unwrap());
    }
}
