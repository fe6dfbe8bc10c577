//! The extensions of a server, as they are served.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mcp_core::capability::ServerCapabilities;
use mcp_core::profile::ProfilePolicy;
use mcp_core::session::server::ServerConfig;
use mcp_core::types::TASKS_EXTENSION;

use super::Extension;
use crate::call::Provided;
use crate::item::Item;
use crate::layer::Stack;
use crate::server::catalogue::Gates;
use crate::tool::Tool;

/// The extensions of a server, fixed when it is built.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    methods: HashMap<String, ServedMethod>,
    notifications: HashMap<String, Item>,
}

/// A method and where it exists.
#[derive(Debug)]
pub(crate) struct ServedMethod {
    pub(crate) item: Item,
    pub(crate) gates: Gates,
}

/// What extensions declare.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    capabilities: ServerCapabilities,
    modern_only: Vec<String>,
    methods: BTreeMap<String, String>,
    notifications: BTreeMap<String, String>,
}

impl Extensions {
    /// Fixes extensions, and says what is wrong with them. Their tools are added to `tools`.
    pub(crate) fn collect(
        extensions: Vec<Extension>,
        tools: &mut Vec<Tool>,
        provided: &Arc<Provided>,
        policy: Option<&ProfilePolicy>,
        problems: &mut Vec<String>,
    ) -> (Self, Declared) {
        let (mut served, mut declared) = (Self::default(), Declared::default());
        for extension in extensions {
            let id = extension.id.to_string();
            let about = |problem: String| format!("extension `{id}`: {problem}");
            problems.extend(extension.problems().into_iter().map(about));
            if declared.capabilities.extension(&id).is_some() {
                problems.push(about("it is added twice".to_owned()));
            }
            let settings = extension.settings.unwrap_or_default();
            declared.capabilities = declared.capabilities.with_extension(&id, settings);
            if extension.modern_only {
                declared.modern_only.push(id.clone());
            }
            tools.extend(extension.tools);
            for method in extension.methods {
                let name = method.name().to_owned();
                let about = |problem: String| about(format!("method `{name}`: {problem}"));
                if name.starts_with("tasks/") && id != TASKS_EXTENSION {
                    let kept =
                        format!("names that begin with `tasks/` are kept for `{TASKS_EXTENSION}`");
                    problems.push(about(kept));
                }
                if let Some(other) = declared.methods.insert(name.clone(), id.clone()) {
                    problems.push(about(format!("extension `{other}` has a method of this name")));
                }
                let (requires, described, run) = method.into_parts();
                problems.extend(provided.missing(&described.needs).into_iter().map(about));
                let gates = Gates::new(Vec::new(), requires);
                problems.extend(gates.undeclared(policy).into_iter().map(about));
                let Some(run) = run else { continue };
                let item = Item {
                    name: name.clone().into(),
                    arguments: described.arguments,
                    provided: Arc::clone(provided),
                    asks: described.asks,
                    is_private: false,
                    run,
                    layers: Stack::default(),
                    within: Vec::new(),
                };
                served.methods.insert(name, ServedMethod { item, gates });
            }
            for notification in extension.notifications {
                let name = notification.name.to_string();
                let about = |problem: String| about(format!("notification `{name}`: {problem}"));
                if let Some(other) = declared.notifications.insert(name.clone(), id.clone()) {
                    let taken = format!("extension `{other}` has a notification of this name");
                    problems.push(about(taken));
                }
                let described = notification.describe();
                problems.extend(provided.missing(&described.needs).into_iter().map(about));
                let item = Item {
                    name: notification.name,
                    arguments: described.arguments,
                    provided: Arc::clone(provided),
                    asks: described.asks,
                    is_private: false,
                    run: notification.run,
                    layers: Stack::default(),
                    within: Vec::new(),
                };
                served.notifications.insert(name, item);
            }
        }
        (served, declared)
    }

    pub(crate) fn method(&self, name: &str) -> Option<&ServedMethod> {
        self.methods.get(name)
    }

    pub(crate) fn notification(&self, name: &str) -> Option<&Item> {
        self.notifications.get(name)
    }
}

impl Declared {
    /// Adds to what a server is for every session.
    pub(crate) fn declare(self, config: &mut ServerConfig) {
        config.capabilities.extensions = self.capabilities.extensions;
        config.modern_only.extend(self.modern_only);
        config.extension_methods = self.methods;
        config.extension_notifications = self.notifications;
    }
}
