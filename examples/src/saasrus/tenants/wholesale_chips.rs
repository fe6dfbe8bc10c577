//! Wholesale Chips: serves nobody whose client has not shown who it is by client credentials.
//!
//! The profile is compulsory, and it needs a check: was the caller's token issued for client
//! credentials (OAuth 2.1, 4.2), by an authorization server that we trust? SaaSRUS has no
//! authorization server yet, so nobody can answer that, and a check that cannot run has not been
//! passed. The profile is declared, everybody can see that it is needed, and nobody gets it.

use mcp_server::{Builder, Caller, Entitlement, Profile};

use super::{Place, Tenant};
use crate::saasrus::tokens::Plan;

/// The profile without which Wholesale Chips serves nobody.
pub const REQUIRE_CLIENT_CREDENTIALS: &str =
    "https://wholesalechips.co/mcp-profiles/require-client-credentials";

/// Wholesale Chips.
pub const TENANT: Tenant = Tenant {
    name: "wholesalechips",
    title: "Wholesale Chips",
    place: Place::Host,
    holders: &[("bob", Plan::Plus)],
    documents: &[
        (
            "Price list",
            "Salted, by the tonne: 2,140. Vinegar, by the tonne: 2,310. Ask for paprika.",
        ),
        ("Delivery", "Pallets leave on Tuesdays. A pallet is 48 cartons of 24 bags."),
        ("Chips that were returned", "Batch 7714 tasted of nothing. All 30 cartons are back."),
    ],
    terms,
};

fn terms(server: Builder) -> Builder {
    let required = Profile::new(REQUIRE_CLIENT_CREDENTIALS).min_mcp_version("2025-08-13");
    server.profile(required.compulsory()).entitlement(entitled)
}

/// Who may have the profile: whoever passed its check, and nobody else.
///
/// It runs for every session and for every modern request, so whoever loses what the check asks for
/// loses the profile at once.
async fn entitled(caller: Caller) -> Entitlement {
    match used_client_credentials(&caller) {
        Check::Passed => Entitlement::only([REQUIRE_CLIENT_CREDENTIALS]),
        Check::Failed | Check::CannotRun => Entitlement::none(),
    }
}

/// How a check went. That it could not run is an outcome of its own and never a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    Passed,
    Failed,
    CannotRun,
}

/// Whether the caller signed in with client credentials.
///
/// Only whoever checks tokens can know, and says so with [`GRANT`]. The sign-in of SaaSRUS says
/// nothing, because its own tokens were not granted to anybody in any such way.
fn used_client_credentials(caller: &Caller) -> Check {
    match caller.principal().attribute(GRANT) {
        Some("client_credentials") => Check::Passed,
        Some(_) => Check::Failed,
        None => Check::CannotRun,
    }
}

/// The fact about a caller that a token was granted in this way (RFC 6749, `grant_type`).
const GRANT: &str = "grant_type";

#[cfg(test)]
mod tests {
    use mcp_client::ReasonKind;
    use mcp_server::Principal;
    use mcp_test::{ERAS, pair};

    use super::*;

    #[tokio::test]
    async fn a_check_that_cannot_run_or_fails_grants_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let server = TENANT.open(directory.path()).unwrap().server;
        let bob = Principal::new("bob").with("plan", "plus");
        for caller in [Principal::local(), bob.clone(), bob.with(GRANT, "password")] {
            for era in ERAS {
                let pair = || pair(server.clone()).era(era).principal(caller.clone());
                let refused = pair().require(REQUIRE_CLIENT_CREDENTIALS).connect().await;
                let refused = refused.unwrap_err();
                let why = refused.rejection().unwrap().reason(REQUIRE_CLIENT_CREDENTIALS);
                assert_eq!(why.unwrap().kind(), &ReasonKind::NotPermitted);
            }
        }
    }

    #[tokio::test]
    async fn whoever_passes_the_check_is_served() {
        let directory = tempfile::tempdir().unwrap();
        let server = TENANT.open(directory.path()).unwrap().server;
        for era in ERAS {
            let robot = Principal::new("robot").with(GRANT, "client_credentials");
            let pair = pair(server.clone()).era(era).principal(robot);
            let client = pair.require(REQUIRE_CLIENT_CREDENTIALS).connect().await.unwrap();
            assert_eq!(client.list_all_tools().await.unwrap().len(), 4);
            client.shutdown().await.unwrap();
        }
    }
}
