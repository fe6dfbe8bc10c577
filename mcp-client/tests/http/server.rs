//! A server in this process that answers as a test says, and remembers what it was asked.

use std::convert::Infallible;
use std::future::Future;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mcp_client::Http;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) http: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The message; null where there is none.
    pub(crate) message: Value,
}

pub(crate) type Response = hyper::Response<UnsyncBoxBody<Bytes, Infallible>>;

/// A server; it ends when it is dropped, with all its connections.
pub(crate) struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Request>>>,
    _tasks: JoinSet<()>,
}

impl Request {
    /// A header, which is there once; empty without.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map_or("", |value| value.to_str().unwrap());
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    pub(crate) fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }

    pub(crate) fn id(&self) -> Value {
        self.message["id"].clone()
    }

    /// What the request is in a few words: the method of HTTP, and of the message if there is one.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}", self.http, self.method()).trim_end().to_owned()
    }

    /// The answer to it.
    pub(crate) fn result(&self, result: impl Serialize) -> Response {
        json_at(200, &json!({ "jsonrpc": "2.0", "id": self.id(), "result": result }))
    }

    pub(crate) fn error(&self, status: u16, code: i64) -> Response {
        let error = json!({ "code": code, "message": "no" });
        json_at(status, &json!({ "jsonrpc": "2.0", "id": self.id(), "error": error }))
    }
}

impl Server {
    pub(crate) async fn start<H, F>(handler: H) -> Self
    where
        H: Fn(Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let seen = Arc::<Mutex<Vec<Request>>>::default();
        let mut tasks = JoinSet::new();
        let log = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (handler, log) = (handler.clone(), Arc::clone(&log));
                let service =
                    service_fn(move |request| answer(handler.clone(), Arc::clone(&log), request));
                connections.spawn(async move {
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { url, seen, _tasks: tasks }
    }

    pub(crate) fn http(&self) -> Http {
        Http::new(&self.url).unwrap()
    }

    /// What it was asked so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// The same in a few words each.
    pub(crate) fn shown(&self) -> Vec<String> {
        self.seen().iter().map(Request::shown).collect()
    }
}

async fn answer<H, F>(
    handler: H,
    log: Arc<Mutex<Vec<Request>>>,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible>
where
    H: Fn(Request) -> F,
    F: Future<Output = Response>,
{
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let request = Request {
        http: head.method.to_string(),
        path: head.uri.to_string(),
        headers: head.headers,
        message: serde_json::from_slice(&body).unwrap_or_default(),
    };
    log.lock().unwrap().push(request.clone());
    Ok(handler(request).await)
}

/// An answer without a body.
pub(crate) fn status(status: u16) -> Response {
    text(status, None, "")
}

pub(crate) fn text(status: u16, kind: Option<&str>, body: &str) -> Response {
    let mut response = hyper::Response::builder().status(status);
    if let Some(kind) = kind {
        response = response.header("content-type", kind);
    }
    response.body(Full::new(Bytes::from(body.to_owned())).boxed_unsync()).unwrap()
}

pub(crate) fn json_at(status: u16, body: &Value) -> Response {
    text(status, Some("application/json"), &body.to_string())
}

/// What keeps a stream of events open and writes to it.
pub(crate) type Writer = mpsc::UnboundedSender<String>;

/// A stream of events.
pub(crate) fn events() -> (Writer, Response) {
    let (writer, lines) = mpsc::unbounded_channel::<String>();
    let lines = stream::unfold(lines, async |mut lines| {
        let text = lines.recv().await?;
        Some((Ok(Frame::data(Bytes::from(text))), lines))
    });
    let response = hyper::Response::builder()
        .header("content-type", "text/event-stream; charset=utf-8")
        .body(StreamBody::new(lines).boxed_unsync())
        .unwrap();
    (writer, response)
}

/// A stream of events that is over already.
pub(crate) fn ended(text: &str) -> Response {
    let (writer, response) = events();
    writer.send(text.to_owned()).unwrap();
    response
}

/// A message as an event.
pub(crate) fn event(message: &Value) -> String {
    format!("event: message\ndata: {message}\n\n")
}

/// The result of a call of a tool.
pub(crate) fn said(text: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": text }] })
}

/// What a modern server says of itself.
pub(crate) fn discovered() -> Value {
    json!({
        "supportedVersions": ["2026-07-28"],
        "capabilities": { "tools": {} },
        "resultType": "complete",
        "ttlMs": 0,
        "cacheScope": "private",
    })
}

/// What a legacy server says of itself.
pub(crate) fn initialized() -> Value {
    json!({
        "protocolVersion": "2025-11-25",
        "capabilities": { "tools": {} },
        "serverInfo": { "name": "scripted", "version": "1" },
    })
}
