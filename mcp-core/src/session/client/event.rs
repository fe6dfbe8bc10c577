//! What a server's messages mean to a client.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::asked::ServerRequest;
use crate::jsonrpc::{ErrorObject, InvalidMessage};
use crate::pending::{CallId, TimeoutKind};
use crate::profile::{NegotiatedProfiles, Rejection};
use crate::types::ProgressNotificationParams;
use crate::wire::Members;

/// Something that a server's message means.
///
/// `call` names a request of ours, `asked` one of the server's: the two are counted apart.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent<'m> {
    /// A call was answered; what the profiles require was checked before.
    ///
    /// For `subscriptions/listen` a result is the graceful end of the subscription.
    Response {
        /// The call.
        call: CallId,
        /// Its raw result, or the server's error.
        outcome: Result<&'m RawValue, ErrorObject>,
    },
    /// A call cannot be answered before the server knows more (2026-07-28,
    /// basic/patterns/mrtr): make the request anew, with the answers.
    ///
    /// The call is over. What the profiles require was checked before.
    InputRequired {
        /// The call.
        call: CallId,
        /// The raw `InputRequiredResult`.
        result: &'m RawValue,
    },
    /// A call was answered with a result of an extension's own kind, which both sides declared.
    ExtensionResult {
        /// The call.
        call: CallId,
        /// The `resultType`.
        result_type: Cow<'m, str>,
        /// The raw result.
        result: &'m RawValue,
    },
    /// A call was answered with something that is no valid result.
    InvalidResult {
        /// The call.
        call: CallId,
        /// What is wrong with it.
        problem: String,
    },
    /// A time limit of a call ran out; the server has been told to stop.
    TimedOut {
        /// The call.
        call: CallId,
        /// Which limit it was.
        kind: TimeoutKind,
    },
    /// A call reports progress.
    Progress {
        /// The call.
        call: CallId,
        /// How far it is.
        progress: ProgressNotificationParams,
    },
    /// The server asks for something (legacy era): answer with
    /// [`Established::respond`](super::Established::respond) or
    /// [`Established::fail`](super::Established::fail).
    ///
    /// The client declared that it can answer; until it has, no time limit of a call counts.
    Request {
        /// Names the request of the server.
        asked: CallId,
        /// What is asked for.
        request: ServerRequest<'m>,
    },
    /// The server no longer waits for the answer to a request of its own: stop working on it.
    Withdrawn {
        /// The request of the server.
        asked: CallId,
    },
    /// A subscription is open. From now on no time limit counts for it.
    ///
    /// What the profiles require was checked before.
    Acknowledged {
        /// The call of `subscriptions/listen`.
        call: CallId,
        /// The parameters of the acknowledgement: what the server will tell of.
        params: Members<'m>,
    },
    /// A notification of an open subscription.
    Subscribed {
        /// The call of `subscriptions/listen`.
        call: CallId,
        /// The method's name.
        method: &'m str,
        /// Its parameters.
        params: Members<'m>,
    },
    /// The server ended a subscription by calling it off, without the result that says that all
    /// went well.
    SubscriptionEnded {
        /// The call of `subscriptions/listen`, which is over.
        call: CallId,
        /// Why, if the server says so.
        reason: Option<String>,
    },
    /// A notification that concerns no call and no subscription.
    Notification {
        /// The method's name.
        method: &'m str,
        /// Its parameters.
        params: Members<'m>,
    },
    /// The set in force changed (modern era); the required profiles are still in it.
    ProfilesChanged(NegotiatedProfiles),
    /// The server sent something that is no message, or that it may not send.
    Noise(InvalidMessage),
    /// A required profile was lost: close the connection, nothing more may be sent.
    Rejected(Box<Rejection>),
}

pub(super) fn noise<'m>(said: impl Into<Cow<'static, str>>) -> ClientEvent<'m> {
    ClientEvent::Noise(InvalidMessage {
        id: None,
        error: ErrorObject::invalid_request(said),
        answerable: false,
    })
}
