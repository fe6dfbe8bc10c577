//! The server's half: one legacy session, and modern requests that are decided one by one.
//!
//! ```text
//! AwaitingInitialize ──initialize──▶ Initializing ──policy, decision──▶ Established ──▶ Closed
//!                                        └────────────────────────────▶ Rejected ─────▶ Closed
//! each modern request: policy, decision ──▶ run, or an error; independent of the states above,
//! but nothing is served after Rejected
//! ```
//!
//! The machine does not know any handler. It answers what the protocol itself answers (`ping`,
//! `initialize`, `server/discover`, everything invalid) and hands the rest out as
//! [`ServerEvent::Call`], with what is in force for it.

mod ask;
mod batch;
mod config;
mod described;
mod event;
mod initialize;
mod modern;
mod notify;
mod record;
mod request;
mod subscriptions;

use std::borrow::Cow;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use serde::Serialize;

pub use ask::AskError;
pub use config::ServerConfig;
pub use event::{ClientNotification, ClientRequest, InForce, ServerCall, ServerEvent};
pub use record::{RestoreError, SessionRecord};
pub use subscriptions::Change;

use self::ask::Asked;
use self::batch::Batches;
use self::described::Described;
use self::request::{Admitted, Target, invalid};
use self::subscriptions::Listening;
use super::frame::{self, Decoded, Frame, FrameMessage, Origin, Text};
use crate::jsonrpc::{
    self, ErrorCode, ErrorObject, InvalidMessage, Message, Notification, Request, RequestId,
};
use crate::negotiate::Negotiated;
use crate::outbox::{FrameId, Outbox, Route, one_line};
use crate::pending::{CallId, Incoming, Outgoing};
use crate::principal::{Principal, Tenant};
use crate::profile::{Entitlement, Refusal, RequestedProfiles, ResolvedPolicy};
use crate::types::{
    CacheHints, CallToolResult, CancelledNotificationParams, InitializeRequestParams, LoggingLevel,
    Meta, ProgressToken,
};
use crate::version::{Era, ProtocolVersion};
use crate::wire::modern::{COMPLETE, PROGRESS_TOKEN, RequestMeta, SERVER_INFO};
use crate::wire::{
    self, EncodeError, Members, MembersOf, Method, ResultFrame, WriteMembers, legacy,
};

/// What one session works out and another need not: how the server names itself, and what a text
/// means with which a caller described itself.
///
/// Nothing in it depends on who calls: equal text means the same from everybody. What was decided
/// about a caller is not in it. It is for transports that have a session for each request.
#[derive(Debug)]
pub struct ServerMemory {
    config: Arc<ServerConfig>,
    server_meta: Arc<[u8]>,
    described: Option<Described>,
}

impl ServerMemory {
    /// Remembers nothing of any caller.
    pub fn new(config: Arc<ServerConfig>) -> Self {
        let server_meta = wire::encode_members([(SERVER_INFO, &config.server_info as _)]).into();
        Self { config, server_meta, described: None }
    }
}

/// The server's half of one connection.
///
/// # Examples
/// The whole driving loop, on bytes that have been read already:
/// ```
/// use std::sync::Arc;
/// use mcp_core::session::server::{ServerConfig, ServerEvent, ServerSession};
/// use mcp_core::types::{CallToolResult, Implementation};
/// use mcp_core::{Outbox, Principal, Tenant};
///
/// let config = Arc::new(ServerConfig::new(Implementation::new("echo", "1.0")));
/// let mut session = ServerSession::new(config, Principal::local(), Tenant::default());
/// let mut outbox = Outbox::default();
/// for line in [
///     r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#,
///     r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo"}}"#,
/// ] {
///     for message in session.read(line.as_bytes(), &mut outbox) {
///         if let Some(ServerEvent::Call(call)) = session.handle(message, &mut outbox) {
///             session.respond(call.id, &CallToolResult::text("…"), None, None, &mut outbox)?;
///         }
///     }
/// }
/// let sent = String::from_utf8(outbox.bytes().to_vec())?;
/// assert!(sent.starts_with(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#));
/// assert!(sent.contains("initialize")); // the second came before any `initialize`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ServerSession {
    config: Arc<ServerConfig>,
    principal: Principal,
    tenant: Tenant,
    /// The frame that was read last.
    frame: FrameId,
    state: ServerState,
    resolution: Resolution,
    held: VecDeque<Held>,
    held_bytes: usize,
    calls: Incoming<CallRow>,
    /// What the client was asked.
    asked: Outgoing<Asked>,
    /// Calls that are streams of changes, some of which may be over.
    streams: Vec<CallId>,
    batches: Batches,
    server_meta: Arc<[u8]>,
    described: Option<Described>,
}

impl ServerSession {
    /// A session with a caller who was identified by other means.
    pub fn new(config: Arc<ServerConfig>, principal: Principal, tenant: Tenant) -> Self {
        Self::with_memory(ServerMemory::new(config), principal, tenant)
    }

    /// [`ServerSession::new`], with what an earlier session has worked out and
    /// [left behind](Self::take_memory).
    pub fn with_memory(memory: ServerMemory, principal: Principal, tenant: Tenant) -> Self {
        let ServerMemory { config, server_meta, described } = memory;
        let resolution = match &config.profiles {
            Some(_) if config.asks_entitlement => Resolution::Unasked,
            Some(policy) => Resolution::Fixed(Some(
                policy.resolve(&Entitlement::all()).authenticated(&principal),
            )),
            None => Resolution::Fixed(None),
        };
        Self {
            config,
            principal,
            tenant,
            frame: FrameId::from_number(0),
            state: ServerState::AwaitingInitialize,
            resolution,
            held: VecDeque::new(),
            held_bytes: 0,
            calls: Incoming::default(),
            asked: Outgoing::starting_at(1),
            streams: Vec::new(),
            batches: Batches::default(),
            server_meta,
            described,
        }
    }

    /// What the next session need not work out again, for a session that is not used any more.
    pub fn take_memory(&mut self) -> ServerMemory {
        let described =
            self.described.take().filter(Described::is_small).map(Described::of_anybody);
        let (config, server_meta) = (Arc::clone(&self.config), Arc::clone(&self.server_meta));
        ServerMemory { config, server_meta, described }
    }

    /// How many calls have not been answered.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Bytes of requests and answers that wait inside the session.
    pub fn waiting_bytes(&self) -> usize {
        self.held_bytes + self.batches.waiting_bytes()
    }

    /// What is in force in the legacy session, once it is established.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        match &self.state {
            ServerState::Established(session) => Some(&session.negotiated),
            _ => None,
        }
    }

    /// Whether requests of the server's own may be sent to a legacy client.
    ///
    /// Only `notifications/initialized` lifts this hold (2025-11-25, basic/lifecycle).
    pub fn may_ask_client(&self) -> bool {
        matches!(&self.state, ServerState::Established(session) if session.initialized)
    }

    /// The frame that a call came in, until it is answered.
    pub fn frame_of(&self, call: CallId) -> Option<FrameId> {
        self.calls.get(call).map(|(_, row)| row.origin.frame)
    }

    /// The caller was authenticated anew: what is known now holds for what comes.
    ///
    /// Whether the caller [may still have](Self::is_still_entitled) what the legacy session began
    /// with is asked first.
    pub fn authenticated(&mut self, principal: &Principal) {
        if *principal != self.principal || principal.is_known_as(&self.principal) {
            return;
        }
        self.principal = principal.clone();
        let anew = |policy: &mut ResolvedPolicy| *policy = policy.clone().authenticated(principal);
        if let Resolution::Fixed(Some(policy)) | Resolution::Known(policy) = &mut self.resolution {
            anew(policy);
        }
        if let ServerState::Established(session) = &mut self.state {
            session.policy.as_mut().map(anew);
            session.negotiated = session.negotiated.with_principal(principal.clone());
        }
    }

    /// Whether a caller who is entitled to this may have what the legacy session began with.
    pub fn is_still_entitled(&self, entitlement: &Entitlement, caller: &Principal) -> bool {
        let (Some(policy), ServerState::Established(session)) =
            (&self.config.profiles, &self.state)
        else {
            return true;
        };
        if !self.config.asks_entitlement && !policy.has_authentication() {
            return true;
        }
        let (profiles, version) = (session.negotiated.profiles(), session.negotiated.version());
        policy.resolve(entitlement).authenticated(caller).renew(profiles, version).is_ok()
    }

    /// Whether nothing is served any more.
    pub fn is_over(&self) -> bool {
        matches!(self.state, ServerState::Rejected | ServerState::Closed)
    }

    /// Ends the session: nothing is served or sent any more.
    pub fn close(&mut self) {
        self.state = ServerState::Closed;
        self.held.clear();
        self.held_bytes = 0;
        self.calls = Incoming::default();
        self.asked = Outgoing::starting_at(1);
        self.streams.clear();
        self.batches = Batches::default();
    }

    /// Decodes the bytes of one frame; what is invalid is answered at once.
    ///
    /// Give each message to [`ServerSession::handle`] before the next frame is read.
    pub fn read<'m>(&mut self, bytes: &'m [u8], out: &mut Outbox) -> Frame<'m> {
        if self.is_over() {
            return Frame::one(self.frame, None);
        }
        let decoded = Decoded::new(bytes, &self.config.limits);
        self.accept(decoded, out)
    }

    /// [`ServerSession::read`] for a frame that has been decoded.
    pub fn accept<'m>(&mut self, decoded: Decoded<'m>, out: &mut Outbox) -> Frame<'m> {
        self.frame = self.frame.next();
        let frame = self.frame;
        if self.is_over() {
            return Frame::one(frame, None);
        }
        match decoded.0 {
            Ok(Text::Message(message, text)) => Frame::one(frame, Some((message, text))),
            Ok(Text::Batch(messages)) => self.read_batch(frame, messages, out),
            Err(invalid) => {
                self.answer_invalid(&invalid, Origin { frame, in_batch: false }, out);
                Frame::one(frame, None)
            }
        }
    }

    /// Answers a message that was longer than [`Limits::line_bytes`](crate::Limits::line_bytes)
    /// and has been skipped.
    pub fn read_too_long(&mut self, out: &mut Outbox) {
        if !self.is_over() {
            self.frame = self.frame.next();
            let origin = Origin { frame: self.frame, in_batch: false };
            self.answer_invalid(&frame::too_long(&self.config.limits), origin, out);
        }
    }

    /// Handles one message.
    pub fn handle<'m>(
        &mut self,
        message: FrameMessage<'m>,
        out: &mut Outbox,
    ) -> Option<ServerEvent<'m>> {
        let FrameMessage { message, text, origin } = message;
        let event = match message {
            _ if self.is_over() => None,
            Message::Request(request) => {
                let id = request.id.clone();
                self.request(request, text, origin, out).unwrap_or_else(|error| {
                    self.answer_error(origin, Some(&id), &error, out);
                    None
                })
            }
            Message::Notification(notification) => self.notification(notification, out),
            Message::Response(response) => self.answered(response),
        };
        self.settle(origin, out);
        event
    }

    /// Takes what the caller is entitled to, the answer to [`ServerEvent::ResolvePolicy`].
    ///
    /// Afterwards handle what [`ServerSession::next_held`] gives, before anything else is read.
    pub fn policy_resolved(
        &mut self,
        entitlement: &Entitlement,
        out: &mut Outbox,
    ) -> Option<ServerEvent<'static>> {
        let policy = self.config.profiles.as_ref()?;
        if !matches!(self.resolution, Resolution::Asked) {
            return None;
        }
        let resolved = policy.resolve(entitlement).authenticated(&self.principal);
        self.end_lost_streams(&resolved, out);
        self.resolution = Resolution::Known(resolved.clone());
        match std::mem::replace(&mut self.state, ServerState::AwaitingInitialize) {
            ServerState::Initializing(initializing) => {
                Some(self.establish(*initializing, Some(resolved), out))
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// The next request that waited for the policy, in the order of arrival.
    pub fn next_held(&mut self) -> Option<Held> {
        if !matches!(self.resolution, Resolution::Known(_)) {
            return None;
        }
        let Some(held) = self.held.pop_front() else {
            self.resolution = Resolution::Unasked;
            return None;
        };
        self.held_bytes -= held.text.len();
        Some(held)
    }

    /// Answers a call with a result; nothing is sent for a call that was cancelled.
    ///
    /// A result that says which profiles are in force is written as private, whatever `cache` says.
    ///
    /// # Errors
    /// The result cannot be written; the caller has been told of an internal error.
    pub fn respond<T: Serialize + ?Sized>(
        &mut self,
        call: CallId,
        result: &T,
        meta: Option<&Meta>,
        cache: Option<CacheHints>,
        out: &mut Outbox,
    ) -> Result<(), EncodeError> {
        self.respond_with(call, COMPLETE, &MembersOf(result), meta, cache, out)
    }

    /// Answers `tools/call`: [`respond`](Self::respond), faster.
    ///
    /// # Errors
    /// As [`respond`](Self::respond).
    pub fn respond_call_tool(
        &mut self,
        call: CallId,
        result: &CallToolResult,
        out: &mut Outbox,
    ) -> Result<(), EncodeError> {
        self.respond_with(call, COMPLETE, result, result.meta.as_ref(), None, out)
    }

    /// Answers a call with an error; nothing is sent for a call that was cancelled.
    pub fn fail(&mut self, call: CallId, error: &ErrorObject, out: &mut Outbox) {
        let Some((id, row)) = self.calls.remove(call) else { return };
        self.withdraw(call, row.origin, out);
        self.answer_error(row.origin, Some(&id), error, out);
        self.settle(row.origin, out);
    }

    /// Answers a call with a result of another type than `complete`, which only the modern era has:
    /// `input_required`, or one that an extension defines.
    ///
    /// # Errors
    /// As [`respond`](Self::respond).
    pub fn respond_as<T: Serialize + ?Sized>(
        &mut self,
        call: CallId,
        result_type: &str,
        result: &T,
        meta: Option<&Meta>,
        out: &mut Outbox,
    ) -> Result<(), EncodeError> {
        self.respond_with(call, result_type, &MembersOf(result), meta, None, out)
    }

    /// Answers a call with a result that says nothing.
    fn respond_empty(&mut self, call: CallId, meta: Option<&Meta>, out: &mut Outbox) {
        let empty = serde_json::Map::new();
        self.respond(call, &empty, meta, None, out).expect("an empty object is an object of JSON");
    }

    fn respond_with(
        &mut self,
        call: CallId,
        result_type: &str,
        result: &impl WriteMembers,
        meta: Option<&Meta>,
        cache: Option<CacheHints>,
        out: &mut Outbox,
    ) -> Result<(), EncodeError> {
        let Some((id, row)) = self.calls.remove(call) else { return Ok(()) };
        self.withdraw(call, row.origin, out);
        let modern = row.own_meta.is_some();
        let frame = ResultFrame {
            result_type: modern.then_some(result_type),
            cache: cache.filter(|_| modern).map(|cache| match row.answers_profiles {
                true => CacheHints::private(cache.ttl_ms),
                false => cache,
            }),
            own_meta: row.own_meta.as_deref().unwrap_or_default(),
            meta,
        };
        let written =
            self.answer(row.origin, None, out, |out| wire::write_result(out, &id, result, &frame));
        if written.is_err() {
            let error = ErrorObject::internal("the result cannot be written as a JSON object");
            self.answer_error(row.origin, Some(&id), &error, out);
        }
        self.settle(row.origin, out);
        written
    }

    fn read_batch<'m>(
        &mut self,
        frame: FrameId,
        messages: legacy::Batch<'m>,
        out: &mut Outbox,
    ) -> Frame<'m> {
        let allowed = match &self.state {
            ServerState::Initializing(initialize) => legacy::has_batches(&initialize.version),
            ServerState::Established(session) => legacy::has_batches(session.negotiated.version()),
            _ => self.config.versions.iter().any(legacy::has_batches),
        };
        if !allowed {
            let error = ErrorObject::invalid_request("only MCP 2025-03-26 has batches");
            let origin = Origin { frame, in_batch: false };
            self.answer_invalid(&InvalidMessage::unreadable(error), origin, out);
            return Frame::one(frame, None);
        }
        self.batches.open(frame);
        let origin = Origin { frame, in_batch: true };
        let mut valid = Vec::with_capacity(messages.len());
        for (message, text) in messages {
            match message {
                Ok(message) => {
                    self.batches.expect(frame);
                    valid.push((message, text));
                }
                Err(invalid) => self.answer_invalid(&invalid, origin, out),
            }
        }
        self.batches.settle(frame, out);
        Frame::batch(frame, valid)
    }

    fn request<'m>(
        &mut self,
        request: Request<'m>,
        text: &'m str,
        origin: Origin,
        out: &mut Outbox,
    ) -> Result<Option<ServerEvent<'m>>, ErrorObject> {
        let Request { id, method, params } = request;
        let params = params.unwrap_or_default();
        // A request that describes itself is modern, and the modern era has no `initialize`.
        if method == Method::Initialize.as_str() && !describes_itself(&params) {
            return self.initialize(&id, &params, origin, out);
        }
        if self.is_in_use(&id) {
            return Err(id_in_use());
        }
        if matches!(self.resolution, Resolution::Asked) {
            if method == Method::Ping.as_str() {
                self.answer_empty(&id, origin, out);
                return Ok(None);
            }
            return self.hold(id, text, origin).map(|()| None);
        }
        match self.ready(&id, &method, params, origin, out) {
            Ok(event) => Ok(event),
            Err(Unready::Error(error)) => Err(error),
            Err(Unready::Policy) => {
                // Asked only once something waits for it: otherwise nobody would give the answer.
                self.hold(id, text, origin)?;
                self.resolution = Resolution::Asked;
                Ok(Some(ServerEvent::ResolvePolicy))
            }
        }
    }

    /// Handles a request that need not wait for others.
    fn ready<'m>(
        &mut self,
        id: &RequestId,
        method: &Cow<'m, str>,
        members: Members<'m>,
        origin: Origin,
        out: &mut Outbox,
    ) -> Result<Option<ServerEvent<'m>>, Unready> {
        let meta = Members::read(members.raw("_meta"))
            .map_err(|error| ErrorObject::invalid_params(format!("`_meta`: {error}")))?;
        let progress = meta
            .decode::<ProgressToken>(PROGRESS_TOKEN)
            .map_err(|error| ErrorObject::invalid_params(format!("`_meta`: {error}")))?;
        let row = CallRow {
            origin,
            progress,
            last_progress: f64::NEG_INFINITY,
            own_meta: None,
            answers_profiles: false,
            log_level: None,
            listening: None,
        };
        if RequestMeta::marks(&meta) {
            return self.modern_request(id, method, members, &meta, row, out);
        }
        match &self.state {
            _ if method == Method::Ping.as_str() && self.config.serves(Era::Legacy) => {
                self.answer_empty(id, origin, out);
                Ok(None)
            }
            ServerState::Established(session) => {
                let (negotiated, policy) = (session.negotiated.clone(), session.policy.clone());
                let method = self.target(method, Era::Legacy)?;
                if let Target::Method(Method::LoggingSetLevel) = method {
                    return self.set_level(id, &members, origin, out);
                }
                let id = id.clone();
                let requested = None;
                self.call(Admitted { id, method, row, negotiated, requested, policy }, members)
            }
            _ => Err(self.not_initialized().into()),
        }
    }

    /// Handles `logging/setLevel`, which concerns the session and no handler.
    fn set_level<'m>(
        &mut self,
        id: &RequestId,
        members: &Members<'m>,
        origin: Origin,
        out: &mut Outbox,
    ) -> Result<Option<ServerEvent<'m>>, Unready> {
        let level = members.decode("level").map_err(invalid)?;
        let level = level.ok_or_else(|| invalid("`level` is missing"))?;
        if let ServerState::Established(session) = &mut self.state {
            session.changes = session.changes.wrapping_add(u32::from(session.log_level != level));
            session.log_level = level;
        }
        self.answer_empty(id, origin, out);
        Ok(None)
    }

    fn notification<'m>(
        &mut self,
        notification: Notification<'m>,
        out: &mut Outbox,
    ) -> Option<ServerEvent<'m>> {
        let Notification { method, params } = notification;
        let params = params.unwrap_or_default();
        match &*method {
            "notifications/initialized" => {
                self.send_unsent(out);
                None
            }
            "notifications/cancelled" => {
                let params: CancelledNotificationParams<RequestId> = params.decode_all().ok()?;
                self.cancelled(&params.request_id?, out)
            }
            "notifications/roots/list_changed" => match &self.state {
                ServerState::Established(_) => Some(ServerEvent::RootsChanged),
                _ => None,
            },
            _ => {
                let extension = self.config.extension_notifications.get(&*method)?.clone();
                let ServerState::Established(session) = &self.state else { return None };
                let negotiated = session.negotiated.clone();
                negotiated.client_capabilities().extension(&extension)?;
                let notification = ClientNotification { extension, method, params, negotiated };
                Some(ServerEvent::Notification(Box::new(notification)))
            }
        }
    }

    /// Forgets a request: whatever still runs for it, nothing more is sent.
    fn cancelled<'m>(&mut self, id: &RequestId, out: &mut Outbox) -> Option<ServerEvent<'m>> {
        if let Some(place) = self.held.iter().position(|held| held.id == *id) {
            let held = self.held.remove(place)?;
            self.held_bytes -= held.text.len();
            self.settle_cancelled(held.origin, out);
            return None;
        }
        let (call, row) = self.calls.remove_id(id)?;
        self.withdraw(call, row.origin, out);
        self.settle_cancelled(row.origin, out);
        Some(ServerEvent::Cancelled(call))
    }

    /// Whether a request of this id has not been answered, wherever it is.
    fn is_in_use(&self, id: &RequestId) -> bool {
        self.calls.contains_id(id)
            || self.held.iter().any(|held| held.id == *id)
            || matches!(&self.state, ServerState::Initializing(initialize) if initialize.id == *id)
    }

    fn hold(&mut self, id: RequestId, text: &str, origin: Origin) -> Result<(), ErrorObject> {
        let limits = &self.config.limits;
        if self.held.len() + self.calls.len() >= limits.pending_requests
            || self.held_bytes + text.len() > limits.pending_bytes
        {
            return Err(self.too_many());
        }
        self.held_bytes += text.len();
        self.held.push_back(Held { text: text.into(), id, origin });
        if origin.in_batch {
            self.batches.expect(origin.frame);
        }
        Ok(())
    }

    fn answer_empty(&mut self, id: &RequestId, origin: Origin, out: &mut Outbox) {
        self.answer(origin, None, out, |out| jsonrpc::write_empty(out, id));
    }

    fn answer_invalid(&mut self, invalid: &InvalidMessage, origin: Origin, out: &mut Outbox) {
        if invalid.answerable {
            self.answer_error(origin, invalid.id.as_ref(), &invalid.error, out);
        }
    }

    fn answer_error(
        &mut self,
        origin: Origin,
        id: Option<&RequestId>,
        error: &ErrorObject,
        out: &mut Outbox,
    ) {
        self.answer(origin, Some(error.code), out, |out| jsonrpc::write_error(out, id, error));
    }

    /// Writes an answer: to where the request came from, or beside those of its batch.
    fn answer<T>(
        &mut self,
        origin: Origin,
        error: Option<ErrorCode>,
        out: &mut Outbox,
        write: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> T {
        let Origin { frame, in_batch } = origin;
        match in_batch.then(|| self.batches.answers(frame)).flatten() {
            Some(answers) => {
                let before = answers.len();
                let result = write(answers);
                one_line(&mut answers[before..]);
                result
            }
            None => out.message(Route::Answer { frame, error }, write),
        }
    }

    fn settle(&mut self, origin: Origin, out: &mut Outbox) {
        if origin.in_batch {
            self.batches.settle(origin.frame, out);
        }
    }

    /// As [`settle`](Self::settle), for what will not be answered.
    fn settle_cancelled(&mut self, origin: Origin, out: &mut Outbox) {
        match origin.in_batch {
            true => self.batches.settle(origin.frame, out),
            false => out.end(origin.frame),
        }
    }

    fn too_many(&self) -> ErrorObject {
        let limits = &self.config.limits;
        ErrorObject::internal(format!(
            "too much is in flight: at most {} requests and {} bytes may wait; try again after an answer",
            limits.pending_requests, limits.pending_bytes
        ))
    }

    /// A request that belongs to no session and does not describe itself.
    fn not_initialized(&self) -> ErrorObject {
        match (self.config.serves(Era::Legacy), self.config.serves(Era::Modern)) {
            (true, false) => ErrorObject::invalid_request("send `initialize` first"),
            (legacy, _) => ErrorObject::invalid_params(format!(
                "`_meta` must hold `{}` and `{}`{}",
                wire::modern::PROTOCOL_VERSION,
                wire::modern::CLIENT_CAPABILITIES,
                if legacy { ", or `initialize` must be sent first" } else { "" }
            )),
        }
    }
}

/// A request that waits for a decision.
#[derive(Debug)]
pub struct Held {
    text: Box<str>,
    id: RequestId,
    origin: Origin,
}

impl Held {
    /// The message, to be given to [`ServerSession::handle`].
    ///
    /// # Panics
    /// Never: what is held has been decoded before.
    pub fn message(&self) -> FrameMessage<'_> {
        let message = Message::decode(&self.text).expect("what is held has been decoded before");
        FrameMessage { message, text: &self.text, origin: self.origin }
    }
}

/// Where the legacy session stands.
#[derive(Debug)]
enum ServerState {
    AwaitingInitialize,
    Initializing(Box<Initializing>),
    Established(Established),
    Rejected,
    Closed,
}

/// `initialize` has come, the caller's policy has not.
#[derive(Debug)]
struct Initializing {
    id: RequestId,
    origin: Origin,
    version: ProtocolVersion,
    params: InitializeRequestParams,
    requested: RequestedProfiles,
    /// Whether the client declared the profile extension.
    aware: bool,
}

/// The legacy session is in force.
#[derive(Debug)]
struct Established {
    negotiated: Negotiated,
    policy: Option<ResolvedPolicy>,
    /// `notifications/initialized` lifts the hold on the server's own requests, nothing else.
    initialized: bool,
    /// Requests of ours that wait for it: what was asked, for which call, and the message.
    unsent: Vec<(CallId, CallId, Vec<u8>)>,
    /// Log messages from this level on are sent.
    log_level: LoggingLevel,
    /// The resources whose changes the client wants to hear of.
    subscribed: BTreeSet<Box<str>>,
    /// How often what is [recorded](ServerSession::record) has changed.
    changes: u32,
}

/// What is known of the caller's entitlement.
#[derive(Debug)]
enum Resolution {
    /// The same for everybody: `None` without profiles.
    Fixed(Option<ResolvedPolicy>),
    /// Not asked for.
    Unasked,
    /// Asked for; requests wait.
    Asked,
    /// Known, for the requests that waited for it.
    Known(ResolvedPolicy),
}

/// A call that has not been answered.
#[derive(Debug)]
struct CallRow {
    origin: Origin,
    progress: Option<ProgressToken>,
    last_progress: f64,
    /// What the modern era writes into the result's `_meta`; `None` in the legacy era.
    own_meta: Option<Arc<[u8]>>,
    /// Whether the result says what is in force: then it is for this caller only.
    answers_profiles: bool,
    /// From which level on a modern caller wants log messages.
    log_level: Option<LoggingLevel>,
    /// The stream that it is, for `subscriptions/listen`.
    listening: Option<Box<Listening>>,
}

/// Why a request was not handled.
enum Unready {
    /// It is answered with this error.
    Error(ErrorObject),
    /// The caller's policy must be known first.
    Policy,
}

impl From<ErrorObject> for Unready {
    fn from(error: ErrorObject) -> Self {
        Self::Error(error)
    }
}

fn describes_itself(params: &Members<'_>) -> bool {
    Members::read(params.raw("_meta")).is_ok_and(|meta| RequestMeta::marks(&meta))
}

fn id_in_use() -> ErrorObject {
    let error = "a request with this id is in flight: an id must not be reused before the answer";
    ErrorObject::invalid_request(error)
}

/// The error that tells a client of a refusal.
fn refused(refusal: &Refusal, declared_extension: bool) -> ErrorObject {
    ErrorObject::new(ErrorCode(i64::from(refusal.code())), refusal.message())
        .with_data(&refusal.data(declared_extension))
}
