//! The commands, one module each.

mod call;
mod complete;
mod discover;
mod list;
mod prompts;
mod resources;
mod schema;
mod tools;

use std::cell::OnceCell;
use std::path::PathBuf;

use mcp_client::Client;

use crate::arguments::{self, Arguments};
use crate::check;
use crate::cli::Command;
use crate::failure::Failure;
use crate::report::Report;
use crate::session::Plan;
use complete::Typed;

/// What a command is to do, with everything read that the command line names.
#[derive(Debug)]
pub(crate) enum Errand {
    Discover,
    Tools,
    Call { tool: String, arguments: Arguments, output: Option<PathBuf> },
    Resources,
    Templates,
    Read { uri: String, output: Option<PathBuf> },
    Prompts,
    Prompt { prompt: String, arguments: Vec<(String, String)>, output: Option<PathBuf> },
    Complete(Typed),
    Check { calls: bool },
}

impl Errand {
    /// Reads a command, and which server is named by a word of it; nothing where the command needs
    /// no server.
    pub(crate) fn read(command: &Command) -> Result<Option<(Self, Option<String>)>, Failure> {
        Ok(Some(match command {
            Command::Discover(server) => (Self::Discover, server.name.clone()),
            Command::Tools(server) => (Self::Tools, server.name.clone()),
            Command::Call(call) => {
                let follows = !call.program.command.is_empty();
                let (arguments, server) = arguments::read(&call.words, follows)?;
                let (tool, output) = (call.tool.clone(), call.output.clone());
                (Self::Call { tool, arguments, output }, server)
            }
            Command::Resources(server) => (Self::Resources, server.name.clone()),
            Command::Templates(server) => (Self::Templates, server.name.clone()),
            Command::Read(read) => {
                let (uri, output) = (read.uri.clone(), read.output.clone());
                (Self::Read { uri, output }, read.server.name.clone())
            }
            Command::Prompts(server) => (Self::Prompts, server.name.clone()),
            Command::Prompt(prompt) => {
                let follows = !prompt.program.command.is_empty();
                let (arguments, server) = arguments::read(&prompt.words, follows)?;
                let arguments = arguments::texts(&arguments)?;
                let (prompt, output) = (prompt.prompt.clone(), prompt.output.clone());
                (Self::Prompt { prompt, arguments, output }, server)
            }
            Command::Complete(complete) => {
                let filled = complete.filled.iter().map(|word| arguments::pair(word));
                let filled = Arguments::Pairs(filled.collect::<Result<_, _>>()?);
                let typed = Typed {
                    reference: complete.reference.clone(),
                    argument: complete.argument.clone(),
                    text: complete.text.clone(),
                    filled: arguments::texts(&filled)?,
                };
                (Self::Complete(typed), complete.server.name.clone())
            }
            Command::Check(check) => {
                (Self::Check { calls: !check.no_calls }, check.server.name.clone())
            }
            Command::Completions { .. } => return Ok(None),
        }))
    }

    /// Whether the server is to say which profiles there are, even if none is asked for.
    pub(crate) fn shows_profiles(&self) -> bool {
        matches!(self, Self::Discover)
    }
}

/// Connects and does what is to be done.
pub(crate) async fn run(
    errand: &Errand,
    plan: Plan<'_>,
    slot: &OnceCell<Client>,
) -> Result<Report, Failure> {
    match errand {
        Errand::Discover => discover::run(&plan.connect(slot).await?).await,
        Errand::Tools => tools::run(&plan.connect(slot).await?).await,
        Errand::Call { tool, arguments, output } => {
            call::run(&plan.connect(slot).await?, tool, arguments, output.as_deref()).await
        }
        Errand::Resources => resources::list(&plan.connect(slot).await?).await,
        Errand::Templates => resources::templates(&plan.connect(slot).await?).await,
        Errand::Read { uri, output } => {
            resources::read(&plan.connect(slot).await?, uri, output.as_deref()).await
        }
        Errand::Prompts => prompts::list(&plan.connect(slot).await?).await,
        Errand::Prompt { prompt, arguments, output } => {
            prompts::get(&plan.connect(slot).await?, prompt, arguments, output.as_deref()).await
        }
        Errand::Complete(typed) => complete::run(&plan.connect(slot).await?, typed).await,
        Errand::Check { calls } => check::run(plan, *calls).await,
    }
}
