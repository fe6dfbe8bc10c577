//! The server's decisions: which profiles are in force, and what they let a caller reach.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::policy::{Indices, ResolvedPolicy};
use super::reason::{Reason, ReasonKind};
use super::rejection::{Rejection, RejectionKind};
use super::request::{NegotiatedProfiles, RequestExtension, RequestedProfiles};
use super::url::ProfileUrl;
use super::{EXTENSION, MISSING_REQUIRED_CLIENT_CAPABILITY, NOT_AGREED};
use crate::version::{Era, ProtocolVersion};

impl ResolvedPolicy {
    /// Decides which profiles are in force for a session or request.
    ///
    /// The answer holds only declared profiles in the order of the declaration, and only requested
    /// ones when something was requested. Nothing is allocated when nothing is requested and at
    /// most one profile, or exactly the usual defaults, come into force.
    #[must_use]
    pub fn decide(
        &self,
        requested: &RequestedProfiles,
        version: &ProtocolVersion,
        terms: Terms,
    ) -> Decision {
        let Settled { kept, reasons, left_out, missing, unasked } = self.settle(requested, version);
        let kind = if left_out > 0 && kept.is_empty() {
            RejectionKind::NothingAvailable
        } else if left_out > 0 && terms == Terms::AllOrNothing {
            RejectionKind::NotAllAvailable
        } else if !missing.is_empty() {
            RejectionKind::CompulsoryMissing
        } else {
            return Decision::Agreed { profiles: self.shared(kept, requested), reasons };
        };
        let asking_suffices = kind == RejectionKind::CompulsoryMissing && missing == unasked;
        let rejection = self.rejection(kind, requested, version, reasons);
        Decision::Refused(if asking_suffices && terms == Terms::AllOrNothing {
            let ask_for = missing.iter().map(|index| self.policy().url(index).clone());
            Refusal::MissingCapability(rejection.with_ask_for(ask_for))
        } else {
            Refusal::NotAgreed(rejection)
        })
    }

    /// What `server/discover` says would be in force; it never fails.
    ///
    /// Where [`decide`](Self::decide) would refuse for want of a compulsory profile or of any
    /// requested one, nothing would be in force, and the reasons say why.
    #[must_use]
    pub fn discover(&self, requested: &RequestedProfiles, version: &ProtocolVersion) -> Agreement {
        let Settled { kept, reasons, missing, .. } = self.settle(requested, version);
        let in_force = if missing.is_empty() { kept } else { Indices::default() };
        Agreement { profiles: self.shared(in_force, requested), reasons }
    }

    /// Whether a call may reach an item that exists in `profiles`, of which any one suffices.
    ///
    /// An item that no profile is named for is open to everyone.
    #[must_use]
    pub fn gate(
        &self,
        profiles: &[ProfileUrl],
        negotiated: &NegotiatedProfiles,
        version: &ProtocolVersion,
    ) -> Gate {
        if is_open(profiles, negotiated) {
            return Gate::Allowed;
        }
        if version.era() != Some(Era::Modern) {
            return Gate::Unknown;
        }
        let permitted = self.permitted();
        let obtainable = profiles.iter().find(|url| {
            self.policy().index(url.as_str()).is_some_and(|index| {
                permitted.contains(index)
                    && self.policy().entry(index).min_mcp_version().admits(version)
            })
        });
        obtainable.map_or(Gate::Unknown, |url| Gate::NeedsProfile(url.clone()))
    }

    /// Whether a list shows an item that exists in `profiles`, of which any one suffices.
    ///
    /// A legacy list shows what the negotiated profiles allow. A modern one shows what the caller
    /// is entitled to, for it may vary only with the authorization of a request (MCP 2026-07-28,
    /// server/tools, "Capabilities").
    #[must_use]
    pub fn visible(
        &self,
        profiles: &[ProfileUrl],
        negotiated: &NegotiatedProfiles,
        version: &ProtocolVersion,
    ) -> bool {
        if version.era() == Some(Era::Modern) {
            profiles.is_empty() || profiles.iter().any(|url| self.permits(url.as_str()))
        } else {
            is_open(profiles, negotiated)
        }
    }

    /// The refusal of a modern call whose item [needs a profile](Gate::NeedsProfile).
    #[must_use]
    pub fn needs_profile(
        &self,
        url: ProfileUrl,
        requested: &RequestedProfiles,
        version: &ProtocolVersion,
    ) -> Refusal {
        let reasons = vec![Reason::new(url.clone(), ReasonKind::NotRequested)];
        let rejection = self.rejection(RejectionKind::ProfileNeeded, requested, version, reasons);
        Refusal::MissingCapability(rejection.with_ask_for([url]))
    }

    /// Whether the profiles under which a task, `requestState` or subscription began are all in
    /// force for the request that continues it.
    ///
    /// # Errors
    ///
    /// The refusal with code 1004, whose reasons name those that are not.
    pub fn still_in_force(
        &self,
        original: &NegotiatedProfiles,
        negotiated: &NegotiatedProfiles,
        requested: &RequestedProfiles,
        version: &ProtocolVersion,
    ) -> Result<(), Refusal> {
        if negotiated.has_all(original) {
            return Ok(());
        }
        let in_force = negotiated.iter().filter_map(|url| self.policy().index(url.as_str()));
        let in_force = in_force.collect();
        let lost = original.iter().filter(|url| !negotiated.has(url.as_str())).map(|url| {
            let kind = match self.policy().index(url.as_str()) {
                None => ReasonKind::Unknown,
                Some(index) => {
                    self.obstacle(index, in_force, version).unwrap_or(ReasonKind::NotRequested)
                }
            };
            Reason::new(url.clone(), kind)
        });
        let reasons = lost.collect();
        let kind = RejectionKind::NoLongerInForce;
        Err(Refusal::NotAgreed(self.rejection(kind, requested, version, reasons)))
    }

    /// Whether a set that was negotiated earlier could be in force in a session that goes on: every
    /// profile of it is declared, available and permitted, none excludes another, and nothing that is
    /// compulsory is missing. It comes back whole, in the order of the declaration.
    ///
    /// # Errors
    ///
    /// The refusal with code 1004, whose reasons name what stands against it.
    pub fn renew(
        &self,
        earlier: &NegotiatedProfiles,
        version: &ProtocolVersion,
    ) -> Result<NegotiatedProfiles, Refusal> {
        let wanted = RequestedProfiles(earlier.0.clone());
        let Settled { kept, reasons, .. } = self.settle(&wanted, version);
        if !reasons.is_empty() {
            let kind = RejectionKind::NoLongerInForce;
            let none = RequestedProfiles::default();
            return Err(Refusal::NotAgreed(self.rejection(kind, &none, version, reasons)));
        }
        // Nothing is picked for a session that had nothing.
        let kept = if earlier.is_empty() { Indices::default() } else { kept };
        Ok(self.shared(kept, &wanted))
    }

    fn settle(&self, requested: &RequestedProfiles, version: &ProtocolVersion) -> Settled {
        let mut kept = Indices::default();
        let mut reasons = Vec::new();
        let mut explained = Indices::default();
        if requested.is_empty() {
            let compulsory = self.policy().prepared().compulsory;
            kept = self.first_fitting(self.picked().without(compulsory), version);
            if kept.is_empty() {
                kept = self.first_fitting(self.policy().prepared().defaults, version);
            }
        }
        for url in requested {
            let obstacle = match self.policy().index(url.as_str()) {
                None => Some(ReasonKind::Unknown),
                Some(index) => {
                    let obstacle = self.obstacle(index, kept, version);
                    match obstacle {
                        None => kept.insert(index),
                        Some(_) => explained.insert(index),
                    }
                    obstacle
                }
            };
            reasons.extend(obstacle.map(|kind| Reason::new(url.clone(), kind)));
        }
        let left_out = reasons.len();
        let missing = self.policy().prepared().compulsory.without(kept);
        let mut unasked = Indices::default();
        for index in missing.without(explained).iter() {
            let obstacle = self.obstacle(index, kept, version);
            if obstacle.is_none() {
                unasked.insert(index);
            }
            let kind = obstacle.unwrap_or(ReasonKind::NotRequested);
            reasons.push(Reason::new(self.policy().url(index).clone(), kind));
        }
        Settled { kept, reasons, left_out, missing, unasked }
    }

    /// In the order of the declaration, what nothing stands against.
    fn first_fitting(&self, candidates: Indices, version: &ProtocolVersion) -> Indices {
        let mut kept = Indices::default();
        for index in candidates.iter() {
            if self.obstacle(index, kept, version).is_none() {
                kept.insert(index);
            }
        }
        kept
    }

    /// Why a declared profile cannot join those that are kept already.
    fn obstacle(
        &self,
        index: usize,
        kept: Indices,
        version: &ProtocolVersion,
    ) -> Option<ReasonKind> {
        let min = self.policy().entry(index).min_mcp_version();
        if !min.admits(version) {
            Some(ReasonKind::McpVersionTooLow(min))
        } else if !self.permitted().contains(index) {
            Some(ReasonKind::NotPermitted)
        } else if !self.policy().prepared().excludes[index].only(kept).is_empty() {
            Some(ReasonKind::Conflict)
        } else {
            None
        }
    }

    /// The set in the order of the declaration; the request itself, when it is that set.
    fn shared(&self, kept: Indices, requested: &RequestedProfiles) -> NegotiatedProfiles {
        let urls = || kept.iter().map(|index| self.policy().url(index));
        if kept.len() > 1 && kept.len() as usize == requested.len() && urls().eq(requested) {
            return NegotiatedProfiles(requested.0.clone());
        }
        self.policy().negotiated(kept)
    }

    fn rejection(
        &self,
        kind: RejectionKind,
        requested: &RequestedProfiles,
        version: &ProtocolVersion,
        reasons: Vec<Reason>,
    ) -> Rejection {
        Rejection::new(kind, requested.clone())
            .with_supported(self.declaration().clone())
            .with_reasons(reasons)
            .with_version(version.clone())
    }
}

/// How far an agreement may fall short of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// Legacy `initialize`: what can be in force is, and reasons explain the rest.
    Partial,
    /// A modern request other than `server/discover`: all that is requested, or nothing runs.
    AllOrNothing,
}

/// The server's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These profiles are in force.
    Agreed {
        /// The profiles in the order of the declaration.
        profiles: NegotiatedProfiles,
        /// Why requested profiles were left out; empty under [`Terms::AllOrNothing`].
        reasons: Vec<Reason>,
    },
    /// Nothing runs, and this is the answer.
    Refused(Refusal),
}

/// What `server/discover` says about a caller and request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// What would be in force, in the order of the declaration.
    pub profiles: NegotiatedProfiles,
    /// Why other profiles would not.
    pub reasons: Vec<Reason>,
}

/// The answer to a request that the profiles do not let run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Code 1004: what was asked for, or is compulsory, cannot be in force. HTTP status 200.
    #[error("{0}")]
    NotAgreed(Rejection),
    /// Code -32021: the client has to ask for more. HTTP status 400.
    #[error("{0}")]
    MissingCapability(Rejection),
}

impl Refusal {
    /// The JSON-RPC error code.
    #[must_use]
    pub fn code(&self) -> i32 {
        match self {
            Self::NotAgreed(_) => NOT_AGREED,
            Self::MissingCapability(_) => MISSING_REQUIRED_CLIENT_CAPABILITY,
        }
    }

    /// The message of the JSON-RPC error.
    #[must_use]
    pub fn message(&self) -> String {
        self.rejection().message()
    }

    /// The data of the JSON-RPC error, for a client that declared the extension or not.
    #[must_use]
    pub fn data(&self, declared_extension: bool) -> RefusalData<'_> {
        RefusalData { refusal: self, declared_extension }
    }

    /// What was asked, what is offered and why it was refused.
    #[must_use]
    pub fn rejection(&self) -> &Rejection {
        match self {
            Self::NotAgreed(rejection) | Self::MissingCapability(rejection) => rejection,
        }
    }

    /// The same without the code.
    #[must_use]
    pub fn into_rejection(self) -> Rejection {
        match self {
            Self::NotAgreed(rejection) | Self::MissingCapability(rejection) => rejection,
        }
    }
}

/// The `data` of a refusal as it is written.
///
/// A client that did not declare the extension receives of it only `supported`, and what it would
/// have to declare.
#[derive(Clone, Copy, Debug)]
pub struct RefusalData<'a> {
    refusal: &'a Refusal,
    declared_extension: bool,
}

impl Serialize for RefusalData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Capabilities<'a> {
            extensions: Extensions<'a>,
        }
        struct Extensions<'a>(RequestExtension<'a>);
        impl Serialize for Extensions<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([(EXTENSION, self.0)])
            }
        }

        let rejection = self.refusal.rejection();
        let mut data = serializer.serialize_map(None)?;
        if let Refusal::MissingCapability(_) = self.refusal {
            let extensions = Extensions(RequestExtension(rejection.ask_for()));
            data.serialize_entry("requiredCapabilities", &Capabilities { extensions })?;
        }
        if self.declared_extension {
            data.serialize_entry("requested", rejection.requested())?;
        }
        let supported = rejection.supported().map_or(&[][..], |supported| supported.as_slice());
        data.serialize_entry("supported", supported)?;
        if self.declared_extension {
            data.serialize_entry("reasons", rejection.reasons())?;
        }
        data.end()
    }
}

/// Whether a call may reach an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may.
    Allowed,
    /// The item does not exist for this caller: answer as for an unknown name.
    Unknown,
    /// It may once the client asks for this profile: answer with
    /// [`needs_profile`](ResolvedPolicy::needs_profile).
    NeedsProfile(ProfileUrl),
}

/// What came of walking through a request.
struct Settled {
    kept: Indices,
    /// First those of requested profiles, then those of compulsory ones.
    reasons: Vec<Reason>,
    /// How many requested profiles are not kept.
    left_out: usize,
    /// The compulsory profiles that are not kept.
    missing: Indices,
    /// Those among them that the caller would only have to ask for.
    unasked: Indices,
}

fn is_open(profiles: &[ProfileUrl], negotiated: &NegotiatedProfiles) -> bool {
    profiles.is_empty() || profiles.iter().any(|url| negotiated.has(url.as_str()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::profile::{
        Declaration, DeclaredProfile, Entitlement, MinMcpVersion, ProfilePolicy,
        ProfilePolicyBuilder,
    };

    const BASIC: &str = "https://vidsrus/basic";
    const FUTURE: &str = "https://vidsrus/future";
    const MTLS: &str = "https://vidsrus/mtls";
    const PREMIUM: &str = "https://vidsrus/premium";
    const STANDARD: &str = "https://vidsrus/standard";
    const UNKNOWN: &str = "https://elsewhere/unknown";
    const MODERN: ProtocolVersion = ProtocolVersion::V2026_07_28;

    fn url(text: &str) -> ProfileUrl {
        ProfileUrl::parse(text).unwrap()
    }

    fn ask(names: &[&str]) -> RequestedProfiles {
        RequestedProfiles::new(names.iter().map(|name| url(name))).unwrap()
    }

    fn builder() -> ProfilePolicyBuilder {
        let entry =
            |(name, min): (&str, &str)| DeclaredProfile::new(url(name), min.parse().unwrap());
        let entries = [
            (PREMIUM, "2025-08-13"),
            (STANDARD, "2025-08-13"),
            (BASIC, "2024-11-05"),
            (MTLS, "2024-11-05"),
            (FUTURE, "2026-08-13"),
        ];
        ProfilePolicy::builder(Declaration::new(entries.map(entry)).unwrap())
            .exclusive([PREMIUM, STANDARD])
    }

    fn everyone(builder: ProfilePolicyBuilder) -> ResolvedPolicy {
        builder.build().unwrap().resolve(&Entitlement::all())
    }

    fn agreed(decision: Decision) -> (Vec<String>, Vec<(String, String)>) {
        match decision {
            Decision::Agreed { profiles, reasons } => (texts(&profiles), words(&reasons)),
            Decision::Refused(refusal) => panic!("{refusal}"),
        }
    }

    fn refused(decision: Decision) -> Refusal {
        match decision {
            Decision::Agreed { profiles, .. } => panic!("agreed on {profiles}"),
            Decision::Refused(refusal) => refusal,
        }
    }

    fn texts(profiles: &NegotiatedProfiles) -> Vec<String> {
        profiles.iter().map(ToString::to_string).collect()
    }

    fn words(reasons: &[Reason]) -> Vec<(String, String)> {
        reasons.iter().map(|r| (r.url().to_string(), r.kind().as_str().to_owned())).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|&(url, word)| (url.to_owned(), word.to_owned())).collect()
    }

    #[test]
    fn nothing_requested_gives_the_defaults_that_the_version_allows() {
        let policy = everyone(builder().default_profile(STANDARD).default_profile(BASIC));
        for terms in [Terms::Partial, Terms::AllOrNothing] {
            let (profiles, reasons) = agreed(policy.decide(&ask(&[]), &MODERN, terms));
            assert_eq!((profiles, reasons), (vec![STANDARD.into(), BASIC.into()], vec![]));
            let old = ProtocolVersion::V2025_06_18;
            assert_eq!(agreed(policy.decide(&ask(&[]), &old, terms)).0, [BASIC]);
        }
        let none = everyone(builder());
        assert!(agreed(none.decide(&ask(&[]), &MODERN, Terms::Partial)).0.is_empty());
    }

    #[test]
    fn exclusive_defaults_and_picks_go_by_the_order_of_the_declaration() {
        let policy = builder().default_profile(STANDARD).default_profile(PREMIUM).build().unwrap();
        let decide = |entitlement: Entitlement| {
            let caller = policy.resolve(&entitlement);
            agreed(caller.decide(&ask(&[]), &MODERN, Terms::AllOrNothing)).0
        };
        assert_eq!(decide(Entitlement::all()), [PREMIUM]);
        assert_eq!(decide(Entitlement::only([STANDARD])), [STANDARD]);
        assert_eq!(decide(Entitlement::all().pick(STANDARD).pick(PREMIUM)), [PREMIUM]);
        assert_eq!(decide(Entitlement::all().pick(BASIC)), [BASIC]);
    }

    #[test]
    fn pick_that_cannot_be_in_force_leaves_the_defaults() {
        let policy = builder().default_profile(BASIC).checked(MTLS).build().unwrap();
        for entitlement in [
            Entitlement::all().pick(FUTURE),
            Entitlement::all().pick(MTLS),
            Entitlement::all().pick(UNKNOWN),
            Entitlement::only([BASIC]).pick(PREMIUM),
        ] {
            let caller = policy.resolve(&entitlement);
            assert_eq!(agreed(caller.decide(&ask(&[]), &MODERN, Terms::Partial)).0, [BASIC]);
        }
    }

    #[test]
    fn request_is_walked_in_its_order_and_answered_in_that_of_the_declaration() {
        let policy = everyone(builder());
        let requested = ask(&[UNKNOWN, BASIC, STANDARD, PREMIUM, FUTURE]);
        let (profiles, reasons) = agreed(policy.decide(&requested, &MODERN, Terms::Partial));
        assert_eq!(profiles, [STANDARD, BASIC]);
        let expected = [(UNKNOWN, "unknown"), (PREMIUM, "conflict"), (FUTURE, "mcpVersionTooLow")];
        assert_eq!(reasons, pairs(&expected));
    }

    #[test]
    fn modern_request_is_all_or_nothing() {
        let policy = everyone(builder());
        let requested = ask(&[BASIC, STANDARD, FUTURE]);
        let refusal = refused(policy.decide(&requested, &MODERN, Terms::AllOrNothing));
        assert_eq!(refusal.code(), 1004);
        assert_eq!(words(refusal.rejection().reasons()), pairs(&[(FUTURE, "mcpVersionTooLow")]));
        let all = ask(&[BASIC, STANDARD]);
        let (profiles, reasons) = agreed(policy.decide(&all, &MODERN, Terms::AllOrNothing));
        assert_eq!((profiles, reasons), (vec![STANDARD.into(), BASIC.into()], vec![]));
    }

    #[test]
    fn nothing_kept_rejects_even_under_partial_terms() {
        let policy = everyone(builder().default_profile(BASIC));
        let refusal = refused(policy.decide(&ask(&[UNKNOWN]), &MODERN, Terms::Partial));
        assert_eq!(refusal.code(), 1004);
        let agreement = policy.discover(&ask(&[UNKNOWN]), &MODERN);
        assert!(agreement.profiles.is_empty());
        assert_eq!(words(&agreement.reasons), pairs(&[(UNKNOWN, "unknown")]));
    }

    #[test]
    fn refusal_is_written_as_the_contract_shows() {
        let premium = "https://vidsrus/mcp-profiles/premium";
        let entry = DeclaredProfile::new(url(premium), "2026-08-13".parse().unwrap());
        let policy = everyone(ProfilePolicy::builder(Declaration::new([entry]).unwrap()));
        let refusal = refused(policy.decide(&ask(&[premium]), &MODERN, Terms::AllOrNothing));
        assert_eq!(
            refusal.message(),
            "no requested profile is available: https://vidsrus/mcp-profiles/premium needs MCP \
             2026-08-13 or later, this session uses 2026-07-28"
        );
        let expected = json!({
            "requested": [premium],
            "supported": [{"profileURL": premium, "minMcpVersion": "2026-08-13"}],
            "reasons": [{"profileURL": premium, "reason": "mcpVersionTooLow", "minMcpVersion": "2026-08-13"}]
        });
        assert_eq!(serde_json::to_value(refusal.data(true)).unwrap(), expected);
        let only_supported = json!({"supported": expected["supported"]});
        assert_eq!(serde_json::to_value(refusal.data(false)).unwrap(), only_supported);
    }

    #[test]
    fn compulsory_profile_is_never_in_force_unasked() {
        let policy = builder().compulsory(BASIC).build().unwrap();
        let caller = policy.resolve(&Entitlement::all().pick(BASIC));
        let modern = refused(caller.decide(&ask(&[]), &MODERN, Terms::AllOrNothing));
        assert_eq!(modern.code(), -32021);
        let data = serde_json::to_value(modern.data(false)).unwrap();
        let required = json!({"extensions": {EXTENSION: {"requested": [BASIC]}}});
        assert_eq!(data["requiredCapabilities"], required);
        let legacy = ProtocolVersion::V2025_11_25;
        let legacy = refused(caller.decide(&ask(&[]), &legacy, Terms::Partial));
        assert_eq!(legacy.code(), 1004);
        assert_eq!(words(legacy.rejection().reasons()), pairs(&[(BASIC, "notRequested")]));
        let agreement = caller.discover(&ask(&[PREMIUM]), &MODERN);
        assert!(agreement.profiles.is_empty());
        assert_eq!(words(&agreement.reasons), pairs(&[(BASIC, "notRequested")]));
        let asked = caller.decide(&ask(&[BASIC]), &MODERN, Terms::AllOrNothing);
        assert_eq!(agreed(asked).0, [BASIC]);
    }

    #[test]
    fn not_agreed_goes_before_missing_capability() {
        let policy = builder().compulsory(BASIC).compulsory(MTLS).checked(MTLS).build().unwrap();
        let caller = policy.resolve(&Entitlement::all());
        let both = refused(caller.decide(&ask(&[]), &MODERN, Terms::AllOrNothing));
        assert_eq!(both.code(), 1004);
        let expected = [(BASIC, "notRequested"), (MTLS, "notPermitted")];
        assert_eq!(words(both.rejection().reasons()), pairs(&expected));
        let caller = caller.passed(MTLS);
        let left_out = ask(&[MTLS, PREMIUM, FUTURE]);
        let left_out = refused(caller.decide(&left_out, &MODERN, Terms::AllOrNothing));
        assert_eq!(left_out.code(), 1004);
        let unasked = refused(caller.decide(&ask(&[MTLS]), &MODERN, Terms::AllOrNothing));
        assert_eq!((unasked.code(), unasked.rejection().ask_for()), (-32021, &[url(BASIC)][..]));
    }

    #[test]
    fn requested_compulsory_profile_is_explained_once() {
        let policy = builder().compulsory(BASIC).build().unwrap();
        let caller = policy.resolve(&Entitlement::only([PREMIUM]));
        let refusal = refused(caller.decide(&ask(&[BASIC, PREMIUM]), &MODERN, Terms::Partial));
        assert_eq!(words(refusal.rejection().reasons()), pairs(&[(BASIC, "notPermitted")]));
    }

    #[test]
    fn gated_item_is_refused_by_era_and_entitlement() {
        let policy = builder().build().unwrap();
        let (paid, free) =
            (policy.resolve(&Entitlement::all()), policy.resolve(&Entitlement::only([STANDARD])));
        let standard: NegotiatedProfiles = [url(STANDARD)].into_iter().collect();
        let (legacy, clip, either) =
            (ProtocolVersion::V2025_11_25, [url(PREMIUM)], [url(PREMIUM), url(STANDARD)]);
        assert_eq!(paid.gate(&[], &standard, &legacy), Gate::Allowed);
        assert_eq!(paid.gate(&either, &standard, &legacy), Gate::Allowed);
        assert_eq!(paid.gate(&clip, &standard, &legacy), Gate::Unknown);
        assert_eq!(paid.gate(&clip, &standard, &"2099-01-01".into()), Gate::Unknown);
        assert_eq!(free.gate(&clip, &standard, &MODERN), Gate::Unknown);
        assert_eq!(paid.gate(&[url(FUTURE)], &standard, &MODERN), Gate::Unknown);
        assert_eq!(paid.gate(&clip, &standard, &MODERN), Gate::NeedsProfile(url(PREMIUM)));
        let refusal = paid.needs_profile(url(PREMIUM), &ask(&[STANDARD]), &MODERN);
        assert_eq!((refusal.code(), refusal.rejection().ask_for()), (-32021, &clip[..]));
    }

    #[test]
    fn legacy_list_shows_the_session_and_modern_list_the_entitlement() {
        let policy = builder().build().unwrap();
        let free = policy.resolve(&Entitlement::only([STANDARD]));
        let none = NegotiatedProfiles::default();
        let premium: NegotiatedProfiles = [url(PREMIUM)].into_iter().collect();
        let legacy = ProtocolVersion::V2025_11_25;
        for (gates, set, version, shown) in [
            (&[][..], &none, &legacy, true),
            (&[], &none, &MODERN, true),
            (&[url(STANDARD)], &none, &legacy, false),
            (&[url(STANDARD)], &none, &MODERN, true),
            (&[url(PREMIUM)], &premium, &legacy, true),
            (&[url(PREMIUM)], &premium, &MODERN, false),
        ] {
            assert_eq!(free.visible(gates, set, version), shown, "{gates:?} {version}");
        }
    }

    #[test]
    fn continuation_needs_every_profile_it_began_with() {
        let policy = builder().build().unwrap();
        let caller = policy.resolve(&Entitlement::only([STANDARD, BASIC]));
        let began: NegotiatedProfiles = [url(BASIC), url(PREMIUM)].into_iter().collect();
        let now: NegotiatedProfiles = [url(STANDARD)].into_iter().collect();
        assert!(caller.still_in_force(&began, &began, &ask(&[]), &MODERN).is_ok());
        let refusal = caller.still_in_force(&began, &now, &ask(&[STANDARD]), &MODERN).unwrap_err();
        assert_eq!(refusal.code(), 1004);
        let expected = [(BASIC, "notRequested"), (PREMIUM, "notPermitted")];
        assert_eq!(words(refusal.rejection().reasons()), pairs(&expected));
        assert!(caller.permits_all(&now) && !caller.permits_all(&began));
    }

    #[test]
    fn usual_answers_share_one_allocation() {
        let policy = everyone(builder().default_profile(STANDARD).default_profile(BASIC));
        let decide = |requested: &RequestedProfiles| match policy.decide(
            requested,
            &MODERN,
            Terms::AllOrNothing,
        ) {
            Decision::Agreed { profiles, .. } => profiles,
            Decision::Refused(refusal) => panic!("{refusal}"),
        };
        for requested in [ask(&[]), ask(&[MTLS]), ask(&[PREMIUM, BASIC, MTLS])] {
            let (one, two) = (decide(&requested), decide(&requested));
            assert!(std::sync::Arc::ptr_eq(&one.0, &two.0), "{requested:?}");
        }
    }

    /// A server and a caller, with names by index into six profiles.
    #[derive(Clone, Debug)]
    struct Case {
        policy: ResolvedPolicy,
        requested: RequestedProfiles,
        version: ProtocolVersion,
    }

    fn case() -> impl Strategy<Value = Case> {
        let some = || prop::collection::vec(0usize..6, 0..4);
        let mins =
            prop::collection::vec(prop::sample::select(vec!["", "2025-08-13", "2099-01-01"]), 6);
        let versions = vec!["2024-11-05", "2025-11-25", "2026-07-28", "draft"];
        let requested = prop::collection::vec(0usize..8, 0..6);
        let version = prop::sample::select(versions);
        let lists = (some(), some(), some(), some(), some(), some());
        (mins, lists, requested, version, any::<bool>()).prop_map(
            |(
                mins,
                (group, defaults, compulsory, checked, entitled, picked),
                requested,
                version,
                all,
            )| {
                let name = |i: &usize| format!("https://h/{}", 7 - i);
                let entries = mins.iter().enumerate().map(|(i, min)| {
                    let min = min.parse().unwrap_or(MinMcpVersion::ANY);
                    DeclaredProfile::new(url(&name(&i)), min)
                });
                let declaration = Declaration::new(entries).unwrap();
                let mut builder =
                    ProfilePolicy::builder(declaration).exclusive(group.iter().map(name));
                for profile in &checked {
                    builder = builder.checked(name(profile));
                }
                for profile in defaults.iter().filter(|profile| !compulsory.contains(profile)) {
                    builder = builder.default_profile(name(profile));
                }
                for profile in compulsory.iter().filter(|profile| !group.contains(profile)) {
                    builder = builder.compulsory(name(profile));
                }
                let mut entitlement = if all {
                    Entitlement::all()
                } else {
                    Entitlement::only(entitled.iter().map(name))
                };
                for profile in &picked {
                    entitlement = entitlement.pick(name(profile));
                }
                let mut policy = builder.build().unwrap().resolve(&entitlement);
                if all && let Some(profile) = checked.first() {
                    policy = policy.passed(name(profile));
                }
                let requested = requested.iter().map(|i| url(&name(i)));
                let requested = RequestedProfiles::new(requested).unwrap();
                Case { policy, requested, version: version.into() }
            },
        )
    }

    fn position(policy: &ResolvedPolicy, url: &ProfileUrl) -> Option<usize> {
        policy.declaration().iter().position(|entry| entry.url() == url)
    }

    proptest! {
        #[test]
        fn i2_whatever_is_in_force_is_declared_requested_permitted_and_free_of_conflict(case in case(), partial: bool) {
            let Case { policy, requested, version } = case;
            let terms = if partial { Terms::Partial } else { Terms::AllOrNothing };
            let agreement = policy.discover(&requested, &version);
            let decision = policy.decide(&requested, &version, terms);
            let agreed = match &decision {
                Decision::Agreed { profiles, .. } => profiles.clone(),
                Decision::Refused(_) => NegotiatedProfiles::default(),
            };
            for profiles in [&agreed, &agreement.profiles] {
                let places: Vec<_> = profiles.iter().map(|url| position(&policy, url)).collect();
                prop_assert!(places.iter().all(Option::is_some));
                prop_assert!(places.is_sorted_by(|a, b| a < b));
                for one in profiles {
                    prop_assert!(requested.is_empty() || requested.has(one.as_str()));
                    prop_assert!(policy.permits(one.as_str()));
                    let entry = policy.declaration().find(one.as_str()).unwrap();
                    prop_assert!(entry.min_mcp_version().admits(&version));
                    for other in profiles {
                        prop_assert!(!policy.policy().excludes(one.as_str(), other.as_str()));
                    }
                }
                if requested.is_empty() {
                    prop_assert!(policy.policy().compulsory().all(|url| !profiles.has(url.as_str())));
                }
            }
            match decision {
                Decision::Agreed { profiles, reasons } => {
                    prop_assert!(policy.policy().compulsory().all(|url| profiles.has(url.as_str())));
                    if !requested.is_empty() {
                        prop_assert!(!profiles.is_empty());
                        prop_assert_eq!(profiles.len() + reasons.len(), requested.len());
                    }
                    if !partial {
                        prop_assert!(reasons.is_empty());
                    }
                    prop_assert_eq!(agreement, Agreement { profiles, reasons });
                }
                Decision::Refused(refusal) => {
                    prop_assert!(!refusal.rejection().reasons().is_empty());
                    prop_assert!(!partial || refusal.code() == 1004);
                }
            }
        }

        #[test]
        fn what_discovery_confirms_the_next_request_gets(case in case()) {
            let Case { policy, requested, version } = case;
            let agreement = policy.discover(&requested, &version);
            if !requested.is_empty() && !agreement.profiles.is_empty() {
                let again = RequestedProfiles::new(agreement.profiles.iter().cloned()).unwrap();
                match policy.decide(&again, &version, Terms::AllOrNothing) {
                    Decision::Agreed { profiles, .. } => prop_assert_eq!(profiles, agreement.profiles),
                    Decision::Refused(refusal) => prop_assert!(false, "{}", refusal),
                }
            }
        }

        #[test]
        fn asking_for_what_a_missing_capability_names_is_enough(case in case()) {
            let Case { policy, requested, version } = case;
            if let Decision::Refused(refusal @ Refusal::MissingCapability(_)) = policy.decide(&requested, &version, Terms::AllOrNothing) {
                let more = requested.iter().chain(refusal.rejection().ask_for()).cloned();
                let more = RequestedProfiles::new(more).unwrap();
                let decision = policy.decide(&more, &version, Terms::AllOrNothing);
                let agreed = matches!(decision, Decision::Agreed { .. });
                prop_assert!(agreed);
            }
        }
    }
}
