//! Writing results: what is the same in all of them, and tool results without detours.

use serde::Serialize;

use super::{EncodeError, OpenObject, modern};
use crate::jsonrpc::{self, RequestId, write_json};
use crate::types::{CacheHints, CallToolResult, ContentBlock, Meta, TextContent};

/// What surrounds the members of a result.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResultFrame<'a> {
    /// `resultType`; absent in the legacy era.
    pub(crate) result_type: Option<&'a str>,
    /// `ttlMs` and `cacheScope`; absent in the legacy era.
    pub(crate) cache: Option<CacheHints>,
    /// Members of `_meta`, encoded, without braces.
    pub(crate) own_meta: &'a [u8],
    /// What the handler wants in `_meta` besides.
    pub(crate) meta: Option<&'a Meta>,
}

/// A body of a result: its members, without what surrounds them.
pub(crate) trait WriteMembers {
    /// Adds the members to an object that is being written.
    fn write_members(&self, object: &mut OpenObject<'_>) -> Result<(), EncodeError>;
}

/// Any type that serialises as an object.
#[derive(Debug)]
pub(crate) struct Members<'a, T: ?Sized>(pub(crate) &'a T);

impl<T: Serialize + ?Sized> WriteMembers for Members<'_, T> {
    fn write_members(&self, object: &mut OpenObject<'_>) -> Result<(), EncodeError> {
        object.members_of(self.0)
    }
}

/// The one body that is written for every call, and may be large: by hand, so that its texts are
/// searched for what must be escaped many bytes at a time.
impl WriteMembers for CallToolResult {
    fn write_members(&self, object: &mut OpenObject<'_>) -> Result<(), EncodeError> {
        object.name("content");
        object.out.push(b'[');
        for (at, block) in self.content.iter().enumerate() {
            if at > 0 {
                object.out.push(b',');
            }
            match block {
                ContentBlock::Text(TextContent { text, annotations: None, meta: None, .. }) => {
                    object.out.extend_from_slice(br#"{"type":"text","text":"#);
                    write_string(object.out, text);
                    object.out.push(b'}');
                }
                block => write_json(object.out, block)?,
            }
        }
        object.out.push(b']');
        if let Some(content) = &self.structured_content {
            object.member("structuredContent", content)?;
        }
        if let Some(is_error) = self.is_error {
            object.member("isError", &is_error)?;
        }
        Ok(())
    }
}

/// Appends a result response; on failure `out` is as before.
pub(crate) fn write_result(
    out: &mut Vec<u8>,
    id: &RequestId,
    result: &impl WriteMembers,
    frame: &ResultFrame<'_>,
) -> Result<(), EncodeError> {
    let start = out.len();
    jsonrpc::open_response(out, id);
    let written = write_framed(out, result, frame);
    match written {
        Ok(()) => jsonrpc::close(out),
        Err(_) => out.truncate(start),
    }
    written
}

fn write_framed(
    out: &mut Vec<u8>,
    result: &impl WriteMembers,
    frame: &ResultFrame<'_>,
) -> Result<(), EncodeError> {
    let mut object = OpenObject::new(out);
    if let Some(result_type) = frame.result_type {
        object.member("resultType", result_type)?;
    }
    if let Some(cache) = &frame.cache {
        object.members_of(cache)?;
    }
    if !frame.own_meta.is_empty() || frame.meta.is_some() {
        object.name("_meta");
        let mut meta = OpenObject::new(object.out);
        meta.encoded(frame.own_meta);
        for (name, value) in frame.meta.into_iter().flat_map(Meta::iter) {
            // What the library writes there is not for handlers to forge.
            if !modern::is_reserved(name) {
                meta.member(name, value)?;
            }
        }
        meta.close();
    }
    result.write_members(&mut object)?;
    object.close();
    Ok(())
}

/// How many bytes are looked at together: a whole number of vector registers.
const STRIDE: usize = 64;

/// Appends a JSON string.
fn write_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let strides = rest.chunks_exact(STRIDE);
        let plain = strides.take_while(|stride| !needs_escape(stride)).count() * STRIDE;
        let plain = plain + rest[plain..].iter().take_while(|byte| !is_special(**byte)).count();
        out.extend_from_slice(&rest[..plain]);
        let Some(special) = rest.get(plain) else { break };
        write_escaped(out, *special);
        rest = &rest[plain + 1..];
    }
    out.push(b'"');
}

/// Whether any byte must be escaped; without an early end, so that it becomes vector code.
fn needs_escape(stride: &[u8]) -> bool {
    stride.iter().fold(false, |found, byte| found | is_special(*byte))
}

fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

fn write_escaped(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend([b'\\', short]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::types::Annotations;

    fn written(result: &serde_json::Value, frame: &ResultFrame<'_>) -> String {
        let mut out = Vec::new();
        write_result(&mut out, &1.into(), &Members(result), frame).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_legacy_result_is_the_object_alone() {
        let frame = ResultFrame::default();
        assert_eq!(written(&json!({}), &frame), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
        assert_eq!(
            written(&json!({"tools":[]}), &frame),
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[]}}\n"
        );
    }

    #[test]
    fn a_modern_result_carries_its_frame_before_its_members() {
        let frame = ResultFrame {
            result_type: Some("complete"),
            own_meta: br#""a/b":1"#,
            ..ResultFrame::default()
        };
        assert_eq!(
            written(&json!({}), &frame),
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\",\"_meta\":{\"a/b\":1}}}\n"
        );
        assert_eq!(
            written(&json!({"x":1}), &frame),
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\",\"_meta\":{\"a/b\":1},\"x\":1}}\n"
        );
    }

    #[test]
    fn a_result_that_is_no_object_leaves_nothing_behind() {
        let mut out = b"before\n".to_vec();
        let refused = write_result(&mut out, &1.into(), &Members(&7), &ResultFrame::default());
        assert!(matches!(refused, Err(EncodeError::NotAnObject)));
        assert_eq!(out, b"before\n");
    }

    #[test]
    fn a_tool_result_is_written_as_its_type_serialises() {
        let mut annotated = TextContent::new("noted");
        annotated.annotations = Some(Annotations::default());
        let results = [
            CallToolResult::text("plain"),
            CallToolResult::error("failed"),
            CallToolResult::new([]),
            CallToolResult::new([
                ContentBlock::text("a"),
                ContentBlock::image("aGk=", "image/png"),
                ContentBlock::Text(annotated),
            ]),
            CallToolResult::text("{}").with_structured_content(&json!({"a":[1,null]})).unwrap(),
        ];
        for result in results {
            let mut out = Vec::new();
            let mut object = OpenObject::new(&mut out);
            result.write_members(&mut object).unwrap();
            object.close();
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&result).unwrap());
        }
    }

    proptest! {
        #[test]
        fn a_string_is_written_as_serde_json_does(text in "(.|[\\x00-\\x1f\"\\\\]|[a-z]{70}){0,40}") {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }
    }
}
