//! Why something is not fetched.

use std::net::IpAddr;
use std::time::Duration;

use http::StatusCode;

use super::AddressKind;

/// Why something was not fetched; URLs are shown without their query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// It must not be fetched.
    #[error("`{url}` must not be fetched: {reason}")]
    Forbidden {
        /// What was to be fetched.
        url: Box<str>,
        /// Why it must not be.
        #[source]
        reason: Refused,
    },
    /// There is no connection, or it broke.
    #[error("`{url}` cannot be reached: {problem}")]
    Unreachable {
        /// What was to be fetched.
        url: Box<str>,
        /// What went wrong.
        problem: String,
    },
    /// The server does not have it.
    #[error("`{url}` is answered with status {status}")]
    Status {
        /// What was to be fetched.
        url: Box<str>,
        /// The status.
        status: StatusCode,
    },
    /// It is larger than it may be.
    #[error("`{url}` has more than {limit} bytes")]
    TooLarge {
        /// What was to be fetched.
        url: Box<str>,
        /// How large it may be.
        limit: usize,
    },
    /// It is not the JSON that was expected.
    #[error("`{url}` is not the JSON that was expected: {problem}")]
    NotJson {
        /// What was fetched.
        url: Box<str>,
        /// What is wrong with it.
        problem: String,
    },
    /// It took too long.
    #[error("`{url}` was not there after {limit:?}")]
    TimedOut {
        /// What was to be fetched.
        url: Box<str>,
        /// How long it may take.
        limit: Duration,
    },
    /// The fetcher itself cannot be made of what was set.
    #[error("nothing can be fetched: {0}")]
    Setup(String),
}

/// Why something must not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The scheme is not `https`, and the host is not this machine.
    #[error("only `https` is fetched, and `http` from this machine where that is allowed")]
    Scheme,
    /// The URL holds a name or password.
    #[error("it holds a name or a password: leave them out")]
    UserInfo,
    /// The address is not a public one, and was not allowed.
    #[error("{address} {kind}")]
    Address {
        /// The address.
        address: IpAddr,
        /// What is special about it.
        kind: AddressKind,
    },
    /// It redirects to another origin, to nothing, or too often.
    #[error("it redirects to another origin, or again and again")]
    Redirect,
}
