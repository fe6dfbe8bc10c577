//! From a request to a call for a handler: what the method says, decoded.
//!
//! It knows which capability a method belongs to: what the server does not offer is "method not
//! found", in both eras.

use std::borrow::Cow;

use super::subscriptions::too_many;
use super::{CallRow, ClientRequest, ServerCall, ServerEvent, ServerSession, Unready, id_in_use};
use crate::jsonrpc::{ErrorObject, RequestId};
use crate::negotiate::Negotiated;
use crate::profile::{RequestedProfiles, ResolvedPolicy};
use crate::types::{
    CallToolRequestParamsRef, GetPromptRequestParamsRef, ReadResourceRequestParamsRef,
};
use crate::version::Era;
use crate::wire::{Members, Method};

/// A request that was found to be one that may be handled.
pub(super) struct Admitted<'m> {
    pub(super) id: RequestId,
    pub(super) method: Target<'m>,
    pub(super) row: CallRow,
    pub(super) negotiated: Negotiated,
    pub(super) requested: Option<RequestedProfiles>,
    pub(super) policy: Option<ResolvedPolicy>,
}

/// What a request is sent to.
pub(super) enum Target<'m> {
    Method(Method),
    /// A method of an extension, with the extension's identifier.
    Extension {
        method: Cow<'m, str>,
        extension: Box<str>,
    },
}

impl ServerSession {
    /// Finds what a method name means here.
    pub(super) fn target<'m>(
        &self,
        method: &Cow<'m, str>,
        era: Era,
    ) -> Result<Target<'m>, ErrorObject> {
        if let Some(method) = Method::find(method, era).filter(|method| self.offers(*method)) {
            return Ok(Target::Method(method));
        }
        match self.config.extension_methods.get(&**method) {
            Some(extension)
                if era == Era::Modern || !self.config.modern_only.contains(extension) =>
            {
                let extension = extension.as_str().into();
                Ok(Target::Extension { method: method.clone(), extension })
            }
            _ => Err(ErrorObject::method_not_found(method)),
        }
    }

    /// Decodes what the method says and hands the call out.
    pub(super) fn call<'m>(
        &mut self,
        admitted: Admitted<'m>,
        members: Members<'m>,
    ) -> Result<Option<ServerEvent<'m>>, Unready> {
        let Admitted { id, method, row, negotiated, requested, policy } = admitted;
        let meta = members.raw("_meta");
        let request = match method {
            Target::Method(method) => client_request(method, &members)?,
            Target::Extension { method, extension } => {
                if negotiated.client_capabilities().extension(&extension).is_none() {
                    return Err(match negotiated.era() {
                        Era::Legacy => ErrorObject::method_not_found(&method),
                        Era::Modern => ErrorObject::missing_extension(&extension),
                    }
                    .into());
                }
                ClientRequest::Extension { extension, method, params: members }
            }
        };
        let limits = &self.config.limits;
        // Refused before anybody looks up what the filter names.
        if let ClientRequest::Listen(filter) = &request
            && filter.resource_subscriptions.len() + filter.task_ids.len() >= limits.subscriptions
        {
            return Err(too_many(limits.subscriptions, limits.pending_bytes).into());
        }
        if self.calls.len() >= limits.pending_requests {
            return Err(self.too_many().into());
        }
        let (origin, wants_progress, log_level) =
            (row.origin, row.progress.is_some(), self.log_level(&row));
        let call = self.calls.insert(id, row).map_err(|_| id_in_use())?;
        if origin.in_batch {
            self.batches.expect(origin.frame);
        }
        Ok(Some(ServerEvent::Call(ServerCall {
            id: call,
            request,
            meta,
            negotiated,
            wants_progress,
            log_level,
            requested,
            policy,
        })))
    }

    /// Whether the server declares the capability that a method belongs to.
    fn offers(&self, method: Method) -> bool {
        let capabilities = &self.config.capabilities;
        match method {
            Method::Initialize | Method::Ping | Method::ServerDiscover => true,
            Method::ToolsList | Method::ToolsCall => capabilities.tools.is_some(),
            Method::ResourcesList | Method::ResourcesTemplatesList | Method::ResourcesRead => {
                capabilities.resources.is_some()
            }
            Method::ResourcesSubscribe | Method::ResourcesUnsubscribe => capabilities
                .resources
                .as_ref()
                .is_some_and(|resources| resources.subscribe == Some(true)),
            Method::PromptsList | Method::PromptsGet => capabilities.prompts.is_some(),
            Method::CompletionComplete => capabilities.completions.is_some(),
            Method::LoggingSetLevel => capabilities.logging.is_some(),
            // There is nothing to subscribe to where nothing changes.
            Method::SubscriptionsListen => {
                let lists = [
                    capabilities.tools.as_ref().and_then(|tools| tools.list_changed),
                    capabilities.prompts.as_ref().and_then(|prompts| prompts.list_changed),
                    capabilities.resources.as_ref().and_then(|resources| resources.list_changed),
                    capabilities.resources.as_ref().and_then(|resources| resources.subscribe),
                ];
                lists.contains(&Some(true))
            }
        }
    }
}

fn client_request<'m>(
    method: Method,
    members: &Members<'m>,
) -> Result<ClientRequest<'m>, ErrorObject> {
    let cursor = || members.string("cursor").map_err(invalid);
    Ok(match method {
        Method::ToolsList => ClientRequest::ListTools { cursor: cursor()? },
        Method::ToolsCall => ClientRequest::CallTool(CallToolRequestParamsRef {
            name: required(members, "name")?,
            arguments: object(members, "arguments")?,
            input_responses: object(members, "inputResponses")?,
            request_state: members.string("requestState").map_err(invalid)?,
        }),
        Method::ResourcesList => ClientRequest::ListResources { cursor: cursor()? },
        Method::ResourcesTemplatesList => {
            ClientRequest::ListResourceTemplates { cursor: cursor()? }
        }
        Method::ResourcesRead => ClientRequest::ReadResource(ReadResourceRequestParamsRef {
            uri: required(members, "uri")?,
            input_responses: object(members, "inputResponses")?,
            request_state: members.string("requestState").map_err(invalid)?,
        }),
        Method::ResourcesSubscribe => ClientRequest::Subscribe { uri: required(members, "uri")? },
        Method::ResourcesUnsubscribe => {
            ClientRequest::Unsubscribe { uri: required(members, "uri")? }
        }
        Method::PromptsList => ClientRequest::ListPrompts { cursor: cursor()? },
        Method::PromptsGet => ClientRequest::GetPrompt(GetPromptRequestParamsRef {
            name: required(members, "name")?,
            arguments: object(members, "arguments")?,
            input_responses: object(members, "inputResponses")?,
            request_state: members.string("requestState").map_err(invalid)?,
        }),
        Method::CompletionComplete => {
            ClientRequest::Complete(Box::new(members.decode_all().map_err(invalid)?))
        }
        Method::SubscriptionsListen => {
            // Each address in it is matched against every template.
            let long = members.raw("notifications").is_some_and(|all| all.get().len() > FILTER);
            if long {
                return Err(invalid(format!("`notifications` is longer than {FILTER} bytes")));
            }
            let filter = members.decode("notifications").map_err(invalid)?;
            ClientRequest::Listen(filter.ok_or_else(|| missing("notifications"))?)
        }
        // These are answered before a call is made of them.
        Method::Initialize | Method::Ping | Method::ServerDiscover | Method::LoggingSetLevel => {
            return Err(ErrorObject::method_not_found(method.as_str()));
        }
    })
}

/// The longest filter of a subscription, in bytes.
const FILTER: usize = 1024 * 1024;

fn required<'m>(members: &Members<'m>, name: &str) -> Result<Cow<'m, str>, ErrorObject> {
    members.string(name).map_err(invalid)?.ok_or_else(|| missing(name))
}

fn object<'m>(
    members: &Members<'m>,
    name: &str,
) -> Result<Option<&'m serde_json::value::RawValue>, ErrorObject> {
    match members.raw(name) {
        Some(raw) if !raw.get().starts_with('{') => {
            Err(invalid(format!("`{name}` must be an object")))
        }
        raw => Ok(raw),
    }
}

fn missing(name: &str) -> ErrorObject {
    invalid(format!("`{name}` is missing"))
}

pub(super) fn invalid(problem: impl std::fmt::Display) -> ErrorObject {
    ErrorObject::invalid_params(format!("`params`: {problem}"))
}
