//! One model, one codec per era.
//!
//! The two eras differ in how a request describes itself and in a few members of every result;
//! the types of [`crate::types`] are the same. What an era lacks is missing from its method
//! table, so "method not found" follows by absence and nowhere else is a version compared.

pub mod legacy;
mod members;
pub mod modern;
mod result;

use serde::Serialize;

pub(crate) use members::Object;
pub use members::{InvalidMember, Members};
pub(crate) use result::{Members as MembersOf, ResultFrame, WriteMembers, write_result};

use crate::jsonrpc;
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
    /// `resources/list`
    ResourcesList,
    /// `resources/templates/list`
    ResourcesTemplatesList,
    /// `resources/read`
    ResourcesRead,
    /// `resources/subscribe` (legacy)
    ResourcesSubscribe,
    /// `resources/unsubscribe` (legacy)
    ResourcesUnsubscribe,
    /// `prompts/list`
    PromptsList,
    /// `prompts/get`
    PromptsGet,
    /// `completion/complete`
    CompletionComplete,
    /// `logging/setLevel` (legacy)
    LoggingSetLevel,
    /// `subscriptions/listen` (modern)
    SubscriptionsListen,
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
            Self::ResourcesList => "resources/list",
            Self::ResourcesTemplatesList => "resources/templates/list",
            Self::ResourcesRead => "resources/read",
            Self::ResourcesSubscribe => "resources/subscribe",
            Self::ResourcesUnsubscribe => "resources/unsubscribe",
            Self::PromptsList => "prompts/list",
            Self::PromptsGet => "prompts/get",
            Self::CompletionComplete => "completion/complete",
            Self::LoggingSetLevel => "logging/setLevel",
            Self::SubscriptionsListen => "subscriptions/listen",
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

/// Whether a revision of the protocol has a notification of this name, of either side.
pub fn is_notification(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        "cancelled",
        "elicitation/complete",
        "initialized",
        "message",
        "progress",
        "prompts/list_changed",
        "resources/list_changed",
        "resources/updated",
        "roots/list_changed",
        "subscriptions/acknowledged",
        "tools/list_changed",
    ];
    name.strip_prefix("notifications/").is_some_and(|name| NAMES.contains(&name))
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
