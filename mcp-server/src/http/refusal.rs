//! Answers to requests that do not get as far as the protocol.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use serde::Serialize;

use super::HttpBody;

/// Why a request is not answered by a server: a status, and what to do about it.
///
/// The body is a JSON-RPC error without id (2026-07-28, basic/transports/streamable-http,
/// "Security & Endpoint").
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    message: Cow<'static, str>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), header: None }
    }

    /// The request itself is malformed.
    pub(crate) fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// Nothing is here.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "nothing is served here: check the URL of the server")
    }

    /// Adds a header that belongs to the status.
    pub(crate) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    #[cfg(test)]
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn into_response(self) -> Response<HttpBody> {
        let code = match self.status.is_server_error() {
            true => ErrorCode::INTERNAL_ERROR,
            false => ErrorCode::INVALID_REQUEST,
        };
        let error = ErrorObject::new(code, self.message);
        // A code and a message can always be written.
        let json = serde_json::to_vec(&Answer { jsonrpc: "2.0", error: &error });
        let mut response = Response::new(HttpBody::full(json.unwrap_or_default()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.extend(self.header);
        response
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    error: &'a ErrorObject,
}
