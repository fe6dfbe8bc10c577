//! Compares whole processes: our server and client with those of rmcp.
//!
//! ```text
//! cargo run --release -p mcp-bench -- [--stdio | --http] [--quick] [--json] [--callgrind] [--no-build]
//! ```
//!
//! The servers take turns in every round, so that whatever else the machine does hits all of
//! them alike, and medians of the rounds are shown. `--stdio` and `--http` measure only servers and
//! clients over pipes, or only servers over HTTP; `--quick` does less of everything;
//! `--callgrind` also counts instructions and allocations with valgrind; `--no-build` measures
//! the programs as they are.

#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

mod http;
mod load;
mod measure;
mod process;
mod programs;
mod report;
mod valgrind;

use std::io;
use std::process::ExitCode;

use measure::{Effort, Figures};
use programs::{FLOOR, OURS, Programs, REFERENCE};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(unknown) => {
            eprintln!(
                "{unknown} is no option; there are --stdio, --http, --quick, --json, --callgrind \
                 and --no-build"
            );
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mcp-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, Default)]
struct Options {
    /// Both unless one is asked for.
    stdio: bool,
    http: bool,
    quick: bool,
    json: bool,
    callgrind: bool,
    no_build: bool,
}

impl Options {
    /// Reads the arguments; the error is the first that is unknown.
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--stdio" => options.stdio = true,
                "--http" => options.http = true,
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--callgrind" => options.callgrind = true,
                "--no-build" => options.no_build = true,
                _ => return Err(argument),
            }
        }
        if !options.stdio && !options.http {
            (options.stdio, options.http) = (true, true);
        }
        Ok(options)
    }
}

fn run(options: &Options) -> io::Result<()> {
    if !options.no_build {
        programs::build(options.stdio)?;
    }
    let programs = Programs::find()?;
    let mut reports = Vec::new();
    if options.stdio {
        reports.push(over_stdio(&programs, options)?);
    }
    if options.http {
        reports.push(over_http(&programs, options)?);
    }
    if options.json {
        println!("{}", report::json(&report::merged(reports)));
    } else {
        for medians in &reports {
            println!("{}", report::table(medians));
        }
    }
    Ok(())
}

/// Compares servers, then clients, that talk over pipes.
fn over_stdio(programs: &Programs, options: &Options) -> io::Result<report::Medians> {
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); programs.servers.len()];
    for round in 1..=effort.rounds {
        for (server, found) in programs.servers.iter().zip(&mut rounds) {
            eprintln!("round {round} of {}: server, {}", effort.rounds, server.name);
            found.push(about(server.name, measure::server(&server.command, effort))?);
        }
    }
    let mut client_rounds: Vec<Vec<Figures>> = vec![Vec::new(); programs.clients.len()];
    // Both clients call the same server: ours, as long as there is one.
    let served_by = programs.servers.first().ok_or(io::ErrorKind::NotFound)?;
    eprintln!("clients call the server `{}`", served_by.name);
    for round in 1..=effort.rounds {
        for (client, found) in programs.clients.iter().zip(&mut client_rounds) {
            eprintln!("round {round} of {}: client, {}", effort.rounds, client.name);
            let figures = measure::client(&client.command, &served_by.command, effort.calls);
            found.push(about(client.name, figures)?);
        }
    }
    let servers = medians(programs.servers.iter().map(|server| server.name), &rounds);
    let clients = medians(programs.clients.iter().map(|client| client.name), &client_rounds);
    let mut medians = report::merged([servers, clients]);
    if options.callgrind {
        count(programs, &mut medians)?;
    }
    Ok(medians)
}

/// Compares servers over HTTP.
fn over_http(programs: &Programs, options: &Options) -> io::Result<report::Medians> {
    let effort = if options.quick { http::Effort::QUICK } else { http::Effort::FULL };
    let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); programs.over_http.len()];
    for round in 1..=effort.rounds {
        for (server, found) in programs.over_http.iter().zip(&mut rounds) {
            eprintln!("round {round} of {}: over HTTP, {}", effort.rounds, server.name);
            found.push(about(server.name, http::measure(server, effort))?);
        }
    }
    let mut medians = medians(programs.over_http.iter().map(|server| server.name), &rounds);
    http::over_floor(&mut medians, FLOOR);
    Ok(medians)
}

fn medians(names: impl Iterator<Item = &'static str>, rounds: &[Vec<Figures>]) -> report::Medians {
    names.zip(rounds.iter().map(|rounds| measure::medians(rounds))).collect()
}

/// Adds what valgrind counts for our server and the reference.
fn count(programs: &Programs, medians: &mut report::Medians) -> io::Result<()> {
    if !valgrind::is_present() {
        eprintln!("valgrind is missing: instructions and allocations are left out");
        return Ok(());
    }
    for server in programs.servers.iter().filter(|one| [OURS, REFERENCE].contains(&one.name)) {
        eprintln!("counting with valgrind: {}", server.name);
        let figures = about(server.name, valgrind::server(&server.command))?;
        if let Some((_, all)) = medians.iter_mut().find(|(name, _)| *name == server.name) {
            all.extend(figures);
        }
    }
    Ok(())
}

/// Says in an error which side it is about.
fn about(side: &str, result: io::Result<Figures>) -> io::Result<Figures> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{side}: {error}")))
}
