//! A profile that is enforced, with real parts, and each way in which it must not work: `wholesale-chips`.

use std::process::ExitCode;

use clap::Parser;
use mcp_examples::wholesale_chips::command::{Arguments, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(Arguments::parse()).await
}
