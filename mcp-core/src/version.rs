//! Protocol versions and the two eras they belong to.
//!
//! This module owns the names of the released revisions, their order, and which era each of them
//! speaks. It does not know which versions a session offers, nor what differs on the wire.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A version of the Model Context Protocol, as it is written on the wire.
///
/// The value is open: a version that this crate does not know keeps its text and survives a round
/// trip, but has no [`era`](Self::era). Cloning never copies text.
///
/// # Examples
///
/// ```
/// use mcp_core::version::{Era, ProtocolVersion};
///
/// assert_eq!(ProtocolVersion::LATEST.era(), Some(Era::Modern));
/// assert_eq!(ProtocolVersion::from("2025-06-18"), ProtocolVersion::V2025_06_18);
/// assert!(!ProtocolVersion::from("2031-01-01").is_known());
/// ```
#[derive(Clone)]
pub struct ProtocolVersion(Text);

#[derive(Clone)]
enum Text {
    Known(&'static str),
    Other(Arc<str>),
}

impl ProtocolVersion {
    /// Revision 2024-11-05, the first.
    pub const V2024_11_05: Self = Self(Text::Known("2024-11-05"));
    /// Revision 2025-03-26, the only one with JSON-RPC batches.
    pub const V2025_03_26: Self = Self(Text::Known("2025-03-26"));
    /// Revision 2025-06-18.
    pub const V2025_06_18: Self = Self(Text::Known("2025-06-18"));
    /// Revision 2025-11-25, the last with an `initialize` handshake.
    pub const V2025_11_25: Self = Self(Text::Known("2025-11-25"));
    /// Revision 2026-07-28, the first of the modern era.
    pub const V2026_07_28: Self = Self(Text::Known("2026-07-28"));
    /// The newest version this crate speaks.
    pub const LATEST: Self = Self::V2026_07_28;
    /// The newest version of the legacy era, which `initialize` offers.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;
    /// Every version this crate speaks, newest first.
    pub const KNOWN: &'static [Self] = &[
        Self::V2026_07_28,
        Self::V2025_11_25,
        Self::V2025_06_18,
        Self::V2025_03_26,
        Self::V2024_11_05,
    ];

    /// The text as it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Known(text) => text,
            Text::Other(text) => text,
        }
    }

    /// The era whose rules this version follows, or `None` when the version is not known.
    ///
    /// An unknown version is never guessed at: what a later revision changes cannot be foreseen.
    #[must_use]
    pub fn era(&self) -> Option<Era> {
        match &self.0 {
            Text::Known(_) if *self == Self::V2026_07_28 => Some(Era::Modern),
            Text::Known(_) => Some(Era::Legacy),
            Text::Other(_) => None,
        }
    }

    /// Whether this crate speaks this version.
    #[must_use]
    pub fn is_known(&self) -> bool {
        matches!(self.0, Text::Known(_))
    }

    /// The version as a date that can be compared, or `None` when its text is not a date.
    #[must_use]
    pub fn date(&self) -> Option<VersionDate> {
        self.as_str().parse().ok()
    }

    fn known(text: &str) -> Option<Self> {
        Self::KNOWN.iter().find(|version| version.as_str() == text).cloned()
    }
}

impl From<&str> for ProtocolVersion {
    fn from(text: &str) -> Self {
        Self::known(text).unwrap_or_else(|| Self(Text::Other(text.into())))
    }
}

impl From<String> for ProtocolVersion {
    fn from(text: String) -> Self {
        Self::known(&text).unwrap_or_else(|| Self(Text::Other(text.into())))
    }
}

impl FromStr for ProtocolVersion {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.into())
    }
}

impl AsRef<str> for ProtocolVersion {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for ProtocolVersion {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ProtocolVersion {}

impl Hash for ProtocolVersion {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialEq<str> for ProtocolVersion {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProtocolVersion({:?})", self.as_str())
    }
}

impl Serialize for ProtocolVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProtocolVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ProtocolVersion;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a protocol version as a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<ProtocolVersion, E> {
                Ok(text.into())
            }

            fn visit_string<E>(self, text: String) -> Result<ProtocolVersion, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Which set of rules a version follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// 2024-11-05 to 2025-11-25: an `initialize` handshake opens a session.
    Legacy,
    /// 2026-07-28: no handshake, every request describes itself in `_meta`.
    Modern,
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        })
    }
}

/// The date in a version's name, which orders versions by age.
///
/// The text is exactly `YYYY-MM-DD` and a day that the Gregorian calendar has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionDate {
    year: u16,
    month: u8,
    day: u8,
}

impl VersionDate {
    /// Compares with a version; one whose name is not a date is older than every date.
    #[must_use]
    pub fn cmp_version(self, version: &ProtocolVersion) -> Ordering {
        version.date().map_or(Ordering::Greater, |date| self.cmp(&date))
    }

    const fn from_text(text: &[u8]) -> Option<Self> {
        if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
            return None;
        }
        let (Some(year), Some(month), Some(day)) =
            (number(text, 0, 4), number(text, 5, 7), number(text, 8, 10))
        else {
            return None;
        };
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        if day == 0 || day > last {
            return None;
        }
        Some(Self { year, month: month as u8, day: day as u8 })
    }
}

impl FromStr for VersionDate {
    type Err = InvalidVersionDate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_text(text.as_bytes()).ok_or(InvalidVersionDate)
    }
}

impl fmt::Display for VersionDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl Serialize for VersionDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VersionDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = VersionDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date YYYY-MM-DD as a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<VersionDate, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// A text that is not a date of the form `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a calendar date: write it as YYYY-MM-DD, for instance 2025-11-25")]
pub struct InvalidVersionDate;

const fn number(text: &[u8], from: usize, to: usize) -> Option<u16> {
    let mut value = 0;
    let mut at = from;
    while at < to {
        let digit = text[at];
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + (digit - b'0') as u16;
        at += 1;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_versions_are_listed_newest_first_and_have_an_era() {
        let dates: Vec<_> = ProtocolVersion::KNOWN.iter().map(|v| v.date().unwrap()).collect();
        assert!(dates.is_sorted_by(|newer, older| newer > older));
        assert_eq!(ProtocolVersion::KNOWN[0], ProtocolVersion::LATEST);
        for version in ProtocolVersion::KNOWN {
            let modern = *version == ProtocolVersion::V2026_07_28;
            assert_eq!(version.era(), Some(if modern { Era::Modern } else { Era::Legacy }));
        }
    }

    #[test]
    fn unknown_version_survives_a_round_trip_without_an_era() {
        let version: ProtocolVersion = serde_json::from_str(r#""DRAFT-2027""#).unwrap();
        assert_eq!((version.era(), version.is_known(), version.date()), (None, false, None));
        assert_eq!(serde_json::to_string(&version).unwrap(), r#""DRAFT-2027""#);
    }

    #[test]
    fn known_text_reads_as_the_constant() {
        let read: ProtocolVersion = serde_json::from_str(r#""2025-03-\u0032\u0036""#).unwrap();
        assert!(read.is_known());
        assert_eq!(read, ProtocolVersion::V2025_03_26);
    }

    #[test]
    fn only_calendar_dates_are_dates() {
        for good in ["2025-11-25", "2024-02-29", "2000-02-29", "9999-12-31"] {
            assert_eq!(good.parse::<VersionDate>().unwrap().to_string(), good);
        }
        let bad = [
            "",
            "2025-11-2",
            "2025-11-255",
            "2025-13-01",
            "2025-00-01",
            "2025-01-00",
            "2025-02-29",
            "1900-02-29",
            "2025-04-31",
            "2025/11/25",
            "+025-11-25",
            " 025-11-25",
            "２025-1-1",
        ];
        for bad in bad {
            assert!(bad.parse::<VersionDate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn version_that_is_no_date_is_older_than_every_date() {
        let first: VersionDate = "0000-01-01".parse().unwrap();
        assert_eq!(first.cmp_version(&"draft".into()), Ordering::Greater);
        assert_eq!(first.cmp_version(&ProtocolVersion::V2024_11_05), Ordering::Less);
    }

    proptest! {
        #[test]
        fn dates_order_as_their_text_does(a in "[0-9]{4}-[01][0-9]-[0-3][0-9]", b in "[0-9]{4}-[01][0-9]-[0-3][0-9]") {
            if let (Ok(x), Ok(y)) = (a.parse::<VersionDate>(), b.parse::<VersionDate>()) {
                prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,12}") {
            let _ = text.parse::<VersionDate>();
            let version = ProtocolVersion::from(text.as_str());
            prop_assert_eq!(version.as_str(), text);
        }
    }
}
