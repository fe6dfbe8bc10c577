//! The example Wholesale Chips as a process: how it ends, and what it leaves behind.

#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_wholesale-chips");

/// The program, with a folder of its own for what is temporary.
fn program(temporary: &TempDir) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .env("TMPDIR", temporary.path())
        .arg("--audit")
        .arg(temporary.path().join("audit.jsonl"));
    command.arg("--json").stdin(Stdio::null());
    command
}

/// Nothing is left but the audit trail: no folder, and no process that was started with this one.
fn is_clean(temporary: &TempDir) -> bool {
    let names = fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name != "audit.jsonl").collect();
    let folder = temporary.path().to_str().unwrap().as_bytes();
    let runs = |process: &fs::DirEntry| {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        environment.windows(folder.len()).any(|part| part == folder)
    };
    let running = fs::read_dir("/proc").unwrap().flatten().filter(runs).count();
    left.is_empty() && running == 0
}

#[test]
fn every_step_goes_as_it_must_and_nothing_is_left_behind() {
    let temporary = TempDir::new().unwrap();
    let output = program(&temporary).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for step in &lines {
        assert_eq!(step["ok"], true, "{step:#}");
    }
    let summary = lines.last().unwrap();
    assert_eq!(summary["steps"], lines.len() - 1);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(is_clean(&temporary));
    let trail = fs::read_to_string(temporary.path().join("audit.jsonl")).unwrap();
    for line in trail.lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        assert!(entry["time"].is_u64() && entry["source"].is_string(), "{entry}");
    }
}

#[test]
fn an_interruption_leaves_nothing_behind() {
    let temporary = TempDir::new().unwrap();
    let mut child = program(&temporary).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().is_some(), "it ended before the first step");
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(is_clean(&temporary));
}

#[test]
fn without_npm_it_says_what_is_missing() {
    let target = TempDir::new().unwrap();
    fs::write(target.path().join("CACHEDIR.TAG"), "").unwrap();
    let copy = target.path().join("wholesale-chips-copy");
    fs::hard_link(PROGRAM, &copy).or_else(|_| fs::copy(PROGRAM, &copy).map(drop)).unwrap();
    let output = Command::new(&copy).env("PATH", Path::new("/nonexistent")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("`npm` does not run"), "{said}");
    assert!(said.contains("install Node.js"), "{said}");
}
