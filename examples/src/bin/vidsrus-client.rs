//! What profiles do, seen from a client: `vidsrus-client --user ada --require premium`.

use std::process::ExitCode;

use clap::Parser;
use mcp_examples::viewer::command::{Options, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(&Options::parse()).await
}
