//! The table in `docs/features.md` has every feature of every revision, and no other.
//!
//! Rows and their cells follow from the published schemas: methods from the unions of messages,
//! capabilities from their properties, content from the unions of blocks. What the two halves do
//! about a row is written by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use mcp_core::{
    version::Era,
    wire::{Method, legacy, modern},
};
use serde_json::{Map, Value};

use crate::{
    inventory::{Account, account},
    spec::{self, REVISIONS},
};

/// What stands in the cell of a revision that does not have a feature.
const ABSENT: &str = "–";
/// What stands in the cell of a revision that has a feature without a direction.
const PRESENT: &str = "●";
/// What stands in the cell of a half that does nothing about a feature.
const OUT_OF_SCOPE: &str = "out of scope";

/// A table by the heading above it: features, each with a cell for every revision.
type Tables = BTreeMap<&'static str, BTreeMap<String, [&'static str; REVISIONS.len()]>>;

#[test]
fn the_feature_table_is_that_of_the_schemas() {
    let Some(spec) = spec::find("the_feature_table_is_that_of_the_schemas") else { return };
    let tables = published(&spec);
    let rows = written();
    let mut problems = Vec::new();
    for (heading, features) in &tables {
        for (feature, cells) in features {
            match rows.iter().find(|row| row.heading == *heading && row.feature == *feature) {
                Some(row) if row.revisions.as_slice() == cells.as_slice() => {}
                found => problems.push(format!(
                    "{heading}: {} | `{feature}` | {} |",
                    if found.is_some() { "wrong, expected" } else { "missing" },
                    cells.join(" | ")
                )),
            }
        }
    }
    for row in &rows {
        // Extensions have schemas of their own.
        let known =
            tables.get(row.heading.as_str()).map(|features| features.contains_key(&row.feature));
        if !known.unwrap_or(row.heading == "Extensions") {
            problems.push(format!("{}: no schema has `{}`", row.heading, row.feature));
        }
    }
    assert!(problems.is_empty(), "docs/features.md:\n{}", problems.join("\n"));
}

#[test]
fn every_row_says_what_both_halves_do() {
    let rows = written();
    let mut seen = BTreeSet::new();
    for row in &rows {
        let place = format!("{}: `{}`", row.heading, row.feature);
        assert!(seen.insert((&row.heading, &row.feature)), "{place} stands there twice");
        assert!(!row.client.is_empty() && !row.server.is_empty(), "{place} lacks a half");
        let out = [&row.client, &row.server].map(|half| half == OUT_OF_SCOPE);
        assert_eq!(out[0], out[1], "{place}: one half alone cannot be {OUT_OF_SCOPE}");
    }
    assert!(rows.len() > 60, "only {} rows were found", rows.len());
}

#[test]
fn requests_of_clients_are_those_of_the_codecs() {
    let rows = written();
    let methods = || rows.iter().filter(|row| row.heading == "Methods");
    let of_extension =
        |method: &str| rows.iter().any(|row| row.heading == "Extensions" && row.feature == method);
    for row in methods().filter(|row| !of_extension(&row.feature)) {
        let sent = |cells: &[String]| cells.iter().any(|cell| cell == "→" || cell == "⇄");
        let (modern, legacy) = row.revisions.split_last().expect("there is a column a revision");
        for (era, sent) in
            [(Era::Legacy, sent(legacy)), (Era::Modern, sent(std::slice::from_ref(modern)))]
        {
            let wanted = sent && row.server != OUT_OF_SCOPE;
            let found = Method::find(&row.feature, era).is_some();
            assert_eq!(found, wanted, "`{}` in the {era:?} era", row.feature);
        }
    }
    for method in legacy::METHODS.iter().chain(modern::METHODS) {
        let name = method.as_str();
        let known = of_extension(name) || methods().any(|row| row.feature == name);
        assert!(known, "`{name}` has no row");
    }
}

#[test]
fn names_in_the_table_are_those_of_the_crates() {
    let client = sources(&workspace("mcp-client/src"));
    let server =
        sources(&workspace("mcp-server/src")) + &sources(&workspace("mcp-server/macros/src"));
    let mut unknown = BTreeSet::new();
    for row in written() {
        for (half, source) in [(&row.client, &client), (&row.server, &server)] {
            // Odd parts stand between backticks.
            for code in half.split('`').skip(1).step_by(2).filter(|code| *code != "mcp-core") {
                let name = identifier(code);
                let defined = ["fn ", "struct "].iter().any(|kind| {
                    source.match_indices(&format!("{kind}{name}")).any(|(at, found)| {
                        source[at + found.len()..].starts_with(['(', '<', ' ', ';'])
                    })
                });
                if !defined {
                    unknown.insert(name.to_owned());
                }
            }
        }
    }
    assert!(unknown.is_empty(), "docs/features.md: nothing has these names: {unknown:?}");
}

/// The name in a piece of code: of `.tool(…)`, `#[complete(…)]` or `CallContext::log` the last word
/// outside of brackets.
fn identifier(code: &str) -> &str {
    let code = code.trim_start_matches("#[").trim_end_matches("]").trim_end_matches("(…)");
    code.rsplit(['.', ':']).next().expect("a split has a last part")
}

/// All Rust code under `dir`, one file after the other.
fn sources(dir: &Path) -> String {
    let entries = fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut text = String::new();
    for path in entries.map(|entry| entry.expect("a folder can be read").path()) {
        if path.is_dir() {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).unwrap_or_default();
        }
    }
    text
}

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A row of the table as it is written.
struct Row {
    heading: String,
    feature: String,
    revisions: Vec<String>,
    client: String,
    server: String,
}

fn written() -> Vec<Row> {
    let path = workspace("docs/features.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut heading = String::new();
    let mut rows = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            heading = title.to_owned();
        }
        let Some(line) = line.strip_prefix("| `") else { continue };
        let cells: Vec<_> = line.trim_end_matches('|').split('|').map(str::trim).collect();
        let [feature, revisions @ .., client, server] = cells.as_slice() else {
            panic!("{heading}: a row with too few cells: {line}")
        };
        assert_eq!(revisions.len(), REVISIONS.len(), "{heading}: {feature} has other columns");
        rows.push(Row {
            heading: heading.clone(),
            feature: feature.trim_end_matches('`').to_owned(),
            revisions: revisions.iter().map(|cell| (*cell).to_owned()).collect(),
            client: (*client).to_owned(),
            server: (*server).to_owned(),
        });
    }
    rows
}

fn published(spec: &spec::Spec) -> Tables {
    let mut tables = Tables::new();
    for (column, revision) in REVISIONS.into_iter().enumerate() {
        let definitions = spec.definitions(revision);
        let mut set = |heading, feature: String, cell| {
            let row = tables.entry(heading).or_default().entry(feature).or_insert([ABSENT; _]);
            row[column] = cell;
        };
        for (method, directions) in messages(&definitions) {
            let heading =
                if method.starts_with("notifications/") { "Notifications" } else { "Methods" };
            set(heading, method, arrow(revision, &directions));
        }
        for (heading, definition) in [
            ("Capabilities of clients", "ClientCapabilities"),
            ("Capabilities of servers", "ServerCapabilities"),
        ] {
            properties("", &definitions[definition], &mut |path| set(heading, path, PRESENT));
        }
        for (heading, place) in [
            (
                "Content of tools and prompts",
                &definitions["CallToolResult"]["properties"]["content"],
            ),
            (
                "Content of tools and prompts",
                &definitions["PromptMessage"]["properties"]["content"],
            ),
            ("Content of sampling", &definitions["SamplingMessage"]["properties"]["content"]),
        ] {
            for name in members(&definitions, place) {
                let tag = &definitions[name]["properties"]["type"]["const"];
                set(heading, tag.as_str().expect("content has a tag").to_owned(), PRESENT);
            }
        }
        let contents = &definitions["ReadResourceResult"]["properties"]["contents"];
        for name in members(&definitions, contents) {
            set("Contents of resources", name.to_owned(), PRESENT);
        }
        if let Some(property) = definitions.get("PrimitiveSchemaDefinition") {
            for name in members(&definitions, property) {
                // 2025-06-18 has the first kind of choice under the name that later means all kinds.
                let Some(Account::Done(name)) = account(name) else { panic!("{name} has no type") };
                set("Properties of forms", name.to_owned(), PRESENT);
            }
        }
    }
    tables
}

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sender {
    Client,
    Server,
    /// The server, in a result.
    InResult,
}

fn arrow(revision: &str, senders: &BTreeSet<Sender>) -> &'static str {
    let senders: Vec<_> = senders.iter().copied().collect();
    match senders.as_slice() {
        [Sender::Client] => "→",
        [Sender::Server] => "←",
        [Sender::Client, Sender::Server] => "⇄",
        [Sender::InResult] => "↩",
        other => panic!("{revision}: {other:?} has no arrow"),
    }
}

/// All methods, each with who sends it.
fn messages(definitions: &Map<String, Value>) -> BTreeMap<String, BTreeSet<Sender>> {
    let mut messages: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (union, sender) in [
        ("ClientRequest", Sender::Client),
        ("ClientNotification", Sender::Client),
        ("ServerRequest", Sender::Server),
        ("ServerNotification", Sender::Server),
        ("InputRequest", Sender::InResult),
    ] {
        let Some(definition) = definitions.get(union) else { continue };
        // A union of one message is written as that message.
        let own = method(definition).into_iter();
        let named = members(definitions, definition).into_iter();
        for method in own.chain(named.filter_map(|name| method_of(definitions, name))) {
            messages.entry(method.to_owned()).or_default().insert(sender);
        }
    }
    for (name, definition) in definitions {
        let known = method(definition).is_none_or(|method| messages.contains_key(method));
        assert!(known, "{name} stands in no union of messages");
    }
    messages
}

fn method_of<'a>(definitions: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    method(&definitions[name])
}

fn method(definition: &Value) -> Option<&str> {
    definition["properties"]["method"]["const"].as_str()
}

/// The definitions that a schema refers to: itself, one of several, or as the items of a list.
fn members<'a>(definitions: &'a Map<String, Value>, schema: &'a Value) -> Vec<&'a str> {
    if let Some(path) = schema["$ref"].as_str() {
        let name = path.rsplit('/').next().expect("a split has a last part");
        let within = members(definitions, &definitions[name]);
        return if within.is_empty() { vec![name] } else { within };
    }
    let several = schema["anyOf"].as_array().into_iter().flatten();
    several.chain(schema.get("items")).flat_map(|schema| members(definitions, schema)).collect()
}

/// Visits the paths of all properties, into nested ones.
fn properties(path: &str, schema: &Value, visit: &mut impl FnMut(String)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        properties(&path, property, visit);
        visit(path);
    }
}
