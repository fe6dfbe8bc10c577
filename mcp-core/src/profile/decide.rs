//! The server's decisions: which profiles are in force, and what they let a caller reach.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::policy::{Indices, ResolvedPolicy};
use super::reason::{Reason, ReasonKind};
use super::rejection::{Rejection, RejectionKind};
use super::request::{NegotiatedProfiles, RequestExtension, RequestedProfiles};
use super::url::ProfileUrl;
use super::{EXTENSION, MISSING_REQUIRED_CLIENT_CAPABILITY, NOT_AGREED};
use crate::version::{Era, ProtocolVersion};

impl ResolvedPolicy {
    /// Decides which profiles are in force for a session or request.
    ///
    /// The answer holds only declared profiles in the order of the declaration, and only requested
    /// ones when something was requested. Nothing is allocated when nothing is requested and at
    /// most one profile, or exactly the usual defaults, come into force.
    #[must_use]
    pub fn decide(
        &self,
        requested: &RequestedProfiles,
        version: &ProtocolVersion,
        terms: Terms,
    ) -> Decision {
        let Settled { kept, reasons, left_out, missing, unasked } = self.settle(requested, version);
        let kind = if left_out > 0 && kept.is_empty() {
            RejectionKind::NothingAvailable
        } else if left_out > 0 && terms == Terms::AllOrNothing {
            RejectionKind::NotAllAvailable
        } else if !missing.is_empty() {
            RejectionKind::CompulsoryMissing
        } else {
            return Decision::Agreed { profiles: self.shared(kept, requested), reasons };
        };
        let asking_suffices = kind == RejectionKind::CompulsoryMissing && missing == unasked;
        let rejection = self.rejection(kind, requested, version, reasons);
        Decision::Refused(if asking_suffices && terms == Terms::AllOrNothing {
            let ask_for = missing.iter().map(|index| self.policy().url(index).clone());
            Refusal::MissingCapability(rejection.with_ask_for(ask_for))
        } else {
            Refusal::NotAgreed(rejection)
        })
    }

    /// What `server/discover` says would be in force; it never fails.
    ///
    /// Where [`decide`](Self::decide) would refuse for want of a compulsory profile or of any
    /// requested one, nothing would be in force, and the reasons say why.
    #[must_use]
    pub fn discover(&self, requested: &RequestedProfiles, version: &ProtocolVersion) -> Agreement {
        let Settled { kept, reasons, missing, .. } = self.settle(requested, version);
        let in_force = if missing.is_empty() { kept } else { Indices::default() };
        Agreement { profiles: self.shared(in_force, requested), reasons }
    }

    /// Whether a call may reach an item that exists in `profiles`, of which any one suffices.
    ///
    /// An item that no profile is named for is open to everyone.
    #[must_use]
    pub fn gate(
        &self,
        profiles: &[ProfileUrl],
        negotiated: &NegotiatedProfiles,
        version: &ProtocolVersion,
    ) -> Gate {
        if is_open(profiles, negotiated) {
            return Gate::Allowed;
        }
        if version.era() != Some(Era::Modern) {
            return Gate::Unknown;
        }
        let permitted = self.permitted();
        let obtainable = profiles.iter().find(|url| {
            self.policy().index(url.as_str()).is_some_and(|index| {
                permitted.contains(index)
                    && self.policy().entry(index).min_mcp_version().admits(version)
            })
        });
        obtainable.map_or(Gate::Unknown, |url| Gate::NeedsProfile(url.clone()))
    }

    /// Whether a list shows an item that exists in `profiles`, of which any one suffices.
    ///
    /// A legacy list shows what the negotiated profiles allow. A modern one shows what the caller
    /// is entitled to, for it may vary only with the authorization of a request (MCP 2026-07-28,
    /// server/tools, "Listing Tools").
    #[must_use]
    pub fn visible(
        &self,
        profiles: &[ProfileUrl],
        negotiated: &NegotiatedProfiles,
        version: &ProtocolVersion,
    ) -> bool {
        if version.era() == Some(Era::Modern) {
            profiles.is_empty() || profiles.iter().any(|url| self.permits(url.as_str()))
        } else {
            is_open(profiles, negotiated)
        }
    }

    /// The refusal of a modern call whose item [needs a profile](Gate::NeedsProfile).
    #[must_use]
    pub fn needs_profile(
        &self,
        url: ProfileUrl,
        requested: &RequestedProfiles,
        version: &ProtocolVersion,
    ) -> Refusal {
        let reasons = vec![Reason::new(url.clone(), ReasonKind::NotRequested)];
        let rejection = self.rejection(RejectionKind::ProfileNeeded, requested, version, reasons);
        Refusal::MissingCapability(rejection.with_ask_for([url]))
    }

    /// Whether the profiles under which a task, `requestState` or subscription began are all in
    /// force for the request that continues it.
    ///
    /// # Errors
    ///
    /// The refusal with code 1004, whose reasons name those that are not.
    pub fn still_in_force(
        &self,
        original: &NegotiatedProfiles,
        negotiated: &NegotiatedProfiles,
        requested: &RequestedProfiles,
        version: &ProtocolVersion,
    ) -> Result<(), Refusal> {
        if negotiated.has_all(original) {
            return Ok(());
        }
        let in_force = negotiated.iter().filter_map(|url| self.policy().index(url.as_str()));
        let in_force = in_force.collect();
        let lost = original.iter().filter(|url| !negotiated.has(url.as_str())).map(|url| {
            let kind = match self.policy().index(url.as_str()) {
                None => ReasonKind::Unknown,
                Some(index) => {
                    self.obstacle(index, in_force, version).unwrap_or(ReasonKind::NotRequested)
                }
            };
            Reason::new(url.clone(), kind)
        });
        let reasons = lost.collect();
        let kind = RejectionKind::NoLongerInForce;
        Err(Refusal::NotAgreed(self.rejection(kind, requested, version, reasons)))
    }

    fn settle(&self, requested: &RequestedProfiles, version: &ProtocolVersion) -> Settled {
        let mut kept = Indices::default();
        let mut reasons = Vec::new();
        let mut explained = Indices::default();
        if requested.is_empty() {
            let compulsory = self.policy().prepared().compulsory;
            kept = self.first_fitting(self.picked().without(compulsory), version);
            if kept.is_empty() {
                kept = self.first_fitting(self.policy().prepared().defaults, version);
            }
        }
        for url in requested {
            let obstacle = match self.policy().index(url.as_str()) {
                None => Some(ReasonKind::Unknown),
                Some(index) => {
                    let obstacle = self.obstacle(index, kept, version);
                    match obstacle {
                        None => kept.insert(index),
                        Some(_) => explained.insert(index),
                    }
                    obstacle
                }
            };
            reasons.extend(obstacle.map(|kind| Reason::new(url.clone(), kind)));
        }
        let left_out = reasons.len();
        let missing = self.policy().prepared().compulsory.without(kept);
        let mut unasked = Indices::default();
        for index in missing.without(explained).iter() {
            let obstacle = self.obstacle(index, kept, version);
            if obstacle.is_none() {
                unasked.insert(index);
            }
            let kind = obstacle.unwrap_or(ReasonKind::NotRequested);
            reasons.push(Reason::new(self.policy().url(index).clone(), kind));
        }
        Settled { kept, reasons, left_out, missing, unasked }
    }

    /// In the order of the declaration, what nothing stands against.
    fn first_fitting(&self, candidates: Indices, version: &ProtocolVersion) -> Indices {
        let mut kept = Indices::default();
        for index in candidates.iter() {
            if self.obstacle(index, kept, version).is_none() {
                kept.insert(index);
            }
        }
        kept
    }

    /// Why a declared profile cannot join those that are kept already.
    fn obstacle(
        &self,
        index: usize,
        kept: Indices,
        version: &ProtocolVersion,
    ) -> Option<ReasonKind> {
        let min = self.policy().entry(index).min_mcp_version();
        if !min.admits(version) {
            Some(ReasonKind::McpVersionTooLow(min))
        } else if !self.permitted().contains(index) {
            Some(ReasonKind::NotPermitted)
        } else if !self.policy().prepared().excludes[index].only(kept).is_empty() {
            Some(ReasonKind::Conflict)
        } else {
            None
        }
    }

    /// The set in the order of the declaration; the request itself, when it is that set.
    fn shared(&self, kept: Indices, requested: &RequestedProfiles) -> NegotiatedProfiles {
        let urls = || kept.iter().map(|index| self.policy().url(index));
        if kept.len() > 1 && kept.len() as usize == requested.len() && urls().eq(requested) {
            return NegotiatedProfiles(requested.0.clone());
        }
        self.policy().negotiated(kept)
    }

    fn rejection(
        &self,
        kind: RejectionKind,
        requested: &RequestedProfiles,
        version: &ProtocolVersion,
        reasons: Vec<Reason>,
    ) -> Rejection {
        Rejection::new(kind, requested.clone())
            .with_supported(self.declaration().clone())
            .with_reasons(reasons)
            .with_version(version.clone())
    }
}

/// How far an agreement may fall short of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Legacy `initialize`: what can be in force is, and reasons explain the rest.
    Partial,
    /// A modern request other than `server/discover`: all that is requested, or nothing runs.
    AllOrNothing,
}

/// The server's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These profiles are in force.
    Agreed {
        /// The profiles in the order of the declaration.
        profiles: NegotiatedProfiles,
        /// Why requested profiles were left out; empty under [`Terms::AllOrNothing`].
        reasons: Vec<Reason>,
    },
    /// Nothing runs, and this is the answer.
    Refused(Refusal),
}

/// What `server/discover` says about a caller and request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// What would be in force, in the order of the declaration.
    pub profiles: NegotiatedProfiles,
    /// Why other profiles would not.
    pub reasons: Vec<Reason>,
}

/// The answer to a request that the profiles do not let run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Code 1004: what was asked for, or is compulsory, cannot be in force. HTTP status 200.
    #[error("{0}")]
    NotAgreed(Rejection),
    /// Code -32021: the client has to ask for more. HTTP status 400.
    #[error("{0}")]
    MissingCapability(Rejection),
}

impl Refusal {
    /// The JSON-RPC error code.
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Self::NotAgreed(_) => NOT_AGREED,
            Self::MissingCapability(_) => MISSING_REQUIRED_CLIENT_CAPABILITY,
        }
    }

    /// The message of the JSON-RPC error.
    #[must_use]
    pub fn message(&self) -> String {
        self.rejection().message()
    }

    /// The data of the JSON-RPC error, for a client that declared the extension or not.
    #[must_use]
    pub fn data(&self, declared_extension: bool) -> RefusalData<'_> {
        RefusalData { refusal: self, declared_extension }
    }

    /// What was asked, what is offered and why it was refused.
    #[must_use]
    pub fn rejection(&self) -> &Rejection {
        match self {
            Self::NotAgreed(rejection) | Self::MissingCapability(rejection) => rejection,
        }
    }

    /// The same without the code.
    #[must_use]
    pub fn into_rejection(self) -> Rejection {
        match self {
            Self::NotAgreed(rejection) | Self::MissingCapability(rejection) => rejection,
        }
    }
}

/// The `data` of a refusal as it is written.
///
/// A client that did not declare the extension receives of it only `supported`, and what it would
/// have to declare.
#[derive(Clone, Copy, Debug)]
pub struct RefusalData<'a> {
    refusal: &'a Refusal,
    declared_extension: bool,
}

impl Serialize for RefusalData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Capabilities<'a> {
            extensions: Extensions<'a>,
        }
        struct Extensions<'a>(RequestExtension<'a>);
        impl Serialize for Extensions<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([(EXTENSION, self.0)])
            }
        }

        let rejection = self.refusal.rejection();
        let mut data = serializer.serialize_map(None)?;
        if let Refusal::MissingCapability(_) = self.refusal {
            let extensions = Extensions(RequestExtension(rejection.ask_for()));
            data.serialize_entry("requiredCapabilities", &Capabilities { extensions })?;
        }
        if self.declared_extension {
            data.serialize_entry("requested", rejection.requested())?;
        }
        let supported = rejection.supported().map_or(&[][..], |supported| supported.as_slice());
        data.serialize_entry("supported", supported)?;
        if self.declared_extension {
            data.serialize_entry("reasons", rejection.reasons())?;
        }
        data.end()
    }
}

/// Whether a call may reach an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Allowed,
    /// The item does not exist for this caller: answer as for an unknown name.
    Unknown,
    /// It may once the client asks for this profile: answer with
    /// [`needs_profile`](ResolvedPolicy::needs_profile).
    NeedsProfile(ProfileUrl),
}

/// What came of walking through a request.
struct Settled {
    kept: Indices,
    /// First those of requested profiles, then those of compulsory ones.
    reasons: Vec<Reason>,
    /// How many requested profiles are not kept.
    left_out: usize,
    /// The compulsory profiles that are not kept.
    missing: Indices,
    /// Those among them that the caller would only have to ask for.
    unasked: Indices,
}

fn is_open(profiles: &[ProfileUrl], negotiated: &NegotiatedProfiles) -> bool {
    profiles.is_empty() || profiles.iter().any(|url| negotiated.has(url.as_str()))
}
