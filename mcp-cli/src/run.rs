//! From a command line to an exit status: connect, do it, end the server, whatever happens.

use std::cell::OnceCell;
use std::future::Future;
use std::time::Duration;

use clap::CommandFactory;
use mcp_client::Client;
use tokio::runtime;
use tokio::time::timeout;

use crate::cli::{Cli, Command, Options};
use crate::command::{self, Errand};
use crate::failure::{Failure, Signal};
use crate::output::printer::Printer;
use crate::output::{Console, log};
use crate::report::Report;
use crate::session::Plan;
use crate::signal::Signals;
use crate::target;
use crate::terminal::Given;

/// Does what the command line says, and returns the exit status.
pub(crate) fn run(cli: &Cli) -> u8 {
    let console = Console::find(&cli.options);
    let Ok(printer) = Printer::start() else { return crate::failure::CONNECTION };
    if let Command::Completions { shell } = cli.command {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "mcp", &mut script);
        printer.out(script);
    }
    if cli.options.verbose {
        log::install(console.err, printer.clone());
    }
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else {
        return crate::failure::CONNECTION;
    };
    let status = runtime.block_on(async {
        match prepare(cli, console, &printer) {
            Ok(Some((errand, plan))) => drive(&errand, plan, &cli.options, &printer).await,
            Ok(None) => finish(Report::default(), &printer).await,
            Err(failure) => finish(Report::failure(&failure, &console), &printer).await,
        }
    });
    // Kills on the spot what the steps above have not ended.
    drop(runtime);
    status
}

/// Reads everything that can be wrong before a server is started.
fn prepare<'a>(
    cli: &'a Cli,
    console: Console,
    printer: &'a Printer,
) -> Result<Option<(Errand, Plan<'a>)>, Failure> {
    let options = &cli.options;
    let Some((errand, name)) = Errand::read(&cli.command)? else { return Ok(None) };
    let program = cli.command.program().map_or(&[][..], |program| &program.command);
    let target = target::find(name.as_deref(), program, options)?;
    let given = options.answer.as_deref().map(Given::parse).transpose()?;
    let aware = errand.shows_profiles();
    Ok(Some((errand, Plan { options, console, printer, target, given, aware })))
}

async fn drive(errand: &Errand, plan: Plan<'_>, options: &Options, printer: &Printer) -> u8 {
    let console = plan.console;
    let Ok(mut signals) = Signals::listen() else { return crate::failure::CONNECTION };
    let slot = OnceCell::new();
    let work = command::run(errand, plan, &slot);
    // The work is dropped when a signal comes: a call that is running is cancelled by that.
    let outcome = tokio::select! {
        biased;
        signal = signals.next() => Err(Failure::Interrupted(signal)),
        outcome = limited(work, options.total_timeout) => outcome,
    };
    let interrupted = matches!(outcome, Err(Failure::Interrupted(_)));
    let report = outcome.unwrap_or_else(|failure| Report::failure(&failure, &console));
    let ending = async {
        let (status, ()) = tokio::join!(finish(report, printer), end(slot.get()));
        status
    };
    let ending = async {
        match interrupted {
            true => timeout(LAST_MOMENTS, ending).await.ok(),
            false => Some(ending.await),
        }
    };
    tokio::select! {
        status = ending => status.unwrap_or(Failure::Interrupted(Signal::Interrupt).status()),
        signal = signals.next() => Failure::Interrupted(signal).status(),
    }
}

async fn limited(
    work: impl Future<Output = Result<Report, Failure>>,
    limit: Option<Duration>,
) -> Result<Report, Failure> {
    match limit {
        Some(limit) => timeout(limit, work).await.unwrap_or(Err(Failure::TotalTimeout(limit))),
        None => work.await,
    }
}

async fn finish(report: Report, printer: &Printer) -> u8 {
    if !report.out.is_empty() {
        printer.out(report.out);
    }
    if !report.err.is_empty() {
        printer.err(report.err);
    }
    printer.flush().await;
    report.status
}

async fn end(client: Option<&Client>) {
    if let Some(client) = client {
        client.shutdown().await;
    }
}

/// How long ending the server may take once somebody wants to be gone; then it is killed.
const LAST_MOMENTS: Duration = Duration::from_millis(1800);
