//! Servers over HTTP through real sockets: many clients, clients that vanish, clients that are slow.
//!
//! A server runs in a runtime of its own, so that its tasks can be counted; its handlers, the open
//! files and the memory of this process are counted too. One test runs at a time.

mod abandoned;
mod peer;
mod rig;
mod slow;
mod vanishing;
