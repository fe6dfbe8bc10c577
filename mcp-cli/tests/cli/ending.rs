//! However a command ends: in time, and with nothing left behind.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::run::{Desk, fixture, within};

#[test]
fn ctrl_c_cancels_the_call_and_ends_every_process_within_two_seconds() {
    let stubborn = format!("trap '' TERM; sleep 1000 & {}; sleep 1000", fixture());
    let wrapped = format!("sleep 1000 & exec {}", fixture());
    for (script, signal, status) in
        [(&wrapped, Signal::INT, 130), (&wrapped, Signal::TERM, 143), (&stubborn, Signal::INT, 130)]
    {
        for era in ["legacy", "modern"] {
            let desk = Desk::new();
            let mut mcp = desk.start(&[
                "call",
                "work",
                "milliseconds=60000",
                "steps=1000",
                "-v",
                "--era",
                era,
                "--",
                "sh",
                "-c",
                script,
            ]);
            let mut lines = BufReader::new(mcp.stderr.take().unwrap()).lines();
            let progress = |line: &String| line.contains("notifications/progress");
            lines.find(|line| progress(line.as_ref().unwrap())).unwrap().unwrap();
            send(&mcp, signal);
            let code = within(Duration::from_secs(2), || mcp.wait().unwrap().code());
            assert_eq!(code, Some(status), "{era} {script}");
            desk.is_left_empty();
            let rest: Vec<String> = lines.map(Result::unwrap).collect();
            let cancelled = |line: &&String| line.contains("notifications/cancelled");
            assert_eq!(rest.iter().filter(cancelled).count(), 1, "{rest:#?}");
        }
    }
}

#[test]
fn ctrl_c_during_the_handshake_ends_everything() {
    let desk = Desk::new();
    let script = "trap '' TERM; sleep 1000 & echo up >&2; while :; do sleep 1000; done";
    let mut mcp = desk.start(&["tools", "-v", "--", "sh", "-c", script]);
    let mut lines = BufReader::new(mcp.stderr.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("! up")).unwrap().unwrap();
    send(&mcp, Signal::INT);
    let code = within(Duration::from_secs(2), || mcp.wait().unwrap().code());
    assert_eq!(code, Some(130));
    desk.is_left_empty();
}

#[test]
fn ctrl_c_during_a_check_ends_everything() {
    let desk = Desk::new();
    let script = "trap '' TERM; sleep 1000 & echo up >&2; while :; do sleep 1000; done";
    let mut mcp = desk.start(&["check", "-v", "--", "sh", "-c", script]);
    let mut lines = BufReader::new(mcp.stderr.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("! up")).unwrap().unwrap();
    send(&mcp, Signal::INT);
    let code = within(Duration::from_secs(2), || mcp.wait().unwrap().code());
    assert_eq!(code, Some(130));
    desk.is_left_empty();
}

#[test]
fn a_second_ctrl_c_does_not_wait() {
    let desk = Desk::new();
    let script = format!("trap '' TERM; sleep 1000 & {}; sleep 1000", fixture());
    let mut mcp = desk.start(&[
        "call",
        "work",
        "milliseconds=60000",
        "steps=9",
        "-v",
        "--",
        "sh",
        "-c",
        &script,
    ]);
    let mut lines = BufReader::new(mcp.stderr.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("tools/call")).unwrap().unwrap();
    send(&mcp, Signal::INT);
    lines.find(|line| line.as_ref().unwrap().contains("notifications/cancelled")).unwrap().unwrap();
    send(&mcp, Signal::INT);
    let code = within(Duration::from_millis(700), || mcp.wait().unwrap().code());
    assert_eq!(code, Some(130));
    desk.is_left_empty();
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let limit = Duration::from_secs(3);
    let done =
        within(limit, || Desk::new().run(&["tools", "--timeout", "300ms", "--", "sleep", "1000"]));
    let done = done.expect(4);
    assert!(done.err().contains("--timeout"), "{}", done.err());
    let call = ["call", "work", "milliseconds=60000", "steps=1", "--timeout", "300ms"];
    within(limit, || Desk::new().fixture(&call)).expect(4);
}

#[test]
fn progress_is_news_and_the_total_is_a_limit_all_the_same() {
    let call = ["call", "work", "milliseconds=1500", "steps=15", "--timeout", "700ms"];
    Desk::new().fixture(&call).expect(0);
    let call = ["call", "work", "milliseconds=60000", "steps=600", "--total-timeout", "500ms"];
    let done = within(Duration::from_secs(3), || Desk::new().fixture(&call)).expect(4);
    assert!(done.err().contains("--total-timeout"), "{}", done.err());
}

#[test]
fn whoever_closes_the_pipe_hears_no_complaint() {
    let desk = Desk::new();
    let mut mcp = desk.start(&["tools", "--", fixture()]);
    drop(mcp.stdout.take());
    assert_eq!(mcp.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    mcp.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn a_pipe_that_nobody_reads_does_not_hold_up_the_end() {
    let desk = Desk::new();
    let call = ["call", "echo", "message=0123456789abcdef", "times=100000", "--", fixture()];
    let mut mcp = desk.start(&call);
    let mut first = [0; 1];
    mcp.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    send(&mcp, Signal::TERM);
    let code = within(Duration::from_secs(3), || mcp.wait().unwrap().code());
    assert_eq!(code, Some(143));
    desk.is_left_empty();
}

fn send(mcp: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(mcp.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}
