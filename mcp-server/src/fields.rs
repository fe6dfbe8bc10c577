//! The fields of a struct in the order in which they are declared.
//!
//! A generated schema has them in the order of the alphabet, but a person fills in a form from top to
//! bottom, and arguments are listed with the important ones first. Serde tells the names when a struct is decoded, before it looks at any value.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};

/// The names of the fields of `T`; nothing when it is no plain struct.
pub(crate) fn of<T: DeserializeOwned>() -> &'static [&'static str] {
    T::deserialize(AskFields).err().map_or(&[], |Fields(names)| names)
}

struct AskFields;

/// What came of the question: an error, for there is no value to decode.
#[derive(Debug)]
struct Fields(&'static [&'static str]);

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no value")
    }
}

impl std::error::Error for Fields {}

impl de::Error for Fields {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for AskFields {
    type Error = Fields;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fields> {
        Err(Fields(fields))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fields> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[test]
    fn fields_come_in_the_order_of_their_declaration() {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[expect(dead_code, reason = "only described")]
        struct Sure {
            title_again: String,
            #[serde(rename = "x")]
            a: Option<u8>,
            #[serde(skip)]
            left_out: bool,
        }
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only described")]
        struct Wrapped(Sure);
        assert_eq!(of::<Sure>(), ["titleAgain", "x"]);
        assert_eq!(of::<Wrapped>(), ["titleAgain", "x"]);
    }

    #[test]
    fn other_types_have_none() {
        assert!(of::<String>().is_empty());
        assert!(of::<Option<u8>>().is_empty());
        assert!(of::<std::collections::BTreeMap<String, u8>>().is_empty());
    }
}
