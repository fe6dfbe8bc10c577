//! The state in which calls are made.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde_json::value::RawValue;

use super::ClientConfig;
use super::handshake::described;
use crate::jsonrpc::{
    self, ErrorCode, ErrorObject, InvalidMessage, Message, Request, RequestId, Response, shown,
};
use crate::negotiate::ServerFacts;
use crate::outbox::{Outbox, Route};
use crate::pending::{CallId, Outgoing, TimeoutKind, Timeouts};
use crate::profile::{
    self, Answer, Declaration, NegotiatedProfiles, Offer, Reason, Rejection, RejectionKind,
    RequestedProfiles,
};
use crate::session::frame::{self, Text};
use crate::types::{CancelledNotificationParams, ProgressNotificationParams, ProgressToken};
use crate::version::{Era, ProtocolVersion};
use crate::wire::modern::{self, COMPLETE};
use crate::wire::{EncodeError, Members, Method, legacy};

/// What client and server agreed on, as the client knows it.
#[derive(Debug, Clone)]
pub struct Agreed {
    pub(super) version: ProtocolVersion,
    pub(super) era: Era,
    pub(super) server: ServerFacts,
    pub(super) profiles: NegotiatedProfiles,
    pub(super) offer: Offer,
    pub(super) reasons: Vec<Reason>,
}

impl Agreed {
    /// The protocol version in use.
    pub fn version(&self) -> &ProtocolVersion {
        &self.version
    }

    /// The era of that version.
    pub fn era(&self) -> Era {
        self.era
    }

    /// What the server says of itself.
    pub fn server(&self) -> &ServerFacts {
        &self.server
    }

    /// The profiles in force.
    pub fn profiles(&self) -> &NegotiatedProfiles {
        &self.profiles
    }

    /// The profiles that the server declares, if it showed any: advice, no promise.
    pub fn declaration(&self) -> Option<&Declaration> {
        self.offer.supported()
    }

    /// Why the declaration could not be read, if the server showed a broken one.
    pub fn declaration_problem(&self) -> Option<&profile::InvalidDeclaration> {
        self.offer.problem()
    }

    /// Why profiles that were asked for are not in force.
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }
}

/// Something that a server's message means.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientEvent<'m> {
    /// A call was answered; what the profiles require was checked before.
    Response {
        /// The call.
        call: CallId,
        /// Its raw result, or the server's error.
        outcome: Result<&'m RawValue, ErrorObject>,
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
    /// A notification that concerns no call.
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

/// The session in which calls are made: the required profiles are confirmed.
#[derive(Debug)]
pub struct Established {
    config: Arc<ClientConfig>,
    agreed: Agreed,
    /// What every modern request asks for: exactly what was confirmed.
    requested: RequestedProfiles,
    /// Members of every modern request's `_meta`, encoded.
    encoded_meta: Box<[u8]>,
    calls: Outgoing<()>,
    rejected: bool,
}

impl Established {
    pub(super) fn new(
        config: Arc<ClientConfig>,
        next_id: i64,
        agreed: Agreed,
        requested: RequestedProfiles,
        encoded_meta: Box<[u8]>,
    ) -> Self {
        let calls = Outgoing::starting_at(next_id);
        Self { config, agreed, requested, encoded_meta, calls, rejected: false }
    }

    /// What client and server agreed on.
    pub fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// How many calls wait for an answer.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Writes a request.
    ///
    /// `params` must serialise as an object; `_meta` is added by the library.
    ///
    /// # Errors
    /// `params` cannot be written, or a required profile was lost; nothing was written.
    pub fn request<P: Serialize + ?Sized>(
        &mut self,
        now: Instant,
        method: &str,
        params: &P,
        timeouts: Timeouts,
        out: &mut Outbox,
    ) -> Result<CallId, EncodeError> {
        if self.rejected {
            return Err(EncodeError::Rejected);
        }
        let id = self.calls.next_id();
        let meta = &self.encoded_meta;
        out.message(Route::Connection, |out| {
            let start = out.len();
            jsonrpc::open_request(out, &RequestId::Integer(id), method);
            let written = modern::open_params(out, meta, Some(id)).close_with(params);
            match written {
                Ok(()) => jsonrpc::close(out),
                Err(_) => out.truncate(start),
            }
            written
        })?;
        Ok(self.calls.insert(now, timeouts, ()))
    }

    /// Forgets a call and tells the server to stop; nothing is said about a call that is over, nor
    /// after [`ClientEvent::Rejected`].
    pub fn cancel(&mut self, call: CallId, reason: Option<&str>, out: &mut Outbox) {
        let abandoned = self.calls.abandon(call).filter(|_| !self.rejected);
        if let Some((id, ())) = abandoned {
            send_cancelled(id, reason, out);
        }
    }

    /// When [`Established::expire`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.calls.deadline()
    }

    /// Ends the calls whose time is over.
    pub fn expire(
        &mut self,
        now: Instant,
        out: &mut Outbox,
        mut events: impl FnMut(ClientEvent<'static>),
    ) {
        while let Some((call, id, kind, ())) = self.calls.expire(now) {
            if !self.rejected {
                send_cancelled(id, Some("timed out"), out);
            }
            events(ClientEvent::TimedOut { call, kind });
        }
    }

    /// Handles the bytes of one frame.
    pub fn handle<'m>(
        &mut self,
        now: Instant,
        bytes: &'m [u8],
        out: &mut Outbox,
        mut events: impl FnMut(ClientEvent<'m>),
    ) {
        match frame::decode(bytes, &self.config.limits) {
            Ok(Text::Message(message, _)) => self.message(now, message, out, &mut events),
            Ok(Text::Batch(batch)) if legacy::has_batches(&self.agreed.version) => {
                for (message, _) in batch {
                    match message {
                        Ok(message) => self.message(now, message, out, &mut events),
                        Err(noise) => events(ClientEvent::Noise(noise)),
                    }
                }
            }
            Ok(Text::Batch(_)) => events(noise("only MCP 2025-03-26 has batches")),
            Err(invalid) => {
                // A response that cannot be read is one all the same: nobody waits for another.
                let answered =
                    invalid.id.as_ref().filter(|_| !invalid.answerable && !self.rejected);
                if let Some((call, ())) = answered.and_then(|id| self.calls.answered(id)) {
                    let problem = invalid.error.message.to_string();
                    events(ClientEvent::InvalidResult { call, problem });
                }
                events(ClientEvent::Noise(invalid));
            }
        }
    }

    /// A message that was longer than [`Limits::line_bytes`](crate::Limits::line_bytes) was
    /// skipped; if it answered a call, that call runs into its time limit.
    pub fn too_long(&self) -> InvalidMessage {
        frame::too_long(&self.config.limits)
    }

    /// Takes out every call: the connection is gone.
    pub fn take_calls(&mut self) -> Vec<CallId> {
        self.calls.clear().into_iter().map(|(call, ())| call).collect()
    }

    fn message<'m>(
        &mut self,
        now: Instant,
        message: Message<'m>,
        out: &mut Outbox,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
        if self.rejected {
            return;
        }
        match message {
            Message::Response(response) => self.response(response, events),
            Message::Notification(notification) => match &*notification.method {
                "notifications/progress" => self.progress(now, notification.params, events),
                _ => {
                    // A method name with escapes is none that the protocol has.
                    if let std::borrow::Cow::Borrowed(method) = notification.method {
                        let params = notification.params.unwrap_or_default();
                        events(ClientEvent::Notification { method, params });
                    }
                }
            },
            Message::Request(request) => self.request_of_server(&request, out, events),
        }
    }

    fn response<'m>(&mut self, response: Response<'m>, events: &mut impl FnMut(ClientEvent<'m>)) {
        let Some(id) = response.id else {
            let said = match response.outcome {
                Err(error) => format!("the server could not read a message of ours: {error}"),
                Ok(_) => "a response without id".to_owned(),
            };
            return events(noise(said));
        };
        // The answer to a call that was cancelled meanwhile is left alone.
        let Some((call, ())) = self.calls.answered(&id) else { return };
        let outcome = match response.outcome {
            Ok(result) if self.agreed.era == Era::Modern => match self.check(result, events) {
                Checked::Valid => Ok(result),
                Checked::Invalid(problem) => {
                    return events(ClientEvent::InvalidResult { call, problem });
                }
                Checked::Rejected(rejection) => return self.reject(rejection, events),
            },
            Err(error)
                if error.code == ErrorCode::PROFILES_NOT_AGREED
                    && self.config.policy.has_requirements() =>
            {
                let data = error.data.as_deref();
                let rejection = self.config.policy.refused(&self.requested, data);
                return self.reject(rejection, events);
            }
            outcome => outcome,
        };
        events(ClientEvent::Response { call, outcome });
    }

    /// Checks what a modern result says about itself, before anybody sees it.
    fn check<'m>(
        &mut self,
        result: &'m RawValue,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) -> Checked {
        let members = match Members::read(Some(result)) {
            Ok(members) => members,
            Err(problem) => return self.unreadable(problem.to_string()),
        };
        // The answer about profiles first: nothing else about a result excuses a missing one.
        match self.check_profiles(&members, events) {
            Checked::Valid => {}
            failed => return failed,
        }
        match members.string("resultType") {
            Ok(None) => Checked::Valid,
            Ok(Some(kind)) if kind == COMPLETE => Checked::Valid,
            Ok(Some(kind)) => Checked::Invalid(format!("unknown `resultType` {:?}", shown(&kind))),
            Err(problem) => Checked::Invalid(problem.to_string()),
        }
    }

    fn check_profiles<'m>(
        &mut self,
        members: &Members<'_>,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) -> Checked {
        if !self.config.policy.is_aware() {
            return Checked::Valid;
        }
        let meta = match Members::read(members.raw("_meta")) {
            Ok(meta) => meta,
            Err(problem) => return self.unreadable(format!("`_meta`: {problem}")),
        };
        let answer = Answer::from_meta(meta.raw(profile::EXTENSION));
        let scope = members.string("cacheScope");
        if !answer.is_absent() && scope.is_ok_and(|scope| scope.is_some_and(|s| s == "public")) {
            return Checked::Rejected(self.rejection(RejectionKind::PublicAnswer, &answer));
        }
        match self.config.policy.check_answer(&self.requested, &answer, &self.agreed.offer) {
            Ok(profiles) => {
                if !answer.is_absent() && !profiles.same_set(&self.agreed.profiles) {
                    self.agreed.profiles = profiles.clone();
                    events(ClientEvent::ProfilesChanged(profiles));
                }
                Checked::Valid
            }
            Err(rejection) => Checked::Rejected(rejection),
        }
    }

    /// What a result is that cannot be read as far as its answer about profiles: with requirements
    /// it is one without them.
    fn unreadable(&self, problem: String) -> Checked {
        match self.config.policy.has_requirements() {
            true => {
                let kind = RejectionKind::Malformed(problem);
                Checked::Rejected(self.rejection(kind, &Answer::default()))
            }
            false => Checked::Invalid(problem),
        }
    }

    fn rejection(&self, kind: RejectionKind, answer: &Answer) -> Rejection {
        self.config.policy.rejection(kind, &self.requested, answer, &self.agreed.offer)
    }

    fn reject<'m>(&mut self, rejection: Rejection, events: &mut impl FnMut(ClientEvent<'m>)) {
        self.rejected = true;
        let server = self.agreed.server.server_info.as_ref();
        let rejection = described(rejection, server, Some(self.agreed.version.clone()));
        events(ClientEvent::Rejected(Box::new(rejection)));
    }

    fn progress<'m>(
        &mut self,
        now: Instant,
        params: Option<Members<'m>>,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
        let progress: ProgressNotificationParams = match params.unwrap_or_default().decode_all() {
            Ok(progress) => progress,
            Err(problem) => return events(noise(format!("malformed progress: {problem}"))),
        };
        // Progress of a call that is over comes too late to matter.
        if let ProgressToken::Integer(id) = progress.progress_token
            && let Some((call, ())) = self.calls.heard_of(id, now)
        {
            events(ClientEvent::Progress { call, progress });
        }
    }

    fn request_of_server<'m>(
        &self,
        request: &Request<'m>,
        out: &mut Outbox,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
        // 2026-07-28, basic/transports/stdio: servers write no requests, clients no responses.
        if self.agreed.era == Era::Modern {
            let said = format!("a server must not send requests: {}", shown(&request.method));
            return events(noise(said));
        }
        out.message(Route::Connection, |out| {
            if request.method == Method::Ping.as_str() {
                jsonrpc::write_empty(out, &request.id);
            } else {
                let error = ErrorObject::method_not_found(&request.method);
                jsonrpc::write_error(out, Some(&request.id), &error);
            }
        });
    }
}

enum Checked {
    Valid,
    Invalid(String),
    Rejected(Rejection),
}

fn noise<'m>(said: impl Into<std::borrow::Cow<'static, str>>) -> ClientEvent<'m> {
    ClientEvent::Noise(InvalidMessage {
        id: None,
        error: ErrorObject::invalid_request(said),
        answerable: false,
    })
}

fn send_cancelled(id: i64, reason: Option<&str>, out: &mut Outbox) {
    let mut params = CancelledNotificationParams::new(RequestId::Integer(id));
    params.reason = reason.map(str::to_owned);
    let written = out.message(Route::Connection, |out| {
        jsonrpc::write_notification(out, "notifications/cancelled", Some(&params))
    });
    written.expect("cancellation parameters are an object of JSON");
}
