//! The seam between what checks tokens and what asks it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use mcp_core::Principal;

use super::{Denied, Presented};

/// What checks tokens.
///
/// [`JwtValidator`](super::JwtValidator) checks signed ones, [`Introspection`](super::Introspection)
/// asks the authorization server; implement this for tokens of another kind. It is asked for every
/// request, also for those of one session.
///
/// # Cancel safety
///
/// The future may be dropped at any time: the caller is gone then.
pub trait TokenValidator: fmt::Debug + Send + Sync + 'static {
    /// Says who presents a token.
    ///
    /// The caller must hold everything that the token is bound to, and the token must be meant for
    /// this resource. Which scopes a request needs is checked by others.
    ///
    /// # Errors
    ///
    /// The caller is not let in.
    fn validate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Admitted, Denied>>;

    /// Says what it demands in the metadata of the resource (RFC 9728, 2), which challenges follow:
    /// the authorization servers whose tokens it accepts, and what tokens have to be bound to.
    fn describe(&self, metadata: &mut ProtectedResourceMetadata) {
        let _ = metadata;
    }
}

/// One validator for several places.
impl<V: TokenValidator + ?Sized> TokenValidator for Arc<V> {
    fn validate<'a>(&'a self, presented: Presented<'a>) -> BoxFuture<'a, Result<Admitted, Denied>> {
        (**self).validate(presented)
    }

    fn describe(&self, metadata: &mut ProtectedResourceMetadata) {
        (**self).describe(metadata);
    }
}

/// A caller whose token was checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Admitted {
    /// Who calls, with [how that is known](Principal::authentication).
    pub principal: Principal,
    /// When the token expires: what the request has opened must not outlive it.
    pub expires_at: Option<SystemTime>,
    /// The nonce that the next proof has to carry, for the header `DPoP-Nonce` of the answer.
    pub nonce: Option<Box<str>>,
}

impl Admitted {
    /// Lets a caller in.
    pub fn new(principal: Principal) -> Self {
        Self { principal, expires_at: None, nonce: None }
    }

    /// Says when its token expires.
    #[must_use]
    pub fn until(self, expires_at: SystemTime) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }

    /// Names the nonce that the next proof has to carry.
    #[must_use]
    pub fn with_nonce(self, nonce: impl Into<Box<str>>) -> Self {
        Self { nonce: Some(nonce.into()), ..self }
    }
}
