//! Results of tools, checked against what the server listed.

use mcp_client::types::SubscriptionFilter;
use mcp_client::{CallToolResult, Client, Error, OutputError};
use serde_json::{Value, json};

use crate::peer::{Peer, builder, legacy, modern};

async fn both() -> [(Client, Peer); 2] {
    [modern(builder().check_output()).await, legacy(builder().check_output()).await]
}

fn tools(schema: &Value) -> Value {
    let tool = |name: &str| json!({ "name": name, "inputSchema": { "type": "object" } });
    let mut total = tool("total");
    total["outputSchema"] = schema.clone();
    json!({ "tools": [total, tool("free")] })
}

fn totals() -> Value {
    let numbers = json!({ "type": "array", "items": { "type": "number" } });
    tools(&json!({ "type": "object", "properties": { "totals": numbers }, "required": ["totals"] }))
}

async fn list(client: &Client, peer: &mut Peer, tools: Value) {
    let (listed, _) = tokio::join!(client.list_tools(None), peer.answer("tools/list", tools));
    listed.unwrap();
}

async fn call(
    client: &Client,
    peer: &mut Peer,
    name: &str,
    result: Value,
) -> Result<CallToolResult, Error> {
    let call = client.call_tool(name, ());
    tokio::join!(call, peer.answer("tools/call", result)).0
}

fn right() -> Value {
    json!({ "content": [], "structuredContent": { "totals": [1] } })
}

fn wrong() -> Value {
    json!({ "content": [], "structuredContent": { "totals": [1, "two"] } })
}

fn misfit(outcome: Result<CallToolResult, Error>) -> OutputError {
    match outcome {
        Err(Error::Output(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_result_that_does_not_fit_is_an_error_that_says_where() {
    for (client, mut peer) in both().await {
        list(&client, &mut peer, totals()).await;
        call(&client, &mut peer, "total", right()).await.unwrap();
        let error = misfit(call(&client, &mut peer, "total", wrong()).await);
        assert_eq!(
            error.to_string(),
            r#"the result of tool `total` does not fit its output schema: `/totals/1`: "two" is not of type "number""#
        );
        let decoded = client.call::<Value>("total", ());
        let (failed, _) = tokio::join!(decoded, peer.answer("tools/call", wrong()));
        assert!(matches!(failed, Err(Error::Output(OutputError::Misfit { .. }))));
        let nothing = json!({ "content": [{ "type": "text", "text": "{\"totals\":[]}" }] });
        let error = misfit(call(&client, &mut peer, "total", nothing).await);
        assert_eq!(error, OutputError::Missing { tool: "total".to_owned() });
    }
}

#[tokio::test]
async fn failures_and_tools_without_schema_are_not_checked() {
    for (client, mut peer) in both().await {
        list(&client, &mut peer, totals()).await;
        call(&client, &mut peer, "free", wrong()).await.unwrap();
        let failure = json!({ "content": [], "isError": true });
        assert!(call(&client, &mut peer, "total", failure).await.unwrap().is_failure());
    }
}

#[tokio::test]
async fn only_what_was_listed_is_checked() {
    for (client, mut peer) in both().await {
        call(&client, &mut peer, "total", wrong()).await.unwrap();
        list(&client, &mut peer, totals()).await;
        misfit(call(&client, &mut peer, "total", wrong()).await);
        // A new listing takes the place of the old one.
        list(&client, &mut peer, json!({ "tools": [] })).await;
        call(&client, &mut peer, "total", wrong()).await.unwrap();
    }
}

#[tokio::test]
async fn later_pages_add_to_the_first() {
    let (client, mut peer) = modern(builder().check_output()).await;
    let mut first = totals();
    first["nextCursor"] = json!("2");
    let (listed, ()) = tokio::join!(client.list_all_tools(), async {
        peer.answer("tools/list", first).await;
        peer.answer("tools/list", json!({ "tools": [] })).await;
    });
    assert_eq!(listed.unwrap().len(), 2);
    misfit(call(&client, &mut peer, "total", wrong()).await);
}

#[tokio::test]
async fn a_change_of_the_list_makes_it_unknown() {
    const CHANGED: &str = "notifications/tools/list_changed";
    let (client, mut peer) = legacy(builder().check_output()).await;
    list(&client, &mut peer, totals()).await;
    peer.tell(CHANGED, json!({})).await;
    call(&client, &mut peer, "total", wrong()).await.unwrap();
    // A list that was asked for before the change may be the old one.
    let (listed, ()) = tokio::join!(client.list_tools(None), async {
        let asked = peer.asked().await;
        peer.tell(CHANGED, json!({})).await;
        peer.result(asked.id, totals()).await;
    });
    listed.unwrap();
    call(&client, &mut peer, "total", wrong()).await.unwrap();
    list(&client, &mut peer, totals()).await;
    misfit(call(&client, &mut peer, "total", wrong()).await);
}

#[tokio::test]
async fn a_modern_client_that_listens_learns_of_the_change() {
    let (client, mut peer) = modern(builder().check_output()).await;
    list(&client, &mut peer, totals()).await;
    let mut changes = client.listen(SubscriptionFilter::new().with_tools_list_changed());
    let (change, ()) = tokio::join!(changes.next(), async {
        let asked = peer.asked().await;
        let of = json!({ "io.modelcontextprotocol/subscriptionId": asked.id });
        let granted = json!({ "_meta": of, "notifications": { "toolsListChanged": true } });
        peer.tell("notifications/subscriptions/acknowledged", granted).await;
        peer.tell("notifications/tools/list_changed", json!({ "_meta": of })).await;
    });
    change.unwrap().unwrap();
    call(&client, &mut peer, "total", wrong()).await.unwrap();
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_is_an_error_and_nothing_is_fetched() {
    for (client, mut peer) in both().await {
        list(&client, &mut peer, tools(&json!({ "$ref": "https://example.com/s.json" }))).await;
        let error = misfit(call(&client, &mut peer, "total", right()).await);
        let said = error.to_string();
        assert!(matches!(error, OutputError::Schema { .. }), "{said}");
        assert!(said.starts_with("the output schema of tool `total` cannot be used"), "{said}");
    }
}
