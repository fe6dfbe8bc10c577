//! The profiles that an item requires.

use std::borrow::Cow;

use mcp_core::profile::ProfileUrl;

/// Profiles that all have to be in force, as they were written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requires(Vec<Cow<'static, str>>);

impl Requires {
    /// Adds a profile.
    pub(crate) fn push(&mut self, profile: Cow<'static, str>) {
        self.0.push(profile);
    }

    /// The profiles, each once; what is none becomes a problem.
    pub(crate) fn read(&self, problems: &mut Vec<String>) -> Vec<ProfileUrl> {
        let mut urls = Vec::new();
        for text in &self.0 {
            match ProfileUrl::parse(text) {
                Ok(url) if urls.contains(&url) => {}
                Ok(url) => urls.push(url),
                Err(error) => problems.push(format!("requires the profile `{text}`: {error}")),
            }
        }
        urls
    }
}
