//! The session machines of both halves, on virtual time and without any I/O.
//!
//! The invariants I1 to I7 of the profile contract are properties over random scenarios; every
//! rule has a test of its own; and whole conversations stand there byte for byte.

#[path = "../harness/mod.rs"]
mod harness;

mod agreement;
mod batches;
mod client_asked;
mod client_rules;
mod client_subscriptions;
mod era_detection;
mod honest;
mod hostile_client;
mod hostile_server;
mod invariants;
mod properties;
mod server_features;
mod server_rules;
mod transcripts;
