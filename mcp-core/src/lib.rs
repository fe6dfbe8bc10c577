//! The Model Context Protocol with profiles, without I/O, clock or runtime.

pub mod profile;
pub mod version;
