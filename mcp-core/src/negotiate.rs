//! What both sides agreed on, as everything behind the protocol sees it.
//!
//! Owns the outcome only. How it comes about is for the sessions (legacy era) and for each request
//! (modern era) to know; the profile rules are in [`profile`](crate::profile).

use std::sync::Arc;

use crate::capability::ClientCapabilities;
use crate::profile::NegotiatedProfiles;
use crate::types::Implementation;
use crate::version::{Era, ProtocolVersion};
use crate::{Principal, Tenant};

/// What was negotiated with a client, for the life of a legacy session or one modern request.
///
/// Immutable; cloning is cheap and shares everything.
#[derive(Debug, Clone)]
pub struct Negotiated(Arc<NegotiatedParts>);

/// What a [`Negotiated`] is made of.
#[derive(Debug, Clone)]
pub struct NegotiatedParts {
    /// The protocol version in use.
    pub version: ProtocolVersion,
    /// The era of the version in use.
    pub era: Era,
    /// What the client says it is: for display, never for decisions.
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
    /// Fixes what was negotiated.
    pub fn new(parts: NegotiatedParts) -> Self {
        Self(Arc::new(parts))
    }

    /// The protocol version in use.
    pub fn version(&self) -> &ProtocolVersion {
        &self.0.version
    }

    /// The era of the version in use.
    pub fn era(&self) -> Era {
        self.0.era
    }

    /// What the client says it is: for display, never for decisions.
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
