//! A peer that says what is written down, and nothing else.
//!
//! Owns the steps and how they are written; [`play`] performs them. It knows lines of JSON-RPC, and
//! of MCP only how a connection begins.

mod play;

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use mcp_core::version::ProtocolVersion;
use serde_json::{Value, json};

pub use play::Playing;

use crate::diff::cut;
use crate::message;
use crate::pattern::ANY;

/// What a peer expects and says, in this order.
///
/// Played as a server it tests a client ([`play_server`](Self::play_server)); played as a client it
/// tests a server ([`play_client`](Self::play_client)). It is for what a well-behaved peer would
/// not do, and for the exact form of what is said; for everything else [`pair`](crate::pair) is
/// shorter.
///
/// What is expected is a pattern. An object fits one that has more members, so that a script names
/// what matters and no more:
///
/// | in a pattern | fits |
/// | --- | --- |
/// | an object | an object that has at least these members, each fitting |
/// | an array | an array of the same length, item by item |
/// | [`ANY`](crate::ANY) (`"$_"`) | anything that is there |
/// | [`ABSENT`](crate::ABSENT) (`"$!"`) | an object without this member |
/// | `"$name"` | anything the first time; from then on the same value again |
/// | `"$$text"` | the string `$text` |
/// | anything else | itself |
///
/// A message that is sent may use the names that were bound by then: `{ "id": "$call", … }` answers
/// the request that was expected with `{ "id": "$call", … }`. [`reply`](Self::reply) does so for the
/// request that came last.
///
/// # Examples
///
/// A client against a server that fails:
///
/// ```
/// use mcp_client::Client;
/// use mcp_test::{Script, assert_refused};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_test::Error> {
/// let (server, played) = Script::modern_server()
///     .expect(json!({ "method": "tools/call", "params": { "name": "search" } }))
///     .refuse(-32603, "the catalogue is on fire")
///     .play_server();
/// let client = Client::builder("viewer", "1.0").connect(server).await?;
/// let found = client.call_tool("search", json!({ "text": "nosferatu" })).await;
/// assert_refused!(found, mcp_client::ErrorCode::INTERNAL_ERROR, "on fire");
/// played.finish().await?;
/// # Ok(())
/// # }
/// ```
///
/// A server, line by line:
///
/// ```
/// use mcp_server::{ProtocolVersion, Server};
/// use mcp_test::{Script, message};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), mcp_test::Error> {
/// Script::legacy_client(&ProtocolVersion::V2025_06_18)
///     .send(message::request("x", "ping", json!({})))
///     .expect_exactly(json!({ "jsonrpc": "2.0", "id": "x", "result": {} }))
///     .send_raw("{ nonsense\n")
///     .expect(json!({ "error": { "code": -32700 } }))
///     .play_client(Server::builder("empty", "1.0"))
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a script does nothing before it is played"]
pub struct Script {
    steps: Vec<Placed>,
    rules: Vec<(Value, Option<Value>)>,
    patience: Duration,
}

/// A step, and where it was written.
#[derive(Debug, Clone)]
struct Placed {
    step: Step,
    at: &'static Location<'static>,
}

#[derive(Debug, Clone)]
enum Step {
    Expect {
        pattern: Value,
        exactly: bool,
    },
    ExpectClose,
    ExpectNothing(Duration),
    Send(Value),
    /// Members of a response to the last request, besides `jsonrpc` and `id`.
    Respond(Value),
    Raw(Vec<u8>),
    Wait(Duration),
    Close,
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl Script {
    /// A script without steps.
    pub fn new() -> Self {
        Self { steps: Vec::new(), rules: Vec::new(), patience: PATIENCE }
    }

    /// A server of MCP 2026-07-28 with tools, until a client has discovered it.
    #[track_caller]
    pub fn modern_server() -> Self {
        Self::new().expect(json!({ "method": "server/discover", "id": ANY })).reply(json!({
            "resultType": "complete",
            "supportedVersions": [ProtocolVersion::V2026_07_28.as_str()],
            "capabilities": { "tools": {} },
            "ttlMs": 0,
            "cacheScope": "private",
            "_meta": { "io.modelcontextprotocol/serverInfo": { "name": "script", "version": "1.0" } },
        }))
    }

    /// A server of a legacy version with tools, until a client has initialized it.
    ///
    /// It does not know `server/discover`, and says so.
    #[track_caller]
    pub fn legacy_server(version: &ProtocolVersion) -> Self {
        let unknown = message::error("$discover", -32601, "method not found: server/discover");
        Self::new()
            .whenever(json!({ "method": "server/discover", "id": "$discover" }), unknown)
            .expect(json!({ "method": "initialize", "id": ANY }))
            .reply(json!({
                "protocolVersion": version.as_str(),
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "script", "version": "1.0" },
            }))
            .expect(json!({ "method": "notifications/initialized" }))
    }

    /// A client of a legacy version that has initialized the server.
    ///
    /// A modern client needs no such beginning: make its requests with
    /// [`message::modern`](crate::message::modern).
    #[track_caller]
    pub fn legacy_client(version: &ProtocolVersion) -> Self {
        Self::new()
            .send(message::initialize("initialize", version))
            .expect(json!({
                "id": "initialize",
                "result": { "protocolVersion": version.as_str(), "serverInfo": ANY },
            }))
            .send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }))
    }

    /// Expects the next message to fit this pattern.
    #[track_caller]
    pub fn expect(self, pattern: Value) -> Self {
        self.then(Step::Expect { pattern, exactly: false })
    }

    /// Expects the next message to be this one, without a member more or less.
    #[track_caller]
    pub fn expect_exactly(self, message: Value) -> Self {
        self.then(Step::Expect { pattern: message, exactly: true })
    }

    /// Expects that nothing comes for so long; the [clock](crate::clock) may be stopped.
    #[track_caller]
    pub fn expect_nothing(self, duration: Duration) -> Self {
        self.then(Step::ExpectNothing(duration))
    }

    /// Expects the other side to close the connection.
    #[track_caller]
    pub fn expect_close(self) -> Self {
        self.then(Step::ExpectClose)
    }

    /// Answers the request that came last with this result.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "a result is written where it is sent")]
    pub fn reply(self, result: Value) -> Self {
        self.then(Step::Respond(json!({ "result": result })))
    }

    /// Answers the request that came last with an error.
    #[track_caller]
    pub fn refuse(self, code: i64, message: &str) -> Self {
        self.then(Step::Respond(json!({ "error": { "code": code, "message": message } })))
    }

    /// Sends a message as it is, with values in place of `"$name"`s.
    #[track_caller]
    pub fn send(self, message: Value) -> Self {
        self.then(Step::Send(message))
    }

    /// Sends bytes as they are; a line feed is not added.
    #[track_caller]
    pub fn send_raw(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Raw(bytes.into()))
    }

    /// Lets so much time pass; the [clock](crate::clock) may be stopped.
    #[track_caller]
    pub fn wait(self, duration: Duration) -> Self {
        self.then(Step::Wait(duration))
    }

    /// Closes the connection in both directions.
    #[track_caller]
    pub fn close(self) -> Self {
        self.then(Step::Close)
    }

    /// Answers every message that fits a pattern and is not the one expected, at any time.
    pub fn whenever(mut self, pattern: Value, answer: Value) -> Self {
        self.rules.push((pattern, Some(answer)));
        self
    }

    /// Passes over every message that fits a pattern and is not the one expected, at any time.
    pub fn ignore(mut self, pattern: Value) -> Self {
        self.rules.push((pattern, None));
        self
    }

    /// Sets how long a message may be awaited; 10 seconds unless set.
    pub fn patience(mut self, limit: Duration) -> Self {
        self.patience = limit;
        self
    }

    #[track_caller]
    fn then(mut self, step: Step) -> Self {
        self.steps.push(Placed { step, at: Location::caller() });
        self
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expect { pattern, exactly: false } => write!(f, "expect {}", shown(pattern)),
            Self::Expect { pattern, .. } => write!(f, "expect exactly {}", shown(pattern)),
            Self::ExpectClose => f.write_str("expect the end of the connection"),
            Self::ExpectNothing(duration) => write!(f, "expect nothing for {duration:?}"),
            Self::Send(message) => write!(f, "send {}", shown(message)),
            Self::Respond(members) => write!(f, "answer {}", shown(members)),
            Self::Raw(bytes) => {
                write!(
                    f,
                    "send {}",
                    cut(&String::from_utf8_lossy(bytes).escape_debug().to_string())
                )
            }
            Self::Wait(duration) => write!(f, "wait {duration:?}"),
            Self::Close => f.write_str("close the connection"),
        }
    }
}

fn shown(message: &Value) -> String {
    cut(&crate::canonical::line(message))
}

/// How long a message is awaited.
const PATIENCE: Duration = Duration::from_secs(10);
