//! Decides when a token is needed, and takes the steps to it in their order.
//!
//! A [`Place`] is what is known of one MCP endpoint. At most one attempt to get a token runs for it:
//! all requests that need one wait for the same future, and whoever of them is polled drives it. It
//! ends when nobody waits any more, and the next request begins another one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use mcp_auth::challenge::Challenge;
use mcp_auth::fetch::Fetcher;
use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use mcp_auth::scope::Scopes;
use mcp_auth::secret::{ExposeSecret, SecretString};
use mcp_auth::server_metadata::AuthorizationServerMetadata;
use reqwest::{StatusCode, Url};
use tokio::time::Instant;

use super::authorization::{Settings, Way};
use super::error::without;
use super::grant::{ClientInformation, Situation, Tokens};
use super::registration::{Identity, Registration};
use super::scope::{Selection, StepUps};
use super::store::{self, CredentialKey, CredentialStore, StoredTokens};
use super::token::{AccessToken, Presentation, Refusal, TokenRequest};
use super::{AuthError, authorization_code, refresh, resource_metadata, server_metadata};
use crate::text::one_line;

/// All endpoints that tokens were asked for.
#[derive(Default)]
pub(super) struct Places {
    of: Mutex<HashMap<Url, Arc<Place>>>,
    /// The authorization server that a client which was registered beforehand belongs to.
    bound: Arc<OnceLock<Box<str>>>,
}

impl Places {
    pub(super) fn at(&self, endpoint: &Url) -> Arc<Place> {
        let mut places = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(endpoint) {
            return Arc::clone(place);
        }
        let place = Arc::new(Place {
            endpoint: endpoint.clone(),
            bound: Arc::clone(&self.bound),
            fetcher: OnceLock::new(),
            inside: Mutex::default(),
        });
        places.insert(endpoint.clone(), Arc::clone(&place));
        place
    }

    pub(super) fn forget_denials(&self) {
        for place in self.all() {
            let mut inside = place.inside();
            inside.denied = None;
            inside.denied_scopes.clear();
            inside.steps.clear();
            inside.rejections = 0;
        }
    }

    pub(super) async fn sign_out(&self, store: &dyn CredentialStore) -> Result<(), AuthError> {
        let keys: Vec<_> = self
            .all()
            .into_iter()
            .filter_map(|place| place.inside().clear().map(|held| held.key))
            .collect();
        for key in &keys {
            store::remove(store, key).await?;
        }
        Ok(())
    }

    fn all(&self) -> Vec<Arc<Place>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// One MCP endpoint.
pub(super) struct Place {
    endpoint: Url,
    bound: Arc<OnceLock<Box<str>>>,
    fetcher: OnceLock<Fetcher>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    held: Option<Held>,
    known: Option<Arc<Known>>,
    /// The attempt that runs, if one does and somebody waits for it.
    attempt: Option<Attempt>,
    /// How often everything was forgotten: attempts of before give nothing any more.
    generation: u64,
    steps: StepUps,
    /// How many tokens in a row were refused as soon as they had been issued.
    rejections: u32,
    /// Why there is no token.
    denied: Option<Denial>,
    /// Why there is none with these scopes.
    denied_scopes: Vec<(Scopes, Denial)>,
}

/// What was decided, and is not asked for again.
struct Denial {
    error: AuthError,
    /// Until then; a person is not bothered before somebody says so.
    until: Option<Instant>,
}

/// Tokens that are in use.
#[derive(Clone)]
struct Held {
    token: Arc<AccessToken>,
    refresh: Option<SecretString>,
    /// What was asked for, with whatever was asked for before.
    asked: Scopes,
    key: CredentialKey,
    since: Instant,
    /// When it is to be replaced: a little before it expires.
    stale_at: Option<SystemTime>,
}

/// What discovery found.
struct Known {
    resource: Box<str>,
    protected: Option<ProtectedResourceMetadata>,
    server: AuthorizationServerMetadata,
}

type Outcome = Result<Option<Arc<AccessToken>>, AuthError>;

struct Attempt {
    quietly: bool,
    future: WeakShared<BoxFuture<'static, Outcome>>,
}

impl Place {
    /// A token for a request, which may take a person's time.
    pub(super) async fn token(
        self: &Arc<Self>,
        settings: &Arc<Settings>,
        request: TokenRequest<'_>,
    ) -> Outcome {
        loop {
            let (attempt, quietly) = {
                let mut inside = self.inside();
                if let Some(token) = inside.usable(&request) {
                    return Ok(Some(token));
                }
                if let Some(denial) = inside.denied.as_ref().filter(|denial| denial.holds()) {
                    return Err(denial.error.clone());
                }
                if request.refusal.is_none() && inside.held.is_none() && !settings.in_advance {
                    return Ok(None);
                }
                let generation = inside.generation;
                match inside.running() {
                    // A person may take longer than the request is worth.
                    Some((_, false)) if request.quietly && settings.asks_a_person() => {
                        return Ok(None);
                    }
                    Some(running) => running,
                    None => inside.begin(Work {
                        place: Arc::clone(self),
                        settings: Arc::clone(settings),
                        refusal: request.refusal.cloned(),
                        certificate: request.certificate.map(Into::into),
                        quietly: request.quietly,
                        generation,
                    }),
                }
            };
            let outcome = attempt.await;
            // It did less than this request wants.
            if quietly && !request.quietly && matches!(outcome, Ok(None)) {
                continue;
            }
            return outcome;
        }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fetcher(&self, settings: &Settings) -> Result<&Fetcher, AuthError> {
        if let Some(fetcher) = self.fetcher.get() {
            return Ok(fetcher);
        }
        let made = settings.fetcher(&self.endpoint);
        let made = made.map_err(|error| AuthError::fetch("metadata", error))?;
        Ok(self.fetcher.get_or_init(|| made))
    }
}

impl Settings {
    fn asks_a_person(&self) -> bool {
        matches!(self.way, Way::Person(_))
    }
}

impl Inside {
    /// The token that is held, if it is good for the request.
    fn usable(&self, request: &TokenRequest<'_>) -> Option<Arc<AccessToken>> {
        let held = self.held.as_ref().filter(|held| held.is_fresh())?;
        let refused = request.refusal.and_then(|refusal| refusal.token.as_ref());
        let was_refused = refused.is_some_and(|refused| Arc::ptr_eq(refused, &held.token));
        let bound = &held.token.certificate;
        let fits = bound.is_none() || bound.as_deref() == request.certificate;
        (!was_refused && fits).then(|| Arc::clone(&held.token))
    }

    fn running(&self) -> Option<(Shared<BoxFuture<'static, Outcome>>, bool)> {
        let attempt = self.attempt.as_ref()?;
        Some((attempt.future.upgrade()?, attempt.quietly))
    }

    /// Begins anew.
    fn clear(&mut self) -> Option<Held> {
        let before = std::mem::take(self);
        self.generation = before.generation + 1;
        before.held
    }

    fn begin(&mut self, work: Work) -> (Shared<BoxFuture<'static, Outcome>>, bool) {
        let quietly = work.quietly;
        let future = work.run().boxed().shared();
        self.attempt = future.downgrade().map(|future| Attempt { quietly, future });
        (future, quietly)
    }
}

impl Denial {
    fn new(error: &AuthError, settings: &Settings) -> Self {
        let until = (!settings.asks_a_person()).then(|| Instant::now() + DENIAL);
        Self { error: error.clone(), until }
    }

    fn holds(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() < until)
    }
}

impl Held {
    fn is_fresh(&self) -> bool {
        self.stale_at.is_none_or(|stale| SystemTime::now() < stale)
    }
}

/// One attempt to get a token.
struct Work {
    place: Arc<Place>,
    settings: Arc<Settings>,
    /// How the server refused the request that it is for.
    refusal: Option<Refusal>,
    certificate: Option<Box<str>>,
    quietly: bool,
    generation: u64,
}

/// What the server asks for.
#[derive(Default)]
struct Demand {
    metadata: Option<Url>,
    scopes: Option<Scopes>,
    /// The token is good, and more scopes are needed (RFC 6750, 3.1).
    step_up: bool,
    /// What it says to people.
    description: Option<String>,
}

impl Work {
    async fn run(self) -> Outcome {
        let outcome = self.steps().await;
        let mut inside = self.place.inside();
        if inside.generation != self.generation {
            return outcome;
        }
        inside.attempt = None;
        if let Err(error) = &outcome {
            tracing::info!(
                target: "mcp::auth",
                resource = %crate::transport::http::shown(&self.place.endpoint),
                %error,
                "there is no token"
            );
            // Where a request is forbidden, others may still be allowed.
            if is_final(error) && !self.is_forbidden() {
                inside.held = None;
                inside.denied = Some(Denial::new(error, &self.settings));
            }
        }
        outcome
    }

    async fn steps(&self) -> Outcome {
        let demand = self.demand()?;
        let before = self.place.inside().held.clone();
        self.count_rejection(before.as_ref(), &demand)?;
        let known = self.known(&demand).await?;
        let server = &known.server;
        if known.protected.as_ref().is_some_and(|own| own.dpop_bound_access_tokens_required)
            && self.settings.proof_key.is_none()
        {
            return Err(AuthError::Policy(
                "the server wants tokens that are bound to a key: set one with \
                 `Authorization::dpop`"
                    .to_owned(),
            ));
        }
        let before = before.filter(|held| held.token.issuer.as_deref() == Some(&server.issuer));

        let none = Scopes::default();
        let scopes = Selection {
            challenged: demand.scopes.as_ref(),
            protected: known.protected.as_ref(),
            server,
            before: before.as_ref().map_or(&none, |held| &held.asked),
            added: &self.settings.scopes,
            offline: self.settings.offline_access,
        }
        .scopes();
        if demand.step_up {
            self.count_step_up(&demand, &scopes)?;
        }

        let store = &*self.settings.store;
        let registration = self.settings.identity.known(server, store).await?;
        let fetcher = self.place.fetcher(&self.settings)?;
        let at = Steps { work: self, known: &known, scopes: &scopes, fetcher };
        let outcome = at.tokens(before, registration, &demand).await;
        if let Err(error) = &outcome
            && demand.step_up
            && is_final(error)
        {
            let denial = Denial::new(error, &self.settings);
            self.place.inside().denied_scopes.push((scopes, denial));
        }
        outcome
    }

    fn is_forbidden(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.status == StatusCode::FORBIDDEN)
    }

    /// What the refusal says.
    fn demand(&self) -> Result<Demand, AuthError> {
        let Some(refusal) = &self.refusal else { return Ok(Demand::default()) };
        let own = if self.settings.proof_key.is_some() { "DPoP" } else { "Bearer" };
        let is_ours = |challenge: &&Challenge| challenge.is("Bearer") || challenge.is("DPoP");
        let challenges = || refusal.challenges.iter().filter(is_ours);
        let challenge =
            challenges().find(|challenge| challenge.is(own)).or_else(|| challenges().next());
        let demand = challenge.map_or_else(Demand::default, |challenge| Demand {
            metadata: challenge.resource_metadata(),
            scopes: challenge.scope().filter(|scopes| !scopes.is_empty()),
            step_up: refusal.status == StatusCode::FORBIDDEN
                && challenge.error() == Some("insufficient_scope"),
            description: challenge.error_description().map(|text| {
                let token = refusal.token.as_ref().map(|token| token.value.expose_secret());
                one_line(&without(text, token), 200)
            }),
        });
        if self.is_forbidden() && !demand.step_up {
            return Err(demand.not_accepted("it forbids the request"));
        }
        if demand.step_up && demand.scopes.is_none() {
            return Err(demand.not_accepted("it wants more scopes and does not say which"));
        }
        Ok(demand)
    }

    /// The tokens of an attempt that somebody signed out of are not kept.
    fn still_wanted(&self) -> Result<(), AuthError> {
        if self.place.inside().generation == self.generation {
            return Ok(());
        }
        Err(AuthError::NoConsent("somebody signed out meanwhile".to_owned()))
    }

    /// Tokens that are refused as soon as they are issued are not replaced for ever.
    fn count_rejection(&self, held: Option<&Held>, demand: &Demand) -> Result<(), AuthError> {
        let refused = self.refusal.as_ref().and_then(|refusal| refusal.token.as_ref());
        let (Some(held), Some(refused), false) = (held, refused, demand.step_up) else {
            return Ok(());
        };
        if !Arc::ptr_eq(&held.token, refused) {
            return Ok(());
        }
        let mut inside = self.place.inside();
        let is_new = held.since.elapsed() < NEW;
        inside.rejections = if is_new { inside.rejections + 1 } else { 0 };
        if inside.rejections > MAX_REJECTIONS {
            return Err(demand.not_accepted("it refuses every token that it is given"));
        }
        Ok(())
    }

    /// More scopes are asked for a few times, and not again after they were denied.
    fn count_step_up(&self, demand: &Demand, scopes: &Scopes) -> Result<(), AuthError> {
        let mut inside = self.place.inside();
        inside.denied_scopes.retain(|(_, denial)| denial.holds());
        if let Some((_, denial)) = inside.denied_scopes.iter().find(|(denied, _)| denied == scopes)
        {
            return Err(denial.error.clone());
        }
        let challenged = demand.scopes.as_ref().unwrap_or(scopes);
        if inside.steps.may_try(challenged, self.settings.step_up_limit, Instant::now()) {
            return Ok(());
        }
        Err(demand.not_accepted(&format!("it goes on asking for the scopes {challenged}")))
    }

    /// The metadata of the server and of its authorization server.
    ///
    /// It is read anew whenever a token was not accepted: the authorization server may be another
    /// one by now.
    async fn known(&self, demand: &Demand) -> Result<Arc<Known>, AuthError> {
        let before = self.place.inside().known.clone();
        let is_enough = self.refusal.is_none() || demand.step_up;
        if let Some(known) = before.as_ref().filter(|_| is_enough) {
            return Ok(Arc::clone(known));
        }
        let (endpoint, settings) = (&self.place.endpoint, &*self.settings);
        let fetcher = self.place.fetcher(settings)?;
        let protected =
            resource_metadata::discover(fetcher, endpoint, demand.metadata.as_ref()).await?;
        let configured = settings.issuer.as_deref();
        let server = match (&protected, configured) {
            (Some(protected), _) => {
                let before = before.as_ref().map(|known| known.server.issuer.as_str());
                let issuer = server_metadata::choose(protected, configured, before)?;
                self.check_binding(issuer)?;
                server_metadata::discover(fetcher, issuer).await?
            }
            (None, Some(issuer)) => server_metadata::discover(fetcher, issuer).await?,
            (None, None) => {
                let server = server_metadata::discover_legacy(fetcher, endpoint).await?;
                self.check_binding(&server.issuer)?;
                server
            }
        };
        let resource = protected
            .as_ref()
            .map_or_else(|| canonical(endpoint), |protected| protected.resource.as_str().into());
        let known = Arc::new(Known { resource, protected, server });
        self.place.inside().known = Some(Arc::clone(&known));
        Ok(known)
    }

    /// A client that was registered with one authorization server is not shown to another
    /// (2026-07-28, basic/authorization/client-registration, "Authorization Server Binding").
    fn check_binding(&self, issuer: &str) -> Result<(), AuthError> {
        if self.settings.identity.client_id.is_none() || self.settings.issuer.is_some() {
            return Ok(());
        }
        let bound = self.place.bound.get_or_init(|| issuer.into());
        if **bound == *issuer {
            return Ok(());
        }
        Err(AuthError::Policy(format!(
            "the client is registered with {bound}, and the server wants tokens of {} now",
            one_line(issuer, 200)
        )))
    }
}

/// The steps once it is clear whom to ask for what.
struct Steps<'a> {
    work: &'a Work,
    known: &'a Known,
    scopes: &'a Scopes,
    fetcher: &'a Fetcher,
}

impl Steps<'_> {
    /// Tokens that are there, or for which nobody has to be asked; else new ones.
    async fn tokens(
        &self,
        before: Option<Held>,
        registration: Option<Registration>,
        demand: &Demand,
    ) -> Outcome {
        let settings = &*self.work.settings;
        if let Some(registration) = &registration
            && !demand.step_up
        {
            let kept = match before {
                Some(held) => Some(held).filter(|held| held.key == self.key(&registration.client)),
                None => self.stored(&registration.client).await?,
            };
            if let Some(kept) = kept
                && let Some(token) = self.kept(kept, registration).await?
            {
                return Ok(Some(token));
            }
        }
        let (tokens, client) = match &settings.way {
            Way::Grant(grant) => {
                let Some(registration) = registration else {
                    return Err(AuthError::Policy(format!(
                        "the grant {} needs a client that the authorization server knows: give its \
                         identifier with `Authorization::client_id`",
                        grant.name()
                    )));
                };
                let client = registration.client;
                (grant.obtain(self.situation(&client, self.scopes)).await?, client)
            }
            Way::Person(_) if self.work.quietly => return Ok(None),
            Way::Person(agent) => {
                authorization_code::endpoint(&self.known.server)?;
                let registered = registration.as_ref().map(|known| &*known.redirect_uris);
                let visit = agent.prepare(registered.unwrap_or_default()).await?;
                let registration = settings
                    .identity
                    .for_redirect(
                        registration,
                        visit.redirect_uri(),
                        &self.known.server,
                        self.fetcher,
                        &*settings.store,
                        settings.proof_key.is_some(),
                    )
                    .await?;
                let at = self.situation(&registration.client, self.scopes);
                let obtained = authorization_code::obtain(visit, at).await;
                self.forget_if_unknown(&registration, obtained.as_ref().err()).await?;
                (obtained?, registration.client)
            }
        };
        self.keep(tokens, &client, self.scopes.clone()).await.map(Some)
    }

    /// A token that is kept, refreshed if need be.
    async fn kept(
        &self,
        kept: Held,
        registration: &Registration,
    ) -> Result<Option<Arc<AccessToken>>, AuthError> {
        let refused = self.work.refusal.as_ref().and_then(|refusal| refusal.token.as_ref());
        let was_refused = refused.is_some_and(|refused| is_same(refused, &kept.token));
        let suffices = self.scopes.is_subset(&kept.asked);
        let bound = &kept.token.certificate;
        let fits = bound.is_none() || *bound == self.work.certificate;
        if !was_refused && suffices && fits && kept.is_fresh() {
            self.work.still_wanted()?;
            let token = Arc::clone(&kept.token);
            self.work.place.inside().held = Some(kept);
            return Ok(Some(token));
        }
        let rejected = self.work.place.inside().rejections > 1;
        let Some(old) = kept.refresh.filter(|_| suffices && !rejected) else { return Ok(None) };
        // Without scopes, they stay what they are: servers may have granted fewer than asked for.
        let none = Scopes::default();
        let at = self.situation(&registration.client, &none);
        let refreshed = refresh::refresh(at, &old).await;
        self.forget_if_unknown(registration, refreshed.as_ref().err()).await?;
        match refreshed? {
            Some(mut tokens) => {
                if tokens.access.scopes.is_empty() {
                    tokens.access.scopes = kept.token.scopes.clone();
                }
                self.keep(tokens, &registration.client, kept.asked).await.map(Some)
            }
            None => {
                if let Some(held) = &mut self.work.place.inside().held {
                    held.refresh = None;
                }
                store::remove(&*self.work.settings.store, &kept.key).await?;
                Ok(None)
            }
        }
    }

    /// Puts tokens where they are found again, before they are used.
    async fn keep(
        &self,
        tokens: Tokens,
        client: &ClientInformation,
        asked: Scopes,
    ) -> Result<Arc<AccessToken>, AuthError> {
        self.work.still_wanted()?;
        let Tokens { access, refresh } = tokens;
        let key = self.key(client);
        let settings = &*self.work.settings;
        if settings.asks_a_person() && access.certificate.is_none() {
            let stored = StoredTokens {
                access_token: access.value.clone(),
                refresh_token: refresh.clone(),
                asked: asked.to_string(),
                scope: access.scopes.to_string(),
                expires_at: access.expires_at.map(store::seconds),
                key_thumbprint: key_thumbprint(&access.presentation),
            };
            store::save(&*settings.store, &key, &stored).await?;
        }
        tracing::info!(
            target: "mcp::auth",
            resource = %self.known.resource,
            issuer = %self.known.server.issuer,
            client = %one_line(&client.id, 200),
            scopes = %access.scopes,
            "there is a new token"
        );
        let held = Held::new(access, refresh, asked, key);
        let token = Arc::clone(&held.token);
        let mut inside = self.work.place.inside();
        inside.held = Some(held);
        Ok(token)
    }

    /// Tokens of an earlier run of the program.
    async fn stored(&self, client: &ClientInformation) -> Result<Option<Held>, AuthError> {
        let settings = &*self.work.settings;
        if !settings.asks_a_person() {
            return Ok(None);
        }
        let key = self.key(client);
        let stored: Option<StoredTokens> = store::load(&*settings.store, &key).await?;
        let presentation = match &settings.proof_key {
            Some(proof_key) => Presentation::DPoP(Arc::clone(proof_key)),
            None => Presentation::Bearer,
        };
        let fits = |stored: &StoredTokens| stored.key_thumbprint == key_thumbprint(&presentation);
        Ok(stored.filter(fits).map(|stored| {
            let asked = Scopes::parse(&stored.asked);
            let access = AccessToken {
                presentation: presentation.clone(),
                expires_at: stored.expires_at(),
                scopes: Scopes::parse(&stored.scope),
                issuer: Some(self.known.server.issuer.as_str().into()),
                ..AccessToken::bearer(stored.access_token)
            };
            Held::new(access, stored.refresh_token, asked, key)
        }))
    }

    /// An authorization server that does not know the client any more gets to know it anew, next
    /// time. Those that find it out before they ask a person show them a page, and nobody answers.
    async fn forget_if_unknown(
        &self,
        registration: &Registration,
        error: Option<&AuthError>,
    ) -> Result<(), AuthError> {
        let is_unknown = match error {
            Some(AuthError::Refused { error, .. }) => error == "invalid_client",
            Some(AuthError::NoConsent(_)) => true,
            _ => false,
        };
        if registration.dynamic && is_unknown {
            Identity::forget(&self.known.server, &*self.work.settings.store).await?;
        }
        Ok(())
    }

    fn situation<'b>(&'b self, client: &'b ClientInformation, scopes: &'b Scopes) -> Situation<'b> {
        let settings = &*self.work.settings;
        Situation {
            resource: &self.known.resource,
            scopes,
            server: &self.known.server,
            protected: self.known.protected.as_ref(),
            client,
            fetcher: self.fetcher,
            proof_key: settings.proof_key.as_ref(),
            nonces: &settings.nonces,
            certificate: self.work.certificate.as_deref(),
        }
    }

    fn key(&self, client: &ClientInformation) -> CredentialKey {
        CredentialKey::Tokens {
            issuer: self.known.server.issuer.as_str().into(),
            resource: self.known.resource.clone(),
            client_id: client.id.clone(),
        }
    }
}

impl Held {
    fn new(
        access: AccessToken,
        refresh: Option<SecretString>,
        asked: Scopes,
        key: CredentialKey,
    ) -> Self {
        let stale_at = access.expires_at.map(|expiry| {
            let lifetime = expiry.duration_since(SystemTime::now()).unwrap_or_default();
            expiry.checked_sub(MARGIN.min(lifetime / 4)).unwrap_or(expiry)
        });
        Self { token: Arc::new(access), refresh, asked, key, since: Instant::now(), stale_at }
    }
}

impl Demand {
    fn not_accepted(&self, why: &str) -> AuthError {
        AuthError::NotAccepted(match &self.description {
            Some(description) => format!("{why} ({description})"),
            None => why.to_owned(),
        })
    }
}

/// The identifier of a server that says nothing of itself (2025-06-18, basic/authorization,
/// "Canonical Server URI").
fn canonical(endpoint: &Url) -> Box<str> {
    let mut url = endpoint.clone();
    url.set_fragment(None);
    let text = url.as_str();
    if url.path() == "/" && url.query().is_none() { text.trim_end_matches('/') } else { text }
        .into()
}

fn is_same(one: &AccessToken, other: &AccessToken) -> bool {
    one.value.expose_secret() == other.value.expose_secret()
}

fn key_thumbprint(presentation: &Presentation) -> Option<String> {
    match presentation {
        Presentation::Bearer => None,
        Presentation::DPoP(key) => Some(key.thumbprint().to_owned()),
    }
}

/// Whether trying again would only repeat what was decided.
fn is_final(error: &AuthError) -> bool {
    match error {
        AuthError::Refused { error, .. } => {
            !matches!(&**error, "server_error" | "temporarily_unavailable" | "slow_down")
        }
        AuthError::Untrusted(_)
        | AuthError::NotAccepted(_)
        | AuthError::Policy(_)
        | AuthError::NoConsent(_) => true,
        AuthError::Fetch { .. } | AuthError::Metadata(_) | AuthError::Source { .. } => false,
    }
}

/// A token is replaced this long before it expires, or in the last quarter of a short life.
const MARGIN: Duration = Duration::from_secs(30);
/// How long programs are denied tokens before they may ask again: what was decided may have been
/// changed.
const DENIAL: Duration = Duration::from_secs(60);
/// A token that is refused within this time was never accepted.
const NEW: Duration = Duration::from_secs(10);
/// One may be the last of an authorization server that was just replaced.
const MAX_REJECTIONS: u32 = 2;
