//! `everything` without a process.

use std::time::Duration;

use mcp_client::types::{CreateMessageResult, ElicitRequestFormParams, Root, TaskDetail};
use mcp_client::{Begun, Client, ClientBuilder, Era, EraChoice, ErrorCode, Http};
use mcp_examples::everything;
use mcp_server::http::HttpService;
use mcp_test::hostile::Attack;
use mcp_test::{ERAS, Error, assert_refused, pair};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// Calls that end well in both eras, and a piece of what they say.
const CALLS: [(&str, &str, &str); 22] = [
    ("echo", r#"{"message":"hello"}"#, "Echo: hello"),
    ("get-sum", r#"{"a":1,"b":2}"#, "The sum of 1 and 2 is 3."),
    ("get-structured-content", r#"{"location":"Chicago"}"#, "Windy"),
    ("get-roots-list", "{}", "file:///srv/films"),
    ("test_simple_text", "{}", "This is a simple text response for testing."),
    ("test_elicitation", r#"{"message":"Who?"}"#, "action=accept"),
    ("test_elicitation_sep1034_defaults", "{}", r#""name":"John Doe""#),
    ("test_elicitation_sep1330_enums", "{}", "action=accept"),
    ("test_sampling", r#"{"prompt":"Hm?"}"#, "LLM response: the model"),
    ("test_streaming_elicitation", "{}", "Streaming complete"),
    ("test_input_required_result_elicitation", "{}", "Hello, text!"),
    ("test_input_required_result_sampling", "{}", "the model"),
    ("test_input_required_result_list_roots", "{}", "file:///srv/films"),
    ("test_input_required_result_request_state", "{}", "state-ok"),
    ("test_input_required_result_multiple_inputs", "{}", "text: the model (1 folders)"),
    ("test_input_required_result_multi_round", "{}", "text likes text"),
    ("test_input_required_result_tampered_state", "{}", "integrity-ok"),
    ("test_input_required_result_capabilities", "{}", "text, the model"),
    ("greet", r#"{"name":"World"}"#, "Hello, World!"),
    ("slow_compute", r#"{"seconds":0,"label":"it"}"#, "Computed it"),
    ("confirm_delete", r#"{"filename":"a.txt"}"#, "a.txt is deleted"),
    ("multi_input", "{}", "text is sure"),
];

#[tokio::test]
async fn every_tool_does_in_both_eras_what_its_name_says() -> Result<(), Error> {
    for era in ERAS {
        let client = pair(everything::server()).era(era).client(answers).connect().await?;
        call_all(&client).await?;
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn every_tool_does_the_same_over_http() -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}/mcp", listener.local_addr().unwrap().port());
    let service = HttpService::new(everything::server().build()?);
    let serving = tokio::spawn(async move { service.serve(listener).await });
    for era in [EraChoice::Modern, EraChoice::Legacy] {
        let server = Http::new(&url)?.no_proxy();
        let client = answers(Client::builder("test", "1.0")).era(era).connect(server).await?;
        call_all(&client).await?;
        client.shutdown().await;
    }
    serving.abort();
    Ok(())
}

async fn call_all(client: &Client) -> Result<(), Error> {
    let era = client.negotiated().era();
    for (name, arguments, wanted) in CALLS {
        let arguments: Value = serde_json::from_str(arguments).unwrap();
        let result = client.call_tool(name, arguments).await?;
        let said = result.content.first().and_then(|block| block.as_text());
        let is_wanted = said.is_some_and(|said| said.contains(wanted));
        assert!(is_wanted && !result.is_failure(), "{era:?} {name}: {result:?}");
    }
    Ok(())
}

#[tokio::test]
async fn all_tools_have_names_that_the_suite_accepts_and_say_what_they_do() -> Result<(), Error> {
    let client = pair(everything::server()).connect().await?;
    for tool in client.list_all_tools().await? {
        assert!(tool.name.len() <= 64, "{}", tool.name);
        assert!(tool.description.is_some_and(|text| !text.is_empty()), "{}", tool.name);
    }
    client.shutdown().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_waits_for_ends() -> Result<(), Error> {
    for era in ERAS {
        let client = pair(everything::server()).era(era).connect().await?;
        let arguments = json!({ "duration": 3600, "steps": 2 });
        let call = client.call_tool("trigger-long-running-operation", arguments);
        tokio::time::timeout(Duration::from_secs(1), call).await.expect_err("it takes an hour");
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_go_on_as_tasks() -> Result<(), Error> {
    let client = pair(everything::server())
        .era(Era::Modern)
        .client(|c| answers(c).tasks())
        .connect()
        .await?;
    let begin = async |name: &str, arguments: Value| client.begin_tool(name, arguments).await;
    let at_once = begin("slow_compute", json!({ "seconds": 0 })).await?;
    assert!(matches!(at_once, Begun::Done(_)), "{at_once:?}");
    let sync = begin("greet", json!({ "name": "World" })).await?;
    assert!(matches!(sync, Begun::Done(_)), "{sync:?}");

    let Begun::Task(long) = begin("slow_compute", json!({ "seconds": 60 })).await? else {
        panic!("it takes a minute");
    };
    let now = client.get_task(&long.task.task_id).await?.task;
    assert!(matches!(now.detail(), TaskDetail::Working), "{now:?}");
    client.cancel_task(&long.task.task_id).await?;
    let now = client.get_task(&long.task.task_id).await?.task;
    assert!(matches!(now.detail(), TaskDetail::Cancelled), "{now:?}");

    // Driven to their ends by the client.
    let done: String = client.call("slow_compute", json!({ "seconds": 2, "label": "it" })).await?;
    assert_eq!(done, "Computed it in 2 seconds");
    let failed = client.call_tool("failing_job", json!({})).await?;
    assert!(failed.is_failure(), "{failed:?}");
    let broken = client.call_tool("protocol_error_job", json!({})).await;
    assert_refused!(broken, ErrorCode::INTERNAL_ERROR, "broke");
    let deleted: String = client.call("confirm_delete", json!({ "filename": "a.txt" })).await?;
    assert_eq!(deleted, "a.txt is deleted");
    let sure: String = client.call("multi_input", json!({})).await?;
    assert_eq!(sure, "text is sure");
    let asked_first: String = client.call("test_tool_with_task", json!({})).await?;
    assert_eq!(asked_first, "Done, text");
    let research = json!({ "topic": "python", "ambiguous": true });
    let report: String = client.call("simulate-research-query", research).await?;
    assert!(report.contains("understood as text"), "{report}");
    client.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn a_client_without_tasks_is_refused_where_they_are_required() -> Result<(), Error> {
    for era in ERAS {
        let client = pair(everything::server()).era(era).connect().await?;
        let refused = client.call_tool("failing_job", json!({})).await;
        let code = match era {
            Era::Modern => ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY,
            Era::Legacy => ErrorCode::INVALID_PARAMS,
        };
        assert_refused!(refused, code, "task");
        client.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn nothing_that_a_client_sends_does_harm() -> Result<(), Error> {
    let report = Attack::on(everything::server())
        .call("echo", json!({ "message": "hello" }))
        .call("get-resource-links", json!({ "count": 2 }))
        .call("get-annotated-message", json!({ "messageType": "debug", "includeImage": true }))
        .call("gzip-file-as-resource", json!({ "name": "a.gz", "data": "data:,a%20b" }))
        .call("json_schema_2020_12_tool", json!({ "contactMethod": "phone", "phone": "1" }))
        .call("slow_compute", json!({ "seconds": 0, "label": "it" }))
        .run()
        .await?;
    assert!(report.cases() > 300, "{report}");
    Ok(())
}

/// A client that answers everything.
fn answers(client: ClientBuilder) -> ClientBuilder {
    client
        .on_form(|form| async move { filled_in(&form) })
        .on_sample(|_| async { CreateMessageResult::new("test-model", "the model") })
        .roots([Root::new("file:///srv/films")])
}

/// What has to be filled in, and nothing else.
fn filled_in(form: &ElicitRequestFormParams) -> Value {
    let schema = &form.requested_schema;
    let wanted = schema.properties().filter(|(name, _)| schema.is_required(name));
    let value = |schema: &Value| match schema["type"].as_str() {
        Some("boolean") => json!(true),
        _ => json!("text"),
    };
    let fields = wanted
        .map(|(name, property)| (name.to_owned(), value(&serde_json::to_value(property).unwrap())));
    Value::Object(fields.collect::<Map<_, _>>())
}
