//! The server that the tests and the comparison use:
//! `test-server stdio [--profiles] [--era legacy|modern|both]`.
//!
//! Written with the public API only, as a user would write it.

use std::process::ExitCode;
use std::time::Duration;

use mcp_server::{
    CallContext, Era, Error, Profile, Profiles, Progress, ProtocolVersion, Result, Server,
    Settings, tool,
};

const STANDARD: &str = "https://mcp-tests.example/profiles/standard";
const PREMIUM: &str = "https://mcp-tests.example/profiles/premium";

/// Returns the message.
#[tool(read_only)]
async fn echo(message: String) -> String {
    message
}

/// Adds two numbers.
#[tool(read_only)]
async fn add(a: f64, b: f64) -> f64 {
    a + b
}

/// Waits, then answers.
#[tool]
async fn slow(
    /// How long, in milliseconds
    ms: u64,
) -> String {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    format!("waited {ms} ms")
}

/// Works for a while and reports progress.
#[tool]
async fn long_running(
    /// How long, in seconds
    duration: f64,
    /// In how many steps
    steps: u32,
    ctx: CallContext,
) -> Result<String> {
    let duration = Duration::try_from_secs_f64(duration)?;
    for step in 1..=steps {
        tokio::time::sleep(duration / steps).await;
        ctx.report(Progress::new(step).of(steps)).await;
    }
    Ok(format!("done in {steps} steps"))
}

/// Sends progress notifications, then answers.
#[tool]
async fn notify(
    /// How many notifications
    count: u32,
    /// How long the message of each is, in bytes
    size: usize,
    /// What each message begins with
    tag: String,
    ctx: CallContext,
) -> String {
    for n in 1..=count {
        let mut text = format!("{tag} {n} ");
        text.extend(std::iter::repeat_n('.', size.saturating_sub(text.len())));
        ctx.report(Progress::new(n).of(count).message(text)).await;
    }
    format!("{tag}: {count} notifications")
}

/// Panics.
#[tool]
async fn boom() -> String {
    panic!("boom")
}

struct Tier(&'static str);

/// Says which profiles are in force.
#[tool(read_only)]
async fn tier(tier: Settings<Tier>, profiles: Profiles) -> String {
    let profiles: Vec<&str> = profiles.iter().map(|url| url.as_str()).collect();
    format!("{}: {}", tier.0, profiles.join(" "))
}

/// Exists for premium callers only.
#[tool(read_only)]
async fn premium_only() -> &'static str {
    "premium"
}

/// What the command line asks for.
struct Options {
    profiles: bool,
    /// Both unless set.
    era: Option<Era>,
}

impl Options {
    fn parse(arguments: &[&str]) -> Option<Self> {
        let ["stdio", rest @ ..] = arguments else { return None };
        let mut options = Self { profiles: false, era: None };
        let mut rest = rest.iter();
        while let Some(option) = rest.next() {
            match *option {
                "--profiles" => options.profiles = true,
                "--era" => {
                    options.era = match *rest.next()? {
                        "legacy" => Some(Era::Legacy),
                        "modern" => Some(Era::Modern),
                        "both" => None,
                        _ => return None,
                    };
                }
                _ => return None,
            }
        }
        Some(options)
    }
}

fn server(options: &Options) -> Result<Server, Error> {
    let versions = ProtocolVersion::KNOWN.iter().cloned();
    let served = versions.filter(|version| options.era.is_none() || version.era() == options.era);
    let server = Server::builder("test-server", env!("CARGO_PKG_VERSION"))
        .versions(served)
        .tool(echo)
        .tool(add)
        .tool(slow)
        .tool(long_running)
        .tool(notify)
        .tool(boom);
    if !options.profiles {
        return server.build();
    }
    let premium = Profile::new(PREMIUM).settings(Tier("premium")).tool(premium_only);
    let standard = Profile::new(STANDARD).settings(Tier("standard")).by_default();
    server.default_settings(Tier("none")).tool(tier).exclusive([premium, standard]).build()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let Some(options) = Options::parse(&arguments) else {
        eprintln!("usage: test-server stdio [--profiles] [--era legacy|modern|both]");
        return ExitCode::from(2);
    };
    let served = async { server(&options)?.serve_stdio().await };
    match served.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("test-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}
