//! The ways to reach a server.
//!
//! A transport moves bytes and knows when the other side is gone. It does not
//! know what the bytes mean: messages, versions and profiles belong to the
//! layers above.

pub mod child_process;

pub use child_process::{ChildProcess, SpawnError, Stderr};
