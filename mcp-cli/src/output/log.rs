//! What the library and the server report aside from results, for `--verbose`.

use std::fmt::{self, Write as _};

use mcp_client::transport::child_process::STDERR_TARGET;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::paint::{Ink, Paint};
use super::plain;
use super::printer::Printer;

/// Prints from now on what is reported.
pub(crate) fn install(paint: Paint, printer: Printer) {
    let targets = Targets::new().with_target("mcp", Level::DEBUG);
    let lines = Lines { paint, printer }.with_filter(targets);
    // Somebody else may have been first: then they print.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

struct Lines {
    paint: Paint,
    printer: Printer,
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut text = Text::default();
        event.record(&mut text);
        let ink = match *metadata.level() {
            Level::ERROR => Ink::Bad,
            Level::WARN => Ink::Warning,
            _ => Ink::Dim,
        };
        let line = match metadata.target() == STDERR_TARGET {
            true => text.message,
            false => format!("{}{}", text.message, text.fields),
        };
        let mark = self.paint.paint(ink, "!");
        self.printer.trace(format!("{mark} {}\n", plain::one_line(line.trim_end())));
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            name if !value.is_empty() => {
                let _ = write!(self.fields, " {name}={value}");
            }
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
