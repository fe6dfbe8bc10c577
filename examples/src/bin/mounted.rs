//! Two MCP servers in one axum application, a host for each, behind the application's own sign-in.

use axum::extract::Request;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::{Router, routing::get};
use mcp_server::http::HttpService;
use mcp_server::{Caller, Principal, Server, tool};

/// Says who you are here.
#[tool(read_only)]
async fn who(caller: Caller) -> String {
    format!("{} at {}", caller.principal(), caller.tenant())
}

/// Whatever finds out who calls tells the service by an extension of the request.
async fn sign_in(mut request: Request, next: Next) -> Response {
    if request.headers().get(AUTHORIZATION).is_some_and(|token| token == "Bearer of-ada") {
        request.extensions_mut().insert(Principal::new("ada").with("plan", "paid"));
    }
    next.run(request).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let films = Server::builder("films", "1.0").tool(who).build()?;
    let chips = Server::builder("chips", "1.0").tool(who).build()?;
    let mcp = HttpService::by_host([("films.localhost", films), ("chips.localhost", chips)]);
    mcp.check()?;
    let app = Router::new().route("/health", get(async || "ok")).fallback_service(mcp);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, app.layer(from_fn(sign_in))).await?)
}
