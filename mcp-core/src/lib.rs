//! The Model Context Protocol with profiles, as a pure state machine.

pub mod jsonrpc;
mod principal;

pub use principal::{Principal, Tenant};
