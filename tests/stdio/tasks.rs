//! Calls that go on as tasks: their life, whose they are, and what becomes of them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use mcp_core::Principal;
use mcp_core::profile::EXTENSION;
use mcp_server::{
    Ask, Builder, CallContext, Caller, Entitlement, ErrorObject, Profile, Result, Server, TASKS,
    TaskMode, TaskRecord, TaskStore, Tasks, TasksInMemory, Tool, Unanswered,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::conversation::{assert_refused, call, initialize_request, modern_with, request, text};
use crate::stream::Stream;

const PREMIUM: &str = "https://mcp-tests.example/profiles/premium";
const SECOND: Duration = Duration::from_secs(1);

#[derive(Deserialize, JsonSchema)]
struct Name {
    name: String,
}

/// Three seconds of work, with progress.
fn encode() -> Tool {
    Tool::new("encode").task(TaskMode::Optional).params(["title"]).handler(
        async |title: String, ctx: CallContext| {
            for reel in 1..=3_u32 {
                sleep(SECOND).await;
                ctx.progress_message(reel, 3_u32, format!("reel {reel}"));
            }
            format!("{title} is encoded")
        },
    )
}

/// Works for a second before each of two questions.
fn greet() -> Tool {
    Tool::new("greet").task(TaskMode::Optional).handler(
        async |first: Ask<Name>, second: Ask<Name>| -> Result<String> {
            sleep(SECOND).await;
            let first = first.form("Who are you?")?;
            sleep(SECOND).await;
            let second = match second.form(format!("Who comes with you, {}?", first.name)) {
                Err(Unanswered::Declined) => return Ok(format!("hello {}", first.name)),
                answer => answer?,
            };
            Ok(format!("hello {} and {}", first.name, second.name))
        },
    )
}

/// Holds a permit for as long as it works.
pub(crate) fn hold(held: &Arc<Semaphore>) -> Tool {
    let held = Arc::clone(held);
    Tool::new("hold").task(TaskMode::Optional).handler(move || {
        let held = Arc::clone(&held);
        async move {
            let _permit = held.acquire().await;
            std::future::pending::<()>().await;
        }
    })
}

pub(crate) fn builder() -> Builder {
    Server::builder("t", "1").tasks(Tasks::new().ttl(60 * SECOND)).tool(encode()).tool(greet())
}

pub(crate) fn server() -> Server {
    builder().build().unwrap()
}

/// A modern request of a client that knows tasks, forms and profiles.
fn declaring(line: Value) -> Value {
    let extensions = json!({ TASKS.as_str(): {} });
    modern_with(line, json!({ "extensions": extensions, "elicitation": { "form": {} } }))
}

fn premium(line: Value) -> Value {
    let extensions = json!({ TASKS.as_str(): {}, EXTENSION: { "requested": [PREMIUM] } });
    modern_with(line, json!({ "extensions": extensions }))
}

fn about(method: &str, id: &str) -> Value {
    declaring(request(9, method, json!({ "taskId": id })))
}

/// Begins a task and returns its id.
#[track_caller]
fn begun(answer: &Value) -> String {
    assert_eq!(answer["result"]["resultType"], "task", "{answer}");
    assert_eq!(answer["result"]["status"], "working", "{answer}");
    answer["result"]["taskId"].as_str().unwrap().to_owned()
}

async fn begin(stream: &mut Stream, tool: &str) -> String {
    let answer = stream.ask(declaring(call(1, tool, json!({ "title": "nosferatu" })))).await;
    begun(&answer)
}

async fn get(stream: &mut Stream, id: &str) -> Value {
    let answer = stream.ask(about("tasks/get", id)).await;
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    assert_eq!(answer["result"]["taskId"], id, "{answer}");
    answer["result"].clone()
}

/// Waits until the work on a task stands still.
async fn settled(stream: &mut Stream, id: &str) -> Value {
    loop {
        let task = get(stream, id).await;
        if task["status"] != "working" {
            return task;
        }
        sleep(SECOND).await;
    }
}

async fn answer(stream: &mut Stream, id: &str, responses: Value) -> Value {
    let params = json!({ "taskId": id, "inputResponses": responses });
    stream.ask(declaring(request(9, "tasks/update", params))).await
}

fn accepted(name: &str) -> Value {
    json!({ "action": "accept", "content": { "name": name } })
}

/// The only key that a task asks under.
fn key(task: &Value) -> String {
    assert_eq!(task["status"], "input_required", "{task}");
    let asked = task["inputRequests"].as_object().unwrap();
    assert_eq!(asked.len(), 1, "{task}");
    asked.keys().next().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_long_call_goes_on_as_a_task_until_its_result_is_fetched() {
    let mut stream = Stream::silent(&server());
    let first = stream.ask(declaring(call(1, "encode", json!({ "title": "nosferatu" })))).await;
    let id = begun(&first);
    assert_eq!(
        (&first["result"]["ttlMs"], &first["result"]["pollIntervalMs"]),
        (&json!(60_000), &json!(1000))
    );
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let task = get(&mut stream, &id).await;
    assert_eq!((&task["status"], &task["statusMessage"]), (&json!("working"), &Value::Null));
    sleep(2 * SECOND + SECOND / 2).await;
    let task = get(&mut stream, &id).await;
    assert_eq!(task["statusMessage"], "reel 2");
    assert!(task["lastUpdatedAt"].as_str() > task["createdAt"].as_str(), "{task}");
    sleep(SECOND).await;
    let task = get(&mut stream, &id).await;
    assert_eq!(task["status"], "completed");
    let content = json!([{ "type": "text", "text": "nosferatu is encoded" }]);
    assert_eq!(task["result"], json!({ "content": content }));
    assert_eq!(begin(&mut stream, "encode").await.len(), 32);
    assert!(stream.end().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_need_not_wait_is_no_task() {
    let quick = Tool::new("quick").task(TaskMode::Required).params(["title"]);
    let server = builder().tool(quick.handler(async |title: String| title)).build().unwrap();
    let mut stream = Stream::silent(&server);
    let answer = stream.ask(declaring(call(1, "quick", json!({ "title": "a" })))).await;
    assert_eq!(text(&answer), "a");
    let answer = stream.ask(declaring(call(1, "encode", json!({})))).await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn only_clients_that_know_tasks_get_one() {
    let wait = || async { sleep(SECOND).await };
    let strict = Tool::new("strict").task(TaskMode::Required).handler(wait);
    let server = builder().tool(strict).build().unwrap();
    let mut stream = Stream::silent(&server);
    let plain = |line| modern_with(line, json!({}));
    let encode = || call(1, "encode", json!({ "title": "a" }));
    assert_eq!(text(&stream.ask(plain(encode())).await), "a is encoded");
    let refused = stream.ask(plain(call(1, "strict", json!({})))).await;
    assert_refused(&refused, Some(json!(1)), -32021, TASKS.as_str());
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let answer = stream.ask(plain(request(1, method, json!({ "taskId": "x" })))).await;
        assert_refused(&answer, Some(json!(1)), -32021, TASKS.as_str());
    }

    let mut stream = Stream::silent(&server);
    let mut line = initialize_request("initialize", "2025-11-25");
    line["params"]["capabilities"] = json!({ "extensions": { TASKS.as_str(): {} } });
    let answer = stream.ask(line).await;
    assert_eq!(answer["result"]["capabilities"]["extensions"], Value::Null, "{answer}");
    assert_eq!(text(&stream.ask(encode()).await), "a is encoded");
    let get = stream.ask(request(1, "tasks/get", json!({ "taskId": "x" }))).await;
    assert_refused(&get, Some(json!(1)), -32601, "tasks/get");
    let refused = stream.ask(call(1, "strict", json!({}))).await;
    assert_refused(&refused, Some(json!(1)), -32602, "2026-07-28");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_called_off_drops_its_handler_before_the_answer() {
    let held = Arc::new(Semaphore::new(1));
    let mut stream = Stream::silent(&builder().tool(hold(&held)).build().unwrap());
    let id = begin(&mut stream, "hold").await;
    assert_eq!(held.available_permits(), 0);
    let answer = stream.ask(about("tasks/cancel", &id)).await;
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    assert_eq!(held.available_permits(), 1);
    assert_eq!(get(&mut stream, &id).await["status"], "cancelled");
    for method in ["tasks/cancel", "tasks/update"] {
        let params = json!({ "taskId": id, "inputResponses": { "x": {} } });
        let answer = stream.ask(declaring(request(1, method, params))).await;
        assert!(answer.get("result").is_some(), "{answer}");
    }
    assert_eq!(get(&mut stream, &id).await["status"], "cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_task_expires_with_its_handler() {
    let held = Arc::new(Semaphore::new(1));
    let mut stream = Stream::silent(&builder().tool(hold(&held)).build().unwrap());
    let id = begin(&mut stream, "hold").await;
    let done = begin(&mut stream, "encode").await;
    sleep(59 * SECOND).await;
    assert_eq!(get(&mut stream, &id).await["status"], "working");
    assert_eq!(get(&mut stream, &done).await["status"], "completed");
    sleep(2 * SECOND).await;
    assert_eq!(held.available_permits(), 1);
    for id in [id, done] {
        for method in ["tasks/get", "tasks/cancel"] {
            let answer = stream.ask(about(method, &id)).await;
            assert_refused(&answer, Some(json!(9)), -32602, "unknown task");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_asks_is_answered_and_goes_on() {
    let mut stream = Stream::silent(&server());
    let id = begin(&mut stream, "greet").await;
    let asking = settled(&mut stream, &id).await;
    let first = key(&asking);
    assert_eq!(asking["inputRequests"][&first]["method"], "elicitation/create");
    assert_eq!(get(&mut stream, &id).await["inputRequests"], asking["inputRequests"]);
    // What was not asked is passed over.
    let ignored = answer(&mut stream, &id, json!({ "other": accepted("x") })).await;
    assert!(ignored.get("result").is_some(), "{ignored}");
    assert_eq!(key(&get(&mut stream, &id).await), first);
    answer(&mut stream, &id, json!({ &first: accepted("ada") })).await;
    assert_eq!(get(&mut stream, &id).await["status"], "working");
    let asking = settled(&mut stream, &id).await;
    let second = key(&asking);
    assert_ne!(first, second);
    assert!(asking.to_string().contains("Who comes with you, ada?"), "{asking}");
    // A late answer to the first question changes nothing.
    answer(&mut stream, &id, json!({ first: accepted("eve") })).await;
    answer(&mut stream, &id, json!({ second: accepted("bob") })).await;
    let task = settled(&mut stream, &id).await;
    assert_eq!(task["result"]["content"][0]["text"], "hello ada and bob", "{task}");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_an_answer_can_be_called_off() {
    let mut stream = Stream::silent(&server());
    let id = begin(&mut stream, "greet").await;
    settled(&mut stream, &id).await;
    stream.ask(about("tasks/cancel", &id)).await;
    let task = get(&mut stream, &id).await;
    assert_eq!((&task["status"], &task["inputRequests"]), (&json!("cancelled"), &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_before_the_first_wait_is_asked_without_a_task() {
    let first = Tool::new("first").task(TaskMode::Optional).handler(
        async |name: Ask<Name>| -> Result<String> {
            let name = name.form("Who are you?")?.name;
            sleep(SECOND).await;
            Ok(format!("hello {name}"))
        },
    );
    let mut stream = Stream::silent(&builder().tool(first).build().unwrap());
    let asking = stream.ask(declaring(call(1, "first", json!({})))).await;
    assert_eq!(asking["result"]["resultType"], "input_required", "{asking}");
    let asked = asking["result"]["inputRequests"].as_object().unwrap();
    let mut again = call(2, "first", json!({}));
    again["params"]["requestState"] = asking["result"]["requestState"].clone();
    again["params"]["inputResponses"] = json!({ asked.keys().next().unwrap(): accepted("ada") });
    let id = begun(&stream.ask(declaring(again)).await);
    let task = settled(&mut stream, &id).await;
    assert_eq!(task["result"]["content"][0]["text"], "hello ada", "{task}");
}

#[tokio::test(start_paused = true)]
async fn errors_and_panics_fail_a_task_and_tool_errors_complete_it() {
    let lost = async || -> Result<(), ErrorObject> {
        sleep(SECOND).await;
        Err(ErrorObject::invalid_request("the reel is lost"))
    };
    let unlucky = async || -> Result<(), mcp_server::ToolError> {
        sleep(SECOND).await;
        Err(mcp_server::ToolError::new("no such title"))
    };
    let broken = async || -> () {
        sleep(SECOND).await;
        panic!("the test wants it")
    };
    let server = builder()
        .tool(Tool::new("lost").task(TaskMode::Optional).handler(lost))
        .tool(Tool::new("unlucky").task(TaskMode::Optional).handler(unlucky))
        .tool(Tool::new("broken").task(TaskMode::Optional).handler(broken));
    let mut stream = Stream::silent(&server.build().unwrap());
    let id = begin(&mut stream, "lost").await;
    let task = settled(&mut stream, &id).await;
    assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!(-32600)));
    assert_eq!(task["statusMessage"], "the reel is lost");
    let id = begin(&mut stream, "unlucky").await;
    let task = settled(&mut stream, &id).await;
    assert_eq!((&task["status"], &task["result"]["isError"]), (&json!("completed"), &json!(true)));
    let id = begin(&mut stream, "broken").await;
    let task = settled(&mut stream, &id).await;
    assert_eq!((&task["status"], &task["error"]["code"]), (&json!("failed"), &json!(-32603)));
}

#[tokio::test(start_paused = true)]
async fn a_task_outlives_its_connection_and_exists_for_its_caller_only() {
    let server = server();
    let mut ada = Stream::of(&server, Principal::new("ada"));
    let id = begin(&mut ada, "encode").await;
    assert!(ada.end().await.is_empty());
    let mut eve = Stream::of(&server, Principal::new("eve"));
    let unknown = eve.ask(about("tasks/get", "00000000000000000000000000000000")).await;
    for method in ["tasks/get", "tasks/cancel"] {
        let answer = eve.ask(about(method, &id)).await;
        assert_eq!(answer["error"], unknown["error"]);
    }
    let update = answer(&mut eve, &id, json!({})).await;
    assert_eq!(update["error"], unknown["error"]);
    let mut local = Stream::silent(&server);
    assert_eq!(local.ask(about("tasks/get", &id)).await["error"], unknown["error"]);
    let mut ada = Stream::of(&server, Principal::new("ada"));
    assert_eq!(settled(&mut ada, &id).await["status"], "completed");
}

async fn by_plan(caller: Caller) -> Entitlement {
    if caller.has("plan", "paid") { Entitlement::all() } else { Entitlement::none() }
}

#[tokio::test(start_paused = true)]
async fn a_task_is_refused_when_its_profiles_are_not_in_force() {
    let server = builder().profile(Profile::new(PREMIUM)).entitlement(by_plan).build().unwrap();
    let mut paid = Stream::of(&server, Principal::new("ada").with("plan", "paid"));
    let id = begun(&paid.ask(premium(call(1, "encode", json!({ "title": "a" })))).await);
    let get = || request(9, "tasks/get", json!({ "taskId": id }));
    assert_eq!(paid.ask(premium(get())).await["result"]["status"], "working");
    let without = paid.ask(declaring(get())).await;
    assert_eq!(without["error"]["code"], 1004, "{without}");
    let mut unpaid = Stream::of(&server, Principal::new("ada"));
    let lost = unpaid.ask(declaring(get())).await;
    assert_eq!(lost["error"]["code"], 1004, "{lost}");
    let cancel = unpaid.ask(declaring(request(9, "tasks/cancel", json!({ "taskId": id })))).await;
    assert_eq!(cancel["error"]["code"], 1004, "{cancel}");
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_a_profile_hold_for_the_whole_task() {
    let premium_profile = Profile::new(PREMIUM).concurrent_calls(1).call_time(2 * SECOND);
    let server = builder().profile(premium_profile).build().unwrap();
    let mut stream = Stream::silent(&server);
    let encode = || premium(call(1, "encode", json!({ "title": "a" })));
    let id = begun(&stream.ask(encode()).await);
    let second = stream.ask(encode()).await;
    assert!(second.to_string().contains("`concurrent_calls`"), "{second}");
    sleep(2 * SECOND + SECOND / 2).await;
    let task = stream.ask(premium(request(1, "tasks/get", json!({ "taskId": id })))).await;
    assert!(task["result"]["result"].to_string().contains("`call_time`"), "{task}");
    begun(&stream.ask(encode()).await);
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_tasks_than_allowed() {
    let tasks = Tasks::new().ttl(60 * SECOND).most_per_caller(2).most(3);
    let server = Server::builder("t", "1").tool(encode()).tasks(tasks).build().unwrap();
    let mut ada = Stream::of(&server, Principal::new("ada"));
    let encode = || declaring(call(1, "encode", json!({ "title": "a" })));
    let (first, second) = (begin(&mut ada, "encode").await, begin(&mut ada, "encode").await);
    let refused = ada.ask(encode()).await;
    assert!(refused.to_string().contains("`most_per_caller`"), "{refused}");
    sleep(4 * SECOND).await;
    let refused = ada.ask(encode()).await;
    assert!(refused.to_string().contains("`most_per_caller`"), "{refused}");
    // What is over and was looked at gives way.
    get(&mut ada, &second).await;
    begin(&mut ada, "encode").await;
    assert_refused(&ada.ask(about("tasks/get", &second)).await, Some(json!(9)), -32602, "unknown");
    assert_eq!(get(&mut ada, &first).await["status"], "completed");
    let mut bob = Stream::of(&server, Principal::new("bob"));
    begin(&mut bob, "encode").await;
    begin(&mut bob, "encode").await;
    let mut eve = Stream::of(&server, Principal::new("eve"));
    let refused = eve.ask(encode()).await;
    assert!(refused.to_string().contains("`most`"), "{refused}");
    sleep(60 * SECOND).await;
    begin(&mut eve, "encode").await;
}

#[tokio::test(start_paused = true)]
async fn results_beyond_the_bound_fail_their_task() {
    let big = Tool::new("big").task(TaskMode::Optional).handler(async || {
        sleep(SECOND).await;
        "x".repeat(10_000)
    });
    let tasks = Tasks::new().bytes(12_000);
    let server = Server::builder("t", "1").tool(big).tasks(tasks).build().unwrap();
    let mut stream = Stream::silent(&server);
    let (first, second) = (begin(&mut stream, "big").await, begin(&mut stream, "big").await);
    assert_eq!(settled(&mut stream, &first).await["status"], "completed");
    let task = settled(&mut stream, &second).await;
    assert!(task["error"]["message"].as_str().unwrap().contains("`bytes`"), "{task}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_server_that_is_dropped() {
    let held = Arc::new(Semaphore::new(1));
    let server = builder().tool(hold(&held)).layer(mcp_server::Audit::new()).build().unwrap();
    let mut stream = Stream::silent(&server);
    begin(&mut stream, "hold").await;
    begin(&mut stream, "encode").await;
    assert!(stream.end().await.is_empty());
    assert_eq!(held.available_permits(), 0);
    drop(server);
    let permit = timeout(SECOND, held.acquire()).await.expect("the handler is dropped");
    drop(permit);
    // The handlers, and with them all that they hold, are gone too: the tool was dropped.
    sleep(SECOND).await;
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_task_outlives_the_request_that_made_it() {
    let held = Arc::new(Semaphore::new(1));
    let mut stream = Stream::silent(&builder().tool(hold(&held)).build().unwrap());
    stream.send(declaring(call(1, "hold", json!({})))).await;
    let id = begun(&stream.message().await);
    // Cancelling the request of a task that exists does nothing to the task.
    stream.send(crate::conversation::cancel(1)).await;
    assert_eq!(get(&mut stream, &id).await["status"], "working");
    assert_eq!(held.available_permits(), 0);
}

/// A store that keeps tasks only when it is let.
#[derive(Clone)]
struct Slow {
    tasks: Arc<TasksInMemory>,
    gate: Arc<Semaphore>,
}

impl TaskStore for Slow {
    fn insert(&self, task: TaskRecord) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            self.gate.acquire().await.map_err(io::Error::other)?.forget();
            self.tasks.insert(task).await
        })
    }

    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, io::Result<Option<TaskRecord>>> {
        self.tasks.get(id)
    }

    fn replace(&self, task: TaskRecord) -> BoxFuture<'_, io::Result<bool>> {
        self.tasks.replace(task)
    }

    fn remove<'a>(&'a self, id: &'a str) -> BoxFuture<'a, io::Result<()>> {
        self.tasks.remove(id)
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_is_answered_with_when_it_is_kept_and_not_made_for_a_cancelled_call() {
    let held = Arc::new(Semaphore::new(1));
    let slow = Slow { tasks: Arc::default(), gate: Arc::new(Semaphore::new(0)) };
    let tasks = Tasks::new().most(1).store(slow.clone());
    let server = Server::builder("t", "1").tool(hold(&held)).tasks(tasks).build().unwrap();
    let mut stream = Stream::silent(&server);
    stream.send(declaring(call(1, "hold", json!({})))).await;
    assert!(timeout(SECOND, stream.message()).await.is_err());
    stream.send(crate::conversation::cancel(1)).await;
    sleep(SECOND).await;
    slow.gate.add_permits(1);
    // The handler is gone, and so is the task that took the only place.
    drop(timeout(SECOND, held.acquire()).await.expect("the handler is dropped").unwrap());
    slow.gate.add_permits(1);
    let id = begin(&mut stream, "hold").await;
    assert_eq!(get(&mut stream, &id).await["status"], "working");
}

#[tokio::test(start_paused = true)]
async fn a_task_of_an_earlier_process_can_still_be_fetched_and_called_off() {
    let slow = Slow { tasks: Arc::default(), gate: Arc::new(Semaphore::new(9)) };
    let held = Arc::new(Semaphore::new(1));
    let server = || builder().tasks(Tasks::new().store(slow.clone())).tool(hold(&held)).build();
    let mut before = Stream::silent(&server().unwrap());
    let done = begin(&mut before, "encode").await;
    let lost = begin(&mut before, "hold").await;
    sleep(5 * SECOND).await;
    before.end().await;
    let mut after = Stream::silent(&server().unwrap());
    assert_eq!(get(&mut after, &done).await["status"], "completed");
    assert_eq!(get(&mut after, &lost).await["status"], "working");
    after.ask(about("tasks/cancel", &lost)).await;
    assert_eq!(get(&mut after, &lost).await["status"], "cancelled");
}

fn listen(ids: &[&str]) -> Value {
    request("stream", "subscriptions/listen", json!({ "notifications": { "taskIds": ids } }))
}

#[tokio::test(start_paused = true)]
async fn who_listens_hears_of_every_change_and_of_nobody_elses_tasks() {
    let server = server();
    let mut eve = Stream::of(&server, Principal::new("eve"));
    let hers = begin(&mut eve, "encode").await;
    let mut stream = Stream::of(&server, Principal::new("ada"));
    let id = begin(&mut stream, "encode").await;
    stream.send(declaring(listen(&[&id, &hers, "x"]))).await;
    let granted = stream.message().await;
    assert_eq!(granted["method"], "notifications/subscriptions/acknowledged", "{granted}");
    assert_eq!(granted["params"]["notifications"], json!({ "taskIds": [id] }), "{granted}");
    let mut heard = Vec::new();
    loop {
        let said = stream.message().await;
        assert_eq!(said["method"], "notifications/tasks", "{said}");
        let (params, meta) = (&said["params"], &said["params"]["_meta"]);
        assert_eq!(meta["io.modelcontextprotocol/subscriptionId"], "stream", "{said}");
        assert_eq!(params["taskId"], id, "{said}");
        heard.push(format!("{} {}", params["status"], params["statusMessage"]));
        if params["status"] == "completed" {
            assert_eq!(params["result"]["content"][0]["text"], "nosferatu is encoded");
            break;
        }
    }
    assert_eq!(heard[0], r#""working" null"#);
    assert_eq!(heard[1], r#""working" "reel 1""#);
    // Who begins to listen afterwards hears the end at once.
    let mut late = Stream::of(&server, Principal::new("ada"));
    late.send(declaring(listen(&[&id]))).await;
    late.message().await;
    assert_eq!(late.message().await["params"]["status"], "completed");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_know_tasks_cannot_listen_to_them() {
    let mut stream = Stream::silent(&server());
    let refused = stream.ask(modern_with(listen(&["x"]), json!({}))).await;
    assert_refused(&refused, Some(json!("stream")), -32021, TASKS.as_str());
}

#[test]
fn a_tool_that_runs_as_a_task_needs_a_server_that_keeps_tasks() {
    let said = Server::builder("t", "1").tool(encode()).build().unwrap_err().to_string();
    assert!(said.contains("tool `encode`: it runs as a task: add `.tasks(…)`"), "{said}");
}
