//! The declaration: the profiles that a server supports, for one tenant, in order.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::raw_list::{self, ListProblem};
use super::url::ProfileUrl;
use crate::version::{InvalidVersionDate, ProtocolVersion, VersionDate};

/// The oldest protocol version with which a profile is available.
///
/// Missing means any version. A date that no released version reaches is valid: the profile is not
/// available yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MinMcpVersion(Option<VersionDate>);

impl MinMcpVersion {
    /// Any version, even one whose name is not a date.
    pub const ANY: Self = Self(None);

    /// The date, or `None` for [`MinMcpVersion::ANY`].
    #[must_use]
    pub fn date(self) -> Option<VersionDate> {
        self.0
    }

    /// Whether a profile with this minimum is available in a session or request of `version`.
    ///
    /// A version whose name is not a date is older than every date.
    #[must_use]
    pub fn admits(self, version: &ProtocolVersion) -> bool {
        self.0.is_none_or(|date| date.cmp_version(version).is_le())
    }
}

impl From<VersionDate> for MinMcpVersion {
    fn from(date: VersionDate) -> Self {
        Self(Some(date))
    }
}

impl FromStr for MinMcpVersion {
    type Err = InvalidVersionDate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(|date| Self(Some(date)))
    }
}

/// The text on the wire, where a date always stands: for any version that of the first release.
impl fmt::Display for MinMcpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(date) => date.fmt(f),
            None => f.write_str(ProtocolVersion::V2024_11_05.as_str()),
        }
    }
}

impl Serialize for MinMcpVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MinMcpVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        VersionDate::deserialize(deserializer).map(Self::from)
    }
}

/// One entry of a declaration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeclaredProfile {
    url: ProfileUrl,
    min_mcp_version: MinMcpVersion,
    default: bool,
}

impl DeclaredProfile {
    /// A profile that is available from a protocol version on, and not by default.
    #[must_use]
    pub fn new(url: ProfileUrl, min_mcp_version: MinMcpVersion) -> Self {
        Self { url, min_mcp_version, default: false }
    }

    /// Says whether the profile is in force for those who ask for none.
    #[must_use]
    pub fn with_default(mut self, default: bool) -> Self {
        self.default = default;
        self
    }

    /// The profile.
    #[must_use]
    pub fn url(&self) -> &ProfileUrl {
        &self.url
    }

    /// The oldest protocol version with which it is available.
    #[must_use]
    pub fn min_mcp_version(&self) -> MinMcpVersion {
        self.min_mcp_version
    }

    /// Whether it is in force for those who ask for none.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.default
    }
}

impl Serialize for DeclaredProfile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = 2 + usize::from(self.default);
        let mut entry = serializer.serialize_struct("DeclaredProfile", fields)?;
        entry.serialize_field("profileURL", &self.url)?;
        entry.serialize_field("minMcpVersion", &self.min_mcp_version)?;
        if self.default {
            entry.serialize_field("default", &true)?;
        }
        entry.end()
    }
}

/// The profiles that a server supports, for one tenant, in the server's order.
///
/// No profile stands in it twice, and it is within the bounds that hold for every declaration.
/// Cloning copies a pointer. It is serialised as the bare JSON array of the well-known document and
/// of `supported`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declaration(Arc<[DeclaredProfile]>);

impl Declaration {
    /// The most entries.
    pub const MAX_ENTRIES: usize = 256;
    /// The most bytes of JSON.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// A declaration of these profiles in this order.
    ///
    /// # Errors
    ///
    /// When there are too many, when together they take more than [`Self::MAX_BYTES`] on the wire,
    /// or when a profile stands in it twice.
    pub fn new(
        entries: impl IntoIterator<Item = DeclaredProfile>,
    ) -> Result<Self, InvalidDeclaration> {
        let mut kept: Vec<DeclaredProfile> = Vec::new();
        for entry in entries {
            if kept.len() == Self::MAX_ENTRIES {
                return Err(InvalidDeclaration::TooManyEntries);
            }
            kept.push(entry);
        }
        let bytes = 2 + kept.iter().map(wire_bytes).sum::<usize>();
        if bytes > Self::MAX_BYTES {
            return Err(InvalidDeclaration::TooLarge { bytes });
        }
        Self::without_repetition(kept)
    }

    /// Reads the bare JSON array, for instance the body of the well-known document.
    ///
    /// Unknown members of an entry are ignored.
    ///
    /// # Errors
    ///
    /// When it is not within bounds, or malformed; a malformed entry is named by its index.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidDeclaration> {
        if json.len() > Self::MAX_BYTES {
            return Err(InvalidDeclaration::TooLarge { bytes: json.len() });
        }
        let json = std::str::from_utf8(json)
            .map_err(|error| InvalidDeclaration::NotJson(error.to_string()))?;
        let elements =
            raw_list::elements(json, Self::MAX_ENTRIES).map_err(|problem| match problem {
                ListProblem::NotAList => InvalidDeclaration::NotAList,
                ListProblem::TooMany => InvalidDeclaration::TooManyEntries,
                ListProblem::Syntax(error) => InvalidDeclaration::NotJson(error),
            })?;
        let mut entries = Vec::with_capacity(elements.len());
        for (index, raw) in elements.into_iter().enumerate() {
            let entry = raw_list::object::<EntryFields>(raw)
                .map_err(|problem| InvalidEntry { index, problem })?;
            entries.push(DeclaredProfile {
                url: entry.url,
                min_mcp_version: entry.min_mcp_version,
                default: entry.default,
            });
        }
        Self::without_repetition(entries)
    }

    /// Reads the array as it was cut out of a message.
    ///
    /// # Errors
    ///
    /// As [`Declaration::parse`].
    pub fn parse_raw(raw: &RawValue) -> Result<Self, InvalidDeclaration> {
        Self::parse(raw.get().as_bytes())
    }

    /// The entries in order.
    pub fn iter(&self) -> std::slice::Iter<'_, DeclaredProfile> {
        self.0.iter()
    }

    /// The entries in order, as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[DeclaredProfile] {
        &self.0
    }

    /// The entry of a profile.
    #[must_use]
    pub fn find(&self, url: &str) -> Option<&DeclaredProfile> {
        self.0.iter().find(|entry| entry.url == *url)
    }

    /// How many profiles are declared.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no profile is declared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn without_repetition(entries: Vec<DeclaredProfile>) -> Result<Self, InvalidDeclaration> {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by(|&a, &b| entries[a].url.cmp(&entries[b].url).then(a.cmp(&b)));
        let repeated = order
            .windows(2)
            .filter(|pair| entries[pair[0]].url == entries[pair[1]].url)
            .min_by_key(|pair| pair[1]);
        match repeated {
            Some(pair) => Err(InvalidDeclaration::Repeated {
                first: pair[0],
                second: pair[1],
                url: entries[pair[0]].url.clone(),
            }),
            None => Ok(Self(entries.into())),
        }
    }
}

impl<'a> IntoIterator for &'a Declaration {
    type Item = &'a DeclaredProfile;
    type IntoIter = std::slice::Iter<'a, DeclaredProfile>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for Declaration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// Why a JSON document or a list of entries is no declaration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDeclaration {
    /// Longer than [`Declaration::MAX_BYTES`].
    #[error("declaration of {bytes} bytes is too large: at most 65536 are allowed")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// More than [`Declaration::MAX_ENTRIES`] entries.
    #[error("declaration has too many entries: at most 256 are allowed")]
    TooManyEntries,
    /// Not a JSON array.
    #[error("declaration must be a JSON array of objects with `profileURL`")]
    NotAList,
    /// Not JSON, or what holds the declaration is not the object it must be.
    #[error("declaration cannot be read: {0}")]
    NotJson(String),
    /// An entry is malformed.
    #[error("declaration has a malformed {0}")]
    Entry(#[from] InvalidEntry),
    /// A profile stands in it twice.
    #[error("declaration has {url} twice, in entries {first} and {second}: remove one")]
    Repeated {
        /// The index of its first entry, from 0.
        first: usize,
        /// The index of its second entry, from 0.
        second: usize,
        /// The profile.
        url: ProfileUrl,
    },
}

/// A malformed element of a list, with its index from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {index}: {problem}")]
pub struct InvalidEntry {
    /// Which element it is, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub problem: String,
}

#[derive(Deserialize)]
struct EntryFields {
    #[serde(rename = "profileURL")]
    url: ProfileUrl,
    #[serde(rename = "minMcpVersion", default)]
    min_mcp_version: MinMcpVersion,
    #[serde(default)]
    default: bool,
}

/// How many bytes an entry takes on the wire, with its comma; a profile URL needs no escapes.
fn wire_bytes(entry: &DeclaredProfile) -> usize {
    let default = if entry.default { r#","default":true"#.len() } else { 0 };
    let fixed = r#"{"profileURL":"","minMcpVersion":"2024-11-05"},"#.len();
    fixed + entry.url.as_str().len() + default
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(json: &str) -> Result<Declaration, InvalidDeclaration> {
        Declaration::parse(json.as_bytes())
    }

    fn problem(json: &str) -> String {
        parse(json).expect_err(json).to_string()
    }

    #[test]
    fn well_known_document_round_trips_in_order() {
        let json = concat!(
            r#"[{"profileURL":"https://wholesalechips.co/p/b","minMcpVersion":"2025-08-13"},"#,
            r#"{"profileURL":"https://vidsrus/p/a","minMcpVersion":"2025-08-13","default":true}]"#
        );
        let declaration = parse(json).unwrap();
        assert_eq!(serde_json::to_string(&declaration).unwrap(), json);
        assert!(declaration.find("https://vidsrus/p/a").unwrap().is_default());
        assert!(declaration.find("https://vidsrus/p/b").is_none());
        assert_eq!(serde_json::to_string(&parse(" [ ] ").unwrap()).unwrap(), "[]");
    }

    #[test]
    fn missing_minimum_means_any_version_and_is_always_written() {
        let declaration =
            parse(r#"[{"profileURL": "https://h/a", "default": false, "x": {}}]"#).unwrap();
        let entry = &declaration.as_slice()[0];
        assert_eq!(entry.min_mcp_version(), MinMcpVersion::ANY);
        assert!(entry.min_mcp_version().admits(&"draft".into()));
        assert_eq!(
            serde_json::to_string(&declaration).unwrap(),
            r#"[{"profileURL":"https://h/a","minMcpVersion":"2024-11-05"}]"#
        );
    }

    #[test]
    fn profile_is_available_when_the_version_is_not_older() {
        let min: MinMcpVersion = "2025-08-13".parse().unwrap();
        assert!(!min.admits(&ProtocolVersion::V2025_06_18));
        assert!(min.admits(&ProtocolVersion::V2025_11_25));
        assert!(min.admits(&"2025-08-13".into()));
        assert!(!min.admits(&"draft".into()));
        assert!(!"2999-01-01".parse::<MinMcpVersion>().unwrap().admits(&ProtocolVersion::LATEST));
    }

    #[test]
    fn malformed_entry_is_named() {
        let good = r#"{"profileURL":"https://h/a"}"#;
        for (entry, says) in [
            (r#"{}"#, "missing field `profileURL`"),
            (r#"[]"#, "expected an object"),
            (r#"["https://h/b"]"#, "expected an object"),
            (r#""https://h/b""#, "expected an object"),
            ("null", "expected an object"),
            (r#"{"profileURL":7}"#, "expected a profile URL"),
            (r#"{"profileURL":null}"#, "expected a profile URL"),
            (r#"{"profileURL":"http://h/b"}"#, "https://"),
            (r#"{"profileURL":"https://h/b","minMcpVersion":"soon"}"#, "YYYY-MM-DD"),
            (r#"{"profileURL":"https://h/b","minMcpVersion":20250813}"#, "YYYY-MM-DD"),
            (r#"{"profileURL":"https://h/b","minMcpVersion":null}"#, "YYYY-MM-DD"),
            (r#"{"profileURL":"https://h/b","default":"yes"}"#, "expected a boolean"),
            (r#"{"profileURL":"https://h/b","profileURL":"https://h/c"}"#, "duplicate field"),
        ] {
            let problem = problem(&format!("[{good},{entry}]"));
            assert!(problem.contains("entry 1") && problem.contains(says), "{entry}: {problem}");
        }
    }

    #[test]
    fn document_that_is_no_list_is_refused() {
        for bad in ["{}", "null", "7", r#"{"supported":[]}"#, "\u{feff}[]", ""] {
            assert_eq!(parse(bad), Err(InvalidDeclaration::NotAList), "{bad}");
        }
        for bad in ["[", "[}", "[] []", "[{]"] {
            assert!(matches!(parse(bad), Err(InvalidDeclaration::NotJson(_))), "{bad}");
        }
        assert!(matches!(Declaration::parse(b"[\xff]"), Err(InvalidDeclaration::NotJson(_))));
    }

    #[test]
    fn profile_that_stands_twice_is_named_with_both_entries() {
        let entry = |name| format!(r#"{{"profileURL":"https://h/{name}"}}"#);
        let json = format!("[{},{},{}]", entry("b"), entry("a"), entry("b"));
        let found = parse(&json).unwrap_err();
        assert!(
            matches!(found, InvalidDeclaration::Repeated { first: 0, second: 2, .. }),
            "{found}"
        );
    }

    #[test]
    fn bounds_hold_on_both_sides() {
        let list = |count: usize| {
            let entries: Vec<_> =
                (0..count).map(|i| format!(r#"{{"profileURL":"https://h/{i}"}}"#)).collect();
            format!("[{}]", entries.join(","))
        };
        assert_eq!(parse(&list(256)).unwrap().len(), 256);
        assert_eq!(parse(&list(257)), Err(InvalidDeclaration::TooManyEntries));
        let padded = |to: usize| format!("[{}]", " ".repeat(to - 2));
        assert!(parse(&padded(65536)).is_ok());
        assert_eq!(parse(&padded(65537)), Err(InvalidDeclaration::TooLarge { bytes: 65537 }));
        let long = |i| ProfileUrl::parse(&format!("https://h/{i}{}", "a".repeat(2000))).unwrap();
        let entries = (10..99).map(|i| DeclaredProfile::new(long(i), MinMcpVersion::ANY));
        let found = Declaration::new(entries).unwrap_err();
        assert!(matches!(found, InvalidDeclaration::TooLarge { .. }), "{found}");
    }

    #[test]
    fn deep_and_numerous_json_is_refused_or_skipped_without_harm() {
        let deep = "[".repeat(60_000);
        assert!(parse(&deep).is_err());
        let nested = format!("[{}{}]", "[".repeat(30_000), "]".repeat(30_000));
        assert!(problem(&nested).contains("entry 0"));
        let ignored = format!(
            r#"[{{"profileURL":"https://h/a","x":{}{}}}]"#,
            "[".repeat(30_000),
            "]".repeat(30_000)
        );
        assert_eq!(parse(&ignored).unwrap().len(), 1);
        assert!(parse(&format!("[{}0]", "0,".repeat(30_000))).is_err());
    }

    #[test]
    fn errors_stay_short_whatever_the_peer_wrote() {
        let long = "x".repeat(60_000);
        let problem = problem(&format!(r#"[{{"profileURL":"https://h/a","default":"{long}"}}]"#));
        assert!(problem.len() < 400, "{}", problem.len());
    }

    proptest! {
        #[test]
        fn declaration_round_trips(names in prop::collection::btree_set("[a-z]{1,8}", 0..20), year in 2024u16..2100, default: bool) {
            let min: MinMcpVersion = format!("{year}-01-31").parse().unwrap();
            let url = |name: &String| ProfileUrl::parse(&format!("https://h/{name}")).unwrap();
            let entries = names.iter().map(|name| DeclaredProfile::new(url(name), min).with_default(default));
            let declaration = Declaration::new(entries).unwrap();
            let json = serde_json::to_vec(&declaration).unwrap();
            prop_assert_eq!(Declaration::parse(&json).unwrap(), declaration);
        }

        #[test]
        fn wire_size_is_never_underestimated(names in prop::collection::btree_set("[a-z]{1,8}", 0..20), default: bool) {
            let url = |name: &String| ProfileUrl::parse(&format!("https://h/{name}")).unwrap();
            let entries: Vec<_> = names.iter().map(|name| DeclaredProfile::new(url(name), MinMcpVersion::ANY).with_default(default)).collect();
            let estimate = 2 + entries.iter().map(wire_bytes).sum::<usize>();
            let json = serde_json::to_vec(&Declaration::new(entries).unwrap()).unwrap();
            prop_assert!(json.len() <= estimate);
        }

        #[test]
        fn no_document_panics(json in r#"[\[\]{}:,"a-zURL0-9 /.-]{0,60}"#) {
            let _ = parse(&json);
        }
    }
}
