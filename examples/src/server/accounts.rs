//! The customers of the service and what they pay for.
//!
//! Over stdio nobody signs in: the operator who starts the server says who it is for. Over HTTP a
//! bearer token says it, of which only the SHA-256 digest is here. This module only knows whether
//! there is such a customer.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
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
    /// The digest of the token with which they sign in over HTTP; they cannot without one.
    #[serde(default, rename = "tokenSha256")]
    pub token: Option<TokenDigest>,
}

/// The SHA-256 digest of a token, which has to be a long random text; in JSON 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TokenDigest([u8; 32]);

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

    /// Reads a JSON file: an array of `{"name": "ada", "plan": "paid", "tokenSha256": "4bf8…"}`, with
    /// plan `free` or `paid`, and without token for those who do not sign in over HTTP.
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
    /// If the text is no such array, or two accounts have the same name or token.
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
            let same = |other: &Account| other.token.is_some() && other.token == account.token;
            if accounts[..at].iter().any(same) {
                return Err(AccountsError::SameToken { name: account.name.clone() });
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

    /// The customer who holds this token.
    pub fn holder(&self, token: &str) -> Option<&Account> {
        let digest = TokenDigest::of(token);
        self.0.iter().find(|account| account.token == Some(digest))
    }
}

impl TokenDigest {
    /// The digest of this token.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

impl TryFrom<String> for TokenDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut digest = [0; 32];
        let is_hex = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        for (at, byte) in digest.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).filter(|_| is_hex);
            let read = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            *byte = read.ok_or("a SHA-256 digest has 64 hexadecimal digits")?;
        }
        Ok(Self(digest))
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
    /// Two accounts have the same token.
    #[error("the account `{}` has the token of another one: give it its own", .name.escape_debug())]
    SameToken {
        /// The name of the second.
        name: String,
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
    fn a_token_belongs_to_one_account() {
        let accounts = Accounts::bundled();
        assert_eq!(accounts.holder("vidsrus-ada").unwrap().name, "ada");
        assert!(accounts.holder("vidsrus-bob").is_none());
        assert!(
            Accounts::parse(r#"[{"name": "a", "plan": "free"}]"#).unwrap().holder("").is_none()
        );
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
        let wrong = |json: &str| Accounts::parse(json).unwrap_err().to_string();
        let plan = wrong(r#"[{"name": "ada", "plan": "gold"}]"#);
        assert!(plan.starts_with("the accounts are wrong at `[0].plan`: unknown variant `gold`"));
        let twice = wrong(r#"[{"name": "a", "plan": "free"}, {"name": "a", "plan": "paid"}]"#);
        assert_eq!(twice, "the account `a` is there twice: rename one");
        let token = |name: &str, digit: &str| {
            format!(
                r#"{{"name": "{name}", "plan": "free", "tokenSha256": "{}"}}"#,
                digit.repeat(64)
            )
        };
        let same = wrong(&format!("[{}, {}]", token("a", "7"), token("b", "7")));
        assert_eq!(same, "the account `b` has the token of another one: give it its own");
        let no_digest = wrong(&format!("[{}]", token("a", "g")));
        assert!(no_digest.contains("64 hexadecimal digits"), "{no_digest}");
    }
}
