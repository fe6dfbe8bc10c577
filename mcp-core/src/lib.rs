//! The Model Context Protocol with profiles, as a pure state machine.
//!
//! This crate owns what client and server share: messages, both eras of the protocol, the profile
//! contract and the session machines. It does not know sockets, processes, clocks, runtimes or
//! handlers; [`mcp-server`](https://docs.rs/mcp-server) and
//! [`mcp-client`](https://docs.rs/mcp-client) drive it.
//!
//! The driving contract is one sentence: **after every input, send what lies in the [`Outbox`] and
//! do what the events say.** [`session::server::ServerSession`] and
//! [`session::client::ClientSession`] each show a complete loop, and [`manual`] is the guide.

pub mod authentication;
pub mod capability;
mod error;
mod extension;
pub mod framing;
pub mod http;
pub mod jsonrpc;
mod limits;
pub mod manual;
mod negotiate;
mod outbox;
mod pending;
mod principal;
pub mod profile;
pub mod session;
pub mod types;
pub mod uri_template;
pub mod version;
pub mod wire;

pub use error::{Error, InputError, OutputError, ToolError};
pub use extension::{ExtensionId, InvalidExtensionId};
pub use limits::Limits;
pub use negotiate::{Negotiated, NegotiatedParts, ServerFacts};
pub use outbox::{FrameId, Outbox, Route, Transmit};
pub use pending::{CallId, TimeoutKind, Timeouts};
pub use principal::{Principal, Tenant};
