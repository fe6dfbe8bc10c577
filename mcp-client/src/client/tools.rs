//! Tools: calling them and listing them.

use mcp_core::Error;
use mcp_core::types::{CallToolResult, Cursor, ListToolsResult, Tool};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;
use crate::call::Call;
use crate::pages::{Items, List, Tools};
use crate::{decode, params};

impl Client {
    /// Calls a tool and decodes what it answers.
    ///
    /// `arguments` have to be written as a JSON object; `()` stands for none. `T` is decoded from
    /// the structured content if there is any; otherwise from the text, which is taken as it is
    /// where `T` is a string, and read as JSON where it is anything else. A tool that says that it
    /// failed is an [`Error::Tool`].
    pub fn call<T: DeserializeOwned>(&self, name: &str, arguments: impl Serialize) -> Call<T> {
        self.send("tools/call", params::tool_call(name, &arguments), decode::answer::<T>)
    }

    /// Calls a tool and returns its result as it came, also when the tool says that it failed.
    pub fn call_tool(&self, name: &str, arguments: impl Serialize) -> Call<CallToolResult> {
        self.send("tools/call", params::tool_call(name, &arguments), decode::whole)
    }

    /// Asks for one page of the list of tools: the first, or the one that begins at `cursor`.
    pub fn list_tools(&self, cursor: Option<Cursor>) -> Call<ListToolsResult> {
        self.list(LIST, cursor, decode::page)
    }

    /// All tools of the server, page by page, as they are asked for.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn show(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut tools = client.tools();
    /// while let Some(tool) = tools.try_next().await? {
    ///     tracing::info!("{}", tool.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn tools(&self) -> Tools {
        let ask =
            |client: &Self, cursor| client.list(LIST, cursor, decode::items::<ListToolsResult>);
        Items::new(self.clone(), List { of: "tools", ask })
    }

    /// All tools of the server.
    ///
    /// # Errors
    ///
    /// As [`tools`](Self::tools).
    pub async fn list_all_tools(&self) -> Result<Vec<Tool>, Error> {
        self.tools().collect_all().await
    }
}

const LIST: &str = "tools/list";
