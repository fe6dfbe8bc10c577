//! The client that the comparison uses: `bench-client <n> <concurrency> -- <server command>`.
//!
//! Calls `echo` 500 times to warm up, then `n` times with a message of 32 characters that differs
//! each time and is compared, and prints one line of JSON. Written with the public API only.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mcp_client::{ChildProcess, Client, EraChoice, Error};
use serde::Serialize;
use serde_json::json;

const WARM_UP: usize = 500;

#[derive(Serialize)]
struct Figures {
    calls_per_s: f64,
    cpu_us_per_call: f64,
    p50_us: f64,
    p99_us: f64,
}

struct Plan {
    calls: usize,
    concurrency: usize,
    command: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(plan) = plan() else {
        eprintln!("usage: bench-client <n> <concurrency> -- <server command>");
        return ExitCode::from(2);
    };
    match run(&plan).await {
        Ok(figures) => {
            #[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
            {
                println!(
                    "{}",
                    serde_json::to_string(&figures).expect("figures are finite numbers")
                );
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench-client: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn plan() -> Option<Plan> {
    let mut arguments = std::env::args().skip(1);
    let calls = arguments.next()?.parse().ok()?;
    let concurrency = arguments.next()?.parse().ok().filter(|n| *n > 0)?;
    (arguments.next()? == "--").then_some(())?;
    let command: Vec<String> = arguments.collect();
    (!command.is_empty()).then_some(Plan { calls, concurrency, command })
}

async fn run(plan: &Plan) -> Result<Figures, Error> {
    let server = ChildProcess::new(&plan.command[0]).args(&plan.command[1..]);
    // The era in which every peer can be compared: the messages are the same for all of them.
    let client = Client::builder("bench-client", env!("CARGO_PKG_VERSION"))
        .era(EraChoice::Legacy)
        .connect(server)
        .await?;
    calls(&client, 0, WARM_UP, plan.concurrency).await?;
    let (cpu, start) = (cpu_time(), Instant::now());
    let mut taken = calls(&client, WARM_UP, plan.calls, plan.concurrency).await?;
    let (elapsed, cpu) = (start.elapsed(), cpu_time() - cpu);
    client.shutdown().await;
    taken.sort_unstable();
    let at = |share: f64| {
        let last = taken.len().saturating_sub(1);
        let place = (last as f64 * share) as usize;
        taken.get(place).copied().unwrap_or_default().as_secs_f64() * 1e6
    };
    let n = plan.calls as f64;
    Ok(Figures {
        calls_per_s: n / elapsed.as_secs_f64(),
        cpu_us_per_call: cpu.as_secs_f64() * 1e6 / n,
        p50_us: at(0.5),
        p99_us: at(0.99),
    })
}

/// Calls `echo` with messages `from..from + n`, so many at a time.
async fn calls(
    client: &Client,
    from: usize,
    n: usize,
    concurrency: usize,
) -> Result<Vec<Duration>, Error> {
    let next = AtomicUsize::new(from);
    let worker = async || {
        let mut taken = Vec::with_capacity(n / concurrency + 1);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= from + n {
                return Ok::<_, Error>(taken);
            }
            let message = format!("{number:032}");
            let start = Instant::now();
            let result = client.call_tool("echo", json!({ "message": message })).await?;
            taken.push(start.elapsed());
            let said = result.content.first().and_then(|block| block.as_text());
            if said != Some(&message) {
                return Err(Error::PeerMisbehaved(format!("sent {message}, got {said:?}")));
            }
        }
    };
    let workers = (0..concurrency).map(|_| worker());
    let taken = futures_util::future::try_join_all(workers).await?;
    Ok(taken.into_iter().flatten().collect())
}

/// Own user and system time.
fn cpu_time() -> Duration {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(clock.tv_sec.unsigned_abs(), clock.tv_nsec.unsigned_abs().try_into().unwrap_or(0))
}
