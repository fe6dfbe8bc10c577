//! Functions as resources.

use std::borrow::Cow;

use mcp_core::types::{CacheHints, Icon};

use super::{IntoResourceResult, IntoResources, Resource};
use crate::extract::Param;
use crate::handler::{Free, Handler, Method, MethodFn, each_arity};
use crate::tool::{Informed, Noted};

/// What can be added to a server as a resource: a `#[resource]` function or method, or a
/// [`Resource`].
///
/// `M` tells the kinds apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    label = "not a resource",
    note = "write `#[resource(\"uri\")]` above the function, or use `Resource::new(\"uri\").handler(f)`"
)]
pub trait IntoResource<M> {
    /// The resource.
    fn into_resource(self) -> Resource;
}

impl IntoResource<()> for Resource {
    fn into_resource(self) -> Resource {
        self
    }
}

/// The methods of [`Resource`] that are wanted on a bare `#[resource]` function.
pub trait ResourceExt<M>: IntoResource<M> + Sized {
    /// See [`Resource::name`].
    fn name(self, name: impl Into<Cow<'static, str>>) -> Resource {
        self.into_resource().name(name)
    }

    /// See [`Resource::title`].
    fn title(self, title: impl Into<String>) -> Resource {
        self.into_resource().title(title)
    }

    /// See [`Resource::description`].
    fn description(self, description: impl Into<String>) -> Resource {
        self.into_resource().description(description)
    }

    /// See [`Resource::icon`].
    fn icon(self, icon: Icon) -> Resource {
        self.into_resource().icon(icon)
    }

    /// See [`Resource::requires`].
    fn requires(self, profile: impl Into<Cow<'static, str>>) -> Resource {
        self.into_resource().requires(profile)
    }

    /// See [`Resource::scopes`].
    fn scopes<S: Into<Cow<'static, str>>>(self, scopes: impl IntoIterator<Item = S>) -> Resource {
        self.into_resource().scopes(scopes)
    }

    /// See [`Resource::cache`].
    fn cache(self, hints: CacheHints) -> Resource {
        self.into_resource().cache(hints)
    }

    /// See [`Resource::list`].
    fn list<H, N>(self, handler: H) -> Resource
    where
        H: Handler<N>,
        H::Output: IntoResources,
    {
        self.into_resource().list(handler)
    }
}

impl<M, T: IntoResource<M>> ResourceExt<M> for T {}

/// A future that knows the resource it is a call of: what a `#[resource]` function returns.
#[diagnostic::on_unimplemented(
    message = "this function is not a resource",
    label = "its future does not say which resource it belongs to",
    note = "write `#[resource(\"uri\")]` above the function, or use `Resource::new(\"uri\").handler(f)`"
)]
#[must_use = "futures do nothing unless they are awaited"]
pub trait ResourceFuture: Future + Send {
    /// The resource.
    type Info: ResourceInfo;
}

/// The resource that a `#[resource]` function is, without its handler.
pub trait ResourceInfo: 'static {
    /// URI, name, description, names of the parameters, completions.
    fn resource() -> Resource;
}

impl<I: ResourceInfo, F: Future + Send> ResourceFuture for Informed<I, F> {
    type Info = I;
}

macro_rules! resources {
    ($($at:literal: $M:ident $T:ident),*) => {
        impl<F, Fut, $($M, $T),*> IntoResource<Noted<Free<($(($M, $T),)*)>>> for F
        where
            F: Fn($($T),*) -> Fut + Send + Sync + 'static,
            Fut: ResourceFuture + 'static,
            Fut::Output: IntoResourceResult,
            $($T: Param<$M>),*
        {
            fn into_resource(self) -> Resource {
                Fut::Info::resource().handler::<F, Free<($(($M, $T),)*)>>(self)
            }
        }

        impl<F, S, R, $($M, $T),*> IntoResource<Noted<Method<S, ($(($M, $T),)*)>>> for F
        where
            F: for<'a> MethodFn<'a, S, ($($T,)*), Output = R>,
            for<'a> <F as MethodFn<'a, S, ($($T,)*)>>::Future: ResourceFuture,
            S: Send + Sync + 'static,
            R: IntoResourceResult + Send + 'static,
            $($T: Param<$M>),*
        {
            fn into_resource(self) -> Resource {
                type Info<F, S, P> =
                    <<F as MethodFn<'static, S, P>>::Future as ResourceFuture>::Info;
                Info::<F, S, ($($T,)*)>::resource()
                    .handler::<F, Method<S, ($(($M, $T),)*)>>(self)
            }
        }
    };
}

each_arity!(resources);
