//! The command line of the server, which the demo starts too.

use std::error::Error;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mcp_server::Server;
use mcp_server::http::HttpService;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::{Accounts, Offer, Setup};
use crate::vidsrus::Catalogue;

/// Serves the VidsRUS video service to an MCP client, over standard input and output or over HTTP.
///
/// What a client gets is negotiated as one of two profiles:
///
///   https://vidsrus/mcp-profiles/standard   480 lines, 24 storyboard pictures, 2 calls at a time
///   https://vidsrus/mcp-profiles/premium    1080 lines, 96 pictures, 8 calls at a time, subtitles
///
/// Standard is for everybody. Premium is for users with a paid account, who get it also unasked.
#[derive(Debug, Parser)]
#[command(name = "vidsrus-server", version, verbatim_doc_comment, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Who has signed in; without it a passer-by, who gets the standard profile
    #[arg(long, value_name = "NAME", env = "VIDSRUS_USER", conflicts_with = "http")]
    user: Option<String>,
    /// Serves many clients over HTTP instead, at this address; bearer tokens say who signs in
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
    /// A name of this machine that clients use, besides localhost; may be repeated
    #[arg(long, value_name = "NAME", requires = "http")]
    host: Vec<String>,
    /// The accounts, a JSON array of {"name": "ada", "plan": "paid", "tokenSha256": "4bf8…"}; some are
    /// bundled
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// The films, a JSON file like the bundled one
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Which profiles are offered from which MCP version on, a JSON array of
    /// {"profileURL": "https://…", "minMcpVersion": "2025-08-13"}
    #[arg(long, value_name = "FILE")]
    declaration: Option<PathBuf>,
    /// What is logged to standard error, for instance `mcp::profiles=info`
    #[arg(long, value_name = "FILTER", env = "VIDSRUS_LOG", default_value = "warn")]
    log: EnvFilter,
}

/// Serves standard input and output until the client is done, or HTTP until Ctrl-C.
pub async fn run(arguments: &Arguments) -> ExitCode {
    // Standard output belongs to the protocol.
    tracing_subscriber::fmt()
        .with_env_filter(arguments.log.clone())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let setup = match setup(arguments) {
        Ok(setup) => setup,
        Err(error) => return failed(error.as_ref(), 2),
    };
    let accounts = setup.accounts.clone();
    let server = match super::build(setup) {
        Ok(server) => server,
        Err(error) => return failed(&error, 1),
    };
    let served = match arguments.http {
        None => server.serve_stdio().await.map_err(Into::into),
        Some(address) => serve_http(arguments, address, server, accounts).await,
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error.as_ref(), 1),
    }
}

async fn serve_http(
    arguments: &Arguments,
    address: SocketAddr,
    server: Server,
    accounts: Accounts,
) -> Result<(), Box<dyn Error>> {
    let hosts = arguments.host.iter();
    let service = hosts.fold(HttpService::new(server), |service, host| service.allow_host(host));
    service.check()?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen at {address}: {error}"))?;
    eprintln!("vidsrus-server: http://localhost:{}/mcp", listener.local_addr()?.port());
    let router = super::http::router(service, accounts);
    let ended = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nobody can ask for the end then.
            std::future::pending::<()>().await;
        }
    };
    // Streams of clients that stay do not keep the process.
    tokio::select! {
        served = async { axum::serve(listener, router).await } => Ok(served?),
        () = ended => Ok(()),
    }
}

fn setup(arguments: &Arguments) -> Result<Setup, Box<dyn Error>> {
    let catalogue = match &arguments.catalogue {
        Some(path) => Catalogue::load(path)?,
        None => Catalogue::bundled(),
    };
    let accounts = match &arguments.accounts {
        Some(path) => Accounts::load(path)?,
        None => Accounts::bundled(),
    };
    let offer = match &arguments.declaration {
        Some(path) => Offer::load(path)?,
        None => Offer::default(),
    };
    let user = match &arguments.user {
        Some(name) => Some(accounts.find(name)?.clone()),
        None => None,
    };
    Ok(Setup { catalogue, accounts, user, offer })
}

fn failed(error: &dyn Error, status: u8) -> ExitCode {
    eprintln!("vidsrus-server: {error:#}");
    ExitCode::from(status)
}

const AFTER_HELP: &str = "\
Accounts that are bundled: ada and margaret have paid, grace and linus have not. Over HTTP their tokens
are vidsrus-ada and so on; whoever sends none is a passer-by.

Exit status: 0 the client is done, 1 serving failed, 2 wrong arguments, or a file they name is wrong.";
