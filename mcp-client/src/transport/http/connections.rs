//! The connections to a server, and the client certificate that they are made with.
//!
//! A certificate that was replaced must not speak on connections that were made with the one
//! before: each has a pool of its own, and that of the one before is let go.

use std::fmt;

use reqwest::Client;
#[cfg(feature = "auth")]
use {
    super::options::Options,
    crate::auth::{AccessToken, ClientCertificate, ClientCertificateSource},
    mcp_core::Error,
    reqwest::Url,
    std::sync::{Arc, Mutex, PoisonError},
};

use super::error::HttpError;

/// Where connections to a server come from.
#[derive(Clone)]
pub(super) enum Connections {
    /// One pool.
    Fixed(Client),
    /// One pool for each certificate.
    #[cfg(feature = "auth")]
    Renewed(Arc<Renewed>),
}

/// One pool of connections.
pub(super) struct Connection {
    client: Client,
    #[cfg(feature = "auth")]
    certificate: Option<Arc<ClientCertificate>>,
}

#[cfg(feature = "auth")]
pub(super) struct Renewed {
    source: Arc<dyn ClientCertificateSource>,
    /// How the next pool is made.
    options: Options,
    url: Url,
    current: Mutex<(Arc<ClientCertificate>, Client)>,
}

impl Connections {
    /// The connections for a request that is made now.
    ///
    /// # Errors
    ///
    /// There is no certificate to show, or TLS cannot be set up with it.
    pub(super) fn current(&self) -> Result<Connection, HttpError> {
        match self {
            Self::Fixed(client) => Ok(Connection {
                client: client.clone(),
                #[cfg(feature = "auth")]
                certificate: None,
            }),
            #[cfg(feature = "auth")]
            Self::Renewed(renewed) => renewed.current(),
        }
    }
}

#[cfg(feature = "auth")]
impl Renewed {
    pub(super) fn new(
        source: Arc<dyn ClientCertificateSource>,
        options: Options,
        url: Url,
    ) -> Result<Self, Error> {
        let certificate = source.current().map_err(HttpError::from)?;
        let client = options.client_with(&url, Some(&certificate))?;
        let current = Mutex::new((certificate, client));
        Ok(Self { source, options, url, current })
    }

    fn current(&self) -> Result<Connection, HttpError> {
        let certificate = self.source.current()?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0.thumbprint() != certificate.thumbprint() {
            let client = self.options.client_with(&self.url, Some(&certificate));
            let client = client.map_err(|error| HttpError::Unreachable(error.to_string()))?;
            *current = (certificate, client);
        }
        let (certificate, client) = &*current;
        Ok(Connection { client: client.clone(), certificate: Some(Arc::clone(certificate)) })
    }
}

impl Connection {
    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

#[cfg(feature = "auth")]
impl Connection {
    /// The thumbprint of the certificate that is shown, as far as that is known.
    pub(super) fn thumbprint(&self) -> Option<&str> {
        self.certificate.as_ref().map(|certificate| certificate.thumbprint())
    }

    /// Whether a token is bound to no certificate, or to the one that is shown.
    pub(super) fn may_carry(&self, token: &AccessToken) -> bool {
        match (self.thumbprint(), &token.certificate) {
            (Some(shown), Some(bound)) => shown == &**bound,
            _ => true,
        }
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}
