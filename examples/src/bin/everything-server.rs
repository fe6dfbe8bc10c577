//! Everything that a server can offer: `everything-server`, or `everything-server --http 127.0.0.1:8080`.

use std::net::SocketAddr;

use clap::Parser;
use mcp_examples::everything;
use mcp_server::Error;
use tracing_subscriber::EnvFilter;

/// Offers every feature of a server, over standard input and output or over HTTP.
#[derive(Debug, Parser)]
#[command(name = "everything-server", version)]
struct Arguments {
    /// Serves HTTP at this address; the endpoint is `/mcp`
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match arguments.http {
        None => everything::server().serve_stdio().await,
        Some(address) => everything::server().serve_http(address).await,
    }
}
