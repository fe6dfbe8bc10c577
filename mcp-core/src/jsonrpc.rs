//! JSON-RPC 2.0: the envelope of every MCP message, decoded once and borrowed.
//!
//! This module owns message shapes, request ids and error objects. It does not know any method:
//! the members of `params`, and `result`, stay raw JSON until whoever knows the method decodes
//! them, so nothing is parsed that nobody reads.
//!
//! Spec: 2026-07-28, basic/index, "Messages"; the same page of every earlier revision.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::wire::{Members, Object};

/// One JSON-RPC message that borrows from the text it was read from.
#[derive(Debug, Clone)]
pub enum Message<'a> {
    /// A request: answered exactly once.
    Request(Request<'a>),
    /// A notification: never answered.
    Notification(Notification<'a>),
    /// The answer to a request of ours.
    Response(Response<'a>),
}

impl<'a> Message<'a> {
    /// Decodes one message from the text of one frame.
    ///
    /// A batch (an array, 2025-03-26 only) is not a message: it is unpacked by the wire codec.
    ///
    /// # Errors
    /// [`InvalidMessage`] says what was expected, whose id it concerns if one could be read, and
    /// whether an answer may be sent.
    ///
    /// # Examples
    /// ```
    /// use mcp_core::jsonrpc::{Message, RequestId};
    /// let Message::Request(ping) = Message::decode(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#)? else { panic!() };
    /// assert_eq!((ping.id, &*ping.method), (RequestId::Integer(7), "ping"));
    /// # Ok::<(), mcp_core::jsonrpc::InvalidMessage>(())
    /// ```
    pub fn decode(text: &'a str) -> Result<Self, InvalidMessage> {
        match serde_json::from_str::<Fields<'a>>(text) {
            Ok(fields) => fields.classify(),
            Err(error) => Err(not_an_envelope(text, &error)),
        }
    }
}

/// A request as it was received.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Its id, unique among the sender's requests in flight.
    pub id: RequestId,
    /// The method's name.
    pub method: Cow<'a, str>,
    /// The parameters, their members not yet decoded.
    pub params: Option<Members<'a>>,
}

/// A notification as it was received.
#[derive(Debug, Clone)]
pub struct Notification<'a> {
    /// The method's name, which begins with `notifications/` in MCP.
    pub method: Cow<'a, str>,
    /// The parameters, their members not yet decoded.
    pub params: Option<Members<'a>>,
}

/// A response as it was received.
#[derive(Debug, Clone)]
pub struct Response<'a> {
    /// The id of the request that it answers; `None` when the peer could not read one.
    pub id: Option<RequestId>,
    /// The raw result, or the error.
    pub outcome: Result<&'a RawValue, ErrorObject>,
}

/// The id of a request: an integer or a string, never null and never a fraction.
///
/// Integers outside the range of `i64` are refused as invalid. An id comes back to the peer as it
/// was sent. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RequestId {
    /// An integer id.
    Integer(i64),
    /// A string id.
    String(Arc<str>),
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(id) => write!(f, "{id}"),
            Self::String(id) => write!(f, "{id:?}"),
        }
    }
}

impl From<i64> for RequestId {
    fn from(id: i64) -> Self {
        Self::Integer(id)
    }
}

impl From<&str> for RequestId {
    fn from(id: &str) -> Self {
        Self::String(id.into())
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Integer(id) => serializer.serialize_i64(*id),
            Self::String(id) => serializer.serialize_str(id),
        }
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match IdField::deserialize(deserializer)? {
            IdField::Valid(id) => Ok(id),
            IdField::Null | IdField::Invalid => Err(de::Error::custom(ID_EXPECTED)),
        }
    }
}

/// A JSON-RPC error code; open, so that an unknown one survives a round trip.
///
/// Spec: 2026-07-28, basic/index, "Error Codes".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCode(pub i64);

impl ErrorCode {
    /// The message was not JSON.
    pub const PARSE_ERROR: Self = Self(-32700);
    /// The message was JSON, but no message that may be sent now.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// No such method on this connection.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The parameters do not fit the method; also unknown tools, prompts and (modern) resources.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// The receiver failed.
    pub const INTERNAL_ERROR: Self = Self(-32603);
    /// A resource does not exist (2025-11-25 and earlier; modern servers use `INVALID_PARAMS`).
    pub const RESOURCE_NOT_FOUND: Self = Self(-32002);
    /// An HTTP header disagrees with the body (modern).
    pub const HEADER_MISMATCH: Self = Self(-32020);
    /// The request needs a capability that the client did not declare (modern).
    pub const MISSING_REQUIRED_CLIENT_CAPABILITY: Self = Self(-32021);
    /// The server does not speak the version of the request (modern).
    pub const UNSUPPORTED_PROTOCOL_VERSION: Self = Self(-32022);
    /// URL elicitation is required (2025-11-25 only).
    pub const URL_ELICITATION_REQUIRED: Self = Self(-32042);
    /// Client and server did not agree on profiles.
    ///
    /// Outside -32768..-32000, as the specification asks of codes that it does not define.
    pub const PROFILES_NOT_AGREED: Self = Self(1004);

    /// Whether only a server of the modern era answers with this code.
    ///
    /// Such an answer to the `server/discover` probe identifies a modern server; every other
    /// error identifies a legacy one (2026-07-28, basic/transports/stdio, "Backward
    /// Compatibility").
    pub fn is_modern(self) -> bool {
        matches!(
            self,
            Self::HEADER_MISMATCH
                | Self::MISSING_REQUIRED_CLIENT_CAPABILITY
                | Self::UNSUPPORTED_PROTOCOL_VERSION
        )
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A JSON-RPC error as the peer sees it.
///
/// As an [`std::error::Error`] it is a *protocol* error: a tool handler that fails with it
/// answers the request with an error response, which many hosts do not show to the model.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{message} (code {code})")]
pub struct ErrorObject {
    /// What kind of error it is.
    pub code: ErrorCode,
    /// One short sentence.
    pub message: Cow<'static, str>,
    /// More about it, defined by whoever sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<RawValue>>,
}

impl ErrorObject {
    /// An error with a code and a message.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// Adds `data`; a value that cannot be written as JSON is left out.
    #[must_use]
    pub fn with_data(mut self, data: &impl Serialize) -> Self {
        self.data = serde_json::value::to_raw_value(data).ok();
        self
    }

    /// `-32600`: this message may not be sent now, or not like this.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::INVALID_REQUEST, message)
    }

    /// `-32601`: there is no such method.
    pub fn method_not_found(method: &str) -> Self {
        Self::new(ErrorCode::METHOD_NOT_FOUND, format!("method not found: {}", shown(method)))
    }

    /// `-32602`: the parameters do not fit.
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::INVALID_PARAMS, message)
    }

    /// `-32603`: the receiver failed.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::INTERNAL_ERROR, message)
    }

    /// `-32602`: no tool of this name exists for this caller.
    pub fn unknown_tool(name: &str) -> Self {
        Self::invalid_params(format!("unknown tool: {}", shown(name)))
    }

    /// `-32602`: no prompt of this name exists for this caller.
    pub fn unknown_prompt(name: &str) -> Self {
        Self::invalid_params(format!("unknown prompt: {}", shown(name)))
    }

    /// `-32602`: what is completed has no argument of this name.
    pub fn unknown_argument(name: &str) -> Self {
        Self::invalid_params(format!("unknown argument: {}", shown(name)))
    }

    /// `-32002`: there is no such resource; modern clients are answered with `-32602`.
    pub fn resource_not_found() -> Self {
        Self::new(ErrorCode::RESOURCE_NOT_FOUND, "resource not found")
    }

    /// What a client wants needs an extension that it did not declare (2026-07-28).
    pub fn missing_extension(extension: &str) -> Self {
        let settings = serde_json::json!({});
        let extensions = serde_json::Map::from_iter([(extension.to_owned(), settings)]);
        let data = serde_json::json!({ "requiredCapabilities": { "extensions": extensions } });
        let message = format!("this needs the extension `{extension}`: declare it");
        Self::new(ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY, message).with_data(&data)
    }

    /// [`resource_not_found`](Self::resource_not_found), with the URI.
    pub fn resource_not_found_at(uri: &str) -> Self {
        let data = serde_json::json!({ "uri": shown(uri) });
        Self::resource_not_found().with_data(&data)
    }
}

impl PartialEq for ErrorObject {
    fn eq(&self, other: &Self) -> bool {
        let data = |e: &Self| e.data.as_ref().map(|d| d.get().to_owned());
        (self.code, &self.message, data(self)) == (other.code, &other.message, data(other))
    }
}

/// A frame that is no JSON-RPC message, and what may be answered.
#[derive(Debug, Clone, thiserror::Error)]
#[error("invalid message: {error}")]
pub struct InvalidMessage {
    /// The id to answer under, if one could be read.
    pub id: Option<RequestId>,
    /// What is wrong with it, ready to be sent.
    pub error: ErrorObject,
    /// Whether an answer may be sent: a malformed notification or response gets none.
    pub answerable: bool,
}

impl InvalidMessage {
    /// A frame that could not be read at all.
    pub fn unreadable(error: ErrorObject) -> Self {
        Self { id: None, error, answerable: true }
    }
}

/// Appends a request and its line end to `out`.
pub(crate) fn write_request<P: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    id: &RequestId,
    method: &str,
    params: Option<&P>,
) -> Result<(), serde_json::Error> {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    write_id(out, id);
    out.extend_from_slice(br#","method":"#);
    write_call(out, method, params)
}

/// Appends the head of a request up to its parameters; the caller appends these and calls
/// [`close`].
pub(crate) fn open_request(out: &mut Vec<u8>, id: &RequestId, method: &str) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    write_id(out, id);
    out.extend_from_slice(br#","method":"#);
    write_json(out, method).expect("a string is JSON");
    out.extend_from_slice(br#","params":"#);
}

/// Appends a response with an empty result and its line end to `out`.
pub(crate) fn write_empty(out: &mut Vec<u8>, id: &RequestId) {
    open_response(out, id);
    out.extend_from_slice(b"{}");
    close(out);
}

/// Appends a notification and its line end to `out`.
pub(crate) fn write_notification<P: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    method: &str,
    params: Option<&P>,
) -> Result<(), serde_json::Error> {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"#);
    write_call(out, method, params)
}

/// Appends the head of a result response; the caller appends the result and calls
/// [`close`].
pub(crate) fn open_response(out: &mut Vec<u8>, id: &RequestId) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    write_id(out, id);
    out.extend_from_slice(br#","result":"#);
}

/// Ends what [`open_response`] began.
pub(crate) fn close(out: &mut Vec<u8>) {
    out.extend_from_slice(b"}\n");
}

/// Appends an error response and its line end to `out`.
///
/// Without an id (it could not be read) the member is left out: the schema of 2025-11-25 and
/// 2026-07-28 makes it optional and never null.
pub fn write_error(out: &mut Vec<u8>, id: Option<&RequestId>, error: &ErrorObject) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","#);
    if let Some(id) = id {
        out.extend_from_slice(br#""id":"#);
        write_id(out, id);
        out.push(b',');
    }
    out.extend_from_slice(br#""error":"#);
    write_json(out, error).expect("an error object holds an integer, a string and JSON");
    out.extend_from_slice(b"}\n");
}

/// Appends any value as compact JSON; on failure `out` is as before.
pub(crate) fn write_json<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
) -> Result<(), serde_json::Error> {
    let start = out.len();
    serde_json::to_writer(&mut *out, value).inspect_err(|_| out.truncate(start))
}

fn write_call<P: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    method: &str,
    params: Option<&P>,
) -> Result<(), serde_json::Error> {
    write_json(out, method)?;
    if let Some(params) = params {
        out.extend_from_slice(br#","params":"#);
        write_json(out, params)?;
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn write_id(out: &mut Vec<u8>, id: &RequestId) {
    write_json(out, id).expect("an id is an integer or a string");
}

/// At most this much of a peer's name is repeated in an error.
const SHOWN: usize = 128;

/// A name from the peer, cut to a length that is safe to repeat.
pub fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(SHOWN) {
        None => Cow::Borrowed(name),
        Some((end, _)) => Cow::Owned(format!("{}…", &name[..end])),
    }
}

const ID_EXPECTED: &str = "`id` must be a string or an integer of at most 64 bits";

enum IdField {
    Valid(RequestId),
    Null,
    Invalid,
}

impl<'de> Deserialize<'de> for IdField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl<'de> Visitor<'de> for IdVisitor {
            type Value = IdField;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an integer")
            }
            fn visit_i64<E>(self, id: i64) -> Result<IdField, E> {
                Ok(IdField::Valid(RequestId::Integer(id)))
            }
            fn visit_u64<E>(self, id: u64) -> Result<IdField, E> {
                Ok(i64::try_from(id)
                    .map_or(IdField::Invalid, |id| IdField::Valid(RequestId::Integer(id))))
            }
            fn visit_f64<E>(self, _: f64) -> Result<IdField, E> {
                Ok(IdField::Invalid)
            }
            fn visit_str<E>(self, id: &str) -> Result<IdField, E> {
                Ok(IdField::Valid(RequestId::from(id)))
            }
            fn visit_unit<E>(self) -> Result<IdField, E> {
                Ok(IdField::Null)
            }
            fn visit_bool<E>(self, _: bool) -> Result<IdField, E> {
                Ok(IdField::Invalid)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<IdField, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(IdField::Invalid)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<IdField, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(IdField::Invalid)
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

/// The members of an envelope, whatever they hold.
#[derive(Default)]
struct Fields<'a> {
    version: Option<&'a RawValue>,
    id: Option<IdField>,
    method: Option<&'a RawValue>,
    params: Option<Object<'a>>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    twice: Option<&'static str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        enum Name {
            Version,
            Id,
            Method,
            Params,
            Result,
            Error,
            Other,
        }
        impl<'de> Deserialize<'de> for Name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct NameVisitor;
                impl Visitor<'_> for NameVisitor {
                    type Value = Name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a member name")
                    }
                    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                        Ok(match name {
                            "jsonrpc" => Name::Version,
                            "id" => Name::Id,
                            "method" => Name::Method,
                            "params" => Name::Params,
                            "result" => Name::Result,
                            "error" => Name::Error,
                            _ => Name::Other,
                        })
                    }
                }
                deserializer.deserialize_identifier(NameVisitor)
            }
        }
        struct FieldsVisitor<'a>(std::marker::PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for FieldsVisitor<'a> {
            type Value = Fields<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON-RPC message (an object)")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'a>, A::Error> {
                let mut fields = Fields::default();
                while let Some(name) = map.next_key::<Name>()? {
                    let (slot, name) = match name {
                        Name::Version => (&mut fields.version, "jsonrpc"),
                        Name::Method => (&mut fields.method, "method"),
                        Name::Params => {
                            if fields.params.replace(map.next_value()?).is_some() {
                                fields.twice = Some("params");
                            }
                            continue;
                        }
                        Name::Result => (&mut fields.result, "result"),
                        Name::Error => (&mut fields.error, "error"),
                        Name::Id => {
                            if fields.id.replace(map.next_value()?).is_some() {
                                fields.twice = Some("id");
                            }
                            continue;
                        }
                        Name::Other => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    if slot.replace(map.next_value()?).is_some() {
                        fields.twice = Some(name);
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(FieldsVisitor(std::marker::PhantomData))
    }
}

impl<'a> Fields<'a> {
    fn classify(self) -> Result<Message<'a>, InvalidMessage> {
        let answerable = self.method.is_none() && self.result.is_none() && self.error.is_none()
            || self.method.is_some() && self.id.is_some();
        let (id, bad_id) = match self.id {
            None => (None, false),
            Some(IdField::Valid(id)) => (Some(id), false),
            Some(IdField::Null) => (None, self.method.is_some()),
            Some(IdField::Invalid) => (None, true),
        };
        let wrong = |message: String| {
            let error = ErrorObject::invalid_request(message);
            InvalidMessage { id: id.clone(), error, answerable }
        };
        if let Some(name) = self.twice {
            return Err(wrong(format!("`{name}` stands in the message twice")));
        }
        if self.version.is_none_or(|version| version.get() != "\"2.0\"") {
            return Err(wrong("`jsonrpc` must be \"2.0\"".to_owned()));
        }
        if bad_id {
            return Err(wrong(ID_EXPECTED.to_owned()));
        }
        match (self.method, self.result, self.error) {
            (Some(method), None, None) => {
                let method =
                    string(method).ok_or_else(|| wrong("`method` must be a string".to_owned()))?;
                let params = match self.params {
                    None => None,
                    Some(Object::Members(members)) => Some(members),
                    Some(Object::Invalid(problem)) => {
                        let error = ErrorObject::invalid_params(format!("`params`: {problem}"));
                        return Err(InvalidMessage { id, error, answerable });
                    }
                };
                Ok(match id {
                    Some(id) => Message::Request(Request { id, method, params }),
                    None => Message::Notification(Notification { method, params }),
                })
            }
            (None, Some(result), None) => {
                if result.get().as_bytes()[0] != b'{' {
                    return Err(wrong("`result` must be an object".to_owned()));
                }
                match id {
                    Some(id) => {
                        Ok(Message::Response(Response { id: Some(id), outcome: Ok(result) }))
                    }
                    None => Err(wrong("a result response needs an `id`".to_owned())),
                }
            }
            (None, None, Some(error)) => {
                let error = serde_json::from_str(error.get())
                    .map_err(|e| wrong(format!("`error` is no error object: {e}")))?;
                Ok(Message::Response(Response { id, outcome: Err(error) }))
            }
            (None, None, None) => {
                Err(wrong("a message needs `method`, `result` or `error`".to_owned()))
            }
            _ => Err(wrong("only one of `method`, `result` and `error` may be present".to_owned())),
        }
    }
}

/// A raw string, borrowed unless it holds escapes.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if text.contains('\\') {
        return serde_json::from_str(raw.get()).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(text))
}

fn not_an_envelope(text: &str, error: &serde_json::Error) -> InvalidMessage {
    let error = if error.is_data() {
        ErrorObject::invalid_request(format!("a message must be an object, not {}", kind(text)))
    } else if text.starts_with('\u{feff}') {
        // RFC 8259, 8.1: it must not be added, and it cannot be seen in a log.
        let error = "parse error: the message begins with a byte order mark; send it without";
        ErrorObject::new(ErrorCode::PARSE_ERROR, error)
    } else {
        ErrorObject::new(ErrorCode::PARSE_ERROR, format!("parse error: {error}"))
    };
    InvalidMessage::unreadable(error)
}

fn kind(text: &str) -> &'static str {
    match text.trim_start().as_bytes().first() {
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> InvalidMessage {
        Message::decode(text).expect_err(text)
    }

    #[test]
    fn ids_round_trip_unchanged() {
        for id in ["0", "-1", "9223372036854775807", r#""a""#, r#""é\n\"""#, r#""""#] {
            let parsed: RequestId = serde_json::from_str(id).unwrap();
            assert_eq!(serde_json::to_string(&parsed).unwrap(), id);
        }
    }

    #[test]
    fn null_fractional_and_structured_ids_are_invalid() {
        for id in ["null", "1.5", "1e3", "9223372036854775808", "true", "[1]", "{\"a\":1}"] {
            let bad = refused(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
            assert_eq!(bad.error.code, ErrorCode::INVALID_REQUEST, "{id}");
            assert!(bad.id.is_none() && bad.answerable, "{id}");
        }
    }

    #[test]
    fn wrong_members_are_named_and_keep_the_id() {
        for (text, said) in [
            (r#"{"id":1,"method":"ping"}"#, "jsonrpc"),
            (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, "jsonrpc"),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "`method`"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}"#, "twice"),
        ] {
            let bad = refused(text);
            assert_eq!(bad.id, Some(RequestId::Integer(1)), "{text}");
            assert!(bad.error.message.contains(said), "{text}: {}", bad.error.message);
        }
    }

    #[test]
    fn params_that_are_no_object_are_invalid_params() {
        for params in ["[]", "7", "null", "\"x\"", r#"{"a":1,"a":2}"#] {
            let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{params}}}"#);
            let bad = refused(&text);
            assert_eq!(bad.error.code, ErrorCode::INVALID_PARAMS, "{params}");
            assert!(bad.id.is_some() && bad.error.message.starts_with("`params`"), "{params}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_a_parse_error() {
        for text in ["", "{", "{\"jsonrpc\":\"2.0\"", "hello", "{} {}"] {
            assert_eq!(refused(text).error.code, ErrorCode::PARSE_ERROR, "{text}");
        }
        for text in ["[]", "1", "null", "\"x\""] {
            assert_eq!(refused(text).error.code, ErrorCode::INVALID_REQUEST, "{text}");
        }
    }

    #[test]
    fn malformed_responses_and_notifications_are_never_answered() {
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":7}"#,
            r#"{"jsonrpc":"2.0","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":""}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/x","params":1}"#,
        ] {
            assert!(!refused(text).answerable, "{text}");
        }
    }

    #[test]
    fn an_error_response_may_lack_its_id() {
        for text in [
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"x"}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}"#,
        ] {
            let Ok(Message::Response(response)) = Message::decode(text) else { panic!("{text}") };
            assert!(response.id.is_none());
        }
    }

    #[test]
    fn params_are_borrowed_from_the_text() {
        let text = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}"#;
        let Ok(Message::Request(request)) = Message::decode(text) else { panic!() };
        let name = request.params.unwrap().raw("name").unwrap();
        assert!(text.as_bytes().as_ptr_range().contains(&name.get().as_ptr()));
        assert!(matches!(request.method, Cow::Borrowed("tools/call")));
    }
}
