//! Methods and notifications that a server adds, in both eras and from both sides.

use std::sync::{Arc, Mutex};

use mcp_client::{Client, EraChoice, Io};
use mcp_server::{
    Args, CallContext, ErrorObject, Extension, ExtensionId, ExtensionMethod, Json, Next, Outcome,
    Profile, Result, Server, State, Tool, ToolCall, ToolError, from_fn,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{duplex, split};

use crate::conversation::{assert_refused, initialize_request, modern_with, notification, request};
use crate::stream::Stream;

const WATCHLIST: ExtensionId = ExtensionId::new("com.example/watchlist");
const OTHER: ExtensionId = ExtensionId::new("com.example/other");
const PREMIUM: &str = "https://mcp-tests.example/profiles/premium";

#[derive(Default)]
struct List {
    titles: Mutex<Vec<String>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Item {
    title: String,
}

async fn add(Args(item): Args<Item>, list: State<List>, ctx: CallContext) -> Result<Json<Value>> {
    if item.title.is_empty() {
        Err(ToolError::new("`title` is empty: name a title"))?;
    }
    if item.title == "lost" {
        Err(std::io::Error::other("the disk is on fire"))?;
    }
    ctx.notify("notifications/watchlist/growing", json!({ "by": 1 }));
    let mut titles = list.titles.lock().map_err(|_| ErrorObject::internal("lost"))?;
    titles.push(item.title);
    Ok(Json(json!({ "place": titles.len() })))
}

async fn forget(title: String, list: State<List>) {
    list.titles.lock().expect("nobody panics").retain(|known| *known != title);
}

async fn touched(Args(item): Args<Item>, list: State<List>) {
    list.titles.lock().expect("nobody panics").push(format!("touched {}", item.title));
}

fn watchlist() -> Extension {
    Extension::new(WATCHLIST)
        .settings(json!({ "max": 50 }))
        .method("watchlist/add", add)
        .with_method(ExtensionMethod::new("watchlist/forget").params(["title"]).handler(forget))
        .with_method(
            ExtensionMethod::new("watchlist/share")
                .requires(PREMIUM)
                .handler(async || Json(json!({ "shared": true }))),
        )
        .notification("notifications/watchlist/touched", touched)
        .tool(Tool::new("count").handler(async |list: State<List>| {
            list.titles.lock().expect("nobody panics").len().to_string()
        }))
}

fn server() -> Server {
    let server = Server::builder("t", "1").state(List::default()).extension(watchlist());
    server.profile(Profile::new(PREMIUM)).build().unwrap()
}

/// A modern request of a client that declares the extension.
fn declaring(line: Value) -> Value {
    modern_with(line, json!({ "extensions": { WATCHLIST.as_str(): {} } }))
}

async fn legacy(server: &Server, capabilities: Value) -> (Stream, Value) {
    let mut stream = Stream::silent(server);
    let mut line = initialize_request("initialize", "2025-11-25");
    line["params"]["capabilities"] = capabilities;
    let answer = stream.ask(line).await;
    stream.send(notification("notifications/initialized", json!({}))).await;
    (stream, answer["result"]["capabilities"]["extensions"].clone())
}

fn adding(title: &str) -> Value {
    request(1, "watchlist/add", json!({ "title": title }))
}

#[tokio::test(start_paused = true)]
async fn a_method_is_there_for_who_declared_the_extension() {
    let mut stream = Stream::silent(&server());
    let answer = stream.ask(declaring(request(1, "server/discover", json!({})))).await;
    let extensions = &answer["result"]["capabilities"]["extensions"];
    assert_eq!(extensions[WATCHLIST.as_str()], json!({ "max": 50 }), "{answer}");
    stream.send(declaring(adding("nosferatu"))).await;
    let said = stream.message().await;
    assert_eq!(said["method"], "notifications/watchlist/growing", "{said}");
    let answer = stream.message().await;
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    assert_eq!(answer["result"]["place"], 1, "{answer}");
    let forget = request(2, "watchlist/forget", json!({ "title": "nosferatu" }));
    let answer = stream.ask(declaring(forget)).await;
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_modern_client_that_did_not_declare_it_is_told_what_to_declare() {
    let mut stream = Stream::silent(&server());
    let answer = stream.ask(modern_with(adding("nosferatu"), json!({}))).await;
    assert_refused(&answer, Some(json!(1)), -32021, WATCHLIST.as_str());
    let needed = json!({ "extensions": { WATCHLIST.as_str(): {} } });
    assert_eq!(answer["error"]["data"]["requiredCapabilities"], needed);
}

#[tokio::test(start_paused = true)]
async fn legacy_clients_reach_it_too_unless_it_is_modern_only() {
    let declared = json!({ "extensions": { WATCHLIST.as_str(): {} } });
    let (mut stream, extensions) = legacy(&server(), declared.clone()).await;
    assert_eq!(extensions[WATCHLIST.as_str()], json!({ "max": 50 }));
    stream.send(adding("nosferatu")).await;
    assert_eq!(stream.message().await["method"], "notifications/watchlist/growing");
    assert_eq!(stream.message().await["result"], json!({ "place": 1 }));

    let (mut stream, _) = legacy(&server(), json!({})).await;
    assert_refused(&stream.ask(adding("x")).await, Some(json!(1)), -32601, "watchlist/add");

    let modern_only = watchlist().modern_only();
    let server = Server::builder("t", "1").state(List::default()).extension(modern_only);
    let server = server.profile(Profile::new(PREMIUM)).build().unwrap();
    let (mut stream, extensions) = legacy(&server, declared).await;
    assert_eq!(extensions, Value::Null);
    assert_refused(&stream.ask(adding("x")).await, Some(json!(1)), -32601, "watchlist/add");
}

#[tokio::test(start_paused = true)]
async fn failures_are_errors_and_say_no_more_than_they_may() {
    let mut stream = Stream::silent(&server());
    let answer = stream.ask(declaring(adding(""))).await;
    assert_refused(&answer, Some(json!(1)), -32602, "`title` is empty");
    let answer = stream.ask(declaring(adding("lost"))).await;
    assert_refused(&answer, Some(json!(1)), -32603, "internal error");
    assert!(!answer.to_string().contains("fire"), "{answer}");
    let wrong = request(1, "watchlist/add", json!({ "title": 7 }));
    let answer = stream.ask(declaring(wrong)).await;
    assert_refused(&answer, Some(json!(1)), -32602, "`title`");
}

#[tokio::test(start_paused = true)]
async fn a_method_of_a_profile_needs_it() {
    let mut stream = Stream::silent(&server());
    let share = || request(1, "watchlist/share", json!({}));
    let answer = stream.ask(declaring(share())).await;
    assert_eq!(answer["error"]["code"], -32021, "{answer}");
    let profiles = json!({ "requested": [PREMIUM] });
    let extensions = json!({ WATCHLIST.as_str(): {}, mcp_core::profile::EXTENSION: profiles });
    let answer = stream.ask(modern_with(share(), json!({ "extensions": extensions }))).await;
    assert_eq!(answer["result"]["shared"], true, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_notification_reaches_its_handler() {
    let (mut stream, _) =
        legacy(&server(), json!({ "extensions": { WATCHLIST.as_str(): {} } })).await;
    let touched = |title: Value| {
        notification("notifications/watchlist/touched", json!({ "title": title, "_meta": {} }))
    };
    stream.send(touched(json!("nosferatu"))).await;
    stream.send(touched(json!(7))).await;
    let count = request(1, "tools/call", json!({ "name": "count" }));
    let answer = stream.ask(count).await;
    assert_eq!(answer["result"]["content"][0]["text"], "1", "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_extension_brings_a_layer() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let layer = from_fn(move |call: ToolCall, next: Next| {
        log.lock().expect("nobody panics").push(call.name().to_owned());
        async move { next.run(call).await }
    });
    let server = Server::builder("t", "1").state(List::default());
    let server = server.extension(watchlist().layer(layer)).profile(Profile::new(PREMIUM));
    let mut stream = Stream::silent(&server.build().unwrap());
    stream.ask(declaring(request(1, "watchlist/forget", json!({ "title": "x" })))).await;
    assert_eq!(*seen.lock().unwrap(), ["watchlist/forget"]);
    let _: Outcome = ToolError::new("the type of what a layer gives").into();
}

#[test]
fn mistakes_are_found_when_the_server_is_built() {
    let handler = async || ();
    let wrong = Extension::new(WATCHLIST)
        .settings(7)
        .method("tools/call", handler)
        .method("", handler)
        .method("notifications/x", handler)
        .method("tasks/list", handler)
        .method("roots/list", handler)
        .method("x/twice", async |list: State<List>| drop(list))
        .with_method(ExtensionMethod::new("x/none"))
        .with_method(ExtensionMethod::new("x/premium").requires(PREMIUM).handler(handler))
        .notification("x/y", handler)
        .notification("notifications/progress", handler);
    let other = Extension::new(OTHER).method("x/twice", handler);
    let server = Server::builder("t", "1").extension(wrong).extension(other);
    let again = Extension::new(WATCHLIST);
    let said = server.extension(again).build().unwrap_err().to_string();
    for problem in [
        "settings cannot be written as a JSON object",
        "method `tools/call`: the protocol itself",
        "method ``: it has no name",
        "method `notifications/x`: names that begin with `notifications/`",
        "method `tasks/list`: names that begin with `tasks/` are kept",
        "method `roots/list`: the protocol itself",
        "method `x/twice`: it takes the state",
        "method `x/none`: it has no handler",
        "method `x/premium`: it requires the profile",
        "notification `x/y`: its name must begin with",
        "notification `notifications/progress`: the protocol itself",
        "extension `com.example/other`: method `x/twice`: extension `com.example/watchlist` has",
        "extension `com.example/watchlist`: it is added twice",
    ] {
        assert!(said.contains(problem), "{problem}\n{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn our_client_calls_it_in_both_eras() {
    for era in [EraChoice::Legacy, EraChoice::Modern] {
        let (ours, theirs) = duplex(64 * 1024);
        let server = server();
        tokio::spawn(async move {
            let (reader, writer) = split(theirs);
            server.serve(reader, writer).await
        });
        let client = Client::builder("viewer", "1").era(era).extension(WATCHLIST);
        let client = client.connect(Io::new(ours)).await.unwrap();
        let item = json!({ "title": "nosferatu" });
        let added: Value = client.request(WATCHLIST, "watchlist/add", &item).await.unwrap();
        assert_eq!(added["place"], 1);
        let undeclared = client.request::<Value>(OTHER, "x/y", ()).await.unwrap_err();
        assert!(undeclared.to_string().contains(OTHER.as_str()), "{undeclared}");
    }
}
