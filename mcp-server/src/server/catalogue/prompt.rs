//! A prompt as it is served.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types;
use mcp_core::version::Era;

use super::{Entry, Gates};
use crate::call::Provided;
use crate::item::Item;
use crate::prompt::BuiltPrompt;

/// A prompt and where it exists.
#[derive(Debug)]
pub(crate) struct ServedPrompt {
    pub(crate) definition: types::Prompt,
    pub(crate) item: Item,
    pub(crate) gates: Gates,
    /// What completes an argument, by its name.
    pub(crate) completers: BTreeMap<String, Item>,
}

impl ServedPrompt {
    pub(crate) fn new(mut prompt: BuiltPrompt, gates: Gates, provided: &Arc<Provided>) -> Self {
        let item = prompt.item(provided);
        let completers = prompt.completers.into_iter().map(|it| it.into_item(provided)).collect();
        Self { definition: prompt.definition, item, gates, completers }
    }

    /// The same prompt in another server.
    pub(crate) fn mounted(&self, name: String, inside: impl Fn(&Item) -> Item) -> Self {
        let mut definition = self.definition.clone();
        definition.name.clone_from(&name);
        let mut item = inside(&self.item);
        item.name = Cow::Owned(name);
        let completers = self.completers.iter();
        Self {
            definition,
            item,
            gates: self.gates.clone(),
            completers: completers.map(|(name, item)| (name.clone(), inside(item))).collect(),
        }
    }

    /// What completes an argument, if anything does.
    pub(crate) fn completer(&self, argument: &str) -> Result<Option<&Item>, ErrorObject> {
        match self.definition.arguments.iter().any(|known| known.name == argument) {
            true => Ok(self.completers.get(argument)),
            false => Err(ErrorObject::unknown_argument(argument)),
        }
    }
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
