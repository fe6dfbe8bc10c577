//! A socket that does not wait for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// A stream whose peer must take something of what is written within a time.
///
/// Without that, a peer that reads nothing holds what is written to it, and whatever waits behind,
/// for as long as it likes.
#[derive(Debug)]
pub(crate) struct Socket<S> {
    stream: S,
    limit: Duration,
    /// When the write that waits is given up; kept for the next one, for that saves an allocation.
    stalled: Option<Pin<Box<Sleep>>>,
    waits: bool,
}

impl<S> Socket<S> {
    pub(crate) fn new(stream: S, limit: Duration) -> Self {
        Self { stream, limit, stalled: None, waits: false }
    }

    /// Notes how a write went; one that waits for too long has failed.
    fn noted<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = false;
            return written;
        }
        let limit = self.limit;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        if !std::mem::replace(&mut self.waits, true) {
            stalled.as_mut().reset(Instant::now() + limit);
        }
        match stalled.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.noted(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.noted(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.noted(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.noted(cx, shut)
    }
}

/// How long a peer may take nothing of what is written to it.
pub(crate) const STALL: Duration = Duration::from_secs(30);

/// Sets what a connection of this server needs; what the system refuses is left as it is.
pub(crate) fn set_up(stream: &TcpStream) {
    // Answers and events are small, and nobody should wait for the next one.
    let _ = stream.set_nodelay(true);
    // A peer that vanished answers nothing, and is found out by that.
    let _ = rustix::net::sockopt::set_socket_keepalive(stream, true);
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::net::sockopt::set_tcp_keepidle(stream, Duration::from_secs(60));
        let millis = u32::try_from(STALL.as_millis()).unwrap_or(u32::MAX);
        let _ = rustix::net::sockopt::set_tcp_user_timeout(stream, millis);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn write_to_a_peer_that_takes_nothing_fails() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut socket = Socket::new(near, Duration::from_secs(30));
        let begun = Instant::now();
        let failed = socket.write_all(b"12345678").await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed(), Duration::from_secs(30));
        let mut read = [0; 4];
        far.read_exact(&mut read).await.unwrap();
        socket.write_all(b"5678").await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn time_begins_anew_with_every_byte_that_is_taken() {
        let (near, mut far) = tokio::io::duplex(4);
        let mut socket = Socket::new(near, Duration::from_secs(30));
        let reader = async {
            for _ in 0..8 {
                tokio::time::advance(Duration::from_secs(20)).await;
                far.read_u8().await.unwrap();
            }
        };
        let (written, ()) =
            futures_util::future::join(socket.write_all(b"123456789abc"), reader).await;
        written.unwrap();
    }
}
