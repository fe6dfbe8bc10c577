//! The guide to clients: one page a feature, each with an example that compiles.
//!
//! Begin here:
//!
//! - [`connecting`]: child processes, other streams, eras, and what goes wrong
#![cfg_attr(feature = "http", doc = "- [`http`]: servers at URLs: headers, TLS, proxies, sessions")]
#![cfg_attr(
    feature = "auth",
    doc = "- [`signing_in`]: users who give consent in a browser, and what is kept of it",
    doc = "- [`machines`]: programs with a secret, a key, or an identity of their platform",
    doc = "- [`mutual_tls`]: client certificates, tokens that are bound to them, SPIFFE",
    doc = "- [`dpop`]: tokens that are bound to a key",
    doc = "- [`enterprise_managed`]: access that the identity provider of an enterprise grants",
    doc = "- [`enforced_profiles`]: a profile, and the one way to show who this client is"
)]
//! - [`calls`]: tools, results, time limits, progress, cancellation
//! - [`profiles`]: requiring profiles, and failing closed
//!
//! What servers offer besides tools:
//!
//! - [`lists`]: lists page by page, and other streams
//! - [`content`]: resources, prompts, completion
//! - [`notifications`]: what servers tell, subscriptions, log messages
//! - [`tasks`]: calls that go on after they were answered
//!
//! What a host needs:
//!
//! - [`answering`]: forms, addresses, models and folders, when servers ask
//! - [`groups`]: several servers from one file, kept running
//! - [`caching`]: keeping what servers allow to be kept
//! - [`layers`]: what happens before and after every call, and checks of what tools answer
//! - [`extensions`]: methods that the protocol does not have
//! - [`testing`]: tests without a process, and the command `mcp`
//!
//! The protocol itself (eras, limits, security) is in the [guide of the core](mcp_core::manual).

#[doc = include_str!("connecting.md")]
pub mod connecting {}

#[cfg(feature = "http")]
#[doc = include_str!("http.md")]
pub mod http {}

#[cfg(feature = "auth")]
#[doc = include_str!("signing_in.md")]
pub mod signing_in {}

#[cfg(feature = "auth")]
#[doc = include_str!("machines.md")]
pub mod machines {}

#[cfg(feature = "auth")]
#[doc = include_str!("enterprise_managed.md")]
pub mod enterprise_managed {}

#[cfg(feature = "auth")]
#[doc = include_str!("mutual_tls.md")]
pub mod mutual_tls {}

#[cfg(feature = "auth")]
#[doc = include_str!("dpop.md")]
pub mod dpop {}

#[cfg(feature = "auth")]
#[doc = include_str!("enforced_profiles.md")]
pub mod enforced_profiles {}

#[doc = include_str!("calls.md")]
pub mod calls {}

#[doc = include_str!("profiles.md")]
pub mod profiles {}

#[doc = include_str!("lists.md")]
pub mod lists {}

#[doc = include_str!("content.md")]
pub mod content {}

#[doc = include_str!("notifications.md")]
pub mod notifications {}

#[doc = include_str!("tasks.md")]
pub mod tasks {}

#[doc = include_str!("answering.md")]
pub mod answering {}

#[doc = include_str!("groups.md")]
pub mod groups {}

#[doc = include_str!("caching.md")]
pub mod caching {}

#[doc = include_str!("layers.md")]
pub mod layers {}

#[doc = include_str!("extensions.md")]
pub mod extensions {}

#[doc = include_str!("testing.md")]
pub mod testing {}
