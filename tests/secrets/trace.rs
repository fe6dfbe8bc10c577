//! Everything that anybody logs, of our crates and of those that they use.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// What was logged so far, by all tests of this program.
pub(crate) fn logged() -> String {
    String::from_utf8_lossy(&written()).into_owned()
}

/// Adds what would be logged by a program that shows a value.
pub(crate) fn show(value: impl Display) {
    begin();
    writeln!(Sink, "{value}").unwrap();
}

/// Begins to keep what is logged.
pub(crate) fn begin() {
    LazyLock::force(&BEGUN);
}

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());

static BEGUN: LazyLock<()> = LazyLock::new(|| {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(|| Sink)
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log::set_logger(&Sink).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
});

fn written() -> MutexGuard<'static, Vec<u8>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        written().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl log::Log for Sink {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}: {}\n", record.level(), record.target(), record.args());
        written().extend_from_slice(line.as_bytes());
    }

    fn flush(&self) {}
}
