//! What was found, as a table for people and as JSON for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::measure::{Figures, Measure};
use crate::programs::{OURS, REFERENCE};

/// The medians of each side, in the order in which they are shown.
pub(crate) type Medians = Vec<(&'static str, Figures)>;

/// What we want of a measure.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// Ours divided by the reference is at least this.
    RatioAtLeast(f64),
    /// Ours divided by the reference is at most this.
    RatioAtMost(f64),
    /// Our figure is at most this.
    AtMost(f64),
}

/// A line of the report.
#[derive(Debug)]
struct Row {
    measure: Measure,
    name: &'static str,
    key: &'static str,
    target: Option<Target>,
}

const ROWS: [Row; 27] = [
    Row::new(Measure::CallsPerSecond, "calls per second, 64 in flight", "calls_per_s")
        .target(Target::RatioAtLeast(5.0)),
    Row::new(Measure::ProcessorTimePerCall, "processor time per call, µs", "cpu_us_per_call")
        .target(Target::RatioAtMost(0.2)),
    Row::new(Measure::RoundTripMedian, "round trip, median, µs", "round_trip_p50_us")
        .target(Target::RatioAtMost(0.6)),
    Row::new(Measure::RoundTripTail, "round trip, 99th percentile, µs", "round_trip_p99_us"),
    Row::new(
        Measure::RoundTripOnOneProcessor,
        "round trip on one processor, median, µs",
        "round_trip_one_processor_p50_us",
    )
    .target(Target::RatioAtMost(0.6)),
    Row::new(Measure::ProcessorTimePerMebibyte, "1 MiB argument, processor µs", "cpu_us_per_mib")
        .target(Target::RatioAtMost(0.7)),
    Row::new(Measure::ColdStart, "cold start to first answer, ms", "cold_start_ms"),
    Row::new(Measure::PeakMemory, "peak memory after handshake, MiB", "peak_memory_mib")
        .target(Target::AtMost(3.5)),
    Row::new(Measure::Threads, "threads when idle", "threads").target(Target::AtMost(1.0)),
    Row::new(Measure::ClientCallsPerSecond, "client: calls per second", "client_calls_per_s"),
    Row::new(
        Measure::ClientProcessorTimePerCall,
        "client: processor time per call, µs",
        "client_cpu_us_per_call",
    )
    .target(Target::RatioAtMost(0.25)),
    Row::new(Measure::ClientMedian, "client: call, median, µs", "client_p50_us"),
    Row::new(Measure::ClientTail, "client: call, 99th percentile, µs", "client_p99_us"),
    Row::new(Measure::InstructionsPerCall, "instructions per call", "instructions_per_call")
        .target(Target::AtMost(16_000.0)),
    Row::new(Measure::AllocationsPerCall, "heap allocations per call", "allocations_per_call")
        .target(Target::AtMost(12.0)),
    Row::new(Measure::AllocatedBytesPerCall, "heap bytes per call", "allocated_bytes_per_call"),
    Row::new(
        Measure::HttpModernPerSecond,
        "modern: requests per second, 32 connections",
        "http_modern_per_s",
    )
    .target(Target::RatioAtLeast(2.5)),
    Row::new(
        Measure::HttpModernPerSecondOfMany,
        "modern: requests per second, 256 connections",
        "http_modern_per_s_of_256",
    )
    .target(Target::RatioAtLeast(2.5)),
    Row::new(
        Measure::HttpModernProcessorTime,
        "modern: processor time per request, µs",
        "http_modern_cpu_us",
    )
    .target(Target::RatioAtMost(0.334)),
    Row::new(
        Measure::HttpModernOverFloor,
        "modern: the same, times bare hyper",
        "http_modern_over_floor",
    )
    .target(Target::AtMost(2.0)),
    Row::new(
        Measure::HttpSessionPerSecond,
        "session: requests per second, 32 connections",
        "http_session_per_s",
    )
    .target(Target::RatioAtLeast(2.5)),
    Row::new(
        Measure::HttpSessionPerSecondOfMany,
        "session: requests per second, 256 connections",
        "http_session_per_s_of_256",
    )
    .target(Target::RatioAtLeast(2.5)),
    Row::new(
        Measure::HttpSessionProcessorTime,
        "session: processor time per request, µs",
        "http_session_cpu_us",
    )
    .target(Target::RatioAtMost(0.334)),
    Row::new(Measure::HttpIdleSession, "memory of an idle session, KiB", "http_idle_session_kib")
        .target(Target::AtMost(6.0)),
    Row::new(
        Measure::HttpDeletedSessions,
        "kept after 1,000 deleted sessions, MiB",
        "http_deleted_sessions_mib",
    )
    .target(Target::AtMost(2.0)),
    Row::new(Measure::HttpAlone, "echo in an idle session, median, µs", "http_alone_us"),
    Row::new(
        Measure::HttpBesideUnread,
        "echo beside an unread stream, median, µs",
        "http_beside_unread_us",
    ),
];

impl Row {
    const fn new(measure: Measure, name: &'static str, key: &'static str) -> Self {
        Self { measure, name, key, target: None }
    }

    const fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Ours divided by the reference.
    fn ratio(&self, medians: &Medians) -> Option<f64> {
        let reference = figure(medians, REFERENCE, self.measure)?;
        Some(figure(medians, OURS, self.measure)? / reference)
    }

    fn is_met(&self, medians: &Medians) -> Option<bool> {
        Some(match self.target? {
            Target::RatioAtLeast(least) => least <= self.ratio(medians)?,
            Target::RatioAtMost(most) => self.ratio(medians)? <= most,
            Target::AtMost(most) => figure(medians, OURS, self.measure)? <= most,
        })
    }
}

/// Medians of different measures, side by side.
pub(crate) fn merged(all: impl IntoIterator<Item = Medians>) -> Medians {
    let mut merged = Medians::new();
    for (name, figures) in all.into_iter().flatten() {
        match merged.iter_mut().find(|(side, _)| *side == name) {
            Some((_, so_far)) => so_far.extend(figures),
            None => merged.push((name, figures)),
        }
    }
    merged
}

/// The table for people.
pub(crate) fn table(medians: &Medians) -> String {
    let mut out = format!("{:<46}", "median of the rounds");
    for (side, _) in medians {
        write!(out, "{side:>21}").expect("a string takes everything");
    }
    writeln!(out, "{:>9}{:>9}", "ratio", "target").expect("a string takes everything");
    for row in &ROWS {
        if medians.iter().all(|(side, _)| figure(medians, side, row.measure).is_none()) {
            continue;
        }
        write!(out, "{:<46}", row.name).expect("a string takes everything");
        for (side, _) in medians {
            let cell = figure(medians, side, row.measure).map(readable);
            write!(out, "{:>21}", cell.as_deref().unwrap_or("-"))
                .expect("a string takes everything");
        }
        let ratio = row.ratio(medians).map(|ratio| format!("{ratio:.2}x"));
        let target = row.target.map(|target| match target {
            Target::RatioAtLeast(ratio) => format!("≥ {ratio}x"),
            Target::RatioAtMost(ratio) => format!("≤ {ratio}x"),
            Target::AtMost(most) => format!("≤ {most}"),
        });
        let verdict = match row.is_met(medians) {
            Some(true) => "  met",
            Some(false) => "  MISSED",
            None => "",
        };
        writeln!(
            out,
            "{:>9}{:>9}{verdict}",
            ratio.as_deref().unwrap_or("-"),
            target.as_deref().unwrap_or("")
        )
        .expect("a string takes everything");
    }
    out
}

/// The same for machines: sides, ratios, and which targets are met.
pub(crate) fn json(medians: &Medians) -> Value {
    let sides = medians.iter().map(|(side, _)| {
        let figures = ROWS.iter().filter_map(|row| {
            let value = figure(medians, side, row.measure)?;
            Some((row.key.to_owned(), json!(value)))
        });
        ((*side).to_owned(), Value::Object(figures.collect()))
    });
    let ratios =
        ROWS.iter().filter_map(|row| Some((row.key.to_owned(), json!(row.ratio(medians)?))));
    let met = ROWS.iter().filter_map(|row| Some((row.key.to_owned(), json!(row.is_met(medians)?))));
    json!({
        "medians": Value::Object(sides.collect()),
        "ratio_to_rmcp_tuned": Value::Object(ratios.collect()),
        "target_met": Value::Object(met.collect()),
    })
}

fn figure(medians: &Medians, side: &str, measure: Measure) -> Option<f64> {
    let (_, figures) = medians.iter().find(|(name, _)| *name == side)?;
    figures.get(&measure).copied()
}

fn readable(figure: f64) -> String {
    if 1000.0 <= figure {
        format!("{figure:.0}")
    } else if 10.0 <= figure {
        format!("{figure:.1}")
    } else {
        format!("{figure:.2}")
    }
}
