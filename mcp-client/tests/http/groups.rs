//! Servers at URLs in a group: reached as their entries say, and given up where that is hopeless.

use mcp_client::group::{Restarts, Status};
use mcp_client::{ClientGroup, Config};
use serde_json::json;

use crate::server::{Request, Server, discovered, said, status};

async fn group(config: serde_json::Value) -> ClientGroup {
    let config = Config::parse(&json!({ "mcpServers": config }).to_string()).unwrap();
    ClientGroup::builder("test", "1").config(config).connect().await.unwrap()
}

async fn films(request: Request) -> crate::server::Response {
    match request.method() {
        _ if request.header("authorization") != "Bearer k3y" => status(401),
        "server/discover" => request.result(discovered()),
        "tools/list" => {
            let tool = json!({ "name": "search", "inputSchema": { "type": "object" } });
            let mut list = discovered();
            list["tools"] = json!([tool]);
            request.result(list)
        }
        "tools/call" => {
            let mut result = said("nosferatu");
            result["resultType"] = json!("complete");
            request.result(result)
        }
        _ => status(404),
    }
}

#[tokio::test]
async fn tools_of_a_server_at_a_url_are_called_with_the_headers_of_its_entry() {
    let server = Server::start(films).await;
    let headers = json!({ "Authorization": "Bearer k3y", "Content-Type": "text/plain" });
    let url = server.http().url().to_string();
    let group = group(json!({ "films": { "type": "http", "url": url, "headers": headers } })).await;
    let result = group.call_tool("films__search", json!({})).await.unwrap();
    assert_eq!(result.content[0].as_text(), Some("nosferatu"));
    let call = server.seen().into_iter().find(|request| request.method() == "tools/call").unwrap();
    assert_eq!(call.header("content-type"), "application/json");
    group.shutdown().await;
}

#[tokio::test]
async fn server_that_lets_nobody_in_is_not_tried_again() {
    let server = Server::start(films).await;
    let url = server.http().url().to_string();
    let group = group(json!({ "films": { "url": url } })).await;
    let status = group.status();
    let Status::Failed { error, retry_at: None, .. } = &status["films"] else {
        panic!("{status:?}")
    };
    assert!(error.to_string().contains("401"), "{error}");
    assert!(server.seen().len() <= 2);
    group.shutdown().await;
}

#[tokio::test]
async fn code_can_say_more_about_how_a_server_is_reached() {
    let server = Server::start(films).await;
    let url = server.http().url().to_string();
    let config = json!({ "mcpServers": { "films": { "url": url } } }).to_string();
    let group = ClientGroup::builder("test", "1")
        .config(Config::parse(&config).unwrap())
        .http(|name, http| http.bearer_token(if name == "films" { "k3y" } else { "" }))
        .restarts(Restarts::NEVER)
        .connect()
        .await
        .unwrap();
    assert!(group.client("films").is_ok(), "{:?}", group.status());
    group.shutdown().await;
}
