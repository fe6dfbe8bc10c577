//! Handlers that ask their client: the same ones for both eras, over byte streams.
//!
//! A legacy client gets requests while its call waits, a modern one a result that says which input is
//! required (2026-07-28, basic/patterns/mrtr). [`Player`] is a client of either era; what a handler
//! asks and how the call ends has to be the same for both.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use mcp_core::types::{
    CreateMessageRequestParams, ElicitResult, InputRequest, ListRootsResult, SamplingMessage,
};
use mcp_core::version::{Era, ProtocolVersion};
use mcp_core::{Principal, Tenant};
use mcp_server::{
    Answers, Ask, AskUrl, CallContext, InputRequired, Profile, Result, Roots, Sample, Server,
    State, StateKeys, Tool, ToolError, Unanswered, tool,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex,
    split,
};

use crate::conversation::{LEGACY, call, initialize_request, modern_with, notification, text};

const BOTH: [Era; 2] = [Era::Legacy, Era::Modern];
const INVALID_PARAMS: i64 = -32602;
const MISSING_CAPABILITY: i64 = -32021;

/// The films that a server has, each with its copies; and what was done to them.
#[derive(Default)]
struct Catalogue {
    copies: Mutex<BTreeMap<String, u32>>,
    done: Mutex<Vec<String>>,
}

impl Catalogue {
    fn with(title: &str, copies: u32) -> Self {
        let films = Self::default();
        films.set(title, copies);
        films
    }

    fn set(&self, title: &str, copies: u32) {
        self.copies.lock().unwrap().insert(title.to_owned(), copies);
    }

    fn copies(&self, title: &str) -> Result<u32, ToolError> {
        let copies = self.copies.lock().unwrap().get(title).copied();
        copies.ok_or_else(|| ToolError::new("there is no such title"))
    }

    fn note(&self, what: impl Into<String>) {
        self.done.lock().unwrap().push(what.into());
    }
}

/// What a test keeps of a server's state.
type Films = std::sync::Arc<Catalogue>;

#[derive(Deserialize, JsonSchema)]
struct Sure {
    /// Type the title again
    title: String,
}

/// Removes a title from the catalogue.
#[tool(destructive)]
async fn remove(title: String, sure: Ask<Sure>, films: State<Films>) -> Result<String> {
    let copies = films.copies(&title)?;
    let sure = match sure.form(format!("Remove {copies} copies of {title}?")) {
        Err(Unanswered::Declined) => return Ok("kept".into()),
        answer => answer?,
    };
    if sure.title != title {
        Err(ToolError::new("the titles differ"))?;
    }
    films.note(format!("removed {copies}"));
    Ok(format!("removed {copies} copies"))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Quality {
    /// Fits everywhere
    Low,
    High,
}

#[derive(Deserialize, JsonSchema)]
struct Order {
    quality: Quality,
    #[serde(default = "one")]
    copies: u8,
    gift: Option<bool>,
}

fn one() -> u8 {
    1
}

/// Asks three things at once, and another one when they are answered.
#[tool]
async fn order(
    title: String,
    order: Ask<Order>,
    sure: Ask<Sure>,
    model: Sample,
    roots: Roots,
    ctx: CallContext,
) -> Result<String> {
    let ask =
        CreateMessageRequestParams::new([SamplingMessage::user(format!("Praise {title}"))], 9);
    let (ordered, praise, folders) =
        (order.form("What would you like?"), model.message(ask), roots.list());
    let (ordered, praise, folders) = (ordered?, praise?, folders?);
    let sure = sure.form(format!("Really {} of them?", ordered.copies))?;
    let quality = match ordered.quality {
        Quality::Low => "low",
        Quality::High => "high",
    };
    ctx.progress(1, 1);
    Ok(format!(
        "{} {quality} {:?} {} {} {}",
        ordered.copies,
        ordered.gift,
        praise.content.as_text().unwrap_or_default(),
        folders[0].uri,
        sure.title
    ))
}

/// Reserves before it asks.
#[tool]
async fn reserve(sure: Ask<Sure>, ctx: CallContext, films: State<Films>) -> Result<String> {
    let number: u64 = ctx
        .once("reserve", async || {
            films.note(format!("reserved under {}", ctx.call_id()));
            Ok::<_, ToolError>(17)
        })
        .await?;
    let again: u64 = ctx.once("reserve", async || Err(ToolError::new("twice"))).await?;
    sure.form("Sure?")?;
    films.note(format!("booked under {}", ctx.call_id()));
    Ok(format!("{number} {again}"))
}

/// Sends the user to a page.
#[tool(idempotent)]
async fn link(page: AskUrl, ctx: CallContext) -> Result<String> {
    page.open_as("link-7", "Link your account.", "https://films.example/link")?;
    ctx.url_completed("link-7");
    Ok("linked".into())
}

/// Asks where it can.
#[tool(read_only)]
async fn perhaps(sure: Option<Ask<Sure>>) -> Result<String> {
    Ok(match sure {
        Some(sure) => sure.form("Sure?")?.title,
        None => "not asked".into(),
    })
}

/// Makes its questions by hand.
async fn by_hand(answers: Answers) -> Result<String> {
    match answers.get::<ListRootsResult>("folders")? {
        None => {
            let ask = InputRequired::new().with_request("folders", InputRequest::ListRoots);
            Err(ask.with_state("page 2").into())
        }
        Some(folders) => {
            assert!(answers.get::<ElicitResult>("other")?.is_none());
            Ok(format!("{} {}", folders.roots[0].uri, answers.state().unwrap_or("nothing")))
        }
    }
}

/// Never stops asking.
#[tool]
async fn insist(sure: Ask<Sure>, films: State<Films>) -> Result<String> {
    films.note("ran");
    let runs = films.done.lock().unwrap().len();
    sure.form(format!("Sure the {runs}th time?"))?;
    Ok("never".into())
}

fn server(films: &Films) -> Server {
    builder(films).build().unwrap()
}

fn builder(films: &Films) -> mcp_server::Builder {
    Server::builder("films", "1")
        .state(Films::clone(films))
        .state_keys(StateKeys::from_bytes([7; 32]))
        .tool(remove)
        .tool(order)
        .tool(reserve)
        .tool(link)
        .tool(perhaps)
        .tool(insist)
        .tool(Tool::new("by_hand").handler(by_hand))
}

/// A client of either era that answers what it is asked.
struct Player {
    era: Era,
    capabilities: Value,
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
    next: u64,
}

/// What a client was asked: the method and its params.
type Asked = (String, Value);

impl Player {
    async fn new(server: &Server, era: Era, capabilities: Value) -> Self {
        Self::of(server, era, capabilities, Principal::local(), "").await
    }

    async fn legacy(server: &Server, version: &str) -> Self {
        let mut player = Self::of(server, Era::Modern, everything(), Principal::local(), "").await;
        player.era = Era::Legacy;
        player.initialize(version).await;
        player
    }

    async fn of(
        server: &Server,
        era: Era,
        capabilities: Value,
        caller: Principal,
        tenant: &str,
    ) -> Self {
        let (ours, theirs) = duplex(64 * 1024);
        let (reader, writer) = split(ours);
        let (server, tenant) = (server.clone(), Tenant::new(tenant));
        tokio::spawn(async move {
            let (reader, writer) = split(theirs);
            server.serve_as(caller, tenant, reader, writer).await
        });
        let reader = BufReader::new(reader);
        let mut player = Self { era, capabilities, reader, writer, next: 0 };
        if era == Era::Legacy {
            player.initialize(LEGACY).await;
        }
        player
    }

    async fn initialize(&mut self, version: &str) {
        let mut line = initialize_request("initialize", version);
        line["params"]["capabilities"] = self.capabilities.clone();
        self.send(&line).await;
        assert_eq!(self.message().await["result"]["protocolVersion"], version);
        self.send(&notification("notifications/initialized", json!({}))).await;
    }

    async fn send(&mut self, line: &Value) {
        self.writer.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn message(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.reader.read_line(&mut line).await.unwrap() > 0, "the server has gone");
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a call once, as this era does, and returns the next message.
    async fn call_once(&mut self, tool: &str, arguments: &Value, more: Value) -> Value {
        self.next += 1;
        let mut line = call(self.next, tool, arguments.clone());
        for (name, value) in more.as_object().into_iter().flatten() {
            line["params"][name] = value.clone();
        }
        if self.era == Era::Modern {
            line = modern_with(line, self.capabilities.clone());
        }
        self.send(&line).await;
        self.message().await
    }

    /// Calls a tool and answers everything that is asked; returns the answer, and what was asked in
    /// each round.
    async fn play(
        &mut self,
        tool: &str,
        arguments: Value,
        mut answer: impl FnMut(&str, &Value) -> Value,
    ) -> (Value, Vec<Vec<Asked>>) {
        let mut rounds = Vec::new();
        let mut message = self.call_once(tool, &arguments, json!({})).await;
        loop {
            let mut asked = Vec::new();
            if self.era == Era::Modern {
                let result = &message["result"];
                if result["resultType"] != "input_required" {
                    return (message, rounds);
                }
                let mut responses = json!({});
                for (key, request) in result["inputRequests"].as_object().into_iter().flatten() {
                    let method = request["method"].as_str().unwrap();
                    responses[key] = answer(method, &request["params"]);
                    asked.push((method.to_owned(), request["params"].clone()));
                }
                let state = &result["requestState"];
                assert!(state.is_string(), "{message}");
                let more = json!({ "inputResponses": responses, "requestState": state });
                message = self.call_once(tool, &arguments, more).await;
            } else {
                // All questions of a round come before the first answer.
                let mut answers = Vec::new();
                while let Some(method) = message["method"].as_str() {
                    if !method.starts_with("notifications/") {
                        let result = answer(method, &message["params"]);
                        let id = message["id"].clone();
                        answers.push(json!({ "jsonrpc": "2.0", "id": id, "result": result }));
                        asked.push((method.to_owned(), message["params"].clone()));
                    }
                    let more = tokio::time::timeout(Duration::from_secs(1), self.message()).await;
                    let Ok(more) = more else { break };
                    message = more;
                }
                if answers.is_empty() {
                    return (message, rounds);
                }
                for answer in answers {
                    self.send(&answer).await;
                }
                message = self.message().await;
            }
            rounds.push(asked);
        }
    }
}

fn everything() -> Value {
    json!({ "elicitation": { "form": {}, "url": {} }, "sampling": { "tools": {} }, "roots": {} })
}

fn accept(content: Value) -> Value {
    json!({ "action": "accept", "content": content })
}

fn sure(title: &str) -> Value {
    accept(json!({ "title": title }))
}

#[track_caller]
fn failed(answer: &Value) -> &str {
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    answer["result"]["content"][0]["text"].as_str().unwrap()
}

#[track_caller]
fn refused(answer: &Value, code: i64) -> &str {
    assert_eq!(answer["error"]["code"], code, "{answer}");
    answer["error"]["message"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_same_handler_asks_clients_of_both_eras() {
    for era in BOTH {
        let films = Films::new(Catalogue::with("nosferatu", 4));
        let mut client = Player::new(&server(&films), era, everything()).await;
        let arguments = json!({ "title": "nosferatu" });
        let (answer, rounds) =
            client.play("remove", arguments.clone(), |_, _| sure("nosferatu")).await;
        assert_eq!(text(&answer), "removed 4 copies", "{era:?}");
        let form = json!({
            "message": "Remove 4 copies of nosferatu?",
            "requestedSchema": {
                "type": "object",
                "properties": {
                    "title": { "type": "string", "description": "Type the title again" },
                },
                "required": ["title"],
            },
        });
        assert_eq!(rounds, [[("elicitation/create".to_owned(), form)]]);
        assert_eq!(*films.done.lock().unwrap(), ["removed 4"]);

        let decline = |_: &str, _: &Value| json!({ "action": "decline" });
        let (answer, _) = client.play("remove", arguments.clone(), decline).await;
        assert_eq!(text(&answer), "kept");
        let cancel = |_: &str, _: &Value| json!({ "action": "cancel" });
        let (answer, _) = client.play("remove", arguments.clone(), cancel).await;
        assert_eq!(failed(&answer), "the user closed the question without an answer");
        let (answer, _) = client.play("remove", arguments, |_, _| sure("metropolis")).await;
        assert_eq!(failed(&answer), "the titles differ");
        assert_eq!(films.done.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_has_changed_is_asked_anew() {
    for era in BOTH {
        let films = Films::new(Catalogue::with("nosferatu", 4));
        let mut client = Player::new(&server(&films), era, everything()).await;
        let mut copies = 4;
        let (answer, rounds) = client
            .play("remove", json!({ "title": "nosferatu" }), |_, params| {
                let expected = format!("Remove {copies} copies of nosferatu?");
                assert_eq!(params["message"], *expected);
                copies = 400;
                films.set("nosferatu", copies);
                sure("nosferatu")
            })
            .await;
        assert_eq!(text(&answer), "removed 400 copies", "{era:?}");
        assert_eq!(rounds.len(), 2);
        assert_eq!(*films.done.lock().unwrap(), ["removed 400"]);
    }
}

#[tokio::test(start_paused = true)]
async fn several_questions_go_out_in_one_round() {
    for era in BOTH {
        let mut client = Player::new(&server(&Films::default()), era, everything()).await;
        let (answer, rounds) = client
            .play("order", json!({ "title": "nosferatu" }), |method, params| match method {
                "sampling/createMessage" => json!({
                    "role": "assistant", "model": "m",
                    "content": { "type": "text", "text": "grand" },
                }),
                "roots/list" => json!({ "roots": [{ "uri": "file:///films" }] }),
                _ if params["message"] == "What would you like?" => {
                    accept(json!({ "quality": "low", "gift": null, "extra": 1 }))
                }
                _ => sure("yes"),
            })
            .await;
        assert_eq!(text(&answer), "1 low None grand file:///films yes", "{era:?}");
        let methods: Vec<Vec<&str>> = rounds
            .iter()
            .map(|round| {
                let mut methods: Vec<_> = round.iter().map(|(method, _)| method.as_str()).collect();
                methods.sort_unstable();
                methods
            })
            .collect();
        let first = vec!["elicitation/create", "roots/list", "sampling/createMessage"];
        assert_eq!(methods, [first, vec!["elicitation/create"]]);
        let form = rounds[0].iter().find(|(method, _)| method == "elicitation/create").unwrap();
        assert_eq!(
            form.1["requestedSchema"],
            json!({
                "type": "object",
                "properties": {
                    "quality": { "type": "string", "oneOf": [
                        { "const": "high", "title": "high" },
                        { "const": "low", "title": "Fits everywhere" },
                    ] },
                    "copies": { "type": "integer", "minimum": 0, "maximum": 255, "default": 1 },
                    "gift": { "type": "boolean" },
                },
                "required": ["quality"],
            })
        );
    }
}

#[tokio::test(start_paused = true)]
async fn titles_of_choices_are_written_as_the_revision_reads_them() {
    let mut client = Player::legacy(&server(&Films::default()), "2025-06-18").await;
    let (_, rounds) = client
        .play("order", json!({ "title": "nosferatu" }), |_, _| json!({ "action": "decline" }))
        .await;
    let form = rounds[0].iter().find(|(method, _)| method == "elicitation/create").unwrap();
    assert_eq!(
        form.1["requestedSchema"]["properties"]["quality"],
        json!({
            "type": "string", "enum": ["high", "low"], "enumNames": ["high", "Fits everywhere"],
        })
    );
}

#[tokio::test(start_paused = true)]
async fn our_own_client_answers_in_both_eras() {
    for versions in [ProtocolVersion::V2025_11_25, ProtocolVersion::LATEST] {
        let films = Films::new(Catalogue::with("nosferatu", 4));
        let server = builder(&films).versions([versions]).build().unwrap();
        let (ours, theirs) = duplex(64 * 1024);
        let served = tokio::spawn(async move {
            let (reader, writer) = split(theirs);
            server.serve(reader, writer).await
        });
        let client = mcp_client::Client::builder("viewer", "1")
            .on_form(async |form: mcp_core::types::ElicitRequestFormParams| {
                assert_eq!(form.message, "Remove 4 copies of nosferatu?");
                json!({ "title": "nosferatu" })
            })
            .connect(mcp_client::Io::new(ours))
            .await
            .unwrap();
        let removed: String = client.call("remove", json!({ "title": "nosferatu" })).await.unwrap();
        assert_eq!(removed, "removed 4 copies");
        client.shutdown().await;
        served.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_done_once_is_not_done_again_and_the_call_keeps_its_name() {
    for era in BOTH {
        let films = Films::default();
        let mut client = Player::new(&server(&films), era, everything()).await;
        let (answer, rounds) = client.play("reserve", json!({}), |_, _| sure("yes")).await;
        assert_eq!(text(&answer), "17 17", "{era:?}");
        assert_eq!(rounds.len(), 1);
        let done = films.done.lock().unwrap().clone();
        let name = done[0].strip_prefix("reserved under ").unwrap();
        assert_eq!(done[1..], [format!("booked under {name}")]);
        client.play("reserve", json!({}), |_, _| sure("yes")).await;
        let other = films.done.lock().unwrap()[2].clone();
        assert_ne!(other, done[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_fit_the_form_is_an_error() {
    for era in BOTH {
        let films = Films::new(Catalogue::with("nosferatu", 4));
        let mut client = Player::new(&server(&films), era, everything()).await;
        for (content, says) in [
            (json!({ "title": 7 }), "`title` is a number, expected a string"),
            (json!({}), "`title` is missing"),
        ] {
            let arguments = json!({ "title": "nosferatu" });
            let (answer, _) =
                client.play("remove", arguments, |_, _| accept(content.clone())).await;
            assert!(refused(&answer, INVALID_PARAMS).contains(says), "{answer}");
        }
        let (answer, _) =
            client.play("remove", json!({ "title": "nosferatu" }), |_, _| json!({})).await;
        assert!(refused(&answer, INVALID_PARAMS).contains("missing field `action`"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_client_did_not_declare_is_not_asked() {
    for era in BOTH {
        let code = if era == Era::Modern { MISSING_CAPABILITY } else { INVALID_PARAMS };
        let films = Films::new(Catalogue::with("nosferatu", 4));
        let server = server(&films);
        let url_only = json!({ "elicitation": { "url": {} } });
        let mut client = Player::new(&server, era, url_only).await;
        let answer = client.call_once("remove", &json!({ "title": "nosferatu" }), json!({})).await;
        assert!(refused(&answer, code).contains("`elicitation.form`"), "{answer}");
        let required = json!({ "requiredCapabilities": { "elicitation": { "form": {} } } });
        assert_eq!(answer["error"]["data"], required);
        let (answer, _) = client.play("perhaps", json!({}), |_, _| unreachable!()).await;
        assert_eq!(text(&answer), "not asked");
        let (answer, _) = client.play("by_hand", json!({}), |_, _| unreachable!()).await;
        assert!(refused(&answer, code).contains("`roots`"), "{answer}");

        let mut client = Player::new(&server, era, json!({ "elicitation": {} })).await;
        let (answer, _) = client.play("perhaps", json!({}), |_, _| sure("asked")).await;
        assert_eq!(text(&answer), "asked");
        let answer = client.call_once("link", &json!({}), json!({})).await;
        assert!(refused(&answer, code).contains("`elicitation.url`"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn questions_made_by_hand_find_their_answers_and_state() {
    for era in BOTH {
        let mut client = Player::new(&server(&Films::default()), era, everything()).await;
        let folders = |_: &str, _: &Value| json!({ "roots": [{ "uri": "file:///films" }] });
        let (answer, rounds) = client.play("by_hand", json!({}), folders).await;
        assert_eq!(text(&answer), "file:///films page 2", "{era:?}");
        assert_eq!(rounds.len(), 1);
        assert_eq!(rounds[0][0].0, "roots/list");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_never_stops_asking_is_ended() {
    for era in BOTH {
        let films = Films::default();
        let mut client = Player::new(&server(&films), era, everything()).await;
        let (answer, rounds) = client.play("insist", json!({}), |_, _| sure("yes")).await;
        assert!(refused(&answer, -32603).contains("after 8 rounds"), "{answer}");
        assert_eq!(rounds.len(), 8, "{era:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_is_sent_to_an_address_and_legacy_clients_hear_when_it_is_done() {
    let server = server(&Films::default());
    let url = "https://films.example/link";
    let mut client = Player::new(&server, Era::Modern, everything()).await;
    let (answer, rounds) =
        client.play("link", json!({}), |_, _| json!({ "action": "accept" })).await;
    assert_eq!(text(&answer), "linked");
    assert_eq!(
        rounds[0][0].1,
        json!({ "mode": "url", "message": "Link your account.", "url": url })
    );

    let mut client = Player::new(&server, Era::Legacy, everything()).await;
    let question = client.call_once("link", &json!({}), json!({})).await;
    assert_eq!(question["params"]["elicitationId"], "link-7");
    assert_eq!(question["params"]["url"], url);
    let id = &question["id"];
    let accepted = json!({ "jsonrpc": "2.0", "id": id, "result": { "action": "accept" } });
    client.send(&accepted).await;
    let complete = client.message().await;
    assert_eq!(complete["method"], "notifications/elicitation/complete");
    assert_eq!(complete["params"], json!({ "elicitationId": "link-7" }));
    assert_eq!(text(&client.message().await), "linked");
}

/// Asks `remove`, and what has to be sent back with the answer.
async fn half_way(client: &mut Player) -> Value {
    let asked = client.call_once("remove", &json!({ "title": "nosferatu" }), json!({})).await;
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let key = asked["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    json!({
        "inputResponses": { key: sure("nosferatu") },
        "requestState": asked["result"]["requestState"],
    })
}

#[tokio::test(start_paused = true)]
async fn a_state_is_good_for_one_call_only() {
    let films = Films::new(Catalogue::with("nosferatu", 4));
    let server = server(&films);
    let mut client = Player::new(&server, Era::Modern, everything()).await;
    let arguments = json!({ "title": "nosferatu" });
    let more = half_way(&mut client).await;
    let answer = client.call_once("remove", &arguments, more.clone()).await;
    assert_eq!(text(&answer), "removed 4 copies");
    // Over another connection, too.
    for _ in 0..2 {
        let answer = client.call_once("remove", &arguments, more.clone()).await;
        assert!(refused(&answer, INVALID_PARAMS).contains("`requestState` is not valid"));
        client = Player::new(&server, Era::Modern, everything()).await;
    }
    assert_eq!(films.done.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_state_of_a_tool_that_changes_nothing_can_be_used_again() {
    let mut client = Player::new(&server(&Films::default()), Era::Modern, everything()).await;
    let asked = client.call_once("perhaps", &json!({}), json!({})).await;
    let key = asked["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    for title in ["first", "second"] {
        let more = json!({
            "inputResponses": { &key: sure(title) },
            "requestState": asked["result"]["requestState"],
        });
        assert_eq!(text(&client.call_once("perhaps", &json!({}), more).await), title);
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_that_was_changed_or_made_up_is_refused() {
    let films = Films::new(Catalogue::with("nosferatu", 4));
    let mut client = Player::new(&server(&films), Era::Modern, everything()).await;
    let more = half_way(&mut client).await;
    let state = more["requestState"].as_str().unwrap().to_owned();
    let mut states = vec![String::new(), "x".into(), "AAAA".repeat(64), format!("{state}A")];
    for at in [0, 3, 20, 60, state.len() / 2, state.len() - 4] {
        let mut changed = state.clone().into_bytes();
        changed[at] = if changed[at] == b'B' { b'C' } else { b'B' };
        states.push(String::from_utf8(changed).unwrap());
    }
    for state in states {
        let mut more = more.clone();
        more["requestState"] = state.into();
        let answer = client.call_once("remove", &json!({ "title": "nosferatu" }), more).await;
        // Whoever sent it does not learn which check failed.
        assert_eq!(
            refused(&answer, INVALID_PARAMS),
            "`requestState` is not valid, or no longer: make the request anew, without it"
        );
    }
    assert!(films.done.lock().unwrap().is_empty());
    let answer = client.call_once("remove", &json!({ "title": "nosferatu" }), more).await;
    assert_eq!(text(&answer), "removed 4 copies");
}

#[tokio::test(start_paused = true)]
async fn a_state_belongs_to_its_caller_and_request() {
    let films = Films::new(Catalogue::with("nosferatu", 4));
    films.set("metropolis", 1);
    let server = server(&films);
    let ada = || Principal::new("ada");
    let mut client = Player::of(&server, Era::Modern, everything(), ada(), "a.example").await;
    let more = half_way(&mut client).await;
    for (caller, tenant) in
        [(Principal::new("bob"), "a.example"), (Principal::local(), "a.example"), (ada(), "b")]
    {
        let mut other = Player::of(&server, Era::Modern, everything(), caller, tenant).await;
        let arguments = json!({ "title": "nosferatu" });
        let answer = other.call_once("remove", &arguments, more.clone()).await;
        refused(&answer, INVALID_PARAMS);
    }
    for (tool, arguments) in [
        ("remove", json!({ "title": "metropolis" })),
        ("insist", json!({ "title": "nosferatu" })),
        ("reserve", json!({})),
    ] {
        let answer = client.call_once(tool, &arguments, more.clone()).await;
        refused(&answer, INVALID_PARAMS);
    }
    assert!(films.done.lock().unwrap().is_empty());
    // The arguments may be written in another way.
    let rewritten = serde_json::from_str(r#"{ "title" : "nosf\u0065ratu" }"#).unwrap();
    let answer = client.call_once("remove", &rewritten, more).await;
    assert_eq!(text(&answer), "removed 4 copies");
}

#[tokio::test(start_paused = true)]
async fn a_state_outlives_the_process_with_its_keys() {
    let films = Films::new(Catalogue::with("nosferatu", 4));
    let mut client = Player::new(&server(&films), Era::Modern, everything()).await;
    let more = half_way(&mut client).await;
    let arguments = json!({ "title": "nosferatu" });
    let fresh = Server::builder("films", "1").state(Films::clone(&films)).tool(remove);
    let mut other = Player::new(&fresh.build().unwrap(), Era::Modern, everything()).await;
    refused(&other.call_once("remove", &arguments, more.clone()).await, INVALID_PARAMS);
    let rotated = builder(&films).state_keys(StateKeys::from_bytes([8; 32]).with_previous([7; 32]));
    let mut next = Player::new(&rotated.build().unwrap(), Era::Modern, everything()).await;
    let answer = next.call_once("remove", &arguments, more).await;
    assert_eq!(text(&answer), "removed 4 copies");
}

#[tokio::test(start_paused = true)]
async fn a_state_expires() {
    let films = Films::new(Catalogue::with("nosferatu", 4));
    let server = builder(&films).state_ttl(Duration::ZERO).build().unwrap();
    let mut client = Player::new(&server, Era::Modern, everything()).await;
    let more = half_way(&mut client).await;
    let answer = client.call_once("remove", &json!({ "title": "nosferatu" }), more).await;
    refused(&answer, INVALID_PARAMS);
}

#[tokio::test(start_paused = true)]
async fn missing_answers_are_asked_for_again_and_unknown_ones_passed_over() {
    let films = Films::new(Catalogue::with("nosferatu", 4));
    let mut client = Player::new(&server(&films), Era::Modern, everything()).await;
    let arguments = json!({ "title": "nosferatu" });
    let mut more = half_way(&mut client).await;
    let responses = more["inputResponses"].clone();
    more["inputResponses"] = json!({ "x": { "action": "accept" } });
    let again = client.call_once("remove", &arguments, more).await;
    assert_eq!(again["result"]["resultType"], "input_required", "{again}");
    let state = &again["result"]["requestState"];
    let more = json!({ "inputResponses": responses, "requestState": state });
    assert_eq!(text(&client.call_once("remove", &arguments, more).await), "removed 4 copies");
    // Answers without the state that asked for them count for nothing where a call changes something.
    let more = json!({ "inputResponses": responses });
    let asked = client.call_once("remove", &arguments, more).await;
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let mut more = half_way(&mut client).await;
    more["inputResponses"] = json!({ "x": 7 });
    let answer = client.call_once("remove", &arguments, more).await;
    assert!(refused(&answer, INVALID_PARAMS).contains("`inputResponses`"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn answers_may_come_without_a_state_where_a_call_changes_nothing() {
    let mut client = Player::new(&server(&Films::default()), Era::Modern, everything()).await;
    let asked = client.call_once("perhaps", &json!({}), json!({})).await;
    let key = asked["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap().clone();
    let more = json!({ "inputResponses": { &key: sure("yes"), "x": { "action": "accept" } } });
    assert_eq!(text(&client.call_once("perhaps", &json!({}), more).await), "yes");
    let more = json!({ "inputResponses": { "x": sure("yes") } });
    let again = client.call_once("perhaps", &json!({}), more).await;
    assert_eq!(again["result"]["inputRequests"], asked["result"]["inputRequests"], "{again}");
    let more = json!({
        "inputResponses": { &key: sure("later") },
        "requestState": again["result"]["requestState"],
    });
    assert_eq!(text(&client.call_once("perhaps", &json!({}), more).await), "later");
    for tool in ["perhaps", "remove"] {
        for nonsense in [json!(7), json!([]), json!({ &key: 7 })] {
            let more = json!({ "inputResponses": nonsense });
            let answer = client.call_once(tool, &json!({ "title": "x" }), more).await;
            assert!(refused(&answer, INVALID_PARAMS).contains("`inputResponses`"), "{answer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_ends_with_the_profiles_it_began_under() {
    const EXTENSION: &str = "dev.behaviour-profiles/profiles";
    const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";
    let films = Films::new(Catalogue::with("nosferatu", 4));
    let server = builder(&films).profile(Profile::new(PREMIUM)).build().unwrap();
    let asking = |requested: Value| {
        let mut capabilities = everything();
        capabilities["extensions"] = json!({ EXTENSION: { "requested": requested } });
        capabilities
    };
    let mut client = Player::new(&server, Era::Modern, asking(json!([PREMIUM]))).await;
    let more = half_way(&mut client).await;
    let arguments = json!({ "title": "nosferatu" });
    client.capabilities = asking(json!([]));
    let answer = client.call_once("remove", &arguments, more.clone()).await;
    assert!(refused(&answer, 1004).contains("no longer in force"), "{answer}");
    client.capabilities = asking(json!([PREMIUM]));
    let answer = client.call_once("remove", &arguments, more).await;
    assert_eq!(text(&answer), "removed 4 copies");
}

#[tokio::test(start_paused = true)]
async fn time_in_which_a_person_thinks_is_no_call_time() {
    const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";
    let films = Films::new(Catalogue::with("nosferatu", 4));
    let profile = Profile::new(STANDARD).call_time(Duration::from_secs(1)).by_default();
    let server = builder(&films).profile(profile).build().unwrap();
    let mut client = Player::new(&server, Era::Legacy, everything()).await;
    let question = client.call_once("remove", &json!({ "title": "nosferatu" }), json!({})).await;
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let (id, result) = (&question["id"], sure("nosferatu"));
    client.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
    assert_eq!(text(&client.message().await), "removed 4 copies");
}

#[tokio::test(start_paused = true)]
async fn a_legacy_call_that_is_cancelled_takes_its_question_back() {
    let films = Films::new(Catalogue::with("nosferatu", 4));
    let mut client = Player::new(&server(&films), Era::Legacy, everything()).await;
    let question = client.call_once("remove", &json!({ "title": "nosferatu" }), json!({})).await;
    client.send(&crate::conversation::cancel(client.next)).await;
    let taken_back = client.message().await;
    assert_eq!(taken_back["method"], "notifications/cancelled");
    assert_eq!(taken_back["params"]["requestId"], question["id"]);
    // An answer that crosses it is passed over.
    let (id, result) = (&question["id"], sure("nosferatu"));
    client.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
    let (answer, _) = client.play("perhaps", json!({}), |_, _| sure("goes on")).await;
    assert_eq!(text(&answer), "goes on");
    assert!(films.done.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_legacy_client_that_cannot_answer_or_leaves_ends_the_call() {
    let films = Films::new(Catalogue::with("nosferatu", 4));
    let server = server(&films);
    let mut client = Player::new(&server, Era::Legacy, everything()).await;
    let question = client.call_once("remove", &json!({ "title": "nosferatu" }), json!({})).await;
    let (id, error) = (&question["id"], json!({ "code": -32603, "message": "no window" }));
    client.send(&json!({ "jsonrpc": "2.0", "id": id, "error": error })).await;
    let answer = client.message().await;
    assert_eq!(failed(&answer), "the client could not answer: no window (code -32603)");

    client.call_once("remove", &json!({ "title": "nosferatu" }), json!({})).await;
    let since = tokio::time::Instant::now();
    client.writer.shutdown().await.unwrap();
    assert_eq!(client.message().await["method"], "notifications/cancelled");
    let answer = client.message().await;
    assert!(failed(&answer).contains("the client is gone"), "{answer}");
    assert_eq!(since.elapsed(), Duration::ZERO);
}

#[test]
fn forms_that_cannot_be_shown_and_askers_that_come_too_early_are_refused_at_build() {
    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Nested {
        sure: Sure,
    }
    let nested = Tool::new("x").handler(async |_: Option<Ask<Nested>>| "x");
    let error = Server::builder("a", "1").tool(nested).build().unwrap_err().to_string();
    assert!(error.contains("tool `x`: the form `") && error.contains("field `sure`"), "{error}");
    async fn entitled(_: Ask<Sure>) -> mcp_server::Entitlement {
        mcp_server::Entitlement::all()
    }
    let server = Server::builder("a", "1").profile(Profile::new("https://a.example/p"));
    let error = server.entitlement(entitled).build().unwrap_err().to_string();
    assert!(error.contains("`entitlement`: it asks the client"), "{error}");
}
