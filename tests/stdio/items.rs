//! What tests of prompts, resources and completion have in common.

use mcp_server::Server;
use serde_json::{Value, json};

use crate::conversation::{modern, request};
use crate::stream::Stream;

pub(crate) const INVALID_PARAMS: i64 = -32602;
pub(crate) const INTERNAL_ERROR: i64 = -32603;

/// A connection of an era; its requests describe themselves where the era asks for it.
pub(crate) struct Client {
    stream: Stream,
    pub(crate) is_modern: bool,
}

impl Client {
    /// A client of each era.
    pub(crate) async fn both(server: &Server) -> [Self; 2] {
        let legacy = Self { stream: Stream::legacy(server).await, is_modern: false };
        [legacy, Self { stream: Stream::silent(server), is_modern: true }]
    }

    /// The answer to a request.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        let line = request(1, method, params);
        self.stream.ask(if self.is_modern { modern(line) } else { line }).await
    }

    /// The result of a request, which must have one.
    #[track_caller]
    pub(crate) fn result(
        &mut self,
        method: &str,
        params: Value,
    ) -> impl Future<Output = Value> + use<'_> {
        let at = std::panic::Location::caller();
        let method = method.to_owned();
        async move {
            let mut answer = self.ask(&method, params).await;
            assert!(answer.get("result").is_some(), "{at}: {answer}");
            answer["result"].take()
        }
    }

    /// All pages of a list.
    pub(crate) async fn pages(
        &mut self,
        method: &str,
        member: &str,
        key: &str,
    ) -> Vec<Vec<String>> {
        let (mut pages, mut params) = (Vec::new(), json!({}));
        loop {
            let page = self.result(method, params).await;
            let items = page[member].as_array().unwrap_or_else(|| panic!("no list: {page}"));
            let keys = items.iter().map(|item| item[key].as_str().unwrap_or_default().to_owned());
            pages.push(keys.collect());
            let Some(cursor) = page.get("nextCursor") else { return pages };
            params = json!({ "cursor": cursor });
            assert!(pages.len() < 100, "the list does not end");
        }
    }
}
