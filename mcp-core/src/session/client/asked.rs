//! What a server asks of a client, and whether the client said that it can be asked.
//!
//! The same four things in both eras: a legacy server sends a request for each, a modern one puts
//! them into an `InputRequiredResult`. This module reads which of them it is and compares it with
//! what the client declared. It does not read the parameters any further.

use std::time::Instant;

use serde::Serialize;

use super::Established;
use super::event::{ClientEvent, noise};
use crate::capability::ClientCapabilities;
use crate::jsonrpc::{self, ErrorObject, Request, shown};
use crate::outbox::{Outbox, Route};
use crate::pending::CallId;
use crate::types::CancelledNotificationParams;
use crate::version::Era;
use crate::wire::{EncodeError, Members, MembersOf, Method, ResultFrame, write_result};

/// What a server can ask of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InputKind {
    /// `roots/list`: which folders the client works in.
    Roots,
    /// `sampling/createMessage`: what a model says.
    Sampling,
    /// `elicitation/create` in form mode: what the user fills in.
    Form,
    /// `elicitation/create` in URL mode: that the user visits an address.
    Url,
}

impl InputKind {
    /// The method that asks for it.
    pub fn method(self) -> &'static str {
        match self {
            Self::Roots => "roots/list",
            Self::Sampling => "sampling/createMessage",
            Self::Form | Self::Url => "elicitation/create",
        }
    }
}

/// Something that a server asks for and that the client declared.
#[derive(Debug, Clone)]
pub struct ServerRequest<'m> {
    /// What is asked for.
    pub kind: InputKind,
    /// The parameters, their members not yet decoded.
    pub params: Members<'m>,
}

impl<'m> ServerRequest<'m> {
    /// Reads what a server asks for, in whichever era.
    ///
    /// # Errors
    /// What the client did not declare is an unknown method (`-32601`); a mode of elicitation or a
    /// part of sampling that it did not declare is an invalid parameter (`-32602`; 2025-11-25,
    /// client/elicitation and client/sampling, "Error Handling").
    pub fn read(
        method: &str,
        params: Members<'m>,
        capabilities: &ClientCapabilities,
    ) -> Result<Self, ErrorObject> {
        let undeclared = || ErrorObject::method_not_found(method);
        let kind = match method {
            "roots/list" if capabilities.roots.is_some() => InputKind::Roots,
            "sampling/createMessage" => {
                let sampling = capabilities.sampling.as_ref().ok_or_else(undeclared)?;
                let tools = params.raw("tools").or_else(|| params.raw("toolChoice"));
                if tools.is_some() && sampling.tools.is_none() {
                    return Err(ErrorObject::invalid_params(
                        "the client did not declare `sampling.tools`: leave out `tools` and `toolChoice`",
                    ));
                }
                InputKind::Sampling
            }
            "elicitation/create" => {
                let elicitation = capabilities.elicitation.as_ref().ok_or_else(undeclared)?;
                let mode = params.string("mode");
                let mode = mode.map_err(|e| ErrorObject::invalid_params(e.to_string()))?;
                match mode.as_deref() {
                    None | Some("form") if elicitation.allows_form() => InputKind::Form,
                    Some("url") if elicitation.allows_url() => InputKind::Url,
                    mode => {
                        let mode = shown(mode.unwrap_or("form"));
                        return Err(ErrorObject::invalid_params(format!(
                            "the client did not declare elicitation in mode {mode:?}"
                        )));
                    }
                }
            }
            _ => return Err(undeclared()),
        };
        Ok(Self { kind, params })
    }
}

impl Established {
    /// How many requests of the server wait for an answer of ours.
    pub fn asked(&self) -> usize {
        self.asked.len()
    }

    /// Answers a request of the server; nothing is written for one that is over, nor after
    /// [`ClientEvent::Rejected`].
    ///
    /// # Errors
    /// `result` is not written as an object; the server waits on.
    pub fn respond<R: Serialize + ?Sized>(
        &mut self,
        now: Instant,
        asked: CallId,
        result: &R,
        out: &mut Outbox,
    ) -> Result<(), EncodeError> {
        let Some((id, _)) = self.asked.get_mut(asked).filter(|_| !self.rejected) else {
            return Ok(());
        };
        out.message(Route::Connection, |out| {
            write_result(out, id, &MembersOf(result), &ResultFrame::default())
        })?;
        self.no_longer_asked(now, asked);
        Ok(())
    }

    /// Answers a request of the server with an error; as [`respond`](Self::respond).
    pub fn fail(&mut self, now: Instant, asked: CallId, error: &ErrorObject, out: &mut Outbox) {
        if let Some((id, _)) = self.asked.get_mut(asked).filter(|_| !self.rejected) {
            out.message(Route::Connection, |out| jsonrpc::write_error(out, Some(id), error));
            self.no_longer_asked(now, asked);
        }
    }

    /// A request of the server.
    pub(super) fn request_of_server<'m>(
        &mut self,
        now: Instant,
        request: Request<'m>,
        bytes: usize,
        out: &mut Outbox,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
        // 2026-07-28, basic/transports/stdio: servers write no requests, clients no responses.
        if self.agreed.era() == Era::Modern {
            let said = format!("a server must not send requests: {}", shown(&request.method));
            return events(noise(said));
        }
        let Request { id, method, params } = request;
        if method == Method::Ping.as_str() {
            return out.message(Route::Connection, |out| jsonrpc::write_empty(out, &id));
        }
        let capabilities = &self.config.capabilities;
        let taken = ServerRequest::read(&method, params.unwrap_or_default(), capabilities);
        let taken = taken.and_then(|request| Ok((self.take_in(&id, bytes)?, request)));
        match taken {
            Ok((asked, request)) => {
                self.calls.pause(now);
                events(ClientEvent::Request { asked, request });
            }
            Err(error) => {
                out.message(Route::Connection, |out| {
                    jsonrpc::write_error(out, Some(&id), &error);
                });
            }
        }
    }

    /// The server called something off: a request of its own (legacy) or a subscription.
    pub(super) fn cancelled<'m>(
        &mut self,
        now: Instant,
        params: Option<Members<'m>>,
        events: &mut impl FnMut(ClientEvent<'m>),
    ) {
        // 2026-07-28, basic/patterns/cancellation: what is malformed or unknown is ignored.
        let params = params.unwrap_or_default().decode_all::<CancelledNotificationParams<_>>();
        let Ok(CancelledNotificationParams { request_id: Some(id), reason, .. }) = params else {
            return;
        };
        match self.agreed.era() {
            Era::Modern => self.subscription_called_off(&id, reason, events),
            _ => {
                if let Some((asked, bytes)) = self.asked.remove_id(&id) {
                    self.asked_bytes -= bytes;
                    self.let_time_run(now);
                    events(ClientEvent::Withdrawn { asked });
                }
            }
        }
    }

    fn take_in(&mut self, id: &jsonrpc::RequestId, bytes: usize) -> Result<CallId, ErrorObject> {
        let limits = &self.config.limits;
        if self.asked.len() >= limits.pending_requests
            || self.asked_bytes.saturating_add(bytes) > limits.pending_bytes
        {
            return Err(ErrorObject::internal(format!(
                "too much is asked at once: at most {} requests and {} bytes may wait; try again after an answer",
                limits.pending_requests, limits.pending_bytes
            )));
        }
        let asked = self.asked.insert(id.clone(), bytes).map_err(|_| {
            ErrorObject::invalid_request("a request of this id is in flight already")
        })?;
        self.asked_bytes += bytes;
        Ok(asked)
    }

    fn no_longer_asked(&mut self, now: Instant, asked: CallId) {
        if let Some((_, bytes)) = self.asked.remove(asked) {
            self.asked_bytes -= bytes;
        }
        self.let_time_run(now);
    }

    fn let_time_run(&mut self, now: Instant) {
        if self.asked.len() == 0 {
            self.calls.resume(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::{ElicitationCapability, RootsCapability, SamplingCapability};

    fn read(
        method: &str,
        params: &str,
        capabilities: &ClientCapabilities,
    ) -> Result<InputKind, i64> {
        let params: Members<'_> = serde_json::from_str(params).unwrap();
        let read = ServerRequest::read(method, params, capabilities);
        read.map(|request| request.kind).map_err(|error| error.code.0)
    }

    #[test]
    fn what_is_not_declared_does_not_exist() {
        let nothing = ClientCapabilities::new();
        for method in ["roots/list", "sampling/createMessage", "elicitation/create", "odd", ""] {
            assert_eq!(read(method, "{}", &nothing), Err(-32601), "{method}");
        }
        let roots = nothing.with_roots(RootsCapability::new());
        assert_eq!(read("roots/list", "{}", &roots), Ok(InputKind::Roots));
        assert_eq!(read("elicitation/create", "{}", &roots), Err(-32601));
    }

    #[test]
    fn a_mode_that_is_not_declared_is_an_invalid_parameter() {
        let with = |elicitation| ClientCapabilities::new().with_elicitation(elicitation);
        let (form, url) = (r#"{"mode":"form"}"#, r#"{"mode":"url"}"#);
        let ask = |params, elicitation| read("elicitation/create", params, &with(elicitation));
        assert_eq!(ask("{}", ElicitationCapability::new()), Ok(InputKind::Form));
        assert_eq!(ask(form, ElicitationCapability::new()), Ok(InputKind::Form));
        assert_eq!(ask(url, ElicitationCapability::new()), Err(-32602));
        assert_eq!(ask(url, ElicitationCapability::new().with_url()), Ok(InputKind::Url));
        assert_eq!(ask("{}", ElicitationCapability::new().with_url()), Err(-32602));
        assert_eq!(ask(r#"{"mode":"song"}"#, ElicitationCapability::new()), Err(-32602));
        assert_eq!(ask(r#"{"mode":7}"#, ElicitationCapability::new()), Err(-32602));
    }

    #[test]
    fn tools_for_a_model_have_to_be_declared() {
        let plain = ClientCapabilities::new().with_sampling(SamplingCapability::new());
        let tools = ClientCapabilities::new().with_sampling(SamplingCapability::new().with_tools());
        for params in [r#"{"tools":[]}"#, r#"{"toolChoice":{}}"#] {
            assert_eq!(read("sampling/createMessage", params, &plain), Err(-32602));
            assert_eq!(read("sampling/createMessage", params, &tools), Ok(InputKind::Sampling));
        }
        assert_eq!(read("sampling/createMessage", "{}", &plain), Ok(InputKind::Sampling));
    }
}
