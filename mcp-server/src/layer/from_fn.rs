//! Functions as layers.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;

use super::{Next, ToolCall};
use crate::outcome::Outcome;

/// Makes a layer out of an async function of the call and what comes after it.
///
/// # Examples
/// ```
/// use mcp_server::{Next, Outcome, Server, Tool, ToolCall, from_fn};
///
/// async fn audit(call: ToolCall, next: Next) -> Outcome {
///     let (tool, caller) = (call.name().to_owned(), call.caller());
///     next.run(call).await.inspect(|outcome| {
///         tracing::info!(%tool, %caller, ok = outcome.is_ok());
///     })
/// }
///
/// let add = Tool::new("add").params(["a", "b"]).handler(async |a: f64, b: f64| a + b);
/// let server = Server::builder("adder", "1.0").tool(add).layer(from_fn(audit)).build()?;
/// # Ok::<(), mcp_server::Error>(())
/// ```
pub fn from_fn<F, Fut>(function: F) -> FromFn<F>
where
    F: Fn(ToolCall, Next) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    FromFn(function)
}

/// A layer made by [`from_fn`].
#[derive(Clone, Copy)]
pub struct FromFn<F>(F);

impl<F: Clone> Layer<Next> for FromFn<F> {
    type Service = FromFnService<F>;

    fn layer(&self, next: Next) -> FromFnService<F> {
        FromFnService { function: self.0.clone(), next }
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFn").field(&std::any::type_name::<F>()).finish()
    }
}

/// The service of a [`FromFn`] layer.
#[derive(Clone)]
pub struct FromFnService<F> {
    function: F,
    next: Next,
}

impl<F, Fut> Service<ToolCall> for FromFnService<F>
where
    F: Fn(ToolCall, Next) -> Fut,
    Fut: Future<Output = Outcome> + Send + 'static,
{
    type Response = Outcome;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Outcome, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // `Next::run` waits for what comes after.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ToolCall) -> Self::Future {
        let outcome = (self.function)(call, self.next.clone());
        Box::pin(async move { Ok(outcome.await) })
    }
}

impl<F> fmt::Debug for FromFnService<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFnService").field(&std::any::type_name::<F>()).finish()
    }
}
