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
//! write these two themselves. What a client answers to a server ([`ElicitResult`],
//! [`CreateMessageResult`], [`ListRootsResult`]) is written whole, `_meta` included: since 2026-07-28 it
//! is a part of a request, and no codec adds to it.
//!
//! Two rules hold for every type here. What is absent is not written, and never becomes `null`.
//! What is unknown is passed over when read, except where the documentation says that it is kept.

mod caching;
mod cancellation;
mod completion;
mod content;
mod elicitation;
mod implementation;
mod lifecycle;
mod logging;
mod meta;
mod mrtr;
mod number;
mod open;
mod ordered;
mod pagination;
mod params;
mod progress;
mod prompt;
mod raw;
mod resource;
mod roots;
mod sampling;
mod subscriptions;
mod task;
mod tool;
mod trace_context;

pub use caching::{CacheHints, CacheScope};
pub use cancellation::CancelledNotificationParams;
pub use completion::{
    CompleteRequestParams, CompleteResult, Completion, CompletionArgument, CompletionContext,
    CompletionReference, MOST_COMPLETION_VALUES, PromptReference, ResourceTemplateReference,
};
pub use content::{
    Annotations, AudioContent, BlobResourceContents, ContentBlock, EmbeddedResource, ImageContent,
    ResourceContents, ResourceLink, Role, TextContent, TextResourceContents,
};
pub use elicitation::{
    BooleanSchema, ContentProblem, ElicitAction, ElicitRequestFormParams, ElicitRequestParams,
    ElicitRequestURLParams, ElicitResult, ElicitationCompleteNotificationParams, ElicitationSchema,
    EnumOption, InvalidContent, MultiSelectEnumSchema, NumberKind, NumberSchema,
    PrimitiveSchemaDefinition, SingleSelectEnumSchema, StringFormat, StringSchema,
    URLElicitationRequiredData,
};
pub use implementation::{Icon, IconTheme, Implementation};
pub use lifecycle::{DiscoverResult, InitializeRequestParams, InitializeResult};
pub use logging::{LoggingLevel, LoggingMessageNotificationParams, SetLevelRequestParams};
pub use meta::{Meta, is_reserved_meta_key, is_valid_extension_id, is_valid_meta_key};
pub use mrtr::{
    InputRequest, InputRequests, InputRequiredResult, InputResponse, InputResponseRequestParams,
    InputResponses,
};
pub use pagination::{Cursor, PaginatedRequestParams};
pub use progress::{ProgressNotificationParams, ProgressToken};
pub use prompt::{
    GetPromptRequestParams, GetPromptRequestParamsRef, GetPromptResult, ListPromptsResult, Prompt,
    PromptArgument, PromptMessage,
};
pub use raw::{RawObject, RawObjectError};
pub use resource::{
    ListResourceTemplatesResult, ListResourcesResult, ReadResourceRequestParams,
    ReadResourceRequestParamsRef, ReadResourceResult, Resource, ResourceTemplate,
    ResourceUpdatedNotificationParams, SubscribeRequestParams, UnsubscribeRequestParams,
};
pub use roots::{ListRootsResult, Root};
pub use sampling::{
    CreateMessageRequestParams, CreateMessageResult, IncludeContext, ModelHint, ModelPreferences,
    SamplingContent, SamplingMessage, SamplingMessageContentBlock, StopReason, ToolChoice,
    ToolChoiceMode, ToolResultContent, ToolTurnError, ToolUseContent,
};
pub use subscriptions::{
    SubscriptionFilter, SubscriptionsAcknowledgedNotificationParams,
    SubscriptionsListenRequestParams, SubscriptionsListenResult,
};
pub use task::{
    CancelTaskRequestParams, CreateTaskResult, DetailedTask, GetTaskRequestParams, GetTaskResult,
    TASK_RESULT_TYPE, TASKS_EXTENSION, Task, TaskDetail, TaskStatus, TaskStatusNotificationParams,
    UpdateTaskRequestParams,
};
pub use tool::{
    CallToolRequestParams, CallToolRequestParamsRef, CallToolResult, ListToolsResult, Schema,
    TaskSupport, Tool, ToolAnnotations, ToolExecution, is_valid_tool_name,
};
pub use trace_context::{Scoped, TraceContext};
