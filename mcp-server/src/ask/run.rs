//! Running a handler that may ask, until it does not ask any more.
//!
//! Owns both ways of asking. A modern client gets the questions as a result, with all that the call
//! knows sealed into its state, and calls again; a legacy client gets real requests while the call
//! waits. Either way the handler is called again from its first line, and cannot tell the eras apart.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use mcp_core::Negotiated;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::types::{ElicitRequestParams, InputRequest};
use mcp_core::version::Era;
use mcp_core::wire::legacy;
use serde_json::value::{RawValue, to_raw_value};

use super::input_required::InputRequired;
use super::key::CallKey;
use super::question::{self, Question};
use super::rounds::{Answer, Earlier};
use super::seal::{Binding, StateId, StateKeys, Unsealable};
use super::used::UsedStates;
use crate::item::{Item, OwnedCall};
use crate::outcome::Outcome;
use crate::server::limits::Admission;

/// Seals what calls know, and opens it.
pub(crate) struct Sealer {
    pub(crate) keys: StateKeys,
    /// How long a state is good for.
    pub(crate) ttl: Duration,
    pub(crate) used: Arc<dyn UsedStates>,
}

/// A call of a handler that may ask.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) item: Item,
    pub(crate) call: OwnedCall,
    /// The digest of what is called.
    pub(crate) request: [u8; 32],
    /// What an earlier call left off with, if this one goes on.
    pub(crate) continued: Option<Continued>,
    pub(crate) admission: Admission,
    pub(crate) sealer: Arc<Sealer>,
}

/// What came back from an earlier call.
#[derive(Debug)]
pub(crate) struct Continued {
    pub(crate) earlier: Arc<Earlier>,
    /// The state that must not be good for another call, and when it expires.
    pub(crate) used_up: Option<(StateId, SystemTime)>,
}

impl Continued {
    /// What a modern client answers without having been asked: the `inputResponses` of a request
    /// that has no `requestState`.
    pub(crate) fn unasked(
        negotiated: &Negotiated,
        responses: &RawValue,
    ) -> Result<Self, ErrorObject> {
        let mut earlier = Earlier::new(CallKey::random(), negotiated.profiles());
        earlier.answer_unasked(responses).map_err(|problem| unreadable(&problem))?;
        Ok(Self { earlier: Arc::new(earlier), used_up: None })
    }
}

/// Why a state is not accepted. For the log; the client hears only that it is not.
#[derive(Debug, thiserror::Error)]
enum Unaccepted {
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
    #[error("its payload cannot be read: {0}")]
    Unreadable(serde_json::Error),
    #[error("it was used before")]
    Used,
}

impl Sealer {
    /// Opens the state of a request, and adds the answers that came with it.
    ///
    /// Whether the profiles of the call are still in force is for the caller to find out.
    pub(crate) fn open(
        &self,
        negotiated: &Negotiated,
        request: &[u8; 32],
        state: &str,
        responses: Option<&RawValue>,
        now: SystemTime,
    ) -> Result<Continued, ErrorObject> {
        let read = || -> Result<_, Unaccepted> {
            let opened = self.keys.open(&binding(negotiated, request), now, state)?;
            let earlier =
                serde_json::from_slice(&opened.payload).map_err(Unaccepted::Unreadable)?;
            Ok((opened, earlier))
        };
        let (opened, mut earlier): (_, Earlier) =
            read().map_err(|why| refused(&why, negotiated))?;
        if let Some(responses) = responses {
            earlier.answer_all(responses).map_err(|problem| unreadable(&problem))?;
        }
        let used_up = Some((opened.id, opened.expires));
        Ok(Continued { earlier: Arc::new(earlier), used_up })
    }

    fn seal(
        &self,
        negotiated: &Negotiated,
        request: &[u8; 32],
        earlier: &Earlier,
        now: SystemTime,
    ) -> Result<String, ErrorObject> {
        // A time beyond all times is as good as none.
        let expires = now.checked_add(self.ttl).unwrap_or_else(|| now + FOREVER);
        let payload = serde_json::to_vec(earlier).map_err(|error| unsealable(&error))?;
        let sealed = self.keys.seal(&binding(negotiated, request), expires, &payload);
        sealed
            .ok_or_else(|| unsealable(&"answers and results of one call are too long for a state"))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Asking {
    /// Runs the handler as often as it takes.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the handler, and nobody waits for the client any more.
    pub(crate) async fn run(mut self) -> Outcome {
        match self.call.negotiated.era() {
            Era::Modern => self.run_modern().await,
            Era::Legacy => self.run_legacy().await,
        }
        .unwrap_or_else(|ended| ended)
    }

    /// One run, after which it may run again; an error when the handler does not ask, but ends.
    pub(crate) async fn part(mut self) -> (Self, Result<InputRequired, Outcome>) {
        let left = self.enter().await;
        (self, left)
    }

    /// One run; the client calls again with the answers.
    async fn run_modern(&mut self) -> Result<Outcome, Outcome> {
        let left = self.enter().await?;
        Ok(self.leave(left))
    }

    /// Goes on where an earlier call left off, if there was one.
    async fn enter(&mut self) -> Result<InputRequired, Outcome> {
        if let Some(continued) = self.continued.take() {
            if let Some((state, expires)) = continued.used_up {
                self.use_up(state, expires).await?;
            }
            self.call.earlier = Some(continued.earlier);
        }
        self.run_once().await
    }

    /// Seals what the next call has to know.
    pub(crate) fn leave(&self, left: InputRequired) -> Outcome {
        self.sealed(left).unwrap_or_else(Outcome::Error)
    }

    fn sealed(&self, left: InputRequired) -> Result<Outcome, ErrorObject> {
        let next = self.next(&left)?;
        let negotiated = &self.call.negotiated;
        let state = self.sealer.seal(negotiated, &self.request, &next, SystemTime::now())?;
        Ok(left.with_sealed(state).into())
    }

    /// Runs until nothing is asked any more; the client answers meanwhile.
    async fn run_legacy(&mut self) -> Result<Outcome, Outcome> {
        loop {
            let left = self.run_once().await?;
            let mut next = self.next(&left)?;
            let this = &*self;
            let asked =
                left.requests().iter().map(async |(key, request)| (key, this.ask(request).await));
            for (key, answer) in join_all(asked).await {
                next.answer(key, answer?);
            }
            self.call.earlier = Some(Arc::new(next));
        }
    }

    /// Calls the handler from its first line; an error when it does not ask, but ends.
    async fn run_once(&mut self) -> Result<InputRequired, Outcome> {
        let handler = self.item.call(self.call.parts());
        match self.admission.run_part(handler).await {
            Ok(Outcome::InputRequired(left)) => Ok(left),
            Ok(outcome) => Err(self.admission.finish(outcome)),
            Err(exceeded) => Err(exceeded.into()),
        }
    }

    /// What the next run knows, if there may be one.
    pub(crate) fn next(&self, left: &InputRequired) -> Result<Earlier, ErrorObject> {
        let negotiated = &self.call.negotiated;
        let mut questions = Vec::new();
        for (_, request) in left.requests().iter() {
            let question = Question::of(request).ok_or_else(|| {
                ErrorObject::internal("the server asks for something that no client knows")
            })?;
            questions.push(question);
        }
        question::check(questions, negotiated)?;
        let earlier = self.call.earlier.as_deref();
        Earlier::after(earlier, left, negotiated.profiles()).map_err(|error| {
            tracing::error!(target: "mcp::server", item = %self.item.name, "{error}");
            ErrorObject::internal(error.to_string())
        })
    }

    async fn use_up(&self, state: StateId, expires: SystemTime) -> Result<(), ErrorObject> {
        match self.sealer.used.use_up(state, expires).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(refused(&Unaccepted::Used, &self.call.negotiated)),
            Err(error) => {
                tracing::error!(target: "mcp::server", %error, "the store of used states failed");
                Err(ErrorObject::internal("internal error"))
            }
        }
    }

    /// Sends a request to a legacy client.
    async fn ask(&self, request: &InputRequest) -> Result<Answer, ErrorObject> {
        let call = &self.call;
        let written = match request {
            InputRequest::Elicit(ElicitRequestParams::Form(form)) => {
                let adapted = legacy::adapt_form(form, call.negotiated.version());
                let form = adapted.as_ref().unwrap_or(form);
                ("elicitation/create", Some(to_raw_value(form)))
            }
            InputRequest::Elicit(params) => ("elicitation/create", Some(to_raw_value(params))),
            InputRequest::CreateMessage(params) => {
                ("sampling/createMessage", Some(to_raw_value(params)))
            }
            _ => ("roots/list", None),
        };
        let (method, params) = (written.0, written.1.transpose());
        let params = params.map_err(|error| ErrorObject::internal(error.to_string()))?;
        Ok(match call.connection.ask(call.id, method, params).await {
            Ok(result) => Answer::Result(result),
            Err(error) => Answer::Error(error),
        })
    }
}

/// Longer than any question waits.
const FOREVER: Duration = Duration::from_secs(1 << 32);

fn binding(negotiated: &Negotiated, request: &[u8; 32]) -> Binding {
    Binding::new(negotiated.tenant().as_str(), negotiated.principal(), request)
}

/// The answer to a state that is not accepted: the same, whatever is wrong with it.
fn refused(why: &Unaccepted, negotiated: &Negotiated) -> ErrorObject {
    let (principal, tenant) = (negotiated.principal(), negotiated.tenant());
    tracing::warn!(target: "mcp::server", %principal, %tenant, %why, "a `requestState` was refused");
    ErrorObject::invalid_params(
        "`requestState` is not valid, or no longer: make the request anew, without it",
    )
}

fn unreadable(problem: &serde_json::Error) -> ErrorObject {
    ErrorObject::invalid_params(format!("`inputResponses`: {problem}"))
}

fn unsealable(why: &dyn fmt::Display) -> ErrorObject {
    tracing::error!(target: "mcp::server", %why, "the state of a call cannot be sealed");
    ErrorObject::internal("the server cannot keep what it knows of this call")
}
