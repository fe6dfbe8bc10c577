//! The certificates that a client shows to servers (RFC 8705), and how they are replaced in time.
//!
//! Owns reading them and noticing new ones. It does not know who asks for a certificate, nor what a
//! token is bound to.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use zeroize::{Zeroize, Zeroizing};

use super::AuthError;

/// Where the certificate comes from that a client shows to servers.
///
/// Certificates that live for hours only are replaced while connections are open:
/// [`Http::client_certificate`](crate::Http::client_certificate) and [`CertificateResolver`] ask
/// again for each request and each connection. [`PemFiles`] reads files, an
/// [`Arc<ClientCertificate>`](ClientCertificate) stays as it is.
pub trait ClientCertificateSource: fmt::Debug + Send + Sync + 'static {
    /// The certificate to show now.
    ///
    /// It is called before every request, so it gives what it has, and the same [`Arc`] for as long
    /// as nothing has changed.
    ///
    /// # Errors
    ///
    /// There is none: nothing is sent then.
    fn current(&self) -> Result<Arc<ClientCertificate>, AuthError>;
}

/// A certificate with those between it and its authority, and its key.
///
/// The key shows in no output.
pub struct ClientCertificate {
    certified: Arc<CertifiedKey>,
    thumbprint: Box<str>,
}

impl ClientCertificate {
    /// Reads the certificate, then those between it and its authority, and its key, both in PEM
    /// form.
    ///
    /// What was read of the key is overwritten, except for what the library for TLS keeps.
    ///
    /// # Errors
    ///
    /// [`AuthError::Source`] when one of them cannot be read, or when they do not belong together.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, AuthError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_ref()).collect();
        let chain = chain.map_err(|error| failed(format!("the chain is no PEM: {error}")))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_ref())
            .map_err(|_| failed("there is no key in PEM form"))?;
        Self::from_der(chain, key)
    }

    /// The same from what is encoded as DER already; the key is overwritten.
    ///
    /// The types are those of a crate below 1.0: a new minor version of it is a breaking change of
    /// this method alone.
    ///
    /// # Errors
    ///
    /// As with [`from_pem`](Self::from_pem).
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        mut key: PrivateKeyDer<'static>,
    ) -> Result<Self, AuthError> {
        let read = any_supported_type(&key);
        key.zeroize();
        let key = read.map_err(|_| failed("the key is of no kind that is known here"))?;
        Self::new(CertifiedKey::new(chain, key))
    }

    /// A certificate whose key may stay where it is, such as in a hardware module.
    ///
    /// The type is that of a crate below 1.0: a new minor version of it is a breaking change of this
    /// method alone.
    ///
    /// # Errors
    ///
    /// [`AuthError::Source`] when there is no certificate, or when it is that of another key.
    pub fn new(certified: CertifiedKey) -> Result<Self, AuthError> {
        match certified.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(failed("the key is not that of the certificate"));
            }
            Err(error) => return Err(failed(error)),
        }
        let own = certified.end_entity_cert().map_err(|_| failed("there is no certificate"))?;
        let thumbprint = mcp_auth::thumbprint::certificate(own).into();
        Ok(Self { certified: Arc::new(certified), thumbprint })
    }

    /// The SHA-256 thumbprint of the certificate, as in `x5t#S256` (RFC 8705, 3.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// The certificate itself in DER, without those between it and its authority.
    pub(crate) fn der(&self) -> &[u8] {
        self.certified.cert.first().map_or(&[], |own| own)
    }

    /// Shows this certificate to whoever asks for one.
    pub(crate) fn resolver(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.certified)))
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("thumbprint", &self.thumbprint)
            .finish_non_exhaustive()
    }
}

/// A certificate that stays as it is.
impl ClientCertificateSource for Arc<ClientCertificate> {
    fn current(&self) -> Result<Arc<ClientCertificate>, AuthError> {
        Ok(Self::clone(self))
    }
}

/// The same source in several places.
impl<S: ClientCertificateSource + ?Sized> ClientCertificateSource for Arc<S> {
    fn current(&self) -> Result<Arc<ClientCertificate>, AuthError> {
        (**self).current()
    }
}

/// A certificate and its key in files, which somebody replaces when their time comes.
///
/// They are looked at every two seconds at most, when they are needed, and read again when they have
/// changed. While they do not fit together, because one of them is new and the other is not yet, the
/// certificate that was read last stays.
///
/// # Examples
///
/// ```no_run
/// use mcp_client::Http;
/// use mcp_client::auth::PemFiles;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = PemFiles::new("/run/certificates/tls.crt", "/run/certificates/tls.key")?;
/// let server = Http::new("https://saasrus.example/mcp")?.client_certificate(files);
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PemFiles {
    chain: PathBuf,
    key: PathBuf,
    every: Duration,
    read: Mutex<Read>,
}

/// What was read of files.
#[derive(Debug)]
struct Read {
    certificate: Arc<ClientCertificate>,
    /// As what the files showed themselves then.
    stamps: [Stamp; 2],
    looked: Instant,
}

/// What changes when a file is replaced.
type Stamp = (Option<SystemTime>, u64);

impl PemFiles {
    /// Reads the certificate, with those between it and its authority, and its key.
    ///
    /// # Errors
    ///
    /// As with [`ClientCertificate::from_pem`], or when a file cannot be read.
    pub fn new(chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Result<Self, AuthError> {
        let (chain, key) = (chain.into(), key.into());
        let stamps = [stamp(&chain)?, stamp(&key)?];
        let certificate = Arc::new(read(&chain, &key)?);
        let read = Mutex::new(Read { certificate, stamps, looked: Instant::now() });
        Ok(Self { chain, key, every: EVERY, read })
    }

    /// Looks at the files at most so often.
    #[must_use]
    pub fn look_every(self, pause: Duration) -> Self {
        Self { every: pause, ..self }
    }

    fn look(&self, known: &mut Read) -> Result<(), AuthError> {
        let stamps = [stamp(&self.chain)?, stamp(&self.key)?];
        if stamps != known.stamps {
            known.certificate = Arc::new(read(&self.chain, &self.key)?);
            known.stamps = stamps;
            let thumbprint = known.certificate.thumbprint();
            tracing::info!(target: "mcp::auth", thumbprint, "a new client certificate was read");
        }
        Ok(())
    }
}

impl ClientCertificateSource for PemFiles {
    fn current(&self) -> Result<Arc<ClientCertificate>, AuthError> {
        let mut known = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if known.looked.elapsed() >= self.every {
            known.looked = Instant::now();
            if let Err(error) = self.look(&mut known) {
                tracing::warn!(target: "mcp::auth", %error, "the client certificate stays as it was");
            }
        }
        Ok(Arc::clone(&known.certificate))
    }
}

/// Shows servers that ask for a certificate what a source has.
///
/// It is for TLS that is set up by hand. Connections that are open already stay as they are, and so
/// do sessions that are resumed: whoever needs the new certificate at once opens new ones.
#[derive(Debug, Clone)]
pub struct CertificateResolver(Arc<dyn ClientCertificateSource>);

impl CertificateResolver {
    /// Shows the certificate of this source.
    pub fn new(source: impl ClientCertificateSource) -> Self {
        Self(Arc::new(source))
    }
}

impl From<Arc<dyn ClientCertificateSource>> for CertificateResolver {
    fn from(source: Arc<dyn ClientCertificateSource>) -> Self {
        Self(source)
    }
}

impl ResolvesClientCert for CertificateResolver {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        match self.0.current() {
            Ok(current) => {
                let certified = Arc::clone(&current.certified);
                certified.key.choose_scheme(schemes).is_some().then_some(certified)
            }
            Err(error) => {
                tracing::warn!(target: "mcp::auth", %error, "no client certificate is shown");
                None
            }
        }
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn stamp(path: &Path) -> Result<Stamp, AuthError> {
    let found = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    Ok((found.modified().ok(), found.len()))
}

fn read(chain: &Path, key: &Path) -> Result<ClientCertificate, AuthError> {
    let read = |path: &Path| fs::read(path).map_err(|error| unreadable(path, &error));
    ClientCertificate::from_pem(read(chain)?, Zeroizing::new(read(key)?))
}

fn unreadable(path: &Path, error: &io::Error) -> AuthError {
    failed(format!("{} cannot be read: {error}", path.display()))
}

fn failed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> AuthError {
    AuthError::source("the client certificate", why)
}

/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(2);
