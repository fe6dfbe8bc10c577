//! The customers of the service and what they pay for.
//!
//! Over stdio nobody signs in with a password: the operator who starts the server says who it is
//! for. This module only knows whether there is such a customer.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use thiserror::Error;

/// A list of customers, cheap to clone.
#[derive(Debug, Clone)]
pub struct Accounts(Arc<[Account]>);

/// One customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The name they sign in with.
    pub name: String,
    /// What they pay for.
    pub plan: Plan,
}

/// What a customer pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Nothing.
    Free,
    /// Premium.
    Paid,
}

impl Accounts {
    /// The customers that come with the service.
    pub fn bundled() -> Self {
        Self::parse(include_str!("accounts.json"))
            .expect("the bundled accounts parse, as a test of this module checks")
    }

    /// Reads a JSON file: an array of `{"name": "ada", "plan": "paid"}`, with plan `free` or `paid`.
    ///
    /// # Errors
    ///
    /// As [`Accounts::parse`], and if the file cannot be read or is larger than 1 MiB.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, AccountsError> {
        let path = path.as_ref();
        let unreadable = |source| AccountsError::Unreadable { path: path.into(), source };
        let mut text = String::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > LARGEST_FILE {
            return Err(AccountsError::TooLarge { path: path.into() });
        }
        Self::parse(&text)
    }

    /// Reads the same from text.
    ///
    /// # Errors
    ///
    /// If the text is no such array, or two accounts have the same name.
    pub fn parse(json: &str) -> Result<Self, AccountsError> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let accounts: Vec<Account> =
            serde_path_to_error::deserialize(&mut reader).map_err(|error| {
                AccountsError::Invalid { at: error.path().to_string(), source: error.into_inner() }
            })?;
        reader.end().map_err(|source| AccountsError::Invalid { at: "the end".into(), source })?;
        for (at, account) in accounts.iter().enumerate() {
            if accounts[..at].iter().any(|other| other.name == account.name) {
                return Err(AccountsError::Twice { name: account.name.clone() });
            }
        }
        Ok(Self(accounts.into()))
    }

    /// The customer of this name.
    ///
    /// # Errors
    ///
    /// [`UnknownAccount`], which says who there is.
    pub fn find(&self, name: &str) -> Result<&Account, UnknownAccount> {
        self.0.iter().find(|account| account.name == name).ok_or_else(|| UnknownAccount {
            asked: name.chars().take(40).collect(),
            known: self.0.iter().take(10).map(|account| account.name.clone()).collect(),
        })
    }
}

/// Nobody has this name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("nobody has the account `{}`: choose one of {}", .asked.escape_debug(), .known.join(", "))]
pub struct UnknownAccount {
    asked: String,
    known: Vec<String>,
}

/// The accounts could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// The file could not be read.
    #[error("cannot read the accounts `{path}`: {source}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is too large to be a list of accounts.
    #[error("the accounts `{path}` are larger than 1 MiB: split the file", path = path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// The text is no list of accounts.
    #[error("the accounts are wrong at `{at}`: {source}")]
    Invalid {
        /// The place, such as `[3].plan`.
        at: String,
        /// What is wrong there, with line and column.
        source: serde_json::Error,
    },
    /// Two accounts have the same name.
    #[error("the account `{}` is there twice: rename one", .name.escape_debug())]
    Twice {
        /// The name.
        name: String,
    },
}

const LARGEST_FILE: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundled_accounts_pay_or_do_not() {
        let accounts = Accounts::bundled();
        assert_eq!(accounts.find("ada").unwrap().plan, Plan::Paid);
        assert_eq!(accounts.find("grace").unwrap().plan, Plan::Free);
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = Accounts::bundled().find("bob\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "nobody has the account `bob\\n`: choose one of ada, grace, linus, margaret"
        );
    }

    #[test]
    fn mistakes_in_the_file_are_named() {
        let wrong = |json| Accounts::parse(json).unwrap_err().to_string();
        let plan = wrong(r#"[{"name": "ada", "plan": "gold"}]"#);
        assert!(plan.starts_with("the accounts are wrong at `[0].plan`: unknown variant `gold`"));
        let twice = wrong(r#"[{"name": "a", "plan": "free"}, {"name": "a", "plan": "paid"}]"#);
        assert_eq!(twice, "the account `a` is there twice: rename one");
    }
}
