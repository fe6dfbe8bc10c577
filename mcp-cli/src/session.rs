//! A connection for one command.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use mcp_client::{Call, Client, EraChoice, Http, IntoTransport, Stderr, Transport};

use crate::cli::Options;
use crate::failure::Failure;
use crate::output::printer::Printer;
use crate::output::progress::{Bar, Screen};
use crate::output::{Console, trace};
use crate::target::{Place, Target};
use crate::terminal::{Asker, Given};

/// What a command has: a server that agreed, and what is known about the terminal.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) client: &'a Client,
    pub(crate) console: Console,
    /// How long connecting took.
    pub(crate) connected_in: Duration,
    /// Where the server is, if it is at a URL.
    pub(crate) http: Option<Http>,
    screen: Screen,
}

impl Session<'_> {
    /// Waits for a call, and shows how far it is.
    pub(crate) async fn follow<T>(&self, mut call: Call<T>, name: &str) -> Result<T, Failure> {
        let mut bar = Bar::new(&self.console, &self.screen, name);
        while let Some(progress) = call.progress().await {
            bar.show(&progress);
        }
        bar.finish();
        Ok(call.await?)
    }
}

/// What it takes to connect.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) options: &'a Options,
    pub(crate) console: Console,
    pub(crate) printer: &'a Printer,
    pub(crate) target: Target,
    /// What the server is answered when it asks the user something, if that is known already.
    pub(crate) given: Option<Given>,
    /// Whether the server is told that profiles are understood even if none is asked for.
    pub(crate) aware: bool,
}

impl Plan<'_> {
    /// The longest wait for the server without news.
    pub(crate) fn timeout(&self) -> Duration {
        let configured = self.target.config.as_ref().and_then(|config| config.timeout);
        self.options.timeout.or(configured).unwrap_or(TIMEOUT)
    }

    /// Connects; the client lies in `slot`, so that it can be shut down whatever becomes of the
    /// command.
    pub(crate) async fn connect<'s>(
        self,
        slot: &'s OnceCell<Client>,
    ) -> Result<Session<'s>, Failure> {
        let timeout = self.timeout();
        let Self { options, console, printer, target, given, aware } = self;
        let Target { server, config } = target;
        let screen = Screen::default();
        let asker = Asker::new(given, console.asks, printer, console.err, &screen);
        let visitor = asker.clone();
        let mut builder = Client::builder("mcp", env!("CARGO_PKG_VERSION"))
            .on_form(move |form| asker.clone().form(form))
            .on_url(move |url| visitor.clone().url(url));
        if let Some(config) = &config {
            builder = config.client(builder);
        }
        builder = builder
            .handshake_timeout(timeout)
            // A legacy server may be silent about discovery; `initialize` needs its time, too.
            .probe_timeout(PROBE.min(timeout / 2))
            .idle_timeout(timeout)
            .total_timeout(Duration::MAX);
        match options.era.into() {
            EraChoice::Auto => {}
            era => builder = builder.era(era),
        }
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
        let http = match &server {
            Place::Url(http) => Some(Http::clone(http)),
            Place::Program(_) => None,
        };
        let mut transport: Transport = match server {
            Place::Program(program) if options.verbose => {
                program.stderr(Stderr::Tracing).into_transport()
            }
            Place::Program(program) => program.into_transport(),
            Place::Url(http) => http.into_transport(),
        };
        if options.verbose {
            let (paint, printer) = (console.err, printer.clone());
            transport = transport.traced(move |message| {
                trace::show(message.direction, message.bytes, message.length, paint, &printer);
            });
        }
        let start = Instant::now();
        let client = builder.connect(transport).await?;
        let connected_in = start.elapsed();
        Ok(Session { client: slot.get_or_init(|| client), console, connected_in, http, screen })
    }
}

/// The longest wait for the server without news, unless something else is said.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server may be silent on discovery before it is taken for a legacy one.
const PROBE: Duration = Duration::from_secs(10);
