//! What the Workload API of SPIFFE gives to a workload: its certificate, its assertions, and whom to
//! trust.
//!
//! Owns asking for them and following their rotation. How a certificate is shown, and what an
//! assertion is exchanged for, is for others.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::spiffe::{SpiffeId, TrustDomain, WorkloadApiClient, X509Source, X509SourceBuilder, X509Svid};
use futures_util::future::BoxFuture;
use mcp_auth::client_authentication::{AssertionRequest, AssertionSource};
use mcp_auth::secret::SecretString;
use mcp_auth::{spiffe, tls};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::time::timeout;

use super::{AuthError, ClientCertificate, ClientCertificateSource};

/// The X.509-SVID of this workload, kept current by the Workload API.
///
/// Cloning gives another handle to the same one. The stream of the Workload API stays open in a task
/// of its own until the last handle is dropped.
///
/// # Examples
///
/// ```no_run
/// use mcp_client::Http;
/// use mcp_client::auth::X509Svids;
///
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// let svids = X509Svids::from_environment().await?;
/// let server = Http::new("https://saasrus.example/mcp")?
///     .client_certificate(svids.clone())
///     .server_spiffe_id(&svids, "spiffe://saasrus.example/mcp")?;
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct X509Svids(Arc<Svids>);

struct Svids {
    source: X509Source,
    /// What was made of the one that was given last.
    read: Mutex<Option<(Arc<X509Svid>, Arc<ClientCertificate>)>>,
}

impl X509Svids {
    /// Connects to the Workload API at the address in `SPIFFE_ENDPOINT_SOCKET`.
    ///
    /// # Errors
    ///
    /// [`AuthError::Source`] when the address is wrong, or when it has not given an X.509-SVID within
    /// thirty seconds.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, nothing is open.
    pub async fn from_environment() -> Result<Self, AuthError> {
        Self::build(X509Source::builder()).await
    }

    /// The same at this address, such as `unix:///run/spire/agent.sock`.
    ///
    /// # Errors
    ///
    /// As with [`from_environment`](Self::from_environment).
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, nothing is open.
    pub async fn from_endpoint(endpoint: impl AsRef<str>) -> Result<Self, AuthError> {
        Self::build(X509Source::builder().endpoint(endpoint)).await
    }

    async fn build(builder: X509SourceBuilder) -> Result<Self, AuthError> {
        let source = builder.initial_sync_timeout(FIRST).build().await.map_err(failed)?;
        Ok(Self(Arc::new(Svids { source, read: Mutex::default() })))
    }

    /// The SPIFFE ID of this workload now.
    ///
    /// # Errors
    ///
    /// [`AuthError::Source`] when it has no X.509-SVID any more, or when that has expired.
    pub fn spiffe_id(&self) -> Result<String, AuthError> {
        Ok(self.0.source.svid().map_err(failed)?.spiffe_id().to_string())
    }

    /// The authorities of a trust domain as they are now.
    ///
    /// # Errors
    ///
    /// [`AuthError::Source`] when this is none, or when this workload knows none of its authorities.
    pub fn authorities(
        &self,
        trust_domain: &str,
    ) -> Result<Vec<CertificateDer<'static>>, AuthError> {
        let name = TrustDomain::new(trust_domain).map_err(failed)?;
        let bundle = self.0.source.bundle_set().map_err(failed)?.get(&name);
        let bundle = bundle.ok_or_else(|| {
            failed(format!("it does not know the authorities of the trust domain {trust_domain:?}"))
        })?;
        let authorities = bundle.authorities().iter();
        Ok(authorities.map(|authority| authority.as_bytes().to_vec().into()).collect())
    }

    /// Trusts servers with this SPIFFE ID, or of this trust domain if there is no path in it.
    pub(crate) fn verifier(
        &self,
        expected: &str,
    ) -> Result<Arc<dyn ServerCertVerifier>, AuthError> {
        SpiffeId::new(expected).map_err(failed)?;
        let trust_domain = spiffe::trust_domain(expected).unwrap_or_default();
        Ok(Arc::new(Verifier {
            svids: self.clone(),
            trust_domain: trust_domain.into(),
            expected: expected.into(),
            provider: tls::crypto_provider(),
        }))
    }
}

impl ClientCertificateSource for X509Svids {
    fn current(&self) -> Result<Arc<ClientCertificate>, AuthError> {
        let svid = self.0.source.svid().map_err(failed)?;
        let mut read = self.0.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, certificate)) = &*read
            && Arc::ptr_eq(known, &svid)
        {
            return Ok(Arc::clone(certificate));
        }
        let chain = svid.cert_chain().iter();
        let chain = chain.map(|certificate| certificate.as_bytes().to_vec().into()).collect();
        let key = PrivatePkcs8KeyDer::from(svid.private_key().as_bytes().to_vec());
        let certificate = Arc::new(ClientCertificate::from_der(chain, PrivateKeyDer::from(key))?);
        *read = Some((svid, Arc::clone(&certificate)));
        Ok(certificate)
    }
}

impl fmt::Debug for X509Svids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("X509Svids")
            .field("spiffe_id", &self.spiffe_id().ok())
            .finish_non_exhaustive()
    }
}

/// Assertions about this workload by the Workload API: JWT-SVIDs.
///
/// They authenticate a client
/// ([`ClientAuthentication::PrivateKeyJwt`](mcp_auth::client_authentication::ClientAuthentication)),
/// or are exchanged for tokens (workload identity federation). Cloning gives another handle to the
/// same connection, which is made anew when it breaks.
#[derive(Debug, Clone)]
pub struct JwtSvids {
    client: WorkloadApiClient,
    kind: &'static str,
}

impl JwtSvids {
    /// Connects to the Workload API at the address in `SPIFFE_ENDPOINT_SOCKET`.
    ///
    /// # Errors
    ///
    /// [`AuthError::Source`] when the address is wrong or cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, nothing is open.
    pub async fn from_environment() -> Result<Self, AuthError> {
        Self::new(WorkloadApiClient::connect_env()).await
    }

    /// The same at this address, such as `unix:///run/spire/agent.sock`.
    ///
    /// # Errors
    ///
    /// As with [`from_environment`](Self::from_environment).
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped, nothing is open.
    pub async fn from_endpoint(endpoint: impl AsRef<str>) -> Result<Self, AuthError> {
        Self::new(WorkloadApiClient::connect_to(endpoint)).await
    }

    async fn new<E>(
        connecting: impl Future<Output = Result<WorkloadApiClient, E>>,
    ) -> Result<Self, AuthError>
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        match timeout(CALL, connecting).await {
            Ok(client) => Ok(Self { client: client.map_err(failed)?, kind: JWT_SPIFFE }),
            Err(_) => Err(failed("it does not answer")),
        }
    }

    /// Says that they are JWTs like any other when they authenticate a client, for authorization
    /// servers that know no `jwt-spiffe` (draft-ietf-oauth-spiffe-client-auth).
    #[must_use]
    pub fn as_jwt_bearer(self) -> Self {
        Self { kind: JWT_BEARER, ..self }
    }
}

impl AssertionSource for JwtSvids {
    fn assertion<'a>(
        &'a self,
        request: AssertionRequest<'a>,
    ) -> BoxFuture<'a, Result<SecretString, Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(async move {
            let fetching = self.client.fetch_jwt_token([request.audience], None);
            let token =
                timeout(CALL, fetching).await.map_err(|_| "the Workload API is silent")??;
            Ok(SecretString::from(token))
        })
    }

    fn assertion_type(&self) -> &str {
        self.kind
    }
}

/// Trusts servers for their SPIFFE ID, whatever their host is called (SPIFFE X509-SVID, 5).
#[derive(Debug)]
struct Verifier {
    svids: X509Svids,
    trust_domain: Box<str>,
    /// A SPIFFE ID, or one without a path for all of the trust domain.
    expected: Box<str>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn is_expected(&self, id: &str) -> bool {
        let has_path = self.expected.len() > SCHEME.len() + self.trust_domain.len();
        match has_path {
            true => *id == *self.expected,
            false => spiffe::trust_domain(id) == Some(&*self.trust_domain),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refused = |why: String| Err(rustls::Error::General(why));
        match spiffe::of_certificate(own) {
            Some(id) if self.is_expected(&id) => {}
            Some(id) => return refused(format!("the server is {id}, not {}", self.expected)),
            None => return refused("the certificate of the server is no X.509-SVID".to_owned()),
        }
        let mut roots = RootCertStore::empty();
        match self.svids.authorities(&self.trust_domain) {
            Ok(authorities) => drop(roots.add_parsable_certificates(authorities)),
            Err(error) => return refused(error.to_string()),
        }
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(own)?,
            &roots,
            between,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, own, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, own, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn failed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> AuthError {
    AuthError::source("the SPIFFE Workload API", why)
}

const SCHEME: &str = "spiffe://";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const JWT_SPIFFE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";
/// How long the first X.509-SVID may take.
const FIRST: Duration = Duration::from_secs(30);
/// How long a call may take.
const CALL: Duration = Duration::from_secs(10);
