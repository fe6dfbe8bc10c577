//! The `mcp` command: looks at, calls and checks servers of the Model Context Protocol.
//!
//! ```text
//! cli ──▶ run ──▶ session (connect) ──▶ command ──▶ report ──▶ output::printer
//!           └─ signal: drops the command, which cancels its call, and ends the server
//! ```
//!
//! | module | owns |
//! | --- | --- |
//! | [`cli`] | what may be said on the command line |
//! | [`run`] | the order of things, signals and limits of time |
//! | [`target`], [`session`] | which server is meant, and the connection to it |
//! | [`authorize`] | tokens for servers that ask for them |
//! | [`arguments`] | arguments of tools and prompts as words |
//! | [`command`] | one module for each command |
//! | [`check`] | probes that find out what a server does wrong |
//! | [`terminal`] | asking the person at the terminal |
//! | [`output`] | tables, JSON, pictures, progress, and making text harmless |
//! | [`failure`], [`report`] | how a command ends |

mod arguments;
mod authorize;
mod check;
mod cli;
mod command;
mod duration;
mod failure;
mod output;
mod report;
mod run;
mod session;
mod signal;
mod target;
mod terminal;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use serde_json::json;

use cli::Cli;
use output::plain;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => ExitCode::from(run::run(&cli)),
        Err(error) => refuse(&error),
    }
}

/// Says what is wrong with the command line, or helps.
fn refuse(error: &clap::Error) -> ExitCode {
    let helps = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let mut words = std::env::args_os().skip(1).take_while(|word| word != "--");
    if !helps && words.any(|word| word == "--json") {
        let message = error.render().to_string();
        let message = message.trim_start_matches("error: ").trim_end();
        let status = failure::USAGE;
        let document =
            json!({ "error": { "kind": "usage", "message": message, "status": status } });
        // Whoever closed the stream does not want to read it.
        let _ = writeln!(io::stdout(), "{}", plain::json(&document.to_string()));
        return ExitCode::from(status);
    }
    let _ = error.print();
    ExitCode::from(if helps { 0 } else { failure::USAGE })
}
