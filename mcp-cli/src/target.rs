//! Which server is meant: a command, a URL or a name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mcp_client::config::{ConfigErrorKind, ConfigLoader, Endpoint};
use mcp_client::{ChildProcess, Config, ConfigError, ServerConfig};

use crate::cli::Options;
use crate::failure::Failure;

/// A server, and what its entry in a configuration file says besides how to start it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) server: ChildProcess,
    pub(crate) config: Option<ServerConfig>,
}

/// Finds the server that the command line names.
pub(crate) fn find(
    name: Option<&str>,
    command: &[OsString],
    options: &Options,
) -> Result<Target, Failure> {
    let usage = |what: String| Err(Failure::Usage(what));
    let (server, config) = match (name, command) {
        (None, [program, arguments @ ..]) => (ChildProcess::new(program).args(arguments), None),
        (Some(name), []) if is_url(name) => return usage(no_http(name)),
        (Some(name), []) => {
            let config = named(name, options)?;
            let server = match &config.endpoint {
                Endpoint::Url(url) => return usage(no_http(&url.url)),
                _ => config.child_process().map_err(wrong)?,
            };
            (server, Some(config))
        }
        (Some(name), _) => {
            return usage(format!(
                "`{name}` names a server, and a command follows: give only one of them"
            ));
        }
        (None, []) => {
            return usage(
                "no server is given: add its command after `--`, or its name in a configuration \
                 file"
                    .to_owned(),
            );
        }
    };
    let server = with_environment(server, &options.env).end_within(PATIENCE, PATIENCE);
    Ok(Target { server, config })
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

/// The server of this name in the configuration file, or in the first of the usual ones that has
/// it.
fn named(name: &str, options: &Options) -> Result<ServerConfig, Failure> {
    let mut inputs = Vec::new();
    for input in &options.input {
        let Some((id, value)) = input.split_once('=') else {
            return Err(Failure::Usage(format!("`{input}` is no input: write ID=VALUE")));
        };
        inputs.push((id, value));
    }
    let load = |file: &Path| {
        let with = |loader: ConfigLoader, (id, value): &(&str, &str)| loader.input(*id, *value);
        inputs.iter().fold(Config::loader(), with).from_file(file)
    };
    if let Some(file) = &options.config {
        return usable(load(file).map_err(wrong)?.server(name).map_err(wrong)?);
    }
    let mut unknown = None;
    for file in usual_files().iter().filter(|file| file.is_file()) {
        match load(file).map_err(wrong)?.server(name) {
            Ok(server) => return usable(server),
            Err(error) if error.kind() == ConfigErrorKind::UnknownServer => {
                unknown.get_or_insert(error);
            }
            Err(error) => return Err(wrong(error)),
        }
    }
    Err(match unknown {
        Some(error) => wrong(error),
        None => Failure::Usage(format!(
            "`{name}` would be the name of a server, but there is no configuration file: name one \
             with --config, or give the server's command after `--`"
        )),
    })
}

fn usable(server: &ServerConfig) -> Result<ServerConfig, Failure> {
    match server.disabled {
        true => Err(Failure::Usage(format!(
            "server `{}` is disabled in the configuration file: enable it there",
            server.name
        ))),
        false => Ok(server.clone()),
    }
}

/// Where hosts keep their configuration files.
fn usual_files() -> Vec<PathBuf> {
    let here = ["mcp.json", ".mcp.json", ".cursor/mcp.json", ".vscode/mcp.json"];
    let folder =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let user = folder("XDG_CONFIG_HOME")
        .or_else(|| Some(folder("HOME")?.join(".config")))
        .or_else(|| folder("APPDATA"));
    let user = user.map(|folder| folder.join("mcp").join("mcp.json"));
    here.iter().map(PathBuf::from).chain(user).collect()
}

fn no_http(url: &str) -> String {
    format!(
        "`{url}` is a URL, and HTTP comes with the next release: give the server's command after \
         `--`, or its name in a configuration file"
    )
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn wrong(error: ConfigError) -> Failure {
    Failure::Usage(error.to_string())
}

/// How long a server may take to end when its input is closed, and again after SIGTERM: together
/// less than the two seconds in which an interrupted command has to be gone.
const PATIENCE: Duration = Duration::from_millis(800);
