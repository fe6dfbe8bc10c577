//! The session machines: what may be said when, for both halves and both eras.
//!
//! Both are driven the same way, and the whole contract is one sentence: **after every input,
//! send what lies in the [`Outbox`](crate::Outbox) and do what the events say.** Nothing here
//! reads a clock, a socket or a random number; time is passed in, and the next moment at which
//! something happens by itself is a value.

pub mod client;
mod frame;
pub mod server;

pub use frame::{Decoded, Frame, FrameMessage};
