//! What a server session does for features that are more than a call and its answer: log messages,
//! subscriptions, requests to the client, methods of extensions.

use std::sync::Arc;
use std::time::Instant;

use mcp_core::capability::{
    PromptsCapability, ResourcesCapability, ServerCapabilities, ToolsCapability,
};
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::session::server::{
    AskError, Change, ClientRequest, ServerConfig, ServerEvent, ServerSession,
};
use mcp_core::types::{CallToolResult, Implementation, LoggingLevel};
use mcp_core::{CallId, Limits, Outbox, Principal, Tenant};
use serde_json::{Value, json};

/// A session whose calls stay open until the test ends them.
struct Open {
    session: ServerSession,
    out: Outbox,
    calls: Vec<CallId>,
    asked: Vec<Result<Value, ErrorObject>>,
}

impl Open {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        let mut config = ServerConfig::new(Implementation::new("vidsrus", "1.0"));
        config.capabilities = ServerCapabilities::new()
            .with_tools(ToolsCapability::new().with_list_changed(true))
            .with_prompts(PromptsCapability::new())
            .with_resources(ResourcesCapability::new().with_subscribe(true))
            .with_logging();
        change(&mut config);
        let session = ServerSession::new(Arc::new(config), Principal::local(), Tenant::default());
        Self { session, out: Outbox::default(), calls: Vec::new(), asked: Vec::new() }
    }

    /// A session that is established and initialized.
    fn legacy(self) -> Self {
        let mut open = self.uninitialized();
        open.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        open
    }

    fn uninitialized(mut self) -> Self {
        self.ask(
            "init",
            "initialize",
            json!({
                "protocolVersion": "2025-11-25",
                "capabilities": { "extensions": { "com.example/watchlist": {} } },
                "clientInfo": { "name": "viewer", "version": "1.0" },
            }),
        );
        self
    }

    /// Takes a message in and gives what is sent.
    fn tell(&mut self, message: &Value) -> Vec<Value> {
        let text = message.to_string();
        let messages: Vec<_> = self.session.read(text.as_bytes(), &mut self.out).collect();
        for message in messages {
            match self.session.handle(message, &mut self.out) {
                Some(ServerEvent::Call(call)) => {
                    self.calls.push(call.id);
                    match call.request {
                        ClientRequest::Subscribe { uri } => {
                            self.session.subscribe(call.id, &uri, &mut self.out);
                        }
                        ClientRequest::Unsubscribe { uri } => {
                            self.session.unsubscribe(call.id, &uri, &mut self.out);
                        }
                        ClientRequest::Listen(filter) => {
                            self.session.listen(call.id, filter, &mut self.out);
                        }
                        _ => {}
                    }
                }
                Some(ServerEvent::Answered { outcome, .. }) => {
                    let outcome = outcome.map(|raw| serde_json::from_str(raw.get()).unwrap());
                    self.asked.push(outcome);
                }
                _ => {}
            }
        }
        self.sent()
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value where it is used")]
    fn ask(&mut self, id: impl Into<Value>, method: &str, params: Value) -> Vec<Value> {
        let id: Value = id.into();
        self.tell(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value where it is used")]
    fn ask_modern(&mut self, id: i64, method: &str, mut params: Value, meta: Value) -> Vec<Value> {
        let mut all = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        all.as_object_mut().unwrap().extend(meta.as_object().unwrap().clone());
        params["_meta"] = all;
        self.ask(id, method, params)
    }

    fn sent(&mut self) -> Vec<Value> {
        let mut sent = Vec::new();
        self.out.drain(|message| sent.push(message.message.to_vec()));
        sent.retain(|message| !message.is_empty());
        sent.iter().map(|message| serde_json::from_slice(message).unwrap()).collect()
    }

    fn last(&self) -> CallId {
        *self.calls.last().expect("a call is open")
    }

    fn log(&mut self, level: LoggingLevel) -> Vec<Value> {
        self.session.log(self.last(), level, Some("reel"), &json!("torn"), &mut self.out);
        self.sent()
    }

    fn change(&mut self, change: Change<'_>) -> Vec<Value> {
        self.session.changed(change, &mut self.out);
        self.sent()
    }

    fn ask_client(&mut self) -> Result<Vec<Value>, AskError> {
        let params = json!({ "message": "sure?" });
        let call = self.last();
        let (session, out) = (&mut self.session, &mut self.out);
        session.ask(Instant::now(), call, "elicitation/create", Some(&params), out)?;
        Ok(self.sent())
    }
}

fn call_tool() -> Value {
    json!({ "name": "cut" })
}

#[test]
fn a_legacy_client_sets_the_level_of_its_session() {
    let mut open = Open::new().legacy();
    open.ask(1, "tools/call", call_tool());
    assert_eq!(open.log(LoggingLevel::Debug), [Value::Null; 0]);
    assert_eq!(
        open.log(LoggingLevel::Info),
        [json!({
            "jsonrpc": "2.0",
            "method": "notifications/message",
            "params": { "level": "info", "logger": "reel", "data": "torn" },
        })]
    );
    let answer = open.ask(2, "logging/setLevel", json!({ "level": "error" }));
    assert_eq!(answer, [json!({ "jsonrpc": "2.0", "id": 2, "result": {} })]);
    assert_eq!(open.log(LoggingLevel::Warning), [Value::Null; 0]);
    assert_eq!(open.log(LoggingLevel::Critical).len(), 1);
}

#[test]
fn an_unknown_level_is_refused_in_both_eras() {
    let mut open = Open::new().legacy();
    let answer = open.ask(1, "logging/setLevel", json!({ "level": "loud" }));
    assert_eq!(answer[0]["error"]["code"], -32602);
    let level = json!({ "io.modelcontextprotocol/logLevel": "loud" });
    let answer = open.ask_modern(2, "tools/call", call_tool(), level);
    assert_eq!(answer[0]["error"]["code"], -32602);
}

#[test]
fn a_modern_request_gets_log_messages_only_if_it_asks_for_them() {
    let mut open = Open::new();
    open.ask_modern(1, "tools/call", call_tool(), json!({}));
    assert_eq!(open.log(LoggingLevel::Emergency), [Value::Null; 0]);
    let level = json!({ "io.modelcontextprotocol/logLevel": "warning" });
    open.ask_modern(2, "tools/call", call_tool(), level);
    assert_eq!(open.log(LoggingLevel::Notice), [Value::Null; 0]);
    assert_eq!(open.log(LoggingLevel::Warning).len(), 1);
    open.session
        .respond_call_tool(open.last(), &CallToolResult::text("cut"), &mut open.out)
        .unwrap();
    open.sent();
    assert_eq!(open.log(LoggingLevel::Emergency), [Value::Null; 0]);
}

#[test]
fn a_server_without_the_logging_capability_sends_no_log_messages() {
    let mut open = Open::with(|config| config.capabilities.logging = None).legacy();
    let answer = open.ask(1, "logging/setLevel", json!({ "level": "debug" }));
    assert_eq!(answer[0]["error"]["code"], -32601);
    open.ask(2, "tools/call", call_tool());
    assert_eq!(open.log(LoggingLevel::Emergency), [Value::Null; 0]);
}

#[test]
fn methods_of_undeclared_capabilities_are_not_found() {
    let mut open = Open::with(|config| config.capabilities = ServerCapabilities::new()).legacy();
    for (id, method) in (1..).zip(["tools/list", "resources/list", "prompts/list"]) {
        assert_eq!(open.ask(id, method, json!({}))[0]["error"]["code"], -32601, "{method}");
    }
    let answer =
        open.ask_modern(9, "subscriptions/listen", json!({ "notifications": {} }), json!({}));
    assert_eq!(answer[0]["error"]["code"], -32601);
}

#[test]
fn a_legacy_client_hears_of_the_resources_that_it_subscribed_to() {
    let mut open = Open::new().legacy();
    let updated = json!({
        "jsonrpc": "2.0",
        "method": "notifications/resources/updated",
        "params": { "uri": "film://1" },
    });
    assert_eq!(open.change(Change::Resource("film://1")), [Value::Null; 0]);
    let answer = open.ask(1, "resources/subscribe", json!({ "uri": "film://1" }));
    assert_eq!(answer, [json!({ "jsonrpc": "2.0", "id": 1, "result": {} })]);
    assert_eq!(open.change(Change::Resource("film://1")), [updated]);
    assert_eq!(open.change(Change::Resource("film://2")), [Value::Null; 0]);
    open.ask(2, "resources/unsubscribe", json!({ "uri": "film://1" }));
    assert_eq!(open.change(Change::Resource("film://1")), [Value::Null; 0]);
}

#[test]
fn a_client_hears_only_of_lists_that_the_server_declares_to_change() {
    let mut open = Open::new().uninitialized();
    assert_eq!(open.change(Change::Tools), [Value::Null; 0]);
    open.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!(
        open.change(Change::Tools),
        [json!({
            "jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {},
        })]
    );
    assert_eq!(open.change(Change::Prompts), [Value::Null; 0]);
}

#[test]
fn subscriptions_are_bounded() {
    let limits = Limits { subscriptions: 2, ..Limits::default() };
    let mut open = Open::with(|config| config.limits = limits).legacy();
    for id in 1..=3 {
        let answer = open.ask(id, "resources/subscribe", json!({ "uri": format!("film://{id}") }));
        assert_eq!(answer[0].get("error").is_some(), id == 3);
    }
    let filter = json!({ "notifications": { "resourceSubscriptions": ["a:", "b:", "c:"] } });
    let answer = open.ask_modern(4, "subscriptions/listen", filter, json!({}));
    assert!(answer[0]["error"]["message"].as_str().unwrap().contains("at most 2"));
}

#[test]
fn addresses_that_are_subscribed_to_are_bounded_in_bytes() {
    let limits = Limits { pending_bytes: 1000, ..Limits::default() };
    let mut open = Open::with(|config| config.limits = limits).legacy();
    let long = |n: i64| format!("film://{n}{}", "x".repeat(600));
    for id in [1, 1, 2] {
        let answer = open.ask(id, "resources/subscribe", json!({ "uri": long(id) }));
        assert_eq!(answer[0].get("error").is_some(), id == 2, "{answer:?}");
    }
    for id in [3, 4] {
        let filter = json!({ "notifications": { "resourceSubscriptions": [long(id)] } });
        let answer = open.ask_modern(id, "subscriptions/listen", filter, json!({}));
        assert_eq!(answer[0].get("error").is_some(), id == 4, "{answer:?}");
    }
}

#[test]
fn a_filter_that_names_too_much_is_refused_before_anybody_looks_it_up() {
    let limits = Limits { subscriptions: 2, ..Limits::default() };
    let mut open = Open::with(|config| config.limits = limits);
    let filter = json!({ "notifications": { "resourceSubscriptions": ["a:", "b:"] } });
    let answer = open.ask_modern(4, "subscriptions/listen", filter, json!({}));
    assert!(answer[0]["error"]["message"].as_str().unwrap().contains("at most 2"));
    assert!(open.calls.is_empty());
}

#[test]
fn a_subscription_that_was_cancelled_first_is_none() {
    let mut open = Open::new().legacy();
    let cancelled = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 },
    });
    open.ask(1, "tools/call", call_tool());
    let call = open.last();
    open.tell(&cancelled);
    open.session.subscribe(call, "film://1", &mut open.out);
    assert_eq!(open.change(Change::Resource("film://1")), [Value::Null; 0]);
}

#[test]
fn a_stream_begins_with_its_acknowledgement_and_tags_what_it_brings() {
    let mut open = Open::new();
    let filter = json!({
        "notifications": { "toolsListChanged": true, "resourceSubscriptions": ["film://1"] },
    });
    let answer = open.ask_modern(7, "subscriptions/listen", filter.clone(), json!({}));
    assert_eq!(answer.len(), 1);
    assert_eq!(answer[0]["method"], "notifications/subscriptions/acknowledged");
    let tag = json!({ "io.modelcontextprotocol/subscriptionId": 7 });
    assert_eq!(
        answer[0]["params"],
        json!({ "_meta": tag, "notifications": filter["notifications"] })
    );
    assert_eq!(
        open.change(Change::Resource("film://1")),
        [json!({
            "jsonrpc": "2.0",
            "method": "notifications/resources/updated",
            "params": { "_meta": tag, "uri": "film://1" },
        })]
    );
    assert_eq!(open.change(Change::Tools).len(), 1);
    assert_eq!(open.change(Change::Prompts), [Value::Null; 0]);
    assert_eq!(open.change(Change::Resource("film://2")), [Value::Null; 0]);
}

#[test]
fn a_cancelled_stream_brings_nothing_more() {
    let mut open = Open::new();
    let filter = json!({ "notifications": { "toolsListChanged": true } });
    open.ask_modern(7, "subscriptions/listen", filter, json!({}));
    open.tell(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 7 },
    }));
    assert_eq!(open.change(Change::Tools), [Value::Null; 0]);
    assert_eq!(open.session.calls(), 0);
}

#[test]
fn a_server_that_closes_ends_its_streams_with_a_result() {
    let mut open = Open::new();
    let filter = json!({ "notifications": { "toolsListChanged": true } });
    open.ask_modern(7, "subscriptions/listen", filter, json!({}));
    open.session.end_streams(&mut open.out);
    let sent = open.sent();
    assert_eq!(sent[0]["id"], 7);
    assert_eq!(sent[0]["result"]["resultType"], "complete");
    assert_eq!(sent[0]["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 7);
    assert_eq!(sent[1]["method"], "notifications/cancelled");
    assert_eq!(sent[1]["params"]["requestId"], 7);
    assert_eq!(open.session.calls(), 0);
}

#[test]
fn a_request_to_the_client_is_answered_to_whoever_asked() {
    let mut open = Open::new().legacy();
    open.ask("a", "tools/call", call_tool());
    let sent = open.ask_client().unwrap();
    assert_eq!(
        sent,
        [json!({
            "jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": { "message": "sure?" },
        })]
    );
    open.tell(&json!({ "jsonrpc": "2.0", "id": 1, "result": { "action": "decline" } }));
    open.tell(&json!({ "jsonrpc": "2.0", "id": 1, "result": { "action": "accept" } }));
    open.tell(&json!({ "jsonrpc": "2.0", "id": "1", "result": {} }));
    assert_eq!(open.asked, [Ok(json!({ "action": "decline" }))]);
}

#[test]
fn requests_to_the_client_wait_until_it_is_initialized() {
    let mut open = Open::new().uninitialized();
    open.ask("a", "tools/call", call_tool());
    assert_eq!(open.ask_client().unwrap(), [Value::Null; 0]);
    let sent = open.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!(sent[0]["method"], "elicitation/create");
}

#[test]
fn an_answer_to_what_was_not_asked_yet_is_none() {
    let mut open = Open::new().uninitialized();
    open.ask("a", "tools/call", call_tool());
    open.ask_client().unwrap();
    let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": { "action": "accept" } });
    open.tell(&answer);
    assert_eq!(open.asked, []);
    let sent = open.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!(sent[0]["id"], 1);
    open.tell(&answer);
    assert_eq!(open.asked, [Ok(json!({ "action": "accept" }))]);
}

#[test]
fn what_was_asked_for_a_call_is_withdrawn_with_it() {
    let mut open = Open::new().legacy();
    open.ask("a", "tools/call", call_tool());
    open.ask_client().unwrap();
    let sent = open.tell(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "a" },
    }));
    assert_eq!(sent[0]["method"], "notifications/cancelled");
    assert_eq!(sent[0]["params"]["requestId"], 1);
    open.tell(&json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    assert_eq!(open.asked, []);
    assert!(matches!(open.ask_client(), Err(AskError::CallOver)));
}

#[test]
fn what_was_never_sent_is_withdrawn_without_a_word() {
    let mut open = Open::new().uninitialized();
    open.ask("a", "tools/call", call_tool());
    open.ask_client().unwrap();
    let sent = open.tell(&json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": "a" },
    }));
    assert_eq!(sent, [Value::Null; 0]);
    let sent = open.tell(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    assert_eq!(sent, [Value::Null; 0]);
}

#[test]
fn a_modern_client_is_sent_no_requests() {
    let mut open = Open::new().legacy();
    open.ask_modern(1, "tools/call", call_tool(), json!({}));
    assert!(matches!(open.ask_client(), Err(AskError::NoRequests)));
}

#[test]
fn a_method_of_an_extension_reaches_those_who_declared_it() {
    let extend = |config: &mut ServerConfig| {
        let id = "com.example/watchlist".to_owned();
        config.extension_methods.insert("watchlist/add".to_owned(), id);
    };
    let mut open = Open::with(extend).legacy();
    assert_eq!(open.ask(1, "watchlist/add", json!({})), [Value::Null; 0]);
    assert_eq!(open.calls.len(), 1);
    let answer = open.ask_modern(2, "watchlist/add", json!({}), json!({}));
    assert_eq!(answer[0]["error"]["code"], -32021);
    let required = &answer[0]["error"]["data"]["requiredCapabilities"]["extensions"];
    assert_eq!(*required, json!({ "com.example/watchlist": {} }));
    assert_eq!(open.ask(3, "watchlist/remove", json!({}))[0]["error"]["code"], -32601);
}

#[test]
fn a_filter_that_is_too_long_is_refused() {
    let mut open = Open::new();
    let uris: Vec<String> = (0..3).map(|n| format!("{n}:{}", "x".repeat(400_000))).collect();
    let filter = json!({ "notifications": { "resourceSubscriptions": uris } });
    let answer = open.ask_modern(1, "subscriptions/listen", filter, json!({}));
    assert_eq!(answer[0]["error"]["code"], -32602);
    assert!(answer[0]["error"]["message"].as_str().unwrap().contains("longer than"));
}
