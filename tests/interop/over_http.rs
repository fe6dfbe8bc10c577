//! The same over HTTP: our server with their clients, our client with their servers.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mcp_client::{Client, Era, EraChoice, Http};
use serde_json::Value;

use crate::everything::{found, granted_everything};
use crate::their_servers::{UnknownTool, story, version};
use crate::{client, finished, folder, reference_servers, server_program};

#[test]
fn version_one_client_finds_every_feature() {
    let Some(seen) = everything("everything-v1.mjs", &[]) else { return };
    found(&seen);
}

#[test]
fn version_two_client_finds_every_feature_in_the_legacy_era() {
    let Some(seen) = everything("everything-v2.mjs", &["--era", "legacy"]) else { return };
    found(&seen);
}

#[test]
fn version_two_client_finds_every_feature_in_the_modern_era() {
    let Some(seen) = everything("everything-v2.mjs", &["--era", "modern"]) else { return };
    found(&seen);
    granted_everything(&seen);
}

#[test]
fn version_one_client_resumes_a_stream_and_ends_its_session() {
    let Some(seen) = everything("sessions-v1.mjs", &[]) else { return };
    // A stream of the session for each client, and one that was resumed instead.
    assert_eq!(seen["gets"], serde_json::json!([1, 1, 1]), "{seen}");
}

#[tokio::test]
async fn reference_server_is_used_over_streamable_http() {
    let Some(script) = reference_servers::reference_script("server-everything") else { return };
    let server = Running::at_port(&script, "streamableHttp", "/mcp");
    uses_the_reference_server(&server).await;
}

#[tokio::test]
async fn reference_server_is_used_over_http_with_sse() {
    let Some(script) = reference_servers::reference_script("server-everything") else { return };
    let server = Running::at_port(&script, "sse", "/sse");
    uses_the_reference_server(&server).await;
}

async fn uses_the_reference_server(server: &Running) {
    let client = reference_servers::answering().connect(server.http()).await;
    let client = client.unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(client.negotiated().era(), Era::Legacy);
    reference_servers::lists_and_calls(&client).await;
    reference_servers::reads_prompts_and_completes(&client).await;
    reference_servers::asks_and_is_answered(&client).await;
    reference_servers::logs_and_tells_of_updates(&client).await;
    reference_servers::reports_progress_and_is_cancelled(&client).await;
    assert_eq!(client.passed_over(), 0, "everything that the server sent was understood");
    client.shutdown().await;
}

#[tokio::test]
async fn version_one_server_is_found_to_be_legacy() {
    let Some(server) = Running::peer("server-v1.mjs", &["--http"]) else { return };
    let client = connect(&server, EraChoice::Auto).await;
    assert_eq!(version(&client), (Era::Legacy, "2025-11-25".to_owned()));
    client.ping().await.expect("a legacy server answers pings");
    story(&client, UnknownTool::IsResult).await;
    client.shutdown().await;
}

#[tokio::test]
async fn version_two_server_is_found_to_be_modern() {
    for options in [&["--http"][..], &["--http", "--era", "modern"]] {
        let Some(server) = Running::peer("server-v2.mjs", options) else { return };
        let client = connect(&server, EraChoice::Auto).await;
        assert_eq!(version(&client), (Era::Modern, "2026-07-28".to_owned()));
        story(&client, UnknownTool::IsProtocolError).await;
        client.shutdown().await;
    }
}

#[tokio::test]
async fn version_two_server_serves_a_client_of_the_legacy_era() {
    let Some(server) = Running::peer("server-v2.mjs", &["--http"]) else { return };
    let client = connect(&server, EraChoice::Legacy).await;
    assert_eq!(version(&client).0, Era::Legacy);
    story(&client, UnknownTool::IsProtocolError).await;
    client.shutdown().await;
}

async fn connect(server: &Running, era: EraChoice) -> Client {
    let client = Client::builder("interop", "1.0").era(era).connect(server.http()).await;
    client.unwrap_or_else(|error| panic!("{error:#}"))
}

/// What a client sees at our server with everything; `None` when Node.js is to be left out.
fn everything(script: &str, options: &[&str]) -> Option<Value> {
    let mut client = client(script, options)?;
    let mut server = Command::new(server_program("everything-server"));
    server.args(["--http", "127.0.0.1:0"]).env("RUST_LOG", "mcp::server=info").env("NO_COLOR", "1");
    let server = Running::start(&mut server);
    client.args(["--url", &server.url]);
    Some(finished(client))
}

/// A server over HTTP that runs until this is dropped.
pub(crate) struct Running {
    process: Child,
    pub(crate) url: String,
}

impl Running {
    /// A script of ours, which says where it listens.
    pub(crate) fn peer(script: &str, options: &[&str]) -> Option<Self> {
        Some(Self::start(Command::new("node").arg(folder()?.join(script)).args(options)))
    }

    /// The reference server, which is told where to listen.
    pub(crate) fn at_port(script: &Path, transport: &str, path: &str) -> Self {
        // Nobody is given this port again so soon.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut node = Command::new("node");
        node.arg(script).arg(transport).env("PORT", port.to_string()).stdout(Stdio::null());
        let (process, _) = started(&mut node, &format!("port {port}"));
        Self { process, url: format!("http://127.0.0.1:{port}{path}") }
    }

    pub(crate) fn http(&self) -> Http {
        Http::new(&self.url).unwrap()
    }

    fn start(server: &mut Command) -> Self {
        let (process, line) = started(server, "listening ");
        let place = line.rsplit([' ', '=', '/']).find(|word| word.contains(':'));
        let url = format!("http://{}/mcp", place.expect("it says its address"));
        Self { process, url }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a server and waits for the line that says where it listens; passes on what else it says.
fn started(server: &mut Command, wanted: &str) -> (Child, String) {
    let mut process = server.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let line = lines.by_ref().map_while(Result::ok).find(|line| line.contains(wanted));
    let line = line.expect("the server says where it listens");
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("{line}")));
    (process, line)
}
