//! Streamable HTTP: the endpoint of a server, in both eras.

#![allow(dead_code)] // until the edge is there

mod answer;
mod body;
mod endpoint;
#[cfg(test)]
mod endpoint_tests;
mod exchange;
mod outlet;
mod session;
mod sessions;
mod settings;
mod store;
pub use store::{EventId, EventStore, EventsInMemory, Replay, SessionId, StoredEvent, StreamId};

pub use body::HttpBody;
