//! The list of films: how it is read and how it is searched.
//!
//! The module knows where a list comes from and which words find a film in it; what makes one film
//! complete is the business of [`film`](super::film).

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use serde::Deserialize;
use thiserror::Error;

use super::{
    film::{Film, LONGEST_ID, TitleId},
    search,
};

/// A list of films, cheap to clone.
#[derive(Debug, Clone)]
pub struct Catalogue {
    entries: Arc<[Entry]>,
}

impl Catalogue {
    /// The catalogue that comes with the service.
    ///
    /// It is parsed the first time somebody asks for it.
    pub fn bundled() -> Self {
        static BUNDLED: LazyLock<Catalogue> = LazyLock::new(|| {
            Catalogue::parse(include_str!("catalogue.json"))
                .expect("the bundled catalogue parses, as a test of this module checks")
        });
        BUNDLED.clone()
    }

    /// Reads a catalogue from a JSON file of the same form as the bundled one.
    ///
    /// # Errors
    ///
    /// As [`Catalogue::parse`], and if the file cannot be read or is larger than 4 MiB.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CatalogueError> {
        let path = path.as_ref();
        let unreadable = |source| CatalogueError::Unreadable { path: path.into(), source };
        let mut text = String::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(LARGEST_FILE + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > LARGEST_FILE {
            return Err(CatalogueError::TooLarge { path: path.into() });
        }
        Self::parse(&text)
    }

    /// Reads a catalogue from JSON text.
    ///
    /// # Errors
    ///
    /// If the text is not a catalogue: the error names the place, such as `films[3].look.tones`,
    /// and what was expected there. Two films may not share an id, and one film is the least.
    pub fn parse(json: &str) -> Result<Self, CatalogueError> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let listed: Listed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            CatalogueError::Invalid { at: error.path().to_string(), source: error.into_inner() }
        })?;
        reader.end().map_err(|source| CatalogueError::Invalid { at: "the end".into(), source })?;
        if listed.films.is_empty() {
            return Err(CatalogueError::Empty);
        }
        for (position, film) in listed.films.iter().enumerate() {
            if let Some(first) = listed.films[..position].iter().position(|f| f.id == film.id) {
                return Err(CatalogueError::Twice { id: film.id.clone(), first, position });
            }
        }
        Ok(Self { entries: listed.films.into_iter().map(Entry::new).collect() })
    }

    /// All films, in the order of the file.
    pub fn films(&self) -> impl ExactSizeIterator<Item = &Film> {
        self.entries.iter().map(|entry| &entry.film)
    }

    /// The film with this id.
    ///
    /// Case does not matter, and blanks may stand for hyphens.
    ///
    /// # Errors
    ///
    /// [`UnknownTitle`], with the ids that come closest.
    pub fn film(&self, id: &str) -> Result<&Film, UnknownTitle> {
        let asked: String = id.trim().chars().take(LONGEST_ID + 1).collect();
        let wanted = search::words(&asked);
        let slug = wanted.join("-");
        if let Some(film) = self.films().find(|film| film.id.as_str() == slug) {
            return Ok(film);
        }
        let mut close: Vec<(usize, &TitleId)> = self
            .entries
            .iter()
            .filter_map(|entry| Some((entry.distance(&slug, &wanted)?, &entry.film.id)))
            .collect();
        close.sort();
        let suggestions = close.into_iter().take(3).map(|(_, id)| id.clone()).collect();
        Err(UnknownTitle { asked, suggestions })
    }

    /// The films in which every word of `query` occurs, best match first, at most `limit` of them.
    ///
    /// Words are looked for in title, director, genres, country, year and synopsis, without regard
    /// to case and accents; a part of a word is enough. A match in the title counts most, one in
    /// the synopsis least. A query without words finds every film, in the order of the file. Words
    /// after the sixteenth are not looked at.
    pub fn search(&self, query: &str, limit: usize) -> Hits<'_> {
        let mut wanted = search::words(&query.chars().take(LONGEST_QUERY).collect::<String>());
        wanted.truncate(MOST_WORDS);
        let mut scored: Vec<(u32, &Film)> = self
            .entries
            .iter()
            .filter_map(|entry| Some((entry.score(&wanted)?, &entry.film)))
            .collect();
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        let total = scored.len();
        let did_you_mean = if total == 0 { self.correct(&wanted) } else { None };
        let films = scored.into_iter().take(limit).map(|(_, film)| film).collect();
        Hits { films, total, did_you_mean }
    }

    /// The films whose id or title starts with `typed`, in the order of the file.
    pub fn starting_with(&self, typed: &str) -> impl Iterator<Item = &Film> {
        let wanted = search::words(typed).join(" ");
        self.entries
            .iter()
            .filter(move |entry| {
                entry.title.join(" ").starts_with(&wanted)
                    || entry.film.id.as_str().replace('-', " ").starts_with(&wanted)
            })
            .map(|entry| &entry.film)
    }

    /// The query with every unknown word replaced by the nearest known one, if that finds anything.
    fn correct(&self, wanted: &[String]) -> Option<String> {
        let corrected = wanted.iter().map(|word| self.nearest(word)).collect::<Option<Vec<_>>>()?;
        let finds = self.entries.iter().any(|entry| entry.score(&corrected).is_some());
        (finds && corrected != wanted).then(|| corrected.join(" "))
    }

    fn nearest(&self, word: &str) -> Option<String> {
        let known = self.entries.iter().flat_map(|entry| {
            [&entry.title, &entry.director, &entry.genres, &entry.place].into_iter().flatten()
        });
        known
            .filter_map(|known| {
                Some((search::mistakes(word, known, search::forgiven(word))?, known))
            })
            .min()
            .map(|(_, known)| known.clone())
    }
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Hits<'a> {
    /// The films, best match first.
    pub films: Vec<&'a Film>,
    /// How many films match, including those beyond the limit.
    pub total: usize,
    /// A query that does find something, if this one found nothing and looks misspelt.
    pub did_you_mean: Option<String>,
}

/// No film has this id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct UnknownTitle {
    /// The id that was asked for, shortened if it was very long.
    pub asked: String,
    /// Up to three ids that come close, nearest first.
    pub suggestions: Vec<TitleId>,
}

impl std::fmt::Display for UnknownTitle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no title has the id `{}`: ", self.asked.escape_debug())?;
        match self.suggestions.as_slice() {
            [] => f.write_str("search the catalogue for the id"),
            [first, others @ ..] => {
                write!(f, "did you mean `{first}`")?;
                others.iter().try_for_each(|other| write!(f, " or `{other}`"))?;
                f.write_str("?")
            }
        }
    }
}

/// A catalogue could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The file could not be read.
    #[error("cannot read the catalogue `{path}`: {source}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is too large to be a catalogue.
    #[error("the catalogue `{path}` is larger than 4 MiB: split it", path = path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// The text is not a catalogue.
    #[error("the catalogue is wrong at `{at}`: {source}")]
    Invalid {
        /// The place, such as `films[3].look.tones`.
        at: String,
        /// What is wrong there, with line and column.
        source: serde_json::Error,
    },
    /// Two films have the same id.
    #[error("films[{first}] and films[{position}] both have the id `{id}`: rename one")]
    Twice {
        /// The id.
        id: TitleId,
        /// The position of the first film with it.
        first: usize,
        /// The position of the second.
        position: usize,
    },
    /// There is no film.
    #[error("the catalogue lists no film: add one to `films`")]
    Empty,
}

/// A film with its words as the search compares them.
#[derive(Debug)]
struct Entry {
    film: Film,
    title: Vec<String>,
    director: Vec<String>,
    genres: Vec<String>,
    place: Vec<String>,
    synopsis: Vec<String>,
}

impl Entry {
    fn new(film: Film) -> Self {
        let mut place = search::words(&film.country);
        place.push(film.year.to_string());
        Self {
            title: search::words(&film.title),
            director: search::words(&film.director),
            genres: film.genres.iter().flat_map(|genre| search::words(genre)).collect(),
            place,
            synopsis: search::words(&film.synopsis),
            film,
        }
    }

    /// How well the film fits the words, or `None` if one of them does not occur.
    fn score(&self, wanted: &[String]) -> Option<u32> {
        let fields = [
            (10, &self.title),
            (6, &self.director),
            (5, &self.genres),
            (4, &self.place),
            (1, &self.synopsis),
        ];
        let mut score = if *wanted == self.title { 100 } else { 0 };
        for word in wanted {
            let best = fields
                .iter()
                .flat_map(|(weight, words)| {
                    words.iter().map(move |known| weight * fit(word, known))
                })
                .max()
                .filter(|best| *best > 0)?;
            score += best;
        }
        Some(score)
    }

    /// How far the film is from an id nobody has, or `None` if it is not meant.
    fn distance(&self, slug: &str, wanted: &[String]) -> Option<usize> {
        let id = self.film.id.as_str();
        let whole = search::mistakes(slug, id, search::forgiven(slug));
        let part = || {
            let near = |word: &String| {
                self.title
                    .iter()
                    .filter_map(|known| search::mistakes(word, known, search::forgiven(word)))
                    .min()
            };
            let each = wanted.iter().map(near).collect::<Option<Vec<_>>>()?;
            let missing = self.title.len().abs_diff(wanted.len());
            (!each.is_empty()).then(|| each.iter().sum::<usize>() + missing)
        };
        whole.or_else(part)
    }
}

fn fit(word: &str, known: &str) -> u32 {
    if word == known {
        4
    } else if known.starts_with(word) {
        2
    } else if word.len() >= 3 && known.contains(word) {
        1
    } else {
        0
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    films: Vec<Film>,
}

const LARGEST_FILE: u64 = 4 << 20;
const LONGEST_QUERY: usize = 1000;
const MOST_WORDS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(hits: &Hits<'_>) -> Vec<String> {
        hits.films.iter().map(|film| film.id.to_string()).collect()
    }

    fn bundled_with(from: &str, to: &str) -> String {
        let json = include_str!("catalogue.json");
        assert!(json.contains(from), "the bundled catalogue contains {from}");
        Catalogue::parse(&json.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn bundled_catalogue_parses_and_has_a_dozen_films() {
        let catalogue = Catalogue::parse(include_str!("catalogue.json")).unwrap();
        assert!(catalogue.films().len() >= 12);
        assert!(catalogue.films().all(|film| film.intertitles.len() >= 2));
    }

    #[test]
    fn every_word_must_match_without_case_or_accents() {
        let catalogue = Catalogue::bundled();
        assert_eq!(ids(&catalogue.search("MELIES moon", 10)), ["a-trip-to-the-moon"]);
        assert_eq!(ids(&catalogue.search("sjöström", 10)), ["the-phantom-carriage"]);
        assert_eq!(ids(&catalogue.search("murnau comedy", 10)), [""; 0]);
    }

    #[test]
    fn a_match_in_the_title_comes_before_one_in_the_synopsis() {
        let hits = ids(&Catalogue::bundled().search("night", 10));
        assert_eq!(hits[0], "night-of-the-living-dead");
        let hits = ids(&Catalogue::bundled().search("moon", 10));
        assert_eq!(hits[0], "a-trip-to-the-moon");
    }

    #[test]
    fn the_limit_cuts_the_films_but_not_the_total() {
        let catalogue = Catalogue::bundled();
        let hits = catalogue.search("", 3);
        assert_eq!((hits.films.len(), hits.total), (3, catalogue.films().len()));
        assert_eq!(catalogue.search("", 0).films.len(), 0);
    }

    #[test]
    fn a_misspelt_query_is_corrected() {
        let catalogue = Catalogue::bundled();
        let hits = catalogue.search("nosfreatu munrau", 10);
        assert_eq!(hits.did_you_mean.as_deref(), Some("nosferatu murnau"));
        assert_eq!(catalogue.search("xylophone", 10).did_you_mean, None);
    }

    #[test]
    fn an_unknown_id_is_answered_with_near_ones() {
        let catalogue = Catalogue::bundled();
        assert_eq!(catalogue.film("The Kid").unwrap().id.as_str(), "the-kid");
        assert_eq!(
            catalogue.film("nosferato").unwrap_err().to_string(),
            "no title has the id `nosferato`: did you mean `nosferatu`?"
        );
        assert_eq!(
            catalogue.film("caligary").unwrap_err().suggestions[0].as_str(),
            "the-cabinet-of-dr-caligari"
        );
        assert_eq!(
            catalogue.film("zzzzzz").unwrap_err().to_string(),
            "no title has the id `zzzzzz`: search the catalogue for the id"
        );
        assert!(catalogue.film(&"x".repeat(100_000)).unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn completion_follows_id_and_title() {
        let catalogue = Catalogue::bundled();
        let started = |typed: &str| catalogue.starting_with(typed).count();
        assert_eq!(started("nos"), 1);
        assert_eq!(started("The-"), started("the"));
        assert_eq!(started("Häx"), 1);
    }

    #[test]
    fn errors_name_the_place_and_what_was_expected() {
        assert!(
            bundled_with("\"#0a0618\"", "\"blue\"")
                .starts_with("the catalogue is wrong at `films[0]")
        );
        assert!(bundled_with("\"#0a0618\"", "\"blue\"").contains("expected the form `#1a2b3c`"));
        assert!(bundled_with("\"the-kid\"", "\"The Kid\"").contains("`The Kid` is no title id"));
        assert!(bundled_with("\"at\": 610", "\"at\": 9610").contains("at second 9610 stays"));
        assert!(bundled_with("\"seconds\": 780", "\"seconds\": 0").contains("nonzero"));
        assert!(bundled_with("Gentlemen, we leave by cannon!", " ").contains("has 0 letters"));
        assert!(bundled_with("\"year\": 1902", "\"yaer\": 1902").contains("`yaer`"));
        assert_eq!(
            bundled_with("\"the-kid\"", "\"nosferatu\""),
            "films[2] and films[4] both have the id `nosferatu`: rename one"
        );
        let empty = Catalogue::parse(r#"{"films": []}"#).unwrap_err().to_string();
        assert_eq!(empty, "the catalogue lists no film: add one to `films`");
    }

    #[test]
    fn a_file_is_read_like_the_bundled_text() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vidsrus");
        let catalogue = Catalogue::load(here.join("catalogue.json")).unwrap();
        assert_eq!(catalogue.films().len(), Catalogue::bundled().films().len());
        let error = Catalogue::load(here.join("missing.json")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read the catalogue `"), "{error}");
    }
}
