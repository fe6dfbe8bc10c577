//! From what a builder was given to what is served: checked, gated by profiles, put into its table.

use std::sync::Arc;

use mcp_core::profile::{ProfilePolicy, ProfileUrl};

use super::catalogue::{
    Catalogue, Gates, ServedPrompt, ServedResource, ServedTemplate, ServedTool,
};
use crate::call::Provided;
use crate::description::Need;
use crate::prompt::{BuiltPrompt, Prompt};
use crate::requires::Required;
use crate::resource::{BuiltResource, Definition, Resource};
use crate::tool::{BuiltTool, Tool};

/// What items are checked against.
#[derive(Clone, Copy)]
pub(super) struct Host<'a> {
    pub(super) provided: &'a Arc<Provided>,
    pub(super) policy: Option<&'a ProfilePolicy>,
}

/// A tool, a prompt or a resource, before it is known to whom it is offered.
pub(super) trait Offer: Sized {
    /// What it is, in messages.
    const KIND: &'static str;
    /// What it becomes.
    type Built;

    /// What it is found by.
    fn key(&self) -> &str;

    /// Whether clients are told the same about both.
    fn is_like(&self, other: &Self) -> bool;

    fn build(self) -> Self::Built;

    fn facts(built: &Self::Built) -> Facts<'_>;

    /// Adds it to its table; says whether no other had its key.
    fn insert(
        built: Self::Built,
        profiles: Vec<ProfileUrl>,
        host: Host<'_>,
        catalogue: &mut Catalogue,
    ) -> bool;
}

/// What has to be true for an item to be served.
pub(super) struct Facts<'a> {
    needs: &'a [Need],
    problems: &'a [String],
    requires: &'a Required,
}

/// Puts items that everybody has, and those of profiles, into their table.
///
/// An item that several profiles have under the same key is one item that exists in any of them.
pub(super) fn collect<T: Offer>(
    open: Vec<T>,
    of_profiles: Vec<(ProfileUrl, Vec<T>)>,
    host: Host<'_>,
    catalogue: &mut Catalogue,
    problems: &mut Vec<String>,
) {
    let mut gated: Vec<(T, Vec<ProfileUrl>)> = Vec::new();
    for (url, items) in of_profiles {
        for item in items {
            match gated.iter_mut().find(|(known, _)| known.key() == item.key()) {
                Some((known, _)) if !known.is_like(&item) => {
                    problems.push(format!(
                        "{kind} `{}`: profile `{url}` has another {kind} of this name than a \
                         profile before it: give them different names, or let one {kind} look at \
                         `Settings`",
                        item.key(),
                        kind = T::KIND
                    ));
                }
                Some((_, urls)) if !urls.contains(&url) => urls.push(url.clone()),
                _ => gated.push((item, vec![url.clone()])),
            }
        }
    }
    let open = open.into_iter().map(|item| (item, Vec::new()));
    for (item, profiles) in open.chain(gated) {
        let key = item.key().to_owned();
        match check(item, host) {
            Ok(built) => {
                if !T::insert(built, profiles, host, catalogue) {
                    problems.push(taken::<T>(&key));
                }
            }
            Err(found) => problems.extend(found),
        }
    }
}

/// Fixes an item, or says what is wrong with it.
pub(super) fn check<T: Offer>(item: T, host: Host<'_>) -> Result<T::Built, Vec<String>> {
    let key = item.key().to_owned();
    let built = item.build();
    let Facts { needs, problems, requires } = T::facts(&built);
    let mut problems = problems.to_vec();
    problems.extend(host.provided.missing(needs));
    let gates = Gates::new(Vec::new(), requires.clone());
    problems.extend(gates.undeclared(host.policy));
    if problems.is_empty() {
        return Ok(built);
    }
    let kind = T::KIND;
    Err(problems.into_iter().map(|problem| format!("{kind} `{key}`: {problem}")).collect())
}

/// The mistake of giving two items the same name.
pub(super) fn taken<T: Offer>(key: &str) -> String {
    let kind = T::KIND;
    format!("{kind} `{key}`: there is another {kind} of this name")
}

impl Offer for Tool {
    const KIND: &'static str = "tool";
    type Built = BuiltTool;

    fn key(&self) -> &str {
        self.name()
    }

    fn is_like(&self, other: &Self) -> bool {
        self.definition() == other.definition()
    }

    fn build(self) -> BuiltTool {
        self.build()
    }

    fn facts(built: &BuiltTool) -> Facts<'_> {
        Facts { needs: &built.needs, problems: &built.problems, requires: &built.requires }
    }

    fn insert(
        built: BuiltTool,
        profiles: Vec<ProfileUrl>,
        host: Host<'_>,
        catalogue: &mut Catalogue,
    ) -> bool {
        let gates = Gates::new(profiles, built.requires.clone());
        catalogue.tools.insert(ServedTool::new(built, gates, host.provided))
    }
}

impl Offer for Prompt {
    const KIND: &'static str = "prompt";
    type Built = BuiltPrompt;

    fn key(&self) -> &str {
        self.name()
    }

    fn is_like(&self, other: &Self) -> bool {
        self.definition() == other.definition()
    }

    fn build(self) -> BuiltPrompt {
        self.build()
    }

    fn facts(built: &BuiltPrompt) -> Facts<'_> {
        Facts { needs: &built.needs, problems: &built.problems, requires: &built.requires }
    }

    fn insert(
        built: BuiltPrompt,
        profiles: Vec<ProfileUrl>,
        host: Host<'_>,
        catalogue: &mut Catalogue,
    ) -> bool {
        let gates = Gates::new(profiles, built.requires.clone());
        catalogue.prompts.insert(ServedPrompt::new(built, gates, host.provided))
    }
}

impl Offer for Resource {
    const KIND: &'static str = "resource";
    type Built = BuiltResource;

    fn key(&self) -> &str {
        self.uri()
    }

    fn is_like(&self, other: &Self) -> bool {
        self.definition() == other.definition()
    }

    fn build(self) -> BuiltResource {
        self.build()
    }

    fn facts(built: &BuiltResource) -> Facts<'_> {
        Facts { needs: &built.needs, problems: &built.problems, requires: &built.requires }
    }

    fn insert(
        mut built: BuiltResource,
        profiles: Vec<ProfileUrl>,
        host: Host<'_>,
        catalogue: &mut Catalogue,
    ) -> bool {
        let gates = Gates::new(profiles, built.requires.clone());
        let mut item = built.item(host.provided);
        item.is_private = !gates.scopes.is_empty();
        match built.definition {
            Definition::Resource(definition) => {
                catalogue.resources.insert(ServedResource { definition, item, gates })
            }
            Definition::Template(definition, template) => {
                let completers = built.completers.into_iter();
                catalogue.templates.insert(ServedTemplate {
                    definition,
                    template,
                    item,
                    gates,
                    completers: completers.map(|it| it.into_item(host.provided)).collect(),
                    list: built.list,
                })
            }
        }
    }
}
