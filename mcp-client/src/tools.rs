//! All tools of a server, page by page.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_util::{Stream, TryStreamExt};
use mcp_core::Error;
use mcp_core::types::{Cursor, ListToolsResult, Tool};

use crate::call::Call;
use crate::client::Client;

/// The tools of a server, a stream of [`Tool`]s; see [`Client::tools`].
///
/// Each page is asked for when the one before is used up. After an error the stream ends.
#[must_use = "a stream does nothing unless it is polled"]
pub struct Tools {
    client: Client,
    page: vec::IntoIter<Tool>,
    next: Next,
    pages: usize,
    tools: usize,
    /// Digests of the cursors that were used, so that long ones need no room.
    used: HashSet<u64>,
    digest: RandomState,
}

enum Next {
    Ask(Option<Cursor>),
    Asked(Call<ListToolsResult>),
    Nothing,
}

impl Tools {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            page: Vec::new().into_iter(),
            next: Next::Ask(None),
            pages: 0,
            tools: 0,
            used: HashSet::new(),
            digest: RandomState::new(),
        }
    }

    pub(crate) async fn collect_all(self) -> Result<Vec<Tool>, Error> {
        self.try_collect().await
    }

    /// Takes a page, if the list is still one that can end.
    fn take(&mut self, page: ListToolsResult) -> Result<(), Error> {
        self.pages += 1;
        self.tools += page.tools.len();
        let endless = |what: String| {
            Err(Error::PeerMisbehaved(format!("the list of tools does not end: {what}")))
        };
        if self.tools > MOST_TOOLS {
            return endless(format!("there are more than {MOST_TOOLS} tools"));
        }
        if let Some(cursor) = page.next_cursor {
            if self.pages == MOST_PAGES {
                return endless(format!("there are more than {MOST_PAGES} pages"));
            }
            if !self.used.insert(self.digest.hash_one(&cursor)) {
                return endless("a cursor came twice".to_owned());
            }
            self.next = Next::Ask(Some(cursor));
        }
        self.page = page.tools.into_iter();
        Ok(())
    }
}

impl Stream for Tools {
    type Item = Result<Tool, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(tool) = this.page.next() {
                return Poll::Ready(Some(Ok(tool)));
            }
            match &mut this.next {
                Next::Ask(cursor) => {
                    this.next = Next::Asked(this.client.list_tools(cursor.take()));
                }
                Next::Asked(call) => {
                    let page = ready!(Pin::new(call).poll(cx));
                    this.next = Next::Nothing;
                    if let Err(error) = page.and_then(|page| this.take(page)) {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
                Next::Nothing => return Poll::Ready(None),
            }
        }
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").field("pages", &self.pages).finish_non_exhaustive()
    }
}

/// More pages than any honest list has.
const MOST_PAGES: usize = 1_000;
/// More tools than any honest list has.
const MOST_TOOLS: usize = 100_000;
