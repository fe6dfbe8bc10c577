//! The Model Context Protocol with profiles, as a pure state machine.

pub mod capability;
pub mod jsonrpc;
mod principal;
pub mod types;

pub use principal::{Principal, Tenant};
