//! Arguments of tools that are mirrored into headers: `x-mcp-header` in an input schema.
//!
//! Owns the constraints on the annotation ([`mirrored_params`]) and the value that an argument has
//! in its header ([`MirroredParam::value`]). Does not know how a header is written
//! ([`encode_value`](super::header::encode_value)) or checked ([`mirror`](super::mirror)), nor
//! anything else of schemas.
//!
//! Rules: 2026-07-28, basic/transports/streamable-http, "Custom Headers from Tool Parameters".

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use memchr::memmem;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::header::PARAM_PREFIX;
use crate::jsonrpc::shown;

/// The keyword that names the header of a parameter.
pub const ANNOTATION: &str = "x-mcp-header";

/// The parameters of a tool that are mirrored, from its input schema.
///
/// A schema without the keyword costs one search through its text.
///
/// # Errors
/// When a constraint is violated. Clients leave such a tool out of what `tools/list` returns, and
/// should log why; servers should not offer it.
///
/// # Examples
/// ```
/// use mcp_core::http::param::mirrored_params;
/// use serde_json::value::RawValue;
///
/// let schema: Box<RawValue> = serde_json::from_str(
///     r#"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"}}}"#,
/// )?;
/// let params = mirrored_params(&schema)?;
/// assert_eq!(params[0].header(), "mcp-param-region");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn mirrored_params(input_schema: &RawValue) -> Result<Vec<MirroredParam>, InvalidAnnotation> {
    let text = input_schema.get().as_bytes();
    let mentioned = |what: &str| memmem::find(text, what.as_bytes()).is_some();
    // The keyword may be spelt with escapes.
    if !mentioned(ANNOTATION) && !mentioned(r"\u") {
        return Ok(Vec::new());
    }
    let schema: Value = serde_json::from_str(input_schema.get())
        .map_err(|error| InvalidAnnotation::Schema(error.to_string()))?;
    let mut search = Search { trail: Vec::new(), params: Vec::new(), headers: HashMap::new() };
    search.schema(&schema, true)?;
    Ok(search.params)
}

/// A parameter of a tool whose argument also stands in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirroredParam {
    header: Box<str>,
    path: Box<[Box<str>]>,
}

impl MirroredParam {
    /// The name of the header, in lower case: `mcp-param-` and the name in the annotation.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// Where the argument stands: the names of members, from the arguments inwards.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map(|name| &**name)
    }

    /// What the header says for these arguments, before
    /// [`encode_value`](super::header::encode_value); `None` when it is omitted.
    ///
    /// A string is taken as it is, a boolean as `true` or `false`, a whole number in decimal
    /// digits, whatever type the schema asks for: what does not fit it is for the server to
    /// refuse. Without an argument, or with `null`, there is no header.
    ///
    /// # Errors
    /// When the argument has no form in a header.
    pub fn value(&self, arguments: Option<&RawValue>) -> Result<Option<String>, InvalidArgument> {
        Ok(self.argument(arguments)?.map(|argument| argument.to_string()))
    }

    /// The argument, if there is one.
    pub(super) fn argument<'a>(
        &self,
        arguments: Option<&'a RawValue>,
    ) -> Result<Option<Argument<'a>>, InvalidArgument> {
        let invalid = |problem| InvalidArgument { path: self.to_string(), problem };
        let mut found = arguments;
        for name in &self.path {
            let Some(object) = found else { return Ok(None) };
            found = member(object, name).map_err(invalid)?;
        }
        found.map_or(Ok(None), |raw| Argument::read(raw).map_err(invalid))
    }
}

/// The path, with dots in between.
impl fmt::Display for MirroredParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.path.join(".")))
    }
}

/// Why an annotation makes the definition of its tool invalid.
///
/// `at` is where in the schema it stands, its keys with slashes in between.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAnnotation {
    /// The schema cannot be read.
    #[error("the input schema cannot be searched for `x-mcp-header`: {0}")]
    Schema(String),
    /// Not below a chain of `properties` only, or not on a property at all.
    #[error(
        "`x-mcp-header` at `{at}` must stand on a property that only `properties` lead to from the root"
    )]
    Misplaced {
        /// Where it stands.
        at: String,
    },
    /// Not a string.
    #[error("`x-mcp-header` at `{at}` must be a string")]
    NotAString {
        /// Where it stands.
        at: String,
    },
    /// Empty, or with characters that the name of a header cannot have.
    #[error(
        "`x-mcp-header` at `{at}` must be the name of a header (letters, digits and !#$%&'*+-.^_`|~), not {name:?}"
    )]
    NotAName {
        /// Where it stands.
        at: String,
        /// What stands there.
        name: String,
    },
    /// On a parameter that is no string, integer or boolean.
    #[error("`x-mcp-header` at `{at}` needs `type` `string`, `integer` or `boolean`, not {found}")]
    Type {
        /// Where it stands.
        at: String,
        /// What `type` is.
        found: String,
    },
    /// The same header, whatever the case, for two parameters.
    #[error("`x-mcp-header` at `{at}` names the header {name:?} that `{first}` has already")]
    Repeated {
        /// Where it stands.
        at: String,
        /// The name.
        name: String,
        /// The path of the parameter that has it.
        first: String,
    },
}

/// An argument that has no form in a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("argument `{path}` cannot be mirrored into its header: {problem}")]
pub struct InvalidArgument {
    path: String,
    problem: ArgumentProblem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum ArgumentProblem {
    #[error("`{0}` stands there twice")]
    Repeated(String),
    #[error("it must be a string, an integer or a boolean")]
    NotPrimitive,
    #[error("a number must be whole and between -9007199254740991 and 9007199254740991")]
    Number,
    #[error("{0}")]
    Unreadable(String),
}

/// An argument as it is mirrored.
#[derive(Debug, PartialEq)]
pub(super) enum Argument<'a> {
    Text(Cow<'a, str>),
    Integer(i64),
    Boolean(bool),
}

impl<'a> Argument<'a> {
    fn read(raw: &'a RawValue) -> Result<Option<Self>, ArgumentProblem> {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Ok(None),
            Some(b't') => Ok(Some(Self::Boolean(true))),
            Some(b'f') => Ok(Some(Self::Boolean(false))),
            Some(b'"') => {
                let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                match inner.filter(|text| !text.contains('\\')) {
                    Some(text) => Ok(Some(Self::Text(Cow::Borrowed(text)))),
                    None => serde_json::from_str(text)
                        .map(|text| Some(Self::Text(Cow::Owned(text))))
                        .map_err(|error| ArgumentProblem::Unreadable(error.to_string())),
                }
            }
            Some(b'-' | b'0'..=b'9') => {
                safe_integer(text).map(|n| Some(Self::Integer(n))).ok_or(ArgumentProblem::Number)
            }
            _ => Err(ArgumentProblem::NotPrimitive),
        }
    }

    /// Whether a header with this (decoded) text says the same: numbers as numbers.
    pub(super) fn is_said_by(&self, text: &str) -> bool {
        match self {
            Self::Text(own) => own == text,
            Self::Integer(own) => safe_integer(text) == Some(*own),
            Self::Boolean(own) => text == if *own { "true" } else { "false" },
        }
    }
}

impl fmt::Display for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => number.fmt(f),
            Self::Boolean(value) => value.fmt(f),
        }
    }
}

/// The largest whole number below which every other has its own double.
const MOST: i64 = 9_007_199_254_740_991;

/// A number in JSON's form that is whole and safe to handle as a double.
fn safe_integer(text: &str) -> Option<i64> {
    // White space, which a reader of JSON allows, is no part of a number.
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
        return None;
    }
    let number: Number = serde_json::from_str(text).ok()?;
    let value = match number.as_i64() {
        Some(value) => value,
        None => {
            let value = number.as_f64()?;
            // A fraction that a double is too coarse for is one too.
            let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
            let rounded = !text.contains(['e', 'E']) && fraction.bytes().any(|digit| digit != b'0');
            if rounded || value.fract() != 0.0 || value.abs() > MOST as f64 {
                return None;
            }
            // Exact: whole, and within the bound.
            value as i64
        }
    };
    (-MOST..=MOST).contains(&value).then_some(value)
}

/// The search for annotations.
struct Search<'s> {
    /// The keys that lead from the root to the place of the search.
    trail: Vec<Cow<'s, str>>,
    params: Vec<MirroredParam>,
    /// Headers that are taken, and by which parameter.
    headers: HashMap<Box<str>, usize>,
}

impl<'s> Search<'s> {
    /// Searches a schema; `reachable` when only `properties` lead to it.
    ///
    /// The depth is that of the parsed JSON, which its parser bounds.
    fn schema(&mut self, schema: &'s Value, reachable: bool) -> Result<(), InvalidAnnotation> {
        match schema {
            Value::Object(keywords) => self.keywords(keywords, reachable),
            Value::Array(schemas) => {
                for (index, schema) in schemas.iter().enumerate() {
                    self.step(Cow::Owned(index.to_string()), schema, false)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn keywords(
        &mut self,
        keywords: &'s Map<String, Value>,
        reachable: bool,
    ) -> Result<(), InvalidAnnotation> {
        for (keyword, value) in keywords {
            match (keyword.as_str(), value) {
                (ANNOTATION, name) => self.annotation(name, keywords, reachable)?,
                // Values, in which no keyword means anything.
                ("const" | "enum" | "default" | "examples" | "example", _) => {}
                // Here the keys are names, and a schema stands below each.
                (
                    "properties" | "patternProperties" | "$defs" | "definitions"
                    | "dependentSchemas" | "dependencies",
                    Value::Object(schemas),
                ) => {
                    let reachable = reachable && keyword == "properties";
                    self.trail.push(Cow::Borrowed(keyword));
                    for (name, schema) in schemas {
                        self.step(Cow::Borrowed(name), schema, reachable)?;
                    }
                    self.trail.pop();
                }
                // A schema, several, or what no one knows, where an annotation is out of place.
                _ => self.step(Cow::Borrowed(keyword), value, false)?,
            }
        }
        Ok(())
    }

    fn step(
        &mut self,
        key: Cow<'s, str>,
        schema: &'s Value,
        reachable: bool,
    ) -> Result<(), InvalidAnnotation> {
        self.trail.push(key);
        self.schema(schema, reachable)?;
        self.trail.pop();
        Ok(())
    }

    fn annotation(
        &mut self,
        name: &Value,
        keywords: &Map<String, Value>,
        reachable: bool,
    ) -> Result<(), InvalidAnnotation> {
        let at = || match &*self.trail {
            [] => "#".to_owned(),
            trail => shown(&trail.join("/")).into_owned(),
        };
        if !reachable || self.trail.is_empty() {
            return Err(InvalidAnnotation::Misplaced { at: at() });
        }
        let Value::String(name) = name else {
            return Err(InvalidAnnotation::NotAString { at: at() });
        };
        if name.is_empty() || !name.bytes().all(is_token_character) {
            return Err(InvalidAnnotation::NotAName { at: at(), name: shown(name).into_owned() });
        }
        match keywords.get("type") {
            Some(Value::String(kind))
                if matches!(kind.as_str(), "string" | "integer" | "boolean") => {}
            other => {
                let found = other.map_or_else(|| "absent".to_owned(), ToString::to_string);
                let found = shown(&found).into_owned();
                return Err(InvalidAnnotation::Type { at: at(), found });
            }
        }
        let header: Box<str> =
            format!("{PARAM_PREFIX}{}", name.to_ascii_lowercase()).into_boxed_str();
        if let Some(first) = self.headers.insert(header.clone(), self.params.len()) {
            let (name, first) = (shown(name).into_owned(), self.params[first].to_string());
            return Err(InvalidAnnotation::Repeated { at: at(), name, first });
        }
        // `properties` and names take turns on a trail that is reachable.
        let path = self.trail.iter().skip(1).step_by(2).map(|name| Box::from(&**name)).collect();
        self.params.push(MirroredParam { header, path });
        Ok(())
    }
}

/// Whether a character may stand in the name of a header (RFC 9110, 5.6.2).
fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A member of an object, read without the others; anything but an object has none.
fn member<'a>(object: &'a RawValue, name: &str) -> Result<Option<&'a RawValue>, ArgumentProblem> {
    if !object.get().starts_with('{') {
        return Ok(None);
    }
    let mut repeated = false;
    let wanted = Wanted { name, repeated: &mut repeated };
    match wanted.deserialize(&mut serde_json::Deserializer::from_str(object.get())) {
        Ok(found) => Ok(found),
        Err(_) if repeated => Err(ArgumentProblem::Repeated(shown(name).into_owned())),
        Err(error) => Err(ArgumentProblem::Unreadable(error.to_string())),
    }
}

/// The member to be read out of an object.
struct Wanted<'n> {
    name: &'n str,
    /// Whether it stands there more than once, so that readers may differ on it.
    repeated: &'n mut bool,
}

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Wanted<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_wanted) = map.next_key_seed(IsName(self.name))? {
            if !is_wanted {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(map.next_value()?).is_some() {
                *self.repeated = true;
                return Err(A::Error::custom("a member stands there twice"));
            }
        }
        Ok(found)
    }
}

/// Whether a key is this name.
struct IsName<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for IsName<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsName<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn params(schema: &Value) -> Result<Vec<MirroredParam>, InvalidAnnotation> {
        mirrored_params(&raw(&schema.to_string()))
    }

    /// Header and path of what a schema mirrors.
    fn found(schema: &Value) -> Vec<(String, String)> {
        let params = params(schema).unwrap();
        params.iter().map(|param| (param.header().to_owned(), param.to_string())).collect()
    }

    fn problem(schema: &Value) -> String {
        params(schema).expect_err(&schema.to_string()).to_string()
    }

    /// A schema with one property.
    fn with(property: &Value) -> Value {
        json!({ "type": "object", "properties": { "p": property } })
    }

    fn param() -> MirroredParam {
        params(&with(&json!({ "type": "string", "x-mcp-header": "P" }))).unwrap().remove(0)
    }

    fn value(arguments: &str) -> Result<Option<String>, String> {
        param().value(Some(&raw(arguments))).map_err(|error| error.to_string())
    }

    #[test]
    fn annotated_properties_are_found_at_any_depth() {
        let schema = json!({
            "type": "object",
            "properties": {
                "query": { "type": "string" },
                "region": { "type": "string", "x-mcp-header": "Region" },
                "options": {
                    "type": "object",
                    "properties": {
                        "limit": { "type": "integer", "x-mcp-header": "Max-Rows" },
                        "properties": {
                            "properties": { "dry": { "type": "boolean", "x-mcp-header": "a!#$" } }
                        }
                    }
                }
            }
        });
        let mut found = found(&schema);
        found.sort();
        let expected = [
            ("mcp-param-a!#$", "options.properties.dry"),
            ("mcp-param-max-rows", "options.limit"),
            ("mcp-param-region", "region"),
        ];
        assert_eq!(found, expected.map(|(header, path)| (header.to_owned(), path.to_owned())));
    }

    #[test]
    fn schemas_without_annotations_mirror_nothing() {
        for schema in [
            json!({}),
            json!(true),
            json!({ "description": "about \\u and x-mcp-header" }),
            json!({ "properties": { "x-mcp-header": { "type": "string" } } }),
            json!({ "items": { "properties": { "x-mcp-header": { "type": "object" } } } }),
            json!({ "required": ["x-mcp-header"], "const": { "x-mcp-header": "A" } }),
            with(&json!({ "default": { "x-mcp-header": 7 }, "enum": [{ "x-mcp-header": "A" }] })),
        ] {
            assert_eq!(params(&schema), Ok(vec![]), "{schema}");
        }
    }

    #[test]
    fn keyword_spelt_with_escapes_counts() {
        let schema = r#"{"properties":{"p":{"type":"string","x\u002dmcp-header":"P"}}}"#;
        assert_eq!(mirrored_params(&raw(schema)).unwrap(), [param()]);
    }

    #[test]
    fn names_must_be_those_of_headers() {
        for name in ["", "My Region", "a:b", "Région", "a\tb", "a\r\nb", "a\u{7f}", "a/b", "\"a\""]
        {
            let problem = problem(&with(&json!({ "type": "string", "x-mcp-header": name })));
            assert!(problem.contains("`properties/p` must be the name of a header"), "{problem}");
            assert!(!problem.contains(['\r', '\n']), "{problem}");
        }
        for name in [json!(7), json!(null), json!({}), json!(["A"])] {
            let problem = problem(&with(&json!({ "type": "string", "x-mcp-header": name })));
            assert_eq!(problem, "`x-mcp-header` at `properties/p` must be a string");
        }
    }

    #[test]
    fn only_strings_integers_and_booleans_are_mirrored() {
        for kind in ["string", "integer", "boolean"] {
            assert!(params(&with(&json!({ "type": kind, "x-mcp-header": "P" }))).is_ok());
        }
        for kind in ["number", "object", "array", "null", "String"] {
            let problem = problem(&with(&json!({ "type": kind, "x-mcp-header": "P" })));
            assert!(problem.ends_with(&format!("not \"{kind}\"")), "{problem}");
        }
        let absent = problem(&with(&json!({ "$ref": "#/$defs/a", "x-mcp-header": "P" })));
        assert!(absent.ends_with("not absent"), "{absent}");
        let nullable = with(&json!({ "type": ["string", "null"], "x-mcp-header": "P" }));
        assert!(problem(&nullable).ends_with(r#"not ["string","null"]"#));
    }

    #[test]
    fn headers_are_unique_whatever_their_case() {
        let schema = json!({ "properties": {
            "a": { "type": "string", "x-mcp-header": "Region" },
            "b": { "properties": { "c": { "type": "string", "x-mcp-header": "REGION" } } },
        } });
        assert_eq!(
            problem(&schema),
            "`x-mcp-header` at `properties/b/properties/c` names the header \"REGION\" that `a` has already"
        );
    }

    #[test]
    fn annotations_elsewhere_make_the_tool_invalid() {
        let annotated = json!({ "type": "string", "x-mcp-header": "P" });
        let below = json!({ "properties": { "q": annotated } });
        for (schema, at) in [
            (annotated.clone(), "#"),
            (json!({ "items": annotated }), "items"),
            (json!({ "prefixItems": [{}, annotated] }), "prefixItems/1"),
            (json!({ "additionalProperties": annotated }), "additionalProperties"),
            (json!({ "patternProperties": { "^a": annotated } }), "patternProperties/^a"),
            (json!({ "$defs": { "a": annotated } }), "$defs/a"),
            (json!({ "definitions": { "const": annotated } }), "definitions/const"),
            (json!({ "oneOf": [below] }), "oneOf/0/properties/q"),
            (json!({ "anyOf": [below] }), "anyOf/0/properties/q"),
            (json!({ "allOf": [below] }), "allOf/0/properties/q"),
            (json!({ "not": below }), "not/properties/q"),
            (json!({ "if": below }), "if/properties/q"),
            (json!({ "then": below }), "then/properties/q"),
            (json!({ "else": below }), "else/properties/q"),
            (json!({ "dependentSchemas": { "a": below } }), "dependentSchemas/a/properties/q"),
            (json!({ "properties": [annotated] }), "properties/0"),
            (json!({ "x-unknown": annotated }), "x-unknown"),
            (with(&json!({ "type": "array", "items": annotated })), "properties/p/items"),
        ] {
            let says = format!("`x-mcp-header` at `{at}` must stand on a property");
            let problem = problem(&schema);
            assert!(problem.starts_with(&says), "{problem}");
        }
    }

    #[test]
    fn hostile_schemas_are_refused_without_harm() {
        let deep = format!("{}\"x-mcp-header\"{}", "[".repeat(4000), "]".repeat(4000));
        let problem = mirrored_params(&raw(&deep)).unwrap_err();
        assert!(matches!(problem, InvalidAnnotation::Schema(_)), "{problem}");
        let long = "a ".repeat(100_000);
        let schema = json!({ "properties": { &long: { "type": "string", "x-mcp-header": long } } });
        assert!(params(&schema).unwrap_err().to_string().len() < 600);
        let many: Map<String, Value> = (0..20_000)
            .map(|i| (i.to_string(), json!({ "type": "string", "x-mcp-header": i.to_string() })))
            .collect();
        assert_eq!(params(&json!({ "properties": many })).unwrap().len(), 20_000);
    }

    #[test]
    fn values_are_written_by_their_own_type() {
        for (argument, text) in [
            (r#""us-west1""#, "us-west1"),
            (r#""""#, ""),
            (r#"" 42""#, " 42"),
            (r#""line1\nline2 \u00e9""#, "line1\nline2 é"),
            ("42", "42"),
            ("-7", "-7"),
            ("42.0", "42"),
            ("4.2e1", "42"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("9007199254740991", "9007199254740991"),
            ("-9007199254740991.00", "-9007199254740991"),
            ("true", "true"),
            ("false", "false"),
        ] {
            assert_eq!(value(&format!(r#"{{"p": {argument} }}"#)), Ok(Some(text.into())));
        }
    }

    #[test]
    fn absent_and_null_arguments_have_no_header() {
        for arguments in ["{}", r#"{"p":null}"#, r#"{"q":1}"#, "null", "[]", "7", r#""p""#] {
            assert_eq!(value(arguments), Ok(None), "{arguments}");
        }
        assert_eq!(param().value(None), Ok(None));
        let schema =
            with(&json!({ "properties": { "q": { "type": "string", "x-mcp-header": "Q" } } }));
        let nested = params(&schema).unwrap().remove(0);
        assert_eq!(nested.value(Some(&raw(r#"{"p":{"q":"a"}}"#))), Ok(Some("a".into())));
        for arguments in [r#"{"p":"a"}"#, r#"{"p":[{"q":"a"}]}"#, r#"{"q":"a"}"#, r#"{"p":null}"#] {
            assert_eq!(nested.value(Some(&raw(arguments))), Ok(None), "{arguments}");
        }
    }

    #[test]
    fn arguments_without_a_form_in_headers_are_named() {
        for (argument, says) in [
            ("[]", "must be a string, an integer or a boolean"),
            ("{}", "must be a string, an integer or a boolean"),
            ("1.5", "must be whole"),
            ("9007199254740992", "must be whole"),
            ("9007199254740990.6", "must be whole"),
            ("1e300", "must be whole"),
            ("1e999", "must be whole"),
            (r#""\ud800""#, "hex escape"),
            (r#"1,"p":1"#, "`p` stands there twice"),
            (r#"null,"\u0070":1"#, "`p` stands there twice"),
        ] {
            let problem = value(&format!(r#"{{"p":{argument}}}"#)).unwrap_err();
            assert!(problem.starts_with("argument `p` cannot be mirrored"), "{problem}");
            assert!(problem.contains(says), "{problem}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers_and_text_exactly() {
        let says = |text: &str, argument: Argument<'_>| argument.is_said_by(text);
        for text in ["42", "42.0", "42.00", "4.2e1", "420e-1"] {
            assert!(says(text, Argument::Integer(42)), "{text}");
        }
        for text in ["43", "42.1", "042", "+42", " 42", "42 ", "0x2a", "", "42a", "true", "∞"] {
            assert!(!says(text, Argument::Integer(42)), "{text}");
        }
        assert!(says("-0", Argument::Integer(0)));
        assert!(says("true", Argument::Boolean(true)));
        assert!(!says("True", Argument::Boolean(true)));
        assert!(!says("1", Argument::Boolean(true)));
        assert!(says("42", Argument::Text("42".into())));
        assert!(!says("42.0", Argument::Text("42".into())));
        assert!(!says("US", Argument::Text("us".into())));
    }
}
