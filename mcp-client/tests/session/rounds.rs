//! Calls that a modern server answers with questions, and the error of 2025-11-25 that comes near.

use std::time::Duration;

use mcp_client::types::{CreateMessageResult, ElicitAction, ElicitResult, Root};
use mcp_client::{Error, InputError, TimeoutKind};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::peer::{Peer, builder, legacy, modern};

const SECOND: Duration = Duration::from_secs(1);
const DONE: &str = r#"{"resultType":"complete","content":[{"type":"text","text":"done"}]}"#;

fn form() -> Value {
    let properties = json!({ "title": { "type": "string" } });
    let schema = json!({ "type": "object", "properties": properties, "required": ["title"] });
    let params = json!({ "mode": "form", "message": "which?", "requestedSchema": schema });
    json!({ "method": "elicitation/create", "params": params })
}

fn question(requests: &Value, state: &str) -> Value {
    json!({ "resultType": "input_required", "inputRequests": requests, "requestState": state })
}

async fn refuse_urls(peer: &mut Peer) {
    let asked = peer.asked().await;
    let url = json!({ "mode": "url", "message": "m", "url": "https://a/b", "elicitationId": "e1" });
    let data = json!({ "elicitations": [url] });
    peer.error(asked.id, json!({ "code": -32042, "message": "first", "data": data })).await;
}

#[tokio::test]
async fn a_call_answers_what_it_is_asked_and_is_made_anew() {
    let builder = builder()
        .on_form(|_| async { json!({ "title": "nosferatu" }) })
        .roots([Root::new("file:///films")]);
    let (client, mut peer) = modern(builder).await;
    let arguments = json!({ "n": 1 });
    let (said, ()) = tokio::join!(client.call::<String>("t", &arguments), async {
        let requests = json!({ "f": form(), "r": { "method": "roots/list" } });
        let first = peer.answer("tools/call", question(&requests, "s\u{e9}/1")).await;
        let again = peer.answer("tools/call", question(&json!({ "g": form() }), "2")).await;
        assert_ne!(first.id, again.id);
        assert_eq!((&again.params["name"], &again.params["arguments"]), (&json!("t"), &arguments));
        assert_eq!(again.params["requestState"], "s\u{e9}/1");
        let answer = json!({ "action": "accept", "content": { "title": "nosferatu" } });
        assert_eq!(again.params["inputResponses"]["f"], answer);
        assert_eq!(again.params["inputResponses"]["r"]["roots"][0]["uri"], "file:///films");
        let last = peer.answer("tools/call", DONE).await;
        assert_eq!(last.params["requestState"], "2");
        let keys: Vec<_> = last.params["inputResponses"].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["g"], "answers of one round belong to it");
    });
    assert_eq!(said.unwrap(), "done");
}

#[tokio::test]
async fn prompts_and_resources_ask_too() {
    let (client, mut peer) = modern(builder().on_form(|_| async { json!({ "title": "x" }) })).await;
    let (read, ()) = tokio::join!(client.read_resource("a:b"), async {
        peer.answer("resources/read", question(&json!({ "f": form() }), "s")).await;
        let again = peer.answer("resources/read", r#"{"contents":[]}"#).await;
        assert_eq!(again.params["uri"], "a:b");
    });
    assert!(read.unwrap().contents.is_empty());
}

#[tokio::test]
async fn a_question_without_handler_says_what_to_add() {
    let (client, mut peer) = modern(builder().roots([])).await;
    for (request, expected) in [
        (form(), ".on_form(…)"),
        (json!({ "method": "tea/make" }), "`tea/make`"),
        (
            json!({ "method": "sampling/createMessage", "params": { "messages": [], "maxTokens": 1 } }),
            ".on_sample(…)",
        ),
    ] {
        let (failed, _) = tokio::join!(
            client.call_tool("t", ()),
            peer.answer("tools/call", question(&json!({ "a": request }), "s"))
        );
        let error = failed.unwrap_err();
        assert!(
            matches!(error, Error::Input(_)) && error.to_string().contains(expected),
            "{error}"
        );
    }
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_a_cancelled_form() {
    let (client, mut peer) = modern(builder().on_form(|_| async { json!({ "title": 7 }) })).await;
    let (said, ()) = tokio::join!(client.call::<String>("t", ()), async {
        peer.answer("tools/call", question(&json!({ "f": form() }), "s")).await;
        let again = peer.answer("tools/call", DONE).await;
        assert_eq!(again.params["inputResponses"]["f"], json!({ "action": "cancel" }));
    });
    said.unwrap();
}

#[tokio::test]
async fn a_model_that_fails_fails_the_call() {
    let sample = |_| async { Err::<CreateMessageResult, _>("no model") };
    let (client, mut peer) = modern(builder().on_sample(sample)).await;
    let params = json!({ "messages": [], "maxTokens": 1 });
    let request = json!({ "method": "sampling/createMessage", "params": params });
    let (failed, _) = tokio::join!(
        client.call_tool("t", ()),
        peer.answer("tools/call", question(&json!({ "m": request }), "s"))
    );
    let Err(Error::Input(InputError::Failed { reason, .. })) = failed else { panic!("{failed:?}") };
    assert_eq!(reason, "no model");
}

#[tokio::test(start_paused = true)]
async fn rounds_come_to_an_end() {
    let (client, mut peer) = modern(builder().input_rounds(3)).await;
    let (failed, ()) = tokio::join!(client.call_tool("t", ()), async {
        for n in 0..4 {
            let state = json!({ "resultType": "input_required", "requestState": n.to_string() });
            let asked = peer.answer("tools/call", state).await;
            assert!(asked.params.get("inputResponses").is_none());
        }
    });
    let error = failed.unwrap_err();
    let expected = matches!(error, Error::Input(InputError::TooManyRounds { rounds: 3, .. }));
    assert!(expected, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_asked_is_let_go_when_the_connection_ends() {
    let (to, mut dropped) = tokio::sync::mpsc::unbounded_channel::<()>();
    let asking = builder().on_form(move |_| {
        let held = to.clone();
        async move {
            std::future::pending::<()>().await;
            drop(held);
            json!({ "title": "x" })
        }
    });
    let (client, mut peer) = modern(asking).await;
    let begun = Instant::now();
    let (failed, ()) = tokio::join!(client.call_tool("t", ()), async {
        peer.answer("tools/call", question(&json!({ "f": form() }), "s")).await;
        tokio::task::yield_now().await;
        drop(peer);
    });
    assert!(matches!(failed, Err(Error::Closed(_))), "{failed:?}");
    drop(client);
    assert!(dropped.recv().await.is_none());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_visit_of_a_server_that_is_gone() {
    let (client, mut peer) = legacy(builder().on_url(|_| async { ElicitAction::Accept })).await;
    let begun = Instant::now();
    let (failed, ()) = tokio::join!(client.call_tool("t", ()), async {
        refuse_urls(&mut peer).await;
        tokio::task::yield_now().await;
        drop(peer);
    });
    assert!(matches!(failed, Err(Error::Closed(_))), "{failed:?}");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_person_may_take_longer_than_any_limit() {
    let slow = |_| async {
        sleep(3600 * SECOND).await;
        json!({ "title": "x" })
    };
    let limits = builder().idle_timeout(5 * SECOND).total_timeout(6 * SECOND).on_form(slow);
    let (client, mut peer) = modern(limits).await;
    let begun = Instant::now();
    let (timed_out, ()) = tokio::join!(client.call_tool("t", ()), async {
        let asked = peer.asked().await;
        sleep(4 * SECOND).await;
        peer.result(asked.id, question(&json!({ "f": form() }), "s")).await;
        peer.asked().await;
    });
    // The server has had four of its six seconds.
    assert!(
        matches!(timed_out, Err(Error::Timeout { kind: TimeoutKind::Total, .. })),
        "{timed_out:?}"
    );
    assert_eq!(begun.elapsed().as_secs(), 3606);
}

#[tokio::test(start_paused = true)]
async fn in_the_legacy_era_too_a_person_has_time() {
    let slow = |_| async {
        sleep(3600 * SECOND).await;
        json!({ "title": "x" })
    };
    let (client, mut peer) = legacy(builder().idle_timeout(5 * SECOND).on_form(slow)).await;
    let (said, ()) = tokio::join!(client.call::<String>("t", ()), async {
        let asked = peer.asked().await;
        let mut request = form();
        request["jsonrpc"] = "2.0".into();
        request["id"] = 1.into();
        peer.say(request.to_string()).await;
        assert_eq!(peer.line().await["result"]["action"], "accept");
        peer.result(asked.id, DONE).await;
    });
    assert_eq!(said.unwrap(), "done");
}

#[tokio::test]
async fn progress_goes_on_over_rounds() {
    let (client, mut peer) = modern(builder().on_form(|_| async { json!({ "title": "x" }) })).await;
    let mut job = client.call::<String>("t", ());
    let (seen, ()) = tokio::join!(
        async {
            let mut seen = Vec::new();
            while let Some(progress) = job.progress().await {
                seen.push(progress.done);
            }
            seen
        },
        async {
            let asked = peer.asked().await;
            peer.progress(asked.id, 1).await;
            peer.result(asked.id, question(&json!({ "f": form() }), "s")).await;
            let asked = peer.asked().await;
            peer.progress(asked.id, 2).await;
            peer.result(asked.id, DONE).await;
        }
    );
    assert_eq!(seen, [1.0, 2.0]);
    assert_eq!(job.await.unwrap(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_drops_its_handlers_and_sends_nothing_more() {
    let (tell, dropped) = tokio::sync::oneshot::channel::<()>();
    let tell = std::sync::Arc::new(std::sync::Mutex::new(Some(tell)));
    let handler = move |_| {
        let held = tell.lock().unwrap().take();
        async move {
            sleep(3600 * SECOND).await;
            drop(held);
            ElicitResult::cancel()
        }
    };
    let (client, mut peer) = modern(builder().on_form(handler)).await;
    let call = tokio::spawn(client.call_tool("t", ()));
    peer.answer("tools/call", question(&json!({ "f": form() }), "s")).await;
    sleep(SECOND).await;
    call.abort();
    assert!(dropped.await.is_err());
    client.shutdown().await;
    assert_eq!(peer.rest().await, [""; 0]);
}

#[tokio::test]
async fn questions_that_are_none_are_the_servers_fault() {
    let (client, mut peer) = modern(builder().on_form(|_| async { json!({}) })).await;
    for result in [
        json!({ "resultType": "input_required" }),
        json!({ "resultType": "input_required", "inputRequests": {} }),
        json!({ "resultType": "input_required", "inputRequests": { "a": 7 } }),
        json!({ "resultType": "input_required", "requestState": 7 }),
    ] {
        let (failed, _) =
            tokio::join!(client.call_tool("t", ()), peer.answer("tools/call", &result));
        assert!(matches!(failed, Err(Error::PeerMisbehaved(_))), "{result}: {failed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_who_has_been_sent_somewhere_gets_the_call_made_anew() {
    let (client, mut peer) = legacy(builder().on_url(|_| async { ElicitAction::Accept })).await;
    let (said, ()) = tokio::join!(client.call::<String>("t", ()), async {
        refuse_urls(&mut peer).await;
        sleep(60 * SECOND).await;
        for id in ["other", "e1"] {
            peer.tell("notifications/elicitation/complete", json!({ "elicitationId": id })).await;
        }
        let again = peer.answer("tools/call", DONE).await;
        assert!(again.params.get("inputResponses").is_none());
    });
    assert_eq!(said.unwrap(), "done");
}

#[tokio::test(start_paused = true)]
async fn a_user_who_has_not_been_there_is_an_error_that_names_the_address() {
    let nobody = builder();
    let unwilling = builder().on_url(|_| async { ElicitAction::Decline });
    let lost = builder().on_url(|_| async { ElicitAction::Accept });
    for builder in [nobody, unwilling, lost] {
        let (client, mut peer) = legacy(builder).await;
        let (failed, ()) = tokio::join!(client.call_tool("t", ()), refuse_urls(&mut peer));
        let error = failed.unwrap_err();
        assert!(error.to_string().contains("https://a/b"), "{error}");
        assert!(matches!(error, Error::Input(InputError::UrlRequired { .. })), "{error:?}");
    }
}
