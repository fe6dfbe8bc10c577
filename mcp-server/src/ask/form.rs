//! Forms out of Rust types.
//!
//! Owns how the schema that a type derives becomes the restricted one that a form may have: a flat
//! object of text, numbers, yes or no, and choices (2026-07-28, client/elicitation, "Requested
//! Schema"). What a form cannot express is refused by the name of its field. It does not know who is
//! asked.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value, json};

use crate::fields;
use crate::schema;

/// The form for a `T`, as JSON.
#[derive(Debug)]
pub(crate) struct Form {
    /// In the order of the fields of `T`.
    properties: Vec<(String, Map<String, Value>)>,
    required: Vec<String>,
}

/// References that are followed until something is there.
const MOST_REFERENCES: usize = 16;

/// The formats that text in a form can have.
const FORMATS: [&str; 4] = ["email", "uri", "date", "date-time"];

impl Form {
    /// Derives the form.
    ///
    /// # Errors
    ///
    /// Everything that a form cannot express, each with its field.
    pub(crate) fn of<T: DeserializeOwned + JsonSchema>() -> Result<Self, Vec<String>> {
        let root = schema::of_form::<T>();
        Self::from_schema(&root, fields::of::<T>()).map_err(|problems| {
            let name = std::any::type_name::<T>();
            problems.into_iter().map(|problem| format!("the form `{name}`: {problem}")).collect()
        })
    }

    fn from_schema(root: &Map<String, Value>, order: &[&str]) -> Result<Self, Vec<String>> {
        if root.get("type") != Some(&json!("object"))
            || ["oneOf", "anyOf", "allOf", "patternProperties"]
                .iter()
                .any(|key| root.contains_key(*key))
            || root.get("additionalProperties").is_some_and(|more| *more != json!(false))
        {
            return Err(vec!["it is no struct with named fields".to_owned()]);
        }
        let none = Map::new();
        let definitions = root.get("$defs").and_then(Value::as_object).unwrap_or(&none);
        let listed = root.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required =
            root.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut form = Self { properties: Vec::new(), required: Vec::new() };
        let mut problems = Vec::new();
        for (name, schema) in listed {
            match Field::read(schema, definitions) {
                Ok(field) => {
                    if !field.nullable && required.iter().any(|required| required == name) {
                        form.required.push(name.clone());
                    }
                    form.properties.push((name.clone(), field.schema));
                }
                Err(problem) => problems.push(format!("field `{name}` {problem}")),
            }
        }
        let place = |name: &String| order.iter().position(|known| known == name);
        form.properties.sort_by_key(|(name, _)| place(name).unwrap_or(usize::MAX));
        form.required.sort_by_key(|name| place(name).unwrap_or(usize::MAX));
        if problems.is_empty() { Ok(form) } else { Err(problems) }
    }
}

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct InOrder<'a>(&'a [(String, Map<String, Value>)]);
        impl Serialize for InOrder<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(name, schema)| (name, schema)))
            }
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "object")?;
        map.serialize_entry("properties", &InOrder(&self.properties))?;
        if !self.required.is_empty() {
            map.serialize_entry("required", &self.required)?;
        }
        map.end()
    }
}

/// One field of a form.
struct Field {
    schema: Map<String, Value>,
    /// It may be left out because its type is an `Option`.
    nullable: bool,
}

impl Field {
    fn read(schema: &Value, definitions: &Map<String, Value>) -> Result<Self, String> {
        let Resolved { schema, nullable } = resolve(schema, definitions)?;
        let mut field = Map::new();
        for key in ["title", "description"] {
            if let Some(text) = schema.get(key) {
                field.insert(key.to_owned(), text.clone());
            }
        }
        match kind_of(&schema) {
            Some("string") | None if is_choice(&schema) => {
                field.insert("type".to_owned(), json!("string"));
                field.append(&mut choices(&schema, "oneOf")?);
            }
            Some("string") => {
                refuse(&schema, &["pattern", "contentEncoding"])?;
                take(&mut field, &schema, &["type", "minLength", "maxLength"]);
                // Any other format only says how serde will read the text.
                let format = schema.get("format").and_then(Value::as_str);
                if let Some(format) = format.filter(|format| FORMATS.contains(format)) {
                    field.insert("format".to_owned(), json!(format));
                }
            }
            Some("integer" | "number") => {
                let keys = ["exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "const"];
                refuse(&schema, &keys)?;
                take(&mut field, &schema, &["type", "minimum", "maximum"]);
            }
            Some("boolean") => {
                refuse(&schema, &["enum", "const"])?;
                take(&mut field, &schema, &["type"]);
            }
            Some("array") => {
                let items = schema.get("items").ok_or_else(|| cannot("a list without a type"))?;
                let Resolved { schema: items, nullable } = resolve(items, definitions)?;
                if nullable || !is_choice(&items) {
                    return Err(cannot("a list of something else than choices"));
                }
                take(&mut field, &schema, &["type", "minItems", "maxItems"]);
                let mut items = choices(&items, "anyOf")?;
                if items.contains_key("enum") {
                    items.insert("type".to_owned(), json!("string"));
                }
                field.insert("items".to_owned(), Value::Object(items));
            }
            Some("object") => return Err(cannot("an object")),
            _ => return Err(cannot("of no certain type")),
        }
        if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
            field.insert("default".to_owned(), default.clone());
        }
        Ok(Self { schema: field, nullable })
    }
}

/// A schema without references and `null`.
struct Resolved {
    schema: Map<String, Value>,
    nullable: bool,
}

/// Follows references and takes `null` out. What stands nearer to the field wins.
fn resolve(schema: &Value, definitions: &Map<String, Value>) -> Result<Resolved, String> {
    let mut nullable = false;
    let mut schema = schema.as_object().ok_or_else(|| cannot("of no certain type"))?.clone();
    for _ in 0..MOST_REFERENCES {
        let target = if let Some(reference) = schema.remove("$ref") {
            let name = reference.as_str().and_then(|text| text.strip_prefix("#/$defs/"));
            name.and_then(|name| definitions.get(name)).cloned()
        } else if let Some(Value::Array(mut branches)) = schema.remove("anyOf") {
            let before = branches.len();
            branches.retain(|branch| kind_of_value(branch) != Some("null"));
            nullable |= branches.len() < before;
            if branches.len() == 1 { branches.pop() } else { None }
        } else {
            nullable |= take_null(&mut schema);
            return Ok(Resolved { schema, nullable });
        };
        let Some(Value::Object(target)) = target else {
            return Err(cannot("of several types"));
        };
        for (key, value) in target {
            schema.entry(key).or_insert(value);
        }
    }
    Err(cannot("described by itself"))
}

/// Takes `null` out of the types and the values, and says whether it was there.
fn take_null(schema: &mut Map<String, Value>) -> bool {
    let mut found = false;
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        let before = kinds.len();
        kinds.retain(|kind| kind != "null");
        found = kinds.len() < before;
        if let [kind] = &kinds[..] {
            let kind = kind.clone();
            schema.insert("type".to_owned(), kind);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    found
}

/// Whether a schema lists what is possible.
fn is_choice(schema: &Map<String, Value>) -> bool {
    ["enum", "const", "oneOf"].iter().any(|key| schema.contains_key(*key))
}

/// The possible values: `enum` where none of them has a name for people, else under `titled`.
fn choices(schema: &Map<String, Value>, titled: &str) -> Result<Map<String, Value>, String> {
    let mut values = Vec::new();
    match schema.get("oneOf").and_then(Value::as_array) {
        Some(branches) => {
            for branch in branches {
                let branch = branch.as_object().ok_or_else(|| cannot("of several types"))?;
                let title = branch.get("title").or_else(|| branch.get("description"));
                let title = title.and_then(Value::as_str);
                values.extend(listed(branch)?.into_iter().map(|value| (value, title)));
            }
        }
        None => values.extend(listed(schema)?.into_iter().map(|value| (value, None))),
    }
    let value = if values.iter().all(|(_, title)| title.is_none()) {
        ("enum", values.iter().map(|(value, _)| json!(value)).collect())
    } else {
        let option = |(value, title): &(&str, Option<&str>)| json!({ "const": value, "title": title.unwrap_or(value) });
        (titled, values.iter().map(option).collect())
    };
    Ok(Map::from_iter([(value.0.to_owned(), Value::Array(value.1))]))
}

/// The values that a schema lists, which have to be text.
fn listed(schema: &Map<String, Value>) -> Result<Vec<&str>, String> {
    let values = match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => values.iter().collect(),
        (_, Some(value)) => vec![value],
        _ => return Err(cannot("a choice between more than names")),
    };
    let texts: Option<Vec<&str>> = values.into_iter().map(Value::as_str).collect();
    texts.ok_or_else(|| cannot("a choice between more than names"))
}

fn kind_of(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("type").and_then(Value::as_str)
}

fn kind_of_value(schema: &Value) -> Option<&str> {
    schema.as_object().and_then(kind_of)
}

fn take(field: &mut Map<String, Value>, schema: &Map<String, Value>, keys: &[&str]) {
    for key in keys {
        if let Some(value) = schema.get(*key) {
            field.insert((*key).to_owned(), value.clone());
        }
    }
}

fn refuse(schema: &Map<String, Value>, keys: &[&str]) -> Result<(), String> {
    match keys.iter().find(|key| schema.contains_key(**key)) {
        Some(key) => Err(format!("has `{key}`, which a form cannot express")),
        None => Ok(()),
    }
}

fn cannot(what: &str) -> String {
    format!("is {what}: a form has text, numbers, `bool`, enums of names and lists of such enums")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    fn schema_of<T: DeserializeOwned + JsonSchema>() -> Value {
        serde_json::to_value(Form::of::<T>().unwrap()).unwrap()
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Red,
        Green,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Format {
        /// Small and sharp
        Webm,
        #[schemars(title = "Plays anywhere")]
        Mp4,
        Gif,
    }

    #[test]
    fn text_numbers_and_yes_or_no_keep_their_bounds() {
        fn three() -> u8 {
            3
        }
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only described")]
        struct Contact {
            /// Your full name
            #[schemars(length(min = 1, max = 50))]
            name: String,
            #[schemars(email)]
            email: Option<String>,
            #[serde(default = "three")]
            copies: u8,
            #[schemars(range(min = 0.5))]
            weight: Option<f64>,
            #[serde(default)]
            news: bool,
        }
        assert_eq!(
            schema_of::<Contact>(),
            json!({
                "type": "object",
                "properties": {
                    "name": {
                        "type": "string", "description": "Your full name",
                        "minLength": 1, "maxLength": 50,
                    },
                    "email": { "type": "string", "format": "email" },
                    "copies": { "type": "integer", "minimum": 0, "maximum": 255, "default": 3 },
                    "weight": { "type": "number", "minimum": 0.5 },
                    "news": { "type": "boolean", "default": false },
                },
                "required": ["name"],
            })
        );
    }

    #[test]
    fn enums_are_choices_with_names_where_they_have_some() {
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only described")]
        struct Choose {
            color: Color,
            /// How to write it
            format: Option<Format>,
            colors: Vec<Color>,
            #[schemars(length(min = 1, max = 2))]
            formats: Option<Vec<Format>>,
        }
        let titled = json!([
            { "const": "gif", "title": "gif" },
            { "const": "webm", "title": "Small and sharp" },
            { "const": "mp4", "title": "Plays anywhere" },
        ]);
        assert_eq!(
            schema_of::<Choose>(),
            json!({
                "type": "object",
                "properties": {
                    "color": { "type": "string", "enum": ["red", "green"] },
                    "format": {
                        "type": "string", "description": "How to write it", "oneOf": titled,
                    },
                    "colors": {
                        "type": "array", "items": { "type": "string", "enum": ["red", "green"] },
                    },
                    "formats": {
                        "type": "array", "minItems": 1, "maxItems": 2, "items": { "anyOf": titled },
                    },
                },
                "required": ["color", "colors"],
            })
        );
    }

    #[test]
    fn fields_stand_in_the_order_of_their_declaration() {
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only described")]
        struct Address {
            street: String,
            number: u32,
            city: String,
        }
        let text = serde_json::to_string(&Form::of::<Address>().unwrap()).unwrap();
        let at = |name: &str| text.find(&format!("\"{name}\":")).unwrap();
        assert!(at("street") < at("number") && at("number") < at("city"), "{text}");
        assert!(text.ends_with(r#""required":["street","number","city"]}"#), "{text}");
    }

    #[test]
    fn a_struct_without_fields_asks_for_consent_only() {
        #[derive(Deserialize, JsonSchema)]
        struct Consent {}
        assert_eq!(schema_of::<Consent>(), json!({ "type": "object", "properties": {} }));
    }

    #[test]
    fn what_a_form_cannot_express_is_refused_by_its_field() {
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only described")]
        struct Inner {
            a: u8,
        }
        #[derive(Deserialize, JsonSchema)]
        #[expect(dead_code, reason = "only described")]
        struct Odd {
            fine: String,
            inner: Inner,
            free: Vec<String>,
            any: Value,
            map: BTreeMap<String, u8>,
            pair: (u8, u8),
            #[schemars(regex(pattern = "^a$"))]
            pattern: String,
            nothing: (),
            maybe: Option<Inner>,
        }
        let problems = Form::of::<Odd>().unwrap_err();
        let named = |field: &str| {
            let field = format!("field `{field}` ");
            problems.iter().find(|problem| problem.contains(&field)).unwrap_or_else(|| {
                panic!("{field} is not in {problems:#?}");
            })
        };
        for field in ["any", "map", "pair", "nothing", "maybe"] {
            named(field);
        }
        assert!(named("inner").starts_with("the form `mcp_server::ask::form::tests::"));
        assert!(named("inner").contains("field `inner` is an object: a form has text"));
        assert!(named("free").contains("a list of something else than choices"));
        assert!(named("pattern").contains("`pattern`, which a form cannot express"));
        assert_eq!(problems.len(), 8, "{problems:#?}");
    }

    #[test]
    fn only_structs_are_forms() {
        for problems in [
            Form::of::<String>().unwrap_err(),
            Form::of::<()>().unwrap_err(),
            Form::of::<Option<Color>>().unwrap_err(),
            Form::of::<BTreeMap<String, u8>>().unwrap_err(),
            Form::of::<Vec<Color>>().unwrap_err(),
        ] {
            assert!(problems[0].ends_with("it is no struct with named fields"), "{problems:?}");
        }
    }
}
