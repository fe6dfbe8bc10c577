//! Our client against the reference servers that are published on npm.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use mcp_client::types::{
    CompleteRequestParams, CreateMessageResult, ElicitAction, LoggingLevel, PromptReference, Root,
};
use mcp_client::{
    ChildProcess, Client, ClientBuilder, ContentBlock, Ending, Era, Error, NotificationKind,
    Notifications, ResourceContents,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::folder;

#[tokio::test]
async fn everything_is_listed_and_called() {
    let Some(client) = everything().await else { return };
    lists_and_calls(&client).await;
    ends(client).await;
}

/// Every tool is listed, most are called.
pub(crate) async fn lists_and_calls(client: &Client) {
    let tools = client.list_all_tools().await.unwrap();
    let has = |name: &str| tools.iter().any(|tool| tool.name == name);
    // The last four exist only for clients that can be asked.
    for name in [
        "echo",
        "get-sum",
        "get-roots-list",
        "trigger-elicitation-request",
        "trigger-sampling-request",
        "trigger-url-elicitation",
    ] {
        assert!(has(name), "{name}");
    }
    assert_eq!(
        client.call::<String>("echo", json!({ "message": "h\u{e9}" })).await.unwrap(),
        "Echo: h\u{e9}"
    );
    let sum: String = client.call("get-sum", json!({ "a": 1.5, "b": 2 })).await.unwrap();
    assert_eq!(sum, "The sum of 1.5 and 2 is 3.5.");

    #[derive(Deserialize)]
    struct Weather {
        temperature: f64,
        conditions: String,
    }
    let weather: Weather =
        client.call("get-structured-content", json!({ "location": "Chicago" })).await.unwrap();
    assert!(weather.temperature.is_finite() && !weather.conditions.is_empty());

    let kinds = async |name: &str, arguments: Value| -> Vec<String> {
        let result = client.call_tool(name, arguments).await.unwrap();
        result.content.iter().map(|block| block.kind().to_owned()).collect()
    };
    assert_eq!(kinds("get-tiny-image", json!({})).await, ["text", "image", "text"]);
    assert_eq!(
        kinds("get-resource-links", json!({ "count": 2 })).await,
        ["text", "resource_link", "resource_link"]
    );
    let reference = json!({ "resourceType": "Blob", "resourceId": 2 });
    assert_eq!(kinds("get-resource-reference", reference).await, ["text", "resource", "text"]);
    let annotated = json!({ "messageType": "error", "includeImage": true });
    let annotated = client.call_tool("get-annotated-message", annotated).await.unwrap();
    let ContentBlock::Text(text) = &annotated.content[0] else { panic!("{annotated:?}") };
    assert_eq!(text.annotations.as_ref().and_then(|hints| hints.priority), Some(1.0));

    let wrong = client.call::<String>("get-sum", json!({ "a": "one" })).await.unwrap_err();
    assert!(matches!(wrong, Error::Tool(_)), "{wrong}");
}

#[tokio::test]
async fn everything_reports_progress_and_is_cancelled() {
    let Some(client) = everything().await else { return };
    reports_progress_and_is_cancelled(&client).await;
    assert_eq!(client.passed_over(), 0);
    // This server works on for the minute, although nobody waits for it.
    let ended = client.shutdown().await.expect("the server is a child process");
    assert!(matches!(ended.by, Ending::Term), "{ended:?}");
}

/// A long call reports progress, and another one is cancelled.
pub(crate) async fn reports_progress_and_is_cancelled(client: &Client) {
    let name = "trigger-long-running-operation";
    let mut job = client.call::<String>(name, json!({ "duration": 0.4, "steps": 4 }));
    let mut heard = Vec::new();
    while let Some(progress) = job.progress().await {
        heard.push((progress.done, progress.total));
    }
    assert!(job.await.unwrap().contains("completed"));
    assert_eq!(heard, [1.0, 2.0, 3.0, 4.0].map(|done| (done, Some(4.0))));

    let long = client.call::<String>(name, json!({ "duration": 60, "steps": 2 }));
    timeout(Duration::from_millis(100), long).await.expect_err("it takes a minute");
    let after: String = client.call("echo", json!({ "message": "after" })).await.unwrap();
    assert_eq!(after, "Echo: after");
}

#[tokio::test]
async fn everything_is_read_prompted_and_completed() {
    let Some(client) = everything().await else { return };
    reads_prompts_and_completes(&client).await;
    ends(client).await;
}

/// Resources, templates, prompts and completion.
pub(crate) async fn reads_prompts_and_completes(client: &Client) {
    let resources = client.list_all_resources().await.unwrap();
    let document = resources.iter().find(|resource| resource.uri.ends_with("features.md")).unwrap();
    let read = client.read_resource(&document.uri).await.unwrap();
    assert!(matches!(&read.contents[0], ResourceContents::Text(text) if text.text.contains("# ")));
    let templates = client.list_all_resource_templates().await.unwrap();
    assert_eq!(templates.len(), 2);
    let blob = client.read_resource("demo://resource/dynamic/blob/3").await.unwrap();
    assert!(matches!(&blob.contents[0], ResourceContents::Blob(_)), "{blob:?}");
    let missing = client.read_resource("demo://nothing").await.unwrap_err();
    assert!(matches!(missing, Error::Peer(_)), "{missing}");

    let prompts = client.list_all_prompts().await.unwrap();
    assert!(prompts.iter().any(|prompt| prompt.name == "completable-prompt"));
    let city = json!({ "city": "Chicago", "state": "Illinois" });
    let prompt = client.get_prompt("args-prompt", city).await.unwrap();
    assert_eq!(prompt.messages[0].content.as_text(), Some("What's weather in Chicago, Illinois?"));
    let embedded = json!({ "resourceType": "Text", "resourceId": "1" });
    let prompt = client.get_prompt("resource-prompt", embedded).await.unwrap();
    assert_eq!(prompt.messages[1].content.kind(), "resource");

    let prompt = PromptReference::new("completable-prompt");
    let department = CompleteRequestParams::new(prompt, "department", "S");
    let found = client.complete(&department).await.unwrap();
    assert_eq!(found.completion.values(), ["Sales", "Support"]);
}

#[tokio::test]
async fn everything_asks_and_is_answered() {
    let Some(client) = everything().await else { return };
    asks_and_is_answered(&client).await;
    ends(client).await;
}

/// The server asks its client for all that it can ask for.
pub(crate) async fn asks_and_is_answered(client: &Client) {
    let form: String = client.call("trigger-elicitation-request", json!({})).await.unwrap();
    assert!(form.contains("Ada"), "{form}");
    let prompt = json!({ "prompt": "Say something", "maxTokens": 7 });
    let said: String = client.call("trigger-sampling-request", prompt).await.unwrap();
    assert!(said.contains("what the model says"), "{said}");
    let folders: String = client.call("get-roots-list", json!({})).await.unwrap();
    assert!(folders.contains("file:///srv/films"), "{folders}");
    let page = json!({ "url": "https://example.com/sign-in" });
    let visited: String = client.call("trigger-url-elicitation", page).await.unwrap();
    assert!(visited.contains("\"accept\""), "{visited}");
}

#[tokio::test]
async fn everything_logs_and_tells_of_updates() {
    let Some(client) = everything().await else { return };
    logs_and_tells_of_updates(&client).await;
    ends(client).await;
}

/// Log messages, updates of resources, lists that change.
pub(crate) async fn logs_and_tells_of_updates(client: &Client) {
    let mut news = client.notifications();
    client.set_logging_level(LoggingLevel::Debug).await.unwrap();
    client.call_tool("toggle-simulated-logging", json!({})).await.unwrap();
    wait_for(&mut news, |kind| matches!(kind, NotificationKind::Message(_))).await;
    let uri = "demo://resource/dynamic/text/1";
    client.subscribe(uri).await.unwrap();
    client.call_tool("toggle-subscriber-updates", json!({})).await.unwrap();
    let updated = |kind: &NotificationKind| matches!(kind, NotificationKind::ResourceUpdated { uri: at } if at == uri);
    wait_for(&mut news, updated).await;
    client.unsubscribe(uri).await.unwrap();
    let file = json!({ "name": "a.gz", "data": "data:text/plain;base64,aGVsbG8=" });
    let packed = client.call_tool("gzip-file-as-resource", file).await.unwrap();
    let ContentBlock::ResourceLink(link) = &packed.content[0] else { panic!("{packed:?}") };
    wait_for(&mut news, |kind| *kind == NotificationKind::ResourcesListChanged).await;
    let read = client.read_resource(&link.uri).await.unwrap();
    assert!(matches!(&read.contents[0], ResourceContents::Blob(_)), "{read:?}");
}

#[tokio::test]
async fn filesystem_works_in_the_folders_of_its_client() {
    let Some(server) = reference("server-filesystem") else { return };
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let paths = [&first, &second].map(|folder| folder.path().canonicalize().unwrap());
    let (moved, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (is_moved, count) = (Arc::clone(&moved), Arc::clone(&asked));
    let roots = paths.clone().map(|path| Root::new(format!("file://{}", path.display())));
    let client = Client::builder("interop", "1.0")
        .on_roots(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let root = roots[usize::from(is_moved.load(Ordering::SeqCst))].clone();
            async move { vec![root] }
        })
        .connect(server)
        .await
        .unwrap();
    allows(&client, &paths[0]).await;

    let file = paths[0].join("notes.txt").display().to_string();
    let text = json!({ "path": file, "content": "one\ntwo\n" });
    client.call_tool("write_file", text).await.unwrap();
    let read: String = said(&client, "read_text_file", json!({ "path": file })).await;
    assert_eq!(read, "one\ntwo\n");
    let listed = said(&client, "list_directory", json!({ "path": paths[0] })).await;
    assert!(listed.contains("notes.txt"), "{listed}");
    let outside = client.call_tool("read_text_file", json!({ "path": "/etc/hostname" })).await;
    assert!(outside.unwrap().is_failure());

    moved.store(true, Ordering::SeqCst);
    client.notify_roots_changed().unwrap();
    allows(&client, &paths[1]).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let gone = client.call_tool("read_text_file", json!({ "path": file })).await.unwrap();
    assert!(gone.is_failure(), "{gone:?}");
    ends(client).await;
}

#[tokio::test]
async fn filesystem_works_in_the_folder_that_it_is_started_with() {
    let Some(server) = reference("server-filesystem") else { return };
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("big.txt"), "0123456789abcdef".repeat(1 << 16)).unwrap();
    let client =
        Client::builder("interop", "1.0").connect(server.arg(folder.path())).await.unwrap();
    let path = folder.path().canonicalize().unwrap().join("big.txt");
    let read = client.call_tool("read_text_file", json!({ "path": path })).await.unwrap();
    assert_eq!(read.content[0].as_text().map(str::len), Some(1 << 20));
    ends(client).await;
}

#[tokio::test]
async fn memory_is_filled_searched_and_read() {
    let Some(server) = reference("server-memory") else { return };
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("memory.jsonl");
    let client = Client::builder("interop", "1.0")
        .connect(server.env("MEMORY_FILE_PATH", &file))
        .await
        .unwrap();
    assert_eq!(client.negotiated().era(), Era::Legacy);
    let ada = json!({ "name": "Ada", "entityType": "person", "observations": ["likes films"] });
    client.call_tool("create_entities", json!({ "entities": [ada] })).await.unwrap();

    #[derive(Deserialize)]
    struct Graph {
        entities: Vec<Entity>,
    }
    #[derive(Deserialize)]
    struct Entity {
        name: String,
        observations: Vec<String>,
    }
    let graph: Graph = client.call("search_nodes", json!({ "query": "films" })).await.unwrap();
    assert_eq!(graph.entities[0].name, "Ada");
    assert_eq!(graph.entities[0].observations, ["likes films"]);
    let graph: Graph = client.call("read_graph", json!({})).await.unwrap();
    assert_eq!(graph.entities.len(), 1);

    let resources = client.list_all_resources().await.unwrap();
    let read = client.read_resource(&resources[0].uri).await.unwrap();
    assert!(matches!(&read.contents[0], ResourceContents::Text(text) if text.text.contains("Ada")));
    assert!(std::fs::read_to_string(&file).unwrap().contains("Ada"));
    ends(client).await;
}

/// A client of the reference server that answers all that it asks.
async fn everything() -> Option<Client> {
    let client = answering().connect(reference("server-everything")?).await;
    let client = client.unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(client.negotiated().era(), Era::Legacy);
    Some(client)
}

/// A client that answers all that it is asked.
pub(crate) fn answering() -> ClientBuilder {
    Client::builder("interop", "1.0")
        .on_form(|_| async { json!({ "name": "Ada", "check": true }) })
        .on_url(|_| async { ElicitAction::Accept })
        .on_sample(|_| async { CreateMessageResult::new("test-model", "what the model says") })
        .roots([Root::new("file:///srv/films").with_name("films")])
}

/// What a reference server is started with; `None` when these tests are left out on request.
fn reference(name: &str) -> Option<ChildProcess> {
    Some(ChildProcess::new("node").arg(reference_script(name)?))
}

/// The program of a reference server.
pub(crate) fn reference_script(name: &str) -> Option<PathBuf> {
    let packages = folder()?.join("node_modules/@modelcontextprotocol");
    Some(packages.join(name).join("dist/index.js"))
}

/// The text that a tool gives, without its structured content.
async fn said(client: &Client, tool: &str, arguments: Value) -> String {
    let result = client.call_tool(tool, arguments).await.unwrap();
    assert!(!result.is_failure(), "{result:?}");
    result.content.iter().filter_map(ContentBlock::as_text).collect()
}

/// Waits until the server works in a folder, and in no other.
async fn allows(client: &Client, folder: &std::path::Path) {
    let folder = folder.display().to_string();
    let allowed = async {
        loop {
            let said = said(client, "list_allowed_directories", json!({})).await;
            if said.lines().skip(1).eq([folder.as_str()]) {
                return;
            }
        }
    };
    timeout(Duration::from_secs(5), allowed).await.expect("the server asks for folders");
}

async fn wait_for(news: &mut Notifications, wanted: impl Fn(&NotificationKind) -> bool) {
    let found = async {
        while let Some(said) = news.next().await {
            if wanted(&said.kind()) {
                return;
            }
        }
        panic!("the connection is over");
    };
    timeout(Duration::from_secs(5), found).await.expect("the server says it");
}

/// Everything was understood, and the server leaves by itself.
async fn ends(client: Client) {
    assert_eq!(client.passed_over(), 0, "everything that the server sent was understood");
    let ended = client.shutdown().await.expect("the server is a child process");
    assert!(matches!(ended.by, Ending::Itself), "{ended:?}");
}
