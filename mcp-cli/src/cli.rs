//! The command line: what may be said, and nothing of what is done with it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use mcp_client::EraChoice;

use crate::duration;

/// Looks at, calls and checks servers of the Model Context Protocol.
#[derive(Debug, Parser)]
#[command(name = "mcp", version, after_help = AFTER_HELP, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Print one JSON document; errors, too, go to standard output then
    #[arg(long, global = true, help_heading = OUTPUT)]
    pub(crate) json: bool,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto",
        help_heading = OUTPUT
    )]
    pub(crate) color: ColorChoice,
    /// Print every message that leaves (→) or arrives (←) and what the server logs (!) to standard
    /// error
    #[arg(long, short, global = true, help_heading = OUTPUT)]
    pub(crate) verbose: bool,
    /// The longest wait for the server without news: 500ms, 1m30s; progress is news; 30s unless
    /// given here or in the configuration file
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = CONNECTION
    )]
    pub(crate) timeout: Option<Duration>,
    /// The longest that the command may take altogether; no limit unless given
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = CONNECTION
    )]
    pub(crate) total_timeout: Option<Duration>,
    /// Which kind of MCP to speak
    #[arg(
        long,
        global = true,
        value_name = "ERA",
        value_enum,
        default_value = "auto",
        help_heading = CONNECTION
    )]
    pub(crate) era: EraName,
    /// A profile without which there is no connection; may be repeated
    #[arg(long, global = true, value_name = "URL", help_heading = CONNECTION)]
    pub(crate) require: Vec<String>,
    /// Profiles of which there has to be one, most wanted first; may be repeated
    #[arg(long, global = true, value_name = "URL,URL…", help_heading = CONNECTION)]
    pub(crate) require_one_of: Vec<String>,
    /// A profile that is asked for and may be left out; may be repeated
    #[arg(long, global = true, value_name = "URL", help_heading = CONNECTION)]
    pub(crate) prefer: Vec<String>,
    /// The file in which servers are named, {"mcpServers": {…}}; unless given, mcp.json, .mcp.json,
    /// .cursor/mcp.json and .vscode/mcp.json here, then mcp/mcp.json in your configuration folder
    #[arg(long, global = true, value_name = "FILE", env = "MCP_CONFIG", help_heading = CONNECTION)]
    pub(crate) config: Option<PathBuf>,
    /// A value that the configuration file asks for as ${input:ID}; may be repeated
    #[arg(long, global = true, value_name = "ID=VALUE", help_heading = CONNECTION)]
    pub(crate) input: Vec<String>,
    /// A variable for the server, or the name of one to pass on; of yours it gets only a short safe
    /// list unasked; may be repeated
    #[arg(long, short, global = true, value_name = "NAME[=VALUE]", help_heading = CONNECTION)]
    pub(crate) env: Vec<String>,
    /// A header for a server at a URL, sent with every request; may be repeated
    #[arg(long, global = true, value_name = "NAME: VALUE", help_heading = HTTP)]
    pub(crate) header: Vec<String>,
    /// The environment variable that holds a bearer token for a server at a URL; for one that is
    /// given by its URL, MCP_BEARER_TOKEN counts without being named
    #[arg(long, global = true, value_name = "VAR", help_heading = HTTP)]
    pub(crate) bearer_token_env: Option<String>,
    /// How to get tokens for a server at a URL that asks for them; MCP_CLIENT_ID and
    /// MCP_CLIENT_SECRET say which client this is, if the authorization server knows one
    #[arg(
        long,
        global = true,
        value_name = "HOW",
        value_enum,
        conflicts_with = "bearer_token_env",
        help_heading = HTTP
    )]
    pub(crate) authorize: Option<Way>,
    /// The authorization server that tokens come from, and no other
    #[arg(
        long,
        global = true,
        value_name = "URL",
        required_if_eq("authorize", "client"),
        requires = "authorize",
        help_heading = HTTP
    )]
    pub(crate) issuer: Option<String>,
    /// A scope to ask for besides those that the server wants; may be repeated
    #[arg(long, global = true, value_name = "SCOPE", requires = "authorize", help_heading = HTTP)]
    pub(crate) scope: Vec<String>,
    /// A file with certificates of authorities to trust besides those of the system, as PEM
    #[arg(long, global = true, value_name = "FILE", help_heading = HTTP)]
    pub(crate) root_certificate: Option<PathBuf>,
    /// A file with a certificate to show to servers that ask for one, as PEM; also with its key,
    /// unless --client-key names another file
    #[arg(long, global = true, value_name = "FILE", help_heading = HTTP)]
    pub(crate) client_certificate: Option<PathBuf>,
    /// The file with the key of the client certificate, as PEM
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        requires = "client_certificate",
        help_heading = HTTP
    )]
    pub(crate) client_key: Option<PathBuf>,
    /// The proxy to use instead of what the environment says (HTTPS_PROXY, HTTP_PROXY, NO_PROXY);
    /// `none` for no proxy
    #[arg(long, global = true, value_name = "URL", help_heading = HTTP)]
    pub(crate) proxy: Option<String>,
    /// The answer to forms of the server, as a JSON object, or `decline` or `cancel`; without it you
    /// are asked if this is a terminal, and the form is declined if it is not
    #[arg(long, global = true, value_name = "JSON", help_heading = CONNECTION)]
    pub(crate) answer: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what a server is and what it offers
    Discover(Server),
    /// List the tools
    Tools(Server),
    /// Call a tool
    Call(Call),
    /// List the resources
    Resources(Server),
    /// List the resource templates
    Templates(Server),
    /// Read a resource
    Read(Read),
    /// List the prompts
    Prompts(Server),
    /// Get a prompt
    Prompt(Prompt),
    /// Ask how an argument of a prompt or template can be completed
    Complete(Complete),
    /// Find out what a server does wrong, each finding with the page of the specification
    Check(Check),
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// Which server to talk to.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The name of a server from the configuration file, or a URL
    #[arg(value_name = "SERVER")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) program: Program,
}

/// A program to start.
#[derive(Debug, Args)]
pub(crate) struct Program {
    /// The server's program and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// A tool and its arguments.
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The tool
    pub(crate) tool: String,
    /// The arguments: a JSON object, @FILE, - for standard input, or NAME=VALUE and NAME:=JSON
    /// pairs; after them the name or URL of the server, unless a command follows
    #[arg(value_name = "ARGUMENTS|SERVER")]
    pub(crate) words: Vec<String>,
    /// Save an image, sound or other file of the result here
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) program: Program,
}

/// A server to check.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Call no tool; otherwise those are called that say that they change nothing and that need no
    /// arguments
    #[arg(long)]
    pub(crate) no_calls: bool,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// A resource.
#[derive(Debug, Args)]
pub(crate) struct Read {
    /// The resource
    pub(crate) uri: String,
    /// Save the content here, as it is
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// A prompt and its arguments.
#[derive(Debug, Args)]
pub(crate) struct Prompt {
    /// The prompt
    pub(crate) prompt: String,
    /// The arguments as NAME=VALUE pairs; after them the name or URL of the server, unless a command
    /// follows
    #[arg(value_name = "ARGUMENTS|SERVER")]
    pub(crate) words: Vec<String>,
    /// Save an image, sound or other file of the prompt here
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) program: Program,
}

/// An argument that is being typed.
#[derive(Debug, Args)]
pub(crate) struct Complete {
    /// The prompt, or the URI template of a resource
    #[arg(value_name = "PROMPT|TEMPLATE")]
    pub(crate) reference: String,
    /// The name of the argument or variable
    pub(crate) argument: String,
    /// What has been typed of its value
    pub(crate) text: String,
    /// An argument that is filled in already, as NAME=VALUE; may be repeated
    #[arg(long = "with", value_name = "NAME=VALUE")]
    pub(crate) filled: Vec<String>,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal that has some, and unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How to get tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// With your consent, in your browser
    Browser,
    /// With your consent, at an address that is written to standard error
    Link,
    /// As a program, with the secret in `MCP_CLIENT_SECRET` or the client certificate
    Client,
}

/// Which kind of MCP to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EraName {
    /// Whichever the server speaks
    Auto,
    /// 2025-11-25 and older
    Legacy,
    /// 2026-07-28 and newer
    Modern,
}

impl From<EraName> for EraChoice {
    fn from(name: EraName) -> Self {
        match name {
            EraName::Auto => Self::Auto,
            EraName::Legacy => Self::Legacy,
            EraName::Modern => Self::Modern,
        }
    }
}

impl Command {
    /// The words that say which server is meant.
    pub(crate) fn program(&self) -> Option<&Program> {
        Some(match self {
            Self::Discover(server)
            | Self::Tools(server)
            | Self::Resources(server)
            | Self::Templates(server)
            | Self::Prompts(server) => &server.program,
            Self::Check(check) => &check.server.program,
            Self::Call(call) => &call.program,
            Self::Read(read) => &read.server.program,
            Self::Prompt(prompt) => &prompt.program,
            Self::Complete(complete) => &complete.server.program,
            Self::Completions { .. } => return None,
        })
    }
}

const OUTPUT: &str = "Output";
const CONNECTION: &str = "Connection";
const HTTP: &str = "Servers at URLs";

const AFTER_HELP: &str = "\
A server is a command after `--`, a name from the configuration file, or a URL:

  mcp discover -- vidsrus-server --user ada
  mcp call search '{\"text\": \"nosferatu\"}' -- vidsrus-server
  mcp call search text=nosferatu limit=5 films
  mcp check --json -- ./my-server
  mcp discover https://vidsrus.example/mcp

Ctrl-C cancels what is running and ends the server with everything it started; a second one does not
wait for it.

Exit status: 0 done, 1 tool error, 2 usage, 3 profiles not agreed, 4 connection or time-out,
5 protocol error (also when `check` finds one), 130 interrupted, 143 terminated.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_and_after_the_command() {
        for line in [
            vec!["mcp", "--json", "tools", "--", "server", "--json"],
            vec!["mcp", "tools", "--json", "--timeout", "2m", "--", "server", "--json"],
        ] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert!(cli.options.json);
            let Command::Tools(server) = cli.command else { panic!() };
            assert_eq!(server.program.command, ["server", "--json"]);
        }
    }
}
