//! The whole story over stdio, checked as it is told: `vidsrus-demo`.

use std::process::ExitCode;

use clap::Parser;
use mcp_examples::{server, viewer::demo};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.first() {
        // The demo starts itself as its server, so that it needs nothing else to be built.
        Some(first) if first == demo::SERVE => {
            server::command::run(&server::command::Arguments::parse_from(arguments)).await
        }
        None => demo::run().await,
        Some(_) => {
            eprintln!("vidsrus-demo: it takes no arguments");
            ExitCode::from(2)
        }
    }
}
