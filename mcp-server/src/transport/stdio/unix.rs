//! Standard streams on Unix: what each descriptor is, and how to wait for it.
//!
//! Tokio's pipe ends are used as the registration of any descriptor that can be waited for. The
//! calls that move bytes are our own, since a socket needs another call than a pipe.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use rustix::buffer::{Buffer, spare_capacity};
use rustix::fs::{FileType, Mode, OFlags};
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::{AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tokio::runtime::Handle;
use tokio::task::coop;

/// How much of a [`ReadBuf`] is cleared for one read at most.
const CLEARED_READ: usize = 16 * 1024;

const NULL_DEVICE: &str = "/dev/null";

/// Duplicates get numbers from here on, out of the way of the standard descriptors.
const FIRST_FREE_FD: i32 = 3;

pub(super) fn take() -> io::Result<(Source, Sink)> {
    let (stdin, stdout) = (rustix::stdio::stdin(), rustix::stdio::stdout());
    let source = Source::open(stdin)?;
    let sink = Sink::open(stdout)?;
    let nothing = nothing_to_read()?;
    // From here on the originals are gone, so everything that can fail comes before.
    rustix::stdio::dup2_stdin(nothing)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok((source, sink))
}

/// The reading half.
#[derive(Debug)]
pub(super) enum Source {
    /// Waited for by the runtime.
    Polled(pipe::Receiver, Call),
    /// Never blocks for long.
    Direct(OwnedFd),
}

impl Source {
    fn open(fd: BorrowedFd<'_>) -> io::Result<Self> {
        if Kind::of(fd)? == Kind::Direct {
            return Ok(Self::Direct(duplicate(fd)?));
        }
        let (own, call) = match pollable(fd)? {
            Some(pollable) => pollable,
            None => (pump(duplicate(fd)?)?, Call::Plain),
        };
        Ok(Self::Polled(pipe::Receiver::from_owned_fd_unchecked(own)?, call))
    }

    pub(super) fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        let room = bytes.capacity() - bytes.len();
        self.poll_with(cx, room, |fd, call| call.read(fd, spare_capacity(bytes)))
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Safe code cannot read into memory that was never written, so it is cleared first.
        let room = buf.remaining().min(CLEARED_READ);
        let bytes = buf.initialize_unfilled_to(room);
        let read = ready!(self.poll_with(cx, room, |fd, call| call.read(fd, &mut *bytes)))?;
        buf.advance(read);
        Poll::Ready(Ok(()))
    }

    /// Calls `read`, which has space for `room` bytes, when it is worth calling.
    fn poll_with(
        &self,
        cx: &mut Context<'_>,
        room: usize,
        mut read: impl FnMut(BorrowedFd<'_>, Call) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let (receiver, call) = match self {
            Self::Polled(receiver, call) => (receiver, *call),
            Self::Direct(fd) => {
                // A file is always ready, so only the runtime's budget lets other tasks run.
                let budget = ready!(coop::poll_proceed(cx));
                budget.made_progress();
                return Poll::Ready(retry(|| read(fd.as_fd(), Call::Plain)));
            }
        };
        loop {
            ready!(receiver.poll_read_ready(cx))?;
            let mut taken = None;
            let attempt = receiver.try_io(|| {
                let length = retry(|| read(receiver.as_fd(), call))?;
                taken = Some(length);
                // Getting less than there was room for means that a stream is drained. Saying so
                // here spares the next poll a call that could only fail.
                match length {
                    1.. if length < room => Err(io::ErrorKind::WouldBlock.into()),
                    _ => Ok(()),
                }
            });
            match (taken, attempt) {
                (Some(length), _) => return Poll::Ready(Ok(length)),
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                _ => {}
            }
        }
    }
}

/// The writing half.
#[derive(Debug)]
pub(super) struct Sink {
    end: End,
    /// Where to register when that becomes necessary, whoever polls then.
    runtime: Handle,
}

#[derive(Debug)]
enum End {
    /// Not registered: the usual state, since a reader that keeps up is never waited for, and a
    /// registered socket wakes the runtime each time the parent has read something.
    Free(OwnedFd, Call),
    /// Registered, because the parent has to read before more can be written.
    Waiting(pipe::Sender, Call),
    /// Written by the runtime's threads for blocking work.
    Threaded(tokio::fs::File),
    /// Shut down.
    Closed,
}

impl Sink {
    fn open(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let end = if Kind::of(fd)? == Kind::Direct {
            End::Free(duplicate(fd)?, Call::Plain)
        } else if let Some((own, call)) = pollable(fd)? {
            End::Free(own, call)
        } else {
            End::Threaded(tokio::fs::File::from_std(File::from(duplicate(fd)?)))
        };
        Ok(Self { end, runtime: Handle::current() })
    }

    pub(super) fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.end {
            End::Free(fd, call) => retry(|| call.write(fd.as_fd(), bytes)),
            End::Waiting(sender, call) => {
                let written = sender.try_io(|| retry(|| call.write(sender.as_fd(), bytes)))?;
                if written == bytes.len() {
                    self.stop_waiting();
                }
                Ok(written)
            }
            // Whether the thread could take them is only known by polling.
            End::Threaded(_) => Err(io::ErrorKind::WouldBlock.into()),
            End::Closed => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let budget = ready!(coop::poll_proceed(cx));
        loop {
            match &mut self.end {
                End::Free(..) | End::Closed => {}
                End::Waiting(sender, _) => ready!(sender.poll_write_ready(cx))?,
                End::Threaded(file) => return Pin::new(file).poll_write(cx, bytes),
            }
            match self.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.start_waiting()?,
                outcome => {
                    budget.made_progress();
                    return Poll::Ready(outcome);
                }
            }
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.end {
            End::Threaded(file) => Pin::new(file).poll_flush(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(self.poll_flush(cx));
        self.end = End::Closed;
        Poll::Ready(flushed)
    }

    fn start_waiting(&mut self) -> io::Result<()> {
        self.end = match std::mem::replace(&mut self.end, End::Closed) {
            End::Free(fd, call) => {
                let _inside = self.runtime.enter();
                End::Waiting(pipe::Sender::from_owned_fd_unchecked(fd)?, call)
            }
            end => end,
        };
        Ok(())
    }

    fn stop_waiting(&mut self) {
        self.end = match std::mem::replace(&mut self.end, End::Closed) {
            // Without its registration there is nothing left to write to; the next write says so.
            End::Waiting(sender, call) => {
                sender.into_nonblocking_fd().map_or(End::Closed, |fd| End::Free(fd, call))
            }
            end => end,
        };
    }
}

/// Which system calls move bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    /// `read` and `write`: the descriptor's own flags say whether they block.
    Plain,
    /// `recv` and `send`, told with each call not to block, so that the flags can stay as they are.
    ///
    /// Elsewhere `send` may ignore that wish.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    DontWait,
}

impl Call {
    fn read<B>(self, fd: BorrowedFd<'_>, into: B) -> io::Result<usize>
    where
        B: Buffer<u8, Output = usize>,
    {
        Ok(match self {
            Self::Plain => rustix::io::read(fd, into)?,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::DontWait => rustix::net::recv(fd, into, RecvFlags::DONTWAIT)?.0,
        })
    }

    fn write(self, fd: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
        Ok(match self {
            Self::Plain => rustix::io::write(fd, bytes)?,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Self::DontWait => {
                rustix::net::send(fd, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?
            }
        })
    }
}

/// What a descriptor refers to, as far as that decides how to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pipe,
    Socket,
    Terminal,
    /// Regular files and the null device: never block for long, and cannot be waited for.
    Direct,
    Other,
}

impl Kind {
    fn of(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let stat = rustix::fs::fstat(fd)?;
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::Fifo => Self::Pipe,
            FileType::Socket => Self::Socket,
            FileType::RegularFile | FileType::Directory | FileType::BlockDevice => Self::Direct,
            FileType::CharacterDevice if fd.is_terminal() => Self::Terminal,
            FileType::CharacterDevice
                if rustix::fs::stat(NULL_DEVICE).is_ok_and(|null| null.st_rdev == stat.st_rdev) =>
            {
                Self::Direct
            }
            _ => Self::Other,
        })
    }
}

/// Returns a duplicate of `fd` that can be used without blocking, if that harms nobody.
fn pollable(fd: BorrowedFd<'_>) -> io::Result<Option<(OwnedFd, Call)>> {
    let kind = Kind::of(fd)?;
    if matches!(kind, Kind::Pipe | Kind::Terminal)
        && let Ok(own) = reopen(fd)
    {
        return Ok(Some((own, Call::Plain)));
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if kind == Kind::Socket {
        return Ok(Some((duplicate(fd)?, Call::DontWait)));
    }
    // What is left changes a flag that every holder of this description sees. Other processes are
    // used to that from other runtimes; `eprintln!` in this one is not.
    if matches!(kind, Kind::Pipe | Kind::Socket) && !is_stderr(fd)? {
        let shared = duplicate(fd)?;
        set_nonblocking(&shared)?;
        return Ok(Some((shared, Call::Plain)));
    }
    Ok(None)
}

/// Opens what `fd` refers to once more, not blocking, which gives a description of our own.
///
/// On Linux the links in `/proc/self/fd` lead to the object itself, even if it has no name.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn reopen(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // Someone who opened a FIFO for both directions wants it to outlive its writers.
    let access = rustix::fs::fcntl_getfl(fd)? & OFlags::RWMODE;
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&fd));
    Ok(rustix::fs::open(path, flags, Mode::empty())?)
}

/// Elsewhere `/dev/fd` merely duplicates, so there is no way.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn reopen(_fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Err(io::ErrorKind::Unsupported.into())
}

fn duplicate(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, FIRST_FREE_FD)?)
}

fn set_nonblocking(fd: &OwnedFd) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(fd)?;
    Ok(rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK)?)
}

/// Says whether stderr refers to the same object, in which case it may share the description.
fn is_stderr(fd: BorrowedFd<'_>) -> io::Result<bool> {
    let (ours, stderr) = (rustix::fs::fstat(fd)?, rustix::fs::fstat(rustix::stdio::stderr())?);
    Ok((ours.st_dev, ours.st_ino) == (stderr.st_dev, stderr.st_ino))
}

/// Opens something that reads as empty, for descriptor 0.
fn nothing_to_read() -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    match rustix::fs::open(NULL_DEVICE, flags, Mode::empty()) {
        Ok(null) => Ok(null),
        // A sandbox may lack the device. A pipe that nobody writes to reads the same.
        Err(_) => Ok(io::pipe()?.0.into()),
    }
}

/// Starts a thread that reads `fd`, and returns the end of a pipe where its input comes out.
///
/// The thread is nobody's: it may still wait for input when the runtime shuts down, and holds
/// neither that nor the process up. An error ends the input.
fn pump(fd: OwnedFd) -> io::Result<OwnedFd> {
    let (output, mut input) = io::pipe()?;
    let output = OwnedFd::from(output);
    set_nonblocking(&output)?;
    let mut file = File::from(fd);
    let forward = move || {
        let mut chunk = [0; 8 * 1024];
        loop {
            match file.read(&mut chunk) {
                Ok(0) => return,
                Ok(length) => {
                    if input.write_all(&chunk[..length]).is_err() {
                        return; // The reader is gone.
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!(%error, "standard input cannot be read and counts as ended");
                    return;
                }
            }
        }
    };
    std::thread::Builder::new().name("mcp-stdin".into()).spawn(forward)?;
    Ok(output)
}

/// Repeats a call for as long as signals interrupt it.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
