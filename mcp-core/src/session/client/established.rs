//! The state in which calls are made.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use serde_json::value::RawValue;

use super::ClientConfig;
use super::event::{ClientEvent, noise};
use super::handshake::described;
use crate::jsonrpc::{
    self, ErrorCode, InvalidMessage, Message, Notification, RequestId, Response, shown,
};
use crate::negotiate::ServerFacts;
use crate::outbox::{Outbox, Route};
use crate::pending::{CallId, Incoming, Outgoing, Timeouts};
use crate::profile::{
    self, Answer, Declaration, NegotiatedProfiles, Offer, Reason, Rejection, RejectionKind,
    RequestedProfiles,
};
use crate::session::frame::{self, Text};
use crate::types::{
    CancelledNotificationParams, LoggingLevel, Meta, ProgressNotificationParams, ProgressToken,
};
use crate::version::{Era, ProtocolVersion};
use crate::wire::modern::{self, OwnMeta};
use crate::wire::{EncodeError, Members, legacy};

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

/// How a request is made, besides its method and parameters.
#[derive(Debug, Clone, Copy)]
pub struct RequestOptions<'a> {
    /// How long the answer may take.
    pub timeouts: Timeouts,
    /// The least grave log messages to hear of while it runs; written in the modern era only, where
    /// the level is a matter of the request (2026-07-28, server/utilities/logging).
    pub log_level: Option<LoggingLevel>,
    /// What else stands in `_meta`, for instance [`traceparent`](modern::TRACEPARENT); keys that
    /// the library writes are left out.
    pub meta: Option<&'a Meta>,
}

impl From<Timeouts> for RequestOptions<'_> {
    fn from(timeouts: Timeouts) -> Self {
        Self { timeouts, log_level: None, meta: None }
    }
}

/// The session in which calls are made: the required profiles are confirmed.
#[derive(Debug)]
pub struct Established {
    pub(super) config: Arc<ClientConfig>,
    pub(super) agreed: Agreed,
    /// What every modern request asks for: exactly what was confirmed.
    requested: RequestedProfiles,
    /// Members of every modern request's `_meta`, encoded.
    encoded_meta: Box<[u8]>,
    pub(super) calls: Outgoing<Purpose>,
    /// Requests of the server, each with its length, and how long they are together.
    pub(super) asked: Incoming<usize>,
    pub(super) asked_bytes: usize,
    pub(super) rejected: bool,
}

/// What a request is for, as far as it decides what may come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Its result is final.
    Plain,
    /// The server may ask for input instead of answering it.
    MayAsk,
    /// It opens a subscription.
    Listen { acknowledged: bool },
}

impl Purpose {
    fn of(method: &str, era: Era) -> Self {
        match method {
            // 2026-07-28, basic/patterns/mrtr, "Supported Requests".
            "tools/call" | "prompts/get" | "resources/read" => Self::MayAsk,
            "subscriptions/listen" if era == Era::Modern => Self::Listen { acknowledged: false },
            _ => Self::Plain,
        }
    }
}

impl Established {
    pub(super) fn new(
        config: Arc<ClientConfig>,
        next_id: i64,
        agreed: Agreed,
        requested: RequestedProfiles,
        encoded_meta: Box<[u8]>,
    ) -> Self {
        Self {
            config,
            agreed,
            requested,
            encoded_meta,
            calls: Outgoing::starting_at(next_id),
            asked: Incoming::default(),
            asked_bytes: 0,
            rejected: false,
        }
    }

    /// What client and server agreed on.
    pub fn agreed(&self) -> &Agreed {
        &self.agreed
    }

    /// What every modern request asks for: exactly what was confirmed.
    pub fn requested(&self) -> &RequestedProfiles {
        &self.requested
    }

    /// How many calls wait for an answer.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Writes a request.
    ///
    /// `params` must serialise as an object; `_meta` is added by the library. The time limits of
    /// `subscriptions/listen` count until it is acknowledged.
    ///
    /// # Errors
    /// `params` cannot be written, or a required profile was lost; nothing was written.
    pub fn request<'o, P: Serialize + ?Sized>(
        &mut self,
        now: Instant,
        method: &str,
        params: &P,
        options: impl Into<RequestOptions<'o>>,
        out: &mut Outbox,
    ) -> Result<CallId, EncodeError> {
        if self.rejected {
            return Err(EncodeError::Rejected);
        }
        let RequestOptions { timeouts, log_level, meta } = options.into();
        let id = self.calls.next_id();
        let era = self.agreed.era;
        let own = OwnMeta {
            progress_token: Some(id),
            log_level: log_level.filter(|_| era == Era::Modern),
            more: meta,
        };
        let encoded = &self.encoded_meta;
        out.message(Route::Connection, |out| {
            let start = out.len();
            jsonrpc::open_request(out, &RequestId::Integer(id), method);
            let written = modern::open_params(out, encoded, &own).close_with(params);
            match written {
                Ok(()) => jsonrpc::close(out),
                Err(_) => out.truncate(start),
            }
            written
        })?;
        Ok(self.calls.insert(now, timeouts, Purpose::of(method, era)))
    }

    /// Writes a notification.
    ///
    /// # Errors
    /// `params` cannot be written, or a required profile was lost; nothing was written.
    pub fn notify<P: Serialize + ?Sized>(
        &mut self,
        method: &str,
        params: Option<&P>,
        out: &mut Outbox,
    ) -> Result<(), EncodeError> {
        if self.rejected {
            return Err(EncodeError::Rejected);
        }
        out.message(Route::Connection, |out| {
            let start = out.len();
            jsonrpc::write_notification(out, method, params).inspect_err(|_| out.truncate(start))
        })?;
        Ok(())
    }

    /// Forgets a call and tells the server to stop; nothing is said about a call that is over, nor
    /// after [`ClientEvent::Rejected`].
    pub fn cancel(&mut self, call: CallId, reason: Option<&str>, out: &mut Outbox) {
        let abandoned = self.calls.abandon(call).filter(|_| !self.rejected);
        if let Some((id, _)) = abandoned {
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
        while let Some((call, id, kind, _)) = self.calls.expire(now) {
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
            Ok(Text::Message(message, text)) => {
                self.message(now, message, text.len(), out, &mut events);
            }
            Ok(Text::Batch(batch)) if legacy::has_batches(&self.agreed.version) => {
                for (message, text) in batch {
                    match message {
                        Ok(message) => {
                            self.message(now, message, text.len(), out, &mut events);
                        }
                        Err(invalid) => self.unreadable_message(invalid, &mut events),
                    }
                }
            }
            Ok(Text::Batch(_)) => events(noise("only MCP 2025-03-26 has batches")),
            Err(invalid) => self.unreadable_message(invalid, &mut events),
        }
    }

    /// A message that was longer than [`Limits::line_bytes`](crate::Limits::line_bytes) was
    /// skipped; if it answered a call, that call runs into its time limit.
    pub fn too_long(&self) -> InvalidMessage {
        frame::too_long(&self.config.limits)
    }

    /// Takes out every call, and forgets what the server asked: the connection is gone.
    pub fn take_calls(&mut self) -> Vec<CallId> {
        self.asked.clear();
        self.asked_bytes = 0;
        self.calls.clear().into_iter().map(|(call, _)| call).collect()
    }

    /// A response that cannot be read is one all the same: nobody waits for another.
    fn unreadable_message<'m>(
        &mut self,
        invalid: InvalidMessage,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
        let answered = invalid.id.as_ref().filter(|_| !invalid.answerable && !self.rejected);
        if let Some((call, _)) = answered.and_then(|id| self.calls.answered(id)) {
            let problem = invalid.error.message.to_string();
            events(ClientEvent::InvalidResult { call, problem });
        }
        events(ClientEvent::Noise(invalid));
    }

    fn message<'m>(
        &mut self,
        now: Instant,
        message: Message<'m>,
        bytes: usize,
        out: &mut Outbox,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
        if self.rejected {
            return;
        }
        match message {
            Message::Response(response) => self.response(response, events),
            Message::Notification(Notification { method, params }) => match method {
                Cow::Borrowed("notifications/progress") => self.progress(now, params, events),
                Cow::Borrowed("notifications/cancelled") => self.cancelled(now, params, events),
                Cow::Borrowed(method) => self.notification(method, params, events),
                // A method name with escapes is none that the protocol has.
                Cow::Owned(_) => {}
            },
            Message::Request(request) => {
                self.request_of_server(now, request, bytes, out, events);
            }
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
        let Some((call, purpose)) = self.calls.answered(&id) else { return };
        let outcome = match response.outcome {
            Ok(result) if self.agreed.era == Era::Modern => {
                match self.check(result, purpose, events) {
                    Checked::Complete => Ok(result),
                    Checked::InputRequired => {
                        return events(ClientEvent::InputRequired { call, result });
                    }
                    Checked::Extension(result_type) => {
                        return events(ClientEvent::ExtensionResult { call, result_type, result });
                    }
                    Checked::Invalid(problem) => {
                        return events(ClientEvent::InvalidResult { call, problem });
                    }
                    Checked::Rejected(rejection) => return self.reject(rejection, events),
                }
            }
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
        purpose: Purpose,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) -> Checked<'m> {
        let members = match Members::read(Some(result)) {
            Ok(members) => members,
            Err(problem) => return self.unreadable(problem.to_string()),
        };
        // The answer about profiles first: nothing else about a result excuses a missing one. A
        // subscription gave it when it was acknowledged; its end need not repeat it.
        let answered_before = purpose == (Purpose::Listen { acknowledged: true })
            && Members::read(members.raw("_meta"))
                .is_ok_and(|meta| meta.raw(profile::EXTENSION).is_none());
        if !answered_before {
            match self.check_profiles(&members, events) {
                Checked::Complete => {}
                failed => return failed,
            }
        }
        match members.string("resultType") {
            Ok(None) => Checked::Complete,
            Ok(Some(kind)) if kind == modern::COMPLETE => Checked::Complete,
            Ok(Some(kind)) if kind == modern::INPUT_REQUIRED => match purpose {
                Purpose::MayAsk => Checked::InputRequired,
                _ => Checked::Invalid("this request cannot be answered with a question".to_owned()),
            },
            Ok(Some(kind)) if self.is_of_an_extension(&kind) => Checked::Extension(kind),
            Ok(Some(kind)) => Checked::Invalid(format!("unknown `resultType` {:?}", shown(&kind))),
            Err(problem) => Checked::Invalid(problem.to_string()),
        }
    }

    /// Whether an extension that both sides declared answers with results of this type.
    fn is_of_an_extension(&self, result_type: &str) -> bool {
        self.config.result_types.iter().any(|(extension, known)| {
            known == result_type
                && self.agreed.server.capabilities.extension(extension.as_str()).is_some()
        })
    }

    /// Checks the answer about profiles of a result, or of an acknowledgement.
    pub(super) fn check_profiles<'m>(
        &mut self,
        members: &Members<'_>,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) -> Checked<'m> {
        if !self.config.policy.is_aware() {
            return Checked::Complete;
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
                Checked::Complete
            }
            Err(rejection) => Checked::Rejected(rejection),
        }
    }

    /// What a result is that cannot be read as far as its answer about profiles: with requirements
    /// it is one without them.
    fn unreadable<'m>(&self, problem: String) -> Checked<'m> {
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

    pub(super) fn reject<'m>(
        &mut self,
        rejection: Rejection,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
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
            && let Some((call, _)) = self.calls.heard_of(id, now)
        {
            events(ClientEvent::Progress { call, progress });
        }
    }
}

/// What a result turned out to be.
pub(super) enum Checked<'m> {
    Complete,
    InputRequired,
    Extension(Cow<'m, str>),
    Invalid(String),
    Rejected(Rejection),
}

fn send_cancelled(id: i64, reason: Option<&str>, out: &mut Outbox) {
    let mut params = CancelledNotificationParams::new(RequestId::Integer(id));
    params.reason = reason.map(str::to_owned);
    let written = out.message(Route::Connection, |out| {
        jsonrpc::write_notification(out, "notifications/cancelled", Some(&params))
    });
    written.expect("cancellation parameters are an object of JSON");
}
