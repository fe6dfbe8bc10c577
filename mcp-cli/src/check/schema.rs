//! Whether a JSON Schema makes sense, and whether a value fits it.

use mcp_core::types::Schema;
use mcp_json_schema::JsonSchema;
use serde_json::Value;
use serde_json::value::to_raw_value;

use crate::output::plain;
use crate::output::table::cut;

/// What is wrong with a schema; nothing if it can be used.
pub(crate) fn problem(schema: &Value) -> Option<String> {
    compiled(schema).err()
}

/// Why a value does not fit a schema; nothing if it does, or if the schema is no good.
pub(crate) fn misfit(value: &Value, schema: &Value) -> Option<String> {
    let schema = compiled(schema).ok()?;
    let value = to_raw_value(value).ok()?;
    schema.check(&value).err().map(|misfit| brief(&misfit))
}

/// Members that are required and not described.
pub(crate) fn undescribed(schema: &Value) -> Vec<&str> {
    let described = schema.get("properties");
    let required = schema.get("required").and_then(Value::as_array).map(Vec::as_slice);
    let names = required.unwrap_or_default().iter().filter_map(Value::as_str);
    let composed = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties"]
        .iter()
        .any(|key| schema.get(key).is_some());
    names.filter(|name| !composed && described.and_then(|all| all.get(name)).is_none()).collect()
}

fn compiled(schema: &Value) -> Result<JsonSchema, String> {
    let schema = Schema::new(schema).map_err(|error| brief(&error))?;
    JsonSchema::compile(&schema).map_err(|error| brief(&error))
}

fn brief(problem: &impl ToString) -> String {
    cut(&plain::one_line(&problem.to_string()), 160)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_makes_no_sense_is_found() {
        for bad in [json!([]), json!({ "type": "text" }), json!({ "required": true })] {
            assert!(problem(&bad).is_some(), "{bad}");
        }
        let good = json!({ "type": "object", "properties": { "a": {} }, "required": ["a", "b"] });
        assert_eq!(problem(&good), None);
        assert_eq!(undescribed(&good), ["b"]);
    }

    #[test]
    fn a_value_that_does_not_fit_is_found() {
        let schema = json!({ "properties": { "n": { "type": "integer" } } });
        assert_eq!(misfit(&json!({ "n": 1 }), &schema), None);
        assert!(misfit(&json!({ "n": "1" }), &schema).unwrap().contains("`/n`"));
    }
}
