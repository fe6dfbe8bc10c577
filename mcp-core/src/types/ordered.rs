//! Objects whose members have an order that means something to people.
//!
//! Owns reading and writing them as pairs, with two rules: no name stands twice, and there are not
//! more members than [`MOST`]. It knows no member.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess},
};

/// More members than any form or list of questions has; a larger object is refused.
pub(super) const MOST: usize = 256;

/// Writes pairs as an object, in their order. Use it with `#[serde(serialize_with = …)]`.
pub(super) fn serialize<V: Serialize, S: Serializer>(
    pairs: &[(String, V)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// Reads an object as pairs, in their order. Use it with `#[serde(deserialize_with = …)]`.
pub(super) fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(String, V)>, D::Error> {
    struct PairsVisitor<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> de::Visitor<'de> for PairsVisitor<V> {
        type Value = Vec<(String, V)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs: Self::Value = Vec::new();
            while let Some(name) = map.next_key::<String>()? {
                if pairs.len() == MOST {
                    return Err(de::Error::custom(format_args!("more than {MOST} members")));
                }
                if pairs.iter().any(|(known, _)| *known == name) {
                    return Err(de::Error::custom(format_args!("`{name}` stands there twice")));
                }
                let value = map
                    .next_value()
                    .map_err(|error| de::Error::custom(format_args!("`{name}`: {error}")))?;
                pairs.push((name, value));
            }
            Ok(pairs)
        }
    }

    deserializer.deserialize_map(PairsVisitor(PhantomData))
}

/// Sets the value at `name`: in the place of the one that was there, or else at the end.
pub(super) fn insert<V>(pairs: &mut Vec<(String, V)>, name: String, value: V) -> Option<V> {
    match pairs.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => Some(std::mem::replace(old, value)),
        None => {
            pairs.push((name, value));
            None
        }
    }
}

/// The value at `name`.
pub(super) fn get<'a, V>(pairs: &'a [(String, V)], name: &str) -> Option<&'a V> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, u8)>, String> {
        deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|e| e.to_string())
    }

    #[test]
    fn members_keep_their_order() {
        let pairs = read(r#"{"b":1,"a":2}"#).unwrap();
        assert_eq!(pairs, [("b".to_owned(), 1), ("a".to_owned(), 2)]);
        let mut out = Vec::new();
        serialize(&pairs, &mut serde_json::Serializer::new(&mut out)).unwrap();
        assert_eq!(out, br#"{"b":1,"a":2}"#);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(read(r#"{"a":1,"a":2}"#).unwrap_err().starts_with("`a` stands there twice"));
        assert!(read(r#"{"a":"x"}"#).unwrap_err().starts_with("`a`: invalid type"));
        let many: Vec<_> = (0..257).map(|n| format!("\"{n}\":1")).collect();
        assert!(read(&format!("{{{}}}", many.join(","))).unwrap_err().contains("more than 256"));
    }

    #[test]
    fn a_value_is_replaced_where_it_stands() {
        let mut pairs = read(r#"{"b":1,"a":2}"#).unwrap();
        assert_eq!(insert(&mut pairs, "b".to_owned(), 3), Some(1));
        assert_eq!(insert(&mut pairs, "c".to_owned(), 4), None);
        assert_eq!(get(&pairs, "b"), Some(&3));
        assert_eq!(pairs.len(), 3);
    }
}
