//! Profile URLs: the identifiers of profiles, checked once and kept as received.

use std::borrow::Borrow;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The URL of a profile specification, which is the only identifier of that profile.
///
/// Two profile URLs are equal when their strings are equal (RFC 3986, 6.2.1): nothing is
/// normalised, and the string is the one that was received. The library never fetches it. Cloning
/// copies a pointer.
///
/// # Examples
///
/// ```
/// use mcp_core::profile::{InvalidProfileUrl, ProfileUrl};
///
/// let url = ProfileUrl::parse("https://vidsrus/mcp-profiles/premium")?;
/// assert_eq!(url.host(), "vidsrus");
/// assert!(!url.is_standard());
/// assert_eq!(ProfileUrl::parse("http://vidsrus/premium"), Err(InvalidProfileUrl::NotHttps));
/// # Ok::<(), InvalidProfileUrl>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileUrl(Arc<str>);

impl ProfileUrl {
    /// The longest profile URL in bytes.
    pub const MAX_BYTES: usize = 2048;

    /// Checks a string against every rule for profile URLs and keeps it.
    ///
    /// # Errors
    ///
    /// Names the first rule that the string breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidProfileUrl> {
        check(text)?;
        Ok(Self(text.into()))
    }

    /// The string as it was received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, without port; an IPv6 address keeps its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = authority(&self.0[SCHEME.len()..]);
        authority.split_at(host_length(authority)).0
    }

    /// Whether this is a standard profile: its host is exactly `modelcontextprotocol.io`.
    #[must_use]
    pub fn is_standard(&self) -> bool {
        self.host() == "modelcontextprotocol.io"
    }
}

impl FromStr for ProfileUrl {
    type Err = InvalidProfileUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for ProfileUrl {
    type Error = InvalidProfileUrl;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        Self::parse(text)
    }
}

impl AsRef<str> for ProfileUrl {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for ProfileUrl {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for ProfileUrl {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for ProfileUrl {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for ProfileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ProfileUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProfileUrl({:?})", self.as_str())
    }
}

impl Serialize for ProfileUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProfileUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ProfileUrl;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a profile URL as a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ProfileUrl, E> {
                ProfileUrl::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// The rule that a string breaks, so that it is no profile URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProfileUrl {
    /// Longer than [`ProfileUrl::MAX_BYTES`].
    #[error("profile URL of {bytes} bytes is too long: at most 2048 are allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// Does not begin with exactly `https://`.
    #[error("profile URL must begin with exactly `https://`, in lower case")]
    NotHttps,
    /// Has a character outside ASCII.
    #[error("profile URL has a character outside ASCII at byte {at}: percent-encode it")]
    NotAscii {
        /// Where it stands.
        at: usize,
    },
    /// Has a character that RFC 3986 does not allow in its place.
    #[error(
        "profile URL has {found:?} at byte {at}, which RFC 3986 does not allow there: percent-encode it"
    )]
    Character {
        /// Where it stands.
        at: usize,
        /// What stands there.
        found: char,
    },
    /// Has a `%` that two hexadecimal digits do not follow.
    #[error("profile URL has a `%` at byte {at} without two hexadecimal digits after it")]
    Percent {
        /// Where it stands.
        at: usize,
    },
    /// Has a fragment.
    #[error("profile URL must not have a fragment: remove everything from `#` on")]
    Fragment,
    /// Has user information before the host.
    #[error("profile URL must not have user information before its host: remove it and the `@`")]
    UserInfo,
    /// Has no host.
    #[error("profile URL has no host")]
    EmptyHost,
    /// The host has capital letters.
    #[error("profile URL must have its host in lower case")]
    UpperCaseHost,
    /// The host ends in a dot.
    #[error("profile URL must have a host without a trailing dot")]
    TrailingDot,
    /// The host in brackets is not an IP literal.
    #[error("profile URL has brackets around something that is no IPv6 address")]
    IpLiteral,
    /// What follows the host is not a port.
    #[error("profile URL must have digits only between the `:` after its host and its path")]
    Port,
}

const SCHEME: &str = "https://";

fn check(text: &str) -> Result<(), InvalidProfileUrl> {
    if text.len() > ProfileUrl::MAX_BYTES {
        return Err(InvalidProfileUrl::TooLong { bytes: text.len() });
    }
    let Some(rest) = text.strip_prefix(SCHEME) else {
        return Err(InvalidProfileUrl::NotHttps);
    };
    check_characters(text)?;
    let authority = authority(rest);
    check_authority(authority)?;
    let tail = SCHEME.len() + authority.len();
    match text[tail..].find(['[', ']']) {
        Some(at) => {
            let found = char::from(text.as_bytes()[tail + at]);
            Err(InvalidProfileUrl::Character { at: tail + at, found })
        }
        None => Ok(()),
    }
}

/// Everything that holds for each character wherever it stands.
fn check_characters(text: &str) -> Result<(), InvalidProfileUrl> {
    for (at, &byte) in text.as_bytes().iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {}
            b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'[' | b']' | b'@' => {}
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => {}
            b'%' => {
                let digits = text.as_bytes().get(at + 1..at + 3);
                if !digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(InvalidProfileUrl::Percent { at });
                }
            }
            b'#' => return Err(InvalidProfileUrl::Fragment),
            0x80.. => return Err(InvalidProfileUrl::NotAscii { at }),
            other => return Err(InvalidProfileUrl::Character { at, found: char::from(other) }),
        }
    }
    Ok(())
}

fn check_authority(authority: &str) -> Result<(), InvalidProfileUrl> {
    if authority.contains('@') {
        return Err(InvalidProfileUrl::UserInfo);
    }
    let (host, port) = authority.split_at(host_length(authority));
    if host.is_empty() {
        return Err(InvalidProfileUrl::EmptyHost);
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(InvalidProfileUrl::UpperCaseHost);
    }
    if host.ends_with('.') {
        return Err(InvalidProfileUrl::TrailingDot);
    }
    if host.contains(['[', ']']) {
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if inner.is_none_or(|inner| inner.parse::<Ipv6Addr>().is_err()) {
            return Err(InvalidProfileUrl::IpLiteral);
        }
    }
    match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        None if port.is_empty() => Ok(()),
        _ => Err(InvalidProfileUrl::Port),
    }
}

/// What stands between the scheme and the path or query.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// How many bytes of the authority are the host; a colon inside brackets is part of it.
fn host_length(authority: &str) -> usize {
    let brackets = match authority.strip_prefix('[') {
        Some(_) => authority.find(']').unwrap_or_default(),
        None => 0,
    };
    authority[brackets..].find(':').map_or(authority.len(), |colon| brackets + colon)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> InvalidProfileUrl {
        ProfileUrl::parse(text).expect_err(text)
    }

    #[test]
    fn well_formed_urls_are_kept_as_received() {
        let good = [
            "https://wholesalechips.co/mcp-profiles/require-client-credentials",
            "https://vidsrus/mcp-profiles/standard",
            "https://h",
            "https://h?q=@/?:",
            "https://h:8443/a",
            "https://h:/a",
            "https://h/%7Euser/%7euser/..//x;y=1,2",
            "https://h/A@b:c!$&'()*+,;=-._~",
            "https://[2001:db8::1]:443/a",
            "https://192.0.2.1/a",
            "https://a%20b/x",
        ];
        for good in good {
            assert_eq!(ProfileUrl::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn urls_that_a_parser_would_make_equal_stay_different() {
        let a = ProfileUrl::parse("https://h/%7Ea").unwrap();
        assert_ne!(a, ProfileUrl::parse("https://h/~a").unwrap());
        assert_ne!(a, ProfileUrl::parse("https://h/%7ea").unwrap());
        assert_ne!(
            ProfileUrl::parse("https://h").unwrap(),
            ProfileUrl::parse("https://h/").unwrap()
        );
    }

    #[test]
    fn scheme_is_exactly_https_in_lower_case() {
        for bad in ["", "http://h/", "HTTPS://h/", "Https://h/", " https://h/", "https:/h", "h/a"] {
            assert_eq!(refused(bad), InvalidProfileUrl::NotHttps);
        }
    }

    #[test]
    fn length_is_at_most_2048_bytes() {
        let url = format!("https://h/{}", "a".repeat(2038));
        assert!(ProfileUrl::parse(&url).is_ok());
        assert_eq!(refused(&format!("{url}a")), InvalidProfileUrl::TooLong { bytes: 2049 });
    }

    #[test]
    fn characters_outside_the_grammar_are_named_with_their_place() {
        assert_eq!(refused("https://h/é"), InvalidProfileUrl::NotAscii { at: 10 });
        for bad in
            [' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}', '\n', '\0', '\u{7f}', '[', ']']
        {
            let found = refused(&format!("https://h/{bad}"));
            assert_eq!(found, InvalidProfileUrl::Character { at: 10, found: bad });
        }
    }

    #[test]
    fn percent_begins_two_hexadecimal_digits() {
        for bad in ["https://h/%", "https://h/%4", "https://h/%4g", "https://h/%%41"] {
            assert_eq!(refused(bad), InvalidProfileUrl::Percent { at: 10 });
        }
    }

    #[test]
    fn fragment_and_user_information_are_refused() {
        assert_eq!(refused("https://h/a#b"), InvalidProfileUrl::Fragment);
        assert_eq!(refused("https://h/a#"), InvalidProfileUrl::Fragment);
        assert_eq!(refused("https://u@h/a"), InvalidProfileUrl::UserInfo);
        assert_eq!(refused("https://u:p@h/a"), InvalidProfileUrl::UserInfo);
        assert_eq!(refused("https://@h/a"), InvalidProfileUrl::UserInfo);
    }

    #[test]
    fn host_is_present_lower_case_and_without_trailing_dot() {
        for bad in ["https://", "https:///a", "https://:80/a", "https://?q"] {
            assert_eq!(refused(bad), InvalidProfileUrl::EmptyHost);
        }
        assert_eq!(refused("https://vidsRus/a"), InvalidProfileUrl::UpperCaseHost);
        assert_eq!(refused("https://[2001:DB8::1]/a"), InvalidProfileUrl::UpperCaseHost);
        for bad in ["https://h./a", "https://h.:80/", "https://."] {
            assert_eq!(refused(bad), InvalidProfileUrl::TrailingDot);
        }
    }

    #[test]
    fn brackets_hold_an_address_and_a_colon_a_port() {
        for bad in
            ["https://[h]/", "https://[::1/", "https://::1]/", "https://a[::1]/", "https://[]/"]
        {
            let found = refused(bad);
            let host = [InvalidProfileUrl::IpLiteral, InvalidProfileUrl::EmptyHost];
            assert!(host.contains(&found), "{bad}: {found}");
        }
        assert_eq!(refused("https://h:8o/"), InvalidProfileUrl::Port);
        assert_eq!(refused("https://h:1:2/"), InvalidProfileUrl::Port);
    }

    #[test]
    fn standard_means_the_host_and_nothing_like_it() {
        let standard = |url| ProfileUrl::parse(url).unwrap().is_standard();
        assert!(standard("https://modelcontextprotocol.io/profiles/a"));
        assert!(standard("https://modelcontextprotocol.io"));
        assert!(standard("https://modelcontextprotocol.io:443/a"));
        assert!(!standard("https://www.modelcontextprotocol.io/a"));
        assert!(!standard("https://modelcontextprotocol.io.evil/a"));
        assert!(!standard("https://evil/modelcontextprotocol.io"));
        assert!(!standard("https://evil/?https://modelcontextprotocol.io"));
    }

    #[test]
    fn deserialising_checks_and_serialising_keeps() {
        let url: ProfileUrl = serde_json::from_str(r#""https:\/\/h\/a""#).unwrap();
        assert_eq!(serde_json::to_string(&url).unwrap(), r#""https://h/a""#);
        let error = serde_json::from_str::<ProfileUrl>(r#""https://h/a#b""#).unwrap_err();
        assert!(error.to_string().contains("fragment"), "{error}");
        assert!(serde_json::from_str::<ProfileUrl>("7").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_accepted_is_kept(text in "(https://)?[a-z\\[\\]:%@./?#A-Zé]{0,40}") {
            if let Ok(url) = ProfileUrl::parse(&text) {
                prop_assert_eq!(url.as_str(), &text);
                prop_assert!(url.as_str().is_ascii() && !url.host().is_empty());
                prop_assert!(!text.contains('#') && !url.host().ends_with('.'));
            }
        }
    }
}
