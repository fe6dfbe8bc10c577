//! A server with one tool.

use mcp_server::{Error, Server, tool};

/// Adds two numbers.
#[tool]
async fn add(a: f64, b: f64) -> f64 {
    a + b
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    Server::builder("adder", "1.0").tool(add).serve_stdio().await
}
