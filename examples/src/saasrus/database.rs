//! The database of one tenant: a file of its own.
//!
//! A tenant's tools hold this tenant's database and no other, so there is no query that could
//! forget to say whose documents it means. What lies in the tables is known to [`documents`] and
//! [`tokens`].
//!
//! [`documents`]: super::documents
//! [`tokens`]: super::tokens

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{
    ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction,
};
use thiserror::Error;
use tokio::task::{JoinError, spawn_blocking};

/// The database of one tenant; cloning gives another handle to it.
#[derive(Clone)]
pub struct Database(Arc<redb::Database>);

impl Database {
    /// Opens the file, or creates it and lets `fill` put in what is there from the beginning.
    ///
    /// What `fill` wrote and the mark that it did are one transaction: a process that is ended
    /// meanwhile leaves a database that is filled when it is opened next.
    ///
    /// # Errors
    ///
    /// [`OpenError`], for instance when another process has the file open.
    pub fn open<F>(path: &Path, fill: F) -> Result<Self, OpenError>
    where
        F: FnOnce(&WriteTransaction) -> Result<(), DatabaseError>,
    {
        let open = || {
            let database = redb::Database::create(path)?;
            let transaction = database.begin_write()?;
            let version = {
                let mut about = transaction.open_table(ABOUT)?;
                let version = about.get("version")?.map(|version| version.value());
                if version.is_none() {
                    about.insert("version", VERSION)?;
                }
                version
            };
            if version.is_none() {
                fill(&transaction)?;
            }
            transaction.commit()?;
            Ok((database, version.unwrap_or(VERSION)))
        };
        let (database, version) =
            open().map_err(|source| OpenError::Unusable { path: path.to_owned(), source })?;
        if version != VERSION {
            return Err(OpenError::Version { path: path.to_owned(), version });
        }
        Ok(Self(Arc::new(database)))
    }

    /// Reads: everything that `work` sees is of one moment.
    ///
    /// # Errors
    ///
    /// What `work` fails with, and [`DatabaseError`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, `work` goes on and its result is lost.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
        F: FnOnce(&ReadTransaction) -> Result<T, E> + Send + 'static,
    {
        let database = Arc::clone(&self.0);
        blocking(move || work(&database.begin_read().map_err(DatabaseError::from)?)).await
    }

    /// Writes: all that `work` did, or, if it fails, nothing of it. When this returns, what was
    /// written is on the disk.
    ///
    /// # Errors
    ///
    /// What `work` fails with, and [`DatabaseError`].
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, `work` goes on, and nobody learns whether it succeeded.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<DatabaseError> + Send + 'static,
        F: FnOnce(&WriteTransaction) -> Result<T, E> + Send + 'static,
    {
        let database = Arc::clone(&self.0);
        blocking(move || {
            let transaction = database.begin_write().map_err(DatabaseError::from)?;
            // A transaction that is dropped changes nothing.
            let done = work(&transaction)?;
            transaction.commit().map_err(DatabaseError::from)?;
            Ok(done)
        })
        .await
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").finish_non_exhaustive()
    }
}

/// The database could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Reading or writing failed.
    #[error(transparent)]
    Failed(Box<redb::Error>),
    /// What lies there is not what was put there.
    #[error("a record is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
    /// The process ends, or the work panicked.
    #[error("the work was not finished: {0}")]
    Unfinished(#[from] JoinError),
}

impl DatabaseError {
    fn new(error: impl Into<redb::Error>) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

/// Every error of the database crate becomes a [`DatabaseError`].
macro_rules! from_redb {
    ($($error:ty),+) => {$(
        impl From<$error> for DatabaseError {
            fn from(error: $error) -> Self {
                Self::new(error)
            }
        }
    )+};
}

from_redb!(
    redb::StorageError,
    redb::TableError,
    redb::TransactionError,
    redb::CommitError,
    redb::DatabaseError
);

/// The database could not be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It cannot be created, or it is no database.
    #[error("cannot use the database `{path}`: {source}", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: DatabaseError,
    },
    /// It was written by another version of this program.
    #[error(
        "the database `{path}` has format {version}, this program reads format {VERSION}: choose \
         another directory",
        path = path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format.
        version: u64,
    },
}

/// Databases wait for disks, and a handler that waits like that would hold up everybody else.
async fn blocking<T, E, F>(work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DatabaseError> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(DatabaseError::from(error).into()),
    }
}

const ABOUT: TableDefinition<'_, &str, u64> = TableDefinition::new("about");
const VERSION: u64 = 1;
