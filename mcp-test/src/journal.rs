//! What the server logged as an error, kept for the test.
//!
//! A handler that panics, or fails with an error that is nobody's business, is answered with
//! "internal error"; what it really was stands in the server's log only. Here the log of one server
//! is overheard by a subscriber in front of the test's own, which goes on to hear everything.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::dispatcher::{self, Dispatch};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, NoSubscriber, Subscriber};
use tracing::{Event, Level, Metadata};

/// The errors that one server logged, oldest first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    /// What was logged until now, at most the first 1,000.
    pub(crate) fn entries(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The panics among them.
    pub(crate) fn panics(&self) -> Vec<String> {
        self.entries().into_iter().filter(|entry| entry.contains("panicked")).collect()
    }

    /// A subscriber that overhears, for whatever runs under it.
    ///
    /// Where nothing else listens, errors go to stderr, which test runners show of failed tests.
    pub(crate) fn tap(&self) -> Dispatch {
        let below = dispatcher::get_default(Dispatch::clone);
        let alone = below.is::<NoSubscriber>();
        Dispatch::new(Tap { below, alone, journal: self.clone() })
    }

    fn note(&self, entry: String) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() < MOST {
            entries.push(entry);
        }
    }
}

struct Tap {
    below: Dispatch,
    alone: bool,
    journal: Journal,
}

impl Subscriber for Tap {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // What is below may change its mind.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        concerns(metadata) || self.below.enabled(metadata)
    }

    fn event(&self, event: &Event<'_>) {
        if concerns(event.metadata()) {
            let mut text = Text::default();
            event.record(&mut text);
            let entry = format!("{}{}", text.message, text.fields);
            if self.alone {
                eprintln!("server: {entry}");
            }
            self.journal.note(entry);
        }
        if self.below.enabled(event.metadata()) {
            self.below.event(event);
        }
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.below.new_span(span)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.below.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.below.record_follows_from(span, follows);
    }

    fn enter(&self, span: &Id) {
        self.below.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.below.exit(span);
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.below.clone_span(span)
    }

    fn try_close(&self, span: Id) -> bool {
        self.below.try_close(span)
    }
}

/// Whether it is an error of the library's server.
fn concerns(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    *metadata.level() == Level::ERROR
        && metadata.is_event()
        && (target.starts_with("mcp::") || target.starts_with("mcp_server"))
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, ", {name}: {value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.fields, ", {}: {value}", field.name());
    }
}

/// How many entries are kept.
const MOST: usize = 1_000;
