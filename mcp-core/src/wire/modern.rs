//! The codec of 2026-07-28 and later: no handshake, every request describes itself in `_meta`.
//!
//! Spec: 2026-07-28, basic/index, "`_meta`".

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{Members, Method, OpenObject};
use crate::capability::ClientCapabilities;
use crate::jsonrpc::ErrorObject;
use crate::profile;
use crate::types::{Implementation, LoggingLevel, Meta};

/// The requests that a modern client may send.
pub const METHODS: &[Method] = &[
    Method::ToolsCall,
    Method::ToolsList,
    Method::ResourcesRead,
    Method::ResourcesList,
    Method::ResourcesTemplatesList,
    Method::PromptsGet,
    Method::PromptsList,
    Method::CompletionComplete,
    Method::SubscriptionsListen,
    Method::ServerDiscover,
];

/// `_meta` key of the protocol version of a request.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// `_meta` key of the name and version of the client.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// `_meta` key of the client's capabilities for a request.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// `_meta` key of the name and version of the server.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// `_meta` key of the level from which on a request wants log messages.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// `_meta` key that names the `subscriptions/listen` request to which a message belongs.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// `_meta` key of the progress token, in both eras.
pub const PROGRESS_TOKEN: &str = "progressToken";
/// `_meta` key of the trace that a request belongs to, after W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";
/// `_meta` key of what vendors add to the trace, after W3C Trace Context.
pub const TRACESTATE: &str = "tracestate";
/// `_meta` key of what travels with the trace, after W3C Baggage.
pub const BAGGAGE: &str = "baggage";
/// `resultType` of a result that is final.
pub const COMPLETE: &str = "complete";
/// `resultType` of a result that asks for input.
pub const INPUT_REQUIRED: &str = "input_required";

/// Whether a `_meta` key of a result is written by the library.
pub(crate) fn is_reserved(key: &str) -> bool {
    key == SERVER_INFO || key == profile::EXTENSION
}

/// What a modern request says about itself, still borrowed.
#[derive(Debug, Clone)]
pub(crate) struct RequestMeta<'a> {
    pub(crate) protocol_version: Cow<'a, str>,
    pub(crate) client_info: Option<&'a RawValue>,
    pub(crate) client_capabilities: &'a RawValue,
}

impl<'a> RequestMeta<'a> {
    /// Whether a request belongs to the modern era.
    pub(crate) fn marks(meta: &Members<'_>) -> bool {
        meta.raw(PROTOCOL_VERSION).is_some() || meta.raw(CLIENT_CAPABILITIES).is_some()
    }

    /// Reads the required members; a request without them is malformed (`-32602`).
    pub(crate) fn read(meta: &Members<'a>) -> Result<Self, ErrorObject> {
        let invalid = |problem: String| ErrorObject::invalid_params(format!("`_meta`: {problem}"));
        let missing = |key: &str| invalid(format!("`{key}` is missing"));
        let protocol_version = meta
            .string(PROTOCOL_VERSION)
            .map_err(|e| invalid(e.to_string()))?
            .ok_or_else(|| missing(PROTOCOL_VERSION))?;
        let client_capabilities =
            meta.raw(CLIENT_CAPABILITIES).ok_or_else(|| missing(CLIENT_CAPABILITIES))?;
        Ok(Self { protocol_version, client_info: meta.raw(CLIENT_INFO), client_capabilities })
    }

    /// Decodes who the client says it is and what it can do.
    pub(crate) fn decode(
        &self,
    ) -> Result<(Option<Implementation>, ClientCapabilities), ErrorObject> {
        let invalid =
            |key, e| ErrorObject::invalid_params(format!("`_meta`: `{key}` is malformed: {e}"));
        let capabilities = serde_json::from_str(self.client_capabilities.get())
            .map_err(|e| invalid(CLIENT_CAPABILITIES, e))?;
        let info = self
            .client_info
            .map(|raw| serde_json::from_str(raw.get()))
            .transpose()
            .map_err(|e| invalid(CLIENT_INFO, e))?;
        Ok((info, capabilities))
    }
}

/// Whether a `_meta` key of a request is written by the library.
pub fn is_reserved_in_requests(key: &str) -> bool {
    [PROTOCOL_VERSION, CLIENT_INFO, CLIENT_CAPABILITIES, LOG_LEVEL, PROGRESS_TOKEN].contains(&key)
        || key == profile::EXTENSION
}

/// Members of one request's `_meta`, besides what is the same in every request.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OwnMeta<'a> {
    pub(crate) progress_token: Option<i64>,
    pub(crate) log_level: Option<LoggingLevel>,
    /// What the caller adds; keys that the library writes are left out.
    pub(crate) more: Option<&'a Meta>,
}

/// Begins `params` with `_meta`: what is the same in every request, encoded, and what is not.
pub(crate) fn open_params<'a>(
    out: &'a mut Vec<u8>,
    encoded: &[u8],
    own: &OwnMeta<'_>,
) -> OpenObject<'a> {
    let mut params = OpenObject::new(out);
    params.name("_meta");
    let mut meta = OpenObject::new(params.out);
    meta.encoded(encoded);
    if let Some(token) = own.progress_token {
        meta.member(PROGRESS_TOKEN, &token).expect("an integer is JSON");
    }
    if let Some(level) = own.log_level {
        meta.member(LOG_LEVEL, &level).expect("a level is a JSON string");
    }
    for (key, value) in own.more.into_iter().flat_map(Meta::iter) {
        if !is_reserved_in_requests(key) {
            meta.member(key, value).expect("a tree of JSON is JSON");
        }
    }
    meta.close();
    params
}
