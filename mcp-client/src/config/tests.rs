use std::collections::BTreeSet;
use std::time::Duration;

use mcp_core::session::client::EraChoice;
use serde_json::json;

use super::*;

fn loader() -> ConfigLoader {
    Config::loader().workspace_folder("/srv/work").environment(|name| match name {
        "HOME" => Some("/home/ann".to_owned()),
        "FILMS_KEY" => Some("s3cret".to_owned()),
        _ => None,
    })
}

/// The only server of a text.
fn one(text: &str) -> ServerConfig {
    let config = loader().parse(text).unwrap();
    assert_eq!(config.problems().collect::<Vec<_>>(), Vec::<&ConfigError>::new());
    config.servers().next().unwrap().clone()
}

/// The entry of a server as the only one of a text.
fn entry(entry: &str) -> Result<ServerConfig, ConfigError> {
    let text = format!(r#"{{ "mcpServers": {{ "films": {entry} }} }}"#);
    loader().parse(&text).unwrap().server("films").cloned()
}

fn command(server: &ServerConfig) -> &CommandEndpoint {
    match &server.endpoint {
        Endpoint::Command(command) => command,
        Endpoint::Url(_) => panic!("{server:?}"),
    }
}

fn url(server: &ServerConfig) -> &UrlEndpoint {
    match &server.endpoint {
        Endpoint::Url(url) => url,
        Endpoint::Command(_) => panic!("{server:?}"),
    }
}

fn env(server: &ServerConfig) -> Vec<(&str, Option<&str>)> {
    command(server).env.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect()
}

#[test]
fn claude_desktop() {
    let server = one(r#"{ "globalShortcut": "", "mcpServers": { "films": {
        "command": "npx", "args": ["-y", "films-server", "/srv/films"], "env": { "PLAN": "paid" } } } }"#);
    assert_eq!(command(&server).program, Path::new("npx"));
    assert_eq!(command(&server).args, ["-y", "films-server", "/srv/films"]);
    assert_eq!(env(&server), [("PLAN", Some("paid"))]);
    assert!(!server.disabled && server.other.is_empty());
}

#[test]
fn claude_code() {
    let config = loader().parse(
        r#"{ "mcpServers": {
        "films": { "type": "stdio", "command": "${BIN:-/opt/films}/server", "env": { "KEY": "${FILMS_KEY}" } },
        "news": { "type": "http", "url": "https://${HOST:-news.example}/mcp",
                  "headers": { "Authorization": "Bearer ${FILMS_KEY}" } },
        "old": { "type": "sse", "url": "https://old.example/sse" } } }"#,
    );
    let config = config.unwrap();
    let films = config.server("films").unwrap();
    assert_eq!(command(films).program, Path::new("/opt/films/server"));
    assert_eq!(env(films), [("KEY", Some("s3cret"))]);
    let news = url(config.server("news").unwrap());
    assert_eq!(
        (news.url.as_str(), news.transport),
        ("https://news.example/mcp", UrlTransport::StreamableHttp)
    );
    assert_eq!(news.headers["Authorization"], "Bearer s3cret");
    assert_eq!(url(config.server("old").unwrap()).transport, UrlTransport::Sse);
}

#[test]
fn cursor() {
    let server = one(r#"{ "mcpServers": { "films": { "command": "${workspaceFolder}/bin/films",
        "args": ["--home", "${userHome}", "${workspaceFolderBasename}"],
        "env": { "KEY": "${env:FILMS_KEY}" } } } }"#);
    assert_eq!(command(&server).program, Path::new("/srv/work/bin/films"));
    assert_eq!(command(&server).args, ["--home", "/home/ann", "work"]);
    assert_eq!(env(&server), [("KEY", Some("s3cret"))]);
}

#[test]
fn vs_code() {
    let text = r#"{
        // Asked for once.
        "inputs": [{ "type": "promptString", "id": "key", "description": "Key", "password": true },
                   { "type": "pickString", "id": "region", "options": ["eu", { "label": "US", "value": "us" }], "default": "eu" },],
        "servers": { /* one */ "films": { "type": "stdio", "command": "films", "cwd": "sub",
            "env": { "KEY": "${input:key}", "REGION": "${input:region}", "PORT": 8080, "DEBUG": null }, }, },
    }"#;
    let asks = loader().parse(text).unwrap();
    let [key, region] = asks.inputs() else { panic!() };
    assert!(key.password && key.options.is_empty() && !region.password);
    assert_eq!(region.options, ["eu", "us"]);
    let problem = asks.problems().next().unwrap();
    assert_eq!((problem.kind(), problem.key()), (ConfigErrorKind::Input, Some("env.KEY")));

    let config = loader().input("key", "typed").parse(text).unwrap();
    let films = config.server("films").unwrap();
    let expected =
        [("DEBUG", None), ("KEY", Some("typed")), ("PORT", Some("8080")), ("REGION", Some("eu"))];
    assert_eq!(env(films), expected);
    assert_eq!(command(films).cwd.as_deref(), Some(Path::new("/srv/work/sub")));

    let settings = r#"{ "editor.fontSize": 12, "mcp": { "inputs": [], "servers": { "films": { "command": "films" } } } }"#;
    assert_eq!(command(&one(settings)).program, Path::new("films"));
}

#[test]
fn windsurf() {
    let server = one(r#"{ "mcpServers": { "films": { "serverUrl": "https://films.example/mcp",
        "disabledTools": ["remove"] } } }"#);
    assert_eq!(url(&server).transport, UrlTransport::Any);
    assert!(server.tools.allows("list") && !server.tools.allows("remove"));
}

#[test]
fn cline_and_roo_code() {
    let server = one(r#"{ "mcpServers": { "films": { "command": "films", "disabled": true,
        "autoApprove": ["list"], "timeout": 60, "env": { "KEY": "${UNSET}" } } } }"#);
    assert!(server.disabled);
    assert_eq!(
        (server.auto_approve, server.timeout),
        (vec!["list".to_owned()], Some(Duration::from_secs(60)))
    );
    let server = one(
        r#"{ "mcpServers": { "films": { "type": "streamable-http", "url": "http://localhost:8/mcp",
        "alwaysAllow": ["list"], "timeout": 3600 } } }"#,
    );
    assert_eq!(url(&server).transport, UrlTransport::StreamableHttp);
    assert_eq!((server.auto_approve.len(), server.timeout), (1, Some(Duration::from_secs(3600))));
}

#[test]
fn gemini_cli_and_kiro() {
    let server = one(
        r#"{ "mcpServers": { "films": { "httpUrl": "https://films.example/mcp", "timeout": 30000,
        "trust": true, "includeTools": ["list", "find"], "excludeTools": ["find"] } } }"#,
    );
    assert_eq!(url(&server).transport, UrlTransport::StreamableHttp);
    assert_eq!(server.timeout, Some(Duration::from_secs(30)));
    assert!(server.tools.allows("list"));
    assert!(!server.tools.allows("find") && !server.tools.allows("remove"));
    assert_eq!(server.other, BTreeMap::from([("trust".to_owned(), json!(true))]));
}

#[test]
fn copilot_cli() {
    let server = one(
        r#"{ "mcpServers": { "films": { "type": "local", "command": "films", "args": [], "tools": ["*"] } } }"#,
    );
    assert_eq!(server.tools, ToolFilter::default());
    let some = entry(r#"{ "command": "films", "tools": ["list"] }"#).unwrap();
    assert_eq!(some.tools.only, Some(BTreeSet::from(["list".to_owned()])));
    let other =
        entry(r#"{ "command": "films", "tools": { "list": { "approval_mode": "auto" } } }"#)
            .unwrap();
    assert!(other.tools.only.is_none() && other.other.contains_key("tools"));
}

#[test]
fn zed() {
    let server = one(
        r#"{ "theme": "One", "context_servers": { "films": { "source": "custom", "enabled": false,
        "command": { "path": "films", "args": ["--now"], "env": { "A": "1" } }, "settings": {} } } }"#,
    );
    assert!(server.disabled);
    assert_eq!(
        (command(&server).args.as_slice(), env(&server)),
        (&["--now".to_owned()][..], vec![("A", Some("1"))])
    );
    assert_eq!(server.other.keys().collect::<Vec<_>>(), ["settings", "source"]);
}

#[test]
fn opencode_entry() {
    let server = entry(
        r#"{ "type": "local", "command": ["bun", "x", "films"], "environment": { "A": "1" }, "enabled": true }"#,
    );
    let server = server.unwrap();
    assert_eq!(
        (command(&server).program.as_path(), command(&server).args.len()),
        (Path::new("bun"), 2)
    );
    assert!(!server.disabled && env(&server) == [("A", Some("1"))]);
}

#[test]
fn what_this_library_adds() {
    let server = entry(
        r#"{ "command": "films", "requireProfiles": ["https://vidsrus/premium"],
             "preferProfiles": ["https://vidsrus/fast"], "era": "legacy", "timeout": "500ms" }"#,
    );
    let server = server.unwrap();
    assert_eq!(server.require_profiles, ["https://vidsrus/premium"]);
    assert_eq!(server.prefer_profiles, ["https://vidsrus/fast"]);
    assert_eq!((server.era, server.timeout), (EraChoice::Legacy, Some(Duration::from_millis(500))));
}

#[test]
fn wrong_entries_are_named_with_their_key() {
    for (text, expected) in [
        ("7", "the entry is a number, expected an object"),
        ("{}", "there is neither `command` nor `url`: say how to reach the server"),
        (r#"{"command":""}"#, "`command` is empty: name a program"),
        (r#"{"command":[]}"#, "`command` is empty: name a program"),
        (r#"{"command":true}"#, "`command` is a boolean, expected a text"),
        (r#"{"command":{"args":[]}}"#, "`command.path` is missing"),
        (r#"{"command":"a","args":"-y"}"#, "`args` is a text, expected a list of texts"),
        (r#"{"command":"a","args":["-p",7]}"#, "`args[1]` is a number, expected a text"),
        (r#"{"command":"a","env":{"A":[]}}"#, "`env.A` is a list, expected a text"),
        (
            r#"{"command":"a","env":{"KEY":"${UNSET}"}}"#,
            "`env.KEY` needs the environment variable `UNSET`, which is not set: set it, or give a \
             default as `${UNSET:-…}`",
        ),
        (r#"{"command":"a","disabled":"no"}"#, "`disabled` is a text, expected `true` or `false`"),
        (
            r#"{"command":"a","url":"https://a"}"#,
            "`url` stands beside `command`: remove one of them, or say which with `type`",
        ),
        (
            r#"{"type":"stdio","url":"https://a"}"#,
            "`command` is missing: it names the program of a server on stdio",
        ),
        (
            r#"{"type":"http","command":"a"}"#,
            "`url` is missing: it is the address of a server over HTTP",
        ),
        (
            r#"{"type":"ws","url":"wss://a"}"#,
            "`type` is `ws`, expected `stdio`, `http`, `streamable-http` or `sse`",
        ),
        (
            r#"{"url":"file:///a"}"#,
            "`url` is not an address that begins with `https://` or `http://`",
        ),
        (
            r#"{"url":"https://a","headers":{"A":"1\r\nB: 2"}}"#,
            "`headers.A` is no header: name and value are one line of text",
        ),
        (
            r#"{"command":"a","timeout":0}"#,
            "`timeout` is a number, expected a number of seconds above 0, or a text such as `90s` or `500ms`",
        ),
        (r#"{"command":"a","era":"new"}"#, "`era` is `new`, expected `auto`, `legacy` or `modern`"),
        (r#"{"command":"a","command":"b"}"#, "`command` comes twice: remove one of the two"),
    ] {
        let error = entry(text).unwrap_err();
        assert_eq!(error.to_string(), format!("server `films`: {expected}"), "{text}");
        assert_eq!(error.server(), Some("films"));
    }
    for text in [r#""-5s""#, r#""NaNs""#, "1e400", "-1", r#""soon""#, "[]", "1e308", r#""1e308m""#]
    {
        let text = format!(r#"{{"command":"a","timeout":{text}}}"#);
        let outcome = Config::parse(&format!(r#"{{"mcpServers":{{"films":{text}}}}}"#));
        assert!(outcome.is_err() || outcome.unwrap().problems().count() == 1, "{text}");
    }
}

#[test]
fn type_decides_between_command_and_url() {
    let both = |kind| format!(r#"{{"type":"{kind}","command":"a","url":"https://a"}}"#);
    assert!(matches!(entry(&both("stdio")).unwrap().endpoint, Endpoint::Command(_)));
    assert!(matches!(entry(&both("http")).unwrap().endpoint, Endpoint::Url(_)));
}

#[test]
fn wrong_files_are_explained() {
    let said = |text: &str| loader().parse(text).unwrap_err().to_string();
    assert_eq!(
        said("{\n  \"mcpServers\": {,}\n}"),
        "line 2, column 18 is not JSON: key must be a string"
    );
    assert_eq!(said("[]"), "the file is not a JSON object");
    assert_eq!(said("{}"), "there is no `mcpServers` with a list of servers");
    assert_eq!(said(r#"{"mcpServers":[]}"#), "`mcpServers` is not an object of servers");
    let large = format!("{{}}{}", " ".repeat(Config::MOST_BYTES));
    assert_eq!(loader().parse(&large).unwrap_err().kind(), ConfigErrorKind::TooLarge);
    let deep = "[".repeat(100_000);
    assert_eq!(loader().parse(&deep).unwrap_err().kind(), ConfigErrorKind::Syntax);
}

#[test]
fn one_wrong_server_costs_the_others_nothing() {
    let config = loader().parse(
        r#"{ "mcpServers": { "a": { "command": "a" }, "b": {}, "c": { "command": "c" }, "c": { "command": "d" } } }"#,
    );
    let config = config.unwrap();
    assert_eq!(config.servers().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["a"]);
    let problems: Vec<_> = config.problems().map(|problem| problem.to_string()).collect();
    assert!(problems[1].starts_with("server `c`: comes twice"), "{problems:?}");
    assert_eq!(config.server("b").unwrap_err().server(), Some("b"));
    let unknown = config.server("x").unwrap_err();
    assert_eq!(unknown.to_string(), "server `x`: is not there: there are `a`, `b`, `c`");
}

#[test]
fn files_are_named_in_errors_and_give_the_workspace_folder() {
    let folder = tempfile::tempdir().unwrap();
    let hidden = folder.path().join(".vscode");
    std::fs::create_dir(&hidden).unwrap();
    std::fs::write(folder.path().join(".env"), "A=file\nB=file\n").unwrap();
    let path = hidden.join("mcp.json");
    let text = r#"{ "servers": {
        "films": { "command": "films", "cwd": "${workspaceFolder}", "envFile": ".env", "env": { "B": "entry" } },
        "news": { "command": "news", "envFile": "no-such-file" } } }"#;
    std::fs::write(&path, text).unwrap();
    let config = Config::from_file(&path).unwrap();
    let films = config.server("films").unwrap();
    assert_eq!(command(films).cwd.as_deref(), Some(folder.path()));
    assert_eq!(env(films), [("A", Some("file")), ("B", Some("entry"))]);
    let problem = config.server("news").unwrap_err();
    assert_eq!((problem.file(), problem.key()), (Some(&*path), Some("envFile")));
    let shown = problem.to_string();
    let begin = format!("{}: server `news`: `envFile` `", path.display());
    assert!(shown.starts_with(&begin) && shown.contains("cannot be read"), "{shown}");

    let missing = Config::from_file(folder.path().join("none.json")).unwrap_err();
    assert_eq!(missing.kind(), ConfigErrorKind::Unreadable);
    std::fs::write(&path, "{").unwrap();
    let shown = Config::from_file(&path).unwrap_err().to_string();
    assert!(shown.starts_with(&format!("{}: line 1, column ", path.display())), "{shown}");
}

#[test]
fn debug_output_hides_what_may_be_secret() {
    let config = loader().input("key", "hunter2").parse(
        r#"{ "mcpServers": {
            "a": { "command": "a", "args": ["hunter2"], "env": { "KEY": "hunter2" } },
            "b": { "url": "https://u:hunter2@b.example/mcp?key=hunter2", "headers": { "Key": "hunter2" }, "oauth": "hunter2" } } }"#,
    );
    let shown = format!("{:?} {:?}", config.unwrap(), loader().input("key", "hunter2"));
    assert!(shown.contains("https://b.example/mcp") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn servers_at_urls_are_no_programs() {
    let films = entry(r#"{ "url": "https://films.example/mcp" }"#).unwrap();
    let error = films.child_process().unwrap_err().to_string();
    assert_eq!(error, "server `films`: is at a URL and not a program: connect to it over HTTP");
}

#[cfg(feature = "http")]
#[test]
fn servers_at_urls_are_reached_with_their_headers() {
    let films = entry(
        r#"{ "url": "https://films.example/mcp", "headers": {
            "Authorization": "Bearer ${FILMS_KEY}", "Accept": "application/json", "X-Studio": "7" } }"#,
    );
    let http = films.unwrap().http().unwrap();
    assert_eq!(http.url().as_str(), "https://films.example/mcp");
    let agent = http.agent().unwrap();
    let headers: Vec<_> = agent.headers().keys().map(|name| name.as_str()).collect();
    assert!(headers.len() == 2 && headers.contains(&"authorization"), "{headers:?}");
    assert_eq!(agent.headers()["authorization"], "Bearer s3cret");

    for (wrong, says) in [
        (r#"{ "command": "films" }"#, "start it as a child process"),
        (r#"{ "url": "https://ann:s3cret@films.example/mcp" }"#, "holds a user name or password"),
    ] {
        let error = entry(wrong).unwrap().http().unwrap_err().to_string();
        assert!(error.starts_with("server `films`: ") && error.contains(says), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
