//! To be written.

pub mod capability;
pub mod types;
