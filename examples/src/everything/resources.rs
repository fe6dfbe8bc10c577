//! Resources: text and bytes, fixed, made when they are read, and watched.

use std::sync::atomic::{AtomicU64, Ordering};

use mcp_server::types::{Annotations, CacheHints, ResourceContents, Role};
use mcp_server::{
    Args, Builder, ErrorObject, IntoResource as _, Resource, ResourceExt as _, ResourceUri, Result,
    State, Typed, resource,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::dynamic::{self, Kind};
use super::samples;

pub(super) fn offer(server: Builder) -> Builder {
    let server = server
        .state(Watched::default())
        .resource(static_text.cache(CacheHints::public(A_MINUTE)))
        .resource(static_binary.cache(CacheHints::public(A_MINUTE)))
        .resource(watched_resource)
        .resource(template)
        .resource(dynamic_text.into_resource().complete("resourceId", numbers))
        .resource(dynamic_blob.into_resource().complete("resourceId", numbers));
    documents().into_iter().fold(server, Builder::resource)
}

/// For how long, in milliseconds, clients may keep what never changes.
const A_MINUTE: u64 = 60_000;

/// A text that is always the same.
#[resource("test://static-text", name = "static-text", mime = "text/plain")]
pub async fn static_text() -> &'static str {
    "This is the content of the static text resource."
}

/// A picture that is always the same.
#[resource("test://static-binary", name = "static-binary", mime = "image/png")]
pub async fn static_binary() -> Vec<u8> {
    samples::picture()
}

/// JSON that is made out of the URI.
#[resource("test://template/{id}/data", name = "template", mime = "application/json")]
pub async fn template(#[complete("123", "456")] id: String) -> String {
    json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") }).to_string()
}

/// How often the watched resource has changed.
#[derive(Debug, Default)]
pub struct Watched {
    changes: AtomicU64,
}

impl Watched {
    /// Where it is read.
    pub const URI: &str = "test://watched-resource";

    /// Changes the resource; clients still have to be told.
    pub fn change(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }
}

/// A text that changes while updates are simulated.
#[resource("test://watched-resource", name = "watched-resource", mime = "text/plain")]
pub async fn watched_resource(watched: State<Watched>) -> String {
    format!("Changed {} times.", watched.changes.load(Ordering::Relaxed))
}

/// The variable of resources that are made on the fly.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Numbered {
    /// A number from 1 on
    resource_id: u32,
}

/// Text that is made when it is read.
#[resource(
    "demo://resource/dynamic/text/{resourceId}",
    name = "Dynamic Text Resource",
    mime = "text/plain"
)]
pub async fn dynamic_text(
    Args(numbered): Args<Numbered>,
    uri: ResourceUri,
) -> Result<ResourceContents> {
    read(Kind::Text, &numbered, &uri)
}

/// Bytes that are made when they are read.
#[resource(
    "demo://resource/dynamic/blob/{resourceId}",
    name = "Dynamic Blob Resource",
    mime = "application/octet-stream"
)]
pub async fn dynamic_blob(
    Args(numbered): Args<Numbered>,
    uri: ResourceUri,
) -> Result<ResourceContents> {
    read(Kind::Blob, &numbered, &uri)
}

fn read(kind: Kind, numbered: &Numbered, uri: &ResourceUri) -> Result<ResourceContents> {
    let contents = dynamic::contents(kind, numbered.resource_id);
    Ok(contents.ok_or_else(|| ErrorObject::resource_not_found_at(&uri.0))?)
}

/// Completes the number of a resource that is made on the fly: with itself, if it is one.
pub async fn numbers(typed: Typed) -> Vec<String> {
    let is_number = typed.text().parse::<u32>().is_ok_and(|id| id > 0);
    is_number.then(|| typed.text().to_owned()).into_iter().collect()
}

/// What may be said to have changed while updates are simulated.
pub fn changing() -> impl Iterator<Item = String> {
    let fixed = [Watched::URI.to_owned()].into_iter().chain(DOCUMENTS.iter().map(Document::uri));
    let dynamic = (1..=10).flat_map(|id| [Kind::Text.uri(id), Kind::Blob.uri(id)]);
    fixed.chain(dynamic)
}

/// A file of this repository.
struct Document {
    name: &'static str,
    text: &'static str,
    priority: f64,
}

const DOCUMENTS: [Document; 2] = [
    Document { name: "README.md", text: include_str!("../../README.md"), priority: 1.0 },
    Document { name: "adder.rs", text: include_str!("../bin/adder.rs"), priority: 0.5 },
];

impl Document {
    fn uri(&self) -> String {
        format!("demo://resource/static/document/{}", self.name)
    }
}

/// The files as resources, made by hand instead of by `#[resource]`.
fn documents() -> Vec<Resource> {
    let resource = |document: &'static Document| {
        let mime = if document.name.ends_with(".md") { "text/markdown" } else { "text/plain" };
        let hints = Annotations::new().with_priority(document.priority).with_audience([Role::User]);
        Resource::new(document.uri())
            .name(document.name)
            .description("A file that came with the server")
            .mime(mime)
            .size(document.text.len() as u64)
            .annotations(hints)
            .cache(CacheHints::public(A_MINUTE))
            .handler(async || document.text)
    };
    DOCUMENTS.iter().map(resource).collect()
}
