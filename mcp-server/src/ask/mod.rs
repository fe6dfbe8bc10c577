//! Asking the client.

mod key;
mod seal;
mod used;

pub use key::CallKey;
pub use seal::{StateId, StateKeys};
pub use used::{UsedInMemory, UsedStates};
