//! What a server session gives its driver to do.

use std::borrow::Cow;

use super::refused;
use crate::jsonrpc::ErrorObject;
use crate::negotiate::Negotiated;
use crate::pending::CallId;
use crate::profile::{Gate, ProfileUrl, Reason, Rejection, RequestedProfiles, ResolvedPolicy};
use crate::types::CallToolRequestParamsRef;

/// Something for the driver to do.
#[derive(Debug)]
#[non_exhaustive]
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
    /// A modern request was refused for its profiles and has been answered.
    Refused(Box<Rejection>),
}

/// A request for a handler.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerCall<'m> {
    /// Names the call until it is answered or cancelled.
    pub id: CallId,
    /// What is asked for.
    pub request: ClientRequest<'m>,
    /// What is in force.
    pub negotiated: Negotiated,
    /// Whether the caller wants to hear of progress.
    pub wants_progress: bool,
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

    /// Whether a list for this caller shows an item that exists in these profiles only.
    pub fn shows(&self, item: &[ProfileUrl]) -> bool {
        self.policy.as_ref().is_none_or(|policy| {
            policy.visible(item, self.negotiated.profiles(), self.negotiated.version())
        })
    }
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
}
