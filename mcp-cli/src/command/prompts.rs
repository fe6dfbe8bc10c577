//! `mcp prompts` and `mcp prompt`.

use std::collections::BTreeMap;
use std::path::Path;

use mcp_core::types::{Prompt, Role};
use serde_json::json;

use super::list::PROMPTS;
use crate::failure::Failure;
use crate::output::content::{self, Saved};
use crate::output::paint::Ink;
use crate::output::plain;
use crate::output::table::Table;
use crate::report::{self, Report};
use crate::session::Session;

/// The prompts, a line each.
pub(crate) async fn list(session: &Session<'_>) -> Result<Report, Failure> {
    if session.client.negotiated().server().capabilities.prompts.is_none() {
        return PROMPTS.none(session);
    }
    let items = PROMPTS.all(session.client).await?;
    if session.console.json {
        return Report::json(&json!({ PROMPTS.key: items }));
    }
    let (prompts, problems) = PROMPTS.read::<Prompt>(&items);
    let mut table = Table::new();
    for prompt in &prompts {
        let arguments = prompt.arguments.iter().map(|argument| match argument.is_required() {
            true => argument.name.clone(),
            false => format!("[{}]", argument.name),
        });
        let about = prompt.description.as_deref().or(prompt.title.as_deref()).unwrap_or_default();
        let about = about.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        table.row([
            (prompt.name.as_str(), Ink::Name),
            (&arguments.collect::<Vec<_>>().join(", "), Ink::Plain),
            (about.trim(), Ink::Dim),
        ]);
    }
    PROMPTS.report(session, &table, &problems)
}

/// The messages of a prompt.
pub(crate) async fn get(
    session: &Session<'_>,
    name: &str,
    arguments: &[(String, String)],
    output: Option<&Path>,
) -> Result<Report, Failure> {
    let arguments: BTreeMap<_, _> = arguments.iter().map(|(name, value)| (name, value)).collect();
    let result = session.follow(session.client.get_prompt(name, arguments), name).await?;
    let saved = match output {
        Some(name) => {
            let files = result.messages.iter().filter_map(|one| Saved::of_block(&one.content));
            Some(report::save(&files.collect::<Result<Vec<_>, _>>()?, name)?)
        }
        None => None,
    };
    if session.console.json {
        let report = Report::result(&result, result.meta.as_ref())?;
        return Ok(Report { err: saved.unwrap_or_default(), ..report });
    }
    let console = &session.console;
    let mut text = String::new();
    if let Some(description) = &result.description {
        text.push_str(&console.out.paint(Ink::Dim, &plain::one_line(description)));
        text.push('\n');
    }
    for message in &result.messages {
        let role = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        text.push_str(&format!("{}:\n", console.out.paint(Ink::Name, role)));
        let content = content::block(&message.content, console);
        content.lines().for_each(|line| text.push_str(&indented(line)));
    }
    text.push_str(saved.as_deref().unwrap_or_default());
    Ok(Report::text(text))
}

/// Terminal sequences of pictures are no lines of text.
fn indented(line: &str) -> String {
    match line.is_empty() || line.starts_with("\x1b_") || line.starts_with("\x1b]") {
        true => format!("{line}\n"),
        false => format!("  {line}\n"),
    }
}
