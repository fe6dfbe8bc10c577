//! Tasks as our client sees them: driven for the caller, or by the caller.

use std::sync::Arc;
use std::time::Duration;

use mcp_client::types::{InputResponses, RawObject, TaskDetail, TaskStatus};
use mcp_client::{Begun, Client, ClientBuilder, Error, Io, TimeoutKind};
use mcp_server::{Server, Tasks};
use serde_json::json;
use tokio::io::{duplex, split};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::tasks::{builder, hold, server};

const SECOND: Duration = Duration::from_secs(1);

async fn connect(server: Server, client: ClientBuilder) -> Client {
    let (ours, theirs) = duplex(64 * 1024);
    tokio::spawn(async move {
        let (reader, writer) = split(theirs);
        server.serve(reader, writer).await
    });
    client.connect(Io::new(ours)).await.unwrap()
}

fn client() -> ClientBuilder {
    Client::builder("viewer", "1.0").tasks().on_form(|form| async move {
        let name = if form.message.contains("comes with you") { "bob" } else { "ada" };
        Ok::<_, Error>(json!({ "name": name }))
    })
}

#[tokio::test(start_paused = true)]
async fn a_call_that_becomes_a_task_is_awaited_like_any_other() {
    let client = connect(server(), client()).await;
    let said: String = client.call("encode", json!({ "title": "nosferatu" })).await.unwrap();
    assert_eq!(said, "nosferatu is encoded");
    let whole = client.call_tool("encode", json!({ "title": "m" })).await.unwrap();
    assert_eq!(whole.content[0].as_text(), Some("m is encoded"));
}

#[tokio::test(start_paused = true)]
async fn what_a_task_asks_is_answered_by_the_handlers() {
    let client = connect(server(), client()).await;
    let said: String = client.call("greet", ()).await.unwrap();
    assert_eq!(said, "hello ada and bob");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_calls_its_task_off() {
    let held = Arc::new(Semaphore::new(1));
    let server = builder().tool(hold(&held)).build().unwrap();
    let client = connect(server, client()).await;
    let call = client.call::<String>("hold", ());
    assert!(timeout(5 * SECOND, call).await.is_err());
    timeout(SECOND, held.acquire()).await.expect("the handler is dropped").unwrap().forget();
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_holds_for_the_task_too() {
    let held = Arc::new(Semaphore::new(1));
    let server = builder().tool(hold(&held)).build().unwrap();
    let client = connect(server, client()).await;
    let since = Instant::now();
    let error = client.call::<String>("hold", ()).total_timeout(7 * SECOND).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { kind: TimeoutKind::Total, .. }), "{error}");
    assert_eq!(since.elapsed().as_secs(), 7);
    timeout(SECOND, held.acquire()).await.expect("the handler is dropped").unwrap().forget();
}

#[tokio::test(start_paused = true)]
async fn a_task_that_expires_is_an_error_of_the_call() {
    let held = Arc::new(Semaphore::new(1));
    let server = Server::builder("t", "1").tool(hold(&held)).tasks(Tasks::new().ttl(3 * SECOND));
    let client = connect(server.build().unwrap(), client()).await;
    let error = client.call::<String>("hold", ()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Peer(error) if error.message.contains("unknown task")),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_to_drives_a_task_alone() {
    let client = connect(server(), client()).await;
    let begun = client.begin_tool("greet", ()).await.unwrap();
    let Begun::Task(created) = begun else { panic!("{begun:?}") };
    assert_eq!(created.task.status, TaskStatus::Working);
    let id = created.task.task_id;
    sleep(2 * SECOND).await;
    let task = client.get_task(&id).await.unwrap().task;
    let TaskDetail::InputRequired(requests) = task.detail() else { panic!("{task:?}") };
    let answer = RawObject::try_from(json!({ "action": "accept", "content": { "name": "eve" } }));
    let key = requests.iter().next().unwrap().0.to_owned();
    let answers: InputResponses = [(key, answer.unwrap())].into_iter().collect();
    client.update_task(&id, answers).await.unwrap();
    assert_eq!(client.get_task(&id).await.unwrap().task.status(), TaskStatus::Working);
    client.cancel_task(&id).await.unwrap();
    assert_eq!(client.get_task(&id).await.unwrap().task.status(), TaskStatus::Cancelled);
    let error = client.get_task("nope").await.unwrap_err();
    assert!(matches!(error, Error::Peer(_)), "{error}");
    let begun = client.begin_tool("encode", ()).await.unwrap();
    assert!(matches!(begun, Begun::Done(result) if result.is_failure()));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_know_tasks_waits_for_the_answer() {
    let client = connect(server(), Client::builder("viewer", "1.0")).await;
    let said: String = client.call("encode", json!({ "title": "m" })).await.unwrap();
    assert_eq!(said, "m is encoded");
    for error in
        [client.get_task("x").await.unwrap_err(), client.cancel_task("x").await.unwrap_err()]
    {
        assert!(matches!(error, Error::Misuse(_)), "{error}");
    }
}
