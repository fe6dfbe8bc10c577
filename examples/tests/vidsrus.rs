//! VidsRUS as its users meet it: real processes, real pipes.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use mcp_client::{CallToolResult, ChildProcess, Client, EraChoice, Error};
use serde_json::{Value, json};
use tempfile::TempDir;

const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";
const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";
const SERVER: &str = env!("CARGO_BIN_EXE_vidsrus-server");

#[test]
fn standard_and_premium_differ_in_both_eras() {
    let runs =
        [("grace", STANDARD, 480, 3, 24, Value::Null), ("ada", PREMIUM, 1080, 8, 96, json!(4))];
    for era in ["legacy", "modern"] {
        for (user, profile, height, renditions, pictures, subtitles) in runs.clone() {
            let visit = Visit::new();
            let out = visit.run(&["--user", user, "--require", profile, "--era", era, "--json"]);
            assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
            let seen: Value = serde_json::from_slice(&out.stdout).unwrap();
            let seen = &seen["visits"][0];
            assert_eq!(seen["era"], era);
            assert_eq!(seen["inForce"], json!([profile]));
            assert_eq!(seen["preview"]["height"], height);
            let all = seen["renditions"].as_array().unwrap();
            assert_eq!(all.len(), renditions);
            assert!(all.iter().all(|one| one["height"].as_u64().unwrap() <= height));
            assert_eq!(seen["storyboardPictures"], pictures);
            assert_eq!(seen["subtitles"], subtitles);
            let png = std::fs::read(seen["preview"]["file"].as_str().unwrap()).unwrap();
            // The height stands in the header (PNG, 11.2.2).
            assert_eq!(u64::from(u32::from_be_bytes(png[20..24].try_into().unwrap())), height);
            assert_eq!(visit.processes_left(), Vec::<String>::new());
        }
    }
}

#[test]
fn over_http_tokens_say_who_has_signed_in() {
    let server = Listening::start();
    for era in ["legacy", "modern"] {
        let run = |token: &str, more: &[&str]| {
            let visit = Visit::new();
            let common = ["--url", &server.url, "--token", token, "--era", era, "--json"];
            (visit.run(&[&common[..], more].concat()), visit)
        };
        for (token, profile, height) in
            [("vidsrus-ada", PREMIUM, 1080), ("vidsrus-grace", STANDARD, 480)]
        {
            let (out, _visit) = run(token, &["--require", profile]);
            assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
            let seen: Value = serde_json::from_slice(&out.stdout).unwrap();
            assert_eq!(seen["visits"][0]["inForce"], json!([profile]));
            assert_eq!(seen["visits"][0]["preview"]["height"], height);
        }
        let (out, _visit) = run("vidsrus-grace", &["--require", "premium"]);
        assert_eq!(out.status.code(), Some(3));
        assert!(text(&out.stderr).contains("not permitted for this caller"));
        let (out, _visit) = run("vidsrus-bob", &[]);
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(4), "{said}");
        assert!(said.contains("401"), "{said}");
    }
}

#[test]
fn a_refusal_says_why_and_leaks_nothing_and_leaves_nobody() {
    for (era, first) in [("modern", "server/discover"), ("legacy", "initialize")] {
        let visit = Visit::new();
        let out = visit.run(&["--user", "grace", "--require", "premium", "--era", era, "--trace"]);
        assert_eq!(out.status.code(), Some(3));
        assert_eq!(text(&out.stdout), "");
        let said = text(&out.stderr);
        assert!(
            said.contains(&format!("required  {PREMIUM}   not permitted for this caller")),
            "{said}"
        );
        assert!(said.contains(&format!("offered   {PREMIUM}   from MCP 2025-08-13")), "{said}");
        assert!(said.contains(&format!("sent: {first}, nothing else")), "{said}");
        let sent: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("→ ")).collect();
        assert_eq!(sent.len(), 1, "{said}");
        let message: Value = serde_json::from_str(sent[0]).unwrap();
        assert_eq!(message["method"], first);
        for secret in ["tools/", "preview", "search", "transcode", "nosferatu"] {
            assert!(!sent[0].contains(secret), "{secret} left: {}", sent[0]);
        }
        assert_eq!(visit.processes_left(), Vec::<String>::new());
    }
}

#[test]
fn a_declaration_explains_that_premium_comes_later() {
    let visit = Visit::new();
    let declaration = visit.file(
        "later.json",
        &json!([
            { "profileURL": PREMIUM, "minMcpVersion": "2026-08-13" },
            { "profileURL": STANDARD, "minMcpVersion": "2025-08-13" },
        ]),
    );
    let declaration = declaration.to_str().unwrap();
    let common = ["--user", "ada", "--declaration", declaration];
    let out = visit.run(&[&common[..], &["--require", "premium"]].concat());
    assert_eq!(out.status.code(), Some(3));
    let why = "needs MCP 2026-08-13 or later, this session uses 2026-07-28";
    assert!(text(&out.stderr).contains(why), "{}", text(&out.stderr));

    let out =
        visit.run(&[&common[..], &["--require-one-of", "premium,standard", "--json"]].concat());
    let seen: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(seen["visits"][0]["inForce"], json!([STANDARD]));
    assert_eq!(seen["visits"][0]["preview"]["height"], 480);
}

#[test]
fn without_a_wish_the_profiles_are_compared() {
    let out = Visit::new().run(&["--user", "grace"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let said = text(&out.stdout);
    assert!(said.contains("refused: not permitted for this caller"), "{said}");
    assert!(said.contains("640 × 480"), "{said}");
    assert!(!said.contains('\u{1b}'), "no colours outside a terminal: {said}");
    let out = Visit::new().run(&["--user", "ada"]);
    let said = text(&out.stdout);
    assert!(said.contains("640 × 480") && said.contains("1440 × 1080"), "{said}");
}

#[test]
fn every_failure_has_its_exit_status() {
    let status = |arguments: &[&str]| Visit::new().run(arguments).status.code();
    assert_eq!(status(&["--search", "zzz"]), Some(1));
    assert_eq!(status(&["--bogus"]), Some(2));
    assert_eq!(status(&["--require", "nonsense"]), Some(2));
    assert_eq!(status(&["--", "/nonexistent/server"]), Some(4));
    let out = Visit::new().run(&["--user", "bob"]);
    assert_eq!(out.status.code(), Some(4));
    assert!(text(&out.stderr).contains("nobody has the account `bob`"), "{}", text(&out.stderr));
}

#[test]
fn the_server_refuses_what_it_cannot_offer() {
    let visit = Visit::new();
    let gold = visit.file("gold.json", &json!([{ "profileURL": "https://vidsrus/gold" }]));
    let served = |arguments: &[&str]| Command::new(SERVER).args(arguments).output().unwrap();
    let out = served(&["--declaration", gold.to_str().unwrap()]);
    assert_eq!((out.status.code(), text(&out.stdout)), (Some(2), String::new()));
    assert!(text(&out.stderr).contains("offers https://vidsrus/gold, which this server does not"));
    assert_eq!(served(&["--accounts", "/nonexistent"]).status.code(), Some(2));
}

#[test]
fn the_demo_goes_as_announced() {
    let out = Command::new(env!("CARGO_BIN_EXE_vidsrus-demo")).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
    assert!(text(&out.stdout).contains("Everything went as announced"));
}

#[tokio::test]
async fn a_call_beyond_the_limit_is_told_which_limit() {
    for era in [EraChoice::Legacy, EraChoice::Modern] {
        let client = connect("grace", era).await;
        let call = || client.call_tool("transcode", json!({ "title": "nosferatu" }));
        let (one, two, three) = tokio::join!(call(), call(), call());
        let results = [one, two, three].map(Result::unwrap);
        let failed: Vec<_> = results.iter().filter(|result| result.is_failure()).collect();
        let [failed] = failed[..] else { panic!("{} calls failed", failed.len()) };
        let said = first_text(failed);
        assert!(said.contains("`concurrent_calls` reached: 2 at a time"), "{said}");
        assert!(said.contains(STANDARD), "{said}");
        client.shutdown().await;
    }
}

#[tokio::test]
async fn a_dropped_transcode_gives_its_place_back() {
    for era in [EraChoice::Legacy, EraChoice::Modern] {
        let client = connect("grace", era).await;
        let mut calls = [(), ()].map(|()| transcode(&client));
        for call in &mut calls {
            assert!(call.progress().await.is_some());
        }
        drop(calls);
        // Both calls are over by the time that the server has answered something else.
        client.list_all_tools().await.unwrap();
        let result = transcode(&client).await.unwrap();
        assert!(!result.is_failure(), "{}", first_text(&result));
        client.shutdown().await;
    }
}

#[tokio::test]
async fn premium_tools_are_unknown_to_those_who_have_not_paid() {
    for era in [EraChoice::Legacy, EraChoice::Modern] {
        let client = connect("grace", era).await;
        let tools = client.list_all_tools().await.unwrap();
        assert!(tools.iter().all(|tool| tool.name != "subtitles"));
        let called = client.call_tool("subtitles", json!({ "title": "nosferatu" })).await;
        assert!(matches!(called, Err(Error::Peer(_))), "{called:?}");
        client.shutdown().await;
    }
}

#[tokio::test]
async fn small_examples_answer() {
    let adder = ChildProcess::new(env!("CARGO_BIN_EXE_adder"));
    let client = Client::builder("test", "1").connect(adder).await.unwrap();
    let sum: f64 = client.call("add", json!({ "a": 1.5, "b": 2 })).await.unwrap();
    assert_eq!(sum, 3.5);
    client.shutdown().await;

    let tiers = ChildProcess::new(env!("CARGO_BIN_EXE_tiers"));
    let paid = tiers.clone().env("PLAN", "paid");
    let client = Client::builder("test", "1").require(PREMIUM).connect(paid).await.unwrap();
    let said: String = client.call("subtitles", json!({ "title": "nosferatu" })).await.unwrap();
    assert!(said.starts_with("WEBVTT"));
    client.shutdown().await;
    let refused = Client::builder("test", "1").require(PREMIUM).connect(tiers).await;
    assert!(matches!(refused, Err(Error::Rejected(_))), "{refused:?}");
}

async fn connect(user: &str, era: EraChoice) -> Client {
    let server = ChildProcess::new(SERVER).args(["--user", user]);
    Client::builder("test", "1").era(era).connect(server).await.unwrap()
}

fn transcode(client: &Client) -> mcp_client::Call<CallToolResult> {
    client.call_tool("transcode", json!({ "title": "nosferatu" }))
}

fn first_text(result: &CallToolResult) -> &str {
    result.content.first().and_then(|block| block.as_text()).unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server over HTTP, until it is dropped.
struct Listening {
    process: Child,
    url: String,
    /// Open as long as the server may write to it.
    _log: BufReader<ChildStderr>,
}

impl Listening {
    fn start() -> Self {
        let mut server = Command::new(SERVER);
        let server = server.args(["--http", "127.0.0.1:0"]).stderr(Stdio::piped());
        let mut process = server.env_remove("VIDSRUS_USER").spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("vidsrus-server: ").unwrap().to_owned();
        Self { process, url, _log: log }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// A directory of its own for each run, whose name marks the processes of the run.
struct Visit(TempDir);

impl Visit {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self, name: &str, content: &Value) -> PathBuf {
        let file = self.0.path().join(name);
        std::fs::write(&file, content.to_string()).unwrap();
        file
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut client = Command::new(env!("CARGO_BIN_EXE_vidsrus-client"));
        // The server inherits the directory in which it is started.
        client.current_dir(self.0.path()).arg("--out").arg(self.0.path());
        client.args(arguments).output().unwrap()
    }

    /// The processes that still run in the directory.
    fn processes_left(&self) -> Vec<String> {
        let here = self.0.path().canonicalize().unwrap();
        let Ok(processes) = Path::new("/proc").read_dir() else { return Vec::new() };
        let processes = processes.filter_map(Result::ok).map(|entry| entry.path());
        let left = processes
            .filter(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == here));
        left.map(|process| process.display().to_string()).collect()
    }
}
