//! The legacy handshake: `initialize`, and what follows from it.
//!
//! Spec: 2025-11-25, basic/lifecycle, "Initialization".

use std::collections::BTreeSet;

use super::{
    Established, Initializing, Resolution, ServerEvent, ServerSession, ServerState, described,
    id_in_use, refused,
};
use crate::jsonrpc::{ErrorCode, ErrorObject, RequestId, shown};
use crate::negotiate::{Negotiated, NegotiatedParts, legacy_version};
use crate::outbox::Outbox;
use crate::profile::{Decision, NegotiatedProfiles, RequestedProfiles, ResolvedPolicy, Terms};
use crate::session::frame::Origin;
use crate::types::{InitializeRequestParams, InitializeResult};
use crate::version::{Era, ProtocolVersion};
use crate::wire::{self, Members, MembersOf, ResultFrame};

impl ServerSession {
    /// Handles `initialize`; one that is malformed changes nothing.
    pub(super) fn initialize(
        &mut self,
        id: &RequestId,
        params: &Members<'_>,
        origin: Origin,
        out: &mut Outbox,
    ) -> Result<Option<ServerEvent<'static>>, ErrorObject> {
        if origin.in_batch {
            let error = "`initialize` must not be part of a batch: send it alone";
            return Err(ErrorObject::invalid_request(error));
        }
        if !matches!(self.state, ServerState::AwaitingInitialize) {
            let error = "`initialize` was sent already: a session is initialized once";
            return Err(ErrorObject::invalid_request(error));
        }
        if self.is_in_use(id) {
            return Err(id_in_use());
        }
        let initializing = self.read_initialize(id, origin, params)?;
        match &self.resolution {
            Resolution::Fixed(policy) => {
                let policy = policy.clone();
                Ok(Some(self.establish(initializing, policy, out)))
            }
            Resolution::Known(policy) => {
                let policy = Some(policy.clone());
                Ok(Some(self.establish(initializing, policy, out)))
            }
            Resolution::Asked => {
                self.state = ServerState::Initializing(Box::new(initializing));
                Ok(None)
            }
            Resolution::Unasked => {
                self.state = ServerState::Initializing(Box::new(initializing));
                self.resolution = Resolution::Asked;
                Ok(Some(ServerEvent::ResolvePolicy))
            }
        }
    }

    /// Decides, answers, and enters `Established` or `Rejected`.
    pub(super) fn establish(
        &mut self,
        initializing: Initializing,
        policy: Option<ResolvedPolicy>,
        out: &mut Outbox,
    ) -> ServerEvent<'static> {
        let Initializing { id, origin, version, params, requested, aware } = initializing;
        let decision = match &policy {
            Some(policy) => policy.decide(&requested, &version, Terms::Partial),
            None => {
                Decision::Agreed { profiles: NegotiatedProfiles::default(), reasons: Vec::new() }
            }
        };
        match decision {
            Decision::Agreed { profiles, reasons } => {
                let reasons_told = aware.then_some(&*reasons);
                let capabilities = self.config.legacy_capabilities(reasons_told);
                let server_info = self.config.server_info.clone();
                let mut result = InitializeResult::new(version.as_str(), capabilities, server_info);
                result.instructions.clone_from(&self.config.instructions);
                if policy.is_some() {
                    result.profiles = serde_json::value::to_raw_value(&profiles).ok();
                }
                let frame = ResultFrame::default();
                let written = self.answer(origin, None, out, |out| {
                    wire::write_result(out, &id, &MembersOf(&result), &frame)
                });
                written.expect("an initialize result is an object of JSON");
                let negotiated = Negotiated::new(NegotiatedParts {
                    version,
                    era: Era::Legacy,
                    client_info: Some(params.client_info),
                    client_capabilities: params.capabilities,
                    profiles,
                    principal: self.principal.clone(),
                    tenant: self.tenant.clone(),
                });
                self.state = ServerState::Established(Established {
                    negotiated: negotiated.clone(),
                    policy,
                    initialized: false,
                    unsent: Vec::new(),
                    log_level: self.config.log_level,
                    subscribed: BTreeSet::new(),
                    changes: 0,
                });
                ServerEvent::Established { negotiated, requested, reasons }
            }
            Decision::Refused(refusal) => {
                let error = refused(&refusal, aware);
                self.answer_error(origin, Some(&id), &error, out);
                // What was read before the decision gets the same answer, and then nothing does:
                // modern calls that still run, and what waited.
                for (id, row) in self.calls.clear() {
                    self.answer_error(row.origin, Some(&id), &error, out);
                    self.settle(row.origin, out);
                }
                while let Some(held) = self.held.pop_front() {
                    self.answer_error(held.origin, Some(&held.id), &error, out);
                    self.settle(held.origin, out);
                }
                self.held_bytes = 0;
                self.state = ServerState::Rejected;
                ServerEvent::Rejected(Box::new(refusal.into_rejection()))
            }
        }
    }

    fn read_initialize(
        &self,
        id: &RequestId,
        origin: Origin,
        members: &Members<'_>,
    ) -> Result<Initializing, ErrorObject> {
        let invalid = |problem: String| ErrorObject::invalid_params(format!("`params`: {problem}"));
        let requested_version = members
            .string("protocolVersion")
            .map_err(|e| invalid(e.to_string()))?
            .ok_or_else(|| invalid("`protocolVersion` is missing".to_owned()))?;
        let requested_version = ProtocolVersion::from(&*requested_version);
        let Some(version) = legacy_version(&requested_version, &self.config.versions) else {
            return Err(self.unsupported_initialize(requested_version.as_str()));
        };
        let params: InitializeRequestParams =
            members.decode_all().map_err(|e| invalid(e.to_string()))?;
        // Without a declaration this is a server like any other: what it does not know it ignores.
        let knows_profiles = self.config.profiles.is_some();
        let by_extension = match knows_profiles {
            true => described::requested(&params.capabilities)?,
            false => None,
        };
        let requested = match params.requested_profiles.as_ref().filter(|_| knows_profiles) {
            Some(raw) => RequestedProfiles::parse(raw)
                .map_err(|e| ErrorObject::invalid_params(format!("`requestedProfiles`: {e}")))?,
            None => RequestedProfiles::default(),
        };
        let aware = by_extension.is_some();
        Ok(Initializing { id: id.clone(), origin, version, params, requested, aware })
    }

    /// A server of the modern era only names its versions: legacy clients cannot find out
    /// otherwise (2026-07-28, basic/versioning, "Backward Compatibility").
    fn unsupported_initialize(&self, requested: &str) -> ErrorObject {
        let supported = self.config.version_names();
        let data = serde_json::json!({ "supported": supported, "requested": shown(requested) });
        let names = supported.join(", ");
        let message = format!("unsupported protocol version: this server speaks {names}");
        ErrorObject::new(ErrorCode::INVALID_PARAMS, message).with_data(&data)
    }
}
