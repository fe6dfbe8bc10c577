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
        let shown = catalogue.templates.iter();
        let shown = shown.filter(|it| it.gates.shows(call) && is_visible(it.key()));
        let lists: Vec<List> = shown.filter_map(|template| template.list.clone()).collect();
        if lists.is_empty() {
            return None;
        }
        let resources = catalogue.resources.iter();
        Some(Self {
            era: call.negotiated.era(),
            resources: resources.filter(|it| it.gates.shows(call)).cloned().collect(),
            lists,
            cursor: cursor.map(str::to_owned),
            size,
            is_visible: Box::new(is_visible),
        })
    }

    /// What is called to make the page.
    pub(crate) fn into_item(self, provided: &Arc<Provided>) -> Item {
        let this = Arc::new(self);
        let run = Arc::new(move |call: &mut crate::call::Call<'_>| {
            let listed: Vec<_> = this.lists.iter().map(|list| list(call)).collect();
            let this = Arc::clone(&this);
            let page = async move { this.page(try_join_all(listed).await?) };
            Box::pin(async move { page.await.unwrap_or_else(Outcome::Error) }) as _
        });
        Item::new("resources/list", Vec::new(), provided, Some(run))
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
