//! A Model Context Protocol server with profiles: plain functions as tools, prompts and resources.
//!
//! A function becomes a tool with [`macro@tool`] or by hand with [`Tool`]. What it takes says what it
//! needs: plain parameters and [`Args`] are arguments, [`State`], [`Settings`], [`Profiles`],
//! [`Caller`] and [`CallContext`] are extracted. With [`Ask`], [`AskUrl`], [`Sample`] or [`Roots`] it
//! asks the client, and is called again with the answers. What it returns says how it ended: text, content,
//! [`Json`], or a [`Result`] whose errors are told apart ([`ToolError`] for the model,
//! [`ErrorObject`] for the client, everything else for the log).
//!
//! ```no_run
//! # #[cfg(feature = "macros")]
//! # mod example {
//! use mcp_server::{Caller, Entitlement, Error, Profile, Server, Settings, tool};
//!
//! const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";
//! const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";
//!
//! struct MaxHeight(u32);
//!
//! /// Says how tall a picture of a title may be.
//! #[tool]
//! async fn height(title: String, max: Settings<MaxHeight>) -> String {
//!     format!("{title}: {} lines", max.0)
//! }
//!
//! async fn entitled(caller: Caller) -> Entitlement {
//!     if caller.has("plan", "paid") { Entitlement::all() } else { Entitlement::only([STANDARD]) }
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Error> {
//!     let premium = Profile::new(PREMIUM).settings(MaxHeight(1080));
//!     let standard = Profile::new(STANDARD).settings(MaxHeight(480)).by_default();
//!     let server = Server::builder("heights", "1.0").exclusive([premium, standard]);
//!     server.entitlement(entitled).tool(height).serve_stdio().await
//! }
//! # }
//! ```
//!
//! `#[prompt]` and `#[resource]` make prompts and resources in the same way, and [`Prompt`] and
//! [`Resource`] by hand.
//!
#![cfg_attr(feature = "macros", doc = "The guide is [`manual`], one page a feature.")]
//! The protocol itself and its limits are in [`mcp_core`].

// What `#[tool]` writes names this crate by its full path, also in the crate's own tests.
extern crate self as mcp_server;

mod argument;
mod ask;
#[cfg(feature = "auth")]
pub mod auth;
mod call;
#[doc(hidden)]
pub mod check;
#[cfg(feature = "json-schema")]
mod checked;
mod completion;
mod connection;
mod context;
mod description;
mod extension;
mod extract;
mod fields;
mod handler;
#[cfg(feature = "http")]
pub mod http;
mod item;
mod layer;
#[cfg(feature = "tracing-subscriber")]
mod log_to_client;
#[cfg(feature = "macros")]
pub mod manual;
mod mismatch;
mod outcome;
mod prompt;
mod requires;
mod resource;
#[cfg(test)]
mod rig;
mod schema;
mod server;
mod strings;
mod tasks;
#[cfg(all(test, feature = "macros"))]
mod tests;
mod tool;
pub mod transport;

pub use ask::{
    Answers, Ask, AskUrl, CallKey, InputRequired, Question, Roots, Sample, StateId, StateKeys,
    Unanswered, UsedInMemory, UsedStates,
};
pub use call::Call;
pub use completion::{IntoCompletion, Typed};
pub use context::{Amount, CallContext, Cancellation, Progress, Total};
pub use description::Description;
pub use extension::{Extension, ExtensionMethod, IntoMethodResult};
pub use extract::{Args, Argument, Caller, Extracted, Extractor, Param, Profiles, Settings, State};
pub use handler::{Free, Handler, Method, MethodFn};
pub use item::CallKind;
pub use layer::{
    Audit, Audited, ConcurrencyLimit, FromFn, FromFnService, Limited, Next, RateLimit, RateLimited,
    Span, Spans, TimedOut, Timeout, ToolCall, from_fn,
};
#[cfg(feature = "tracing-subscriber")]
pub use log_to_client::LogToClient;
pub use mcp_core::authentication::{Authentication, Binding};
pub use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
pub use mcp_core::profile::{
    Declaration, Entitlement, NegotiatedProfiles, ProfileUrl, RequiredAuthentication,
};
pub use mcp_core::types;
pub use mcp_core::types::{
    Annotations, CacheHints, CallToolResult, Completion, ContentBlock, GetPromptResult, Icon,
    Implementation, LoggingLevel, Meta, PromptMessage, ReadResourceResult, ResourceContents, Role,
    Schema, ToolAnnotations,
};
pub use mcp_core::version::{Era, ProtocolVersion};
pub use mcp_core::{CallId, Error, ExtensionId, Limits, Negotiated, Principal, Tenant};
pub use outcome::{Audio, Failure, Image, IntoToolResult, Json, Outcome, Result, ToolError};
pub use prompt::{IntoPrompt, IntoPromptResult, Prompt, PromptExt, PromptFuture, PromptInfo};
pub use resource::{
    IntoResource, IntoResourceResult, IntoResources, Requested, Resource, ResourceExt,
    ResourceFuture, ResourceInfo, ResourceUri,
};
pub use server::{Builder, Profile, Server};
pub use tasks::{TASKS, TaskMode, TaskRecord, TaskStore, Tasks, TasksInMemory};
pub use tool::{Informed, IntoTool, Noted, Tool, ToolExt, ToolFuture, ToolInfo};

#[cfg(feature = "macros")]
pub use mcp_server_macros::{prompt, resource, tool};
