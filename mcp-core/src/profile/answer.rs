//! What the server says about profiles, as it is written and as the client reads it.
//!
//! An [`Offer`] is advice: when it is malformed it is reported and counts as absent. An [`Answer`]
//! is binding: when it is malformed the server broke the protocol.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::declaration::{Declaration, InvalidDeclaration};
use super::raw_list::{self, ListProblem};
use super::reason::Reason;
use super::request::{self, InvalidRequest, NegotiatedProfiles};
use super::url::ProfileUrl;

/// What a server offers: its declaration and its reasons, which never confirm a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    supported: Option<Declaration>,
    reasons: Vec<Reason>,
    problem: Option<InvalidDeclaration>,
}

impl Offer {
    /// Reads the server's settings of the extension, `capabilities.extensions[EXT]`, in either era.
    ///
    /// `None` when the server does not name the extension. A malformed declaration is kept as the
    /// [`problem`](Self::problem) to report, and malformed reasons are left out.
    #[must_use]
    pub fn read(settings: Option<&RawValue>) -> Self {
        #[derive(Deserialize)]
        struct Settings<'a> {
            #[serde(borrow, default, deserialize_with = "raw_list::present")]
            supported: Option<&'a RawValue>,
            #[serde(borrow, default)]
            reasons: Option<&'a RawValue>,
        }
        let Some(settings) = settings else { return Self::default() };
        match raw_list::object::<Settings<'_>>(settings) {
            Ok(settings) => {
                let offer = settings
                    .supported
                    .map_or_else(Self::default, |raw| Declaration::parse_raw(raw).into());
                let reasons = settings.reasons.and_then(Reason::read_list);
                Self { reasons: reasons.unwrap_or_default(), ..offer }
            }
            Err(problem) => Err(InvalidDeclaration::NotJson(problem)).into(),
        }
    }

    /// What the server declares, when it does and the declaration can be read.
    #[must_use]
    pub fn supported(&self) -> Option<&Declaration> {
        self.supported.as_ref()
    }

    /// Why profiles are not in force, as a legacy server says beside its answer.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// What is wrong with the declaration, to be reported as a warning.
    #[must_use]
    pub fn problem(&self) -> Option<&InvalidDeclaration> {
        self.problem.as_ref()
    }
}

/// The offer of a well-known document.
impl From<Result<Declaration, InvalidDeclaration>> for Offer {
    fn from(read: Result<Declaration, InvalidDeclaration>) -> Self {
        match read {
            Ok(supported) => Self { supported: Some(supported), ..Self::default() },
            Err(problem) => Self { problem: Some(problem), ..Self::default() },
        }
    }
}

/// What a server says is in force, not yet checked against what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    listed: Listed,
    reasons: Vec<Reason>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Listed {
    #[default]
    Absent,
    Profiles(NegotiatedProfiles),
    Broken(InvalidAnswer),
}

impl Answer {
    /// Reads `profiles` of a legacy `InitializeResult`, and the older singular `profile`.
    #[must_use]
    pub fn from_initialize(profiles: Option<&RawValue>, profile: Option<&RawValue>) -> Self {
        let list = profiles.map(read_profiles).transpose();
        let single = profile
            .map(|raw| request::url(raw, 0).map_err(|_| InvalidAnswer::Singular))
            .transpose();
        let listed = match (list, single) {
            (Err(problem), _) | (_, Err(problem)) => Listed::Broken(problem),
            (Ok(None), Ok(None)) => Listed::Absent,
            (Ok(Some(list)), Ok(None)) => Listed::Profiles(list),
            (Ok(None), Ok(Some(single))) => Listed::Profiles([single].into_iter().collect()),
            (Ok(Some(list)), Ok(Some(single)))
                if list.as_slice() == std::slice::from_ref(&single) =>
            {
                Listed::Profiles(list)
            }
            _ => Listed::Broken(InvalidAnswer::Disagreeing),
        };
        Self { listed, reasons: Vec::new() }
    }

    /// Reads `_meta[EXT]` of a modern result or acknowledgement.
    #[must_use]
    pub fn from_meta(meta: Option<&RawValue>) -> Self {
        #[derive(Deserialize)]
        struct Meta<'a> {
            #[serde(borrow)]
            profiles: &'a RawValue,
            #[serde(borrow, default)]
            reasons: Option<&'a RawValue>,
        }
        let Some(meta) = meta else { return Self::default() };
        match raw_list::object::<Meta<'_>>(meta) {
            Ok(meta) => Self {
                listed: match read_profiles(meta.profiles) {
                    Ok(list) => Listed::Profiles(list),
                    Err(problem) => Listed::Broken(problem),
                },
                reasons: meta.reasons.and_then(Reason::read_list).unwrap_or_default(),
            },
            Err(problem) => {
                Self { listed: Listed::Broken(InvalidAnswer::Meta(problem)), reasons: Vec::new() }
            }
        }
    }

    /// Whether the server said nothing: a warning for a client without requirements.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.listed == Listed::Absent
    }

    /// The profiles, `None` when the server said nothing.
    ///
    /// # Errors
    ///
    /// When the server broke the protocol.
    pub fn profiles(&self) -> Result<Option<&NegotiatedProfiles>, &InvalidAnswer> {
        match &self.listed {
            Listed::Absent => Ok(None),
            Listed::Profiles(profiles) => Ok(Some(profiles)),
            Listed::Broken(problem) => Err(problem),
        }
    }

    /// Why profiles are not in force, as `server/discover` says.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }
}

/// How an answer breaks the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAnswer {
    /// `profiles` is no JSON array.
    #[error("`profiles` must be an array of profile URLs")]
    NotAList,
    /// `profiles` is longer than any declaration.
    #[error("`profiles` has more than 256 entries")]
    TooMany,
    /// An entry of `profiles` is no profile URL.
    #[error("entry {index} of `profiles` is no profile URL")]
    Entry {
        /// Which entry it is, from 0.
        index: usize,
    },
    /// A profile stands in `profiles` twice.
    #[error("`profiles` holds {0} twice")]
    Repeated(ProfileUrl),
    /// The singular `profile` is no profile URL.
    #[error("`profile` is no profile URL")]
    Singular,
    /// `profile` and `profiles` say different things.
    #[error("`profile` and `profiles` do not agree")]
    Disagreeing,
    /// `_meta` of the extension is not an object with `profiles`.
    #[error("`_meta` of the profiles extension cannot be read: {0}")]
    Meta(String),
}

/// The server's settings of the extension as they are written: `{"supported": [...]}`, and in the
/// legacy era also `reasons`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct OfferMeta<'a> {
    /// The declaration.
    pub supported: &'a Declaration,
    /// The reasons; `None` leaves the member out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<&'a [Reason]>,
}

/// `_meta[EXT]` of a modern result as it is written: `{"profiles": [...]}`, and on
/// `server/discover` also `reasons`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AnswerMeta<'a> {
    /// The profiles in force.
    pub profiles: &'a NegotiatedProfiles,
    /// The reasons; `None` leaves the member out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasons: Option<&'a [Reason]>,
}

fn read_profiles(raw: &RawValue) -> Result<NegotiatedProfiles, InvalidAnswer> {
    let elements =
        raw_list::elements(raw.get(), Declaration::MAX_ENTRIES).map_err(
            |problem| match problem {
                ListProblem::TooMany => InvalidAnswer::TooMany,
                ListProblem::NotAList | ListProblem::Syntax(_) => InvalidAnswer::NotAList,
            },
        )?;
    let mut urls: Vec<ProfileUrl> = Vec::with_capacity(elements.len());
    for (index, element) in elements.into_iter().enumerate() {
        let url = request::url(element, index)
            .map_err(|_: InvalidRequest| InvalidAnswer::Entry { index })?;
        if urls.contains(&url) {
            return Err(InvalidAnswer::Repeated(url));
        }
        urls.push(url);
    }
    Ok(urls.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    fn initialize(profiles: Option<&str>, profile: Option<&str>) -> Answer {
        Answer::from_initialize(profiles.map(raw), profile.map(raw))
    }

    fn names(answer: &Answer) -> Vec<&str> {
        answer.profiles().unwrap().unwrap().iter().map(ProfileUrl::as_str).collect()
    }

    #[test]
    fn legacy_answer_is_read_in_both_spellings() {
        assert!(initialize(None, None).is_absent());
        assert_eq!(
            names(&initialize(Some(r#"["https://h/b","https://h/a"]"#), None)),
            ["https://h/b", "https://h/a"]
        );
        assert_eq!(names(&initialize(None, Some(r#""https://h/a""#))), ["https://h/a"]);
        assert_eq!(
            names(&initialize(Some(r#"["https://h/a"]"#), Some(r#""https://h/a""#))),
            ["https://h/a"]
        );
        assert!(names(&initialize(Some("[]"), None)).is_empty());
    }

    #[test]
    fn both_spellings_must_agree() {
        let single = Some(r#""https://h/a""#);
        for list in ["[]", r#"["https://h/b"]"#, r#"["https://h/a","https://h/b"]"#] {
            let answer = initialize(Some(list), single);
            assert_eq!(answer.profiles(), Err(&InvalidAnswer::Disagreeing), "{list}");
        }
    }

    #[test]
    fn broken_answers_are_violations() {
        let twice = initialize(Some(r#"["https://h/a","https://h/a"]"#), None);
        assert!(matches!(twice.profiles(), Err(InvalidAnswer::Repeated(_))));
        for bad in ["null", "{}", r#""https://h/a""#, "7"] {
            assert_eq!(
                initialize(Some(bad), None).profiles(),
                Err(&InvalidAnswer::NotAList),
                "{bad}"
            );
        }
        let entry = initialize(Some(r#"["https://h/a",7]"#), None);
        assert_eq!(entry.profiles(), Err(&InvalidAnswer::Entry { index: 1 }));
        for bad in ["null", "[]", r#""http://h""#] {
            assert_eq!(
                initialize(None, Some(bad)).profiles(),
                Err(&InvalidAnswer::Singular),
                "{bad}"
            );
        }
        let many = format!("[{}]", vec![r#""https://h/a""#; 257].join(","));
        assert_eq!(initialize(Some(&many), None).profiles(), Err(&InvalidAnswer::TooMany));
        for bad in ["{}", "[]", "null", r#"["https://h/a"]"#, r#"{"reasons":[]}"#] {
            let answer = Answer::from_meta(Some(raw(bad)));
            assert!(matches!(answer.profiles(), Err(InvalidAnswer::Meta(_))), "{bad}");
        }
    }

    #[test]
    fn broken_reasons_do_not_break_an_answer() {
        let answer = Answer::from_meta(Some(raw(r#"{"profiles":["https://h/a"],"reasons":7}"#)));
        assert_eq!(names(&answer), ["https://h/a"]);
        assert!(answer.reasons().is_empty());
        assert!(Answer::from_meta(None).is_absent());
    }

    #[test]
    fn broken_offer_is_reported_and_counts_as_absent() {
        for bad in
            [r#"{"supported":{}}"#, r#"{"supported":null}"#, r#"{"supported":[7]}"#, "[]", "true"]
        {
            let offer = Offer::read(Some(raw(bad)));
            assert!(offer.supported().is_none() && offer.problem().is_some(), "{bad}");
        }
        for absent in [Offer::read(None), Offer::read(Some(raw("{}")))] {
            assert!(absent.supported().is_none() && absent.problem().is_none());
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let declaration = Declaration::parse(br#"[{"profileURL":"https://h/a"}]"#).unwrap();
        let reasons =
            Reason::read_list(raw(r#"[{"profileURL":"https://h/b","reason":"unknown"}]"#)).unwrap();
        let json =
            serde_json::to_string(&OfferMeta { supported: &declaration, reasons: Some(&reasons) })
                .unwrap();
        let offer = Offer::read(Some(raw(&json)));
        assert_eq!((offer.supported().unwrap().len(), offer.reasons()), (1, &reasons[..]));
        let profiles = [ProfileUrl::parse("https://h/a").unwrap()].into_iter().collect();
        let json =
            serde_json::to_string(&AnswerMeta { profiles: &profiles, reasons: None }).unwrap();
        assert_eq!(json, r#"{"profiles":["https://h/a"]}"#);
        assert_eq!(Answer::from_meta(Some(raw(&json))).profiles(), Ok(Some(&profiles)));
    }

    proptest! {
        #[test]
        fn no_answer_panics(json in r#"(\{"(profiles|supported|reasons)":)?[\[\]{}:,"a-z0-9/.]{0,40}\}?"#) {
            if let Ok(raw) = serde_json::from_str::<&RawValue>(&json) {
                let _ = Answer::from_meta(Some(raw)).profiles();
                let _ = Offer::read(Some(raw));
                let _ = initialize(Some(&json), Some(&json)).profiles();
            }
        }
    }
}
