//! The server of the comparison over HTTP: ours, in both eras.
//!
//! Prints the address at which it listens.

#![expect(clippy::print_stdout, reason = "the address is what whoever starts it waits for")]

use mcp_server::http::HttpService;
use mcp_server::{CallContext, Progress, Server, tool};
use tokio::net::TcpListener;

/// Gives the message back.
#[tool]
async fn echo(message: String) -> String {
    message
}

/// Reports progress, a KiB at a time.
#[tool]
async fn flood(count: u32, ctx: CallContext) -> String {
    for n in 1..=count {
        ctx.report(Progress::new(n).message("0".repeat(1024))).await;
    }
    "done".to_owned()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder("http-server", "1").tool(echo).tool(flood).build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    HttpService::new(server).serve(listener).await?;
    Ok(())
}
