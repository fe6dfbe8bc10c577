//! One model, one codec per era.
//!
//! The two eras differ in how a request describes itself and in a few members of every result;
//! the types of [`crate::types`] are the same. What an era lacks is missing from its method
//! table, so "method not found" follows by absence and nowhere else is a version compared.

pub mod legacy;
mod members;
pub mod modern;

use serde::Serialize;

pub use members::{InvalidMember, Members};

use crate::jsonrpc::{self, RequestId};
use crate::types::{CacheHints, Meta};
use crate::version::Era;

/// A request that a client may send.
///
/// Named after the method: `tools/call` is `ToolsCall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// `server/discover` (modern)
    ServerDiscover,
    /// `initialize` (legacy)
    Initialize,
    /// `ping` (legacy)
    Ping,
    /// `tools/list`
    ToolsList,
    /// `tools/call`
    ToolsCall,
}

impl Method {
    /// The method's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServerDiscover => "server/discover",
            Self::Initialize => "initialize",
            Self::Ping => "ping",
            Self::ToolsList => "tools/list",
            Self::ToolsCall => "tools/call",
        }
    }

    /// The method of this name in an era, if that era has it.
    pub fn find(name: &str, era: Era) -> Option<Self> {
        let table = match era {
            Era::Legacy => legacy::METHODS,
            Era::Modern => modern::METHODS,
        };
        table.iter().copied().find(|method| method.as_str() == name)
    }
}

/// What surrounds the members of a result.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ResultFrame<'a> {
    /// `resultType`; absent in the legacy era.
    pub(crate) result_type: Option<&'static str>,
    /// `ttlMs` and `cacheScope`; absent in the legacy era.
    pub(crate) cache: Option<CacheHints>,
    /// Members of `_meta`, encoded, without braces.
    pub(crate) own_meta: &'a [u8],
    /// What the handler wants in `_meta` besides.
    pub(crate) meta: Option<&'a Meta>,
}

/// Appends a result response; on failure `out` is as before.
pub(crate) fn write_result<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    id: &RequestId,
    result: &T,
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

fn write_framed<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    result: &T,
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
        object.out.push(b'{');
        object.out.extend_from_slice(frame.own_meta);
        let mut meta = OpenObject { started: !frame.own_meta.is_empty(), out: object.out };
        for (name, value) in frame.meta.into_iter().flat_map(Meta::iter) {
            // What the library writes there is not for handlers to forge.
            if !modern::is_reserved(name) {
                meta.member(name, value)?;
            }
        }
        meta.close();
    }
    object.close_with(result)
}

/// A request or result that cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The value does not serialise.
    #[error("the value cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// `params` and `result` are objects in MCP.
    #[error("the value is not written as a JSON object")]
    NotAnObject,
    /// A required profile was lost, and nothing is written any more.
    #[error("a required profile is no longer in force and nothing more may be sent: connect anew")]
    Rejected,
}

/// An object that is being written member by member, without a tree.
pub(crate) struct OpenObject<'a> {
    out: &'a mut Vec<u8>,
    started: bool,
}

impl<'a> OpenObject<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, started: false }
    }

    fn name(&mut self, name: &str) {
        if std::mem::replace(&mut self.started, true) {
            self.out.push(b',');
        }
        jsonrpc::write_json(self.out, name).expect("a string is JSON");
        self.out.push(b':');
    }

    pub(crate) fn member<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.name(name);
        Ok(jsonrpc::write_json(self.out, value)?)
    }

    /// Members that are encoded already, without braces.
    pub(crate) fn encoded(&mut self, members: &[u8]) {
        if members.is_empty() {
            return;
        }
        if std::mem::replace(&mut self.started, true) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(members);
    }

    /// The members of another object.
    fn members_of<T: Serialize + ?Sized>(&mut self, object: &T) -> Result<(), EncodeError> {
        let at = self.out.len();
        jsonrpc::write_json(self.out, object)?;
        if self.out.get(at) != Some(&b'{') {
            self.out.truncate(at);
            return Err(EncodeError::NotAnObject);
        }
        self.out.pop();
        if self.out.len() == at + 1 {
            self.out.pop();
        } else if std::mem::replace(&mut self.started, true) {
            self.out[at] = b',';
        } else {
            self.out.remove(at);
        }
        Ok(())
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    pub(crate) fn close_with<T: Serialize + ?Sized>(
        mut self,
        object: &T,
    ) -> Result<(), EncodeError> {
        self.members_of(object)?;
        self.close();
        Ok(())
    }
}

/// Encodes the members of an object once, to be written into many: without braces.
pub(crate) fn encode_members<'v>(
    members: impl IntoIterator<Item = (&'v str, &'v dyn erased::Json)>,
) -> Box<[u8]> {
    let mut out = Vec::new();
    let mut object = OpenObject::new(&mut out);
    for (name, value) in members {
        object.name(name);
        value.write(object.out);
    }
    out.remove(0);
    out.into_boxed_slice()
}

pub(crate) mod erased {
    use serde::Serialize;

    /// Any serialisable value; what does not serialise is written as null.
    pub(crate) trait Json {
        fn write(&self, out: &mut Vec<u8>);
    }

    impl<T: Serialize> Json for T {
        fn write(&self, out: &mut Vec<u8>) {
            if crate::jsonrpc::write_json(out, self).is_err() {
                out.extend_from_slice(b"null");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(result: &serde_json::Value, frame: &ResultFrame<'_>) -> String {
        let mut out = Vec::new();
        write_result(&mut out, &1.into(), result, frame).unwrap();
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
        let refused = write_result(&mut out, &1.into(), &7, &ResultFrame::default());
        assert!(matches!(refused, Err(EncodeError::NotAnObject)));
        assert_eq!(out, b"before\n");
    }
}
