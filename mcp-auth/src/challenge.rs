//! What a server says when it does not let a request in (`WWW-Authenticate`).
//!
//! Owns the syntax of challenges, to be read and to be written, and the names of the parameters that
//! MCP needs of them. Which challenge is answered, and how, is for the client; which one is sent is
//! for the server.

use std::fmt;

use http::HeaderValue;
use url::Url;

use crate::scope::Scopes;

/// One challenge (RFC 9110, 11.6.1).
///
/// # Examples
///
/// ```
/// use mcp_auth::challenge::Challenge;
///
/// let header = br#"Negotiate, Bearer error="insufficient_scope", scope="files:read files:write""#;
/// let challenges = Challenge::parse_all([&header[..]]);
/// let bearer = challenges.iter().find(|challenge| challenge.is("Bearer")).unwrap();
/// assert_eq!(bearer.error(), Some("insufficient_scope"));
/// assert!(bearer.scope().unwrap().contains("files:write"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: Box<str>,
    token68: Option<Box<str>>,
    params: Vec<(Box<str>, Box<str>)>,
}

impl Challenge {
    /// A challenge of the scheme `Bearer` (RFC 6750, 3).
    #[must_use]
    pub fn bearer() -> Self {
        Self::new("Bearer")
    }

    /// A challenge of the scheme `DPoP` (RFC 9449, 7.1).
    #[must_use]
    pub fn dpop() -> Self {
        Self::new("DPoP")
    }

    fn new(scheme: &str) -> Self {
        Self { scheme: scheme.into(), token68: None, params: Vec::new() }
    }

    /// Adds a parameter; a second value for a name replaces the first.
    ///
    /// Whatever needs quotes gets them.
    ///
    /// # Errors
    ///
    /// The name is no token, or the value holds a control character: neither can be in a header.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, InvalidParam> {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(InvalidParam::Name(name.escape_debug().to_string()));
        }
        if !is_text(value) {
            return Err(InvalidParam::Value(name.to_owned()));
        }
        self.params.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
        self.params.push((name.into(), value.into()));
        Ok(self)
    }

    /// Reads the values of all `WWW-Authenticate` headers of a response, in their order.
    ///
    /// It never fails: of what is broken, it gives what could be read. Of a parameter that comes
    /// twice, the first one counts. At most 32 challenges with 64 parameters together are read, of
    /// at most 16 KiB.
    pub fn parse_all<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Vec<Self> {
        let mut found = Vec::new();
        let mut params = MAX_PARAMS;
        let mut bytes = MAX_BYTES;
        for value in values {
            if value.len() > bytes {
                break;
            }
            bytes -= value.len();
            Reader { rest: value }.challenges(&mut found, &mut params);
        }
        found
    }

    /// The scheme, such as `Bearer`, as it was written.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether it has this scheme, in upper or lower case.
    #[must_use]
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// What comes in place of parameters with schemes such as `Negotiate`.
    #[must_use]
    pub fn token68(&self) -> Option<&str> {
        self.token68.as_deref()
    }

    /// The value of a parameter, whose name may be in upper or lower case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let param = self.params.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        param.map(|(_, value)| &**value)
    }

    /// The scopes that the request needs, if the server says which (RFC 6750, 3).
    #[must_use]
    pub fn scope(&self) -> Option<Scopes> {
        self.param("scope").map(Scopes::parse).filter(|scopes| !scopes.is_empty())
    }

    /// Why the request was refused, such as `invalid_token` (RFC 6750, 3.1).
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.param("error")
    }

    /// The same for people.
    ///
    /// It has no control characters, but is not to be trusted otherwise.
    #[must_use]
    pub fn error_description(&self) -> Option<&str> {
        self.param("error_description")
    }

    /// Where the metadata of the protected resource is (RFC 9728, 5.1), if that is a URL.
    #[must_use]
    pub fn resource_metadata(&self) -> Option<Url> {
        self.param("resource_metadata").and_then(|url| Url::parse(url).ok())
    }

    /// The value of a `WWW-Authenticate` header.
    #[must_use]
    pub fn to_header_value(&self) -> HeaderValue {
        // Neither of the ways to make a challenge lets control characters in.
        HeaderValue::try_from(self.to_string())
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
    }
}

/// As in a header.
impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        if let Some(token) = &self.token68 {
            write!(f, " {token}")?;
        }
        for (index, (name, value)) in self.params.iter().enumerate() {
            let comma = if index > 0 || self.token68.is_some() { "," } else { "" };
            write!(f, "{comma} {name}=\"")?;
            for character in value.chars() {
                if matches!(character, '"' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{character}")?;
            }
            f.write_str("\"")?;
        }
        Ok(())
    }
}

/// Why a parameter cannot be in a challenge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidParam {
    /// Its name is no token (RFC 9110, 5.6.2).
    #[error("`{0}` is no name of a parameter: use letters, digits and `_`")]
    Name(String),
    /// Its value holds a control character.
    #[error("the parameter `{0}` holds a control character: give it as one line of text")]
    Value(String),
}

/// What is still to be read of one header.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads to the end. A name with `=` behind it belongs to the challenge before it, any other
    /// begins one.
    fn challenges(&mut self, found: &mut Vec<Challenge>, params: &mut usize) {
        // Parameters belong to a challenge of this header, not to one of the header before.
        let first = found.len();
        loop {
            self.skip(|byte| is_space(byte) || byte == b',');
            let name = self.take(is_token);
            if name.is_empty() {
                if self.rest.is_empty() {
                    return;
                }
                self.skip_element();
                continue;
            }
            let name = String::from_utf8_lossy(name);
            if self.equals_sign() {
                let Some(value) = self.value() else { continue };
                if *params == 0 {
                    return;
                }
                if let Some(challenge) = found[first..].last_mut()
                    && challenge.param(&name).is_none()
                    && is_text(&value)
                {
                    challenge.params.push((name.into(), value.into()));
                    *params -= 1;
                }
            } else if found.len() < MAX_CHALLENGES {
                let mut challenge = Challenge::new(&name);
                challenge.token68 = self.token68();
                found.push(challenge);
            } else {
                return;
            }
        }
    }

    /// The token of a scheme that has no parameters, if there is one.
    fn token68(&mut self) -> Option<Box<str>> {
        let mut ahead = Self { rest: self.rest };
        ahead.skip(is_space);
        let start = ahead.rest;
        if ahead.take(is_token68).is_empty() {
            return None;
        }
        ahead.skip(|byte| byte == b'=');
        let token = &start[..start.len() - ahead.rest.len()];
        ahead.skip(is_space);
        if !matches!(ahead.rest.first(), None | Some(b',')) {
            return None;
        }
        self.rest = ahead.rest;
        Some(String::from_utf8_lossy(token).into())
    }

    /// Whether `=` is next; then it is passed.
    fn equals_sign(&mut self) -> bool {
        let mut ahead = Self { rest: self.rest };
        ahead.skip(is_space);
        let Some(rest) = ahead.rest.strip_prefix(b"=") else { return false };
        self.rest = rest;
        self.skip(is_space);
        true
    }

    /// The value of a parameter; `None` if its end is missing.
    fn value(&mut self) -> Option<String> {
        let Some(quoted) = self.rest.strip_prefix(b"\"") else {
            // More than a token may hold, because URLs without quotes are met in the wild.
            let value = self.take(|byte| !is_space(byte) && !matches!(byte, b',' | b'"'));
            return Some(String::from_utf8_lossy(value).into_owned());
        };
        let mut value = Vec::new();
        let mut bytes = quoted.iter().enumerate();
        while let Some((index, &byte)) = bytes.next() {
            match byte {
                b'"' => {
                    self.rest = &quoted[index + 1..];
                    return Some(String::from_utf8_lossy(&value).into_owned());
                }
                b'\\' => value.extend(bytes.next().map(|(_, &byte)| byte)),
                byte => value.push(byte),
            }
        }
        self.rest = &[];
        None
    }

    /// Passes what cannot be read, quoted text included.
    fn skip_element(&mut self) {
        if self.rest.starts_with(b"\"") {
            self.value();
        } else {
            self.rest = self.rest.get(1..).unwrap_or_default();
            self.skip(|byte| byte != b',' && byte != b'"');
        }
    }

    fn skip(&mut self, matches: impl Fn(u8) -> bool) {
        self.take(matches);
    }

    fn take(&mut self, matches: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|&byte| !matches(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

/// RFC 9110, 5.6.2: `tchar`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// RFC 9110, 11.2, without the `=` at its end.
fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether a value can be in a header and is harmless in output.
fn is_text(value: &str) -> bool {
    !value.chars().any(|character| character.is_control() && character != '\t')
}

/// How much is read of the challenges of one response.
const MAX_CHALLENGES: usize = 32;
const MAX_PARAMS: usize = 64;
const MAX_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn parse(header: &str) -> Vec<Challenge> {
        Challenge::parse_all([header.as_bytes()])
    }

    #[test]
    fn several_challenges_share_a_header() {
        let found = parse(
            r#"Negotiate, Basic realm="a, \"b\"" , Custom dG9rZW4=, bearer  Error = invalid_token,, scope="a b", , DPoP algs="ES256", error="use_dpop_nonce""#,
        );
        let schemes: Vec<_> = found.iter().map(Challenge::scheme).collect();
        assert_eq!(schemes, ["Negotiate", "Basic", "Custom", "bearer", "DPoP"]);
        assert_eq!(found[1].param("REALM"), Some("a, \"b\""));
        assert_eq!(found[2].token68(), Some("dG9rZW4="));
        assert!(found[3].is("Bearer"));
        assert_eq!(found[3].error(), Some("invalid_token"));
        assert_eq!(found[3].scope(), Some(Scopes::parse("a b")));
        assert_eq!(found[4].error(), Some("use_dpop_nonce"));
    }

    #[test]
    fn several_headers_are_read_in_their_order() {
        let found = Challenge::parse_all([&b"Bearer"[..], b"scope=x, DPoP algs=ES256"]);
        let schemes: Vec<_> = found.iter().map(Challenge::scheme).collect();
        assert_eq!(schemes, ["Bearer", "DPoP"]);
        assert_eq!(found[0].scope(), None, "a parameter does not cross headers");
    }

    #[test]
    fn metadata_is_found_with_and_without_quotes() {
        for header in [
            "Bearer resource_metadata=\"https://vidsrus.example/.well-known/x?a=b,c\"",
            "Bearer realm=mcp resource_metadata=https://vidsrus.example/.well-known/x?a=b%2Cc",
        ] {
            let found = parse(header);
            let url = found[0].resource_metadata().expect(header);
            assert_eq!(url.host_str(), Some("vidsrus.example"));
        }
        assert_eq!(parse("Bearer resource_metadata=\"/relative\"")[0].resource_metadata(), None);
    }

    #[test]
    fn broken_headers_give_what_could_be_read() {
        let found = parse(r#"=x, Bearer error="a", {}, scope="b", error="c", realm="unfinished"#);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].error(), Some("a"), "the first one counts");
        assert_eq!(found[0].scope(), Some(Scopes::parse("b")));
        assert_eq!(found[0].param("realm"), None);
        assert_eq!(parse("Bearer x=\"a\\"), [Challenge::bearer()]);
        assert_eq!(parse("Bearer x=\"a\u{1b}[2J\""), [Challenge::bearer()]);
    }

    #[test]
    fn what_is_read_is_bounded() {
        assert_eq!(parse(&"Bearer, ".repeat(100)).len(), MAX_CHALLENGES);
        let many: String = (0..100).map(|index| format!("p{index}=\"x\", ")).collect();
        assert_eq!(parse(&format!("Bearer {many}"))[0].params.len(), MAX_PARAMS);
        assert_eq!(parse(&format!("Bearer a=\"{}\"", "x".repeat(MAX_BYTES))), []);
    }

    #[test]
    fn control_characters_are_not_written() {
        let with = |name, value| Challenge::bearer().with(name, value);
        assert!(matches!(with("a b", "x"), Err(InvalidParam::Name(_))));
        assert!(matches!(with("", "x"), Err(InvalidParam::Name(_))));
        assert!(matches!(with("a", "x\r\nSet-Cookie: y"), Err(InvalidParam::Value(_))));
        let twice = with("a", "x").and_then(|challenge| challenge.with("A", "\"\\")).unwrap();
        assert_eq!(twice.to_header_value(), r#"Bearer A="\"\\""#);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            dpop in any::<bool>(),
            params in vec(("[a-z_]{1,12}", "[^\\p{Cc}]{0,20}"), 0..8),
        ) {
            let mut challenge = if dpop { Challenge::dpop() } else { Challenge::bearer() };
            for (name, value) in &params {
                challenge = challenge.with(name, value).unwrap();
            }
            let header = challenge.to_header_value();
            prop_assert_eq!(Challenge::parse_all([header.as_bytes()]), [challenge]);
        }

        #[test]
        fn any_bytes_are_read_without_panic(values in vec(vec(any::<u8>(), 0..200), 0..4)) {
            for challenge in Challenge::parse_all(values.iter().map(Vec::as_slice)) {
                prop_assert!(!challenge.scheme().is_empty());
            }
        }

        #[test]
        fn what_was_read_is_read_the_same_again(header in "[-A-Za-z=\", \\\\é/]{0,60}") {
            for challenge in parse(&header) {
                let written = challenge.to_header_value();
                prop_assert_eq!(Challenge::parse_all([written.as_bytes()]), [challenge]);
            }
        }
    }
}
