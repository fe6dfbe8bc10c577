//! What a model can do with the documents of a tenant.
//!
//! The same functions serve every tenant: whose documents they see is decided by the state that the
//! tenant's server was built with, and there is no other way to them.

use std::time::{SystemTime, UNIX_EPOCH};

use mcp_server::{
    Builder, Caller, Failure, IntoResource as _, Json, Result, Server, Settings, State, ToolError,
    resource, tool, types,
};

use super::documents::{Document, Documents, DocumentsError, Draft, Entry, Listing};

/// How much a caller sees at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Most documents that a search gives.
    pub hits: usize,
}

impl Reach {
    /// As much as there is, within reason.
    pub const FULL: Self = Self { hits: 50 };
}

/// Adds what every tenant's server has.
pub fn offer(server: Builder, documents: Documents) -> Builder {
    server
        .state(documents)
        .default_settings(Reach::FULL)
        .tool(list_documents)
        .tool(search_documents)
        .tool(read_document)
        .tool(add_document)
        .resource(document.into_resource().list(entries))
}

/// Lists the documents.
#[tool(title = "List documents", read_only)]
pub async fn list_documents(
    /// Begin after the document with this number
    after: Option<u64>,
    documents: State<Documents>,
) -> Result<Json<Listing>> {
    Ok(Json(documents.list(after.unwrap_or_default(), PAGE).await.map_err(told)?))
}

/// Finds the documents that have all of the words, or words that begin with them.
#[tool(title = "Search documents", read_only)]
pub async fn search_documents(
    /// Words from title or text; the beginning of a word is enough
    text: String,
    reach: Settings<Reach>,
    documents: State<Documents>,
) -> Result<Json<Listing>> {
    Ok(Json(documents.search(&text, reach.hits).await.map_err(told)?))
}

/// Reads a document.
#[tool(title = "Read document", read_only)]
pub async fn read_document(
    /// The number, as `list_documents` and `search_documents` give it
    id: u64,
    documents: State<Documents>,
) -> Result<Json<Document>> {
    Ok(Json(documents.read(id).await.map_err(told)?))
}

/// Adds a document, which everybody of the tenant can read.
#[tool(title = "Add document", additive)]
pub async fn add_document(
    /// What it is about
    title: String,
    /// What it says, as Markdown
    text: String,
    caller: Caller,
    documents: State<Documents>,
    server: Server,
) -> Result<Json<Entry>> {
    // The author is whoever signed in, not what a client says about itself.
    let author = caller.principal().to_string();
    let added = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let draft = Draft { title: title.clone(), text, author: author.clone(), added };
    let id = documents.add(draft).await.map_err(told)?;
    server.resources_changed();
    Ok(Json(Entry { id, title, author }))
}

/// Removes a document for good.
#[tool(title = "Remove document", destructive)]
pub async fn remove_document(
    /// The number, as `list_documents` and `search_documents` give it
    id: u64,
    documents: State<Documents>,
    server: Server,
) -> Result<String> {
    let removed = documents.remove(id).await.map_err(told)?;
    server.resources_changed();
    Ok(format!("removed {id}, {}", removed.title))
}

/// A document, with its title as heading.
#[resource("documents://{id}", mime = "text/markdown")]
pub async fn document(id: u64, documents: State<Documents>) -> Result<Option<String>> {
    match documents.read(id).await {
        Ok(Document { title, author, text, .. }) => {
            Ok(Some(format!("# {title}\n\n{text}\n\n– {author}\n")))
        }
        Err(DocumentsError::Unknown { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The documents as resources that a person can pick.
async fn entries(documents: State<Documents>) -> Result<Vec<types::Resource>> {
    let listed = documents.list(0, PAGE).await?.documents.into_iter();
    Ok(listed
        .map(|entry| types::Resource::new(format!("documents://{}", entry.id), entry.title))
        .collect())
}

/// What the model can put right, in words for it; everything else is logged and hidden from it.
fn told(error: DocumentsError) -> Failure {
    match error {
        DocumentsError::Database(_) => error.into(),
        mistaken => ToolError::new(mistaken.to_string()).into(),
    }
}

/// Most documents that a list gives at a time.
const PAGE: usize = 100;
