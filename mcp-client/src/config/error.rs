//! Why a configuration cannot be used.

use std::fmt;
use std::path::{Path, PathBuf};

use mcp_core::Error;

/// Why a configuration file, or one server in it, cannot be used.
///
/// The message is one line and names the file, the server and the key. It never shows the value of
/// a variable, an input or a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Box<Facts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    kind: ConfigErrorKind,
    file: Option<PathBuf>,
    server: Option<String>,
    key: Option<String>,
    problem: String,
}

/// What kind of problem a [`ConfigError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// A file cannot be read.
    Unreadable,
    /// A file is larger than [`Config::MOST_BYTES`](crate::config::Config::MOST_BYTES).
    TooLarge,
    /// The text is not JSON, comments and last commas apart.
    Syntax,
    /// The JSON is not what a list of servers looks like.
    Shape,
    /// A `${…}` names something that is not set, or is not known.
    Variable,
    /// An `${input:…}` has no value yet: ask the user, and load with
    /// [`ConfigLoader::input`](crate::config::ConfigLoader::input).
    Input,
    /// There is no server of that name.
    UnknownServer,
}

impl ConfigError {
    pub(super) fn new(kind: ConfigErrorKind, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self(Box::new(Facts { kind, file: None, server: None, key: None, problem }))
    }

    pub(super) fn in_file(mut self, file: Option<&Path>) -> Self {
        self.0.file = file.map(Path::to_owned);
        self
    }

    pub(super) fn of_server(mut self, server: &str) -> Self {
        self.0.server = Some(server.to_owned());
        self
    }

    pub(super) fn at_key(mut self, key: impl Into<String>) -> Self {
        self.0.key = Some(key.into());
        self
    }

    /// What kind of problem it is.
    pub fn kind(&self) -> ConfigErrorKind {
        self.0.kind
    }

    /// The file, if the configuration came from one.
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// The server that is concerned, if it is one.
    pub fn server(&self) -> Option<&str> {
        self.0.server.as_deref()
    }

    /// The key of the server's entry that is wrong, for instance `env.TOKEN`.
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts { file, server, key, problem, .. } = &*self.0;
        if let Some(file) = file {
            write!(f, "{}: ", file.display())?;
        }
        if let Some(server) = server {
            write!(f, "server `{}`: ", server.escape_debug())?;
        }
        if let Some(key) = key {
            write!(f, "`{}` ", key.escape_debug())?;
        }
        f.write_str(problem)
    }
}

impl std::error::Error for ConfigError {}

/// A configuration that cannot be used is an [`Error::Misuse`] with the same words.
impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Self::Misuse(error.to_string())
    }
}
