//! Connections over real sockets: hostile clients, idle ones, and the end of the service.

mod front;
mod http1;
mod http2;
mod limits;
mod shutdown;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use super::HttpService;
use super::settings::Settings;
use crate::{CallContext, Error, Progress, Server, Tool};

const BLINK: Duration = Duration::from_millis(150);

/// A service at a port of this machine.
struct World {
    address: SocketAddr,
    /// How many handlers run.
    running: watch::Receiver<usize>,
    /// Lets one handler of `wait` go on.
    go: Arc<Notify>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<(), Error>>,
    /// How many tasks there were before.
    tasks: usize,
}

/// Counts a handler for as long as it is there.
struct Counted(Arc<watch::Sender<usize>>);

impl Counted {
    fn begin(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

async fn world(change: impl FnOnce(&mut Settings)) -> World {
    world_draining(Duration::from_secs(60), change).await
}

async fn world_draining(drain: Duration, change: impl FnOnce(&mut Settings)) -> World {
    let tasks = alive();
    let (count, running) = watch::channel(0);
    let (count, go) = (Arc::new(count), Arc::new(Notify::new()));
    let echo = Tool::new("echo").params(["text"]).handler(async |text: String| text);
    let (counted, gate) = (Arc::clone(&count), Arc::clone(&go));
    let wait = Tool::new("wait").handler(move || {
        let (guard, gate) = (Counted::begin(&counted), Arc::clone(&gate));
        async move {
            gate.notified().await;
            drop(guard);
            "went"
        }
    });
    let flood = Tool::new("flood").handler(move |context: CallContext| {
        let guard = Counted::begin(&count);
        async move {
            let message = "x".repeat(10_000);
            for step in 1.. {
                context.report(Progress::new(step).message(&*message)).await;
                tokio::task::yield_now().await;
            }
            drop(guard);
            "never"
        }
    });
    let server = Server::builder("films", "1.0").drain_timeout(drain);
    let server = server.tool(echo).tool(wait).tool(flood).build().unwrap();
    let service = HttpService::new(server).change(|plan| change(&mut plan.settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        service.serve_until(listener, stopped).await
    });
    World { address, running, go, stop: Some(stop), serving, tasks }
}

impl World {
    async fn connect(&self) -> Raw {
        Raw { stream: TcpStream::connect(self.address).await.unwrap(), read: Vec::new() }
    }

    /// A connection of a client whose system takes little.
    async fn connect_small(&self) -> Raw {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        Raw { stream: socket.connect(self.address).await.unwrap(), read: Vec::new() }
    }

    /// Waits until so many handlers run.
    async fn runs(&self, count: usize) {
        let mut running = self.running.clone();
        drop(within(running.wait_for(|running| *running == count)).await.unwrap());
    }

    /// Says that the service is to stop.
    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until the service has stopped and nothing is left of it.
    async fn ends(mut self) {
        within(&mut self.serving).await.unwrap().unwrap();
        self.runs(0).await;
        let gone = async {
            while alive() > self.tasks {
                tokio::task::yield_now().await;
            }
        };
        within(gone).await;
    }
}

/// A connection of which each byte is known.
struct Raw {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer with a body of known length.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Raw {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Sends all that it can; the server may not want to have it.
    async fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        drop(within(self.stream.write_all(bytes.as_ref())).await);
    }

    /// Reads until what was read contains `text`; gives everything up to its end.
    async fn until(&mut self, text: &str) -> String {
        loop {
            let found = self.read.windows(text.len()).position(|at| at == text.as_bytes());
            if let Some(at) = found {
                let rest = self.read.split_off(at + text.len());
                return String::from_utf8(std::mem::replace(&mut self.read, rest)).unwrap();
            }
            let more = within(self.stream.read_buf(&mut self.read)).await.unwrap();
            assert!(more > 0, "{}", String::from_utf8_lossy(&self.read));
        }
    }

    async fn head(&mut self) -> Answer {
        let head = self.until("\r\n\r\n").await.to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: String::new() }
    }

    async fn answer(&mut self) -> Answer {
        let mut answer = self.head().await;
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.read.len() < length {
            let more = within(self.stream.read_buf(&mut self.read)).await.unwrap();
            assert!(more > 0, "{answer:?}");
        }
        let rest = self.read.split_off(length);
        answer.body = String::from_utf8(std::mem::replace(&mut self.read, rest)).unwrap();
        answer
    }

    /// Waits until the server has closed the connection; gives what came before.
    async fn closed(mut self) -> String {
        // A server that does not read everything resets the connection.
        drop(within(self.stream.read_to_end(&mut self.read)).await);
        String::from_utf8_lossy(&self.read).into_owned()
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// A modern request: its headers without `Host` and length, and its body.
fn modern(id: u32, method: &str, mut params: Value) -> (String, String) {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "progressToken": 7,
    });
    let name = params["name"].as_str().map(|name| format!("Mcp-Name: {name}\r\n"));
    let head = format!(
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{}",
        name.unwrap_or_default()
    );
    let body = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
    (head, body.to_string())
}

fn call(id: u32, tool: &str, arguments: &Value) -> (String, String) {
    modern(id, "tools/call", json!({ "name": tool, "arguments": arguments }))
}

fn echo(id: u32) -> (String, String) {
    call(id, "echo", &json!({ "text": format!("echo {id}") }))
}

/// A whole POST.
fn post((head, body): (String, String)) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A POST of a legacy session, or the one that begins it.
fn legacy(session: Option<&str>, method: &str, params: &Value) -> String {
    let session = session.map(|id| format!("Mcp-Session-Id: {id}\r\n")).unwrap_or_default();
    let head = format!(
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n{session}"
    );
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    post((head, body.to_string()))
}

/// No test waits for ever.
async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it takes too long")
}

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}
