//! The audit trail: what every part decided, as lines of JSON in one file.
//!
//! Four parts write it: the authorization server (each request), TLS (each connection that is not
//! made), the server (its access log, and what its layers and the library log about decisions) and
//! the client. None of them logs tokens or keys.

use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// The trail; cloning gives another handle to it.
#[derive(Debug, Clone)]
pub struct Audit(Arc<Trail>);

#[derive(Debug)]
struct Trail {
    written: Mutex<Written>,
    news: Notify,
}

#[derive(Debug)]
struct Written {
    file: File,
    entries: Vec<Entry>,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// Who says so.
    pub source: String,
    /// What.
    #[serde(flatten)]
    pub facts: Map<String, Value>,
}

impl Audit {
    /// A trail in this file, which is made anew.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        let written = Mutex::new(Written { file, entries: Vec::new() });
        Ok(Self(Arc::new(Trail { written, news: Notify::new() })))
    }

    /// Writes a line at once. There is nobody to tell if that fails.
    pub fn note(&self, source: &str, facts: Map<String, Value>) {
        let time =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let time = u64::try_from(time).unwrap_or(u64::MAX);
        let entry = Entry { time, source: source.to_owned(), facts };
        let mut written = self.lock();
        if let Ok(mut line) = serde_json::to_vec(&entry) {
            line.push(b'\n');
            let _ = written.file.write_all(&line);
        }
        written.entries.push(entry);
        drop(written);
        self.0.news.notify_waiters();
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lines after the first `from`.
    pub fn since(&self, from: usize) -> Vec<Entry> {
        self.lock().entries.get(from..).unwrap_or_default().to_vec()
    }

    /// The first line after `from` that fits, waiting for it: some lines come from another process.
    pub async fn wait_for(&self, from: usize, fits: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let found = async {
            loop {
                let news = self.0.news.notified();
                if let Some(entry) = self.since(from).into_iter().find(&fits) {
                    return entry;
                }
                news.await;
            }
        };
        timeout(PATIENCE, found).await.ok()
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.0.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// A fact, if it is a text.
    pub fn text(&self, name: &str) -> &str {
        self.facts.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// One line, as it stands in the file.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// Takes what is logged about decisions into the trail.
impl<S: Subscriber> Layer<S> for Audit {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let by_client =
            event.metadata().module_path().is_some_and(|path| path.starts_with("mcp_client"));
        let source = match event.metadata().target() {
            "mcp::profiles" | "mcp::auth" if by_client => "client",
            // What the layer in front of the server decides, and what the library does behind it.
            "mcp::authorization" => "authorization",
            "mcp::profiles" => "profiles",
            _ => return,
        };
        let mut facts = Facts(Map::new());
        event.record(&mut facts);
        self.note(source, facts.0);
    }
}

/// The fields of an event.
struct Facts(Map<String, Value>);

impl Facts {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Facts {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }
}

const PATIENCE: Duration = Duration::from_secs(5);
