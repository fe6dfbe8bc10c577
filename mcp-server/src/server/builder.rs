//! How a server is put together.

use std::any::TypeId;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use mcp_core::capability::{
    PromptsCapability, ResourcesCapability, ServerCapabilities, ToolsCapability,
};
use mcp_core::profile::{
    Declaration, DeclaredProfile, Entitlement, MinMcpVersion, ProfilePolicy, ProfileUrl,
};
use mcp_core::session::server::ServerConfig;
use mcp_core::types::{CacheHints, Icon, Implementation};
use mcp_core::version::ProtocolVersion;
use mcp_core::{Error, Limits, Negotiated, Principal};
use tower_layer::Layer;
use tower_service::Service;

use super::catalogue::Catalogue;
use super::limits::Limiter;
use super::mount::Mount;
use super::offer::{self, Host};
use super::profile::Profile;
use super::{Inner, Server, Visible};
use crate::ask::{Sealer, StateKeys, UsedInMemory, UsedStates};
use crate::call::{Provided, SettingsOf, States};
use crate::connection::Connection;
use crate::description::{Description, Names, Need};
use crate::extension::{Extension, Extensions};
use crate::handler::{Handler, Run, erase};
use crate::item::{CallKind, around_server};
use crate::layer::{Next, ToolCall, Wrap, wrap};
use crate::outcome::Outcome;
use crate::prompt::{IntoPrompt, Prompt};
use crate::resource::{IntoResource, Resource};
use crate::tasks::{Desk, TaskRunner, Tasks};
use crate::tool::{IntoTool, Tool};

/// Puts a server together; see [`Server::builder`].
///
/// Nothing is checked before [`build`](Self::build), which reports every mistake at once.
#[must_use = "a builder does nothing until `build` or `serve_stdio` is called"]
pub struct Builder {
    server_info: Implementation,
    instructions: Option<String>,
    versions: Vec<ProtocolVersion>,
    limits: Limits,
    page_size: usize,
    drain_timeout: Duration,
    progress_interval: Duration,
    logging: bool,
    list_cache: CacheHints,
    tools: Vec<Tool>,
    prompts: Vec<Prompt>,
    resources: Vec<Resource>,
    extensions: Vec<Extension>,
    tasks: Option<Tasks>,
    states: States,
    twice: Vec<&'static str>,
    default_settings: States,
    profiles: Vec<Profile>,
    exclusive: Vec<Vec<String>>,
    entitlement: Option<EntitlementHandler>,
    local_principal: Principal,
    layers: Vec<Wrap>,
    mounts: Vec<Mount>,
    visible: Option<Visible>,
    state_keys: Option<StateKeys>,
    state_ttl: Duration,
    used_states: Arc<dyn UsedStates>,
}

struct EntitlementHandler {
    describe: fn(&mut Description),
    run: Run<Entitlement>,
}

impl Builder {
    pub(super) fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            server_info: Implementation::new(name, version),
            instructions: None,
            versions: ProtocolVersion::KNOWN.to_vec(),
            limits: Limits::default(),
            page_size: 1000,
            drain_timeout: Duration::from_secs(10),
            progress_interval: Connection::INTERVAL,
            logging: false,
            list_cache: CacheHints::public(0),
            tools: Vec::new(),
            prompts: Vec::new(),
            resources: Vec::new(),
            extensions: Vec::new(),
            tasks: None,
            states: States::default(),
            twice: Vec::new(),
            default_settings: States::default(),
            profiles: Vec::new(),
            exclusive: Vec::new(),
            entitlement: None,
            local_principal: Principal::local(),
            layers: Vec::new(),
            mounts: Vec::new(),
            visible: None,
            state_keys: None,
            state_ttl: Duration::from_secs(15 * 60),
            used_states: Arc::new(UsedInMemory::default()),
        }
    }

    /// Sets the name for people.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.server_info.title = Some(title.into());
        self
    }

    /// Adds a picture to show beside the name.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.server_info.icons.push(icon);
        self
    }

    /// Says how the server wants to be used, for the model.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Serves these protocol versions only; all known ones unless set.
    pub fn versions(mut self, versions: impl IntoIterator<Item = ProtocolVersion>) -> Self {
        self.versions = versions.into_iter().collect();
        self
    }

    /// Bounds on what a client can make the server hold.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Most items on a page of a list; 1,000 unless set.
    pub fn page_size(mut self, items: usize) -> Self {
        self.page_size = items;
        self
    }

    /// How long calls may go on after the end of input before they are dropped; 10 seconds unless
    /// set. A server without running calls ends at once.
    pub fn drain_timeout(mut self, limit: Duration) -> Self {
        self.drain_timeout = limit;
        self
    }

    /// The shortest time between two progress notifications of a call; 50 milliseconds unless set.
    pub fn progress_interval(mut self, interval: Duration) -> Self {
        self.progress_interval = interval;
        self
    }

    /// Declares that handlers send log messages to clients, with
    /// [`CallContext::log`](crate::CallContext::log).
    pub fn logging(mut self) -> Self {
        self.logging = true;
        self
    }

    /// How long, and by whom, the lists of tools, prompts, resources and templates may be kept
    /// (2026-07-28, server/utilities/caching); not at all unless set.
    ///
    /// Lists that may differ between callers are always sent as private.
    pub fn list_cache(mut self, hints: CacheHints) -> Self {
        self.list_cache = hints;
        self
    }

    /// Adds a tool: a `#[tool]` function or method, or a [`Tool`].
    pub fn tool<T: IntoTool<M>, M>(mut self, tool: T) -> Self {
        self.tools.push(tool.into_tool());
        self
    }

    /// Adds a prompt: a `#[prompt]` function or method, or a [`Prompt`].
    pub fn prompt<T: IntoPrompt<M>, M>(mut self, prompt: T) -> Self {
        self.prompts.push(prompt.into_prompt());
        self
    }

    /// Adds a resource or a resource template: a `#[resource]` function or method, or a [`Resource`].
    pub fn resource<T: IntoResource<M>, M>(mut self, resource: T) -> Self {
        self.resources.push(resource.into_resource());
        self
    }

    /// Adds an extension, with all that comes with it.
    pub fn extension(mut self, extension: Extension) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Keeps calls of tools as tasks: those of tools that say so with
    /// [`Tool::task`](crate::Tool::task), for clients that know tasks.
    pub fn tasks(mut self, tasks: Tasks) -> Self {
        self.tasks = Some(tasks);
        self
    }

    /// Adds a state for handlers that take [`State<S>`](crate::State) or are its methods.
    pub fn state<S: Send + Sync + 'static>(mut self, state: S) -> Self {
        if !self.states.insert(Arc::new(state)) {
            self.twice.push(std::any::type_name::<S>());
        }
        self
    }

    /// [`Settings<T>`](crate::Settings) for callers whose profiles have none of this type.
    pub fn default_settings<T: Send + Sync + 'static>(mut self, settings: T) -> Self {
        if !self.default_settings.insert(Arc::new(settings)) {
            self.twice.push(std::any::type_name::<T>());
        }
        self
    }

    /// Offers a profile that excludes no other. The order of the calls is the order of the
    /// declaration.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profiles.push(profile);
        self
    }

    /// Offers profiles of which only one can be in force; where several could be, the first is.
    pub fn exclusive(mut self, profiles: impl IntoIterator<Item = Profile>) -> Self {
        let profiles: Vec<Profile> = profiles.into_iter().collect();
        self.exclusive.push(profiles.iter().map(|profile| profile.url.to_string()).collect());
        self.profiles.extend(profiles);
        self
    }

    /// Decides which profiles a caller may have: an async function of [`Caller`](crate::Caller)
    /// and states. Without it everybody may have every profile.
    ///
    /// It is asked for each legacy session and each modern request. When it panics, the caller is
    /// entitled to nothing.
    pub fn entitlement<H, M>(mut self, handler: H) -> Self
    where
        H: Handler<M, Output = Entitlement>,
    {
        let run = erase(handler, |entitlement: Result<Entitlement, crate::Failure>| {
            entitlement.unwrap_or_else(|_| Entitlement::none())
        });
        self.entitlement = Some(EntitlementHandler { describe: H::describe, run });
        self
    }

    /// Puts a layer around everything that the server serves; the first layer sees a call first.
    ///
    /// A layer is any [`tower_layer::Layer`] whose service takes a [`ToolCall`] and gives an
    /// [`Outcome`]; [`from_fn`](crate::from_fn) makes one out of a function. Ready-made are
    /// [`Timeout`](crate::Timeout), [`ConcurrencyLimit`](crate::ConcurrencyLimit),
    /// [`RateLimit`](crate::RateLimit), [`Audit`](crate::Audit) and [`Spans`](crate::Spans). A
    /// layer runs after profiles and their limits have let the call pass.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Next> + Send + Sync + 'static,
        L::Service: Service<ToolCall, Response = Outcome, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<ToolCall>>::Future: Send + 'static,
    {
        self.layers.push(wrap(layer));
        self
    }

    /// Takes in another server: its tools and prompts as `prefix__name`, its resources under the
    /// URIs that they have.
    ///
    /// They keep their own states, settings and layers; the layers of this server come first. What
    /// the other server offers at this moment is taken: later changes are not seen. Profiles in
    /// which its items exist have to be offered by this server too, and its entitlement, visibility
    /// and extensions belong here: `build()` refuses what would be lost.
    ///
    /// # Examples
    /// ```
    /// use mcp_server::{Server, Tool};
    ///
    /// let add = Tool::new("add").params(["a", "b"]).handler(async |a: f64, b: f64| a + b);
    /// let sums = Server::builder("sums", "1.0").tool(add).build()?;
    /// let desk = Server::builder("desk", "1.0").mount("sums", &sums).build()?;
    /// assert_eq!(desk.tool_names(), ["sums__add"]);
    /// # Ok::<(), mcp_server::Error>(())
    /// ```
    pub fn mount(mut self, prefix: impl Into<String>, server: &Server) -> Self {
        self.mounts.push(Mount { prefix: prefix.into(), server: server.clone() });
        self
    }

    /// Decides what exists for a caller, in lists and in calls alike: what is invisible is answered
    /// as an unknown name.
    ///
    /// It is asked with the caller, the kind of item, and its name, URI or URI template. It has to
    /// be quick, and to give the same answer while a caller goes through the pages of a list.
    pub fn visible(
        mut self,
        visible: impl Fn(&Negotiated, CallKind, &str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.visible = Some(Box::new(visible));
        self
    }

    /// Who calls over stdio, as the operator configured it; [`Principal::local`] unless set.
    pub fn local_principal(mut self, principal: Principal) -> Self {
        self.local_principal = principal;
        self
    }

    /// Seals what modern clients bring back after a question with these keys; unless set, with a
    /// random one that ends with the process.
    pub fn state_keys(mut self, keys: StateKeys) -> Self {
        self.state_keys = Some(keys);
        self
    }

    /// How long a modern client may take to answer; 15 minutes unless set.
    ///
    /// For so long what is sealed for it is good (2026-07-28, basic/patterns/mrtr, "Server
    /// Requirements", asks for a short time).
    pub fn state_ttl(mut self, limit: Duration) -> Self {
        self.state_ttl = limit;
        self
    }

    /// Where it is noted which sealed states were used; in the memory of this process unless set.
    pub fn used_states(mut self, store: impl UsedStates) -> Self {
        self.used_states = Arc::new(store);
        self
    }

    /// Checks everything and makes the server.
    ///
    /// # Errors
    /// [`Error::Misuse`] lists every mistake, each with the item that it concerns: a tool name that
    /// is taken or invalid, a parameter that cannot be described, a state or settings that nothing
    /// provides, profiles that do not fit together.
    pub fn build(mut self) -> Result<Server, Error> {
        let mut problems = Vec::new();
        let policy = self.policy(&mut problems);
        let settings = self.settings(policy.as_ref(), &mut problems);
        problems.extend(
            self.twice.iter().map(|name| format!("`{name}` is given twice: give each type once")),
        );
        if self.page_size == 0 {
            problems.push("`page_size` is 0: a page must hold at least one item".to_owned());
        }
        if self.versions.is_empty() {
            problems.push("`versions` is empty: serve at least one".to_owned());
        }
        if let Some(unknown) = self.versions.iter().find(|version| !version.is_known()) {
            problems.push(format!("`{unknown}` is no protocol version that this library knows"));
        }
        self.layers.extend(self.extensions.iter_mut().flat_map(Extension::take_layers));
        let layers = around_server(&self.layers);
        let tasks = self.tasks.take().map(TaskRunner::new);
        if let Some(runner) = &tasks {
            self.states.insert(Arc::new(Desk(Arc::downgrade(runner))));
            self.extensions.push(Tasks::extension());
        }
        let provided = Arc::new(Provided { states: self.states.clone(), settings, layers });
        if let Some(entitlement) = &self.entitlement {
            if policy.is_none() {
                problems.push("`entitlement` is set, but no profile is offered".to_owned());
            }
            let mut description = Description::new(Names::ByArgument(Vec::new()));
            (entitlement.describe)(&mut description);
            let described = description.finish_without_questions();
            let missing = provided.missing(&described.needs);
            problems.extend(
                described
                    .problems
                    .into_iter()
                    .chain(missing)
                    .map(|problem| format!("`entitlement`: {problem}")),
            );
        }
        let keys = self.state_keys.map_or_else(StateKeys::random, Ok);
        let keys = keys.map_err(|error| {
            problems
                .push(format!("there are no random bytes for a key ({error}): give `state_keys`"));
        });
        let limiter = limiter(&self.profiles);
        let (extensions, declared) = Extensions::collect(
            std::mem::take(&mut self.extensions),
            &mut self.tools,
            &provided,
            policy.as_ref(),
            &mut problems,
        );
        let host = Host { provided: &provided, policy: policy.as_ref() };
        let (mut tools, mut prompts, mut resources) = (Vec::new(), Vec::new(), Vec::new());
        for profile in self.profiles {
            let Ok(url) = ProfileUrl::parse(&profile.url) else { continue };
            tools.push((url.clone(), profile.tools));
            prompts.push((url.clone(), profile.prompts));
            resources.push((url, profile.resources));
        }
        let mut catalogue = Catalogue::default();
        offer::collect(self.tools, tools, host, &mut catalogue, &mut problems);
        offer::collect(self.prompts, prompts, host, &mut catalogue, &mut problems);
        offer::collect(self.resources, resources, host, &mut catalogue, &mut problems);
        let mounted = self.mounts.iter().map(|mount| mount.server.clone()).collect();
        for mount in self.mounts {
            problems.extend(mount.into_catalogue(&provided, policy.as_ref(), &mut catalogue));
        }
        if !problems.is_empty() {
            return Err(Error::Misuse(format!(
                "the server cannot be built:\n- {}",
                problems.join("\n- ")
            )));
        }
        let Ok(keys) = keys else {
            return Err(Error::Misuse("the server has no keys".to_owned()));
        };
        let sealer = Sealer { keys, ttl: self.state_ttl, used: self.used_states };
        let mut config = ServerConfig::new(self.server_info);
        config.versions = self.versions;
        config.capabilities = capabilities(&catalogue, self.logging);
        declared.declare(&mut config);
        config.instructions = self.instructions;
        config.asks_entitlement = self.entitlement.is_some();
        config.profiles = policy;
        config.limits = self.limits;
        Ok(Server(Arc::new_cyclic(|me| Inner {
            config: Arc::new(config),
            catalogue: RwLock::new(Arc::new(catalogue)),
            extensions,
            tasks,
            me: me.clone(),
            provided,
            connections: Mutex::default(),
            mounted,
            list_cache: self.list_cache,
            limiter,
            sealer: Arc::new(sealer),
            entitlement: self.entitlement.map(|entitlement| entitlement.run),
            local_principal: self.local_principal,
            visible: self.visible,
            page_size: self.page_size,
            drain_timeout: self.drain_timeout,
            progress_interval: self.progress_interval,
        })))
    }

    /// Builds the server and serves this process's standard input and output.
    ///
    /// See [`Server::serve_stdio`].
    ///
    /// # Errors
    /// As [`build`](Self::build) and [`Server::serve_stdio`].
    pub async fn serve_stdio(self) -> Result<(), Error> {
        self.build()?.serve_stdio().await
    }

    /// Builds the server and serves clients on this machine over HTTP.
    ///
    /// See [`Server::serve_http`].
    ///
    /// # Errors
    /// As [`build`](Self::build) and [`Server::serve_http`].
    #[cfg(feature = "http")]
    pub async fn serve_http(self, address: impl tokio::net::ToSocketAddrs) -> Result<(), Error> {
        self.build()?.serve_http(address).await
    }

    fn policy(&self, problems: &mut Vec<String>) -> Option<ProfilePolicy> {
        if self.profiles.is_empty() {
            return None;
        }
        let mut entries = Vec::new();
        for profile in &self.profiles {
            match declared(profile) {
                Ok(entry) => entries.push(entry),
                Err(problem) => problems.push(format!("profile `{}`: {problem}", profile.url)),
            }
        }
        let declaration = match Declaration::new(entries) {
            Ok(declaration) if declaration.len() == self.profiles.len() => declaration,
            Ok(_) => return None,
            Err(problem) => {
                problems.push(problem.to_string());
                return None;
            }
        };
        let mut policy = ProfilePolicy::builder(declaration);
        for group in &self.exclusive {
            policy = policy.exclusive(group);
        }
        for profile in self.profiles.iter().filter(|profile| profile.compulsory) {
            policy = policy.compulsory(&profile.url);
        }
        for profile in &self.profiles {
            if let Some(required) = &profile.authentication {
                policy = policy.authentication(&profile.url, required.clone());
            }
        }
        policy.build().inspect_err(|problem| problems.push(problem.to_string())).ok()
    }

    /// The settings of every profile; two that can be in force together must not have the same.
    fn settings(&self, policy: Option<&ProfilePolicy>, problems: &mut Vec<String>) -> SettingsOf {
        let mut profiles = Vec::new();
        for (at, profile) in self.profiles.iter().enumerate() {
            problems.extend(profile.twice.iter().map(|name| {
                format!(
                    "profile `{}` has settings `{name}` twice: give each type once",
                    profile.url
                )
            }));
            for other in &self.profiles[..at] {
                let together = policy.is_some_and(|p| !p.excludes(&profile.url, &other.url));
                let both = profile.settings.types().filter(|(id, _)| other.settings.contains(*id));
                problems.extend(both.filter(|_| together).map(|(_, name)| {
                    format!(
                        "profiles `{}` and `{}` both have settings `{name}` and can be in force \
                         together: make them exclusive, or give the settings different types",
                        other.url, profile.url
                    )
                }));
            }
            if let Ok(url) = ProfileUrl::parse(&profile.url) {
                profiles.push((url, profile.settings.clone()));
            }
        }
        SettingsOf { profiles, default: self.default_settings.clone() }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("server_info", &self.server_info)
            .field("tools", &self.tools)
            .field("prompts", &self.prompts)
            .field("resources", &self.resources)
            .field("profiles", &self.profiles)
            .finish_non_exhaustive()
    }
}

impl Provided {
    /// What a handler needs and nothing provides, each with what to do.
    pub(crate) fn missing(&self, needs: &[Need]) -> Vec<String> {
        let problem = |need: &Need| match need {
            Need::State(id, name) if !self.states.contains(*id) => {
                Some(format!("it takes the state `{name}`: add `.state(…)` to the server"))
            }
            Need::Settings(id, name) => {
                let somewhere = self.settings.profiles.iter().any(|(_, set)| set.contains(*id));
                (!somewhere && !self.settings.default.contains(*id)).then(|| {
                    format!(
                        "it takes the settings `{name}`: add `.settings(…)` to a profile, or \
                         `.default_settings(…)` to the server"
                    )
                })
            }
            Need::Tasks if !self.states.contains(TypeId::of::<Desk>()) => {
                Some("it runs as a task: add `.tasks(…)` to the server".to_owned())
            }
            Need::State(..) | Need::Tasks => None,
        };
        needs.iter().filter_map(problem).collect()
    }
}

fn declared(profile: &Profile) -> Result<DeclaredProfile, String> {
    let url = ProfileUrl::parse(&profile.url).map_err(|problem| problem.to_string())?;
    let min = match &profile.min_mcp_version {
        None => MinMcpVersion::ANY,
        Some(date) => date
            .parse::<MinMcpVersion>()
            .map_err(|_| format!("`min_mcp_version` is `{date}`: write a date as YYYY-MM-DD"))?,
    };
    Ok(DeclaredProfile::new(url, min).with_default(profile.default))
}

fn limiter(profiles: &[Profile]) -> Limiter {
    Limiter::new(
        profiles
            .iter()
            .filter_map(|profile| Some((ProfileUrl::parse(&profile.url).ok()?, profile.limits))),
    )
}

/// What the server declares: what it has, and that clients are told when that changes.
fn capabilities(catalogue: &Catalogue, logging: bool) -> ServerCapabilities {
    let mut capabilities =
        ServerCapabilities::new().with_tools(ToolsCapability::new().with_list_changed(true));
    if !catalogue.resources.is_empty() || !catalogue.templates.is_empty() {
        let resources = ResourcesCapability::new().with_list_changed(true).with_subscribe(true);
        capabilities = capabilities.with_resources(resources);
    }
    if !catalogue.prompts.is_empty() {
        capabilities = capabilities.with_prompts(PromptsCapability::new().with_list_changed(true));
    }
    let completes = catalogue.prompts.iter().any(|prompt| !prompt.completers.is_empty())
        || catalogue.templates.iter().any(|template| !template.completers.is_empty());
    if completes {
        capabilities = capabilities.with_completions();
    }
    if logging { capabilities.with_logging() } else { capabilities }
}
