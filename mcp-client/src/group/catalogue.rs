//! What all servers of a group offer, under names that are unique.
//!
//! A snapshot: it is made anew when a server comes, goes or changes its lists, and knows nothing of
//! connections.

use std::collections::HashMap;
use std::sync::Arc;

use mcp_core::types::{Prompt, Resource, ResourceTemplate, Tool};

use super::names;
use crate::config::ToolFilter;

/// What one server offers, under its own names.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) tools: Vec<Tool>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) resources: Vec<Resource>,
    pub(super) templates: Vec<ResourceTemplate>,
}

/// Something that a server of a group offers under an address, which is unique only there.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Offered<T> {
    /// The server's name in the configuration.
    pub server: Arc<str>,
    /// What it offers.
    pub item: T,
}

/// What one server adds to a catalogue.
pub(super) struct Part<'a> {
    pub(super) server: &'a Arc<str>,
    pub(super) offer: &'a Offer,
    pub(super) filter: &'a ToolFilter,
    /// Whether its items are listed; they are known by name in any case.
    pub(super) listed: bool,
}

/// Where an item is: its server, and what it is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) server: Arc<str>,
    pub(super) item: Arc<str>,
}

/// What all servers offer together.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub(super) tools: Arc<[Tool]>,
    pub(super) prompts: Arc<[Prompt]>,
    pub(super) resources: Arc<[Offered<Resource>]>,
    pub(super) templates: Arc<[Offered<ResourceTemplate>]>,
    tool_places: Places,
    prompt_places: Places,
}

/// Names, and what they stand for.
#[derive(Debug, Default)]
struct Places(HashMap<String, Place>);

impl Catalogue {
    /// Puts it together; the parts have to come ordered by server.
    pub(super) fn new<'a>(parts: impl Iterator<Item = Part<'a>>) -> Self {
        let (mut tools, mut prompts) = (Vec::new(), Vec::new());
        let (mut resources, mut templates) = (Vec::new(), Vec::new());
        let (mut tool_places, mut prompt_places) = (Places::default(), Places::default());
        for Part { server, offer, filter, listed } in parts {
            let prefix = names::prefix(server);
            for tool in offer.tools.iter().filter(|tool| filter.allows(&tool.name)) {
                let name = tool_places.enter(&prefix, server, &tool.name);
                if let Some(name) = name.filter(|_| listed) {
                    let mut tool = tool.clone();
                    tool.name = name;
                    tools.push(tool);
                }
            }
            for prompt in &offer.prompts {
                let name = prompt_places.enter(&prefix, server, &prompt.name);
                if let Some(name) = name.filter(|_| listed) {
                    let mut prompt = prompt.clone();
                    prompt.name = name;
                    prompts.push(prompt);
                }
            }
            if listed {
                resources.extend(offered(server, &offer.resources));
                templates.extend(offered(server, &offer.templates));
            }
        }
        Self {
            tools: tools.into(),
            prompts: prompts.into(),
            resources: resources.into(),
            templates: templates.into(),
            tool_places,
            prompt_places,
        }
    }

    /// Where the tool of this name is.
    pub(super) fn tool(&self, name: &str) -> Option<&Place> {
        self.tool_places.0.get(name)
    }

    /// Where the prompt of this name is.
    pub(super) fn prompt(&self, name: &str) -> Option<&Place> {
        self.prompt_places.0.get(name)
    }
}

fn offered<T: Clone>(server: &Arc<str>, items: &[T]) -> impl Iterator<Item = Offered<T>> {
    items.iter().map(|item| Offered { server: Arc::clone(server), item: item.clone() })
}

impl Places {
    /// Enters an item and returns its name; `None` when its server listed it before.
    fn enter(&mut self, prefix: &str, server: &Arc<str>, item: &str) -> Option<String> {
        let mut name = names::qualified(prefix, item);
        let mut attempt = 0;
        while let Some(taken) = self.0.get(&name) {
            if taken.server == *server && *taken.item == *item {
                return None;
            }
            attempt += 1;
            name = names::altered(prefix, item, attempt);
        }
        self.0.insert(name.clone(), Place { server: Arc::clone(server), item: item.into() });
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use mcp_core::types::Schema;

    use super::*;

    fn offer(tools: &[&str]) -> Offer {
        let tools = tools.iter().map(|name| Tool::new(*name, Schema::no_arguments())).collect();
        Offer { tools, ..Offer::default() }
    }

    fn catalogue(parts: &[(&str, &Offer, &ToolFilter, bool)]) -> Catalogue {
        let servers: Vec<Arc<str>> = parts.iter().map(|part| part.0.into()).collect();
        let parts = parts.iter().zip(&servers).map(|(&(_, offer, filter, listed), server)| Part {
            server,
            offer,
            filter,
            listed,
        });
        Catalogue::new(parts)
    }

    fn names(catalogue: &Catalogue) -> Vec<&str> {
        catalogue.tools.iter().map(|tool| tool.name.as_str()).collect()
    }

    #[test]
    fn tools_of_all_servers_are_found_by_their_names() {
        let (files, films) = (offer(&["read", "read", "write"]), offer(&["read"]));
        let all = ToolFilter::default();
        let catalogue = catalogue(&[("files", &files, &all, true), ("films", &films, &all, false)]);
        // One that is listed twice counts once, one of a lost server is known and not listed.
        assert_eq!(names(&catalogue), ["files__read", "files__write"]);
        let place = catalogue.tool("films__read").unwrap();
        assert_eq!((&*place.server, &*place.item), ("films", "read"));
        assert!(catalogue.tool("read").is_none());
    }

    #[test]
    fn tools_that_are_filtered_out_do_not_exist() {
        let files = offer(&["read", "write"]);
        let mut filter = ToolFilter::default();
        filter.without.insert("write".to_owned());
        let catalogue = catalogue(&[("files", &files, &filter, true)]);
        assert_eq!(names(&catalogue), ["files__read"]);
        assert!(catalogue.tool("files__write").is_none());
    }

    #[test]
    fn a_name_that_something_else_has_taken_is_altered() {
        let all = ToolFilter::default();
        // A tool that is called what another one would become.
        let taken = names::qualified(&names::prefix("s"), "a b");
        let taken = taken.strip_prefix("s__").unwrap();
        let both = offer(&[taken, "a b"]);
        let catalogue = catalogue(&[("s", &both, &all, true)]);
        let items: Vec<_> =
            names(&catalogue).iter().map(|name| &*catalogue.tool(name).unwrap().item).collect();
        assert_eq!(items, [taken, "a b"]);
    }

    #[test]
    fn prompts_have_names_of_their_own_and_resources_their_server() {
        let mut films = offer(&["recap"]);
        films.prompts.push(Prompt::new("recap"));
        films.resources.push(Resource::new("vidsrus://news", "news"));
        let all = ToolFilter::default();
        let catalogue = catalogue(&[("films", &films, &all, true)]);
        assert_eq!(catalogue.prompts[0].name, "films__recap");
        assert_eq!(&*catalogue.prompt("films__recap").unwrap().item, "recap");
        let news = &catalogue.resources[0];
        assert_eq!((&*news.server, news.item.uri.as_str()), ("films", "vidsrus://news"));
    }
}
