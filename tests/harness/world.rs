//! What a server declares and allows, and what a client wants, with an independent opinion about
//! which profiles may be in force.

use std::sync::Arc;
use std::time::Duration;

use mcp_core::capability::ServerCapabilities;
use mcp_core::profile::{
    ClientPolicy, Declaration, DeclaredProfile, Entitlement, MinMcpVersion, ProfilePolicy,
    ProfileUrl,
};
use mcp_core::session::client::{ClientConfig, EraChoice};
use mcp_core::session::server::ServerConfig;
use mcp_core::types::Implementation;
use mcp_core::version::ProtocolVersion;

use super::dice::Dice;

pub(crate) const EXT: &str = "dev.behaviour-profiles/profiles";
pub(crate) const BASIC: &str = "https://vidsrus/basic";
pub(crate) const FUTURE: &str = "https://vidsrus/future";
pub(crate) const MODERN: &str = "https://vidsrus/modern";
pub(crate) const PREMIUM: &str = "https://vidsrus/premium";
pub(crate) const ELSEWHERE: &str = "https://elsewhere/unknown";

/// The profiles that a server may declare; the tool `gated` exists in [`PREMIUM`].
pub(crate) const PROFILES: &[&str] = &[BASIC, PREMIUM, MODERN, FUTURE];

/// The oldest version that each of them needs.
fn needs(profile: &str) -> &'static str {
    match profile {
        PREMIUM => "2025-06-18",
        MODERN => "2026-07-28",
        FUTURE => "2031-01-01",
        _ => "2024-11-05",
    }
}

/// A server: what it declares, for whom, and which versions it serves.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// In order; `None` for a server that knows nothing of profiles.
    pub(crate) declared: Option<Vec<&'static str>>,
    pub(crate) exclusive: Vec<&'static str>,
    pub(crate) compulsory: Option<&'static str>,
    pub(crate) default: Option<&'static str>,
    /// `None` for everything.
    pub(crate) entitled: Option<Vec<&'static str>>,
    pub(crate) picked: Option<&'static str>,
    pub(crate) asks: bool,
    pub(crate) versions: Vec<ProtocolVersion>,
}

impl World {
    /// A server of all versions that knows nothing of profiles.
    pub(crate) fn plain() -> Self {
        Self {
            declared: None,
            exclusive: Vec::new(),
            compulsory: None,
            default: None,
            entitled: None,
            picked: None,
            asks: false,
            versions: ProtocolVersion::KNOWN.to_vec(),
        }
    }

    /// A server of all versions that declares these and allows them to everybody.
    pub(crate) fn declaring(profiles: &[&'static str]) -> Self {
        Self { declared: Some(profiles.to_vec()), ..Self::plain() }
    }

    /// Asks for every caller what it is entitled to, and allows it these.
    pub(crate) fn asking(mut self, entitled: &[&'static str]) -> Self {
        self.asks = true;
        self.entitled = Some(entitled.to_vec());
        self
    }

    pub(crate) fn compulsory(mut self, profile: &'static str) -> Self {
        self.compulsory = Some(profile);
        self
    }

    pub(crate) fn serving(mut self, versions: &[&str]) -> Self {
        self.versions = versions.iter().map(|version| ProtocolVersion::from(*version)).collect();
        self
    }

    /// Any server.
    pub(crate) fn rolled(dice: &mut Dice) -> Self {
        let mut world = Self::plain();
        world.versions = match dice.roll(8) {
            0..=3 => ProtocolVersion::KNOWN.to_vec(),
            4 => vec![ProtocolVersion::V2026_07_28],
            5 => ProtocolVersion::KNOWN[1..].to_vec(),
            6 => vec![ProtocolVersion::V2025_03_26],
            _ => vec![ProtocolVersion::V2026_07_28, ProtocolVersion::V2024_11_05],
        };
        if dice.roll(5) == 0 {
            return world;
        }
        let declared = dice.some(PROFILES);
        world.exclusive = if dice.roll(3) == 0 { dice.some(&declared) } else { Vec::new() };
        world.default = dice.maybe(&declared);
        world.compulsory = dice
            .maybe(&declared)
            .filter(|url| world.default != Some(*url) && !world.exclusive.contains(url))
            .filter(|_| dice.roll(2) == 0);
        if dice.flip() {
            world.asks = true;
            world.entitled = dice.flip().then(|| dice.some(PROFILES));
            world.picked = dice.maybe(&declared);
        }
        world.declared = Some(declared);
        world
    }

    pub(crate) fn config(&self) -> ServerConfig {
        let mut config = ServerConfig::new(Implementation::new("vidsrus", "1.0"));
        config.capabilities = ServerCapabilities::new().with_tools(Default::default());
        config.versions.clone_from(&self.versions);
        config.asks_entitlement = self.asks;
        config.discover_ttl_ms = 5000;
        config.profiles = self.declared.as_ref().map(|declared| self.policy(declared));
        config
    }

    pub(crate) fn entitlement(&self) -> Entitlement {
        let entitlement = match &self.entitled {
            Some(profiles) => Entitlement::only(profiles),
            None => Entitlement::all(),
        };
        match self.picked {
            Some(profile) => entitlement.pick(profile),
            None => entitlement,
        }
    }

    /// Whether profiles may be in force for a caller who asked like this, and if not why.
    ///
    /// Sections 4 and 5 of the profile contract, written down a second time.
    pub(crate) fn judge(
        &self,
        version: &str,
        asked: &[String],
        all_or_nothing: bool,
        in_force: &[String],
    ) -> Result<(), String> {
        let declared = self.declared.clone().unwrap_or_default();
        let places: Vec<usize> = in_force
            .iter()
            .map(|url| {
                declared.iter().position(|d| d == url).ok_or_else(|| format!("{url} is undeclared"))
            })
            .collect::<Result<_, _>>()?;
        if !places.is_sorted_by(|a, b| a < b) {
            return Err(format!("{in_force:?} is not in the order of the declaration"));
        }
        if let Some(url) = in_force.iter().find(|url| !asked.is_empty() && !asked.contains(url)) {
            return Err(format!("{url} was not asked for"));
        }
        if let Some((url, why)) =
            in_force.iter().find_map(|url| Some((url, self.obstacle(version, url, in_force)?)))
        {
            return Err(format!("{url} must not be in force: {why}"));
        }
        if let Some(compulsory) = self.compulsory.filter(|c| !in_force.iter().any(|url| url == c)) {
            return Err(format!("{compulsory} is compulsory and missing"));
        }
        let left_out =
            asked.iter().filter(|url| self.declared.is_some() && !in_force.contains(url));
        for url in left_out {
            if all_or_nothing {
                return Err(format!("{url} was asked for and is missing"));
            }
            let known = declared.iter().any(|d| d == url);
            if known && self.obstacle(version, url, in_force).is_none() {
                return Err(format!("{url} was left out without a reason"));
            }
        }
        Ok(())
    }

    fn obstacle(&self, version: &str, url: &str, beside: &[String]) -> Option<&'static str> {
        if needs(url) > version {
            return Some("the version is too old");
        }
        if self.entitled.as_ref().is_some_and(|e| self.asks && !e.contains(&url)) {
            return Some("the caller is not entitled");
        }
        let conflict = self.exclusive.contains(&url)
            && beside.iter().any(|other| other != url && self.exclusive.contains(&other.as_str()));
        conflict.then_some("another one excludes it")
    }

    fn policy(&self, declared: &[&str]) -> ProfilePolicy {
        let entries = declared.iter().map(|profile| {
            let since: MinMcpVersion = needs(profile).parse().unwrap();
            DeclaredProfile::new(url(profile), since)
        });
        let mut policy = ProfilePolicy::builder(Declaration::new(entries).unwrap());
        if self.exclusive.len() > 1 {
            policy = policy.exclusive(&self.exclusive);
        }
        if let Some(default) = self.default {
            policy = policy.default_profile(default);
        }
        if let Some(compulsory) = self.compulsory {
            policy = policy.compulsory(compulsory);
        }
        policy.build().unwrap()
    }
}

pub(crate) fn url(text: &str) -> ProfileUrl {
    ProfileUrl::parse(text).unwrap()
}

/// A client: what it insists on, what it would like, and what it speaks.
#[derive(Debug, Clone)]
pub(crate) struct Wants {
    pub(crate) required: Vec<&'static str>,
    pub(crate) one_of: Vec<&'static str>,
    pub(crate) preferred: Vec<&'static str>,
    pub(crate) aware: bool,
    pub(crate) era: EraChoice,
    pub(crate) versions: Vec<ProtocolVersion>,
}

impl Wants {
    /// A client of all versions without a policy.
    pub(crate) fn nothing() -> Self {
        Self {
            required: Vec::new(),
            one_of: Vec::new(),
            preferred: Vec::new(),
            aware: false,
            era: EraChoice::Auto,
            versions: ProtocolVersion::KNOWN.to_vec(),
        }
    }

    pub(crate) fn requiring(profiles: &[&'static str]) -> Self {
        Self { required: profiles.to_vec(), ..Self::nothing() }
    }

    pub(crate) fn preferring(profiles: &[&'static str]) -> Self {
        Self { preferred: profiles.to_vec(), ..Self::nothing() }
    }

    pub(crate) fn era(mut self, era: EraChoice) -> Self {
        self.era = era;
        self
    }

    pub(crate) fn speaking(mut self, versions: &[&str]) -> Self {
        self.versions = versions.iter().map(|version| ProtocolVersion::from(*version)).collect();
        self
    }

    /// Any client.
    pub(crate) fn rolled(dice: &mut Dice) -> Self {
        let mut wants = Self::nothing();
        wants.era =
            dice.pick(&[EraChoice::Auto, EraChoice::Auto, EraChoice::Legacy, EraChoice::Modern]);
        wants.versions = match dice.roll(8) {
            0..=4 => wants.versions,
            5 if wants.era != EraChoice::Modern => vec![ProtocolVersion::V2025_03_26],
            6 if wants.era != EraChoice::Modern => ProtocolVersion::KNOWN[3..].to_vec(),
            7 if wants.era != EraChoice::Legacy => vec![ProtocolVersion::V2026_07_28],
            _ => wants.versions,
        };
        let known = &[BASIC, PREMIUM, MODERN, FUTURE, ELSEWHERE];
        match dice.roll(5) {
            0 => {}
            1 => wants.aware = true,
            2 => wants.preferred = dice.some(known),
            3 => wants.required = dice.some(&known[..2]),
            _ => {
                wants.required = dice.some(&known[..2]);
                wants.one_of = dice.some(known);
                wants.preferred = dice.some(known);
            }
        }
        wants
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        let mut policy = ClientPolicy::builder();
        for profile in &self.required {
            policy = policy.require(profile);
        }
        if !self.one_of.is_empty() {
            policy = policy.require_one_of(&self.one_of);
        }
        for profile in &self.preferred {
            policy = policy.prefer(profile);
        }
        if self.aware {
            policy = policy.aware();
        }
        let mut config = ClientConfig::new(Implementation::new("viewer", "2.0"));
        config.versions.clone_from(&self.versions);
        config.era = self.era;
        config.policy = policy.build().unwrap();
        config.probe_timeout = Duration::from_secs(10);
        Arc::new(config)
    }

    /// What the client has to ask for.
    pub(crate) fn asks_for(&self) -> Vec<&'static str> {
        let mut asked = Vec::new();
        for profile in self.required.iter().chain(&self.one_of).chain(&self.preferred) {
            if !asked.contains(profile) {
                asked.push(*profile);
            }
        }
        asked
    }

    /// Whether anything of profiles may be said by this client.
    pub(crate) fn knows_profiles(&self) -> bool {
        self.aware || !self.asks_for().is_empty()
    }

    pub(crate) fn has_requirements(&self) -> bool {
        !self.required.is_empty() || !self.one_of.is_empty()
    }

    pub(crate) fn met_by(&self, in_force: &[String]) -> bool {
        let has = |profile: &&str| in_force.iter().any(|url| url == profile);
        self.required.iter().all(has) && (self.one_of.is_empty() || self.one_of.iter().any(has))
    }
}
