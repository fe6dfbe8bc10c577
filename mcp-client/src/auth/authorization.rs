//! What a caller says about authorization, and the source of tokens that comes of it.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mcp_auth::client_authentication::{AssertionSource, ClientAuthentication};
use mcp_auth::dpop::{Nonces, ProofKey};
use mcp_auth::fetch::{FetchError, Fetcher};
use mcp_auth::scope::Scopes;
use mcp_auth::secret::SecretString;
use reqwest::Url;

use super::client_credentials::ClientCredentials;
use super::engine::Places;
use super::enterprise_managed::{EnterpriseManaged, IdentityProvider};
use super::grant::Grant;
use super::jwt_bearer::JwtBearer;
use super::registration::{ClientMetadata, Credential, Identity};
use super::store::{CredentialStore, InMemory};
use super::token::{AccessToken, TokenRequest, TokenSource};
use super::user_agent::UserAgent;
use super::{AuthError, Browser, CertificateResolver, ClientCertificateSource};
use crate::transport::http::is_loopback;

/// Gets the tokens that MCP servers ask for, as the specification says.
///
/// It acts when a server does not let a request in: it finds the authorization server, makes the
/// client known there, gets a token with the scopes that are needed, and keeps it fresh. Requests that
/// wait for the same token share one attempt. Give it to `Http::authorization`; clones share what they
/// have, until one of them is changed.
///
/// What is refused stays refused: neither another grant nor another authorization server is tried,
/// and the same error is given for a minute. A person who declined is not asked again before
/// [`forget_denials`](Self::forget_denials).
///
/// # Examples
///
/// A program that a person uses:
///
/// ```
/// use mcp_client::auth::{Authorization, ClientMetadata};
///
/// let authorization = Authorization::in_browser()
///     .client_metadata_url("https://vidsrus.example/client.json".parse()?)
///     .client_metadata(ClientMetadata::new("VidsRUS player"));
/// # let _ = authorization;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Authorization {
    settings: Arc<Settings>,
    places: Arc<Places>,
}

/// What a caller decided.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) way: Way,
    pub(super) issuer: Option<Box<str>>,
    pub(super) scopes: Scopes,
    pub(super) identity: Identity,
    pub(super) store: Arc<dyn CredentialStore>,
    pub(super) proof_key: Option<Arc<ProofKey>>,
    pub(super) nonces: Arc<Nonces>,
    pub(super) offline_access: bool,
    pub(super) step_up_limit: u32,
    pub(super) in_advance: bool,
    fetcher: Option<Fetcher>,
    root_certificates: Vec<Vec<u8>>,
    certificates: Option<Arc<CertificateResolver>>,
    private_networks: bool,
}

/// How tokens are got.
#[derive(Clone)]
pub(super) enum Way {
    /// A person gives consent.
    Person(Arc<dyn UserAgent>),
    /// Nobody is asked.
    Grant(Arc<dyn Grant>),
}

impl Authorization {
    /// Asks the person at this machine for consent, in their browser.
    ///
    /// [`with_user_agent`](Self::with_user_agent) takes a [`Browser`] with settings of its own.
    pub fn in_browser() -> Self {
        Self::with_user_agent(Browser::new())
    }

    /// Asks a person for consent, by these means (the grant `authorization_code`).
    pub fn with_user_agent(agent: impl UserAgent) -> Self {
        Self::new(Way::Person(Arc::new(agent)))
    }

    /// Gets tokens for the client itself (the grant `client_credentials`; MCP extension OAuth Client
    /// Credentials): with a secret, a key or a certificate.
    ///
    /// Name the authorization server with [`issuer`](Self::issuer). A certificate is that of
    /// [`client_certificate`](Self::client_certificate).
    ///
    /// # Examples
    ///
    /// ```
    /// use mcp_client::auth::{Authorization, ClientAuthentication};
    ///
    /// # let secret = "from the environment";
    /// let authorization =
    ///     Authorization::client_credentials("billing", ClientAuthentication::SecretBasic(secret.into()))
    ///         .issuer("https://login.wholesalechips.example")
    ///         .scopes(["orders:write"]);
    /// # let _ = authorization;
    /// ```
    pub fn client_credentials(
        client_id: impl Into<Box<str>>,
        authentication: ClientAuthentication,
    ) -> Self {
        Self::with_grant(ClientCredentials)
            .client_id(client_id)
            .client_authentication(authentication)
    }

    /// Gets tokens for what somebody else says of this program (the grant of RFC 7523): workload
    /// identity federation.
    ///
    /// The client says who it is, and shows nothing, unless
    /// [`client_authentication`](Self::client_authentication) is set.
    pub fn jwt_bearer(client_id: impl Into<Box<str>>, source: impl AssertionSource) -> Self {
        Self::with_grant(JwtBearer::new(Arc::new(source))).client_id(client_id)
    }

    /// Gets tokens by decision of an enterprise: its identity provider grants access to MCP servers
    /// (MCP extension Enterprise-Managed Authorization).
    ///
    /// `client_id` is the identifier at the authorization server of the MCP server; the client has
    /// another one at the identity provider.
    pub fn enterprise_managed(client_id: impl Into<Box<str>>, provider: IdentityProvider) -> Self {
        Self::with_grant(EnterpriseManaged::new(provider)).client_id(client_id)
    }

    /// Gets tokens without a person.
    fn with_grant(grant: impl Grant) -> Self {
        Self::new(Way::Grant(Arc::new(grant))).without_dynamic_registration().offline_access(false)
    }

    fn new(way: Way) -> Self {
        let identity = Identity {
            client_id: None,
            metadata_url: None,
            credential: Credential::As(ClientAuthentication::None),
            metadata: Some(ClientMetadata::new("MCP client")),
        };
        let settings = Settings {
            way,
            issuer: None,
            scopes: Scopes::default(),
            identity,
            store: Arc::new(InMemory::default()),
            proof_key: None,
            nonces: Arc::default(),
            offline_access: true,
            step_up_limit: STEP_UP_LIMIT,
            in_advance: false,
            fetcher: None,
            root_certificates: Vec::new(),
            certificates: None,
            private_networks: false,
        };
        Self { settings: Arc::new(settings), places: Arc::default() }
    }

    /// Gets tokens from this authorization server and no other: its issuer identifier, letter by
    /// letter.
    ///
    /// A server that trusts only others is refused. Give it always when the client has a secret:
    /// else the secret goes to whichever authorization server the MCP server names first.
    pub fn issuer(self, issuer: impl Into<Box<str>>) -> Self {
        self.change(|settings| settings.issuer = Some(issuer.into()))
    }

    /// Asks for these scopes, in addition to those that the server wants.
    pub fn scopes<S: AsRef<str>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.change(|settings| settings.scopes = scopes.into_iter().collect())
    }

    /// The client was registered beforehand, under this identifier.
    ///
    /// It is used with a single authorization server: that of [`issuer`](Self::issuer), or the first
    /// one that is met.
    pub fn client_id(self, id: impl Into<Box<str>>) -> Self {
        self.change(|settings| settings.identity.client_id = Some(id.into()))
    }

    /// The client of [`client_id`](Self::client_id) authenticates with this secret, in the way that
    /// the authorization server takes.
    pub fn client_secret(self, secret: impl Into<SecretString>) -> Self {
        let secret = secret.into();
        self.change(|settings| settings.identity.credential = Credential::Secret(secret))
    }

    /// The client of [`client_id`](Self::client_id) or
    /// [`client_metadata_url`](Self::client_metadata_url) authenticates in this way.
    pub fn client_authentication(self, authentication: ClientAuthentication) -> Self {
        self.change(|settings| settings.identity.credential = Credential::As(authentication))
    }

    /// The client is known by the address of its metadata, to authorization servers that read it
    /// there (Client ID Metadata Documents).
    ///
    /// It must be `https` with a path, and the document must name the address and the redirect
    /// addresses of the [`Browser`].
    pub fn client_metadata_url(self, url: Url) -> Self {
        self.change(|settings| settings.identity.metadata_url = Some(url))
    }

    /// What authorization servers are told when the client registers with them (RFC 7591).
    pub fn client_metadata(self, metadata: ClientMetadata) -> Self {
        self.change(|settings| settings.identity.metadata = Some(metadata))
    }

    /// Does not register with authorization servers that do not know the client.
    pub fn without_dynamic_registration(self) -> Self {
        self.change(|settings| settings.identity.metadata = None)
    }

    /// Keeps registrations and tokens here; they are forgotten with the process unless this is set.
    pub fn store(self, store: impl CredentialStore) -> Self {
        self.change(|settings| settings.store = Arc::new(store))
    }

    /// Has tokens bound to this key, so that nobody else can use them (DPoP, RFC 9449).
    ///
    /// Tokens that are not bound although they should be are refused. Tokens of a store are used
    /// again only with the key that they are bound to.
    pub fn dpop(self, key: ProofKey) -> Self {
        self.change(|settings| settings.proof_key = Some(Arc::new(key)))
    }

    /// Whether to ask for refresh tokens where the authorization server lists `offline_access`; it
    /// does unless this says otherwise.
    pub fn offline_access(self, wanted: bool) -> Self {
        self.change(|settings| settings.offline_access = wanted)
    }

    /// How often more scopes are asked for because the same ones are missing; twice unless set.
    pub fn step_up_limit(self, limit: u32) -> Self {
        self.change(|settings| settings.step_up_limit = limit)
    }

    /// Gets a token before the first request, and not when the server asks for one.
    ///
    /// Nothing then reaches the server without a token: use it where the server must know from the
    /// start who calls.
    pub fn in_advance(self) -> Self {
        self.change(|settings| settings.in_advance = true)
    }

    /// Reads metadata and gets tokens with this fetcher, which then decides alone what may be
    /// fetched, whom to trust and which certificate to show.
    pub fn fetcher(self, fetcher: Fetcher) -> Self {
        self.change(|settings| settings.fetcher = Some(fetcher))
    }

    /// Trusts these authorities, too: one or more certificates in PEM form.
    pub fn root_certificate_pem(self, certificates: impl Into<Vec<u8>>) -> Self {
        self.change(|settings| settings.root_certificates.push(certificates.into()))
    }

    /// Shows the certificates of this source to authorization servers that ask for one (mutual
    /// TLS).
    ///
    /// Give the same source to [`Http::client_certificate`](crate::Http::client_certificate): then a
    /// new certificate leads to a new token, where tokens are bound to certificates (RFC 8705).
    pub fn client_certificate(self, source: impl ClientCertificateSource) -> Self {
        let resolver = Arc::new(CertificateResolver::new(source));
        self.change(|settings| settings.certificates = Some(resolver))
    }

    /// Lets metadata and authorization servers be in private networks, too.
    ///
    /// Only public addresses are connected to otherwise; and those of this machine, if the MCP
    /// endpoint is there as well.
    pub fn allow_private_networks(self) -> Self {
        self.change(|settings| settings.private_networks = true)
    }

    /// The grant by which tokens are got, as in `grant_types_supported` of authorization servers.
    #[must_use]
    pub fn grant_type(&self) -> &'static str {
        match &self.settings.way {
            Way::Person(_) => "authorization_code",
            Way::Grant(grant) => grant.name(),
        }
    }

    /// The only authorization server that tokens come from, if [`issuer`](Self::issuer) says so.
    #[must_use]
    pub fn configured_issuer(&self) -> Option<&str> {
        self.settings.issuer.as_deref()
    }

    /// Tries again what was denied: the next request that needs a token begins anew.
    pub fn forget_denials(&self) {
        self.places.forget_denials();
    }

    /// Forgets the tokens that are in use, in the store as well; authorization servers are not told.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    ///
    /// # Cancel safety
    ///
    /// What is in memory is forgotten at once; the store may keep what was not yet removed.
    pub async fn sign_out(&self) -> Result<(), AuthError> {
        self.places.sign_out(&*self.settings.store).await
    }

    /// A changed one begins anew: it shares no tokens with those that were cloned before.
    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self.places = Arc::default();
        self
    }
}

impl TokenSource for Authorization {
    fn token<'a>(
        &'a self,
        request: TokenRequest<'a>,
    ) -> BoxFuture<'a, Result<Option<Arc<AccessToken>>, AuthError>> {
        async move { self.places.at(request.resource).token(&self.settings, request).await }.boxed()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("grant_type", &self.grant_type())
            .field("issuer", &self.settings.issuer)
            .field("scopes", &self.settings.scopes.to_string())
            .field("client_id", &self.settings.identity.client_id)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// What metadata of an endpoint is read with.
    pub(super) fn fetcher(&self, endpoint: &Url) -> Result<Fetcher, FetchError> {
        if let Some(fetcher) = &self.fetcher {
            return Ok(fetcher.clone());
        }
        let mut builder = Fetcher::builder();
        for certificates in &self.root_certificates {
            builder = builder.root_certificate_pem(certificates);
        }
        if let Some(certificates) = &self.certificates {
            builder = builder.client_cert_resolver(Arc::clone(certificates) as _);
        }
        if is_loopback(endpoint) {
            builder = builder.allow_loopback();
        }
        if self.private_networks {
            builder = builder.allow_private_networks();
        }
        builder.build()
    }
}

/// With the first token, three in all: a few, as the specification wants it.
const STEP_UP_LIMIT: u32 = 2;
