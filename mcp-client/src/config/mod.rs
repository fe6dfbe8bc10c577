//! Lists of servers, as hosts keep them in `mcpServers` files.
//!
//! Owns the forms of the common hosts and turns them into [`ServerConfig`]s. It starts nothing: a
//! [`ClientGroup`](crate::group::ClientGroup) does that.
//!
//! ```json
//! {
//!   // Comments and a comma after the last element are fine.
//!   "mcpServers": {
//!     "files": { "command": "mcp-files", "args": ["${workspaceFolder}"] },
//!     "films": {
//!       "command": "vidsrus-server",
//!       "env": { "VIDSRUS_KEY": "${VIDSRUS_KEY}" },
//!       "requireProfiles": ["https://vidsrus/mcp-profiles/premium"],
//!     },
//!   },
//! }
//! ```
//!
//! # Where the servers are looked for
//!
//! Under `mcpServers` (Claude Desktop, Claude Code, Cursor, Windsurf, Cline, Gemini CLI and most
//! others), `servers` (VS Code's `mcp.json`), `context_servers` (Zed) and `mcp.servers` (VS Code's
//! `settings.json`). A name that comes twice is an error of that server.
//!
//! # Keys of a server
//!
//! | Key | Meaning |
//! | --- | --- |
//! | `command`, `args` | the program; `command` may also be a list, or an object with `path`, `args` and `env` |
//! | `env`, `environment` | variables for the program; `null` withholds one |
//! | `envFile` | a file of such variables; `env` wins over it |
//! | `cwd` | the folder to start in; a relative one begins at the workspace folder |
//! | `url`, `serverUrl`, `httpUrl`, `headers` | a server over HTTP, see `ServerConfig::http` |
//! | `type`, `transport` | `stdio`, `http`, `streamable-http` or `sse`; found out where it is missing |
//! | `disabled`, `enabled` | whether the server is used |
//! | `timeout` | the longest silence of a call: a number up to 3,600 is seconds, a larger one milliseconds, because hosts differ; `"90s"` and `"500ms"` are clear |
//! | `disabledTools`, `excludeTools`, `includeTools`, `enabledTools`, `tools` | which tools are used |
//! | `autoApprove`, `alwaysAllow` | kept for hosts that ask before a call |
//! | `requireProfiles`, `preferProfiles` | profiles, for [`ClientBuilder::require`](crate::ClientBuilder::require) and [`prefer`](crate::ClientBuilder::prefer) |
//! | `era` | `auto`, `legacy` or `modern` |
//!
//! Everything else is kept in [`ServerConfig::other`].
//!
//! # Variables
//!
//! In `command`, `args`, the values of `env`, `cwd`, `envFile`, `url` and the values of `headers`:
//!
//! | Form | Stands for |
//! | --- | --- |
//! | `${NAME}`, `${env:NAME}` | a variable of the client's environment, which has to be set |
//! | `${NAME:-default}` | the same, or the default if it is not set or empty |
//! | `${workspaceFolder}`, `${workspaceFolderBasename}` | see [`ConfigLoader::workspace_folder`] |
//! | `${userHome}` | the user's folder; so does `~` at the beginning of `command`, `cwd` and `envFile` |
//! | `${pathSeparator}`, `${/}` | `/`, on Windows `\` |
//! | `${input:id}` | what the user was asked for, see [`Config::inputs`] |
//! | `$${` | `${` itself |
//!
//! `$NAME` without braces is left alone. What is put in is not expanded again and goes through no
//! shell. Something that is not set is an error of that server rather than an empty text or the
//! form itself, which would be sent to the server as if it were the key.

mod entry;
mod env_file;
mod error;
mod expand;
mod inputs;
mod jsonc;
mod server;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

pub use error::{ConfigError, ConfigErrorKind};
use expand::{Environment, Variables};
pub use inputs::Input;
pub use server::{CommandEndpoint, Endpoint, ServerConfig, ToolFilter, UrlEndpoint, UrlTransport};

/// A list of servers, by name.
///
/// A server whose entry is wrong costs the others nothing: it is among the
/// [`problems`](Self::problems) and not among the [`servers`](Self::servers).
///
/// # Examples
///
/// ```
/// use mcp_client::config::Config;
///
/// let config = Config::parse(r#"{ "mcpServers": {
///     "films": { "command": "vidsrus-server", "args": ["--catalogue", "films.json"] },
///     "notes": { "command": 7 }, // not a program
/// } }"#)?;
/// assert_eq!(config.servers().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["films"]);
/// let problem = config.problems().next().unwrap();
/// assert_eq!(problem.to_string(), "server `notes`: `command` is a number, expected a text");
/// # Ok::<(), mcp_client::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    file: Option<PathBuf>,
    servers: BTreeMap<String, Result<ServerConfig, ConfigError>>,
    inputs: Vec<Input>,
}

impl Config {
    /// The largest file that is read, in bytes: 1 MiB.
    pub const MOST_BYTES: usize = 1024 * 1024;

    /// A list without servers, for [`with`](Self::with).
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file, with the process's environment for its variables.
    ///
    /// It blocks for as long as reading a small file takes.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is larger than [`MOST_BYTES`](Self::MOST_BYTES), is not JSON
    /// or has no list of servers. What is wrong with a single server is no error here: see
    /// [`problems`](Self::problems).
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::loader().from_file(path)
    }

    /// Reads a text, with the process's environment for its variables.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file).
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        Self::loader().parse(text)
    }

    /// Reads with other values for variables.
    pub fn loader() -> ConfigLoader {
        ConfigLoader::default()
    }

    /// Adds a server, or replaces the one of the same name.
    #[must_use]
    pub fn with(mut self, server: ServerConfig) -> Self {
        self.servers.insert(server.name.clone(), Ok(server));
        self
    }

    /// The servers, ordered by name, disabled ones among them.
    pub fn servers(&self) -> impl Iterator<Item = &ServerConfig> {
        self.servers.values().filter_map(|server| server.as_ref().ok())
    }

    /// One server.
    ///
    /// # Errors
    ///
    /// When there is none of this name, with the names there are; or when its entry is wrong.
    pub fn server(&self, name: &str) -> Result<&ServerConfig, ConfigError> {
        match self.servers.get(name) {
            Some(Ok(server)) => Ok(server),
            Some(Err(problem)) => Err(problem.clone()),
            None => {
                let names: Vec<_> =
                    self.servers.keys().map(|name| format!("`{}`", name.escape_debug())).collect();
                let problem = match names.is_empty() {
                    true => "is not there: no server is configured".to_owned(),
                    false => format!("is not there: there are {}", names.join(", ")),
                };
                let error = ConfigError::new(ConfigErrorKind::UnknownServer, problem);
                Err(error.in_file(self.file.as_deref()).of_server(name))
            }
        }
    }

    /// What is wrong with servers that cannot be used, ordered by name.
    pub fn problems(&self) -> impl Iterator<Item = &ConfigError> {
        self.servers.values().filter_map(|server| server.as_ref().err())
    }

    /// The servers and what is wrong with them, by name.
    pub(crate) fn into_entries(self) -> BTreeMap<String, Result<ServerConfig, ConfigError>> {
        self.servers
    }

    /// What the configuration wants to be asked of the user.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }
}

/// Reads configurations; made by [`Config::loader`].
///
/// # Examples
///
/// ```
/// use mcp_client::config::Config;
///
/// let text = r#"{
///     "inputs": [{ "type": "promptString", "id": "key", "description": "your key", "password": true }],
///     "servers": { "films": { "command": "vidsrus-server", "env": { "KEY": "${input:key}" } } }
/// }"#;
/// let asks = Config::parse(text)?;
/// assert_eq!(asks.inputs()[0].description.as_deref(), Some("your key"));
/// let config = Config::loader().input("key", "typed by the user").parse(text)?;
/// assert_eq!(config.problems().count(), 0);
/// # Ok::<(), mcp_client::config::ConfigError>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "nothing is read before `from_file` or `parse`"]
pub struct ConfigLoader {
    environment: Environment,
    workspace: Option<PathBuf>,
    given: Given,
}

/// What the user typed; not shown.
#[derive(Default)]
struct Given(BTreeMap<String, String>);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl ConfigLoader {
    /// Sets what `${workspaceFolder}` is, and where relative `cwd`s begin.
    ///
    /// Unless given it is the folder of the file; if that one's name begins with a dot (`.vscode`,
    /// `.cursor`), the folder around it. For a text it is the client's own folder.
    pub fn workspace_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.workspace = Some(folder.into());
        self
    }

    /// Gives the value of an `${input:id}`.
    pub fn input(mut self, id: impl Into<String>, value: impl Into<String>) -> Self {
        self.given.0.insert(id.into(), value.into());
        self
    }

    /// Looks variables up here instead of in the process's environment.
    ///
    /// `HOME` (or `USERPROFILE`) is asked for, too, for `~` and `${userHome}`.
    pub fn environment(
        mut self,
        look_up: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.environment = Environment(Box::new(look_up));
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// As [`Config::from_file`].
    pub fn from_file(mut self, path: impl AsRef<Path>) -> Result<Config, ConfigError> {
        let path = path.as_ref();
        let text = bounded_text(path).map_err(|error| error.in_file(Some(path)))?;
        if self.workspace.is_none() {
            self.workspace = workspace_of(path);
        }
        self.read(&text, Some(path))
    }

    /// Reads a text.
    ///
    /// # Errors
    ///
    /// As [`Config::from_file`].
    pub fn parse(self, text: &str) -> Result<Config, ConfigError> {
        if text.len() > Config::MOST_BYTES {
            return Err(too_large());
        }
        self.read(text, None)
    }

    fn read(self, text: &str, file: Option<&Path>) -> Result<Config, ConfigError> {
        let text = jsonc::plain(text);
        let file_error = |error: ConfigError| error.in_file(file);
        let whole: &RawValue = serde_json::from_str(&text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            let problem = format!("line {line}, column {column} is not JSON: {said}");
            file_error(ConfigError::new(ConfigErrorKind::Syntax, problem))
        })?;
        let (entries, inputs) = sections(whole).map_err(file_error)?;
        let here = || std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let workspace = self.workspace.unwrap_or_else(here);
        let variables = Variables {
            environment: &self.environment,
            workspace: &workspace,
            inputs: &inputs,
            given: &self.given.0,
        };
        let mut servers = BTreeMap::new();
        for (name, raw) in entries {
            let read = match servers.contains_key(&name) {
                true => Err(ConfigError::new(
                    ConfigErrorKind::Shape,
                    "comes twice: remove one of the two, or give it another name",
                )),
                false => keys_of(raw).and_then(|keys| entry::read(&name, keys, &variables)),
            };
            let read = read.map_err(|error| error.in_file(file).of_server(&name));
            servers.insert(name, read);
        }
        Ok(Config { file: file.map(Path::to_owned), servers, inputs })
    }
}

type Sections<'a> = (Vec<(String, &'a RawValue)>, Vec<Input>);

/// All entries of servers, and what the user is asked for.
fn sections(whole: &RawValue) -> Result<Sections<'_>, ConfigError> {
    let shape = |problem: &str| ConfigError::new(ConfigErrorKind::Shape, problem);
    let members = members(whole).ok_or_else(|| shape("the file is not a JSON object"))?;
    let (mut found, mut entries, mut inputs) = (false, Vec::new(), Vec::new());
    for (key, raw) in members {
        let list = match &*key {
            "mcpServers" | "servers" | "context_servers" => Some(raw),
            "inputs" => {
                inputs = Input::read_list(&value(raw).unwrap_or_default());
                None
            }
            "mcp" => {
                let nested = self::members(raw).unwrap_or_default().into_iter();
                let mut list = None;
                for (key, raw) in nested {
                    match &*key {
                        "servers" => list = Some(raw),
                        "inputs" => inputs = Input::read_list(&value(raw).unwrap_or_default()),
                        _ => {}
                    }
                }
                list
            }
            _ => None,
        };
        let Some(list) = list else { continue };
        found = true;
        let list = self::members(list);
        let list = list.ok_or_else(|| shape("is not an object of servers").at_key(key))?;
        entries.extend(list);
    }
    match found {
        true => Ok((entries, inputs)),
        false => Err(shape("there is no `mcpServers` with a list of servers")),
    }
}

/// The keys of one entry.
fn keys_of(raw: &RawValue) -> Result<BTreeMap<String, Value>, ConfigError> {
    let shape = |problem: String| ConfigError::new(ConfigErrorKind::Shape, problem);
    let Some(members) = members(raw) else {
        let kind = value(raw).map_or("not readable", |value| entry::kind_of(&value));
        return Err(shape(format!("the entry is {kind}, expected an object")));
    };
    let mut keys = BTreeMap::new();
    for (key, raw) in members {
        let value = value(raw).map_err(|problem| {
            let problem = problem.to_string();
            let problem = problem.split(" at line ").next().unwrap_or_default();
            shape(format!("cannot be read: {problem}")).at_key(&key)
        })?;
        if keys.insert(key.clone(), value).is_some() {
            return Err(shape("comes twice: remove one of the two".to_owned()).at_key(key));
        }
    }
    Ok(keys)
}

/// A part of a text whose syntax was checked before: only a number too large or too deep a nesting
/// can be wrong with it.
fn value(raw: &RawValue) -> Result<Value, serde_json::Error> {
    serde_json::from_str(raw.get())
}

/// The members of an object, in their order and with those that come twice; `None` for anything
/// else.
fn members(raw: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    struct Members<'a>(Vec<(String, &'a RawValue)>);

    impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct MembersVisitor;
            impl<'de> Visitor<'de> for MembersVisitor {
                type Value = Members<'de>;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: MapAccess<'de>>(
                    self,
                    mut map: A,
                ) -> Result<Members<'de>, A::Error> {
                    let mut members = Vec::new();
                    while let Some(member) = map.next_entry()? {
                        members.push(member);
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(MembersVisitor)
        }
    }

    serde_json::from_str::<Members<'_>>(raw.get()).ok().map(|members| members.0)
}

/// The text of a file, up to the bound.
fn bounded_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |problem: String| ConfigError::new(ConfigErrorKind::Unreadable, problem);
    let file = File::open(path).map_err(|error| unreadable(cannot_read(path, &error)))?;
    let mut text = String::new();
    let most = Config::MOST_BYTES as u64 + 1;
    match file.take(most).read_to_string(&mut text) {
        Ok(read) if read > Config::MOST_BYTES => Err(too_large()),
        Ok(_) => Ok(text),
        Err(error) => Err(unreadable(cannot_read(path, &error))),
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> String {
    format!("`{}` cannot be read: {error}", path.display())
}

fn too_large() -> ConfigError {
    let problem =
        format!("is larger than {} bytes, which no list of servers is", Config::MOST_BYTES);
    ConfigError::new(ConfigErrorKind::TooLarge, problem)
}

/// The folder that a configuration file is about.
fn workspace_of(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.parent()?;
    let hidden = folder.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    match (hidden, folder.parent()) {
        (true, Some(around)) => Some(around.to_owned()),
        _ => Some(folder.to_owned()),
    }
}

#[cfg(test)]
mod tests;
