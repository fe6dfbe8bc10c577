//! Why a profile is not in force, as both sides write and read it.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::declaration::MinMcpVersion;
use super::raw_list;
use super::url::ProfileUrl;
use crate::version::{ProtocolVersion, VersionDate};

/// Why one profile is not in force.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason {
    url: ProfileUrl,
    kind: ReasonKind,
}

impl Reason {
    /// A reason for a profile.
    #[must_use]
    pub fn new(url: ProfileUrl, kind: ReasonKind) -> Self {
        Self { url, kind }
    }

    /// The profile that is not in force.
    #[must_use]
    pub fn url(&self) -> &ProfileUrl {
        &self.url
    }

    /// Why it is not.
    #[must_use]
    pub fn kind(&self) -> &ReasonKind {
        &self.kind
    }

    /// The oldest protocol version that would do, when that is the reason.
    #[must_use]
    pub fn min_mcp_version(&self) -> Option<VersionDate> {
        match &self.kind {
            ReasonKind::McpVersionTooLow(min) => min.date(),
            _ => None,
        }
    }

    /// The reason in words; the alternate form continues a sentence that begins with the URL.
    pub(super) fn phrase<'a>(&'a self, version: Option<&'a ProtocolVersion>) -> Phrase<'a> {
        Phrase { kind: &self.kind, version }
    }

    /// Reads a list of reasons, or nothing when it is malformed: reasons explain and never decide.
    pub(super) fn read_list(raw: &RawValue) -> Option<Vec<Self>> {
        if raw.get().len() > MAX_BYTES {
            return None;
        }
        let elements = raw_list::elements(raw.get(), MAX_ENTRIES).ok()?;
        elements.into_iter().map(Self::read).collect()
    }

    fn read(raw: &RawValue) -> Option<Self> {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(rename = "profileURL")]
            url: ProfileUrl,
            reason: String,
            #[serde(rename = "minMcpVersion", default)]
            min_mcp_version: MinMcpVersion,
        }
        let fields = raw_list::object::<Fields>(raw).ok()?;
        let kind = match fields.reason.as_str() {
            "unknown" => ReasonKind::Unknown,
            "mcpVersionTooLow" => ReasonKind::McpVersionTooLow(fields.min_mcp_version),
            "notPermitted" => ReasonKind::NotPermitted,
            "notRequested" => ReasonKind::NotRequested,
            "conflict" => ReasonKind::Conflict,
            other if other.len() <= 64 => ReasonKind::Other(other.into()),
            _ => return None,
        };
        Some(Self::new(fields.url, kind))
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let min = match self.kind {
            ReasonKind::McpVersionTooLow(min) => Some(min),
            _ => None,
        };
        let mut fields = serializer.serialize_struct("Reason", 2 + usize::from(min.is_some()))?;
        fields.serialize_field("profileURL", &self.url)?;
        fields.serialize_field("reason", self.kind.as_str())?;
        if let Some(min) = min {
            fields.serialize_field("minMcpVersion", &min)?;
        }
        fields.end()
    }
}

/// The kinds of reasons; one that a newer peer gives keeps its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReasonKind {
    /// The server does not declare the profile.
    Unknown,
    /// The protocol version in use is older than this.
    McpVersionTooLow(MinMcpVersion),
    /// This caller is not entitled, or the profile's authentication check did not pass.
    NotPermitted,
    /// The client would have had to ask for it.
    NotRequested,
    /// It excludes, and is excluded by, one that is in force.
    Conflict,
    /// A reason that this crate does not know.
    Other(Box<str>),
}

impl ReasonKind {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown => "unknown",
            Self::McpVersionTooLow(_) => "mcpVersionTooLow",
            Self::NotPermitted => "notPermitted",
            Self::NotRequested => "notRequested",
            Self::Conflict => "conflict",
            Self::Other(word) => word,
        }
    }
}

/// The most reasons that are read: one for each requested and each declared profile.
const MAX_ENTRIES: usize = 64 + 256;
/// The most bytes that are read: as many reasons with URLs of the greatest length as fit a request
/// and a declaration, rounded up.
const MAX_BYTES: usize = 256 * 1024;

pub(super) struct Phrase<'a> {
    kind: &'a ReasonKind,
    version: Option<&'a ProtocolVersion>,
}

impl fmt::Display for Phrase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() && !matches!(self.kind, ReasonKind::McpVersionTooLow(_)) {
            f.write_str("is ")?;
        }
        match self.kind {
            ReasonKind::Unknown => f.write_str("not known to this server"),
            ReasonKind::McpVersionTooLow(min) => {
                write!(f, "needs MCP {min} or later")?;
                match self.version {
                    Some(version) => {
                        write!(f, ", this session uses {}", raw_list::brief(version.as_str()))
                    }
                    None => Ok(()),
                }
            }
            ReasonKind::NotPermitted => f.write_str("not permitted for this caller"),
            ReasonKind::NotRequested => f.write_str("needed and not requested"),
            ReasonKind::Conflict => f.write_str("excluded by another profile in force"),
            ReasonKind::Other(word) => write!(f, "refused: {}", raw_list::brief(word)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Vec<Reason>> {
        Reason::read_list(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn reasons_round_trip_and_keep_unknown_words() {
        let json = concat!(
            r#"[{"profileURL":"https://h/a","reason":"mcpVersionTooLow","minMcpVersion":"2026-08-13"},"#,
            r#"{"profileURL":"https://h/b","reason":"unknown"},{"profileURL":"https://h/b","reason":"notPermitted"},"#,
            r#"{"profileURL":"https://h/b","reason":"notRequested"},{"profileURL":"https://h/b","reason":"conflict"},"#,
            r#"{"profileURL":"https://h/c","reason":"overQuota"}]"#
        );
        let reasons = read(json).unwrap();
        assert_eq!(serde_json::to_string(&reasons).unwrap(), json);
        assert_eq!(reasons[0].min_mcp_version(), "2026-08-13".parse().ok());
        assert_eq!(*reasons[5].kind(), ReasonKind::Other("overQuota".into()));
    }

    #[test]
    fn malformed_or_numerous_reasons_count_as_none() {
        let one = r#"{"profileURL":"https://h/a","reason":"unknown"}"#;
        assert!(read(&format!("[{}]", vec![one; 320].join(","))).is_some());
        assert!(read(&format!("[{}]", vec![one; 321].join(","))).is_none());
        assert!(read(&format!("[{one}{}]", " ".repeat(256 * 1024))).is_none());
        let long = "x".repeat(65);
        assert!(read(&format!(r#"[{{"profileURL":"https://h/a","reason":"{long}"}}]"#)).is_none());
        for bad in
            ["{}", "null", "[7]", r#"[{"reason":"unknown"}]"#, r#"[["https://h/a","unknown"]]"#]
        {
            assert!(read(bad).is_none(), "{bad}");
        }
    }
}
