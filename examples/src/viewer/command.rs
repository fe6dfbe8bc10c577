//! The command line of the client.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use mcp_client::{ChildProcess, EraChoice, Error, Http, Rejection};
use serde_json::{Value, json};

use super::console::Console;
use super::visit::{Errand, Seen, Visit, Wish, connect};
use super::wire::Place;
use super::{report, visit};

/// Visits VidsRUS and shows what profiles do.
///
/// Without --require, --require-one-of and --prefer it visits once for each profile on offer and
/// shows the difference. Profiles may be given by their last word: premium, standard.
#[derive(Debug, Parser)]
#[command(name = "vidsrus-client", version, after_help = AFTER_HELP)]
pub struct Options {
    /// A profile without which there is no connection; may be repeated
    #[arg(long, value_name = "URL")]
    require: Vec<String>,
    /// Profiles of which there has to be one, most wanted first; may be repeated
    #[arg(long, value_name = "URL,URL…")]
    require_one_of: Vec<String>,
    /// A profile that is asked for and may be left out; may be repeated
    #[arg(long, value_name = "URL")]
    prefer: Vec<String>,
    /// Which kind of MCP to speak
    #[arg(long, value_enum, default_value = "auto")]
    era: EraName,
    /// Who the server is started for; bundled accounts are ada (paid) and grace (free)
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// What the server is told to offer, see `vidsrus-server --help`
    #[arg(long, value_name = "FILE")]
    declaration: Option<PathBuf>,
    /// Which film to look at
    #[arg(long, value_name = "WORDS", default_value = "nosferatu")]
    search: String,
    /// Which second of it to preview
    #[arg(long, value_name = "N", default_value_t = 93)]
    second: u32,
    /// Where the pictures go; a new temporary directory unless given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Prints every message that leaves (→) or arrives (←) to standard error
    #[arg(long)]
    trace: bool,
    /// Prints JSON
    #[arg(long)]
    json: bool,
    /// Where the server is, if it runs already: `vidsrus-server --http 127.0.0.1:8080`
    #[arg(
        long,
        value_name = "URL",
        conflicts_with_all = ["server", "command", "user", "declaration"]
    )]
    url: Option<String>,
    /// The token to sign in with at --url; those of bundled accounts are vidsrus-ada and so on
    #[arg(long, value_name = "TOKEN", env = "VIDSRUS_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// The server's program, if it is not vidsrus-server beside this one
    #[arg(long, value_name = "PATH", conflicts_with = "command")]
    server: Option<PathBuf>,
    /// The server's program and arguments
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["user", "declaration"])]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EraName {
    /// Whichever the server speaks
    Auto,
    /// 2025-11-25 and older
    Legacy,
    /// 2026-07-28 and newer
    Modern,
}

/// Does what the options say.
pub async fn run(options: &Options) -> ExitCode {
    let console = Console::find(options.trace, options.json);
    match tour(options, &console).await {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(rejection)) => {
            eprintln!("{rejection:#}");
            ExitCode::from(3)
        }
        Err(error) => {
            eprintln!("vidsrus-client: {error:#}");
            ExitCode::from(status(&error))
        }
    }
}

/// The exit status for an error.
fn status(error: &Error) -> u8 {
    match error {
        Error::Tool(_) => 1,
        Error::Misuse(_) => 2,
        Error::Rejected(_) => 3,
        Error::Timeout { .. } | Error::Closed(_) | Error::SessionLost | Error::Transport(_) => 4,
        _ => 5,
    }
}

async fn tour(options: &Options, console: &Console) -> Result<Option<Rejection>, Error> {
    let server = options.server()?;
    let wish = options.wish();
    let out = match &options.out {
        Some(out) => std::fs::create_dir_all(out).map(|()| out.clone()),
        None => tempfile::Builder::new().prefix("vidsrus-").tempdir().map(|dir| dir.keep()),
    };
    let out = out.map_err(|error| {
        Error::Misuse(format!(
            "there is no directory for the pictures: {error}; choose one by --out"
        ))
    })?;
    let errand = Errand { search: options.search.clone(), second: options.second, out };
    let first = match look(&server, &wish, &errand, console).await? {
        Ok(first) => first,
        Err(rejection) => {
            console.print(&in_json(options, &json!({ "refused": facts(&rejection) })));
            return Ok(Some(rejection));
        }
    };
    let (paint, mut refused, mut visits) = (console.out, Vec::new(), vec![first.clone()]);
    console.say(&report::server(&first, options.user.as_deref(), paint));
    if wish.is_empty() {
        let others = first.offered.iter().flat_map(|offered| offered.iter());
        for url in others.map(|entry| entry.url().to_string()) {
            if first.in_force.has(&url) {
                continue;
            }
            let wish = Wish { require: vec![url.clone()], ..wish.clone() };
            match look(&server, &wish, &errand, console).await? {
                Ok(seen) => visits.push(seen),
                Err(rejection) => refused.push((url, rejection)),
            }
        }
    }
    visits.sort_by_key(|seen| seen.preview.height);
    console.say(&format!("\n{}\n", paint.bold("Profiles")));
    console.say(&report::profiles(&first, !wish.is_empty(), &refused, paint));
    for reason in &first.reasons {
        console.say(&paint.dim(&format!(
            "  {} was left out: {}\n",
            reason.url(),
            reason.kind().as_str()
        )));
    }
    console.say(&format!("\n{}\n", paint.bold(&format!("Found for `{}`", options.search))));
    console.say(&report::films(&first, paint));
    console.say(&format!("\n{}\n", paint.bold("What the profiles give")));
    console.say(&report::comparison(&visits, paint));
    if let Some(best) = visits.last() {
        let art = report::art(&best.preview, console);
        console.say(&if art.is_empty() { art } else { format!("\n{art}") });
    }
    console.say(&format!("\n{}\n", paint.bold("Pictures")));
    console.say(&report::files(&visits, paint));
    let refusals: Vec<Value> = refused.iter().map(|(_, rejection)| facts(rejection)).collect();
    console.print(&in_json(options, &json!({ "visits": visits, "refused": refusals })));
    Ok(None)
}

/// One visit from beginning to end; a server process is gone afterwards.
async fn look(
    server: &Place,
    wish: &Wish,
    errand: &Errand,
    console: &Console,
) -> Result<Result<Seen, Rejection>, Error> {
    match connect(server, wish, console).await? {
        Visit::Refused(refused) => Ok(Err(refused.rejection)),
        Visit::Agreed(connected) => {
            let seen = connected.look(errand, console).await;
            connected.leave().await;
            seen.map(Ok)
        }
    }
}

fn in_json(options: &Options, value: &Value) -> String {
    if options.json { format!("{value}\n") } else { String::new() }
}

fn facts(rejection: &Rejection) -> Value {
    json!({
        "message": rejection.message(),
        "server": rejection.server(),
        "version": rejection.version().map(|version| version.as_str()),
        "requested": rejection.requested(),
        "missing": rejection.missing().iter().map(|url| url.as_str()).collect::<Vec<_>>(),
        "supported": rejection.supported(),
        "reasons": rejection.reasons(),
    })
}

impl Options {
    fn wish(&self) -> Wish {
        let all = |names: &[String]| names.iter().map(|name| full(name)).collect();
        let groups = self.require_one_of.iter();
        Wish {
            require: all(&self.require),
            require_one_of: groups.map(|group| group.split(',').map(full).collect()).collect(),
            prefer: all(&self.prefer),
            era: match self.era {
                EraName::Auto => EraChoice::Auto,
                EraName::Legacy => EraChoice::Legacy,
                EraName::Modern => EraChoice::Modern,
            },
        }
    }

    fn server(&self) -> Result<Place, Error> {
        match &self.url {
            Some(url) => self.server_at(url).map(Place::Url),
            None => self.program().map(Place::Program),
        }
    }

    fn server_at(&self, url: &str) -> Result<Http, Error> {
        let server = Http::new(url)?;
        Ok(match &self.token {
            Some(token) => server.bearer_token(token),
            None => server,
        })
    }

    fn program(&self) -> Result<ChildProcess, Error> {
        if let Some((program, arguments)) = self.command.split_first() {
            return Ok(ChildProcess::new(program).args(arguments));
        }
        let program = match &self.server {
            Some(program) => program.clone(),
            None => beside("vidsrus-server")?,
        };
        let mut server = ChildProcess::new(program);
        if let Some(user) = &self.user {
            server = server.arg("--user").arg(user);
        }
        if let Some(declaration) = &self.declaration {
            server = server.arg("--declaration").arg(declaration);
        }
        Ok(server)
    }
}

/// A profile by its URL or, if it is one of ours, by its last word.
fn full(name: &str) -> String {
    let ours = [crate::server::STANDARD, crate::server::PREMIUM];
    let found = ours.into_iter().find(|url| visit::short(url) == name);
    found.unwrap_or(name).to_owned()
}

/// A program in the directory of this one.
fn beside(name: &str) -> Result<PathBuf, Error> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let own = std::env::current_exe().map_err(|error| Error::Transport(Box::new(error)))?;
    let program = own.with_file_name(file);
    match program.is_file() {
        true => Ok(program),
        false => Err(Error::Misuse(format!(
            "there is no `{}`: build it with `cargo build -p mcp-examples`, or name one by --server",
            program.display()
        ))),
    }
}

const AFTER_HELP: &str = "\
Exit status: 0 seen, 1 a tool failed, 2 wrong arguments, 3 profiles not agreed, 4 no connection or
too slow, 5 the server broke the protocol.";
