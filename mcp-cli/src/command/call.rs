//! `mcp call`: calls a tool and shows what it answers.

use std::path::Path;

use mcp_client::{CallToolResult, Error, Tool, ToolError};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::list::TOOLS;
use crate::arguments::{Arguments, typed};
use crate::failure::Failure;
use crate::output::content::{self, Saved};
use crate::output::{Console, json};
use crate::report::{self, Report};
use crate::session::Session;

pub(crate) async fn run(
    session: &Session<'_>,
    tool: &str,
    arguments: &Arguments,
    output: Option<&Path>,
) -> Result<Report, Failure> {
    let arguments = written(session, tool, arguments).await?;
    let call = session.client.call_tool(tool, arguments);
    let result = session.follow(call, tool).await?;
    if result.is_failure() {
        let error = ToolError { result: Box::new(result) };
        return Err(Failure::Library(Error::Tool(error)));
    }
    let saved = match output {
        Some(name) => {
            let files = result.content.iter().filter_map(Saved::of_block);
            Some(report::save(&files.collect::<Result<Vec<_>, _>>()?, name)?)
        }
        None => None,
    };
    if session.console.json {
        let report = Report::result(&result, result.meta.as_ref())?;
        return Ok(Report { err: saved.unwrap_or_default(), ..report });
    }
    Ok(Report::text(text(&result, saved.as_deref(), &session.console)))
}

/// The arguments as they are sent. For pairs the tool's own schema says which type a value has.
async fn written(
    session: &Session<'_>,
    tool: &str,
    arguments: &Arguments,
) -> Result<Option<Box<RawValue>>, Failure> {
    let pairs = match arguments {
        Arguments::Nothing => return Ok(None),
        Arguments::Object(object) => return Ok(Some(object.clone())),
        Arguments::Pairs(pairs) => pairs,
    };
    let (tools, _) = TOOLS.read::<Tool>(&TOOLS.all(session.client).await?);
    let schema = tools.iter().find(|one| one.name == tool);
    let schema: Option<Value> = schema.and_then(|tool| tool.input_schema.parse().ok());
    let object = typed(pairs, schema.as_ref());
    // A map with names for keys is always JSON.
    Ok(to_raw_value(&object).ok())
}

/// What the tool answered: content, and what is structured unless the content says the same.
fn text(result: &CallToolResult, saved: Option<&str>, console: &Console) -> String {
    let structured = result.structured_content.as_deref();
    let value: Option<Value> = structured.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let mut text = String::new();
    for block in &result.content {
        let mirrors = match (block.as_text(), &value) {
            (Some(text), Some(value)) => content::mirrors(text, value),
            _ => false,
        };
        let in_file = saved.is_some() && Saved::of_block(block).is_some();
        if !mirrors && !in_file {
            text.push_str(&content::block(block, console));
        }
    }
    if let Some(structured) = structured {
        text.push_str(&json::pretty(structured, console.json_width()));
        text.push('\n');
    }
    text.push_str(saved.unwrap_or_default());
    text
}
