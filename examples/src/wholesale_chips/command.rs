//! The command line of `wholesale-chips`.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::audit::{Audit, Entry};
use super::installation::Installation;
use super::report::Report;
use super::stage::Stage;
use super::{failures, story};

/// Shows a profile that is enforced: what goes well, and each way in which it must not.
///
/// A certificate authority is made on the spot, an authorization server (oidc-provider, from npm) is
/// started beside, SaaSRUS serves its tenant Wholesale Chips with mutual TLS, and a robot of Wholesale
/// Chips works with it, requiring the profile. Nothing is left behind but the audit trail.
#[derive(Debug, Parser)]
#[command(name = "wholesale-chips", version)]
pub struct Arguments {
    /// Writes a line of JSON for each step instead of text
    #[arg(long)]
    json: bool,
    /// Where the audit trail goes [default: wholesale-chips/audit.jsonl in the target folder]
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

/// Tells the story; succeeds only if everything went as it must.
pub async fn run(arguments: Arguments) -> ExitCode {
    let told = tokio::select! {
        told = tell(arguments) => told,
        // What was started ends with the future that started it.
        () = interrupted() => {
            eprintln!("wholesale-chips: interrupted");
            return ExitCode::from(130);
        }
    };
    match told {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("wholesale-chips: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn tell(Arguments { json, audit: trail }: Arguments) -> Result<usize, Box<dyn Error>> {
    let installation = Installation::find(|text| eprintln!("{text}")).await?;
    let trail = match trail {
        Some(trail) => trail,
        None => installation.folder.join("audit.jsonl"),
    };
    let audit = Audit::create(&trail)
        .map_err(|error| format!("cannot write the audit trail {}: {error}", trail.display()))?;
    // Only decisions, whatever the environment says: they are the audit trail.
    Registry::default().with(audit.clone()).try_init()?;

    let begun = Instant::now();
    let stage = Stage::start(&installation, &audit).await?;
    let mut report = Report::new(json, audit.clone());
    report.say(&stage.introduction());
    let told = async {
        story::good_path(&stage, &mut report).await?;
        failures::all(&stage, &mut report).await
    };
    let told = told.await;
    let stopped = stage.stop().await;
    told?;
    end(&mut report, &audit, stopped);
    report.conclude(begun.elapsed().as_secs_f64(), &trail.display().to_string());
    Ok(report.surprises())
}

fn end(report: &mut Report, audit: &Audit, stopped: Result<(), Box<dyn Error>>) {
    report.heading("Afterwards");
    let mut step = report.step(
        "Everything is ended",
        "the servers and the authorization server are gone, and the audit trail holds no secret",
    );
    if let Err(error) = stopped {
        step.check(false, &error.to_string());
    }
    let entries = audit.since(0);
    let secret = |entry: &Entry| {
        let line = entry.to_string();
        // What a token, and what a key in PEM form begins with.
        line.contains("eyJ") || line.contains("PRIVATE KEY")
    };
    step.check(!entries.iter().any(secret), "there is a secret in the audit trail");
    step.why(format!("{} lines, by all parts", entries.len()));
    step.end();
}

/// Somebody wants the end: from the keyboard, or with a signal.
async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
