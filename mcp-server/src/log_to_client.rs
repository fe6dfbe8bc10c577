//! From `tracing` to the client: events that happen while a handler is polled are log messages
//! about its call.
//!
//! Owns which call is being polled on a thread, and how an event is written. Whether and how a
//! message is sent is decided where [`CallContext::log`](crate::CallContext::log) is served too.
//! Spec: 2026-07-28, server/utilities/logging.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use mcp_core::CallId;
use mcp_core::types::LoggingLevel;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::to_raw_value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer;

use crate::call::CallParts;
use crate::connection::{Connection, FromHandler, Json};
use crate::outcome::Outcome;

/// A layer for `tracing` subscribers that sends what handlers log to the clients that call them.
///
/// An event that happens while a handler is polled is sent to the client of its call, if that client
/// wants messages of its level, just as [`CallContext::log`](crate::CallContext::log) sends what it
/// is given: the server has to declare [`logging`](crate::Builder::logging), and what comes while
/// too much waits is dropped. `TRACE` and `DEBUG` are sent as `debug`, `INFO` as `info`, `WARN` as
/// `warning`, `ERROR` as `error`; the event's target is the logger, and its message and fields are
/// the data, a JSON object.
///
/// Not sent are events of tasks and threads that the handler starts, and of layers around it; the
/// fields of spans; events of this library itself (targets `mcp::…`); and what is logged while an
/// event is written. Of one event at most 16 KiB are sent.
///
/// Everything that a handler causes to be logged on its thread goes to whoever calls, events of
/// other crates too: say with a filter which targets are fit for that. Feature `tracing-subscriber`.
///
/// # Examples
///
/// ```
/// use mcp_server::{LogToClient, Server, Tool};
/// use tracing_subscriber::filter::{LevelFilter, Targets};
/// use tracing_subscriber::prelude::*;
///
/// let ours = Targets::new().with_target("vidsrus", LevelFilter::INFO);
/// tracing_subscriber::registry().with(LogToClient::new().with_filter(ours)).init();
///
/// let search = Tool::new("search").params(["text"]).handler(async |text: String| {
///     tracing::info!(target: "vidsrus::search", text, "searching");
///     "nothing found"
/// });
/// let server = Server::builder("vidsrus", "1.0").logging().tool(search).build()?;
/// # Ok::<(), mcp_server::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct LogToClient(());

impl LogToClient {
    /// The layer.
    pub fn new() -> Self {
        Self(())
    }
}

impl<S: Subscriber> layer::Layer<S> for LogToClient {
    fn on_layer(&mut self, _: &mut S) {
        INSTALLED.store(true, Ordering::Release);
    }

    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let metadata = event.metadata();
        if metadata.target().starts_with(OWN) {
            return;
        }
        // Nobody is polled while the event is written: what writing it logs is not sent.
        let Some(taken) = Taken::new() else { return };
        let level = level(*metadata.level());
        if level < taken.listener.level || taken.listener.connection.is_full() {
            return;
        }
        let mut data = Data { fields: Vec::new(), left: MOST };
        event.record(&mut data);
        let Ok(data) = to_raw_value(&data) else { return };
        let (call, logger) = (taken.listener.call, Some(Cow::Borrowed(metadata.target())));
        let message = FromHandler::Log { call, level, logger, data: Json(data) };
        taken.listener.connection.push_lasting(message);
    }
}

/// Who hears of what is logged for a call.
#[derive(Clone)]
pub(crate) struct Listener {
    call: CallId,
    level: LoggingLevel,
    connection: Arc<Connection>,
}

impl Listener {
    /// Whoever makes a call, if it wants log messages and the layer is installed.
    pub(crate) fn of(parts: &CallParts<'_>) -> Option<Self> {
        let level = parts.log_level?;
        INSTALLED.load(Ordering::Acquire).then(|| Self {
            call: parts.id,
            level,
            connection: Arc::clone(parts.connection),
        })
    }

    /// Starts a handler, and listens whenever it is polled.
    pub(crate) fn around(
        self,
        start: impl FnOnce() -> BoxFuture<'static, Outcome>,
    ) -> BoxFuture<'static, Outcome> {
        let polled = Polled::new(&self);
        let future = start();
        drop(polled);
        Box::pin(Overheard { listener: self, future })
    }
}

/// A handler whose events are heard.
struct Overheard {
    listener: Listener,
    future: BoxFuture<'static, Outcome>,
}

impl Future for Overheard {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let _polled = Polled::new(&self.listener);
        self.future.as_mut().poll(cx)
    }
}

/// Notes who is polled, and puts back who was before, also when the handler panics.
struct Polled(Option<Listener>);

impl Polled {
    fn new(listener: &Listener) -> Self {
        Self(POLLED.replace(Some(listener.clone())))
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        POLLED.set(self.0.take());
    }
}

/// The one who is polled, until it is dropped.
struct Taken {
    listener: Listener,
}

impl Taken {
    fn new() -> Option<Self> {
        // An event may come while the thread ends.
        let listener = POLLED.try_with(Cell::take).ok()??;
        Some(Self { listener })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        POLLED.set(Some(self.listener.clone()));
    }
}

fn level(level: Level) -> LoggingLevel {
    match level {
        Level::ERROR => LoggingLevel::Error,
        Level::WARN => LoggingLevel::Warning,
        Level::INFO => LoggingLevel::Info,
        _ => LoggingLevel::Debug,
    }
}

/// Message and fields of an event, as far as there is room.
struct Data {
    fields: Vec<(&'static str, Value)>,
    left: usize,
}

impl Data {
    /// Whether there is room for another field, by its name.
    fn has_room(&mut self, field: &Field) -> bool {
        let name = field.name();
        let is_new = self.fields.iter().all(|(before, _)| *before != name);
        match self.left.checked_sub(name.len()) {
            Some(left) if is_new => {
                self.left = left;
                true
            }
            _ => false,
        }
    }

    fn push(&mut self, field: &Field, value: impl Into<Value>) {
        if self.has_room(field) {
            self.fields.push((field.name(), value.into()));
        }
    }

    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if !self.has_room(field) {
            return;
        }
        let mut text = Bounded { text: String::new(), left: self.left };
        // What there is no room for is left out.
        let _ = text.write_fmt(value);
        self.left = text.left;
        self.fields.push((field.name(), text.text.into()));
    }
}

impl Visit for Data {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.write(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.push(field, value);
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.fields.iter().map(|(name, value)| (name, value)))
    }
}

/// Text up to a length.
struct Bounded {
    text: String,
    left: usize,
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let fits = part.floor_char_boundary(self.left);
        self.text.push_str(&part[..fits]);
        if fits < part.len() {
            self.text.push('…');
            self.left = 0;
            return Err(fmt::Error);
        }
        self.left -= fits;
        Ok(())
    }
}

thread_local! {
    static POLLED: Cell<Option<Listener>> = const { Cell::new(None) };
}

/// Whether the layer was ever made part of a subscriber.
static INSTALLED: AtomicBool = AtomicBool::new(false);
/// What the targets of this library begin with.
const OWN: &str = "mcp::";
/// How many bytes of an event are sent, before they are escaped.
const MOST: usize = 16 * 1024;
