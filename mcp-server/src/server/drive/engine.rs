//! The part of a driver that every transport shares: messages handled, handlers run.
//!
//! It does not know where messages come from and where answers go: what is to be sent lies in its
//! outbox, with the frame that each message belongs to.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::{FuturesUnordered, Stream as _};
use mcp_core::capability::ClientCapabilities;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::{Entitlement, NegotiatedProfiles, ProfilePolicy};
use mcp_core::session::Frame;
use mcp_core::session::server::{Change, ServerEvent, ServerMemory, ServerSession};
#[cfg(feature = "http")]
use mcp_core::session::{
    Decoded,
    server::{RestoreError, SessionRecord},
};
use mcp_core::version::{Era, ProtocolVersion};
use mcp_core::{CallId, FrameId, Negotiated, NegotiatedParts, Outbox, Principal, Tenant};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::call::{Call, CallParts, Callee};
use crate::connection::{Changes, Connection, FromHandler, Question};
use crate::item::CallKind;
use crate::outcome::Outcome;
#[cfg(feature = "http")]
use crate::requires::Scopes;
use crate::server::{Inner, audit};

/// Names what handlers do for no request.
pub(super) const NO_CALL: CallId = CallId::from_number(u32::MAX);

/// The session of one caller, and the handlers that run for it.
pub(crate) struct Engine {
    pub(super) server: Arc<Inner>,
    pub(super) session: ServerSession,
    principal: Principal,
    tenant: Tenant,
    /// What waits to be sent.
    pub(crate) outbox: Outbox,
    pub(super) connection: Arc<Connection>,
    from_handlers: Vec<FromHandler>,
    pub(super) running: FuturesUnordered<Running>,
    pub(super) aborts: HashMap<CallId, AbortHandle>,
    resolving: Option<BoxFuture<'static, Entitlement>>,
    /// Who waits for the answer to what the client was asked.
    asked: HashMap<CallId, Reply>,
    /// Whether changes are told to this connection.
    connected: bool,
    /// The frames whose senders are let go for some time.
    leaving: Vec<(FrameId, Duration)>,
    /// Whether changes are told now; else they wait.
    tells_changes: bool,
    /// Whether the client can still answer what it is asked.
    hears: bool,
    /// What is wrong with the headers of a call, told to whoever has the tool that is called: to
    /// anybody else it would say that there is one.
    #[cfg(feature = "http")]
    pub(crate) header_mismatch: Option<Box<ErrorObject>>,
    /// The scopes for want of which a call was refused that came last.
    #[cfg(feature = "http")]
    pub(crate) lacking: Option<Scopes>,
}

impl Engine {
    pub(crate) fn new(server: Arc<Inner>, principal: Principal, tenant: Tenant) -> Self {
        let memory = ServerMemory::new(Arc::clone(&server.config));
        Self::with_memory(server, memory, principal, tenant)
    }

    /// [`Engine::new`], with what an engine of the same server has left behind.
    pub(crate) fn with_memory(
        server: Arc<Inner>,
        memory: ServerMemory,
        principal: Principal,
        tenant: Tenant,
    ) -> Self {
        let session = ServerSession::with_memory(memory, principal.clone(), tenant.clone());
        let connection = Arc::new(Connection::new(Connection::CAPACITY, server.progress_interval));
        Self {
            server,
            session,
            principal,
            tenant,
            outbox: Outbox::default(),
            connection,
            from_handlers: Vec::new(),
            running: FuturesUnordered::new(),
            aborts: HashMap::new(),
            resolving: None,
            asked: HashMap::new(),
            connected: false,
            leaving: Vec::new(),
            tells_changes: true,
            hears: true,
            #[cfg(feature = "http")]
            header_mismatch: None,
            #[cfg(feature = "http")]
            lacking: None,
        }
    }

    /// What the next engine need not work out again, for one that is not used any more.
    #[cfg(feature = "http")]
    pub(crate) fn take_memory(&mut self) -> ServerMemory {
        self.session.take_memory()
    }

    /// Has changes told to this connection from now on.
    pub(crate) fn connect(&mut self) {
        if !std::mem::replace(&mut self.connected, true) {
            self.server.connected(&self.connection);
        }
    }

    /// Whether nothing is served any more.
    pub(crate) fn is_over(&self) -> bool {
        self.session.is_over()
    }

    /// How many calls have not been answered.
    pub(crate) fn calls(&self) -> usize {
        self.session.calls()
    }

    pub(crate) fn drain_timeout(&self) -> Duration {
        self.server.drain_timeout
    }

    /// The most bytes that may wait to be sent before nothing more is read.
    pub(crate) fn pending_bytes(&self) -> usize {
        self.server.config.limits.pending_bytes
    }

    /// Lets changes wait, or tells them.
    #[cfg(feature = "http")]
    pub(crate) fn tells_changes(&mut self, tells: bool) {
        self.tells_changes = tells;
    }

    /// The version of the legacy session, once it is established.
    #[cfg(feature = "http")]
    pub(crate) fn version(&self) -> Option<&ProtocolVersion> {
        self.session.negotiated().map(Negotiated::version)
    }

    /// Whether there is something that goes on by itself.
    #[cfg(feature = "http")]
    pub(crate) fn is_running(&self) -> bool {
        self.resolving.is_some() || !self.running.is_empty()
    }

    /// Whether it is not known yet what the caller is entitled to, so that nothing runs.
    #[cfg(feature = "http")]
    pub(crate) fn is_resolving(&self) -> bool {
        self.resolving.is_some()
    }

    /// The frames whose senders handlers let go, and after how long they should come back.
    #[cfg(feature = "http")]
    pub(crate) fn take_leaving(&mut self) -> Vec<(FrameId, Duration)> {
        std::mem::take(&mut self.leaving)
    }

    /// Looks whether the caller may still hear what open streams tell.
    #[cfg(feature = "http")]
    pub(crate) fn recheck(&mut self, cx: &mut Context<'_>) {
        if self.session.recheck() {
            self.act(cx, ServerEvent::ResolvePolicy);
        }
    }

    /// Asks what a caller is entitled to, where that is asked.
    #[cfg(feature = "http")]
    pub(crate) fn entitlement_of(
        &mut self,
        caller: &Principal,
    ) -> Option<BoxFuture<'static, Entitlement>> {
        self.server.config.asks_entitlement.then(|| {
            self.principal.clone_from(caller);
            self.entitlement()
        })
    }

    /// Takes up a legacy session that another process recorded.
    #[cfg(feature = "http")]
    pub(crate) fn restore(
        &mut self,
        record: &SessionRecord,
        entitlement: &Entitlement,
    ) -> Result<(), RestoreError> {
        let config = Arc::clone(&self.server.config);
        let (principal, tenant) = (self.principal.clone(), self.tenant.clone());
        self.session = ServerSession::restore(config, principal, tenant, record, entitlement)?;
        Ok(())
    }

    /// What another process needs to go on with the legacy session, and a count of its changes.
    #[cfg(feature = "http")]
    pub(crate) fn record(&self) -> Option<(SessionRecord, u32)> {
        Some((self.session.record()?, self.session.changes()))
    }

    /// How often what [`record`](Self::record) says has changed.
    #[cfg(feature = "http")]
    pub(crate) fn changes(&self) -> u32 {
        self.session.changes()
    }

    /// Takes over what another process has changed in the session.
    #[cfg(feature = "http")]
    pub(crate) fn catch_up(&mut self, record: &SessionRecord) {
        self.session.catch_up(record, &mut self.outbox);
    }

    /// Whether the caller may still have what the session began with.
    #[cfg(feature = "http")]
    pub(crate) fn is_still_entitled(&self, entitlement: &Entitlement, caller: &Principal) -> bool {
        self.session.is_still_entitled(entitlement, caller)
    }

    /// Who calls, as it is known since the latest request.
    #[cfg(feature = "http")]
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Takes over what is known of the caller since a later request.
    #[cfg(feature = "http")]
    pub(crate) fn authenticated(&mut self, caller: &Principal) {
        self.principal.clone_from(caller);
        self.session.authenticated(caller);
    }

    /// Ends everything: nothing runs any more, nothing is sent.
    #[cfg(feature = "http")]
    pub(crate) fn end(&mut self) {
        self.session.close();
        self.running = FuturesUnordered::new();
        self.aborts.clear();
        self.resolving = None;
        self.asked.clear();
        self.connection.close();
    }

    /// Names the task to wake when a handler has something to say.
    pub(crate) fn register(&self, cx: &Context<'_>) {
        self.connection.register(cx.waker());
    }

    /// Handles the bytes of one frame.
    pub(crate) fn read(&mut self, cx: &mut Context<'_>, bytes: &[u8]) {
        let frame = self.session.read(bytes, &mut self.outbox);
        self.handle(cx, frame);
    }

    /// Handles a frame that has been decoded, and names it.
    #[cfg(feature = "http")]
    pub(crate) fn accept(&mut self, cx: &mut Context<'_>, decoded: Decoded<'_>) -> FrameId {
        let frame = self.session.accept(decoded, &mut self.outbox);
        let id = frame.id();
        self.handle(cx, frame);
        id
    }

    fn handle(&mut self, cx: &mut Context<'_>, frame: Frame<'_>) {
        if frame.is_batch() {
            return self.handle_batch(cx, frame);
        }
        for message in frame {
            let event = self.session.handle(message, &mut self.outbox);
            if let Some(event) = event {
                self.act(cx, event);
            }
        }
    }

    /// Answers a message that was too long to be read.
    pub(crate) fn read_too_long(&mut self) {
        self.session.read_too_long(&mut self.outbox);
    }

    /// Polls what runs and passes on what handlers have said; says whether anything moved.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let moved = self.poll_resolving(cx) | self.poll_running(cx);
        self.pass_on();
        moved
    }

    /// Whether all that was accepted has been answered.
    pub(crate) fn is_drained(&self) -> bool {
        self.session.calls() == 0 && self.resolving.is_none()
    }

    /// Bytes of requests and answers that wait, inside and to be sent.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.outbox.len() + self.session.waiting_bytes()
    }

    /// The client will answer nothing more that it was asked; says whether anybody waited for it.
    pub(crate) fn stop_hearing(&mut self) -> bool {
        self.hears = false;
        let waited = !self.asked.is_empty();
        self.asked.clear();
        waited
    }

    /// Ends all streams of changes; says whether there were any.
    pub(crate) fn end_streams(&mut self) -> bool {
        let before = self.outbox.len();
        self.session.end_streams(&mut self.outbox);
        self.outbox.len() > before
    }

    pub(super) fn act(&mut self, cx: &mut Context<'_>, event: ServerEvent<'_>) {
        match event {
            ServerEvent::Call(call) => self.start(cx, &call),
            ServerEvent::Cancelled(call) => {
                if let Some(abort) = self.aborts.remove(&call) {
                    abort.abort();
                    // The handler is dropped at once: what it held is free for the next message.
                    self.poll_running(cx);
                }
            }
            ServerEvent::ResolvePolicy => {
                self.resolving = Some(self.entitlement());
                self.poll_resolving(cx);
            }
            ServerEvent::Established { negotiated, requested, reasons }
                if self.server.config.profiles.is_some() =>
            {
                audit::agreed(&negotiated, &requested, &reasons);
            }
            ServerEvent::Discovered { version, requested, would_be } => {
                let (caller, tenant) = (&self.principal, &self.tenant);
                audit::discovered(&version, &requested, &would_be, self.policy(), caller, tenant);
            }
            ServerEvent::Rejected(rejection) => {
                audit::refused(&rejection, self.policy(), &self.principal, &self.tenant);
                // Modern calls that still run have been answered: nobody waits for them.
                self.running = FuturesUnordered::new();
                self.aborts.clear();
            }
            ServerEvent::Refused(rejection) => {
                audit::refused(&rejection, self.policy(), &self.principal, &self.tenant);
            }
            ServerEvent::Answered { ask, outcome } => {
                if let Some(reply) = self.asked.remove(&ask) {
                    // Nobody may wait any more: then the answer is not wanted.
                    drop(reply.send(outcome.map(ToOwned::to_owned)));
                }
            }
            ServerEvent::Notification(said) => self.notified(cx, &said),
            _ => {}
        }
    }

    /// Polls the handlers that wait.
    fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Poll::Ready(Some(done)) = Pin::new(&mut self.running).poll_next(cx) {
            moved = true;
            // An aborted call was cancelled: nobody is told.
            let Ok((callee, outcome)) = done else { continue };
            self.aborts.remove(&callee.id);
            self.pass_on_last_of(callee.id);
            match outcome {
                Ok(outcome) => self.conclude(callee, outcome),
                Err(panic) => self.panicked(callee.id, panic.as_ref()),
            }
        }
        moved
    }

    /// Polls the question what the caller is entitled to, and handles what waited for it.
    fn poll_resolving(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(resolving) = &mut self.resolving else { return false };
        let polled = catch_unwind(AssertUnwindSafe(|| resolving.as_mut().poll(cx)));
        let entitlement = match polled {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(entitlement)) => entitlement,
            Err(_) => {
                tracing::error!(target: "mcp::server", "the entitlement function panicked: the caller is entitled to nothing");
                Entitlement::none()
            }
        };
        self.resolving = None;
        if let Some(policy) = &self.server.config.profiles {
            for name in entitlement.undeclared(policy) {
                tracing::warn!(target: audit::TARGET, profile = name, "the entitlement names a profile that is not declared");
            }
        }
        if let Some(event) = self.session.policy_resolved(&entitlement, &mut self.outbox) {
            self.act(cx, event);
        }
        while let Some(held) = self.session.next_held() {
            let event = self.session.handle(held.message(), &mut self.outbox);
            if let Some(event) = event {
                self.act(cx, event);
            }
        }
        true
    }

    fn policy(&self) -> Option<&ProfilePolicy> {
        self.server.config.profiles.as_ref()
    }

    /// Starts to find out what the caller is entitled to.
    fn entitlement(&self) -> BoxFuture<'static, Entitlement> {
        let Some(run) = &self.server.entitlement else {
            return Box::pin(std::future::ready(Entitlement::all()));
        };
        // Nothing is negotiated yet: only who calls is known.
        let negotiated = Negotiated::new(NegotiatedParts {
            version: ProtocolVersion::LATEST,
            era: Era::Modern,
            client_info: None,
            client_capabilities: ClientCapabilities::default(),
            profiles: NegotiatedProfiles::default(),
            principal: self.principal.clone(),
            tenant: self.tenant.clone(),
        });
        let parts = CallParts {
            id: NO_CALL,
            kind: CallKind::Method,
            arguments: None,
            meta: None,
            negotiated: &negotiated,
            wants_progress: false,
            log_level: None,
            connection: &self.connection,
            server: Some(&self.server.me),
            in_force: None,
            earlier: None,
        };
        let callee = Callee { name: "entitlement", arguments: &[] };
        let provided = &self.server.provided;
        catch_unwind(AssertUnwindSafe(|| run(&mut Call::new(callee, provided, parts)))).unwrap_or_else(|_| {
            tracing::error!(target: "mcp::server", "the entitlement function panicked: the caller is entitled to nothing");
            Box::pin(std::future::ready(Entitlement::none()))
        })
    }

    /// Whether the client reads too slowly for more notifications to be made.
    ///
    /// Answers that wait for others of their batch do not count: these may need to notify first.
    fn is_unread(&self) -> bool {
        self.outbox.len() > self.server.config.limits.pending_bytes
    }

    /// Passes on what handlers have said meanwhile.
    pub(crate) fn pass_on(&mut self) {
        // A client that does not read is told no more of progress: handlers wait, or skip it.
        if !self.is_unread() {
            self.connection.drain(&mut self.from_handlers);
            self.tell();
            for question in self.connection.take_questions() {
                self.ask(question);
            }
            if self.tells_changes
                && let Some(changes) = self.connection.take_changes()
            {
                self.tell_changes(&changes);
            }
        }
    }

    /// Passes on what is left of a call that is about to be answered: afterwards it is too late.
    pub(super) fn pass_on_last_of(&mut self, call: CallId) {
        self.pass_on();
        self.connection.drain_call(call, &mut self.from_handlers);
        self.tell();
    }

    fn tell(&mut self) {
        let (session, out) = (&mut self.session, &mut self.outbox);
        for said in self.from_handlers.drain(..) {
            match said {
                FromHandler::Progress { call, progress, total, message } => {
                    session.progress(call, progress, total, message, out);
                }
                FromHandler::Log { call, level, logger, data } => {
                    session.log(call, level, logger.as_deref(), &data.0, out);
                }
                FromHandler::Notify { call, method, params } => {
                    session.notify(call, &method, &params.0, out);
                }
                FromHandler::Leave { call, retry } => {
                    self.leaving.extend(session.frame_of(call).map(|frame| (frame, retry)));
                }
            }
        }
    }

    /// Sends a request of a handler to the client.
    fn ask(&mut self, question: Question) {
        let Question { call, method, params, reply } = question;
        if !self.hears {
            // Whoever waits hears that the client is gone.
            return drop(reply);
        }
        let now = Instant::now().into_std();
        match self.session.ask(now, call, method, params.as_deref(), &mut self.outbox) {
            Ok(ask) => {
                self.asked.retain(|_, reply| !reply.is_closed());
                self.asked.insert(ask, reply);
            }
            Err(error) => drop(reply.send(Err(ErrorObject::internal(error.to_string())))),
        }
    }

    fn tell_changes(&mut self, changes: &Changes) {
        let Changes { tools, prompts, resources, uris, tasks } = changes;
        let lists =
            [(*tools, Change::Tools), (*prompts, Change::Prompts), (*resources, Change::Resources)];
        let lists = lists.into_iter().filter_map(|(changed, list)| changed.then_some(list));
        let resources = uris.iter().map(|uri| Change::Resource(uri));
        let tasks = tasks.values().map(Change::Task);
        for change in lists.chain(resources).chain(tasks) {
            self.session.changed(change, &mut self.outbox);
        }
    }
}

/// A call whose handler waits for something.
pub(super) type Running = Abortable<RunningCall>;

/// Where the answer to what the client was asked goes.
type Reply = oneshot::Sender<Result<Box<RawValue>, ErrorObject>>;

/// Which call it is, as far as its answer depends on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallOf {
    pub(super) id: CallId,
    pub(super) era: Era,
    pub(super) kind: CallKind,
    /// Whether the result may differ between callers.
    pub(super) is_private: bool,
}

pub(super) struct RunningCall {
    pub(super) call: CallOf,
    pub(super) future: BoxFuture<'static, Outcome>,
}

impl Future for RunningCall {
    type Output = (CallOf, Result<Outcome, Box<dyn Any + Send>>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let call = self.call;
        match catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(outcome)) => Poll::Ready((call, Ok(outcome))),
            Err(panic) => Poll::Ready((call, Err(panic))),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // What handlers left behind must not wait for room in a queue that nobody empties.
        self.connection.close();
        if self.connected {
            self.server.disconnected(&self.connection);
        }
    }
}
