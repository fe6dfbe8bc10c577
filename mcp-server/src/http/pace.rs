//! HTTP/2 streams that do not wait for ever.
//!
//! A client can keep the window of one stream closed while its connection goes on. The transport
//! then holds a part of the answer and asks for no more: that is noticed here, where it runs the
//! stream, and ends the stream alone. A connection whose client takes nothing at all is up to
//! [`Socket`](super::socket::Socket).

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

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

pin_project! {
    /// A body that tells the task of its stream what became of it.
    pub(crate) struct Paced<B> {
        #[pin]
        body: B,
        // What is left of a frame that is given in parts.
        rest: Bytes,
    }
}

impl<B> Paced<B> {
    pub(crate) fn new(body: B) -> Self {
        Self { body, rest: Bytes::new() }
    }
}

impl<B: Body<Data = Bytes>> Body for Paced<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let Ok(Progress { parts, .. }) = PROGRESS.try_with(Cell::get) else {
            // HTTP/1: who does not read the stream does not read the connection.
            return this.body.poll_frame(cx);
        };
        let mut next = match this.rest.is_empty() {
            true => this.body.poll_frame(cx),
            false => Poll::Ready(Some(Ok(Frame::data(std::mem::take(this.rest))))),
        };
        if let Poll::Ready(Some(Ok(frame))) = &mut next
            && let Some(data) = frame.data_mut()
            && data.len() > PART
        {
            *this.rest = data.split_off(PART);
        }
        let is_held = matches!(next, Poll::Ready(Some(_)));
        let progress = Progress { parts: parts + u64::from(is_held), is_held };
        PROGRESS.with(|known| known.set(progress));
        next
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
