//! What handlers log with `tracing`, as their callers hear it.

use std::fmt;
use std::time::Duration;

use mcp_server::{CallContext, LogToClient, LoggingLevel, Server, Tool};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Sends everything that is logged on this thread to clients.
fn install() -> DefaultGuard {
    tracing::subscriber::set_default(tracing_subscriber::registry().with(LogToClient::new()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Era {
    Legacy,
    Modern,
}

struct Client {
    era: Era,
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
}

impl Client {
    async fn connect(server: Server, era: Era) -> Self {
        let (ours, theirs) = duplex(1 << 20);
        let (reader, writer) = split(theirs);
        tokio::spawn(async move { server.serve(reader, writer).await });
        let (reader, writer) = split(ours);
        let mut client = Self { era, reader: BufReader::new(reader), writer };
        if era == Era::Legacy {
            let info = json!({ "name": "viewer", "version": "1" });
            let params = json!({
                "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info,
            });
            client.request(0, "initialize", params).await;
            client.message().await;
            client.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        }
        client
    }

    async fn send(&mut self, message: Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn request(&mut self, id: u32, method: &str, params: Value) {
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
    }

    async fn message(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).expect(&line)
    }

    /// Starts a call that wants to hear of this level and graver ones.
    async fn start(&mut self, id: u32, tool: &str, level: &str) {
        let mut params = json!({ "name": tool });
        match self.era {
            Era::Legacy => {
                self.request(100 + id, "logging/setLevel", json!({ "level": level })).await;
                assert_eq!(self.message().await["id"], 100 + id);
            }
            Era::Modern => {
                params["_meta"] = json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                    "io.modelcontextprotocol/logLevel": level,
                });
            }
        }
        self.request(id, "tools/call", params).await;
    }

    /// Makes a call and returns the log messages that came before its answer.
    async fn logged(&mut self, tool: &str, level: &str) -> Vec<Value> {
        self.start(1, tool, level).await;
        let mut heard = Vec::new();
        loop {
            let message = self.message().await;
            if message["id"] == 1 {
                assert!(message["error"].is_null(), "{message}");
                return heard;
            }
            assert_eq!(message["method"], "notifications/message");
            heard.push(message["params"].clone());
        }
    }
}

fn serve(tool: Tool) -> Server {
    Server::builder("t", "1").logging().tool(tool).build().unwrap()
}

async fn each_era(tool: impl Fn() -> Tool, level: &str) -> Vec<Value> {
    let mut client = Client::connect(serve(tool()), Era::Legacy).await;
    let legacy = client.logged("t", level).await;
    let mut client = Client::connect(serve(tool()), Era::Modern).await;
    assert_eq!(client.logged("t", level).await, legacy);
    legacy
}

#[tokio::test]
async fn events_of_a_handler_reach_its_caller_in_order() {
    let _guard = install();
    let tool = || {
        Tool::new("t").handler(async || {
            tracing::info!(target: "films", title = "nosferatu", reels = 5, "found");
            tokio::task::yield_now().await;
            tracing::warn!(target: "films", missing = true, ratio = 1.5, "low on {}", "film");
            tracing::error!(target: "films", error = %"burnt");
        })
    };
    let expected = [
        json!({
            "level": "info", "logger": "films",
            "data": { "message": "found", "title": "nosferatu", "reels": 5 },
        }),
        json!({
            "level": "warning", "logger": "films",
            "data": { "message": "low on film", "missing": true, "ratio": 1.5 },
        }),
        json!({ "level": "error", "logger": "films", "data": { "error": "burnt" } }),
    ];
    assert_eq!(each_era(tool, "debug").await, expected);
    assert_eq!(each_era(tool, "warning").await, expected[1..]);
    assert_eq!(each_era(tool, "critical").await, [Value::Null; 0]);
}

#[tokio::test]
async fn only_what_the_handler_itself_logs_is_sent() {
    let _guard = install();
    let tool = || {
        Tool::new("t").handler(async || {
            tracing::error!(target: "mcp::server", "the library's own");
            tokio::spawn(async { tracing::error!("a task") }).await.unwrap();
            tracing::info!(target: "handler", "itself");
        })
    };
    tracing::error!("nobody is polled");
    let heard = each_era(tool, "debug").await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["logger"], "handler");
}

#[tokio::test(start_paused = true)]
async fn each_caller_hears_of_its_own_call() {
    let _guard = install();
    let tool = |name: &'static str, pause: u64| {
        Tool::new(name).handler(move || async move {
            for _ in 0..2 {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                tracing::info!(target: "handler", name);
            }
        })
    };
    let server = Server::builder("t", "1").logging().tool(tool("a", 2)).tool(tool("b", 3));
    let mut client = Client::connect(server.build().unwrap(), Era::Modern).await;
    client.start(1, "a", "info").await;
    client.start(2, "b", "error").await;
    let mut said = Vec::new();
    for _ in 0..4 {
        let message = client.message().await;
        said.push(match message["id"].as_i64() {
            Some(id) => id.to_string(),
            None => message["params"]["data"]["name"].as_str().unwrap().to_owned(),
        });
    }
    assert_eq!(said, ["a", "a", "1", "2"]);
}

/// Something that logs when it is written.
struct Talkative;

impl fmt::Debug for Talkative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::error!("being written");
        f.write_str("talkative")
    }
}

#[tokio::test]
async fn what_is_logged_while_an_event_is_written_is_not_sent() {
    let _guard = install();
    let tool = || {
        Tool::new("t").handler(async || {
            tracing::info!(what = ?Talkative);
            tracing::info!("after");
        })
    };
    let heard = each_era(tool, "debug").await;
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard[0]["data"], json!({ "what": "talkative" }));
    assert_eq!(heard[1]["data"], json!({ "message": "after" }));
}

#[tokio::test]
async fn long_events_are_cut_and_many_are_dropped() {
    let _guard = install();
    let tool = || {
        Tool::new("t").handler(async || {
            let long = "é".repeat(100_000);
            for _ in 0..1_000 {
                tracing::info!(first = 1, long, last = 2, "message");
            }
        })
    };
    let heard = each_era(tool, "debug").await;
    assert!((1..=256).contains(&heard.len()), "{}", heard.len());
    let data = &heard[0]["data"];
    let long = data["long"].as_str().unwrap();
    assert!(long.ends_with("é…") && long.len() < 17_000, "{}", long.len());
    assert_eq!((&data["first"], data.get("last")), (&json!(1), None));
}

#[tokio::test]
async fn filters_of_the_layer_count() {
    let ours = Targets::new().with_target("films", LevelFilter::INFO);
    let layer = LogToClient::new().with_filter(ours);
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let tool = || {
        Tool::new("t").handler(async || {
            tracing::info!(target: "films::reel", "ours");
            tracing::debug!(target: "films", "too little");
            tracing::error!(target: "database", "not ours");
        })
    };
    let heard = each_era(tool, "debug").await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0]["logger"], "films::reel");
}

#[tokio::test]
async fn events_and_messages_keep_their_order() {
    let _guard = install();
    let tool = || {
        Tool::new("t").handler(async |ctx: CallContext| {
            tracing::info!("first");
            ctx.log(LoggingLevel::Notice, "second");
            tracing::info!("third");
        })
    };
    let heard = each_era(tool, "debug").await;
    let said: Vec<_> = heard.iter().map(|said| said["data"].to_string()).collect();
    assert_eq!(said, [r#"{"message":"first"}"#, r#""second""#, r#"{"message":"third"}"#]);
}

#[tokio::test]
async fn a_server_that_does_not_declare_logging_sends_nothing() {
    let _guard = install();
    let tool = Tool::new("t").handler(async || tracing::error!("unheard"));
    let server = Server::builder("t", "1").tool(tool).build().unwrap();
    let mut client = Client::connect(server, Era::Legacy).await;
    client.request(1, "tools/call", json!({ "name": "t" })).await;
    assert_eq!(client.message().await["id"], 1);
}
