//! The body of an answer: whole, or a stream of events.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::exchange::Exchange;
use super::session::SessionStream;

/// The body of an answer.
pub struct HttpBody(Kind);

enum Kind {
    Full(Option<Bytes>),
    Exchange(Box<Exchange>),
    Session(Box<SessionStream>),
}

impl HttpBody {
    /// No body.
    pub(crate) fn empty() -> Self {
        Self(Kind::Full(None))
    }

    /// A body that is there already.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        Self(Kind::Full(Some(bytes.into())))
    }

    /// A stream that answers a modern request.
    pub(super) fn exchange(exchange: Exchange) -> Self {
        Self(Kind::Exchange(Box::new(exchange)))
    }

    /// A stream of a legacy session.
    pub(super) fn stream(stream: SessionStream) -> Self {
        Self(Kind::Session(Box::new(stream)))
    }
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut self.0 {
            Kind::Full(bytes) => Poll::Ready(bytes.take()),
            Kind::Exchange(exchange) => exchange.poll_next(cx),
            Kind::Session(stream) => stream.poll_next(cx),
        };
        next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Full(bytes) => bytes.is_none(),
            Kind::Exchange(exchange) => exchange.is_over(),
            Kind::Session(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Kind::Exchange(_) | Kind::Session(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Full(_) => "HttpBody::Full",
            Kind::Exchange(_) | Kind::Session(_) => "HttpBody::Events",
        })
    }
}
