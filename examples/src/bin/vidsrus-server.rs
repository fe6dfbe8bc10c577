//! VidsRUS over standard input and output: `vidsrus-server --user ada`.

use std::process::ExitCode;

use clap::Parser;
use mcp_examples::server::command::{Arguments, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(&Arguments::parse()).await
}
