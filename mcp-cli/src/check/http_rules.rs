//! What holds over HTTP alone: requests that no client makes, and what must become of them.
//!
//! Every probe stands for itself. What comes of ordinary messages is noticed in [`exchange`].
//!
//! [`exchange`]: super::exchange

use std::time::Duration;

use mcp_client::transport::http::DocumentError;
use mcp_client::{Declaration, Error, Http, discover_profiles};
use mcp_core::http::header;
use mcp_core::version::{Era, ProtocolVersion};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Subject;
use super::exchange::{causes, media_type, post};
use super::ledger::Ledger;
use super::rule::{self, Rule};
use super::wire::{meta, with_meta};
use crate::duration::brief;
use crate::output::plain;
use crate::output::table::cut;

/// Checks what the server does in each era that it speaks.
pub(crate) async fn check(
    http: &Http,
    limit: Duration,
    ledger: &mut Ledger,
    [modern, legacy]: [Option<&Subject>; 2],
) {
    let limit = limit.min(QUICK);
    if let Some(subject) = modern {
        let desk = Desk { http, limit, era: Era::Modern };
        ledger.speak(subject.version().unwrap_or_default());
        desk.everywhere(ledger).await;
        desk.headers(ledger).await;
        if legacy.is_none() {
            desk.methods(ledger).await;
        }
        desk.well_known(subject, ledger).await;
    }
    if let Some(subject) = legacy {
        let desk = Desk { http, limit, era: Era::Legacy };
        ledger.speak(subject.version().unwrap_or_default());
        desk.everywhere(ledger).await;
        desk.sessions(subject.version().unwrap_or_default(), ledger).await;
    }
}

/// Where requests are made by hand.
struct Desk<'a> {
    http: &'a Http,
    limit: Duration,
    era: Era,
}

/// What came of a request.
struct Tried {
    status: u16,
    session: Option<HeaderValue>,
    /// The code of the error in it.
    code: Option<i64>,
}

impl Tried {
    fn describe(&self) -> String {
        match self.code {
            Some(code) => format!("status {} and error {code}", self.status),
            None => format!("status {}", self.status),
        }
    }

    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Desk<'_> {
    /// What holds in both eras.
    async fn everywhere(&self, ledger: &mut Ledger) {
        let foreign = self.hello(|headers| put(headers, "origin", Some(FOREIGN))).await;
        self.hold(ledger, &rule::HTTP_ORIGIN, &format!("`Origin: {FOREIGN}`"), &foreign, |tried| {
            tried.status == 403
        });
        let picky = self.hello(|headers| put(headers, "accept", Some("text/html"))).await;
        self.hold(ledger, &rule::HTTP_NOT_ACCEPTABLE, "`Accept: text/html`", &picky, |tried| {
            !tried.is_success()
        });
    }

    /// Modern headers that do not fit the body.
    async fn headers(&self, ledger: &mut Ledger) {
        let mismatched = |tried: &Tried| tried.status == 400 && tried.code == Some(MISMATCH);
        let discover = self.first();
        let mut old = discover.clone();
        let key = "io.modelcontextprotocol/protocolVersion";
        old["params"]["_meta"][key] = json!(ProtocolVersion::LATEST_LEGACY.as_str());
        for (what, said, name, value) in [
            ("a wrong `Mcp-Method`", &discover, header::MCP_METHOD, Some("tools/list")),
            ("no `Mcp-Method`", &discover, header::MCP_METHOD, None),
            (
                "a `MCP-Protocol-Version` that is not the body's",
                &old,
                header::MCP_PROTOCOL_VERSION,
                Some(LATEST),
            ),
        ] {
            let tried = self.with(said, |headers| put(headers, name, value)).await;
            self.hold(ledger, &rule::HEADER_MISMATCH, what, &tried, mismatched);
        }
        let call = message("tools/call", json!({ "name": NO_TOOL, "arguments": {} }));
        for (what, value) in
            [("a wrong `Mcp-Name`", Some("check-another")), ("no `Mcp-Name`", None)]
        {
            let tried = self.with(&call, |headers| put(headers, header::MCP_NAME, value)).await;
            // A server without tools need not look further than at the method.
            self.hold(ledger, &rule::HEADER_MISMATCH, what, &tried, |tried| {
                mismatched(tried) || tried.code == Some(NO_METHOD)
            });
        }
        let call = message("tools/call", json!({ "name": "check-é", "arguments": {} }));
        let tried = self.with(&call, |_| {}).await;
        let what = "`Mcp-Name` in base64";
        self.hold(ledger, &rule::HEADER_ENCODED, what, &tried, |tried| {
            tried.code.is_some_and(|code| code != MISMATCH)
        });
        let name = header::MCP_PROTOCOL_VERSION;
        let tried = self.with(&discover, |headers| put(headers, name, None)).await;
        self.hold(ledger, &rule::VERSION_HEADER, "no `MCP-Protocol-Version`", &tried, |tried| {
            !tried.is_success()
        });
    }

    /// What a server without legacy versions does with what only those have.
    async fn methods(&self, ledger: &mut Ledger) {
        for method in [Method::GET, Method::DELETE] {
            let what = method.as_str().to_owned();
            let request = self.http.request(method);
            let tried = self.send(request.map(|it| it.header(ACCEPT, "text/event-stream"))).await;
            self.hold(ledger, &rule::HTTP_METHOD, &what, &tried, |tried| tried.status == 405);
        }
    }

    /// The list of profiles that everybody may read.
    async fn well_known(&self, subject: &Subject, ledger: &mut Ledger) {
        let found = match discover_profiles(self.http).await {
            Ok(Some(found)) => found,
            Ok(None) | Err(DocumentError::Unreachable { .. } | DocumentError::Timeout { .. }) => {
                return;
            }
            Err(problem) => return ledger.fail(&rule::WELL_KNOWN, problem.to_string()),
        };
        let said = subject.declared.as_ref().map(|declared| {
            Declaration::parse(declared.to_string().as_bytes()).unwrap_or_default()
        });
        let same = said.is_none_or(|said| said == found);
        ledger.hold(&rule::WELL_KNOWN, same, || {
            format!("it has {} profiles, and `server/discover` says others", found.len())
        });
    }

    /// Sessions, from their beginning to their end.
    async fn sessions(&self, version: &str, ledger: &mut Ledger) {
        let Ok(begun) = self.hello(|_| {}).await else { return };
        if !begun.is_success() {
            return;
        }
        let Some(id) = &begun.session else { return };
        let is_visible = id.as_bytes().iter().all(u8::is_ascii_graphic) && !id.is_empty();
        ledger.hold(&rule::SESSION_ID, is_visible, || "an id has other characters".to_owned());
        ledger.hold(&rule::SESSION_GUESSABLE, id.len() >= LONG_ENOUGH, || {
            format!("an id has {} characters", id.len())
        });
        if let Ok(Tried { session: Some(other), .. }) = self.hello(|_| {}).await {
            ledger.hold(&rule::SESSION_ID, other != *id, || "two sessions have one id".to_owned());
            self.end(&other).await.ok();
        }

        let ping = |session: Option<&HeaderValue>, version: &str| {
            let request = post(self.http, self.era, None, version, &message("ping", json!({})));
            let request = request.map(|request| match session {
                Some(id) => request.header(header::MCP_SESSION_ID, id),
                None => request,
            });
            self.send(request.map(|it| it.body(message("ping", json!({})).to_string())))
        };
        let tried = ping(None, version).await;
        self.hold(ledger, &rule::SESSION_REQUIRED, "no session id", &tried, |tried| {
            tried.status == 400
        });
        let unknown = HeaderValue::from_static("check-no-such-session");
        let tried = ping(Some(&unknown), version).await;
        self.hold(ledger, &rule::SESSION_UNKNOWN, "an unknown session id", &tried, |tried| {
            tried.status == 404
        });
        let tried = ping(Some(id), NEVER).await;
        let what = format!("`MCP-Protocol-Version: {NEVER}`");
        self.hold(ledger, &rule::VERSION_HEADER, &what, &tried, |tried| tried.status == 400);

        let ended = self.end(id).await;
        self.hold(ledger, &rule::SESSION_END, "DELETE", &ended, |tried| {
            tried.is_success() || tried.status == 405
        });
        if ended.is_ok_and(|ended| ended.is_success()) {
            let tried = ping(Some(id), version).await;
            let what = "a request after DELETE";
            self.hold(ledger, &rule::SESSION_OVER, what, &tried, |tried| tried.status == 404);
        }
    }

    async fn end(&self, session: &HeaderValue) -> Result<Tried, String> {
        let request = self.http.request(Method::DELETE);
        self.send(request.map(|it| it.header(header::MCP_SESSION_ID, session))).await
    }

    /// The first request of the era, with something else about it.
    async fn hello(&self, change: impl FnOnce(&mut HeaderMap)) -> Result<Tried, String> {
        self.with(&self.first(), change).await
    }

    fn first(&self) -> Value {
        match self.era {
            Era::Legacy => {
                let info = json!({ "name": "mcp", "version": env!("CARGO_PKG_VERSION") });
                let version = ProtocolVersion::LATEST_LEGACY.as_str();
                let params = json!({
                    "protocolVersion": version, "capabilities": {}, "clientInfo": info,
                });
                json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
            }
            _ => message("server/discover", json!({})),
        }
    }

    /// Sends a message, with something else about the request.
    async fn with(
        &self,
        said: &Value,
        change: impl FnOnce(&mut HeaderMap),
    ) -> Result<Tried, String> {
        let request = post(self.http, self.era, None, ProtocolVersion::LATEST.as_str(), said);
        let (client, request) = match request {
            Ok(request) => request.body(said.to_string()).build_split(),
            Err(error) => return Err(error.to_string()),
        };
        let mut request = request.map_err(causes)?;
        change(request.headers_mut());
        self.send(Ok(RequestBuilder::from_parts(client, request))).await
    }

    async fn send(&self, request: Result<RequestBuilder, Error>) -> Result<Tried, String> {
        let request = request.map_err(|error| error.to_string())?;
        let work = async {
            let mut response = request.send().await.map_err(causes)?;
            let headers = response.headers();
            let session = headers.get(header::MCP_SESSION_ID).cloned();
            let (status, kind) = (response.status().as_u16(), media_type(headers));
            // A stream may stay open; what matters of one is its beginning.
            let mut body = Vec::new();
            while body.len() < ENOUGH
                && !(kind == "text/event-stream"
                    && body.windows(9).any(|part| part == b"\"jsonrpc\""))
            {
                match response.chunk().await {
                    Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                    Ok(None) | Err(_) => break,
                }
            }
            let read: Value = serde_json::from_slice(&body).unwrap_or_default();
            let code = read.pointer("/error/code").and_then(Value::as_i64);
            Ok(Tried { status, session, code })
        };
        match timeout(self.limit, work).await {
            Ok(tried) => tried,
            Err(_) => Err(format!("no answer within {}", brief(self.limit))),
        }
    }

    fn hold(
        &self,
        ledger: &mut Ledger,
        rule: &'static Rule,
        what: &str,
        tried: &Result<Tried, String>,
        kept: impl FnOnce(&Tried) -> bool,
    ) {
        match tried {
            Ok(tried) => {
                ledger.hold(rule, kept(tried), || format!("{what}: {}", tried.describe()));
            }
            Err(why) => ledger.fail(rule, format!("{what}: {}", cut(&plain::one_line(why), 120))),
        }
    }
}

/// A request; for the modern era, with what it has to say of itself.
fn message(method: &str, params: Value) -> Value {
    let params = match method {
        "ping" => params,
        _ => with_meta(params, &meta(ProtocolVersion::LATEST.as_str())),
    };
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

/// Sets a header instead of what it was, or takes it away.
fn put(headers: &mut HeaderMap, name: &'static str, value: Option<&'static str>) {
    match value {
        Some(value) => headers.insert(name, HeaderValue::from_static(value)),
        None => headers.remove(name),
    };
}

/// The version of the headers that are wrong in another way.
const LATEST: &str = "2026-07-28";
/// The longest wait for an answer that may not come.
const QUICK: Duration = Duration::from_secs(5);
/// An origin that no server can know.
const FOREIGN: &str = "https://check.invalid";
/// A tool that no server has.
const NO_TOOL: &str = "check-no-such-tool";
/// A version that was never spoken.
const NEVER: &str = "1999-12-31";
/// Headers do not say what the body says.
const MISMATCH: i64 = -32020;
/// The method is unknown.
const NO_METHOD: i64 = -32601;
/// A random id of 64 bits has that many characters in base 16.
const LONG_ENOUGH: usize = 16;
/// How much of a body is read.
const ENOUGH: usize = 1 << 20;
