//! What comes after a layer, and how layers are put around each other.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

use super::ToolCall;
use crate::outcome::Outcome;

/// What comes after a layer: the next layer, or the handler.
///
/// It is a `tower_service::Service`; layers that are functions call [`run`](Self::run).
pub struct Next(Box<dyn Erased>);

impl Next {
    /// Makes the call and gives its outcome.
    ///
    /// # Cancel safety
    /// Dropping the future drops the handler: the call is cancelled.
    pub async fn run(mut self, call: ToolCall) -> Outcome {
        poll_fn(|cx| self.0.poll_ready(cx)).await;
        self.0.call(call).await
    }

    fn new<S>(service: S) -> Self
    where
        S: Service<ToolCall, Response = Outcome, Error = Infallible>
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

impl Service<ToolCall> for Next {
    type Response = Outcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx).map(Ok)
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        let outcome = self.0.call(call);
        Box::pin(async move { Ok(outcome.await) })
    }
}

/// A service whose type is forgotten.
trait Erased: Send + Sync {
    fn clone_box(&self) -> Box<dyn Erased>;
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()>;
    fn call(&mut self, call: ToolCall) -> BoxFuture<'static, Outcome>;
}

impl<S> Erased for S
where
    S: Service<ToolCall, Response = Outcome, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn clone_box(&self) -> Box<dyn Erased> {
        Box::new(self.clone())
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Service::poll_ready(self, cx).map(|ready| match ready {
            Ok(()) => {}
            Err(never) => match never {},
        })
    }

    fn call(&mut self, call: ToolCall) -> BoxFuture<'static, Outcome> {
        let outcome = Service::call(self, call);
        Box::pin(async move {
            match outcome.await {
                Ok(outcome) => outcome,
                Err(never) => match never {},
            }
        })
    }
}

/// A layer whose type is forgotten.
pub(crate) type Wrap = Arc<dyn Fn(Next) -> Next + Send + Sync>;

/// Forgets the type of a layer.
pub(crate) fn wrap<L>(layer: L) -> Wrap
where
    L: Layer<Next> + Send + Sync + 'static,
    L::Service:
        Service<ToolCall, Response = Outcome, Error = Infallible> + Clone + Send + Sync + 'static,
    <L::Service as Service<ToolCall>>::Future: Send + 'static,
{
    Arc::new(move |next| Next::new(layer.layer(next)))
}

/// Layers around something, put together once so that what they count is counted once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stack(Option<Next>);

impl Stack {
    /// Puts layers around what runs innermost; the first layer is the outermost.
    pub(crate) fn new(
        layers: &[Wrap],
        innermost: fn(ToolCall) -> BoxFuture<'static, Outcome>,
    ) -> Self {
        if layers.is_empty() {
            return Self(None);
        }
        let innermost = Next::new(Innermost(innermost));
        Self(Some(layers.iter().rev().fold(innermost, |next, wrap| wrap(next))))
    }

    /// Whether there is no layer.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The outermost layer, if there is any.
    pub(crate) fn first(&self) -> Option<Next> {
        self.0.clone()
    }
}

#[derive(Clone)]
struct Innermost(fn(ToolCall) -> BoxFuture<'static, Outcome>);

impl Service<ToolCall> for Innermost {
    type Response = Outcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        let outcome = self.0(call);
        Box::pin(async move { Ok(outcome.await) })
    }
}
