//! A server in this process, over a byte stream and on virtual time.

use mcp_core::{Principal, Tenant};
use mcp_server::{Error, Server};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt, AsyncWriteExt, BufReader, BufWriter, DuplexStream, ReadHalf, WriteHalf,
    duplex, split,
};
use tokio::task::JoinHandle;

use crate::conversation::{LEGACY, initialize_request, notification};

/// One connection to a server.
pub(crate) struct Stream {
    reader: BufReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
    served: JoinHandle<Result<(), Error>>,
}

impl Stream {
    /// A connection on which nothing has been said.
    pub(crate) fn silent(server: &Server) -> Self {
        Self::of(server, Principal::local())
    }

    /// The connection of a caller.
    pub(crate) fn of(server: &Server, caller: Principal) -> Self {
        let (ours, theirs) = duplex(64 * 1024);
        let (reader, writer) = split(ours);
        let server = server.clone();
        let served = tokio::spawn(async move {
            let (reader, writer) = split(theirs);
            // A writer with a buffer of its own, as many have: what is not flushed does not arrive.
            let writer = BufWriter::new(writer);
            server.serve_as(caller, Tenant::default(), reader, writer).await
        });
        Self { reader: BufReader::new(reader), writer, served }
    }

    /// A connection with a legacy session.
    pub(crate) async fn legacy(server: &Server) -> Self {
        Self::silent(server).initialized(json!([])).await
    }

    /// Opens a legacy session that asks for these profiles.
    pub(crate) async fn initialized(mut self, profiles: Value) -> Self {
        let answer = self.initialize(profiles).await;
        assert!(answer.get("result").is_some(), "{answer}");
        self.send(notification("notifications/initialized", json!({}))).await;
        self
    }

    /// Sends `initialize` that asks for these profiles.
    pub(crate) async fn initialize(&mut self, profiles: Value) -> Value {
        let mut line = initialize_request("initialize", LEGACY);
        line["params"]["requestedProfiles"] = profiles;
        self.ask(line).await
    }

    /// Sends a line.
    pub(crate) async fn send(&mut self, line: impl ToString) {
        let line = format!("{}\n", line.to_string());
        self.writer.write_all(line.as_bytes()).await.expect("the server reads");
    }

    /// The next message; `None` at the end.
    pub(crate) async fn receive(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line).await.expect("the server writes text") {
            0 => None,
            _ => Some(serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}"))),
        }
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Value {
        self.receive().await.expect("a message, not the end of the output")
    }

    /// Sends a request and returns the next message, which has to answer it.
    pub(crate) async fn ask(&mut self, request: Value) -> Value {
        self.send(&request).await;
        let answer = self.message().await;
        assert_eq!(answer["id"], request["id"], "{answer}");
        answer
    }

    /// Ends the input and returns what had not been read.
    pub(crate) async fn end(mut self) -> Vec<Value> {
        self.writer.shutdown().await.expect("the server reads");
        let mut rest = Vec::new();
        while let Some(message) = self.receive().await {
            rest.push(message);
        }
        self.served.await.expect("serving does not panic").expect("serving ends well");
        rest
    }

    /// Ends the input and waits for the server, without reading.
    pub(crate) async fn end_unread(mut self) {
        self.writer.shutdown().await.expect("the server reads");
        self.served.await.expect("serving does not panic").expect("serving ends well");
    }

    /// Waits for the server to end on its own, and returns what had not been read.
    pub(crate) async fn until_the_end(mut self) -> Vec<Value> {
        let mut rest = Vec::new();
        while let Some(message) = self.receive().await {
            rest.push(message);
        }
        self.served.await.expect("serving does not panic").expect("serving ends well");
        rest
    }
}
