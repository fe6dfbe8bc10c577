//! A server inside another: its items under a prefix, with its own states, settings and layers.

use std::sync::Arc;

use mcp_core::profile::ProfilePolicy;

use super::Server;
use super::catalogue::{Catalogue, Entry, Gates, Table};
use crate::call::Provided;
use crate::item::Item;

/// A server that another takes in.
pub(super) struct Mount {
    pub(super) prefix: String,
    pub(super) server: Server,
}

/// What stands between the prefix and the name of an item.
const SEPARATOR: &str = "__";

impl Mount {
    /// Puts the items of the server into the catalogue of the one around it.
    pub(super) fn into_catalogue(
        self,
        outer: &Arc<Provided>,
        policy: Option<&ProfilePolicy>,
        catalogue: &mut Catalogue,
    ) -> Vec<String> {
        let mut problems = self.problems();
        let mounted = Arc::clone(&self.server.0.provided);
        let inner = Inside { outer: Arc::clone(outer), mounted };
        let prefixed = |name: &str| format!("{}{SEPARATOR}{name}", self.prefix);
        let mounted = self.server.0.catalogue();
        for tool in mounted.tools.iter() {
            let tool = tool.mounted(prefixed(tool.key()), inner.item(&tool.item));
            problems.extend(take(&mut catalogue.tools, tool, "tool", policy));
        }
        for prompt in mounted.prompts.iter() {
            let prompt = prompt.mounted(prefixed(prompt.key()), |item| inner.item(item));
            problems.extend(take(&mut catalogue.prompts, prompt, "prompt", policy));
        }
        for resource in mounted.resources.iter() {
            let resource = resource.mounted(|item| inner.item(item));
            problems.extend(take(&mut catalogue.resources, resource, "resource", policy));
        }
        for template in mounted.templates.iter() {
            let template = template.mounted(&inner.mounted, |item| inner.item(item));
            problems.extend(take(&mut catalogue.templates, template, "resource template", policy));
        }
        let prefix = &self.prefix;
        problems.into_iter().map(|problem| format!("mounted as `{prefix}`: {problem}")).collect()
    }

    /// What a mounted server must not have, since nobody would see to it.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if self.prefix.is_empty() || !self.prefix.bytes().all(allowed) {
            problems.push("the prefix is made of `A-Z a-z 0-9 _ - .`, at least one".to_owned());
        }
        if self.server.0.visible.is_some() {
            problems.push("it has `visible`: set that on the server around it".to_owned());
        }
        if self.server.0.entitlement.is_some() {
            problems.push("it has `entitlement`: set that on the server around it".to_owned());
        }
        if self.server.0.config.capabilities.extensions.is_some() {
            problems.push("it has extensions: add them to the server around it".to_owned());
        }
        problems
    }
}

/// What surrounds the items of a mounted server.
struct Inside {
    outer: Arc<Provided>,
    mounted: Arc<Provided>,
}

impl Inside {
    /// The item as the outer server serves it: first its layers, then those of the mounted one.
    fn item(&self, item: &Item) -> Item {
        let mut item = item.clone();
        item.within.push(self.mounted.layers.clone());
        item.provided = Arc::new(Provided {
            states: item.provided.states.clone(),
            settings: item.provided.settings.clone(),
            layers: self.outer.layers.clone(),
        });
        item
    }
}

/// Adds an item, or says why it cannot be served here.
fn take<T: Entry>(
    table: &mut Table<T>,
    item: T,
    kind: &str,
    policy: Option<&ProfilePolicy>,
) -> Option<String> {
    let key = item.key().to_owned();
    if let Some(url) = undeclared(item.gates(), policy) {
        return Some(format!(
            "{kind} `{key}` exists only in the profile `{url}`: the server around it has to offer \
             that profile too"
        ));
    }
    (!table.insert(item)).then(|| format!("{kind} `{key}`: there is another {kind} of this name"))
}

fn undeclared(gates: &Gates, policy: Option<&ProfilePolicy>) -> Option<String> {
    let declared =
        |url: &str| policy.is_some_and(|policy| policy.declaration().find(url).is_some());
    let mut urls = gates.profiles.iter().chain(&gates.requires);
    urls.find(|url| !declared(url.as_str())).map(ToString::to_string)
}
