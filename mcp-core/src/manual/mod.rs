//! The guide to the protocol: how things work together, and why the defaults are what they are.
//!
//! - [`eras`]: five revisions, two eras, and how each side finds out what the other speaks
//! - [`profiles`]: declaring, requesting and agreeing, and what happens without agreement
//! - [`limits`]: every bound, its default, and what happens beyond it
//! - [`security`]: what the library does for you, and what it leaves to you
//!
//! How a server is written, feature by feature, is in the guide of
//! [`mcp-server`](https://docs.rs/mcp-server/latest/mcp_server/manual/), and how a client is in that of
//! [`mcp-client`](https://docs.rs/mcp-client/latest/mcp_client/manual/).

#[doc = include_str!("eras.md")]
pub mod eras {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("profiles.md")]
pub mod profiles {}

#[doc = include_str!("security.md")]
pub mod security {}
