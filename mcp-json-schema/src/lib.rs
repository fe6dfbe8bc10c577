//! Checking values against JSON Schemas, whoever wrote them.
//!
//! Owns the bounds that make this safe with schemas and values of strangers: nothing is fetched, and
//! neither a large schema, nor one whose parts refer to each other again and again, costs more than
//! a fixed amount of work. Dialects: 2020-12, which is meant where a schema names none, and drafts
//! 2019-09, 7, 6 and 4. Spec: 2026-07-28, basic/index, "JSON Schema Usage".

use std::borrow::Cow;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use mcp_core::types::Schema;

/// A schema, ready to check values with.
///
/// # Examples
/// ```
/// use mcp_json_schema::JsonSchema;
/// use mcp_core::types::Schema;
///
/// let schema = Schema::from_text(r#"{"type":"object","required":["total"]}"#)?;
/// let schema = JsonSchema::compile(&schema)?;
/// let value = serde_json::value::to_raw_value(&serde_json::json!({}))?;
/// let misfit = schema.check(&value).unwrap_err().to_string();
/// assert_eq!(misfit, r#""total" is a required property"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JsonSchema {
    root: Value,
    validator: Validator,
}

/// A schema that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSchema {
    /// It is too large.
    #[error("the schema is too large: at most {most} {of}")]
    TooLarge {
        /// How much is allowed.
        most: usize,
        /// Of what.
        of: &'static str,
    },
    /// It refers to something outside, and nothing is ever fetched.
    #[error("`$ref` leads out of the schema, to {0:?}: put what it means into `$defs`")]
    Remote(String),
    /// It is written in a dialect that is not known.
    #[error("`$schema` is {0:?}: write the schema in JSON Schema 2020-12")]
    UnknownDialect(String),
    /// It is no schema of its dialect.
    #[error("it is no JSON Schema: {0}")]
    Malformed(String),
}

/// A value that does not fit its schema, or cannot be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// The value does not fit.
    #[error("{}{problem}", if .place.is_empty() { Cow::Borrowed("") } else { Cow::Owned(format!("`{}`: ", .place)) })]
    Value {
        /// A JSON pointer to where; the whole value where it is empty.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// The value is no JSON.
    #[error("it is no JSON: {0}")]
    Unreadable(String),
    /// To check it would cost more than is allowed.
    #[error(
        "checking it takes more than {MOST_STEPS} steps: the schema refers to itself too often"
    )]
    TooMuchWork,
}

impl JsonSchema {
    /// Reads a schema.
    ///
    /// # Errors
    /// [`InvalidSchema`] says what is wrong with it.
    pub fn compile(schema: &Schema) -> Result<Self, InvalidSchema> {
        let text = schema.as_str();
        if text.len() > MOST_BYTES {
            return Err(InvalidSchema::TooLarge { most: MOST_BYTES, of: "bytes" });
        }
        let malformed = |problem: String| InvalidSchema::Malformed(problem);
        let root: Value = serde_json::from_str(text).map_err(|e| malformed(e.to_string()))?;
        measure(&root, 0, &mut 0)?;
        let draft = dialect(&root)?;
        let patterns =
            PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
        let validator = jsonschema::options()
            .with_draft(draft)
            .with_pattern_options(patterns)
            .should_validate_formats(false)
            .build(&root)
            .map_err(|problem| malformed(problem.to_string()))?;
        Ok(Self { root, validator })
    }

    /// Checks a value.
    ///
    /// # Errors
    /// [`Misfit`] says what does not fit first, and where.
    pub fn check(&self, value: &RawValue) -> Result<(), Misfit> {
        let value: Value =
            serde_json::from_str(value.get()).map_err(|e| Misfit::Unreadable(e.to_string()))?;
        Walk { root: &self.root, left: MOST_STEPS }.schema(&self.root, &value, 0)?;
        self.validator.validate(&value).map_err(|problem| Misfit::Value {
            place: problem.instance_path().to_string(),
            problem: cut(&problem.to_string()),
        })
    }
}

/// The longest schema.
const MOST_BYTES: usize = 256 * 1024;
/// The most objects and arrays in one.
const MOST_PARTS: usize = 20_000;
/// The deepest nesting of one.
const MOST_DEPTH: usize = 64;
/// The most bytes of one compiled pattern.
const PATTERN_BYTES: usize = 1024 * 1024;
/// The most pairs of a part of the schema and a part of the value that are looked at.
const MOST_STEPS: usize = 1_000_000;
/// How many schemas apply to the same value inside each other.
const MOST_NESTED: usize = 512;
/// The longest description of a problem: it may quote the value.
const LONGEST: usize = 500;

/// Counts the parts of a schema and finds references out of it.
fn measure(part: &Value, depth: usize, parts: &mut usize) -> Result<(), InvalidSchema> {
    *parts += 1;
    if depth > MOST_DEPTH {
        return Err(InvalidSchema::TooLarge { most: MOST_DEPTH, of: "levels" });
    }
    if *parts > MOST_PARTS {
        return Err(InvalidSchema::TooLarge { most: MOST_PARTS, of: "parts" });
    }
    match part {
        Value::Object(members) => {
            for key in ["$ref", "$dynamicRef", "$recursiveRef"] {
                let target = members.get(key).and_then(Value::as_str);
                if let Some(target) = target.filter(|target| !target.starts_with('#')) {
                    return Err(InvalidSchema::Remote(cut(target)));
                }
            }
            members.values().try_for_each(|member| measure(member, depth + 1, parts))
        }
        Value::Array(items) => items.iter().try_for_each(|item| measure(item, depth + 1, parts)),
        _ => Ok(()),
    }
}

fn dialect(root: &Value) -> Result<Draft, InvalidSchema> {
    let Some(named) = root.get("$schema") else { return Ok(Draft::Draft202012) };
    let named = named.as_str().unwrap_or_default();
    let plain = named.trim_end_matches('#').trim_end_matches('/');
    let plain = plain.strip_prefix("https://").or_else(|| plain.strip_prefix("http://"));
    match plain {
        Some("json-schema.org/draft/2020-12/schema") => Ok(Draft::Draft202012),
        Some("json-schema.org/draft/2019-09/schema") => Ok(Draft::Draft201909),
        Some("json-schema.org/draft-07/schema") => Ok(Draft::Draft7),
        Some("json-schema.org/draft-06/schema") => Ok(Draft::Draft6),
        Some("json-schema.org/draft-04/schema") => Ok(Draft::Draft4),
        _ => Err(InvalidSchema::UnknownDialect(cut(named))),
    }
}

/// Goes where a validator would go, and only counts: what comes out too dear is not begun.
struct Walk<'s> {
    root: &'s Value,
    left: usize,
}

impl<'s> Walk<'s> {
    fn schema(&mut self, schema: &'s Value, value: &Value, nested: usize) -> Result<(), Misfit> {
        self.left = self.left.checked_sub(1).ok_or(Misfit::TooMuchWork)?;
        if nested > MOST_NESTED {
            return Err(Misfit::TooMuchWork);
        }
        let Value::Object(schema) = schema else { return Ok(()) };
        for key in ["$ref", "$dynamicRef", "$recursiveRef"] {
            let target = schema.get(key).and_then(Value::as_str);
            if let Some(target) = target.and_then(|target| self.target(target)) {
                self.schema(target, value, nested + 1)?;
            }
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for part in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
                self.schema(part, value, nested + 1)?;
            }
        }
        for key in ["not", "if", "then", "else"] {
            if let Some(part) = schema.get(key) {
                self.schema(part, value, nested + 1)?;
            }
        }
        match value {
            Value::Object(members) => self.object(schema, members, value, nested),
            Value::Array(items) => self.array(schema, items),
            _ => Ok(()),
        }
    }

    fn object(
        &mut self,
        schema: &'s Map<String, Value>,
        members: &Map<String, Value>,
        whole: &Value,
        nested: usize,
    ) -> Result<(), Misfit> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let others = ["additionalProperties", "unevaluatedProperties"];
        for (name, member) in members {
            let own = properties.and_then(|properties| properties.get(name));
            let patterns = patterns.into_iter().flat_map(Map::values);
            let others = others.iter().filter_map(|key| schema.get(*key));
            for part in own.into_iter().chain(patterns).chain(others) {
                self.schema(part, member, 0)?;
            }
        }
        for key in ["dependentSchemas", "dependencies"] {
            let parts = schema.get(key).and_then(Value::as_object);
            for part in parts.into_iter().flat_map(Map::values) {
                self.schema(part, whole, nested + 1)?;
            }
        }
        Ok(())
    }

    fn array(&mut self, schema: &'s Map<String, Value>, items: &[Value]) -> Result<(), Misfit> {
        for (at, item) in items.iter().enumerate() {
            let prefix = schema.get("prefixItems").or_else(|| schema.get("items"));
            let own = prefix.and_then(Value::as_array).and_then(|prefix| prefix.get(at));
            let all = ["items", "additionalItems", "unevaluatedItems", "contains"];
            let all = all.iter().filter_map(|key| schema.get(*key));
            for part in own.into_iter().chain(all) {
                self.schema(part, item, 0)?;
            }
        }
        Ok(())
    }

    /// What a reference inside the schema leads to. Anchors are looked up where they usually stand.
    fn target(&self, reference: &str) -> Option<&'s Value> {
        let pointer = reference.strip_prefix('#')?;
        if pointer.is_empty() || pointer.starts_with('/') {
            return self.root.pointer(&percent_decoded(pointer));
        }
        let definitions = ["$defs", "definitions"].iter().filter_map(|key| self.root.get(*key));
        let mut parts = definitions.filter_map(Value::as_object).flat_map(Map::values);
        let names = |part: &Value| {
            ["$anchor", "$dynamicAnchor"]
                .iter()
                .any(|key| part.get(*key).is_some_and(|a| a == pointer))
        };
        parts.find(|part| names(part))
    }
}

fn percent_decoded(pointer: &str) -> Cow<'_, str> {
    if !pointer.contains('%') {
        return Cow::Borrowed(pointer);
    }
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.filter(|_| *first == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compile(schema: &Value) -> Result<JsonSchema, InvalidSchema> {
        JsonSchema::compile(&Schema::new(schema).unwrap())
    }

    fn check(schema: &Value, value: &Value) -> Result<(), String> {
        let raw = serde_json::value::to_raw_value(value).unwrap();
        compile(schema).unwrap().check(&raw).map_err(|misfit| misfit.to_string())
    }

    #[test]
    fn a_misfit_says_where_and_what() {
        let schema = json!({
            "type": "object",
            "properties": { "hits": { "type": "array", "items": { "type": "integer" } } },
        });
        assert_eq!(check(&schema, &json!({ "hits": [1, 2] })), Ok(()));
        let said = check(&schema, &json!({ "hits": [1, "two"] })).unwrap_err();
        assert_eq!(said, r#"`/hits/1`: "two" is not of type "integer""#);
    }

    #[test]
    fn references_inside_are_followed() {
        let schema = json!({
            "type": "object",
            "$defs": { "node": { "type": "object", "properties": { "next": { "$ref": "#/$defs/node" } } } },
            "properties": { "list": { "$ref": "#/$defs/node" } },
        });
        assert_eq!(check(&schema, &json!({ "list": { "next": { "next": {} } } })), Ok(()));
        check(&schema, &json!({ "list": { "next": 7 } })).unwrap_err();
    }

    #[test]
    fn references_to_the_outside_are_refused() {
        for target in ["https://example.com/schema.json", "file:///etc/passwd", "other.json"] {
            let refused =
                compile(&json!({ "type": "object", "properties": { "a": { "$ref": target } } }));
            assert_eq!(refused.unwrap_err(), InvalidSchema::Remote(target.to_owned()));
        }
    }

    #[test]
    fn unknown_dialects_and_nonsense_are_refused() {
        let unknown = compile(&json!({ "$schema": "https://example.com/mine" })).unwrap_err();
        assert!(matches!(unknown, InvalidSchema::UnknownDialect(_)));
        assert!(compile(&json!({ "$schema": "http://json-schema.org/draft-07/schema#" })).is_ok());
        assert!(matches!(compile(&json!({ "type": 7 })), Err(InvalidSchema::Malformed(_))));
        let deep = (0..100).fold(json!({}), |inner, _| json!({ "not": inner }));
        assert!(matches!(compile(&deep), Err(InvalidSchema::TooLarge { .. })));
    }

    #[test]
    fn references_that_multiply_are_too_much_work() {
        let mut definitions = Map::new();
        for n in 0..30 {
            let next = json!({ "$ref": format!("#/$defs/d{}", n + 1) });
            definitions.insert(format!("d{n}"), json!({ "allOf": [next, next] }));
        }
        definitions.insert("d30".to_owned(), json!({}));
        let schema = json!({ "$defs": definitions, "$ref": "#/$defs/d0" });
        assert!(check(&schema, &json!({})).unwrap_err().contains("steps"));
    }

    #[test]
    fn a_reference_that_multiplies_with_the_depth_of_the_value_is_too_much_work() {
        let twice = json!([{ "$ref": "#" }, { "$ref": "#" }]);
        let schema = json!({ "type": "object", "properties": { "a": { "allOf": twice } } });
        let value = (0..40).fold(json!({}), |inner, _| json!({ "a": inner }));
        assert!(check(&schema, &value).unwrap_err().contains("steps"));
        let value = (0..8).fold(json!({}), |inner, _| json!({ "a": inner }));
        assert_eq!(check(&schema, &value), Ok(()));
    }

    #[test]
    fn a_reference_to_itself_ends() {
        let schema = json!({ "$defs": { "a": { "$ref": "#/$defs/a" } }, "$ref": "#/$defs/a" });
        if let Ok(schema) = compile(&schema) {
            let raw = serde_json::value::to_raw_value(&json!({})).unwrap();
            assert_eq!(schema.check(&raw), Err(Misfit::TooMuchWork));
        }
    }

    #[test]
    fn patterns_are_bounded() {
        let large = json!({ "type": "string", "pattern": "^(b(a{1,500}){1,500}){1,500}c$" });
        assert!(matches!(compile(&large), Err(InvalidSchema::Malformed(_))));
    }
}
