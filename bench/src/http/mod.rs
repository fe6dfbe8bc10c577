//! Servers over HTTP: who serves, who asks, and what is measured.
//!
//! The server has one processor and this program another. All servers get the same bytes, from
//! connections that are kept alive.

mod load;
mod measure;
mod server;
mod wire;

pub(crate) use measure::{Effort, over_floor, server as measure};
