//! The documents of one tenant: found by their words, read, listed, added.
//!
//! A document and the words that it is found by are written in one transaction. This module knows
//! neither MCP nor tenants: whose documents these are is decided by whose [`Database`] it is.

use std::collections::{BTreeMap, BTreeSet};

use redb::{
    MultimapTableDefinition, ReadTransaction, ReadableTable as _, ReadableTableMetadata as _,
    TableDefinition, WriteTransaction,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::database::{Database, DatabaseError};

/// The documents in a database.
#[derive(Debug, Clone)]
pub struct Documents(Database);

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Its number
    pub id: u64,
    /// What it is about
    pub title: String,
    /// Who wrote it
    pub author: String,
    /// When it was added, in seconds since 1970
    pub added: u64,
    /// What it says
    pub text: String,
}

/// A document without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its number
    pub id: u64,
    /// What it is about
    pub title: String,
    /// Who wrote it
    pub author: String,
}

/// A document that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What it is about.
    pub title: String,
    /// What it says.
    pub text: String,
    /// Who wrote it.
    pub author: String,
    /// When, in seconds since 1970.
    pub added: u64,
}

/// Some of the documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Listing {
    /// The documents
    pub documents: Vec<Entry>,
    /// How many there are altogether
    pub total: usize,
}

impl Documents {
    /// The documents in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    /// Makes the tables, and puts the documents in that a tenant begins with.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub fn begin(
        transaction: &WriteTransaction,
        drafts: impl IntoIterator<Item = Draft>,
    ) -> Result<(), DatabaseError> {
        transaction.open_table(DOCUMENTS)?;
        transaction.open_multimap_table(WORDS)?;
        for draft in drafts {
            insert(transaction, draft)?;
        }
        Ok(())
    }

    /// Adds a document, and gives its number.
    ///
    /// # Errors
    ///
    /// [`DocumentsError::Empty`] and [`DocumentsError::TooLong`] for the draft,
    /// [`DocumentsError::Full`] for the database.
    pub async fn add(&self, draft: Draft) -> Result<u64, DocumentsError> {
        for (what, text, most) in
            [("title", &draft.title, LONGEST_TITLE), ("text", &draft.text, LONGEST_TEXT)]
        {
            if text.trim().is_empty() {
                return Err(DocumentsError::Empty { what });
            }
            if text.len() > most {
                return Err(DocumentsError::TooLong { what, most });
            }
        }
        let add = move |transaction: &WriteTransaction| {
            if count(transaction)? >= MOST {
                return Err(DocumentsError::Full);
            }
            Ok(insert(transaction, draft)?)
        };
        self.0.write(add).await
    }

    /// Removes a document, and gives what it was.
    ///
    /// # Errors
    ///
    /// [`DocumentsError::Unknown`] when there is none with this number.
    pub async fn remove(&self, id: u64) -> Result<Document, DocumentsError> {
        let remove = move |transaction: &WriteTransaction| remove(transaction, id);
        self.0.write(remove).await?.ok_or(DocumentsError::Unknown { id })
    }

    /// A document.
    ///
    /// # Errors
    ///
    /// [`DocumentsError::Unknown`] when there is none with this number.
    pub async fn read(&self, id: u64) -> Result<Document, DocumentsError> {
        let read = move |transaction: &ReadTransaction| -> Result<_, DatabaseError> {
            let documents = transaction.open_table(DOCUMENTS)?;
            let document = documents.get(id)?;
            document.map(|document| parse(document.value())).transpose()
        };
        self.0.read(read).await?.ok_or(DocumentsError::Unknown { id })
    }

    /// At most `most` documents with numbers greater than `after`.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn list(&self, after: u64, most: usize) -> Result<Listing, DocumentsError> {
        let list = move |transaction: &ReadTransaction| -> Result<_, DatabaseError> {
            let documents = transaction.open_table(DOCUMENTS)?;
            let total = usize::try_from(documents.len()?).unwrap_or(usize::MAX);
            let mut listed = Vec::new();
            for document in documents.range(after.saturating_add(1)..)?.take(most) {
                listed.push(parse(document?.1.value())?);
            }
            Ok(Listing { documents: listed, total })
        };
        Ok(self.0.read(list).await?)
    }

    /// At most `most` documents that have, for each word of `text`, one that begins with it; those
    /// with more such words go first.
    ///
    /// # Errors
    ///
    /// [`DocumentsError::Empty`] when there is no word in `text`.
    pub async fn search(&self, text: &str, most: usize) -> Result<Listing, DocumentsError> {
        let wanted: Vec<String> = words(text).into_iter().take(MOST_WORDS).collect();
        if wanted.is_empty() {
            return Err(DocumentsError::Empty { what: "text" });
        }
        let search = move |transaction: &ReadTransaction| -> Result<_, DatabaseError> {
            let index = transaction.open_multimap_table(WORDS)?;
            // For each document, how many of the wanted words it has, and by how many of its own.
            let mut found: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
            for (nth, wanted) in wanted.iter().enumerate() {
                for entry in index.range(wanted.as_str()..)? {
                    let (word, ids) = entry?;
                    if !word.value().starts_with(wanted.as_str()) {
                        break;
                    }
                    for id in ids {
                        let (has, by) = found.entry(id?.value()).or_default();
                        if *has == nth {
                            *has += 1;
                        }
                        *by += 1;
                    }
                }
            }
            found.retain(|_, (has, _)| *has == wanted.len());
            let total = found.len();
            let mut found: Vec<_> = found.into_iter().collect();
            found.sort_by_key(|(id, (_, by))| (std::cmp::Reverse(*by), *id));
            let documents = transaction.open_table(DOCUMENTS)?;
            let mut listed = Vec::new();
            for (id, _) in found.into_iter().take(most) {
                if let Some(document) = documents.get(id)? {
                    listed.push(parse(document.value())?);
                }
            }
            Ok(Listing { documents: listed, total })
        };
        Ok(self.0.read(search).await?)
    }
}

/// What was asked of the documents cannot be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DocumentsError {
    /// There is no document with this number.
    #[error("there is no document {id}: `list_documents` gives the numbers")]
    Unknown {
        /// The number.
        id: u64,
    },
    /// Nothing was given where something is needed.
    #[error("`{what}` is empty: give at least one word")]
    Empty {
        /// The argument.
        what: &'static str,
    },
    /// More was given than is kept.
    #[error("`{what}` is longer than {most} bytes: shorten it")]
    TooLong {
        /// The argument.
        what: &'static str,
        /// How long it may be.
        most: usize,
    },
    /// There are as many documents as there may be.
    #[error("there are {MOST} documents already, which is all that there may be")]
    Full,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

fn count(transaction: &WriteTransaction) -> Result<u64, DatabaseError> {
    Ok(transaction.open_table(DOCUMENTS)?.len()?)
}

/// Adds a document and its words.
fn insert(transaction: &WriteTransaction, draft: Draft) -> Result<u64, DatabaseError> {
    let mut documents = transaction.open_table(DOCUMENTS)?;
    // Counted, and not one more than the last: the number of what was removed is never given again.
    let mut counters = transaction.open_table(COUNTERS)?;
    let id = counters.get("documents")?.map_or(0, |last| last.value()) + 1;
    counters.insert("documents", id)?;
    let Draft { title, text, author, added } = draft;
    let mut index = transaction.open_multimap_table(WORDS)?;
    for word in words(&title).union(&words(&text)) {
        index.insert(word.as_str(), id)?;
    }
    let document = serde_json::to_vec(&Document { id, title, author, added, text })?;
    documents.insert(id, document.as_slice())?;
    Ok(id)
}

/// Removes a document and its words.
fn remove(transaction: &WriteTransaction, id: u64) -> Result<Option<Document>, DatabaseError> {
    let mut documents = transaction.open_table(DOCUMENTS)?;
    let Some(removed) = documents.remove(id)? else { return Ok(None) };
    let document: Document = parse(removed.value())?;
    let mut index = transaction.open_multimap_table(WORDS)?;
    for word in words(&document.title).union(&words(&document.text)) {
        index.remove(word.as_str(), id)?;
    }
    Ok(Some(document))
}

/// A document as it lies in the table, or those of its fields that `T` has.
fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, DatabaseError> {
    Ok(serde_json::from_slice(bytes)?)
}

/// The words of a text, without capitals, each once.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.to_lowercase().chars().take(LONGEST_WORD).collect()).collect()
}

const DOCUMENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("documents");
const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");
const WORDS: MultimapTableDefinition<'_, &str, u64> = MultimapTableDefinition::new("words");

const MOST: u64 = 10_000;
const MOST_WORDS: usize = 8;
const LONGEST_WORD: usize = 40;
const LONGEST_TITLE: usize = 200;
const LONGEST_TEXT: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(title: &str, text: &str) -> Draft {
        Draft { title: title.to_owned(), text: text.to_owned(), author: "ada".to_owned(), added: 7 }
    }

    fn documents(directory: &tempfile::TempDir) -> Documents {
        let drafts = [draft("Opening hours", "From nine to five."), draft("Prices", "Fair.")];
        let path = directory.path().join("shop.redb");
        let begin = |transaction: &WriteTransaction| Documents::begin(transaction, drafts);
        Documents::new(Database::open(&path, begin).unwrap())
    }

    fn titles(listing: &Listing) -> Vec<&str> {
        listing.documents.iter().map(|entry| entry.title.as_str()).collect()
    }

    #[tokio::test]
    async fn what_was_added_is_there_when_the_database_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let id = documents(&directory).add(draft("Returns", "Within nine days.")).await.unwrap();
        let again = documents(&directory);
        assert_eq!(again.read(id).await.unwrap().text, "Within nine days.");
        // It was filled once.
        assert_eq!(again.list(0, 10).await.unwrap().total, 3);
        let found = again.search("nin", 10).await.unwrap();
        assert_eq!(titles(&found), ["Opening hours", "Returns"]);
    }

    #[tokio::test]
    async fn a_search_finds_what_has_all_words_and_the_best_first() {
        let directory = tempfile::tempdir().unwrap();
        let documents = documents(&directory);
        documents.add(draft("Fives", "Five, FIVEFOLD and nine.")).await.unwrap();
        let found = documents.search("five NINE", 10).await.unwrap();
        assert_eq!(titles(&found), ["Fives", "Opening hours"]);
        let first = documents.search("five NINE", 1).await.unwrap();
        assert_eq!((titles(&first), first.total), (vec!["Fives"], 2));
        assert_eq!(documents.search("five fair", 10).await.unwrap().total, 0);
        assert!(matches!(documents.search(" …", 10).await, Err(DocumentsError::Empty { .. })));
    }

    #[tokio::test]
    async fn a_list_goes_on_after_a_number() {
        let directory = tempfile::tempdir().unwrap();
        let documents = documents(&directory);
        let first = documents.list(0, 1).await.unwrap();
        assert_eq!((titles(&first), first.total), (vec!["Opening hours"], 2));
        assert_eq!(titles(&documents.list(1, 1).await.unwrap()), ["Prices"]);
        assert!(documents.list(u64::MAX, 1).await.unwrap().documents.is_empty());
    }

    #[tokio::test]
    async fn what_was_removed_is_neither_listed_nor_found() {
        let directory = tempfile::tempdir().unwrap();
        let documents = documents(&directory);
        assert_eq!(documents.remove(2).await.unwrap().title, "Prices");
        assert_eq!(documents.search("fair", 10).await.unwrap().total, 0);
        assert_eq!(titles(&documents.list(0, 10).await.unwrap()), ["Opening hours"]);
        assert!(matches!(documents.remove(2).await, Err(DocumentsError::Unknown { id: 2 })));
        // Nor is its number given to another one.
        assert_eq!(documents.add(draft("Prices", "Higher.")).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn drafts_that_do_not_fit_change_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let documents = documents(&directory);
        let why = |added: Result<u64, DocumentsError>| added.unwrap_err().to_string();
        assert_eq!(
            why(documents.add(draft("", "x")).await),
            "`title` is empty: give at least one word"
        );
        assert_eq!(
            why(documents.add(draft("x", &"x".repeat(LONGEST_TEXT + 1))).await),
            "`text` is longer than 65536 bytes: shorten it"
        );
        assert_eq!(documents.list(0, 10).await.unwrap().total, 2);
    }

    #[tokio::test]
    async fn two_processes_do_not_share_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let _documents = documents(&directory);
        let again = Database::open(&directory.path().join("shop.redb"), |_| Ok(()));
        assert!(again.unwrap_err().to_string().contains("cannot use the database"));
    }
}
