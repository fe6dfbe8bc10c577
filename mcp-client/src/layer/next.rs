//! What comes after a layer, and how layers are put around each other.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use mcp_core::Error;
use tower_layer::Layer;
use tower_service::Service;

use super::{OutgoingCall, RawResult};

/// What comes after a layer: the next layer, or the request itself.
///
/// It is a `tower_service::Service`; layers that are functions call [`run`](Self::run).
pub struct Next(Box<dyn Erased>);

impl Next {
    /// Makes the call and gives what it came to.
    ///
    /// # Errors
    ///
    /// As [`Call`](crate::Call), but for those of decoding the result.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the call: the server is told.
    pub async fn run(mut self, call: OutgoingCall) -> Result<RawResult, Error> {
        poll_fn(|cx| self.0.poll_ready(cx)).await?;
        self.0.call(call).await
    }

    fn new<S>(service: S) -> Self
    where
        S: Service<OutgoingCall, Response = RawResult, Error = Error>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        Self(Box::new(service))
    }
}

impl Clone for Next {
    fn clone(&self) -> Self {
        Self(self.0.clone_box())
    }
}

impl fmt::Debug for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}

impl Service<OutgoingCall> for Next {
    type Response = RawResult;
    type Error = Error;
    type Future = BoxFuture<'static, Result<RawResult, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, call: OutgoingCall) -> Self::Future {
        self.0.call(call)
    }
}

/// A service whose type is forgotten.
trait Erased: Send + Sync {
    fn clone_box(&self) -> Box<dyn Erased>;
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;
    fn call(&mut self, call: OutgoingCall) -> BoxFuture<'static, Result<RawResult, Error>>;
}

impl<S> Erased for S
where
    S: Service<OutgoingCall, Response = RawResult, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn clone_box(&self) -> Box<dyn Erased> {
        Box::new(self.clone())
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Service::poll_ready(self, cx)
    }

    fn call(&mut self, call: OutgoingCall) -> BoxFuture<'static, Result<RawResult, Error>> {
        Box::pin(Service::call(self, call))
    }
}

/// A layer whose type is forgotten.
pub(crate) type Wrap = Arc<dyn Fn(Next) -> Next + Send + Sync>;

/// Forgets the type of a layer.
pub(crate) fn wrap<L>(layer: L) -> Wrap
where
    L: Layer<Next> + Send + Sync + 'static,
    L::Service:
        Service<OutgoingCall, Response = RawResult, Error = Error> + Clone + Send + Sync + 'static,
    <L::Service as Service<OutgoingCall>>::Future: Send + 'static,
{
    Arc::new(move |next| Next::new(layer.layer(next)))
}

/// The layers of a connection, put together once so that what they count is counted once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stack(Option<Next>);

impl Stack {
    /// Puts layers around the sending; the first layer is the outermost.
    pub(crate) fn new(layers: &[Wrap]) -> Self {
        if layers.is_empty() {
            return Self(None);
        }
        let innermost = Next::new(Innermost);
        Self(Some(layers.iter().rev().fold(innermost, |next, wrap| wrap(next))))
    }

    /// The outermost layer, if there is any.
    pub(crate) fn first(&self) -> Option<&Next> {
        self.0.as_ref()
    }
}

#[derive(Clone)]
struct Innermost;

impl Service<OutgoingCall> for Innermost {
    type Response = RawResult;
    type Error = Error;
    type Future = BoxFuture<'static, Result<RawResult, Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: OutgoingCall) -> Self::Future {
        call.0.send()
    }
}
