//! The two sets of a negotiation: what the client asks for, and what is in force.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::raw_list::{self, ListProblem};
use super::url::{InvalidProfileUrl, ProfileUrl};

/// The profiles that a client asks for, most wanted first, each once.
///
/// Empty is the same as not asking. Cloning copies a pointer, and the empty value allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RequestedProfiles(pub(super) Arc<[ProfileUrl]>);

impl RequestedProfiles {
    /// The most entries of a list as it is received, repetitions included.
    pub const MAX_ENTRIES: usize = 64;

    /// A request for these profiles in this order; repetitions count once.
    ///
    /// # Errors
    ///
    /// When more than [`Self::MAX_ENTRIES`] are left.
    pub fn new(urls: impl IntoIterator<Item = ProfileUrl>) -> Result<Self, InvalidRequest> {
        let kept = without_repetition(urls);
        if kept.len() > Self::MAX_ENTRIES {
            return Err(InvalidRequest::TooMany);
        }
        Ok(Self(kept.into()))
    }

    /// Reads the JSON array of `requestedProfiles` (legacy) or `requested` (modern).
    ///
    /// # Errors
    ///
    /// When it is not a list of at most [`Self::MAX_ENTRIES`] profile URLs, as received; the server
    /// answers with `-32602`.
    pub fn parse(raw: &RawValue) -> Result<Self, InvalidRequest> {
        let elements =
            raw_list::elements(raw.get(), Self::MAX_ENTRIES).map_err(|problem| match problem {
                ListProblem::TooMany => InvalidRequest::TooMany,
                ListProblem::NotAList | ListProblem::Syntax(_) => InvalidRequest::NotAList,
            })?;
        let mut urls = Vec::with_capacity(elements.len());
        for (index, element) in elements.into_iter().enumerate() {
            urls.push(url(element, index)?);
        }
        if urls.is_empty() {
            return Ok(Self::default());
        }
        Ok(Self(without_repetition(urls).into()))
    }

    /// Reads the client's settings of the extension, `{"requested": [...]}`; without the member
    /// nothing is requested.
    ///
    /// # Errors
    ///
    /// As [`RequestedProfiles::parse`], and when the settings are not an object.
    pub fn parse_extension(settings: &RawValue) -> Result<Self, InvalidRequest> {
        #[derive(Deserialize)]
        struct Settings<'a> {
            #[serde(borrow, default, deserialize_with = "raw_list::present")]
            requested: Option<&'a RawValue>,
        }
        let settings =
            raw_list::object::<Settings<'_>>(settings).map_err(InvalidRequest::Settings)?;
        settings.requested.map_or_else(|| Ok(Self::default()), Self::parse)
    }

    /// What the client declares as its settings of the extension: `{"requested": [...]}`, or `{}`
    /// when nothing is requested.
    #[must_use]
    pub fn extension(&self) -> RequestExtension<'_> {
        RequestExtension(&self.0)
    }

    /// Whether this profile is asked for.
    #[must_use]
    pub fn has(&self, url: &str) -> bool {
        self.0.iter().any(|own| own == url)
    }

    /// The profiles, most wanted first.
    pub fn iter(&self) -> std::slice::Iter<'_, ProfileUrl> {
        self.0.iter()
    }

    /// The profiles, most wanted first, as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[ProfileUrl] {
        &self.0
    }

    /// How many profiles are asked for.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a RequestedProfiles {
    type Item = &'a ProfileUrl;
    type IntoIter = std::slice::Iter<'a, ProfileUrl>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for RequestedProfiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The profiles in force, each once: for a legacy session, or for one modern request.
///
/// On the server they stand in the order of the declaration. The value never changes; cloning
/// copies a pointer, and the empty value allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NegotiatedProfiles(pub(super) Arc<[ProfileUrl]>);

impl NegotiatedProfiles {
    /// Whether this profile is in force.
    #[must_use]
    pub fn has(&self, url: &str) -> bool {
        self.0.iter().any(|own| own == url)
    }

    /// Whether every profile of `others` is in force here as well.
    #[must_use]
    pub fn has_all(&self, others: &Self) -> bool {
        Arc::ptr_eq(&self.0, &others.0) || others.iter().all(|url| self.has(url.as_str()))
    }

    /// Whether both hold the same profiles, in whichever order.
    #[must_use]
    pub fn same_set(&self, other: &Self) -> bool {
        self.len() == other.len() && self.has_all(other)
    }

    /// The profiles in order.
    pub fn iter(&self) -> std::slice::Iter<'_, ProfileUrl> {
        self.0.iter()
    }

    /// The profiles in order, as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[ProfileUrl] {
        &self.0
    }

    /// How many profiles are in force.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no profile is in force.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Restores a set that was kept elsewhere, for instance sealed in a `requestState`; repetitions
/// count once.
impl FromIterator<ProfileUrl> for NegotiatedProfiles {
    fn from_iter<I: IntoIterator<Item = ProfileUrl>>(urls: I) -> Self {
        let kept = without_repetition(urls);
        if kept.is_empty() { Self::default() } else { Self(kept.into()) }
    }
}

impl<'a> IntoIterator for &'a NegotiatedProfiles {
    type Item = &'a ProfileUrl;
    type IntoIter = std::slice::Iter<'a, ProfileUrl>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Serialize for NegotiatedProfiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Display for NegotiatedProfiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, url) in self.iter().enumerate() {
            write!(f, "{}{url}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// The client's settings of the extension as they are written.
#[derive(Clone, Copy, Debug)]
pub struct RequestExtension<'a>(pub(super) &'a [ProfileUrl]);

impl Serialize for RequestExtension<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(usize::from(!self.0.is_empty())))?;
        if !self.0.is_empty() {
            map.serialize_entry("requested", self.0)?;
        }
        map.end()
    }
}

/// Why a request for profiles cannot be read; the answer is `-32602`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// The list is no JSON array.
    #[error("requested profiles must be a JSON array of profile URLs")]
    NotAList,
    /// More than [`RequestedProfiles::MAX_ENTRIES`] entries.
    #[error("too many requested profiles: at most 64 entries are allowed")]
    TooMany,
    /// An entry is not a string.
    #[error("requested profile {index} is not a string")]
    NotAString {
        /// Which entry it is, from 0.
        index: usize,
    },
    /// An entry is not a profile URL.
    #[error("requested profile {index} is no profile URL: {problem}")]
    Url {
        /// Which entry it is, from 0.
        index: usize,
        /// The rule that it breaks.
        #[source]
        problem: InvalidProfileUrl,
    },
    /// The settings of the extension are not an object that can be read.
    #[error("settings of the profiles extension cannot be read: {0}")]
    Settings(String),
}

/// One element of a list of profile URLs.
pub(super) fn url(raw: &RawValue, index: usize) -> Result<ProfileUrl, InvalidRequest> {
    #[derive(Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    let Text(text) =
        serde_json::from_str(raw.get()).map_err(|_| InvalidRequest::NotAString { index })?;
    ProfileUrl::parse(&text).map_err(|problem| InvalidRequest::Url { index, problem })
}

/// Lists are short here (64 of a request, 256 of a declaration), so a scan is enough.
fn without_repetition(urls: impl IntoIterator<Item = ProfileUrl>) -> Vec<ProfileUrl> {
    let mut kept: Vec<ProfileUrl> = Vec::new();
    for url in urls {
        if !kept.contains(&url) {
            kept.push(url);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(json: &str) -> Result<RequestedProfiles, InvalidRequest> {
        RequestedProfiles::parse(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn request_keeps_its_order_and_counts_repetitions_once() {
        let read = parse(r#"["https://h/b","https://h/a","https://h/b"]"#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"["https://h/b","https://h/a"]"#);
        assert!(read.has("https://h/a") && !read.has("https://h/c"));
    }

    #[test]
    fn sixty_four_entries_are_allowed_as_received() {
        let same = |count| format!("[{}]", vec![r#""https://h/a""#; count].join(","));
        assert_eq!(parse(&same(64)).unwrap().len(), 1);
        assert_eq!(parse(&same(65)), Err(InvalidRequest::TooMany));
    }

    #[test]
    fn malformed_requests_are_told_apart() {
        assert_eq!(parse("{}"), Err(InvalidRequest::NotAList));
        assert_eq!(parse("null"), Err(InvalidRequest::NotAList));
        assert_eq!(parse(r#""https://h/a""#), Err(InvalidRequest::NotAList));
        assert_eq!(parse("[7]"), Err(InvalidRequest::NotAString { index: 0 }));
        assert_eq!(parse(r#"[["https://h/a"]]"#), Err(InvalidRequest::NotAString { index: 0 }));
        let problem = InvalidProfileUrl::NotHttps;
        let url = Err(InvalidRequest::Url { index: 1, problem });
        assert_eq!(parse(r#"["https://h/a","http://h/a"]"#), url);
    }

    #[test]
    fn extension_settings_hold_the_request() {
        let read =
            |json: &str| RequestedProfiles::parse_extension(serde_json::from_str(json).unwrap());
        assert!(read("{}").unwrap().is_empty());
        assert!(read(r#"{"requested":[]}"#).unwrap().is_empty());
        let some = read(r#"{"x":1,"requested":["https:\/\/h/a"]}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&some.extension()).unwrap(),
            r#"{"requested":["https://h/a"]}"#
        );
        assert_eq!(serde_json::to_string(&read("{}").unwrap().extension()).unwrap(), "{}");
        assert_eq!(read(r#"{"requested":null}"#), Err(InvalidRequest::NotAList));
        for bad in
            ["[]", "true", "null", r#"[["https://h/a"]]"#, r#"{"requested":[],"requested":[]}"#]
        {
            assert!(matches!(read(bad), Err(InvalidRequest::Settings(_))), "{bad}");
        }
    }

    #[test]
    fn negotiated_sets_compare_without_order() {
        let set = |names: &[&str]| -> NegotiatedProfiles {
            names.iter().map(|name| ProfileUrl::parse(name).unwrap()).collect()
        };
        let (ab, ba, a) = (
            set(&["https://h/a", "https://h/b"]),
            set(&["https://h/b", "https://h/a", "https://h/a"]),
            set(&["https://h/a"]),
        );
        assert!(ab.same_set(&ba) && ab.has_all(&a) && !a.has_all(&ab) && !a.same_set(&ab));
        assert_eq!(ba.len(), 2);
    }

    proptest! {
        #[test]
        fn requests_round_trip(names in prop::collection::vec("[a-c]{1,2}", 0..64)) {
            let urls = names.iter().map(|name| ProfileUrl::parse(&format!("https://h/{name}")).unwrap());
            let request = RequestedProfiles::new(urls).unwrap();
            let json = serde_json::to_string(&request).unwrap();
            prop_assert_eq!(parse(&json).unwrap(), request);
        }
    }
}
