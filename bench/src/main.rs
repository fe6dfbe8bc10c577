//! Compares whole processes: our server and client with those of rmcp.
//!
//! ```text
//! cargo run --release -p mcp-bench -- [--quick] [--json] [--callgrind] [--no-build]
//! ```
//!
//! The servers take turns in every round, so that whatever else the machine does hits all of
//! them alike, and medians of the rounds are shown. `--quick` does less of everything;
//! `--callgrind` also counts instructions and allocations with valgrind; `--no-build` measures
//! the programs as they are.

#![expect(clippy::print_stdout, reason = "the report is what this program is for")]

mod load;
mod measure;
mod process;
mod programs;
mod report;
mod valgrind;

use std::io;
use std::process::ExitCode;

use measure::{Effort, Figures};
use programs::{Contender, OURS, Programs, REFERENCE};

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(unknown) => {
            eprintln!(
                "{unknown} is no option; there are --quick, --json, --callgrind and --no-build"
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
                "--quick" => options.quick = true,
                "--json" => options.json = true,
                "--callgrind" => options.callgrind = true,
                "--no-build" => options.no_build = true,
                _ => return Err(argument),
            }
        }
        Ok(options)
    }
}

fn run(options: &Options) -> io::Result<()> {
    if !options.no_build {
        programs::build()?;
    }
    let programs = Programs::find()?;
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };

    let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); programs.servers.len()];
    for round in 1..=effort.rounds {
        for (server, found) in programs.servers.iter().zip(&mut rounds) {
            eprintln!("round {round} of {}: server, {}", effort.rounds, server.name);
            found.push(about(server, measure::server(&server.command, effort))?);
        }
    }
    let mut client_rounds: Vec<Vec<Figures>> = vec![Vec::new(); programs.clients.len()];
    // Both clients call the same server: ours, as long as there is one.
    let served_by = programs.servers.first().ok_or(io::ErrorKind::NotFound)?;
    for round in 1..=effort.rounds {
        for (client, found) in programs.clients.iter().zip(&mut client_rounds) {
            eprintln!("round {round} of {}: client, {}", effort.rounds, client.name);
            let figures = measure::client(&client.command, &served_by.command, effort.calls);
            found.push(about(client, figures)?);
        }
    }

    let mut medians: report::Medians = Vec::new();
    for (server, rounds) in programs.servers.iter().zip(&rounds) {
        medians.push((server.name, measure::medians(rounds)));
    }
    for (client, rounds) in programs.clients.iter().zip(&client_rounds) {
        let figures = measure::medians(rounds);
        match medians.iter_mut().find(|(name, _)| *name == client.name) {
            Some((_, of_server)) => of_server.extend(figures),
            None => medians.push((client.name, figures)),
        }
    }
    if options.callgrind {
        count(&programs, &mut medians)?;
    }

    if options.json {
        println!("{}", report::json(&medians));
    } else {
        print!("{}", report::table(&medians));
        println!("clients called the server `{}`", served_by.name);
    }
    Ok(())
}

/// Adds what valgrind counts for our server and the reference.
fn count(programs: &Programs, medians: &mut report::Medians) -> io::Result<()> {
    if !valgrind::is_present() {
        eprintln!("valgrind is missing: instructions and allocations are left out");
        return Ok(());
    }
    for server in programs.servers.iter().filter(|one| [OURS, REFERENCE].contains(&one.name)) {
        eprintln!("counting with valgrind: {}", server.name);
        let figures = about(server, valgrind::server(&server.command))?;
        if let Some((_, all)) = medians.iter_mut().find(|(name, _)| *name == server.name) {
            all.extend(figures);
        }
    }
    Ok(())
}

/// Says in an error which side it is about.
fn about(contender: &Contender, result: io::Result<Figures>) -> io::Result<Figures> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", contender.name)))
}
