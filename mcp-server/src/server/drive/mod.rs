//! The driver: bytes in, messages handled, handlers run, bytes out.
//!
//! One future drives a whole connection. Whatever can be done without waiting is done in one turn:
//! everything that was read is handled, every handler is polled once where it stands, and all
//! answers leave in one write. Only a handler that waits for something costs more than its own
//! future. Nothing is spawned, so dropping the driver leaves nothing behind.
//!
//! It knows no protocol: what a message means, and whether it may be answered, is decided by
//! [`ServerSession`].

mod dispatch;

use std::any::Any;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use futures_util::stream::{FuturesUnordered, Stream as _};
use mcp_core::capability::ClientCapabilities;
use mcp_core::framing::{Line, LineBuffer};
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::{Entitlement, NegotiatedProfiles};
use mcp_core::session::server::{Change, ServerEvent, ServerSession};
use mcp_core::version::{Era, ProtocolVersion};
use mcp_core::{CallId, Error, Negotiated, NegotiatedParts, Outbox, Principal, Tenant};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep};

use super::{Inner, audit};
use crate::call::{Call, CallParts, Callee};
use crate::connection::{Changes, Connection, FromHandler, Question};
use crate::item::CallKind;
use crate::outcome::Outcome;
use crate::transport::stdio::StdioReader;

/// The two directions of a connection.
pub(super) struct Io<R, W> {
    pub(super) reader: R,
    pub(super) writer: W,
}

/// Something that reads straight into spare capacity.
pub(super) trait ReadInto {
    /// Appends what there is to `bytes`; 0 at the end of input.
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>>;
}

impl ReadInto for StdioReader {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        Self::poll_read_into(self, cx, bytes)
    }
}

/// Any other reader.
pub(super) struct Plain<R>(pub(super) R);

impl<R: AsyncRead + Unpin> ReadInto for Plain<R> {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        let mut chunk = [0; READ];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        bytes.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

/// Names what handlers do for no request.
const NO_CALL: CallId = CallId::from_number(u32::MAX);

/// How much is read at a time.
const READ: usize = 8 * 1024;

/// Answers are written before this much of them waits.
const WRITE: usize = 2 * 1024;

/// One connection of a server.
pub(super) struct Driver {
    server: Arc<Inner>,
    session: ServerSession,
    principal: Principal,
    tenant: Tenant,
    lines: LineBuffer,
    outbox: Outbox,
    connection: Arc<Connection>,
    from_handlers: Vec<FromHandler>,
    running: FuturesUnordered<Running>,
    aborts: HashMap<CallId, AbortHandle>,
    resolving: Option<BoxFuture<'static, Entitlement>>,
    /// Who waits for the answer to what the client was asked.
    asked: HashMap<CallId, Reply>,
    input: InputState,
    /// Something was written that may lie in a buffer of the writer.
    unflushed: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum InputState {
    Open,
    /// Nothing more is read; what was read is handled, and what was accepted is finished.
    Draining,
    /// All that was read is handled; what was accepted is finished.
    Handled,
    /// The client does not read any more, or was told that there is no agreement.
    Over,
}

impl Driver {
    pub(super) fn new(server: Arc<Inner>, principal: Principal, tenant: Tenant) -> Self {
        let config = Arc::clone(&server.config);
        let lines = LineBuffer::with_limit(config.limits.line_bytes);
        let connection = Arc::new(Connection::new(Connection::CAPACITY, server.progress_interval));
        server.connected(&connection);
        Self {
            session: ServerSession::new(config, principal.clone(), tenant.clone()),
            server,
            principal,
            tenant,
            lines,
            outbox: Outbox::default(),
            unflushed: false,
            connection,
            from_handlers: Vec::new(),
            running: FuturesUnordered::new(),
            aborts: HashMap::new(),
            resolving: None,
            asked: HashMap::new(),
            input: InputState::Open,
        }
    }

    /// Serves until the client is done; then everything is dropped.
    pub(super) async fn serve<R, W>(mut self, mut io: Io<R, W>) -> Result<(), Error>
    where
        R: ReadInto,
        W: AsyncWrite + Unpin,
    {
        let mut drain = pin!(None::<Sleep>);
        let served = poll_fn(|cx| self.poll(cx, &mut io, drain.as_mut())).await;
        self.connection.close();
        match served {
            Err(error) if is_end(&error) => Ok(()),
            Err(error) => Err(Error::Transport(Box::new(error))),
            Ok(()) => Ok(()),
        }
    }

    /// Takes turns until nothing moves.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Io<R, W>,
        mut drain: Pin<&mut Option<Sleep>>,
    ) -> Poll<io::Result<()>>
    where
        R: ReadInto,
        W: AsyncWrite + Unpin,
    {
        self.connection.register(cx.waker());
        loop {
            let mut moved = self.poll_resolving(cx);
            moved |= self.poll_running(cx);
            self.pass_on();
            moved |= self.handle_lines(cx, &mut io.writer)?;
            self.pass_on();
            moved |= self.poll_write(cx, &mut io.writer)?;
            if self.input == InputState::Handled {
                // The ends of streams have to be written, in another turn.
                let before = self.outbox.len();
                self.session.end_streams(&mut self.outbox);
                moved |= self.outbox.len() > before;
                // No answer can come any more.
                moved |= !self.asked.is_empty();
                self.asked.clear();
            }
            if self.input == InputState::Handled && self.is_drained() {
                self.input = InputState::Over;
            }
            if self.input == InputState::Over && self.outbox.is_empty() && !self.unflushed {
                return Poll::Ready(Ok(()));
            }
            if self.may_read() {
                let bytes = self.lines.spare(READ);
                if let Poll::Ready(read) = io.reader.poll_read_into(cx, bytes)? {
                    moved = true;
                    if read == 0 {
                        self.input = InputState::Draining;
                    }
                }
            }
            if self.input != InputState::Open && drain.is_none() {
                drain.set(Some(tokio::time::sleep(self.server.drain_timeout)));
            }
            if !moved {
                break;
            }
        }
        if let Some(sleep) = drain.as_mut().as_pin_mut()
            && sleep.poll(cx).is_ready()
        {
            let calls = self.session.calls();
            let unwritten = self.outbox.len();
            tracing::warn!(target: "mcp::server", calls, unwritten, "the drain timeout ran out: calls and unwritten bytes are dropped");
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }

    /// Whether more input would be handled now.
    fn may_read(&self) -> bool {
        self.input == InputState::Open && !self.is_backed_up()
    }

    /// Whether the client reads too slowly for more answers to be made.
    fn is_backed_up(&self) -> bool {
        self.outbox.len() + self.session.waiting_bytes() > self.server.config.limits.pending_bytes
    }

    /// Whether the client reads too slowly for more notifications to be made.
    ///
    /// Answers that wait for others of their batch do not count: these may need to notify first.
    fn is_unread(&self) -> bool {
        self.outbox.len() > self.server.config.limits.pending_bytes
    }

    /// Whether all that was accepted has been answered.
    fn is_drained(&self) -> bool {
        self.session.calls() == 0 && self.resolving.is_none()
    }

    /// Handles the messages that have been read.
    fn handle_lines<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> io::Result<bool> {
        let mut moved = false;
        // A line borrows its buffer, everything else is somewhere else.
        let mut lines = std::mem::replace(&mut self.lines, LineBuffer::with_limit(0));
        let result = loop {
            let handles = matches!(self.input, InputState::Open | InputState::Draining);
            if !handles {
                break Ok(moved);
            }
            let line = match self.input {
                InputState::Draining => lines.finish(),
                _ => lines.next_line(),
            };
            match line {
                None => {
                    if self.input == InputState::Draining {
                        self.input = InputState::Handled;
                    }
                    break Ok(moved);
                }
                Some(Line::TooLong { .. }) => self.session.read_too_long(&mut self.outbox),
                Some(Line::Complete(bytes)) => self.handle_line(cx, bytes),
            }
            moved = true;
            if self.outbox.len() >= WRITE {
                self.pass_on();
                match self.poll_write(cx, writer) {
                    Err(error) => break Err(error),
                    Ok(_) if self.is_backed_up() => break Ok(false),
                    Ok(_) => {}
                }
            }
        };
        self.lines = lines;
        result
    }

    fn handle_line(&mut self, cx: &mut Context<'_>, bytes: &[u8]) {
        for message in self.session.read(bytes, &mut self.outbox) {
            let event = self.session.handle(message, &mut self.outbox);
            if let Some(event) = event {
                self.act(cx, event);
            }
        }
    }

    fn act(&mut self, cx: &mut Context<'_>, event: ServerEvent<'_>) {
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
            ServerEvent::Rejected(rejection) => {
                audit::refused(&rejection, &self.principal, &self.tenant);
                self.input = InputState::Over;
                // Modern calls that still run have been answered: nobody waits for them.
                self.running = FuturesUnordered::new();
                self.aborts.clear();
            }
            ServerEvent::Refused(rejection) => {
                audit::refused(&rejection, &self.principal, &self.tenant);
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

    /// Passes on what handlers have said meanwhile.
    fn pass_on(&mut self) {
        // A client that does not read is told no more of progress: handlers wait, or skip it.
        if !self.is_unread() {
            self.connection.drain(&mut self.from_handlers);
            self.tell();
            if let Some((questions, changes)) = self.connection.take_more() {
                questions.into_iter().for_each(|question| self.ask(question));
                self.tell_changes(&changes);
            }
        }
    }

    /// Passes on what is left of a call that is about to be answered: afterwards it is too late.
    fn pass_on_last_of(&mut self, call: CallId) {
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
            }
        }
    }

    /// Sends a request of a handler to the client.
    fn ask(&mut self, question: Question) {
        let Question { call, method, params, reply } = question;
        if !matches!(self.input, InputState::Open | InputState::Draining) {
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

    /// Writes as much as can be written without waiting.
    fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> io::Result<bool> {
        let mut moved = false;
        while !self.outbox.is_empty() {
            match Pin::new(&mut *writer).poll_write(cx, self.outbox.bytes())? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    self.outbox.consume(written);
                    moved = true;
                }
                Poll::Pending => break,
            }
            self.unflushed = true;
        }
        // A writer may have a buffer of its own.
        if self.unflushed && self.outbox.is_empty() {
            self.unflushed = Pin::new(writer).poll_flush(cx)?.is_pending();
        }
        Ok(moved)
    }
}

/// A call whose handler waits for something.
type Running = Abortable<RunningCall>;

/// Where the answer to what the client was asked goes.
type Reply = oneshot::Sender<Result<Box<RawValue>, ErrorObject>>;

/// Which call it is, as far as its answer depends on it.
#[derive(Debug, Clone, Copy)]
struct CallOf {
    id: CallId,
    era: Era,
    kind: CallKind,
    /// Whether the result may differ between callers.
    is_private: bool,
}

struct RunningCall {
    call: CallOf,
    future: BoxFuture<'static, Outcome>,
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

/// Whether the client is simply gone.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::UnexpectedEof
    )
}
