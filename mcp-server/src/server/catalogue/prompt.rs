//! A prompt as it is served.

use std::collections::BTreeMap;

use mcp_core::types;
use mcp_core::version::Era;

use super::{Entry, Gates};
use crate::item::Item;

/// A prompt and where it exists.
#[derive(Debug)]
pub(crate) struct ServedPrompt {
    pub(crate) definition: types::Prompt,
    pub(crate) item: Item,
    pub(crate) gates: Gates,
    /// What completes an argument, by its name.
    pub(crate) completers: BTreeMap<String, Item>,
}

impl Entry for ServedPrompt {
    type Definition = types::Prompt;

    fn key(&self) -> &str {
        &self.definition.name
    }

    fn gates(&self) -> &Gates {
        &self.gates
    }

    fn definition(&self, _: Era) -> &types::Prompt {
        &self.definition
    }
}
