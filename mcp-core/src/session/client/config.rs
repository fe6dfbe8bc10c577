//! What a client is, for every session of it.

use std::time::Duration;

use crate::capability::ClientCapabilities;
use crate::extension::ExtensionId;
use crate::limits::Limits;
use crate::profile::{self, ClientPolicy, RequestedProfiles};
use crate::types::{Implementation, RawObject};
use crate::version::{Era, ProtocolVersion};

/// What a client is, for every session of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// Name and version of the client.
    pub client_info: Implementation,
    /// What it can do; the profile extension is added by the library.
    pub capabilities: ClientCapabilities,
    /// The protocol versions that it speaks.
    pub versions: Vec<ProtocolVersion>,
    /// Which eras to try.
    pub era: EraChoice,
    /// The profiles that it insists on and would like.
    pub policy: ClientPolicy,
    /// How long a server may be silent on `server/discover` before it counts as legacy.
    pub probe_timeout: Duration,
    /// Results of extensions that are neither final nor a question: the extension, and the
    /// `resultType` of its results. They count where both sides declared the extension.
    pub result_types: Vec<(ExtensionId, String)>,
    /// Bounds on what a server can make it hold.
    pub limits: Limits,
}

impl ClientConfig {
    /// A client of all known versions, without capabilities and without a profile policy.
    pub fn new(client_info: Implementation) -> Self {
        Self {
            client_info,
            capabilities: ClientCapabilities::default(),
            versions: ProtocolVersion::KNOWN.to_vec(),
            era: EraChoice::default(),
            policy: ClientPolicy::default(),
            probe_timeout: Duration::from_secs(10),
            result_types: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The newest version of an era that may be tried.
    pub(super) fn newest(&self, era: Era) -> Option<&ProtocolVersion> {
        let tried = match self.era {
            EraChoice::Auto => true,
            EraChoice::Legacy => era == Era::Legacy,
            EraChoice::Modern => era == Era::Modern,
        };
        let versions = self.versions.iter().filter(|version| version.era() == Some(era));
        versions.max_by(|a, b| a.as_str().cmp(b.as_str())).filter(|_| tried)
    }

    /// The capabilities, with what is asked of profiles if the client has a policy.
    pub(super) fn capabilities_with(&self, requested: &RequestedProfiles) -> ClientCapabilities {
        let capabilities = self.capabilities.clone();
        if !self.policy.is_aware() {
            return capabilities;
        }
        match RawObject::new(&requested.extension()) {
            Ok(settings) => capabilities.with_extension(profile::EXTENSION, settings),
            Err(_) => capabilities,
        }
    }
}

/// Which eras a client tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum EraChoice {
    /// Whichever the server speaks, found out by probing with `server/discover`.
    #[default]
    Auto,
    /// 2025-11-25 and earlier only: `initialize` at once.
    Legacy,
    /// 2026-07-28 and later only.
    Modern,
}
