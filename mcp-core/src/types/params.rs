//! How params are decoded that stay borrowed from the message.
//!
//! It knows no method: what the fields mean is written where the params are.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use super::raw::{Kind, kind_of};

/// Decodes `T` from an object and from nothing else.
///
/// A struct could be decoded from an array too, which MCP does not allow for params.
pub(super) fn from_object<'de, D, T>(
    deserializer: D,
    expecting: &'static str,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct ObjectVisitor<T> {
        expecting: &'static str,
        fields: PhantomData<T>,
    }

    impl<'de, T: Deserialize<'de>> de::Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.expecting)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(ObjectVisitor { expecting, fields: PhantomData })
}

/// A string that is copied only where it has escapes.
///
/// Serde borrows a `Cow` directly in a field, but not inside an `Option`.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// A field that has to be an object and is not.
pub(super) struct NotAnObject {
    field: &'static str,
    found: Kind,
}

impl fmt::Display for NotAnObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is {}, expected an object", self.field, self.found.name())
    }
}

pub(super) fn check_object(field: &'static str, raw: &RawValue) -> Result<(), NotAnObject> {
    match kind_of(raw) {
        Kind::Object => Ok(()),
        found => Err(NotAnObject { field, found }),
    }
}

/// Checks several fields, of which any may be absent.
pub(super) fn check_objects<const N: usize>(
    fields: [(&'static str, Option<&RawValue>); N],
) -> Result<(), NotAnObject> {
    fields
        .into_iter()
        .filter_map(|(field, value)| Some((field, value?)))
        .try_for_each(|(field, raw)| check_object(field, raw))
}
