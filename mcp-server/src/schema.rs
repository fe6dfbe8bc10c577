//! JSON Schemas of arguments and results, in the 2020-12 dialect that MCP assumes.
//!
//! Owns how the schemas of Rust types are put together for the wire: without `$schema`, which says
//! nothing new there, and without the Rust names of root types.

use mcp_core::types::Schema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, generate::Contract};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// A generator for what is received.
pub(crate) fn for_arguments() -> SchemaGenerator {
    generator(Contract::Deserialize)
}

/// The schema of a structured result.
pub(crate) fn of_output<T: JsonSchema>() -> Schema {
    let mut root = root_of::<T>(&mut generator(Contract::Serialize));
    root.remove("title");
    Schema::new(&root).expect("a JSON map is written as an object")
}

/// The schema of all arguments as one value of type `T`.
///
/// # Errors
///
/// Returns what is wrong with it when it describes something else than objects.
pub(crate) fn of_all_arguments<T: JsonSchema>() -> Result<Map<String, Value>, String> {
    let mut root = root_of::<T>(&mut for_arguments());
    root.remove("title");
    if says_object(&root) {
        return Ok(root);
    }
    if only_objects(&root) {
        root.insert("type".to_owned(), "object".into());
        return Ok(root);
    }
    let found = root.get("type").map_or_else(|| "something else".to_owned(), Value::to_string);
    Err(format!(
        "the arguments of a tool are an object, and `{}` is described as {found}: take a struct or a map",
        std::any::type_name::<T>()
    ))
}

/// A schema whose properties have an order; those that it does not name come last.
pub(crate) fn in_order(root: &Map<String, Value>, order: &[&str]) -> Schema {
    struct Root<'a>(&'a Map<String, Value>, &'a [&'a str]);
    impl Serialize for Root<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let Self(root, order) = *self;
            let mut map = serializer.serialize_map(Some(root.len()))?;
            for (key, value) in root {
                match value.as_object().filter(|_| key == "properties") {
                    Some(properties) => {
                        let mut properties: Vec<(&str, &Value)> =
                            properties.iter().map(|(name, schema)| (&**name, schema)).collect();
                        properties.sort_by_key(|(name, _)| place(order, name));
                        map.serialize_entry(key, &InOrder(&properties))?;
                    }
                    None => map.serialize_entry(key, value)?,
                }
            }
            map.end()
        }
    }
    Schema::new(&Root(root, order)).expect("a JSON map is written as an object")
}

/// Where a name stands in an order, which may not have it.
pub(crate) fn place(order: &[&str], name: &str) -> usize {
    order.iter().position(|known| *known == name).unwrap_or(usize::MAX)
}

/// The schema of a form that is filled into a `T`.
pub(crate) fn of_form<T: JsonSchema>() -> Map<String, Value> {
    root_of::<T>(&mut for_arguments())
}

/// The schema of arguments that are taken one by one, in the order in which they are taken.
pub(crate) struct Properties<'a> {
    pub(crate) properties: &'a [(&'a str, Value)],
    pub(crate) required: &'a [&'a str],
    pub(crate) definitions: &'a Map<String, Value>,
}

impl Properties<'_> {
    pub(crate) fn to_schema(&self) -> Schema {
        if self.properties.is_empty() {
            return Schema::no_arguments();
        }
        Schema::new(self).expect("a map with string keys and JSON values is written as an object")
    }
}

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "object")?;
        map.serialize_entry("properties", &InOrder(self.properties))?;
        if !self.required.is_empty() {
            map.serialize_entry("required", self.required)?;
        }
        if !self.definitions.is_empty() {
            map.serialize_entry("$defs", self.definitions)?;
        }
        map.end()
    }
}

/// A map whose keys are written as they stand.
struct InOrder<'a, V>(&'a [(&'a str, V)]);

impl<V: Serialize> Serialize for InOrder<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, schema)| (name, schema)))
    }
}

fn generator(contract: Contract) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.contract = contract;
    });
    settings.into_generator()
}

fn root_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Map<String, Value> {
    match generator.root_schema_for::<T>().to_value() {
        Value::Object(root) => root,
        _ => Map::new(),
    }
}

fn says_object(schema: &Map<String, Value>) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

/// Whether a schema without `type` leaves room for objects only, or for anything at all.
fn only_objects(schema: &Map<String, Value>) -> bool {
    if schema.contains_key("type") || schema.contains_key("$ref") {
        return false;
    }
    let branches = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key)?.as_array());
    match branches {
        Some(branches) => branches.iter().all(|branch| branch.as_object().is_some_and(says_object)),
        None => !schema.contains_key("enum") && !schema.contains_key("const"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize, JsonSchema)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    #[expect(dead_code, reason = "only described")]
    enum Shape {
        Circle { radius: f64 },
        Square { side: f64 },
    }

    #[test]
    fn tagged_enums_and_maps_are_objects() {
        let shape = of_all_arguments::<Shape>().unwrap();
        assert_eq!(shape["type"], "object");
        assert_eq!(
            shape["oneOf"][0]["properties"]["kind"],
            json!({"type":"string","const":"circle"})
        );
        assert_eq!(
            of_all_arguments::<Value>().unwrap(),
            *json!({"type":"object"}).as_object().unwrap()
        );
        assert!(of_all_arguments::<Map<String, Value>>().is_ok());
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Query {
        text: String,
        limit: u32,
    }

    #[test]
    fn properties_have_the_order_of_the_fields() {
        let root = of_all_arguments::<Query>().unwrap();
        let schema = in_order(&root, crate::fields::of::<Query>());
        let at = |name| schema.as_str().find(name).unwrap();
        assert!(at("\"text\":") < at("\"limit\":"), "{schema:?}");
        assert!(in_order(&root, &[]).parse::<Value>().unwrap() == schema.parse::<Value>().unwrap());
    }

    #[test]
    fn what_is_no_object_is_refused_by_name() {
        let error = of_all_arguments::<Vec<u8>>().unwrap_err();
        assert_eq!(
            error,
            "the arguments of a tool are an object, and `alloc::vec::Vec<u8>` is described as \
             \"array\": take a struct or a map"
        );
        assert!(of_all_arguments::<Option<Shape>>().is_err());
        assert!(of_all_arguments::<String>().is_err());
    }
}
