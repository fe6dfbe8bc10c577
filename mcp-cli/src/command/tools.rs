//! `mcp tools`: the tools of a server, a line each.

use mcp_client::Tool;
use serde_json::json;

use super::list::TOOLS;
use super::schema::signature;
use crate::failure::Failure;
use crate::output::paint::Ink;
use crate::output::table::{Table, cut};
use crate::report::Report;
use crate::session::Session;

pub(crate) async fn run(session: &Session<'_>) -> Result<Report, Failure> {
    if session.client.negotiated().server().capabilities.tools.is_none() {
        return TOOLS.none(session);
    }
    let items = TOOLS.all(session.client).await?;
    if session.console.json {
        return Report::json(&json!({ TOOLS.key: items }));
    }
    let (tools, problems) = TOOLS.read::<Tool>(&items);
    let mut table = Table::new();
    for tool in &tools {
        table.row([
            (tool.name.as_str(), Ink::Name),
            (&cut(&signature(&tool.input_schema), WIDEST), Ink::Plain),
            (&description(tool), Ink::Dim),
        ]);
    }
    TOOLS.report(session, &table, &problems)
}

/// The first line of what the tool says of itself, and what its annotations say.
fn description(tool: &Tool) -> String {
    let text = tool.description.as_deref().unwrap_or_default();
    let title = || tool.display_name().to_owned();
    let first = match text.lines().find(|line| !line.trim().is_empty()) {
        Some(line) => line.trim().to_owned(),
        None if tool.display_name() != tool.name => title(),
        None => String::new(),
    };
    let hint = tool.annotations.as_ref().and_then(|hints| match hints.read_only_hint {
        Some(true) => Some("(read-only)"),
        _ if hints.destructive_hint == Some(true) => Some("(destructive)"),
        _ => None,
    });
    match hint {
        Some(hint) => format!("{first} {hint}").trim_start().to_owned(),
        None => first,
    }
}

/// What the parameters of a tool may take of a line.
const WIDEST: usize = 48;
