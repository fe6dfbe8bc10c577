//! Which server is meant: a command, a URL or a name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mcp_client::auth::ClientCertificate;
use mcp_client::config::{ConfigErrorKind, ConfigLoader, Endpoint};
use mcp_client::{ChildProcess, Config, ConfigError, Http, ServerConfig};

use crate::authorize::authorized;
use crate::cli::Options;
use crate::failure::Failure;

/// A server, and what its entry in a configuration file says besides how to reach it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) server: Place,
    pub(crate) config: Option<ServerConfig>,
}

/// Where a server is.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A program to start.
    Program(Box<ChildProcess>),
    /// A server that runs already.
    Url(Box<Http>),
}

/// Finds the server that the command line names.
pub(crate) fn find(
    name: Option<&str>,
    command: &[OsString],
    options: &Options,
) -> Result<Target, Failure> {
    match (name, command) {
        (None, [program, arguments @ ..]) => {
            let server = program_at(ChildProcess::new(program).args(arguments), options)?;
            Ok(Target { server, config: None })
        }
        (Some(url), []) if is_url(url) => {
            let mut http = Http::new(url)?;
            if options.bearer_token_env.is_none()
                && options.authorize.is_none()
                && let Ok(token) = std::env::var(BEARER_TOKEN)
                && !token.is_empty()
            {
                http = http.bearer_token(token);
            }
            Ok(Target { server: url_at(http, options)?, config: None })
        }
        (Some(name), []) => {
            let config = named(name, options)?;
            let server = match &config.endpoint {
                Endpoint::Url(_) => url_at(config.http().map_err(wrong)?, options)?,
                _ => program_at(config.child_process().map_err(wrong)?, options)?,
            };
            Ok(Target { server, config: Some(config) })
        }
        (Some(name), _) => Err(Failure::Usage(format!(
            "`{name}` names a server, and a command follows: give only one of them"
        ))),
        (None, []) => Err(Failure::Usage(
            "no server is given: add its command after `--`, its URL, or its name in a \
             configuration file"
                .to_owned(),
        )),
    }
}

/// A program with its environment.
fn program_at(program: ChildProcess, options: &Options) -> Result<Place, Failure> {
    let Options { header, bearer_token_env, authorize, .. } = options;
    let Options { root_certificate, client_certificate, proxy, .. } = options;
    let given = [
        ("--header", !header.is_empty()),
        ("--bearer-token-env", bearer_token_env.is_some()),
        ("--authorize", authorize.is_some()),
        ("--root-certificate", root_certificate.is_some()),
        ("--client-certificate", client_certificate.is_some()),
        ("--proxy", proxy.is_some()),
    ];
    if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
        let what = format!("{option} is for servers at URLs, and this one is a program");
        return Err(Failure::Usage(what));
    }
    let program = with_environment(program, &options.env).end_within(PATIENCE, PATIENCE);
    Ok(Place::Program(Box::new(program)))
}

/// A URL with everything that the command line says about connections.
fn url_at(mut http: Http, options: &Options) -> Result<Place, Failure> {
    if !options.env.is_empty() {
        let what = "--env is for servers that are programs, and this one is at a URL".to_owned();
        return Err(Failure::Usage(what));
    }
    for header in &options.header {
        let Some((name, value)) = header.split_once(':') else {
            let what = "--header has no colon: write it as 'NAME: VALUE'".to_owned();
            return Err(Failure::Usage(what));
        };
        http = http.header(name.trim(), value.trim());
    }
    if let Some(variable) = &options.bearer_token_env {
        http = match std::env::var(variable) {
            Ok(token) if !token.is_empty() => http.bearer_token(token),
            _ => {
                let what = format!("--bearer-token-env: `{variable}` is not set, or is no text");
                return Err(Failure::Usage(what));
            }
        };
    }
    let roots = options.root_certificate.as_deref().map(read).transpose()?;
    if let Some(roots) = &roots {
        http = http.root_certificate_pem(roots);
    }
    let certificate = client_certificate(options)?;
    if let Some(certificate) = &certificate {
        http = http.client_certificate(Arc::clone(certificate));
    }
    http = authorized(http, options, roots.as_deref(), certificate.as_ref())?;
    http = match options.proxy.as_deref() {
        Some("none") => http.no_proxy(),
        Some(proxy) => http.proxy(proxy),
        None => http,
    };
    Ok(Place::Url(Box::new(http)))
}

/// The certificate that the command line names, with its key.
fn client_certificate(options: &Options) -> Result<Option<Arc<ClientCertificate>>, Failure> {
    let Some(file) = &options.client_certificate else { return Ok(None) };
    let chain = read(file)?;
    let key = match &options.client_key {
        Some(file) => read(file)?,
        None => chain.clone(),
    };
    let certificate = ClientCertificate::from_pem(chain, key);
    let certificate = certificate.map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Some(Arc::new(certificate)))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file)
        .map_err(|error| Failure::Usage(format!("`{}` cannot be read: {error}", file.display())))
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
             with --config, or give the server's URL, or its command after `--`"
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

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn wrong(error: ConfigError) -> Failure {
    Failure::Usage(error.to_string())
}

/// How long a server may take to end when its input is closed, and again after SIGTERM: together
/// less than the two seconds in which an interrupted command has to be gone.
const PATIENCE: Duration = Duration::from_millis(800);
/// The variable whose token goes to a server that is given by its URL.
const BEARER_TOKEN: &str = "MCP_BEARER_TOKEN";
