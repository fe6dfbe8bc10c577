//! What is told: numbered steps with what was sent, what came back, and why.
//!
//! For people on standard output, with colours on a terminal; for machines as a line of JSON for
//! each step, and one at the end.

use std::fmt::Display;

use serde_json::{Value, json};

use super::audit::{Audit, Entry};
use crate::viewer::console::{Console, one_line};

/// The telling of a story.
#[derive(Debug)]
pub struct Report {
    console: Console,
    json: bool,
    audit: Audit,
    steps: usize,
    surprises: usize,
}

/// A step that is being told.
#[derive(Debug)]
pub struct Step<'a> {
    report: &'a mut Report,
    title: String,
    must: String,
    lines: Vec<(Kind, String)>,
    surprises: Vec<String>,
    trail: usize,
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sent,
    Back,
    Why,
    Audit,
}

impl Report {
    /// Nothing is told yet.
    pub fn new(json: bool, audit: Audit) -> Self {
        Self { console: Console::find(false, json), json, audit, steps: 0, surprises: 0 }
    }

    /// Says something to people.
    pub fn say(&self, text: &str) {
        self.console.say(text);
    }

    /// A heading, to people.
    pub fn heading(&self, text: &str) {
        self.say(&format!("\n{}\n", self.console.out.cyan(text)));
    }

    /// Begins a step, of which is said what must come of it.
    pub fn step(&mut self, title: &str, must: &str) -> Step<'_> {
        self.steps += 1;
        let number = self.console.out.dim(&format!("{:>2}", self.steps));
        self.say(&format!("\n{number}  {}\n", self.console.out.bold(title)));
        let trail = self.audit.len();
        let (title, must) = (title.to_owned(), must.to_owned());
        let step =
            Step { report: self, title, must, lines: Vec::new(), surprises: Vec::new(), trail };
        step.say("must", &step.must);
        step
    }

    /// How many things went differently.
    pub fn surprises(&self) -> usize {
        self.surprises
    }

    /// Says how it went altogether.
    pub fn conclude(&self, seconds: f64, trail: &str) {
        let Self { steps, surprises, .. } = self;
        if self.json {
            let summary = json!({ "steps": steps, "surprises": surprises, "ok": *surprises == 0, "audit": trail });
            self.console.print(&format!("{summary}\n"));
            return;
        }
        let text = match surprises {
            0 => self
                .console
                .out
                .green(&format!("All {steps} steps went as they must, in {seconds:.1} s.")),
            1 => self.console.out.red("One thing went differently."),
            _ => self.console.out.red(&format!("{surprises} things went differently.")),
        };
        self.say(&format!("\n{text} The audit trail is in {trail}\n"));
    }
}

impl Step<'_> {
    /// What is sent, and by whom.
    pub fn sent(&mut self, what: impl Display) {
        self.tell(Kind::Sent, &what.to_string());
    }

    /// What comes back.
    pub fn back(&mut self, what: impl Display) {
        self.tell(Kind::Back, &what.to_string());
    }

    /// The reason; of several lines, each is told.
    pub fn why(&mut self, why: impl Display) {
        for line in why.to_string().lines() {
            self.tell(Kind::Why, line);
        }
    }

    /// Shows a line of the audit trail.
    pub fn audit(&mut self, entry: &Entry) {
        self.tell(Kind::Audit, &entry.to_string());
    }

    /// Shows the lines of the audit trail since the step began that fit, waiting for the first.
    pub async fn audited(&mut self, fits: impl Fn(&Entry) -> bool + Copy) -> Vec<Entry> {
        let first = self.report.audit.wait_for(self.trail, fits).await;
        self.check(first.is_some(), "the audit trail says nothing of it");
        let entries: Vec<Entry> = self.trail().into_iter().filter(fits).collect();
        for entry in &entries {
            self.audit(entry);
        }
        entries
    }

    /// The audit trail since the step began.
    pub fn trail(&self) -> Vec<Entry> {
        self.report.audit.since(self.trail)
    }

    /// Notes whether something went as it must.
    pub fn check(&mut self, as_it_must: bool, surprise: &str) {
        if !as_it_must {
            self.surprises.push(one_line(surprise));
        }
    }

    /// Ends the step.
    pub fn end(self) {
        let Self { report, title, must, lines, surprises, .. } = self;
        report.surprises += surprises.len();
        if report.json {
            let of = |wanted: Kind| {
                let lines = lines.iter().filter(|(kind, _)| *kind == wanted);
                lines.map(|(_, text)| text.as_str()).collect::<Vec<_>>()
            };
            let audit =
                of(Kind::Audit).into_iter().filter_map(|line| serde_json::from_str(line).ok());
            let step = json!({
                "step": report.steps,
                "title": title,
                "must": must,
                "sent": of(Kind::Sent),
                "back": of(Kind::Back),
                "why": of(Kind::Why),
                "audit": audit.collect::<Vec<Value>>(),
                "ok": surprises.is_empty(),
                "surprises": surprises,
            });
            report.console.print(&format!("{step}\n"));
            return;
        }
        let paint = report.console.out;
        for surprise in &surprises {
            report.say(&format!("    {}\n", paint.red(&format!("✗ not as it must: {surprise}"))));
        }
        if surprises.is_empty() {
            report.say(&format!("    {}\n", paint.green("✓ as it must")));
        }
    }

    fn tell(&mut self, kind: Kind, text: &str) {
        let text = one_line(text);
        let paint = self.report.console.out;
        match kind {
            Kind::Sent => self.say("sent", &text),
            Kind::Back => self.say("back", &text),
            Kind::Why => self.say("why", &paint.bold(&text)),
            Kind::Audit => self.say("audit", &paint.dim(&text)),
        }
        self.lines.push((kind, text));
    }

    fn say(&self, name: &str, text: &str) {
        let name = self.report.console.out.dim(&format!("{name:<6}"));
        self.report.say(&format!("    {name} {text}\n"));
    }
}
