//! What a server is, for every session of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::capability::ServerCapabilities;
use crate::limits::Limits;
use crate::profile::{self, ProfilePolicy, Reason};
use crate::types::{Implementation, LoggingLevel, RawObject};
use crate::version::{Era, ProtocolVersion};

/// What a server is, for every session of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Name and version of the server.
    pub server_info: Implementation,
    /// The protocol versions that it serves.
    pub versions: Vec<ProtocolVersion>,
    /// What it can do; the profile extension is added by the library.
    pub capabilities: ServerCapabilities,
    /// How it wants to be used, for the model.
    pub instructions: Option<String>,
    /// The profiles that it declares, and its policy about them.
    pub profiles: Option<ProfilePolicy>,
    /// Whether what a caller is entitled to must be asked for, with
    /// [`ServerEvent::ResolvePolicy`](super::ServerEvent::ResolvePolicy); else everybody is
    /// entitled to every profile.
    pub asks_entitlement: bool,
    /// How long a client may keep the result of `server/discover`, in milliseconds.
    pub discover_ttl_ms: u64,
    /// From which level on a legacy client is sent log messages until it says what it wants.
    pub log_level: LoggingLevel,
    /// Methods that extensions add, each with the identifier of its extension.
    ///
    /// They are served to clients that declared the extension, and answered in both eras.
    pub extension_methods: BTreeMap<String, String>,
    /// Notifications that extensions add, each with the identifier of its extension.
    pub extension_notifications: BTreeMap<String, String>,
    /// Extensions that only the modern era has: legacy clients are not told of them.
    pub modern_only: BTreeSet<String>,
    /// Bounds on what a client can make it hold.
    pub limits: Limits,
}

impl ServerConfig {
    /// A server of all known versions, without capabilities and without profiles.
    pub fn new(server_info: Implementation) -> Self {
        Self {
            server_info,
            versions: ProtocolVersion::KNOWN.to_vec(),
            capabilities: ServerCapabilities::default(),
            instructions: None,
            profiles: None,
            asks_entitlement: false,
            discover_ttl_ms: 0,
            log_level: LoggingLevel::Info,
            extension_methods: BTreeMap::new(),
            extension_notifications: BTreeMap::new(),
            modern_only: BTreeSet::new(),
            limits: Limits::default(),
        }
    }

    /// Whether any version of an era is served.
    pub(super) fn serves(&self, era: Era) -> bool {
        self.versions.iter().any(|version| version.era() == Some(era))
    }

    /// The versions as they stand in an answer.
    pub(super) fn version_names(&self) -> Vec<&str> {
        self.versions.iter().map(ProtocolVersion::as_str).collect()
    }

    /// The capabilities as legacy clients are told of them, with what is declared of profiles for
    /// those that know the profile extension.
    pub(super) fn legacy_capabilities(&self, reasons: Option<&[Reason]>) -> ServerCapabilities {
        let mut capabilities = match reasons {
            Some(_) => self.capabilities_with(reasons),
            None => self.capabilities.clone(),
        };
        if let Some(extensions) = &mut capabilities.extensions {
            self.modern_only.iter().for_each(|id| drop(extensions.remove(id)));
        }
        capabilities.extensions = capabilities.extensions.filter(|left| !left.is_empty());
        capabilities
    }

    /// The capabilities, with what is declared of profiles: `supported`, and in `initialize` the
    /// reasons beside it.
    pub(super) fn capabilities_with(&self, reasons: Option<&[Reason]>) -> ServerCapabilities {
        let capabilities = self.capabilities.clone();
        let Some(policy) = &self.profiles else { return capabilities };
        let offer = profile::OfferMeta { supported: policy.declaration(), reasons };
        match RawObject::new(&offer) {
            Ok(settings) => capabilities.with_extension(profile::EXTENSION, settings),
            Err(_) => capabilities,
        }
    }
}
