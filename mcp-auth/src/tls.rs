//! Setting up TLS for connections to servers.
//!
//! Owns whom a client trusts and which certificate it shows. It knows nothing of HTTP.

use std::sync::Arc;

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

/// Reads one or more certificates in PEM form.
///
/// # Errors
///
/// There is none, or one cannot be read. The error does not show what was given.
pub fn certificates_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(TlsError("there is no certificate in PEM form".into())),
    }
}

/// A configuration that trusts what the system trusts, and these authorities, too.
///
/// The source of certificates is asked at every handshake, and sessions are not resumed then: so a
/// certificate that was replaced is not shown again. Where the system trusts nobody at all, these
/// authorities are the only ones.
///
/// # Errors
///
/// One of the authorities is no certificate, or the system's own cannot be used.
pub fn client_config(
    roots: &[CertificateDer<'static>],
    certificate: Option<Arc<dyn ResolvesClientCert>>,
) -> Result<ClientConfig, TlsError> {
    let provider = crypto_provider();
    let wrong = |error: rustls::Error| TlsError(error.to_string().into());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(wrong)?;
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone()).map_err(wrong)?;
    }
    let builder = match Verifier::new_with_extra_roots(roots.iter().cloned(), provider) {
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
        // A system without any authority can still use those that it is given.
        Err(_) => builder.with_root_certificates(store),
    };
    Ok(match certificate {
        Some(source) => {
            let mut config = builder.with_client_cert_resolver(source);
            config.resumption = Resumption::disabled();
            config
        }
        None => builder.with_no_client_auth(),
    })
}

/// The process's provider of cryptography: the one that was installed, or else ring.
///
/// Whoever wants another one installs it before the first connection.
pub fn crypto_provider() -> Arc<CryptoProvider> {
    if CryptoProvider::get_default().is_none() {
        // Fails only if somebody else has just installed one, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let own = || Arc::new(rustls::crypto::ring::default_provider());
    CryptoProvider::get_default().cloned().unwrap_or_else(own)
}

/// TLS cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsError(Box<str>);
