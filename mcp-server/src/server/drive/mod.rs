//! Driving a session: bytes in, messages handled, handlers run, bytes out.
//!
//! [`Engine`] is what every transport shares. [`Driver`] serves a byte stream with it: one future drives a whole connection. Whatever can be done without waiting is done in one turn:
//! everything that was read is handled, every handler is polled once where it stands, and all
//! answers leave in one write. Only a handler that waits for something costs more than its own
//! future. Nothing is spawned, so dropping the driver leaves nothing behind.
//!
//! It knows no protocol: what a message means, and whether it may be answered, is decided by
//! [`ServerSession`].

mod batch;
mod dispatch;
mod engine;

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use mcp_core::framing::{Line, LineBuffer};
use mcp_core::{Error, Principal, Tenant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

pub(crate) use engine::Engine;

use super::Inner;
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

/// How much is read at a time.
const READ: usize = 8 * 1024;

/// Answers are written before this much of them waits.
const WRITE: usize = 2 * 1024;

/// One connection of a server.
pub(super) struct Driver {
    engine: Engine,
    lines: LineBuffer,
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
        let lines = LineBuffer::with_limit(server.config.limits.line_bytes);
        let mut engine = Engine::new(server, principal, tenant);
        engine.connect();
        Self { engine, lines, input: InputState::Open, unflushed: false }
    }

    /// Serves until the client is done; then everything is dropped.
    pub(super) async fn serve<R, W>(mut self, mut io: Io<R, W>) -> Result<(), Error>
    where
        R: ReadInto,
        W: AsyncWrite + Unpin,
    {
        let mut drain = pin!(None::<Sleep>);
        let served = poll_fn(|cx| self.poll(cx, &mut io, drain.as_mut())).await;
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
        self.engine.register(cx);
        loop {
            let mut moved = self.engine.poll(cx);
            if self.engine.is_over() {
                self.input = InputState::Over;
            }
            moved |= self.handle_lines(cx, &mut io.writer)?;
            self.engine.pass_on();
            moved |= self.poll_write(cx, &mut io.writer)?;
            if self.input == InputState::Handled {
                // The ends of streams have to be written, in another turn.
                moved |= self.engine.end_streams();
                // No answer can come any more.
                moved |= self.engine.stop_hearing();
            }
            if self.input == InputState::Handled && self.engine.is_drained() {
                self.input = InputState::Over;
            }
            if self.input == InputState::Over && self.engine.outbox.is_empty() && !self.unflushed {
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
                drain.set(Some(tokio::time::sleep(self.engine.drain_timeout())));
            }
            if !moved {
                break;
            }
        }
        if let Some(sleep) = drain.as_mut().as_pin_mut()
            && sleep.poll(cx).is_ready()
        {
            let calls = self.engine.calls();
            let unwritten = self.engine.outbox.len();
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
        self.engine.waiting_bytes() > self.engine.pending_bytes()
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
                Some(Line::TooLong { .. }) => self.engine.read_too_long(),
                Some(Line::Complete(bytes)) => self.engine.read(cx, bytes),
            }
            moved = true;
            if self.engine.is_over() {
                self.input = InputState::Over;
            }
            if self.engine.outbox.len() >= WRITE {
                self.engine.pass_on();
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

    /// Writes as much as can be written without waiting.
    fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> io::Result<bool> {
        let mut moved = false;
        let outbox = &mut self.engine.outbox;
        while !outbox.is_empty() {
            match Pin::new(&mut *writer).poll_write(cx, outbox.bytes())? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => {
                    outbox.consume(written);
                    moved = true;
                }
                Poll::Pending => break,
            }
            self.unflushed = true;
        }
        // A writer may have a buffer of its own.
        outbox.forget_routes();
        if self.unflushed && outbox.is_empty() {
            self.unflushed = Pin::new(writer).poll_flush(cx)?.is_pending();
        }
        Ok(moved)
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
