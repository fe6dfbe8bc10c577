//! The outcome of a handler that needs something from its client first.

use std::collections::BTreeMap;

use mcp_core::types::{InputRequest, InputRequests, InputRequiredResult};
use serde_json::value::RawValue;

use super::key::CallKey;

/// A handler cannot go on before its client has answered.
///
/// [`Ask`](crate::Ask), [`AskUrl`](crate::AskUrl), [`Sample`](crate::Sample) and
/// [`Roots`](crate::Roots) make one; most handlers never see it. A handler that makes one by hand
/// takes [`Answers`](crate::Answers) to find what came back: it is called again, from its first line
/// and with the same arguments, in both eras. A request that the client did not declare a capability
/// for ends the call with an error.
///
/// # Examples
/// ```
/// use mcp_server::types::{InputRequest, ListRootsResult};
/// use mcp_server::{Answers, InputRequired, Result};
///
/// async fn folders(answers: Answers) -> Result<String> {
///     let Some(roots) = answers.get::<ListRootsResult>("folders")? else {
///         let ask = InputRequired::new().with_request("folders", InputRequest::ListRoots);
///         return Err(ask.with_state("asked").into());
///     };
///     Ok(format!("{} folders, {:?}", roots.roots.len(), answers.state()))
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "it asks nothing unless the handler returns it"]
pub struct InputRequired {
    requests: InputRequests,
    state: Option<String>,
    /// The state is no longer the handler's, but what the client gets.
    is_sealed: bool,
    kept: Kept,
}

/// What the library keeps for the next run besides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// Which call it is, if somebody could have asked.
    pub(crate) call: Option<CallKey>,
    /// The results of what this run did once.
    pub(crate) once: BTreeMap<String, Box<RawValue>>,
}

impl InputRequired {
    /// Asks nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for something, under a key that finds the answer; what was asked under it is replaced.
    pub fn with_request(
        mut self,
        key: impl Into<String>,
        request: impl Into<InputRequest>,
    ) -> Self {
        self.requests.insert(key, request);
        self
    }

    /// Wants this back in the next run. It is sealed on its way through the client.
    pub fn with_state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// What is asked, by key, in the order in which it was put.
    pub fn requests(&self) -> &InputRequests {
        &self.requests
    }

    /// What the handler wants back.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Adds what the handler's parameters have asked, before what was asked by hand.
    pub(crate) fn collect(&mut self, mut asked: InputRequests, kept: Kept) {
        for (key, request) in std::mem::take(&mut self.requests) {
            asked.insert(key, request);
        }
        self.requests = asked;
        self.kept = kept;
    }

    /// Replaces what the handler wants back by what the client gets.
    pub(crate) fn with_sealed(self, state: String) -> Self {
        Self { requests: self.requests, state: Some(state), is_sealed: true, kept: Kept::default() }
    }

    /// The result for a modern client; nothing when no state was sealed for it.
    pub(crate) fn into_result(self) -> Option<InputRequiredResult> {
        let mut result = InputRequiredResult::again(self.state.filter(|_| self.is_sealed)?);
        result.input_requests = Some(self.requests).filter(|requests| !requests.is_empty());
        Some(result)
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        let once = |kept: &Self| -> Vec<(String, String)> {
            kept.once.iter().map(|(name, raw)| (name.clone(), raw.get().to_owned())).collect()
        };
        self.call == other.call && once(self) == once(other)
    }
}
