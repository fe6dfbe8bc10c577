//! The document in which a tenant says which profiles it supports.

use std::fmt::Write;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use mcp_core::profile::Declaration;
use sha2::{Digest, Sha256};

use super::HttpBody;
use super::refusal::Refusal;

/// What may be done with a document.
pub(crate) const METHODS: &str = "GET, HEAD, OPTIONS";

/// Where the documents are: here, or below it at the path of an endpoint.
pub(crate) const PATH: &str = "/.well-known/mcp-supported-profiles";

/// A document, written once.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    json: Bytes,
    tag: HeaderValue,
}

impl Document {
    /// The declaration of a tenant; the empty list for one without profiles.
    pub(crate) fn new(declaration: Option<&Declaration>) -> Self {
        let json = declaration.and_then(|declaration| serde_json::to_vec(declaration).ok());
        Self::of_json(Bytes::from(json.unwrap_or_else(|| b"[]".to_vec())))
    }

    /// A document with this content.
    pub(crate) fn of_json(json: Bytes) -> Self {
        let mut tag = String::from("\"");
        for byte in &Sha256::digest(&json)[..16] {
            // Writing to a string does not fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        let tag =
            HeaderValue::try_from(tag).expect("hexadecimal digits in quotes are a header value");
        Self { json, tag }
    }

    /// Answers a request for it; the query says nothing.
    pub(crate) fn answer(&self, head: &Parts) -> Response<HttpBody> {
        let whole = match head.method {
            Method::GET => true,
            Method::HEAD => false,
            _ => {
                let message = "the document can only be read: use GET";
                return Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message)
                    .with(ALLOW, METHODS)
                    .into_response();
            }
        };
        let is_known = self.is_known(&head.headers);
        let body = if whole && !is_known { self.json.clone() } else { Bytes::new() };
        let mut response = Response::new(HttpBody::full(body));
        let headers = response.headers_mut();
        headers.insert(ETAG, self.tag.clone());
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.json.len()));
        response
    }

    /// Whether the client says that it has the document (RFC 9110, 13.1.2).
    fn is_known(&self, headers: &HeaderMap) -> bool {
        let tag = self.tag.as_bytes();
        headers.get_all(IF_NONE_MATCH).iter().any(|value| {
            value.as_bytes().split(|byte| *byte == b',').any(|known| {
                let known = known.trim_ascii();
                known == b"*" || known.strip_prefix(b"W/").unwrap_or(known) == tag
            })
        })
    }
}
