//! The guide to servers: one page a feature, each with an example that compiles.
//!
//! Begin here:
//!
//! - [`start`]: a server in ten lines, running it, trying it out
//! - [`tools`]: arguments, results, errors, hints
//! - [`state`]: what handlers share, methods as tools, extractors of your own
//!
//! What else to offer:
//!
//! - [`resources`]: what can be read, under an address or a template of addresses
//! - [`prompts`]: messages to begin with
//! - [`completion`]: how an argument may go on
//!
//! What else a call can do:
//!
//! - [`calls`]: progress, cancellation, log messages
//! - [`asking`]: forms, addresses, the client's model and folders
//! - [`tasks`]: calls that go on after they were answered
//! - [`schemas`]: schemas written by hand
//!
//! What concerns the whole server:
//!
//! - `http`: at a URL, for several tenants, behind proxies (with the feature `http`)
//! - `sessions`: legacy sessions that several processes share (with the feature `http`)
//! - `authorization`: who is let in over HTTP, by which tokens (with the feature `auth`)
//! - [`profiles`]: settings, limits and tools by profile, and who may have which
//! - [`enforced_profiles`]: profiles that demand how callers were authenticated
//! - [`changes`]: items that come and go, and telling clients
//! - [`caching`]: how long clients may keep what they were told
//! - [`layers`]: what happens before and after every call
//! - [`mounting`]: servers inside others
//! - [`extensions`]: methods that the protocol does not have
//!
//! And when the compiler objects: [`type_errors`].
//!
//! The protocol itself (eras, limits, security) is in the [guide of the core](mcp_core::manual);
//! testing is in the crate `mcp-test`.

#[doc = include_str!("start.md")]
pub mod start {}

#[doc = include_str!("tools.md")]
pub mod tools {}

#[doc = include_str!("schemas.md")]
pub mod schemas {}

#[doc = include_str!("state.md")]
pub mod state {}

#[doc = include_str!("resources.md")]
pub mod resources {}

#[doc = include_str!("prompts.md")]
pub mod prompts {}

#[doc = include_str!("completion.md")]
pub mod completion {}

#[doc = include_str!("calls.md")]
pub mod calls {}

#[doc = include_str!("asking.md")]
pub mod asking {}

#[doc = include_str!("tasks.md")]
pub mod tasks {}

#[doc = include_str!("profiles.md")]
pub mod profiles {}

#[cfg(feature = "http")]
#[doc = include_str!("http.md")]
pub mod http {}

#[cfg(feature = "http")]
#[doc = include_str!("sessions.md")]
pub mod sessions {}

#[cfg(feature = "auth")]
#[doc = include_str!("authorization.md")]
pub mod authorization {}

#[doc = include_str!("enforced_profiles.md")]
pub mod enforced_profiles {}

#[doc = include_str!("changes.md")]
pub mod changes {}

#[doc = include_str!("caching.md")]
pub mod caching {}

#[doc = include_str!("layers.md")]
pub mod layers {}

#[doc = include_str!("mounting.md")]
pub mod mounting {}

#[doc = include_str!("extensions.md")]
pub mod extensions {}

#[doc = include_str!("type_errors.md")]
pub mod type_errors {}
