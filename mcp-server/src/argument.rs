//! The arguments of one call, read from their JSON text without a copy.
//!
//! Owns the single pass over the arguments object and the decoding of each argument into its type.
//! Where arguments are strings on the wire, `strings` parses them. What is wrong with an argument is
//! found out in `mismatch`, and only when something is.

use std::borrow::Cow;
use std::fmt;

use mcp_core::jsonrpc::ErrorObject;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use crate::call::Callee;
use crate::mismatch;
use crate::outcome::{Failure, ToolError};
use crate::strings::Strings;

/// How many arguments a handler can take one by one.
pub(crate) const MAX_ARGUMENTS: usize = 8;

/// The arguments of a call, found by name when the first one is taken.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    callee: Callee<'a>,
    source: Source<'a>,
    found: Option<Found<'a>>,
    next: usize,
}

/// How the arguments came.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// As a JSON object; without one there are none.
    Json(Option<&'a RawValue>),
    /// As strings, each parsed into the type that the handler takes.
    Strings(&'a Strings<'a>),
}

type Found<'a> = [Option<&'a RawValue>; MAX_ARGUMENTS];

impl<'a> Arguments<'a> {
    /// The arguments for `callee`.
    pub(crate) fn new(callee: Callee<'a>, source: Source<'a>) -> Self {
        Self { callee, source, found: None, next: 0 }
    }

    /// Decodes the next argument, in the order in which they were described.
    pub(crate) fn next<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let raw = match self.source {
            Source::Json(raw) => raw,
            Source::Strings(strings) => return self.next_string(strings),
        };
        let found = match self.found {
            Some(found) => found,
            None => *self.found.insert(self.find(raw)?),
        };
        let at = self.next;
        self.next += 1;
        let (Some(name), Some(slot)) = (self.callee.arguments.get(at), found.get(at)) else {
            return Err(ErrorObject::internal("an argument is taken that was not described").into());
        };
        match slot {
            Some(raw) => serde_json::from_str(raw.get())
                .map_err(|_| ToolError::new(mismatch::of_argument::<T>(name, raw)).into()),
            None => T::deserialize(Missing)
                .map_err(|_| ToolError::new(mismatch::missing(name, self.callee, raw)).into()),
        }
    }

    /// [`next`](Self::next) for strings.
    fn next_string<T: DeserializeOwned>(&mut self, strings: &Strings<'_>) -> Result<T, Failure> {
        let Some(name) = self.callee.arguments.get(self.next) else {
            return Err(ErrorObject::internal("an argument is taken that was not described").into());
        };
        self.next += 1;
        match strings.get(name) {
            Some(value) => {
                value.parse().map_err(|why| ToolError::new(mismatch::of_string(name, &why)).into())
            }
            None => T::deserialize(Missing).map_err(|_| {
                ToolError::new(mismatch::missing_string(name, self.callee, strings)).into()
            }),
        }
    }

    /// Decodes all arguments into one value.
    pub(crate) fn all<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let raw = match self.source {
            Source::Json(raw) => raw,
            Source::Strings(strings) => {
                return strings.parse().map_err(|(path, why)| {
                    ToolError::new(mismatch::of_strings(self.callee, strings, &path, &why)).into()
                });
            }
        };
        let text = raw.map_or("{}", RawValue::get);
        if !text.trim_ascii_start().starts_with('{') {
            // Serde would take an array for a struct.
            self.find(raw)?;
        }
        serde_json::from_str(text)
            .map_err(|_| ToolError::new(mismatch::of_arguments::<T>(self.callee, text)).into())
    }

    /// One pass over the object.
    fn find(&self, raw: Option<&'a RawValue>) -> Result<Found<'a>, Failure> {
        let Some(raw) = raw else { return Ok(Found::default()) };
        let find = Find { names: self.callee.arguments };
        find.deserialize(&mut serde_json::Deserializer::from_str(raw.get()))
            .map_err(|error| ToolError::new(mismatch::of_object(self.callee, &error)).into())
    }
}

/// Whether a `T` can be made from an argument that is not there, as serde does for an `Option`.
pub(crate) fn is_optional<T: DeserializeOwned>() -> bool {
    T::deserialize(Missing).is_ok()
}

#[derive(Clone, Copy)]
struct Find<'n> {
    names: &'n [Cow<'static, str>],
}

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> de::Visitor<'de> for Find<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found<'de>, A::Error> {
        let mut found = Found::default();
        while let Some(at) = map.next_key_seed(Position { names: self.names })? {
            let Some((name, slot)) = at.and_then(|at| self.names.get(at).zip(found.get_mut(at)))
            else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if slot.replace(map.next_value()?).is_some() {
                return Err(de::Error::custom(format_args!("argument `{name}` is given twice")));
            }
        }
        Ok(found)
    }
}

/// Reads a key into the position of the argument of that name, without keeping the key.
#[derive(Clone, Copy)]
struct Position<'n> {
    names: &'n [Cow<'static, str>],
}

impl<'de> DeserializeSeed<'de> for Position<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl de::Visitor<'_> for Position<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Option<usize>, E> {
        Ok(self.names.iter().position(|name| name == key))
    }
}

/// The value of an argument that is not there: `None` for an `Option`, an error for all else.
struct Missing;

#[derive(Debug)]
struct IsMissing;

impl fmt::Display for IsMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("missing")
    }
}

impl std::error::Error for IsMissing {}

impl de::Error for IsMissing {
    fn custom<M: fmt::Display>(_: M) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for Missing {
    type Error = IsMissing;

    fn deserialize_any<V: de::Visitor<'de>>(self, _: V) -> Result<V::Value, IsMissing> {
        Err(IsMissing)
    }

    fn deserialize_option<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, IsMissing> {
        visitor.visit_none()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Outcome;

    const NAMES: &[Cow<'static, str>] = &[Cow::Borrowed("text"), Cow::Borrowed("limit")];

    const SEARCH: Callee<'_> = Callee { name: "search", arguments: NAMES };

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn both(text: &str) -> Result<(String, Option<u32>), String> {
        let raw = raw(text);
        let mut arguments = Arguments::new(SEARCH, Source::Json(Some(&raw)));
        let mut both = || Ok((arguments.next()?, arguments.next()?));
        both().map_err(|failure: Failure| match failure.into_outcome() {
            Outcome::Complete(result) => result.content[0].as_text().unwrap().to_owned(),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn arguments_are_found_by_name_in_any_order() {
        let expected = Ok(("a".to_owned(), Some(3)));
        assert_eq!(both(r#"{"limit": 3, "other": [1, {}], "text": "a"}"#), expected);
        assert_eq!(both(r#"{"te\u0078t":"a","limit":3}"#), expected);
        assert_eq!(both(r#"{"text":"a","limit":null}"#), Ok(("a".to_owned(), None)));
        assert_eq!(both(r#"{"text":"a"}"#), Ok(("a".to_owned(), None)));
    }

    #[test]
    fn what_does_not_fit_is_said_with_its_name() {
        let message = |text| both(text).unwrap_err();
        assert_eq!(
            message(r#"{"text":"a","limit":-1}"#),
            "argument `limit`: invalid value -1, expected u32"
        );
        assert_eq!(
            message(r#"{"txt":"a"}"#),
            "argument `text` is missing (`txt` is not an argument of `search`)"
        );
        assert_eq!(message("{}"), "argument `text` is missing");
        assert_eq!(
            message(r#"{"text":"a","text":"b"}"#),
            "arguments of `search`: argument `text` is given twice"
        );
        assert_eq!(
            message("[]"),
            "arguments of `search`: invalid value an array, expected an object"
        );
    }

    #[test]
    fn absent_arguments_are_an_empty_object() {
        let none = Source::Json(None);
        let mut arguments = Arguments::new(Callee { name: "x", arguments: &NAMES[1..] }, none);
        assert_eq!(arguments.next::<Option<u32>>().unwrap(), None);
        let arguments = Arguments::new(Callee { name: "x", arguments: &[] }, none);
        let all: serde_json::Map<_, _> = arguments.all().unwrap();
        assert!(all.is_empty());
    }

    #[test]
    fn strings_are_parsed_and_errors_name_the_argument() {
        fn taken(text: &str) -> Result<(String, Option<u32>), String> {
            let raw = raw(text);
            let strings = Strings::from_json(SEARCH, Some(&raw)).map_err(|e| e.to_string())?;
            let mut arguments = Arguments::new(SEARCH, Source::Strings(&strings));
            let mut both = || Ok((arguments.next()?, arguments.next()?));
            both().map_err(|failure: Failure| match failure.into_outcome() {
                Outcome::Complete(result) => result.content[0].as_text().unwrap().to_owned(),
                other => format!("{other:?}"),
            })
        }
        assert_eq!(taken(r#"{"limit":"3","text":"4"}"#), Ok(("4".to_owned(), Some(3))));
        assert_eq!(taken(r#"{"text":"a"}"#), Ok(("a".to_owned(), None)));
        assert_eq!(
            taken(r#"{"text":"a","limit":"-1"}"#).unwrap_err(),
            "argument `limit`: invalid value \"-1\", expected u32"
        );
        assert_eq!(
            taken(r#"{"txt":"a"}"#).unwrap_err(),
            "argument `text` is missing (`txt` is not an argument of `search`)"
        );
    }

    #[test]
    fn what_accepts_absence_is_optional() {
        assert!(is_optional::<Option<String>>());
        assert!(!is_optional::<String>());
        assert!(!is_optional::<Vec<String>>());
        assert!(!is_optional::<serde_json::Value>());
    }
}
