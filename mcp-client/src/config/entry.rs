//! One entry of a configuration file, read.
//!
//! Owns the keys of the hosts and what each may hold. Keys that nobody here knows are kept. It
//! reads no files but `envFile`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use mcp_core::session::client::EraChoice;
use serde_json::{Map, Value};

use super::error::{ConfigError, ConfigErrorKind};
use super::expand::Variables;
use super::server::{
    CommandEndpoint, Endpoint, ServerConfig, ToolFilter, UrlEndpoint, UrlTransport,
};
use super::{bounded_text, env_file};

/// Reads an entry; the error names the key, not yet the server.
pub(super) fn read(
    name: &str,
    keys: BTreeMap<String, Value>,
    variables: &Variables<'_>,
) -> Result<ServerConfig, ConfigError> {
    let mut keys = Keys(keys);
    let disabled = match (keys.flag("disabled")?, keys.flag("enabled")?) {
        (Some(disabled), _) => disabled,
        (None, enabled) => enabled == Some(false),
    };
    let expand = Expand(Some(variables).filter(|_| !disabled));
    let mut server = ServerConfig::new(name.to_owned(), endpoint(&mut keys, &expand)?);
    server.disabled = disabled;
    server.timeout = timeout(&mut keys)?;
    server.auto_approve = match keys.texts("autoApprove")? {
        Some(tools) => tools,
        None => keys.texts("alwaysAllow")?.unwrap_or_default(),
    };
    server.tools = tools(&mut keys)?;
    server.require_profiles = keys.texts("requireProfiles")?.unwrap_or_default();
    server.prefer_profiles = keys.texts("preferProfiles")?.unwrap_or_default();
    server.era = era(&mut keys)?;
    server.other = keys.0;
    Ok(server)
}

fn endpoint(keys: &mut Keys, expand: &Expand<'_>) -> Result<Endpoint, ConfigError> {
    let declared = declared(keys)?;
    let urls = [
        ("url", UrlTransport::Any),
        ("serverUrl", UrlTransport::Any),
        ("httpUrl", UrlTransport::StreamableHttp),
    ];
    let mut url = None;
    for (key, transport) in urls {
        // The first one counts, the others stay among the keys that are kept.
        if url.is_none() {
            url = keys.text(key)?.map(|text| (key, text, transport));
        }
    }
    let command = keys.0.remove("command");
    match (command, url, declared) {
        (Some(command), None, Declared::Nothing | Declared::Stdio)
        | (Some(command), Some(_), Declared::Stdio) => {
            CommandEntry::take(command, keys)?.read(expand).map(Endpoint::Command)
        }
        (None, Some((key, text, by_key)), Declared::Nothing) => {
            url_endpoint(key, &text, by_key, keys, expand).map(Endpoint::Url)
        }
        (_, Some((key, text, _)), Declared::Url(transport)) => {
            url_endpoint(key, &text, transport, keys, expand).map(Endpoint::Url)
        }
        (Some(_), Some((key, ..)), Declared::Nothing) => {
            Err(shape(key, "stands beside `command`: remove one of them, or say which with `type`"))
        }
        (None, _, Declared::Stdio) => {
            Err(shape("command", "is missing: it names the program of a server on stdio"))
        }
        (_, None, Declared::Url(_)) => {
            Err(shape("url", "is missing: it is the address of a server over HTTP"))
        }
        (None, None, Declared::Nothing) => Err(ConfigError::new(
            ConfigErrorKind::Shape,
            "there is neither `command` nor `url`: say how to reach the server",
        )),
    }
}

/// What an entry says that it is.
enum Declared {
    Nothing,
    Stdio,
    Url(UrlTransport),
}

fn declared(keys: &mut Keys) -> Result<Declared, ConfigError> {
    let (key, kind) = match keys.text("type")? {
        Some(kind) => ("type", Some(kind)),
        None => ("transport", keys.text("transport")?),
    };
    Ok(match kind.as_deref() {
        None => Declared::Nothing,
        Some("stdio" | "local") => Declared::Stdio,
        Some("http" | "streamable-http" | "streamableHttp" | "streamable_http") => {
            Declared::Url(UrlTransport::StreamableHttp)
        }
        Some("sse") => Declared::Url(UrlTransport::Sse),
        Some("remote") => Declared::Url(UrlTransport::Any),
        Some(other) => {
            let problem = format!(
                "is `{}`, expected `stdio`, `http`, `streamable-http` or `sse`",
                other.escape_debug()
            );
            return Err(shape(key, problem));
        }
    })
}

/// What an entry says about its program, in any of the forms.
struct CommandEntry {
    program: String,
    args: Vec<String>,
    env: Map<String, Value>,
    cwd: Option<String>,
    env_file: Option<String>,
}

impl CommandEntry {
    fn take(command: Value, keys: &mut Keys) -> Result<Self, ConfigError> {
        // Zed once wrote `{"path", "args", "env"}`, opencode writes program and arguments as a list.
        let (program, first, mut nested) = match command {
            Value::String(program) => (program, Vec::new(), Keys::default()),
            Value::Object(nested) => {
                let mut nested = Keys(nested.into_iter().collect());
                let program = nested.text("path")?;
                let program = program.ok_or_else(|| shape("command.path", "is missing"))?;
                (program, Vec::new(), nested)
            }
            list @ Value::Array(_) => {
                let mut list = texts("command", list)?.into_iter();
                (list.next().unwrap_or_default(), list.collect(), Keys::default())
            }
            other => return Err(expected("command", "a text", &other)),
        };
        if program.is_empty() {
            return Err(shape("command", "is empty: name a program"));
        }
        let mut args = first;
        for keys in [&mut *keys, &mut nested] {
            args.extend(keys.texts("args")?.unwrap_or_default());
        }
        let mut env = nested.object("env")?.unwrap_or_default();
        for key in ["environment", "env"] {
            env.extend(keys.object(key)?.unwrap_or_default());
        }
        Ok(Self { program, args, env, cwd: keys.text("cwd")?, env_file: keys.text("envFile")? })
    }

    fn read(self, expand: &Expand<'_>) -> Result<CommandEndpoint, ConfigError> {
        let program = expand.path("command", &self.program)?;
        let mut args = Vec::with_capacity(self.args.len());
        for (at, arg) in self.args.iter().enumerate() {
            args.push(expand.text(&format!("args[{at}]"), arg)?);
        }
        let mut env = BTreeMap::new();
        if let Some(file) = &self.env_file {
            for (name, value) in expand.env_file(file)? {
                env.insert(name, Some(value));
            }
        }
        for (name, value) in self.env {
            let key = format!("env.{name}");
            let value = match value {
                Value::Null => None,
                Value::String(text) => Some(expand.text(&key, &text)?),
                scalar @ (Value::Number(_) | Value::Bool(_)) => Some(scalar.to_string()),
                other => return Err(expected(&key, "a text", &other)),
            };
            env.insert(name, value);
        }
        let cwd = match &self.cwd {
            Some(cwd) => Some(expand.folder("cwd", cwd)?),
            None => None,
        };
        Ok(CommandEndpoint { program, args, env, cwd })
    }
}

fn url_endpoint(
    key: &str,
    text: &str,
    transport: UrlTransport,
    keys: &mut Keys,
    expand: &Expand<'_>,
) -> Result<UrlEndpoint, ConfigError> {
    let url = expand.text(key, text)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_address = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    let is_clean = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    if expand.0.is_some() && !(is_address && is_clean) {
        return Err(shape(key, "is not an address that begins with `https://` or `http://`"));
    }
    let mut headers = BTreeMap::new();
    for (name, value) in keys.object("headers")?.unwrap_or_default() {
        let key = format!("headers.{name}");
        let Value::String(value) = value else { return Err(expected(&key, "a text", &value)) };
        let value = expand.text(&key, &value)?;
        if name.is_empty() || (name.clone() + &value).contains(['\r', '\n', '\0']) {
            return Err(shape(&key, "is no header: name and value are one line of text"));
        }
        headers.insert(name, value);
    }
    Ok(UrlEndpoint { url, transport, headers })
}

/// A time limit. Hosts write it in seconds (Cline, Roo Code) or milliseconds (Gemini CLI, Kiro), at
/// most an hour: so up to 3,600 it is seconds, and above milliseconds.
fn timeout(keys: &mut Keys) -> Result<Option<Duration>, ConfigError> {
    const WHAT: &str = "a number of seconds above 0, or a text such as `90s` or `500ms`";
    let wrong = |value: &Value| Err(expected("timeout", WHAT, value));
    let Some(value) = keys.0.remove("timeout").filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let seconds = match &value {
        Value::Number(number) => match number.as_f64() {
            Some(seconds) if seconds <= 3600.0 => seconds,
            Some(milliseconds) => milliseconds / 1000.0,
            None => return wrong(&value),
        },
        Value::String(text) => {
            let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0)];
            let unit = units.iter().find_map(|(unit, length)| {
                Some(text.trim().strip_suffix(unit)?.trim_end().parse::<f64>().ok()? * length)
            });
            match unit {
                Some(seconds) => seconds,
                None => return wrong(&value),
            }
        }
        other => return wrong(other),
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(limit) if !limit.is_zero() => Ok(Some(limit)),
        _ => wrong(&value),
    }
}

fn tools(keys: &mut Keys) -> Result<ToolFilter, ConfigError> {
    let mut filter = ToolFilter::default();
    for key in ["disabledTools", "excludeTools"] {
        filter.without.extend(keys.texts(key)?.unwrap_or_default());
    }
    for key in ["includeTools", "enabledTools", "tools"] {
        // `tools` is also the name of other things: only a list of names is meant here.
        let listed = keys.0.get(key).is_some_and(|value| key != "tools" || is_texts(value));
        let Some(only) = listed.then(|| keys.texts(key)).transpose()?.flatten() else { continue };
        if !only.iter().any(|tool| tool == "*") {
            filter.only.get_or_insert_with(BTreeSet::new).extend(only);
        }
    }
    Ok(filter)
}

fn era(keys: &mut Keys) -> Result<EraChoice, ConfigError> {
    match keys.text("era")?.as_deref() {
        None | Some("auto") => Ok(EraChoice::Auto),
        Some("legacy") => Ok(EraChoice::Legacy),
        Some("modern") => Ok(EraChoice::Modern),
        Some(other) => {
            let problem =
                format!("is `{}`, expected `auto`, `legacy` or `modern`", other.escape_debug());
            Err(shape("era", problem))
        }
    }
}

/// Replaces `${…}`, unless the server is not used anyway.
struct Expand<'a>(Option<&'a Variables<'a>>);

impl Expand<'_> {
    fn text(&self, key: &str, text: &str) -> Result<String, ConfigError> {
        match self.0 {
            Some(variables) => variables.expand(text).map_err(|error| error.at_key(key)),
            None => Ok(text.to_owned()),
        }
    }

    fn path(&self, key: &str, text: &str) -> Result<PathBuf, ConfigError> {
        match self.0 {
            Some(variables) => variables.expand_path(text).map_err(|error| error.at_key(key)),
            None => Ok(PathBuf::from(text)),
        }
    }

    /// A path that, if relative, begins at the workspace folder.
    fn folder(&self, key: &str, text: &str) -> Result<PathBuf, ConfigError> {
        let path = self.path(key, text)?;
        Ok(self.0.map(|variables| variables.workspace.join(&path)).unwrap_or(path))
    }

    fn env_file(&self, text: &str) -> Result<Vec<(String, String)>, ConfigError> {
        if self.0.is_none() {
            return Ok(Vec::new());
        }
        let path = self.folder("envFile", text)?;
        let text = bounded_text(&path).map_err(|error| error.at_key("envFile"))?;
        env_file::parse(&text).map_err(|line| {
            let path = path.display();
            shape("envFile", format!("`{path}`, line {line}, is not of the form `NAME=value`"))
        })
    }
}

/// The keys of an entry that have not been read yet.
#[derive(Default)]
struct Keys(BTreeMap<String, Value>);

impl Keys {
    fn take(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key).filter(|value| !value.is_null())
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(expected(key, "a text", &other)),
        }
    }

    fn flag(&mut self, key: &str) -> Result<Option<bool>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(expected(key, "`true` or `false`", &other)),
        }
    }

    fn texts(&mut self, key: &str) -> Result<Option<Vec<String>>, ConfigError> {
        self.take(key).map(|value| texts(key, value)).transpose()
    }

    fn object(&mut self, key: &str) -> Result<Option<Map<String, Value>>, ConfigError> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(other) => Err(expected(key, "an object", &other)),
        }
    }
}

fn texts(key: &str, value: Value) -> Result<Vec<String>, ConfigError> {
    let Value::Array(items) = value else { return Err(expected(key, "a list of texts", &value)) };
    let mut texts = Vec::with_capacity(items.len());
    for (at, item) in items.into_iter().enumerate() {
        match item {
            Value::String(text) => texts.push(text),
            other => return Err(expected(&format!("{key}[{at}]"), "a text", &other)),
        }
    }
    Ok(texts)
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

fn shape(key: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError::new(ConfigErrorKind::Shape, problem).at_key(key)
}

fn expected(key: &str, what: &str, found: &Value) -> ConfigError {
    shape(key, format!("is {}, expected {what}", kind_of(found)))
}

/// What a value is, in words.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
