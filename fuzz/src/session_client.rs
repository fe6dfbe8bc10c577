//! Any server, at any time: a client that insists on profiles sends nothing before they are
//! confirmed.
//!
//! The input is text. Its first byte chooses the client; every line is one step: a capital letter
//! with its operands, or else a frame as it stands.
//!
//! ```text
//! T<template><id>  one of TEMPLATES, from a, and id      R<n>  the caller makes a call
//! D                the next deadline has come          X<n>  the caller drops call n
//! E                the server ends its output          K     the connection is gone
//! C                a new connection was made             A<n>  answer what the server asked
//!                                                        F<n>  answer it with an error
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use mcp_core::capability::{ClientCapabilities, ElicitationCapability, RootsCapability};
use mcp_core::jsonrpc::{ErrorObject, Message, RequestId};
use mcp_core::profile::ClientPolicy;
use mcp_core::session::client::{
    ClientConfig, ClientEvent, ClientSession, EraChoice, Established, Input,
};
use mcp_core::types::Implementation;
use mcp_core::version::Era;
use mcp_core::{CallId, Limits, Outbox, Timeouts};

use crate::sent::{self, Credit};

const A: &str = "https://h/a";
const B: &str = "https://h/b";

/// Frames that get far; `#` stands for the id.
const TEMPLATES: &[&str] = &[
    r##"{"jsonrpc":"2.0","id":#,"result":{"supportedVersions":["2026-07-28"],"capabilities":{}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25"],"capabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"supported":[{"profileURL":"https://h/a","minMcpVersion":"2025-03-26"}]}}},"_meta":{"dev.behaviour-profiles/profiles":{"profiles":["https://h/a"]}}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"supportedVersions":["2025-11-25"],"capabilities":{}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"error":{"code":-32601,"message":"no"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"error":{"code":-32022,"message":"no","data":{"supported":["2025-06-18"]}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"error":{"code":1004,"message":"no","data":{"requested":["https://h/a"],"supported":[],"reasons":[]}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"protocolVersion":"2025-03-26","capabilities":{},"serverInfo":{"name":"s","version":"1"},"profiles":["https://h/a"]}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"s","version":"1"},"profiles":["https://h/a","https://h/b"]}}"##,
    r##"{"jsonrpc":"2.0","id":#,"method":"ping"}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"roots/list"}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"content":[],"_meta":{"dev.behaviour-profiles/profiles":{"profiles":["https://h/a"]}}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"content":[],"cacheScope":"public","_meta":{"dev.behaviour-profiles/profiles":{"profiles":["https://h/b"]}}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"content":[]}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":#,"progress":0.5}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"##,
    r##"[{"jsonrpc":"2.0","id":#,"result":{"content":[]}},{"jsonrpc":"2.0","id":#,"method":"ping"},7]"##,
    r##"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":#,"dev.behaviour-profiles/profiles":{"profiles":["https://h/a"]}},"notifications":{}}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":#},"notifications":{}}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":#}}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":#}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#"}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"input_required","requestState":"s","_meta":{"dev.behaviour-profiles/profiles":{"profiles":["https://h/a"]}}}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"input_required","requestState":"s"}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"elicitation/create","params":{"message":"m","requestedSchema":{"type":"object","properties":{}}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1,"tools":[]}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}"##,
    r##"{"jsonrpc":"2.0","id":#,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":#}}}"##,
];

/// What the caller asks for.
const METHODS: [&str; 4] =
    ["tools/call", "subscriptions/listen", "resources/read", "resources/subscribe"];

/// Runs one conversation.
pub fn run(data: &[u8]) {
    let Some((kind, steps)) = data.split_first() else { return };
    let mut client = Driver::new(kind.wrapping_sub(b'0'));
    client.check();
    for step in steps.split(|byte| *byte == b'\n').take(256) {
        client.step(step);
        client.check();
    }
}

struct Driver {
    config: Arc<ClientConfig>,
    /// `None` only while a step is taken.
    session: Option<ClientSession>,
    now: Instant,
    out: Outbox,
    credit: Credit,
    open: Vec<CallId>,
    /// Subscriptions that were acknowledged.
    streams: Vec<CallId>,
    /// What the server asked and was not answered.
    asked: Vec<CallId>,
    /// How many requests and cancellations the caller has caused.
    requests: usize,
    cancellations: usize,
    established_before: bool,
    rejected: bool,
}

impl Driver {
    fn new(kind: u8) -> Self {
        let mut config = ClientConfig::new(Implementation::new("c", "1"));
        config.limits = Limits { line_bytes: 4096, nesting: 16, ..Limits::default() };
        config.capabilities = ClientCapabilities::new()
            .with_roots(RootsCapability::new())
            .with_elicitation(ElicitationCapability::new());
        let policy = ClientPolicy::builder();
        let policy = match kind & 7 {
            0 => policy,
            1 => policy.aware(),
            2 => policy.prefer(A),
            3 => policy.require_one_of([A, B]),
            4 => policy.require(A).prefer(B),
            _ => policy.require(A),
        };
        config.policy = policy.build().expect("a valid policy");
        config.era = match (kind >> 3) & 3 {
            1 => EraChoice::Legacy,
            2 => EraChoice::Modern,
            _ => EraChoice::Auto,
        };
        let config = Arc::new(config);
        let (now, mut out) = (Instant::now(), Outbox::default());
        let session = ClientSession::start(config.clone(), now, &mut out);
        Self {
            config,
            session: Some(session),
            now,
            out,
            credit: Credit::default(),
            open: Vec::new(),
            streams: Vec::new(),
            asked: Vec::new(),
            requests: 0,
            cancellations: 0,
            established_before: false,
            rejected: false,
        }
    }

    fn step(&mut self, step: &[u8]) {
        let operand = |at: usize| step.get(at).map_or(0, |byte| usize::from(*byte));
        self.now += Duration::from_millis(1);
        match self.session.take() {
            Some(ClientSession::Established(mut established)) => {
                self.established(&mut established, step, operand);
                self.session = Some(ClientSession::Established(established));
            }
            Some(session) => {
                let template;
                let input = match step.first() {
                    Some(b'T') => {
                        template = frame(operand(1), operand(2));
                        Input::Frame(template.as_bytes())
                    }
                    Some(b'D') => {
                        self.now = session.deadline().unwrap_or(self.now).max(self.now);
                        Input::Deadline
                    }
                    Some(b'E') => Input::EndOfInput,
                    Some(b'C') => Input::Connected,
                    _ => Input::Frame(step),
                };
                if let Input::Frame(bytes) = input {
                    self.credit.received(bytes);
                }
                let over = is_over(&session);
                let mut session = session.handle(self.now, input, &mut self.out);
                assert!(!over || is_over(&session), "I4: what is over stays over");
                if let ClientSession::Discovered(discovered) = session {
                    session = discovered.choose(self.now, &mut self.out);
                }
                if let ClientSession::Established(established) = &session {
                    self.confirm(established);
                }
                session.take_noise();
                self.session = Some(session);
            }
            None => unreachable!("every step puts the session back"),
        }
    }

    fn established(
        &mut self,
        session: &mut Established,
        step: &[u8],
        operand: impl Fn(usize) -> usize,
    ) {
        match step.first() {
            Some(b'T') => self.frame(session, frame(operand(1), operand(2)).as_bytes()),
            Some(b'R') if !self.rejected => {
                self.confirm(session);
                let timeouts = Timeouts {
                    idle: Some(Duration::from_secs(1)),
                    total: Some(Duration::from_secs(4)),
                };
                let params = serde_json::json!({ "name": "t", "arguments": {} });
                let method = METHODS[operand(1) % METHODS.len()];
                let call = session.request(self.now, method, &params, timeouts, &mut self.out);
                self.open.push(call.expect("an object is written"));
                self.requests += 1;
                let refused = session.request(self.now, method, &7, timeouts, &mut self.out);
                refused.expect_err("parameters are an object");
            }
            Some(b'X') if !self.open.is_empty() => {
                let call = self.open.swap_remove(operand(1) % self.open.len());
                session.cancel(call, Some("dropped"), &mut self.out);
                self.cancellations += 1;
                session.cancel(call, None, &mut self.out);
            }
            Some(b'D') => {
                self.now = session.deadline().unwrap_or(self.now).max(self.now);
                let (open, now) = (&mut self.open, self.now);
                let mut timed_out = 0;
                session.expire(now, &mut self.out, |event| match event {
                    ClientEvent::TimedOut { call, .. } => {
                        take(open, call);
                        timed_out += 1;
                    }
                    other => panic!("time brings {other:?}"),
                });
                self.cancellations += timed_out;
            }
            Some(b'K') => {
                for call in session.take_calls() {
                    take(&mut self.open, call);
                }
                self.asked.clear();
                assert!(self.open.is_empty());
            }
            Some(kind @ (b'A' | b'F')) if !self.asked.is_empty() => {
                let asked = self.asked.swap_remove(operand(1) % self.asked.len());
                let (now, out) = (self.now, &mut self.out);
                match kind {
                    b'A' => {
                        session.respond(now, asked, &7, out).expect_err("an answer is an object");
                        let answer = serde_json::json!({ "roots": [] });
                        session.respond(now, asked, &answer, out).expect("an object is written");
                    }
                    _ => session.fail(now, asked, &ErrorObject::internal("no"), out),
                }
            }
            _ => self.frame(session, step),
        }
        assert_eq!(session.calls(), self.open.len());
        assert_eq!(session.asked(), self.asked.len());
    }

    fn frame(&mut self, session: &mut Established, bytes: &[u8]) {
        self.credit.received(bytes);
        let Self { now, out, open, streams, asked: asks, rejected, config, .. } = self;
        let era = session.agreed().era();
        session.handle(*now, bytes, out, |event| {
            assert!(!*rejected || matches!(event, ClientEvent::Noise(_)), "I4: {event:?}");
            match event {
                ClientEvent::Response { call, .. } => take(open, call),
                ClientEvent::InvalidResult { call, .. } => take(open, call),
                ClientEvent::InputRequired { call, .. } => take(open, call),
                ClientEvent::Progress { call, .. } => assert!(open.contains(&call)),
                ClientEvent::ProfilesChanged(profiles) => {
                    assert!(config.policy.is_met_by(&profiles));
                }
                ClientEvent::Request { asked, .. } => {
                    assert!(era == Era::Legacy && !asks.contains(&asked));
                    asks.push(asked);
                }
                ClientEvent::Withdrawn { asked } => take(asks, asked),
                ClientEvent::Acknowledged { call, .. } => {
                    assert!(open.contains(&call) && !streams.contains(&call));
                    streams.push(call);
                }
                ClientEvent::Subscribed { call, .. } => {
                    assert!(open.contains(&call) && streams.contains(&call));
                }
                ClientEvent::SubscriptionEnded { call, .. } => take(open, call),
                ClientEvent::Rejected(_) => *rejected = true,
                ClientEvent::Notification { .. } | ClientEvent::Noise(_) => {}
                other => panic!("a frame brings {other:?}"),
            }
        });
        if self.rejected {
            // The call whose answer broke the agreement has left the table without an event.
            let left = session.take_calls();
            assert!(left.iter().all(|call| self.open.contains(call)));
            self.open.clear();
            self.asked.clear();
        }
    }

    /// I3: what is required is confirmed, and nothing is in force that was not asked for.
    fn confirm(&self, session: &Established) {
        let (policy, profiles) = (&self.config.policy, session.agreed().profiles());
        assert!(policy.is_met_by(profiles));
        let requested = policy.requested();
        assert!(
            requested.is_empty() || profiles.iter().all(|url| requested.has(url.as_str())),
            "I2"
        );
    }

    /// What holds after every step.
    fn check(&mut self) {
        let established = matches!(self.session, Some(ClientSession::Established(_)));
        let just_established = established && !self.established_before;
        let Self { out, credit, rejected, requests, cancellations, .. } = self;
        sent::each(out, |message| match message {
            Message::Request(request) => match &*request.method {
                "server/discover" | "initialize" if !established => {}
                method if established && !*rejected && METHODS.contains(&method) => {
                    assert!(!just_established && matches!(request.id, RequestId::Integer(_)));
                    *requests = requests.checked_sub(1).expect("the caller asked for it");
                }
                other => panic!("I3: {other} leaves the client"),
            },
            Message::Notification(notification) => match &*notification.method {
                "notifications/initialized" => assert!(just_established),
                "notifications/cancelled" if established && !*rejected => {
                    *cancellations = cancellations.checked_sub(1).expect("a call was given up");
                }
                other => panic!("I3: {other} leaves the client"),
            },
            Message::Response(response) => {
                assert!(established || response.outcome.is_ok(), "only pings are answered");
                credit.answered(&response.id.expect("our answers have ids"));
            }
        });
        self.established_before = established;
    }
}

fn is_over(session: &ClientSession) -> bool {
    matches!(session, ClientSession::Rejected(_) | ClientSession::Closed(_))
}

fn frame(template: usize, id: usize) -> String {
    TEMPLATES[template.wrapping_sub(usize::from(b'a')) % TEMPLATES.len()]
        .replace('#', &(id % 8).to_string())
}

fn take(open: &mut Vec<CallId>, call: CallId) {
    let place = open.iter().position(|open| *open == call).expect("each call ends once");
    open.swap_remove(place);
}
