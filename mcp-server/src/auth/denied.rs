//! Why a caller is not let in.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use mcp_auth::scope::Scopes;

/// Why a caller is not let in: what it is told, and what the audit log says.
///
/// No part of it is or holds a token, a proof or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// What the caller is told.
    pub denial: Denial,
    /// What was wrong, for the operator: lower-case, on one line, of harmless characters.
    pub reason: Cow<'static, str>,
    /// The scopes that would be enough, where scopes are what is missing.
    pub scopes: Scopes,
    /// The nonce that the next proof has to carry (RFC 9449, 9), for the header `DPoP-Nonce`.
    pub nonce: Option<Box<str>>,
}

impl Denied {
    /// A denial, and what was wrong.
    pub fn new(denial: Denial, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { denial, reason: reason.into(), scopes: Scopes::default(), nonce: None }
    }

    /// The token grants too little: these scopes would be enough.
    pub fn scopes(needed: Scopes) -> Self {
        let reason = format!("the token does not grant all of: {needed}");
        Self { scopes: needed, ..Self::new(Denial::InsufficientScope, reason) }
    }

    /// Names the nonce that the next proof has to carry.
    #[must_use]
    pub fn with_nonce(self, nonce: impl Into<Box<str>>) -> Self {
        Self { nonce: Some(nonce.into()), ..self }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.denial, self.reason)
    }
}

impl std::error::Error for Denied {}

/// What a caller that is not let in is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Denial {
    /// It showed nothing that is understood here. The challenge has no error code (RFC 6750, 3.1).
    Unauthenticated,
    /// What it showed is malformed, or shown twice.
    InvalidRequest,
    /// The token is not valid here: expired, forged, meant for somebody else, or not the caller's.
    InvalidToken,
    /// The token is valid and grants too little.
    InsufficientScope,
    /// The proof must carry a nonce of this server (RFC 9449, 9).
    UseDpopNonce,
    /// The proof does not fit the request, its token or its key, or was seen before (RFC 9449, 7.1).
    InvalidDpopProof,
    /// The token cannot be checked now. It is the server's fault, and nobody is let in meanwhile.
    Unavailable,
}

impl Denial {
    /// The `error` of the challenge, if there is one.
    #[must_use]
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Unauthenticated | Self::Unavailable => None,
            Self::InvalidRequest => Some("invalid_request"),
            Self::InvalidToken => Some("invalid_token"),
            Self::InsufficientScope => Some("insufficient_scope"),
            Self::UseDpopNonce => Some("use_dpop_nonce"),
            Self::InvalidDpopProof => Some("invalid_dpop_proof"),
        }
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest => StatusCode::BAD_REQUEST,
            Self::InsufficientScope => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unauthenticated
            | Self::InvalidToken
            | Self::UseDpopNonce
            | Self::InvalidDpopProof => StatusCode::UNAUTHORIZED,
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Unavailable => "unavailable",
            coded => coded.code().unwrap_or_default(),
        })
    }
}
