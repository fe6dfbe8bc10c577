//! The client's policy and its decision about what a server answers.

use super::answer::{Answer, InvalidAnswer, Offer};
use super::reason::Reason;
use super::rejection::{Rejection, RejectionKind};
use super::request::{InvalidRequest, NegotiatedProfiles, RequestedProfiles};
use super::url::{InvalidProfileUrl, ProfileUrl};

/// Which profiles a client requires, and which it would merely like.
///
/// # Examples
///
/// ```
/// use mcp_core::profile::{Answer, ClientPolicy, Offer};
///
/// let policy = ClientPolicy::builder()
///     .require("https://vidsrus/premium")
///     .require_one_of(["https://vidsrus/mtls", "https://vidsrus/private-key"])
///     .prefer("https://vidsrus/low-latency")
///     .build()?;
/// assert_eq!(policy.requested().len(), 4);
///
/// let silence = Answer::default();
/// assert!(policy.check_answer(policy.requested(), &silence, &Offer::default()).is_err());
/// # Ok::<(), mcp_core::profile::InvalidClientPolicy>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientPolicy {
    required: Vec<ProfileUrl>,
    one_of: Vec<Vec<ProfileUrl>>,
    requested: RequestedProfiles,
    aware: bool,
}

impl ClientPolicy {
    /// Starts a policy that wants nothing.
    pub fn builder() -> ClientPolicyBuilder {
        ClientPolicyBuilder::default()
    }

    /// What to ask for: the required profiles, those of the groups, the preferred, each once.
    #[must_use]
    pub fn requested(&self) -> &RequestedProfiles {
        &self.requested
    }

    /// Whether any profile must be in force before anything of the caller's is sent.
    #[must_use]
    pub fn has_requirements(&self) -> bool {
        !self.required.is_empty() || !self.one_of.is_empty()
    }

    /// Whether the policy wants nothing; unless it [is aware](Self::is_aware) nothing about
    /// profiles is sent, and answers about them need not be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requested.is_empty()
    }

    /// Whether the client declares the extension in its capabilities.
    #[must_use]
    pub fn is_aware(&self) -> bool {
        self.aware || !self.is_empty()
    }

    /// Decides about an answer: what is in force, or that the connection must not be used.
    ///
    /// `requested` is what that message asked for: in the legacy era and for `server/discover` the
    /// policy's [`requested`](Self::requested), on other modern messages the confirmed set. Without
    /// requirements a server that says nothing is accepted with no profile in force; the caller
    /// reports that as a warning ([`Answer::is_absent`]).
    ///
    /// # Errors
    ///
    /// When the answer breaks the protocol or does not meet the requirements. Nothing more may be
    /// sent then, and the connection is closed.
    pub fn check_answer(
        &self,
        requested: &RequestedProfiles,
        answer: &Answer,
        offer: &Offer,
    ) -> Result<NegotiatedProfiles, Rejection> {
        let reject = |kind| Err(self.rejection(kind, requested, answer, offer));
        let profiles = match answer.profiles() {
            Err(InvalidAnswer::Repeated(url)) => {
                return reject(RejectionKind::Repeated(url.clone()));
            }
            Err(InvalidAnswer::Disagreeing) => return reject(RejectionKind::Disagreeing),
            Err(problem) => return reject(RejectionKind::Malformed(problem.to_string())),
            Ok(None) if self.has_requirements() => return reject(RejectionKind::NotAnswered),
            Ok(None) => return Ok(NegotiatedProfiles::default()),
            Ok(Some(profiles)) => profiles,
        };
        let outside = profiles.iter().find(|url| !requested.has(url.as_str()));
        match outside {
            Some(url) if !requested.is_empty() => {
                reject(RejectionKind::OutsideRequest(url.clone()))
            }
            _ if !self.is_met_by(profiles) => reject(RejectionKind::RequiredMissing),
            _ => Ok(profiles.clone()),
        }
    }

    /// Decides about `server/discover`: the set to request on every further modern message.
    ///
    /// `answer` is `_meta[EXT]` of the result, and `offer` its declaration, which is advice: it
    /// explains a rejection, but neither confirms a profile nor rejects.
    ///
    /// # Errors
    ///
    /// As [`check_answer`](Self::check_answer).
    pub fn choose_from_discovery(
        &self,
        answer: &Answer,
        offer: &Offer,
    ) -> Result<Confirmed, Rejection> {
        let profiles = self.check_answer(&self.requested, answer, offer)?;
        let agreed = self.requested.iter().filter(|url| profiles.has(url.as_str()));
        let request = if agreed.clone().count() == self.requested.len() {
            self.requested.clone()
        } else {
            RequestedProfiles(agreed.cloned().collect())
        };
        Ok(Confirmed { request, profiles })
    }

    /// Whether these profiles meet every requirement.
    #[must_use]
    pub fn is_met_by(&self, profiles: &NegotiatedProfiles) -> bool {
        self.required.iter().all(|url| profiles.has(url.as_str()))
            && self.one_of.iter().all(|group| has_any(profiles, group))
    }

    /// A rejection with the requirements that are not met, and what is known about why.
    #[must_use]
    pub fn rejection(
        &self,
        kind: RejectionKind,
        requested: &RequestedProfiles,
        answer: &Answer,
        offer: &Offer,
    ) -> Rejection {
        let in_force = match answer.profiles() {
            Ok(Some(profiles)) => profiles.clone(),
            _ => NegotiatedProfiles::default(),
        };
        let missing = self.required.iter().filter(|url| !in_force.has(url.as_str()));
        let unmet = self.one_of.iter().filter(|group| !has_any(&in_force, group));
        let mut reasons: Vec<Reason> = answer.reasons().to_vec();
        for reason in offer.reasons() {
            if !reasons.iter().any(|known| known.url() == reason.url()) {
                reasons.push(reason.clone());
            }
        }
        let rejection = Rejection::new(kind, requested.clone())
            .with_missing(missing.cloned().collect(), unmet.cloned().collect())
            .with_reasons(reasons);
        match offer.supported() {
            Some(supported) => rejection.with_supported(supported.clone()),
            None => rejection,
        }
    }

    /// What the client makes of an error of the server with code 1004, or with -32021 for want of
    /// a profile.
    #[must_use]
    pub fn refused(
        &self,
        requested: &RequestedProfiles,
        data: Option<&serde_json::value::RawValue>,
    ) -> Rejection {
        Rejection::from_peer(requested.clone(), data)
            .with_missing(self.required.clone(), self.one_of.clone())
    }
}

/// What discovery confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// What every further message requests, in the client's order.
    pub request: RequestedProfiles,
    /// What the server said would be in force; when nothing is requested, what its policy picks.
    pub profiles: NegotiatedProfiles,
}

/// Builds a [`ClientPolicy`]; the first mistake is kept until [`ClientPolicyBuilder::build`].
#[derive(Clone, Debug, Default)]
#[must_use = "a policy takes effect only once it is built"]
pub struct ClientPolicyBuilder {
    required: Vec<ProfileUrl>,
    one_of: Vec<Vec<ProfileUrl>>,
    preferred: Vec<ProfileUrl>,
    aware: bool,
    mistake: Option<InvalidClientPolicy>,
}

impl ClientPolicyBuilder {
    /// Without this profile there is no connection.
    pub fn require(mut self, url: impl AsRef<str>) -> Self {
        let url = self.url(url.as_ref());
        self.required.extend(url);
        self
    }

    /// Without one of these profiles, most wanted first, there is no connection.
    pub fn require_one_of<S: AsRef<str>>(mut self, urls: impl IntoIterator<Item = S>) -> Self {
        let mut group = Vec::new();
        for url in urls {
            group.extend(self.url(url.as_ref()));
        }
        if group.is_empty() {
            self.mistake.get_or_insert(InvalidClientPolicy::EmptyGroup);
        }
        self.one_of.push(group);
        self
    }

    /// This profile is asked for and may be left out.
    pub fn prefer(mut self, url: impl AsRef<str>) -> Self {
        let url = self.url(url.as_ref());
        self.preferred.extend(url);
        self
    }

    /// Declares the extension even when no profile is asked for, so that the server says what is
    /// in force.
    pub fn aware(mut self) -> Self {
        self.aware = true;
        self
    }

    /// Checks the names.
    ///
    /// # Errors
    ///
    /// When a name is no profile URL, a group is empty, or more profiles are named than one request
    /// can hold.
    pub fn build(self) -> Result<ClientPolicy, InvalidClientPolicy> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let groups = self.one_of.iter().flatten();
        let wanted = self.required.iter().chain(groups).chain(&self.preferred).cloned();
        let requested = RequestedProfiles::new(wanted)?;
        let Self { required, one_of, aware, .. } = self;
        Ok(ClientPolicy { required, one_of, requested, aware })
    }

    fn url(&mut self, text: &str) -> Option<ProfileUrl> {
        match ProfileUrl::parse(text) {
            Ok(url) => Some(url),
            Err(problem) => {
                let name = text.into();
                self.mistake.get_or_insert(InvalidClientPolicy::Url { name, problem });
                None
            }
        }
    }
}

/// Why a client policy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClientPolicy {
    /// A name is no profile URL.
    #[error("`{name}` cannot be asked for: {problem}")]
    Url {
        /// The name as it was given.
        name: String,
        /// The rule that it breaks.
        #[source]
        problem: InvalidProfileUrl,
    },
    /// A group of which one is required names none.
    #[error("a group of which one profile is required names none: name at least one")]
    EmptyGroup,
    /// More profiles are named than one request can hold.
    #[error(transparent)]
    Request(#[from] InvalidRequest),
}

fn has_any(profiles: &NegotiatedProfiles, group: &[ProfileUrl]) -> bool {
    group.iter().any(|url| profiles.has(url.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::{
        AnswerMeta, Declaration, DeclaredProfile, Entitlement, MinMcpVersion, ProfilePolicy,
    };
    use crate::version::ProtocolVersion;

    const A: &str = "https://h/a";
    const B: &str = "https://h/b";
    const C: &str = "https://h/c";
    const D: &str = "https://h/d";

    fn policy() -> ClientPolicy {
        let groups = ClientPolicy::builder().prefer(D).prefer(A).require(A).require_one_of([C, B]);
        groups.build().unwrap()
    }

    fn answer(names: &[&str]) -> Answer {
        let json = serde_json::to_string(&serde_json::json!({ "profiles": names })).unwrap();
        Answer::from_meta(Some(serde_json::from_str(&json).unwrap()))
    }

    fn check(policy: &ClientPolicy, answer: &Answer) -> Result<NegotiatedProfiles, RejectionKind> {
        policy
            .check_answer(policy.requested(), answer, &Offer::default())
            .map_err(|rejection| rejection.kind().clone())
    }

    #[test]
    fn request_is_the_union_of_required_groups_and_preferred() {
        let policy = policy();
        let names: Vec<_> = policy.requested().iter().map(ProfileUrl::as_str).collect();
        assert_eq!(names, [A, C, B, D]);
        assert!(policy.has_requirements() && policy.is_aware() && !policy.is_empty());
        let nothing = ClientPolicy::builder().build().unwrap();
        assert!(nothing.is_empty() && !nothing.is_aware() && !nothing.has_requirements());
        assert!(ClientPolicy::builder().aware().build().unwrap().is_aware());
    }

    #[test]
    fn mistakes_of_a_policy_are_told() {
        let found = ClientPolicy::builder().require("vidsrus").require(A).build().unwrap_err();
        assert!(matches!(found, InvalidClientPolicy::Url { ref name, .. } if name == "vidsrus"));
        let none: [&str; 0] = [];
        let found = ClientPolicy::builder().require_one_of(none).build();
        assert_eq!(found, Err(InvalidClientPolicy::EmptyGroup));
        let many = (0..65).fold(ClientPolicy::builder(), |b, i| b.prefer(format!("https://h/{i}")));
        assert_eq!(many.build(), Err(InvalidClientPolicy::Request(InvalidRequest::TooMany)));
    }

    #[test]
    fn answer_that_meets_every_requirement_is_accepted() {
        assert_eq!(check(&policy(), &answer(&[A, B])).unwrap().len(), 2);
        assert_eq!(check(&policy(), &answer(&[D, C, B, A])).unwrap().len(), 4);
    }

    #[test]
    fn missing_requirement_rejects_and_is_named() {
        assert_eq!(check(&policy(), &answer(&[A])), Err(RejectionKind::RequiredMissing));
        assert_eq!(check(&policy(), &answer(&[B, C])), Err(RejectionKind::RequiredMissing));
        assert_eq!(check(&policy(), &answer(&[])), Err(RejectionKind::RequiredMissing));
        assert_eq!(check(&policy(), &Answer::default()), Err(RejectionKind::NotAnswered));
        let policy = policy();
        let rejection = policy.check_answer(policy.requested(), &answer(&[D]), &Offer::default());
        let rejection = rejection.unwrap_err();
        assert_eq!(rejection.missing(), [ProfileUrl::parse(A).unwrap()]);
        assert_eq!(rejection.unmet_groups().len(), 1);
    }

    #[test]
    fn answer_that_breaks_the_protocol_rejects_before_anything_else() {
        let outside = check(&policy(), &answer(&[A, B, "https://h/x"])).unwrap_err();
        assert!(matches!(outside, RejectionKind::OutsideRequest(ref url) if *url == "https://h/x"));
        let twice = check(&policy(), &answer(&[A, B, A])).unwrap_err();
        assert!(matches!(twice, RejectionKind::Repeated(_)));
        let malformed = check(&policy(), &answer(&["http://h/a"])).unwrap_err();
        assert!(matches!(malformed, RejectionKind::Malformed(_)));
        for kind in [outside, twice, malformed] {
            assert!(kind.is_violation());
        }
    }

    #[test]
    fn without_requirements_silence_is_accepted_and_a_broken_answer_is_not() {
        let policy = ClientPolicy::builder().prefer(A).build().unwrap();
        assert!(check(&policy, &Answer::default()).unwrap().is_empty());
        assert!(check(&policy, &answer(&[])).unwrap().is_empty());
        assert!(check(&policy, &answer(&["x"])).is_err());
        let aware = ClientPolicy::builder().aware().build().unwrap();
        assert_eq!(check(&aware, &answer(&[A, B])).unwrap().len(), 2);
    }

    #[test]
    fn discovery_confirms_in_the_clients_order_and_by_the_answer_alone() {
        let confirmed = policy().choose_from_discovery(&answer(&[B, D, A]), &Offer::default());
        let confirmed = confirmed.unwrap();
        let names: Vec<_> = confirmed.request.iter().map(ProfileUrl::as_str).collect();
        assert_eq!(names, [A, B, D]);
        let json = format!(r#"[{{"profileURL":"{A}"}},{{"profileURL":"{B}"}}]"#);
        let offer = Offer::from(Declaration::parse(json.as_bytes()));
        let rejection = policy().choose_from_discovery(&Answer::default(), &offer).unwrap_err();
        assert_eq!(*rejection.kind(), RejectionKind::NotAnswered);
        assert_eq!(rejection.supported().unwrap().len(), 2);
        let aware = ClientPolicy::builder().aware().build().unwrap();
        let defaults = aware.choose_from_discovery(&answer(&[B]), &offer).unwrap();
        assert!(defaults.request.is_empty() && defaults.profiles.has(B));
    }

    #[test]
    fn refusal_of_the_server_names_what_was_required() {
        let data = format!(r#"{{"reasons":[{{"profileURL":"{A}","reason":"notPermitted"}}]}}"#);
        let policy = policy();
        let raw = serde_json::from_str(&data).unwrap();
        let rejection = policy.refused(policy.requested(), Some(raw));
        assert_eq!(*rejection.kind(), RejectionKind::Refused);
        assert!(format!("{rejection:#}").contains("not permitted for this caller"));
    }

    proptest! {
        #[test]
        fn accepted_answers_are_within_the_request_and_meet_the_policy(
            required in prop::collection::vec(0usize..6, 0..3),
            group in prop::collection::vec(0usize..6, 1..3),
            preferred in prop::collection::vec(0usize..6, 0..3),
            answered in prop::collection::vec(0usize..7, 0..5),
        ) {
            let name = |i: &usize| format!("https://h/{i}");
            let mut builder = ClientPolicy::builder().require_one_of(group.iter().map(name));
            for i in &required { builder = builder.require(name(i)); }
            for i in &preferred { builder = builder.prefer(name(i)); }
            let policy = builder.build().unwrap();
            let names: Vec<_> = answered.iter().map(name).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            if let Ok(profiles) = check(&policy, &answer(&names)) {
                prop_assert!(profiles.iter().all(|url| policy.requested().has(url.as_str())));
                prop_assert!(required.iter().all(|i| profiles.has(&name(i))));
                prop_assert!(group.iter().any(|i| profiles.has(&name(i))));
                prop_assert_eq!(profiles.len(), answered.len());
            }
        }

        #[test]
        fn i5_both_halves_hold_the_same_set_or_none(
            required in prop::collection::vec(0usize..5, 0..3),
            preferred in prop::collection::vec(0usize..5, 0..4),
            entitled in prop::collection::vec(0usize..5, 0..5),
            exclusive in prop::collection::vec(0usize..4, 0..3),
        ) {
            let name = |i: &usize| format!("https://h/{i}");
            let entry = |i| DeclaredProfile::new(ProfileUrl::parse(&name(&i)).unwrap(), MinMcpVersion::ANY);
            let declaration = Declaration::new((0..4).map(entry)).unwrap();
            let server = ProfilePolicy::builder(declaration).exclusive(exclusive.iter().map(name)).build().unwrap();
            let server = server.resolve(&Entitlement::only(entitled.iter().map(name)));
            let mut builder = ClientPolicy::builder();
            for i in &required { builder = builder.require(name(i)); }
            for i in &preferred { builder = builder.prefer(name(i)); }
            let client = builder.build().unwrap();

            let version = ProtocolVersion::LATEST;
            let agreement = server.discover(client.requested(), &version);
            let meta = AnswerMeta { profiles: &agreement.profiles, reasons: Some(&agreement.reasons) };
            let meta = serde_json::value::to_raw_value(&meta).unwrap();
            match client.choose_from_discovery(&Answer::from_meta(Some(&meta)), &Offer::default()) {
                Ok(confirmed) => match server.decide(&confirmed.request, &version, crate::profile::Terms::AllOrNothing) {
                    crate::profile::Decision::Agreed { profiles, .. } => {
                        prop_assert!(profiles.same_set(&confirmed.profiles));
                        prop_assert!(client.is_met_by(&profiles));
                    }
                    crate::profile::Decision::Refused(refusal) => prop_assert!(false, "{}", refusal),
                },
                Err(rejection) => prop_assert!(required.iter().any(|i| !agreement.profiles.has(&name(i))), "{}", rejection),
            }
        }
    }
}
