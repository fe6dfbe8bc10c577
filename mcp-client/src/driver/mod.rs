//! The task behind one connection: reads, writes and keeps the time.
//!
//! In one turn it handles all lines that have arrived under one lock and writes all that waits at
//! once, so that many calls in flight cost few system calls. It does not know any method; callers
//! decode what concerns them in their own tasks.
//!
//! This is the driver of byte streams; that of HTTP is [`http`].

mod alarm;
#[cfg(feature = "http")]
pub(crate) mod http;

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use mcp_core::Outbox;
use mcp_core::framing::{Line, LineBuffer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep, timeout};

use alarm::Alarm;

use crate::handshake::{READ, now};
use crate::input::asked::Answering;
use crate::shared::{Aftermath, Shared};
use crate::transport::child_process::Ended;
use crate::transport::{Process, Reader, Writer};

/// How the server process ended, once it is known; `None` inside where there is no process.
pub(crate) type End = Option<Option<Ended>>;

/// Drives one connection.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    reader: Reader,
    /// `None` when the server does not read any more.
    writer: Option<Writer>,
    lines: LineBuffer,
    /// What is being written, outside of the lock.
    writing: Outbox,
    unflushed: bool,
    /// The server asks for answers and does not read them: it has to before more is read of it.
    reads: bool,
    alarm: Alarm,
    /// How long answers are read after the server stopped reading.
    last_answers: Option<Pin<Box<Sleep>>>,
    after: Aftermath,
    /// What the server asked, being answered.
    answering: Answering,
    /// Whether other tasks get a turn before what they wrote is sent.
    gathers: bool,
    gathered: bool,
}

/// Why the connection is over.
enum Over {
    /// The server sends nothing more.
    Input(Option<io::Error>),
    /// A required profile was lost: nothing more may be sent.
    Rejected,
    /// Our side asked for it.
    Closing,
}

impl Driver {
    pub(crate) fn new(
        shared: Arc<Shared>,
        reader: Reader,
        writer: Option<Writer>,
        lines: LineBuffer,
        answering: Answering,
    ) -> Self {
        // On one thread a woken driver comes after all tasks that are ready. On several it would
        // come right after the first, and each call would be written alone.
        let gathers = Handle::try_current()
            .is_ok_and(|runtime| runtime.runtime_flavor() != RuntimeFlavor::CurrentThread);
        Self {
            shared,
            reader,
            writer,
            lines,
            writing: Outbox::default(),
            unflushed: true,
            reads: true,
            alarm: Alarm::new(),
            last_answers: None,
            after: Aftermath::default(),
            answering,
            gathers,
            gathered: false,
        }
    }

    /// Runs until the connection is over and the server process has ended.
    pub(crate) async fn run(mut self, process: Process, ended: watch::Sender<End>) {
        let over = poll_fn(|cx| self.poll(cx)).await;
        self.answering.stop();
        match over {
            Over::Input(error) => {
                let why = match error {
                    None => process.why_ended().await,
                    Some(error) => process.with_last_words(format!("reading failed: {error}")),
                };
                tracing::debug!(target: "mcp::client", "connection over: {why}");
                self.shared.fail(&why);
            }
            Over::Rejected => {}
            Over::Closing => {
                // What was written before the end was asked for still arrives.
                drop(timeout(LAST_WRITE, self.write_rest()).await);
            }
        }
        // The server must not wait for us to read or to write.
        drop(self);
        let how = process.end().await;
        ended.send_replace(Some(how));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        let now = now();
        // Lines that came together with the end of the handshake.
        if self.handle_lines(now, false) {
            return Poll::Ready(Over::Rejected);
        }
        for _ in 0..ROUNDS {
            let mut busy = false;
            match self.poll_read(cx) {
                Poll::Ready(Ok(0)) => {
                    let rejected = self.handle_lines(now, true);
                    let over = if rejected { Over::Rejected } else { Over::Input(None) };
                    return Poll::Ready(over);
                }
                Poll::Ready(Ok(_)) => {
                    if self.handle_lines(now, false) {
                        return Poll::Ready(Over::Rejected);
                    }
                    busy = true;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Over::Input(Some(error))),
                Poll::Pending => {}
            }
            busy |= self.poll_deadline(cx) | self.poll_answers(cx);
            if self.take_out(cx) {
                return Poll::Ready(Over::Closing);
            }
            if self.gathers && !busy && !self.writing.is_empty() && !self.gathered {
                self.gathered = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.gathered = false;
            let writes = !self.writing.is_empty() || self.unflushed;
            match self.poll_write(cx) {
                Poll::Ready(Ok(())) => busy |= writes,
                Poll::Ready(Err(error)) => {
                    tracing::debug!(target: "mcp::client", %error, "the server does not read");
                    self.writer = None;
                    self.last_answers = Some(Box::pin(sleep(LAST_ANSWERS)));
                    busy = true;
                }
                Poll::Pending => {}
            }
            if let Some(limit) = &mut self.last_answers
                && limit.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(Over::Input(None));
            }
            if !busy {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads what there is, unless the server does not read what we answer.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.reads {
            return Poll::Pending;
        }
        pin!(self.reader.read_buf(self.lines.spare(READ))).poll(cx)
    }

    /// Handles the lines that have arrived; true when a required profile was lost.
    fn handle_lines(&mut self, now: Instant, last: bool) -> bool {
        let Self { shared, lines, after, answering, .. } = self;
        let Some(mut line) = next(lines, last) else { return false };
        let mut state = shared.lock();
        let was_over = state.is_over();
        let lost = loop {
            match line {
                Line::Complete(bytes) => state.handle(now, bytes, after),
                Line::TooLong { length_so_far } => state.too_long(length_so_far, after),
            }
            if !was_over && state.is_over() {
                break true;
            }
            match next(lines, last) {
                Some(another) => line = another,
                None => break false,
            }
        };
        drop(state);
        shared.settle(after);
        after.asks.drain(..).for_each(|ask| answering.take(ask));
        lost
    }

    /// Answers what the server asked; true when there was an answer.
    fn poll_answers(&mut self, cx: &mut Context<'_>) -> bool {
        let mut answered = false;
        while let Poll::Ready(answer) = self.answering.poll(cx) {
            self.shared.respond(answer);
            answered = true;
        }
        answered
    }

    /// Ends calls whose time is over and sets the alarm; true when there was something to do.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.alarm.rings(cx) {
            return false;
        }
        self.shared.lock().expire(now(), &mut self.after);
        self.shared.settle(&mut self.after);
        true
    }

    /// Takes what waits, if nothing is being written, and leaves the waker; true when our side
    /// wants to end the connection.
    fn take_out(&mut self, cx: &mut Context<'_>) -> bool {
        let mut state = self.shared.lock();
        if state.closing {
            return true;
        }
        if self.writing.is_empty() {
            state.take_out(&mut self.writing);
        }
        if self.writer.is_none() {
            state.discard(&mut self.writing);
        }
        self.reads = state.owed() <= self.shared.most_bytes();
        let deadline = state.session.deadline();
        let room = state.has_room_again(self.shared.most_bytes());
        if !state.driver.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            state.driver = Some(cx.waker().clone());
        }
        drop(state);
        if room {
            self.shared.tell_room();
        }
        self.alarm.arm(deadline, cx);
        false
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(writer) = &mut self.writer else { return Poll::Pending };
        let mut writer = writer.as_mut();
        while !self.writing.is_empty() {
            let written = ready!(writer.as_mut().poll_write(cx, self.writing.bytes()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.writing.consume(written);
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(writer.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    async fn write_rest(&mut self) -> io::Result<()> {
        let rest = self.shared.lock().take_rest();
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.write_all(self.writing.bytes()).await?;
        writer.write_all(rest.bytes()).await?;
        writer.flush().await
    }
}

/// Nobody waits for ever when the task is dropped with its runtime.
impl Drop for Driver {
    fn drop(&mut self) {
        self.shared.fail("the runtime that served the connection is gone");
    }
}

fn next(lines: &mut LineBuffer, last: bool) -> Option<Line<'_>> {
    if last { lines.finish() } else { lines.next_line() }
}

/// How often one turn reads and writes before other tasks get theirs.
const ROUNDS: usize = 16;
/// How long the last messages may take to be written when our side ends the connection.
const LAST_WRITE: Duration = Duration::from_secs(1);
/// How long answers are awaited from a server that does not read any more.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
