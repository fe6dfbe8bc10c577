//! The body of an answer: a refusal, or what the service behind the layer answers.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::http::HttpBody;

pin_project! {
    /// The body of an answer: of the service `B` behind the layer, or of the layer.
    pub struct AuthorizedBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = Pinned]
    enum Kind<B> {
        Layer { body: HttpBody },
        Service { #[pin] body: B },
    }
}

impl<B> AuthorizedBody<B> {
    pub(super) fn of_layer(body: HttpBody) -> Self {
        Self { kind: Kind::Layer { body } }
    }

    pub(super) fn of_service(body: B) -> Self {
        Self { kind: Kind::Service { body } }
    }
}

impl<B: Body<Data = Bytes>> Body for AuthorizedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            Pinned::Service { body } => body.poll_frame(cx),
            Pinned::Layer { body } => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(|never| match never {}))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Layer { body } => body.is_end_stream(),
            Kind::Service { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Layer { body } => body.size_hint(),
            Kind::Service { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for AuthorizedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Layer { .. } => "AuthorizedBody::Layer",
            Kind::Service { .. } => "AuthorizedBody::Service",
        })
    }
}
