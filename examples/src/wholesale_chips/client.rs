//! The client of Wholesale Chips: a robot that insists on the profile, and on how it signs in.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mcp_auth::client_authentication::ClientAuthentication;
use mcp_auth::fetch::{FetchError, Fetcher};
use mcp_auth::secret::ExposeSecret as _;
use mcp_client::auth::{
    AuthError, Authorization, CertificateResolver, ClientCertificate, ClientCertificateSource,
    ProfileCredentials,
};
use mcp_client::{Client, EraChoice, Http};
use thiserror::Error;

use super::authority::{Authority, Certificate};
use crate::saasrus::tenants::wholesale_chips::{REQUIRE_CLIENT_CREDENTIALS, TRUST_DOMAIN};

/// A robot: who it is, whom it trusts, and which authorization server it gets tokens from.
#[derive(Debug, Clone)]
pub struct Robot {
    /// Its name at the authorization server.
    pub client_id: &'static str,
    /// The certificate that it shows, if it has one.
    pub badge: Option<Badge>,
    /// The only authorization server that it asks.
    pub issuer: String,
    /// Who vouches for servers, in PEM form.
    pub trusted: String,
    /// The trust domain that its own certificate has to be of, if it looks at that.
    pub trust_domain: Option<&'static str>,
}

impl Robot {
    /// A robot of Wholesale Chips.
    pub fn new(client_id: &'static str, badge: Badge, issuer: &str, trusted: &Authority) -> Self {
        let (issuer, trusted) = (issuer.to_owned(), trusted.pem());
        let (badge, trust_domain) = (Some(badge), Some(TRUST_DOMAIN));
        Self { client_id, badge, issuer, trusted, trust_domain }
    }

    /// Connects to a server, requiring the profile.
    ///
    /// # Errors
    ///
    /// There is no connection, and why.
    pub async fn connect(&self, url: &str, era: EraChoice) -> Result<Client, RobotError> {
        let server = Http::new(url)?.no_proxy().root_certificate_pem(&self.trusted);
        let client = Client::builder(self.client_id, env!("CARGO_PKG_VERSION"))
            .era(era)
            .require_with(REQUIRE_CLIENT_CREDENTIALS, self.credentials()?);
        Ok(client.connect(server).await?)
    }

    /// What the profile demands of the client's side: this grant, this authorization server and this
    /// certificate, and nothing else.
    fn credentials(&self) -> Result<ProfileCredentials, FetchError> {
        let mut credentials = ProfileCredentials::new(self.authorization()?).issuer(&*self.issuer);
        if let Some(badge) = &self.badge {
            credentials = credentials.client_certificate(badge.clone());
            if let Some(name) = self.trust_domain {
                credentials = credentials.trust_domain(name);
            }
        }
        Ok(credentials)
    }

    /// Tokens by client credentials, with the certificate of the connection as the only credential.
    fn authorization(&self) -> Result<Authorization, FetchError> {
        Ok(Authorization::client_credentials(self.client_id, ClientAuthentication::Tls)
            .issuer(&*self.issuer)
            .fetcher(self.fetcher()?))
    }

    /// What it talks to the authorization server with.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up.
    pub fn fetcher(&self) -> Result<Fetcher, FetchError> {
        // The authorization server of this example is on this machine.
        let fetcher = Fetcher::builder().root_certificate_pem(&self.trusted).allow_loopback();
        match &self.badge {
            None => fetcher.build(),
            Some(badge) => {
                let shown = CertificateResolver::new(badge.clone());
                fetcher.client_cert_resolver(Arc::new(shown)).build()
            }
        }
    }
}

/// A certificate that is replaced in time; cloning gives another handle to it.
///
/// In a deployment `Spiffe` takes its place, which is given new ones by the Workload API.
#[derive(Clone)]
pub struct Badge(Arc<Mutex<Arc<ClientCertificate>>>);

impl Badge {
    /// Shows this one first.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn new(certificate: &Certificate) -> Result<Self, AuthError> {
        Ok(Self(Arc::new(Mutex::new(Arc::new(read(certificate)?)))))
    }

    /// Shows this one from now on.
    ///
    /// # Errors
    ///
    /// It cannot be read; the one before stays.
    pub fn replace(&self, certificate: &Certificate) -> Result<(), AuthError> {
        *self.lock() = Arc::new(read(certificate)?);
        Ok(())
    }

    /// The thumbprint of the one that is shown now.
    pub fn thumbprint(&self) -> String {
        self.lock().thumbprint().to_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<ClientCertificate>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientCertificateSource for Badge {
    fn current(&self) -> Result<Arc<ClientCertificate>, AuthError> {
        Ok(Arc::clone(&self.lock()))
    }
}

impl fmt::Debug for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Badge").field(&self.thumbprint()).finish()
    }
}

/// There is no connection.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RobotError {
    /// The client says why.
    #[error(transparent)]
    Client(#[from] mcp_client::Error),
    /// TLS cannot be set up.
    #[error(transparent)]
    Fetcher(#[from] FetchError),
}

fn read(certificate: &Certificate) -> Result<ClientCertificate, AuthError> {
    ClientCertificate::from_pem(&certificate.chain_pem, certificate.key_pem.expose_secret())
}
