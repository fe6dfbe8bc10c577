//! Both halves of the library together, in both eras: what one asks, the other answers.

use std::time::Duration;

use mcp_client::types::{
    CacheHints, CreateMessageRequestParams, CreateMessageResult, ElicitAction, ResourceContents,
    Root, SamplingMessage, SamplingMessageContentBlock, SubscriptionFilter,
};
use mcp_client::{Cache, NotificationKind};
use mcp_core::version::Era;
use mcp_server::{
    Ask, AskUrl, ErrorCode, ErrorObject, Result, Roots, Sample, Server, Tool, prompt, resource,
    tool,
};
use mcp_test::{ERAS, pair};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize, JsonSchema)]
struct Choice {
    /// Which title
    title: String,
    /// How loud
    #[serde(default = "five")]
    volume: u32,
}

fn five() -> u32 {
    5
}

/// Asks for everything that there is, one thing after the other.
#[tool]
async fn ask_all(
    choice: Ask<Choice>,
    page: AskUrl,
    model: Sample,
    folders: Roots,
) -> Result<String> {
    let choice = choice.form("Which title?")?;
    page.open("Sign in", "https://vidsrus.example/sign-in")?;
    let folders = folders.list()?;
    let question = SamplingMessage::user(SamplingMessageContentBlock::text(choice.title));
    let said = model.message(CreateMessageRequestParams::new([question], 9))?;
    let said = said.content.as_text().unwrap_or_default().to_owned();
    Ok(format!("{said} at {} in {}", choice.volume, folders[0].uri))
}

/// Asks for a title, and tells of it.
#[prompt]
async fn ask_for_prompt(mood: String, choice: Ask<Choice>) -> Result<String> {
    let choice = choice.form("Which title?")?;
    Ok(format!("{} at {}, {mood}", choice.title, choice.volume))
}

/// Asks for a title, and has it read.
#[resource("films://{reel}/asked")]
async fn ask_for_resource(reel: u32, choice: Ask<Choice>) -> Result<String> {
    let choice = choice.form(format!("Which title of reel {reel}?"))?;
    Ok(format!("{} of {reel}", choice.title))
}

fn echo(request: &CreateMessageRequestParams) -> CreateMessageResult {
    let said = request.messages[0].content.as_text().unwrap_or_default().to_uppercase();
    CreateMessageResult::new("echo-1", SamplingMessageContentBlock::text(said))
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_asks_works_unchanged_in_both_eras() {
    for era in ERAS {
        let server = Server::builder("vidsrus", "1").tool(ask_all);
        let answers = |client: mcp_client::ClientBuilder| {
            client
                .idle_timeout(Duration::from_secs(5))
                .on_form(|_| async {
                    // A person takes their time.
                    tokio::time::sleep(Duration::from_secs(600)).await;
                    json!({ "title": "nosferatu", "volume": 7 })
                })
                .on_url(|_| async { ElicitAction::Accept })
                .on_sample(|request| async move { echo(&request) })
                .roots([Root::new("file:///films")])
        };
        let client = pair(server).era(era).client(answers).connect().await.unwrap();
        let said: String = client.call("ask_all", ()).await.unwrap();
        assert_eq!(said, "NOSFERATU at 7 in file:///films", "{era:?}");
        client.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn prompts_and_resources_may_ask_too() {
    for era in ERAS {
        let server = Server::builder("vidsrus", "1");
        let server = server.prompt(ask_for_prompt).resource(ask_for_resource);
        let answer = json!({ "title": "nosferatu", "volume": 7 });
        let client = pair(server).era(era).answer(answer.clone()).answer(answer);
        let client = client.connect().await.unwrap();
        let got = client.get_prompt("ask_for_prompt", json!({ "mood": "grave" })).await.unwrap();
        assert_eq!(got.messages[0].content.as_text(), Some("nosferatu at 7, grave"), "{era:?}");
        let read = client.read_resource("films://3/asked").await.unwrap();
        let ResourceContents::Text(text) = &read.contents[0] else { panic!("{read:?}") };
        assert_eq!((&*text.text, &*text.uri), ("nosferatu of 3", "films://3/asked"));
        client.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_refusal_of_the_client_reaches_the_handler() {
    for era in ERAS {
        let server = Server::builder("vidsrus", "1").tool(ask_all);
        let refused = || ErrorObject::new(ErrorCode(-1), "user rejected sampling request");
        let answers = move |client: mcp_client::ClientBuilder| {
            client
                .on_form(|_| async { ElicitAction::Decline })
                .on_url(|_| async { ElicitAction::Accept })
                .on_sample(move |_| async move { Err::<CreateMessageResult, _>(refused()) })
                .roots([])
        };
        let client = pair(server).era(era).client(answers).connect().await.unwrap();
        client.call::<String>("ask_all", ()).await.unwrap_err();
        client.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn changes_are_told_in_the_way_of_the_era() {
    for era in ERAS {
        let server = Server::builder("vidsrus", "1").tool(ask_all).build().unwrap();
        let client = pair(&server).era(era).connect().await.unwrap();
        let mut told = client.notifications();
        let mut changes = client.listen(SubscriptionFilter::new().with_tools_list_changed());
        if era == Era::Modern {
            let agreed = changes.acknowledged().await.unwrap();
            assert_eq!(agreed.tools_list_changed, Some(true));
        } else {
            client.ping().await.unwrap();
        }
        let hello = Tool::new("hello").handler(async || "hi");
        server.add_tool(hello).unwrap();
        assert_eq!(told.next().await.unwrap().kind(), NotificationKind::ToolsListChanged);
        if era == Era::Modern {
            let change = changes.next().await.unwrap().unwrap();
            assert_eq!(change.kind(), NotificationKind::ToolsListChanged);
        }
        drop(changes);
        assert_eq!(client.call::<String>("hello", ()).await.unwrap(), "hi");
        client.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_list_is_kept_until_the_server_says_that_it_has_changed() {
    let hints = CacheHints::public(60_000);
    let server = Server::builder("vidsrus", "1").tool(ask_all).list_cache(hints).build().unwrap();
    let cache = Cache::new();
    let kept = cache.clone();
    let client = pair(&server).client(move |client| client.cache(kept)).connect().await.unwrap();
    let mut changes = client.listen(SubscriptionFilter::new().with_tools_list_changed());
    changes.acknowledged().await.unwrap();
    assert_eq!(client.list_all_tools().await.unwrap().len(), 1);
    assert_eq!((cache.len(), client.list_all_tools().await.unwrap().len()), (1, 1));
    server.add_tool(Tool::new("hello").handler(async || "hi")).unwrap();
    changes.next().await.unwrap().unwrap();
    assert_eq!((cache.len(), client.list_all_tools().await.unwrap().len()), (0, 2));
    client.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_open_subscription_does_not_hold_up_the_end() {
    let server = Server::builder("vidsrus", "1").tool(ask_all);
    let client = pair(server).connect().await.unwrap();
    let mut changes = client.listen(SubscriptionFilter::new().with_tools_list_changed());
    changes.acknowledged().await.unwrap();
    let begun = tokio::time::Instant::now();
    client.shutdown().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
