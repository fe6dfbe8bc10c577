//! The server's standard input and output, as the layers above see them.

use std::io;
use std::pin::Pin;
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

#[cfg(unix)]
use tokio::net::unix::pipe::{Receiver as Readable, Sender as Writable};
#[cfg(not(unix))]
use tokio::process::{ChildStdin as Writable, ChildStdout as Readable};

/// The standard input of a server.
///
/// Dropping it or shutting it down ends the server's input, which asks the
/// server to exit. Ending the server closes it from the other side: writes then
/// fail with `BrokenPipe`, also one that was waiting.
#[derive(Debug)]
pub struct ServerInput(Arc<Mutex<Input>>);

#[derive(Debug)]
struct Input {
    pipe: Option<Writable>,
    /// Who waits for room in the pipe and must learn that it was closed.
    waiting: Option<Waker>,
}

/// Closes a [`ServerInput`] from outside.
#[derive(Debug)]
pub(super) struct InputCloser(Arc<Mutex<Input>>);

impl ServerInput {
    pub(super) fn new(stdin: ChildStdin) -> io::Result<Self> {
        #[cfg(unix)]
        let pipe = Writable::from_owned_fd(stdin.into())?;
        #[cfg(not(unix))]
        let pipe = Writable::from_std(stdin)?;
        Ok(Self(Arc::new(Mutex::new(Input { pipe: Some(pipe), waiting: None }))))
    }

    pub(super) fn closer(&self) -> InputCloser {
        InputCloser(Arc::clone(&self.0))
    }

    fn with(
        &self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut Writable>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let mut input = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pipe) = input.pipe.as_mut() else {
            let why = "the server's input was closed because the server is being ended";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::BrokenPipe, why)));
        };
        let outcome = write(Pin::new(pipe), cx);
        if outcome.is_pending() {
            match &mut input.waiting {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        outcome
    }
}

impl AsyncWrite for ServerInput {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(cx, |pipe, cx| pipe.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(cx, |pipe, cx| pipe.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        cfg!(unix)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.with(cx, |pipe, cx| pipe.poll_flush(cx).map_ok(|()| 0)) {
            Poll::Ready(flushed) => Poll::Ready(flushed.map(drop)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        close(&self.0);
        Poll::Ready(Ok(()))
    }
}

impl Drop for ServerInput {
    fn drop(&mut self) {
        close(&self.0);
    }
}

impl InputCloser {
    pub(super) fn close(&self) {
        close(&self.0);
    }
}

fn close(input: &Mutex<Input>) {
    let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
    let (pipe, waiting) = (input.pipe.take(), input.waiting.take());
    drop(input);
    drop(pipe);
    if let Some(waker) = waiting {
        waker.wake();
    }
}

/// The standard output of a server.
///
/// It ends when the server closes it, and also when the server process has
/// exited and what it had written was read, even if a descendant of the server
/// still holds the pipe open.
#[derive(Debug)]
pub struct ServerOutput {
    pipe: Readable,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// The server runs; the channel fires, or closes, when it no longer does.
    Running(oneshot::Receiver<()>),
    /// The server is gone. This many bytes were in the pipe when that was noticed.
    #[cfg(unix)]
    Leftover(u64),
    /// The server is gone, and only the pipe knows how much is left.
    #[cfg(not(unix))]
    UntilClosed,
}

impl ServerOutput {
    pub(super) fn new(stdout: ChildStdout, exited: oneshot::Receiver<()>) -> io::Result<Self> {
        #[cfg(unix)]
        let pipe = Readable::from_owned_fd(stdout.into())?;
        #[cfg(not(unix))]
        let pipe = Readable::from_std(stdout)?;
        Ok(Self { pipe, phase: Phase::Running(exited) })
    }
}

/// # Cancel safety
///
/// A read that is dropped before it is ready has taken nothing.
impl AsyncRead for ServerOutput {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Phase::Running(exited) = &mut this.phase
            && Pin::new(exited).poll(cx).is_ready()
        {
            this.phase = Phase::after_exit(&this.pipe)?;
        }
        match &mut this.phase {
            #[cfg(unix)]
            Phase::Leftover(left) => Poll::Ready(read_leftover(&this.pipe, left, buf)),
            _ => Pin::new(&mut this.pipe).poll_read(cx, buf),
        }
    }
}

#[cfg(unix)]
impl Phase {
    /// All that the server wrote is in the pipe by now. What is beyond it comes
    /// from somebody else.
    fn after_exit(pipe: &Readable) -> io::Result<Self> {
        Ok(Self::Leftover(rustix::io::ioctl_fionread(pipe)?))
    }
}

#[cfg(not(unix))]
impl Phase {
    fn after_exit(_pipe: &Readable) -> io::Result<Self> {
        Ok(Self::UntilClosed)
    }
}

/// Reads from a pipe that does not block, at most what is `left`.
#[cfg(unix)]
pub(super) fn read_leftover(
    pipe: impl std::os::fd::AsFd,
    left: &mut u64,
    buf: &mut ReadBuf<'_>,
) -> io::Result<()> {
    let limit = usize::try_from(*left).unwrap_or(usize::MAX).min(buf.remaining());
    if limit == 0 {
        return Ok(());
    }
    let room = buf.initialize_unfilled_to(limit);
    match rustix::io::retry_on_intr(|| rustix::io::read(&pipe, &mut *room)) {
        Ok(count) => {
            buf.advance(count);
            *left = if count == 0 { 0 } else { left.saturating_sub(count as u64) };
            Ok(())
        }
        Err(rustix::io::Errno::AGAIN) => {
            *left = 0;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
