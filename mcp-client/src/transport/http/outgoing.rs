//! What a message of ours is, as far as HTTP has to know: whom it concerns and which headers go
//! with it.
//!
//! The body is the truth and the headers repeat it (2026-07-28, basic/transports/streamable-http,
//! "Request Metadata"), so both are made from the same bytes.

use std::str;

use bytes::Bytes;
use mcp_core::http::header::{self, encode_value};
use mcp_core::jsonrpc::{Message, RequestId};
use mcp_core::wire::{Members, modern};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::error::HttpError;
use super::mirrors::Mirrors;

/// One message on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) bytes: Bytes,
    pub(super) kind: Kind,
    /// The headers that repeat what stands in it, for 2026-07-28 and later. Notifications do not
    /// say which version they are of.
    pub(super) headers: HeaderMap,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `initialize`: the answer may open a session.
    Initialize(i64),
    /// `tools/list` of the modern era: the answer says which headers calls need.
    ToolsList(i64),
    /// Any other request.
    Request(i64),
    /// `notifications/initialized`: nothing else may go before it is accepted.
    Initialized,
    /// `notifications/cancelled` for this request.
    Cancelled(i64),
    /// The answer to a request of the server.
    Answer,
    /// Any other notification.
    Notification,
}

impl Kind {
    /// The id of the request that it is.
    pub(super) fn request(self) -> Option<i64> {
        match self {
            Self::Initialize(id) | Self::ToolsList(id) | Self::Request(id) => Some(id),
            _ => None,
        }
    }
}

impl Outgoing {
    /// Reads a message that the session wrote.
    ///
    /// # Errors
    ///
    /// What stands in it cannot be written into a header; with the id of the request.
    pub(super) fn read(bytes: Bytes, mirrors: &Mirrors) -> Result<Self, (Option<i64>, HttpError)> {
        let text = str::from_utf8(&bytes).unwrap_or_default();
        let (kind, headers) = match Message::decode(text) {
            Ok(Message::Request(request)) => {
                let id = number(&request.id);
                let params = request.params.unwrap_or_default();
                let (mut headers, modern) =
                    headers(&request.method, &params).map_err(|error| (Some(id), error))?;
                if modern
                    && request.method == "tools/call"
                    && let Ok(Some(tool)) = params.string("name")
                {
                    mirrors.add_headers(&tool, params.raw("arguments"), &mut headers);
                }
                let kind = match &*request.method {
                    "initialize" => Kind::Initialize(id),
                    "tools/list" if modern => Kind::ToolsList(id),
                    _ => Kind::Request(id),
                };
                (kind, headers)
            }
            Ok(Message::Notification(notification)) => {
                let params = notification.params.unwrap_or_default();
                let kind = match &*notification.method {
                    "notifications/initialized" => Kind::Initialized,
                    "notifications/cancelled" => match cancelled(&params) {
                        Some(id) => Kind::Cancelled(id),
                        None => Kind::Notification,
                    },
                    _ => Kind::Notification,
                };
                let mut headers = HeaderMap::new();
                if let Ok(method) = HeaderValue::from_str(&notification.method) {
                    headers.insert(HeaderName::from_static(header::MCP_METHOD), method);
                }
                (kind, headers)
            }
            Ok(Message::Response(_)) | Err(_) => (Kind::Answer, HeaderMap::new()),
        };
        Ok(Self { bytes, kind, headers })
    }
}

/// The headers of a modern request, and whether it is one: it says so itself.
fn headers(method: &str, params: &Members<'_>) -> Result<(HeaderMap, bool), HttpError> {
    let mut headers = HeaderMap::new();
    let meta = Members::read(params.raw("_meta")).unwrap_or_default();
    let Ok(Some(version)) = meta.string(modern::PROTOCOL_VERSION) else {
        return Ok((headers, false));
    };
    let mut add = |name: HeaderName, value: &str| {
        let value = HeaderValue::from_str(value).map_err(|_| {
            HttpError::Unsendable(format!("{value:?} does not fit into the header `{name}`"))
        })?;
        headers.insert(name, value);
        Ok::<(), HttpError>(())
    };
    add(HeaderName::from_static(header::MCP_PROTOCOL_VERSION), &version)?;
    add(HeaderName::from_static(header::MCP_METHOD), method)?;
    if let Some(member) = header::name_member(method)
        && let Ok(Some(name)) = params.string(member)
    {
        add(HeaderName::from_static(header::MCP_NAME), &encode_value(&name))?;
    }
    Ok((headers, true))
}

/// The request that a notification calls off.
fn cancelled(params: &Members<'_>) -> Option<i64> {
    let id: RequestId = serde_json::from_str(params.raw("requestId")?.get()).ok()?;
    Some(number(&id))
}

/// The number of an id of ours: all of them are numbers.
fn number(id: &RequestId) -> i64 {
    match id {
        RequestId::Integer(id) => *id,
        RequestId::String(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Outgoing {
        Outgoing::read(Bytes::from_static(text.as_bytes()), &Mirrors::default()).unwrap()
    }

    fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
        let shown = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        headers.iter().map(shown).collect()
    }

    #[test]
    fn modern_request_is_repeated_in_headers() {
        let call = read(
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"süß","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
        );
        assert_eq!(call.kind, Kind::Request(7));
        let expected = [
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", "tools/call"),
            ("mcp-name", "=?base64?c8O8w58=?="),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(shown(&call.headers), expected);
    }

    #[test]
    fn kinds_are_told_apart_and_legacy_requests_have_no_headers_of_their_own() {
        for (text, kind) in [
            (r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#, Kind::Initialize(1)),
            (r#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}"#, Kind::Request(2)),
            (r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, Kind::Initialized),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}"#,
                Kind::Cancelled(3),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"#,
                Kind::Notification,
            ),
            (r#"{"jsonrpc":"2.0","id":"x","result":{}}"#, Kind::Answer),
            (r#"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":""}}"#, Kind::Answer),
        ] {
            let message = read(text);
            assert_eq!(message.kind, kind, "{text}");
            assert!(kind.request().is_none() || message.headers.is_empty(), "{text}");
        }
    }

    #[test]
    fn method_that_fits_into_no_header_is_not_sent() {
        let text = r#"{"jsonrpc":"2.0","id":7,"method":"a\nb","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
        let (id, error) =
            Outgoing::read(Bytes::from_static(text.as_bytes()), &Mirrors::default()).unwrap_err();
        assert_eq!(id, Some(7));
        assert!(error.to_string().contains("mcp-method"), "{error}");
    }
}
