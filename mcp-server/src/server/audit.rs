//! One `tracing` event for each decision about profiles: an audit trail without secrets.

use mcp_core::authentication::Binding;
use mcp_core::jsonrpc::ErrorObject;
use mcp_core::profile::{
    Agreement, ProfilePolicy, Reason, ReasonKind, Rejection, RequestedProfiles,
};
use mcp_core::version::ProtocolVersion;
use mcp_core::{Negotiated, Principal, Tenant};

use crate::requires::Scopes;

/// Where the events go.
pub(crate) const TARGET: &str = "mcp::profiles";

/// Where those about tokens go.
pub(crate) const AUTHORIZATION: &str = "mcp::authorization";

/// Profiles are in force.
pub(crate) fn agreed(negotiated: &Negotiated, requested: &RequestedProfiles, reasons: &[Reason]) {
    tracing::info!(
        target: TARGET,
        decision = "agreed",
        version = negotiated.version().as_str(),
        tenant = negotiated.tenant().as_str(),
        principal = %negotiated.principal(),
        authentication = authentication(negotiated.principal()),
        requested = ?urls(requested.as_slice()),
        negotiated = ?urls(negotiated.profiles().as_slice()),
        reasons = ?shown(reasons),
    );
}

/// A caller was told what would be in force, and what not.
pub(crate) fn discovered(
    version: &ProtocolVersion,
    requested: &RequestedProfiles,
    would_be: &Agreement,
    policy: Option<&ProfilePolicy>,
    principal: &Principal,
    tenant: &Tenant,
) {
    let Agreement { profiles, reasons } = would_be;
    tracing::info!(
        target: TARGET,
        decision = "discovered",
        version = version.as_str(),
        tenant = tenant.as_str(),
        %principal,
        authentication = authentication(principal),
        unmet = unmet(reasons, policy, principal),
        requested = ?urls(requested.as_slice()),
        negotiated = ?urls(profiles.as_slice()),
        reasons = ?shown(reasons),
    );
}

/// There is no agreement.
///
/// What the caller is told ends with `notPermitted`; here stands also which demand is not met.
pub(crate) fn refused(
    rejection: &Rejection,
    policy: Option<&ProfilePolicy>,
    principal: &Principal,
    tenant: &Tenant,
) {
    tracing::warn!(
        target: TARGET,
        decision = "refused",
        version = rejection.version().map(|version| version.as_str()),
        tenant = tenant.as_str(),
        %principal,
        authentication = authentication(principal),
        unmet = unmet(rejection.reasons(), policy, principal),
        requested = ?urls(rejection.requested().as_slice()),
        reasons = ?shown(rejection.reasons()),
        message = rejection.message(),
    );
}

/// A tool was not reached: it is unknown, or a profile would have to be asked for.
pub(crate) fn kept_out(negotiated: &Negotiated, error: &ErrorObject) {
    tracing::info!(
        target: TARGET,
        decision = "kept out",
        code = error.code.0,
        version = negotiated.version().as_str(),
        tenant = negotiated.tenant().as_str(),
        principal = %negotiated.principal(),
        negotiated = ?urls(negotiated.profiles().as_slice()),
        message = &*error.message,
    );
}

/// Something exists for a caller who has to have more scopes for it.
pub(crate) fn lacks_scopes(negotiated: &Negotiated, scopes: &Scopes) {
    tracing::info!(
        target: AUTHORIZATION,
        decision = "denied",
        denial = "insufficient_scope",
        %scopes,
        tenant = negotiated.tenant().as_str(),
        principal = %negotiated.principal(),
        authentication = authentication(negotiated.principal()),
    );
}

/// How the caller was authenticated, in a few words.
fn authentication(principal: &Principal) -> Option<String> {
    let known = principal.authentication()?;
    let bound = match &known.binding {
        Binding::None => "unbound token",
        Binding::Certificate { .. } => "certificate-bound token",
        Binding::DPoP { .. } => "DPoP-bound token",
        _ => "bound token",
    };
    Some(format!("{bound} of {}", known.issuer))
}

/// What the profiles that were not permitted demand, and is not so.
fn unmet(
    reasons: &[Reason],
    policy: Option<&ProfilePolicy>,
    principal: &Principal,
) -> Option<String> {
    let refused = |url: &str| {
        reasons.iter().any(|reason| {
            reason.url().as_str() == url && matches!(reason.kind(), ReasonKind::NotPermitted)
        })
    };
    let unmet = policy?.unmet(principal).filter(|(url, _)| refused(url.as_str()));
    let unmet: Vec<String> = unmet.map(|(url, unmet)| format!("{url}: {unmet}")).collect();
    (!unmet.is_empty()).then(|| unmet.join("; "))
}

fn urls(profiles: &[mcp_core::profile::ProfileUrl]) -> Vec<&str> {
    profiles.iter().map(|url| url.as_str()).collect()
}

fn shown(reasons: &[Reason]) -> Vec<(&str, &str)> {
    reasons.iter().map(|reason| (reason.url().as_str(), reason.kind().as_str())).collect()
}
