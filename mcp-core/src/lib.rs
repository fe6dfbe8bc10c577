//! To be written.
pub mod framing;
