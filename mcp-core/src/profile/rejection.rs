//! A negotiation that ended without agreement, with the facts that both sides render.

use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::declaration::{Declaration, DeclaredProfile};
use super::raw_list::{self, brief};
use super::reason::Reason;
use super::request::RequestedProfiles;
use super::url::ProfileUrl;
use crate::version::ProtocolVersion;

/// What was asked, what was offered, and why the two do not agree.
///
/// The server makes one when it refuses, the client when it does not accept an answer or receives a
/// refusal. `{rejection}` is one line; `{rejection:#}` is a table for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection(Box<Facts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Facts {
    kind: RejectionKind,
    requested: RequestedProfiles,
    supported: Option<Declaration>,
    reasons: Vec<Reason>,
    ask_for: Vec<ProfileUrl>,
    missing: Vec<ProfileUrl>,
    unmet: Vec<Vec<ProfileUrl>>,
    version: Option<ProtocolVersion>,
    server: Option<String>,
    sent: Option<String>,
}

impl Rejection {
    /// A rejection of a kind, with what was requested.
    #[must_use]
    pub fn new(kind: RejectionKind, requested: RequestedProfiles) -> Self {
        Self(Box::new(Facts {
            kind,
            requested,
            supported: None,
            reasons: Vec::new(),
            ask_for: Vec::new(),
            missing: Vec::new(),
            unmet: Vec::new(),
            version: None,
            server: None,
            sent: None,
        }))
    }

    /// What the client makes of the `data` of an error with code 1004 or -32021.
    ///
    /// What the peer says only explains, so each malformed part, and each beyond its bounds, counts
    /// as absent. `requested` is what the client did ask for; the peer's echo of it is not read.
    #[must_use]
    pub fn from_peer(requested: RequestedProfiles, data: Option<&RawValue>) -> Self {
        let mut rejection = Self::new(RejectionKind::Refused, requested);
        let Some(Ok(data)) = data.map(raw_list::object::<PeerData<'_>>) else { return rejection };
        rejection.0.supported = data.supported.and_then(|raw| Declaration::parse_raw(raw).ok());
        rejection.0.reasons = data.reasons.and_then(Reason::read_list).unwrap_or_default();
        rejection.0.ask_for = data.required.and_then(read_ask_for).unwrap_or_default();
        rejection
    }

    /// Says what the server declares.
    #[must_use]
    pub fn with_supported(mut self, supported: Declaration) -> Self {
        self.0.supported = Some(supported);
        self
    }

    /// Says why profiles are not in force.
    #[must_use]
    pub fn with_reasons(mut self, reasons: Vec<Reason>) -> Self {
        self.0.reasons = reasons;
        self
    }

    /// Says what would have to be asked for.
    #[must_use]
    pub fn with_ask_for(mut self, urls: impl IntoIterator<Item = ProfileUrl>) -> Self {
        self.0.ask_for = urls.into_iter().collect();
        self
    }

    /// Says which requirements of the client are not met: profiles, and groups of which none is.
    #[must_use]
    pub fn with_missing(mut self, profiles: Vec<ProfileUrl>, groups: Vec<Vec<ProfileUrl>>) -> Self {
        self.0.missing = profiles;
        self.0.unmet = groups;
        self
    }

    /// Says which protocol version was in use.
    #[must_use]
    pub fn with_version(mut self, version: ProtocolVersion) -> Self {
        self.0.version = Some(version);
        self
    }

    /// Says who the server is, for instance `vidsrus 1.0`; control characters are replaced.
    #[must_use]
    pub fn with_server(mut self, server: &str) -> Self {
        self.0.server = Some(brief(server));
        self
    }

    /// Says what left the client and what became of the connection, for the last line of the table.
    #[must_use]
    pub fn with_sent(mut self, sent: impl Into<String>) -> Self {
        self.0.sent = Some(sent.into());
        self
    }

    /// What kind of disagreement it is.
    #[must_use]
    pub fn kind(&self) -> &RejectionKind {
        &self.0.kind
    }

    /// What was requested.
    #[must_use]
    pub fn requested(&self) -> &RequestedProfiles {
        &self.0.requested
    }

    /// What the server declares, as far as it is known.
    #[must_use]
    pub fn supported(&self) -> Option<&Declaration> {
        self.0.supported.as_ref()
    }

    /// Why profiles are not in force, in the server's words.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.0.reasons
    }

    /// The reason for one profile.
    #[must_use]
    pub fn reason(&self, url: &str) -> Option<&Reason> {
        self.0.reasons.iter().find(|reason| *reason.url() == *url)
    }

    /// What the client would have to ask for, when the server says so.
    #[must_use]
    pub fn ask_for(&self) -> &[ProfileUrl] {
        &self.0.ask_for
    }

    /// The profiles that the client requires and that are not in force.
    #[must_use]
    pub fn missing(&self) -> &[ProfileUrl] {
        &self.0.missing
    }

    /// The groups of which the client requires one and none is in force.
    #[must_use]
    pub fn unmet_groups(&self) -> &[Vec<ProfileUrl>] {
        &self.0.unmet
    }

    /// The protocol version in use, as far as it is known.
    #[must_use]
    pub fn version(&self) -> Option<&ProtocolVersion> {
        self.0.version.as_ref()
    }

    /// Who the server is, as far as it is known.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.0.server.as_deref()
    }

    /// One sentence that says what is wrong and with which profiles.
    ///
    /// It is the message of the JSON-RPC error. At most three profiles are named.
    #[must_use]
    pub fn message(&self) -> String {
        let mut message = self.0.kind.to_string();
        let details = self.details();
        for (at, detail) in details.iter().take(MOST_DETAILS).enumerate() {
            message.push_str(if at == 0 { ": " } else { "; " });
            message.push_str(detail);
        }
        if details.len() > MOST_DETAILS {
            let _ = write!(message, "; and {} more", details.len() - MOST_DETAILS);
        }
        message
    }

    fn details(&self) -> Vec<String> {
        let sentence = |reason: &Reason| {
            format!("{} {:#}", reason.url(), reason.phrase(self.0.version.as_ref()))
        };
        let required = self.0.missing.iter().map(|url| match self.reason(url.as_str()) {
            Some(reason) => sentence(reason),
            None => format!("{url} is not in force"),
        });
        let groups = self.0.unmet.iter().map(|group| {
            let names: Vec<_> = group.iter().take(MOST_DETAILS).map(ProfileUrl::as_str).collect();
            let more = if group.len() > MOST_DETAILS { ", …" } else { "" };
            format!("none of {}{more} is in force", names.join(", "))
        });
        let others = self.0.reasons.iter().filter(|r| !self.0.missing.contains(r.url()));
        required.chain(groups).chain(others.map(sentence)).collect()
    }

    fn write_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("profiles not agreed")?;
        if let Some(server) = &self.0.server {
            write!(f, " with `{server}`")?;
        }
        if let Some(version) = &self.0.version {
            write!(f, " (MCP {})", brief(version.as_str()))?;
        }
        let rows = self.rows();
        let label = rows.iter().map(|row| row.label.len()).max().unwrap_or_default();
        let url = rows.iter().map(|row| row.url.len()).max().unwrap_or_default();
        if !matches!(self.0.kind, RejectionKind::RequiredMissing) {
            write!(f, "\n  {}", self.0.kind)?;
        }
        let mut above = "";
        for row in rows.iter().take(MOST_ROWS) {
            let shown = if row.label == above { "" } else { row.label };
            above = row.label;
            let line = format!("{shown:label$}  {:url$}  {}", row.url, row.note);
            write!(f, "\n  {}", line.trim_end())?;
        }
        if rows.len() > MOST_ROWS {
            write!(f, "\n  … and {} more", rows.len() - MOST_ROWS)?;
        }
        if let Some(sent) = &self.0.sent {
            write!(f, "\n  sent: {sent}")?;
        }
        Ok(())
    }

    fn rows(&self) -> Vec<Row<'_>> {
        let why = |url: &ProfileUrl| match self.reason(url.as_str()) {
            Some(reason) => reason.phrase(self.0.version.as_ref()).to_string(),
            None => "not in force".into(),
        };
        let mut rows = Vec::new();
        for url in &self.0.missing {
            rows.push(Row { label: "required", url: url.as_str(), note: why(url) });
        }
        for url in self.0.unmet.iter().flatten() {
            rows.push(Row { label: "one of", url: url.as_str(), note: why(url) });
        }
        for reason in &self.0.reasons {
            let url = reason.url();
            if !self.0.missing.contains(url) && !self.0.unmet.iter().flatten().any(|u| u == url) {
                let asked = self.0.requested.has(url.as_str());
                let label = if asked { "requested" } else { "needed" };
                rows.push(Row { label, url: url.as_str(), note: why(url) });
            }
        }
        let offered = self.0.supported.as_ref();
        match offered {
            Some(offered) if !offered.is_empty() => {
                let offers = offered.iter().map(|entry| Row {
                    label: "offered",
                    url: entry.url().as_str(),
                    note: offer_note(entry),
                });
                rows.extend(offers);
            }
            _ => rows.push(Row { label: "offered", url: "nothing", note: String::new() }),
        }
        rows
    }
}

impl std::error::Error for Rejection {}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.write_table(f);
        }
        f.write_str("profiles not agreed")?;
        if let Some(server) = &self.0.server {
            write!(f, " with `{server}`")?;
        }
        write!(f, ": {}", self.message())
    }
}

/// What kind of disagreement ended a negotiation; `Display` says it in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectionKind {
    /// Server: nothing that was requested can be in force.
    #[error("no requested profile is available")]
    NothingAvailable,
    /// Server: some of what was requested cannot be in force, and all or nothing is the rule.
    #[error("not every requested profile is available")]
    NotAllAvailable,
    /// Server: a compulsory profile is not in force.
    #[error("this server serves nobody without its compulsory profiles")]
    CompulsoryMissing,
    /// Server: the item called exists only in a profile that was not requested.
    #[error("what was called needs a profile that was not requested")]
    ProfileNeeded,
    /// Server: profiles under which a task, `requestState` or subscription began are not in force.
    #[error("profiles that this began with are no longer in force")]
    NoLongerInForce,
    /// Client: the server answered with an error that says so.
    #[error("the server refused the requested profiles")]
    Refused,
    /// Client: requirements are not met by the answer.
    #[error("required profiles are not in force")]
    RequiredMissing,
    /// Client: the server knows nothing of profiles, and some are required.
    #[error("the server does not say that any profile is in force, and some are required")]
    NotAnswered,
    /// Client: the answer holds a profile that was not requested.
    #[error("the server broke the protocol: it put {0} in force, which was not requested")]
    OutsideRequest(ProfileUrl),
    /// Client: the answer holds a profile twice.
    #[error("the server broke the protocol: its answer holds {0} twice")]
    Repeated(ProfileUrl),
    /// Client: the answer cannot be read.
    #[error("the server broke the protocol: its answer about profiles is malformed: {0}")]
    Malformed(String),
    /// Client: `profile` and `profiles` of one answer say different things.
    #[error("the server broke the protocol: `profile` and `profiles` of its answer do not agree")]
    Disagreeing,
    /// Client: a result that says it may be cached for everyone carries an answer.
    #[error("the server broke the protocol: a result with cache scope `public` answers one caller")]
    PublicAnswer,
    /// Client: a new session after a loss has another set than the one before.
    #[error("the new session has other profiles in force than the one that was lost")]
    Changed,
}

impl RejectionKind {
    /// Whether the peer broke the protocol, and did not merely disagree.
    #[must_use]
    pub fn is_violation(&self) -> bool {
        matches!(
            self,
            Self::OutsideRequest(_)
                | Self::Repeated(_)
                | Self::Malformed(_)
                | Self::Disagreeing
                | Self::PublicAnswer
        )
    }
}

/// How many profiles a message names.
const MOST_DETAILS: usize = 3;
/// How many profiles a table shows.
const MOST_ROWS: usize = 64;

struct Row<'a> {
    label: &'static str,
    url: &'a str,
    note: String,
}

fn offer_note(entry: &DeclaredProfile) -> String {
    let mut note = match entry.min_mcp_version().date() {
        Some(date) => format!("from MCP {date}"),
        None => "any MCP version".into(),
    };
    if entry.is_default() {
        note.push_str(", default");
    }
    note
}

#[derive(Deserialize)]
struct PeerData<'a> {
    #[serde(borrow, default)]
    supported: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasons: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "requiredCapabilities")]
    required: Option<&'a RawValue>,
}

/// What `requiredCapabilities` says about this extension.
fn read_ask_for(required: &RawValue) -> Option<Vec<ProfileUrl>> {
    #[derive(Deserialize)]
    struct Capabilities<'a> {
        #[serde(borrow)]
        extensions: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Extensions<'a> {
        // `super::EXTENSION`, which an attribute cannot name.
        #[serde(borrow, rename = "dev.behaviour-profiles/profiles")]
        profiles: &'a RawValue,
    }
    let capabilities = raw_list::object::<Capabilities<'_>>(required).ok()?;
    let extensions = raw_list::object::<Extensions<'_>>(capabilities.extensions).ok()?;
    let asked = RequestedProfiles::parse_extension(extensions.profiles).ok()?;
    Some(asked.iter().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{EXTENSION, ReasonKind, Refusal};

    const PREMIUM: &str = "https://vidsrus/mcp-profiles/premium";
    const STANDARD: &str = "https://vidsrus/mcp-profiles/standard";

    fn url(text: &str) -> ProfileUrl {
        ProfileUrl::parse(text).unwrap()
    }

    fn supported() -> Declaration {
        let json = format!(
            r#"[{{"profileURL":"{PREMIUM}","minMcpVersion":"2025-08-13"}},
                {{"profileURL":"{STANDARD}","minMcpVersion":"2025-08-13","default":true}}]"#
        );
        Declaration::parse(json.as_bytes()).unwrap()
    }

    fn rejection(kind: RejectionKind) -> Rejection {
        Rejection::new(kind, RequestedProfiles::new([url(PREMIUM)]).unwrap())
            .with_supported(supported())
            .with_reasons(vec![Reason::new(url(PREMIUM), ReasonKind::NotPermitted)])
            .with_version(ProtocolVersion::V2026_07_28)
            .with_server("vidsrus 1.0")
    }

    fn read(data: &str) -> Rejection {
        Rejection::from_peer(
            RequestedProfiles::default(),
            Some(serde_json::from_str(data).unwrap()),
        )
    }

    #[test]
    fn table_for_people_lines_up() {
        let rejection = rejection(RejectionKind::RequiredMissing)
            .with_missing(vec![url(PREMIUM)], Vec::new())
            .with_sent("server/discover, nothing else; the server process has been ended");
        let expected = "\
profiles not agreed with `vidsrus 1.0` (MCP 2026-07-28)
  required  https://vidsrus/mcp-profiles/premium   not permitted for this caller
  offered   https://vidsrus/mcp-profiles/premium   from MCP 2025-08-13
            https://vidsrus/mcp-profiles/standard  from MCP 2025-08-13, default
  sent: server/discover, nothing else; the server process has been ended";
        assert_eq!(format!("{rejection:#}"), expected);
        assert_eq!(
            rejection.to_string(),
            "profiles not agreed with `vidsrus 1.0`: required profiles are not in force: \
             https://vidsrus/mcp-profiles/premium is not permitted for this caller"
        );
    }

    #[test]
    fn table_names_groups_needs_and_the_violation() {
        let requested = RequestedProfiles::new([url("https://h/b")]).unwrap();
        let rejection =
            Rejection::new(RejectionKind::OutsideRequest(url("https://h/x")), requested)
                .with_missing(Vec::new(), vec![vec![url("https://h/a"), url("https://h/b")]])
                .with_reasons(vec![Reason::new(url("https://h/c"), ReasonKind::NotRequested)]);
        let expected = "\
profiles not agreed
  the server broke the protocol: it put https://h/x in force, which was not requested
  one of   https://h/a  not in force
           https://h/b  not in force
  needed   https://h/c  needed and not requested
  offered  nothing";
        assert_eq!(format!("{rejection:#}"), expected);
        assert!(rejection.kind().is_violation());
    }

    #[test]
    fn message_names_at_most_three_profiles_on_one_line() {
        let reasons =
            (0..64).map(|i| Reason::new(url(&format!("https://h/{i}")), ReasonKind::Unknown));
        let rejection = rejection(RejectionKind::NothingAvailable).with_reasons(reasons.collect());
        let message = rejection.message();
        assert!(
            message.ends_with("; https://h/2 is not known to this server; and 61 more"),
            "{message}"
        );
        assert!(!rejection.to_string().contains('\n'));
    }

    #[test]
    fn names_of_a_hostile_server_cannot_drive_a_terminal() {
        let rejection = rejection(RejectionKind::Refused)
            .with_server("\u{1b}]0;owned\u{7}\n")
            .with_version("\u{1b}[2J".into());
        for text in [rejection.to_string(), format!("{rejection:#}"), rejection.message()] {
            assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
        }
    }

    #[test]
    fn refusal_of_our_server_is_read_by_our_client() {
        let refusal = Refusal::MissingCapability(
            rejection(RejectionKind::CompulsoryMissing).with_ask_for([url(STANDARD)]),
        );
        let read = read(&serde_json::to_string(&refusal.data(true)).unwrap());
        assert_eq!(read.supported(), Some(&supported()));
        assert_eq!(read.reasons(), refusal.rejection().reasons());
        assert_eq!(read.ask_for(), [url(STANDARD)], "the literal must stay {EXTENSION}");
    }

    #[test]
    fn malformed_parts_of_a_peers_data_count_as_absent() {
        for data in [
            "null",
            "[]",
            "7",
            r#"{"supported":7,"reasons":"x","requiredCapabilities":[],"requested":{}}"#,
            r#"{"supported":[{}],"reasons":[{}],"requiredCapabilities":{"extensions":{}}}"#,
            r#"{"supported":null,"reasons":null,"requiredCapabilities":null}"#,
        ] {
            let read = read(data);
            assert!(read.supported().is_none() && read.reasons().is_empty(), "{data}");
            assert!(read.ask_for().is_empty(), "{data}");
        }
        let some = read(&format!(
            r#"{{"supported":7,"reasons":[{{"profileURL":"{PREMIUM}","reason":"conflict"}}]}}"#
        ));
        assert_eq!(some.reasons().len(), 1);
        assert!(Rejection::from_peer(RequestedProfiles::default(), None).reasons().is_empty());
    }
}
