//! The server's half with a scripted handler.

use std::sync::Arc;
use std::time::Instant;

use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::ProfileUrl;
use mcp_core::session::server::{
    Change, ClientRequest, ServerCall, ServerConfig, ServerEvent, ServerSession,
};
use mcp_core::types::{
    CacheHints, CallToolResult, ListToolsResult, LoggingLevel, Schema, SubscriptionFilter, Tool,
};
use mcp_core::version::Era;
use mcp_core::{CallId, Outbox, Principal, Tenant};
use serde_json::{Value, json};

use super::shown;
use super::world::{PREMIUM, World, url};

/// The server's half, driven as a driver has to, and everything that happened to it in order.
///
/// Its tools are `open`, for everybody, and `gated`, which exists in the profile [`PREMIUM`].
pub(crate) struct ServerRig {
    pub(crate) session: ServerSession,
    pub(crate) world: World,
    /// Whether [`ServerEvent::ResolvePolicy`] waits for [`ServerRig::resolve`].
    pub(crate) holds_policy: bool,
    /// Whether calls wait for [`ServerRig::finish`].
    pub(crate) holds_calls: bool,
    pub(crate) log: Vec<Did>,
    policy_due: bool,
    running: Vec<(CallId, Answer)>,
    last: Option<CallId>,
    out: Outbox,
    unsent: Vec<Vec<u8>>,
}

/// Something that happened to a server, in order.
#[derive(Debug, Clone)]
pub(crate) enum Did {
    Received(String),
    Sent(String),
    /// The policy of the caller was asked for.
    Asked,
    /// The policy was given, or a call was answered: an input like [`Did::Received`].
    Resolved,
    Answered,
    Called(Called),
    Cancelled,
    /// The client has answered a request of ours.
    Heard,
    Established {
        version: String,
        profiles: Vec<String>,
        asked: Vec<String>,
    },
    Rejected,
    Refused,
}

/// A request that reached the handler.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    pub(crate) era: Era,
    pub(crate) version: String,
    pub(crate) profiles: Vec<String>,
    /// What the request says that it asks for, in `cursor`, in the argument `asked`, or in the name
    /// of what it is about: the truth by which the decision is judged.
    pub(crate) truth: Option<Value>,
}

enum Answer {
    List(ListToolsResult, CacheHints),
    Called(CallToolResult),
    Other(Value),
    Subscribe(String),
    Unsubscribe(String),
    Listen(SubscriptionFilter),
    Error(ErrorObject),
}

impl ServerRig {
    pub(crate) fn new(world: World) -> Self {
        let config = world.config();
        Self::with_config(world, config)
    }

    pub(crate) fn with_config(world: World, config: ServerConfig) -> Self {
        let session = ServerSession::new(Arc::new(config), Principal::local(), Tenant::default());
        Self {
            session,
            world,
            holds_policy: false,
            holds_calls: false,
            log: Vec::new(),
            policy_due: false,
            running: Vec::new(),
            last: None,
            out: Outbox::default(),
            unsent: Vec::new(),
        }
    }

    /// Takes a frame in, and lists what is sent at once.
    pub(crate) fn receive(&mut self, frame: &[u8]) -> Vec<String> {
        self.log.push(Did::Received(shown(frame)));
        let messages: Vec<_> = self.session.read(frame, &mut self.out).collect();
        for message in messages {
            if let Some(event) = self.session.handle(message, &mut self.out) {
                self.react(event);
            }
        }
        self.settled()
    }

    /// Whether [`ServerRig::resolve`] has something to do.
    pub(crate) fn policy_due(&self) -> bool {
        self.policy_due
    }

    /// Gives the policy that was asked for.
    pub(crate) fn resolve(&mut self) -> Vec<String> {
        if !std::mem::take(&mut self.policy_due) {
            return Vec::new();
        }
        self.log.push(Did::Resolved);
        self.give_policy();
        self.settled()
    }

    /// How many calls run.
    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }

    /// Ends one of the running calls.
    pub(crate) fn finish(&mut self, which: usize) -> Vec<String> {
        if self.running.is_empty() {
            return Vec::new();
        }
        let (call, answer) = self.running.remove(which % self.running.len());
        self.log.push(Did::Answered);
        self.answer(call, answer);
        self.settled()
    }

    /// Reports progress of one of the running calls.
    pub(crate) fn progress(&mut self, which: usize, value: f64) -> Vec<String> {
        if let Some((call, _)) = self.running.get(which % self.running.len().max(1)) {
            self.session.progress(*call, value, None, None, &mut self.out);
        }
        self.settled()
    }

    /// Says a log message about one of the running calls.
    pub(crate) fn log_of(&mut self, which: usize) -> Vec<String> {
        if let Some((call, _)) = self.running.get(which % self.running.len().max(1)) {
            let (level, data) = (LoggingLevel::Warning, json!("torn"));
            self.session.log(*call, level, None, &data, &mut self.out);
        }
        self.settled()
    }

    /// Asks the client something for one of the running calls for which it may.
    pub(crate) fn ask(&mut self, which: usize) -> Vec<String> {
        let (session, out) = (&mut self.session, &mut self.out);
        let mut calls = self.running.iter().map(|(call, _)| *call).cycle().skip(which);
        let mut ask = |call| session.ask(Instant::now(), call, "roots/list", None::<&Value>, out);
        (0..self.running.len()).find_map(|_| ask(calls.next()?).ok());
        self.settled()
    }

    /// Tells of a change.
    pub(crate) fn change(&mut self, which: usize) -> Vec<String> {
        let changes = [Change::Tools, Change::Resource("null"), Change::Tools, Change::Resources];
        self.session.changed(changes[which % changes.len()], &mut self.out);
        self.settled()
    }

    /// Ends all streams.
    pub(crate) fn end_streams(&mut self) -> Vec<String> {
        self.session.end_streams(&mut self.out);
        self.settled()
    }

    /// Says something more about the call that was answered or cancelled last.
    pub(crate) fn haunt(&mut self) -> Vec<String> {
        if let Some(call) = self.last {
            self.session.progress(call, 1e9, None, None, &mut self.out);
            self.session.log(call, LoggingLevel::Emergency, None, "late", &mut self.out);
            let asked =
                self.session.ask(Instant::now(), call, "roots/list", None::<&Value>, &mut self.out);
            assert!(asked.is_err(), "nobody waits for the answer");
            self.answer(call, Answer::Called(CallToolResult::text("once more")));
        }
        self.settled()
    }

    /// The frames that were sent since this was last asked.
    pub(crate) fn take_sent(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.unsent)
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = &Called> {
        self.log.iter().filter_map(|did| match did {
            Did::Called(called) => Some(called),
            _ => None,
        })
    }

    fn react(&mut self, event: ServerEvent<'_>) {
        match event {
            ServerEvent::ResolvePolicy => {
                self.log.push(Did::Asked);
                if self.holds_policy {
                    self.policy_due = true;
                } else {
                    self.log.push(Did::Resolved);
                    self.give_policy();
                }
            }
            ServerEvent::Call(call) => self.call(&call),
            ServerEvent::Cancelled(call) => {
                self.log.push(Did::Cancelled);
                self.running.retain(|(running, _)| *running != call);
                self.last = Some(call);
            }
            ServerEvent::Established { negotiated, requested, .. } => {
                self.log.push(Did::Established {
                    version: negotiated.version().to_string(),
                    profiles: names(negotiated.profiles().iter()),
                    asked: names(requested.iter()),
                });
            }
            ServerEvent::Rejected(_) => self.log.push(Did::Rejected),
            ServerEvent::Refused(_) => self.log.push(Did::Refused),
            ServerEvent::Answered { .. } => self.log.push(Did::Heard),
            ServerEvent::Discovered { .. } | ServerEvent::RootsChanged => {}
            _ => unreachable!("an event that this harness does not know"),
        }
    }

    fn give_policy(&mut self) {
        let entitlement = self.world.entitlement();
        if let Some(event) = self.session.policy_resolved(&entitlement, &mut self.out) {
            self.react(event);
        }
        while let Some(held) = self.session.next_held() {
            if let Some(event) = self.session.handle(held.message(), &mut self.out) {
                self.react(event);
            }
        }
    }

    fn call(&mut self, call: &ServerCall<'_>) {
        let (answer, truth) = match &call.request {
            ClientRequest::ListTools { cursor } => {
                let truth = cursor.as_deref().and_then(|cursor| serde_json::from_str(cursor).ok());
                (list(call), truth)
            }
            ClientRequest::CallTool(params) => {
                let arguments =
                    params.arguments.map(|raw| serde_json::from_str::<Value>(raw.get()));
                let truth = arguments.and_then(|read| Some(read.ok()?.get("asked")?.clone()));
                (run(call, &params.name), truth)
            }
            ClientRequest::ReadResource(params) => {
                (Answer::Other(json!({"contents": []})), read(&params.uri))
            }
            ClientRequest::GetPrompt(params) => {
                (Answer::Other(json!({"messages": []})), read(&params.name))
            }
            ClientRequest::Complete(params) => {
                (Answer::Other(json!({"completion": {"values": []}})), read(&params.argument.value))
            }
            ClientRequest::ListPrompts { cursor } => {
                (Answer::Other(json!({"prompts": []})), cursor.as_deref().and_then(read))
            }
            ClientRequest::ListResources { cursor }
            | ClientRequest::ListResourceTemplates { cursor } => {
                (Answer::Other(json!({"resources": []})), cursor.as_deref().and_then(read))
            }
            ClientRequest::Subscribe { uri } => (Answer::Subscribe(uri.to_string()), None),
            ClientRequest::Unsubscribe { uri } => (Answer::Unsubscribe(uri.to_string()), None),
            ClientRequest::Listen(filter) => {
                let truth = filter.resource_subscriptions.first().and_then(|uri| read(uri));
                (Answer::Listen(filter.clone()), truth)
            }
            _ => unreachable!("a request that this harness does not know"),
        };
        self.log.push(Did::Called(Called {
            era: call.negotiated.era(),
            version: call.negotiated.version().to_string(),
            profiles: names(call.negotiated.profiles().iter()),
            truth,
        }));
        if self.holds_calls {
            self.running.push((call.id, answer));
        } else {
            self.answer(call.id, answer);
        }
    }

    fn answer(&mut self, call: CallId, answer: Answer) {
        // A stream goes on: there is nothing left to be said of it only when it has ended.
        self.last = Some(call).filter(|_| !matches!(answer, Answer::Listen(_)));
        let written = match answer {
            Answer::List(list, cache) => {
                self.session.respond(call, &list, None, Some(cache), &mut self.out)
            }
            Answer::Called(result) => {
                self.session.respond(call, &result, None, None, &mut self.out)
            }
            Answer::Other(result) => {
                let cache = Some(CacheHints::public(1000));
                self.session.respond(call, &result, None, cache, &mut self.out)
            }
            Answer::Subscribe(uri) => {
                self.session.subscribe(call, &uri, &mut self.out);
                Ok(())
            }
            Answer::Unsubscribe(uri) => {
                self.session.unsubscribe(call, &uri, &mut self.out);
                Ok(())
            }
            Answer::Listen(filter) => {
                self.session.listen(call, filter, &mut self.out);
                Ok(())
            }
            Answer::Error(error) => {
                self.session.fail(call, &error, &mut self.out);
                Ok(())
            }
        };
        written.expect("the answers of this handler can be written");
    }

    fn settled(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        // Over a byte stream nothing is said of a frame that is not answered.
        self.out.drain(|transmit| sent.push(transmit.message.to_vec()));
        sent.retain(|message| !message.is_empty());
        let lines: Vec<String> = sent.iter().map(|frame| shown(frame)).collect();
        self.log.extend(lines.iter().cloned().map(Did::Sent));
        self.unsent.extend(sent);
        lines
    }
}

fn read(truth: &str) -> Option<Value> {
    serde_json::from_str(truth).ok()
}

fn list(call: &ServerCall<'_>) -> Answer {
    let shown = tools().into_iter().filter(|(_, profiles)| call.shows(profiles));
    let tools = shown.map(|(name, _)| Tool::new(name, Schema::no_arguments()));
    // Careless on purpose: a page that says what is in force must become private by itself.
    Answer::List(ListToolsResult::new(tools), CacheHints::public(1000))
}

fn run(call: &ServerCall<'_>, name: &str) -> Answer {
    let unknown = || ErrorObject::unknown_tool(name);
    let Some((name, profiles)) = tools().into_iter().find(|(known, _)| *known == name) else {
        return Answer::Error(unknown());
    };
    match call.admit(&profiles, unknown) {
        Ok(()) => Answer::Called(CallToolResult::text(format!("{name} ran"))),
        Err(error) => Answer::Error(error),
    }
}

fn tools() -> [(&'static str, Vec<ProfileUrl>); 2] {
    [("open", Vec::new()), ("gated", vec![url(PREMIUM)])]
}

fn names<'a>(profiles: impl Iterator<Item = &'a ProfileUrl>) -> Vec<String> {
    profiles.map(|url| url.as_str().to_owned()).collect()
}
