//! The kit, tested with itself.

mod client;
mod golden;
mod hostile;
mod pair;
mod script;
mod server;
