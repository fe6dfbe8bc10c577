//! From a request to the handler that answers it, and from its outcome to the answer.
//!
//! Lists, gates, limits; which handler is meant, and what its outcome is in the caller's era.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures_util::future::{AbortHandle, Abortable, BoxFuture};
use mcp_core::CallId;
use mcp_core::jsonrpc::{ErrorCode, ErrorObject};
use mcp_core::session::server::{ClientNotification, ClientRequest, ServerCall};
use mcp_core::types::{
    CacheHints, CompleteRequestParams, CompletionReference, ContentBlock, RawObject,
    ReadResourceRequestParams, SubscriptionFilter, TASK_RESULT_TYPE, TASKS_EXTENSION,
};
use mcp_core::version::Era;
use mcp_core::wire::{EncodeError, Members, legacy, modern};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::engine::{CallOf, Engine, NO_CALL, RunningCall};
use crate::ask::{Asking, Continued, digest_of_request};
use crate::call::CallParts;
use crate::extension::Extensions;
use crate::item::{CallKind, Item, OwnedCall};
use crate::outcome::Outcome;
use crate::server::audit;
use crate::server::catalogue::{Catalogue, Entry, KeptOut, Listing, Table};
use crate::tasks::TaskMode;

/// A page of a list, written without copying it.
struct Page<'a, T> {
    name: &'static str,
    items: Vec<&'a T>,
    next_cursor: Option<&'a str>,
}

impl<T: Serialize> Serialize for Page<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let items = (self.name, Value::Items(&self.items));
        let next = self.next_cursor.map(|cursor| ("nextCursor", Value::Cursor(cursor)));
        serializer.collect_map(std::iter::once(items).chain(next))
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a, T> {
    Items(&'a [&'a T]),
    Cursor(&'a str),
}

/// What is called, and with what.
#[derive(Clone, Copy)]
struct Target<'a> {
    kind: CallKind,
    item: &'a Item,
    /// What the client calls it.
    name: &'a str,
    arguments: Option<&'a RawValue>,
    /// What comes back from an earlier round.
    state: Option<&'a str>,
    responses: Option<&'a RawValue>,
    /// It may go on as a task.
    as_task: bool,
}

impl<'a> Target<'a> {
    /// Something that asks nothing.
    fn plain(kind: CallKind, item: &'a Item, arguments: Option<&'a RawValue>) -> Self {
        Self {
            kind,
            item,
            name: &item.name,
            arguments,
            state: None,
            responses: None,
            as_task: false,
        }
    }
}

/// What a call that may ask, or become a task, has besides.
#[derive(Default)]
struct Rounds {
    /// The digest of what is called.
    request: [u8; 32],
    continued: Option<Continued>,
}

impl Engine {
    /// Starts a call; where its handler need not wait, it is answered at once.
    pub(super) fn start(&mut self, cx: &mut Context<'_>, call: &ServerCall<'_>) {
        if call.negotiated.era() == Era::Modern && self.server.config.profiles.is_some() {
            let requested = call.requested.clone().unwrap_or_default();
            audit::agreed(&call.negotiated, &requested, &[]);
        }
        let catalogue = self.server.catalogue();
        match &call.request {
            ClientRequest::ListTools { cursor } => {
                self.list(call, CallKind::Tool, "tools", &catalogue.tools, cursor.as_deref());
            }
            ClientRequest::ListPrompts { cursor } => {
                let (kind, prompts) = (CallKind::Prompt, &catalogue.prompts);
                self.list(call, kind, "prompts", prompts, cursor.as_deref());
            }
            ClientRequest::ListResources { cursor } => {
                let cursor = cursor.as_deref();
                if let Some(item) = self.listing(&catalogue, call, cursor) {
                    return self.run(cx, call, Target::plain(CallKind::ResourceList, &item, None));
                }
                let (kind, resources) = (CallKind::Resource, &catalogue.resources);
                self.list(call, kind, "resources", resources, cursor);
            }
            ClientRequest::ListResourceTemplates { cursor } => {
                let (kind, templates) = (CallKind::Resource, &catalogue.templates);
                self.list(call, kind, "resourceTemplates", templates, cursor.as_deref());
            }
            ClientRequest::CallTool(params) => {
                let unknown = || ErrorObject::unknown_tool(&params.name);
                let tool =
                    self.admitted(&catalogue.tools, call, CallKind::Tool, &params.name, unknown);
                match tool.and_then(|tool| Ok((tool, as_task(call, tool.task)?))) {
                    Ok((tool, as_task)) => {
                        #[cfg(feature = "http")]
                        if let Some(mismatch) = self.header_mismatch.take() {
                            return self.fail(self.of(call, CallKind::Tool), &mismatch);
                        }
                        let target = Target {
                            kind: CallKind::Tool,
                            item: &tool.item,
                            name: &params.name,
                            arguments: params.arguments,
                            state: params.request_state.as_deref(),
                            responses: params.input_responses,
                            as_task,
                        };
                        self.run(cx, call, target);
                    }
                    Err(reason) => self.keep_out(call, reason),
                }
            }
            ClientRequest::GetPrompt(params) => {
                let unknown = || ErrorObject::unknown_prompt(&params.name);
                let (kind, prompts) = (CallKind::Prompt, &catalogue.prompts);
                match self.admitted(prompts, call, kind, &params.name, unknown) {
                    Ok(prompt) => {
                        let target = Target {
                            kind: CallKind::Prompt,
                            item: &prompt.item,
                            name: &params.name,
                            arguments: params.arguments,
                            state: params.request_state.as_deref(),
                            responses: params.input_responses,
                            as_task: false,
                        };
                        self.run(cx, call, target);
                    }
                    Err(reason) => self.keep_out(call, reason),
                }
            }
            ClientRequest::ReadResource(params) => {
                match self.resource(&catalogue, call, &params.uri) {
                    Ok(item) => {
                        let arguments = written(&ReadResourceRequestParams::from(params));
                        let target = Target {
                            kind: CallKind::Resource,
                            item,
                            name: &params.uri,
                            arguments: arguments.as_deref(),
                            state: params.request_state.as_deref(),
                            responses: params.input_responses,
                            as_task: false,
                        };
                        self.run(cx, call, target);
                    }
                    Err(reason) => self.keep_out(call, reason),
                }
            }
            ClientRequest::Complete(params) => match self.completer(&catalogue, call, params) {
                Ok(Some(completer)) => {
                    let arguments = written(params);
                    let arguments = arguments.as_deref();
                    self.run(cx, call, Target::plain(CallKind::Completion, completer, arguments));
                }
                Ok(None) => self.conclude(self.of(call, CallKind::Completion), no_completion()),
                Err(reason) => self.keep_out(call, reason),
            },
            ClientRequest::Subscribe { uri } => match self.resource(&catalogue, call, uri) {
                Ok(_) => self.session.subscribe(call.id, uri, &mut self.outbox),
                Err(reason) => self.keep_out(call, reason),
            },
            ClientRequest::Unsubscribe { uri } => {
                self.session.unsubscribe(call.id, uri, &mut self.outbox);
            }
            ClientRequest::Extension { method, params, .. } => {
                let server = Arc::clone(&self.server);
                match self.method(&server.extensions, call, method) {
                    Ok(item) => {
                        let arguments = arguments(params);
                        let arguments = Some(arguments.as_raw());
                        self.run(cx, call, Target::plain(CallKind::Method, item, arguments));
                    }
                    Err(reason) => self.keep_out(call, reason),
                }
            }
            ClientRequest::Listen(filter) => self.listen(call, &catalogue, filter),
            _ => {
                let error = ErrorObject::internal("this server has no handler for the method");
                self.session.fail(call.id, &error, &mut self.outbox);
            }
        }
    }

    /// Calls a handler within the limits of the caller's profiles.
    fn run(&mut self, cx: &mut Context<'_>, call: &ServerCall<'_>, target: Target<'_>) {
        let Target { kind, item, arguments, as_task, .. } = target;
        let mut of = self.of(call, kind);
        of.is_private |= item.is_private;
        let rounds = match self.rounds(call, &target) {
            Ok(rounds) => rounds,
            Err(error) => return self.fail(of, &error),
        };
        let bytes_in = arguments.map_or(0, |arguments| arguments.get().len());
        let admission = match self.server.limiter.admit(&call.negotiated, bytes_in) {
            Ok(admission) => admission,
            Err(exceeded) => return self.conclude(of, exceeded.into()),
        };
        let in_force = (kind == CallKind::Method).then(|| call.in_force());
        let parts = CallParts {
            id: call.id,
            kind,
            arguments,
            meta: call.meta,
            negotiated: &call.negotiated,
            wants_progress: call.wants_progress,
            log_level: call.log_level,
            connection: &self.connection,
            server: Some(&self.server.me),
            in_force: in_force.as_ref(),
            earlier: None,
        };
        let begun = begin(cx, || match rounds {
            Some(Rounds { request, continued }) => {
                let (item, call) = (item.clone(), OwnedCall::new(parts));
                let sealer = Arc::clone(&self.server.sealer);
                let asking = Asking { item, call, request, continued, admission, sealer };
                match self.server.tasks.as_ref().filter(|_| as_task) {
                    Some(tasks) => {
                        let (server, caller) = (self.server.me.clone(), &self.connection);
                        tasks.begin(server, asking, Arc::clone(caller))
                    }
                    None => Box::pin(asking.run()),
                }
            }
            None if admission.is_unlimited() => item.call(parts),
            None => Box::pin(admission.run(item.call(parts))),
        });
        self.begun(of, begun);
    }

    /// Opens a stream of changes.
    fn listen(
        &mut self,
        call: &ServerCall<'_>,
        catalogue: &Catalogue,
        filter: &SubscriptionFilter,
    ) {
        let tasks = self.server.tasks.clone().filter(|_| !filter.task_ids.is_empty());
        if tasks.is_some() && !knows_tasks(call) {
            let error = ErrorObject::missing_extension(TASKS_EXTENSION);
            return self.session.fail(call.id, &error, &mut self.outbox);
        }
        self.connect();
        let granted = self.grant(catalogue, call, filter);
        let heard = granted.task_ids.clone();
        self.session.listen(call.id, granted, &mut self.outbox);
        // What has happened since the client last asked must not be lost.
        tasks.iter().for_each(|tasks| heard.iter().for_each(|id| tasks.tell(id)));
    }

    /// Runs what an extension does about a notification; nobody waits for it.
    pub(super) fn notified(&mut self, cx: &mut Context<'_>, said: &ClientNotification<'_>) {
        let server = Arc::clone(&self.server);
        let Some(item) = server.extensions.notification(&said.method) else { return };
        let method = said.method.to_string();
        if self.running.len() >= server.config.limits.pending_requests {
            tracing::warn!(target: "mcp::server", method, "too much runs: a notification is passed over");
            return;
        }
        let arguments = arguments(&said.params);
        let bytes_in = arguments.as_str().len();
        let admission = match server.limiter.admit(&said.negotiated, bytes_in) {
            Ok(admission) => admission,
            Err(exceeded) => {
                tracing::warn!(target: "mcp::server", method, %exceeded, "a notification is passed over");
                return;
            }
        };
        let parts = CallParts {
            id: NO_CALL,
            kind: CallKind::Method,
            arguments: Some(arguments.as_raw()),
            meta: said.params.raw("_meta"),
            negotiated: &said.negotiated,
            wants_progress: false,
            log_level: None,
            connection: &self.connection,
            server: Some(&server.me),
            in_force: None,
            earlier: None,
        };
        let era = said.negotiated.era();
        let of = CallOf { id: NO_CALL, era, kind: CallKind::Method, is_private: true };
        let begun = begin(cx, || {
            let handled = admission.run(item.call(parts));
            Box::pin(async move {
                let outcome = handled.await;
                if let Outcome::Error(error) = &outcome {
                    tracing::warn!(target: "mcp::server", method, %error, "a notification could not be handled");
                }
                outcome
            })
        });
        self.begun(of, begun);
    }

    /// Answers a call whose handler need not wait; keeps any other.
    fn begun(&mut self, of: CallOf, begun: Begun) {
        match begun {
            Ok(Ok(outcome)) => {
                self.pass_on_last_of(of.id);
                self.conclude(of, outcome);
            }
            Ok(Err(future)) => {
                let (abort, registration) = AbortHandle::new_pair();
                self.aborts.insert(of.id, abort);
                self.running.push(Abortable::new(RunningCall { call: of, future }, registration));
            }
            Err(panic) => self.panicked(of.id, panic.as_ref()),
        }
    }

    /// The item of a name, if it exists for this caller.
    pub(super) fn admitted<'t, T: Entry>(
        &self,
        table: &'t Table<T>,
        call: &ServerCall<'_>,
        kind: CallKind,
        name: &str,
        unknown: impl Fn() -> ErrorObject,
    ) -> Result<&'t T, KeptOut> {
        let item = table.get(name).ok_or_else(&unknown)?;
        item.gates().admit(call, &unknown)?;
        if !self.server.is_visible(&call.negotiated, kind, name) {
            return Err(unknown().into());
        }
        item.gates().open(call.negotiated.principal()).map(|()| &**item)
    }

    /// The resource or template that a URI names, if it exists for this caller.
    pub(super) fn resource<'t>(
        &self,
        catalogue: &'t Catalogue,
        call: &ServerCall<'_>,
        uri: &str,
    ) -> Result<&'t Item, KeptOut> {
        let is_visible =
            |uri: &str| self.server.is_visible(&call.negotiated, CallKind::Resource, uri);
        match is_visible(uri) {
            true => catalogue.resource(call, uri, is_visible),
            false => Err(ErrorObject::resource_not_found_at(uri).into()),
        }
    }

    /// What completes an argument, if anything does and the caller has what it is an argument of.
    pub(super) fn completer<'t>(
        &self,
        catalogue: &'t Catalogue,
        call: &ServerCall<'_>,
        params: &CompleteRequestParams,
    ) -> Result<Option<&'t Item>, KeptOut> {
        let argument = &params.argument.name;
        match &params.reference {
            CompletionReference::Prompt(prompt) => {
                let name = &prompt.name;
                let unknown = || ErrorObject::unknown_prompt(name);
                let prompts = &catalogue.prompts;
                let prompt = self.admitted(prompts, call, CallKind::Prompt, name, unknown)?;
                Ok(prompt.completer(argument)?)
            }
            CompletionReference::Resource(template) => {
                let uri = &template.uri;
                let unknown = || ErrorObject::resource_not_found_at(uri);
                let templates = &catalogue.templates;
                let template = self.admitted(templates, call, CallKind::Resource, uri, unknown)?;
                Ok(template.completer(argument)?)
            }
            _ => {
                Err(ErrorObject::invalid_params("`ref` is neither a prompt nor a resource").into())
            }
        }
    }

    /// What makes a page of the resources, where templates have to be asked for theirs.
    fn listing(
        &self,
        catalogue: &Catalogue,
        call: &ServerCall<'_>,
        cursor: Option<&str>,
    ) -> Option<Item> {
        let server = Arc::clone(&self.server);
        let negotiated = call.negotiated.clone();
        let is_visible = move |uri: &str| server.is_visible(&negotiated, CallKind::Resource, uri);
        let listing = Listing::of(catalogue, call, cursor, self.server.page_size, is_visible)?;
        Some(listing.into_item(&self.server.provided))
    }

    /// The method of an extension, if it exists for this caller.
    pub(super) fn method<'e>(
        &self,
        extensions: &'e Extensions,
        call: &ServerCall<'_>,
        name: &str,
    ) -> Result<&'e Item, KeptOut> {
        let unknown = || ErrorObject::method_not_found(name);
        let method = extensions.method(name).ok_or_else(unknown)?;
        method.gates.admit(call, unknown)?;
        if !self.server.is_visible(&call.negotiated, CallKind::Method, name) {
            return Err(unknown().into());
        }
        method.gates.open(call.negotiated.principal()).map(|()| &method.item)
    }

    /// What of a filter is granted: the lists that there are, and resources that exist for the
    /// caller.
    fn grant(
        &self,
        catalogue: &Catalogue,
        call: &ServerCall<'_>,
        filter: &SubscriptionFilter,
    ) -> SubscriptionFilter {
        let mut granted = SubscriptionFilter::new();
        let capabilities = &self.server.config.capabilities;
        granted.tools_list_changed =
            filter.tools_list_changed.filter(|_| capabilities.tools.is_some());
        granted.prompts_list_changed =
            filter.prompts_list_changed.filter(|_| capabilities.prompts.is_some());
        granted.resources_list_changed =
            filter.resources_list_changed.filter(|_| capabilities.resources.is_some());
        let uris = filter.resource_subscriptions.iter();
        granted.resource_subscriptions =
            uris.filter(|uri| self.resource(catalogue, call, uri).is_ok()).cloned().collect();
        if let Some(tasks) = &self.server.tasks {
            let ids = filter.task_ids.iter();
            granted.task_ids = ids.filter(|id| tasks.may_hear(call, id)).cloned().collect();
        }
        granted
    }

    /// What a call needs that may ask, or goes on after a question; nothing for most.
    fn rounds(
        &self,
        call: &ServerCall<'_>,
        target: &Target<'_>,
    ) -> Result<Option<Rounds>, ErrorObject> {
        let Target { kind, item, name, arguments, state, responses, as_task } = *target;
        // Legacy clients bring back nothing, whatever they send.
        let is_modern = call.negotiated.era() == Era::Modern;
        let (state, responses) = (state.filter(|_| is_modern), responses.filter(|_| is_modern));
        if !item.asks.anything && state.is_none() {
            return Ok(as_task.then(Rounds::default));
        }
        item.asks.check(&call.negotiated)?;
        let request = digest_of_request(kind.method(), name, arguments);
        let open = |state| {
            let now = SystemTime::now();
            self.server.sealer.open(&call.negotiated, &request, state, responses, now)
        };
        let mut continued = match (state, responses) {
            (Some(state), _) => Some(open(state)?),
            // Answers count without a state where a call may be repeated. Where it may not, the
            // state is what makes an answer good for one call only: there the handler asks.
            (None, Some(responses)) => {
                let unasked = Continued::unasked(&call.negotiated, responses)?;
                Some(unasked).filter(|_| !item.asks.once)
            }
            (None, None) => None,
        };
        if let Some(continued) = &mut continued {
            call.still_in_force(&continued.earlier.profiles())?;
            continued.used_up.take_if(|_| !item.asks.once);
        }
        Ok(Some(Rounds { request, continued }))
    }

    fn list<T: Entry>(
        &mut self,
        call: &ServerCall<'_>,
        kind: CallKind,
        name: &'static str,
        table: &Table<T>,
        cursor: Option<&str>,
    ) {
        let is_visible = |key: &str| self.server.is_visible(&call.negotiated, kind, key);
        match table.page(call, cursor, self.server.page_size, is_visible) {
            Ok((items, next_cursor)) => {
                let page = Page { name, items, next_cursor };
                let cache = self.of(call, kind).cache(self.server.list_cache);
                let written =
                    self.session.respond(call.id, &page, None, Some(cache), &mut self.outbox);
                log_unwritten(call.id, written);
            }
            Err(error) => self.session.fail(call.id, &error, &mut self.outbox),
        }
    }

    fn of(&self, call: &ServerCall<'_>, kind: CallKind) -> CallOf {
        let differs = self.server.entitlement.is_some() || self.server.visible.is_some();
        CallOf {
            id: call.id,
            era: call.negotiated.era(),
            kind,
            is_private: call.requested.is_some() || differs,
        }
    }

    pub(super) fn keep_out(&mut self, call: &ServerCall<'_>, reason: KeptOut) {
        let error = match reason {
            KeptOut::Error(error) => {
                audit::kept_out(&call.negotiated, &error);
                error
            }
            KeptOut::Needs(scopes) => {
                audit::lacks_scopes(&call.negotiated, &scopes);
                let error = scopes.refusal();
                #[cfg(feature = "http")]
                self.lacking.replace(scopes);
                error
            }
        };
        self.fail(self.of(call, CallKind::Resource), &error);
    }

    /// Answers a call with its outcome.
    pub(super) fn conclude(&mut self, call: CallOf, outcome: Outcome) {
        let written = match outcome {
            Outcome::Complete(mut result) if call.kind == CallKind::Tool => {
                if call.era == Era::Legacy {
                    legacy::adapt_result(&mut result);
                }
                self.session.respond_call_tool(call.id, &result, &mut self.outbox)
            }
            // A limit, a layer or the handler itself has ended it as a tool would end.
            Outcome::Complete(result) => {
                let texts = result.content.iter().filter_map(ContentBlock::as_text);
                let said: Vec<&str> = texts.collect();
                return self.fail(call, &ErrorObject::invalid_params(said.join("\n")));
            }
            Outcome::Prompt(result) => {
                let meta = result.meta.as_ref();
                self.session.respond(call.id, &result, meta, None, &mut self.outbox)
            }
            Outcome::Resource(result) => {
                // Other callers may be given other contents: only the author can tell.
                let cache = call.cache(result.cache.unwrap_or_default());
                let meta = result.meta.as_ref();
                self.session.respond(call.id, &result, meta, Some(cache), &mut self.outbox)
            }
            Outcome::Completion(result) => {
                let meta = result.meta.as_ref();
                self.session.respond(call.id, &result, meta, None, &mut self.outbox)
            }
            Outcome::Result(result) => {
                let is_list = call.kind == CallKind::ResourceList;
                let cache = is_list.then(|| call.cache(self.server.list_cache));
                self.session.respond(call.id, &result, None, cache, &mut self.outbox)
            }
            Outcome::Task(task) => {
                let meta = task.meta.as_ref();
                let out = &mut self.outbox;
                self.session.respond_as(call.id, TASK_RESULT_TYPE, &task, meta, out)
            }
            Outcome::InputRequired(left) => match left.into_result() {
                Some(result) => {
                    let out = &mut self.outbox;
                    self.session.respond_as(call.id, modern::INPUT_REQUIRED, &result, None, out)
                }
                None => {
                    tracing::error!(target: "mcp::server", call = %call.id, "a handler asks for input, and none of its parameters says so: take `Answers`");
                    return self.fail(call, &ErrorObject::internal("internal error"));
                }
            },
            Outcome::Error(error) => return self.fail(call, &error),
        };
        log_unwritten(call.id, written);
    }

    /// Answers a call with an error, under the code that it has in the caller's era.
    fn fail(&mut self, call: CallOf, error: &ErrorObject) {
        if error.code == ErrorCode::RESOURCE_NOT_FOUND && call.era == Era::Modern {
            // 2026-07-28, server/resources, "Error Handling".
            let error = ErrorObject { code: ErrorCode::INVALID_PARAMS, ..error.clone() };
            return self.session.fail(call.id, &error, &mut self.outbox);
        }
        self.session.fail(call.id, error, &mut self.outbox);
    }

    pub(super) fn panicked(&mut self, call: CallId, panic: &(dyn Any + Send)) {
        let said = panic.downcast_ref::<&str>().copied();
        let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(target: "mcp::server", %call, panic = said, "a handler panicked");
        self.session.fail(call, &ErrorObject::internal("internal error"), &mut self.outbox);
    }
}

impl CallOf {
    /// For how long and whom a result may be kept: what says which profiles are in force, or may
    /// differ between callers, is private.
    fn cache(self, hints: CacheHints) -> CacheHints {
        if self.is_private { CacheHints::private(hints.ttl_ms) } else { hints }
    }
}

/// Whether the client knows tasks: only the modern era has them.
fn knows_tasks(call: &ServerCall<'_>) -> bool {
    let declared = call.negotiated.client_capabilities();
    call.negotiated.era() == Era::Modern && declared.extension(TASKS_EXTENSION).is_some()
}

/// Whether a call of a tool may go on as a task.
fn as_task(call: &ServerCall<'_>, mode: TaskMode) -> Result<bool, ErrorObject> {
    match mode {
        TaskMode::Forbidden => Ok(false),
        _ if knows_tasks(call) => Ok(true),
        TaskMode::Optional => Ok(false),
        TaskMode::Required if call.negotiated.era() == Era::Legacy => {
            Err(ErrorObject::invalid_params("this tool runs as a task, which needs MCP 2026-07-28"))
        }
        TaskMode::Required => Err(ErrorObject::missing_extension(TASKS_EXTENSION)),
    }
}

/// A handler that was polled once: its outcome, or what is left to do.
type Begun = Result<Result<Outcome, BoxFuture<'static, Outcome>>, Box<dyn Any + Send>>;

/// Starts a handler.
fn begin(cx: &mut Context<'_>, start: impl FnOnce() -> BoxFuture<'static, Outcome>) -> Begun {
    catch_unwind(AssertUnwindSafe(|| {
        let mut future = start();
        match future.as_mut().poll(cx) {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => Err(future),
        }
    }))
}

/// Parameters as arguments: what describes the request is none of them.
fn arguments(params: &Members<'_>) -> RawObject {
    let members = params.iter().filter(|(name, _)| *name != "_meta");
    let members: BTreeMap<_, _> = members.collect();
    RawObject::new(&members).expect("what was read as an object is written as one")
}

/// The params of a request as the arguments of its handler.
fn written(params: &impl Serialize) -> Option<Box<RawValue>> {
    serde_json::value::to_raw_value(params).ok()
}

fn no_completion() -> Outcome {
    Outcome::Completion(mcp_core::types::CompleteResult::new([""; 0]))
}

fn log_unwritten(call: CallId, written: Result<(), EncodeError>) {
    if let Err(error) = written {
        tracing::error!(target: "mcp::server", %call, %error, "a result could not be written");
    }
}
