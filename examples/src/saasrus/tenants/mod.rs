//! The customers of SaaSRUS: where each is reached, what it begins with, and on which terms it
//! serves.
//!
//! | tenant | reached at | profiles |
//! | --- | --- | --- |
//! | [`wholesale_chips`] | a host of its own | one, compulsory, that nobody has whom `saasrus` signs in |
//! | [`acme`] | a host of its own | has never heard of them |
//! | [`harbour_books`] | a host of its own | two tiers, basic and plus |
//! | [`corner_shop`] | a path on the shared host | has never heard of them |
//!
//! A tenant is opened with [`Tenant::open`]: its database, and its server on top of it.

pub mod acme;
pub mod corner_shop;
pub mod harbour_books;
pub mod wholesale_chips;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use mcp_server::{Builder, Server};
use thiserror::Error;

use super::database::{Database, OpenError};
use super::documents::{Documents, Draft};
use super::tokens::{Holder, Plan, Token, Tokens, TokensError};
use super::tools;

/// Every tenant.
pub const ALL: [&Tenant; 4] =
    [&wholesale_chips::TENANT, &acme::TENANT, &harbour_books::TENANT, &corner_shop::TENANT];

/// A customer of SaaSRUS.
#[derive(Debug)]
pub struct Tenant {
    /// A word: the name of its database, and part of its address.
    pub name: &'static str,
    /// Its name as people write it.
    pub title: &'static str,
    /// Where it is reached.
    pub place: Place,
    /// Who may sign in from the beginning.
    pub holders: &'static [(&'static str, Plan)],
    /// The documents that there are from the beginning: titles and texts.
    pub documents: &'static [(&'static str, &'static str)],
    /// On which terms it serves: profiles, and who may have them.
    pub terms: fn(Builder) -> Builder,
}

/// Where a tenant is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At `<name>.<domain>`.
    Host,
    /// At `<domain>/tenants/<name>`.
    Path,
}

/// A tenant whose database is open.
#[derive(Debug, Clone)]
pub struct OpenTenant {
    /// Which one.
    pub tenant: &'static Tenant,
    /// Who may sign in.
    pub tokens: Tokens,
    /// What serves its documents.
    pub server: Server,
    /// The tokens that were made because the database is new; nobody can see them again.
    pub issued: Vec<(Holder, Token)>,
}

impl Tenant {
    /// The tenant of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|tenant| tenant.name == name)
    }

    /// Where the tenant is reached: a host, and a path if it has no host of its own.
    pub fn address(&self, domain: &str) -> String {
        match self.place {
            Place::Host => format!("{}.{domain}", self.name),
            Place::Path => format!("{domain}/tenants/{}", self.name),
        }
    }

    /// The URL of the tenant's MCP endpoint, where there is no TLS.
    pub fn url(&self, domain: &str, port: u16) -> String {
        match self.place {
            Place::Host => format!("http://{}.{domain}:{port}/mcp", self.name),
            Place::Path => format!("http://{domain}:{port}/tenants/{}/mcp", self.name),
        }
    }

    /// Opens the tenant's database in this directory, and makes the server for what lies there.
    ///
    /// # Errors
    ///
    /// [`TenantError`].
    pub fn open(&'static self, directory: &Path) -> Result<OpenTenant, TenantError> {
        self.open_on(directory, self.terms)
    }

    /// Opens it on other terms than its own.
    ///
    /// # Errors
    ///
    /// [`TenantError`].
    pub fn open_on(
        &'static self,
        directory: &Path,
        terms: impl FnOnce(Builder) -> Builder,
    ) -> Result<OpenTenant, TenantError> {
        let made = self.holders.iter().map(|(name, plan)| {
            let holder = Holder { name: (*name).to_owned(), plan: *plan };
            Token::random().map(|token| (holder, token))
        });
        let mut issued = made.collect::<Result<Vec<_>, _>>()?;
        let mut new = false;
        let path = directory.join(self.name).with_extension("redb");
        let database = Database::open(&path, |transaction| {
            new = true;
            Documents::begin(transaction, self.drafts())?;
            Tokens::begin(transaction, issued.iter().map(|(holder, token)| (token, holder)))
        })?;
        if !new {
            issued.clear();
        }
        let server = Server::builder(self.name, env!("CARGO_PKG_VERSION"))
            .title(self.title)
            .instructions("Find a document with `search_documents`, then read it by its number.");
        let server = tools::offer(server, Documents::new(database.clone()));
        let server = terms(server).build()?;
        Ok(OpenTenant { tenant: self, tokens: Tokens::new(database), server, issued })
    }

    fn drafts(&self) -> impl Iterator<Item = Draft> {
        let added = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.documents.iter().map(move |(title, text)| Draft {
            title: (*title).to_owned(),
            text: (*text).to_owned(),
            author: self.title.to_owned(),
            added,
        })
    }
}

/// A tenant could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TenantError {
    /// Its database could not.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// There are no tokens for those who may sign in.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// Its terms do not fit together.
    #[error(transparent)]
    Server(#[from] mcp_server::Error),
}
