//! Items of one kind: found by key, listed in order and in pages, changed while the server runs.

use std::collections::HashMap;
use std::sync::Arc;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::session::server::ServerCall;
use mcp_core::version::Era;
use serde::Serialize;

use super::Gates;

/// Something that stands in a list.
pub(crate) trait Entry {
    /// What clients are told about it.
    type Definition: Serialize;

    /// What it is found by, and what a page of the list ends with.
    fn key(&self) -> &str;

    /// For whom it exists.
    fn gates(&self) -> &Gates;

    /// What clients of an era are told about it.
    fn definition(&self, era: Era) -> &Self::Definition;
}

/// The items of one kind as they are at one moment.
#[derive(Debug)]
pub(crate) struct Table<T> {
    /// In the order of registration, which is the order of the list.
    order: Vec<Arc<T>>,
    by_key: HashMap<String, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { order: Vec::new(), by_key: HashMap::new() }
    }
}

/// The items themselves are shared.
impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Self { order: self.order.clone(), by_key: self.by_key.clone() }
    }
}

impl<T: Entry> Table<T> {
    /// Adds an item at the end of the list; says whether no other had its key.
    pub(crate) fn insert(&mut self, item: T) -> bool {
        if self.by_key.contains_key(item.key()) {
            return false;
        }
        self.by_key.insert(item.key().to_owned(), self.order.len());
        self.order.push(Arc::new(item));
        true
    }

    /// Removes an item; calls that run go on.
    pub(crate) fn remove(&mut self, key: &str) -> bool {
        let Some(place) = self.by_key.remove(key) else { return false };
        self.order.remove(place);
        for later in self.by_key.values_mut().filter(|later| **later > place) {
            *later -= 1;
        }
        true
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Arc<T>> {
        self.by_key.get(key).map(|place| &self.order[*place])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<T>> {
        self.order.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The page that follows the item named by `cursor`, for this caller, and the next cursor.
    pub(crate) fn page<'a>(
        &'a self,
        call: &ServerCall<'_>,
        cursor: Option<&str>,
        size: usize,
        is_visible: impl Fn(&str) -> bool,
    ) -> Result<(Vec<&'a T::Definition>, Option<&'a str>), ErrorObject> {
        let is_shown = |item: &T| item.gates().shows(call) && is_visible(item.key());
        let from = match cursor {
            None => 0,
            Some(key) => match self.by_key.get(key) {
                Some(place) if is_shown(&self.order[*place]) => place + 1,
                _ => return Err(invalid_cursor()),
            },
        };
        let mut shown = self.order[from..].iter().filter(|item| is_shown(item));
        let era = call.negotiated.era();
        let items: Vec<&Arc<T>> = shown.by_ref().take(size).collect();
        let more = shown.next().is_some();
        let next = items.last().filter(|_| more).map(|item| item.key());
        Ok((items.into_iter().map(|item| item.definition(era)).collect(), next))
    }
}

/// The error for a cursor that leads nowhere.
pub(crate) fn invalid_cursor() -> ErrorObject {
    ErrorObject::invalid_params("`cursor` is not, or no longer, valid")
}
