//! Tools whose schemas are written by hand: what comes in and goes out is checked against them.
//!
//! Where the schema is derived from a type there is nothing to check: what does not fit cannot be
//! read, or written.

use std::sync::Arc;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types::Schema;
use mcp_json_schema::JsonSchema;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::handler::Run;
use crate::outcome::{Outcome, ToolError};

/// The schemas of a tool that are not derived.
#[derive(Debug, Default)]
pub(crate) struct HandWritten {
    pub(crate) input: Option<Schema>,
    pub(crate) output: Option<Schema>,
}

impl HandWritten {
    /// Puts the checks around a handler, or says what is wrong with a schema.
    pub(crate) fn around(
        &self,
        run: Option<Run<Outcome>>,
        problems: &mut Vec<String>,
    ) -> Option<Run<Outcome>> {
        let mut compile = |schema: &Option<Schema>, which: &str| {
            let compiled = JsonSchema::compile(schema.as_ref()?);
            compiled.map_err(|problem| problems.push(format!("its {which} schema: {problem}"))).ok()
        };
        let input = compile(&self.input, "input").map(Arc::new);
        let output = compile(&self.output, "output").map(Arc::new);
        if self.input.as_ref().is_some_and(|schema| !is_object(schema)) {
            problems.push("its input schema: the root must say `\"type\": \"object\"`".to_owned());
        }
        if input.is_none() && output.is_none() {
            return run;
        }
        let run = run?;
        Some(Arc::new(move |call| {
            let arguments = call.arguments().map_or("{}", RawValue::get);
            if let Some(misfit) = input.as_deref().and_then(|input| misfit(input, arguments)) {
                let said = format!("the arguments do not fit: {misfit}");
                return Box::pin(std::future::ready(ToolError::new(said).into()));
            }
            let (running, name) = (run(call), call.name().to_owned());
            match output.clone() {
                None => running,
                Some(output) => Box::pin(async move { check(&output, &name, running.await) }),
            }
        }))
    }
}

/// Lets no structured content pass that is not as declared (2026-07-28, server/tools, "Output
/// Schema": servers MUST provide results that conform).
fn check(schema: &JsonSchema, tool: &str, outcome: Outcome) -> Outcome {
    let Outcome::Complete(result) = &outcome else { return outcome };
    if result.is_failure() {
        return outcome;
    }
    let problem = match &result.structured_content {
        None => "there is no structured content".to_owned(),
        Some(content) => match schema.check(content) {
            Ok(()) => return outcome,
            Err(misfit) => misfit.to_string(),
        },
    };
    tracing::error!(target: "mcp::server", tool, problem, "a result does not fit the output schema");
    Outcome::Error(ErrorObject::internal("the result does not fit the tool's output schema"))
}

/// Whether the root of a schema is an object.
fn is_object(schema: &Schema) -> bool {
    schema.parse::<Value>().is_ok_and(|root| root["type"] == "object")
}

fn misfit(schema: &JsonSchema, arguments: &str) -> Option<String> {
    let raw: &RawValue = serde_json::from_str(arguments).ok()?;
    schema.check(raw).err().map(|misfit| misfit.to_string())
}

#[cfg(test)]
mod tests {
    use mcp_core::types::CallToolResult;
    use serde_json::json;

    use super::*;
    use crate::rig::Rig;
    use crate::{Args, Tool};

    fn schema(schema: &Value) -> Schema {
        Schema::new(schema).unwrap()
    }

    fn total() -> Tool {
        Tool::new("total")
            .input_schema(schema(&json!({
                "type": "object",
                "properties": { "numbers": { "type": "array", "items": { "type": "number" } } },
                "required": ["numbers"],
            })))
            .output_schema(schema(&json!({
                "type": "object",
                "properties": { "total": { "type": "number", "minimum": 0 } },
                "required": ["total"],
            })))
            .handler(async |Args(arguments): Args<Value>| {
                let numbers = arguments["numbers"].as_array().cloned().unwrap_or_default();
                let total: f64 = numbers.iter().filter_map(Value::as_f64).sum();
                let result = CallToolResult::text(total.to_string());
                match total {
                    7.0 => Ok(result),
                    _ => result.with_structured_content(&json!({ "total": total })),
                }
            })
    }

    #[tokio::test]
    async fn arguments_that_do_not_fit_never_reach_the_handler() {
        let said = Rig::new().text(total(), r#"{"numbers":[1,"two"]}"#).await;
        assert_eq!(
            said,
            r#"the arguments do not fit: `/numbers/1`: "two" is not of type "number""#
        );
        let said = Rig::new().text(total(), "{}").await;
        assert_eq!(said, r#"the arguments do not fit: "numbers" is a required property"#);
        assert_eq!(Rig::new().text(total(), r#"{"numbers":[1,2]}"#).await, "3");
    }

    #[tokio::test]
    async fn results_that_do_not_fit_never_reach_the_client() {
        let error = json!({
            "code": -32603, "message": "the result does not fit the tool's output schema",
        });
        for wrong in [r#"{"numbers":[-1]}"#, r#"{"numbers":[7]}"#] {
            let said: Value = serde_json::from_str(&Rig::new().text(total(), wrong).await).unwrap();
            assert_eq!(said, error);
        }
    }

    #[test]
    fn schemas_that_cannot_be_used_are_problems_of_the_tool() {
        let remote = schema(&json!({ "type": "object", "$ref": "https://example.com/s.json" }));
        let list = schema(&json!({ "type": "array" }));
        let tool = total().output_schema(remote).input_schema(list);
        let problems = tool.problems().join("\n");
        assert!(problems.contains("its output schema: `$ref` leads out"), "{problems}");
        assert!(problems.contains("its input schema"), "{problems}");
    }
}
