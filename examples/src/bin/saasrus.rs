//! Documents for several tenants, each an MCP server over HTTP: `saasrus`.

use std::process::ExitCode;

use clap::Parser;
use mcp_examples::saasrus::command::{Arguments, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(&Arguments::parse()).await
}
