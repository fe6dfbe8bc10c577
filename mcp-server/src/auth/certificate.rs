//! The certificate that a caller made its connection with.

use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcp_auth::spiffe;
use sha2::{Digest as _, Sha256};

/// The certificate that a caller made its connection with, as an extension of a request.
///
/// Whoever ends the TLS connection checks the chain and that the caller has the key, and only then
/// puts this into the extensions; nobody checks it again. A proxy that is trusted can do it in their
/// place. Cloning is cheap.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Shown>);

struct Shown {
    der: Box<[u8]>,
    thumbprint: Box<str>,
    spiffe_id: OnceLock<Option<Box<str>>>,
}

impl ClientCertificate {
    /// The certificate of the caller itself, in DER: the first of its chain.
    ///
    /// # Errors
    ///
    /// It is not one X.509 certificate.
    pub fn from_der(der: impl Into<Box<[u8]>>) -> Result<Self, NotACertificate> {
        let der = der.into();
        if !spiffe::is_certificate(&der) {
            return Err(NotACertificate(()));
        }
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&der)).into_boxed_str();
        Ok(Self(Arc::new(Shown { der, thumbprint, spiffe_id: OnceLock::new() })))
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// Its SHA-256 thumbprint, as in `x5t#S256` (RFC 8705, 3.1).
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// Its SPIFFE ID, if it is an X.509-SVID: the one URI among its alternative names, and no
    /// certificate of an authority (SPIFFE X509-SVID, 2 and 4.1).
    #[must_use]
    pub fn spiffe_id(&self) -> Option<&str> {
        self.0.spiffe_id.get_or_init(|| spiffe::of_certificate(&self.0.der)).as_deref()
    }

    /// The trust domain of its SPIFFE ID.
    #[must_use]
    pub fn trust_domain(&self) -> Option<&str> {
        spiffe::trust_domain(self.spiffe_id()?)
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("thumbprint", &self.thumbprint())
            .field("spiffe_id", &self.spiffe_id())
            .finish_non_exhaustive()
    }
}

/// What was given is not one X.509 certificate in DER.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an X.509 certificate in DER: give the caller's own certificate, the first of its chain"
)]
pub struct NotACertificate(());
