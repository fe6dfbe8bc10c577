//! Resources and resource templates as they are served.

use std::collections::BTreeMap;

use mcp_core::types;
use mcp_core::version::Era;

use super::{Entry, Gates};
use crate::item::Item;

/// A resource and where it exists.
#[derive(Debug)]
pub(crate) struct ServedResource {
    pub(crate) definition: types::Resource,
    pub(crate) item: Item,
    pub(crate) gates: Gates,
}

/// A resource template and where it exists.
#[derive(Debug)]
pub(crate) struct ServedTemplate {
    pub(crate) definition: types::ResourceTemplate,
    #[expect(dead_code, reason = "the next to land are templates that match")]
    pub(crate) item: Item,
    pub(crate) gates: Gates,
    /// What completes a variable, by its name.
    pub(crate) completers: BTreeMap<String, Item>,
}

impl Entry for ServedResource {
    type Definition = types::Resource;

    fn key(&self) -> &str {
        &self.definition.uri
    }

    fn gates(&self) -> &Gates {
        &self.gates
    }

    fn definition(&self, _: Era) -> &types::Resource {
        &self.definition
    }
}

impl Entry for ServedTemplate {
    type Definition = types::ResourceTemplate;

    fn key(&self) -> &str {
        &self.definition.uri_template
    }

    fn gates(&self) -> &Gates {
        &self.gates
    }

    fn definition(&self, _: Era) -> &types::ResourceTemplate {
        &self.definition
    }
}
