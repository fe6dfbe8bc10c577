//! Functions as handlers.
//!
//! Owns the trait [`Handler`], its implementations for functions and methods of up to six
//! parameters, and the one place where a handler's future is put into a box. It does not know what
//! becomes of a handler's output.

use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::{self, BoxFuture};
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::Entitlement;
use mcp_core::types::Resource;

use crate::call::Call;
use crate::context::CallContext;
use crate::description::Description;
use crate::extract::{Param, State};
use crate::outcome::{Failure, Outcome};

/// A function that answers calls: `async fn(…) -> …`, each parameter a [`Param`].
///
/// Methods with `&self` are handlers too; `self` is the server's state of that type. `M` tells the
/// kinds apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an async function of at most six parameters that are arguments or extractors, and its future is `Send`",
    note = "an argument needs `serde::Deserialize` and `schemars::JsonSchema`; `#[tool]` above the function shows which parameter does not fit"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// What the function returns.
    type Output;

    /// Says what the parameters need.
    fn describe(description: &mut Description);

    /// Takes the parameters out of a call and starts the function.
    ///
    /// # Errors
    ///
    /// When a parameter cannot be taken; the function has not been called then.
    fn call(
        &self,
        call: &mut Call<'_>,
    ) -> Result<impl Future<Output = Self::Output> + Send + 'static + use<Self, M>, Failure>;
}

/// Marks a function; see [`Handler`].
#[derive(Debug)]
pub struct Free<P>(PhantomData<P>);

/// Marks a method with `&self`; see [`Handler`].
#[derive(Debug)]
pub struct Method<S, P>(PhantomData<(S, P)>);

/// A method whose future borrows `self`: what a [`Handler`] with `&self` is made of.
///
/// Implemented for every function whose first parameter is a reference; nobody else has to.
pub trait MethodFn<'a, S: 'a, P>: Clone + Send + Sync + 'static {
    /// What the method returns.
    type Output;
    /// The method's future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls the method.
    fn invoke(&self, state: &'a S, parameters: P) -> Self::Future;
}

/// A handler of any type, made to return `O`.
pub(crate) type Run<O> = Arc<dyn Fn(&mut Call<'_>) -> BoxFuture<'static, O> + Send + Sync>;

/// What a call ends with, whatever was called.
pub(crate) trait Concluded: Sized + Send + 'static {
    /// Takes in what was asked by the handler's parameters; most ask nothing.
    fn left(self, _: &CallContext) -> Self {
        self
    }
}

impl Concluded for Entitlement {}

impl Concluded for Result<Vec<Resource>, ErrorObject> {}

impl Concluded for Outcome {
    fn left(mut self, context: &CallContext) -> Self {
        if let Self::InputRequired(left) = &mut self {
            let (asked, kept) = context.questions().leave();
            left.collect(asked, kept);
        }
        self
    }
}

/// Forgets the handler's type. `conclude` sees what it returned, or why it did not run.
///
/// When the future is dropped before its end, the call's context is told; else the context tells
/// the outcome what the handler has asked.
pub(crate) fn erase<H, M, O, C>(handler: H, conclude: C) -> Run<O>
where
    H: Handler<M>,
    O: Concluded,
    C: Fn(Result<H::Output, Failure>) -> O + Copy + Send + Sync + 'static,
{
    Arc::new(move |call: &mut Call<'_>| start(&handler, call, conclude))
}

/// Starts a handler, for once; see [`erase`].
pub(crate) fn start<H, M, O, C>(
    handler: &H,
    call: &mut Call<'_>,
    conclude: C,
) -> BoxFuture<'static, O>
where
    H: Handler<M>,
    O: Concluded,
    C: FnOnce(Result<H::Output, Failure>) -> O + Send + 'static,
{
    match handler.call(call) {
        Ok(running) => {
            let unfinished = call.unfinished();
            Box::pin(async move {
                let output = running.await;
                let context = unfinished.finish();
                let outcome = conclude(Ok(output));
                match context {
                    Some(context) => outcome.left(&context),
                    None => outcome,
                }
            })
        }
        Err(failure) => Box::pin(future::ready(conclude(Err(failure)))),
    }
}

/// Calls a macro with each number of parameters that a handler can have.
macro_rules! each_arity {
    ($implement:ident) => {
        $implement!();
        $implement!(0: M0 T0);
        $implement!(0: M0 T0, 1: M1 T1);
        $implement!(0: M0 T0, 1: M1 T1, 2: M2 T2);
        $implement!(0: M0 T0, 1: M1 T1, 2: M2 T2, 3: M3 T3);
        $implement!(0: M0 T0, 1: M1 T1, 2: M2 T2, 3: M3 T3, 4: M4 T4);
        $implement!(0: M0 T0, 1: M1 T1, 2: M2 T2, 3: M3 T3, 4: M4 T4, 5: M5 T5);
    };
}
pub(crate) use each_arity;

macro_rules! handlers {
    ($($at:literal: $M:ident $T:ident),*) => {
        impl<F, Fut, $($M, $T),*> Handler<Free<($(($M, $T),)*)>> for F
        where
            F: Fn($($T),*) -> Fut + Send + Sync + 'static,
            Fut: Future + Send + 'static,
            $($T: Param<$M>),*
        {
            type Output = Fut::Output;

            #[allow(unused_variables, reason = "a function without parameters says nothing")]
            fn describe(description: &mut Description) {
                $(
                    description.at_parameter($at);
                    <$T as Param<$M>>::describe(description);
                )*
            }

            #[allow(unused_variables, reason = "a function without parameters takes nothing")]
            #[allow(refining_impl_trait, reason = "the future is the function's own")]
            fn call(&self, call: &mut Call<'_>) -> Result<Fut, Failure> {
                Ok(self($(<$T as Param<$M>>::extract(call)?),*))
            }
        }

        impl<'a, F, Fut, S: 'a, $($T),*> MethodFn<'a, S, ($($T,)*)> for F
        where
            F: Fn(&'a S, $($T),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future + Send + 'a,
        {
            type Output = Fut::Output;
            type Future = Fut;

            #[allow(non_snake_case, reason = "a parameter is named after its type")]
            fn invoke(&self, state: &'a S, ($($T,)*): ($($T,)*)) -> Fut {
                self(state, $($T),*)
            }
        }

        impl<F, S, R, $($M, $T),*> Handler<Method<S, ($(($M, $T),)*)>> for F
        where
            F: for<'a> MethodFn<'a, S, ($($T,)*), Output = R>,
            S: Send + Sync + 'static,
            R: Send + 'static,
            $($T: Param<$M>),*
        {
            type Output = R;

            fn describe(description: &mut Description) {
                description.needs_state::<S>();
                $(
                    description.at_parameter($at);
                    <$T as Param<$M>>::describe(description);
                )*
            }

            #[allow(refining_impl_trait, reason = "less is captured than the trait allows")]
            fn call(
                &self,
                call: &mut Call<'_>,
            ) -> Result<impl Future<Output = R> + Send + 'static + use<F, S, R, $($M, $T),*>, Failure>
            {
                let State(state) = call.state::<S>()?;
                let parameters = ($(<$T as Param<$M>>::extract(call)?,)*);
                let method = self.clone();
                Ok(async move { method.invoke(&state, parameters).await })
            }
        }
    };
}

each_arity!(handlers);
