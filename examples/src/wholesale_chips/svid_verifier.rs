//! Which client certificates a listener accepts: X.509-SVIDs, each by the authority of its own trust
//! domain.
//!
//! With one list of authorities for everybody, the authority of one customer could name the
//! workloads of another. So the trust domain is read first, and only its own authority counts
//! (SPIFFE X509-SVID, 5.2 "Leaf validation" with the bundle of the trust domain).

use std::collections::HashMap;
use std::sync::Arc;

use mcp_server::auth::ClientCertificate;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};
use thiserror::Error as ThisError;

use super::authority::Authority;

/// Accepts the X.509-SVIDs of some trust domains, and connections without a certificate: whether one
/// is needed depends on what is asked for.
#[derive(Debug)]
pub struct SvidVerifier {
    bundles: HashMap<String, Arc<dyn ClientCertVerifier>>,
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Why a certificate is not accepted, besides what X.509 says.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum SvidError {
    /// It is no X.509-SVID.
    #[error("the certificate is no X.509-SVID: it has not exactly one URI, a SPIFFE ID")]
    NoSvid,
    /// Nobody said that workloads of this trust domain may come.
    #[error("the trust domain `{0}` is not known here")]
    TrustDomain(String),
}

impl SvidVerifier {
    /// Accepts the workloads of these trust domains.
    ///
    /// # Errors
    ///
    /// The certificate of an authority cannot be used.
    pub fn new<'a>(
        bundles: impl IntoIterator<Item = (&'a str, &'a Authority)>,
    ) -> Result<Self, VerifierBuilderError> {
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let mut verifiers = HashMap::new();
        let mut hints = Vec::new();
        for (domain, authority) in bundles {
            let mut roots = RootCertStore::empty();
            // One that cannot be read is missing below, which is an error there.
            let _ = roots.add(authority.der().clone());
            let provider = Arc::clone(&provider);
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
            hints.extend_from_slice(verifier.root_hint_subjects());
            verifiers.insert(domain.to_owned(), verifier);
        }
        Ok(Self { bundles: verifiers, hints, algorithms })
    }
}

impl ClientCertVerifier for SvidVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let shown = ClientCertificate::from_der(end_entity.as_ref())
            .map_err(|_| CertificateError::BadEncoding)?;
        let domain = shown.trust_domain().ok_or_else(|| refused(SvidError::NoSvid))?;
        let bundle = self.bundles.get(domain);
        let bundle = bundle.ok_or_else(|| refused(SvidError::TrustDomain(domain.to_owned())))?;
        bundle.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn refused(why: SvidError) -> CertificateError {
    CertificateError::Other(OtherError(Arc::new(why)))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use rustls::pki_types::pem::PemObject as _;

    use super::super::authority::Life;
    use super::*;

    static CHIPS: LazyLock<Authority> =
        LazyLock::new(|| Authority::of_trust_domain("chips.example").unwrap());
    static ACME: LazyLock<Authority> =
        LazyLock::new(|| Authority::of_trust_domain("acme.example").unwrap());

    /// What becomes of a certificate where two trust domains are known.
    fn shown(authority: &Authority, spiffe_id: &str, life: Life) -> Result<(), Error> {
        let verifier = SvidVerifier::new([("chips.example", &*CHIPS), ("acme.example", &*ACME)]);
        let certificate = authority.svid(spiffe_id, life).unwrap();
        let certificate = CertificateDer::from_pem_slice(certificate.chain_pem.as_bytes()).unwrap();
        verifier.unwrap().verify_client_cert(&certificate, &[], UnixTime::now()).map(drop)
    }

    fn why(refused: Result<(), Error>) -> CertificateError {
        match refused {
            Err(Error::InvalidCertificate(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn workloads_are_known_by_the_authority_of_their_own_trust_domain_alone() {
        let robot = "spiffe://chips.example/robot";
        assert_eq!(shown(&CHIPS, robot, Life::minutes(5)), Ok(()));
        assert_eq!(shown(&ACME, "spiffe://acme.example/robot", Life::minutes(5)), Ok(()));
        assert_eq!(why(shown(&ACME, robot, Life::minutes(5))), CertificateError::UnknownIssuer);
        let unknown = why(shown(&CHIPS, "spiffe://unknown.example/robot", Life::minutes(5)));
        assert!(format!("{unknown:?}").contains("unknown.example"), "{unknown:?}");
    }

    #[test]
    fn certificates_that_are_over_or_no_svids_are_refused() {
        let over = why(shown(&CHIPS, "spiffe://chips.example/robot", Life::over()));
        assert!(matches!(over, CertificateError::ExpiredContext { .. }), "{over:?}");
        let no_svid = why(shown(&CHIPS, "https://chips.example/robot", Life::minutes(5)));
        assert!(format!("{no_svid:?}").contains("NoSvid"), "{no_svid:?}");
    }
}
