//! VidsRUS as an MCP server: five tools, two profiles, and who may have which.
//!
//! | module | owns |
//! | --- | --- |
//! | [`tools`] | what a model can call, written as plain functions |
//! | [`offer`] | the two profiles, their settings and limits, and the declaration |
//! | [`accounts`] | who has signed in, and whether they have paid |
//! | [`http`] | who has signed in over HTTP, where a token says it |
//! | [`command`] | the command line |
//!
//! The tools never ask which profile is in force. They take `Settings<Tier>`, and the library hands
//! them the tier of the profile that was negotiated.

pub mod accounts;
pub mod command;
pub mod http;
pub mod offer;
pub mod tools;

use mcp_server::{Caller, Entitlement, Error, Principal, Server, State};

pub use accounts::{Account, Accounts, Plan};
pub use offer::{Offer, PREMIUM, STANDARD};

use crate::vidsrus::{Catalogue, Tier};

/// What VidsRUS is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The films.
    pub catalogue: Catalogue,
    /// The customers.
    pub accounts: Accounts,
    /// The customer who has signed in; `None` for a passer-by, who gets what is free, and over HTTP,
    /// where every request says who it is.
    pub user: Option<Account>,
    /// The profiles on offer.
    pub offer: Offer,
}

/// The server.
///
/// # Errors
///
/// [`Error::Misuse`] when its parts do not fit together.
///
/// # Examples
///
/// ```
/// use mcp_examples::server::{Accounts, Offer, Setup, build};
/// use mcp_examples::vidsrus::Catalogue;
///
/// let (catalogue, accounts) = (Catalogue::bundled(), Accounts::bundled());
/// let user = Some(accounts.find("ada")?.clone());
/// let server = build(Setup { catalogue, accounts, user, offer: Offer::default() })?;
/// assert!(server.tool_names().contains(&"preview".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn build(setup: Setup) -> Result<Server, Error> {
    let Setup { catalogue, accounts, user, offer } = setup;
    let caller = user.map_or_else(Principal::local, |account| Principal::new(account.name));
    let mut server = Server::builder("vidsrus", env!("CARGO_PKG_VERSION"))
        .title("VidsRUS")
        .instructions("Find a film with `search`; every other tool takes its id as `title`.")
        .state(catalogue)
        .state(accounts)
        .local_principal(caller)
        // For clients whose protocol is older than both profiles.
        .default_settings(Tier::STANDARD)
        .tool(tools::search)
        .tool(tools::preview)
        .tool(tools::play)
        .tool(tools::transcode);
    let profiles = offer.into_profiles();
    if !profiles.is_empty() {
        server = server.exclusive(profiles).entitlement(entitled);
    }
    server.build()
}

/// Who may have which profile: premium is for those who pay, and they get it unasked.
async fn entitled(caller: Caller, accounts: State<Accounts>) -> Entitlement {
    let account = caller.principal().id().and_then(|name| accounts.find(name).ok());
    match account.map(|account| account.plan) {
        Some(Plan::Paid) => Entitlement::all().pick(PREMIUM),
        Some(Plan::Free) | None => Entitlement::only([STANDARD]),
    }
}
