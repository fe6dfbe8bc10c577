//! What a server session gives its driver to do.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::refused;
use crate::jsonrpc::ErrorObject;
use crate::negotiate::Negotiated;
use crate::pending::CallId;
use crate::profile::{
    Agreement, Gate, NegotiatedProfiles, ProfileUrl, Reason, Rejection, RequestedProfiles,
    ResolvedPolicy,
};
use crate::types::{
    CallToolRequestParamsRef, CompleteRequestParams, GetPromptRequestParamsRef, LoggingLevel,
    ReadResourceRequestParamsRef, SubscriptionFilter,
};
use crate::version::ProtocolVersion;
use crate::wire::Members;

/// Something for the driver to do.
#[derive(Debug)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all events are calls: a box for each costs more than its room"
)]
pub enum ServerEvent<'m> {
    /// Find out what the caller is entitled to, then call
    /// [`ServerSession::policy_resolved`](super::ServerSession::policy_resolved).
    ///
    /// Until then requests wait in the session, in order.
    ResolvePolicy,
    /// Run this, then call [`ServerSession::respond`](super::ServerSession::respond) or
    /// [`ServerSession::fail`](super::ServerSession::fail).
    Call(ServerCall<'m>),
    /// Stop running this call; nothing more can be sent for it.
    Cancelled(CallId),
    /// The legacy session is established.
    Established {
        /// What is in force until the session ends.
        negotiated: Negotiated,
        /// The profiles that the client asked for.
        requested: RequestedProfiles,
        /// Why requested profiles are not in force.
        reasons: Vec<Reason>,
    },
    /// No agreement: send what waits, then end the connection.
    ///
    /// Calls that still run have been answered with the same error; stop running them.
    Rejected(Box<Rejection>),
    /// A modern client was told which profiles would be in force for it (`server/discover`).
    Discovered {
        /// The version of the request.
        version: ProtocolVersion,
        /// The profiles that it asked for.
        requested: RequestedProfiles,
        /// What it was told.
        would_be: Box<Agreement>,
    },
    /// A modern request was refused for its profiles and has been answered.
    Refused(Box<Rejection>),
    /// The client has answered what it was [asked](super::ServerSession::ask).
    Answered {
        /// What was asked.
        ask: CallId,
        /// The raw result, or the client's error.
        outcome: Result<&'m RawValue, ErrorObject>,
    },
    /// The folders that a legacy client works in have changed.
    RootsChanged,
    /// A notification of an extension that client and server declared, in a legacy session.
    Notification(Box<ClientNotification<'m>>),
}

/// A notification of an extension.
#[derive(Debug)]
#[non_exhaustive]
pub struct ClientNotification<'m> {
    /// The extension's identifier.
    pub extension: String,
    /// The method's name.
    pub method: Cow<'m, str>,
    /// Its parameters.
    pub params: Members<'m>,
    /// What is in force.
    pub negotiated: Negotiated,
}

/// A request for a handler.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerCall<'m> {
    /// Names the call until it is answered or cancelled.
    pub id: CallId,
    /// What is asked for.
    pub request: ClientRequest<'m>,
    /// The request's `_meta`, a JSON object.
    pub meta: Option<&'m RawValue>,
    /// What is in force.
    pub negotiated: Negotiated,
    /// Whether the caller wants to hear of progress.
    pub wants_progress: bool,
    /// From which level on the caller wants log messages; none without.
    pub log_level: Option<LoggingLevel>,
    /// The profiles that a modern request asked for, if both sides declared the extension.
    ///
    /// Such a caller's results carry what is in force, so they may be kept for that caller only.
    pub requested: Option<RequestedProfiles>,
    pub(super) policy: Option<ResolvedPolicy>,
}

impl ServerCall<'_> {
    /// Whether this call may use an item that exists in these profiles only; an item that names
    /// none exists for everybody.
    ///
    /// # Errors
    /// The error to answer with, given what an unknown name is answered with.
    pub fn admit(
        &self,
        item: &[ProfileUrl],
        unknown: impl FnOnce() -> ErrorObject,
    ) -> Result<(), ErrorObject> {
        let Some(policy) = self.policy.as_ref().filter(|_| !item.is_empty()) else {
            return Ok(());
        };
        let version = self.negotiated.version();
        match policy.gate(item, self.negotiated.profiles(), version) {
            Gate::Allowed => Ok(()),
            Gate::Unknown => Err(unknown()),
            Gate::NeedsProfile(url) => {
                let requested = self.requested.clone().unwrap_or_default();
                let refusal = policy.needs_profile(url, &requested, version);
                Err(refused(&refusal, self.requested.is_some()))
            }
        }
    }

    /// Whether the profiles under which a `requestState`, task or subscription began are all in
    /// force for this call.
    ///
    /// # Errors
    /// The error to answer with (code 1004).
    pub fn still_in_force(&self, original: &NegotiatedProfiles) -> Result<(), ErrorObject> {
        still_in_force(self.policy.as_ref(), self.requested.as_ref(), &self.negotiated, original)
    }

    /// What decides that, for an answer that is found out later.
    pub fn in_force(&self) -> InForce {
        InForce {
            policy: self.policy.clone(),
            requested: self.requested.clone(),
            negotiated: self.negotiated.clone(),
        }
    }

    /// Whether a list for this caller shows an item that exists in these profiles only.
    pub fn shows(&self, item: &[ProfileUrl]) -> bool {
        self.policy.as_ref().is_none_or(|policy| {
            policy.visible(item, self.negotiated.profiles(), self.negotiated.version())
        })
    }
}

/// What decides whether a caller may go on with what began under certain profiles.
///
/// It is [`ServerCall::still_in_force`] for a task that has to be looked up first.
#[derive(Debug, Clone)]
pub struct InForce {
    policy: Option<ResolvedPolicy>,
    requested: Option<RequestedProfiles>,
    negotiated: Negotiated,
}

impl InForce {
    /// Whether these profiles are all in force.
    ///
    /// # Errors
    /// The error to answer with (code 1004).
    pub fn still_in_force(&self, original: &NegotiatedProfiles) -> Result<(), ErrorObject> {
        still_in_force(self.policy.as_ref(), self.requested.as_ref(), &self.negotiated, original)
    }
}

fn still_in_force(
    policy: Option<&ResolvedPolicy>,
    requested: Option<&RequestedProfiles>,
    negotiated: &Negotiated,
    original: &NegotiatedProfiles,
) -> Result<(), ErrorObject> {
    let Some(policy) = policy else { return Ok(()) };
    let (profiles, version) = (negotiated.profiles(), negotiated.version());
    policy
        .still_in_force(original, profiles, &requested.cloned().unwrap_or_default(), version)
        .map_err(|refusal| refused(&refusal, requested.is_some()))
}

/// What a client asks a handler for, decoded as far as the method says.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientRequest<'m> {
    /// `tools/list`
    ListTools {
        /// Where the page begins; the first page without.
        cursor: Option<Cow<'m, str>>,
    },
    /// `tools/call`
    CallTool(CallToolRequestParamsRef<'m>),
    /// `resources/list`
    ListResources {
        /// Where the page begins; the first page without.
        cursor: Option<Cow<'m, str>>,
    },
    /// `resources/templates/list`
    ListResourceTemplates {
        /// Where the page begins; the first page without.
        cursor: Option<Cow<'m, str>>,
    },
    /// `resources/read`
    ReadResource(ReadResourceRequestParamsRef<'m>),
    /// `resources/subscribe` (legacy): answer with
    /// [`ServerSession::subscribe`](super::ServerSession::subscribe) or an error.
    Subscribe {
        /// The resource.
        uri: Cow<'m, str>,
    },
    /// `resources/unsubscribe` (legacy): answer with
    /// [`ServerSession::unsubscribe`](super::ServerSession::unsubscribe).
    Unsubscribe {
        /// The resource.
        uri: Cow<'m, str>,
    },
    /// `prompts/list`
    ListPrompts {
        /// Where the page begins; the first page without.
        cursor: Option<Cow<'m, str>>,
    },
    /// `prompts/get`
    GetPrompt(GetPromptRequestParamsRef<'m>),
    /// `completion/complete`
    Complete(Box<CompleteRequestParams>),
    /// `subscriptions/listen` (modern): answer with
    /// [`ServerSession::listen`](super::ServerSession::listen), which opens the stream.
    Listen(SubscriptionFilter),
    /// A method that an extension adds; client and server declared the extension.
    Extension {
        /// The extension's identifier.
        extension: Box<str>,
        /// The method's name.
        method: Cow<'m, str>,
        /// Its parameters.
        params: Members<'m>,
    },
}
