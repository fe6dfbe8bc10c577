//! Ways for a server to be reached.
//!
//! A transport moves bytes and knows nothing of what they say.

pub mod stdio;
