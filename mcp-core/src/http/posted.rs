//! What a POST to an MCP endpoint is: an exchange of the modern era, or part of a session.
//!
//! It does not know sessions, nor whether the headers agree with the body.
//!
//! Spec: 2026-07-28, basic/versioning, "Backward Compatibility with Initialization-Based Versions".

use std::borrow::Cow;

use crate::jsonrpc::{ErrorObject, Message, Request};
use crate::session::Decoded;
use crate::version::{Era, ProtocolVersion};
use crate::wire::modern::RequestMeta;
use crate::wire::{Members, Method};

/// What a POST is.
#[derive(Debug)]
pub enum Posted<'d, 'm> {
    /// A request of the modern era, answered by itself.
    Modern(&'d Request<'m>),
    /// A message of the modern era that is not answered.
    ModernNotification,
    /// `initialize`: the beginning of a legacy session.
    Initialize,
    /// Anything else: it belongs to a legacy session.
    Session,
    /// No message, or one that the modern era does not have; the error to refuse it with.
    Refused(ErrorObject),
}

impl<'d, 'm> Posted<'d, 'm> {
    /// Tells by the body and by the value of `MCP-Protocol-Version`, if there is one.
    ///
    /// A header that names a modern version decides; else a request is modern when its `_meta`
    /// says so.
    ///
    /// # Examples
    /// ```
    /// use mcp_core::Limits;
    /// use mcp_core::http::Posted;
    /// use mcp_core::session::Decoded;
    ///
    /// let ping = Decoded::new(br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, &Limits::default());
    /// assert!(matches!(Posted::of(&ping, Some("2025-11-25")), Posted::Session));
    /// assert!(matches!(Posted::of(&ping, Some("2026-07-28")), Posted::Modern(_)));
    /// ```
    pub fn of(decoded: &'d Decoded<'m>, version: Option<&str>) -> Self {
        if let Some(invalid) = decoded.invalid() {
            return Self::Refused(invalid.error.clone());
        }
        let version = version.map(|version| ProtocolVersion::from(version).era());
        let is_modern = version == Some(Some(Era::Modern));
        match decoded.message() {
            Some(Message::Request(request)) if is_modern || describes_itself(request) => {
                Self::Modern(request)
            }
            Some(Message::Request(request)) if request.method == Method::Initialize.as_str() => {
                Self::Initialize
            }
            Some(Message::Notification(_)) if is_modern => Self::ModernNotification,
            Some(Message::Response(_)) if is_modern => Self::Refused(ErrorObject::invalid_request(
                "MCP 2026-07-28 has no responses of clients: repeat the request with `inputResponses`",
            )),
            None if is_modern => {
                Self::Refused(ErrorObject::invalid_request("only MCP 2025-03-26 has batches"))
            }
            _ => Self::Session,
        }
    }
}

/// The protocol version in the `_meta` of a modern request.
///
/// # Errors
/// `_meta` lacks what every modern request must say about itself (`-32602`).
pub fn version_in_body<'m>(request: &Request<'m>) -> Result<Cow<'m, str>, ErrorObject> {
    RequestMeta::read(&meta(request)?).map(|meta| meta.protocol_version)
}

fn describes_itself(request: &Request<'_>) -> bool {
    meta(request).is_ok_and(|meta| RequestMeta::marks(&meta))
}

fn meta<'m>(request: &Request<'m>) -> Result<Members<'m>, ErrorObject> {
    let meta = request.params.as_ref().and_then(|params| params.raw("_meta"));
    Members::read(meta).map_err(|error| ErrorObject::invalid_params(format!("`_meta`: {error}")))
}
