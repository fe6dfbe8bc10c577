//! Arguments that are strings on the wire: those of prompts, and the variables of URI templates.
//!
//! Owns the reading of such arguments and the parsing of each string into the type that a handler
//! takes. It does not know where the strings come from; what does not fit is said by `mismatch`, in
//! the same words as for the arguments of a tool.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use mcp_core::uri_template::UriVariables;
use serde::de::value::{BorrowedStrDeserializer, Error};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde_json::value::RawValue;

use crate::call::Callee;
use crate::mismatch;
use crate::outcome::ToolError;

/// Names and strings. The items of a list have the same name and stand side by side.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strings<'a>(Vec<Pair<'a>>);

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

impl<'a> Strings<'a> {
    /// Reads the arguments of a prompt: an object of strings. `null` counts as not given.
    pub(crate) fn from_json(
        callee: Callee<'_>,
        raw: Option<&'a RawValue>,
    ) -> Result<Self, ToolError> {
        let Some(raw) = raw else { return Ok(Self::default()) };
        let Object(found) = serde_json::from_str(raw.get())
            .map_err(|error| ToolError::new(mismatch::of_object(callee, &error)))?;
        let mut pairs = Vec::with_capacity(found.len());
        for (name, raw) in found {
            match serde_json::from_str(raw.get()) {
                Ok(Some(Text(text))) => pairs.push((name, text)),
                Ok(None) => {}
                Err(_) => return Err(ToolError::new(mismatch::of_argument::<String>(&name, raw))),
            }
        }
        Ok(Self(pairs))
    }

    /// The names that were given.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// What is given under a name, or `None`.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'_>> {
        let from = self.0.iter().position(|(known, _)| known == name)?;
        let count = self.0[from..].iter().take_while(|(known, _)| known == name).count();
        Some(Value(&self.0[from..from + count]))
    }

    /// Parses all of them into one value.
    ///
    /// # Errors
    ///
    /// Where it does not fit, and why.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, (String, String)> {
        serde_path_to_error::deserialize(All(&self.0)).map_err(|error| {
            let path = error.path().to_string();
            (if path == "." { String::new() } else { path }, error.inner().to_string())
        })
    }
}

impl<'a> From<UriVariables<'a>> for Strings<'a> {
    fn from(variables: UriVariables<'a>) -> Self {
        Self(variables.into_iter().map(|(name, value)| (Cow::Borrowed(name), value)).collect())
    }
}

/// What is given under one name: a string, or the items of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'s>(&'s [Pair<'s>]);

impl<'s> Value<'s> {
    /// Parses it.
    ///
    /// # Errors
    ///
    /// Why it does not fit.
    pub(crate) fn parse<T: DeserializeOwned>(self) -> Result<T, String> {
        T::deserialize(self).map_err(|error| error.to_string())
    }

    fn text(self) -> Result<&'s str, Error> {
        match self.0 {
            [(_, text)] => Ok(text),
            several => {
                Err(Error::custom(format_args!("{} values are given, expected one", several.len())))
            }
        }
    }
}

impl<'de> IntoDeserializer<'de, Error> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $number:ty;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let text = self.text()?;
            match text.parse::<$number>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(Error::invalid_value(Unexpected::Str(text), &visitor)),
            }
        }
    )* };
}

macro_rules! fractions {
    ($($method:ident $visit:ident $number:ty;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let text = self.text()?;
            // Rust reads `inf` and `NaN`, which no JSON number can be.
            match text.parse::<$number>() {
                Ok(number) if number.is_finite() => visitor.$visit(number),
                _ => Err(Error::invalid_value(Unexpected::Str(text), &visitor)),
            }
        }
    )* };
}

/// A string parses into what the type asks for. An empty one is no value for an `Option`.
impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            [(_, text)] => visitor.visit_borrowed_str(text),
            _ => self.deserialize_seq(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.text()? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(Error::invalid_value(Unexpected::Str(other), &"`true` or `false`")),
        }
    }

    numbers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
    }

    fractions! {
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_bytes(self.text()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            [(_, text)] if text.is_empty() => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items(self.0))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        BorrowedStrDeserializer::new(self.text()?).deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { unit unit_struct map struct identifier }
}

/// The items of a list.
struct Items<'s>(&'s [Pair<'s>]);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some((item, rest)) = self.0.split_first() else { return Ok(None) };
        self.0 = rest;
        seed.deserialize(Value(std::slice::from_ref(item))).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// All arguments as a map or struct.
struct All<'s>(&'s [Pair<'s>]);

impl<'de> Deserializer<'de> for All<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(Entries { rest: self.0, value: None })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries<'s> {
    rest: &'s [Pair<'s>],
    value: Option<Value<'s>>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((name, _)) = self.rest.first() else { return Ok(None) };
        let count = self.rest.iter().take_while(|(known, _)| known == name).count();
        let (run, rest) = self.rest.split_at(count);
        (self.value, self.rest) = (Some(Value(run)), rest);
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => Err(Error::custom("a value is read before its name")),
        }
    }
}

/// A JSON object whose values are not read yet.
struct Object<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'de> de::Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut found = BTreeMap::new();
                while let Some(Text(name)) = map.next_key()? {
                    let raw: &RawValue = map.next_value()?;
                    if found.contains_key(&name) {
                        let message = format_args!("argument `{name}` is given twice");
                        return Err(A::Error::custom(message));
                    }
                    found.insert(name, raw);
                }
                Ok(Object(found))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// A JSON string, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn value<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        let pairs = [(Cow::Borrowed("x"), Cow::Borrowed(text))];
        Value(&pairs).parse()
    }

    fn why<T: DeserializeOwned + fmt::Debug>(text: &str) -> String {
        value::<T>(text).unwrap_err()
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Title,
        Year,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Minute(u32);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(try_from = "String")]
    struct TitleId(String);

    impl TryFrom<String> for TitleId {
        type Error = &'static str;

        fn try_from(text: String) -> Result<Self, &'static str> {
            match text.strip_prefix("tt") {
                Some(id) => Ok(Self(id.to_owned())),
                None => Err("a title's id begins with `tt`"),
            }
        }
    }

    #[test]
    fn scalars_are_parsed() {
        assert_eq!(value::<u8>("7"), Ok(7));
        assert_eq!(value::<i64>("-7"), Ok(-7));
        assert_eq!(value::<u128>(&u128::MAX.to_string()), Ok(u128::MAX));
        assert_eq!(value::<f64>("1.5e3"), Ok(1500.0));
        assert_eq!(value::<bool>("true"), Ok(true));
        assert_eq!(value::<char>("ä"), Ok('ä'));
        assert_eq!(value::<String>("007"), Ok("007".to_owned()));
        assert_eq!(value::<Order>("year"), Ok(Order::Year));
        assert_eq!(value::<Minute>("3"), Ok(Minute(3)));
        assert_eq!(value::<TitleId>("tt3"), Ok(TitleId("3".to_owned())));
        assert_eq!(value::<Option<Minute>>("3"), Ok(Some(Minute(3))));
        assert_eq!(value::<Option<Minute>>(""), Ok(None));
        assert_eq!(value::<serde_json::Value>("3"), Ok("3".into()));
    }

    #[test]
    fn what_does_not_parse_is_said() {
        assert_eq!(why::<u8>("256"), "invalid value: string \"256\", expected u8");
        assert_eq!(why::<u8>(" 2"), "invalid value: string \" 2\", expected u8");
        assert_eq!(why::<u8>(""), "invalid value: string \"\", expected u8");
        assert_eq!(why::<f64>("NaN"), "invalid value: string \"NaN\", expected f64");
        assert_eq!(why::<f32>("1e99"), "invalid value: string \"1e99\", expected f32");
        assert_eq!(why::<bool>("yes"), "invalid value: string \"yes\", expected `true` or `false`");
        assert_eq!(why::<char>("ab"), "invalid value: string \"ab\", expected a character");
        assert_eq!(why::<Order>("best"), "unknown variant `best`, expected `title` or `year`");
        assert_eq!(why::<TitleId>("3"), "a title's id begins with `tt`");
        assert!(value::<BTreeMap<String, u8>>("{}").is_err());
        assert!(value::<()>("").is_err());
    }

    #[test]
    fn a_list_is_several_strings_or_one() {
        let pairs = ["1", "2"].map(|text| (Cow::Borrowed("x"), Cow::Borrowed(text)));
        assert_eq!(Value(&pairs).parse::<Vec<u8>>(), Ok(vec![1, 2]));
        assert_eq!(Value(&pairs).parse::<(u8, u8)>(), Ok((1, 2)));
        assert_eq!(Value(&pairs).parse::<u8>(), Err("2 values are given, expected one".to_owned()));
        assert_eq!(value::<Vec<u8>>("1"), Ok(vec![1]));
    }

    const CALLEE: Callee<'_> = Callee { name: "recap", arguments: &[] };

    fn read<T: DeserializeOwned>(json: &str) -> Result<T, (String, String)> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let strings = Strings::from_json(CALLEE, Some(raw));
        strings.map_err(|error| (String::new(), error.to_string()))?.parse()
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Recap {
        title: String,
        minute: Option<u32>,
        #[serde(default)]
        order: Option<Order>,
    }

    #[test]
    fn all_strings_are_one_value() {
        let recap = Recap { title: "a\n".to_owned(), minute: Some(3), order: None };
        assert_eq!(read(r#"{"title":"a\n","minute":"3","order":null,"x":"y"}"#), Ok(recap));
        assert_eq!(
            read::<Recap>(r#"{"title":"a","minute":"x"}"#),
            Err(("minute".to_owned(), "invalid value: string \"x\", expected u32".to_owned()))
        );
        assert_eq!(read::<Recap>("{}"), Err((String::new(), "missing field `title`".to_owned())));
        let map: BTreeMap<String, String> = read(r#"{"b":"1","a":"2"}"#).unwrap();
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn arguments_are_an_object_of_strings() {
        let message = |json| read::<Recap>(json).unwrap_err().1;
        assert_eq!(
            message("[]"),
            "arguments of `recap`: invalid value an array, expected an object"
        );
        assert_eq!(
            message(r#"{"title":"a","minute":3}"#),
            "argument `minute`: invalid value 3, expected a string"
        );
        assert_eq!(
            message(r#"{"title":"a","t\u0069tle":"b"}"#),
            "arguments of `recap`: argument `title` is given twice"
        );
    }
}
