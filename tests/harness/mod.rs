//! Both halves of the core without any I/O: on virtual time, with everything that was said written
//! down.
//!
//! [`server::ServerRig`] and [`client::ClientRig`] each drive one half the way a driver has to
//! and log what it did; [`pair::Pair`] puts two queues of frames between them. What a server
//! declares and a client wants is said in [`world`], with an opinion of its own about which
//! profiles may be in force, so that a test never asks the core whether the core is right.

pub(crate) mod client;
pub(crate) mod dice;
pub(crate) mod pair;
pub(crate) mod server;
pub(crate) mod world;

use std::time::{Duration, Instant};

use serde_json::Value;

/// Time that passes only when a test says so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    passed: Duration,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), passed: Duration::ZERO }
    }

    pub(crate) fn now(&self) -> Instant {
        self.start + self.passed
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.passed += by;
    }

    /// Goes on to a moment; one that is past already changes nothing.
    pub(crate) fn advance_to(&mut self, moment: Instant) {
        self.passed = self.passed.max(moment.saturating_duration_since(self.start));
    }
}

/// The messages of a frame, a batch taken apart; empty for what is no JSON.
pub(crate) fn messages(frame: &[u8]) -> Vec<Value> {
    match serde_json::from_slice(frame) {
        Ok(Value::Array(messages)) => messages,
        Ok(message) => vec![message],
        Err(_) => Vec::new(),
    }
}

/// The frame as a test shows it.
pub(crate) fn shown(frame: &[u8]) -> String {
    String::from_utf8_lossy(frame).into_owned()
}

/// The strings of a JSON array of strings, `None` for everything else.
pub(crate) fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|entry| entry.as_str().map(str::to_owned)).collect()
}
