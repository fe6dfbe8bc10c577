//! One event for each decision about profiles, with target `mcp::profiles`.

use mcp_core::profile::{NegotiatedProfiles, Reason, Rejection, RequestedProfiles};
use mcp_core::session::client::{Agreed, ClientConfig};
use mcp_core::types::Implementation;

use crate::text::one_line;

/// The session was established.
pub(crate) fn agreed(config: &ClientConfig, agreed: &Agreed) {
    let policy = &config.policy;
    if !policy.is_aware() {
        return;
    }
    tracing::info!(
        target: "mcp::profiles",
        requested = %requested(policy.requested()),
        negotiated = %agreed.profiles(),
        version = %agreed.version(),
        server = server(agreed.server().server_info.as_ref()),
        reasons = reasons(agreed.reasons()),
        "profiles agreed"
    );
    if let Some(problem) = agreed.declaration_problem() {
        tracing::warn!(target: "mcp::profiles", %problem, "the server's declaration is broken");
    } else if agreed.declaration().is_none() && agreed.profiles().is_empty() {
        tracing::warn!(target: "mcp::profiles", "the server says nothing about profiles");
    }
}

/// The set in force is another one; the required profiles are in it.
pub(crate) fn changed(agreed: &Agreed, before: &NegotiatedProfiles) {
    tracing::warn!(
        target: "mcp::profiles",
        negotiated = %agreed.profiles(),
        %before,
        version = %agreed.version(),
        server = server(agreed.server().server_info.as_ref()),
        "the profiles in force have changed"
    );
}

/// There was no agreement, or there is none any more.
pub(crate) fn rejected(config: &ClientConfig, rejection: &Rejection) {
    tracing::warn!(
        target: "mcp::profiles",
        requested = %requested(config.policy.requested()),
        negotiated = "",
        version = rejection.version().map(tracing::field::display),
        server = rejection.server().unwrap_or_default(),
        reasons = reasons(rejection.reasons()),
        "{rejection}"
    );
}

fn requested(profiles: &RequestedProfiles) -> String {
    profiles.iter().map(|url| url.as_str()).collect::<Vec<_>>().join(", ")
}

fn reasons(reasons: &[Reason]) -> String {
    let each = reasons.iter().map(|reason| format!("{} {}", reason.url(), reason.kind().as_str()));
    each.collect::<Vec<_>>().join(", ")
}

fn server(info: Option<&Implementation>) -> String {
    let text = info.map(|info| format!("{} {}", info.name, info.version)).unwrap_or_default();
    one_line(&text, NAME)
}

/// How many characters of a server's name are shown.
const NAME: usize = 120;
