//! Completion of the arguments of prompts and of the variables of templates.

use mcp_server::{
    Args, Completion, Profile, Prompt, Resource, Result, Server, State, ToolError, Typed, prompt,
    resource,
};
use serde_json::{Value, json};

use crate::conversation::{assert_refused, request};
use crate::items::{Client, INVALID_PARAMS};
use crate::stream::Stream;

const PREMIUM: &str = "https://mcp-tests.example/profiles/premium";

struct Films {
    titles: Vec<(&'static str, u32)>,
}

async fn titles(typed: Typed, films: State<Films>) -> Vec<String> {
    let year = typed.context().get("year");
    let all = films.titles.iter().filter(|(title, _)| title.starts_with(typed.text()));
    let of_year = all.filter(|(_, of)| year.is_none_or(|year| of.to_string() == *year));
    of_year.map(|(title, _)| (*title).to_owned()).collect()
}

#[prompt]
async fn recap(
    #[complete(titles)] title: String,
    year: Option<u32>,
    #[complete("English", "Esperanto", "german")] lang: String,
) -> String {
    format!("{title} {year:?} {lang}")
}

#[resource("films://{title}/{lang}")]
async fn subtitles(#[complete(titles)] title: String, lang: String) -> String {
    title + &lang
}

fn server() -> Server {
    let many = Prompt::new("many")
        .params(["number", "page", "broken"])
        .complete("number", async |typed: Typed| {
            (0..250).map(|n| format!("{}{n}", typed.text())).collect::<Vec<_>>()
        })
        .complete("page", async || Completion::new(["1", "2"]).with_total(7))
        .complete("broken", async || -> Result<Vec<String>> {
            Err(ToolError::new("the index is being built"))?
        })
        .handler(async |_: String, _: String, _: String| "");
    let secret = Prompt::new("secret")
        .params(["a"])
        .requires(PREMIUM)
        .complete_values("a", ["b"])
        .handler(async |a: String| a);
    Server::builder("t", "1")
        .state(Films { titles: vec![("Metropolis", 1927), ("M", 1931), ("Nosferatu", 1922)] })
        .prompt(recap)
        .prompt(many)
        .prompt(secret)
        .resource(subtitles)
        .profile(Profile::new(PREMIUM))
        .build()
        .unwrap()
}

fn of_prompt(name: &str, argument: &str, typed: &str) -> Value {
    let reference = json!({ "type": "ref/prompt", "name": name });
    json!({ "ref": reference, "argument": { "name": argument, "value": typed } })
}

fn of_resource(uri: &str, argument: &str, typed: &str) -> Value {
    let reference = json!({ "type": "ref/resource", "uri": uri });
    json!({ "ref": reference, "argument": { "name": argument, "value": typed } })
}

#[tokio::test(start_paused = true)]
async fn what_was_typed_is_completed() {
    for mut client in Client::both(&server()).await {
        for (params, values) in [
            (of_prompt("recap", "title", "M"), json!(["Metropolis", "M"])),
            (of_prompt("recap", "title", "x"), json!([])),
            (of_prompt("recap", "lang", "e"), json!(["English", "Esperanto"])),
            (of_prompt("recap", "lang", ""), json!(["English", "Esperanto", "german"])),
            (of_prompt("recap", "year", "19"), json!([])),
            (of_resource("films://{title}/{lang}", "title", "N"), json!(["Nosferatu"])),
            (of_resource("films://{title}/{lang}", "lang", "d"), json!([])),
        ] {
            let count = values.as_array().map(Vec::len);
            let result = client.result("completion/complete", params).await;
            let expected = json!({ "values": values, "total": count, "hasMore": false });
            assert_eq!(result["completion"], expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_filled_in_are_seen() {
    for mut client in Client::both(&server()).await {
        let mut params = of_prompt("recap", "title", "M");
        params["context"] = json!({ "arguments": { "year": "1931" } });
        let result = client.result("completion/complete", params).await;
        assert_eq!(result["completion"]["values"], json!(["M"]));
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_hundred_values_are_sent() {
    for mut client in Client::both(&server()).await {
        let result = client.result("completion/complete", of_prompt("many", "number", "n")).await;
        let completion = &result["completion"];
        assert_eq!(completion["values"].as_array().map(Vec::len), Some(100));
        assert_eq!(completion["values"][99], "n99");
        assert_eq!((&completion["total"], &completion["hasMore"]), (&json!(250), &json!(true)));
        let result = client.result("completion/complete", of_prompt("many", "page", "")).await;
        assert_eq!(result["completion"]["total"], 7);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_unknown_is_invalid_params() {
    for mut client in Client::both(&server()).await {
        for (params, says) in [
            (of_prompt("nothing", "title", ""), "unknown prompt: nothing"),
            (of_prompt("recap", "titel", ""), "unknown argument: titel"),
            (of_resource("films://{title}/{lang}", "titel", ""), "unknown argument: titel"),
            (of_prompt("many", "broken", ""), "the index is being built"),
            (
                json!({ "ref": { "type": "ref/tool" }, "argument": { "name": "a", "value": "" } }),
                "ref/tool",
            ),
            (json!({ "argument": { "name": "a", "value": "" } }), "ref"),
        ] {
            let answer = client.ask("completion/complete", params).await;
            assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, says);
        }
        let unknown = of_resource("films://{other}", "other", "");
        let answer = client.ask("completion/complete", unknown).await;
        let code = if client.is_modern { INVALID_PARAMS } else { -32002 };
        assert_refused(&answer, Some(json!(1)), code, "resource not found");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_does_not_have_is_not_completed() {
    let line = request(1, "completion/complete", of_prompt("secret", "a", ""));
    let mut stream = Stream::legacy(&server()).await;
    let answer = stream.ask(line.clone()).await;
    assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "unknown prompt: secret");
    let mut stream = Stream::silent(&server()).initialized(json!([PREMIUM])).await;
    assert_eq!(stream.ask(line).await["result"]["completion"]["values"], json!(["b"]));
}

#[test]
fn a_completion_takes_what_was_typed_and_no_arguments() {
    let prompt = Prompt::new("a")
        .params(["b", "c", "d"])
        .complete("b", async |_: String| ["x"])
        .complete("c", async |Args(_): Args<Value>| ["x"])
        .complete_values("d", ["x"])
        .complete_values("d", ["x"])
        .handler(async |_: String, _: String, _: String, _: Typed| "");
    assert_eq!(
        prompt.problems(),
        [
            "takes `Typed`, which there is only where an argument is completed",
            "what completes `b`: it takes an argument of type `alloc::string::String`, and a completion has none: take `Typed`",
            "what completes `c`: a completion has no arguments: take `Typed`",
            "`d` is completed twice",
        ]
    );
    let resource = Resource::new("a:{b}").complete_values("c", ["x"]);
    let resource = resource.handler(async |b: String| b);
    assert_eq!(resource.problems(), ["`c` is completed, and is no argument"]);
}
