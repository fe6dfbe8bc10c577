//! URI templates (RFC 6570): which URI values make, and which values made a URI.
//!
//! Owns the templates of `resources/templates/list`: reading them, [expanding](UriTemplate::expand)
//! them on the side that asks, and [matching](UriTemplate::matches) them on the side that serves.
//! It does not know what a resource is, and it does not resolve, normalise or check URIs.
//!
//! Values are decoded: `%2F` in a URI is `/` in a value. Whoever makes a file name out of one has to
//! look for `..` and separators first (2026-07-28, server, resources, "Security Considerations").
//!
//! Specification: 2026-07-28, server, resources, "Resource Templates".

mod expand;
mod matching;
mod parse;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

pub use matching::{MAX_URI_BYTES, UriVariables};
pub use parse::UriTemplateError;

/// A URI with variables: `vidsrus://titles/{id}/subtitles/{lang}`.
///
/// All four levels of RFC 6570 are understood. A value is a string; a list is a name that is given
/// more than once. What associative arrays would add (`{?map*}` with names of its own) is left out.
///
/// # Examples
/// ```
/// use mcp_core::uri_template::UriTemplate;
///
/// let template = UriTemplate::parse("vidsrus://titles/{id}/subtitles/{lang}")?;
/// assert!(template.variables().eq(["id", "lang"]));
///
/// let uri = template.expand([("id", "7"), ("lang", "pt br")]);
/// assert_eq!(uri, "vidsrus://titles/7/subtitles/pt%20br");
///
/// let values = template.matches(&uri).expect("it was made from this template");
/// assert_eq!(values.get("lang"), Some("pt br"));
/// assert!(template.matches("vidsrus://titles/7").is_none());
/// # Ok::<(), mcp_core::uri_template::UriTemplateError>(())
/// ```
#[derive(Debug, Clone)]
pub struct UriTemplate {
    text: String,
    /// In the order in which they first appear, each once.
    names: Vec<String>,
    parts: Vec<Part>,
}

impl UriTemplate {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// Says where the text breaks the grammar of RFC 6570, section 2.
    pub fn parse(text: impl Into<String>) -> Result<Self, UriTemplateError> {
        parse::parse(text.into())
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the variables, each once, in the order in which they first appear.
    pub fn variables(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether there is a variable of this name.
    pub fn has_variable(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// How much of a URI the template itself says: the number of its literal characters.
    ///
    /// Where several templates match a URI, the one that says most is the most specific one.
    pub fn literal_chars(&self) -> usize {
        let literal = |part: &Part| match part {
            Part::Literal(text) => text.chars().count(),
            Part::Expression(_) => 0,
        };
        self.parts.iter().map(literal).sum()
    }

    /// The URI that these values make; a variable without a value is left out.
    ///
    /// A name that is given more than once is a list. Names that the template does not have are
    /// passed over.
    ///
    /// # Examples
    /// ```
    /// use mcp_core::uri_template::UriTemplate;
    ///
    /// let template = UriTemplate::parse("vidsrus://search{/kind}{?tag*,year}")?;
    /// assert_eq!(
    ///     template.expand([("tag", "silent"), ("tag", "b/w"), ("kind", "film")]),
    ///     "vidsrus://search/film?tag=silent&tag=b%2Fw"
    /// );
    /// # Ok::<(), mcp_core::uri_template::UriTemplateError>(())
    /// ```
    pub fn expand<N, V>(&self, values: impl IntoIterator<Item = (N, V)>) -> String
    where
        N: AsRef<str>,
        V: AsRef<str>,
    {
        let mut of: Vec<Vec<V>> = self.names.iter().map(|_| Vec::new()).collect();
        for (name, value) in values {
            if let Some(at) = self.names.iter().position(|known| known == name.as_ref()) {
                of[at].push(value);
            }
        }
        expand::expand(self, &of)
    }

    /// The values that make this URI, or `None` when none do.
    ///
    /// It undoes [`expand`](Self::expand), with these rules where more than one answer would do:
    ///
    /// * Variables are filled from left to right, each with as much as leaves the rest a match:
    ///   `{name}.{kind}` takes `a.tar.gz` apart into `a.tar` and `gz`.
    /// * `{a}` and `{+a}` match no empty text. What has a prefix (`{/a}`, `{?a}`, `{#a}`, `{.a}`,
    ///   `{;a}`) may be absent as a whole, and may be empty behind the prefix.
    /// * Parameters of a query may come in any order. Ones that the template does not have are no
    ///   match.
    /// * A value may hold reserved characters that `expand` would have encoded, such as `@` or
    ///   `:`, but none that ends the part it stands in: no `/`, `?` and `#` in `{a}` and `{/a}`,
    ///   no `&` and `#` in `{?a}`. `{+a}` and `{#a}` match everything.
    /// * `{a*}` is a list, whose items are told apart where they stand in the URI; `{a:3}` matches
    ///   at most three characters. A variable that appears twice has to have one value.
    ///
    /// The time it takes grows with the length of the URI, never faster. A URI longer than
    /// [`MAX_URI_BYTES`] matches nothing.
    pub fn matches<'a>(&'a self, uri: &'a str) -> Option<UriVariables<'a>> {
        matching::matches(self, uri)
    }
}

impl fmt::Display for UriTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for UriTemplate {
    type Err = UriTemplateError;

    fn from_str(text: &str) -> Result<Self, UriTemplateError> {
        Self::parse(text)
    }
}

impl PartialEq for UriTemplate {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for UriTemplate {}

impl Hash for UriTemplate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// A piece of a template.
#[derive(Debug, Clone)]
enum Part {
    /// As it stands in a URI.
    Literal(String),
    Expression(Expression),
}

/// What stands between braces.
#[derive(Debug, Clone)]
struct Expression {
    operator: Operator,
    variables: Vec<Variable>,
}

/// A variable in an expression.
#[derive(Debug, Clone, Copy)]
struct Variable {
    /// Which of the template's names.
    name: usize,
    modifier: Modifier,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Modifier {
    Whole,
    /// Only so many characters from the beginning.
    Prefix(usize),
    /// Each item of a list for itself.
    Explode,
}

/// What the character behind the opening brace says (RFC 6570, appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Simple,
    Reserved,
    Fragment,
    Label,
    Path,
    Parameters,
    Query,
    Continuation,
}

impl Operator {
    fn of(character: char) -> Option<Self> {
        Some(match character {
            '+' => Self::Reserved,
            '#' => Self::Fragment,
            '.' => Self::Label,
            '/' => Self::Path,
            ';' => Self::Parameters,
            '?' => Self::Query,
            '&' => Self::Continuation,
            _ => return None,
        })
    }

    /// What stands before the first value.
    fn first(self) -> Option<char> {
        Some(match self {
            Self::Simple | Self::Reserved => return None,
            Self::Fragment => '#',
            Self::Label => '.',
            Self::Path => '/',
            Self::Parameters => ';',
            Self::Query => '?',
            Self::Continuation => '&',
        })
    }

    /// What stands between values.
    fn separator(self) -> char {
        match self {
            Self::Simple | Self::Reserved | Self::Fragment => ',',
            Self::Label => '.',
            Self::Path => '/',
            Self::Parameters => ';',
            Self::Query | Self::Continuation => '&',
        }
    }

    /// Whether a value stands behind its name.
    fn names_values(self) -> bool {
        matches!(self, Self::Parameters | Self::Query | Self::Continuation)
    }

    /// Whether reserved characters stay as they are.
    fn keeps_reserved(self) -> bool {
        matches!(self, Self::Reserved | Self::Fragment)
    }
}

/// Appends a text as it stands in a URI.
fn encode(text: &str, keeps_reserved: bool, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().copied().enumerate() {
        let is_reserved = b":/?#[]@!$&'()*+,;=".contains(&byte);
        let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let stays = is_unreserved
            || keeps_reserved && (is_reserved || byte == b'%' && is_triplet(&bytes[at..]));
        if stays {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// Whether the bytes begin with `%` and two hexadecimal digits.
fn is_triplet(bytes: &[u8]) -> bool {
    matches!(bytes, [b'%', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}
