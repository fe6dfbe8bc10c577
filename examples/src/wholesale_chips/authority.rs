//! Certificate authorities that are made on the spot, and what they vouch for.
//!
//! Clients have X.509-SVIDs (SPIFFE, X509-SVID): certificates whose only name is the URI of a
//! workload in a trust domain, and that live for minutes. Servers have ordinary ones for the names
//! of hosts. All of it lies in memory and is gone with the process.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mcp_auth::secret::SecretString;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use thiserror::Error;

/// What signs certificates; with a trust domain, X.509-SVIDs of its workloads.
pub struct Authority {
    name: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// The authority of a trust domain.
    ///
    /// # Errors
    ///
    /// The domain cannot be written into a certificate.
    pub fn of_trust_domain(domain: &str) -> Result<Self, AuthorityError> {
        Self::make(&format!("workloads of {domain}"), Some(&format!("spiffe://{domain}")))
    }

    /// An authority for the names of servers.
    ///
    /// # Errors
    ///
    /// As with [`of_trust_domain`](Self::of_trust_domain).
    pub fn of_servers() -> Result<Self, AuthorityError> {
        Self::make("servers", None)
    }

    fn make(name: &str, uri: Option<&str>) -> Result<Self, AuthorityError> {
        // Two authorities of the same domain are told apart by their names.
        let name = format!("{name}, {:08x}", getrandom::u32().unwrap_or_default());
        let mut params = params(&name, Life::minutes(60))?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        if let Some(uri) = uri {
            params.subject_alt_names.push(SanType::URI(Ia5String::try_from(uri)?));
        }
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        Ok(Self { name, issuer })
    }

    /// Its own certificate, for those who trust it.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The same as DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    /// An X.509-SVID. An honest authority signs only for its own trust domain; nothing here keeps it
    /// from signing for another, so that others have to look.
    ///
    /// # Errors
    ///
    /// The ID cannot be written into a certificate.
    pub fn svid(&self, spiffe_id: &str, life: Life) -> Result<Certificate, AuthorityError> {
        let mut params = params("workload", life)?;
        params.subject_alt_names.push(SanType::URI(Ia5String::try_from(spiffe_id)?));
        self.sign(spiffe_id, params)
    }

    /// The certificate of a server with these names.
    ///
    /// # Errors
    ///
    /// One of them cannot be written into a certificate.
    pub fn server(&self, names: &[&str]) -> Result<Certificate, AuthorityError> {
        let mut params = params("server", Life::minutes(60))?;
        for name in names {
            params.subject_alt_names.push(SanType::DnsName(Ia5String::try_from(*name)?));
        }
        self.sign(names.first().copied().unwrap_or_default(), params)
    }

    fn sign(
        &self,
        name: &str,
        mut params: CertificateParams,
    ) -> Result<Certificate, AuthorityError> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Certificate {
            name: name.to_owned(),
            chain_pem: certificate.pem(),
            key_pem: key.serialize_pem().into(),
        })
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A certificate and its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The SPIFFE ID, or the first name of the server.
    pub name: String,
    /// The certificate in PEM form; its authority's own is not part of it.
    pub chain_pem: String,
    /// The key in PEM form.
    pub key_pem: SecretString,
}

/// From when until when a certificate is valid.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    begins: SystemTime,
    ends: SystemTime,
}

impl Life {
    /// From now on, and a minute before for clocks that are late.
    pub fn minutes(minutes: u64) -> Self {
        let now = SystemTime::now();
        Self {
            begins: now - MINUTE,
            ends: now + MINUTE * u32::try_from(minutes).unwrap_or(u32::MAX),
        }
    }

    /// It was valid for an hour, until a minute ago.
    pub fn over() -> Self {
        let ends = SystemTime::now() - MINUTE;
        Self { begins: ends - 60 * MINUTE, ends }
    }
}

/// A certificate cannot be made.
#[derive(Debug, Error)]
#[error("a certificate cannot be made: {0}")]
pub struct AuthorityError(#[from] rcgen::Error);

fn params(name: &str, life: Life) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "Wholesale Chips example");
    let beginning = date_time_ymd(1970, 1, 1);
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    params.not_before = beginning + since(life.begins);
    params.not_after = beginning + since(life.ends);
    Ok(params)
}

const MINUTE: Duration = Duration::from_secs(60);
