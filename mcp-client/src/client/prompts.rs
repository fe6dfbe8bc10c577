//! Prompts, and the completion of arguments.

use mcp_core::Error;
use mcp_core::types::{
    CompleteRequestParams, CompleteResult, Cursor, GetPromptResult, ListPromptsResult, Prompt,
};
use serde::Serialize;

use super::Client;
use crate::call::Call;
use crate::pages::{Items, List, Prompts};
use crate::{decode, params};

impl Client {
    /// Asks for one page of the list of prompts: the first, or the one that begins at `cursor`.
    pub fn list_prompts(&self, cursor: Option<Cursor>) -> Call<ListPromptsResult> {
        self.list(LIST, cursor, decode::page)
    }

    /// All prompts of the server, page by page, as they are asked for.
    pub fn prompts(&self) -> Prompts {
        let ask =
            |client: &Self, cursor| client.list(LIST, cursor, decode::items::<ListPromptsResult>);
        Items::new(self.clone(), List { of: "prompts", ask })
    }

    /// All prompts of the server.
    ///
    /// # Errors
    ///
    /// As [`prompts`](Self::prompts).
    pub async fn list_all_prompts(&self) -> Result<Vec<Prompt>, Error> {
        self.prompts().collect_all().await
    }

    /// Gets a prompt, filled in.
    ///
    /// `arguments` have to be written as a JSON object of strings; `()` stands for none. Numbers
    /// and booleans are written as strings, and what is `null` is left out.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn show(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// use serde_json::json;
    ///
    /// let recap = client.get_prompt("recap", json!({ "title": "nosferatu", "minute": 12 })).await?;
    /// tracing::info!("{:?}", recap.messages);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_prompt(&self, name: &str, arguments: impl Serialize) -> Call<GetPromptResult> {
        self.send("prompts/get", params::prompt(name, &arguments), decode::whole)
    }

    /// Asks how an argument of a prompt or of a resource template may go on.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn show(client: mcp_client::Client) -> Result<(), mcp_client::Error> {
    /// use mcp_client::types::{CompleteRequestParams, PromptReference};
    ///
    /// let typed = CompleteRequestParams::new(PromptReference::new("recap"), "title", "nos")
    ///     .with_context_argument("language", "en");
    /// let titles = client.complete(&typed).await?.completion;
    /// tracing::info!("{:?}", titles.values());
    /// # Ok(())
    /// # }
    /// ```
    pub fn complete(&self, typed: &CompleteRequestParams) -> Call<CompleteResult> {
        let params = params::object("completion/complete", typed);
        self.send("completion/complete", params, decode::whole)
    }
}

const LIST: &str = "prompts/list";
