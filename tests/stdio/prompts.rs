//! Prompts: listed with their arguments, got with arguments that are strings, gated.

use mcp_server::{
    Args, Builder, ErrorObject, GetPromptResult, Profile, Prompt, PromptMessage, Result, Server,
    State, ToolError, prompt,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::conversation::{assert_refused, modern, request};
use crate::gating::modern_asking;
use crate::items::{Client, INTERNAL_ERROR, INVALID_PARAMS};
use crate::stream::Stream;

const PREMIUM: &str = "https://mcp-tests.example/profiles/premium";

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Length {
    Short,
    Long,
}

/// Recaps a title up to a minute.
#[prompt(title = "Recap")]
async fn recap(
    /// What to recap
    title: String,
    /// Up to which minute
    minute: Option<u32>,
    length: Length,
) -> Vec<PromptMessage> {
    vec![
        PromptMessage::user(format!("{title} {minute:?} {length:?}").as_str()),
        PromptMessage::assistant("Gladly."),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Review {
    /// What to review
    code: String,
    strict: Option<bool>,
}

struct House(&'static str);

impl House {
    #[prompt]
    async fn style(&self) -> String {
        self.0.to_owned()
    }
}

fn builder() -> Builder {
    let review = Prompt::new("review").handler(async |Args(review): Args<Review>| {
        let message = format!("{} {:?}", review.code, review.strict);
        GetPromptResult::new([PromptMessage::user(message.as_str())]).with_description("A review")
    });
    let broken = Prompt::new("broken").params(["how"]).handler(
        async |how: String| -> Result<&'static str> {
            match how.as_str() {
                "tool" => Err(ToolError::new("no such reel: try another"))?,
                "protocol" => Err(ErrorObject::internal("the archive is closed"))?,
                "secret" => Err(std::io::Error::other("/srv/films is gone"))?,
                _ => Ok("fine"),
            }
        },
    );
    Server::builder("t", "1")
        .state(House("tabs"))
        .prompt(recap)
        .prompt(House::style)
        .prompt(review)
        .prompt(broken)
}

fn get(name: &str, arguments: Value) -> Value {
    json!({ "name": name, "arguments": arguments })
}

#[tokio::test(start_paused = true)]
async fn prompts_are_listed_with_their_arguments_and_in_pages() {
    let server = builder().page_size(3).build().unwrap();
    for mut client in Client::both(&server).await {
        let pages = client.pages("prompts/list", "prompts", "name").await;
        assert_eq!(pages, [vec!["recap", "style", "review"], vec!["broken"]]);
        let list = client.result("prompts/list", json!({})).await;
        assert_eq!(
            list["prompts"][0],
            json!({
                "name": "recap",
                "title": "Recap",
                "description": "Recaps a title up to a minute.",
                "arguments": [
                    { "name": "title", "description": "What to recap", "required": true },
                    { "name": "minute", "description": "Up to which minute", "required": false },
                    { "name": "length", "required": true },
                ],
            })
        );
        assert_eq!(list["prompts"][1], json!({ "name": "style" }));
        assert_eq!(
            list["prompts"][2]["arguments"],
            json!([
                { "name": "code", "description": "What to review", "required": true },
                { "name": "strict", "required": false },
            ])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn arguments_are_parsed_from_strings() {
    let server = builder().build().unwrap();
    for mut client in Client::both(&server).await {
        let arguments = json!({ "title": "Metropolis", "minute": "30", "length": "short" });
        let result = client.result("prompts/get", get("recap", arguments)).await;
        let text = |text| json!({ "type": "text", "text": text });
        assert_eq!(
            result["messages"],
            json!([
                { "role": "user", "content": text("Metropolis Some(30) Short") },
                { "role": "assistant", "content": text("Gladly.") },
            ])
        );
        // What a form left empty was not given.
        let arguments = json!({ "title": "", "minute": "", "length": "long" });
        let result = client.result("prompts/get", get("recap", arguments)).await;
        assert_eq!(result["messages"][0]["content"], text(" None Long"));
        let result = client.result("prompts/get", json!({ "name": "style" })).await;
        assert_eq!(result["messages"], json!([{ "role": "user", "content": text("tabs") }]));
        let arguments = json!({ "code": "x", "strict": "true" });
        let result = client.result("prompts/get", get("review", arguments)).await;
        assert_eq!(result["messages"][0]["content"], text("x Some(true)"));
        assert_eq!(result["description"], "A review");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_invalid_params_that_name_the_argument() {
    let server = builder().build().unwrap();
    for mut client in Client::both(&server).await {
        for (params, says) in [
            (json!({ "name": "nothing" }), "unknown prompt: nothing"),
            (json!({ "arguments": {} }), "name"),
            (json!({ "name": "recap" }), "argument `title` is missing"),
            (
                get("recap", json!({ "titel": "a", "length": "long" })),
                "argument `title` is missing (`titel` is not an argument of `recap`)",
            ),
            (
                get("recap", json!({ "title": "a", "minute": "soon", "length": "long" })),
                "argument `minute`: invalid value \"soon\", expected u32",
            ),
            (
                get("recap", json!({ "title": "a", "minute": 30, "length": "long" })),
                "argument `minute`: invalid value 30, expected a string",
            ),
            (
                get("recap", json!({ "title": "a", "length": "medium" })),
                "argument `length`: unknown variant `medium`, expected `short` or `long`",
            ),
            (
                get("review", json!({ "code": "a", "strict": "very" })),
                "argument `strict`: invalid value \"very\", expected `true` or `false`",
            ),
            (get("review", json!({})), "argument `code` is missing"),
            (get("broken", json!({ "how": "tool" })), "no such reel: try another"),
        ] {
            let answer = client.ask("prompts/get", params).await;
            assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, says);
        }
        for (how, says) in [("protocol", "the archive is closed"), ("secret", "internal error ")] {
            let answer = client.ask("prompts/get", get("broken", json!({ "how": how }))).await;
            assert_refused(&answer, Some(json!(1)), INTERNAL_ERROR, says);
            assert!(!answer.to_string().contains("/srv"), "{answer}");
        }
    }
}

fn gated() -> Server {
    let both = || Prompt::new("both").handler(async || "both");
    let standard = Profile::new("https://mcp-tests.example/profiles/standard").prompt(both());
    builder()
        .prompt(Prompt::new("premium").requires(PREMIUM).handler(async || "premium"))
        .profile(Profile::new(PREMIUM).prompt(both()))
        .profile(standard)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_legacy_session_has_the_prompts_of_its_profiles() {
    let server = gated();
    let mut without = Stream::legacy(&server).await;
    let mut with = Stream::silent(&server).initialized(json!([PREMIUM])).await;
    for name in ["premium", "both"] {
        let line = request(1, "prompts/get", json!({ "name": name }));
        let answer = without.ask(line.clone()).await;
        assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "unknown prompt");
        assert_eq!(with.ask(line).await["result"]["messages"][0]["content"]["text"], name);
    }
    for (stream, count) in [(&mut without, 4), (&mut with, 6)] {
        let list = stream.ask(request(1, "prompts/list", json!({}))).await;
        assert_eq!(list["result"]["prompts"].as_array().map(Vec::len), Some(count), "{list}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_caller_is_told_which_profile_to_ask_for() {
    let mut stream = Stream::silent(&gated());
    let line = request(1, "prompts/get", json!({ "name": "premium" }));
    assert_refused(&stream.ask(modern(line.clone())).await, Some(json!(1)), -32021, "");
    let answer = stream.ask(modern_asking(line, &[PREMIUM])).await;
    assert_eq!(answer["result"]["messages"][0]["content"]["text"], "premium");
}

#[tokio::test(start_paused = true)]
async fn prompts_come_and_go_while_connections_live() {
    let server = builder().build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    let line = request(1, "prompts/get", json!({ "name": "new" }));
    let answer = stream.ask(line.clone()).await;
    assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "unknown prompt: new");
    server.add_prompt(Prompt::new("new").handler(async || "new")).unwrap();
    assert_eq!(stream.message().await["method"], "notifications/prompts/list_changed");
    assert!(stream.ask(line.clone()).await["result"]["messages"].is_array());
    assert!(server.add_prompt(Prompt::new("new").handler(async || "new")).is_err(), "it is taken");
    assert!(server.remove_prompt("new") && !server.remove_prompt("new"));
    stream.message().await;
    assert_refused(&stream.ask(line).await, Some(json!(1)), INVALID_PARAMS, "unknown prompt: new");
}

#[test]
fn mistakes_are_named_with_their_prompt() {
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Span {
        from: u32,
    }
    let server = Server::builder("t", "1")
        .prompt(Prompt::new("a").params(["span"]).handler(async |_: Span| ""))
        .prompt(Prompt::new("b").complete_values("c", ["d"]).handler(async |_: State<House>| ""))
        .prompt(Prompt::new("d"))
        .prompt(Prompt::new("").handler(async || ""))
        .prompt(Prompt::new("e").handler(async || ""))
        .prompt(Prompt::new("e").handler(async || ""));
    let problems = server.build().unwrap_err().to_string();
    for problem in [
        "prompt `a`: argument `span` is a string on the wire, which cannot be read as an object: take a string, a number, a `bool`, or an enum without fields",
        "prompt `b`: `c` is completed, and is no argument",
        "prompt `b`: it takes the state `stdio::prompts::House`: add `.state(…)` to the server",
        "prompt `d`: it has no handler: add one with `.handler(…)`",
        "prompt ``: it has no name: give it one",
        "prompt `e`: there is another prompt of this name",
    ] {
        assert!(problems.contains(problem), "{problem}\n{problems}");
    }
}
