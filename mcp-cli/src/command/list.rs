//! Lists of a server, page by page, as the server wrote them.

use std::collections::{BTreeMap, HashSet};

use mcp_client::{Client, Error};
use serde::de::DeserializeOwned;
use serde_json::json;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::output::paint::Ink;
use crate::output::table::{Table, cut};
use crate::output::{Console, plain};
use crate::report::Report;
use crate::session::Session;

/// One of a server's lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    /// The method that gives a page.
    pub(crate) method: &'static str,
    /// The member that holds the items.
    pub(crate) key: &'static str,
    /// What the items are, for people.
    pub(crate) what: &'static str,
}

/// `tools/list`.
pub(crate) const TOOLS: List = List { method: "tools/list", key: "tools", what: "tools" };
/// `resources/list`.
pub(crate) const RESOURCES: List =
    List { method: "resources/list", key: "resources", what: "resources" };
/// `resources/templates/list`.
pub(crate) const TEMPLATES: List = List {
    method: "resources/templates/list",
    key: "resourceTemplates",
    what: "resource templates",
};
/// `prompts/list`.
pub(crate) const PROMPTS: List = List { method: "prompts/list", key: "prompts", what: "prompts" };

impl List {
    /// All items, unread: nothing that the server says about them is lost.
    pub(crate) async fn all(self, client: &Client) -> Result<Vec<Box<RawValue>>, Error> {
        let (mut items, mut used) = (Vec::new(), HashSet::new());
        let mut params = json!({});
        loop {
            let mut page: BTreeMap<String, Box<RawValue>> =
                client.raw_request(self.method, &params).await?;
            let unexpected = |got: &str| Error::UnexpectedMessage {
                expected: "a page of a list",
                got: format!("the result of `{}` {got}", self.method),
            };
            let Some(part) = page.remove(self.key) else {
                return Err(unexpected(&format!("without `{}`", self.key)));
            };
            let part: Vec<Box<RawValue>> = serde_json::from_str(part.get())
                .map_err(|_| unexpected(&format!("whose `{}` is no array", self.key)))?;
            items.extend(part);
            let cursor = page.remove("nextCursor").filter(|cursor| cursor.get() != "null");
            let Some(cursor) = cursor else { return Ok(items) };
            let endless = |why: &str| {
                Error::PeerMisbehaved(format!("the list of {} does not end: {why}", self.what))
            };
            if items.len() > MOST_ITEMS || used.len() == MOST_PAGES {
                return Err(endless("there are too many pages"));
            }
            if !used.insert(cursor.get().to_owned()) {
                return Err(endless("a cursor came twice"));
            }
            params = json!({ "cursor": cursor });
        }
    }

    /// Reads the items; what cannot be read is a line of the second list.
    pub(crate) fn read<T: DeserializeOwned>(
        self,
        items: &[Box<RawValue>],
    ) -> (Vec<T>, Vec<String>) {
        let (mut read, mut problems) = (Vec::new(), Vec::new());
        for item in items {
            match serde_json::from_str(item.get()) {
                Ok(item) => read.push(item),
                Err(error) => {
                    let begins = cut(&plain::one_line(item.get()), 60);
                    let error = plain::one_line(&error.to_string());
                    problems
                        .push(format!("cannot read one of the {}: {error}: {begins}", self.what));
                }
            }
        }
        (read, problems)
    }

    /// What is said about a list that the server does not declare.
    pub(crate) fn none(self, session: &Session<'_>) -> Result<Report, Failure> {
        let report = match session.console.json {
            true => Report::json(&json!({ self.key: [] }))?,
            false => Report::default(),
        };
        let err = format!("the server declares no {}\n", self.what);
        Ok(Report { err, ..report })
    }

    /// The lines of a list, with the problems that reading it had.
    pub(crate) fn report(
        self,
        session: &Session<'_>,
        table: &Table,
        problems: &[String],
    ) -> Result<Report, Failure> {
        let Console { out, err, width, .. } = session.console;
        let out = table.render(out, width);
        let mut lines: String = problems
            .iter()
            .map(|problem| format!("{} {problem}\n", err.paint(Ink::Warning, "warning:")))
            .collect();
        if out.is_empty() && lines.is_empty() {
            lines = format!("the server has no {} for you\n", self.what);
        }
        Ok(Report { out, err: lines, status: 0 })
    }
}

/// More pages than any honest list has.
const MOST_PAGES: usize = 1_000;
/// More items than any honest list has.
const MOST_ITEMS: usize = 100_000;
