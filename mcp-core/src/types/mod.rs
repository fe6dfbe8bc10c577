//! The types that MCP messages are made of, one file for each page of the specification.
//!
//! There is one model for all protocol revisions from 2024-11-05 to 2026-07-28. Names are those of
//! the schema, so a search there finds the code here. A field that only some revisions have is
//! optional here.
//!
//! What this module does not know: which revision is in use, and the fields that envelope and era
//! decide. `resultType`, the cache hints of a result, `inputResponses`, `requestState`, `task` and
//! the `_meta` of params and results are read and written by the codecs. Result types keep what a
//! codec found in [`meta`](CallToolResult::meta) and [`cache`](ListToolsResult::cache), and never
//! write these two themselves.
//!
//! Two rules hold for every type here. What is absent is not written, and never becomes `null`.
//! What is unknown is passed over when read, except where the documentation says that it is kept.

mod caching;
mod cancellation;
mod content;
mod implementation;
mod lifecycle;
mod logging;
mod meta;
mod number;
mod open;
mod pagination;
mod progress;
mod raw;
mod tool;

pub use caching::{CacheHints, CacheScope};
pub use cancellation::CancelledNotificationParams;
pub use content::{
    Annotations, AudioContent, BlobResourceContents, ContentBlock, EmbeddedResource, ImageContent,
    ResourceContents, ResourceLink, Role, TextContent, TextResourceContents,
};
pub use implementation::{Icon, IconTheme, Implementation};
pub use lifecycle::{DiscoverResult, InitializeRequestParams, InitializeResult};
pub use logging::LoggingLevel;
pub use meta::{Meta, is_reserved_meta_key, is_valid_extension_id, is_valid_meta_key};
pub use pagination::{Cursor, PaginatedRequestParams};
pub use progress::{ProgressNotificationParams, ProgressToken};
pub use raw::{RawObject, RawObjectError};
pub use tool::{
    CallToolRequestParams, CallToolRequestParamsRef, CallToolResult, ListToolsResult, Schema,
    TaskSupport, Tool, ToolAnnotations, ToolExecution, is_valid_tool_name,
};
