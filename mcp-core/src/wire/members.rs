//! An object read one level deep.
//!
//! `params` and `_meta` are read this way: one pass, keys and raw values borrowed, no tree. What
//! is read further is decided by the method.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapDeserializer;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::jsonrpc::shown;

/// The members of one JSON object, in order, values still raw.
#[derive(Debug, Clone, Default)]
pub struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// More members than any message of the protocol has; a larger object is refused.
const MOST: usize = 256;

impl<'a> Members<'a> {
    /// Reads an object; nothing at all counts as an empty one.
    ///
    /// # Errors
    /// Says what stands there instead of an object, or which member stands there twice.
    pub fn read(object: Option<&'a RawValue>) -> Result<Self, serde_json::Error> {
        match object {
            Some(object) => serde_json::from_str(object.get()),
            None => Ok(Self::default()),
        }
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The raw value of a member.
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }

    /// A member decoded as `T`; `None` when it is absent.
    ///
    /// # Errors
    /// Names the member and says what was expected.
    pub fn decode<T: Deserialize<'a>>(&self, name: &str) -> Result<Option<T>, InvalidMember> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw.get()).map(Some).map_err(|error| InvalidMember {
            name: name.to_owned(),
            problem: without_place(&error),
        })
    }

    /// A string member, borrowed where it holds no escapes.
    ///
    /// # Errors
    /// Names the member when it is no string.
    pub fn string(&self, name: &str) -> Result<Option<Cow<'a, str>>, InvalidMember> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        if let Some(text) = raw.get().strip_prefix('"').and_then(|t| t.strip_suffix('"'))
            && !text.contains('\\')
        {
            return Ok(Some(Cow::Borrowed(text)));
        }
        self.decode::<String>(name).map(|text| text.map(Cow::Owned))
    }

    /// Decodes the whole object as `T`.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn decode_all<T: Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        let members = self.0.iter().map(|(name, value)| (&**name, *value));
        T::deserialize(MapDeserializer::new(members))
    }

    /// Name and raw value of each member, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(key, value)| (&**key, *value))
    }
}

/// A member that does not hold what it must.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{name}`: {problem}")]
pub struct InvalidMember {
    name: String,
    problem: String,
}

/// The text of an error without the position, which means nothing to whoever sent the whole.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Object::deserialize(deserializer)? {
            Object::Members(members) => Ok(members),
            Object::Invalid(problem) => Err(D::Error::custom(problem)),
        }
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// What stands where an object should, without failing the message around it.
#[derive(Debug)]
pub(crate) enum Object<'a> {
    Members(Members<'a>),
    Invalid(String),
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for ObjectVisitor<'a> {
            type Value = Object<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'a>, A::Error> {
                let mut members: Vec<(Cow<'a, str>, &'a RawValue)> = Vec::with_capacity(4);
                let mut problem = None;
                while let Some(Key(key)) = map.next_key::<Key<'a>>()? {
                    if members.len() == MOST {
                        problem = Some(format!("more than {MOST} members"));
                    } else if members.iter().any(|(known, _)| *known == key) {
                        problem = Some(format!("`{}` stands there twice", shown(&key)));
                    }
                    match problem {
                        None => members.push((key, map.next_value()?)),
                        Some(_) => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(problem.map_or(Object::Members(Members(members)), Object::Invalid))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Object<'a>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(not_an_object("an array"))
            }
            fn visit_str<E>(self, _: &str) -> Result<Object<'a>, E> {
                Ok(not_an_object("a string"))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Object<'a>, E> {
                Ok(not_an_object("a boolean"))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Object<'a>, E> {
                Ok(not_an_object("a number"))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Object<'a>, E> {
                Ok(not_an_object("a number"))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Object<'a>, E> {
                Ok(not_an_object("a number"))
            }
            fn visit_unit<E>(self) -> Result<Object<'a>, E> {
                Ok(not_an_object("null"))
            }
        }
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

fn not_an_object<'a>(found: &str) -> Object<'a> {
    Object::Invalid(format!("expected an object, found {found}"))
}

/// A member's name, borrowed where it holds no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for KeyVisitor<'a> {
            type Value = Key<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }
            fn visit_str<E>(self, key: &str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Members<'_>, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn members_are_borrowed_and_found_by_name() {
        let members = read(r#"{"name":"echo","arguments":{"a":[1,2]},"n\u0061":1}"#).unwrap();
        assert!(matches!(members.string("name"), Ok(Some(Cow::Borrowed("echo")))));
        assert_eq!(members.raw("arguments").unwrap().get(), r#"{"a":[1,2]}"#);
        assert_eq!(members.decode::<u32>("na").unwrap(), Some(1));
        assert_eq!(members.decode::<u32>("absent").unwrap(), None);
        let written = serde_json::to_string(&members).unwrap();
        assert_eq!(written, r#"{"name":"echo","arguments":{"a":[1,2]},"na":1}"#);
    }

    #[test]
    fn the_whole_object_decodes_from_its_members() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Whole<'a> {
            name: &'a str,
            list: Vec<u8>,
            #[serde(default)]
            absent: Option<bool>,
        }
        let members = read(r#"{"name":"echo","list":[1,2],"more":{}}"#).unwrap();
        let whole: Whole<'_> = members.decode_all().unwrap();
        assert_eq!(whole, Whole { name: "echo", list: vec![1, 2], absent: None });
    }

    #[test]
    fn a_wrong_member_is_named() {
        let members = read(r#"{"cursor":7}"#).unwrap();
        let said = members.string("cursor").unwrap_err().to_string();
        assert_eq!(said, "`cursor`: invalid type: integer `7`, expected a string");
    }

    #[test]
    fn duplicates_and_floods_are_refused() {
        assert!(read(r#"{"a":1,"a":2}"#).unwrap_err().to_string().contains("twice"));
        let many: String = (0..300).map(|i| format!("\"k{i}\":0,")).collect();
        assert!(read(&format!("{{{}}}", many.trim_end_matches(','))).is_err());
        assert!(read("[]").unwrap_err().to_string().contains("expected an object, found an array"));
    }
}
