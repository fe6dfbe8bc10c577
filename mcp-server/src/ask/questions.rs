//! What one run of a handler asks, and what it knows already.
//!
//! Owns the questions put before the handler leaves, and the results of what it did once. The
//! handler's parameters share it, and its caller reads it when the handler left.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use mcp_core::types::{InputRequest, InputRequests};
use serde_json::value::RawValue;

use super::input_required::Kept;
use super::key::CallKey;
use super::rounds::{Answer, Earlier};

/// The questions of one run.
#[derive(Debug)]
pub(crate) struct Questions {
    earlier: Option<Arc<Earlier>>,
    call: OnceLock<CallKey>,
    run: Mutex<Run>,
}

#[derive(Debug, Default)]
struct Run {
    asked: InputRequests,
    once: BTreeMap<String, Box<RawValue>>,
}

impl Questions {
    /// None yet, for a call that knows this from earlier rounds.
    pub(crate) fn new(earlier: Option<Arc<Earlier>>) -> Self {
        Self { earlier, call: OnceLock::new(), run: Mutex::default() }
    }

    /// What is known from earlier rounds.
    pub(crate) fn earlier(&self) -> Option<&Earlier> {
        self.earlier.as_deref()
    }

    /// Which call it is; the name is made when somebody first asks for it.
    pub(crate) fn call(&self) -> CallKey {
        match &self.earlier {
            Some(earlier) => earlier.call,
            None => *self.call.get_or_init(CallKey::random),
        }
    }

    /// The answer that an earlier round brought; without one the question is put, once.
    pub(crate) fn put(
        &self,
        key: String,
        request: impl FnOnce() -> InputRequest,
    ) -> Option<&Answer> {
        let answer = self.earlier().and_then(|earlier| earlier.find(&key));
        if answer.is_none() {
            let mut run = self.run();
            if run.asked.get(&key).is_none() {
                run.asked.insert(key, request());
            }
        }
        answer
    }

    /// The result of what was done under this name, in this run or an earlier one.
    pub(crate) fn done(&self, name: &str) -> Option<Box<RawValue>> {
        let known = self.earlier().and_then(|earlier| earlier.once.get(name)).cloned();
        known.or_else(|| self.run().once.get(name).cloned())
    }

    /// Remembers the result of what was done.
    pub(crate) fn remember(&self, name: &str, result: Box<RawValue>) {
        self.run().once.insert(name.to_owned(), result);
    }

    /// Takes the questions out, with what is kept for the next run.
    pub(crate) fn leave(&self) -> (InputRequests, Kept) {
        let Run { asked, once } = std::mem::take(&mut *self.run());
        (asked, Kept { call: Some(self.call()), once })
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        // Whoever panics under the lock has changed nothing yet, or has finished.
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
