//! Where what the streams of legacy sessions have carried is kept, and the ids that name it.
mod event_id;
mod event_store;
mod events_in_memory;
mod session_id;
pub(crate) use event_id::StreamIds;
pub use event_id::{EventId, StreamId};
pub use event_store::{EventStore, Replay, StoredEvent};
pub use events_in_memory::EventsInMemory;
pub use session_id::SessionId;
