//! Prompts and resources, free of warnings.
#![deny(warnings, clippy::all)]

use mcp_server::{
    Args, ErrorObject, IntoPrompt, IntoResource, Json, PromptExt, PromptMessage, ResourceExt,
    ResourceUri, Result, State, ToolExt, Typed, prompt, resource, tool,
};

struct Catalogue<S> {
    store: S,
}

struct Disk(Vec<String>);

trait Store: Send + Sync + 'static {
    fn titles(&self) -> Vec<String>;
}

impl Store for Disk {
    fn titles(&self) -> Vec<String> {
        self.0.clone()
    }
}

async fn titles(typed: Typed, films: State<Catalogue<Disk>>) -> Result<Vec<String>> {
    let mut titles = films.store.titles();
    titles.retain(|title| title.starts_with(typed.text()));
    Ok(titles)
}

/// Recaps a title up to a minute.
#[prompt(title = "Recap", requires = PREMIUM)]
async fn recap(
    /// What to recap
    #[complete(titles)]
    title: String,
    mut minute: Option<u32>,
    #[complete("short", "long")] length: String,
) -> Result<Vec<PromptMessage>> {
    let minute = minute.take().unwrap_or(90);
    Ok(vec![PromptMessage::user(format!("{title} {minute} {length}").as_str())])
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Place {
    id: u32,
    page: Option<u32>,
}

impl<S: Store> Catalogue<S> {
    #[prompt(name = "all")]
    async fn everything(&self) -> String {
        self.store.titles().join(", ")
    }

    /// All titles.
    #[resource("vidsrus://titles", mime = "application/json", size = 12)]
    async fn list(&self) -> Json<Vec<String>> {
        Json(self.store.titles())
    }

    #[resource("vidsrus://titles/{id}", name = "one")]
    async fn one(&self, id: usize) -> Option<String> {
        self.store.titles().get(id).cloned()
    }
}

/// Subtitles of a title.
#[resource("vidsrus://titles/{id}/subtitles{/lang}{?page}", mime = "text/vtt", title = "Subtitles")]
async fn subtitles<S: Store>(
    id: u32,
    #[complete("de", "en")] lang: Option<String>,
    page: Option<u32>,
    _films: State<Catalogue<S>>,
) -> Result<String> {
    if id == 0 {
        Err(ErrorObject::resource_not_found())?;
    }
    Ok(format!("{lang:?} {page:?}"))
}

#[resource("vidsrus://pages/{id}{?page}")]
async fn pages(Args(place): Args<Place>) -> String {
    format!("{} {:?}", place.id, place.page)
}

#[resource("file:///{+path}")]
async fn files(ResourceUri(uri): ResourceUri) -> Vec<u8> {
    uri.into_bytes()
}

#[tool]
async fn both() {}

const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";

fn is_prompt<M>(prompt: impl IntoPrompt<M>) {
    assert_eq!(prompt.into_prompt().problems(), [""; 0]);
}

fn is_resource<M>(resource: impl IntoResource<M>) -> bool {
    let resource = resource.into_resource();
    assert_eq!(resource.problems(), [""; 0]);
    resource.is_template()
}

fn main() {
    is_prompt(recap);
    is_prompt(Catalogue::<Disk>::everything);
    assert_eq!(recap.into_prompt().definition().arguments.len(), 3);
    assert!(!is_resource(Catalogue::<Disk>::list));
    assert!(is_resource(Catalogue::<Disk>::one));
    assert!(is_resource(subtitles::<Disk>));
    assert!(is_resource(pages));
    assert!(is_resource(files));
    // The methods of all three traits are told apart by the function.
    let _ = (both.title("Both"), recap.title("Recap"), pages.title("Pages"));
    drop(Catalogue { store: Disk(Vec::new()) }.one(1));
}
