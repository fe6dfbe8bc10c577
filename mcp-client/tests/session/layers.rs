//! Layers around calls: what they see, what they change, and what keeps working through them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use mcp_client::types::TraceContext as Trace;
use mcp_client::{
    Audit, ConcurrencyLimit, Error, Next, OutgoingCall, RateLimit, RawResult, Timeout, TimeoutKind,
    TraceContext, from_fn,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::peer::{DISCOVERED, Peer, builder, legacy, modern, pair};

const SECOND: Duration = Duration::from_secs(1);
const GIVEN: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
const DONE: &str = r#"{"content":[{"type":"text","text":"done"}]}"#;

async fn done(peer: &mut Peer) -> Value {
    peer.answer("tools/call", DONE).await.params
}

#[tokio::test]
async fn layers_see_and_change_what_is_sent_outermost_first() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let seen = Arc::clone(&seen);
        from_fn(move |call: OutgoingCall, next: Next| {
            let tool = call.name().map(|name| name.into_owned());
            seen.lock().unwrap().push((name, call.method().to_owned(), tool));
            async move { next.run(call.with_meta(name, 1)).await }
        })
    };
    let rename = from_fn(async |call: OutgoingCall, next: Next| {
        next.run(call.with_params(json!({ "name": "b" }))?).await
    });
    let builder = builder().layer(note("first")).layer(rename).layer(note("second"));
    for era in ["modern", "legacy"] {
        let (client, mut peer) = match era {
            "modern" => modern(builder.clone()).await,
            _ => legacy(builder.clone()).await,
        };
        let call = client.call::<String>("a", json!({ "x": 1 })).meta("third", 2);
        let (said, params) = tokio::join!(call, done(&mut peer));
        assert_eq!(said.unwrap(), "done");
        assert_eq!((&params["name"], params.get("arguments")), (&json!("b"), None));
        let meta = &params["_meta"];
        assert_eq!([&meta["first"], &meta["second"], &meta["third"]], [1, 1, 2].map(|n| n));
        let method = || "tools/call".to_owned();
        let expected =
            [("first", method(), Some("a".into())), ("second", method(), Some("b".into()))];
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), expected);
    }
}

#[tokio::test]
async fn a_layer_may_answer_itself() {
    let layer = from_fn(async |_: OutgoingCall, _: Next| {
        RawResult::new(&json!({ "content": [{ "type": "text", "text": "mine" }] }))
    });
    let (client, mut peer) = modern(builder().layer(layer)).await;
    assert_eq!(client.call::<String>("a", ()).await.unwrap(), "mine");
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn a_layer_may_try_again() {
    let layer = from_fn(async |call: OutgoingCall, next: Next| {
        match next.clone().run(call.clone()).await {
            Err(Error::Peer(_)) => next.run(call).await,
            outcome => outcome,
        }
    });
    let (client, mut peer) = modern(builder().layer(layer)).await;
    let (said, ()) = tokio::join!(client.call::<String>("a", ()), async {
        let first = peer.asked().await;
        peer.error(first.id, json!({ "code": -32603, "message": "busy" })).await;
        assert_eq!(done(&mut peer).await["name"], "a");
    });
    assert_eq!(said.unwrap(), "done");
}

#[tokio::test]
async fn progress_passes_through_layers_and_tasks() {
    let elsewhere = from_fn(async |call: OutgoingCall, next: Next| {
        tokio::spawn(next.run(call)).await.expect("the task goes on")
    });
    for builder in [builder().layer(Audit), builder().layer(Audit).layer(elsewhere)] {
        let (client, mut peer) = modern(builder).await;
        let mut call = client.call::<String>("a", ());
        let (heard, ()) = tokio::join!(
            async {
                let mut heard = Vec::new();
                while let Some(progress) = call.progress().await {
                    heard.push(progress.done);
                }
                heard
            },
            async {
                let asked = peer.asked().await;
                for done in 1..=3 {
                    peer.progress(asked.id, done).await;
                }
                peer.result(asked.id, DONE).await;
            }
        );
        assert_eq!(heard, [1.0, 2.0, 3.0]);
        assert_eq!(call.await.unwrap(), "done");
    }
}

#[tokio::test]
async fn dropping_a_call_drops_its_layers_and_cancels_it() {
    let (client, mut peer) = modern(builder().layer(Audit).layer(ConcurrencyLimit::new(1))).await;
    let mut call = Box::pin(client.call::<String>("a", ()));
    assert!((&mut call).now_or_never().is_none());
    let asked = peer.asked().await;
    drop(call);
    let told = peer.line().await;
    assert_eq!(
        (&told["method"], &told["params"]["requestId"]),
        (&json!("notifications/cancelled"), &json!(asked.id))
    );
    // The place is free again.
    let (said, _) = tokio::join!(client.call::<String>("b", ()), done(&mut peer));
    assert_eq!(said.unwrap(), "done");
}

#[tokio::test]
async fn questions_are_answered_further_in() {
    let runs = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&runs);
    let layer = from_fn(move |call: OutgoingCall, next: Next| {
        count.fetch_add(1, Ordering::Relaxed);
        next.run(call)
    });
    let builder = builder().roots([]).layer(layer);
    let (client, mut peer) = modern(builder).await;
    let (said, ()) = tokio::join!(client.call::<String>("a", ()), async {
        let requests = json!({ "r": { "method": "roots/list" } });
        let question = json!({ "resultType": "input_required", "inputRequests": requests });
        peer.answer("tools/call", question).await;
        assert_eq!(done(&mut peer).await["inputResponses"]["r"], json!({ "roots": [] }));
    });
    assert_eq!((said.unwrap().as_str(), runs.load(Ordering::Relaxed)), ("done", 1));
}

#[tokio::test(start_paused = true)]
async fn a_task_is_followed_further_in() {
    let builder = builder().tasks().layer(ConcurrencyLimit::new(1)).layer(Audit);
    let (io, mut peer) = pair();
    let (client, ()) = tokio::join!(builder.connect(io), async {
        let tasks = r#"{"tools":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;
        peer.answer("server/discover", DISCOVERED.replace(r#"{"tools":{}}"#, tasks)).await;
    });
    let client = client.unwrap();
    let (said, ()) = tokio::join!(client.call::<String>("a", ()), async {
        let mut task = json!({
            "resultType": "task", "taskId": "t", "status": "working", "ttlMs": null,
            "createdAt": "2026-07-28T00:00:00Z", "lastUpdatedAt": "2026-07-28T00:00:00Z",
        });
        peer.answer("tools/call", &task).await;
        task["resultType"] = json!("complete");
        task["status"] = json!("completed");
        task["result"] = serde_json::from_str(DONE).unwrap();
        peer.answer("tasks/get", &task).await;
    });
    assert_eq!(said.unwrap(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_of_a_layer_cancels_the_call() {
    let (client, mut peer) = modern(builder().layer(Timeout::new(2 * SECOND))).await;
    let (ended, ()) = tokio::join!(client.call::<String>("a", ()), async {
        let asked = peer.asked().await;
        let told = peer.line().await;
        assert_eq!(told["params"]["requestId"], asked.id);
    });
    let Err(Error::Timeout { kind: TimeoutKind::Total, detail }) = ended else { panic!() };
    assert_eq!(detail, ": a layer allows 2 s");
}

#[tokio::test(start_paused = true)]
async fn limits_of_one_call_can_be_set_by_a_layer() {
    let layer = from_fn(async |call: OutgoingCall, next: Next| {
        assert_eq!(call.idle_timeout(), Some(9 * SECOND));
        next.run(call.with_idle_timeout(SECOND)).await
    });
    let (client, _peer) = modern(builder().layer(layer)).await;
    let began = Instant::now();
    let ended = client.call::<String>("a", ()).idle_timeout(9 * SECOND).await;
    assert!(matches!(ended, Err(Error::Timeout { kind: TimeoutKind::Idle, .. })), "{ended:?}");
    assert_eq!(began.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_a_place() {
    let (client, mut peer) = legacy(builder().layer(ConcurrencyLimit::new(2))).await;
    let calls = join_all(["a", "b", "c"].map(|name| client.call::<String>(name, ())));
    let (said, ()) = tokio::join!(calls, async {
        let (first, second) = (peer.asked().await, peer.asked().await);
        let early = tokio::time::timeout(SECOND, peer.asked()).await;
        assert!(early.is_err(), "the third waits");
        peer.result(second.id, DONE).await;
        assert_eq!(done(&mut peer).await["name"], "c");
        peer.result(first.id, DONE).await;
    });
    assert!(said.into_iter().all(|said| said.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_their_turn() {
    let (client, mut peer) = modern(builder().layer(RateLimit::new(2, 10 * SECOND))).await;
    let began = Instant::now();
    let calls = join_all((0..4).map(|_| client.call::<String>("a", ())));
    let (_, at) = tokio::join!(calls, async {
        let mut at = Vec::new();
        for _ in 0..4 {
            done(&mut peer).await;
            at.push(began.elapsed().as_secs());
        }
        at
    });
    assert_eq!(at, [0, 0, 5, 10]);
    sleep(20 * SECOND).await;
    let again = join_all((0..2).map(|_| client.call::<String>("a", ())));
    let before = Instant::now();
    let _ = tokio::join!(again, async { (done(&mut peer).await, done(&mut peer).await) });
    assert_eq!(before.elapsed(), Duration::ZERO);
}

fn traceparent(params: &Value) -> Trace {
    Trace::parse(params["_meta"]["traceparent"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_call_is_part_of_the_trace_in_force() {
    for (client, mut peer) in
        [modern(builder().layer(TraceContext)).await, legacy(builder().layer(TraceContext)).await]
    {
        let given = Trace::parse(GIVEN).unwrap().with_tracestate("a=b");
        let call = Trace::scope(Some(given.clone()), client.call::<String>("a", ()));
        let (_, params) = tokio::join!(call, done(&mut peer));
        let sent = traceparent(&params);
        assert_eq!(sent.trace_id(), given.trace_id());
        assert_ne!(sent.parent_id(), given.parent_id());
        assert_eq!(params["_meta"]["tracestate"], "a=b");

        let (_, first) = tokio::join!(client.call::<String>("a", ()), done(&mut peer));
        let (_, second) = tokio::join!(client.call::<String>("a", ()), done(&mut peer));
        assert_ne!(traceparent(&first).trace_id(), traceparent(&second).trace_id());

        let own = client.call::<String>("a", ()).meta("traceparent", GIVEN);
        let (_, params) = tokio::join!(own, done(&mut peer));
        assert_eq!(params["_meta"]["traceparent"], GIVEN);
    }
}

#[tokio::test]
async fn calls_leave_spans_and_audit_events() {
    let heard = Heard::default();
    let subscriber = tracing_subscriber::registry().with(heard.clone());
    let _guard = tracing::subscriber::set_default(subscriber);
    let (client, mut peer) = modern(builder().layer(TraceContext).layer(Audit)).await;
    let failure = r#"{"content":[{"type":"text","text":"no"}],"isError":true}"#;
    let (_, asked) =
        tokio::join!(client.call::<String>("a\nb", ()), peer.answer("tools/call", failure));
    let sent = traceparent(&asked.params);
    let mut call = Box::pin(client.read_resource("x:y"));
    assert!((&mut call).now_or_never().is_none());
    drop(call);

    let spans = heard.of("mcp.call");
    for expected in [
        "otel.kind=client",
        "mcp.method.name=tools/call",
        "gen_ai.tool.name=a\\nb",
        "error.type=tool_error",
        &format!("trace_id={}", sent.trace_id()),
        &format!("span_id={}", sent.parent_id()),
    ] {
        assert!(spans[0].contains(&expected.to_owned()), "{expected}: {spans:?}");
    }
    assert!(spans[1].contains(&"mcp.resource.uri=x:y".to_owned()), "{spans:?}");
    assert!(sent.is_sampled(), "somebody records the span");
    let events = heard.of("mcp::audit");
    assert!(events[0].contains(&"outcome=tool error".to_owned()), "{events:?}");
    assert!(events[0].contains(&"server=peer".to_owned()), "{events:?}");
    assert!(events[1].contains(&"outcome=cancelled".to_owned()), "{events:?}");
}

/// Fields of spans by their name, and of events by their target.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Kept>>>);

struct Kept {
    span: Option<u64>,
    of: String,
    fields: Vec<String>,
}

impl Heard {
    fn of(&self, of: &str) -> Vec<Vec<String>> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|kept| kept.of == of).map(|kept| kept.fields.clone()).collect()
    }
}

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        id: &tracing::span::Id,
        _: Context<'_, S>,
    ) {
        let of = attributes.metadata().name().to_owned();
        let mut kept = Kept { span: Some(id.into_u64()), of, fields: Vec::new() };
        attributes.record(&mut kept);
        self.0.lock().unwrap().push(kept);
    }

    fn on_record(
        &self,
        id: &tracing::span::Id,
        values: &tracing::span::Record<'_>,
        _: Context<'_, S>,
    ) {
        let mut all = self.0.lock().unwrap();
        let of_span = all.iter_mut().rev().find(|kept| kept.span == Some(id.into_u64()));
        values.record(of_span.unwrap());
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let of = event.metadata().target().to_owned();
        let mut kept = Kept { span: None, of, fields: Vec::new() };
        event.record(&mut kept);
        self.0.lock().unwrap().push(kept);
    }
}

impl Visit for Kept {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.fields.push(format!("{}={value:?}", field.name()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push(format!("{}={value}", field.name()));
    }
}
