//! The server's policy: a part that is fixed when the server is built, and a part for each caller.
//!
//! [`ProfilePolicy`] holds what never changes (the declaration, which profiles exclude each other,
//! which are in force by default, which are compulsory, which have an authentication check) in a
//! form that decisions only have to look at. [`ResolvedPolicy`] adds what holds for one caller. It
//! carries its policy with it, so that the answer for one tenant's caller cannot meet another
//! tenant's declaration. Neither knows who the caller is or how entitlement was found out.

use std::fmt;
use std::sync::Arc;

use super::authentication::{RequiredAuthentication, Unmet};
use super::declaration::{Declaration, DeclaredProfile, InvalidDeclaration};
use super::request::NegotiatedProfiles;
use super::url::ProfileUrl;
use crate::principal::Principal;

/// What holds for every caller of one tenant; cloning copies a pointer.
///
/// # Examples
///
/// ```
/// use mcp_core::profile::{
///     Decision, Declaration, Entitlement, ProfilePolicy, RequestedProfiles, Terms,
/// };
/// use mcp_core::version::ProtocolVersion;
///
/// let declaration = Declaration::parse(
///     br#"[{"profileURL": "https://vidsrus/premium", "minMcpVersion": "2025-08-13"},
///          {"profileURL": "https://vidsrus/standard", "default": true}]"#,
/// )?;
/// let policy = ProfilePolicy::builder(declaration)
///     .exclusive(["https://vidsrus/premium", "https://vidsrus/standard"])
///     .build()?;
/// let caller = policy.resolve(&Entitlement::only(["https://vidsrus/standard"]));
/// let nothing = RequestedProfiles::default();
/// let decision = caller.decide(&nothing, &ProtocolVersion::LATEST, Terms::AllOrNothing);
/// let Decision::Agreed { profiles, .. } = decision else { panic!("nothing was asked for") };
/// assert!(profiles.has("https://vidsrus/standard"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ProfilePolicy(Arc<Prepared>);

impl ProfilePolicy {
    /// Starts a policy; the entries of the declaration that say `default` are its first defaults.
    pub fn builder(declaration: Declaration) -> ProfilePolicyBuilder {
        ProfilePolicyBuilder {
            declaration,
            exclusive: Vec::new(),
            defaults: Vec::new(),
            compulsory: Vec::new(),
            checked: Vec::new(),
            authentication: Vec::new(),
        }
    }

    /// The declaration, with `default` written from the policy.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.0.declaration
    }

    /// The compulsory profiles in the order of the declaration.
    pub fn compulsory(&self) -> impl Iterator<Item = &ProfileUrl> {
        self.0.compulsory.iter().map(|index| self.url(index))
    }

    /// Whether two different profiles exclude each other; undeclared ones exclude nothing.
    #[must_use]
    pub fn excludes(&self, one: &str, other: &str) -> bool {
        match (self.index(one), self.index(other)) {
            (Some(one), Some(other)) => self.0.excludes[one].contains(other),
            _ => false,
        }
    }

    /// What holds for a caller with this entitlement.
    ///
    /// Profiles that demand something of authentication are not permitted until
    /// [`ResolvedPolicy::authenticated`] has looked, those with a check of the embedder's own until
    /// [`ResolvedPolicy::passed`] names them. Names in the entitlement that the tenant does not declare have no effect;
    /// [`Entitlement::undeclared`] finds them.
    #[must_use]
    pub fn resolve(&self, entitlement: &Entitlement) -> ResolvedPolicy {
        let entitled = match &entitlement.profiles {
            None => self.0.all,
            Some(names) => self.indices(names),
        };
        ResolvedPolicy {
            policy: self.clone(),
            entitled,
            unmet: self.0.authentication.iter().map(|(index, _)| *index).collect(),
            passed: Indices::default(),
            picked: self.indices(&entitlement.picked),
        }
    }

    /// Whether any profile demands something of how its callers were authenticated.
    #[must_use]
    pub fn has_authentication(&self) -> bool {
        !self.0.authentication.is_empty()
    }

    /// What profiles demand that a caller does not meet, in the order of the declaration.
    pub fn unmet(&self, caller: &Principal) -> impl Iterator<Item = (&ProfileUrl, Unmet)> {
        let demands = self.0.authentication.iter();
        demands
            .filter_map(|(index, required)| Some((self.url(*index), required.check(caller).err()?)))
    }

    pub(super) fn prepared(&self) -> &Prepared {
        &self.0
    }

    pub(super) fn index(&self, url: &str) -> Option<usize> {
        let entries = self.0.declaration.as_slice();
        let found =
            self.0.by_url.binary_search_by(|&at| entries[at].url().as_str().cmp(url)).ok()?;
        Some(self.0.by_url[found])
    }

    pub(super) fn entry(&self, index: usize) -> &DeclaredProfile {
        &self.0.declaration.as_slice()[index]
    }

    pub(super) fn url(&self, index: usize) -> &ProfileUrl {
        self.entry(index).url()
    }

    /// The set of these profiles in the order of the declaration, shared where it was foreseen.
    pub(super) fn negotiated(&self, indices: Indices) -> NegotiatedProfiles {
        if indices == self.0.usual.0 {
            return self.0.usual.1.clone();
        }
        match (indices.len(), indices.iter().next()) {
            (0, _) => NegotiatedProfiles::default(),
            (1, Some(index)) => self.0.single[index].clone(),
            _ => self.build(indices),
        }
    }

    fn build(&self, indices: Indices) -> NegotiatedProfiles {
        NegotiatedProfiles(indices.iter().map(|index| self.url(index).clone()).collect())
    }

    fn indices(&self, names: &[Arc<str>]) -> Indices {
        names.iter().filter_map(|name| self.index(name)).collect()
    }
}

/// A policy says the same as another when all its parts do.
impl PartialEq for ProfilePolicy {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&*self.0, &*other.0);
        Arc::ptr_eq(&self.0, &other.0)
            || (a.declaration == b.declaration
                && a.excludes == b.excludes
                && a.compulsory == b.compulsory
                && a.checked == b.checked
                && a.authentication == b.authentication)
    }
}

impl Eq for ProfilePolicy {}

impl fmt::Debug for ProfilePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfilePolicy")
            .field("declaration", &self.0.declaration)
            .field("compulsory", &self.compulsory().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Builds a [`ProfilePolicy`]; names are checked by [`ProfilePolicyBuilder::build`].
#[derive(Clone, Debug)]
#[must_use = "a policy takes effect only once it is built"]
pub struct ProfilePolicyBuilder {
    declaration: Declaration,
    exclusive: Vec<Vec<Arc<str>>>,
    defaults: Vec<Arc<str>>,
    compulsory: Vec<Arc<str>>,
    checked: Vec<Arc<str>>,
    authentication: Vec<(Arc<str>, RequiredAuthentication)>,
}

impl ProfilePolicyBuilder {
    /// At most one of these profiles is in force at a time.
    pub fn exclusive<S: AsRef<str>>(mut self, group: impl IntoIterator<Item = S>) -> Self {
        self.exclusive.push(group.into_iter().map(|name| name.as_ref().into()).collect());
        self
    }

    /// This profile is in force for those who ask for none and for whom nothing is picked.
    pub fn default_profile(mut self, url: impl AsRef<str>) -> Self {
        self.defaults.push(url.as_ref().into());
        self
    }

    /// Without this profile the server serves nobody; it is never in force unasked.
    pub fn compulsory(mut self, url: impl AsRef<str>) -> Self {
        self.compulsory.push(url.as_ref().into());
        self
    }

    /// This profile is for callers who were authenticated like this; several demands all count.
    ///
    /// [`ResolvedPolicy::authenticated`] looks whether a caller was.
    pub fn authentication(
        mut self,
        url: impl AsRef<str>,
        required: RequiredAuthentication,
    ) -> Self {
        self.authentication.push((url.as_ref().into(), required));
        self
    }

    /// This profile has a check of the embedder's own, without which it is not permitted to anyone.
    pub fn checked(mut self, url: impl AsRef<str>) -> Self {
        self.checked.push(url.as_ref().into());
        self
    }

    /// Checks that the parts fit together and prepares them for deciding.
    ///
    /// # Errors
    ///
    /// When a profile is not declared, when two compulsory profiles exclude each other, when a
    /// compulsory profile is a default, or when a profile excludes a compulsory one, so that it
    /// could never be in force.
    pub fn build(self) -> Result<ProfilePolicy, InvalidPolicy> {
        let by_url = sorted(&self.declaration);
        let find = |name: &Arc<str>, named_as| find(&self.declaration, &by_url, name, named_as);
        let find_all = |names: &[Arc<str>], named_as| {
            names.iter().map(|name| find(name, named_as)).collect::<Result<Indices, _>>()
        };
        let mut excludes = vec![Indices::default(); self.declaration.len()];
        for group in &self.exclusive {
            let group = find_all(group, NamedAs::Exclusive)?;
            for index in group.iter() {
                excludes[index] = excludes[index].and_also(group).without_index(index);
            }
        }
        let declared = self.declaration.iter().enumerate();
        let declared: Indices =
            declared.filter(|(_, entry)| entry.is_default()).map(|(index, _)| index).collect();
        let defaults = declared.and_also(find_all(&self.defaults, NamedAs::Default)?);
        let compulsory = find_all(&self.compulsory, NamedAs::Compulsory)?;
        let checked = find_all(&self.checked, NamedAs::Checked)?;
        let authentication = self
            .authentication
            .iter()
            .map(|(name, required)| Ok((find(name, NamedAs::Checked)?, required.clone())));
        let authentication = authentication.collect::<Result<Box<[_]>, InvalidPolicy>>()?;

        let url = |index: usize| self.declaration.as_slice()[index].url().clone();
        if let Some(index) = compulsory.only(defaults).iter().next() {
            return Err(InvalidPolicy::CompulsoryDefault { url: url(index) });
        }
        for index in compulsory.iter() {
            let Some(other) = excludes[index].iter().next() else { continue };
            return Err(match excludes[index].only(compulsory).iter().next() {
                Some(other) => {
                    InvalidPolicy::CompulsoryConflict { one: url(index), other: url(other) }
                }
                None => InvalidPolicy::NeverInForce { url: url(other), compulsory: url(index) },
            });
        }

        let entries = self.declaration.iter().enumerate();
        let declaration = Declaration::new(
            entries.map(|(index, entry)| entry.clone().with_default(defaults.contains(index))),
        )?;
        let single = declaration
            .iter()
            .map(|entry| NegotiatedProfiles(Arc::from([entry.url().clone()])))
            .collect();
        let mut usual = Indices::default();
        for index in defaults.iter() {
            if excludes[index].only(usual).is_empty() {
                usual.insert(index);
            }
        }
        let usual_set = NegotiatedProfiles(usual.iter().map(url).collect());
        Ok(ProfilePolicy(Arc::new(Prepared {
            by_url,
            excludes: excludes.into(),
            all: (0..declaration.len()).collect(),
            defaults,
            compulsory,
            checked,
            authentication,
            single,
            usual: (usual, usual_set),
            declaration,
        })))
    }
}

/// What one principal may have, and what is picked when it asks for nothing.
///
/// # Examples
///
/// ```
/// use mcp_core::profile::Entitlement;
///
/// let paid = Entitlement::all().pick("https://vidsrus/mcp-profiles/premium");
/// let free = Entitlement::only(["https://vidsrus/mcp-profiles/standard"]);
/// assert_ne!(paid, free);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "an entitlement takes effect only once it is returned"]
pub struct Entitlement {
    /// `None` for every profile that is declared.
    profiles: Option<Vec<Arc<str>>>,
    picked: Vec<Arc<str>>,
}

impl Entitlement {
    /// Every declared profile.
    pub const fn all() -> Self {
        Self { profiles: None, picked: Vec::new() }
    }

    /// No profile.
    pub const fn none() -> Self {
        Self { profiles: Some(Vec::new()), picked: Vec::new() }
    }

    /// These profiles and no others.
    pub fn only<S: AsRef<str>>(urls: impl IntoIterator<Item = S>) -> Self {
        let names = urls.into_iter().map(|url| url.as_ref().into()).collect();
        Self { profiles: Some(names), picked: Vec::new() }
    }

    /// Puts this profile in force, in place of the defaults, for a caller who asks for nothing.
    ///
    /// It entitles to nothing: a profile that is not permitted, not available in the protocol
    /// version, or compulsory is not picked, and if none is left the defaults apply.
    pub fn pick(mut self, url: impl AsRef<str>) -> Self {
        self.picked.push(url.as_ref().into());
        self
    }

    /// The names here that are not declared, which have no effect and deserve a warning.
    pub fn undeclared<'a>(
        &'a self,
        policy: &'a ProfilePolicy,
    ) -> impl Iterator<Item = &'a str> + 'a {
        let names = self.profiles.iter().flatten().chain(&self.picked);
        names.map(|name| &**name).filter(|name| policy.index(name).is_none())
    }
}

/// The policy as it holds for one caller: the value that decisions are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedPolicy {
    policy: ProfilePolicy,
    entitled: Indices,
    /// What demands something of authentication that the caller is not known to meet.
    unmet: Indices,
    passed: Indices,
    picked: Indices,
}

impl ResolvedPolicy {
    /// Looks how the caller was authenticated: profiles whose demands are met are permitted.
    #[must_use]
    pub fn authenticated(mut self, caller: &Principal) -> Self {
        let demands = self.policy.0.authentication.iter();
        self.unmet = demands
            .filter(|(_, required)| required.check(caller).is_err())
            .map(|(index, _)| *index)
            .collect();
        self
    }

    /// The embedder's own check of this profile ran and passed.
    #[must_use]
    pub fn passed(mut self, url: impl AsRef<str>) -> Self {
        if let Some(index) = self.policy.index(url.as_ref()) {
            self.passed.insert(index);
        }
        self
    }

    /// The part that holds for every caller.
    #[must_use]
    pub fn policy(&self) -> &ProfilePolicy {
        &self.policy
    }

    /// The declaration that the caller sees.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        self.policy.declaration()
    }

    /// Whether this caller may have the profile: entitled, and its authentication check passed.
    #[must_use]
    pub fn permits(&self, url: &str) -> bool {
        self.policy.index(url).is_some_and(|index| self.permitted().contains(index))
    }

    /// Whether this caller may still have everything that was negotiated earlier.
    ///
    /// When not, a legacy session or a stream ends; its set never shrinks.
    #[must_use]
    pub fn permits_all(&self, negotiated: &NegotiatedProfiles) -> bool {
        negotiated.iter().all(|url| self.permits(url.as_str()))
    }

    pub(super) fn permitted(&self) -> Indices {
        let withheld = self.policy.0.checked.without(self.passed);
        self.entitled.without(withheld).without(self.unmet)
    }

    pub(super) fn picked(&self) -> Indices {
        self.picked
    }
}

/// Why the parts of a policy do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPolicy {
    /// A profile is named that is not declared.
    #[error("profile `{name}` is {named_as} but not declared: declare it or remove it there")]
    Undeclared {
        /// The name as it was given.
        name: String,
        /// Where it was given.
        named_as: NamedAs,
    },
    /// Two compulsory profiles exclude each other, so that nobody could be served.
    #[error("compulsory profiles {one} and {other} exclude each other: make one of them optional")]
    CompulsoryConflict {
        /// One of them.
        one: ProfileUrl,
        /// The other.
        other: ProfileUrl,
    },
    /// A compulsory profile is a default, though it is never in force unasked.
    #[error("compulsory profile {url} cannot be a default: it is in force only when asked for")]
    CompulsoryDefault {
        /// The profile.
        url: ProfileUrl,
    },
    /// A profile excludes a compulsory one, so that it could never be in force.
    #[error("profile {url} excludes the compulsory {compulsory} and could never be in force")]
    NeverInForce {
        /// The profile that could not be in force.
        url: ProfileUrl,
        /// The compulsory profile.
        compulsory: ProfileUrl,
    },
    /// The declaration is beyond its bounds once the defaults are written into it.
    #[error(transparent)]
    Declaration(#[from] InvalidDeclaration),
}

/// The part of a policy that names a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamedAs {
    /// A group of exclusive profiles.
    Exclusive,
    /// The defaults.
    Default,
    /// The compulsory set.
    Compulsory,
    /// The profiles with an authentication check.
    Checked,
}

impl fmt::Display for NamedAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exclusive => "exclusive",
            Self::Default => "a default",
            Self::Compulsory => "compulsory",
            Self::Checked => "given an authentication check",
        })
    }
}

/// A policy in the form that decisions read; profiles are indices into the declaration.
pub(super) struct Prepared {
    pub(super) declaration: Declaration,
    /// Indices in the order of their URLs.
    by_url: Box<[usize]>,
    /// For each profile, those that it excludes.
    pub(super) excludes: Box<[Indices]>,
    all: Indices,
    pub(super) defaults: Indices,
    pub(super) compulsory: Indices,
    checked: Indices,
    /// What profiles demand of how callers were authenticated.
    authentication: Box<[(usize, RequiredAuthentication)]>,
    /// For each profile, the set of it alone.
    single: Box<[NegotiatedProfiles]>,
    /// The defaults as they come into force when every one of them is available.
    usual: (Indices, NegotiatedProfiles),
}

/// A set of indices into a declaration, which has at most 256 entries.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Indices([u64; Declaration::MAX_ENTRIES / 64]);

impl Indices {
    pub(super) fn insert(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    pub(super) fn contains(self, index: usize) -> bool {
        self.0[index / 64] & (1 << (index % 64)) != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    pub(super) fn len(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// What is in both.
    pub(super) fn only(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }

    /// What is in either.
    fn and_also(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }

    /// What is here and not there.
    pub(super) fn without(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] & !other.0[at]))
    }

    fn without_index(self, index: usize) -> Self {
        self.without([index].into_iter().collect())
    }

    /// The indices, lowest first.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        let words = self.0.into_iter().enumerate();
        words.flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as usize;
                word &= word.checked_sub(1)?;
                Some(at * 64 + bit)
            })
        })
    }
}

impl FromIterator<usize> for Indices {
    fn from_iter<I: IntoIterator<Item = usize>>(indices: I) -> Self {
        let mut set = Self::default();
        indices.into_iter().for_each(|index| set.insert(index));
        set
    }
}

impl fmt::Debug for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

fn sorted(declaration: &Declaration) -> Box<[usize]> {
    let entries = declaration.as_slice();
    let mut order: Box<[usize]> = (0..entries.len()).collect();
    order.sort_by(|&a, &b| entries[a].url().cmp(entries[b].url()));
    order
}

fn find(
    declaration: &Declaration,
    by_url: &[usize],
    name: &str,
    named_as: NamedAs,
) -> Result<usize, InvalidPolicy> {
    let entries = declaration.as_slice();
    match by_url.binary_search_by(|&at| entries[at].url().as_str().cmp(name)) {
        Ok(found) => Ok(by_url[found]),
        Err(_) => Err(InvalidPolicy::Undeclared { name: name.into(), named_as }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::authentication::Authentication;
    use crate::profile::MinMcpVersion;

    const A: &str = "https://h/a";
    const B: &str = "https://h/b";
    const C: &str = "https://h/c";

    fn builder() -> ProfilePolicyBuilder {
        let entry = |url| DeclaredProfile::new(ProfileUrl::parse(url).unwrap(), MinMcpVersion::ANY);
        ProfilePolicy::builder(Declaration::new([C, A, B].map(entry)).unwrap())
    }

    #[test]
    fn defaults_are_written_into_the_declaration() {
        let policy = builder().default_profile(B).build().unwrap();
        let defaults = policy.declaration().iter().map(DeclaredProfile::is_default);
        assert_eq!(defaults.collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn policy_that_names_an_undeclared_profile_is_refused() {
        let x = "https://h/x";
        for (builder, named_as) in [
            (builder().exclusive([A, x]), NamedAs::Exclusive),
            (builder().default_profile(x), NamedAs::Default),
            (builder().compulsory(x), NamedAs::Compulsory),
            (builder().checked(x), NamedAs::Checked),
        ] {
            let expected = InvalidPolicy::Undeclared { name: x.into(), named_as };
            assert_eq!(builder.build(), Err(expected));
        }
    }

    #[test]
    fn policy_that_could_serve_nobody_is_refused() {
        let found = builder().compulsory(A).compulsory(B).exclusive([B, A]).build().unwrap_err();
        assert!(matches!(found, InvalidPolicy::CompulsoryConflict { .. }), "{found}");
        let found = builder().compulsory(A).default_profile(A).build().unwrap_err();
        assert!(matches!(found, InvalidPolicy::CompulsoryDefault { .. }), "{found}");
        let found = builder().compulsory(A).exclusive([C, A]).build().unwrap_err();
        assert!(
            matches!(found, InvalidPolicy::NeverInForce { ref url, .. } if *url == C),
            "{found}"
        );
    }

    #[test]
    fn exclusion_holds_both_ways_and_never_of_itself() {
        let policy = builder().exclusive([A, B]).exclusive([B, B]).build().unwrap();
        assert!(policy.excludes(A, B) && policy.excludes(B, A));
        assert!(!policy.excludes(A, C) && !policy.excludes(B, B) && !policy.excludes(A, "x"));
    }

    #[test]
    fn profile_is_permitted_to_those_who_were_authenticated_as_it_demands() {
        let required = |issuer: &str| RequiredAuthentication::new().issuer(issuer);
        let policy = builder()
            .authentication(A, required("https://id.example"))
            .authentication(A, RequiredAuthentication::new().scope("x"))
            .build()
            .unwrap();
        let nobody = policy.resolve(&Entitlement::all());
        assert!(!nobody.permits(A) && nobody.permits(B), "a check that did not run is not passed");
        let mut token = Authentication::new("https://id.example");
        let caller = |token: &Authentication| Principal::new("x").authenticated(token.clone());
        assert!(!nobody.clone().authenticated(&caller(&token)).permits(A));
        assert_eq!(policy.unmet(&caller(&token)).count(), 1);
        token.scopes.insert("x".into());
        let somebody = nobody.authenticated(&caller(&token));
        assert!(somebody.permits(A) && policy.unmet(&caller(&token)).next().is_none());
        assert!(!somebody.authenticated(&Principal::anonymous()).permits(A));
        let not_entitled = policy.resolve(&Entitlement::only([B])).authenticated(&caller(&token));
        assert!(!not_entitled.permits(A));
    }

    #[test]
    fn unchecked_authentication_withholds_a_profile() {
        let policy = builder().checked(A).build().unwrap();
        let caller = policy.resolve(&Entitlement::all());
        assert!(!caller.permits(A) && caller.permits(B) && !caller.permits("https://h/x"));
        assert!(caller.passed(A).permits(A));
        let other = policy.resolve(&Entitlement::only([B]).pick(A)).passed(A);
        assert!(!other.permits(A) && other.permits(B) && !other.permits(C));
        assert!(!policy.resolve(&Entitlement::none()).permits(B));
    }

    #[test]
    fn undeclared_names_of_an_entitlement_are_found() {
        let policy = builder().build().unwrap();
        let entitlement = Entitlement::only([A, "https://h/x"]).pick("typo");
        assert_eq!(entitlement.undeclared(&policy).collect::<Vec<_>>(), ["https://h/x", "typo"]);
    }

    proptest! {
        #[test]
        fn indices_are_a_set(members in prop::collection::btree_set(0usize..256, 0..40), others in prop::collection::btree_set(0usize..256, 0..40)) {
            let (a, b): (Indices, Indices) = (members.iter().copied().collect(), others.iter().copied().collect());
            prop_assert!(a.iter().eq(members.iter().copied()));
            prop_assert_eq!(a.len() as usize, members.len());
            prop_assert!(a.only(b).iter().eq(members.intersection(&others).copied()));
            prop_assert!(a.without(b).iter().eq(members.difference(&others).copied()));
            prop_assert!(a.and_also(b).iter().eq(members.union(&others).copied()));
        }
    }
}
