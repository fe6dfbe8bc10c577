//! The list of resources where templates say which resources there are under them.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::future::try_join_all;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::session::server::ServerCall;
use mcp_core::types::{self, ListResourcesResult, RawObject};
use mcp_core::version::Era;

use super::table::invalid_cursor;
use super::{Catalogue, Entry, ServedResource};
use crate::call::Provided;
use crate::item::Item;
use crate::outcome::{Failure, Outcome, Result};
use crate::resource::List;

/// A page of `resources/list` for which handlers have to be asked.
pub(crate) struct Listing {
    era: Era,
    resources: Vec<Arc<ServedResource>>,
    lists: Vec<List>,
    cursor: Option<String>,
    size: usize,
    is_visible: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// Other callers may be given other pages.
    is_private: bool,
}

impl Listing {
    /// The listing for a caller; `None` where no handler need be asked.
    pub(crate) fn of(
        catalogue: &Catalogue,
        call: &ServerCall<'_>,
        cursor: Option<&str>,
        size: usize,
        is_visible: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Option<Self> {
        let templates = catalogue.templates.iter().filter(|it| it.list.is_some());
        let shown = templates.filter(|it| it.gates.shows(call) && is_visible(it.key()));
        let shown: Vec<_> = shown.collect();
        if shown.is_empty() {
            return None;
        }
        // What a list says is as good as what could be read.
        let caller = call.negotiated.principal();
        let open = shown.iter().filter(|it| it.gates.open(caller).is_ok());
        let lists: Vec<List> = open.filter_map(|template| template.list.clone()).collect();
        let is_private = shown.iter().any(|it| !it.gates.scopes.is_empty());
        let resources = catalogue.resources.iter();
        Some(Self {
            era: call.negotiated.era(),
            resources: resources.filter(|it| it.gates.shows(call)).cloned().collect(),
            lists,
            cursor: cursor.map(str::to_owned),
            size,
            is_visible: Box::new(is_visible),
            is_private,
        })
    }

    /// What is called to make the page.
    pub(crate) fn into_item(self, provided: &Arc<Provided>) -> Item {
        let is_private = self.is_private;
        let this = Arc::new(self);
        let run = Arc::new(move |call: &mut crate::call::Call<'_>| {
            let listed: Vec<_> = this.lists.iter().map(|list| list(call)).collect();
            let this = Arc::clone(&this);
            let page = async move { this.page(try_join_all(listed).await?) };
            Box::pin(async move { page.await.unwrap_or_else(Outcome::Error) }) as _
        });
        let item = Item::new("resources/list", Vec::new(), provided, Some(run));
        Item { is_private, ..item }
    }

    /// The page behind the cursor, which is the URI that the page before ended with.
    fn page(&self, listed: Vec<Vec<types::Resource>>) -> Result<Outcome, ErrorObject> {
        let fixed = self.resources.iter().map(|resource| resource.definition(self.era).clone());
        let mut seen = HashSet::new();
        let mut all: Vec<types::Resource> = fixed
            .chain(listed.into_iter().flatten())
            .filter(|resource| {
                (self.is_visible)(&resource.uri) && seen.insert(resource.uri.clone())
            })
            .collect();
        let from = match &self.cursor {
            None => 0,
            Some(uri) => {
                let before = all.iter().position(|resource| resource.uri == *uri);
                before.ok_or_else(invalid_cursor)? + 1
            }
        };
        all.drain(..from);
        let more = all.len() > self.size;
        all.truncate(self.size);
        let mut page = ListResourcesResult::new(all);
        let last = page.resources.last().filter(|_| more);
        page.next_cursor = last.map(|last| last.uri.as_str().into());
        let written = RawObject::new(&page);
        Ok(written.map_or_else(|error| Failure::from(error).into_error(), Outcome::Result))
    }
}
