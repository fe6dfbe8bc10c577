//! One server of a configuration: where it is and under which conditions it is used.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use mcp_core::session::client::EraChoice;
use serde_json::Value;

use super::error::{ConfigError, ConfigErrorKind};
use crate::builder::ClientBuilder;
use crate::transport::ChildProcess;
#[cfg(feature = "http")]
use crate::transport::Http;

/// One server of a configuration, with every `${…}` replaced.
///
/// Its `Debug` output shows no values of variables, arguments or headers, which are often secret.
///
/// # Examples
///
/// ```
/// use mcp_client::config::ServerConfig;
///
/// let mut server = ServerConfig::command("films", "vidsrus-server");
/// server.require_profiles.push("https://vidsrus/mcp-profiles/premium".to_owned());
/// assert!(server.child_process().is_ok());
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Its name within the configuration.
    pub name: String,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Whether it is not to be used for now: `disabled`, or `enabled` the other way round.
    ///
    /// The `${…}` of such a server are not replaced.
    pub disabled: bool,
    /// How long a call may wait for its answer or the next progress: `timeout`.
    pub timeout: Option<Duration>,
    /// The tools that the user wants to be called without being asked: `autoApprove` or
    /// `alwaysAllow`. Nothing in this crate asks; it is for hosts that do.
    pub auto_approve: Vec<String>,
    /// Which of its tools are used.
    pub tools: ToolFilter,
    /// Profiles without each of which the server is not used: `requireProfiles`.
    pub require_profiles: Vec<String>,
    /// Profiles that are asked for and may be missing: `preferProfiles`.
    pub prefer_profiles: Vec<String>,
    /// Which era to try: `era`, one of `auto`, `legacy` and `modern`.
    pub era: EraChoice,
    /// What else the entry says, under the keys of the file and as it stands there.
    pub other: BTreeMap<String, Value>,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Endpoint {
    /// A program that is started and spoken to over its standard streams.
    Command(CommandEndpoint),
    /// A server that runs already and is reached over HTTP.
    Url(UrlEndpoint),
}

/// A program that is started.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CommandEndpoint {
    /// The program, a bare name or a path.
    pub program: PathBuf,
    /// Its arguments; no shell reads them.
    pub args: Vec<String>,
    /// Variables of its environment, besides those of `env_file`; `None` withholds one.
    pub env: BTreeMap<String, Option<String>>,
    /// The folder that it starts in; absent means the client's own.
    pub cwd: Option<PathBuf>,
}

/// A server reached over HTTP.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UrlEndpoint {
    /// The address of its MCP endpoint.
    pub url: String,
    /// The HTTP transport to speak.
    pub transport: UrlTransport,
    /// Headers to send with every request.
    pub headers: BTreeMap<String, String>,
}

/// Which HTTP transport a server speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlTransport {
    /// The file does not say.
    #[default]
    Any,
    /// Streamable HTTP, of 2025-03-26 and later.
    StreamableHttp,
    /// HTTP with SSE, of 2024-11-05.
    Sse,
}

/// Which tools of a server are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ToolFilter {
    /// Only these, if given: `includeTools`, `enabledTools` or `tools`.
    pub only: Option<BTreeSet<String>>,
    /// Not these: `disabledTools` or `excludeTools`.
    pub without: BTreeSet<String>,
}

impl ServerConfig {
    /// A server that is a program, without arguments, to be used.
    pub fn command(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        let command = CommandEndpoint { program: program.into(), ..CommandEndpoint::default() };
        Self::new(name.into(), Endpoint::Command(command))
    }

    pub(super) fn new(name: String, endpoint: Endpoint) -> Self {
        Self {
            name,
            endpoint,
            disabled: false,
            timeout: None,
            auto_approve: Vec::new(),
            tools: ToolFilter::default(),
            require_profiles: Vec::new(),
            prefer_profiles: Vec::new(),
            era: EraChoice::Auto,
            other: BTreeMap::new(),
        }
    }

    /// How to start the server, where it is a program.
    ///
    /// Besides the variables of the entry it gets the short list
    /// [`INHERITED`](crate::transport::child_process::INHERITED), not the client's whole
    /// environment.
    ///
    /// # Errors
    ///
    /// When the server is at a URL.
    pub fn child_process(&self) -> Result<ChildProcess, ConfigError> {
        match &self.endpoint {
            Endpoint::Command(command) => Ok(command.child_process()),
            Endpoint::Url(_) => {
                Err(self.elsewhere("is at a URL and not a program: connect to it over HTTP"))
            }
        }
    }

    /// How to reach the server, where it is at a URL, with the headers of the entry.
    ///
    /// `Accept` and `Content-Type`, which many entries hold, are left to the transport.
    ///
    /// # Errors
    ///
    /// When the server is a program, or its address cannot be used.
    #[cfg(feature = "http")]
    pub fn http(&self) -> Result<Http, ConfigError> {
        match &self.endpoint {
            Endpoint::Url(url) => url.http().map_err(|problem| self.elsewhere(problem)),
            Endpoint::Command(_) => {
                Err(self.elsewhere("is a program and not at a URL: start it as a child process"))
            }
        }
    }

    fn elsewhere(&self, problem: impl Into<String>) -> ConfigError {
        ConfigError::new(ConfigErrorKind::Shape, problem).of_server(&self.name)
    }

    /// Describes a client as the entry wants it: profiles, era and time limit.
    ///
    /// A server of the transport `sse` is a legacy one, so that nothing else is tried with it.
    pub fn client(&self, mut builder: ClientBuilder) -> ClientBuilder {
        for profile in &self.require_profiles {
            builder = builder.require(profile);
        }
        for profile in &self.prefer_profiles {
            builder = builder.prefer(profile);
        }
        if let Some(timeout) = self.timeout {
            builder = builder.idle_timeout(timeout);
        }
        let sse =
            matches!(&self.endpoint, Endpoint::Url(url) if url.transport == UrlTransport::Sse);
        match self.era {
            EraChoice::Auto if sse => builder.era(EraChoice::Legacy),
            EraChoice::Auto => builder,
            era => builder.era(era),
        }
    }
}

#[cfg(feature = "http")]
impl UrlEndpoint {
    fn http(&self) -> Result<Http, String> {
        let mut http = Http::new(&self.url).map_err(|error| error.to_string())?;
        for (name, value) in &self.headers {
            let own = ["accept", "content-type"];
            if !own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                http = http.header(name, value);
            }
        }
        Ok(http)
    }
}

impl CommandEndpoint {
    fn child_process(&self) -> ChildProcess {
        let mut process = ChildProcess::new(&self.program).args(&self.args);
        for (name, value) in &self.env {
            process = match value {
                Some(value) => process.env(name, value),
                None => process.env_remove(name),
            };
        }
        match &self.cwd {
            Some(cwd) => process.current_dir(cwd),
            None => process,
        }
    }
}

impl ToolFilter {
    /// All tools are used.
    pub const ALL: Self = Self { only: None, without: BTreeSet::new() };

    /// Whether a tool is used, by the name that its server gives it.
    pub fn allows(&self, tool: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(tool)) && !self.without.contains(tool)
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerConfig")
            .field("name", &self.name)
            .field("endpoint", &self.endpoint)
            .field("disabled", &self.disabled)
            .field("timeout", &self.timeout)
            .field("tools", &self.tools)
            .field("require_profiles", &self.require_profiles)
            .field("prefer_profiles", &self.prefer_profiles)
            .field("era", &self.era)
            .field("other", &self.other.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CommandEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandEndpoint")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("cwd", &self.cwd)
            .finish()
    }
}

impl fmt::Debug for UrlEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // User information and query may hold keys.
        let address = self.url.split(['?', '#']).next().unwrap_or_default();
        let (scheme, rest) = address.split_once("://").unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        f.debug_struct("UrlEndpoint")
            .field("url", &format_args!("{scheme}://{host}{path}"))
            .field("transport", &self.transport)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}
