//! HTTP/2 streams that do not wait for ever.
//!
//! A client can keep the window of one stream closed while its connection goes on. The transport
//! then holds a part of the answer and asks for no more: that is noticed here, where it runs the
//! stream, and ends the stream alone. A connection whose client takes nothing at all is up to
//! [`Socket`](super::socket::Socket).

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use super::HttpBody;

/// The most that an HTTP/2 stream is given at a time: a client has to take as much within the time.
const PART: usize = 16 * 1024;

tokio::task_local! {
    /// What the transport has of the stream that this task runs.
    static PROGRESS: Cell<Progress>;
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Progress {
    /// How many parts it was given.
    parts: u64,
    /// Whether it has not asked for more since.
    is_held: bool,
}

/// Runs the streams of HTTP/2 connections.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    /// How long a client may take nothing of a stream.
    pub(crate) stall: Duration,
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let (stall, seen) = (self.stall, Progress::default());
        let watched = Watched { stream, stall, seen, timer: None };
        tokio::spawn(PROGRESS.scope(Cell::default(), watched));
    }
}

pin_project! {
    /// A stream that is dropped, and so reset, when its client takes nothing of it.
    struct Watched<F> {
        #[pin]
        stream: F,
        stall: Duration,
        seen: Progress,
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.stream.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let progress = PROGRESS.with(Cell::get);
        let is_new = std::mem::replace(this.seen, progress) != progress;
        if !progress.is_held {
            return Poll::Pending;
        }
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(*this.stall)));
        if is_new {
            timer.as_mut().reset(Instant::now() + *this.stall);
        }
        ready!(timer.as_mut().poll(cx));
        tracing::debug!(target: "mcp::server", "a stream is reset: its client takes nothing of it");
        Poll::Ready(())
    }
}

/// A body that tells the task of its stream what became of it.
pub(crate) struct Paced {
    body: HttpBody,
    /// What is left of a frame that is given in parts.
    rest: Bytes,
}

impl Paced {
    pub(crate) fn new(body: HttpBody) -> Self {
        Self { body, rest: Bytes::new() }
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(std::mem::take(&mut self.rest)));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let data = frame.map(|frame| frame.map(|frame| frame.into_data().unwrap_or_default()));
        Poll::Ready(data.map(|data| data.unwrap_or_else(|never| match never {})))
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Ok(Progress { parts, .. }) = PROGRESS.try_with(Cell::get) else {
            // HTTP/1: who does not read the stream does not read the connection.
            return Pin::new(&mut self.body).poll_frame(cx);
        };
        let mut next = self.next(cx);
        if let Poll::Ready(Some(data)) = &mut next
            && data.len() > PART
        {
            self.rest = data.split_off(PART);
        }
        let is_held = matches!(next, Poll::Ready(Some(_)));
        let progress = Progress { parts: parts + u64::from(is_held), is_held };
        PROGRESS.with(|known| known.set(progress));
        next.map(|data| data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        let rest = self.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}
