//! A well-behaved server for the tests of the command line: `cli-fixture [legacy|modern] [http]`.
//!
//! Over HTTP it writes its address to standard output, and supports a profile.

use std::io::Write;
use std::time::Duration;

use mcp_server::http::HttpService;
use mcp_server::{
    CallContext, Era, Error, Image, Json, Profile, Progress, ProtocolVersion, Result, Server,
    ToolError, tool,
};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::net::TcpListener;

/// Returns the message.
///
/// Only the first line belongs in a list.
#[tool(read_only)]
async fn echo(message: String, times: Option<u32>) -> String {
    message.repeat(times.unwrap_or(1) as usize)
}

#[derive(Serialize, JsonSchema)]
struct Sum {
    sum: i64,
}

/// Adds two numbers.
#[tool(read_only)]
async fn add(a: i64, b: i64) -> Json<Sum> {
    Json(Sum { sum: a + b })
}

/// Fails.
#[tool(destructive)]
async fn fail() -> Result<String> {
    Err(ToolError::new("there is nothing to be done"))?
}

/// Works for a while and reports progress.
#[tool]
async fn work(milliseconds: u64, steps: u32, ctx: CallContext) -> String {
    for step in 1..=steps {
        tokio::time::sleep(Duration::from_millis(milliseconds) / steps.max(1)).await;
        ctx.report(Progress::new(step).of(steps)).await;
    }
    "worked".to_owned()
}

/// Draws a picture of one pixel.
#[tool]
async fn draw() -> Image {
    Image::png(PIXEL)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let era = match arguments.first().map(String::as_str) {
        Some("legacy") => Some(Era::Legacy),
        Some("modern") => Some(Era::Modern),
        _ => None,
    };
    let versions = ProtocolVersion::KNOWN.iter().cloned();
    let server = Server::builder("fixture", "1.0")
        .versions(versions.filter(|version| era.is_none() || version.era() == era))
        .tool(echo)
        .tool(add)
        .tool(fail)
        .tool(work)
        .tool(draw);
    if !arguments.iter().any(|argument| argument == "http") {
        return server.serve_stdio().await;
    }
    let failed = |error: std::io::Error| Error::Transport(error.into());
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let mut address = listener.local_addr().map_err(failed)?.to_string();
    address.push('\n');
    std::io::stdout().write_all(address.as_bytes()).map_err(failed)?;
    let server = server.profile(Profile::new(GOLD)).build()?;
    HttpService::new(server).serve(listener).await
}

/// What is supported over HTTP.
const GOLD: &str = "https://example.com/profiles/gold";

/// A PNG file of one pixel.
const PIXEL: [u8; 67] = [
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0,
    0, 0, 58, 126, 155, 85, 0, 0, 0, 10, 73, 68, 65, 84, 120, 156, 99, 96, 0, 0, 0, 2, 0, 1, 72,
    175, 164, 113, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];
