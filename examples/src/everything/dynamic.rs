//! The resources that are made when they are read: one for each number from 1 on.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mcp_server::types::{BlobResourceContents, ResourceContents, TextResourceContents};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a resource consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Kind {
    /// Text
    #[default]
    Text,
    /// Bytes
    Blob,
}

impl Kind {
    /// Both.
    pub const ALL: [&str; 2] = ["Text", "Blob"];

    /// Where the resource of this number is read.
    pub fn uri(self, id: u32) -> String {
        match self {
            Self::Text => format!("demo://resource/dynamic/text/{id}"),
            Self::Blob => format!("demo://resource/dynamic/blob/{id}"),
        }
    }

    /// The media type of the contents.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Blob => "application/octet-stream",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "Text",
            Self::Blob => "Blob",
        })
    }
}

/// What is read under a number; there is no number 0.
pub fn contents(kind: Kind, id: u32) -> Option<ResourceContents> {
    if id == 0 {
        return None;
    }
    let text = format!("Resource {id}: made when it was read.");
    Some(match kind {
        Kind::Text => {
            TextResourceContents::new(kind.uri(id), text).with_mime_type(kind.mime()).into()
        }
        Kind::Blob => BlobResourceContents::new(kind.uri(id), BASE64.encode(text))
            .with_mime_type(kind.mime())
            .into(),
    })
}
