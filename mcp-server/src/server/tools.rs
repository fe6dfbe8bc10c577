//! The tools of a server: found by name, listed in order, changed while it runs.

use std::collections::HashMap;
use std::sync::Arc;

use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::profile::ProfileUrl;
use mcp_core::session::server::ServerCall;
use mcp_core::types;
use mcp_core::version::Era;
use mcp_core::wire::legacy;
use serde::Serialize;

use crate::tool::BuiltTool;

/// The tools as they are at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tools {
    /// In the order of registration, which is the order of the list.
    order: Vec<Arc<ServedTool>>,
    by_name: HashMap<String, usize>,
}

/// A tool and where it exists.
#[derive(Debug)]
pub(crate) struct ServedTool {
    pub(crate) tool: BuiltTool,
    /// The profiles that have it: it exists in any of them; in all without any.
    pub(crate) profiles: Vec<ProfileUrl>,
    /// As legacy clients are told of it, where that differs.
    legacy: Option<types::Tool>,
}

impl ServedTool {
    pub(crate) fn new(tool: BuiltTool, profiles: Vec<ProfileUrl>) -> Self {
        let legacy = legacy::adapt_tool(&tool.definition);
        Self { tool, profiles, legacy }
    }

    /// Whether a call may reach it.
    pub(crate) fn admit(&self, call: &ServerCall<'_>, name: &str) -> Result<(), ErrorObject> {
        let unknown = || ErrorObject::unknown_tool(name);
        let required = self.tool.requires.iter().map(std::slice::from_ref);
        let gates = std::iter::once(&*self.profiles).chain(required);
        // To whom one gate stays closed the tool does not exist, whatever the others say.
        let mut asked_for = Ok(());
        for refusal in gates.filter_map(|gate| call.admit(gate, unknown).err()) {
            if refusal.code != ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY {
                return Err(refusal);
            }
            asked_for = asked_for.and(Err(refusal));
        }
        asked_for
    }

    fn is_shown(&self, call: &ServerCall<'_>) -> bool {
        let mut required = self.tool.requires.iter().map(std::slice::from_ref);
        call.shows(&self.profiles) && required.all(|url| call.shows(url))
    }

    fn definition(&self, era: Era) -> &types::Tool {
        match era {
            Era::Legacy => self.legacy.as_ref().unwrap_or(&self.tool.definition),
            Era::Modern => &self.tool.definition,
        }
    }
}

/// One page of the list, written without copying it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<'a> {
    tools: Vec<&'a types::Tool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<&'a str>,
}

impl Tools {
    /// Adds a tool at the end of the list; one of the same name is an error.
    pub(crate) fn insert(&mut self, tool: ServedTool) -> Result<(), String> {
        let name = tool.tool.definition.name.clone();
        if self.by_name.contains_key(&name) {
            return Err(format!("tool `{name}`: there is another tool of this name"));
        }
        self.by_name.insert(name, self.order.len());
        self.order.push(Arc::new(tool));
        Ok(())
    }

    /// Removes a tool; calls that run go on.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let Some(place) = self.by_name.remove(name) else { return false };
        self.order.remove(place);
        for later in self.by_name.values_mut().filter(|later| **later > place) {
            *later -= 1;
        }
        true
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<ServedTool>> {
        self.by_name.get(name).map(|place| &self.order[*place])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ServedTool> {
        self.order.iter().map(|tool| &**tool)
    }

    /// The page that follows the tool named by `cursor`, for this caller.
    pub(crate) fn page<'a>(
        &'a self,
        call: &ServerCall<'_>,
        cursor: Option<&str>,
        size: usize,
    ) -> Result<Page<'a>, ErrorObject> {
        let from = match cursor {
            None => 0,
            Some(name) => match self.by_name.get(name) {
                Some(place) if self.order[*place].is_shown(call) => place + 1,
                _ => {
                    return Err(ErrorObject::invalid_params(
                        "`cursor` is not, or no longer, valid",
                    ));
                }
            },
        };
        let mut shown = self.order[from..].iter().filter(|tool| tool.is_shown(call));
        let era = call.negotiated.era();
        let tools: Vec<_> = shown.by_ref().take(size).map(|tool| tool.definition(era)).collect();
        let more = shown.next().is_some();
        let next_cursor = tools.last().filter(|_| more).map(|tool| tool.name.as_str());
        Ok(Page { tools, next_cursor })
    }
}
