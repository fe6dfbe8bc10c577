//! Resources and templates: listed, read, gated, refused under the code of each era.

use mcp_core::types;
use mcp_server::{
    Builder, CacheHints, ErrorObject, Json, Profile, Resource, ResourceContents, ResourceUri,
    Result, Server, State, ToolError, resource,
};
use serde_json::{Value, json};

use crate::conversation::{assert_refused, modern, request};
use crate::gating::modern_asking;
use crate::items::{Client, INTERNAL_ERROR, INVALID_PARAMS};
use crate::stream::Stream;

const PREMIUM: &str = "https://mcp-tests.example/profiles/premium";
const RESOURCE_NOT_FOUND: i64 = -32002;

struct Films {
    titles: Vec<&'static str>,
}

/// Subtitles of a title.
#[resource("films://{id}/subtitles/{lang}{?page}", mime = "text/vtt", title = "Subtitles")]
async fn subtitles(
    id: usize,
    lang: String,
    page: Option<u32>,
    films: State<Films>,
) -> Result<String> {
    let title = films.titles.get(id).ok_or_else(ErrorObject::resource_not_found)?;
    Ok(format!("{title} in {lang}, page {}", page.unwrap_or(1)))
}

fn builder() -> Builder {
    let poster = Resource::new("films://posters/{id}")
        .name("poster")
        .mime("image/png")
        .cache(CacheHints::public(60_000))
        .handler(async |id: u8| (id < 9).then(|| vec![0x89, b'P', b'N', id]));
    let about = Resource::new("films://about")
        .name("about")
        .mime("text/plain")
        .size(11)
        .handler(async || "all of them");
    let numbers = Resource::new("films://numbers").handler(async || Json(vec![1, 2, 3]));
    let parts = Resource::new("films://parts").handler(async |uri: ResourceUri| {
        let part = |name: &str| {
            let uri = format!("{}/{name}", uri.0);
            ResourceContents::from(types::TextResourceContents::new(uri, name))
        };
        vec![part("one"), part("two")]
    });
    let broken =
        Resource::new("films://broken/{how}").handler(async |how: String| -> Result<String> {
            match how.as_str() {
                "tool" => Err(ToolError::new("the reel is torn: try another"))?,
                "secret" => Err(std::io::Error::other("/srv/films is gone"))?,
                _ => Ok(how),
            }
        });
    Server::builder("t", "1")
        .state(Films { titles: vec!["Metropolis", "Nosferatu"] })
        .resource(about)
        .resource(numbers)
        .resource(parts)
        .resource(subtitles)
        .resource(poster)
        .resource(broken)
}

fn read(uri: &str) -> Value {
    json!({ "uri": uri })
}

#[tokio::test(start_paused = true)]
async fn resources_and_templates_are_listed_apart_and_in_pages() {
    let server = builder().page_size(2).build().unwrap();
    for mut client in Client::both(&server).await {
        let resources = client.pages("resources/list", "resources", "uri").await;
        assert_eq!(resources, [vec!["films://about", "films://numbers"], vec!["films://parts"]]);
        let templates =
            client.pages("resources/templates/list", "resourceTemplates", "uriTemplate").await;
        assert_eq!(
            templates,
            [
                vec!["films://{id}/subtitles/{lang}{?page}", "films://posters/{id}"],
                vec!["films://broken/{how}"],
            ]
        );
        let list = client.result("resources/list", json!({})).await;
        assert_eq!(
            list["resources"][0],
            json!({ "uri": "films://about", "name": "about", "mimeType": "text/plain", "size": 11 })
        );
        assert_eq!(list.get("cacheScope").is_some(), client.is_modern, "{list}");
        let list = client.result("resources/templates/list", json!({})).await;
        assert_eq!(
            list["resourceTemplates"][0],
            json!({
                "uriTemplate": "films://{id}/subtitles/{lang}{?page}",
                "name": "subtitles",
                "title": "Subtitles",
                "description": "Subtitles of a title.",
                "mimeType": "text/vtt",
            })
        );
        let answer = client.ask("resources/list", json!({ "cursor": "films://nowhere" })).await;
        assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "`cursor`");
    }
}

#[tokio::test(start_paused = true)]
async fn text_and_bytes_are_read_with_their_uri_and_type() {
    let server = builder().build().unwrap();
    for mut client in Client::both(&server).await {
        for (uri, contents) in [
            (
                "films://about",
                json!([{ "uri": "films://about", "mimeType": "text/plain", "text": "all of them" }]),
            ),
            (
                "films://numbers",
                json!([{ "uri": "films://numbers", "mimeType": "application/json", "text": "[1,2,3]" }]),
            ),
            (
                "films://parts",
                json!([
                    { "uri": "films://parts/one", "text": "one" },
                    { "uri": "films://parts/two", "text": "two" },
                ]),
            ),
            (
                "films://1/subtitles/pt%20br?page=2",
                json!([{
                    "uri": "films://1/subtitles/pt%20br?page=2",
                    "mimeType": "text/vtt",
                    "text": "Nosferatu in pt br, page 2",
                }]),
            ),
            (
                "films://posters/7",
                json!([{ "uri": "films://posters/7", "mimeType": "image/png", "blob": "iVBOBw==" }]),
            ),
        ] {
            assert_eq!(client.result("resources/read", read(uri)).await["contents"], contents);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_refused_under_the_code_of_the_era() {
    let server = builder().build().unwrap();
    for mut client in Client::both(&server).await {
        let code = if client.is_modern { INVALID_PARAMS } else { RESOURCE_NOT_FOUND };
        // No template matches, a handler finds nothing, a handler returns nothing.
        for uri in ["films://nowhere", "films://9/subtitles/de", "films://posters/9"] {
            let answer = client.ask("resources/read", read(uri)).await;
            assert_refused(&answer, Some(json!(1)), code, "resource not found");
            assert_eq!(answer["error"]["data"], json!({ "uri": uri }));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn variables_that_do_not_parse_and_errors_of_handlers_are_invalid_params() {
    let server = builder().build().unwrap();
    for mut client in Client::both(&server).await {
        for (uri, says) in [
            ("films://one/subtitles/de", "argument `id`: invalid value \"one\", expected usize"),
            (
                "films://1/subtitles/de?page=-1",
                "argument `page`: invalid value \"-1\", expected u32",
            ),
            ("films://posters/256", "argument `id`: invalid value \"256\", expected u8"),
            ("films://broken/tool", "the reel is torn: try another"),
        ] {
            let answer = client.ask("resources/read", read(uri)).await;
            assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, says);
        }
        let answer = client.ask("resources/read", read("films://broken/secret")).await;
        assert_refused(&answer, Some(json!(1)), INTERNAL_ERROR, "internal error ");
        assert!(!answer.to_string().contains("/srv"), "{answer}");
        let answer = client.ask("resources/read", json!({})).await;
        assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "uri");
    }
}

#[tokio::test(start_paused = true)]
async fn the_most_specific_template_reads_a_uri() {
    fn says(uri: &'static str, text: &'static str) -> Resource {
        Resource::new(uri).handler(move |_: ResourceUri| std::future::ready(text))
    }
    let server = Server::builder("t", "1")
        .resource(says("a:{+anything}", "anything"))
        .resource(says("a:b/{first}", "first"))
        .resource(says("a:b/{second}", "second"))
        .resource(says("a:b/{name}.txt", "text"))
        .resource(says("a:b/fixed.txt", "fixed"))
        .build()
        .unwrap();
    for mut client in Client::both(&server).await {
        for (uri, text) in [
            ("a:b/fixed.txt", "fixed"),
            ("a:b/other.txt", "text"),
            ("a:b/other", "first"),
            ("a:b/c/d", "anything"),
        ] {
            let result = client.result("resources/read", read(uri)).await;
            assert_eq!(result["contents"][0]["text"], text, "{uri}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_template_lists_what_there_is_behind_the_resources_without_variables() {
    fn listed(uri: &str) -> types::Resource {
        types::Resource::new(uri, "listed")
    }
    let films = Resource::new("films://{id}")
        .list(async |films: State<Films>| -> Vec<types::Resource> {
            (0..films.titles.len()).map(|id| listed(&format!("films://{id}"))).collect()
        })
        .handler(async |id: String| id);
    let others = Resource::new("others://{id}")
        .list(async || Ok::<_, ErrorObject>(vec![listed("films://about"), listed("others://1")]))
        .handler(async |id: String| id);
    let hidden = Resource::new("hidden://{id}")
        .requires(PREMIUM)
        .list(async || vec![listed("hidden://1")])
        .handler(async |id: String| id);
    let server = builder()
        .resource(films)
        .resource(others)
        .resource(hidden)
        .profile(Profile::new(PREMIUM))
        .page_size(2)
        .build()
        .unwrap();
    let [mut legacy, mut modern] = Client::both(&server).await;
    let expected = [
        vec!["films://about", "films://numbers"],
        vec!["films://parts", "films://0"],
        vec!["films://1", "others://1"],
    ];
    assert_eq!(legacy.pages("resources/list", "resources", "uri").await, expected);
    let pages = modern.pages("resources/list", "resources", "uri").await;
    assert_eq!(pages.concat().last().unwrap(), "hidden://1", "this caller could ask for it");
    for mut client in [legacy, modern] {
        let page = client.result("resources/list", json!({})).await;
        assert_eq!(page.get("ttlMs").is_some(), client.is_modern, "{page}");
        let answer = client.ask("resources/list", json!({ "cursor": "films://nowhere" })).await;
        assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "`cursor`");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_fails_is_an_error() {
    let films = Resource::new("films://{id}")
        .list(async || Err::<Vec<types::Resource>, _>(ToolError::new("the shelf is locked")))
        .handler(async |id: String| id);
    let server = Server::builder("t", "1").resource(films).build().unwrap();
    for mut client in Client::both(&server).await {
        let answer = client.ask("resources/list", json!({})).await;
        assert_refused(&answer, Some(json!(1)), INVALID_PARAMS, "the shelf is locked");
    }
}

fn gated() -> Server {
    let secret = || Resource::new("films://{id}/secret").handler(async |id: String| id);
    let plan = Resource::new("films://plan").handler(async || "premium");
    let standard = Profile::new("https://mcp-tests.example/profiles/standard").resource(secret());
    builder()
        .resource(plan.requires(PREMIUM))
        .profile(Profile::new(PREMIUM).resource(secret()))
        .profile(standard)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_legacy_session_has_the_resources_of_its_profiles() {
    let server = gated();
    let mut without = Stream::legacy(&server).await;
    let mut with = Stream::silent(&server).initialized(json!([PREMIUM])).await;
    for uri in ["films://plan", "films://1/secret"] {
        let line = request(1, "resources/read", read(uri));
        let answer = without.ask(line.clone()).await;
        assert_refused(&answer, Some(json!(1)), RESOURCE_NOT_FOUND, "resource not found");
        assert!(with.ask(line).await["result"]["contents"].is_array());
    }
    let list = |stream| async move {
        let mut stream: Stream = stream;
        let list = stream.ask(request(1, "resources/list", json!({}))).await;
        let templates = stream.ask(request(2, "resources/templates/list", json!({}))).await;
        let count = |value: &Value| value.as_array().map(Vec::len);
        (count(&list["result"]["resources"]), count(&templates["result"]["resourceTemplates"]))
    };
    assert_eq!(list(without).await, (Some(3), Some(3)));
    assert_eq!(list(with).await, (Some(4), Some(4)));
}

#[tokio::test(start_paused = true)]
async fn a_modern_reader_is_told_which_profile_to_ask_for() {
    let server = gated();
    let mut stream = Stream::silent(&server);
    let line = request(1, "resources/read", read("films://plan"));
    let answer = stream.ask(modern(line.clone())).await;
    assert_refused(&answer, Some(json!(1)), -32021, "");
    let answer = stream.ask(modern_asking(line, &[PREMIUM])).await;
    assert_eq!(answer["result"]["contents"][0]["text"], "premium");
}

#[tokio::test(start_paused = true)]
async fn hints_are_private_where_the_answer_may_differ() {
    let scope = |answer: &Value| answer["result"]["cacheScope"].as_str().map(str::to_owned);
    let line = || request(1, "resources/read", read("films://posters/1"));
    let mut stream = Stream::silent(&gated());
    let answer = stream.ask(modern(line())).await;
    assert_eq!(
        (scope(&answer).as_deref(), &answer["result"]["ttlMs"]),
        (Some("public"), &json!(60_000))
    );
    let answer = stream.ask(modern_asking(line(), &[PREMIUM])).await;
    assert_eq!(scope(&answer).as_deref(), Some("private"));
    let unset = request(1, "resources/read", read("films://about"));
    let answer = stream.ask(modern(unset)).await;
    assert_eq!(
        (scope(&answer).as_deref(), &answer["result"]["ttlMs"]),
        (Some("private"), &json!(0))
    );
}

#[tokio::test(start_paused = true)]
async fn resources_come_and_go_while_connections_live() {
    let server = builder().build().unwrap();
    let mut stream = Stream::legacy(&server).await;
    let line = request(1, "resources/read", read("films://new"));
    let answer = stream.ask(line.clone()).await;
    assert_refused(&answer, Some(json!(1)), RESOURCE_NOT_FOUND, "resource not found");
    server.add_resource(Resource::new("films://new").handler(async || "new")).unwrap();
    let told = stream.message().await;
    assert_eq!(told["method"], "notifications/resources/list_changed");
    assert_eq!(stream.ask(line.clone()).await["result"]["contents"][0]["text"], "new");
    let again = Resource::new("films://new").handler(async || "new");
    assert!(server.add_resource(again).is_err(), "the URI is taken");
    assert!(server.add_resource(Resource::new("no uri").handler(async || "")).is_err());
    assert!(server.remove_resource("films://new") && !server.remove_resource("films://new"));
    assert!(server.remove_resource("films://posters/{id}"));
    stream.message().await;
    let answer = stream.ask(line).await;
    assert_refused(&answer, Some(json!(1)), RESOURCE_NOT_FOUND, "resource not found");
}

#[test]
fn mistakes_are_named_with_their_resource() {
    let server = Server::builder("t", "1")
        .resource(Resource::new("a:{b}").size(1).handler(async |a: String, c: String| a + &c))
        .resource(Resource::new("a:{c}").handler(async || ""))
        .resource(Resource::new("a:{c").handler(async || ""))
        .resource(Resource::new("nowhere").list(async || Vec::new()).handler(async || ""))
        .resource(
            Resource::new("a:d").complete_values("e", ["f"]).handler(async |_: State<Films>| ""),
        )
        .resource(Resource::new("a:f"))
        .resource(Resource::new("a:g").handler(async || ""))
        .resource(Resource::new("a:g").requires(PREMIUM).handler(async || ""));
    let problems = server.build().unwrap_err().to_string();
    for problem in [
        "resource `a:{b}`: it has a size, and variables: what is read has no one size",
        "resource `a:{b}`: argument 2, of type `alloc::string::String`, has no name: give all names with `.params([…])`",
        "resource `a:{c}`: its variable `c` reaches no parameter: take it",
        "resource `a:{c`: URI template `a:{c`, byte 2: `{` is not closed: add `}`",
        "resource `nowhere`: its URI needs a scheme, and no blanks: `scheme:rest`",
        "resource `nowhere`: it lists resources, and has no variables: list each by itself",
        "resource `a:d`: `e` is completed, and is no argument",
        "resource `a:d`: it takes the state `stdio::resources::Films`: add `.state(…)` to the server",
        "resource `a:f`: it has no handler: add one with `.handler(…)`",
        "resource `a:g`: it requires the profile `https://mcp-tests.example/profiles/premium`, which the server does not offer",
    ] {
        assert!(
            problems.contains(&format!("- {problem}\n")) || problems.ends_with(problem),
            "{problem}\n{problems}"
        );
    }
}
