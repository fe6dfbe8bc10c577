//! SPIFFE IDs, the names of workloads in certificates (SPIFFE X509-SVID).

use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// The SPIFFE ID of a certificate in DER, if that is an X.509-SVID: it has one URI among its
/// alternative names, that is a SPIFFE ID, and it is not the certificate of an authority (SPIFFE
/// X509-SVID, 2 and 4.1).
///
/// Whether an authority of the trust domain has signed it is not looked at.
#[must_use]
pub fn of_certificate(der: &[u8]) -> Option<Box<str>> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    if certificate.is_ca() {
        return None;
    }
    let names = certificate.subject_alternative_name().ok()??;
    let mut uris = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    let id = uris.next().filter(|id| is_spiffe_id(id))?;
    uris.next().is_none().then(|| id.into())
}

/// The trust domain of a SPIFFE ID: the part after `spiffe://`.
#[must_use]
pub fn trust_domain(id: &str) -> Option<&str> {
    id.strip_prefix("spiffe://")?.split('/').next()
}

/// Whether a certificate in DER can be read at all.
#[must_use]
pub fn is_certificate(der: &[u8]) -> bool {
    matches!(X509Certificate::from_der(der), Ok(([], _)))
}

/// SPIFFE-ID, 2: a trust domain and path segments, each of few characters.
fn is_spiffe_id(id: &str) -> bool {
    let Some(rest) = id.strip_prefix("spiffe://").filter(|_| id.len() <= 2048) else {
        return false;
    };
    let mut parts = rest.split('/');
    let is_trust_domain = parts.next().is_some_and(|domain| {
        (1..=255).contains(&domain.len())
            && domain.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)
            })
    });
    is_trust_domain
        && parts.all(|segment| {
            !matches!(segment, "" | "." | "..")
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_spiffe_ids_are_spiffe_ids() {
        for id in ["spiffe://chips.example", "spiffe://a-b_c.1/ns/Default/sa/x.y"] {
            assert!(is_spiffe_id(id), "{id}");
        }
        let long = format!("spiffe://a/{}", "b".repeat(2048));
        for id in [
            "",
            "https://a/b",
            "spiffe://",
            "spiffe:///a",
            "spiffe://A/b",
            "spiffe://a/",
            "spiffe://a//b",
            "spiffe://a/../b",
            "spiffe://a/b?c",
            "spiffe://a:1/b",
            "spiffe://u@a/b",
            "SPIFFE://a/b",
            &long,
        ] {
            assert!(!is_spiffe_id(id), "{id:.40}");
        }
    }
}
