//! Arguments of tools and prompts as words of a command line.

use std::io::Read;
use std::path::Path;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::target;

/// Arguments as they were written.
#[derive(Debug, Clone)]
pub(crate) enum Arguments {
    /// None.
    Nothing,
    /// A JSON object.
    Object(Box<RawValue>),
    /// Pairs of names and values.
    Pairs(Vec<Pair>),
}

/// One argument.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: Written,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Written {
    /// After `=`: what it stands for depends on what is wanted.
    Text(String),
    /// After `:=`.
    Json(Value),
}

/// Splits words into arguments and the name of a server, which comes last if it is there.
pub(crate) fn read(
    words: &[String],
    command_follows: bool,
) -> Result<(Arguments, Option<String>), Failure> {
    let (words, server) = match words.split_last() {
        Some((last, before)) if !command_follows && !is_argument(last) => {
            (before, Some(last.clone()))
        }
        _ => (words, None),
    };
    let arguments = match words {
        [] => Arguments::Nothing,
        [word] if word == "-" => Arguments::Object(object("standard input", &stdin()?)?),
        [word] if word.starts_with('@') => {
            let file = &word[1..];
            Arguments::Object(object(&format!("`{file}`"), &read_file(Path::new(file))?)?)
        }
        [word] if word.trim_start().starts_with('{') => {
            Arguments::Object(object(&format!("`{word}`"), word)?)
        }
        pairs => Arguments::Pairs(pairs.iter().map(|word| pair(word)).collect::<Result<_, _>>()?),
    };
    Ok((arguments, server))
}

/// Splits `NAME=VALUE` or `NAME:=JSON`.
pub(crate) fn pair(word: &str) -> Result<Pair, Failure> {
    let Some((name, text)) = word.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err(Failure::Usage(format!(
            "`{word}` is no argument: write a JSON object, @FILE, - for standard input, NAME=VALUE \
             or NAME:=JSON"
        )));
    };
    let (name, value) = match name.strip_suffix(':') {
        Some(name) => {
            let value = serde_json::from_str(text).map_err(|error| {
                Failure::Usage(format!("the value of `{name}` is no JSON: {error}"))
            })?;
            (name, Written::Json(value))
        }
        None => (name, Written::Text(text.to_owned())),
    };
    Ok(Pair { name: name.to_owned(), value })
}

/// Pairs whose values are texts, as prompts take them.
pub(crate) fn texts(arguments: &Arguments) -> Result<Vec<(String, String)>, Failure> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match arguments {
        Arguments::Nothing => Ok(Vec::new()),
        Arguments::Object(object) => {
            let object: Map<String, Value> =
                serde_json::from_str(object.get()).map_err(|error| {
                    Failure::Usage(format!("the arguments cannot be read: {error}"))
                })?;
            Ok(object.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        }
        Arguments::Pairs(pairs) => {
            let pairs = pairs.iter().map(|Pair { name, value }| {
                let value = match value {
                    Written::Text(text) => text.clone(),
                    Written::Json(value) => text(value),
                };
                (name.clone(), value)
            });
            Ok(pairs.collect())
        }
    }
}

/// Makes an object of pairs, with values of the types that the schema wants.
pub(crate) fn typed(pairs: &[Pair], schema: Option<&Value>) -> Map<String, Value> {
    let mut object = Map::new();
    for Pair { name, value } in pairs {
        let value = match value {
            Written::Json(value) => value.clone(),
            Written::Text(text) => {
                let wanted = schema.and_then(|schema| schema.get("properties")?.get(name));
                of_text(text, wanted)
            }
        };
        object.insert(name.clone(), value);
    }
    object
}

fn of_text(text: &str, schema: Option<&Value>) -> Value {
    let text_value = || Value::from(text);
    let mut types = Vec::new();
    types_of(schema, &mut types, 0);
    let parsed: Option<Value> = serde_json::from_str(text).ok();
    if types.is_empty() {
        // Nothing is known: what looks like a number, a truth value, or a list is one.
        return parsed.filter(|value| !value.is_string()).unwrap_or_else(text_value);
    }
    let fits = |value: &Value| {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        types.iter().any(|one| *one == name || (name == "number" && *one == "integer"))
    };
    match parsed.filter(|value| !value.is_string() && fits(value)) {
        Some(Value::Null) if types.contains(&"string") => text_value(),
        Some(value) => value,
        None => text_value(),
    }
}

/// The JSON types that a schema names.
fn types_of<'a>(schema: Option<&'a Value>, types: &mut Vec<&'a str>, depth: usize) {
    let Some(schema) = schema.filter(|_| depth < 4) else { return };
    match schema.get("type") {
        Some(Value::String(one)) => types.push(one),
        Some(Value::Array(several)) => types.extend(several.iter().filter_map(Value::as_str)),
        _ => {}
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array)
        && values.iter().all(Value::is_string)
    {
        types.push("string");
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        let members = schema.get(key).and_then(Value::as_array).map(Vec::as_slice);
        for member in members.unwrap_or_default() {
            types_of(Some(member), types, depth + 1);
        }
    }
}

/// Whether a word can be an argument, and so is no name of a server.
fn is_argument(word: &str) -> bool {
    !target::is_url(word)
        && (word == "-"
            || word.starts_with('@')
            || word.trim_start().starts_with('{')
            || word.contains('='))
}

fn object(source: &str, text: &str) -> Result<Box<RawValue>, Failure> {
    let raw: Box<RawValue> = serde_json::from_str(text)
        .map_err(|error| Failure::Usage(format!("{source} is no JSON object: {error}")))?;
    match raw.get().starts_with('{') {
        true => Ok(raw),
        false => Err(Failure::Usage(format!("{source} is JSON, but no object"))),
    }
}

fn stdin() -> Result<String, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|error| Failure::Usage(format!("standard input cannot be read: {error}")))?;
    Ok(text)
}

fn read_file(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("`{}` cannot be read: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn the_last_word_is_the_server_unless_it_is_an_argument() {
        for (line, server) in [
            (&["{}", "films"][..], Some("films")),
            (&["films"], Some("films")),
            (&["a=1", "b=2", "https://x/mcp?a=b"], Some("https://x/mcp?a=b")),
            (&["a=1"], None),
            (&[], None),
        ] {
            let (_, found) = read(&words(line), false).unwrap();
            assert_eq!(found.as_deref(), server, "{line:?}");
        }
        let error = read(&words(&["hello"]), true).unwrap_err();
        assert!(matches!(error, Failure::Usage(what) if what.contains("`hello` is no argument")));
    }

    #[test]
    fn values_become_what_the_schema_wants() {
        let schema = json!({ "properties": {
            "text": { "type": "string" },
            "n": { "type": "integer" },
            "maybe": { "type": ["string", "null"] },
            "either": { "anyOf": [{ "type": "number" }, { "type": "null" }] },
            "list": { "type": "array" },
        }});
        let pairs = ["text=42", "n=42", "maybe=null", "either=null", "list=[1]", "n2=7", "x=yes"];
        let pairs: Vec<Pair> = pairs.iter().map(|word| pair(word).unwrap()).collect();
        let expected = json!({
            "text": "42", "n": 42, "maybe": "null", "either": null, "list": [1], "n2": 7, "x": "yes",
        });
        assert_eq!(Value::Object(typed(&pairs, Some(&schema))), expected);
    }

    #[test]
    fn json_can_be_forced() {
        assert_eq!(pair("a:=[1]").unwrap().value, Written::Json(json!([1])));
        assert_eq!(pair("a=b=c").unwrap().value, Written::Text("b=c".to_owned()));
        assert!(pair("a:=x").is_err() && pair("=x").is_err() && pair("x").is_err());
    }

    #[test]
    fn what_is_no_object_is_refused_before_anything_starts() {
        for word in ["{", "{\"a\":}", "{} x"] {
            assert!(read(&words(&[word]), true).is_err(), "{word}");
        }
    }
}
