//! What Streamable HTTP adds to messages, without doing any HTTP.
//!
//! Owns the names and values of MCP's headers ([`header`]), which of them mirror the body
//! ([`param`], [`mirror`]), the text of event streams ([`sse`]), and where a server's declaration of
//! profiles lies ([`well_known`]). Does not know requests, connections, sessions or any HTTP
//! library: a transport hands in bytes and names, and takes values.
//!
//! Rules: 2026-07-28, basic/transports/streamable-http; for the legacy era 2025-11-25,
//! basic/transports, "Streamable HTTP".

pub mod header;
pub mod mirror;
pub mod param;
mod posted;
pub mod sse;
pub mod well_known;

pub use posted::{Posted, version_in_body};
