//! The forms that an answer has over HTTP: a status, JSON, a stream of events.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use mcp_core::Outbox;
use mcp_core::jsonrpc::{self, ErrorCode, ErrorObject, RequestId};

use super::HttpBody;

/// A comment, which keeps a stream from being taken for dead.
pub(super) const KEEP_ALIVE: &[u8] = b":\n\n";

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Tells proxies to pass on events as they come.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = status;
    response
}

/// An answer of one JSON-RPC message.
pub(super) fn json(status: StatusCode, message: Vec<u8>) -> Response<HttpBody> {
    if message.is_empty() {
        // What was asked for was cancelled: there is nothing to say.
        return empty(StatusCode::ACCEPTED);
    }
    let mut response = Response::new(HttpBody::full(message));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// An answer that is a stream of events.
pub(super) fn events(body: HttpBody) -> Response<HttpBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// A JSON-RPC error that no session has written.
pub(super) fn error(
    status: StatusCode,
    id: Option<&RequestId>,
    error: &ErrorObject,
) -> Response<HttpBody> {
    let mut message = Vec::new();
    jsonrpc::write_error(&mut message, id, error);
    message.pop();
    json(status, message)
}

/// The status of an answer that is an error, in the modern era.
///
/// Spec: 2026-07-28, basic/transports/streamable-http, "Protocol Version Header" and "Server
/// Validation". An agreement that fails (1004) is no error of HTTP: with 400, clients of both eras
/// would try `initialize`.
pub(super) fn modern_status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        ErrorCode::PARSE_ERROR
        | ErrorCode::INVALID_REQUEST
        | ErrorCode::HEADER_MISMATCH
        | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
        | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// The status of an answer that is an error, in a legacy session.
pub(super) fn legacy_status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::PARSE_ERROR | ErrorCode::INVALID_REQUEST => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// The first message that waits, without its line feed; everything else is dropped.
pub(super) fn first_message(outbox: &mut Outbox) -> Vec<u8> {
    let one = outbox.routes().len() == 1;
    let mut message = outbox.take();
    match one {
        true => drop(message.pop()),
        // A message is one line.
        false => message.truncate(message.iter().position(|byte| *byte == b'\n').unwrap_or(0)),
    }
    message
}

/// Appends a message as an event. A message is one line, so it is one line of the event.
pub(super) fn push_event(text: &mut Vec<u8>, id: Option<&str>, message: &[u8]) {
    if let Some(id) = id {
        text.extend_from_slice(b"id: ");
        text.extend_from_slice(id.as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"event: message\ndata: ");
    text.extend_from_slice(message);
    text.extend_from_slice(b"\n\n");
}
