//! `mcp resources`, `mcp templates` and `mcp read`.

use std::path::Path;

use mcp_core::types::{Resource, ResourceTemplate};
use serde_json::json;

use super::list::{RESOURCES, TEMPLATES};
use crate::failure::Failure;
use crate::output::content::{self, Saved};
use crate::output::paint::Ink;
use crate::output::size;
use crate::output::table::Table;
use crate::report::{self, Report};
use crate::session::Session;

/// The resources, a line each.
pub(crate) async fn list(session: &Session<'_>) -> Result<Report, Failure> {
    if session.client.negotiated().server().capabilities.resources.is_none() {
        return RESOURCES.none(session);
    }
    let items = RESOURCES.all(session.client).await?;
    if session.console.json {
        return Report::json(&json!({ RESOURCES.key: items }));
    }
    let (resources, problems) = RESOURCES.read::<Resource>(&items);
    let mut table = Table::new();
    for resource in &resources {
        let about = about(&resource.name, &[&resource.title, &resource.description]);
        table.row([
            (resource.uri.as_str(), Ink::Name),
            (resource.mime_type.as_deref().unwrap_or_default(), Ink::Plain),
            (&resource.size.map(size).unwrap_or_default(), Ink::Plain),
            (&about, Ink::Dim),
        ]);
    }
    RESOURCES.report(session, &table, &problems)
}

/// The resource templates, a line each.
pub(crate) async fn templates(session: &Session<'_>) -> Result<Report, Failure> {
    if session.client.negotiated().server().capabilities.resources.is_none() {
        return TEMPLATES.none(session);
    }
    let items = TEMPLATES.all(session.client).await?;
    if session.console.json {
        return Report::json(&json!({ TEMPLATES.key: items }));
    }
    let (templates, problems) = TEMPLATES.read::<ResourceTemplate>(&items);
    let mut table = Table::new();
    for template in &templates {
        let about = about(&template.name, &[&template.title, &template.description]);
        table.row([
            (template.uri_template.as_str(), Ink::Name),
            (template.mime_type.as_deref().unwrap_or_default(), Ink::Plain),
            (&about, Ink::Dim),
        ]);
    }
    TEMPLATES.report(session, &table, &problems)
}

/// The contents of a resource.
pub(crate) async fn read(
    session: &Session<'_>,
    uri: &str,
    output: Option<&Path>,
) -> Result<Report, Failure> {
    let result = session.follow(session.client.read_resource(uri), uri).await?;
    let saved = match output {
        Some(name) => {
            let files = result.contents.iter().map(Saved::of_contents);
            Some(report::save(&files.collect::<Result<Vec<_>, _>>()?, name)?)
        }
        None => None,
    };
    if session.console.json {
        let report = Report::result(&result, result.meta.as_ref())?;
        return Ok(Report { err: saved.unwrap_or_default(), ..report });
    }
    let text = saved.unwrap_or_else(|| {
        let named = result.contents.len() > 1;
        let parts = result.contents.iter();
        parts.map(|part| content::contents(part, named, &session.console)).collect()
    });
    Ok(Report::text(text))
}

/// What an item says of itself: its name, and the first line of the first text that there is.
fn about(name: &str, texts: &[&Option<String>]) -> String {
    let mut texts = texts.iter().filter_map(|text| text.as_deref());
    let text = texts.next().unwrap_or_default();
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    match (name.trim(), line) {
        ("", line) => line.to_owned(),
        (name, "") => name.to_owned(),
        (name, line) if name == line => name.to_owned(),
        (name, line) => format!("{name}: {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_described_in_one_line() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(about("notes", &[&None, &text("\nAll of them.\nMore")]), "notes: All of them.");
        assert_eq!(about("notes", &[&text("notes"), &text("x")]), "notes");
        assert_eq!(about("", &[&None, &None]), "");
    }
}
