//! The server that the official conformance suite tests: the one with everything, over HTTP.
//!
//! It listens on `127.0.0.1:$PORT`, on 3000 without `PORT`, and its endpoint is `/mcp`. Written with
//! the public API only.

use std::process::ExitCode;
use std::{env, error};

use mcp_examples::everything;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn error::Error>> {
    let port: u16 = match env::var("PORT") {
        Ok(port) => port.parse().map_err(|_| format!("PORT is {port:?}, and no port"))?,
        Err(_) => 3000,
    };
    everything::server().serve_http(("127.0.0.1", port)).await?;
    Ok(())
}
