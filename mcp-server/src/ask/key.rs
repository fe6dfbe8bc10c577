//! Names that nobody chooses: of calls, of questions, of what a state is bound to.
//!
//! Owns the digest behind them and the randomness. It does not know what is named.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::Digest as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

/// The name of a call, the same in all its rounds and unique for ever.
///
/// It is what a backend takes as an idempotency key: a call that runs again after a question, and
/// repeats what it did before, does it under the same name. It says nothing about the caller.
///
/// # Examples
/// ```
/// use mcp_server::CallContext;
/// async fn pay(ctx: CallContext) -> String {
///     let idempotency_key = ctx.call_id().to_string();
///     # idempotency_key
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey([u8; 16]);

impl CallKey {
    pub(crate) fn random() -> Self {
        Self(random())
    }

    /// The name as bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for CallKey {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallKey({self})")
    }
}

impl Serialize for CallKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for CallKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64URL.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom("expected the key of a call"))
    }
}

/// A digest of several fields, in an order and with a purpose that are part of it.
pub(crate) struct Digest(sha2::Sha256);

impl Digest {
    pub(crate) fn of(purpose: &str) -> Self {
        Self(sha2::Sha256::new()).field(purpose.as_bytes())
    }

    /// Adds a field after its length, so that no two lists of fields are the same bytes.
    pub(crate) fn field(mut self, field: &[u8]) -> Self {
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
        self
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The first bytes of the digest.
    pub(crate) fn short<const N: usize>(self) -> [u8; N] {
        let whole = self.finish();
        std::array::from_fn(|at| whole[at])
    }

    /// A name for what was digested, with its kind for people who look at messages.
    pub(crate) fn name(self, kind: &str) -> String {
        format!("{kind}-{}", BASE64URL.encode(self.short::<18>()))
    }
}

/// The digest of a request: of its method, the name of what it is for, and its arguments.
///
/// Arguments that differ only in the order of their members or in blanks are the same: a client may
/// write them anew when it calls again.
pub(crate) fn digest_of_request(
    method: &str,
    name: &str,
    arguments: Option<&RawValue>,
) -> [u8; 32] {
    let text = arguments.map_or("{}", RawValue::get);
    // A value that is nested too deeply to be read counts as it is written.
    let canonical = serde_json::from_str::<Value>(text)
        .ok()
        .and_then(|value| serde_json::to_string(&Sorted(&value)).ok());
    let arguments = canonical.as_deref().unwrap_or(text);
    Digest::of("request")
        .field(method.as_bytes())
        .field(name.as_bytes())
        .field(arguments.as_bytes())
        .finish()
}

/// A value whose members are written in the order of their names, whatever map holds them.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let sorted: BTreeMap<_, _> =
                    members.iter().map(|(name, value)| (name, Sorted(value))).collect();
                serializer.collect_map(sorted)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            other => other.serialize(serializer),
        }
    }
}

/// Random bytes from the operating system.
///
/// # Panics
/// When there are none: then std's hash maps, which every server has, panic as well.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, name: &str, arguments: Option<&str>) -> [u8; 32] {
        let raw = arguments.map(|text| RawValue::from_string(text.to_owned()).unwrap());
        digest_of_request(method, name, raw.as_deref())
    }

    #[test]
    fn arguments_count_by_their_value_and_not_by_how_they_are_written() {
        let digest = request("tools/call", "remove", Some(r#"{"a":1,"b":{"c":[1,2],"d":"x"}}"#));
        let rewritten = r#"{ "b": {"d":"\u0078", "c":[1, 2]}, "a": 1 }"#;
        assert_eq!(request("tools/call", "remove", Some(rewritten)), digest);
        for other in [r#"{"a":1,"b":{"c":[2,1],"d":"x"}}"#, r#"{"a":1}"#, "{}"] {
            assert_ne!(request("tools/call", "remove", Some(other)), digest, "{other}");
        }
        assert_eq!(request("m", "n", None), request("m", "n", Some("{ }")));
    }

    #[test]
    fn method_and_name_count_each_for_itself() {
        let digest = request("tools/call", "remove", None);
        assert_ne!(request("prompts/get", "remove", None), digest);
        assert_ne!(request("tools/cal", "lremove", None), digest);
        assert_ne!(request("tools/call", "", None), digest);
    }

    #[test]
    fn what_cannot_be_read_as_a_tree_counts_as_it_is_written() {
        let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(request("m", "n", Some(&deep)), request("m", "n", Some(&deep)));
        assert_ne!(request("m", "n", Some(&deep)), request("m", "n", None));
    }

    #[test]
    fn keys_of_calls_survive_a_round_trip_and_are_all_different() {
        let key = CallKey::random();
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<CallKey>(&text).unwrap(), key);
        assert_ne!(CallKey::random(), key);
        assert_eq!(key.to_string().len(), 32);
        for text in ["\"\"", "\"AA\"", "7", "\"????\""] {
            assert!(serde_json::from_str::<CallKey>(text).is_err(), "{text}");
        }
    }
}
