//! Standard streams where descriptors are not Unix ones: Tokio's, which read and write on threads.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

pub(super) fn take() -> io::Result<(Source, Sink)> {
    Ok((Source(tokio::io::stdin()), Sink(Some(tokio::io::stdout()))))
}

#[derive(Debug)]
pub(super) struct Source(tokio::io::Stdin);

impl Source {
    pub(super) fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        // The future keeps nothing between polls, so a new one each time loses nothing.
        pin!(self.0.read_buf(bytes)).poll(cx)
    }

    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

#[derive(Debug)]
pub(super) struct Sink(Option<tokio::io::Stdout>);

impl Sink {
    pub(super) fn try_write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        // Whether the thread could take them is only known by polling.
        Err(io::ErrorKind::WouldBlock.into())
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Some(stdout) => Pin::new(stdout).poll_write(cx, bytes),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Some(stdout) => Pin::new(stdout).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = std::task::ready!(self.poll_flush(cx));
        self.0 = None;
        Poll::Ready(flushed)
    }
}
