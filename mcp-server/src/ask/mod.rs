//! Asking the client.

mod fields;
mod form;
mod key;
mod seal;
mod used;

pub use key::CallKey;
pub use seal::{StateId, StateKeys};
pub use used::{UsedInMemory, UsedStates};
