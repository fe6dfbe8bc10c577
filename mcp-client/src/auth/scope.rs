//! Which scopes are asked for (MCP 2026-07-28, basic/authorization, "Scope Selection Strategy" and
//! "Step-Up Authorization Flow").

use std::collections::BTreeMap;
use std::time::Duration;

use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use mcp_auth::scope::Scopes;
use mcp_auth::server_metadata::AuthorizationServerMetadata;
use tokio::time::Instant;

/// What scopes are selected from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selection<'a> {
    /// The `scope` of the challenge, if it had one.
    pub(super) challenged: Option<&'a Scopes>,
    pub(super) protected: Option<&'a ProtectedResourceMetadata>,
    pub(super) server: &'a AuthorizationServerMetadata,
    /// What was asked for before: it is not given up.
    pub(super) before: &'a Scopes,
    /// What the configuration adds.
    pub(super) added: &'a Scopes,
    /// Whether a refresh token is wanted, too.
    pub(super) offline: bool,
}

impl Selection<'_> {
    /// The scopes to ask for.
    ///
    /// The challenge goes before what the server lists; without both, only what the configuration
    /// adds is asked for. What was asked for before stays. `offline_access` is asked for only where
    /// the authorization server lists it (2026-07-28, basic/authorization, "Refresh Tokens").
    pub(super) fn scopes(&self) -> Scopes {
        let listed = || self.protected.and_then(|protected| protected.scopes_supported.as_ref());
        let asked = match self.challenged {
            Some(challenged) => challenged.clone(),
            None if self.before.is_empty() => listed().cloned().unwrap_or_default(),
            None => Scopes::default(),
        };
        let scopes = asked.union(self.before).union(self.added);
        let knows_offline =
            self.server.scopes_supported.as_ref().is_some_and(|list| list.contains(OFFLINE_ACCESS));
        if self.offline && knows_offline {
            scopes.union(&Scopes::parse(OFFLINE_ACCESS))
        } else {
            scopes
        }
    }
}

/// Counts how often more scopes were asked for within an hour, so that it does not go on for ever.
///
/// What an operation needs is told by the scopes of the challenge: each of these sets has attempts of
/// its own.
#[derive(Debug, Default)]
pub(super) struct StepUps {
    attempts: BTreeMap<String, u32>,
    since: Option<Instant>,
}

impl StepUps {
    /// Counts one more attempt for these scopes; `false` if there have been enough.
    pub(super) fn may_try(&mut self, challenged: &Scopes, limit: u32, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) > HOUR {
            self.clear();
            self.since = Some(now);
        }
        let operation = challenged.to_string();
        if !self.attempts.contains_key(&operation) && self.attempts.len() >= MAX_OPERATIONS {
            return false;
        }
        let attempts = self.attempts.entry(operation).or_default();
        *attempts = attempts.saturating_add(1);
        *attempts <= limit
    }

    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.attempts.clear();
    }
}

/// The scope for refresh tokens (OpenID Connect Core, 11).
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

const HOUR: Duration = Duration::from_secs(60 * 60);

/// A server that invents scopes for ever is not followed.
const MAX_OPERATIONS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(
        challenged: Option<&str>,
        listed: Option<&str>,
        before: &str,
        known: &str,
    ) -> String {
        let mut protected =
            ProtectedResourceMetadata::new("https://mcp.example", "https://as.example");
        protected.scopes_supported = listed.map(Scopes::parse);
        let mut server = AuthorizationServerMetadata::new("https://as.example");
        server.scopes_supported = Some(Scopes::parse(known));
        Selection {
            challenged: challenged.map(Scopes::parse).as_ref(),
            protected: Some(&protected),
            server: &server,
            before: &Scopes::parse(before),
            added: &Scopes::default(),
            offline: true,
        }
        .scopes()
        .to_string()
    }

    #[test]
    fn challenge_goes_before_the_list_of_the_server() {
        assert_eq!(selected(Some("read"), Some("read write"), "", ""), "read");
        assert_eq!(selected(None, Some("read write"), "", ""), "read write");
        assert_eq!(selected(None, None, "", ""), "");
    }

    #[test]
    fn scopes_of_before_are_kept_when_more_are_needed() {
        assert_eq!(selected(Some("write"), Some("profile"), "read", ""), "read write");
        assert_eq!(selected(None, Some("profile"), "read", ""), "read");
    }

    #[test]
    fn offline_access_is_asked_for_only_where_it_is_known() {
        assert_eq!(selected(Some("read"), None, "", "read offline_access"), "offline_access read");
        assert_eq!(selected(Some("read"), None, "", "read"), "read");
    }

    #[test]
    fn steps_are_counted_for_each_set_of_scopes() {
        let mut steps = StepUps::default();
        let (write, admin) = (Scopes::parse("write"), Scopes::parse("admin"));
        let now = Instant::now();
        assert!(steps.may_try(&write, 2, now) && steps.may_try(&write, 2, now));
        assert!(!steps.may_try(&write, 2, now) && steps.may_try(&admin, 2, now));
        for invented in 0..100 {
            steps.may_try(&Scopes::parse(&format!("s{invented}")), 2, now);
        }
        assert!(!steps.may_try(&Scopes::parse("one-more"), 2, now));
        assert!(steps.may_try(&write, 2, now + 2 * HOUR), "it was long ago");
    }
}
