//! Content blocks and resource contents as text, and as files.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use mcp_client::{ContentBlock, ResourceContents};
use serde_json::Value;

use super::paint::Ink;
use super::{Console, plain, size};
use crate::failure::Failure;

/// A block for people; ends with the end of a line.
pub(crate) fn block(block: &ContentBlock, console: &Console) -> String {
    match block {
        ContentBlock::Text(text) => text_lines(&text.text),
        ContentBlock::Image(image) => binary("image", &image.mime_type, &image.data, None, console),
        ContentBlock::Audio(audio) => binary("audio", &audio.mime_type, &audio.data, None, console),
        ContentBlock::ResourceLink(link) => {
            let mut note = format!("[link {}", link.uri);
            let details = [Some(link.name.as_str()), link.mime_type.as_deref()];
            for detail in details.into_iter().flatten() {
                note.push(' ');
                note.push_str(detail);
            }
            if let Some(bytes) = link.size {
                note.push(' ');
                note.push_str(&size(bytes));
            }
            note.push(']');
            remark(&note, console)
        }
        ContentBlock::Resource(resource) => contents(&resource.resource, true, console),
        other => remark(&format!("[content of type {}]", other.kind()), console),
    }
}

/// The contents of a resource for people; with its URI if it stands among others.
pub(crate) fn contents(contents: &ResourceContents, named: bool, console: &Console) -> String {
    match contents {
        ResourceContents::Text(text) if named => {
            let kind = text.mime_type.as_deref().unwrap_or("text");
            let head = remark(&format!("[resource {} {kind}]", text.uri), console);
            format!("{head}{}", text_lines(&text.text))
        }
        ResourceContents::Text(text) => text_lines(&text.text),
        ResourceContents::Blob(blob) => {
            let kind = blob.mime_type.as_deref().unwrap_or("application/octet-stream");
            binary("resource", kind, &blob.blob, Some(&blob.uri), console)
        }
    }
}

/// What a file may be made of.
pub(crate) enum Saved {
    Text(String),
    Bytes(Vec<u8>),
}

impl Saved {
    /// The file that a block holds.
    pub(crate) fn of_block(block: &ContentBlock) -> Option<Result<Self, Failure>> {
        match block {
            ContentBlock::Image(image) => Some(decoded(&image.data).map(Self::Bytes)),
            ContentBlock::Audio(audio) => Some(decoded(&audio.data).map(Self::Bytes)),
            ContentBlock::Resource(resource) => Some(Self::of_contents(&resource.resource)),
            _ => None,
        }
    }

    /// The file that a resource is.
    pub(crate) fn of_contents(contents: &ResourceContents) -> Result<Self, Failure> {
        match contents {
            ResourceContents::Text(text) => Ok(Self::Text(text.text.clone())),
            ResourceContents::Blob(blob) => decoded(&blob.blob).map(Self::Bytes),
        }
    }

    /// Writes the file, and says so in a line.
    pub(crate) fn write(&self, file: &Path) -> Result<String, Failure> {
        let bytes = match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        };
        std::fs::write(file, bytes).map_err(|error| unwritable(file, &error))?;
        let file = file.display().to_string();
        Ok(format!("{}: {}\n", plain::one_line(&file), size(bytes.len() as u64)))
    }
}

/// Whether a text says the same as the structured content beside it.
pub(crate) fn mirrors(text: &str, structured: &Value) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value == *structured)
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    Failure::Usage(format!(
        "`{}` cannot be written: {error}; give another --output",
        file.display()
    ))
}

fn decoded(data: &str) -> Result<Vec<u8>, Failure> {
    BASE64.decode(data.as_bytes()).map_err(|error| {
        let what = format!("its binary content is no base64: {error}");
        Failure::Library(mcp_client::Error::PeerMisbehaved(what))
    })
}

fn text_lines(text: &str) -> String {
    let mut text = plain::lines(text);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn binary(what: &str, kind: &str, data: &str, uri: Option<&str>, console: &Console) -> String {
    let bytes = BASE64.decode(data.as_bytes());
    if let Ok(bytes) = &bytes
        && let Some(picture) = console.pictures.show(bytes)
    {
        return picture;
    }
    let length = match &bytes {
        Ok(bytes) => size(bytes.len() as u64),
        Err(_) => "that is no base64".to_owned(),
    };
    let uri = uri.map(|uri| format!("{uri} ")).unwrap_or_default();
    remark(&format!("[{what} {uri}{kind} {length}]"), console)
}

fn remark(text: &str, console: &Console) -> String {
    format!("{}\n", console.out.paint(Ink::Dim, &plain::one_line(text)))
}
