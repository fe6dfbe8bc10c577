//! What SaaSRUS does, shown with real requests and checked as it is told: `saasrus-demo`.

use std::process::ExitCode;

use mcp_examples::saasrus::demo;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        eprintln!("saasrus-demo: it takes no arguments");
        return ExitCode::from(2);
    }
    demo::run().await
}
