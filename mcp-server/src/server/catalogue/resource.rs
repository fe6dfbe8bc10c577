//! Resources and resource templates as they are served.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types;
use mcp_core::uri_template::UriTemplate;
use mcp_core::version::Era;

use super::{Entry, Gates};
use crate::call::Provided;
use crate::item::Item;
use crate::resource::List;

/// A resource and where it exists.
#[derive(Debug)]
pub(crate) struct ServedResource {
    pub(crate) definition: types::Resource,
    pub(crate) item: Item,
    pub(crate) gates: Gates,
}

/// A resource template and where it exists.
pub(crate) struct ServedTemplate {
    pub(crate) definition: types::ResourceTemplate,
    pub(crate) template: UriTemplate,
    pub(crate) item: Item,
    pub(crate) gates: Gates,
    /// What completes a variable, by its name.
    pub(crate) completers: BTreeMap<String, Item>,
    /// What lists the resources that there are under it.
    pub(crate) list: Option<List>,
}

impl ServedTemplate {
    /// What completes a variable, if anything does.
    pub(crate) fn completer(&self, variable: &str) -> Result<Option<&Item>, ErrorObject> {
        match self.template.has_variable(variable) {
            true => Ok(self.completers.get(variable)),
            false => Err(ErrorObject::unknown_argument(variable)),
        }
    }
}

impl ServedResource {
    /// The same resource in another server.
    pub(crate) fn mounted(&self, inside: impl Fn(&Item) -> Item) -> Self {
        let (definition, gates) = (self.definition.clone(), self.gates.clone());
        Self { definition, item: inside(&self.item), gates }
    }
}

impl ServedTemplate {
    /// The same template in another server; what lists its resources takes what its own provides.
    pub(crate) fn mounted(&self, provided: &Arc<Provided>, inside: impl Fn(&Item) -> Item) -> Self {
        let list = self.list.clone().map(|list| -> List {
            let provided = Arc::clone(provided);
            Arc::new(move |call| list(&mut call.inside(&provided)))
        });
        let completers = self.completers.iter();
        Self {
            definition: self.definition.clone(),
            template: self.template.clone(),
            item: inside(&self.item),
            gates: self.gates.clone(),
            completers: completers.map(|(name, item)| (name.clone(), inside(item))).collect(),
            list,
        }
    }
}

impl fmt::Debug for ServedTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedTemplate")
            .field("definition", &self.definition)
            .field("gates", &self.gates)
            .finish_non_exhaustive()
    }
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
