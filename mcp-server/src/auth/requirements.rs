//! What is demanded of a token and its bearer, whoever issued it and however it is checked.

use std::time::UNIX_EPOCH;

use mcp_auth::dpop::CheckedProof;
use mcp_auth::resource_metadata::ProtectedResourceMetadata;
use mcp_core::Principal;
use mcp_core::authentication::{Authentication, Binding};

use super::claims::{Claims, Confirmation, same};
use super::proofs::ProofRules;
use super::{Admitted, ClientCertificate, Denial, Denied, Presented, Scheme};

/// What is demanded of a token and its bearer, whichever issuer it comes from.
///
/// A token must be for this resource, must expire, and must say whom it speaks for. What it is bound
/// to the caller must hold: always, not only where that is required here. A binding that is not
/// understood cannot be shown, so that its token is refused.
///
/// The [id](Principal::id) of the caller is unique among all issuers: that of the issuer, `#` and the
/// subject (`https://id.example#ada`), or where a token has none, `?client_id=` and the client.
///
/// # Examples
///
/// ```
/// use mcp_server::auth::Requirements;
///
/// let requirements = Requirements::audience("https://mcp.example/mcp")
///     .certificate_bound()
///     .trust_domain("wholesalechips.example")
///     .claim("tenant_id");
/// # drop(requirements);
/// ```
#[derive(Debug, Clone)]
pub struct Requirements {
    audiences: Vec<Box<str>>,
    certificate_binding: bool,
    trust_domains: Vec<Box<str>>,
    dpop: DPoP,
    proofs: ProofRules,
    facts: Vec<Box<str>>,
}

/// Whether proofs are asked for. Those of bound tokens are always checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DPoP {
    Unmentioned,
    Offered,
    Required,
}

impl Requirements {
    /// Tokens for this resource: the canonical URI of the MCP server (RFC 8707, 2), as the token has it
    /// in `aud`.
    ///
    /// Where it has no path, the form with a final slash is the same resource.
    pub fn audience(resource: impl Into<Box<str>>) -> Self {
        let none = Self {
            audiences: Vec::new(),
            certificate_binding: false,
            trust_domains: Vec::new(),
            dpop: DPoP::Unmentioned,
            proofs: ProofRules::default(),
            facts: Vec::new(),
        };
        none.or_audience(resource)
    }

    /// Also tokens for this one: another name of the same resource.
    #[must_use]
    pub fn or_audience(mut self, resource: impl Into<Box<str>>) -> Self {
        let resource = resource.into();
        let root = resource.strip_suffix('/').unwrap_or(&resource);
        let is_root =
            root.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?', '#']));
        if is_root {
            self.audiences.extend([root.into(), format!("{root}/").into_boxed_str()]);
        } else {
            self.audiences.push(resource);
        }
        self
    }

    /// Demands tokens that are bound to a client certificate (RFC 8705, 3).
    #[must_use]
    pub fn certificate_bound(self) -> Self {
        Self { certificate_binding: true, ..self }
    }

    /// Demands a client certificate that is an X.509-SVID of this trust domain, or of another one
    /// that is named in this way.
    ///
    /// Whether the certificate is genuine was decided when the connection was made: the authorities
    /// of each trust domain must be the only ones that can sign for it.
    #[must_use]
    pub fn trust_domain(mut self, trust_domain: impl Into<Box<str>>) -> Self {
        self.trust_domains.push(trust_domain.into());
        self
    }

    /// Offers in challenges that tokens may be bound to keys (RFC 9449), and says how the proofs of
    /// such tokens are checked.
    ///
    /// They are checked anyway, as [`ProofRules::default`] has it.
    #[must_use]
    pub fn dpop(self, rules: ProofRules) -> Self {
        Self { dpop: self.dpop.max(DPoP::Offered), proofs: rules, ..self }
    }

    /// Demands tokens that are bound to keys (RFC 9449).
    #[must_use]
    pub fn dpop_bound(self) -> Self {
        Self { dpop: DPoP::Required, ..self }
    }

    /// Keeps a claim of the token (text, a number or a truth value) as an
    /// [attribute](Principal::attribute) of the caller, under the same name.
    #[must_use]
    pub fn claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.facts.push(name.into());
        self
    }

    pub(super) fn audiences(&self) -> &[Box<str>] {
        &self.audiences
    }

    /// Says what is demanded, where clients look for it (RFC 9728, 2).
    pub(super) fn describe(&self, metadata: &mut ProtectedResourceMetadata) {
        metadata.tls_client_certificate_bound_access_tokens |= self.certificate_binding;
        metadata.dpop_bound_access_tokens_required |= self.dpop == DPoP::Required;
        if self.dpop != DPoP::Unmentioned {
            let algorithms = CheckedProof::algorithms().iter().map(ToString::to_string);
            metadata.dpop_signing_alg_values_supported = Some(algorithms.collect());
        }
    }

    /// Lets in the bearer of a token of this issuer that says this: its signature, its times and its
    /// audience were checked.
    pub(super) async fn admit(
        &self,
        issuer: &str,
        claims: &Claims,
        presented: &Presented<'_>,
    ) -> Result<Admitted, Denied> {
        let bound_to = claims.confirmation()?;
        self.check_trust_domain(presented.certificate)?;
        self.check_certificate(&bound_to, presented.certificate)?;
        let expires_at = claims.expires_at()?;
        let mut authentication = Authentication::new(issuer);
        authentication.subject = claims.subject()?.map(Into::into);
        authentication.client_id = claims.client_id()?.map(Into::into);
        authentication.scopes = claims.scopes().iter().map(Into::into).collect();
        authentication.spiffe_id =
            presented.certificate.and_then(ClientCertificate::spiffe_id).map(Into::into);
        authentication.binding = binding(&bound_to);
        authentication.expires_at =
            Some(expires_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
        let principal = self.principal(authentication, claims)?;
        // Last, so that only who has a good token takes room in the replay store.
        let nonce = self.check_key(&bound_to, presented).await?;
        Ok(Admitted { nonce, ..Admitted::new(principal).until(expires_at) })
    }

    /// Who calls: the subject of the token, or the client itself where there is none.
    fn principal(&self, known: Authentication, claims: &Claims) -> Result<Principal, Denied> {
        // Neither `#` nor `?` can stand in an issuer identifier (RFC 8414, 2): no two ids are alike.
        let id = match (&known.subject, &known.client_id) {
            (Some(subject), _) => format!("{}#{subject}", known.issuer),
            (None, Some(client)) => format!("{}?client_id={client}", known.issuer),
            (None, None) => return Err(invalid("the token says neither subject nor client")),
        };
        let facts = self.facts.iter().filter_map(|name| Some((&**name, claims.fact(name)?)));
        let principal = Principal::new(id).authenticated(known);
        Ok(facts.fold(principal, |principal, (name, fact)| principal.with(name, fact)))
    }

    fn check_trust_domain(&self, certificate: Option<&ClientCertificate>) -> Result<(), Denied> {
        if self.trust_domains.is_empty() {
            return Ok(());
        }
        let certificate =
            certificate.ok_or_else(|| invalid("the caller has shown no certificate"))?;
        let Some(found) = certificate.trust_domain() else {
            return Err(invalid("the caller's certificate has no SPIFFE ID"));
        };
        if self.trust_domains.iter().any(|trusted| **trusted == *found) {
            return Ok(());
        }
        let reason = format!("the caller's certificate is of another trust domain: {found}");
        Err(Denied::new(Denial::InvalidToken, reason))
    }

    fn check_certificate(
        &self,
        bound_to: &Confirmation<'_>,
        certificate: Option<&ClientCertificate>,
    ) -> Result<(), Denied> {
        let Some(expected) = bound_to.certificate else {
            return if self.certificate_binding {
                Err(invalid("the token is not bound to a client certificate, as is required here"))
            } else {
                Ok(())
            };
        };
        let Some(certificate) = certificate else {
            return Err(invalid(
                "the token is bound to a certificate, and the caller has shown none",
            ));
        };
        if same(certificate.thumbprint(), expected) {
            Ok(())
        } else {
            Err(invalid("the token is bound to another certificate than the caller has shown"))
        }
    }

    /// Checks that the caller holds the key; gives the nonce for its next proof, if it needs one.
    async fn check_key(
        &self,
        bound_to: &Confirmation<'_>,
        presented: &Presented<'_>,
    ) -> Result<Option<Box<str>>, Denied> {
        match (bound_to.key, presented.scheme) {
            (None, _) if self.dpop == DPoP::Required => {
                Err(invalid("the token is not bound to a key, as is required here"))
            }
            (None, Scheme::Bearer) => Ok(None),
            (None, Scheme::DPoP) => {
                Err(invalid("the token is shown with a proof, and is not bound to a key"))
            }
            (Some(_), Scheme::Bearer) => {
                Err(invalid("the token is bound to a key, and is shown without a proof"))
            }
            (Some(key), Scheme::DPoP) => self.proofs.check(key, presented).await,
        }
    }
}

/// What the caller has been shown to hold; a certificate, where it is both.
fn binding(bound_to: &Confirmation<'_>) -> Binding {
    match (bound_to.certificate, bound_to.key) {
        (Some(thumbprint), _) => Binding::Certificate { thumbprint: thumbprint.into() },
        (None, Some(thumbprint)) => Binding::DPoP { thumbprint: thumbprint.into() },
        (None, None) => Binding::None,
    }
}

fn invalid(reason: &'static str) -> Denied {
    Denied::new(Denial::InvalidToken, reason)
}
