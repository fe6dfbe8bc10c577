//! Tools that change what the server offers, and tell clients of it.

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::GzEncoder;
use mcp_server::types::{BlobResourceContents, ContentBlock, ResourceContents, ResourceLink};
use mcp_server::{Args, Builder, Prompt, Resource, Result, Server, State, Tool, ToolError, tool};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::task::AbortHandle;
use tokio::time::interval;

use super::resources;

pub(super) fn offer(server: Builder) -> Builder {
    server
        .state(Session::default())
        .state(Updates::default())
        .tool(gzip_file_as_resource)
        .tool(toggle_subscriber_updates)
        .tool(test_trigger_tool_change)
        .tool(test_trigger_prompt_change)
}

/// The files that were made since the server was started, oldest first.
#[derive(Debug, Default)]
pub struct Session {
    files: Mutex<Vec<String>>,
}

/// What simulates that resources change, while it does.
#[derive(Debug, Default)]
pub struct Updates {
    task: Mutex<Option<AbortHandle>>,
}

/// The arguments of [`gzip_file_as_resource`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// The name of the file; `README.md.gz` unless given
    name: Option<String>,
    /// What to compress, as a `data:` URI
    data: String,
    /// How the file is returned
    #[serde(default)]
    output_type: OutputType,
}

/// How a file is returned.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OutputType {
    /// As a link under which it can be read
    #[default]
    ResourceLink,
    /// In the result itself
    Resource,
}

/// The most files that are kept at once.
const MOST_FILES: usize = 16;
/// The most bytes of a file.
const MOST_BYTES: usize = 1 << 20;

/// Compresses data into a resource that can be read until the server ends, or 16 others came.
#[tool(name = "gzip-file-as-resource", title = "Compress", additive, open_world = false)]
pub async fn gzip_file_as_resource(
    Args(file): Args<File>,
    session: State<Session>,
    server: Server,
) -> Result<ContentBlock> {
    let name = file.name.unwrap_or_else(|| "README.md.gz".to_owned());
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.is_empty() || name.len() > 100 || !name.chars().all(allowed) {
        Err(ToolError::new("`name` has 1 to 100 letters, digits, `.`, `-` and `_`"))?;
    }
    let plain = data_of(&file.data)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&plain)?;
    let packed = encoder.finish()?;

    let uri = format!("demo://resource/session/{name}");
    let contents =
        BlobResourceContents::new(&uri, BASE64.encode(&packed)).with_mime_type("application/gzip");
    session.make_room(&uri, &server);
    let kept = contents.clone();
    server.add_resource(
        Resource::new(uri.clone())
            .name(name.clone())
            .description("A file that was compressed")
            .mime("application/gzip")
            .size(packed.len() as u64)
            .handler(move || {
                let kept = kept.clone();
                async move { ResourceContents::from(kept) }
            }),
    )?;
    Ok(match file.output_type {
        OutputType::Resource => ContentBlock::resource(contents),
        OutputType::ResourceLink => ResourceLink::new(uri, name)
            .with_mime_type("application/gzip")
            .with_size(packed.len() as u64)
            .into(),
    })
}

impl Session {
    /// Notes a file; one of the same name, or the oldest of too many, is removed.
    fn make_room(&self, uri: &str, server: &Server) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = files.iter().position(|file| file == uri) {
            server.remove_resource(&files.remove(at));
        }
        if files.len() >= MOST_FILES {
            server.remove_resource(&files.remove(0));
        }
        files.push(uri.to_owned());
    }
}

/// What a `data:` URI holds (RFC 2397).
fn data_of(uri: &str) -> Result<Vec<u8>, ToolError> {
    let rest = uri.strip_prefix("data:").ok_or_else(|| {
        ToolError::new("`data` is a `data:` URI: this server fetches nothing from elsewhere")
    })?;
    let (about, data) =
        rest.split_once(',').ok_or_else(|| ToolError::new("`data` has no comma: `data:,text`"))?;
    if data.len() > 2 * MOST_BYTES {
        return Err(ToolError::new(format!("`data` has more than {MOST_BYTES} bytes")));
    }
    let bytes = percent_decoded(data)?;
    if !about.ends_with(";base64") {
        return Ok(bytes);
    }
    BASE64.decode(bytes).map_err(|problem| ToolError::new(format!("`data`: {problem}")))
}

fn percent_decoded(text: &str) -> Result<Vec<u8>, ToolError> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                match (digit(bytes.next()), digit(bytes.next())) {
                    (Some(high), Some(low)) => u8::try_from(16 * high + low).unwrap_or_default(),
                    _ => return Err(ToolError::new("`data` has a `%` without two digits")),
                }
            }
            other => other,
        });
    }
    Ok(decoded)
}

/// Starts or stops to say every five seconds that resources have changed, to clients that subscribed to
/// them.
#[tool(name = "toggle-subscriber-updates", title = "Updates", additive, open_world = false)]
pub async fn toggle_subscriber_updates(
    updates: State<Updates>,
    watched: State<resources::Watched>,
    server: Server,
) -> &'static str {
    let mut running = updates.task.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(task) = running.take() {
        task.abort();
        return "Stopped simulated resource updates.";
    }
    let task = tokio::spawn(async move {
        let mut times = interval(Duration::from_secs(5));
        loop {
            times.tick().await; // the first comes at once
            watched.change();
            for uri in resources::changing() {
                server.resource_updated(uri);
            }
        }
    });
    *running = Some(task.abort_handle());
    "Started simulated resource updates: one now, and one every five seconds."
}

/// Adds a tool, or takes it away again: the list of tools changes.
#[tool]
pub async fn test_trigger_tool_change(server: Server) -> Result<String> {
    const NAME: &str = "test_dynamic_tool";
    if server.remove_tool(NAME) {
        return Ok(format!("Removed {NAME}"));
    }
    let tool = Tool::new(NAME).description("Comes and goes.").handler(async || "still here");
    server.add_tool(tool)?;
    Ok(format!("Added {NAME}"))
}

/// Adds a prompt, or takes it away again: the list of prompts changes.
#[tool]
pub async fn test_trigger_prompt_change(server: Server) -> Result<String> {
    const NAME: &str = "test_dynamic_prompt";
    if server.remove_prompt(NAME) {
        return Ok(format!("Removed {NAME}"));
    }
    let prompt = Prompt::new(NAME).description("Comes and goes.").handler(async || "Still here?");
    server.add_prompt(prompt)?;
    Ok(format!("Added {NAME}"))
}
