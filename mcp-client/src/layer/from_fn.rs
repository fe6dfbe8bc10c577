//! Functions as layers.

use std::fmt;
use std::future::Future;
use std::task::{Context, Poll};

use mcp_core::Error;
use tower_layer::Layer;
use tower_service::Service;

use super::{Next, OutgoingCall, RawResult};

/// Makes a layer out of an async function of the call and what comes after it.
///
/// # Examples
///
/// ```
/// use mcp_client::{Client, Error, Next, OutgoingCall, RawResult, from_fn};
///
/// /// Tries once more where the server was too busy to answer.
/// async fn again(call: OutgoingCall, next: Next) -> Result<RawResult, Error> {
///     match next.clone().run(call.clone()).await {
///         Err(Error::Timeout { .. }) if call.method() == "tools/list" => next.run(call).await,
///         outcome => outcome,
///     }
/// }
///
/// let builder = Client::builder("viewer", "1.0").layer(from_fn(again));
/// # let _ = builder;
/// ```
pub fn from_fn<F, Fut>(function: F) -> FromFn<F>
where
    F: Fn(OutgoingCall, Next) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<RawResult, Error>> + Send + 'static,
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

impl<F, Fut> Service<OutgoingCall> for FromFnService<F>
where
    F: Fn(OutgoingCall, Next) -> Fut,
    Fut: Future<Output = Result<RawResult, Error>> + Send + 'static,
{
    type Response = RawResult;
    type Error = Error;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // `Next::run` waits for what comes after.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: OutgoingCall) -> Fut {
        (self.function)(call, self.next.clone())
    }
}

impl<F> fmt::Debug for FromFnService<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FromFnService").field(&std::any::type_name::<F>()).finish()
    }
}
