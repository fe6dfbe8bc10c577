//! A tool as it is served.

use std::borrow::Cow;
use std::sync::Arc;

#[cfg(feature = "http")]
use mcp_core::http::param::{MirroredParam, mirrored_params};
use mcp_core::types;
use mcp_core::version::Era;
use mcp_core::wire::legacy;

use super::{Entry, Gates};
use crate::call::Provided;
use crate::item::Item;
use crate::tasks::TaskMode;
use crate::tool::BuiltTool;

/// A tool and where it exists.
#[derive(Debug)]
pub(crate) struct ServedTool {
    pub(crate) definition: types::Tool,
    pub(crate) item: Item,
    gates: Gates,
    pub(crate) task: TaskMode,
    /// The arguments that clients mirror into headers.
    #[cfg(feature = "http")]
    pub(crate) mirrored: Arc<[MirroredParam]>,
    /// As legacy clients are told of it, where that differs.
    legacy: Option<types::Tool>,
}

impl ServedTool {
    pub(crate) fn new(tool: BuiltTool, gates: Gates, provided: &Arc<Provided>) -> Self {
        let legacy = legacy::adapt_tool(&tool.definition);
        let definition = tool.definition.clone();
        let task = tool.task;
        Self {
            task,
            #[cfg(feature = "http")]
            mirrored: mirrored_params(definition.input_schema.as_raw()).unwrap_or_default().into(),
            definition,
            item: tool.into_item(provided),
            gates,
            legacy,
        }
    }

    /// The same tool in another server.
    pub(crate) fn mounted(&self, name: String, mut item: Item) -> Self {
        let rename = |tool: &types::Tool| {
            let mut tool = tool.clone();
            tool.name.clone_from(&name);
            tool
        };
        let (definition, legacy) = (rename(&self.definition), self.legacy.as_ref().map(rename));
        item.name = Cow::Owned(name);
        Self {
            definition,
            item,
            gates: self.gates.clone(),
            legacy,
            task: self.task,
            #[cfg(feature = "http")]
            mirrored: Arc::clone(&self.mirrored),
        }
    }
}

impl Entry for ServedTool {
    type Definition = types::Tool;

    fn key(&self) -> &str {
        &self.definition.name
    }

    fn gates(&self) -> &Gates {
        &self.gates
    }

    fn definition(&self, era: Era) -> &types::Tool {
        match era {
            Era::Legacy => self.legacy.as_ref().unwrap_or(&self.definition),
            Era::Modern => &self.definition,
        }
    }
}
