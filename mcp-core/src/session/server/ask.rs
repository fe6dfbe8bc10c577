//! Requests of the server's own, to a legacy client: sampling, elicitation, roots, ping.
//!
//! Each belongs to a call that is being handled and ends with it. They wait until the client has
//! said that it is initialized (2025-11-25, basic/lifecycle, "Initialization"). The modern era has
//! none: there a result says which input is required.

use std::time::Instant;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{ServerEvent, ServerSession, ServerState};
use crate::jsonrpc::{self, ErrorObject, RequestId, Response};
use crate::outbox::{Outbox, Route};
use crate::pending::{CallId, Timeouts};
use crate::session::frame::Origin;
use crate::types::CancelledNotificationParams;

/// A request of ours that waits for the client.
#[derive(Debug)]
pub(super) struct Asked {
    /// The call that it is asked for.
    call: CallId,
}

/// Why a client cannot be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The call was answered or cancelled.
    #[error("the call is over: nobody waits for the answer")]
    CallOver,
    /// Only legacy clients answer requests.
    #[error("a client of this era is sent no requests: answer with `input_required`")]
    NoRequests,
    /// The parameters cannot be written.
    #[error("the parameters cannot be written as JSON: {0}")]
    Encode(#[from] serde_json::Error),
}

impl ServerSession {
    /// Sends a request to a legacy client, on behalf of a call.
    ///
    /// The answer comes as [`ServerEvent::Answered`]. When the call ends first, the client is told
    /// that the answer is not wanted any more.
    ///
    /// # Errors
    /// [`AskError`] says why nothing was sent.
    pub fn ask<P: Serialize + ?Sized>(
        &mut self,
        now: Instant,
        call: CallId,
        method: &str,
        params: Option<&P>,
        out: &mut Outbox,
    ) -> Result<CallId, AskError> {
        let ServerState::Established(session) = &mut self.state else {
            return Err(AskError::NoRequests);
        };
        let (_, row) = self.calls.get_mut(call).ok_or(AskError::CallOver)?;
        let route = Route::Frame(row.origin.frame);
        if row.own_meta.is_some() {
            return Err(AskError::NoRequests);
        }
        let id = RequestId::Integer(self.asked.next_id());
        let mut text = Vec::new();
        jsonrpc::write_request(&mut text, &id, method, params)?;
        let ask = self.asked.insert(now, Timeouts { idle: None, total: None }, Asked { call });
        match session.initialized {
            true => out.message(route, |out| out.extend_from_slice(&text)),
            false => session.unsent.push((ask, call, text)),
        }
        Ok(ask)
    }

    /// Sends what waited until the client was initialized.
    pub(super) fn send_unsent(&mut self, out: &mut Outbox) {
        let ServerState::Established(session) = &mut self.state else { return };
        let was_initialized = std::mem::replace(&mut session.initialized, true);
        session.changes = session.changes.wrapping_add(u32::from(!was_initialized));
        for (ask, call, text) in std::mem::take(&mut session.unsent) {
            if self.asked.contains(ask)
                && let Some((_, row)) = self.calls.get_mut(call)
            {
                out.message(Route::Frame(row.origin.frame), |out| out.extend_from_slice(&text));
            }
        }
    }

    /// The client has answered a request of ours; any other answer is passed over.
    pub(super) fn answered<'m>(&mut self, response: Response<'m>) -> Option<ServerEvent<'m>> {
        let id = response.id?;
        let (ask, _) = self.asked.of_id(&id)?;
        if let ServerState::Established(session) = &self.state
            && session.unsent.iter().any(|(unsent, ..)| *unsent == ask)
        {
            // Nobody can have answered what was not asked yet.
            return None;
        }
        self.asked.answered(&id)?;
        let outcome: Result<&'m RawValue, ErrorObject> = response.outcome;
        Some(ServerEvent::Answered { ask, outcome })
    }

    /// A call is over: nobody waits for what was asked for it.
    pub(super) fn withdraw(&mut self, call: CallId, origin: Origin, out: &mut Outbox) {
        if self.asked.len() == 0 {
            return;
        }
        let unsent = match &mut self.state {
            ServerState::Established(session) => std::mem::take(&mut session.unsent),
            _ => Vec::new(),
        };
        for ask in self.asked.find_all(|asked| asked.call == call) {
            let Some((id, _)) = self.asked.abandon(ask) else { continue };
            if unsent.iter().any(|(unsent, ..)| *unsent == ask) {
                continue;
            }
            let params = CancelledNotificationParams::new(RequestId::Integer(id))
                .with_reason("the call that it was asked for is over");
            let method = "notifications/cancelled";
            let written = out.message(Route::Frame(origin.frame), |out| {
                jsonrpc::write_notification(out, method, Some(&params))
            });
            written.expect("cancellation parameters are an object of JSON");
        }
        if let ServerState::Established(session) = &mut self.state {
            session.unsent = unsent;
            session.unsent.retain(|(ask, ..)| self.asked.contains(*ask));
        }
    }
}
