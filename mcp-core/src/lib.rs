//! The Model Context Protocol with profiles, as a pure state machine.

pub mod capability;
mod error;
pub mod framing;
pub mod jsonrpc;
mod limits;
mod negotiate;
mod outbox;
mod pending;
mod principal;
pub mod profile;
pub mod session;
pub mod types;
pub mod version;
pub mod wire;

pub use error::{Error, ToolError};
pub use limits::Limits;
pub use negotiate::{Negotiated, NegotiatedParts, ServerFacts};
pub use outbox::{Outbox, Route, Transmit};
pub use pending::{CallId, TimeoutKind, Timeouts};
pub use principal::{Principal, Tenant};
