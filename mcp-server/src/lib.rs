//! A Model Context Protocol server with profiles: plain functions as tools.

// What `#[tool]` writes names this crate by its full path, also in the crate's own tests.
extern crate self as mcp_server;

mod argument;
mod call;
#[doc(hidden)]
pub mod check;
mod connection;
mod context;
mod description;
mod extract;
mod handler;
mod mismatch;
mod outcome;
#[cfg(test)]
mod rig;
mod schema;
#[cfg(all(test, feature = "macros"))]
mod tests;
mod tool;
pub mod transport;

pub use call::Call;
pub use context::{Amount, CallContext, Cancellation, Progress, Total};
pub use description::Description;
pub use extract::{Args, Argument, Caller, Extracted, Extractor, Param, Profiles, Settings, State};
pub use handler::{Free, Handler, Method, MethodFn};
pub use outcome::{Audio, Failure, Image, IntoToolResult, Json, Outcome, Result, ToolError};
pub use tool::{Informed, IntoTool, Noted, Tool, ToolExt, ToolFuture, ToolInfo};

#[cfg(feature = "macros")]
pub use mcp_server_macros::tool;
