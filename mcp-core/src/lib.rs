//! The Model Context Protocol with profiles, as a pure state machine.

pub mod capability;
pub mod jsonrpc;
mod negotiate;
mod principal;
pub mod profile;
pub mod types;
pub mod version;

pub use negotiate::{Negotiated, NegotiatedParts};
pub use principal::{Principal, Tenant};
