//! `mcp check`: what a server does wrong.
//!
//! ```text
//! legacy, modern ──▶ wire_rules, tools, items ──▶ wire (messages) ──▶ pipe, exchange (HTTP)
//!        └───────────────┴─ findings ──▶ ledger ◀── incidents ─┴───────────┘
//!                                          ▲
//! http_rules (requests that no client makes)
//! ```
//!
//! The probes speak raw messages: what the client crate would never send is sent here, and what
//! it would pass over is noticed. Tools are called only if they say that they change nothing.

mod content;
mod exchange;
mod http_rules;
mod items;
mod ledger;
mod legacy;
mod lists;
mod modern;
mod pipe;
mod rule;
mod schema;
mod tools;
mod wire;
mod wire_rules;

use mcp_client::Error;
use serde_json::{Value, json};

use crate::cli::EraName;
use crate::failure::{Failure, PROTOCOL};
use crate::output::paint::Ink;
use crate::output::{Console, count, plain};
use crate::report::Report;
use crate::session::Plan;
use crate::target::Place;
use ledger::Ledger;
use rule::Severity;
use wire::{Answer, Lab, Refusal};

/// What a server says it is.
#[derive(Debug, Default)]
pub(crate) struct Subject {
    name: Option<String>,
    software: Option<String>,
    version: Option<String>,
    /// What it says that it speaks, if it does.
    versions: Vec<String>,
    /// The profiles that it says it supports, as it says it.
    declared: Option<Value>,
}

impl Subject {
    fn read(info: Option<&Value>, version: Option<&str>) -> Self {
        let text = |name: &str| Some(info?.get(name)?.as_str()?.to_owned());
        let version = version.map(str::to_owned);
        let (name, software) = (text("name"), text("version"));
        Self { name, software, version, ..Self::default() }
    }

    fn is_named(&self) -> bool {
        self.name.is_some() && self.software.is_some()
    }

    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

/// Runs every probe.
pub(crate) async fn run(plan: Plan<'_>, calls: bool) -> Result<Report, Failure> {
    let timeout = plan.timeout();
    let Plan { options, console, printer, target, .. } = plan;
    if options.authorize.is_some() {
        return Err(Failure::Usage(
            "--authorize: `check` sends requests of its own, which carry no such token; give it one \
             with --bearer-token-env"
                .to_owned(),
        ));
    }
    let trace = options.verbose.then_some((console.err, printer));
    let lab = Lab { server: target.server, timeout, trace };
    let mut ledger = Ledger::default();
    let modern = match options.era {
        EraName::Legacy => None,
        _ => Some(modern::check(&lab, &mut ledger, calls).await?),
    };
    let legacy = match options.era {
        EraName::Modern => None,
        _ => Some(legacy::check(&lab, &mut ledger, calls).await?),
    };
    let found = [&modern, &legacy].map(|era| era.as_ref().and_then(|found| found.as_ref().ok()));
    if found.iter().all(Option::is_none) {
        let answer = legacy.or(modern).and_then(Result::err);
        return Err(nothing(answer.as_ref()));
    }
    if let (Some(_), Some(Err(answer))) = (found[0], &legacy) {
        modern_only(&mut ledger, answer);
    }
    if let Place::Url(http) = &lab.server {
        http_rules::check(http, lab.timeout, &mut ledger, found).await;
    }
    match console.json {
        true => in_json(&ledger, found),
        false => Ok(in_text(&ledger, found, &console)),
    }
}

/// No era works: that is no finding, but a connection that did not come about.
fn nothing(answer: Option<&Answer>) -> Failure {
    let what = answer.map(Answer::describe).unwrap_or_default();
    Failure::Library(match answer {
        Some(Answer::Silence(_)) => Error::Closed(format!("the server does not speak: {what}")),
        Some(Answer::Gone(_) | Answer::Refused(Refusal::Broken(_))) => Error::Closed(what),
        Some(Answer::Refused(Refusal::Status(401 | 403 | 500.., _))) => {
            Error::Closed(format!("the server lets nobody in: {what}"))
        }
        _ => Error::PeerIncompatible(format!("the first request got {what}")),
    })
}

/// A server without legacy versions should tell legacy clients so.
fn modern_only(ledger: &mut Ledger, answer: &Answer) {
    let Answer::Error { message, data, .. } = answer else {
        return ledger.fail(&rule::MODERN_ONLY, answer.describe());
    };
    let named = message.contains("2026-") || data.to_string().contains("2026-");
    ledger.hold(&rule::MODERN_ONLY, named, || answer.describe());
}

fn in_json(ledger: &Ledger, found: [Option<&Subject>; 2]) -> Result<Report, Failure> {
    let subject = found.into_iter().flatten().next();
    let version = |subject: Option<&Subject>| subject.and_then(Subject::version).map(str::to_owned);
    let findings = ledger.findings();
    let document = json!({
        "server": {
            "name": subject.and_then(|one| one.name.as_deref()),
            "version": subject.and_then(|one| one.software.as_deref()),
        },
        "modern": version(found[0]),
        "legacy": version(found[1]),
        "findings": findings.iter().map(|finding| json!({
            "rule": finding.rule.id,
            "severity": finding.rule.severity,
            "says": finding.rule.says,
            "detail": finding.detail,
            "versions": finding.versions,
            "page": finding.rule.page(finding.versions.last().copied().unwrap_or_default()),
        })).collect::<Vec<_>>(),
        "leftOut": ledger.left_out(),
        "kept": ledger.kept(),
    });
    Ok(Report { status: status(ledger), ..Report::json(&document)? })
}

fn in_text(ledger: &Ledger, found: [Option<&Subject>; 2], console: &Console) -> Report {
    let paint = console.out;
    let subject = found.into_iter().flatten().next();
    let name = |subject: &Subject| {
        let parts = [subject.name.as_deref(), subject.software.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let name = subject.map(name).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "a server without a name".to_owned());
    let versions: Vec<_> = found.into_iter().flatten().filter_map(Subject::version).collect();
    let mut text = format!(
        "{} · MCP {}\n",
        paint.paint(Ink::Bold, &plain::one_line(&name)),
        plain::one_line(&versions.join(" and "))
    );
    for finding in ledger.findings() {
        let (word, ink) = match finding.rule.severity {
            Severity::Error => ("error", Ink::Bad),
            Severity::Warning => ("warning", Ink::Warning),
            Severity::Note => ("note", Ink::Name),
        };
        let version = finding.versions.last().copied().unwrap_or_default();
        text.push_str(&format!(
            "\n{}: {}\n  {}\n  {}\n",
            paint.paint(ink, &format!("{word}[{}]", finding.rule.id)),
            finding.rule.says,
            plain::one_line(finding.detail),
            paint.paint(
                Ink::Dim,
                &format!("MCP {} · {}", finding.versions.join(", "), finding.rule.page(version))
            ),
        ));
    }
    let of = |severity, one, many| count(ledger.count(severity), one, many);
    let mut sums = vec![
        of(Severity::Error, "error", "errors"),
        of(Severity::Warning, "warning", "warnings"),
        of(Severity::Note, "note", "notes"),
        count(ledger.kept().len(), "rule kept", "rules kept"),
    ];
    if ledger.left_out() > 0 {
        sums.push(format!("{} more findings left out", ledger.left_out()));
    }
    text.push_str(&format!("\n{}\n", sums.join(" · ")));
    Report { status: status(ledger), ..Report::text(text) }
}

/// Warnings are advice, errors break something.
fn status(ledger: &Ledger) -> u8 {
    if ledger.count(Severity::Error) > 0 { PROTOCOL } else { 0 }
}
