//! Everything here is free of warnings, also for tools that come from a macro.
#![deny(warnings, clippy::all)]

use mcp_server::{Args, IntoTool, Profiles, Result, State, Tool, tool};

struct Notes<S> {
    store: S,
}

trait Store: Send + Sync + 'static {
    fn push(&self, text: String) -> impl Future<Output = u64> + Send;
}

struct Memory;

impl Store for Memory {
    async fn push(&self, text: String) -> u64 {
        text.len() as u64
    }
}

impl<S: Store> Notes<S> {
    /// Adds a note and returns how long it is.
    #[tool]
    async fn add_note(&self, text: String) -> Result<u64> {
        Ok(self.store.push(text).await)
    }

    #[tool]
    async fn nothing(&self) {}
}

mod inner {
    use super::*;

    #[tool(name = "two", title = "Two", idempotent, requires = crate::PREMIUM, requires = "https://a/b")]
    pub async fn many(
        a: u8,
        mut b: Vec<u8>,
        _c: Option<String>,
        _: Profiles,
        Args(_): Args<std::collections::BTreeMap<String, u8>>,
        #[allow(unused)] f: bool,
    ) -> impl mcp_server::IntoToolResult {
        b.push(a);
        format!("{b:?}")
    }
}

const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";

/// Early returns and `?` work as in any async function.
#[tool]
async fn early(number: String, _memory: State<Memory>) -> Result<String> {
    if number.is_empty() {
        return Ok("none".into());
    }
    let number: u8 = number.parse()?;
    Ok(number.to_string())
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Info(u8);

#[tool]
async fn one_line(info: Info) -> u8 { info.0 }

fn is_tool<M>(tool: impl IntoTool<M>) -> Tool {
    tool.into_tool()
}

fn main() {
    #[tool]
    async fn local(number: u32) -> u32 {
        number
    }
    assert!(is_tool(local).problems().is_empty());
    assert!(is_tool(Notes::<Memory>::add_note).problems().is_empty());
    assert!(is_tool(Notes::<Memory>::nothing).problems().is_empty());
    assert!(is_tool(one_line).problems().is_empty());
    assert!(is_tool(early).problems().is_empty());
    assert_eq!(is_tool(inner::many).problems().len(), 1);
    assert_eq!(is_tool(inner::many).definition().name, "two");
    drop(Notes { store: Memory }.add_note(String::new()));
}
