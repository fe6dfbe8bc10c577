//! Which server answers what: hosts, tenants, and the paths of each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use mcp_core::{Error, Tenant};

use super::endpoint::Endpoint;
use super::host::Host;
use super::intake::Intake;
use super::origin::Origins;
use super::proxy::Proxies;
use super::settings::Settings;
use super::well_known::{self, Document};
use crate::Server;

/// How a service was put together; nothing is checked yet.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Where each server is: a host, a path, or both; empty for the whole service.
    pub(crate) tenants: Vec<(String, Server)>,
    /// The path of the endpoint below that of its tenant.
    pub(crate) endpoint: String,
    /// Hosts of the tenants that have none of their own.
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) proxies: Vec<String>,
    pub(crate) settings: Settings,
}

/// The hosts under which this machine reaches itself.
pub(crate) const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What a service answers, and by whom.
#[derive(Debug)]
pub(crate) struct Site {
    hosts: HashMap<Box<str>, HashMap<Box<str>, Place>>,
    /// Whether hosts tell tenants apart: then a host without tenants does not exist.
    pub(crate) by_host: bool,
    pub(crate) origins: Origins,
    pub(crate) proxies: Proxies,
    pub(crate) intake: Intake,
    pub(crate) settings: Arc<Settings>,
    pub(crate) drain_timeout: Duration,
    /// Why the service cannot serve anything.
    pub(crate) problem: Option<String>,
}

/// What is at a path.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Endpoint(Arc<Door>),
    Document(Arc<Document>),
}

/// An endpoint, and what its requests must fit.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Longest message, in bytes.
    pub(crate) limit: usize,
}

impl Site {
    /// Builds what was planned; a plan with mistakes becomes a site without tenants.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut problems = Vec::new();
        let mut noted = |problem| problems.push(problem);
        let origins = Origins::parse(&plan.origins).map_err(&mut noted).unwrap_or_default();
        let proxies = Proxies::parse(&plan.proxies).map_err(&mut noted).unwrap_or_default();
        // Each service is told on its own to stop.
        let settings = Settings { closing: Arc::default(), ..plan.settings.clone() };
        let settings = Arc::new(settings);
        let mut site = Self {
            hosts: HashMap::new(),
            by_host: false,
            origins,
            proxies,
            intake: Intake::new(settings.body_time, settings.body_bytes),
            settings,
            drain_timeout: Duration::ZERO,
            problem: None,
        };
        site.place(plan, &mut problems);
        if !problems.is_empty() {
            site.hosts.clear();
            site.problem = Some(format!(
                "the HTTP service is not put together well:\n- {}",
                problems.join("\n- ")
            ));
        }
        site
    }

    /// Says what is wrong with the plan.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.problem.clone().map_or(Ok(()), |problem| Err(Error::Misuse(problem)))
    }

    /// What is at a path of a host, with one trailing slash dropped; `None` for an unknown host.
    pub(crate) fn find(&self, host: &str, path: &str) -> Option<Option<&Place>> {
        let places = self.hosts.get(host)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        Some(places.get(path))
    }

    /// Ends the sessions of every tenant, in this process.
    pub(crate) fn stop(&self) {
        for place in self.hosts.values().flat_map(HashMap::values) {
            if let Place::Endpoint(door) = place {
                door.endpoint.stop();
            }
        }
    }

    fn place(&mut self, plan: &Plan, problems: &mut Vec<String>) {
        let mut shared = Vec::new();
        for host in &plan.hosts {
            match host_name(host) {
                Some(name) if shared.contains(&name) => {}
                Some(name) => shared.push(name),
                None => problems
                    .push(format!("allowed host `{host}` is no host name: write it without port")),
            }
        }
        let Some(endpoint) = path(&plan.endpoint) else {
            let problem = format!("endpoint `{}` is no path: write it like `/mcp`", plan.endpoint);
            return problems.push(problem);
        };
        if plan.tenants.is_empty() {
            problems.push("there is no server: give at least one".to_owned());
        }
        let mut seen: HashMap<Box<str>, Vec<Arc<Document>>> = HashMap::new();
        for (place, server) in &plan.tenants {
            let (host, prefix) = match place.find('/') {
                Some(at) => place.split_at(at),
                None => (&**place, ""),
            };
            let (Some(prefix), Some(host)) = (path(prefix), own_host(host)) else {
                problems.push(format!(
                    "tenant `{place}` is neither a host nor a path: write it like `a.example`, `a.example/path` or `/path`, without port"
                ));
                continue;
            };
            self.by_host |= host.is_some();
            self.drain_timeout = self.drain_timeout.max(server.drain_timeout());
            let tenant = match &host {
                None if prefix.is_empty() => Tenant::default(),
                host => Tenant::new(&format!("{}{prefix}", host.as_deref().unwrap_or_default())),
            };
            let at = format!("{prefix}{endpoint}");
            if at == well_known::PATH || at.starts_with(&format!("{}/", well_known::PATH)) {
                problems
                    .push(format!("endpoint `{at}` is where documents are: choose another path"));
                continue;
            }
            let document = Arc::new(Document::new(server.declaration()));
            let door = Arc::new(Door {
                endpoint: Arc::new(Endpoint::new(
                    server.clone(),
                    tenant,
                    Arc::clone(&self.settings),
                )),
                limit: server.limits().line_bytes,
            });
            let hosts = host.map_or_else(|| shared.clone(), |host| vec![host]);
            for host in hosts {
                let places = self.hosts.entry(host.clone()).or_default();
                let known = places.insert((&*at).into(), Place::Endpoint(Arc::clone(&door)));
                if known.is_some() {
                    problems.push(format!(
                        "there are two tenants at `{host}{at}`: give each its own place"
                    ));
                }
                let form = format!("{}{at}", well_known::PATH);
                places.insert(form.into(), Place::Document(Arc::clone(&document)));
                seen.entry(host).or_default().push(Arc::clone(&document));
            }
        }
        // Where a host has several tenants, the root form would tell one about another.
        for (host, documents) in seen {
            let Some(places) = self.hosts.get_mut(&host) else { continue };
            match &documents[..] {
                [document] => drop(
                    places.insert(well_known::PATH.into(), Place::Document(Arc::clone(document))),
                ),
                _ => drop(places.remove(well_known::PATH)),
            }
        }
    }
}

/// A path without trailing slash; empty for the root.
fn path(text: &str) -> Option<&str> {
    let path = text.strip_suffix('/').unwrap_or(text);
    let is_path = path.is_empty()
        || path.starts_with('/') && path.parse::<Uri>().is_ok_and(|uri| uri.path() == path);
    is_path.then_some(path)
}

/// The host of a tenant that has one.
#[expect(clippy::option_option, reason = "no host is not the same as a wrong one")]
fn own_host(text: &str) -> Option<Option<Box<str>>> {
    if text.is_empty() { Some(None) } else { host_name(text).map(Some) }
}

fn host_name(text: &str) -> Option<Box<str>> {
    Host::parse(text).filter(|host| host.port.is_none()).map(|host| host.name.into())
}
