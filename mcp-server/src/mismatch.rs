//! What is wrong with the arguments of a call, in words that let a model mend it.
//!
//! Owns the failure path of decoding: arguments are decoded once more, slowly, to find out where
//! they do not fit. What came from the caller is repeated only in part when it is long.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use crate::call::Callee;
use crate::strings::Strings;

/// How much of a value from outside is repeated.
const MAX_SHOWN: usize = 64;
/// How much is said about one mistake.
const MAX_MESSAGE: usize = 512;
/// How many unknown arguments are named.
const MAX_UNKNOWN: usize = 3;

/// What is wrong with one argument.
pub(crate) fn of_argument<T: DeserializeOwned>(name: &str, raw: &RawValue) -> String {
    let (path, message) = why::<T>(raw.get());
    about(&join(name, &path), &message).0
}

/// What is wrong with all arguments taken as one value.
pub(crate) fn of_arguments<T: DeserializeOwned>(callee: Callee<'_>, text: &str) -> String {
    let (path, message) = why::<T>(text);
    if path.is_empty() && missing_field(&message).is_none() {
        return format!("arguments of `{}`: {}", callee.name, plain(&message));
    }
    let (mut message, is_missing) = about(&path, &message);
    if is_missing && path.is_empty() {
        say_unknown(&mut message, callee, text);
    }
    message
}

/// An argument is not there.
pub(crate) fn missing(name: &str, callee: Callee<'_>, raw: Option<&RawValue>) -> String {
    let mut message = format!("argument `{name}` is missing");
    if let Some(raw) = raw {
        say_unknown(&mut message, callee, raw.get());
    }
    message
}

/// What is wrong with one argument that is a string.
pub(crate) fn of_string(name: &str, why: &str) -> String {
    about(name, why).0
}

/// What is wrong with strings taken as one value.
pub(crate) fn of_strings(
    callee: Callee<'_>,
    strings: &Strings<'_>,
    path: &str,
    why: &str,
) -> String {
    if path.is_empty() && missing_field(why).is_none() {
        return format!("arguments of `{}`: {}", callee.name, plain(why));
    }
    let (mut message, is_missing) = about(path, why);
    if is_missing && path.is_empty() {
        name_unknown(&mut message, callee, strings.names());
    }
    message
}

/// An argument that is a string is not there.
pub(crate) fn missing_string(name: &str, callee: Callee<'_>, strings: &Strings<'_>) -> String {
    let mut message = format!("argument `{name}` is missing");
    name_unknown(&mut message, callee, strings.names());
    message
}

/// The arguments are no object, or say something twice.
pub(crate) fn of_object(callee: Callee<'_>, error: &serde_json::Error) -> String {
    format!("arguments of `{}`: {}", callee.name, plain(&without_position(error)))
}

/// A mistake at a path, and whether it is that something is missing.
fn about(path: &str, message: &str) -> (String, bool) {
    match missing_field(message) {
        Some(field) => (format!("argument `{}` is missing", join(path, field)), true),
        None => (format!("argument `{}`: {}", shown(path), plain(message)), false),
    }
}

/// Where decoding fails, and the message of the error there.
fn why<T: DeserializeOwned>(text: &str) -> (String, String) {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => (String::new(), "the value is not accepted".to_owned()),
        Err(error) => {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            (path, without_position(error.inner()))
        }
    }
}

/// An error's message without "at line 1 column 9", which means nothing to whoever wrote the value.
fn without_position(error: &serde_json::Error) -> String {
    let mut message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    if message.ends_with(&position) {
        message.truncate(message.len() - position.len());
    }
    message
}

fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

fn join(path: &str, rest: &str) -> String {
    let dot = if path.is_empty() || rest.is_empty() || rest.starts_with('[') { "" } else { "." };
    format!("{path}{dot}{rest}")
}

/// Serde's message with values as they stand in JSON: no Rust words for their kinds.
fn plain(message: &str) -> String {
    let value = message.strip_prefix("invalid value: ");
    let value = value.or_else(|| message.strip_prefix("invalid type: "));
    let Some((got, expected)) = value.and_then(|value| value.rsplit_once(", expected ")) else {
        return cut(message, MAX_MESSAGE);
    };
    let quoted = got.split_once('`').and_then(|(_, rest)| rest.strip_suffix('`'));
    let got = match (got, quoted) {
        (_, Some(number)) => number,
        ("map", _) => "an object",
        ("sequence", _) => "an array",
        ("unit value", _) => "null",
        _ => got.strip_prefix("string ").unwrap_or(got),
    };
    format!("invalid value {}, expected {}", shown(got), cut(expected, MAX_MESSAGE))
}

/// Names the members of a JSON object that the callee does not have.
fn say_unknown(message: &mut String, callee: Callee<'_>, text: &str) {
    if let Ok(given) = serde_json::from_str::<BTreeMap<Cow<'_, str>, IgnoredAny>>(text) {
        name_unknown(message, callee, given.keys().map(|name| &**name));
    }
}

/// Names the arguments that the callee does not have: one of them is likely the missing one.
fn name_unknown<'a>(
    message: &mut String,
    callee: Callee<'_>,
    given: impl Iterator<Item = &'a str>,
) {
    // Where no name is known, every name may be right.
    if callee.arguments.is_empty() {
        return;
    }
    let is_unknown = |name: &&str| !callee.arguments.iter().any(|known| known == *name);
    let unknown: Vec<&str> = given.filter(is_unknown).take(MAX_UNKNOWN).collect();
    let Some((last, others)) = unknown.split_last() else { return };
    message.push_str(" (");
    for (at, name) in others.iter().enumerate() {
        let between = if at + 1 == others.len() { " and " } else { ", " };
        let _ = write!(message, "`{}`{between}", shown(name));
    }
    let (verb, noun) = if others.is_empty() { ("is", "an argument") } else { ("are", "arguments") };
    let _ = write!(message, "`{}` {verb} not {noun} of `{}`)", shown(last), callee.name);
}

fn shown(text: &str) -> String {
    cut(text, MAX_SHOWN)
}

fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only decoded")]
    struct Query {
        text: String,
        limit: Option<u32>,
        #[serde(default)]
        filters: Vec<Filter>,
        order: Option<Order>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoded")]
    struct Filter {
        year: u16,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Order {
        Title,
        Year,
    }

    const NAMES: &[Cow<'static, str>] = &[
        Cow::Borrowed("text"),
        Cow::Borrowed("limit"),
        Cow::Borrowed("filters"),
        Cow::Borrowed("order"),
    ];

    fn whole(text: &str) -> String {
        assert!(serde_json::from_str::<Query>(text).is_err(), "{text}");
        of_arguments::<Query>(Callee { name: "search", arguments: NAMES }, text)
    }

    #[test]
    fn mistakes_in_nested_values_have_a_path() {
        for (text, message) in [
            (r#"{"text":"a","limit":-1}"#, "argument `limit`: invalid value -1, expected u32"),
            (r#"{"text":"a","limit":1.5}"#, "argument `limit`: invalid value 1.5, expected u32"),
            (r#"{"text":true}"#, "argument `text`: invalid value true, expected a string"),
            (r#"{"text":null}"#, "argument `text`: invalid value null, expected a string"),
            (r#"{"text":{}}"#, "argument `text`: invalid value an object, expected a string"),
            (r#"{"text":["a"]}"#, "argument `text`: invalid value an array, expected a string"),
            (
                r#"{"text":"a","filters":[{"year":1},{"year":"x"}]}"#,
                "argument `filters[1].year`: invalid value \"x\", expected u16",
            ),
            (r#"{"text":"a","filters":[{}]}"#, "argument `filters[0].year` is missing"),
            (
                r#"{"text":"a","order":"best"}"#,
                "argument `order`: unknown variant `best`, expected `title` or `year`",
            ),
            (r#"{"text":"a","text":"b"}"#, "arguments of `search`: duplicate field `text`"),
            (
                "[]",
                "arguments of `search`: invalid length 0, expected struct Query with 4 elements",
            ),
        ] {
            assert_eq!(whole(text), message, "{text}");
        }
    }

    #[test]
    fn unknown_arguments_are_named_when_one_is_missing() {
        assert_eq!(
            whole(r#"{"txt":"a"}"#),
            "argument `text` is missing (`txt` is not an argument of `search`)"
        );
        assert_eq!(
            whole(r#"{"a":1,"b":1,"c":1,"d":1,"limit":1}"#),
            "argument `text` is missing (`a`, `b` and `c` are not arguments of `search`)"
        );
        assert_eq!(whole(r#"{"limit":1}"#), "argument `text` is missing");
    }

    #[test]
    fn long_values_are_cut() {
        let raw = RawValue::from_string(format!("\"{}\"", "ä".repeat(10_000))).unwrap();
        let message = of_argument::<u32>("limit", &raw);
        assert!(message.starts_with("argument `limit`: invalid value \"ää"), "{message}");
        assert!(message.ends_with("…, expected u32"), "{message}");
        assert!(message.chars().count() < 200, "{message}");
    }

    #[test]
    fn paths_start_with_the_argument() {
        let raw = RawValue::from_string(r#"[{"year":1},{"year":-1}]"#.to_owned()).unwrap();
        assert_eq!(
            of_argument::<Vec<Filter>>("filters", &raw),
            "argument `filters[1].year`: invalid value -1, expected u16"
        );
    }
}
