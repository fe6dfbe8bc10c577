//! The other end of a connection, played by the test.

use mcp_client::{Client, ClientBuilder, EraChoice, Io};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf, duplex, split,
};

/// What a modern server answers to `server/discover`.
pub(crate) const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"peer","version":"1"}}}"#;
/// What a legacy server answers to `initialize`.
pub(crate) const INITIALIZED: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"peer","version":"1"}}"#;

/// A server that says what the test tells it to.
pub(crate) struct Peer {
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
    /// Every line that came.
    pub(crate) heard: Vec<String>,
}

/// A request that came.
pub(crate) struct Asked {
    pub(crate) id: i64,
    pub(crate) method: String,
    pub(crate) params: Value,
}

/// Both ends of a connection.
pub(crate) fn pair() -> (Io, Peer) {
    pair_with_room(1024 * 1024)
}

/// Both ends of a connection that holds this many bytes in each direction.
pub(crate) fn pair_with_room(room: usize) -> (Io, Peer) {
    let (ours, theirs) = duplex(room);
    let (reader, writer) = split(theirs);
    (Io::new(ours), Peer { reader: BufReader::new(reader), writer, heard: Vec::new() })
}

pub(crate) fn builder() -> ClientBuilder {
    Client::builder("viewer", "1.0")
}

/// A client and a server that have agreed on the modern era.
pub(crate) async fn modern(builder: ClientBuilder) -> (Client, Peer) {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder.connect(io), async {
        peer.answer("server/discover", DISCOVERED).await;
    });
    (client.unwrap(), peer)
}

/// A client and a server that have agreed on the legacy era.
pub(crate) async fn legacy(builder: ClientBuilder) -> (Client, Peer) {
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder.era(EraChoice::Legacy).connect(io), async {
        peer.answer("initialize", INITIALIZED).await;
        assert_eq!(peer.line().await["method"], "notifications/initialized");
    });
    (client.unwrap(), peer)
}

impl Peer {
    /// The next line, if there is one.
    pub(crate) async fn text(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line).await.unwrap() {
            0 => None,
            _ => {
                self.heard.push(line.clone());
                Some(line)
            }
        }
    }

    /// The next message.
    pub(crate) async fn line(&mut self) -> Value {
        let line = self.text().await.expect("the client closed the connection");
        serde_json::from_str(&line).expect(&line)
    }

    /// The next message, which has to be a request.
    pub(crate) async fn asked(&mut self) -> Asked {
        let message = self.line().await;
        let id = message["id"].as_i64().unwrap_or_else(|| panic!("no request: {message}"));
        let method = message["method"].as_str().unwrap().to_owned();
        Asked { id, method, params: message["params"].clone() }
    }

    /// Sends one line.
    pub(crate) async fn say(&mut self, line: impl AsRef<str>) {
        self.writer.write_all(format!("{}\n", line.as_ref()).as_bytes()).await.unwrap();
    }

    /// Sends a result.
    pub(crate) async fn result(&mut self, id: i64, result: impl std::fmt::Display) {
        self.say(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)).await;
    }

    /// Sends an error.
    pub(crate) async fn error(&mut self, id: i64, error: Value) {
        self.say(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()).await;
    }

    /// Sends a notification.
    pub(crate) async fn tell(&mut self, method: &str, params: Value) {
        self.say(json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()).await;
    }

    /// Sends progress of a request.
    pub(crate) async fn progress(&mut self, id: i64, done: u32) {
        let params = json!({ "progressToken": id, "progress": done, "total": 9 });
        let method = "notifications/progress";
        self.say(json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()).await;
    }

    /// Awaits a request of this method and answers it.
    pub(crate) async fn answer(&mut self, method: &str, result: impl std::fmt::Display) -> Asked {
        let asked = self.asked().await;
        assert_eq!(asked.method, method);
        self.result(asked.id, result).await;
        asked
    }

    /// Answers this many calls of `echo` with the message they carry, oldest first.
    pub(crate) async fn echo(&mut self, calls: usize) {
        for _ in 0..calls {
            let asked = self.asked().await;
            assert_eq!(
                (asked.method.as_str(), &asked.params["name"]),
                ("tools/call", &json!("echo"))
            );
            let text = &asked.params["arguments"]["message"];
            let content = json!({ "content": [{ "type": "text", "text": text }] });
            self.result(asked.id, content).await;
        }
    }

    /// Whatever still comes until the client closes the connection.
    pub(crate) async fn rest(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Some(line) = self.text().await {
            rest.push(line);
        }
        rest
    }
}
