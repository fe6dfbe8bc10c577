//! What a server offers at one moment, and to whom.

mod prompt;
mod resource;
mod table;
mod tool;

use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::profile::{ProfilePolicy, ProfileUrl};
use mcp_core::session::server::ServerCall;
use mcp_core::types::{CompleteRequestParams, CompletionReference};
use serde_json::value::RawValue;

use crate::item::Item;

pub(crate) use prompt::ServedPrompt;
pub(crate) use resource::{ServedResource, ServedTemplate};
pub(crate) use table::{Entry, Table};
pub(crate) use tool::ServedTool;

/// Everything that a server offers, as it is at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    pub(crate) tools: Table<ServedTool>,
    pub(crate) prompts: Table<ServedPrompt>,
    pub(crate) resources: Table<ServedResource>,
    pub(crate) templates: Table<ServedTemplate>,
}

/// The resource that a URI names.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) item: &'a Item,
    /// The variables of the template that matched, as an object of strings.
    pub(crate) arguments: Option<Box<RawValue>>,
}

impl Catalogue {
    /// The resource or template that a URI names, if it exists for this caller.
    pub(crate) fn resource(
        &self,
        call: &ServerCall<'_>,
        uri: &str,
    ) -> Result<Found<'_>, ErrorObject> {
        let unknown = || ErrorObject::resource_not_found_at(uri);
        if let Some(resource) = self.resources.get(uri) {
            resource.gates.admit(call, unknown)?;
            return Ok(Found { item: &resource.item, arguments: None });
        }
        Err(unknown())
    }

    /// What completes an argument, if anything does.
    pub(crate) fn completer(
        &self,
        call: &ServerCall<'_>,
        params: &CompleteRequestParams,
    ) -> Result<Option<&Item>, ErrorObject> {
        let argument = &params.argument.name;
        match &params.reference {
            CompletionReference::Prompt(prompt) => {
                let unknown = || ErrorObject::unknown_prompt(&prompt.name);
                let prompt = self.prompts.get(&prompt.name).ok_or_else(unknown)?;
                prompt.gates.admit(call, unknown)?;
                Ok(prompt.completers.get(argument))
            }
            CompletionReference::Resource(template) => {
                let unknown = || ErrorObject::resource_not_found_at(&template.uri);
                let template = self.templates.get(&template.uri).ok_or_else(unknown)?;
                template.gates.admit(call, unknown)?;
                Ok(template.completers.get(argument))
            }
            _ => Err(ErrorObject::invalid_params("`ref` is neither a prompt nor a resource")),
        }
    }
}

/// The profiles on which it depends whether something exists for a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gates {
    /// The profiles that have it: it exists in any of them; in all without any.
    pub(crate) profiles: Vec<ProfileUrl>,
    /// The profiles that all have to be in force.
    pub(crate) requires: Vec<ProfileUrl>,
}

impl Gates {
    /// Whether a call may pass, given what an unknown name is answered with.
    pub(crate) fn admit(
        &self,
        call: &ServerCall<'_>,
        unknown: impl Fn() -> ErrorObject,
    ) -> Result<(), ErrorObject> {
        let required = self.requires.iter().map(std::slice::from_ref);
        let gates = std::iter::once(&*self.profiles).chain(required);
        // To whom one gate stays closed the item does not exist, whatever the others say.
        let mut asked_for = Ok(());
        for refusal in gates.filter_map(|gate| call.admit(gate, &unknown).err()) {
            if refusal.code != ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY {
                return Err(refusal);
            }
            asked_for = asked_for.and(Err(refusal));
        }
        asked_for
    }

    /// The profiles that the server does not offer, each with what is wrong.
    pub(crate) fn undeclared(&self, policy: Option<&ProfilePolicy>) -> Vec<String> {
        let declared = |url: &&ProfileUrl| {
            policy.is_some_and(|policy| policy.declaration().find(url.as_str()).is_some())
        };
        let undeclared = self.requires.iter().filter(|url| !declared(url));
        undeclared
            .map(|url| format!("it requires the profile `{url}`, which the server does not offer"))
            .collect()
    }

    /// Whether a list for this caller shows what is behind the gates.
    pub(crate) fn shows(&self, call: &ServerCall<'_>) -> bool {
        let mut required = self.requires.iter().map(std::slice::from_ref);
        call.shows(&self.profiles) && required.all(|url| call.shows(url))
    }
}
