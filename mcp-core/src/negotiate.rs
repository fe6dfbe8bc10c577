//! What client and server agreed on, and how a version is chosen.
//!
//! Both are pure: which version follows from two lists, and [`Negotiated`] is a value that never
//! changes. The profile decisions are in [`crate::profile`].

use std::sync::Arc;

use crate::capability::{ClientCapabilities, ServerCapabilities};
use crate::principal::{Principal, Tenant};
use crate::profile::NegotiatedProfiles;
use crate::types::Implementation;
use crate::version::{Era, ProtocolVersion};

/// What is in force for a call: for the whole of a legacy session, for one request of the modern
/// era.
///
/// Immutable and cheap to clone; every handler can see it.
#[derive(Debug, Clone)]
pub struct Negotiated(Arc<NegotiatedParts>);

/// The parts of [`Negotiated`], to make one.
#[derive(Debug, Clone)]
pub struct NegotiatedParts {
    /// The protocol version in use.
    pub version: ProtocolVersion,
    /// Its era.
    pub era: Era,
    /// Who the client says it is: for display, never for decisions.
    pub client_info: Option<Implementation>,
    /// What the client can do.
    pub client_capabilities: ClientCapabilities,
    /// The profiles in force.
    pub profiles: NegotiatedProfiles,
    /// Who calls.
    pub principal: Principal,
    /// Whose deployment is called.
    pub tenant: Tenant,
}

impl Negotiated {
    /// Makes the value from its parts.
    pub fn new(parts: NegotiatedParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The same for a caller of whom something else is known.
    pub(crate) fn with_principal(&self, principal: Principal) -> Self {
        Self::new(NegotiatedParts { principal, ..NegotiatedParts::clone(&self.0) })
    }

    /// The protocol version in use.
    pub fn version(&self) -> &ProtocolVersion {
        &self.0.version
    }

    /// The era of that version.
    pub fn era(&self) -> Era {
        self.0.era
    }

    /// Who the client says it is: for display, never for decisions.
    pub fn client_info(&self) -> Option<&Implementation> {
        self.0.client_info.as_ref()
    }

    /// What the client can do.
    pub fn client_capabilities(&self) -> &ClientCapabilities {
        &self.0.client_capabilities
    }

    /// The profiles in force.
    pub fn profiles(&self) -> &NegotiatedProfiles {
        &self.0.profiles
    }

    /// Who calls.
    pub fn principal(&self) -> &Principal {
        &self.0.principal
    }

    /// Whose deployment is called.
    pub fn tenant(&self) -> &Tenant {
        &self.0.tenant
    }
}

/// The version that a legacy server answers: the requested one if it is served, else the newest
/// that is (2025-11-25, basic/lifecycle, "Version Negotiation").
pub(crate) fn legacy_version(
    requested: &ProtocolVersion,
    served: &[ProtocolVersion],
) -> Option<ProtocolVersion> {
    let legacy = || served.iter().filter(|version| version.era() == Some(Era::Legacy));
    let same = legacy().find(|version| *version == requested);
    same.or_else(|| legacy().max_by(|a, b| a.as_str().cmp(b.as_str()))).cloned()
}

/// The newest version of an era that both lists hold.
pub(crate) fn newest_common(
    era: Era,
    ours: &[ProtocolVersion],
    theirs: &[String],
) -> Option<ProtocolVersion> {
    ours.iter()
        .filter(|version| {
            version.era() == Some(era) && theirs.iter().any(|t| t == version.as_str())
        })
        .max_by(|a, b| a.as_str().cmp(b.as_str()))
        .cloned()
}

/// What a client knows of the server that it is connected to.
#[derive(Debug, Clone)]
pub struct ServerFacts {
    /// Who the server says it is: for display, never for decisions.
    pub server_info: Option<Implementation>,
    /// What the server can do.
    pub capabilities: ServerCapabilities,
    /// How the server wants to be used, for the model.
    pub instructions: Option<String>,
}
