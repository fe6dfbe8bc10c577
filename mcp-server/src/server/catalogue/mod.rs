//! What a server offers at one moment, and to whom.

mod listing;
mod prompt;
mod resource;
mod table;
mod tool;

use std::cmp::Reverse;
use std::sync::Arc;

use mcp_core::Principal;
use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::profile::{ProfilePolicy, ProfileUrl};
use mcp_core::session::server::ServerCall;

use crate::item::Item;
use crate::requires::{Required, Scopes};

pub(crate) use listing::Listing;
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

impl Catalogue {
    /// What reads a URI, if it exists for this caller and the caller may: the resource of this URI, else the most
    /// specific template that matches it.
    ///
    /// What does not exist for the caller hides nothing that does.
    pub(crate) fn resource(
        &self,
        call: &ServerCall<'_>,
        uri: &str,
        is_visible: impl Fn(&str) -> bool,
    ) -> Result<&Item, KeptOut> {
        let (item, gates) = self.existing_resource(call, uri, is_visible)?;
        gates.open(call.negotiated.principal()).map(|()| item)
    }

    fn existing_resource(
        &self,
        call: &ServerCall<'_>,
        uri: &str,
        is_visible: impl Fn(&str) -> bool,
    ) -> Result<(&Item, &Gates), ErrorObject> {
        let unknown = || ErrorObject::resource_not_found_at(uri);
        let mut refused = None;
        let mut admits = |key: &str, gates: &Gates| match gates.admit(call, unknown) {
            Ok(()) => is_visible(key),
            Err(refusal) => {
                if refusal.code == ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY {
                    refused.get_or_insert(refusal);
                }
                false
            }
        };
        if let Some(resource) = self.resources.get(uri)
            && admits(uri, &resource.gates)
        {
            return Ok((&resource.item, &resource.gates));
        }
        let matches = |served: &&Arc<ServedTemplate>| served.template.matches(uri).is_some();
        let mut matching: Vec<&Arc<ServedTemplate>> =
            self.templates.iter().filter(matches).collect();
        // A stable sort: among equals the first that was added goes first.
        matching.sort_by_key(|served| Reverse(served.template.literal_chars()));
        let found = matching.into_iter().find(|served| admits(served.key(), &served.gates));
        let found = found.map(|served| (&served.item, &served.gates));
        found.ok_or_else(|| refused.unwrap_or_else(unknown))
    }
}

/// The profiles on which it depends whether something exists for a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gates {
    /// The profiles that have it: it exists in any of them; in all without any.
    pub(crate) profiles: Vec<ProfileUrl>,
    /// The profiles that all have to be in force.
    pub(crate) requires: Vec<ProfileUrl>,
    /// What callers need a token for, once it exists for them.
    pub(crate) scopes: Scopes,
}

/// Why a caller is kept out.
#[derive(Debug)]
pub(crate) enum KeptOut {
    /// There is nothing for it, or not in this way.
    Error(ErrorObject),
    /// There is, for callers with these scopes.
    Needs(Scopes),
}

impl From<ErrorObject> for KeptOut {
    fn from(error: ErrorObject) -> Self {
        Self::Error(error)
    }
}

impl Gates {
    pub(crate) fn new(profiles: Vec<ProfileUrl>, required: Required) -> Self {
        let Required { profiles: requires, scopes } = required;
        Self { profiles, requires, scopes }
    }

    /// Whether a caller for whom the item exists has what it needs.
    pub(crate) fn open(&self, caller: &Principal) -> Result<(), KeptOut> {
        match self.scopes.are_granted(caller) {
            true => Ok(()),
            false => Err(KeptOut::Needs(self.scopes.clone())),
        }
    }

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
