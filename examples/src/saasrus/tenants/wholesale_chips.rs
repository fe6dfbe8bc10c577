//! Wholesale Chips: serves nobody whose client has not shown who it is by client credentials, with a
//! certificate of its own.
//!
//! The profile is compulsory, and it demands how its callers were authenticated: by a token of the
//! tenant's authorization server, bound to the certificate of a workload of Wholesale Chips. The
//! library checks that for every request, before anything of it runs. The sign-in of `saasrus` knows
//! no authorization server, so nobody who calls there was authenticated like this: the profile is
//! declared, everybody can see that it is needed, and nobody gets it. The example `wholesale-chips`
//! has all the parts.

use mcp_server::{Builder, Profile, RequiredAuthentication};

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
    terms: |server| terms(server, ISSUER),
};

/// The trust domain of Wholesale Chips: its workloads are `spiffe://wholesalechips.co/…`.
pub const TRUST_DOMAIN: &str = "wholesalechips.co";

/// The profile, compulsory, for callers with tokens of this authorization server.
///
/// It has to be one that gives tokens for client credentials alone (OAuth 2.1, 4.2): a token does not
/// say for what it was given.
pub fn terms(server: Builder, issuer: &str) -> Builder {
    let demanded =
        RequiredAuthentication::new().issuer(issuer).certificate_bound().trust_domain(TRUST_DOMAIN);
    let profile = Profile::new(REQUIRE_CLIENT_CREDENTIALS).min_mcp_version("2025-08-13");
    server.profile(profile.authentication(demanded).compulsory())
}

/// The authorization server of Wholesale Chips, which nothing here asks.
const ISSUER: &str = "https://login.saasrus.example/wholesalechips";

#[cfg(test)]
mod tests {
    use mcp_client::ReasonKind;
    use mcp_core::authentication::{Authentication, Binding};
    use mcp_server::Principal;
    use mcp_test::{ERAS, pair};

    use super::*;

    fn token(issuer: &str, binding: Binding) -> Authentication {
        let mut token = Authentication::new(issuer);
        token.client_id = Some("ordering-robot".into());
        token.binding = binding;
        token.spiffe_id = Some("spiffe://wholesalechips.co/ordering-robot".into());
        token
    }

    fn certificate() -> Binding {
        Binding::Certificate { thumbprint: "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0".into() }
    }

    #[tokio::test]
    async fn a_check_that_cannot_run_or_fails_grants_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let server = TENANT.open(directory.path()).unwrap().server;
        let bob = Principal::new("bob").with("plan", "plus");
        let mut of_acme = token(ISSUER, certificate());
        of_acme.spiffe_id = Some("spiffe://acme.example/ordering-robot".into());
        for caller in [
            Principal::local(),
            bob.clone(),
            bob.clone().authenticated(token("https://other.example", certificate())),
            bob.clone().authenticated(token(ISSUER, Binding::None)),
            bob.authenticated(of_acme),
        ] {
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
            let robot = Principal::new("robot").authenticated(token(ISSUER, certificate()));
            let pair = pair(server.clone()).era(era).principal(robot);
            let client = pair.require(REQUIRE_CLIENT_CREDENTIALS).connect().await.unwrap();
            assert_eq!(client.list_all_tools().await.unwrap().len(), 4);
            client.shutdown().await.unwrap();
        }
    }
}
