//! The command line of `saasrus`.

use std::error::Error;
use std::io::{IsTerminal, stderr, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::access_log::AccessLog;
use super::server::{Saasrus, Settings, make_directory};
use super::tenants::Tenant;
use super::tokens::{Holder, Plan};
use crate::viewer::console::{Console, one_line};

/// Keeps documents for several tenants, and serves each to MCP clients over HTTP.
///
/// Tenants have hosts below the domain, and one has a path. Names that end in `localhost` are this
/// machine, so that a client here needs no entry in the DNS.
#[derive(Debug, Parser)]
#[command(name = "saasrus", version, after_help = AFTER_HELP)]
pub struct Arguments {
    /// The directory with the databases
    #[arg(
        long,
        value_name = "DIR",
        env = "SAASRUS_DATA",
        default_value = "saasrus-data",
        global = true
    )]
    data: PathBuf,
    /// Where connections are accepted
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The domain below which tenants have their hosts
    #[arg(long, value_name = "DOMAIN", default_value = "saasrus.localhost")]
    domain: String,
    /// A proxy that may say which host a client named, as address or network; may be repeated
    #[arg(long, value_name = "ADDRESS")]
    trusted_proxy: Vec<String>,
    /// Writes a line of JSON for each request to the end of this file, or to standard output (`-`)
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,
    /// What is logged to standard error, for instance `mcp::profiles=info`
    #[arg(long, value_name = "FILTER", env = "SAASRUS_LOG", default_value = "warn")]
    log: EnvFilter,
    #[command(subcommand)]
    instead: Option<Instead>,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
enum Instead {
    /// Makes a token and prints it; the server must not be running
    Token {
        /// Whose documents it is for
        tenant: String,
        /// Who holds it
        holder: String,
        /// What they pay for
        #[arg(long, value_enum, default_value = "basic")]
        plan: Plan,
    },
}

/// Does what the arguments say.
pub async fn run(arguments: &Arguments) -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(arguments.log.clone())
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
    let done = match &arguments.instead {
        None => serve(arguments).await,
        Some(Instead::Token { tenant, holder, plan }) => {
            let holder = Holder { name: holder.clone(), plan: *plan };
            issue(arguments, tenant, holder).await
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("saasrus: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let access_log = match &arguments.access_log {
        None => None,
        Some(path) if path.as_os_str() == "-" => Some(AccessLog::new(stdout())),
        Some(path) => Some(AccessLog::append(path).map_err(|error| {
            format!("cannot write the access log `{}`: {error}", path.display())
        })?),
    };
    let saasrus = Saasrus::open(Settings {
        data: arguments.data.clone(),
        domain: arguments.domain.clone(),
        trusted_proxies: arguments.trusted_proxy.clone(),
        access_log,
    })?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .map_err(|error| format!("cannot listen at {}: {error}", arguments.listen))?;
    let port = listener.local_addr()?.port();
    for open in &saasrus.tenants {
        let url = open.tenant.url(&arguments.domain, port);
        eprintln!("{:<16} {url}", open.tenant.title);
        for (Holder { name, plan }, token) in &open.issued {
            eprintln!("{:<16} token of {name} ({}): {}", "", plan.as_str(), token.as_str());
        }
    }
    let stop = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nobody can ask for the end then.
            std::future::pending().await
        }
    };
    Ok(saasrus.serve(listener, stop).await?)
}

async fn issue(arguments: &Arguments, tenant: &str, holder: Holder) -> Result<(), Box<dyn Error>> {
    let tenant = Tenant::named(tenant)
        .ok_or_else(|| format!("there is no tenant `{}`: see --help", one_line(tenant)))?;
    make_directory(&arguments.data)?;
    let open = tenant.open(&arguments.data)?;
    let token = open.tokens.issue(holder).await?;
    Console::find(false, false).print(&format!("{}\n", token.as_str()));
    Ok(())
}

const AFTER_HELP: &str = "\
Tenants: wholesalechips, acme and harbourbooks at <name>.<domain>/mcp, cornershop at
<domain>/tenants/cornershop/mcp. Tokens are shown once, when a database is made; `saasrus token` makes
more.";
