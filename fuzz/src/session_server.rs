//! Any client, and a driver whose handlers and policy answer in any order.
//!
//! The input is text. Its first byte chooses the server; every line is one step: a capital letter
//! with its operands, or else a frame as it stands.
//!
//! ```text
//! T<template><id>  one of TEMPLATES, from a, and id   A<n>  answer call n with a result
//! P<who>           the policy answers              X<n>  answer it with what is no object
//! L                a line that was too long        E<n>  answer it with an error
//! Z                the driver closes the session   G<n>  report its progress
//! N<n>             something has changed           M<n>  log something about it
//! W                all streams are ended           Q<n>  ask the client for it
//! ```
//!
//! What subscribes is answered by subscribing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use mcp_core::capability::{
    PromptsCapability, ResourcesCapability, ServerCapabilities, ToolsCapability,
};
use mcp_core::jsonrpc::{ErrorObject, Message, RequestId};
use mcp_core::profile::{
    Declaration, DeclaredProfile, Entitlement, MinMcpVersion, NegotiatedProfiles, ProfilePolicy,
    ProfileUrl,
};
use mcp_core::session::FrameMessage;
use mcp_core::session::server::{Change, ClientRequest, ServerConfig, ServerEvent, ServerSession};
use mcp_core::types::{CallToolResult, Implementation, LoggingLevel, SubscriptionFilter};
use mcp_core::version::Era;
use mcp_core::{CallId, Limits, Outbox, Principal, Tenant};

use crate::sent::{self, Credit};

const A: &str = "https://h/a";
const B: &str = "https://h/b";
const C: &str = "https://h/c";

const LIMITS: Limits = Limits {
    line_bytes: 4096,
    nesting: 16,
    pending_requests: 8,
    pending_bytes: 2048,
    subscriptions: 4,
};

/// Frames that get far; `#` stands for the id.
const TEMPLATES: &[&str] = &[
    r##"{"jsonrpc":"2.0","id":"#","method":"ping"}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"c","version":"1"},"requestedProfiles":["https://h/b","https://h/c"]}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"extensions":{"dev.behaviour-profiles/profiles":{}}},"clientInfo":{"name":"c","version":"1"},"requestedProfiles":["https://h/x"]}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"tools/call","params":{"name":"t","arguments":{},"_meta":{"progressToken":"#"}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"tools/list","params":{"cursor":"3"}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"tools/call","params":{"name":"t","_meta":{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"tools/call","params":{"name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://h/a"]}}}}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://h/a","https://h/b"]}}}}}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#"}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/initialized"}"##,
    r##"[{"jsonrpc":"2.0","id":"#","method":"tools/call","params":{"name":"t"}},{"jsonrpc":"2.0","id":"#b","method":"ping"},7,{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"#"}}]"##,
    r##"[{"jsonrpc":"2.0","id":"#","method":"tools/call","params":{"name":"t"}},{"jsonrpc":"2.0","id":"#c","method":"tools/list"}]"##,
    r##"{"jsonrpc":"2.0","id":"#","result":{}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["a:b"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":["a:b","a:c","a:d","a:e"]},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"dev.behaviour-profiles/profiles":{"requested":["https://h/a"]}}}}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"tools/call","params":{"name":"t","inputResponses":{"a":{}},"requestState":"s","_meta":{"progressToken":1,"io.modelcontextprotocol/logLevel":"debug","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"resources/subscribe","params":{"uri":"a:#"}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"resources/unsubscribe","params":{"uri":"a:#"}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"logging/setLevel","params":{"level":"debug"}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"resources/read","params":{"uri":"a:b"}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"prompts/get","params":{"name":"p","arguments":{"a":"b"}}}"##,
    r##"{"jsonrpc":"2.0","id":"#","method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"v"}}}"##,
    r##"{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}"##,
    r##"{"jsonrpc":"2.0","id":2,"error":{"code":-1,"message":"no"}}"##,
    r##"{"jsonrpc":"2.0","method":"notifications/roots/list_changed"}"##,
];

/// Runs one conversation.
pub fn run(data: &[u8]) {
    let Some((kind, steps)) = data.split_first() else { return };
    let mut server = Driver::new(kind.wrapping_sub(b'0'));
    for step in steps.split(|byte| *byte == b'\n').take(256) {
        server.step(step);
        server.check();
    }
}

struct Driver {
    session: ServerSession,
    out: Outbox,
    credit: Credit,
    declares: bool,
    /// Calls that wait for an answer, and those that must not get one any more.
    open: Vec<CallId>,
    over: Vec<CallId>,
    /// How calls that subscribe are answered, and which of them are streams by now.
    subscribing: HashMap<CallId, Subscribing>,
    streams: Vec<CallId>,
    /// Requests of the server with their calls, and how many were sent.
    asks: Vec<(CallId, CallId)>,
    sent_asks: i64,
    asked: bool,
    rejected: bool,
    /// What the legacy session has in force.
    in_force: Option<NegotiatedProfiles>,
}

enum Subscribing {
    Resource(String),
    Not(String),
    Stream(SubscriptionFilter),
}

impl Driver {
    fn new(kind: u8) -> Self {
        let mut config = ServerConfig::new(Implementation::new("s", "1"));
        config.limits = LIMITS;
        config.capabilities = ServerCapabilities::new()
            .with_tools(ToolsCapability::new().with_list_changed(true))
            .with_resources(ResourcesCapability::new().with_subscribe(true))
            .with_prompts(PromptsCapability::new())
            .with_completions()
            .with_logging();
        config.profiles = (kind & 3 != 0).then(|| policy(kind));
        config.asks_entitlement = kind & 4 != 0;
        match (kind >> 3) & 3 {
            1 => config.versions.retain(|version| version.era() == Some(Era::Legacy)),
            2 => config.versions.retain(|version| version.era() == Some(Era::Modern)),
            _ => {}
        }
        let declares = config.profiles.is_some();
        Self {
            session: ServerSession::new(Arc::new(config), Principal::local(), Tenant::default()),
            out: Outbox::default(),
            credit: Credit::default(),
            declares,
            open: Vec::new(),
            over: Vec::new(),
            subscribing: HashMap::new(),
            streams: Vec::new(),
            asks: Vec::new(),
            sent_asks: 0,
            asked: false,
            rejected: false,
            in_force: None,
        }
    }

    fn step(&mut self, step: &[u8]) {
        let operand = |at: usize| step.get(at).map_or(0, |byte| usize::from(*byte));
        match step.first() {
            Some(b'T') => {
                let id = char::from(b'0' + (operand(2) % 16) as u8).to_string();
                let frame = TEMPLATES[operand(1).wrapping_sub(usize::from(b'a')) % TEMPLATES.len()]
                    .replace('#', &id);
                self.frame(frame.as_bytes());
            }
            Some(b'P') => self.policy(operand(1)),
            Some(b'L') => self.session.read_too_long(&mut self.out),
            Some(b'Z') if operand(1) == 0 => {
                self.session.close();
                self.over.append(&mut self.open);
                assert_eq!((self.session.calls(), self.session.waiting_bytes()), (0, 0));
            }
            Some(kind @ (b'A' | b'E' | b'X' | b'G' | b'M' | b'Q')) => {
                self.answer(*kind, operand(1).wrapping_sub(usize::from(b'0')))
            }
            Some(b'N') => {
                let changes =
                    [Change::Tools, Change::Prompts, Change::Resources, Change::Resource("a:b")];
                self.session.changed(changes[operand(1) % 4], &mut self.out);
            }
            Some(b'W') => {
                self.session.end_streams(&mut self.out);
                let streams = std::mem::take(&mut self.streams);
                self.open.retain(|call| !streams.contains(call));
                self.over.extend(streams);
            }
            _ => self.frame(step),
        }
    }

    fn frame(&mut self, bytes: &[u8]) {
        if !self.session.is_over() {
            self.credit.received(bytes);
        }
        let frame = self.session.read(bytes, &mut self.out);
        for message in frame {
            self.message(message);
        }
    }

    fn message(&mut self, message: FrameMessage<'_>) {
        let event = self.session.handle(message, &mut self.out);
        if let Some(event) = event {
            self.event(event);
        }
    }

    fn event(&mut self, event: ServerEvent<'_>) {
        assert!(!self.rejected, "I4: nothing happens after the rejection");
        match event {
            ServerEvent::ResolvePolicy => {
                assert!(!self.asked && self.declares, "asked once, and only about profiles");
                self.asked = true;
            }
            ServerEvent::Call(call) => {
                let profiles = call.negotiated.profiles();
                assert!(profiles.iter().all(|url| [A, B, C].contains(&url.as_str())), "I2");
                if call.negotiated.era() == Era::Legacy {
                    let in_force = self.in_force.as_ref().expect("I1: no call before a session");
                    assert_eq!(in_force, profiles, "I7: the set never changes");
                } else if let Some(requested) = call.requested.filter(|list| !list.is_empty()) {
                    assert!(self.declares || profiles.is_empty());
                    assert!(profiles.iter().all(|url| requested.has(url.as_str())), "I2");
                }
                let subscribing = match call.request {
                    ClientRequest::Subscribe { uri } => Some(Subscribing::Resource(uri.into())),
                    ClientRequest::Unsubscribe { uri } => Some(Subscribing::Not(uri.into())),
                    ClientRequest::Listen(filter) => Some(Subscribing::Stream(filter)),
                    _ => None,
                };
                self.subscribing.extend(subscribing.map(|how| (call.id, how)));
                self.open.push(call.id);
            }
            ServerEvent::Cancelled(call) => {
                let place = self.open.iter().position(|open| *open == call);
                self.over.push(self.open.remove(place.expect("only what runs is cancelled")));
            }
            ServerEvent::Established { negotiated, requested, .. } => {
                assert!(self.in_force.is_none(), "a session is established once");
                let profiles = negotiated.profiles();
                if !requested.is_empty() {
                    assert!(profiles.iter().all(|url| requested.has(url.as_str())), "I2");
                }
                self.in_force = Some(profiles.clone());
            }
            ServerEvent::Rejected(_) => {
                self.check();
                self.rejected = true;
                self.over.append(&mut self.open);
            }
            ServerEvent::Discovered { .. }
            | ServerEvent::Refused(_)
            | ServerEvent::RootsChanged => {}
            ServerEvent::Answered { ask, .. } => {
                let place = self.asks.iter().position(|(asked, _)| *asked == ask);
                let (_, call) = self.asks.swap_remove(place.expect("only what was asked is heard"));
                assert!(self.open.contains(&call), "only for a call that runs");
            }
            other => panic!("an event that this driver does not know: {other:?}"),
        }
    }

    fn policy(&mut self, who: usize) {
        let entitlement = match who % 4 {
            0 => Entitlement::all(),
            1 => Entitlement::none(),
            2 => Entitlement::only([A, "https://h/undeclared"]).pick(A),
            _ => Entitlement::only([B, C]),
        };
        let event = self.session.policy_resolved(&entitlement, &mut self.out);
        // A caller who has lost what a stream began with has lost the stream.
        let Self { session, streams, open, over, .. } = self;
        let mut scratch = Outbox::default();
        streams.retain(|call| {
            let goes_on = session.notify(*call, "notifications/odd", &[0; 0], &mut scratch);
            if !goes_on && open.contains(call) {
                open.retain(|open| open != call);
                over.push(*call);
            }
            goes_on
        });
        if !std::mem::take(&mut self.asked) {
            assert!(event.is_none(), "nobody asked");
        }
        if let Some(event) = event {
            self.event(event);
        }
        while let Some(held) = self.session.next_held() {
            self.message(held.message());
        }
    }

    fn answer(&mut self, kind: u8, which: usize) {
        if !self.over.is_empty() {
            let call = self.over[which % self.over.len()];
            self.check();
            let _ = self.session.respond(
                call,
                &CallToolResult::text("late"),
                None,
                None,
                &mut self.out,
            );
            assert!(!self.session.progress(call, 1.0, None, None, &mut self.out));
            let (level, out) = (LoggingLevel::Emergency, &mut self.out);
            assert!(!self.session.log(call, level, None, "late", out));
            assert!(!self.session.notify(call, "notifications/odd", "late", out));
            self.session.subscribe(call, "a:late", out);
            self.session.listen(call, SubscriptionFilter::new(), out);
            self.session
                .ask(Instant::now(), call, "roots/list", None::<&str>, out)
                .expect_err("nobody waits for the answer");
            assert!(self.out.is_empty(), "nothing is sent for a call that is over");
        }
        if self.open.is_empty() {
            return;
        }
        let which = which % self.open.len();
        let call = self.open[which];
        if kind == b'G' {
            let step = f64::from(u32::try_from(which).unwrap_or(0));
            self.session.progress(call, step, Some(f64::NAN), None, &mut self.out);
            assert!(!self.session.progress(call, step, None, None, &mut self.out), "it must grow");
            return;
        }
        if kind == b'M' {
            self.session.log(call, LoggingLevel::Warning, Some("l"), "said", &mut self.out);
            return;
        }
        if kind == b'Q' {
            let now = Instant::now();
            if let Ok(ask) = self.session.ask(now, call, "roots/list", None::<&str>, &mut self.out)
            {
                self.asks.push((ask, call));
            }
            return;
        }
        if self.streams.contains(&call) && kind == b'A' {
            return;
        }
        self.streams.retain(|stream| *stream != call);
        match self.subscribing.remove(&call).filter(|_| kind == b'A') {
            Some(Subscribing::Stream(filter)) => {
                self.session.listen(call, filter, &mut self.out);
                match self.session.calls() == self.open.len() {
                    true => self.streams.push(call),
                    false => self.over.push(self.open.remove(which)),
                }
                return;
            }
            Some(Subscribing::Resource(uri)) => {
                self.over.push(self.open.remove(which));
                return self.session.subscribe(call, &uri, &mut self.out);
            }
            Some(Subscribing::Not(uri)) => {
                self.over.push(self.open.remove(which));
                return self.session.unsubscribe(call, &uri, &mut self.out);
            }
            None => {}
        }
        self.over.push(self.open.remove(which));
        match kind {
            b'A' => {
                let result = CallToolResult::text("done\n\u{1F980}");
                let written = self.session.respond(call, &result, None, None, &mut self.out);
                written.expect("a tool result is an object");
            }
            b'X' => {
                let refused = self.session.respond(call, &[7], None, None, &mut self.out);
                refused.expect_err("a result is an object");
            }
            _ => self.session.fail(call, &ErrorObject::unknown_tool("t"), &mut self.out),
        }
    }

    /// What holds after every step.
    fn check(&mut self) {
        let Self { session, out, credit, rejected, sent_asks, in_force, .. } = self;
        sent::each(out, |message| {
            assert!(!*rejected, "I4: nothing is sent after the rejection");
            match message {
                Message::Response(response) => match response.id {
                    Some(id) => credit.answered(&id),
                    None => assert!(response.outcome.is_err()),
                },
                Message::Notification(sent) => {
                    const KNOWN: [&str; 8] = [
                        "progress",
                        "message",
                        "cancelled",
                        "subscriptions/acknowledged",
                        "tools/list_changed",
                        "prompts/list_changed",
                        "resources/list_changed",
                        "resources/updated",
                    ];
                    let name = sent.method.strip_prefix("notifications/");
                    assert!(name.is_some_and(|name| KNOWN.contains(&name)), "{}", sent.method);
                }
                Message::Request(request) => {
                    assert!(in_force.is_some() && request.method == "roots/list");
                    let RequestId::Integer(id) = request.id else { panic!("ids are numbers") };
                    assert!(id > *sent_asks, "an id is used once");
                    *sent_asks = id;
                }
            }
        });
        if session.is_over() {
            return;
        }
        assert_eq!(session.calls(), self.open.len());
        assert!(session.calls() <= LIMITS.pending_requests);
        // Every open batch has a request that waits, and holds fewer answers than it may have
        // messages; an answer of this driver is shorter than this.
        let answers = LIMITS.pending_requests * LIMITS.pending_requests * 1024;
        assert!(session.waiting_bytes() <= LIMITS.pending_bytes + answers);
    }
}

fn policy(kind: u8) -> ProfilePolicy {
    let declared = [A, B, C].map(|url| {
        let url = ProfileUrl::parse(url).expect("a valid URL");
        DeclaredProfile::new(url, MinMcpVersion::ANY)
    });
    let builder = ProfilePolicy::builder(Declaration::new(declared).expect("a valid declaration"));
    let builder = match kind & 3 {
        1 => builder.exclusive([A, B]).default_profile(B),
        2 => builder.compulsory(A),
        _ => builder.checked(C).default_profile(A),
    };
    builder.build().expect("a valid policy")
}
