//! A conversation with a server, message by message, in which nothing that it says is trusted.
//!
//! Owns ids and waiting, and notices what must not happen on any connection: noise, malformed
//! messages, answers that nobody asked for. What an answer should be is for the probes, and how
//! messages travel for [`Pipe`] and [`Exchanges`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mcp_client::transport::child_process::Ended;
use mcp_client::{Direction, Error, Stderr};
use mcp_core::version::Era;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::exchange::Exchanges;
use super::ledger::Ledger;
use super::pipe::Pipe;
use super::rule::{self, Rule};
use crate::duration::brief;
use crate::failure::Failure;
use crate::output::json::pretty;
use crate::output::paint::Paint;
use crate::output::plain;
use crate::output::printer::Printer;
use crate::output::table::cut;
use crate::output::trace;
use crate::target::Place;

/// Where conversations begin.
#[derive(Debug)]
pub(crate) struct Lab<'a> {
    pub(crate) server: Place,
    /// The longest wait for an answer that has to come.
    pub(crate) timeout: Duration,
    /// Where messages are shown, if they are.
    pub(crate) trace: Option<(Paint, &'a Printer)>,
}

impl Lab<'_> {
    /// Starts the server anew, or begins to talk to one that runs.
    pub(crate) fn start(&self, era: Era) -> Result<Peer<'_>, Failure> {
        let wire = match &self.server {
            Place::Program(program) => {
                let program = match self.trace {
                    Some(_) => program.clone().stderr(Stderr::Tracing),
                    None => (**program).clone(),
                };
                let failed = |error| Failure::Library(Error::Transport(Box::new(error)));
                let Some(pipe) = Pipe::open(program.spawn().map_err(failed)?) else {
                    let why = "the server process has no streams".to_owned();
                    return Err(Failure::Library(Error::Closed(why)));
                };
                Wire::Pipe(Box::new(pipe))
            }
            Place::Url(http) => Wire::Http(Box::new(Exchanges::new(http, era))),
        };
        Ok(Peer {
            lab: self,
            wire,
            era,
            version: String::new(),
            capabilities: Value::Null,
            initialized: era != Era::Legacy,
            listening: false,
            asked: BTreeMap::new(),
            over: BTreeSet::new(),
            next: 1,
            progress: BTreeMap::new(),
            last_sent: String::new(),
            incidents: Vec::new(),
            unknown_errors: Vec::new(),
            gone: None,
        })
    }
}

/// How messages travel.
#[derive(Debug)]
enum Wire {
    Pipe(Box<Pipe>),
    Http(Box<Exchanges>),
}

/// What comes from the server.
#[derive(Debug)]
pub(super) enum Arrival {
    /// What should be a message.
    Message(Vec<u8>),
    /// Something that is wrong however it is looked at.
    Offence(&'static Rule, String),
    /// The request with this id (its JSON text) will get no answer, but got this.
    Refused { id: String, why: Refusal },
    /// Nothing more will come.
    Gone(String),
    /// Nothing came in time.
    Late,
}

/// What there is instead of an answer, over HTTP.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// A status, and the beginning of what came with it.
    Status(u16, String),
    /// The exchange came to no good end.
    Broken(String),
}

/// A server that is talked to.
#[derive(Debug)]
pub(crate) struct Peer<'a> {
    lab: &'a Lab<'a>,
    wire: Wire,
    pub(crate) era: Era,
    /// The protocol version that was agreed.
    pub(crate) version: String,
    /// What the server says it can do.
    pub(crate) capabilities: Value,
    initialized: bool,
    listening: bool,
    /// The methods of requests in flight, by the text of their ids.
    asked: BTreeMap<String, String>,
    /// The ids of requests that are over.
    over: BTreeSet<String>,
    next: i64,
    /// The last progress of each token that was given out.
    progress: BTreeMap<String, Option<f64>>,
    last_sent: String,
    incidents: Vec<(&'static Rule, String)>,
    /// Errors without an id.
    pub(crate) unknown_errors: Vec<i64>,
    /// Why nothing more will come.
    gone: Option<String>,
}

/// What was heard.
enum Heard {
    Message(Value),
    Refused(String, Refusal),
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Answer {
    Result(Value),
    Error {
        code: Option<i64>,
        message: String,
        data: Value,
    },
    /// Over HTTP: something else than an answer.
    Refused(Refusal),
    Silence(Duration),
    /// The server is gone.
    Gone(String),
}

impl Answer {
    pub(crate) fn code(&self) -> Option<i64> {
        match self {
            Self::Error { code, .. } => *code,
            _ => None,
        }
    }

    pub(crate) fn result(&self) -> Option<&Value> {
        match self {
            Self::Result(result) => Some(result),
            _ => None,
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Gone(_))
    }

    /// What came, in a few words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Result(result) => format!("the result {}", shown(result)),
            Self::Error { code: Some(code), message, .. } => {
                format!("error {code} `{}`", cut(&plain::one_line(message), 80))
            }
            Self::Error { code: None, .. } => "an error without a code".to_owned(),
            Self::Refused(Refusal::Status(status, said)) if said.is_empty() => {
                format!("HTTP status {status}")
            }
            Self::Refused(Refusal::Status(status, said)) => {
                format!("HTTP status {status} `{said}`")
            }
            Self::Refused(Refusal::Broken(why)) => why.clone(),
            Self::Silence(time) => format!("no answer within {}", brief(*time)),
            Self::Gone(why) => why.clone(),
        }
    }
}

impl Peer<'_> {
    /// Makes a request as the era wants it, and waits for the answer, which has to come.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Answer {
        let id = json!(self.next_id());
        self.ask(&id, method, self.dressed(params)).await;
        self.wait(&id.to_string(), self.lab.timeout).await
    }

    /// Makes a request that may be wrong on purpose, and does not wait long for the answer.
    pub(crate) async fn probe(&mut self, method: &str, params: Value) -> Answer {
        self.probe_bare(method, self.dressed(params)).await
    }

    /// Makes a request with these parameters and nothing else.
    pub(crate) async fn probe_bare(&mut self, method: &str, params: Value) -> Answer {
        let id = json!(self.next_id());
        self.probe_as(&id, method, params).await
    }

    /// The same with an id of the caller's.
    pub(crate) async fn probe_as(&mut self, id: &Value, method: &str, params: Value) -> Answer {
        self.ask(id, method, params).await;
        self.wait(&id.to_string(), self.quick()).await
    }

    /// The first request to a modern server, which may have to start.
    pub(crate) async fn discover(&mut self) -> Answer {
        let id = json!(self.next_id());
        self.ask(&id, "server/discover", self.dressed(json!({}))).await;
        // A legacy server may be silent.
        self.wait(&id.to_string(), self.lab.timeout.min(PROBE)).await
    }

    /// Makes several requests in one message, and waits for the answer to the last.
    pub(crate) async fn probe_batch(&mut self, requests: &[(i64, Value)]) -> Answer {
        for (id, request) in requests {
            let method = request.get("method").and_then(Value::as_str).unwrap_or_default();
            self.asked.insert(id.to_string(), method.to_owned());
        }
        let all: Vec<_> = requests.iter().map(|(_, request)| request.clone()).collect();
        self.send(&Value::Array(all)).await;
        let last = requests.last().map(|(id, _)| id.to_string()).unwrap_or_default();
        self.wait(&last, self.quick()).await
    }

    /// Whether the server has gone by itself.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.is_some()
    }

    async fn ask(&mut self, id: &Value, method: &str, params: Value) {
        self.asked.insert(id.to_string(), method.to_owned());
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
    }

    /// The parameters as the era wants them.
    pub(crate) fn dressed(&self, params: Value) -> Value {
        match self.era {
            Era::Legacy => params,
            _ => with_meta(params, &meta(&self.version)),
        }
    }

    /// Sends a notification.
    pub(crate) async fn notify(&mut self, method: &str, params: Value) {
        if method == "notifications/initialized" {
            self.initialized = true;
        }
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }

    /// Sends a message of any form.
    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_line(&message.to_string()).await;
    }

    /// Sends a line of any form.
    pub(crate) async fn send_line(&mut self, line: &str) {
        if let Some((paint, printer)) = self.lab.trace {
            trace::show(Direction::Sent, line.as_bytes(), line.len(), paint, printer);
        }
        self.last_sent = cut(&plain::one_line(line), 100);
        let (slow, quick) = (self.lab.timeout, self.quick());
        match &mut self.wire {
            Wire::Pipe(pipe) => pipe.send(line, Instant::now() + slow).await,
            Wire::Http(exchanges) => exchanges.send(line, &self.version, quick).await,
        }
    }

    /// The id for the next request.
    pub(crate) fn next_id(&mut self) -> i64 {
        self.next += 1;
        self.next - 1
    }

    /// Gives out a token for progress.
    pub(crate) fn progress_token(&mut self) -> Value {
        let token = json!(format!("check-{}", self.next));
        self.progress.insert(token.to_string(), None);
        token
    }

    /// Takes a token back: no progress may come for it any more.
    pub(crate) fn end_progress(&mut self, token: &Value) {
        self.progress.remove(&token.to_string());
    }

    /// Waits for notifications of this method, which the server may have to send.
    pub(crate) async fn wait_for(&mut self, method: &str) -> Option<Value> {
        let deadline = Instant::now() + self.quick();
        loop {
            let Heard::Message(message) = self.next(deadline).await.ok()? else { continue };
            if message.get("method").and_then(Value::as_str) == Some(method)
                && message.get("id").is_none()
            {
                return message.get("params").cloned();
            }
            self.look(&message).await;
        }
    }

    /// Begins to listen for changes; returns the id.
    pub(crate) async fn listen(&mut self, params: Value) -> i64 {
        let id = self.next_id();
        self.listening = true;
        self.ask(&json!(id), "subscriptions/listen", self.dressed(params)).await;
        id
    }

    /// Stops to listen.
    pub(crate) async fn unlisten(&mut self, id: i64) {
        match &mut self.wire {
            // Spec: 2026-07-28, basic/transports/streamable-http, "Cancellation".
            Wire::Http(exchanges) => exchanges.cancel(&id.to_string()),
            Wire::Pipe(_) => {
                self.notify("notifications/cancelled", json!({ "requestId": id })).await;
            }
        }
    }

    /// Whether messages travel over HTTP.
    pub(crate) fn is_http(&self) -> bool {
        matches!(self.wire, Wire::Http(_))
    }

    /// Waits for the answer to a request that was sent.
    async fn wait(&mut self, id: &str, limit: Duration) -> Answer {
        let deadline = Instant::now() + limit;
        loop {
            let message = match self.next(deadline).await {
                Ok(Heard::Message(message)) => message,
                Ok(Heard::Refused(refused, why)) => {
                    self.asked.remove(&refused);
                    self.over.insert(refused.clone());
                    match refused == id {
                        true => return Answer::Refused(why),
                        false => continue,
                    }
                }
                Err(Some(why)) => return Answer::Gone(why),
                Err(None) => {
                    self.asked.remove(id);
                    // It may still come, and is no offence then.
                    self.over.insert(id.to_owned());
                    return Answer::Silence(limit);
                }
            };
            if let Some((answered, answer)) = self.look(&message).await
                && answered == id
            {
                return answer;
            }
        }
    }

    /// What happened on the connection besides what the probes asked for.
    pub(crate) fn report(&mut self, ledger: &mut Ledger) {
        let wire: &[&'static Rule] = match (&self.wire, self.era) {
            (Wire::Pipe(_), _) => &[&rule::STDOUT_NOISE],
            (Wire::Http(_), Era::Legacy) => {
                &[&rule::HTTP_TYPE, &rule::HTTP_ACCEPTED, &rule::HTTP_STREAM, &rule::EVENT_ID]
            }
            (Wire::Http(_), _) => &[&rule::HTTP_TYPE, &rule::HTTP_STATUS, &rule::HTTP_NO_SESSION],
        };
        for rule in wire.iter().chain(&[&rule::MESSAGE_FORM, &rule::RESPONSE_ID]) {
            ledger.keep(rule);
        }
        if self.era != Era::Legacy {
            ledger.keep(&rule::RESULT_TYPE);
            ledger.keep(&rule::SERVER_INFO);
            ledger.keep(&rule::RETIRED_CODE);
        }
        for (rule, detail) in self.incidents.drain(..) {
            ledger.fail(rule, detail);
        }
        let gone = self.gone.clone();
        ledger.hold(&rule::STAYS_ALIVE, gone.is_none(), || {
            format!("after {}: {}", self.last_sent, gone.unwrap_or_default())
        });
    }

    /// Closes the server's input and ends it; over HTTP, where there is nothing to be ended, the
    /// session.
    pub(crate) async fn end(self, patience: Duration) -> Option<Ended> {
        match self.wire {
            Wire::Pipe(pipe) => Some(pipe.end(patience).await),
            Wire::Http(exchanges) => {
                exchanges.end(Instant::now() + patience).await;
                None
            }
        }
    }

    /// How long to wait for what may not come.
    fn quick(&self) -> Duration {
        self.lab.timeout.min(QUICK)
    }

    /// What comes next, if something does in time; else why nothing will come any more.
    async fn next(&mut self, deadline: Instant) -> Result<Heard, Option<String>> {
        loop {
            if let Some(why) = &self.gone {
                return Err(Some(why.clone()));
            }
            let arrival = match &mut self.wire {
                Wire::Pipe(pipe) => pipe.next(deadline).await,
                Wire::Http(exchanges) => exchanges.next(deadline).await,
            };
            let bytes = match arrival {
                Arrival::Message(bytes) => bytes,
                Arrival::Refused { id, why } => return Ok(Heard::Refused(id, why)),
                Arrival::Offence(rule, detail) => {
                    self.note(rule, detail);
                    continue;
                }
                Arrival::Gone(why) => {
                    self.gone = Some(why);
                    continue;
                }
                Arrival::Late => return Err(None),
            };
            if let Some((paint, printer)) = self.lab.trace {
                trace::show(Direction::Received, &bytes, bytes.len(), paint, printer);
            }
            if let Ok(message) = serde_json::from_slice(&bytes) {
                return Ok(Heard::Message(message));
            }
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
            let text = cut(&plain::one_line(&text), 80);
            match self.wire {
                Wire::Pipe(_) => {
                    self.note(&rule::STDOUT_NOISE, format!("a line that is no JSON: {text}"));
                }
                Wire::Http(_) => {
                    self.note(&rule::MESSAGE_FORM, format!("an answer that is no JSON: {text}"));
                }
            }
        }
    }

    /// Looks at a message; returns the answer to a request if it is one.
    async fn look(&mut self, message: &Value) -> Option<(String, Answer)> {
        let Some(object) = message.as_object() else {
            // The answer to a batch, each in turn; only the last is waited for.
            if let (Some(parts), "2025-03-26") = (message.as_array(), self.version.as_str()) {
                let mut last = None;
                for part in parts.clone() {
                    last = Box::pin(self.look(&part)).await.or(last);
                }
                return last;
            }
            self.note(&rule::MESSAGE_FORM, format!("{} is no object", shown(message)));
            return None;
        };
        if object.get("jsonrpc") != Some(&json!("2.0")) {
            self.note(
                &rule::MESSAGE_FORM,
                format!("`jsonrpc` is not \"2.0\" in {}", shown(message)),
            );
        }
        match (object.get("method").and_then(Value::as_str), object.get("id")) {
            (Some(method), Some(id)) => {
                let (method, id) = (method.to_owned(), id.clone());
                self.asks(&method, id).await;
                None
            }
            (Some(method), None) => {
                let params = object.get("params").cloned().unwrap_or_default();
                self.tells(method, &params);
                None
            }
            (None, id) => {
                let id = id.cloned().unwrap_or_default();
                self.answers(&id, object)
            }
        }
    }

    /// The server asks for something.
    async fn asks(&mut self, method: &str, id: Value) {
        let ping = method == "ping";
        if self.era != Era::Legacy {
            self.note(&rule::SERVER_REQUEST, format!("it asks for `{}`", plain::one_line(method)));
        } else {
            if !self.initialized && !ping {
                self.note(&rule::EARLY_REQUEST, format!("`{}`", plain::one_line(method)));
            }
            if ["roots/list", "sampling/createMessage", "elicitation/create"].contains(&method) {
                self.note(&rule::SERVER_REQUEST, format!("`{method}`, which was not declared"));
            }
        }
        let error = json!({ "code": -32601, "message": "method not found" });
        let answer = match ping {
            true => json!({ "jsonrpc": "2.0", "id": id, "result": {} }),
            false => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
        };
        self.send(&answer).await;
    }

    /// The server tells something.
    fn tells(&mut self, method: &str, params: &Value) {
        let modern = self.era != Era::Legacy;
        match method {
            "notifications/progress" => {
                let token = params.get("progressToken").map(Value::to_string).unwrap_or_default();
                let now = params.get("progress").and_then(Value::as_f64);
                match (self.progress.get(&token).copied(), now) {
                    (None, _) => {
                        let detail = format!("progress for {}", cut(&plain::one_line(&token), 40));
                        self.note(&rule::PROGRESS_TOKEN, detail);
                    }
                    (Some(_), None) => {
                        let detail = "progress without a number".to_owned();
                        self.note(&rule::PROGRESS_GROWS, detail);
                    }
                    (Some(before), Some(now)) => {
                        if before.is_some_and(|before| now <= before) {
                            let before = before.unwrap_or_default();
                            self.note(&rule::PROGRESS_GROWS, format!("{now} after {before}"));
                        }
                        self.progress.insert(token, Some(now));
                    }
                }
            }
            "notifications/message" if modern || self.capabilities.get("logging").is_none() => {
                self.note(&rule::UNASKED_LOG, "a log message that was not asked for".to_owned());
            }
            _ if modern && !self.listening && method != "notifications/cancelled" => {
                self.note(&rule::UNASKED_NOTIFICATION, format!("`{}`", plain::one_line(method)));
            }
            _ => {}
        }
    }

    /// The server answers something.
    fn answers(&mut self, id: &Value, object: &Map<String, Value>) -> Option<(String, Answer)> {
        let answer = match (object.get("result"), object.get("error")) {
            (Some(result), None) => Answer::Result(result.clone()),
            (None, Some(error)) => Answer::Error {
                code: error.get("code").and_then(Value::as_i64),
                message: error
                    .get("message")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
                data: error.get("data").cloned().unwrap_or_default(),
            },
            _ => {
                let shown = shown(&Value::Object(object.clone()));
                let detail = format!("{shown} has not exactly one of `result` and `error`");
                self.note(&rule::MESSAGE_FORM, detail);
                Answer::Error { code: None, message: String::new(), data: Value::Null }
            }
        };
        if let Some(error) = object.get("error")
            && !(error.get("code").is_some_and(Value::is_i64)
                && error.get("message").is_some_and(Value::is_string))
        {
            let detail =
                format!("an error has no integer `code` or no `message`: {}", shown(error));
            self.note(&rule::MESSAGE_FORM, detail);
        }
        let key = id.to_string();
        let Some(method) = self.asked.remove(&key) else {
            match (id, answer.code()) {
                // What could not be read has no id.
                (Value::Null, Some(code)) => self.unknown_errors.push(code),
                _ if self.over.contains(&key) => {}
                _ => {
                    let detail = format!("an answer to {}, which was not asked", shown(id));
                    self.note(&rule::RESPONSE_ID, detail);
                }
            }
            return None;
        };
        self.over.insert(key.clone());
        if self.era != Era::Legacy {
            self.modern_answer(&method, &answer);
        }
        Some((key, answer))
    }

    /// What every answer of the modern era has to be.
    fn modern_answer(&mut self, method: &str, answer: &Answer) {
        if let Some(code) = answer.code() {
            let unknown = (-32099..=-32020).contains(&code) && !(-32022..=-32020).contains(&code);
            if unknown || [-32002, -32042].contains(&code) {
                self.note(&rule::RETIRED_CODE, format!("{code} as answer to `{method}`"));
            }
            return;
        }
        let Some(result) = answer.result() else { return };
        match result.get("resultType").and_then(Value::as_str) {
            Some("complete") => {}
            Some("input_required") => {
                if !["tools/call", "prompts/get", "resources/read"].contains(&method) {
                    self.note(&rule::INPUT_REQUIRED, format!("`{method}` needs more input"));
                } else if result
                    .get("inputRequests")
                    .is_some_and(|all| all.as_object().is_none_or(|all| !all.is_empty()))
                {
                    let detail = format!("`{method}` asks for what was not declared");
                    self.note(&rule::INPUT_REQUIRED, detail);
                }
            }
            Some(other) => {
                let other = cut(&plain::one_line(other), 40);
                self.note(&rule::RESULT_TYPE, format!("`{other}` as answer to `{method}`"));
            }
            None => self.note(&rule::RESULT_TYPE, format!("none in the answer to `{method}`")),
        }
        let info = result.pointer("/_meta/io.modelcontextprotocol~1serverInfo");
        if !info.is_some_and(|info| info.get("name").is_some_and(Value::is_string)) {
            self.note(&rule::SERVER_INFO, format!("not in the answer to `{method}`"));
        }
    }

    fn note(&mut self, rule: &'static Rule, detail: String) {
        if self.incidents.len() < MOST_INCIDENTS {
            self.incidents.push((rule, detail));
        }
    }
}

/// What every modern request says of itself, without any capability.
pub(crate) fn meta(version: &str) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientInfo": { "name": "mcp", "version": env!("CARGO_PKG_VERSION") },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// The parameters with members added to their `_meta`.
pub(crate) fn with_meta(mut params: Value, meta: &Value) -> Value {
    if let (Some(params), Some(meta)) = (params.as_object_mut(), meta.as_object()) {
        let old = params.entry("_meta").or_insert_with(|| json!({}));
        if let Some(old) = old.as_object_mut() {
            old.extend(meta.clone());
        }
    }
    params
}

/// The beginning of a value, in one line.
pub(crate) fn shown(value: &Value) -> String {
    let text = serde_json::value::to_raw_value(value).map(|raw| pretty(&raw, usize::MAX));
    cut(&plain::one_line(&text.unwrap_or_default()), 80)
}

/// The longest wait for an answer that may not come.
const QUICK: Duration = Duration::from_secs(5);
/// How long a server may be silent on discovery before it is taken for a legacy one.
const PROBE: Duration = Duration::from_secs(10);
/// The longest line, body or event that is read.
pub(super) const LONGEST: usize = 16 << 20;
/// How many incidents are kept.
const MOST_INCIDENTS: usize = 1_000;
