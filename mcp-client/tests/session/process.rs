//! Servers that are processes: restarted, mourned, and never left behind.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use mcp_client::{ChildProcess, Ending, EraChoice, Error, Exit, TimeoutKind};
use serde_json::json;

use crate::peer::{DISCOVERED, INITIALIZED, builder};

/// A shell script as a server. `$INITIALIZED` and `$DISCOVERED` are results; `answer ID RESULT`
/// writes a response.
fn sh(script: &str) -> ChildProcess {
    let answer = r#"answer() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$1" "$2"; }; "#;
    ChildProcess::new("/bin/sh")
        .args(["-c", &format!("{answer}{script}")])
        .env("INITIALIZED", INITIALIZED)
        .env("DISCOVERED", DISCOVERED)
}

/// Tests of processes run in real time; this is only so that a failure ends.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it hangs")
}

/// A call of `echo` answered by a fixed text.
const ECHO: &str = r#"read call; answer 2 '{"content":[{"type":"text","text":"hi"}]}'; "#;

#[tokio::test]
async fn modern_process_is_called_and_shut_down() {
    let server = sh(&format!("read probe; answer 1 \"$DISCOVERED\"; {ECHO} cat >/dev/null"));
    let client = within(builder().connect(server)).await.unwrap();
    assert_eq!(within(client.call::<String>("echo", json!({}))).await.unwrap(), "hi");
    let ended = within(client.shutdown()).await.unwrap();
    assert_eq!((ended.exit, ended.by), (Exit::Code(0), Ending::Itself));
}

#[tokio::test]
async fn server_that_exits_on_the_probe_is_started_again_and_initialized() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "read first; echo \"$first\" >> \"$LOG\"; \
         case $first in *server/discover*) exit 1;; esac; \
         answer 1 \"$INITIALIZED\"; read initialized; {ECHO} cat >/dev/null"
    );
    let log = folder.path().join("log");
    let client = within(builder().connect(sh(&script).env("LOG", &log))).await.unwrap();
    assert_eq!(client.negotiated().version().as_str(), "2025-11-25");
    assert_eq!(within(client.call::<String>("echo", json!({}))).await.unwrap(), "hi");
    let log = std::fs::read_to_string(log).unwrap();
    let methods: Vec<_> = log.lines().map(|line| line.contains("\"initialize\"")).collect();
    assert_eq!(methods, [false, true], "{log}");
    within(client.shutdown()).await;
}

#[tokio::test]
async fn server_that_cannot_work_is_explained_by_its_last_words() {
    let server = sh("printf 'reading films.json\\nno such file\\n' >&2; exit 4");
    let error = within(builder().connect(server)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection is closed: the server process exited with status 4; its stderr ended \
         with: reading films.json | no such file (before the handshake was over)"
    );
}

#[tokio::test]
async fn death_in_the_middle_of_a_call_reports_status_and_last_words() {
    let server = sh("read probe; answer 1 \"$DISCOVERED\"; read call; \
                     printf 'out of \\033[31mmemory\\n' >&2; exit 3");
    let client = within(builder().connect(server)).await.unwrap();
    let error = within(client.call::<String>("big", json!({}))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the connection is closed: the server process exited with status 3; its stderr ended \
         with: out of \\u{1b}[31mmemory"
    );
    let later = within(client.list_all_tools()).await.unwrap_err();
    assert_eq!(later.to_string(), error.to_string());
    let ended = within(client.shutdown()).await.unwrap();
    assert_eq!((ended.exit, ended.by), (Exit::Code(3), Ending::Itself));
}

#[tokio::test]
async fn program_that_does_not_exist_is_explained() {
    let error = within(builder().connect(ChildProcess::new("/no/such/server"))).await.unwrap_err();
    assert!(matches!(error, Error::Transport(_)), "{error:?}");
    assert!(error.to_string().contains("/no/such/server"), "{error}");
}

#[tokio::test]
async fn rejected_process_has_ended_when_the_error_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let server = sh("echo $$ > \"$PID\"; read probe; answer 1 \"$DISCOVERED\"; cat >/dev/null");
    let connecting = builder().require("https://vidsrus/mcp-profiles/premium");
    let error = within(connecting.connect(server.env("PID", &pid))).await.unwrap_err();
    let table = format!("{error:#}");
    let sent = "sent: server/discover, nothing else; the server process has been ended";
    assert!(table.contains(sent), "{table}");
    assert!(!runs(&pid));
}

#[tokio::test]
async fn dropping_the_client_while_connecting_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    // It deliberately ignores the end of its input and SIGTERM.
    let script = "trap '' TERM; echo $$ > \"$PID\"; while :; do read x || sleep 1; done";
    let brief = Duration::from_millis(50);
    let server = sh(script).env("PID", &pid).end_within(brief, brief);
    let connecting = tokio::spawn(builder().connect(server));
    within(until(|| std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')))).await;
    assert!(runs(&pid));
    connecting.abort();
    within(until(|| !runs(&pid))).await;
}

#[tokio::test]
async fn dropping_the_last_handle_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let server = sh("echo $$ > \"$PID\"; read probe; answer 1 \"$DISCOVERED\"; cat >/dev/null");
    let client = within(builder().connect(server.env("PID", &pid))).await.unwrap();
    assert!(runs(&pid));
    drop(client);
    within(until(|| !runs(&pid))).await;
}

#[tokio::test]
async fn silent_process_runs_into_the_handshake_limit_and_its_last_words_are_told() {
    let builder = builder().era(EraChoice::Legacy).handshake_timeout(Duration::from_secs(1));
    let server = sh("echo waiting for the database >&2; cat >/dev/null");
    let error = within(builder.connect(server)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { kind: TimeoutKind::Handshake, .. }), "{error:?}");
    assert!(error.to_string().ends_with("its stderr ended with: waiting for the database"));
}

/// Whether the process whose number is in a file runs; a zombie does not.
fn runs(pid: &Path) -> bool {
    let pid = std::fs::read_to_string(pid).unwrap();
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())) else {
        return false;
    };
    !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
}

/// Lets other tasks run until something is so.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}
