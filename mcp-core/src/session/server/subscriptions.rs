//! Changes that clients want to hear of: `resources/subscribe` and `subscriptions/listen`.
//!
//! A legacy session has one set of resources, and hears of every list that changes. A modern
//! client opens streams, each with a filter; a stream is a call that is not answered until it ends.
//! It holds the profiles of its beginning: when these are no longer all in force, it ends.
//!
//! Spec: 2025-11-25, server/resources; 2026-07-28, basic/patterns/subscriptions.

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::notify::notification;
use super::{Resolution, ServerSession, ServerState, refused};
use crate::jsonrpc::{ErrorObject, RequestId};
use crate::limits::Limits;
use crate::negotiate::Negotiated;
use crate::outbox::{Outbox, Route};
use crate::pending::CallId;
use crate::profile::{
    self, Decision, NegotiatedProfiles, Refusal, RequestedProfiles, ResolvedPolicy, Terms,
};
use crate::types::{CancelledNotificationParams, DetailedTask, Meta, SubscriptionFilter};
use crate::version::ProtocolVersion;
use crate::wire::modern::SUBSCRIPTION_ID;

/// Something that changed.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Change<'a> {
    /// The list of tools.
    Tools,
    /// The list of prompts.
    Prompts,
    /// The list of resources or of resource templates.
    Resources,
    /// The resource of this URI.
    Resource(&'a str),
    /// A task (the extension `io.modelcontextprotocol/tasks`).
    Task(&'a DetailedTask),
}

/// An open stream of changes.
#[derive(Debug)]
pub(super) struct Listening {
    /// `None` until it was acknowledged.
    filter: Option<SubscriptionFilter>,
    version: ProtocolVersion,
    /// The profiles of its beginning.
    profiles: NegotiatedProfiles,
    /// What was asked for, by a caller who is told what is in force.
    requested: Option<RequestedProfiles>,
}

impl Listening {
    pub(super) fn new(negotiated: &Negotiated, requested: Option<RequestedProfiles>) -> Self {
        Self {
            filter: None,
            version: negotiated.version().clone(),
            profiles: negotiated.profiles().clone(),
            requested,
        }
    }

    /// Why it may not go on for a caller with this policy.
    fn lost(&self, policy: &ResolvedPolicy) -> Option<Refusal> {
        let requested = self.requested.clone().unwrap_or_default();
        match policy.decide(&requested, &self.version, Terms::AllOrNothing) {
            Decision::Refused(refusal) => Some(refusal),
            Decision::Agreed { profiles, .. } => {
                policy.still_in_force(&self.profiles, &profiles, &requested, &self.version).err()
            }
        }
    }
}

/// What every message of a stream carries.
struct StreamMeta<'a> {
    subscription_id: &'a RequestId,
    profiles: Option<&'a NegotiatedProfiles>,
}

impl Serialize for StreamMeta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut meta = serializer.serialize_map(None)?;
        meta.serialize_entry(SUBSCRIPTION_ID, self.subscription_id)?;
        if let Some(profiles) = self.profiles {
            let answer = profile::AnswerMeta { profiles, reasons: None };
            meta.serialize_entry(profile::EXTENSION, &answer)?;
        }
        meta.end()
    }
}

#[derive(serde::Serialize)]
struct Acknowledged<'a> {
    #[serde(rename = "_meta")]
    meta: StreamMeta<'a>,
    notifications: &'a SubscriptionFilter,
}

#[derive(serde::Serialize)]
struct Changed<'a> {
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<StreamMeta<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    #[serde(flatten)]
    task: Option<&'a DetailedTask>,
}

impl ServerSession {
    /// Grants a `resources/subscribe` call of a legacy session and answers it.
    ///
    /// A call that was cancelled meanwhile subscribes to nothing.
    pub fn subscribe(&mut self, call: CallId, uri: &str, out: &mut Outbox) {
        if self.calls.get_mut(call).is_none() {
            return;
        }
        let limits = &self.config.limits;
        if let ServerState::Established(session) = &mut self.state
            && !session.subscribed.contains(uri)
        {
            let mut load = Load::default();
            session.subscribed.iter().for_each(|known| load.add(known));
            load.add(uri);
            if let Some(error) = load.exceeds(limits) {
                return self.fail(call, &error, out);
            }
            session.subscribed.insert(uri.into());
            session.changes = session.changes.wrapping_add(1);
        }
        self.respond_empty(call, None, out);
    }

    /// Grants a `resources/unsubscribe` call and answers it.
    pub fn unsubscribe(&mut self, call: CallId, uri: &str, out: &mut Outbox) {
        if let ServerState::Established(session) = &mut self.state {
            let removed = session.subscribed.remove(uri);
            session.changes = session.changes.wrapping_add(u32::from(removed));
        }
        self.respond_empty(call, None, out);
    }

    /// Opens the stream that a `subscriptions/listen` call asks for, with what of it is granted.
    pub fn listen(&mut self, call: CallId, granted: SubscriptionFilter, out: &mut Outbox) {
        let mut load = self.listening();
        load.add_stream(&granted);
        if let Some(error) = load.exceeds(&self.config.limits) {
            return self.fail(call, &error, out);
        }
        let Some((id, row)) = self.calls.get_mut(call) else { return };
        let Some(listening) = &mut row.listening else { return };
        let profiles = listening.requested.is_some().then_some(&listening.profiles);
        let meta = StreamMeta { subscription_id: id, profiles };
        let params = Acknowledged { meta, notifications: &granted };
        let route = Route::Frame(row.origin.frame);
        notification(route, "notifications/subscriptions/acknowledged", &params, out);
        listening.filter = Some(granted);
        self.streams.push(call);
    }

    /// Tells of a change those who want to hear of it.
    pub fn changed(&mut self, change: Change<'_>, out: &mut Outbox) {
        let (method, uri, task) = match change {
            Change::Tools => ("notifications/tools/list_changed", None, None),
            Change::Prompts => ("notifications/prompts/list_changed", None, None),
            Change::Resources => ("notifications/resources/list_changed", None, None),
            Change::Resource(uri) => ("notifications/resources/updated", Some(uri), None),
            Change::Task(task) => ("notifications/tasks", None, Some(task)),
        };
        if let ServerState::Established(session) = &self.state
            && session.initialized
            && uri.is_none_or(|uri| session.subscribed.contains(uri))
            && self.declares(change)
        {
            notification(Route::Connection, method, &Changed { meta: None, uri, task }, out);
        }
        for call in &self.streams {
            let Some((id, row)) = self.calls.get_mut(*call) else { continue };
            let filter = row.listening.as_ref().and_then(|listening| listening.filter.as_ref());
            if filter.is_some_and(|filter| wants(filter, change)) {
                let meta = Some(StreamMeta { subscription_id: id, profiles: None });
                notification(
                    Route::Frame(row.origin.frame),
                    method,
                    &Changed { meta, uri, task },
                    out,
                );
            }
        }
    }

    /// Ends all streams with a result: the server is about to close the connection.
    pub fn end_streams(&mut self, out: &mut Outbox) {
        for call in std::mem::take(&mut self.streams) {
            let Some((id, row)) = self.calls.get_mut(call) else { continue };
            let (id, route) = (id.clone(), Route::Frame(row.origin.frame));
            // basic/patterns/subscriptions wants the one and basic/patterns/cancellation demands the
            // other, which says that no result is wanted any more: it comes last.
            let meta = serde_json::to_value(&id).map(|id| Meta::new().with(SUBSCRIPTION_ID, id));
            self.respond_empty(call, meta.ok().as_ref(), out);
            let params = CancelledNotificationParams::new(id);
            notification(route, "notifications/cancelled", &params, out);
        }
    }

    /// Asks anew what the caller is entitled to, for streams that stay open; says whether
    /// [`ServerEvent::ResolvePolicy`](super::ServerEvent::ResolvePolicy) is to be done now.
    ///
    /// Streams that began with what the caller has lost meanwhile are ended by the answer.
    pub fn recheck(&mut self) -> bool {
        let asks = !self.streams.is_empty() && matches!(self.resolution, Resolution::Unasked);
        if asks {
            self.resolution = Resolution::Asked;
        }
        asks
    }

    /// Ends the streams of a caller who is no longer entitled to what they began with.
    pub(super) fn end_lost_streams(&mut self, policy: &ResolvedPolicy, out: &mut Outbox) {
        for call in self.streams.clone() {
            let Some((_, row)) = self.calls.get_mut(call) else { continue };
            let Some(listening) = &row.listening else { continue };
            if let Some(refusal) = listening.lost(policy) {
                let error = refused(&refusal, listening.requested.is_some());
                self.fail(call, &error, out);
            }
        }
    }

    /// The resources that all open streams name, and one thing for each stream.
    fn listening(&mut self) -> Load {
        let mut load = Load::default();
        self.streams.retain(|call| {
            let Some((_, row)) = self.calls.get_mut(*call) else { return false };
            let filter = row.listening.as_ref().and_then(|listening| listening.filter.as_ref());
            match filter {
                Some(filter) => load.add_stream(filter),
                None => load.things += 1,
            }
            true
        });
        load
    }

    fn declares(&self, change: Change<'_>) -> bool {
        let capabilities = &self.config.capabilities;
        let resources = capabilities.resources.as_ref();
        Some(true)
            == match change {
                Change::Tools => capabilities.tools.as_ref().and_then(|tools| tools.list_changed),
                Change::Prompts => capabilities.prompts.as_ref().and_then(|p| p.list_changed),
                Change::Resources => resources.and_then(|resources| resources.list_changed),
                Change::Resource(_) => resources.and_then(|resources| resources.subscribe),
                // Legacy sessions have no tasks.
                Change::Task(_) => None,
            }
    }
}

/// How much a client is subscribed to.
#[derive(Debug, Default)]
struct Load {
    things: usize,
    /// How long the addresses are together.
    bytes: usize,
}

impl Load {
    fn add(&mut self, name: &str) {
        self.things += 1;
        self.bytes = self.bytes.saturating_add(name.len());
    }

    fn add_stream(&mut self, filter: &SubscriptionFilter) {
        self.things += 1;
        filter.resource_subscriptions.iter().for_each(|uri| self.add(uri));
        filter.task_ids.iter().for_each(|task| self.add(task));
    }

    /// The error to answer with when it is more than allowed.
    fn exceeds(&self, limits: &Limits) -> Option<ErrorObject> {
        let (most, bytes) = (limits.subscriptions, limits.pending_bytes);
        (self.things > most || self.bytes > bytes).then(|| too_many(most, bytes))
    }
}

/// More is subscribed to than allowed.
pub(super) fn too_many(most: usize, bytes: usize) -> ErrorObject {
    ErrorObject::invalid_request(format!(
        "at most {most} resources and streams can be subscribed to at a time, with addresses of {bytes} bytes together"
    ))
}

fn wants(filter: &SubscriptionFilter, change: Change<'_>) -> bool {
    match change {
        Change::Tools => filter.tools_list_changed == Some(true),
        Change::Prompts => filter.prompts_list_changed == Some(true),
        Change::Resources => filter.resources_list_changed == Some(true),
        Change::Resource(uri) => filter.resource_subscriptions.iter().any(|wanted| wanted == uri),
        Change::Task(task) => filter.task_ids.contains(&task.task().task_id),
    }
}
