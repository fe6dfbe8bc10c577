//! A connection for one command.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use mcp_client::{ChildProcess, Client, IntoTransport, Stderr};

use crate::cli::Options;
use crate::failure::Failure;
use crate::output::printer::Printer;
use crate::output::{Console, trace};

/// What a command has: a server that agreed, and what is known about the terminal.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) client: &'a Client,
    pub(crate) console: Console,
    /// How long connecting took.
    pub(crate) connected_in: Duration,
}

/// What it takes to connect.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) options: &'a Options,
    pub(crate) console: Console,
    pub(crate) printer: &'a Printer,
    pub(crate) server: ChildProcess,
    /// Whether the server is told that profiles are understood even if none is asked for.
    pub(crate) aware: bool,
}

impl Plan<'_> {
    /// Connects; the client lies in `slot`, so that it can be shut down whatever becomes of the
    /// command.
    pub(crate) async fn connect<'s>(
        self,
        slot: &'s OnceCell<Client>,
    ) -> Result<Session<'s>, Failure> {
        let Self { options, console, printer, server, aware } = self;
        let timeout = options.timeout;
        let mut builder = Client::builder("mcp", env!("CARGO_PKG_VERSION"))
            .era(options.era.into())
            .handshake_timeout(timeout)
            // A legacy server may be silent about discovery; `initialize` needs its time, too.
            .probe_timeout(PROBE.min(timeout / 2))
            .idle_timeout(timeout)
            .total_timeout(Duration::MAX);
        if aware {
            builder = builder.aware_of_profiles();
        }
        for profile in &options.require {
            builder = builder.require(profile);
        }
        for group in &options.require_one_of {
            builder = builder.require_one_of(group.split(',').map(str::trim));
        }
        for profile in &options.prefer {
            builder = builder.prefer(profile);
        }
        let start = Instant::now();
        let client = match options.verbose {
            true => {
                let (paint, printer) = (console.err, printer.clone());
                let server = server.stderr(Stderr::Tracing);
                let traced = server.traced(move |message| trace::show(message, paint, &printer));
                builder.connect(traced).await?
            }
            false => builder.connect(server).await?,
        };
        let connected_in = start.elapsed();
        Ok(Session { client: slot.get_or_init(|| client), console, connected_in })
    }
}

/// How long a server may be silent on discovery before it is taken for a legacy one.
const PROBE: Duration = Duration::from_secs(10);
