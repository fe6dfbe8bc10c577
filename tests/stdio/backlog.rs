//! What waits for a client that reads slowly, on virtual time and with small limits.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use mcp_core::Limits;
use mcp_core::types::CallToolResult;
use mcp_server::{CallContext, Progress, Server, Tool};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::AsyncWrite;
use tokio::time::timeout;

use crate::conversation::{BATCHES, call, initialize_request, text, with_progress};
use crate::stream::Stream;

const LIMITS: Limits = Limits {
    line_bytes: 1 << 20,
    nesting: 64,
    pending_requests: 1024,
    pending_bytes: 10_000,
    subscriptions: 8,
};

/// A result larger than what may wait.
fn big() -> Tool {
    Tool::new("big").handler(async || "x".repeat(70_000))
}

/// More notifications than are queued for the driver.
fn notify() -> Tool {
    Tool::new("notify").params(["count"]).handler(async |count: u32, ctx: CallContext| {
        for n in 1..=count {
            ctx.report(Progress::new(n).of(count)).await;
        }
        "notified"
    })
}

fn server() -> Server {
    Server::builder("t", "1").tool(big()).tool(notify()).limits(LIMITS).build().unwrap()
}

/// Takes everything, but only every second time that it is asked.
#[derive(Debug, Default)]
struct Grudging {
    written: Vec<u8>,
    willing: bool,
}

impl AsyncWrite for Grudging {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if std::mem::replace(&mut self.willing, false) {
            self.written.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        self.willing = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_that_was_read_is_lost_when_input_ends_while_answers_wait() {
    const CALLS: usize = 50;
    let mut input = format!("{}\n", initialize_request("initialize", BATCHES));
    for id in 0..CALLS {
        input.push_str(&format!("{}\n", call(id, "big", json!({}))));
    }
    let mut writer = Grudging::default();
    server().serve(input.as_bytes(), &mut writer).await.unwrap();
    let lines = String::from_utf8(writer.written).unwrap();
    let ids: Vec<Value> = lines
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
        .collect();
    assert!(ids.iter().eq((0..CALLS).map(|id| json!(id)).collect::<Vec<_>>().iter()), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_that_waits_in_a_batch_does_not_keep_others_from_notifying() {
    let mut stream = Stream::silent(&server());
    stream.ask(initialize_request("initialize", BATCHES)).await;
    let flood = with_progress(call(2, "notify", json!({ "count": 1000 })), "t");
    stream.send(json!([call(1, "big", json!({})), flood])).await;
    let whole = async {
        for n in 1..=1000 {
            assert_eq!(stream.message().await["params"]["progress"], n);
        }
        stream.message().await
    };
    let answers = timeout(Duration::from_secs(600), whole).await.expect("nobody waits forever");
    assert_eq!(answers.as_array().map(Vec::len), Some(2));
}

#[tokio::test(start_paused = true)]
async fn the_last_notifications_of_a_call_precede_its_answer_though_much_waits() {
    let mut stream = Stream::silent(&server());
    stream.ask(initialize_request("initialize", BATCHES)).await;
    // The second is more than may wait, so that the third is handled while nothing is passed on.
    stream.send(call(1, "big", json!({}))).await;
    stream.send(call(2, "big", json!({}))).await;
    stream.send(with_progress(call(3, "notify", json!({ "count": 100 })), "t")).await;
    assert_eq!(stream.message().await["id"], 1);
    assert_eq!(stream.message().await["id"], 2);
    for n in 1..=100 {
        assert_eq!(stream.message().await["params"]["progress"], n);
    }
    assert_eq!(text(&stream.message().await), "notified");
    assert!(stream.end().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn json_that_was_laid_out_leaves_on_one_line() {
    let tool = Tool::new("raw").handler(async || {
        let raw = RawValue::from_string("{\n  \"a\": [\n    1\n  ]\n}".to_owned()).unwrap();
        CallToolResult::text("laid out").with_structured_content(&raw).unwrap()
    });
    let server = Server::builder("t", "1").tool(tool).build().unwrap();
    let mut stream = Stream::silent(&server);
    stream.ask(initialize_request("initialize", BATCHES)).await;
    let answer = stream.ask(call(1, "raw", json!({}))).await;
    assert_eq!(answer["result"]["structuredContent"], json!({ "a": [1] }));
    stream.send(json!([call(2, "raw", json!({})), call(3, "raw", json!({}))])).await;
    let answers = stream.message().await;
    assert_eq!(answers[1]["result"]["structuredContent"], json!({ "a": [1] }));
}
