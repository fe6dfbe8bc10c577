//! Bearer tokens of one tenant: who holds them, and what they pay for.
//!
//! A token is 256 random bits, and what the database keeps is its SHA-256 digest. Whoever reads the
//! database cannot sign in with what stands there. A slow hash, as passwords need, would add
//! nothing: there is no list of likely tokens to try.
//!
//! A token is worth something in its tenant's database and nowhere else.

use std::fmt::{self, Write as _};

use redb::{ReadTransaction, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::database::{Database, DatabaseError};

/// The tokens in a database.
#[derive(Debug, Clone)]
pub struct Tokens(Database);

/// Who holds a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The name, unique within the tenant.
    pub name: String,
    /// What they pay for.
    pub plan: Plan,
}

/// What the holder of a token pays for; what that means is for the tenant to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// What everybody gets.
    Basic,
    /// More.
    Plus,
}

/// A token as its holder sends it. It cannot be shown again.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Tokens {
    /// The tokens in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    /// Makes the table, and puts in the tokens that a tenant begins with.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub fn begin<'a>(
        transaction: &WriteTransaction,
        holders: impl IntoIterator<Item = (&'a Token, &'a Holder)>,
    ) -> Result<(), DatabaseError> {
        transaction.open_table(TOKENS)?;
        holders.into_iter().try_for_each(|(token, holder)| insert(transaction, token, holder))
    }

    /// Makes a token for this holder; older ones stay valid.
    ///
    /// # Errors
    ///
    /// [`TokensError`].
    pub async fn issue(&self, holder: Holder) -> Result<Token, TokensError> {
        let token = Token::random()?;
        let kept = token.clone();
        self.0.write(move |transaction| insert(transaction, &kept, &holder)).await?;
        Ok(token)
    }

    /// Who holds this token, if anybody does.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn holder(&self, token: &str) -> Result<Option<Holder>, DatabaseError> {
        let digest = digest(token);
        let find = move |transaction: &ReadTransaction| {
            let tokens = transaction.open_table(TOKENS)?;
            let holder = tokens.get(digest)?;
            Ok(holder.map(|holder| serde_json::from_slice(holder.value())).transpose()?)
        };
        self.0.read(find).await
    }

    /// Makes this token worthless, from the next request on; says whether it was worth anything.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn revoke(&self, token: &str) -> Result<bool, DatabaseError> {
        let digest = digest(token);
        let remove = move |transaction: &WriteTransaction| {
            Ok(transaction.open_table(TOKENS)?.remove(digest)?.is_some())
        };
        self.0.write(remove).await
    }
}

impl Plan {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Plus => "plus",
        }
    }
}

impl Token {
    /// The token, to be given to its holder.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A token that nobody has yet.
    ///
    /// # Errors
    ///
    /// [`TokensError::NoRandomness`].
    pub fn random() -> Result<Self, TokensError> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits).map_err(TokensError::NoRandomness)?;
        let mut token = "saasrus_".to_owned();
        for byte in bits {
            let _ = write!(token, "{byte:02x}");
        }
        Ok(Self(token))
    }
}

/// Shows nothing: whoever reads a log cannot sign in with it.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A token could not be made or looked up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokensError {
    /// The operating system has no random numbers.
    #[error("the system gives no random numbers: {0}")]
    NoRandomness(getrandom::Error),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

fn insert(
    transaction: &WriteTransaction,
    token: &Token,
    holder: &Holder,
) -> Result<(), DatabaseError> {
    let holder = serde_json::to_vec(holder)?;
    transaction.open_table(TOKENS)?.insert(digest(&token.0), holder.as_slice())?;
    Ok(())
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

const TOKENS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("tokens");

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(directory: &tempfile::TempDir, name: &str) -> Tokens {
        let begin = |transaction: &WriteTransaction| Tokens::begin(transaction, []);
        Tokens::new(Database::open(&directory.path().join(name), begin).unwrap())
    }

    #[tokio::test]
    async fn a_token_is_worth_something_in_its_database_until_it_is_revoked() {
        let directory = tempfile::tempdir().unwrap();
        let (ours, theirs) = (tokens(&directory, "ours"), tokens(&directory, "theirs"));
        let ada = Holder { name: "ada".to_owned(), plan: Plan::Plus };
        let token = ours.issue(ada.clone()).await.unwrap();
        assert_eq!(ours.holder(token.as_str()).await.unwrap(), Some(ada));
        assert_eq!(theirs.holder(token.as_str()).await.unwrap(), None);
        assert!(ours.revoke(token.as_str()).await.unwrap());
        assert_eq!(ours.holder(token.as_str()).await.unwrap(), None);
        assert!(!ours.revoke(token.as_str()).await.unwrap());
    }

    #[tokio::test]
    async fn the_database_and_debug_output_hold_no_token() {
        let directory = tempfile::tempdir().unwrap();
        let ours = tokens(&directory, "ours");
        let ada = Holder { name: "ada".to_owned(), plan: Plan::Basic };
        let token = ours.issue(ada).await.unwrap();
        assert_eq!(token.as_str().len(), "saasrus_".len() + 64);
        assert!(!format!("{token:?}").contains(&token.as_str()[8..]));
        drop(ours);
        let kept = std::fs::read(directory.path().join("ours")).unwrap();
        let secret = &token.as_str().as_bytes()[8..];
        assert!(!kept.windows(secret.len()).any(|bytes| bytes == secret));
        assert!(kept.windows(3).any(|bytes| bytes == b"ada"), "the holder is there");
    }
}
