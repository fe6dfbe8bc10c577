//! One film: what is known of it, and which values are possible.
//!
//! A film is read once into values that cannot be wrong: identifiers are slugs, colours are colours,
//! intertitles lie inside their film. After that nothing checks them again. The module does not
//! know how a film looks on the screen, only the words that describe its look.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One film of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, try_from = "Unchecked")]
#[schemars(!try_from)]
#[non_exhaustive]
pub struct Film {
    /// The name of the film in addresses and arguments.
    pub id: TitleId,
    /// The title as people write it.
    pub title: String,
    /// The year it was first shown.
    pub year: u16,
    /// Who directed it.
    pub director: String,
    /// Where it was made.
    pub country: String,
    /// How long it runs, in seconds.
    pub seconds: NonZeroU32,
    /// What kind of film it is.
    pub genres: Vec<String>,
    /// What happens, in one sentence.
    pub synopsis: String,
    /// How its frames are drawn.
    pub look: Look,
    /// The lines of text it shows, in order.
    pub intertitles: Vec<Intertitle>,
}

impl Film {
    /// The line of text on the screen at `second`, if there is one.
    pub fn intertitle_at(&self, second: u32) -> Option<&Intertitle> {
        self.intertitles.iter().find(|line| (line.at..line.until()).contains(&second))
    }

    /// The width of a picture of this film that is `height` lines tall.
    ///
    /// Films older than 1953, when cinemas turned wide, are 4:3 and later ones 16:9. The width is
    /// even, as video codecs want it.
    pub fn width_at(&self, height: u32) -> u32 {
        let (across, down) = if self.year < 1953 { (4, 3) } else { (16, 9) };
        height.saturating_mul(across).div_ceil(down).next_multiple_of(2)
    }
}

impl TryFrom<Unchecked> for Film {
    type Error = String;

    fn try_from(film: Unchecked) -> Result<Self, String> {
        let id = &film.id;
        if !(1888..=2100).contains(&film.year) {
            return Err(format!("`{id}` has the year {}, expected 1888 to 2100", film.year));
        }
        if film.seconds.get() > LONGEST_FILM {
            return Err(format!("`{id}` runs {} s, expected {LONGEST_FILM} at most", film.seconds));
        }
        let lines = film.intertitles.iter().map(|line| ("text of an intertitle", &line.text));
        let names = [("title", &film.title), ("director", &film.director)];
        for (name, text) in names.into_iter().chain(lines) {
            let length = text.trim().chars().count();
            if !(1..=LONGEST_TEXT).contains(&length) {
                return Err(format!(
                    "the {name} of `{id}` has {length} letters, expected 1 to {LONGEST_TEXT}"
                ));
            }
        }
        let mut free_from = 0;
        for line in &film.intertitles {
            if line.at < free_from || line.until() > film.seconds.get() {
                return Err(format!(
                    "the intertitle of `{id}` at second {} stays for {} s, expected them in order, \
                     apart, and before the film ends at {}",
                    line.at,
                    Intertitle::SECONDS,
                    film.seconds
                ));
            }
            free_from = line.until();
        }
        let Unchecked { id, title, year, director, country, seconds, genres, .. } = film;
        let Unchecked { synopsis, look, intertitles, .. } = film;
        Ok(Self {
            id,
            title,
            year,
            director,
            country,
            seconds,
            genres,
            synopsis,
            look,
            intertitles,
        })
    }
}

/// The name of a film in addresses and arguments: lower-case words joined by hyphens.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String")]
#[schemars(!try_from)]
pub struct TitleId(String);

impl TitleId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for TitleId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TitleId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let slug = text.split('-').all(|word| !word.is_empty() && word.chars().all(plain));
        if slug && text.len() <= LONGEST_ID {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{}` is no title id, expected lower-case words joined by hyphens, {LONGEST_ID} \
                 letters at most",
                text.chars().take(LONGEST_ID).collect::<String>()
            ))
        }
    }
}

/// How the frames of a film are drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Look {
    /// The mood in words, for people.
    pub mood: String,
    /// Where the film plays.
    pub setting: Setting,
    /// When it plays.
    pub hour: Hour,
    /// Who walks through the picture.
    pub walker: Walker,
    /// The colours of the film from the darkest to the lightest.
    pub tones: Tones,
}

/// Where a film plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Setting {
    /// A castle among mountains.
    Castle,
    /// A big city.
    Skyline,
    /// A town in which nothing is upright.
    Crooked,
    /// The surface of the moon.
    Moonscape,
    /// A hill with graves and bare trees.
    Graveyard,
    /// Open country with a railway.
    Railway,
    /// The sea with a warship.
    Sea,
    /// A city of domes and towers.
    Minarets,
}

/// When a film plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Hour {
    /// Dark, with a moon and stars.
    Night,
    /// A low sun and long light.
    Dusk,
    /// A bright sky.
    Day,
}

/// Who walks through the pictures of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Walker {
    /// Nobody.
    None,
    /// Somebody with a bowler hat and a cane.
    Bowler,
    /// Somebody in a long cloak.
    Cloak,
    /// Somebody tall with long fingers.
    Vampire,
}

/// The colours of a film from the darkest to the lightest, two to eight of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Colour>")]
#[schemars(!try_from)]
pub struct Tones(Vec<Colour>);

impl Tones {
    /// The colours, at least two.
    pub fn colours(&self) -> &[Colour] {
        &self.0
    }
}

impl TryFrom<Vec<Colour>> for Tones {
    type Error = String;

    fn try_from(colours: Vec<Colour>) -> Result<Self, String> {
        match colours.len() {
            2..=8 => Ok(Self(colours)),
            other => Err(format!("found {other} colours, expected two to eight, dark to light")),
        }
    }
}

/// A colour, written as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(!try_from, !into, with = "String")]
pub struct Colour {
    /// The red part.
    pub red: u8,
    /// The green part.
    pub green: u8,
    /// The blue part.
    pub blue: u8,
}

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text
            .strip_prefix('#')
            .filter(|rest| rest.len() == 6 && rest.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                let [_, red, green, blue] = value.to_be_bytes();
                Ok(Self { red, green, blue })
            }
            None => Err(format!(
                "`{}` is no colour, expected the form `#1a2b3c`",
                text.chars().take(20).collect::<String>()
            )),
        }
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        format!("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue)
    }
}

/// A line of text that fills the screen for a few seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intertitle {
    /// The second at which it appears.
    pub at: u32,
    /// What it says.
    pub text: String,
}

impl Intertitle {
    /// How long an intertitle stays.
    pub const SECONDS: u32 = 5;

    /// The first second at which it is gone again.
    pub fn until(&self) -> u32 {
        self.at.saturating_add(Self::SECONDS)
    }
}

/// A film as the file has it, before the checks that look at several fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Unchecked {
    id: TitleId,
    title: String,
    year: u16,
    director: String,
    country: String,
    seconds: NonZeroU32,
    genres: Vec<String>,
    synopsis: String,
    look: Look,
    #[serde(default)]
    intertitles: Vec<Intertitle>,
}

/// The most letters of a title id.
pub(super) const LONGEST_ID: usize = 80;
const LONGEST_FILM: u32 = 24 * 60 * 60;
const LONGEST_TEXT: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidsrus::Catalogue;

    #[test]
    fn a_film_survives_json() {
        for film in Catalogue::bundled().films() {
            let json = serde_json::to_string(film).unwrap();
            assert_eq!(serde_json::from_str::<Film>(&json).unwrap(), *film);
        }
    }

    #[test]
    fn the_schema_describes_what_is_written() {
        let schema = schemars::schema_for!(Film).to_value();
        let at = |pointer: &str| schema.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(at("/$defs/TitleId/type"), "string");
        assert_eq!(at("/$defs/Tones/type"), "array");
        assert_eq!(at("/$defs/Colour/type"), "string");
        assert_eq!(at("/properties/seconds/minimum"), 1);
    }

    #[test]
    fn width_follows_the_year() {
        let catalogue = Catalogue::bundled();
        let width = |id, height| catalogue.film(id).unwrap().width_at(height);
        assert_eq!((width("nosferatu", 480), width("nosferatu", 1080)), (640, 1440));
        assert_eq!((width("charade", 480), width("charade", 1080)), (854, 1920));
    }
}
