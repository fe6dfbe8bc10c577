//! Modern requests: each describes itself, is decided by itself, and runs or is refused.
//!
//! Spec: 2026-07-28, basic/versioning and server/discover.

use std::borrow::Cow;
use std::sync::Arc;

use super::described::{Described, Standing};
use super::request::{Admitted, Target};
use super::subscriptions::Listening;
use super::{CallRow, Resolution, ServerEvent, ServerSession, Unready, refused};
use crate::jsonrpc::{ErrorCode, ErrorObject, RequestId, shown};
use crate::negotiate::{Negotiated, NegotiatedParts};
use crate::outbox::Outbox;
use crate::profile::{self, Decision, NegotiatedProfiles, Refusal, ResolvedPolicy, Terms};
use crate::session::frame::Origin;
use crate::types::{CacheHints, DiscoverResult};
use crate::version::{Era, ProtocolVersion};
use crate::wire::modern::{self, LOG_LEVEL, RequestMeta};
use crate::wire::{self, Members, MembersOf, Method, ResultFrame};

impl ServerSession {
    pub(super) fn modern_request<'m>(
        &mut self,
        id: &RequestId,
        method: &Cow<'m, str>,
        members: Members<'m>,
        meta: &Members<'m>,
        mut row: CallRow,
        out: &mut Outbox,
    ) -> Result<Option<ServerEvent<'m>>, Unready> {
        if row.origin.in_batch {
            return Err(ErrorObject::invalid_request("only MCP 2025-03-26 has batches").into());
        }
        let mut described = self.describe(&RequestMeta::read(meta)?)?;
        let method = match self.target(method, Era::Modern) {
            Ok(method) => method,
            Err(error) => {
                self.described = Some(described);
                return Err(error.into());
            }
        };
        row.log_level = meta
            .decode(LOG_LEVEL)
            .map_err(|error| ErrorObject::invalid_params(format!("`_meta`: {error}")))?;
        let policy = match &self.resolution {
            Resolution::Fixed(policy) => policy.clone(),
            Resolution::Known(policy) => Some(policy.clone()),
            Resolution::Unasked | Resolution::Asked => {
                self.described = Some(described);
                return Err(Unready::Policy);
            }
        };
        if let Target::Method(Method::ServerDiscover) = method {
            let told = self.discover(id, row.origin, &described, policy.as_ref(), out);
            self.described = Some(described);
            return Ok(told);
        }
        let standing = match described.standing.take() {
            Some(standing) if matches!(self.resolution, Resolution::Fixed(_)) => Ok(standing),
            _ => self.decide(&described, policy.as_ref()),
        };
        let standing = match standing {
            Ok(standing) => standing,
            Err(refusal) => {
                let error = refused(&refusal, described.requested.is_some());
                self.answer_error(row.origin, Some(id), &error, out);
                self.described = Some(described);
                let rejection = Box::new(refusal.into_rejection());
                return Ok(Some(ServerEvent::Refused(rejection)));
            }
        };
        row.own_meta = Some(standing.own_meta.clone());
        row.answers_profiles = policy.is_some() && described.requested.is_some();
        let requested = described.requested.clone();
        let negotiated = standing.negotiated.clone();
        described.standing = Some(standing);
        self.described = Some(described);
        if let Target::Method(Method::SubscriptionsListen) = method {
            let told = requested.clone().filter(|_| row.answers_profiles);
            row.listening = Some(Box::new(Listening::new(&negotiated, told)));
        }
        let id = id.clone();
        self.call(Admitted { id, method, row, negotiated, requested, policy }, members)
    }

    /// The caller's description, read anew only where its text differs from the last one.
    fn describe(&mut self, meta: &RequestMeta<'_>) -> Result<Described, ErrorObject> {
        if let Some(described) = self.described.take().filter(|described| described.is(meta)) {
            return Ok(described);
        }
        let version = ProtocolVersion::from(&*meta.protocol_version);
        if version.era() != Some(Era::Modern) || !self.config.versions.contains(&version) {
            return Err(self.unsupported_version(version.as_str()));
        }
        Described::read(meta, version, self.config.profiles.is_some())
    }

    /// All that is requested is in force, or nothing runs.
    fn decide(
        &self,
        described: &Described,
        policy: Option<&ResolvedPolicy>,
    ) -> Result<Standing, Refusal> {
        let requested = described.requested.clone().unwrap_or_default();
        let decision =
            policy.map(|p| p.decide(&requested, &described.version, Terms::AllOrNothing));
        let profiles = match decision {
            Some(Decision::Refused(refusal)) => return Err(refusal),
            Some(Decision::Agreed { profiles, .. }) => profiles,
            None => NegotiatedProfiles::default(),
        };
        let own_meta = match (policy, &described.requested) {
            (Some(_), Some(_)) => {
                self.meta_with(&profile::AnswerMeta { profiles: &profiles, reasons: None })
            }
            _ => self.server_meta.clone(),
        };
        let negotiated = Negotiated::new(NegotiatedParts {
            version: described.version.clone(),
            era: Era::Modern,
            client_info: described.client_info.clone(),
            client_capabilities: described.client_capabilities.clone(),
            profiles,
            principal: self.principal.clone(),
            tenant: self.tenant.clone(),
        });
        Ok(Standing { negotiated, own_meta })
    }

    /// Answers `server/discover`, which never fails for reasons of profiles; says what it has told
    /// about them.
    fn discover<'m>(
        &mut self,
        id: &RequestId,
        origin: Origin,
        described: &Described,
        policy: Option<&ResolvedPolicy>,
        out: &mut Outbox,
    ) -> Option<ServerEvent<'m>> {
        let mut told = None;
        let mut result =
            DiscoverResult::new(self.config.version_names(), self.config.capabilities_with(None));
        result.instructions.clone_from(&self.config.instructions);
        let ttl = self.config.discover_ttl_ms;
        let (own_meta, cache) = match (policy, &described.requested) {
            (Some(policy), Some(requested)) => {
                let would_be = policy.discover(requested, &described.version);
                let profile::Agreement { profiles, reasons } = &would_be;
                let meta = profile::AnswerMeta { profiles, reasons: Some(reasons) };
                let own_meta = self.meta_with(&meta);
                told = Some(ServerEvent::Discovered {
                    version: described.version.clone(),
                    requested: requested.clone(),
                    would_be: Box::new(would_be),
                });
                (own_meta, CacheHints::private(ttl))
            }
            _ => (self.server_meta.clone(), CacheHints::public(ttl)),
        };
        let frame = ResultFrame {
            result_type: Some(modern::COMPLETE),
            cache: Some(cache),
            own_meta: &own_meta,
            meta: None,
        };
        self.answer(origin, None, out, |out| {
            wire::write_result(out, id, &MembersOf(&result), &frame)
                .expect("a discover result is an object of JSON");
        });
        told
    }

    /// Members of a result's `_meta`: who answers, and what is in force.
    fn meta_with(&self, answer: &profile::AnswerMeta<'_>) -> Arc<[u8]> {
        wire::encode_members([
            (modern::SERVER_INFO, &self.config.server_info as _),
            (profile::EXTENSION, answer as _),
        ])
        .into()
    }

    fn unsupported_version(&self, requested: &str) -> ErrorObject {
        let data = serde_json::json!({
            "supported": self.config.version_names(),
            "requested": shown(requested),
        });
        let message = "unsupported protocol version";
        ErrorObject::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, message).with_data(&data)
    }
}
