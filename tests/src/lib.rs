//! What the tests of the SDK share.

pub mod npm;
pub mod peers;
pub mod pipe;
pub mod programs;
pub mod tap;
