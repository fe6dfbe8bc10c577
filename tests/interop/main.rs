//! Our server driven by the official TypeScript clients, and theirs by our client, over real pipes
//! and over HTTP.
//!
//! What each of their clients does is in `tests/peers/story.mjs`: it lists, calls, fails, cancels and
//! closes, and reports everything that should not have happened. These tests add what only
//! this side can know: which era and version have to come out.
//!
//! `MCP_TESTS_WITHOUT_NODE=1` leaves them out where Node.js cannot be had.

mod command;
mod everything;
mod over_http;
mod reference_servers;
mod required;
mod their_servers;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use mcp_tests::peers::peers;
use mcp_tests::programs::program;
use serde_json::{Value, json};

const SERVER: &str = env!("CARGO_BIN_EXE_test-server");

#[test]
fn version_one_client_is_served() {
    let Some(seen) = run("client-v1.mjs", &[]) else { return };
    served(&seen);
    assert_eq!(seen["protocolVersion"], "2025-11-25");
}

#[test]
fn version_two_client_is_served_in_the_legacy_era() {
    let Some(seen) = run("client-v2.mjs", &["--era", "legacy", "--expect-era", "legacy"]) else {
        return;
    };
    served(&seen);
    assert_eq!(seen["protocolVersion"], "2025-11-25");
}

#[test]
fn version_two_client_is_served_in_the_modern_era_without_fallback() {
    let Some(seen) = run("client-v2.mjs", &["--era", "modern", "--expect-era", "modern"]) else {
        return;
    };
    served_modern(&seen);
}

#[test]
fn version_two_client_that_may_fall_back_does_not() {
    let Some(seen) = run("client-v2.mjs", &["--era", "auto", "--expect-era", "modern"]) else {
        return;
    };
    served_modern(&seen);
}

fn served_modern(seen: &Value) {
    served(seen);
    assert_eq!(seen["protocolVersion"], "2026-07-28");
    let versions = &seen["discover"]["supportedVersions"];
    assert!(
        versions.as_array().is_some_and(|all| all.contains(&json!("2026-07-28"))),
        "{versions}"
    );
}

/// What holds in every era. The client has checked the rest, or it would not have ended well.
fn served(seen: &Value) {
    assert_eq!(seen["surprises"], json!([]));
    assert!(seen["serverInfo"]["name"].is_string(), "{seen}");
    assert!(seen["capabilities"]["tools"].is_object(), "{seen}");
    let calls = &seen["calls"];
    assert_eq!(calls["unknown_tool"]["code"], -32602, "{calls}");
    for wrong in ["echo_without_arguments", "echo_with_a_number"] {
        let text = calls[wrong]["text"].as_str().unwrap_or_default();
        assert!(text.contains("message"), "the model is told which argument: {text}");
    }
}

/// Runs one client against our server; `None` when these tests are left out on request.
fn run(script: &str, options: &[&str]) -> Option<Value> {
    run_against(script, options, OsStr::new(SERVER), &["stdio"])
}

/// Runs one client against a server; `None` when these tests are left out on request.
fn run_against(script: &str, options: &[&str], server: &OsStr, words: &[&str]) -> Option<Value> {
    let mut client = client(script, options)?;
    client.arg("--").arg(server).args(words);
    Some(finished(client))
}

/// A client, to be told which server it talks to.
fn client(script: &str, options: &[&str]) -> Option<Command> {
    let mut client = Command::new("node");
    client.arg(folder()?.join(script)).args(options).stdin(Stdio::null());
    Some(client)
}

/// What a client has seen that ended well.
fn finished(mut client: Command) -> Value {
    let output = client.output().expect("`node` ran a moment ago");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}\n{complaints}", output.status);
    serde_json::from_str(said.trim()).expect("the client prints one line of JSON")
}

/// Where the scripts lie with what they need; `None` when these tests are left out on request.
fn folder() -> Option<PathBuf> {
    if std::env::var_os("MCP_TESTS_WITHOUT_NODE").is_some() {
        return None;
    }
    Some(peers().unwrap_or_else(|sentence| {
        panic!("{sentence}\n(MCP_TESTS_WITHOUT_NODE=1 leaves these tests out)")
    }))
}

/// A program of another package of this workspace.
fn server_program(name: &str) -> PathBuf {
    program(SERVER, name)
}
