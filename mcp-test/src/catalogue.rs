//! What a server offers, in a form that can be kept in a file.

use std::fmt;
use std::path::Path;

use mcp_client::Client;
use mcp_core::jsonrpc::ErrorCode;
use serde_json::{Map, Value, json};

use crate::canonical;
use crate::error::Error;
use crate::golden::golden;

/// Asks for everything that a server offers: tools, resources, resource templates, prompts.
///
/// All pages of each list, in the order of the server, without what belongs to the page and not to
/// the items. A list that the server does not have is left out. With
/// [`Catalogue::check`] a change of a description or a schema, which models read, shows in review.
///
/// # Errors
///
/// As [`Client::raw_request`]; [`Error::Mismatch`] when a list does not end.
///
/// # Examples
///
/// ```no_run
/// # async fn test(server: mcp_server::Server) -> Result<(), mcp_test::Error> {
/// let client = mcp_test::pair(server).connect().await?;
/// mcp_test::catalogue(&client).await?.check("tests/catalogue.json")?;
/// client.shutdown().await?;
/// # Ok(())
/// # }
/// ```
pub async fn catalogue(client: &Client) -> Result<Catalogue, Error> {
    let mut all = Map::new();
    for (method, member) in LISTS {
        if let Some(items) = list(client, method, member).await? {
            all.insert(member.to_owned(), Value::Array(items));
        }
    }
    Ok(Catalogue(canonical::sorted(&Value::Object(all))))
}

/// Everything that a server offers; see [`catalogue`].
#[derive(Clone, PartialEq)]
pub struct Catalogue(Value);

impl Catalogue {
    /// An object with a member for each list: `tools`, `resources`, `resourceTemplates`, `prompts`.
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// The names of a list's items, in their order.
    pub fn names(&self, list: &str) -> Vec<&str> {
        let items = self.0.get(list).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.get("name")?.as_str()).collect()
    }

    /// Compares with a file, or writes it where `MCP_TEST_UPDATE=1` is set; see
    /// [`golden`](crate::golden).
    ///
    /// # Errors
    ///
    /// As [`golden`](crate::golden).
    pub fn check(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        golden(path, &self.to_string())
    }
}

/// As it stands in a file.
impl fmt::Display for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&canonical::pretty(&self.0))
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// All items of one list; `None` when the server does not have it.
async fn list(
    client: &Client,
    method: &'static str,
    member: &str,
) -> Result<Option<Vec<Value>>, Error> {
    let mut items = Vec::new();
    let mut params = json!({});
    for _ in 0..MOST_PAGES {
        let mut page: Value = match client.raw_request(method, &params).await {
            Ok(page) => page,
            Err(mcp_core::Error::Peer(error)) if error.code == ErrorCode::METHOD_NOT_FOUND => {
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(Value::Array(more)) = page.get_mut(member).map(Value::take) {
            items.extend(more);
        }
        match page.get_mut("nextCursor").map(Value::take) {
            Some(cursor @ Value::String(_)) => params = json!({ "cursor": cursor }),
            _ => return Ok(Some(items)),
        }
    }
    Err(Error::Mismatch(format!("`{method}` does not end: there are more than {MOST_PAGES} pages")))
}

const LISTS: [(&str, &str); 4] = [
    ("tools/list", "tools"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resourceTemplates"),
    ("prompts/list", "prompts"),
];

/// More pages than any list in a test has.
const MOST_PAGES: usize = 1_000;
