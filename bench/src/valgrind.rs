//! Counts instead of times: instructions and heap allocations per call, from valgrind.
//!
//! A program is run twice with different numbers of calls, and the difference belongs to the
//! calls alone; start and end cancel out.

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use crate::load::Connection;
use crate::measure::{Figures, Measure, WINDOW};

/// Whether valgrind can be run.
pub(crate) fn is_present() -> bool {
    let mut probe = Command::new("valgrind");
    probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

/// Counts what one call costs this server.
pub(crate) fn server(command: &[String]) -> io::Result<Figures> {
    let instructions = difference(|calls| {
        let log = run(&["--tool=callgrind", "--callgrind-out-file=/dev/null"], command, calls)?;
        number_after(&log, "Collected :")
    })?;
    let heap = |what: usize| {
        difference(move |calls| {
            let log = run(&["--tool=dhat", "--dhat-out-file=/dev/null"], command, calls)?;
            // "Total: 1,234 bytes in 12 blocks"
            let total = after(&log, "Total:").unwrap_or_default();
            number(total.split_whitespace().nth(what).unwrap_or_default())
        })
    };
    Ok(Figures::from([
        (Measure::InstructionsPerCall, instructions),
        (Measure::AllocationsPerCall, heap(3)?),
        (Measure::AllocatedBytesPerCall, heap(0)?),
    ]))
}

const FEW: u64 = 1_000;
const MANY: u64 = 5_000;

fn difference(count: impl Fn(u64) -> io::Result<f64>) -> io::Result<f64> {
    Ok((count(MANY)? - count(FEW)?) / (MANY - FEW) as f64)
}

/// Runs the server under valgrind for this many calls and returns what valgrind logged.
fn run(tool: &[&str], command: &[String], calls: u64) -> io::Result<String> {
    let log = std::env::temp_dir().join(format!("mcp-bench-valgrind-{}", std::process::id()));
    let mut line = vec!["valgrind".to_owned(), format!("--log-file={}", log.display())];
    line.extend(tool.iter().map(|&option| option.to_owned()));
    line.extend_from_slice(command);
    let mut connection = Connection::open(&line)?;
    connection.echo_many(calls, WINDOW)?;
    connection.close()?;
    let text = fs::read_to_string(&log)?;
    fs::remove_file(&log)?;
    Ok(text)
}

fn number_after(log: &str, label: &str) -> io::Result<f64> {
    number(after(log, label).and_then(|rest| rest.split_whitespace().next()).unwrap_or_default())
}

fn after<'a>(log: &'a str, label: &str) -> Option<&'a str> {
    log.lines().find_map(|line| line.split_once(label)).map(|(_, rest)| rest)
}

fn number(text: &str) -> io::Result<f64> {
    text.replace(',', "").parse().map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("valgrind's log has no number: {text:?}"),
        )
    })
}
