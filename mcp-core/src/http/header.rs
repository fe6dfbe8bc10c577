//! The names of MCP's headers, and how a value of any characters stands in one.
//!
//! Does not know which header a message needs: that is for [`param`](super::param) and the
//! transports.
//!
//! Rules: 2026-07-28, basic/transports/streamable-http, "Request Metadata" and "Value Encoding".

use std::borrow::Cow;
use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The protocol version of a request, since 2025-06-18.
pub const MCP_PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The method of the message in the body (modern).
pub const MCP_METHOD: &str = "mcp-method";
/// The name or URI of what a request is about (modern); see [`name_member`].
pub const MCP_NAME: &str = "mcp-name";
/// The session to which a request belongs (legacy).
pub const MCP_SESSION_ID: &str = "mcp-session-id";
/// The last event that a client received of a stream that it resumes (legacy).
pub const LAST_EVENT_ID: &str = "last-event-id";
/// What the names of headers begin with that mirror arguments of a tool (modern).
pub const PARAM_PREFIX: &str = "mcp-param-";

/// The member of `params` that [`MCP_NAME`] mirrors, for the methods that need this header.
///
/// Spec: 2026-07-28, basic/transports/streamable-http, "Standard Request Headers", and for
/// `tasks/…` the tasks extension (SEP-2663).
///
/// # Examples
/// ```
/// use mcp_core::http::header::name_member;
/// assert_eq!(name_member("tools/call"), Some("name"));
/// assert_eq!(name_member("resources/read"), Some("uri"));
/// assert_eq!(name_member("tools/list"), None);
/// ```
#[must_use]
pub fn name_member(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        "tasks/get" | "tasks/update" | "tasks/cancel" => Some("taskId"),
        _ => None,
    }
}

/// The value of a header that carries `value`, for [`MCP_NAME`] and what [`PARAM_PREFIX`] begins.
///
/// Plain text stays as it is. What a header cannot carry, or not through every proxy, is written
/// as `=?base64?…?=`: control characters (tabs too), anything but ASCII, white space at an end,
/// nothing at all, and what looks as if it were encoded already.
///
/// # Examples
/// ```
/// use mcp_core::http::header::encode_value;
/// assert_eq!(encode_value("us west 1"), "us west 1");
/// assert_eq!(encode_value(" padded "), "=?base64?IHBhZGRlZCA=?=");
/// ```
#[must_use]
pub fn encode_value(value: &str) -> Cow<'_, str> {
    if is_plain(value) {
        return Cow::Borrowed(value);
    }
    let mut encoded = String::with_capacity(OPEN.len() + value.len().div_ceil(3) * 4 + CLOSE.len());
    encoded.push_str(OPEN);
    STANDARD.encode_string(value, &mut encoded);
    encoded.push_str(CLOSE);
    Cow::Owned(encoded)
}

/// Reads the value of a header that may be written as [`encode_value`] does.
///
/// White space around the value belongs to HTTP and is dropped (RFC 9110, 5.5). The markers count
/// only exactly as written above; a value with only one of them is plain text.
///
/// # Errors
/// When the value holds a character that a header may not, or is marked as encoded without being
/// Base64 of UTF-8 text, with its padding.
///
/// # Examples
/// ```
/// use mcp_core::http::header::decode_value;
/// assert_eq!(decode_value(b"us-west1")?, "us-west1");
/// assert_eq!(decode_value(b"=?base64?SGVsbG8sIOS4lueVjA==?=")?, "Hello, 世界");
/// assert!(decode_value(b"=?base64?SGVsbG8?=").is_err());
/// # Ok::<(), mcp_core::http::header::InvalidHeaderValue>(())
/// ```
pub fn decode_value(value: &[u8]) -> Result<Cow<'_, str>, InvalidHeaderValue> {
    let value = plain_value(value)?;
    let Some(encoded) = value.strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE)) else {
        return Ok(Cow::Borrowed(value));
    };
    let decoded = STANDARD.decode(encoded).map_err(|_| InvalidHeaderValue::NotBase64)?;
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| InvalidHeaderValue::NotUtf8)
}

/// Reads the value of a header that is never encoded, such as [`MCP_METHOD`].
///
/// White space around it is dropped, as by [`decode_value`].
///
/// # Errors
/// When it holds a character that a header may not.
pub fn plain_value(value: &[u8]) -> Result<&str, InvalidHeaderValue> {
    let allowed = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    match value.iter().position(|byte| !allowed(byte)) {
        Some(at) => Err(InvalidHeaderValue::Character { byte: value[at], at }),
        None => str::from_utf8(value)
            .map(|text| text.trim_matches(BLANK))
            .map_err(|_| InvalidHeaderValue::NotUtf8),
    }
}

/// Why the value of a header cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHeaderValue {
    /// A byte that no value may hold as it is.
    #[error("byte {byte:#04x} at {at} must not stand in a header: write the value as =?base64?…?=")]
    Character {
        /// The byte.
        byte: u8,
        /// Where it stands, from 0.
        at: usize,
    },
    /// Marked as encoded, but what the markers enclose is not Base64.
    #[error("what stands in =?base64?…?= must be Base64 with its padding")]
    NotBase64,
    /// Encoded bytes that are no text.
    #[error("what stands in =?base64?…?= must be the Base64 form of UTF-8 text")]
    NotUtf8,
}

const OPEN: &str = "=?base64?";
const CLOSE: &str = "?=";
const BLANK: [char; 2] = [' ', '\t'];

/// Whether a value reaches the other side as it is, and is taken there for what it is.
fn is_plain(value: &str) -> bool {
    let looks_encoded = value.starts_with(OPEN) && value.ends_with(CLOSE);
    let bare = value.trim_matches(' ').len() == value.len() && !value.is_empty();
    bare && !looks_encoded && value.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn examples_of_the_specification_are_encoded_as_there() {
        for (value, encoded) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
            ("", "=?base64??="),
            ("\tindented", "=?base64?CWluZGVudGVk?="),
            ("a\tb", "=?base64?YQli?="),
            ("=?base64?=", "=?base64?PT9iYXNlNjQ/PQ==?="),
            ("file:///projects/myapp/config.json", "file:///projects/myapp/config.json"),
        ] {
            assert_eq!(encode_value(value), encoded, "{value:?}");
            assert_eq!(decode_value(encoded.as_bytes()).unwrap(), value);
        }
    }

    #[test]
    fn markers_count_only_exactly_as_written() {
        for plain in [
            "=?BASE64?SGVsbG8=?=",
            "=?base64?SGVsbG8=",
            "SGVsbG8=?=",
            "SGVsbG8=",
            "=?base64?=",
            "x=?base64?SGVsbG8=?=",
            "=?base64?SGVsbG8=?= x",
        ] {
            assert_eq!(decode_value(plain.as_bytes()).unwrap(), plain);
        }
    }

    #[test]
    fn white_space_around_a_value_is_none_of_it() {
        assert_eq!(decode_value(b" \techo\t ").unwrap(), "echo");
        assert_eq!(decode_value(b" =?base64?IGE=?= ").unwrap(), " a");
        assert_eq!(plain_value(b" tools/list ").unwrap(), "tools/list");
        assert_eq!(plain_value(b"a\tb").unwrap(), "a\tb");
        assert_eq!(plain_value(b" ").unwrap(), "");
    }

    #[test]
    fn encoded_values_must_be_padded_base64_of_text() {
        use InvalidHeaderValue::{NotBase64, NotUtf8};
        for (value, problem) in [
            ("=?base64?SGVsbG8?=", NotBase64),
            ("=?base64?SGVs!!!bG8=?=", NotBase64),
            ("=?base64?SGVsbG8==?=", NotBase64),
            ("=?base64?SGVsbG9=?=", NotBase64),
            ("=?base64?SGVs bG8=?=", NotBase64),
            ("=?base64?_-8=?=", NotBase64),
            ("=?base64?/w==?=", NotUtf8),
        ] {
            assert_eq!(decode_value(value.as_bytes()), Err(problem), "{value}");
        }
    }

    #[test]
    fn characters_that_no_header_may_hold_are_named() {
        let found = decode_value("us-wést1".as_bytes()).unwrap_err();
        assert_eq!(found, InvalidHeaderValue::Character { byte: 0xc3, at: 4 });
        assert!(found.to_string().starts_with("byte 0xc3 at 4 must not"), "{found}");
        for bad in [&b"a\nb"[..], b"a\r", b"\0", b"\x7f", b"\xff"] {
            assert!(plain_value(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn every_value_survives_its_header(value: String) {
            let encoded = encode_value(&value);
            prop_assert!(encoded.bytes().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert_eq!(encoded.trim(), &*encoded);
            let decoded = decode_value(encoded.as_bytes()).unwrap();
            prop_assert_eq!(&*decoded, &*value);
        }

        #[test]
        fn every_value_survives_that_looks_encoded(
            value in "(=\\?base64\\?)?[=?a ]{0,6}(\\?=)?",
        ) {
            let encoded = encode_value(&value);
            let decoded = decode_value(encoded.as_bytes()).unwrap();
            prop_assert_eq!(&*decoded, &*value);
        }

        #[test]
        fn no_bytes_panic(value: Vec<u8>) {
            let _ = decode_value(&value);
        }
    }
}
