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

    /// The description alone, without what was decided about whoever gave it.
    pub(super) fn of_anybody(mut self) -> Self {
        self.standing = None;
        self
    }

    /// Whether it is worth being remembered, and costs little.
    pub(super) fn is_small(&self) -> bool {
        let info = self.info_text.as_deref().map_or(0, str::len);
        self.version_text.len() + self.capabilities_text.len() + info <= MOST_REMEMBERED
    }

    pub(super) fn is(&self, meta: &RequestMeta<'_>) -> bool {
        *self.version_text == *meta.protocol_version
            && *self.capabilities_text == *meta.client_capabilities.get()
            && self.info_text.as_deref() == meta.client_info.map(|info| info.get())
    }
}

/// Longest description that outlives its session, in bytes.
const MOST_REMEMBERED: usize = 4096;

/// The profiles that capabilities ask for; `None` when they do not declare the extension.
pub(super) fn requested(
    capabilities: &ClientCapabilities,
) -> Result<Option<RequestedProfiles>, ErrorObject> {
    let Some(settings) = capabilities.extension(profile::EXTENSION) else { return Ok(None) };
    RequestedProfiles::parse_extension(settings.as_raw())
        .map(Some)
        .map_err(|error| ErrorObject::invalid_params(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::{ServerConfig, ServerEvent, ServerMemory, ServerSession};
    use super::*;
    use crate::outbox::Outbox;
    use crate::principal::{Principal, Tenant};

    fn call(session: &mut ServerSession, client: &str) -> Negotiated {
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"echo","_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{{"name":"{client}","version":"1"}},"io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        );
        let mut out = Outbox::default();
        for message in session.read(request.as_bytes(), &mut out) {
            if let Some(ServerEvent::Call(call)) = session.handle(message, &mut out) {
                return call.negotiated;
            }
        }
        panic!("no call: {}", String::from_utf8_lossy(out.bytes()));
    }

    fn memory() -> ServerMemory {
        let mut config = ServerConfig::new(Implementation::new("server", "1"));
        config.capabilities.tools = Some(Default::default());
        ServerMemory::new(Arc::new(config))
    }

    #[test]
    fn memory_of_one_caller_says_nothing_about_the_next() {
        let ada = Principal::new("ada").with("plan", "paid");
        let mut session = ServerSession::with_memory(memory(), ada, Tenant::default());
        let of_ada = call(&mut session, "same");
        assert!(of_ada.principal().has("plan", "paid"));
        let memory = session.take_memory();
        assert!(memory.described.as_ref().is_some_and(|described| described.standing.is_none()));

        let unpaid = Principal::new("ada");
        let mut session = ServerSession::with_memory(memory, unpaid, Tenant::default());
        let negotiated = call(&mut session, "same");
        assert!(!negotiated.principal().has("plan", "paid"));
        let memory = session.take_memory();
        let mut session = ServerSession::with_memory(memory, Principal::local(), Tenant::default());
        let of_other = call(&mut session, "other");
        assert_eq!(of_other.client_info().map(|info| &*info.name), Some("other"));
    }

    #[test]
    fn long_descriptions_are_not_remembered() {
        let mut session =
            ServerSession::with_memory(memory(), Principal::local(), Tenant::default());
        call(&mut session, &"n".repeat(MOST_REMEMBERED));
        assert!(session.take_memory().described.is_none());
    }
}
