//! Where legacy sessions and their events are kept.
//!
//! Owns the two traits behind which that can be another place than this process, the ones in memory,
//! and the ids that both go by. A store keeps and gives back; it decides nothing, and what a message
//! or a record says is nothing to it. The modern era needs neither: each of its requests describes
//! itself, and its streams are not resumed.
//!
//! [`EventStore`] is about one process and its clients' connections: what a stream has carried can be
//! sent again (2025-11-25, basic/transports, "Resumability and Redelivery"). [`SessionStore`] is
//! about several processes behind one address: each can go on with a session that another began.

mod event_id;
mod event_store;
mod events_in_memory;
mod session_id;
mod session_store;
mod sessions_in_memory;

pub use mcp_core::session::server::SessionRecord;

pub(crate) use event_id::StreamIds;
pub use event_id::{EventId, StreamId};
pub use event_store::{EventStore, Replay, StoredEvent};
pub use events_in_memory::EventsInMemory;
pub use session_id::SessionId;
pub use session_store::{Revision, SessionStore, StoredSession};
pub use sessions_in_memory::SessionsInMemory;
