//! What protects a request that was let in, for whatever finds out later that it needs more.

use std::sync::Arc;

use http::Response;
use mcp_auth::scope::Scopes;

use super::place::Place;
use super::{Denial, Scheme};
use crate::http::HttpBody;

/// What protects the resource that a request is for, as an extension of the request.
///
/// [`AuthorizationLayer`](super::AuthorizationLayer) adds it to each request that it lets pass, also
/// without a token where that is [optional](super::Protected::optional). The endpoint of a server
/// refuses with it what needs [more scopes](crate::Tool::scopes); routes beside it can do the same.
///
/// # Examples
/// ```
/// use axum::Extension;
/// use mcp_server::Principal;
/// use mcp_server::auth::Protection;
/// use mcp_server::http::HttpBody;
///
/// async fn export(
///     Extension(caller): Extension<Principal>,
///     Extension(protection): Extension<Protection>,
/// ) -> Result<&'static str, http::Response<HttpBody>> {
///     match caller.authentication() {
///         Some(known) if known.has_scope("films:export") => Ok("all films"),
///         _ => Err(protection.needs(["films:export"])),
///     }
/// }
/// # let _: axum::Router = axum::Router::new().route("/export", axum::routing::get(export));
/// ```
#[derive(Debug, Clone)]
pub struct Protection {
    pub(super) place: Arc<Place>,
    /// The scheme of the token, if there was one.
    pub(super) shown: Option<Scheme>,
}

impl Protection {
    /// The identifier of the resource.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.place.resource.as_str()
    }

    /// Refuses the request for want of these scopes: 403 with `insufficient_scope`, or 401 where no
    /// token was shown (RFC 6750, 3.1).
    ///
    /// The challenge names them and those that every request needs.
    #[must_use]
    pub fn needs<S: AsRef<str>>(&self, scopes: impl IntoIterator<Item = S>) -> Response<HttpBody> {
        let denial = match self.shown {
            Some(_) => Denial::InsufficientScope,
            None => Denial::Unauthenticated,
        };
        let needed: Scopes = scopes.into_iter().collect();
        self.place.refuse(denial, self.shown, &needed)
    }
}
