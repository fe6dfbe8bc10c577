//! JSON text that is known to be an object and is passed on without being taken apart.
//!
//! Owns the check and the line rule: text kept here contains no line break, so that it can stand in
//! a message on any transport. It does not know what the object means.

use std::{fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Map, Value, value::RawValue};

/// A JSON object kept as text.
///
/// Cloning shares the text. Two are equal when their texts are equal: the order of the members and
/// the blanks between them count. Line breaks between members are removed when it is made.
#[derive(Clone)]
pub struct RawObject(Arc<RawValue>);

impl RawObject {
    /// Returns `{}`.
    pub fn empty() -> Self {
        Self::from(Map::new())
    }

    /// Writes `value` as JSON, which must be an object.
    ///
    /// # Errors
    ///
    /// When `value` cannot be written as JSON, or is written as something else than an object.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, RawObjectError> {
        let raw = serde_json::value::to_raw_value(value).map_err(RawObjectError::NotJson)?;
        Self::from_raw(raw)
    }

    /// Takes JSON text, which must be one object.
    ///
    /// # Errors
    ///
    /// When `text` is not JSON, or something else than an object.
    pub fn from_text(text: impl Into<String>) -> Result<Self, RawObjectError> {
        Self::from_raw(RawValue::from_string(text.into()).map_err(RawObjectError::NotJson)?)
    }

    /// Takes a raw value, which must be an object.
    ///
    /// # Errors
    ///
    /// When `raw` is something else than an object.
    pub fn from_raw(raw: Box<RawValue>) -> Result<Self, RawObjectError> {
        match kind_of(&raw) {
            Kind::Object => Ok(Self(one_line(raw).into())),
            kind => Err(RawObjectError::NotAnObject(kind.name())),
        }
    }

    /// The object's JSON text, in one line.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The object as a raw value.
    pub fn as_raw(&self) -> &RawValue {
        &self.0
    }

    /// Whether the object has no members.
    pub fn is_empty(&self) -> bool {
        self.as_str()[1..].trim_start().starts_with('}')
    }

    /// Decodes the object.
    ///
    /// # Errors
    ///
    /// When the object does not fit `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_str())
    }
}

impl Default for RawObject {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Map<String, Value>> for RawObject {
    fn from(map: Map<String, Value>) -> Self {
        let raw = serde_json::value::to_raw_value(&map)
            .expect("a map with string keys and JSON values can be written");
        Self(raw.into())
    }
}

impl TryFrom<Value> for RawObject {
    type Error = RawObjectError;

    fn try_from(value: Value) -> Result<Self, RawObjectError> {
        Self::new(&value)
    }
}

impl PartialEq for RawObject {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RawObject {}

impl fmt::Debug for RawObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RawObject").field(&self.as_str()).finish()
    }
}

impl Serialize for RawObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_raw(raw).map_err(D::Error::custom)
    }
}

/// Why a value is no [`RawObject`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RawObjectError {
    /// It cannot be read or written as JSON.
    #[error("not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// It is JSON of another kind, which is named here with its article.
    #[error("{0}, expected an object")]
    NotAnObject(&'static str),
}

/// What a JSON text is, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Boolean,
    Null,
    Number,
}

impl Kind {
    /// The kind's name with its article, for error messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::String => "a string",
            Self::Boolean => "a boolean",
            Self::Null => "null",
            Self::Number => "a number",
        }
    }
}

pub(super) fn kind_of(raw: &RawValue) -> Kind {
    match raw.get().trim_start().as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::Array,
        Some(b'"') => Kind::String,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'n') => Kind::Null,
        _ => Kind::Number,
    }
}

/// Removes line breaks. In valid JSON they stand only between tokens, never inside a string.
pub(super) fn one_line(raw: Box<RawValue>) -> Box<RawValue> {
    if memchr::memchr2(b'\n', b'\r', raw.get().as_bytes()).is_none() {
        return raw;
    }
    let text: String = raw.get().chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    RawValue::from_string(text).expect("blanks between tokens can be removed from valid JSON")
}

/// Decodes a field that is present, whatever its value: `null` is kept and not taken for absence.
///
/// Use it with `#[serde(default, deserialize_with = …)]`.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(|raw| Some(one_line(raw)))
}

/// Decodes a field that has to be there, whatever its value.
pub(super) fn raw_line<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Box<RawValue>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(one_line)
}

/// Compares raw values by their text.
pub(super) fn same_text(a: Option<&RawValue>, b: Option<&RawValue>) -> bool {
    a.map(RawValue::get) == b.map(RawValue::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_with_line_breaks_becomes_one_line() {
        let object = RawObject::from_text("{\r\n  \"a\": \"b\\nc\",\n  \"d\": 1 }\n").unwrap();
        assert_eq!(object.as_str(), r#"{  "a": "b\nc",  "d": 1 }"#);
    }

    #[test]
    fn other_kinds_are_refused_by_name() {
        for (text, name) in [
            ("[]", "an array"),
            ("\"{\"", "a string"),
            ("-1", "a number"),
            ("true", "a boolean"),
            ("null", "null"),
        ] {
            let error = RawObject::from_text(text).unwrap_err().to_string();
            assert_eq!(error, format!("{name}, expected an object"));
            assert!(serde_json::from_str::<RawObject>(text).is_err());
        }
        assert!(matches!(RawObject::from_text("{"), Err(RawObjectError::NotJson(_))));
    }

    #[test]
    fn emptiness_is_told_from_the_text() {
        assert!(RawObject::empty().is_empty());
        assert!(RawObject::from_text("{ }").unwrap().is_empty());
        assert!(!RawObject::from_text("{\"a\":1}").unwrap().is_empty());
    }

    #[test]
    fn values_pass_through_a_tree_and_back() {
        let object = RawObject::from_text(r#"{"a":[1,2]}"#).unwrap();
        let tree = serde_json::to_value(&object).unwrap();
        assert_eq!(serde_json::from_value::<RawObject>(tree).unwrap(), object);
    }
}
