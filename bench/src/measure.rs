//! The measurements: one round of one server, one run of one client.

use std::collections::BTreeMap;
use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::Connection;
use crate::process::{self, OneProcessor};

/// A quantity that is measured, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    CallsPerSecond,
    ProcessorTimePerCall,
    RoundTripMedian,
    RoundTripTail,
    RoundTripOnOneProcessor,
    ProcessorTimePerMebibyte,
    ColdStart,
    PeakMemory,
    Threads,
    ClientCallsPerSecond,
    ClientProcessorTimePerCall,
    ClientMedian,
    ClientTail,
    InstructionsPerCall,
    AllocationsPerCall,
    AllocatedBytesPerCall,
    HttpModernPerSecond,
    HttpModernPerSecondOfMany,
    HttpModernProcessorTime,
    HttpModernOverFloor,
    HttpSessionPerSecond,
    HttpSessionPerSecondOfMany,
    HttpSessionProcessorTime,
    HttpIdleSession,
    HttpDeletedSessions,
    HttpAlone,
    HttpBesideUnread,
}

/// What one round found.
pub(crate) type Figures = BTreeMap<Measure, f64>;

/// How much is done in a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) calls: u64,
    pub(crate) round_trips: u64,
    pub(crate) large: u32,
    pub(crate) starts: u32,
}

impl Effort {
    pub(crate) const FULL: Self =
        Self { rounds: 7, calls: 100_000, round_trips: 10_000, large: 40, starts: 10 };
    pub(crate) const QUICK: Self =
        Self { rounds: 3, calls: 20_000, round_trips: 2_000, large: 10, starts: 4 };
}

/// How many calls are in flight when throughput is measured.
pub(crate) const WINDOW: u64 = 64;

/// Measures a server once.
pub(crate) fn server(command: &[String], effort: Effort) -> io::Result<Figures> {
    let mut figures = Figures::new();

    let mut starts = Vec::new();
    for _ in 0..effort.starts {
        let connection = Connection::open(command)?;
        starts.push(connection.cold_start);
        connection.close()?;
    }
    figures.insert(Measure::ColdStart, 1e3 * quantile(&mut starts, 50).as_secs_f64());

    let mut connection = Connection::open(command)?;
    let pid = connection.pid();
    figures.insert(Measure::PeakMemory, process::peak_memory(pid)?);
    connection.echo_once()?;
    figures.insert(Measure::Threads, process::threads(pid)?);

    connection.echo_many(effort.calls / 20, WINDOW)?;
    let (cpu, started) = (process::processor_time(pid)?, Instant::now());
    connection.echo_many(effort.calls, WINDOW)?;
    let (elapsed, cpu) = (started.elapsed(), process::processor_time(pid)? - cpu);
    let calls = effort.calls as f64;
    figures.insert(Measure::CallsPerSecond, calls / elapsed.as_secs_f64());
    figures.insert(Measure::ProcessorTimePerCall, microseconds(cpu) / calls);

    let mut trips = round_trips(&mut connection, effort.round_trips)?;
    figures.insert(Measure::RoundTripMedian, microseconds(quantile(&mut trips, 50)));
    figures.insert(Measure::RoundTripTail, microseconds(quantile(&mut trips, 99)));
    let pinned = OneProcessor::shared_with(pid)?;
    let mut trips = round_trips(&mut connection, effort.round_trips)?;
    drop(pinned);
    figures.insert(Measure::RoundTripOnOneProcessor, microseconds(quantile(&mut trips, 50)));

    for _ in 0..3 {
        connection.echo_large(MEBIBYTE)?;
    }
    let cpu = process::processor_time(pid)?;
    for _ in 0..effort.large {
        connection.echo_large(MEBIBYTE)?;
    }
    let cpu = process::processor_time(pid)? - cpu;
    figures.insert(Measure::ProcessorTimePerMebibyte, microseconds(cpu) / f64::from(effort.large));

    connection.close()?;
    Ok(figures)
}

/// How long calls take that are made one at a time, after a few that do not count.
fn round_trips(connection: &mut Connection, count: u64) -> io::Result<Vec<Duration>> {
    for _ in 0..count / 20 {
        connection.echo_once()?;
    }
    (0..count).map(|_| connection.echo_once()).collect()
}

/// Runs a client program against a server; it measures itself and prints one line of JSON.
pub(crate) fn client(client: &[String], server: &[String], calls: u64) -> io::Result<Figures> {
    let [program, arguments @ ..] = client else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let output = Command::new(program)
        .args(arguments)
        .args([calls.to_string(), WINDOW.to_string(), "--".to_owned()])
        .args(server)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{program} failed ({})", output.status)));
    }
    let line: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let figure = |name: &str| {
        line[name].as_f64().ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{program} prints no `{name}`"))
        })
    };
    Ok(Figures::from([
        (Measure::ClientCallsPerSecond, figure("calls_per_s")?),
        (Measure::ClientProcessorTimePerCall, figure("cpu_us_per_call")?),
        (Measure::ClientMedian, figure("p50_us")?),
        (Measure::ClientTail, figure("p99_us")?),
    ]))
}

/// For each measure the median of its rounds.
pub(crate) fn medians(rounds: &[Figures]) -> Figures {
    let mut all: BTreeMap<Measure, Vec<f64>> = BTreeMap::new();
    for (&measure, &figure) in rounds.iter().flatten() {
        all.entry(measure).or_default().push(figure);
    }
    let median = |mut figures: Vec<f64>| {
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    all.into_iter().map(|(measure, figures)| (measure, median(figures))).collect()
}

const MEBIBYTE: usize = 1 << 20;

/// The median of some durations.
pub(crate) fn median(durations: &mut [Duration]) -> Duration {
    quantile(durations, 50)
}

fn quantile(durations: &mut [Duration], percent: usize) -> Duration {
    durations.sort_unstable();
    durations[durations.len() * percent / 100]
}

pub(crate) fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
