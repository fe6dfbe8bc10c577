//! The authorization server as a process: `oidc-provider`, set up by `tests/oidc/provider.mjs`.

use std::process::Stdio;
use std::time::Duration;

use mcp_tests::npm;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

/// An authorization server of one test, which ends with it.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    /// Its end is the end of the process, also when this one vanishes.
    _input: ChildStdin,
    _process: Child,
}

impl Provider {
    /// Starts one; `wanted` is what the script reads.
    pub(crate) async fn start(wanted: Value) -> Self {
        let (folder, node) = tokio::task::spawn_blocking(|| {
            let folder = npm::installed("oidc")?;
            let node = npm::node(&folder, 22)?;
            Ok::<_, String>((folder, node))
        })
        .await
        .unwrap()
        .unwrap_or_else(|sentence| panic!("{sentence}"));
        let mut process = Command::new(node)
            .arg(folder.join("provider.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Node.js has said its version");
        let mut input = process.stdin.take().expect("it is a pipe");
        let output = process.stdout.take().expect("it is a pipe");
        input.write_all(format!("{wanted}\n").as_bytes()).await.unwrap();
        let mut lines = BufReader::new(output).lines();
        let ready = timeout(START, lines.next_line()).await.expect("it starts in time").unwrap();
        let ready = ready.expect("it says where it is: its complaint is above");
        let ready: Value = serde_json::from_str(&ready).expect("it says so in JSON");
        let issuer = ready["issuer"].as_str().expect("it has an issuer").to_owned();
        Self { issuer, _input: input, _process: process }
    }
}

/// For machines that do much else at the same time.
const START: Duration = Duration::from_secs(90);
