//! The process's own standard input and output as an asynchronous byte stream.
//!
//! Owns the claim on the two descriptors: [`Stdio::take`] moves them out of the way, so that
//! nothing else in the process can write into the protocol or read from it. The stdio transport
//! demands the former (revision 2025-11-25, `basic/transports`, "stdio": a server must not write
//! anything to its standard output that is not a valid message). Does not know about lines or
//! messages.
//!
//! What serves the bytes depends on what the parent process connected:
//!
//! | Connected to | Linux | other Unix |
//! | --- | --- | --- |
//! | pipe | readiness, on a description of our own | readiness; helper thread if shared with stderr |
//! | socket (as Node does) | readiness, without touching its flags | the same |
//! | terminal | readiness, on a description of our own | helper thread |
//! | regular file, `/dev/null` | at once | at once |
//! | anything else | helper thread | helper thread |
//!
//! "Readiness" means that the runtime's own event loop waits, so an idle server on a
//! current-thread runtime has one thread. A pipe or terminal on Linux that may not be opened again
//! (another user's, or no `/proc`) is treated as on other Unix systems. On Windows Tokio's standard
//! streams are used, which have helper threads.
//!
//! A description (what `O_NONBLOCK` belongs to) may be shared with stderr, with the shell that
//! started the server and with its other children. It is therefore left blocking wherever that is
//! possible, and always if it may be stderr's: `eprintln!` panics when a write would block.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "other.rs")]
mod sys;

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much room a read makes when the caller left none.
const DEFAULT_READ: usize = 8 * 1024;

static TAKEN: AtomicBool = AtomicBool::new(false);

/// The process's standard input and output, claimed for the protocol.
#[derive(Debug)]
pub struct Stdio {
    reader: StdioReader,
    writer: StdioWriter,
}

impl Stdio {
    /// Claims standard input and output, which a process can do once.
    ///
    /// On Unix, file descriptor 0 reads from `/dev/null` afterwards and file descriptor 1 writes to
    /// stderr, for this process and for the children it starts: a stray `println!` shows up in the
    /// server's log instead of corrupting the protocol, and no child can eat its input. Both stay
    /// so after the returned value is dropped; nothing is restored, not even at exit, because
    /// nothing that other processes can see was changed. On Windows the standard handles are left
    /// as they are.
    ///
    /// Call it first thing in `main`. What was printed before is in the protocol already, and what
    /// [`std::io::stdin`] has buffered is lost.
    ///
    /// # Errors
    ///
    /// - [`io::ErrorKind::AlreadyExists`] if they were claimed before.
    /// - [`io::ErrorKind::Unsupported`] outside a Tokio runtime.
    /// - Whatever the system says about the descriptors.
    ///
    /// After an error other than the first, they are as they were and may be claimed again.
    ///
    /// # Panics
    ///
    /// If the runtime was built without its I/O driver (`enable_io` or `enable_all`).
    pub fn take() -> io::Result<Self> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "standard input and output need a Tokio runtime; take them inside `async fn main`",
            ));
        }
        if TAKEN.swap(true, Ordering::AcqRel) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "standard input and output were already taken; serve one stdio server per process",
            ));
        }
        match sys::take() {
            Ok((source, sink)) => {
                Ok(Self { reader: StdioReader { source }, writer: StdioWriter { sink } })
            }
            Err(error) => {
                TAKEN.store(false, Ordering::Release);
                Err(error)
            }
        }
    }

    /// Separates the two directions.
    pub fn into_split(self) -> (StdioReader, StdioWriter) {
        (self.reader, self.writer)
    }
}

/// What the parent process writes to this one.
///
/// At the end of the input, reads return no bytes. Expects a byte stream: a socket or pipe that
/// keeps the boundaries of packets is not supported.
#[derive(Debug)]
pub struct StdioReader {
    source: sys::Source,
}

impl StdioReader {
    /// Appends what can be read at once to `bytes`, and returns how much that was.
    ///
    /// Fills the spare capacity without clearing it first, which reading through [`AsyncRead`] has
    /// to do; makes room if there is none. 0 means that the input ended.
    ///
    /// # Errors
    ///
    /// Whatever the system reports.
    pub fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        if bytes.len() == bytes.capacity() {
            bytes.reserve(DEFAULT_READ);
        }
        self.source.poll_read_into(cx, bytes)
    }

    /// Waits for input and appends it, as [`poll_read_into`](Self::poll_read_into) does.
    ///
    /// # Errors
    ///
    /// Whatever the system reports.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a future that is dropped before it is ready has read nothing.
    pub async fn read_into(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        std::future::poll_fn(|cx| self.poll_read_into(cx, bytes)).await
    }
}

impl AsyncRead for StdioReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        self.source.poll_read(cx, buf)
    }
}

/// What this process writes to its parent.
///
/// Shutting it down closes it, which is how the other side learns that no more will come; so does
/// dropping it. Flush it before the process ends: only a helper thread can have bytes left, but
/// whether there is one is not visible here. A parent that went away is an error of kind
/// [`io::ErrorKind::BrokenPipe`].
#[derive(Debug)]
pub struct StdioWriter {
    sink: sys::Sink,
}

impl StdioWriter {
    /// Writes what can be written without waiting, and returns how much that was.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] if nothing can be, which may also be said too often: then
    /// [`poll_write`](AsyncWrite::poll_write) waits. Otherwise whatever the system reports.
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.try_write(bytes)
    }
}

impl AsyncWrite for StdioWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.sink.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sink.poll_shutdown(cx)
    }
}
