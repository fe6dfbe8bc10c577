//! Much at a time, clients that do not read, and handlers that panic.

use serde_json::{Value, json};

use crate::conversation::{
    LEGACY, SERVER, assert_goes_on, assert_refused, call, cancel, initialize_request, legacy, text,
};
use mcp_tests::pipe::Pipe;

/// `Limits::pending_requests` as it is by default.
const PENDING: usize = 1024;

#[test]
fn calls_beyond_the_limit_are_refused_and_the_others_answered() {
    let mut pipe = legacy(LEGACY);
    for id in 0..5000 {
        pipe.send(call(id, "slow", json!({ "ms": 3_600_000 })));
    }
    for id in PENDING..5000 {
        let answer = pipe.message();
        assert_refused(&answer, Some(json!(id)), -32603, "at most 1024 requests");
    }
    for id in 0..PENDING {
        pipe.send(cancel(id));
    }
    assert_goes_on(&mut pipe);
    for id in 0..PENDING {
        pipe.send(call(id, "slow", json!({ "ms": 1 })));
    }
    let mut answered: Vec<u64> = (0..PENDING)
        .map(|_| {
            let answer = pipe.message();
            assert_eq!(text(&answer), "waited 1 ms");
            answer["id"].as_u64().expect("a number")
        })
        .collect();
    answered.sort_unstable();
    assert!(answered.into_iter().eq(0..PENDING as u64));
    assert!(pipe.end().quietly().rest.is_empty());
}

#[test]
fn a_panicking_handler_answers_and_life_goes_on() {
    let mut pipe = legacy(LEGACY);
    for id in 0..20 {
        pipe.send(call(id, "boom", json!({})));
        let answer = pipe.message();
        assert_refused(&answer, Some(json!(id)), -32603, "internal error");
        assert!(!answer.to_string().contains("boom"), "the panic is told: {answer}");
        assert_goes_on(&mut pipe);
    }
    let ended = pipe.end();
    assert!(ended.status.success() && ended.rest.is_empty());
    assert_eq!(ended.stderr.matches("\nboom\n").count(), 20, "{}", ended.stderr);
}

#[test]
fn output_is_nothing_but_messages_while_panics_are_printed() {
    let mut pipe = legacy(LEGACY);
    for id in 0..500 {
        let line = match id % 2 {
            0 => call(id, "boom", json!({})),
            _ => call(id, "slow", json!({ "ms": 1 })),
        };
        pipe.send(line);
    }
    for _ in 0..500 {
        let message = pipe.message();
        assert_eq!(message["jsonrpc"], "2.0");
        assert_eq!(
            message.get("error").is_some(),
            message["id"].as_u64().expect("a number").is_multiple_of(2)
        );
    }
    let ended = pipe.end();
    assert!(ended.status.success() && ended.rest.is_empty());
}

#[test]
fn quick_calls_are_answered_in_order() {
    let mut pipe = legacy(LEGACY);
    for id in 0..20_000 {
        pipe.send(call(id, "add", json!({ "a": id, "b": 0.5 })));
    }
    for id in 0..20_000 {
        let answer = pipe.message();
        assert_eq!(answer["id"], id);
        assert_eq!(text(&answer), format!("{id}.5"));
    }
    assert!(pipe.end().quietly().rest.is_empty());
}

#[test]
fn a_slow_call_is_answered_during_a_flood_of_quick_ones() {
    let mut pipe = legacy(LEGACY);
    pipe.send(call("slow", "slow", json!({ "ms": 1 })));
    let mut before = 0;
    // A client that always has one more request ready: the next goes out with each answer.
    let window = 64;
    let mut next = 0;
    let mut quick = |pipe: &mut Pipe| {
        next += 1;
        pipe.send(call(next, "echo", json!({ "message": "quick" })));
    };
    (0..window).for_each(|_| quick(&mut pipe));
    while pipe.message()["id"] != "slow" {
        before += 1;
        assert!(before < 200_000, "the slow call starves");
        quick(&mut pipe);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::time::Instant;

    use mcp_tests::pipe::{PATIENCE, wait_for};

    use super::*;

    /// What the default limits allow to wait, and as much again for buffers that grow by doubling.
    const MEMORY: u64 = 160 * 1024 * 1024;

    /// Waits until the process takes nothing more from its pipe.
    fn wait_until_stuck(pipe: &Pipe) {
        let mut last = (pipe.written(), Instant::now());
        wait_for("the server to stop reading", || {
            let now = pipe.written();
            if now != last.0 || pipe.status("State") != "S" {
                last = (now, Instant::now());
            }
            assert!(last.1.elapsed() < PATIENCE);
            (now > 0 && last.1.elapsed().as_millis() > 200).then_some(())
        });
    }

    #[test]
    fn a_client_that_does_not_read_is_not_read_either_and_loses_nothing() {
        const CALLS: usize = 3000;
        let message = "x".repeat(100_000);
        let mut pipe = Pipe::start_unread(SERVER, &["stdio"]);
        pipe.send(initialize_request("initialize", LEGACY));
        for id in 0..CALLS {
            pipe.send(call(id, "echo", json!({ "message": message })));
        }
        wait_until_stuck(&pipe);
        assert!(pipe.written() < 100_000_000, "{} bytes were read", pipe.written());
        pipe.read();
        assert_eq!(pipe.message()["id"], "initialize");
        for id in 0..CALLS {
            let answer = pipe.message();
            assert_eq!(answer["id"], id);
            assert!(text(&answer) == message, "the text differs");
        }
        let peak = pipe.peak_memory();
        assert!(peak < MEMORY, "{peak} bytes");
        assert!(pipe.end().quietly().rest.is_empty());
    }

    #[test]
    fn notifications_to_a_client_that_does_not_read_wait_with_their_handlers() {
        const COUNT: u64 = 20_000;
        let mut pipe = Pipe::start_unread(SERVER, &["stdio"]);
        pipe.send(initialize_request("initialize", LEGACY));
        let flood = call(1, "notify", json!({ "count": COUNT, "size": 10_000, "tag": "big" }));
        pipe.send(crate::conversation::with_progress(flood, 1));
        wait_until_stuck(&pipe);
        assert!(pipe.peak_memory() < MEMORY);
        pipe.read();
        assert_eq!(pipe.message()["id"], "initialize");
        for n in 1..=COUNT {
            assert_eq!(pipe.message()["params"]["progress"], n);
        }
        assert_eq!(text(&pipe.message()), "big: 20000 notifications");
        let peak = pipe.peak_memory();
        assert!(peak < MEMORY, "{peak} bytes");
        assert!(pipe.end().quietly().rest.is_empty());
    }

    #[test]
    fn what_a_slow_reader_had_sent_before_it_ended_its_input_is_answered() {
        const CALLS: usize = 900;
        let message = "x".repeat(100_000);
        let mut pipe = Pipe::start_unread(SERVER, &["stdio"]);
        pipe.send(initialize_request("initialize", LEGACY));
        for id in 0..CALLS {
            pipe.send(call(id, "echo", json!({ "message": message })));
        }
        pipe.close();
        wait_until_stuck(&pipe);
        pipe.read();
        let ended = pipe.end().quietly();
        let ids: Vec<&Value> = ended.rest.iter().skip(1).map(|answer| &answer["id"]).collect();
        assert!(ids.into_iter().eq((0..CALLS).map(|id| json!(id)).collect::<Vec<_>>().iter()));
    }

    #[test]
    fn memory_does_not_grow_with_the_number_of_messages() {
        let mut pipe = legacy(LEGACY);
        let round = |pipe: &mut Pipe| {
            for id in 0..5000 {
                pipe.send(call(id, "echo", json!({ "message": "x".repeat(500) })));
            }
            for id in 0..5000 {
                assert_eq!(pipe.message()["id"], id);
            }
        };
        round(&mut pipe);
        let before = pipe.peak_memory();
        (0..5).for_each(|_| round(&mut pipe));
        let grown = pipe.peak_memory().saturating_sub(before);
        assert!(grown < 1024 * 1024, "{grown} bytes");
    }

    #[test]
    fn an_idle_server_has_one_thread() {
        let mut pipe = legacy(LEGACY);
        pipe.send(call(1, "slow", json!({ "ms": 5 })));
        pipe.message();
        assert_goes_on(&mut pipe);
        assert_eq!(pipe.status("Threads"), "1");
    }
}
