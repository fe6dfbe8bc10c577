//! The client of the comparison, built on rmcp:
//!
//! `rmcp-client <calls> <concurrency> -- <server command…>`
//!
//! After 500 calls to warm up it makes `calls` of `echo`, `concurrency` at a time, each with a
//! message of its own that has to come back, and prints one line of JSON about itself.

#![expect(clippy::print_stdout, reason = "the line of JSON is what this program is for")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use rmcp::service::{Peer, RoleClient};
use rmcp::transport::TokioChildProcess;
use rustix::time::{ClockId, clock_gettime};
use tokio::process::Command;
use tokio::task::JoinSet;

type Error = Box<dyn std::error::Error + Send + Sync>;

const WARM_UP: u64 = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("rmcp-client: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<serde_json::Value, Error> {
    let usage = "usage: rmcp-client <calls> <concurrency> -- <server command>";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [calls, concurrency, dashes, program, rest @ ..] = arguments.as_slice() else {
        return Err(usage.into());
    };
    if dashes != "--" {
        return Err(usage.into());
    }
    let (calls, concurrency): (u64, u64) = (calls.parse()?, concurrency.parse()?);
    if calls == 0 || concurrency == 0 {
        return Err("calls and concurrency are at least 1".into());
    }

    let mut command = Command::new(program);
    command.args(rest);
    let service = ().serve(TokioChildProcess::new(command)?).await?;
    let peer = service.peer();

    echo_many(peer, 0..WARM_UP, concurrency).await?;
    let (cpu, started) = (processor_time(), Instant::now());
    let mut took = echo_many(peer, WARM_UP..WARM_UP + calls, concurrency).await?;
    let (elapsed, cpu) = (started.elapsed(), processor_time() - cpu);
    took.sort_unstable();
    service.cancel().await?;

    let count = calls as f64;
    Ok(serde_json::json!({
        "calls_per_s": count / elapsed.as_secs_f64(),
        "cpu_us_per_call": microseconds(cpu) / count,
        "p50_us": microseconds(took[took.len() / 2]),
        "p99_us": microseconds(took[took.len() * 99 / 100]),
    }))
}

/// Calls `echo` once for each number and returns how long each call took.
async fn echo_many(
    peer: &Peer<RoleClient>,
    numbers: std::ops::Range<u64>,
    concurrency: u64,
) -> Result<Vec<Duration>, Error> {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        let (peer, next, end) = (peer.clone(), Arc::clone(&next), numbers.end);
        workers.spawn(async move {
            let mut took = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if end <= number {
                    return Ok::<_, Error>(took);
                }
                let started = Instant::now();
                echo(&peer, number).await?;
                took.push(started.elapsed());
            }
        });
    }
    let mut all = Vec::new();
    while let Some(worker) = workers.join_next().await {
        all.extend(worker??);
    }
    Ok(all)
}

async fn echo(peer: &Peer<RoleClient>, number: u64) -> Result<(), Error> {
    let message = format!("{number:032}");
    let mut arguments = serde_json::Map::new();
    arguments.insert("message".to_owned(), message.clone().into());
    let params = CallToolRequestParams::new("echo").with_arguments(arguments);
    let result = peer.call_tool(params).await?;
    let text = result.content.first().and_then(|block| block.as_text());
    if text.is_some_and(|text| text.text == message) {
        Ok(())
    } else {
        Err(format!("call {number} did not get its message back").into())
    }
}

/// User and system time of this process so far.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let whole = u64::try_from(time.tv_sec).expect("processor time is not negative");
    let nanos = u32::try_from(time.tv_nsec).expect("nanoseconds are below a second");
    Duration::new(whole, nanos)
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
