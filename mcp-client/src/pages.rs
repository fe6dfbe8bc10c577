//! Lists of a server, page by page.
//!
//! One stream for all of them. It owns the bounds that keep a list from going on for ever and does
//! not know what is listed.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures_util::{Stream, TryStreamExt};
use mcp_core::Error;
use mcp_core::types::{Cursor, Prompt, Resource, ResourceTemplate, Tool};

use crate::call::Call;
use crate::client::Client;

/// The items of a list of the server, a stream that asks for each page when the one before is used
/// up.
///
/// See [`Client::tools`], [`Client::resources`], [`Client::resource_templates`] and
/// [`Client::prompts`]. A list of more than 1,000 pages or 100,000 items, or with a cursor that
/// comes twice, ends with an error, and the stream with it.
#[must_use = "a stream does nothing unless it is polled"]
pub struct Items<T> {
    client: Client,
    list: List<T>,
    page: vec::IntoIter<T>,
    next: Next<T>,
    pages: usize,
    items: usize,
    /// Digests of the cursors that were used, so that long ones need no room.
    used: HashSet<u64>,
    digest: RandomState,
}

/// The tools of a server.
pub type Tools = Items<Tool>;
/// The resources of a server.
pub type Resources = Items<Resource>;
/// The resource templates of a server.
pub type ResourceTemplates = Items<ResourceTemplate>;
/// The prompts of a server.
pub type Prompts = Items<Prompt>;

/// How a list is asked for.
pub(crate) struct List<T> {
    /// What is listed, for people.
    pub(crate) of: &'static str,
    pub(crate) ask: fn(&Client, Option<Cursor>) -> Call<Page<T>>,
}

/// One page, whatever it lists.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<Cursor>,
}

enum Next<T> {
    Ask(Option<Cursor>),
    Asked(Call<Page<T>>),
    Nothing,
}

impl<T> Items<T> {
    pub(crate) fn new(client: Client, list: List<T>) -> Self {
        Self {
            client,
            list,
            page: Vec::new().into_iter(),
            next: Next::Ask(None),
            pages: 0,
            items: 0,
            used: HashSet::new(),
            digest: RandomState::new(),
        }
    }

    pub(crate) async fn collect_all(self) -> Result<Vec<T>, Error> {
        self.try_collect().await
    }

    /// Takes a page, if the list is still one that can end.
    fn take(&mut self, page: Page<T>) -> Result<(), Error> {
        let of = self.list.of;
        self.pages += 1;
        self.items += page.items.len();
        let endless = |what: String| {
            Err(Error::PeerMisbehaved(format!("the list of {of} does not end: {what}")))
        };
        if self.items > MOST_ITEMS {
            return endless(format!("there are more than {MOST_ITEMS} {of}"));
        }
        if let Some(cursor) = page.next {
            if self.pages == MOST_PAGES {
                return endless(format!("there are more than {MOST_PAGES} pages"));
            }
            if !self.used.insert(self.digest.hash_one(&cursor)) {
                return endless("a cursor came twice".to_owned());
            }
            self.next = Next::Ask(Some(cursor));
        }
        self.page = page.items.into_iter();
        Ok(())
    }
}

impl<T> Unpin for Items<T> {}

impl<T> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(item) = this.page.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            match &mut this.next {
                Next::Ask(cursor) => {
                    this.next = Next::Asked((this.list.ask)(&this.client, cursor.take()));
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

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items")
            .field("of", &self.list.of)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

/// More pages than any honest list has.
const MOST_PAGES: usize = 1_000;
/// More items than any honest list has.
const MOST_ITEMS: usize = 100_000;
