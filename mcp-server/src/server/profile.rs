//! A profile as a server offers it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mcp_core::profile::RequiredAuthentication;

use crate::call::States;
use crate::prompt::{IntoPrompt, Prompt};
use crate::resource::{IntoResource, Resource};
use crate::server::limits::CallLimits;
use crate::tool::{IntoTool, Tool};

/// A profile that a server offers: its settings, its limits and what it adds to the server.
///
/// Add it with [`Builder::profile`](crate::Builder::profile), or with
/// [`Builder::exclusive`](crate::Builder::exclusive) where only one of several can be in force.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use mcp_server::{Profile, Server};
///
/// struct MaxHeight(u32);
/// let premium = Profile::new("https://vidsrus/mcp-profiles/premium").settings(MaxHeight(1080));
/// let standard = Profile::new("https://vidsrus/mcp-profiles/standard")
///     .min_mcp_version("2025-08-13")
///     .settings(MaxHeight(480))
///     .call_time(Duration::from_secs(20))
///     .concurrent_calls(1)
///     .by_default();
/// let server = Server::builder("vidsrus", "1.0").exclusive([premium, standard]).build()?;
/// # Ok::<(), mcp_server::Error>(())
/// ```
#[must_use = "a profile does nothing until it is added to a server"]
pub struct Profile {
    pub(super) url: Cow<'static, str>,
    pub(super) min_mcp_version: Option<Cow<'static, str>>,
    pub(super) settings: States,
    pub(super) twice: Vec<&'static str>,
    pub(super) limits: CallLimits,
    pub(super) tools: Vec<Tool>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) resources: Vec<Resource>,
    pub(super) default: bool,
    pub(super) compulsory: bool,
    pub(super) authentication: Option<RequiredAuthentication>,
}

impl Profile {
    /// A profile with this URL, which is its only name.
    pub fn new(url: impl Into<Cow<'static, str>>) -> Self {
        Self {
            url: url.into(),
            min_mcp_version: None,
            settings: States::default(),
            twice: Vec::new(),
            limits: CallLimits::default(),
            tools: Vec::new(),
            prompts: Vec::new(),
            resources: Vec::new(),
            default: false,
            compulsory: false,
            authentication: None,
        }
    }

    /// The oldest protocol version with which the profile is available, as `YYYY-MM-DD`; any
    /// version unless set.
    ///
    /// A date that no released version reaches is valid: the profile is not available yet.
    pub fn min_mcp_version(mut self, date: impl Into<Cow<'static, str>>) -> Self {
        self.min_mcp_version = Some(date.into());
        self
    }

    /// What handlers get as [`Settings<T>`](crate::Settings) while the profile is in force.
    pub fn settings<T: Send + Sync + 'static>(mut self, settings: T) -> Self {
        if !self.settings.insert(Arc::new(settings)) {
            self.twice.push(std::any::type_name::<T>());
        }
        self
    }

    /// Longest time that a call may run. It ends with a tool error that names the limit.
    pub fn call_time(mut self, limit: Duration) -> Self {
        self.limits.call_time = Some(limit);
        self
    }

    /// Most calls of one caller at a time; one more is a tool error that names the limit.
    pub fn concurrent_calls(mut self, limit: usize) -> Self {
        self.limits.concurrent_calls = Some(limit);
        self
    }

    /// Longest arguments of a call, in bytes of JSON.
    pub fn bytes_in(mut self, limit: usize) -> Self {
        self.limits.bytes_in = Some(limit);
        self
    }

    /// Longest result of a call, in bytes of JSON.
    pub fn bytes_out(mut self, limit: usize) -> Self {
        self.limits.bytes_out = Some(limit);
        self
    }

    /// A tool that exists only where this profile, or another one that has it too, is in force.
    pub fn tool<T: IntoTool<M>, M>(mut self, tool: T) -> Self {
        self.tools.push(tool.into_tool());
        self
    }

    /// A prompt that exists only where this profile, or another one that has it too, is in force.
    pub fn prompt<T: IntoPrompt<M>, M>(mut self, prompt: T) -> Self {
        self.prompts.push(prompt.into_prompt());
        self
    }

    /// A resource or a resource template that exists only where this profile, or another one that
    /// has it too, is in force.
    pub fn resource<T: IntoResource<M>, M>(mut self, resource: T) -> Self {
        self.resources.push(resource.into_resource());
        self
    }

    /// How callers have to have been authenticated to get this profile; a second demand replaces
    /// the first.
    ///
    /// It is checked for every request, before anything of it runs: who was authenticated otherwise,
    /// or not at all, is told `notPermitted`. The facts are those of
    /// [`Principal::authentication`](mcp_core::Principal::authentication), which
    /// `AuthorizationLayer` (feature `auth`) records for tokens that it has checked. Over stdio
    /// nobody has any, so that such a profile is not to be had there.
    ///
    /// # Examples
    /// ```
    /// use mcp_server::{Profile, RequiredAuthentication};
    ///
    /// let profile = Profile::new("https://wholesalechips.co/mcp-profiles/require-client-credentials")
    ///     .compulsory()
    ///     .authentication(
    ///         RequiredAuthentication::new()
    ///             .issuer("https://login.wholesalechips.co")
    ///             .certificate_bound(),
    ///     );
    /// # let _ = profile;
    /// ```
    pub fn authentication(mut self, required: RequiredAuthentication) -> Self {
        self.authentication = Some(required);
        self
    }

    /// In force for those who ask for no profile.
    pub fn by_default(mut self) -> Self {
        self.default = true;
        self
    }

    /// Without this profile the server serves nobody; clients have to ask for it.
    pub fn compulsory(mut self) -> Self {
        self.compulsory = true;
        self
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("url", &self.url)
            .field("settings", &self.settings)
            .field("limits", &self.limits)
            .field("tools", &self.tools)
            .field("prompts", &self.prompts)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}
