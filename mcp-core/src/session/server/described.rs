//! What a modern caller says about itself, decoded once for all requests that say the same.
//!
//! Every modern request repeats version, capabilities and client info. The texts are compared
//! with those of the request before; equal text means equal meaning, so nothing is inferred from
//! an earlier request (2026-07-28, basic/index, "Statelessness").

use std::sync::Arc;

use crate::capability::ClientCapabilities;
use crate::jsonrpc::ErrorObject;
use crate::negotiate::Negotiated;
use crate::profile::{self, RequestedProfiles};
use crate::types::Implementation;
use crate::version::ProtocolVersion;
use crate::wire::modern::RequestMeta;

/// One caller's description of itself.
#[derive(Debug)]
pub(super) struct Described {
    version_text: Box<str>,
    capabilities_text: Box<str>,
    info_text: Option<Box<str>>,
    pub(super) version: ProtocolVersion,
    pub(super) client_info: Option<Implementation>,
    pub(super) client_capabilities: ClientCapabilities,
    /// The profiles asked for; `None` when the client or the server did not declare the
    /// extension.
    pub(super) requested: Option<RequestedProfiles>,
    /// The decision, where it depends on nothing but this description.
    pub(super) standing: Option<Standing>,
}

/// A decision that holds for every request with the same description.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) negotiated: Negotiated,
    pub(super) own_meta: Arc<[u8]>,
}

impl Described {
    /// Decodes a description; a server without a declaration `knows_profiles` not and ignores what
    /// is said of them.
    pub(super) fn read(
        meta: &RequestMeta<'_>,
        version: ProtocolVersion,
        knows_profiles: bool,
    ) -> Result<Self, ErrorObject> {
        let (client_info, client_capabilities) = meta.decode()?;
        let requested = match knows_profiles {
            true => requested(&client_capabilities)?,
            false => None,
        };
        Ok(Self {
            version_text: meta.protocol_version.as_ref().into(),
            capabilities_text: meta.client_capabilities.get().into(),
            info_text: meta.client_info.map(|info| info.get().into()),
            version,
            client_info,
            client_capabilities,
            requested,
            standing: None,
        })
    }

    pub(super) fn is(&self, meta: &RequestMeta<'_>) -> bool {
        *self.version_text == *meta.protocol_version
            && *self.capabilities_text == *meta.client_capabilities.get()
            && self.info_text.as_deref() == meta.client_info.map(|info| info.get())
    }
}

/// The profiles that capabilities ask for; `None` when they do not declare the extension.
pub(super) fn requested(
    capabilities: &ClientCapabilities,
) -> Result<Option<RequestedProfiles>, ErrorObject> {
    let Some(settings) = capabilities.extension(profile::EXTENSION) else { return Ok(None) };
    RequestedProfiles::parse_extension(settings.as_raw())
        .map(Some)
        .map_err(|error| ErrorObject::invalid_params(error.to_string()))
}
