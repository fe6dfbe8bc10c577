//! Calls: what is sent, when, and what they come to.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use futures_util::StreamExt;
use futures_util::future::join_all;
use mcp_client::{Error, Limits};
use serde_json::{Value, json};

use crate::peer::{INITIALIZED, builder, legacy, modern, pair_with_room};

#[tokio::test]
async fn nothing_is_sent_before_the_first_poll() {
    let (client, mut peer) = modern(builder()).await;
    let idle = client.call::<String>("echo", json!({ "message": "idle" }));
    let (said, ()) =
        tokio::join!(client.call::<String>("echo", json!({ "message": "hi" })), peer.echo(1));
    assert_eq!(said.unwrap(), "hi");
    drop(idle);
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn request_is_written_byte_for_byte() {
    let (client, mut peer) = legacy(builder()).await;
    let (result, ()) = tokio::join!(client.call_tool("a\"b", json!({ "x": [1, null] })), async {
        peer.answer("tools/call", r#"{"content":[],"isError":true}"#).await;
    });
    assert!(result.unwrap().is_failure());
    assert_eq!(
        peer.heard[2],
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"_meta\":{\"progressToken\":2},\
         \"name\":\"a\\\"b\",\"arguments\":{\"x\":[1,null]}}}\n"
    );
}

#[tokio::test]
async fn failure_of_a_tool_and_error_of_a_server_are_told_apart() {
    let (client, mut peer) = modern(builder()).await;
    let (failed, ()) = tokio::join!(client.call::<u32>("f", ()), async {
        let failure = r#"{"content":[{"type":"text","text":"no such title"}],"isError":true}"#;
        peer.answer("tools/call", failure).await;
    });
    assert_eq!(failed.unwrap_err().to_string(), "tool error: no such title");
    let (refused, ()) = tokio::join!(client.call::<u32>("g", ()), async {
        let asked = peer.asked().await;
        assert_eq!(asked.params.get("arguments"), None);
        peer.error(asked.id, json!({ "code": -32602, "message": "unknown tool" })).await;
    });
    assert!(matches!(refused, Err(Error::Peer(ref error)) if error.message == "unknown tool"));
}

#[tokio::test]
async fn arguments_that_are_no_object_are_refused_before_anything_is_sent() {
    let (client, mut peer) = modern(builder()).await;
    let error = client.call::<u32>("f", [1, 2]).await.unwrap_err();
    assert!(matches!(error, Error::Misuse(_)), "{error:?}");
    assert!(client.raw_request::<Value>("initialize", ()).await.is_err());
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn dropped_call_is_cancelled() {
    let (client, mut peer) = modern(builder()).await;
    let call = tokio::spawn(client.call::<String>("slow", ()));
    let asked = peer.asked().await;
    call.abort();
    let cancelled = peer.line().await;
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], asked.id);
    // Its late answer goes nowhere, and the connection is fine.
    peer.result(asked.id, "{}").await;
    let (said, ()) =
        tokio::join!(client.call::<String>("echo", json!({ "message": "hi" })), peer.echo(1));
    assert_eq!(said.unwrap(), "hi");
}

#[tokio::test]
async fn answered_call_is_not_cancelled() {
    let (client, mut peer) = modern(builder()).await;
    let mut call = client.call::<String>("echo", json!({ "message": "hi" }));
    let (progress, ()) = tokio::join!(call.progress(), peer.echo(1));
    assert_eq!(progress, None);
    drop(call);
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn progress_comes_beside_the_result() {
    let (client, mut peer) = modern(builder()).await;
    let mut job = client.call::<String>("transcode", ());
    let (seen, ()) = tokio::join!(
        async {
            let mut seen = Vec::new();
            while let Some(progress) = job.progress().await {
                seen.push((progress.done, progress.total));
            }
            seen
        },
        async {
            let asked = peer.asked().await;
            assert_eq!(asked.params["_meta"]["progressToken"], asked.id);
            for done in 1..=3 {
                peer.progress(asked.id, done).await;
            }
            peer.result(asked.id, r#"{"content":[{"type":"text","text":"done"}]}"#).await;
        }
    );
    assert_eq!(seen, [(1.0, Some(9.0)), (2.0, Some(9.0)), (3.0, Some(9.0))]);
    assert_eq!(job.await.unwrap(), "done");
}

#[tokio::test]
async fn of_progress_that_nobody_fetches_the_newest_is_kept() {
    let (client, mut peer) = modern(builder()).await;
    let mut job = client.call::<String>("transcode", ());
    assert!(poll_once(&mut job).is_pending());
    let asked = peer.asked().await;
    for done in 1..=200 {
        peer.progress(asked.id, done).await;
    }
    // An answer to a later request shows that all of it was handled.
    let (said, ()) =
        tokio::join!(client.call::<String>("echo", json!({ "message": "hi" })), peer.echo(1));
    said.unwrap();
    peer.result(asked.id, "{}").await;
    let seen: Vec<_> = job.progress_stream().map(|progress| progress.done).collect().await;
    assert_eq!((seen.len(), seen.first(), seen.last()), (64, Some(&137.0), Some(&200.0)));
}

#[tokio::test]
async fn thousand_calls_in_flight_find_their_answers() {
    let (client, mut peer) = modern(builder()).await;
    let calls = (0..1000).map(|n| client.call::<u32>("echo", json!({ "message": n.to_string() })));
    let (said, ()) = tokio::join!(join_all(calls), peer.echo(1000));
    for (n, said) in said.into_iter().enumerate() {
        assert_eq!(said.unwrap() as usize, n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_many_tasks_find_their_answers() {
    let (client, mut peer) = modern(builder()).await;
    let tasks: Vec<_> = (0..50)
        .map(|task| {
            let client = client.clone();
            tokio::spawn(async move {
                for n in 0..20 {
                    let message = format!("{task}.{n}");
                    let said: String = client.call("echo", json!({ "message": message })).await?;
                    assert_eq!(said, message);
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    peer.echo(1000).await;
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn pending_calls_fail_at_once_when_the_server_goes_away() {
    let (client, mut peer) = modern(builder()).await;
    let calls = join_all((0..3).map(|_| client.call::<String>("slow", ())));
    let (failed, ()) = tokio::join!(calls, async {
        for _ in 0..3 {
            peer.asked().await;
        }
        drop(peer);
    });
    for failed in failed {
        assert!(matches!(failed, Err(Error::Closed(_))), "{failed:?}");
    }
}

#[tokio::test]
async fn answers_before_the_end_of_the_connection_count() {
    let (client, mut peer) = modern(builder()).await;
    let (said, ()) =
        tokio::join!(client.call::<String>("echo", json!({ "message": "hi" })), async {
            peer.echo(1).await;
            drop(peer);
        });
    assert_eq!(said.unwrap(), "hi");
}

#[tokio::test]
async fn client_error_is_sticky() {
    let (client, peer) = modern(builder()).await;
    drop(peer);
    let first = client.call::<String>("a", ()).await.unwrap_err();
    assert!(matches!(first, Error::Closed(_)), "{first:?}");
    for _ in 0..2 {
        let later = client.clone().list_tools(None).await.unwrap_err();
        assert_eq!(later.to_string(), first.to_string());
    }
    assert!(client.notifications().next().await.is_none());
    assert_eq!(client.shutdown().await, None);
    let later = client.call::<String>("a", ()).await.unwrap_err();
    assert_eq!(later.to_string(), first.to_string());
}

#[tokio::test]
async fn call_that_is_over_says_so() {
    let (client, mut peer) = modern(builder()).await;
    let mut call = client.call::<String>("echo", json!({ "message": "hi" }));
    let (said, ()) = tokio::join!(&mut call, peer.echo(1));
    assert_eq!(said.unwrap(), "hi");
    assert_eq!(call.progress().await, None);
    assert!(matches!(call.await, Err(Error::Misuse(_))));
}

#[tokio::test]
async fn calls_wait_while_too_much_is_unsent() {
    let (io, mut peer) = pair_with_room(64);
    let limits = Limits { pending_bytes: 500, ..Limits::default() };
    let builder = builder().era(mcp_client::EraChoice::Legacy).limits(limits);
    let (client, ()) = tokio::join!(builder.connect(io), async {
        peer.answer("initialize", INITIALIZED).await;
        peer.line().await;
    });
    let client = client.unwrap();
    // More than one call fits in before the driver runs, but not all of them.
    let calls = (0..50).map(|n| client.call::<u32>("echo", json!({ "message": n.to_string() })));
    let mut calls: Vec<_> = calls.collect();
    let sent = calls.iter_mut().map(|call| {
        assert!(poll_once(call).is_pending());
        usize::from(format!("{call:?}").contains("\"sent\""))
    });
    let sent: usize = sent.sum();
    assert!((2..10).contains(&sent), "{sent} were sent at once");
    let (said, ()) = tokio::join!(join_all(calls), peer.echo(50));
    for (n, said) in said.into_iter().enumerate() {
        assert_eq!(said.unwrap() as usize, n);
    }
}

#[tokio::test]
async fn dropping_the_last_handle_closes_the_connection() {
    let (client, mut peer) = modern(builder()).await;
    let mut call = client.call::<String>("echo", json!({ "message": "hi" }));
    drop(client);
    assert!(poll_once(&mut call).is_pending());
    let (said, ()) = tokio::join!(call, peer.echo(1));
    assert_eq!(said.unwrap(), "hi");
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn shutdown_fails_pending_calls_and_every_handle_may_wait_for_it() {
    let (client, mut peer) = modern(builder()).await;
    let call = tokio::spawn(client.call::<String>("slow", ()));
    peer.asked().await;
    let other = client.clone();
    assert_eq!(tokio::join!(client.shutdown(), other.shutdown()), (None, None));
    let failed = call.await.unwrap().unwrap_err();
    assert_eq!(failed.to_string(), "the connection is closed: the client was shut down");
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn requests_of_the_server_are_answered() {
    let (client, mut peer) = legacy(builder()).await;
    peer.say(r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#).await;
    assert_eq!(peer.line().await, json!({ "jsonrpc": "2.0", "id": "p", "result": {} }));
    peer.say(r#"{"jsonrpc":"2.0","id":7,"method":"roots/list"}"#).await;
    assert_eq!(peer.line().await["error"]["code"], -32601);
    let (pong, _) = tokio::join!(client.ping(), peer.answer("ping", "{}"));
    pong.unwrap();
}

#[tokio::test]
async fn modern_era_has_no_ping() {
    let (client, mut peer) = modern(builder()).await;
    let error = client.ping().await.unwrap_err();
    assert!(matches!(error, Error::Misuse(_)) && error.to_string().contains("2026-07-28"));
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn notifications_are_broadcast_and_counted_when_missed() {
    let (client, mut peer) = modern(builder()).await;
    let (mut quick, mut slow) = (client.notifications(), client.notifications());
    for n in 0..70 {
        let method = "notifications/message";
        let params = json!({ "n": n });
        peer.say(json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()).await;
        if n == 0 {
            let first = quick.next().await.unwrap();
            assert_eq!((&*first.method, first.params.unwrap().get()), (method, r#"{"n":0}"#));
        }
    }
    drop(peer);
    let error = client.call::<String>("a", ()).await.unwrap_err();
    assert!(matches!(error, Error::Closed(_)));
    let mut kept = 0;
    while slow.next().await.is_some() {
        kept += 1;
    }
    assert_eq!((kept, slow.missed()), (64, 6));
}

#[tokio::test]
async fn raw_requests_carry_what_they_are_given() {
    let (client, mut peer) = modern(builder()).await;
    let request = client.raw_request::<Value>("com.example/list", json!({ "max": 3 }));
    let (result, asked) = tokio::join!(request, peer.answer("com.example/list", r#"{"items":[]}"#));
    assert_eq!((result.unwrap(), &asked.params["max"]), (json!({ "items": [] }), &json!(3)));
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
