//! Lists, their pages and how long they hold; tools that come and go; results of each era.

use mcp_core::profile::EXTENSION;
use mcp_core::version::Era;
use mcp_server::{Builder, Entitlement, Json, Profile, Server, Tool};
use serde_json::{Value, json};

use crate::conversation::{assert_refused, call, error_text, modern, request, text};
use crate::gating::{asking, modern_asking};
use crate::stream::Stream;

const PREMIUM: &str = "https://mcp-tests.example/profiles/premium";
const INVALID_PARAMS: i64 = -32602;

fn named(name: impl Into<String>) -> Tool {
    Tool::new(name.into()).handler(async || "answered")
}

/// Seven tools, of which every second exists for premium callers only.
fn builder() -> Builder {
    let mut server = Server::builder("t", "1");
    for n in 0..7 {
        let tool = named(format!("tool{n}"));
        server = server.tool(if n % 2 == 1 { tool.requires(PREMIUM) } else { tool });
    }
    server.profile(Profile::new(PREMIUM))
}

fn list(cursor: Value) -> Value {
    let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
    request(1, "tools/list", params)
}

fn names(list: &Value) -> Vec<&str> {
    let tools = list["result"]["tools"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default()).collect()
}

/// All pages of a list, each request made ready by `prepare`.
async fn pages(stream: &mut Stream, prepare: impl Fn(Value) -> Value) -> Vec<Vec<String>> {
    let (mut pages, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let page = stream.ask(prepare(list(cursor))).await;
        pages.push(names(&page).into_iter().map(str::to_owned).collect());
        cursor = page["result"]["nextCursor"].clone();
        if cursor.is_null() {
            return pages;
        }
        assert!(pages.len() < 100, "the list does not end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_comes_in_pages_without_empty_or_repeated_ones() {
    for (size, expected) in [(1, 7), (2, 4), (3, 3), (6, 2), (7, 1), (8, 1)] {
        let server = builder().page_size(size).build().unwrap();
        let mut stream = Stream::silent(&server);
        let pages = pages(&mut stream, modern).await;
        assert_eq!(pages.len(), expected, "{pages:?}");
        let all: Vec<String> = (0..7).map(|n| format!("tool{n}")).collect();
        assert_eq!(pages.concat(), all);
    }
}

#[tokio::test(start_paused = true)]
async fn pages_hold_only_what_the_session_shows() {
    let server = builder().page_size(3).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    let shown = pages(&mut stream, |line| line).await;
    assert_eq!(shown, [vec!["tool0", "tool2", "tool4"], vec!["tool6"]]);
    let mut stream = Stream::silent(&server).initialized(json!([PREMIUM])).await;
    assert_eq!(pages(&mut stream, |line| line).await.concat().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_cursor_must_be_one_that_was_given() {
    let server = builder().page_size(3).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    for wrong in [json!("nope"), json!(""), json!(7), json!([])] {
        let answer = stream.ask(list(wrong)).await;
        assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "`cursor`");
    }
    // The name of a tool that this session does not have is no hint that it exists.
    let (hidden, unknown) =
        (stream.ask(list(json!("tool1"))).await, stream.ask(list(json!("tool99"))).await);
    assert_eq!(hidden, unknown);
}

#[tokio::test(start_paused = true)]
async fn tools_come_and_go_while_connections_live() {
    let server = Server::builder("t", "1").tool(named("first")).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    let answer = stream.ask(call(1, "second", json!({}))).await;
    assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "unknown tool: second");

    server.add_tool(named("second")).unwrap();
    assert_eq!(stream.message().await["method"], "notifications/tools/list_changed");
    assert_eq!(names(&stream.ask(list(Value::Null)).await), ["first", "second"]);
    assert_eq!(text(&stream.ask(call(1, "second", json!({}))).await), "answered");
    assert!(server.add_tool(named("second")).is_err(), "the name is taken");
    assert!(server.add_tool(named("not a name")).is_err());
    assert!(server.add_tool(named("gated").requires(PREMIUM)).is_err(), "it is not declared");

    assert!(server.remove_tool("first") && !server.remove_tool("first"));
    assert_eq!(stream.message().await["method"], "notifications/tools/list_changed");
    assert_eq!(names(&stream.ask(list(Value::Null)).await), ["second"]);
    let answer = stream.ask(call(1, "first", json!({}))).await;
    assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "unknown tool: first");
    assert_eq!(text(&stream.ask(call(1, "second", json!({}))).await), "answered");
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_on_though_its_tool_is_removed() {
    let tool = Tool::new("long").handler(async || {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        "finished"
    });
    let server = Server::builder("t", "1").tool(tool).tool(named("quick")).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    stream.send(call("long", "long", json!({}))).await;
    stream.ask(call(1, "quick", json!({}))).await;
    assert!(server.remove_tool("long"));
    assert_eq!(stream.message().await["method"], "notifications/tools/list_changed");
    let answer = stream.message().await;
    assert_eq!((&answer["id"], text(&answer)), (&json!("long"), "finished"));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_of_a_tool_that_was_removed_is_no_longer_valid() {
    let server = builder().page_size(1).build().unwrap();
    let mut stream = Stream::silent(&server);
    let cursor = stream.ask(modern(list(Value::Null))).await["result"]["nextCursor"].clone();
    assert!(server.remove_tool(cursor.as_str().unwrap_or_default()));
    let answer = stream.ask(modern(list(cursor))).await;
    assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "no longer");
}

#[tokio::test(start_paused = true)]
async fn a_list_is_public_only_where_it_is_the_same_for_everybody() {
    let scope = |answer: &Value| answer["result"]["cacheScope"].as_str().map(str::to_owned);
    let public = builder().page_size(3).build().unwrap();
    let mut stream = Stream::silent(&public);
    for method in ["tools/list", "server/discover"] {
        let line = request(1, method, json!({}));
        assert_eq!(scope(&stream.ask(modern(line.clone())).await).as_deref(), Some("public"));
        // A caller who declares the extension is told what is in force: that is for it alone.
        for line in [asking(line.clone(), json!({})), modern_asking(line, &[PREMIUM])] {
            let answer = stream.ask(line).await;
            assert!(answer["result"]["_meta"][EXTENSION].is_object(), "{answer}");
            assert_eq!(scope(&answer).as_deref(), Some("private"), "{answer}");
        }
    }
    let page = modern_asking(list(json!("tool2")), &[PREMIUM]);
    assert_eq!(scope(&stream.ask(page).await).as_deref(), Some("private"), "on all pages");

    let differs = builder().entitlement(async || Entitlement::all()).build().unwrap();
    let mut stream = Stream::silent(&differs);
    assert_eq!(scope(&stream.ask(modern(list(Value::Null))).await).as_deref(), Some("private"));
    // What only a legacy session sees has no such members.
    let mut stream = Stream::legacy(&public).await;
    let answer = stream.ask(list(Value::Null)).await;
    assert!(
        answer["result"].get("cacheScope").is_none() && answer["result"].get("ttlMs").is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_result_of_a_call_has_no_cache_hints() {
    let mut stream = Stream::silent(&builder().build().unwrap());
    let answer = stream.ask(modern(call(1, "tool0", json!({})))).await;
    assert_eq!(answer["result"]["resultType"], "complete");
    assert!(answer["result"].get("cacheScope").is_none(), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn structured_output_that_is_no_object_is_for_modern_clients_only() {
    let numbers = Tool::new("numbers").handler(async || Json(vec![1, 2, 3]));
    let server = Server::builder("t", "1").tool(numbers).build().unwrap();
    for era in [Era::Legacy, Era::Modern] {
        let (mut stream, is_modern) = match era {
            Era::Legacy => (Stream::legacy(&server).await, false),
            Era::Modern => (Stream::silent(&server), true),
        };
        let as_sent = |line| if is_modern { modern(line) } else { line };
        let listed = stream.ask(as_sent(list(Value::Null))).await;
        let tool = &listed["result"]["tools"][0];
        let answer = stream.ask(as_sent(call(1, "numbers", json!({})))).await;
        assert_eq!(text(&answer), "[1,2,3]");
        let structured = answer["result"].get("structuredContent");
        match is_modern {
            true => {
                assert_eq!(tool["outputSchema"]["type"], "array", "{tool}");
                assert_eq!(structured, Some(&json!([1, 2, 3])));
            }
            false => {
                assert!(tool.get("outputSchema").is_none(), "{tool}");
                assert!(structured.is_none(), "{answer}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_arguments_are_a_tool_error_and_an_unknown_tool_is_none() {
    let double = Tool::new("double").params(["n"]).handler(async |n: u32| 2 * n);
    let server = Server::builder("t", "1").tool(double).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    for as_sent in [|line| line, modern] {
        let answer = stream.ask(as_sent(call(1, "double", json!({ "n": "two" })))).await;
        assert_eq!(error_text(&answer), "argument `n`: invalid value \"two\", expected u32");
        let answer = stream.ask(as_sent(call(1, "double", json!({ "m": 2 })))).await;
        assert_eq!(
            error_text(&answer),
            "argument `n` is missing (`m` is not an argument of `double`)"
        );
        let answer = stream.ask(as_sent(call(1, "triple", json!({ "n": 2 })))).await;
        assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "unknown tool: triple");
        assert_eq!(text(&stream.ask(as_sent(call(1, "double", json!({ "n": 2 })))).await), "4");
    }
}
