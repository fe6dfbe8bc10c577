//! Messages to and from a server over HTTP: each a POST of its own.
//!
//! Owns headers, sessions and streams, and notices what is wrong with a response before its message
//! is looked at. One task reads one response; all of them end with the [`Exchanges`].

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mcp_client::{Error, Http};
use mcp_core::http::header::{self, encode_value};
use mcp_core::http::sse::Parser;
use mcp_core::version::Era;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::rule;
use super::wire::{Arrival, LONGEST, Refusal};
use crate::duration::brief;
use crate::output::plain;
use crate::output::table::cut;

/// All exchanges with a server that belong together.
#[derive(Debug)]
pub(super) struct Exchanges {
    http: Http,
    era: Era,
    session: Option<String>,
    arrivals: mpsc::Receiver<Came>,
    sender: mpsc::Sender<Came>,
    running: JoinSet<()>,
    /// The tasks that wait for answers, by the text of the request's id.
    requests: BTreeMap<String, AbortHandle>,
    events: Events,
}

/// The ids of all events of a session.
type Events = Arc<Mutex<BTreeSet<String>>>;

/// What tasks tell.
#[derive(Debug)]
enum Came {
    Arrival(Arrival),
    /// A session was begun.
    Session(String),
}

impl Exchanges {
    pub(super) fn new(http: &Http, era: Era) -> Self {
        let (sender, arrivals) = mpsc::channel(WAITING);
        Self {
            http: http.clone(),
            era,
            session: None,
            arrivals,
            sender,
            running: JoinSet::new(),
            requests: BTreeMap::new(),
            events: Events::default(),
        }
    }

    /// Sends a message; one that will get no answer is waited for until it is accepted, because the
    /// next one may need it.
    pub(super) async fn send(&mut self, line: &str, version: &str, limit: Duration) {
        let said: Value = serde_json::from_str(line).unwrap_or_default();
        let request = match post(&self.http, self.era, self.session.as_deref(), version, &said) {
            Ok(request) => request.body(line.to_owned()),
            Err(error) => return self.note(Arrival::Gone(error.to_string())),
        };
        let ids = ids(&said);
        let exchange = Exchange {
            era: self.era,
            opens: method(&said) == Some("initialize"),
            http: self.http.clone(),
            session: self.session.clone(),
            ids,
            sender: self.sender.clone(),
            events: Arc::clone(&self.events),
        };
        if exchange.ids.is_empty() {
            let is_message = said.is_object();
            let work = async { acknowledged(request.send().await, is_message).await };
            let arrival = timeout(limit, work).await.unwrap_or_else(|_| {
                let detail =
                    format!("a notification or answer got nothing within {}", brief(limit));
                Some(Arrival::Offence(&rule::HTTP_ACCEPTED, detail))
            });
            arrival.into_iter().for_each(|arrival| self.note(arrival));
            if method(&said) == Some("notifications/initialized") && self.era == Era::Legacy {
                self.running.spawn(exchange.listen(version.to_owned()));
            }
        } else {
            let ids = exchange.ids.clone();
            let task = self.running.spawn(exchange.run(request));
            self.requests.extend(ids.into_iter().map(|id| (id, task.clone())));
        }
    }

    pub(super) async fn next(&mut self, deadline: Instant) -> Arrival {
        loop {
            match timeout_at(deadline, self.arrivals.recv()).await {
                Ok(Some(Came::Arrival(arrival))) => return arrival,
                Ok(Some(Came::Session(id))) => self.session = Some(id),
                Ok(None) | Err(_) => return Arrival::Late,
            }
        }
    }

    /// Closes the stream on which a request waits for its answer.
    pub(super) fn cancel(&mut self, id: &str) {
        if let Some(task) = self.requests.remove(id) {
            task.abort();
        }
    }

    /// Ends the session, if there is one.
    pub(super) async fn end(self, deadline: Instant) {
        let Some(session) = &self.session else { return };
        if let Ok(request) = self.http.request(Method::DELETE) {
            let request = request.header(header::MCP_SESSION_ID, session);
            // Whether it is allowed is another rule's business.
            let _ = timeout_at(deadline, request.send()).await;
        }
    }

    fn note(&self, arrival: Arrival) {
        // Whoever has let that many offences pile up has heard enough.
        let _ = self.sender.try_send(Came::Arrival(arrival));
    }
}

/// A request to the endpoint, with the headers that its message asks for.
pub(super) fn post(
    http: &Http,
    era: Era,
    session: Option<&str>,
    version: &str,
    said: &Value,
) -> Result<RequestBuilder, Error> {
    let mut request = http
        .request(Method::POST)?
        .header(CONTENT_TYPE, "application/json")
        .header(ACCEPT, "application/json, text/event-stream");
    let method = method(said);
    if era == Era::Legacy {
        if method != Some("initialize") {
            if let Some(session) = session {
                request = request.header(header::MCP_SESSION_ID, session);
            }
            if !version.is_empty() {
                request = request.header(header::MCP_PROTOCOL_VERSION, version);
            }
        }
        return Ok(request);
    }
    let stated = said.pointer("/params/_meta/io.modelcontextprotocol~1protocolVersion");
    request = request
        .header(header::MCP_PROTOCOL_VERSION, stated.and_then(Value::as_str).unwrap_or(version));
    let Some(method) = method else { return Ok(request) };
    request = request.header(header::MCP_METHOD, method);
    let name = header::name_member(method)
        .and_then(|member| said.get("params")?.get(member)?.as_str().map(str::to_owned));
    Ok(match name {
        Some(name) => request.header(header::MCP_NAME, &*encode_value(&name)),
        None => request,
    })
}

/// The media type of a response, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

/// The body of a response, up to a bound.
pub(super) async fn body(response: &mut Response, most: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(causes)? {
        if body.len() + chunk.len() > most {
            return Err(format!("a body of more than {most} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Why a request failed, in one line, without the address, which may hold keys.
pub(super) fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    cut(&plain::one_line(&text), 200)
}

/// One POST and what comes of it.
struct Exchange {
    era: Era,
    /// It asks for a session.
    opens: bool,
    http: Http,
    session: Option<String>,
    /// The requests in it, by the texts of their ids.
    ids: Vec<String>,
    sender: mpsc::Sender<Came>,
    events: Events,
}

impl Exchange {
    async fn run(mut self, request: RequestBuilder) {
        let why = match request.send().await {
            Ok(response) => self.read(response).await,
            Err(error) if error.is_connect() => {
                return self.tell(Arrival::Gone(causes(error))).await;
            }
            Err(error) => Refusal::Broken(causes(error)),
        };
        for id in std::mem::take(&mut self.ids) {
            self.tell(Arrival::Refused { id, why: why.clone() }).await;
        }
    }

    /// Reads a response; what there is instead of the answers that did not come.
    async fn read(&mut self, mut response: Response) -> Refusal {
        let status = response.status().as_u16();
        let session = response.headers().get(header::MCP_SESSION_ID);
        if let Some(session) = session.and_then(|id| id.to_str().ok()) {
            if self.opens && self.era == Era::Legacy {
                let _ = self.sender.send(Came::Session(session.to_owned())).await;
            } else if self.era != Era::Legacy {
                let detail = "a modern request was answered with a session id".to_owned();
                self.offence(&rule::HTTP_NO_SESSION, detail).await;
            }
        }
        match (status, &*media_type(response.headers())) {
            (200, "text/event-stream") => self.stream(response).await,
            (200, "application/json") => match body(&mut response, LONGEST).await {
                Ok(bytes) => {
                    self.message(&bytes, Some(200)).await;
                    Refusal::Broken("a response without the answer".to_owned())
                }
                Err(why) => Refusal::Broken(why),
            },
            (200, other) => {
                let detail = match other {
                    "" => "a request was answered without a `Content-Type`".to_owned(),
                    other => format!("a request was answered with `{}`", plain::one_line(other)),
                };
                self.offence(&rule::HTTP_TYPE, detail).await;
                Refusal::Status(status, String::new())
            }
            _ => {
                let bytes = body(&mut response, LONGEST_ERROR).await.unwrap_or_default();
                let read: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                if read.get("error").is_some() && read.get("jsonrpc").is_some() {
                    self.message(&bytes, Some(status)).await;
                }
                let text = String::from_utf8_lossy(&bytes);
                Refusal::Status(status, cut(&plain::one_line(text.trim()), 80))
            }
        }
    }

    /// Reads a stream, and resumes it where the server has hung up on purpose.
    async fn stream(&mut self, mut response: Response) -> Refusal {
        let mut parser = Parser::with_limit(LONGEST);
        for _ in 0..=RESUMPTIONS {
            loop {
                let Ok(Some(chunk)) = response.chunk().await else { break };
                let mut input = &chunk[..];
                loop {
                    let (id, data) = match parser.next_event(&mut input) {
                        Ok(Some(event)) => {
                            let data = event.is_message() && !event.data.is_empty();
                            (event.id.map(str::to_owned), data.then(|| event.data.to_vec()))
                        }
                        Ok(None) => break,
                        Err(error) => return Refusal::Broken(error.to_string()),
                    };
                    if let Some(id) = id {
                        self.event(id).await;
                    }
                    if let Some(data) = data {
                        self.message(&data, None).await;
                    }
                }
            }
            let (true, false) = (self.era == Era::Legacy, self.ids.is_empty()) else { break };
            let Some(last) = parser.last_event_id() else { break };
            let request = self.http.request(Method::GET).map(|request| {
                let request =
                    request.header(ACCEPT, "text/event-stream").header(header::LAST_EVENT_ID, last);
                match &self.session {
                    Some(session) => request.header(header::MCP_SESSION_ID, session),
                    None => request,
                }
            });
            sleep(parser.retry().unwrap_or(RETRY).min(LONGEST_RETRY)).await;
            let Ok(request) = request else { break };
            match request.send().await {
                Ok(next) if next.status().is_success() => response = next,
                _ => break,
            }
            parser.restart();
        }
        Refusal::Broken("the stream ended without the answer".to_owned())
    }

    /// Listens for what the server says unasked.
    async fn listen(mut self, version: String) {
        let Ok(request) = self.http.request(Method::GET) else { return };
        let mut request = request.header(ACCEPT, "text/event-stream");
        if let Some(session) = &self.session {
            request = request.header(header::MCP_SESSION_ID, session);
        }
        let Ok(response) = request.header(header::MCP_PROTOCOL_VERSION, version).send().await
        else {
            return;
        };
        match (response.status().as_u16(), &*media_type(response.headers())) {
            (200, "text/event-stream") => {
                let _ = self.stream(response).await;
            }
            (405, _) => {}
            (status, kind) => {
                let kind = plain::one_line(kind);
                let detail = format!("GET was answered with status {status} and type `{kind}`");
                self.offence(&rule::HTTP_STREAM, detail).await;
            }
        }
    }

    /// Passes a message on, and looks whether the status fits it.
    async fn message(&mut self, bytes: &[u8], status: Option<u16>) {
        let read: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let messages = one_or_all(&read);
        for message in messages {
            if message.get("method").is_none()
                && let Some(id) = message.get("id")
            {
                let id = id.to_string();
                self.ids.retain(|asked| *asked != id);
            }
        }
        let code = read.pointer("/error/code").and_then(Value::as_i64);
        let wanted = match code {
            Some(-32022..=-32020) => Some(400),
            Some(-32601) => Some(404),
            _ => None,
        };
        if let (Some(code), Some(wanted), Some(status)) = (code, wanted, status)
            && self.era != Era::Legacy
            && status != wanted
        {
            let detail = format!("error {code} came with status {status}, expected {wanted}");
            self.offence(&rule::HTTP_STATUS, detail).await;
        }
        self.tell(Arrival::Message(bytes.to_vec())).await;
    }

    async fn event(&mut self, id: String) {
        let shown = cut(&plain::one_line(&id), 40);
        let known = {
            let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
            events.len() < MOST_EVENTS && !events.insert(id)
        };
        if known && self.era == Era::Legacy {
            self.offence(&rule::EVENT_ID, format!("`{shown}` came twice")).await;
        }
    }

    async fn offence(&self, rule: &'static rule::Rule, detail: String) {
        self.tell(Arrival::Offence(rule, detail)).await;
    }

    async fn tell(&self, arrival: Arrival) {
        // Nobody listens any more when the conversation is over.
        let _ = self.sender.send(Came::Arrival(arrival)).await;
    }
}

/// What is to be said of the response to a message that gets no answer.
async fn acknowledged(sent: Result<Response, reqwest::Error>, is_message: bool) -> Option<Arrival> {
    let mut response = match sent {
        Ok(response) => response,
        Err(error) if error.is_connect() => return Some(Arrival::Gone(causes(error))),
        Err(_) => return None,
    };
    let status = response.status();
    let bytes = body(&mut response, LONGEST_ERROR).await.unwrap_or_default();
    if !is_message {
        // What is no message may be answered with an error that has no id.
        let read: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        return read.get("error").is_some().then_some(Arrival::Message(bytes));
    }
    let accepted = status.as_u16() == 202 && bytes.is_empty();
    (status.is_success() && !accepted).then(|| {
        let status = status.as_u16();
        let detail = match bytes.len() {
            0 => format!("a notification or answer got status {status}"),
            length => format!("a notification or answer got status {status} and {length} bytes"),
        };
        Arrival::Offence(&rule::HTTP_ACCEPTED, detail)
    })
}

/// The messages of a batch, or the only one.
fn one_or_all(said: &Value) -> &[Value] {
    match said {
        Value::Array(all) => all,
        one => std::slice::from_ref(one),
    }
}

fn method(said: &Value) -> Option<&str> {
    said.get("method").and_then(Value::as_str)
}

/// The ids of the requests in a message or batch, as JSON text.
fn ids(said: &Value) -> Vec<String> {
    let messages = one_or_all(said);
    let asks = messages.iter().filter(|message| method(message).is_some());
    asks.filter_map(|message| message.get("id").map(Value::to_string)).collect()
}

/// How many arrivals wait to be looked at.
const WAITING: usize = 256;
/// How much of a response with an error status is read.
const LONGEST_ERROR: usize = 1 << 20;
/// How often a stream is resumed.
const RESUMPTIONS: usize = 3;
/// The pause before that, unless the server says otherwise, and the longest.
const RETRY: Duration = Duration::from_millis(500);
const LONGEST_RETRY: Duration = Duration::from_secs(5);
/// How many event ids are remembered.
const MOST_EVENTS: usize = 10_000;
