//! What exists for whom, in both eras: tools of profiles, entitlement, compulsory profiles.

use std::sync::Arc;
use std::time::Duration;

use mcp_core::Limits;
use mcp_core::profile::EXTENSION;
use mcp_server::{Caller, Entitlement, Principal, Profile, Profiles, Server, Settings, Tool};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::conversation::{assert_refused, call, cancel, modern, modern_with, ping, request, text};
use crate::stream::Stream;

const PREMIUM: &str = "https://mcp-tests.example/profiles/premium";
const STANDARD: &str = "https://mcp-tests.example/profiles/standard";
const AUDITED: &str = "https://mcp-tests.example/profiles/audited";

const INVALID_PARAMS: i64 = -32602;
const NEEDS_CAPABILITY: i64 = -32021;
const NOT_AGREED: i64 = 1004;

struct Height(u32);

fn height() -> Tool {
    Tool::new("height").handler(async |height: Settings<Height>, profiles: Profiles| {
        let names: Vec<&str> =
            profiles.iter().map(|url| url.as_str().rsplit('/').next().unwrap_or("")).collect();
        format!("{} {}", height.0, names.join("+"))
    })
}

fn clip() -> Tool {
    Tool::new("clip").handler(async || "clipped")
}

fn plain() -> Tool {
    Tool::new("plain").handler(async || "plain")
}

/// Everybody may have `standard`, and who has paid `premium`.
fn builder() -> mcp_server::Builder {
    let premium = Profile::new(PREMIUM).settings(Height(1080)).tool(clip());
    let standard = Profile::new(STANDARD).settings(Height(480)).by_default();
    Server::builder("vids", "1")
        .exclusive([premium, standard])
        .default_settings(Height(240))
        .tool(plain())
        .tool(height())
}

async fn by_plan(caller: Caller) -> Entitlement {
    if caller.has("plan", "paid") { Entitlement::all() } else { Entitlement::only([STANDARD]) }
}

fn server() -> Server {
    builder().entitlement(by_plan).build().unwrap()
}

fn paid() -> Principal {
    Principal::new("ann").with("plan", "paid")
}

fn unpaid() -> Principal {
    Principal::new("bob")
}

/// A modern request of a client whose profile extension says this.
pub(crate) fn asking(request: Value, extension: Value) -> Value {
    modern_with(request, json!({ "extensions": { EXTENSION: extension } }))
}

/// A modern request that asks for these profiles.
pub(crate) fn modern_asking(request: Value, profiles: &[&str]) -> Value {
    asking(request, json!({ "requested": profiles }))
}

fn names(list: &Value) -> Vec<&str> {
    let tools = list["result"]["tools"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    tools.iter().map(|tool| tool["name"].as_str().unwrap_or_default()).collect()
}

fn list(id: u32) -> Value {
    request(id, "tools/list", json!({}))
}

#[tokio::test(start_paused = true)]
async fn a_legacy_session_has_the_tools_of_its_profiles() {
    let mut premium = Stream::of(&server(), paid()).initialized(json!([PREMIUM])).await;
    assert_eq!(names(&premium.ask(list(1)).await), ["plain", "height", "clip"]);
    assert_eq!(text(&premium.ask(call(2, "clip", json!({}))).await), "clipped");

    let mut standard = Stream::of(&server(), paid()).initialized(json!([STANDARD])).await;
    assert_eq!(names(&standard.ask(list(1)).await), ["plain", "height"]);
    let refused = standard.ask(call(2, "clip", json!({}))).await;
    let unknown = standard.ask(call(2, "clop", json!({}))).await;
    assert_refused(&refused, Some(json!(2)), INVALID_PARAMS, "unknown tool: clip");
    assert_eq!(refused.to_string(), unknown.to_string().replace("clop", "clip"));
}

#[tokio::test(start_paused = true)]
async fn a_modern_list_shows_what_the_caller_is_entitled_to_whatever_was_asked_for() {
    let mut stream = Stream::of(&server(), paid());
    let lines = [
        modern(list(1)),
        asking(list(1), json!({})),
        modern_asking(list(1), &[STANDARD]),
        modern_asking(list(1), &[PREMIUM]),
    ];
    for line in lines {
        assert_eq!(names(&stream.ask(line).await), ["plain", "height", "clip"]);
    }
    let mut stream = Stream::of(&server(), unpaid());
    assert_eq!(names(&stream.ask(modern(list(1))).await), ["plain", "height"]);
    assert_eq!(names(&stream.ask(modern_asking(list(1), &[STANDARD])).await), ["plain", "height"]);
}

#[tokio::test(start_paused = true)]
async fn a_modern_call_is_told_which_profile_to_ask_for() {
    let mut stream = Stream::of(&server(), paid());
    for line in [
        modern(call(1, "clip", json!({}))),
        asking(call(1, "clip", json!({})), json!({})),
        modern_asking(call(1, "clip", json!({})), &[STANDARD]),
    ] {
        let answer = stream.ask(line).await;
        assert_refused(&answer, Some(json!(1)), NEEDS_CAPABILITY, PREMIUM);
        assert_eq!(
            answer["error"]["data"]["requiredCapabilities"]["extensions"][EXTENSION],
            json!({ "requested": [PREMIUM] })
        );
    }
    let answer = stream.ask(modern_asking(call(2, "clip", json!({})), &[PREMIUM])).await;
    assert_eq!(text(&answer), "clipped");
    assert_eq!(answer["result"]["_meta"][EXTENSION], json!({ "profiles": [PREMIUM] }));
}

#[tokio::test(start_paused = true)]
async fn to_a_modern_caller_who_is_not_entitled_the_tool_does_not_exist() {
    let mut stream = Stream::of(&server(), unpaid());
    for line in
        [modern(call(1, "clip", json!({}))), modern_asking(call(1, "clip", json!({})), &[STANDARD])]
    {
        assert_refused(
            &stream.ask(line).await,
            Some(json!(1)),
            INVALID_PARAMS,
            "unknown tool: clip",
        );
    }
    let refused = stream.ask(modern_asking(call(1, "clip", json!({})), &[PREMIUM])).await;
    assert_refused(&refused, Some(json!(1)), NOT_AGREED, PREMIUM);
    assert_eq!(refused["error"]["data"]["reasons"][0]["reason"], "notPermitted");
    // A modern refusal concerns its request only.
    assert_eq!(text(&stream.ask(modern(call(2, "plain", json!({})))).await), "plain");
}

#[tokio::test(start_paused = true)]
async fn modern_requests_are_all_or_nothing() {
    let mut stream = Stream::of(&server(), paid());
    let both = modern_asking(call(1, "plain", json!({})), &[PREMIUM, STANDARD]);
    let refused = stream.ask(both).await;
    assert_refused(&refused, Some(json!(1)), NOT_AGREED, STANDARD);
    assert_eq!(refused["error"]["data"]["reasons"][0]["reason"], "conflict");
    let unknown = "https://mcp-tests.example/profiles/unknown";
    let refused = stream.ask(modern_asking(call(1, "plain", json!({})), &[unknown])).await;
    assert_refused(&refused, Some(json!(1)), NOT_AGREED, unknown);
}

#[tokio::test(start_paused = true)]
async fn settings_are_those_of_the_profile_in_force() {
    let height = |id: u32| call(id, "height", json!({}));
    for (asked, expected) in [
        (json!([PREMIUM]), "1080 premium"),
        (json!([STANDARD]), "480 standard"),
        (json!([PREMIUM, STANDARD]), "1080 premium"),
        (json!([STANDARD, PREMIUM]), "480 standard"),
        (json!([]), "480 standard"),
    ] {
        let mut stream = Stream::of(&server(), paid()).initialized(asked).await;
        assert_eq!(text(&stream.ask(height(1)).await), expected);
    }
    let mut stream = Stream::of(&server(), paid());
    for (asked, expected) in [(PREMIUM, "1080 premium"), (STANDARD, "480 standard")] {
        assert_eq!(text(&stream.ask(modern_asking(height(1), &[asked])).await), expected);
    }
    assert_eq!(text(&stream.ask(modern(height(1))).await), "480 standard");
}

#[tokio::test(start_paused = true)]
async fn default_settings_hold_where_no_profile_is_in_force() {
    let premium = Profile::new(PREMIUM).settings(Height(1080));
    let server = Server::builder("t", "1").profile(premium).default_settings(Height(240));
    let server = server.tool(height()).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    assert_eq!(text(&stream.ask(call(1, "height", json!({}))).await), "240 ");
}

#[tokio::test(start_paused = true)]
async fn entitlement_may_pick_a_profile_for_who_asked_for_nothing() {
    let server = builder().entitlement(async || Entitlement::all().pick(PREMIUM)).build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    assert_eq!(text(&stream.ask(call(1, "height", json!({}))).await), "1080 premium");
}

#[tokio::test(start_paused = true)]
async fn requests_wait_in_order_for_a_late_entitlement_while_ping_is_answered() {
    let gate = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&gate);
    let server = builder().entitlement(move || {
        let gate = Arc::clone(&waits);
        async move {
            gate.acquire().await.expect("it is never closed").forget();
            Entitlement::all()
        }
    });
    let server = server.build().unwrap();
    let mut stream = Stream::silent(&server);
    let mut line = crate::conversation::initialize_request("initialize", "2025-11-25");
    line["params"]["requestedProfiles"] = json!([PREMIUM]);
    let mut lines = format!("{line}\n");
    for id in 0..20 {
        let name = if id % 2 == 0 { "clip" } else { "height" };
        lines.push_str(&format!("{}\n", call(id, name, json!({}))));
    }
    lines.push_str(&format!("{}\n{}", cancel(7), ping("ping")));
    stream.send(lines).await;
    assert_eq!(stream.message().await, json!({ "jsonrpc": "2.0", "id": "ping", "result": {} }));
    let nothing = tokio::time::timeout(Duration::from_secs(60), stream.message()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    gate.add_permits(1);
    assert_eq!(stream.message().await["result"]["profiles"], json!([PREMIUM]));
    for id in (0..20).filter(|id| *id != 7) {
        let answer = stream.message().await;
        let expected = if id % 2 == 0 { "clipped" } else { "1080 premium" };
        assert_eq!((&answer["id"], text(&answer)), (&json!(id), expected));
    }
    assert!(stream.end().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_for_an_entitlement_are_bounded() {
    let limits = Limits { pending_requests: 10, ..Limits::default() };
    let server = builder().entitlement(std::future::pending::<Entitlement>).limits(limits);
    let mut stream = Stream::silent(&server.build().unwrap());
    for id in 0..15 {
        stream.send(modern(call(id, "plain", json!({})))).await;
    }
    for id in 10..15 {
        assert_refused(&stream.message().await, Some(json!(id)), -32603, "at most 10 requests");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_is_noticed_while_its_entitlement_is_looked_up() {
    let server = builder().entitlement(std::future::pending::<Entitlement>);
    let server = server.drain_timeout(Duration::from_secs(7)).build().unwrap();
    let mut stream = Stream::silent(&server);
    stream.send(modern(call(1, "plain", json!({})))).await;
    let since = tokio::time::Instant::now();
    assert!(stream.end().await.is_empty());
    assert_eq!(since.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn modern_requests_wait_for_their_entitlement_each() {
    let gate = Arc::new(Semaphore::new(0));
    let waits = Arc::clone(&gate);
    let server = builder().entitlement(move || {
        let gate = Arc::clone(&waits);
        async move {
            gate.acquire().await.expect("it is never closed").forget();
            Entitlement::all()
        }
    });
    let mut stream = Stream::silent(&server.build().unwrap());
    for id in 0..5 {
        stream.send(modern_asking(call(id, "clip", json!({})), &[PREMIUM])).await;
    }
    gate.add_permits(5);
    for id in 0..5 {
        let answer = stream.message().await;
        assert_eq!((&answer["id"], text(&answer)), (&json!(id), "clipped"));
    }
    assert!(stream.end().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_entitlement_function_that_panics_entitles_to_nothing() {
    let server = builder().entitlement(async || -> Entitlement { panic!("boom") }).build().unwrap();
    let mut stream = Stream::silent(&server);
    let answer = stream.initialize(json!([PREMIUM])).await;
    assert_refused(&answer, Some(json!("initialize")), NOT_AGREED, PREMIUM);
    assert!(stream.until_the_end().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_a_legacy_refusal_nothing_is_served_and_the_server_ends() {
    let mut stream = Stream::of(&server(), unpaid());
    let mut lines = crate::conversation::initialize_request("initialize", "2025-11-25");
    lines["params"]["requestedProfiles"] = json!([PREMIUM]);
    let later = [ping("ping"), list(1), modern(call(2, "plain", json!({})))];
    let later: Vec<String> = later.iter().map(Value::to_string).collect();
    stream.send(format!("{lines}\n{}", later.join("\n"))).await;
    let answers = stream.until_the_end().await;
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_refused(&answers[0], Some(json!("initialize")), NOT_AGREED, PREMIUM);
    // A client that did not declare the extension hears of it only what is supported.
    let data = answers[0]["error"]["data"].as_object().expect("an object");
    assert!(data.contains_key("supported") && !data.contains_key("reasons"), "{data:?}");
}

#[tokio::test(start_paused = true)]
async fn a_compulsory_profile_must_be_asked_for() {
    let audited = Profile::new(AUDITED).compulsory();
    let server = builder().profile(audited).build().unwrap();

    for asked in [json!([]), json!([PREMIUM])] {
        let mut without = Stream::silent(&server);
        let answer = without.initialize(asked).await;
        assert_refused(&answer, Some(json!("initialize")), NOT_AGREED, AUDITED);
        assert!(without.until_the_end().await.is_empty());
    }
    let mut with = Stream::silent(&server).initialized(json!([AUDITED])).await;
    assert_eq!(text(&with.ask(call(1, "plain", json!({}))).await), "plain");

    let mut stream = Stream::silent(&server);
    let answer = stream.ask(modern(call(1, "plain", json!({})))).await;
    assert_refused(&answer, Some(json!(1)), NEEDS_CAPABILITY, AUDITED);
    assert_eq!(
        answer["error"]["data"]["requiredCapabilities"]["extensions"][EXTENSION],
        json!({ "requested": [AUDITED] })
    );
    let answer = stream.ask(modern_asking(call(1, "plain", json!({})), &[AUDITED])).await;
    assert_eq!(text(&answer), "plain");
    let answer = stream.ask(modern(request(2, "server/discover", json!({})))).await;
    assert!(answer.get("result").is_some(), "discovery never fails for profiles: {answer}");
}

#[tokio::test(start_paused = true)]
async fn a_profile_of_a_future_version_is_not_available_yet() {
    let later = Profile::new(PREMIUM).min_mcp_version("2031-01-01").tool(clip());
    let server = Server::builder("t", "1").profile(later).tool(plain()).build().unwrap();
    let mut stream = Stream::silent(&server);
    let answer = stream.ask(modern_asking(call(1, "clip", json!({})), &[PREMIUM])).await;
    assert_refused(&answer, Some(json!(1)), NOT_AGREED, "2031-01-01");
    assert_eq!(answer["error"]["data"]["reasons"][0]["reason"], "mcpVersionTooLow");
    let answer = stream.ask(modern(call(1, "clip", json!({})))).await;
    assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "unknown tool: clip");
}

#[tokio::test(start_paused = true)]
async fn a_malformed_request_for_profiles_is_invalid_params() {
    let too_many: Vec<String> = (0..65).map(|n| format!("https://h/{n}")).collect();
    for wrong in
        [json!("x"), json!([7]), json!(["http://h/x"]), json!(["nonsense"]), json!(too_many)]
    {
        let mut stream = Stream::silent(&server());
        let answer = stream.initialize(wrong.clone()).await;
        assert_refused(&answer, Some(json!("initialize")), INVALID_PARAMS, "requestedProfiles");
        let answer = stream.ask(asking(list(1), json!({ "requested": wrong }))).await;
        assert_eq!(answer["error"]["code"], INVALID_PARAMS, "{answer}");
        // Neither was a handshake: the session can still be opened.
        stream.initialized(json!([STANDARD])).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_with_one_gate_that_stays_closed_does_not_exist_whatever_the_others_say() {
    let server = Server::builder("vids", "1")
        .profile(Profile::new(PREMIUM).tool(clip().requires(AUDITED)))
        .profile(Profile::new(AUDITED))
        .entitlement(async |_caller: Caller| Entitlement::only([PREMIUM]))
        .build()
        .unwrap();
    let mut stream = Stream::silent(&server);
    let answer = stream.ask(modern(call(1, "clip", json!({})))).await;
    assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "unknown tool");
}

#[test]
fn two_tools_of_one_name_in_different_profiles_are_a_mistake() {
    let other = Tool::new("clip").description("another one").handler(async || "other");
    let error = Server::builder("vids", "1")
        .profile(Profile::new(PREMIUM).tool(clip()))
        .profile(Profile::new(AUDITED).tool(other))
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("`clip`") && error.to_string().contains(AUDITED), "{error}");
}
