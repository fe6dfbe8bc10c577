//! The client's half with a caller who tries to call at any time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mcp_core::profile::ProfileUrl;
use mcp_core::session::client::{ClientConfig, ClientEvent, ClientSession, Established, Input};
use mcp_core::version::Era;
use mcp_core::{CallId, Outbox, Timeouts};
use serde_json::{Value, json};

use super::shown;

/// What no byte may say before the required profiles are confirmed: it stands in the name of the
/// tool that is called and in its argument.
pub(crate) const SECRET: &str = "secret";

/// The client's half, driven as a driver has to, and everything that happened to it in order.
pub(crate) struct ClientRig {
    state: Option<ClientSession>,
    pub(crate) log: Vec<Saw>,
    calls: Vec<CallId>,
    /// Requests of the server, answered or not.
    asked: Vec<CallId>,
    out: Outbox,
    unsent: Vec<Vec<u8>>,
}

/// Something that happened to a client, in order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Saw {
    Delivered(String),
    /// Time, the end of the connection, or the caller: an input like [`Saw::Delivered`].
    Input(&'static str),
    Sent(String),
    Established {
        era: Era,
        version: String,
        profiles: Vec<String>,
    },
    /// The handshake ended without agreement, or a required profile was lost.
    Rejected {
        kind: String,
    },
    Closed {
        error: String,
    },
    /// What [`Established::agreed`] says after an input.
    Agreed(Vec<String>),
    Changed(Vec<String>),
    Response(Result<String, i64>),
    Invalid(String),
    TimedOut(String),
    Progress(f64),
    Notification(String),
    InputRequired(String),
    ExtensionResult(String),
    /// The server asks: what names the request, and its method.
    Asked(String, String),
    Withdrawn(String),
    Acknowledged,
    Subscribed(String),
    SubscriptionEnded(Option<String>),
    Noise(String),
}

impl ClientRig {
    pub(crate) fn start(config: Arc<ClientConfig>, now: Instant) -> Self {
        let mut out = Outbox::default();
        let state = ClientSession::start(config, now, &mut out);
        let mut rig = Self {
            state: None,
            log: vec![Saw::Input("start")],
            calls: Vec::new(),
            asked: Vec::new(),
            out,
            unsent: Vec::new(),
        };
        rig.enter(now, state);
        rig.settle();
        rig
    }

    /// Takes a frame in, and lists what is sent at once.
    pub(crate) fn receive(&mut self, now: Instant, frame: &[u8]) -> Vec<String> {
        self.log.push(Saw::Delivered(shown(frame)));
        let Self { state, log, out, asked, .. } = self;
        match state {
            Some(ClientSession::Established(established)) => {
                established.handle(now, frame, out, |event| {
                    if let ClientEvent::Request { asked: request, .. } = &event {
                        asked.push(*request);
                    }
                    log.push(saw(event));
                });
            }
            _ => self.handshake(now, Input::Frame(frame)),
        }
        self.settle()
    }

    /// Says that the deadline has come, or that time passed.
    pub(crate) fn wake(&mut self, now: Instant) -> Vec<String> {
        self.log.push(Saw::Input("time"));
        let Self { state, log, out, .. } = self;
        match state {
            Some(ClientSession::Established(established)) => {
                established.expire(now, out, |event| log.push(saw(event)));
            }
            _ => self.handshake(now, Input::Deadline),
        }
        self.settle()
    }

    pub(crate) fn end_of_input(&mut self, now: Instant) -> Vec<String> {
        self.log.push(Saw::Input("end of input"));
        self.handshake(now, Input::EndOfInput);
        self.settle()
    }

    pub(crate) fn connected(&mut self, now: Instant) -> Vec<String> {
        self.log.push(Saw::Input("connected"));
        self.handshake(now, Input::Connected);
        self.settle()
    }

    /// Whether the server has to be started anew.
    pub(crate) fn awaits_connection(&self) -> bool {
        matches!(&self.state, Some(ClientSession::Start(start)) if start.awaits_connection())
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.state.as_ref()?.deadline()
    }

    pub(crate) fn established(&self) -> Option<&Established> {
        match &self.state {
            Some(ClientSession::Established(established)) => Some(established),
            _ => None,
        }
    }

    /// Whether the handshake is over, one way or the other.
    pub(crate) fn is_settled(&self) -> bool {
        !matches!(self.state, Some(ClientSession::Start(_) | ClientSession::Initializing(_)))
    }

    /// Calls a tool if there is anything to call it on: before agreement there is not.
    pub(crate) fn call(&mut self, now: Instant, tool: &str, timeouts: Timeouts) -> Vec<String> {
        self.request(
            now,
            "tools/call",
            &json!({"name": tool, "arguments": {"a": SECRET}}),
            timeouts,
        )
    }

    pub(crate) fn request(
        &mut self,
        now: Instant,
        method: &str,
        params: &Value,
        timeouts: Timeouts,
    ) -> Vec<String> {
        self.log.push(Saw::Input("call"));
        if let Some(ClientSession::Established(established)) = &mut self.state {
            // Refused once a required profile is lost.
            let call = established.request(now, method, params, timeouts, &mut self.out);
            self.calls.extend(call.ok());
        }
        self.settle()
    }

    /// Calls off one of the calls made so far, over or not.
    pub(crate) fn cancel(&mut self, which: usize) -> Vec<String> {
        self.log.push(Saw::Input("cancel"));
        if let (Some(ClientSession::Established(established)), false) =
            (&mut self.state, self.calls.is_empty())
        {
            let call = self.calls[which % self.calls.len()];
            established.cancel(call, None, &mut self.out);
        }
        self.settle()
    }

    /// Answers one of the server's requests, over or not, if there was one.
    pub(crate) fn respond(&mut self, now: Instant, which: usize, result: &Value) -> Vec<String> {
        self.log.push(Saw::Input("respond"));
        if let (Some(ClientSession::Established(established)), Some(asked)) =
            (&mut self.state, self.asked.get(which))
        {
            established.respond(now, *asked, result, &mut self.out).unwrap();
        }
        self.settle()
    }

    /// The frames that were sent since this was last asked.
    pub(crate) fn take_sent(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.unsent)
    }

    /// What was logged last of the things that matter to a caller.
    pub(crate) fn outcome(&self) -> Option<&Saw> {
        let told = |saw: &&Saw| {
            !matches!(saw, Saw::Delivered(_) | Saw::Input(_) | Saw::Sent(_) | Saw::Agreed(_))
        };
        self.log.iter().rev().find(told)
    }

    fn handshake(&mut self, now: Instant, input: Input<'_>) {
        let Some(state) = self.state.take() else { return };
        let was_over = is_over(&state);
        let mut state = state.handle(now, input, &mut self.out);
        if let Some(noise) = state.take_noise() {
            self.log.push(Saw::Noise(noise.to_string()));
        }
        if was_over || matches!(state, ClientSession::Established(_)) && self.established_before() {
            self.state = Some(state);
        } else {
            self.enter(now, state);
        }
    }

    fn established_before(&self) -> bool {
        self.log.iter().any(|saw| matches!(saw, Saw::Established { .. }))
    }

    /// Goes on until something has to come from outside, and logs where that is.
    fn enter(&mut self, now: Instant, mut state: ClientSession) {
        while let ClientSession::Discovered(discovered) = state {
            state = discovered.choose(now, &mut self.out);
        }
        match state {
            ClientSession::Established(established) => {
                let agreed = established.agreed();
                self.log.push(Saw::Established {
                    era: agreed.era(),
                    version: agreed.version().to_string(),
                    profiles: names(agreed.profiles().iter()),
                });
                self.state = Some(ClientSession::Established(established));
            }
            // What is over is put back as something that a frame can still be given to.
            ClientSession::Rejected(rejected) => {
                let rejection = rejected.into_rejection();
                self.log.push(Saw::Rejected { kind: format!("{:?}", rejection.kind()) });
                self.state = Some(rejection.into());
            }
            ClientSession::Closed(closed) => {
                let error = closed.into_error();
                self.log.push(Saw::Closed { error: error.to_string() });
                self.state = Some(error.into());
            }
            waiting => self.state = Some(waiting),
        }
    }

    fn settle(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        self.out.drain(|transmit| sent.push(transmit.message.to_vec()));
        let lines: Vec<String> = sent.iter().map(|frame| shown(frame)).collect();
        self.log.extend(lines.iter().cloned().map(Saw::Sent));
        self.unsent.extend(sent);
        if let Some(established) = self.established() {
            let agreed = names(established.agreed().profiles().iter());
            self.log.push(Saw::Agreed(agreed));
        }
        lines
    }
}

/// Time limits that never matter.
pub(crate) const PATIENT: Timeouts = Timeouts { idle: None, total: None };

/// Time limits of ten seconds without progress and a minute altogether.
pub(crate) const TIMED: Timeouts =
    Timeouts { idle: Some(Duration::from_secs(10)), total: Some(Duration::from_secs(60)) };

fn is_over(state: &ClientSession) -> bool {
    matches!(state, ClientSession::Rejected(_) | ClientSession::Closed(_))
}

fn saw(event: ClientEvent<'_>) -> Saw {
    match event {
        ClientEvent::Response { outcome, .. } => {
            Saw::Response(outcome.map(|raw| raw.get().to_owned()).map_err(|error| error.code.0))
        }
        ClientEvent::InvalidResult { problem, .. } => Saw::Invalid(problem),
        ClientEvent::TimedOut { kind, .. } => Saw::TimedOut(format!("{kind:?}")),
        ClientEvent::Progress { progress, .. } => Saw::Progress(progress.progress),
        ClientEvent::Notification { method, .. } => Saw::Notification(method.to_owned()),
        ClientEvent::InputRequired { result, .. } => Saw::InputRequired(result.get().to_owned()),
        ClientEvent::ExtensionResult { result_type, .. } => {
            Saw::ExtensionResult(result_type.into_owned())
        }
        ClientEvent::Request { asked, request } => {
            Saw::Asked(format!("{asked}"), request.kind.method().to_owned())
        }
        ClientEvent::Withdrawn { asked } => Saw::Withdrawn(format!("{asked}")),
        ClientEvent::Acknowledged { .. } => Saw::Acknowledged,
        ClientEvent::Subscribed { method, .. } => Saw::Subscribed(method.to_owned()),
        ClientEvent::SubscriptionEnded { reason, .. } => Saw::SubscriptionEnded(reason),
        ClientEvent::ProfilesChanged(profiles) => Saw::Changed(names(profiles.iter())),
        ClientEvent::Noise(noise) => Saw::Noise(noise.to_string()),
        ClientEvent::Rejected(rejection) => {
            Saw::Rejected { kind: format!("{:?}", rejection.kind()) }
        }
        _ => unreachable!("an event that this harness does not know"),
    }
}

fn names<'a>(profiles: impl Iterator<Item = &'a ProfileUrl>) -> Vec<String> {
    profiles.map(|url| url.as_str().to_owned()).collect()
}
