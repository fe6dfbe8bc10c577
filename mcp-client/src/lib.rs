//! A client for the Model Context Protocol with profiles.
//!
//! A [`Client`] exists only once client and server have agreed: on a protocol version, and on every
//! profile that the client requires. Until then nothing of the caller's leaves the process.
//!
//! ```no_run
//! use std::time::Duration;
//! use mcp_client::{ChildProcess, Client, Error};
//! use serde_json::json;
//!
//! const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Error> {
//!     let server = ChildProcess::new("vidsrus-server").args(["--catalogue", "films.json"]);
//!     let client = Client::builder("viewer", "1.0")
//!         .require(PREMIUM)
//!         .idle_timeout(Duration::from_secs(30))
//!         .connect(server)
//!         .await?;
//!     let result = client.call_tool("search", json!({ "text": "nosferatu" })).await?;
//!     tracing::info!("{result:?} under {:?}", client.negotiated().profiles());
//!     client.shutdown().await;
//!     Ok(())
//! }
//! ```
//!
//! What a server asks for is answered by handlers, in both eras alike; setting one declares that the
//! client can be asked:
//!
//! ```no_run
//! # async fn connect(server: mcp_client::ChildProcess) -> Result<(), mcp_client::Error> {
//! use mcp_client::Client;
//! use mcp_client::types::{ElicitAction, Root};
//! use serde_json::json;
//!
//! let client = Client::builder("viewer", "1.0")
//!     .on_form(|form| async move {
//!         tracing::info!("{}", form.message);
//!         json!({ "title": "nosferatu" })
//!     })
//!     .on_url(|url| async move {
//!         tracing::info!("{} ({})", url.message, url.url);
//!         ElicitAction::Decline
//!     })
//!     .roots([Root::new("file:///srv/films")])
//!     .connect(server)
//!     .await?;
//! # let _ = client;
//! # Ok(())
//! # }
//! ```
//!
//! The guide is [`manual`], one page a feature.
//!
//! How it is made: [`mcp_core`] decides what is said when and does no I/O. Here a task for each
//! connection reads, writes and keeps the time; callers write their requests into a shared outbox
//! and decode results in their own tasks.

mod audit;
#[cfg(feature = "auth")]
pub mod auth;
mod builder;
mod cache;
mod call;
mod client;
#[cfg_attr(not(feature = "auth"), allow(dead_code, reason = "only authorization holds it"))]
mod clock;
pub mod config;
mod decode;
mod driver;
pub mod group;
mod handshake;
mod input;
mod layer;
pub mod manual;
mod noise;
mod notification;
#[cfg(feature = "json-schema")]
mod output;
mod pages;
mod params;
mod progress;
mod shared;
mod subscription;
mod tasks;
mod text;
pub mod transport;

pub use builder::ClientBuilder;
pub use cache::Cache;
pub use call::{Call, ProgressStream};
pub use client::Client;
pub use config::{Config, ConfigError, ServerConfig};
pub use group::ClientGroup;
pub use input::{BoxError, FormHandler, IntoAnswer, RootsHandler, SampleHandler, UrlHandler};
pub use layer::{
    Audit, Audited, ConcurrencyLimit, FromFn, FromFnService, InTrace, Limited, Next, OutgoingCall,
    RateLimit, RateLimited, RawResult, TimedOut, Timeout, TraceContext, from_fn,
};
pub use mcp_core::capability::ClientCapabilities;
pub use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
pub use mcp_core::profile::{
    Declaration, NegotiatedProfiles, ProfileUrl, Reason, ReasonKind, Rejection, RejectionKind,
};
pub use mcp_core::session::client::{Agreed, EraChoice};
pub use mcp_core::types;
pub use mcp_core::types::{
    CallToolResult, ContentBlock, Cursor, ListToolsResult, ResourceContents, Tool,
};
pub use mcp_core::version::{Era, ProtocolVersion};
pub use mcp_core::{Error, ExtensionId, InputError, Limits, OutputError, TimeoutKind, ToolError};
pub use notification::{NotificationKind, Notifications, ServerNotification};
pub use pages::{Items, Prompts, ResourceTemplates, Resources, Tools};
pub use progress::Progress;
pub use subscription::Subscription;
pub use tasks::{Begun, TASKS};
pub use transport::child_process::{Ended, Ending, Exit};
#[cfg(feature = "http")]
pub use transport::http::{Http, HttpError, HttpStatus, discover_profiles};
pub use transport::{
    ChildProcess, Direction, IntoTransport, Io, SpawnError, Stderr, Traced, Transport,
    TransportKind,
};
